//! Waiting: the first frames at which a condition holds, from the store as far as they are stored already and then
//! from the live stream, without a gap between the two.

use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::{Address, Wanted, Which};
use crate::protocol::line::{self, LineFormat};
use crate::protocol::phase::Phase;
use crate::server::App;
use crate::server::errors::ToolError;
use crate::server::hub::LiveRow;
use crate::state::condition::{Seen, Watcher};
use crate::tools::ask::{self, Binds};

/// Seconds to wait unless asked, and at most: clients give a call up after a minute.
pub const SECONDS: u64 = 30;
/// Most seconds.
pub const MAX_SECONDS: u64 = 55;

/// Frames that are read at once while catching up.
const PAGE: u64 = 2_000;

/// Whether the condition came true.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Waited {
    /// true: it holds at the last of the events. false: the time was over before.
    pub met: bool,
    /// How long that took, milliseconds.
    pub waited_ms: u64,
    /// Frames that were looked at.
    pub looked_at: u64,
}

/// Where waiting ended.
pub(super) struct Ended {
    pub waited: Waited,
    /// The frame at which the condition holds.
    pub found: Option<Address>,
    /// The last frame that was looked at; the next wait goes on from there.
    pub last: Option<Address>,
}

/// Looks at every frame after the place that `wanted` names, or that comes from now on, until `watcher` is satisfied
/// or the time is over.
///
/// # Errors
/// When the store cannot be read, or the call is cancelled.
pub(super) async fn until(
    app: &App,
    wanted: &Wanted,
    mut watcher: Watcher,
    limit: Duration,
    cancel: &CancellationToken,
) -> Result<Ended, ToolError> {
    let began = Instant::now();
    let deadline = tokio::time::Instant::now() + limit;
    // Listening begins before the store is read: what comes meanwhile waits in the queue.
    let mut rows = app.live.rows().await.map_err(|error| unreadable(&error.to_string()))?;
    let (snapshot, _) = app.live.snapshot(false).await.map_err(|error| unreadable(&error.to_string()))?;
    let mut last = match &wanted.which {
        Which::After(after) => Some(after.clone()),
        _ => None,
    };
    if last.is_none()
        && let Some(game) = &snapshot.game
    {
        watcher = watcher.starting_at(game.phase.and_then(named), game.price).in_game(&game.game_id, game.peak);
        let own = snapshot.account.as_ref().and_then(|account| account.player_id.as_deref());
        watcher = watcher.as_player(own);
    }
    let mut looked_at = 0;
    let ended = |met: bool, found, last, looked_at| Ended {
        waited: Waited {
            met,
            waited_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
            looked_at,
        },
        found,
        last,
    };
    if last.is_some() {
        let found = catch_up(app, wanted, &mut watcher, &mut last, &mut looked_at, cancel).await?;
        if found.is_some() {
            return Ok(ended(true, found, last, looked_at));
        }
    }
    loop {
        let row = tokio::select! {
            row = rows.recv() => row,
            () = tokio::time::sleep_until(deadline) => return Ok(ended(false, None, last, looked_at)),
            () = cancel.cancelled() => return Err(ToolError::cancelled("the client asked for it, or the server stops")),
        };
        let row = match row {
            Ok(row) => row,
            Err(RecvError::Lagged(_)) => {
                // Too slow for the stream: the store has what was missed.
                if last.is_some()
                    && let Some(found) =
                        catch_up(app, wanted, &mut watcher, &mut last, &mut looked_at, cancel).await?
                {
                    return Ok(ended(true, Some(found), last, looked_at));
                }
                continue;
            }
            Err(RecvError::Closed) => return Err(unreadable("following the journal has ended")),
        };
        let Some(address) = Address::new(&row.session_id, row.seq) else { continue };
        if last.as_ref().is_some_and(|last| address.session_id == last.session_id && address.seq <= last.seq)
            || wanted.session_id.as_ref().is_some_and(|wanted| *wanted != address.session_id)
        {
            continue;
        }
        looked_at += 1;
        last = Some(address.clone());
        if matches(wanted, &mut watcher, &row) {
            return Ok(ended(true, Some(address), last, looked_at));
        }
    }
}

/// Shows the watcher what the store holds after `last`, in pages.
async fn catch_up(
    app: &App,
    wanted: &Wanted,
    watcher: &mut Watcher,
    last: &mut Option<Address>,
    looked_at: &mut u64,
    cancel: &CancellationToken,
) -> Result<Option<Address>, ToolError> {
    #[derive(Deserialize)]
    struct Stored {
        session_id: String,
        seq: u64,
        source: Option<String>,
        direction: Option<String>,
        event_name: Option<String>,
        format: Option<String>,
        raw_json: Option<String>,
    }
    while let Some(after) = last.clone() {
        let mut binds = Binds::default();
        let (session, seq) = (binds.bind(after.session_id.as_str()), binds.bind(after.seq));
        let mut conditions = vec![format!("(session_id > {session} OR (session_id = {session} AND seq > {seq}))")];
        if let Some(session) = &wanted.session_id {
            conditions.push(format!("session_id = {}", binds.bind(session.as_str())));
        }
        let sql = format!(
            "SELECT session_id, seq, source, direction, event_name, format, raw_json FROM ws_event{} ORDER BY \
             session_id, seq LIMIT {PAGE}",
            ask::filter(&conditions)
        );
        let (page, _) = ask::records::<Stored>(&app.sql, &sql, binds.into_values(), PAGE, cancel).await?;
        let full = page.len() as u64 == PAGE;
        for stored in page {
            let row = LiveRow {
                session_id: stored.session_id,
                seq: stored.seq,
                ts: None,
                source: stored.source.unwrap_or_default(),
                direction: stored.direction,
                event_name: stored.event_name,
                format: stored.format.as_deref().and_then(LineFormat::from_name).unwrap_or(LineFormat::Wire),
                text: stored.raw_json.unwrap_or_default(),
            };
            let Some(address) = Address::new(&row.session_id, row.seq) else { continue };
            *looked_at += 1;
            *last = Some(address.clone());
            if matches(wanted, watcher, &row) {
                return Ok(Some(address));
            }
        }
        if !full {
            break;
        }
    }
    Ok(None)
}

/// Whether the condition, and the filters of the call, hold at this row.
fn matches(wanted: &Wanted, watcher: &mut Watcher, row: &LiveRow) -> bool {
    let inner = line::inner(row.format, &row.text);
    let event = match &inner {
        Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
        None => line::decode(row.format, row.event_name.as_deref(), &row.text),
    };
    let holds = watcher.matches(&Seen { event: &event, direction: row.direction.as_deref() });
    holds
        && wanted.event_name.as_deref().is_none_or(|name| event.name.as_deref() == Some(name))
        && wanted.game_id.as_deref().is_none_or(|game| row.text.contains(game))
}

fn named(name: &str) -> Option<Phase> {
    [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged]
        .into_iter()
        .find(|phase| phase.as_str() == name)
}

fn unreadable(why: &str) -> ToolError {
    ToolError::new("Nothing was waited for", why, "capture {} says whether anything records")
}
