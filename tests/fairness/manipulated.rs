//! Games whose recording says no version, or a wrong one, and of which one value was changed: every surface names it.

use serde_json::{Value, json};

use super::{prove, record, replayer, rows};
use crate::common::{play, root};
use crate::server::Wire;

/// Changes the payload of every `gameStateUpdate`; no packet says a version any more.
fn with_payloads(text: &str, change: &impl Fn(&mut Value)) -> String {
    let Some(payload) = text.strip_prefix("42[\"gameStateUpdate\",").and_then(|rest| rest.strip_suffix(']'))
    else {
        return text.to_owned();
    };
    let mut payload: Value = serde_json::from_str(payload).unwrap();
    payload.as_object_mut().unwrap().remove("gameVersion");
    if let Some(fair) = payload.get_mut("provablyFair").and_then(Value::as_object_mut) {
        fair.remove("version");
    }
    if let Some(history) = payload.get_mut("gameHistory").and_then(Value::as_array_mut) {
        for entry in history {
            entry.as_object_mut().unwrap().remove("gameVersion");
            change(entry);
        }
    }
    format!("42[\"gameStateUpdate\",{payload}]")
}

/// A changed value of one game, as it is looked for.
struct Case {
    game_id: String,
    change: Box<dyn Fn(&mut Value)>,
    verdict: &'static str,
    what: &'static str,
    tick: Option<u64>,
}

fn cases() -> Vec<Case> {
    let (_, truths) = play(1);
    let id = truths[0].game_id.clone();
    let of_game = |id: &str, change: fn(&mut Value)| -> Box<dyn Fn(&mut Value)> {
        let id = id.to_owned();
        Box::new(move |entry: &mut Value| {
            if entry["id"] == id.as_str() {
                change(entry);
            }
        })
    };
    let rug = truths[0].rug_tick as u64;
    let case = |what, verdict, tick, change| Case {
        game_id: id.clone(),
        change: of_game(&id, change),
        verdict,
        what,
        tick,
    };
    vec![
        case("price", "differs", Some(9), |entry| {
            entry["prices"][9] = json!(entry["prices"][9].as_f64().unwrap() + 1e-9);
        }),
        case("peak", "proven", Some(rug), |entry| {
            entry["peakMultiplier"] = json!(entry["peakMultiplier"].as_f64().unwrap() + 0.5);
        }),
        case("version", "proven", None, |entry| entry["version"] = json!("v1")),
        case("length", "differs", Some(rug), |entry| {
            entry["prices"].as_array_mut().unwrap().pop();
        }),
        case("seed_hash", "differs", None, |entry| {
            entry["provablyFair"]["serverSeedHash"] = json!("00".repeat(32))
        }),
    ]
}

#[test]
fn a_changed_value_is_named_by_every_surface_though_no_version_was_recorded() {
    for Case { game_id, change, verdict, what, tick } in cases() {
        let (_folder, root) = root();
        record(&root, 1, |_, text| Some(with_payloads(text, &change)));
        prove(&root);
        let proven = verdict == "proven";
        let mut wire = Wire::opened(root.path());
        let checked = wire.call("check_fairness", json!({"game_id": game_id}))["game"].clone();
        let card = wire.call("get_game", json!({"game_id": game_id}))["game"]["proof"].clone();
        for proof in [&checked, &card] {
            assert_eq!(proof["verdict"], verdict, "{what}: {proof}");
            assert_eq!((&proof["version"], &proof["version_inferred"]), (&json!("v3"), &json!(true)), "{proof}");
            let found = proof["differences"].as_array().unwrap().iter().find(|one| one["what"] == what);
            let found = found.unwrap_or_else(|| panic!("{what}: {proof}"));
            assert_eq!(found["tick"].as_u64(), tick, "{found}");
            assert!(!found["recorded"].is_null() && found["recorded"] != found["computed"], "{found}");
        }
        let page = wire.call("check_fairness", json!({}));
        assert!(
            page["differing"].as_array().unwrap().iter().any(|one| one["game_id"] == game_id.as_str()),
            "{page}"
        );
        let counted = if proven { "proven_but_contradicted" } else { "differs" };
        assert_eq!(page["summary"][counted], 1, "{page}");
        let asked = |view: &str| format!("SELECT proven FROM {view} WHERE game_id = '{game_id}'");
        for view in ["games", "game"] {
            assert_eq!(rows(&root, &asked(view))[0][0], proven, "{what} in {view}");
        }
        let kind = if proven { "game_proven" } else { "game_differs" };
        let stored = rows(
            &root,
            &format!(
                "SELECT details->>'$.difference', CAST(details->'$.contradictions' AS VARCHAR) FROM system_event WHERE \
                 event_type = '{kind}' AND game_id = '{game_id}'"
            ),
        );
        assert_eq!(stored.len(), 1, "{what}");
        assert!(!stored[0][usize::from(proven)].is_null(), "{what}: {stored:?}");

        let verified = replayer(&root, &["game", "verify", &game_id]);
        let text = String::from_utf8_lossy(&verified.stdout).into_owned();
        assert_eq!(verified.status.code(), Some(1), "{what}: {text}");
        assert!(text.contains("recorded ") && text.contains("game_history"), "{text}");
    }
}

