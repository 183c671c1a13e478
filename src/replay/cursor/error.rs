//! Why a cursor could not be opened or moved. It then is where it was.

use super::orders::RefusedOrder;
use crate::state::condition::ConditionError;
use crate::store::StoreError;

/// Why not. The message says what happened and why; what to do next depends on the surface.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The store's reason.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No recording has this game.
    #[error("no recording has the game {game_id:?}{}", similar(.nearest))]
    UnknownGame {
        /// What was asked for.
        game_id: String,
        /// Recorded games with similar ids, the most similar first.
        nearest: Vec<String>,
    },
    /// The site's game history names the game, and nothing of it was recorded.
    #[error(
        "the game {game_id} is known from the site's game history only: no tick and no frame of it was recorded, so there is nothing to step through"
    )]
    HistoryOnly {
        /// The game.
        game_id: String,
    },
    /// Recorded, but not in the session that was asked for.
    #[error("the session {session_id} has no frame of the game {game_id}; it was recorded in {}", .sessions.join(", "))]
    NotInSession {
        /// The game.
        game_id: String,
        /// The session asked for.
        session_id: String,
        /// Those that have it.
        sessions: Vec<String>,
    },
    /// No such session.
    #[error("there is no session {session_id:?}{}", latest(.newest))]
    UnknownSession {
        /// What was asked for.
        session_id: String,
        /// The newest ones.
        newest: Vec<String>,
    },
    /// Nothing was recorded then.
    #[error("nothing was recorded between {from} and {to}{}", otherwise(.recorded))]
    NothingThen {
        /// The first moment.
        from: String,
        /// The last one.
        to: String,
        /// When something was, from and to.
        recorded: Option<(String, String)>,
    },
    /// More than one cursor takes.
    #[error("that is too much for one cursor: {0}")]
    TooMuch(String),
    /// The tick was not recorded.
    #[error("the recording of {game_id} has no tick {tick}{}", tick_span(.recorded, .nearest))]
    NoTick {
        /// The game.
        game_id: String,
        /// The tick asked for.
        tick: u32,
        /// The first and the last tick there is.
        recorded: Option<(u32, u32)>,
        /// The recorded ticks before and after it.
        nearest: (Option<u32>, Option<u32>),
    },
    /// A place that the cursor does not cover.
    #[error("{what} is outside what the cursor covers: {covers}")]
    Outside {
        /// What was asked for.
        what: String,
        /// From where to where it goes.
        covers: String,
        /// Where to go instead.
        instead: Instead,
    },
    /// Nothing of the kind comes any more.
    #[error("{} there is no {what} (looked at {looked_at} events, {})", if *.from_start { "after the start" } else { "after this place" }, .left.words())]
    NotAgain {
        /// What was looked for.
        what: String,
        /// Events looked at.
        looked_at: u64,
        /// Whether that were all.
        left: Left,
        /// Whether it was looked for from the first event on: then going back finds nothing either.
        from_start: bool,
        /// The game of the place it was looked for from.
        game_id: Option<String>,
    },
    /// The condition cannot be asked.
    #[error("{0}")]
    Condition(#[from] ConditionError),
    /// The account's rules refuse an order; the account is as it was.
    #[error("{0}")]
    Order(Box<RefusedOrder>),
    /// It cannot be done; everything is as it was.
    #[error("{0}")]
    Refused(String),
    /// The caller asked to stop.
    #[error("it was stopped before it was done")]
    Stopped,
}

/// A place instead of one that is not covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Instead {
    /// The first event.
    Start,
    /// The last one: what was asked for comes after it.
    End,
    /// Another cursor, over this game.
    Game(String),
}

/// What a search left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it looked at everything there is.
    Nothing,
    /// What is still being recorded.
    StillRecording,
    /// Events that it might not look at.
    More,
}

impl Left {
    fn words(self) -> &'static str {
        match self {
            Left::Nothing => "all there are",
            Left::StillRecording => "all there are so far; it is still being recorded",
            Left::More => "and there are more",
        }
    }
}

fn similar(ids: &[String]) -> String {
    match ids {
        [] => "; nothing was recorded yet".to_owned(),
        ids => format!(". Similar ids that were: {}", ids.join(", ")),
    }
}

fn latest(ids: &[String]) -> String {
    match ids {
        [] => "; nothing was recorded yet".to_owned(),
        ids => format!(". The newest ones are {}", ids.join(", ")),
    }
}

fn otherwise(span: &Option<(String, String)>) -> String {
    match span {
        Some((from, to)) => format!("; there is something from {from} to {to}"),
        None => "; nothing was recorded yet".to_owned(),
    }
}

fn tick_span(recorded: &Option<(u32, u32)>, nearest: &(Option<u32>, Option<u32>)) -> String {
    let Some((first, last)) = recorded else { return ": it has no tick at all".to_owned() };
    match nearest {
        (Some(before), Some(after)) => {
            format!(": it goes from tick {first} to {last} and leaves out those between {before} and {after}")
        }
        _ => format!(": it goes from tick {first} to {last}"),
    }
}
