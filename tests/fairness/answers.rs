//! `check_fairness` and the card of `get_game`, over the wire.

use serde_json::json;

use super::{prove, record, with_losses};
use crate::common::{play, root};
use crate::server::Wire;

#[test]
fn a_recorded_game_is_proven_with_its_bets_and_its_card_says_so() {
    let (_folder, root) = root();
    let (_, truths) = play(2);
    record(&root, 2, |_, text| Some(text.to_owned()));
    let mut wire = Wire::opened(root.path());
    let truth = &truths[0];
    let answer = wire.call("check_fairness", json!({"game_id": truth.game_id}));
    assert_eq!(answer["summary"]["proven"], 1);
    let game = &answer["game"];
    assert_eq!((&game["verdict"], &game["rug_tick"]), (&json!("proven"), &json!(truth.rug_tick)));
    assert_eq!(game["peak"].as_f64(), Some(truth.peak));
    assert_eq!(game["hash_matches"], true);
    let bets = &answer["sidebets"]["game"];
    assert!(bets["settled"].as_u64().unwrap() > 0, "{answer}");
    assert_eq!((&bets["agree"], &bets["differ_total"]), (&bets["settled"], &json!(0)));
    let settled = truth.sidebets.iter().filter(|bet| bet.outcome.is_some()).count();
    assert_eq!(bets["settled"], settled);

    let card = wire.call("get_game", json!({"game_id": truth.game_id}))["game"].clone();
    assert_eq!(card["proof"]["verdict"], "proven");
    assert_eq!(card["sidebets_recomputed"]["agree"], settled);
    for bet in card["largest_sidebets"].as_array().unwrap() {
        assert_eq!(bet["outcome"], bet["recomputed"]);
    }
    assert!(!card["largest_trades"].as_array().unwrap().is_empty());
}

#[test]
fn a_changed_price_is_found_with_both_values_and_its_frame() {
    let (_folder, root) = root();
    let (_, truths) = play(1);
    let mut frame = None;
    record(&root, 1, |number, text| {
        let mut text = text.to_owned();
        if frame.is_none() && text.contains("\"tickCount\":20,") {
            let at = text.find("\"price\":").unwrap() + "\"price\":".len();
            text.insert(at, '9');
            frame = Some(number + 1);
        }
        Some(text)
    });
    prove(&root);
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("check_fairness", json!({}));
    assert_eq!(answer["summary"]["differs"], 1);
    let difference = &answer["differing"][0]["differences"][0];
    assert_eq!((&difference["what"], &difference["tick"]), (&json!("price"), &json!(20)));
    assert_eq!((&difference["from"], &difference["seq"]), (&json!("frame"), &json!(frame.unwrap())));
    assert_eq!(difference["computed"].as_f64(), Some(truths[0].prices[20]));
    assert_ne!(difference["recorded"], difference["computed"]);
    let row = wire.call(
        "query_sql",
        json!({"sql": format!("SELECT proven FROM games WHERE game_id = '{}'", truths[0].game_id)}),
    );
    assert_eq!(row["rows"][0][0], false);
}

