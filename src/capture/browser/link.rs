//! The connection to Chrome: chromiumoxide's transport and command types, and none of its page handling.
//!
//! chromiumoxide's own `Browser` takes a page over: it sets a viewport, enables a dozen domains, adds a script
//! world and pauses new tabs. A recorder must not be noticed, so only its [`Connection`] is used.

use std::collections::HashMap;
use std::error::Error;
use std::io;
use std::time::Duration;

use chromiumoxide::Connection;
use chromiumoxide::cdp::browser_protocol::{browser, network, target};
use chromiumoxide::error::CdpError;
use chromiumoxide::types::{CallId, Message};
use futures::StreamExt;
use serde::Serialize;
use tokio::time::timeout;

use super::address::Address;
use super::discover::Found;
use super::failure::Failure;
use super::wire::Event;

/// How long Chrome may take to take the connection. It may ask the user first, when the address named the socket.
const TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT_WITH_USER: Duration = Duration::from_secs(60);

/// An open debugging connection.
pub struct Link {
    connection: Connection<Event>,
    /// Commands that were not answered yet.
    calls: HashMap<CallId, Call>,
}

/// What a command was for.
enum Call {
    /// Attaching to this target.
    Attach(String),
    /// Listening on this session.
    Listen(String),
    /// Nothing that an answer changes.
    Other,
}

/// What came.
#[derive(Debug)]
pub enum Heard {
    /// An event.
    Event(Event),
    /// Attaching to this target was refused.
    NotAttached(String),
    /// From now on every frame of this session is told.
    Listening(String),
    /// An answer that matters to no one.
    Answer,
    /// A message that cannot be read; its length in bytes, and whether it told of a frame.
    Unreadable { bytes: usize, frame: bool },
}

impl Link {
    /// Opens it.
    ///
    /// # Errors
    /// When the browser refuses, or does not answer in time.
    pub async fn open(address: &Address, found: &Found) -> Result<Link, Failure> {
        let limit = if found.product.is_some() { TIMEOUT } else { TIMEOUT_WITH_USER };
        match timeout(limit, Connection::connect(&found.url)).await {
            Ok(Ok(connection)) => Ok(Link { connection, calls: HashMap::new() }),
            Ok(Err(error)) => Err(match io_error(&error) {
                Some(io) => Failure::io(address, io),
                None => Failure::handshake(address, &error.to_string()),
            }),
            Err(_) => Err(Failure::silent(address)),
        }
    }

    /// The next message. Commands are written while it is waited for, so they go out with the next call. May be
    /// dropped at any time without losing anything.
    ///
    /// # Errors
    /// Why the connection ended.
    pub async fn next(&mut self) -> Result<Heard, String> {
        match self.connection.next().await {
            Some(Ok(Message::Event(event))) => Ok(Heard::Event(event)),
            Some(Ok(Message::Response(answer))) => Ok(match (self.calls.remove(&answer.id), answer.error) {
                (Some(Call::Attach(target)), Some(error)) => {
                    tracing::debug!(%error, target, "a tab could not be attached to");
                    Heard::NotAttached(target)
                }
                (Some(Call::Listen(session)), None) => Heard::Listening(session),
                (_, Some(error)) => {
                    tracing::debug!(%error, "Chrome refused a command");
                    Heard::Answer
                }
                (_, None) => Heard::Answer,
            }),
            Some(Err(CdpError::InvalidMessage(text, error))) => {
                tracing::warn!(%error, bytes = text.len(), "a message of Chrome cannot be read");
                Ok(Heard::Unreadable { bytes: text.len(), frame: text.contains("webSocketFrame") })
            }
            Some(Err(error)) => Err(format!("the connection to the browser broke: {error}")),
            None => Err("the browser was closed, or ended the debugging connection".into()),
        }
    }

    /// How many commands wait for their answer.
    pub fn unanswered(&self) -> usize {
        self.calls.len()
    }

    /// Asks to be told of all targets, those that exist first.
    pub fn discover(&mut self) {
        self.send(
            None,
            target::SetDiscoverTargetsParams::IDENTIFIER,
            &target::SetDiscoverTargetsParams::new(true),
            Call::Other,
        );
    }

    /// Attaches to a target.
    pub fn attach(&mut self, target: String) {
        let params = target::AttachToTargetParams {
            flatten: Some(true),
            ..target::AttachToTargetParams::new(target.clone())
        };
        self.send(None, target::AttachToTargetParams::IDENTIFIER, &params, Call::Attach(target));
    }

    /// Leaves a session.
    pub fn detach(&mut self, session: String, parent: Option<&str>) {
        let params = target::DetachFromTargetParams { session_id: Some(session.into()) };
        self.send(parent, target::DetachFromTargetParams::IDENTIFIER, &params, Call::Other);
    }

    /// Listens on a session and to what nests in it.
    pub fn listen(&mut self, session: &str) {
        // Chrome keeps bodies of requests for debuggers, tens of megabytes a tab; nobody asks for them here.
        let enable = network::EnableParams {
            max_total_buffer_size: Some(0),
            max_resource_buffer_size: Some(0),
            max_post_data_size: Some(0),
            ..Default::default()
        };
        self.send(Some(session), network::EnableParams::IDENTIFIER, &enable, Call::Listen(session.to_owned()));
        let nested =
            target::SetAutoAttachParams { flatten: Some(true), ..target::SetAutoAttachParams::new(true, false) };
        self.send(Some(session), target::SetAutoAttachParams::IDENTIFIER, &nested, Call::Other);
    }

    /// Stops listening on a session.
    pub fn unlisten(&mut self, session: &str) {
        self.send(Some(session), network::DisableParams::IDENTIFIER, &network::DisableParams {}, Call::Other);
    }

    /// Asks for a sign of life.
    pub fn ping(&mut self) {
        self.send(None, browser::GetVersionParams::IDENTIFIER, &browser::GetVersionParams {}, Call::Other);
    }

    fn send(&mut self, session: Option<&str>, method: &'static str, params: &impl Serialize, call: Call) {
        let sent = serde_json::to_value(params).and_then(|params| {
            self.connection.submit_command(method.into(), session.map(|session| session.to_owned().into()), params)
        });
        match sent {
            Ok(id) => _ = self.calls.insert(id, call),
            Err(error) => tracing::error!(%error, method, "a command cannot be written"),
        }
    }
}

/// The error of the network underneath, if that is what it was.
fn io_error(error: &CdpError) -> Option<&io::Error> {
    let mut cause: Option<&dyn Error> = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref() {
            return Some(io);
        }
        cause = error.source();
    }
    None
}
