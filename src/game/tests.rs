//! Each rule, and that records merge in any order.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use proptest::prelude::*;
use replayer_protocol::fairness::{self, GameVersion};
use replayer_store::contents::{Contents, Reached};
use replayer_store::ids::SessionId;
use replayer_store::proof::StoredProof;
use replayer_store::record::Source as From;
use replayer_store::rows::{Cell, Envelope, RowSink, Tables};
use replayer_store::schema::DocType;

use super::facts::Known;
use super::{Anomaly, Game, GameRecord, Source};

const GAME: &str = "20260101-00000000000000ab";

fn seed() -> String {
    format!("{:064x}", 0xa)
}

/// Every price of the game, by its seed.
fn path() -> Vec<f64> {
    fairness::play(&seed(), GAME, GameVersion::V3).prices
}

/// A row that tells of the game.
#[derive(Debug, Clone)]
enum Row {
    Tick {
        session: u128,
        seq: u64,
        tick: i64,
        price: Option<f64>,
        phase: &'static str,
    },
    Entry {
        session: u128,
        seq: u64,
        peak: Option<f64>,
        prices: Vec<f64>,
        seed: bool,
        version: bool,
        proven: Option<bool>,
    },
    Proof {
        session: u128,
        seq: u64,
        proven: bool,
        filled: Vec<(u32, u32)>,
    },
}

fn tick(session: u128, tick: i64, price: f64) -> Row {
    Row::Tick { session, seq: 10 + tick.unsigned_abs(), tick, price: Some(price), phase: "ACTIVE" }
}

fn rugged(session: u128, tick: i64, price: f64) -> Row {
    Row::Tick { session, seq: 10 + tick.unsigned_abs(), tick, price: Some(price), phase: "RUGGED" }
}

/// The rows of a whole recording: every tick of the seed's path, the rug, and what is counted on after it.
fn whole(session: u128) -> Vec<Row> {
    let path = path();
    let last = path.len() - 1;
    let mut rows: Vec<Row> =
        (0..).zip(&path[..last]).map(|(number, price)| tick(session, number, *price)).collect();
    rows.extend((0..3).map(|on| rugged(session, last as i64 + on, path[last])));
    rows
}

fn contents<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Vec<Contents> {
    let mut tables = Tables::default();
    let envelope = |session: u128, seq: u64| Envelope {
        ts: Some(1_767_225_600_000_000 + seq as i64 * 250_000),
        source: From::PublicWs,
        session_id: SessionId::from_u128(session),
        game_id: Some(GAME),
        player_id: None,
        username: None,
        seq,
        direction: None,
        raw_json: None,
        ordinal: 0,
    };
    for row in rows {
        match row {
            Row::Tick { session, seq, tick, price, phase } => {
                let own = [
                    Cell::Int(*tick),
                    price.map_or(Cell::Null, Cell::Float),
                    Cell::Bool(true),
                    Cell::Bool(*phase == "RUGGED"),
                    Cell::Null,
                    Cell::Null,
                    Cell::Text(phase),
                    Cell::Text("frame"),
                ];
                tables.row(DocType::GameTick, &envelope(*session, *seq), &own).unwrap();
            }
            Row::Entry { session, seq, peak, prices, seed: with_seed, version, proven } => {
                let seed = seed();
                let last = prices.len().checked_sub(1);
                let own = [
                    peak.map_or(Cell::Null, Cell::Float),
                    last.map_or(Cell::Null, |last| Cell::Int(last as i64)),
                    prices.last().map_or(Cell::Null, |price| Cell::Float(*price)),
                    Cell::Null,
                    if *with_seed { Cell::Text(&seed) } else { Cell::Null },
                    Cell::Null,
                    if *version { Cell::Text("v3") } else { Cell::Null },
                    if prices.is_empty() { Cell::Null } else { Cell::Floats(prices) },
                    Cell::Null,
                    proven.map_or(Cell::Null, Cell::Bool),
                    Cell::Int(4 * i64::from(*with_seed) + 2 * i64::from(!prices.is_empty())),
                ];
                tables.row(DocType::Game, &envelope(*session, *seq), &own).unwrap();
            }
            Row::Proof { session, seq, proven, filled } => {
                let proof = StoredProof {
                    game_id: GAME.into(),
                    server_seed: seed(),
                    version: "v3".into(),
                    filled: filled.clone(),
                    difference: (!proven).then(|| "tick 3".to_owned()),
                    ..StoredProof::default()
                };
                let details = serde_json::to_string(&proof).unwrap();
                let own = [Cell::Text(proof.event_type()), Cell::Text(&details)];
                tables.row(DocType::SystemEvent, &envelope(*session, *seq), &own).unwrap();
            }
        }
    }
    tables.finish().unwrap().iter().map(|(doc_type, batch)| Contents::of_batches(*doc_type, [batch])).collect()
}

