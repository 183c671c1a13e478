//! Parts and catalog brought together again when a writer opens the root: what a catalog forgot is taken in, what a crash
//! left half done is set aside, and nothing is removed.
//!
//! A part that no catalog names is one of these:
//!
//! * *unfinished*: it got its name, and the crash came before the catalog. Its rows are in the journal, in the parts it was
//!   made from, or in the file that was being imported. A note in `manifests/publishing-….json`, written before the names
//!   are given and removed after the catalog, says so; for stores of older builds, that its rows are there elsewhere.
//! * *superseded*: another part replaced it, or it was pruned, and the crash came before it was removed.
//! * *damaged*: it is not what was written, and another part replaced it, a person gave it up, or it was pruned, and the
//!   crash came before it was set aside or removed.
//! * *forgotten*: the manifests were lost, are older ones or another root's, or the folder was copied without them. Its
//!   rows are nowhere else: it is in force again.
//! * *strange*: not written by this program. It stays as it is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::age::Reached;
use super::catalog::{About, Catalog, LostPart, Part, SessionInfo};
use super::damage::{self, Written};
use super::fsio;
use super::journal::{self, reader::SegmentReader};
use super::parts;
use super::prune::KEPT_KINDS;
use super::root::{DataRoot, NO_DATE};
use super::steps::{Step, reached};

/// What was done.
#[derive(Debug, Default)]
pub struct Reconciled {
    /// Whether the catalog was changed and is to be saved.
    pub changed: bool,
    /// A sentence for each thing that a person should know.
    pub messages: Vec<String>,
}

/// Why a part that no catalog names is not to be in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Unfinished,
    Superseded,
}

/// Takes in forgotten parts, sets unfinished and superseded ones aside (as `….parquet.orphan`, which `data prune` lists and
/// removes), and says which parts are lost. Only for whoever holds the lease, before anything is recorded.
///
/// # Errors
/// When a folder cannot be read or a file cannot be renamed.
pub fn reconcile(root: &DataRoot, catalog: &mut Catalog) -> Result<Reconciled, StoreError> {
    let mut result = Reconciled::default();
    let named = catalog.parts.len();
    let taken = take_in(root, catalog)?;
    let adopted = catalog.parts.get(named..).unwrap_or_default();
    if !adopted.is_empty() {
        let (rows, parts) = (adopted.iter().map(|part| part.rows).sum::<u64>(), adopted.len());
        result.messages.push(format!(
            "{parts} parts with {rows} rows were named by no manifest and hold what is nowhere else: they are in force again"
        ));
        result.changed = true;
    }
    for (part, fate) in &taken.left {
        set_aside(root, part, *fate, &mut result)?;
    }
    for path in &taken.damaged {
        if set_damaged_aside(root, path)? {
            result.messages.push(format!(
                "{path} was set aside: it is damaged, and its rows were made again, given up or pruned"
            ));
        }
    }
    // An older store's, or a person's own: not ours to move.
    result.messages.extend(taken.strange.iter().map(|error| {
        format!("named by no manifest, and left as it is: {error}. `replayer schema migrate` takes in an older version's")
    }));
    result.changed |= add_checksums(root, catalog);
    for lost in &catalog.lost {
        let (path, reason, rows) = (&lost.part.path, &lost.reason, lost.part.rows);
        result.messages.push(format!(
            "{path} with {rows} rows is left out of all answers: {reason}. Restore it from a backup"
        ));
    }
    // The notes have been heeded.
    for note in notes(root)? {
        fsio::remove(&note)?;
    }
    Ok(result)
}

/// So much is read at each start for checksums of parts that have none (of older builds, or taken in without a manifest): a
/// fraction of a second, because recording waits for it. `data repair` adds all that are missing.
const READ_AT_START: u64 = 256 << 20;

/// Whether any was added.
fn add_checksums(root: &DataRoot, catalog: &mut Catalog) -> bool {
    let (mut read, mut any) = (0, false);
    for part in catalog.parts.iter_mut().filter(|part| part.written.is_none()) {
        read += part.bytes;
        if read > READ_AT_START {
            break;
        }
        part.written = Written::of(&root.path().join(&part.path)).ok();
        any |= part.written.is_some();
    }
    any
}

