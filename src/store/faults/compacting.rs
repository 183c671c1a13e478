//! Compaction.

use super::*;
use crate::catalog::Catalog;

#[test]
fn compaction_survives_every_fault() {
    let (_folder, template) = root();
    record_as(&template, 1..=3, chat);
    record_as(&template, 4..=6, chat);
    let expected = all(&template);
    every_operation_fails_once("compact", &template, |run| {
        let store = Store::open(run.root, "test").unwrap();
        run.start();
        let compacted = store.compact(|_, _| {});
        if let Err(error) = &compacted {
            assert_helps(error, run.root);
        }
        assert_eq!(run.reading(all), expected, "{compacted:?}");
        run.assert_after_a_crash(all, &expected);
        run.disk.mend();
        store.compact(|_, _| {}).unwrap();
        assert_eq!(all(run.root), expected);
        assert_in_order(run.root);
        let parts = Catalog::load(run.root).unwrap().parts;
        assert!(parts.windows(2).all(|two| two[0].doc_type != two[1].doc_type), "one part of each kind");
        drop(store);
        restart(run.root);
        assert_eq!(all(run.root), expected);
        assert_in_order(run.root);
    });
}
