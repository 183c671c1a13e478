//! The stream of frames: configuration, the queue that keeps frames in time order, the iterator.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::account::Own;
use super::background::Background;
use super::bots::Bots;
use super::events::utc_date;
use super::game::Round;
use super::lobby::{Lobby, STATISTICS_WINDOW};
use super::numbers::Nano;
use super::packets::{Moment, View};
use super::players::{Player, local_player, roster};
use super::prng::Prng;
use super::standings::Standings;
use super::steps::Step;
use super::truth::GameTruth;
use super::world::{Chance, Request};
use replayer_protocol::fairness::{self, GameVersion};
use replayer_store::record::Direction;

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

/// Who gets a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Every connection.
    Everyone,
    /// The connections of the logged-in player.
    Player,
    /// One connection.
    Socket(u64),
    /// The server: the browser sent it.
    Server,
}

/// What waits for its time.
#[derive(Debug)]
enum Waiting {
    Frame(Audience, String),
    /// `playerUpdate`, written when its time has come: an account never shows an older state after a newer one.
    Account(Audience),
    /// A client's request on its way into the world.
    Request(Box<Request>),
}

/// Something that waits, with the place that it was made in: things of one instant keep their order.
#[derive(Debug)]
struct Queued {
    at_us: i64,
    number: u64,
    waiting: Waiting,
}

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at_us, self.number).cmp(&(other.at_us, other.number))
    }
}

/// What everybody sees of the game, as of the last packet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown {
    pub(super) moment: Moment,
    /// Milliseconds until the game starts.
    pub(super) timer: i64,
    /// Buying before the game is open.
    pub(super) presale: bool,
    /// Orders are executed: presale, or a running game whose rug has not been settled.
    pub(super) open: bool,
}

/// A simulated connection; iterate to get its frames.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) random: Prng,
    /// The first of the roster, who may be logged in.
    pub(super) local_player: Arc<Player>,
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
    pub(super) shown: Shown,
    /// Only in a world that many connections share. There the player is a client, not the generator.
    pub(super) chance: Option<Chance>,
    /// Connections that are logged in, in a shared world.
    pub(super) logged_in: Vec<u64>,
    prior: Vec<GameTruth>,
    queue: BinaryHeap<Reverse<Queued>>,
    made: u64,
}

impl Session {
    /// A connection that has not yet been opened. The games of its first history are played here.
    pub fn new(config: Config) -> Self {
        Self::with_chance(config, None)
    }

    pub(super) fn with_chance(config: Config, mut chance: Option<Chance>) -> Self {
        let mut random = Prng::new(config.seed);
        let local_player = local_player(&mut random);
        let roster = roster(&mut random, &local_player, config.players.max(2));
        let lobby = Lobby::new(config.history_len, config.full_snapshots, &roster);
        let games = chance.as_mut().map_or(&mut random, |chance| &mut chance.games);
        let round = Round::new(games, &utc_date(config.start_us), roster.len());
        let own = (config.logged_in || chance.is_some()).then(|| Own::new(&mut random));
        let background = Background::new(&mut random, &config, chance.is_some());
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
            shown: Shown { moment: Moment::waiting(), timer: 0, presale: false, open: false },
            chance,
            logged_in: Vec::new(),
            prior: Vec::new(),
            queue: BinaryHeap::new(),
            made: 0,
            config,
            random,
            local_player,
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
        let bots = Bots { roster: &self.roster, first: usize::from(self.own.is_some()) };
        let rug_tick = round.path.rug_tick;
        let at_ms = |tick: usize| start_us / 1000 + tick as i64 * 250;
        for _ in 0..100 {
            bots.before_the_game(round, &mut self.random, at_ms(0));
        }
        for tick in 0..rug_tick {
            round.settle(&mut self.random, tick, at_ms(tick));
            bots.after_tick(round, &mut self.random, tick, at_ms(tick));
        }
        round.settle(&mut self.random, rug_tick, at_ms(rug_tick));
        round.liquidate(&mut self.random, &self.roster);
    }

    pub(super) fn bots(&self) -> usize {
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

    /// The next game of the UTC day of `at_us`.
    pub(super) fn next_round(&mut self, at_us: i64) -> Round {
        let games = self.chance.as_mut().map_or(&mut self.random, |chance| &mut chance.games);
        Round::new(games, &utc_date(at_us), self.roster.len())
    }

    /// Does what a connection causes with chance of its own, so that the rest of the world stays as it was.
    pub(super) fn aside<T>(&mut self, cause: impl FnOnce(&mut Self) -> T) -> T {
        self.swap_chance();
        let result = cause(self);
        self.swap_chance();
        result
    }

    fn swap_chance(&mut self) {
        if let Some(chance) = self.chance.as_mut() {
            std::mem::swap(&mut self.random, &mut chance.clients);
        }
    }

    pub(super) fn receive(&mut self, at_us: i64, text: String) {
        self.tell(Audience::Everyone, at_us, text);
    }

    pub(super) fn send(&mut self, at_us: i64, text: String) {
        self.tell(Audience::Server, at_us, text);
    }

    pub(super) fn tell(&mut self, whom: Audience, at_us: i64, text: String) {
        self.enqueue(at_us, Waiting::Frame(whom, text));
    }

    pub(super) fn tell_account(&mut self, whom: Audience, at_us: i64) {
        self.enqueue(at_us, Waiting::Account(whom));
    }

    pub(super) fn request_at(&mut self, at_us: i64, request: Request) {
        self.enqueue(at_us, Waiting::Request(Box::new(request)));
    }

    fn enqueue(&mut self, at_us: i64, waiting: Waiting) {
        self.made += 1;
        self.queue.push(Reverse(Queued { at_us, number: self.made, waiting }));
    }

    /// When the next thing happens: a step, a frame or an order. None when all is over.
    pub(super) fn due_us(&self) -> Option<i64> {
        let step = self.step.map(|_| self.clock_us);
        let queued = self.queue.peek().map(|Reverse(first)| first.at_us);
        step.into_iter().chain(queued).min()
    }

    /// Lets things happen up to and including `until_us`, until a frame is due; None when none is.
    pub(super) fn next_until(&mut self, until_us: i64) -> Option<(i64, Audience, String)> {
        loop {
            let first = self.queue.peek().map_or(i64::MAX, |Reverse(first)| first.at_us);
            // At the same instant the step comes first: it may decide what a frame shows.
            if let Some(step) = self.step.filter(|_| self.clock_us <= first) {
                if self.clock_us > until_us {
                    return None;
                }
                self.step = None;
                self.perform(step);
                continue;
            }
            if first > until_us {
                return None;
            }
            let Reverse(Queued { at_us, waiting, .. }) = self.queue.pop()?;
            match waiting {
                Waiting::Frame(whom, text) => return Some((at_us, whom, text)),
                Waiting::Account(whom) => return Some((at_us, whom, self.player_update_text())),
                Waiting::Request(request) => self.aside(|world| world.fulfil(at_us, *request)),
            }
        }
    }
}

impl Iterator for Session {
    type Item = SimulatedFrame;

    fn next(&mut self) -> Option<SimulatedFrame> {
        let (at_us, whom, text) = self.next_until(i64::MAX)?;
        let direction = if whom == Audience::Server { Direction::Sent } else { Direction::Received };
        Some(SimulatedFrame { at_us, direction, text })
    }
}
