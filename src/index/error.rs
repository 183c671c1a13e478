//! What can go wrong with the semantic index, and what to do about it.

use std::path::PathBuf;

use crate::store::StoreError;

/// An error of the index. The message says what happened, why, and what to do next.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// There is no index.
    #[error("there is no semantic index {why}. `replayer index build` makes it from the recorded data")]
    Missing {
        /// `yet`, or `any more: …`.
        why: &'static str,
    },
    /// The vectors are another model's.
    #[error(
        "the semantic index holds vectors of {built}, and the model in force is {now}: they cannot be compared. \
         `replayer index build --full` makes the index anew with the model in force"
    )]
    Mismatch {
        /// The model the index was built with.
        built: String,
        /// The model in force.
        now: String,
    },
    /// The folder cannot be read.
    #[error(
        "the semantic index in {} is damaged: {reason}. It is derived from the recorded data, nothing is lost: \
         `replayer index build --full` makes it anew", path.display()
    )]
    Damaged {
        /// The table's folder.
        path: PathBuf,
        /// What was wrong with it.
        reason: String,
    },
    /// The index was written by a newer version.
    #[error(
        "the semantic index was written by a newer version of this program (layout {found}, this one knows {known}). \
         Use that version, or `replayer index build --full`"
    )]
    Newer {
        /// Its layout.
        found: u32,
        /// The layout of this build.
        known: u32,
    },
    /// Nothing to search for.
    #[error("the query is empty: say in a few words what to look for")]
    EmptyQuery,
    /// A filter names what is not there.
    #[error("no unit of the index has {filter} {value:?}{}", list(.nearest))]
    UnknownValue {
        /// The filter.
        filter: &'static str,
        /// What was asked for.
        value: String,
        /// Values that are there, the nearest first.
        nearest: Vec<String>,
    },
    /// The model failed.
    #[error("the embedding model failed: {0}. `replayer model status` says what is in force")]
    Embedding(String),
    /// Lance refused.
    #[error("the semantic index cannot {doing}: {reason}")]
    Lance {
        /// What was being done.
        doing: &'static str,
        /// Lance's words.
        reason: String,
    },
    /// The store's reason.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A question file cannot be used.
    #[error("{0}")]
    Questions(String),
}

fn list(values: &[String]) -> String {
    if values.is_empty() { String::new() } else { format!("; there are: {}", values.join(", ")) }
}

impl IndexError {
    /// Wraps what Lance says about an operation.
    pub(super) fn lance(doing: &'static str) -> impl Fn(lancedb::Error) -> IndexError {
        move |error| IndexError::Lance { doing, reason: short(&error.to_string()) }
    }
}

/// Lance's messages carry source locations and nested causes; the first lines say it.
pub(super) fn short(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.chars().take(300).collect()
}
