//! In which zone a file's times are, and why: named by the user, else shown by the server's clock, else the rule of the
//! file's format. Decided before the file is read, from its beginning and its end.

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};
use serde::Serialize;

use super::error::LegacyError;
use super::evidence::{Agreement, Bounds, FURTHEST, Kind, Piece, QUARTER, Witness};
use super::time::{Clock, Zone};

/// What decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The user.
    Option,
    /// The rule of the file's format.
    Format,
    /// The server's clock in the file's packets.
    Evidence,
}

/// In which zone the zoneless times of a file were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ZoneReport {
    /// The zone's name, or its offset (`+05:45`).
    pub name: String,
    /// What decided.
    pub by: By,
    /// Why, in one sentence.
    pub why: String,
    /// What could still be wrong, in one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
    /// Whether only the format speaks for it: no packet so far has carried the server's clock.
    #[serde(skip)]
    pub is_open: bool,
    /// Whether a person should read this: the format's rule was not simply right.
    #[serde(skip)]
    pub is_remarkable: bool,
}

/// The clock to read a file with, and what to say about it.
#[derive(Debug, Clone)]
pub struct Settled {
    /// Reads the file's times.
    pub clock: Clock,
    /// `None` where the file has no zoneless times, and its instants are right.
    pub report: Option<ZoneReport>,
}

/// The file's times cannot be read as they are: a sentence that says why and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled(pub String);

/// The zone that a user named: a name of the time zone database, or an offset (`+05:30`).
///
/// # Errors
/// When there is no such zone, with what to write.
pub fn named(name: &str) -> Result<TimeZone, LegacyError> {
    let name = name.trim();
    if name.eq_ignore_ascii_case("utc") || name == "Z" {
        return Ok(TimeZone::UTC);
    }
    if name.starts_with(['+', '-']) {
        let offset = jiff::fmt::strtime::parse("%:z", name).or_else(|_| jiff::fmt::strtime::parse("%z", name));
        if let Some(offset) = offset.ok().and_then(|parsed| parsed.offset()) {
            return Ok(TimeZone::fixed(offset));
        }
    }
    TimeZone::get(name).map_err(|_| {
        LegacyError::Argument(format!(
            "{name:?} is no time zone. Name one of the time zone database (Europe/Berlin, America/Chicago, UTC), or an \
             offset from UTC (+05:30)"
        ))
    })
}

/// Decides the zone of a file. `named` is what the user said.
///
/// # Errors
/// When the server's clock contradicts the format's rule and is not enough to find the right one.
pub fn settle(witness: &Witness, clock: &Clock, named: Option<&TimeZone>) -> Result<Settled, Unsettled> {
    let mut settled = Settled { clock: clock.clone(), report: None };
    for zone in [Zone::Utc, Zone::NewYork] {
        let kind = Kind::Zoneless(zone);
        let pieces = witness.pieces(kind);
        if let Some(named) = named {
            settled.clock = settled.clock.with(zone, named.clone());
        }
        if witness.lines(kind) == 0 {
            continue;
        }
        let (found, report) = match witness.bounds(kind) {
            Some(bounds) if pieces.is_empty() => by_days(bounds, zone, clock, named)?,
            _ => zoneless(&pieces, zone, clock, named)?,
        };
        settled.clock = settled.clock.with(zone, found);
        settled.report = Some(report);
    }
    let instants = witness.pieces(Kind::Instant);
    if let Some((shift, report)) = instants_off(&instants) {
        settled.clock = settled.clock.shifted(shift);
        settled.report = Some(report);
    }
    Ok(settled)
}

fn zoneless(
    pieces: &[Piece],
    zone: Zone,
    clock: &Clock,
    named: Option<&TimeZone>,
) -> Result<(TimeZone, ZoneReport), Unsettled> {
    let rule = clock.zone(zone);
    let by = if named.is_some() { By::Option } else { By::Format };
    let expected = named.unwrap_or(rule);
    let name = name_of(expected);
    let said = match by {
        By::Option => format!("its times have no zone and were read as {name}, as you said"),
        _ => format!("its times have no zone and were read as {name}, as its format has it"),
    };
    let report = |doubt: Option<String>, is_remarkable| ZoneReport {
        name: name.clone(),
        by,
        why: said.clone(),
        doubt,
        is_open: by == By::Format && pieces.is_empty(),
        is_remarkable: is_remarkable || by == By::Option,
    };
    let Some(agreement) = Agreement::of(pieces) else {
        let doubt = "no packet in it carries the server's clock, so nothing confirms the zone".to_owned();
        return Ok((expected.clone(), report(Some(doubt), false)));
    };
    if agreement.quarters.abs() > FURTHEST {
        let apart = duration(agreement.quarters * QUARTER + agreement.ahead);
        let doubt = format!("the server's clock in its packets is {apart} from its times, which no zone explains");
        return Ok((expected.clone(), report(Some(doubt), true)));
    }
    if fits(expected, pieces) {
        return Ok((expected.clone(), report(confirmed(&agreement), agreement.ahead.abs() > 60_000_000)));
    }
    let offset = offset_text(agreement.quarters);
    if named.is_some() {
        let doubt = format!(
            "the server's clock in its packets says {offset} ({} of {} agree)",
            agreement.agreeing, agreement.pieces
        );
        return Ok((expected.clone(), report(Some(doubt), true)));
    }
    if !agreement.is_enough && !halves_are_enough(pieces) {
        return Err(Unsettled(asks_for_zone(&name, &agreement, pieces)));
    }
    let (found, doubt) = find(pieces, &agreement);
    let found_name = name_of(&found);
    let why = format!(
        "its times have no zone; its format's rule says {name}, but the server's clock in its packets says {offset} \
         ({} of {} agree): read as {found_name}",
        agreement.agreeing, agreement.pieces
    );
    Ok((
        found,
        ZoneReport {
            name: found_name,
            by: By::Evidence,
            why,
            doubt: Some(doubt),
            is_open: false,
            is_remarkable: true,
        },
    ))
}

