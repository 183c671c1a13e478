#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::*;
use crate::protocol::fairness::{GameVersion, PricePath, hash_seed};
use crate::replay::proof::evidence::{HistoryEntry, Place, TickRow};
use crate::state::fact::Tick;

const GAME: &str = "20260101-00000000000000ab";

fn seed() -> String {
    format!("{:064x}", 0xa)
}

fn path() -> PricePath {
    fairness::play(&seed(), GAME, GameVersion::V3)
}

fn place(seq: u64) -> Place {
    Place { session_id: Arc::from("session"), seq }
}

fn entry(prices: Vec<f64>) -> HistoryEntry {
    HistoryEntry {
        place: place(900),
        prices,
        seed: Some(seed()),
        hash: Some(hash_seed(&seed())),
        version: Some("v3".into()),
        peak: Some(path().peak),
        ended_us: None,
    }
}

fn row(evidence: &mut Evidence, seq: u64, tick: usize, price: f64, rugged: bool) {
    let phase = Some(if rugged { "RUGGED" } else { "ACTIVE" });
    let row = TickRow { tick: i64::try_from(tick).ok(), price: Some(price), phase, tick_source: Some("frame") };
    evidence.row(&place(seq), Some(seq as i64), &row);
}

/// A game recorded tick by tick, its rug told twice, and its history entry.
fn recorded() -> Evidence {
    let path = path();
    let mut evidence = Evidence::default();
    for (tick, price) in path.prices.iter().enumerate() {
        row(&mut evidence, tick as u64 + 1, tick, *price, tick == path.rug_tick);
    }
    // The second packet of the rug counts on.
    row(&mut evidence, 600, path.rug_tick + 2, *path.prices.last().unwrap(), true);
    evidence.history(entry(path.prices));
    evidence
}

#[test]
fn a_game_whose_every_price_agrees_is_proven() {
    let proof = prove(GAME, &recorded());
    let path = path();
    assert_eq!((proof.verdict, proof.differences_total), (Verdict::Proven, 0));
    // Each tick by its frame and by the history, and the second rug packet.
    assert_eq!(proof.prices_compared as usize, 2 * path.prices.len() + 1);
    assert_eq!((proof.rug_tick, proof.peak), (Some(path.rug_tick as u32), Some(path.peak)));
    assert_eq!((proof.ticks_recorded as usize, proof.ticks_missing), (path.prices.len(), Some(0)));
    assert_eq!((proof.hash_matches, proof.rug_price_rule), (Some(true), Some(true)));
}

#[test]
fn one_bit_makes_a_game_differ_and_the_frame_is_named() {
    let mut evidence = recorded();
    let wrong = f64::from_bits(path().prices[77].to_bits() ^ 1);
    row(&mut evidence, 5000, 77, wrong, false);
    let proof = prove(GAME, &evidence);
    assert_eq!((proof.verdict, proof.differences_total), (Verdict::Differs, 1));
    let first = &proof.differences[0];
    assert_eq!((first.what, first.tick, first.from.as_str(), first.seq), (What::Price, Some(77), "frame", 5000));
    assert_eq!((first.recorded.as_f64(), first.computed.as_f64()), (Some(wrong), Some(path().prices[77])));
    assert!(first.in_words().contains("at tick 77"), "{}", first.in_words());
    assert_eq!(proof.to_store().unwrap().event_type(), "game_differs");
}

#[test]
fn the_first_difference_is_the_one_of_the_lowest_tick() {
    let mut evidence = recorded();
    for tick in [200, 13, 80] {
        row(&mut evidence, 5000 + tick as u64, tick, 9.0, false);
    }
    let proof = prove(GAME, &evidence);
    let ticks: Vec<_> = proof.differences.iter().filter_map(|difference| difference.tick).collect();
    assert_eq!(ticks, [13, 80, 200]);
}

