//! The verdict on a game: everything recorded of it against what its seed gives. Pure, and the only place where it is
//! decided: the row of a history entry, the stored proof, live state, the fairness check and the verification of marks
//! all ask here, so that they cannot disagree.
//!
//! What was recorded comes as [`Claim`]s, each with whatever the caller wants to know of where it is from. The rules
//! (v1, v2 or v3) are those that contradict the fewest prices: a label is a claim like any other, and many old
//! recordings have none. A game **differs** when a price contradicts its seed, or the seed contradicts the commitment.
//! Where every price agrees, it is **proven**, also when something that was only announced (the peak, the label)
//! contradicts: that is listed with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{GameVersion, PricePath, hash_seed, play};

#[cfg(test)]
mod tests;

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The seed gives every recorded price. What was announced beside the prices may contradict it nevertheless.
    Proven,
    /// A recorded price is not what the seed gives, or the seed is not the one that was committed to.
    Differs,
    /// It cannot be decided.
    #[default]
    Unproven,
}

/// Why it cannot be decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unproven {
    /// The seed was not recorded: the game runs, has just ended, or its history entry was missed.
    NoSeed,
    /// The game was played by rules that are not known here.
    UnknownVersion,
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
            Unproven::NoPrices => "its seed is known, but no price of it was recorded to compare",
        }
    }
}

/// What contradicts the seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
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
    /// The version label: the prices follow other rules than those it names.
    Version,
}

impl What {
    /// In words, for a line.
    pub fn in_words(self) -> &'static str {
        match self {
            What::Price => "price",
            What::AfterRug => "price after the rug",
            What::RugTick => "tick of the rug",
            What::RugPrice => "price at the rug",
            What::Length => "number of ticks",
            What::Peak => "announced peak",
            What::SeedHash => "hash of the seed",
            What::Version => "version label",
        }
    }

    /// Whether the prices are not proven where this contradicts. The peak and the label are words beside the prices.
    pub fn is_decisive(self) -> bool {
        !matches!(self, What::Peak | What::Version)
    }
}

/// One thing that was recorded of a game.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Claim<'a> {
    /// The multiplier of a tick of the running game.
    Price {
        /// The tick.
        tick: u32,
        /// Its multiplier.
        price: f64,
    },
    /// A packet that said `rugged`.
    Rug {
        /// The tick it named; it may have run on behind the true one.
        tick: u32,
        /// The multiplier it showed.
        price: f64,
    },
    /// Every multiplier from tick 0 to the rug, as a history entry lists them; empty where it lists none.
    Path(&'a [f64]),
    /// `peakMultiplier` of a history entry.
    Peak(f64),
    /// `serverSeedHash`: the commitment.
    Hash(&'a str),
    /// The rules, as the wire names them.
    Version(&'a str),
}

/// A claim and where it is from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Recorded<'a, P> {
    /// What was recorded.
    pub claim: Claim<'a>,
    /// Where, for the caller.
    pub by: P,
}

/// One recorded value that is not what the seed gives.
#[derive(Debug, Clone, PartialEq)]
pub struct Contradiction<P> {
    /// What contradicts.
    pub what: What,
    /// The tick, where it is about one.
    pub tick: Option<u32>,
    /// What was recorded: a number or a text.
    pub recorded: Value,
    /// What the seed gives; null after the rug.
    pub computed: Value,
    /// Where it was recorded.
    pub by: P,
}

/// The verdict and what it rests on.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement<P> {
    /// Proven, differs or unproven.
    pub verdict: Verdict,
    /// Why it is unproven.
    pub why: Option<Unproven>,
    /// The rules that the prices were compared by; `None` where no rules could be chosen.
    pub version: Option<GameVersion>,
    /// Whether no label names these rules, so that the prices alone chose them.
    pub inferred: bool,
    /// What the seed gives by these rules.
    pub path: Option<PricePath>,
    /// Whether the seed has every recorded commitment; `None` where none was recorded.
    pub hash_matches: Option<bool>,
    /// Recorded prices that were compared.
    pub compared: u64,
    /// What contradicts, the lowest tick first.
    pub contradictions: Vec<Contradiction<P>>,
}

impl<P> Judgement<P> {
    fn unproven(why: Unproven) -> Judgement<P> {
        Judgement {
            verdict: Verdict::Unproven,
            why: Some(why),
            version: None,
            inferred: false,
            path: None,
            hash_matches: None,
            compared: 0,
            contradictions: Vec::new(),
        }
    }
}

/// In the order in which they are preferred where the prices do not decide.
const VERSIONS: [GameVersion; 3] = [GameVersion::V3, GameVersion::V2, GameVersion::V1];

