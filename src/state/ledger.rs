//! The own account recomputed from own trades and bets, and its drift from what the server says.
//!
//! Orders explain what a `playerUpdate` shows before their ack or broadcast arrives (a presale buy is never
//! broadcast, a side bet is confirmed after the update). What nothing explains is drift; the ledger then goes on
//! from the server's values, because the server is right about money.

use std::sync::Arc;

use rust_decimal::Decimal;
use serde::Serialize;

use super::exact;

/// What is compared: SOL, token units, multiplier.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Holding {
    /// Balance.
    pub cash: Decimal,
    /// Token units held.
    pub qty: Decimal,
    /// Weighted entry multiplier; 0 when flat.
    pub avg_cost: Decimal,
}

/// One field of two views that differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldDrift {
    /// `cash`, `position_qty` or `avg_cost`.
    pub field: &'static str,
    /// The recomputed value.
    #[serde(serialize_with = "as_number")]
    pub local: Decimal,
    /// The server's.
    #[serde(serialize_with = "as_number")]
    pub server: Decimal,
}

impl FieldDrift {
    /// How far they are apart.
    pub fn difference(&self) -> Decimal {
        (self.server - self.local).abs()
    }
}

fn as_number<S: serde::Serializer>(value: &Decimal, serializer: S) -> Result<S::Ok, S::Error> {
    exact::to_f64(*value).serialize(serializer)
}

/// The fields in which two views differ by more than `tolerance`. A flat position has no entry to compare.
pub fn compare(local: &Holding, server: &Holding, tolerance: Decimal) -> Vec<FieldDrift> {
    let both_open = local.qty > tolerance && server.qty > tolerance;
    let fields = [
        ("cash", local.cash, server.cash, true),
        ("position_qty", local.qty, server.qty, true),
        ("avg_cost", local.avg_cost, server.avg_cost, both_open),
    ];
    fields
        .into_iter()
        .filter(|(_, local, server, compared)| *compared && (*local - *server).abs() > tolerance)
        .map(|(field, local, server, _)| FieldDrift { field, local, server })
        .collect()
}

/// What an order does to the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderKind {
    /// SOL into units.
    Buy,
    /// Units into SOL.
    Sell,
    /// A stake.
    Sidebet,
}

/// An own order whose effect may show before its confirmation.
#[derive(Debug, Clone)]
pub struct PendingOrder {
    /// What it is.
    pub kind: OrderKind,
    /// The socket it was sent on.
    pub socket_id: Option<Arc<str>>,
    /// The id of its ack.
    pub ack_id: Option<u64>,
    /// Shared with the broadcast it causes.
    pub trace_id: Option<Arc<str>>,
    /// SOL.
    pub amount: Option<Decimal>,
    /// When, microseconds UTC.
    pub sent_us: Option<i64>,
    /// Its effect is in the ledger.
    pub booked: bool,
}

impl PendingOrder {
    /// Whether this order alone turns `local` into `server`.
    fn explains(&self, local: &Holding, server: &Holding) -> bool {
        let close = |a: Decimal, b: Decimal| (a - b).abs() <= exact::TOLERANCE;
        match (self.kind, self.amount) {
            (OrderKind::Buy, Some(amount)) => close(local.cash - amount, server.cash) && server.qty > local.qty,
            (OrderKind::Sidebet, Some(stake)) => {
                close(local.cash - stake, server.cash) && close(local.qty, server.qty)
            }
            // Its price is not known before the broadcast, so any gain for any units is taken for it.
            (OrderKind::Sell, _) => server.cash > local.cash && server.qty < local.qty,
            _ => false,
        }
    }
}

/// An own trade as the wire tells it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OwnTrade {
    /// Buy or sell.
    pub buys: bool,
    /// Token units.
    pub qty: Decimal,
    /// SOL, without what came from or went to bonus money.
    pub cash: Decimal,
    /// Multiplier.
    pub price: Decimal,
}

/// A difference that was opened and not closed.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenDrift {
    /// Since when, microseconds UTC.
    pub since: Option<i64>,
    /// What differed at the last check.
    pub fields: Vec<FieldDrift>,
}

/// What a check or a late trade says.
#[derive(Debug, Clone, PartialEq)]
pub enum Drift {
    /// The views differ as of now.
    Opened(Vec<FieldDrift>),
    /// They agree as of now; since when they did not.
    Closed(Option<i64>, &'static str),
}

/// What a trade or bet did.
#[derive(Debug, Clone, Copy)]
struct Effect {
    cash: Decimal,
    qty: Decimal,
    ts: Option<i64>,
}

/// The recomputed account.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    holding: Option<Holding>,
    orders: Vec<PendingOrder>,
    /// What own trades and bets did within the last second: an update may not have seen them yet.
    recent: Vec<Effect>,
    /// What the last update showed before the trade or bet behind it was told: a drift, or a sell on its way.
    untold: Option<Effect>,
    /// The drift that is open.
    pub open: Option<OpenDrift>,
    /// Comparisons made.
    pub checks: u64,
    /// Comparisons that found drift.
    pub drifted: u64,
}

