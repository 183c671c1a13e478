//! Older files into the store.
//!
//! Each file becomes a session of its own. A file is known by its SHA-256: the same bytes are imported once,
//! under whatever name, and of a file that has grown only what is new. Files are published in batches; a
//! crash loses the batch that was not published yet, and importing again does it.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::ProgressBar;
use jiff::tz::TimeZone;

use super::detect::{self, Document, Shape};
use super::error::LegacyError;
use super::fields::Fields;
use super::fingerprint::{self, Beginning, Fingerprint};
use super::first_look;
use super::formats;
use super::growing;
use super::ingest::{Ingest, Interrupted};
use super::lines::LineReader;
use super::overlap::sieve::Sieve;
use super::parquet;
use super::report::{Counts, FileReport, Report, Status};
use super::target::{Known, NewFile, Nowhere, Target};
use super::time::Clock;
use super::walk::{self, Candidate};
use super::zone;
use replayer_protocol::line::LineFormat;
use replayer_store::catalog::{Catalog, ImportEntry};
use replayer_store::ids::SessionId;
use replayer_store::import::{FileCounts, ImportBatch, ImportedFile};
use replayer_store::record::Record;
use replayer_store::root::DataRoot;
use replayer_store::{Store, StoreError};

/// Files are published when this much text was read since the last time, bytes.
const BATCH: u64 = 256 << 20;

/// What to import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// Told of the bytes read; its length is set here.
    pub bar: Option<ProgressBar>,
    /// The zone of times that name none: a name of the time zone database, or an offset; `None` to find it.
    pub zone: Option<String>,
    /// Whether the files may be being written ([`super::follow`]): then only whole lines are taken, what has grown goes on in
    /// the session of its beginning, and a file whose zone the next packets may show is left for later.
    pub growing: bool,
}

/// Imports files. `imported` is called with the store when they are in it, and with the sessions that this brought: the layers
/// above prove the games whose seeds came with them.
///
/// # Errors
/// When a named path cannot be read, or the store cannot be written to; files published before stay.
pub fn run(
    root: &DataRoot,
    options: &Options,
    imported: impl FnOnce(&Arc<Store>, &BTreeSet<String>),
) -> Result<Report, LegacyError> {
    let found = walk::collect(&options.paths, Some(root.path()))?;
    let store = Arc::new(Store::open(root, "legacy import")?);
    into_store(&store, &found, options, imported)
}

/// As [`run`], with a store that is open and files that were found.
///
/// # Errors
/// As [`run`].
pub(super) fn into_store(
    store: &Arc<Store>,
    found: &walk::Found,
    options: &Options,
    imported: impl FnOnce(&Arc<Store>, &BTreeSet<String>),
) -> Result<Report, LegacyError> {
    let root = store.root();
    let target = StoreTarget::new(store)?;
    let mut target = Sieve::new(target, Some(root), &store.catalog(), found.files.len());
    let report = into_target(found, &mut target, options)?;
    // Parts of it are remembered no longer than needed.
    drop(target);
    let brought = report.per_file.iter().filter(|file| matches!(file.status, Status::Imported | Status::Grown));
    imported(store, &brought.filter_map(|file| file.session_id.clone()).collect());
    Ok(report)
}

/// Reports what [`run`] would do, and writes nothing. It needs no lease, so it works beside a recorder.
///
/// # Errors
/// When a named path or the list of earlier imports cannot be read.
pub fn dry_run(root: Option<&DataRoot>, options: &Options) -> Result<Report, LegacyError> {
    let found = walk::collect(&options.paths, root.map(DataRoot::path))?;
    let catalog = root.map(Catalog::load).transpose()?.unwrap_or_default();
    let sessions = catalog.sessions.iter().map(|session| session.session_id.to_string()).collect();
    let known = catalog.imports.iter().map(known_of).collect();
    let target = Nowhere::knowing(known, sessions);
    let report = into_target(&found, &mut Sieve::new(target, root, &catalog, found.files.len()), options)?;
    Ok(Report { dry_run: true, ..report })
}

