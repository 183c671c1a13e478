//! Lines that are no JSON object: a frame alone, or with a time, a direction and other words around it, as loggers write
//! them and as rows copied from DevTools' pane look (`↓ 42["…",{…}] 13:59:59.800`).

use std::borrow::Cow;
use std::ops::Range;

use serde_json::value::RawValue;

use super::{Context, Envelope, Taken, names};
use crate::time::{self, Zone};
use replayer_protocol::frame;
use replayer_store::record::Direction;

/// What such lines are called in the report.
pub const NAME: &str = "wire_lines";

/// The longest text before and behind a frame: more is prose that quotes one.
const MOST_BEFORE: usize = 200;
const MOST_BEHIND: usize = 60;

/// A line with a frame in it.
#[derive(Debug, Clone, PartialEq)]
pub struct FrameLine<'t> {
    /// The frame.
    pub frame: Cow<'t, str>,
    /// The time beside it.
    pub time: Option<TextTime<'t>>,
    /// The way that a word or an arrow beside it says.
    pub direction: Option<Direction>,
}

/// A time as a line has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum TextTime<'t> {
    /// Date and time.
    Full(&'t str),
    /// Unix time.
    Epoch(&'t str),
    /// A time of day, microseconds since midnight.
    OfDay(i64),
}

/// Finds the frame of a line. Whether its JSON is whole is not asked: what is broken is kept and called so.
pub fn find(line: &str) -> Option<FrameLine<'_>> {
    let line = line.trim();
    // `jq` and loggers write a text as JSON.
    if line.starts_with('"') {
        let raw: &RawValue = serde_json::from_str(line.trim_end_matches(',')).ok()?;
        let frame = frame::string(raw).filter(|text| names::begins_like_a_frame(text))?;
        return Some(FrameLine { frame, time: None, direction: None });
    }
    if names::begins_like_a_frame(line) && (line.ends_with([']', '}']) || line.len() < 8) {
        return Some(FrameLine { frame: Cow::Borrowed(line), time: None, direction: None });
    }
    let place = place_of_frame(line).or_else(|| place_of_short_frame(line))?;
    let (before, behind) = (line.get(..place.start)?, line.get(place.end..)?);
    if before.len() > MOST_BEFORE || behind.len() > MOST_BEHIND {
        return None;
    }
    let time = time_in(before).or_else(|| time_in(behind));
    let direction = direction_in(before).or_else(|| direction_in(behind));
    let frame = line.get(place)?;
    // A frame within quotes of a text has escapes.
    let frame = match before.ends_with('"') && frame.contains("\\\"") {
        true => Cow::Owned(serde_json::from_str::<String>(&format!("\"{frame}\"")).ok()?),
        false => Cow::Borrowed(frame),
    };
    Some(FrameLine { frame, time, direction })
}

/// The record of a line.
pub fn read<'t>(line: &FrameLine<'t>, context: &Context) -> Taken<'t> {
    let moment = match line.time {
        Some(TextTime::Full(text)) => context.clock.read(&text.replace(',', "."), Zone::Utc),
        Some(TextTime::Epoch(digits)) => context.clock.read(digits, Zone::Utc),
        Some(TextTime::OfDay(us)) => context.file.of_day(us),
        None => None,
    };
    let envelope = Envelope::frame(line.frame.clone());
    Taken::Record(Envelope { moment, direction: line.direction.or(envelope.direction), ..envelope })
}

/// Whether the frame of a line holds JSON: a number alone on a line is no proof of anything.
pub fn is_certain(line: &FrameLine<'_>) -> bool {
    line.frame.len() > 4
}

/// Whether a JSON value that is no object is a frame in a text, an event with its arguments in a list
/// (`["gameStateUpdate",{…}]`), or a list with a frame in it (`[1768485600, "in", "42[…]"]`).
pub fn is_certain_value(value: &str) -> bool {
    match value.as_bytes().first() {
        Some(b'"') => find(value).is_some_and(|line| is_certain(&line)),
        Some(b'[') => parts_of(value).is_some_and(|parts| match parts {
            Parts::Event => true,
            Parts::Tuple(parts) => parts.frame.get().len() > 6,
        }),
        _ => false,
    }
}