#[test]
fn a_game_that_is_not_there_is_answered_with_the_nearest_ids() {
    let (_folder, root) = root();
    let (_, truths) = play(1);
    record(&root, 1, |_, text| Some(text.to_owned()));
    let mut wire = Wire::opened(root.path());
    let mut wrong = truths[0].game_id.clone();
    wrong.truncate(20);
    let text = wire.refused("check_fairness", json!({"game_id": wrong}));
    assert!(text.contains(&truths[0].game_id) && text.contains("next: check_fairness"), "{text}");
    let text = wire.refused("check_fairness", json!({"from": "yesterday"}));
    assert!(text.contains("from is no time"), "{text}");
    let text = wire.refused("check_fairness", json!({"before": "x"}));
    assert!(text.contains("earlier answer"), "{text}");
    for audit in [true, false] {
        let text = wire.refused("check_fairness", json!({"audit": audit, "session_id": "none"}));
        assert!(
            text.contains("no session") && text.contains(r#"next: check_fairness {"session_id": ""#),
            "{text}"
        );
    }
    for tool in ["check_fairness", "get_game"] {
        let text = wire.refused(tool, json!({"limit": 0}));
        assert!(text.contains("limit 0") && text.contains(" 1 to "), "{text}");
    }
    // Every id that begins so is as near; a distance would name others.
    let text = wire.refused("get_game", json!({"game_id": &truths[0].game_id[..10]}));
    assert!(text.contains(&truths[0].game_id), "{text}");
}

#[test]
fn ticks_recorded_and_missing_are_one_number_everywhere_also_without_a_seed() {
    let (_folder, root) = root();
    let (_, truths) = play(2);
    // Only the first game's seed is revealed.
    let second = truths[1].game_id.clone();
    record(&root, 2, |number, text| {
        let reveals = text.contains("\"gameHistory\"") && text.contains(&format!("\"{second}\""));
        with_losses(number, text).filter(|_| !reveals || !text.contains(&truths[1].seed))
    });
    let mut wire = Wire::opened(root.path());
    for (truth, verdict) in truths.iter().zip(["proven", "unproven"]) {
        let card = wire.call("get_game", json!({"game_id": truth.game_id}))["game"].clone();
        let checked = wire.call("check_fairness", json!({"game_id": truth.game_id}))["game"].clone();
        let sql = format!(
            "SELECT complete, ticks_recorded, ticks_missing FROM games WHERE game_id = '{}'",
            truth.game_id
        );
        let row = wire.call("query_sql", json!({"sql": sql}))["rows"][0].clone();
        assert_eq!((&card["proof"]["verdict"], &card["complete"]), (&json!(verdict), &json!(false)), "{card}");
        let missing = card["ticks_missing"].as_u64().unwrap();
        let recorded = card["ticks_recorded"].as_u64().unwrap();
        assert!(missing > 10, "{card}");
        assert_eq!(missing + recorded, truth.rug_tick as u64 + 1);
        for told in [&card["proof"], &checked] {
            assert_eq!(
                (&told["ticks_missing"], &told["ticks_recorded"]),
                (&json!(missing), &json!(recorded)),
                "{told}"
            );
            let runs = told["missing"].as_array().unwrap().iter();
            let sum: u64 = runs.map(|run| run[1].as_u64().unwrap() - run[0].as_u64().unwrap() + 1).sum();
            assert_eq!(sum, missing);
        }
        assert_eq!(row, json!([false, recorded, missing]));
        let opened = wire.call("replay", json!({"action": "open", "game_id": truth.game_id}));
        assert_eq!(opened["opened"]["recordings"][0]["complete"], false, "{opened}");
    }
}

#[test]
fn an_empty_store_and_a_game_without_ticks_are_answered_honestly() {
    let (_folder, root) = root();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("check_fairness", json!({"audit": true}));
    assert_eq!((&answer["summary"]["games"], &answer["audit"]["games"]), (&json!(0), &json!(0)));
    drop(wire);
    let (_folder, root) = crate::common::root();
    record(&root, 1, |_, text| {
        (text.contains("gameStateUpdate") && !text.contains("\"tickCount\"")).then(|| text.to_owned())
    });
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("check_fairness", json!({}));
    let unproven = answer["summary"]["unproven"].as_u64().unwrap();
    assert!(unproven > 0, "{answer}");
    assert_eq!(answer["summary"]["unproven_why"]["no_seed"], unproven);
}

#[test]
fn pages_go_on_where_the_last_one_ended() {
    let (_folder, root) = root();
    record(&root, 2, |_, text| Some(text.to_owned()));
    let mut wire = Wire::opened(root.path());
    let whole = wire.call("check_fairness", json!({}))["summary"]["games"].as_u64().unwrap();
    let (mut games, mut before, mut pages) = (0, json!(null), 0);
    loop {
        let mut arguments = json!({"limit": 5});
        if before.is_string() {
            arguments["before"] = before.clone();
        }
        let page = wire.call("check_fairness", arguments);
        games += page["summary"]["games"].as_u64().unwrap();
        pages += 1;
        before = page["before"].clone();
        if before.is_null() {
            break;
        }
    }
    assert_eq!((games, pages), (whole, whole.div_ceil(5)));
}

#[test]
fn the_audit_of_a_recording_with_losses_adds_up_exactly() {
    let (_folder, root) = root();
    let (_, truths) = play(3);
    record(&root, 3, with_losses);
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("check_fairness", json!({"audit": true}));
    let tally = &answer["audit"]["total"]["connected"];
    let number = |name: &str| tally[name].as_u64().unwrap();
    let played: usize = truths.iter().map(|truth| truth.rug_tick + 1).sum();
    assert_eq!(number("played") as usize, played);
    assert_eq!(number("unknown"), 0);
    let repaired = number("from_partial_prices")
        + number("from_connect_snapshot")
        + number("from_game_history")
        + number("from_seed");
    assert_eq!(number("captured") + repaired, played as u64);
    assert!(number("captured") < played as u64 && number("from_partial_prices") > 0);
    let captured = wire.call(
        "query_sql",
        json!({"sql": "SELECT count(*) FROM (SELECT DISTINCT game_id, tick FROM game_tick WHERE phase = 'ACTIVE' AND tick_source = 'frame')"}),
    );
    let rugs =
        wire.call("query_sql", json!({"sql": "SELECT count(DISTINCT game_id) FROM game_tick WHERE rugged"}));
    let sum = captured["rows"][0][0].as_u64().unwrap() + rugs["rows"][0][0].as_u64().unwrap();
    assert_eq!(number("captured"), sum);
}
