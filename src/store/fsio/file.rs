//! An open file.

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::Path;
#[cfg(test)]
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

use super::Metadata;
use super::faults::{self, Operation};

/// An open file of the store: [`fs::File`], whose every operation a test can let fail.
#[derive(Debug)]
pub struct File {
    file: fs::File,
    #[cfg(test)]
    path: Arc<Path>,
}

impl File {
    /// Opens a file, or a folder to sync it, for reading.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(path: &Path) -> io::Result<File> {
        faults::reached(Operation::Open, path)?;
        fs::File::open(path).map(|file| File::of(file, path))
    }

    /// Creates an empty file for writing, in place of whatever has its name.
    ///
    /// # Errors
    /// Those of the system.
    pub fn create(path: &Path) -> io::Result<File> {
        faults::reached(Operation::Create, path)?;
        fs::File::create(path).map(|file| File::of(file, path))
    }

    /// Creates a file that is only ever appended to.
    ///
    /// # Errors
    /// When there is one by this name, and those of the system.
    pub fn create_to_append(path: &Path) -> io::Result<File> {
        faults::reached(Operation::Create, path)?;
        OpenOptions::new().append(true).create_new(true).open(path).map(|file| File::of(file, path))
    }

    /// Opens a file for reading and writing, and creates it where there is none.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open_or_create(path: &Path) -> io::Result<File> {
        faults::reached(Operation::Create, path)?;
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        opened.map(|file| File::of(file, path))
    }

    #[cfg_attr(
        not(test),
        inline(always),
        expect(unused_variables, reason = "tests name the file that is to fail")
    )]
    fn of(file: fs::File, path: &Path) -> File {
        File {
            file,
            #[cfg(test)]
            path: path.into(),
        }
    }

    #[cfg(not(test))]
    #[inline(always)]
    fn reached(&self, _: Operation) -> io::Result<()> {
        Ok(())
    }

    #[cfg(test)]
    fn reached(&self, operation: Operation) -> io::Result<()> {
        faults::reached(operation, &self.path)
    }

    /// A second handle on the same open file.
    ///
    /// # Errors
    /// When the process has no file descriptors left.
    pub fn try_clone(&self) -> io::Result<File> {
        self.reached(Operation::Open)?;
        Ok(File {
            file: self.file.try_clone()?,
            #[cfg(test)]
            path: self.path.clone(),
        })
    }

    /// What the system knows of it.
    ///
    /// # Errors
    /// Those of the system.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.reached(Operation::Look)?;
        self.file.metadata()
    }

    /// Makes content and metadata durable. After an error nothing that was written since the last success is known to be
    /// on the disk, and another call that succeeds does not change that: the system tries to write a page once.
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync_all(&self) -> io::Result<()> {
        self.reached(Operation::Sync)?;
        self.file.sync_all()
    }

    /// Makes the content durable, and of the metadata what reading it needs. As [`File::sync_all`] otherwise.
    ///
    /// # Errors
    /// Those of the system.
    pub fn sync_data(&self) -> io::Result<()> {
        self.reached(Operation::Sync)?;
        self.file.sync_data()
    }

    /// Cuts the file to this length, bytes.
    ///
    /// # Errors
    /// Those of the system.
    pub fn set_len(&self, length: u64) -> io::Result<()> {
        self.reached(Operation::Cut)?;
        self.file.set_len(length)
    }

    /// Reads from `start` on until the end of the file, `most` bytes at most, behind what is in `buffer`.
    ///
    /// # Errors
    /// Those of the system; what was read before is then in `buffer`.
    pub fn read_at(&self, start: u64, most: u64, buffer: &mut Vec<u8>) -> io::Result<usize> {
        self.reached(Operation::Read)?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(start))?;
        file.take(most).read_to_end(buffer)
    }

    /// Waits for the right to use the file alone.
    ///
    /// # Errors
    /// Those of the system.
    pub fn lock(&self) -> io::Result<()> {
        self.reached(Operation::Lock)?;
        self.file.lock()
    }

    /// Takes the right to use the file alone, if nobody else has it.
    ///
    /// # Errors
    /// When somebody has it, and those of the system.
    pub fn try_lock(&self) -> Result<(), TryLockError> {
        self.reached(Operation::Lock).map_err(TryLockError::Error)?;
        self.file.try_lock()
    }

    /// Whether nobody uses the file alone, for an instant.
    ///
    /// # Errors
    /// When somebody does, and those of the system.
    pub fn try_lock_shared(&self) -> Result<(), TryLockError> {
        self.reached(Operation::Lock).map_err(TryLockError::Error)?;
        self.file.try_lock_shared()
    }

    /// Gives the right back.
    ///
    /// # Errors
    /// Those of the system; closing the file gives it back too.
    pub fn unlock(&self) -> io::Result<()> {
        self.reached(Operation::Lock)?;
        self.file.unlock()
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reached(Operation::Read)?;
        self.file.read(buffer)
    }
}

impl Write for File {
    #[cfg(not(test))]
    #[inline(always)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.reached(Operation::Write)?;
        self.file.write(bytes)
    }

    #[cfg(test)]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = faults::writing(&self.path, bytes)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for File {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Length for File {
    fn len(&self) -> u64 {
        // The trait has no errors, and no disk is asked here: the system knows the length of an open file.
        self.file.metadata().map_or(0, |meta| meta.len())
    }
}

impl ChunkReader for File {
    type T = BufReader<File>;

    fn get_read(&self, start: u64) -> Result<BufReader<File>, ParquetError> {
        let mut file = self.try_clone()?;
        file.seek(SeekFrom::Start(start))?;
        Ok(BufReader::new(file))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let mut buffer = Vec::with_capacity(length);
        let read = self.read_at(start, length as u64, &mut buffer)?;
        if read != length {
            return Err(ParquetError::EOF(format!("{length} bytes are wanted at {start}, {read} are there")));
        }
        Ok(buffer.into())
    }
}
