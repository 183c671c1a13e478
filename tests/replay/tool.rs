//! The tool `replay` as an agent uses it.

use serde_json::{Value, json};

use crate::common::waiting::until;
use crate::common::{record, root};
use crate::server::Wire;

fn opened(wire: &mut Wire, game_id: &str) -> String {
    let answer = wire.call("replay", json!({"action": "open", "game_id": game_id}));
    answer["cursor"].as_str().unwrap().to_owned()
}

fn call(wire: &mut Wire, cursor: &str, action: &str, more: Value) -> Value {
    let mut arguments = json!({"action": action, "cursor": cursor});
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    wire.call("replay", arguments)
}

#[test]
fn a_game_is_walked_traded_in_and_compared() {
    let (_folder, root) = root();
    let truths = record(&root, 3);
    let truth = truths.iter().find(|truth| truth.prices.len() > 20).unwrap();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("replay", json!({"action": "open", "game_id": truth.game_id, "tick": 5}));
    let cursor = answer["cursor"].as_str().unwrap().to_owned();
    assert_eq!(answer["place"]["tick"], 5);
    assert_eq!(answer["place"]["price"].as_f64().unwrap().to_bits(), truth.prices[5].to_bits());
    assert_eq!(answer["opened"]["recordings"][0]["complete"], true);
    let bought = call(&mut wire, &cursor, "act", json!({"side": "BUY", "amount": "0.01"}));
    assert_eq!(bought["acted"]["action"], "BUY", "{bought}");
    let later = call(&mut wire, &cursor, "step", json!({"n": 3}));
    assert_eq!((&later["place"]["tick"], &later["moved"]["steps"]), (&json!(8), &json!(3)));
    let local = later["accounts"].as_array().unwrap().iter().find(|one| one["source"] != "server").unwrap();
    assert!(local["position"]["amount"].is_string(), "{later}");
    let diff = call(&mut wire, &cursor, "diff", json!({}));
    let paths: Vec<&str> =
        diff["differences"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
    assert!(paths.contains(&"game.price") && paths.contains(&"game.tick"), "{paths:?}");
    assert_eq!((&diff["place"]["tick"], &diff["other"]["tick"]), (&json!(8), &json!(5)));
    let rug = call(&mut wire, &cursor, "run", json!({"until": {"rug": true}}));
    assert_eq!(rug["moved"]["stopped"], "condition_holds");
    assert_eq!(rug["place"]["tick"], json!(truth.prices.len() - 1));
    assert!(rug["changed"].as_array().unwrap().iter().any(|one| one["note"] == "game_rugged"), "{rug}");
    let state = call(&mut wire, &cursor, "state", json!({"detailed": true}));
    assert_eq!(state["state"]["detail"]["prices"].as_array().unwrap().len(), truth.prices.len());
    // The frame of the place is the frame that get_events gives.
    let refs = json!({"refs": [rug["place"]["ref"]], "max_text": 200});
    assert!(wire.call("get_events", refs)["events"][0]["raw_json"].as_str().unwrap().contains("gameStateUpdate"));
    let listed = wire.call("replay", json!({"action": "list"}));
    assert_eq!(listed["cursors"][0]["actions"], 1);
    wire.call("replay", json!({"action": "close", "cursor": cursor}));
    assert!(wire.refused("replay", json!({"action": "state", "cursor": cursor})).contains("\"action\": \"open\""));
}

#[test]
fn a_forgotten_cursor_is_opened_again_by_the_call_its_error_names() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let mut wire = Wire::opened(root.path());
    let first = opened(&mut wire, &truths[0].game_id);
    let place = call(&mut wire, &first, "step", json!({"n": 9, "by": "event"}))["place"].clone();
    for _ in 0..16 {
        opened(&mut wire, &truths[0].game_id);
    }
    let error = wire.refused("replay", json!({"action": "step", "cursor": first}));
    let again = error.split("next: replay ").nth(1).unwrap();
    let answer = wire.call("replay", serde_json::from_str(again).unwrap());
    assert_eq!(answer["place"], place, "{error}");
}

