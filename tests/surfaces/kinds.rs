//! A store with games of every kind: losses, a late start, no rug, two sources, overlapping sessions, corrupted prices, an
//! older recording, a seed that comes late, two rugs, nothing but a seed, nothing but an announcement.

use std::path::Path;
use std::sync::Arc;

use replayer::protocol::fairness::{self, GameVersion};
use replayer::simulator::{Config, GameTruth, Session, SimulatedFrame};
use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::{Value, json};

use crate::common;

/// Games of which one thing is special, written as frames by hand.
pub const TWO_RUGS: &str = "20260102-0000000000000001";
pub const SEED_ONLY: &str = "20260102-0000000000000002";
pub const ANNOUNCED_ONLY: &str = "20260102-0000000000000003";
pub const FROM_ONE: &str = "20260102-0000000000000004";
pub const PRESALE_PRICE: &str = "20260102-0000000000000005";
pub const NO_RUG: &str = "20260102-0000000000000006";
pub const CORRUPTED: &str = "20260102-0000000000000007";
pub const ONE_OF_TWO: &str = "20260102-0000000000000008";
pub const LATE_SEED: &str = "20260102-0000000000000009";

/// When the games by hand are played.
const BY_HAND_US: i64 = 1_767_312_000_000_000;

/// A recorder that writes frames of its own.
struct Hand {
    recorder: Recorder,
    source: Source,
    ts: i64,
}

impl Hand {
    fn new(root: &DataRoot, source: Source, ts: i64) -> Hand {
        let store = Arc::new(Store::open(root, "test").unwrap());
        Hand { recorder: Recorder::start(store, RecorderOptions::new("test")).unwrap(), source, ts }
    }

    fn send(&mut self, payload: &Value) {
        self.ts += 250_000;
        let text = format!("42{}", json!(["gameStateUpdate", payload]));
        self.recorder.append(&Record::frame(self.ts, self.source, Direction::Received, &text)).unwrap();
    }

    fn tick(&mut self, game: &str, tick: i64, price: f64) {
        self.send(&json!({"gameId": game, "active": true, "rugged": false, "tickCount": tick, "price": price,
            "cooldownTimer": 0, "allowPreRoundBuys": false, "tradeCount": 0}));
    }

    fn rug(&mut self, game: &str, tick: i64, price: f64) {
        self.send(&json!({"gameId": game, "active": true, "rugged": true, "tickCount": tick, "price": price,
            "cooldownTimer": 0, "allowPreRoundBuys": false, "tradeCount": 0}));
    }

    fn presale(&mut self, game: &str, price: f64, history: Value) {
        self.send(&json!({"gameId": game, "active": false, "rugged": false, "tickCount": 0, "price": price,
            "cooldownTimer": 5000, "allowPreRoundBuys": true, "tradeCount": 0, "gameHistory": history}));
    }
}

/// The seed of a game by hand.
pub fn seed(game: &str) -> String {
    fairness::hash_seed(game)
}

/// The prices of a game by hand, by its seed.
pub fn prices(game: &str) -> Vec<f64> {
    fairness::play(&seed(game), game, GameVersion::V3).prices
}

fn revealed(game: &str) -> Value {
    json!({"id": game, "gameVersion": "v3", "timestamp": BY_HAND_US / 1000,
        "provablyFair": {"serverSeed": seed(game), "serverSeedHash": fairness::hash_seed(&seed(game))}})
}

