//! `replayer game list|show|verify`.

use super::{json_of, record, replayer};
use crate::common::{play, root};

#[test]
fn verify_proves_a_game_a_page_and_everything() {
    let (_folder, root) = root();
    let (_, truths) = play(2);
    record(&root, 2, |_, text| Some(text.to_owned()));
    let one = replayer(&root, &["game", "verify", &truths[0].game_id, "--json"]);
    assert!(one.status.success());
    assert_eq!(json_of(&one)["game"]["verdict"], "proven");
    let all = replayer(&root, &["game", "verify", "--all", "--audit"]);
    let text = String::from_utf8_lossy(&all.stdout).into_owned();
    assert!(all.status.success(), "{text}{}", String::from_utf8_lossy(&all.stderr));
    assert!(text.contains("0 differ") && text.contains("100.000 % known"), "{text}");
    let page = json_of(&replayer(&root, &["game", "verify", "--limit", "3", "--json"]));
    assert_eq!((page["summary"]["games"].as_u64(), page["truncated"].as_bool()), (Some(3), Some(true)));
}

#[test]
fn verify_fails_when_a_game_differs_from_its_seed() {
    let (_folder, root) = root();
    let (_, truths) = play(1);
    record(&root, 1, |_, text| Some(text.replace("\"tickCount\":5,", "\"tickCount\":6,")));
    let verified = replayer(&root, &["game", "verify", &truths[0].game_id]);
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert_eq!(verified.status.code(), Some(1));
    assert!(text.contains("DIFFERS") && text.contains("at tick 6"), "{text}");
    let unknown = replayer(&root, &["game", "verify", "20260101-none"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains(&truths[0].game_id));
}

#[test]
fn what_is_refused_names_a_command_and_no_call() {
    let (folder, root) = root();
    let (_, truths) = play(1);
    record(&root, 1, |_, text| Some(text.to_owned()));
    let id = truths[0].game_id.as_str();
    let file = folder.path().join("chart.png");
    let file = file.to_str().unwrap();
    for (arguments, hint) in [
        (&["verify", "20260101-none"][..], "replayer game verify "),
        (&["show", "20260101-none"], "replayer game show "),
        (&["verify", "--session", "nope"], "replayer game verify --session "),
        (&["verify", "--session", "nope", "--audit"], "replayer game verify --session "),
        (&["verify", "--from", "yesterday"], "--from 2026"),
        (&["verify", "--limit", "0"], "1 to 5000"),
        (&["list", "--limit", "0"], "1 to 100"),
        (&["list", "--before", "x"], "replayer game list --order newest"),
        (&["chart", "20260101-none", "--output", file], "replayer game list"),
        (&["chart", id, "--cursor", "9999", "--output", file], "0 … "),
        (&["chart", id, "--cursor", "-5", "--output", file], "0 … "),
    ] {
        let arguments: Vec<&str> = std::iter::once("game").chain(arguments.iter().copied()).collect();
        let done = replayer(&root, &arguments);
        let text = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(1), "{arguments:?} {text}");
        assert!(text.contains(hint) && !text.contains('{'), "{arguments:?} {text}");
        assert!(!["check_fairness", "get_game", "show_chart"].iter().any(|tool| text.contains(tool)), "{text}");
    }
}

#[test]
fn an_audit_of_many_sessions_says_how_many_are_not_listed() {
    let (_folder, root) = root();
    for _ in 0..42 {
        super::record_first(&root, 400);
    }
    let done = replayer(&root, &["game", "verify", "--all", "--audit"]);
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(text.contains("2 more sessions are not listed") && text.contains("--session "), "{text}");
    let all = json_of(&replayer(&root, &["game", "verify", "--all", "--audit", "--json"]));
    assert_eq!(all["audit"]["sessions"].as_array().unwrap().len(), 42);
}

#[test]
fn list_and_show_say_what_the_tools_say() {
    let (_folder, root) = root();
    let (_, truths) = play(1);
    record(&root, 1, |_, text| Some(text.to_owned()));
    let list = replayer(&root, &["game", "list"]);
    assert!(String::from_utf8_lossy(&list.stdout).contains(&truths[0].game_id));
    let show = replayer(&root, &["game", "show", &truths[0].game_id]);
    let text = String::from_utf8_lossy(&show.stdout).into_owned();
    assert!(text.contains("proven") && text.contains(&truths[0].seed), "{text}");
    let card = json_of(&replayer(&root, &["game", "show", &truths[0].game_id, "--json"]));
    assert_eq!(card["game"]["game_id"], truths[0].game_id.as_str());
}
