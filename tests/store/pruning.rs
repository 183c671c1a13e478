//! Pruning: old frames go, finished games stay, nothing goes without being asked for.

use replayer::store::Store;
use replayer::store::catalog::Catalog;
use replayer::store::schema::DocType;

use crate::common;

#[test]
fn a_dry_run_removes_nothing() {
    let (_folder, root) = common::root();
    common::record(&root, 1);
    let before = Catalog::load(&root).unwrap();
    let store = Store::open(&root, "test").unwrap();
    let pruned = store.prune("2030-01-01", true).unwrap();
    assert!(pruned.rows["ws_event"] > 0);
    assert_eq!(Catalog::load(&root).unwrap().parts, before.parts);
}

#[test]
fn finished_games_outlive_their_frames() {
    let (_folder, root) = common::root();
    common::record(&root, 2);
    let games = Catalog::load(&root).unwrap().rows(DocType::Game);
    let store = Store::open(&root, "test").unwrap();
    store.prune("2030-01-01", false).unwrap();
    let after = Catalog::load(&root).unwrap();
    assert_eq!(after.rows(DocType::WsEvent), 0);
    assert_eq!(after.rows(DocType::Game), games);
    let verified = replayer::store::verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

#[test]
fn a_game_across_midnight_is_not_cut() {
    use replayer::store::record::{Record, Source};
    use replayer::store::recorder::{Recorder, RecorderOptions};
    use std::sync::Arc;
    let (_folder, root) = common::root();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    let midnight = 20_450 * 86_400_000_000_i64;
    let frame = |game: &str, tick: i64| {
        format!(r#"42["gameStateUpdate",{{"gameId":"{game}","active":true,"price":1.5,"tickCount":{tick}}}]"#)
    };
    for (ts, game, tick) in [(-20, "early", 1), (-10, "across", 1), (10, "across", 2), (20, "late", 1)] {
        let text = frame(game, tick);
        let record =
            Record::frame(midnight + ts, Source::PublicWs, replayer::store::record::Direction::Received, &text);
        recorder.append(&record).unwrap();
    }
    recorder.close().unwrap();
    let pruned = store.prune(&replayer::store::parts::date_of(midnight), false).unwrap();
    assert_eq!(pruned.rows["game_tick"], 1, "only the early game's tick goes");
    assert_eq!(Catalog::load(&root).unwrap().rows(DocType::GameTick), 3);
}

#[test]
fn a_date_that_is_none_is_refused() {
    let (_folder, root) = common::root();
    let store = Store::open(&root, "test").unwrap();
    let error = store.prune("yesterday", false).unwrap_err();
    assert!(error.to_string().contains("2026-11-23"), "{error}");
}