/// Games by hand, in two sessions of two sources.
fn by_hand(root: &DataRoot) {
    let mut hand = Hand::new(root, Source::PublicWs, BY_HAND_US);
    for tick in 0..20 {
        hand.tick(TWO_RUGS, tick, 1.0 + tick as f64 / 10.0);
    }
    hand.rug(TWO_RUGS, 20, 0.02);
    hand.rug(TWO_RUGS, 21, 0.02);
    for tick in 30..40 {
        hand.tick(TWO_RUGS, tick, 7.0);
    }
    hand.rug(TWO_RUGS, 40, 0.02);

    let one = prices(FROM_ONE);
    for (tick, price) in (0..).zip(&one[..one.len() - 1]).skip(1) {
        hand.tick(FROM_ONE, tick, *price);
    }
    hand.rug(FROM_ONE, one.len() as i64 - 1, one[one.len() - 1]);

    for tick in 0..15 {
        hand.tick(NO_RUG, tick, 1.0 + (tick % 4) as f64);
    }

    for tick in 0..12 {
        let price = match tick {
            5 => -3.0,
            9 => 1e12,
            _ => 1.25,
        };
        hand.tick(CORRUPTED, tick, price);
    }
    hand.rug(CORRUPTED, 12, 0.025);

    // This session loses sight of the game before its peak and its rug.
    for tick in 0..10 {
        hand.tick(ONE_OF_TWO, tick, 1.5);
    }
    let late = prices(LATE_SEED);
    for (tick, price) in (0..).zip(&late[..late.len() - 1]).filter(|(tick, _)| tick % 3 != 1) {
        hand.tick(LATE_SEED, tick, *price);
    }
    hand.rug(LATE_SEED, late.len() as i64 - 1, late[late.len() - 1]);
    hand.presale(
        PRESALE_PRICE,
        1.0,
        json!([revealed(SEED_ONLY), {"id": ANNOUNCED_ONLY, "peakMultiplier": 912.5}]),
    );
    hand.recorder.close().unwrap();
    drop(hand);

    let mut other = Hand::new(root, Source::Cdp, BY_HAND_US + 60_000_000);
    for tick in 8..30 {
        other.tick(ONE_OF_TWO, tick, 1.5 + tick as f64 / 100.0);
    }
    other.rug(ONE_OF_TWO, 30, 0.03);
    other.presale(PRESALE_PRICE, 1.0, json!([revealed(LATE_SEED)]));
    other.recorder.close().unwrap();
}

fn record(root: &DataRoot, source: Source, frames: &[SimulatedFrame], keep: impl Fn(usize, &str) -> bool) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for (number, frame) in frames.iter().enumerate() {
        if frame.direction == Direction::Sent || keep(number, &frame.text) {
            recorder.append(&Record::frame(frame.at_us, source, frame.direction, &frame.text)).unwrap();
        }
    }
    recorder.close().unwrap();
}

/// Simulated games: one session that loses every third tick, and one of another source that joins late and ends early.
fn simulated(root: &DataRoot) -> Vec<GameTruth> {
    let mut session = Session::new(Config { games: 4, logged_in: true, ..Config::default() });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    let lost = |number: usize, text: &str| {
        number % 3 == 1 && text.contains("\"tickCount\"") && !text.contains("\"gameHistory\"")
    };
    record(root, Source::Cdp, &frames, |number, text| !lost(number, text));
    let part = &frames[frames.len() / 3..frames.len() * 2 / 3];
    record(root, Source::PublicWs, part, |_, _| true);
    session.truths().to_vec()
}

/// An older recording: games of another store as the older program wrote them down.
fn older(root: &DataRoot, folder: &Path) {
    let other = DataRoot::create(folder.join("older")).unwrap();
    let mut session =
        Session::new(Config { games: 2, seed: 77, start_us: 1_767_400_000_000_000, ..Config::default() });
    let frames: Vec<SimulatedFrame> = session.by_ref().collect();
    record(&other, Source::PublicWs, &frames, |number, _| number % 17 != 5);
    common::printed(&common::typed("replayer legacy export --format v1 --output ./export/", &other, folder));
    common::printed(&common::typed("replayer legacy import ./export/", root, folder));
    // A line of a per-game recording each: a tick, no frame.
    let lines: String = (0..30)
        .map(|tick| {
            let line = json!({"type": "tick", "game_id": "20260104-00000000000000aa", "tick": tick, "price": 1.0 + f64::from(tick) / 50.0,
                "active": true, "rugged": tick == 29, "timestamp": format!("2026-01-04T00:00:{:02}.000Z", tick), "cooldown_timer": 0, "trade_count": 3});
            format!("{line}\n")
        })
        .collect();
    std::fs::create_dir_all(folder.join("recordings")).unwrap();
    std::fs::write(folder.join("recordings/game_20260104.jsonl"), lines).unwrap();
    common::typed("replayer legacy import ./recordings/", root, folder);
}

/// All of them; the truth of the simulated ones.
pub fn store(root: &DataRoot, folder: &Path) -> Vec<GameTruth> {
    let truths = simulated(root);
    by_hand(root);
    older(root, folder);
    truths
}
