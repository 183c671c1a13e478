//! Files of lines: from where they are read, by which clock, and into what.

use std::io::{BufReader, Read};

use super::earlier::Earlier;
use super::{Job, begin, end};
use crate::detect::{self, LineKind};
use crate::fingerprint::Beginning;
use crate::first_look;
use crate::formats::text;
use crate::growing;
use crate::ingest::{Ingest, Interrupted};
use crate::lines::LineReader;
use crate::relay;
use crate::report::{FileReport, Status};
use crate::target::Target;

/// Imports a file of lines, of one that has grown what is new.
///
/// # Errors
/// Those of the file and of the target.
pub(super) fn import<T: Target + Send>(
    job: &Job<'_>,
    kind: LineKind,
    earlier: &Earlier,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let (mut start, mut lines_before) = (0, 0);
    if let Some((beginning, known)) = &earlier.beginning {
        let (offset, lines, note) = resume(beginning);
        (start, lines_before) = (offset, lines);
        report.status = Status::Grown;
        report.reason = Some(format!(
            "its first {} bytes were imported as session {}; only what follows is imported{note}",
            beginning.bytes,
            known.session_id.as_deref().unwrap_or("of this run")
        ));
    }
    if matches!(kind, LineKind::Text) {
        let is_dated = date_times_of_day(job, start, report)?;
        // The next frames may show the date; what has none by then is stored without a time.
        if !is_dated && job.opened.is_growing {
            report.status = Status::Skipped;
            report.reason = Some(growing::NO_ZONE_YET.to_owned());
            return Ok(());
        }
    }
    let Some(clock) = first_look::at_lines(job, kind, report)? else { return Ok(()) };
    let job = &Job { clock: &clock, ..*job };
    begin(target, job, kind.name(), report)?;
    let input = job.opened.input.open(start)?.take(job.opened.bytes.saturating_sub(start));
    let mut reader = LineReader::starting_at(BufReader::with_capacity(1 << 18, input), start, lines_before);
    relay::over_two_threads(target, |relay| {
        Ingest::new(relay, job.clock, report, job.state, kind, job.progress).lines(&mut reader)
    })?;
    if reader.offset() != job.opened.bytes {
        return Err(Interrupted::File(std::io::Error::other("the file became shorter while it was read")));
    }
    end(target, report)
}

/// Finds the date of lines that have a time of day only, and says how; `false` where nothing tells it.
fn date_times_of_day(job: &Job<'_>, start: u64, report: &mut FileReport) -> Result<bool, Interrupted> {
    let mut head = Vec::new();
    job.opened.input.open(start)?.take(detect::HEAD as u64).read_to_end(&mut head)?;
    let head = String::from_utf8_lossy(&head);
    let is_of_day =
        |line: &str| text::find(line).is_some_and(|line| matches!(line.time, Some(text::TextTime::OfDay(_))));
    if !head.lines().take(100).any(is_of_day) {
        return Ok(true);
    }
    let midnight = text::midnight(head.lines());
    job.state.set_midnight(midnight.map(|midnight| midnight.us));
    report.notes.push(match midnight {
        Some(midnight) => format!(
            "its lines have times of day only: date and zone are those of the server's clock in {} of their frames, the \
             nearest of which is {} ms apart",
            midnight.frames, midnight.apart_ms
        ),
        None => "its lines have times of day only, and no frame tells the date: their records have no time. Write the \
                 date before each time to give them one"
            .to_owned(),
    });
    Ok(midnight.is_some())
}

/// From where a grown file is read: the first byte, the number of lines before it, and what to tell.
fn resume(beginning: &Beginning) -> (u64, u64, &'static str) {
    if beginning.open_line == beginning.bytes {
        return (beginning.bytes, beginning.newlines, "");
    }
    if beginning.ending_after > 0 {
        return (beginning.bytes + beginning.ending_after, beginning.newlines + 1, "");
    }
    let note = "; the last line was cut then and is read again from its beginning (the earlier session keeps the \
                piece)";
    (beginning.open_line, beginning.newlines, note)
}
