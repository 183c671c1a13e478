//! The log as everybody uses it: what is in force now, and adding to it.
//!
//! Reading follows the file: a look that finds nothing new costs one `stat`. Adding happens under the log's lock: the log
//! is read to its end, whoever adds decides by what is in force at that moment, the lines are written, and
//! `manifests/verification.json` is replaced. So of two decisions on one proposal exactly one is written, whichever
//! processes they come from.
//!
//! `verification.json` is derived: other programs read it. It also remembers how long the log was, so
//! that lines cut off the end of the log are missed.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, now};
use crate::store::StoreError;
use crate::store::chain::{Break, Contents, Tip};
use crate::store::root::DataRoot;
use crate::verify::mark::state::State;
use crate::verify::shipped;

/// What is in force.
#[derive(Debug, Clone)]
pub struct View {
    /// Marks and proposals, those that come with the program among them.
    pub state: Arc<State>,
    /// The end of the log that was read.
    pub tip: Tip,
    /// Where the chain does not hold, if it does not: what stands behind is not in force.
    pub broken: Option<Break>,
}

/// The log of one data root.
#[derive(Debug)]
pub struct Ledger {
    root: PathBuf,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    state: Arc<State>,
    tip: Tip,
    broken: Option<Break>,
    /// Proposals that stand in the log.
    logged: HashSet<String>,
    started: bool,
}

/// `verification.json`.
#[derive(Debug, Serialize, Deserialize)]
struct Materialised {
    version: u32,
    /// The end of the log that it is made from.
    log: Tip,
    as_of: String,
    marks: Vec<Value>,
    /// Those that wait for a decision.
    proposals: Vec<Value>,
}

/// What to do about a log that does not hold.
const ADVICE: &str = "What stands behind that line is not in force, and nothing is added. `replayer verify log` shows \
                      it; put the file back from a backup, or `replayer verify log --restore` makes it anew from the \
                      rows that the store has of it";

impl Ledger {
    /// The ledger of a data root; nothing is read yet.
    pub fn new(root: impl Into<PathBuf>) -> Ledger {
        Ledger { root: root.into(), seen: Mutex::default() }
    }

    /// The data root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What is in force now.
    ///
    /// # Errors
    /// When there is no data root or the log cannot be read. A chain that does not hold is told in the view.
    pub fn view(&self) -> Result<View, StoreError> {
        let root = DataRoot::open(&self.root)?;
        let mut seen = self.lock();
        seen.forget_broken();
        if !seen.started || root.verification_log().length() != seen.tip.bytes {
            let contents = read(&root, &seen)?;
            seen.take(&contents);
        }
        Ok(View { state: seen.state.clone(), tip: seen.tip.clone(), broken: seen.broken.clone() })
    }

    /// Adds to the log what `decide` makes of what is in force at that moment. When this returns, it is durable.
    ///
    /// # Errors
    /// Those of `decide`, and nothing was added; when the log does not hold or the disk does not take it, likewise.
    pub fn add<T, E: From<StoreError>>(
        &self,
        decide: impl FnOnce(&State) -> Result<(Vec<Entry>, T), E>,
    ) -> Result<T, E> {
        let root = DataRoot::open(&self.root)?;
        let mut seen = self.lock();
        seen.forget_broken();
        let chain = root.verification_log();
        let mut held = chain.lock()?;
        let from = if seen.started { seen.tip.clone() } else { Tip::default() };
        let mut contents = held.read(&from)?;
        compare(&root, &mut contents, &seen);
        seen.take(&contents);
        if let Some(broken) = &seen.broken {
            return Err(damaged(&chain, broken).into());
        }
        let (entries, made) = decide(&seen.state)?;
        let torn = contents.torn.map(|torn| Entry::Repaired { torn, ts: now() });
        let mut all: Vec<Entry> = torn.into_iter().collect();
        for entry in entries {
            all.extend(seen.shipped_before(&entry));
            all.push(entry);
        }
        let texts: Result<Vec<String>, StoreError> = all.iter().map(|entry| text(&root, entry)).collect();
        let lines = held.append(&seen.tip, &texts?)?;
        let written: u64 = lines.iter().map(|line| line.text().len() as u64 + 1).sum();
        let tip = Tip {
            lines: seen.tip.lines + lines.len() as u64,
            hash: lines.last().map_or_else(|| seen.tip.hash.clone(), |line| line.hash.clone()),
            bytes: seen.tip.bytes + written,
        };
        seen.take(&Contents { lines, tip, broken: None, torn: None });
        if let Err(error) = materialise(&root, &seen) {
            // The log has it; the file is made again with the next entry.
            tracing::warn!(%error, "the marks in force could not be written to verification.json");
        }
        Ok(made)
    }

    /// Makes `verification.json` say what the log says, unless it does: what somebody wrote into it by hand, or an older
    /// build, is no canon. A log that does not hold leaves the file as it is.
    ///
    /// # Errors
    /// When the log cannot be read or the file not be written.
    pub fn keep_file(&self) -> Result<(), StoreError> {
        let view = self.view()?;
        let root = DataRoot::open(&self.root)?;
        if view.broken.is_some() || says(&root, &view) {
            return Ok(());
        }
        let mut seen = self.lock();
        let chain = root.verification_log();
        let mut held = chain.lock()?;
        let contents = held.read(&seen.tip)?;
        seen.take(&contents);
        if seen.broken.is_none() { materialise(&root, &seen) } else { Ok(()) }
    }

