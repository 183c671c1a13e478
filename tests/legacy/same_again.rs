//! The same recording once more, under another name and in another shape: it counts once.

use std::fs;

use serde_json::Value;

use crate::common::{play, printed, record, root, typed};

/// What an older recorder, beside this program's own, would have written of simulated games: as Python writes JSON. Without
/// the login: an import takes its token out, which these tests store as it is.
fn older_recorders_lines(games: usize) -> Vec<String> {
    let (frames, _) = play(games);
    let events = frames.iter().filter_map(|simulated| {
        let frame = replayer::protocol::frame::parse(&simulated.text).ok()?;
        let (name, payload) = (frame.event_name.as_deref().filter(|name| *name != "authenticate")?, frame.payload()?);
        let payload: Value = serde_json::from_str(payload.get()).ok()?;
        let ts = jiff::Timestamp::from_microsecond(simulated.at_us + 700_000).ok()?;
        let direction = simulated.direction.as_str();
        Some(format!(
            r#"{{"seq": 1, "ts": "{ts}", "event": "{name}", "data": {payload}, "source": "cdp_intercept", "direction": "{direction}"}}"#
        ))
    });
    events.collect()
}

#[test]
fn another_recorders_file_of_what_was_captured_is_known() {
    let (folder, root) = root();
    record(&root, 2);
    let lines = older_recorders_lines(2);
    fs::write(folder.path().join("other.jsonl"), lines.join("\n") + "\n").unwrap();
    let report = printed(&typed("replayer legacy import other.jsonl --json", &root, folder.path()));
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(
        (&report["totals"]["new"], &report["totals"]["known"]),
        (&0.into(), &lines.len().into()),
        "{report}"
    );
    let compared = printed(&typed("replayer legacy compare other.jsonl --json", &root, folder.path()));
    let compared: Value = serde_json::from_str(&compared).unwrap();
    assert_eq!((&compared["new"], &compared["equal"]), (&0.into(), &true.into()), "{compared}");
}

#[test]
fn an_edited_copy_adds_no_row_and_the_report_says_where_they_are() {
    let (folder, root) = root();
    let lines = older_recorders_lines(1);
    let text = lines.join("\n") + "\n";
    fs::write(folder.path().join("a.jsonl"), &text).unwrap();
    fs::write(folder.path().join("b.jsonl"), text.replace('\n', "\r\n")).unwrap();
    let first = printed(&typed("replayer legacy import a.jsonl --json", &root, folder.path()));
    let first: Value = serde_json::from_str(&first).unwrap();
    let again = printed(&typed("replayer legacy import b.jsonl", &root, folder.path()));
    assert!(again.contains("stored already"), "{again}");
    assert!(again.contains(first["per_file"][0]["session_id"].as_str().unwrap()), "{again}");
    let dry = printed(&typed("replayer legacy import b.jsonl --dry-run --json", &root, folder.path()));
    let dry: Value = serde_json::from_str(&dry).unwrap();
    assert_eq!(dry["per_file"][0]["status"], "already_imported");
}
