//! The model runs on this machine alone: no name is looked up, nothing is kept elsewhere.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::json;

use super::real_model;
use crate::common::isolated::isolated;
use crate::common::{needs, record, replayer, root};
use crate::server::Wire;

/// ONNX Runtime reports some nine seconds after it was loaded, if it does.
const REPORTS_WITHIN: Duration = Duration::from_secs(14);

#[test]
fn search_looks_up_no_name_and_writes_nothing_outside_root_and_cache() {
    if !real_model() {
        return;
    }
    let (_folder, root) = root();
    record(&root, 1);
    let elsewhere = tempfile::tempdir().unwrap();
    let cache = needs::cache();
    let command = |arguments: &[&str]| {
        let mut command = replayer();
        command.args(arguments).arg("--data").arg(root.path()).env("REPLAYER_CACHE_DIR", &cache);
        for variable in ["HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "TMPDIR"]
        {
            let folder = elsewhere.path().join(variable);
            std::fs::create_dir_all(&folder).unwrap();
            command.env(variable, folder);
        }
        let work = elsewhere.path().join("work");
        std::fs::create_dir_all(&work).unwrap();
        // Cargo sets it for the tests; the program has to see to it by itself, also where its user allows it.
        command.current_dir(work).env("ORT_DISABLE_TELEMETRY", "0");
        command
    };
    let asked = isolated(|look_ups| {
        // What `serve` and `record` start beside them; it loads the model to make the index.
        let mut follower = command(&["index", "follow", "--no-fetch"]);
        let mut follower = follower.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(follower.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("units"), "the index is made: {line}");
        let mut wire = Wire::of(&mut command(&["serve"]));
        wire.initialize();
        let found = wire.call("search", json!({"query": "how much money do I have left"}));
        assert_eq!(found["mode"], "hybrid", "the model answers: {found}");
        let asked = look_ups.next(REPORTS_WITHIN);
        drop(wire);
        drop(follower.stdin.take());
        follower.wait().unwrap();
        asked
    });
    match asked {
        Ok(asked) => assert_eq!(asked, None, "a name is looked up"),
        Err(reason) => return needs::NAMESPACE.skip(&reason),
    }
    assert_eq!(files(elsewhere.path()), Vec::<String>::new());
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .flat_map(|entry| match entry.file_type().unwrap().is_dir() {
            true => files(&entry.path()),
            false => vec![entry.path().display().to_string()],
        })
        .collect()
}
