//! The raw capture recorder: `{seq, ts, event, data}`, local time, everything received.
//!
//! Also the wrappers that buses put around such an event: `{data: {event, …}}` and
//! `{name, data: {data: {event, …}}}`.

use super::{Context, Envelope, Format, Taken};
use crate::fields::Fields;
use crate::time::Zone;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Whether the keys are a capture's own. `data` may be null but is always there.
pub fn recognises(fields: &Fields) -> bool {
    fields.text("event").is_some() && fields.has("data")
}

/// Whether a wrapper holds an event, at most two objects deep.
pub fn recognises_wrapped(fields: &Fields) -> bool {
    inner(fields).is_some()
}

fn inner<'a>(fields: &Fields<'a>) -> Option<Fields<'a>> {
    let data = fields.object("data")?;
    if data.text("event").is_some() {
        return Some(data);
    }
    data.object("data").filter(|data| data.text("event").is_some())
}

/// The envelope, for a wrapper that of the event inside; only a wrapper may say that it was sent.
pub fn read(fields: &Fields, context: &Context) -> Envelope<'static> {
    let inner = if recognises(fields) { None } else { inner(fields) };
    let time = |fields: &Fields| context.clock.of(fields, Zone::NewYork);
    let moment = inner.as_ref().and_then(time).or_else(|| time(fields));
    let sent = inner.and_then(|inner| inner.text("direction")).as_deref() == Some("sent");
    Envelope {
        moment,
        direction: Some(if sent { Direction::Sent } else { Direction::Received }),
        ..Envelope::new(LineFormat::RawCapture)
    }
}

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct RawCapture;

impl Format for RawCapture {
    fn stored(&self) -> LineFormat {
        LineFormat::RawCapture
    }
    fn keys(&self) -> &'static [&'static str] {
        &["seq", "ts", "event", "data"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(if context.array { super::cdp::read_sample(fields, context) } else { read(fields, context) })
    }
    fn first_keys(&self) -> &'static [&'static str] {
        &["seq"]
    }
}

/// An event in the wrappers that buses put around it.
#[derive(Debug)]
pub struct Wrapped;

impl Format for Wrapped {
    fn name(&self) -> &'static str {
        "raw_capture"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::RawCapture
    }
    fn keys(&self) -> &'static [&'static str] {
        &["data.event", "data.data"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        recognises_wrapped(fields)
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        Taken::Record(read(fields, context))
    }
}
