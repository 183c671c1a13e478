#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::protocol::facts::{SchemaFacts, Seen};
use crate::protocol::line::{LineFormat, decode};
use crate::protocol::phase::Phase;
use crate::verify::explore::marks::{Shown, field_key};

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
