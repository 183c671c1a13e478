#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::Path;

use super::super::query::{Question, Reader};
use super::super::testing::{Hashing, event, game, root, unit};
use super::super::units::UnitKind;
use super::*;

fn some_units() -> Vec<Unit> {
    vec![
        event("playerUpdate", "own account: cash, positionQty, avgCost"),
        event("gameStateUpdate", "price, tickCount, cooldownTimer"),
        game("20260214-aaaaaaaa", 1, "rugged at tick 40, peak 2.5"),
        unit("ref:packets", UnitKind::Reference, "43 is an acknowledgement"),
    ]
}

async fn run(
    root: &DataRoot,
    scope: Scope,
    units: Vec<Unit>,
    embedder: Option<Arc<Hashing>>,
) -> Result<Built, IndexError> {
    let embedder = embedder.map(|embedder| embedder as Arc<dyn Embedder>);
    build(root, scope, units.into_iter(), Some(BTreeMap::new()), embedder, |_| {}).await
}

fn of_game(id: &str) -> Scope {
    Scope::Some(Changed { knowledge: false, games: [id.to_owned()].into() })
}

async fn ids(root: &DataRoot, question: &str) -> Vec<String> {
    let reader = Reader::open(root).await.unwrap();
    let found = reader.search(&Question::new(question, 10), Some(Hashing::new()), None).await.unwrap();
    found.hits.into_iter().map(|hit| hit.unit.id).collect()
}

fn table(root: &DataRoot) -> std::path::PathBuf {
    root.vectors_dir().join("events.lance")
}

#[tokio::test]
async fn an_unchanged_text_is_never_embedded_twice() {
    let (_folder, root) = root();
    let model = Hashing::new();
    let built = run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    assert_eq!((built.units, built.embedded, built.rebuilt), (4, 4, true));

    let built = run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    assert_eq!((built.unchanged, built.embedded, built.written), (4, 0, 0));

    let mut changed = some_units();
    changed[0] = event("playerUpdate", "own account: cash and levelInfo");
    let built = run(&root, Scope::All, changed.clone(), Some(model.clone())).await.unwrap();
    assert_eq!((built.unchanged, built.embedded, built.written, built.units), (3, 1, 1, 4));
    assert_eq!(ids(&root, "levelInfo").await[0], "event:playerUpdate");

    // A full build makes a new table, but the vectors of texts that did not change are taken over.
    let built = run(&root, Scope::Full, changed, Some(model.clone())).await.unwrap();
    assert_eq!((built.embedded, built.rebuilt, built.units), (0, true, 4));
    assert_eq!(model.count(), 5);
}

#[tokio::test]
async fn units_that_are_gone_are_removed_and_others_stay() {
    let (_folder, root) = root();
    let model = Hashing::new();
    run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    let one = vec![game("20260214-bbbbbbbb", 2, "rugged at tick 7")];
    let built = run(&root, of_game("20260214-bbbbbbbb"), one, Some(model.clone())).await.unwrap();
    assert_eq!((built.units, built.written, built.removed), (5, 1, 0));
    let built = run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    assert_eq!((built.units, built.removed), (4, 1));
    assert!(!ids(&root, "rugged tick 7").await.contains(&"game:20260214-bbbbbbbb".to_owned()));
}

#[tokio::test]
async fn an_update_removes_only_what_it_speaks_of() {
    let (_folder, root) = root();
    let model = Hashing::new();
    let mut units = some_units();
    let gap = |id: &str| Unit {
        game_id: Some(id.into()),
        ..unit(&format!("anomaly:gap:{id}"), UnitKind::Anomaly, "gap")
    };
    units.extend([gap("20260214-aaaaaaaa"), game("20260214-cccccccc", 3, "peak 7"), gap("20260214-cccccccc")]);
    run(&root, Scope::All, units, Some(model.clone())).await.unwrap();
    // The gap of one game was filled; of the protocol only one card is left.
    let scope = Scope::Some(Changed { knowledge: true, games: ["20260214-aaaaaaaa".to_owned()].into() });
    let left = vec![some_units()[0].clone(), some_units()[2].clone()];
    let built = run(&root, scope, left, Some(model.clone())).await.unwrap();
    assert_eq!((built.removed, built.units, built.written), (3, 4, 0));
    let found = ids(&root, "gap peak playerUpdate").await;
    assert!(!found.contains(&"anomaly:gap:20260214-aaaaaaaa".to_owned()), "{found:?}");
    assert!(found.contains(&"anomaly:gap:20260214-cccccccc".to_owned()), "{found:?}");
}

