//! From journal segments to Parquet parts, and what a start after a crash has to finish.
//!
//! The steps, each of which may be the last one before a crash: parts under temporary names, durable; renamed;
//! the catalog names them and says up to which frame the session is sealed; the segments go. Before the
//! catalog, the segments count and the new parts are leftovers; after it, the parts count and the segments are.

use std::collections::{BTreeMap, VecDeque};

use super::catalog::{About, InForce, SessionInfo};
use super::error::StoreError;
use super::games::GameFilter;
use super::ids::SessionId;
use super::journal::reader::{Damage, SegmentReader};
use super::journal::{self, SegmentHead, SegmentPath};
use super::open::Store;
use super::parts::{self, PartWriter};
use super::project::{Context, project};
use super::record::{Record, Source, now_us};
use super::steps::{Step, reached};
use super::{fsio, record};

/// The event that says what of a journal is lost. Its time is the one at which that was noticed, not the frame's.
pub(super) const JOURNAL_CUT: &str = "journal_cut";

/// What sealing did.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Sealed {
    /// Frames and system events sealed.
    pub records: u64,
    /// Parts written.
    pub parts: usize,
    /// Damaged places that were passed over, each told by a `system_event`.
    pub damages: usize,
}

/// A segment that nothing is appended to any more.
pub(super) struct Closed {
    /// The segment.
    pub(super) segment: SegmentPath,
    /// How much of it is whole, bytes. What stands behind is the half of a record that the disk did not take and did not
    /// give up either: whoever appended it was refused, so nothing is missing.
    pub(super) length: u64,
}

/// What the sealer of a session that goes on remembers from one time to the next.
#[derive(Default)]
pub(super) struct SealedSoFar {
    /// Damaged places that no `system_event` tells of yet, with the number of their segment: while the session goes on,
    /// every `seq` belongs to the recorder, and an event that took one would hide the frame that gets it.
    damages: Vec<(u64, Damage)>,
    /// The last `seq` sealed.
    last_seq: u64,
    /// Whether segments were sealed already, if only ones of which nothing could be read.
    has_begun: bool,
}

impl SealedSoFar {
    /// Whether there are damages to tell of.
    pub(super) fn has_damages(&self) -> bool {
        !self.damages.is_empty()
    }

    fn knows(&self, segment: u64, damage: &Damage) -> bool {
        self.damages.iter().any(|(number, known)| *number == segment && known.offset == damage.offset)
    }
}

impl Store {
    /// Seals segments of one session that is over, in order, and removes them. Segments that are gone were sealed before.
    ///
    /// # Errors
    /// When a part or the catalog cannot be written: the segments then stay, and it can be tried again.
    pub fn seal(&self, session_id: SessionId, segments: &[SegmentPath]) -> Result<Sealed, StoreError> {
        let closed = |segment: &SegmentPath| Closed { segment: segment.clone(), length: u64::MAX };
        let closed: Vec<Closed> = segments.iter().map(closed).collect();
        self.seal_closed(session_id, &closed, &mut SealedSoFar::default(), true)
    }

