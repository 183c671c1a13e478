//! The payloads that have a meaning here, borrowed from the frame's text. One struct per payload, for all who read it.
//!
//! Every field is optional and read by itself: absent is `None`, a value of an odd type is `None` and counted in `unread`,
//! and neither costs the other fields ([`json`](super::json)). Units are the wire's: SOL for money, milliseconds for timers.

use std::borrow::Cow;

use super::json::{FromValue, Value, object};
use super::phase::Phase;

/// A number as it was sent: exact as text, as a double on demand. Always a number that a double can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount<'t>(&'t str);

impl<'t> Amount<'t> {
    /// Its digits: `1.5`, `1.6e-05`.
    pub fn digits(self) -> &'t str {
        self.0
    }

    /// The double nearest to it.
    pub fn as_f64(self) -> f64 {
        self.0.parse().unwrap_or_default()
    }
}

impl<'t> FromValue<'t> for Amount<'t> {
    fn from_value(value: Value<'t>) -> Option<Self> {
        value.number()?;
        value.digits().map(Amount)
    }
}

/// The doubles of amounts, for columns.
pub fn as_f64(amount: Option<Amount<'_>>) -> Option<f64> {
    amount.map(Amount::as_f64)
}

object! {
    /// `gameStateUpdate`, in any of its four shapes (timer, start, tick, full).
    pub struct GameState<'t> {
        /// The round.
        pub game_id: Cow<'t, str> = "gameId",
        /// Absent in timer packets; stays true through the rug.
        pub active: bool = "active",
        /// Absent in timer packets.
        pub rugged: bool = "rugged",
        /// Multiplier; absent in timer packets.
        pub price: f64 = "price",
        /// Tick; in the first full packet after a rug it runs 1–3 ahead of the true rug tick.
        pub tick_count: i64 = "tickCount",
        /// Milliseconds to the next change of phase.
        pub cooldown_timer: f64 = "cooldownTimer",
        /// True in presale.
        pub allow_pre_round_buys: bool = "allowPreRoundBuys",
        /// Trades of this game so far; complete, unlike the throttled broadcast.
        pub trade_count: i64 = "tradeCount",
        /// Sockets on the server.
        pub connected_players: i64 = "connectedPlayers",
        /// The last prices by tick, and the tick of the last one, which does not run on after the rug.
        pub partial_prices: PartialPrices<'t> = "partialPrices",
        /// Every price from tick 0, in the first packet of a connection: a list of numbers.
        pub prices: Value<'t> = "prices",
        /// Mean peak of the last hundred games.
        pub average_multiplier: f64 = "averageMultiplier",
        /// Of the last hundred games, those with a peak of at least 2×.
        pub count_2x: i64 = "count2x",
        /// At least 10×.
        pub count_10x: i64 = "count10x",
        /// At least 50×.
        pub count_50x: i64 = "count50x",
        /// At least 100×.
        pub count_100x: i64 = "count100x",
        /// The pool of instant rugs.
        pub rugpool: Rugpool<'t> = "rugpool",
        /// The ranking: a list of [`Entry`].
        pub leaderboard: Value<'t> = "leaderboard",
        /// The commitment to the game's seed.
        pub provably_fair: ProvablyFair<'t> = "provablyFair",
        /// The last ten finished games, the newest first, in full packets: a list of [`HistoryGame`].
        pub game_history: Value<'t> = "gameHistory",
        /// The day's highest peak.
        pub highest_today: f64 = "highestToday",
        /// The day's god-candle record of games below 10×: its peak.
        pub god_candle_2x: f64 = "godCandle2x",
        /// When it was, Unix milliseconds.
        pub god_candle_2x_at: f64 = "godCandle2xTimestamp",
        /// The game it names; often the one after the jump.
        pub god_candle_2x_game: Cow<'t, str> = "godCandle2xGameId",
        /// The same from 10× on.
        pub god_candle_10x: f64 = "godCandle10x",
        /// When it was, Unix milliseconds.
        pub god_candle_10x_at: f64 = "godCandle10xTimestamp",
        /// The game it names.
        pub god_candle_10x_game: Cow<'t, str> = "godCandle10xGameId",
        /// The same from 50× on.
        pub god_candle_50x: f64 = "godCandle50x",
        /// When it was, Unix milliseconds.
        pub god_candle_50x_at: f64 = "godCandle50xTimestamp",
        /// The game it names.
        pub god_candle_50x_game: Cow<'t, str> = "godCandle50xGameId",
    }
}

