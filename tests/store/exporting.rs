//! `replayer export` and `replayer data export`: what is written where, and what is never written over.

use std::fs;
use std::path::Path;
use std::process::Output;

use replayer::sql::views;
use replayer::store::root::DataRoot;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::common::{printed, record, replayer, root, typed};

/// Why it did not work.
fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn rows(file: &Path) -> Vec<Value> {
    fs::read_to_string(file).unwrap().lines().map(json).collect()
}

fn counted(root: &DataRoot, view: &str) -> u64 {
    let query = format!("SELECT count(*) AS n FROM {view}");
    let output = replayer().arg("--data").arg(root.path()).args(["sql", &query, "--json"]).output();
    json(&printed(&output.unwrap()))["rows"][0][0].as_u64().unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// That a folder holds every view as JSON lines, with a manifest that is true.
fn holds_every_view(folder: &Path, root: &DataRoot) {
    let manifest = json(&fs::read_to_string(folder.join("manifest.json")).unwrap());
    let files = manifest["files"].as_array().unwrap();
    assert_eq!(files.len(), views::NAMES.len());
    for file in files {
        let view = file["asked"]["dataset"].as_str().unwrap();
        let path = folder.join(file["file"].as_str().unwrap());
        assert_eq!(path, folder.join(format!("{view}.jsonl")));
        let rows = rows(&path).len() as u64;
        assert_eq!(rows, counted(root, view), "{view}");
        assert_eq!(file["rows"], rows, "{view}");
        let digest: String = Sha256::digest(fs::read(&path).unwrap()).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(file["sha256"], digest, "{view}");
    }
    assert_eq!(names(folder).len(), files.len() + 1, "nothing else is left: {:?}", names(folder));
    assert!(manifest["catalog_generation"].is_number() && manifest["created"].is_string(), "{manifest}");
}

#[test]
fn data_export_of_the_first_design_document() {
    let (folder, root) = root();
    let truths = record(&root, 2);
    let line = "replayer data export --format jsonl --output ./export/";
    let text = printed(&typed(line, &root, folder.path()));
    assert!(text.contains("game_tick.jsonl") && text.contains("manifest: ./export/manifest.json"), "{text}");
    holds_every_view(&folder.path().join("export"), &root);
    let games = rows(&folder.path().join("export/games.jsonl"));
    for truth in truths {
        assert!(games.iter().any(|game| game["game_id"] == *truth.game_id), "{} is among them", truth.game_id);
    }
}

#[test]
fn export_of_the_first_design_document() {
    let (folder, root) = root();
    record(&root, 1);
    let line = "replayer export --format jsonl --output ./debug_export/";
    printed(&typed(line, &root, folder.path()));
    holds_every_view(&folder.path().join("debug_export"), &root);
}

#[test]
fn without_an_output_a_new_folder_under_exports_is_made() {
    let (folder, root) = root();
    record(&root, 1);
    let report = json(&printed(&typed("replayer export --format jsonl --json", &root, folder.path())));
    let path = Path::new(report["path"].as_str().unwrap());
    assert!(path.starts_with(root.exports_dir()), "{report}");
    holds_every_view(path, &root);
    assert_eq!(names(folder.path()), ["root"], "nothing beside the root");
}

#[test]
fn one_view_without_an_output_is_written_as_the_agents_tool_writes_it() {
    let (folder, root) = root();
    record(&root, 1);
    let line = "replayer data export --format csv --dataset games --json";
    let report = json(&printed(&typed(line, &root, folder.path())));
    let path = Path::new(report["path"].as_str().unwrap());
    assert!(path.starts_with(root.exports_dir()) && path.ends_with("data.csv"), "{report}");
    let games = counted(&root, "games");
    assert_eq!(fs::read_to_string(path).unwrap().lines().count() as u64, games + 1, "a header and the games");
    let manifest = json(&fs::read_to_string(report["manifest"].as_str().unwrap()).unwrap());
    assert_eq!((&manifest["file"], &manifest["rows"]), (&"data.csv".into(), &games.into()));
}

#[test]
fn what_was_written_is_said_to_programs() {
    let (folder, root) = root();
    record(&root, 1);
    let report = json(&printed(&typed("replayer export --output out/ --json", &root, folder.path())));
    let files = report["files"].as_array().unwrap();
    assert_eq!(files.len(), views::NAMES.len());
    let size = |file: &Value| fs::metadata(folder.path().join(file["path"].as_str().unwrap())).unwrap().len();
    assert_eq!(files.iter().map(size).sum::<u64>(), report["bytes"].as_u64().unwrap());
    assert_eq!(files.iter().map(|file| file["rows"].as_u64().unwrap()).sum::<u64>(), report["rows"]);
    assert_eq!(files[0]["format"], "parquet");
}

#[test]
fn one_view_goes_to_the_file_that_is_named_in_the_format_of_its_name() {
    let (folder, root) = root();
    record(&root, 1);
    printed(&typed("replayer export --dataset games --output new/games.jsonl", &root, folder.path()));
    assert_eq!(rows(&folder.path().join("new/games.jsonl")).len() as u64, counted(&root, "games"));
    assert_eq!(names(&folder.path().join("new")), ["games.jsonl", "games.manifest.json"]);
}

#[test]
fn what_is_there_is_not_written_over() {
    let (folder, root) = root();
    record(&root, 1);
    let out = folder.path().join("export");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("games.jsonl"), "mine").unwrap();
    let line = "replayer data export --format jsonl --output ./export/";
    let why = refused(&typed(line, &root, folder.path()));
    assert!(why.contains("games.jsonl") && why.contains("--overwrite"), "{why}");
    assert_eq!(names(&out), ["games.jsonl"], "nothing was written");
    assert_eq!(fs::read_to_string(out.join("games.jsonl")).unwrap(), "mine");
}