/// The record of a JSON value that is no object; `None` where it is none of these.
pub fn read_value<'t>(value: &'t str, context: &Context) -> Option<Taken<'t>> {
    if !value.starts_with('[') {
        return find(value).map(|line| read(&line, context));
    }
    Some(match parts_of(value)? {
        Parts::Event => Taken::Record(Envelope::frame(Cow::Owned(format!("42{value}")))),
        Parts::Tuple(tuple) => {
            let text = frame::string(tuple.frame)?;
            let moment = tuple.others.iter().find_map(|other| names::time_of(other, context));
            let said = tuple.others.iter().find_map(|other| match other.get() {
                // mitmproxy's own state of a message: opcode, whether the client sent it, content, time.
                "true" => Some(Direction::Sent),
                "false" => Some(Direction::Received),
                _ => names::direction_of(&frame::string(other)?),
            });
            let envelope = Envelope::frame(text);
            Taken::Record(Envelope { moment, direction: said.or(envelope.direction), ..envelope })
        }
    })
}

/// A list that is a record.
enum Parts<'t> {
    /// An event's name with its arguments.
    Event,
    /// A frame and what is known about it.
    Tuple(Tuple<'t>),
}

struct Tuple<'t> {
    frame: &'t RawValue,
    others: Vec<&'t RawValue>,
}

fn parts_of(list: &str) -> Option<Parts<'_>> {
    let values: Vec<&RawValue> = serde_json::from_str(list).ok()?;
    let first = values.first().and_then(|first| frame::string(first));
    if first.is_some_and(|name| super::arguments::is_of_the_game(&name)) {
        return Some(Parts::Event);
    }
    let (frames, others): (Vec<_>, Vec<_>) = values.into_iter().partition(|value| super::frames::is_frame(value));
    // The short frames of the heartbeat look like other texts of digits.
    let frame = frames.into_iter().max_by_key(|frame| frame.get().len())?;
    Some(Parts::Tuple(Tuple { frame, others }))
}

/// Where a frame with JSON begins and ends.
fn place_of_frame(line: &str) -> Option<Range<usize>> {
    let bytes = line.as_bytes();
    let mut at = 0;
    while let Some(step) = memchr::memchr2(b'[', b'{', bytes.get(at..MOST_BEFORE.min(bytes.len()))?) {
        let open = at + step;
        if let Some(start) = start_of_frame(line, open) {
            let end = end_of_json(line, open).unwrap_or(line.len());
            return Some(start..end);
        }
        at = open + 1;
    }
    None
}

/// Where the digits of the frame's head begin, whose JSON begins at `open`.
fn start_of_frame(line: &str, open: usize) -> Option<usize> {
    let head = line.get(..open)?;
    // `42/ns,12[`: a head is digits, and perhaps a namespace between them.
    let is_head = |c: char| c.is_ascii_digit() || matches!(c, '/' | ',' | '-') || c.is_ascii_alphabetic();
    let longest = head.char_indices().rev().take_while(|(_, c)| is_head(*c)).last().map_or(open, |(at, _)| at);
    let mut starts = (longest..open).filter(|start| {
        let is_edge =
            line.get(..*start).is_some_and(|before| !before.ends_with(|c: char| c.is_ascii_alphanumeric()));
        is_edge && line.get(*start..).is_some_and(names::begins_like_a_frame)
    });
    starts.next_back()
}

/// Where the JSON value that begins at `open` ends.
fn end_of_json(line: &str, open: usize) -> Option<usize> {
    let mut values = serde_json::Deserializer::from_str(line.get(open..)?).into_iter::<&RawValue>();
    values.next()?.ok()?;
    Some(open + values.byte_offset())
}

/// Where a frame without JSON (`2`, `3`, `40`) is: the only word that is neither a time nor a direction.
fn place_of_short_frame(line: &str) -> Option<Range<usize>> {
    if line.len() > 80 {
        return None;
    }
    let mut found = None;
    for word in line.split_whitespace() {
        if names::direction_of(word).is_some() || time_in(word).is_some() {
            continue;
        }
        if is_date(word) || matches!(word, "AM" | "PM" | "am" | "pm") {
            continue;
        }
        if found.is_some() || !names::begins_like_a_frame(word) {
            return None;
        }
        let start = (word.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        found = Some(start..start + word.len());
    }
    found
}

fn is_date(word: &str) -> bool {
    let word = word.trim_matches(['[', ']', '(', ')']);
    word.len() == 10
        && word.bytes().enumerate().all(|(n, b)| if n == 4 || n == 7 { b == b'-' } else { b.is_ascii_digit() })
}

fn direction_in(text: &str) -> Option<Direction> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '|' | ';' | ',')).find_map(names::direction_of)
}

