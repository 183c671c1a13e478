//! Is search any good? Questions with known answers are asked in four ways, and the numbers stand side by side:
//! hybrid, meaning alone, keywords alone, and `naive`: one sentence per recorded event, embedded one by one, which
//! is how the first design cut the data.
//!
//! What counts: a unit is a **hit** for a question when it names at least one of the required events and, where
//! fields are required, at least one of them. A question is **answerable** when all required events and at least
//! 60 % of the required fields stand in the first five units.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::embed::Embedder;
use super::error::IndexError;
use super::memory::Memory;
use super::query::{Mode, Question, Reader};
use super::units::Unit;
use super::words;

pub mod naive;

/// How far down a hit is looked for.
const DEPTH: usize = 10;

/// A question is answered from this many units.
const READ: usize = 5;

/// Share of the required fields that must stand there.
const FIELDS: f64 = 0.6;

/// A file of questions.
#[derive(Debug, Clone, Deserialize)]
pub struct Questions {
    /// The questions.
    pub questions: Vec<Asked>,
}

/// A question and what its answer must hold.
#[derive(Debug, Clone, Deserialize)]
pub struct Asked {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// The question.
    pub question: String,
    /// What must stand in the answer.
    pub must_include: Required,
}

/// What must stand in an answer.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Required {
    /// Events, all of them.
    #[serde(default)]
    pub events: Vec<String>,
    /// Fields, most of them.
    #[serde(default)]
    pub fields: Vec<String>,
}

/// The numbers of one way to ask. Shares from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Scores {
    /// Questions whose first unit is a hit.
    pub hit_at_1: f64,
    /// Questions with a hit among the first five.
    pub hit_at_5: f64,
    /// Mean of 1 / place of the first hit, among the first ten.
    pub mrr: f64,
    /// Questions that the first five units answer.
    pub answerable_at_5: f64,
}

/// What was measured.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// Meaning and keywords.
    pub hybrid: Option<Scores>,
    /// Meaning alone.
    pub dense: Option<Scores>,
    /// Keywords alone.
    pub keyword: Option<Scores>,
    /// One sentence per recorded event.
    pub naive: Option<Scores>,
    /// Questions asked.
    pub questions: usize,
    /// Units in the index.
    pub units: u64,
    /// Sentences of the naive index.
    pub naive_sentences: usize,
    /// Milliseconds a hybrid search took, the middle one and the slowest.
    pub search_ms: Option<(f64, f64)>,
    /// Questions that the best way did not answer: id, question, what was missing.
    pub missed: Vec<Missed>,
    /// What to know about the numbers.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A question that was not answered.
#[derive(Debug, Clone, Serialize)]
pub struct Missed {
    /// Its id.
    pub id: String,
    /// The question.
    pub question: String,
    /// Required names that did not stand in the first five units.
    pub missing: Vec<String>,
    /// Ids of these units.
    pub found: Vec<String>,
}

impl Questions {
    /// Reads a file of questions.
    ///
    /// # Errors
    /// When it is none, or has no questions.
    pub fn parse(text: &str) -> Result<Questions, IndexError> {
        let questions: Questions = serde_json::from_str(text).map_err(|error| {
            IndexError::Questions(format!(
                "this is no file of questions: {error}. It looks like \
                 {{\"questions\": [{{\"id\": …, \"question\": …, \"must_include\": {{\"events\": […], \"fields\": […]}}}}]}}"
            ))
        })?;
        if questions.questions.is_empty() {
            return Err(IndexError::Questions("the file has no questions".into()));
        }
        Ok(questions)
    }
}

