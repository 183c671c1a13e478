//! One game as the captured packets tell it: phase, prices and where each came from, the rug.
//!
//! A game never goes back: a packet that arrives late (a full packet after smaller, later ones) may still fill
//! prices, but changes neither phase nor tick.

use std::sync::Arc;

use super::event::{At, GameId};
use super::fact::Tick;
use super::note::Disagreement;
use super::prices::{Prices, TickSource};
use crate::protocol::fairness::GameVersion;
use crate::protocol::fairness::verdict::{Claim, Recorded, Verdict, judge};
use crate::protocol::phase::Phase;

/// How far a game went; never goes back.
fn rank(phase: Phase) -> u8 {
    match phase {
        Phase::Cooldown => 0,
        Phase::Presale => 1,
        Phase::Active => 2,
        Phase::Rugged => 3,
    }
}

/// The pace of the ticks.
const TICK_US: i64 = 250_000;
/// Twice the pause between a rug and the next game's tick 0, less what the clocks may differ.
const TWO_PAUSES_US: i64 = 28_000_000;

/// The price at the rug is 2 % of the lowest one; no other tick falls by more than a quarter.
const RUG_SHARE: f64 = 0.05;

/// One game.
#[derive(Debug, Clone)]
pub struct Game {
    /// Its id.
    pub id: GameId,
    /// The last packet that moved it on.
    pub at: At,
    /// Where it stands.
    pub phase: Option<Phase>,
    /// The last tick; the true rug tick once it rugged. `None` before tick 0.
    pub tick: Option<u32>,
    /// The price of that tick.
    pub price: Option<f64>,
    /// Milliseconds to the next change of phase, before the game.
    pub timer_ms: Option<f64>,
    /// Trades so far, complete.
    pub trade_count: Option<i64>,
    /// Its prices.
    pub prices: Prices,
    /// The true rug tick.
    pub rug_tick: Option<u32>,
    /// The rug price.
    pub rug_price: Option<f64>,
    /// The commitment to the seed.
    pub seed_hash: Option<Arc<str>>,
    /// The seed, once the history told it.
    pub seed: Option<Arc<str>>,
    /// The rules.
    pub version: Option<GameVersion>,
    /// The rules as packets of the game name them.
    label: Option<Arc<str>>,
    /// Whether the seed has the published hash and every known price; `None` where it cannot be decided.
    pub proven: Option<bool>,
    /// The highest price as the history entry says it.
    pub reported_peak: Option<f64>,
    /// The first tick seen, where the capture joined a running game.
    pub joined_at: Option<u32>,
    /// Ticks that no tick packet told.
    pub missed: u32,
    /// Prices that two sources told differently.
    pub disagreements: u32,
    /// Trades that were broadcast.
    pub trades_seen: u32,
    /// Broadcast sells by the rug.
    pub forced_sells: u32,
    /// Another game took over.
    pub finished: bool,
    /// It was seen before its tick 0.
    pub seen_before_start: bool,
    /// The game right before it, where that is known: by the server's own list, or because no other game has room between
    /// the two.
    pub previous: Option<GameId>,
}

/// What a packet changed in its game.
#[derive(Debug, Default)]
pub struct Moved {
    /// The packet was behind what the game had already shown.
    pub late: bool,
    /// The phase before, when it changed.
    pub phase_from: Option<Option<Phase>>,
    /// The price runs as of now.
    pub started: bool,
    /// It rugged as of now.
    pub rugged: bool,
    /// Ticks left out: the last tick before, the tick now, and how many between other fields told.
    pub gap: Option<(Option<u32>, u32, u32)>,
    /// A god candle: the tick after it, the price before and after.
    pub god_candle: Option<(u32, f64, f64)>,
    /// Differing prices.
    pub disagreements: Vec<Disagreement>,
}

impl Game {
    /// A game of which nothing but the id is known.
    pub fn new(id: GameId, at: At) -> Game {
        Game {
            id,
            at,
            phase: None,
            tick: None,
            price: None,
            timer_ms: None,
            trade_count: None,
            prices: Prices::default(),
            rug_tick: None,
            rug_price: None,
            seed_hash: None,
            seed: None,
            version: None,
            label: None,
            proven: None,
            reported_peak: None,
            joined_at: None,
            missed: 0,
            disagreements: 0,
            trades_seen: 0,
            forced_sells: 0,
            finished: false,
            seen_before_start: false,
            previous: None,
        }
    }

