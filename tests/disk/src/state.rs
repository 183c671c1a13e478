//! What programs see, what is durable, and what is pending between the two.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use fuser::Errno;

use crate::image::{Content, Image, Node, Place};
use crate::moment::Moment;

/// What `fsync` makes durable beside the file's own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// Nothing: an entry is durable when its folder was synced, and only then.
    Strict,
    /// All changes of entries that were made before it, in any folder, as ext4's journal does.
    Journaled,
}

/// One change that is not durable yet.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// A node gets this place; it leaves the folder named second, if any, in the same step.
    Enter(Node, Place, Option<Node>),
    /// A node leaves this folder.
    Leave(Node, Node),
    /// Bytes are written at this offset.
    Write(Node, usize, Arc<[u8]>),
    /// A file gets this length.
    Resize(Node, usize),
}

/// A change, and when it was made.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(crate) change: Change,
    pub(crate) at: Instant,
}

impl Change {
    /// The file whose bytes it changes.
    pub(crate) fn file(&self) -> Option<Node> {
        match self {
            Change::Write(node, ..) | Change::Resize(node, _) => Some(*node),
            Change::Enter(..) | Change::Leave(..) => None,
        }
    }

    fn folders(&self) -> [Option<Node>; 2] {
        match self {
            Change::Enter(_, place, from) => [Some(place.folder), *from],
            Change::Leave(_, folder) => [Some(*folder), None],
            Change::Write(..) | Change::Resize(..) => [None, None],
        }
    }

    /// Makes the change.
    pub(crate) fn apply(&self, image: &mut Image) {
        match self {
            Change::Enter(node, place, _) => image.enter(*node, place.clone()),
            Change::Leave(node, folder) => {
                if image.place(*node).is_some_and(|place| place.folder == *folder) {
                    image.leave(*node);
                }
            }
            Change::Write(node, offset, new) => {
                if let Some(bytes) = image.bytes_mut(*node) {
                    write(bytes, *offset, new);
                }
            }
            Change::Resize(node, length) => {
                if let Some(bytes) = image.bytes_mut(*node) {
                    bytes.resize(*length, 0);
                }
            }
        }
    }
}

/// Writes into `bytes`, which grow as far as need be; a gap is zeros.
pub(crate) fn write(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(offset..end) {
        place.copy_from_slice(new);
    }
}

/// What the kernel is to know of a node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attributes {
    pub(crate) permissions: u16,
    pub(crate) modified: SystemTime,
}

/// A disk at work.
#[derive(Debug)]
pub(crate) struct State {
    rules: Rules,
    current: Image,
    durable: Image,
    pending: Vec<Pending>,
    attributes: BTreeMap<Node, Attributes>,
    /// The path that each file was made with: it stays known when the file is renamed or removed.
    made: BTreeMap<Node, PathBuf>,
    /// Changes and syncs so far.
    operations: u64,
    /// After which of them the disk is remembered, the next one at the end; the power goes after the last one.
    planned: Vec<u64>,
    moments: Vec<Moment>,
    is_cut: bool,
}

type Answer<T> = Result<T, Errno>;

impl State {
    pub(crate) fn new(image: Image, rules: Rules) -> State {
        State {
            rules,
            durable: image.clone(),
            current: image,
            pending: Vec::new(),
            attributes: BTreeMap::new(),
            made: BTreeMap::new(),
            operations: 0,
            planned: Vec::new(),
            moments: Vec::new(),
            is_cut: false,
        }
    }

    /// Changes and syncs so far.
    pub(crate) fn operations(&self) -> u64 {
        self.operations
    }

