//! Serving from start to end: transport, shutdown, and the order in which things stop.
//!
//! Starting does nothing that takes time: the SQL worker starts with the first query, so `initialize` is answered
//! within milliseconds. Ending is bounded. At the end of input the open calls get [`DRAIN`] to answer (a script
//! may well send its questions and close the pipe); on a signal they are stopped at once. Then the SQL workers
//! go, and the process may exit even though a read of stdin is still pending, which nothing can cancel.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::recording::Recording;
use super::{App, Server, stdio};
use crate::capture::{self, Role};
use crate::sql::{self, SqlClient};
use crate::store::root::DataRoot;
use crate::verify::mark::rules::Policy;
use crate::verify::reviews::{ReviewService, recheck};

/// How long calls in progress may go on after the end of input. Below the 5 s after which rmcp gives them up, so
/// that they still get to say that they were stopped.
pub const DRAIN: Duration = Duration::from_secs(3);

/// How long the SQL workers may take to end.
const WORKERS: Duration = Duration::from_millis(500);

/// How long the last frames may take to be sealed. Clients give a server a few seconds to end.
const SEALING: Duration = Duration::from_secs(3);

/// What a server serves.
#[derive(Debug, Clone)]
pub struct Config {
    /// The data root; it need not exist yet.
    pub root: PathBuf,
    /// How SQL workers are started.
    pub sql: sql::Config,
    /// What to record, when this process gets to; `None`: it only reads.
    pub capture: Option<capture::Options>,
    /// Whether the semantic index is kept up to date while this process records.
    pub keep_index: bool,
    /// By which rules decisions about the protocol count.
    pub policy: Policy,
}

impl Config {
    /// Serves `root` without recording, with SQL workers started from the running program.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { sql: sql::Config::new(&root), root, capture: None, keep_index: true, policy: Policy::default() }
    }
}

/// Why serving ended other than by the end of input or a signal.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// stdin or stdout cannot be used.
    #[error(
        "stdin and stdout cannot be used for the protocol: {0}. Start the server from an MCP client, with both connected"
    )]
    Stdio(#[from] std::io::Error),
    /// The client did not open the session as the protocol wants it.
    #[error("the client did not open an MCP session: {0}")]
    Opening(Box<ServerInitializeError>),
    /// The service loop broke.
    #[error("the service loop ended: {0}")]
    Broken(String),
}

/// Serves on stdin and stdout until the input ends or `shutdown` is ready. Takes stdout away from the rest of the
/// process ([`stdio::take`]).
///
/// # Errors
/// [`ServeError`]; a client that leaves, even before it said anything, is none.
pub async fn serve(config: Config, shutdown: impl Future<Output = ()>) -> Result<(), ServeError> {
    let (input, output) = stdio::take()?;
    serve_on(config, input, output, shutdown).await
}

/// Serves on any pair of streams, for tests and for clients in the same process.
///
/// # Errors
/// As [`serve`].
pub async fn serve_on<R, W>(
    config: Config,
    input: R,
    output: W,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let stop = CancellationToken::new();
    let ended = CancellationToken::new();
    let session = CancellationToken::new();
    let recording = config.capture.and_then(|options| record(&config.root, options, config.keep_index));
    let app = Arc::new(App::new(config.root, SqlClient::new(config.sql), config.policy, stop.clone()));
    tracing::info!(root = %app.root.display(), "serving MCP on stdio");
    remember_games(&app.root);
    if let Some(recording) = &recording {
        tokio::spawn(keep_marks(Arc::clone(&app.reviews), recording.role(), stop.clone()));
    }

    let serving = {
        let server = Server::new(Arc::clone(&app));
        let input = stdio::EndWatch::new(input, ended.clone());
        let session = session.clone();
        async move {
            let running = match server.serve_with_ct((input, output), session).await {
                Ok(running) => running,
                Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
                    return Ok(());
                }
                Err(error) => return Err(ServeError::Opening(Box::new(error))),
            };
            match running.waiting().await {
                Ok(reason) => {
                    tracing::info!(?reason, "session over");
                    Ok(())
                }
                Err(error) => Err(ServeError::Broken(error.to_string())),
            }
        }
    };
    tokio::pin!(serving, shutdown);

    let watch = async {
        ended.cancelled().await;
        tokio::time::sleep(DRAIN).await;
        stop.cancel();
        // rmcp ends the session by itself after draining; this branch only has to outlive it.
        std::future::pending::<()>().await;
    };
    let result = tokio::select! {
        result = &mut serving => result,
        () = watch => Ok(()),
        () = &mut shutdown => {
            tracing::info!("asked to stop");
            stop.cancel();
            session.cancel();
            // The calls answer that they were stopped; rmcp sends that and closes within 2 s.
            tokio::time::timeout(Duration::from_secs(3), &mut serving).await.unwrap_or(Ok(()))
        }
    };
    stop.cancel();
    if let Some(recording) = recording {
        // What is in the journal is safe: whoever opens the root next seals it.
        match recording.stop(SEALING).await {
            Ok(true) => {}
            Ok(false) => tracing::warn!("sealing takes longer than {SEALING:?}; the next start goes on with it"),
            Err(error) => tracing::error!(%error, "ending the capture"),
        }
    }
    if tokio::time::timeout(WORKERS, app.sql.shutdown()).await.is_err() {
        tracing::warn!("the SQL workers did not end in time; the system ends them with this process");
    }
    result
}

/// Starts recording in the background, with what goes along with it.
fn record(root: &Path, options: capture::Options, keep_index: bool) -> Option<Recording> {
    match DataRoot::open(root) {
        Ok(root) => Some(Recording::start(&root, options, keep_index)),
        Err(error) => {
            tracing::warn!(%error, "nothing is recorded");
            None
        }
    }
}

/// Has what parts of earlier releases say of games written down, so that the SQL workers, which may not write, need not read
/// them each for itself.
fn remember_games(root: &Path) {
    let root = root.to_owned();
    // On a thread of its own, for which nobody waits when the process ends.
    std::thread::spawn(move || {
        if let Err(error) = DataRoot::open(&root).and_then(|root| crate::game::older::prepare(&root)) {
            tracing::debug!(%error, "what older parts say of games is not remembered");
        }
    });
}

/// While this process records, marked statements are checked on what it brings.
async fn keep_marks(reviews: Arc<ReviewService>, role: watch::Receiver<Role>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(recheck::EVERY) => {}
        }
        let records = matches!(*role.borrow(), Role::Capturing { .. });
        if records && let Err(error) = reviews.recheck_due(&stop).await {
            tracing::warn!(%error, "the marks were not checked on the newest data");
        }
    }
}

/// Ready when the process is asked to stop: SIGTERM or SIGINT, on other systems Ctrl-C.
pub async fn stop_signal() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut terminate), Ok(mut interrupt)) =
            (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            return;
        }
    }
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
