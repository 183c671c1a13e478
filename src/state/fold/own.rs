//! The own account's events: updates, trades, bets, requests and their answers.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::{Fold, Observed};
use crate::protocol::requests::{OpenOrder, action_type};
use crate::state::account::OpenBet;
use crate::state::event::{At, GameId};
use crate::state::exact;
use crate::state::fact::{AccountUpdate, Companion, OwnBet, Request, Trade, TradeAmounts};
use crate::state::latency::{Grade, Leg};
use crate::state::ledger::{Drift, GRACE_US, LATE_TRADE, OrderKind, OwnTrade, PendingOrder};
use crate::state::note::Note;

/// An order whose broadcast has not come yet.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    trace_id: Arc<str>,
    kind: Arc<str>,
    sent_us: Option<i64>,
}

/// Orders whose broadcast is waited for.
const MOST_WAITING: usize = 16;
/// Trades remembered, to count each once.
const MOST_TRADES: usize = 256;
/// The token address that stands for SOL in side bets; trades say `solana`.
const SOL: &str = "So11111111111111111111111111111111111111112";

impl Fold {
    pub(super) fn account_update(
        &mut self,
        at: &At,
        socket_id: Option<&str>,
        update: &AccountUpdate<'_>,
        notes: &mut Vec<Note>,
    ) {
        let now = self.games.last().map(|game| (game.id.clone(), game.tick.unwrap_or(0)));
        let now = now.as_ref().map(|(id, tick)| (id, *tick));
        let drift = self.account.update(at, socket_id, update, now);
        self.drifted(at, drift, notes);
    }

    pub(super) fn companion(&mut self, at: &At, companion: &Companion<'_>) {
        let current = self.games.last().map(|game| game.id.clone());
        // Only of the current game: a late one would bring back what the new game has cleared.
        if current.as_deref().is_none_or(|current| companion.game_id.as_deref() == Some(current)) {
            self.account.ranked(at, companion.game_id.as_deref(), companion.leaderboard_entry.as_ref());
        }
        if let Some(rugpool) = companion.rugpool {
            self.lobby.rugpool = Some(Observed { at: at.clone(), value: rugpool });
        }
    }

    pub(super) fn trade(
        &mut self,
        at: &At,
        trade: &Trade<'_>,
        amounts: &TradeAmounts,
        trace_id: Option<&str>,
        notes: &mut Vec<Note>,
    ) {
        self.broadcast(at, trace_id, notes);
        if let Some(id) = trade.id.as_deref()
            && !self.is_new_trade(id)
        {
            return;
        }
        let side = trade.side.as_deref();
        let place = self.games.iter().rposition(|game| Some(game.id.as_ref()) == trade.game_id.as_deref());
        let game = place.and_then(|place| self.games.get_mut(place)).map(Arc::make_mut);
        let (mut forced, mut game_id) = (false, None);
        if let Some(game) = game {
            forced = game.is_forced(side, trade.tick_index, trade.price);
            game.trades_seen += 1;
            game.forced_sells += u32::from(forced);
            game_id = Some(game.id.clone());
        }
        if !self.account.is_own(trade.player_id.as_deref()) {
            return;
        }
        let drift = self.book(at, side, trade, amounts, trace_id);
        notes.push(Note::OwnTrade {
            game_id: game_id.or_else(|| trade.game_id.as_deref().map(GameId::from)),
            side: side.unwrap_or("unknown").to_owned(),
            amount: trade.amount,
            price: trade.price,
            forced,
            money: trade.money,
        });
        self.drifted(at, drift, notes);
    }

    /// Books an own trade in the ledger. Shorts, leverage and other tokens follow rules that nobody has measured:
    /// after one of them the ledger starts anew from the server's values.
    fn book(
        &mut self,
        at: &At,
        side: Option<&str>,
        trade: &Trade<'_>,
        amounts: &TradeAmounts,
        trace_id: Option<&str>,
    ) -> Option<Drift> {
        let ledger = &mut self.account.ledger;
        let practice = trade.coin.as_deref().is_some_and(|coin| coin != "solana" && coin != SOL);
        if practice {
            return None;
        }
        let plain = matches!(side, Some("buy" | "sell")) && trade.leverage.is_none_or(|leverage| leverage == 1.0);
        let told = amounts.qty.zip(amounts.amount).zip(amounts.price).filter(|_| plain);
        let Some(((qty, amount), price)) = told else {
            ledger.rebase();
            return None;
        };
        let cash = amount - amounts.bonus_portion.unwrap_or_default();
        ledger.traded(&OwnTrade { buys: side == Some("buy"), qty, cash, price }, trace_id, at.ts)
    }

    pub(super) fn own_bet(&mut self, at: &At, bet: &OwnBet<'_>, notes: &mut Vec<Note>) {
        let trace_id = bet.trace_id.as_deref();
        self.broadcast(at, trace_id, notes);
        if bet.settled {
            self.account.bet = None;
        } else if let Some(game_id) = bet.game_id.as_deref() {
            self.account.bet = Some(OpenBet {
                at: at.clone(),
                game_id: game_id.into(),
                stake: bet.bet_amount,
                end_tick: bet.end_tick,
            });
        }
        if bet.coin_address.as_deref().is_some_and(|coin| coin != SOL) {
            return;
        }
        let cash = if bet.settled { bet.payout } else { bet.bet_amount.map(|stake| -stake) };
        let Some(cash) = cash else { return };
        let drift = self.account.ledger.bet(cash, !bet.settled, trace_id, at.ts);
        self.drifted(at, drift, notes);
    }

