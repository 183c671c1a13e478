//! Charts from outside: the tool's picture and summary, the command's file, and what is refused.

mod own_orders;

use std::path::Path;
use std::sync::Arc;

use base64::Engine as _;
use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use serde_json::{Value, json};

use crate::common::{record, replayer, root};
use crate::server::Wire;

/// Width and height of a PNG.
fn size(png: &[u8]) -> (u32, u32) {
    assert_eq!(png[..8], *b"\x89PNG\r\n\x1a\n");
    let side = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (side(16), side(20))
}

/// The summary and the picture of a call.
fn draw(wire: &mut Wire, arguments: Value) -> (Value, Vec<u8>) {
    let answer = wire.ask("tools/call", json!({"name": "show_chart", "arguments": arguments}));
    let result = &answer["result"];
    assert_eq!(result["isError"], json!(false), "{answer}");
    let picture = &result["content"][1];
    assert_eq!((&picture["type"], &picture["mimeType"]), (&json!("image"), &json!("image/png")));
    let png = base64::engine::general_purpose::STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"], "the picture is not in the data");
    (text, png)
}

#[test]
fn a_recorded_game_is_drawn_as_it_was_played() {
    let (_folder, root) = root();
    let truths = record(&root, 3);
    let mut wire = Wire::opened(root.path());
    for truth in truths.iter().take(2) {
        let (summary, png) = draw(&mut wire, json!({"game_id": truth.game_id, "scale": "log", "cursor_tick": 1}));
        assert_eq!(size(&png), (1200, 700));
        assert_eq!(summary["bytes"], png.len());
        let game = &summary["games"][0];
        assert_eq!((&game["peak"], &game["rug_tick"]), (&json!(truth.peak), &json!(truth.rug_tick)));
        assert_eq!((&game["ticks_missing"], &game["cursor"]), (&json!(0), &json!(1)));
        assert_eq!(game["proof"], "proven", "{game}");
        assert!(game["side_bets"].as_u64() > Some(0), "{game}");
    }
}

#[test]
fn games_are_compared_without_their_marks() {
    let (_folder, root) = root();
    let truths = record(&root, 3);
    let mut wire = Wire::opened(root.path());
    let (summary, png) = draw(
        &mut wire,
        json!({"game_id": truths[0].game_id, "compare_with": [truths[1].game_id, truths[0].game_id],
            "theme": "light", "width": 400, "height": 320}),
    );
    assert_eq!(size(&png), (400, 320));
    assert_eq!(summary["games"].as_array().unwrap().len(), 2, "the same game twice is one line");
    assert!(summary["not_drawn"].as_str().unwrap().contains("side bets"));
}

#[test]
fn a_cursor_outside_of_the_game_is_refused_with_its_ticks() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let (game, other) = (truths[0].game_id.as_str(), truths[1].game_id.as_str());
    let mut wire = Wire::opened(root.path());
    for tick in [9999_i64, -5, truths[0].rug_tick as i64 + 1] {
        for compared in [json!(null), json!([other])] {
            let asked = json!({"game_id": game, "cursor_tick": tick, "compare_with": compared});
            let text = wire.refused("show_chart", asked);
            assert!(text.contains(&format!("0 … {}", truths[0].rug_tick)), "{text}");
        }
    }
    let (last, _) = draw(&mut wire, json!({"game_id": game, "cursor_tick": truths[0].rug_tick}));
    assert_eq!(last["games"][0]["cursor"], truths[0].rug_tick);
}

