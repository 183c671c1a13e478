//! What happens beside the game, by the clock: heartbeats, chat, contests, and the throttled trade broadcast.

use std::collections::VecDeque;

use super::events::{self, ChatLine, GoldenHour};
use super::json::Trace;
use super::prng::Prng;
use super::session::{Audience, Config, Session};
use super::steps::Step;

const MS: i64 = 1000;
const SECOND: i64 = 1_000_000;
/// A spectator gets one trade in this time.
const BROADCAST_GAP_US: i64 = 2 * SECOND;
/// A broadcast trade is at most this many ticks old.
const BROADCAST_AGE: usize = 8;
/// Chat lines that are remembered.
const CHAT_KEPT: usize = 20;

/// What recurs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Recurring {
    Heartbeat,
    Chat,
    GoldenHour,
    Battle,
    RugRoyale,
    OwnPing,
}

/// When what recurs is due next.
#[derive(Debug)]
pub struct Background {
    due: Vec<(i64, Recurring)>,
    golden_hour: Option<GoldenHour>,
    last_chat: Option<ChatLine>,
    next_trade_us: i64,
    next_bet_us: i64,
    /// The last chat lines as JSON, oldest first.
    pub(super) chat: VecDeque<String>,
}

impl Background {
    /// The timetable of a connection opened at `config.start_us`; in a world that is `shared`, only what does
    /// not belong to a connection.
    pub fn new(random: &mut Prng, config: &Config, shared: bool) -> Self {
        let start = config.start_us;
        let mut due = vec![
            (start + 6 * SECOND, Recurring::Chat),
            (start + 60 * SECOND, Recurring::Battle),
            (start + 300 * SECOND, Recurring::RugRoyale),
        ];
        if !shared {
            due.insert(0, (start + 25 * SECOND, Recurring::Heartbeat));
        }
        if config.golden_every > 0 {
            due.push((start + 15 * SECOND, Recurring::GoldenHour));
        }
        if config.logged_in && !shared {
            due.push((start + 30 * SECOND, Recurring::OwnPing));
        }
        let golden_hour = (config.golden_every > 0).then(|| GoldenHour::new(random, start / MS));
        Self { due, golden_hour, last_chat: None, next_trade_us: start, next_bet_us: start, chat: VecDeque::new() }
    }
}

