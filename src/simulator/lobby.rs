//! What outlives a game: the history of the last games, the records of the day, the rug pool.

use std::collections::VecDeque;
use std::sync::Arc;

use super::game::Round;
use super::json::Json;
use super::numbers::Nano;
use super::players::Player;

/// Games that the averages and counts look back on.
pub const STATISTICS_WINDOW: usize = 100;
/// A game that rugs up to this tick feeds the rug pool.
const INSTARUG_TICK: usize = 6;
/// Instant rugs until the pool is drawn.
const INSTARUGS_PER_DRAWING: usize = 10;
const DAY_MS: i64 = 86_400_000;

/// State shared by all games of a server.
#[derive(Debug, Clone)]
pub struct Lobby {
    /// Entries of `gameHistory`, newest first.
    pub history: VecDeque<String>,
    history_len: usize,
    keep_prices: bool,
    peaks: VecDeque<f64>,
    day: i64,
    highest: Option<Record>,
    /// Best god-candle game of the day that peaked below 10x, below 50x, and above.
    god_candles: [Option<Record>; 3],
    /// The pool of the instant rugs.
    pub rugpool: Rugpool,
}

/// A record of the day.
#[derive(Debug, Clone)]
struct Record {
    peak: f64,
    at_ms: i64,
    prices: String,
    jump: Option<(f64, f64)>,
}

impl Lobby {
    /// An empty lobby that keeps `history_len` games, and price paths of records if asked to.
    pub fn new(history_len: usize, keep_prices: bool, roster: &[Arc<Player>]) -> Self {
        Self {
            history: VecDeque::new(),
            history_len,
            keep_prices,
            peaks: VecDeque::new(),
            day: 0,
            highest: None,
            god_candles: [None, None, None],
            rugpool: Rugpool::new(roster),
        }
    }

    /// Counts a game that ended before anybody watched.
    pub fn count_peak(&mut self, peak: f64) {
        self.peaks.push_back(peak);
        if self.peaks.len() > STATISTICS_WINDOW {
            self.peaks.pop_front();
        }
    }

    /// Takes a finished game into history, statistics and records.
    pub fn finish(&mut self, round: &Round, ended_ms: i64) {
        self.history.push_front(round.history_entry(ended_ms));
        self.history.truncate(self.history_len);
        self.count_peak(round.path.peak);
        if ended_ms.div_euclid(DAY_MS) != self.day {
            self.day = ended_ms.div_euclid(DAY_MS);
            self.highest = None;
            self.god_candles = [None, None, None];
        }
        self.keep_records(round, ended_ms);
    }

    fn keep_records(&mut self, round: &Round, at_ms: i64) {
        let peak = round.path.peak;
        if is_higher(peak, self.highest.as_ref()) {
            self.highest = Some(self.record(round, at_ms, None));
        }
        let tier = if peak < 10.0 {
            0
        } else if peak < 50.0 {
            1
        } else {
            2
        };
        let Some(tick) = round.path.god_candles.last().copied() else {
            return;
        };
        if self.god_candles.get(tier).is_some_and(|held| is_higher(peak, held.as_ref())) {
            let jump = (round.price(tick.saturating_sub(1)), round.price(tick));
            let record = self.record(round, at_ms, Some(jump));
            if let Some(held) = self.god_candles.get_mut(tier) {
                *held = Some(record);
            }
        }
    }

    fn record(&self, round: &Round, at_ms: i64, jump: Option<(f64, f64)>) -> Record {
        let prices = if self.keep_prices { round.price_texts.all() } else { "[]" };
        Record { peak: round.path.peak, at_ms, prices: prices.to_owned(), jump }
    }

    /// `averageMultiplier` and the counts of high peaks, which tick and full packets carry.
    pub fn statistics(&self, json: &mut Json) {
        let average = self.peaks.iter().sum::<f64>() / self.peaks.len().max(1) as f64;
        json.key("averageMultiplier").number(average);
        for (name, limit) in [("count2x", 2.0), ("count10x", 10.0), ("count50x", 50.0), ("count100x", 100.0)] {
            json.key(name).count(self.peaks.iter().filter(|peak| **peak >= limit).count());
        }
    }

    /// The best game and the god candles of the day, which full packets carry.
    pub fn records(&self, json: &mut Json) {
        push_record(json, "highestToday", self.highest.as_ref());
        for (name, record) in ["godCandle2x", "godCandle10x", "godCandle50x"].iter().zip(&self.god_candles) {
            push_record(json, name, record.as_ref());
            json.key(&format!("{name}MassiveJump"));
            match record.as_ref().and_then(|record| record.jump) {
                Some((before, after)) => json.array().number(before).number(after).end_array(),
                None => json.null(),
            };
        }
    }
}

fn is_higher(peak: f64, held: Option<&Record>) -> bool {
    held.is_none_or(|held| peak > held.peak)
}

fn push_record(json: &mut Json, name: &str, record: Option<&Record>) {
    match record {
        Some(record) => {
            json.key(name).number(record.peak);
            json.key(&format!("{name}Timestamp")).int(record.at_ms);
            json.key(&format!("{name}Prices")).raw(&record.prices);
        }
        None => {
            json.key(name).null().key(&format!("{name}Timestamp")).null();
            json.key(&format!("{name}Prices")).raw("[]");
        }
    }
}

