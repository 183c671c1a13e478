//! Stepping, seeking, running: where one arrives, and why there.

use serde_json::json;

use super::*;
use crate::protocol::phase::Phase;
use crate::state::condition::Condition;

fn until(value: serde_json::Value) -> Condition {
    serde_json::from_value(value).unwrap()
}

fn run(cursor: &mut Cursor, archive: &Shared, condition: serde_json::Value) -> Moved {
    cursor.run(archive, &until(condition), &[], &budget()).unwrap()
}

#[test]
fn ticks_are_stepped_one_by_one_with_the_prices_that_were_played() {
    let (_root, archive, truths, _) = recorded(small(1, 4));
    let truth = &truths[2];
    let mut cursor = open(&archive, &truth.game_id);
    assert_eq!(cursor.place().unwrap().phase.as_deref(), Some("COOLDOWN"));
    step(&mut cursor, &archive, 1, Unit::Tick);
    assert_eq!(cursor.place().unwrap().phase.as_deref(), Some("PRESALE"));
    for (tick, price) in truth.prices.iter().enumerate() {
        assert_eq!(step(&mut cursor, &archive, 1, Unit::Tick).steps, 1);
        let place = cursor.place().unwrap();
        assert_eq!((place.tick, place.price), (Some(tick as u32), Some(*price)));
    }
    assert_eq!(cursor.place().unwrap().phase.as_deref(), Some("RUGGED"));
}

// R1
#[test]
fn r1_progress_is_the_share_of_events_up_to_the_place() {
    let (_root, archive, truths, _) = recorded(small(2, 2));
    let mut cursor = open(&archive, &truths[1].game_id);
    let place = cursor.place().unwrap();
    assert_eq!((place.event_number, place.at.as_deref()), (1, Some("start")));
    assert_eq!(place.progress, 1.0 / place.events as f64);
    seek(&mut cursor, &archive, Target::End).unwrap();
    let place = cursor.place().unwrap();
    assert_eq!((place.progress, place.at.as_deref()), (1.0, Some("end")));
}

// R2, R3
#[test]
fn r2_r3_stepping_past_an_end_moves_nothing_and_says_so() {
    let (_root, archive, truths, _) = recorded(small(3, 2));
    let mut cursor = open(&archive, &truths[0].game_id);
    let moved = back(&mut cursor, &archive, 1, Unit::Tick);
    assert_eq!((moved.steps, moved.stopped), (0, Stopped::Start));
    seek(&mut cursor, &archive, Target::End).unwrap();
    let end = cursor.position();
    let moved = step(&mut cursor, &archive, 3, Unit::Event);
    assert_eq!((moved.steps, moved.stopped, cursor.position()), (0, Stopped::End, end));
}

// R4
#[test]
fn r4_a_tick_that_was_recorded_is_found_and_another_one_is_not() {
    let (_root, archive, truths, _) = recorded(small(4, 3));
    let truth = &truths[1];
    let rug = truth.prices.len() as u32 - 1;
    let mut cursor = open(&archive, &truth.game_id);
    seek(&mut cursor, &archive, Target::Tick { game_id: None, tick: rug }).unwrap();
    assert_eq!(tick_of(&cursor), Some(rug));
    let here = cursor.position();
    let error = seek(&mut cursor, &archive, Target::Tick { game_id: None, tick: rug + 1 }).unwrap_err();
    assert!(matches!(error, CursorError::NoTick { recorded: Some((0, last)), .. } if last == rug), "{error}");
    assert_eq!(cursor.position(), here, "the cursor is where it was");
}

