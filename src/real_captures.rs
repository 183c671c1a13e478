//! The real captures beside the project, for tests. They name real people: nothing of them may be copied into a test.

use std::path::{Path, PathBuf};

/// Their folder. Where it is not there, that is said loudly and nothing is tested on them.
pub(crate) fn folder() -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        ["../shared/data", "../../shared/data"].into_iter().map(|path| home.join(path)).find(|at| at.is_dir());
    if found.is_none() {
        eprintln!("SKIPPED: the real captures are not at {}/../shared/data", home.display());
    }
    found
}

/// The time that a line of theirs begins with, µs; the zone does not matter.
pub(crate) fn time_of(line: &str) -> Option<i64> {
    let json: serde_json::Value = serde_json::from_str(line).ok()?;
    let text = json.get("ts").or(json.get("timestamp"))?.as_str()?;
    let civil: jiff::civil::DateTime = text.get(..26)?.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}