/// Reads all of the files, whatever was imported before, and stores nothing: what a comparison needs. Each
/// report names the imports of `catalog` that hold the file or a beginning of it.
///
/// # Errors
/// When a named path cannot be read.
pub fn read_only(options: &Options, root: &DataRoot, catalog: &Catalog) -> Result<Report, LegacyError> {
    let found = walk::collect(&options.paths, Some(root.path()))?;
    let target = Nowhere::reading_again(catalog.imports.iter().map(known_of).collect());
    // Files are compared with the store, not with each other.
    into_target(&found, &mut Sieve::new(target, Some(root), catalog, 1).only_counting(), options)
}

fn into_target<T: Target>(found: &walk::Found, target: &mut T, options: &Options) -> Result<Report, LegacyError> {
    let clock = Clock::new()?;
    let zone = options.zone.as_deref().map(zone::named).transpose()?;
    let times = Times { clock: &clock, zone: zone.as_ref(), growing: options.growing };
    let mut report = Report::default();
    let bar = options.bar.clone().unwrap_or_else(ProgressBar::hidden);
    let sizes = found.files.iter().filter_map(|file| file.path.metadata().ok()).map(|metadata| metadata.len());
    bar.set_length(sizes.sum());
    for file in &found.files {
        bar.set_message(file.name.clone());
        let before = bar.position();
        let read = one_file(file, target, times, &|bytes| bar.inc(bytes))?;
        bar.set_position(before + read.bytes);
        report.push(read);
        target.publish(false)?;
    }
    target.publish(true)?;
    bar.finish_and_clear();
    for (name, reason) in &found.left_out {
        let mut file = FileReport::new(name, Status::Skipped);
        file.reason = Some((*reason).to_owned());
        report.push(file);
    }
    Ok(report)
}

/// How times are read, as far as it is the same for all files.
#[derive(Clone, Copy)]
struct Times<'t> {
    clock: &'t Clock,
    zone: Option<&'t TimeZone>,
    growing: bool,
}

/// Imports one file. What is wrong with the file is in its report; what is wrong with the store is an error.
fn one_file<T: Target>(
    file: &Candidate,
    target: &mut T,
    times: Times<'_>,
    progress: &dyn Fn(u64),
) -> Result<FileReport, LegacyError> {
    let mut report = FileReport::new(&file.name, Status::Imported);
    let opened = match look_at(file, target, times.growing) {
        Ok(opened) => opened,
        Err(error) => {
            report.status = Status::Failed;
            report.reason = Some(format!("cannot be read: {error}"));
            return Ok(report);
        }
    };
    report.bytes = opened.bytes;
    let mut ended = |status, reason: String| {
        report.status = status;
        report.reason = Some(reason);
        Ok(report.clone())
    };
    let shape = match opened.shape {
        _ if opened.bytes == 0 => return ended(Status::Empty, "0 bytes".to_owned()),
        Shape::Unsupported(advice) => return ended(Status::Unsupported, advice.to_owned()),
        Shape::Skip(reason) => return ended(Status::Skipped, reason.to_owned()),
        shape => shape,
    };
    let earlier = Earlier::of(&opened.fingerprint, target.known(), target.reads_again());
    report.sha256 = Some(opened.fingerprint.sha256.clone());
    report.earlier_sessions = earlier.sessions.clone();
    if let Some(same) = earlier.same {
        report.status = Status::AlreadyImported;
        report.reason = Some(match &same.session_id {
            Some(session_id) => format!("already imported as session {session_id}, from {}", same.name),
            None => format!("the same content as {}", same.name),
        });
        report.session_id = same.session_id;
        return Ok(report);
    }
    let Times { clock, zone, growing } = times;
    let job = Job { file, opened: &opened, clock, zone, growing, progress };
    let outcome = match shape {
        Shape::Lines(format) => import_lines(&job, format, &earlier, target, &mut report),
        Shape::Document => import_document(&job, target, &mut report),
        _ => parquet::import(&job, target, &mut report),
    };
    report.close_range();
    match outcome {
        Ok(()) => Ok(report),
        Err(Interrupted::Target(error)) => Err(error),
        // It could be read a moment ago. What was read of it must not be published, nor kept half.
        Err(Interrupted::File(source)) => Err(LegacyError::Interrupted { path: file.path.clone(), source }),
    }
}

