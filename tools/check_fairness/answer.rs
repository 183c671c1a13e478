//! The answer: counts first, then what an agent has to look at, cut to size.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::select::Selected;
use super::{Args, Detail};
use crate::replay::proof::audit::Audit;
use crate::replay::proof::check::Checked;
use crate::replay::proof::god_candles::Attributed;
use crate::replay::proof::sidebets::Recomputed;
use crate::replay::proof::verdict::{Proof, Unproven, Verdict};
use crate::tools::get_game::GameRow;

/// Sessions of an audit that are listed.
pub const SESSIONS: usize = 40;

/// Games that differ, told in full; lines per game; records of god candles.
const DIFFERING: usize = 20;
const LINES: usize = 150;
const RECORDS: usize = 20;

/// Differences per game unless all are asked for.
const FEW: usize = 3;

/// What came of it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// How many games came to what. Of one game: what it came to.
    pub summary: Summary,
    /// The game asked for, in full.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game: Option<Proof>,
    /// What all recordings of that game come to, as get_game says it. Where it differs from what stands in game, that is by
    /// the seed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub record: Option<GameRow>,
    /// Games that differ from their seed, and proven ones whose announced peak or version label contradicts their prices;
    /// at most 20.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub differing: Vec<Proof>,
    /// One line per game, with detail = games or differences; at most 150.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub games: Vec<Line>,
    /// Side bets of these games recomputed; rug_tick stands for one game only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sidebets: Option<Bets>,
    /// The day's god-candle records that packets of these games showed, each with the game that had the candle.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub god_candle_records: Vec<Attributed>,
    /// The capture audit, over the games of this answer. At most 40 sessions are listed, those that lost most (ticks
    /// unknown while they ran) first, then those with most ticks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub audit: Option<Audit>,
    /// Sessions of the audit that are not listed; session_id shows one. The totals count them.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub audit_sessions_left_out: u64,
    /// Whether there are more games, or something was cut.
    pub truncated: bool,
    /// Give this as `before` to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// What to call next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// Games looked at.
    pub games: u64,
    /// The seed gives every recorded price.
    pub proven: u64,
    /// Of those, games whose announced peak or version label contradicts the prices.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub proven_but_contradicted: u64,
    /// A recorded price is not what the seed gives, or the seed is not the one that was committed to.
    pub differs: u64,
    /// It cannot be decided.
    pub unproven: u64,
    /// Why not, with counts: no_seed, unknown_version, no_prices.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub unproven_why: BTreeMap<Unproven, u64>,
    /// Recorded prices that were compared with a seed.
    pub prices_compared: u64,
    /// Games with every price recorded whose rug price is min(earlier) × (1 − 0.98) bit for bit; needs no seed.
    pub rug_price_rule_holds: u64,
    /// Those whose rug price is not.
    pub rug_price_rule_broken: u64,
}

/// One game in a line.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The game.
    pub game_id: String,
    /// proven, differs or unproven.
    pub verdict: Verdict,
    /// Why it is unproven.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Unproven>,
    /// Tick of the rug, where known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_tick: Option<u32>,
    /// Different ticks that were recorded with their price, up to the rug.
    pub ticks_recorded: u64,
    /// Ticks from 0 to the rug that were not; absent where the rug tick is unknown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticks_missing: Option<u64>,
    /// Prices compared.
    pub prices_compared: u64,
}

/// Side bets of some games.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
pub struct Bets {
    /// Games with side bets.
    pub games: u64,
    /// Settlements compared.
    pub settled: u64,
    /// As recomputed.
    pub agree: u64,
    /// Not as recomputed.
    pub differ: u64,
    /// Games with such bets and what they are; at most 5.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub differing: BTreeMap<String, Recomputed>,
    /// Of one game: all of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game: Option<Recomputed>,
}