#[test]
fn corrupted_prices_are_told_and_not_drawn() {
    let (_folder, root) = root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for (tick, price) in (0_i64..).zip(["1", "-1", "1.5", "0", "1e308", "1.2"]) {
        let frame = format!(
            r#"42["gameStateUpdate",{{"gameId":"20260101-000000000000c0de","active":true,"rugged":false,"tickCount":{tick},"price":{price}}}]"#
        );
        let at = 1_770_000_000_000_000 + tick * 250_000;
        recorder.append(&Record::frame(at, Source::PublicWs, Direction::Received, &frame)).unwrap();
    }
    recorder.close().unwrap();
    let mut wire = Wire::opened(root.path());
    let (summary, _) = draw(&mut wire, json!({"game_id": "20260101-000000000000c0de"}));
    let game = &summary["games"][0];
    assert_eq!((&game["peak"], &game["ticks_captured"]), (&json!(1.5), &json!(3)), "{game}");
    assert_eq!((&game["ticks_corrupted"], &game["corrupted"]), (&json!(3), &json!([1, 3, 4])), "{game}");
    assert_eq!(game["missing"], json!([[1, 1], [3, 4]]));
}

#[test]
fn what_cannot_be_drawn_is_refused_with_the_next_call() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let frame = r#"42["gameStateUpdate",{"gameId":"20260101-0000000000000bad","cooldownTimer":9000,"allowPreRoundBuys":false}]"#;
    recorder.append(&Record::frame(1_770_000_000_000_000, Source::PublicWs, Direction::Received, frame)).unwrap();
    recorder.close().unwrap();

    let known = truths[0].game_id.as_str();
    let mut wire = Wire::opened(root.path());
    let mut refused = |arguments: Value| wire.refused("show_chart", arguments);
    let mistyped: String = known.chars().take(known.len() - 1).chain(['_']).collect();
    let unknown = refused(json!({"game_id": mistyped}));
    assert!(unknown.contains(known) && unknown.contains("next: show_chart"), "{unknown}");
    let empty = refused(json!({"game_id": "20260101-0000000000000bad"}));
    assert!(empty.contains("no price of game 20260101-0000000000000bad"), "{empty}");
    for (side, pixels) in [("width", 0_u64), ("height", 50_000), ("width", u64::MAX)] {
        let text = refused(json!({"game_id": known, side: pixels}));
        assert!(text.contains("300 to 2000") && text.contains(side), "{text}");
    }
    let many: Vec<String> = (0..6).map(|number| format!("20260101-{number:016}")).collect();
    assert!(refused(json!({"game_id": known, "compare_with": many})).contains("at most 6"));
    assert!(refused(json!({"game_id": known, "scale": "cubic"})).contains("cubic"));
    // A refused call leaves the server well.
    draw(&mut wire, json!({"game_id": known}));
}

fn chart(root: &Path, arguments: &[&str], output: &Path) -> std::process::Output {
    replayer()
        .args(["game", "chart"])
        .args(arguments)
        .arg("--output")
        .arg(output)
        .arg("--data")
        .arg(root)
        .output()
        .unwrap()
}

#[test]
fn the_command_writes_a_file_and_says_what_is_on_it() {
    let (folder, root) = root();
    let truths = record(&root, 2);
    let (first, second) = (truths[0].game_id.as_str(), truths[1].game_id.as_str());
    let file = folder.path().join("chart.png");
    let done = chart(root.path(), &[first, "--log", "--width", "800", "--height", "500", "--json"], &file);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(size(&std::fs::read(&file).unwrap()), (800, 500));
    let summary: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(summary["games"][0]["game_id"], first);
    assert!(chart(root.path(), &[first, second], &file).status.success());
    assert_eq!(size(&std::fs::read(&file).unwrap()), (1200, 700));
}

#[test]
fn the_command_refuses_what_it_cannot_draw_and_writes_nothing() {
    let (folder, root) = root();
    let truths = record(&root, 1);
    let known = truths[0].game_id.as_str();
    let png = folder.path().join("chart.png");
    let failed = |arguments: &[&str], output: &Path, said: &str| {
        let done = chart(root.path(), arguments, output);
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{text}");
        assert!(text.contains(said), "{text}");
        assert!(!output.exists());
    };
    failed(&["20200101-nothing"], &png, known);
    failed(&[known, "--width", "50000"], &png, "300 to 2000");
    failed(&[known], &folder.path().join("chart.jpg"), ".png");
    failed(&[known], &folder.path().join("no/such/folder/chart.png"), "cannot be written");
}
