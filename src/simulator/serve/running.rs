//! Starting and stopping a server, and what can be asked of it meanwhile.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, Request};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use engineioxide::config::EngineIoConfig;
use engineioxide::layer::EngineIoLayer;
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clock::Clock;
use super::faults::{Fault, FaultKind, Faults};
use super::hub::{Command, Hub, Source};
use super::log::SentLog;
use super::recording::Recording;
use super::socket_io::Handler;
use super::stream::{Cut, Door, Peer, Throttle, ThrottledListener};
use super::{Play, SPEEDS, ServerConfig};
use crate::truth::GameTruth;
use crate::world::{Seen, World};

/// Where Socket.IO listens, as on the real server.
const PATH: &str = "/socket.io";
/// Frames that the transport may hold for one connection.
const TRANSPORT_QUEUE: usize = 1024;
/// How long a client may read nothing before the end is no longer waited for.
const FAREWELL: Duration = Duration::from_millis(500);
/// What is answered instead of a handshake by a proxy, a captive portal, or a server under maintenance.
const HTML: &str =
    "<!doctype html><html><head><title>503</title></head><body>We will be right back.</body></html>";

/// What the parts of a server share.
#[derive(Debug)]
pub struct Shared {
    /// What goes wrong.
    pub faults: Faults,
    /// Decides the ids of connections.
    pub seed: u64,
    /// What passed the connections.
    pub log: SentLog,
    /// Everything is played and handed over.
    pub finished: CancellationToken,
    commands: UnboundedSender<Command>,
    valves: Mutex<Vec<Weak<Throttle>>>,
    fault_counts: Mutex<BTreeMap<FaultKind, u64>>,
    truths: Mutex<Vec<GameTruth>>,
    seen: Mutex<Option<Seen>>,
    frames: AtomicU64,
    bytes: AtomicU64,
    connections: AtomicUsize,
    played: AtomicUsize,
    to_play: AtomicUsize,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerStatus {
    /// The game; None when a recording is played.
    pub seen: Option<Seen>,
    /// Frames of the recording that were played, and all of them; zeros when games are played.
    pub recording: (usize, usize),
    /// Connections in the namespace.
    pub connections: usize,
    /// Frames queued for connections so far.
    pub frames: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Faults that happened so far.
    pub faults: BTreeMap<FaultKind, u64>,
}

fn lock<T>(held: &Mutex<T>) -> MutexGuard<'_, T> {
    held.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Tells the owner of the game.
    pub fn command(&self, command: Command) {
        // After the end nobody listens.
        let _ = self.commands.send(command);
    }

    /// Remembers a connection, to cut it at the end.
    pub fn watch(&self, throttle: &Arc<Throttle>) {
        let mut valves = lock(&self.valves);
        valves.retain(|held| held.strong_count() > 0);
        valves.push(Arc::downgrade(throttle));
    }

    /// Counts a fault that happened.
    pub fn count_fault(&self, kind: FaultKind) {
        *lock(&self.fault_counts).entry(kind).or_insert(0) += 1;
    }

    /// Counts a queued frame.
    pub fn count_frame(&self, bytes: usize) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Takes note of the game, and of games that are finished.
    pub fn see(&self, seen: Option<Seen>, mut truths: Vec<GameTruth>) {
        *lock(&self.seen) = seen;
        if !truths.is_empty() {
            lock(&self.truths).append(&mut truths);
        }
    }

    /// Takes note of the place in a recording.
    pub fn set_progress(&self, (played, all): (usize, usize)) {
        self.played.store(played, Ordering::Relaxed);
        self.to_play.store(all, Ordering::Relaxed);
    }

    /// Takes note of how many connections have joined.
    pub fn set_connections(&self, count: usize) {
        self.connections.store(count, Ordering::Relaxed);
    }
}

/// Starts a server in the running tokio runtime.
///
/// # Errors
/// When the speed is outside [`SPEEDS`], the address cannot be had, or the log's file exists already.
pub async fn start(config: ServerConfig) -> io::Result<Running> {
    let door = TcpListener::bind(config.addr).await?;
    let addr = door.local_addr()?;
    start_behind(door, ServerConfig { addr, ..config })
}

