//! Cursors over games that are still being recorded.

use super::*;

#[test]
fn a_game_that_is_still_being_recorded_is_followed_to_its_seed() {
    let (frames, truths) = play(small(1, 3));
    let root = Root::new();
    let recorder = root.recorder();
    let truth = &truths[1];
    let first = frames.iter().position(|frame| frame.text.contains(&truth.game_id)).unwrap();
    append(&recorder, &frames[..first + 40]);
    let archive = root.archive();
    let mut cursor = open(&archive, &truth.game_id);
    assert!(cursor.is_live());
    seek(&mut cursor, &archive, Target::End).unwrap();
    assert_eq!(cursor.place().unwrap().at.as_deref(), Some("live_end"));
    assert_eq!(step(&mut cursor, &archive, 1, Unit::Event).stopped, Stopped::LiveEnd);
    let mut states = Vec::new();
    for frame in &frames[first + 40..] {
        append(&recorder, std::slice::from_ref(frame));
        while step(&mut cursor, &archive, 1, Unit::Event).steps == 1 {
            states.push((cursor.position(), state(&mut cursor)));
        }
    }
    assert_eq!(cursor.place().unwrap().at.as_deref(), Some("end"), "nothing comes after the seed");
    assert_eq!(cursor.fold().game_by_id(&truth.game_id).unwrap().proven, Some(true));
    recorder.close().unwrap();
    // The same from the sealed store.
    let fresh = root.archive();
    let mut again = open(&fresh, &truth.game_id);
    for (position, wanted) in states {
        again.go_to(&fresh, position.0, position.1).unwrap();
        assert_eq!(state(&mut again), wanted, "{position:?}");
    }
    assert_eq!(step(&mut again, &fresh, 1, Unit::Event).stopped, Stopped::End);
}

#[test]
fn a_session_that_is_being_recorded_grows_by_games_and_survives_sealing() {
    let (frames, truths) = play(small(2, 4));
    let root = Root::new();
    let store = Arc::new(Store::open(&root.root, "test").unwrap());
    let options = RecorderOptions { segment_bytes: 200_000, ..RecorderOptions::new("test") };
    let recorder = Recorder::start(store, options).unwrap();
    append(&recorder, &frames[..50]);
    let archive = root.archive();
    let mut cursor = Cursor::open(&archive, Covers::Session(recorder.session_id().to_string())).unwrap();
    let mut seqs = vec![1];
    for chunk in frames[50..].chunks(170) {
        append(&recorder, chunk);
        while step(&mut cursor, &archive, 1, Unit::Event).steps == 1 {
            let place = cursor.place().unwrap();
            seqs.push(place.event_ref.rsplit_once(':').unwrap().1.parse().unwrap());
        }
    }
    assert_eq!(seqs, (1..=frames.len()).collect::<Vec<usize>>());
    assert!(cursor.outline().spans.len() > truths.len());
    recorder.close().unwrap();
    assert_eq!(step(&mut cursor, &archive, 1, Unit::Event).stopped, Stopped::End);
}

#[test]
fn parts_that_are_put_together_meanwhile_are_read_from_where_they_went() {
    let root = Root::new();
    let (first, truths) = play(small(3, 3));
    let session = root.record(&first);
    let (second, _) = play(small(4, 3));
    root.record(&second);
    let archive = root.archive();
    let mut cursor = Cursor::open(&archive, Covers::Session(session)).unwrap();
    let store = Store::open(&root.root, "test").unwrap();
    let compacted = store.compact(|_, _| {}).unwrap();
    assert!(compacted.parts_after < compacted.parts_before, "{compacted:?}");
    let mut events = 1;
    while step(&mut cursor, &archive, 1, Unit::Event).steps == 1 {
        events += 1;
    }
    assert_eq!(events, first.len());
    let mut game = open(&root.archive(), &truths[1].game_id);
    seek(&mut game, &archive, Target::End).unwrap();
    assert_eq!(game.fold().game_by_id(&truths[1].game_id).unwrap().proven, Some(true));
}
