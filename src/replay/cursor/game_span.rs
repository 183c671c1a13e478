//! What a cursor goes through: spans, each a range of frames of one session, mostly one game.
//!
//! A span says from which frame on the state at its start is folded (its warm-up: the game before). That depends
//! on the span alone, never on how one came to it, so that the same place is the same state.

use super::archive::{Archive, Extent, Recorded};
use super::error::CursorError;
use crate::sql::near;

/// What a cursor covers, as it was asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Covers {
    /// Games, in this order; of each the best recording, or the one of `session_id`.
    Games {
        /// The rounds.
        ids: Vec<String>,
        /// The session to take them from.
        session_id: Option<String>,
    },
    /// Everything of a session.
    Session(String),
    /// Everything from a moment to another one, microseconds UTC; the end is not part of it.
    Range {
        /// The first moment.
        from_us: i64,
        /// The moment after the last one.
        to_us: i64,
        /// The session to take it from.
        session_id: Option<String>,
    },
}

/// A range of frames of one session.
#[derive(Debug, Clone, PartialEq)]
pub struct GameSpan {
    /// The session.
    pub session_id: String,
    /// The game it is about; `None` for what was recorded before any game.
    pub game_id: Option<String>,
    /// The first `seq`.
    pub first: u64,
    /// The last `seq`; `u64::MAX` where it ends with the session.
    pub last: u64,
    /// The warm-up begins with this `seq`.
    pub warm_up: u64,
    /// Only from this time on, and before that one.
    pub times: (Option<i64>, Option<i64>),
    /// It ends with the game: the last frame of the game so far. The packet that reveals the seed comes after it.
    pub game_last: Option<u64>,
    /// Another game began after it, so that its own frames are all there.
    pub followed: bool,
    /// When its frames were recorded, where known.
    pub ts: Option<(i64, i64)>,
}

/// Which recording of a game was taken, and which others there are.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    /// The round.
    pub game_id: String,
    /// The session taken.
    pub session_id: String,
    /// Its packets with a price.
    pub ticks: u64,
    /// Whether it has every tick of the game, from the first (0 or 1) to the rug.
    pub complete: bool,
    /// The other sessions that have it: id, packets with a price, complete.
    pub others: Vec<(String, u64, bool)>,
}

/// The spans of what is covered, and how recordings were chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outline {
    /// In the order in which the cursor goes through them.
    pub spans: Vec<GameSpan>,
    /// For games.
    pub choices: Vec<Choice>,
    /// Sessions of a time range that were left out, because a better one covers the same time.
    pub left_out: Vec<String>,
}

/// The packet that reveals a game's seed comes within this many frames after the game's last one.
pub const SEED_WITHIN: u64 = 64;

/// A warm-up has at most this many frames.
const LEAD_FRAMES: u64 = 20_000;

/// A cursor goes through at most this many spans: more than two weeks of games.
const MOST_CHAPTERS: usize = 20_000;

/// Ids named in an error.
const NAMED: usize = 5;

/// Looks up what is covered.
///
/// # Errors
/// When a game or session is not there, nothing was recorded in the time, or it is too much.
pub fn outline(archive: &mut Archive, covers: &Covers) -> Result<Outline, CursorError> {
    let outline = match covers {
        Covers::Games { ids, session_id } => {
            let mut outline = Outline::default();
            for id in ids {
                let (span, choice) = game(archive, id, session_id.as_deref())?;
                outline.spans.push(span);
                outline.choices.push(choice);
            }
            outline
        }
        Covers::Session(session_id) => {
            let extent = extent_of(archive, session_id)?;
            Outline { spans: session(archive, session_id, extent)?, ..Outline::default() }
        }
        Covers::Range { from_us, to_us, session_id } => range(archive, *from_us, *to_us, session_id.as_deref())?,
    };
    if outline.spans.len() > MOST_CHAPTERS {
        return Err(CursorError::TooMuch(format!(
            "it has {} games, a cursor goes through at most {MOST_CHAPTERS}",
            outline.spans.len()
        )));
    }
    Ok(outline)
}

