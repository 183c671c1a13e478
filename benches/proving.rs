//! Games proven from their seeds, on one core.

use std::sync::Arc;
use std::time::Instant;

use replayer::protocol::fairness::{self, GameVersion};
use replayer::replay::proof::Evidence;
use replayer::replay::proof::evidence::{HistoryEntry, Place, TickRow};
use replayer::replay::proof::verdict::{Verdict, prove};

use crate::summary;

/// The median length of recorded games, ticks.
const MEDIAN: usize = 138;

const GAME: &str = "20260101-00000000000000ab";

/// Games of the median length: seeds and paths.
fn games() -> Vec<(String, Vec<f64>)> {
    let all = (0_u32..).map(|number| format!("{number:064x}"));
    let played = all.map(|seed| (fairness::play(&seed, GAME, GameVersion::V3), seed));
    played.filter(|(path, _)| path.rug_tick == MEDIAN).map(|(path, seed)| (seed, path.prices)).take(50).collect()
}

/// The seed's hash, its path, every price compared; then the same with everything that a recording holds of the game.
pub fn proving() {
    let games = games();
    let rounds = 200;
    let rates = (0..7).map(|_| {
        let started = Instant::now();
        for _ in 0..rounds {
            for (seed, prices) in &games {
                let path = fairness::play(seed, GAME, GameVersion::V3);
                let same = path.prices.iter().zip(prices).all(|(a, b)| a.to_bits() == b.to_bits());
                assert!(same && path.prices.len() == prices.len() && fairness::hash_seed(seed).len() == 64);
            }
        }
        (rounds * games.len()) as f64 / started.elapsed().as_secs_f64()
    });
    let (median, slowest, fastest) = summary(rates.collect());
    println!("proof: {median:.0} games of {MEDIAN} ticks per second on one core ({slowest:.0} … {fastest:.0})");
    let recorded: Vec<Evidence> = games.iter().map(|(seed, prices)| evidence(seed, prices)).collect();
    let rates = (0..7).map(|_| {
        let started = Instant::now();
        for _ in 0..20 {
            for evidence in &recorded {
                assert_eq!(prove(GAME, evidence).verdict, Verdict::Proven);
            }
        }
        (20 * recorded.len()) as f64 / started.elapsed().as_secs_f64()
    });
    let (median, slowest, fastest) = summary(rates.collect());
    println!(
        "verdict on all that was recorded (each price twice): {median:.0} games per second ({slowest:.0} … {fastest:.0})"
    );
}

fn evidence(seed: &str, prices: &[f64]) -> Evidence {
    let mut evidence = Evidence::default();
    let place = |seq| Place { session_id: Arc::from("session"), seq };
    for (tick, price) in prices.iter().enumerate() {
        let rugged = tick + 1 == prices.len();
        let row = TickRow {
            tick: i64::try_from(tick).ok(),
            price: Some(*price),
            phase: Some(if rugged { "RUGGED" } else { "ACTIVE" }),
            tick_source: Some("frame"),
        };
        evidence.row(&place(tick as u64 + 1), Some(tick as i64), &row);
    }
    evidence.history(HistoryEntry {
        place: place(1000),
        prices: prices.to_vec(),
        seed: Some(seed.to_owned()),
        hash: Some(fairness::hash_seed(seed)),
        version: Some("v3".into()),
        peak: None,
        ended_us: None,
    });
    evidence
}
