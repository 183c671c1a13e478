//! One game's proof: what was recorded of it ([`Evidence`]) put before [`judge`], and what a reader wants to know beside
//! the verdict. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Origin};
use crate::protocol::fairness;
use crate::protocol::fairness::verdict::{Claim, Contradiction, Recorded, judge};
use crate::store::proof::{self, StoredProof, runs};

pub use crate::protocol::fairness::verdict::{Unproven, Verdict, What};

/// Differences listed per game; more are counted.
const LISTED: usize = 20;

/// One recorded value that the seed does not give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What differs.
    pub what: What,
    /// The tick, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tick: Option<u32>,
    /// What was recorded: a number, or the hash.
    pub recorded: serde_json::Value,
    /// What the seed gives; absent after the rug.
    #[serde(skip_serializing_if = "serde_json::Value::is_null", default)]
    pub computed: serde_json::Value,
    /// What told the recorded value: frame, recording, partial_prices, connect_snapshot, game_history.
    pub from: String,
    /// The session of the record that holds it.
    pub session_id: String,
    /// Its number there, for get_events.
    pub seq: u64,
}

/// One game's proof.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// The game.
    pub game_id: String,
    /// proven, differs or unproven.
    pub verdict: Verdict,
    /// Why it is unproven.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Unproven>,
    /// The same in words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub because: Option<String>,
    /// The revealed seed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_seed: Option<String>,
    /// Whether the seed has the hash that was published before the game; absent when no hash was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hash_matches: Option<bool>,
    /// v1, v2 or v3: the rules that contradict the fewest prices.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// true: no label names this version, the prices chose it: it is the one that contradicts fewest of them.
    #[serde(skip_serializing_if = "is_false", default)]
    pub version_inferred: bool,
    /// By the seed: tick of the rug. Without a seed: as recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_tick: Option<u32>,
    /// By the seed: price at the rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_price: Option<f64>,
    /// By the seed: highest price, the initial 1 included.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak: Option<f64>,
    /// By the seed: ticks whose price is exactly ten times the one before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub god_candles: Vec<u32>,
    /// Recorded prices that were compared.
    pub prices_compared: u64,
    /// Different ticks that were recorded with their price, the rug included; what is counted on after the rug is not
    /// among them.
    pub ticks_recorded: u64,
    /// Ticks up to the rug that were not, before any repair (tick 0 is 1 in every game: a recording from tick 1 on does not miss
    /// it); absent where the rug tick is unknown or no tick was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticks_missing: Option<u64>,
    /// Whether tick 0 is the one that is not counted as missing. Filled it is all the same.
    #[serde(skip)]
    pub from_one: bool,
    /// These, as runs [from, to].
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub missing: Vec<(u32, u32)>,
    /// Of those, ticks that are in game_tick with tick_source = seed.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub ticks_filled: u64,
    /// Whether the recorded rug price is min(earlier) × (1 − 0.98) bit for bit; absent unless every price was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_price_rule: Option<bool>,
    /// What was recorded otherwise than the seed gives it, the lowest tick first; at most 20. Of a proven game: what was
    /// announced beside its prices and contradicts them, the peak or the version label.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub differences: Vec<Difference>,
    /// How many there are.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub differences_total: u64,
}

fn is_false(value: &bool) -> bool {
    !*value
}

fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl Proof {
    /// What the recorder stores of it; `None` when there is nothing to store.
    pub fn to_store(&self) -> Option<StoredProof> {
        if self.verdict == Verdict::Unproven {
            return None;
        }
        let proven = self.verdict == Verdict::Proven;
        let mut words = self.differences.iter().map(Difference::in_words);
        Some(StoredProof {
            game_id: self.game_id.clone(),
            server_seed: self.server_seed.clone()?,
            version: self.version.clone()?,
            rug_tick: self.rug_tick?,
            peak: self.peak?,
            prices_compared: self.prices_compared,
            filled: if proven { self.unfilled() } else { Vec::new() },
            difference: if proven { None } else { words.next() },
            contradictions: words.take(proof::CONTRADICTIONS).collect(),
            revision: proof::REVISION,
        })
    }

    /// Every price of a proven game, from tick 0 to the rug.
    pub fn path(&self) -> Option<Vec<f64>> {
        let version = self.version.as_deref()?.parse().ok()?;
        let proven = self.verdict == Verdict::Proven;
        let seed = self.server_seed.as_deref().filter(|_| proven)?;
        Some(fairness::play(seed, &self.game_id, version).prices)
    }

    /// Which of the ticks up to the rug were recorded.
    fn count_ticks(&mut self, evidence: &Evidence) {
        let recorded = evidence.recorded(self.rug_tick);
        self.ticks_recorded = recorded.len() as u64;
        let Some(rug_tick) = self.rug_tick.filter(|_| !recorded.is_empty()) else {
            // Of a game that was not recorded nothing was missed.
            (self.missing, self.ticks_missing) = (Vec::new(), None);
            return;
        };
        // As the record of the game counts: tick 0 is 1 in every game, and a recording from tick 1 on does not miss it.
        self.from_one = !recorded.contains(&0) && recorded.contains(&1);
        let first = u32::from(self.from_one);
        self.missing = runs((first..=rug_tick).filter(|tick| !recorded.contains(tick)));
        self.ticks_missing = Some(self.missing.iter().map(|(from, to)| u64::from(to - from) + 1).sum());
    }

    fn unfilled(&self) -> Vec<(u32, u32)> {
        // A game whose ticks were filled once is not filled again, and one of which no tick was recorded (known from the
        // history alone) is not made to look as if it had been.
        if self.ticks_filled > 0 || self.ticks_recorded == 0 {
            return Vec::new();
        }
        let start = if self.from_one { vec![(0, 0)] } else { Vec::new() };
        start.into_iter().chain(self.missing.iter().copied()).collect()
    }
}

