//! Waiting for what must happen, instead of for a time that should be enough.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// The longest wait for anything. Only a test that fails waits so long: a machine with other work to do needs many times
/// what an idle one does, and a test must not tell the two apart.
pub const TIMEOUT: Duration = Duration::from_secs(120);

/// How long a query must have kept a processor busy to be under way: far more than its parsing and planning take.
const UNDER_WAY: Duration = Duration::from_millis(100);

/// Waits until it is so.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < TIMEOUT, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Waits until it is so, and lets the runtime work meanwhile.
pub async fn until_async(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < TIMEOUT, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What must end, whatever else the machine does.
pub async fn in_time<T>(what: &str, work: impl Future<Output = T>) -> T {
    tokio::time::timeout(TIMEOUT, work).await.unwrap_or_else(|_| panic!("waited in vain: {what}"))
}

/// A query is under way when one of the processes that may run it has worked for a while since this was made.
pub struct UnderWay {
    before: HashMap<u32, Duration>,
}

impl UnderWay {
    /// Made before the query is sent. The processes have to be past their own start.
    pub fn watch(pids: &[u32]) -> UnderWay {
        assert!(!pids.is_empty(), "there is no worker to watch");
        UnderWay { before: pids.iter().map(|pid| (*pid, processor_time(*pid))).collect() }
    }

    /// Whether one of these processes, some of which may be new, runs the query.
    pub fn is_so(&self, pids: &[u32]) -> bool {
        let spent =
            |pid: &u32| processor_time(*pid).saturating_sub(self.before.get(pid).copied().unwrap_or_default());
        pids.iter().any(|pid| spent(pid) >= UNDER_WAY)
    }
}

/// What a process has spent on processors; nothing when it is gone.
pub fn processor_time(pid: u32) -> Duration {
    if cfg!(target_os = "linux") {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // Behind the name, which may hold anything: state is field 3, utime and stime are 14 and 15, in hundredths.
        let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks = |field: usize| fields.get(field - 3).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
        return Duration::from_millis(10 * (ticks(14) + ticks(15)));
    }
    // Minutes and seconds, elsewhere.
    let said = std::process::Command::new("ps").args(["-o", "time=", "-p", &pid.to_string()]).output();
    let text = said.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let seconds = text.trim().split([':', '-']).fold(0.0, |sum, part| sum * 60.0 + part.parse().unwrap_or(0.0));
    Duration::from_secs_f64(seconds)
}

/// Whether a process has ended, so that its parent can collect it.
pub fn is_gone(pid: u32) -> bool {
    if cfg!(target_os = "linux") {
        // A zombie that nobody has collected has ended, but not while it has other threads, which end one by one.
        let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return true };
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count);
        return stat.contains(") Z ") && threads <= 1;
    }
    let said = std::process::Command::new("ps").args(["-o", "stat=", "-p", &pid.to_string()]).output();
    said.is_ok_and(|output| matches!(output.stdout.trim_ascii().first(), None | Some(b'Z')))
}
