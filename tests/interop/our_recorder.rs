//! The recorder against the official Socket.IO server: events, acks that the server asks for, a restart.

use replayer::capture::{Capture, Options};
use replayer::store::root::DataRoot;
use serde_json::Value;

use super::SERVER;
use super::node::Node;
use crate::common::root;
use crate::common::waiting::until;

/// Received frames in the order of the store, and those that we sent.
fn stored(root: &DataRoot) -> (Vec<String>, Vec<String>) {
    let (mut received, mut sent) = (Vec::new(), Vec::new());
    for texts in crate::capture::stored_both(root) {
        let (direction, text) = texts;
        if direction == "received" { received.push(text) } else { sent.push(text) }
    }
    (received, sent)
}

fn sent_by(told: &[Value]) -> Vec<String> {
    let sent = told.iter().filter(|line| line["event"] == "sent");
    sent.filter_map(|line| line["text"].as_str().map(str::to_owned)).collect()
}

#[test]
fn what_the_official_server_sends_is_stored_byte_for_byte_across_a_restart() {
    let Some(mut server) = Node::start(SERVER, &[], &[]) else { return };
    let port = server.next()["port"].as_u64().unwrap();
    let (_folder, root) = root();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let capture = runtime.block_on(async {
        let mut options = Options::new("test");
        options.feed_address = format!("ws://127.0.0.1:{port}");
        Capture::start(root.clone(), options)
    });
    let mut told = server.until(|line| line["event"] == "connection");
    told.extend(server.command("burst 200"));
    // The server asks for an ack and tells when it came.
    told.extend(server.command("confirm"));
    told.extend(server.command("restart 1"));
    told.extend(server.until(|line| line["event"] == "connection"));
    told.extend(server.command("burst 100"));
    let wanted: Vec<String> = sent_by(&told).into_iter().filter(|text| text.starts_with("42")).collect();
    assert!(wanted.len() > 300, "{}", wanted.len());
    until("all is stored", || {
        stored(&root).0.iter().filter(|text| text.starts_with("42")).count() >= wanted.len()
    });
    runtime.block_on(capture.stop()).unwrap();
    let (received, sent) = stored(&root);
    let received: Vec<String> = received.into_iter().filter(|text| text.starts_with("42")).collect();
    assert_eq!(received, wanted);
    assert!(sent.iter().any(|text| text.starts_with("43")), "the ack that was asked for: {sent:?}");
    assert_eq!(sent.iter().filter(|text| text.starts_with("40")).count(), 2, "connected twice: {sent:?}");
}