/// What the first pass over a file found.
pub(super) struct Opened {
    pub bytes: u64,
    shape: Shape,
    fingerprint: Fingerprint,
    /// Whether it is followed and was written to a moment ago.
    pub is_growing: bool,
}

/// The second pass over a file: what it needs besides the target and the report.
#[derive(Clone, Copy)]
pub(super) struct Job<'j> {
    pub file: &'j Candidate,
    pub opened: &'j Opened,
    pub clock: &'j Clock,
    /// The zone that the user named.
    pub zone: Option<&'j TimeZone>,
    /// Whether what has grown goes on in the session of its beginning.
    pub growing: bool,
    pub progress: &'j dyn Fn(u64),
}

/// The first pass: the file's kind, and its digests. Lines appended later are not looked at in this import.
fn look_at<T: Target>(file: &Candidate, target: &T, growing: bool) -> std::io::Result<Opened> {
    // Opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(&file.path)?;
    if !metadata.is_file() {
        let shape = Shape::Skip("not a regular file");
        let fingerprint = fingerprint::of(std::io::empty(), &BTreeSet::new())?;
        return Ok(Opened { bytes: 1, shape, fingerprint, is_growing: false });
    }
    let mut input = File::open(&file.path)?;
    let mut head = Vec::new();
    input.by_ref().take(detect::HEAD as u64).read_to_end(&mut head)?;
    let complete = (head.len() as u64) >= metadata.len();
    let shape = match detect::shape(&head, complete, &file.name) {
        Shape::Lines(_) if is_of_this_store(&head, target) => Shape::Skip(
            "an export of this very store: its rows are here already. Import it into another data root, or leave it \
             out",
        ),
        shape => shape,
    };
    let lengths: BTreeSet<u64> = match shape {
        Shape::Lines(_) => target.known().iter().map(|known| known.bytes).collect(),
        _ => BTreeSet::new(),
    };
    let is_growing = growing && !growing::is_quiet(&metadata);
    let (shape, bytes) = match shape {
        Shape::Lines(_) if is_growing => (shape, growing::whole_lines(&mut input, metadata.len())?),
        Shape::Document | Shape::Parquet if is_growing => (Shape::Skip(growing::NOT_YET), metadata.len()),
        shape => (shape, metadata.len()),
    };
    input.seek(SeekFrom::Start(0))?;
    let fingerprint = match shape {
        Shape::Skip(_) | Shape::Unsupported(_) => fingerprint::of(std::io::empty(), &lengths)?,
        _ => fingerprint::of(input.take(bytes), &lengths)?,
    };
    Ok(Opened { bytes, shape, fingerprint, is_growing })
}

/// Whether the file begins with a row of our own export whose session the target holds.
fn is_of_this_store<T: Target>(head: &[u8], target: &T) -> bool {
    let first = head.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    let Some(fields) = first.and_then(|line| Fields::parse(line).ok()) else { return false };
    formats::exported::is_own(&fields) && fields.text("session_id").is_some_and(|id| target.has_session(&id))
}

/// What earlier imports hold of a file.
#[derive(Debug, Default)]
struct Earlier {
    /// The import of the same bytes.
    same: Option<Known>,
    /// The longest beginning that was imported.
    beginning: Option<(Beginning, Known)>,
    /// Sessions of all of them.
    sessions: Vec<String>,
}

