//! Proven, differs, or unproven: one game's evidence against the path that its seed gives. Pure.
//!
//! A game is proven when the seed has every commitment that was recorded and reproduces every recorded price bit for
//! bit, whatever told it. One other value anywhere and it differs; the first difference is the one of the lowest tick.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, Origin, Place};
use crate::protocol::fairness::{self, GameVersion, PricePath};
use crate::store::proof::{StoredProof, runs};

/// Differences listed per game; more are counted.
const LISTED: usize = 20;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The seed reproduces everything recorded.
    Proven,
    /// Something recorded is not what the seed gives.
    Differs,
    /// It cannot be told.
    #[default]
    Unproven,
}

/// Why it cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// The seed was not recorded: the game runs, has just ended, or its history entry was missed.
    NoSeed,
    /// The game was played by rules that are not known here.
    UnknownVersion,
    /// No rules were recorded, and none of the known ones reproduces the prices.
    NoVersion,
    /// The seed is known, but no price was recorded that it could be compared with.
    NoPrices,
}

impl Unproven {
    /// For a reader: what is missing, and whether it can still come.
    pub fn explain(self) -> &'static str {
        match self {
            Unproven::NoSeed => {
                "its seed was not recorded; it is revealed in the next game's first packet and stays in the history for \
                 ten games"
            }
            Unproven::UnknownVersion => {
                "it was played by rules other than v1, v2 and v3, which cannot be recomputed"
            }
            Unproven::NoVersion => "its rules were not recorded, and none of v1, v2 and v3 gives its prices",
            Unproven::NoPrices => "its seed is known, but no price of it was recorded to compare",
        }
    }
}

/// What differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The price of a tick.
    Price,
    /// A price of a tick after the rug.
    AfterRug,
    /// A packet said `rugged` before the rug tick.
    RugTick,
    /// The price a rugged packet showed.
    RugPrice,
    /// The number of prices in the history entry.
    Length,
    /// The peak in the history entry.
    Peak,
    /// The seed does not have the published hash.
    SeedHash,
}

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
    /// v1, v2 or v3.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<String>,
    /// true: no version was recorded, this is the one that gives the prices.
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
    /// What differs, the lowest tick first; at most 20.
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
        Some(StoredProof {
            game_id: self.game_id.clone(),
            server_seed: self.server_seed.clone()?,
            version: self.version.clone()?,
            rug_tick: self.rug_tick?,
            peak: self.peak?,
            prices_compared: self.prices_compared,
            filled: if proven { self.unfilled() } else { Vec::new() },
            difference: self.differences.first().map(Difference::in_words),
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
    /// One line for a reader.
    pub fn in_words(&self) -> String {
        let what = match self.what {
            What::Price => "price",
            What::AfterRug => "price after the rug",
            What::RugTick => "tick of the rug",
            What::RugPrice => "price at the rug",
            What::Length => "number of prices",
            What::Peak => "peak",
            What::SeedHash => "hash of the seed",
        };
        let tick = self.tick.map_or_else(String::new, |tick| format!(" at tick {tick}"));
        let place = format!("{} {}:{}", self.from, self.session_id, self.seq);
        if self.computed.is_null() {
            return format!("{what}{tick}: recorded {} by {place}, the seed has none", self.recorded);
        }
        format!("{what}{tick}: recorded {} by {place}, the seed gives {}", self.recorded, self.computed)
    }
}

/// Compares everything recorded of a game with what its seed gives.
pub fn prove(game_id: &str, evidence: &Evidence) -> Proof {
    let mut proof = Proof {
        game_id: game_id.to_owned(),
        rug_tick: evidence.rug_tick(),
        rug_price_rule: evidence.complete_path().map(|path| fairness::has_rug_price(&path)),
        ticks_filled: evidence.filled.len() as u64,
        ..Proof::default()
    };
    proof.count_ticks(evidence);
    let hashes = hashes(evidence);
    let Some(seed) = seed(evidence, &hashes) else { return unproven(proof, Unproven::NoSeed) };
    proof.server_seed = Some(seed.to_owned());
    let hash = fairness::hash_seed(seed);
    proof.hash_matches = (!hashes.is_empty()).then(|| hashes.iter().all(|(known, ..)| *known == hash));
    let (version, inferred) = match version(game_id, seed, evidence) {
        Ok(version) => version,
        Err(why) => return unproven(proof, why),
    };
    let path = fairness::play(seed, game_id, version);
    let mut found = Found::default();
    for (known, origin, place) in &hashes {
        if *known != hash {
            found.add(None, What::SeedHash, (*known).into(), hash.as_str().into(), *origin, place);
        }
    }
    compare(evidence, &path, &mut found);
    proof.version = Some(version.to_string());
    proof.version_inferred = inferred;
    proof.rug_tick = u32::try_from(path.rug_tick).ok();
    proof.rug_price = path.prices.last().copied();
    proof.peak = Some(path.peak);
    proof.god_candles = path.god_candles.iter().filter_map(|tick| u32::try_from(*tick).ok()).collect();
    proof.prices_compared = found.compared;
    // Up to the rug as the seed has it.
    proof.count_ticks(evidence);
    if !evidence.has_prices() && found.list.is_empty() {
        return unproven(proof, Unproven::NoPrices);
    }
    found.list.sort_by_key(|difference| difference.tick.unwrap_or(0));
    proof.verdict = if found.list.is_empty() { Verdict::Proven } else { Verdict::Differs };
    proof.differences_total = found.list.len() as u64;
    found.list.truncate(LISTED);
    proof.differences = found.list;
    proof
}

fn unproven(proof: Proof, why: Unproven) -> Proof {
    Proof { verdict: Verdict::Unproven, why: Some(why), because: Some(why.explain().to_owned()), ..proof }
}

/// Every commitment with what told it.
fn hashes(evidence: &Evidence) -> Vec<(&str, Origin, &Place)> {
    let of_frames = evidence.hashes.iter().map(|(hash, place)| (hash.as_str(), Origin::Frame, place));
    let listed = evidence
        .histories
        .iter()
        .filter_map(|entry| entry.hash.as_deref().map(|hash| (hash, Origin::GameHistory, &entry.place)));
    of_frames.chain(listed).collect()
}

/// The seed: of several, the one that has the commitment.
fn seed<'e>(evidence: &'e Evidence, hashes: &[(&str, Origin, &Place)]) -> Option<&'e str> {
    let all: BTreeSet<&str> = evidence.histories.iter().filter_map(|entry| entry.seed.as_deref()).collect();
    if all.len() > 1 {
        let fits = |seed: &&&str| {
            let hash = fairness::hash_seed(seed);
            hashes.iter().any(|(known, ..)| *known == hash)
        };
        if let Some(seed) = all.iter().find(fits) {
            return Some(seed);
        }
    }
    all.first().copied()
}

