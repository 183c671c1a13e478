//! The log: many processes at once, a flipped byte, every line in the store, made anew from there.

use std::sync::Arc;

use replayer::capture::verification;
use replayer::store::chain::Tip;
use replayer::store::root::DataRoot;
use replayer::verify::log::publish::publish;
use serde_json::{Value, json};

use super::{CASH, frame_of, printed, replayer};
use crate::common::waiting::until;
use crate::common::{record, root};
use crate::server::Wire;

/// Proposes and decides through a server, as an agent that relays a person's words.
fn mark(wire: &mut Wire, evidence: &str, statement: &str) -> String {
    let made = wire.call(
        "verify",
        json!({"action": "propose", "subject": CASH, "statement": statement, "evidence": [evidence]}),
    );
    let id = made["proposal"]["proposal_id"].as_str().unwrap();
    let decided = wire.call(
        "verify",
        json!({"action": "decide", "proposal_id": id, "accept": true, "human_quote": "yes, it is so"}),
    );
    decided["decision"]["mark_id"].as_str().unwrap_or_else(|| panic!("{decided}")).to_owned()
}

fn marks(root: &DataRoot) -> Vec<Value> {
    let contents = root.verification_log().read(&Tip::default()).unwrap();
    assert_eq!(contents.broken, None);
    assert_eq!(contents.torn, None);
    let entries = contents.lines.iter().map(|line| serde_json::from_str::<Value>(&line.entry).unwrap());
    entries.filter(|entry| entry["what"] == "accepted").collect()
}

#[test]
fn a_thousand_marks_by_four_processes_at_once_are_all_there() {
    let (_folder, root) = root();
    record(&root, 1);
    let root = Arc::new(root);
    let writers: Vec<_> = (0..4)
        .map(|process| {
            let root = Arc::clone(&root);
            std::thread::spawn(move || {
                let mut wire = Wire::opened(root.path());
                let evidence = frame_of(&mut wire, "playerUpdate");
                let made =
                    (0..250).map(|n| mark(&mut wire, &evidence, &format!("statement {n} of process {process}")));
                made.collect::<Vec<String>>()
            })
        })
        .collect();
    let mut made: Vec<String> = writers.into_iter().flat_map(|writer| writer.join().unwrap()).collect();
    let mut found: Vec<String> =
        marks(&root).iter().map(|entry| entry["mark"]["mark_id"].as_str().unwrap().to_owned()).collect();
    made.sort();
    found.sort();
    assert_eq!(made.len(), 1_000);
    assert_eq!(made, found);
    let told = replayer(root.path(), &["verify", "log", "--last", "3"]);
    assert!(told.status.success() && printed(&told).contains("the chain holds"), "{}", printed(&told));
}

/// A root whose log has a few lines, all of them in the store.
fn marked() -> (tempfile::TempDir, DataRoot) {
    let (folder, root) = root();
    record(&root, 1);
    let mut wire = Wire::opened(root.path());
    let evidence = frame_of(&mut wire, "playerUpdate");
    for statement in ["the first one", "the second one"] {
        mark(&mut wire, &evidence, statement);
    }
    drop(wire);
    assert!(publish(&root).unwrap());
    (folder, root)
}

#[test]
fn a_flipped_byte_is_found_with_its_line_and_the_store_gives_the_log_back() {
    let (_folder, root) = marked();
    let path = root.verification_log().path().to_owned();
    let whole = std::fs::read(&path).unwrap();
    let mut bytes = whole.clone();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 300;
    bytes[second] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let told = replayer(root.path(), &["verify", "log"]);
    let text = printed(&told);
    assert!(!told.status.success());
    assert!(text.contains("THE CHAIN DOES NOT HOLD. line 2") && text.contains("expected"), "{text}");
    let mut wire = Wire::opened(root.path());
    let refused =
        wire.refused("verify", json!({"action": "propose", "subject": CASH, "statement": "the third one"}));
    assert!(refused.contains("line 2") && refused.contains("verify log"), "{refused}");
    let queue = wire.call("verify", json!({"action": "queue"}));
    assert!(queue["note"].as_str().unwrap().contains("damaged"), "{queue}");
    let back = replayer(root.path(), &["verify", "log", "--restore"]);
    assert!(back.status.success(), "{}", printed(&back));
    assert_eq!(std::fs::read(&path).unwrap(), whole);
    assert!(replayer(root.path(), &["verify", "log"]).status.success());
}

