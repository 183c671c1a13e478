//! Many cursors at once. As many as fit are kept, the one longest unused is forgotten first; whoever asks for a
//! forgotten one is told exactly how to open it again where it was.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Cursor;
use super::archive::Shared;
use super::error::CursorError;
use super::game_span::Covers;
use super::orders::Orders;
use crate::store::StoreError;
use crate::store::root::DataRoot;

/// Cursors kept.
pub const MOST_CURSORS: usize = 16;
/// Bytes of text that all of them keep.
pub const MOST_BYTES: usize = 512 << 20;
/// Forgotten cursors of which is remembered how to open them again.
const MOST_FORGOTTEN: usize = 256;

/// A cursor with the actions that were taken in it.
pub struct Held {
    /// The cursor.
    pub cursor: Cursor,
    /// The actions, and the local account.
    pub orders: Orders,
    /// Where it was before its last move: span and event.
    pub before: Option<(usize, usize)>,
}

/// Many cursors on one data root.
pub struct CursorRegistry {
    root: PathBuf,
    archive: Mutex<Option<Arc<Shared>>>,
    cursors: Mutex<Cursors>,
}

#[derive(Default)]
struct Cursors {
    /// The one that was used last is last.
    open: Vec<Entry>,
    forgotten: VecDeque<Forgotten>,
}

struct Entry {
    listed: Listed,
    held: Arc<Mutex<Held>>,
    bytes: usize,
}

/// An open cursor, in short.
#[derive(Debug, Clone, PartialEq)]
pub struct Listed {
    /// Its handle.
    pub handle: String,
    /// The arguments that open it at its first event, JSON without the braces.
    pub opened: String,
    /// The event it is after.
    pub event_ref: String,
    /// The game it is in.
    pub game_id: Option<String>,
    /// Actions taken in it.
    pub actions: usize,
}

/// A cursor that is not there.
#[derive(Debug, Clone, PartialEq)]
pub struct Forgotten {
    /// Its handle.
    pub handle: String,
    /// The arguments that opened it.
    pub opened: String,
    /// The event it was after.
    pub event_ref: String,
    /// Actions that were taken in it and are gone.
    pub actions: usize,
    /// Whether somebody closed it; else there were too many.
    pub closed: bool,
}

/// Why a cursor could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// It was there once.
    #[error("{}", if .0.closed { "it was closed" } else { "it was forgotten: more than a few were opened since" })]
    Forgotten(Forgotten),
    /// It never was.
    #[error("there is no such cursor")]
    Unknown,
    /// The cursor's own reason.
    #[error(transparent)]
    Cursor(#[from] CursorError),
}

