//! A game that many connections share: one clock, one set of books, public frames for everybody and private ones
//! for those who are logged in.
//!
//! The generator is that of a [`Session`]; what a single connection's stream has beyond the game (handshake,
//! heartbeat, the requests of a browser) comes from real clients here. Everybody who logs in is the same player,
//! as two tabs of one browser are. Which games are played is decided by the seed alone, whoever connects or trades.
//!
//! Invented, because never captured: the payloads of `chatHistory`, `leaderboardData` and `playerCosmetics`, and
//! how the server refuses an order.

use super::account::{LOGIN_US, SEAT};
use super::json::{Json, Trace};
use super::numbers::Nano;
use super::orders::Ordered;
use super::prng::Prng;
use super::session::{Audience, Config, Session};
use super::truth::GameTruth;
use replayer_protocol::frame;

const MS: i64 = 1000;
/// From the arrival of an order to its execution; its broadcast follows 4 ms later.
const EXECUTION_US: i64 = 65 * MS;
/// Until a question without an acknowledgement is answered.
const ANSWER_US: i64 = 120 * MS;
/// Until a latency probe is acknowledged.
const PROBE_US: i64 = 90 * MS;

/// Chance that has nothing to do with the bots.
#[derive(Debug)]
pub(super) struct Chance {
    /// Decides the games.
    pub(super) games: Prng,
    /// What connections cause.
    pub(super) clients: Prng,
}

/// A frame of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorldFrame {
    /// Game time, µs since 1970 UTC.
    pub at_us: i64,
    /// Who gets it.
    pub audience: Audience,
    /// The whole frame, with its Engine.IO type.
    pub text: String,
}

/// The game as everybody sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The running or announced game.
    pub game_id: String,
    /// `COOLDOWN`, `PRESALE`, `ACTIVE` or `RUGGED`.
    pub phase: &'static str,
    /// The last tick; None before the game.
    pub tick: Option<usize>,
    /// Its price; None before the game.
    pub price: Option<f64>,
    /// Games that were finished.
    pub finished: usize,
}

/// What a client asked for.
#[derive(Debug)]
pub(super) struct Request {
    ordered: Ordered,
    socket: u64,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Buy(Nano),
    Sell(i64),
    Bet(Nano),
    Login,
}

/// A shared game. It waits for nothing: the caller says what time it is.
#[derive(Debug)]
pub struct World {
    session: Session,
}

impl World {
    /// A world between two games, or on `join_tick` of its first one. `logged_in` makes every connection that of
    /// the player.
    pub fn new(config: Config) -> Self {
        let chance = Chance {
            games: Prng::new(config.seed ^ 0x6761_6d65_735f_5f5f),
            clients: Prng::new(config.seed ^ 0x7669_7369_746f_7273),
        };
        let mut session = Session::with_chance(config, Some(chance));
        session.open_world();
        Self { session }
    }

    /// When something happens next, µs of game time; None when all games are played.
    pub fn due_us(&self) -> Option<i64> {
        self.session.due_us()
    }

    /// Lets time pass until `now_us`; the next frame on the way there, None when there is none left.
    pub fn next_until(&mut self, now_us: i64) -> Option<WorldFrame> {
        let (at_us, audience, text) = self.session.next_until(now_us)?;
        Some(WorldFrame { at_us, audience, text })
    }

    /// A connection joins: the snapshot to send it, before any frame that comes later. Its own announcements
    /// follow as frames for [`Audience::Socket`].
    pub fn join(&mut self, socket: u64, now_us: i64) -> String {
        let whom = Audience::Socket(socket);
        self.session.aside(|world| world.announce(whom, now_us + 10 * MS));
        if self.session.config.logged_in {
            self.session.aside(|world| {
                world.enter(socket, now_us);
                let trace = Trace::fresh(&mut world.random);
                world.answer_login(whom, now_us + 60 * MS, trace);
            });
        }
        self.session.snapshot()
    }

    /// A connection is gone.
    pub fn leave(&mut self, socket: u64) {
        let session = &mut self.session;
        session.logged_in.retain(|held| *held != socket);
        if let Some(own) = session.own.as_mut().filter(|_| session.logged_in.is_empty()) {
            own.logged_in_us = i64::MAX;
        }
    }

    /// Whether a connection gets the player's private frames.
    pub fn is_player(&self, socket: u64) -> bool {
        self.session.logged_in.contains(&socket)
    }

    /// Takes a frame that a client sent. Like the real server's, its silence is the only answer to what it does
    /// not know.
    pub fn take(&mut self, socket: u64, now_us: i64, text: &str) {
        let Ok(frame) = frame::parse(text) else { return };
        let Some(name) = frame.event_name.as_deref() else { return };
        let payload = frame.payload().and_then(|raw| serde_json::from_str::<serde_json::Value>(raw.get()).ok());
        let number = |key: &str| payload.as_ref().and_then(|payload| payload.get(key)).and_then(|n| n.as_f64());
        let sol = |key: &str| Nano((number(key).unwrap_or(0.0) * 1e9).round() as i64);
        let trace = frame.traceparent.as_deref().and_then(Trace::parse);
        let kind = match name {
            "buyOrder" => Kind::Buy(sol("amount")),
            "sellOrder" => Kind::Sell(number("percentage").unwrap_or(100.0) as i64),
            "requestSidebet" => Kind::Bet(sol("amount")),
            "authenticate" => Kind::Login,
            _ => return self.session.aside(|world| world.answer(socket, now_us, name, frame.ack_id, trace)),
        };
        self.session.aside(|world| {
            let trace = trace.unwrap_or_else(|| Trace::fresh(&mut world.random));
            let ordered = Ordered { from: Audience::Socket(socket), id: frame.ack_id, trace, at_us: now_us };
            let delay = if kind == Kind::Login { LOGIN_US - 40 * MS } else { EXECUTION_US };
            world.request_at(now_us + delay, Request { ordered, socket, kind });
        });
    }