    /// Whether `later`, of which this is the first packet, comes right after this game, as far as the times tell. Between
    /// two rugs lie a cooldown and a presale of 15 s together, and the ticks; so where less than the time for two of them
    /// lies before the later one's tick 0, no game was missed. Without times, packets of one session that follow each
    /// other are taken to be complete.
    pub(super) fn is_right_before(&self, at: &At, tick: &Tick<'_>) -> bool {
        let Some((ended, seen)) = self.at.ts.zip(at.ts) else { return self.at.session == at.session };
        let played = tick.true_tick().filter(|_| matches!(tick.phase(), Some(Phase::Active | Phase::Rugged)));
        let since_start_us = match (played, tick.cooldown_timer) {
            (Some(tick), _) => i64::from(tick) * TICK_US,
            (None, Some(timer_ms)) => -((timer_ms * 1000.0) as i64),
            (None, None) => 0,
        };
        (seen - since_start_us).saturating_sub(ended) < TWO_PAUSES_US
    }

    /// Whether every price from tick 0 to the rug is known.
    pub fn is_complete(&self) -> bool {
        self.rug_tick
            .is_some_and(|rug| self.prices.len() == rug as usize + 1 && self.prices.known() == rug as usize + 1)
    }

    /// Whether a sell is the rug's doing (G16): executed at or after the rug tick, or at a price that only the
    /// rug has. The broadcast of an own forced sell comes before the public rug packet.
    pub fn is_forced(&self, side: Option<&str>, tick: Option<i64>, price: Option<f64>) -> bool {
        if side != Some("sell") {
            return false;
        }
        let at_rug = match (self.rug_tick, tick) {
            (Some(rug), Some(tick)) => tick >= i64::from(rug),
            (Some(_), None) => true,
            (None, _) => self.phase == Some(Phase::Rugged),
        };
        let rug_price = price.zip(self.prices.lowest()).is_some_and(|(price, lowest)| price < lowest * RUG_SHARE);
        at_rug || rug_price
    }

    /// Takes one packet of this game.
    pub fn take(&mut self, at: &At, tick: &Tick<'_>) -> Moved {
        let mut moved = Moved::default();
        let phase = tick.phase();
        let runs = matches!(phase, Some(Phase::Active | Phase::Rugged));
        let now = if runs { self.running_tick(phase, tick) } else { None };
        moved.late = self.is_behind(phase, now, tick);
        let before = self.tick;
        if runs {
            self.fill(now, tick, &mut moved.disagreements);
        }
        self.keep_commitment(tick);
        if moved.late {
            return moved;
        }
        self.at = at.clone();
        if phase.is_some() && phase != self.phase {
            moved.phase_from = Some(self.phase);
            moved.started = runs && self.phase.is_none_or(|held| rank(held) < rank(Phase::Active));
            self.phase = phase;
        }
        self.trade_count = tick.trade_count.filter(|_| runs).or(self.trade_count);
        if !runs {
            self.seen_before_start |= phase.is_some();
            self.timer_ms = tick.cooldown_timer;
            return moved;
        }
        self.timer_ms = None;
        self.advance(before, now, &mut moved);
        if phase == Some(Phase::Rugged) && self.rug_tick.is_none() {
            self.rug_tick = self.tick;
            self.rug_price = tick.price;
            moved.rugged = true;
        }
        moved
    }

    /// The tick a running game's packet is about. After the rug only the first packet's counts.
    fn running_tick(&self, phase: Option<Phase>, tick: &Tick<'_>) -> Option<u32> {
        match (phase, self.rug_tick) {
            (Some(Phase::Rugged), Some(rug)) => Some(rug),
            _ => tick.true_tick(),
        }
    }

    /// Moves to `now`; notes what was left out on the way.
    fn advance(&mut self, before: Option<u32>, now: Option<u32>, moved: &mut Moved) {
        let Some(now) = now else { return };
        if before == Some(now) {
            return;
        }
        self.tick = Some(now);
        self.price = self.prices.get(now).map(|(price, _)| price);
        // A game that was seen before its start is expected from tick 0 on; one that was joined, from there.
        let expected = match before {
            Some(before) => before + 1,
            None if self.seen_before_start => 0,
            None => {
                self.joined_at = (now > 0).then_some(now);
                now
            }
        };
        if now > expected {
            let filled = (expected..now).filter(|tick| self.prices.get(*tick).is_some()).count();
            self.missed += now - expected;
            moved.gap = Some((before, now, u32::try_from(filled).unwrap_or(u32::MAX)));
        }
        let pair = now.checked_sub(1).and_then(|last| self.prices.get(last)).zip(self.prices.get(now));
        if let Some(((last, _), (price, _))) = pair
            && last > 0.0
            && (last * 10.0).to_bits() == price.to_bits()
        {
            moved.god_candle = Some((now, last, price));
        }
    }