#[test]
fn errors_name_the_next_call_and_leave_the_cursor_where_it_was() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let mut wire = Wire::opened(root.path());
    let typo = format!("{}x", &truths[1].game_id[..truths[1].game_id.len() - 1]);
    let error = wire.refused("replay", json!({"action": "open", "game_id": typo}));
    assert!(error.contains(&truths[1].game_id), "{error}");
    let cursor = opened(&mut wire, &truths[1].game_id);
    let here = call(&mut wire, &cursor, "step", json!({"n": 2}))["place"].clone();
    for (arguments, says) in [
        (json!({"action": "seek", "tick": 9999}), "goes from tick 0"),
        (json!({"action": "seek", "time": "2001-01-01T00:00:00Z"}), "outside"),
        (json!({"action": "seek", "time": "noon"}), "no time"),
        (json!({"action": "seek"}), "names no place"),
        (json!({"action": "seek", "tick": 1, "place": "end"}), "several places"),
        (json!({"action": "run"}), "needs until"),
        (json!({"action": "run", "until": {"phase": "COOLDOWN", "price_above": 2}}), "can never hold"),
        (json!({"action": "act", "side": "SELL"}), "No active position"),
        (json!({"action": "act", "side": "BUY", "amount": "NaN"}), "finite"),
        (
            json!({"action": "act", "side": "BUY", "amount": "0.1234567890123456789012345678901234567890"}),
            "digits",
        ),
        (json!({"action": "act"}), "side is missing"),
    ] {
        let mut call = arguments.clone();
        call["cursor"] = json!(cursor);
        let error = wire.refused("replay", call);
        assert!(error.contains(says) && error.contains("next: "), "{arguments}: {error}");
    }
    assert!(wire.refused("replay", json!({"action": "step"})).contains("cursor is missing"));
    assert_eq!(call(&mut wire, &cursor, "state", json!({}))["place"], here);
}

#[test]
fn an_action_that_is_recorded_is_found_by_sql() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let truth = truths.iter().find(|truth| truth.prices.len() > 5).unwrap();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("replay", json!({"action": "open", "game_id": truth.game_id, "tick": 2}));
    let cursor = answer["cursor"].as_str().unwrap().to_owned();
    let acted = call(&mut wire, &cursor, "act", json!({"side": "BUY", "amount": 0.01, "record": true}));
    assert!(acted["acted"]["stored_as"].is_string(), "{acted}");
    let sql = "SELECT game_id, action_type, amount, stage FROM player_action WHERE source = 'replay'";
    let mut rows = json!([]);
    until("the action is found", || {
        rows = wire.call("query_sql", json!({"sql": sql}))["rows"].clone();
        rows != json!([])
    });
    assert_eq!(rows, json!([[truth.game_id, "BUY", 0.01, "replay"]]));
}

/// The call that an error or an answer names behind `replay `, the first one.
fn next_of(text: &str) -> Value {
    let call = text.split("replay {").nth(1).unwrap_or_else(|| panic!("no call: {text}"));
    let call = format!("{{{call}");
    let mut read = serde_json::Deserializer::from_str(&call).into_iter::<Value>();
    read.next().unwrap().unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// A cursor over the session that has these games, at a place of the second.
fn session_cursor(wire: &mut Wire, game_id: &str) -> (String, String) {
    let answer = wire.call("replay", json!({"action": "open", "game_id": game_id}));
    let session = answer["opened"]["recordings"][0]["session_id"].as_str().unwrap().to_owned();
    let answer = wire.call("replay", json!({"action": "open", "session_id": session}));
    (answer["cursor"].as_str().unwrap().to_owned(), session)
}

#[test]
fn an_argument_of_another_action_is_refused_and_the_named_call_does_what_was_meant() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let truth = truths.iter().find(|truth| truth.prices.len() > 8).unwrap();
    let mut wire = Wire::opened(root.path());
    let cursor = opened(&mut wire, &truth.game_id);
    let error = wire.refused("replay", json!({"action": "step", "cursor": cursor, "tick": 3}));
    let answer = wire.call("replay", next_of(error.split("next: ").nth(1).unwrap()));
    assert_eq!(answer["place"]["tick"], 3, "{error}");
    let error =
        wire.refused("replay", json!({"action": "state", "cursor": cursor, "side": "BUY", "amount": 0.01}));
    let answer = wire.call("replay", next_of(error.split("next: ").nth(1).unwrap()));
    assert_eq!(answer["acted"]["action"], "BUY", "{error}");
}

