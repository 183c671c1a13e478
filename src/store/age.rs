//! How young the rows of a part are, whatever its date says.
//!
//! A part's date is what the wall clock said, and that clock may fall back while a session runs: with a dead battery,
//! frames of 2026 are stamped 2020. Order never follows it: what has a higher number in a session was recorded later. So
//! rows are as young as the youngest day on which something before them in their session was stamped. A clock that jumps
//! forward makes what follows younger than it is, which only keeps it longer.
//!
//! This holds for sessions that this program recorded. An imported file has its frames in the file's order, which may be
//! any, and an older store numbered its sessions as it liked: there the dates count as they are.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;

use super::StoreError;
use super::catalog::{Part, SeqRange, SessionInfo};
use super::ids::SessionId;
use super::root::{DataRoot, NO_DATE};
use super::scan;
use super::schema::DocType;
use super::seal::JOURNAL_CUT;

/// Where each session came to a day: the lowest number under which something of that day, or of a later one, is stored.
#[derive(Debug, Default)]
pub(super) struct Reached {
    from: BTreeMap<SessionId, u64>,
}

impl Reached {
    /// Where the sessions of these parts came to `date`. `sessions` says which of them were imported; one that it does not
    /// name was recorded.
    pub(super) fn of(root: &DataRoot, date: &str, parts: &[&Part], sessions: &[SessionInfo]) -> Reached {
        let foreign = sessions.iter().filter(|info| is_foreign(&info.origin));
        let foreign: BTreeSet<SessionId> = foreign.map(|info| info.session_id).collect();
        let counts = |range: &&SeqRange| range.session_id.is_recorded() && !foreign.contains(&range.session_id);
        let dated = parts.iter().copied().filter(|part| part.date != NO_DATE);
        let (younger, older): (Vec<&Part>, Vec<&Part>) = dated.partition(|part| part.date.as_str() >= date);
        // Up to which number it matters.
        let mut last: BTreeMap<SessionId, u64> = BTreeMap::new();
        for range in older.iter().flat_map(|part| &part.sessions) {
            let known = last.entry(range.session_id).or_default();
            *known = range.last.max(*known);
        }
        let mut reached = Reached::default();
        let (events, others): (Vec<&Part>, Vec<&Part>) =
            younger.into_iter().partition(|part| part.doc_type == DocType::SystemEvent);
        for range in others.iter().flat_map(|part| &part.sessions).filter(counts) {
            reached.saw(range.session_id, range.first);
        }
        for part in events {
            let would_matter = |range: &&SeqRange| {
                last.get(&range.session_id).is_some_and(|last| range.first < *last)
                    && reached.from.get(&range.session_id).is_none_or(|known| range.first < *known)
            };
            let mattering: Vec<SeqRange> =
                part.sessions.iter().filter(counts).filter(would_matter).copied().collect();
            if mattering.is_empty() {
                continue;
            }
            let stamped = first_stamped(root, part);
            for SeqRange { session_id, first, .. } in mattering {
                match &stamped {
                    Ok(stamped) => {
                        stamped.get(&session_id).into_iter().for_each(|first| reached.saw(session_id, *first));
                    }
                    // What cannot be read is taken for the worst: that only keeps more.
                    Err(_) => reached.saw(session_id, first),
                }
            }
        }
        reached
    }

    /// Whether a part holds rows that were recorded on that day or later, though it may be stamped with an earlier one.
    pub(super) fn is_behind(&self, part: &Part) -> bool {
        part.sessions.iter().any(|range| self.from.get(&range.session_id).is_some_and(|from| *from < range.last))
    }

    fn saw(&mut self, session_id: SessionId, seq: u64) {
        let known = self.from.entry(session_id).or_insert(seq);
        *known = seq.min(*known);
    }
}

fn is_foreign(origin: &str) -> bool {
    ["import", "migrated"].iter().any(|kind| origin.starts_with(kind))
}

/// The first number of each session in a part of system events that was stamped when it happened. What says that frames
/// are lost was stamped when that was noticed, perhaps weeks later, and has the number of a lost frame.
fn first_stamped(root: &DataRoot, part: &Part) -> Result<BTreeMap<SessionId, u64>, StoreError> {
    let mut first = Reached::default();
    for batch in scan::batches(root, part, Some(&["session_id", "seq", "event_type"])) {
        let batch = batch?;
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let seqs = batch.column_by_name("seq").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(sessions), Some(kinds), Some(seqs)) = (text("session_id"), text("event_type"), seqs) else {
            return Err(StoreError::part(&root.path().join(&part.path))("its key columns are missing"));
        };
        for ((session, kind), seq) in sessions.iter().zip(kinds.iter()).zip(seqs.iter()) {
            let session_id = session.and_then(|session| session.parse().ok());
            if let (Some(session_id), Some(seq)) = (session_id, seq)
                && kind != Some(JOURNAL_CUT)
            {
                first.saw(session_id, seq.unsigned_abs());
            }
        }
    }
    Ok(first.from)
}
