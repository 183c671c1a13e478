//! `replayer replay GAME`: a recorded game stepped through on a terminal, line by line, so that it can be scripted.

mod read;
mod render;

use std::io::{BufRead, IsTerminal};
use std::path::Path;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::{Map, Value};

use super::{CliError, Out};
use crate::replay::account::{Rules, Settings};
use crate::replay::cursor::archive::Shared;
use crate::replay::cursor::error::CursorError;
use crate::replay::cursor::game_span::Covers;
use crate::replay::cursor::moves::Stopped;
use crate::replay::cursor::orders::{Orders, With};
use crate::replay::cursor::seek::Target;
use crate::replay::cursor::{self, Budget, Cursor};
use crate::sql::cells::visible;
use crate::state::Snapshot;
use crate::store::root::DataRoot;
use crate::tools::replay::unknown_event;

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
    /// As meant: bets are settled, the rug sells. (Unlike the server's: a buy is in units, and a bet waits 5 ticks.)
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
  buy AMOUNT [record]   units at the price of the place; also sell [25%], sidebet AMOUNT; record stores it as a row
  reset                 the local account starts anew at the place
  state [full]          the state at the place, and the local account, JSON
  diff [PLACE]          what differs from a place, else from where it was before the last move   (d)
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
    let mut replay = Replay { archive, cursor, orders, before: None };
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
    /// Where it was before its last move.
    before: Option<(usize, usize)>,
}

enum Answer {
    Lines(Vec<String>),
    Quit,
}

/// The state at a place, with this replay's own account where it has traded.
#[derive(Serialize)]
struct Whole {
    #[serde(flatten)]
    snapshot: Snapshot,
    #[serde(skip_serializing_if = "Option::is_none")]
    local_account: Option<Map<String, Value>>,
}

impl Replay {
    fn command(&mut self, words: &[&str]) -> Result<Answer, String> {
        let (word, rest) = words.split_first().map_or(("step", [].as_slice()), |(word, rest)| (*word, rest));
        match word {
            "buy" | "sell" | "sidebet" | "reset" => self.act(word, rest).map(Answer::Lines),
            "diff" | "d" => self.diff(rest).map(Answer::Lines),
            "state" => self.state(rest.first() == Some(&"full")).map(Answer::Lines),
            "where" | "w" => Ok(Answer::Lines(vec![self.status()])),
            "help" | "h" | "?" => Ok(Answer::Lines(vec![HELP.to_owned()])),
            "quit" | "q" | "exit" => Ok(Answer::Quit),
            _ => self.go(word, rest).map(Answer::Lines),
        }
    }

    /// Moves, and says what was passed, what that settled, and where it is then.
    fn go(&mut self, word: &str, rest: &[&str]) -> Result<Vec<String>, String> {
        let budget = Budget::new(cursor::EVENTS, cursor::TIME);
        let why = |error: CursorError| error.to_string();
        let from = self.cursor.position();
        let from_ref = self.cursor.place().map(|place| place.event_ref).unwrap_or_default();
        let mut in_vain = Vec::new();
        let moved = match word {
            "step" | "s" => {
                let (count, unit) = read::steps(rest)?;
                self.cursor.step(&self.archive, count, unit, &budget).map_err(why)?
            }
            "back" | "b" => {
                let (count, unit) = read::steps(rest)?;
                self.cursor.back(&self.archive, count, unit, &budget).map_err(why)?
            }
            "seek" => self.cursor.seek(&self.archive, &read::target(rest)?, &budget).map_err(why)?,
            "next" | "n" => {
                let target = read::next(rest)?;
                let unknown = match &target {
                    Target::Event(name) => unknown_event(name).map(|unknown| format!("; {unknown}")),
                    _ => None,
                };
                let moved = self.cursor.seek(&self.archive, &target, &budget);
                moved.map_err(|error| format!("{error}{}", unknown.unwrap_or_default()))?
            }
            "run" | "r" => {
                let until = read::condition(&rest.join(" "))?;
                let own = self.orders.places();
                let moved = self.cursor.run(&self.archive, &until, &own, &budget).map_err(why)?;
                if matches!(moved.stopped, Stopped::End | Stopped::LiveEnd) {
                    in_vain.push(format!("it held nowhere from there on; `seek {from_ref}` goes back"));
                    in_vain.extend(until.event_name.as_deref().and_then(unknown_event));
                }
                moved
            }
            other => return Err(format!("{other:?} is no command; `help` lists them")),
        };
        if self.cursor.position() != from {
            self.before = Some(from);
        }
        let mut lines = render::passed(&moved);
        let settled = self.orders.settled(&mut self.cursor, &self.archive, from).map_err(why)?;
        lines.extend(settled.iter().map(render::settled));
        lines.extend(in_vain);
        lines.push(self.status());
        Ok(lines)
    }

    fn act(&mut self, word: &str, rest: &[&str]) -> Result<Vec<String>, String> {
        let (replay_action, record) = read::replay_action(word, rest)?;
        let done = self.orders.act(&mut self.cursor, &self.archive, replay_action, record);
        let done = done.map_err(|error| match &error {
            CursorError::Order(refused) => format!("{error}{}", render::way_on(refused)),
            other => other.to_string(),
        })?;
        let mut lines = render::acted(&done);
        lines.push(self.status());
        Ok(lines)
    }

    fn state(&mut self, full: bool) -> Result<Vec<String>, String> {
        let local_account = self.orders.is_used(&self.cursor).then(|| self.orders.view(&self.cursor, full));
        let whole = Whole { snapshot: self.cursor.snapshot(full), local_account };
        let text = serde_json::to_string_pretty(&whole).map_err(|error| error.to_string())?;
        Ok(text.lines().map(visible).collect())
    }

    fn diff(&mut self, rest: &[&str]) -> Result<Vec<String>, String> {
        let budget = Budget::new(cursor::EVENTS, cursor::TIME);
        let target = if rest.is_empty() { None } else { Some(read::target(rest)?) };
        let with = With { target: target.as_ref(), before: self.before, detailed: false };
        let compared = self.orders.compared(&mut self.cursor, &self.archive, with, &budget);
        Ok(render::compared(&compared.map_err(|error| error.to_string())?))
    }

    /// The place in one line.
    fn status(&mut self) -> String {
        let Some(place) = self.cursor.place() else { return "nowhere".to_owned() };
        let mut line = render::place(&place);
        if self.orders.is_used(&self.cursor) {
            line.push_str(&render::account(&self.orders.view(&self.cursor, false)));
        } else if let Some(cash) = self.cursor.snapshot(false).account.and_then(|account| account.cash) {
            line.push_str(&format!("  cash {cash:.4} (server)"));
        }
        line
    }
}