#[test]
fn every_line_stands_in_the_store_once_however_often_it_is_written() {
    let (_folder, root) = marked();
    let lines = root.verification_log().read(&Tip::default()).unwrap().lines;
    assert!(publish(&root).unwrap() && publish(&root).unwrap());
    let stored = verification::stored_lines(&root).unwrap();
    assert_eq!(stored.len(), lines.len());
    for (line, (n, text)) in lines.iter().zip(stored) {
        assert_eq!((line.n, line.text()), (n, text));
    }
    let mut wire = Wire::opened(root.path());
    let rows = wire.call(
        "query_sql",
        json!({"sql": "SELECT details->>'$.what' AS what, count(*) FROM system_event WHERE event_type = 'verification' GROUP BY 1 ORDER BY 1"}),
    );
    assert_eq!(rows["rows"], json!([["accepted", 2], ["proposed", 2]]));
}

#[test]
fn whoever_holds_the_lease_writes_what_others_decide() {
    use replayer::capture::{Capture, DesiredState, Options};
    let (_folder, root) = root();
    record(&root, 1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // A browser that is not there: the lease is held, and no frame comes.
    DesiredState::change(&root, "test", |desired| {
        desired.sources.public_ws.on = Some(false);
        desired.sources.cdp.on = Some(true);
        desired.sources.cdp.address = Some("http://127.0.0.1:9".into());
    })
    .unwrap();
    let capture = runtime.block_on(async { Capture::start(root.clone(), Options::new("test")) });
    let mut role = capture.role();
    runtime.block_on(role.wait_for(|role| matches!(role, replayer::capture::Role::Capturing { .. }))).unwrap();
    let mut wire = Wire::opened(root.path());
    let evidence = frame_of(&mut wire, "playerUpdate");
    mark(&mut wire, &evidence, "the first one");
    until("the holder writes the lines", || verification::stored(&root).unwrap().len() >= 2);
    runtime.block_on(capture.stop()).unwrap();
    // Byte for byte: a line that was changed on the way would not continue the chain any more.
    let lines = root.verification_log().read(&Tip::default()).unwrap().lines;
    let lines: Vec<(u64, String)> = lines.iter().map(|line| (line.n, line.text())).collect();
    assert_eq!(verification::stored_lines(&root).unwrap(), lines);
}

#[test]
fn lines_that_are_nowhere_whole_are_not_given_up_without_a_word() {
    let (_folder, from) = marked();
    // A root whose store has nothing of the log, and whose file is damaged.
    let (_other, root) = root();
    record(&root, 1);
    let path = root.verification_log().path().to_owned();
    let mut bytes = std::fs::read(from.verification_log().path()).unwrap();
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 300;
    bytes[second] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let refused = replayer(root.path(), &["verify", "log", "--restore"]);
    let text = printed(&refused);
    assert!(!refused.status.success() && text.contains("line 2") && text.contains("3 from there on"), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "nothing was changed");
    let forced = replayer(root.path(), &["verify", "log", "--restore", "--even-incomplete"]);
    let text = printed(&forced);
    assert!(forced.status.success() && text.contains("1 lines are back, 3 are lost"), "{text}");
}

#[test]
fn a_script_is_no_person() {
    let (_folder, root) = root();
    record(&root, 1);
    let told = replayer(root.path(), &["protocol", "review"]);
    assert!(!told.status.success() && printed(&told).contains("needs a terminal"), "{}", printed(&told));
    let proposed = replayer(root.path(), &["verify", "propose", CASH, "cash >= 0"]);
    assert!(proposed.status.success() && printed(&proposed).contains("proposal "), "{}", printed(&proposed));
    let list = replayer(root.path(), &["protocol", "review", "--list"]);
    assert!(list.status.success() && printed(&list).contains(CASH), "{}", printed(&list));
}