/// Two clocks may be this far apart without a word, microseconds.
const SET_WRONG: i64 = 300_000_000;

/// The zone of times that nothing dates but the UTC days in the ids of games: what was named, or the format's rule, unless the
/// days contradict it.
fn by_days(
    bounds: Bounds,
    zone: Zone,
    clock: &Clock,
    named: Option<&TimeZone>,
) -> Result<(TimeZone, ZoneReport), Unsettled> {
    let (zone, mut report) = zoneless(&[], zone, clock, named)?;
    let name = &report.name;
    if bounds.least > bounds.most {
        // A recorder that hung went on to write the id of a game that was long over.
        report.doubt = Some(
            "the UTC days in the ids of its games contradict each other, so nothing confirms the zone".into(),
        );
        return Ok((zone, report));
    }
    let allows = |us: i64| {
        let offset = quarters_at(&zone, us).map(|quarters| quarters * QUARTER);
        offset.is_none_or(|offset| (bounds.least - SET_WRONG..=bounds.most + SET_WRONG).contains(&offset))
    };
    // On a day on which the clocks change, either offset will do.
    if allows(bounds.day) || allows(bounds.day + 96 * QUARTER) {
        report.is_open = false;
        report.doubt = Some("only the UTC days in the ids of its games confirm the zone".to_owned());
        return Ok((zone, report));
    }
    let [least, most] =
        [bounds.least, bounds.most].map(|offset| offset_text((offset + QUARTER / 2).div_euclid(QUARTER)));
    if named.is_some() {
        report.doubt =
            Some(format!("the UTC days in the ids of its games say that it lies between {least} and {most}"));
        report.is_remarkable = true;
        return Ok((zone, report));
    }
    Err(Unsettled(format!(
        "its times have no zone; its format's rule says {name}, but the UTC days in the ids of its games say that it lies \
         between {least} and {most}. Nothing of it was imported. Import it again and name the zone that its machine was \
         set to, for example: --zone Europe/Berlin"
    )))
}

fn confirmed(agreement: &Agreement) -> Option<String> {
    if agreement.ahead.abs() > 60_000_000 {
        let way = if agreement.ahead > 0 { "ahead of" } else { "behind" };
        let by = duration(agreement.ahead);
        return Some(format!(
            "the machine's clock was {by} {way} the server's; the times are kept as it wrote them"
        ));
    }
    (!agreement.is_enough).then(|| "only one packet in it carries the server's clock; it agrees".to_owned())
}

fn asks_for_zone(name: &str, agreement: &Agreement, pieces: &[Piece]) -> String {
    let offset = offset_text(agreement.quarters);
    let example = find(pieces, agreement).0;
    format!(
        "its times have no zone; its format's rule says {name}, but the server's clock in its packets says {offset} ({} \
         of {} agree), which is too little to go by. Nothing of it was imported. Import it again and name the zone that \
         its machine was set to, for example: --zone {}",
        agreement.agreeing,
        agreement.pieces,
        name_of(&example)
    )
}

/// Whether a zone explains at least four of five pieces.
fn fits(zone: &TimeZone, pieces: &[Piece]) -> bool {
    let explains = |piece: &&Piece| piece.offset().0 == quarters_at(zone, piece.server);
    pieces.iter().filter(explains).count() * 5 >= pieces.len() * 4
}

/// Whether the beginning of a file and its end each agree: the clocks may have been changed between them.
fn halves_are_enough(pieces: &[Piece]) -> bool {
    let mut at = 0;
    // The change is where two neighbours disagree.
    for (place, pair) in pieces.windows(2).enumerate() {
        if let [one, other] = pair
            && one.offset().0 != other.offset().0
        {
            at = place + 1;
        }
    }
    let Some((first, second)) = pieces.split_at_checked(at) else { return false };
    let enough = |pieces: &[Piece]| Agreement::of(pieces).filter(|agreement| agreement.is_enough);
    match (enough(first), enough(second)) {
        // A change of the clocks is of half an hour or one.
        (Some(first), Some(second)) => (first.quarters - second.quarters).abs() <= 4,
        _ => false,
    }
}

