//! The kernel's requests, answered from the state.

use std::ffi::{OsStr, OsString};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation, INodeNo, LockOwner,
    OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen,
    ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use crate::SECTOR;
use crate::image::{Content, Node};
use crate::state::State;

/// The state, and who waits for the power to go.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    cut: Condvar,
}

impl Shared {
    pub(crate) fn new(state: State) -> Arc<Shared> {
        Arc::new(Shared { state: Mutex::new(state), cut: Condvar::new() })
    }

    /// The state. Nothing that is done with it can stop half-way, so one that a panic left is whole too.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the power is gone; `false` when it is still there after `longest`.
    pub(crate) fn wait_for_cut(&self, longest: Duration) -> bool {
        let state = self.lock();
        let waited = self.cut.wait_timeout_while(state, longest, |state| !state.is_cut());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_cut()
    }

    pub(crate) fn announce_cut(&self) {
        self.cut.notify_all();
    }
}

/// The file system as the kernel asks it. All locks of files are the kernel's own.
#[derive(Debug)]
pub(crate) struct Requests {
    pub(crate) shared: Arc<Shared>,
    /// Whom everything belongs to.
    pub(crate) owner: (u32, u32),
}

/// The kernel may keep what it knows: nobody else changes anything.
const FOR_LONG: Duration = Duration::from_secs(60);

/// A disk that is never full: free and total blocks.
const BLOCKS: u64 = 1 << 24;

impl Requests {
    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, Errno>) -> Result<T, Errno> {
        let mut state = self.shared.lock();
        state.alive()?;
        let answer = work(&mut state);
        let is_cut = state.is_cut();
        drop(state);
        if is_cut {
            self.shared.announce_cut();
        }
        answer
    }

    fn attr(&self, state: &State, node: Node) -> Result<FileAttr, Errno> {
        let (kind, size, links) = match state.content(node)? {
            Content::File(bytes) => (FileType::RegularFile, bytes.len() as u64, 1),
            Content::Folder(_) => (FileType::Directory, 0, 2),
        };
        let attributes = state.attributes(node);
        Ok(FileAttr {
            ino: INodeNo(node.0),
            size,
            blocks: size.div_ceil(SECTOR as u64),
            atime: attributes.modified,
            mtime: attributes.modified,
            ctime: attributes.modified,
            crtime: attributes.modified,
            kind,
            perm: attributes.permissions,
            nlink: links,
            uid: self.owner.0,
            gid: self.owner.1,
            rdev: 0,
            blksize: 4096,
            flags: 0,
        })
    }

    fn answer_entry(&self, answer: Result<FileAttr, Errno>, reply: ReplyEntry) {
        match answer {
            Ok(attr) => reply.entry(&FOR_LONG, &attr, Generation(0)),
            Err(error) => reply.error(error),
        }
    }
}

fn node(ino: INodeNo) -> Node {
    Node(ino.0)
}

/// An offset or length as one in memory; what is too long for that is no file of ours.
fn in_memory(number: u64) -> Result<usize, Errno> {
    usize::try_from(number).map_err(|_| Errno::EINVAL)
}

fn permissions(mode: u32) -> u16 {
    u16::try_from(mode & 0o7777).unwrap_or(0o644)
}

fn answer_empty(answer: Result<(), Errno>, reply: ReplyEmpty) {
    match answer {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

impl Filesystem for Requests {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let answer = self.with(|state| {
            let found = state.look_up(node(parent), name)?;
            self.attr(state, found)
        });
        self.answer_entry(answer, reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.with(|state| self.attr(state, node(ino))) {
            Ok(attr) => reply.attr(&FOR_LONG, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let answer = self.with(|state| {
            state.content(node(ino))?;
            if let Some(mode) = mode {
                state.attributes_mut(node(ino)).permissions = permissions(mode);
            }
            if let Some(modified) = modified {
                state.attributes_mut(node(ino)).modified = match modified {
                    TimeOrNow::SpecificTime(time) => time,
                    TimeOrNow::Now => SystemTime::now(),
                };
            }
            // Before the size: the power may go with it.
            let mut attr = self.attr(state, node(ino))?;
            if let Some(size) = size {
                state.resize(node(ino), in_memory(size)?)?;
                attr.size = size;
            }
            Ok(attr)
        });
        match answer {
            Ok(attr) => reply.attr(&FOR_LONG, &attr),
            Err(error) => reply.error(error),
        }
    }

    fn mkdir(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, reply: ReplyEntry) {
        let answer = self.made(parent, name, Content::Folder(Default::default()), mode);
        self.answer_entry(answer, reply);
    }

    fn create(&self, _: &Request, parent: INodeNo, name: &OsStr, mode: u32, _: u32, _: i32, reply: ReplyCreate) {
        match self.made(parent, name, Content::File(Default::default()), mode) {
            Ok(attr) => {
                reply.created(&FOR_LONG, &attr, Generation(0), FileHandle(0), FopenFlags::empty());
            }
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer_empty(self.with(|state| state.remove(node(parent), name, false)), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer_empty(self.with(|state| state.remove(node(parent), name, true)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let may_replace = !flags.contains(RenameFlags::RENAME_NOREPLACE);
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.error(Errno::EINVAL);
        }
        let (from, to) = ((node(parent), name), (node(newparent), newname));
        answer_empty(self.with(|state| state.rename(from, to, may_replace)), reply);
    }

    fn open(&self, _: &Request, ino: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.with(|state| state.content(node(ino)).map(|_| ())) {
            Ok(()) => reply.opened(FileHandle(0), FopenFlags::empty()),
            Err(error) => reply.error(error),
        }
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let read = self.with(|state| {
            let (offset, size) = (in_memory(offset)?, in_memory(u64::from(size))?);
            state.read(node(ino), offset, size).map(<[u8]>::to_vec)
        });
        match read {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.with(|state| state.write(node(ino), in_memory(offset)?, data)) {
            Ok(()) => reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX)),
            Err(error) => reply.error(error),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // Closing a file makes nothing durable.
        answer_empty(self.with(|_| Ok(())), reply);
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer_empty(self.with(|state| state.sync_file(node(ino))), reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        answer_empty(self.with(|state| state.sync_folder(node(ino))), reply);
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        let listed = self.with(|state| {
            let itself = (node(ino), 1, FileType::Directory, OsString::from("."));
            let above = (state.parent(node(ino)), 2, FileType::Directory, OsString::from(".."));
            let mut listed = vec![itself, above];
            for (entry, name) in state.list(node(ino))? {
                let kind = match state.content(entry)? {
                    Content::File(_) => FileType::RegularFile,
                    Content::Folder(_) => FileType::Directory,
                };
                listed.push((entry, entry.0, kind, name));
            }
            Ok(listed)
        });
        match listed {
            Ok(listed) => {
                for (entry, place, kind, name) in listed {
                    if place > offset && reply.add(INodeNo(entry.0), place, kind, name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        match self.with(|_| Ok(())) {
            Ok(()) => reply.statfs(BLOCKS, BLOCKS, BLOCKS, BLOCKS, BLOCKS, 4096, 255, 4096),
            Err(error) => reply.error(error),
        }
    }
}

impl Requests {
    fn made(&self, parent: INodeNo, name: &OsStr, content: Content, mode: u32) -> Result<FileAttr, Errno> {
        self.with(|state| {
            let made = state.make(node(parent), name, content, permissions(mode))?;
            // The power may have gone with it: whoever asked is not to hear that it worked.
            self.attr(state, made)
        })
    }
}
