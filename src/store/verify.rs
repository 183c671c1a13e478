//! Whether all of it is true: every part is read again, down to its last page, against the catalog, and the
//! journal against both.

use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, AsArray, RecordBatch, StringArray};
use arrow::datatypes::Int64Type;

use super::catalog::{Catalog, LostPart, Part};
use super::error::StoreError;
use super::ids::SessionId;
use super::journal::{self, reader::SegmentReader};
use super::root::DataRoot;
use super::schema::DocType;
use super::{damage, parts, repair, scan};
use replayer_protocol::line::FrameStatus;

/// What `data verify` found.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Verified {
    /// Parts read.
    pub parts: usize,
    /// Rows read in them.
    pub rows: u64,
    /// Sessions whose frames were counted.
    pub sessions: usize,
    /// Segments of the journal read.
    pub segments: usize,
    /// Records in them.
    pub journal_records: u64,
    /// Frames that are kept byte for byte and could not be read completely, by the word in the column `frame`. The store
    /// is as it should be; what the frames held is missing from their rows.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub unread: BTreeMap<String, u64>,
    /// Everything that is not as it should be; empty when all is well.
    pub problems: Vec<Problem>,
    /// Whether the catalog is to be made again from the parts.
    #[serde(skip)]
    pub rebuild: bool,
}

/// One thing that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The file or session concerned.
    pub about: String,
    /// What is wrong.
    pub problem: String,
    /// What to do.
    pub advice: &'static str,
}

/// Which rows of a batch are a record itself. Of the rows that were taken out of it (a frame's trade, its tick) none says
/// that the frame is there.
struct Frames<'b> {
    doc_type: DocType,
    tick_sources: Option<&'b StringArray>,
    directions: Option<&'b StringArray>,
}

impl Frames<'_> {
    fn of(doc_type: DocType, batch: &RecordBatch) -> Frames<'_> {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        Frames { doc_type, tick_sources: text("tick_source"), directions: text("direction") }
    }

    fn holds(&self, row: usize) -> bool {
        match self.doc_type {
            DocType::WsEvent | DocType::SystemEvent => true,
            // A line of an older recording, which had no frames.
            DocType::GameTick => {
                self.tick_sources.is_some_and(|column| column.is_valid(row) && column.value(row) == "recording")
            }
            // Done in a replay or a demonstration; an order of a frame went into a direction.
            DocType::PlayerAction => self.directions.is_some_and(|column| column.is_null(row)),
            _ => false,
        }
    }
}

/// The frames of one session that were seen, one bit each.
#[derive(Default)]
struct Seen {
    bits: Vec<u64>,
    last: u64,
}

impl Seen {
    fn add(&mut self, seq: u64) {
        let word = usize::try_from(seq / 64).unwrap_or(usize::MAX);
        // A number that no recorder could have reached is damage, told elsewhere.
        if word > 1 << 26 {
            return;
        }
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        if let Some(bits) = self.bits.get_mut(word) {
            *bits |= 1 << (seq % 64);
        }
        self.last = self.last.max(seq);
    }

    fn missing(&self) -> u64 {
        let seen: u64 = self.bits.iter().map(|word| u64::from(word.count_ones())).sum();
        self.last.saturating_sub(seen)
    }
}

/// Reads everything again. `progress` is told how many parts are done, and of how many.
///
/// # Errors
/// Only when the catalog itself cannot be read; whatever else is wrong is in the result.
pub fn verify(root: &DataRoot, mut progress: impl FnMut(usize, usize)) -> Result<Verified, StoreError> {
    let catalog = Catalog::load(root)?;
    let mut check = Check { root, result: Verified::default(), keys: HashSet::new(), seen: BTreeMap::new() };
    let mut partition = None;
    for (done, part) in catalog.parts.iter().enumerate() {
        progress(done, catalog.parts.len());
        // The catalog is sorted by path, so the parts of a partition stand together. A row's day follows from its
        // time: the same row twice is twice in one partition, and one day's keys are all that is ever in memory.
        if partition.replace((part.doc_type, &part.date)) != Some((part.doc_type, &part.date)) {
            check.keys.clear();
        }
        if let Err(error) = check.part(part) {
            let reason = match error {
                StoreError::Part { reason, .. } => reason,
                other => other.to_string(),
            };
            check.lost(&LostPart { part: part.clone(), reason });
        }
    }
    progress(catalog.parts.len(), catalog.parts.len());
    catalog.lost.iter().for_each(|lost| check.lost(lost));
    for given_up in &catalog.given_up {
        check.give_up(&given_up.part);
    }
    check.strangers(&catalog)?;
    check.journal(&catalog)?;
    check.completeness(&catalog);
    Ok(check.result)
}

