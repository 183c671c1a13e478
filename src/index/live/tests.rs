#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::super::query::{Question, Reader};
use super::super::testing::{Hashing, play, record, root};
use super::super::units::{Unit, UnitKind, games};
use super::*;
use crate::store::Store;
use crate::store::record::{Record, Source};
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::scan::ScanFilter;
use crate::store::view::View;

fn recorder(root: &DataRoot, segment_bytes: u64) -> Recorder {
    let store = Arc::new(Store::open(root, "test").unwrap());
    Recorder::start(store, RecorderOptions { segment_bytes, ..RecorderOptions::new("test") }).unwrap()
}

fn records(root: &DataRoot) -> Records {
    View::read(root, |view| Ok(Records::of(view))).unwrap()
}

/// The summaries that a look at the whole store gives.
fn summaries(root: &DataRoot) -> BTreeMap<String, Unit> {
    let games = games::read(root, &ScanFilter::default()).unwrap();
    games
        .units(records(root).all())
        .filter(|unit| unit.kind == UnitKind::Game)
        .map(|unit| (unit.id.clone(), unit))
        .collect()
}

/// The last game that is over, as far as the store knows.
fn last_finished(root: &DataRoot) -> String {
    let over = records(root).all().filter(|game| game.entry.is_some() && game.rug_frame.is_some()).last();
    over.unwrap().game_id.to_string()
}

/// Whether the index has this game.
async fn is_found(root: &DataRoot, id: &str) -> bool {
    let reader = match Reader::open(root).await {
        Ok(reader) => reader,
        Err(IndexError::Missing { .. }) => return false,
        Err(error) => panic!("{error}"),
    };
    match reader.search(&Question::new(id, 1), Some(Hashing::new()), None).await {
        Ok(found) => found.hits.first().is_some_and(|hit| hit.unit.id == format!("game:{id}")),
        // Its table was replaced while it was searched: the service opens it again, and so does the next round.
        Err(IndexError::Damaged { .. }) => false,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn each_game_is_handed_out_when_its_history_came_and_not_again() {
    let (_folder, root) = root();
    let recorder = recorder(&root, 64 << 20);
    let mut finished = Finished::open(&root).unwrap();
    let mut told: Vec<String> = Vec::new();
    for frame in play(3, 1, 0) {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        if frame.text.contains("gameHistory") {
            finished.poll().unwrap();
            told.extend(finished.units().into_iter().flat_map(|(changed, _)| changed.games));
        }
    }
    let once: BTreeSet<&String> = told.iter().collect();
    assert!(once.len() >= 3 && once.len() == told.len(), "{told:?}");
    assert!(finished.units().is_none());
}

#[test]
fn a_game_that_began_before_is_whole_when_it_finishes() {
    let (_folder, root) = root();
    // Small segments: the game's beginning is in a part when the second look starts in its middle.
    let recorder = recorder(&root, 20_000);
    let frames: Vec<_> = play(2, 5, 0).collect();
    let half = frames.len() / 2;
    let append = |frames: &[crate::simulator::SimulatedFrame]| {
        for frame in frames {
            recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        }
    };
    append(&frames[..half]);
    let mut finished = Finished::open(&root).unwrap();
    append(&frames[half..]);
    finished.poll().unwrap();
    let (_, units) = finished.units().unwrap();
    recorder.close().unwrap();
    let whole = summaries(&root);
    let games: Vec<&Unit> = units.iter().filter(|unit| unit.kind == UnitKind::Game).collect();
    assert!(!games.is_empty());
    for unit in games {
        assert_eq!(unit.text, whole[&unit.id].text);
    }
}

#[test]
fn games_of_hours_ago_are_let_go() {
    let (_folder, root) = root();
    let recorder = recorder(&root, 64 << 20);
    let mut finished = Finished::open(&root).unwrap();
    let mut most = 0;
    for (at, frame) in play(150, 7, 0).enumerate() {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        if at % 5_000 == 0 {
            finished.poll().unwrap();
            finished.units();
            most = most.max(finished.games.games.len());
        }
    }
    assert!((20..110).contains(&most), "{most}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_game_is_found_while_the_recording_goes_on() {
    let (_folder, root) = root();
    record(&root, 1, 9, 0);
    let stop = CancellationToken::new();
    let updates = Arc::new(Mutex::new(Vec::new()));
    let following = {
        let (root, stop, updates) = (root.clone(), stop.clone(), Arc::clone(&updates));
        tokio::spawn(async move {
            let told = move |built: &Built, _: Duration| updates.lock().unwrap().push(built.clone());
            follow(&root, Some(Hashing::new()), stop, told).await
        })
    };
    let recorder = recorder(&root, 64 << 20);
    for frame in play(2, 10, 1) {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
    let id = last_finished(&root);
    let deadline = Instant::now() + Duration::from_secs(120);
    loop {
        assert!(Instant::now() < deadline, "{:?}", updates.lock().unwrap());
        if is_found(&root, &id).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    stop.cancel();
    following.await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_game_that_finished_last_is_taken_in_before_it_ends() {
    let (_folder, root) = root();
    let recorder = recorder(&root, 64 << 20);
    let stop = CancellationToken::new();
    let mut frames = Some(play(2, 10, 1));
    // After the first update, and before the second look: two games, and the wish to end.
    let told = |_: &Built, _| {
        for frame in frames.take().into_iter().flatten() {
            recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
        }
        stop.cancel();
    };
    follow(&root, Some(Hashing::new()), stop.clone(), told).await.unwrap();
    assert!(is_found(&root, &last_finished(&root)).await);
}
