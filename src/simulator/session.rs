//! The stream of frames: configuration, the queue that keeps frames in time order, the iterator.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::account::Own;
use super::background::Background;
use super::crowd::Crowd;
use super::events::utc_date;
use super::game::Round;
use super::lobby::{Lobby, STATISTICS_WINDOW};
use super::numbers::Nano;
use super::packets::View;
use super::players::{Player, pilot, roster};
use super::prng::Prng;
use super::standings::Standings;
use super::steps::Step;
use super::truth::GameTruth;
use crate::protocol::fairness::{self, GameVersion};
use crate::store::record::Direction;

/// One WebSocket text message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SimulatedFrame {
    /// When it passed the client, µs since 1970 UTC. Never falls from one frame to the next.
    pub at_us: i64,
    /// Which way.
    pub direction: Direction,
    /// The whole frame.
    pub text: String,
}

/// What to simulate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Decides everything that looks like chance.
    pub seed: u64,
    /// Games to finish; the session ends when the game after the last one is announced.
    pub games: usize,
    /// When the connection opens, µs since 1970 UTC.
    pub start_us: i64,
    /// People who trade, at least two; the first of them is the logged-in one, if there is one.
    pub players: usize,
    /// A logged-in browser: requests, acknowledgements and private events are in the stream.
    pub logged_in: bool,
    /// Real size. Without it the snapshot on connecting and the first rug broadcast have an empty history,
    /// and records of the day have no price paths: the shapes stay, most of the bytes go.
    pub full_snapshots: bool,
    /// Games in `gameHistory`; ten on the real server.
    pub history_len: usize,
    /// Connect on this tick of the first game, with a snapshot of its `prices`; None connects in cooldown.
    pub join_tick: Option<usize>,
    /// Every how manieth game is part of a Golden Hour; 0 for none.
    pub golden_every: usize,
    /// Keep the truth of every finished game. The only thing that grows with the number of games.
    pub keep_truths: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            games: 3,
            start_us: 1_767_225_600_000_000, // 2026-01-01T00:00:00Z
            players: 60,
            logged_in: false,
            full_snapshots: true,
            history_len: 10,
            join_tick: None,
            golden_every: 4,
            keep_truths: true,
        }
    }
}

/// A frame with the place that it was made in: frames of one instant keep their order.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Queued {
    at_us: i64,
    number: u64,
    sent: bool,
    text: String,
}

/// A simulated connection; iterate to get its frames.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) random: Prng,
    /// The first of the roster, who may be logged in.
    pub(super) pilot: Arc<Player>,
    pub(super) roster: Vec<Arc<Player>>,
    pub(super) lobby: Lobby,
    pub(super) round: Round,
    pub(super) own: Option<Own>,
    pub(super) background: Background,
    /// Time of `step`; every frame before it has been made.
    pub(super) clock_us: i64,
    /// What happens next; None when the session is over.
    pub(super) step: Option<Step>,
    /// The public ranking as JSON.
    pub(super) leaderboard: String,
    /// Tick whose price everybody sees.
    pub(super) shown_tick: usize,
    /// Trades and bets that the ranking knows of.
    pub(super) ranked: (usize, usize),
    /// Trades of the game before, which the packet that opens presale still reports.
    pub(super) previous_trades: usize,
    /// Worth of what the last rug liquidated.
    pub(super) liquidated: Nano,
    pub(super) connected: usize,
    pub(super) finished: usize,
    pub(super) truths: Vec<GameTruth>,
    prior: Vec<GameTruth>,
    queue: BinaryHeap<Reverse<Queued>>,
    made: u64,
}

impl Session {
    /// A connection that has not yet been opened. The games of its first history are played here.
    pub fn new(config: Config) -> Self {
        let mut random = Prng::new(config.seed);
        let pilot = pilot(&mut random);
        let roster = roster(&mut random, &pilot, config.players.max(2));
        let lobby = Lobby::new(config.history_len, config.full_snapshots, &roster);
        let round = Round::new(&mut random, &utc_date(config.start_us), roster.len());
        let own = config.logged_in.then(|| Own::new(&mut random));
        let background = Background::new(&mut random, &config);
        let mut session = Self {
            clock_us: config.start_us,
            step: (config.games > 0).then_some(Step::Connect),
            leaderboard: "[]".to_owned(),
            shown_tick: 0,
            ranked: (0, 0),
            previous_trades: 0,
            liquidated: Nano::ZERO,
            connected: 200,
            finished: 0,
            truths: Vec::new(),
            prior: Vec::new(),
            queue: BinaryHeap::new(),
            made: 0,
            config,
            random,
            pilot,
            roster,
            lobby,
            round,
            own,
            background,
        };
        session.play_prior_games();
        session
    }

