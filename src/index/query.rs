//! Asking the index: filters first, then meaning and keywords, then one list.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Serialize;

use super::checkpoint::{Checkpoint, ModelStamp};
use super::embed::Embedder;
use super::error::IndexError;
use super::memory;
use super::ranking::{self, Fused, Names, Pin, Ranked};
use super::table::{Candidate, UnitTable, one_of, quoted};
use super::units::{Unit, UnitKind};
use super::words;
use crate::store::root::DataRoot;

/// Characters of a question that are used; the model reads about a thousand.
pub const QUESTION: usize = 2_000;

/// How far down each list is read: the fused list has at least as many places.
const DEPTH: usize = 100;

/// Last place that can be asked for.
pub const LAST: usize = 200;

/// Which lists make the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Meaning and keywords, fused.
    Hybrid,
    /// Meaning alone.
    Dense,
    /// Keywords alone.
    Keyword,
}

/// Which units may be found. What is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    /// Kind of unit.
    pub kind: Option<String>,
    /// Event it is about.
    pub event_name: Option<String>,
    /// Kind of row it is about.
    pub doc_type: Option<String>,
    /// Game it is about.
    pub game_id: Option<String>,
    /// Session it is from.
    pub session_id: Option<String>,
    /// Where its frames were recorded.
    pub source: Option<String>,
    /// Not before, microseconds UTC; units without a time are left out.
    pub from_us: Option<i64>,
    /// Before, microseconds UTC.
    pub until_us: Option<i64>,
}

impl Filters {
    /// The filters with a value, by the name of their column.
    pub fn values(&self) -> Vec<(&'static str, &str)> {
        [
            ("kind", &self.kind),
            ("event_name", &self.event_name),
            ("doc_type", &self.doc_type),
            ("game_id", &self.game_id),
            ("session_id", &self.session_id),
            ("source", &self.source),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_deref()?)))
        .collect()
    }

    /// In Lance's language; `None` when everything may be found.
    fn sql(&self) -> Option<String> {
        let mut conditions: Vec<String> =
            self.values().into_iter().map(|(name, value)| format!("{name} = {}", quoted(value))).collect();
        conditions.extend(self.from_us.map(|from| format!("ts_us >= {from}")));
        conditions.extend(self.until_us.map(|until| format!("ts_us < {until}")));
        (!conditions.is_empty()).then(|| conditions.join(" AND "))
    }

    /// Whether a unit may be found; the same as [`Filters::sql`], for units in memory.
    pub fn allows(&self, unit: &Unit) -> bool {
        let same = |wanted: &Option<String>, is: Option<&str>| wanted.is_none() || wanted.as_deref() == is;
        same(&self.kind, Some(unit.kind.as_str()))
            && same(&self.event_name, unit.event_name.as_deref())
            && same(&self.doc_type, unit.doc_type.as_deref())
            && same(&self.game_id, unit.game_id.as_deref())
            && same(&self.session_id, unit.session_id.as_deref())
            && same(&self.source, unit.source.as_deref())
            && self.from_us.is_none_or(|from| unit.ts_us.is_some_and(|ts| ts >= from))
            && self.until_us.is_none_or(|until| unit.ts_us.is_some_and(|ts| ts < until))
    }
}

/// What to look for.
#[derive(Debug, Clone)]
pub struct Question {
    /// In the asker's words.
    pub text: String,
    /// Among which units.
    pub filters: Filters,
    /// Which lists; keywords alone where there is no model.
    pub mode: Mode,
    /// Hits to pass over.
    pub offset: usize,
    /// Hits to give.
    pub limit: usize,
}

impl Question {
    /// A question without filters: the first hits.
    pub fn new(text: impl Into<String>, limit: usize) -> Question {
        Question { text: text.into(), filters: Filters::default(), mode: Mode::Hybrid, offset: 0, limit }
    }
}

/// One unit that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The unit.
    pub unit: Unit,
    /// Why it stands here, in words.
    pub why: Vec<String>,
    /// Fused score; higher is better, comparable within one answer only.
    pub score: f64,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Found {
    /// The hits of this page.
    pub hits: Vec<Hit>,
    /// Which lists made it.
    pub mode: Mode,
    /// What the asker should know: no model, a question that was cut.
    pub notes: Vec<String>,
    /// Whether there are hits after this page.
    pub more: bool,
    /// Units that could have been found, where no filter was set.
    pub units: u64,
}