impl Earlier {
    /// With `reads_again`, only the same bytes in this very run count as read.
    fn of(fingerprint: &Fingerprint, known: &[Known], reads_again: bool) -> Earlier {
        let mut earlier = Earlier::default();
        let by_digest: HashMap<&str, &Known> = known.iter().map(|known| (known.sha256.as_str(), known)).collect();
        for beginning in &fingerprint.beginnings {
            if let Some(found) = by_digest.get(beginning.sha256.as_str()) {
                earlier.sessions.extend(found.session_id.clone());
                earlier.beginning = Some((beginning.clone(), (*found).clone())).filter(|_| !reads_again);
            }
        }
        let same: Vec<&Known> = known.iter().filter(|known| known.sha256 == fingerprint.sha256).collect();
        earlier.sessions.extend(same.iter().filter_map(|same| same.session_id.clone()));
        earlier.same = same.into_iter().find(|same| !reads_again || same.session_id.is_none()).cloned();
        earlier
    }
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

fn import_lines<T: Target>(
    job: &Job<'_>,
    format: LineFormat,
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
    let Some(clock) = first_look::at_lines(job, format, report)? else { return Ok(()) };
    let job = &Job { clock: &clock, ..*job };
    begin(target, job, format.as_str(), report)?;
    let mut input = File::open(&job.file.path)?;
    input.seek(SeekFrom::Start(start))?;
    let input = BufReader::with_capacity(1 << 18, input.take(job.opened.bytes.saturating_sub(start)));
    let mut reader = LineReader::starting_at(input, start, lines_before);
    Ingest::new(target, job.clock, report, format, job.progress).lines(&mut reader)?;
    if reader.offset() != job.opened.bytes {
        return Err(Interrupted::File(std::io::Error::other("the file became shorter while it was read")));
    }
    end(target, report)
}

fn import_document<T: Target>(job: &Job<'_>, target: &mut T, report: &mut FileReport) -> Result<(), Interrupted> {
    let mut skip = |status, reason: String| {
        report.status = status;
        report.reason = Some(reason);
        Ok(())
    };
    if job.opened.bytes > detect::MAX_DOCUMENT {
        let limit = detect::MAX_DOCUMENT >> 20;
        let advice = "Of an array, make lines first: jq -c '.[]' FILE > FILE.jsonl";
        return skip(Status::Unsupported, format!("a JSON document of more than {limit} MiB. {advice}"));
    }
    let mut bytes = Vec::new();
    File::open(&job.file.path)?.take(job.opened.bytes).read_to_end(&mut bytes)?;
    let Ok(text) = std::str::from_utf8(&bytes) else {
        return skip(Status::Skipped, "a JSON document, but not UTF-8".to_owned());
    };
    let body = text.trim_start_matches('\u{FEFF}');
    let document = detect::document(body, &job.file.name);
    let (format, kind) = match &document {
        Document::Skip(reason) => return skip(Status::Skipped, (*reason).to_owned()),
        Document::Lines => (LineFormat::CdpCapture, "json_array".to_owned()),
        Document::Payloads(_) => (LineFormat::Payload, LineFormat::Payload.as_str().to_owned()),
        Document::Session => (LineFormat::Demonstration, LineFormat::Demonstration.as_str().to_owned()),
        Document::Samples => (LineFormat::KeySample, LineFormat::KeySample.as_str().to_owned()),
        Document::Whole(format) => (*format, format.as_str().to_owned()),
    };
    let Some(clock) = first_look::at_document(job, body, format, &document, report)? else { return Ok(()) };
    let job = &Job { clock: &clock, ..*job };
    begin(target, job, &kind, report)?;
    let offset = (text.len() - body.len()) as u64;
    Ingest::new(target, job.clock, report, format, job.progress).document(body, offset, &document)?;
    end(target, report)
}

/// Begins a file at the target and says so in the report.
///
/// # Errors
/// Those of the target.
pub(super) fn begin<T: Target>(
    target: &mut T,
    job: &Job<'_>,
    format: &str,
    report: &mut FileReport,
) -> Result<(), Interrupted> {
    report.format = Some(format.to_owned());
    report.session_id = target.begin(&NewFile {
        name: &job.file.name,
        format,
        sha256: &job.opened.fingerprint.sha256,
        bytes: job.opened.fingerprint.bytes,
        earlier: if report.status == Status::Grown { &report.earlier_sessions } else { &[] },
        continues: job.growing,
    })?;
    Ok(())
}

/// Ends a file at the target.
///
/// # Errors
/// Those of the target.
pub(super) fn end<T: Target>(target: &mut T, report: &mut FileReport) -> Result<(), Interrupted> {
    if let Some((known, new)) = target.overlap() {
        report.found(known, new);
    }
    Ok(target.end(&report.counts)?)
}

/// Puts records into the store, in batches.
struct StoreTarget<'s> {
    store: &'s Store,
    batch: Option<ImportBatch<'s>>,
    known: Vec<Known>,
    sessions: HashSet<String>,
    open: Option<Known>,
    generation: u64,
}

