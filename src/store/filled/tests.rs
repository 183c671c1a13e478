//! What parts say of filled ticks, whatever came first.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use replayer_protocol::fairness::{self, GameVersion};

use super::*;
use crate::Store;
use crate::import::{FileCounts, ImportedFile};
use crate::proof::StoredProof;
use crate::record::{Direction, Record, Source};
use crate::recorder::{Recorder, RecorderOptions};
use crate::scan::{ScanFilter, scan};
use crate::testing::{DAY_US, NOON_US, root};
use crate::verify::verify;

const GAME: &str = "20260115-00000000000000ab";

fn frame(tick: i64) -> String {
    format!(
        r#"42["gameStateUpdate",{{"gameId":"{GAME}","active":true,"rugged":false,"price":1.5,"tickCount":{tick}}}]"#
    )
}

fn proof(filled: Vec<(u32, u32)>) -> String {
    let seed = format!("{:064x}", 0xa);
    let path = fairness::play(&seed, GAME, GameVersion::V3);
    let proof = StoredProof {
        game_id: GAME.into(),
        server_seed: seed,
        version: "v3".into(),
        rug_tick: u32::try_from(path.rug_tick).unwrap(),
        peak: path.peak,
        prices_compared: 3,
        filled,
        difference: None,
        contradictions: Vec::new(),
        revision: crate::proof::REVISION,
    };
    serde_json::to_string(&proof).unwrap()
}

/// One session: recorded ticks, then a proof that fills some.
fn session(root: &DataRoot, ticks: &[i64], filled: Option<(u32, u32)>) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    append(&recorder, ticks, filled);
    recorder.close().unwrap();
}

fn append(recorder: &Recorder, ticks: &[i64], filled: Option<(u32, u32)>) {
    for tick in ticks {
        recorder.append(&Record::frame(NOON_US, Source::PublicWs, Direction::Received, &frame(*tick))).unwrap();
    }
    if let Some(filled) = filled {
        let details = proof(vec![filled]);
        // Noted now: which parts a proof has not seen is told by their age.
        recorder.append(&Record::system(crate::record::now_us(), Source::Ui, "game_proven", &details)).unwrap();
    }
}

fn import(store: &Store, ticks: &[i64]) {
    let mut batch = store.import_batch().unwrap();
    batch.begin(ImportedFile { name: "x".into(), format: "x".into(), sha256: String::new(), bytes: 0 }).unwrap();
    for tick in ticks {
        batch.push(&Record::frame(NOON_US, Source::Import, Direction::Received, &frame(*tick))).unwrap();
    }
    batch.end(FileCounts::default()).unwrap();
    batch.commit().unwrap();
}

/// The parts of ticks: what they say they hold, and their rows.
fn parts(root: &DataRoot) -> Vec<(Option<Ticks>, u64)> {
    let catalog = crate::catalog::Catalog::load(root).unwrap();
    let ticks = catalog.parts.iter().filter(|part| part.doc_type == DocType::GameTick);
    let mut parts: Vec<_> = ticks.map(|part| (part.ticks, part.rows)).collect();
    parts.sort_by_key(|(ticks, rows)| (format!("{ticks:?}"), *rows));
    parts
}

/// The ticks that are stored: how many were recorded, how many filled.
fn rows(root: &DataRoot) -> (usize, usize) {
    let (mut recorded, mut filled) = (0, 0);
    for batch in scan(root, DocType::GameTick, &ScanFilter::default()).unwrap() {
        let of_seed = filled_rows(&batch.unwrap());
        filled += of_seed.iter().filter(|is| **is).count();
        recorded += of_seed.iter().filter(|is| !**is).count();
    }
    (recorded, filled)
}

#[test]
fn filled_ticks_lie_in_a_part_of_their_own() {
    let (_folder, root) = root();
    session(&root, &[0, 1, 4], Some((2, 3)));
    assert_eq!(parts(&root), [(Some(Ticks::Filled), 2), (Some(Ticks::Recorded), 3)]);
    assert!(verify(&root, |_, _| ()).unwrap().problems.is_empty());
}

#[test]
fn a_recording_that_comes_after_a_filled_tick_says_so() {
    let (_folder, root) = root();
    session(&root, &[0, 1, 4], Some((2, 3)));
    session(&root, &[3], None);
    session(&root, &[5], None);
    let found = parts(&root);
    assert_eq!(
        found,
        [
            (Some(Ticks::Filled), 2),
            (Some(Ticks::Recorded), 1),
            (Some(Ticks::Recorded), 3),
            (Some(Ticks::Superseding), 1)
        ]
    );
}

#[test]
fn a_late_frame_in_the_segment_of_the_proof_says_so_too() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    append(&recorder, &[0, 1, 4], Some((2, 3)));
    append(&recorder, &[2], None);
    recorder.close().unwrap();
    let found = parts(&root);
    let rows = |kind| found.iter().filter(|(ticks, _)| *ticks == Some(kind)).map(|(_, rows)| rows).sum::<u64>();
    assert_eq!(rows(Ticks::Filled), 2, "{found:?}");
    assert_eq!(rows(Ticks::Recorded) + rows(Ticks::Superseding), 4, "{found:?}");
    assert!(rows(Ticks::Superseding) > 0, "the late frame's part: {found:?}");
}

#[test]
fn a_tick_that_was_imported_while_its_proof_was_not_sealed_is_not_filled() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    append(&recorder, &[0, 1, 4], Some((2, 3)));
    import(&store, &[3]);
    recorder.close().unwrap();
    assert_eq!(rows(&root), (4, 1));
    let found = parts(&root);
    assert!(found.iter().all(|(ticks, _)| *ticks != Some(Ticks::Superseding)), "{found:?}");
}