/// The question as it is used: without its end where it is too long.
///
/// # Errors
/// [`IndexError::EmptyQuery`] when there is no word in it.
pub fn usable(text: &str) -> Result<(String, Option<String>), IndexError> {
    let text = text.trim();
    if words::identifiers(text).next().is_none() {
        return Err(IndexError::EmptyQuery);
    }
    let cut: String = text.chars().take(QUESTION).collect();
    if cut.len() == text.len() {
        return Ok((cut, None));
    }
    let note = format!("the query has {} characters; the first {QUESTION} were used", text.chars().count());
    Ok((cut, Some(note)))
}

/// The values nearest to a word, at most five.
pub fn nearest<'a>(word: &str, values: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let word = word.to_lowercase();
    let mut scored: Vec<(f64, &str)> = values
        .into_iter()
        .map(|value| {
            let lower = value.to_lowercase();
            let contains = if lower.contains(&word) || word.contains(&lower) { 0.5 } else { 0.0 };
            (strsim::jaro_winkler(&word, &lower) + contains, value)
        })
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(5).map(|(_, value)| value.to_owned()).collect()
}

/// The index, open for reading, at one version.
#[derive(Debug)]
pub struct Reader {
    table: UnitTable,
    names: Names,
    /// Rows of the cards that names lead to, so that no question has to look them up.
    cards: HashMap<String, u64>,
    model: Option<ModelStamp>,
    units: u64,
}

/// How often a table is opened that moves meanwhile.
const TRIES: usize = 8;

impl Reader {
    /// Opens the index as it stands.
    ///
    /// # Errors
    /// [`IndexError::Missing`] when there is none, [`IndexError::Damaged`] when it cannot be read.
    pub async fn open(root: &DataRoot) -> Result<Reader, IndexError> {
        let mut checkpoint = Checkpoint::load(root)?;
        for _ in 1..TRIES {
            let Some(known) = checkpoint else { break };
            let name = known.table_name(root).to_owned();
            let opened = Reader::open_table(root, &known, &name).await;
            let Err(IndexError::Damaged { .. }) = opened else { return opened };
            // A new table is put in force first and gets its lasting name then: it may have moved while it was opened.
            let now = Checkpoint::load(root)?;
            let moved = |now: &Checkpoint| now.table_name(root) != name || now.updated_us != known.updated_us;
            if !now.as_ref().is_none_or(moved) {
                return opened;
            }
            checkpoint = now;
        }
        let Some(known) = checkpoint else { return Err(IndexError::Missing { why: "yet" }) };
        let name = known.table_name(root).to_owned();
        Reader::open_table(root, &known, &name).await
    }

    async fn open_table(root: &DataRoot, checkpoint: &Checkpoint, name: &str) -> Result<Reader, IndexError> {
        let table = UnitTable::open(&root.vectors_dir(), name, checkpoint.dimension).await?;
        let cards = table.cards().await?;
        let rows = cards.iter().map(|card| (card.id.clone(), card.row)).collect();
        let names =
            Names::new(cards.into_iter().map(|card| (card.kind, card.id, card.event_name, card.field_path)));
        let units = table.count().await?;
        Ok(Reader { table, names, cards: rows, model: checkpoint.model.clone(), units })
    }

    /// The table behind it.
    pub fn table(&self) -> &UnitTable {
        &self.table
    }

    /// The model of its vectors.
    pub fn model(&self) -> Option<&ModelStamp> {
        self.model.as_ref()
    }

