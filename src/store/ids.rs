//! Newtypes for the ids of the store.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::StoreError;

/// One run of a recorder, or one imported file. A UUID v7: ids sort by time of start, and those of one data root in the
/// order of starting also where the wall clock was set back in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(Uuid);

impl SessionId {
    /// A new session, starting now.
    pub fn start() -> SessionId {
        SessionId(Uuid::now_v7())
    }

    /// A new session that starts now, behind all of these: where the wall clock says otherwise it was set back, and the id
    /// follows the newest of them by a millisecond.
    pub fn start_after(earlier: impl IntoIterator<Item = SessionId>) -> SessionId {
        let new = SessionId::start();
        // Ids of older stores have no time.
        let newest = earlier.into_iter().filter(SessionId::is_recorded).max();
        match newest.filter(|newest| *newest >= new) {
            Some(newest) => {
                // The first 48 bits of a UUID v7 are its milliseconds.
                let [.., a, b, c, d, e, f, g, h, i, j] = *new.0.as_bytes();
                let millis = (newest.0.as_u128() >> 80) as u64 + 1;
                let random = [a, b, c, d, e, f, g, h, i, j];
                SessionId(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
            }
            None => new,
        }
    }

    /// The id with this number; for tests that need the same ids every time.
    pub fn from_u128(n: u128) -> SessionId {
        SessionId(Uuid::from_u128(n))
    }

    /// The id that stands for a session of an older store, which named its sessions otherwise. The same name
    /// gives the same id.
    pub fn of_foreign(name: &str) -> SessionId {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(name.as_bytes());
        let bytes = digest.first_chunk::<16>().copied().unwrap_or_default();
        SessionId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Whether this program numbered the session's frames itself, as opposed to an older store.
    pub fn is_recorded(&self) -> bool {
        self.0.get_version() == Some(uuid::Version::SortRand)
    }

    /// Writes the id's text into `buffer`: one per row is formatted, without an allocation for each.
    pub fn write<'b>(&self, buffer: &'b mut [u8; 36]) -> &'b str {
        self.0.hyphenated().encode_lower(buffer)
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for SessionId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<SessionId, StoreError> {
        let bad = || StoreError::BadId(text.into(), "a session id (a UUID like 0198c2a4-…)");
        Uuid::parse_str(text).map(SessionId).map_err(|_| bad())
    }
}

/// The stable address of a frame: valid after sealing, compaction and migration. Written `session:seq`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventRef {
    /// The session.
    pub session_id: SessionId,
    /// The number of the frame in it, from 1.
    pub seq: u64,
}

impl fmt::Display for EventRef {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}:{}", self.session_id, self.seq)
    }
}

impl FromStr for EventRef {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<EventRef, StoreError> {
        let bad = || StoreError::BadId(text.into(), "an event ref (session_id:seq)");
        let (session, seq) = text.rsplit_once(':').ok_or_else(bad)?;
        let session_id = session.parse().map_err(|_| bad())?;
        Ok(EventRef { session_id, seq: seq.parse().map_err(|_| bad())? })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_event_ref_round_trips_through_its_text() {
        let event = EventRef { session_id: SessionId::start(), seq: 42 };
        assert_eq!(event.to_string().parse::<EventRef>().unwrap(), event);
        assert!("42".parse::<EventRef>().is_err());
        assert!(format!("{}:x", event.session_id).parse::<EventRef>().is_err());
    }

    #[test]
    fn a_session_follows_those_before_it_also_when_the_clock_was_set_back() {
        let in_a_year = SessionId(Uuid::from_u128(SessionId::start().0.as_u128() + (31_536_000_000 << 80)));
        let foreign = SessionId::of_foreign("ffff");
        let mut known = vec![foreign, in_a_year];
        for _ in 0..3 {
            let next = SessionId::start_after(known.iter().copied());
            assert!(next.is_recorded());
            assert!(known.iter().filter(|id| id.is_recorded()).all(|id| *id < next));
            known.push(next);
        }
        assert!(SessionId::start_after([foreign]) < in_a_year);
    }
}
