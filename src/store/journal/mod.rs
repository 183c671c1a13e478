//! The write-ahead journal: raw frames and their envelope, durable before anything else sees them.
//!
//! One folder per session, one file per segment: `journal/<session_id>/<number>.seg`. When
//! [`writer::SegmentWriter::append`] returns, the record is in the kernel's hands: killing the process loses
//! nothing. [`writer::SegmentWriter::sync`] makes it survive a power cut; the recorder calls it at least four
//! times a second.
//!
//! A segment is a [`SegmentHead`] and then records; each carries its length and a CRC-32C. A reader waits at a record that
//! is not whole as long as nothing whole is behind it: it may still be on its way. With a whole record behind it, it is
//! damaged, and is passed over ([`reader::SegmentReader::read`]).

pub mod codec;
pub mod reader;
pub mod writer;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::StoreError;
use super::fsio;
use super::ids::SessionId;
use super::root::DataRoot;
use replayer_protocol::requests::RequestTracker;

/// What stands at the head of a segment, so that it can be understood alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentHead {
    /// The session.
    pub session_id: SessionId,
    /// Number of the segment in the session, from 1.
    pub number: u64,
    /// `seq` of the first record it will hold.
    pub first_seq: u64,
    /// What started the session: `record`, `serve`, `demo`, …
    pub origin: String,
    /// When the session started, microseconds UTC.
    pub started_us: i64,
    /// The build that wrote it.
    pub build: String,
    /// Orders that were open when the segment began.
    pub requests: RequestTracker,
}

/// A segment on disk.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SegmentPath {
    /// The session it belongs to.
    pub session_id: SessionId,
    /// Its number in the session.
    pub number: u64,
    /// The file.
    pub path: PathBuf,
}

/// The path of a segment.
pub fn segment_path(root: &DataRoot, session_id: SessionId, number: u64) -> PathBuf {
    root.session_dir(session_id).join(format!("{number:08}.seg"))
}

/// All segments of the journal, by session and number. Folders and files that are none are passed over.
///
/// # Errors
/// When a folder cannot be read; one that vanishes meanwhile (its session was sealed) is fine.
pub fn segments(root: &DataRoot) -> Result<Vec<SegmentPath>, StoreError> {
    let mut found = Vec::new();
    for folder in entries(&root.journal_dir())? {
        let Some(session_id) = file_name(&folder).and_then(|name| name.parse().ok()) else {
            continue;
        };
        for path in entries(&folder)? {
            let number = file_name(&path).and_then(|name| name.strip_suffix(".seg")).and_then(|n| n.parse().ok());
            if let Some(number) = number {
                found.push(SegmentPath { session_id, number, path });
            }
        }
    }
    found.sort();
    Ok(found)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    match fsio::entries(folder) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| entry.path).collect()),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(StoreError::io("read", folder)(error)),
    }
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name().and_then(|name| name.to_str())
}
