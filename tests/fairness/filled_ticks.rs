//! Missing ticks of a proven game: in SQL, in the Parquet parts, once, and gone where a recording turns up.

use std::sync::Arc;

use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::{Store, verify};
use serde_json::json;

use super::{prove, record, replayer, rows, with_losses};
use crate::common::{play, root};

#[test]
fn sql_sees_every_tick_of_a_proven_game_once_and_what_was_recorded_stays_so() {
    let (_folder, root) = root();
    let (_, truths) = play(2);
    record(&root, 2, with_losses);
    let before = rows(&root, "SELECT count(*) FROM game_tick");
    prove(&root);
    for truth in &truths {
        let ticks = rows(
            &root,
            &format!(
                "SELECT tick, count(*), any_value(price), bool_or(tick_source = 'seed') FROM game_tick \
                 WHERE game_id = '{}' AND phase IN ('ACTIVE', 'RUGGED') AND tick <= {} GROUP BY tick ORDER BY tick",
                truth.game_id, truth.rug_tick
            ),
        );
        assert_eq!(ticks.len(), truth.rug_tick + 1);
        assert!(ticks.iter().any(|row| row[3] == json!(true)) && ticks.iter().any(|row| row[3] == json!(false)));
        for (row, price) in ticks.iter().zip(&truth.prices) {
            assert_eq!((&row[1], row[2].as_f64()), (&json!(1), Some(*price)), "tick {}", row[0]);
        }
    }
    let recorded = rows(&root, "SELECT count(*) FROM game_tick WHERE tick_source = 'frame'");
    assert_eq!(recorded, before);
    let games = rows(
        &root,
        &format!("SELECT proven, complete, ticks_recorded FROM games WHERE game_id = '{}'", truths[0].game_id),
    );
    assert_eq!(games[0][0], json!(true));
    assert!(games[0][2].as_u64().unwrap() < truths[0].rug_tick as u64, "filled ticks were not recorded");
    let proven = rows(&root, "SELECT count(*) FROM game WHERE proven");
    assert!(proven[0][0].as_u64().unwrap() >= truths.len() as u64);
}

#[test]
fn the_parts_hold_what_sql_shows_and_are_sound() {
    let (_folder, root) = root();
    record(&root, 1, with_losses);
    prove(&root);
    let filled = rows(&root, "SELECT count(*) FROM game_tick WHERE tick_source = 'seed'");
    assert!(filled[0][0].as_u64().unwrap() > 0);
    // A notebook reads the parts: the rows are there, not made by a view.
    let mut stored = 0;
    use arrow::array::AsArray;
    for batch in
        replayer::store::scan::scan(&root, replayer::store::schema::DocType::GameTick, &Default::default())
            .unwrap()
    {
        let batch = batch.unwrap();
        let sources = batch.column_by_name("tick_source").unwrap().as_string::<i32>();
        stored += sources.iter().filter(|source| *source == Some("seed")).count() as u64;
    }
    assert_eq!(filled[0][0], json!(stored));
    let verified = verify::verify(&root, |_, _| {}).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
    assert!(replayer(&root, &["data", "verify"]).status.success());
}

#[test]
fn a_recording_that_turns_up_later_takes_the_place_of_the_filled_tick() {
    let (_folder, root) = root();
    let (frames, truths) = play(1);
    record(&root, 1, with_losses);
    prove(&root);
    let count = |condition: &str| {
        let sql = format!(
            "SELECT count(*), count(DISTINCT tick) FROM game_tick WHERE game_id = '{}' AND phase = 'ACTIVE'{condition}",
            truths[0].game_id
        );
        let row = rows(&root, &sql).remove(0);
        (row[0].as_u64().unwrap(), row[1].as_u64().unwrap())
    };
    let (all, filled) = (count(""), count(" AND tick_source = 'seed'"));
    assert!(filled.0 > 20, "{filled:?}");
    assert_eq!(all.0, all.1, "each tick once");
    // Another recorder had seen what this one missed.
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("late")).unwrap();
    let lost = frames.iter().enumerate().filter(|(number, frame)| {
        frame.direction == Direction::Received && with_losses(*number, &frame.text).is_none()
    });
    for (_, frame) in lost {
        recorder.append(&Record::frame(frame.at_us, Source::PublicWs, frame.direction, &frame.text)).unwrap();
    }
    recorder.close().unwrap();
    drop(recorder);
    assert_eq!(count(" AND tick_source = 'seed'").0, 0);
    let now = count("");
    assert_eq!(now.0, now.1, "no tick twice");
    assert_eq!(now.1, all.1);
    assert_eq!(prove(&root), (0, 0));
}