#[test]
fn partial_prices_and_snapshots_are_compared_too() {
    for snapshot in [false, true] {
        let mut evidence = recorded();
        let mut path = path().prices;
        path.truncate(31);
        path[12] += 0.5;
        let tick = Tick {
            game_id: Some(GAME.into()),
            active: Some(true),
            rugged: Some(false),
            price: Some(path[30]),
            tick_count: Some(30),
            window_end: (!snapshot).then_some(30),
            window: if snapshot { Vec::new() } else { vec![(12, path[12]), (30, path[30])] },
            path: if snapshot { path } else { Vec::new() },
            ..Tick::default()
        };
        evidence.frame(&place(7000), Some(1), &tick);
        let proof = prove(GAME, &evidence);
        assert_eq!(proof.differences_total, 1);
        let from = if snapshot { "connect_snapshot" } else { "partial_prices" };
        assert_eq!((proof.differences[0].from.as_str(), proof.differences[0].tick), (from, Some(12)));
    }
}

#[test]
fn what_else_differs_is_said_for_what_it_is() {
    let path = path();
    let differing = |change: &dyn Fn(&mut Evidence)| {
        let mut evidence = recorded();
        change(&mut evidence);
        let proof = prove(GAME, &evidence);
        assert_eq!(proof.verdict, Verdict::Differs);
        proof.differences.iter().map(|difference| difference.what).collect::<Vec<_>>()
    };
    assert_eq!(differing(&|evidence| row(evidence, 1, path.rug_tick + 1, 1.0, false)), [What::AfterRug]);
    assert_eq!(differing(&|evidence| row(evidence, 1, path.rug_tick, 0.5, true)), [What::RugPrice]);
    let rug_price = *path.prices.last().unwrap();
    assert_eq!(differing(&|evidence| row(evidence, 1, 3, rug_price, true)), [What::RugTick]);
    assert_eq!(differing(&|evidence| evidence.histories[0].prices.push(1.0)), [What::Length]);
    let other = hash_seed("another seed");
    let changed = differing(&|evidence| evidence.histories[0].hash = Some(other.clone()));
    assert_eq!(changed, [What::SeedHash]);
    // The commitment that packets of the game carried counts as well as that of the history.
    let told_before = |evidence: &mut Evidence| {
        let tick = Tick { seed_hash: Some(other.clone().into()), ..Tick::default() };
        evidence.frame(&place(1), None, &tick);
    };
    assert_eq!(differing(&told_before), [What::SeedHash]);
}

#[test]
fn missing_ticks_are_told_as_runs_and_stored_to_be_filled() {
    let path = path();
    let mut evidence = Evidence::default();
    for tick in (0..50).chain(60..path.rug_tick) {
        row(&mut evidence, tick as u64 + 1, tick, path.prices[tick], false);
    }
    evidence.history(entry(Vec::new()));
    let proof = prove(GAME, &evidence);
    let rug = path.rug_tick as u32;
    assert_eq!((proof.verdict, &proof.missing), (Verdict::Proven, &vec![(50, 59), (rug, rug)]));
    assert_eq!(proof.ticks_missing, Some(11));
    assert_eq!(proof.to_store().unwrap().filled, [(50, 59), (rug, rug)]);
    assert_eq!(proof.path().unwrap(), path.prices);
}

#[test]
fn a_game_that_was_filled_is_not_filled_again() {
    let path = path();
    let mut evidence = Evidence::default();
    row(&mut evidence, 1, 0, 1.0, false);
    evidence.history(entry(Vec::new()));
    for tick in 1..=path.rug_tick {
        let row = TickRow {
            tick: i64::try_from(tick).ok(),
            price: Some(path.prices[tick]),
            phase: Some("ACTIVE"),
            tick_source: Some("seed"),
        };
        evidence.row(&place(950), None, &row);
    }
    let proof = prove(GAME, &evidence);
    assert_eq!(proof.ticks_filled as usize, path.rug_tick);
    assert!(proof.to_store().unwrap().filled.is_empty());
}

#[test]
fn a_game_known_from_the_history_alone_is_proven_and_not_filled() {
    let mut evidence = Evidence::default();
    evidence.history(entry(path().prices));
    let proof = prove(GAME, &evidence);
    assert_eq!((proof.verdict, proof.ticks_recorded), (Verdict::Proven, 0));
    assert!(proof.to_store().unwrap().filled.is_empty());
}

