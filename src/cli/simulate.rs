//! `replayer simulate`: a local rugs.fun to record from, to play on, and to test a bot against.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::out::{bytes, count, spinner};
use super::{CliError, Out};
use crate::legacy::import;
use crate::server::run::stop_signal;
use crate::simulator::Config;
use crate::simulator::serve::{self, Fault, Faults, LogTo, Play, Running, ServerConfig, ServerStatus};
use crate::simulator::stored::{self, Stored};
use crate::store::record::now_us;
use crate::store::root::DataRoot;

/// Runs a local rugs.fun: a real Socket.IO server on loopback that plays provably fair games.
///
/// Any client of the real server can connect. Who sends `authenticate` (with any token) is the simulated player:
/// orders are executed, acknowledged and broadcast. With --from it plays what was recorded, byte for byte, with the
/// original spacing. It runs until Ctrl-C, or until what --games or --from name is played.
#[derive(Debug, Args)]
pub struct SimulateArgs {
    /// Where to listen on 127.0.0.1; 0 takes a free port.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Game time per real time, 0.1 to 1000.
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    speed: f64,
    /// Decides the games.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// End after so many games [default: never].
    #[arg(long, value_name = "N", conflicts_with = "from")]
    games: Option<usize>,
    /// Play this capture file (of any format that `legacy import` reads), or this game of the data root.
    #[arg(long, value_name = "FILE|GAME")]
    from: Option<String>,
    /// Play the recording again and again.
    #[arg(long, requires = "from")]
    repeat: bool,
    /// Start with the first client that connects; recordings always do.
    #[arg(long)]
    hold: bool,
    /// Every client is logged in, without asking for it.
    #[arg(long, conflicts_with = "from")]
    logged_in: bool,
    /// Let something go wrong; may be repeated. KIND=WHEN[,DURATION]: drop=30s, stall=1%,2s, garbage=500th,
    /// html=always. Kinds: drop, reset, kick, stall, half-open, slow-reader, reorder, garbage, oversized, binary,
    /// html, eio3.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// Write every WebSocket message that passed, both ways, to this new file as JSON lines.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
    /// Seconds between two heartbeats.
    #[arg(long, default_value_t = 25.0, value_name = "SECONDS")]
    ping_interval: f64,
}

/// How often the terminal's line changes.
const REFRESH: Duration = Duration::from_millis(250);