#[test]
fn a_tick_that_the_recording_left_out_is_told_with_its_neighbours() {
    let (mut frames, truths) = play(small(5, 3));
    let truth = truths.iter().find(|truth| truth.prices.len() > 12).unwrap();
    let is_tick = |frame: &SimulatedFrame, tick: usize| {
        frame.text.contains(&truth.game_id) && frame.text.contains(&format!("\"tickCount\":{tick},"))
    };
    frames.retain(|frame| !is_tick(frame, 7) && !is_tick(frame, 8));
    let root = Root::new();
    root.record(&frames);
    let archive = root.archive();
    let mut cursor = open(&archive, &truth.game_id);
    let error = seek(&mut cursor, &archive, Target::Tick { game_id: None, tick: 7 }).unwrap_err();
    assert!(matches!(error, CursorError::NoTick { nearest: (Some(6), Some(9)), .. }), "{error}");
    assert!(error.to_string().contains("between 6 and 9"), "{error}");
}

#[test]
fn a_game_goes_from_its_first_frame_to_the_one_that_reveals_its_seed() {
    let (_root, archive, truths, _) = recorded(small(6, 5));
    let truth = &truths[2];
    let mut cursor = open(&archive, &truth.game_id);
    assert_eq!(cursor.place().unwrap().game_id.as_deref(), Some(truth.game_id.as_str()));
    let before = cursor.snapshot(false).previous.unwrap();
    assert_eq!(before.game_id, truths[1].game_id);
    seek(&mut cursor, &archive, Target::End).unwrap();
    let game = cursor.fold().game_by_id(&truth.game_id).unwrap();
    assert_eq!(game.proven, Some(true));
    assert_eq!(game.seed.as_deref(), Some(truth.seed.as_str()));
    back(&mut cursor, &archive, 1, Unit::Event);
    assert_eq!(cursor.fold().game_by_id(&truth.game_id).unwrap().seed, None, "the last frame reveals it");
}

#[test]
fn a_time_is_the_last_event_up_to_it() {
    let (frames, truths) = play(small(7, 4));
    let root = Root::new();
    root.record(&frames);
    let archive = root.archive();
    let mut cursor = open(&archive, &truths[1].game_id);
    seek(&mut cursor, &archive, Target::Tick { game_id: None, tick: 1 }).unwrap();
    let us = cursor.time_us().unwrap();
    let place = cursor.position();
    seek(&mut cursor, &archive, Target::Start).unwrap();
    seek(&mut cursor, &archive, Target::Time(us + 1)).unwrap();
    assert!(cursor.position() >= place && cursor.time_us().unwrap() <= us + 1);
    let error = seek(&mut cursor, &archive, Target::Time(0)).unwrap_err();
    assert!(matches!(error, CursorError::Outside { .. }), "{error}");
    assert!(seek(&mut cursor, &archive, Target::Time(i64::MAX - 1)).is_err());
}

#[test]
fn what_comes_next_is_found_by_phase_name_and_change() {
    let (_root, archive, truths, _) = recorded(Config { logged_in: true, ..small(8, 3) });
    let mut cursor = open(&archive, &truths[1].game_id);
    seek(&mut cursor, &archive, Target::Phase(Phase::Active)).unwrap();
    assert_eq!(tick_of(&cursor), Some(0));
    seek(&mut cursor, &archive, Target::Phase(Phase::Rugged)).unwrap();
    assert_eq!(tick_of(&cursor), Some(truths[1].prices.len() as u32 - 1));
    let here = cursor.position();
    let error = seek(&mut cursor, &archive, Target::Phase(Phase::Rugged)).unwrap_err();
    assert!(matches!(error, CursorError::NotAgain { .. }), "{error}");
    assert_eq!(cursor.position(), here);
    seek(&mut cursor, &archive, Target::Note("seed_revealed".into())).unwrap();
    seek(&mut cursor, &archive, Target::Start).unwrap();
    seek(&mut cursor, &archive, Target::Event("playerUpdate".into())).unwrap();
    assert_eq!(cursor.place().unwrap().event, "playerUpdate");
}

