//! Every event name, every field: exact counts against independent readings of the same lines.

use std::collections::BTreeMap;
use std::fs;

use replayer::index::facts_store::FactsStore;
use replayer::legacy::import;
use replayer::protocol::catalogue::catalogue;
use replayer::verify::check::Scope;
use replayer::verify::explore::Explorer;
use replayer::verify::explore::overview::OverviewFilter;
use serde_json::Value;

use super::{House, plain_event, plain_events};
use crate::common::{needs, play, root};

fn never() -> bool {
    false
}

/// The overview's counts.
fn overview(explorer: &Explorer) -> BTreeMap<String, u64> {
    let view = explorer.overview(&Scope::default(), &OverviewFilter::default(), &never).unwrap();
    view.events.rows.iter().map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_u64().unwrap())).collect()
}

#[test]
fn every_event_of_a_simulated_session_is_counted_exactly() {
    let house = House::played(3);
    let mut plain: BTreeMap<String, u64> = BTreeMap::new();
    for frame in play(3).0 {
        let name = match plain_event(&frame.text) {
            Some((name, _)) => name,
            None if frame.text.starts_with("43") => "ack".into(),
            None => continue,
        };
        *plain.entry(name).or_default() += 1;
    }
    let counts = overview(&Explorer::new(house.root.path()));
    for (name, count) in &plain {
        assert_eq!(counts.get(name), Some(count), "{name}");
    }
    for (name, count) in counts.iter().filter(|(name, _)| !name.starts_with("transport:")) {
        assert_eq!(*count, plain.get(name).copied().unwrap_or(0), "{name}");
    }
    for event in &catalogue().events {
        assert!(counts.contains_key(&event.name), "{} is documented and not listed", event.name);
    }
}

#[test]
fn presence_by_phase_equals_a_plain_walk() {
    let house = House::played(2);
    let mut store = FactsStore::open(&house.root).unwrap();
    store.refresh().unwrap();
    let digest = store.digest();
    // Phase, then key, then how often.
    let mut frames: BTreeMap<&str, u64> = BTreeMap::new();
    let mut keys: BTreeMap<(&str, String), u64> = BTreeMap::new();
    for (_, state) in plain_events(2).into_iter().filter(|(name, _)| name == "gameStateUpdate") {
        let phase = if state["rugged"] == true {
            "RUGGED"
        } else if state["active"] == true {
            "ACTIVE"
        } else if state["allowPreRoundBuys"] == true {
            "PRESALE"
        } else {
            "COOLDOWN"
        };
        *frames.entry(phase).or_default() += 1;
        for key in state.as_object().unwrap().keys() {
            *keys.entry((phase, key.clone())).or_default() += 1;
        }
    }
    let seen = &digest.facts.events["gameStateUpdate"];
    for (at, phase) in ["COOLDOWN", "PRESALE", "ACTIVE", "RUGGED"].into_iter().enumerate() {
        assert_eq!(seen.phases[at], frames[phase], "{phase}");
        for field in seen.fields.children(seen.fields.root().unwrap()) {
            let count = keys.get(&(phase, field.name.clone())).copied().unwrap_or(0);
            assert_eq!(field.phases[at], count, "{} in {phase}", field.name);
            let share = seen.fields.presence_in(field, at).unwrap();
            assert!((share - count as f64 / frames[phase] as f64).abs() < 1e-12);
        }
    }
}

/// Counts event names in the shared captures by reading their lines as JSON, nothing of ours.
fn plain_counts(data: &std::path::Path) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for folder in ["raw_captures", "sandbox"] {
        for entry in fs::read_dir(data.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "jsonl") {
                continue;
            }
            for line in fs::read_to_string(&path).unwrap().lines() {
                let Ok(line) = serde_json::from_str::<Value>(line) else { continue };
                let name = line["event"].as_str().or_else(|| line["event_type"].as_str());
                *counts.entry(name.unwrap_or("?").to_owned()).or_default() += 1;
            }
        }
    }
    counts
}

#[test]
fn every_event_of_the_real_captures_is_counted_exactly() {
    let Some(data) = needs::real_captures() else { return };
    let (_folder, root) = root();
    let paths = ["raw_captures", "sandbox"].map(|folder| data.join(folder)).to_vec();
    import::run(&root, &import::Options { paths, ..import::Options::default() }, |_, _| ()).unwrap();
    let counts = overview(&Explorer::new(root.path()));
    let plain = plain_counts(&data);
    assert!(plain.len() > 15, "{plain:?}");
    for (name, count) in &plain {
        // Socket.IO's own connect packet is no event.
        let listed = counts.get(name).or_else(|| counts.get(&format!("transport:{name}")));
        assert_eq!(listed, Some(count), "{name}: {counts:?}");
    }
    let known: u64 = counts.values().sum();
    assert_eq!(known, plain.values().sum::<u64>());
}

/// A scope's facts are those of the whole when it takes in the whole, and add up where it does not.
#[test]
fn facts_of_scopes_add_up() {
    let (_folder, root) = root();
    use replayer::store::record::Source;
    super::append(
        &root,
        Source::PublicWs,
        &[r#"42["x",{"n":1,"m":null}]"#, r#"42["x",{"n":2.5}]"#, r#"42["y",{}]"#],
    );
    super::append(&root, Source::Cdp, &[r#"42["x",{"n":"three"}]"#]);
    let explorer = Explorer::new(root.path());
    let count = |scope: &Scope, name: &str| {
        explorer.digest(scope, &never).unwrap().facts.events.get(name).map_or(0, |seen| seen.count)
    };
    let source = |name: &str| Scope { source: Some(name.into()), ..Scope::default() };
    let span = |from: &str, to: &str| Scope { from: Some(from.into()), to: Some(to.into()), ..Scope::default() };
    assert_eq!(count(&Scope::default(), "x"), 3);
    assert_eq!(
        (count(&source("cdp"), "x"), count(&source("public_ws"), "x"), count(&source("import"), "x")),
        (1, 2, 0)
    );
    // Whole parts from their facts; a part that the span cuts is read again: of each session its first frame.
    assert_eq!(count(&span("2026-02-02", "2026-02-02"), "x"), 3);
    assert_eq!(count(&span("2026-02-02", "2026-02-02T02:40:00.1Z"), "x"), 2);
    assert_eq!(count(&span("2026-02-03", "2026-02-04"), "x"), 0);
    let both = Scope { source: Some("cdp".into()), ..span("2026-02-02T02:39:00Z", "2026-02-02T02:40:00.1Z") };
    assert_eq!(count(&both, "x"), 1);
}
