//! The semantic index from outside: `replayer index` and the tool `search` of the real server.

mod broken;
mod following;
mod questions;
mod rebuilding;
#[cfg(target_os = "linux")]
mod telemetry;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use replayer::store::root::DataRoot;
use serde_json::Value;

use crate::common::{needs, replayer};
use crate::server::Wire;

/// Whether the real model is in the tests' cache, fetched if it must be.
#[track_caller]
fn real_model() -> bool {
    needs::model(|cache| {
        let mut fetch = replayer();
        fetch.args(["model", "fetch"]).env("REPLAYER_CACHE_DIR", cache).stdin(Stdio::null());
        let fetched = fetch.output().map_err(|error| error.to_string())?;
        let said = || String::from_utf8_lossy(&fetched.stderr).into_owned();
        if fetched.status.success() { Ok(()) } else { Err(said()) }
    })
}

/// With the real model, or with none at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Model {
    Real,
    None,
}

impl Model {
    /// Where a command finds it, or does not.
    fn cache(self) -> PathBuf {
        match self {
            Model::Real => needs::cache(),
            Model::None => needs::no_models(),
        }
    }
}

/// `replayer index …` on a root.
fn command(root: &Path, model: Model, arguments: &[&str]) -> Command {
    let mut command = replayer();
    command.arg("--data").arg(root).arg("index").args(arguments).stdin(Stdio::null());
    command.env("REPLAYER_CACHE_DIR", model.cache());
    command
}

fn index(root: &DataRoot, model: Model, arguments: &[&str]) -> Output {
    command(root.path(), model, arguments).output().unwrap()
}

/// Builds and tells what was done. Whatever is built leaves nothing in the user's home: ONNX Runtime's official builds
/// would keep a device id and events there.
fn build(root: &DataRoot, model: Model, how: &[&str]) -> Value {
    let mut arguments = vec!["build", "--json"];
    if model == Model::None {
        arguments.push("--no-fetch");
    }
    arguments.extend(how);
    let home = tempfile::tempdir().unwrap();
    let mut build = command(root.path(), model, &arguments);
    build.env("HOME", home.path()).env_remove("XDG_CACHE_HOME").env_remove("ORT_DISABLE_TELEMETRY");
    let output = build.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
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
    let mut command = replayer();
    command.args(["serve", "--data"]).arg(root);
    command.env("REPLAYER_CACHE_DIR", model.cache());
    let mut wire = Wire::of(&mut command);
    wire.initialize();
    wire
}