/// Asks every question in every way. Without a model the ways that need one are left out.
///
/// # Errors
/// Those of [`Reader::search`].
pub async fn run(
    reader: &Reader,
    questions: &Questions,
    sentences: &[String],
    embedder: Option<Arc<dyn Embedder>>,
    missing: Option<&str>,
) -> Result<Report, IndexError> {
    let mut report = Report {
        questions: questions.questions.len(),
        units: reader.table().count().await?,
        naive_sentences: sentences.len(),
        ..Report::default()
    };
    let mut modes = vec![(Mode::Keyword, None)];
    if let Some(embedder) = &embedder {
        modes.push((Mode::Dense, Some(Arc::clone(embedder))));
        modes.push((Mode::Hybrid, Some(Arc::clone(embedder))));
    } else {
        report.notes.push(format!(
            "keywords alone were measured, also for naive: {}",
            missing.unwrap_or("there is no embedding model")
        ));
    }
    let mut times = Vec::new();
    for (mode, embedder) in modes {
        let mut tally = Tally::default();
        report.missed.clear();
        for asked in &questions.questions {
            let question = Question { mode, ..Question::new(asked.question.clone(), DEPTH) };
            let begun = Instant::now();
            let found = reader.search(&question, embedder.clone(), missing).await?;
            if mode == Mode::Hybrid {
                times.push(begun.elapsed().as_secs_f64() * 1000.0);
            }
            let texts: Vec<Text> = found.hits.iter().map(|hit| Text::of_unit(&hit.unit)).collect();
            if let Some(missing) = tally.add(&asked.must_include, &texts) {
                let found = found.hits.iter().take(READ).map(|hit| hit.unit.id.clone()).collect();
                report.missed.push(Missed {
                    id: asked.id.clone(),
                    question: asked.question.clone(),
                    missing,
                    found,
                });
            }
        }
        match mode {
            Mode::Hybrid => report.hybrid = Some(tally.scores()),
            Mode::Dense => report.dense = Some(tally.scores()),
            Mode::Keyword => report.keyword = Some(tally.scores()),
        }
    }
    times.sort_by(f64::total_cmp);
    report.search_ms = times.get(times.len() / 2).copied().zip(times.last().copied());
    if !sentences.is_empty() {
        report.naive = Some(ask_naive(questions, sentences, embedder).await?);
    }
    Ok(report)
}

/// The same questions to the sentences: by meaning as the first design did; without a model by keywords.
async fn ask_naive(
    questions: &Questions,
    sentences: &[String],
    embedder: Option<Arc<dyn Embedder>>,
) -> Result<Scores, IndexError> {
    let asked: Vec<String> = questions.questions.iter().map(|asked| asked.question.clone()).collect();
    let owned = sentences.to_vec();
    let ranked = tokio::task::spawn_blocking(move || match embedder {
        Some(embedder) => naive::by_meaning(embedder.as_ref(), &owned, &asked, DEPTH),
        None => {
            let memory = Memory::of_words(owned.iter().map(|text| words::words(text).join(" ")));
            Ok(asked.iter().map(|question| memory.search(question, DEPTH)).collect())
        }
    });
    let ranked = ranked.await.map_err(|error| IndexError::Embedding(error.to_string()))??;
    let mut tally = Tally::default();
    for (asked, places) in questions.questions.iter().zip(ranked) {
        let texts: Vec<Text> =
            places.into_iter().filter_map(|at| sentences.get(at)).map(|text| Text::new(text)).collect();
        tally.add(&asked.must_include, &texts);
    }
    Ok(tally.scores())
}

/// The words that stand in a text.
struct Text {
    words: HashSet<String>,
}

impl Text {
    fn new(text: &str) -> Text {
        Text { words: words::identifiers(text).flat_map(ends).collect() }
    }

    fn of_unit(unit: &Unit) -> Text {
        let event = unit.event_name.as_deref().unwrap_or_default();
        let field = unit.field_path.as_deref().unwrap_or_default();
        Text::new(&format!("{}\n{}\n{event} {field}", unit.title, unit.text))
    }

    /// Whether a name stands here: whole, or for a path every segment of it.
    fn has(&self, name: &str) -> bool {
        self.words.contains(name)
            || name.contains('.') && name.split('.').all(|segment| self.words.contains(segment))
    }
}

/// An identifier and the segments of it, so that `$.gameHistory[].id` holds `id`. A part of a word does not count.
fn ends(word: &str) -> Vec<String> {
    let parts = word.split(['.', '/', ':', '-']).filter(|part| !part.is_empty());
    parts.chain([word]).map(str::to_owned).collect()
}

#[derive(Debug, Default)]
struct Tally {
    asked: usize,
    first: usize,
    five: usize,
    answerable: usize,
    reciprocal: f64,
}

impl Tally {
    /// Counts one question; gives what was missing if it was not answered.
    fn add(&mut self, required: &Required, texts: &[Text]) -> Option<Vec<String>> {
        self.asked += 1;
        let is_hit = |text: &Text| {
            (required.events.is_empty() || required.events.iter().any(|name| text.has(name)))
                && (required.fields.is_empty() || required.fields.iter().any(|name| text.has(name)))
        };
        if let Some(place) = texts.iter().position(is_hit) {
            self.first += usize::from(place == 0);
            self.five += usize::from(place < READ);
            #[expect(clippy::cast_precision_loss, reason = "a place among ten")]
            let place = (place + 1) as f64;
            self.reciprocal += 1.0 / place;
        }
        let read = texts.get(..READ.min(texts.len())).unwrap_or_default();
        let lacks = |name: &&String| !read.iter().any(|text| text.has(name));
        let mut missing: Vec<String> = required.events.iter().filter(lacks).cloned().collect();
        let no_field: Vec<String> = required.fields.iter().filter(lacks).cloned().collect();
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let enough = (required.fields.len() - no_field.len()) as f64 >= FIELDS * required.fields.len() as f64;
        if missing.is_empty() && enough {
            self.answerable += 1;
            return None;
        }
        missing.extend(no_field);
        Some(missing)
    }

