//! What the players do: how many trade on a tick, for how much, and who bets.
//!
//! Tuned to the counts of real games (fifty buys before the start, about one trade a tick, a side bet every
//! eight ticks), not to any theory of behaviour.

use std::sync::Arc;

use super::game::{Round, Seat};
use super::numbers::Nano;
use super::players::Player;
use super::prng::Prng;

/// Amounts people type, in thousandths of a SOL. Small ones are drawn more often.
const AMOUNTS: [i64; 18] = [1, 2, 3, 5, 8, 10, 15, 20, 25, 34, 50, 65, 90, 100, 123, 250, 1000, 5000];
const STAKES: [i64; 8] = [1, 2, 3, 4, 5, 10, 25, 34];
const SHARES: [i64; 5] = [10, 25, 50, 100, 100];

/// Those who play, without the logged-in player, whose orders are frames of their own.
#[derive(Debug, Clone, Copy)]
pub struct Bots<'a> {
    /// Everybody.
    pub roster: &'a [Arc<Player>],
    /// Index of the first player of the bots.
    pub first: usize,
}

impl Bots<'_> {
    fn anybody(&self, random: &mut Prng) -> Option<Seat<'_>> {
        let seat = self.first + random.below(self.roster.len().checked_sub(self.first)?);
        self.roster.get(seat).map(|player| Seat { seat, player })
    }

    /// A tenth of a second before the game: buys at the opening price and bets from tick 0.
    pub fn before_the_game(&self, round: &mut Round, random: &mut Prng, now_ms: i64) {
        if random.chance(0.008 * self.roster.len() as f64)
            && let Some(who) = self.anybody(random)
        {
            let amount = amount(random);
            round.buy(random, who, amount, 0);
        }
        if random.chance(0.05)
            && let Some(who) = self.anybody(random)
        {
            let stake = stake(random);
            round.bet(random, who, stake, 0, now_ms);
        }
    }

    /// What follows the price of `tick`.
    pub fn after_tick(&self, round: &mut Round, random: &mut Prng, tick: usize, now_ms: i64) {
        let trades = match random.below(20) {
            0..6 => 0,
            6..14 => 1,
            14..18 => 2,
            _ => 3,
        };
        for _ in 0..trades {
            if let Some(who) = self.anybody(random) {
                trade(round, random, who, tick);
            }
        }
        if random.chance(0.13)
            && let Some(who) = self.anybody(random)
        {
            let (stake, placed_ms) = (stake(random), now_ms + random.between(0, 200));
            round.bet(random, who, stake, tick, placed_ms);
        }
    }
}

fn trade(round: &mut Round, random: &mut Prng, who: Seat<'_>, tick: usize) {
    let holds = round.books.get(who.seat).is_some_and(|book| book.qty > Nano::ZERO);
    if holds && random.chance(0.6) {
        let share = random.pick(&SHARES).copied().unwrap_or(100);
        round.sell(random, who, share, tick);
    } else {
        let amount = amount(random);
        round.buy(random, who, amount, tick);
    }
}

/// Mostly round amounts, sometimes what was left of something.
fn amount(random: &mut Prng) -> Nano {
    let place = random.below(AMOUNTS.len()).min(random.below(AMOUNTS.len()));
    let round = Nano::milli(AMOUNTS.get(place).copied().unwrap_or(1));
    if random.chance(0.1) { round + Nano(random.between(1, 999_999)) } else { round }
}

fn stake(random: &mut Prng) -> Nano {
    Nano::milli(random.pick(&STAKES).copied().unwrap_or(1))
}
