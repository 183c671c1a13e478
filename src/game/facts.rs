//! [`Game`]: what follows from a record. Whoever says something of a game says this.
//!
//! Words used by the rules:
//! * *Running*: the phase of the packet is ACTIVE. Prices in cooldown and presale packets belong to no tick, and a packet
//!   whose phase nobody knows tells none.
//! * *Plausible*: [`replayer_protocol::price::is_plausible`]. A price that is not was damaged; its tick counts as not recorded
//!   unless another recording has it.
//! * *The seed's path*: the prices that the revealed seed gives, by the rules of the last stored proof, else those that the
//!   history entry names, else those that give the recorded prices.
//! * *The list*: the prices in the site's own history entry.

use std::sync::Arc;

use replayer_protocol::fairness::{self, GameVersion};
use replayer_protocol::price::is_plausible;
use replayer_store::contents::games::{HIGHEST_TICK, add_rug, highest, is_rug_at};
use replayer_store::contents::{GameExtent, HistoryExtent, Path, Reached, Rug};
use replayer_store::runs::add_run;

use super::record::{GameRecord, both};

/// How far from a game's packets and history entries its other rows may lie (trades, side bets): they come within seconds.
const AROUND_US: i64 = 3_600_000_000;

/// Ticks as inclusive runs.
pub type Runs = Vec<(i64, i64)>;

/// What a value was taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// A packet of that tick, or a line of an older recording.
    Recorded,
    /// The site's history entry.
    Announced,
    /// The revealed seed.
    Computed,
}

impl Source {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Source::Recorded => "recorded",
            Source::Announced => "announced",
            Source::Computed => "computed",
        }
    }
}

/// From what a game is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// Ticks of it were recorded.
    Ticks,
    /// From a history entry alone.
    History,
    /// From packets alone that hold no tick of it: such as come before a game.
    BeforeStart,
    /// From a stored proof alone; what it was made of is gone.
    Proof,
}

impl Known {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Known::Ticks => "ticks",
            Known::History => "history",
            Known::BeforeStart => "before_start",
            Known::Proof => "proof",
        }
    }
}

/// What is wrong with a game, or with what was recorded of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Anomaly {
    /// Rugs at different ticks were recorded or announced ([`Game::rugs`]).
    SeveralRugs,
    /// A price was recorded that no game can have.
    CorruptedPrices,
    /// Two recordings of a tick have different prices.
    RecordingsDiffer,
    /// Running ticks were recorded after the rug. They are not counted.
    PricesAfterRug,
    /// The announced peak is not the highest price of the list, of the seed's path, or of a complete recording.
    AnnouncedPeakDiffers,
}

impl Anomaly {
    /// Its name in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Anomaly::SeveralRugs => "several_rugs",
            Anomaly::CorruptedPrices => "corrupted_prices",
            Anomaly::RecordingsDiffer => "recordings_differ",
            Anomaly::PricesAfterRug => "prices_after_rug",
            Anomaly::AnnouncedPeakDiffers => "announced_peak_differs",
        }
    }
}

/// A price, its tick, and what they were taken from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// The tick; `None` where only the price is known.
    pub tick: Option<i64>,
    /// The multiplier.
    pub price: f64,
    /// From what.
    pub source: Source,
}

/// The rug of a game.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RugFact {
    /// The true tick of the rug.
    pub tick: i64,
    /// The price it left; `None` where nothing plausible is known.
    pub price: Option<f64>,
    /// From what.
    pub source: Source,
}

/// The address of a row: session and `seq`.
pub type Address = (Arc<str>, u64);

