//! The cycle of a game as the server plays it: cooldown, presale, ticks, settlement, the two rug broadcasts.
//!
//! Each step makes its frames at the clock's time and names the next step and when it comes. Intervals are
//! the measured ones.

use super::bots::Bots;
use super::events::golden_drawing;
use super::packets::{self, Moment, Prices};
use super::players::Player;
use super::session::{Audience, Session, Shown};
use super::standings::Standings;

const MS: i64 = 1000;
/// Milliseconds between two packets before the game.
const TIMER_STEP: i64 = 100;
/// The timer when presale opens.
const PRESALE: i64 = 10_000;
/// The timer in the first packet of a connection that is opened between two games.
const JOIN_TIMER: i64 = 12_000;
/// The rug's private consequences come this long before its public tick.
const SETTLEMENT_LEAD_US: i64 = 190 * MS;

/// What the server does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The connection opens.
    Connect,
    /// A timer packet; value in milliseconds.
    Cooldown(i64),
    /// The tick packet that opens presale, and its timer packet.
    OpenPresale,
    /// A timer packet while early buys are open.
    Presale(i64),
    /// A price. The last one is the rug.
    Tick(usize),
    /// The rug's bets and forced sells, just before its tick.
    Settle,
    /// First full packet after the rug: the old game, still without its seed.
    RugBroadcast,
    /// Second full packet: the next game, and the seed of the last one.
    NextGame,
}

impl Session {
    /// Makes the frames of `step`, and those of the background until the next step.
    pub(super) fn perform(&mut self, step: Step) {
        let at_us = self.clock_us;
        let (next, gap_us) = match step {
            Step::Connect => self.connect(at_us),
            Step::Cooldown(timer) => self.cooldown(at_us, timer),
            Step::OpenPresale => self.open_presale(at_us),
            Step::Presale(timer) => self.presale(at_us, timer),
            Step::Tick(tick) => self.tick(at_us, tick),
            Step::Settle => self.settle_rug(at_us),
            Step::RugBroadcast => self.rug_broadcast(at_us),
            Step::NextGame => self.next_game(at_us),
        };
        self.step = next;
        self.clock_us = at_us + gap_us;
        self.run_background(at_us, self.clock_us, step);
    }

    fn connect(&mut self, at_us: i64) -> (Option<Step>, i64) {
        let joined = self.config.join_tick.map(|tick| tick.min(self.round.path.rug_tick.saturating_sub(1)));
        if let Some(tick) = joined {
            self.catch_up(tick, at_us);
        }
        self.handshake(at_us);
        let moment = joined.map_or_else(Moment::waiting, Moment::running);
        let timer = if joined.is_some() { 0 } else { JOIN_TIMER };
        let snapshot = packets::full(self.view(timer, false), moment, Prices::Whole, self.config.full_snapshots);
        self.receive(at_us + 120 * MS, snapshot);
        self.announce(Audience::Everyone, at_us + 130 * MS);
        match joined {
            Some(tick) => (Some(self.after_tick(tick)), 330 * MS),
            None => (Some(Step::Cooldown(JOIN_TIMER - TIMER_STEP)), 220 * MS),
        }
    }

    /// Begins a world that many connections share: between two games, or in the running one.
    pub(super) fn open_world(&mut self) {
        if self.step.is_none() {
            return;
        }
        let tick = self.config.join_tick.map(|tick| tick.min(self.round.path.rug_tick.saturating_sub(1)));
        self.step = match tick {
            Some(tick) => {
                self.catch_up(tick, self.clock_us);
                self.shown_tick = tick;
                self.shown = Shown { moment: Moment::running(tick), timer: 0, presale: false, open: true };
                self.clock_us += 60 * MS;
                Some(self.after_tick(tick))
            }
            None => {
                self.shown.timer = JOIN_TIMER;
                Some(Step::Cooldown(JOIN_TIMER))
            }
        };
    }

    /// What a connection gets first: everything, with the whole path of the running game.
    pub(super) fn snapshot(&self) -> String {
        let Shown { moment, timer, presale, .. } = self.shown;
        packets::full(self.view(timer, presale), moment, Prices::Whole, self.config.full_snapshots)
    }