    /// The truth of every finished game, in order, if it is kept.
    pub fn truths(&self) -> &[GameTruth] {
        self.session.truths()
    }

    /// The same, handed out: they are no longer kept here.
    pub fn take_truths(&mut self) -> Vec<GameTruth> {
        std::mem::take(&mut self.session.truths)
    }

    /// The games of the first `gameHistory`, oldest first.
    pub fn prior_games(&self) -> &[GameTruth] {
        self.session.prior_games()
    }

    /// The game as everybody sees it.
    pub fn seen(&self) -> Seen {
        let (session, shown) = (&self.session, self.session.shown);
        let phase = match (shown.moment.rugged, shown.moment.active, shown.presale) {
            (true, ..) => "RUGGED",
            (_, true, _) => "ACTIVE",
            (.., true) => "PRESALE",
            _ => "COOLDOWN",
        };
        let running = shown.moment.active;
        Seen {
            game_id: session.round.id.clone(),
            phase,
            tick: running.then_some(shown.moment.tick),
            price: running.then(|| session.round.price(shown.moment.tick)),
            finished: session.finished,
        }
    }

    /// SOL of the player.
    pub fn cash(&self) -> f64 {
        self.session.own_cash().unwrap_or_default()
    }
}

impl Session {
    /// Executes a request whose time has come.
    pub(super) fn fulfil(&mut self, now_us: i64, request: Request) {
        let Request { ordered, socket, kind } = request;
        if kind == Kind::Login {
            if !self.logged_in.contains(&socket) {
                self.enter(socket, now_us);
            }
            self.answer_login(ordered.from, now_us + 40 * MS, ordered.trace);
            return self.acknowledge(Ordered { at_us: now_us, ..ordered }, |ack| {
                ack.raw(r#"{"success":true}"#);
            });
        }
        if let Some(reason) = self.refusal(socket, kind) {
            return self.acknowledge(ordered, |ack| {
                ack.object().key("success").boolean(false).key("message").string(reason).end_object();
            });
        }
        let (tick, presale) = (self.shown.moment.tick, self.shown.presale);
        match kind {
            Kind::Buy(amount) => self.buy(ordered, amount, tick, presale),
            Kind::Sell(percentage) => self.sell(ordered, percentage, tick),
            Kind::Bet(stake) => self.bet(ordered, stake, tick),
            Kind::Login => {}
        }
    }

    /// From now on private frames go to `socket` too.
    fn enter(&mut self, socket: u64, now_us: i64) {
        self.logged_in.push(socket);
        if let Some(own) = self.own.as_mut() {
            own.logged_in_us = own.logged_in_us.min(now_us);
        }
    }

    fn refusal(&self, socket: u64, kind: Kind) -> Option<&'static str> {
        let smallest = Nano::milli(1);
        let cash = self.own.as_ref().map_or(Nano::ZERO, |own| own.cash);
        let book = self.round.books.get(SEAT)?;
        if !self.logged_in.contains(&socket) {
            return Some("Not authenticated");
        }
        if !self.shown.open {
            return Some("Trading is closed");
        }
        match kind {
            Kind::Buy(amount) | Kind::Bet(amount) if amount < smallest => Some("Amount too small"),
            Kind::Buy(amount) | Kind::Bet(amount) if amount > cash => Some("Insufficient balance"),
            Kind::Bet(_) if book.open_bet.is_some() => Some("A side bet is open"),
            Kind::Sell(_) if self.shown.presale => Some("Trading is closed"),
            Kind::Sell(share) if !(1..=100).contains(&share) => Some("Invalid percentage"),
            Kind::Sell(_) if book.qty == Nano::ZERO => Some("No position"),
            _ => None,
        }
    }

    /// Answers what is answered by an event of its own, and latency probes.
    fn answer(&mut self, socket: u64, now_us: i64, name: &str, id: Option<u64>, trace: Option<Trace>) {
        let whom = Audience::Socket(socket);
        let trace = trace.unwrap_or_else(|| Trace::fresh(&mut self.random));
        let at_us = now_us + ANSWER_US;
        match name {
            "ping" => {
                if let Some(id) = id {
                    self.tell(whom, now_us + PROBE_US, Json::ack(id).frame());
                }
            }
            "checkUsername" => self.username_status(whom, at_us, trace),
            "getPlayerLeaderboardPosition" => self.answer_rank(whom, at_us),
            "chatHistory" => {
                let mut answer = Json::event("chatHistory");
                answer.trace(&trace.sibling(&mut self.random)).array();
                for line in &self.background.chat {
                    answer.raw(line);
                }
                answer.end_array();
                self.tell(whom, at_us, answer.frame());
            }
            "getLeaderboard" | "getPlayerCosmetics" => {
                let (name, payload) = match name {
                    "getLeaderboard" => ("leaderboardData", r#"{"period":"7d","entries":[]}"#),
                    _ => ("playerCosmetics", "{}"),
                };
                let mut answer = Json::event(name);
                answer.trace(&trace.sibling(&mut self.random)).raw(payload);
                self.tell(whom, at_us, answer.frame());
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