/// A game.
#[derive(Debug, Clone, PartialEq)]
pub struct Game {
    /// The round.
    pub game_id: Arc<str>,
    /// From what it is known.
    pub known: Known,
    /// How far it was seen to go. A game with a history entry or a proof has rugged.
    pub phase: Option<Reached>,
    /// First and last time of its packets, microseconds UTC; without any, when it ended by the server's clock, or else when
    /// its history entry came.
    pub first_us: Option<i64>,
    /// See [`Game::first_us`].
    pub last_us: Option<i64>,
    /// Between these times, microseconds UTC, lie all rows of the game of all kinds; `None` where some have no time.
    pub rows_us: Option<(i64, i64)>,
    /// Ticks that were recorded with a plausible price, up to the rug, the rug included. A rug that was recorded counts for
    /// the rug tick, however far the counter had run on. Ticks that were filled from the seed are not among them.
    pub recorded: Runs,
    /// Those of them that only older recordings have, whose lines are no frames.
    pub from_recordings: Runs,
    /// Ticks before the last recorded one, or before the rug and the rug itself where its tick is known, that were not
    /// recorded. Tick 0 is not missed by a recording from tick 1 on: it is 1 in every game.
    pub holes: Runs,
    /// How many there are; `None` while the rug tick is unknown, and where no tick was recorded at all: then nothing was
    /// missed, it just was not recorded.
    pub ticks_missing: Option<i64>,
    /// Holes that were filled from the seed.
    pub filled: Runs,
    /// Ticks of which a price was recorded or announced that cannot be.
    pub corrupted: Runs,
    /// The rug. The tick by the seed counts where the seed reproduces the prices, or where it names a tick at which a rug
    /// was recorded or nothing else is known; then the list's; then the first at which a packet showed a rug.
    pub rug: Option<RugFact>,
    /// The ticks at which a rug was recorded, announced or proven; more than one is an anomaly.
    pub rugs: Vec<i64>,
    /// The highest price before the rug. Of a game that the seed reproduces: by the seed. Else the list's, else that of a complete
    /// recording, else by the seed, else the higher of what was recorded and what is announced. The source is the most direct one that
    /// has this price: recorded before announced before computed.
    pub peak: Option<Price>,
    /// Whether the seed is known.
    pub has_seed: bool,
    /// Whether the seed gives everything recorded: by the last stored proof, else by the history entry.
    pub proven: Option<bool>,
    /// Whether every tick was recorded, from the first (0 or 1) to the rug: some, and none missing.
    pub complete: bool,
    /// Sessions that have packets or a history entry of it.
    pub sessions: Vec<Arc<str>>,
    /// Where those come from.
    pub sources: Vec<String>,
    /// What is wrong.
    pub anomalies: Vec<Anomaly>,
    /// Trades of the game, by its own count.
    pub trades: Option<i64>,
    /// The rules that it is said to have been played by.
    pub version: Option<String>,
    /// The first frame of it.
    pub first_frame: Option<Address>,
    /// The frame that showed the rug.
    pub rug_frame: Option<Address>,
    /// The record with the best history entry.
    pub entry: Option<Address>,
    /// First and last frame of each session that recorded packets of it.
    pub frames: Vec<(Arc<str>, (u64, u64))>,
}

impl Game {
    /// How many ticks were recorded.
    pub fn ticks_recorded(&self) -> i64 {
        count(&self.recorded)
    }

    /// The lowest tick recorded.
    pub fn first_tick(&self) -> Option<i64> {
        self.recorded.first().map(|(first, _)| *first)
    }
}

/// The ticks of runs.
pub fn count(runs: &[(i64, i64)]) -> i64 {
    runs.iter().map(|(first, last)| last - first + 1).sum()
}