/// The same for connections that come in by any door; `config.addr` is only said on.
///
/// # Errors
/// When the speed is outside [`SPEEDS`], or the log's file exists already.
pub fn start_behind(door: impl Door, config: ServerConfig) -> io::Result<Running> {
    if !SPEEDS.contains(&config.speed) {
        let reason = format!("a speed of {} is not between {} and {}", config.speed, SPEEDS.start(), SPEEDS.end());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    let (source, start_us, seed) = match config.play {
        Play::Games(games) => {
            let (start_us, seed) = (games.start_us, games.seed);
            (Source::World(Box::new(World::new(games))), start_us, seed)
        }
        Play::Recording { frames, repeat } => {
            let recording = Recording::new(frames, repeat);
            let start_us = recording.start_us();
            (Source::Recording(recording), start_us, 0)
        }
    };
    let (commands, received) = unbounded_channel();
    let (seen, frames, bytes, connections, played, to_play) = Default::default();
    let shared = Arc::new(Shared {
        faults: config.faults,
        seed,
        log: SentLog::new(config.log)?,
        finished: CancellationToken::new(),
        commands,
        valves: Mutex::default(),
        fault_counts: Mutex::default(),
        truths: Mutex::default(),
        seen: Mutex::new(seen),
        frames,
        bytes,
        connections,
        played,
        to_play,
    });
    let listener = ThrottledListener::new(door, Arc::clone(&shared));
    let hub = Hub {
        source,
        clock: Clock::new(start_us, config.speed),
        hold: config.hold,
        shared: Arc::clone(&shared),
        commands: received,
        connections: BTreeMap::new(),
    };
    let engine = EngineIoConfig::builder()
        .req_path(PATH)
        .ping_interval(config.ping_interval)
        .ping_timeout(config.ping_timeout)
        .max_buffer_size(TRANSPORT_QUEUE)
        .max_payload(1_000_000)
        .build();
    let layer = EngineIoLayer::from_config(Arc::new(Handler { shared: Arc::clone(&shared) }), engine);
    let app = Router::new()
        .route("/", get(|| async { Html(include_str!("page.html")) }))
        .layer(layer)
        .layer(middleware::from_fn(html_instead))
        .into_make_service_with_connect_info::<Peer>();
    let serving = tokio::spawn(async move {
        // Serving ends when its task is aborted.
        let _ = axum::serve(listener, app).await;
    });
    let playing = tokio::spawn(hub.run());
    Ok(Running { addr: config.addr, shared, serving, playing })
}

async fn html_instead(ConnectInfo(Peer(throttle)): ConnectInfo<Peer>, request: Request, next: Next) -> Response {
    if throttle.html && request.uri().path().starts_with(PATH) {
        return Html(HTML).into_response();
    }
    next.run(request).await
}

/// A running server. Dropping it ends it like [`Running::kill`].
#[derive(Debug)]
pub struct Running {
    addr: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    playing: JoinHandle<()>,
}

impl Running {
    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// What a recorder connects to.
    pub fn url(&self) -> String {
        format!("ws://{}{PATH}/?EIO=4&transport=websocket&frontend-version=1.0", self.addr)
    }

    /// The page that plays in a browser.
    pub fn page(&self) -> String {
        format!("http://{}/", self.addr)
    }

    /// What passed the connections.
    pub fn sent_log(&self) -> SentLog {
        self.shared.log.clone()
    }

    /// The truth of every game that was finished so far, if the games' configuration keeps truths.
    pub fn truths(&self) -> Vec<GameTruth> {
        lock(&self.shared.truths).clone()
    }

    /// Where it is.
    pub fn status(&self) -> ServerStatus {
        let shared = &self.shared;
        let count = |number: &AtomicUsize| number.load(Ordering::Relaxed);
        ServerStatus {
            seen: lock(&shared.seen).clone(),
            recording: (count(&shared.played), count(&shared.to_play)),
            connections: count(&shared.connections),
            frames: shared.frames.load(Ordering::Relaxed),
            bytes: shared.bytes.load(Ordering::Relaxed),
            faults: lock(&shared.fault_counts).clone(),
        }
    }

    /// Lets a fault happen now, to every connection in the namespace, whatever its trigger.
    pub fn strike(&self, fault: Fault) {
        self.shared.command(Command::Strike(fault));
    }

    /// Waits until all games, or the recording, are played and handed to the transport.
    pub async fn finished(&self) {
        self.shared.finished.cancelled().await;
    }

    /// Ends it as a server does that is shut down: connections are told, then closed.
    pub async fn stop(mut self) {
        self.serving.abort();
        self.shared.command(Command::Stop);
        let _ = tokio::time::timeout(FAREWELL, &mut self.playing).await;
        let (mut progress, mut since) = (self.written(), Instant::now());
        while progress.is_some() && since.elapsed() < FAREWELL {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let now = self.written();
            if now != progress {
                (progress, since) = (now, Instant::now());
            }
        }
        self.kill();
    }

    /// Connections that are open and what was written to them; None when all are gone.
    fn written(&self) -> Option<(usize, u64)> {
        let valves: Vec<Arc<Throttle>> = lock(&self.shared.valves).iter().filter_map(Weak::upgrade).collect();
        let written = valves.iter().map(|throttle| throttle.written.load(Ordering::Relaxed)).sum();
        (!valves.is_empty()).then_some((valves.len(), written))
    }

    /// Ends it as a process does that is killed: connections are cut.
    pub fn kill(&self) {
        self.serving.abort();
        self.playing.abort();
        for throttle in lock(&self.shared.valves).iter().filter_map(Weak::upgrade) {
            throttle.cut(Cut::Close);
        }
        self.shared.finished.cancel();
        self.shared.log.flush();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}
