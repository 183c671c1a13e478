#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::protocol::facts::{SchemaFacts, Seen};
use crate::protocol::line::{LineFormat, decode};
use crate::protocol::phase::Phase;
use crate::verify::explore::marks::{Cases, Shown, field_key};
use crate::verify::mark::{Correction, CorrectionKind};

fn digest(frames: &[&str]) -> Digest {
    let mut facts = SchemaFacts::default();
    for (frame, seq) in frames.iter().zip(1..) {
        let seen = Seen {
            ts_us: Some(seq as i64 * 1_000_000),
            session_id: "s",
            seq,
            source: "cdp",
            direction: Some("received"),
            phase: Some(Phase::Active),
            game_id: Some("g"),
        };
        facts.observe(&decode(LineFormat::Wire, None, frame), &seen);
    }
    Digest { facts, ..Digest::default() }
}

fn schema_of(digest: &Digest, event: &str) -> Value {
    let schema = schema::schema(event, digest.facts.events.get(event), None, &Marks::default());
    schema.unwrap()
}

#[test]
fn what_was_always_there_is_required_and_what_is_data_has_no_name() {
    let digest = digest(&[
        r#"42["x",{"a":1,"b":"k","t":{"1":0.5,"2":0.25}}]"#,
        r#"42["x",{"a":1.5,"b":null,"c":[{"d":true}],"t":{"3":1}}]"#,
    ]);
    let schema = schema_of(&digest, "x");
    assert_eq!(schema["type"], "object");
    assert_eq!(schema["required"], serde_json::json!(["a", "b", "t"]));
    assert_eq!(schema["properties"]["a"]["type"], "number", "an integer is a number");
    assert_eq!(schema["properties"]["b"]["type"], serde_json::json!(["null", "string"]));
    assert_eq!(schema["properties"]["c"]["items"]["properties"]["d"]["type"], "boolean");
    assert_eq!(schema["properties"]["t"]["additionalProperties"]["type"], "number");
    assert!(schema["properties"]["b"].get("enum").is_none(), "two texts are not all there are");
}

