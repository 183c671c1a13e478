//! What is kept step by step is what a first look finds, whatever became of the parts meanwhile.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use replayer_simulator::{Config, Session, SimulatedFrame};
use replayer_store::Store;
use replayer_store::follow::Follower;
use replayer_store::record::{Record, Source};
use replayer_store::recorder::{Recorder, RecorderOptions};

use super::*;

fn root() -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

fn frames(games: usize) -> Vec<SimulatedFrame> {
    Session::new(Config { games, full_snapshots: false, ..Config::default() }).collect()
}

fn recorder(root: &DataRoot, segment_bytes: u64) -> Recorder {
    let store = Arc::new(Store::open(root, "test").unwrap());
    Recorder::start(store, RecorderOptions { segment_bytes, ..RecorderOptions::new("test") }).unwrap()
}

fn append(recorder: &Recorder, frames: &[SimulatedFrame]) {
    for frame in frames {
        recorder.append(&Record::frame(frame.at_us, Source::PublicWs, frame.direction, &frame.text)).unwrap();
    }
}

fn fresh(root: &DataRoot) -> Vec<Game> {
    Games::of(&View::now(root).unwrap()).all().collect()
}

#[test]
fn what_is_kept_follows_recording_sealing_compaction_and_pruning() {
    let (_folder, root) = root();
    let mut follower = Follower::open(&root).unwrap();
    let mut games = Games::new(&root);
    let recorder = recorder(&root, 30_000);
    let frames = frames(4);
    for piece in frames.chunks(150) {
        append(&recorder, piece);
        games.apply(&follower.poll().unwrap());
        assert_eq!(games.all().collect::<Vec<_>>(), fresh(&root));
    }
    recorder.close().unwrap();
    games.apply(&follower.poll().unwrap());
    let whole = fresh(&root);
    assert_eq!(games.all().collect::<Vec<_>>(), whole);
    assert!(whole.len() >= 5 && games.in_tail().next().is_none());
    assert_eq!(whole.iter().filter(|game| game.complete).count(), 4);
    drop(recorder);

    let store = Store::open(&root, "test").unwrap();
    let parts = store.catalog().parts.len();
    store.compact(|_, _| {}).unwrap();
    assert!(store.catalog().parts.len() < parts);
    let change = follower.poll().unwrap();
    let changed = games.apply(&change);
    assert!(!changed.sealed.is_empty());
    // Checksums of blocks that were cut by sealing are known now; nothing that follows from them is.
    assert_eq!(games.all().collect::<Vec<_>>(), whole);

    store.prune("2027-01-01", false).unwrap();
    games.apply(&follower.poll().unwrap());
    assert_eq!(games.all().collect::<Vec<_>>(), fresh(&root));
    assert!(games.all().all(|game| game.ticks_recorded() == 0), "the ticks are pruned");
}

#[test]
fn one_more_game_changes_that_game_alone() {
    let (_folder, root) = root();
    let frames = frames(4);
    let first = recorder(&root, 64 << 20);
    let half = frames.len() / 2;
    append(&first, &frames[..half]);
    first.close().unwrap();
    drop(first);
    let mut follower = Follower::open(&root).unwrap();
    let mut games = Games::new(&root);
    games.apply(&follower.poll().unwrap());
    let before = games.all().count();
    let second = recorder(&root, 64 << 20);
    append(&second, &frames[frames.len() - 40..]);
    let change = follower.poll().unwrap();
    let changed = games.apply(&change);
    assert!(changed.tail && changed.sealed.is_empty());
    assert!(games.in_tail().count() < before, "{before}");
    second.close().unwrap();
    let changed = games.apply(&follower.poll().unwrap());
    assert!(changed.tail && !changed.sealed.is_empty());
    assert_eq!(games.all().collect::<Vec<_>>(), fresh(&root));
}

/// Writes the parts again as the release before wrote them, which said nothing of games.
fn without_tables(root: &DataRoot) {
    use parquet::arrow::ArrowWriter;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::KeyValue;
    let path = root.catalog_path();
    let mut catalog: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for part in catalog["parts"].as_array_mut().unwrap() {
        let file = root.path().join(part["path"].as_str().unwrap());
        let reader = ParquetRecordBatchReaderBuilder::try_new(std::fs::File::open(&file).unwrap()).unwrap();
        let kept = reader.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
        let schema = reader.schema().clone();
        let batches: Vec<RecordBatch> = reader.build().unwrap().map(Result::unwrap).collect();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(&file).unwrap(), schema, None).unwrap();
        batches.iter().for_each(|batch| writer.write(batch).unwrap());
        let kept = kept
            .into_iter()
            .filter(|pair| !pair.key.starts_with("replayer.contents") && pair.key != "ARROW:schema");
        kept.for_each(|pair: KeyValue| writer.append_key_value_metadata(pair));
        writer.close().unwrap();
        part["bytes"] = std::fs::metadata(&file).unwrap().len().into();
        part.as_object_mut().unwrap().remove("written");
    }
    let generation = catalog["generation"].as_u64().unwrap() + 1;
    catalog["generation"] = generation.into();
    std::fs::write(&path, serde_json::to_vec(&catalog).unwrap()).unwrap();
    let _ = std::fs::remove_file(root.catalog_copy_path());
}

#[test]
fn parts_of_the_release_before_say_the_same_and_are_read_once() {
    let (_folder, root) = root();
    let recorder = recorder(&root, 30_000);
    append(&recorder, &frames(3));
    recorder.close().unwrap();
    drop(recorder);
    let own = fresh(&root);
    assert!(!root.older_games_path().exists());
    without_tables(&root);
    let view = View::now(&root).unwrap();
    assert_eq!(Games::of(&view).all().collect::<Vec<_>>(), own);
    assert!(root.older_games_path().exists());
    // What is remembered is believed; without it they are read again.
    let text = std::fs::read_to_string(root.older_games_path()).unwrap();
    let id = own[0].game_id.to_string();
    std::fs::write(root.older_games_path(), text.replace(&id, "remembered")).unwrap();
    assert!(Games::of(&view).game("remembered").is_some());
    std::fs::remove_file(root.older_games_path()).unwrap();
    assert_eq!(Games::of(&view).all().collect::<Vec<_>>(), own);
    // Any process that may write does it.
    std::fs::remove_file(root.older_games_path()).unwrap();
    super::super::older::prepare(&root).unwrap();
    assert!(root.older_games_path().exists());
}