/// Orders remembered.
const MOST_ORDERS: usize = 16;
/// An order explains nothing after this, µs.
const ORDER_LIFE_US: i64 = 30_000_000;
/// An update may miss what happened at most this long ago, µs.
const OVERTAKEN_US: i64 = 1_000_000;
/// Effects remembered; every subset of them is tried.
const MOST_EFFECTS: usize = 5;
/// A trade explains a drift that is at most this old, µs.
const LATE_US: i64 = 5_000_000;
/// A difference that is explained within this time was none, µs.
pub const GRACE_US: i64 = 1_000_000;
/// Why a drift closed: the trade behind it came after the update that shows it.
pub const LATE_TRADE: &str = "late_trade";

impl Ledger {
    /// The recomputed values; `None` before the server said the first ones.
    pub fn holding(&self) -> Option<Holding> {
        self.holding
    }

    /// Starts anew from the next values of the server: trades may have been missed, or cannot be computed.
    pub fn rebase(&mut self) {
        self.holding = None;
        self.untold = None;
        self.orders.clear();
        self.recent.clear();
    }

    /// The browser sent an order.
    pub fn ordered(&mut self, order: PendingOrder) {
        let now = order.sent_us;
        self.orders.retain(|held| !is_older(held.sent_us, now, ORDER_LIFE_US));
        if self.orders.len() >= MOST_ORDERS {
            self.orders.remove(0);
        }
        self.orders.push(order);
    }

    /// The server answered; a refused order explains nothing any more.
    pub fn answered(&mut self, socket_id: Option<&str>, ack_id: u64, success: Option<bool>) {
        if success == Some(false) {
            self.orders.retain(|order| order.ack_id != Some(ack_id) || order.socket_id.as_deref() != socket_id);
        }
    }

    /// Books an own trade, once.
    pub fn traded(&mut self, trade: &OwnTrade, trace_id: Option<&str>, ts: Option<i64>) -> Option<Drift> {
        let kinds: &[OrderKind] = if trade.buys { &[OrderKind::Buy] } else { &[OrderKind::Sell] };
        let (cash, qty) = if trade.buys { (-trade.cash, trade.qty) } else { (trade.cash, -trade.qty) };
        let booked = self.is_booked(kinds, trace_id);
        if self.was_shown(cash, qty, ts) {
            return self.settled();
        }
        if booked {
            return None;
        }
        self.remember(cash, qty, ts);
        let holding = self.holding.as_mut()?;
        if trade.buys {
            holding.avg_cost = weighted(holding, trade).unwrap_or(holding.avg_cost);
        }
        holding.cash += cash;
        holding.qty += qty;
        if holding.qty <= exact::TOLERANCE && !trade.buys {
            holding.avg_cost = Decimal::ZERO;
        }
        None
    }

    /// Books an own side bet: a stake (negative) or a payout.
    pub fn bet(&mut self, cash: Decimal, placed: bool, trace_id: Option<&str>, ts: Option<i64>) -> Option<Drift> {
        if placed && self.is_booked(&[OrderKind::Sidebet], trace_id) {
            return None;
        }
        if !cash.is_zero() && self.was_shown(cash, Decimal::ZERO, ts) {
            return self.settled();
        }
        self.remember(cash, Decimal::ZERO, ts);
        if let Some(holding) = self.holding.as_mut() {
            holding.cash += cash;
        }
        None
    }

    /// Whether an update was made before what own trades and bets did a moment ago and was overtaken by their
    /// broadcasts. It says nothing new then.
    pub fn is_overtaken(&self, server: &Holding, ts: Option<i64>) -> bool {
        let Some(local) = self.holding.filter(|local| !compare(local, server, exact::TOLERANCE).is_empty()) else {
            return false;
        };
        let recent: Vec<&Effect> =
            self.recent.iter().filter(|effect| !is_older(effect.ts, ts, OVERTAKEN_US)).collect();
        let close = |a: Decimal, b: Decimal| (a - b).abs() <= exact::TOLERANCE;
        (1_u32..1 << recent.len()).any(|subset| {
            let unseen = recent.iter().enumerate().filter(|(place, _)| subset >> place & 1 == 1);
            let (mut cash, mut qty) = (local.cash, local.qty);
            for (_, effect) in unseen {
                cash -= effect.cash;
                qty -= effect.qty;
            }
            close(cash, server.cash) && close(qty, server.qty)
        })
    }

    fn remember(&mut self, cash: Decimal, qty: Decimal, ts: Option<i64>) {
        if self.recent.len() >= MOST_EFFECTS {
            self.recent.remove(0);
        }
        self.recent.push(Effect { cash, qty, ts });
    }

