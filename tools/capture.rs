//! `capture`: what is being recorded, and starting and stopping it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::AgentTool;
use crate::capture::status::CaptureState;
use crate::capture::{DesiredState, Status};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::store::record::{Source, now_us};
use crate::store::root::DataRoot;
use crate::store::schema::DocType;

/// How long a start or a stop is followed before the answer: what became of it is usually known by then.
const SETTLE: Duration = Duration::from_millis(1_500);

/// The tool.
pub struct Capture;

/// What to do.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// status (default), start or stop.
    pub action: Option<String>,
    /// public_ws (the public feed), cdp (the user's logged-in Chrome) or all. Default: public_ws to start, all to stop.
    pub source: Option<String>,
    /// With start and one source: where it connects to. For cdp the address of the debugging port, like
    /// http://127.0.0.1:9222.
    pub address: Option<String>,
}

/// How the capture stands.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// capturing, stalled (the disk refuses: sources wait, nothing is lost), unresponsive, other_writer, off, idle.
    pub capture: String,
    /// What is to know or to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Each source: state with reason and next step, frames, rates, age of the last frame.
    pub sources: BTreeMap<String, SourceRow>,
    /// Session being recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session_id: Option<String>,
    /// Who holds the writer lease, in its own words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub holder: Option<String>,
    /// Messages that were received and not stored as a whole, of all sources: 0, or longer than 64 MiB.
    pub drops: u64,
    /// Messages that are no texts of the store (binary, not UTF-8, above 16 MiB): their bytes are in system_event.
    #[serde(default)]
    pub as_bytes: u64,
    /// Bytes that wait for the journal; sources wait when it is full.
    pub queued_bytes: u64,
    /// Bytes in the journal, not yet sealed.
    pub journal_bytes: u64,
    /// Bytes free on the disk.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub disk_free_bytes: Option<u64>,
    /// Age of these numbers, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub age_ms: Option<u64>,
    /// How to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// One source.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SourceRow {
    /// What it should do: true or false; absent: as the capturing process has it by default.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wished: Option<bool>,
    /// How it stands: state, reason, next_step, …
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<Value>,
    /// Where it connects to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub address: Option<String>,
    /// Frames received.
    pub received: u64,
    /// Frames sent.
    pub sent: u64,
    /// Frames a second, over the last five seconds.
    pub frames_per_s: f64,
    /// Age of the last frame, milliseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_frame_age_ms: Option<i64>,
    /// Times it connected again.
    pub reconnects: u64,
    /// How long it has waited for the journal, milliseconds.
    pub stalled_ms: u64,
}

impl AgentTool for Capture {
    const NAME: &'static str = "capture";
    const TITLE: &'static str = "Status, start and stop of the recording";
    const DESCRIPTION: &'static str = "\
Says what is being recorded right now, and starts or stops the sources. Use it when data is missing or old, before you \
rely on live_state, or when the user asks to record.

Sources: public_ws is the public feed of rugs.fun, no login; cdp is the user's own logged-in Chrome, started with a \
remote-debugging port, which shows the account, orders and acks too. It only listens: it never clicks, navigates or \
reloads. `replayer doctor` prints how to start such a Chrome.

One process records into a data root; all others read. start and stop write the desired state down, and whichever process \
records follows it within a second; the answer shows what became of it. A source that failed says why and what to do. \
Stop both sources to let an import write. Do not stop a recording unless the user asked for it.

Examples: {}
{\"action\": \"start\", \"source\": \"cdp\"}";
    const EXAMPLE: &'static str = r#"{"action": "start", "source": "public_ws"}"#;
    const TIME: Duration = Duration::from_secs(20);
    const READS: &'static [DocType] = &[];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(false).destructive(false).idempotent(true).open_world(true)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let root = DataRoot::open(&app.root).map_err(|error| {
            ToolError::new(
                "The capture was not looked at",
                error.to_string(),
                "ask the user to run `replayer doctor`",
            )
        })?;
        if let Some(change) = Change::read(&args)? {
            let changed = DesiredState::change(&root, "the tool capture", |desired| change.apply(desired));
            changed.map_err(|error| {
                ToolError::new("Nothing was changed", error.to_string(), "capture {} shows how it stands")
            })?;
            tokio::select! {
                () = tokio::time::sleep(SETTLE) => {}
                () = cancel.cancelled() => {}
            }
        }
        Ok(output(&Status::read(&root)))
    }
}

/// A change of the desired state.
#[derive(Debug, PartialEq)]
struct Change {
    on: bool,
    sources: Vec<Source>,
    address: Option<String>,
}

