//! What each stored format yields.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

const TRACE: &str =
    r#"{"__trace": true, "traceparent": "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}"#;

#[test]
fn a_raw_capture_line_with_one_argument_keeps_it() {
    let text = r#"{"seq": 2, "ts": "2025-12-12T17:16:58.9", "event": "gameStateUpdate", "data": {"price": 1}}"#;
    let event = decode(LineFormat::RawCapture, None, text);
    assert_eq!(event.name.as_deref(), Some("gameStateUpdate"));
    assert_eq!(event.payload.unwrap().get(), r#"{"price": 1}"#);
    assert_eq!(event.status, FrameStatus::Ok);
}

#[test]
fn a_raw_capture_array_is_trace_and_payload() {
    let text = format!(r#"{{"seq":9,"ts":"x","event":"standard/newTrade","data":[{TRACE}, {{"id":"t"}}]}}"#);
    let event = decode(LineFormat::RawCapture, None, &text);
    assert_eq!(event.trace_id(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(event.payload.unwrap().get(), r#"{"id":"t"}"#);
}

#[test]
fn a_connect_marker_has_no_payload() {
    let event = decode(LineFormat::RawCapture, None, r#"{"seq":1,"ts":"x","event":"connect","data":null}"#);
    assert_eq!((event.packet, event.payload.is_none()), (Some(Packet::Connect), true));
}

#[test]
fn a_trace_only_cdp_line_is_flagged_as_lost() {
    let text = format!(
        r#"{{"seq":3,"ts":"x","event":"authenticate","data":{TRACE},"source":"cdp_intercept","direction":"sent"}}"#
    );
    let event = decode(LineFormat::CdpCapture, None, &text);
    assert_eq!(event.status, FrameStatus::PayloadLost);
    assert!(event.payload.is_none());
    assert_eq!(event.trace_id(), Some("0123456789abcdef0123456789abcdef"));
}

#[test]
fn a_cdp_line_with_its_raw_frame_is_not_lost_its_ack_id() {
    let text =
        r#"{"seq":3,"ts":"x","event":"buyOrder","data":{"amount":1},"raw":"427[\"buyOrder\",{\"amount\":1}]"}"#;
    let event = decode(LineFormat::CdpCapture, None, text);
    assert_eq!((event.ack_id, event.payload.unwrap().get()), (Some(7), r#"{"amount":1}"#));
}

#[test]
fn a_line_that_is_not_json_is_unparsed() {
    assert_eq!(decode(LineFormat::Sandbox, None, "{oops").status, FrameStatus::Unparsed);
    assert_eq!(decode(LineFormat::Wire, None, "oops").status, FrameStatus::Unparsed);
}

#[test]
fn a_bare_payload_takes_its_name_from_beside_it() {
    let event = decode(LineFormat::Payload, Some("gameStatePlayerUpdate"), r#"{"gameId":"g"}"#);
    assert_eq!(event.name.as_deref(), Some("gameStatePlayerUpdate"));
}

#[test]
fn a_browser_log_keeps_all_arguments() {
    let text = format!(
        r#"{{"timestamp":1,"type":"INCOMING","packet":{{"type":2,"nsp":"/","data":["x",{TRACE},{{"a":1}}],"id":4}}}}"#
    );
    let event = decode(LineFormat::BrowserLog, None, &text);
    assert_eq!((event.name.as_deref(), event.ack_id), (Some("x"), Some(4)));
    assert_eq!(event.payload.unwrap().get(), r#"{"a":1}"#);
}

#[test]
fn a_defaulted_recording_price_is_told_from_the_servers_own_one() {
    let timer = RecordingLine::read(
        r#"{"type":"tick","tick":0,"price":1.0,"active":false,"rugged":false,"cooldown_timer":14900}"#,
    )
    .unwrap();
    assert!(timer.is_tick() && timer.is_timer_packet());
    let opening = RecordingLine::read(
        r#"{"type":"tick","tick":0,"price":1,"active":false,"rugged":false,"cooldown_timer":10000}"#,
    )
    .unwrap();
    assert!(!opening.is_timer_packet());
    assert_eq!(opening.price_value(), Some(1.0));
}

#[test]
fn format_numbers_and_names_round_trip() {
    for format in ALL_FORMATS {
        assert_eq!(LineFormat::from_u8(format as u8), Some(format));
        assert_eq!(LineFormat::from_name(format.as_str()), Some(format));
    }
}

#[test]
fn w35_an_event_is_found_inside_its_wrappers() {
    for text in [
        r#"{"event": "x", "data": {"a": 1}}"#,
        r#"{"data": {"event": "x", "data": {"a": 1}}}"#,
        r#"{"name": "bus", "data": {"data": {"event": "x", "data": {"a": 1}}}}"#,
    ] {
        let event = decode(LineFormat::RawCapture, None, text);
        assert_eq!(event.name.as_deref(), Some("x"), "{text}");
        assert_eq!(event.payload.unwrap().get(), r#"{"a": 1}"#, "{text}");
    }
    for text in [r#"{"data": 1}"#, r#"{"name": "bus"}"#, r#"{"data": {"data": null}}"#] {
        assert_eq!(decode(LineFormat::RawCapture, None, text).status, FrameStatus::Unparsed);
    }
}

#[test]
fn an_escaped_raw_frame_gives_the_payload_that_the_recorder_dropped() {
    let text = r#"{"event_name":"x","data":{"__trace":true,"traceparent":"00-0-0-1"},"raw":"42[\"x\",{\"__trace\":true},{\"a\":1}]"}"#;
    let inner = inner(LineFormat::NotebookCapture, text).unwrap();
    let event = decode(inner.format, inner.hint.as_deref(), &inner.text);
    assert_eq!((event.status, event.payload.unwrap().get()), (FrameStatus::Ok, r#"{"a":1}"#));
}

#[test]
fn a_payload_exported_as_a_string_is_read() {
    let text = r#"{"ts":1,"doc_type":"ws_event","event_name":"x","raw_json":"{\"a\":\"é\"}"}"#;
    let inner = inner(LineFormat::ExportedRow, text).unwrap();
    assert_eq!(
        (inner.format, inner.hint.as_deref(), inner.text.as_str()),
        (LineFormat::Payload, Some("x"), r#"{"a":"é"}"#)
    );
}

#[test]
fn most_texts_hold_no_other() {
    assert_eq!(inner(LineFormat::CdpCapture, r#"{"event":"x","data":{}}"#), None);
    assert_eq!(inner(LineFormat::CdpCapture, r#"{"event":"x","raw":null}"#), None);
    assert_eq!(inner(LineFormat::Wire, r#"42["raw"]"#), None);
}
