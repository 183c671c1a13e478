//! `app_stream`: what was recorded since a place, frame by frame in short. For the explorer's live stream only.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::ask::{self, Binds};
use super::get_events::Address;
use super::{AgentTool, bounded};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::server::ui::Ui;
use crate::state::health::Liveness;
use crate::store::schema::DocType;

/// Frames unless asked, and at most.
const FRAMES: u64 = 100;
const MAX_FRAMES: u64 = 500;

/// Characters of a frame that are shown.
const PREVIEW: u64 = 200;

/// The tool.
pub struct AppStream;

/// From where on.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The cursor of the last answer. Without it: the newest frames.
    pub after: Option<String>,
    /// Most frames, 1 to 500. Default 100.
    pub limit: Option<u64>,
}

/// Frames in short.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// Oldest first.
    pub frames: Vec<Frame>,
    /// Goes into `after` of the next call.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cursor: Option<String>,
    /// Frames between `after` and these that were left out, because more came than fit: the newest are given. At most
    /// ten thousand are counted.
    pub skipped: u64,
    /// Whether frames are coming at the moment, whoever records them.
    pub live: bool,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
}

/// One frame in short.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    /// Session.
    pub session_id: String,
    /// Number in it.
    pub seq: u64,
    /// When it was captured (UTC).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ts: Option<String>,
    /// received or sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction: Option<String>,
    /// Packet type.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub packet: Option<String>,
    /// Name of the event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_name: Option<String>,
    /// Game.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game_id: Option<String>,
    /// Phase.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<String>,
    /// Characters of the whole frame.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub chars: Option<u64>,
    /// Its first 200 characters, written by the site and by strangers.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text_untrusted: Option<String>,
}

impl AgentTool for AppStream {
    const NAME: &'static str = "app_stream";
    const TITLE: &'static str = "Live stream of the explorer";
    const DESCRIPTION: &'static str = "\
For the Protocol Explorer page only (a model should call get_events, which can also wait): the frames recorded since a \
cursor, each with its name, place and first characters.

Example: {\"limit\": 50}";
    const EXAMPLE: &'static str = r#"{"limit": 50}"#;
    const TIME: Duration = Duration::from_secs(30);
    const READS: &'static [DocType] = &[DocType::WsEvent];
    const UI: Ui = Ui::AppOnly;
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(true)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let after: Option<Address> = args.after.as_deref().map(str::parse).transpose()?;
        let limit = bounded(args.limit, FRAMES, MAX_FRAMES);
        let (sql, params) = newest(after.as_ref(), limit);
        let (mut frames, as_of) = ask::records::<Frame>(&app.sql, &sql, params, limit, &cancel).await?;
        frames.reverse();
        let skipped = match (&after, frames.first()) {
            (Some(after), Some(first)) if frames.len() as u64 == limit => {
                between(&app, after, first, &cancel).await?
            }
            _ => 0,
        };
        let last = frames.last();
        let cursor = last.map(|frame| format!("{}:{}", frame.session_id, frame.seq)).or(args.after);
        let live = comes(&app).await;
        Ok(Output { frames, cursor, skipped, live, as_of })
    }
}

/// The newest frames after a place, newest first. The name and the place are read first, then the texts of just
/// those: `raw_json` is nearly all of the store.
fn newest(after: Option<&Address>, limit: u64) -> (String, Vec<serde_json::Value>) {
    let mut binds = Binds::default();
    let preview = binds.bind(PREVIEW);
    let filter = ask::filter(&after.map(|after| behind(after, &mut binds)).into_iter().collect::<Vec<_>>());
    let sql = format!(
        "SELECT session_id, seq, ts, direction, packet, event_name, game_id, phase, length(raw_json) AS chars, \
         left(raw_json, {preview}) AS text_untrusted FROM ws_event{filter} \
         ORDER BY session_id DESC, seq DESC LIMIT {limit}"
    );
    (sql, binds.into_values())
}

/// The first comparison alone lets whole row groups be skipped.
fn behind(after: &Address, binds: &mut Binds) -> String {
    let (from, session, seq) =
        (binds.bind(after.session_id.as_str()), binds.bind(after.session_id.as_str()), binds.bind(after.seq));
    format!("session_id >= {from} AND (session_id > {session} OR seq > {seq})")
}

#[derive(Deserialize)]
struct Counted {
    n: u64,
}

/// How many frames lie between a place and the first one given.
async fn between(app: &App, after: &Address, first: &Frame, cancel: &CancellationToken) -> Result<u64, ToolError> {
    let mut binds = Binds::default();
    let behind = behind(after, &mut binds);
    let (session, again, seq) =
        (binds.bind(first.session_id.as_str()), binds.bind(first.session_id.as_str()), binds.bind(first.seq));
    let sql = format!(
        "SELECT count(*) AS n FROM (SELECT 1 FROM ws_event WHERE {behind} AND (session_id < {session} OR \
         (session_id = {again} AND seq < {seq})) LIMIT 10000)"
    );
    let (rows, _) = ask::records::<Counted>(&app.sql, &sql, binds.into_values(), 1, cancel).await?;
    Ok(rows.first().map_or(0, |row| row.n))
}

/// Whether frames are coming: the live state follows the journal and knows without a query.
async fn comes(app: &App) -> bool {
    app.live.snapshot(false).await.is_ok_and(|(snapshot, _)| snapshot.status == Some(Liveness::Live))
}
