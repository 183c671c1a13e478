//! The provably fair game: from a revealed server seed to every price of the game, bit for bit.
//!
//! rugs.fun commits to `sha256(server seed)` before a game and reveals the seed after it. The whole price
//! path follows from `seed-gameId` through David Bau's `seedrandom` (an ARC4 key stream read as doubles),
//! so a captured game can be proven complete, and a missing tick can be filled in. That only works when
//! every floating-point operation happens in the page's order: do not simplify the arithmetic here.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use sha2::{Digest, Sha256};

pub mod verdict;

/// Chance that a tick is the rug.
const RUG_CHANCE: f64 = 0.005;
/// What is left of the lowest price after the rug (`0.020000000000000018` in f64, as on the wire).
const RUG_FACTOR: f64 = 1.0 - 0.98;
const DRIFT_MIN: f64 = -0.02;
const DRIFT_MAX: f64 = 0.03;
const BIG_MOVE_CHANCE: f64 = 0.125;
const BIG_MOVE_MIN: f64 = 0.15;
const BIG_MOVE_MAX: f64 = 0.25;
const GOD_CANDLE_CHANCE: f64 = 0.000_01;
const GOD_CANDLE_MOVE: f64 = 10.0;
/// No god candle above this price.
const GOD_CANDLE_MAX_PRICE: f64 = 100.0;
/// The highest tick that a game can have: the page stops here; one game in 10¹¹ gets this far.
pub const MAX_TICKS: usize = 5000;
/// Room for a median game and its tail without a second allocation in most cases.
const EXPECTED_TICKS: usize = 256;

/// The rules that a game was played by, as `gameVersion` on the wire names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum GameVersion {
    /// Volatility grows with the square root of the price without a limit.
    V1,
    /// Volatility is capped at ten times its base.
    V2,
    /// As v2, and a tick can be a god candle (exactly ×10).
    #[default]
    V3,
}

impl GameVersion {
    /// The name on the wire: `v1`, `v2` or `v3`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
        }
    }
}

impl fmt::Display for GameVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A `gameVersion` that these rules do not cover. Its games cannot be proven, only stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("game version {0:?} is unknown; v1, v2 and v3 can be recomputed")]
pub struct UnknownVersion(pub String);

impl FromStr for GameVersion {
    type Err = UnknownVersion;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "v1" => Ok(Self::V1),
            "v2" => Ok(Self::V2),
            "v3" => Ok(Self::V3),
            other => Err(UnknownVersion(other.to_owned())),
        }
    }
}

/// Everything that a seed decides about a game.
#[derive(Debug, Clone, PartialEq)]
pub struct PricePath {
    /// Multiplier per tick; the index is the tick, the first is 1, the last is the rug price.
    pub prices: Vec<f64>,
    /// Tick of the rug: the index of the last price.
    pub rug_tick: usize,
    /// `peakMultiplier`: the highest price, the initial 1 included.
    pub peak: f64,
    /// Ticks whose price is exactly ten times the one before.
    pub god_candles: Vec<usize>,
}