impl GameState<'_> {
    /// The phase of the packet's own indicators.
    pub fn phase(&self) -> Option<Phase> {
        Phase::of(self.active, self.rugged, self.allow_pre_round_buys, self.cooldown_timer)
    }

    /// The tick that the price belongs to. After the rug `tickCount` runs on by 1–3; the window and the list of all prices
    /// do not.
    pub fn true_tick(&self) -> Option<u32> {
        let window = self.partial_prices.as_ref().and_then(|window| window.end_tick);
        let tick = window.or_else(|| match self.prices.map_or(0, |prices| prices.elements().count()) {
            0 => self.tick_count,
            ticks => i64::try_from(ticks - 1).ok(),
        });
        tick.and_then(|tick| u32::try_from(tick).ok()).filter(|tick| *tick <= MAX_TICK)
    }
}

/// No game is longer (the page stops at 5000); a larger number is an error and must not allocate.
pub const MAX_TICK: u32 = 10_000;

object! {
    /// `partialPrices`: a window over the last ticks.
    pub struct PartialPrices<'t> {
        /// The tick of the packet's price, also after the rug.
        pub end_tick: i64 = "endTick",
        /// Prices by tick: an object whose keys are ticks.
        pub values: Value<'t> = "values",
    }
}

impl PartialPrices<'_> {
    /// The prices with their ticks, in the order they were sent; what is no tick or no number is left out.
    pub fn by_tick(&self) -> impl Iterator<Item = (u32, f64)> {
        let members = self.values.into_iter().flat_map(Value::members);
        members.filter_map(|(key, value)| Some((key.name().parse().ok()?, value.number()?)))
    }
}

object! {
    /// One finished game of `gameHistory`.
    pub struct HistoryGame<'t> {
        /// The round.
        pub id: Cow<'t, str> = "id",
        /// End of the game, Unix milliseconds by the server's clock.
        pub timestamp: f64 = "timestamp",
        /// Every price from tick 0, the last one being the rug price: a list of numbers.
        pub prices: Value<'t> = "prices",
        /// Highest multiplier, including the initial 1.
        pub peak_multiplier: f64 = "peakMultiplier",
        /// Placements and settlements: a list of [`Sidebet`].
        pub global_sidebets: Value<'t> = "globalSidebets",
        /// Seed and hash.
        pub provably_fair: ProvablyFair<'t> = "provablyFair",
        game_version: Cow<'t, str> = "gameVersion",
        version: Cow<'t, str> = "version",
    }
}

impl HistoryGame<'_> {
    /// `v1`, `v2` or `v3` of the price algorithm: `gameVersion`; in old entries `version`, at the top or in `provablyFair`.
    pub fn version(&self) -> Option<&str> {
        let fair = self.provably_fair.as_ref();
        self.game_version.as_deref().or(self.version.as_deref()).or_else(|| fair?.version.as_deref())
    }
}

/// Every price of a list; `None` where it is no list, or one of them cannot be read: then no price has a known tick.
pub fn price_list(list: Value<'_>) -> Option<Vec<f64>> {
    (list.kind() == Some(super::json::Kind::Array)).then(|| list.elements().map(Value::number).collect())?
}

object! {
    /// `provablyFair`: of the running game the hash alone, of a finished one the seed too.
    pub struct ProvablyFair<'t> {
        /// Revealed after the game.
        pub server_seed: Cow<'t, str> = "serverSeed",
        /// SHA-256 of the seed's text, published before the game.
        pub server_seed_hash: Cow<'t, str> = "serverSeedHash",
        /// The rules, `v1` to `v3`.
        pub version: Cow<'t, str> = "version",
    }
}

object! {
    /// The pool of instant rugs, as public and private packets show it.
    pub struct Rugpool<'t> {
        /// Instant rugs since the last drawing.
        pub instarug_count: f64 = "instarugCount",
        /// Instant rugs that trigger a drawing.
        pub threshold: f64 = "threshold",
        /// SOL in it.
        pub rugpool_amount: f64 = "rugpoolAmount",
    }
}

object! {
    /// A row of the ranking.
    pub struct Entry<'t> {
        /// Whose.
        pub id: Cow<'t, str> = "id",
        /// Their name, as they chose it.
        pub username: Cow<'t, str> = "username",
        /// Result of this game, SOL.
        pub pnl: f64 = "pnl",
        /// Result in percent of what was invested.
        pub pnl_percent: f64 = "pnlPercent",
        /// Token units held.
        pub position_qty: f64 = "positionQty",
        /// Rank, from 1.
        pub position: i64 = "position",
    }
}

object! {
    /// `gameStatePlayerUpdate`: the own row of the ranking. One tick old by nature.
    pub struct Companion<'t> {
        /// The round.
        pub game_id: Cow<'t, str> = "gameId",
        /// The own row; absent without a part in the game.
        pub leaderboard_entry: Entry<'t> = "leaderboardEntry",
        /// The pool of instant rugs.
        pub rugpool: Rugpool<'t> = "rugpool",
    }
}

