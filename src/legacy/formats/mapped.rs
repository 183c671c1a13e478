//! Lines that the user described by `--map`: where the time, the way and the frame (or event and payload) are.

use std::borrow::Cow;

use super::{Context, Envelope, Taken, frames, names};
use crate::fields::Fields;
use crate::mapping::{Mapping, Part};
use replayer_protocol::frame;

/// Reads a line as the mapping says.
pub fn read<'a>(fields: &Fields<'a>, mapping: &Mapping, context: &Context) -> Taken<'a> {
    let at = |part: Part| mapping.value(part, fields);
    let moment = match (mapping.path(Part::Time), at(Part::Time)) {
        (None, _) => names::moment(fields, context),
        (Some(path), None) => return Taken::Refused(format!("--map: nothing at ts={path}")),
        (Some(path), Some(value)) => match names::time_of(value, context) {
            Some(moment) => Some(moment),
            None => return Taken::Refused(format!("--map: what is at ts={path} is no time")),
        },
    };
    let direction = match at(Part::Direction) {
        Some(value) => {
            let word = frame::string(value).unwrap_or(Cow::Borrowed(value.get()));
            match names::direction_of(&word) {
                Some(direction) => Some(direction),
                None => {
                    return Taken::Refused(format!(
                        "--map: \"{word}\" says no direction; use in/out, received/sent"
                    ));
                }
            }
        }
        None => None,
    };
    let text = match (mapping.path(Part::Frame), at(Part::Frame)) {
        (Some(path), None) => return Taken::Refused(format!("--map: nothing at frame={path}")),
        (Some(path), Some(value)) => {
            let text = frame::string(value).unwrap_or(Cow::Borrowed(value.get()));
            if !names::begins_like_a_frame(text.trim()) {
                return Taken::Refused(format!(
                    "--map: what is at frame={path} is no frame of Engine.IO or Socket.IO"
                ));
            }
            text.trim().to_owned()
        }
        (None, _) => match event(fields, mapping) {
            Ok(text) => text,
            Err(reason) => return Taken::Refused(reason),
        },
    };
    let envelope = Envelope::frame(Cow::Owned(text));
    Taken::Record(Envelope {
        moment,
        direction: direction.or(envelope.direction),
        socket_id: frames::socket(fields),
        ..envelope
    })
}

/// The frame that event and payload were.
fn event(fields: &Fields, mapping: &Mapping) -> Result<String, String> {
    let path = |part: Part| mapping.path(part).unwrap_or_default();
    let name = mapping.value(Part::Event, fields).and_then(frame::string);
    let name = name.ok_or_else(|| format!("--map: no text at event={}", path(Part::Event)))?;
    let name = serde_json::Value::from(name.as_ref()).to_string();
    match mapping.value(Part::Data, fields) {
        Some(value) => {
            let payload = names::json_of(value).unwrap_or(Cow::Borrowed(value.get()));
            Ok(format!("42[{name},{payload}]"))
        }
        None if mapping.path(Part::Data).is_some() => Err(format!("--map: nothing at data={}", path(Part::Data))),
        None => Ok(format!("42[{name}]")),
    }
}
