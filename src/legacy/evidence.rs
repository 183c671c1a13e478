//! What the server's own clock says about a file's times.
//!
//! Some packets carry Unix milliseconds that the server wrote: the end of each game in `gameHistory`, and the time of a
//! chat line, a trade, a side bet. Beside them is the time that the recorder wrote. Both are of the same moment, or
//! nearly: so the difference is the zone that the recorder left out, which is always a multiple of a quarter of an hour.
//! Recordings of ticks alone have nothing of that; but the ids of their games carry the UTC day, which a wrong zone contradicts.
//!
//! A [`Witness`] takes the place of the store while the beginning and the end of a file are read, and collects.

use std::collections::{HashMap, HashSet, VecDeque};

use serde::Deserialize;

use super::error::LegacyError;
use super::overlap;
use super::report::Counts;
use super::target::{Known, NewFile, Target};
use super::time::{Doubt, Moment, Zone};
use replayer_protocol::line::{self, LineFormat};
use replayer_store::record::{Direction, Record};

/// How the times of a line were written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Without a zone.
    Zoneless(Zone),
    /// With their zone, or as a number.
    Instant,
}

/// Between what a file's offset from UTC has to lie, microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// At least.
    pub least: i64,
    /// At most.
    pub most: i64,
    /// The UTC day of the first game, microseconds of its beginning.
    pub day: i64,
}

/// A day, microseconds.
const DAY: i64 = 86_400_000_000;

/// How far into the next day a game may run that was begun on the day in its id, microseconds.
const OVER_MIDNIGHT: i64 = 900_000_000;

/// How close the server's time is to the moment at which the line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closeness {
    /// Within seconds: a game that just ended, a chat line that was just sent.
    Seconds,
    /// The server's time is that of the last game's end: up to one game before, and never after.
    OneGame,
}

/// One line with the server's time beside the file's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// What the file says, microseconds, as if in UTC.
    pub written: i64,
    /// What the server says, microseconds UTC.
    pub server: i64,
    /// How close both should be.
    pub closeness: Closeness,
}

/// Pieces kept of each end of a file; more do not make it surer.
const ENOUGH_PIECES: usize = 200;

/// Close pieces after which the reading of one end of a file ends: three games, or as many words of people.
const CLOSE_ENOUGH: usize = 6;

/// A silence longer than this, microseconds: a game may have ended in it unseen.
const SILENCE: i64 = 20_000_000;

/// Collects the evidence of a file's lines.
#[derive(Debug, Default)]
pub struct Witness {
    pieces: HashMap<Kind, VecDeque<Piece>>,
    /// How many lines had times of each kind.
    lines: HashMap<Kind, u64>,
    /// Bytes of text to look at; 0 for all.
    limit: u64,
    looked_at: u64,
    /// Close pieces found since the beginning, or since [`Witness::skip`].
    close: usize,
    /// The kind and the time of the line at hand.
    dated: Option<(Kind, i64)>,
    before: Option<i64>,
    /// Games in the last history that was shown; `None` before the first, and after a silence.
    shown: Option<HashSet<String>>,
    /// What the days in the ids of games leave open.
    days: HashMap<Kind, Bounds>,
    /// When the file saw a game's first packet after its rug.
    rugged: HashMap<String, i64>,
}

impl Witness {
    /// A witness that looks at this many bytes of text at most. Every witness ends the reading, with
    /// [`LegacyError::Argument`], when it has seen enough.
    pub fn up_to(limit: u64) -> Witness {
        Witness { limit, ..Witness::default() }
    }

    /// The pieces of one kind of times, in the order of the file.
    pub fn pieces(&self, kind: Kind) -> Vec<Piece> {
        self.pieces.get(&kind).into_iter().flatten().copied().collect()
    }

    /// How many lines had times of this kind.
    pub fn lines(&self, kind: Kind) -> u64 {
        self.lines.get(&kind).copied().unwrap_or_default()
    }

    /// Between what the days in the ids of games allow the offset of these times to be; `None` where no id was seen.
    pub fn bounds(&self, kind: Kind) -> Option<Bounds> {
        self.days.get(&kind).copied()
    }

    /// What follows does not follow directly: lines between were not looked at.
    pub fn skip(&mut self) {
        (self.before, self.shown, self.dated, self.close) = (None, None, None, 0);
    }

    fn add(&mut self, kind: Kind, written: i64, server: i64, closeness: Closeness) {
        self.close += usize::from(closeness == Closeness::Seconds);
        let pieces = self.pieces.entry(kind).or_default();
        // The first half stays, of the rest the newest: the beginning and the end say most.
        if pieces.len() >= 2 * ENOUGH_PIECES {
            pieces.remove(ENOUGH_PIECES);
        }
        pieces.push_back(Piece { written, server, closeness });
    }

