//! Side bets of a game recomputed: what each bet must have come to, given the rug tick, against what was settled. Pure.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::sidebet;

/// Disagreements listed; more are counted.
const LISTED: usize = 20;

/// How far stake × payout may be from what was paid: amounts have nine decimals.
const NANO: f64 = 1e-9;

/// A side-bet record, as the view `sidebet` has it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Bet {
    /// Id of the record.
    pub sidebet_id: Option<String>,
    /// placed or payout.
    pub kind: Option<String>,
    /// First tick covered.
    pub start_tick: Option<i64>,
    /// Last tick covered.
    pub end_tick: Option<i64>,
    /// SOL.
    pub stake: Option<f64>,
    /// SOL paid.
    pub payout: Option<f64>,
    /// won or lost.
    pub outcome: Option<String>,
    /// From a live event. The game history repeats the bet under another id.
    pub live: bool,
    /// The session of the record.
    pub session_id: String,
    /// Its number there.
    pub seq: u64,
}

/// The bets of one game, recomputed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Recomputed {
    /// The rug tick they were recomputed with.
    pub rug_tick: i64,
    /// seed, or recorded where there is no proof.
    pub rug_tick_from: String,
    /// Settlements compared: each id once.
    pub settled: u64,
    /// Of them, those whose outcome and payout are as recomputed.
    pub agree: u64,
    /// Placements; their ids are others than those of the settlements.
    pub placed: u64,
    /// Of them, those that win by the rule.
    pub placed_winning: u64,
    /// Settlements that are not as recomputed; at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub differ: Vec<Differs>,
    /// How many there are.
    pub differ_total: u64,
}

/// A settlement that is not as recomputed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Differs {
    /// What is wrong: outcome, payout, or window.
    pub what: String,
    /// Id of the record.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sidebet_id: Option<String>,
    /// First tick covered.
    pub start_tick: i64,
    /// Last tick covered.
    pub end_tick: i64,
    /// As recorded: won or lost, or the SOL paid, or the ticks covered.
    pub recorded: serde_json::Value,
    /// As recomputed.
    pub computed: serde_json::Value,
    /// The session of the record.
    pub session_id: String,
    /// Its number there, for get_events.
    pub seq: u64,
}

/// Recomputes the bets of a game that rugged on `rug_tick`.
pub fn recompute(bets: &[Bet], rug_tick: i64, from: &str) -> Recomputed {
    let mut result = Recomputed { rug_tick, rug_tick_from: from.to_owned(), ..Recomputed::default() };
    // Live events count where the history was never seen; counting both would count bets twice.
    let listed = bets.iter().any(|bet| !bet.live);
    for bet in bets.iter().filter(|bet| !(listed && bet.live)) {
        let Some((start, end)) = bet.start_tick.zip(bet.end_tick) else { continue };
        let wins = sidebet::wins(end, rug_tick);
        let Some(outcome) = bet.outcome.as_deref() else {
            result.placed += 1;
            result.placed_winning += u64::from(wins);
            continue;
        };
        result.settled += 1;
        let differs = |what: &str, recorded: serde_json::Value, computed: serde_json::Value| Differs {
            what: what.to_owned(),
            sidebet_id: bet.sidebet_id.clone(),
            start_tick: start,
            end_tick: end,
            recorded,
            computed,
            session_id: bet.session_id.clone(),
            seq: bet.seq,
        };
        let computed = if wins { "won" } else { "lost" };
        let due = bet.stake.map(|stake| if wins { stake * sidebet::PAYOUT } else { 0.0 });
        let wrong = if outcome != computed {
            Some(differs("outcome", outcome.into(), computed.into()))
        } else if end - start != sidebet::WINDOW {
            Some(differs("window", (end - start).into(), sidebet::WINDOW.into()))
        } else {
            bet.payout
                .zip(due)
                .filter(|(paid, due)| (paid - due).abs() > NANO)
                .map(|(paid, due)| differs("payout", paid.into(), due.into()))
        };
        match wrong {
            None => result.agree += 1,
            Some(differs) => {
                result.differ_total += 1;
                if result.differ.len() < LISTED {
                    result.differ.push(differs);
                }
            }
        }
    }
    result
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;

    fn settled(start: i64, outcome: &str, payout: f64) -> Bet {
        Bet {
            kind: Some("payout".into()),
            start_tick: Some(start),
            end_tick: Some(start + 40),
            stake: Some(0.1),
            payout: Some(payout),
            outcome: Some(outcome.into()),
            ..Bet::default()
        }
    }

    #[test]
    fn the_rug_on_the_last_tick_wins_and_one_later_loses() {
        let bets = [settled(60, "won", 0.5), settled(59, "lost", 0.0)];
        let result = recompute(&bets, 100, "seed");
        assert_eq!((result.settled, result.agree, result.differ_total), (2, 2, 0));
    }

    #[test]
    fn a_settlement_against_the_rule_is_told_with_both_values() {
        let bets = [settled(60, "lost", 0.0), settled(60, "won", 0.4)];
        let result = recompute(&bets, 100, "seed");
        assert_eq!((result.agree, result.differ_total), (0, 2));
        assert_eq!(result.differ[0].what, "outcome");
        assert_eq!((&result.differ[0].recorded, &result.differ[0].computed), (&"lost".into(), &"won".into()));
        assert_eq!((result.differ[1].what.as_str(), &result.differ[1].recorded), ("payout", &0.4.into()));
    }

    #[test]
    fn what_the_history_repeats_of_a_live_bet_counts_once() {
        let live = Bet { live: true, ..settled(60, "won", 0.5) };
        assert_eq!(recompute(&[live.clone(), settled(60, "won", 0.5)], 100, "seed").settled, 1);
        assert_eq!(recompute(&[live], 100, "seed").settled, 1);
    }

    #[test]
    fn a_window_of_another_length_is_told() {
        let bet = Bet { end_tick: Some(99), ..settled(60, "lost", 0.0) };
        assert_eq!(recompute(&[bet], 100, "seed").differ[0].what, "window");
    }

    #[test]
    fn a_placement_has_no_outcome_of_its_own() {
        let placed = Bet { outcome: None, payout: None, kind: Some("placed".into()), ..settled(70, "", 0.0) };
        let result = recompute(&[placed], 100, "recorded");
        assert_eq!((result.settled, result.placed, result.placed_winning), (0, 1, 1));
    }
}
