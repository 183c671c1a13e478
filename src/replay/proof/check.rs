//! One look at the store that answers everything about the fairness of some games: proofs, side bets, god candles, and
//! the audit of their capture. Games are worked through in chunks, so that neither memory nor the time to stop grows
//! with how many there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use super::audit::{self, Audit};
use super::connections::{Connected, Happened};
use super::god_candles::{self, Attributed, Shown};
use super::read::{Columns, EVENTS, Gathered, Look, ReadError, Window, text};
use super::seeds::Seeds;
use super::sidebets::{self, Recomputed};
use super::verdict::{self, Proof, Verdict};
use crate::store::root::DataRoot;
use crate::store::schema::DocType;

/// Games gathered at once.
const CHUNK: usize = 100;

/// A game to look at, and when it was played as far as is known, microseconds UTC.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its id.
    pub game_id: String,
    /// First known time of it.
    pub first_us: Option<i64>,
    /// Last known time of it.
    pub last_us: Option<i64>,
    /// Between these times lie all rows of it, of all kinds; `None` where that is not known.
    pub rows_us: Option<(i64, i64)>,
}

/// When each session has its first and last row, microseconds UTC.
pub type Lasted = BTreeMap<String, (i64, i64)>;

/// What was found.
#[derive(Debug, Default)]
pub struct Checked {
    /// A proof per game that was looked at, in the order asked.
    pub proofs: Vec<Proof>,
    /// Side bets recomputed, of games that have any.
    pub sidebets: BTreeMap<String, Recomputed>,
    /// God-candle records that packets of these games showed.
    pub god_candles: Vec<Attributed>,
    /// The audit, where it was asked for.
    pub audit: Option<Audit>,
    /// The time was up before all games were looked at.
    pub stopped: bool,
}

/// Looks at `games`, chunk by chunk, until `deadline`. With `lasted`, the capture is audited for those sessions.
///
/// # Errors
/// [`ReadError`].
pub fn check(
    root: &DataRoot,
    games: &[Asked],
    lasted: Option<&Lasted>,
    deadline: Option<Instant>,
    cancel: &CancellationToken,
) -> Result<Checked, ReadError> {
    Look::through(root, |look| check_in(look, games, lasted, deadline, cancel))
}

fn check_in(
    look: &Look,
    games: &[Asked],
    lasted: Option<&Lasted>,
    deadline: Option<Instant>,
    cancel: &CancellationToken,
) -> Result<Checked, ReadError> {
    let sessions = lasted.map(|lasted| connections(look, lasted, cancel)).transpose()?;
    let mut checked = Checked { audit: sessions.as_ref().map(|_| Audit::default()), ..Checked::default() };
    let mut shown = Shown::default();
    for chunk in games.chunks(CHUNK) {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            checked.stopped = true;
            break;
        }
        let ids: BTreeSet<String> = chunk.iter().map(|asked| asked.game_id.clone()).collect();
        let gathered = look.gather(&ids, window(chunk), rows(chunk), cancel)?;
        let proofs: BTreeMap<String, Proof> = ids
            .iter()
            .map(|id| {
                let nothing = super::Evidence::default();
                (id.clone(), verdict::prove(id, gathered.games.get(id).unwrap_or(&nothing)))
            })
            .collect();
        if let (Some(audit), Some(sessions)) = (&mut checked.audit, &sessions) {
            audit.absorb(audit::audit(&gathered.games, &proofs, sessions));
        }
        checked.bets(&gathered, &proofs);
        shown.add(gathered.god_candles);
        checked.proofs.extend(chunk.iter().filter_map(|asked| proofs.get(&asked.game_id).cloned()));
    }
    if !shown.records.is_empty() {
        let mut seeds = std::mem::take(&mut shown.seeds);
        seeds.extend(Seeds::read(look, cancel)?.revealed);
        checked.god_candles = god_candles::attribute(&shown.records, &seeds);
    }
    Ok(checked)
}

impl Checked {
    fn bets(&mut self, gathered: &Gathered, proofs: &BTreeMap<String, Proof>) {
        for (id, bets) in &gathered.sidebets {
            let Some((proof, rug)) = proofs.get(id).and_then(|proof| Some((proof, proof.rug_tick?))) else {
                continue;
            };
            let from = if proof.verdict == Verdict::Unproven { "recorded" } else { "seed" };
            self.sidebets.insert(id.clone(), sidebets::recompute(bets, i64::from(rug), from));
        }
    }
}

/// The time that all of these games were played in; `None` when that of one is not known.
fn window(games: &[Asked]) -> Option<Window> {
    let times: Option<Vec<[i64; 2]>> = games
        .iter()
        .map(|asked| Some([asked.first_us.or(asked.last_us)?, asked.last_us.or(asked.first_us)?]))
        .collect();
    Window::around(times?.into_iter().flatten())
}

/// The time in which all rows of these games lie; `None` when that of one is not known.
fn rows(games: &[Asked]) -> Option<Window> {
    let rows = games.iter().map(|asked| asked.rows_us);
    let all = rows.reduce(|all, rows| all.zip(rows).map(|(all, rows)| (all.0.min(rows.0), all.1.max(rows.1))));
    all.flatten().map(|(from_us, to_us)| Window { from_us, to_us })
}

/// When the recorders of these sessions were connected.
fn connections(
    look: &Look,
    lasted: &Lasted,
    cancel: &CancellationToken,
) -> Result<BTreeMap<Arc<str>, Connected>, ReadError> {
    let mut events: BTreeMap<&str, Vec<Happened>> = BTreeMap::new();
    look.read(
        DocType::SystemEvent,
        EVENTS,
        &[],
        |_| true,
        cancel,
        |batch| {
            let columns = Columns::of(batch);
            let (types, sources, details) =
                (columns.text("event_type"), columns.text("source"), columns.text("details"));
            for row in 0..batch.num_rows() {
                let Some((session_id, _)) = lasted.get_key_value(columns.session(row)) else { continue };
                let Some((event_type, ts)) = text(types, row).zip(columns.time("ts", row)) else { continue };
                events.entry(session_id).or_default().push(Happened {
                    seq: columns.seq(row),
                    ts,
                    source: text(sources, row).unwrap_or_default().to_owned(),
                    event_type: event_type.to_owned(),
                    details: text(details, row)
                        .and_then(|text| serde_json::from_str(text).ok())
                        .unwrap_or_default(),
                });
            }
        },
    )?;
    let of_session = |(session_id, times): (&String, &(i64, i64))| {
        let mut told = events.remove(session_id.as_str()).unwrap_or_default();
        told.sort_by_key(|event| event.seq);
        (Arc::from(session_id.as_str()), Connected::of(&told, Some(*times)))
    };
    Ok(lasted.iter().map(of_session).collect())
}
