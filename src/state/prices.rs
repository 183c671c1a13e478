//! The prices of one game by tick, each with what told it. The first value of a tick stays (H5).

use serde::Serialize;

/// What told a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TickSource {
    /// The tick packet of that tick.
    Tick,
    /// `partialPrices` of a later packet.
    Partial,
    /// `prices` of the first packet of a connection.
    Snapshot,
    /// `prices` of the finished game's history entry.
    History,
    /// Recomputed from the revealed seed.
    Seed,
}

impl TickSource {
    /// The name stored in `tick_source` columns.
    pub fn as_str(self) -> &'static str {
        match self {
            TickSource::Tick => "tick",
            TickSource::Partial => "partial",
            TickSource::Snapshot => "snapshot",
            TickSource::History => "history",
            TickSource::Seed => "seed",
        }
    }
}

/// Prices by tick. The first value of a tick stays.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    values: Vec<f64>,
    sources: Vec<Option<TickSource>>,
    known: usize,
    lowest: Option<f64>,
    peak: Option<(u32, f64)>,
}

impl Prices {
    /// Ticks from 0 to the last known one.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether no price is known.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// How many of them are known.
    pub fn known(&self) -> usize {
        self.known
    }

    /// The price of a tick and what told it; `None` when unknown.
    pub fn get(&self, tick: u32) -> Option<(f64, TickSource)> {
        let place = usize::try_from(tick).ok()?;
        let source = self.sources.get(place).copied().flatten()?;
        self.values.get(place).map(|price| (*price, source))
    }

    /// Every tick from 0 to the last known one.
    pub fn iter(&self) -> impl Iterator<Item = Option<(f64, TickSource)>> + '_ {
        self.values.iter().zip(&self.sources).map(|(price, source)| source.map(|source| (*price, source)))
    }

    /// The highest known price and its tick.
    pub fn peak(&self) -> Option<(u32, f64)> {
        self.peak
    }

    /// The lowest known price.
    pub fn lowest(&self) -> Option<f64> {
        self.lowest
    }

    /// How many prices each source told.
    pub fn count(&self, source: TickSource) -> usize {
        self.sources.iter().filter(|held| **held == Some(source)).count()
    }

    /// Adds a price unless the tick has one; returns the one it has when that is another.
    pub(super) fn add(&mut self, tick: u32, price: f64, source: TickSource) -> Option<(f64, TickSource)> {
        let place = tick as usize;
        if place >= self.values.len() {
            self.values.resize(place + 1, 0.0);
            self.sources.resize(place + 1, None);
        }
        let (value, held) = (self.values.get_mut(place)?, self.sources.get_mut(place)?);
        if let Some(held) = *held {
            return (value.to_bits() != price.to_bits()).then_some((*value, held));
        }
        (*value, *held) = (price, Some(source));
        self.known += 1;
        self.lowest = Some(self.lowest.map_or(price, |lowest| lowest.min(price)));
        if self.peak.is_none_or(|(_, peak)| price > peak) {
            self.peak = Some((tick, price));
        }
        None
    }
}
