//! What an event says, as far as the fold needs it, borrowed from the event's text.
//!
//! Reading the text is the expensive part of folding (microseconds; a full packet has 300 kB), taking a fact is
//! the cheap one. A replay reads once, keeps the facts and steps through them.

use std::borrow::Cow;

use rust_decimal::Decimal;

use super::exact;
use crate::protocol::line::{self, LineFormat, RecordingLine};
use crate::protocol::payload;
use crate::protocol::phase::Phase;
use crate::protocol::reading::{self, BetEvent, Reading};

mod owned;
mod tick;

pub use crate::protocol::payload::MAX_TICK;
pub use tick::{Finished, Full, GodCandleRecord, Statistics, Tick};

/// What one event says.
#[derive(Debug)]
pub enum Fact<'a> {
    /// `gameStateUpdate`, or a tick of a 2025 recording.
    Tick(Box<Tick<'a>>),
    /// `playerUpdate`.
    Account(Box<AccountUpdate<'a>>),
    /// `gameStatePlayerUpdate`.
    Companion(Box<Companion<'a>>),
    /// `usernameStatus`.
    Identity {
        /// The own player id.
        id: Option<Cow<'a, str>>,
        /// The own name.
        username: Option<Cow<'a, str>>,
    },
    /// `standard/newTrade`.
    Trade {
        /// The trade.
        trade: Box<Trade<'a>>,
        /// Its amounts as decimals.
        exact: TradeAmounts,
        /// Its trace id.
        trace_id: Option<Cow<'a, str>>,
    },
    /// `currentSidebet` (placed) or `currentSidebetResult` (settled): bets of the own account.
    OwnBet(Box<OwnBet<'a>>),
    /// A request that the browser sent.
    Request(Box<Request<'a>>),
    /// The answer to a request.
    Ack {
        /// The request's id.
        ack_id: u64,
        /// What it says about success; `None` when nothing.
        success: Option<bool>,
    },
    /// A Socket.IO connect: the connection starts anew.
    Connect,
    /// The connection was closed by one side.
    Close,
    /// Not a frame, or broken JSON.
    Unreadable,
    /// Anything else: it only tells that the connection lives.
    Other,
}

/// `playerUpdate`. Money as decimals from the wire's text, SOL.
#[derive(Debug, Clone, Default)]
pub struct AccountUpdate<'a> {
    /// The own player id.
    pub player_id: Option<Cow<'a, str>>,
    /// Name, where the packet carries it.
    pub username: Option<Cow<'a, str>>,
    /// Balance.
    pub cash: Option<Decimal>,
    /// Bonus money.
    pub bonus_balance: Option<Decimal>,
    /// Token units held.
    pub position_qty: Option<Decimal>,
    /// Weighted entry multiplier; 0 when flat.
    pub avg_cost: Option<Decimal>,
    /// Buys plus side-bet stakes of this game.
    pub total_invested: Option<Decimal>,
    /// Result of this game.
    pub cumulative_pnl: Option<Decimal>,
    /// Result of this game's settled side bets.
    pub sidebet_pnl: Option<Decimal>,
    /// Result of this game in percent of what was invested.
    pub pnl_percent: Option<f64>,
    /// Values that were sent and cannot be read: what they replace is no longer known.
    pub unread: u32,
}

/// `gameStatePlayerUpdate`: the own row of the ranking. One tick old by nature.
#[derive(Debug, Clone, Default)]
pub struct Companion<'a> {
    /// The round.
    pub game_id: Option<Cow<'a, str>>,
    /// The own row; absent without a part in the game.
    pub leaderboard_entry: Option<Entry>,
    /// The pool of instant rugs.
    pub rugpool: Option<Rugpool>,
}

/// The own row of the ranking.
#[derive(Debug, Clone, Copy, Default)]
pub struct Entry {
    /// Result of this game, SOL.
    pub pnl: Option<f64>,
    /// Result in percent of what was invested.
    pub pnl_percent: Option<f64>,
    /// Rank, from 1.
    pub position: Option<i64>,
}

impl From<payload::Entry<'_>> for Entry {
    fn from(entry: payload::Entry<'_>) -> Entry {
        Entry { pnl: entry.pnl, pnl_percent: entry.pnl_percent, position: entry.position }
    }
}

/// The pool of instant rugs, as public and private packets show it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rugpool {
    /// Instant rugs since the last drawing.
    pub instarug_count: Option<f64>,
    /// Instant rugs that trigger a drawing.
    pub threshold: Option<f64>,
    /// SOL in it.
    pub rugpool_amount: Option<f64>,
}