impl GameRecord {
    /// What follows from everything that is known.
    pub fn game(&self, game_id: &Arc<str>) -> Game {
        let whole = self.all_sessions();
        let proven = match &self.proof {
            Some((_, proof)) => Some(proof.proven),
            None => self.entries.iter().find_map(|(_, entry)| entry.proven),
        };
        let played = self.played(game_id, &whole);
        let rug = self.rug(&whole, played.as_ref(), proven);
        let recorded = recorded(&whole, rug.map(|rug| rug.tick));
        let (holes, ticks_missing) = missing(&recorded, rug.map(|rug| rug.tick));
        let complete = ticks_missing == Some(0);
        let last = rug.map_or(HIGHEST_TICK, |rug| rug.tick - 1);
        let shown = highest(&whole.highs, last);
        let peak = self.peak(shown, played.as_ref(), proven, complete, recorded.first().map(|run| run.0));
        let rugs = self.rugs(&whole, rug);
        let known = if !recorded.is_empty() {
            Known::Ticks
        } else if !self.entries.is_empty() {
            Known::History
        } else if !self.sessions.is_empty() {
            Known::BeforeStart
        } else {
            Known::Proof
        };
        let listed = self.entries.iter().filter_map(|(_, entry)| entry.path.as_ref());
        let corrupted = union(listed.flat_map(|path| &path.damaged).chain(&whole.damaged));
        let ended = !self.entries.is_empty() || self.proof.is_some();
        let of_packets = self.sessions.iter().map(|(session, _)| session);
        let mut sessions: Vec<Arc<str>> = of_packets.chain(&self.told_in).cloned().collect();
        sessions.sort_unstable();
        sessions.dedup();
        let mut sources: Vec<String> = whole.sources.iter().chain(&self.told_by).cloned().collect();
        sources.sort_unstable();
        sources.dedup();
        let times = whole.ts.or(self.ended_us);
        let first =
            self.sessions.iter().min_by_key(|(session, extent)| (extent.ts.is_none(), extent.ts, session.clone()));
        Game {
            known,
            phase: if ended { Some(Reached::Rugged) } else { whole.reached },
            first_us: times.map(|times| times.0),
            last_us: times.map(|times| times.1),
            rows_us: both(both(whole.ts, self.told_us), self.proven_us)
                .filter(|_| whole.untimed == 0 && !self.has_untimed)
                .map(|(first, last)| (first.saturating_sub(AROUND_US), last.saturating_add(AROUND_US))),
            from_recordings: self.ticks_of_recordings(&recorded),
            filled: within(&self.filled, rug.map_or(HIGHEST_TICK, |rug| rug.tick), &recorded),
            corrupted: corrupted.into_iter().filter(|run| rug.is_none_or(|rug| run.0 <= rug.tick)).collect(),
            anomalies: self.anomalies(
                &whole,
                rug,
                &rugs,
                played.as_ref().filter(|_| proven == Some(true)),
                complete.then_some(shown).flatten(),
            ),
            has_seed: self.entries.iter().any(|(_, entry)| entry.has_seed),
            trades: whole.trades,
            version: self.entries.iter().find_map(|(_, entry)| entry.version.clone()),
            first_frame: first.map(|(session, extent)| (session.clone(), extent.seq.0)),
            rug_frame: rug.and_then(|rug| self.rug_frame(rug.tick)),
            entry: self.entries.first().map(|(session, entry)| (session.clone(), entry.seq)),
            frames: self.sessions.iter().map(|(session, extent)| (session.clone(), extent.seq)).collect(),
            game_id: game_id.clone(),
            recorded,
            holes,
            ticks_missing,
            rug,
            rugs,
            peak,
            proven,
            complete,
            sessions,
            sources,
        }
    }

    /// What all sessions recorded together. (Their `seq`s say nothing then.)
    fn all_sessions(&self) -> GameExtent {
        let mut whole = GameExtent::default();
        for (_, extent) in &self.sessions {
            whole.add(extent);
        }
        whole
    }

    /// The seed's path.
    fn played(&self, game_id: &str, whole: &GameExtent) -> Option<Path> {
        let stored = self.proof.as_ref().and_then(|(_, proof)| proof.path.clone());
        let entries = || self.entries.iter().map(|(_, entry)| entry);
        let proven = || entries().find(|entry| entry.has_seed && entry.proven == Some(true))?.path.clone();
        let named = || entries().find_map(|entry| entry.computed.clone());
        stored
            .or_else(proven)
            .or_else(named)
            .or_else(|| inferred(entries().find_map(|entry| entry.seed.as_deref())?, game_id, whole))
    }

    fn best<T>(&self, of: impl Fn(&HistoryExtent) -> Option<T>) -> Option<T> {
        self.entries.iter().find_map(|(_, entry)| of(entry))
    }

    /// See [`Game::rug`].
    fn rug(&self, whole: &GameExtent, played: Option<&Path>, proven: Option<bool>) -> Option<RugFact> {
        let shown_at = |tick: i64| whole.rugs.iter().find(|rug| is_rug_at(rug, tick));
        let listed = self.best(|entry| entry.rug_tick).filter(|tick| (0..=HIGHEST_TICK).contains(tick));
        let fits = |path: &&Path| match proven {
            Some(true) => true,
            Some(false) => false,
            None => match listed {
                Some(tick) => tick == path.rug_tick,
                None => whole.rugs.is_empty() || shown_at(path.rug_tick).is_some(),
            },
        };
        let recorded = |tick: i64| shown_at(tick).map(|rug| rug.price);
        let list_price = || self.best(|entry| entry.rug_price.filter(|_| entry.rug_tick == listed));
        if let Some(path) = played.filter(fits) {
            let at = shown_at(path.rug_tick).is_some_and(|rug| rug.ticks.0 == path.rug_tick);
            let source = match listed {
                _ if at => Source::Recorded,
                Some(tick) if tick == path.rug_tick => Source::Announced,
                _ => Source::Computed,
            };
            return Some(RugFact { tick: path.rug_tick, price: path.rug_price, source });
        }
        if let Some(tick) = listed {
            return Some(RugFact {
                tick,
                price: list_price().or_else(|| recorded(tick)),
                source: Source::Announced,
            });
        }
        if let Some(rug) = whole.rugs.first() {
            return Some(RugFact { tick: rug.ticks.0, price: Some(rug.price), source: Source::Recorded });
        }
        played.map(|path| RugFact { tick: path.rug_tick, price: path.rug_price, source: Source::Computed })
    }

