//! `replayer replay GAME`: a recorded game stepped through on a terminal, line by line, so that it can be scripted.

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::{CliError, Out, watch};
use crate::protocol::phase::Phase;
use crate::replay::account::{Order, Rules, Settings};
use crate::replay::cursor::archive::Shared;
use crate::replay::cursor::chapter::Covers;
use crate::replay::cursor::error::CursorError;
use crate::replay::cursor::moves::{Moved, Stopped, Unit};
use crate::replay::cursor::orders::Orders;
use crate::replay::cursor::seek::{NOTES, Target};
use crate::replay::cursor::{self, Budget, Cursor};
use crate::sql::cells::visible;
use crate::state::condition::Condition;
use crate::store::root::DataRoot;

/// Step through a recorded game: forward, back, to a place, until something happens; trade in it.
///
/// Commands are read line by line, from a terminal or a pipe; `help` lists them. Of several recordings of the game
/// the whole one with most ticks is taken.
#[derive(Debug, Args)]
pub struct ReplayArgs {
    /// The game's id, or a session's: then all its games in a row.
    game: String,
    /// Take the game from this session.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// The rules of the local account.
    #[arg(long, value_enum, default_value_t = RulesArg::Right)]
    rules: RulesArg,
}

/// The rule book of the local account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum RulesArg {
    /// As meant, and as the server plays.
    Right,
    /// The desktop application's, with its defects.
    Legacy,
}

const HELP: &str = "\
  step [N] [event]      forward, by ticks or by events      (s, or an empty line)
  back [N] [event]      back                                (b)
  seek TICK             to a tick; also a time (2026-01-01T14:03:22Z), session:seq, start, end
  next NAME             to the next PRESALE, ACTIVE, RUGGED, event name, or change (game_rugged, own_trade, …)
  run CONDITION         until it holds: rug, own, price>5, price<0.5, drawdown>0.5, event=NAME, FIELD>1, FIELD=x
  buy AMOUNT            units at the price of the place; also sell [25%], sidebet AMOUNT
  state [full]          the state at the place, JSON
  where                 the place again                     (w)
  quit                                                      (q)";

