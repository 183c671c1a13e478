//! The log of our own simulator (`simulate --log`): `{socket, n, at_us, direction, text | sha256 | binary_bytes | close}`.
//! Directions are the server's there: what it sent, the client received.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Moment;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct ServerLog;

impl Format for ServerLog {
    fn name(&self) -> &'static str {
        "simulator_log"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::Wire
    }
    fn keys(&self) -> &'static [&'static str] {
        &["socket", "n", "at_us", "direction", "text"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        ["socket", "n", "at_us", "direction"].into_iter().all(|key| fields.has(key))
    }
    fn read<'a>(&self, fields: &Fields<'a>, _context: &Context) -> Taken<'a> {
        let moment = fields.number("at_us").map(|us| Moment { us: us as i64, doubt: None });
        let direction = match fields.text("direction").as_deref() {
            Some("sent") => Some(Direction::Received),
            Some("received") => Some(Direction::Sent),
            _ => None,
        };
        if let Some(text) = fields.text("text") {
            let socket_id = super::frames::socket(fields);
            return Taken::Record(Envelope { moment, direction, socket_id, ..Envelope::frame(text) });
        }
        if fields.has("binary_bytes") {
            return Taken::NoText("binary", moment, direction);
        }
        if fields.has("close") {
            return Taken::NoText("close", moment, direction);
        }
        Taken::Refused("only a digest of the frame was logged, not the frame".to_owned())
    }
}
