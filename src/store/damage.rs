//! Parts whose bytes are not those that were written. Answers leave them out, all of them and everywhere, and name them.
//!
//! A part's catalog entry holds the checksum of its file and the time at which the file was written. As long as length and
//! time are those, a file is believed; where they are not (it was damaged, or copied, or restored), it is read once and its
//! checksum compared. What was found is remembered in `manifests/checked-parts.json` until the file changes again, so that
//! no second process reads it: a derived file, which may be removed at any time. Whoever cannot read a part though it
//! looks untouched (a disk that rots) reports it here ([`suspect`]), and the next look leaves it out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::catalog::{Catalog, CatalogStamp, LostPart, Part};
use super::fsio::{self, File, Metadata};
use super::ids::SessionId;
use super::root::DataRoot;
use super::scan;
use super::schema::DocType;

/// A file as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// CRC-32C of its bytes.
    pub crc32c: u32,
    /// When it was written, nanoseconds since 1970 by the file system.
    pub modified_ns: i64,
}

impl Written {
    /// Reads a file that was just written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(path: &Path) -> Result<Written, StoreError> {
        let mut file = File::open(path).map_err(StoreError::io("read", path))?;
        let modified_ns = modified_ns(&file.metadata().map_err(StoreError::io("read", path))?);
        let crc32c = checksum(&mut file).map_err(StoreError::io("read", path))?;
        Ok(Written { crc32c, modified_ns })
    }
}

/// How a file looks from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Looks {
    bytes: u64,
    modified_ns: i64,
}

impl Looks {
    fn of(meta: &Metadata) -> Looks {
        Looks { bytes: meta.len(), modified_ns: modified_ns(meta) }
    }
}

/// What reading a file found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Finding {
    #[serde(flatten)]
    looks: Looks,
    /// What is wrong with it; `None` for a file that is whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    damage: Option<String>,
    /// Until when this counts, where the disk did not answer: that says nothing about the file's bytes. Not written down.
    #[serde(skip)]
    until: Option<Instant>,
}

/// A part that the disk does not hand out is looked at again after this long.
const ASK_AGAIN: Duration = if cfg!(test) { Duration::ZERO } else { Duration::from_secs(30) };

impl Finding {
    fn counts(&self, looks: Looks) -> bool {
        self.looks == looks && self.until.is_none_or(|until| Instant::now() < until)
    }
}

/// By the paths of the files. In the process too, because some processes may write no file (the SQL worker), and some roots
/// cannot be written to.
static FOUND: Mutex<BTreeMap<PathBuf, Finding>> = Mutex::new(BTreeMap::new());

fn found() -> MutexGuard<'static, BTreeMap<PathBuf, Finding>> {
    FOUND.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is wrong with a part's file, if anything. Reads the file only where it does not look as it was written and no
/// process has read it since.
pub fn defect(root: &DataRoot, part: &Part) -> Option<String> {
    let (damage, is_new) = judge(root, part);
    if is_new {
        write_down(root);
    }
    damage
}

/// The defects of many parts, in their order.
pub(super) fn defects<'p>(root: &DataRoot, parts: impl IntoIterator<Item = &'p Part>) -> Vec<Option<String>> {
    learn(root);
    let judged: Vec<(Option<String>, bool)> = parts.into_iter().map(|part| judge(root, part)).collect();
    if judged.iter().any(|(_, is_new)| *is_new) {
        write_down(root);
    }
    judged.into_iter().map(|(damage, _)| damage).collect()
}

/// What is wrong, and whether the file had to be read to know it.
fn judge(root: &DataRoot, part: &Part) -> (Option<String>, bool) {
    let path = root.path().join(&part.path);
    // Opened, not only looked at: a file that may not be opened is as good as gone.
    let opened = File::open(&path).and_then(|file| Ok((file.metadata()?, file)));
    let (meta, mut file) = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return (Some("its file is gone".to_owned()), false);
        }
        Err(error) => return (Some(format!("its file cannot be read: {error}")), false),
    };
    let looks = Looks::of(&meta);
    if part.bytes != 0 && looks.bytes != part.bytes {
        return (Some(format!("its file is {} bytes long instead of {}", looks.bytes, part.bytes)), false);
    }
    if let Some(known) = found().get(&path).filter(|known| known.counts(looks)) {
        return (known.damage.clone(), false);
    }
    let Some(written) = part.written.filter(|written| written.modified_ns != looks.modified_ns) else {
        return (None, false);
    };
    match checksum(&mut file) {
        Ok(crc32c) => {
            let damage = (crc32c != written.crc32c).then(|| CHANGED.to_owned());
            found().insert(path, Finding { looks, damage: damage.clone(), until: None });
            (damage, true)
        }
        Err(error) => (Some(format!("its file cannot be read: {error}")), false),
    }
}

const CHANGED: &str = "its bytes are not those that were written (the checksum differs)";

