//! `make test` right after `make demo` compiles no dependency a second time.

use std::collections::BTreeSet;
use std::process::Command;

/// Every dependency with its features, as cargo resolves them for these kinds of dependencies. What build scripts and
/// macros use may be there twice, with other features than the program's.
fn resolved(arguments: &[&str]) -> BTreeSet<(String, String)> {
    let output = Command::new(env!("CARGO"))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["tree", "--offline", "--locked", "--prefix", "none", "--format", "{p}\t{f}"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().filter_map(|line| line.trim_end_matches(" (*)").split_once('\t'));
    // Our own crates are compiled for the tests in any case.
    let others = lines.filter(|(package, _)| !package.contains(env!("CARGO_MANIFEST_DIR")));
    others.map(|(package, features)| (package.to_owned(), features.to_owned())).collect()
}

#[test]
fn what_only_tests_use_asks_nothing_more_of_what_the_program_uses() {
    let program = resolved(&["--package", "replayer", "--edges", "normal,build"]);
    // The seeded networks are built by themselves, and not by `make test`.
    let tests = resolved(&["--workspace", "--exclude", "replayer-networks", "--edges", "normal,build,dev"]);
    assert!(program.len() > 300, "{}", program.len());
    let other: Vec<_> = program.difference(&tests).collect();
    assert!(other.is_empty(), "these would be compiled twice; name the features in Cargo.toml: {other:?}");
}
