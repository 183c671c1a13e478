//! The rule of side bets: a bet that the game rugs within the next ticks. Measured on 2,195 settlements; older texts
//! say "before the end", which is wrong by one tick.

/// Ticks that a bet covers after the one it was placed on: `end = start + 40`.
pub const WINDOW: i64 = 40;

/// What a won bet pays, in stakes; the profit is one stake less.
pub const PAYOUT: f64 = 5.0;

/// Whether a bet wins: the rug tick itself still counts.
pub fn wins(end_tick: i64, rug_tick: i64) -> bool {
    rug_tick <= end_tick
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_tick_of_the_window_wins() {
        assert!(wins(50, 50) && wins(50, 11));
        assert!(!wins(50, 51));
    }
}
