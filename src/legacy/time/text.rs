//! The ways to write a time, and which of them say an instant.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::{rfc2822, strtime};

/// A time as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// With its zone, or as a number since 1970: microseconds UTC.
    Instant(i64),
    /// Without a zone.
    Local(DateTime),
}

/// Reads a JSON value: a number, or a text of any of the forms of [`read`].
pub fn read_json(value: &str) -> Option<Written> {
    match value.strip_prefix('"') {
        // No form of a time needs an escape but `\/`, which PHP writes; a text with others is no time.
        Some(text) => {
            let text = text.strip_suffix('"')?.replace("\\/", "/");
            // A date alone is no time of a line.
            read(&text).filter(|written| matches!(written, Written::Instant(_)) || text.contains(['T', 't', ' ']))
        }
        None => epoch(value).map(Written::Instant),
    }
}

/// Reads a text: digits (Unix time in the unit that its magnitude tells), ISO 8601 with or without zone, an HTTP or
/// e-mail date, JavaScript's and C's own.
pub fn read(text: &str) -> Option<Written> {
    let text = text.trim();
    let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text).trim();
    match text.as_bytes() {
        [first, ..] if first.is_ascii_alphabetic() => {
            named_day(text).map(|at| Written::Instant(at.as_microsecond()))
        }
        // `15 Jan 2026 14:00:00 GMT`, an e-mail date without its weekday.
        [_, b' ', letter, ..] | [_, _, b' ', letter, ..] if letter.is_ascii_alphabetic() => {
            rfc2822(text).map(|at| Written::Instant(at.as_microsecond()))
        }
        _ => epoch(text).map(Written::Instant).or_else(|| iso(text)),
    }
}

fn iso(text: &str) -> Option<Written> {
    let text = plain(text);
    if !has_offset(&text) {
        return text.parse::<DateTime>().ok().map(Written::Local);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(Written::Instant(at.as_microsecond()));
    }
    // A zone's name in brackets, without an offset before it.
    text.parse::<jiff::Zoned>().ok().map(|at| Written::Instant(at.timestamp().as_microsecond()))
}

/// The text in ISO's own spelling: a date with hyphens, and nothing between the time and its zone.
fn plain(text: &str) -> Cow<'_, str> {
    let mut text = Cow::Borrowed(text);
    if matches!(text.as_bytes(), [_, _, _, _, b'/', ..]) {
        text = text.replacen('/', "-", 2).into();
    }
    let Some((date, rest)) = text.split_once(['T', 't', ' ']) else { return text };
    if !rest.contains(' ') {
        return text;
    }
    let (time, zone) = rest.trim_start().split_once(' ').unwrap_or((rest.trim_start(), ""));
    let zone = zone.trim();
    let zone = if ["UTC", "GMT", "utc", "z"].contains(&zone) { "Z" } else { zone };
    Cow::Owned(format!("{date}T{time}{zone}"))
}

/// Whether the time part ends in `Z` or `±hh:mm`, or names a zone. The date's own hyphens lie before the `T` or the blank.
fn has_offset(text: &str) -> bool {
    let time = text.split_once(['T', 't', ' ']).map_or("", |(_, time)| time);
    time.ends_with(['Z', 'z', ']']) || time.contains(['+', '-'])
}

/// A time that begins with a weekday's or a month's name. Without a zone it is UTC: as HTTP has it, and as C's `asctime`
/// is used in HTTP.
fn named_day(text: &str) -> Option<Timestamp> {
    if let Some(at) = rfc2822(text) {
        return Some(at);
    }
    // `Thu Jan 15 2026 14:00:00 GMT+0000 (Coordinated Universal Time)`, as JavaScript's `String(date)` has it.
    let text = text.split_once(" (").map_or(text, |(text, _)| text);
    let javascript = strtime::parse("%a %b %d %Y %H:%M:%S GMT%z", text).and_then(|at| at.to_timestamp());
    let c = || {
        let at = strtime::parse("%a %b %e %H:%M:%S %Y", text).and_then(|at| at.to_datetime());
        at.and_then(|at| jiff::tz::TimeZone::UTC.to_timestamp(at))
    };
    javascript.or_else(|_| c()).ok()
}

fn rfc2822(text: &str) -> Option<Timestamp> {
    // Programs get weekdays wrong; the date is what they meant.
    rfc2822::DateTimeParser::new().relaxed_weekday(true).parse_timestamp(text).ok()
}

/// Unix time in digits, with or without a fraction, in the unit that its magnitude tells; exact, which a double is not
/// in nanoseconds.
fn epoch(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.len() < 10 || !(whole.bytes().all(|byte| byte.is_ascii_digit())) {
        // `1.7684856e9`, as some languages print large numbers.
        let is_number = text.contains(['e', 'E']) && text.starts_with(|first: char| first.is_ascii_digit());
        return if is_number { text.parse().ok().and_then(from_epoch_any) } else { None };
    }
    let whole: i128 = whole.parse().ok()?;
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().and_then(from_epoch_any);
    }
    // Nanoseconds hold every unit's fraction that a clock can have.
    let digits: String = fraction.chars().chain("000000000".chars()).take(9).collect();
    let billionths: i128 = digits.parse().ok()?;
    let unit: i128 = match whole {
        1_000_000_000..10_000_000_000 => 1_000_000_000,
        1_000_000_000_000..10_000_000_000_000 => 1_000_000,
        1_000_000_000_000_000..10_000_000_000_000_000 => 1_000,
        1_000_000_000_000_000_000..10_000_000_000_000_000_000 => 1,
        _ => return None,
    };
    let ns = whole * unit + billionths * unit / 1_000_000_000;
    i64::try_from((ns + 500).div_euclid(1000)).ok()
}

/// Unix milliseconds as microseconds; `None` for what no recorder of this game can have written (before
/// 2001 or after 2286), so that a counter is never taken for a time.
pub fn from_epoch_ms(ms: f64) -> Option<i64> {
    (1e12..1e13).contains(&ms).then(|| (ms * 1000.0).round() as i64)
}

/// Unix time in the unit that its magnitude tells: data frame libraries export seconds, milliseconds,
/// microseconds or nanoseconds, and between 2001 and 2286 these ranges do not meet.
pub fn from_epoch_any(number: f64) -> Option<i64> {
    let factor = match number {
        n if (1e9..1e10).contains(&n) => 1e6,
        n if (1e12..1e13).contains(&n) => 1e3,
        n if (1e15..1e16).contains(&n) => 1.0,
        n if (1e18..1e19).contains(&n) => 1e-3,
        _ => return None,
    };
    Some((number * factor).round() as i64)
}