    /// Answers a question. `embedder` is the model in force; `missing` says why there is none.
    ///
    /// # Errors
    /// [`IndexError::EmptyQuery`], [`IndexError::UnknownValue`] for a filter that nothing passes,
    /// [`IndexError::Mismatch`] when the vectors are another model's, [`IndexError::Damaged`].
    pub async fn search(
        &self,
        question: &Question,
        embedder: Option<Arc<dyn Embedder>>,
        missing: Option<&str>,
    ) -> Result<Found, IndexError> {
        let (text, cut) = usable(&question.text)?;
        let mut notes: Vec<String> = cut.into_iter().collect();
        let filter = question.filters.sql();
        self.check(&question.filters).await?;
        let depth = DEPTH.max(question.offset + question.limit + 1).min(LAST + 1);
        let searched = memory::query_words(&text);
        // On another core: planning a query takes as long as the model does, and neither waits for a disk.
        let keywords = async {
            if searched.is_empty() {
                return Ok(Vec::new());
            }
            let (table, words, filter) = (self.table.clone(), searched.join(" "), filter.clone());
            let task = tokio::spawn(async move { table.keywords(&words, filter.as_deref(), depth).await });
            task.await.map_err(|error| IndexError::Lance { doing: "be searched", reason: error.to_string() })?
        };
        let meaning = async {
            let vector = match question.mode {
                Mode::Keyword => None,
                _ => self.vector(&text, embedder, missing, &mut notes).await?,
            };
            let Some(vector) = vector else { return Ok(None) };
            self.table.nearest(&vector, filter.as_deref(), depth).await.map(Some)
        };
        let (mode, meaning, keywords) = match question.mode {
            Mode::Dense => match meaning.await? {
                Some(meaning) => (Mode::Dense, meaning, Vec::new()),
                // Without a model, words are all there is.
                None => (Mode::Keyword, Vec::new(), keywords.await?),
            },
            mode => match futures::try_join!(keywords, meaning)? {
                (keywords, Some(meaning)) => (mode, meaning, keywords),
                (keywords, None) => (Mode::Keyword, Vec::new(), keywords),
            },
        };
        let mut fused = ranking::fuse(&places(&meaning), &places(&keywords), mode == Mode::Hybrid);
        let pinned = if mode == Mode::Dense {
            HashMap::new()
        } else {
            self.pin(&text, filter.as_deref(), &mut fused).await?
        };

        let page: Vec<Fused> = fused.iter().copied().skip(question.offset).take(question.limit).collect();
        let more = fused.len() > question.offset + page.len() && question.offset + page.len() < LAST;
        let rows: Vec<u64> = page.iter().map(|fused| fused.row).collect();
        let mut units = self.table.take(&rows).await?;
        let hits = page
            .into_iter()
            .filter_map(|fused| {
                let unit = units.remove(&fused.row)?;
                let why = why(&unit, &fused, pinned.get(&fused.row), &searched);
                Some(Hit { unit, why, score: fused.score })
            })
            .collect();
        Ok(Found { hits, mode, notes, more, units: self.units })
    }

    /// The question as a vector of the index's own model, or nothing and a note why.
    async fn vector(
        &self,
        text: &str,
        embedder: Option<Arc<dyn Embedder>>,
        missing: Option<&str>,
        notes: &mut Vec<String>,
    ) -> Result<Option<Vec<f32>>, IndexError> {
        let Some(embedder) = embedder else {
            let why = missing.unwrap_or("there is no embedding model here");
            notes.push(format!("found by keywords only: {why}"));
            return Ok(None);
        };
        let now = ModelStamp::from(embedder.model());
        match &self.model {
            Some(built) if *built != now => {
                return Err(IndexError::Mismatch { built: built.to_string(), now: now.to_string() });
            }
            None => {
                notes.push(
                    "found by keywords only: the index was built without a model. \
                     `replayer index build --incremental` adds the vectors"
                        .into(),
                );
                return Ok(None);
            }
            Some(_) => {}
        }
        let text = text.to_owned();
        let task = tokio::task::spawn_blocking(move || embedder.embed(&[text.as_str()]));
        let vectors = task.await.map_err(|error| IndexError::Embedding(error.to_string()))?;
        let vectors = vectors.map_err(|error| IndexError::Embedding(error.to_string()))?;
        match vectors.into_iter().next() {
            Some(vector) if vector.len() == self.table.dimension() => Ok(Some(vector)),
            _ => Err(IndexError::Embedding("it gave no vector of the right length".into())),
        }
    }

