//! `replayer watch`: the frames as they come, on a terminal, with the live state as a status line. Follows the
//! journal like any other reader, so it shows what is durable, whoever records.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::{CliError, Out};
use crate::protocol::line;
use crate::sql::cells::visible;
use crate::state::condition::{Condition, Seen, Watcher};
use crate::state::health::Liveness;
use crate::state::live::Live;
use crate::state::rows::Row;
use crate::state::{Event, Snapshot};
use crate::store::root::DataRoot;

/// Show the frames as they are recorded, with the state of the game below them.
///
/// Only frames that pass all filters are shown. Something has to record meanwhile: `replayer record`, or a server.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// Only this event; several times for several.
    #[arg(long = "event", value_name = "NAME")]
    events: Vec<String>,
    /// Leave this event out; several times for several.
    #[arg(long = "except", value_name = "NAME")]
    except: Vec<String>,
    /// Only in this phase: COOLDOWN, PRESALE, ACTIVE, RUGGED.
    #[arg(long)]
    phase: Option<String>,
    /// Only events with this field: PATH, PATH=VALUE, PATH>NUMBER or PATH<NUMBER, like "amount>1".
    #[arg(long, value_name = "TEST")]
    field: Option<String>,
    /// Only received or sent frames.
    #[arg(long, value_name = "WAY")]
    direction: Option<String>,
    /// Pings, pongs and other frames without an event too.
    #[arg(long)]
    all: bool,
    /// Whole frames, not their beginning.
    #[arg(long)]
    long: bool,
    /// One JSON object per frame, for programs.
    #[arg(long)]
    json: bool,
    /// End after this many frames.
    #[arg(long, value_name = "N")]
    count: Option<u64>,
    /// End after this many seconds.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
}

/// How often the journal is looked at, and the status line drawn.
const LOOK: Duration = Duration::from_millis(40);
const DRAW: Duration = Duration::from_millis(200);

/// Characters of a frame's payload in a line.
const PREVIEW: usize = 110;

/// Runs `replayer watch` until it is interrupted or has shown what was asked for.
///
/// # Errors
/// When a filter cannot be understood, or the store cannot be read.
pub fn run(args: WatchArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    let mut filter = Filter::new(&args)?;
    let mut live = Live::open(&root)?;
    let screen = Screen::new(args.json);
    let stopped = stop_flag()?;
    let began = Instant::now();
    let (mut drawn, mut shown, mut gone) = (Instant::now(), 0, false);
    screen.draw(&live.snapshot());
    while !stopped.load(Ordering::Relaxed) && !gone {
        let mut lines = Vec::new();
        live.poll_rows(|row, _, _| {
            if let Row::Event(event) = row
                && args.count.is_none_or(|most| shown < most)
                && let Some(line) = filter.line(&event, &args, screen.colours)
            {
                shown += 1;
                lines.push(line);
            }
        })?;
        for line in lines {
            gone |= !screen.print(out, &line);
        }
        if drawn.elapsed() >= DRAW {
            drawn = Instant::now();
            screen.draw(&live.snapshot());
        }
        let over = args.seconds.is_some_and(|seconds| began.elapsed() >= Duration::from_secs(seconds));
        if over || args.count.is_some_and(|most| shown >= most) {
            break;
        }
        std::thread::sleep(LOOK);
    }
    screen.bar.finish_and_clear();
    Ok(ExitCode::SUCCESS)
}

/// Set when the process is asked to stop.
fn stop_flag() -> Result<Arc<AtomicBool>, CliError> {
    let stopped = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stopped);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(crate::server::run::stop_signal());
        flag.store(true, Ordering::Relaxed);
    })?;
    Ok(stopped)
}

/// Which frames are shown.
struct Filter {
    watcher: Option<Watcher>,
}

