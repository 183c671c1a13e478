#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::collections::{BTreeMap, BTreeSet};

use super::text::{both, cut, number, pack, split, words};
use super::*;
use crate::index::facts_store::FactsStore;
use crate::legacy::import;
use crate::protocol::facts::SchemaFacts;
use crate::store::root::DataRoot;
use crate::store::rows::{Cell, Envelope, TableBuilder};
use crate::store::scan::ScanFilter;
use crate::store::schema::DocType;

fn check(units: &[Unit]) {
    let mut ids = BTreeSet::new();
    for unit in units {
        assert!(ids.insert(&unit.id), "{} is there twice", unit.id);
        assert!(words(&unit.title) + words(&unit.text) <= MAX_WORDS, "{}: {}", unit.id, unit.text);
        assert!(!unit.text.is_empty() && unit.hash.len() == 64, "{}", unit.id);
    }
}

#[test]
fn identifiers_are_split_into_words() {
    for (identifier, expected) in [
        ("positionQty", "position qty"),
        ("standard/newTrade", "standard new trade"),
        ("cumulativePnL", "cumulative pnl"),
        ("godCandle50xMassiveJump", "god candle 50x massive jump"),
        ("max_bet", "max bet"),
        ("logoURI", "logo uri"),
        ("cash", "cash"),
    ] {
        assert_eq!(split(identifier), expected);
    }
    assert_eq!((both("cash"), both("sideBet")), ("cash".into(), "sideBet (side bet)".into()));
}

#[test]
fn texts_keep_the_cap() {
    assert_eq!(cut("a b c d", 3), "a b …");
    let items: Vec<String> = (0..10).map(|n| format!("item {n}")).collect();
    let texts = pack("head one", "again", &items, 8);
    assert!(texts.len() > 2 && texts.iter().all(|text| words(text) <= 8), "{texts:?}");
    assert_eq!(
        (number(1.0), number(0.020_000_000_000_000_018), number(1_122.278_248)),
        ("1".into(), "0.02".into(), "1122.28".into())
    );
}

#[test]
fn an_empty_store_has_the_shipped_knowledge() {
    let units = knowledge(&Digest::default(), &Catalog::default());
    check(&units);
    for event in &crate::protocol::catalogue::catalogue().events {
        let first = units.iter().find(|unit| unit.id == format!("event:{}#0", event.name)).expect(&event.name);
        assert_eq!((first.tier, first.basis), (Tier::Theoretical, Some(event.basis)));
        let says_so = first.text.contains("Known only from documents");
        assert_eq!(says_so, event.basis == Basis::Documented, "{}", first.text);
    }
    assert!(units.iter().any(|unit| unit.id == "ref:side-bets/settlement"));
    let again = knowledge(&Digest::default(), &Catalog::default());
    assert_eq!(units, again, "the same knowledge has the same hashes");
}

#[test]
fn the_reference_names_only_events_that_exist() {
    let catalogue = crate::protocol::catalogue::catalogue();
    for section in reference::sections() {
        assert!(!section.text.contains("<!--") && !section.title.is_empty(), "{section:?}");
        for event in &section.events {
            assert!(catalogue.event(event).is_some(), "{}: {event}", section.id);
        }
    }
    assert_eq!(reference::units().len(), reference::sections().len(), "every section fits one unit");
}

