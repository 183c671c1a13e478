//! The server as a client meets it.

/// Time from process start to the answer of `initialize`, and memory before the first query.
pub fn first_answer() {}

/// The same queries through MCP and in-process, on the same parts.
pub fn sql_through_mcp() {}
