//! Files and folders at one moment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, io};

/// A file or a folder, whatever its name is; never used for another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node(pub(crate) u64);

/// The top folder. The kernel knows it by this number.
pub(crate) const TOP: Node = Node(1);

/// An entry of a folder: the folder, and the name in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) folder: Node,
    pub(crate) name: OsString,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub(crate) enum Content {
    File(Arc<Vec<u8>>),
    Folder(BTreeMap<OsString, Node>),
}

/// All files and folders at one moment. Copies share the bytes of files until one of them changes.
#[derive(Debug, Clone)]
pub struct Image {
    nodes: BTreeMap<Node, Content>,
    /// Where each node is entered: in one place at most, as this disk has no hard links. A node without a place is one
    /// that was removed, or whose entry is not durable.
    places: BTreeMap<Node, Place>,
}

impl Default for Image {
    fn default() -> Self {
        Image::new()
    }
}

impl Image {
    /// An empty disk.
    pub fn new() -> Image {
        let nodes = BTreeMap::from([(TOP, Content::Folder(BTreeMap::new()))]);
        Image { nodes, places: BTreeMap::new() }
    }

    /// The bytes of the file at this path, relative to the top; `None` where there is no such file.
    pub fn read(&self, path: impl AsRef<Path>) -> Option<Arc<Vec<u8>>> {
        match self.content(self.find(path.as_ref())?)? {
            Content::File(bytes) => Some(Arc::clone(bytes)),
            Content::Folder(_) => None,
        }
    }

    /// Puts a file there, with its folders, for good: as if it had been there before the first operation.
    pub fn put(&mut self, path: impl AsRef<Path>, bytes: Vec<u8>) {
        let path = path.as_ref();
        let mut folder = TOP;
        for name in path.parent().into_iter().flat_map(Path::components) {
            folder = match self.entry(folder, name.as_os_str()) {
                Some(node) => node,
                None => self.add(folder, name.as_os_str(), Content::Folder(BTreeMap::new())),
            };
        }
        if let Some(name) = path.file_name() {
            self.add(folder, name, Content::File(Arc::new(bytes)));
        }
    }

    /// The path of every file, relative to the top.
    pub fn files(&self) -> Vec<PathBuf> {
        let files = self.nodes.iter().filter(|(_, content)| matches!(content, Content::File(_)));
        files.filter_map(|(node, _)| self.path(*node)).collect()
    }

    /// Writes all files into a folder of another disk, for a person to look at.
    ///
    /// # Errors
    /// Those of writing there.
    pub fn copy_to(&self, folder: &Path) -> io::Result<()> {
        for path in self.files() {
            let to = folder.join(&path);
            to.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&to, self.read(&path).unwrap_or_default().as_slice())?;
        }
        Ok(())
    }

    fn add(&mut self, folder: Node, name: &OsStr, content: Content) -> Node {
        let node = self.unused();
        self.nodes.insert(node, content);
        self.enter(node, Place { folder, name: name.to_owned() });
        node
    }

    /// A number that no node has. The first ones stay free for the folder's own entries in a listing.
    pub(crate) fn unused(&self) -> Node {
        Node(self.nodes.last_key_value().map_or(TOP.0, |(last, _)| last.0).max(15) + 1)
    }

    pub(crate) fn insert(&mut self, node: Node, content: Content) {
        self.nodes.insert(node, content);
    }

    pub(crate) fn content(&self, node: Node) -> Option<&Content> {
        self.nodes.get(&node)
    }

    pub(crate) fn place(&self, node: Node) -> Option<&Place> {
        self.places.get(&node)
    }

    pub(crate) fn entry(&self, folder: Node, name: &OsStr) -> Option<Node> {
        match self.content(folder)? {
            Content::Folder(entries) => entries.get(name).copied(),
            Content::File(_) => None,
        }
    }

    fn find(&self, path: &Path) -> Option<Node> {
        path.components().try_fold(TOP, |folder, name| self.entry(folder, name.as_os_str()))
    }

    /// The path of a node from the top; `None` where a folder on the way has no name any more.
    pub(crate) fn path(&self, node: Node) -> Option<PathBuf> {
        let mut names = Vec::new();
        let mut at = node;
        while at != TOP {
            let place = self.place(at)?;
            names.push(&place.name);
            at = place.folder;
        }
        Some(names.into_iter().rev().collect())
    }

    /// Gives a node this place instead of the one it has; what was entered there loses its own.
    pub(crate) fn enter(&mut self, node: Node, place: Place) {
        self.leave(node);
        if let Some(Content::Folder(entries)) = self.nodes.get_mut(&place.folder) {
            if let Some(replaced) = entries.insert(place.name.clone(), node) {
                self.places.remove(&replaced);
            }
            self.places.insert(node, place);
        }
    }

    /// Takes a node out of the folder that it is in.
    pub(crate) fn leave(&mut self, node: Node) {
        let Some(place) = self.places.remove(&node) else { return };
        if let Some(Content::Folder(entries)) = self.nodes.get_mut(&place.folder) {
            entries.remove(&place.name);
        }
    }

    /// The bytes of a file, for changing them; `None` where it is none.
    pub(crate) fn bytes_mut(&mut self, node: Node) -> Option<&mut Vec<u8>> {
        match self.nodes.get_mut(&node)? {
            Content::File(bytes) => Some(Arc::make_mut(bytes)),
            Content::Folder(_) => None,
        }
    }

    /// Replaces the bytes of a file.
    pub(crate) fn set(&mut self, node: Node, bytes: Arc<Vec<u8>>) {
        self.nodes.insert(node, Content::File(bytes));
    }

    /// Forgets what cannot be reached from the top, as checking a file system after a power cut does.
    pub(crate) fn without_unreachable(mut self) -> Image {
        let reachable: Vec<Node> = self.nodes.keys().copied().filter(|node| self.path(*node).is_some()).collect();
        self.nodes.retain(|node, _| reachable.binary_search(node).is_ok());
        self.places.retain(|node, _| reachable.binary_search(node).is_ok());
        self
    }
}
