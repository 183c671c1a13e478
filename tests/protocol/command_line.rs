//! `replayer protocol …` as a person calls it.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::{House, append};
use crate::common::{replayer, root};
use replayer::store::record::Source;

fn run(root: &Path, arguments: &[&str]) -> Output {
    replayer().args(["--data"]).arg(root).arg("protocol").args(arguments).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn events_show_samples_and_diff_answer() {
    let house = House::played(1);
    let root = house.root.path();
    let events = text(&run(root, &["events"]));
    assert!(
        events.contains("gameStateUpdate") && events.contains("sellOrderResponse")
            || events.contains("theoretical"),
        "{events}"
    );
    let json: Value =
        serde_json::from_slice(&run(root, &["events", "--min-count", "1", "--json"]).stdout).unwrap();
    assert!(json["events"]["rows"].as_array().unwrap().iter().all(|row| row[1].as_u64() > Some(0)));
    let show = text(&run(root, &["show", "gameStateUpdate"]));
    assert!(
        show.contains("$.cooldownTimer") && show.contains("sequence:") && show.contains("unverified"),
        "{show}"
    );
    let field = text(&run(root, &["show", "gameStateUpdate", "cooldownTimer"]));
    assert!(field.contains("presence by phase") && field.contains("largest cooldownTimer"), "{field}");
    let samples: Value =
        serde_json::from_slice(&run(root, &["samples", "gameStateUpdate", "--json"]).stdout).unwrap();
    let phases: std::collections::BTreeSet<&str> =
        samples.as_array().unwrap().iter().filter_map(|one| one["phase"].as_str()).collect();
    assert!(phases.len() >= 4, "{samples}");
    let diff: Value = serde_json::from_slice(&run(root, &["diff", "--json"]).stdout).unwrap();
    assert!(diff["changes"]["stale_event"].as_u64() > Some(0) && diff["matched"].as_u64() > Some(50), "{diff}");
}

#[test]
fn check_says_what_contradicts_and_fails_then() {
    let house = House::played(1);
    let root = house.root.path();
    let good = run(root, &["check", "on gameStateUpdate: price is present in ACTIVE, RUGGED", "--sql"]);
    assert!(good.status.success());
    assert!(text(&good).contains("holds in every case") && text(&good).contains("SELECT count(*)"));
    let bad = run(root, &["check", "cooldownTimer unit s from 0 to 15", "--event", "gameStateUpdate"]);
    assert_eq!(bad.status.code(), Some(1));
    assert!(text(&bad).contains("against it:") && text(&bad).contains("cooldownTimer = "), "{}", text(&bad));
    let wrong = error(&run(root, &["check", "on gameStateUpdate: price is numbr"]));
    assert!(wrong.contains("character 30") && wrong.contains("For example") && wrong.contains('^'), "{wrong}");
}

#[test]
fn unknown_names_are_answered_with_the_nearest() {
    let house = House::played(1);
    let root = house.root.path();
    assert!(error(&run(root, &["show", "gameStateUpdat"])).contains("gameStateUpdate"));
    assert!(error(&run(root, &["show", "gameStateUpdate", "threshold"])).contains("$.rugpool.threshold"));
    assert!(error(&run(root, &["diff", "yesterday"])).contains("documentation"));
    assert!(error(&run(root, &["events", "--source", "radio"])).contains("cdp"));
}

#[test]
fn an_empty_store_still_lists_what_documents_know() {
    let (_folder, root) = root();
    let events: Value = serde_json::from_slice(&run(root.path(), &["events", "--json"]).stdout).unwrap();
    assert_eq!((events["frames"].as_u64(), events["seen"].as_u64()), (Some(0), Some(0)));
    assert_eq!(events["documented_only"].as_u64(), Some(53));
    assert!(text(&run(root.path(), &["show", "playerUpdate"])).contains("never"));
}

#[test]
fn exports_are_whole_and_the_same_again() {
    let house = House::played(1);
    let (root, folder) = (house.root.path(), tempfile::tempdir().unwrap());
    for (format, files) in [("md", 5), ("json", 5), ("schema", 20)] {
        let target = folder.path().join(format);
        let written = run(root, &["export", "--format", format, "--output", target.to_str().unwrap()]);
        assert!(written.status.success(), "{written:?}");
        let names: Vec<_> = std::fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert!(names.len() >= files, "{names:?}");
        for name in &names {
            let text = std::fs::read_to_string(name).unwrap();
            assert!(text.contains("do not edit"), "{}", name.display());
        }
        let again = run(root, &["export", "--format", format, "--output", target.to_str().unwrap()]);
        assert!(text(&again).contains(", 0 of them new or changed"), "{}", text(&again));
    }
}

#[test]
fn a_new_event_is_novel() {
    let (_folder, root) = root();
    append(&root, Source::PublicWs, &[r#"42["brandNewThing",{"a":1}]"#]);
    let events: Value =
        serde_json::from_slice(&run(root.path(), &["events", "--novel", "--json"]).stdout).unwrap();
    assert_eq!(events["events"]["rows"].as_array().unwrap().len(), 1);
    assert_eq!(events["events"]["rows"][0][0], "brandNewThing");
}
