//! Behaviours P1–P16 of the frame parser, and that no input makes it panic.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn payload(text: &str) -> Value {
    serde_json::from_str(parse(text).unwrap().payload().unwrap().get()).unwrap()
}

#[test]
fn p1_an_event_has_its_name_and_payload() {
    let text = r#"42["gameStateUpdate",{"gameId":"123","price":1.5}]"#;
    let frame = parse(text).unwrap();
    assert_eq!(frame.packet, Packet::Event);
    assert_eq!(frame.event_name.as_deref(), Some("gameStateUpdate"));
    assert_eq!(frame.ack_id, None);
    assert_eq!(payload(text), serde_json::json!({"gameId": "123", "price": 1.5}));
}

#[test]
fn p2_an_ack_id_is_kept() {
    let frame = parse(r#"42123["gameStateUpdate",{"price":1.5}]"#).unwrap();
    assert_eq!(frame.ack_id, Some(123));
    assert_eq!(frame.event_name.as_deref(), Some("gameStateUpdate"));
}

#[test]
fn p3_p4_a_namespace_stands_before_the_ack_id() {
    let frame = parse(r#"42/rugs,["playerUpdate",{"cash":1.23}]"#).unwrap();
    assert_eq!((frame.namespace, frame.ack_id), ("/rugs", None));
    let frame = parse(r#"42/rugs,7["usernameStatus",{"username":"Dutch"}]"#).unwrap();
    assert_eq!((frame.namespace, frame.ack_id), ("/rugs", Some(7)));
    assert_eq!(payload(r#"42/rugs,7["usernameStatus",{"username":"Dutch"}]"#)["username"], "Dutch");
}

#[test]
fn p5_open_carries_the_session_id() {
    let frame = parse(r#"0{"sid":"abc123"}"#).unwrap();
    assert_eq!(frame.packet, Packet::Open);
    assert_eq!(frame.data.unwrap().get(), r#"{"sid":"abc123"}"#);
}

#[test]
fn p6_ping_and_pong_carry_nothing() {
    assert_eq!(parse("2").unwrap().packet, Packet::Ping);
    assert_eq!(parse("3").unwrap().packet, Packet::Pong);
    assert!(parse("2").unwrap().data.is_none());
}

#[test]
fn p7_a_slash_is_part_of_the_name() {
    let frame = parse(r#"42["standard/newTrade",{"type":"buy","amount":0.01}]"#).unwrap();
    assert_eq!(frame.event_name.as_deref(), Some("standard/newTrade"));
    assert_eq!(frame.namespace, "/");
}

#[test]
fn p9_other_text_is_not_a_frame() {
    assert_eq!(parse("invalid").unwrap_err(), FrameError::Unparsed);
    assert_eq!(parse("").unwrap_err(), FrameError::Unparsed);
}

#[test]
fn p10_the_trace_argument_is_not_the_payload() {
    let text = r#"42["t",{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"},{"x":1}]"#;
    let frame = parse(text).unwrap();
    assert_eq!(frame.trace_id(), Some("0123456789abcdef0123456789abcdef"));
    assert_eq!(frame.args.len(), 2);
    assert_eq!(payload(text), serde_json::json!({"x": 1}));
    assert_eq!(payload(r#"42["t",{"traceparent":"00-a-b-01"},{"x":1}]"#)["x"], 1);
    assert_eq!(payload(r#"42["t",{"__trace":true},{"x":2}]"#)["x"], 2);
}

#[test]
fn p11_an_ordinary_second_argument_is_the_payload_and_the_third_is_kept() {
    let frame = parse(r#"42["t",{"x":1},{"y":2}]"#).unwrap();
    assert_eq!(frame.payload().unwrap().get(), r#"{"x":1}"#);
    assert_eq!(frame.args.len(), 2);
}

#[test]
fn p12_an_event_may_have_no_payload() {
    let frame = parse(r#"42["ping"]"#).unwrap();
    assert_eq!(frame.event_name.as_deref(), Some("ping"));
    assert!(frame.payload().is_none());
}

#[test]
fn p13_broken_json_is_an_error_that_names_the_packet() {
    assert_eq!(parse(r#"42["x",{"#).unwrap_err(), FrameError::BrokenJson(Packet::Event));
    assert_eq!(parse("42[]").unwrap_err(), FrameError::BrokenJson(Packet::Event));
    assert_eq!(parse("42[1]").unwrap_err(), FrameError::BrokenJson(Packet::Event));
}

#[test]
fn p14_an_order_has_ack_id_trace_and_amount() {
    let text = r#"4229["buyOrder",{"__trace":true,"traceparent":"00-55110000000000000000000000000b5c-00000000000000c9-01"},{"amount":0.002}]"#;
    let frame = parse(text).unwrap();
    assert_eq!(frame.ack_id, Some(29));
    assert_eq!(frame.trace_id(), Some("55110000000000000000000000000b5c"));
    assert_eq!(payload(text)["amount"], 0.002);
}

#[test]
fn p15_an_empty_ack_is_an_ack() {
    let frame = parse("4358[]").unwrap();
    assert_eq!((frame.packet, frame.ack_id, frame.args.len()), (Packet::Ack, Some(58), 0));
}

#[test]
fn p16_a_namespace_without_comma_or_a_missing_bracket_is_rejected() {
    for text in [r#"42/rugs["x"]"#, "42", "42/rugs", "42abc", "4299", "43", "47[]", "9[]"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

#[test]
fn connect_and_disconnect_may_name_a_bare_namespace() {
    assert_eq!(parse("40").unwrap().packet, Packet::Connect);
    assert_eq!(parse("40/rugs").unwrap().namespace, "/rugs");
    assert_eq!(parse(r#"40{"sid":"x"}"#).unwrap().data.unwrap().get(), r#"{"sid":"x"}"#);
    assert_eq!(parse("41").unwrap().packet, Packet::Disconnect);
    assert_eq!(parse("2probe").unwrap().packet, Packet::Ping);
}

#[test]
fn an_argument_keeps_its_own_text() {
    let frame = parse(r#"42["e",{"p": 1.0,  "q":1e-7}]"#).unwrap();
    assert_eq!(frame.payload().unwrap().get(), r#"{"p": 1.0,  "q":1e-7}"#);
}

#[test]
fn the_payloads_place_is_found_without_parsing() {
    let trace = r#"{"__trace":true,"traceparent":"00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}"#;
    for text in [
        r#"42["t",{"x":1}]"#,
        r#"42["t" , {"x":1},{"y":2}]"#,
        r#"42/rugs,17["t",[1],2]"#,
        r#"451-["t",{"_placeholder":true,"num":0}]"#,
        r#"42["ping"]"#,
        r#"42["a \"[quoted]\" name",5]"#,
        r#"42["t",{"text":"a trace of it"}]"#,
        r#"43[{"x":1}]"#,
        "4358[]",
        &format!(r#"42["t",{trace},{{"x":1}}]"#),
        &format!(r#"42["t",{trace}]"#),
        &format!(r#"42["t",{{"long":"{}","__trace":true}},1]"#, "x".repeat(600)),
    ] {
        let frame = parse(text).unwrap();
        let payload = if frame.event_name.is_some() { frame.payload() } else { frame.args.first().copied() };
        let place = payload.map(|payload| payload.get().as_ptr() as usize - text.as_ptr() as usize);
        assert_eq!(payload_at(text.as_bytes()), place, "{text}");
    }
    for text in ["", "4", "2", "42", r#"40{"sid":"x"}"#, "42[", r#"42["t"#, r#"42["t","#] {
        assert_eq!(payload_at(text.as_bytes()), None, "{text}");
    }
}

proptest! {
    /// Run wider with `PROPTEST_CASES=10000000 cargo test --release frame::tests::no_input`.
    #[test]
    fn no_input_makes_the_parser_panic(text in "[0-6]{0,3}(/[a-z]{0,3},?)?[0-9]{0,4}[\\[\\]{}\",:\\\\a-z0-9_é\u{0}-]{0,40}") {
        let _ = parse(&text);
        let _ = payload_at(text.as_bytes());
    }

    #[test]
    fn any_text_is_a_frame_or_an_error(text in ".{0,64}") {
        let _ = parse(&text);
    }
}