/// Reports that a part could not be decoded, for `reason`. From now on it is left out, until its file changes; where only
/// the disk did not answer, for a while.
pub fn suspect(root: &DataRoot, part: &Part, reason: &str) {
    let path = root.path().join(&part.path);
    let Ok(looks) = fsio::metadata(&path).map(|meta| Looks::of(&meta)) else { return };
    let read = part.written.map(|written| is_as_written(&path, written));
    // The system's number stands in the decoder's text too.
    let is_of_the_disk = reason.contains("os error");
    let ask_again = Some(Instant::now() + ASK_AGAIN);
    let (damage, until) = match read {
        Some(Ok(false)) => (CHANGED.to_owned(), None),
        // It was for a moment only.
        Some(Ok(true)) if is_of_the_disk => return,
        Some(Err(error)) => (format!("its file cannot be read: {error}"), ask_again),
        None if is_of_the_disk => (format!("its file cannot be read: {reason}"), ask_again),
        Some(Ok(true)) | None => (format!("it cannot be decoded: {reason}"), None),
    };
    tracing::warn!(part = part.path, damage, "left out of all answers from now on");
    let finding = Finding { looks, damage: Some(damage), until };
    if found().insert(path, finding.clone()) != Some(finding) {
        write_down(root);
    }
}

/// Reads parts that look untouched, and reports those that are not whole: for whoever heard from another reader only that
/// *something* could not be read. Says whether any was found.
pub fn examine<'p>(root: &DataRoot, parts: impl IntoIterator<Item = &'p Part>) -> bool {
    let mut any = false;
    for part in parts {
        let path = root.path().join(&part.path);
        let wrong = match part.written {
            Some(written) => match is_as_written(&path, written) {
                Ok(true) => None,
                Ok(false) => Some(CHANGED.to_owned()),
                Err(error) => Some(error.to_string()),
            },
            // Written by an older build: decoding it is all that can be done.
            None => scan::batches(root, part, None).find_map(Result::err).map(|error| error.to_string()),
        };
        if let Some(wrong) = wrong {
            suspect(root, part, &wrong);
            any = true;
        }
    }
    any
}

fn is_as_written(path: &Path, written: Written) -> std::io::Result<bool> {
    Ok(checksum(&mut File::open(path)?)? == written.crc32c)
}

/// A file opened for reading its rows, which looks as it was written.
///
/// # Errors
/// When it is not there, or is not what was written.
pub fn open(root: &DataRoot, part: &Part) -> Result<File, StoreError> {
    let path = root.path().join(&part.path);
    let file = File::open(&path).map_err(StoreError::io("open", &path))?;
    let looks = Looks::of(&file.metadata().map_err(StoreError::io("read", &path))?);
    let as_written = part.bytes == 0 || part.bytes == looks.bytes;
    if as_written && part.written.is_none_or(|written| written.modified_ns == looks.modified_ns) {
        return Ok(file);
    }
    match defect(root, part) {
        None => Ok(file),
        Some(reason) => Err(StoreError::part(&path)(reason)),
    }
}

/// Turns a decoder's error into the store's, and reports the part.
pub fn undecodable<E: std::fmt::Display>(root: &DataRoot, part: &Part) -> impl FnOnce(E) -> StoreError {
    let (root, part) = (root.clone(), part.clone());
    move |error| {
        suspect(&root, &part, &error.to_string());
        StoreError::part(&root.path().join(&part.path))(error)
    }
}

/// Takes in what other processes found, for the parts of this root.
fn learn(root: &DataRoot) {
    let Ok(bytes) = fsio::read(&root.checked_parts_path()) else { return };
    let Ok(known) = serde_json::from_slice::<BTreeMap<String, Finding>>(&bytes) else { return };
    let mut found = found();
    for (path, finding) in known {
        found.insert(root.path().join(path), finding);
    }
}

/// What was found of a file since its entry was made: the entry of a whole one is then as if it had just been written.
pub(super) fn renewed(root: &DataRoot, part: &Part) -> Option<Written> {
    let written = part.written?;
    let known = found().get(&root.path().join(&part.path)).cloned()?;
    let whole = known.damage.is_none() && known.looks.bytes == part.bytes;
    whole.then_some(Written { modified_ns: known.looks.modified_ns, ..written })
}

fn write_down(root: &DataRoot) {
    let found = found();
    let of_root = found.iter().filter_map(|(path, finding)| {
        let relative = path.strip_prefix(root.path()).ok()?.to_str()?;
        let is_there = || fsio::exists(path).unwrap_or(true);
        (finding.until.is_none() && is_there()).then_some((relative, finding))
    });
    let of_root: BTreeMap<&str, &Finding> = of_root.collect();
    // Under the lock, so that two threads do not write the same temporary file.
    let written =
        serde_json::to_vec_pretty(&of_root).map(|bytes| fsio::replace(&root.checked_parts_path(), &bytes));
    if !matches!(written, Ok(Ok(()))) {
        tracing::debug!("what was found of the parts could not be written down; this process remembers it");
    }
}

