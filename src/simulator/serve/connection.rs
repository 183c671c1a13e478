//! One Engine.IO connection: its queue of outgoing packets, and the task that hands them to the transport.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use engineioxide::{DisconnectReason, Socket, Str};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::fault_injection::{self, Inversion};
use super::faults::{Dice, Fault, FaultKind};
use super::running::Shared;
use super::stream::{Cut, Throttle};

/// What the transport keeps about a socket.
pub type SocketData = OnceLock<Arc<Connection>>;
/// A socket of the transport.
pub type EngineSocket = Socket<SocketData>;

/// A client that is this far behind is cut off, bytes. Frames are shared by all connections.
const MOST_QUEUED: usize = 512 << 20;
/// How long to wait for room in the transport's own queue.
const RETRY: Duration = Duration::from_millis(1);

/// The queue of a connection.
#[derive(Debug)]
pub struct Connection {
    /// Number of the TCP connection, as in the log.
    pub number: u64,
    /// Its throttle.
    pub throttle: Arc<Throttle>,
    queue: UnboundedSender<Outgoing>,
    queued: AtomicUsize,
}

/// What waits to be sent.
#[derive(Debug)]
pub enum Outgoing {
    /// A Socket.IO packet, without the `4` of Engine.IO.
    Packet(Str),
    /// A fault that happens at this place.
    Fault(Fault),
    /// The end, after all before it.
    Close,
}

impl Connection {
    /// A connection and the queue that [`pump`] empties.
    pub fn new(throttle: Arc<Throttle>) -> (Arc<Self>, UnboundedReceiver<Outgoing>) {
        let (queue, queued) = unbounded_channel();
        (Arc::new(Self { number: throttle.number, throttle, queue, queued: AtomicUsize::new(0) }), queued)
    }

    /// Queues a packet; false when the connection is over.
    pub fn send(&self, packet: Str) -> bool {
        let behind = self.queued.fetch_add(packet.len() + 1, Ordering::Relaxed);
        if behind > MOST_QUEUED {
            tracing::warn!(socket = self.number, "the client does not read: it is cut off");
            self.throttle.cut(Cut::Close);
            return false;
        }
        self.queue.send(Outgoing::Packet(packet)).is_ok()
    }

    /// Queues a fault or the end.
    pub fn queue(&self, outgoing: Outgoing) {
        // Nothing is injected when the connection is over.
        let _ = self.queue.send(outgoing);
    }

    /// Whether everything was handed to the transport, or nothing more will be.
    pub fn is_idle(&self) -> bool {
        self.queued.load(Ordering::Relaxed) == 0 || self.queue.is_closed()
    }
}

/// Hands the packets of a connection to the transport, with the faults of its dice, until it is over.
pub async fn pump(
    socket: Arc<EngineSocket>,
    connection: Arc<Connection>,
    mut queue: UnboundedReceiver<Outgoing>,
    shared: Arc<Shared>,
) {
    let mut pump = Pump {
        dice: Dice::new(&shared.faults, connection.number),
        inversion: Inversion::default(),
        oddities: 0,
        socket,
        connection,
        shared,
    };
    while let Some(outgoing) = queue.recv().await {
        let goes_on = match outgoing {
            Outgoing::Packet(packet) => {
                let size = packet.len() + 1;
                let goes_on = pump.packet(packet).await;
                pump.connection.queued.fetch_sub(size, Ordering::Relaxed);
                goes_on
            }
            Outgoing::Fault(fault) => pump.strike(fault).await,
            Outgoing::Close => {
                pump.socket.close(DisconnectReason::ClosingServer);
                false
            }
        };
        if !goes_on {
            return;
        }
    }
}

struct Pump {
    socket: Arc<EngineSocket>,
    connection: Arc<Connection>,
    shared: Arc<Shared>,
    dice: Dice,
    inversion: Inversion,
    /// Frames made up so far.
    oddities: usize,
}

impl Pump {
    /// Sends a packet and lets the faults happen that come with it; false when the connection is over.
    async fn packet(&mut self, packet: Str) -> bool {
        // The answer to the connect request is not an event: faults come after it.
        if !packet.starts_with('2') {
            return self.hand_over(packet).await;
        }
        let full = fault_injection::is_full(&packet);
        let faults = self.dice.roll(|kind| !kind.is_of_connection() && (full || kind != FaultKind::Reorder));
        for fault in &faults {
            if fault.kind == FaultKind::Reorder {
                self.shared.count_fault(fault.kind);
            } else if !self.strike(*fault).await {
                return false;
            }
        }
        if faults.iter().any(|fault| fault.kind == FaultKind::Reorder) {
            return match self.inversion.hold(packet) {
                Some(before) => self.hand_over(before).await,
                None => true,
            };
        }
        for packet in self.inversion.pass(packet) {
            if !self.hand_over(packet).await {
                return false;
            }
        }
        true
    }

    /// Lets a fault happen; false when the connection is over.
    async fn strike(&mut self, fault: Fault) -> bool {
        self.shared.count_fault(fault.kind);
        let throttle = Arc::clone(&self.connection.throttle);
        match fault.kind {
            FaultKind::Drop => throttle.cut(Cut::Close),
            FaultKind::Reset => throttle.cut(Cut::Reset),
            FaultKind::Kick => {
                self.hand_over(Str::from("1")).await;
                self.socket.close(DisconnectReason::ClosingServer);
            }
            FaultKind::HalfOpen => throttle.freeze(),
            FaultKind::Stall => throttle.stall(fault.lasts),
            FaultKind::SlowReader => throttle.starve(fault.lasts),
            FaultKind::Garbage => {
                self.oddities += 1;
                return self.hand_over(fault_injection::garbage(self.oddities - 1)).await;
            }
            FaultKind::Oversized => return self.hand_over(fault_injection::oversized()).await,
            FaultKind::Binary => {
                self.oddities += 1;
                return self.socket.emit_binary(fault_injection::binary(self.oddities - 1)).is_ok();
            }
            FaultKind::Reorder | FaultKind::Html | FaultKind::Eio3 => {}
        }
        !matches!(fault.kind, FaultKind::Drop | FaultKind::Reset | FaultKind::Kick | FaultKind::HalfOpen)
    }

    /// Waits for room in the transport; false when the connection is over.
    async fn hand_over(&self, mut packet: Str) -> bool {
        loop {
            match self.socket.emit(packet) {
                Ok(()) => return true,
                Err(TrySendError::Full(back)) => packet = back,
                Err(TrySendError::Closed(_)) => return false,
            }
            tokio::time::sleep(RETRY).await;
        }
    }
}
