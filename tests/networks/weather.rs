//! What befalls a run: drawn from its seed, before it begins.

use std::time::Duration;

use replayer_simulator::Prng;
use replayer_simulator::serve::{Fault, FaultKind, Faults, Trigger};

/// Something that happens to the network, a host, a clock, or a disk.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// Nothing passes, either way. What was sent meanwhile is lost, and with it the connection.
    Partition,
    /// Nothing passes to the recorder, or to the server.
    OneWay { to_recorder: bool },
    /// Everything waits, and arrives together at the end.
    Hold,
    /// The server is killed, and started again at the end.
    ServerDown,
    /// The recorder is killed: what had not reached the journal is gone. It is started again at the end.
    RecorderDown,
    /// The disk takes nothing.
    DiskStalls,
    /// The recorder's wall clock is set, by so many microseconds.
    ClockSet(i64),
}

/// An event, when it begins, and how long it lasts; that of a clock lasts no time.
#[derive(Debug, Clone, Copy)]
pub struct Befalls {
    pub at: Duration,
    pub lasts: Duration,
    pub event: Event,
}

/// The weather of a run.
#[derive(Debug, Clone)]
pub struct Weather {
    /// What it was drawn from.
    pub seed: u64,
    /// Hosts do what they have to do at moments so far apart.
    pub tick: Duration,
    /// A message takes at most so long.
    pub latency: Duration,
    /// Game time per time.
    pub speed: f64,
    /// The server's heartbeat.
    pub ping_interval: Duration,
    /// How long the server waits for its answer.
    pub ping_timeout: Duration,
    /// What the server does wrong by itself.
    pub faults: Faults,
    /// In the order in which they begin.
    pub all: Vec<Befalls>,
    /// When the storm is over: everything is mended, and the recorder must find its server again.
    pub ends: Duration,
}

/// Two settings of the clock are so far apart that each is noticed by itself.
const BETWEEN_CLOCKS: Duration = Duration::from_secs(3);

impl Weather {
    /// Draws it.
    pub fn of(seed: u64) -> Weather {
        let mut dice = Prng::new(seed ^ 0x6e65_7477_6f72_6b73);
        let between = |dice: &mut Prng, low: i64, high: i64| Duration::from_millis(dice.between(low, high) as u64);
        let ends = between(&mut dice, 10_000, 45_000);
        let mut all = Vec::new();
        let mut now = between(&mut dice, 500, 4_000);
        while now < ends {
            let (event, lasts) = match dice.below(10) {
                0 => (Event::Partition, between(&mut dice, 200, 15_000)),
                1 => (Event::OneWay { to_recorder: true }, between(&mut dice, 200, 15_000)),
                2 => (Event::OneWay { to_recorder: false }, between(&mut dice, 200, 15_000)),
                3 => (Event::Hold, between(&mut dice, 50, 6_000)),
                4 => (Event::ServerDown, between(&mut dice, 50, 4_000)),
                5 | 6 => (Event::RecorderDown, between(&mut dice, 10, 3_000)),
                7 => (Event::DiskStalls, between(&mut dice, 100, 8_000)),
                _ => {
                    let by = [2_100_000, 59_000_000, 3_600_000_000, 86_400_000_000, 1_400_000, 300_000];
                    let by = by[dice.below(by.len())];
                    (Event::ClockSet(if dice.chance(0.5) { by } else { -by }), BETWEEN_CLOCKS)
                }
            };
            // A disk that stalls before the crash holds in the queue what was received: it must not have been answered.
            if event == Event::RecorderDown && dice.chance(0.7) {
                let before = between(&mut dice, 100, 3_000).min(now);
                all.push(Befalls { at: now - before, lasts: before + lasts, event: Event::DiskStalls });
            }
            all.push(Befalls { at: now, lasts, event });
            // The next one may begin while this one lasts, when it is of another kind.
            let kind = std::mem::discriminant(&event);
            now += between(&mut dice, 100, 5_000);
            if all.iter().any(|known| std::mem::discriminant(&known.event) == kind) {
                let over = all.iter().map(|known| known.at + known.lasts).max();
                now = now.max(over.unwrap_or_default() + Duration::from_millis(100));
            }
        }
        all.sort_by_key(|befalls| befalls.at);
        let kinds = [
            FaultKind::Drop,
            FaultKind::Reset,
            FaultKind::Kick,
            FaultKind::Stall,
            FaultKind::HalfOpen,
            FaultKind::SlowReader,
            FaultKind::Reorder,
            FaultKind::Garbage,
            FaultKind::Binary,
            FaultKind::Html,
            FaultKind::Eio3,
        ];
        let mut faults = Faults { seed, all: Vec::new() };
        for kind in kinds {
            if dice.chance(0.25) {
                let chance = if kind.is_of_connection() { 0.2 } else { 0.01 * dice.unit() };
                faults.all.push(Fault::new(kind, Trigger::Chance(chance)));
            }
        }
        Weather {
            seed,
            tick: Duration::from_millis([10, 25, 50][dice.below(3)]),
            latency: between(&mut dice, 10, 400),
            speed: 1.0 + 3.0 * dice.unit(),
            ping_interval: between(&mut dice, 200, 4_000),
            ping_timeout: between(&mut dice, 1_000, 5_000),
            faults,
            all,
            ends,
        }
    }
}
