//! Game summaries, and what is odd about single games: missing ticks, frames out of order.
//!
//! [`Games`] takes rows of `game_tick`, `game` and `sidebet` in any order and any number of batches; the cost of one
//! more game is that of its rows. Two accumulations merge, so they may be kept per part.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::{Array, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use serde::{Deserialize, Serialize};

use super::text::{number, span};
use super::{Tier, Unit, UnitKind};
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::store::runs::{add_run, add_tick};
use crate::store::scan::{self, ScanFilter};
use crate::store::schema::DocType;

/// What is known of one game.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GameSummary {
    /// First and last tick row with a time, microseconds UTC.
    pub first_us: Option<i64>,
    /// Last tick row.
    pub last_us: Option<i64>,
    /// Tick numbers recorded while the game ran, as inclusive runs.
    pub ticks: Vec<(i64, i64)>,
    /// Highest price recorded.
    pub peak: Option<f64>,
    /// Tick and price of the first rugged row.
    pub rug: Option<(i64, f64)>,
    /// Highest trade count.
    pub trades: Option<i64>,
    /// Rows per phase name.
    pub phases: BTreeMap<String, u64>,
    /// Sessions that saw it.
    pub sessions: BTreeSet<String>,
    /// Sources that saw it.
    pub sources: BTreeSet<String>,
    /// First frame, rug frame, history frame.
    pub evidence: BTreeMap<String, String>,
    /// From gameHistory.
    pub history: Option<History>,
    /// Side bets by kind and outcome: `placed`, `won`, `lost`.
    pub bets: BTreeMap<String, u64>,
}

/// What the game history says of a game.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// Quality of the record; the better one counts.
    pub quality: i64,
    /// Peak multiplier.
    pub peak: Option<f64>,
    /// Rug tick.
    pub ticks: Option<i64>,
    /// Price at the rug.
    pub rug_price: Option<f64>,
    /// End by the server's clock, microseconds UTC.
    pub ended_us: Option<i64>,
    /// The seed is revealed.
    pub has_seed: bool,
    /// The seed reproduces every price.
    pub proven: Option<bool>,
    /// Version of the algorithm.
    pub version: Option<String>,
}

/// The frames of a game that came after frames of a later moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Late {
    /// How many there are.
    pub count: u64,
    /// The first of them.
    pub first: Vec<Inversion>,
}

/// A frame that came after frames of a later moment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Inversion {
    /// The late frame.
    pub event: String,
    /// What it came after.
    pub after: String,
}

/// Inversions kept per game; more of them are counted.
const INVERSIONS: usize = 5;

/// Games being put together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Games {
    /// By game id.
    pub games: BTreeMap<String, GameSummary>,
    /// Frames out of order, by game id.
    pub late: BTreeMap<String, Late>,
    /// Per session: the game of the latest frame, its tick, and the one before it.
    #[serde(skip)]
    latest: HashMap<String, (String, Option<i64>, Option<String>)>,
}

/// Reads the games of the store that pass the filter, ticks and history and side bets.
///
/// # Errors
/// When a part or the journal cannot be read.
pub fn read(root: &DataRoot, filter: &ScanFilter) -> Result<Games, StoreError> {
    let mut games = Games::default();
    for doc_type in [DocType::GameTick, DocType::Game, DocType::Sidebet] {
        for batch in scan::scan(root, doc_type, filter)? {
            games.rows(doc_type, &batch?);
        }
    }
    Ok(games)
}

struct Columns<'a>(&'a RecordBatch);

impl<'a> Columns<'a> {
    fn text(&self, name: &str) -> Option<&'a StringArray> {
        self.0.column_by_name(name)?.as_string_opt()
    }
    fn integer(&self, name: &str) -> Option<&'a Int64Array> {
        self.0.column_by_name(name)?.as_primitive_opt::<Int64Type>()
    }
    fn float(&self, name: &str) -> Option<&'a Float64Array> {
        self.0.column_by_name(name)?.as_primitive_opt::<Float64Type>()
    }
    fn boolean(&self, name: &str) -> Option<&'a BooleanArray> {
        self.0.column_by_name(name)?.as_boolean_opt()
    }
    fn time(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.0.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    }
}

fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn integer(column: Option<&Int64Array>, row: usize) -> Option<i64> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn float(column: Option<&Float64Array>, row: usize) -> Option<f64> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn boolean(column: Option<&BooleanArray>, row: usize) -> Option<bool> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

impl Games {
    /// Takes rows of a doc type; rows of other kinds say nothing about games.
    pub fn rows(&mut self, doc_type: DocType, batch: &RecordBatch) {
        match doc_type {
            DocType::GameTick => self.ticks(batch),
            DocType::Game => self.history(batch),
            DocType::Sidebet => self.sidebets(batch),
            _ => {}
        }
    }

    fn game(&mut self, id: &str) -> &mut GameSummary {
        if !self.games.contains_key(id) {
            self.games.insert(id.to_owned(), GameSummary::default());
        }
        self.games.entry(id.to_owned()).or_default()
    }

    fn ticks(&mut self, batch: &RecordBatch) {
        let columns = Columns(batch);
        let (games, sessions, sources) =
            (columns.text("game_id"), columns.text("session_id"), columns.text("source"));
        let (seqs, ticks, prices) = (columns.integer("seq"), columns.integer("tick"), columns.float("price"));
        let (actives, ruggeds) = (columns.boolean("active"), columns.boolean("rugged"));
        let (trades, phases) = (columns.integer("trade_count"), columns.text("phase"));
        let tick_sources = columns.text("tick_source");
        for row in 0..batch.num_rows() {
            // What was filled from the seed was not recorded.
            if text(tick_sources, row) == Some("seed") {
                continue;
            }
            let (Some(id), Some(session)) = (text(games, row), text(sessions, row)) else { continue };
            let event = format!("{session}:{}", integer(seqs, row).unwrap_or(0));
            let active = boolean(actives, row) == Some(true);
            let rugged = boolean(ruggeds, row) == Some(true);
            let tick = integer(ticks, row);
            self.order(session, id, tick.filter(|_| active && !rugged), &event);
            let ts = columns.time("ts", row);
            let game = self.game(id);
            game.saw(ts, ts, session, text(sources, row));
            if let Some(phase) = text(phases, row) {
                match game.phases.get_mut(phase) {
                    Some(count) => *count += 1,
                    None => {
                        game.phases.insert(phase.to_owned(), 1);
                    }
                }
            }
            game.evidence.entry("1 first".into()).or_insert_with(|| event.clone());
            game.trades = game.trades.max(integer(trades, row));
            let price = float(prices, row);
            // Presale opens with a tick packet that still shows the price 1 of the next game's start.
            if active {
                game.peak = game.peak.into_iter().chain(price).reduce(f64::max);
            }
            match (rugged, tick) {
                // The first rugged row has the rug's tick; later ones count on.
                (true, Some(tick)) if game.rug.is_none_or(|(known, _)| tick < known) => {
                    game.rug = price.map(|price| (tick, price));
                    game.evidence.insert("2 rug".into(), event);
                    add_tick(&mut game.ticks, tick);
                }
                (false, Some(tick)) if active => add_tick(&mut game.ticks, tick),
                _ => {}
            }
        }
    }

    /// Notices a frame of a game that was left before, and a tick that goes back.
    fn order(&mut self, session: &str, game: &str, tick: Option<i64>, event: &str) {
        let Some((latest, latest_tick, left)) = self.latest.get_mut(session) else {
            self.latest.insert(session.to_owned(), (game.to_owned(), tick, None));
            return;
        };
        let mut after = None;
        if latest == game {
            if let Some((tick, before)) = tick.zip(*latest_tick)
                && tick < before
            {
                after = Some(format!("tick {before}, itself tick {tick}"));
            }
            *latest_tick = tick.or(*latest_tick).max(*latest_tick);
        } else if left.as_deref() == Some(game) {
            // The late frame is looked at and the later game stays the latest.
            after = Some(format!("frames of the next game {latest}"));
        } else {
            *left = Some(std::mem::replace(latest, game.to_owned()));
            *latest_tick = tick;
        }
        if let Some(after) = after {
            let late = self.late.entry(game.to_owned()).or_default();
            late.count += 1;
            if late.first.len() < INVERSIONS {
                late.first.push(Inversion { event: event.to_owned(), after });
            }
        }
    }

