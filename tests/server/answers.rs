//! The tools on a small store with known contents.

use super::*;

#[test]
fn query_sql_counts_right() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call(
        "query_sql",
        json!({"sql": "SELECT (SELECT count(*) FROM ws_event) AS frames, (SELECT count(*) FROM game_tick) AS ticks, \
                       (SELECT count(*) FROM trade) AS trades"}),
    );
    assert_eq!(answer["columns"], json!(["frames", "ticks", "trades"]));
    assert_eq!(answer["rows"], json!([[22, 18, 4]]));
    assert_eq!((&answer["truncated"], &answer["row_count"]), (&json!(false), &json!(1)));
    assert!(answer["as_of"].is_string() && answer["elapsed_ms"].is_number());
}

#[test]
fn query_sql_says_when_it_cut() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call(
        "query_sql",
        json!({"sql": "SELECT seq, raw_json FROM ws_event ORDER BY seq", "max_rows": 5, "max_cell": 20}),
    );
    assert_eq!(answer["row_count"], 5);
    assert_eq!(answer["truncated"], true);
    assert_eq!(answer["cut_cells"], 5);
    assert!(answer["next"].as_str().unwrap().contains("OFFSET 5"), "{answer}");
    let plan = wire.call("query_sql", json!({"sql": "SELECT count(*) FROM games", "explain": true}));
    assert!(plan["row_count"].as_u64().unwrap() >= 1);
}

#[test]
fn query_sql_stays_small_unless_asked() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let sql = "SELECT repeat('x', 290) AS text FROM range(5000)";
    let small = wire.call("query_sql", json!({"sql": sql, "max_rows": 5000}));
    assert!(small.to_string().len() < 40_000 && small["truncated"] == true);
    let large = wire.call("query_sql", json!({"sql": sql, "max_rows": 5000, "max_bytes": 500_000}));
    assert!(large.to_string().len() > 300_000);
}

#[test]
fn get_events_gives_frames_byte_for_byte() {
    let (root, session) = three_games();
    let mut wire = Wire::opened(root.path());
    let answer = wire.call(
        "get_events",
        json!({"refs": [{"session_id": session.to_string(), "seq": 3}, format!("{session}:1"), format!("{session}:999")]}),
    );
    let events = answer["events"].as_array().unwrap();
    assert_eq!(events[0]["raw_json"], json!(trade_frame("game-001", 0, "Alice")));
    assert_eq!(events[0]["event_name"], "standard/newTrade");
    assert_eq!(events[1]["raw_json"], json!(tick_frame("game-001", 0)));
    assert_eq!(answer["not_found"], json!([format!("{session}:999")]));
}

#[test]
fn lines_that_were_no_frames_have_addresses_too() {
    let folder = tempfile::tempdir().unwrap();
    let recording = folder.path().join("game_20251030_120000_0badc0de.jsonl");
    let line = r#"{"type": "tick", "timestamp": "2025-10-30T12:00:01.000001", "game_id": "20251030-000000000badc0de", "tick": 0, "price": 1, "phase": "GAME_ACTIVATION", "active": true, "rugged": false, "cooldown_timer": 0, "trade_count": 0}"#;
    std::fs::write(&recording, format!("{line}\n")).unwrap();
    let root = folder.path().join("root");
    let import = replayer().args(["legacy", "import"]).arg(&recording).arg("--data").arg(&root).output();
    assert!(import.unwrap().status.success());

    let mut wire = Wire::opened(&root);
    let card = wire.call("get_game", json!({"game_id": "20251030-000000000badc0de"}))["game"].clone();
    let session = &card["sessions"][0];
    let answer = wire
        .call("get_events", json!({"refs": [{"session_id": session["session_id"], "seq": session["first_seq"]}]}));
    assert_eq!(answer["events"][0]["raw_json"], json!(line));
    assert_eq!(answer["events"][0]["doc_type"], "game_tick");
}