#[test]
fn the_next_call_of_a_seek_that_failed_stays_in_its_game_and_leads_on() {
    let (_folder, root) = root();
    let truths = record(&root, 3);
    let mut wire = Wire::opened(root.path());
    let (cursor, _) = session_cursor(&mut wire, &truths[0].game_id);
    let game = &truths[1].game_id;
    let error =
        wire.refused("replay", json!({"action": "seek", "cursor": cursor, "tick": 99999, "game_id": game}));
    let answer = wire.call("replay", next_of(error.split("next: ").nth(1).unwrap()));
    assert_eq!(answer["place"]["game_id"], json!(game), "{error}");
    assert_eq!(answer["place"]["tick"], json!(truths[1].prices.len() - 1));
    let late = json!({"action": "seek", "cursor": cursor, "time": "2040-01-01T00:00:00Z"});
    let error = wire.refused("replay", late);
    let answer = wire.call("replay", next_of(error.split("next: ").nth(1).unwrap()));
    assert_eq!(answer["place"]["at"], "end", "{error}");
    wire.call("replay", json!({"action": "seek", "cursor": cursor, "place": "start"}));
    // A search that may not look at everything goes on where it stopped.
    let short = json!({"action": "seek", "cursor": cursor, "event_name": "nothing", "max_events": 2});
    let error = wire.refused("replay", short);
    let answer = wire.call("replay", next_of(error.split("next: ").nth(1).unwrap()));
    assert!(answer["place"]["event_number"].as_u64().unwrap() > 2, "{error}");
    wire.call("replay", json!({"action": "seek", "cursor": cursor, "place": "start"}));
    let never = json!({"action": "seek", "cursor": cursor, "event_name": "gameStateUpdates"});
    let error = wire.refused("replay", never);
    assert!(error.contains("Nothing of it is in the recording") && !error.contains("seek"), "{error}");
    assert!(error.contains("near to it are gameStateUpdate"), "{error}");
}

#[test]
fn what_cannot_be_opened_or_compared_is_not_told_as_a_seek() {
    let (_folder, root) = root();
    let truths = record(&root, 1);
    let game = &truths[0].game_id;
    let mut wire = Wire::opened(root.path());
    for (name, value) in [("time", "noon"), ("place", "middle"), ("ref", "nowhere")] {
        let mut call = json!({"action": "open", "game_id": game});
        call[name] = json!(value);
        let error = wire.refused("replay", call);
        assert!(error.starts_with("No cursor was opened"), "{error}");
        assert_eq!(next_of(&error)["action"], "open", "{error}");
    }
    let cursor = opened(&mut wire, game);
    let error = wire.refused("replay", json!({"action": "diff", "cursor": cursor, "since": "nowhere"}));
    assert!(error.starts_with("Nothing was compared"), "{error}");
    let answer = wire.call("replay", next_of(&error));
    assert!(answer["differences"].is_array(), "{error}");
}

