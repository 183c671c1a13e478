//! Sealing what a crash left in the journal: opening the store, and all that it does.

use super::*;
use crate::ids::SessionId;
use crate::journal::SegmentHead;
use crate::journal::writer::SegmentWriter;

/// Two segments of three frames, as a crash leaves them; with a torn end if wanted.
fn leave_behind(root: &DataRoot, is_torn: bool) {
    let session_id = SessionId::start();
    for number in 1..=2 {
        let head = SegmentHead {
            session_id,
            number,
            first_seq: number * 3 - 2,
            origin: "test".into(),
            started_us: NOON_US,
            build: "test".into(),
            requests: Default::default(),
        };
        let mut writer = SegmentWriter::create(root, head).unwrap();
        for seq in number * 3 - 2..=number * 3 {
            writer.append(&Record { seq, ..frame(&tick(seq)) }).unwrap();
        }
        if is_torn && number == 2 {
            let mut file = fs::OpenOptions::new().append(true).open(writer.path()).unwrap();
            std::io::Write::write_all(&mut file, &[200, 0, 0, 0, 7, 7, 7, 7, b'h', b'a', b'l', b'f']).unwrap();
        }
    }
}

#[test]
fn sealing_survives_every_fault() {
    let (_folder, template) = root();
    record(&template, 1..=2);
    leave_behind(&template, true);
    let expected = all(&template);
    every_operation_fails_once("seal", &template, |run| {
        run.start();
        let mut opened = Store::open_at_once(run.root, "test");
        let sealed = match &opened {
            Ok((store, left_behind)) => left_behind.seal(store, || false),
            Err(_) => Ok(()),
        };
        for error in opened.as_ref().err().into_iter().chain(sealed.as_ref().err()) {
            assert_helps(error, run.root);
        }
        assert_eq!(run.reading(all), expected, "{sealed:?}");
        run.assert_after_a_crash(all, &expected);
        run.disk.mend();
        if opened.is_err() {
            opened = Store::open_at_once(run.root, "test");
        }
        let (store, left_behind) = opened.unwrap();
        left_behind.seal(&store, || false).unwrap();
        let assert_sealed = || {
            assert_eq!(all(run.root), expected);
            let cuts: Vec<_> = rows(run.root, DocType::SystemEvent);
            assert_eq!(cuts.len(), 1, "the torn end is noted once: {cuts:?}");
        };
        assert_sealed();
        drop(store);
        restart(run.root);
        assert_sealed();
        assert_in_order(run.root);
    });
}