    pub(super) fn request(&mut self, at: &At, socket_id: Option<&str>, request: &Request<'_>) {
        let percentage = request.percentage.and_then(exact::to_f64);
        let action = action_type(&request.name, percentage);
        let kind = action.unwrap_or(&request.name);
        let amount = request.amount.and_then(exact::to_f64);
        if let Some(ack_id) = request.ack_id {
            self.requests.sent(OpenOrder {
                socket_id: socket_id.map(str::to_owned),
                ack_id,
                action_type: kind.to_owned(),
                sent_us: at.ts,
                amount,
                percentage,
                trace_id: request.trace_id.as_deref().map(str::to_owned),
                shown: None,
            });
        }
        let order = match action {
            Some("BUY") => OrderKind::Buy,
            Some("SELL" | "PARTIAL_SELL") => OrderKind::Sell,
            Some("SIDEBET") => OrderKind::Sidebet,
            _ => return,
        };
        if let Some(trace_id) = request.trace_id.as_deref() {
            if self.waiting.len() >= MOST_WAITING {
                self.waiting.remove(0);
            }
            self.waiting.push(Waiting { trace_id: trace_id.into(), kind: kind.into(), sent_us: at.ts });
        }
        if request.coin.as_deref().is_some_and(|coin| coin != SOL) {
            return;
        }
        self.account.ledger.ordered(PendingOrder {
            kind: order,
            socket_id: socket_id.map(Arc::from),
            ack_id: request.ack_id,
            trace_id: request.trace_id.as_deref().map(Arc::from),
            amount: request.amount,
            sent_us: at.ts,
            booked: false,
        });
    }

    pub(super) fn ack(
        &mut self,
        at: &At,
        socket_id: Option<&str>,
        ack_id: u64,
        success: Option<bool>,
        notes: &mut Vec<Note>,
    ) {
        let Some(order) = self.requests.answered(socket_id, ack_id) else { return };
        self.account.ledger.answered(socket_id, ack_id, success);
        let Some(ms) = milliseconds(order.sent_us, at.ts) else { return };
        let is_order = matches!(order.action_type.as_str(), "BUY" | "SELL" | "PARTIAL_SELL" | "SIDEBET");
        let window = if is_order { &mut self.order_acks } else { &mut self.other_acks };
        let spike = window.add(ms);
        notes.push(Note::Latency { kind: order.action_type, leg: Leg::Ack, ms, grade: Grade::of(ms), spike });
    }

    /// A broadcast with the trace id of an own order.
    fn broadcast(&mut self, at: &At, trace_id: Option<&str>, notes: &mut Vec<Note>) {
        let Some(trace_id) = trace_id else { return };
        let Some(place) = self.waiting.iter().position(|waiting| waiting.trace_id.as_ref() == trace_id) else {
            return;
        };
        let waiting = self.waiting.remove(place);
        let Some(ms) = milliseconds(waiting.sent_us, at.ts) else { return };
        let spike = self.broadcasts.add(ms);
        let kind = waiting.kind.as_ref().to_owned();
        notes.push(Note::Latency { kind, leg: Leg::Broadcast, ms, grade: Grade::of(ms), spike });
    }

    /// Takes note of a drift. At the rug the account's update comes some milliseconds before the broadcast that explains
    /// it, so a drift is told when it was not explained for [`GRACE_US`].
    fn drifted(&mut self, at: &At, drift: Option<Drift>, notes: &mut Vec<Note>) {
        match drift {
            Some(Drift::Opened(fields)) if at.ts.is_some() => {
                self.suspected = Some(Observed { at: at.clone(), value: fields })
            }
            Some(Drift::Opened(fields)) => notes.push(Note::DriftOpened { fields }),
            Some(Drift::Closed(since, why)) => {
                let suspected = self.suspected.take();
                if suspected.is_some() && why == LATE_TRADE {
                    return;
                }
                notes.extend(suspected.map(|told| Note::DriftOpened { fields: told.value }));
                let after_ms = since.zip(at.ts).map(|(since, now)| (now - since) / 1000);
                notes.push(Note::DriftClosed { after_ms, why });
            }
            None => {}
        }
    }

    /// Tells a suspected drift that nothing explained in time.
    pub(super) fn tell_drift(&mut self, at: &At, notes: &mut Vec<Note>) {
        let now = at.ts;
        let old = |told: &Observed<_>| {
            told.at.ts.zip(now).is_some_and(|(since, now)| now.saturating_sub(since) > GRACE_US)
        };
        if let Some(told) = self.suspected.take_if(|told| old(told)) {
            notes.push(Note::DriftOpened { fields: told.value });
        }
    }

    /// Whether a trade is told for the first time: two sources tell it twice.
    fn is_new_trade(&mut self, id: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let key = hasher.finish();
        if self.trades.contains(&key) {
            return false;
        }
        if self.trades.len() >= MOST_TRADES {
            self.trades.pop_front();
        }
        self.trades.push_back(key);
        true
    }
}

fn milliseconds(from: Option<i64>, to: Option<i64>) -> Option<f64> {
    from.zip(to).map(|(from, to)| (to - from) as f64 / 1000.0)
}
