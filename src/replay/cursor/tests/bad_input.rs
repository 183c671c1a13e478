//! What cannot be opened or reached is told, and nothing moves.

use serde_json::json;

use super::super::error::{Instead, Left};
use super::*;

#[test]
fn an_unknown_game_is_told_with_ids_near_to_it() {
    let (_root, archive, truths, _) = recorded(small(1, 3));
    let mut typo = truths[1].game_id.clone();
    typo.pop();
    typo.push('_');
    let error = Cursor::open(&archive, games(&[&typo])).err().unwrap();
    match &error {
        CursorError::UnknownGame { nearest, .. } => assert_eq!(nearest[0], truths[1].game_id),
        other => panic!("{other}"),
    }
    assert!(error.to_string().contains(&truths[1].game_id));
}

#[test]
fn nothing_recorded_yet_is_said() {
    let root = Root::new();
    let archive = root.archive();
    let error = Cursor::open(&archive, games(&["20260101-0000000000000000"])).err().unwrap();
    assert!(error.to_string().contains("nothing was recorded yet"), "{error}");
    let error = Cursor::open(&archive, Covers::Session("nobody".into())).err().unwrap();
    assert!(matches!(error, CursorError::UnknownSession { .. }), "{error}");
}

#[test]
fn a_game_of_which_only_the_history_tells_has_no_ticks_to_step_through() {
    let mut session = Session::new(Config { full_snapshots: true, ..small(2, 2) });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let prior = session.prior_games().last().unwrap().game_id.clone();
    let root = Root::new();
    root.record(&frames);
    let archive = root.archive();
    let error = Cursor::open(&archive, games(&[&prior])).err().unwrap();
    assert!(matches!(error, CursorError::HistoryOnly { .. }), "{error}");
}

#[test]
fn a_session_that_has_not_the_game_is_told_with_those_that_have() {
    let root = Root::new();
    let (frames, truths) = play(small(3, 1));
    let has = root.record(&frames);
    let (other, _) = play(small(4, 1));
    let has_not = root.record(&other);
    let archive = root.archive();
    let covers = Covers::Games { ids: vec![truths[0].game_id.clone()], session_id: Some(has_not) };
    match Cursor::open(&archive, covers).err().unwrap() {
        CursorError::NotInSession { sessions, .. } => assert_eq!(sessions, [has]),
        other => panic!("{other}"),
    }
}

#[test]
fn a_condition_that_can_never_hold_moves_nothing() {
    let (_root, archive, truths, _) = recorded(small(5, 2));
    let mut cursor = open(&archive, &truths[1].game_id);
    step(&mut cursor, &archive, 5, Unit::Event);
    let here = cursor.position();
    for never in [
        json!({}),
        json!({"price_above": 3, "price_below": 2}),
        json!({"phase": "PRESALE", "price_above": 1}),
        json!({"price_below": -1}),
        json!({"phase": "FLYING"}),
        json!({"field": "a..b"}),
    ] {
        let condition = serde_json::from_value(never.clone()).unwrap();
        let error = cursor.run(&archive, &condition, &[], &budget()).unwrap_err();
        assert!(matches!(error, CursorError::Condition(_)), "{never}: {error}");
        assert_eq!(cursor.position(), here);
    }
}

#[test]
fn places_outside_are_told_with_what_is_covered() {
    let (_root, archive, truths, session) = recorded(small(6, 3));
    let mut cursor = open(&archive, &truths[1].game_id);
    step(&mut cursor, &archive, 4, Unit::Event);
    let here = cursor.position();
    for target in [
        Target::Seq(1),
        Target::Seq(u64::MAX),
        Target::Ref(format!("{session}:1").parse().unwrap()),
        Target::Ref("0198c2a4-5d3e-7c1a-9b2f-1a2b3c4d5e6f:1".parse().unwrap()),
        Target::Game(truths[0].game_id.clone()),
        Target::Tick { game_id: Some(truths[0].game_id.clone()), tick: 1 },
        Target::Event("nothing/ofTheKind".into()),
    ] {
        let error = seek(&mut cursor, &archive, target.clone()).unwrap_err();
        assert!(
            matches!(error, CursorError::Outside { .. } | CursorError::NotAgain { .. }),
            "{target:?}: {error}"
        );
        assert_eq!(cursor.position(), here, "{target:?}");
    }
}

#[test]
fn what_is_not_found_says_whether_it_was_looked_for_from_the_start_and_where_else_to_go() {
    let (_root, archive, truths, session) = recorded(small(7, 3));
    let mut cursor = open(&archive, &truths[1].game_id);
    for (steps, from_the_start) in [(0, true), (3, false)] {
        step(&mut cursor, &archive, steps, Unit::Event);
        match seek(&mut cursor, &archive, Target::Event("nothing/ofTheKind".into())).unwrap_err() {
            CursorError::NotAgain { from_start, left, game_id, .. } => {
                assert_eq!((from_start, left), (from_the_start, Left::Nothing));
                assert!(game_id.is_some());
            }
            other => panic!("{other}"),
        }
    }
    let far = i64::from(i32::MAX) * 1_000_000;
    for (target, wanted) in [
        (Target::Time(far), Instead::End),
        (Target::Time(1), Instead::Start),
        (Target::Ref(format!("{session}:1").parse().unwrap()), Instead::Start),
        (Target::Seq(u64::MAX), Instead::End),
        (Target::Game(truths[0].game_id.clone()), Instead::Game(truths[0].game_id.clone())),
    ] {
        match seek(&mut cursor, &archive, target.clone()).unwrap_err() {
            CursorError::Outside { instead, .. } => assert_eq!(instead, wanted, "{target:?}"),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn a_change_has_readable_times_and_leaves_out_what_is_not_known() {
    let (_root, archive, truths, _) = recorded(small(8, 3));
    let mut cursor = open(&archive, &truths[1].game_id);
    let moved = step(&mut cursor, &archive, 3, Unit::Tick);
    assert!(!moved.changed.is_empty());
    for changed in &moved.changed {
        assert!(changed.note.values().all(|value| !value.is_null()), "{changed:?}");
    }
    let phase = moved.changed.iter().find(|changed| changed.note["note"] == "phase").unwrap();
    assert!(phase.note["ts"].as_str().unwrap().ends_with('Z'), "{phase:?}");
}