/// The commitment `serverSeedHash`: lowercase hex SHA-256 of the seed's text (not of its decoded bytes).
pub fn hash_seed(seed: &str) -> String {
    let digest = Sha256::digest(seed.as_bytes());
    digest.iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether the last price of a complete path is what a rug leaves: `min(earlier) * (1 - 0.98)`, bit for bit. It can be
/// checked without the seed.
pub fn has_rug_price(prices: &[f64]) -> bool {
    let Some((rug, earlier)) = prices.split_last() else { return false };
    let lowest = earlier.iter().copied().reduce(f64::min);
    lowest.is_some_and(|lowest| (lowest * RUG_FACTOR).to_bits() == rug.to_bits())
}

/// Plays the game of `seed` and `game_id` and returns its complete price path.
pub fn play(seed: &str, game_id: &str, version: GameVersion) -> PricePath {
    let text = seed.encode_utf16().chain([u16::from(b'-')]).chain(game_id.encode_utf16());
    let mut random = SeedRandom::new(text);
    let mut prices = Vec::with_capacity(EXPECTED_TICKS);
    let mut god_candles = Vec::new();
    let (mut price, mut lowest, mut peak) = (1.0_f64, 1.0_f64, 1.0_f64);
    prices.push(price);
    for tick in 1..=MAX_TICKS {
        if random.draw() < RUG_CHANCE {
            prices.push(lowest * RUG_FACTOR);
            break;
        }
        let (next, god_candle) = step(price, &mut random, version);
        price = next;
        if god_candle {
            god_candles.push(tick);
        }
        lowest = lowest.min(price);
        peak = peak.max(price);
        prices.push(price);
    }
    PricePath { rug_tick: prices.len() - 1, prices, peak, god_candles }
}

/// The price after one tick, and whether the tick was a god candle.
fn step(price: f64, random: &mut SeedRandom, version: GameVersion) -> (f64, bool) {
    if version == GameVersion::V3 && random.draw() < GOD_CANDLE_CHANCE && price <= GOD_CANDLE_MAX_PRICE {
        return (price * GOD_CANDLE_MOVE, true);
    }
    let change = if random.draw() < BIG_MOVE_CHANCE {
        let size = BIG_MOVE_MIN + random.draw() * (BIG_MOVE_MAX - BIG_MOVE_MIN);
        if random.draw() > 0.5 { size } else { -size }
    } else {
        let drift = DRIFT_MIN + random.draw() * (DRIFT_MAX - DRIFT_MIN);
        let volatility = 0.005 * volatility_factor(price, version);
        drift + volatility * (2.0 * random.draw() - 1.0)
    };
    ((price * (1.0 + change)).max(0.0), false)
}

fn volatility_factor(price: f64, version: GameVersion) -> f64 {
    match version {
        GameVersion::V1 => price.sqrt(),
        GameVersion::V2 | GameVersion::V3 => price.sqrt().min(10.0),
    }
}

/// David Bau's `seedrandom`: doubles in `[0, 1)` from an ARC4 key stream.
struct SeedRandom {
    arc4: Arc4,
}

impl SeedRandom {
    /// Seeds with a JavaScript string, given as UTF-16 code units.
    fn new(text: impl Iterator<Item = u16>) -> Self {
        let mut key = [0_u8; 256];
        let mut key_len = 0_usize;
        let (mut smear, mut place) = (0_u32, 0_u8);
        for unit in text {
            smear ^= u32::from(at(&key, place)) * 19;
            // The mask is `& 255`, so only the low bytes of the sum matter.
            set(&mut key, place, smear.wrapping_add(u32::from(unit)) as u8);
            place = place.wrapping_add(1);
            key_len = (key_len + 1).min(256);
        }
        // An empty seed is the key `[0]`, as in the original.
        Self { arc4: Arc4::new(key.get(..key_len.max(1)).unwrap_or(&[0])) }
    }

    /// The next double: 56 bits of key stream, cut to the 53 that a double holds. The original builds it
    /// in floating point; every intermediate is an integer below 2⁵³, so integers give the same bits.
    #[inline]
    fn draw(&mut self) -> f64 {
        let mut bits = self.arc4.bytes(7);
        let mut scale = 56_i32;
        // The original draws more bytes while the number has fewer than 53 significant bits.
        while (bits & !0xff) < (1 << 52) {
            bits = (bits << 8) | self.arc4.bytes(1);
            scale += 8;
        }
        let spare = (64 - bits.leading_zeros() as i32) - 53;
        if spare > 0 {
            bits >>= spare;
            scale -= spare;
        }
        bits as f64 / power_of_two(scale)
    }
}

/// 2^`exponent` for exponents that a normal double can hold; exact, and cheaper than `powi`.
#[inline]
fn power_of_two(exponent: i32) -> f64 {
    f64::from_bits(((exponent + 1023) as u64) << 52)
}

/// The ARC4 key stream, its first 256 bytes dropped.
struct Arc4 {
    state: [u8; 256],
    i: u8,
    j: u8,
}

impl Arc4 {
    fn new(key: &[u8]) -> Self {
        let mut state = [0_u8; 256];
        for (place, value) in (0..=u8::MAX).zip(state.iter_mut()) {
            *value = place;
        }
        let mut j = 0_u8;
        for (i, key_byte) in (0..=u8::MAX).zip(key.iter().cycle()) {
            let value = at(&state, i);
            j = j.wrapping_add(value).wrapping_add(*key_byte);
            let other = at(&state, j);
            set(&mut state, i, other);
            set(&mut state, j, value);
        }
        let mut arc4 = Self { state, i: 0, j: 0 };
        for _ in 0..256 {
            arc4.byte();
        }
        arc4
    }

    #[inline]
    fn byte(&mut self) -> u8 {
        self.i = self.i.wrapping_add(1);
        let first = at(&self.state, self.i);
        self.j = self.j.wrapping_add(first);
        let second = at(&self.state, self.j);
        set(&mut self.state, self.i, second);
        set(&mut self.state, self.j, first);
        at(&self.state, first.wrapping_add(second))
    }

    /// `count` bytes, big-endian.
    #[inline]
    fn bytes(&mut self, count: u32) -> u64 {
        (0..count).fold(0, |number, _| (number << 8) | u64::from(self.byte()))
    }
}

#[expect(clippy::indexing_slicing, reason = "a u8 is always a valid index into 256 elements; no check is emitted")]
#[inline]
fn at(table: &[u8; 256], place: u8) -> u8 {
    table[usize::from(place)]
}

#[expect(clippy::indexing_slicing, reason = "a u8 is always a valid index into 256 elements; no check is emitted")]
#[inline]
fn set(table: &mut [u8; 256], place: u8, value: u8) {
    table[usize::from(place)] = value;
}

/// How far a recorded jump may be from ten times: prices that were written as text and read again are off by a rounding.
const ROUNDING: f64 = 1e-9;

/// Whether one tick took the price from `before` to `after` by a god candle: exactly ten times.
pub fn is_god_candle(before: f64, after: f64) -> bool {
    (after / (before * GOD_CANDLE_MOVE) - 1.0).abs() < ROUNDING
}

#[cfg(test)]
mod tests;
