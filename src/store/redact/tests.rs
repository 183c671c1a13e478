//! Secrets are planted in every place and spelling we can think of, and must be gone; everything else must be
//! the same bytes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::borrow::Cow;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{is_placeholder, redact};
use crate::growth;
use crate::record::Direction::{self, Received, Sent};

const JWT: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJkaWQ6cHJpdnk6eCJ9.MEUCIQDx-_9aZ3kQ";
const TOKEN: &str = "q8Jd02LmNf7Xk5Rt1Vb9Yc3Ws6Hg4Pz0";

/// The frame with the secret gone, JSON still JSON.
fn without(frame: &str, direction: Direction, secret: &str) -> String {
    let out = redact(frame, direction).into_owned();
    assert!(!out.contains(secret), "{secret} survives in {out}");
    assert!(out.contains("[redacted:"), "{out}");
    out
}

fn untouched(frame: &str) {
    for direction in [Received, Sent] {
        let out = redact(frame, direction);
        assert!(matches!(out, Cow::Borrowed(_)), "{frame}\nbecame\n{out}");
    }
}

#[test]
fn every_argument_of_authenticate_goes_and_the_trace_stays() {
    let trace = r#"{"__trace":true,"traceparent":"00-1c995641e009e87229031ee3bdd317cb-f49b235078490b89-01"}"#;
    let frame = format!(
        r#"4217["authenticate",{trace},{{"id":"did:privy:cm3abcdefgh","x":"{TOKEN}","n":[77123,true]}},"p"]"#
    );
    let out = without(&frame, Sent, TOKEN);
    assert!(
        out.starts_with(&format!(
            r#"4217["authenticate",{trace},{{"id":"did:privy:cm3abcdefgh","x":"[redacted:sha256:"#
        )),
        "{out}"
    );
    assert!(!out.contains("77123") && out.contains("true]},\"[redacted:keyed:"), "{out}");
    assert!(serde_json::from_str::<Value>(&out[4..]).is_ok());
}