#[test]
fn a_changed_fact_changes_the_hash_of_its_cards_only() {
    let mut facts = SchemaFacts::default();
    let observe = |facts: &mut SchemaFacts, frame: &str| {
        let event = crate::protocol::line::decode(crate::protocol::line::LineFormat::Wire, None, frame);
        let seen = crate::protocol::facts::Seen {
            ts_us: Some(5),
            session_id: "s",
            seq: 1,
            source: "cdp",
            direction: Some("received"),
            phase: None,
            game_id: None,
        };
        facts.observe(&event, &seen);
    };
    observe(&mut facts, r#"42["playerUpdate",{"cash":1.5,"positionQty":0}]"#);
    let digest = |facts: &SchemaFacts| Digest { facts: facts.clone(), ..Digest::default() };
    let before: BTreeMap<String, String> =
        knowledge(&digest(&facts), &Catalog::default()).into_iter().map(|unit| (unit.id, unit.hash)).collect();
    observe(&mut facts, r#"42["playerUpdate",{"cash":2.5,"positionQty":0}]"#);
    let after = knowledge(&digest(&facts), &Catalog::default());
    let changed: Vec<&str> = after
        .iter()
        .filter(|unit| before.get(&unit.id) != Some(&unit.hash))
        .map(|unit| unit.id.as_str())
        .collect();
    assert!(changed.contains(&"field:playerUpdate:$.cash"));
    assert!(changed.iter().all(|id| id.contains("playerUpdate")), "{changed:?}");
}

#[test]
fn counts_are_rough_so_that_texts_stay() {
    let texts: Vec<String> =
        [9, 10, 19, 20, 49, 50, 99, 100, 761, u64::MAX].into_iter().map(super::text::about).collect();
    assert_eq!(
        texts.get(..9).unwrap(),
        ["9", "10", "more than 10", "20", "more than 20", "50", "more than 50", "100", "more than 500"]
    );
    assert_eq!(
        (super::text::percent(0.004), super::text::percent(0.5), super::text::percent(0.999)),
        ("< 1 %".into(), "50 %".into(), "> 99 %".into())
    );
}

fn ticks(game: &str, session: &str, rows: &[(u64, i64, f64, bool)]) -> arrow::array::RecordBatch {
    let mut table = TableBuilder::new(DocType::GameTick);
    for (seq, tick, price, rugged) in rows {
        let envelope = Envelope {
            ts: Some(1_700_000_000_000_000 + *seq as i64 * 250_000),
            source: crate::store::record::Source::PublicWs,
            session_id: session.parse().unwrap(),
            game_id: Some(game),
            player_id: None,
            username: None,
            seq: *seq,
            direction: None,
            raw_json: None,
            ordinal: 0,
        };
        let own = [
            Cell::from(Some(*tick)),
            Some(*price).into(),
            Some(true).into(),
            Some(*rugged).into(),
            Some(0.0).into(),
            Some(7i64).into(),
            Cell::Text("ACTIVE"),
            Cell::Text("frame"),
        ];
        table.push(&envelope, &own);
    }
    table.finish().unwrap()
}

/// The games in rows.
fn records(batches: &[&arrow::array::RecordBatch]) -> Vec<crate::game::Game> {
    let folder = tempfile::tempdir().unwrap();
    let mut records = crate::game::Games::new(&DataRoot::create(folder.path()).unwrap());
    let rows = batches.iter().map(|batch| (DocType::GameTick, (*batch).clone())).collect();
    records.apply(&crate::store::follow::Change { rows, ..Default::default() });
    records.all().collect()
}

const SESSION: &str = "01890000-0000-7000-8000-000000000001";

#[test]
fn a_game_tells_its_peak_rug_and_gaps() {
    let batch = ticks(
        "g1",
        SESSION,
        &[(1, 0, 1.0, false), (2, 1, 1.5, false), (3, 4, 2.5, false), (4, 5, 0.02, true), (5, 7, 0.02, true)],
    );
    let units: Vec<Unit> = games::Games::default().units(records(&[&batch])).collect();
    check(&units);
    let [game, gap] = units.as_slice() else { panic!("{units:?}") };
    assert!(game.text.contains("Peak 2.5x") && game.text.contains("Rugged at tick 5"), "{}", game.text);
    assert!(game.text.contains("4 ticks recorded, 2 missing") && game.text.contains("insta-rug"), "{}", game.text);
    assert_eq!(gap.id, "anomaly:gap:g1");
    assert!(gap.text.contains("2 to 3"), "{}", gap.text);
    assert_eq!(game.evidence, [format!("{SESSION}:1"), format!("{SESSION}:4")]);
}

#[test]
fn m12_a_late_frame_of_the_game_before_is_an_inversion_and_no_new_game() {
    let mut games = games::Games::default();
    let batches = [
        ticks("g1", SESSION, &[(1, 0, 1.0, false), (2, 1, 0.02, true)]),
        ticks("g2", SESSION, &[(3, 0, 1.0, false)]),
        ticks("g1", SESSION, &[(4, 2, 0.02, true)]),
        ticks("g2", SESSION, &[(5, 1, 1.1, false)]),
    ];
    batches.iter().for_each(|batch| games.rows(DocType::GameTick, batch));
    let late: Vec<_> = games.late.values().collect();
    assert_eq!((late.len(), late[0].count), (1, 1));
    assert_eq!(late[0].first[0].event, format!("{SESSION}:4"));
    assert!(games.units(records(&batches.each_ref())).any(|unit| unit.id == "anomaly:order:g1"));
}

#[test]
fn units_of_the_real_captures() {
    let Some(data) = crate::real_captures::folder() else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = DataRoot::create(folder.path().join("root")).unwrap();
    import::run(
        &root,
        &import::Options { paths: vec![data], ..import::Options::default() },
        crate::replay::proof::background::prove_imported,
    )
    .unwrap();
    let mut store = FactsStore::open(&root).unwrap();
    let started = std::time::Instant::now();
    store.refresh().unwrap();
    let scanned = started.elapsed();
    let digest = store.digest();
    let catalog = Catalog::load(&root).unwrap();
    let mut units = knowledge(&digest, &catalog);
    let reading = std::time::Instant::now();
    let games = games::read(&root, &ScanFilter::default()).unwrap();
    let records = crate::store::view::View::read(&root, |view| Ok(crate::game::Games::of(view))).unwrap();
    units.extend(games.units(records.all()));
    let read = reading.elapsed();
    check(&units);
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for unit in &units {
        *kinds.entry(unit.kind.as_str()).or_default() += 1;
    }
    eprintln!("facts {scanned:?}, games {read:?}, {kinds:?}");
    if let Some(path) = std::env::var_os("REPLAYER_UNITS_DUMP") {
        let lines: Vec<String> = units.iter().map(|unit| serde_json::to_string(unit).unwrap()).collect();
        std::fs::write(path, lines.join("\n")).unwrap();
    }
    for name in events::names(&digest.facts, crate::protocol::catalogue::catalogue()) {
        let first = format!("event:{name}#0");
        assert!(units.iter().any(|unit| unit.id == first && unit.text.starts_with(&name)), "{name}");
    }
    let player = units.iter().find(|unit| unit.id == "event:playerUpdate#0").unwrap();
    let fields = &digest.facts.events["playerUpdate"].fields;
    for field in fields.children(fields.root().unwrap()) {
        let line = format!("{} {}", both(&field.name), field.type_name());
        assert!(player.text.contains(&line), "{line} is not in {}", player.text);
    }
    for unit in units.iter().filter(|unit| unit.tier != Tier::Theoretical) {
        let in_data = unit.text.contains("not in this data") || unit.kind == UnitKind::Anomaly;
        assert!(in_data || !unit.evidence.is_empty(), "{} has no evidence", unit.id);
    }
    // Nobody's text and nobody's id.
    assert!(units.iter().all(|unit| !unit.text.contains("did:privy:c")), "a player's id is in a unit");
    let again = knowledge(&digest, &catalog);
    assert!(again.iter().zip(&units).all(|(a, b)| a.hash == b.hash));
}
