//! Credentials are taken out of every text that an import stores, as the recorder does it
//! ([`replayer_store::redact`]); a login is one also where it is the line of an older recorder and no frame.

use std::borrow::Cow;

use replayer_protocol::line::{self, LineFormat};
use replayer_store::record::Direction;
use replayer_store::redact::redact;

/// Events whose arguments are a login.
const LOGINS: [&str; 5] = ["authenticate", "auth", "login", "signin", "authentication"];

/// Formats whose `session_id` is the recorder's own number of a recording, and opens nothing.
const OWN_SESSIONS: [LineFormat; 5] = [
    LineFormat::ExportedRow,
    LineFormat::Demonstration,
    LineFormat::Recording,
    LineFormat::RecorderSink,
    LineFormat::GameDocument,
];

/// The redacted text with the session ids of the original put back; `None` where nothing else was taken out.
fn with_session_ids(original: &str, redacted: &str) -> Option<String> {
    const KEY: &str = "\"session_id\"";
    let values = |text: &str| -> Vec<(usize, usize)> {
        let keys = memchr::memmem::find_iter(text.as_bytes(), KEY).map(|at| at + KEY.len());
        let value = |at: usize| {
            let rest = text.get(at..)?;
            let open = at + rest.find('"')? + 1;
            let is_value =
                text.get(at..open).is_some_and(|between| between.trim_matches([' ', ':', '"']).is_empty());
            let end = open + text.get(open..)?.find('"')?;
            is_value.then_some((open, end))
        };
        keys.filter_map(value).collect()
    };
    let (from, to) = (values(original), values(redacted));
    if from.len() != to.len() {
        return Some(redacted.to_owned());
    }
    let (mut out, mut at) = (String::with_capacity(original.len()), 0);
    for ((start, end), (open, close)) in from.into_iter().zip(to) {
        out.push_str(redacted.get(at..open)?);
        out.push_str(original.get(start..end)?);
        at = close;
    }
    out.push_str(redacted.get(at..)?);
    (out != original).then_some(out)
}

/// The text of a record, without its credentials. `label` is what the record counts as: the event's name.
pub fn of_record<'t>(
    format: LineFormat,
    hint: Option<&str>,
    text: &'t str,
    direction: Option<Direction>,
    label: &str,
) -> Cow<'t, str> {
    // Where nothing says which way a frame went, it is read as the stricter of both.
    let direction = direction.unwrap_or(Direction::Sent);
    let redacted = redact(text, direction);
    if let Cow::Owned(redacted) = &redacted
        && OWN_SESSIONS.contains(&format)
    {
        return with_session_ids(text, redacted).map_or(Cow::Borrowed(text), Cow::Owned);
    }
    if format == LineFormat::Wire || !LOGINS.contains(&label) {
        return redacted;
    }
    match without_payload_secrets(format, hint, &redacted) {
        Some(text) => Cow::Owned(text),
        None => redacted,
    }
}

/// The line of a login with its payload redacted as the frame's would be.
fn without_payload_secrets(format: LineFormat, hint: Option<&str>, text: &str) -> Option<String> {
    let event = line::decode(format, hint, text);
    let payload = event.payload?.get();
    let at = (payload.as_ptr() as usize).checked_sub(text.as_ptr() as usize).filter(|at| *at <= text.len())?;
    let frame = format!("42[\"authenticate\",{payload}]");
    let redacted = redact(&frame, Direction::Sent);
    let inside = redacted.strip_prefix("42[\"authenticate\",")?.strip_suffix(']')?;
    Some(format!("{}{inside}{}", text.get(..at)?, text.get(at + payload.len()..)?))
}

/// Any other text that is stored, without its credentials.
pub fn of_text(text: &str) -> Cow<'_, str> {
    redact(text, Direction::Sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_keeps_no_argument_whatever_line_it_is_in() {
        let line = r#"{"seq": 1, "ts": "x", "event": "authenticate", "data": {"who": "INVENTED-SECRET-0123456789abcdef"}}"#;
        let text = of_record(LineFormat::RawCapture, None, line, Some(Direction::Received), "authenticate");
        assert!(!text.contains("INVENTED") && text.starts_with(r#"{"seq": 1, "ts": "x""#), "{text}");
        let frame = r#"40{"anything":"INVENTED-SECRET-0123456789abcdef"}"#;
        assert!(!of_record(LineFormat::Wire, None, frame, None, "connect").contains("INVENTED"));
    }

    #[test]
    fn a_recorders_own_session_id_is_no_credential_and_what_is_beside_it_may_be() {
        let row = |token: &str| {
            format!(
                r#"{{"ts": 1, "doc_type": "trade", "session_id": "01a2310a-14d8-7511-ae4c-b05825f4773e", "token": {token}}}"#
            )
        };
        let plain = row("null");
        assert!(matches!(of_record(LineFormat::ExportedRow, None, &plain, None, "x"), Cow::Borrowed(_)));
        let secret = row("\"INVENTED-SECRET-0123456789abcdef\"");
        let text = of_record(LineFormat::ExportedRow, None, &secret, None, "x");
        assert!(text.contains("01a2310a-14d8-7511") && !text.contains("INVENTED"), "{text}");
    }

    #[test]
    fn what_holds_no_credential_stays_as_it_is() {
        let line = r#"{"seq": 1, "ts": "x", "event": "gameStateUpdate", "data": {"gameId": "g", "price": 1.50}}"#;
        let text = of_record(LineFormat::RawCapture, None, line, None, "gameStateUpdate");
        assert!(matches!(text, Cow::Borrowed(_)));
    }
}
