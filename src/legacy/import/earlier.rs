//! What earlier imports hold of a file.

use std::collections::HashMap;

use crate::fingerprint::{Beginning, Fingerprint};
use crate::target::Known;

/// What earlier imports hold of a file.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// The import of the same bytes.
    pub same: Option<Known>,
    /// The longest beginning that was imported.
    pub beginning: Option<(Beginning, Known)>,
    /// Sessions of all of them.
    pub sessions: Vec<String>,
}

impl Earlier {
    /// With `reads_again`, only the same bytes in this very run count as read.
    pub fn of(fingerprint: &Fingerprint, known: &[Known], reads_again: bool) -> Earlier {
        let mut earlier = Earlier::default();
        let by_digest: HashMap<&str, &Known> = known.iter().map(|known| (known.sha256.as_str(), known)).collect();
        for beginning in &fingerprint.beginnings {
            if let Some(found) = by_digest.get(beginning.sha256.as_str()) {
                earlier.sessions.extend(found.session_id.clone());
                earlier.beginning = Some((beginning.clone(), (*found).clone())).filter(|_| !reads_again);
            }
        }
        let same: Vec<&Known> = known.iter().filter(|known| known.sha256 == fingerprint.sha256).collect();
        earlier.sessions.extend(same.iter().filter_map(|same| same.session_id.clone()));
        earlier.same = same.into_iter().find(|same| !reads_again || same.session_id.is_none()).cloned();
        earlier
    }
}