impl Session {
    /// Engine.IO open, Socket.IO connect, and the requests that a browser sends at once.
    pub(super) fn handshake(&mut self, at_us: i64) {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let (engine, socket) = (self.random.text(ALPHABET, 20), self.random.text(ALPHABET, 20));
        let open = format!(
            r#"0{{"sid":"{engine}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}}"#
        );
        self.receive(at_us, open);
        self.send(at_us + 15 * MS, "40".to_owned());
        self.receive(at_us + 45 * MS, format!(r#"40{{"sid":"{socket}"}}"#));
        self.log_in(at_us + 50 * MS);
    }

    /// What every connection gets after its first snapshot.
    pub(super) fn announce(&mut self, whom: Audience, at_us: i64) {
        let golden = self.golden_update(None);
        self.tell(whom, at_us, golden);
        let battle = self.fresh(events::battle);
        self.tell(whom, at_us + 2 * MS, battle);
        self.tell(whom, at_us + 4 * MS, events::rug_royale(&self.roster, at_us / MS));
        for (place, make) in [events::sidebet_event, events::battle, events::maintenance].into_iter().enumerate() {
            let text = self.fresh(make);
            self.tell(whom, at_us + (6 + 2 * place as i64) * MS, text);
        }
    }

    fn fresh(&mut self, make: fn(Trace) -> String) -> String {
        make(Trace::fresh(&mut self.random))
    }

    /// `goldenHourUpdate`, in the trace of a request if it answers one.
    pub(super) fn golden_update(&mut self, trace: Option<Trace>) -> String {
        let trace = trace.unwrap_or_else(|| Trace::fresh(&mut self.random));
        match &self.background.golden_hour {
            Some(event) => event.update(trace, self.is_golden()),
            None => events::golden_hour_idle(trace),
        }
    }

    /// Makes everything that is due in `from..until`, while `step` is the last thing that happened.
    pub(super) fn run_background(&mut self, from: i64, until: i64, step: Step) {
        for place in 0..self.background.due.len() {
            while let Some((due, what)) = self.background.due.get(place).copied().filter(|(due, _)| *due < until) {
                let next = self.happen(due.max(from), what);
                if let Some(entry) = self.background.due.get_mut(place) {
                    entry.0 = next;
                }
            }
        }
        if let Step::Tick(tick) = step {
            self.broadcast_trade(from, until, tick);
            self.broadcast_bet(from, until, tick);
        }
    }

    /// Makes the frames and says when they come again.
    fn happen(&mut self, at_us: i64, what: Recurring) -> i64 {
        match what {
            Recurring::Heartbeat => {
                self.receive(at_us, "2".to_owned());
                self.send(at_us + MS, "3".to_owned());
                at_us + 25 * SECOND
            }
            Recurring::Chat => {
                self.say_something(at_us);
                at_us + self.random.between(4, 25) * SECOND
            }
            Recurring::GoldenHour => {
                let text = self.golden_update(None);
                self.receive(at_us, text);
                at_us + 15 * SECOND
            }
            Recurring::Battle => {
                let text = self.fresh(events::battle);
                self.receive(at_us, text);
                at_us + 60 * SECOND
            }
            Recurring::RugRoyale => {
                self.receive(at_us, events::rug_royale(&self.roster, at_us / MS));
                at_us + 300 * SECOND
            }
            Recurring::OwnPing => {
                self.own_ping(at_us);
                at_us + 30 * SECOND
            }
        }
    }

    fn say_something(&mut self, at_us: i64) {
        let Some(player) = self.random.pick(&self.roster).cloned() else {
            return;
        };
        let answered = if self.random.chance(0.15) { self.background.last_chat.take() } else { None };
        if let Some((text, line)) = events::chat(&mut self.random, &player, at_us / MS, answered.as_ref()) {
            if self.background.chat.len() >= CHAT_KEPT {
                self.background.chat.pop_front();
            }
            self.background.chat.extend(events::payload(&text).map(str::to_owned));
            self.receive(at_us, text);
            self.background.last_chat = Some(line);
        }
    }

    /// One of the trades of the last ticks, when the throttle allows it. Most trades are never seen.
    fn broadcast_trade(&mut self, from: i64, until: i64, tick: usize) {
        let due = self.background.next_trade_us.max(from);
        if due >= until {
            return;
        }
        let recent = self.round.trades.iter().enumerate().rev().take(BROADCAST_AGE);
        let unseen = recent.filter(|(_, trade)| {
            !trade.broadcast && !trade.player.practice && trade.tick + BROADCAST_AGE >= tick && trade.tick <= tick
        });
        let candidates: Vec<usize> = unseen.map(|(number, _)| number).collect();
        let Some(number) = self.random.pick(&candidates).copied() else {
            return;
        };
        let trace = Trace::fresh(&mut self.random);
        let Some(trade) = self.round.trades.get_mut(number) else {
            return;
        };
        trade.broadcast = true;
        let text = events::new_trade(trace, &self.round.id, trade);
        self.receive(due, text);
        self.background.next_trade_us = due + BROADCAST_GAP_US + self.random.between(-4 * MS, 6 * MS);
    }

    /// Side bets are announced even more rarely than trades.
    fn broadcast_bet(&mut self, from: i64, until: i64, tick: usize) {
        let due = self.background.next_bet_us.max(from);
        let own = self.own.is_some().then_some(&self.local_player);
        let fresh =
            self.round.bets.last().filter(|bet| bet.start_tick == tick && tick > 0 && Some(&bet.player) != own);
        let Some(bet) = fresh.filter(|_| due < until) else {
            return;
        };
        let (price, trace) = (self.round.price(tick), Trace::fresh(&mut self.random));
        let text = events::new_side_bet(trace, &self.round.id, bet, price);
        self.receive(due, text);
        self.background.next_bet_us = due + self.random.between(15, 60) * SECOND;
    }
}