    /// Plays what was missed of the running game.
    fn catch_up(&mut self, tick: usize, at_us: i64) {
        let bots = Bots { roster: &self.roster, first: self.bots() };
        for _ in 0..PRESALE / TIMER_STEP {
            bots.before_the_game(&mut self.round, &mut self.random, at_us / MS);
        }
        for missed in 0..tick {
            self.round.settle(&mut self.random, missed, at_us / MS);
            bots.after_tick(&mut self.round, &mut self.random, missed, at_us / MS);
        }
        self.round.settle(&mut self.random, tick, at_us / MS);
        self.rank(self.round.price(tick.saturating_sub(1)), true);
    }

    fn cooldown(&mut self, at_us: i64, timer: i64) -> (Option<Step>, i64) {
        self.shown = Shown { moment: Moment::waiting(), timer, presale: false, open: false };
        self.receive(at_us, packets::timer(self.view(timer, false)));
        self.companion(at_us);
        let next =
            if timer - TIMER_STEP > PRESALE { Step::Cooldown(timer - TIMER_STEP) } else { Step::OpenPresale };
        (Some(next), self.timer_gap())
    }

    fn open_presale(&mut self, at_us: i64) -> (Option<Step>, i64) {
        self.leaderboard = "[]".to_owned();
        self.shown = Shown { moment: Moment::waiting(), timer: PRESALE, presale: true, open: true };
        self.vary_connected();
        let opening = packets::tick(self.view(PRESALE, true), Moment::waiting(), self.previous_trades);
        self.receive(at_us, opening);
        self.companion(at_us);
        self.receive(at_us + MS, packets::timer(self.view(PRESALE, true)));
        self.companion(at_us + MS);
        (Some(Step::Presale(PRESALE - TIMER_STEP)), self.timer_gap())
    }

    fn presale(&mut self, at_us: i64, timer: i64) -> (Option<Step>, i64) {
        let bots = Bots { roster: &self.roster, first: self.bots() };
        bots.before_the_game(&mut self.round, &mut self.random, at_us / MS);
        self.shown.timer = timer;
        if self.ranked != (self.round.trades.len(), self.round.bets.len()) {
            self.rank(1.0, false);
        }
        self.receive(at_us, packets::timer(self.view(timer, true)));
        self.companion(at_us);
        if timer == 5000 {
            self.own_presale(at_us);
        }
        let next = if timer > TIMER_STEP { Step::Presale(timer - TIMER_STEP) } else { Step::Tick(0) };
        (Some(next), self.timer_gap())
    }

    fn tick(&mut self, at_us: i64, tick: usize) -> (Option<Step>, i64) {
        let rugged = tick == self.round.path.rug_tick;
        self.shown_tick = tick;
        let moment = Moment { rugged, ..Moment::running(tick) };
        self.shown = Shown { moment, timer: 0, presale: false, open: !rugged };
        if !rugged {
            let decided = self.round.settle(&mut self.random, tick, at_us / MS);
            self.own_bet_decided(at_us, &decided);
        }
        self.vary_connected();
        let text = if tick == 0 { self.start_packet() } else { self.tick_packet(tick, rugged) };
        self.receive(at_us, text);
        self.companion(at_us);
        if rugged {
            return (Some(Step::RugBroadcast), self.random.between(800, 1700) * MS);
        }
        self.own_tick(at_us, tick);
        let bots = Bots { roster: &self.roster, first: self.bots() };
        bots.after_tick(&mut self.round, &mut self.random, tick, at_us / MS);
        let lead = if self.after_tick(tick) == Step::Settle { SETTLEMENT_LEAD_US } else { 0 };
        (Some(self.after_tick(tick)), self.tick_gap() - lead)
    }

    fn after_tick(&self, tick: usize) -> Step {
        if tick + 1 == self.round.path.rug_tick { Step::Settle } else { Step::Tick(tick + 1) }
    }

    /// The ranking is empty on tick 0. Golden games begin with a full packet instead of a short one.
    fn start_packet(&mut self) -> String {
        self.leaderboard = "[]".to_owned();
        if self.is_golden() {
            packets::full(self.view(0, false), Moment::running(0), Prices::Partial, self.config.full_snapshots)
        } else {
            packets::start(self.view(0, false))
        }
    }