object! {
    /// A side bet: an entry of `globalSidebets`, `newSideBet`, `currentSidebet` or `currentSidebetResult`.
    ///
    /// Placements in the history say `startedAtTick`/`end`, everything else `startTick`/`endTick`.
    pub struct Sidebet<'t> {
        /// Id of this record (a placement and its payout have different ones).
        pub id: Cow<'t, str> = "id",
        /// `placed` or `payout`.
        pub kind: Cow<'t, str> = "type",
        /// The round.
        pub game_id: Cow<'t, str> = "gameId",
        /// Who bets.
        pub player_id: Cow<'t, str> = "playerId",
        /// Their name.
        pub username: Cow<'t, str> = "username",
        /// Stake, SOL.
        pub bet_amount: Amount<'t> = "betAmount",
        /// Paid out, SOL; 0 when lost.
        pub payout: Amount<'t> = "payout",
        /// Payout minus stake, SOL.
        pub profit: f64 = "profit",
        /// Payout factor (5).
        pub x_payout: f64 = "xPayout",
        start_tick: i64 = "startTick",
        started_at_tick: i64 = "startedAtTick",
        end_tick: i64 = "endTick",
        end: i64 = "end",
        /// Token.
        pub coin_address: Cow<'t, str> = "coinAddress",
        /// Part of the stake paid from bonus money, SOL.
        pub bonus_portion: f64 = "bonusPortion",
        /// Part of the stake paid from real money, SOL.
        pub real_portion: f64 = "realPortion",
        /// Unix milliseconds by the server's clock.
        pub timestamp: f64 = "timestamp",
    }
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
        let payout = as_f64(self.payout).filter(|_| self.kind.as_deref() == Some("payout"))?;
        Some(if payout > 0.0 { "won" } else { "lost" })
    }
}

object! {
    /// `standard/newTrade`.
    pub struct Trade<'t> {
        /// The trade's id.
        pub id: Cow<'t, str> = "id",
        /// The round.
        pub game_id: Cow<'t, str> = "gameId",
        /// Who trades.
        pub player_id: Cow<'t, str> = "playerId",
        /// Their name.
        pub username: Cow<'t, str> = "username",
        /// `buy`, `sell`, `short_open` or `short_close`.
        pub side: Cow<'t, str> = "type",
        /// Token units.
        pub qty: Amount<'t> = "qty",
        /// SOL.
        pub amount: Amount<'t> = "amount",
        /// Multiplier it executed at: the price of `tick_index`.
        pub price: Amount<'t> = "price",
        /// Tick it executed at.
        pub tick_index: i64 = "tickIndex",
        /// Token name.
        pub coin: Cow<'t, str> = "coin",
        /// 1–5.
        pub leverage: f64 = "leverage",
        /// Part paid from bonus money, SOL.
        pub bonus_portion: Amount<'t> = "bonusPortion",
        /// Part paid from real money, SOL.
        pub real_portion: Amount<'t> = "realPortion",
        /// The player's level.
        pub level: i64 = "level",
    }
}

/// `real` when any real money is in it, `practice` when only bonus money is, `None` when unknown.
pub fn money_kind(bonus: Option<f64>, real: Option<f64>) -> Option<&'static str> {
    match (bonus.unwrap_or(0.0), real.unwrap_or(0.0)) {
        (_, real) if real > 0.0 => Some("real"),
        (bonus, _) if bonus > 0.0 => Some("practice"),
        _ => None,
    }
}

object! {
    /// `playerUpdate`: the server's own view of the logged-in account.
    pub struct PlayerUpdate<'t> {
        id: Cow<'t, str> = "id",
        player_id: Cow<'t, str> = "playerId",
        /// Name, where the packet carries it.
        pub username: Cow<'t, str> = "username",
        /// Round, where the packet carries it.
        pub game_id: Cow<'t, str> = "gameId",
        /// Balance, SOL.
        pub cash: Amount<'t> = "cash",
        /// Bonus money, SOL.
        pub bonus_balance: Amount<'t> = "bonusBalance",
        /// Token units held.
        pub position_qty: Amount<'t> = "positionQty",
        /// Weighted entry multiplier; 0 when flat.
        pub avg_cost: Amount<'t> = "avgCost",
        /// Buys plus side-bet stakes of this game, SOL.
        pub total_invested: Amount<'t> = "totalInvested",
        /// Result of this game, SOL.
        pub cumulative_pnl: Amount<'t> = "cumulativePnL",
        /// Result of this game's settled side bets, SOL.
        pub sidebet_pnl: Amount<'t> = "sidebetPnl",
        /// `cumulativePnL / totalInvested * 100`.
        pub pnl_percent: f64 = "pnlPercent",
        /// Always true where present; useless as a position flag.
        pub has_active_trades: bool = "hasActiveTrades",
    }
}

