//! `replayer record`: the capture without MCP, for a machine that records day and night.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tracing_subscriber::EnvFilter;

use super::out::{bytes, count};
use crate::capture::report::Report;
use crate::capture::status::CaptureState;
use crate::capture::{Capture, DEFAULT_BROWSER, DesiredState, Options, Role, SourceState, Status};
use crate::server::recording::Recording;
use crate::server::run::stop_signal;
use crate::store::StoreError;
use crate::store::record::now_us;
use crate::store::root::DataRoot;

/// Records until it is stopped (Ctrl-C, SIGTERM), without serving MCP.
///
/// Where another replayer records already, it waits and takes over within a second when that one ends. What to
/// record is shared by all of them (run/capture.json in the data root): the options here change it for all. Without
/// options it records what was set last, the public feed at least. On a terminal a line shows how it goes;
/// elsewhere the log does, on stderr (RUST_LOG sets its level).
#[derive(Debug, Clone, Default, Args)]
pub struct RecordArgs {
    /// Record the feed at this address [default: that of rugs.fun].
    #[arg(long, value_name = "URL", env = "REPLAYER_FEED_URL")]
    feed: Option<String>,
    /// Do not record the public feed.
    #[arg(long, conflicts_with = "feed")]
    no_feed: bool,
    /// Record from a Chrome that listens here (`replayer doctor` says how to start it).
    #[arg(long, value_name = "URL", num_args = 0..=1, default_missing_value = DEFAULT_BROWSER)]
    browser: Option<String>,
    /// Do not record from a browser.
    #[arg(long, conflicts_with = "browser")]
    no_browser: bool,
    /// Do not keep the semantic index up to date meanwhile: `replayer index build` does it later.
    #[arg(long)]
    no_index: bool,
}

/// How often the log says how it goes, where no terminal shows it.
const LOG_EVERY: Duration = Duration::from_secs(60);

/// Runs until the process is asked to stop; 0 when everything is stored and sealed then, else 1.
pub fn run(args: RecordArgs, path: &Path) -> ExitCode {
    let bar = bar();
    log_to_stderr(&bar);
    match record(&args, path.to_owned(), &bar) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            bar.finish_and_clear();
            eprintln!("replayer record: {error}");
            ExitCode::FAILURE
        }
    }
}

fn record(args: &RecordArgs, path: PathBuf, bar: &ProgressBar) -> Result<(), StoreError> {
    let root = DataRoot::create(path)?;
    super::context::refresh(&root)?;
    set_desired_state(args, &root)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| {
        StoreError::Refused(format!("the system gave no threads: {error}. Close other programs and try again"))
    })?;
    tracing::info!(root = %root.path().display(), "recording");
    let stopped = runtime.block_on(async {
        let recording = Recording::start(&root, Options::new("record"), !args.no_index);
        show_until(&root, recording.capture(), bar, stop_signal()).await;
        bar.set_message("stopping: sealing what was recorded …");
        recording.stop(Duration::MAX).await
    });
    bar.finish_and_clear();
    runtime.shutdown_timeout(Duration::from_millis(100));
    stopped?;
    if let Some(report) = Report::load(&root).filter(|report| report.pid == std::process::id()) {
        tell(bar, &format!("stopped; {} stored and sealed", stored(&report)));
    }
    Ok(())
}

/// Writes what the options say into the shared desired state. Whoever types the command wants to record: when everything
/// had been switched off, the public feed is on again.
fn set_desired_state(args: &RecordArgs, root: &DataRoot) -> Result<(), StoreError> {
    let options = Options::new("record");
    let desired = DesiredState::load(root).unwrap_or_default().sources;
    let nothing =
        !desired.public_ws.on.unwrap_or(options.public_feed) && !desired.cdp.on.unwrap_or(options.browser);
    let explicit = args.feed.is_some() || args.no_feed || args.browser.is_some() || args.no_browser;
    if !explicit && !nothing {
        return Ok(());
    }
    if nothing && !explicit {
        tracing::warn!("the capture had been switched off; it is on again");
    }
    DesiredState::change(root, "replayer record", |desired| {
        let feed = &mut desired.sources.public_ws;
        if args.no_feed {
            feed.on = Some(false);
        } else if args.feed.is_some() || (nothing && args.browser.is_none()) {
            feed.on = Some(true);
        }
        if args.feed.is_some() {
            feed.address.clone_from(&args.feed);
        }
        let browser = &mut desired.sources.cdp;
        if args.no_browser {
            browser.on = Some(false);
        } else if args.browser.is_some() {
            browser.on = Some(true);
            browser.address.clone_from(&args.browser);
        }
    })?;
    Ok(())
}

/// Shows how it goes until `stop` is ready.
async fn show_until(root: &DataRoot, capture: &Capture, bar: &ProgressBar, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let role = capture.role();
    let mut looks = interval(Duration::from_millis(500));
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_log = Instant::now() + LOG_EVERY;
    loop {
        tokio::select! {
            () = &mut stop => return,
            _ = looks.tick() => {}
        }
        let logs = bar.is_hidden() && Instant::now() >= next_log;
        if bar.is_hidden() && !logs {
            continue;
        }
        let (root, role) = (root.clone(), role.borrow().clone());
        let Ok(line) = tokio::task::spawn_blocking(move || describe(&Status::read(&root), &role)).await else {
            continue;
        };
        if logs {
            next_log = Instant::now() + LOG_EVERY;
            tracing::info!("{line}");
        } else {
            bar.set_message(line);
        }
    }
}