impl Filter {
    fn new(args: &WatchArgs) -> Result<Filter, CliError> {
        let mut condition = Condition {
            phase: args.phase.clone(),
            direction: args.direction.clone(),
            ..args.field.as_deref().map(field_test).transpose()?.unwrap_or_default()
        };
        // One name is part of the condition; several are looked at one by one.
        if let [name] = args.events.as_slice() {
            condition.event_name = Some(name.clone());
        }
        let watcher = match condition == Condition::default() {
            true => None,
            false => Some(Watcher::new(condition).map_err(|error| CliError::Failed(error.to_string()))?),
        };
        Ok(Filter { watcher })
    }

    /// The line of a frame, if it is to be shown.
    fn line(&mut self, event: &Event<'_>, args: &WatchArgs, colours: bool) -> Option<String> {
        let inner = line::inner(event.format, event.text);
        let decoded = match &inner {
            Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
            None => line::decode(event.format, event.event_name, event.text),
        };
        // The watcher sees every frame: it keeps the phase.
        let passes = self
            .watcher
            .as_mut()
            .is_none_or(|watcher| watcher.see_any(&Seen { event: &decoded, direction: event.direction }));
        let name = decoded.name.as_deref();
        let wanted =
            args.events.is_empty() || name.is_some_and(|name| args.events.iter().any(|event| event == name));
        let left_out = name.is_some_and(|name| args.except.iter().any(|event| event == name));
        if !passes || !wanted || left_out || (name.is_none() && decoded.ack_id.is_none() && !args.all) {
            return None;
        }
        if args.json {
            let line = json!({"session_id": event.session_id, "seq": event.seq, "ts_us": event.ts,
                "source": event.source, "direction": event.direction, "event_name": name, "raw_json": event.text});
            return Some(line.to_string());
        }
        Some(self.shown(event, &decoded, args.long, colours))
    }

    fn shown(&self, event: &Event<'_>, decoded: &line::Event<'_>, long: bool, colours: bool) -> String {
        let time = event
            .ts
            .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
            .map_or_else(|| "--:--:--.---".to_owned(), |time| time.strftime("%H:%M:%S.%3f").to_string());
        let arrow = if event.is_sent() { '↑' } else { '↓' };
        let name = match (decoded.name.as_deref(), decoded.ack_id) {
            (Some(name), Some(id)) => format!("{name} #{id}"),
            (Some(name), None) => name.to_owned(),
            (None, Some(id)) => format!("ack #{id}"),
            (None, None) => "frame".to_owned(),
        };
        let text = decoded.payload.map_or(event.text, |payload| payload.get());
        let mut text: String = if long { visible(text) } else { visible(text).chars().take(PREVIEW).collect() };
        if text.len() < event.text.len() && !long {
            text.push('…');
        }
        let name = format!("{name:<24}");
        if colours {
            format!("\x1b[2m{time}\x1b[0m {arrow} \x1b[{}m{name}\x1b[0m {text}", colour(decoded.name.as_deref()))
        } else {
            format!("{time} {arrow} {name} {text}")
        }
    }
}

/// `amount>1`, `type=buy`, `amount`.
pub(super) fn field_test(text: &str) -> Result<Condition, CliError> {
    let number = |value: &str| {
        value.trim().parse::<f64>().map_err(|_| {
            CliError::Failed(format!(
                "{text:?} compares with {value:?}, which is no number. Write it like \"amount>1\""
            ))
        })
    };
    let Some(at) = text.find(['=', '>', '<']) else {
        return Ok(Condition { field: Some(text.to_owned()), ..Condition::default() });
    };
    let (path, rest) = text.split_at(at);
    let value = rest.get(1..).unwrap_or_default();
    let base = Condition { field: Some(path.trim().to_owned()), ..Condition::default() };
    Ok(match rest.chars().next() {
        Some('>') => Condition { above: Some(number(value)?), ..base },
        Some('<') => Condition { below: Some(number(value)?), ..base },
        _ => {
            let value =
                serde_json::from_str(value.trim()).unwrap_or_else(|_| Value::String(value.trim().to_owned()));
            Condition { equals: Some(value), ..base }
        }
    })
}

