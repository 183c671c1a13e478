//! What is in the store, as the binary says it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::replayer;

/// A stored frame or event of the recorder.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The frame's text; of an event of the recorder, its kind.
    pub text: String,
    /// Whether it is a frame.
    pub is_frame: bool,
    /// Whether the server sent it.
    pub is_received: bool,
}

/// By session and `seq`.
pub type Rows = BTreeMap<(String, u64), Row>;

/// A command on this root.
pub fn command(root: &Path, words: &[&str]) -> Command {
    let mut command = replayer();
    command.arg("--data").arg(root).args(words).stdin(Stdio::null());
    command
}

/// What a command prints; the error says what it complains of.
pub fn said(root: &Path, words: &[&str]) -> Result<String, String> {
    let output = command(root, words).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let short = |text: &str| text.chars().take(600).collect::<String>();
    Err(format!("`replayer {}` failed: {} {}", words.join(" "), short(&text), short(&complaint)))
}

/// As [`said`], for what prints one JSON object.
pub fn json(root: &Path, words: &[&str]) -> Result<Value, String> {
    let text = said(root, words)?;
    serde_json::from_str(&text).map_err(|error| format!("`replayer {}`: {error}: {text}", words.join(" ")))
}

/// Every frame and every event of the recorder; the error names the first that is there twice.
pub fn rows(root: &Path) -> Result<Rows, String> {
    let text = said(root, &["legacy", "export", "--doc-type", "ws_event", "--doc-type", "system_event"])?;
    let mut rows = Rows::new();
    for line in text.lines() {
        let value: Value = serde_json::from_str(line).map_err(|error| format!("exported: {error}: {line}"))?;
        let field = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        let is_frame = value["doc_type"] == "ws_event";
        let key = (field("session_id"), value["seq"].as_u64().unwrap_or_default());
        let row = Row {
            text: field(if is_frame { "raw_json" } else { "event_type" }),
            is_frame,
            is_received: value["direction"] == "received",
        };
        if let Some(other) = rows.insert(key.clone(), row) {
            return Err(format!("row {} of session {} is there twice: {} {line}", key.1, key.0, other.text));
        }
    }
    Ok(rows)
}