    /// Remembers the disk after each of these operations, counted from now; the power goes after the last one.
    pub(crate) fn plan(&mut self, cuts: &[u64]) {
        self.planned = cuts.iter().map(|cut| self.operations + cut.max(&1)).collect();
        self.planned.sort_unstable_by(|a, b| b.cmp(a));
        self.planned.dedup();
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    pub(crate) fn take_moments(&mut self) -> Vec<Moment> {
        std::mem::take(&mut self.moments)
    }

    /// Everything, as after unmounting it in peace.
    pub(crate) fn whole(&self) -> Image {
        self.current.clone().without_unreachable()
    }

    /// The power goes now.
    pub(crate) fn cut(&mut self) {
        if !self.is_cut {
            let moment = self.moment();
            self.moments.push(moment);
            self.is_cut = true;
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            operation: self.operations,
            at: Instant::now(),
            rules: self.rules,
            durable: self.durable.clone(),
            current: self.current.clone(),
            pending: self.pending.clone(),
            made: self.made.clone(),
        }
    }

    /// Whether the disk still answers.
    pub(crate) fn alive(&self) -> Answer<()> {
        if self.is_cut { Err(Errno::EIO) } else { Ok(()) }
    }

    /// Counts an operation that was carried out; it may be the last one.
    fn done<T>(&mut self, result: T) -> Answer<T> {
        self.operations += 1;
        if self.planned.last() == Some(&self.operations) {
            self.planned.pop();
            if self.planned.is_empty() {
                self.cut();
            } else {
                let moment = self.moment();
                self.moments.push(moment);
            }
        }
        Ok(result)
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.current);
        self.pending.push(Pending { change, at: Instant::now() });
    }

    fn touch(&mut self, node: Node) {
        self.attributes_mut(node).modified = SystemTime::now();
    }

    pub(crate) fn attributes(&self, node: Node) -> Attributes {
        self.attributes.get(&node).copied().unwrap_or_else(|| self.first_attributes(node))
    }

    fn first_attributes(&self, node: Node) -> Attributes {
        let is_folder = matches!(self.current.content(node), Some(Content::Folder(_)));
        Attributes { permissions: if is_folder { 0o755 } else { 0o644 }, modified: SystemTime::UNIX_EPOCH }
    }

    pub(crate) fn attributes_mut(&mut self, node: Node) -> &mut Attributes {
        let first = self.first_attributes(node);
        self.attributes.entry(node).or_insert(first)
    }

    pub(crate) fn content(&self, node: Node) -> Answer<&Content> {
        self.alive()?;
        self.current.content(node).ok_or(Errno::ENOENT)
    }

    fn entries(&self, folder: Node) -> Answer<&BTreeMap<OsString, Node>> {
        match self.content(folder)? {
            Content::Folder(entries) => Ok(entries),
            Content::File(_) => Err(Errno::ENOTDIR),
        }
    }

    pub(crate) fn look_up(&self, folder: Node, name: &OsStr) -> Answer<Node> {
        self.entries(folder)?.get(name).copied().ok_or(Errno::ENOENT)
    }

    /// A folder's entries in the order of their nodes, so that a listing in pieces is none the worse for changes between
    /// them.
    pub(crate) fn list(&self, folder: Node) -> Answer<Vec<(Node, OsString)>> {
        let mut entries: Vec<_> = self.entries(folder)?.iter().map(|(name, node)| (*node, name.clone())).collect();
        entries.sort();
        Ok(entries)
    }

    pub(crate) fn parent(&self, folder: Node) -> Node {
        self.current.place(folder).map_or(crate::image::TOP, |place| place.folder)
    }

    pub(crate) fn read(&self, file: Node, offset: usize, length: usize) -> Answer<&[u8]> {
        match self.content(file)? {
            Content::File(bytes) => {
                let end = (offset + length).min(bytes.len());
                Ok(bytes.get(offset..end).unwrap_or_default())
            }
            Content::Folder(_) => Err(Errno::EISDIR),
        }
    }

    /// Makes a file or a folder.
    pub(crate) fn make(&mut self, folder: Node, name: &OsStr, content: Content, permissions: u16) -> Answer<Node> {
        if self.entries(folder)?.contains_key(name) {
            return Err(Errno::EEXIST);
        }
        let node = self.current.unused();
        // The node is there in both; what is pending is its entry.
        self.durable.insert(node, content.clone());
        self.current.insert(node, content);
        self.change(Change::Enter(node, Place { folder, name: name.to_owned() }, None));
        self.attributes.insert(node, Attributes { permissions, modified: SystemTime::now() });
        if let Some(path) = self.current.path(node) {
            self.made.insert(node, path);
        }
        self.touch(folder);
        self.done(node)
    }

