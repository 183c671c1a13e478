//! The Socket.IO layer: connecting to the namespace, events, disconnecting.
//!
//! Packets that carry events are passed on as they are; the layer reads no more of them than their first bytes.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ConnectInfo;
use engineioxide::handler::EngineIoHandler;
use engineioxide::{DisconnectReason, Str};

use super::connection::{Connection, EngineSocket, SocketData, pump};
use super::hub::Command;
use super::running::Shared;
use super::stream::Peer;
use crate::prng::Prng;

/// A client that does not connect to the namespace in this time is closed, as by the official server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);

/// Takes what the transport hands up.
#[derive(Debug, Clone)]
pub struct Handler {
    /// The server's own.
    pub shared: Arc<Shared>,
}

impl EngineIoHandler for Handler {
    type Data = SocketData;

    fn on_connect(self: Arc<Self>, socket: Arc<EngineSocket>) {
        let Some(ConnectInfo(Peer(throttle))) = socket.req_parts.extensions.get::<ConnectInfo<Peer>>() else {
            return;
        };
        let (connection, queue) = Connection::new(Arc::clone(throttle));
        if socket.data.set(Arc::clone(&connection)).is_err() {
            return;
        }
        self.shared.command(Command::Open(Arc::clone(&connection)));
        let number = connection.number;
        tokio::spawn(pump(Arc::clone(&socket), connection, queue, Arc::clone(&self.shared)));
        tokio::spawn(async move {
            tokio::time::sleep(CONNECT_TIMEOUT).await;
            self.shared.command(Command::Overdue(number));
        });
    }

    fn on_disconnect(&self, socket: Arc<EngineSocket>, _reason: DisconnectReason) {
        if let Some(connection) = socket.data.get() {
            self.shared.command(Command::Gone(connection.number));
        }
    }

    fn on_message(self: &Arc<Self>, message: Str, socket: Arc<EngineSocket>) {
        let Some(connection) = socket.data.get() else { return };
        let number = connection.number;
        match packet(&message) {
            Some(('0', "/", _)) => {
                connection.send(Str::from(format!(r#"0{{"sid":"{}"}}"#, self.sid(number))));
                self.shared.command(Command::Join(number));
            }
            Some(('0', namespace, _)) => {
                let error = format!(r#"4{namespace},{{"message":"Invalid namespace"}}"#);
                connection.send(Str::from(error));
            }
            Some(('1', "/", _)) => self.shared.command(Command::Leave(number)),
            Some(('2', "/", _)) => self.shared.command(Command::Event(number, message)),
            // Answers to events of ours, which ask for none; and what is for namespaces that nobody is in.
            Some(('1'..='3', ..)) => {}
            // The official server ends the connection of a client that sends no packets.
            _ => socket.close(DisconnectReason::TransportClose),
        }
    }

    fn on_binary(self: &Arc<Self>, _data: Bytes, _socket: Arc<EngineSocket>) {}
}

impl Handler {
    /// The public id of a connection to the namespace.
    fn sid(&self, number: u64) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        Prng::new(self.shared.seed ^ (number << 32)).text(ALPHABET, 20)
    }
}

/// Type, namespace and rest of a Socket.IO packet.
fn packet(message: &str) -> Option<(char, &str, &str)> {
    let kind = message.chars().next().filter(|kind| ('0'..='6').contains(kind))?;
    let rest = message.get(1..)?;
    if !rest.starts_with('/') {
        return Some((kind, "/", rest));
    }
    let (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
    // `/chat?token=x`: the query is not part of the name.
    Some((kind, namespace.split('?').next().unwrap_or(namespace), rest))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn packets_name_their_namespace_or_none() {
        assert_eq!(packet("0"), Some(('0', "/", "")));
        assert_eq!(packet(r#"0{"token":"a,b"}"#), Some(('0', "/", r#"{"token":"a,b"}"#)));
        assert_eq!(packet("0/admin,{}"), Some(('0', "/admin", "{}")));
        assert_eq!(packet("0/admin?x=1,"), Some(('0', "/admin", "")));
        assert_eq!(packet(r#"212["ping"]"#), Some(('2', "/", r#"12["ping"]"#)));
        assert_eq!(packet("x"), None);
        assert_eq!(packet(""), None);
    }
}
