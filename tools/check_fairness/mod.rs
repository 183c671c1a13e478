//! `check_fairness`: games proven from their revealed seeds, side bets recomputed, the capture audited.
//!
//! * [`select`] — which games: one, or a page of those that pass the filter. [`answer`] — what came of it, cut to size.
//!
//! The work is done by [`crate::replay::proof::check`]; nothing is stored by it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::{AgentTool, get_game};
use crate::replay::proof::check::{self, Asked, Checked, Lasted};
use crate::replay::proof::read::ReadError;
use crate::server::App;
use crate::server::errors::ToolError;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;

mod answer;
mod select;
#[cfg(test)]
mod tests;

pub use answer::{Output, SESSIONS, Summary};
pub(super) use select::microseconds;

/// How long games are looked at before an answer is given with what is done.
const BUDGET: Duration = Duration::from_secs(90);

/// The tool.
pub struct CheckFairness;

/// Which games, and how much to tell.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// One game's id. Without it: all games that pass the filter, newest first.
    pub game_id: Option<String>,
    /// Only games that this session saw.
    pub session_id: Option<String>,
    /// Only games that ended at this time (UTC) or later.
    pub from: Option<String>,
    /// Only games that began before this time (UTC).
    pub until: Option<String>,
    /// Games per call, 1 to 5000. Default 200.
    pub limit: Option<u64>,
    /// Goes on after an answer that was cut: its `before`.
    pub before: Option<String>,
    /// true: also audit the capture.
    pub audit: Option<bool>,
    /// How much to tell of many games. Default summary.
    pub detail: Option<Detail>,
    /// Every session of the audit, however many: for the command line, which has room.
    #[serde(skip)]
    pub all_sessions: bool,
}

/// How much to tell of many games.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    /// Counts, and the games that differ.
    #[default]
    Summary,
    /// Also one line per game.
    Games,
    /// Also every difference of the games that differ.
    Differences,
}

impl AgentTool for CheckFairness {
    const NAME: &'static str = "check_fairness";
    const TITLE: &'static str = "Prove games from their seeds, audit the capture";
    const DESCRIPTION: &'static str = "\
Proves recorded games from their revealed seeds, bit for bit, and audits the capture. Use it for \"was this game fair\", \
\"is the recording right and complete\", \"how much was missed\".

A game's seed gives every price. Every recorded price (frames, partialPrices, connect snapshots, game history, older \
recordings) is compared with it, by the rules (v1, v2, v3) that fit them: proven, differs (what was recorded, what the \
seed gives, the frame), or unproven (no seed yet, unknown rules, no prices). An announced peak or version that \
contradicts the prices is named too. Also: side bets recomputed (win when rug_tick <= end_tick, 5x) against their \
settlements, and god-candle records given to the game that had the candle, which is often not the one they name.

- game_id: one game in full.
- without: a page of games (from, until, session_id, limit), counts first; go on with before. detail = games or \
differences tells more.
- audit = true: of all ticks played while a recorder was connected, how many a frame captured, how many are repaired \
(partialPrices, connect snapshot, history, seed), how many unknown; per session and in total.

Examples: {\"game_id\": \"20260214-5f0c2d1e9a3b4c58\"}
{\"from\": \"2026-02-14T00:00:00Z\", \"audit\": true}";
    const EXAMPLE: &'static str = r#"{"limit": 100, "audit": true}"#;
    const TIME: Duration = Duration::from_secs(180);
    const READS: &'static [DocType] =
        &[DocType::WsEvent, DocType::GameTick, DocType::Game, DocType::Sidebet, DocType::SystemEvent];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let selected = select::select(&app, &args, &cancel).await?;
        let lasted = if args.audit == Some(true) {
            Some(select::sessions(&app, args.session_id.as_deref(), &cancel).await?)
        } else {
            None
        };
        let deadline = Instant::now() + BUDGET;
        let checked = look(&app, selected.games.clone(), lasted, Some(deadline), &cancel).await?;
        let mut output = answer::answer(&args, selected, checked);
        if let Some(game_id) = args.game_id.as_deref() {
            output.record = get_game::record(&app, game_id, &cancel).await?.0.map(|summary| summary.row);
        }
        Ok(output)
    }
}

/// Looks at games, on a thread for that.
///
/// # Errors
/// When the store cannot be read, or the call was cancelled.
pub(super) async fn look(
    app: &App,
    games: Vec<Asked>,
    lasted: Option<Lasted>,
    deadline: Option<Instant>,
    cancel: &CancellationToken,
) -> Result<Checked, ToolError> {
    let path = app.root.clone();
    // Dropped with this call: a call that is given up stops reading.
    let reading = cancel.child_token();
    let stop = reading.clone().drop_guard();
    let checked = tokio::task::spawn_blocking(move || {
        let root = DataRoot::open(&path)?;
        check::check(&root, &games, lasted.as_ref(), deadline, &reading)
    })
    .await;
    drop(stop);
    match checked {
        Ok(Ok(checked)) => Ok(checked),
        Ok(Err(ReadError::Cancelled)) => Err(ToolError::cancelled("the client asked for it")),
        Ok(Err(error)) => Err(unreadable(&error.to_string())),
        Err(error) => Err(unreadable(&error.to_string())),
    }
}

fn unreadable(why: &str) -> ToolError {
    ToolError::new(
        "The games were not checked",
        why,
        "the same call again; if it keeps failing, ask the user to run `replayer data verify`",
    )
}
