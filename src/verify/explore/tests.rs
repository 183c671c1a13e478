#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::diff::{Facts, Side, diff};
use super::event::{EventFilter, event};
use super::field::field;
use super::marks::{Marks, Shown, event_key, field_key};
use super::overview::{OverviewFilter, overview};
use super::sequences;
use super::table::digits;
use crate::index::facts_store::Digest;
use crate::protocol::facts::{SchemaFacts, Seen};
use crate::protocol::line::{LineFormat, decode};
use crate::protocol::phase::Phase;
use crate::verify::check::Statement;

/// Frames, one second apart; the session changes after half of them, the game with every one.
fn digest(frames: &[&str]) -> Digest {
    let mut facts = SchemaFacts::default();
    for (frame, seq) in frames.iter().zip(1_u64..) {
        let game = format!("game-{seq}");
        let seen = Seen {
            ts_us: Some(seq as i64 * 1_000_000),
            session_id: if seq as usize * 2 > frames.len() { "two" } else { "one" },
            seq,
            source: "cdp",
            direction: Some("received"),
            phase: Some(if seq % 2 == 0 { Phase::Active } else { Phase::Presale }),
            game_id: Some(&game),
        };
        facts.observe(&decode(LineFormat::Wire, None, frame), &seen);
    }
    Digest { facts, ..Digest::default() }
}

