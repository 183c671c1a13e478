//! Older files into the store.
//!
//! Each file becomes a session of its own. A file is known by its SHA-256: the same bytes are imported once,
//! under whatever name, and of a file that has grown only what is new. Files are published in batches; a
//! crash loses the batch that was not published yet, and importing again does it.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use indicatif::ProgressBar;
use jiff::tz::TimeZone;

use super::detect::{self, Hints, Shape};
use super::error::LegacyError;
use super::fields::Fields;
use super::fingerprint::{self, Fingerprint};
use super::formats;
use super::growing;
use super::hosts::Hosts;
use super::ingest::Interrupted;
use super::input::{DEEPEST, Input, Layer};
use super::mapping::Mapping;
use super::overlap::sieve::Sieve;
use super::report::{FileReport, Report, Status};
use super::state::FileState;
use super::store_target::{StoreTarget, known_of};
use super::target::{NewFile, Nowhere, Target};
use super::time::Clock;
use super::walk;
use super::zip;
use super::zone;
use replayer_store::Store;
use replayer_store::catalog::Catalog;
use replayer_store::root::DataRoot;

use earlier::Earlier;

mod earlier;
mod lines;
mod whole;

/// What to import.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// How lines of an unknown shape are to be read.
    pub mapping: Option<Mapping>,
    /// Hosts besides the game's whose sockets are taken, out of files that hold those of several.
    pub hosts: Hosts,
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

fn into_target<T: Target + Send>(
    found: &walk::Found,
    target: &mut T,
    options: &Options,
) -> Result<Report, LegacyError> {
    let clock = Clock::new()?;
    let zone = options.zone.as_deref().map(zone::named).transpose()?;
    let mut report = Report::default();
    let bar = options.bar.clone().unwrap_or_else(ProgressBar::hidden);
    let sizes = found.files.iter().filter_map(|file| file.path.metadata().ok()).map(|metadata| metadata.len());
    bar.set_length(sizes.sum());
    for file in &found.files {
        bar.set_message(file.name.clone());
        let before = bar.position();
        let source = Source { input: Input::new(&file.path), name: file.name.clone(), named: file.named };
        let size = file.path.metadata().map_or(0, |metadata| metadata.len());
        let progress = |bytes| bar.inc(bytes);
        let run = Run { clock: &clock, zone: zone.as_ref(), options, progress: &progress };
        match run.one_file(&source, target)? {
            Outcome::File(read) => {
                report.push(*read);
                target.publish(false)?;
            }
            Outcome::Archive(members) => {
                let read = run.members(&source, &members, target)?;
                read.into_iter().for_each(|read| report.push(read));
            }
        }
        bar.set_position(before + size);
    }
    target.publish(true)?;
    bar.finish_and_clear();
    for (name, reason) in &found.left_out {
        let mut file = FileReport::new(name, Status::Skipped);
        file.named = false;
        file.reason = Some((*reason).to_owned());
        report.push(file);
    }
    Ok(report)
}

/// One file, or member of an archive.
#[derive(Debug, Clone)]
pub(super) struct Source {
    /// Its bytes.
    pub input: Input,
    /// What the report calls it.
    pub name: String,
    /// Whether the user named it, rather than something that it is in.
    pub named: bool,
}

/// What a file was.
enum Outcome {
    /// A file; what became of it.
    File(Box<FileReport>),
    /// An archive of these members.
    Archive(Vec<zip::Member>),
}

/// What all files of an import are read with.
#[derive(Clone, Copy)]
struct Run<'r> {
    clock: &'r Clock,
    /// The zone that the user named.
    zone: Option<&'r TimeZone>,
    options: &'r Options,
    progress: &'r dyn Fn(u64),
}