    /// Makes `verification.json` anew from the log.
    ///
    /// # Errors
    /// When the log cannot be read or the file not be written.
    pub fn rebuild(&self) -> Result<View, StoreError> {
        let root = DataRoot::open(&self.root)?;
        let mut seen = self.lock();
        let chain = root.verification_log();
        let mut held = chain.lock()?;
        let contents = held.read(&Tip::default())?;
        *seen = Seen::default();
        seen.take(&contents);
        materialise(&root, &seen)?;
        Ok(View { state: seen.state.clone(), tip: seen.tip.clone(), broken: seen.broken.clone() })
    }

    /// A thread that panicked while it held the lock left the state as it was: it is replaced as a whole.
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(root: &DataRoot, seen: &Seen) -> Result<Contents, StoreError> {
    let from = if seen.started { seen.tip.clone() } else { Tip::default() };
    let mut contents = root.verification_log().read(&from)?;
    compare(root, &mut contents, seen);
    Ok(contents)
}

/// The first read is compared with what `verification.json` remembers of the log.
fn compare(root: &DataRoot, contents: &mut Contents, seen: &Seen) {
    if seen.started || contents.broken.is_some() {
        return;
    }
    contents.broken = remembered(root).and_then(|tip| missed(&contents.lines, &tip));
}

/// Whether `verification.json` says what is in force.
fn says(root: &DataRoot, view: &View) -> bool {
    let file = fs::read(root.verification_path()).ok();
    let file = file.and_then(|bytes| serde_json::from_slice::<Materialised>(&bytes).ok());
    match file {
        Some(file) => file.log == view.tip && file.marks == view.state.rows(&now()),
        // Nothing was ever decided.
        None => view.tip.lines == 0 && !root.verification_path().exists(),
    }
}

/// The end of the log as `verification.json` remembers it.
pub fn remembered(root: &DataRoot) -> Option<Tip> {
    let bytes = fs::read(root.verification_path()).ok()?;
    let file: Materialised = serde_json::from_slice(&bytes).ok()?;
    (file.log.lines > 0).then_some(file.log)
}

/// Whether lines are missing that were once there, or were written anew from some line on.
pub fn missed(lines: &[crate::store::chain::Line], tip: &Tip) -> Option<Break> {
    let at = usize::try_from(tip.lines).unwrap_or(usize::MAX).saturating_sub(1);
    let found = lines.get(at).map(|line| line.hash.as_str());
    if found == Some(tip.hash.as_str()) {
        return None;
    }
    let reason = match found {
        Some(_) => "the log up to here was written anew: it is another one than the one that was in force",
        None => "lines were taken off the end of the log",
    };
    Some(Break {
        line: tip.lines.min(lines.len() as u64 + 1),
        reason: reason.into(),
        expected: format!("line {} with the hash {}", tip.lines, tip.hash),
        actual: found.map_or_else(|| format!("{} lines", lines.len()), str::to_owned),
    })
}

fn damaged(chain: &crate::store::chain::Chain, broken: &Break) -> StoreError {
    StoreError::Manifest { path: chain.path().to_owned(), reason: broken.to_string(), advice: ADVICE }
}

fn text(root: &DataRoot, entry: &Entry) -> Result<String, StoreError> {
    let path = root.verification_log().path().to_owned();
    serde_json::to_string(entry).map_err(|error| StoreError::io("write", &path)(error.into()))
}

/// Replaces the file at once, without waiting for the disk: the log is what counts.
fn materialise(root: &DataRoot, seen: &Seen) -> Result<(), StoreError> {
    let as_of = now();
    // What is over stands in the log.
    let proposals = seen.state.open(&as_of).map(|proposal| serde_json::to_value(proposal).unwrap_or_default());
    let proposals = proposals.collect();
    let file = Materialised {
        version: crate::verify::mark::SCHEMA_VERSION,
        log: seen.tip.clone(),
        marks: seen.state.rows(&as_of),
        proposals,
        as_of,
    };
    let path = root.verification_path();
    let bytes = serde_json::to_vec(&file).map_err(|error| StoreError::io("write", &path)(error.into()))?;
    let temporary = path.with_extension(format!("tmp-{}", std::process::id()));
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, &path))
        .map_err(StoreError::io("write", &path))
}

impl Seen {
    /// A log that did not hold is read from its beginning: it may have been put back meanwhile.
    fn forget_broken(&mut self) {
        if self.broken.is_some() {
            *self = Seen::default();
        }
    }

    fn take(&mut self, contents: &Contents) {
        if !self.started {
            self.started = true;
            let shipped = shipped::proposals().iter();
            let shipped = shipped.map(|proposal| (proposal.proposal_id.clone(), proposal.clone()));
            self.state = Arc::new(State { proposals: shipped.collect(), ..State::default() });
        }
        if !contents.lines.is_empty() {
            let state = Arc::make_mut(&mut self.state);
            for line in &contents.lines {
                match serde_json::from_str::<Entry>(&line.entry) {
                    Ok(entry) => {
                        if let Entry::Proposed { proposal } = &entry {
                            self.logged.insert(proposal.proposal_id.clone());
                        }
                        state.apply(entry);
                    }
                    Err(error) => {
                        tracing::warn!(line = line.n, %error, "a newer build wrote this line of the log")
                    }
                }
            }
        }
        self.tip = contents.tip.clone();
        self.broken = contents.broken.clone();
    }

    /// A proposal that comes with the program is written to the log when it is decided on, just before that.
    fn shipped_before(&self, entry: &Entry) -> Option<Entry> {
        let id = match entry {
            Entry::Accepted { mark } => &mark.proposal_id,
            Entry::Rejected { proposal_id, .. } | Entry::Withdrawn { proposal_id, .. } => proposal_id,
            _ => return None,
        };
        let shipped = shipped::proposals().iter().find(|proposal| proposal.proposal_id == *id)?;
        (!self.logged.contains(id)).then(|| Entry::Proposed { proposal: Box::new(shipped.clone()) })
    }
}
