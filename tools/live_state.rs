//! `live_state`: the game, the account and the capture, now or at a past moment.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::AgentTool;
use super::get_game::{self, GameRow};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::state::{Snapshot, past};
use crate::store::StoreError;
use crate::store::record::now_us;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;

/// The tool.
pub struct LiveState;

/// When, and how much.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// A past moment (UTC), like 2026-11-23T14:03:22Z. Default: now.
    pub at: Option<String>,
    /// true: also prices, leaderboard, transitions, latencies, disagreements. Default: the essentials.
    pub detailed: Option<bool>,
}

/// The state. Groups (game, account, lobby, …) are null when nothing was seen of them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// now, status, source, game, previous, lobby, account, requests, capture, folded_from. Each group says how old
    /// it is (as_of, age_ms) and which frame said it (ref, for get_events).
    #[serde(flatten)]
    pub state: Map<String, Value>,
    /// What all recordings of that game come to by now, as get_game says it; also of a past moment. Absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<GameRow>,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// How to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl AgentTool for LiveState {
    const NAME: &'static str = "live_state";
    const TITLE: &'static str = "Live state now or at a past moment";
    const DESCRIPTION: &'static str = "\
Says where the game stands: phase, tick, price, rug, players, the logged-in account with its open requests, and how far \
that can be relied on. Use it for \"what is happening\" and for \"what was it like at 14:03:22\" (at); for how it came \
to be use get_events or query_sql.

Money and position are the server's own words; drift says where the account recomputed from own trades differs. status: \
live (frames are coming), stale (none lately), offline (nothing captures). Unknown is null, never 0. Every group has \
as_of, age_ms and ref, the frame that said it: look at age_ms before you rely on a price.

To wait for something instead of asking again and again: get_events with wait.

Examples: {}
{\"at\": \"2026-11-23T14:03:22Z\", \"detailed\": true}";
    const EXAMPLE: &'static str = r#"{"at": "2026-11-23T14:03:22Z"}"#;
    const TIME: Duration = Duration::from_secs(30);
    const READS: &'static [DocType] =
        &[DocType::WsEvent, DocType::GameTick, DocType::ServerState, DocType::SystemEvent];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let detailed = args.detailed.unwrap_or(false);
        let mut output = match args.at.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            None => now(&app, detailed).await?,
            Some(text) => at(&app, text, detailed).await?,
        };
        let game_id = output.state.get("game").and_then(|game| game.get("game_id")).and_then(Value::as_str);
        if let Some(game_id) = game_id.map(str::to_owned) {
            // The state does without, where SQL is not to be had at the moment.
            let record = get_game::record(&app, &game_id, &cancel).await.ok();
            output.record = record.and_then(|(record, _)| record).map(|summary| summary.row);
        }
        Ok(output)
    }
}

async fn now(app: &App, detailed: bool) -> Result<Output, ToolError> {
    let (snapshot, failed) = app.live.snapshot(detailed).await.map_err(|error| unreadable(&error))?;
    let nothing = snapshot.game.is_none() && snapshot.account.is_none();
    let note = failed
        .map(|why| format!("the store cannot be read at the moment, so this is as old as age_ms says: {why}"));
    let next = nothing.then(|| {
        "nothing was captured lately: capture {} says whether anything records, get_game {} lists what was recorded"
            .to_owned()
    });
    output(&snapshot, note, next)
}

async fn at(app: &App, text: &str, detailed: bool) -> Result<Output, ToolError> {
    let when: jiff::Timestamp = text.parse().map_err(|_| {
        ToolError::new(
            "The moment was not looked at",
            format!("at is no time: {text:?}"),
            format!("live_state {}", LiveState::EXAMPLE),
        )
    })?;
    let when_us = when.as_microsecond();
    if when_us > now_us() {
        return Err(ToolError::new(
            "The moment was not looked at",
            format!("{when} is in the future"),
            "live_state {} for now, or get_events with wait to wait for something",
        ));
    }
    let path = app.root.clone();
    let folded = tokio::task::spawn_blocking(move || past::fold_at(&DataRoot::open(&path)?, when_us)).await;
    let fold = folded
        .unwrap_or_else(|error| Err(StoreError::Refused(format!("reading was stopped: {error}"))))
        .map_err(|error| unreadable(&error))?;
    let mut snapshot = if detailed { fold.detailed(when_us) } else { fold.snapshot(when_us) };
    if snapshot.folded_from.is_none() {
        // Whether something recorded at that moment, nobody knows.
        snapshot.status = None;
    }
    let next = snapshot.folded_from.is_none().then(|| {
        r#"nothing was recorded before that moment: query_sql {"sql": "SELECT min(ts), max(ts) FROM ws_event"}"#.to_owned()
    });
    output(&snapshot, None, next)
}

fn output(snapshot: &Snapshot, note: Option<String>, next: Option<String>) -> Result<Output, ToolError> {
    match serde_json::to_value(snapshot) {
        Ok(Value::Object(state)) => Ok(Output { state, record: None, note, next }),
        other => Err(ToolError::new(
            "The state cannot be written as JSON",
            format!("{other:?}"),
            "live_state without detailed, and report this as a defect of replayer",
        )),
    }
}

fn unreadable(error: &StoreError) -> ToolError {
    ToolError::new(
        "The state cannot be read",
        error.to_string(),
        "capture {}, or ask the user to run `replayer doctor`",
    )
}
