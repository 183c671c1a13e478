//! Game summaries, and what is odd about single games: missing ticks, frames out of order.
//!
//! What a game is, its record says ([`crate::game`]). Side bets and the order of frames are in no record: [`Games`] takes them
//! from rows of `game_tick` and `sidebet`, in any number of batches; the cost of one more game is that of its rows.

use std::collections::{BTreeMap, HashMap};

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use serde::{Deserialize, Serialize};

use super::text::{number, span};
use super::{Tier, Unit, UnitKind};
use crate::game::facts::{Price, RugFact, count};
use crate::game::{Game, Known, Source};
use crate::store::StoreError;
use crate::store::root::DataRoot;
use crate::store::scan::{self, ScanFilter};
use crate::store::schema::DocType;

/// What the rows of a game say besides its record.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GameRows {
    /// Latest time of a row, microseconds UTC.
    pub last_us: Option<i64>,
    /// Side bets by kind and outcome: `placed`, `won`, `lost`.
    pub bets: BTreeMap<String, u64>,
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

/// The kinds of rows that say something of games besides their records.
pub const KINDS: [DocType; 2] = [DocType::GameTick, DocType::Sidebet];

/// Inversions kept per game; more of them are counted.
const INVERSIONS: usize = 5;

/// Games being put together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Games {
    /// By game id.
    pub games: BTreeMap<String, GameRows>,
    /// Frames out of order, by game id.
    pub late: BTreeMap<String, Late>,
    /// Per session: the game of the latest frame, its tick, and the one before it.
    #[serde(skip)]
    latest: HashMap<String, (String, Option<i64>, Option<String>)>,
}