    /// As [`Store::seal`], for a recorder: with `is_over` unset the session goes on, and `so_far` is to be handed in again
    /// the next time.
    pub(super) fn seal_closed(
        &self,
        session_id: SessionId,
        segments: &[Closed],
        so_far: &mut SealedSoFar,
        is_over: bool,
    ) -> Result<Sealed, StoreError> {
        let _one_at_a_time = self.sealing();
        self.settle_catalog()?;
        if let Err(error) = self.settle_files() {
            // No reason to leave frames in the journal.
            tracing::warn!(%error, "a part that is not in force stays for now");
        }
        let sealed_to = self.with_catalog(|catalog| catalog.sealed.get(&session_id).copied().unwrap_or(0));
        let sealed_to = sealed_to.max(so_far.last_seq);
        let mut writer = PartWriter::new(self.root(), "seal", Vec::new(), self.known_rows(&[]));
        let mut context: Option<Context> = None;
        let mut last_seq = sealed_to;
        let mut result = Sealed::default();
        // Numbers of records that no segment has any more.
        let mut lost: VecDeque<u64> = VecDeque::new();
        let mut info = None;
        let mut in_force = None;
        for Closed { segment, length } in segments {
            let mut reader = match SegmentReader::open(&segment.path) {
                Ok(reader) => reader,
                // Sealed and removed before the disk failed; the others are tried again.
                Err(error) if error.is_not_found() => continue,
                Err(error) => return Err(error),
            };
            let head = match reader.head() {
                Ok(Some(head)) => head.clone(),
                // Less than a head, and no whole record behind it.
                Ok(None) => continue,
                // The others are not to wait for it.
                Err(error @ StoreError::Manifest { .. }) => {
                    set_segment_aside(segment, &error)?;
                    continue;
                }
                Err(error) => return Err(error),
            };
            if info.is_none() && last_seq == 0 && !so_far.has_begun {
                // What came before it was sealed, even if the catalog that said so is lost.
                last_seq = head.first_seq.saturating_sub(1);
            }
            info.get_or_insert_with(|| session_info(&head));
            let context = context.get_or_insert_with(|| Context {
                requests: head.requests.clone(),
                games: GameFilter::new(self.stored_games()),
            });
            let mut last_in_it = head.first_seq;
            let damages = reader.recover(|record| {
                last_in_it = last_in_it.max(record.seq);
                if record.seq <= last_seq {
                    return Ok(());
                }
                // The numbers of a session have no gaps: these were written, and a power cut took them.
                lost.extend((last_seq + 1..record.seq).take(MOST_LOST));
                last_seq = record.seq;
                result.records += 1;
                project(session_id, record, context, &mut writer)
            })?;
            // A segment that could not be removed when it was sealed: what is damaged in it was noted then.
            let noted = |damage: &Damage| last_in_it <= sealed_to || so_far.knows(segment.number, damage);
            let new = damages.into_iter().filter(|damage| damage.offset < *length && !noted(damage));
            let new: Vec<_> = new.map(|damage| (segment.number, damage)).collect();
            so_far.damages.extend(new);
        }
        let mut notes: Vec<(u64, String)> = Vec::new();
        let mut untold = Vec::new();
        for (number, damage) in &so_far.damages {
            // A damaged place stands for a record that is lost there; behind the last record nobody knows, and while the
            // session goes on the next number is the next frame's.
            let stands_for = if damage.resumed { lost.pop_front() } else { None };
            let Some(seq) = stands_for.or_else(|| is_over.then_some(last_seq + 1)) else {
                untold.push((*number, damage.clone()));
                continue;
            };
            last_seq = last_seq.max(seq);
            notes.push((seq, damage_details(*number, damage)));
        }
        result.damages = notes.len();
        // The others that are lost there, so that the session has no number that nothing is known of.
        notes.extend(lost.into_iter().map(|seq| (seq, lost_details())));
        for (seq, details) in &notes {
            let record = Record { seq: *seq, ..Record::system(now_us(), Source::Ui, JOURNAL_CUT, details) };
            project(session_id, &record, &mut Context::default(), &mut writer)?;
        }
        if result.records + notes.len() as u64 > 0 {
            writer.know(About { sessions: info.iter().cloned().collect(), imports: Vec::new() });
            in_force = Some(self.put_in_force(writer.finish()?, |catalog, parts| {
                result.parts = parts.len();
                catalog.parts.extend(parts);
                catalog.sealed.insert(session_id, last_seq);
                if let Some(info) = info {
                    catalog.add_session(info);
                }
            })?);
            so_far.last_seq = last_seq;
            so_far.damages = untold;
        }
        if let Some(context) = context {
            self.set_stored_games(context.games.into_stored());
        }
        // With the catalog before, the segments would count again.
        in_force.map_or(Ok(()), InForce::durable)?;
        so_far.has_begun |= !segments.is_empty();
        self.remove_segments(session_id, segments.iter().map(|closed| &closed.segment))?;
        Ok(result)
    }

