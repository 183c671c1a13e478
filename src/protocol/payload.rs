//! The payloads that typed rows are made from, borrowed from the frame's text.
//!
//! Every field is optional and leniently read: absent is `None`, an odd type is `None`, and neither costs
//! the other fields. Units are the wire's: SOL for money, milliseconds for timers.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient;

/// `gameStateUpdate`, in any of its four shapes (timer, start, tick, full).
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GameState<'a> {
    /// The round.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// Absent in timer packets; stays true through the rug.
    #[serde(deserialize_with = "lenient::boolean")]
    pub active: Option<bool>,
    /// Absent in timer packets.
    #[serde(deserialize_with = "lenient::boolean")]
    pub rugged: Option<bool>,
    /// Multiplier; absent in timer packets.
    #[serde(deserialize_with = "lenient::number")]
    pub price: Option<f64>,
    /// Tick; in the first full packet after a rug it runs 1–3 ahead of the true rug tick.
    #[serde(deserialize_with = "lenient::integer")]
    pub tick_count: Option<i64>,
    /// Milliseconds to the next change of phase.
    #[serde(deserialize_with = "lenient::number")]
    pub cooldown_timer: Option<f64>,
    /// True in presale.
    #[serde(deserialize_with = "lenient::boolean")]
    pub allow_pre_round_buys: Option<bool>,
    /// Trades of this game so far; complete, unlike the throttled broadcast.
    #[serde(deserialize_with = "lenient::integer")]
    pub trade_count: Option<i64>,
    /// The last ten finished games, in full packets.
    #[serde(borrow)]
    pub game_history: Option<&'a RawValue>,
}

/// One finished game of `gameHistory`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HistoryGame<'a> {
    /// The round.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub id: Option<Cow<'a, str>>,
    /// End of the game, Unix milliseconds by the server's clock.
    #[serde(deserialize_with = "lenient::number")]
    pub timestamp: Option<f64>,
    /// Every price from tick 0; the last one is the rug price.
    #[serde(borrow)]
    pub prices: Option<&'a RawValue>,
    /// Highest multiplier, including the initial 1.
    #[serde(deserialize_with = "lenient::number")]
    pub peak_multiplier: Option<f64>,
    /// Placements and settlements.
    #[serde(borrow)]
    pub global_sidebets: Option<&'a RawValue>,
    /// Seed and hash.
    #[serde(borrow)]
    pub provably_fair: Option<&'a RawValue>,
    /// `v1`, `v2` or `v3` of the price algorithm.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_version: Option<Cow<'a, str>>,
    /// The same in old entries.
    #[serde(borrow, deserialize_with = "lenient::text")]
    version: Option<Cow<'a, str>>,
}

impl<'a> HistoryGame<'a> {
    /// The rules by whatever name the entry has for them: `gameVersion`; in old entries `version`, at the top or in
    /// `provablyFair`.
    pub fn version_label<'s>(&'s self, fair: &'s ProvablyFair<'a>) -> Option<&'s str> {
        self.game_version.as_deref().or(self.version.as_deref()).or(fair.version.as_deref())
    }
}

/// `provablyFair` of a finished game.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProvablyFair<'a> {
    /// Revealed after the game.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub server_seed: Option<Cow<'a, str>>,
    /// SHA-256 of the seed's text, published before the game.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub server_seed_hash: Option<Cow<'a, str>>,
    /// The rules, in entries that say them here.
    #[serde(borrow, deserialize_with = "lenient::text")]
    version: Option<Cow<'a, str>>,
}

/// A side bet: an entry of `globalSidebets`, `newSideBet`, `currentSidebet` or `currentSidebetResult`.
///
/// Placements in the history say `startedAtTick`/`end`, everything else `startTick`/`endTick`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Sidebet<'a> {
    #[serde(borrow, deserialize_with = "lenient::text")]
    /// Id of this record (a placement and its payout have different ones).
    pub id: Option<Cow<'a, str>>,
    /// `placed` or `payout`.
    #[serde(borrow, rename = "type", deserialize_with = "lenient::text")]
    pub kind: Option<Cow<'a, str>>,
    /// The round.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// Who bets.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub player_id: Option<Cow<'a, str>>,
    /// Their name.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub username: Option<Cow<'a, str>>,
    /// Stake, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub bet_amount: Option<f64>,
    /// Paid out, SOL; 0 when lost.
    #[serde(deserialize_with = "lenient::number")]
    pub payout: Option<f64>,
    /// Payout minus stake, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub profit: Option<f64>,
    /// Payout factor (5).
    #[serde(deserialize_with = "lenient::number")]
    pub x_payout: Option<f64>,
    #[serde(deserialize_with = "lenient::integer")]
    start_tick: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    started_at_tick: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    end_tick: Option<i64>,
    #[serde(deserialize_with = "lenient::integer")]
    end: Option<i64>,
    /// Token.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub coin_address: Option<Cow<'a, str>>,
    /// Part of the stake paid from bonus money, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub bonus_portion: Option<f64>,
    /// Part of the stake paid from real money, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub real_portion: Option<f64>,
    /// Unix milliseconds by the server's clock.
    #[serde(deserialize_with = "lenient::number")]
    pub timestamp: Option<f64>,
}

impl Sidebet<'_> {
    /// First tick the bet covers.
    pub fn start(&self) -> Option<i64> {
        self.start_tick.or(self.started_at_tick)
    }

    /// Last tick the bet covers: it wins when the rug tick is at most this.
    pub fn end(&self) -> Option<i64> {
        self.end_tick.or(self.end)
    }

    /// `won` or `lost` for a settlement, `None` for a placement.
    pub fn outcome(&self) -> Option<&'static str> {
        (self.kind.as_deref() == Some("payout"))
            .then(|| self.payout.map(|payout| if payout > 0.0 { "won" } else { "lost" }))?
    }
}

