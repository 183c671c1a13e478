//! One game: its fair price path, what everybody did in it, and how the bets ended.
//!
//! Knows nothing of frames or clocks.

use std::sync::Arc;

use super::bet_records::{record_payout, record_placement};
use super::book::Book;
use super::json::Json;
use super::numbers::Nano;
use super::players::Player;
use super::price_texts::PriceTexts;
use super::prng::Prng;
use super::truth::{BET_PAYOUT, BET_WINDOW, GameTruth, Outcome, Side, SideBet, Trade};
use replayer_protocol::fairness::{self, GameVersion, PricePath};

/// A game being played.
#[derive(Debug, Clone)]
pub struct Round {
    /// `YYYYMMDD-` and 16 hex digits.
    pub id: String,
    /// Secret until the game is over.
    pub seed: String,
    /// Published commitment.
    pub seed_hash: String,
    /// Rules.
    pub version: GameVersion,
    /// What will happen.
    pub path: PricePath,
    /// The path as JSON.
    pub price_texts: PriceTexts,
    /// One account per player of the roster, by index.
    pub books: Vec<Book>,
    /// All trades so far.
    pub trades: Vec<Trade>,
    /// All side bets so far.
    pub bets: Vec<SideBet>,
    /// Indexes of the bets that are not settled.
    open_bets: Vec<usize>,
    /// The `globalSidebets` records so far, without the closing bracket.
    bet_records: Json,
}

impl Round {
    /// A new game of the UTC day `date` (`YYYYMMDD`) with room for `players` accounts.
    pub fn new(random: &mut Prng, date: &str, players: usize) -> Self {
        let (id, seed) = (format!("{date}-{}", random.hex(16)), random.hex(64));
        let version = GameVersion::V3;
        let path = fairness::play(&seed, &id, version);
        let mut bet_records = Json::fragment();
        bet_records.array();
        Self {
            seed_hash: fairness::hash_seed(&seed),
            price_texts: PriceTexts::new(&path.prices),
            books: vec![Book::default(); players],
            trades: Vec::new(),
            bets: Vec::new(),
            open_bets: Vec::new(),
            id,
            seed,
            version,
            path,
            bet_records,
        }
    }

    /// Price of `tick`; of the rug for every later one.
    pub fn price(&self, tick: usize) -> f64 {
        self.path.prices.get(tick).or(self.path.prices.last()).copied().unwrap_or(1.0)
    }

    /// Buys for `amount` and returns the trade's index.
    pub fn buy(&mut self, random: &mut Prng, who: Seat<'_>, amount: Nano, tick: usize) -> Option<usize> {
        let price = self.price(tick);
        let qty = self.books.get_mut(who.seat)?.buy(amount, price);
        self.trade(random, who, Side::Buy, (qty, amount), tick, false)
    }

    /// Sells `percentage` of the position and returns the trade's index; None when there is nothing to sell.
    pub fn sell(&mut self, random: &mut Prng, who: Seat<'_>, percentage: i64, tick: usize) -> Option<usize> {
        let price = self.price(tick);
        let book = self.books.get_mut(who.seat).filter(|book| book.qty > Nano::ZERO)?;
        let sold = book.sell(percentage, price);
        self.trade(random, who, Side::Sell, sold, tick, tick == self.path.rug_tick)
    }

    fn trade(
        &mut self,
        random: &mut Prng,
        who: Seat<'_>,
        side: Side,
        (qty, amount): (Nano, Nano),
        tick: usize,
        forced: bool,
    ) -> Option<usize> {
        self.trades.push(Trade {
            id: random.uuid(),
            player: Arc::clone(who.player),
            side,
            qty,
            amount,
            price: self.price(tick),
            tick,
            forced,
            broadcast: false,
        });
        Some(self.trades.len() - 1)
    }

