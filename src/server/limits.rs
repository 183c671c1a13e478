//! How much at once and how long.
//!
//! rmcp starts every request at once, never stops one by itself, and on `notifications/cancelled` only suppresses
//! the reply while the work goes on. Here each call waits for one of a few slots, runs as a task of its own (so
//! that a panic is an error text and not a client waiting for ever), and is told to stop when the client cancels,
//! the time is up, or the server goes down. A call that does not stop within [`GRACE`] is dropped.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::errors::ToolError;

/// Tool calls that run at the same time; more wait.
pub const CONCURRENT_CALLS: usize = 8;

/// How long a call waits for a slot before it is refused.
pub const QUEUE: Duration = Duration::from_secs(30);

/// How long a call that was told to stop may take to wind up.
const GRACE: Duration = Duration::from_secs(1);

/// The limits every tool call runs under.
#[derive(Debug)]
pub struct Limits {
    slots: Arc<Semaphore>,
    queue: Duration,
    stop: CancellationToken,
}

impl Limits {
    /// Limits with the usual numbers. `stop` ends every call: the server is going down.
    pub fn new(stop: CancellationToken) -> Self {
        Self::with(CONCURRENT_CALLS, QUEUE, stop)
    }

    /// Limits with other numbers, for tests.
    /// Cancelled when the server goes down.
    pub fn stopping(&self) -> &CancellationToken {
        &self.stop
    }

    fn with(slots: usize, queue: Duration, stop: CancellationToken) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots)), queue, stop }
    }

    /// Runs `work` in a slot for at most `time`. The token it gets is cancelled when it should stop; `request` is
    /// the client's cancellation.
    ///
    /// # Errors
    /// The work's own error; or that no slot became free, the time was up, the client cancelled, the server is
    /// going down, or the work panicked.
    pub async fn run<T, F, W>(&self, time: Duration, request: &CancellationToken, work: W) -> Result<T, ToolError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ToolError>> + Send + 'static,
        W: FnOnce(CancellationToken) -> F,
    {
        let _slot = tokio::select! {
            slot = tokio::time::timeout(self.queue, Arc::clone(&self.slots).acquire_owned()) => match slot {
                Ok(Ok(slot)) => slot,
                _ => return Err(self.busy()),
            },
            () = request.cancelled() => return Err(ToolError::cancelled("the client asked for it")),
            () = self.stop.cancelled() => return Err(going_down()),
        };
        let token = CancellationToken::new();
        let mut task = Abort(tokio::spawn(work(token.clone())));
        let error = tokio::select! {
            done = &mut task.0 => return done.unwrap_or_else(|error| Err(crashed(&error))),
            () = request.cancelled() => ToolError::cancelled("the client asked for it"),
            () = self.stop.cancelled() => going_down(),
            () = tokio::time::sleep(time) => ToolError::new(
                "The call was stopped",
                format!("it ran longer than the {} s a call may take", time.as_secs()),
                "a narrower call: one game_id or session_id, a smaller limit, or an aggregate with query_sql",
            ),
        };
        token.cancel();
        // What the work says after being told to stop is not interesting, only that it has let go.
        let _ = tokio::time::timeout(GRACE, &mut task.0).await;
        Err(error)
    }

    fn busy(&self) -> ToolError {
        ToolError::new(
            "The call was not started",
            format!("{CONCURRENT_CALLS} other calls kept the server busy for {} s", self.queue.as_secs()),
            "the same call again when the others have answered",
        )
    }
}

/// A task that ends when nobody waits for it any more.
struct Abort<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn going_down() -> ToolError {
    ToolError::cancelled("the server is shutting down")
}

fn crashed(error: &tokio::task::JoinError) -> ToolError {
    tracing::error!(%error, "a tool call crashed");
    ToolError::new(
        "The call crashed",
        "this is a defect of replayer; its log on stderr has the place",
        "another form of the call; recorded data is not affected",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use tokio::sync::oneshot;

    const LONG: Duration = Duration::from_secs(3600);

    fn limits() -> Limits {
        Limits::with(1, Duration::from_millis(50), CancellationToken::new())
    }

    /// Work that ends only when told to.
    async fn until(token: CancellationToken) -> Result<(), ToolError> {
        token.cancelled().await;
        Ok(())
    }

    #[tokio::test]
    async fn a_call_that_is_done_gives_its_result() {
        let answer = limits().run(LONG, &CancellationToken::new(), |_| async { Ok(7) }).await;
        assert_eq!(answer.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_call_over_its_time_is_told_to_stop() {
        let (obeyed, told) = oneshot::channel();
        let work = |token| async {
            until(token).await?;
            let _ = obeyed.send(());
            Ok(())
        };
        let error = limits().run(Duration::from_millis(20), &CancellationToken::new(), work).await.unwrap_err();
        assert!(error.to_string().starts_with("The call was stopped"), "{error}");
        assert_eq!(told.await, Ok(()), "it was dropped");
    }

    #[tokio::test]
    async fn a_call_that_ignores_the_token_is_dropped() {
        let (alive, dropped) = oneshot::channel::<()>();
        let stuck = |_| async {
            let _alive = alive;
            std::future::pending::<Result<(), ToolError>>().await
        };
        limits().run(Duration::from_millis(20), &CancellationToken::new(), stuck).await.unwrap_err();
        assert!(dropped.await.is_err());
    }

    #[tokio::test]
    async fn cancelling_a_request_frees_its_slot() {
        let limits = limits();
        let request = CancellationToken::new();
        request.cancel();
        let error = limits.run(LONG, &request, until).await.unwrap_err();
        assert!(error.to_string().contains("the client asked"), "{error}");
        assert_eq!(limits.run(LONG, &CancellationToken::new(), |_| async { Ok(1) }).await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_full_server_refuses_after_a_while() {
        let limits = Arc::new(limits());
        let holder = Arc::clone(&limits);
        let (begun, has_begun) = oneshot::channel();
        let work = |token| async {
            let _ = begun.send(());
            until(token).await
        };
        let running = tokio::spawn(async move { holder.run(LONG, &CancellationToken::new(), work).await });
        has_begun.await.unwrap();
        let error = limits.run(LONG, &CancellationToken::new(), |_| async { Ok(()) }).await.unwrap_err();
        assert!(error.to_string().starts_with("The call was not started"), "{error}");
        running.abort();
    }

    #[tokio::test]
    async fn going_down_ends_what_runs() {
        let stop = CancellationToken::new();
        let limits = Limits::with(1, LONG, stop.clone());
        let request = CancellationToken::new();
        let (begun, has_begun) = oneshot::channel();
        let work = |token| async {
            let _ = begun.send(());
            until(token).await
        };
        let (answer, ()) = tokio::join!(limits.run(LONG, &request, work), async {
            has_begun.await.unwrap();
            stop.cancel();
        });
        assert!(answer.unwrap_err().to_string().contains("shutting down"));
    }

    #[tokio::test]
    async fn a_panic_is_an_error_text() {
        let broken = |_| async {
            if std::hint::black_box(true) {
                panic!("broken");
            }
            Ok(())
        };
        let error = limits().run(LONG, &CancellationToken::new(), broken).await.unwrap_err();
        assert!(error.to_string().starts_with("The call crashed"), "{error}");
    }
}