    fn look(&mut self, record: &Record<'_>, kind: Kind, written: i64) {
        if matches!(record.format, LineFormat::Recording | LineFormat::RecorderSink) {
            if let Some(day) = overlap::key::day_behind(record.text, "game_id") {
                let bounds = Bounds { least: written - day - DAY - OVER_MIDNIGHT, most: written - day, day };
                let known = self.days.entry(kind).or_insert(bounds);
                let (least, most) = (known.least.max(bounds.least), known.most.min(bounds.most));
                *known = Bounds { least, most, ..*known };
            }
            return;
        }
        if self.before.is_some_and(|before| (written - before).abs() > SILENCE) {
            self.shown = None;
        }
        self.before = Some(written);
        let said = Said::in_record(record);
        if let Some(game) = said.rugged {
            self.rugged.entry(game).or_insert(written);
        }
        if let Some(server) = said.live {
            self.add(kind, written, server, Closeness::Seconds);
        }
        let Some(history) = said.history else { return };
        let is_new = |game: &&Ended| self.shown.as_ref().is_some_and(|shown| !shown.contains(&game.id));
        let new: Vec<&Ended> = history.iter().filter(is_new).collect();
        match (new.as_slice(), &self.shown) {
            ([game], _) => {
                let rugged = self.rugged.remove(&game.id);
                self.add(kind, written, game.at, Closeness::Seconds);
                if let Some(rugged) = rugged {
                    self.add(kind, rugged, game.at, Closeness::Seconds);
                }
            }
            ([], Some(_)) => {}
            // The first history, or several games at once: the newest of them is at most one game old.
            _ => {
                if let Some(newest) = history.iter().map(|game| game.at).max() {
                    self.add(kind, written, newest, Closeness::OneGame);
                }
            }
        }
        self.shown = Some(history.into_iter().map(|game| game.id).collect());
    }
}

impl Target for Witness {
    fn known(&self) -> &[Known] {
        &[]
    }
    fn has_session(&self, _session_id: &str) -> bool {
        false
    }
    fn begin(&mut self, _file: &NewFile<'_>) -> Result<Option<String>, LegacyError> {
        Ok(None)
    }
    fn dated(&mut self, moment: Option<Moment>) {
        self.dated = moment.map(|moment| match moment.doubt {
            Some(Doubt::Unzoned(zone)) => (Kind::Zoneless(zone), moment.us),
            _ => (Kind::Instant, moment.us),
        });
    }
    fn push(&mut self, record: &Record<'_>) -> Result<(), LegacyError> {
        if let Some((kind, written)) = self.dated.take() {
            *self.lines.entry(kind).or_default() += 1;
            self.look(record, kind, written);
        }
        self.looked_at += record.text.len() as u64;
        match self.limit {
            _ if self.close >= CLOSE_ENOUGH => Err(LegacyError::Argument("enough was seen".to_owned())),
            1.. if self.looked_at > self.limit => Err(LegacyError::Argument("enough was seen".to_owned())),
            _ => Ok(()),
        }
    }
    fn end(&mut self, _counts: &Counts) -> Result<(), LegacyError> {
        Ok(())
    }
    fn publish(&mut self, _last: bool) -> Result<(), LegacyError> {
        Ok(())
    }
}

/// A finished game in a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The game.
    pub id: String,
    /// When it ended, microseconds UTC.
    pub at: i64,
}

/// What a record says by the server's clock.
#[derive(Debug, Default)]
pub struct Said {
    /// Time of what just happened, microseconds UTC.
    pub live: Option<i64>,
    /// The history it shows.
    pub history: Option<Vec<Ended>>,
    /// The game that is over in it.
    pub rugged: Option<String>,
}

