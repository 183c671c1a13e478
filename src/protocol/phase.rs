//! The phase of the game a `gameStateUpdate` was sent in (`reference/protocol.md` section 2).

/// Where a round stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Between games, no bets accepted: timer 15000 … 10100.
    Cooldown,
    /// Before tick 0, bets accepted: timer 10000 … 100.
    Presale,
    /// The price runs.
    Active,
    /// The game has rugged.
    Rugged,
}

impl Phase {
    /// The name stored in the `phase` column.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Cooldown => "COOLDOWN",
            Phase::Presale => "PRESALE",
            Phase::Active => "ACTIVE",
            Phase::Rugged => "RUGGED",
        }
    }

    /// The phase that a packet's own indicators tell, `None` when they tell none.
    ///
    /// `allow_pre_round_buys` and the timer are in every packet, `active` and `rugged` are not; so the test
    /// is for rugged, then active, then presale, then the timer. A rule that asks the timer first calls
    /// every presale packet cooldown.
    pub fn of(
        active: Option<bool>,
        rugged: Option<bool>,
        allow_pre_round_buys: Option<bool>,
        cooldown_timer_ms: Option<f64>,
    ) -> Option<Phase> {
        if rugged == Some(true) {
            Some(Phase::Rugged)
        } else if active == Some(true) {
            Some(Phase::Active)
        } else if allow_pre_round_buys == Some(true) {
            Some(Phase::Presale)
        } else if cooldown_timer_ms.is_some_and(|timer| timer > 0.0) {
            Some(Phase::Cooldown)
        } else {
            None
        }
    }

    /// The phase of a line of the 2025 per-game recordings, which did not keep `allowPreRoundBuys`: presale
    /// opens when the timer reaches 10000.
    pub fn of_recording(active: bool, rugged: bool, cooldown_timer_ms: f64) -> Option<Phase> {
        let presale = cooldown_timer_ms > 0.0 && cooldown_timer_ms <= 10_000.0;
        Phase::of(Some(active), Some(rugged), Some(presale), Some(cooldown_timer_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::Phase;

    #[test]
    fn g1_active_and_not_rugged_is_active_even_with_a_timer() {
        assert_eq!(Phase::of(Some(true), Some(false), Some(false), Some(5000.0)), Some(Phase::Active));
    }

    #[test]
    fn g2_rugged_wins_over_everything() {
        for active in [true, false] {
            assert_eq!(Phase::of(Some(active), Some(true), Some(true), Some(9000.0)), Some(Phase::Rugged));
        }
    }

    #[test]
    fn g3_a_timer_without_pre_round_buys_is_cooldown() {
        assert_eq!(Phase::of(None, None, Some(false), Some(14_900.0)), Some(Phase::Cooldown));
    }

    #[test]
    fn g4_pre_round_buys_are_presale_whatever_the_timer() {
        assert_eq!(Phase::of(None, None, Some(true), Some(8500.0)), Some(Phase::Presale));
        assert_eq!(Phase::of(None, None, Some(true), Some(0.0)), Some(Phase::Presale));
    }

    #[test]
    fn g5_no_indicator_is_no_phase() {
        assert_eq!(Phase::of(None, None, None, None), None);
        assert_eq!(Phase::of(Some(false), Some(false), Some(false), Some(0.0)), None);
    }

    #[test]
    fn recordings_tell_presale_by_the_timer() {
        assert_eq!(Phase::of_recording(false, false, 10_000.0), Some(Phase::Presale));
        assert_eq!(Phase::of_recording(false, false, 10_100.0), Some(Phase::Cooldown));
        assert_eq!(Phase::of_recording(false, false, 39_500.0), Some(Phase::Cooldown));
        assert_eq!(Phase::of_recording(true, false, 0.0), Some(Phase::Active));
    }
}