/// `standard/newTrade`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Trade<'a> {
    /// The trade's id.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub id: Option<Cow<'a, str>>,
    /// The round.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// Who trades.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub player_id: Option<Cow<'a, str>>,
    /// Their name.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub username: Option<Cow<'a, str>>,
    /// `buy`, `sell`, `short_open` or `short_close`.
    #[serde(borrow, rename = "type", deserialize_with = "lenient::text")]
    pub side: Option<Cow<'a, str>>,
    /// Token units.
    #[serde(deserialize_with = "lenient::number")]
    pub qty: Option<f64>,
    /// SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub amount: Option<f64>,
    /// Multiplier it executed at: the price of `tick_index`.
    #[serde(deserialize_with = "lenient::number")]
    pub price: Option<f64>,
    /// Tick it executed at.
    #[serde(deserialize_with = "lenient::integer")]
    pub tick_index: Option<i64>,
    /// Token name.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub coin: Option<Cow<'a, str>>,
    /// 1–5.
    #[serde(deserialize_with = "lenient::number")]
    pub leverage: Option<f64>,
    /// Part paid from bonus money, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub bonus_portion: Option<f64>,
    /// Part paid from real money, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub real_portion: Option<f64>,
    /// The player's level.
    #[serde(deserialize_with = "lenient::integer")]
    pub level: Option<i64>,
}

/// `real` when any real money is in it, `practice` when only bonus money is, `None` when unknown.
pub fn money_kind(bonus: Option<f64>, real: Option<f64>) -> Option<&'static str> {
    match (bonus.unwrap_or(0.0), real.unwrap_or(0.0)) {
        (_, real) if real > 0.0 => Some("real"),
        (bonus, _) if bonus > 0.0 => Some("practice"),
        _ => None,
    }
}

/// `playerUpdate`: the server's own view of the logged-in account.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PlayerUpdate<'a> {
    /// The account's player id.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub id: Option<Cow<'a, str>>,
    /// Older bridges name it `playerId`.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub player_id: Option<Cow<'a, str>>,
    /// Name, where the packet carries it.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub username: Option<Cow<'a, str>>,
    /// Round, where the packet carries it.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// Balance, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub cash: Option<f64>,
    /// Token units held.
    #[serde(deserialize_with = "lenient::number")]
    pub position_qty: Option<f64>,
    /// Weighted entry multiplier; 0 when flat.
    #[serde(deserialize_with = "lenient::number")]
    pub avg_cost: Option<f64>,
    /// Buys plus side-bet stakes of this game, SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub total_invested: Option<f64>,
    /// Result of this game, SOL.
    #[serde(rename = "cumulativePnL", deserialize_with = "lenient::number")]
    pub cumulative_pnl: Option<f64>,
    /// `cumulativePnL / totalInvested * 100`.
    #[serde(deserialize_with = "lenient::number")]
    pub pnl_percent: Option<f64>,
    /// Always true where present; useless as a position flag.
    #[serde(deserialize_with = "lenient::boolean")]
    pub has_active_trades: Option<bool>,
}

/// The arguments of an order the browser sends.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Order {
    /// SOL.
    #[serde(deserialize_with = "lenient::number")]
    pub amount: Option<f64>,
    /// Share of the position to sell: 10, 25, 50 or 100.
    #[serde(deserialize_with = "lenient::number")]
    pub percentage: Option<f64>,
    /// Multiplier, where the order names one.
    #[serde(deserialize_with = "lenient::number")]
    pub price: Option<f64>,
}

/// The first argument of an order's ack.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OrderAck<'a> {
    /// Whether the server took it.
    #[serde(deserialize_with = "lenient::boolean")]
    pub success: Option<bool>,
    /// Executed multiplier, where the server says it.
    #[serde(deserialize_with = "lenient::number")]
    pub executed_price: Option<f64>,
    /// Why not, in the server's words.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub error: Option<Cow<'a, str>>,
    /// Free text.
    #[serde(borrow, deserialize_with = "lenient::text")]
    pub message: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn g15_money_is_real_as_soon_as_any_of_it_is() {
        assert_eq!(money_kind(Some(0.0), Some(0.03)), Some("real"));
        assert_eq!(money_kind(Some(0.794), Some(0.0)), Some("practice"));
        assert_eq!(money_kind(Some(0.5), Some(0.5)), Some("real"));
        assert_eq!(money_kind(None, None), None);
        assert_eq!(money_kind(Some(0.0), Some(0.0)), None);
    }

    #[test]
    fn both_spellings_of_a_bets_window_are_read() {
        let placed: Sidebet = serde_json::from_str(r#"{"type":"placed","startedAtTick":2,"end":42}"#).unwrap();
        assert_eq!((placed.start(), placed.end(), placed.outcome()), (Some(2), Some(42), None));
        let lost: Sidebet =
            serde_json::from_str(r#"{"type":"payout","startTick":2,"endTick":42,"payout":0}"#).unwrap();
        assert_eq!((lost.start(), lost.end(), lost.outcome()), (Some(2), Some(42), Some("lost")));
    }

    #[test]
    fn l2_money_as_text_is_read() {
        let update: PlayerUpdate = serde_json::from_str(r#"{"cash":"1.5","positionQty":"0"}"#).unwrap();
        assert_eq!((update.cash, update.position_qty, update.avg_cost), (Some(1.5), Some(0.0), None));
    }
}