/// The rules, and whether they had to be inferred.
fn version(game_id: &str, seed: &str, evidence: &Evidence) -> Result<(GameVersion, bool), Unproven> {
    let named: BTreeSet<&str> = evidence
        .histories
        .iter()
        .filter_map(|entry| entry.version.as_deref())
        .chain(evidence.versions.iter().map(String::as_str))
        .collect();
    if let Some(version) = named.iter().find_map(|name| name.parse().ok()) {
        return Ok((version, false));
    }
    if !named.is_empty() {
        return Err(Unproven::UnknownVersion);
    }
    if !evidence.has_prices() {
        return Err(Unproven::NoPrices);
    }
    let reproduces = |version: &GameVersion| {
        let mut found = Found::default();
        compare(evidence, &fairness::play(seed, game_id, *version), &mut found);
        found.list.is_empty()
    };
    let known = [GameVersion::V3, GameVersion::V2, GameVersion::V1];
    known.into_iter().find(reproduces).map(|version| (version, true)).ok_or(Unproven::NoVersion)
}

#[derive(Default)]
struct Found {
    compared: u64,
    list: Vec<Difference>,
}

impl Found {
    fn add(
        &mut self,
        tick: Option<u32>,
        what: What,
        recorded: serde_json::Value,
        computed: serde_json::Value,
        origin: Origin,
        place: &Place,
    ) {
        self.list.push(Difference {
            what,
            tick,
            recorded,
            computed,
            from: origin.as_str().to_owned(),
            session_id: place.session_id.to_string(),
            seq: place.seq,
        });
    }

    fn price(&mut self, path: &PricePath, tick: u32, price: f64, origin: Origin, place: &Place) {
        self.compared += 1;
        match path.prices.get(tick as usize) {
            Some(computed) if computed.to_bits() == price.to_bits() => {}
            Some(computed) => self.add(Some(tick), What::Price, price.into(), (*computed).into(), origin, place),
            None => {
                self.add(Some(tick), What::AfterRug, price.into(), serde_json::Value::Null, origin, place);
            }
        }
    }
}

fn compare(evidence: &Evidence, path: &PricePath, found: &mut Found) {
    for (session_id, session) in &evidence.sessions {
        let place = |seq| Place { session_id: session_id.clone(), seq };
        for told in session.told() {
            found.price(path, told.tick, told.price, told.origin, &place(told.seq));
        }
        let rug_price = path.prices.last().copied().unwrap_or_default();
        for rug in &session.rugs {
            found.compared += 1;
            if (rug.tick as usize) < path.rug_tick {
                let (recorded, computed) = (rug.tick.into(), path.rug_tick.into());
                found.add(Some(rug.tick), What::RugTick, recorded, computed, rug.origin, &place(rug.seq));
            }
            if rug.price.to_bits() != rug_price.to_bits() {
                let tick = u32::try_from(path.rug_tick).ok();
                found.add(tick, What::RugPrice, rug.price.into(), rug_price.into(), rug.origin, &place(rug.seq));
            }
        }
    }
    for entry in &evidence.histories {
        for (tick, price) in (0_u32..).zip(entry.prices.iter().take(path.prices.len())) {
            found.price(path, tick, *price, Origin::GameHistory, &entry.place);
        }
        if !entry.prices.is_empty() && entry.prices.len() != path.prices.len() {
            let tick = u32::try_from(entry.prices.len().min(path.prices.len())).ok();
            let (recorded, computed) = (entry.prices.len().into(), path.prices.len().into());
            found.add(tick, What::Length, recorded, computed, Origin::GameHistory, &entry.place);
        }
        if let Some(peak) = entry.peak.filter(|peak| peak.to_bits() != path.peak.to_bits()) {
            let tick = u32::try_from(path.rug_tick).ok();
            found.add(tick, What::Peak, peak.into(), path.peak.into(), Origin::GameHistory, &entry.place);
        }
    }
}

#[cfg(test)]
mod tests;
