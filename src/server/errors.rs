//! Errors an agent can act on.
//!
//! A failed tool call is an answer, not a protocol error: hosts show protocol errors opaquely, if at all, while
//! an answer marked `isError` reaches the model. So every failure is told in three parts: what happened, why,
//! and the exact call to make next.

use std::fmt;

use rmcp::model::{CallToolResult, ContentBlock};

use crate::sql::SqlError;

/// Why a tool call gave no result, for the model to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolError {
    what: String,
    why: String,
    next: String,
}

impl ToolError {
    /// `what` happened, `why`, and the `next` call as it would be written: `query_sql {"sql": "…"}`.
    /// The parts need no final full stop; `why` may be empty where `what` says it all.
    pub fn new(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), next: next.into() }
    }

    /// The call was stopped by the client, or the server is going down.
    pub fn cancelled(why: &str) -> Self {
        Self::new("The call was cancelled", why, "the same call again, if the answer is still wanted")
    }

    /// A query behind the tool failed. The engine's messages already say why and what to change; `next` is the
    /// call that gets on from there.
    pub fn sql(what: &str, error: &SqlError, next: &str) -> Self {
        match error {
            SqlError::Cancelled => Self::cancelled("the client asked for it"),
            other => Self::new(what, other.to_string(), next),
        }
    }

    /// Reading or writing a file of the data root failed.
    pub fn io(what: impl Into<String>, error: &std::io::Error) -> Self {
        let next = match error.kind() {
            std::io::ErrorKind::StorageFull => {
                "free space (`replayer data prune` shows what may go), then the same call again"
            }
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
                "ask the user to make the data root writable, or to start the server with another --data"
            }
            _ => "the same call again; `replayer doctor` checks the data root if it keeps failing",
        };
        Self::new(what, error.to_string(), next)
    }

    /// The answer the client gets.
    pub fn into_result(self) -> CallToolResult {
        CallToolResult::error(vec![ContentBlock::text(self.to_string())])
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(sentence(&self.what))?;
        f.write_str(". ")?;
        if !self.why.is_empty() {
            f.write_str(sentence(&self.why))?;
            f.write_str(". ")?;
        }
        write!(f, "next: {}", self.next)
    }
}

impl std::error::Error for ToolError {}

/// Without the full stop that is added in any case.
fn sentence(text: &str) -> &str {
    text.trim_end().trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn an_error_says_what_why_and_next() {
        let error = ToolError::new("Nothing was read.", "the ref is malformed", r#"get_events {"limit": 5}"#);
        assert_eq!(error.to_string(), r#"Nothing was read. the ref is malformed. next: get_events {"limit": 5}"#);
        let result = error.into_result();
        assert_eq!(result.is_error, Some(true));
        assert!(result.structured_content.is_none());
    }

    #[test]
    fn an_empty_reason_leaves_no_gap() {
        assert_eq!(ToolError::new("Gone", "", "x").to_string(), "Gone. next: x");
    }

    #[test]
    fn a_cancelled_query_is_no_failure_of_the_query() {
        let error = ToolError::sql("The query failed", &SqlError::Cancelled, "x");
        assert!(error.to_string().starts_with("The call was cancelled"));
    }
}
