//! Recording: appending, rotating, syncing, and sealing beside it.

use super::*;

/// Segments of a few frames. Nothing is synced by itself, so that operations come in the same order each time.
fn options() -> RecorderOptions {
    let never = std::time::Duration::from_secs(3600);
    RecorderOptions { segment_bytes: 700, sync_every: never, ..RecorderOptions::new("test") }
}

/// Appends frames, and remembers those that were taken.
fn append(run: &Run<'_>, recorder: &Recorder, numbers: std::ops::RangeInclusive<u64>, taken: &mut Vec<String>) {
    for number in numbers {
        let text = tick(number);
        match recorder.append(&frame(&text)) {
            Ok(_) => taken.push(text),
            Err(error) => assert_helps(&error, run.root),
        }
    }
}

/// Waits until the sealer has sealed what it can, or has failed.
fn let_the_sealer_be(run: &Run<'_>) {
    let waiting = || {
        let folders = fs::read_dir(run.root.journal_dir()).unwrap().flatten();
        folders.flat_map(|folder| fs::read_dir(folder.path()).into_iter().flatten()).count() > 1
    };
    for _ in 0..10 {
        if waiting() {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
    }
}

fn recorded(root: &DataRoot) -> Vec<String> {
    // The template's two frames stand before the session's, whose id is a later one.
    texts(root).split_off(2)
}

fn assert_recorded(root: &DataRoot, taken: &[String]) {
    assert_eq!(recorded(root), taken);
    let sessions = frames(root).split_off(2);
    let numbers: Vec<i64> = sessions.iter().map(|(_, seq, _)| *seq).collect();
    assert_eq!(numbers, (1..=taken.len() as i64).collect::<Vec<_>>(), "without a gap");
    assert_eq!(rows(root, DocType::SystemEvent), []);
}

#[test]
fn recording_survives_every_fault() {
    let (_folder, template) = root();
    record(&template, 1..=2);
    every_operation_fails_once("record", &template, |run| {
        let store = Arc::new(Store::open(run.root, "test").unwrap());
        let recorder = Recorder::start(store.clone(), options()).unwrap();
        let mut taken = Vec::new();
        run.start();
        append(run, &recorder, 11..=16, &mut taken);
        let synced = recorder.sync();
        append(run, &recorder, 17..=20, &mut taken);
        let_the_sealer_be(run);
        {
            // The sealer waits meanwhile, so that the crash is at one moment.
            let _one_at_a_time = store.sealing();
            assert_eq!(run.reading(recorded), taken, "sync: {synced:?}");
            run.assert_after_a_crash(recorded, &taken);
        }
        run.disk.mend();
        let before = taken.len();
        append(run, &recorder, 21..=22, &mut taken);
        assert_eq!(taken.len(), before + 2, "it goes on");
        recorder.close().unwrap();
        assert_recorded(run.root, &taken);
        assert_in_order(run.root);
        drop((recorder, store));
        restart(run.root);
        assert_recorded(run.root, &taken);
        assert_in_order(run.root);
    });
}

#[test]
fn closing_survives_every_fault() {
    let (_folder, template) = root();
    record(&template, 1..=2);
    every_operation_fails_once("close", &template, |run| {
        let store = Arc::new(Store::open(run.root, "test").unwrap());
        let recorder = Recorder::start(store.clone(), options()).unwrap();
        let mut taken = Vec::new();
        // Less than a segment: nothing is sealed before.
        append(run, &recorder, 11..=13, &mut taken);
        run.start();
        let closed = recorder.close();
        if let Err(error) = &closed {
            assert_helps(error, run.root);
        }
        assert_eq!(run.reading(recorded), taken, "{closed:?}");
        run.assert_after_a_crash(recorded, &taken);
        run.disk.mend();
        recorder.close().unwrap();
        assert_recorded(run.root, &taken);
        assert_in_order(run.root);
        drop((recorder, store));
        restart(run.root);
        assert_recorded(run.root, &taken);
    });
}
