//! The index is disposable: deleted, interrupted or killed, the next build gives the same answers.

use std::process::Stdio;
use std::time::Duration;

use super::{Model, ask, build, command, real_model};
use crate::common::{record, root};

const QUESTIONS: [&str; 4] = ["What fields are in playerUpdate?", "side bet window", "rugged early", "tradeCount"];

fn answers(root: &replayer::store::root::DataRoot, model: Model) -> Vec<Vec<String>> {
    QUESTIONS.iter().map(|question| ask(root, model, question)).collect()
}

#[test]
fn after_deleting_the_folder_a_rebuild_gives_the_same_results() {
    deleted_and_rebuilt(Model::None);
}

#[test]
fn after_deleting_the_folder_a_rebuild_with_the_model_gives_the_same_results() {
    if real_model() {
        deleted_and_rebuilt(Model::Real);
    }
}

fn deleted_and_rebuilt(model: Model) {
    let (_folder, root) = root();
    record(&root, 2);
    build(&root, model, &[]);
    let before = answers(&root, model);
    std::fs::remove_dir_all(root.path().join("vectors")).unwrap();
    build(&root, model, &[]);
    assert_eq!(answers(&root, model), before);
    if model == Model::None {
        // Not with the model: embedding everything a third time takes long and is no other case.
        build(&root, model, &["--full"]);
        assert_eq!(answers(&root, model), before);
    }
}

#[test]
fn a_build_killed_at_any_moment_is_repaired_by_the_next() {
    let (_folder, root) = root();
    record(&root, 3);
    build(&root, Model::None, &[]);
    let before = answers(&root, Model::None);
    // As many places as the kill test of the store uses; the first ones fall into the start of the process.
    let kills = std::env::var("REPLAYER_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(12_u64);
    for kill in 0..kills {
        let how = if kill % 2 == 0 { "--full" } else { "--incremental" };
        if kill % 4 == 3 {
            std::fs::remove_dir_all(root.path().join("vectors")).unwrap();
        }
        let mut child = command(root.path(), Model::None, &["build", "--no-fetch", how])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(30 + kill * 37 % 600));
        child.kill().unwrap();
        child.wait().unwrap();
        build(&root, Model::None, &[]);
        assert_eq!(answers(&root, Model::None), before, "after kill {kill}");
        let left = std::fs::read_dir(root.path().join("vectors")).unwrap().flatten();
        let tables = left.filter(|entry| entry.file_name().to_string_lossy().ends_with(".lance")).count();
        assert_eq!(tables, 1);
    }
}

#[test]
fn two_builders_do_not_write_at_once() {
    let (_folder, root) = root();
    record(&root, 1);
    let _lock = replayer::store::lease::Lease::index(&root, "index build, in a test").unwrap();
    let output = command(root.path(), Model::None, &["build", "--no-fetch"]).output().unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(error.contains("index build, in a test") && error.contains("Wait"), "{error}");
}

#[test]
fn a_recorder_keeps_nobody_from_building() {
    let (_folder, root) = root();
    record(&root, 1);
    let _writer = replayer::store::lease::Lease::take(&root, "record").unwrap();
    assert!(build(&root, Model::None, &[])["units"].as_u64().unwrap() > 100);
}