/// What was found beside the parts that a catalog names.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Parts that are not to be in force.
    left: Vec<(Part, Fate)>,
    /// Damaged ones that are not to be in force either; they may be gone.
    damaged: Vec<String>,
    /// Files that say nothing of themselves.
    pub(super) strange: Vec<StoreError>,
}

/// Puts the parts that the catalog forgot in force, at its end; changes nothing on the disk.
///
/// # Errors
/// When a folder cannot be read.
pub(super) fn take_in(root: &DataRoot, catalog: &mut Catalog) -> Result<Taken, StoreError> {
    let mut taken = Taken::default();
    let intended = intended(root)?;
    let (unnamed, unreadable) = unnamed(root, catalog)?;
    let begun = open_journals(root)?;
    let of = |made_here: fn(&str) -> bool| -> BTreeSet<String> {
        let all = catalog.parts.iter().chain(unnamed.iter().map(|(part, _)| part));
        let made = all.filter(|part| made_here(&part.lineage.made_by));
        made.flat_map(|part| part.lineage.replaces.iter().cloned()).collect()
    };
    let replaced = of(|_| true);
    // What migration replaced was never one of our parts, and is put away under another name.
    let replaced_own = of(|made_by| made_by != "migrate");
    let given_up: BTreeSet<String> = catalog.given_up.iter().map(|lost| lost.part.path.clone()).collect();
    let pruned = pruned(root, catalog, &unnamed);
    for (path, error) in unreadable {
        // A damaged file may not even say whose it is, but it has its name.
        if replaced_own.contains(&path) || given_up.contains(&path) {
            taken.damaged.push(path);
        } else {
            taken.strange.push(error);
        }
    }
    let mut forgotten = Vec::new();
    for (part, about) in unnamed {
        // What an import or a migration was made from is not in the store, so only the note can tell.
        let from_outside = matches!(part.lineage.made_by.as_str(), "import" | "migrate");
        let noted = from_outside && intended.contains(&part.path);
        if noted || is_elsewhere(&part, catalog) || is_in_journal(&part, &begun) {
            taken.left.push((part, Fate::Unfinished));
        } else if replaced.contains(&part.path) || pruned.contains(&part.path) {
            taken.left.push((part, Fate::Superseded));
        } else if is_given_up(root, &part, catalog) {
            taken.damaged.push(part.path);
        } else {
            forgotten.push((part, about));
        }
    }
    for (part, about) in forgotten {
        // Restored, after all.
        catalog.given_up.retain(|lost| lost.part.path != part.path);
        catalog.learn(about);
        adopt(catalog, part, &begun);
    }
    // An older manifest names what compaction has replaced since; or a crash came before the catalog forgot what was made
    // again, and whose file is to be set aside then.
    let (again, lost): (Vec<LostPart>, Vec<LostPart>) =
        std::mem::take(&mut catalog.lost).into_iter().partition(|lost| replaced.contains(&lost.part.path));
    catalog.lost = lost;
    taken.damaged.extend(again.into_iter().map(|lost| lost.part.path).filter(|path| replaced_own.contains(path)));
    Ok(taken)
}

/// Whether a person gave the part up and its file is as damaged as it was then; read as a whole to know it.
fn is_given_up(root: &DataRoot, part: &Part, catalog: &Catalog) -> bool {
    let known = catalog.given_up.iter().find(|lost| lost.part.path == part.path);
    known.is_some_and(|lost| lost.part.defect(root).is_some() || damage::examine(root, [&lost.part]))
}