impl Difference {
    fn of(found: Contradiction<By<'_>>) -> Difference {
        let (origin, session_id, seq) = found.by;
        Difference {
            what: found.what,
            tick: found.tick,
            recorded: found.recorded,
            computed: found.computed,
            from: origin.as_str().to_owned(),
            session_id: session_id.to_string(),
            seq,
        }
    }

    /// One line for a reader.
    pub fn in_words(&self) -> String {
        let what = self.what.in_words();
        let tick = self.tick.filter(|_| self.what != What::Peak);
        let tick = tick.map_or_else(String::new, |tick| format!(" at tick {tick}"));
        let place = format!("{} {}:{}", self.from, self.session_id, self.seq);
        match self.what {
            _ if self.computed.is_null() => {
                format!("{what}{tick}: recorded {} by {place}, the seed has none", self.recorded)
            }
            What::Version => {
                format!("{what}: recorded {} by {place}, the prices are those of {}", self.recorded, self.computed)
            }
            _ => format!("{what}{tick}: recorded {} by {place}, the seed gives {}", self.recorded, self.computed),
        }
    }
}

/// Where something was recorded: what told it, the session, the number of the frame in it.
type By<'e> = (Origin, &'e Arc<str>, u64);

/// Compares everything recorded of a game with what its seed gives.
pub fn prove(game_id: &str, evidence: &Evidence) -> Proof {
    let mut proof = Proof {
        game_id: game_id.to_owned(),
        rug_tick: evidence.rug_tick(),
        rug_price_rule: evidence.complete_path().map(|path| fairness::has_rug_price(&path)),
        ticks_filled: evidence.filled.len() as u64,
        ..Proof::default()
    };
    let claims = claims(evidence);
    let seed = seed(evidence, &claims);
    let judgement = judge(game_id, seed, &claims);
    proof.server_seed = seed.map(str::to_owned);
    proof.verdict = judgement.verdict;
    proof.why = judgement.why;
    proof.because = judgement.why.map(|why| why.explain().to_owned());
    proof.hash_matches = judgement.hash_matches;
    proof.version = judgement.version.map(|version| version.to_string());
    proof.version_inferred = judgement.inferred;
    proof.prices_compared = judgement.compared;
    if let Some(path) = judgement.path {
        proof.rug_tick = u32::try_from(path.rug_tick).ok();
        proof.rug_price = path.prices.last().copied();
        proof.peak = Some(path.peak);
        proof.god_candles = path.god_candles.iter().filter_map(|tick| u32::try_from(*tick).ok()).collect();
    }
    // Up to the rug as the seed has it, where it is known.
    proof.count_ticks(evidence);
    proof.differences_total = judgement.contradictions.len() as u64;
    proof.differences = judgement.contradictions.into_iter().take(LISTED).map(Difference::of).collect();
    proof
}

/// Everything recorded, each with its place.
fn claims(evidence: &Evidence) -> Vec<Recorded<'_, By<'_>>> {
    let mut claims = Vec::new();
    for (session_id, session) in &evidence.sessions {
        claims.extend(session.told().map(|told| {
            let claim = Claim::Price { tick: told.tick, price: told.price };
            Recorded { claim, by: (told.origin, session_id, told.seq) }
        }));
        claims.extend(session.rugs.iter().map(|rug| {
            let claim = Claim::Rug { tick: rug.tick, price: rug.price };
            Recorded { claim, by: (rug.origin, session_id, rug.seq) }
        }));
    }
    for entry in &evidence.histories {
        let by = (Origin::GameHistory, &entry.place.session_id, entry.place.seq);
        let peak = entry.peak.map(Claim::Peak);
        let hash = entry.hash.as_deref().map(Claim::Hash);
        let version = entry.version.as_deref().map(Claim::Version);
        let all = [Some(Claim::Path(&entry.prices)), peak, hash, version];
        claims.extend(all.into_iter().flatten().map(|claim| Recorded { claim, by }));
    }
    for (hash, place) in &evidence.hashes {
        claims.push(Recorded { claim: Claim::Hash(hash), by: (Origin::Frame, &place.session_id, place.seq) });
    }
    for (version, place) in &evidence.versions {
        claims
            .push(Recorded { claim: Claim::Version(version), by: (Origin::Frame, &place.session_id, place.seq) });
    }
    claims
}

/// The seed: of several, the one that has the commitment.
fn seed<'e>(evidence: &'e Evidence, claims: &[Recorded<'_, By<'_>>]) -> Option<&'e str> {
    let all: BTreeSet<&str> = evidence.histories.iter().filter_map(|entry| entry.seed.as_deref()).collect();
    if all.len() > 1 {
        let fits = |seed: &&&str| {
            let hash = fairness::hash_seed(seed);
            claims.iter().any(|recorded| recorded.claim == Claim::Hash(&hash))
        };
        if let Some(seed) = all.iter().find(fits) {
            return Some(seed);
        }
    }
    all.first().copied()
}

#[cfg(test)]
mod tests;
