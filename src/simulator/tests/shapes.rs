//! Key lists and their order: the frames look like those of the captures.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

/// The keys of a full packet in the order of the captures; the last but one differs on connecting.
const FULL_KEYS: [&str; 36] = [
    "gameHistory",
    "averageMultiplier",
    "count2x",
    "count10x",
    "count50x",
    "count100x",
    "highestToday",
    "highestTodayTimestamp",
    "highestTodayPrices",
    "godCandle2x",
    "godCandle2xTimestamp",
    "godCandle2xPrices",
    "godCandle2xMassiveJump",
    "godCandle10x",
    "godCandle10xTimestamp",
    "godCandle10xPrices",
    "godCandle10xMassiveJump",
    "godCandle50x",
    "godCandle50xTimestamp",
    "godCandle50xPrices",
    "godCandle50xMassiveJump",
    "availableShitcoins",
    "active",
    "price",
    "rugged",
    "tickCount",
    "cooldownTimer",
    "cooldownPaused",
    "pauseMessage",
    "allowPreRoundBuys",
    "leaderboard",
    "gameId",
    "connectedPlayers",
    "gameVersion",
    "partialPrices",
    "provablyFair",
];

/// Top-level keys of an object in the order of the text; serde_json sorts them when it parses.
fn ordered_keys(object: &str) -> Vec<String> {
    struct Keys;
    impl<'de> serde::de::Visitor<'de> for Keys {
        type Value = Vec<String>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Vec<String>, A::Error> {
            let mut keys = Vec::new();
            while let Some((key, _)) = map.next_entry::<String, serde::de::IgnoredAny>()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    serde::Deserializer::deserialize_map(&mut serde_json::Deserializer::from_str(object), Keys).unwrap()
}

/// Every key list of `gameStateUpdate` in the simulated frames.
fn shapes(frames: &[SimulatedFrame]) -> BTreeSet<Vec<String>> {
    let prefix = "42[\"gameStateUpdate\",";
    let bodies = frames.iter().filter_map(|frame| frame.text.strip_prefix(prefix)?.strip_suffix(']'));
    bodies.map(ordered_keys).collect()
}

#[test]
fn state_packets_have_four_shapes() {
    let mut counts = BTreeMap::new();
    for keys in shapes(&frames(config(2))) {
        *counts.entry(keys.len()).or_insert(0) += 1;
    }
    // Two full shapes: the first of a connection has `prices` in the place of `partialPrices`.
    assert_eq!(counts, BTreeMap::from([(7, 1), (14, 1), (21, 1), (36, 2)]));
    assert!(shapes(&frames(config(2))).contains(FULL_KEYS.map(str::to_owned).as_slice()));
}

#[test]
fn shapes_are_those_of_the_capture() {
    let Some(folder) = crate::needs::real_captures() else { return };
    let text = std::fs::read_to_string(folder.join("raw_captures/2025-12-12_17-16-58_raw.jsonl")).unwrap();
    #[derive(serde::Deserialize)]
    struct Line<'a> {
        event: String,
        #[serde(borrow)]
        data: &'a serde_json::value::RawValue,
    }
    let lines = text.lines().map(|line| serde_json::from_str::<Line<'_>>(line).unwrap());
    let real: Vec<Line<'_>> = lines.collect();
    let states = real.iter().filter(|line| line.event == "gameStateUpdate");
    let expected: BTreeSet<Vec<String>> = states.map(|line| ordered_keys(line.data.get())).collect();
    let simulated = frames(Config { join_tick: Some(4), ..config(3) });
    assert_eq!(shapes(&simulated), expected);
    compare_inner_keys(
        &real.iter().map(|line| (line.event.clone(), line.data.get().to_owned())).collect::<Vec<_>>(),
        &simulated,
    );
}

/// Key lists of what is nested (rankings, history, side bets) and of other events: each one that the
/// simulator writes has to occur in the capture.
fn compare_inner_keys(real: &[(String, String)], simulated: &[SimulatedFrame]) {
    let known: BTreeSet<String> = real.iter().flat_map(|(name, data)| inner_shapes(name, data)).collect();
    let written = simulated.iter().filter_map(|frame| {
        let body = frame.text.strip_prefix("42[")?.strip_suffix(']')?;
        let (name, arguments) = body.split_once(',')?;
        Some((name.trim_matches('"').to_owned(), format!("[{arguments}]")))
    });
    for (name, arguments) in written {
        let data = arguments.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap();
        let is_state = name == "gameStateUpdate";
        if !is_state && !matches!(name.as_str(), "standard/newTrade" | "newChatMessage" | "battleEventUpdate") {
            continue;
        }
        for shape in inner_shapes(&name, if is_state { data } else { &arguments }) {
            assert!(known.contains(&shape), "{name} has a shape that the capture does not have: {shape}");
        }
    }
}

/// `path: keys` of every object below a payload, keys in their order. Ticks as keys are left out.
fn inner_shapes(name: &str, data: &str) -> BTreeSet<String> {
    fn walk(path: &str, text: &serde_json::value::RawValue, found: &mut BTreeSet<String>) {
        let text = text.get();
        if text.starts_with('{') {
            let keys = ordered_keys(text);
            if !path.ends_with("values") {
                found.insert(format!("{path}: {}", keys.join(",")));
            }
            let members: BTreeMap<String, Box<serde_json::value::RawValue>> = serde_json::from_str(text).unwrap();
            for (key, value) in &members {
                walk(&format!("{path}.{key}"), value, found);
            }
        } else if text.starts_with('[') {
            let elements: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(text).unwrap();
            for element in &elements {
                walk(&format!("{path}[]"), element, found);
            }
        }
    }
    let mut found = BTreeSet::new();
    walk(name, serde_json::from_str(data).unwrap(), &mut found);
    found
}

#[test]
fn small_snapshots_keep_the_shapes() {
    let small = Config { full_snapshots: false, history_len: 1, ..config(2) };
    assert_eq!(shapes(&frames(small.clone())), shapes(&frames(config(2))));
    let longest = frames(small).iter().map(|frame| frame.text.len()).max().unwrap();
    assert!(longest < 100_000, "{longest}");
}