struct Check<'r> {
    root: &'r DataRoot,
    result: Verified,
    /// Hashes of the keys seen in the partition at hand: a key may stand only once.
    keys: HashSet<u128>,
    seen: BTreeMap<String, Seen>,
}

impl Check<'_> {
    fn problem(&mut self, about: &str, problem: String, advice: &'static str) {
        self.result.problems.push(Problem { about: about.to_owned(), problem, advice });
    }

    fn lost(&mut self, lost: &LostPart) {
        let (rows, kind) = (lost.part.rows, lost.part.doc_type.as_str());
        let problem = format!("{rows} rows of {kind} are in no answer: {}", lost.reason);
        let advice = if repair::is_derived(lost.part.doc_type) {
            "`replayer data repair` makes its rows again from the frames"
        } else {
            "Restore the file from a backup, and it is in force again; `replayer data repair --give-up` accepts the loss"
        };
        self.problem(&lost.part.path, problem, advice);
    }

    /// The loss of these frames is known and accepted: they are not missed again.
    fn give_up(&mut self, part: &Part) {
        if repair::is_derived(part.doc_type) {
            return;
        }
        for range in &part.sessions {
            let seen = self.seen.entry(range.session_id.to_string()).or_default();
            (range.first..=range.last).for_each(|seq| seen.add(seq));
        }
    }

    fn part(&mut self, part: &Part) -> Result<(), StoreError> {
        // Read to the end, whatever the file looks like: disks rot quietly.
        if part.written.is_some() && damage::examine(self.root, [part]) {
            let reason = damage::defect(self.root, part).unwrap_or_else(|| "it cannot be read".to_owned());
            return Err(StoreError::part(&self.root.path().join(&part.path))(reason));
        }
        let own = parts::own_entry(self.root, &part.path)?;
        self.result.parts += 1;
        let mut rows = 0;
        let mut twice = 0;
        for batch in scan::batches(self.root, part, None) {
            let batch = batch?;
            rows += batch.num_rows() as u64;
            let sessions = batch.column_by_name("session_id").and_then(|column| column.as_string_opt::<i32>());
            let number = |name: &str| batch.column_by_name(name).and_then(|c| c.as_primitive_opt::<Int64Type>());
            let (Some(sessions), Some(seqs), Some(ordinals)) = (sessions, number("seq"), number("ordinal")) else {
                return Err(StoreError::part(&self.root.path().join(&part.path))("its key columns are missing"));
            };
            let frames = Frames::of(part.doc_type, &batch);
            let statuses = batch.column_by_name("frame").and_then(|column| column.as_string_opt::<i32>());
            for status in
                statuses.into_iter().flatten().flatten().filter(|status| *status != FrameStatus::Ok.as_str())
            {
                match self.result.unread.get_mut(status) {
                    Some(count) => *count += 1,
                    None => drop(self.result.unread.insert(status.to_owned(), 1)),
                }
            }
            for row in 0..batch.num_rows() {
                let (session, seq) = (sessions.value(row), seqs.value(row));
                if !self.keys.insert(key(session, seq, ordinals.value(row))) {
                    twice += 1;
                }
                if !frames.holds(row) {
                    continue;
                }
                match self.seen.get_mut(session) {
                    Some(seen) => seen.add(seq.unsigned_abs()),
                    None => self.seen.entry(session.to_owned()).or_default().add(seq.unsigned_abs()),
                }
            }
        }
        self.result.rows += rows;
        if twice > 0 {
            self.problem(&part.path, format!("{twice} rows stand in another part too"), REBUILD);
            self.result.rebuild = true;
        }
        if rows != part.rows || own.bytes != part.bytes || own.sessions != part.sessions {
            let problem = format!(
                "the catalog says {} rows in {} bytes, the file has {rows} in {}",
                part.rows, part.bytes, own.bytes
            );
            self.problem(&part.path, problem, REBUILD);
            self.result.rebuild = true;
        }
        Ok(())
    }

    /// Parquet files that no catalog names.
    fn strangers(&mut self, catalog: &Catalog) -> Result<(), StoreError> {
        let lost = catalog.lost.iter().map(|lost| &lost.part);
        let known: HashSet<&str> = catalog.parts.iter().chain(lost).map(|part| part.path.as_str()).collect();
        for path in parts::files_on_disk(self.root)?.iter().filter(|path| !known.contains(path.as_str())) {
            self.problem(
                path,
                "no catalog names this file: its rows are in no view".to_owned(),
                "An older layout is taken in by `replayer schema migrate`; the next process that writes takes in or sets aside the rest",
            );
        }
        Ok(())
    }

    fn journal(&mut self, catalog: &Catalog) -> Result<(), StoreError> {
        for segment in journal::segments(self.root)? {
            let about = format!("journal segment {} of session {}", segment.number, segment.session_id);
            let sealed = catalog.sealed.get(&segment.session_id).copied().unwrap_or(0);
            let seen = self.seen.entry(segment.session_id.to_string()).or_default();
            let mut records = 0;
            let read = SegmentReader::open(&segment.path).and_then(|mut reader| {
                reader.recover(|record| {
                    records += 1;
                    if record.seq > sealed {
                        seen.add(record.seq);
                    }
                    Ok(())
                })
            });
            self.result.segments += 1;
            self.result.journal_records += records;
            match read {
                // A torn tail may be a record that is being written at this moment.
                Ok(damages) => {
                    for damage in damages.iter().filter(|damage| damage.resumed) {
                        let problem = format!("{} damaged bytes at {}", damage.bytes, damage.offset);
                        self.problem(
                            &about,
                            problem,
                            "The next start of the recorder passes over them and says so",
                        );
                    }
                }
                Err(error) => self.problem(&about, error.to_string(), "The next start sets the segment aside"),
            }
        }
        Ok(())
    }

    /// Every record makes one row that holds it, so the numbers of these rows have no gaps.
    fn completeness(&mut self, catalog: &Catalog) {
        let pruned = |session: &str| {
            let started = catalog.sessions.iter().find(|info| info.session_id.to_string() == session);
            match (&catalog.pruned_before, started) {
                (Some(date), Some(info)) => {
                    parts::date_of(info.started_us) < *date || info.origin.starts_with("import")
                }
                (Some(_), None) => true,
                (None, _) => false,
            }
        };
        // How far a session came, also where none of its frames are left.
        let lost = catalog.lost.iter().map(|lost| &lost.part);
        for range in catalog.parts.iter().chain(lost).flat_map(|part| &part.sessions) {
            let seen = self.seen.entry(range.session_id.to_string()).or_default();
            seen.last = seen.last.max(range.last);
        }
        self.result.sessions = self.seen.len();
        let gaps: Vec<(String, u64, u64)> = self
            .seen
            .iter()
            .filter(|(session, seen)| seen.missing() > 0 && !pruned(session) && is_ours(session))
            .map(|(session, seen)| (session.clone(), seen.missing(), seen.last))
            .collect();
        for (session, missing, last) in gaps {
            self.problem(
                &format!("session {session}"),
                format!("{missing} of {last} frames are in no part and not in the journal"),
                "They were in the parts that are named above, or in ones that are missing from the folder",
            );
        }
    }
}

const REBUILD: &str = "`replayer data repair` makes the catalog again from what the parts say";

/// Migrated sessions keep the numbering of their old store, which may have had gaps.
fn is_ours(session: &str) -> bool {
    session.parse::<SessionId>().is_ok_and(|id| id.is_recorded())
}

fn key(session: &str, seq: i64, ordinal: i64) -> u128 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let hash = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, session, seq, ordinal).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (hash(0) << 64) | hash(1)
}