impl Run<'_> {
    /// Imports the members of an archive, one by one. The archive itself is in the report when nothing of it was taken.
    fn members<T: Target + Send>(
        &self,
        archive: &Source,
        members: &[zip::Member],
        target: &mut T,
    ) -> Result<Vec<FileReport>, LegacyError> {
        let mut reports = Vec::new();
        for member in members.iter().filter(|member| !member.is_folder()) {
            let name = format!("{}!{}", archive.name, member.name);
            if let Some(obstacle) = member.obstacle() {
                let mut report = FileReport::new(&name, Status::Unsupported);
                report.named = false;
                report.reason = Some(format!("in the archive, but {obstacle}"));
                reports.push(report);
                continue;
            }
            let input = archive.input.within(Layer::Member(Arc::new(member.clone())));
            match self.one_file(&Source { input, name, named: false }, target)? {
                Outcome::File(report) => reports.push(*report),
                Outcome::Archive(_) => {}
            }
            target.publish(false)?;
        }
        let has_any = reports.iter().any(|report| {
            !matches!(report.status, Status::Skipped | Status::Unsupported | Status::Failed | Status::Empty)
        });
        if !has_any {
            let mut report = FileReport::new(&archive.name, Status::Skipped);
            report.named = archive.named;
            report.reason =
                Some(format!("a ZIP archive of {} files, none of which is a recording", reports.len()));
            reports.push(report);
        }
        Ok(reports)
    }

    /// Imports one file. What is wrong with the file is in its report; what is wrong with the store is an error.
    fn one_file<T: Target + Send>(&self, source: &Source, target: &mut T) -> Result<Outcome, LegacyError> {
        let mut report = FileReport::new(&source.name, Status::Imported);
        report.named = source.named;
        let opened = match self.look_at(source, target) {
            Ok(opened) => opened,
            Err(error) => {
                report.status = Status::Failed;
                report.reason = Some(format!("cannot be read: {error}"));
                return Ok(Outcome::File(Box::new(report)));
            }
        };
        report.bytes = opened.bytes;
        let packed: Vec<_> = opened.input.layers().iter().map(Layer::name).filter(|name| *name != "ZIP").collect();
        if !packed.is_empty() {
            report.notes.push(format!("unpacked from {}", packed.join(", ")));
        }
        let mut ended = |status, reason: String| {
            report.status = status;
            report.reason = Some(reason);
            Ok(Outcome::File(Box::new(report.clone())))
        };
        let shape = match opened.shape {
            _ if opened.bytes == 0 => return ended(Status::Empty, "0 bytes".to_owned()),
            Shape::Unsupported(advice) => return ended(Status::Unsupported, advice.into_owned()),
            Shape::Skip(reason) => return ended(Status::Skipped, reason),
            Shape::Packed(_) => {
                return ended(Status::Unsupported, format!("packed more than {DEEPEST} times. Unpack it first"));
            }
            Shape::Archive => {
                let Some(members) = opened.members else {
                    let advice = "a ZIP archive within a packed file. Unpack the outer one first";
                    return ended(Status::Unsupported, advice.to_owned());
                };
                return Ok(Outcome::Archive(members));
            }
            ref shape => shape.clone(),
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
            return Ok(Outcome::File(Box::new(report)));
        }
        let state = FileState::new(&self.options.hosts, self.options.mapping.as_ref());
        let job = Job {
            source,
            opened: &opened,
            clock: self.clock,
            zone: self.zone,
            growing: self.options.growing,
            state: &state,
            progress: self.progress,
        };
        let outcome = match shape {
            Shape::Lines(kind) => lines::import(&job, kind, &earlier, target, &mut report),
            ref shape => whole::import(&job, shape, target, &mut report),
        };
        report.close_range();
        report.close_notes();
        match outcome {
            Ok(()) => Ok(Outcome::File(Box::new(report))),
            Err(Interrupted::Target(error)) => Err(error),
            // It could be read a moment ago. What was read of it must not be published, nor kept half.
            Err(Interrupted::File(error)) => {
                Err(LegacyError::Interrupted { path: source.input.path().to_owned(), source: error })
            }
        }
    }

    /// The first pass: the file's kind, and its digests. Lines appended later are not looked at in this import.
    fn look_at<T: Target>(&self, source: &Source, target: &T) -> std::io::Result<Opened> {
        // Opening a pipe would wait for its writer.
        let metadata = std::fs::metadata(source.input.path())?;
        let mut opened = Opened {
            bytes: 1,
            shape: Shape::Skip("not a regular file".to_owned()),
            fingerprint: fingerprint::of(std::io::empty(), &BTreeSet::new())?,
            input: source.input.clone(),
            members: None,
            is_growing: self.options.growing && !growing::is_quiet(&metadata),
        };
        if !metadata.is_file() {
            return Ok(opened);
        }
        let mut head = Vec::new();
        for _ in 0..=DEEPEST {
            head.clear();
            let mut reader = opened.input.open(0)?;
            reader.by_ref().take(detect::HEAD as u64).read_to_end(&mut head)?;
            let complete = head.len() < detect::HEAD;
            opened.shape = detect::shape(
                &head,
                complete,
                &Hints {
                    name: &source.name,
                    named: source.named,
                    is_large: opened.input.is_plain() && metadata.len() > detect::MAX_DOCUMENT,
                    mapping: self.options.mapping.as_ref(),
                },
            );
            match &opened.shape {
                Shape::Packed(layer) => opened.input = opened.input.within(layer.clone()),
                _ => break,
            }
        }
        opened.bytes = if opened.input.is_plain() { metadata.len() } else { head.len() as u64 };
        if matches!(opened.shape, Shape::Archive) && opened.input.is_plain() {
            opened.members = Some(zip::members(opened.input.path())?);
        }
        if matches!(opened.shape, Shape::Lines(_)) && is_of_this_store(&head, target) {
            let reason = "an export of this very store: its rows are here already. Import it into another data root, or \
                          leave it out";
            opened.shape = Shape::Skip(reason.to_owned());
        }
        let mut most = if opened.input.is_plain() { metadata.len() } else { u64::MAX };
        if opened.is_growing {
            match opened.shape {
                Shape::Skip(_) | Shape::Unsupported(_) => {}
                Shape::Lines(_) if opened.input.is_plain() => {
                    most = growing::whole_lines(&mut File::open(source.input.path())?, metadata.len())?;
                    opened.bytes = most;
                }
                _ => opened.shape = Shape::Skip(growing::NOT_YET.to_owned()),
            }
        }
        let lengths: BTreeSet<u64> = match opened.shape {
            Shape::Lines(_) => target.known().iter().map(|known| known.bytes).collect(),
            _ => BTreeSet::new(),
        };
        if !matches!(opened.shape, Shape::Skip(_) | Shape::Unsupported(_) | Shape::Packed(_) | Shape::Archive) {
            opened.fingerprint = fingerprint::of(opened.input.open(0)?.take(most), &lengths)?;
            opened.bytes = opened.fingerprint.bytes;
        }
        Ok(opened)
    }
}