    /// Removes a file, or an empty folder.
    pub(crate) fn remove(&mut self, folder: Node, name: &OsStr, is_folder: bool) -> Answer<()> {
        let node = self.look_up(folder, name)?;
        match self.content(node)? {
            Content::File(_) if is_folder => return Err(Errno::ENOTDIR),
            Content::Folder(_) if !is_folder => return Err(Errno::EISDIR),
            Content::Folder(entries) if !entries.is_empty() => return Err(Errno::ENOTEMPTY),
            _ => {}
        }
        self.change(Change::Leave(node, folder));
        self.touch(folder);
        self.done(())
    }

    /// Renames; what has the new name is replaced in the same step.
    pub(crate) fn rename(&mut self, from: (Node, &OsStr), to: (Node, &OsStr), may_replace: bool) -> Answer<()> {
        let node = self.look_up(from.0, from.1)?;
        let replaced = self.entries(to.0)?.get(to.1).copied();
        match replaced {
            Some(replaced) if replaced == node => return self.done(()),
            Some(_) if !may_replace => return Err(Errno::EEXIST),
            Some(replaced) => match (self.content(node)?, self.content(replaced)?) {
                (Content::File(_), Content::Folder(_)) => return Err(Errno::EISDIR),
                (Content::Folder(_), Content::File(_)) => return Err(Errno::ENOTDIR),
                (_, Content::Folder(entries)) if !entries.is_empty() => return Err(Errno::ENOTEMPTY),
                _ => {}
            },
            None => {}
        }
        let place = Place { folder: to.0, name: to.1.to_owned() };
        self.change(Change::Enter(node, place, Some(from.0)));
        self.touch(from.0);
        self.touch(to.0);
        self.done(())
    }

    pub(crate) fn write(&mut self, file: Node, offset: usize, bytes: &[u8]) -> Answer<()> {
        match self.content(file)? {
            Content::File(_) => {}
            Content::Folder(_) => return Err(Errno::EISDIR),
        }
        self.change(Change::Write(file, offset, bytes.into()));
        self.touch(file);
        self.done(())
    }

    pub(crate) fn resize(&mut self, file: Node, length: usize) -> Answer<()> {
        match self.content(file)? {
            Content::File(bytes) if bytes.len() == length => return Ok(()),
            Content::File(_) => {}
            Content::Folder(_) => return Err(Errno::EISDIR),
        }
        self.change(Change::Resize(file, length));
        self.touch(file);
        self.done(())
    }

    /// Makes a file's bytes and length durable.
    pub(crate) fn sync_file(&mut self, file: Node) -> Answer<()> {
        match self.content(file)? {
            Content::File(bytes) => {
                let bytes = Arc::clone(bytes);
                self.durable.set(file, bytes);
            }
            Content::Folder(_) => return self.sync_folder(file),
        }
        let takes_entries = self.rules == Rules::Journaled;
        self.flush(|change| change.file() == Some(file) || (takes_entries && change.file().is_none()));
        self.done(())
    }

    /// Makes a folder's entries durable.
    pub(crate) fn sync_folder(&mut self, folder: Node) -> Answer<()> {
        self.entries(folder)?;
        match self.rules {
            Rules::Journaled => self.flush(|change| change.file().is_none()),
            Rules::Strict => self.flush_folder(folder),
        }
        self.done(())
    }

    /// A rename between two folders takes along what happened in the other one before it: half of it is not there.
    fn flush_folder(&mut self, folder: Node) {
        let mut folders = BTreeSet::from([folder.0]);
        let mut taken: Vec<bool> = Vec::with_capacity(self.pending.len());
        for pending in self.pending.iter().rev() {
            let touched = pending.change.folders();
            let is_taken = touched.iter().flatten().any(|folder| folders.contains(&folder.0));
            if is_taken {
                folders.extend(touched.iter().flatten().map(|folder| folder.0));
            }
            taken.push(is_taken);
        }
        let mut taken = taken.into_iter().rev();
        self.flush(|_| taken.next().unwrap_or(false));
    }

    /// Makes these changes durable, in their order. The bytes of files have been taken over as a whole before.
    fn flush(&mut self, mut is_meant: impl FnMut(&Change) -> bool) {
        let durable = &mut self.durable;
        self.pending.retain(|pending| {
            let goes = is_meant(&pending.change);
            if goes && pending.change.file().is_none() {
                pending.change.apply(durable);
            }
            !goes
        });
    }
}
