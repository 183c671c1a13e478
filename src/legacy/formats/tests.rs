//! Which line is of which format, when it happened, and which way it went.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn envelope_in<'a>(text: &'a str, array: bool) -> Option<Envelope<'a>> {
    let clock = Clock::new().unwrap();
    let context = Context { clock: &clock, array, payload_event: None, file: &FileState::default() };
    match read(&Fields::parse(text).unwrap(), &context)? {
        Taken::Record(envelope) => Some(envelope),
        taken => panic!("{taken:?}"),
    }
}

/// Format, time and direction of a line, as text.
fn read_line(text: &str) -> (LineFormat, Option<String>, Option<Direction>) {
    let envelope = envelope_in(text, false).expect(text);
    (envelope.format, time_of(&envelope), envelope.direction)
}

fn time_of(envelope: &Envelope) -> Option<String> {
    envelope.moment.map(|moment| jiff::Timestamp::from_microsecond(moment.us).unwrap().to_string())
}

fn at(text: &str) -> Option<String> {
    Some(text.to_owned())
}

const RECEIVED: Option<Direction> = Some(Direction::Received);
const SENT: Option<Direction> = Some(Direction::Sent);

#[test]
fn a_recordings_tick_is_local_time_and_received() {
    let text = r#"{"type": "tick", "timestamp": "2025-10-30T20:00:00", "game_id": "g", "tick": 1, "price": 1.5}"#;
    assert_eq!(read_line(text), (LineFormat::Recording, at("2025-10-31T00:00:00Z"), RECEIVED));
}

