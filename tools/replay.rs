//! `replay`: cursors over recorded games: step, back, seek, run until, act, state, diff.

mod answer;
mod ask;
mod refuse;
mod takes;

pub use ask::unknown_event;

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::AgentTool;
use super::get_game::{self, GameRow};
use crate::replay::cursor::moves::{Stopped, Unit};
use crate::replay::cursor::place::{Changed, Difference, Place};
use crate::replay::cursor::{self, Budget};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::state::condition::Condition;
use crate::store::schema::DocType;

/// The tool.
pub struct Replay;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // The description tells them.
pub enum Action {
    Open,
    Step,
    Back,
    Seek,
    Run,
    Act,
    State,
    Diff,
    Close,
    List,
}

/// Which rule book the local account follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rules {
    /// As meant: bets are settled, and the rug sells.
    Right,
    /// The desktop application's, with its defects.
    Legacy,
}

/// One call. What each action takes of it stands in [`takes`].
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// open, step, back, seek, run, act, state, diff, close or list.
    pub action: Action,
    /// The cursor, as open answered it. For all but open and list.
    pub cursor: Option<String>,
    /// open: this game. seek: with tick, that game of several.
    pub game_id: Option<String>,
    /// open: these games, one after the other.
    pub games: Option<Vec<String>>,
    /// open: everything of this session; with game_id, the recording to take.
    pub session_id: Option<String>,
    /// open: what was recorded from this time (UTC) on.
    pub from: Option<String>,
    /// open: up to this time.
    pub to: Option<String>,
    /// open: rules of the local account: right (default; buys are in units, a bet waits 5 ticks for the last) or legacy
    /// (the desktop application's, with its defects).
    #[schemars(with = "Option<String>")]
    pub rules: Option<Rules>,
    /// step, back: how many. Default 1.
    pub n: Option<u64>,
    /// step, back: tick (where tick, phase or game change; default) or event (every frame).
    #[schemars(with = "Option<String>")]
    pub by: Option<Unit>,
    /// seek, open: where this tick was first shown.
    pub tick: Option<u32>,
    /// seek, open: the last event up to this time (UTC).
    pub time: Option<String>,
    /// seek, open: the event "<session_id>:<seq>", or a seq of the current session.
    #[serde(rename = "ref")]
    pub event_ref: Option<String>,
    /// seek, open: start or end.
    pub place: Option<String>,
    /// seek: the next event at which this phase begins.
    pub phase: Option<String>,
    /// seek: the next event of this name.
    pub event_name: Option<String>,
    /// seek: the next event that changed this: game_rugged, seed_revealed, own_trade, drift_opened, tick_gap, …
    pub change: Option<String>,
    /// run: the condition, with the parts of get_events wait: {"price_above": 5}, {"drawdown_above": 0.5},
    /// {"rug": true}, {"own_trade": true}, {"event_name": "…", "field": "…", "above": 1}.
    #[schemars(with = "Option<Map<String, Value>>")]
    pub until: Option<Condition>,
    /// run: events to look at, at most. Default 1000000.
    pub max_events: Option<u64>,
    /// act: BUY, SELL, SIDEBET or RESET.
    pub side: Option<String>,
    /// act: units to buy or SOL to stake, number or text.
    pub amount: Option<Value>,
    /// act: part of the position to sell: 0.1, 0.25, 0.5 or 1.
    pub percentage: Option<Value>,
    /// act: true: store it as a player_action row with source replay. Default: kept in the cursor only.
    pub record: Option<bool>,
    /// diff: the other place: start, or an event. Default: where the cursor was before its last move.
    pub since: Option<String>,
    /// true: the whole state, with prices, ranking, transitions.
    pub detailed: Option<bool>,
}

/// Where the cursor is, and what the action asked for. What does not apply is absent.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The cursor.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<String>,
    /// Where it is: after this event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub place: Option<Place>,
    /// How the move went.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub moved: Option<Moved>,
    /// What the passed events changed, oldest first; the last twelve.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub changed: Vec<Changed>,
    /// Money at the place. source says whose word it is: server (recorded) or local (this replay's own account).
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub accounts: Vec<Map<String, Value>>,
    /// act: what was done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acted: Option<Map<String, Value>>,
    /// open: what is stepped through, and which recording was taken of several.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub opened: Option<Opened>,
    /// state: as live_state answers it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<Map<String, Value>>,
    /// diff: the other place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub other: Option<Place>,
    /// diff: every value that differs, before being the earlier place.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub differences: Option<Vec<Difference>>,
    /// list: the open cursors, the one used last first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursors: Option<Vec<OpenCursor>>,
    /// Whether something was left out.
    pub truncated: bool,
    /// How to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// How a move went.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Moved {
    /// Steps made; fewer than asked for at an end.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub steps: Option<u64>,
    /// Events passed.
    pub events: u64,
    /// Why it ended: done, condition_holds, own_action, start, end, live_end (more is being recorded), bound, time.
    pub stopped: Stopped,
    /// Lowest and highest price on the way.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prices: Option<(f64, f64)>,
}