    /// See [`Game::rugs`].
    fn rugs(&self, whole: &GameExtent, rug: Option<RugFact>) -> Vec<i64> {
        let listed = self.best(|entry| entry.rug_tick).filter(|tick| (0..=HIGHEST_TICK).contains(tick));
        let mut rugs = whole.rugs.clone();
        for tick in listed.into_iter().chain(rug.map(|rug| rug.tick)) {
            if !rugs.iter().any(|rug| is_rug_at(rug, tick)) {
                add_rug(&mut rugs, Rug { ticks: (tick, tick), price: 0.0, seq: 0 });
            }
        }
        // The rug that counts is named by its true tick.
        let true_tick = |shown: &Rug| match rug {
            Some(rug) if is_rug_at(shown, rug.tick) => rug.tick,
            _ => shown.ticks.0,
        };
        rugs.iter().map(true_tick).collect()
    }

    /// See [`Game::peak`].
    fn peak(
        &self,
        shown: Option<(i64, f64)>,
        played: Option<&Path>,
        proven: Option<bool>,
        complete: bool,
        first_tick: Option<i64>,
    ) -> Option<Price> {
        let by_seed = |path: &Path| path.peak;
        let list = self.best(|entry| entry.path.as_ref()?.peak);
        let announced = self.best(|entry| entry.peak);
        let start = (complete && first_tick == Some(1)).then_some((0, 1.0));
        let complete = shown.filter(|_| complete);
        let (tick, price) = if let Some(peak) = played.filter(|_| proven == Some(true)).and_then(by_seed) {
            (Some(peak.0), peak.1)
        } else if let Some(peak) = list {
            (Some(peak.0), peak.1)
        } else if let Some(peak) = complete {
            let peak = start.filter(|start| start.1 > peak.1).unwrap_or(peak);
            (Some(peak.0), peak.1)
        } else if let Some(peak) = played.filter(|_| proven.is_none()).and_then(by_seed) {
            (Some(peak.0), peak.1)
        } else {
            match (shown, announced) {
                (Some(shown), announced) if announced.is_none_or(|announced| announced <= shown.1) => {
                    (Some(shown.0), shown.1)
                }
                (_, Some(announced)) => (None, announced),
                (_, None) => return None,
            }
        };
        let same = |other: Option<f64>| other.is_some_and(|other| other.to_bits() == price.to_bits());
        if let Some(shown) = shown.filter(|shown| same(Some(shown.1))) {
            return Some(Price { tick: Some(shown.0), price, source: Source::Recorded });
        }
        let is_announced = same(announced) || same(list.map(|peak| peak.1));
        let source = if is_announced { Source::Announced } else { Source::Computed };
        is_plausible(price).then_some(Price { tick, price, source })
    }

    fn anomalies(
        &self,
        whole: &GameExtent,
        rug: Option<RugFact>,
        rugs: &[i64],
        proven: Option<&Path>,
        complete: Option<(i64, f64)>,
    ) -> Vec<Anomaly> {
        let mut blocks = whole.digests.iter().map(|(block, _)| block);
        let mut before = blocks.next();
        let blocks_differ = blocks.any(|block| before.replace(block) == Some(block));
        let rugs_differ = self.sessions.iter().flat_map(|(_, extent)| &extent.rugs).any(|shown| {
            let other =
                |known: &Rug| known.ticks.0 == shown.ticks.0 && known.price.to_bits() != shown.price.to_bits();
            whole.rugs.iter().any(other)
        });
        let after = rug.zip(whole.ran.last()).is_some_and(|(rug, (_, last))| *last > rug.tick);
        let listed =
            self.entries.iter().any(|(_, entry)| entry.path.as_ref().is_some_and(|path| !path.damaged.is_empty()));
        let known = proven
            .and_then(|path| path.peak)
            .or_else(|| self.best(|entry| entry.path.as_ref()?.peak))
            .or(complete);
        let announced = self.best(|entry| entry.peak).zip(known);
        // A peak of 1 is that of tick 0, which need not be recorded.
        let peak_differs =
            announced.is_some_and(|(announced, (_, peak))| announced.to_bits() != peak.max(1.0).to_bits());
        let found = [
            (Anomaly::SeveralRugs, rugs.len() > 1),
            (Anomaly::CorruptedPrices, !whole.damaged.is_empty() || listed),
            (Anomaly::RecordingsDiffer, blocks_differ || rugs_differ || !whole.differing.is_empty()),
            (Anomaly::PricesAfterRug, after),
            (Anomaly::AnnouncedPeakDiffers, peak_differs),
        ];
        found.into_iter().filter(|(_, is_there)| *is_there).map(|(anomaly, _)| anomaly).collect()
    }

