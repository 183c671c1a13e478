//! How many cuts, with which seeds; the report.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use replayer_power_cut_disk::{Disk, Image, Rules};

use super::life::{Cut, Life, MOST_LATE};
use crate::common::needs;

/// How much is to be tried.
pub struct Effort {
    /// Cuts in all.
    cuts: u64,
    /// The seed of the first life; the next ones follow.
    seed: u64,
}

/// Cuts in the life of one root: enough for all kinds of work to meet what others have left.
const CUTS_PER_LIFE: u64 = 20;

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(30);

impl Effort {
    /// What the environment asks for, or what CI does.
    pub fn asked() -> Effort {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
        Effort {
            cuts: number("REPLAYER_POWER_CUTS").unwrap_or(200),
            seed: number("REPLAYER_POWER_CUT_SEED").unwrap_or(1),
        }
    }
}

/// What a campaign found.
#[derive(Default)]
pub struct Report {
    cuts: u64,
    lives: u64,
    /// Cuts by what was going on.
    works: BTreeMap<String, u64>,
    /// Frames that were durable at a cut and had to be there after it, summed over all cuts.
    frames: u64,
    /// How long the journal's oldest frame that was not synced had waited at a cut: the longest, and by how much the
    /// machine was late at that time.
    waited: (Duration, Duration),
    /// Cuts at which the machine was too late for that to be judged.
    not_judged: u64,
    took: Duration,
    /// What went wrong: one per life, which ends with it.
    pub failures: Vec<String>,
}

impl Report {
    fn add(&mut self, cut: &Cut) {
        self.cuts += 1;
        *self.works.entry(cut.work.clone()).or_default() += 1;
        self.frames += cut.frames;
        if cut.waited.1 > MOST_LATE {
            self.not_judged += 1;
        } else {
            self.waited = self.waited.max(cut.waited);
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let works: Vec<String> = self.works.iter().map(|(work, cuts)| format!("{work} {cuts}")).collect();
        writeln!(
            f,
            "{} power cuts in {} lives, {:.0} s: {}",
            self.cuts,
            self.lives,
            self.took.as_secs_f64(),
            works.join(", ")
        )?;
        writeln!(
            f,
            "{} frames had to be there; a frame waited {} ms at most for its sync, on a machine that was {} ms late then; \
             at {} cuts it was later than {} ms, and that was not judged",
            self.frames,
            self.waited.0.as_millis(),
            self.waited.1.as_millis(),
            self.not_judged,
            MOST_LATE.as_millis()
        )?;
        writeln!(f, "{} failures", self.failures.len())?;
        self.failures.iter().take(30).try_for_each(|failure| writeln!(f, "{failure}"))
    }
}

/// Runs it; `None` where no FUSE file system can be mounted.
pub fn run(effort: &Effort) -> Option<Report> {
    if let Err(error) = can_mount() {
        needs::FUSE.skip(&error);
        return None;
    }
    let began = Instant::now();
    let lateness = Lateness::default();
    let (next, over) = (AtomicU64::new(0), AtomicU64::new(0));
    let report = Mutex::new(Report::default());
    let lives = effort.cuts.div_ceil(CUTS_PER_LIFE);
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        scope.spawn(|| lateness.watch(|| over.load(Ordering::SeqCst) < lives));
        for _ in 0..threads.min(lives) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::SeqCst);
                    if number >= lives {
                        return;
                    }
                    let cuts = CUTS_PER_LIFE.min(effort.cuts - number * CUTS_PER_LIFE);
                    live(effort.seed + number, cuts, &lateness, &report);
                    over.fetch_add(1, Ordering::SeqCst);
                }
            });
        }
        let mut said = Instant::now();
        while over.load(Ordering::SeqCst) < lives {
            std::thread::sleep(Duration::from_millis(100));
            if said.elapsed() >= PROGRESS {
                said = Instant::now();
                let report = report.lock().unwrap();
                let (cuts, failed) = (report.cuts, report.failures.len());
                // Not eprintln!, which libtest captures.
                let _ = writeln!(
                    std::io::stderr(),
                    "power cuts: {cuts} of {}, {failed} failures, {:.0} s",
                    effort.cuts,
                    began.elapsed().as_secs_f64()
                );
            }
        }
    });
    let mut report = report.into_inner().unwrap();
    report.took = began.elapsed();
    Some(report)
}

/// One life. Whatever goes wrong in it, a panic too, is one failure with its seed.
fn live(seed: u64, cuts: u64, lateness: &Lateness, report: &Mutex<Report>) {
    let mut life = Life::begin(seed);
    let mut done = 0;
    report.lock().unwrap().lives += 1;
    while done < cuts {
        let lived = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| life.next(cuts - done, lateness)));
        let lived = lived.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            Err(text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned())
        });
        let mut report = report.lock().unwrap();
        match lived {
            Ok(made) => {
                made.iter().for_each(|cut| report.add(cut));
                done += made.len() as u64;
            }
            Err(failure) => {
                let failure = format!("seed {seed}, after {done} cuts: {failure}");
                let _ = writeln!(std::io::stderr(), "{failure}");
                report.failures.push(failure);
                life.keep(seed);
                return;
            }
        }
    }
}

fn can_mount() -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let disk = Disk::mount(Image::new(), Rules::Strict, folder.path()).map_err(|error| error.to_string())?;
    disk.unmounted().map(|_| ()).map_err(|error| error.to_string())
}

/// By how much this machine lets threads wait that want to run: a promise in milliseconds can be kept only as well as that.
#[derive(Default)]
pub struct Lateness(Mutex<Vec<(Instant, Duration)>>);

/// How far back it is remembered.
const REMEMBERED: Duration = Duration::from_secs(5);

impl Lateness {
    fn watch(&self, goes_on: impl Fn() -> bool) {
        let nap = Duration::from_millis(5);
        while goes_on() {
            let before = Instant::now();
            std::thread::sleep(nap);
            let late = before.elapsed().saturating_sub(nap);
            let mut seen = self.0.lock().unwrap();
            seen.retain(|(at, _)| at.elapsed() < REMEMBERED);
            seen.push((before, late));
        }
    }

    /// The most since then.
    pub fn since(&self, then: Instant) -> Duration {
        let seen = self.0.lock().unwrap();
        seen.iter().filter(|(at, late)| *at + *late >= then).map(|(_, late)| *late).max().unwrap_or_default()
    }
}
