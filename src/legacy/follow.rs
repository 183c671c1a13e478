//! Files that another program is still writing, taken in as they grow.
//!
//! Every look compares the files of a folder with what they were. Of what has changed the whole lines are imported, exactly as
//! by `legacy import`: the SHA-256 of a file's beginning says where to go on, so a restart, a renamed and a rotated file
//! cost nothing and nothing is taken twice; a file that was cut and written from its beginning again is another file, and of it
//! what is known is recognised by its records. What is new of a file goes on in the session of its beginning.
//!
//! Each taking is durable when it is reported: all of its rows and how far the file was read are put in force together.
//! The store is held only for that moment. Where a recorder holds it, the files wait, and that is said: they are on the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::error::LegacyError;
use super::growing;
use super::import::{self, Options};
use super::report::{FileReport, Report, Status, rfc3339};
use super::walk::{self, Candidate, Found};
use replayer_store::record::now_us;
use replayer_store::root::DataRoot;
use replayer_store::{Store, StoreError, fsio};

/// What to follow, and how.
#[derive(Debug, Clone)]
pub struct FollowOptions {
    /// The folder; everything below it.
    pub folder: PathBuf,
    /// How often it is looked at.
    pub poll: Duration,
    /// How long after a file was taken in it is taken in again at the earliest, while it grows.
    pub every: Duration,
    /// The zone of times that name none; `None` to find it.
    pub zone: Option<String>,
    /// Whether to look once and end.
    pub once: bool,
}

impl FollowOptions {
    /// The defaults for a folder: a look every two seconds, a growing file every ten.
    pub fn new(folder: impl Into<PathBuf>) -> FollowOptions {
        FollowOptions {
            folder: folder.into(),
            poll: Duration::from_secs(2),
            every: Duration::from_secs(10),
            zone: None,
            once: false,
        }
    }
}

/// What following is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It looks and takes in.
    #[default]
    Following,
    /// It looks; another process holds the store.
    Waiting,
    /// It has ended.
    Ended,
}

/// One file that is followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowedFile {
    /// Its length at the last look, bytes.
    pub bytes: u64,
    /// The session it is taken into.
    pub session_id: Option<String>,
    /// Records that were new.
    pub new: u64,
    /// Records that were stored already.
    pub known: u64,
    /// Lines of which no record could be made.
    pub rejected: u64,
    /// What became of it at the last taking, or why it waits.
    pub note: String,
}

/// What following does, for people and programs: `run/follow.json`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowStatus {
    /// What it is doing.
    pub state: State,
    /// The process.
    pub pid: u32,
    /// The folder.
    pub folder: String,
    /// When it began, RFC 3339 UTC.
    pub started: Option<String>,
    /// When this was written, microseconds UTC; it is renewed at every look.
    pub written_us: i64,
    /// Why it waits, or what went wrong at the last look, and what to do.
    pub note: Option<String>,
    /// The files, by their place below the folder.
    pub files: BTreeMap<String, FollowedFile>,
}

impl FollowStatus {
    /// Where it is written.
    pub fn path(root: &DataRoot) -> PathBuf {
        root.run_dir().join("follow.json")
    }

    /// What was written last; `None` where nothing was ever followed. `written_us` says whether somebody still does.
    pub fn load(root: &DataRoot) -> Option<FollowStatus> {
        serde_json::from_slice(&fsio::read(&FollowStatus::path(root)).ok()?).ok()
    }
}

/// What a look brought.
#[derive(Debug, Clone)]
pub enum Look {
    /// Nothing has changed, or nothing of it is whole yet.
    Nothing,
    /// This was taken in.
    Taken(Box<Report>),
    /// Another process holds the store; what it said of itself.
    Waiting(String),
    /// Something went wrong that may pass; the next look tries again.
    Failed(String),
}