    /// The ticks of `recorded` that no frame has.
    fn ticks_of_recordings(&self, recorded: &Runs) -> Runs {
        if !self.sessions.iter().any(|(_, extent)| extent.recorded) {
            return Runs::new();
        }
        let frames = self.sessions.iter().filter(|(_, extent)| !extent.recorded);
        let mut with_rugs = Runs::new();
        for (_, extent) in frames {
            extent
                .ran
                .iter()
                .chain(extent.rugs.iter().map(|rug| &rug.ticks))
                .for_each(|run| add_run(&mut with_rugs, *run));
        }
        without(recorded, &with_rugs)
    }

    /// The frame that showed the rug first.
    fn rug_frame(&self, tick: i64) -> Option<Address> {
        let shown = self.sessions.iter().flat_map(|(session, extent)| {
            let at = extent.rugs.iter().filter(move |rug| is_rug_at(rug, tick));
            at.map(move |rug| (rug.ticks.0, session, rug.seq))
        });
        shown.min().map(|(_, session, seq)| (session.clone(), seq))
    }
}

/// The rules that give the recorded prices, and the path by them.
fn inferred(seed: &str, game_id: &str, whole: &GameExtent) -> Option<Path> {
    let gives = |prices: &[f64], tick: i64, price: f64| {
        let computed = usize::try_from(tick).ok().and_then(|tick| prices.get(tick));
        computed.is_some_and(|computed| computed.to_bits() == price.to_bits())
    };
    [GameVersion::V3, GameVersion::V2, GameVersion::V1].into_iter().find_map(|version| {
        let prices = fairness::play(seed, game_id, version).prices;
        // Every game begins with 1, which tells nothing.
        let high = whole.highs.iter().any(|(tick, price)| *tick > 0 && gives(&prices, *tick, *price));
        let rug =
            whole.rugs.iter().any(|rug| prices.last().is_some_and(|last| last.to_bits() == rug.price.to_bits()));
        (high || rug).then(|| Path::of(prices.into_iter().map(Some))).flatten()
    })
}

/// See [`Game::recorded`].
fn recorded(whole: &GameExtent, rug_tick: Option<i64>) -> Runs {
    let Some(rug) = rug_tick else { return whole.ran.clone() };
    let mut recorded: Runs =
        whole.ran.iter().filter(|run| run.0 <= rug).map(|(first, last)| (*first, *last.min(&rug))).collect();
    if whole.rugs.iter().any(|shown| is_rug_at(shown, rug)) {
        add_run(&mut recorded, (rug, rug));
    }
    recorded
}

/// See [`Game::holes`] and [`Game::ticks_missing`].
fn missing(recorded: &Runs, rug_tick: Option<i64>) -> (Runs, Option<i64>) {
    let Some((first, _)) = recorded.first() else { return (Runs::new(), None) };
    let mut next = i64::from(*first == 1);
    let mut holes = Runs::new();
    for (first, last) in recorded {
        if *first > next {
            holes.push((next, first - 1));
        }
        next = last + 1;
    }
    if let Some(rug) = rug_tick.filter(|rug| next <= *rug) {
        holes.push((next, rug));
    }
    let missing = rug_tick.map(|_| count(&holes));
    (holes, missing)
}

fn union<'r>(runs: impl IntoIterator<Item = &'r (i64, i64)>) -> Runs {
    let mut all = Runs::new();
    runs.into_iter().for_each(|run| add_run(&mut all, *run));
    all
}

/// The ticks of runs that others do not have.
fn without(runs: &[(i64, i64)], others: &[(i64, i64)]) -> Runs {
    let mut rest = Runs::new();
    for (first, last) in runs {
        let mut next = *first;
        for (from, to) in others.iter().filter(|(from, to)| from <= last && to >= first) {
            if *from > next {
                rest.push((next, from - 1));
            }
            next = next.max(to + 1);
        }
        if next <= *last {
            rest.push((next, *last));
        }
    }
    rest
}

/// Filled ticks up to the rug that were not recorded since.
fn within(filled: &[(i64, i64)], last: i64, recorded: &[(i64, i64)]) -> Runs {
    let up_to: Runs = filled.iter().filter(|run| run.0 <= last).map(|run| (run.0, run.1.min(last))).collect();
    without(&up_to, recorded)
}
