//! What a document is, and what is in it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

#[test]
fn analyses_are_documents() {
    for text in [
        r#"{"generated": "x", "source": "y", "total_events": 1, "event_types": {}}"#,
        r#"{"total_samples": 1, "fields": {}, "examples": []}"#,
        r#"{"date": "x", "games": [], "sessions": []}"#,
    ] {
        assert_eq!(document(text, "x.json"), Document::Whole(LineFormat::Document), "{text}");
    }
}

#[test]
fn documents_are_known_by_their_keys() {
    assert_eq!(document(r#"{"meta": {"player_id": "p"}, "actions": []}"#, "x"), Document::Session);
    assert_eq!(
        document(r#"{"meta": {"game_id": "g"}, "prices": []}"#, "x"),
        Document::Whole(LineFormat::GameDocument)
    );
    assert_eq!(document(r#"{"a": {"event_type": "x", "data": 1}}"#, "x"), Document::Samples);
    assert!(matches!(document(r#"{"name": "package"}"#, "x"), Document::Skip(_)));
    assert!(matches!(document("{", "x"), Document::Skip(_)));
}

#[test]
fn arrays_are_known_by_their_first_element() {
    let sample = r#"[{"seq": 3, "ts": "x", "event": "e", "data": {}}]"#;
    assert_eq!(document(sample, "x"), Document::Lines);
    assert_eq!(
        document(r#"[{"a": 1}]"#, "in/playerUpdate_samples.json"),
        Document::Payloads("playerUpdate".into())
    );
    assert!(matches!(document("[1, 2]", "x"), Document::Skip(_)));
    assert!(matches!(document("[]", "x"), Document::Skip(_)));
}

#[test]
fn elements_come_with_their_places() {
    let text = " [ {\"a\": 1},\n\"x\" , [2]]";
    let found: Vec<_> = elements(text).map(Result::unwrap).collect();
    assert_eq!(found, [(3, "{\"a\": 1}"), (13, "\"x\""), (19, "[2]")]);
    for (at, element) in found {
        assert_eq!(&text[at..at + element.len()], element);
    }
}

#[test]
fn a_cut_array_gives_its_whole_elements_and_the_place_of_the_cut() {
    let found: Vec<_> = elements("[1, {\"a\": ").collect();
    assert_eq!(found, [Ok((1, "1")), Err(4)]);
    assert_eq!(elements("[1").collect::<Vec<_>>(), [Ok((1, "1")), Err(2)]);
}

#[test]
fn records_are_found_in_lists_at_any_place() {
    let game = r#"{"gameId": "g", "priceHistory": [1, 1.1], "ruggedAt": 1768485630000}"#;
    for (text, path) in [
        (format!(r#"{{"games": [{game}]}}"#), "games"),
        (format!(r#"{{"meta": 1, "data": {{"history": [{game}]}}}}"#), "data.history"),
        (
            r#"{"websocket": {"messages": [{"from_client": false, "content": "42[\"x\",{}]"}]}}"#.to_owned(),
            "websocket.messages",
        ),
    ] {
        assert_eq!(document(&text, "x"), Document::List(path.into()), "{text}");
    }
    assert_eq!(document(&format!("{game}\n\n{game}\n"), "x"), Document::Values);
    assert_eq!(document(game, "x"), Document::Whole(LineFormat::HistoryCollector));
}

#[test]
fn of_an_archive_only_the_games_sockets_are_taken() {
    let text = r#"{"log": {"entries": [
        {"_webSocketMessages": [{"data": "a"}, {"data": "b"}], "request": {"url": "wss://backend.rugs.fun/socket.io/?token=x"}},
        {"_webSocketMessages": [{"data": "c"}], "request": {"url": "wss://rugs.fun.example.com/"}},
        {"request": {"url": "https://backend.rugs.fun/socket.io/?transport=polling", "postData": {"text": "40"}}},
        {"request": {"url": "https://rugs.fun/"}}
    ]}}"#;
    assert_eq!(document(text, "x"), Document::Har);
    let items = har::items(&Fields::parse(text).unwrap(), &Hosts::default());
    assert_eq!(
        items,
        [
            har::Item::Message(1, r#"{"data": "a"}"#),
            har::Item::Message(1, r#"{"data": "b"}"#),
            har::Item::OtherHost(1),
            har::Item::Polled(true, "\"40\"", None),
        ]
    );
}