/// Compares everything recorded of a game with what its seed gives.
pub fn judge<P: Copy>(game_id: &str, seed: Option<&str>, recorded: &[Recorded<'_, P>]) -> Judgement<P> {
    let Some(seed) = seed else { return Judgement::unproven(Unproven::NoSeed) };
    let mut judgement = Judgement::unproven(Unproven::NoPrices);
    compare_hashes(seed, recorded, &mut judgement);
    if let Some(fit) = choose(game_id, seed, recorded) {
        let Fit { version, path, tally, named } = fit;
        judgement.compared = tally.compared;
        judgement.version = Some(version);
        judgement.inferred = !named;
        compare(recorded, &path, |found| judgement.contradictions.push(found));
        let alike = |other| play(seed, game_id, other).prices == path.prices;
        compare_labels(recorded, version, alike, &mut judgement.contradictions);
        judgement.path = Some(path);
        judgement.contradictions.sort_by_key(|found| found.tick.unwrap_or(0));
        if tally.compared > 0 {
            judgement.verdict = Verdict::Proven;
            judgement.why = None;
        }
    } else if labels(recorded).next().is_some() && has_prices(recorded) {
        judgement.why = Some(Unproven::UnknownVersion);
    }
    // Without any price nothing is proven, and a peak that contradicts is all there is.
    let decides = |found: &Contradiction<P>| {
        found.what.is_decisive() || (judgement.compared == 0 && found.what == What::Peak)
    };
    if judgement.contradictions.iter().any(decides) {
        judgement.verdict = Verdict::Differs;
        judgement.why = None;
    }
    judgement
}

/// Rules, and how well they fit.
struct Fit {
    version: GameVersion,
    path: PricePath,
    tally: Tally,
    /// Whether a label names them.
    named: bool,
}

/// The rules that contradict the fewest prices. Of equals those that contradict no announced peak, then those that a
/// label names, then the newest. `None` where nothing chooses any: no label and nothing to compare, or a label of
/// unknown rules and prices that no known rules explain.
fn choose<P: Copy>(game_id: &str, seed: &str, recorded: &[Recorded<'_, P>]) -> Option<Fit> {
    let named: Vec<GameVersion> = labels(recorded).filter_map(|label| label.parse().ok()).collect();
    let is_unknown = named.is_empty() && labels(recorded).next().is_some();
    let mut order = VERSIONS;
    order.sort_by_key(|version| !named.contains(version));
    let mut best: Option<Fit> = None;
    for version in order {
        let path = play(seed, game_id, version);
        let fit = Fit { tally: tally(recorded, &path), named: named.contains(&version), version, path };
        if best.as_ref().is_none_or(|best| fit.tally.cost() < best.tally.cost()) {
            best = Some(fit);
        }
        if best.as_ref().is_some_and(|best| best.tally.cost() == (0, 0)) {
            break;
        }
    }
    let chosen = best.filter(|fit| fit.named || fit.tally.is_telling)?;
    (!is_unknown || chosen.tally.is_explained()).then_some(chosen)
}

fn labels<'a, P>(recorded: &[Recorded<'a, P>]) -> impl Iterator<Item = &'a str> {
    recorded.iter().filter_map(|recorded| match recorded.claim {
        Claim::Version(label) => Some(label),
        _ => None,
    })
}

