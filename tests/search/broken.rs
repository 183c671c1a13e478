//! Where something is broken, search says what, and what to do; it never hangs.

use std::fs;
use std::path::Path;

use serde_json::json;

use super::{Model, build, index, serve};
use crate::common::{record, root};

fn truncate_all(folder: &Path) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            truncate_all(&path);
        } else {
            fs::File::options().write(true).open(&path).unwrap().set_len(7).unwrap();
        }
    }
}

#[test]
fn a_corrupted_table_is_told_with_the_command_that_mends_it() {
    let (_folder, root) = root();
    record(&root, 1);
    build(&root, Model::None, &[]);
    truncate_all(&root.path().join("vectors/events.lance"));
    let mut wire = serve(root.path(), Model::None);
    let error = wire.refused("search", json!({"query": "cash"}));
    assert!(error.contains("damaged") && error.contains("replayer index build --full"), "{error}");
    build(&root, Model::None, &["--full"]);
    assert!(!wire.call("search", json!({"query": "cash"}))["hits"].as_array().unwrap().is_empty());
}

#[test]
fn without_a_model_keywords_answer_and_it_is_said() {
    let (_folder, root) = root();
    record(&root, 1);
    build(&root, Model::None, &[]);
    let mut wire = serve(root.path(), Model::None);
    let found = wire.call("search", json!({"query": "cooldownTimer"}));
    assert_eq!(found["mode"], "keyword");
    assert!(found["note"].as_str().unwrap().contains("replayer model fetch"), "{found}");
    assert_eq!(found["hits"][0]["field_path"], "$.cooldownTimer", "{found}");
}

#[test]
fn a_truncated_model_is_no_model() {
    let (_folder, root) = root();
    record(&root, 1);
    build(&root, Model::None, &[]);
    let models = tempfile::tempdir().unwrap();
    for name in ["model.onnx", "tokenizer.json", "config.json", "special_tokens_map.json", "tokenizer_config.json"]
    {
        fs::write(models.path().join(name), b"cut").unwrap();
    }
    let output = super::command(root.path(), Model::None, &["query", "cash", "--json"])
        .env("REPLAYER_MODEL_DIR", models.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answer["mode"], "keyword", "{answer}");
    assert!(!answer["note"].as_str().unwrap().is_empty());
}

#[test]
fn a_build_without_network_gives_keywords_and_says_why() {
    let (_folder, root) = root();
    record(&root, 1);
    let nowhere = tempfile::tempdir().unwrap();
    let output = super::command(root.path(), Model::None, &["build"])
        .env("REPLAYER_CACHE_DIR", nowhere.path())
        .env("PATH", nowhere.path())
        .env("REPLAYER_MODEL_HUB", "http://127.0.0.1:9")
        .output()
        .unwrap();
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("keywords"), "{said}");
    assert!(index(&root, Model::None, &["stats", "--json"]).status.success());
}
