//! Credentials are taken out of every text that an import stores, as the recorder does it
//! ([`replayer_store::redact`]); a login is one also where it is the line of an older recorder and no frame.

use std::borrow::Cow;

use replayer_protocol::line::{self, LineFormat};
use replayer_store::record::Direction;
use replayer_store::redact::redact;

/// Events whose arguments are a login.
const LOGINS: [&str; 5] = ["authenticate", "auth", "login", "signin", "authentication"];

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
    fn what_holds_no_credential_stays_as_it_is() {
        let line = r#"{"seq": 1, "ts": "x", "event": "gameStateUpdate", "data": {"gameId": "g", "price": 1.50}}"#;
        let text = of_record(LineFormat::RawCapture, None, line, None, "gameStateUpdate");
        assert!(matches!(text, Cow::Borrowed(_)));
    }
}
