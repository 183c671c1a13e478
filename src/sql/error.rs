//! What can go wrong with a query, in words that help the one who asked.
//!
//! The same values travel from the worker to the parent as JSON, so they hold texts, not causes.

use serde::{Deserialize, Serialize};

/// Why a query has no result. The text of each is meant to be shown to the asker as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SqlError {
    /// The gate did not let the text pass: a syntax error, or something that is not allowed here.
    #[error("{message}")]
    Refused {
        /// What was refused, why, and what to write instead.
        message: String,
    },

    /// DuckDB accepted the text but could not bind or run it: an unknown column, a wrong type, a failed cast.
    #[error("{message}")]
    Failed {
        /// DuckDB's message, with the columns of the views involved where that helps.
        message: String,
    },

    /// The query ran longer than it may.
    #[error(
        "the query was stopped after {timeout_ms} ms. Narrow it (a game_id, a range of ts, fewer columns; \
         raw_json is the largest one), aggregate, or ask with a longer timeout"
    )]
    Timeout {
        /// The limit that was reached, in milliseconds.
        timeout_ms: u64,
    },

    /// The asker cancelled the query.
    #[error("the query was cancelled")]
    Cancelled,

    /// The query needed more memory than the worker may use.
    #[error(
        "the query needs more than the {limit_mib} MiB a query may use ({message}). Aggregate or filter before \
         sorting and joining, select fewer columns (raw_json is the largest one), or add a LIMIT"
    )]
    Memory {
        /// The worker's limit, in MiB.
        limit_mib: u64,
        /// DuckDB's own words.
        message: String,
    },

    /// The worker process ended, or had to be killed, while it ran this query.
    #[error(
        "the SQL worker process {what} while it ran this query; a fresh one serves the next. Recording and other \
         queries are not affected. If the same query does it again, make it smaller"
    )]
    WorkerDied {
        /// How it ended, for example "was killed by signal 9".
        what: String,
    },

    /// The store could not be read.
    #[error("the data root cannot be read: {message}")]
    Store {
        /// The cause, from the store.
        message: String,
    },

    /// The program itself failed: a worker that does not start, a broken pipe, a malformed message.
    #[error("the SQL worker cannot be used: {message}")]
    Internal {
        /// The cause.
        message: String,
    },
}

impl SqlError {
    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::Refused { message: message.into() }
    }

    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self::Failed { message: message.into() }
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        Self::Internal { message: message.to_string() }
    }
}
