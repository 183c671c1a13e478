#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

fn chain(folder: &tempfile::TempDir) -> Chain {
    Chain::new(folder.path().join("log.jsonl"), folder.path().join("log.lock"))
}

/// Appends one entry as any process would.
fn append(chain: &Chain, entry: &str) -> Contents {
    let mut held = chain.lock().unwrap();
    let contents = held.read(&Tip::default()).unwrap();
    assert_eq!(contents.broken, None);
    held.append(&contents.tip, &[entry.to_owned()]).unwrap();
    contents
}

fn three() -> (tempfile::TempDir, Chain) {
    let folder = tempfile::tempdir().unwrap();
    let chain = chain(&folder);
    for entry in [r#"{"a":1}"#, r#"{"b":"zwei"}"#, r#"{"c":[3]}"#] {
        append(&chain, entry);
    }
    (folder, chain)
}

#[test]
fn lines_come_back_in_order_and_chained() {
    let (_folder, chain) = three();
    let read = chain.read(&Tip::default()).unwrap();
    assert_eq!((read.lines.len(), read.broken, read.torn), (3, None, None));
    assert_eq!(read.lines[0].prev, GENESIS);
    assert_eq!(read.lines[2].prev, read.lines[1].hash);
    assert_eq!(read.lines[1].entry, r#"{"b":"zwei"}"#);
    assert_eq!(read.tip.bytes, chain.length());
    let later = chain.read(&read.tip).unwrap();
    assert_eq!((later.lines.len(), later.tip), (0, read.tip));
}

#[test]
fn every_flipped_bit_is_found_in_its_line() {
    let (_folder, chain) = three();
    let good = std::fs::read(chain.path()).unwrap();
    for at in 0..good.len() {
        let line = 1 + good[..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        for bit in [1_u8, 32] {
            let mut bytes = good.clone();
            bytes[at] ^= bit;
            std::fs::write(chain.path(), &bytes).unwrap();
            let read = chain.read(&Tip::default()).unwrap();
            let found =
                read.broken.as_ref().map(|broken| broken.line).or(read.torn.as_ref().map(|torn| torn.line));
            // A flipped line break joins two lines, or leaves the last one without its end.
            assert_eq!(found, Some(line), "byte {at}: {read:?}");
        }
    }
}

#[test]
fn a_rewritten_line_breaks_the_chain_at_the_next_one() {
    let (_folder, chain) = three();
    let text = std::fs::read_to_string(chain.path()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let prev = chain.read(&Tip::default()).unwrap().lines[1].prev.clone();
    let forged = Line::new(2, &prev, r#"{"b":"drei"}"#).text();
    std::fs::write(chain.path(), format!("{}\n{forged}\n{}\n", lines[0], lines[2])).unwrap();
    let broken = chain.read(&Tip::default()).unwrap().broken.unwrap();
    assert_eq!(broken.line, 3);
    assert!(broken.reason.contains("line before"), "{broken}");
}

#[test]
fn lines_taken_off_the_end_are_missed_by_whoever_has_read_them() {
    let (_folder, chain) = three();
    let tip = chain.read(&Tip::default()).unwrap().tip;
    let text = std::fs::read_to_string(chain.path()).unwrap();
    let two: String = text.lines().take(2).map(|line| format!("{line}\n")).collect();
    std::fs::write(chain.path(), two).unwrap();
    let broken = chain.read(&tip).unwrap().broken.unwrap();
    assert!(broken.reason.contains("shorter"), "{broken}");
}

#[test]
fn a_torn_end_is_cut_by_the_next_appender_and_said() {
    let (_folder, chain) = three();
    let good = std::fs::read(chain.path()).unwrap();
    for torn in [&br#"{"n":4,"prev":"#[..], b"\0\0\0\0", b"{\0\0\n"] {
        std::fs::write(chain.path(), [&good, torn].concat()).unwrap();
        let contents = append(&chain, r#"{"d":4}"#);
        let said = contents.torn.expect("said");
        assert_eq!((said.line, said.bytes), (4, torn.len() as u64));
        let read = chain.read(&Tip::default()).unwrap();
        assert_eq!((read.lines.len(), read.broken), (4, None));
    }
}

#[test]
fn appenders_at_once_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let threads: Vec<_> = (0..4)
        .map(|thread| {
            let chain = chain(&folder);
            std::thread::spawn(move || {
                for number in 0..25 {
                    append(&chain, &format!(r#"{{"thread":{thread},"number":{number}}}"#));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let read = chain(&folder).read(&Tip::default()).unwrap();
    assert_eq!((read.lines.len(), read.broken), (100, None));
    let mut entries: Vec<&str> = read.lines.iter().map(|line| line.entry.as_str()).collect();
    entries.sort_unstable();
    entries.dedup();
    assert_eq!(entries.len(), 100);
}

#[test]
fn half_a_line_that_could_not_be_cut_off_is_gone_before_the_next_one() {
    let (folder, chain) = three();
    let tip = chain.read(&Tip::default()).unwrap().tip;
    let mut held = chain.lock().unwrap();
    let disk = crate::fsio::Disk::under(folder.path());
    disk.fail(1, crate::fsio::Fault::Uncut);
    held.append(&tip, &[format!(r#"{{"long":"{}"}}"#, "x".repeat(500))]).unwrap_err();
    disk.mend();
    held.append(&tip, &[r#"{"d":4}"#.to_owned()]).unwrap();
    let read = chain.read(&Tip::default()).unwrap();
    assert_eq!((read.lines.len(), read.broken, read.torn), (4, None, None));
}