/// The outline as it is now, of sessions that are still being written: the same spans, the last of them perhaps
/// further, and those that came since.
///
/// # Errors
/// When a part cannot be read.
pub fn again(archive: &mut Archive, covers: &Covers, known: &Outline) -> Result<Outline, CursorError> {
    let mut outline = known.clone();
    let Some(last) = known.spans.last() else { return Ok(outline) };
    match (covers, last.game_id.as_deref()) {
        (Covers::Games { .. }, Some(game_id)) => {
            let (span, choice) = game(archive, game_id, Some(&last.session_id))?;
            outline.spans.pop();
            outline.spans.push(span);
            outline.choices.pop();
            outline.choices.push(choice);
        }
        (Covers::Games { .. }, None) => {}
        (Covers::Session(_) | Covers::Range { .. }, _) => {
            let extent = extent_of(archive, &last.session_id)?;
            let now = session(archive, &last.session_id, extent)?;
            // What went before stands; sessions only grow at their end.
            let from = now.iter().position(|span| span.first == last.first).unwrap_or(now.len());
            let ended = |span: &GameSpan| span.ts.zip(last.times.1).is_some_and(|((first, _), to)| first >= to);
            let grown: Vec<GameSpan> = now.into_iter().skip(from).collect();
            if !grown.is_empty() {
                let times = last.times;
                outline.spans.pop();
                let grown = grown.into_iter().filter(|span| !ended(span));
                outline.spans.extend(grown.map(|span| GameSpan { times, ..span }));
            }
        }
    }
    Ok(outline)
}

fn extent_of(archive: &Archive, session_id: &str) -> Result<Extent, CursorError> {
    let sessions = archive.sessions();
    sessions.get(session_id).copied().ok_or_else(|| CursorError::UnknownSession {
        session_id: session_id.to_owned(),
        // Ids sort by time of start.
        newest: sessions.keys().rev().take(NAMED).cloned().collect(),
    })
}

/// Whether the whole game was recorded.
fn is_complete(recorded: &Recorded) -> bool {
    recorded.extent.is_complete()
}

fn game(
    archive: &mut Archive,
    game_id: &str,
    session_id: Option<&str>,
) -> Result<(GameSpan, Choice), CursorError> {
    let mut found = archive.game(game_id)?;
    // The best first: whole, then most ticks; the id decides between equals, so that the choice is always the same.
    found.sort_by(|a, b| {
        let worth = |recorded: &Recorded| (is_complete(recorded), recorded.extent.priced, recorded.extent.packets);
        worth(b).cmp(&worth(a)).then_with(|| a.session_id.cmp(&b.session_id))
    });
    let best = match session_id {
        Some(wanted) => found.iter().find(|recorded| recorded.session_id == wanted),
        None => found.first(),
    };
    let Some(best) = best.cloned() else {
        return Err(match (found.is_empty(), session_id) {
            (false, Some(session_id)) => CursorError::NotInSession {
                game_id: game_id.to_owned(),
                session_id: session_id.to_owned(),
                sessions: found.into_iter().map(|recorded| recorded.session_id).collect(),
            },
            _ if archive.history_names(game_id) => CursorError::HistoryOnly { game_id: game_id.to_owned() },
            _ => CursorError::UnknownGame { game_id: game_id.to_owned(), nearest: nearest(archive, game_id)? },
        });
    };
    let choice = Choice {
        game_id: game_id.to_owned(),
        session_id: best.session_id.clone(),
        ticks: best.extent.priced,
        complete: is_complete(&best),
        others: found
            .iter()
            .filter(|recorded| recorded.session_id != best.session_id)
            .map(|recorded| (recorded.session_id.clone(), recorded.extent.priced, is_complete(recorded)))
            .collect(),
    };
    let games = archive.games_of(&best.session_id)?;
    let before = games.iter().rev().find(|other| other.extent.seq.0 < best.extent.seq.0);
    let (first, game_last) = best.extent.seq;
    let span = GameSpan {
        game_id: Some(game_id.to_owned()),
        first,
        last: game_last.saturating_add(SEED_WITHIN),
        warm_up: warm_up(first, before),
        times: (None, None),
        game_last: Some(game_last),
        followed: games.iter().any(|other| other.extent.seq.0 > first),
        ts: best.extent.ts,
        session_id: best.session_id,
    };
    Ok((span, choice))
}

/// Where the warm-up of a span begins: with the game before.
fn warm_up(first: u64, before: Option<&Recorded>) -> u64 {
    before.map_or(0, |before| before.extent.seq.0).max(first.saturating_sub(LEAD_FRAMES))
}

fn nearest(archive: &mut Archive, game_id: &str) -> Result<Vec<String>, CursorError> {
    // Ids begin with their date: the newest come first.
    Ok(near::nearest(game_id, archive.all_games()?.into_iter().rev(), NAMED))
}