/// A file as it was when it was taken in last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Seen {
    bytes: u64,
    modified: Option<SystemTime>,
    was_quiet: bool,
    at: Instant,
    /// How long that took: a large file is digested whole and a large store opened, and that must not become all this
    /// program does.
    took: Duration,
}

/// Follows one folder.
#[derive(Debug)]
pub struct FolderFollower {
    root: DataRoot,
    options: FollowOptions,
    seen: BTreeMap<PathBuf, Seen>,
    status: FollowStatus,
}

impl FolderFollower {
    /// Begins; looks at nothing yet.
    ///
    /// # Errors
    /// When the folder cannot be read or is none, or the zone is not known.
    pub fn new(root: &DataRoot, options: FollowOptions) -> Result<FolderFollower, LegacyError> {
        let metadata = std::fs::metadata(&options.folder).map_err(LegacyError::path(&options.folder))?;
        if !metadata.is_dir() {
            let path = options.folder.display();
            return Err(LegacyError::Argument(format!(
                "{path} is a file. Name the folder it lies in, or take it in once with `replayer legacy import {path}`"
            )));
        }
        if let Some(zone) = &options.zone {
            super::zone::named(zone)?;
        }
        let status = FollowStatus {
            pid: std::process::id(),
            folder: options.folder.display().to_string(),
            started: rfc3339(now_us()),
            ..FollowStatus::default()
        };
        Ok(FolderFollower { root: root.clone(), options, seen: BTreeMap::new(), status })
    }

    /// What it does.
    pub fn status(&self) -> &FollowStatus {
        &self.status
    }

    /// Looks once, and takes in what is due, or with `all` everything that has changed. `imported` is called as by
    /// [`import::run`].
    ///
    /// # Errors
    /// When the store cannot be written to; what was reported before stays.
    pub fn look(
        &mut self,
        all: bool,
        imported: &mut dyn FnMut(&Arc<Store>, &BTreeSet<String>),
    ) -> Result<Look, LegacyError> {
        let look = self.look_now(all, imported);
        self.status.state = if matches!(look, Ok(Look::Waiting(_))) { State::Waiting } else { State::Following };
        self.status.note = match &look {
            Ok(Look::Waiting(holder)) => Some(waiting(holder)),
            Ok(Look::Failed(reason)) => Some(reason.clone()),
            _ => None,
        };
        self.write_status();
        look
    }

    /// Says that it has ended.
    pub fn end(&mut self) {
        self.status.state = State::Ended;
        self.write_status();
    }

    fn look_now(
        &mut self,
        all: bool,
        imported: &mut dyn FnMut(&Arc<Store>, &BTreeSet<String>),
    ) -> Result<Look, LegacyError> {
        let found = match walk::collect(std::slice::from_ref(&self.options.folder), Some(self.root.path())) {
            Ok(found) => found,
            // A folder that is moved away while its files are rotated comes back.
            Err(error) => return Ok(Look::Failed(error.to_string())),
        };
        let due = self.due(found.files, all);
        if due.is_empty() {
            return Ok(Look::Nothing);
        }
        let began = Instant::now();
        let store = match Store::open(&self.root, "legacy follow") {
            Ok(store) => Arc::new(store),
            Err(StoreError::Leased { holder, .. }) => return Ok(Look::Waiting(holder)),
            Err(error) => return Err(error.into()),
        };
        let options = Options { zone: self.options.zone.clone(), growing: true, ..Options::default() };
        let files = due.iter().map(|(file, _)| file.clone()).collect();
        let found = Found { files, left_out: Vec::new() };
        let report =
            match import::into_store(&store, &found, &options, |store, sessions| imported(store, sessions)) {
                Ok(report) => report,
                // It was cut while it was read, or is gone: nothing of it was taken.
                Err(error @ (LegacyError::Interrupted { .. } | LegacyError::Path { .. })) => {
                    return Ok(Look::Failed(error.to_string()));
                }
                Err(error) => return Err(error),
            };
        for (file, seen) in due {
            self.seen.insert(file.path, Seen { at: Instant::now(), took: began.elapsed(), ..seen });
        }
        report.per_file.iter().for_each(|file| self.note(file));
        let is_news = |file: &FileReport| file.counts.lines > 0 || file.status == Status::Failed;
        Ok(if report.per_file.iter().any(is_news) { Look::Taken(Box::new(report)) } else { Look::Nothing })
    }

