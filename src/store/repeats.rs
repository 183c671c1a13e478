//! Trades and side bets that were received more than once: by two recorders at the same time, by one from two sources, in
//! files that overlap, or because the server sent them twice. One of them counts: the first that was stored.
//!
//! Which one that is, is found out when parts are written, so that readers need not compare every trade with every other:
//! those that were stored before go into parts of their own ([`Ids::Repeated`]), which the views leave out. Nothing is
//! thrown away. Parts of older builds do not say ([`Part::ids`] is `None`): readers compare their rows.
//!
//! What is repeated comes within moments: only parts of the same day and of the days beside it are compared.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex};

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use super::StoreError;
use super::catalog::{Ids, Part};
use super::open::lock;
use super::root::DataRoot;
use super::scan;
use super::schema::DocType;

/// The kinds of rows that one event is to count once in.
pub const KINDS: [DocType; 2] = [DocType::Trade, DocType::Sidebet];

/// The columns that [`keys`] needs.
pub fn key_columns(doc_type: DocType) -> &'static [&'static str] {
    match doc_type {
        DocType::Trade => &["trade_id"],
        DocType::Sidebet => &["sidebet_id", "origin", "game_id", "player_id", "start_tick", "settled_at"],
        _ => &[],
    }
}

/// What tells the event of each row from others, as a hash; `None` where nothing does, which is never a repetition.
///
/// A trade has its id, and so has a side bet in a history. Live side bets have none: there it is the event's name, game,
/// player, first tick and the server's time.
pub fn keys(doc_type: DocType, batch: &RecordBatch) -> Vec<Option<u64>> {
    let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let said = |column: Option<&'_ arrow::array::StringArray>, row: usize| {
        column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
    };
    let ticks = batch.column_by_name("start_tick").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let times = batch
        .column_by_name("settled_at")
        .and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    let ids = text(if doc_type == DocType::Trade { "trade_id" } else { "sidebet_id" });
    let (origins, games, players) = (text("origin"), text("game_id"), text("player_id"));
    let key = |row: usize| {
        if let Some(id) = said(ids, row) {
            return Some(hash(&id));
        }
        let tick = ticks.filter(|ticks| ticks.is_valid(row))?.value(row);
        let time = times.filter(|times| times.is_valid(row))?.value(row);
        Some(hash(&(said(origins, row)?, said(games, row)?, said(players, row)?, tick, time)))
    };
    (0..batch.num_rows()).map(key).collect()
}

/// The same for the same value in every process of one build, which is all that is asked of it: it is not stored.
fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The keys in a part.
///
/// # Errors
/// When it cannot be read.
pub fn keys_of_part(root: &DataRoot, part: &Part) -> Result<HashSet<u64>, StoreError> {
    let mut all = HashSet::new();
    for batch in scan::batches(root, part, Some(key_columns(part.doc_type))) {
        all.extend(keys(part.doc_type, &batch?).into_iter().flatten());
    }
    Ok(all)
}

/// Keys by the part's path.
pub(super) type Cache = Arc<Mutex<HashMap<String, Arc<HashSet<u64>>>>>;

/// Parts whose keys are kept in memory: a day of quarters of an hour, of two kinds.
const MOST_CACHED: usize = 256;

/// What whoever writes parts knows of the store's trades and side bets.
#[derive(Debug, Clone, Default)]
pub struct KnownIds {
    /// The parts in force whose rows count.
    pub(super) parts: Vec<Part>,
    pub(super) cache: Cache,
    /// Of these days, the keys in parts and those that were written since.
    days: HashMap<(DocType, String), HashSet<u64>>,
}

impl KnownIds {
    /// Those in these parts.
    pub(super) fn new(parts: Vec<Part>, cache: Cache) -> KnownIds {
        KnownIds { parts, cache, days: HashMap::new() }
    }

    /// Which rows of a batch of one day were stored before. A part that cannot be read is passed over: writing does not
    /// stop for it.
    pub(super) fn repeated(
        &mut self,
        root: &DataRoot,
        batch: &RecordBatch,
        doc_type: DocType,
        date: &str,
    ) -> Vec<bool> {
        let keys = keys(doc_type, batch);
        if keys.iter().all(Option::is_none) {
            return vec![false; keys.len()];
        }
        let near = near(date);
        for day in &near {
            self.load(root, doc_type, day);
        }
        let known = |key: &Option<u64>| {
            let Some(key) = key else { return false };
            let before = near
                .iter()
                .any(|day| self.days.get(&(doc_type, day.clone())).is_some_and(|keys| keys.contains(key)));
            if !before {
                self.days.entry((doc_type, date.to_owned())).or_default().insert(*key);
            }
            before
        };
        keys.iter().map(known).collect()
    }

    fn load(&mut self, root: &DataRoot, doc_type: DocType, day: &str) {
        let key = (doc_type, day.to_owned());
        if self.days.contains_key(&key) {
            return;
        }
        let mut all = HashSet::new();
        for part in self.parts.iter().filter(|part| part.doc_type == doc_type && part.date == day) {
            let cached = lock(&self.cache).get(&part.path).cloned();
            let of_part = cached.unwrap_or_else(|| {
                let read = keys_of_part(root, part).map(Arc::new).unwrap_or_else(|error| {
                    tracing::warn!(%error, "passing over the trades or side bets of this part");
                    Arc::default()
                });
                let mut cache = lock(&self.cache);
                if cache.len() >= MOST_CACHED {
                    cache.clear();
                }
                cache.insert(part.path.clone(), read.clone());
                read
            });
            all.extend(of_part.iter());
        }
        self.days.insert(key, all);
    }
}

/// A day and those beside it; what has no time is compared with its like.
pub fn near(date: &str) -> Vec<String> {
    let Ok(day) = date.parse::<jiff::civil::Date>() else { return vec![date.to_owned()] };
    let beside = [day.yesterday().ok(), Some(day), day.tomorrow().ok()];
    beside.into_iter().flatten().map(|day| day.to_string()).collect()
}

/// Whether the rows of a part are left out by the views.
pub fn is_left_out(part: &Part) -> bool {
    part.ids == Some(Ids::Repeated)
}

#[cfg(test)]
mod tests;
