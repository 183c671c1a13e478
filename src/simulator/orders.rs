//! The logged-in player's orders: what is asked for, what follows, and what the rug does to it.
//!
//! Order and delays are those of the one real trade that was captured with its consequences: request,
//! broadcast +69 ms (in the same trace), `playerUpdate` +198, `gameStatePlayerUpdate` +213 (with the ranking
//! from before the trade), acknowledgement +219.

use std::sync::Arc;

use super::account::SEAT;
use super::events::{self, push_placed_bet};
use super::game::Seat;
use super::json::{Json, Trace};
use super::numbers::Nano;
use super::session::{Audience, Session};
use super::truth::{BET_PAYOUT, SOL, SideBet};

const MS: i64 = 1000;
/// From a request to the reading of its acknowledgement; no second request meanwhile.
pub const ROUND_TRIP_US: i64 = 219 * MS;

/// An order on its way: what its acknowledgement has to answer, and where.
#[derive(Debug, Clone, Copy)]
pub struct Ordered {
    /// Who waits for the acknowledgement.
    pub from: Audience,
    /// None for an order that asked for no acknowledgement.
    pub id: Option<u64>,
    /// The trace of the order and of its broadcast.
    pub trace: Trace,
    /// When it was sent.
    pub at_us: i64,
}

impl Session {
    /// An early buy in about every third game.
    pub(super) fn own_presale(&mut self, at_us: i64) {
        if self.chance.is_none() && self.own_is_free(at_us) && self.random.chance(0.35) {
            self.own_buy(at_us, 0, true);
        }
    }

    /// What the player does after seeing the price of `tick`.
    pub(super) fn own_tick(&mut self, at_us: i64, tick: usize) {
        if tick == 0 && self.own.as_ref().is_some_and(|own| at_us >= own.logged_in_us) {
            self.player_update(at_us + 20 * MS);
            self.player_update(at_us + 22 * MS);
            return;
        }
        if self.chance.is_some() || !self.own_is_free(at_us) {
            return;
        }
        let book = self.own_book();
        let holds = book.qty > Nano::ZERO;
        let dice = self.random.unit();
        if holds && dice < 0.06 {
            self.own_sell(at_us, tick);
        } else if !holds && dice < 0.06 {
            self.own_buy(at_us, tick, false);
        } else if book.open_bet.is_none() && dice > 0.97 {
            self.own_bet(at_us, tick);
        }
    }

    fn own_is_free(&self, at_us: i64) -> bool {
        self.own.as_ref().is_some_and(|own| at_us >= own.logged_in_us && at_us >= own.busy_until_us)
    }

    /// Sends a request with a trace and a payload, four milliseconds after the packet that prompted it.
    fn request(&mut self, at_us: i64, name: &str, payload: impl FnOnce(&mut Json)) -> Option<Ordered> {
        let id = self.own.as_mut()?.ack_id();
        let trace = Trace::fresh(&mut self.random);
        let request = Ordered { from: Audience::Player, id: Some(id), trace, at_us: at_us + 4 * MS };
        let mut json = Json::request(id, name);
        json.trace(&request.trace).object();
        payload(&mut json);
        json.end_object();
        self.send(request.at_us, json.frame());
        self.own.as_mut()?.busy_until_us = request.at_us + ROUND_TRIP_US;
        Some(request)
    }

    fn own_buy(&mut self, at_us: i64, tick: usize, presale: bool) {
        const AMOUNTS: [i64; 6] = [1, 2, 5, 10, 20, 50];
        let amount = Nano::milli(self.random.pick(&AMOUNTS).copied().unwrap_or(1));
        if self.own.as_ref().is_none_or(|own| own.cash < amount) {
            return;
        }
        let Some(request) = self.request(at_us, "buyOrder", |json| {
            json.key("amount").nano(amount);
        }) else {
            return;
        };
        self.buy(request, amount, tick, presale);
    }

    /// Executes a buy and schedules its consequences.
    pub(super) fn buy(&mut self, request: Ordered, amount: Nano, tick: usize, presale: bool) {
        let player = Arc::clone(&self.local_player);
        let trade = self.round.buy(&mut self.random, Seat { seat: SEAT, player: &player }, amount, tick);
        self.move_cash(-amount);
        self.own_trade_done(request, trade, presale);
    }

    fn own_sell(&mut self, at_us: i64, tick: usize) {
        let percentage = self.random.pick(&[10_i64, 25, 50, 100]).copied().unwrap_or(100);
        let Some(request) = self.request(at_us, "sellOrder", |json| {
            json.key("percentage").int(percentage);
        }) else {
            return;
        };
        self.sell(request, percentage, tick);
    }

    /// Executes a sell and schedules its consequences.
    pub(super) fn sell(&mut self, request: Ordered, percentage: i64, tick: usize) {
        let player = Arc::clone(&self.local_player);
        let trade = self.round.sell(&mut self.random, Seat { seat: SEAT, player: &player }, percentage, tick);
        let received =
            trade.and_then(|number| self.round.trades.get(number)).map_or(Nano::ZERO, |trade| trade.amount);
        self.move_cash(received);
        self.own_trade_done(request, trade, false);
    }

