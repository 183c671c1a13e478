//! What the store holds of the hours that a file is about: the keys of its records, in memory, hour by hour.

use std::collections::{HashMap, VecDeque};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::TimestampMicrosecondType;

use super::key::{self, Key, Kind};
use replayer_protocol::line::LineFormat;
use replayer_store::StoreError;
use replayer_store::record::Direction;
use replayer_store::root::DataRoot;
use replayer_store::schema::DocType;
use replayer_store::view::View;
use replayer_store::window::{self, When};

/// An hour, microseconds.
pub const HOUR: i64 = 3_600_000_000;

/// Hours held at once: a day and some more, for files without times. About 1 MB for each recorder of an hour.
const HELD: usize = 32;

/// Records without a time that are held at most; of more, those of later parts are not compared.
const MOST_TIMELESS: usize = 1_000_000;

/// One record, as far as it is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// See [`Key::hash`], or [`Key::trace`].
    pub hash: u64,
    /// Microseconds UTC.
    pub ts: Option<i64>,
    /// Number of its session in [`Stored::session`].
    pub session: u32,
    /// Which way it went, where that is known.
    pub direction: Option<Direction>,
    /// The file, by its number in this import, that has a record for it: each counts once.
    pub taken_by: u32,
}

/// Records sorted by their hash.
#[derive(Debug, Default)]
pub struct Sorted(Vec<Entry>);

impl Sorted {
    /// Sorts.
    pub fn of(mut entries: Vec<Entry>) -> Sorted {
        entries.sort_unstable_by_key(|entry| (entry.hash, entry.session, entry.ts));
        Sorted(entries)
    }

    /// Adds more.
    pub fn extend(&mut self, more: Vec<Entry>) {
        let mut all = std::mem::take(&mut self.0);
        all.extend(more);
        *self = Sorted::of(all);
    }

