//! What is drawn of a game.

use serde::Serialize;

use crate::protocol::fairness::is_god_candle;

/// Where a tick's price is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// It was captured when it was played.
    Captured,
    /// It was missed, and is from the price list of the site's game history.
    History,
    /// It was missed, and was recomputed from the game's seed.
    Seed,
    /// It was missed, and was repaired from elsewhere.
    Repaired,
}

/// One tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Number in the game, from 0.
    pub tick: i64,
    /// Multiplier.
    pub price: f64,
    /// Where it is from.
    pub origin: Origin,
}

/// Whether the revealed seed reproduces the game.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proof {
    /// Every price, bit for bit.
    Proven,
    /// It does not.
    Differs,
    /// The seed is known, the game is not yet, or not completely enough, compared.
    NotCompared,
    /// The seed has not been seen.
    NoSeed,
}

impl Proof {
    /// In a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Proof::Proven => "proven",
            Proof::Differs => "differs from its seed",
            Proof::NotCompared => "not compared with its seed",
            Proof::NoSeed => "unproven: no seed seen",
        }
    }
}

/// The side of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Buys units.
    Buy,
    /// Sells them.
    Sell,
    /// Opens a short.
    ShortOpen,
    /// Closes it.
    ShortClose,
}

impl Side {
    /// Its word in `trade` rows.
    pub fn as_str(self) -> &'static str {
        match self {
            Side::Buy => "buy",
            Side::Sell => "sell",
            Side::ShortOpen => "short_open",
            Side::ShortClose => "short_close",
        }
    }

    /// From the words of the `trade` and `player_action` rows.
    pub fn from_word(word: &str) -> Option<Side> {
        Some(match word.to_ascii_lowercase().as_str() {
            "buy" => Side::Buy,
            "sell" | "partial_sell" => Side::Sell,
            "short_open" => Side::ShortOpen,
            "short_close" => Side::ShortClose,
            _ => return None,
        })
    }
}

/// A trade.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Trade {
    /// The tick it executed at.
    pub tick: i64,
    /// The multiplier, where it was told.
    pub price: Option<f64>,
    /// What it did.
    pub side: Side,
    /// Whether it is the logged-in player's, or of an own replay.
    pub own: bool,
}

/// A side bet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bet {
    /// First tick covered.
    pub start: i64,
    /// Last tick covered.
    pub end: i64,
    /// Whether it won; `None` while it is open, or where that was not seen.
    pub won: Option<bool>,
    /// Whether it is the logged-in player's, or of an own replay.
    pub own: bool,
}

/// What the record of a game says; not all of it need be drawn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// Ticks recorded, the rug included.
    pub ticks_recorded: u64,
    /// Ticks up to the rug that were not, before any repair; `None` where that is not known.
    pub ticks_missing: Option<u64>,
    /// Ticks that were not recorded, as inclusive runs.
    pub holes: Vec<(i64, i64)>,
    /// Whether every tick up to the rug was recorded.
    pub complete: bool,
    /// The highest multiplier before the rug.
    pub peak: Option<f64>,
    /// The first tick that has it.
    pub peak_tick: Option<i64>,
    /// The price at the rug.
    pub rug_price: Option<f64>,
}

/// What is drawn of a game.
#[derive(Debug, Clone, PartialEq)]
pub struct GameLine {
    /// The game.
    pub game_id: String,
    /// Ticks in order, each once, none after the rug.
    pub points: Vec<Point>,
    /// The rug's tick, when the game was seen to its end.
    pub rug_tick: Option<i64>,
    /// Whether the seed reproduces it.
    pub proof: Proof,
    /// What its record says; `None` of a game that no store has.
    pub record: Option<Record>,
    /// Trades that were seen.
    pub trades: Vec<Trade>,
    /// Side bets that were seen.
    pub bets: Vec<Bet>,
    /// Ticks of which a price was recorded that no game can have. It is not drawn; another source may have the right one.
    pub corrupted: Vec<i64>,
    /// Where a replay stands in it: one of its ticks.
    pub cursor: Option<i64>,
}

impl GameLine {
    /// A game of which only prices are known, from tick 0.
    pub fn from_prices(game_id: &str, prices: &[f64], origin: Origin) -> GameLine {
        let points = (0..).zip(prices).map(|(tick, price)| Point { tick, price: *price, origin }).collect();
        GameLine {
            game_id: game_id.to_owned(),
            points,
            rug_tick: None,
            proof: Proof::NoSeed,
            record: None,
            trades: Vec::new(),
            bets: Vec::new(),
            corrupted: Vec::new(),
            cursor: None,
        }
    }

    /// The tick of the highest price.
    pub fn peak(&self) -> Option<&Point> {
        let highest = |a: &&Point, b: &&Point| a.price.total_cmp(&b.price).then(b.tick.cmp(&a.tick));
        self.points.iter().max_by(highest)
    }

    /// The rug, where its price is known.
    pub fn rug(&self) -> Option<&Point> {
        self.rug_tick.and_then(|tick| self.at(tick))
    }

    /// The tick of this number.
    pub fn at(&self, tick: i64) -> Option<&Point> {
        self.points.binary_search_by_key(&tick, |point| point.tick).ok().and_then(|index| self.points.get(index))
    }

    /// The price that was shown at a tick: its own, else the last one before it.
    pub fn price_at(&self, tick: i64) -> Option<f64> {
        let after = self.points.partition_point(|point| point.tick <= tick);
        self.points.get(after.checked_sub(1)?).map(|point| point.price)
    }

    /// The last tick there is, or was.
    pub fn last_tick(&self) -> i64 {
        let recorded = self.points.last().map_or(0, |point| point.tick);
        self.rug_tick.map_or(recorded, |rug| rug.max(recorded))
    }

    /// Ticks from 0 to the last that have no price from anywhere, as ranges.
    pub fn unknown(&self) -> Vec<(i64, i64)> {
        self.without(|_| true)
    }

    /// Ticks from 0 to the last that were not captured, as ranges.
    pub fn holes(&self) -> Vec<(i64, i64)> {
        self.without(|point| point.origin == Origin::Captured)
    }

    /// Ticks from 0 to the last that have no such point.
    fn without(&self, has: impl Fn(&Point) -> bool) -> Vec<(i64, i64)> {
        let mut without = Vec::new();
        let mut next = 0;
        for point in self.points.iter().filter(|point| has(point)) {
            if point.tick > next {
                without.push((next, point.tick - 1));
            }
            next = point.tick + 1;
        }
        if next <= self.last_tick() {
            without.push((next, self.last_tick()));
        }
        without
    }

    /// Ticks on which the price became ten times the one before.
    pub fn god_candles(&self) -> Vec<i64> {
        let jumped = |pair: &[Point]| match pair {
            [before, after] => {
                let jumped = after.tick == before.tick + 1 && is_god_candle(before.price, after.price);
                jumped.then_some(after.tick)
            }
            _ => None,
        };
        self.points.windows(2).filter_map(jumped).collect()
    }

    /// Ticks of an origin.
    pub fn count(&self, origin: Origin) -> usize {
        self.points.iter().filter(|point| point.origin == origin).count()
    }
}