/// Those of the parts that were pruned.
fn pruned(root: &DataRoot, catalog: &Catalog, unnamed: &[(Part, About)]) -> BTreeSet<String> {
    let Some(date) = &catalog.pruned_before else { return BTreeSet::new() };
    let stamped_before =
        |part: &&Part| part.date != NO_DATE && part.date < *date && !KEPT_KINDS.contains(&part.doc_type);
    let old: Vec<&Part> = unnamed.iter().map(|(part, _)| part).filter(stamped_before).collect();
    if old.is_empty() {
        return BTreeSet::new();
    }
    // As pruning itself decides.
    let lost = catalog.lost.iter().chain(&catalog.given_up).map(|lost| &lost.part);
    let known: Vec<&Part> = catalog.parts.iter().chain(lost).chain(unnamed.iter().map(|(part, _)| part)).collect();
    let sessions: Vec<SessionInfo> =
        catalog.sessions.iter().chain(unnamed.iter().flat_map(|(_, about)| &about.sessions)).cloned().collect();
    let reached = Reached::of(root, date, &known, &sessions);
    old.into_iter().filter(|part| !reached.is_behind(part)).map(|part| part.path.clone()).collect()
}

/// Renames a damaged file that no catalog names (`….parquet.damaged`, which `data prune` lists and removes); durable when
/// this returns. Whether it was there.
///
/// # Errors
/// When it cannot be renamed, or its folder not be synced.
pub(super) fn set_damaged_aside(root: &DataRoot, path: &str) -> Result<bool, StoreError> {
    let from = root.path().join(path);
    let was_there = match fsio::rename(&from, &from.with_extension("parquet.damaged")) {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => return Err(StoreError::io("set aside", &from)(error)),
    };
    match from.parent() {
        // Also where it was renamed before: the folder may not have been synced then.
        Some(folder) if fsio::exists(folder).unwrap_or(true) => fsio::sync_folder(folder)?,
        _ => {}
    }
    Ok(was_there)
}

/// Says which parts are about to get their names. Durable when this returns.
///
/// # Errors
/// When it cannot be written.
pub(super) fn intend(root: &DataRoot, paths: &[&str]) -> Result<(), StoreError> {
    let Some(first) = paths.first() else { return Ok(()) };
    let path = note_of(root, first);
    let bytes = serde_json::to_vec(paths).map_err(|error| StoreError::io("write", &path)(error.into()))?;
    fsio::replace(&path, &bytes)
}

/// Removes the note on these parts, which are gone. One that stays is harmless: it names no part that is there.
pub(super) fn withdraw(root: &DataRoot, paths: &[String]) {
    if let Some(first) = paths.first() {
        let _ = fsio::remove(&note_of(root, first));
    }
}

/// The note on parts of which this is the first.
fn note_of(root: &DataRoot, first: &str) -> PathBuf {
    let id = first.rsplit("part-").next().unwrap_or(first).trim_end_matches(".parquet");
    root.manifests_dir().join(format!("{NOTE}{id}.json"))
}

/// Removes the notes whose parts are in force now. One that stays is harmless: it names parts that a catalog names too.
pub(super) fn fulfil(root: &DataRoot, catalog: &Catalog) {
    let named: BTreeSet<&str> = catalog.parts.iter().map(|part| part.path.as_str()).collect();
    for note in notes(root).unwrap_or_default() {
        if paths_of(&note).unwrap_or_default().iter().any(|path| named.contains(path.as_str())) {
            let _ = fsio::remove(&note);
        }
    }
}

const NOTE: &str = "publishing-";

fn notes(root: &DataRoot) -> Result<Vec<PathBuf>, StoreError> {
    let folder = root.manifests_dir();
    let entries = match fsio::entries(&folder) {
        Ok(entries) => entries,
        // A folder of parts alone, or one that nothing was written to yet.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(StoreError::io("read", &folder)(error)),
    };
    let is_note = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with(NOTE) && name.ends_with(".json")
    };
    Ok(entries.into_iter().map(|entry| entry.path).filter(is_note).collect())
}

/// A note that cannot be read was cut short before any part got its name.
fn paths_of(note: &Path) -> Result<Vec<String>, StoreError> {
    let bytes = fsio::read(note).map_err(StoreError::io("read", note))?;
    Ok(serde_json::from_slice(&bytes).unwrap_or_default())
}