    /// The records with this hash.
    pub fn with(&mut self, hash: u64) -> &mut [Entry] {
        let from = self.0.partition_point(|entry| entry.hash < hash);
        let to = self.0.partition_point(|entry| entry.hash <= hash);
        self.0.get_mut(from..to).unwrap_or_default()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Which hour; `None` for records without a time.
type Place = (Kind, Option<i64>);

/// The store, as far as it was asked for.
#[derive(Debug)]
pub struct Stored {
    root: DataRoot,
    view: Option<View>,
    hours: HashMap<Place, Sorted>,
    /// What was answered to [`Stored::may_have`]: it is asked for every record.
    asked: HashMap<Place, bool>,
    /// The hours held, the one used longest ago first.
    order: VecDeque<Place>,
    sessions: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Stored {
    /// Nothing yet of this store.
    pub fn new(root: &DataRoot) -> Stored {
        Stored {
            root: root.clone(),
            view: None,
            hours: HashMap::new(),
            asked: HashMap::new(),
            order: VecDeque::new(),
            sessions: Vec::new(),
            numbers: HashMap::new(),
        }
    }

    /// The store has changed: it is looked at again when it is asked for next.
    pub fn forget(&mut self) {
        self.view = None;
        self.hours.clear();
        self.asked.clear();
        self.order.clear();
    }

    /// The name of a session.
    pub fn session(&self, number: u32) -> Option<&str> {
        self.sessions.get(usize::try_from(number).ok()?).map(String::as_str)
    }

    /// The number of a session.
    pub fn number(&mut self, session: &str) -> u32 {
        if let Some(number) = self.numbers.get(session) {
            return *number;
        }
        let number = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        self.sessions.push(session.to_owned());
        self.numbers.insert(session.to_owned(), number);
        number
    }

    /// Whether the store may hold records of this hour, or without a time. Costs no reading.
    ///
    /// # Errors
    /// When the catalog or the journal cannot be read.
    pub fn may_have(&mut self, kind: Kind, hour: Option<i64>) -> Result<bool, StoreError> {
        if let Some(answer) = self.asked.get(&(kind, hour)) {
            return Ok(*answer);
        }
        let when = when(hour);
        let view = self.view()?;
        let answer = doc_types(kind).iter().any(|doc_type| window::may_have(view, *doc_type, &when));
        self.asked.insert((kind, hour), answer);
        Ok(answer)
    }

    /// The records of one hour (microseconds of its beginning), or without a time. Those of a part that cannot be read are
    /// passed over: they may then be stored once more, but the import goes on.
    ///
    /// # Errors
    /// When the catalog or the journal cannot be read.
    pub fn hour(&mut self, kind: Kind, hour: Option<i64>) -> Result<&mut Sorted, StoreError> {
        let place = (kind, hour);
        if self.hours.contains_key(&place) {
            if self.order.back() != Some(&place) {
                self.order.retain(|held| *held != place);
                self.order.push_back(place);
            }
        } else {
            let loaded = match self.load(kind, hour) {
                // Parts were replaced under our eyes, by a recorder's compaction: what is there now is read.
                Err(error) if error.is_of_a_part() => {
                    self.view = None;
                    self.load(kind, hour).or_else(|error| {
                        tracing::warn!(%error, "what this part holds is not compared");
                        if error.is_of_a_part() { Ok(Sorted::default()) } else { Err(error) }
                    })?
                }
                loaded => loaded?,
            };
            if self.order.len() >= HELD
                && let Some(oldest) = self.order.pop_front()
            {
                self.hours.remove(&oldest);
            }
            self.order.push_back(place);
            self.hours.insert(place, loaded);
        }
        Ok(self.hours.entry(place).or_default())
    }

    fn view(&mut self) -> Result<&View, StoreError> {
        if self.view.is_none() {
            self.view = Some(View::now(&self.root)?);
        }
        self.view.as_ref().ok_or(StoreError::Closed)
    }

    fn load(&mut self, kind: Kind, hour: Option<i64>) -> Result<Sorted, StoreError> {
        let when = when(hour);
        let mut entries = Vec::new();
        let view = self.view()?.clone();
        for doc_type in doc_types(kind) {
            for batch in window::rows(&view, *doc_type, columns(*doc_type), &when) {
                self.add(*doc_type, &batch?, &mut entries);
                if hour.is_none() && entries.len() > MOST_TIMELESS {
                    return Ok(Sorted::of(entries));
                }
            }
        }
        Ok(Sorted::of(entries))
    }

    fn add(&mut self, doc_type: DocType, batch: &RecordBatch, entries: &mut Vec<Entry>) {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let value = |column: Option<&StringArray>, row: usize| -> Option<String> {
            column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
        };
        let ts =
            batch.column_by_name("ts").and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let (raw, sessions, directions) = (text("raw_json"), text("session_id"), text("direction"));
        let (formats, names, sources) = (text("format"), text("event_name"), text("tick_source"));
        let (Some(raw), Some(sessions)) = (raw, sessions) else { return };
        for row in 0..batch.num_rows() {
            if raw.is_null(row) || sessions.is_null(row) {
                continue;
            }
            let key = match doc_type {
                DocType::WsEvent => {
                    let format = value(formats, row).and_then(|name| LineFormat::from_name(&name));
                    let Some(format) = format else { continue };
                    let hint = value(names, row).filter(|_| format == LineFormat::Payload);
                    key::of(format, hint.as_deref(), raw.value(row))
                }
                DocType::GameTick if value(sources, row).as_deref() != Some("recording") => None,
                _ => Some(key::of_line(raw.value(row))),
            };
            let Some(key) = key else { continue };
            let entry = Entry {
                hash: 0,
                ts: ts.filter(|ts| ts.is_valid(row)).map(|ts| ts.value(row)),
                session: self.number(sessions.value(row)),
                direction: value(directions, row).and_then(|name| Direction::from_name(&name)),
                taken_by: 0,
            };
            entries.extend(entries_of(&key, entry));
        }
    }
}

/// The records to be found for a key: by its hash, and by its trace.
pub fn entries_of(key: &Key, entry: Entry) -> impl Iterator<Item = Entry> + use<> {
    let by_hash = (!key.is_lost).then_some(key.hash);
    by_hash.into_iter().chain(key.trace).map(move |hash| Entry { hash, ..entry })
}

fn when(hour: Option<i64>) -> When {
    hour.map_or(When::Never, |hour| When::Within(hour..hour + HOUR))
}

/// The kinds of rows that records of a kind became.
fn doc_types(kind: Kind) -> &'static [DocType] {
    match kind {
        Kind::Frame => &[DocType::WsEvent],
        Kind::Line => &[DocType::GameTick, DocType::SystemEvent, DocType::PlayerAction],
    }
}

fn columns(doc_type: DocType) -> &'static [&'static str] {
    match doc_type {
        DocType::WsEvent => &["session_id", "direction", "raw_json", "event_name", "format"],
        DocType::GameTick => &["session_id", "direction", "raw_json", "tick_source"],
        _ => &["session_id", "direction", "raw_json"],
    }
}
