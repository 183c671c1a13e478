#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::keys::{KeyKind, is_id, kind, normalise_path};
use super::*;
use crate::line::{LineFormat, decode};

fn seen(seq: u64, phase: Option<Phase>) -> Seen<'static> {
    Seen {
        ts_us: Some(1_000 * seq as i64),
        session_id: "s",
        seq,
        source: "public_ws",
        direction: Some("received"),
        phase,
        game_id: None,
    }
}

fn facts_of(frames: &[&str]) -> SchemaFacts {
    let mut facts = SchemaFacts::default();
    for (index, frame) in frames.iter().enumerate() {
        facts.observe(&decode(LineFormat::Wire, None, frame), &seen(index as u64 + 1, Some(Phase::Active)));
    }
    facts
}

#[test]
fn k1_paths_have_their_types() {
    let facts = facts_of(&[r#"42["x",{"gameId":"123","price":1.5,"active":true}]"#]);
    let fields = &facts.events["x"].fields;
    let types: Vec<_> = fields.iter().map(|field| (field.path.as_str(), field.type_name())).collect();
    let types: Vec<_> = types.iter().map(|(path, name)| (*path, name.as_str())).collect();
    assert_eq!(types, [("$.gameId", "string"), ("$.price", "number"), ("$.active", "boolean")]);
}

#[test]
fn k2_elements_of_a_list_are_one_path() {
    let facts = facts_of(&[
        r#"42["x",{"leaderboard":[{"id":"did:a","pnl":1,"level":2},{"id":"did:b","pnl":2.5,"level":3}]}]"#,
    ]);
    let fields = &facts.events["x"].fields;
    assert_eq!(fields.get("$.leaderboard[]").unwrap().count(), 2);
    assert_eq!(fields.get("$.leaderboard[].pnl").unwrap().type_name(), "integer|number");
    assert_eq!(fields.get("$.leaderboard[].level").unwrap().count(), 2);
    assert!(fields.get("$.leaderboard[].id").unwrap().examples.is_empty(), "players are not quoted");
    assert_eq!(fields.get("$.leaderboard").unwrap().longest, Some(2));
}

#[test]
fn k3_a_map_with_numbers_or_ids_as_keys_is_one_path() {
    let facts = facts_of(&[
        r#"42["x",{"values":{"40":1.0,"41":1.5,"42":2},"balances":{"So11111111111111111111111111111111111111112":1,"0xPractice":2},"prizeTiers":{"1":1,"4-10":0.1}}]"#,
    ]);
    let fields = &facts.events["x"].fields;
    let paths: Vec<_> = fields.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(
        paths,
        ["$.values", "$.values.{tick}", "$.balances", "$.balances.{id}", "$.prizeTiers", "$.prizeTiers.{rank}"]
    );
    assert_eq!(fields.get("$.values").unwrap().type_name(), "object");
    assert!(fields.get("$.values").unwrap().is_map());
    assert_eq!(fields.get("$.values.{tick}").unwrap().count(), 3);
    assert_eq!(fields.presence(fields.get("$.values.{tick}").unwrap()), None);
}

#[test]
fn k4_null_and_number_are_both_kept() {
    let facts = facts_of(&[r#"42["x",{"a":null}]"#, r#"42["x",{"a":1.5}]"#, r#"42["x",{}]"#]);
    let fields = &facts.events["x"].fields;
    let field = fields.get("$.a").unwrap();
    assert_eq!((field.type_name().as_str(), field.null_count(), field.count()), ("number|null", 1, 2));
    assert_eq!(fields.presence(field), Some(2.0 / 3.0));
    assert_eq!(fields.presence_in(field, phase_index(Some(Phase::Active))), Some(2.0 / 3.0));
    assert_eq!(fields.presence_in(field, phase_index(Some(Phase::Presale))), None);
    assert_eq!(facts.events["x"].shapes.len(), 2);
}

#[test]
fn k5_nested_lists_have_whole_paths() {
    let facts = facts_of(&[
        r#"42["x",{"gameHistory":[{"prices":[1,1.5],"provablyFair":{"serverSeedHash":"ab","serverSeed":"secret"}}]}]"#,
    ]);
    let fields = &facts.events["x"].fields;
    assert_eq!(fields.get("$.gameHistory[].prices[]").unwrap().max, Some(1.5));
    assert!(fields.get("$.gameHistory[].provablyFair.serverSeedHash").is_some());
    let seed = fields.get("$.gameHistory[].provablyFair.serverSeed").unwrap();
    assert!(seed.values.is_empty() && seed.examples.is_empty());
}

#[test]
fn k6_ten_events_leave_at_most_five_examples() {
    let frames: Vec<String> = (0..10).map(|n| format!(r#"42["x",{{"a":{n},"b":"v{n}"}}]"#)).collect();
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let facts = facts_of(&frames);
    let field = facts.events["x"].fields.get("$.a").unwrap();
    assert_eq!((field.count(), field.examples.len()), (10, 5));
    assert_eq!(
        field.examples[1],
        Example { event: "s:2".into(), text: "1".into(), phase: field.examples[0].phase }
    );
    assert_eq!((field.min, field.max), (Some(0.0), Some(9.0)));
    assert_eq!(facts.events["x"].fields.get("$.b").unwrap().values.len(), 10);
}

#[test]
fn k7_a_bad_frame_between_good_ones_is_counted() {
    let facts = facts_of(&[r#"42["x",{"a":1}]"#, r#"42["x",{"#, "not a frame", r#"42["x",{"a":2}]"#]);
    assert_eq!((facts.events["x"].count, facts.broken_json, facts.unparsed), (2, 1, 1));
}

#[test]
fn k8_facts_of_two_places_add_up() {
    let first = facts_of(&[r#"42["a",{"x":1}]"#, r#"42["a",{"x":null,"y":"on"}]"#]);
    let second = facts_of(&[r#"42["a",{"y":"off","x":7}]"#, r#"42["b",{}]"#]);
    let mut both = first.clone();
    both.merge(&second);
    assert_eq!((both.total(), both.events["a"].count, both.events["b"].count), (4, 3, 1));
    let all = facts_of(&[
        r#"42["a",{"x":1}]"#,
        r#"42["a",{"x":null,"y":"on"}]"#,
        r#"42["a",{"y":"off","x":7}]"#,
        r#"42["b",{}]"#,
    ]);
    for path in ["$.x", "$.y"] {
        let (ours, whole) =
            (both.events["a"].fields.get(path).unwrap(), all.events["a"].fields.get(path).unwrap());
        assert_eq!(
            (ours.types, &ours.values, ours.min, ours.max),
            (whole.types, &whole.values, whole.min, whole.max)
        );
    }
    assert_eq!(
        both.events["a"].shapes.keys().collect::<Vec<_>>(),
        all.events["a"].shapes.keys().collect::<Vec<_>>()
    );
    let text = serde_json::to_string(&both).unwrap();
    let mut again: SchemaFacts = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&again).unwrap(), text);
    again.merge(&second);
    assert_eq!(again.events["a"].fields.get("$.y").unwrap().values["off"], 2);
}

#[test]
fn k9_shares_are_percent_of_all_events() {
    let frames: Vec<&str> = (0..100).map(|n| if n < 90 { r#"42["a",{}]"# } else { r#"42["b",{}]"# }).collect();
    let facts = facts_of(&frames);
    assert_eq!((facts.share("a"), facts.share("b"), facts.share("c")), (90.0, 10.0, 0.0));
}

#[test]
fn k10_paths_of_documents_are_brought_into_one_form() {
    for path in ["$.data.leaderboard[*].id", "data.leaderboard[].id", "data.leaderboard[0].id"] {
        assert_eq!(normalise_path(path), "$.data.leaderboard[].id", "{path}");
    }
    assert_eq!(normalise_path("[0].success"), "$[].success");
    assert_eq!(normalise_path("$"), "$");
}

#[test]
fn k18_a_timer_packet_without_price_is_as_good_as_any() {
    let facts = facts_of(&[r#"42["gameStateUpdate",{"cooldownTimer":14900,"allowPreRoundBuys":false}]"#]);
    assert_eq!(facts.events["gameStateUpdate"].with_payload, 1);
    assert!(facts.events["gameStateUpdate"].fields.get("$.price").is_none());
}

#[test]
fn k20_a_name_is_novel_once_and_only_if_it_is_unknown() {
    let facts =
        facts_of(&[r#"42["brandNew",{}]"#, r#"42["brandNew",{}]"#, r#"42["playerUpdate",{"cash":1,"odd":2}]"#]);
    let novel = crate::catalogue::novel_events(&facts);
    assert_eq!(novel.into_iter().collect::<Vec<_>>(), ["brandNew"]);
    assert_eq!(crate::catalogue::novel_fields(&facts, "playerUpdate"), ["$.odd"]);
}

#[test]
fn traces_acks_and_transport_packets_are_events_too() {
    let trace = r#"{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}"#;
    let traced = format!(r#"4229["buyOrder",{trace},{{"amount":0.002}}]"#);
    let facts = facts_of(&[&traced, r#"4329[{"success":true}]"#, "2"]);
    let order = &facts.events["buyOrder"];
    assert_eq!((order.traced, order.with_ack_id, order.fields.iter().count()), (1, 1, 1));
    assert_eq!(facts.events["ack"].fields.get("$.success").unwrap().values["true"], 1);
    assert_eq!(facts.events["transport:ping"].count, 1);
}

#[test]
fn an_enumeration_opens_at_its_bound() {
    let frames: Vec<String> = (0..40)
        .map(|n| format!(r#"42["x",{{"few":"v{}","many":"w{n}","who":"x","username":"eve"}}]"#, n % 3))
        .collect();
    let frames: Vec<&str> = frames.iter().map(String::as_str).collect();
    let facts = facts_of(&frames);
    let fields = &facts.events["x"].fields;
    assert_eq!(fields.get("$.few").unwrap().values.len(), 3);
    let many = fields.get("$.many").unwrap();
    assert!(many.open && many.values.is_empty());
    let name = fields.get("$.username").unwrap();
    assert!(name.values.is_empty() && name.examples.is_empty() && name.lengths == Some((3, 3)));
}

#[test]
fn memory_is_bounded_whatever_arrives() {
    let mut facts = SchemaFacts::default();
    for n in 0..1_200 {
        let wide: Vec<String> = (0..40).map(|k| format!("\"k{n}x{k}\":{{\"a{k}\":[{k}]}}")).collect();
        let frame = format!("42[\"e{}\",{{{}}}]", n % 700, wide.join(","));
        facts.observe(&decode(LineFormat::Wire, None, &frame), &seen(n, None));
    }
    assert!(facts.events.len() <= 512 && facts.nameless_overflow > 0);
    let frame = format!(
        "42[\"wide\",{{{}}}]",
        (0..5_000).map(|k| format!("\"key{k}x\":{k}")).collect::<Vec<_>>().join(",")
    );
    let mut one = SchemaFacts::default();
    one.observe(&decode(LineFormat::Wire, None, &frame), &seen(1, None));
    assert!(one.events["wide"].fields.nodes.len() <= 401 && one.events["wide"].fields.overflow > 4_000);
    let deep = format!("42[\"deep\",{}1{}]", "[".repeat(120), "]".repeat(120));
    one.observe(&decode(LineFormat::Wire, None, &deep), &seen(2, None));
}

#[test]
fn keys_that_are_data_are_told_from_names() {
    for key in [
        "40",
        "4-10",
        "did:privy:x",
        "0xPractice",
        "0b8f3c1e-1111-4222-8333-444455556666",
        "20260214-0123456789abcdef",
    ] {
        assert_ne!(kind("values", key), KeyKind::Name, "{key}");
    }
    for key in ["price", "count100x", "godCandle50xMassiveJump", "highestTodayServerSeed", "", "__trace"] {
        assert_eq!(kind("$", key), KeyKind::Name, "{key}");
    }
    assert!(is_id("a3f1a3f1a3f1a3f1a3") && !is_id("COOLDOWN") && !is_id("short_close"));
}

#[test]
fn samples_are_short_and_leave_strangers_texts_out() {
    let frame = r#"42["newChatMessage",{"username":"eve","message":"ignore all rules","level":3,"list":[{"a":1},{"a":2},{"a":3}],"playerId":"did:privy:abc"}]"#;
    let facts = facts_of(&[frame]);
    let shape = facts.events["newChatMessage"].shapes.values().next().unwrap();
    let text = &shape.samples["ACTIVE"].text;
    assert_eq!(text, r#"{username: "…", message: "…", level: 3, list: [{a: 1}, … 3 in all], playerId: "…"}"#);
}
