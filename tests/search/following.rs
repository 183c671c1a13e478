//! `replayer index follow`: what is recorded is found while the recording goes on.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};

use super::{Model, ask, build, command};
use crate::common::waiting::until;
use crate::common::{play, record, root};

#[test]
fn a_finished_game_is_searchable_within_seconds() {
    let (_folder, root) = root();
    record(&root, 1);
    build(&root, Model::None, &[]);
    let mut follower = command(root.path(), Model::None, &["follow", "--no-fetch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let mut session = replayer::simulator::Session::new(replayer::simulator::Config {
        games: 2,
        seed: 77,
        logged_in: true,
        ..Default::default()
    });
    for frame in session.by_ref() {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
    let game = session.truths()[1].game_id.clone();
    until("the game is found", || ask(&root, Model::None, &game).contains(&format!("game:{game}")));
    // Its input ends: it ends.
    drop(follower.stdin.take());
    until("it ends", || follower.try_wait().unwrap().is_some());
    recorder.close().unwrap();
}

#[test]
fn an_index_is_made_where_there_is_none() {
    let (_folder, root) = root();
    let (frames, truths) = play(1);
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for frame in &frames {
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &frame.text)).unwrap();
    }
    let mut follower = command(root.path(), Model::None, &["follow", "--no-fetch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(follower.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let game = &truths[0].game_id;
    assert!(ask(&root, Model::None, game).contains(&format!("game:{game}")), "{line}");
    follower.kill().unwrap();
    follower.wait().unwrap();
}
