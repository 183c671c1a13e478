//! The design's rules that the compiler does not check.

mod building;
#[cfg(target_os = "linux")]
mod leaks;
mod packages;

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &str) -> Vec<(PathBuf, String)> {
    fn visit(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(folder).expect("a folder of sources").flatten() {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                found.push((path, text));
            }
        }
    }
    let mut found = Vec::new();
    visit(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    assert!(!found.is_empty(), "no sources in {folder}");
    found
}

/// The folders of the engine, from the bottom up: a layer may use those before it.
const LAYERS: [&str; 13] = [
    "protocol",
    "store",
    "game",
    "legacy",
    "state",
    "capture",
    "sql",
    "index",
    "replay",
    "chart",
    "verify",
    "simulator",
    "server",
];

#[test]
fn lower_layers_know_nothing_of_higher_ones() {
    // The store's tests may play simulated games; nothing else reaches upwards.
    let is_test = |path: &Path| {
        path.ends_with("tests.rs")
            || path.ends_with("testing.rs")
            || path.components().any(|c| c.as_os_str() == "tests")
    };
    for (level, layer) in LAYERS.iter().enumerate() {
        // Crates of their own: the compiler sees to it, and `crate::` is the crate itself.
        if ["protocol", "store", "game", "legacy", "simulator"].contains(layer) {
            continue;
        }
        for (path, text) in sources(&format!("src/{layer}")).into_iter().filter(|(path, _)| !is_test(path)) {
            for higher in LAYERS.iter().skip(level + 1).chain(&["cli", "tools", "resources", "prompts"]) {
                if *layer == "server" && ["tools", "resources", "prompts"].contains(higher) {
                    continue;
                }
                assert!(!text.contains(&format!("crate::{higher}")), "{} uses {higher}", path.display());
            }
        }
    }
}

#[test]
fn mcp_types_appear_only_in_the_server_and_its_folders() {
    let home = |path: &Path| {
        path.components().any(|part| part.as_os_str() == "server") || path.ends_with("src/cli/demo.rs")
    };
    for (path, text) in sources("src").into_iter().filter(|(path, _)| !home(path)) {
        assert!(!text.contains("rmcp"), "{} knows rmcp", path.display());
    }
}

/// `common::replayer` keeps the program from the user's cache.
#[test]
fn tests_start_the_program_through_one_door() {
    let doors = [concat!("Command::new(", "REPLAYER)"), concat!("CARGO_BIN_", "EXE")];
    let outside = |path: &Path| !path.ends_with("common/mod.rs");
    for (path, text) in sources("tests").into_iter().filter(|(path, _)| outside(path)) {
        for door in doors {
            assert!(!text.contains(door), "{} has {door}", path.display());
        }
    }
}

#[test]
fn no_source_names_a_users_folder() {
    for folder in ["src", "tools", "resources", "prompts", "tests"] {
        for (path, text) in sources(folder) {
            for line in text.lines().filter(|line| !line.contains("example")) {
                let names_home = ["/home/", "/Users/", "/root/"].iter().any(|home| line.contains(home));
                assert!(!names_home || path.ends_with("guardrails/mod.rs"), "{}: {line}", path.display());
            }
        }
    }
}