/// How it stands, in one line.
fn describe(status: &Status, role: &Role) -> String {
    let mut parts = Vec::new();
    match role {
        Role::Following { holder } => parts.push(format!("waiting: {holder} records")),
        Role::Unable { reason } => return format!("cannot record: {reason}"),
        Role::Off => return "everything is switched off".to_owned(),
        Role::Starting | Role::Capturing { .. } => {}
    }
    if status.capture == CaptureState::Stalled {
        parts.push(format!("STALLED, nothing is lost: {}", status.note.as_deref().unwrap_or_default()));
    }
    let report = status.report.as_ref().filter(|report| !report.ended);
    for (name, source) in report.iter().flat_map(|report| &report.sources) {
        let state = match &source.numbers.connection {
            SourceState::Off => continue,
            SourceState::Connecting { .. } => "connecting".to_owned(),
            SourceState::Connected { .. } => {
                let age = source.numbers.last_frame_us.map(|us| (now_us() - us).max(0) as f64 / 1e6);
                let age = age.map_or_else(String::new, |age| format!(", last {age:.1} s ago"));
                format!("{:.1} frames/s, {}/s{age}", source.frames_per_s, bytes(source.bytes_per_s as u64))
            }
            SourceState::Failed { reason, next_step, next_try_us, .. } => {
                let wait = next_try_us.map_or(0, |us| (us - now_us()).max(0) / 1_000_000);
                format!("{reason}. {next_step} (next try in {wait} s)")
            }
        };
        parts.push(format!("{name}: {state}"));
        if source.numbers.as_bytes > 0 {
            parts.push(format!("{} kept as bytes", count(source.numbers.as_bytes)));
        }
        if source.numbers.dropped > 0 {
            parts.push(format!("{} not whole", count(source.numbers.dropped)));
        }
    }
    if let Some(report) = report {
        parts.push(stored(report));
    }
    if let Some(free) = status.disk_free_bytes {
        parts.push(format!("{} free", bytes(free)));
    }
    parts.join(" · ")
}

fn stored(report: &Report) -> String {
    let frames: u64 = report.sources.values().map(|source| source.numbers.received + source.numbers.sent).sum();
    format!("{} frames ({})", count(frames), bytes(report.journal.appended_bytes))
}

/// The line on a terminal; hidden elsewhere.
fn bar() -> ProgressBar {
    let is_terminal = io::stderr().is_terminal();
    let target = if is_terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(None, target);
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {wide_msg}") {
        bar.set_style(style);
    }
    if is_terminal {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}

fn tell(bar: &ProgressBar, text: &str) {
    if bar.is_hidden() {
        tracing::info!("{text}");
    } else {
        eprintln!("{text}");
    }
}

/// Sends the log to stderr, above the line where there is one.
fn log_to_stderr(bar: &ProgressBar) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,replayer=info"));
    let bar = bar.clone();
    let _ = tracing_subscriber::fmt()
        .with_writer(move || AboveBar(bar.clone()))
        .with_ansi(false)
        .with_env_filter(filter)
        .try_init();
}

/// Writes to stderr while the line is out of the way.
struct AboveBar(ProgressBar);

impl Write for AboveBar {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().write_all(text)).map(|()| text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn root() -> (tempfile::TempDir, DataRoot) {
        let folder = tempfile::tempdir().unwrap();
        let root = DataRoot::create(folder.path().join("root")).unwrap();
        (folder, root)
    }

    fn wished(root: &DataRoot, args: RecordArgs) -> (Option<bool>, Option<String>, Option<bool>) {
        set_desired_state(&args, root).unwrap();
        let desired = DesiredState::load(root).unwrap().sources;
        (desired.public_ws.on, desired.public_ws.address, desired.cdp.on)
    }

    #[test]
    fn without_options_the_wish_stays_as_it_is_unless_everything_is_off() {
        let (_folder, root) = root();
        assert_eq!(wished(&root, RecordArgs::default()), (None, None, None));
        assert!(!DesiredState::path(&root).exists());
        DesiredState::change(&root, "test", |desired| desired.sources.public_ws.on = Some(false)).unwrap();
        assert_eq!(wished(&root, RecordArgs::default()).0, Some(true));
    }

    #[test]
    fn options_change_the_wish_for_all() {
        let (_folder, root) = root();
        let url = Some("ws://127.0.0.1:1/".to_owned());
        let args =
            RecordArgs { feed: url.clone(), browser: Some(DEFAULT_BROWSER.into()), ..RecordArgs::default() };
        assert_eq!(wished(&root, args), (Some(true), url.clone(), Some(true)));
        let args = RecordArgs { no_feed: true, ..RecordArgs::default() };
        assert_eq!(wished(&root, args), (Some(false), url, Some(true)));
    }

    #[test]
    fn a_follower_says_whom_it_waits_for() {
        let (_folder, root) = root();
        let role = Role::Following { holder: "`replayer serve`, process 7".into() };
        assert!(describe(&Status::read(&root), &role).contains("waiting: `replayer serve`, process 7 records"));
    }
}