/// What a cursor goes through.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Opened {
    /// From where to where.
    pub covers: String,
    /// The recordings taken; of many games the first ten.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub recordings: Vec<Recording>,
    /// Sessions of the same time that were left out; open them with session_id.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub left_out: Vec<String>,
    /// Whether it is still being recorded: the cursor then follows it.
    pub live: bool,
}

/// The recording of a game that was taken: the whole one with most ticks, unless a session was asked for.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Recording {
    /// The round.
    pub game_id: String,
    /// The session it is taken from.
    pub session_id: String,
    /// Its packets with a price.
    pub ticks: u64,
    /// Whether it has every tick of the game, from the first to the rug.
    pub complete: bool,
    /// Other sessions that have it.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub others: Vec<String>,
    /// What all recordings of the game come to, as get_game says it: the one taken may have less.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<GameRow>,
}

/// An open cursor.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct OpenCursor {
    /// Its handle.
    pub cursor: String,
    /// The game it is in.
    pub game_id: Option<String>,
    /// The event it is after.
    #[serde(rename = "ref")]
    pub event_ref: String,
    /// Actions taken in it.
    pub actions: usize,
    /// The call that opens it again at this place.
    pub again: String,
}

impl AgentTool for Replay {
    const NAME: &'static str = "replay";
    const TITLE: &'static str = "Step through recorded games";
    const DESCRIPTION: &'static str = "\
Walks recorded games event by event or tick by tick, forward and back, and says at every place what the state was and \
which frame made it so. Use it to see how something came about (a rug, a drift, a trade), or to play a recorded game \
with a local account. For numbers over many games use query_sql, for one moment live_state with at.

- open: game_id, games, session_id, or from and to; answers cursor. A game that is still being played is followed.
- step, back: n ticks (by: tick: where tick, phase or game change) or events (by: event: every frame).
- seek: tick, time, ref, place (start, end), or the next phase, event_name or change.
- run: until a condition holds; the same conditions as in get_events wait. moved.stopped says why it ended.
- act: BUY, SELL, SIDEBET, or RESET, for a local account of 0.1 SOL that starts anew with each game. An action belongs to its \
place: going back before it undoes it, going forward does it again. act at an earlier place removes later actions that \
are no longer possible, and says so. record: true stores it as a row.
- state: the state at the place (detailed: with prices and ranking). diff: what differs from another place.
- close, list.

The same place is the same state, whichever way it was reached. A call that fails leaves the cursor where it was. \
Sixteen cursors are kept; the error for a forgotten one says how to open it again. accounts: source server is the \
recorded account, with its drift from own trades; local is this replay's.

Examples: {\"action\": \"open\", \"game_id\": \"20260101-0123456789abcdef\"}
{\"action\": \"run\", \"cursor\": \"cursor-…\", \"until\": {\"drawdown_above\": 0.5}}";
    const EXAMPLE: &'static str = r#"{"action": "open", "game_id": "20260101-0123456789abcdef"}"#;
    const TIME: Duration = Duration::from_secs(60);
    const READS: &'static [DocType] =
        &[DocType::WsEvent, DocType::GameTick, DocType::ServerState, DocType::SystemEvent];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        // Only an action that is to be recorded writes, and only rows of its own.
        ToolAnnotations::new().read_only(false).destructive(false).idempotent(false).open_world(false)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let (worker, cancelled) = (Arc::clone(&app), cancel.clone());
        let done = tokio::task::spawn_blocking(move || {
            let stop = || cancelled.is_cancelled();
            let budget = Budget {
                events: args.max_events.unwrap_or(cursor::EVENTS).clamp(1, 10 * cursor::EVENTS),
                until: Instant::now() + cursor::TIME,
                stop: &stop,
            };
            answer::to(&worker.replay, &args, &budget)
        });
        let done = done.await.unwrap_or_else(|error| {
            Err(ToolError::new("The call crashed", error.to_string(), "replay {\"action\": \"list\"}"))
        });
        let mut output = done?;
        for recording in output.opened.iter_mut().flat_map(|opened| &mut opened.recordings) {
            // The cursor is open either way.
            let record = get_game::record(&app, &recording.game_id, &cancel).await.ok();
            recording.record = record.and_then(|(record, _)| record).map(|summary| summary.row);
        }
        Ok(output)
    }
}