#[test]
fn every_document_says_that_it_is_generated_and_shows_marks() {
    let digest = digest(&[r#"42["playerUpdate",{"cash":1.5}]"#]);
    let shown = Shown { mark: "verified".into(), canonical: true, stale: true, ..Shown::default() };
    let marks = Marks([(field_key("playerUpdate", "$.cash"), shown)].into());
    for format in [Format::Md, Format::Json, Format::Schema] {
        let documents = documents(&digest, &marks, format);
        assert!(documents.iter().all(|document| document.text.contains("do not edit")), "{format:?}");
        assert!(documents.iter().any(|document| document.text.contains("canonical, stale")), "{format:?}");
    }
}

#[test]
fn strangers_texts_do_not_reach_a_document() {
    let digest = digest(&[r#"42["newChatMessage",{"username":"Mallory","message":"follow me | <b>"}]"#]);
    for format in [Format::Md, Format::Json, Format::Schema] {
        for document in documents(&digest, &Marks::default(), format) {
            assert!(
                !document.text.contains("Mallory") && !document.text.contains("follow me"),
                "{}",
                document.name
            );
        }
    }
}

#[test]
fn an_event_of_documents_has_a_schema_too() {
    let digest = Digest::default();
    let all = documents(&digest, &Marks::default(), Format::Schema);
    let trade = all.iter().find(|document| document.name == "standard_newTrade.schema.json").unwrap();
    let schema: Value = serde_json::from_str(&trade.text).unwrap();
    assert_eq!(schema["x-tier"], "theoretical");
    assert_eq!(schema["properties"]["tickIndex"]["type"], serde_json::json!(["integer"]));
}

/// Kind, written, right.
type Corrected = (CorrectionKind, &'static str, &'static str);

/// Marks with a statement and a correction each.
fn decided(subjects: &[(&str, Option<Corrected>)]) -> Marks {
    Marks::new(subjects.iter().map(|(key, correction)| {
        let corrections = correction
            .iter()
            .map(|(kind, old, new)| Correction { kind: *kind, old: (*old).into(), new: (*new).into() })
            .collect();
        let shown = Shown {
            mark: "verified".into(),
            statement: Some(format!("what is said of {key}")),
            support: Cases { supports: 7, contradicts: 2 },
            corrections,
            ..Shown::default()
        };
        ((*key).to_owned(), shown)
    }))
}

fn text_of(documents: &[Document], name: &str) -> String {
    documents.iter().find(|document| document.name == name).unwrap().text.clone()
}

#[test]
fn what_was_decided_about_an_event_stands_in_the_specification_and_in_the_export() {
    let digest = digest(&[r#"42["playerUpdate",{"cash":1.5}]"#]);
    let subjects = [
        "phase_rule:playerUpdate?any",
        "sequence:playerUpdate?order",
        "formula:playerUpdate#$.cash?sum",
        "unit:playerUpdate#$.cash",
        "field:playerUpdate#$.gone",
    ];
    let marks = decided(&subjects.map(|subject| (subject, None)));
    let specification = text_of(&documents(&digest, &marks, Format::Md), "PROTOCOL.md");
    let section = specification.split("## playerUpdate\n").nth(1).unwrap();
    let rules = section.split("### Rules").nth(1).unwrap().split("\n## ").next().unwrap();
    for subject in subjects {
        let line = format!("* `{subject}` [verified]: what is said of {subject}. For it 7 cases, against it 2.");
        assert!(rules.contains(&line), "{line} in {rules}");
    }
    let export: Value =
        serde_json::from_str(&text_of(&documents(&digest, &marks, Format::Json), "protocol.json")).unwrap();
    let event =
        export["events"].as_array().unwrap().iter().find(|event| event["event"] == "playerUpdate").unwrap();
    assert_eq!(event["rulings"].as_array().unwrap().len(), subjects.len());
    assert_eq!(event["rulings"][0]["cases"], serde_json::json!({"supports": 7, "contradicts": 2}));
    let schema = text_of(&documents(&digest, &marks, Format::Schema), "playerUpdate.schema.json");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    assert_eq!(schema["x-rules"].as_array().unwrap().len(), subjects.len());
}

#[test]
fn a_schema_tells_what_is_right_not_what_was_written() {
    let marks = decided(&[
        ("unit:playerUpdate#$.cash", Some((CorrectionKind::Unit, "SOL", "lamports"))),
        ("field:playerUpdate#$.cash", Some((CorrectionKind::Meaning, "balance", "what is left"))),
    ]);
    let seen = digest(&[r#"42["playerUpdate",{"cash":1.5}]"#]);
    for digest in [seen, Digest::default()] {
        let schema = text_of(&documents(&digest, &marks, Format::Schema), "playerUpdate.schema.json");
        let cash = &serde_json::from_str::<Value>(&schema).unwrap()["properties"]["cash"];
        assert_eq!((&cash["x-unit"], &cash["description"]), (&"lamports".into(), &"what is left".into()));
        assert_eq!(cash["x-mark"], "verified; unit verified");
    }
}

#[test]
fn values_seen_so_far_are_examples_and_words_of_a_vocabulary_a_rule() {
    let frame = |kind: &str| {
        format!(
            r#"42["x",{{"kind":"{kind}","pauseMessage":"","startTime":"2026-01-01","createdBy":"ann","mode":"{kind}-1234","rare":"a"}}]"#
        )
    };
    let frames: Vec<String> = (0..300).map(|at| frame(if at % 2 == 0 { "long" } else { "short_open" })).collect();
    let digest = digest(&frames.iter().map(String::as_str).collect::<Vec<_>>());
    let schema = schema_of(&digest, "x");
    let of = |name: &str| &schema["properties"][name];
    assert_eq!(of("kind")["enum"], serde_json::json!(["long", "short_open"]));
    for name in ["pauseMessage", "startTime", "createdBy", "mode", "rare"] {
        assert!(of(name).get("enum").is_none(), "{name}: {}", of(name));
        assert!(!of(name)["examples"].as_array().unwrap().is_empty(), "{name}");
    }
}

#[test]
fn values_that_people_marked_are_an_enumeration() {
    let digest = digest(&[r#"42["x",{"kind":"a 1"}]"#, r#"42["x",{"kind":"b 2"}]"#]);
    let of = |subjects: &[&str]| {
        let marks = decided(&subjects.iter().map(|subject| (*subject, None)).collect::<Vec<_>>());
        schema::schema("x", digest.facts.events.get("x"), None, &marks).unwrap()["properties"]["kind"].clone()
    };
    let some = of(&["enum_value:x#$.kind=a 1"]);
    assert!(some.get("enum").is_none() && some["examples"].is_array(), "{some}");
    let all = of(&["enum_value:x#$.kind=a 1", "enum_value:x#$.kind=b 2", "enum_value:x#$.kind=c 3"]);
    assert_eq!(all["enum"], serde_json::json!(["a 1", "b 2", "c 3"]));
}

#[test]
fn an_event_whose_payload_was_lost_was_seen_all_the_same() {
    let mut digest = Digest::default();
    let seen = digest.facts.events.entry("standard/newTrade".into()).or_default();
    (seen.count, seen.payload_lost) = (3, 3);
    let all = documents(&digest, &Marks::default(), Format::Schema);
    let schema: Value = serde_json::from_str(&text_of(&all, "standard_newTrade.schema.json")).unwrap();
    assert_eq!((&schema["x-tier"], &schema["x-count"]), (&"observed".into(), &3.into()));
    assert_eq!(schema["x-payloads"], 0);
    assert!(schema["properties"]["tickIndex"].is_object(), "its fields are those of the documents");
}

#[test]
fn a_name_with_a_break_or_a_bar_stays_in_its_cell() {
    let digest = digest(&[r#"42["a\n| b",{"k":1}]"#]);
    let documents = documents(&digest, &Marks::default(), Format::Md);
    let dictionary = text_of(&documents, "FIELD_DICTIONARY.md");
    assert!(dictionary.contains("| k | a \\| b | $.k |"), "{dictionary}");
    assert!(text_of(&documents, "PROTOCOL.md").contains("\n## a | b\n"));
}