#[test]
fn the_rest_of_a_frame_keeps_its_bytes() {
    let frame = format!(r#"42["x",{{"price" : 1.50e0,"accessToken": "{TOKEN}" ,"ü":"\u00e9\/"}}]"#);
    let out = without(&frame, Received, TOKEN);
    let start = out.find("[redacted").unwrap();
    let end = start + out[start..].find(']').unwrap() + 1;
    assert_eq!(format!("{}{TOKEN}{}", &out[..start], &out[end..]), frame);
}

#[test]
fn a_connect_packet_that_we_send_is_all_credentials_and_the_servers_is_not() {
    without(&format!(r#"40{{"whatever":"{TOKEN}"}}"#), Sent, TOKEN);
    without(&format!(r#"40/rugs,{{"whatever":["{TOKEN}"]}}"#), Sent, TOKEN);
    without(&format!(r#"40{{"sid":"abc","token":"{TOKEN}"}}"#), Received, TOKEN);
    let server = r#"40{"sid":"Yk3n9xWqzT1bAAAB"}"#;
    assert_eq!(redact(server, Received), server);
    untouched(r#"0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#);
    assert_eq!(redact("40", Sent), "40");
}

#[test]
fn names_of_secrets_count_in_every_spelling() {
    let names = [
        "token",
        "accessToken",
        "ACCESS_TOKEN",
        "identityToken",
        "refresh-token",
        "x-access-token2",
        "sessionToken",
        "jwt",
        "userJwt",
        "authorization",
        "Authorization",
        "cookie",
        "Set-Cookie",
        "secret",
        "clientSecret",
        "password",
        "PassWord",
        "privy-token",
        "privy:token",
        "privy:pat",
        "privy-id-token",
        "apiKey",
        "api_key",
        "x-api-key",
        "privateKey",
        "credentials",
        "auth",
        "bearer",
        "passphrase",
        "seedPhrase",
        "mnemonic",
        "session_id",
        "pwd",
    ];
    for name in names {
        for value in [TOKEN, "short", "with blanks; and = signs"] {
            without(&format!(r#"42["x",{{"a":1,"{name}":"{value}","b":2}}]"#), Received, value);
            without(&format!(r#"42["x",{{"a":1,"{name}" : {{"deep":["{value}"]}},"b":2}}]"#), Received, value);
        }
    }
}

#[test]
fn what_is_no_secret_stays() {
    let seed = "6500cdbe".repeat(8);
    for body in [
        format!(r#""provablyFair":{{"serverSeed":"{seed}","serverSeedHash":"{seed}","version":"v3"}}"#),
        r#""config":{"token":"0xPractice","startingBalance":1000}"#.into(),
        r#""config":{"token":"So11111111111111111111111111111111111111112"}"#.into(),
        r#""tokens":5,"practiceTokens":17.5,"crateKeys":{"gold":2},"authenticated":true,"key":"k1""#.into(),
        r#""id":"did:privy:cm3abcdefghijklmnop","username":"tokenking","sid":"abcdefgh12345678","tokenName":"Free""#.into(),
        r#""message":"my cookie: yum, token: moon, the bearer of news. eyJ is how a JWT begins""#.into(),
        r#""message":"https://x.io/?token=7xKXtg2CW87d97TXJSDpbD5jBkheTqA83TZRuJosgAsU""#.into(),
        r#""message":"he said \"token\" \\o/ \u0065yes","name":"cookie","level":3"#.into(),
    ] {
        untouched(&format!(r#"42["newChatMessage",{{{body}}}]"#));
    }
    untouched("");
    untouched("2");
    untouched("nonsense \\ \" \\");
    untouched(r#"42["x",{"password":null,"token":true,"secret":"","cookie":{}}]"#);
}

#[test]
fn a_jwt_goes_wherever_it_stands() {
    for frame in [
        format!(r#"42["newChatMessage",{{"message":"look: {JWT}, mine"}}]"#),
        format!(r#"42["x","{JWT}"]"#),
        format!(r#"42["x",{{"{JWT}":1}}]"#),
        format!(r#"42["authenticate",{{"{JWT}":true}}]"#),
        format!("{JWT} not a frame"),
        format!(r#"4312[["a",["{JWT}"]]]"#),
        format!(r#"42["x",{{"url":"https://a.b/c?x={JWT}&y=1"}}]"#),
        format!(r#"42["x","cut {JWT}"#),
    ] {
        let out = without(&frame, Received, JWT);
        assert!(!out.contains("eyJhbGciOiJFUzI1NiIs"), "{out}");
    }
    // Cut off inside its payload.
    without(&format!(r#"42["x","{}"#, &JWT[..50]), Received, &JWT[..50]);
}

#[test]
fn bearer_headers_cookies_and_queries_are_found_in_plain_text() {
    for text in [
        format!("Bearer {TOKEN}"),
        format!("authorization: bearer {TOKEN}"),
        format!("Authorization: Basic {TOKEN}="),
        format!("Set-Cookie: sid={TOKEN}; Path=/; HttpOnly"),
        format!("a=b; privy-token={TOKEN}; c=d"),
        format!("wss://x/socket.io/?EIO=4&token={TOKEN}&transport=websocket"),
        format!("access_token={TOKEN}"),
        format!("X-Auth-Token: {TOKEN}"),
        format!("{{'password': '{TOKEN}'}}"),
        format!("%22token%22%3A%22{TOKEN}%22"),
        format!("password: {TOKEN}"),
    ] {
        without(&text, Sent, TOKEN);
        without(&json!(["x", {"text": text}]).to_string(), Received, TOKEN);
    }
}

#[test]
fn lists_of_name_and_value_are_read_as_such() {
    without(&format!(r#"42["x",[["accessToken","{TOKEN}"],["b","c"]]]"#), Received, TOKEN);
    without(&format!(r#"42["token","{TOKEN}"]"#), Sent, TOKEN);
    without(&format!(r#"42["login",{{"user":"u","x":"{TOKEN}"}}]"#), Sent, TOKEN);
    without(&format!(r#"[{{"name":"Cookie","value":"{TOKEN}"}}]"#), Sent, TOKEN);
    without(&format!(r#"{{"event":"authenticate","data":{{"x":"{TOKEN}"}}}}"#), Sent, TOKEN);
    let out = without(&format!(r#"42["token","{TOKEN}",{{"price":1}}]"#), Sent, TOKEN);
    assert!(
        out.ends_with(r#","price":1}]"#) || out.ends_with(r#"],{"price":1}]"#) || out.contains(r#"{"price":1}"#)
    );
}

#[test]
fn equal_stays_equal_and_guessable_digests_are_keyed() {
    let digest = |frame: &str| {
        let out = redact(frame, Sent).into_owned();
        let start = out.find("[redacted").unwrap();
        out[start..start + out[start..].find(']').unwrap() + 1].to_owned()
    };
    let token = digest(&format!(r#"{{"token":"{TOKEN}"}}"#));
    assert_eq!(token, "[redacted:sha256:cbeaf7767a834a48]", "the same on every machine");
    assert_eq!(token, digest(&format!("Bearer {TOKEN}")));
    assert_eq!(token, digest(&format!(r#"{{"authorization":"Bearer {TOKEN}"}}"#)));
    assert_eq!(token, digest(&format!(r#"{{"token":"\u0071{}"}}"#, &TOKEN[1..])));
    assert_eq!(token, digest(&json!({"a": format!(r#"{{"jwt":"{TOKEN}"}}"#)}).to_string()));
    let password = digest(r#"{"password":"hunter2"}"#);
    assert!(password.starts_with("[redacted:keyed:"), "{password}");
    assert_eq!(password, digest(r#"{"x":1,"pwd":"hunter2"}"#));
    assert_ne!(password, digest(r#"{"pwd":"hunter3"}"#));
    assert!(digest(&format!(r#"{{"password":"{TOKEN}"}}"#)).starts_with("[redacted:keyed:"));
}

#[test]
fn what_is_too_deep_to_follow_goes_as_a_whole() {
    let mut text = format!(r#"{{"token":"{TOKEN}"}}"#);
    for _ in 0..14 {
        text = json!([text]).to_string();
    }
    let out = without(&text, Received, TOKEN);
    assert!(serde_json::from_str::<Value>(&out).is_ok());
    untouched(&json!([format!("art {}", "\\".repeat(3000))]).to_string());
}

/// A hostile frame must not stop the recorder.
#[test]
fn hostile_megabytes_are_read_in_linear_time() {
    for piece in [
        "eyJ",
        "tok",
        "token=",
        "\\",
        "\\\"",
        "\"token\":",
        "bearer ",
        "eyJa.",
        "[\"token\",",
        "\\u0065yJ",
        "cookie: ",
    ] {
        let text = |bytes: usize| piece.repeat(bytes / piece.len());
        let growth = growth::of(1 << 15, text, |text| {
            let _ = redact(text, Received);
        });
        assert!(growth < growth::LINEAR, "{piece:?}: four times the input takes {growth} times as long");
    }
}

/// One character of a JSON string, in one of its spellings.
fn spelled(c: char, how: u8) -> String {
    match how % 4 {
        0 | 1 => serde_json::to_string(&c).unwrap().trim_matches('"').to_owned(),
        2 => format!("\\u{:04x}", u32::from(c)),
        _ => format!("\\u{:04X}", u32::from(c)),
    }
}

fn spell(text: &str, hows: &[u8]) -> String {
    text.chars()
        .zip(hows.iter().cycle())
        .map(|(c, how)| if c == '"' { "\\\"".into() } else { spelled(c, *how) })
        .collect()
}

/// All strings of a JSON text, also those of JSON texts in its strings.
fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => {
            found.push(text.clone());
            if let Ok(inner) = serde_json::from_str::<Value>(text) {
                strings(&inner, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(map) => map.iter().for_each(|(key, item)| {
            found.push(key.clone());
            strings(item, found);
        }),
        _ => {}
    }
}

fn token() -> impl Strategy<Value = String> {
    prop_oneof!["[A-Za-z0-9_-]{20,40}", "eyJ[A-Za-z0-9_-]{10,30}\\.eyJ[A-Za-z0-9_-]{10,30}\\.[A-Za-z0-9_-]{10,30}",]
}

fn game_data() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(r#"{"price":1.0211779393570963,"active":true}"#.to_owned()),
        Just(r#"["did:privy:cm3abcdefghijk",null,-1.5e-7]"#.to_owned()),
        "[a-zA-Z üß\\\\\"{}:,]{0,20}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// A keyed secret, any key spelling with escapes, any depth of JSON in JSON, anywhere among other data.
    #[test]
    fn no_planted_secret_survives(
        secret in token(), key in prop::sample::select(vec!["token", "accessToken", "jwt", "set-cookie", "password", "apiKey", "auth"]),
        key_how in prop::collection::vec(any::<u8>(), 1..6), how in prop::collection::vec(any::<u8>(), 1..6),
        before in game_data(), after in game_data(), layers in 0_usize..5, wrap in 0_u8..3, blank in "[ \t\n]{0,2}",
    ) {
        let value = format!("\"{}\"", spell(&secret, &how));
        let value = match wrap { 0 => value, 1 => format!("[{value}]"), _ => format!("{{\"v\":{value},\"w\":[1]}}") };
        let mut text = format!("{{\"a\":{before},\"{}\"{blank}:{blank}{value},\"b\":{after}}}", spell(key, &key_how));
        for layer in 0..layers {
            text = json!([layer, text]).to_string();
        }
        let frame = format!("42[\"x\",{text}]");
        let out = redact(&frame, Received);
        let json: Value = serde_json::from_str(&out[2..]).expect("still JSON");
        let mut found = Vec::new();
        strings(&json, &mut found);
        prop_assert!(!found.iter().any(|text| text.contains(&secret)), "{out}");
        prop_assert!(!out.contains(&secret));
        prop_assert_eq!(redact(&out, Received), &out[..], "twice is once");
        let kept: Value = serde_json::from_str(&before).unwrap();
        if layers == 0 {
            prop_assert_eq!(&json[1]["a"], &kept);
        }
    }

    /// A JWT needs no key, and escapes do not hide it.
    #[test]
    fn no_jwt_survives_in_any_text(
        head in "[a-z .]{0,10}", tail in "[ ,!]{1,3}[a-z]{0,5}", layers in 0_usize..4, how in prop::collection::vec(any::<u8>(), 1..9),
    ) {
        let mut text = format!("\"{head}{}{tail}\"", spell(JWT, &how));
        for _ in 0..layers {
            text = json!({"message": text}).to_string();
        }
        let out = redact(&text, Received);
        let mut found = Vec::new();
        strings(&serde_json::from_str(&out).expect("still JSON"), &mut found);
        prop_assert!(!found.iter().any(|text| text.contains("eyJ")), "{out}");
    }

    /// No text makes it panic, and what a sender cannot have meant as JSON is treated by the same rules.
    #[test]
    fn no_garbage_before_a_secret_hides_it(text in "([a-z\"\\\\:{}\\[\\],= ]|token|eyJ|\\\\u0065|Bearer |authenticate|42\\[|[0-9]){0,60}") {
        for direction in [Received, Sent] {
            let frame = format!("{text}\"accessToken\":\"{TOKEN}\"");
            prop_assert!(!redact(&frame, direction).contains(TOKEN));
        }
    }
}

/// Nothing in the real captures but logins is a secret.
#[test]
fn frames_of_real_captures_stay_as_they_are() {
    let Some(root) = crate::real_captures::folder() else { return };
    let mut files = Vec::new();
    for folder in ["raw_captures", "sandbox"] {
        files.extend(
            std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten().map(|entry| entry.path()),
        );
    }
    let mut lines = 0;
    for file in files.iter().filter(|file| file.extension().is_some_and(|e| e == "jsonl")) {
        for line in std::fs::read_to_string(file).unwrap().lines().filter(|line| !line.is_empty()) {
            let record: Value = serde_json::from_str(line).unwrap();
            let frame = format!("42{}", json!([record["event"], record["data"]]));
            lines += 1;
            untouched(&frame);
            untouched(line);
        }
    }
    assert!(lines > 900 || !root.exists());
}

/// Of whole simulated sessions, login and all, only the login changes.
#[test]
fn of_a_simulated_session_only_the_login_changes() {
    use replayer_simulator::{Config, Session};

    for seed in 1..4 {
        let mut session = Session::new(Config { seed, games: 3, logged_in: true, ..Config::default() });
        let token = session.token().unwrap().to_owned();
        let mut changed = 0;
        for frame in session.by_ref() {
            // The simulator is built with the store as a crate, whose `Direction` is another type than the one under test.
            let direction = Direction::from_name(frame.direction.as_str()).unwrap();
            let out = redact(&frame.text, direction);
            assert!(!out.contains(&token));
            if matches!(out, Cow::Owned(_)) {
                changed += 1;
                assert!(frame.text.contains("[\"authenticate\","), "{}", frame.text);
            }
        }
        assert_eq!(changed, 1);
    }
}

#[test]
fn placeholders_are_told_from_what_only_begins_like_one() {
    assert!(is_placeholder("[redacted:sha256:0123456789abcdef]"));
    assert!(!is_placeholder("[redacted:sha256:0123456789abcdeg]"));
    without(r#"{"token":"[redacted:sha256:hunter2]"}"#, Sent, "hunter2");
}