#[test]
fn overwriting_replaces_files_of_the_same_names_alone() {
    let (folder, root) = root();
    record(&root, 1);
    let out = folder.path().join("export");
    fs::create_dir(&out).unwrap();
    for name in ["games.jsonl", "notes.txt"] {
        fs::write(out.join(name), "mine").unwrap();
    }
    printed(&typed(
        "replayer export --format jsonl --dataset games --output export --overwrite",
        &root,
        folder.path(),
    ));
    assert_eq!(rows(&out.join("games.jsonl")).len() as u64, counted(&root, "games"));
    assert_eq!(fs::read_to_string(out.join("notes.txt")).unwrap(), "mine");
}

#[test]
fn other_files_in_the_folder_are_no_reason_to_refuse() {
    let (folder, root) = root();
    record(&root, 1);
    let out = folder.path().join("export");
    fs::create_dir(&out).unwrap();
    fs::write(out.join("notes.txt"), "mine").unwrap();
    printed(&typed("replayer export --dataset trade --output export", &root, folder.path()));
    assert_eq!(names(&out), ["manifest.json", "notes.txt", "trade.parquet"]);
}

#[test]
fn views_that_a_filter_does_not_fit_are_left_out_and_named() {
    let (folder, root) = root();
    let truths = record(&root, 2);
    let game = &truths[0].game_id;
    let line = format!("replayer export --format jsonl --game {game} --output out/ --json");
    let report = json(&printed(&typed(&line, &root, folder.path())));
    let left: Vec<_> = report["left_out"].as_array().unwrap().iter().map(|left| &left["dataset"]).collect();
    assert!(left.contains(&&Value::from("field")), "{left:?}");
    assert!(!folder.path().join("out/field.jsonl").exists());
    let ticks = rows(&folder.path().join("out/game_tick.jsonl"));
    assert!(!ticks.is_empty() && ticks.iter().all(|row| row["game_id"] == **game));
}

#[test]
fn a_failed_export_leaves_nothing_behind() {
    let (folder, root) = root();
    record(&root, 1);
    let output = replayer()
        .arg("--data")
        .arg(root.path())
        .args(["export", "--sql", "SELECT nonsense FROM games", "--output", "out/"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let why = refused(&output);
    assert!(why.contains("nonsense"), "{why}");
    assert_eq!(names(folder.path()), ["root"]);
}

#[test]
fn the_stores_own_folders_are_no_place_for_exports() {
    let (folder, root) = root();
    record(&root, 1);
    let before = names(&root.parts_dir());
    let why = refused(&typed("replayer export --output root/events_parquet/", &root, folder.path()));
    assert!(why.contains("inside the data root") && why.contains("exports"), "{why}");
    assert_eq!(names(&root.parts_dir()), before);
}