#[test]
fn running_stops_at_the_first_event_at_which_the_condition_holds() {
    let (_root, archive, truths, _) = recorded(small(9, 6));
    let truth = truths.iter().max_by(|a, b| a.peak.total_cmp(&b.peak)).unwrap();
    let mut cursor = open(&archive, &truth.game_id);
    let level = 1.0 + (truth.peak - 1.0) / 2.0;
    let first = truth.prices.iter().position(|price| *price > level).unwrap() as u32;
    let moved = run(&mut cursor, &archive, json!({"price_above": level}));
    assert_eq!((moved.stopped, tick_of(&cursor)), (Stopped::ConditionHolds, Some(first)));
    assert!(moved.prices.unwrap().1 > level);
    let moved = run(&mut cursor, &archive, json!({"rug": true}));
    assert_eq!((moved.stopped, tick_of(&cursor)), (Stopped::ConditionHolds, Some(truth.prices.len() as u32 - 1)));
    let moved = run(&mut cursor, &archive, json!({"rug": true}));
    assert_eq!(moved.stopped, Stopped::End, "a rug is shown once");
}

#[test]
fn a_drawdown_is_measured_from_the_peak_before_the_place() {
    let (_root, archive, truths, _) = recorded(small(10, 12));
    for truth in truths.iter().filter(|truth| truth.prices.len() > 30) {
        let (mut peak, mut wanted) = (0.0_f64, None);
        for (tick, price) in truth.prices.iter().enumerate() {
            peak = peak.max(*price);
            if wanted.is_none() && tick > 10 && 1.0 - price / peak > 0.3 {
                wanted = Some(tick as u32);
            }
        }
        let mut cursor = open(&archive, &truth.game_id);
        seek(&mut cursor, &archive, Target::Tick { game_id: None, tick: 10 }).unwrap();
        run(&mut cursor, &archive, json!({"drawdown_above": 0.3}));
        assert_eq!(tick_of(&cursor), wanted, "{}", truth.game_id);
    }
}

#[test]
fn fields_and_own_trades_stop_a_run() {
    let (_root, archive, truths, _) = recorded(Config { logged_in: true, ..small(11, 8) });
    let mut cursor = Cursor::open(&archive, games(&[&truths[0].game_id, &truths[1].game_id])).unwrap();
    let moved =
        run(&mut cursor, &archive, json!({"event_name": "standard/newTrade", "field": "amount", "above": 0}));
    assert_eq!(
        (moved.stopped, cursor.place().unwrap().event.as_str()),
        (Stopped::ConditionHolds, "standard/newTrade")
    );
    let session = cursor.outline().spans[0].session_id.clone();
    let mut cursor = Cursor::open(&archive, Covers::Session(session)).unwrap();
    let moved = run(&mut cursor, &archive, json!({"own_trade": true}));
    assert_eq!(moved.stopped, Stopped::ConditionHolds);
    let own = cursor.fold().account().identity.as_ref().unwrap().id.to_string();
    let payload = cursor.timeline().payload(cursor.timeline().step(cursor.position().1).unwrap()).unwrap();
    let place = cursor.place().unwrap();
    let player = crate::protocol::json::Value::from(payload.as_ref()).get("playerId").and_then(|id| id.string());
    assert!(player.as_deref() == Some(own.as_str()) || place.event.contains("idebet"), "{place:?} {payload}");
}

#[test]
fn a_run_is_bounded_and_goes_on_from_there() {
    let (_root, archive, _, session) = recorded(small(12, 4));
    let mut cursor = Cursor::open(&archive, Covers::Session(session)).unwrap();
    let never = until(json!({"price_above": 1e12}));
    let small_bound = Budget::new(100, Duration::from_secs(60));
    let moved = cursor.run(&archive, &never, &[], &small_bound).unwrap();
    assert_eq!((moved.stopped, moved.events, cursor.position()), (Stopped::Bound, 100, (0, 100)));
    let moved = cursor.run(&archive, &never, &[], &budget()).unwrap();
    assert_eq!(moved.stopped, Stopped::End);
    let stop = || true;
    let stopped = Budget { stop: &stop, ..Budget::new(1000, Duration::from_secs(60)) };
    seek(&mut cursor, &archive, Target::Start).unwrap();
    assert!(matches!(cursor.run(&archive, &never, &[], &stopped), Err(CursorError::Stopped)));
    assert_eq!(cursor.position(), (0, 0));
}