impl<'s> StoreTarget<'s> {
    fn new(store: &'s Store) -> Result<StoreTarget<'s>, LegacyError> {
        let batch = store.import_batch()?;
        let known = batch.known().iter().map(known_of).collect();
        let sessions = store.catalog().sessions.iter().map(|session| session.session_id.to_string()).collect();
        Ok(StoreTarget { store, batch: Some(batch), known, sessions, open: None, generation: 0 })
    }

    fn batch(&mut self) -> Result<&mut ImportBatch<'s>, LegacyError> {
        self.batch.as_mut().ok_or(LegacyError::Store(StoreError::Closed))
    }
}

fn known_of(entry: &ImportEntry) -> Known {
    Known {
        sha256: entry.sha256.clone(),
        bytes: entry.bytes,
        name: entry.name.clone(),
        session_id: Some(entry.session_id.to_string()),
    }
}

impl Target for StoreTarget<'_> {
    fn known(&self) -> &[Known] {
        &self.known
    }

    fn has_session(&self, session_id: &str) -> bool {
        self.sessions.contains(session_id)
    }

    fn generation(&self) -> u64 {
        self.generation
    }

    fn begin(&mut self, file: &NewFile<'_>) -> Result<Option<String>, LegacyError> {
        let imported = ImportedFile {
            name: file.name.to_owned(),
            format: file.format.to_owned(),
            sha256: file.sha256.to_owned(),
            bytes: file.bytes,
        };
        let earlier = file.earlier.last().filter(|_| file.continues).and_then(|session| session.parse().ok());
        let session_id: SessionId = match earlier {
            Some(session_id) => {
                self.batch()?.resume(imported, session_id)?;
                session_id
            }
            None => self.batch()?.begin(imported)?,
        };
        let session_id = session_id.to_string();
        self.open = Some(Known {
            sha256: file.sha256.to_owned(),
            bytes: file.bytes,
            name: file.name.to_owned(),
            session_id: Some(session_id.clone()),
        });
        Ok(Some(session_id))
    }

    fn push(&mut self, record: &Record<'_>) -> Result<(), LegacyError> {
        self.batch()?.push(record)?;
        Ok(())
    }

    fn end(&mut self, counts: &Counts) -> Result<(), LegacyError> {
        let counts = FileCounts {
            lines: counts.lines,
            rows: counts.rows,
            extra_rows: counts.extra_rows,
            rejected: counts.rejected,
        };
        self.batch()?.end(counts)?;
        self.known.extend(self.open.take());
        Ok(())
    }

    fn publish(&mut self, last: bool) -> Result<(), LegacyError> {
        if !last && self.batch()?.bytes() < BATCH {
            return Ok(());
        }
        if let Some(batch) = self.batch.take() {
            batch.commit()?;
            self.generation += 1;
        }
        if !last {
            self.batch = Some(self.store.import_batch()?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