    fn remove_segments<'s>(
        &self,
        session_id: SessionId,
        segments: impl Iterator<Item = &'s SegmentPath>,
    ) -> Result<(), StoreError> {
        for segment in segments {
            fsio::remove(&segment.path)?;
            reached(Step::FileRemoved);
        }
        let folder = self.root().session_dir(session_id);
        // Goes only when it is empty, that is, when the session is over.
        let is_over = fsio::remove_dir(&folder).is_ok();
        // The catalog soon forgets how far a session is sealed that has no folder any more. If a power cut gave the folder
        // back after that, its rows would be sealed a second time.
        let changed =
            if is_over || !fsio::exists(&folder).unwrap_or(true) { self.root().journal_dir() } else { folder };
        fsio::sync_folder(&changed)
    }

    /// Clears up after a crash: removes temporary files, and tells which journals are left to seal. Before anyone records
    /// or seals: what they have on the disk would look the same.
    pub(super) fn recover(&self) -> Result<LeftBehind, StoreError> {
        for path in parts::leftovers(self.root())? {
            fsio::remove(&self.root().path().join(path))?;
        }
        for folder in fsio::entries(&self.root().journal_dir()).unwrap_or_default() {
            // Only an empty one goes: of a session that ended when the disk refused to remove it.
            let _ = fsio::remove_dir(&folder.path);
        }
        // Whoever removed sealed segments last may have been killed before they were gone for good.
        fsio::sync_folder(&self.root().journal_dir())?;
        let mut sessions: BTreeMap<SessionId, Vec<SegmentPath>> = BTreeMap::new();
        for segment in journal::segments(self.root())? {
            sessions.entry(segment.session_id).or_default().push(segment);
        }
        Ok(LeftBehind { sessions })
    }

    /// Leaves out segments of which nothing can be read: they are renamed, not removed, and the rest goes on.
    fn readable(&self, segments: Vec<SegmentPath>) -> Result<Vec<SegmentPath>, StoreError> {
        let mut readable = Vec::new();
        for segment in segments {
            match SegmentReader::open(&segment.path)?.head() {
                Ok(_) => readable.push(segment),
                Err(error @ StoreError::Manifest { .. }) => set_segment_aside(&segment, &error)?,
                // A disk that does not answer says nothing about the segment.
                Err(error) => return Err(error),
            }
        }
        Ok(readable)
    }
}

/// Journals of sessions that did not end properly, as they were when the store was opened.
#[must_use = "what a crash left in the journal is to be sealed"]
#[derive(Debug, Default)]
pub struct LeftBehind {
    sessions: BTreeMap<SessionId, Vec<SegmentPath>>,
}

impl LeftBehind {
    /// Whether nothing was left behind.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Seals them, session by session, until `stop` says to stop: the rest is then left to the next start.
    ///
    /// # Errors
    /// As [`Store::seal`]; it can be tried again.
    pub fn seal(&self, store: &Store, stop: impl Fn() -> bool) -> Result<(), StoreError> {
        for (session_id, segments) in &self.sessions {
            if stop() {
                return Ok(());
            }
            let mut present = Vec::new();
            for segment in segments {
                if fsio::exists(&segment.path).map_err(StoreError::io("look at", &segment.path))? {
                    present.push(segment.clone());
                }
            }
            let readable = store.readable(present)?;
            let sealed = store.seal(*session_id, &readable)?;
            tracing::info!(%session_id, records = sealed.records, damages = sealed.damages, "sealed a journal left behind");
        }
        Ok(())
    }
}

/// Renames a segment of which nothing can be read.
fn set_segment_aside(segment: &SegmentPath, error: &StoreError) -> Result<(), StoreError> {
    let aside = segment.path.with_extension("seg.damaged");
    fsio::rename(&segment.path, &aside).map_err(StoreError::io("set aside", &segment.path))?;
    tracing::error!(%error, path = %aside.display(), "set aside a damaged segment");
    Ok(())
}

fn session_info(head: &SegmentHead) -> SessionInfo {
    SessionInfo { session_id: head.session_id, origin: head.origin.clone(), started_us: head.started_us }
}

/// More records than these are not lost in one place: a number beyond them is damage itself.
const MOST_LOST: usize = 100_000;

fn lost_details() -> String {
    serde_json::json!({ "lost": true, "noticed_us": record::now_us() }).to_string()
}

fn damage_details(segment: u64, damage: &Damage) -> String {
    serde_json::json!({
        "segment": segment,
        "offset": damage.offset,
        "bytes": damage.bytes,
        "torn_tail": !damage.resumed,
        "text": damage.text,
        "noticed_us": record::now_us(),
    })
    .to_string()
}

#[cfg(test)]
mod tests;