#[test]
fn a_refused_order_names_the_call_that_works() {
    let (_folder, root) = root();
    let truths = record(&root, 6);
    let truth = truths.iter().find(|truth| truth.prices.len() > 60).unwrap();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("replay", json!({"action": "open", "game_id": truth.game_id, "tick": 2}));
    let cursor = answer["cursor"].as_str().unwrap().to_owned();
    let follow = |wire: &mut Wire, order: Value| {
        let mut call = json!({"action": "act", "cursor": cursor});
        call.as_object_mut().unwrap().extend(order.as_object().unwrap().clone());
        let error = wire.refused("replay", call);
        let next = next_of(&error);
        (wire.call("replay", next.clone()), next, error)
    };
    let (answer, ..) = follow(&mut wire, json!({"side": "SELL"}));
    assert_eq!(answer["acted"]["action"], "BUY");
    let (answer, ..) = follow(&mut wire, json!({"side": "SELL", "percentage": 0.33}));
    assert_eq!(answer["acted"]["action"], "SELL");
    let (answer, ..) = follow(&mut wire, json!({"side": "SIDEBET", "amount": 4}));
    assert_eq!(answer["acted"]["action"], "SIDEBET");
    // The whole balance is staked now.
    let (answer, ..) = follow(&mut wire, json!({"side": "BUY", "amount": 1}));
    assert!(answer["acted"]["dropped_bet"].is_string() || answer["acted"]["action"] == "BUY", "{answer}");
    wire.call("replay", json!({"action": "act", "cursor": cursor, "side": "RESET"}));
    let reset =
        wire.refused("replay", json!({"action": "act", "cursor": cursor, "side": "RESET", "record": true}));
    assert!(reset.contains("RESET is not recorded"), "{reset}");
    wire.call("replay", json!({"action": "act", "cursor": cursor, "side": "SIDEBET", "amount": "0.01"}));
    let (answer, next, _) = follow(&mut wire, json!({"side": "SIDEBET", "amount": "0.01"}));
    assert_eq!((&next["action"], &answer["accounts"][0]["side_bet"]), (&json!("step"), &Value::Null), "{answer}");
    wire.call("replay", json!({"action": "run", "cursor": cursor, "until": {"rug": true}}));
    let (answer, ..) = follow(&mut wire, json!({"side": "BUY", "amount": "0.001"}));
    assert_eq!(answer["place"]["phase"], "ACTIVE");
}

#[test]
fn a_run_in_vain_says_so_and_names_the_event_that_may_have_been_meant() {
    let (_folder, root) = root();
    let truths = record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let cursor = opened(&mut wire, &truths[0].game_id);
    let here = call(&mut wire, &cursor, "step", json!({"n": 2}))["place"].clone();
    let vain = call(&mut wire, &cursor, "run", json!({"until": {"event_name": "standard/newTrades"}}));
    let next = vain["next"].as_str().unwrap();
    assert!(next.contains("held nowhere from") && next.contains("standard/newTrade"), "{next}");
    assert_eq!(wire.call("replay", next_of(next))["place"], here, "{next}");
    let found = call(&mut wire, &cursor, "run", json!({"until": {"rug": true}}));
    assert!(!found["next"].as_str().unwrap_or_default().contains("nowhere"), "{found}");
}

#[test]
fn a_recorded_action_is_looked_up_by_its_address_and_hides_no_newest_frame() {
    let (_folder, root) = root();
    let truths = record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let answer = wire.call("replay", json!({"action": "open", "game_id": truths[0].game_id, "tick": 1}));
    let cursor = answer["cursor"].as_str().unwrap().to_owned();
    let acted =
        call(&mut wire, &cursor, "act", json!({"side": "BUY", "amount": "0.01", "record": true}))["acted"].clone();
    let mut found = json!(null);
    until("the action is found", || {
        found = wire.call("get_events", json!({"refs": [acted["stored_as"]]}))["events"][0].clone();
        !found.is_null()
    });
    assert_eq!((&found["doc_type"], &found["event_name"]), (&json!("player_action"), &json!("BUY")), "{found}");
    assert!(found["raw_json"].as_str().unwrap().contains("new_balance"), "{found}");
    let newest = wire.call("get_events", json!({"limit": 1}))["events"][0].clone();
    assert_ne!(newest["session_id"], found["session_id"], "{newest}");
}

#[test]
fn the_ids_of_games_are_completed_for_the_autopsy() {
    let (_folder, root) = root();
    let truths = record(&root, 2);
    let mut wire = Wire::opened(root.path());
    let typed = &truths[0].game_id[..12];
    let answer = wire.ask(
        "completion/complete",
        json!({"ref": {"type": "ref/prompt", "name": "rug-autopsy"}, "argument": {"name": "game_id", "value": typed}}),
    );
    assert!(answer["result"]["completion"]["values"].as_array().unwrap().contains(&json!(truths[0].game_id)));
}
