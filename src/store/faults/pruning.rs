//! Pruning.

use super::*;
use crate::catalog::Catalog;
use crate::parts;

const DAY_US: i64 = 86_400_000_000;
const SECOND_DAY: &str = "2026-01-16";

/// Records frames of these games at these times as a session of their own.
fn play(root: &DataRoot, frames: &[(i64, &str)]) {
    let recorder =
        Recorder::start(Arc::new(Store::open(root, "test").unwrap()), RecorderOptions::new("test")).unwrap();
    for (ts, game) in frames {
        let text = format!(r#"42["newChatMessage",{{"gameId":"{game}"}}]"#);
        recorder.append(&Record { ts: Some(*ts), ..frame(&text) }).unwrap();
    }
    recorder.close().unwrap();
}

/// An old day with all that pruning meets: a game that runs past the date, a part that is lost, one that only its clock
/// made old, and a file that was set aside.
fn template() -> (TempDir, DataRoot) {
    let (folder, root) = root();
    play(&root, &[(NOON_US, "early"), (NOON_US, "across"), (NOON_US + DAY_US, "across")]);
    play(&root, &[(NOON_US, "other")]);
    play(&root, &[(NOON_US + DAY_US, "young"), (NOON_US - 20 * DAY_US, "young")]);
    play(&root, &[(NOON_US, "lost")]);
    let mut catalog = Catalog::load(&root).unwrap();
    // They were recorded when they are stamped, not today.
    catalog.sessions.iter_mut().for_each(|info| info.started_us = NOON_US);
    catalog.save(&root).unwrap();
    let old = catalog.parts.iter().filter(|part| part.date.as_str() < SECOND_DAY);
    let last = old.max_by_key(|part| part.sessions[0].session_id).unwrap();
    let path = root.path().join(&last.path);
    // Not even its footer can be read.
    fs::write(&path, vec![0; fs::read(&path).unwrap().len()]).unwrap();
    fs::write(path.with_extension("parquet.orphan"), "set aside").unwrap();
    (folder, root)
}

/// Everything that was listed is gone, and nothing of it is left on the disk. (What was being written and could not be
/// removed is, until the next start: [`restart`] expects none.)
fn assert_pruned(root: &DataRoot, expected: &[(DocType, String, i64, String)]) {
    assert_eq!(all(root), expected);
    assert_in_order(root);
    let named: Vec<String> = Catalog::load(root).unwrap().parts.into_iter().map(|part| part.path).collect();
    let files: Vec<String> =
        parts::all_files(root).unwrap().into_iter().filter(|path| !parts::is_leftover(path)).collect();
    assert_eq!(files, named);
}

#[test]
fn pruning_survives_every_fault() {
    let (_folder, template) = template();
    let before = all(&template);
    let expected = {
        let (_folder, root) = crashed(&template);
        let pruned = Store::open(&root, "test").unwrap().prune(SECOND_DAY, false).unwrap();
        assert_eq!((pruned.lost, pruned.kept_by_order, pruned.leftovers, pruned.kept_rows), (1, 1, 1, 1));
        all(&root)
    };
    assert!(expected.len() < before.len());
    every_operation_fails_once("prune", &template, |run| {
        let store = Store::open(run.root, "test").unwrap();
        run.start();
        let pruned = store.prune(SECOND_DAY, false);
        if let Err(error) = &pruned {
            assert_helps(error, run.root);
        }
        let found = run.reading(all);
        assert!(found == expected || (pruned.is_err() && found == before), "all or nothing: {pruned:?}");
        run.crashing(|root| {
            let found = all(root);
            assert!(found == expected || found == before, "a reader after a crash");
            drop(Store::open(root, "test").unwrap());
            let found = all(root);
            assert!(found == expected || found == before, "a start after a crash");
            Store::open(root, "test").unwrap().prune(SECOND_DAY, false).unwrap();
            assert_pruned(root, &expected);
        });
        run.disk.mend();
        store.prune(SECOND_DAY, false).unwrap();
        assert_pruned(run.root, &expected);
        drop(store);
        restart(run.root);
        assert_pruned(run.root, &expected);
    });
}