#[test]
fn a_session_is_one_cursor_game_by_game_with_every_frame_once() {
    let (frames, truths) = play(small(13, 5));
    let root = Root::new();
    let session = root.record(&frames);
    let archive = root.archive();
    let mut cursor = Cursor::open(&archive, Covers::Session(session.clone())).unwrap();
    let mut seqs = vec![cursor.place().unwrap().event_ref];
    while step(&mut cursor, &archive, 1, Unit::Event).steps == 1 {
        seqs.push(cursor.place().unwrap().event_ref);
    }
    let wanted: Vec<String> = (1..=frames.len()).map(|seq| format!("{session}:{seq}")).collect();
    assert_eq!(seqs, wanted);
    assert_eq!(cursor.place().unwrap().game.as_deref(), Some("6 of 6"), "and the one announced last");
    let last = truths.last().unwrap();
    seek(&mut cursor, &archive, Target::Game(last.game_id.clone())).unwrap();
    assert_eq!(cursor.place().unwrap().game_id.as_deref(), Some(last.game_id.as_str()));
    seek(&mut cursor, &archive, Target::Tick { game_id: Some(truths[0].game_id.clone()), tick: 3 }).unwrap();
    assert_eq!(cursor.position().0, 0);
}

#[test]
fn a_time_range_has_what_was_recorded_in_it_and_nothing_else() {
    let (frames, _) = play(small(14, 6));
    let root = Root::new();
    let session = root.record(&frames);
    let archive = root.archive();
    let (from, to) = (frames[frames.len() / 3].at_us, frames[frames.len() / 2].at_us);
    let range = |from_us, to_us| Covers::Range { from_us, to_us, session_id: None };
    let mut cursor = Cursor::open(&archive, range(from, to)).unwrap();
    let mut count = 1;
    assert!(cursor.time_us().unwrap() >= from);
    while step(&mut cursor, &archive, 1, Unit::Event).steps == 1 {
        count += 1;
    }
    assert!(cursor.time_us().unwrap() < to);
    assert_eq!(count, frames.iter().filter(|frame| (from..to).contains(&frame.at_us)).count());
    let mut whole = Cursor::open(&archive, Covers::Session(session)).unwrap();
    let here = cursor.place().unwrap();
    seek(&mut whole, &archive, Target::Ref(here.event_ref.parse().unwrap())).unwrap();
    assert_eq!(whole.place().unwrap().price, here.price, "the state before the range is known");
    let error = Cursor::open(&archive, range(0, 1000)).err().unwrap();
    assert!(matches!(error, CursorError::NothingThen { recorded: Some(_), .. }), "{error}");
}

#[test]
fn of_several_recordings_the_whole_one_is_taken_unless_another_is_asked_for() {
    let (frames, truths) = play(small(15, 3));
    let root = Root::new();
    let half: Vec<SimulatedFrame> = frames[frames.len() / 2..].to_vec();
    let poor = root.record(&half);
    let whole = root.record(&frames);
    let archive = root.archive();
    let id = truths.iter().rev().find(|truth| half.iter().any(|f| f.text.contains(&truth.game_id))).unwrap();
    let first = truths[0].game_id.clone();
    let cursor = open(&archive, &id.game_id);
    let choice = &cursor.outline().choices[0];
    assert!(choice.complete);
    assert!(choice.others.iter().all(|(session, ..)| *session != choice.session_id));
    let asked = Covers::Games { ids: vec![id.game_id.clone()], session_id: Some(poor.clone()) };
    assert_eq!(Cursor::open(&archive, asked).unwrap().outline().choices[0].session_id, poor);
    assert_eq!(open(&archive, &first).outline().choices[0].session_id, whole);
}
