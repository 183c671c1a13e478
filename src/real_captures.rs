//! The real captures beside the project, for tests. They name real people: nothing of them may be copied into a test.

/// Their folder, where it is there.
pub(crate) use crate::needs::real_captures as folder;

/// The time that a line of theirs begins with, µs; the zone does not matter.
#[allow(dead_code, reason = "each crate's tests use what they need")]
pub(crate) fn time_of(line: &str) -> Option<i64> {
    let json: serde_json::Value = serde_json::from_str(line).ok()?;
    let text = json.get("ts").or(json.get("timestamp"))?.as_str()?;
    let civil: jiff::civil::DateTime = text.get(..26)?.parse().ok()?;
    Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_microsecond())
}
