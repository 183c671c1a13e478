//! What parent and worker say to each other over the worker's stdin and stdout.
//!
//! Frame: four bytes length (little endian, of what follows), one byte kind, payload. Kind `J` is one JSON
//! message, kind `A` a piece of an Arrow IPC stream. Requests are served one after the other; only
//! [`Request::Cancel`] overtakes.

use std::io::{Error, ErrorKind, Read, Write};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::derived::{DerivedRows, WantedView};
use super::error::SqlError;

/// Largest frame either side accepts, in bytes: a result cannot be larger than the limits on rows and bytes allow.
pub const MAX_FRAME: usize = 256 * 1024 * 1024;

/// Payload kind of a JSON message.
pub const JSON: u8 = b'J';

/// Payload kind of Arrow IPC bytes.
pub const ARROW: u8 = b'A';

/// How a result comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// One [`Reply::Rows`] with JSON cells, cut to the limits.
    Rows,
    /// Arrow frames, then [`Reply::Done`]. Values as stored: nothing is cut or escaped.
    Arrow,
}

/// From parent to worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum Request {
    /// Run one query.
    Query(Job),
    /// Stop the query with this id, if it still runs.
    Cancel {
        /// The query's id.
        id: u64,
    },
    /// The answer to [`Reply::Wanted`].
    Derived {
        /// The query's id.
        id: u64,
        /// The rows, of each view that was wanted.
        tables: Vec<DerivedRows>,
        /// Why there are none: the query fails with it.
        error: Option<SqlError>,
    },
}

/// One query and its limits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Repeated in every reply to it.
    pub id: u64,
    /// The SQL text, unchecked.
    pub sql: String,
    /// Values for `$1`, `$2`, …: null, booleans, numbers, strings.
    pub params: Vec<Value>,
    /// Most rows to give back (rows mode).
    pub max_rows: u64,
    /// Most bytes of JSON cells to give back (rows mode). The first row always comes.
    pub max_bytes: u64,
    /// Most characters of one cell (rows mode).
    pub max_cell: u64,
    /// Time limit in milliseconds; counts from when the store's state has been brought up to date.
    pub timeout_ms: u64,
    /// Give the query plan, not the rows.
    pub explain: bool,
    /// Form of the result.
    pub mode: Mode,
}

/// From worker to parent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub enum Reply {
    /// First message of a worker: it has dropped its rights and waits for queries.
    Ready {
        /// What the operating system enforces.
        sandbox: SandboxReport,
    },
    /// The query reads views whose rows the parent makes; it waits for [`Request::Derived`].
    Wanted {
        /// The query's id.
        id: u64,
        /// The views.
        views: Vec<WantedView>,
    },
    /// The views are up to date and the query starts; its time limit counts from here.
    Started {
        /// The query's id.
        id: u64,
    },
    /// The result of a rows query.
    Rows {
        /// The query's id.
        id: u64,
        /// The rows.
        result: QueryResult,
    },
    /// The Arrow frames before this were the whole result.
    Done {
        /// The query's id.
        id: u64,
        /// Rows sent.
        rows: u64,
    },
    /// The query failed; a rows or Done reply does not follow.
    Failed {
        /// The query's id; 0 when the worker could not start.
        id: u64,
        /// Why.
        error: SqlError,
    },
}

/// What a worker's operating system holds it to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SandboxReport {
    /// Landlock: "full", "partial", "none", or why it is missing.
    pub landlock: String,
    /// Resource limits in force, in words.
    pub limits: Vec<String>,
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Column {
    /// Name as selected.
    pub name: String,
    /// SQL type, for example `BIGINT` or `TIMESTAMP WITH TIME ZONE`.
    #[serde(rename = "type")]
    pub sql_type: String,
}

/// Which limit ended a result early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The row limit.
    Rows,
    /// The byte limit.
    Bytes,
}

/// A result as rows of JSON cells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueryResult {
    /// The columns, in order.
    pub columns: Vec<Column>,
    /// The rows: one cell per column.
    pub rows: Vec<Vec<Value>>,
    /// Rows in `rows`.
    pub row_count: u64,
    /// Whether there were more rows than `rows` holds.
    pub truncated: bool,
    /// The limit that was reached, if any.
    pub truncated_by: Option<Limit>,
    /// Cells that were shortened; each says so at its end.
    pub cut_cells: u64,
    /// Milliseconds from the start of the query to its last row.
    pub elapsed_ms: f64,
    /// Time (UTC) up to which recorded rows are included.
    pub as_of: String,
    /// Which rows of the query's views are missing, because parts are damaged or gone: a sentence per kind of row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<String>,
}

/// Writes one frame and flushes.
///
/// # Errors
/// The writer's; [`ErrorKind::InvalidData`] for a payload over [`MAX_FRAME`].
pub fn write_frame(out: &mut impl Write, kind: u8, payload: &[u8]) -> std::io::Result<()> {
    if payload.len() >= MAX_FRAME {
        return Err(Error::new(
            ErrorKind::InvalidData,
            format!("a frame of {} bytes is too large", payload.len()),
        ));
    }
    let length = u32::try_from(payload.len() + 1).map_err(|_| ErrorKind::InvalidData)?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&[kind])?;
    out.write_all(payload)?;
    out.flush()
}

/// Writes one JSON message.
///
/// # Errors
/// As [`write_frame`].
pub fn write_message(out: &mut impl Write, message: &impl Serialize) -> std::io::Result<()> {
    write_frame(out, JSON, &serde_json::to_vec(message)?)
}

/// Reads one frame: kind and payload. `None` at a clean end of the stream.
///
/// # Errors
/// The reader's; [`ErrorKind::InvalidData`] for an impossible length.
pub fn read_frame(input: &mut impl Read) -> std::io::Result<Option<(u8, Vec<u8>)>> {
    let mut head = [0; 4];
    match input.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = payload_length(head)?;
    let mut kind = [0; 1];
    input.read_exact(&mut kind)?;
    let mut payload = vec![0; length];
    input.read_exact(&mut payload)?;
    let [kind] = kind;
    Ok(Some((kind, payload)))
}

/// Payload bytes announced by a frame's first four bytes (the kind byte not counted).
///
/// # Errors
/// [`ErrorKind::InvalidData`] when it cannot be a frame, for example because something else wrote to the pipe.
pub fn payload_length(head: [u8; 4]) -> std::io::Result<usize> {
    let length = u32::from_le_bytes(head) as usize;
    if length == 0 || length > MAX_FRAME {
        return Err(Error::new(ErrorKind::InvalidData, format!("{length} is not a frame length")));
    }
    Ok(length - 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_frame_comes_back_as_it_was_written() {
        let mut pipe = Vec::new();
        write_message(&mut pipe, &Request::Cancel { id: 7 }).unwrap();
        write_frame(&mut pipe, ARROW, &[1, 2, 3]).unwrap();
        let mut read = pipe.as_slice();
        let (kind, payload) = read_frame(&mut read).unwrap().unwrap();
        assert_eq!(kind, JSON);
        assert!(matches!(serde_json::from_slice(&payload).unwrap(), Request::Cancel { id: 7 }));
        assert_eq!(read_frame(&mut read).unwrap().unwrap(), (ARROW, vec![1, 2, 3]));
        assert!(read_frame(&mut read).unwrap().is_none());
    }

    #[test]
    fn a_stray_line_on_the_pipe_is_not_taken_for_a_length() {
        assert!(read_frame(&mut "hello, world".as_bytes()).is_err());
        assert!(read_frame(&mut [0_u8; 8].as_slice()).is_err());
    }
}
