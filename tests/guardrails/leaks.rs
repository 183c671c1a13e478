//! `scripts/test-in-namespace` finds what it is for: here is a test program that leaks in each way.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use crate::common::needs;

/// Runs the script on one test program, a shell script with these lines.
fn watched(lines: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("program");
    let result = "echo 'test result: ok. 1 passed; 0 failed; 0 ignored'";
    fs::write(&program, format!("#!/bin/sh\n{lines}\n{result}\n")).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let programs = folder.path().join("programs");
    fs::write(&programs, format!("{}\n", program.display())).unwrap();
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/test-in-namespace"));
    script.arg("-p").arg(&programs).arg("-o").arg(folder.path().join("logs"));
    // Not what this test run is watched by, or skips.
    script.env("CARGO_TARGET_DIR", folder.path().join("target")).env_remove("REPLAYER_CACHE_DIR");
    script.output().unwrap()
}

#[test]
fn a_run_in_a_namespace_names_each_look_up_and_each_file_outside() {
    let leaks = "getent hosts leak.example
        echo kept > /kept
        echo gone > /var/gone && rm /var/gone
        (sleep 1; echo late > /late) > /dev/null 2>&1 &
        bash -c 'echo > /dev/udp/192.0.2.1/9' 2>/dev/null
        echo own > \"$TMPDIR/own\"";
    let output = watched(leaks);
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(2) {
        return needs::NAMESPACE.skip(&String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(output.status.code(), Some(1), "{said}");
    for leak in [
        "LOOKED UP: leak.example,",
        "OUTSIDE: new /kept",
        "OUTSIDE: came and went: /var/gone",
        "OUTSIDE: new /late",
    ] {
        assert!(said.contains(leak), "{leak} is not in\n{said}");
    }
    let counted = |what: &str, count: &str| {
        let line = said.lines().find(|line| line.starts_with(what)).unwrap_or_default();
        assert_eq!(line.trim_start_matches(what).split_whitespace().next(), Some(count), "{said}");
    };
    counted("tests passed", "1");
    counted("names looked up", "1");
    counted("files written outside", "3");
    counted("addresses elsewhere tried", "1");
    assert!(!Path::new("/kept").exists(), "what is written there does not reach the real disk");
}

#[test]
fn a_run_in_a_namespace_that_leaks_nothing_is_green() {
    let output = watched("getent hosts localhost; echo own > \"$TMPDIR/own\"");
    if output.status.code() == Some(2) {
        return needs::NAMESPACE.skip(&String::from_utf8_lossy(&output.stderr));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
}