    /// Puts the cards of what the question names in front, where the filters let them through.
    async fn pin(
        &self,
        text: &str,
        filter: Option<&str>,
        fused: &mut Vec<Fused>,
    ) -> Result<HashMap<u64, Pin>, IndexError> {
        let mut wanted: Vec<(String, String)> = Vec::new();
        for game in ranking::game_ids(text) {
            let card = format!("game_id = {} AND kind = {}", quoted(game), quoted(UnitKind::Game.as_str()));
            wanted.push((card, format!("game {game}")));
        }
        let before: Vec<u64> = fused.iter().map(|fused| fused.row).collect();
        let mut pinned = HashMap::new();
        let mut front = Vec::new();
        for (condition, names) in wanted {
            let condition = with(filter, &condition);
            for (row, unit) in self.table.matching(&condition, 1).await? {
                pinned.insert(row, Pin { id: unit.id, names: names.clone() });
                front.push(row);
            }
        }
        // Which of several cards of a field is meant, the fused list knows best.
        if !self.names.pins(text, |_| 0).is_empty() {
            let place = |id: &str| {
                let row = self.cards.get(id)?;
                before.iter().position(|other| other == row)
            };
            let pins = self.names.pins(text, |id| place(id).unwrap_or(usize::MAX));
            let passing: Option<HashSet<String>> = match filter {
                Some(filter) => {
                    let ids: Vec<&str> = pins.iter().map(|pin| pin.id.as_str()).collect();
                    Some(self.table.ids(&[with(Some(filter), &one_of("id", &ids))]).await?)
                }
                None => None,
            };
            for pin in pins {
                let passes = passing.as_ref().is_none_or(|passing| passing.contains(&pin.id));
                if let Some(row) = self.cards.get(&pin.id).filter(|_| passes) {
                    front.push(*row);
                    pinned.insert(*row, pin);
                }
            }
        }
        let mut seen = HashSet::new();
        front.retain(|row| seen.insert(*row));
        let mut head: Vec<Fused> = front
            .iter()
            .map(|row| {
                let known = fused.iter().find(|fused| fused.row == *row).copied();
                let bare = Fused { row: *row, meaning: None, keywords: None, score: 0.0 };
                Fused { score: known.map_or(0.0, |known| known.score) + 1.0, ..known.unwrap_or(bare) }
            })
            .collect();
        fused.retain(|fused| !seen.contains(&fused.row));
        head.append(fused);
        *fused = head;
        Ok(pinned)
    }

    /// Whether each filter lets anything through; if not, what is near.
    async fn check(&self, filters: &Filters) -> Result<(), IndexError> {
        for (name, value) in filters.values() {
            if self.table.any(&format!("{name} = {}", quoted(value))).await? {
                continue;
            }
            let nearest = if name == "kind" {
                UnitKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec()
            } else {
                let values = self.table.values(name).await?;
                nearest(value, values.keys().map(String::as_str))
            };
            // A kind that exists and has no unit yet is no mistake.
            if name == "kind" && nearest.iter().any(|kind| kind == value) {
                continue;
            }
            return Err(IndexError::UnknownValue { filter: name, value: value.to_owned(), nearest });
        }
        Ok(())
    }
}

fn with(filter: Option<&str>, condition: &str) -> String {
    filter.map_or_else(|| condition.to_owned(), |filter| format!("{condition} AND {filter}"))
}

fn places(candidates: &[Candidate]) -> Vec<Ranked> {
    candidates.iter().map(|candidate| candidate.ranked).collect()
}

/// Why a unit stands where it stands.
fn why(unit: &Unit, fused: &Fused, pin: Option<&Pin>, searched: &[String]) -> Vec<String> {
    let mut why: Vec<String> = pin.map(|pin| format!("the query names {}", pin.names)).into_iter().collect();
    if let Some(place) = fused.keywords {
        let terms = matched(unit, searched);
        why.push(format!("keywords #{place}: {}", terms.join(", ")).trim_end_matches([' ', ':']).to_owned());
    }
    why.extend(fused.meaning.map(|place| format!("meaning #{place}")));
    why
}

/// The words of the question that stand in the unit, at most six.
pub fn matched(unit: &Unit, searched: &[String]) -> Vec<String> {
    let event = unit.event_name.as_deref().unwrap_or_default();
    let all = format!("{} {event} {} {}", unit.title, unit.field_path.as_deref().unwrap_or_default(), unit.text);
    let has: HashSet<String> = words::words(&all).iter().map(|word| memory::stem(word).to_owned()).collect();
    searched.iter().filter(|word| has.contains(memory::stem(word))).take(6).cloned().collect()
}

#[cfg(test)]
mod tests;
