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
    command: Option<String>,
}

impl ToolError {
    /// `what` happened, `why`, and the `next` call as it would be written: `query_sql {"sql": "…"}`.
    /// The parts need no final full stop; `why` may be empty where `what` says it all.
    pub fn new(what: impl Into<String>, why: impl Into<String>, next: impl Into<String>) -> Self {
        Self { what: what.into(), why: why.into(), next: next.into(), command: None }
    }

    /// What to do next for somebody at the command line, where the tool is behind a command.
    #[must_use]
    pub fn command(self, command: impl Into<String>) -> Self {
        Self { command: Some(command.into()), ..self }
    }

    /// The same in the words of the command line: a command to go on with, no call.
    pub fn at_the_command_line(&self) -> String {
        // A next step that is no call is good for everybody.
        let plain = || Some(&self.next).filter(|next| !next.contains('{') && !next.contains("call"));
        match self.command.as_ref().or_else(plain) {
            Some(next) => Self { next: next.clone(), ..self.clone() }.to_string(),
            None if self.why.is_empty() => self.what.clone(),
            None => format!("{}. {}", sentence(&self.what), sentence(&self.why)),
        }
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
        let (next, command) = match error.kind() {
            std::io::ErrorKind::StorageFull => (
                "free space (`replayer data prune` shows what may go), then the same call again",
                "free space (`replayer data prune` shows what may go), then the same command again",
            ),
            std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => (
                "ask the user to make the data root writable, or to start the server with another --data",
                "make it writable, or name another place",
            ),
            _ => (
                "the same call again; `replayer doctor` checks the data root if it keeps failing",
                "the same command again; `replayer doctor` checks the data root if it keeps failing",
            ),
        };
        Self::new(what, error.to_string(), next).command(command)
    }

    /// With what damaged parts keep from the answer: it may be the reason.
    #[must_use]
    pub fn but_left_out(mut self, left_out: &[String]) -> Self {
        for missing in left_out {
            let before = sentence(&self.why).to_owned();
            let gap = if before.is_empty() { "" } else { ". " };
            self.why = format!("{before}{gap}Note that {missing}");
        }
        self
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
    fn at_the_command_line_no_call_is_the_next_step() {
        let error = ToolError::new("No game", "there is none", r#"get_game {"limit": 5}"#);
        assert_eq!(error.at_the_command_line(), "No game. there is none");
        let error = error.command("`replayer game list`");
        assert_eq!(error.at_the_command_line(), "No game. there is none. next: `replayer game list`");
        assert!(error.to_string().ends_with(r#"next: get_game {"limit": 5}"#));
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
