//! The one task that owns the game: it lets time pass, hands frames to connections, and takes their requests.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use engineioxide::Str;
use tokio::sync::mpsc::UnboundedReceiver;

use super::clock::Clock;
use super::connection::{Connection, Outgoing};
use super::faults::Fault;
use super::recording::Recording;
use super::running::Shared;
use crate::session::Audience;
use crate::world::World;
use replayer_protocol::frame;

/// Frames that are made before commands are looked at again.
const BATCH: usize = 512;

/// What a connection, or the owner of the server, wants.
#[derive(Debug)]
pub enum Command {
    /// The transport has a new connection.
    Open(Arc<Connection>),
    /// A connection had its time to join the namespace.
    Overdue(u64),
    /// A connection joins the namespace.
    Join(u64),
    /// A connection leaves the namespace.
    Leave(u64),
    /// The transport has lost a connection.
    Gone(u64),
    /// A connection sent an event: a Socket.IO packet.
    Event(u64, Str),
    /// A fault for every connection.
    Strike(Fault),
    /// Closes every connection and ends.
    Stop,
}

/// What is played.
#[derive(Debug)]
pub enum Source {
    /// Generated games.
    World(Box<World>),
    /// Stored frames.
    Recording(Recording),
}

/// The owner of the game.
#[derive(Debug)]
pub struct Hub {
    /// What is played.
    pub source: Source,
    /// Game time.
    pub clock: Clock,
    /// Start the clock with the first connection.
    pub hold: bool,
    /// The server's own.
    pub shared: Arc<Shared>,
    /// What is wanted.
    pub commands: UnboundedReceiver<Command>,
    /// Connections of the transport, and whether they have joined.
    pub connections: BTreeMap<u64, (Arc<Connection>, bool)>,
}

impl Hub {
    /// Plays until everything is played, or somebody says stop; then until all is handed over.
    pub async fn run(mut self) {
        if !self.hold {
            self.clock.start();
        }
        let mut over = false;
        loop {
            let due = self.due_us();
            if due.is_none() && !over && self.is_idle() {
                over = true;
                self.shared.finished.cancel();
            }
            let due = due.and_then(|due| self.clock.when(due));
            tokio::select! {
                // The same order every time, so that a run can be repeated.
                biased;
                command = self.commands.recv() => match command {
                    None | Some(Command::Stop) => break,
                    Some(command) => {
                        self.play();
                        self.obey(command);
                    }
                },
                () = sleep_until(due) => self.play(),
                () = tokio::time::sleep(Duration::from_millis(20)), if !over && self.due_us().is_none() => {}
            }
            // A client that floods, or a machine that is too slow for the speed, must not keep the others waiting.
            tokio::task::yield_now().await;
        }
        for (connection, _) in self.connections.values() {
            connection.queue(Outgoing::Close);
        }
        self.shared.finished.cancel();
    }

    fn due_us(&self) -> Option<i64> {
        match &self.source {
            Source::World(world) => world.due_us(),
            Source::Recording(recording) => recording.due_us(),
        }
    }

    fn is_idle(&self) -> bool {
        self.connections.values().all(|(connection, _)| connection.is_idle())
    }

    /// Hands out what is due.
    fn play(&mut self) {
        if !self.clock.is_running() {
            return;
        }
        let now_us = self.clock.now_us();
        for _ in 0..BATCH {
            let (audience, text) = match &mut self.source {
                Source::World(world) => match world.next_until(now_us) {
                    Some(frame) => (frame.audience, Str::from(frame.text)),
                    None => break,
                },
                Source::Recording(recording) => match recording.next_until(now_us) {
                    Some(text) => (Audience::Everyone, text),
                    None => break,
                },
            };
            // The transport adds the `4` again.
            self.hand_out(audience, &text.slice(1..));
        }
        self.report();
    }

    fn hand_out(&mut self, audience: Audience, packet: &Str) {
        let source = &self.source;
        let gets = |number: u64| match (audience, source) {
            (Audience::Everyone, _) => true,
            (Audience::Player, Source::World(world)) => world.is_player(number),
            (Audience::Socket(wanted), _) => wanted == number,
            (Audience::Player | Audience::Server, _) => false,
        };
        for (number, (connection, joined)) in &mut self.connections {
            if *joined && gets(*number) {
                *joined = connection.send(packet.clone());
                self.shared.count_frame(packet.len() + 1);
            }
        }
    }

    fn report(&mut self) {
        match &mut self.source {
            Source::World(world) => {
                let truths = world.take_truths();
                self.shared.see(Some(world.seen()), truths);
            }
            Source::Recording(recording) => self.shared.set_progress(recording.progress()),
        }
        self.shared.set_connections(self.connections.values().filter(|(_, joined)| *joined).count());
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Open(connection) => {
                self.connections.insert(connection.number, (connection, false));
            }
            Command::Overdue(number) => {
                if let Some((connection, false)) = self.connections.get(&number) {
                    connection.queue(Outgoing::Close);
                }
            }
            Command::Join(number) => self.join(number),
            Command::Leave(number) => self.leave(number),
            Command::Gone(number) => {
                self.leave(number);
                self.connections.remove(&number);
            }
            Command::Event(number, packet) => self.take(number, &packet),
            Command::Strike(fault) => {
                for (connection, _) in self.connections.values().filter(|(_, joined)| *joined) {
                    connection.queue(Outgoing::Fault(fault));
                }
            }
            Command::Stop => {}
        }
        self.report();
    }

    fn join(&mut self, number: u64) {
        self.clock.start();
        let now_us = self.clock.now_us();
        let Some((connection, joined)) = self.connections.get_mut(&number) else { return };
        if *joined {
            return;
        }
        *joined = true;
        if let Source::World(world) = &mut self.source {
            let snapshot = Str::from(world.join(number, now_us)).slice(1..);
            self.shared.count_frame(snapshot.len() + 1);
            connection.send(snapshot);
        }
    }

    fn leave(&mut self, number: u64) {
        if let Some((_, joined)) = self.connections.get_mut(&number) {
            *joined = false;
        }
        if let Source::World(world) = &mut self.source {
            world.leave(number);
        }
    }

    fn take(&mut self, number: u64, packet: &Str) {
        let now_us = self.clock.now_us();
        let Some((connection, true)) = self.connections.get(&number) else { return };
        let text = format!("4{packet}");
        match &mut self.source {
            Source::World(world) => world.take(number, now_us, &text),
            Source::Recording(_) => {
                if let Some(id) = frame::parse(&text).ok().and_then(|frame| frame.ack_id) {
                    let answer = r#"{"success":false,"message":"A recording is played: orders are not executed"}"#;
                    connection.send(Str::from(format!("3{id}[{answer}]")));
                }
            }
        }
    }
}

async fn sleep_until(when: Option<tokio::time::Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when).await,
        None => std::future::pending().await,
    }
}
