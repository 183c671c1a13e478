//! The MCP resources: one file each.
