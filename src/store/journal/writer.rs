//! Appending to a segment.

use std::io;
use std::path::{Path, PathBuf};

use super::codec::{MAGIC, encode, frame_body};
use super::{SegmentHead, segment_path};
use crate::StoreError;
use crate::fsio::{self, File, Temporary};
use crate::record::Record;
use crate::root::DataRoot;

/// The open end of a session's journal.
pub struct SegmentWriter {
    file: File,
    path: PathBuf,
    /// Length of what is whole.
    length: u64,
    /// Whether a failed write may have left bytes behind `length`. Nothing is appended before they are cut off: the file
    /// grows at its end, so a record would stand behind them, where `length` is not, and the next cut would take it.
    has_rest: bool,
    buffer: Vec<u8>,
}

/// The sealer removes the session's folder when it has become empty, which may be just now.
fn create_file(folder: &Path, path: &Path) -> Result<File, StoreError> {
    let mut tries = 0;
    loop {
        fsio::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        match File::create_to_append(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => tries += 1,
            opened => return opened.map_err(StoreError::io("create the journal segment", path)),
        }
    }
}

impl SegmentWriter {
    /// Creates a segment and writes its head. The file and its folder are durable when this returns.
    ///
    /// # Errors
    /// When the file is there already, or cannot be written. A segment without records may then be there, if the disk
    /// refuses to remove it too: the next one needs another number.
    pub fn create(root: &DataRoot, head: SegmentHead) -> Result<SegmentWriter, StoreError> {
        let path = segment_path(root, head.session_id, head.number);
        let folder = root.session_dir(head.session_id);
        let file = create_file(&folder, &path)?;
        let mut writer = SegmentWriter::of(file, &path);
        let begun = writer
            .begin(&head)
            .and_then(|()| writer.sync())
            .and_then(|()| fsio::sync_folder(&folder))
            .and_then(|()| fsio::sync_folder(&root.journal_dir()));
        if let Err(error) = begun {
            let _ = fsio::remove_file(&writer.path);
            return Err(error);
        }
        Ok(writer)
    }

    fn of(file: File, path: &Path) -> SegmentWriter {
        SegmentWriter { file, path: path.to_owned(), length: 0, has_rest: false, buffer: Vec::new() }
    }

    /// Writes a whole segment, or nothing: it gets its name when it is complete and durable, so that whoever seals
    /// the journal never meets half of it. This is how a process without the lease stores rows of its own: as a
    /// session of its own, which readers see at once and the next writer seals when it starts.
    ///
    /// # Errors
    /// When it cannot be written; nothing is then in the journal. Only where the disk refuses to take it back too, it is
    /// there, and the error says so.
    pub fn whole(root: &DataRoot, head: &SegmentHead, records: &[Record<'_>]) -> Result<(), StoreError> {
        let (folder, path) = (root.session_dir(head.session_id), segment_path(root, head.session_id, head.number));
        let temporary = Temporary::new(folder.join(format!(".tmp-{}-{}", head.number, std::process::id())));
        let file = create_file(&folder, temporary.path())?;
        let mut writer = SegmentWriter::of(file, temporary.path());
        writer
            .begin(head)
            .and_then(|()| records.iter().try_for_each(|record| writer.append(record)))
            .and_then(|()| writer.sync())
            .and_then(|()| temporary.name(&path).map_err(StoreError::io("publish", &path)))?;
        let durable = fsio::sync_folder(&folder).and_then(|()| fsio::sync_folder(&root.journal_dir()));
        // Whoever is refused tries again: with this one in place the rows would be there twice.
        durable.map_err(|error| match fsio::remove(&path) {
            Ok(()) => error,
            Err(_) => StoreError::Refused(format!(
                "{error}. Its rows are in the journal nevertheless ({}), but may not survive a power cut",
                path.display()
            )),
        })
    }

    fn begin(&mut self, head: &SegmentHead) -> Result<(), StoreError> {
        let mut bytes = MAGIC.to_vec();
        let json = serde_json::to_vec(head).map_err(|error| StoreError::io("write", &self.path)(error.into()))?;
        frame_body(&mut bytes, |out| out.extend_from_slice(&json));
        self.write(&bytes)
    }

    /// Appends one record with a single `write(2)`. When this returns, the record survives the process.
    ///
    /// # Errors
    /// When the record is longer than a segment may hold, or the disk is full: nothing of the record is then
    /// in the segment, or bytes of it that no reader takes for a record and that are cut off before the next one.
    /// Appending can be tried again.
    pub fn append(&mut self, record: &Record<'_>) -> Result<(), StoreError> {
        if record.text.len() > super::codec::LONGEST / 2 {
            return Err(StoreError::Refused(format!(
                "a frame of {} bytes is longer than the journal takes ({} bytes)",
                record.text.len(),
                super::codec::LONGEST / 2
            )));
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        encode(&mut buffer, record);
        let written = self.write(&buffer);
        // A rare giant frame must not keep its buffer for ever.
        buffer.shrink_to(1 << 20);
        self.buffer = buffer;
        written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.cut()?;
        match io::Write::write_all(&mut self.file, bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                self.has_rest = true;
                // At once, if it can be, so that a reader does not meet it; else before the next record.
                let _ = self.cut();
                Err(StoreError::io("write to the journal", &self.path)(error))
            }
        }
    }

    /// Cuts off what a failed write left behind the last whole record; nothing to do where none failed.
    ///
    /// # Errors
    /// When the disk refuses to: nothing can be appended to this segment, and it can be tried again. What is whole stays.
    pub fn cut(&mut self) -> Result<(), StoreError> {
        if self.has_rest {
            self.file.set_len(self.length).map_err(StoreError::io("cut half a record off", &self.path))?;
            self.has_rest = false;
        }
        Ok(())
    }

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// When the disk cannot take it. What was appended since the last success may then not survive a power cut, and
    /// another call that succeeds does not change that ([`File::sync_all`]): it has to be written again, elsewhere.
    pub fn sync(&self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(StoreError::io("sync", &self.path))
    }

    /// A second handle for syncing from another thread.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn handle(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Length of what is whole in it, bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}
