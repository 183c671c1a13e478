//! Appending to a segment.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::codec::{MAGIC, encode, frame_body};
use super::{SegmentHead, segment_path};
use crate::StoreError;
use crate::fsio;
use crate::record::Record;
use crate::root::DataRoot;

/// The open end of a session's journal.
pub struct SegmentWriter {
    file: File,
    path: PathBuf,
    /// Length of what is whole; anything behind it is the rest of a failed write.
    length: u64,
    buffer: Vec<u8>,
}

/// The sealer removes the session's folder when it has become empty, which may be just now.
fn create_file(folder: &Path, path: &Path) -> Result<File, StoreError> {
    let mut tries = 0;
    loop {
        fs::create_dir_all(folder).map_err(StoreError::io("create", folder))?;
        match OpenOptions::new().append(true).create_new(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && tries < 10 => tries += 1,
            opened => return opened.map_err(StoreError::io("create the journal segment", path)),
        }
    }
}

impl SegmentWriter {
    /// Creates a segment and writes its head. The file and its folder are durable when this returns.
    ///
    /// # Errors
    /// When the file is there already, or cannot be written.
    pub fn create(root: &DataRoot, head: SegmentHead) -> Result<SegmentWriter, StoreError> {
        let path = segment_path(root, head.session_id, head.number);
        let folder = root.session_dir(head.session_id);
        let file = create_file(&folder, &path)?;
        let mut writer = SegmentWriter { file, path, length: 0, buffer: Vec::new() };
        let begun = writer
            .begin(&head)
            .and_then(|()| writer.sync())
            .and_then(|()| fsio::sync_folder(&folder))
            .and_then(|()| fsio::sync_folder(&root.journal_dir()));
        if let Err(error) = begun {
            // On a full disk it is tried again, under the same name.
            let _ = fs::remove_file(&writer.path);
            return Err(error);
        }
        Ok(writer)
    }

    /// Writes a whole segment, or nothing: it gets its name when it is complete and durable, so that whoever seals
    /// the journal never meets half of it. This is how a process without the lease stores rows of its own: as a
    /// session of its own, which readers see at once and the next writer seals when it starts.
    ///
    /// # Errors
    /// When it cannot be written; nothing is then in the journal.
    pub fn whole(root: &DataRoot, head: &SegmentHead, records: &[Record<'_>]) -> Result<(), StoreError> {
        let (folder, path) = (root.session_dir(head.session_id), segment_path(root, head.session_id, head.number));
        let temporary = folder.join(format!(".tmp-{}-{}", head.number, std::process::id()));
        let file = create_file(&folder, &temporary)?;
        let mut writer = SegmentWriter { file, path: temporary, length: 0, buffer: Vec::new() };
        let written = writer
            .begin(head)
            .and_then(|()| records.iter().try_for_each(|record| writer.append(record)))
            .and_then(|()| writer.sync())
            .and_then(|()| fs::rename(&writer.path, &path).map_err(StoreError::io("publish", &path)));
        if let Err(error) = written {
            let _ = fs::remove_file(&writer.path);
            return Err(error);
        }
        fsio::sync_folder(&folder)?;
        fsio::sync_folder(&root.journal_dir())
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
    /// in the segment, and appending can be tried again.
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
        match self.file.write_all(bytes) {
            Ok(()) => {
                self.length += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // Half a record may stand at the end: cut it, so that the next one can be read.
                let _ = self.file.set_len(self.length);
                Err(StoreError::io("write to the journal", &self.path)(error))
            }
        }
    }

    /// Makes everything appended so far survive a power cut.
    ///
    /// # Errors
    /// When the disk cannot take it.
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

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.length
    }
}