    /// Whether a packet tells less than what is known already: it was overtaken by later ones.
    fn is_behind(&self, phase: Option<Phase>, now: Option<u32>, tick: &Tick<'_>) -> bool {
        let (Some(held), Some(phase)) = (self.phase, phase) else { return false };
        match rank(phase).cmp(&rank(held)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal if rank(phase) >= rank(Phase::Active) => {
                now.zip(self.tick).is_some_and(|(now, held)| now < held)
            }
            // Timers only fall, but the server may set one anew; a full packet slightly behind is a late one.
            std::cmp::Ordering::Equal => {
                let behind = tick.cooldown_timer.zip(self.timer_ms).map_or(0.0, |(new, held)| new - held);
                behind > 0.0 && behind <= 2000.0
            }
        }
    }

    fn fill(&mut self, now: Option<u32>, tick: &Tick<'_>, disagreements: &mut Vec<Disagreement>) {
        if let Some((now, price)) = now.zip(tick.price) {
            // The packet's own price is its tick's, unless `tickCount` ran on after the rug.
            let own = tick.tick_count.is_none_or(|count| count == i64::from(now));
            let source = if own { TickSource::Tick } else { TickSource::Partial };
            self.add(now, price, source, disagreements);
        }
        for (tick, price) in &tick.window {
            if *tick <= super::fact::MAX_TICK {
                self.add(*tick, *price, TickSource::Partial, disagreements);
            }
        }
        for (tick, price) in (0..=super::fact::MAX_TICK).zip(&tick.path) {
            self.add(tick, *price, TickSource::Snapshot, disagreements);
        }
    }

    fn add(&mut self, tick: u32, price: f64, source: TickSource, disagreements: &mut Vec<Disagreement>) {
        if let Some((kept, kept_source)) = self.prices.add(tick, price, source) {
            self.disagreements += 1;
            disagreements.push(Disagreement {
                game_id: self.id.clone(),
                tick,
                kept,
                kept_source,
                other: price,
                other_source: source,
            });
        }
    }

    fn keep_commitment(&mut self, tick: &Tick<'_>) {
        if self.seed_hash.is_none() {
            self.seed_hash = tick.seed_hash.as_deref().map(Arc::from);
        }
        if self.label.is_none() {
            self.label = tick.version.as_deref().map(Arc::from);
        }
        if self.version.is_none() {
            self.version = tick.version.as_deref().and_then(|version| version.parse().ok());
        }
    }

    /// Takes the revealed end of this game. Returns how many prices it filled and those that disagree.
    pub fn reveal(
        &mut self,
        seed: &str,
        version: Option<GameVersion>,
        path: &[f64],
    ) -> (usize, Vec<Disagreement>) {
        let before = self.prices.known();
        let judgement = judge(&self.id, Some(seed), &self.claims(version, path));
        let mut disagreements = Vec::new();
        for (tick, price) in (0..=super::fact::MAX_TICK).zip(path) {
            self.add(tick, *price, TickSource::History, &mut disagreements);
        }
        self.seed = Some(seed.into());
        self.version = judgement.version.or(version).or(self.version);
        if let Some(played) = &judgement.path {
            for (tick, price) in (0..=super::fact::MAX_TICK).zip(&played.prices) {
                self.add(tick, *price, TickSource::Seed, &mut disagreements);
            }
        }
        self.proven = match judgement.verdict {
            // Of two prices of a tick the first is kept: the other one contradicts.
            Verdict::Proven => Some(self.disagreements == 0),
            Verdict::Differs => Some(false),
            Verdict::Unproven => None,
        };
        if self.rug_tick.is_none()
            && let Some((last, price)) = self.prices.len().checked_sub(1).zip(self.prices.iter().last().flatten())
        {
            self.rug_tick = u32::try_from(last).ok();
            self.rug_price = Some(price.0);
        }
        (self.prices.known() - before, disagreements)
    }

    /// Everything that is known of the game before its seed, and what the history entry says.
    fn claims<'a>(&'a self, version: Option<GameVersion>, path: &'a [f64]) -> Vec<Recorded<'a, ()>> {
        let prices = (0..=super::fact::MAX_TICK).zip(self.prices.iter()).filter_map(|(tick, known)| {
            let (price, _) = known?;
            // The counter may have run on at the rug.
            Some(if self.rug_tick == Some(tick) {
                Claim::Rug { tick, price }
            } else {
                Claim::Price { tick, price }
            })
        });
        let labels = [version.map(GameVersion::as_str), self.label.as_deref()].into_iter().flatten();
        let words = labels.map(Claim::Version).chain(self.seed_hash.as_deref().map(Claim::Hash));
        let claims = prices.chain([Claim::Path(path)]).chain(self.reported_peak.map(Claim::Peak)).chain(words);
        claims.map(|claim| Recorded { claim, by: () }).collect()
    }
}