/// Half of what instant rugs destroy, paid to three players after ten of them.
#[derive(Debug, Clone)]
pub struct Rugpool {
    /// Instant rugs since the last drawing.
    pub count: usize,
    /// SOL in the pool.
    pub amount: Nano,
    entrants: Vec<Arc<Player>>,
    last_drawing_ms: i64,
    last_amount: Nano,
}

impl Rugpool {
    fn new(roster: &[Arc<Player>]) -> Self {
        let entrants = roster.iter().take(10).cloned().collect();
        Self {
            count: 1,
            amount: Nano(640_250_125),
            entrants,
            last_drawing_ms: 0,
            last_amount: Nano(9_300_450_900),
        }
    }

    /// Counts a finished game in which `lost` was liquidated.
    pub fn finish(&mut self, rug_tick: usize, lost: Nano, now_ms: i64) {
        if rug_tick > INSTARUG_TICK {
            return;
        }
        self.count += 1;
        self.amount += Nano(lost.0 / 2);
        if self.count >= INSTARUGS_PER_DRAWING {
            (self.last_amount, self.amount, self.count) = (self.amount, Nano::ZERO, 0);
            self.last_drawing_ms = now_ms;
        }
    }

    /// The summary in tick packets.
    pub fn public(&self, json: &mut Json) {
        json.key("rugpool").object().key("instarugCount").count(self.count);
        json.key("threshold").count(INSTARUGS_PER_DRAWING).key("rugpoolAmount").nano(self.amount).end_object();
    }

    /// The details that only a logged-in socket gets.
    pub fn private(&self, json: &mut Json) {
        let entries = |place: usize| 5000 / (place + 1);
        let total: usize = (0..self.entrants.len()).map(entries).sum();
        json.key("rugpool").object().key("instarugCount").count(self.count).key("rugpoolAmount").nano(self.amount);
        json.key("totalEntries").count(total).key("threshold").count(INSTARUGS_PER_DRAWING);
        json.key("playersWithEntries").count(self.entrants.len()).key("solPerEntry").raw("0.001");
        json.key("maxEntriesPerPlayer").int(5000).key("playerEntries").array();
        for (place, player) in self.entrants.iter().enumerate() {
            let share = entries(place) as f64 / total as f64 * 100.0;
            json.object().key("playerId").string(&player.id).key("entries").count(entries(place));
            json.key("username").raw(&player.username_json).key("percentage").number(share).end_object();
        }
        json.end_array();
        self.last_drawing(json, entries);
        json.key("config").object().key("threshold").count(INSTARUGS_PER_DRAWING);
        json.key("instarugThreshold")
            .count(INSTARUG_TICK)
            .key("rugpoolPercentage")
            .raw("0.5")
            .end_object()
            .end_object();
    }

    fn last_drawing(&self, json: &mut Json, entries: impl Fn(usize) -> usize) {
        let reward = self.last_amount.to_f64() / 3.0;
        json.key("lastDrawing").object().key("timestamp").int(self.last_drawing_ms).key("winners").array();
        for (place, player) in self.entrants.iter().take(3).enumerate() {
            json.object().key("playerId").string(&player.id).key("username").raw(&player.username_json);
            json.key("entries").count(entries(place)).key("reward").number(reward).end_object();
        }
        json.end_array().key("rewardPerWinner").number(reward);
        json.key("totalPoolAmount").nano(self.last_amount).end_object();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::super::prng::Prng;
    use super::*;

    fn records(lobby: &Lobby) -> serde_json::Value {
        let mut json = Json::fragment();
        json.object();
        lobby.records(&mut json);
        json.end_object();
        serde_json::from_str(&json.into_text()).unwrap()
    }

    #[test]
    fn a_god_candle_is_filed_by_its_games_peak_until_midnight() {
        let mut random = Prng::new(11);
        let round = loop {
            let round = Round::new(&mut random, "20260101", 0);
            if !round.path.god_candles.is_empty() {
                break round;
            }
        };
        let mut lobby = Lobby::new(10, true, &[]);
        lobby.finish(&round, 1000);
        let name = match round.path.peak {
            peak if peak < 10.0 => "godCandle2x",
            peak if peak < 50.0 => "godCandle10x",
            _ => "godCandle50x",
        };
        let filed = records(&lobby);
        assert_eq!(filed[name].as_f64(), Some(round.path.peak));
        let jump = &filed[format!("{name}MassiveJump")];
        assert_eq!(jump[1].as_f64().unwrap(), jump[0].as_f64().unwrap() * 10.0);
        let quiet = loop {
            let round = Round::new(&mut random, "20260102", 0);
            if round.path.god_candles.is_empty() {
                break round;
            }
        };
        lobby.finish(&quiet, DAY_MS + 1000);
        assert!(records(&lobby)[name].is_null());
    }

    #[test]
    fn history_keeps_the_newest_games() {
        let mut random = Prng::new(2);
        let mut lobby = Lobby::new(3, false, &[]);
        let rounds: Vec<Round> = (0..5).map(|_| Round::new(&mut random, "20260101", 0)).collect();
        for round in &rounds {
            lobby.finish(round, 1);
        }
        assert_eq!(lobby.history.len(), 3);
        assert!(lobby.history[0].contains(&rounds[4].id));
    }
}