    /// Compares with what the server says and goes on from that.
    pub fn check(&mut self, server: &Holding, ts: Option<i64>) -> Option<Drift> {
        let Some(local) = self.holding.replace(*server) else {
            // The first values: nothing to compare. A drift from before cannot be told any more.
            return self.close("rebased");
        };
        self.checks += 1;
        let fields = compare(&local, server, exact::TOLERANCE);
        if fields.is_empty() || self.explained(&local, server, ts) {
            return self.close("agrees");
        }
        self.drifted += 1;
        self.untold = Some(Effect { cash: server.cash - local.cash, qty: server.qty - local.qty, ts });
        match &mut self.open {
            Some(open) => {
                open.fields = fields;
                None
            }
            None => {
                self.open = Some(OpenDrift { since: ts, fields: fields.clone() });
                Some(Drift::Opened(fields))
            }
        }
    }

    /// Whether orders on their way explain the difference; they are booked then.
    fn explained(&mut self, local: &Holding, server: &Holding, ts: Option<i64>) -> bool {
        let usable = |order: &PendingOrder| !order.booked && !is_older(order.sent_us, ts, ORDER_LIFE_US);
        let single =
            self.orders.iter_mut().filter(|order| usable(order)).find(|order| order.explains(local, server));
        if let Some(order) = single {
            order.booked = true;
            if order.kind == OrderKind::Sell {
                // The rug's sell may be in it too; the broadcasts tell.
                self.untold = Some(Effect { cash: server.cash - local.cash, qty: server.qty - local.qty, ts });
            }
            return true;
        }
        // Two or more that only cost: a buy and a bet within one round trip.
        let costs = |order: &PendingOrder| usable(order) && order.kind != OrderKind::Sell;
        let sum: Decimal = self.orders.iter().filter(|order| costs(order)).filter_map(|order| order.amount).sum();
        if sum.is_zero() || (local.cash - sum - server.cash).abs() > exact::TOLERANCE || server.qty < local.qty {
            return false;
        }
        self.orders.iter_mut().filter(|order| costs(order)).for_each(|order| order.booked = true);
        true
    }

    /// Whether an update already showed the effect of the order with this trace; marks it booked.
    fn is_booked(&mut self, kinds: &[OrderKind], trace_id: Option<&str>) -> bool {
        let Some(trace_id) = trace_id else { return false };
        let order = self
            .orders
            .iter_mut()
            .find(|order| kinds.contains(&order.kind) && order.trace_id.as_deref() == Some(trace_id));
        order.is_some_and(|order| std::mem::replace(&mut order.booked, true))
    }

    /// Whether an update has shown this trade or bet already, alone or with others: it is in the ledger then. Only for a
    /// moment may it be a part of what was shown, as at the rug, where a sell on its way and the rug's own sell come
    /// together.
    fn was_shown(&mut self, cash: Decimal, qty: Decimal, ts: Option<i64>) -> bool {
        let Some(untold) = self.untold.filter(|untold| !is_older(untold.ts, ts, LATE_US)) else { return false };
        let soon = !is_older(untold.ts, ts, GRACE_US);
        let rest = Effect { cash: untold.cash - cash, qty: untold.qty - qty, ts: untold.ts };
        let is_zero = |value: Decimal| value.abs() <= exact::TOLERANCE;
        let whole = is_zero(rest.cash) && is_zero(rest.qty);
        let part =
            |all: Decimal, rest: Decimal| is_zero(rest) || (rest.abs() <= all.abs() && rest * all > Decimal::ZERO);
        if !(whole || soon && part(untold.cash, rest.cash) && part(untold.qty, rest.qty)) {
            return false;
        }
        self.untold = (!whole).then_some(rest);
        if whole && soon && self.open.is_some() {
            self.drifted = self.drifted.saturating_sub(1);
        }
        true
    }

    /// Closes a drift when everything that it showed was told.
    fn settled(&mut self) -> Option<Drift> {
        if self.untold.is_some() { None } else { self.close(LATE_TRADE) }
    }

    fn close(&mut self, why: &'static str) -> Option<Drift> {
        self.open.take().map(|open| Drift::Closed(open.since, why))
    }
}

fn is_older(then: Option<i64>, now: Option<i64>, limit_us: i64) -> bool {
    then.zip(now).is_some_and(|(then, now)| now.saturating_sub(then) > limit_us)
}

fn weighted(holding: &Holding, trade: &OwnTrade) -> Option<Decimal> {
    let held = holding.avg_cost.checked_mul(holding.qty)?;
    let bought = trade.price.checked_mul(trade.qty)?;
    held.checked_add(bought)?.checked_div(holding.qty.checked_add(trade.qty)?)
}

#[cfg(test)]
mod tests;
