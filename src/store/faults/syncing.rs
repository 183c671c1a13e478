//! A sync that fails: what was written since the last good one may be gone, and syncing again does not bring it back.

use std::time::{Duration, Instant};

use super::*;

/// The segments of the journal, looked for beside the disk that fails.
fn segments(root: &DataRoot) -> Vec<std::path::PathBuf> {
    let folders = fs::read_dir(root.journal_dir()).unwrap().flatten();
    folders
        .flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten().flatten())
        .map(|file| file.path())
        .collect()
}

fn recorder(root: &DataRoot, sync_every: Duration) -> Recorder {
    let store = Arc::new(Store::open(root, "test").unwrap());
    Recorder::start(store, RecorderOptions { sync_every, ..RecorderOptions::new("test") }).unwrap()
}

/// Waits until it is so, for some seconds.
fn wait(what: &str, is_so: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_so() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn after_a_failed_sync_the_next_is_good_only_when_the_records_are_written_again() {
    let (_folder, root) = root();
    let recorder = recorder(&root, Duration::from_secs(3600));
    for number in 1..=3 {
        recorder.append(&frame(&tick(number))).unwrap();
    }
    let first = segments(&root);
    let disk = Disk::under(root.path());
    // Of everything that a sync does, this one operation.
    disk.fail(1, Fault::Broken);
    assert!(recorder.sync().unwrap_err().to_string().contains("sync"), "it is not hidden");
    disk.mend();
    wait("a sync is good again", || recorder.sync().is_ok());
    assert!(segments(&root).is_empty(), "the segment in doubt is sealed, and so nothing of it counts any more");
    assert_eq!(first.len(), 1);
    assert_eq!(texts(&root).len(), 3);
    recorder.append(&frame(&tick(4))).unwrap();
    assert_ne!(segments(&root), first, "and the next frames are in another one");
    recorder.close().unwrap();
    assert_eq!(texts(&root).len(), 4);
    assert_in_order(&root);
}

#[test]
fn while_what_is_in_doubt_cannot_be_written_again_no_sync_is_good() {
    let (_folder, root) = root();
    let recorder = recorder(&root, Duration::from_secs(3600));
    recorder.append(&frame(&tick(1))).unwrap();
    let disk = Disk::under(root.path());
    disk.fail(1, Fault::For(10_000));
    recorder.sync().unwrap_err();
    let again = recorder.sync().unwrap_err().to_string();
    assert!(again.contains("written again") && again.contains(root.path().to_str().unwrap()), "{again}");
    disk.mend();
    recorder.close().unwrap();
    assert_eq!(texts(&root).len(), 1);
    assert_in_order(&root);
}

#[test]
fn the_sync_thread_has_a_segment_written_again_that_it_could_not_sync() {
    let (_folder, root) = root();
    let recorder = recorder(&root, Duration::from_millis(20));
    recorder.append(&frame(&tick(1))).unwrap();
    recorder.sync().unwrap();
    // The thread may be at it just now; when it has nothing to do, it does nothing.
    std::thread::sleep(Duration::from_millis(100));
    let disk = Disk::under(root.path());
    // Of an append and a sync: writing, a second handle, syncing.
    disk.fail(3, Fault::Broken);
    recorder.append(&frame(&tick(2))).unwrap();
    wait("it is sealed", || segments(&root).is_empty());
    assert!(format!("{:?}", disk.failed()).contains("Sync"), "{:?}", disk.failed());
    disk.mend();
    assert_eq!(texts(&root).len(), 2);
    recorder.close().unwrap();
    assert_in_order(&root);
}