/// Runs `replayer replay`.
///
/// # Errors
/// When the game cannot be opened. A command that fails says why, and the replay goes on.
pub fn run(args: ReplayArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let archive = Shared::open(&DataRoot::open(path)?)?;
    let game = args.game.trim().to_owned();
    let covers = match game.parse::<crate::store::ids::SessionId>() {
        Ok(session) => Covers::Session(session.to_string()),
        Err(_) => Covers::Games { ids: vec![game], session_id: args.session },
    };
    let rules = if args.rules == RulesArg::Legacy { Rules::Legacy } else { Rules::Right };
    let cursor = Cursor::open(&archive, covers).map_err(failed)?;
    let orders = Orders::new(Settings { rules, ..Settings::default() });
    let mut replay = Replay { archive, cursor, orders };
    let interactive = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    for choice in &replay.cursor.outline().choices {
        let others = match choice.others.len() {
            0 => String::new(),
            count => format!("; {count} other recordings, --session takes one"),
        };
        out.line(format_args!("{} from session {}{others}", choice.game_id, choice.session_id))?;
    }
    out.line(format_args!("{}. `help` lists the commands.", replay.cursor.extent()))?;
    out.line(replay.status())?;
    let mut input = std::io::stdin().lock();
    let mut line = String::new();
    loop {
        if interactive {
            write!(out.writer(), "> ")?;
            out.writer().flush()?;
        }
        line.clear();
        if input.read_line(&mut line)? == 0 {
            return Ok(ExitCode::SUCCESS);
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match replay.command(&words) {
            Ok(Answer::Quit) => return Ok(ExitCode::SUCCESS),
            Ok(Answer::Lines(lines)) => {
                for line in lines {
                    out.line(line)?;
                }
            }
            Err(why) => out.line(format_args!("not done: {why}"))?,
        }
        out.writer().flush()?;
    }
}

fn failed(error: CursorError) -> CliError {
    match error {
        CursorError::Store(error) => CliError::Store(error),
        other => {
            CliError::Failed(format!("{other}. `replayer sql \"SELECT game_id FROM games\"` lists the games"))
        }
    }
}

struct Replay {
    archive: Shared,
    cursor: Cursor,
    orders: Orders,
}

enum Answer {
    Lines(Vec<String>),
    Quit,
}

impl Replay {
    fn command(&mut self, words: &[&str]) -> Result<Answer, String> {
        let budget = Budget::new(cursor::EVENTS, cursor::TIME);
        let told = |error: CursorError| error.to_string();
        let (word, rest) = words.split_first().map_or(("step", [].as_slice()), |(word, rest)| (*word, rest));
        let moved = match word {
            "step" | "s" => {
                let (count, unit) = steps(rest)?;
                self.cursor.step(&self.archive, count, unit, &budget).map_err(told)?
            }
            "back" | "b" => {
                let (count, unit) = steps(rest)?;
                self.cursor.back(&self.archive, count, unit, &budget).map_err(told)?
            }
            "seek" => self.cursor.seek(&self.archive, &target(rest)?, &budget).map_err(told)?,
            "next" | "n" => self.cursor.seek(&self.archive, &next(rest)?, &budget).map_err(told)?,
            "run" | "r" => {
                let until = condition(&rest.join(" "))?;
                let own = self.orders.places();
                self.cursor.run(&self.archive, &until, &own, &budget).map_err(told)?
            }
            "buy" | "sell" | "sidebet" => return self.act(word, rest),
            "state" => {
                let full = rest.first() == Some(&"full");
                let snapshot = self.cursor.snapshot(full);
                let text = serde_json::to_string_pretty(&snapshot).map_err(|error| error.to_string())?;
                return Ok(Answer::Lines(text.lines().map(visible).collect()));
            }
            "where" | "w" => return Ok(Answer::Lines(vec![self.status()])),
            "help" | "h" | "?" => return Ok(Answer::Lines(vec![HELP.to_owned()])),
            "quit" | "q" | "exit" => return Ok(Answer::Quit),
            other => return Err(format!("{other:?} is no command; `help` lists them")),
        };
        let mut lines = passed(&moved);
        lines.push(self.status());
        Ok(Answer::Lines(lines))
    }

    fn act(&mut self, word: &str, rest: &[&str]) -> Result<Answer, String> {
        let value = rest.first().map(|text| Value::from(*text));
        let (amount, part) = if word == "sell" { (None, value) } else { (value, None) };
        let order = Order::from_words(word, amount.as_ref(), part.as_ref())
            .map_err(|refusal| format!("{refusal}. {}", refusal.advice()))?;
        let told =
            self.orders.act(&mut self.cursor, &self.archive, order, false).map_err(|error| error.to_string())?;
        let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or("?").to_owned();
        let line =
            format!("{} {} at {}: balance {}", text("action"), text("amount"), text("price"), text("new_balance"));
        let removed = told.get("removed").and_then(Value::as_array).into_iter().flatten();
        let mut lines = vec![line];
        lines.extend(removed.filter_map(Value::as_str).map(|why| format!("removed {why}")));
        lines.push(self.status());
        Ok(Answer::Lines(lines))
    }

    /// The place in one line.
    fn status(&mut self) -> String {
        let Some(place) = self.cursor.place() else { return "nowhere".to_owned() };
        let mut line = place.game.map_or_else(String::new, |game| format!("{game}  "));
        line.push_str(place.game_id.as_deref().unwrap_or("no game yet"));
        line.push_str(&format!("  {}", place.phase.as_deref().unwrap_or("phase unknown")));
        if let Some(tick) = place.tick {
            line.push_str(&format!("  tick {tick}"));
        }
        if let Some(price) = place.price {
            line.push_str(&format!("  {price:.4}x"));
        }
        line.push_str(&format!("  {}/{}  {}", place.event_number, place.events, visible(&place.event)));
        if let Some(at) = place.at {
            line.push_str(&format!("  ({})", at.replace('_', " ")));
        }
        if self.orders.is_used(&self.cursor) {
            let account = self.orders.account(&self.cursor);
            line.push_str(&format!("  balance {}", account.balance().normalize()));
            if let Some(position) = account.position() {
                line.push_str(&format!(
                    ", {} at {}",
                    position.amount.normalize(),
                    position.entry_price.normalize()
                ));
            }
        } else if let Some(cash) = self.cursor.snapshot(false).account.and_then(|account| account.cash) {
            line.push_str(&format!("  cash {cash:.4} (server)"));
        }
        line
    }
}

/// `[N] [event]`.
fn steps(words: &[&str]) -> Result<(u64, Unit), String> {
    let (mut count, mut unit) = (1, Unit::Tick);
    for word in words {
        match *word {
            "event" | "events" | "e" => unit = Unit::Event,
            "tick" | "ticks" | "t" => unit = Unit::Tick,
            number => {
                count = number.parse().map_err(|_| format!("{number:?} is no number of steps"))?;
            }
        }
    }
    Ok((count, unit))
}

fn target(words: &[&str]) -> Result<Target, String> {
    let word = words.first().copied().unwrap_or_default();
    match word {
        "start" => return Ok(Target::Start),
        "end" => return Ok(Target::End),
        _ => {}
    }
    if let Ok(tick) = word.parse() {
        return Ok(Target::Tick { game_id: None, tick });
    }
    if let Ok(address) = word.parse() {
        return Ok(Target::Ref(address));
    }
    let time = word.parse::<jiff::Timestamp>();
    time.map(|time| Target::Time(time.as_microsecond()))
        .map_err(|_| format!("{word:?} is no place: a tick, a time, session:seq, start or end"))
}

fn next(words: &[&str]) -> Result<Target, String> {
    let name = words.first().copied().ok_or("next what? A phase, an event name or a change, like RUGGED")?;
    let phases = [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged];
    if let Some(phase) = phases.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name)) {
        return Ok(Target::Phase(phase));
    }
    Ok(if NOTES.contains(&name) { Target::Note(name.to_owned()) } else { Target::Event(name.to_owned()) })
}

