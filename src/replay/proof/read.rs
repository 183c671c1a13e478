//! Gathers the evidence of games from the store: parts in force and the unsealed journal, in one look. Of the parts
//! only those that can hold rows of the games are opened, and of the frames only `gameStateUpdate`s of these games.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::slice;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use tokio_util::sync::CancellationToken;

use super::evidence::{Evidence, HistoryEntry, Place, TickRow};
use super::god_candles::Shown;
use super::sidebets::Bet;
use crate::protocol::line::{self, LineFormat};
use crate::state::fact::{self, Fact};
use crate::store::StoreError;
use crate::store::catalog::Part;
use crate::store::follow::{Narrow, Positions};
use crate::store::proof::{GAME_DIFFERS, GAME_PROVEN, StoredProof};
use crate::store::root::DataRoot;
use crate::store::scan::{self, Only};
use crate::store::schema::DocType;
use crate::store::view::View;

/// Why the evidence was not gathered.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The store's reason.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever asked does not want it any more.
    #[error("reading was cancelled")]
    Cancelled,
}

impl ReadError {
    fn of_store(&self) -> Option<&StoreError> {
        match self {
            ReadError::Store(error) => Some(error),
            ReadError::Cancelled => None,
        }
    }
}

/// Everything recorded of some games.
#[derive(Debug, Default)]
pub struct Gathered {
    /// By game id. Games of which nothing is recorded are missing.
    pub games: BTreeMap<String, Evidence>,
    /// Side-bet records by game, each id once.
    pub sidebets: BTreeMap<String, Vec<Bet>>,
    /// The day's god-candle records that packets of the games showed.
    pub god_candles: Shown,
}

/// A span of time, microseconds UTC, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its beginning.
    pub from_us: i64,
    /// Its end.
    pub to_us: i64,
}

/// How far from a game's known times its rows may lie: the longest possible game takes 21 minutes, clocks differ.
const AROUND_US: i64 = 3_600_000_000;

impl Window {
    /// The window around known times of some games.
    pub fn around(times: impl IntoIterator<Item = i64>) -> Option<Window> {
        let all = |window: Option<Window>, time: i64| {
            let (from, to) = (time.saturating_sub(AROUND_US), time.saturating_add(AROUND_US));
            let known = window.unwrap_or(Window { from_us: from, to_us: to });
            Some(Window { from_us: known.from_us.min(from), to_us: known.to_us.max(to) })
        };
        times.into_iter().fold(None, all)
    }

    fn touches(self, part: &Part) -> bool {
        part.ts_min.is_none_or(|from| from <= self.to_us) && part.ts_max.is_none_or(|to| to >= self.from_us)
    }
}

/// So many games are looked for by name.
const FEW: usize = 8;

/// A look at the store: its parts and its unsealed rows, as of one moment.
pub struct Look {
    view: View,
}

impl Look {
    /// Looks now and reads; looks and reads again when a part went away or turned out to be damaged meanwhile.
    ///
    /// # Errors
    /// Those of looking and of `read`.
    pub fn through<T>(
        root: &DataRoot,
        mut read: impl FnMut(&Look) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        View::read_with(root, ReadError::of_store, |view| read(&Look::of(view.clone())))
    }

    /// Looks now, for games that began in the journal behind these positions: of the journal nothing else is read. Of a few
    /// games nothing else is held in memory.
    ///
    /// # Errors
    /// As [`View::now`].
    pub fn since(root: &DataRoot, games: &BTreeSet<String>, from: Positions) -> Result<Look, StoreError> {
        let doc_types =
            [DocType::GameTick, DocType::Game, DocType::Sidebet, DocType::SystemEvent, DocType::WsEvent].to_vec();
        // Looking for many names in every text costs more than reading it.
        let containing = if games.len() <= FEW { games.iter().cloned().collect() } else { Vec::new() };
        Ok(Look::of(View::narrow(root, Narrow { doc_types, containing }, from)?))
    }

    /// The evidence in a view.
    pub fn of(view: View) -> Look {
        Look { view }
    }