fn add(record: &mut GameRecord, contents: &[Contents]) {
    for contents in contents {
        let session = |place: u32| -> Arc<str> { contents.sessions[place as usize].as_str().into() };
        contents.games.iter().for_each(|extent| record.add_ticks(&session(extent.session), extent));
        contents.histories.iter().for_each(|entry| record.add_entry(&session(entry.session), entry));
        contents.proofs.iter().for_each(|proof| record.add_proof(&session(proof.session), proof));
    }
}

fn record<'r>(rows: impl IntoIterator<Item = &'r Row>) -> GameRecord {
    let mut record = GameRecord::default();
    add(&mut record, &contents(rows));
    record
}

fn game<'r>(rows: impl IntoIterator<Item = &'r Row>) -> Game {
    record(rows).game(&GAME.into())
}

#[test]
fn a_whole_recording_is_complete_and_has_its_peak_and_its_rug() {
    let path = path();
    let game = game(&whole(1));
    let rug = path.len() as i64 - 1;
    let peak = path.iter().copied().fold(0.0, f64::max);
    assert_eq!((game.ticks_recorded(), game.ticks_missing, game.complete), (rug + 1, Some(0), true));
    let found = game.rug.unwrap();
    assert_eq!((found.tick, found.price, found.source), (rug, path.last().copied(), Source::Recorded));
    let found = game.peak.unwrap();
    assert_eq!((found.price, path[found.tick.unwrap() as usize], found.source), (peak, peak, Source::Recorded));
    assert_eq!((game.known, game.phase, game.proven), (Known::Ticks, Some(Reached::Rugged), None));
    assert_eq!((game.rugs.clone(), game.anomalies.clone()), (vec![rug], Vec::new()));
    assert_eq!(game.rug_frame.unwrap().1, 10 + rug as u64);
}

#[test]
fn the_rug_and_the_peak_of_a_game_in_two_sessions_are_those_of_both() {
    let rows = whole(1);
    // One session lost everything after the first twenty ticks, the other joined at the tenth.
    let rows: Vec<Row> = rows[..20]
        .iter()
        .cloned()
        .chain(rows[10..].iter().cloned().map(|row| match row {
            Row::Tick { seq, tick, price, phase, .. } => Row::Tick { session: 2, seq, tick, price, phase },
            other => other,
        }))
        .collect();
    let both = game(&rows);
    let alone = game(&whole(1));
    assert_eq!(
        (&both.recorded, both.complete, both.rug, both.peak),
        (&alone.recorded, true, alone.rug, alone.peak)
    );
    assert_eq!((both.sessions.len(), both.anomalies), (2, Vec::new()));
}

#[test]
fn two_rugs_are_both_named_and_the_first_counts() {
    let mut rows: Vec<Row> = (0..20).map(|number| tick(1, number, 1.0 + number as f64 / 10.0)).collect();
    rows.extend([rugged(1, 20, 0.02), rugged(1, 21, 0.02)]);
    rows.extend((40..60).map(|number| tick(1, number, 50.0)));
    rows.push(rugged(1, 60, 0.02));
    let game = game(&rows);
    assert_eq!(game.rug.unwrap().tick, 20);
    assert_eq!(game.rugs, [20, 60]);
    assert_eq!(game.anomalies, [Anomaly::SeveralRugs, Anomaly::PricesAfterRug]);
    // What was recorded after the rug counts neither as ticks nor for the peak.
    assert_eq!((game.ticks_recorded(), game.complete), (21, true));
    assert_eq!((game.peak.unwrap().tick, game.peak.unwrap().price), (Some(19), 2.9));
}