/// Puts the answer together.
pub(super) fn answer(args: &Args, selected: Selected, checked: Checked) -> Output {
    let looked = checked.proofs.len();
    let mut truncated = selected.more || checked.stopped;
    let before =
        if truncated { looked.checked_sub(1).and_then(|last| selected.places.get(last)).cloned() } else { None };
    let summary = Summary::of(&checked.proofs);
    let detail = args.detail.unwrap_or_default();
    let mut output =
        Output { as_of: selected.as_of, sidebets: bets(args, &checked.sidebets), ..Output::default() };
    if args.game_id.is_some() {
        output.game = checked.proofs.into_iter().next();
    } else {
        if detail != Detail::Summary {
            truncated |= checked.proofs.len() > LINES;
            output.games = checked.proofs.iter().take(LINES).map(Line::of).collect();
        }
        let differing: Vec<Proof> =
            checked.proofs.into_iter().filter(|proof| proof.differences_total > 0).collect();
        truncated |= differing.len() > DIFFERING;
        output.differing = differing.into_iter().take(DIFFERING).map(|proof| shortened(proof, detail)).collect();
    }
    let mut records = checked.god_candles;
    records.truncate(RECORDS);
    output.god_candle_records = records;
    let mut left_out = Vec::new();
    output.audit = checked.audit.map(|mut audit| {
        left_out = audit.keep_worst(if args.all_sessions { usize::MAX } else { SESSIONS });
        audit
    });
    truncated |= !left_out.is_empty();
    output.audit_sessions_left_out = left_out.len() as u64;
    let steps = [
        next(args, &summary, output.differing.first(), before.as_deref()),
        left_out.first().map(|session| {
            format!(
                r#"{} more sessions of the audit: check_fairness {{"session_id": "{}", "audit": true}} shows one, query_sql {{"sql": "SELECT session_id, first_ts, games FROM session ORDER BY first_ts DESC"}} names them"#,
                left_out.len(),
                session.session_id
            )
        }),
    ];
    output.next = steps.into_iter().flatten().reduce(|first, second| format!("{first}; {second}"));
    Output { summary, truncated, before, ..output }
}

impl Summary {
    /// Counts proofs.
    pub fn of(proofs: &[Proof]) -> Summary {
        let mut summary = Summary { games: proofs.len() as u64, ..Summary::default() };
        for proof in proofs {
            *match proof.verdict {
                Verdict::Proven => &mut summary.proven,
                Verdict::Differs => &mut summary.differs,
                Verdict::Unproven => &mut summary.unproven,
            } += 1;
            let contradicted = proof.verdict == Verdict::Proven && proof.differences_total > 0;
            summary.proven_but_contradicted += u64::from(contradicted);
            if let Some(why) = proof.why {
                *summary.unproven_why.entry(why).or_default() += 1;
            }
            summary.prices_compared += proof.prices_compared;
            match proof.rug_price_rule {
                Some(true) => summary.rug_price_rule_holds += 1,
                Some(false) => summary.rug_price_rule_broken += 1,
                None => {}
            }
        }
        summary
    }
}

impl Line {
    fn of(proof: &Proof) -> Line {
        Line {
            game_id: proof.game_id.clone(),
            verdict: proof.verdict,
            why: proof.why,
            rug_tick: proof.rug_tick,
            ticks_recorded: proof.ticks_recorded,
            ticks_missing: proof.ticks_missing,
            prices_compared: proof.prices_compared,
        }
    }
}

fn shortened(mut proof: Proof, detail: Detail) -> Proof {
    if detail != Detail::Differences {
        proof.differences.truncate(FEW);
        proof.missing.truncate(RECORDS);
    }
    proof
}

fn bets(args: &Args, all: &BTreeMap<String, Recomputed>) -> Option<Bets> {
    if all.is_empty() {
        return None;
    }
    let mut bets = Bets { games: all.len() as u64, ..Bets::default() };
    for (id, recomputed) in all {
        bets.settled += recomputed.settled;
        bets.agree += recomputed.agree;
        bets.differ += recomputed.differ_total;
        if recomputed.differ_total > 0 && bets.differing.len() < 5 && args.game_id.is_none() {
            let mut few = recomputed.clone();
            few.differ.truncate(FEW);
            bets.differing.insert(id.clone(), few);
        }
    }
    bets.game = all.values().next().filter(|_| args.game_id.is_some()).cloned();
    Some(bets)
}

fn next(args: &Args, summary: &Summary, differing: Option<&Proof>, before: Option<&str>) -> Option<String> {
    if let Some(before) = before {
        let audit = if args.audit == Some(true) { r#", "audit": true"# } else { "" };
        return Some(format!(r#"check_fairness {{"before": "{before}"{audit}}} with the same filter goes on"#));
    }
    if let Some(proof) = differing {
        return Some(format!(
            r#"check_fairness {{"game_id": "{}"}} tells all of a game that something contradicts"#,
            proof.game_id
        ));
    }
    (summary.games == 0).then(|| r#"no game passes the filter: get_game {"limit": 5} lists the newest"#.to_owned())
}