    /// The files that have changed and may be taken in now, as they are.
    fn due(&mut self, files: Vec<Candidate>, all: bool) -> Vec<(Candidate, Seen)> {
        self.seen.retain(|path, _| files.iter().any(|file| file.path == *path));
        let mut due = Vec::new();
        for file in files {
            let Ok(metadata) = std::fs::metadata(&file.path) else { continue };
            let now = Seen {
                bytes: metadata.len(),
                modified: metadata.modified().ok(),
                was_quiet: growing::is_quiet(&metadata),
                at: Instant::now(),
                took: Duration::ZERO,
            };
            self.status.files.entry(file.name.clone()).or_default().bytes = now.bytes;
            let is_due = self.seen.get(&file.path).is_none_or(|before| {
                let has_changed = before.bytes != now.bytes || before.modified != now.modified;
                let became_quiet = now.was_quiet && !before.was_quiet;
                let pause = self.options.every.max(20 * before.took);
                (has_changed || became_quiet) && (all || now.was_quiet || before.at.elapsed() >= pause)
            });
            if is_due {
                due.push((file, now));
            }
        }
        due
    }

    fn note(&mut self, file: &FileReport) {
        let known = self.status.files.entry(file.name.clone()).or_default();
        if file.session_id.is_some() {
            known.session_id.clone_from(&file.session_id);
        }
        known.new += file.counts.new;
        known.known += file.counts.known;
        known.rejected += file.counts.rejected;
        known.note = match &file.reason {
            Some(reason) => format!("{}: {reason}", file.status.as_str()),
            None => file.status.as_str().to_owned(),
        };
    }

    fn write_status(&mut self) {
        self.status.written_us = now_us();
        let written = serde_json::to_vec_pretty(&self.status).map_err(|error| error.to_string());
        let written = written.and_then(|bytes| {
            fsio::exchange(&FollowStatus::path(&self.root), &bytes).map_err(|error| error.to_string())
        });
        if let Err(error) = written {
            tracing::warn!(%error, "the status of following could not be written");
        }
    }
}

/// What to say where another process holds the store.
pub fn waiting(holder: &str) -> String {
    format!(
        "{holder} holds the data root. The files stay where they are, and are taken in when it has ended; nothing is lost by \
         that. To have them sooner, end it, or follow into another data root (--data)"
    )
}

/// Follows until `wait` says to stop: it waits for so long and answers whether to. What is whole by then is still taken.
/// `say` hears of every look.
///
/// # Errors
/// Those of [`FolderFollower::new`] and [`FolderFollower::look`]; with `once` also when another process holds the store.
pub fn run(
    root: &DataRoot,
    options: FollowOptions,
    wait: &mut dyn FnMut(Duration) -> bool,
    imported: &mut dyn FnMut(&Arc<Store>, &BTreeSet<String>),
    say: &mut dyn FnMut(&Look),
) -> Result<FollowStatus, LegacyError> {
    let (poll, once) = (options.poll, options.once);
    let mut follower = FolderFollower::new(root, options)?;
    loop {
        let look = follower.look(false, imported)?;
        say(&look);
        if once {
            follower.end();
            return match look {
                Look::Waiting(holder) => Err(StoreError::Leased { root: root.path().to_owned(), holder }.into()),
                _ => Ok(follower.status().clone()),
            };
        }
        if wait(poll) {
            let look = follower.look(true, imported);
            follower.end();
            say(&look?);
            return Ok(follower.status().clone());
        }
    }
}

#[cfg(test)]
mod tests;