#[test]
fn a_history_entry_decides_between_two_rugs() {
    let mut rows: Vec<Row> = (0..60).map(|number| tick(1, number, 1.5)).collect();
    rows.extend([rugged(1, 20, 0.02), rugged(1, 60, 0.02)]);
    let mut prices = vec![1.5; 60];
    prices.push(0.02);
    rows.push(Row::Entry {
        session: 1,
        seq: 99,
        peak: Some(1.5),
        prices,
        seed: false,
        version: false,
        proven: None,
    });
    let game = game(&rows);
    assert_eq!((game.rug.unwrap().tick, game.rugs.len(), game.complete), (60, 2, true));
}

#[test]
fn where_only_the_seed_is_known_it_gives_the_rug_and_the_peak() {
    for version in [true, false] {
        let rows =
            [Row::Entry { session: 1, seq: 5, peak: None, prices: Vec::new(), seed: true, version, proven: None }];
        let game = game(&rows);
        let path = path();
        let rug = path.len() as i64 - 1;
        if version {
            let found = game.rug.unwrap();
            assert_eq!((found.tick, found.price, found.source), (rug, path.last().copied(), Source::Computed));
            assert_eq!(game.peak.unwrap().source, Source::Computed);
        } else {
            // Nothing recorded says by which rules it was played.
            assert_eq!((game.rug, game.peak), (None, None));
        }
        assert_eq!((game.known, game.ticks_recorded(), game.ticks_missing), (Known::History, 0, None));
    }
}

#[test]
fn rules_that_nothing_names_are_those_that_give_the_recorded_prices() {
    let rows: Vec<Row> = whole(1)
        .into_iter()
        .skip(5)
        .take(40)
        .chain([Row::Entry {
            session: 1,
            seq: 999,
            peak: None,
            prices: Vec::new(),
            seed: true,
            version: false,
            proven: None,
        }])
        .collect();
    let game = game(&rows);
    assert_eq!(game.rug.unwrap().tick, path().len() as i64 - 1);
    assert_eq!(game.ticks_missing, Some(path().len() as i64 - 40));
}

#[test]
fn a_rug_whose_first_packets_were_missed_counts_at_its_true_tick() {
    let path = path();
    let last = path.len() as i64 - 1;
    let late: Vec<Row> =
        whole(1).into_iter().filter(|row| !matches!(row, Row::Tick { tick, .. } if *tick == last)).collect();
    assert_eq!(game(&late).rug.unwrap().tick, last + 1, "nobody says it better");
    let with_entry: Vec<Row> = late
        .into_iter()
        .chain([Row::Entry {
            session: 1,
            seq: 999,
            peak: None,
            prices: path,
            seed: false,
            version: true,
            proven: None,
        }])
        .collect();
    let game = game(&with_entry);
    assert_eq!((game.rug.unwrap().tick, game.rugs, game.complete), (last, vec![last], true));
}

#[test]
fn a_recording_from_tick_one_misses_nothing() {
    let rows: Vec<Row> = whole(1).into_iter().skip(1).collect();
    let one = game(&rows);
    assert_eq!((one.first_tick(), one.ticks_missing, one.complete, one.holes.len()), (Some(1), Some(0), true, 0));
    let rows: Vec<Row> = whole(1).into_iter().skip(2).collect();
    let two = game(&rows);
    assert_eq!(
        (two.first_tick(), two.ticks_missing, two.complete, two.holes),
        (Some(2), Some(2), false, vec![(0, 1)])
    );
}