#[test]
fn r10_a_recordings_markers_are_no_traffic() {
    for kind in ["game_start", "game_end", "game_complete", "session_start", "session_end"] {
        let text = format!(r#"{{"type": "{kind}", "timestamp": "2025-11-08T12:00:00"}}"#);
        assert_eq!(read_line(&text), (LineFormat::Recording, at("2025-11-08T17:00:00Z"), None));
    }
}

#[test]
fn r10_recorder_sink_ticks_have_no_type_and_its_edges_have_metadata() {
    let tick = r#"{"game_id": "g", "tick": 1, "timestamp": "2025-11-20T12:00:00", "price": 1.5}"#;
    assert_eq!(read_line(tick), (LineFormat::RecorderSink, at("2025-11-20T17:00:00Z"), RECEIVED));
    let header = r#"{"_metadata": {"game_id": null, "start_time": "2025-11-20T12:00:00", "version": "1.0"}}"#;
    assert_eq!(read_line(header), (LineFormat::RecorderSink, at("2025-11-20T17:00:00Z"), None));
    let footer = r#"{"_metadata": {"end_time": "2025-11-20T12:00:01", "tick_count": 1}}"#;
    assert_eq!(read_line(footer), (LineFormat::RecorderSink, at("2025-11-20T17:00:01Z"), None));
}

#[test]
fn a_raw_capture_is_local_time_and_received() {
    let text = r#"{"seq": 1, "ts": "2025-12-12T17:16:58.6", "event": "connect", "data": null}"#;
    assert_eq!(read_line(text), (LineFormat::RawCapture, at("2025-12-12T22:16:58.6Z"), RECEIVED));
}

#[test]
fn a_cdp_capture_says_zone_and_direction_itself() {
    let text = r#"{"seq": 1, "ts": "2025-12-15T05:39:20+00:00", "event": "x", "data": null, "source": "cdp_intercept", "direction": "sent"}"#;
    assert_eq!(read_line(text), (LineFormat::CdpCapture, at("2025-12-15T05:39:20Z"), SENT));
}

#[test]
fn samples_in_an_array_are_utc_and_of_the_cdp_capture() {
    let text = r#"{"seq": 1, "ts": "2025-12-17T21:34:00", "event": "x", "data": {}}"#;
    let envelope = envelope_in(text, true).unwrap();
    assert_eq!((envelope.format, time_of(&envelope)), (LineFormat::CdpCapture, at("2025-12-17T21:34:00Z")));
}

#[test]
fn sandbox_samples_are_local_time() {
    let text = r#"{"timestamp": "2025-12-06T19:57:10", "event_type": "x", "data": [1, 2]}"#;
    assert_eq!(read_line(text), (LineFormat::Sandbox, at("2025-12-07T00:57:10Z"), RECEIVED));
}

#[test]
fn key_samples_have_unix_milliseconds() {
    let text = r#"{"_meta": {"index": 3}, "event_type": "x", "timestamp_ms": 1766000000123, "data": {}}"#;
    assert_eq!(read_line(text), (LineFormat::KeySample, at("2025-12-17T19:33:20.123Z"), RECEIVED));
}

#[test]
fn the_browser_log_has_both_directions() {
    let incoming = r#"{"timestamp": 1766000000123, "iso": "x", "type": "INCOMING", "packet": {"type": 2}}"#;
    assert_eq!(read_line(incoming), (LineFormat::BrowserLog, at("2025-12-17T19:33:20.123Z"), RECEIVED));
    let outgoing = r#"{"timestamp": 1766000000123, "iso": "x", "type": "OUTGOING", "event": "e", "args": []}"#;
    assert_eq!(read_line(outgoing).2, SENT);
}

#[test]
fn the_notebooks_capture_keeps_chromes_clock() {
    let text = r#"{"event_name": "x", "data": {}, "raw": "42[\"x\"]", "timestamp": 1234.5, "captured_at": "2025-12-20T12:00:00"}"#;
    let envelope = envelope_in(text, false).unwrap();
    assert_eq!((envelope.format, envelope.source_clock), (LineFormat::NotebookCapture, Some(1234.5)));
    assert_eq!((time_of(&envelope), envelope.direction), (at("2025-12-20T17:00:00Z"), None));
}

#[test]
fn a_collected_history_entry_is_dated_by_the_collecting() {
    let text = r#"{"id": "g", "prices": [1], "collected_at": "2025-12-20T12:00:00", "source": "gameHistory_rolling_window"}"#;
    assert_eq!(read_line(text), (LineFormat::HistoryCollector, at("2025-12-20T17:00:00Z"), RECEIVED));
}

#[test]
fn an_action_is_dated_by_its_press() {
    let text = r#"{"type": "action", "action_id": "a", "timestamp": "2025-12-20T12:00:00", "timestamp_pressed": 1766000000123}"#;
    assert_eq!(read_line(text), (LineFormat::Demonstration, at("2025-12-17T19:33:20.123Z"), None));
}

#[test]
fn demonstration_edges_are_local_and_session_documents_utc() {
    let header = r#"{"_header": {"game_id": "g", "session_id": "s", "start_time": "2025-12-20T12:00:00"}}"#;
    assert_eq!(read_line(header).1, at("2025-12-20T17:00:00Z"));
    let metadata = r#"{"_metadata": {"session_id": "s", "start_time": "2025-12-20T12:00:00"}}"#;
    assert_eq!(read_line(metadata).0, LineFormat::Demonstration);
    let trade = r#"{"game_id": "g", "tick": 1, "timestamp": "2025-12-20T12:00:00", "action": "BUY", "price": "1.5", "balance_after": "1"}"#;
    assert_eq!(read_line(trade), (LineFormat::Demonstration, at("2025-12-20T12:00:00Z"), None));
}

#[test]
fn a_game_document_is_dated_by_its_start_in_utc() {
    let text = r#"{"meta": {"game_id": "g", "start_time": "2025-12-20T12:00:00"}, "prices": ["1", null]}"#;
    assert_eq!(read_line(text), (LineFormat::GameDocument, at("2025-12-20T12:00:00Z"), None));
}

#[test]
fn an_exported_row_of_the_older_store_is_kept_as_it_is() {
    let text = r#"{"ts": "2025-12-20T12:00:00", "doc_type": "ws_event", "source": "cdp", "direction": "received", "raw_json": "{}"}"#;
    let envelope = envelope_in(text, false).unwrap();
    assert_eq!((envelope.format, envelope.source), (LineFormat::ExportedRow, Source::Cdp));
    assert_eq!((time_of(&envelope), envelope.text), (at("2025-12-20T12:00:00Z"), None));
}

#[test]
fn a_row_of_our_own_export_gives_the_original_line_back() {
    let text = r#"{"ts": "2025-12-20T12:00:00Z", "doc_type": "ws_event", "source": "public_ws", "direction": "received", "ordinal": 0, "format": "wire", "event_name": "x", "raw_json": "42[\"x\"]"}"#;
    let envelope = envelope_in(text, false).unwrap();
    assert_eq!((envelope.format, envelope.text.as_deref()), (LineFormat::Wire, Some(r#"42["x"]"#)));
}

#[test]
fn w35_wrapped_events_are_read_and_what_is_no_event_is_not() {
    for text in [
        r#"{"event": "x", "data": {}}"#,
        r#"{"data": {"event": "x", "data": {}}}"#,
        r#"{"name": "bus", "data": {"data": {"event": "x", "data": {}}}}"#,
    ] {
        assert_eq!(line_format(&Fields::parse(text).unwrap()), Some(LineFormat::RawCapture), "{text}");
    }
    for text in [
        r#"{"data": 1}"#,
        r#"{"name": "bus"}"#,
        r#"{"data": {"data": 2}}"#,
        r#"{"data": {"data": {"data": {"event": "x"}}}}"#,
    ] {
        assert_eq!(line_format(&Fields::parse(text).unwrap()), None, "{text}");
    }
}

#[test]
fn a_time_that_cannot_be_read_is_none_and_never_now() {
    let text = r#"{"type": "tick", "timestamp": "soon"}"#;
    assert_eq!(read_line(text).1, None);
}

#[test]
fn bare_payloads_have_no_time() {
    let clock = Clock::new().unwrap();
    let file = FileState::default();
    let context =
        Context { clock: &clock, array: true, payload_event: Some("gameStatePlayerUpdate"), file: &file };
    let fields = Fields::parse(r#"{"gameId": "g", "timestamp": 1766000000123}"#).unwrap();
    let Some(Taken::Record(envelope)) = read(&fields, &context) else { panic!("no record") };
    assert_eq!((envelope.format, envelope.moment), (LineFormat::Payload, None));
}

#[test]
fn the_event_of_bare_payloads_comes_from_the_payload_or_the_files_name() {
    let unmistakable = Fields::parse(r#"{"gameId": "g", "rugpool": {}}"#).unwrap();
    assert_eq!(samples::payload_event(&unmistakable, "x.json").as_deref(), Some("gameStatePlayerUpdate"));
    let other = Fields::parse(r#"{"a": 1}"#).unwrap();
    assert_eq!(
        samples::payload_event(&other, "playerUpdate_schema_samples.json").as_deref(),
        Some("playerUpdate")
    );
    assert_eq!(samples::payload_event(&other, "playerUpdate_samples.json").as_deref(), Some("playerUpdate"));
    assert_eq!(samples::payload_event(&other, "notes.json"), None);
}

#[test]
fn another_programs_log_is_no_recording() {
    let log = Fields::parse(r#"{"type": "info", "timestamp": "2025-12-20T12:00:00", "message": "x"}"#).unwrap();
    assert!(line_format(&log).is_none());
}