fn checksum(file: &mut File) -> std::io::Result<u32> {
    let mut buffer = vec![0; 1 << 20];
    let mut crc = 0;
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some([]) | None => return Ok(crc),
            Some(bytes) => crc = crc32c::crc32c_append(crc, bytes),
        }
    }
}

fn modified_ns(meta: &Metadata) -> i64 {
    let since = meta.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or(0)
}

/// Looks at the files of a catalog now and then: whoever follows a store for days sees that one was damaged, lost or
/// restored without anybody changing the catalog.
#[derive(Debug)]
pub struct FileWatch {
    last: Instant,
    cost: Duration,
}

/// Not more often than this, and never more than a hundredth of the time.
const PAUSE: Duration = if cfg!(test) { Duration::from_millis(20) } else { Duration::from_secs(2) };

impl Default for FileWatch {
    fn default() -> FileWatch {
        FileWatch { last: Instant::now(), cost: Duration::ZERO }
    }
}

impl FileWatch {
    /// Whether a file of the catalog is not as the catalog knows it. Looks only when it is time to.
    pub fn sees_change(&mut self, root: &DataRoot, catalog: &Catalog) -> bool {
        if self.last.elapsed() < PAUSE.max(self.cost * 100) {
            return false;
        }
        let begun = Instant::now();
        let differs = catalog.parts.iter().any(|part| open(root, part).is_err())
            || catalog.lost.iter().any(|lost| defect(root, &lost.part).is_none());
        self.last = Instant::now();
        self.cost = begun.elapsed();
        differs
    }
}

/// The parts of a root that are left out of answers, looked up anew only when something changed.
#[derive(Debug)]
pub struct LostParts {
    root: PathBuf,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    stamp: Option<CatalogStamp>,
    catalog: Catalog,
    watch: FileWatch,
}

impl LostParts {
    /// Those of the data root at `root`, which need not be there yet; nothing is read.
    pub fn of(root: &Path) -> LostParts {
        LostParts { root: root.to_owned(), known: Mutex::default() }
    }

    /// They are, as of now.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn now(&self) -> Result<Vec<LostPart>, StoreError> {
        self.look(|catalog| catalog.lost.clone())
    }

    /// The highest number in parts of a session, or of the newest session there is; `None` where no part has one. What is
    /// newer than parts is in the journal, under higher numbers or in later sessions.
    ///
    /// # Errors
    /// When the catalog cannot be read.
    pub fn newest(&self, session: Option<SessionId>) -> Result<Option<(SessionId, u64)>, StoreError> {
        self.look(|catalog| {
            let ranges = catalog.parts.iter().flat_map(|part| &part.sessions);
            let of_it = ranges.filter(|range| session.is_none_or(|session| range.session_id == session));
            of_it.map(|range| (range.session_id, range.last)).max()
        })
    }

    fn look<T: Default>(&self, read: impl FnOnce(&Catalog) -> T) -> Result<T, StoreError> {
        let Ok(root) = DataRoot::open(&self.root) else { return Ok(T::default()) };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = CatalogStamp::of(&root);
        let Known { stamp: before, catalog, watch } = &mut *known;
        if before.as_ref() != Some(&stamp) || watch.sees_change(&root, catalog) {
            *catalog = Catalog::load(&root)?;
            *before = Some(CatalogStamp::of(&root));
        }
        Ok(read(catalog))
    }
}

/// What an answer that was made from rows of `kinds` does not hold: a sentence for each kind with lost parts.
pub fn sentences(lost: &[LostPart], kinds: &[DocType]) -> Vec<String> {
    let mut all = Vec::new();
    for kind in kinds {
        let of_kind: Vec<&LostPart> = lost.iter().filter(|lost| lost.part.doc_type == *kind).collect();
        let Some(first) = of_kind.first() else { continue };
        let rows: u64 = of_kind.iter().map(|lost| lost.part.rows).sum();
        let dates: BTreeSet<&str> = of_kind.iter().map(|lost| lost.part.date.as_str()).collect();
        let dates = match (dates.first(), dates.last()) {
            (Some(first), Some(last)) if first != last => format!("{first} to {last}"),
            (first, _) => first.copied().unwrap_or_default().to_owned(),
        };
        let others =
            if of_kind.len() > 1 { format!(" and {} more parts", of_kind.len() - 1) } else { String::new() };
        all.push(format!(
            "{rows} rows of {} ({dates}) are in no answer: {}{others}: {}. Say so when it matters; the user can run \
             `replayer data verify`, then `replayer data repair`",
            kind.as_str(),
            first.part.path,
            first.reason
        ));
    }
    all
}

#[cfg(test)]
mod tests;
