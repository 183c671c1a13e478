//! Two surfaces asked for the same thing: they say the same.

mod derived;
mod fields;
mod moments;
mod previous;
mod proposals;
mod seen_in;
mod spans;

use std::process::Output;

use replayer::store::root::DataRoot;
use serde_json::Value;

use crate::common::replayer;

/// Runs the binary on a root.
fn typed(root: &DataRoot, args: &[&str]) -> Output {
    replayer().args(args).arg("--data").arg(root.path()).output().unwrap()
}

/// The JSON that a command prints.
fn json_of(root: &DataRoot, args: &[&str]) -> Value {
    let output = typed(root, args);
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr)))
}
