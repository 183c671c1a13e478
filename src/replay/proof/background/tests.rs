#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::*;
use crate::simulator::{Config, GameTruth, Session};
use crate::store::proof::{GAME_DIFFERS, GAME_PROVEN};
use crate::store::record::Direction;
use crate::store::{scan, verify};

/// Records simulated games, as `keep` wants the frames; returns what was played.
fn record(root: &DataRoot, games: usize, mut keep: impl FnMut(usize, &str) -> Option<String>) -> Vec<GameTruth> {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let mut session = Session::new(Config { games, ..Config::default() });
    for (number, frame) in session.by_ref().enumerate() {
        if frame.direction == Direction::Received
            && let Some(text) = keep(number, &frame.text)
        {
            recorder.append(&Record::frame(frame.at_us, Source::PublicWs, frame.direction, &text)).unwrap();
        }
    }
    recorder.close().unwrap();
    session.truths().to_vec()
}

fn prove(root: &DataRoot) -> (u64, u64) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    prove_pending(&store, &BTreeSet::new(), &CancellationToken::new()).unwrap()
}

fn scratch() -> (tempfile::TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

fn count(root: &DataRoot, doc_type: DocType, column: &str, value: &str) -> usize {
    use arrow::array::AsArray;
    let batches = scan::scan(root, doc_type, &scan::ScanFilter::default()).unwrap();
    batches
        .map(|batch| {
            let batch = batch.unwrap();
            let texts = batch.column_by_name(column).unwrap().as_string::<i32>();
            texts.iter().filter(|text| *text == Some(value)).count()
        })
        .sum()
}

fn as_it_is(_: usize, text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Drops a third of the tick packets, but none that brings seeds.
fn with_losses(number: usize, text: &str) -> Option<String> {
    let lost = number % 3 == 1 && text.contains("\"tickCount\"") && !text.contains("\"gameHistory\"");
    (!lost).then(|| text.to_owned())
}

#[test]
fn games_are_proven_once_and_again_after_a_restart_not_at_all() {
    let (_folder, root) = scratch();
    let truths = record(&root, 3, as_it_is);
    let (proven, differ) = prove(&root);
    // The history of the first packet lists ten games from before, and the last game's seed has come.
    assert!(proven as usize >= truths.len(), "{proven}");
    assert_eq!(differ, 0);
    assert_eq!(prove(&root), (0, 0));
    assert_eq!(count(&root, DocType::SystemEvent, "event_type", GAME_PROVEN), proven as usize);
    for truth in &truths {
        assert_eq!(count(&root, DocType::SystemEvent, "game_id", &truth.game_id), 1);
    }
}

#[test]
fn ticks_that_were_lost_are_filled_and_the_store_stays_sound() {
    let (_folder, root) = scratch();
    let truths = record(&root, 2, with_losses);
    prove(&root);
    let look = Look::of(View::now(&root).unwrap());
    for truth in &truths {
        let games = BTreeSet::from([truth.game_id.clone()]);
        let gathered = look.gather(&games, None, None, &CancellationToken::new()).unwrap();
        let evidence = &gathered.games[&truth.game_id];
        let rug = u32::try_from(truth.rug_tick).ok();
        let recorded = evidence.recorded(rug);
        assert!(evidence.filled.len() > truth.rug_tick / 10, "{} filled", evidence.filled.len());
        assert!(recorded.is_disjoint(&evidence.filled));
        let all: BTreeSet<u32> = recorded.union(&evidence.filled).copied().collect();
        assert_eq!(all, (0..=rug.unwrap()).collect());
    }
    let verified = verify::verify(&root, |_, _| {}).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

#[test]
fn a_price_that_was_changed_on_its_way_is_found() {
    let (_folder, root) = scratch();
    let mut changed = false;
    record(&root, 1, |_, text| {
        let mut text = text.to_owned();
        if !changed && text.contains("\"tickCount\":20,") {
            let at = text.find("\"price\":").unwrap() + "\"price\":".len();
            text.insert(at, '9');
            changed = true;
        }
        Some(text)
    });
    assert!(changed);
    let (_, differ) = prove(&root);
    assert_eq!(differ, 1);
    assert_eq!(count(&root, DocType::SystemEvent, "event_type", GAME_DIFFERS), 1);
    assert_eq!(prove(&root), (0, 0));
}

#[test]
fn a_crash_between_games_leaves_the_rest_to_the_next_start() {
    let (_folder, root) = scratch();
    record(&root, 2, as_it_is);
    let stop = CancellationToken::new();
    let mut first = Prover::open(&root, &stop).unwrap();
    let proofs = first.poll(&root, &stop).unwrap();
    // Only one of them reaches the journal before the end.
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    let details = serde_json::to_string(&proofs[0]).unwrap();
    recorder.append(&Record::system(now_us(), Source::Ui, proofs[0].event_type(), &details)).unwrap();
    recorder.close().unwrap();
    drop(recorder);
    let (proven, _) = prove_pending(&store, &BTreeSet::new(), &stop).unwrap();
    assert_eq!(proven as usize, proofs.len() - 1);
}

#[test]
fn a_game_is_proven_from_where_it_began_in_the_journal_as_from_the_journals_beginning() {
    let (_folder, root) = scratch();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let stop = CancellationToken::new();
    let mut prover = Prover::open(&root, &stop).unwrap();
    let mut session = Session::new(Config { games: 3, ..Config::default() });
    let mut proven = Vec::new();
    for (number, frame) in session.by_ref().enumerate() {
        recorder.append(&Record::frame(frame.at_us, Source::PublicWs, frame.direction, &frame.text)).unwrap();
        if number % 40 == 0 {
            proven.extend(prover.poll(&root, &stop).unwrap());
        }
    }
    proven.extend(prover.poll(&root, &stop).unwrap());
    let last = session.truths().last().unwrap().game_id.clone();
    let from = prover.beginning_of(&BTreeSet::from([last.clone()]));
    let skipped: u64 = from.values().map(|(_, position)| *position).sum();
    let journal: u64 =
        crate::store::journal::segments(&root).unwrap().iter().map(|s| s.path.metadata().unwrap().len()).sum();
    assert!(skipped > journal / 3, "{skipped} of {journal} bytes are not read again");
    let from_the_beginning = Prover::open(&root, &stop).unwrap().poll(&root, &stop).unwrap();
    for truth in session.truths() {
        let of = |proofs: &[StoredProof]| proofs.iter().find(|proof| proof.game_id == truth.game_id).cloned();
        assert_eq!(of(&proven).unwrap(), of(&from_the_beginning).unwrap());
    }
    assert!(prover.beginning_of(&BTreeSet::from(["unknown".to_owned(), last])).is_empty());
}
