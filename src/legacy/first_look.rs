//! The first look at a file's lines: its beginning and its end, to find the zone of its times before the first record is
//! stored. At most [`END`] bytes of each end are read, so that a large file costs no more than a small one.

use std::io::{self, Read};

use super::detect::LineKind;
use super::error::LegacyError;
use super::evidence::Witness;
use super::formats;
use super::growing;
use super::import::Job;
use super::ingest::{Ingest, Interrupted};
use super::input::Input;
use super::lines::LineReader;
use super::report::{FileReport, Status};
use super::state::FileState;
use super::time::Clock;
use super::zone::{self, Settled, Unsettled};
use crate::fields::Fields;
use replayer_protocol::line::LineFormat;

/// How much of each end of a file is looked at, bytes.
pub const END: u64 = 4 << 20;

/// How much is looked at of a file that carries no evidence, bytes.
const SILENT: usize = 1 << 18;

/// The clock to read a file of lines with; `None` where the zone cannot be found, and the report says so.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn at_lines(
    job: &Job<'_>,
    kind: LineKind,
    report: &mut FileReport,
) -> Result<Option<Clock>, Interrupted> {
    let (input, bytes) = (&job.opened.input, job.opened.bytes);
    let head = part(input, 0, END.min(bytes))?;
    // The end of a packed file is behind all of it: unpacking that once more costs more than it says.
    let tail = match input.is_plain() {
        true => {
            let from = bytes.saturating_sub(END).max(head.len() as u64);
            part(input, from, bytes - from)?
        }
        false => Vec::new(),
    };
    let witness = of_lines(&head, &tail, kind, job.state, job.clock);
    Ok(settled(job, witness.as_ref(), report))
}

/// The clock to read anything else with (a document, a table, a database); `read` reads it into a witness. `None` where the
/// zone cannot be found, and the report says so.
///
/// # Errors
/// When the file cannot be read.
pub(super) fn at_whole(
    job: &Job<'_>,
    report: &mut FileReport,
    read: impl FnOnce(&Job<'_>, &mut Witness, &mut FileReport) -> Result<(), Interrupted>,
) -> Result<Option<Clock>, Interrupted> {
    let clock = job.clock.clone().without_zone();
    let state = job.state.fresh();
    let look = Job { clock: &clock, state: &state, progress: &|_| (), ..*job };
    let mut witness = Witness::up_to(2 * END);
    let mut unused = FileReport::new("", Status::Imported);
    match read(&look, &mut witness, &mut unused) {
        // A witness that has seen enough says so with an error.
        Ok(()) | Err(Interrupted::Target(LegacyError::Argument(_))) => Ok(settled(job, Some(&witness), report)),
        Err(error) => Err(error),
    }
}

/// What the lines of both ends of a file say; `tail` is empty where `head` is the whole, and may begin within a line.
/// `None` for an export of this program, whose times are what they are.
pub fn of_lines(head: &[u8], tail: &[u8], kind: LineKind, state: &FileState, clock: &Clock) -> Option<Witness> {
    let first = head.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    if first.and_then(|line| Fields::parse(line).ok()).is_some_and(|fields| formats::exported::is_own(&fields)) {
        return None;
    }
    let is_silent = matches!(kind, LineKind::Format(format) if is_silent(format.stored()));
    let head = if is_silent { head.get(..SILENT).unwrap_or(head) } else { head };
    let tail = if is_silent { tail.get(tail.len().saturating_sub(SILENT)..).unwrap_or(tail) } else { tail };
    let clock = clock.clone().without_zone();
    let mut witness = Witness::default();
    read(head, kind, state, &clock, &mut witness);
    witness.skip();
    let begin = memchr::memchr(b'\n', tail).map_or(tail.len(), |at| at + 1);
    read(tail.get(begin..).unwrap_or_default(), kind, state, &clock, &mut witness);
    Some(witness)
}

/// Projections and actions carry nothing of the server's clock but the days in the ids of games.
fn is_silent(format: LineFormat) -> bool {
    matches!(
        format,
        LineFormat::Recording
            | LineFormat::RecorderSink
            | LineFormat::HistoryCollector
            | LineFormat::Demonstration
    )
}

fn read(bytes: &[u8], kind: LineKind, state: &FileState, clock: &Clock, witness: &mut Witness) {
    let mut unused = FileReport::new("", Status::Imported);
    let state = state.fresh();
    let mut reader = LineReader::new(bytes);
    // Bytes in memory and a witness cannot fail; and what was seen until then counts.
    let _ = Ingest::new(witness, clock, &mut unused, &state, kind, &|_| ()).lines(&mut reader);
}

fn part(input: &Input, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.open(from)?.take(length).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn settled(job: &Job<'_>, witness: Option<&Witness>, report: &mut FileReport) -> Option<Clock> {
    let nothing = Witness::default();
    match zone::settle(witness.unwrap_or(&nothing), job.clock, job.zone) {
        // The next packets may show the zone; until then nothing is stored that might have to be taken back.
        Ok(Settled { report: Some(found), .. }) if job.opened.is_growing && found.is_open => {
            report.status = Status::Skipped;
            report.reason = Some(growing::NO_ZONE_YET.to_owned());
            None
        }
        Err(Unsettled(_)) if job.opened.is_growing => {
            report.status = Status::Skipped;
            report.reason = Some(growing::NO_ZONE_YET.to_owned());
            None
        }
        Ok(Settled { clock, report: found }) => {
            let remarkable = found.as_ref().filter(|found| found.is_remarkable);
            report.notes.extend(remarkable.map(|found| match &found.doubt {
                Some(doubt) => format!("{}; {doubt}", found.why),
                None => found.why.clone(),
            }));
            report.zone = found;
            Some(clock)
        }
        Err(Unsettled(reason)) => {
            report.status = Status::Failed;
            report.reason = Some(reason);
            None
        }
    }
}

#[cfg(test)]
mod tests;