    fn scores(&self) -> Scores {
        #[expect(clippy::cast_precision_loss, reason = "a few hundred questions")]
        let share = |count: usize| count as f64 / self.asked.max(1) as f64;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred questions")]
        let mrr = self.reciprocal / self.asked.max(1) as f64;
        Scores {
            hit_at_1: share(self.first),
            hit_at_5: share(self.five),
            mrr,
            answerable_at_5: share(self.answerable),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use std::collections::BTreeMap;

    use super::super::build::{Scope, build};
    use super::super::testing::{Hashing, event, root};
    use super::*;

    fn required(events: &[&str], fields: &[&str]) -> Required {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Required { events: owned(events), fields: owned(fields) }
    }

    #[test]
    fn names_stand_as_words_not_as_parts_of_words() {
        let text =
            Text::new("`$.gameHistory[].provablyFair.serverSeedHash` in gameStateUpdate, standard/newTrade");
        for yes in ["gameHistory", "provablyFair.serverSeedHash", "serverSeedHash", "standard/newTrade"] {
            assert!(text.has(yes), "{yes}");
        }
        for no in ["serverSeed", "id", "State", "provablyFair.serverSeed"] {
            assert!(!text.has(no), "{no}");
        }
    }

    #[test]
    fn scores_count_places_and_fields() {
        let mut tally = Tally::default();
        let texts = ["nothing", "playerUpdate cash", "playerUpdate avgCost"].map(Text::new);
        assert!(tally.add(&required(&["playerUpdate"], &["cash", "avgCost", "role"]), &texts).is_none());
        let missing = tally.add(&required(&["playerUpdate", "ack"], &["cash"]), &texts).unwrap();
        assert_eq!(missing, ["ack"]);
        let missing = tally.add(&required(&[], &["a", "b"]), &texts).unwrap();
        assert_eq!(missing, ["a", "b"]);
        let scores = tally.scores();
        assert_eq!((scores.hit_at_1, scores.answerable_at_5), (0.0, 1.0 / 3.0));
        assert!((scores.hit_at_5 - 2.0 / 3.0).abs() < 1e-9 && (scores.mrr - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_that_is_none_is_told_what_one_looks_like() {
        assert!(Questions::parse("{}").unwrap_err().to_string().contains("must_include"));
        assert!(Questions::parse(r#"{"questions": []}"#).unwrap_err().to_string().contains("no questions"));
    }

    #[tokio::test]
    async fn the_ways_to_ask_stand_side_by_side() {
        let (_folder, root) = root();
        let model: Arc<dyn Embedder> = Hashing::new();
        let units = [event("playerUpdate", "own account: cash"), event("ack", "answer to a request, prefix 43")];
        build(&root, Scope::Full, units.into_iter(), Some(BTreeMap::new()), Some(model.clone()), |_| {})
            .await
            .unwrap();
        let reader = Reader::open(&root).await.unwrap();
        let questions = Questions::parse(
            r#"{"questions": [
                {"id": "1", "question": "where is my cash", "must_include": {"events": ["playerUpdate"], "fields": ["cash"]}},
                {"id": "2", "question": "what is 43", "must_include": {"events": ["ack"]}}]}"#,
        )
        .unwrap();
        let sentences = vec!["event playerUpdate with role".to_owned(), "event ack with 43".to_owned()];
        let report = run(&reader, &questions, &sentences, Some(model), None).await.unwrap();
        assert_eq!(report.hybrid.unwrap().answerable_at_5, 1.0);
        assert_eq!(report.keyword.unwrap().hit_at_1, 1.0);
        assert_eq!(report.naive.unwrap().answerable_at_5, 0.5);
        assert!(report.missed.is_empty() && report.search_ms.is_some());
        let json = serde_json::to_value(&report).unwrap();
        for way in ["hybrid", "dense", "keyword", "naive"] {
            for number in ["hit_at_1", "hit_at_5", "mrr", "answerable_at_5"] {
                assert!(json[way][number].is_number(), "{way}.{number}");
            }
        }
        let report = run(&reader, &questions, &sentences, None, Some("none here")).await.unwrap();
        assert!(report.hybrid.is_none() && report.notes[0].contains("none here"));
    }
}