impl From<payload::Rugpool<'_>> for Rugpool {
    fn from(pool: payload::Rugpool<'_>) -> Rugpool {
        let payload::Rugpool { instarug_count, threshold, rugpool_amount, .. } = pool;
        Rugpool { instarug_count, threshold, rugpool_amount }
    }
}

/// The amounts of a trade, SOL and units.
#[derive(Debug, Clone, Copy, Default)]
pub struct TradeAmounts {
    /// Token units.
    pub qty: Option<Decimal>,
    /// SOL.
    pub amount: Option<Decimal>,
    /// Multiplier.
    pub price: Option<Decimal>,
    /// Part from bonus money.
    pub bonus_portion: Option<Decimal>,
    /// Part from real money.
    pub real_portion: Option<Decimal>,
}

/// A trade, as far as the fold needs it.
#[derive(Debug, Clone, Default)]
pub struct Trade<'a> {
    /// The trade's id.
    pub id: Option<Cow<'a, str>>,
    /// The round.
    pub game_id: Option<Cow<'a, str>>,
    /// Who trades.
    pub player_id: Option<Cow<'a, str>>,
    /// `buy`, `sell`, `short_open` or `short_close`.
    pub side: Option<Cow<'a, str>>,
    /// SOL.
    pub amount: Option<f64>,
    /// Multiplier it executed at: the price of `tick_index`.
    pub price: Option<f64>,
    /// Tick it executed at.
    pub tick_index: Option<i64>,
    /// Token name.
    pub coin: Option<Cow<'a, str>>,
    /// 1–5.
    pub leverage: Option<f64>,
    /// `real` or `practice`.
    pub money: Option<&'static str>,
}

/// A bet of the own account.
#[derive(Debug, Clone, Default)]
pub struct OwnBet<'a> {
    /// The round.
    pub game_id: Option<Cow<'a, str>>,
    /// Stake.
    pub bet_amount: Option<Decimal>,
    /// Paid out; 0 when lost.
    pub payout: Option<Decimal>,
    /// First tick it covers.
    pub start_tick: Option<i64>,
    /// Last tick it covers.
    pub end_tick: Option<i64>,
    /// Token.
    pub coin_address: Option<Cow<'a, str>>,
    /// Whether this is the settlement.
    pub settled: bool,
    /// The trace id, shared with the request.
    pub trace_id: Option<Cow<'a, str>>,
}

/// A request that the browser sent.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The event's name.
    pub name: Cow<'a, str>,
    /// The id its ack will carry; `None` when it asked for none.
    pub ack_id: Option<u64>,
    /// Its trace id.
    pub trace_id: Option<Cow<'a, str>>,
    /// SOL.
    pub amount: Option<Decimal>,
    /// Share of the position to sell, percent.
    pub percentage: Option<Decimal>,
    /// The token of a side bet.
    pub coin: Option<Cow<'a, str>>,
}