/// The colour of an event type: the frequent ones have their own, the others share the rest by name.
fn colour(name: Option<&str>) -> u8 {
    match name {
        Some("gameStateUpdate") => 36,
        Some("standard/newTrade") => 32,
        Some("playerUpdate" | "gameStatePlayerUpdate") => 33,
        Some("newChatMessage") => 90,
        Some("buyOrder" | "sellOrder" | "requestSidebet") => 91,
        Some(name) => {
            let sum = name.bytes().fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
            [34, 35, 92, 94, 95, 96].get(sum % 6).copied().unwrap_or(35)
        }
        None => 2,
    }
}

/// Lines above, the status line below; on no terminal only lines.
struct Screen {
    bar: ProgressBar,
    colours: bool,
    is_terminal: bool,
}

impl Screen {
    fn new(json: bool) -> Screen {
        let is_terminal = std::io::stdout().is_terminal() && !json;
        let target = if is_terminal { ProgressDrawTarget::stdout() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let colours = is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Screen { bar, colours, is_terminal }
    }

    /// Prints a line above the status; `false` when nobody reads any more.
    fn print(&self, out: &mut Out, line: &str) -> bool {
        if self.is_terminal { self.bar.suspend(|| out.line(line)).is_ok() } else { out.line(line).is_ok() }
    }

    fn draw(&self, snapshot: &Snapshot) {
        self.bar.set_message(status(snapshot, self.colours));
        self.bar.tick();
    }
}

/// The state in one line.
fn status(snapshot: &Snapshot, colours: bool) -> String {
    let (word, colour) = match snapshot.status {
        Some(Liveness::Live) => ("LIVE", "1;30;42"),
        Some(Liveness::Stale) => ("STALE", "1;30;43"),
        Some(Liveness::Offline) | None => ("OFFLINE", "1;37;41"),
    };
    let mut line = if colours { format!("\x1b[{colour}m {word} \x1b[0m") } else { word.to_owned() };
    let Some(game) = &snapshot.game else {
        line.push_str("  no game was seen yet");
        return line;
    };
    line.push_str(&format!("  {}  {}", game.game_id, game.phase.unwrap_or("phase unknown")));
    if let Some(timer) = game.timer_ms.filter(|timer| *timer > 0.0) {
        line.push_str(&format!(" {:.1} s", timer / 1000.0));
    }
    if let Some(tick) = game.tick {
        line.push_str(&format!("  tick {tick}"));
    }
    if let Some(price) = game.price {
        line.push_str(&format!("  {price:.4}x"));
    }
    if let Some(peak) = game.peak {
        line.push_str(&format!("  peak {peak:.2}x"));
    }
    if let Some(account) = &snapshot.account
        && let Some(cash) = account.cash
    {
        line.push_str(&format!("  cash {cash:.4}"));
    }
    if let Some(age) = game.stamp.age_ms {
        line.push_str(&format!("  {:.1} s ago", age as f64 / 1000.0));
    }
    line
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn a_field_test_is_read_as_it_is_written() {
        let test = field_test("amount>1.5").unwrap();
        assert_eq!((test.field.as_deref(), test.above), (Some("amount"), Some(1.5)));
        let test = field_test("type = buy").unwrap();
        assert_eq!((test.field.as_deref(), test.equals), (Some("type"), Some(json!("buy"))));
        assert_eq!(field_test("list[0].x=7").unwrap().equals, Some(json!(7)));
        assert_eq!(field_test("amount").unwrap().equals, None);
        assert!(field_test("amount<much").unwrap_err().to_string().contains("no number"));
    }

    #[test]
    fn an_empty_state_is_offline() {
        let snapshot = crate::state::Fold::new().snapshot(0);
        assert!(status(&snapshot, false).starts_with("OFFLINE"));
    }
}
