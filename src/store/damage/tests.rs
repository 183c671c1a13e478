#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::fs;

use super::*;
use crate::Store;
use crate::follow::Follower;
use crate::testing::{DAY_US, NOON_US, frames, record, root};
use crate::verify::verify;
use crate::view::View;

/// The first part of this kind with so many rows.
fn part(root: &DataRoot, kind: DocType, rows: u64) -> Part {
    let parts = Catalog::load(root).unwrap().parts;
    parts.into_iter().find(|part| part.doc_type == kind && part.rows == rows).unwrap()
}

/// Flips a bit in the middle of a file: its length stays.
fn flip(root: &DataRoot, part: &Part) -> Vec<u8> {
    let path = root.path().join(&part.path);
    let whole = fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x40;
    fs::write(&path, bytes).unwrap();
    whole
}

/// As [`flip`], by a disk that does not say so.
fn rot(root: &DataRoot, part: &Part) {
    let path = root.path().join(&part.path);
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    flip(root, part);
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
}

#[test]
fn each_part_damaged_in_turn_costs_its_own_rows_and_nothing_else() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    record(&root, 7, NOON_US + DAY_US);
    let parts = Catalog::load(&root).unwrap().parts;
    let count = |root: &DataRoot| -> BTreeMap<String, u64> {
        let parts = Catalog::load(root).unwrap().parts;
        parts.into_iter().map(|part| (part.path, part.rows)).collect()
    };
    let before = count(&root);
    for part in &parts {
        let path = root.path().join(&part.path);
        let whole = fs::read(&path).unwrap();
        let cut = || fs::write(&path, &whole[..whole.len() - 9]).unwrap();
        let zeroed = || fs::write(&path, vec![0; whole.len()]).unwrap();
        let gone = || fs::remove_file(&path).unwrap();
        let flipped = || drop(flip(&root, part));
        let damages: [&dyn Fn(); 4] = [&cut, &zeroed, &gone, &flipped];
        for damage in damages {
            damage();
            let mut expected = before.clone();
            expected.remove(&part.path);
            assert_eq!(count(&root), expected);
            assert_eq!(Catalog::load(&root).unwrap().lost.len(), 1);
            frames(&root);
            fs::write(&path, &whole).unwrap();
            assert_eq!(count(&root), before, "restored, it is in force again");
        }
    }
}

#[test]
fn a_damaged_part_does_not_keep_anybody_from_recording() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    for kind in [DocType::WsEvent, DocType::GameTick] {
        flip(&root, &part(&root, kind, 5));
    }
    record(&root, 7, NOON_US);
    assert_eq!(frames(&root).len(), 7);
    assert_eq!(Catalog::load(&root).unwrap().lost.len(), 2, "the writer keeps them in mind");
}

#[test]
fn a_file_that_was_only_copied_is_read_once_and_believed() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    let expected = frames(&root);
    let part = part(&root, DocType::WsEvent, 5);
    let path = root.path().join(&part.path);
    let bytes = fs::read(&path).unwrap();
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
    assert_eq!(frames(&root), expected);
    let known = fs::read_to_string(root.checked_parts_path()).unwrap();
    assert!(known.contains(&part.path) && !known.contains("damage"), "{known}");
}

#[test]
fn bytes_that_rotted_without_a_trace_are_found_by_verify_and_left_out_from_then_on() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    let part = part(&root, DocType::WsEvent, 5);
    rot(&root, &part);
    let problems = verify(&root, |_, _| ()).unwrap().problems;
    assert!(problems.iter().any(|problem| problem.about == part.path), "{problems:?}");
    assert_eq!(frames(&root), []);
    assert_eq!(Catalog::load(&root).unwrap().lost.len(), 1);
}

#[test]
fn a_reader_that_meets_bytes_that_cannot_be_decoded_reads_on_without_them() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    record(&root, 7, NOON_US);
    let part = part(&root, DocType::WsEvent, 5);
    let path = root.path().join(&part.path);
    // The magic bytes at the end, by a disk that does not say so.
    let modified = fs::metadata(&path).unwrap().modified().unwrap();
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(modified).unwrap();
    let read = View::read(&root, |view| {
        let frames = view.parts().iter().filter(|part| part.doc_type == DocType::WsEvent);
        let batches = frames.flat_map(|part| scan::batches(&root, part, None));
        batches.map(|batch| Ok(batch?.num_rows())).sum::<Result<usize, StoreError>>()
    });
    assert_eq!(read.unwrap(), 7);
}

#[test]
fn who_follows_notices_a_loss_and_a_return_though_the_catalog_stays_as_it_is() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    let part = part(&root, DocType::WsEvent, 5);
    let mut follower = Follower::open(&root).unwrap();
    follower.poll().unwrap();
    // It glances now and then only; who never does runs into the end of the wait.
    let mut becomes = |in_force: bool| {
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            follower.poll().unwrap();
            if follower.catalog().parts.iter().any(|known| known.path == part.path) == in_force {
                return true;
            }
            std::thread::sleep(PAUSE / 4);
        }
        false
    };
    let whole = flip(&root, &part);
    assert!(becomes(false));
    fs::write(root.path().join(&part.path), whole).unwrap();
    assert!(becomes(true));
}

#[test]
fn a_day_with_a_damaged_part_is_not_compacted_and_the_others_are() {
    let (_folder, root) = root();
    for day in [0, 1] {
        record(&root, 5, NOON_US + day * DAY_US);
        record(&root, 7, NOON_US + day * DAY_US);
    }
    rot(&root, &part(&root, DocType::WsEvent, 5));
    let before = Catalog::load(&root).unwrap().parts.len();
    Store::open(&root, "test").unwrap().compact(|_, _| {}).unwrap();
    let (parts, lost) = (Catalog::load(&root).unwrap().parts, Catalog::load(&root).unwrap().lost);
    assert!(parts.len() < before);
    assert!(lost.len() <= 1, "{lost:?}");
    assert!(
        verify(&root, |_, _| ())
            .unwrap()
            .problems
            .iter()
            .all(|problem| !problem.about.starts_with("session") || !lost.is_empty())
    );
}

#[test]
fn what_is_missing_is_said_once_for_each_kind() {
    let (_folder, root) = root();
    record(&root, 5, NOON_US);
    record(&root, 7, NOON_US + DAY_US);
    for rows in [5, 7] {
        flip(&root, &part(&root, DocType::WsEvent, rows));
    }
    let lost = LostParts::of(root.path()).now().unwrap();
    let said = sentences(&lost, &[DocType::WsEvent, DocType::GameTick]);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("12 rows of ws_event (2026-01-15 to 2026-01-16)"), "{said:?}");
}
