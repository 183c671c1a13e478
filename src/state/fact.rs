//! What an event says, as far as the fold needs it, borrowed from the event's text.
//!
//! Reading the text is the expensive part of folding (microseconds; a full packet has 300 kB), taking a fact is
//! the cheap one. A replay reads once, keeps the facts and steps through them.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::exact;
use crate::protocol::frame::Packet;
use crate::protocol::lenient;
use crate::protocol::line::{self, FrameStatus, LineFormat, RecordingLine};
use crate::protocol::payload::Trade;
use crate::protocol::phase::Phase;

mod owned;
mod tick;

pub use tick::{Finished, Full, GodCandleRecord, MAX_TICK, Statistics, Tick};

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
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct AccountUpdate<'a> {
    #[serde(borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient::text")]
    player_id: Option<Cow<'a, str>>,
    /// Name, where the packet carries it.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub username: Option<Cow<'a, str>>,
    /// Balance.
    #[serde(deserialize_with = "exact::field")]
    pub cash: Option<Decimal>,
    /// Bonus money.
    #[serde(deserialize_with = "exact::field")]
    pub bonus_balance: Option<Decimal>,
    /// Token units held.
    #[serde(deserialize_with = "exact::field")]
    pub position_qty: Option<Decimal>,
    /// Weighted entry multiplier; 0 when flat.
    #[serde(deserialize_with = "exact::field")]
    pub avg_cost: Option<Decimal>,
    /// Buys plus side-bet stakes of this game.
    #[serde(deserialize_with = "exact::field")]
    pub total_invested: Option<Decimal>,
    /// Result of this game.
    #[serde(rename = "cumulativePnL", deserialize_with = "exact::field")]
    pub cumulative_pnl: Option<Decimal>,
    /// Result of this game's settled side bets.
    #[serde(deserialize_with = "exact::field")]
    pub sidebet_pnl: Option<Decimal>,
    /// Result of this game in percent of what was invested.
    #[serde(deserialize_with = "lenient::number")]
    pub pnl_percent: Option<f64>,
}

impl AccountUpdate<'_> {
    /// The own player id.
    pub fn player_id(&self) -> Option<&str> {
        self.player_id.as_deref().or(self.id.as_deref())
    }
}

/// `gameStatePlayerUpdate`: the own row of the ranking. One tick old by nature.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Companion<'a> {
    /// The round.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// The own row; absent without a part in the game.
    #[serde(borrow)]
    pub leaderboard_entry: Option<Entry<'a>>,
    /// The pool of instant rugs.
    pub rugpool: Option<Rugpool>,
}

/// A row of the ranking.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Entry<'a> {
    /// Whose.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub id: Option<Cow<'a, str>>,
    /// Their name, as they chose it.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub username: Option<Cow<'a, str>>,
    /// Result of this game, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub pnl: Option<f64>,
    /// Result in percent of what was invested.
    #[serde(deserialize_with = "lenient::number")]
    pub pnl_percent: Option<f64>,
    /// Token units held.
    #[serde(deserialize_with = "lenient::number")]
    pub position_qty: Option<f64>,
    /// Rank, from 1.
    #[serde(deserialize_with = "lenient::integer")]
    pub position: Option<i64>,
}

/// The pool of instant rugs, as public and private packets tell it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rugpool {
    /// Instant rugs since the last drawing.
    #[serde(deserialize_with = "lenient::number")]
    pub instarug_count: Option<f64>,
    /// Instant rugs that trigger a drawing.
    #[serde(deserialize_with = "lenient::number")]
    pub threshold: Option<f64>,
    /// SOL in it.
    #[serde(deserialize_with = "lenient::number")]
    pub rugpool_amount: Option<f64>,
}

/// The amounts of a trade, SOL and units.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TradeAmounts {
    /// Token units.
    #[serde(deserialize_with = "exact::field")]
    pub qty: Option<Decimal>,
    /// SOL.
    #[serde(deserialize_with = "exact::field")]
    pub amount: Option<Decimal>,
    /// Multiplier.
    #[serde(deserialize_with = "exact::field")]
    pub price: Option<Decimal>,
    /// Part from bonus money.
    #[serde(deserialize_with = "exact::field")]
    pub bonus_portion: Option<Decimal>,
    /// Part from real money.
    #[serde(deserialize_with = "exact::field")]
    pub real_portion: Option<Decimal>,
}