    /// The consequences of an own order, in their measured order. Early buys are not broadcast.
    fn own_trade_done(&mut self, request: Ordered, trade: Option<usize>, presale: bool) {
        if !presale {
            self.show_own_trade(request.at_us + 69 * MS, request.trace, trade);
        }
        self.player_update(request.at_us + 198 * MS);
        self.game_state_player_update(request.at_us + 213 * MS);
        self.acknowledge(request, |ack| {
            ack.raw(r#"{"success":true}"#);
        });
    }

    /// Answers an order, if it asked for an answer.
    pub(super) fn acknowledge(&mut self, request: Ordered, answer: impl FnOnce(&mut Json)) {
        if let Some(id) = request.id {
            let mut ack = Json::ack(id);
            answer(&mut ack);
            self.tell(request.from, request.at_us + ROUND_TRIP_US, ack.frame());
        }
    }

    fn show_own_trade(&mut self, at_us: i64, trace: Trace, trade: Option<usize>) {
        let sibling = trace.sibling(&mut self.random);
        let Some(trade) = trade.and_then(|number| self.round.trades.get_mut(number)) else {
            return;
        };
        trade.broadcast = true;
        let text = events::new_trade(sibling, &self.round.id, trade);
        self.receive(at_us, text);
    }

    fn own_bet(&mut self, at_us: i64, tick: usize) {
        let stake = Nano::milli(self.random.pick(&[1_i64, 2, 5]).copied().unwrap_or(1));
        if self.own.as_ref().is_none_or(|own| own.cash < stake) {
            return;
        }
        let Some(request) = self.request(at_us, "requestSidebet", |json| {
            json.key("amount").nano(stake).key("coinAddress").string(SOL).key("xPayout").int(BET_PAYOUT);
        }) else {
            return;
        };
        self.bet(request, stake, tick);
    }

    /// Places a side bet and schedules its consequences; nothing happens while one is open.
    pub(super) fn bet(&mut self, request: Ordered, stake: Nano, tick: usize) {
        let player = Arc::clone(&self.local_player);
        let seat = Seat { seat: SEAT, player: &player };
        let placed_ms = (request.at_us + 66 * MS) / MS;
        let Some(number) = self.round.bet(&mut self.random, seat, stake, tick, placed_ms) else {
            return;
        };
        self.move_cash(-stake);
        self.player_update(request.at_us + 190 * MS);
        self.confirm_bet(request, number, tick);
    }

    fn confirm_bet(&mut self, request: Ordered, number: usize, tick: usize) {
        let price = self.round.price(tick);
        let Some(bet) = self.round.bets.get(number).cloned() else {
            return;
        };
        let game_id = self.round.id.clone();
        let mut notice = Json::event("currentSidebet");
        notice.trace(&request.trace.sibling(&mut self.random));
        push_placed_bet(&mut notice, &game_id, &bet, price);
        self.tell(Audience::Player, request.at_us + 205 * MS, notice.frame());
        self.acknowledge(request, |ack| {
            ack.object().key("success").boolean(true).key("message").string("Side bet placed").key("sidebet");
            push_placed_bet(ack, &game_id, &bet, price);
            ack.end_object();
        });
    }

    /// Pays and reports the own bet if it is among those just `decided`.
    pub(super) fn own_bet_decided(&mut self, at_us: i64, decided: &[usize]) {
        if self.own.is_none() {
            return;
        }
        let own_id = self.local_player.id.clone();
        let own =
            decided.iter().filter_map(|number| self.round.bets.get(*number)).find(|bet| bet.player.id == own_id);
        let Some(bet) = own.cloned() else { return };
        self.move_cash(bet.outcome.map_or(Nano::ZERO, |outcome| outcome.payout));
        let text = self.bet_result(&bet);
        self.tell(Audience::Player, at_us, text);
        self.player_update(at_us + 10 * MS);
    }

    fn bet_result(&mut self, bet: &SideBet) -> String {
        let trace = Trace::fresh(&mut self.random);
        let (payout, tick, at_ms) = bet
            .outcome
            .map_or((Nano::ZERO, bet.end_tick, bet.placed_ms), |done| (done.payout, done.tick, done.at_ms));
        let mut json = Json::event("currentSidebetResult");
        json.trace(&trace).object().key("playerId").string(&bet.player.id).key("gameId").string(&self.round.id);
        json.key("username").raw(&bet.player.username_json).key("level").int(i64::from(bet.player.level));
        json.key("type").string("payout").key("betAmount").nano(bet.stake).key("payout").nano(payout);
        json.key("profit")
            .nano(payout - bet.stake)
            .key("xPayout")
            .int(BET_PAYOUT)
            .key("startTick")
            .count(bet.start_tick);
        json.key("endTick")
            .count(bet.end_tick)
            .key("tickIndex")
            .count(tick)
            .key("price")
            .number(self.round.price(tick));
        json.key("coinAddress").string(bet.coin()).key("timestamp").int(at_ms).end_object();
        json.frame()
    }

    /// Reports the forced sell of the own position, if the rug found one.
    pub(super) fn own_liquidated(&mut self, at_us: i64) {
        if self.own.is_none() {
            return;
        }
        let own_id = self.local_player.id.clone();
        let sold = self.round.trades.iter().rposition(|trade| trade.forced && trade.player.id == own_id);
        let Some(number) = sold else { return };
        let received = self.round.trades.get(number).map_or(Nano::ZERO, |trade| trade.amount);
        self.move_cash(received);
        let trace = Trace::fresh(&mut self.random);
        self.show_own_trade(at_us + 25 * MS, trace, Some(number));
        self.player_update(at_us + 40 * MS);
        self.game_state_player_update(at_us + 50 * MS);
    }
}