/// Runs `replayer simulate`; `root` is where the data root is, or would be.
///
/// # Errors
/// When the recording cannot be read, or the server cannot be started.
pub fn run(args: SimulateArgs, root: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let play = match &args.from {
        Some(from) => {
            let stored = recording(from, root)?;
            out.line(describe(from, &stored))?;
            Play::Recording { frames: stored.frames, repeat: args.repeat }
        }
        None => Play::Games(Config {
            seed: args.seed,
            games: args.games.unwrap_or(usize::MAX),
            start_us: now_us(),
            logged_in: args.logged_in,
            keep_truths: false,
            ..Config::default()
        }),
    };
    let ping_interval =
        Duration::try_from_secs_f64(args.ping_interval).ok().filter(|interval| !interval.is_zero());
    let config = ServerConfig {
        addr: SocketAddr::from((Ipv4Addr::LOCALHOST, args.port)),
        speed: args.speed,
        play,
        hold: args.hold || args.from.is_some(),
        faults: Faults { seed: args.seed, all: args.faults },
        log: args.log.map_or(LogTo::Nowhere, LogTo::File),
        ping_interval: ping_interval
            .ok_or_else(|| CliError::Failed("--ping-interval has to be above 0".into()))?,
        ..ServerConfig::default()
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(serve_until_the_end(config, out))
}

async fn serve_until_the_end(config: ServerConfig, out: &mut Out) -> Result<ExitCode, CliError> {
    let (addr, speed, faults) = (config.addr, config.speed, config.faults.clone());
    let log = match &config.log {
        LogTo::File(path) => Some(path.display().to_string()),
        _ => None,
    };
    let running = serve::start(config).await.map_err(|error| {
        let step = match error.kind() {
            ErrorKind::AddrInUse => ". Use --port 0 for a free port",
            ErrorKind::AlreadyExists => ". Name a new file with --log",
            _ => "",
        };
        CliError::Failed(format!("cannot serve on {addr}: {error}{step}"))
    })?;
    out.line(format_args!("Simulated rugs.fun: {}", running.url()))?;
    out.line(format_args!("  speed      {speed} × real time"))?;
    for fault in &faults.all {
        out.line(format_args!("  fault      {fault}"))?;
    }
    if let Some(log) = log {
        out.line(format_args!("  log        {log}"))?;
    }
    out.line(format_args!("  record it  replayer --data ./sim_data record --feed ws://{}", running.addr()))?;
    out.line(format_args!("  see it     {} (?auto=1 logs in and trades)", running.page()))?;
    out.writer().flush()?;
    let bar = spinner("");
    let stopped = tokio::select! {
        () = running.finished() => false,
        () = stop_signal() => true,
        () = show(&running, &bar) => true,
    };
    bar.finish_and_clear();
    let (status, log) = (running.status(), running.sent_log());
    running.stop().await;
    let end = if stopped { "Stopped" } else { "Everything is played" };
    out.line(format_args!("{end}: {} frames ({}) sent.", count(status.frames), bytes(status.bytes)))?;
    match log.failure() {
        Some(reason) => Err(CliError::Failed(format!("the log is not complete: {reason}"))),
        None => Ok(ExitCode::SUCCESS),
    }
}

/// Keeps the terminal's line up to date, for ever.
async fn show(running: &Running, bar: &indicatif::ProgressBar) {
    loop {
        bar.set_message(line(&running.status()));
        tokio::time::sleep(REFRESH).await;
    }
}

fn line(status: &ServerStatus) -> String {
    let game = match (&status.seen, status.recording) {
        (Some(seen), _) => match (seen.tick, seen.price) {
            (Some(tick), Some(price)) => format!("{} {} tick {tick} {price:.2}x", seen.game_id, seen.phase),
            _ => format!("{} {}", seen.game_id, seen.phase),
        },
        (None, (played, all)) => format!("frame {} of {}", count(played as u64), count(all as u64)),
    };
    let faults: u64 = status.faults.values().sum();
    let faults = if faults > 0 { format!(" · {faults} faults") } else { String::new() };
    let (connections, frames) = (status.connections, count(status.frames));
    format!("{game} · {connections} connected · {frames} frames, {}{faults}", bytes(status.bytes))
}

fn describe(from: &str, stored: &Stored) -> String {
    let mut text = format!("{from}: {} frames", count(stored.frames.len() as u64));
    if let (Some(first), Some(last)) = (stored.frames.first(), stored.frames.last()) {
        text.push_str(&format!(", {} s", (last.ts_us - first.ts_us) / 1_000_000));
    }
    if stored.left_out > 0 {
        let left_out = count(stored.left_out as u64);
        text.push_str(&format!("; {left_out} left out (handshakes, heartbeats, acknowledgements, lost payloads)"));
    }
    if stored.rebuilt > 0 {
        let rebuilt = count(stored.rebuilt as u64);
        text.push_str(&format!(
            "; {rebuilt} of an older recorder that kept events, not frames: payloads are its own"
        ));
    }
    if stored.other_recordings > 0 {
        text.push_str(&format!("; {} other recordings of the same are not played", stored.other_recordings));
    }
    text
}

/// Reads a file through the import, or a game from the data root.
fn recording(from: &str, root: &Path) -> Result<Stored, CliError> {
    let file = Path::new(from);
    let stored = if file.exists() { of_file(file)? } else { of_game(from, root)? };
    if stored.frames.is_empty() {
        let why = "it holds no events of a connection (recordings of single games keep ticks only)";
        let step = "`replayer legacy import --dry-run` tells what is in a file";
        return Err(CliError::Failed(format!("{from} cannot be played: {why}. {step}")));
    }
    Ok(stored)
}

/// The import knows all formats: it reads the file into a root that is gone afterwards.
fn of_file(file: &Path) -> Result<Stored, CliError> {
    let scratch = tempfile::tempdir()?;
    let root = DataRoot::create(scratch.path().join("root"))?;
    let options = import::Options { paths: vec![file.to_owned()], ..import::Options::default() };
    let report = import::run(&root, &options, |_, _| ())?;
    if let Some(reason) = report.per_file.iter().find_map(|file| file.reason.as_ref()) {
        return Err(CliError::Failed(format!("{} cannot be played: {reason}", file.display())));
    }
    Ok(stored::of_all(&root)?)
}

fn of_game(game_id: &str, root: &Path) -> Result<Stored, CliError> {
    let stored = match DataRoot::open(root) {
        Ok(root) => stored::of_game(&root, game_id)?,
        // Without a root there are no games; what was meant may be a file.
        Err(_) => Stored::default(),
    };
    if stored.frames.is_empty() {
        let (root, step) = (root.display(), "`replayer sql \"SELECT game_id FROM games\"` lists the games");
        return Err(CliError::Failed(format!("{game_id} is neither a file nor a game in {root}. {step}")));
    }
    Ok(stored)
}