/// The first time in a text.
pub fn time_in(text: &str) -> Option<TextTime<'_>> {
    date_and_time(text).or_else(|| epoch_in(text)).or_else(|| of_day(text).map(TextTime::OfDay))
}

/// `2026-01-15T14:00:00.5Z`, also with a blank or a comma, also in brackets.
fn date_and_time(text: &str) -> Option<TextTime<'_>> {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let is_date = |at: usize| {
        [0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15].into_iter().all(|step| digit(at + step))
            && bytes.get(at + 4) == Some(&b'-')
            && bytes.get(at + 7) == Some(&b'-')
            && matches!(bytes.get(at + 10), Some(b'T' | b't' | b' '))
            && bytes.get(at + 13) == Some(&b':')
    };
    let start = (0..bytes.len().saturating_sub(15)).find(|at| is_date(*at))?;
    let rest = bytes.get(start + 16..)?;
    let is_time = |byte: &&u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b',');
    let mut end = start + 16 + rest.iter().take_while(is_time).count();
    if matches!(bytes.get(end), Some(b'Z' | b'z')) {
        end += 1;
    } else if matches!(bytes.get(end), Some(b'+' | b'-')) && digit(end + 1) {
        let zone = bytes.get(end + 1..)?.iter().take_while(|byte| byte.is_ascii_digit() || **byte == b':').count();
        end += 1 + zone;
    }
    let found = text.get(start..end)?;
    Some(TextTime::Full(found.trim_end_matches([':', ',', '.'])))
}

fn epoch_in(text: &str) -> Option<TextTime<'_>> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    let mut words = words.filter(|word| word.len() >= 10 && time::text::read(word).is_some());
    words.next().map(TextTime::Epoch)
}

/// `13:59:59.800`, also `1:59:59 PM`.
fn of_day(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let colon = (0..bytes.len()).find(|at| {
        let is = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
        bytes.get(*at) == Some(&b':')
            && *at > 0
            && is(*at - 1)
            && is(*at + 1)
            && is(*at + 2)
            && bytes.get(*at + 3) == Some(&b':')
            && is(*at + 4)
            && is(*at + 5)
    })?;
    let hour_start =
        if colon >= 2 && bytes.get(colon - 2).is_some_and(u8::is_ascii_digit) { colon - 2 } else { colon - 1 };
    let number = |range: Range<usize>| text.get(range)?.parse::<i64>().ok();
    let (mut hour, minute) = (number(hour_start..colon)?, number(colon + 1..colon + 3)?);
    let second = number(colon + 4..colon + 6)?;
    let rest = text.get(colon + 6..)?;
    let mut us = 0;
    let mut after = rest;
    if let Some(fraction) = rest.strip_prefix(['.', ',']) {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count().min(6);
        us = format!("{:0<6}", fraction.get(..digits)?).parse().ok()?;
        after = fraction.get(digits..)?;
    }
    let half = after.trim_start().get(..2).unwrap_or_default().to_ascii_uppercase();
    match half.as_str() {
        "PM" if hour < 12 => hour += 12,
        "AM" if hour == 12 => hour = 0,
        _ => {}
    }
    let is_time = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..61).contains(&second);
    is_time.then_some(((hour * 60 + minute) * 60 + second) * 1_000_000 + us)
}

/// When the first day of lines with times of day began, by the server's own clock in their frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Midnight {
    /// Microseconds UTC.
    pub us: i64,
    /// Frames that hold the server's clock.
    pub frames: usize,
    /// How far the nearest of them is from the line's time once date and zone are known, milliseconds.
    pub apart_ms: i64,
}

/// A zone's offset is a multiple of this.
const QUARTER_US: i64 = 15 * 60 * 1_000_000;
const DAY_US: i64 = 86_400_000_000;

