//! The real captures, where they are there: the fold's prices and rug ticks are those of the revealed seeds.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;
use crate::protocol::fairness::{self, GameVersion};
use crate::protocol::phase::Phase;
use crate::real_captures::{self, time_of};
use crate::state::game::Game;
use crate::state::prices::TickSource;

/// Folds a capture line by line; the last state of every game, and all notes.
fn fold_file(path: &Path, format: LineFormat) -> (Fold, BTreeMap<String, Game>, Vec<Note>) {
    let text = std::fs::read_to_string(path).unwrap();
    let (mut fold, mut games, mut notes) = (Fold::new(), BTreeMap::new(), Vec::new());
    for (number, line) in text.lines().enumerate() {
        let direction = line.contains("\"direction\": \"sent\"").then_some("sent");
        let event = imported(number as u64 + 1, time_of(line), format, line);
        notes.extend(fold.apply(&Event { direction, ..event }));
        for game in fold.games() {
            games.insert(game.id.to_string(), game.clone());
        }
    }
    (fold, games, notes)
}

const CAPTURES: [(&str, LineFormat); 3] = [
    ("raw_captures/2025-12-12_17-16-58_raw.jsonl", LineFormat::RawCapture),
    ("raw_captures/2025-12-15_00-39-17_cdp.jsonl", LineFormat::CdpCapture),
    ("sandbox/websocket_raw_samples.jsonl", LineFormat::Sandbox),
];

#[test]
fn captured_prices_and_rugs_are_those_of_the_seed() {
    let Some(data) = real_captures::folder() else { return };
    let (mut proven, mut prices) = (0, 0);
    for (file, format) in CAPTURES {
        let (_, games, notes) = fold_file(&data.join(file), format);
        assert!(!notes.iter().any(|note| matches!(note, Note::PriceDisagreement(_))), "{file}");
        for game in games.values() {
            let Some(seed) = game.seed.as_deref() else { continue };
            let path = fairness::play(seed, &game.id, game.version.unwrap_or(GameVersion::V3));
            for (tick, told) in game.prices.iter().enumerate() {
                if let Some((price, TickSource::Tick | TickSource::Partial | TickSource::Snapshot)) = told {
                    assert_eq!(price.to_bits(), path.prices[tick].to_bits(), "{} tick {tick}", game.id);
                    prices += 1;
                }
            }
            assert_eq!(game.rug_tick, Some(path.rug_tick as u32), "{}", game.id);
            assert_eq!(game.rug_price, path.prices.last().copied());
            assert_eq!((game.proven, game.phase), (Some(true), Some(Phase::Rugged)));
            proven += 1;
        }
    }
    eprintln!("{proven} captured games proven, {prices} prices from packets");
    assert!(proven >= 3 && prices > 500);
}

// M11: joined at tick 4, ticks 0–3 from the connect frame's `prices`, no other gaps.
#[test]
fn m11_a_real_join_is_repaired_from_the_connect_frame() {
    let Some(data) = real_captures::folder() else { return };
    let (_, games, _) = fold_file(&data.join(CAPTURES[0].0), CAPTURES[0].1);
    let joined = games.values().find(|game| game.joined_at == Some(4)).expect("the joined game");
    assert!((0..4).all(|tick| joined.prices.get(tick).map(|(_, source)| source) == Some(TickSource::Snapshot)));
    assert!(games.values().all(|game| game.missed == 0));
    assert!(games.values().filter(|game| game.rug_tick.is_some()).all(Game::is_complete));
}

// M12: the inversions of real captures neither close nor duplicate a game.
#[test]
fn m12_real_inversions_end_each_game_once_and_in_order() {
    let Some(data) = real_captures::folder() else { return };
    let mut late_rugs = 0;
    for (file, format) in CAPTURES {
        let (fold, _, notes) = fold_file(&data.join(file), format);
        let mut current: Option<String> = None;
        let mut ended = Vec::new();
        for note in &notes {
            match note {
                Note::Phase(change) => {
                    if change.is_new_game() {
                        assert_eq!(change.previous_game.as_deref(), current.as_deref());
                    }
                    current = Some(change.game_id.to_string());
                }
                Note::GameFinished { game_id, .. } => {
                    assert!(!ended.contains(&game_id.to_string()), "{file}: {game_id} ended twice");
                    ended.push(game_id.to_string());
                }
                Note::GameRugged { game_id, .. } if ended.contains(&game_id.to_string()) => late_rugs += 1,
                _ => {}
            }
        }
        assert_eq!(
            fold.counts().0,
            notes.iter().filter(|note| matches!(note, Note::GameRugged { .. })).count() as u64
        );
    }
    assert_eq!(late_rugs, 0, "in these captures the rug's first packet is never late");
}

#[test]
fn a_real_browsers_account_is_read() {
    let Some(data) = real_captures::folder() else { return };
    let (fold, _, notes) = fold_file(&data.join(CAPTURES[1].0), CAPTURES[1].1);
    let account = fold.snapshot(0).account.expect("an account");
    assert!(account.cash.is_some() && account.player_id.is_some());
    assert_eq!(account.has_position, Some(false));
    assert!(!notes.iter().any(|note| matches!(note, Note::DriftOpened { .. })));
    let lobby = fold.snapshot(0).lobby.expect("the lobby");
    assert!(lobby.rugpool_amount.is_some() && lobby.connected_players.is_some());
}

// Recordings of 2025 hold no seed, but the rug price is a function of the prices before it.
#[test]
fn recorded_games_rug_at_two_percent_of_their_lowest_price() {
    let Some(data) = real_captures::folder() else { return };
    let (mut complete, mut rugged) = (0, 0);
    let mut files: Vec<_> =
        std::fs::read_dir(data.join("rugs_recordings")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "jsonl")) {
        let (_, games, _) = fold_file(file, LineFormat::Recording);
        for game in games.values().filter(|game| game.rug_tick.is_some()) {
            rugged += 1;
            let prices: Option<Vec<f64>> = game.prices.iter().map(|told| told.map(|(price, _)| price)).collect();
            let Some(prices) = prices.filter(|_| game.is_complete()) else { continue };
            let (rug, before) = prices.split_last().unwrap();
            let lowest = before.iter().copied().fold(f64::INFINITY, f64::min);
            assert_eq!(rug.to_bits(), (lowest * (1.0 - 0.98)).to_bits(), "{}", game.id);
            complete += 1;
        }
    }
    eprintln!("{rugged} recorded games with their rug, {complete} of them with every price");
    assert!(complete > 150);
}
