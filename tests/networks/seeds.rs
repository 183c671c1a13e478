//! Many seeds: 1,000 of them, or as many as `REPLAYER_NETWORKS` says, from `REPLAYER_NETWORK_SEED` on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::Instant;

use replayer_networks::run;

fn number(name: &str, otherwise: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")),
        Err(_) => otherwise,
    }
}

#[test]
fn nothing_is_lost_invented_or_left_unsaid_on_any_network() {
    let (first, count) = (number("REPLAYER_NETWORK_SEED", 0), number("REPLAYER_NETWORKS", 1000));
    let began = Instant::now();
    let (next, entries, connections, answered, simulated) = <[AtomicU64; 5]>::default().into();
    let bad = std::sync::Mutex::new(Vec::new());
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Relaxed);
                    if seed >= count {
                        return;
                    }
                    let ran = run(first + seed);
                    entries.fetch_add(ran.entries as u64, Relaxed);
                    connections.fetch_add(ran.connections as u64, Relaxed);
                    answered.fetch_add(ran.answered as u64, Relaxed);
                    simulated.fetch_add(ran.took.as_secs(), Relaxed);
                    if !ran.broken.is_empty() {
                        bad.lock().unwrap().push((first + seed, ran.broken));
                    }
                }
            });
        }
    });
    println!(
        "{count} networks from seed {first} on: {} entries of {} connections, {} answered pings, {} simulated hours, in {:.0?}",
        entries.into_inner(),
        connections.into_inner(),
        answered.into_inner(),
        simulated.into_inner() / 3600,
        began.elapsed(),
    );
    let bad = bad.into_inner().unwrap();
    for (seed, broken) in bad.iter().take(20) {
        for broken in broken {
            println!("seed {seed}: {broken}");
        }
    }
    assert!(bad.is_empty(), "{} of {count} seeds are broken", bad.len());
}

/// In a process of its own each, as it is when somebody looks into a failure.
#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed: u64| {
        let mut show = Command::new(std::env::current_exe().unwrap());
        show.args(["--ignored", "--exact", "--nocapture", "shows_a_seed"]);
        let output = show.env("REPLAYER_NETWORK_SEED", seed.to_string()).output().unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().filter(|line| line.contains(" #")).map(str::to_owned).collect::<Vec<String>>()
    };
    for seed in 0..20 {
        let (once, again) = (trace(seed), trace(seed));
        assert!(once.len() > 20, "seed {seed}: {} entries", once.len());
        let differs = once.iter().zip(&again).find(|(once, again)| once != again);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!(once.len(), again.len(), "seed {seed}");
    }
}

/// Shows one seed: `REPLAYER_NETWORK_SEED=111 cargo test --release --package replayer-networks shows -- --ignored --nocapture`.
#[test]
#[ignore = "shows a single seed, for looking into a failure"]
fn shows_a_seed() {
    let ran = run(number("REPLAYER_NETWORK_SEED", 0));
    println!("{:#?}", ran.weather);
    ran.story.iter().for_each(|line| println!("{line}"));
    ran.broken.iter().for_each(|broken| println!("BROKEN {broken}"));
}