fn quarters_at(zone: &TimeZone, us: i64) -> Option<i64> {
    let at = Timestamp::from_microsecond(us).ok()?;
    Some(i64::from(zone.to_offset(at).seconds()).div_euclid(900))
}

/// Zones that are asked first: where most people live who have such an offset.
const LIKELY: [&str; 22] = [
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Europe/Athens",
    "Europe/Istanbul",
    "America/Sao_Paulo",
    "America/Halifax",
    "Asia/Dubai",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Dhaka",
    "Asia/Bangkok",
    "Asia/Shanghai",
    "Asia/Tokyo",
    "Australia/Adelaide",
    "Australia/Sydney",
    "Pacific/Auckland",
    "Pacific/Honolulu",
];

/// A zone that explains the pieces, and what remains open.
fn find(pieces: &[Piece], agreement: &Agreement) -> (TimeZone, String) {
    let likely = LIKELY.iter().filter_map(|name| TimeZone::get(name).ok());
    let all = TimeZoneDatabase::bundled();
    let rest = || all.available().filter_map(|name| TimeZone::get(name.as_str()).ok());
    let found = std::iter::once(TimeZone::UTC)
        .chain(TimeZone::try_system().ok().filter(|zone| zone.iana_name().is_some()))
        .chain(likely)
        .find(|zone| fits(zone, pieces))
        .or_else(|| rest().find(|zone| fits(zone, pieces)));
    match found {
        Some(zone) => {
            let name = name_of(&zone);
            let doubt = format!(
                "{name} is the first zone that fits; another one with the same offset gives the same times, unless the \
                 file runs over a change of the clocks that only one of them has: then name it with --zone"
            );
            (zone, doubt)
        }
        None => {
            let offset = offset_of(agreement.quarters);
            let doubt = format!(
                "no zone of the database has {} then, so the offset alone was used",
                offset_text(agreement.quarters)
            );
            (TimeZone::fixed(offset), doubt)
        }
    }
}

/// Whether instants are off by a zone, and by how much they have to be shifted.
fn instants_off(pieces: &[Piece]) -> Option<(i64, ZoneReport)> {
    let agreement = Agreement::of(pieces)?;
    if agreement.quarters == 0 {
        return None;
    }
    let shift = -agreement.quarters * QUARTER;
    let apart = duration(shift);
    if !agreement.is_enough || agreement.quarters.abs() > FURTHEST {
        let report = ZoneReport {
            name: "UTC".to_owned(),
            by: By::Format,
            why: "its times carry their zone, or are numbers since 1970".to_owned(),
            doubt: Some(format!(
                "the server's clock in its packets is {apart} from them ({} of {} agree), which is no zone or too little to \
                 go by: the times are kept as they are written",
                agreement.agreeing, agreement.pieces
            )),
            is_open: false,
            is_remarkable: true,
        };
        return Some((0, report));
    }
    let way = if shift < 0 { "ahead of" } else { "behind" };
    let report = ZoneReport {
        name: offset_text(agreement.quarters),
        by: By::Evidence,
        why: format!(
            "its times say that they are UTC, but the server's clock in its packets shows them {apart} {way} it ({} of {} \
             agree), as a program writes that takes local time for UTC: corrected by that",
            agreement.agreeing, agreement.pieces
        ),
        doubt: Some(
            "the correction is one for the whole file, whatever changes of the clocks it runs over".to_owned(),
        ),
        is_open: false,
        is_remarkable: true,
    };
    Some((shift, report))
}

fn offset_of(quarters: i64) -> Offset {
    i32::try_from(quarters * 900)
        .ok()
        .and_then(|seconds| Offset::from_seconds(seconds).ok())
        .unwrap_or(Offset::UTC)
}

fn offset_text(quarters: i64) -> String {
    if quarters == 0 {
        return "UTC".to_owned();
    }
    let sign = if quarters < 0 { '-' } else { '+' };
    let minutes = quarters.abs() * 15;
    format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A zone's name; of one without a name its offset, as `--zone` takes it.
fn name_of(zone: &TimeZone) -> String {
    match (zone.iana_name(), zone.to_fixed_offset()) {
        (Some(name), _) => name.to_owned(),
        (None, Ok(offset)) if offset != Offset::UTC => {
            offset_text(i64::from(offset.seconds()).div_euclid(900)).replace("UTC", "")
        }
        _ => "UTC".to_owned(),
    }
}

/// A duration for people, without its sign.
fn duration(us: i64) -> String {
    let seconds = us.abs() / 1_000_000;
    match seconds {
        172_800.. => format!("{} days", seconds / 86_400),
        3600.. if seconds % 3600 < 60 => format!("{} h", seconds / 3600),
        3600.. => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        120.. => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

#[cfg(test)]
mod tests;
