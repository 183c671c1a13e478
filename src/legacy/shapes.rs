//! Files of other programs, in the shapes that people have them: each is read right, or refused with a sentence.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::io::Write;

use crate::hosts::Hosts;
use crate::import::{self, Options};
use crate::mapping::Mapping;
use crate::report::{Report, Status};
use crate::testing::{Fixture, gzip, options, raw};
use replayer_store::schema::DocType;

const GAME: &str = "20260115-aaaabbbbccccdddd";
const FIRST: &str = "2026-01-15T14:00:00.5Z";
const FIRST_MS: i64 = 1_768_485_600_500;

/// A game's state.
fn state(tick: u32) -> String {
    format!(
        r#"{{"gameId":"{GAME}","active":true,"rugged":false,"tickCount":{tick},"price":1.50,"cooldownTimer":0}}"#
    )
}

fn frame(tick: u32) -> String {
    format!("42[\"gameStateUpdate\",{}]", state(tick))
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

const ORDER: &str = r#"4277["buyOrder",{"amount":0.01}]"#;
const ANSWER: &str = r#"4377[{"success":true}]"#;

fn texts(fixture: &Fixture, doc_type: DocType, name: &str) -> Vec<String> {
    fixture.column(doc_type, name).into_iter().map(|value| value.unwrap_or_else(|| "NULL".into())).collect()
}

/// Imports two states, an order and its answer: they come out byte for byte, with times, directions and the action.
fn is_the_recording(name: &str, content: impl AsRef<[u8]>, format: &str) -> (Fixture, Report) {
    let fixture = Fixture::new();
    let report = fixture.import_content(name, content);
    let file = &report.per_file[0];
    assert!(report.is_whole(), "{name}: {file:?}");
    assert_eq!((file.format.as_deref(), file.counts.rows), (Some(format), 4), "{name}: {file:?}");
    assert_eq!(
        texts(&fixture, DocType::WsEvent, "raw_json"),
        [frame(0), frame(1), ORDER.into(), ANSWER.into()],
        "{name}"
    );
    assert_eq!(
        texts(&fixture, DocType::WsEvent, "direction"),
        ["received", "received", "sent", "received"],
        "{name}"
    );
    assert_eq!(texts(&fixture, DocType::GameTick, "tick"), ["0", "1"], "{name}");
    assert_eq!(texts(&fixture, DocType::PlayerAction, "outcome"), ["NULL", "success"], "{name}");
    assert_eq!(file.from.as_deref(), Some(FIRST), "{name}");
    assert_eq!(file.counts.without_time, 0, "{name}");
    (fixture, report)
}

/// The recording's frames, each with the word for its way, and its milliseconds.
fn frames(received: &str, sent: &str) -> Vec<(String, String, i64)> {
    [(frame(0), received), (frame(1), received), (ORDER.to_owned(), sent), (ANSWER.to_owned(), received)]
        .into_iter()
        .enumerate()
        .map(|(n, (text, way))| (text, way.to_owned(), FIRST_MS + 250 * n as i64))
        .collect()
}

fn lines(of: impl Fn(&str, &str, i64) -> String, received: &str, sent: &str) -> String {
    frames(received, sent).iter().map(|(text, way, ms)| of(text, way, *ms) + "\n").collect()
}

fn iso(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).unwrap().to_string()
}