#[test]
fn tiers_rise_with_games_and_sessions_and_one_type() {
    let tier = |frames: &[&str], path: &str| {
        let view = event(&digest(frames), &Marks::default(), "x", &EventFilter::default()).unwrap();
        let row = view.fields.rows.iter().find(|row| row[0] == path).unwrap().clone();
        view.fields.cell(&row, "tier").as_str().unwrap().to_owned()
    };
    let (one, text, null) = (r#"42["x",{"a":1}]"#, r#"42["x",{"a":"1"}]"#, r#"42["x",{"a":null}]"#);
    assert_eq!(tier(&[one], "$.a"), "observed");
    assert_eq!(tier(&[one, one, one, one], "$.a"), "corroborated");
    assert_eq!(tier(&[one, text, one, text], "$.a"), "observed", "two types");
    assert_eq!(tier(&[null, one, null, one], "$.a"), "corroborated", "null does not define a type");
    assert_eq!(tier(&[null, null, null, null], "$.a"), "observed", "and is none by itself");
    let theory = event(&Digest::default(), &Marks::default(), "playerUpdate", &EventFilter::default()).unwrap();
    assert_eq!(theory.tier, "theoretical");
}

#[test]
fn fields_are_filtered_by_depth_place_and_phase() {
    let frames = [r#"42["x",{"a":{"b":{"c":1}},"l":[{"m":1}]}]"#, r#"42["x",{"z":1}]"#];
    let digest = digest(&frames);
    let paths = |filter: EventFilter| -> Vec<String> {
        let view = event(&digest, &Marks::default(), "x", &filter).unwrap();
        view.fields.rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(paths(EventFilter { depth: 1, ..EventFilter::default() }), ["$.a", "$.l", "$.z"]);
    assert_eq!(paths(EventFilter::default()), ["$.a", "$.a.b", "$.l", "$.l[].m", "$.z"]);
    let below = EventFilter { below: Some("$.a".into()), depth: 0, ..EventFilter::default() };
    assert_eq!(paths(below), ["$.a", "$.a.b", "$.a.b.c"]);
    let presale = EventFilter { phase: Some("PRESALE".into()), ..EventFilter::default() };
    assert_eq!(paths(presale), ["$.a", "$.a.b", "$.l", "$.l[].m"]);
    let page = EventFilter { offset: 1, limit: 2, ..EventFilter::default() };
    assert_eq!(paths(page), ["$.a.b", "$.l"]);
}

#[test]
fn marks_stand_beside_what_they_are_about() {
    let digest = digest(&[r#"42["x",{"a":1}]"#]);
    let mark = |word: &str, canonical: bool| Shown { mark: word.into(), canonical, ..Shown::default() };
    let marks = Marks(
        [(event_key("x"), mark("verified", true)), (field_key("x", "$.a"), mark("needs_correction", false))]
            .into(),
    );
    let view = event(&digest, &marks, "x", &EventFilter::default()).unwrap();
    assert_eq!(view.mark.as_deref(), Some("canonical"));
    assert_eq!(view.fields.cell(&view.fields.rows[0], "mark"), "needs_correction");
    let all =
        overview(&digest, &marks, &OverviewFilter { mark: Some("verified".into()), ..OverviewFilter::default() });
    assert_eq!(all.events.rows.len(), 1);
    assert_eq!(all.events.cell(&all.events.rows[0], "marks"), "1/1");
}

fn decided(words: &[(&str, &str)]) -> Marks {
    Marks::new(words.iter().map(|(key, statement)| {
        let shown = Shown {
            mark: "verified".into(),
            canonical: true,
            statement: Some((*statement).into()),
            ..Shown::default()
        };
        ((*key).to_owned(), shown)
    }))
}

#[test]
fn a_mark_on_a_field_that_no_frame_has_is_a_ruling_and_has_a_view() {
    let digest = digest(&[r#"42["x",{"a":1}]"#]);
    let marks = decided(&[("field:x#$.a", "a == 1"), ("field:x#$.gone.b", "gone.b is absent")]);
    let view = event(&digest, &marks, "x", &EventFilter::default()).unwrap();
    let rulings: Vec<(&str, &str)> = view.rulings.iter().map(|one| (&*one.subject, &*one.mark)).collect();
    assert_eq!(rulings, [("field:x#$.gone.b", "canonical")], "what has a row has its mark there");
    let gone = field(&digest, &marks, "x", "$.gone.b", None).unwrap();
    assert_eq!((gone.count, gone.tier.as_str(), gone.novel), (0, "theoretical", false));
    assert_eq!(gone.mark.as_deref(), Some("canonical"));
    assert_eq!(gone.marked_statement.as_deref(), Some("gone.b is absent"));
    assert!(field(&digest, &marks, "x", "$.gone.c", None).is_none());
}

#[test]
fn a_mark_on_a_part_of_a_field_shows_on_the_field_with_its_kind() {
    let digest = digest(&[r#"42["x",{"a":1,"b":"k","c":1}]"#]);
    let marks = decided(&[
        ("unit:x#$.a", "a < 10"),
        ("field:x#$.b", "b is string"),
        ("enum_value:x#$.b=k", "b == 'k'"),
        ("formula:x#$.c?twice", "c == 2 * a"),
        ("field:x~snapshot#$.c", "c is present"),
    ]);
    let view = event(&digest, &marks, "x", &EventFilter::default()).unwrap();
    let shown: Vec<&str> =
        view.fields.rows.iter().map(|row| view.fields.cell(row, "mark").as_str().unwrap()).collect();
    assert_eq!(
        shown,
        ["unit canonical", "canonical; value k canonical", "snapshot canonical; formula twice canonical"]
    );
    let rulings: Vec<&str> = view.rulings.iter().map(|one| one.subject.as_str()).collect();
    assert_eq!(
        rulings,
        ["enum_value:x#$.b=k", "field:x~snapshot#$.c", "formula:x#$.c?twice", "unit:x#$.a"],
        "parts are rulings of the event too"
    );
    let a = field(&digest, &marks, "x", "$.a", None).unwrap();
    assert_eq!((a.mark.as_deref(), a.rulings.len()), (Some("unit canonical"), 1));
    assert_eq!(marks.counts("x"), (5, 0), "a field marked for its parts alone is not counted");
}

#[test]
fn differences_are_told_by_kind() {
    let a = digest(&[r#"42["x",{"same":1,"type":1,"gone":1,"kind":"a"}]"#, r#"42["old",{}]"#]);
    let b = digest(&[r#"42["x",{"same":1.5,"type":"1","come":1,"kind":"b"}]"#, r#"42["new",{}]"#]);
    let found = diff(("a", &Facts::Data(&a)), ("b", &Facts::Data(&b)), None);
    let told: Vec<(String, String, String)> = found
        .rows
        .rows
        .iter()
        .map(|row| {
            let text = |at: usize| row[at].as_str().unwrap_or("").to_owned();
            (text(0), text(1), text(2))
        })
        .collect();
    for one in [
        ("old", "", "stale_event"),
        ("new", "", "new_event"),
        ("x", "$.gone", "stale"),
        ("x", "$.come", "new"),
        ("x", "$.type", "type"),
        ("x", "$.same", "type"),
        ("x", "$.kind", "enum"),
    ] {
        assert!(told.contains(&(one.0.into(), one.1.into(), one.2.into())), "{one:?} in {told:?}");
    }
    assert_eq!(told.len(), 7, "{told:?}");
    assert_eq!(found.matched, 3);
    let same = diff(("a", &Facts::Data(&a)), ("a", &Facts::Data(&a)), None);
    assert!(same.changes.is_empty() && same.match_percent == 100.0);
}

#[test]
fn documents_find_what_is_stored_under_another_name_and_keys_that_are_data() {
    let data = digest(&[
        r#"42["gameStateUpdate",{"partialPrices":{"values":{"3":1.5,"4":1.25}}}]"#,
        r#"0{"sid":"x","upgrades":[]}"#,
        r#"40{"sid":"x"}"#,
        "41",
        r#"44{"message":"no"}"#,
        "3",
        r#"431[{"success":true}]"#,
    ]);
    let found = diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(&data)), None);
    let told: Vec<(&str, &str, &str)> = found
        .rows
        .rows
        .iter()
        .map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap_or(""), row[2].as_str().unwrap()))
        .collect();
    for name in [
        "connect",
        "disconnect",
        "connect_error",
        "ack",
        "buyOrderResponse",
        "transport:connect",
        "transport:disconnect",
    ] {
        assert!(!told.iter().any(|row| row.0 == name && row.2 == "stale_event"), "{name} in {told:?}");
    }
    assert!(!told.iter().any(|row| row.2 == "new_event"), "packets of the transport are not new: {told:?}");
    assert!(!told.iter().any(|row| row.1.contains("{tick}")), "{told:?}");
    assert!(told.contains(&("sellOrder", "", "stale_event")));
    let mark = digest(&[r#"42["connect",{}]"#]);
    let found = diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(&mark)), Some("connect"));
    assert!(found.rows.rows.is_empty(), "an imported recorder's mark: {found:?}");
    let one = diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(&data)), Some("disconnect"));
    assert!(one.rows.rows.is_empty(), "{one:?}");
    let nothing = digest(&[r#"42["gameStateUpdate",{"partialPrices":{"values":{}}}]"#]);
    let found = diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(&nothing)), None);
    let stale = |row: &Vec<serde_json::Value>| row[1] == "$.partialPrices.values.{tick}" && row[2] == "stale";
    assert!(found.rows.rows.iter().any(stale), "what no frame has is still told");
    assert!(found.rows.rows.iter().any(|row| row[0] == "transport:disconnect" && row[2] == "stale_event"));
}

#[test]
fn samples_of_a_field_differ_by_phase_and_tell_it() {
    // Presale throughout, one frame active at the end: what comes first must not take all the room.
    let mut facts = SchemaFacts::default();
    for seq in 1..=60_u64 {
        let phase = if seq == 60 { Phase::Active } else { Phase::Presale };
        let seen = Seen {
            ts_us: Some(seq as i64 * 1_000_000),
            session_id: "s",
            seq,
            source: "cdp",
            direction: Some("received"),
            phase: Some(phase),
            game_id: Some("g"),
        };
        let value = if seq == 60 { 500 } else { 1_000 - seq };
        facts.observe(&decode(LineFormat::Wire, None, &format!(r#"42["x",{{"a":{value}}}]"#)), &seen);
    }
    let digest = Digest { facts, ..Digest::default() };
    let view = field(&digest, &Marks::default(), "x", "$.a", None).unwrap();
    let told: Vec<(&str, &str)> =
        view.samples.iter().map(|one| (one.phase.as_deref().unwrap(), one.preview.as_str())).collect();
    assert!(told.contains(&("ACTIVE", "a = 500")) && told.contains(&("PRESALE", "a = 999")), "{told:?}");
    assert!(view.samples.iter().all(|one| one.phase.is_some()), "{told:?}");
}

#[test]
fn presence_that_changed_needs_enough_frames() {
    let (with, without) = (r#"42["x",{"a":1,"b":1}]"#, r#"42["x",{"a":1}]"#);
    let few = diff(("a", &Facts::Data(&digest(&[with; 4]))), ("b", &Facts::Data(&digest(&[with, without]))), None);
    assert!(few.changes.is_empty(), "{few:?}");
    let half: Vec<&str> = [with, without].into_iter().cycle().take(40).collect();
    let many = diff(("a", &Facts::Data(&digest(&[with; 40]))), ("b", &Facts::Data(&digest(&half))), None);
    assert_eq!(many.changes.get("presence"), Some(&1), "{many:?}");
}

#[test]
fn whole_numbers_do_not_contradict_a_documented_number() {
    let data = digest(&[r#"42["playerUpdate",{"cash":1}]"#]);
    let found =
        diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(&data)), Some("playerUpdate"));
    assert_eq!(found.changes.get("type"), None, "{found:?}");
    let data = digest(&[r#"42["playerUpdate",{"cash":"1"}]"#]);
    let found =
        diff(("documentation", &Facts::Documentation), ("data", &Facts::Data(&data)), Some("playerUpdate"));
    assert_eq!(found.changes.get("type"), Some(&1));
}

#[test]
fn sides_are_read_or_refused() {
    for good in ["documentation", "data", "source:cdp", "date:2026-01-01", "date:2026-01-01..2026-01-31"] {
        assert!(good.parse::<Side>().is_ok(), "{good}");
    }
    for bad in ["", "manifest", "session:12", "source:radio", "date:today", "month:1"] {
        assert!(bad.parse::<Side>().is_err(), "{bad}");
    }
}

#[test]
fn every_known_sequence_is_a_statement_about_its_events() {
    for sequence in &sequences::KNOWN {
        let statement =
            Statement::parse(sequence.statement).unwrap_or_else(|error| panic!("{}: {error}", sequence.name));
        for event in statement.events() {
            assert!(sequence.events.contains(&event), "{}: {event}", sequence.name);
        }
    }
}

#[test]
fn numbers_are_short() {
    for (number, short) in [(0.0, 0.0), (99.98, 100.0), (12.345, 12.3), (0.012_345, 0.0123), (1234.56, 1234.6)] {
        assert_eq!(digits(number), short);
    }
}
