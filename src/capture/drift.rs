//! Drift, written down: while a browser is captured, the fold runs behind the journal, and when the server's account
//! and the one recomputed from own trades begin or cease to differ, a system event says so.

use serde_json::json;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::bus::Captured;
use super::events;
use super::sink::Sink;
use crate::protocol::line::LineFormat;
use crate::state::{Event, Fold, Note, SystemEvent};
use crate::store::record::{Direction, Source};
use std::sync::Arc;

/// Watches what the browser brings until told to stop.
pub(super) async fn watch(mut bus: Receiver<Arc<Captured>>, sink: Sink, stop: CancellationToken) {
    let mut fold = Fold::new();
    loop {
        let captured = tokio::select! {
            captured = bus.recv() => captured,
            () = stop.cancelled() => return,
        };
        let captured = match captured {
            Ok(captured) if captured.source == Source::Cdp => captured,
            Ok(_) => continue,
            // Trades may be among what was missed: comparing on would invent drift.
            Err(RecvError::Lagged(_)) => {
                fold = Fold::new();
                continue;
            }
            Err(RecvError::Closed) => return,
        };
        for note in apply(&mut fold, &captured) {
            let at = format!("{}:{}", captured.session_id, captured.seq);
            let told = match note {
                Note::DriftOpened { fields } => (events::DRIFT_OPENED, json!({"fields": fields, "at": at})),
                Note::DriftClosed { after_ms, why } => {
                    (events::DRIFT_CLOSED, json!({"after_ms": after_ms, "why": why, "at": at}))
                }
                _ => continue,
            };
            if sink.system(Source::Cdp, told.0, told.1).await.is_err() {
                return;
            }
        }
    }
}

fn apply(fold: &mut Fold, captured: &Captured) -> Vec<Note> {
    let session_id = captured.session_id.to_string();
    match &captured.event_type {
        Some(event_type) => fold.system(&SystemEvent {
            session_id: &session_id,
            seq: captured.seq,
            ts: Some(captured.ts),
            source: captured.source.as_str(),
            event_type,
        }),
        None => fold.apply(&Event {
            session_id: &session_id,
            seq: captured.seq,
            ts: Some(captured.ts),
            source: captured.source.as_str(),
            direction: captured.direction.map(Direction::as_str),
            socket_id: captured.socket_id.as_deref(),
            event_name: None,
            format: LineFormat::Wire,
            text: &captured.text,
        }),
    }
}