#[test]
fn an_import_that_was_begun_before_the_proof_was_sealed_says_so() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let mut batch = store.import_batch().unwrap();
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    append(&recorder, &[0, 1, 4], Some((2, 3)));
    recorder.close().unwrap();
    batch.begin(ImportedFile { name: "x".into(), format: "x".into(), sha256: String::new(), bytes: 0 }).unwrap();
    batch.push(&Record::frame(NOON_US, Source::Import, Direction::Received, &frame(2))).unwrap();
    batch.end(FileCounts::default()).unwrap();
    batch.commit().unwrap();
    assert!(parts(&root).contains(&(Some(Ticks::Superseding), 1)));
}

#[test]
fn compaction_keeps_filled_ticks_apart() {
    let (_folder, root) = root();
    let day = |offset: i64| NOON_US - offset * DAY_US;
    let store = Arc::new(Store::open(&root, "test").unwrap());
    for (ticks, filled) in [(vec![0, 1, 4], (2, 3)), (vec![6], (5, 5))] {
        let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
        for tick in &ticks {
            recorder.append(&Record::frame(day(0), Source::PublicWs, Direction::Received, &frame(*tick))).unwrap();
        }
        recorder.append(&Record::system(day(0), Source::Ui, "game_proven", &proof(vec![filled]))).unwrap();
        recorder.close().unwrap();
    }
    store.compact(|_, _| ()).unwrap();
    assert_eq!(parts(&root), [(Some(Ticks::Filled), 3), (Some(Ticks::Recorded), 4)]);
    assert_eq!(store.compact(|_, _| ()).unwrap().parts_before, 0, "a second time there is nothing to do");
    assert!(verify(&root, |_, _| ()).unwrap().problems.is_empty());
}

#[test]
fn compaction_drops_a_filled_tick_that_was_recorded_after_all() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    append(&recorder, &[0, 1, 4], None);
    recorder.append(&Record::system(NOON_US, Source::Ui, "game_proven", &proof(vec![(2, 3)]))).unwrap();
    recorder.close().unwrap();
    import(&store, &[3]);
    assert!(parts(&root).contains(&(Some(Ticks::Superseding), 1)), "{:?}", parts(&root));
    assert_eq!(store.compact(|_, _| ()).unwrap().superseded_ticks, 1);
    assert_eq!(parts(&root), [(Some(Ticks::Filled), 1), (Some(Ticks::Recorded), 4)]);
    assert_eq!(store.compact(|_, _| ()).unwrap().parts_before, 0, "a second time there is nothing to do");
    assert!(verify(&root, |_, _| ()).unwrap().problems.is_empty());
}

/// A part as older builds wrote it: filled ticks among recorded ones, and nothing said of it.
fn mix(root: &DataRoot) {
    use parquet::arrow::ArrowWriter;
    let mut catalog = crate::catalog::Catalog::load(root).unwrap();
    let (ticks, others): (Vec<Part>, Vec<Part>) =
        catalog.parts.into_iter().partition(|part| part.doc_type == DocType::GameTick);
    let mut all = ticks[0].clone();
    let path = root.path().join(&all.path);
    let batches: Vec<RecordBatch> =
        ticks.iter().flat_map(|part| scan::batches(root, part, None)).map(Result::unwrap).collect();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batches[0].schema(), None).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.close().unwrap();
    ticks.iter().for_each(|part| std::fs::remove_file(root.path().join(&part.path)).unwrap());
    std::fs::write(&path, bytes).unwrap();
    all.rows = batches.iter().map(|batch| batch.num_rows() as u64).sum();
    all.sessions = ticks.iter().flat_map(|part| part.sessions.clone()).collect();
    (all.bytes, all.written) = (std::fs::metadata(&path).unwrap().len(), None);
    (all.layout, all.ticks) = (0, None);
    catalog.parts = others;
    catalog.parts.push(all);
    catalog.save(root).unwrap();
}

#[test]
fn a_part_of_an_older_build_is_taken_apart_by_compaction() {
    let (_folder, root) = root();
    session(&root, &[0, 1, 4], None);
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    recorder.append(&Record::system(NOON_US, Source::Ui, "game_proven", &proof(vec![(2, 3)]))).unwrap();
    recorder.close().unwrap();
    drop((recorder, store));
    session(&root, &[3], None);
    mix(&root);
    assert_eq!(parts(&root), [(None, 6)]);
    // What it holds is known to whoever writes before it is taken apart.
    session(&root, &[2], None);
    assert_eq!(parts(&root), [(None, 6), (Some(Ticks::Superseding), 1)]);
    Store::open(&root, "test").unwrap().compact(|_, _| ()).unwrap();
    assert_eq!(parts(&root), [(Some(Ticks::Filled), 2), (Some(Ticks::Superseding), 5)]);
    assert_eq!(rows(&root), (5, 2));
}

#[test]
fn filled_ticks_are_taken_in_again_when_the_manifests_are_lost() {
    let (_folder, root) = root();
    session(&root, &[0, 1, 4], Some((2, 3)));
    std::fs::remove_dir_all(root.manifests_dir()).unwrap();
    let root = DataRoot::create(root.path().to_path_buf()).unwrap();
    drop(Store::open(&root, "test").unwrap());
    assert_eq!(parts(&root), [(Some(Ticks::Filled), 2), (Some(Ticks::Recorded), 3)]);
}