impl Change {
    fn read(args: &Args) -> Result<Option<Change>, ToolError> {
        let refused =
            |why: String| ToolError::new("Nothing was changed", why, format!("capture {}", Capture::EXAMPLE));
        let on = match args.action.as_deref().map(str::trim) {
            None | Some("" | "status") => {
                if args.source.is_some() || args.address.is_some() {
                    return Err(refused(
                        "source and address go with start or stop; the status shows all sources".into(),
                    ));
                }
                return Ok(None);
            }
            Some("start") => true,
            Some("stop") => false,
            Some(other) => return Err(refused(format!("action is {other:?}; it can be status, start or stop"))),
        };
        let sources = match (args.source.as_deref().map(str::trim), on) {
            (Some("public_ws" | "public"), _) | (None, true) => vec![Source::PublicWs],
            (Some("cdp" | "browser" | "chrome"), _) => vec![Source::Cdp],
            (Some("all"), _) | (None, false) => vec![Source::PublicWs, Source::Cdp],
            (Some(other), _) => {
                return Err(refused(format!("source is {other:?}; it can be public_ws, cdp or all")));
            }
        };
        let address = args.address.clone().filter(|address| !address.trim().is_empty());
        if address.is_some() && (sources.len() != 1 || !on) {
            return Err(refused("an address goes with start and one source".into()));
        }
        Ok(Some(Change { on, sources, address }))
    }

    fn apply(&self, desired: &mut DesiredState) {
        for source in &self.sources {
            if let Some(wished) = desired.source_mut(*source) {
                wished.on = Some(self.on);
                if self.address.is_some() {
                    wished.address.clone_from(&self.address);
                }
            }
        }
    }
}

fn output(status: &Status) -> Output {
    let report = status.report.as_ref().filter(|report| !report.ended);
    let wishes = [
        (Source::PublicWs.as_str(), &status.desired.sources.public_ws),
        (Source::Cdp.as_str(), &status.desired.sources.cdp),
    ];
    let sources: BTreeMap<String, SourceRow> = wishes
        .into_iter()
        .map(|(name, desired)| {
            let told = report.and_then(|report| report.sources.get(name));
            let numbers = told.map(|told| told.numbers.clone()).unwrap_or_default();
            let row = SourceRow {
                wished: desired.on,
                state: told.and_then(|told| serde_json::to_value(&told.numbers.connection).ok()),
                address: told.and_then(|told| told.address.clone()).or_else(|| desired.address.clone()),
                received: numbers.received,
                sent: numbers.sent,
                frames_per_s: told.map_or(0.0, |told| told.frames_per_s),
                last_frame_age_ms: numbers.last_frame_us.map(|us| (now_us() - us) / 1000),
                reconnects: numbers.reconnects,
                stalled_ms: numbers.stalled_ms,
            };
            (name.to_owned(), row)
        })
        .collect();
    let next = match status.capture {
        CaptureState::Off => {
            Some(format!("capture {} starts the public feed, if the user wants it", Capture::EXAMPLE))
        }
        CaptureState::Idle => {
            Some("ask the user to run `replayer record`, or to start this server without --capture off".to_owned())
        }
        CaptureState::Capturing => None,
        _ => Some("capture {} again in a while".to_owned()),
    };
    Output {
        capture: serde_json::to_value(status.capture)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_default(),
        note: status.note.clone(),
        sources,
        session_id: report.map(|report| report.session_id.to_string()),
        holder: status.holder.clone(),
        drops: report.map_or(0, |report| report.sources.values().map(|source| source.numbers.dropped).sum()),
        as_bytes: report.map_or(0, |report| report.sources.values().map(|source| source.numbers.as_bytes).sum()),
        queued_bytes: report.map_or(0, |report| report.queue.bytes as u64),
        journal_bytes: status.journal_bytes,
        disk_free_bytes: status.disk_free_bytes,
        age_ms: report.and(status.report_age_ms),
        next,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    fn change(args: Value) -> Result<Option<Change>, ToolError> {
        Change::read(&serde_json::from_value(args).unwrap())
    }

    #[test]
    fn start_means_the_public_feed_and_stop_means_everything() {
        assert_eq!(change(json!({})).unwrap(), None);
        assert_eq!(change(json!({"action": "start"})).unwrap().unwrap().sources, [Source::PublicWs]);
        let stop = change(json!({"action": "stop"})).unwrap().unwrap();
        assert_eq!((stop.on, stop.sources.len()), (false, 2));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_with_an_example() {
        for args in [
            json!({"action": "begin"}),
            json!({"action": "start", "source": "phone"}),
            json!({"source": "cdp"}),
            json!({"action": "start", "source": "all", "address": "http://127.0.0.1:9222"}),
            json!({"action": "stop", "source": "cdp", "address": "http://127.0.0.1:9222"}),
        ] {
            let error = change(args.clone()).unwrap_err().to_string();
            assert!(error.contains("next: capture {"), "{args}: {error}");
        }
    }

    #[test]
    fn a_wish_changes_only_what_was_asked_for() {
        let mut desired = DesiredState::default();
        desired.sources.public_ws.address = Some("wss://elsewhere".into());
        change(json!({"action": "start", "source": "cdp", "address": "http://127.0.0.1:9333"}))
            .unwrap()
            .unwrap()
            .apply(&mut desired);
        assert_eq!(
            (desired.sources.cdp.on, desired.sources.cdp.address.as_deref()),
            (Some(true), Some("http://127.0.0.1:9333"))
        );
        assert_eq!(
            (desired.sources.public_ws.on, desired.sources.public_ws.address.as_deref()),
            (None, Some("wss://elsewhere"))
        );
    }
}
