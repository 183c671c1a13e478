//! From when to when a store has frames.

use std::collections::BTreeSet;

use super::catalog::{Catalog, Part};
use super::ids::SessionId;
use super::schema::DocType;

/// Origins of sessions that hold no frames: what this program adds to a store, at the time of adding.
const OWN: [&str; 3] = [PROOF, VERIFICATION, REPLAY];

/// Origin of the session that proofs are stored in where nobody records.
pub const PROOF: &str = "proof";

/// Origin of the session that decisions are stored in.
pub const VERIFICATION: &str = "verify";

/// Origin of the sessions that actions of a replay are stored in.
pub const REPLAY: &str = "replay";

impl Catalog {
    /// Times of the first and the last sealed row that a frame or a recorded line brought, microseconds UTC. What the
    /// program itself noted (system events, proofs, ticks that a proof filled) is no frame, whenever that was.
    pub fn frames_span(&self) -> Option<(i64, i64)> {
        let own = self.own_sessions();
        span(self.parts.iter().filter(|part| is_of_frames(part, &own)))
    }

    /// The same of one kind of rows; of system events, of all of them.
    pub fn span_of(&self, doc_type: DocType) -> Option<(i64, i64)> {
        let own = self.own_sessions();
        let parts = self.parts.iter().filter(|part| part.doc_type == doc_type);
        span(parts.filter(|part| doc_type == DocType::SystemEvent || is_of_frames(part, &own)))
    }

    fn own_sessions(&self) -> BTreeSet<SessionId> {
        let own = self.sessions.iter().filter(|info| OWN.contains(&info.origin.as_str()));
        own.map(|info| info.session_id).collect()
    }
}

fn is_of_frames(part: &Part, own: &BTreeSet<SessionId>) -> bool {
    let mut ranges = part.sessions.iter();
    let others = part.sessions.is_empty() || ranges.any(|range| !own.contains(&range.session_id));
    part.doc_type != DocType::SystemEvent && others
}

fn span<'p>(parts: impl Iterator<Item = &'p Part>) -> Option<(i64, i64)> {
    let spans = parts.filter_map(|part| part.ts_min.zip(part.ts_max));
    spans.reduce(|(first, last), (from, to)| (first.min(from), last.max(to)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::catalog::{Lineage, SeqRange, SessionInfo};

    fn part(doc_type: DocType, session: u128, ts: (i64, i64)) -> Part {
        Part {
            path: String::new(),
            doc_type,
            date: String::new(),
            rows: 1,
            bytes: 1,
            ts_min: Some(ts.0),
            ts_max: Some(ts.1),
            sessions: vec![SeqRange { session_id: SessionId::from_u128(session), first: 1, last: 1 }],
            schema: String::new(),
            written: None,
            layout: 0,
            ticks: None,
            ids: None,
            lineage: Lineage::default(),
        }
    }

    #[test]
    fn what_the_program_notes_later_is_no_frame() {
        let info = |session: u128, origin: &str| SessionInfo {
            session_id: SessionId::from_u128(session),
            origin: origin.to_owned(),
            started_us: 0,
        };
        let catalog = Catalog {
            parts: vec![
                part(DocType::WsEvent, 1, (10, 20)),
                part(DocType::GameTick, 1, (10, 19)),
                part(DocType::SystemEvent, 1, (5, 500)),
                part(DocType::SystemEvent, 2, (900, 900)),
                part(DocType::GameTick, 2, (900, 900)),
            ],
            sessions: vec![info(1, "import:a.jsonl"), info(2, PROOF)],
            ..Catalog::default()
        };
        assert_eq!(catalog.frames_span(), Some((10, 20)));
        assert_eq!(catalog.span_of(DocType::GameTick), Some((10, 19)));
        assert_eq!(catalog.span_of(DocType::SystemEvent), Some((5, 900)));
        assert_eq!(Catalog::default().frames_span(), None);
    }
}
