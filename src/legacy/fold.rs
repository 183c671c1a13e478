//! The hour that happens twice in autumn: which of its two passes a record belongs to.

use super::evidence::{Closeness, Said};
use super::time::{Doubt, Moment};
use replayer_store::record::Record;

/// Records may be written out of order by this much, microseconds.
const DISORDER: i64 = 120_000_000;

/// A record this soon after the one before follows it directly, microseconds.
const SOON: i64 = 600_000_000;

/// The moment, without the doubt where the server's clock in the record or the record before it (`before`, microseconds
/// UTC) decides.
pub fn resolve(moment: Moment, before: Option<i64>, record: &Record<'_>) -> Moment {
    let Some(Doubt::Fold { second }) = moment.doubt else { return moment };
    let first = moment.us;
    if let Some((server, closeness)) = Said::in_record(record).latest() {
        // The end of the last game lies up to a game back: about four minutes is the middle of what it can be.
        let lag = match closeness {
            Closeness::Seconds => 0,
            Closeness::OneGame => 180_000_000,
        };
        let apart = |us: i64| (us - server - lag).abs();
        let (nearer, other) = if apart(first) <= apart(second) { (first, second) } else { (second, first) };
        if apart(nearer) * 2 < apart(other) {
            return Moment::certain(nearer);
        }
    }
    match before {
        // The clock on the wall went back: this is the second pass.
        Some(before) if first + DISORDER < before && before <= second + DISORDER => Moment::certain(second),
        Some(before) if (0..=SOON).contains(&(first - before).abs()) => Moment::certain(first),
        _ => moment,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use replayer_protocol::line::LineFormat;
    use replayer_store::record::{Direction, Source};

    const HOUR: i64 = 3_600_000_000;
    const FIRST: i64 = 1_762_063_200_000_000;

    fn fold(first: i64) -> Moment {
        Moment { us: first, doubt: Some(Doubt::Fold { second: first + HOUR }) }
    }

    fn silent() -> Record<'static> {
        Record {
            format: LineFormat::RawCapture,
            ..Record::frame(0, Source::Import, Direction::Received, r#"{"event": "x", "data": null}"#)
        }
    }

    #[test]
    fn what_follows_the_hour_before_directly_is_the_first_pass() {
        let before = Some(FIRST - 5_000_000);
        assert_eq!(resolve(fold(FIRST), before, &silent()), Moment::certain(FIRST));
    }

    #[test]
    fn where_the_clock_on_the_wall_goes_back_the_second_pass_begins() {
        let before = Some(FIRST + HOUR - 1_000_000);
        assert_eq!(resolve(fold(FIRST), before, &silent()), Moment::certain(FIRST + HOUR));
        let further_on = FIRST + 1_800_000_000;
        let before = Some(further_on + HOUR - 250_000);
        assert_eq!(resolve(fold(further_on), before, &silent()), Moment::certain(further_on + HOUR));
    }

    #[test]
    fn small_disorder_is_no_second_pass() {
        let before = Some(FIRST + 3_000_000);
        assert_eq!(resolve(fold(FIRST), before, &silent()), Moment::certain(FIRST));
    }

    #[test]
    fn without_a_neighbour_the_doubt_stays_and_the_servers_clock_ends_it() {
        assert_eq!(resolve(fold(FIRST), None, &silent()), fold(FIRST));
        let ms = (FIRST + HOUR) / 1000;
        let text = format!(r#"{{"event": "newChatMessage", "data": {{"message": "hi", "timestamp": {ms}}}}}"#);
        let record = Record { text: &text, ..silent() };
        assert_eq!(resolve(fold(FIRST), None, &record), Moment::certain(FIRST + HOUR));
        assert_eq!(resolve(fold(FIRST), Some(FIRST - 1), &record), Moment::certain(FIRST + HOUR));
    }
}
