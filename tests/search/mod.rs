//! The semantic index from outside: `replayer index` and the tool `search` of the real server.

mod broken;
mod following;
mod questions;
mod rebuilding;
#[cfg(target_os = "linux")]
mod telemetry;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use replayer::store::root::DataRoot;
use serde_json::Value;

use crate::common::REPLAYER;
use crate::server::Wire;

/// A folder for models in which there is none, and from where none is fetched.
fn no_models() -> PathBuf {
    static EMPTY: OnceLock<tempfile::TempDir> = OnceLock::new();
    EMPTY.get_or_init(|| tempfile::tempdir().unwrap()).path().to_owned()
}

/// Whether the real model is there, fetched if it must be. Says loudly when it cannot be had.
fn real_model() -> bool {
    static THERE: OnceLock<bool> = OnceLock::new();
    *THERE.get_or_init(|| {
        let fetched = Command::new(REPLAYER).args(["model", "fetch"]).stdin(Stdio::null()).output().unwrap();
        if !fetched.status.success() {
            eprintln!(
                "SKIPPED: the embedding model cannot be had, search by meaning was NOT tested: {}",
                String::from_utf8_lossy(&fetched.stderr)
            );
        }
        fetched.status.success()
    })
}

/// With the real model, or with none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    Real,
    None,
}

/// `replayer index …` on a root.
fn command(root: &Path, model: Model, arguments: &[&str]) -> Command {
    let mut command = Command::new(REPLAYER);
    command.arg("--data").arg(root).arg("index").args(arguments).stdin(Stdio::null());
    if model == Model::None {
        command.env("REPLAYER_CACHE_DIR", no_models());
    }
    command
}

fn index(root: &DataRoot, model: Model, arguments: &[&str]) -> Output {
    command(root.path(), model, arguments).output().unwrap()
}

/// Builds and tells what was done.
fn build(root: &DataRoot, model: Model, how: &[&str]) -> Value {
    let mut arguments = vec!["build", "--json"];
    if model == Model::None {
        arguments.push("--no-fetch");
    }
    arguments.extend(how);
    let output = index(root, model, &arguments);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["built"].clone()
}

/// Asks as the tool does: ids of the hits, best first.
fn ask(root: &DataRoot, model: Model, question: &str) -> Vec<String> {
    let output = index(root, model, &["query", question, "--json", "--limit", "20"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    answer["hits"].as_array().unwrap().iter().map(|hit| hit["id"].as_str().unwrap().to_owned()).collect()
}

/// A server past its handshake.
fn serve(root: &Path, model: Model) -> Wire {
    let mut command = Command::new(REPLAYER);
    command.args(["serve", "--data"]).arg(root);
    if model == Model::None {
        command.env("REPLAYER_CACHE_DIR", no_models());
    }
    let mut wire = Wire::of(&mut command);
    wire.initialize();
    wire
}
