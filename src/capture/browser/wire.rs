//! What Chrome says over the debugging protocol, as far as it is listened to. Only the fields that are used are
//! read, so that a newer Chrome with more or fewer of the others changes nothing.

use std::borrow::Cow;

use chromiumoxide::cdp::browser_protocol::{network, target};
use chromiumoxide::types::{EventMessage, Method};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Any event.
#[derive(Debug, Deserialize)]
pub struct Event {
    method: String,
    #[serde(default)]
    params: Value,
    #[serde(default, rename = "sessionId")]
    session: Option<String>,
}

impl Method for Event {
    fn identifier(&self) -> Cow<'static, str> {
        self.method.clone().into()
    }
}

impl EventMessage for Event {
    fn session_id(&self) -> Option<&str> {
        self.session.as_deref()
    }
}

/// An event that means something to us.
#[derive(Debug)]
pub enum BrowserMessage {
    Created(Info),
    Changed(Info),
    Destroyed(String),
    Crashed {
        target: String,
        status: String,
    },
    Attached {
        session: String,
        info: Info,
    },
    Detached(String),
    SocketCreated {
        request_id: String,
        url: String,
    },
    /// Both clocks of one moment, seconds.
    Clocks {
        monotonic: f64,
        wall: f64,
    },
    SocketAnswered {
        request_id: String,
        status: i64,
    },
    SocketError {
        request_id: String,
        error: String,
    },
    SocketClosed(String),
    FrameReceived(Payload),
    FrameSent(Payload),
    /// The answer to a request for a document came: the frame with this id gets a new page.
    Document {
        frame: String,
    },
    /// Anything else.
    Other,
}

/// A tab, a worker, …
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Info {
    /// Chrome's id; for a page also the id of its main frame.
    pub target_id: String,
    /// `page`, `worker`, `iframe`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is.
    #[serde(default)]
    pub url: String,
}

/// One WebSocket message.
#[derive(Debug)]
pub struct Payload {
    /// Chrome's id of the socket.
    pub request_id: String,
    /// Chrome's time, seconds.
    pub seconds: f64,
    /// 1: text.
    pub opcode: u8,
    /// Text, or base64.
    pub text: String,
}

impl Event {
    /// The session it came through and what it says. An event that cannot be read is [`BrowserMessage::Other`].
    pub fn read(self) -> (Option<String>, BrowserMessage) {
        let told = told(&self.method, self.params);
        if told.is_none() {
            tracing::debug!(method = self.method, "an event of Chrome has another form than known");
        }
        (self.session, told.unwrap_or(BrowserMessage::Other))
    }
}

fn told(method: &str, params: Value) -> Option<BrowserMessage> {
    Some(match method {
        network::EventWebSocketFrameReceived::IDENTIFIER => BrowserMessage::FrameReceived(payload(params)?),
        network::EventWebSocketFrameSent::IDENTIFIER => BrowserMessage::FrameSent(payload(params)?),
        network::EventWebSocketCreated::IDENTIFIER => {
            let Created { request_id, url } = read(params)?;
            BrowserMessage::SocketCreated { request_id, url }
        }
        network::EventWebSocketWillSendHandshakeRequest::IDENTIFIER => clocks(&params)?,
        network::EventRequestWillBeSent::IDENTIFIER => clocks(&params)?,
        network::EventWebSocketHandshakeResponseReceived::IDENTIFIER => {
            let Answered { request_id, response } = read(params)?;
            BrowserMessage::SocketAnswered { request_id, status: response.status }
        }
        network::EventWebSocketFrameError::IDENTIFIER => {
            let Error { request_id, error_message } = read(params)?;
            BrowserMessage::SocketError { request_id, error: error_message }
        }
        network::EventWebSocketClosed::IDENTIFIER => {
            BrowserMessage::SocketClosed(read::<Request>(params)?.request_id)
        }
        network::EventResponseReceived::IDENTIFIER => match read(params)? {
            Response { kind, frame_id: Some(frame) } if kind == "Document" => BrowserMessage::Document { frame },
            _ => BrowserMessage::Other,
        },
        target::EventTargetCreated::IDENTIFIER => BrowserMessage::Created(read::<Target>(params)?.target_info),
        target::EventTargetInfoChanged::IDENTIFIER => BrowserMessage::Changed(read::<Target>(params)?.target_info),
        target::EventTargetDestroyed::IDENTIFIER => BrowserMessage::Destroyed(read::<TargetId>(params)?.target_id),
        target::EventTargetCrashed::IDENTIFIER => {
            let Crashed { target_id, status } = read(params)?;
            BrowserMessage::Crashed { target: target_id, status }
        }
        target::EventAttachedToTarget::IDENTIFIER => {
            let Attached { session_id, target_info } = read(params)?;
            BrowserMessage::Attached { session: session_id, info: target_info }
        }
        target::EventDetachedFromTarget::IDENTIFIER => {
            BrowserMessage::Detached(read::<Session>(params)?.session_id)
        }
        _ => BrowserMessage::Other,
    })
}

fn read<T: DeserializeOwned>(params: Value) -> Option<T> {
    serde_json::from_value(params).ok()
}

fn payload(params: Value) -> Option<Payload> {
    let Message { request_id, timestamp, response } = read(params)?;
    let opcode = response.opcode as u8;
    Some(Payload { request_id, seconds: timestamp, opcode, text: response.payload_data })
}

fn clocks(params: &Value) -> Option<BrowserMessage> {
    let seconds = |name| params.get(name).and_then(Value::as_f64);
    Some(BrowserMessage::Clocks { monotonic: seconds("timestamp")?, wall: seconds("wallTime")? })
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message {
    request_id: String,
    timestamp: f64,
    response: MessageData,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageData {
    opcode: f64,
    payload_data: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Created {
    request_id: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    request_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answered {
    request_id: String,
    response: Status,
}

#[derive(Deserialize)]
struct Status {
    status: i64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Error {
    request_id: String,
    #[serde(default)]
    error_message: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Response {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    frame_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    target_info: Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TargetId {
    target_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Crashed {
    target_id: String,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Attached {
    session_id: String,
    target_info: Info,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Session {
    session_id: String,
}
