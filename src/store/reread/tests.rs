#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use super::*;
use crate::record::Direction;
use crate::recorder::{Recorder, RecorderOptions};
use crate::root::DataRoot;
use crate::testing::{root, simulated};
use replayer_simulator::{Config, Session};

const ODD: &str =
    r#"42["standard/newTrade",{"id":"odd","gameId":"g","username":"cut \ud83e","qty":1e400,"amount":0.5}]"#;

/// Two games of a logged-in browser, and a trade with values that a strict parser refuses.
fn recorded() -> (tempfile::TempDir, DataRoot, Store) {
    let (folder, root) = root();
    {
        let store = Arc::new(Store::open(&root, "test").unwrap());
        let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
        let frames: Vec<_> = Session::new(Config { games: 2, logged_in: true, ..Config::default() }).collect();
        for frame in &frames {
            recorder.append(&simulated(Source::Cdp, frame)).unwrap();
        }
        recorder.append(&Record::frame(frames[0].at_us, Source::Cdp, Direction::Received, ODD)).unwrap();
        recorder.close().unwrap();
    }
    let store = Store::open(&root, "test").unwrap();
    (folder, root, store)
}

/// Makes the parts of this kind those of a build that did not read the odd trade.
fn as_an_older_build_wrote(store: &Store, kind: DocType) {
    let parts: Vec<Part> =
        store.with_catalog(|catalog| catalog.parts.iter().filter(|part| part.doc_type == kind).cloned().collect());
    for part in parts {
        let mut writer =
            PartWriter::new(store.root(), "seal", Vec::new(), store.known_rows(std::slice::from_ref(&part.path)));
        writer.know(store.with_catalog(Catalog::about));
        for batch in scan::batches(store.root(), &part, None) {
            let batch = batch.unwrap();
            let raws = batch.column_by_name("raw_json").unwrap().as_string::<i32>();
            let keep =
                raws.iter().map(|raw| Some(!raw.is_some_and(|raw| raw.contains(r#""id":"odd""#)))).collect();
            let batch = arrow::compute::filter_record_batch(&batch, &keep).unwrap();
            writer.batch(kind, &part.date, &batch, &part.sessions, part.ts_min.zip(part.ts_max)).unwrap();
        }
        store.replace_parts(&[part.path], writer.finish().unwrap(), |_, _| {}).unwrap();
    }
    store
        .update_catalog(|catalog| {
            catalog
                .parts
                .iter_mut()
                .filter(|part| part.doc_type == kind)
                .for_each(|part| part.schema = "1.0".into());
        })
        .unwrap()
        .durable()
        .unwrap();
}

fn rows_by_kind(store: &Store) -> BTreeMap<DocType, u64> {
    let mut rows = BTreeMap::new();
    store.with_catalog(|catalog| {
        catalog.parts.iter().for_each(|part| *rows.entry(part.doc_type).or_default() += part.rows);
    });
    rows
}

#[test]
fn what_an_older_reading_missed_is_there_after_migrating() {
    let (_folder, _root, store) = recorded();
    let whole = rows_by_kind(&store);
    as_an_older_build_wrote(&store, DocType::Trade);
    assert_eq!(rows_by_kind(&store)[&DocType::Trade], whole[&DocType::Trade] - 1);
    let reread = store.migrate(false).unwrap().reread;
    assert_eq!((reread.parts, reread.rows_after - reread.rows_before), (1, 1));
    assert_eq!(rows_by_kind(&store), whole);
    assert_eq!(store.migrate(false).unwrap().reread, Reread::default(), "once is enough");
}

#[test]
fn every_kind_that_is_taken_out_of_frames_gives_the_same_rows_again() {
    let (_folder, _root, store) = recorded();
    let whole = rows_by_kind(&store);
    let derived: Vec<DocType> = whole.keys().copied().filter(|kind| repair::is_derived(*kind)).collect();
    for kind in &derived {
        as_an_older_build_wrote(&store, *kind);
    }
    assert_eq!(store.migrate(false).unwrap().reread.parts, derived.len());
    assert_eq!(rows_by_kind(&store), whole);
}

#[test]
fn a_dry_run_counts_and_changes_nothing() {
    let (_folder, _root, store) = recorded();
    as_an_older_build_wrote(&store, DocType::Trade);
    let before = rows_by_kind(&store);
    assert_eq!(store.migrate(true).unwrap().reread.parts, 1);
    assert_eq!(rows_by_kind(&store), before);
}

#[test]
fn a_part_whose_frames_are_gone_stays_as_it_is() {
    let (_folder, _root, store) = recorded();
    as_an_older_build_wrote(&store, DocType::Trade);
    let before = rows_by_kind(&store)[&DocType::Trade];
    let change = |catalog: &mut Catalog| catalog.parts.retain(|part| part.doc_type != DocType::WsEvent);
    store.update_catalog(change).unwrap().durable().unwrap();
    let reread = store.migrate(false).unwrap().reread;
    assert_eq!((reread.parts, reread.without_frames), (0, 1));
    assert_eq!(rows_by_kind(&store)[&DocType::Trade], before);
}
