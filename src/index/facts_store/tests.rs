#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::Value;

use super::*;
use crate::legacy::import;
use crate::store::Store;
use crate::store::record::{Direction, Record, Source};
use crate::store::recorder::{Recorder, RecorderOptions};

fn frame(n: u64) -> String {
    match n % 3 {
        0 => format!(
            r#"42["gameStateUpdate",{{"gameId":"g","active":true,"rugged":false,"tickCount":{n},"price":1.5,"cooldownTimer":0,"allowPreRoundBuys":false}}]"#
        ),
        1 => format!(r#"42["playerUpdate",{{"cash":{n},"positionQty":0.5,"sideBet":null}}]"#),
        _ => r#"42["gameStateUpdate",{"gameId":"g","cooldownTimer":9000,"allowPreRoundBuys":true}]"#.to_owned(),
    }
}

fn record(root: &DataRoot, frames: std::ops::Range<u64>) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for n in frames {
        let text = frame(n);
        recorder.append(&Record::frame(n as i64 * 1000, Source::PublicWs, Direction::Received, &text)).unwrap();
    }
    recorder.close().unwrap();
}

#[test]
fn parts_are_read_once_and_forgotten_when_gone() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    record(&root, 0..30);
    record(&root, 30..60);
    let mut store = FactsStore::open(&root).unwrap();
    let done = store.refresh().unwrap();
    assert_eq!((done.scanned, done.reused), (2, 0));
    let first = store.digest();
    assert_eq!(first.facts.events["playerUpdate"].count, 20);
    assert_eq!(first.sessions.len(), 2);
    assert_eq!(store.refresh().unwrap(), Refreshed::default());

    // A restart reads the kept facts only.
    let mut again = FactsStore::open(&root).unwrap();
    let done = again.refresh().unwrap();
    assert_eq!((done.scanned, done.reused), (0, 2));
    assert_eq!(again.digest().facts, first.facts);

    // Compaction: two parts go, one comes.
    Store::open(&root, "test").unwrap().compact(|_, _| ()).unwrap();
    let done = again.refresh().unwrap();
    assert_eq!((done.scanned, done.forgotten), (1, 2));
    assert_eq!(again.digest().facts.events["playerUpdate"].count, 20);
    assert_eq!(fs::read_dir(root.vectors_dir().join("facts")).unwrap().count(), 1);

    // Safe to delete, and a damaged file is made again.
    fs::remove_dir_all(root.vectors_dir()).unwrap();
    let mut fresh = FactsStore::open(&root).unwrap();
    assert_eq!(fresh.refresh().unwrap().scanned, 1);
    let file = fs::read_dir(root.vectors_dir().join("facts")).unwrap().next().unwrap().unwrap().path();
    fs::write(&file, b"{").unwrap();
    assert_eq!(FactsStore::open(&root).unwrap().refresh().unwrap().scanned, 1);
}

#[test]
fn unsealed_rows_count_once_before_and_after_sealing() {
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let append = |n: u64| {
        let text = frame(n);
        recorder.append(&Record::frame(n as i64 * 1000, Source::PublicWs, Direction::Received, &text)).unwrap();
    };
    (0..9).for_each(append);
    let mut facts = FactsStore::open(&root).unwrap();
    assert_eq!(facts.refresh().unwrap().unsealed, 9);
    (9..12).for_each(append);
    assert_eq!(facts.refresh().unwrap().unsealed, 3);
    let live = facts.digest();
    assert_eq!(live.facts.total(), 12);
    // An event without indicators of its own happens in the phase its session was last seen in.
    assert_eq!(live.facts.events["playerUpdate"].phases, [0, 0, 4, 0, 0]);
    recorder.close().unwrap();
    let done = facts.refresh().unwrap();
    assert_eq!((done.scanned, facts.digest().facts.total()), (1, 12));
    assert_eq!(facts.digest().facts, live.facts);
}

/// What a plain walk over serde_json values finds.
#[derive(Default)]
struct Plain {
    types: BTreeMap<String, BTreeMap<&'static str, u64>>,
    packets: u64,
}

impl Plain {
    fn walk(&mut self, path: &str, value: &Value) {
        let name = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        *self.types.entry(path.to_owned()).or_default().entry(name).or_default() += 1;
        match value {
            Value::Array(list) => list.iter().for_each(|value| self.walk(&format!("{path}[]"), value)),
            Value::Object(map) => {
                for (key, value) in map {
                    let numeric = key.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
                    let address = key.starts_with("0x") || key.len() >= 32;
                    let prizes = path.contains("rize");
                    let key = match (numeric, address) {
                        (true, _) if prizes => "{rank}",
                        (true, _) => "{tick}",
                        (_, true) => "{id}",
                        _ => key,
                    };
                    self.walk(&format!("{path}.{key}"), value);
                }
            }
            _ => {}
        }
    }
}

#[test]
fn facts_of_real_captures_equal_a_plain_walk() {
    let Some(data) = crate::real_captures::folder() else { return };
    let captures = data.join("raw_captures");
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    import::run(
        &root,
        &import::Options { paths: vec![captures.clone()], ..import::Options::default() },
        |_, _| (),
    )
    .unwrap();
    let mut store = FactsStore::open(&root).unwrap();
    let started = std::time::Instant::now();
    store.refresh().unwrap();
    eprintln!("facts of the captures: {:?}", started.elapsed());
    let digest = store.digest();

    let mut plain: BTreeMap<&str, Plain> =
        BTreeMap::from([("gameStateUpdate", Plain::default()), ("playerUpdate", Plain::default())]);
    for entry in fs::read_dir(&captures).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let cdp = path.to_string_lossy().contains("_cdp");
        for line in fs::read_to_string(&path).unwrap().lines() {
            let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
            let Some(plain) = line["event"].as_str().and_then(|event| plain.get_mut(event)) else { continue };
            let data = match &line["data"] {
                Value::Array(list) if !cdp => &list[1],
                data => data,
            };
            plain.packets += 1;
            plain.walk("$", data);
        }
    }
    for (event, plain) in plain {
        let facts = &digest.facts.events[event];
        assert!(plain.packets > 0);
        assert_eq!(facts.with_payload, plain.packets, "{event}");
        let found: BTreeMap<String, BTreeMap<&'static str, u64>> = facts
            .fields
            .nodes
            .iter()
            .map(|field| {
                let types = facts::JsonType::ALL.into_iter().map(|kind| (kind.as_str(), field.count_of(kind)));
                (field.path.clone(), types.filter(|(_, count)| *count > 0).collect())
            })
            .collect();
        assert_eq!(found, plain.types, "{event}");
    }
}
