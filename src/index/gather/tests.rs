#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::sync::Arc;

use super::super::build::{Built, build};
use super::super::embed::Embedder;
use super::super::testing::{Hashing, record, root};
use super::*;
use crate::store::Store;

/// Brings the index up to date, as `index build` does.
async fn update(root: &DataRoot, model: Option<&Arc<Hashing>>) -> (Scope, Built) {
    let gathered = due(root, model.is_some()).await.unwrap();
    let embedder = model.map(|model| Arc::clone(model) as Arc<dyn Embedder>);
    let scope = gathered.scope.clone();
    let built =
        build(root, gathered.scope, gathered.units, Some(gathered.sources), embedder, |_| {}).await.unwrap();
    (scope, built)
}

/// All units of the index as they stand, by id: text, evidence, time.
async fn contents(root: &DataRoot) -> BTreeMap<String, Unit> {
    let checkpoint = Checkpoint::load(root).unwrap().unwrap();
    let table = UnitTable::open(&root.vectors_dir(), &checkpoint.table, checkpoint.dimension).await.unwrap();
    let units = table.matching("true", 1_000_000).await.unwrap();
    units.into_iter().map(|(_, unit)| (unit.id.clone(), unit)).collect()
}

fn games_of(scope: &Scope) -> Option<usize> {
    match scope {
        Scope::Some(changed) => Some(changed.games.len()),
        Scope::All | Scope::Full => None,
    }
}

#[tokio::test]
async fn an_update_leaves_what_a_build_from_nothing_makes() {
    let (_folder, root) = root();
    let model = Hashing::new();
    record(&root, 3, 1, 0);
    assert_eq!(update(&root, Some(&model)).await.0, Scope::All);
    record(&root, 2, 2, 1);
    let (scope, built) = update(&root, Some(&model)).await;
    assert!(games_of(&scope).unwrap() < 20, "{scope:?}");
    assert!(built.unchanged > 0 && !built.rebuilt);
    let updated = contents(&root).await;
    std::fs::remove_dir_all(root.vectors_dir()).unwrap();
    assert_eq!(update(&root, Some(&model)).await.0, Scope::All);
    assert_eq!(updated, contents(&root).await);
}

#[tokio::test]
async fn with_nothing_new_no_game_is_read_and_nothing_embedded() {
    let (_folder, root) = root();
    let model = Hashing::new();
    record(&root, 2, 1, 0);
    update(&root, Some(&model)).await;
    let before = model.count();
    let (scope, built) = update(&root, Some(&model)).await;
    assert_eq!(games_of(&scope), Some(0));
    assert_eq!((built.written, built.removed, model.count()), (0, 0, before));
}

#[tokio::test]
async fn compacted_parts_hold_nothing_new() {
    let (_folder, root) = root();
    let model = Hashing::new();
    record(&root, 2, 1, 0);
    record(&root, 2, 2, 0);
    update(&root, Some(&model)).await;
    let compacted = Store::open(&root, "test").unwrap().compact(|_, _| {}).unwrap();
    assert!(compacted.parts_after < compacted.parts_before);
    let (scope, _) = update(&root, Some(&model)).await;
    assert_eq!(games_of(&scope), Some(0));
    // And what is compacted a second time before the index looked again is read as a whole.
    record(&root, 1, 3, 0);
    Store::open(&root, "test").unwrap().compact(|_, _| {}).unwrap();
    assert!(matches!(update(&root, Some(&model)).await.0, Scope::All));
}

#[tokio::test]
async fn units_without_vectors_get_them_once_there_is_a_model() {
    let (_folder, root) = root();
    record(&root, 1, 1, 0);
    assert!(!update(&root, None).await.1.vectors);
    let model = Hashing::with("usual", 384);
    let (scope, built) = update(&root, Some(&model)).await;
    assert_eq!(scope, Scope::All);
    assert_eq!(built.embedded, built.units);
}