/// Finds the date, and the zone's offset, of lines that have a time of day only. The server's clock in a packet is never
/// ahead of its receipt, and in some packet close to it. `None` where no line has both, or none is within five minutes of a
/// zone's offset.
pub fn midnight<'t>(lines: impl Iterator<Item = &'t str>) -> Option<Midnight> {
    let (mut days, mut last) = (0, None);
    let mut best: Option<i64> = None;
    let mut frames = 0;
    for line in lines {
        let Some(found) = find(line) else { continue };
        let Some(TextTime::OfDay(us)) = found.time else { continue };
        if last.replace(us).is_some_and(|last| last - us > DAY_US / 2) {
            days += 1;
        }
        let Some(server) = server_clock(&found.frame) else { continue };
        frames += 1;
        let offset = server - us - days * DAY_US;
        best = Some(best.map_or(offset, |best| best.max(offset)));
    }
    let offset = best?;
    let rounded = (offset + QUARTER_US / 2).div_euclid(QUARTER_US) * QUARTER_US;
    let apart = (rounded - offset).abs();
    (apart < 5 * 60 * 1_000_000).then_some(Midnight { us: rounded, frames, apart_ms: apart / 1000 })
}

/// The latest time of the server's clock in a frame, microseconds UTC.
fn server_clock(frame: &str) -> Option<i64> {
    let mut latest = None;
    for at in memchr::memmem::find_iter(frame.as_bytes(), b"\"timestamp\":") {
        let rest = frame.get(at + 12..).unwrap_or_default().trim_start();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 13
            && let Some(ms) = rest.get(..13).and_then(|ms| ms.parse::<i64>().ok())
        {
            latest = latest.max(Some(ms * 1000));
        }
    }
    latest
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    const TRADE: &str = r#"42["standard/newTrade",{"timestamp":1768485605000}]"#;

    fn parts(line: &str) -> (String, Option<TextTime<'_>>, Option<Direction>) {
        let found = find(line).unwrap_or_else(|| panic!("{line}"));
        (found.frame.into_owned(), found.time, found.direction)
    }

    #[test]
    fn a_frame_is_found_among_time_direction_and_words() {
        for line in [
            format!("2026-01-15T14:00:05.000Z {TRADE}"),
            format!("[2026-01-15T14:00:05.000Z] ws INFO recv: {TRADE}"),
            format!("2026-01-15T14:00:05.000Z | << | {TRADE}"),
        ] {
            let (frame, time, _) = parts(&line);
            assert_eq!(
                (frame.as_str(), time),
                (TRADE, Some(TextTime::Full("2026-01-15T14:00:05.000Z"))),
                "{line}"
            );
        }
        let (frame, time, direction) = parts("1768485605.040 > 4277[\"buyOrder\",{\"a\":\"x [1]\"}]");
        assert_eq!((frame.as_str(), direction), ("4277[\"buyOrder\",{\"a\":\"x [1]\"}]", Some(Direction::Sent)));
        assert_eq!(time, Some(TextTime::Epoch("1768485605.040")));
    }

    #[test]
    fn rows_of_the_pane_have_the_length_and_the_time_behind() {
        let line = format!("↓ {TRADE}\t51\t14:00:05.040");
        let of_day = Some(TextTime::OfDay(50_405_040_000));
        assert_eq!(parts(&line), (TRADE.to_owned(), of_day, Some(Direction::Received)));
        assert_eq!(parts("↑ 40\t14:00:05.040"), ("40".to_owned(), of_day, Some(Direction::Sent)));
        assert_eq!(parts("↑ 3\t2:00:05.040 PM").1, of_day);
    }

    #[test]
    fn prose_and_numbers_are_no_frames() {
        for line in
            ["Notes", "42 games were played", "1768485600", "see 2026-01-15 for more [1]", "", "price,tick"]
        {
            assert_eq!(find(line), None, "{line}");
        }
        let quoted = format!("{} {TRADE}", "as one reads in the protocol ".repeat(10));
        assert_eq!(find(&quoted), None);
    }

    #[test]
    fn a_frame_with_a_namespace_or_within_quotes_is_whole() {
        assert_eq!(parts(r#"x 42/ns,5["a",{}] y"#).0, r#"42/ns,5["a",{}]"#);
        assert_eq!(parts(r#""42[\"a\",{}]""#).0, r#"42["a",{}]"#);
    }

    #[test]
    fn the_servers_clock_tells_the_date_and_the_zone() {
        let line = format!("↓ {TRADE}\t15:00:05.040");
        let found = midnight([line.as_str(), "↓ 2\t15:00:06.000"].into_iter()).unwrap();
        let first = found.us + 54_005_040_000;
        assert_eq!((first, found.frames, found.apart_ms), (1_768_485_605_040_000, 1, 40));
        assert!(midnight(["↓ 2\t15:00:06.000"].into_iter()).is_none());
    }
}
