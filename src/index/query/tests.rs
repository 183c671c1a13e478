#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::BTreeMap;

use super::super::build::{Scope, build};
use super::super::testing::{Hashing, event, game, root, unit};
use super::*;

async fn indexed(units: Vec<Unit>) -> (tempfile::TempDir, Reader) {
    let (folder, root) = root();
    let model: Arc<dyn Embedder> = Hashing::new();
    build(&root, Scope::Full, units.into_iter(), Some(BTreeMap::new()), Some(model), |_| {}).await.unwrap();
    (folder, Reader::open(&root).await.unwrap())
}

async fn ask(reader: &Reader, question: &Question) -> Result<Found, IndexError> {
    reader.search(question, Some(Hashing::new()), None).await
}

fn ids(found: &Found) -> Vec<&str> {
    found.hits.iter().map(|hit| hit.unit.id.as_str()).collect()
}

fn field(event: &str, path: &str, text: &str) -> Unit {
    Unit {
        event_name: Some(event.into()),
        field_path: Some(path.into()),
        ..unit(&format!("field:{event}.{path}"), UnitKind::FieldCard, text)
    }
}

/// One unit of the wanted kind among many that fit the question better.
fn crowd() -> Vec<Unit> {
    let mut units: Vec<Unit> =
        (0..300).map(|at| game(&format!("20260214-{at:08}"), at, &format!("peak price rug tick {at}"))).collect();
    units.push(event("gameStateUpdate", "tick, leaderboard and everything else"));
    units
}

#[tokio::test]
async fn filters_come_before_the_best() {
    let (_folder, reader) = indexed(crowd()).await;
    for mode in [Mode::Hybrid, Mode::Dense, Mode::Keyword] {
        let kind = Filters { kind: Some("event_card".into()), ..Filters::default() };
        let question = Question { filters: kind, mode, ..Question::new("peak price rug tick", 5) };
        let found = ask(&reader, &question).await.unwrap();
        assert_eq!(ids(&found), ["event:gameStateUpdate"], "{mode:?}: it fits worse than 300 games");

        let one = Filters { game_id: Some("20260214-00000123".into()), ..Filters::default() };
        let question = Question { filters: one, mode, ..Question::new("peak price rug tick", 5) };
        assert_eq!(ids(&ask(&reader, &question).await.unwrap()), ["game:20260214-00000123"], "{mode:?}");

        let times = Filters { from_us: Some(10), until_us: Some(13), ..Filters::default() };
        let question = Question { filters: times, mode, ..Question::new("peak price rug tick", 50) };
        assert_eq!(ask(&reader, &question).await.unwrap().hits.len(), 3, "{mode:?}");
    }
}

#[tokio::test]
async fn exact_names_rank_their_own_card_first() {
    let mut units = crowd();
    units.push(event("playerUpdate", "own account"));
    units.push(unit("ref:1", UnitKind::Reference, "playerUpdate playerUpdate fields fields of playerUpdate"));
    units.push(field("playerUpdate", "positionQty", "how much is held"));
    units.push(field("gameStateUpdate", "leaderboard[].positionQty", "how much others hold"));
    let (_folder, reader) = indexed(units).await;
    let first = async |text: &str| {
        let found = ask(&reader, &Question::new(text, 5)).await.unwrap();
        (found.hits[0].unit.id.clone(), found.hits[0].why.join("; "))
    };
    let (id, why) = first("What fields are in playerUpdate?").await;
    assert_eq!(id, "event:playerUpdate");
    assert!(why.contains("the query names event playerUpdate"), "{why}");
    assert_eq!(first("positionQty in playerUpdate").await.0, "field:playerUpdate.positionQty");
    assert_eq!(first("what happened in game 20260214-00000077?").await.0, "game:20260214-00000077");
    // A filter beats a name.
    let kind = Filters { kind: Some("reference".into()), ..Filters::default() };
    let question = Question { filters: kind, ..Question::new("playerUpdate", 5) };
    assert_eq!(ids(&ask(&reader, &question).await.unwrap()), ["ref:1"]);
}

#[tokio::test]
async fn pages_fit_together() {
    let (_folder, reader) = indexed(crowd()).await;
    let page = async |offset, limit| {
        let question = Question { offset, limit, ..Question::new("peak price rug tick", 0) };
        let found = ask(&reader, &question).await.unwrap();
        (ids(&found).iter().map(|id| (*id).to_owned()).collect::<Vec<_>>(), found.more)
    };
    let (whole, _) = page(0, 30).await;
    let (first, more) = page(0, 10).await;
    let (second, _) = page(10, 20).await;
    assert!(more);
    assert_eq!(whole, [first, second].concat());
    assert_eq!(page(5_000, 10).await, (Vec::new(), false));
}

#[tokio::test]
async fn a_value_that_is_not_there_names_the_nearest() {
    let (_folder, reader) = indexed(crowd()).await;
    let filters = Filters { event_name: Some("gameStateUpdates".into()), ..Filters::default() };
    let question = Question { filters, ..Question::new("price", 5) };
    let error = ask(&reader, &question).await.unwrap_err().to_string();
    assert!(error.contains("event_name \"gameStateUpdates\"") && error.contains("gameStateUpdate"), "{error}");
    let filters = Filters { kind: Some("events".into()), ..Filters::default() };
    let question = Question { filters, ..Question::new("price", 5) };
    assert!(ask(&reader, &question).await.unwrap_err().to_string().contains("event_card"));
    // What looks like SQL is a value like any other.
    let filters = Filters { game_id: Some("x' OR '1'='1".into()), ..Filters::default() };
    let question = Question { filters, ..Question::new("price", 5) };
    assert!(matches!(ask(&reader, &question).await, Err(IndexError::UnknownValue { .. })));
}

#[tokio::test]
async fn empty_and_endless_questions() {
    let (_folder, reader) = indexed(crowd()).await;
    for empty in ["", "   ", "?!…", "\u{200b}"] {
        let error = ask(&reader, &Question::new(empty, 5)).await.unwrap_err();
        assert!(matches!(error, IndexError::EmptyQuery), "{empty:?}: {error}");
    }
    let endless = "tick ".repeat(20_000);
    let found = ask(&reader, &Question::new(endless, 5)).await.unwrap();
    assert!(found.notes[0].contains("the first 2000 were used"), "{:?}", found.notes);
    assert_eq!(found.hits.len(), 5);
    // Only words that say nothing: meaning alone answers.
    assert!(!ask(&reader, &Question::new("what is it", 5)).await.unwrap().hits.is_empty());
}

#[tokio::test]
async fn every_hit_says_why() {
    let (_folder, reader) = indexed(crowd()).await;
    let found = ask(&reader, &Question::new("leaderboard", 5)).await.unwrap();
    assert_eq!(found.hits[0].unit.id, "event:gameStateUpdate");
    assert!(found.hits[0].why.contains(&"keywords #1: leaderboard".to_owned()), "{:?}", found.hits[0].why);
    assert!(found.hits[0].why.iter().any(|why| why.starts_with("meaning #")));
    assert_eq!(found.mode, Mode::Hybrid);
    assert!(found.notes.is_empty());
    assert_eq!(found.units, 301);
    assert!(found.hits[1..].iter().all(|hit| !hit.why.is_empty()));
}

#[tokio::test]
async fn units_come_back_as_they_were() {
    let units = crowd();
    let (_folder, reader) = indexed(units.clone()).await;
    let question = Question::new("20260214-00000042", 1);
    assert_eq!(ask(&reader, &question).await.unwrap().hits[0].unit, units[42]);
}