/// What the first pass over a file found.
pub(super) struct Opened {
    pub bytes: u64,
    shape: Shape,
    pub fingerprint: Fingerprint,
    /// Its bytes, unpacked.
    pub input: Input,
    /// Of an archive, what is in it.
    members: Option<Vec<zip::Member>>,
    /// Whether it is followed and was written to a moment ago.
    pub is_growing: bool,
}

/// The second pass over a file: what it needs besides the target and the report.
#[derive(Clone, Copy)]
pub(super) struct Job<'j> {
    pub source: &'j Source,
    pub opened: &'j Opened,
    pub clock: &'j Clock,
    /// The zone that the user named.
    pub zone: Option<&'j TimeZone>,
    /// Whether what has grown goes on in the session of its beginning.
    pub growing: bool,
    pub state: &'j FileState,
    pub progress: &'j dyn Fn(u64),
}

impl Job<'_> {
    /// All bytes, of what has to be in memory as a whole; `None` where they are too many.
    ///
    /// # Errors
    /// Those of the file.
    pub fn whole(&self) -> std::io::Result<Option<Vec<u8>>> {
        if self.opened.bytes > detect::MAX_DOCUMENT {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        self.opened.input.open(0)?.take(self.opened.bytes).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }
}

/// Whether the file begins with a row of our own export whose session the target holds.
fn is_of_this_store<T: Target>(head: &[u8], target: &T) -> bool {
    let first = head.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
    let Some(fields) = first.and_then(|line| Fields::parse(line).ok()) else { return false };
    formats::exported::is_own(&fields) && fields.text("session_id").is_some_and(|id| target.has_session(&id))
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
        name: &job.source.name,
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

#[cfg(test)]
mod tests;
