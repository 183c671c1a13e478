//! From when to when a store has frames: what the program notes later is not among them.

use std::collections::BTreeSet;
use std::sync::Arc;

use replayer::replay::proof::background::prove_pending;
use replayer::store::Store;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::json_of;
use crate::common::{record, root};
use crate::server::Wire;

#[test]
fn proofs_and_decisions_do_not_make_the_recording_longer() {
    let (_folder, root) = root();
    record(&root, 2);
    let store = Arc::new(Store::open(&root, "test").unwrap());
    assert!(prove_pending(&store, &BTreeSet::new(), &CancellationToken::new()).unwrap().0 > 0);
    drop(store);
    let mut wire = Wire::opened(root.path());
    let sql = "SELECT epoch_us(min(ts)), epoch_us(max(ts)), min(ts), max(ts) FROM ws_event";
    let frames = wire.call("query_sql", json!({"sql": sql}))["rows"][0].clone();
    let status = json_of(&root, &["data", "status", "--json"]);
    assert_eq!((&status["first_us"], &status["last_us"]), (&frames[0], &frames[1]));
    let manifest = wire.ask("resources/read", json!({"uri": "replayer://manifest"}));
    let manifest: Value =
        serde_json::from_str(manifest["result"]["contents"][0]["text"].as_str().unwrap()).unwrap();
    let sealed = &manifest["files"]["sealed"];
    assert_eq!((&sealed["ws_event"]["first_ts"], &sealed["ws_event"]["last_ts"]), (&frames[2], &frames[3]));
    assert!(sealed["game_tick"]["last_ts"].as_str() <= frames[3].as_str(), "{sealed}");
    assert!(sealed["system_event"]["last_ts"].as_str() > frames[3].as_str(), "{sealed}");
}
