//! A running server writes under the data root and nowhere else.

use super::*;

/// Every file below a folder.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found.sort();
    found
}

#[test]
fn home_temp_and_working_folder_stay_empty() {
    let (root, _) = three_games();
    let elsewhere = tempfile::tempdir().unwrap();
    let folder = |name: &str| {
        let path = elsewhere.path().join(name);
        std::fs::create_dir(&path).unwrap();
        path
    };
    let mut command = replayer();
    command.args(["serve", "--data"]).arg(root.path());
    command.env("HOME", folder("home")).env("TMPDIR", folder("tmp")).env("XDG_CACHE_HOME", folder("cache"));
    command.current_dir(folder("work")).env_remove("RUGS_DATA_DIR").env_remove("REPLAYER_CACHE_DIR");
    let mut wire = Wire::of(&mut command);
    wire.initialize();
    // Enough rows to make a sort spill, if it spilled anywhere.
    wire.call(
        "query_sql",
        json!({"sql": "SELECT count(*) FROM (SELECT range FROM range(3000000) ORDER BY hash(range))"}),
    );
    wire.call("get_game", json!({"game_id": "game-001"}));
    wire.call("export_dataset", json!({"format": "parquet", "dataset": "game_tick"}));
    wire.refused("query_sql", json!({"sql": "COPY (SELECT 1) TO 'evil.parquet'"}));
    wire.refused("query_sql", json!({"sql": "FROM enable_logging(storage='file', storage_path='/tmp/evil')"}));
    wire.stdin = None;
    wire.ends();
    assert_eq!(files(elsewhere.path()), Vec::<String>::new());
}

#[test]
fn reading_leaves_the_root_as_it_was() {
    let (root, session) = three_games();
    // The first start writes CONTEXT.md.
    drop(Wire::opened(root.path()));
    let before = files(root.path());
    assert!(before.iter().any(|file| file.ends_with("CONTEXT.md")));
    let mut wire = Wire::opened(root.path());
    wire.call("get_game", json!({}));
    wire.call("get_events", json!({"refs": [format!("{session}:1")]}));
    wire.call("query_sql", json!({"sql": "SELECT count(*) FROM ws_event"}));
    wire.ask("resources/read", json!({"uri": "replayer://context"}));
    wire.stdin = None;
    wire.ends();
    assert_eq!(files(root.path()), before);
}