fn intended(root: &DataRoot) -> Result<BTreeSet<String>, StoreError> {
    let mut intended = BTreeSet::new();
    for note in notes(root)? {
        match paths_of(&note) {
            Ok(paths) => intended.extend(paths),
            // The writer removed it: its parts are in force, or gone.
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(intended)
}

/// Files that no catalog names: parts as they describe themselves, and files that do not, with the reason.
type Unnamed = (Vec<(Part, About)>, Vec<(String, StoreError)>);

/// The parts on disk that the catalog does not know.
fn unnamed(root: &DataRoot, catalog: &Catalog) -> Result<Unnamed, StoreError> {
    let lost = catalog.lost.iter().map(|lost| &lost.part);
    let known: BTreeSet<&str> = catalog.parts.iter().chain(lost).map(|part| part.path.as_str()).collect();
    let (mut unnamed, mut unreadable) = (Vec::new(), Vec::new());
    for path in parts::files_on_disk(root)?.into_iter().filter(|path| !known.contains(path.as_str())) {
        match parts::own_words(root, &path) {
            Ok(words) => unnamed.push(words),
            Err(error) => unreadable.push((path, error)),
        }
    }
    Ok((unnamed, unreadable))
}

/// Whether rows of the same kind, day and frames are in force: two parts of one day never share frames, unless one was
/// made from the other, or holds rows that are kept apart ([`Part::is_apart`]).
fn is_elsewhere(part: &Part, catalog: &Catalog) -> bool {
    catalog.parts.iter().filter(|other| part.may_share_frames(other)).flat_map(|other| &other.sessions).any(
        |range| {
            part.sessions.iter().any(|own| {
                own.session_id == range.session_id && own.first <= range.last && range.first <= own.last
            })
        },
    )
}

/// The first frame that the journal still has of each session.
type Begun = std::collections::BTreeMap<super::ids::SessionId, u64>;

fn open_journals(root: &DataRoot) -> Result<Begun, StoreError> {
    let mut begun = Begun::new();
    let segments = journal::segments(root)?;
    reached(Step::JournalsListed);
    for segment in segments {
        let mut reader = SegmentReader::open(&segment.path)?;
        let head = match reader.head() {
            Ok(head) => head,
            // Its head is damaged: it is set aside later.
            Err(StoreError::Manifest { .. }) => None,
            // A journal that is passed over because the disk does not answer would be sealed beside its own parts.
            Err(error) => return Err(error),
        };
        if let Some(head) = head {
            let first = begun.entry(segment.session_id).or_insert(head.first_seq);
            *first = head.first_seq.min(*first);
        }
    }
    Ok(begun)
}

/// Whether all its frames are still in the journal, from where they are sealed again.
fn is_in_journal(part: &Part, begun: &Begun) -> bool {
    !part.sessions.is_empty()
        && part
            .sessions
            .iter()
            .all(|range| begun.get(&range.session_id).is_some_and(|first| range.first >= *first))
}

fn adopt(catalog: &mut Catalog, part: Part, begun: &Begun) {
    for range in &part.sessions {
        if begun.contains_key(&range.session_id) {
            let sealed = catalog.sealed.entry(range.session_id).or_default();
            *sealed = range.last.max(*sealed);
        }
        let origin = if part.lineage.made_by == "import" { "import: (its name is lost)" } else { "(lost)" };
        catalog.add_session(SessionInfo {
            session_id: range.session_id,
            origin: origin.to_owned(),
            started_us: part.ts_min.unwrap_or(0),
        });
    }
    catalog.parts.push(part);
}

fn set_aside(root: &DataRoot, part: &Part, fate: Fate, result: &mut Reconciled) -> Result<(), StoreError> {
    let from = root.path().join(&part.path);
    fsio::rename(&from, &from.with_extension("parquet.orphan")).map_err(StoreError::io("set aside", &from))?;
    // Before the note goes: without it, a part that a power cut gives its name back would be taken for a forgotten one.
    from.parent().map_or(Ok(()), fsio::sync_folder)?;
    let why = match fate {
        Fate::Unfinished => "it was being written when the program ended, and its rows are there elsewhere",
        _ => "another part replaced it, or it was pruned",
    };
    result.messages.push(format!("{} was set aside: {why}", part.path));
    Ok(())
}

#[cfg(test)]
mod tests;