/// A bet of the own account.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OwnBet<'a> {
    /// The round.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// Stake.
    #[serde(deserialize_with = "exact::field")]
    pub bet_amount: Option<Decimal>,
    /// Paid out; 0 when lost.
    #[serde(deserialize_with = "exact::field")]
    pub payout: Option<Decimal>,
    /// First tick it covers.
    #[serde(deserialize_with = "lenient::integer")]
    pub start_tick: Option<i64>,
    /// Last tick it covers.
    #[serde(deserialize_with = "lenient::integer")]
    pub end_tick: Option<i64>,
    /// Token.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub coin_address: Option<Cow<'a, str>>,
    /// Whether this is the settlement.
    #[serde(skip)]
    pub settled: bool,
    /// The trace id, shared with the request.
    #[serde(skip)]
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

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct OrderText<'a> {
    #[serde(deserialize_with = "exact::field")]
    amount: Option<Decimal>,
    #[serde(deserialize_with = "exact::field")]
    percentage: Option<Decimal>,
    #[serde(borrow, deserialize_with = "lenient::text")]
    coin_address: Option<Cow<'a, str>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AckText {
    #[serde(deserialize_with = "lenient::boolean")]
    success: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IdentityText<'a> {
    #[serde(borrow, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, deserialize_with = "lenient::text")]
    username: Option<Cow<'a, str>>,
}

/// Reads what `text` says. `hint` is the event's name where the text does not carry it.
///
/// A text with another one inside (see [`line::inner`]) is unpacked by the caller.
pub fn read<'a>(format: LineFormat, hint: Option<&'a str>, text: &'a str, sent: bool) -> Fact<'a> {
    match format {
        LineFormat::Wire if !sent => {
            if let Some(tick) = tick::of_common_frame(text) {
                return Fact::Tick(Box::new(tick));
            }
        }
        LineFormat::Recording | LineFormat::RecorderSink => return recording(text),
        _ => {}
    }
    let event = line::decode(format, hint, text);
    if matches!(event.status, FrameStatus::Unparsed | FrameStatus::BrokenJson) {
        return Fact::Unreadable;
    }
    match event.packet {
        Some(Packet::Event) => {}
        Some(Packet::Ack) => {
            let success = event.payload.and_then(|raw| serde_json::from_str::<AckText>(raw.get()).ok());
            return match event.ack_id {
                Some(ack_id) => Fact::Ack { ack_id, success: success.and_then(|ack| ack.success) },
                None => Fact::Other,
            };
        }
        Some(Packet::Connect) if !sent => return Fact::Connect,
        Some(Packet::Close | Packet::Disconnect) => return Fact::Close,
        _ => return Fact::Other,
    }
    if sent { request(event) } else { received(event) }
}

fn request(event: line::Event<'_>) -> Fact<'_> {
    let order: OrderText<'_> =
        event.payload.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default();
    let trace_id = trace(&event);
    let Some(name) = event.name else { return Fact::Other };
    Fact::Request(Box::new(Request {
        name,
        ack_id: event.ack_id,
        trace_id,
        amount: order.amount,
        percentage: order.percentage,
        coin: order.coin_address,
    }))
}

fn received<'a>(event: line::Event<'a>) -> Fact<'a> {
    let (Some(name), Some(payload)) = (event.name.as_deref(), event.payload) else { return Fact::Other };
    let fact =
        match name {
            "gameStateUpdate" => tick::of_payload(payload.get()).map(|tick| Fact::Tick(Box::new(tick))),
            "playerUpdate" => parsed(payload).map(|update| Fact::Account(Box::new(update))),
            "gameStatePlayerUpdate" => parsed(payload).map(|companion| Fact::Companion(Box::new(companion))),
            "usernameStatus" => parsed::<IdentityText<'a>>(payload)
                .map(|own| Fact::Identity { id: own.id, username: own.username }),
            "standard/newTrade" | "newTrade" => parsed(payload).map(|trade| Fact::Trade {
                trade: Box::new(trade),
                exact: parsed(payload).unwrap_or_default(),
                trace_id: trace(&event),
            }),
            "currentSidebet" | "currentSidebetResult" | "currentSideBetResult" => parsed::<OwnBet<'a>>(payload)
                .map(|bet| {
                    let settled = name != "currentSidebet";
                    Fact::OwnBet(Box::new(OwnBet { settled, trace_id: trace(&event), ..bet }))
                }),
            _ => None,
        };
    fact.unwrap_or(Fact::Other)
}

fn parsed<'a, T: Deserialize<'a>>(payload: &'a RawValue) -> Option<T> {
    serde_json::from_str(payload.get()).ok()
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
    let Ok(line) = serde_json::from_str::<RecordingLine<'_>>(text) else { return Fact::Unreadable };
    if !line.is_tick() {
        return Fact::Other;
    }
    let silent = line.is_timer_packet();
    let (active, rugged) = (line.active.unwrap_or(false), line.rugged.unwrap_or(false));
    let phase = Phase::of_recording(active, rugged, line.cooldown_timer.unwrap_or(0.0));
    let (tick_count, price) = if silent { (None, None) } else { (line.tick, line.price_value()) };
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
