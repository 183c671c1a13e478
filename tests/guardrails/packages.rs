//! The templates of the packages (`packaging/`) say what the program says.

use std::process::Stdio;

use serde_json::Value;

use super::*;
use crate::common::replayer;

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a template")
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).expect("JSON")
}

#[test]
fn every_package_takes_its_version_from_the_cargo_manifest() {
    for template in [
        "packaging/npm/main/package.json",
        "packaging/npm/platform/package.json",
        "packaging/mcpb/manifest.json",
        "packaging/registry/server.json",
    ] {
        assert_eq!(json(template)["version"], "@VERSION@", "{template}");
    }
    let wheel = text("packaging/wheel/pyproject.toml");
    assert!(wheel.contains("dynamic = [\"version\"]"), "{wheel}");
    assert!(!wheel.lines().any(|line| line.starts_with("version")), "{wheel}");
}

#[test]
fn the_bundle_lists_the_tools_that_the_server_has() {
    // The snapshot is compared with the running server by tests/server/snapshots.rs.
    let served = json("tests/server/snapshots/tools.json");
    let served = served["tools"].as_array().unwrap().iter().map(|tool| (&tool["name"], &tool["title"]));
    let manifest = json("packaging/mcpb/manifest.json");
    let listed = manifest["tools"].as_array().unwrap().iter().map(|tool| (&tool["name"], &tool["description"]));
    assert_eq!(listed.collect::<Vec<_>>(), served.collect::<Vec<_>>(), "in packaging/mcpb/manifest.json");
}

#[test]
fn the_program_understands_what_a_host_makes_of_the_bundles_settings() {
    let manifest = json("packaging/mcpb/manifest.json");
    let folder = tempfile::tempdir().unwrap();
    for (capture, browser) in [("false", "false"), ("false", "true")] {
        let arguments = manifest["server"]["mcp_config"]["args"].as_array().unwrap().iter().map(|argument| {
            argument
                .as_str()
                .unwrap()
                .replace("${user_config.data_root}", folder.path().to_str().unwrap())
                .replace("${user_config.capture}", capture)
                .replace("${user_config.browser}", browser)
                .replace("${user_config.browser_port}", "9333")
        });
        let done = replayer().args(arguments).stdin(Stdio::null()).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }
}

#[test]
fn every_setting_of_the_bundle_is_passed_on() {
    let manifest = json("packaging/mcpb/manifest.json");
    let arguments = manifest["server"]["mcp_config"]["args"].to_string();
    for (name, setting) in manifest["user_config"].as_object().unwrap() {
        assert!(arguments.contains(&format!("${{user_config.{name}}}")), "{name} is not in the arguments");
        // A host leaves the placeholder in where it knows no value.
        assert!(!setting["default"].is_null(), "{name} has no default");
    }
}