impl<'t> PlayerUpdate<'t> {
    /// The account's player id; older bridges name it `playerId`.
    pub fn player_id(&self) -> Option<&str> {
        self.player_id.as_deref().or(self.id.as_deref())
    }

    /// The same, out of it.
    pub fn into_player_id(self) -> Option<Cow<'t, str>> {
        self.player_id.or(self.id)
    }
}

object! {
    /// `usernameStatus`: who the own account is.
    pub struct OwnName<'t> {
        /// The own player id.
        pub id: Cow<'t, str> = "id",
        /// The own name.
        pub username: Cow<'t, str> = "username",
    }
}

object! {
    /// The arguments of an order the browser sends.
    pub struct Order<'t> {
        /// SOL.
        pub amount: Amount<'t> = "amount",
        /// Share of the position to sell: 10, 25, 50 or 100.
        pub percentage: Amount<'t> = "percentage",
        /// Multiplier, where the order names one.
        pub price: f64 = "price",
        /// The token of a side bet.
        pub coin_address: Cow<'t, str> = "coinAddress",
    }
}

object! {
    /// The first argument of an order's ack.
    pub struct OrderAck<'t> {
        /// Whether the server took it.
        pub success: bool = "success",
        /// Executed multiplier, where the server says it.
        pub executed_price: f64 = "executedPrice",
        /// Why not, in the server's words.
        pub error: Cow<'t, str> = "error",
        /// Free text.
        pub message: Cow<'t, str> = "message",
    }
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
        let placed = Sidebet::read(r#"{"type":"placed","startedAtTick":2,"end":42}"#).unwrap();
        assert_eq!((placed.start(), placed.end(), placed.outcome()), (Some(2), Some(42), None));
        let lost = Sidebet::read(r#"{"type":"payout","startTick":2,"endTick":42,"payout":0}"#).unwrap();
        assert_eq!((lost.start(), lost.end(), lost.outcome()), (Some(2), Some(42), Some("lost")));
    }

    #[test]
    fn l2_money_as_text_is_read() {
        let update = PlayerUpdate::read(r#"{"cash":"1.5","positionQty":"0"}"#).unwrap();
        assert_eq!((as_f64(update.cash), as_f64(update.position_qty)), (Some(1.5), Some(0.0)));
        assert!(update.avg_cost.is_none());
    }

    #[test]
    fn one_odd_value_costs_that_value_and_is_counted() {
        let text = r#"{"id":"t","username":"cut \ud83e","qty":1e400,"amount":0.5,"level":{"odd":1},"coin":null}"#;
        let trade = Trade::read(text).unwrap();
        assert_eq!(trade.username.as_deref(), Some("cut \u{fffd}"));
        assert_eq!((trade.qty, as_f64(trade.amount), trade.level), (None, Some(0.5), None));
        assert_eq!(trade.unread, 2, "a cut name is read, and null is absent");
    }

    #[test]
    fn of_two_equal_keys_the_last_one_counts() {
        let game = HistoryGame::read(r#"{"id":"a","peakMultiplier":1,"peakMultiplier":2.5}"#).unwrap();
        assert_eq!((game.id.as_deref(), game.peak_multiplier), (Some("a"), Some(2.5)));
    }

    #[test]
    fn an_array_is_never_read_by_position() {
        assert!(GameState::read(r#"["g",true,false,999.0,6]"#).is_none());
        let state = GameState::read(r#"{"gameId":"g","partialPrices":[1,2],"rugpool":[3],"price":2}"#).unwrap();
        assert_eq!((state.partial_prices.is_none(), state.price, state.unread), (true, Some(2.0), 2));
    }

    #[test]
    fn an_older_entrys_version_is_read_wherever_it_is() {
        for text in [
            r#"{"id":"a","gameVersion":"v2"}"#,
            r#"{"id":"a","version":"v2"}"#,
            r#"{"id":"a","provablyFair":{"version":"v2"}}"#,
        ] {
            assert_eq!(HistoryGame::read(text).unwrap().version(), Some("v2"), "{text}");
        }
    }

    #[test]
    fn a_list_with_a_value_that_is_no_price_has_no_known_ticks() {
        let list = |text| price_list(Value::from(text));
        assert_eq!(list("[1, 2.5,0.02]"), Some(vec![1.0, 2.5, 0.02]));
        assert_eq!(list("[1, 1e400, 0.02]"), None);
        assert_eq!((list("{}"), list("null")), (None, None));
    }
}