/// Reads what `text` says. `hint` is the event's name where the text does not carry it.
///
/// A text with another one inside (see [`line::inner`]) is unpacked by the caller.
pub fn read<'a>(format: LineFormat, hint: Option<&'a str>, text: &'a str, sent: bool) -> Fact<'a> {
    if matches!(format, LineFormat::Recording | LineFormat::RecorderSink) {
        return recording(text);
    }
    let event = line::decode(format, hint, text);
    let trace_id = trace(&event);
    match reading::of(&event, sent) {
        Reading::State(state) => Fact::Tick(Box::new(Tick::from(*state))),
        Reading::Account(update) => Fact::Account(Box::new(AccountUpdate::from(*update))),
        Reading::Companion(companion) => {
            let payload::Companion { game_id, leaderboard_entry, rugpool, .. } = *companion;
            let (leaderboard_entry, rugpool) = (leaderboard_entry.map(Entry::from), rugpool.map(Rugpool::from));
            Fact::Companion(Box::new(Companion { game_id, leaderboard_entry, rugpool }))
        }
        Reading::OwnName(own) => Fact::Identity { id: own.id, username: own.username },
        Reading::Trade(trade) => {
            let exact = TradeAmounts {
                qty: exact::amount(trade.qty),
                amount: exact::amount(trade.amount),
                price: exact::amount(trade.price),
                bonus_portion: exact::amount(trade.bonus_portion),
                real_portion: exact::amount(trade.real_portion),
            };
            Fact::Trade { trade: Box::new(Trade::from(*trade)), exact, trace_id }
        }
        Reading::Sidebet { of: BetEvent::Anyone, .. } => Fact::Other,
        Reading::Sidebet { of, bet } => Fact::OwnBet(Box::new(OwnBet {
            bet_amount: exact::amount(bet.bet_amount),
            payout: exact::amount(bet.payout),
            start_tick: bet.start(),
            end_tick: bet.end(),
            game_id: bet.game_id,
            coin_address: bet.coin_address,
            settled: of == BetEvent::OwnSettled,
            trace_id,
        })),
        Reading::Request(order) => match event.name {
            Some(name) => Fact::Request(Box::new(Request {
                name,
                ack_id: event.ack_id,
                trace_id,
                amount: exact::amount(order.amount),
                percentage: exact::amount(order.percentage),
                coin: order.coin_address,
            })),
            None => Fact::Other,
        },
        Reading::Ack(answer) => match event.ack_id {
            Some(ack_id) => Fact::Ack { ack_id, success: answer.success },
            None => Fact::Other,
        },
        Reading::Connect => Fact::Connect,
        Reading::Close => Fact::Close,
        Reading::Unreadable => Fact::Unreadable,
        Reading::Unread | Reading::Other => Fact::Other,
    }
}

impl<'a> From<payload::PlayerUpdate<'a>> for AccountUpdate<'a> {
    fn from(update: payload::PlayerUpdate<'a>) -> AccountUpdate<'a> {
        AccountUpdate {
            cash: exact::amount(update.cash),
            bonus_balance: exact::amount(update.bonus_balance),
            position_qty: exact::amount(update.position_qty),
            avg_cost: exact::amount(update.avg_cost),
            total_invested: exact::amount(update.total_invested),
            cumulative_pnl: exact::amount(update.cumulative_pnl),
            sidebet_pnl: exact::amount(update.sidebet_pnl),
            pnl_percent: update.pnl_percent,
            unread: update.unread,
            username: update.username.clone(),
            player_id: update.into_player_id(),
        }
    }
}

impl<'a> From<payload::Trade<'a>> for Trade<'a> {
    fn from(trade: payload::Trade<'a>) -> Trade<'a> {
        let (bonus, real) = (payload::as_f64(trade.bonus_portion), payload::as_f64(trade.real_portion));
        Trade {
            amount: payload::as_f64(trade.amount),
            price: payload::as_f64(trade.price),
            money: payload::money_kind(bonus, real),
            id: trade.id,
            game_id: trade.game_id,
            player_id: trade.player_id,
            side: trade.side,
            tick_index: trade.tick_index,
            coin: trade.coin,
            leverage: trade.leverage,
        }
    }
}

/// The trace id; borrowed where the traceparent is.
fn trace<'a>(event: &line::Event<'a>) -> Option<Cow<'a, str>> {
    let id = |text: &'a str| crate::protocol::frame::trace_id_of(text).map(Cow::Borrowed);
    match event.traceparent.as_ref()? {
        Cow::Borrowed(text) => id(text),
        Cow::Owned(text) => crate::protocol::frame::trace_id_of(text).map(|id| Cow::Owned(id.to_owned())),
    }
}

/// A tick of a recording. The recorder wrote defaults where the packet was silent; they are silent again here.
fn recording(text: &str) -> Fact<'_> {
    let Some(line) = RecordingLine::read(text) else { return Fact::Unreadable };
    if !line.is_tick() {
        return Fact::Other;
    }
    let (silent, before) = (line.is_timer_packet(), line.is_before_a_game());
    let (active, rugged) = (line.active.unwrap_or(false), line.rugged.unwrap_or(false));
    let phase = Phase::of_recording(active, rugged, line.cooldown_timer.unwrap_or(0.0));
    let (tick_count, price) = if before { (None, None) } else { (line.tick, line.price_value()) };
    Fact::Tick(Box::new(Tick {
        game_id: line.game_id,
        active: (!silent).then_some(active),
        rugged: (!silent).then_some(rugged),
        price,
        tick_count,
        cooldown_timer: line.cooldown_timer,
        allow_pre_round_buys: Some(phase == Some(Phase::Presale)),
        trade_count: line.trade_count.filter(|count| *count != 0),
        ..Tick::default()
    }))
}
