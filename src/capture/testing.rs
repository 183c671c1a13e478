//! What the tests of the capture share: a root that is recorded into, a hand-written Engine.IO peer, reading back.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray};
use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::bus::Bus;
use super::clock::Clocks;
use super::journaling::{Journaling, QueueLimits};
use super::metrics::{Metrics, SourceNumbers};
use crate::store::Store;
use crate::store::record::Source;
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;
use crate::store::scan::{ScanFilter, scan};
use crate::store::schema::DocType;

pub(super) fn root() -> (TempDir, DataRoot) {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    (folder, root)
}

/// Waits until it is so. Only a test that fails waits for a minute: a machine with other work to do takes its time.
pub(super) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(60), async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain until {what}");
}

/// A journal with nothing in front of it but a sink.
pub(super) struct Recording {
    pub(super) root: DataRoot,
    pub(super) metrics: Arc<Metrics>,
    pub(super) bus: Bus,
    pub(super) journaling: Journaling,
    _folder: TempDir,
}

impl Recording {
    pub(super) fn start(limits: QueueLimits) -> Recording {
        let (folder, root) = root();
        Recording::start_in(folder, root, limits)
    }

    pub(super) fn start_in(folder: TempDir, root: DataRoot, limits: QueueLimits) -> Recording {
        Recording::start_with(folder, root, Clocks::default(), limits)
    }

    /// One whose clocks the test sets.
    pub(super) fn start_by(clocks: Clocks, limits: QueueLimits) -> Recording {
        let (folder, root) = root();
        Recording::start_with(folder, root, clocks, limits)
    }

    fn start_with(folder: TempDir, root: DataRoot, clocks: Clocks, limits: QueueLimits) -> Recording {
        let store = Arc::new(Store::open(&root, "test").unwrap());
        let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
        let (metrics, bus) = (Arc::new(Metrics::default()), Bus::new());
        let journaling = Journaling::start(recorder, limits, clocks, metrics.clone(), bus.clone()).unwrap();
        Recording { root, metrics, bus, journaling, _folder: folder }
    }

    pub(super) fn numbers(&self, source: Source) -> SourceNumbers {
        self.metrics.of(source).numbers()
    }

    /// Ends it and reads everything back.
    pub(super) async fn end(self) -> (Vec<StoredFrame>, Vec<(String, Value)>) {
        let Recording { root, journaling, _folder, .. } = self;
        journaling.stop().await.unwrap();
        (frames(&root), system_events(&root))
    }
}

/// Makes a root's disk refuse every new segment, by putting a file where the folder of journals belongs.
pub(super) struct Refusing {
    journal: PathBuf,
    aside: PathBuf,
}

impl Refusing {
    pub(super) fn begin(root: &DataRoot) -> Refusing {
        let (journal, aside) = (root.journal_dir(), root.path().join("aside"));
        std::fs::rename(&journal, &aside).unwrap();
        std::fs::write(&journal, b"").unwrap();
        Refusing { journal, aside }
    }

    pub(super) fn end(self) {
        std::fs::remove_file(&self.journal).unwrap();
        std::fs::rename(&self.aside, &self.journal).unwrap();
    }
}

/// A stored frame: direction, socket, text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StoredFrame {
    pub(super) direction: String,
    pub(super) socket_id: String,
    pub(super) text: String,
}

/// All frames of a root, in the order they were stored.
pub(super) fn frames(root: &DataRoot) -> Vec<StoredFrame> {
    let mut found = Vec::new();
    for batch in scan(root, DocType::WsEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let seq = batch.column_by_name("seq").unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone();
        let (session, direction, socket, raw) =
            (text("session_id"), text("direction"), text("socket_id"), text("raw_json"));
        for row in 0..batch.num_rows() {
            let frame = StoredFrame {
                direction: direction.value(row).to_owned(),
                socket_id: if socket.is_valid(row) { socket.value(row).to_owned() } else { String::new() },
                text: raw.value(row).to_owned(),
            };
            found.push(((session.value(row).to_owned(), seq.value(row)), frame));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().map(|(_, frame)| frame).collect()
}

/// All system events of a root: type and details, in the order they were stored.
pub(super) fn system_events(root: &DataRoot) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for batch in scan(root, DocType::SystemEvent, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let text = |name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
        let seq = batch.column_by_name("seq").unwrap().as_primitive::<arrow::datatypes::Int64Type>().clone();
        let (session, kinds, details) = (text("session_id"), text("event_type"), text("details"));
        for row in 0..batch.num_rows() {
            let details = serde_json::from_str(details.value(row)).unwrap();
            let place = (session.value(row).to_owned(), seq.value(row));
            found.push((place, (kinds.value(row).to_owned(), details)));
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    found.into_iter().map(|(_, event)| event).collect()
}

/// The details of all events of a type.
pub(super) fn of_type(events: &[(String, Value)], event_type: &str) -> Vec<Value> {
    events.iter().filter(|(kind, _)| kind == event_type).map(|(_, details)| details.clone()).collect()
}

/// An Engine.IO server written by hand, one connection at a time.
pub(super) struct Peer {
    pub(super) listener: TcpListener,
    pub(super) ping_interval: u64,
    pub(super) ping_timeout: u64,
}

pub(super) type PeerSocket = WebSocketStream<TcpStream>;

impl Peer {
    pub(super) async fn start() -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Peer { listener, ping_interval: 25_000, ping_timeout: 20_000 }
    }

    pub(super) fn url(&self) -> String {
        format!("ws://{}/socket.io/", self.listener.local_addr().unwrap())
    }

    pub(super) async fn tcp(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    pub(super) async fn websocket(&self) -> PeerSocket {
        accept_async(self.tcp().await).await.unwrap()
    }

    pub(super) fn open_packet(&self) -> String {
        let (interval, timeout) = (self.ping_interval, self.ping_timeout);
        format!(
            r#"0{{"sid":"eio","upgrades":[],"pingInterval":{interval},"pingTimeout":{timeout},"maxPayload":1000000}}"#
        )
    }

    /// Accepts a client and shakes hands.
    pub(super) async fn session(&self) -> PeerSocket {
        let mut socket = self.websocket().await;
        say(&mut socket, &self.open_packet()).await;
        assert_eq!(hear(&mut socket).await.as_deref(), Some("40"));
        say(&mut socket, r#"40{"sid":"sio"}"#).await;
        socket
    }
}

pub(super) async fn say(socket: &mut PeerSocket, text: &str) {
    socket.send(Message::text(text)).await.unwrap();
}

/// The next text; `None` when the client has gone.
pub(super) async fn hear(socket: &mut PeerSocket) -> Option<String> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Text(text) = message {
            return Some(text.to_string());
        }
    }
    None
}
