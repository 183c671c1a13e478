//! Subscriptions to resources, in both protocol eras: `resources/subscribe` of the older one, `subscriptions/listen`
//! of the newer. What can be subscribed to is the live state, of whose changes a subscriber is told at most once a
//! second, the protocol, which changes when an event or a field comes that was not there before or something about it is
//! decided, and the verification, which changes likewise. The subscriber reads it when it wants to.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::RoleServer;
use rmcp::model::{ErrorData, ResourceUpdatedNotificationParam, SubscriptionFilter};
use rmcp::service::{Peer, SubscriptionContext};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::resources::{live, protocol, verification};

/// The subscriptions of the older era, by address.
#[derive(Debug, Default)]
pub struct Subscriptions(Mutex<HashMap<String, CancellationToken>>);

impl Subscriptions {
    /// Tells the client of changes until it unsubscribes or goes.
    ///
    /// # Errors
    /// Resource not found, for an address that does not change; internal error when the store cannot be read.
    pub async fn subscribe(&self, app: &Arc<App>, uri: &str, peer: Peer<RoleServer>) -> Result<(), ErrorData> {
        changeable(uri)?;
        // A store that cannot be followed is told now, not by silence.
        app.live.changes().await.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let over = app.limits.stopping().child_token();
        if let Some(before) = self.lock().insert(uri.to_owned(), over.clone()) {
            before.cancel();
        }
        let (app, uri) = (Arc::clone(app), uri.to_owned());
        tokio::spawn(async move {
            let tell = || {
                let told = peer.notify_resource_updated(ResourceUpdatedNotificationParam::new(uri.clone()));
                async { told.await.is_ok() }
            };
            tokio::select! {
                () = told_of_changes(&app, &uri, tell) => {}
                () = over.cancelled() => {}
            }
        });
        Ok(())
    }

    /// Ends a subscription; one that is not there is ended already.
    pub fn unsubscribe(&self, uri: &str) {
        if let Some(over) = self.lock().remove(uri) {
            over.cancel();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, CancellationToken>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What of a requested filter is served here, in the newer era.
pub fn accepted(requested: &SubscriptionFilter) -> SubscriptionFilter {
    let mut filter = SubscriptionFilter::new();
    filter.resource_subscriptions = requested
        .resource_subscriptions
        .as_ref()
        .map(|uris| uris.iter().filter(|uri| CHANGEABLE.contains(&uri.as_str())).cloned().collect());
    filter
}

/// Serves one subscription of the newer era until it is cancelled or the server stops.
///
/// # Errors
/// Internal error when the store cannot be read.
pub async fn listen(app: &Arc<App>, context: SubscriptionContext) -> Result<(), ErrorData> {
    let wanted = context.accepted().resource_subscriptions.clone().unwrap_or_default();
    let stopping = app.limits.stopping();
    let telling = async {
        if !wanted.is_empty() {
            app.live.changes().await.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
            let sink = &context.sink();
            // The subscription was acknowledged before this: what changed in between is told now.
            for uri in &wanted {
                let _ = sink.notify_resource_updated(uri.as_str()).await;
            }
            let each = wanted.iter().map(|uri| {
                told_of_changes(app, uri, move || async move {
                    sink.notify_resource_updated(uri.as_str()).await.is_ok()
                })
            });
            futures::future::join_all(each).await;
        }
        std::future::pending::<()>().await;
        Ok(())
    };
    tokio::select! {
        failed = telling => failed,
        () = context.cancelled() => Ok(()),
        () = stopping.cancelled() => Ok(()),
    }
}

/// What changes.
const CHANGEABLE: [&str; 3] = [live::URI, protocol::URI, verification::URI];

/// Calls `tell` after changes of a resource, not too often, until it fails.
async fn told_of_changes<F: Future<Output = bool>>(app: &Arc<App>, uri: &str, tell: impl Fn() -> F) {
    if uri == live::URI {
        let Ok(mut changes) = app.live.changes().await else { return };
        while changes.changed().await.is_ok() {
            if !tell().await {
                return;
            }
            tokio::time::sleep(live::TOLD_EVERY).await;
        }
        return;
    }
    // Most frames bring nothing new. The protocol changes with a new event or field, and with the marks on it; the
    // verification with the log, and with what is novel and so in the queue.
    let version = || async { (protocol::version(app).await, verification::version(app).await) };
    let mut last = version().await;
    loop {
        tokio::time::sleep(protocol::LOOKED_EVERY).await;
        let now = version().await;
        if std::mem::replace(&mut last, now) != now && !tell().await {
            return;
        }
    }
}

fn changeable(uri: &str) -> Result<(), ErrorData> {
    if CHANGEABLE.contains(&uri) {
        return Ok(());
    }
    Err(ErrorData::resource_not_found(
        format!("{uri} cannot be subscribed to; {} can", CHANGEABLE.join(", ")),
        Some(json!({"uri": uri})),
    ))
}