#[test]
fn frames_in_json_under_any_of_their_usual_names() {
    type Of = fn(&str, &str, i64) -> String;
    let shapes: [(Of, &str, &str); 9] = [
        (|t, w, ms| format!(r#"{{"ts": {ms}, "dir": "{w}", "data": {}}}"#, quoted(t)), "in", "out"),
        (
            |t, w, ms| {
                format!(r#"{{"time": {}.{:03}, "type": "{w}", "frame": {}}}"#, ms / 1000, ms % 1000, quoted(t))
            },
            "recv",
            "send",
        ),
        (
            |t, w, ms| format!(r#"{{"timestamp": "{}", "direction": "{w}", "payload": {}}}"#, iso(ms), quoted(t)),
            "RECEIVED",
            "SENT",
        ),
        (|t, w, ms| format!(r#"{{"at": "{ms}", "kind": "{w}", "message": {}}}"#, quoted(t)), "<<", ">>"),
        (|t, w, ms| format!(r#"{{"ts_us": {}, "op": "{w}", "raw": {}}}"#, ms * 1000, quoted(t)), "s2c", "c2s"),
        (|t, w, ms| format!(r#"{{"t": {ms}, "from_client": {w}, "content": {}}}"#, quoted(t)), "false", "true"),
        (
            |t, w, ms| format!(r#"{{"event": "{w}", "payload": {}, "ts": {ms}}}"#, quoted(t)),
            "framereceived",
            "framesent",
        ),
        (
            |t, w, ms| {
                format!(
                    r#"{{"ts": {ms}, "msg": {{"way": 1, "direction": "{w}", "raw": {}}}, "dir": "{w}"}}"#,
                    quoted(t)
                )
            },
            "in",
            "out",
        ),
        (|t, w, ms| format!(r#"[{ms}, "{w}", {}]"#, quoted(t)), "in", "out"),
    ];
    for (n, (of, received, sent)) in shapes.into_iter().enumerate() {
        let text = lines(of, received, sent);
        let format = if n == 8 { "wire_lines" } else { "frames" };
        // Whatever it is called, with a mark, comments, CRLF.
        is_the_recording("capture.log", &text, format);
        let odd = format!("\u{FEFF}# by a bot\r\n\r\n{}", text.replace('\n', "\r\n"));
        let (_, report) = is_the_recording("notes.txt", odd, format);
        assert_eq!(report.totals.comments, 2);
    }
}

#[test]
fn a_list_of_frames_in_a_document() {
    let message = |text: &str, way: &str, ms: i64| {
        let seconds = ms as f64 / 1000.0;
        format!(r#"{{"type": "{way}", "time": {seconds}, "opcode": 1, "data": {}}}"#, quoted(text))
    };
    let list: Vec<_> = frames("receive", "send").iter().map(|(text, way, ms)| message(text, way, *ms)).collect();
    let list = format!("[\n{}\n]", list.join(",\n"));
    is_the_recording("messages.json", &list, "json_array");
    is_the_recording(
        "messages.json",
        format!(r#"{{"site": "x", "log": {{"frames": {list}}}}}"#),
        "json_list at log.frames",
    );
}

#[test]
fn har_files_hold_other_things_that_are_never_stored() {
    let message = |text: &str, way: &str, ms: i64| {
        format!(r#"{{"type": "{way}", "time": {}, "opcode": 1, "data": {}}}"#, ms as f64 / 1000.0, quoted(text))
    };
    let list: Vec<_> = frames("receive", "send").iter().map(|(text, way, ms)| message(text, way, *ms)).collect();
    let har = format!(
        r#"{{"log": {{"entries": [
            {{"_webSocketMessages": [{}, {{"type": "receive", "time": 1768485602, "opcode": 2, "data": "AAE="}}],
              "request": {{"url": "wss://backend.rugs.fun/socket.io/?token=INVENTED-URL", "headers": [{{"name": "Cookie", "value": "INVENTED-COOKIE"}}]}}}},
            {{"_webSocketMessages": [{{"type": "receive", "time": 1, "opcode": 1, "data": "42[\"INVENTED-OTHER\",{{}}]"}}],
              "request": {{"url": "wss://chat.example.com/"}}}},
            {{"request": {{"url": "https://backend.rugs.fun/socket.io/?transport=polling&sid=INVENTED-SID"}}, "startedDateTime": "2026-01-15T14:00:00.600Z",
              "response": {{"content": {{"text": "40{{\"sid\":\"abc\"}}\u001e2"}}}}}}
        ]}}}}"#,
        list.join(",")
    );
    let fixture = Fixture::new();
    let report = fixture.import_content("session.har", har);
    let file = &report.per_file[0];
    assert!(report.is_whole(), "{file:?}");
    assert_eq!((file.format.as_deref(), file.counts.rows, file.counts.left_out), (Some("har"), 7, 1));
    assert_eq!(file.not_text["binary"], 1);
    assert_eq!(
        texts(&fixture, DocType::WsEvent, "raw_json")[..4],
        [frame(0), frame(1), ORDER.into(), ANSWER.into()]
    );
    assert_eq!(texts(&fixture, DocType::WsEvent, "socket_id")[0], "1");
    assert_eq!(texts(&fixture, DocType::PlayerAction, "outcome"), ["NULL", "success"]);
    fixture.assert_nowhere("INVENTED");
}

#[test]
fn events_of_the_debugging_protocol_are_dated_by_the_handshake() {
    let event =
        |method: &str, params: String| format!("{{\"method\": \"Network.{method}\", \"params\": {params}}}\n");
    let mut text = event(
        "webSocketCreated",
        r#"{"requestId": "7.1", "url": "wss://backend.rugs.fun/?token=INVENTED"}"#.into(),
    );
    text += &event("webSocketCreated", r#"{"requestId": "7.2", "url": "wss://example.com/"}"#.into());
    text += &event("webSocketWillSendHandshakeRequest", r#"{"requestId": "7.1", "timestamp": 100.0, "wallTime": 1768485600.0, "request": {"headers": {"Cookie": "INVENTED"}}}"#.into());
    for (n, (text_of, way, _)) in frames("Received", "Sent").iter().enumerate() {
        let at = 100.5 + n as f64 * 0.25;
        let params = format!(
            r#"{{"requestId": "7.1", "timestamp": {at}, "response": {{"opcode": 1, "mask": false, "payloadData": {}}}}}"#,
            quoted(text_of)
        );
        text += &event(&format!("webSocketFrame{way}"), params);
    }
    text += &event(
        "webSocketFrameReceived",
        r#"{"requestId": "7.2", "timestamp": 102.0, "response": {"opcode": 1, "payloadData": "42[\"x\",{}]"}}"#
            .into(),
    );
    let (fixture, report) = is_the_recording("trace.jsonl", text, "frames");
    assert_eq!(report.totals.left_out, 4);
    fixture.assert_nowhere("INVENTED");
}

#[test]
fn flows_of_a_proxy() {
    let messages: Vec<_> = frames("false", "true")
        .iter()
        .map(|(text, way, ms)| {
            format!(
                r#"{{"type": 1, "from_client": {way}, "content": {}, "timestamp": {}}}"#,
                quoted(text),
                *ms as f64 / 1000.0
            )
        })
        .collect();
    let flow = |host: &str| {
        format!(
            r#"{{"request": {{"host": "{host}", "path": "/?INVENTED"}}, "websocket": {{"messages": [{}]}}}}"#,
            messages.join(",")
        )
    };
    is_the_recording("flow.json", flow("backend.rugs.fun"), "json_list at websocket.messages");
    let two = format!("[{}, {}]", flow("backend.rugs.fun"), flow("example.com"));
    let (fixture, report) = is_the_recording("flows.json", two, "json_array");
    assert_eq!(report.totals.left_out, 4);
    fixture.assert_nowhere("INVENTED");
    let states: Vec<_> = frames("false", "true")
        .iter()
        .map(|(text, way, ms)| format!("[1, {way}, {}, {}, false, false]", quoted(text), *ms as f64 / 1000.0))
        .collect();
    is_the_recording(
        "state.json",
        format!(r#"{{"websocket": {{"messages": [{}]}}}}"#, states.join(",")),
        "json_list at websocket.messages",
    );
}

#[test]
fn frames_in_plain_text_with_anything_around_them() {
    type Of = fn(&str, &str, i64) -> String;
    let shapes: [(Of, &str, &str); 4] = [
        (|t, w, ms| format!("{} {w} {t}", iso(ms)), "recv", "send"),
        (|t, w, ms| format!("[{}] INFO ws {w}: {t}", iso(ms)), "<-", "->"),
        (|t, w, ms| format!("{ms}\t{w}\t{t}"), "in", "out"),
        (|t, w, ms| format!("{w} {t}\t{}\t{}", t.len(), iso(ms)), "↓", "↑"),
    ];
    for (of, received, sent) in shapes {
        is_the_recording("ws.txt", lines(of, received, sent), "wire_lines");
    }
    let fixture = Fixture::new();
    let bare: String = frames("", "").iter().map(|(text, _, _)| text.clone() + "\n").collect();
    let report = fixture.import_content("frames.txt", format!("{bare}2\n3\n"));
    assert!(report.is_whole() && report.totals.without_time == 6, "{report:?}");
    assert_eq!(
        texts(&fixture, DocType::WsEvent, "direction"),
        ["received", "received", "sent", "received", "received", "sent"],
        "each can only have gone one way"
    );
}

#[test]
fn socket_io_logs_and_golden_hour_files_are_the_frames_they_were() {
    for text in [
        format!(r#"{{"time": {FIRST_MS}, "event": "gameStateUpdate", "args": [{}]}}"#, state(0)),
        format!(
            "# Session: {{}}\n{{\"ts\": \"2026-01-15T09:00:00\", \"ts_ms\": {FIRST_MS}, \"event\": \"gameStateUpdate\", \"data\": [{}]}}",
            state(0)
        ),
        format!(r#"{{"timestamp": "{FIRST}", "type": "gameStateUpdate", "payload": {}}}"#, state(0)),
        format!(r#"{{"at": {FIRST_MS}, "name": "gameStateUpdate", "body": {}}}"#, quoted(&state(0))),
        format!(r#"{{"ts": {FIRST_MS}, "direction": "in", "data": ["gameStateUpdate", {}]}}"#, state(0))
            .replace(", {", ",{"),
    ] {
        let fixture = Fixture::new();
        let report = fixture.import_content("bot.log", &text);
        assert!(report.is_whole() && report.totals.rows == 1, "{text}: {report:?}");
        assert_eq!(texts(&fixture, DocType::WsEvent, "raw_json"), [frame(0)], "{text}");
        assert_eq!(texts(&fixture, DocType::GameTick, "tick"), ["0"], "{text}");
        assert_eq!(report.per_file[0].from.as_deref(), Some(FIRST), "{text}");
    }
    let fixture = Fixture::new();
    let text = format!(
        "{{\"ts\": {FIRST_MS}, \"type\": \"emit\", \"event\": \"buyOrder\", \"id\": 7, \"args\": [{{\"amount\":0.01}}]}}\n\
         {{\"ts\": {FIRST_MS}, \"event\": \"gameStateUpdate\", \"args\": [{{\"__trace\":true}}, {}]}}\n",
        state(1)
    );
    let report = fixture.import_content("bot.log", &text);
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(texts(&fixture, DocType::WsEvent, "raw_json")[0], r#"427["buyOrder",{"amount":0.01}]"#);
    assert_eq!(texts(&fixture, DocType::PlayerAction, "action_type"), ["BUY"]);
    assert_eq!(texts(&fixture, DocType::GameTick, "tick"), ["1"]);
}

#[test]
fn finished_games_in_any_form_and_batches_without_seeds() {
    let entry = format!(
        r#"{{"id": "{GAME}", "timestamp": {FIRST_MS}, "prices": [1.0, 1.25, 0.02], "peakMultiplier": 1.25, "rugged": true}}"#
    );
    let foreign = format!(
        r#"{{"gameId": "{GAME}", "priceHistory": [1.0, 1.25, 0.02], "ruggedAt": "{FIRST}", "peak": 1.25, "note": "mine"}}"#
    );
    let texted = format!(
        r#"{{"game_id": "{GAME}", "price_history": "[1.0,1.25,0.02]", "rugged_at": {}}}"#,
        FIRST_MS as f64 / 1000.0
    );
    for text in [
        entry.clone(),
        format!("[{entry}]"),
        format!(r#"{{"gameHistory": [{entry}]}}"#),
        foreign.clone(),
        format!(r#"{{"games": [{foreign}], "exported": "today"}}"#),
        format!("{foreign}\n"),
        texted,
    ] {
        let fixture = Fixture::new();
        let report = fixture.import_content("games.txt", &text);
        assert!(report.is_whole() && report.totals.rows == 1, "{text}: {report:?}");
        assert_eq!(report.totals.unproven, 1, "{text}");
        assert_eq!(texts(&fixture, DocType::Game, "game_id"), [GAME], "{text}");
        assert_eq!(texts(&fixture, DocType::Game, "prices"), ["[1.0, 1.25, 0.02]"], "{text}");
        assert_eq!(texts(&fixture, DocType::Game, "ended_at"), [FIRST], "{text}");
        assert_eq!(texts(&fixture, DocType::Game, "proven"), ["NULL"], "{text}");
    }
    let fixture = Fixture::new();
    fixture.import_content("one.json", &foreign);
    let raw = &texts(&fixture, DocType::Game, "raw_json")[0];
    assert!(raw.contains(r#""prices":[1.0, 1.25, 0.02]"#) && raw.contains(r#""note":"mine""#), "{raw}");
    let fixture = Fixture::new();
    let report =
        fixture.import_content("x.jsonl", format!(r#"{{"priceHistory": [1.0], "ruggedAt": {FIRST_MS}}}"#));
    assert!(!report.is_whole(), "which game it was is not known");
}

#[test]
fn the_simulators_log_is_seen_from_the_client() {
    let of = |text: &str, way: &str, ms: i64| {
        format!(r#"{{"socket":1,"n":1,"at_us":{},"direction":"{way}","text":{}}}"#, ms * 1000, quoted(text))
    };
    is_the_recording("server.log", lines(of, "sent", "received"), "simulator_log");
    let fixture = Fixture::new();
    let report = fixture
        .import_content("x", r#"{"socket":1,"n":1,"at_us":1768485600500000,"direction":"sent","sha256":"00"}"#);
    assert!(report.per_file[0].rejections[0].reason.contains("digest"));
}

#[test]
fn packets_that_tshark_decrypted() {
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":");
    let of = |texts: &[&str], mask: u8, ms: i64| {
        let one = |text: &str, is_hex: bool| {
            let payload = if is_hex { hex(text) } else { text.to_owned() };
            let key = if is_hex { "websocket.payload" } else { "websocket.payload.text" };
            format!(
                r#""websocket": {{"websocket.opcode": "1", "websocket.mask": "{mask}", "{key}": {}}}"#,
                quoted(&payload)
            )
        };
        let layers: Vec<_> = texts.iter().enumerate().map(|(n, text)| one(text, n == 1)).collect();
        let time = format!("{}.{:03}000000", ms / 1000, ms % 1000);
        let layers = layers.join(", ");
        format!(
            r#"{{"_index": "packets", "_source": {{"layers": {{"frame": {{"frame.time_epoch": "{time}"}}, {layers}}}}}}}"#
        )
    };
    let (first, second) = (frame(0), frame(1));
    let list =
        [of(&[&first, &second], 0, FIRST_MS), of(&[ORDER], 1, FIRST_MS + 500), of(&[ANSWER], 0, FIRST_MS + 750)];
    is_the_recording("tshark.json", format!("[{}]", list.join(",\n")), "json_array");
}

#[test]
fn tables_as_text() {
    let cell = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let rows = lines(|text, way, ms| format!("{ms},{way},{}", cell(text)), "in", "out");
    is_the_recording("frames.csv", format!("ts,dir,frame\n{rows}"), "csv");
    let rows = lines(|text, way, ms| format!("{};{way};{}", iso(ms), cell(text)), "received", "sent");
    is_the_recording("frames.csv", format!("time;direction;payload\n{rows}"), "csv");
    let rows = lines(|text, way, ms| format!("{},{way},wire,{},s", iso(ms), cell(text)), "received", "sent");
    is_the_recording("ours.csv", format!("ts,direction,format,raw_json,session_id\n{rows}"), "csv");
    let fixture = Fixture::new();
    let report = fixture.import_content("prices.csv", "date,price\n2026-01-01,1\n");
    assert_eq!(report.per_file[0].status, Status::Skipped);
    assert!(!report.is_whole() && report.per_file[0].reason.as_ref().unwrap().contains("date, price"));
}

#[test]
fn packed_files_are_what_is_in_them() {
    let text = lines(|t, w, ms| format!(r#"{{"ts": {ms}, "dir": "{w}", "data": {}}}"#, quoted(t)), "in", "out");
    let half = text.len() / 2;
    let two = [gzip(&text.as_bytes()[..half]), gzip(&text.as_bytes()[half..])].concat();
    is_the_recording("a.gz", two, "frames");
    let (fixture, _) = is_the_recording("a.zst", zstd::encode_all(text.as_bytes(), 3).unwrap(), "frames");
    // The same content, packed otherwise, is the same.
    let again = fixture.import_content("b.bin", gzip(&gzip(text.as_bytes())));
    assert_eq!(again.per_file[0].status, Status::AlreadyImported);
    assert!(again.is_whole());
    let grown = fixture.import_content(
        "a.gz",
        gzip(format!("{text}{}\n", r#"{"ts": 1768485609000, "dir": "in", "data": "2"}"#).as_bytes()),
    );
    assert_eq!((grown.per_file[0].status, grown.totals.rows), (Status::Grown, 1));
    let mut cut = gzip(text.as_bytes());
    cut.truncate(cut.len() - 9);
    let report = Fixture::new().import_content("cut.gz", cut);
    assert_eq!((report.per_file[0].status, report.is_whole()), (Status::Failed, false));
}

#[test]
fn members_of_an_archive_are_reported_one_by_one() {
    let text = lines(|t, w, ms| format!(r#"{{"ts": {ms}, "dir": "{w}", "data": {}}}"#, quoted(t)), "in", "out");
    let archive = crate::zip::tests::archive(&[
        ("README.md", b"# About this recording\n"),
        ("day/one.jsonl", text.as_bytes()),
        ("two.log", raw(1, "x", "{}").as_bytes()),
    ]);
    let fixture = Fixture::new();
    let report = fixture.import_content("all.zip", archive);
    let names: Vec<_> = report.per_file.iter().map(|file| (file.name.as_str(), file.status)).collect();
    assert_eq!(
        names,
        [
            ("all.zip!README.md", Status::Skipped),
            ("all.zip!day/one.jsonl", Status::Imported),
            ("all.zip!two.log", Status::Imported)
        ]
    );
    assert!(report.is_whole() && report.files.left_out == 1);
    let empty = crate::zip::tests::archive(&[("README.md", b"# About\n")]);
    let report = fixture.import_content("none.zip", empty);
    assert!(!report.is_whole());
    assert!(report.per_file[1].reason.as_ref().unwrap().contains("none of which is a recording"));
}

#[test]
fn what_is_named_counts_and_what_is_found_does_not() {
    let fixture = Fixture::new();
    fixture.file("README.md", "# Notes\n");
    fixture.file("tool.py", "print(1)\n");
    fixture.file("a.jsonl", raw(1, "x", "{}"));
    let report = fixture.import(&fixture.files());
    assert!(report.is_whole(), "{report:?}");
    assert_eq!(
        (report.files.left_out, report.per_file[0].named, report.per_file[0].fate()),
        (2, false, "left out")
    );
    let report = fixture.import(&fixture.files().join("README.md"));
    assert!(!report.is_whole() && report.per_file[0].named);
    assert!(report.per_file[0].reason.is_some());
    assert!(fixture.import(&fixture.files().join("a.jsonl")).is_whole(), "already imported is taken");
}

#[test]
fn unknown_lines_are_described_and_a_mapping_reads_them() {
    let text = lines(
        |t, w, ms| format!(r#"{{"time_ms": {ms}, "way": "{w}", "odd": {{"deep": {}}}}}"#, quoted(t)),
        "in",
        "out",
    );
    let fixture = Fixture::new();
    let path = fixture.file("bot.jsonl", &text);
    let report = fixture.import(&path);
    assert_eq!(report.per_file[0].status, Status::Skipped);
    let advice = report.per_file[0].reason.clone().unwrap();
    assert!(advice.contains("--map ts=time_ms,frame=odd.deep"), "{advice}");
    let mapped = |mapping: &str| Options { mapping: Some(Mapping::parse(mapping).unwrap()), ..options(&path) };
    let report = import::dry_run(Some(&fixture.root), &mapped("ts=time_ms,frame=odd.deep,dir=way")).unwrap();
    let preview = &report.per_file[0].preview;
    assert_eq!(preview.len(), 3);
    assert_eq!(
        (preview[1].time.as_deref(), preview[1].direction),
        (Some("2026-01-15T14:00:00.75Z"), Some("received"))
    );
    assert_eq!((preview[1].game.as_deref(), preview[1].tick), (Some(GAME), Some(1)));
    assert_eq!((preview[2].event.as_str(), preview[2].direction), ("buyOrder", Some("sent")));
    let report = import::run(&fixture.root, &mapped("ts=time_ms,frame=odd.deep,dir=way"), |_, _| ()).unwrap();
    assert!(report.is_whole() && report.totals.rows == 4, "{report:?}");
    assert_eq!(texts(&fixture, DocType::WsEvent, "raw_json")[1], frame(1));
    let other = Fixture::new();
    let report = import::run(&other.root, &mapped("ts=time_ms,frame=nowhere"), |_, _| ()).unwrap();
    assert_eq!((report.totals.rejected, report.is_whole()), (4, false));
    assert!(report.per_file[0].rejections[0].reason.contains("nothing at frame=nowhere"));
    let by_event = format!(r#"{{"when": "{FIRST}", "e": {{"n": "gameStateUpdate"}}, "b": {}}}"#, state(3));
    let path = other.file("b.jsonl", by_event);
    let options = Options { mapping: Some(Mapping::parse("ts=when,event=e.n,data=b").unwrap()), ..options(&path) };
    assert!(import::run(&other.root, &options, |_, _| ()).unwrap().is_whole());
    assert_eq!(texts(&other, DocType::WsEvent, "raw_json").last().unwrap(), &frame(3));
}

#[test]
fn credentials_of_any_line_are_nowhere() {
    let text = [
        r#"{"ts": 1768485600000, "dir": "out", "data": "42[\"authenticate\",{\"jwt\":\"INVENTED-A-0123456789abcdef\"}]"}"#,
        r#"{"ts": 1768485600000, "dir": "out", "data": "40{\"who\":\"INVENTED-B-0123456789abcdef\"}"}"#,
        r#"{"ts": 1768485600000, "dir": "in", "data": "42[\"x\",{\"accessToken\":\"INVENTED-C-0123456789abcdef\"}]"}"#,
        r#"{"ts": 1768485600000, "dir": "in", "data": 5, "Authorization": "Bearer INVENTED-D-0123456789abcdef"}"#,
        "# token=INVENTED-E-0123456789abcdef",
        r#"{"broken": "Cookie: session=INVENTED-F-0123456789abcdef"#,
        r#"{"seq": 1, "ts": "2026-01-15T09:00:00", "event": "authenticate", "data": {"who": "INVENTED-G-0123456789abcdef"}}"#,
        r#"{"time": 1768485600000, "event": "authenticate", "args": [{"who": "INVENTED-H-0123456789abcdef"}]}"#,
    ];
    let fixture = Fixture::new();
    let report = fixture.import_content("secret.jsonl", text.join("\n"));
    assert!(report.totals.redacted >= 7, "{report:?}");
    fixture.assert_nowhere("INVENTED");
}

#[test]
fn lines_without_event_and_payload_are_rejected_by_their_number() {
    let fixture = Fixture::new();
    let lines = [raw(1, "x", "{}"), raw(2, "x", "{}")].join("\n");
    let text = format!("{lines}\n{{\"ts\": 1, \"event\": \"x\"}}\n{{\"ts\": 2}}\nhello\n[1, 2]\n");
    let report = fixture.import_content("a.jsonl", text);
    let rejections: Vec<_> = report.per_file[0].rejections.iter().map(|rejection| rejection.line).collect();
    assert_eq!((report.totals.rows, rejections), (2, vec![3, 4, 5, 6]));
    assert_eq!(fixture.rows()["ws_event"], 2);
}

#[test]
fn sockets_of_named_hosts_are_taken_too() {
    let har = |host: &str| {
        format!(
            r#"{{"log": {{"entries": [{{"request": {{"url": "ws://{host}/socket.io/"}}, "_webSocketMessages": [{{"type": "receive", "time": 1768485600.5, "opcode": 1, "data": {}}}]}}]}}}}"#,
            quoted(&frame(0))
        )
    };
    let fixture = Fixture::new();
    let path = fixture.file("local.har", har("localhost:4010"));
    let report = fixture.import(&path);
    assert_eq!((report.totals.rows, report.is_whole()), (0, false));
    assert!(report.per_file[0].reason.as_ref().unwrap().contains("--host"), "{report:?}");
    let fixture = Fixture::new();
    let path = fixture.file("local.har", har("localhost:4010"));
    let options = Options { hosts: Hosts::and(&["localhost".to_owned()]), ..options(&path) };
    assert_eq!(import::run(&fixture.root, &options, |_, _| ()).unwrap().totals.rows, 1);
}

/// How fast lines are taken in; a figure to look at, which no machine must reach.
#[test]
#[ignore = "a measurement: cargo test --release -p replayer-legacy --lib -- --ignored --nocapture lines_per_second"]
fn lines_per_second() {
    const LINES: u32 = 1_000_000;
    type Of = fn(u32) -> String;
    let shapes: [(&str, Of); 4] = [
        ("raw capture", |n| raw(n, "gameStateUpdate", &state(n % 500))),
        ("frames in JSON", |n| {
            format!(r#"{{"ts": {}, "dir": "in", "data": {}}}"#, FIRST_MS + i64::from(n), quoted(&frame(n % 500)))
        }),
        ("frames in text", |n| format!("{} << {}", FIRST_MS + i64::from(n), frame(n % 500))),
        ("event and arguments", |n| {
            format!(
                r#"{{"time": {}, "event": "gameStateUpdate", "args": [{}]}}"#,
                FIRST_MS + i64::from(n),
                state(n % 500)
            )
        }),
    ];
    for (name, line) in shapes {
        let fixture = Fixture::new();
        let mut out = std::io::BufWriter::new(std::fs::File::create(fixture.file("a.jsonl", "")).unwrap());
        for n in 0..LINES {
            writeln!(out, "{}", line(n)).unwrap();
        }
        out.flush().unwrap();
        drop(out);
        let start = std::time::Instant::now();
        let report = fixture.import(&fixture.files());
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(report.totals.rows, u64::from(LINES));
        let megabytes = report.per_file[0].bytes as f64 / 1e6;
        eprintln!("{name}: {:.0} lines/s, {:.0} MB/s", f64::from(LINES) / seconds, megabytes / seconds);
    }
}