/// A session game by game: each span goes up to the first frame of the next game.
fn session(archive: &mut Archive, session_id: &str, extent: Extent) -> Result<Vec<GameSpan>, CursorError> {
    let games = archive.games_of(session_id)?;
    if games.is_empty() {
        return Ok(vec![GameSpan {
            session_id: session_id.to_owned(),
            game_id: None,
            first: extent.seq.0,
            last: u64::MAX,
            warm_up: 0,
            times: (None, None),
            game_last: None,
            followed: false,
            ts: extent.ts,
        }]);
    }
    let spans = games.iter().enumerate().map(|(place, game)| {
        let before = place.checked_sub(1).and_then(|place| games.get(place));
        let next = games.get(place + 1);
        let first = if place == 0 { extent.seq.0 } else { game.extent.seq.0 };
        GameSpan {
            session_id: session_id.to_owned(),
            game_id: Some(game.extent.game_id.clone()),
            first,
            last: next.map_or(u64::MAX, |next| next.extent.seq.0 - 1),
            warm_up: if place == 0 { first } else { warm_up(first, before) },
            times: (None, None),
            game_last: None,
            followed: next.is_some(),
            ts: game.extent.ts,
        }
    });
    Ok(spans.filter(|span| span.first <= span.last).collect())
}

fn range(
    archive: &mut Archive,
    from_us: i64,
    to_us: i64,
    session_id: Option<&str>,
) -> Result<Outline, CursorError> {
    let overlaps = |ts: Option<(i64, i64)>| ts.is_some_and(|(first, last)| first < to_us && last >= from_us);
    let mut sessions: Vec<(String, Extent)> =
        archive.sessions().into_iter().filter(|(_, extent)| overlaps(extent.ts)).collect();
    if let Some(wanted) = session_id {
        extent_of(archive, wanted)?;
        sessions.retain(|(id, _)| id == wanted);
    }
    let mut candidates: Vec<(u64, Vec<GameSpan>)> = Vec::new();
    for (id, extent) in sessions {
        let games = archive.games_of(&id)?;
        let ticks = games
            .iter()
            .filter(|recorded| overlaps(recorded.extent.ts))
            .map(|recorded| recorded.extent.priced)
            .sum();
        let spans = session(archive, &id, extent)?;
        let mut within: Vec<GameSpan> = Vec::new();
        for (place, span) in spans.iter().enumerate() {
            // A span goes on until the next game begins.
            let begins = if place == 0 { i64::MIN } else { span.ts.map_or(i64::MIN, |ts| ts.0) };
            let next = spans.get(place + 1).and_then(|next| next.ts).map_or(i64::MAX, |ts| ts.0);
            if begins < to_us && next >= from_us {
                within.push(GameSpan { times: (Some(from_us), Some(to_us)), ..span.clone() });
            }
        }
        if !within.is_empty() {
            candidates.push((ticks, within));
        }
    }
    candidates.sort_by_key(|(ticks, _)| std::cmp::Reverse(*ticks));
    let mut outline = Outline::default();
    let mut taken: Vec<(i64, i64)> = Vec::new();
    let mut accepted: Vec<(i64, Vec<GameSpan>)> = Vec::new();
    for (_, spans) in candidates {
        let times = spans.iter().filter_map(|span| span.ts);
        let span = times.fold(None, |span: Option<(i64, i64)>, ts| {
            Some(span.map_or(ts, |span| (span.0.min(ts.0), span.1.max(ts.1))))
        });
        let Some(span) = span.map(|(first, last)| (first.max(from_us), last.min(to_us))) else { continue };
        if taken.iter().any(|other| span.0 <= other.1 && other.0 <= span.1) {
            outline.left_out.extend(spans.first().map(|span| span.session_id.clone()));
            continue;
        }
        taken.push(span);
        accepted.push((span.0, spans));
    }
    accepted.sort_by_key(|(first, _)| *first);
    outline.spans = accepted.into_iter().flat_map(|(_, spans)| spans).collect();
    if outline.spans.is_empty() {
        return Err(nothing_then(archive, from_us, to_us));
    }
    Ok(outline)
}

/// The error for a time in which nothing was recorded.
pub fn nothing_then(archive: &Archive, from_us: i64, to_us: i64) -> CursorError {
    let sessions = archive.sessions();
    let times = sessions.values().filter_map(|extent| extent.ts);
    let recorded = times.fold(None, |span: Option<(i64, i64)>, ts| {
        Some(span.map_or(ts, |span| (span.0.min(ts.0), span.1.max(ts.1))))
    });
    CursorError::NothingThen {
        from: time(from_us),
        to: time(to_us),
        recorded: recorded.map(|(first, last)| (time(first), time(last))),
    }
}

/// As every answer prints a time: exact, so that it leads back to its event.
pub fn time(us: i64) -> String {
    crate::store::record::time_text(us).unwrap_or_else(|| format!("{us} µs"))
}