#[test]
fn a_game_whose_rug_is_unknown_has_holes_and_no_number_of_missing_ticks() {
    let rows: Vec<Row> =
        whole(1).into_iter().take(30).filter(|row| !matches!(row, Row::Tick { tick: 7, .. })).collect();
    let game = game(&rows);
    assert_eq!(
        (game.ticks_recorded(), game.ticks_missing, game.holes, game.complete),
        (29, None, vec![(7, 7)], false)
    );
    assert_eq!((game.rug, game.rugs.len(), game.phase), (None, 0, Some(Reached::Active)));
}

#[test]
fn a_price_before_the_game_is_none_of_its_ticks() {
    let rows = [Row::Tick { session: 1, seq: 1, tick: 0, price: Some(1.0), phase: "PRESALE" }];
    let game = game(&rows);
    assert_eq!((game.known, game.phase), (Known::BeforeStart, Some(Reached::Presale)));
    assert_eq!((game.ticks_recorded(), game.ticks_missing, game.peak), (0, None, None));
}

#[test]
fn a_price_that_cannot_be_is_named_and_its_tick_not_recorded() {
    let mut rows = whole(1);
    // The peak is at another tick.
    rows[11] = tick(1, 11, 1e12);
    let damaged = game(&rows);
    assert_eq!((damaged.corrupted.clone(), damaged.holes.clone()), (vec![(11, 11)], vec![(11, 11)]));
    assert_eq!((damaged.ticks_missing, damaged.complete), (Some(1), false));
    assert_eq!((damaged.peak, damaged.anomalies), (game(&whole(1)).peak, vec![Anomaly::CorruptedPrices]));
    // Another recording has the tick.
    rows.push(tick(2, 11, path()[11]));
    assert!(game(&rows).complete);
}

#[test]
fn an_announced_peak_without_any_price_has_no_tick_and_says_so() {
    let rows = [Row::Entry {
        session: 1,
        seq: 1,
        peak: Some(812.5),
        prices: Vec::new(),
        seed: false,
        version: false,
        proven: None,
    }];
    let peak = game(&rows).peak.unwrap();
    assert_eq!((peak.price, peak.tick, peak.source), (812.5, None, Source::Announced));
}

#[test]
fn an_announced_peak_that_the_prices_contradict_does_not_count() {
    let mut rows = whole(1);
    rows.push(Row::Entry {
        session: 1,
        seq: 999,
        peak: Some(812.5),
        prices: Vec::new(),
        seed: false,
        version: false,
        proven: None,
    });
    let found = game(&rows);
    assert_eq!((found.peak, found.anomalies), (game(&whole(1)).peak, vec![Anomaly::AnnouncedPeakDiffers]));
}

#[test]
fn the_list_gives_the_peak_of_a_recording_with_holes_and_the_tick() {
    let path = path();
    let peak = path.iter().copied().fold(0.0, f64::max);
    let at = path.iter().position(|price| *price == peak).unwrap() as i64;
    let mut rows: Vec<Row> =
        whole(1).into_iter().filter(|row| !matches!(row, Row::Tick { tick, .. } if *tick == at)).collect();
    rows.push(Row::Entry {
        session: 1,
        seq: 999,
        peak: Some(peak),
        prices: path,
        seed: false,
        version: true,
        proven: None,
    });
    let found = game(&rows).peak.unwrap();
    assert_eq!((found.price, found.tick, found.source), (peak, Some(at), Source::Announced));
}

#[test]
fn two_recordings_of_a_tick_that_differ_are_named() {
    let mut rows = whole(1);
    rows.extend(whole(2));
    assert_eq!(game(&rows).anomalies, []);
    let place = rows.len() - 100;
    let Row::Tick { tick: number, .. } = rows[place] else { panic!() };
    rows[place] = tick(2, number, 0.75);
    assert_eq!(game(&rows).anomalies, [Anomaly::RecordingsDiffer]);
}