    /// Results are marked with the price of the tick before: the ranking lags by one.
    fn tick_packet(&mut self, tick: usize, rugged: bool) -> String {
        self.rank(self.round.price(tick - 1), true);
        let moment = Moment { rugged, ..Moment::running(tick) };
        packets::tick(self.view(0, false), moment, self.round.trades.len())
    }

    fn settle_rug(&mut self, at_us: i64) -> (Option<Step>, i64) {
        let rug_tick = self.round.path.rug_tick;
        self.shown_tick = rug_tick;
        self.shown.open = false;
        let decided = self.round.settle(&mut self.random, rug_tick, at_us / MS);
        self.own_bet_decided(at_us, &decided);
        self.liquidated = self.round.liquidate(&mut self.random, &self.roster);
        self.rank(self.round.price(rug_tick), true);
        self.own_liquidated(at_us);
        (Some(Step::Tick(rug_tick)), SETTLEMENT_LEAD_US)
    }

    fn rug_broadcast(&mut self, at_us: i64) -> (Option<Step>, i64) {
        let tick = self.round.path.rug_tick;
        let tick_count = tick + 1 + self.random.below(3);
        let moment = Moment { active: true, rugged: true, tick, tick_count };
        self.shown.moment = moment;
        let text = packets::full(self.view(0, false), moment, Prices::Partial, self.config.full_snapshots);
        self.receive(at_us, text);
        self.companion(at_us);
        if self.is_golden() {
            self.draw_golden(at_us + 20 * MS);
        }
        (Some(Step::NextGame), self.random.between(240, 530) * MS)
    }

    fn draw_golden(&mut self, at_us: i64) {
        let entrants: Vec<&Player> =
            self.roster.iter().map(AsRef::as_ref).filter(|player| player.level >= 10).collect();
        if let Some(text) = golden_drawing(&mut self.random, &self.round.id, at_us / MS, &entrants) {
            self.receive(at_us, text);
        }
    }

    fn next_game(&mut self, at_us: i64) -> (Option<Step>, i64) {
        let ended_ms = at_us / MS - self.random.between(300, 900);
        self.lobby.finish(&self.round, ended_ms);
        self.lobby.rugpool.finish(self.round.path.rug_tick, self.liquidated, ended_ms);
        self.previous_trades = self.round.trades.len();
        let next = self.next_round(at_us);
        let ended = std::mem::replace(&mut self.round, next);
        if self.config.keep_truths {
            self.truths.push(ended.into_truth(ended_ms));
        }
        self.finished += 1;
        (self.shown_tick, self.ranked) = (0, (0, 0));
        self.shown = Shown { moment: Moment::waiting(), timer: 15_000, presale: false, open: false };
        self.own_new_game();
        self.receive(at_us, packets::full(self.view(15_000, false), Moment::waiting(), Prices::Partial, true));
        self.companion(at_us);
        let next = (self.finished < self.config.games).then_some(Step::Cooldown(15_000 - TIMER_STEP));
        (next, self.timer_gap())
    }

    /// Ranks everybody at the price `mark` and prints the rankings that frames carry.
    pub(super) fn rank(&mut self, mark: f64, running: bool) {
        self.ranked = (self.round.trades.len(), self.round.bets.len());
        let standings = Standings::of(&self.round, mark, running);
        self.leaderboard = standings.leaderboard(&self.round, &self.roster);
        if let Some(own) = self.own.as_mut() {
            own.entry = standings.entry(&self.round, &self.roster, 0);
        }
    }

    pub(super) fn is_golden(&self) -> bool {
        let every = self.config.golden_every;
        every > 0 && self.finished % every == every - 1
    }

    fn vary_connected(&mut self) {
        let change = self.random.below(7);
        self.connected = (self.connected + change).saturating_sub(3).clamp(150, 300);
    }

    fn timer_gap(&mut self) -> i64 {
        TIMER_STEP * MS + self.random.between(-3 * MS, 3 * MS)
    }

    /// About a quarter of a second, and now and then a stall.
    fn tick_gap(&mut self) -> i64 {
        if self.random.chance(0.002) {
            return self.random.between(600, 2500) * MS;
        }
        250_300 + self.random.between(-30 * MS, 30 * MS) + self.random.between(-23 * MS, 23 * MS)
    }
}
