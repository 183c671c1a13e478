//! The same recording again: an edited copy, a part of one, another recorder's of the same minutes.
//!
//! A file's first bytes say nothing then; its records do. Each is compared with what the store holds of the same minutes: by
//! the event and its payload as the server sent it ([`key`]), whatever the older recorder wrapped around it. What is there
//! already is not stored a second time, so that nothing counts twice; the file is known as imported, and a `system_event`
//! in its session says how much was left out and where it is.
//!
//! One stored record answers for one record of a file, and each session is compared by itself: what came twice is there
//! twice. Memory is bounded by the hours that are held ([`stored`]), and the cost by the hours that the file is about.

pub mod canonical;
pub mod key;
pub mod sieve;
pub mod stored;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use key::Key;
use replayer_store::StoreError;
use replayer_store::record::Record;
use replayer_store::root::DataRoot;
use stored::{Entry, HOUR, Sorted, Stored, entries_of};

/// Two recorders' clocks are this close, microseconds: how far apart the same event may be.
const CLOSE: i64 = 5_000_000;

/// How far apart a payload may be that the server sends once, microseconds: a machine's clock may be some seconds wrong.
const CLOSE_ENOUGH: i64 = 30_000_000;

/// Records of this run that are held at most, where nothing is published on the way (a dry run).
const MOST_FRESH: usize = 4_000_000;

/// What of a file is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Records that are stored already.
    pub records: u64,
    /// How many of them each session holds; a record that several hold is counted with one, a recorder's own before an
    /// import.
    pub sessions: BTreeMap<String, u64>,
    /// Records of the file with a time that are stored without one.
    pub untimed: u64,
    /// Time of the first of them that has one, microseconds UTC.
    pub first_us: Option<i64>,
    /// The same by session and the event's name.
    pub events: BTreeMap<String, BTreeMap<String, u64>>,
}

/// Compares records with the store, and with those of the files before in the same run.
#[derive(Debug)]
pub struct Overlap {
    stored: Stored,
    /// Records of the files before that are not published yet.
    fresh: [Sorted; 2],
    /// Records of the file at hand.
    own: [Vec<Entry>; 2],
    /// Sessions of imports: a recorder's own session is named rather.
    imports: BTreeSet<String>,
    /// Number of the file at hand, from 1.
    file: u32,
    session: u32,
    /// Sessions that hold another part of the file.
    excluded: Arc<BTreeSet<u32>>,
    /// Session and time of the record that was known last: where a file without times is.
    anchor: Option<(u32, Option<i64>)>,
    day: Option<i64>,
    /// Whether files follow that this one's records have to be remembered for.
    remembers: bool,
}

impl Overlap {
    /// Compares with this store; `imports` are its sessions that were imported. `remembers` says that several files come.
    pub fn new(root: &DataRoot, imports: BTreeSet<String>, remembers: bool) -> Overlap {
        Overlap {
            stored: Stored::new(root),
            fresh: Default::default(),
            own: Default::default(),
            imports,
            file: 0,
            session: 0,
            excluded: Arc::default(),
            anchor: None,
            day: None,
            remembers,
        }
    }

    /// Begins a file; `session` is a name for it that no other has. `earlier` are sessions that hold another part of the
    /// same file, with which it has nothing in common.
    pub fn begin(&mut self, session: &str, earlier: &[String]) {
        self.excluded = Arc::new(earlier.iter().map(|session| self.stored.number(session)).collect());
        self.file += 1;
        self.session = self.stored.number(session);
        self.imports.insert(session.to_owned());
        (self.anchor, self.day) = (None, None);
    }

    /// Ends the file: the next ones are compared with it too.
    pub fn end(&mut self) {
        for (fresh, own) in self.fresh.iter_mut().zip(&mut self.own) {
            if fresh.len() > MOST_FRESH {
                *fresh = Sorted::default();
            }
            if !own.is_empty() {
                fresh.extend(std::mem::take(own));
            }
        }
    }

    /// What came so far is published: it is found in the store from now on.
    pub fn published(&mut self) {
        self.fresh = Default::default();
        self.stored.forget();
    }

