//! The tools that only pages call.

use serde_json::json;

use super::recorded;
use crate::server::Wire;

#[test]
fn the_stream_gives_what_came_since_and_says_what_it_left_out() {
    let (_folder, root) = recorded(1);
    let mut wire = Wire::opened(root.path());
    let newest = wire.call("app_stream", json!({"limit": 50}));
    let frames = newest["frames"].as_array().unwrap();
    assert_eq!((frames.len(), &newest["skipped"], &newest["live"]), (50, &json!(0), &json!(false)));
    let at = |index: usize| format!("{}:{}", frames[index]["session_id"].as_str().unwrap(), frames[index]["seq"]);
    assert_eq!(newest["cursor"], at(49));

    let since = wire.call("app_stream", json!({"after": at(9), "limit": 100}));
    assert_eq!(since["frames"].as_array().unwrap()[..], frames[10..]);
    let crowded = wire.call("app_stream", json!({"after": at(9), "limit": 15}));
    assert_eq!(crowded["frames"].as_array().unwrap()[..], frames[35..]);
    assert_eq!(crowded["skipped"], 25, "the newest are given, the others are counted");
    let nothing = wire.call("app_stream", json!({"after": at(49)}));
    assert_eq!((&nothing["frames"], &nothing["cursor"]), (&json!([]), &json!(at(49))));

    let text = wire.refused("app_stream", json!({"after": "yesterday"}));
    assert!(text.contains("is not the address of a frame"), "{text}");
}

#[test]
fn a_game_known_from_the_history_alone_has_its_path_and_says_where_it_is_from() {
    let (_folder, root) = recorded(1);
    let mut wire = Wire::opened(root.path());
    let sql = "SELECT game_id FROM games WHERE ticks_recorded = 0 AND rug_tick > 20 ORDER BY game_id LIMIT 1";
    let game = wire.call("query_sql", json!({"sql": sql}))["rows"][0][0].clone();
    let whole = wire.call("app_chart_points", json!({"game_id": game}));
    let ticks = whole["rug"]["tick"].as_u64().unwrap() + 1;
    let points = whole["points"].as_array().unwrap();
    assert_eq!(points.len() as u64, ticks);
    assert!(
        points
            .iter()
            .all(|point| whole["origins"][point[2].as_u64().unwrap() as usize] == "history" && point[4].is_null())
    );

    let part = wire.call("app_chart_points", json!({"game_id": game, "from_tick": 5, "to_tick": 9}));
    assert_eq!(part["points"].as_array().unwrap()[..], points[5..10]);
    let thin = wire.call("app_chart_points", json!({"game_id": game, "max_points": 10}));
    assert!(thin["points"].as_array().unwrap().len() <= 10 && thin["decimated"] == true);
    let text = wire.refused("app_chart_points", json!({"game_id": "20260101-none"}));
    assert!(text.contains("the ids most like it are"), "{text}");
}
