//! Several processes on one root: who records, what a desired state does, what others can read.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::process::Stdio;

use super::*;
use crate::capture::Capture;
use crate::capture::status::{CaptureState, Status};
use crate::capture::testing::{Peer, frames, of_type, root, say, system_events, until};
use crate::store::lease::Lease;
use crate::store::record::{Direction, Record};

/// The longest take-over. Here time is the behaviour: `serve` promises a second, which is five looks at the lease. A
/// busy machine is given more, but less than a follower would need that waited for the holder's report to become stale.
const TAKE_OVER: Duration = report::STALE;

fn options(peer: &Peer) -> Options {
    Options { feed_address: peer.url(), ..Options::new("test") }
}

fn session(capture: &Capture) -> Option<crate::store::ids::SessionId> {
    match &*capture.role().borrow() {
        Role::Capturing { session_id } => Some(*session_id),
        _ => None,
    }
}

fn source(root: &DataRoot) -> Option<report::SourceReport> {
    Report::load(root)?.sources.remove("public_ws")
}

fn desired(root: &DataRoot, on: bool) {
    DesiredState::change(root, "test", |desired| desired.sources.public_ws.on = Some(on)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_records_and_the_second_takes_over_when_it_ends() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let first = Capture::start(root.clone(), options(&peer));
    until("the first records", || session(&first).is_some()).await;
    let second = Capture::start(root.clone(), options(&peer));
    until("the second follows", || matches!(&*second.role().borrow(), Role::Following { .. })).await;
    let mut socket = peer.session().await;
    say(&mut socket, r#"42["a"]"#).await;
    until("it is stored", || source(&root).is_some_and(|source| source.numbers.received == 3)).await;
    let (ended, _) = tokio::join!(first.stop(), crate::capture::testing::hear(&mut socket));
    ended.unwrap();
    let since = Instant::now();
    until("the second records", || session(&second).is_some()).await;
    assert!(since.elapsed() < TAKE_OVER, "{:?}", since.elapsed());
    let mut socket = peer.session().await;
    say(&mut socket, r#"42["b"]"#).await;
    until("it reports", || source(&root).is_some_and(|source| source.numbers.received == 3)).await;
    second.stop().await.unwrap();
    let events = system_events(&root);
    let started = of_type(&events, events::CAPTURE_STARTED);
    assert_eq!(started.len(), 2);
    assert_eq!(started[1]["previous"]["ended"], true);
    assert_eq!(of_type(&events, events::CAPTURE_STOPPED).len(), 2);
    assert_eq!(of_type(&events, events::GAP).len(), 1, "the time between them is told");
    let texts: Vec<String> = frames(&root).into_iter().map(|frame| frame.text).collect();
    assert_eq!(
        texts.iter().filter(|text| text.starts_with("42")).collect::<Vec<_>>(),
        [r#"42["a"]"#, r#"42["b"]"#]
    );
}

const CHILD: &str = "REPLAYER_TEST_CAPTURE";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "not a test of its own: the process that the next one kills"]
async fn child_captures() {
    let asked = std::env::var(CHILD).expect("the parent names the root and the feed");
    let (root, url) = asked.split_once('|').unwrap();
    let options = Options { feed_address: url.to_owned(), ..Options::new("test child") };
    let _capture = Capture::start(DataRoot::open(root).unwrap(), options);
    std::future::pending::<()>().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_holder_is_followed_within_a_second_and_what_it_stored_is_kept() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let mut child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["capture::supervisor::tests::child_captures", "--exact", "--ignored"])
        .env(CHILD, format!("{}|{}", root.path().display(), peer.url()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut socket = peer.session().await;
    say(&mut socket, r#"42["before"]"#).await;
    until("the child has stored it", || source(&root).is_some_and(|source| source.numbers.received == 3)).await;
    let killed_session = Report::load(&root).unwrap().session_id.to_string();
    let follower = Capture::start(root.clone(), options(&peer));
    until("it follows", || matches!(&*follower.role().borrow(), Role::Following { .. })).await;
    child.kill().unwrap();
    let killed = Instant::now();
    let mut socket = peer.session().await;
    assert!(killed.elapsed() < TAKE_OVER, "connected after {:?}", killed.elapsed());
    child.wait().unwrap();
    say(&mut socket, r#"42["after"]"#).await;
    until("it is stored", || source(&root).is_some_and(|source| source.numbers.received == 3)).await;
    follower.stop().await.unwrap();
    let texts: Vec<String> = frames(&root).into_iter().map(|frame| frame.text).collect();
    assert_eq!(
        texts.iter().filter(|text| text.starts_with("42")).collect::<Vec<_>>(),
        [r#"42["before"]"#, r#"42["after"]"#]
    );
    let events = system_events(&root);
    let previous = of_type(&events, events::CAPTURE_STARTED)[1]["previous"].clone();
    assert_eq!((&previous["ended"], &previous["session_id"]), (&json!(false), &json!(killed_session)));
    assert!(of_type(&events, events::GAP)[0]["reason"].as_str().unwrap().contains("did not end properly"));
    assert!(crate::store::journal::segments(&root).unwrap().is_empty(), "everything is sealed");
}

/// A journal as a killed process leaves it: a segment of `frames` frames and no catalog.
fn leave_behind(root: &DataRoot, frames: i64) {
    let store = Arc::new(Store::open(root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for n in 0..frames {
        let text = format!("42[\"left\",{n}]");
        recorder.append(&Record::frame(n, Source::PublicWs, Direction::Received, &text)).unwrap();
    }
    let segment = crate::store::journal::segments(root).unwrap().pop().unwrap();
    let bytes = std::fs::read(&segment.path).unwrap();
    recorder.close().unwrap();
    std::fs::remove_file(root.catalog_path()).unwrap();
    std::fs::remove_file(root.catalog_copy_path()).unwrap();
    std::fs::create_dir_all(segment.path.parent().unwrap()).unwrap();
    std::fs::write(&segment.path, bytes).unwrap();
}

#[test]
fn a_gap_begins_with_the_last_frame_of_a_killed_process_and_not_with_its_last_report() {
    let (_folder, root) = root();
    leave_behind(&root, 500);
    let session_id = crate::store::journal::segments(&root).unwrap()[0].session_id;
    let reported = report::SourceReport {
        numbers: crate::capture::metrics::SourceNumbers { last_frame_us: Some(120), ..Default::default() },
        ..Default::default()
    };
    let report = |session_id| Report {
        version: 1,
        pid: 7,
        build: BUILD.into(),
        purpose: "test".into(),
        session_id,
        started_us: 0,
        written_us: 300,
        ended: false,
        is_recovering: false,
        queue: report::Queue::default(),
        journal: Default::default(),
        sources: [("public_ws".to_owned(), reported.clone())].into(),
    };
    let killed = Previous::new(&root, report(session_id));
    assert_eq!((killed.last_frame_us(Source::PublicWs), killed.last_frame_us(Source::Cdp)), (Some(499), None));
    // Its last segment was sealed meanwhile: what it reported is all that is known at once.
    let sealed = Previous::new(&root, report(crate::store::ids::SessionId::start()));
    assert_eq!(sealed.last_frame_us(Source::PublicWs), Some(120));
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_begins_before_what_a_crash_left_is_sealed() {
    let (_folder, root) = root();
    leave_behind(&root, 500);
    let (store, left_behind) = Store::open_at_once(&root, "test").unwrap();
    let store = Arc::new(store);
    assert_eq!(frames(&root).len(), 500, "a reader sees them in the journal");
    let recorder = Recorder::start(store.clone(), RecorderOptions::new("test")).unwrap();
    recorder.append(&Record::frame(1, Source::PublicWs, Direction::Received, "42[\"new\"]")).unwrap();
    let recovery = Recovery::start(store, left_behind);
    until("it is sealed", || !recovery.is_running()).await;
    assert_eq!(frames(&root).len(), 501);
    assert_eq!(crate::store::journal::segments(&root).unwrap().len(), 1, "only the new session has a journal");
    recorder.append(&Record::frame(2, Source::PublicWs, Direction::Received, "42[\"newer\"]")).unwrap();
    recorder.close().unwrap();
    recovery.stop().await;
    assert_eq!(frames(&root).len(), 502);
    let verified = crate::store::verify::verify(&root, |_, _| ()).unwrap();
    assert!(verified.problems.is_empty(), "{:?}", verified.problems);
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_everything_off_gives_the_lease_back_and_on_takes_it_again() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let capture = Capture::start(root.clone(), options(&peer));
    let mut socket = peer.session().await;
    desired(&root, false);
    let _ = crate::capture::testing::hear(&mut socket).await;
    drop(socket);
    until("it is off", || *capture.role().borrow() == Role::Off).await;
    assert_eq!(Status::read(&root).capture, CaptureState::Off);
    drop(Store::open(&root, "import").expect("the lease is free"));
    desired(&root, true);
    let mut socket = peer.session().await;
    until("it records", || Status::read(&root).capture == CaptureState::Capturing).await;
    let (ended, _) = tokio::join!(capture.stop(), crate::capture::testing::hear(&mut socket));
    ended.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_is_followed_within_the_same_session() {
    let (_folder, root) = root();
    let (peer, other) = (Peer::start().await, Peer::start().await);
    let capture = Capture::start(root.clone(), options(&peer));
    let mut socket = peer.session().await;
    let before = session(&capture);
    DesiredState::change(&root, "test", |desired| desired.sources.public_ws.address = Some(other.url())).unwrap();
    assert_eq!(crate::capture::testing::hear(&mut socket).await.as_deref(), Some("41"));
    drop(socket);
    let _socket = other.session().await;
    until("it reports the other", || {
        source(&root).is_some_and(|source| source.address == Some(other.url()) && source.numbers.reconnects == 1)
    })
    .await;
    assert_eq!(session(&capture), before);
    drop(_socket);
    capture.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn another_kind_of_writer_is_named_and_followed_when_it_is_done() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let import = Lease::take(&root, "legacy import").unwrap();
    let capture = Capture::start(root.clone(), options(&peer));
    until(
        "it follows",
        || matches!(&*capture.role().borrow(), Role::Following { holder } if holder.contains("legacy import")),
    )
    .await;
    let status = Status::read(&root);
    assert_eq!(status.capture, CaptureState::OtherWriter);
    assert!(status.note.unwrap().contains("legacy import"));
    drop(import);
    until("it records", || session(&capture).is_some()).await;
    capture.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_of_a_newer_version_is_left_alone_and_says_why() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let manifest = r#"{"schema_version":"99.0","writer_build":"replayer 99"}"#;
    std::fs::write(root.schema_version_path(), manifest).unwrap();
    let capture = Capture::start(root.clone(), options(&peer));
    until(
        "it is unable",
        || matches!(&*capture.role().borrow(), Role::Unable { reason } if reason.contains("99.0")),
    )
    .await;
    let status = Status::read(&root);
    assert_eq!(status.capture, CaptureState::Idle);
    assert!(status.note.unwrap().contains("upgrade"));
    capture.stop().await.unwrap();
    assert!(std::fs::read_dir(root.journal_dir()).unwrap().next().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn any_process_reads_how_the_capture_stands() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let idle = Status::read(&root);
    assert_eq!((idle.capture, idle.report), (CaptureState::Idle, None));
    assert!(idle.note.unwrap().contains("replayer record"));
    let capture = Capture::start(root.clone(), options(&peer));
    let mut socket = peer.session().await;
    say(&mut socket, r#"42["a"]"#).await;
    until("it is reported", || source(&root).is_some_and(|source| source.numbers.received == 3)).await;
    let status = Status::read(&root);
    assert_eq!(status.capture, CaptureState::Capturing);
    assert!(status.journal_bytes > 0 && status.disk_free_bytes.unwrap() > 0);
    assert!(status.holder.unwrap().contains("replayer test"));
    let report = status.report.unwrap();
    assert_eq!((report.pid, Some(report.session_id)), (std::process::id(), session(&capture)));
    let source = &report.sources["public_ws"];
    assert!(matches!(source.numbers.connection, SourceState::Connected { .. }));
    assert_eq!((source.numbers.sent, source.numbers.dropped), (1, 0));
    assert!(source.numbers.last_frame_us.is_some() && report.journal.appended >= 5);
    drop(socket);
    capture.stop().await.unwrap();
    let ended = Status::read(&root);
    assert_eq!((ended.capture, ended.report.unwrap().ended), (CaptureState::Idle, true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_holder_that_does_not_report_is_told_from_one_that_does() {
    let (_folder, root) = root();
    let peer = Peer::start().await;
    let capture = Capture::start(root.clone(), options(&peer));
    until("it reports", || Report::load(&root).is_some()).await;
    let mut stale = Report::load(&root).unwrap();
    capture.stop().await.unwrap();
    let _held = Lease::take(&root, "serve").unwrap();
    stale.ended = false;
    stale.written_us -= 60_000_000;
    report::write(&root, &stale);
    let status = Status::read(&root);
    assert_eq!(status.capture, CaptureState::Unresponsive);
    assert!(status.note.unwrap().contains("has not reported"));
}
