//! Repair: rows made again, and losses accepted.

use super::*;
use crate::catalog::Catalog;
use crate::repair::RepairOptions;

const REPAIR: RepairOptions = RepairOptions { dry_run: false, give_up: false };
const GIVE_UP: RepairOptions = RepairOptions { dry_run: false, give_up: true };

type Rows = Vec<(DocType, String, i64, String)>;

/// Damages the part of this kind.
fn damage(root: &DataRoot, kind: DocType, damage: fn(&mut [u8])) {
    let parts = Catalog::load(root).unwrap().parts;
    let part = parts.iter().find(|part| part.doc_type == kind).unwrap();
    let path = root.path().join(&part.path);
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(&path, bytes).unwrap();
}

/// A bit of a row: the part can still say of itself what it is.
fn flip(bytes: &mut [u8]) {
    bytes[8] ^= 0x40;
}

fn zero(bytes: &mut [u8]) {
    bytes.fill(0);
}

/// Nothing is lost any more, and the damaged files are set aside.
fn assert_repaired(root: &DataRoot, expected: &Rows) {
    assert_eq!(all(root), *expected);
    assert_in_order(root);
    let catalog = Catalog::load(root).unwrap();
    assert_eq!(catalog.lost, []);
    let named: Vec<String> = catalog.parts.into_iter().map(|part| part.path).collect();
    assert_eq!(crate::parts::files_on_disk(root).unwrap(), named);
}

/// Between two states: rows that came back part by part, each once.
fn is_between(before: &Rows, found: &Rows, after: &Rows) -> bool {
    let mut once = found.clone();
    once.dedup();
    once == *found && before.iter().all(|row| found.contains(row)) && found.iter().all(|row| after.contains(row))
}

/// Every operation of a repair with these options fails once on the root, which loses the rows of `after` that it has not.
fn survives_every_fault(name: &str, template: &DataRoot, options: RepairOptions, after: &Rows) {
    let before = all(template);
    every_operation_fails_once(name, template, |run| {
        let store = Store::open(run.root, "test").unwrap();
        run.start();
        let repaired = store.repair(options);
        if let Err(error) = &repaired {
            assert_helps(error, run.root);
        }
        let found = run.reading(all);
        assert!(is_between(&before, &found, after), "{repaired:?}: {found:?}");
        assert!(repaired.is_err() || found == *after, "{repaired:?}");
        run.crashing(|root| {
            let found = all(root);
            assert!(is_between(&before, &found, after), "a reader after a crash: {found:?}");
            let given_up = |catalog: Catalog| catalog.given_up;
            let decided = given_up(serde_json::from_slice(&fs::read(root.catalog_path()).unwrap()).unwrap());
            let store = Store::open(root, "test").unwrap();
            assert_eq!(given_up(store.catalog()), decided, "after a crash");
            let found = all(root);
            assert!(is_between(&before, &found, after), "a start after a crash: {found:?}");
            store.repair(options).unwrap();
            assert_repaired(root, after);
        });
        run.disk.mend();
        store.repair(options).unwrap();
        assert_repaired(run.root, after);
        drop(store);
        restart(run.root);
        assert_repaired(run.root, after);
    });
}

#[test]
fn repair_survives_every_fault() {
    let (_folder, template) = root();
    record(&template, 1..=3);
    let whole = all(&template);
    damage(&template, DocType::GameTick, zero);
    damage(&template, DocType::Game, flip);
    assert!(all(&template).len() < whole.len());
    survives_every_fault("repair", &template, REPAIR, &whole);
}

#[test]
fn giving_up_survives_every_fault() {
    for (name, change) in [("give up", flip as fn(&mut [u8])), ("give up what cannot be read", zero)] {
        let (_folder, template) = root();
        record(&template, 1..=3);
        damage(&template, DocType::WsEvent, change);
        let left = all(&template);
        survives_every_fault(name, &template, GIVE_UP, &left);
    }
}

#[test]
fn checksums_that_are_missing_are_added_whatever_fails() {
    let (_folder, template) = root();
    record(&template, 1..=2);
    let whole = all(&template);
    every_operation_fails_once("add checksums", &template, |run| {
        let store = Store::open(run.root, "test").unwrap();
        // As in a store of an older build, of which opening it reads only so much.
        let forget = |catalog: &mut Catalog| catalog.parts.iter_mut().for_each(|part| part.written = None);
        store.update_catalog(forget).unwrap().durable().unwrap();
        run.start();
        let repaired = store.repair(REPAIR);
        if let Err(error) = &repaired {
            assert_helps(error, run.root);
        }
        assert_eq!(run.reading(all), whole, "{repaired:?}");
        run.assert_after_a_crash(all, &whole);
        run.disk.mend();
        store.repair(REPAIR).unwrap();
        assert!(store.catalog().parts.iter().all(|part| part.written.is_some()));
        assert_repaired(run.root, &whole);
    });
}