#[test]
fn without_a_seed_a_game_is_unproven_but_its_rug_price_can_be_checked() {
    let mut evidence = recorded();
    evidence.histories.clear();
    let proof = prove(GAME, &evidence);
    assert_eq!((proof.verdict, proof.why), (Verdict::Unproven, Some(Unproven::NoSeed)));
    assert_eq!((proof.rug_price_rule, proof.rug_tick), (Some(true), Some(path().rug_tick as u32)));
    assert!(proof.because.is_some() && proof.to_store().is_none());
}

#[test]
fn unknown_rules_and_missing_prices_are_said() {
    let mut evidence = recorded();
    evidence.histories[0].version = Some("v9".into());
    evidence.histories[0].prices = vec![1.0, 1.1, 0.02];
    evidence.sessions.clear();
    assert_eq!(prove(GAME, &evidence).why, Some(Unproven::UnknownVersion));
    let mut nothing = Evidence::default();
    nothing.history(entry(Vec::new()));
    assert_eq!(prove(GAME, &nothing).why, Some(Unproven::NoPrices));
    assert_eq!(prove(GAME, &Evidence::default()).why, Some(Unproven::NoSeed));
}

#[test]
fn rules_that_were_not_recorded_are_inferred_from_the_prices() {
    // v1 and v2 of this seed part where the price passes 100.
    let seed = format!("{:064x}", 0x453);
    let played = fairness::play(&seed, GAME, GameVersion::V1);
    let mut evidence = Evidence::default();
    let silent = HistoryEntry { seed: Some(seed), version: None, hash: None, peak: None, ..entry(played.prices) };
    evidence.history(silent.clone());
    let proof = prove(GAME, &evidence);
    let version = proof.version.as_deref();
    assert_eq!((proof.verdict, version, proof.version_inferred), (Verdict::Proven, Some("v1"), true));
    assert_eq!(proof.hash_matches, None);
    let mut corrupted = Evidence::default();
    let mut entry = silent;
    entry.prices[5] = 4.0;
    corrupted.history(entry);
    let proof = prove(GAME, &corrupted);
    assert_eq!((proof.verdict, proof.version.as_deref()), (Verdict::Differs, Some("v1")));
    assert_eq!((proof.differences_total, proof.differences[0].tick), (1, Some(5)));
}

#[test]
fn an_announced_peak_that_contradicts_is_stored_with_the_proof() {
    let mut evidence = recorded();
    evidence.histories[0].peak = Some(99.0);
    let proof = prove(GAME, &evidence);
    assert_eq!((proof.verdict, proof.differences_total), (Verdict::Proven, 1));
    let words = proof.differences[0].in_words();
    assert!(
        words.starts_with("announced peak: recorded 99.0 by game_history session:900, the seed gives "),
        "{words}"
    );
    let stored = proof.to_store().unwrap();
    assert_eq!((stored.event_type(), stored.contradictions), ("game_proven", vec![words]));
}

#[test]
fn a_label_that_contradicts_names_its_packet() {
    let mut evidence = recorded();
    evidence.histories[0].version = None;
    let tick = Tick { version: Some("v1".into()), ..Tick::default() };
    evidence.frame(&place(17), None, &tick);
    let proof = prove(GAME, &evidence);
    assert_eq!((proof.verdict, proof.version.as_deref()), (Verdict::Proven, Some("v3")));
    let words = proof.differences[0].in_words();
    assert_eq!(words, "version label: recorded \"v1\" by frame session:17, the prices are those of \"v3\"");
}

#[test]
fn of_two_seeds_the_one_with_the_published_hash_counts() {
    let mut evidence = recorded();
    evidence.history(HistoryEntry { seed: Some("0".repeat(64)), hash: None, ..entry(Vec::new()) });
    assert_eq!(prove(GAME, &evidence).verdict, Verdict::Proven);
}

#[test]
fn packets_before_and_after_a_game_tell_nothing_of_its_prices() {
    let mut evidence = recorded();
    for phase in [Some("PRESALE"), Some("COOLDOWN"), None] {
        let row = TickRow { tick: Some(7), price: Some(1.0), phase, tick_source: Some("frame") };
        evidence.row(&place(1), None, &row);
    }
    assert_eq!(prove(GAME, &evidence).verdict, Verdict::Proven);
}
