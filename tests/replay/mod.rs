//! Replaying from outside: the tool over MCP, the command on a pipe.

mod command;
mod tool;
