//! Drops, stalls and `kill -9`: what the server handed to a recorder is in the store once, in order, byte for byte.

use std::collections::BTreeMap;
use std::process::Child;
use std::time::{Duration, Instant};

use replayer::simulator::serve::{Fault, Faults, LogDirection, LogEntry, ServerConfig};

use super::{Site, TAKE_OVER, end, holder, recorder, stored};
use crate::common::root;
use crate::common::waiting::{in_time, until};

/// Seconds and kills; the full run (`REPLAYER_SOAK=600,50`) is stated in the closing note of the issue.
fn effort() -> (u64, u32) {
    let asked = std::env::var("REPLAYER_SOAK").ok();
    let parsed = asked.as_deref().and_then(|text| {
        let (seconds, kills) = text.split_once(',')?;
        Some((seconds.parse().ok()?, kills.parse().ok()?))
    });
    parsed.unwrap_or((12, 4))
}

/// Frames that a killed process had received and not yet stored: those of this long before its end.
const IN_FLIGHT_US: i64 = 1_000_000;

#[test]
fn every_frame_is_stored_once_through_drops_stalls_and_kills() {
    let (seconds, kills) = effort();
    let (_folder, root) = root();
    let faults: Vec<Fault> = ["drop=4s", "stall=3s,400ms"].iter().map(|text| text.parse().unwrap()).collect();
    let site = Site::start(ServerConfig {
        faults: Faults { seed: 1, all: faults },
        log: replayer::simulator::serve::LogTo::Memory(2 << 30),
        ..ServerConfig::games(usize::MAX, 3, 20.0)
    });
    let mut processes: Vec<Child> = (0..2).map(|_| recorder(&root, &site.feed())).collect();
    let began = Instant::now();
    let pause = Duration::from_secs(seconds) / (kills + 1);
    let mut takeovers = Vec::new();
    let mut dead: Vec<u32> = Vec::new();
    let mut seen = Vec::new();
    for _ in 0..kills {
        std::thread::sleep(pause);
        until("recording", || holder(&root).is_some_and(|pid| !dead.contains(&pid)));
        let pid = holder(&root).unwrap();
        let at = processes.iter().position(|child| child.id() == pid).unwrap();
        let mut killed = processes.remove(at);
        seen.push(stored(&root));
        killed.kill().unwrap();
        let since = Instant::now();
        killed.wait().unwrap();
        dead.push(pid);
        until("taking over", || holder(&root).is_some_and(|pid| !dead.contains(&pid)));
        takeovers.push(since.elapsed());
        processes.push(recorder(&root, &site.feed()));
    }
    while began.elapsed() < Duration::from_secs(seconds) {
        std::thread::sleep(Duration::from_millis(100));
    }
    processes.iter_mut().for_each(end);
    let worst = takeovers.iter().max().copied().unwrap_or_default();
    assert!(worst < TAKE_OVER, "{takeovers:?}");
    compare(&site, &root);
    // What a reader had seen before a kill is there after it.
    let kept = stored(&root);
    for (connection, texts) in seen.into_iter().flatten() {
        assert!(kept[&connection].starts_with(&texts), "{connection:?}");
    }
}

/// Each stored socket is the beginning of what the server sent on one connection.
fn compare(site: &Site, root: &replayer::store::root::DataRoot) {
    let mut sent: BTreeMap<u64, Vec<LogEntry>> = BTreeMap::new();
    for entry in site.running().sent_log().entries() {
        if entry.direction == LogDirection::Sent && entry.text().is_some() {
            sent.entry(entry.socket).or_default().push(entry);
        }
    }
    let by_first: BTreeMap<String, u64> =
        sent.iter().map(|(socket, entries)| (entries[0].text().unwrap().to_owned(), *socket)).collect();
    let stored = stored(root);
    assert!(stored.len() > 3, "{} connections", stored.len());
    let (mut total, mut missing, mut used) = (0, 0, Vec::new());
    for ((session, socket), texts) in &stored {
        let number =
            by_first.get(&texts[0]).unwrap_or_else(|| panic!("{session} {socket} begins with {}", texts[0]));
        assert!(!used.contains(number), "a connection is stored twice");
        used.push(*number);
        let entries = &sent[number];
        assert!(texts.len() <= entries.len(), "more is stored than was sent");
        for (at, (text, entry)) in texts.iter().zip(entries).enumerate() {
            assert_eq!(Some(text.as_str()), entry.text(), "frame {at} of connection {number}");
        }
        total += texts.len();
        let left = &entries[texts.len()..];
        missing += left.len();
        // What is missing is what was on its way when the process was killed or the connection cut.
        if let (Some(first), Some(last)) = (left.first(), left.last()) {
            assert!(last.at_us - first.at_us <= IN_FLIGHT_US, "{} frames are missing", left.len());
        }
    }
    println!(
        "{} connections, {total} frames stored, {missing} were in flight when a process was killed",
        stored.len()
    );
    assert!(total > 1_000, "{total}");
}

#[test]
fn an_undisturbed_recording_is_complete_to_the_last_frame() {
    let (_folder, root) = root();
    let site = Site::start(ServerConfig::games(2, 5, 200.0));
    let mut process = recorder(&root, &site.feed());
    site.runtime.block_on(in_time("the end of the games", site.running().finished()));
    let sent: Vec<String> = site
        .running()
        .sent_log()
        .entries()
        .into_iter()
        .filter(|entry| entry.direction == LogDirection::Sent && entry.socket == 1)
        .filter_map(|entry| entry.text().map(str::to_owned))
        .collect();
    until("the last frame is stored", || {
        stored(&root).values().next().is_some_and(|first| first.len() == sent.len())
    });
    end(&mut process);
    let stored = stored(&root);
    let first = stored.values().next().unwrap();
    assert_eq!(first.len(), sent.len());
    assert_eq!(*first, sent);
}