impl From<StoreError> for ShelfError {
    fn from(error: StoreError) -> ShelfError {
        ShelfError::Cursor(error.into())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A cursor is moved as a whole or not at all; one that a panic left is where it was.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl CursorRegistry {
    /// An empty registry. The data root is looked at when the first cursor is opened.
    pub fn new(root: PathBuf) -> CursorRegistry {
        CursorRegistry { root, archive: Mutex::new(None), cursors: Mutex::new(Cursors::default()) }
    }

    /// The archive of the data root.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn archive(&self) -> Result<Arc<Shared>, StoreError> {
        let mut archive = lock(&self.archive);
        if let Some(known) = archive.as_ref() {
            return Ok(known.clone());
        }
        let opened = Arc::new(Shared::open(&DataRoot::open(&self.root)?)?);
        Ok(archive.insert(opened).clone())
    }

    /// Opens a cursor, and uses it for the first time. `opened` are the arguments that open it again, JSON without
    /// the braces. It stays only when `first` succeeds.
    ///
    /// # Errors
    /// When there is nothing to open, or `first`'s.
    pub fn open<T>(
        &self,
        covers: Covers,
        orders: Orders,
        opened: impl FnOnce(&Cursor) -> String,
        first: impl FnOnce(&mut Held, &Shared) -> Result<T, CursorError>,
    ) -> Result<(String, T), ShelfError> {
        let archive = self.archive()?;
        let mut held = Held { cursor: Cursor::open(&archive, covers)?, orders, before: None };
        let opened = opened(&held.cursor);
        let result = first(&mut held, &archive)?;
        let handle = handle();
        let (listed, bytes) = (listed(&handle, opened, &held), held.cursor.bytes());
        let mut cursors = lock(&self.cursors);
        cursors.open.push(Entry { listed, held: Arc::new(Mutex::new(held)), bytes });
        cursors.make_room();
        Ok((handle, result))
    }

    /// Uses a cursor.
    ///
    /// # Errors
    /// When it is not there, or `work`'s.
    pub fn with<T>(
        &self,
        handle: &str,
        work: impl FnOnce(&mut Held, &Shared) -> Result<T, CursorError>,
    ) -> Result<T, ShelfError> {
        let held = lock(&self.cursors).used(handle)?;
        let archive = self.archive()?;
        let mut held = lock(&held);
        let result = work(&mut held, &archive);
        let mut cursors = lock(&self.cursors);
        if let Some(entry) = cursors.open.iter_mut().find(|entry| entry.listed.handle == handle) {
            entry.listed = listed(handle, entry.listed.opened.clone(), &held);
            entry.bytes = held.cursor.bytes();
        }
        drop(held);
        cursors.make_room();
        Ok(result?)
    }

    /// Closes a cursor.
    ///
    /// # Errors
    /// When it is not there.
    pub fn close(&self, handle: &str) -> Result<Listed, ShelfError> {
        let mut cursors = lock(&self.cursors);
        cursors.used(handle)?;
        let Some(entry) = cursors.open.pop() else { return Err(ShelfError::Unknown) };
        let listed = entry.listed.clone();
        cursors.forget(entry, true);
        Ok(listed)
    }

    /// The open cursors, the one used last first.
    pub fn list(&self) -> Vec<Listed> {
        lock(&self.cursors).open.iter().rev().map(|entry| entry.listed.clone()).collect()
    }
}

impl Cursors {
    /// Finds a cursor and makes it the one used last.
    fn used(&mut self, handle: &str) -> Result<Arc<Mutex<Held>>, ShelfError> {
        let Some(place) = self.open.iter().position(|entry| entry.listed.handle == handle) else {
            let forgotten = self.forgotten.iter().find(|forgotten| forgotten.handle == handle);
            return Err(forgotten.map_or(ShelfError::Unknown, |known| ShelfError::Forgotten(known.clone())));
        };
        let entry = self.open.remove(place);
        let held = entry.held.clone();
        self.open.push(entry);
        Ok(held)
    }

    fn make_room(&mut self) {
        let bytes = |open: &[Entry]| open.iter().map(|entry| entry.bytes).sum::<usize>();
        while self.open.len() > MOST_CURSORS || (self.open.len() > 1 && bytes(&self.open) > MOST_BYTES) {
            let entry = self.open.remove(0);
            self.forget(entry, false);
        }
    }

    fn forget(&mut self, entry: Entry, closed: bool) {
        let Listed { handle, opened, event_ref, actions, .. } = entry.listed;
        if self.forgotten.len() >= MOST_FORGOTTEN {
            self.forgotten.pop_front();
        }
        self.forgotten.push_back(Forgotten { handle, opened, event_ref, actions, closed });
    }
}

fn listed(handle: &str, opened: String, held: &Held) -> Listed {
    let place = held.cursor.place();
    Listed {
        handle: handle.to_owned(),
        opened,
        event_ref: place.as_ref().map(|place| place.event_ref.clone()).unwrap_or_default(),
        game_id: place.and_then(|place| place.game_id),
        actions: held.orders.len(),
    }
}

/// Nobody guesses it: 62 of its bits are random.
fn handle() -> String {
    let id = uuid::Uuid::now_v7();
    let random = id.as_bytes().iter().skip(8).map(|byte| format!("{byte:02x}"));
    format!("cursor-{}", random.collect::<String>())
}
