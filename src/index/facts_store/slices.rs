//! Facts by session and source, and which of them are wanted.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::protocol::facts::SchemaFacts;

/// What a part or the unsealed rows hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Digest {
    /// Events and their fields.
    pub facts: SchemaFacts,
    /// By session id.
    pub sessions: BTreeMap<String, SessionFacts>,
}

/// What is known of one session from its frames.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SessionFacts {
    /// Frames.
    pub frames: u64,
    /// First and last frame number.
    pub first_seq: u64,
    /// Last frame number.
    pub last_seq: u64,
    /// First time, microseconds UTC.
    pub first_us: Option<i64>,
    /// Last time.
    pub last_us: Option<i64>,
    /// Sources.
    pub sources: BTreeSet<String>,
    /// Frames by event.
    pub events: BTreeMap<String, u64>,
    /// Frames whose payload an older recorder lost.
    pub payload_lost: u64,
    /// Frames that could not be read.
    pub unreadable: u64,
    /// Frames with a value, or a whole payload, that cannot be read.
    #[serde(default)]
    pub value_unread: u64,
}

/// Event names kept per session.
pub(super) const MAX_SESSION_EVENTS: usize = 64;

impl SessionFacts {
    fn merge(&mut self, other: &SessionFacts) {
        let empty = self.frames == 0;
        self.frames += other.frames;
        self.first_seq = if empty { other.first_seq } else { self.first_seq.min(other.first_seq) };
        self.last_seq = self.last_seq.max(other.last_seq);
        self.first_us = self.first_us.into_iter().chain(other.first_us).min();
        self.last_us = self.last_us.into_iter().chain(other.last_us).max();
        self.sources.extend(other.sources.iter().cloned());
        self.payload_lost += other.payload_lost;
        self.unreadable += other.unreadable;
        self.value_unread += other.value_unread;
        for (name, count) in &other.events {
            if self.events.len() < MAX_SESSION_EVENTS || self.events.contains_key(name) {
                *self.events.entry(name.clone()).or_default() += count;
            }
        }
    }
}

impl Digest {
    /// Adds another digest.
    pub fn merge(&mut self, other: &Digest) {
        self.facts.merge(&other.facts);
        for (id, theirs) in &other.sessions {
            self.sessions.entry(id.clone()).or_default().merge(theirs);
        }
    }
}

/// What one session brought by one source: the smallest piece that facts are kept of.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The session; `None` where several share the slice, because a part has too many.
    pub session_id: Option<String>,
    /// The source; `None` for several.
    pub source: Option<String>,
    /// Its facts.
    pub digest: Digest,
}

/// Slices of one part; what comes beyond shares one.
const MAX_SLICES: usize = 48;

/// The slices of a part, or of the unsealed rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Slices {
    list: Vec<Slice>,
    /// The slice used last: rows come in runs.
    #[serde(skip)]
    last: usize,
}

impl Slices {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Slice> {
        self.list.iter()
    }

    /// Everything together.
    pub fn merged(&self) -> Digest {
        let mut merged = Digest::default();
        self.list.iter().for_each(|slice| merged.merge(&slice.digest));
        merged
    }

    /// The digest that a row of this session and source goes to.
    pub(super) fn of(&mut self, session_id: &str, source: &str) -> Option<&mut Digest> {
        let is = |slice: &Slice| {
            slice.session_id.as_deref() == Some(session_id) && slice.source.as_deref() == Some(source)
        };
        if !self.list.get(self.last).is_some_and(is) {
            let known = self.list.iter().position(is);
            let shared = || self.list.iter().position(|slice| slice.session_id.is_none());
            self.last = match known {
                Some(at) => at,
                None if self.list.len() < MAX_SLICES => {
                    let (session_id, source) = (Some(session_id.to_owned()), Some(source.to_owned()));
                    self.list.push(Slice { session_id, source, digest: Digest::default() });
                    self.list.len() - 1
                }
                None => shared().unwrap_or_else(|| {
                    self.list.push(Slice::default());
                    self.list.len() - 1
                }),
            };
        }
        self.list.get_mut(self.last).map(|slice| &mut slice.digest)
    }
}

/// Which facts are wanted; `None` means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FactsFilter {
    /// Of this session.
    pub session_id: Option<String>,
    /// From this source.
    pub source: Option<String>,
    /// Not before this time, microseconds UTC; what has no time is then left out.
    pub from_us: Option<i64>,
    /// Before this time.
    pub to_us: Option<i64>,
}

impl FactsFilter {
    pub(super) fn is_all(&self) -> bool {
        *self == FactsFilter::default()
    }

    pub(super) fn wants(&self, session_id: &str, source: &str) -> bool {
        self.session_id.as_deref().is_none_or(|wanted| wanted == session_id)
            && self.source.as_deref().is_none_or(|wanted| wanted == source)
    }

    pub(super) fn wants_time(&self, ts: Option<i64>) -> bool {
        (self.from_us.is_none() && self.to_us.is_none())
            || ts.is_some_and(|ts| {
                self.from_us.is_none_or(|from| ts >= from) && self.to_us.is_none_or(|to| ts < to)
            })
    }

    /// Whether everything between two times is wanted, something, or nothing.
    pub(super) fn of_span(&self, first: Option<i64>, last: Option<i64>) -> Wanted {
        if self.from_us.is_none() && self.to_us.is_none() {
            return Wanted::All;
        }
        let (Some(first), Some(last)) = (first, last) else { return Wanted::Nothing };
        if self.wants_time(Some(first)) && self.wants_time(Some(last)) {
            return Wanted::All;
        }
        let apart = self.from_us.is_some_and(|from| last < from) || self.to_us.is_some_and(|to| first >= to);
        if apart { Wanted::Nothing } else { Wanted::Some }
    }
}

/// How much of a span a filter wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    All,
    Some,
    Nothing,
}
