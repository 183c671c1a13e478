//! Whether the capture has holes. A monitor is triggered by its threshold or by a lost connection, and only a
//! clean game (seen whole) clears it: coming back does not bring back what was missed.

use serde::Serialize;

/// What triggers a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// A gap of more than this many ticks within a game.
    Ticks(u32),
    /// This many games in a row whose rug was not seen.
    Games(u32),
}

/// What a monitor has to say about an observation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Triggered as of now.
    Triggered,
    /// Cleared as of now.
    Recovered,
}

/// Watches for one kind of hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Monitor {
    threshold: Threshold,
    /// Why it is triggered; `None` when it is not.
    pub triggered: Option<&'static str>,
    /// Ticks missed, ever.
    pub missed_ticks: u64,
    abnormal_games: u32,
}

impl Monitor {
    /// A monitor that is not triggered.
    pub fn new(threshold: Threshold) -> Monitor {
        Monitor { threshold, triggered: None, missed_ticks: 0, abnormal_games: 0 }
    }

    /// `missing` ticks were left out between two of one game.
    pub fn gap(&mut self, missing: u32) -> Option<Verdict> {
        self.missed_ticks += u64::from(missing);
        match self.threshold {
            Threshold::Ticks(limit) if missing >= limit => self.trigger("tick_gap"),
            _ => None,
        }
    }

    /// A game ended: `clean` when it was seen whole.
    pub fn game_ended(&mut self, clean: bool) -> Option<Verdict> {
        if clean {
            self.abnormal_games = 0;
            return self.triggered.take().map(|_| Verdict::Recovered);
        }
        self.abnormal_games += 1;
        match self.threshold {
            Threshold::Games(limit) if self.abnormal_games >= limit => self.trigger("abnormal_games"),
            _ => None,
        }
    }

    /// The connection was lost.
    pub fn connection_lost(&mut self) -> Option<Verdict> {
        self.trigger("connection_lost")
    }

    fn trigger(&mut self, why: &'static str) -> Option<Verdict> {
        if self.triggered.is_some() {
            return None;
        }
        self.triggered = Some(why);
        Some(Verdict::Triggered)
    }
}

/// Ticks missing between two ticks of one game; the first tick of a game follows nothing.
pub fn missing(before: Option<u32>, now: u32) -> u32 {
    before.map_or(0, |before| now.saturating_sub(before.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(ticks: &[u32]) -> Vec<u32> {
        let pairs = ticks.iter().scan(None, |before, tick| Some(missing(before.replace(*tick), *tick)));
        pairs.collect()
    }

    // S10, S11, S12
    #[test]
    fn s10_s11_s12_ticks_between_two_ticks_are_a_gap() {
        assert_eq!(gaps(&[0, 1, 5]), [0, 0, 3]);
        assert_eq!(gaps(&[0, 3, 7]).iter().sum::<u32>(), 5);
        assert_eq!(gaps(&[0, 5, 6]), [0, 4, 0]);
    }

    // S13
    #[test]
    fn s13_a_large_gap_triggers_once() {
        let mut monitor = Monitor::new(Threshold::Ticks(5));
        assert_eq!(missing(Some(0), 10), 9);
        assert_eq!(monitor.gap(9), Some(Verdict::Triggered));
        assert_eq!(monitor.gap(30), None);
        assert_eq!(monitor.missed_ticks, 39);
    }

    // S15
    #[test]
    fn s15_a_lost_connection_triggers_whatever_the_threshold() {
        for threshold in [Threshold::Ticks(1000), Threshold::Games(1000)] {
            let mut monitor = Monitor::new(threshold);
            assert_eq!(monitor.connection_lost(), Some(Verdict::Triggered));
            assert_eq!(monitor.gap(0), None);
            assert_eq!(monitor.triggered, Some("connection_lost"), "restoring alone does not clear it");
        }
    }

    // S16
    #[test]
    fn s16_a_clean_game_clears_it_once() {
        let mut monitor = Monitor::new(Threshold::Ticks(5));
        monitor.connection_lost();
        assert_eq!(monitor.game_ended(false), None);
        assert_eq!(monitor.game_ended(true), Some(Verdict::Recovered));
        assert_eq!((monitor.game_ended(true), monitor.triggered), (None, None));
    }

    // S17
    #[test]
    fn s17_abnormal_games_in_a_row_trigger() {
        let mut monitor = Monitor::new(Threshold::Games(2));
        assert_eq!(monitor.game_ended(false), None);
        assert_eq!(monitor.game_ended(true), None);
        assert_eq!(monitor.game_ended(false), None);
        assert_eq!(monitor.game_ended(false), Some(Verdict::Triggered));
    }

    // S18
    #[test]
    fn s18_each_kind_ignores_the_others_holes() {
        let mut ticks = Monitor::new(Threshold::Ticks(5));
        assert!((0..20).all(|_| ticks.game_ended(false).is_none()));
        assert_eq!(Monitor::new(Threshold::Games(2)).gap(100), None);
    }
}