    /// Gathers everything recorded of `wanted`. `window` is the time that they were played in, and `rows` the one in which all
    /// of their rows lie, history entries and proofs too, where they are known, so that parts of other times stay closed; parts
    /// without times are always read.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn gather(
        &self,
        wanted: &BTreeSet<String>,
        window: Option<Window>,
        rows: Option<Window>,
        cancel: &CancellationToken,
    ) -> Result<Gathered, ReadError> {
        let ids: Arc<HashSet<String>> = Arc::new(wanted.iter().cloned().collect());
        let Gathered { mut games, mut sidebets, mut god_candles } = Gathered::default();
        let games_only = Only { column: "game_id", texts: ids.clone() };
        // Rows before frames: a frame is looked up by the row that was made from it.
        let mut spans = Spans::default();
        let near = |part: &Part| window.is_none_or(|window| window.touches(part));
        let around = |part: &Part| rows.is_none_or(|rows| rows.touches(part));
        self.read(DocType::GameTick, TICKS, slice::from_ref(&games_only), near, cancel, |batch| {
            take_ticks(batch, &ids, &mut games, &mut spans);
        })?;
        self.read(DocType::Game, GAMES, slice::from_ref(&games_only), around, cancel, |batch| {
            take_histories(batch, &ids, &mut games);
        })?;
        let mut seen = HashSet::new();
        self.read(DocType::Sidebet, BETS, slice::from_ref(&games_only), around, cancel, |batch| {
            take_bets(batch, &ids, &mut sidebets, &mut seen);
        })?;
        let proofs = Only { column: "event_type", texts: proof_events() };
        self.read(DocType::SystemEvent, EVENTS, &[proofs], around, cancel, |batch| {
            take_proofs(batch, &ids, &mut games);
        })?;
        let updates =
            Only { column: "event_name", texts: Arc::new(HashSet::from(["gameStateUpdate".to_owned()])) };
        self.read(
            DocType::WsEvent,
            FRAMES,
            &[updates, games_only],
            |part| spans.touch(part),
            cancel,
            |batch| {
                take_frames(batch, &ids, &mut games, &mut god_candles);
            },
        )?;
        Ok(Gathered { games, sidebets, god_candles })
    }

    /// The games of which these sessions have ticks or a history entry in parts.
    ///
    /// # Errors
    /// [`ReadError`].
    pub fn games_of(
        &self,
        sessions: &BTreeSet<String>,
        cancel: &CancellationToken,
    ) -> Result<BTreeSet<String>, ReadError> {
        let mut games = BTreeSet::new();
        if sessions.is_empty() {
            return Ok(games);
        }
        let of_sessions =
            |part: &Part| part.sessions.iter().any(|range| sessions.contains(&range.session_id.to_string()));
        for doc_type in [DocType::GameTick, DocType::Game] {
            let mut take = |batch: &RecordBatch| {
                let columns = Columns::of(batch);
                let ids = columns.text("game_id");
                for row in (0..batch.num_rows()).filter(|row| sessions.contains(columns.session(*row))) {
                    if let Some(id) = text(ids, row).filter(|id| !games.contains(*id)) {
                        games.insert(id.to_owned());
                    }
                }
            };
            self.read(doc_type, &["game_id", "session_id", "seq"], &[], of_sessions, cancel, &mut take)?;
        }
        Ok(games)
    }

    /// Reads rows of one kind: parts that are `near` first, then the tail.
    pub(super) fn read(
        &self,
        doc_type: DocType,
        columns: &[&str],
        only: &[Only],
        near: impl Fn(&Part) -> bool,
        cancel: &CancellationToken,
        mut take: impl FnMut(&RecordBatch),
    ) -> Result<(), ReadError> {
        for part in self.view.parts().iter().filter(|part| part.doc_type == doc_type && near(part)) {
            for batch in scan::batches_of(self.view.root(), part, columns, only) {
                if cancel.is_cancelled() {
                    return Err(ReadError::Cancelled);
                }
                take(&batch?);
            }
        }
        self.view.tail().iter().filter(|(of, _)| *of == doc_type).for_each(|(_, batch)| take(batch));
        Ok(())
    }
}

const TICKS: &[&str] = &["game_id", "session_id", "seq", "ts", "tick", "price", "phase", "tick_source"];
const GAMES: &[&str] =
    &["game_id", "session_id", "seq", "peak", "ended_at", "server_seed", "seed_hash", "game_version", "prices"];
const BETS: &[&str] = &[
    "game_id",
    "session_id",
    "seq",
    "ordinal",
    "sidebet_id",
    "kind",
    "start_tick",
    "end_tick",
    "stake",
    "payout",
    "outcome",
    "origin",
];
pub(super) const EVENTS: &[&str] = &["session_id", "seq", "ts", "source", "event_type", "details"];
const FRAMES: &[&str] = &["game_id", "session_id", "seq", "ts", "event_name", "format", "raw_json", "direction"];

/// The system events that hold a proof.
pub(super) fn proof_events() -> Arc<HashSet<String>> {
    Arc::new(HashSet::from([GAME_PROVEN.to_owned(), GAME_DIFFERS.to_owned()]))
}

/// The frames that rows of the games came from, by session.
#[derive(Default)]
struct Spans(BTreeMap<String, (u64, u64)>);