/// `rug`, `own`, `price>5`, `drawdown>0.5`, `event=NAME`, or a test of a field.
fn condition(text: &str) -> Result<Condition, String> {
    let number = |text: &str| text.trim().parse::<f64>().map_err(|_| format!("{text:?} is no number"));
    let base = Condition::default();
    let text = text.trim();
    Ok(match text.split_once(['>', '<', '=']).map(|(left, right)| (left.trim(), right.trim())) {
        None if text == "rug" => Condition { rug: Some(true), ..base },
        None if text == "own" => Condition { own_trade: Some(true), ..base },
        Some(("price", right)) if text.contains('>') => Condition { price_above: Some(number(right)?), ..base },
        Some(("price", right)) if text.contains('<') => Condition { price_below: Some(number(right)?), ..base },
        Some(("drawdown", right)) if text.contains('>') => {
            Condition { drawdown_above: Some(number(right)?), ..base }
        }
        Some(("event", right)) => Condition { event_name: Some(right.to_owned()), ..base },
        _ if text.is_empty() => return Err("run until what? Like run price>5; `help` lists them".to_owned()),
        _ => watch::field_test(text).map_err(|error| error.to_string())?,
    })
}

/// What a move passed, and why it ended where it did.
fn passed(moved: &Moved) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    if moved.changed_before > 0 {
        lines.push(format!("… {} changes before these", moved.changed_before));
    }
    for changed in &moved.changed {
        let mut note = changed.note.clone();
        let name = note.remove("note").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        let text = Value::Object(note).to_string();
        lines.push(format!("  {name} {}", visible(&text)));
    }
    let why = match moved.stopped {
        Stopped::Done | Stopped::ConditionHolds => return lines,
        Stopped::OwnAction => "an action of this replay stands here",
        Stopped::Start => "that is the start",
        Stopped::End => "that is the end",
        Stopped::LiveEnd => "that is all so far; it is still being recorded",
        Stopped::Bound => "stopped: as many events as a move looks at",
        Stopped::Time => "stopped: as long as a move takes",
    };
    lines.push(why.to_owned());
    lines
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn conditions_are_read_as_they_are_written() {
        assert_eq!(condition("price>5").unwrap().price_above, Some(5.0));
        assert_eq!(condition("price < 0.5").unwrap().price_below, Some(0.5));
        assert_eq!(condition("drawdown>0.5").unwrap().drawdown_above, Some(0.5));
        assert_eq!(condition("rug").unwrap().rug, Some(true));
        assert_eq!(condition("event=ping").unwrap().event_name.as_deref(), Some("ping"));
        let field = condition("amount>1").unwrap();
        assert_eq!((field.field.as_deref(), field.above), (Some("amount"), Some(1.0)));
        assert!(condition("price>much").is_err() && condition("").is_err());
    }

    #[test]
    fn places_are_read_as_they_are_written() {
        assert_eq!(target(&["12"]).unwrap(), Target::Tick { game_id: None, tick: 12 });
        assert_eq!(target(&["end"]).unwrap(), Target::End);
        assert!(matches!(target(&["2026-01-01T00:00:00Z"]).unwrap(), Target::Time(_)));
        assert!(target(&["nowhere"]).is_err());
        assert_eq!(next(&["rugged"]).unwrap(), Target::Phase(Phase::Rugged));
        assert_eq!(next(&["ping"]).unwrap(), Target::Event("ping".into()));
        assert_eq!(steps(&["5", "event"]).unwrap(), (5, Unit::Event));
        assert!(steps(&["few"]).is_err());
    }
}