    /// The truth of every game that was finished in this session, in order.
    pub fn truths(&self) -> &[GameTruth] {
        &self.truths
    }

    /// The games of the first `gameHistory`, oldest first: they ended before the connection was opened.
    pub fn prior_games(&self) -> &[GameTruth] {
        &self.prior
    }

    /// Everybody, the logged-in player first.
    pub fn players(&self) -> &[Arc<Player>] {
        &self.roster
    }

    /// The made-up credential in the `authenticate` frame, so that a test can look for it where it must not be.
    pub fn token(&self) -> Option<&str> {
        self.own.as_ref().map(Own::token)
    }

    /// SOL of the logged-in player at this point of the stream.
    pub fn own_cash(&self) -> Option<f64> {
        self.own.as_ref().map(|own| own.cash.to_f64())
    }

    /// Statistics look back on a hundred games, the history on ten of them.
    fn play_prior_games(&mut self) {
        let (date, shown) = (utc_date(self.config.start_us), self.config.history_len);
        for _ in shown..STATISTICS_WINDOW {
            let (seed, id) = (self.random.hex(64), format!("{date}-{}", self.random.hex(16)));
            self.lobby.count_peak(fairness::play(&seed, &id, GameVersion::V3).peak);
        }
        for before in (0..shown).rev() {
            let start_us = self.config.start_us - (before as i64 + 1) * 75_000_000;
            let mut round = Round::new(&mut self.random, &utc_date(start_us), self.roster.len());
            self.play_silently(&mut round, start_us);
            self.leaderboard = Standings::of(&round, 0.0, true).leaderboard(&round, &self.roster);
            let ended_ms = start_us / 1000 + 60_000;
            self.lobby.finish(&round, ended_ms);
            self.prior.push(round.into_truth(ended_ms));
        }
    }

    fn play_silently(&mut self, round: &mut Round, start_us: i64) {
        let crowd = Crowd { roster: &self.roster, first: usize::from(self.own.is_some()) };
        let rug_tick = round.path.rug_tick;
        let at_ms = |tick: usize| start_us / 1000 + tick as i64 * 250;
        for _ in 0..100 {
            crowd.before_the_game(round, &mut self.random, at_ms(0));
        }
        for tick in 0..rug_tick {
            round.settle(&mut self.random, tick, at_ms(tick));
            crowd.after_tick(round, &mut self.random, tick, at_ms(tick));
        }
        round.settle(&mut self.random, rug_tick, at_ms(rug_tick));
        round.liquidate(&mut self.random, &self.roster);
    }

    pub(super) fn crowd(&self) -> usize {
        usize::from(self.own.is_some())
    }

    pub(super) fn view(&self, timer: i64, presale: bool) -> View<'_> {
        View {
            round: &self.round,
            lobby: &self.lobby,
            leaderboard: &self.leaderboard,
            connected: self.connected,
            timer,
            presale,
        }
    }

    pub(super) fn receive(&mut self, at_us: i64, text: String) {
        self.enqueue(at_us, false, text);
    }

    pub(super) fn send(&mut self, at_us: i64, text: String) {
        self.enqueue(at_us, true, text);
    }

    fn enqueue(&mut self, at_us: i64, sent: bool, text: String) {
        self.made += 1;
        self.queue.push(Reverse(Queued { at_us, number: self.made, sent, text }));
    }

    /// The earliest frame, if nothing that is still to be made can come before it.
    fn ready(&mut self) -> Option<SimulatedFrame> {
        let Reverse(first) = self.queue.peek()?;
        if self.step.is_some() && first.at_us >= self.clock_us {
            return None;
        }
        let Reverse(frame) = self.queue.pop()?;
        let direction = if frame.sent { Direction::Sent } else { Direction::Received };
        Some(SimulatedFrame { at_us: frame.at_us, direction, text: frame.text })
    }
}

impl Iterator for Session {
    type Item = SimulatedFrame;

    fn next(&mut self) -> Option<SimulatedFrame> {
        loop {
            if let Some(frame) = self.ready() {
                return Some(frame);
            }
            let step = self.step.take()?;
            self.perform(step);
        }
    }
}