impl Spans {
    fn saw(&mut self, session_id: &str, seq: u64) {
        match self.0.get_mut(session_id) {
            Some((first, last)) => (*first, *last) = ((*first).min(seq), (*last).max(seq)),
            None => {
                self.0.insert(session_id.to_owned(), (seq, seq));
            }
        }
    }

    fn touch(&self, part: &Part) -> bool {
        part.sessions.iter().any(|range| {
            let span = self.0.get(&range.session_id.to_string());
            span.is_some_and(|(first, last)| range.first <= *last && range.last >= *first)
        })
    }
}

/// The columns of a batch, by name.
pub(super) struct Columns<'b> {
    batch: &'b RecordBatch,
    sessions: Option<&'b StringArray>,
    seqs: Option<&'b Int64Array>,
}

impl<'b> Columns<'b> {
    pub(super) fn of(batch: &'b RecordBatch) -> Columns<'b> {
        let mut columns = Columns { batch, sessions: None, seqs: None };
        columns.sessions = columns.text("session_id");
        columns.seqs = columns.integer("seq");
        columns
    }

    pub(super) fn text(&self, name: &str) -> Option<&'b StringArray> {
        self.batch.column_by_name(name)?.as_string_opt()
    }

    pub(super) fn integer(&self, name: &str) -> Option<&'b Int64Array> {
        self.batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()
    }

    fn float(&self, name: &str) -> Option<&'b Float64Array> {
        self.batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()
    }

    pub(super) fn time(&self, name: &str, row: usize) -> Option<i64> {
        let column = self.batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(row).then(|| column.value(row))
    }

    pub(super) fn session(&self, row: usize) -> &'b str {
        text(self.sessions, row).unwrap_or_default()
    }

    pub(super) fn seq(&self, row: usize) -> u64 {
        integer(self.seqs, row).and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0)
    }

    fn place(&self, row: usize, names: &mut Names) -> Place {
        Place { session_id: names.of(self.session(row)), seq: self.seq(row) }
    }
}

/// Session ids, each kept once.
#[derive(Default)]
struct Names(Option<Arc<str>>);

impl Names {
    fn of(&mut self, name: &str) -> Arc<str> {
        match &self.0 {
            Some(known) if **known == *name => known.clone(),
            _ => {
                let name: Arc<str> = name.into();
                self.0 = Some(name.clone());
                name
            }
        }
    }
}

pub(super) fn text(column: Option<&StringArray>, row: usize) -> Option<&str> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

pub(super) fn integer(column: Option<&Int64Array>, row: usize) -> Option<i64> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

fn float(column: Option<&Float64Array>, row: usize) -> Option<f64> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row))
}

/// The game a row is of, if it is wanted. Tails are not filtered yet.
fn wanted<'b>(games: Option<&'b StringArray>, row: usize, ids: &HashSet<String>) -> Option<&'b str> {
    text(games, row).filter(|id| ids.contains(*id))
}

fn of<'g>(games: &'g mut BTreeMap<String, Evidence>, id: &str) -> &'g mut Evidence {
    if !games.contains_key(id) {
        games.insert(id.to_owned(), Evidence::default());
    }
    games.entry(id.to_owned()).or_default()
}

fn take_ticks(
    batch: &RecordBatch,
    ids: &HashSet<String>,
    games: &mut BTreeMap<String, Evidence>,
    spans: &mut Spans,
) {
    let columns = Columns::of(batch);
    let (of_games, phases, sources) =
        (columns.text("game_id"), columns.text("phase"), columns.text("tick_source"));
    let (ticks, prices) = (columns.integer("tick"), columns.float("price"));
    let mut names = Names::default();
    for row in 0..batch.num_rows() {
        let Some(id) = wanted(of_games, row, ids) else { continue };
        let place = columns.place(row, &mut names);
        spans.saw(&place.session_id, place.seq);
        let told = TickRow {
            tick: integer(ticks, row),
            price: float(prices, row),
            phase: text(phases, row),
            tick_source: text(sources, row),
        };
        of(games, id).row(&place, columns.time("ts", row), &told);
    }
}

fn take_histories(batch: &RecordBatch, ids: &HashSet<String>, games: &mut BTreeMap<String, Evidence>) {
    let columns = Columns::of(batch);
    let of_games = columns.text("game_id");
    let (seeds, hashes, versions) =
        (columns.text("server_seed"), columns.text("seed_hash"), columns.text("game_version"));
    let peaks = columns.float("peak");
    let prices = batch.column_by_name("prices").and_then(|column| column.as_list_opt::<i32>());
    let mut names = Names::default();
    for row in 0..batch.num_rows() {
        let Some(id) = wanted(of_games, row, ids) else { continue };
        let listed = prices.filter(|prices| prices.is_valid(row)).map(|prices| prices.value(row));
        let listed = listed.and_then(|listed| Some(listed.as_primitive_opt::<Float64Type>()?.values().to_vec()));
        let owned = |column| text(column, row).map(str::to_owned);
        of(games, id).history(HistoryEntry {
            place: columns.place(row, &mut names),
            prices: listed.unwrap_or_default(),
            seed: owned(seeds),
            hash: owned(hashes),
            version: owned(versions),
            peak: float(peaks, row),
            ended_us: columns.time("ended_at", row),
        });
    }
}

