//! What was received more than once counts once, whichever way it came.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::Store;
use crate::catalog::Catalog;
use crate::import::{FileCounts, ImportedFile};
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::testing::{DAY_US, NOON_US, root};
use crate::verify::verify;

fn trade(id: &str) -> String {
    format!(
        r#"42["standard/newTrade",{{"id":"{id}","gameId":"g","type":"buy","amount":1,"price":1.5,"tickIndex":3}}]"#
    )
}

/// One session: frames of one time, from two sources in turn.
fn session(root: &DataRoot, ts: i64, texts: &[String]) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for (number, text) in texts.iter().enumerate() {
        let source = if number % 2 == 0 { Source::Cdp } else { Source::PublicWs };
        recorder.append(&Record::frame(ts, source, Direction::Received, text)).unwrap();
    }
    recorder.close().unwrap();
}

fn import(root: &DataRoot, ts: i64, texts: &[String]) {
    let store = Store::open(root, "test").unwrap();
    let mut batch = store.import_batch().unwrap();
    batch.begin(ImportedFile { name: "x".into(), format: "x".into(), sha256: String::new(), bytes: 0 }).unwrap();
    for text in texts {
        batch.push(&Record::frame(ts, Source::Import, Direction::Received, text)).unwrap();
    }
    batch.end(FileCounts::default()).unwrap();
    batch.commit().unwrap();
}

/// Rows that count, and rows that repeat others.
fn rows(root: &DataRoot, doc_type: DocType) -> (u64, u64) {
    let catalog = Catalog::load(root).unwrap();
    let of = |wanted: Ids| {
        let parts = catalog.parts.iter().filter(|part| part.doc_type == doc_type && part.ids == Some(wanted));
        parts.map(|part| part.rows).sum()
    };
    (of(Ids::First), of(Ids::Repeated))
}

#[test]
fn a_trade_in_overlapping_files_counts_once() {
    let (_folder, root) = root();
    let six: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(trade).to_vec();
    for part in [0..4, 2..6, 0..6, 1..5] {
        import(&root, NOON_US, &six[part]);
    }
    assert_eq!(rows(&root, DocType::Trade), (6, 12));
    assert!(verify(&root, |_, _| ()).unwrap().problems.is_empty());
}

#[test]
fn a_trade_that_one_session_received_from_two_sources_counts_once() {
    let (_folder, root) = root();
    session(&root, NOON_US, &[trade("a"), trade("a"), trade("b")]);
    assert_eq!(rows(&root, DocType::Trade), (2, 1));
}

#[test]
fn a_trade_around_midnight_counts_once() {
    let (_folder, root) = root();
    let midnight = NOON_US + DAY_US / 2;
    session(&root, midnight - 1, &[trade("a")]);
    session(&root, midnight + 1, &[trade("a")]);
    assert_eq!(rows(&root, DocType::Trade), (1, 1));
}

#[test]
fn a_trade_without_an_id_is_no_repetition() {
    let (_folder, root) = root();
    let nameless = r#"42["standard/newTrade",{"gameId":"g","type":"buy","amount":1}]"#.to_owned();
    session(&root, NOON_US, &[nameless.clone(), nameless]);
    assert_eq!(rows(&root, DocType::Trade), (2, 0));
}

#[test]
fn a_live_side_bet_has_no_id_and_is_known_by_what_it_says() {
    let (_folder, root) = root();
    let bet = |player: &str, timestamp: i64| {
        format!(
            r#"42["newSideBet",{{"gameId":"g","playerId":"{player}","startTick":3,"endTick":43,"betAmount":1,"timestamp":{timestamp}}}]"#
        )
    };
    session(
        &root,
        NOON_US,
        &[bet("p", 1_768_478_400_000), bet("q", 1_768_478_400_000), bet("p", 1_768_478_400_000)],
    );
    assert_eq!(rows(&root, DocType::Sidebet), (2, 1));
}

#[test]
fn compaction_keeps_what_counts_and_what_does_not() {
    let (_folder, root) = root();
    import(&root, NOON_US, &[trade("a"), trade("b")]);
    import(&root, NOON_US, &[trade("b"), trade("c")]);
    import(&root, NOON_US, &[trade("a"), trade("c")]);
    assert_eq!(rows(&root, DocType::Trade), (3, 3));
    let store = Store::open(&root, "test").unwrap();
    store.compact(|_, _| ()).unwrap();
    assert_eq!(rows(&root, DocType::Trade), (3, 3));
    assert_eq!(store.compact(|_, _| ()).unwrap().parts_before, 0, "a second time there is nothing to do");
}

#[test]
fn parts_of_an_older_build_are_sorted_by_compaction() {
    let (_folder, root) = root();
    import(&root, NOON_US, &[trade("a"), trade("b")]);
    import(&root, NOON_US, &[trade("b"), trade("c")]);
    let mut catalog = Catalog::load(&root).unwrap();
    for part in catalog.parts.iter_mut().filter(|part| part.doc_type == DocType::Trade) {
        (part.ids, part.layout) = (None, 0);
    }
    catalog.save(&root).unwrap();
    Store::open(&root, "test").unwrap().compact(|_, _| ()).unwrap();
    assert_eq!(rows(&root, DocType::Trade), (3, 1));
}

#[test]
fn pruning_does_not_take_what_stays_for_a_repetition_of_what_goes() {
    let (_folder, root) = root();
    let state = |n: i64| {
        format!(
            r#"42["gameStateUpdate",{{"gameId":"g","active":true,"rugged":false,"price":1.0,"tickCount":{n}}}]"#
        )
    };
    let midnight = NOON_US + DAY_US / 2;
    // A game that runs across midnight: its trade of the day before stays.
    session(&root, midnight - 1, &[state(1), trade("a")]);
    session(&root, midnight + 1, &[state(2)]);
    Store::open(&root, "test").unwrap().prune("2026-01-16", false).unwrap();
    assert_eq!(rows(&root, DocType::Trade), (1, 0));
}