fn has_prices<P>(recorded: &[Recorded<'_, P>]) -> bool {
    recorded.iter().any(|recorded| match recorded.claim {
        Claim::Price { .. } | Claim::Rug { .. } => true,
        Claim::Path(prices) => !prices.is_empty(),
        _ => false,
    })
}

/// How far some rules fit.
#[derive(Default)]
struct Tally {
    compared: u64,
    prices: u64,
    peaks: u64,
    /// Whether anything was compared that rules can differ in: tick 0 is 1 by all of them.
    is_telling: bool,
    /// The lowest tick that contradicts, and the highest that agrees.
    first_wrong: Option<u32>,
    last_right: Option<u32>,
}

impl Tally {
    fn cost(&self) -> (u64, u64) {
        (self.prices, self.peaks)
    }

    /// Whether the prices are of these rules although some may contradict: a price follows from all before it, so one
    /// that agrees behind one that does not cannot come from other rules.
    fn is_explained(&self) -> bool {
        match (self.first_wrong, self.last_right) {
            (Some(wrong), Some(right)) => right > wrong,
            (None, Some(right)) => self.prices == 0 && right > 0,
            (_, None) => false,
        }
    }
}

fn tally<P: Copy>(recorded: &[Recorded<'_, P>], path: &PricePath) -> Tally {
    let mut tally = Tally::default();
    let last = path.rug_tick as u32;
    let price = |tally: &mut Tally, tick: u32, price: f64| {
        tally.compared += 1;
        tally.is_telling |= tick > 0;
        if path.prices.get(tick as usize).is_some_and(|computed| computed.to_bits() == price.to_bits()) {
            tally.last_right = tally.last_right.max(Some(tick).filter(|tick| *tick < last));
        } else if tally.first_wrong.is_none_or(|wrong| tick < wrong) {
            tally.first_wrong = Some(tick);
        }
    };
    for Recorded { claim, .. } in recorded {
        match *claim {
            Claim::Price { tick, price: recorded } => price(&mut tally, tick, recorded),
            Claim::Rug { .. } => {
                tally.compared += 1;
                tally.is_telling = true;
            }
            Claim::Path(prices) => {
                let listed = (0_u32..).zip(prices.iter().take(path.prices.len()));
                listed.for_each(|(tick, recorded)| price(&mut tally, tick, *recorded));
            }
            Claim::Peak(_) => tally.is_telling = true,
            Claim::Hash(_) | Claim::Version(_) => {}
        }
    }
    compare(recorded, path, |found| {
        *if found.what.is_decisive() { &mut tally.prices } else { &mut tally.peaks } += 1;
    });
    tally
}

/// Everything that follows from the path, against it.
fn compare<P: Copy>(recorded: &[Recorded<'_, P>], path: &PricePath, mut found: impl FnMut(Contradiction<P>)) {
    let rug_tick = u32::try_from(path.rug_tick).ok();
    let rug_price = path.prices.last().copied().unwrap_or_default();
    for Recorded { claim, by } in recorded {
        let mut add = |what, tick, recorded, computed| {
            found(Contradiction { what, tick, recorded, computed, by: *by });
        };
        match *claim {
            Claim::Price { tick, price } => match path.prices.get(tick as usize) {
                Some(computed) if computed.to_bits() == price.to_bits() => {}
                Some(computed) => add(What::Price, Some(tick), price.into(), (*computed).into()),
                None => add(What::AfterRug, Some(tick), price.into(), Value::Null),
            },
            Claim::Rug { tick, price } => {
                if (tick as usize) < path.rug_tick {
                    add(What::RugTick, Some(tick), tick.into(), path.rug_tick.into());
                }
                if price.to_bits() != rug_price.to_bits() {
                    add(What::RugPrice, rug_tick, price.into(), rug_price.into());
                }
            }
            Claim::Path(prices) => {
                for (tick, (price, computed)) in (0_u32..).zip(prices.iter().zip(&path.prices)) {
                    if price.to_bits() != computed.to_bits() {
                        add(What::Price, Some(tick), (*price).into(), (*computed).into());
                    }
                }
                if !prices.is_empty() && prices.len() != path.prices.len() {
                    let tick = u32::try_from(prices.len().min(path.prices.len())).ok();
                    add(What::Length, tick, prices.len().into(), path.prices.len().into());
                }
            }
            Claim::Peak(peak) if peak.to_bits() != path.peak.to_bits() => {
                add(What::Peak, rug_tick, peak.into(), path.peak.into());
            }
            Claim::Peak(_) | Claim::Hash(_) | Claim::Version(_) => {}
        }
    }
}

/// Labels that name other rules than `version`. Rules that play this game `alike` cannot be told apart by it.
fn compare_labels<P: Copy>(
    recorded: &[Recorded<'_, P>],
    version: GameVersion,
    alike: impl Fn(GameVersion) -> bool,
    found: &mut Vec<Contradiction<P>>,
) {
    for Recorded { claim, by } in recorded {
        let Claim::Version(label) = *claim else { continue };
        let fits = label.parse().is_ok_and(|named| named == version || alike(named));
        if !fits {
            let (recorded, computed) = (label.into(), version.as_str().into());
            found.push(Contradiction { what: What::Version, tick: None, recorded, computed, by: *by });
        }
    }
}

fn compare_hashes<P: Copy>(seed: &str, recorded: &[Recorded<'_, P>], judgement: &mut Judgement<P>) {
    let hash = hash_seed(seed);
    for Recorded { claim, by } in recorded {
        let Claim::Hash(known) = *claim else { continue };
        let fits = known == hash;
        judgement.hash_matches = Some(fits && judgement.hash_matches.unwrap_or(true));
        if !fits {
            let (recorded, computed) = (known.into(), hash.as_str().into());
            let contradiction = Contradiction { what: What::SeedHash, tick: None, recorded, computed, by: *by };
            judgement.contradictions.push(contradiction);
        }
    }
}