#[test]
fn get_events_reads_a_long_frame_in_pieces() {
    let (root, session) = three_games();
    let mut wire = Wire::opened(root.path());
    let whole = tick_frame("game-001", 0);
    let (mut text, mut offset) = (String::new(), 0);
    loop {
        let answer =
            wire.call("get_events", json!({"refs": [format!("{session}:1")], "max_text": 40, "offset": offset}));
        let event = &answer["events"][0];
        text.push_str(event["raw_json"].as_str().unwrap());
        assert_eq!(event["cut"]["total_chars"], whole.chars().count());
        offset += event["cut"]["chars"].as_u64().unwrap();
        if text.len() >= whole.len() {
            break;
        }
        assert_eq!(answer["truncated"], true);
    }
    assert_eq!(text, whole);
}

#[test]
fn get_events_follows_a_recording() {
    let (root, session) = three_games();
    let mut wire = Wire::opened(root.path());
    let newest = wire.call("get_events", json!({"limit": 3}));
    let seqs = |answer: &Value| {
        answer["events"].as_array().unwrap().iter().map(|event| event["seq"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(seqs(&newest), [20, 21, 22]);
    assert_eq!(newest["cursor"], json!(format!("{session}:22")));
    let nothing = wire.call("get_events", json!({"after": newest["cursor"]}));
    assert_eq!((seqs(&nothing), &nothing["cursor"]), (vec![], &newest["cursor"]));

    let (mut cursor, mut all) = (json!(format!("{session}:0")), Vec::new());
    loop {
        let page = wire.call("get_events", json!({"after": cursor, "limit": 7}));
        all.extend(seqs(&page));
        cursor = page["cursor"].clone();
        if page["truncated"] == false {
            break;
        }
    }
    assert_eq!(all, (1..=22).collect::<Vec<u64>>());

    let trades = wire.call("get_events", json!({"event_name": "standard/newTrade", "game_id": "game-001"}));
    assert_eq!(seqs(&trades), [3, 4]);
}

#[test]
fn get_events_sees_what_is_recorded_while_it_runs() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path()).unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(Arc::clone(&store), RecorderOptions::new("test")).unwrap();
    let mut wire = Wire::opened(folder.path());
    let mut cursor = json!(format!("{}:0", recorder.session_id()));
    for tick in 0..3 {
        recorder
            .append(&Record::frame(
                1_770_000_000_000_000,
                Source::PublicWs,
                Direction::Received,
                &tick_frame("live", tick),
            ))
            .unwrap();
        let page = wire.call("get_events", json!({"after": cursor}));
        assert_eq!(page["events"].as_array().unwrap().len(), 1, "{page}");
        assert_eq!(page["events"][0]["raw_json"], json!(tick_frame("live", tick)));
        cursor = page["cursor"].clone();
    }
}

#[test]
fn get_game_lists_and_pages() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    let ids = |answer: &Value| {
        answer["games"]
            .as_array()
            .unwrap()
            .iter()
            .map(|game| game["game_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&wire.call("get_game", json!({}))), ["game-003", "game-002", "game-001"]);
    for order in ["newest", "oldest", "peak", "longest"] {
        let whole = ids(&wire.call("get_game", json!({"order": order})));
        let (mut paged, mut before) = (Vec::new(), Value::Null);
        loop {
            let page = wire.call("get_game", json!({"order": order, "limit": 1, "before": before}));
            paged.extend(ids(&page));
            before = page["before"].clone();
            if page["truncated"] == false {
                break;
            }
        }
        assert_eq!(paged, whole, "{order}");
    }
    assert_eq!(ids(&wire.call("get_game", json!({"order": "peak", "limit": 1}))), ["game-001"]);
}

#[test]
fn get_game_shows_a_card() {
    let (root, session) = three_games();
    let mut wire = Wire::opened(root.path());
    let card = wire.call("get_game", json!({"game_id": "game-001"}))["game"].clone();
    assert_eq!(card["ticks_recorded"], 10);
    assert_eq!(card["peak"], 1.9);
    assert_eq!((&card["start"]["tick"], &card["end"]["price"]), (&json!(0), &json!(1.9)));
    assert_eq!(card["prices"][2], json!([2, 1.2]));
    assert_eq!(card["prices_from"], "recorded_ticks");
    assert_eq!(
        card["sessions"],
        json!([{"session_id": session.to_string(), "frames": 12, "first_seq": 1, "last_seq": 12}])
    );
    let sides: Vec<(&Value, &Value)> =
        card["trades"].as_array().unwrap().iter().map(|side| (&side["side"], &side["seen"])).collect();
    assert_eq!(sides, [(&json!("buy"), &json!(1)), (&json!("sell"), &json!(1))]);

    let text = wire.refused("get_game", json!({"game_id": "game-01"}));
    assert!(text.contains("the ids most like it are") && text.contains("game-001"), "{text}");
    let resource = wire.ask("resources/read", json!({"uri": "replayer://game/game-001"}));
    let read: Value = serde_json::from_str(resource["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(read["game"], card);
}

#[test]
fn an_empty_store_is_empty_and_no_error() {
    let folder = tempfile::tempdir().unwrap();
    drop(Store::open(&DataRoot::create(folder.path()).unwrap(), "test").unwrap());
    let mut wire = Wire::opened(folder.path());
    let games = wire.call("get_game", json!({}));
    assert_eq!(games["games"], json!([]));
    assert!(games["next"].as_str().unwrap().contains("legacy import"));
    assert_eq!(wire.call("get_events", json!({}))["events"], json!([]));
    assert_eq!(wire.call("query_sql", json!({"sql": "SELECT count(*) FROM ws_event"}))["rows"], json!([[0]]));
}

#[test]
fn exports_hold_what_was_asked() {
    let (root, _) = three_games();
    let mut wire = Wire::opened(root.path());
    for (format, arguments, rows) in [
        ("jsonl", json!({"dataset": "game_tick"}), 18),
        ("csv", json!({"dataset": "trade", "game_id": "game-001"}), 2),
        ("parquet", json!({"sql": "SELECT game_id, peak FROM games"}), 3),
        ("csv", json!({"dataset": "games"}), 3),
        ("jsonl", json!({"dataset": "ws_event", "event_name": "none"}), 0),
    ] {
        let mut arguments = arguments;
        arguments["format"] = json!(format);
        let made = wire.call("export_dataset", arguments);
        assert_eq!(made["rows"], rows, "{made}");
        let path = Path::new(made["path"].as_str().unwrap());
        assert!(path.starts_with(root.path().join("exports")), "{made}");
        assert_eq!(std::fs::metadata(path).unwrap().len(), made["bytes"].as_u64().unwrap());
        let manifest: Value =
            serde_json::from_str(&std::fs::read_to_string(made["manifest"].as_str().unwrap()).unwrap()).unwrap();
        assert_eq!((&manifest["sha256"], &manifest["rows"]), (&made["sha256"], &made["rows"]));
        assert!(manifest["catalog_generation"].is_number(), "{manifest}");
        if format == "jsonl" {
            let text = std::fs::read_to_string(path).unwrap();
            assert_eq!(text.lines().count(), rows);
            for line in text.lines() {
                let row: Value = serde_json::from_str(line).unwrap();
                assert!(
                    row["ts"].is_string() && row["doc_type"].is_string() && row["session_id"].is_string(),
                    "{row}"
                );
            }
        }
    }
    wire.refused("export_dataset", json!({"format": "csv", "sql": "COPY games TO '/tmp/x'"}));
    let left: Vec<String> = std::fs::read_dir(root.path().join("exports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "nothing half-made is left");
}

#[test]
fn ids_are_completed() {
    let (root, session) = three_games();
    let mut wire = Wire::opened(root.path());
    let mut complete = |argument: &str, typed: &str| {
        let answer = wire.ask(
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": "replayer://game/{game_id}"}, "argument": {"name": argument, "value": typed}}),
        );
        answer["result"]["completion"]["values"].clone()
    };
    assert_eq!(complete("game_id", "game-0"), json!(["game-003", "game-002", "game-001"]));
    assert_eq!(complete("game_id", "game-002"), json!(["game-002"]));
    let session = session.to_string();
    assert_eq!(complete("session_id", &session[..8]), json!([session]));
}
