//! The browser: frames of a Chrome that the user started, read over its debugging port.
//!
//! It listens, and nothing else: it never clicks, navigates, reloads or runs a script, and leaves every tab as it
//! found it. The commands it sends are listed in `targets`. Both directions of every socket of rugs.fun are
//! recorded, in every tab and worker, also of sockets that were open before: those are known by what they say.
//!
//! * [`address`] — where Chrome is and whose sockets are wanted. `discover` — who is at the port.
//! * `link`, `wire` — the debugging protocol. `watch` — one connection from its beginning to its end.
//! * `targets`, `sockets`, `sniff`, `clock` — the decisions, without I/O.
//! * `failure`, [`advice`] — what went wrong and what to do. `binary` — messages that are no text.
//!
//! What can be lost: the first frames of a socket that a *worker* opens in the moment it starts, or a tab in the
//! milliseconds between its opening and our attaching. Closing that hole would mean to pause the user's tabs.

pub mod address;
pub mod advice;
mod binary;
mod clock;
mod discover;
pub mod events;
mod failure;
mod link;
mod sniff;
mod sockets;
mod targets;
mod watch;
mod wire;

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::clock::monotonic_us;
use super::events::{CONNECTION_FAILED, GAP};
use super::metrics::SourceState;
use super::sink::{Sink, SinkClosed};
use crate::store::record::{Source, now_us};
use address::Address;
use failure::Failure;
use link::Link;
use sockets::Sockets;
use targets::Targets;
use watch::{End, Watch};

pub use failure::Failure as BrowserFailure;

const SOURCE: Source = Source::Cdp;

/// How patient it is.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// The wait after the first failure; it doubles.
    pub first_wait: Duration,
    /// The longest wait. Asking a port of the same machine costs nothing.
    pub longest_wait: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        Timeouts { first_wait: Duration::from_millis(250), longest_wait: Duration::from_secs(3) }
    }
}

/// Records the browser at `address` (see [`Address::parse`]) until stopped. Whatever goes wrong is told by the
/// state and a system event, and tried again, for ever.
pub async fn run(sink: Sink, address: String, stop: CancellationToken) {
    run_with(sink, address, Timeouts::default(), stop).await;
}

/// [`run`] with other waits.
pub async fn run_with(sink: Sink, address: String, timeouts: Timeouts, stop: CancellationToken) {
    let address = match Address::parse(&address) {
        Ok(address) => address,
        Err(reason) => {
            let Failure { reason, next_step, .. } = Failure::address(reason);
            sink.state(SOURCE, SourceState::Failed { reason, next_step, attempt: 1, next_try_us: None });
            // Only another desired state can help, and that stops this one.
            return stop.cancelled().await;
        }
    };
    let mut browser = Browser { sink, address, timeouts, connections: 0, failures: 0, failure: None, gap: None };
    // An error means that nothing is stored any more.
    let _ = browser.run(&stop).await;
    browser.sink.state(SOURCE, SourceState::Off);
}

/// Looks once whether a browser can be attached to, for `replayer doctor`. Gives its product and version.
///
/// # Errors
/// With what is there instead, and the next step.
pub async fn probe(address: &str) -> Result<String, Failure> {
    let address = Address::parse(address).map_err(Failure::address)?;
    let found = discover::discover(&address).await?;
    Link::open(&address, &found).await?;
    Ok(found.product.unwrap_or_else(|| format!("a browser at {address}")))
}

/// Frames may be missing since then.
struct Gap {
    /// Time of the last frame before, microseconds UTC.
    from_us: i64,
    /// Its arrival, microseconds of the monotonic clock.
    since_us: i64,
    reason: String,
}

struct Browser {
    sink: Sink,
    address: Address,
    timeouts: Timeouts,
    connections: u32,
    /// In a row.
    failures: u32,
    /// The last one that was told.
    failure: Option<Failure>,
    gap: Option<Gap>,
}

impl Browser {
    async fn run(&mut self, stop: &CancellationToken) -> Result<(), SinkClosed> {
        self.sink.state(SOURCE, SourceState::Connecting { attempt: 1 });
        loop {
            let attempt = async {
                let found = discover::discover(&self.address).await?;
                Ok((Link::open(&self.address, &found).await?, found.product))
            };
            let attempt = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                attempt = attempt => attempt,
            };
            let failure = match attempt {
                Ok((link, product)) => match self.connected(link, product, stop).await? {
                    Some(failure) => failure,
                    None => return Ok(()),
                },
                Err(failure) => self.not_connected(failure).await?,
            };
            let wait = self.wait();
            self.sink.state(
                SOURCE,
                SourceState::Failed {
                    reason: failure.reason,
                    next_step: failure.next_step,
                    attempt: self.failures,
                    next_try_us: Some(now_us() + wait.as_micros() as i64),
                },
            );
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = sleep(wait) => {}
            }
        }
    }

    /// Listens until the end; `None` when it was stopped.
    async fn connected(
        &mut self,
        link: Link,
        product: Option<String>,
        stop: &CancellationToken,
    ) -> Result<Option<Failure>, SinkClosed> {
        let since = Instant::now();
        let address = self.address.to_string();
        let details = json!({ "address": address, "browser": product, "attempt": self.failures + 1 });
        self.sink.system(SOURCE, events::BROWSER_CONNECTED, details).await?;
        if let Some(Gap { from_us, since_us, reason }) = self.gap.take() {
            let to_us = now_us();
            let downtime_ms = (monotonic_us() - since_us).max(0) / 1000;
            let details = json!({
                "from_us": from_us, "to_us": to_us, "downtime_ms": downtime_ms, "attempts": self.failures + 1,
                "reason": reason,
            });
            self.sink.system(SOURCE, GAP, details).await?;
        }
        (self.failures, self.failure) = (0, None);
        let hosts = self.address.hosts.clone();
        let sockets = Sockets::new(hosts.clone(), self.connections);
        self.connections += 1;
        let mut watch = Watch::new(&self.sink, link, Targets::new(hosts), sockets);
        let end = watch.run(stop).await;
        let (open, last, received) = (watch.cut, watch.sockets.last(), watch.sockets.received());
        let End::Lost(reason) = end else { return Ok(None) };
        let connected_ms = since.elapsed().as_millis() as u64;
        let details =
            json!({ "reason": reason, "connected_ms": connected_ms, "open_sockets": open, "received": received });
        self.sink.system(SOURCE, events::BROWSER_LOST, details).await?;
        if open > 0 {
            let (from_us, since_us) = last.map_or((now_us(), monotonic_us()), |last| (last.ts, last.at_us));
            self.gap = Some(Gap { from_us, since_us, reason: reason.clone() });
        }
        self.failures = 1;
        Ok(Some(Failure::lost(reason)))
    }

    /// Tells a failure, the first in a row and whenever it is another one.
    async fn not_connected(&mut self, failure: Failure) -> Result<Failure, SinkClosed> {
        self.failures = self.failures.saturating_add(1);
        if self.failure.as_ref() != Some(&failure) {
            tracing::info!(reason = failure.reason, next_step = failure.next_step, "no browser to record");
            let details = json!({
                "url": format!("http://{}", self.address), "kind": failure.kind, "reason": failure.reason,
                "next_step": failure.next_step, "attempt": self.failures,
            });
            self.sink.system(SOURCE, CONNECTION_FAILED, details).await?;
            self.failure = Some(failure.clone());
        }
        Ok(failure)
    }

    fn wait(&self) -> Duration {
        let doubled = self.timeouts.first_wait.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
        doubled.min(self.timeouts.longest_wait)
    }
}

#[cfg(test)]
mod tests;
