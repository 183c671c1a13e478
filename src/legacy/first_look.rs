//! The first look at a file's lines: its beginning and its end, to find the zone of its times before the first record is
//! stored. At most [`END`] bytes of each end are read, so that a large file costs no more than a small one.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::detect::Document;
use super::error::LegacyError;
use super::evidence::Witness;
use super::formats;
use super::growing;
use super::import::Job;
use super::ingest::{Ingest, Interrupted};
use super::lines::LineReader;
use super::report::{FileReport, Status};
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
    format: LineFormat,
    report: &mut FileReport,
) -> Result<Option<Clock>, Interrupted> {
    let mut input = File::open(&job.file.path)?;
    let head = part(&mut input, 0, END.min(job.opened.bytes))?;
    let from = job.opened.bytes.saturating_sub(END).max(head.len() as u64);
    let tail = part(&mut input, from, job.opened.bytes - from)?;
    let witness = of_lines(&head, &tail, format, job.clock);
    Ok(settled(job, witness.as_ref(), report))
}

/// The clock to read a JSON document with; `None` where the zone cannot be found, and the report says so.
///
/// # Errors
/// None today.
pub(super) fn at_document(
    job: &Job<'_>,
    text: &str,
    format: LineFormat,
    document: &Document,
    report: &mut FileReport,
) -> Result<Option<Clock>, Interrupted> {
    let clock = job.clock.clone().without_zone();
    let mut witness = Witness::up_to(2 * END);
    let mut unused = FileReport::new("", Status::Imported);
    match Ingest::new(&mut witness, &clock, &mut unused, format, &|_| ()).document(text, 0, document) {
        // A witness that has seen enough says so with an error.
        Ok(()) | Err(Interrupted::Target(LegacyError::Argument(_))) => Ok(settled(job, Some(&witness), report)),
        Err(error) => Err(error),
    }
}

/// What the lines of both ends of a file say; `tail` is empty where `head` is the whole, and may begin within a line.
/// `None` for an export of this program, whose times are what they are.
pub fn of_lines(head: &[u8], tail: &[u8], format: LineFormat, clock: &Clock) -> Option<Witness> {
    let first = head.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    if first.and_then(|line| Fields::parse(line).ok()).is_some_and(|fields| formats::exported::is_own(&fields)) {
        return None;
    }
    // Projections and actions carry nothing of the server's clock but the days in the ids of games.
    let is_silent = matches!(
        format,
        LineFormat::Recording
            | LineFormat::RecorderSink
            | LineFormat::HistoryCollector
            | LineFormat::Demonstration
    );
    let head = if is_silent { head.get(..SILENT).unwrap_or(head) } else { head };
    let tail = if is_silent { tail.get(tail.len().saturating_sub(SILENT)..).unwrap_or(tail) } else { tail };
    let clock = clock.clone().without_zone();
    let mut witness = Witness::default();
    read(head, format, &clock, &mut witness);
    witness.skip();
    let begin = memchr::memchr(b'\n', tail).map_or(tail.len(), |at| at + 1);
    read(tail.get(begin..).unwrap_or_default(), format, &clock, &mut witness);
    Some(witness)
}

fn read(bytes: &[u8], format: LineFormat, clock: &Clock, witness: &mut Witness) {
    let mut unused = FileReport::new("", Status::Imported);
    let mut reader = LineReader::new(bytes);
    // Bytes in memory and a witness cannot fail; and what was seen until then counts.
    let _ = Ingest::new(witness, clock, &mut unused, format, &|_| ()).lines(&mut reader);
}

fn part(input: &mut File, from: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.seek(SeekFrom::Start(from))?;
    input.take(length).read_to_end(&mut bytes)?;
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