    fn history(&mut self, batch: &RecordBatch) {
        let columns = Columns(batch);
        let (games, sessions, sources) =
            (columns.text("game_id"), columns.text("session_id"), columns.text("source"));
        let (seqs, ticks, qualities) =
            (columns.integer("seq"), columns.integer("ticks"), columns.integer("quality"));
        let (peaks, rug_prices) = (columns.float("peak"), columns.float("rug_price"));
        let (seeds, versions, proven) =
            (columns.text("server_seed"), columns.text("game_version"), columns.boolean("proven"));
        for row in 0..batch.num_rows() {
            let (Some(id), Some(session)) = (text(games, row), text(sessions, row)) else { continue };
            let event = format!("{session}:{}", integer(seqs, row).unwrap_or(0));
            let history = History {
                quality: integer(qualities, row).unwrap_or(0),
                peak: float(peaks, row),
                ticks: integer(ticks, row),
                rug_price: float(rug_prices, row),
                ended_us: columns.time("ended_at", row),
                has_seed: text(seeds, row).is_some(),
                proven: boolean(proven, row),
                version: text(versions, row).map(str::to_owned),
            };
            let game = self.game(id);
            game.saw(None, None, session, text(sources, row));
            if game.better(history) {
                game.evidence.insert("3 history".into(), event);
            }
        }
    }

    fn sidebets(&mut self, batch: &RecordBatch) {
        let columns = Columns(batch);
        let (games, kinds) = (columns.text("game_id"), columns.text("kind"));
        let (outcomes, origins) = (columns.text("outcome"), columns.text("origin"));
        for row in 0..batch.num_rows() {
            // Live events repeat what the history says later; counting both would count bets twice.
            let (Some(id), Some("gameHistory")) = (text(games, row), text(origins, row)) else { continue };
            let Some(what) = text(outcomes, row).or(text(kinds, row)) else { continue };
            let known = ["placed", "won", "lost"].into_iter().find(|known| *known == what).unwrap_or("other");
            *self.game(id).bets.entry(known.to_owned()).or_default() += 1;
        }
    }

    /// Adds the games of another place.
    pub fn merge(&mut self, other: &Games) {
        for (id, theirs) in &other.games {
            self.game(id).merge(theirs);
        }
        for (id, theirs) in &other.late {
            let late = self.late.entry(id.clone()).or_default();
            late.count += theirs.count;
            let room = INVERSIONS.saturating_sub(late.first.len());
            late.first.extend(theirs.first.iter().take(room).cloned());
        }
    }

    /// Lets go of the games that are not wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.games.retain(|id, _| wanted(id));
        self.late.retain(|id, _| wanted(id));
    }

    /// One unit per game, and the anomalies of games: gaps, and frames out of order.
    pub fn units(&self) -> impl Iterator<Item = Unit> + '_ {
        self.units_of(|_| true)
    }

    /// The units of some games.
    pub fn units_of(&self, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = Unit> {
        self.games.iter().filter(move |(id, _)| wanted(id)).flat_map(|(id, game)| {
            let late = self.late.get(id).map(|late| out_of_order(id, game, late));
            [Some(game.unit(id)), game.gaps(id), late].into_iter().flatten()
        })
    }
}

/// Game and anomaly units of the rows given: the ticks, histories and side bets of some games.
pub fn games<'b>(batches: impl IntoIterator<Item = (DocType, &'b RecordBatch)>) -> Vec<Unit> {
    let mut games = Games::default();
    for (doc_type, batch) in batches {
        games.rows(doc_type, batch);
    }
    games.units().collect()
}

impl GameSummary {
    fn saw(&mut self, first: Option<i64>, last: Option<i64>, session: &str, source: Option<&str>) {
        self.first_us = self.first_us.into_iter().chain(first).min();
        self.last_us = self.last_us.into_iter().chain(last).max();
        if !self.sessions.contains(session) {
            self.sessions.insert(session.to_owned());
        }
        if let Some(source) = source
            && !self.sources.contains(source)
        {
            self.sources.insert(source.to_owned());
        }
    }

