//! The fold against what really happened: the simulator's truth, real captures, and the behaviours that older
//! systems had (`reference/behaviours.md` F5–F8; each test says which).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod behaviours;
mod captures;
mod live_values;
mod prices;
mod speed;
mod stored;
mod truth;

use super::*;
use crate::protocol::line::LineFormat;
use crate::simulator::{Config, GameTruth, Session, SimulatedFrame};
use crate::store::record::Source;

/// Simulated games: their frames and what really happened in them.
fn play(config: Config) -> (Vec<SimulatedFrame>, Vec<GameTruth>) {
    let mut session = Session::new(config);
    let frames = session.by_ref().collect();
    (frames, session.truths().to_vec())
}

/// Small games: a short history, so that a test takes milliseconds.
fn small(seed: u64, games: usize) -> Config {
    Config { seed, games, history_len: 3, ..Config::default() }
}

/// A frame as an event.
fn event(seq: usize, source: Source, frame: &SimulatedFrame) -> Event<'_> {
    let event = Event::wire("s", seq as u64 + 1, frame.at_us, source, &frame.text);
    Event { direction: Some(frame.direction.as_str()), ..event }
}

/// Folds frames of one source; all notes with their place.
fn fold_all(frames: &[SimulatedFrame], source: Source) -> (Fold, Vec<Note>) {
    let mut fold = Fold::new();
    let notes =
        frames.iter().enumerate().flat_map(|(seq, frame)| fold.apply(&event(seq, source, frame))).collect();
    (fold, notes)
}

/// A fold that is fed texts, one a tick of a quarter of a second.
struct Feed {
    fold: Fold,
    seq: u64,
    source: Source,
}

impl Feed {
    fn new() -> Feed {
        Feed { fold: Fold::new(), seq: 0, source: Source::Cdp }
    }

    fn now(&self) -> i64 {
        i64::try_from(self.seq).unwrap() * 250_000
    }

    fn frame(&mut self, text: &str) -> Vec<Note> {
        self.seq += 1;
        let now = self.now();
        self.fold.apply(&Event::wire("s", self.seq, now, self.source, text))
    }

    fn event(&mut self, name: &str, payload: &str) -> Vec<Note> {
        self.frame(&format!("42[\"{name}\",{payload}]"))
    }

    /// A tick of a running game.
    fn tick(&mut self, game: &str, tick: u32, price: f64) -> Vec<Note> {
        self.state(&format!(
            r#"{{"active":true,"price":{price},"rugged":false,"tickCount":{tick},"cooldownTimer":0,"allowPreRoundBuys":false,"gameId":"{game}"}}"#
        ))
    }

    /// The rug tick.
    fn rug(&mut self, game: &str, tick: u32, price: f64) -> Vec<Note> {
        self.state(&format!(
            r#"{{"active":true,"price":{price},"rugged":true,"tickCount":{tick},"cooldownTimer":0,"allowPreRoundBuys":false,"gameId":"{game}"}}"#
        ))
    }

    /// A timer packet.
    fn timer(&mut self, game: &str, timer: u32) -> Vec<Note> {
        let presale = timer <= 10_000;
        self.state(&format!(r#"{{"gameId":"{game}","cooldownTimer":{timer},"allowPreRoundBuys":{presale}}}"#))
    }

    fn state(&mut self, payload: &str) -> Vec<Note> {
        self.event("gameStateUpdate", payload)
    }

    fn player(&mut self, payload: &str) -> Vec<Note> {
        self.event("playerUpdate", payload)
    }

    fn snapshot(&self) -> Snapshot {
        self.fold.snapshot(self.now())
    }

    fn json(&self) -> serde_json::Value {
        serde_json::to_value(self.snapshot()).unwrap()
    }
}

/// A fact of a real capture's line.
fn imported(seq: u64, ts: Option<i64>, format: LineFormat, text: &str) -> Event<'_> {
    Event {
        session_id: "import",
        seq,
        ts,
        source: Source::Import.as_str(),
        direction: None,
        socket_id: None,
        event_name: None,
        format,
        text,
    }
}