#[test]
fn a_game_without_a_version_whose_values_agree_is_proven_and_the_exit_code_says_so() {
    let (_folder, root) = root();
    let (_, truths) = play(1);
    record(&root, 1, |_, text| Some(with_payloads(text, &|_| {})));
    let verified = replayer(&root, &["game", "verify", &truths[0].game_id]);
    let text = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.status.success() && text.contains("by the rules v3"), "{text}");
}

#[test]
fn what_an_older_build_called_different_for_its_announced_peak_is_judged_again() {
    use replayer::store::proof::{GAME_DIFFERS, StoredProof};
    use replayer::store::record::{Record, Source};
    use replayer::store::recorder::{Recorder, RecorderOptions};

    let (_folder, root) = root();
    let (_, truths) = play(1);
    let case = cases().remove(1);
    record(&root, 1, |_, text| Some(with_payloads(text, &case.change)));
    // As that build stored it: no revision, and a difference.
    let old = StoredProof {
        game_id: truths[0].game_id.clone(),
        server_seed: truths[0].seed.clone(),
        version: "v3".into(),
        difference: Some("peak at tick 3: recorded 1 by game_history, the seed gives 2".into()),
        ..StoredProof::default()
    };
    let store = std::sync::Arc::new(replayer::store::Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let details = serde_json::to_string(&old).unwrap();
    recorder.append(&Record::system(1_700_000_000_000_000, Source::Ui, GAME_DIFFERS, &details)).unwrap();
    recorder.close().unwrap();
    drop(recorder);
    assert!(prove(&root).0 > 0);
    let sql = format!("SELECT proven FROM games WHERE game_id = '{}'", truths[0].game_id);
    assert_eq!(rows(&root, &sql)[0][0], true);
}

#[test]
fn a_recording_that_is_imported_later_and_contradicts_takes_the_proof_away() {
    let (folder, root) = root();
    let (frames, truths) = play(1);
    let id = truths[0].game_id.clone();
    let line = |text: &str, at_us: i64| {
        let payload = text.strip_prefix("42[\"gameStateUpdate\",").and_then(|rest| rest.strip_suffix(']'))?;
        let ts = replayer::store::record::time_text(at_us).unwrap();
        Some(format!(r#"{{"seq":1,"ts":"{ts}","event":"gameStateUpdate","data":{payload}}}"#))
    };
    let write = |name: &str, change: &dyn Fn(&str) -> String| {
        let lines: Vec<String> =
            frames.iter().filter_map(|frame| line(&change(&frame.text), frame.at_us)).collect();
        let path = folder.path().join(name);
        std::fs::write(&path, lines.join("\n")).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let honest = write("honest.jsonl", &str::to_owned);
    let changed = write("changed.jsonl", &|text| {
        let (price, other) = (format!("\"price\":{},", truths[0].prices[9]), format!("\"price\":{},", 77.5));
        if text.contains("\"tickCount\":9,") { text.replace(&price, &other) } else { text.to_owned() }
    });
    let proven = || rows(&root, &format!("SELECT proven FROM games WHERE game_id = '{id}'"))[0][0].clone();
    assert!(replayer(&root, &["legacy", "import", &honest]).status.success());
    assert_eq!(proven(), true);
    assert!(replayer(&root, &["legacy", "import", &changed]).status.success());
    assert_eq!(proven(), false);
    assert_eq!(replayer(&root, &["game", "verify", &id]).status.code(), Some(1));
}
