//! From journal segments to Parquet parts, and what a start after a crash has to finish.
//!
//! The steps, each of which may be the last one before a crash: parts under temporary names, durable; renamed;
//! the catalog names them and says up to which frame the session is sealed; the segments go. Before the
//! catalog, the segments count and the new parts are leftovers; after it, the parts count and the segments are.

use std::collections::{BTreeMap, VecDeque};
use std::fs;

use super::catalog::SessionInfo;
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

impl Store {
    /// Seals segments of one session, in order, and removes them.
    ///
    /// # Errors
    /// When a part or the catalog cannot be written: the segments then stay, and it can be tried again.
    pub fn seal(&self, session_id: SessionId, segments: &[SegmentPath]) -> Result<Sealed, StoreError> {
        let _one_at_a_time = self.sealing();
        let sealed_to = self.with_catalog(|catalog| catalog.sealed.get(&session_id).copied().unwrap_or(0));
        let mut writer = PartWriter::new(self.root(), "seal", Vec::new());
        let mut context: Option<Context> = None;
        let mut last_seq = sealed_to;
        let mut result = Sealed::default();
        let mut found: Vec<(u64, Damage)> = Vec::new();
        let mut lost: VecDeque<u64> = VecDeque::new();
        let mut info = None;
        for segment in segments {
            let mut reader = SegmentReader::open(&segment.path)?;
            let Some(head) = reader.head()?.cloned() else {
                continue;
            };
            if info.is_none() {
                // What came before it was sealed, even if the catalog that said so is lost.
                last_seq = last_seq.max(head.first_seq.saturating_sub(1));
                info = Some(session_info(&head));
            }
            let context = context.get_or_insert_with(|| Context {
                requests: head.requests.clone(),
                games: GameFilter::new(self.stored_games()),
            });
            let damages = reader.recover(|record| {
                if record.seq <= last_seq {
                    return Ok(());
                }
                // The numbers of a session have no gaps: these were written, and a power cut took them.
                lost.extend((last_seq + 1..record.seq).take(MOST_LOST));
                last_seq = record.seq;
                result.records += 1;
                project(session_id, record, context, &mut writer)
            })?;
            found.extend(damages.into_iter().map(|damage| (segment.number, damage)));
        }
        let mut notes: Vec<(u64, String)> = Vec::new();
        for (number, damage) in &found {
            // A record is lost at a damaged place; behind the last record nobody knows how many.
            let lost = if damage.resumed { lost.pop_front() } else { None };
            let seq = lost.unwrap_or_else(|| {
                last_seq += 1;
                last_seq
            });
            notes.push((seq, damage_details(*number, damage)));
        }
        // The others that are lost there, so that the session has no number that nothing is known of.
        notes.extend(lost.into_iter().map(|seq| (seq, lost_details())));
        for (seq, details) in &notes {
            let record = Record { seq: *seq, ..Record::system(now_us(), Source::Ui, "journal_cut", details) };
            project(session_id, &record, &mut Context::default(), &mut writer)?;
        }
        result.damages = found.len();
        if result.records + notes.len() as u64 > 0 {
            let pending = writer.finish()?;
            reached(Step::PartsWritten);
            let published = pending.publish()?;
            reached(Step::PartsNamed);
            result.parts = published.len();
            self.update_catalog(|catalog| {
                catalog.parts.extend(published.iter().cloned());
                catalog.sealed.insert(session_id, last_seq);
                if let Some(info) = info.take() {
                    catalog.add_session(info);
                }
            })?;
            reached(Step::CatalogReplaced);
        }
        if let Some(context) = context {
            self.set_stored_games(context.games.into_stored());
        }
        self.remove_segments(session_id, segments)?;
        Ok(result)
    }

    fn remove_segments(&self, session_id: SessionId, segments: &[SegmentPath]) -> Result<(), StoreError> {
        for segment in segments {
            fsio::remove(&segment.path)?;
            reached(Step::FileRemoved);
        }
        let folder = self.root().session_dir(session_id);
        // Goes only when it is empty, that is, when the session is over.
        let is_over = fs::remove_dir(&folder).is_ok();
        // The catalog soon forgets how far a session is sealed that has no folder any more. If a power cut gave the folder
        // back after that, its rows would be sealed a second time.
        let changed = if is_over || !folder.exists() { self.root().journal_dir() } else { folder };
        fsio::sync_folder(&changed)
    }

    /// Clears up after a crash: removes temporary files, and tells which journals are left to seal. Before anyone records
    /// or seals: what they have on the disk would look the same.
    pub(super) fn tidy(&self) -> Result<LeftBehind, StoreError> {
        for path in parts::leftovers(self.root())? {
            fsio::remove(&self.root().path().join(path))?;
        }
        // Whoever removed sealed segments last may have been killed before they were gone for good.
        fsio::sync_folder(&self.root().journal_dir())?;
        let mut sessions: BTreeMap<SessionId, Vec<SegmentPath>> = BTreeMap::new();
        for segment in journal::segments(self.root())? {
            sessions.entry(segment.session_id).or_default().push(segment);
        }
        Ok(LeftBehind { sessions })
    }

    /// Leaves out segments whose head is damaged: they are renamed, not removed, and the rest goes on.
    fn readable(&self, segments: Vec<SegmentPath>) -> Result<Vec<SegmentPath>, StoreError> {
        let mut readable = Vec::new();
        for segment in segments {
            match SegmentReader::open(&segment.path)?.head() {
                Ok(_) => readable.push(segment),
                Err(error) => {
                    let aside = segment.path.with_extension("seg.damaged");
                    fs::rename(&segment.path, &aside).map_err(StoreError::io("set aside", &segment.path))?;
                    tracing::error!(%error, path = %aside.display(), "set aside a damaged segment");
                }
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
            let present = segments.iter().filter(|segment| segment.path.exists()).cloned().collect();
            let readable = store.readable(present)?;
            let sealed = store.seal(*session_id, &readable)?;
            tracing::info!(%session_id, records = sealed.records, damages = sealed.damages, "sealed a journal left behind");
        }
        Ok(())
    }
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