/// The proofs in a batch of system events: when, and what.
pub(super) fn proofs(batch: &RecordBatch) -> impl Iterator<Item = (Option<i64>, StoredProof)> + '_ {
    let columns = Columns::of(batch);
    let (types, details) = (columns.text("event_type"), columns.text("details"));
    (0..batch.num_rows()).filter_map(move |row| {
        let proof = StoredProof::read(text(types, row)?, text(details, row)?)?;
        Some((columns.time("ts", row), proof))
    })
}

fn take_proofs(batch: &RecordBatch, ids: &HashSet<String>, games: &mut BTreeMap<String, Evidence>) {
    for (ts, proof) in proofs(batch) {
        if ids.contains(&proof.game_id) {
            of(games, &proof.game_id.clone()).proof(ts, proof);
        }
    }
}

/// A bet is in the history once more each time that is broadcast, and once live: its id counts once.
fn take_bets(
    batch: &RecordBatch,
    ids: &HashSet<String>,
    bets: &mut BTreeMap<String, Vec<Bet>>,
    seen: &mut HashSet<String>,
) {
    let columns = Columns::of(batch);
    let of_games = columns.text("game_id");
    let (bet_ids, kinds, outcomes) = (columns.text("sidebet_id"), columns.text("kind"), columns.text("outcome"));
    let origins = columns.text("origin");
    let (starts, ends, ordinals) =
        (columns.integer("start_tick"), columns.integer("end_tick"), columns.integer("ordinal"));
    let (stakes, payouts) = (columns.float("stake"), columns.float("payout"));
    for row in 0..batch.num_rows() {
        let Some(id) = wanted(of_games, row, ids) else { continue };
        let (session_id, seq) = (columns.session(row), columns.seq(row));
        let key = match text(bet_ids, row) {
            Some(bet) => format!("{bet} {}", text(kinds, row).unwrap_or_default()),
            None => format!("{session_id}:{seq}:{}", integer(ordinals, row).unwrap_or(0)),
        };
        if !seen.insert(key) {
            continue;
        }
        bets.entry(id.to_owned()).or_default().push(Bet {
            sidebet_id: text(bet_ids, row).map(str::to_owned),
            kind: text(kinds, row).map(str::to_owned),
            start_tick: integer(starts, row),
            end_tick: integer(ends, row),
            stake: float(stakes, row),
            payout: float(payouts, row),
            outcome: text(outcomes, row).map(str::to_owned),
            live: text(origins, row) != Some("gameHistory"),
            session_id: session_id.to_owned(),
            seq,
        });
    }
}

fn take_frames(
    batch: &RecordBatch,
    ids: &HashSet<String>,
    games: &mut BTreeMap<String, Evidence>,
    god_candles: &mut Shown,
) {
    let columns = Columns::of(batch);
    let (of_games, events, formats) =
        (columns.text("game_id"), columns.text("event_name"), columns.text("format"));
    let (texts, directions) = (columns.text("raw_json"), columns.text("direction"));
    let mut names = Names::default();
    for row in 0..batch.num_rows() {
        let Some(id) = wanted(of_games, row, ids) else { continue };
        if text(events, row) != Some("gameStateUpdate") || text(directions, row) == Some("sent") {
            continue;
        }
        let Some(raw) = text(texts, row) else { continue };
        let format = text(formats, row).and_then(LineFormat::from_name).unwrap_or(LineFormat::Wire);
        let inner = line::inner(format, raw);
        let (format, hint, raw) = match &inner {
            Some(inner) => (inner.format, inner.hint.as_deref(), inner.text.as_str()),
            None => (format, Some("gameStateUpdate"), raw),
        };
        if memchr::memmem::find(raw.as_bytes(), b"\"godCandle").is_some()
            && let Some(payload) = line::decode(format, hint, raw).payload
        {
            god_candles.add(Shown::read(payload.get(), columns.session(row), columns.seq(row)));
        }
        if let Fact::Tick(tick) = fact::read(format, hint, raw, false) {
            let place = columns.place(row, &mut names);
            of(games, id).frame(&place, columns.time("ts", row), &tick);
        }
    }
}
