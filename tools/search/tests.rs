#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::index::units::{Basis, Tier, UnitKind};

fn unit(id: &str, text: &str) -> Unit {
    Unit {
        id: id.into(),
        kind: UnitKind::Reference,
        title: id.into(),
        text: text.into(),
        event_name: None,
        field_path: None,
        doc_type: None,
        game_id: None,
        session_id: None,
        source: None,
        ts_us: Some(1_000_000),
        tier: Tier::Theoretical,
        basis: Some(Basis::Documented),
        evidence: (0..5).map(|seq| format!("session:{seq}")).collect(),
        hash: String::new(),
    }
}

fn found(count: usize, characters: usize) -> Found {
    let hit = |at| Hit { unit: unit(&format!("ref:{at}"), &"x".repeat(characters)), why: vec![], score: 1.0 };
    Found { hits: (0..count).map(hit).collect(), mode: Mode::Hybrid, notes: vec![], more: false, units: 100 }
}

fn asked(args: serde_json::Value) -> Question {
    question(&serde_json::from_value(args).unwrap()).unwrap()
}

#[test]
fn concise_is_short_and_detailed_is_whole() {
    let question = asked(serde_json::json!({"query": "x"}));
    let concise = output("hybrid".into(), found(2, 3_000), &question, &Marks::default(), false);
    assert_eq!(concise.hits[0].text.chars().count(), CONCISE + 1);
    assert_eq!(concise.hits[0].evidence.len(), FEW_REFS);
    assert!(concise.truncated && concise.next.unwrap().contains("detailed"));
    let detailed = output("hybrid".into(), found(2, 3_000), &question, &Marks::default(), true);
    assert_eq!(detailed.hits[0].text.len(), 3_000);
    assert_eq!(detailed.hits[0].evidence.len(), 5);
    assert_eq!(detailed.hits[0].ts.as_deref(), Some("1970-01-01T00:00:01Z"));
    assert!(!detailed.truncated && detailed.next.is_none());
}

#[test]
fn an_answer_stays_within_its_size_and_says_where_to_go_on() {
    let question = asked(serde_json::json!({"query": "x", "offset": 10}));
    let output = output("hybrid".into(), found(50, 5_000), &question, &Marks::default(), true);
    let bytes = serde_json::to_string(&output).unwrap().len() as u64;
    assert!(bytes < RESULT_BYTES, "{bytes}");
    let shown = output.hits.len() as u64;
    assert_eq!(output.offset, Some(10 + shown));
    assert!(output.next.unwrap().contains(&format!("\"offset\": {}", 10 + shown)));
}

#[test]
fn times_are_instants_or_dates() {
    let question = asked(serde_json::json!({"query": "x", "from": "1970-01-02", "until": "1970-01-02T00:00:01Z"}));
    assert_eq!(question.filters.from_us, Some(86_400_000_000));
    assert_eq!(question.filters.until_us, Some(86_401_000_000));
    let error = super::question(&Args { query: "x".into(), from: Some("tomorrow".into()), ..Args::default() });
    assert!(error.unwrap_err().to_string().contains("from is no time"));
}

#[test]
fn limits_are_within_bounds() {
    let question = asked(serde_json::json!({"query": "x", "limit": 0, "offset": 99999, "kind": " "}));
    assert_eq!((question.limit, question.offset), (1, LAST));
    assert_eq!(question.filters, Filters::default());
}

#[test]
fn without_an_index_the_shipped_reference_answers() {
    let units = [unit("ref:ack", "43 is an acknowledgement"), unit("ref:chat", "chat messages are moderated")];
    let missing = IndexError::Missing { why: "yet" };
    let question = asked(serde_json::json!({"query": "what does 43 mean?"}));
    let (mode, found) = shipped(&units, &question, &missing).unwrap();
    assert_eq!((mode.as_str(), found.hits.len()), ("reference", 1));
    assert_eq!(found.hits[0].unit.id, "ref:ack");
    assert!(found.notes[0].contains("`replayer index build`"), "{:?}", found.notes);
    let empty = asked(serde_json::json!({"query": " "}));
    assert!(matches!(shipped(&units, &empty, &missing), Err(IndexError::EmptyQuery)));
}

#[test]
fn refusals_name_the_next_call() {
    let error =
        IndexError::UnknownValue { filter: "event_name", value: "x".into(), nearest: vec!["playerUpdate".into()] };
    let text = refused(&error).to_string();
    assert!(text.contains(r#"next: search with "event_name": "playerUpdate""#), "{text}");
    let text = refused(&IndexError::Missing { why: "yet" }).to_string();
    assert!(text.contains("replayer index build"), "{text}");
}

#[test]
fn text_of_strangers_is_made_visible() {
    let mut hit = found(1, 1).hits.remove(0);
    hit.unit.text = "evil\u{202e}text".into();
    assert!(!row(hit, &Marks::default(), false).0.text.contains('\u{202e}'));
}

fn card(kind: UnitKind, event: &str, path: Option<&str>, text: &str) -> Unit {
    Unit { kind, event_name: Some(event.into()), field_path: path.map(str::to_owned), ..unit("card", text) }
}

fn verified(key: &str, statement: &str) -> (String, crate::verify::explore::marks::Shown) {
    let shown = crate::verify::explore::marks::Shown {
        mark: "verified".into(),
        statement: Some(statement.into()),
        ..Default::default()
    };
    (key.into(), shown)
}

#[test]
fn a_hit_tells_the_marks_on_parts_of_what_it_is_about() {
    let marks = Marks::new([
        verified("unit:gameStateUpdate#$.cooldownTimer", "cooldownTimer <= 15000"),
        verified("field:gameStateUpdate#$.provablyFair.serverSeed", "provablyFair.serverSeed is absent"),
    ]);
    let of = |kind, path, text: &str| decided(&card(kind, "gameStateUpdate", path, text), &marks);
    let field = of(UnitKind::FieldCard, Some("$.cooldownTimer"), "");
    assert_eq!(field.mark.as_deref(), Some("unit verified"));
    assert!(
        field.marked[0].starts_with("unit:gameStateUpdate#$.cooldownTimer [verified]: "),
        "{:?}",
        field.marked
    );
    let event = of(UnitKind::EventCard, None, "");
    assert_eq!((event.mark.as_deref(), event.marked.len()), (Some("unverified"), 2));
    let chapter = of(UnitKind::Reference, None, "The serverSeed comes with the history.");
    assert_eq!(chapter.mark.as_deref(), Some("partly marked"));
    assert!(chapter.marked[0].contains("provablyFair.serverSeed is absent"), "{:?}", chapter.marked);
    let other = of(UnitKind::Reference, None, "The serverSeedHash comes before the game.");
    assert_eq!(other.mark.as_deref(), Some("unverified"), "another word");
}