    fn better(&mut self, history: History) -> bool {
        let better = self.history.as_ref().is_none_or(|known| history.quality > known.quality);
        if better {
            self.history = Some(history);
        }
        better
    }

    fn merge(&mut self, other: &GameSummary) {
        self.first_us = self.first_us.into_iter().chain(other.first_us).min();
        self.last_us = self.last_us.into_iter().chain(other.last_us).max();
        for run in &other.ticks {
            add_run(&mut self.ticks, *run);
        }
        self.peak = self.peak.into_iter().chain(other.peak).reduce(f64::max);
        if other.rug.is_some_and(|(tick, _)| self.rug.is_none_or(|(known, _)| tick < known)) {
            self.rug = other.rug;
            if let Some(event) = other.evidence.get("2 rug") {
                self.evidence.insert("2 rug".into(), event.clone());
            }
        }
        self.trades = self.trades.max(other.trades);
        for (phase, count) in &other.phases {
            *self.phases.entry(phase.clone()).or_default() += count;
        }
        self.sessions.extend(other.sessions.iter().cloned());
        self.sources.extend(other.sources.iter().cloned());
        if other.history.clone().is_some_and(|history| self.better(history))
            && let Some(event) = other.evidence.get("3 history")
        {
            self.evidence.insert("3 history".into(), event.clone());
        }
        if let Some(event) = other.evidence.get("1 first") {
            self.evidence.entry("1 first".into()).or_insert_with(|| event.clone());
        }
        for (what, count) in &other.bets {
            *self.bets.entry(what.clone()).or_default() += count;
        }
    }

    /// Ticks recorded while the game ran.
    pub fn ticks_recorded(&self) -> i64 {
        self.ticks.iter().map(|(first, last)| last - first + 1).sum()
    }

    /// Runs of ticks that are missing between tick 0 and the last tick known.
    pub fn missing(&self) -> Vec<(i64, i64)> {
        let mut next = 0;
        let mut missing = Vec::new();
        for (first, last) in &self.ticks {
            if *first > next {
                missing.push((next, first - 1));
            }
            next = last + 1;
        }
        missing
    }

    fn when(&self) -> Option<i64> {
        self.last_us.or(self.history.as_ref().and_then(|history| history.ended_us))
    }

    fn about(&self, id: &str, unit: Unit) -> Unit {
        Unit {
            event_name: Some("gameStateUpdate".into()),
            game_id: Some(id.to_owned()),
            session_id: (self.sessions.len() == 1).then(|| self.sessions.iter().next().cloned()).flatten(),
            source: (self.sources.len() == 1).then(|| self.sources.iter().next().cloned()).flatten(),
            ts_us: self.when(),
            evidence: self.evidence.values().cloned().collect(),
            ..unit
        }
    }