    /// The session that holds this record already, if one does, and when by that.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn holder(&mut self, record: &Record<'_>) -> Result<Option<(String, Option<i64>)>, StoreError> {
        if !self.remembers && !self.may_be_known(record)? {
            return Ok(None);
        }
        let Some(key) = key::of(record.format, record.hint, record.text) else { return Ok(None) };
        let search = Search {
            hash: if key.is_lost { key.trace.unwrap_or(key.hash) } else { key.hash },
            record,
            has_identity: std::cell::OnceCell::new(),
            file: self.file,
            session: self.session,
            excluded: self.excluded.clone(),
            anchor: self.anchor,
        };
        let found = self.search(&search, &key)?;
        if let Some(found) = found {
            self.anchor = Some((found.session, found.ts));
            return Ok(self.stored.session(found.session).map(|session| (session.to_owned(), found.ts)));
        }
        if self.remembers {
            let entry =
                Entry { hash: 0, ts: record.ts, session: self.session, direction: record.direction, taken_by: 0 };
            self.own_of(&key).extend(entries_of(&key, entry));
        }
        Ok(None)
    }

    fn own_of(&mut self, key: &Key) -> &mut Vec<Entry> {
        let [frames, lines] = &mut self.own;
        if key.kind == key::Kind::Frame { frames } else { lines }
    }

    /// Whether the store has anything of a record's time at all; most files are about hours that no other is about.
    fn may_be_known(&mut self, record: &Record<'_>) -> Result<bool, StoreError> {
        for kind in [key::Kind::Frame, key::Kind::Line] {
            for hour in self.hours(record) {
                if self.stored.may_have(kind, hour)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// The hours in which a record may be, and the place of records without a time.
    fn hours(&mut self, record: &Record<'_>) -> Vec<Option<i64>> {
        let hour = |us: i64| us - us.rem_euclid(HOUR);
        let mut hours = vec![None];
        match record.ts {
            Some(ts) => {
                let (first, last) = (hour(ts - CLOSE_ENOUGH), hour(ts + CLOSE_ENOUGH));
                hours.push(Some(hour(ts)));
                hours.extend([first, last].into_iter().filter(|other| *other != hour(ts)).map(Some));
            }
            // The game says the day; a game of the last minutes of a day runs into the next.
            None => {
                self.day = key::day_of_game(record.text).or(self.day);
                let day = self.day;
                hours.extend(day.into_iter().flat_map(|day| (0..25).map(move |number| Some(day + number * HOUR))));
            }
        }
        hours
    }

    fn search(&mut self, search: &Search<'_>, key: &Key) -> Result<Option<Entry>, StoreError> {
        let mut found = Found::default();
        for hour in self.hours(search.record) {
            if self.stored.may_have(key.kind, hour)? {
                search.among(self.stored.hour(key.kind, hour)?.with(search.hash), &mut found);
            }
        }
        let [frames, lines] = &mut self.fresh;
        let fresh = if key.kind == key::Kind::Frame { frames } else { lines };
        search.among(fresh.with(search.hash), &mut found);
        // Each session that holds it gives one record for it.
        for hour in self.hours(search.record) {
            if self.stored.may_have(key.kind, hour)? {
                search.take(self.stored.hour(key.kind, hour)?.with(search.hash), &found);
            }
        }
        let [frames, lines] = &mut self.fresh;
        let fresh = if key.kind == key::Kind::Frame { frames } else { lines };
        search.take(fresh.with(search.hash), &found);
        let is_import =
            |entry: &Entry| self.stored.session(entry.session).is_some_and(|name| self.imports.contains(name));
        Ok(found
            .0
            .into_values()
            .min_by_key(|(apart, entry)| (is_import(entry), *apart, entry.session))
            .map(|(_, entry)| entry))
    }
}

/// The nearest record of each session, and how far apart it is.
#[derive(Debug, Default)]
struct Found(BTreeMap<u32, (i64, Entry)>);

/// One record that is looked for.
struct Search<'r> {
    hash: u64,
    record: &'r Record<'r>,
    has_identity: std::cell::OnceCell<bool>,
    file: u32,
    session: u32,
    excluded: Arc<BTreeSet<u32>>,
    anchor: Option<(u32, Option<i64>)>,
}

impl Search<'_> {
    fn among(&self, entries: &[Entry], found: &mut Found) {
        for entry in entries {
            let Some(apart) = self.apart(entry) else { continue };
            let nearest = found.0.entry(entry.session).or_insert((apart, *entry));
            if apart < nearest.0 {
                *nearest = (apart, *entry);
            }
        }
    }

    fn take(&self, entries: &mut [Entry], found: &Found) {
        for entry in entries {
            if found.0.get(&entry.session).is_some_and(|(_, nearest)| nearest == entry) {
                entry.taken_by = self.file;
            }
        }
    }

    /// How far apart the record and a stored one are, microseconds; `None` when it is another one.
    fn apart(&self, entry: &Entry) -> Option<i64> {
        let is_other = entry.session != self.session && !self.excluded.contains(&entry.session);
        let is_free = entry.taken_by != self.file && is_other;
        let same_way = match (entry.direction, self.record.direction) {
            (Some(stored), Some(read)) => stored == read,
            _ => true,
        };
        if !is_free || !same_way {
            return None;
        }
        let follows = |at: Option<i64>| match self.anchor {
            Some((session, anchor)) if session == entry.session => match (anchor, at) {
                (Some(anchor), Some(at)) => (anchor - at).abs() <= 2 * CLOSE,
                _ => true,
            },
            _ => false,
        };
        match (self.record.ts, entry.ts) {
            (Some(read), Some(stored)) => {
                let apart = (read - stored).abs();
                (apart <= CLOSE || (apart <= CLOSE_ENOUGH && self.has_identity())).then_some(apart)
            }
            // Without a time only what the server names once is surely the same, or what follows on such a record.
            (_, stored) => (self.has_identity() || follows(stored)).then_some(CLOSE),
        }
    }

    fn has_identity(&self) -> bool {
        *self.has_identity.get_or_init(|| key::has_identity(self.record.text))
    }
}

#[cfg(test)]
mod tests;
