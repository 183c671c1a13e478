//! Every line of the log as a row of the store, where nobody else does it.
//!
//! Whoever holds the writer lease follows the log and writes its lines ([`crate::capture::verification`]). Where nobody
//! holds it, who has added to the log takes it for a moment and writes what is missing, as a session of its own.

use std::sync::Arc;

use crate::capture::{events, verification};
use crate::store::chain::Tip;
use crate::store::record::{Record, Source, now_us};
use crate::store::recorder::{Recorder, RecorderOptions};
use crate::store::root::DataRoot;
use crate::store::{Store, StoreError, span};

/// Writes what the store lacks. `false`: another process holds the lease and does it.
///
/// # Errors
/// When the store cannot be read or written.
pub fn publish(root: &DataRoot) -> Result<bool, StoreError> {
    let contents = root.verification_log().read(&Tip::default())?;
    if contents.lines.is_empty() {
        return Ok(true);
    }
    // Asked before the lease is taken: most often there is nothing to do.
    let stored = verification::stored(root)?;
    if contents.lines.iter().all(|line| stored.contains(&line.hash)) {
        return Ok(true);
    }
    let store = match Store::open(root, "verify") {
        Ok(store) => Arc::new(store),
        Err(StoreError::Leased { .. }) => return Ok(false),
        Err(error) => return Err(error),
    };
    // Asked again, now that nobody else writes.
    let stored = verification::stored(root)?;
    let missing = contents.lines.iter().filter(|line| !stored.contains(&line.hash));
    let recorder = Recorder::start(store, RecorderOptions::new(span::VERIFICATION))?;
    for line in missing {
        let details = verification::details(line).to_string();
        recorder.append(&Record::system(now_us(), Source::Ui, events::VERIFICATION, &details))?;
    }
    recorder.close()?;
    Ok(true)
}
