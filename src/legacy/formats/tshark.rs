//! tshark's JSON (`tshark -r FILE -o tls.keylog_file:KEYS -Y websocket -T json`): packets whose WebSocket messages it has
//! decrypted. One packet may hold several messages. Hosts are not in it; the filter of the command chooses them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::{Context, Envelope, Format, Taken, frames, names};
use crate::documents;
use crate::fields::Fields;
use crate::time::Moment;
use crate::time::Zone;
use replayer_protocol::frame;
use replayer_protocol::line::LineFormat;
use replayer_store::record::Direction;

/// Registered in [`super::FORMATS`].
#[derive(Debug)]
pub struct Tshark;

impl Format for Tshark {
    fn name(&self) -> &'static str {
        "tshark"
    }
    fn stored(&self) -> LineFormat {
        LineFormat::Wire
    }
    fn keys(&self) -> &'static [&'static str] {
        &["_source", "_index"]
    }
    fn recognises(&self, fields: &Fields) -> bool {
        layers(fields).is_some()
    }
    fn read<'a>(&self, fields: &Fields<'a>, context: &Context) -> Taken<'a> {
        let Some(layers) = layers(fields) else { return Taken::LeftOut(NO_MESSAGE) };
        let epoch = layers.object("frame").and_then(|frame| frame.text("frame.time_epoch"));
        let moment = epoch.and_then(|epoch| context.clock.read(&epoch, Zone::Utc));
        let mut found = Vec::new();
        for (_, value) in layers.iter().filter(|(key, _)| *key == "websocket") {
            if value.get().starts_with('[') {
                let each = documents::elements(value.get()).map_while(Result::ok);
                found.extend(each.filter_map(|(_, one)| message(&Fields::parse(one).ok()?, moment)));
            } else if let Some(taken) = Fields::parse(value.get()).ok().and_then(|fields| message(&fields, moment))
            {
                found.push(taken);
            }
        }
        // Some versions show the text as a layer of its own.
        let texts = layers.iter().filter(|(key, _)| matches!(*key, "data-text-lines" | "text"));
        let mut texts = texts.filter_map(|(_, value)| Fields::parse(value.get()).ok()).filter_map(|lines| {
            let line = lines.iter().map(|(line, _)| line.trim_end_matches("\\n").to_owned());
            let mut line = line.filter(|line| names::begins_like_a_frame(line));
            line.next()
        });
        for taken in &mut found {
            if let Taken::Refused(_) = taken
                && let Some(text) = texts.next()
            {
                *taken = Taken::Record(Envelope { moment, ..Envelope::frame(Cow::Owned(text)) });
            }
        }
        match found.len() {
            0 => Taken::LeftOut(NO_MESSAGE),
            1 => found.remove(0),
            _ => Taken::Several(found),
        }
    }
}

const NO_MESSAGE: &str = "packets without a WebSocket message";

fn layers<'a>(fields: &Fields<'a>) -> Option<Fields<'a>> {
    fields.object("_source").and_then(|source| source.object("layers"))
}

/// One message of a packet.
fn message(fields: &Fields<'_>, moment: Option<Moment>) -> Option<Taken<'static>> {
    let flat = |name: &str| fields.text(name).map(Cow::into_owned);
    let is_set = |value: &str| matches!(value, "1" | "True" | "true");
    let direction =
        flat("websocket.mask").map(|mask| if is_set(&mask) { Direction::Sent } else { Direction::Received });
    let opcode = flat("websocket.opcode").and_then(|opcode| opcode.parse().ok());
    if let Some(kind) = opcode.and_then(frames::no_text) {
        return Some(Taken::NoText(kind, moment, direction));
    }
    let Some(text) = payload(fields, 0) else {
        return Some(Taken::Refused("a packet of tshark without the text of its message".to_owned()));
    };
    let envelope = Envelope::frame(Cow::Owned(text));
    Some(Taken::Record(Envelope { moment, direction: direction.or(envelope.direction), ..envelope }))
}

/// The text of the message: as text, or as bytes in hexadecimal.
fn payload(fields: &Fields<'_>, depth: u8) -> Option<String> {
    for (_, value) in fields.iter().filter(|(key, _)| key.contains("payload") && !key.contains("length")) {
        if let Some(text) = frame::string(value) {
            if names::begins_like_a_frame(&text) {
                return Some(text.into_owned());
            }
            if let Some(text) = of_hex(&text).filter(|text| names::begins_like_a_frame(text)) {
                return Some(text);
            }
        } else if depth < 3
            && let Ok(inner) = Fields::parse(RawValue::get(value))
            && let Some(text) = payload(&inner, depth + 1)
        {
            return Some(text);
        }
    }
    None
}

/// `34:32:5b` as text.
fn of_hex(text: &str) -> Option<String> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    String::from_utf8(bytes?).ok()
}