    /// The summary of the game.
    pub fn unit(&self, id: &str) -> Unit {
        let history = self.history.as_ref();
        let mut text = format!("Game {id}");
        let first = self.first_us.or(history.and_then(|history| history.ended_us));
        text.push_str(&format!(" {}.", span(first, self.when())));
        let peak = history.and_then(|history| history.peak).or(self.peak);
        if let Some(peak) = peak {
            let how = match peak {
                peak if peak >= 50.0 => "a giant game",
                peak if peak >= 10.0 => "a big game",
                peak if peak >= 2.0 => "reached 2x",
                _ => "stayed below 2x",
            };
            text.push_str(&format!(" Peak {}x, {how}.", number(peak)));
        }
        let rug = history.and_then(|history| history.ticks).or(self.rug.map(|(tick, _)| tick));
        let rug_price = history.and_then(|history| history.rug_price).or(self.rug.map(|(_, price)| price));
        match (rug, rug_price) {
            (Some(tick), Some(price)) => {
                let early = if tick <= 6 { ", an insta-rug" } else { "" };
                text.push_str(&format!(" Rugged at tick {tick}{early}, rug price {}.", number(price)));
            }
            (Some(tick), None) => text.push_str(&format!(" Rugged at tick {tick}.")),
            _ => text.push_str(" The rug was not recorded."),
        }
        let recorded = self.ticks_recorded();
        if recorded > 0 {
            let missing: i64 = self.missing().iter().map(|(first, last)| last - first + 1).sum();
            let gaps = if missing == 0 { "without gaps".to_owned() } else { format!("{missing} missing") };
            text.push_str(&format!(" {recorded} ticks recorded, {gaps}."));
        } else {
            text.push_str(" Known from the game history only; its ticks were not recorded.");
        }
        if let Some(trades) = self.trades.filter(|trades| *trades > 0) {
            text.push_str(&format!(" {trades} trades."));
        }
        match history {
            Some(history) if history.has_seed => {
                let proof = match history.proven {
                    Some(true) => "proven: it reproduces every price",
                    Some(false) => "NOT proven: it does not reproduce the prices",
                    None => "not proven yet",
                };
                let version = history.version.as_deref().unwrap_or("unknown");
                text.push_str(&format!(" Server seed known, {proof}; version {version}."));
            }
            _ => text.push_str(" Server seed not known."),
        }
        let bets = |what: &str| self.bets.get(what).copied().unwrap_or(0);
        if !self.bets.is_empty() {
            let settled = format!("{} won, {} lost", bets("won"), bets("lost"));
            text.push_str(&format!(" Side bets: {} placed, {settled}.", bets("placed")));
        }
        if self.sources.len() + self.sessions.len() > 0 {
            let sources: Vec<&str> = self.sources.iter().map(String::as_str).collect();
            text.push_str(&format!(" Seen in {} sessions, source {}.", self.sessions.len(), sources.join(", ")));
        }
        let title = match peak {
            Some(peak) => format!("Game {id}, peak {}x", number(peak)),
            None => format!("Game {id}"),
        };
        let unit = Unit::new(UnitKind::Game, format!("game:{id}"), title, &text, Tier::Observed);
        self.about(id, Unit { doc_type: Some(DocType::Game.as_str().into()), ..unit })
    }

    /// What is missing of the game's ticks, if anything.
    pub fn gaps(&self, id: &str) -> Option<Unit> {
        let missing = self.missing();
        if missing.is_empty() {
            return None;
        }
        let total: i64 = missing.iter().map(|(first, last)| last - first + 1).sum();
        let runs: Vec<String> = missing
            .iter()
            .take(20)
            .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
            .collect();
        let mended = match self.history.as_ref() {
            Some(history) if history.proven == Some(true) => " The seed is known and proven: it can fill them.",
            _ => " No proven seed can fill them yet.",
        };
        let joined =
            if missing.first().is_some_and(|(first, _)| *first == 0) { " The start was missed." } else { "" };
        let text = format!(
            "Tick gap (missing ticks) in game {id}: {total} of the ticks are not recorded: {}.{joined}{mended}",
            runs.join(", ")
        );
        let title = format!("Missing ticks in game {id}");
        let unit = Unit::new(UnitKind::Anomaly, format!("anomaly:gap:{id}"), title, &text, Tier::Observed);
        Some(self.about(id, Unit { doc_type: Some(DocType::GameTick.as_str().into()), ..unit }))
    }
}

fn out_of_order(id: &str, game: &GameSummary, late: &Late) -> Unit {
    let list: Vec<String> = late
        .first
        .iter()
        .take(4)
        .map(|inversion| format!("{} after {}", inversion.event, inversion.after))
        .collect();
    let text = format!(
        "Order inversion: {} frames of game {id} stand behind frames of a later moment (out of order): {}. Sort by \
         game and tick, not by arrival.",
        late.count,
        list.join("; ")
    );
    let title = format!("Frames out of order in game {id}");
    let unit = Unit::new(UnitKind::Anomaly, format!("anomaly:order:{id}"), title, &text, Tier::Observed);
    let evidence = late.first.iter().map(|inversion| inversion.event.clone()).collect();
    Unit { evidence, ..game.about(id, Unit { doc_type: Some(DocType::GameTick.as_str().into()), ..unit }) }
}