    /// Places a side bet and returns its index; None while the player has one open.
    pub fn bet(
        &mut self,
        random: &mut Prng,
        who: Seat<'_>,
        stake: Nano,
        tick: usize,
        now_ms: i64,
    ) -> Option<usize> {
        let number = self.bets.len();
        let book = self.books.get_mut(who.seat).filter(|book| book.open_bet.is_none())?;
        book.open_bet = Some(number);
        book.invested += stake;
        book.entered = true;
        let bet = SideBet {
            id: random.uuid(),
            player: Arc::clone(who.player),
            stake,
            start_tick: tick,
            end_tick: tick + BET_WINDOW,
            placed_ms: now_ms,
            outcome: None,
        };
        record_placement(&mut self.bet_records, &self.id, &bet);
        self.bets.push(bet);
        self.open_bets.push(number);
        Some(number)
    }

    /// Settles what `tick` decides: at the rug every open bet wins, before it those whose window ends lose.
    /// Returns the indexes of the settled bets.
    pub fn settle(&mut self, random: &mut Prng, tick: usize, now_ms: i64) -> Vec<usize> {
        let won = tick >= self.path.rug_tick;
        let decided: Vec<usize> =
            self.open_bets.iter().copied().filter(|bet| won || self.ends_by(*bet, tick)).collect();
        self.open_bets.retain(|bet| !decided.contains(bet));
        for (place, number) in decided.iter().enumerate() {
            self.settle_one(random, *number, won, tick, now_ms + place as i64);
        }
        decided
    }

    fn ends_by(&self, bet: usize, tick: usize) -> bool {
        self.bets.get(bet).is_some_and(|bet| bet.end_tick <= tick)
    }

    fn settle_one(&mut self, random: &mut Prng, number: usize, won: bool, tick: usize, at_ms: i64) {
        let price = self.price(tick);
        let Some(bet) = self.bets.get_mut(number) else {
            return;
        };
        let payout = if won { Nano(bet.stake.0 * BET_PAYOUT) } else { Nano::ZERO };
        bet.outcome = Some(Outcome { won, payout, tick, at_ms });
        record_payout(&mut self.bet_records, random, &self.id, bet, price);
        if let Some(book) = self.books.iter_mut().find(|book| book.open_bet == Some(number)) {
            book.open_bet = None;
            book.sidebet_pnl += payout - bet.stake;
        }
    }

    /// Sells every position at the rug price. Returns what all of it was worth when it was bought.
    pub fn liquidate(&mut self, random: &mut Prng, roster: &[Arc<Player>]) -> Nano {
        let rug_tick = self.path.rug_tick;
        let mut lost = Nano::ZERO;
        for (seat, player) in roster.iter().enumerate() {
            let cost = self.books.get(seat).map_or(Nano::ZERO, |book| book.qty.times(book.avg_cost));
            if self.sell(random, Seat { seat, player }, 100, rug_tick).is_some() && !player.practice {
                lost += cost;
            }
        }
        lost
    }

    /// The game's entry in `gameHistory`.
    pub fn history_entry(&self, ended_ms: i64) -> String {
        let mut json = Json::fragment();
        json.object().key("id").string(&self.id).key("timestamp").int(ended_ms);
        json.key("prices").raw(self.price_texts.all()).key("peakMultiplier").number(self.path.peak);
        json.key("rugged").boolean(true).key("globalTrades").raw("[]").key("globalSidebets");
        let mut records = self.bet_records.clone();
        records.end_array();
        json.raw(&records.into_text()).key("provablyFair").object().key("serverSeed").string(&self.seed);
        json.key("serverSeedHash").string(&self.seed_hash).end_object();
        json.key("gameVersion").string(self.version.as_str()).end_object();
        json.into_text()
    }

    /// Ends the game and hands out what happened in it.
    pub fn into_truth(self, ended_ms: i64) -> GameTruth {
        GameTruth {
            game_id: self.id,
            seed: self.seed,
            seed_hash: self.seed_hash,
            version: self.version,
            prices: self.path.prices,
            rug_tick: self.path.rug_tick,
            peak: self.path.peak,
            god_candles: self.path.god_candles,
            trades: self.trades,
            sidebets: self.bets,
            ended_ms,
        }
    }
}

/// A player and the index of their account.
#[derive(Debug, Clone, Copy)]
pub struct Seat<'a> {
    /// Index into roster and books.
    pub seat: usize,
    /// The person.
    pub player: &'a Arc<Player>,
}

#[cfg(test)]
mod tests;
