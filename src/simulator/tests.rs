//! Helpers of the simulator's tests; the tests are grouped by what they look at.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use serde_json::{Map, Value};

use super::*;

mod games;
mod local_player;
mod shapes;
mod stream;

fn config(seed: u64) -> Config {
    Config { seed, games: 4, history_len: 3, ..Config::default() }
}

fn frames(config: Config) -> Vec<SimulatedFrame> {
    Session::new(config).collect()
}

/// Event name and arguments of a frame; None for transport packets and acknowledgements.
fn event(text: &str) -> Option<(String, Vec<Value>)> {
    let body = text.strip_prefix("42")?.trim_start_matches(|digit: char| digit.is_ascii_digit());
    let mut arguments: Vec<Value> = serde_json::from_str(body).unwrap();
    let name = arguments.remove(0).as_str().unwrap().to_owned();
    Some((name, arguments))
}

/// The payloads of all events of one name, their trace argument skipped.
fn payloads(frames: &[SimulatedFrame], wanted: &str) -> Vec<Map<String, Value>> {
    let events = frames.iter().filter_map(|frame| event(&frame.text)).filter(|(name, _)| name == wanted);
    events.map(|(_, arguments)| arguments.last().unwrap().as_object().unwrap().clone()).collect()
}

fn states(frames: &[SimulatedFrame]) -> Vec<Map<String, Value>> {
    payloads(frames, "gameStateUpdate")
}
