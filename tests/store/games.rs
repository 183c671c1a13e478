//! Finished games: once, for ever, the best record of each.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use replayer::store::scan::{ScanFilter, scan};
use replayer::store::schema::DocType;

use crate::common;

fn stored_games(root: &replayer::store::root::DataRoot) -> Vec<(String, i64)> {
    let mut games = Vec::new();
    for batch in scan(root, DocType::Game, &ScanFilter::default()).unwrap() {
        let batch = batch.unwrap();
        let ids = batch.column_by_name("game_id").unwrap().as_string::<i32>();
        let qualities = batch.column_by_name("quality").unwrap().as_primitive::<Int64Type>();
        games.extend((0..batch.num_rows()).map(|row| (ids.value(row).to_owned(), qualities.value(row))));
    }
    games.sort();
    games
}

#[test]
fn w30_a_game_seen_again_after_a_restart_is_not_stored_again() {
    let (_folder, root) = common::root();
    let truths = common::record(&root, 2);
    let first = stored_games(&root);
    assert!(truths.iter().all(|truth| first.iter().any(|(id, _)| *id == truth.game_id)));
    // The same games in a new session of a new process: the store remembers.
    common::record(&root, 2);
    assert_eq!(stored_games(&root), first);
}