/// Events that are sent to everybody the moment they happen.
const LIVE: [&str; 5] =
    ["newChatMessage", "standard/newTrade", "newSideBet", "currentSidebet", "currentSidebetResult"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct State {
    game_id: Option<String>,
    rugged: Option<bool>,
    game_history: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    id: Option<String>,
    timestamp: Option<f64>,
}

#[derive(Deserialize)]
struct Live {
    timestamp: Option<f64>,
}

impl Said {
    /// What this record says; of what is no packet from the server, nothing.
    pub fn in_record(record: &Record<'_>) -> Said {
        let bytes = record.text.as_bytes();
        let has = |needle: &[u8]| memchr::memmem::find(bytes, needle).is_some();
        let is_frame = !matches!(record.format, LineFormat::System | LineFormat::Document);
        // Most packets are ticks, which say nothing of the time: they cost no parsing.
        let may_say =
            has(b"gameHistory") || has(b"timestamp") || has(b"\"rugged\":true") || has(b"\"rugged\": true");
        if record.direction == Some(Direction::Sent) || !is_frame || !may_say {
            return Said::default();
        }
        let inner = line::inner(record.format, record.text);
        let event = match &inner {
            Some(inner) => line::decode(inner.format, inner.hint.as_deref().or(record.hint), &inner.text),
            None => line::decode(record.format, record.hint, record.text),
        };
        let (Some(name), Some(payload)) = (&event.name, event.payload) else { return Said::default() };
        if name == "gameStateUpdate" {
            return serde_json::from_str::<State>(payload.get()).map(Said::of_state).unwrap_or_default();
        }
        if !LIVE.contains(&name.as_ref()) {
            return Said::default();
        }
        let live = serde_json::from_str::<Live>(payload.get()).ok().and_then(|live| live.timestamp);
        Said { live: live.and_then(super::time::from_epoch_ms), ..Said::default() }
    }

    fn of_state(state: State) -> Said {
        let ended =
            |entry: Entry| Some(Ended { id: entry.id?, at: super::time::from_epoch_ms(entry.timestamp?)? });
        Said {
            live: None,
            history: state.game_history.map(|entries| entries.into_iter().filter_map(ended).collect()),
            rugged: state.game_id.filter(|_| state.rugged == Some(true)),
        }
    }

    /// The latest time in it, and how close that is to the moment of the record.
    pub fn latest(&self) -> Option<(i64, Closeness)> {
        let ended = || self.history.iter().flatten().map(|game| game.at).max();
        self.live.map(|at| (at, Closeness::Seconds)).or_else(|| Some((ended()?, Closeness::OneGame)))
    }
}

/// A quarter of an hour, microseconds: every zone's offset is a multiple of it.
pub const QUARTER: i64 = 900_000_000;

/// How far two clocks may be apart that were set at all, microseconds.
const CLOCKS_APART: i64 = 60_000_000;

/// The longest that the end of the last game lies back, microseconds: a game of 1,308 ticks, cooldown and presale.
const LONGEST_GAME: i64 = 420_000_000;

/// No zone is further from UTC than this, in quarters of an hour.
pub const FURTHEST: i64 = 56;

impl Piece {
    /// By how many quarters of an hour the file is ahead of UTC, and what remains of the difference, microseconds; `None`
    /// for the quarters where no number of them explains the difference.
    pub fn offset(&self) -> (Option<i64>, i64) {
        let difference = self.written - self.server;
        match self.closeness {
            Closeness::Seconds => {
                let quarters = (difference + QUARTER / 2).div_euclid(QUARTER);
                (Some(quarters), difference - quarters * QUARTER)
            }
            Closeness::OneGame => {
                let quarters = (difference + CLOCKS_APART).div_euclid(QUARTER);
                let rest = difference - quarters * QUARTER;
                (Some(quarters).filter(|_| rest <= LONGEST_GAME + CLOCKS_APART), rest)
            }
        }
    }
}

/// What some pieces agree on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Agreement {
    /// By how many quarters of an hour the file is ahead of UTC.
    pub quarters: i64,
    /// Pieces that say so.
    pub agreeing: usize,
    /// All pieces.
    pub pieces: usize,
    /// Whether that is enough to outrank what the format says.
    pub is_enough: bool,
    /// By how much the machine's clock was ahead of the server's, microseconds; from the close pieces that agree.
    pub ahead: i64,
}

impl Agreement {
    /// What most of the pieces say; `None` without any.
    pub fn of(pieces: &[Piece]) -> Option<Agreement> {
        let mut votes: HashMap<i64, usize> = HashMap::new();
        for quarters in pieces.iter().filter_map(|piece| piece.offset().0) {
            *votes.entry(quarters).or_default() += 1;
        }
        // Of equally many votes those for the smaller offset, so that the answer is always the same.
        let (quarters, agreeing) =
            votes.into_iter().max_by_key(|(quarters, votes)| (*votes, std::cmp::Reverse(quarters.abs())))?;
        let agrees = |piece: &&Piece| piece.offset().0 == Some(quarters);
        let close = pieces.iter().filter(agrees).filter(|piece| piece.closeness == Closeness::Seconds);
        let mut rests: Vec<i64> = close.map(|piece| piece.offset().1).collect();
        rests.sort_unstable();
        let ahead = rests.get(rests.len() / 2).copied().unwrap_or_default();
        let near = rests.iter().filter(|rest| (**rest - ahead).abs() <= CLOCKS_APART).count();
        // One game gives two close pieces: its rug, and the history that shows it.
        let are_many = near >= 2 || (agreeing >= 3 && near * 2 >= rests.len());
        let is_enough = are_many && agreeing * 5 >= pieces.len() * 4 && ahead.abs() <= QUARTER / 3;
        Some(Agreement { quarters, agreeing, pieces: pieces.len(), is_enough, ahead })
    }
}

#[cfg(test)]
mod tests;