/// Reads the rows of games of the store that pass the filter.
///
/// # Errors
/// When a part or the journal cannot be read.
pub fn read(root: &DataRoot, filter: &ScanFilter) -> Result<Games, StoreError> {
    let mut games = Games::default();
    for doc_type in KINDS {
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

fn boolean(column: Option<&BooleanArray>, row: usize) -> Option<bool> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

impl Games {
    /// Takes rows of a doc type; rows of other kinds say nothing about games.
    pub fn rows(&mut self, doc_type: DocType, batch: &RecordBatch) {
        match doc_type {
            DocType::GameTick => self.ticks(batch),
            DocType::Sidebet => self.sidebets(batch),
            _ => {}
        }
    }

    fn game(&mut self, id: &str) -> &mut GameRows {
        if !self.games.contains_key(id) {
            self.games.insert(id.to_owned(), GameRows::default());
        }
        self.games.entry(id.to_owned()).or_default()
    }

    fn ticks(&mut self, batch: &RecordBatch) {
        let columns = Columns(batch);
        let (games, sessions) = (columns.text("game_id"), columns.text("session_id"));
        let (seqs, ticks) = (columns.integer("seq"), columns.integer("tick"));
        let (actives, ruggeds) = (columns.boolean("active"), columns.boolean("rugged"));
        let tick_sources = columns.text("tick_source");
        for row in 0..batch.num_rows() {
            // What was filled from the seed was not recorded.
            if text(tick_sources, row) == Some("seed") {
                continue;
            }
            let (Some(id), Some(session)) = (text(games, row), text(sessions, row)) else { continue };
            let event = format!("{session}:{}", integer(seqs, row).unwrap_or(0));
            let runs = boolean(actives, row) == Some(true) && boolean(ruggeds, row) != Some(true);
            self.order(session, id, integer(ticks, row).filter(|_| runs), &event);
            let ts = columns.time("ts", row);
            let game = self.game(id);
            game.last_us = game.last_us.max(ts);
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

    /// Lets go of the games that are not wanted.
    pub fn keep(&mut self, wanted: impl Fn(&str) -> bool) {
        self.games.retain(|id, _| wanted(id));
        self.late.retain(|id, _| wanted(id));
    }

    /// The unit of each game, and its anomalies: gaps, and frames out of order.
    pub fn units(&self, games: impl IntoIterator<Item = Game>) -> impl Iterator<Item = Unit> {
        games.into_iter().flat_map(|game| {
            let bets = self.games.get(&*game.game_id).map(|rows| &rows.bets);
            let late = self.late.get(&*game.game_id).map(|late| out_of_order(&game, late));
            [Some(unit(&game, bets)), gaps(&game), late].into_iter().flatten()
        })
    }
}

fn about(game: &Game, unit: Unit) -> Unit {
    let refs = [&game.first_frame, &game.rug_frame, &game.entry];
    let evidence = refs.into_iter().flatten().map(|(session, seq)| format!("{session}:{seq}"));
    Unit {
        event_name: Some("gameStateUpdate".into()),
        game_id: Some(game.game_id.to_string()),
        session_id: match game.sessions.as_slice() {
            [session] => Some(session.to_string()),
            _ => None,
        },
        source: match game.sources.as_slice() {
            [source] => Some(source.clone()),
            _ => None,
        },
        ts_us: game.last_us,
        evidence: evidence.collect(),
        ..unit
    }
}

/// The summary of a game.
fn unit(game: &Game, bets: Option<&BTreeMap<String, u64>>) -> Unit {
    let id = &game.game_id;
    let mut text = format!("Game {id} {}.", span(game.first_us, game.last_us));
    if let Some(peak) = &game.peak {
        text.push_str(&peak_in_words(peak));
    }
    text.push_str(&rug_in_words(game.rug.as_ref()));
    if game.rugs.len() > 1 {
        let ticks: Vec<String> = game.rugs.iter().map(i64::to_string).collect();
        text.push_str(&format!(" Several rugs were seen, at ticks {}.", ticks.join(", ")));
    }
    text.push_str(&ticks_in_words(game));
    if let Some(trades) = game.trades.filter(|trades| *trades > 0) {
        text.push_str(&format!(" {trades} trades."));
    }
    if game.has_seed {
        let proof = match game.proven {
            Some(true) => "proven: it reproduces every price",
            Some(false) => "NOT proven: it does not reproduce the prices",
            None => "not proven yet",
        };
        let version = game.version.as_deref().unwrap_or("unknown");
        text.push_str(&format!(" Server seed known, {proof}; version {version}."));
    } else {
        text.push_str(" Server seed not known.");
    }
    if let Some(bets) = bets.filter(|bets| !bets.is_empty()) {
        let of = |what: &str| bets.get(what).copied().unwrap_or(0);
        let settled = format!("{} won, {} lost", of("won"), of("lost"));
        text.push_str(&format!(" Side bets: {} placed, {settled}.", of("placed")));
    }
    if game.sources.len() + game.sessions.len() > 0 {
        text.push_str(&format!(" Seen in {} sessions, source {}.", game.sessions.len(), game.sources.join(", ")));
    }
    let title = match &game.peak {
        Some(peak) => format!("Game {id}, peak {}x", number(peak.price)),
        None => format!("Game {id}"),
    };
    let unit = Unit::new(UnitKind::Game, format!("game:{id}"), title, &text, Tier::Observed);
    about(game, Unit { doc_type: Some(DocType::Game.as_str().into()), ..unit })
}

fn peak_in_words(peak: &Price) -> String {
    let how = match peak.price {
        peak if peak >= 50.0 => "a giant game",
        peak if peak >= 10.0 => "a big game",
        peak if peak >= 2.0 => "reached 2x",
        _ => "stayed below 2x",
    };
    let at = match (peak.tick, peak.source) {
        (Some(tick), Source::Computed) => format!(" at tick {tick} by the seed"),
        (Some(tick), _) => format!(" at tick {tick}"),
        (None, _) => " as announced".to_owned(),
    };
    format!(" Peak {}x{at}, {how}.", number(peak.price))
}

fn rug_in_words(rug: Option<&RugFact>) -> String {
    let Some(rug) = rug else { return " The rug was not recorded.".to_owned() };
    let early = if rug.tick <= 6 { ", an insta-rug" } else { "" };
    let price = rug.price.map_or_else(String::new, |price| format!(", rug price {}", number(price)));
    let by = if rug.source == Source::Computed { " by the seed" } else { "" };
    format!(" Rugged at tick {}{by}{early}{price}.", rug.tick)
}

fn ticks_in_words(game: &Game) -> String {
    let recorded = game.ticks_recorded();
    match (game.known, game.ticks_missing) {
        (Known::Ticks, Some(0)) => format!(" {recorded} ticks recorded, without gaps."),
        (Known::Ticks, Some(missing)) => format!(" {recorded} ticks recorded, {missing} missing."),
        (Known::Ticks, None) if game.holes.is_empty() => {
            format!(" {recorded} ticks recorded; how many came after them is not known.")
        }
        (Known::Ticks, None) => {
            let holes = count(&game.holes);
            format!(" {recorded} ticks recorded, {holes} of those before the last one not.")
        }
        (Known::History, _) => " Known from the game history only; its ticks were not recorded.".to_owned(),
        (Known::BeforeStart, _) => " Seen only before its start; no tick of it was recorded.".to_owned(),
        (Known::Proof, _) => " Known from its stored proof only.".to_owned(),
    }
}

/// What is missing of the game's ticks, if anything.
fn gaps(game: &Game) -> Option<Unit> {
    let missing = &game.holes;
    let (first, _) = missing.first()?;
    let id = &game.game_id;
    let runs: Vec<String> = missing
        .iter()
        .take(20)
        .map(|(first, last)| if first == last { first.to_string() } else { format!("{first} to {last}") })
        .collect();
    let mended = if game.proven == Some(true) && game.has_seed {
        " The seed is known and proven: it can fill them."
    } else {
        " No proven seed can fill them yet."
    };
    let joined = if *first == 0 { " The start was missed." } else { "" };
    let text = format!(
        "Tick gap (missing ticks) in game {id}: {} of the ticks are not recorded: {}.{joined}{mended}",
        count(missing),
        runs.join(", ")
    );
    let title = format!("Missing ticks in game {id}");
    let unit = Unit::new(UnitKind::Anomaly, format!("anomaly:gap:{id}"), title, &text, Tier::Observed);
    Some(about(game, Unit { doc_type: Some(DocType::GameTick.as_str().into()), ..unit }))
}

fn out_of_order(game: &Game, late: &Late) -> Unit {
    let id = &game.game_id;
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
    Unit { evidence, ..about(game, Unit { doc_type: Some(DocType::GameTick.as_str().into()), ..unit }) }
}
