//! Times without a zone, as a person sees them: found, asked for, named.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::common::{printed, root, typed};

/// Two games of a recorder whose clock on the wall was `ahead` hours ahead of UTC, on 15 January 2026 from 14:00 UTC.
fn lines(ahead: i64, packets: usize) -> String {
    let ts = |ms: i64| {
        let at = jiff::Timestamp::from_millisecond(1_768_485_600_000 + ahead * 3_600_000 + ms).unwrap();
        at.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
    };
    let state = |ms: i64, data: String| {
        format!(r#"{{"seq": 1, "ts": "{}", "event": "gameStateUpdate", "data": {data}}}"#, ts(ms)) + "\n"
    };
    let game = |number: i64| format!("20260115-{number:016x}");
    let mut text = state(0, format!(r#"{{"gameId": "{}", "cooldownTimer": 9000, "gameHistory": []}}"#, game(0)));
    for number in 0..packets as i64 {
        let end = 10_000 * (number + 1);
        text += &state(
            end,
            format!(
                r#"{{"gameId": "{}", "active": true, "rugged": true, "tickCount": 9, "price": 0.1}}"#,
                game(number)
            ),
        );
        text += &state(
            end + 1_000,
            format!(
                r#"{{"gameId": "{}", "cooldownTimer": 15000, "gameHistory": [{{"id": "{}", "timestamp": {}}}]}}"#,
                game(number + 1),
                game(number),
                1_768_485_600_000 + end + 200
            ),
        );
    }
    text
}

fn first_time(root: &replayer::store::root::DataRoot, folder: &Path) -> String {
    let output = crate::common::replayer()
        .args(["sql", "SELECT CAST(min(ts) AS VARCHAR) FROM ws_event", "--json"])
        .env("RUGS_DATA_DIR", root.path())
        .current_dir(folder)
        .output()
        .unwrap();
    let answer: Value = serde_json::from_str(&printed(&output)).unwrap();
    answer["rows"][0][0].as_str().unwrap().to_owned()
}

#[test]
fn the_servers_clock_shows_the_zone_and_the_report_says_so() {
    let (folder, root) = root();
    fs::write(folder.path().join("tokyo.jsonl"), lines(9, 2)).unwrap();
    let report = printed(&typed("replayer legacy import tokyo.jsonl --json", &root, folder.path()));
    let report: Value = serde_json::from_str(&report).unwrap();
    let zone = &report["per_file"][0]["zone"];
    assert_eq!((&zone["by"], &zone["name"]), (&"evidence".into(), &"Asia/Tokyo".into()), "{report}");
    assert!(zone["doubt"].is_string() && zone["why"].as_str().unwrap().contains("America/New_York"), "{zone}");
    assert!(first_time(&root, folder.path()).starts_with("2026-01-15 14:00:00"));
}

#[test]
fn too_little_evidence_asks_for_the_zone_and_naming_it_is_enough() {
    let (folder, root) = root();
    let one = lines(1, 1).lines().nth(2).unwrap().to_owned();
    fs::write(folder.path().join("short.jsonl"), one).unwrap();
    let refused = typed("replayer legacy import short.jsonl", &root, folder.path());
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stdout).contains("--zone"), "{refused:?}");
    printed(&typed("replayer legacy import short.jsonl --zone Europe/Berlin", &root, folder.path()));
    assert!(first_time(&root, folder.path()).starts_with("2026-01-15 14:00:11"));
}

#[test]
fn a_zone_that_is_none_is_refused_with_examples() {
    let (folder, root) = root();
    fs::write(folder.path().join("a.jsonl"), lines(1, 2)).unwrap();
    let refused = typed("replayer legacy import a.jsonl --zone Berlin/Europe", &root, folder.path());
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("Europe/Berlin"), "{refused:?}");
}

#[test]
fn a_time_that_cannot_be_dates_nothing() {
    let (folder, root) = root();
    let line = |ts: &str| format!(r#"{{"seq": 1, "ts": "{ts}", "event": "x", "data": {{}}}}"#);
    let text =
        [line("1970-01-01T00:00:07Z"), line("2026-01-15T14:00:00Z"), line("2099-01-01T00:00:00Z")].join("\n");
    fs::write(folder.path().join("a.jsonl"), text).unwrap();
    let report = printed(&typed("replayer legacy import a.jsonl --json", &root, folder.path()));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!((&report["totals"]["rows"], &report["totals"]["impossible_times"]), (&3.into(), &2.into()));
    assert!(first_time(&root, folder.path()).starts_with("2026-01-15 14:00:00"));
}