#[tokio::test]
async fn an_update_without_an_index_is_refused() {
    let (_folder, root) = root();
    let one = vec![game("20260214-bbbbbbbb", 2, "rugged at tick 7")];
    let error = run(&root, of_game("20260214-bbbbbbbb"), one, Some(Hashing::new())).await.unwrap_err();
    assert!(matches!(error, IndexError::Missing { .. }), "{error}");
}

#[tokio::test]
async fn a_rebuild_swaps_and_leaves_one_table() {
    let (_folder, root) = root();
    let model = Hashing::new();
    run(&root, Scope::Full, some_units(), Some(model.clone())).await.unwrap();
    run(&root, Scope::Full, some_units()[..2].to_vec(), Some(model.clone())).await.unwrap();
    let folders: Vec<_> =
        fs::read_dir(root.vectors_dir()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert_eq!(folders, ["events.lance"]);
    assert_eq!(Checkpoint::load(&root).unwrap().unwrap().table, "events");
    assert_eq!(ids(&root, "playerUpdate").await.len(), 2);
}

#[tokio::test]
async fn a_deleted_folder_is_built_again_with_the_same_answers() {
    let (_folder, root) = root();
    let model = Hashing::new();
    run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    let before = ids(&root, "tick price").await;
    fs::remove_dir_all(root.vectors_dir()).unwrap();
    let error = Reader::open(&root).await.unwrap_err();
    assert!(error.to_string().contains("`replayer index build`"), "{error}");
    let built = run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    assert_eq!((built.units, built.embedded), (4, 4));
    assert_eq!(ids(&root, "tick price").await, before);
}

#[tokio::test]
async fn an_interrupted_build_changes_nothing_and_is_cleaned_up() {
    let (_folder, root) = root();
    let model = Hashing::new();
    run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    // Killed in the middle of a rebuild: a table that the checkpoint does not name.
    let left = root.vectors_dir().join("events-next.lance");
    copy(&table(&root), &left);
    assert_eq!(ids(&root, "playerUpdate").await[0], "event:playerUpdate");
    run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    assert!(!left.exists());
    assert_eq!(model.count(), 4);
}

#[tokio::test]
async fn a_swap_that_was_interrupted_is_finished() {
    let (_folder, root) = root();
    let model = Hashing::new();
    run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    let mut checkpoint = Checkpoint::load(&root).unwrap().unwrap();
    checkpoint.table = NEXT_TABLE.into();
    // Killed after the checkpoint and the renaming, before the checkpoint was told of it …
    checkpoint.save(&root).unwrap();
    assert_eq!(ids(&root, "playerUpdate").await[0], "event:playerUpdate");
    // … and killed after the checkpoint, before the old table went.
    copy(&table(&root), &root.vectors_dir().join("events-next.lance"));
    assert_eq!(ids(&root, "playerUpdate").await[0], "event:playerUpdate");
    let built = run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    assert_eq!((built.embedded, built.unchanged), (0, 4));
    assert!(table(&root).is_dir());
    assert_eq!(fs::read_dir(root.vectors_dir()).unwrap().count(), 1);
}

#[tokio::test]
async fn another_model_is_refused_with_the_command_that_mends_it() {
    let (_folder, root) = root();
    run(&root, Scope::All, some_units(), Some(Hashing::new())).await.unwrap();
    let other = Hashing::with("other", 64);
    let error = run(&root, Scope::All, some_units(), Some(other.clone())).await.unwrap_err().to_string();
    assert!(error.contains("replayer index build --full") && error.contains("other"), "{error}");
    let reader = Reader::open(&root).await.unwrap();
    let error = reader.search(&Question::new("cash", 5), Some(other.clone()), None).await.unwrap_err();
    assert!(matches!(error, IndexError::Mismatch { .. }), "{error}");
    let built = run(&root, Scope::Full, some_units(), Some(other)).await.unwrap();
    assert_eq!(built.embedded, 4, "vectors of another model are not taken over");
}

#[tokio::test]
async fn without_a_model_there_are_keywords_and_vectors_come_later() {
    let (_folder, root) = root();
    let built = run(&root, Scope::All, some_units(), None).await.unwrap();
    assert_eq!((built.units, built.embedded, built.vectors), (4, 0, false));
    let reader = Reader::open(&root).await.unwrap();
    let found = reader.search(&Question::new("cooldownTimer", 5), None, Some("no model")).await.unwrap();
    assert_eq!(found.mode, super::super::query::Mode::Keyword);
    assert!(found.notes[0].contains("no model"), "{:?}", found.notes);
    assert_eq!(found.hits[0].unit.id, "event:gameStateUpdate");

    let usual = Hashing::with("usual", 384);
    let built = run(&root, Scope::All, some_units(), Some(usual.clone())).await.unwrap();
    assert_eq!((built.embedded, built.rebuilt, built.vectors), (4, false, true));
    // The model goes again: its vectors stay, what is new has none until it is back.
    let mut more = some_units();
    more.push(event("newChatMessage", "what players write"));
    run(&root, Scope::All, more.clone(), None).await.unwrap();
    let built = run(&root, Scope::All, more, Some(usual.clone())).await.unwrap();
    assert_eq!(built.embedded, 1);
    // A model with other vectors means a new table, and there is nothing to lose.
    assert_eq!(usual.count(), 5);
}

#[tokio::test]
async fn a_truncated_table_is_a_clear_error_and_a_full_build_mends_it() {
    let (_folder, root) = root();
    let model = Hashing::new();
    run(&root, Scope::All, some_units(), Some(model.clone())).await.unwrap();
    let mut cut = 0;
    truncate(&table(&root), &mut cut);
    assert!(cut > 3, "{cut} files");
    let error = match Reader::open(&root).await {
        Err(error) => error,
        Ok(reader) => reader.search(&Question::new("cash", 5), Some(model.clone()), None).await.unwrap_err(),
    };
    let text = error.to_string();
    assert!(text.contains("damaged") && text.contains("replayer index build --full"), "{text}");
    assert!(run(&root, Scope::All, some_units(), Some(model.clone())).await.is_err());
    run(&root, Scope::Full, some_units(), Some(model.clone())).await.unwrap();
    assert_eq!(ids(&root, "cash").await[0], "event:playerUpdate");
}

#[tokio::test]
async fn the_schema_manifest_names_the_model() {
    use crate::store::open::SchemaManifest;
    let (_folder, root) = root();
    drop(crate::store::Store::open(&root, "test").unwrap());
    run(&root, Scope::All, some_units(), Some(Hashing::new())).await.unwrap();
    let model = SchemaManifest::load(&root).unwrap().unwrap().embedding.unwrap();
    assert_eq!(model["id"], "hashing");
    assert_eq!(model["dimension"], 64);
}

#[tokio::test]
async fn units_with_the_same_id_are_kept_once() {
    let (_folder, root) = root();
    let twice = vec![event("ack", "one"), event("ack", "two")];
    assert_eq!(run(&root, Scope::All, twice, Some(Hashing::new())).await.unwrap().units, 1);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn truncate(folder: &Path, cut: &mut u32) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            truncate(&entry.path(), cut);
        } else {
            let file = fs::OpenOptions::new().write(true).open(entry.path()).unwrap();
            file.set_len(file.metadata().unwrap().len() / 2).unwrap();
            *cut += 1;
        }
    }
}
