//! The day's god-candle records: every full packet repeats them for the rest of the UTC day, so only a change
//! is news. What game a record names is the server's word and often the game after the jump
//! (`reference/corrections.md` 11); the jump itself is found in the prices.

use super::fact::GodCandleRecord;

/// The tiers, as the fields are named.
pub const TIERS: [&str; 3] = ["2x", "10x", "50x"];

/// What tells one record from another.
#[derive(Debug, Clone, PartialEq)]
enum Key {
    Game(String),
    Moment(u64),
}

/// Watches the records.
#[derive(Debug, Clone, Default)]
pub struct GodCandles {
    seen: Vec<Key>,
    current: [Option<f64>; 3],
    /// Packets with at least one new record.
    pub detections: u64,
}

/// Records remembered; a day has a handful.
const MOST_SEEN: usize = 64;

impl GodCandles {
    /// Takes the records of one full packet; returns the tiers that are new.
    pub fn observe(&mut self, records: &[Option<GodCandleRecord<'_>>; 3]) -> Vec<&'static str> {
        let mut new = Vec::new();
        for ((tier, record), current) in TIERS.into_iter().zip(records).zip(&mut self.current) {
            *current = record.as_ref().map(|record| record.peak);
            let Some(record) = record else { continue };
            let key = match (&record.game_id, record.timestamp) {
                (Some(game_id), _) => Key::Game(game_id.clone().into_owned()),
                (None, Some(timestamp)) => Key::Moment(timestamp.to_bits()),
                (None, None) => Key::Moment(record.peak.to_bits()),
            };
            if self.seen.contains(&key) {
                continue;
            }
            if self.seen.len() >= MOST_SEEN {
                self.seen.remove(0);
            }
            self.seen.push(key);
            new.push(tier);
        }
        self.detections += u64::from(!new.is_empty());
        new
    }

    /// Different records seen.
    pub fn distinct(&self) -> usize {
        self.seen.len()
    }

    /// The peaks of the day's records by tier.
    pub fn current(&self) -> [Option<f64>; 3] {
        self.current
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(game: &'static str) -> Option<GodCandleRecord<'static>> {
        Some(GodCandleRecord { peak: 57.9, game_id: Some(game.into()), timestamp: None })
    }

    // G8
    #[test]
    fn g8_a_record_is_new_once() {
        let mut candles = GodCandles::default();
        let told: Vec<bool> =
            ["A", "A", "B"].map(|game| !candles.observe(&[None, None, record(game)]).is_empty()).to_vec();
        assert_eq!(told, [true, false, true]);
        assert!((0..20).all(|_| candles.observe(&[None, None, record("A")]).is_empty()));
    }

    // G9
    #[test]
    fn g9_a_second_tier_is_a_second_detection() {
        let mut candles = GodCandles::default();
        candles.observe(&[record("A"), None, None]);
        assert_eq!(candles.observe(&[record("A"), None, record("B")]), ["50x"]);
        assert_eq!((candles.detections, candles.distinct()), (2, 2));
    }

    // G10
    #[test]
    fn g10_two_tiers_at_once_are_one_detection() {
        let mut candles = GodCandles::default();
        assert_eq!(candles.observe(&[record("A"), record("B"), None]), ["2x", "10x"]);
        assert_eq!((candles.detections, candles.distinct()), (1, 2));
    }

    // G11
    #[test]
    fn g11_no_record_is_no_detection() {
        let mut candles = GodCandles::default();
        assert!(candles.observe(&[None, None, None]).is_empty());
        assert_eq!(candles.detections, 0);
    }

    #[test]
    fn records_without_a_game_are_told_apart_by_their_time() {
        let at = |timestamp| Some(GodCandleRecord { peak: 8.7, game_id: None, timestamp: Some(timestamp) });
        let mut candles = GodCandles::default();
        assert_eq!(candles.observe(&[at(1.0), None, None]), ["2x"]);
        assert!(candles.observe(&[at(1.0), None, None]).is_empty());
        assert_eq!(candles.observe(&[at(2.0), None, None]), ["2x"]);
    }
}
