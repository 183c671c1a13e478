//! Documents and tables: what is read of a file that is no file of lines.

use std::io::{BufReader, Read};

use super::{Job, begin, end};
use crate::csv;
use crate::detect::{self, LineKind, Shape};
use crate::documents::{self, Document, har};
use crate::evidence::Witness;
use crate::fields::Fields;
use crate::first_look;
use crate::formats;
use crate::ingest::{Ingest, Interrupted};
use crate::packets;
use crate::parquet;
use crate::report::{FileReport, Status};
use crate::sqlite;
use crate::target::Target;
use crate::unknown;
use replayer_protocol::line::LineFormat;

/// Imports what is no file of lines: looked at first as lines are, by reading its beginning for the evidence in it alone.
///
/// # Errors
/// Those of the file and of the target.
pub(super) fn import<T: Target>(
    job: &Job<'_>,
    shape: &Shape,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let look =
        |job: &Job<'_>, witness: &mut Witness, unused: &mut FileReport| read_whole(job, shape, witness, unused);
    let Some(clock) = first_look::at_whole(job, report, look)? else { return Ok(()) };
    read_whole(&Job { clock: &clock, ..*job }, shape, target, report)
}

fn read_whole<T: Target>(
    job: &Job<'_>,
    shape: &Shape,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    match shape {
        Shape::Document => document(job, target, report),
        Shape::Csv(delimiter) => table(job, *delimiter, target, report),
        Shape::Sqlite => sqlite::import(job, target, report),
        Shape::Packets => packets::import(job, target, report),
        _ => parquet::import(job, target, report),
    }
}

/// Imports a JSON document, which is held in memory.
fn document<T: Target>(job: &Job<'_>, target: &mut T, report: &mut FileReport) -> Result<(), Interrupted> {
    let mut skip = |status, reason: String| {
        report.status = status;
        report.reason = Some(reason);
        Ok(())
    };
    let Some(bytes) = job.whole()? else {
        let limit = detect::MAX_DOCUMENT >> 20;
        let advice = "Of an array, make lines first: jq -c '.[]' FILE > FILE.jsonl; of a HAR file: jq -c \
                      '.log.entries[] | select(.request.url | test(\"rugs\\\\.fun\")) | ._webSocketMessages[]?' FILE > FILE.jsonl";
        return skip(Status::Unsupported, format!("a JSON document of more than {limit} MiB. {advice}"));
    };
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return skip(Status::Skipped, "a JSON document, but not UTF-8".to_owned());
    };
    let body = without_comments(text);
    let document = documents::document(body, &job.source.name);
    let of = |format: LineFormat| formats::of_lines(format).map_or(LineKind::Text, LineKind::Format);
    let (kind, name) = match &document {
        Document::Skip(reason) => return skip(Status::Skipped, about(reason, body)),
        Document::Lines => (of(LineFormat::CdpCapture), "json_array".to_owned()),
        Document::Payloads(_) => (LineKind::Text, LineFormat::Payload.as_str().to_owned()),
        Document::Session => (of(LineFormat::Demonstration), LineFormat::Demonstration.as_str().to_owned()),
        Document::Samples => (of(LineFormat::KeySample), LineFormat::KeySample.as_str().to_owned()),
        Document::Whole(format) => (of(*format), format.as_str().to_owned()),
        Document::Values => (LineKind::Text, "json_values".to_owned()),
        Document::Har => (LineKind::Text, "har".to_owned()),
        Document::List(path) => (LineKind::Text, format!("json_list at {path}")),
    };
    if matches!(document, Document::Har) && !har::has_messages(body, &job.state.hosts) {
        let reason = "a HAR file without a message of a WebSocket of rugs.fun. Name another host with --host, or save the file \
                      again with DevTools open since before the page was loaded";
        return skip(Status::Skipped, reason.to_owned());
    }
    begin(target, job, &name, report)?;
    let offset = (text.len() - body.len()) as u64;
    Ingest::new(target, job.clock, report, job.state, kind, job.progress).document(body, offset, &document)?;
    end(target, report)
}

/// A document without the mark and the comments before it.
fn without_comments(text: &str) -> &str {
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    while detect::is_comment(rest.as_bytes()) {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest
}

/// Why a document is none, and what it looks like.
fn about(reason: &str, text: &str) -> String {
    let first = match text.starts_with('[') {
        true => documents::elements(text).next(),
        false => documents::values(text).next(),
    };
    match first.and_then(Result::ok).and_then(|(_, first)| Fields::parse(first).ok()) {
        Some(fields) => format!("{reason}: it looks like {}", unknown::object(&fields)),
        None => reason.to_owned(),
    }
}

/// Imports a table as text.
fn table<T: Target>(
    job: &Job<'_>,
    delimiter: u8,
    target: &mut T,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    let input = job.opened.input.open(0)?.take(job.opened.bytes);
    let mut rows = csv::Rows::new(BufReader::with_capacity(1 << 18, input), delimiter);
    let Some(header) = rows.next_row()? else { return Ok(()) };
    let columns: Vec<String> = header.cells.into_iter().map(|(name, _)| name.trim().to_owned()).collect();
    // Which rows they are is asked of the first: a table of something else is none of ours.
    let Some(first) = rows.next_row()? else {
        report.status = Status::Empty;
        report.reason = Some("a table without rows".to_owned());
        return Ok(());
    };
    let object = csv::object(&columns, &first).unwrap_or_default();
    let known = Fields::parse(&object)
        .is_ok_and(|fields| job.state.mapping.is_some() || formats::recognise(&fields).is_some());
    if !known {
        report.status = Status::Skipped;
        report.reason = Some(about("a table, but of no known rows", &object));
        return Ok(());
    }
    begin(target, job, "csv", report)?;
    let mut ingest = Ingest::new(target, job.clock, report, job.state, LineKind::Text, job.progress);
    let mut next = Some(first);
    while let Some(row) = next {
        match csv::object(&columns, &row) {
            Some(object) => ingest.made(&object, row.line, row.offset)?,
            None => ingest.refused("a row with more cells than there are columns", row.line, row.offset)?,
        }
        (ingest.progress)(row.bytes);
        next = rows.next_row()?;
    }
    end(target, report)
}