#[test]
fn the_last_stored_proof_counts_before_the_entry() {
    let listed = Row::Entry {
        session: 1,
        seq: 1,
        peak: None,
        prices: path(),
        seed: true,
        version: true,
        proven: Some(true),
    };
    assert_eq!(game([&listed]).proven, Some(true));
    let differs = Row::Proof { session: 3, seq: 7, proven: false, filled: Vec::new() };
    assert_eq!(game([&listed, &differs]).proven, Some(false));
    let later = Row::Proof { session: 3, seq: 8, proven: true, filled: vec![(3, 4)] };
    let proven = game([&later, &listed, &differs]);
    assert_eq!((proven.proven, proven.filled), (Some(true), vec![(3, 4)]));
    assert_eq!(game([&later]).known, Known::Proof);
}

/// Rows as recordings with losses, damage, several sessions and late seeds have them.
fn any_row() -> impl Strategy<Value = Row> {
    let session = || 1..4_u128;
    let price = prop_oneof![8 => (1..400_u32).prop_map(|cents| f64::from(cents) / 100.0), 1 => Just(-1.0), 1 => Just(1e300)];
    prop_oneof![
        12 => (session(), 0..200_i64, price).prop_map(|(session, number, price)| tick(session, number, price)),
        1 => (session(), 0..200_i64).prop_map(|(session, number)| rugged(session, number, 0.02)),
        1 => (session(), 0..9_u64).prop_map(|(session, seq)| Row::Tick { session, seq, tick: 0, price: None, phase: "PRESALE" }),
        1 => (session(), 0..9_u64, any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(session, seq, listed, seed, version)| {
            let prices = if listed { path() } else { Vec::new() };
            Row::Entry { session, seq, peak: Some(7.5), prices, seed, version, proven: (listed && seed && version).then_some(true) }
        }),
        1 => (session(), 0..9_u64, any::<bool>()).prop_map(|(session, seq, proven)| Row::Proof { session, seq, proven, filled: vec![(3, 5)] }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn records_merge_in_any_order_and_grouping_to_the_same(
        rows in prop::collection::vec(any_row(), 1..60),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        order in any::<u64>(),
    ) {
        // Parts of the rows, as sealing cuts them.
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(rows.len())).chain([0, rows.len()]).collect();
        at.sort_unstable();
        at.dedup();
        let parts: Vec<GameRecord> = at.windows(2).map(|pair| record(&rows[pair[0]..pair[1]])).collect();
        let mut forward = GameRecord::default();
        parts.iter().for_each(|part| forward.merge(part));
        // Another order.
        let mut shuffled: Vec<&GameRecord> = parts.iter().collect();
        let mut state = order;
        for place in (1..shuffled.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            shuffled.swap(place, (state >> 33) as usize % (place + 1));
        }
        let mut backward = GameRecord::default();
        shuffled.iter().for_each(|part| backward.merge(part));
        prop_assert_eq!(&forward, &backward);
        // Another grouping.
        let (left, right) = shuffled.split_at(shuffled.len() / 2);
        let group = |parts: &[&GameRecord]| {
            let mut group = GameRecord::default();
            parts.iter().for_each(|part| group.merge(part));
            group
        };
        let mut grouped = group(right);
        grouped.merge(&group(left));
        prop_assert_eq!(&forward, &grouped);
    }

    #[test]
    fn a_game_is_the_same_however_its_rows_are_cut_into_parts(
        lost in prop::collection::btree_set(0..250_i64, 0..40),
        cuts in prop::collection::vec(0..250_usize, 0..6),
    ) {
        let rows: Vec<Row> = whole(1)
            .into_iter()
            .filter(|row| !matches!(row, Row::Tick { tick, .. } if lost.contains(tick)))
            .chain([Row::Entry { session: 1, seq: 999, peak: None, prices: path(), seed: true, version: true, proven: Some(true) }])
            .collect();
        let one = game(&rows);
        let mut at: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).chain([0, rows.len()]).collect();
        at.sort_unstable();
        let mut record_of_parts = GameRecord::default();
        at.windows(2).for_each(|pair| record_of_parts.merge(&record(&rows[pair[0]..pair[1]])));
        prop_assert_eq!(record_of_parts.game(&GAME.into()), one);
    }
}
