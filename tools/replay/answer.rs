//! Does an action and says where the cursor is then.

use serde_json::{Map, Value};

use super::{Action, Args, Moved, OpenCursor, Opened, Output, Recording, ask, refuse, takes};
use crate::replay::account::Action as Side;
use crate::replay::cursor::archive::Shared;
use crate::replay::cursor::error::CursorError;
use crate::replay::cursor::moves::{self, Stopped};
use crate::replay::cursor::orders::{Orders, RefusedOrder, ReplayAction, With};
use crate::replay::cursor::registry::{CursorRegistry, Held};
use crate::replay::cursor::seek::Target;
use crate::replay::cursor::{Budget, Cursor};
use crate::server::errors::ToolError;
use crate::tools::RESULT_BYTES;

/// Differences told at most.
const DIFFERENCES: usize = 200;
/// Recordings told when a cursor is opened.
const RECORDINGS: usize = 10;
/// Prices kept of a state that is too long for an answer.
const PRICES: usize = 300;

/// Answers a call.
///
/// # Errors
/// What happened, why, what to call instead.
pub fn to(registry: &CursorRegistry, args: &Args, budget: &Budget<'_>) -> Result<Output, ToolError> {
    takes::check(args)?;
    match args.action {
        Action::Open => open(registry, args, budget),
        Action::List => Ok(list(registry)),
        Action::Close => {
            let handle = ask::handle(args)?;
            let closed = registry.close(handle).map_err(|error| refuse::tool_error(args, handle, error))?;
            let next = format!("{} opens it again", refuse::again(&closed.opened, &closed.event_ref));
            Ok(Output { next: Some(next), ..Output::default() })
        }
        _ => on_cursor(registry, args, budget),
    }
}

fn open(registry: &CursorRegistry, args: &Args, budget: &Budget<'_>) -> Result<Output, ToolError> {
    let (covers, target) = (ask::covers(args)?, ask::target(args, true)?);
    let orders = Orders::new(ask::settings(args));
    let first = |held: &mut Held, archive: &Shared| {
        if let Some(target) = &target {
            held.cursor.seek(archive, target, budget)?;
        }
        let mut output = at(held, args);
        output.opened = Some(opened(&held.cursor));
        Ok(output)
    };
    let done = registry.open(covers, orders, |cursor| ask::again(args, cursor), first);
    let (handle, output) = done.map_err(|error| refuse::tool_error(args, "", error))?;
    Ok(Output { cursor: Some(handle), ..output })
}

fn opened(cursor: &Cursor) -> Opened {
    let outline = cursor.outline();
    let recordings = outline.choices.iter().take(RECORDINGS).map(|choice| Recording {
        game_id: choice.game_id.clone(),
        session_id: choice.session_id.clone(),
        ticks: choice.ticks,
        complete: choice.complete,
        others: choice.others.iter().map(|(session_id, ..)| session_id.clone()).collect(),
        record: None,
    });
    Opened {
        covers: cursor.extent(),
        recordings: recordings.collect(),
        left_out: outline.left_out.clone(),
        live: cursor.is_live(),
    }
}

fn list(registry: &CursorRegistry) -> Output {
    let cursors = registry.list().into_iter().map(|open| OpenCursor {
        again: refuse::again(&open.opened, &open.event_ref),
        cursor: open.handle,
        game_id: open.game_id,
        event_ref: open.event_ref,
        actions: open.actions,
    });
    let cursors: Vec<OpenCursor> = cursors.collect();
    let next = cursors.is_empty().then(|| r#"replay {"action": "open", "game_id": "…"}"#.to_owned());
    Output { cursors: Some(cursors), next, ..Output::default() }
}

fn on_cursor(registry: &CursorRegistry, args: &Args, budget: &Budget<'_>) -> Result<Output, ToolError> {
    let handle = ask::handle(args)?;
    let target = match args.action {
        Action::Seek => Some(ask::target(args, false)?.ok_or_else(|| {
            ToolError::new(
                "The cursor was not moved",
                "seek names no place: give tick, time, ref, place, phase, event_name or change",
                format!(r#"replay {{"action": "seek", "cursor": "{handle}", "tick": 100}}"#),
            )
        })?),
        Action::Diff => ask::since(args)?,
        _ => None,
    };
    if args.action == Action::Run && args.until.is_none() {
        return Err(ToolError::new(
            "The cursor was not moved",
            "run needs until: the condition to run to",
            format!(r#"replay {{"action": "run", "cursor": "{handle}", "until": {{"rug": true}}}}"#),
        ));
    }
    let replay_action = match args.action {
        Action::Act => Some(replay_action(args, handle)?),
        _ => None,
    };
    let done = registry.with(handle, |held, archive| {
        let from = held.cursor.position();
        let output = act_on(held, archive, args, target.as_ref(), replay_action, budget)?;
        if held.cursor.position() != from {
            held.before = Some(from);
        }
        Ok(output)
    });
    let output = done.map_err(|error| refuse::tool_error(args, handle, error))?;
    Ok(Output { cursor: Some(handle.to_owned()), ..output })
}

fn replay_action(args: &Args, handle: &str) -> Result<ReplayAction, ToolError> {
    let what = "Nothing was done";
    let Some(side) = args.side.as_deref() else {
        let example =
            format!(r#"replay {{"action": "act", "cursor": "{handle}", "side": "BUY", "amount": "0.01"}}"#);
        return Err(ToolError::new(what, "side is missing: BUY, SELL, SIDEBET or RESET", example));
    };
    ReplayAction::from_words(side, args.amount.as_ref(), args.percentage.as_ref()).map_err(|refusal| {
        let refused = RefusedOrder::by_words(refusal, Side::of_word(side));
        ToolError::new(what, refused.to_string(), refuse::order(handle, &refused))
    })
}

fn act_on(
    held: &mut Held,
    archive: &Shared,
    args: &Args,
    target: Option<&Target>,
    replay_action: Option<ReplayAction>,
    budget: &Budget<'_>,
) -> Result<Output, CursorError> {
    let from = held.cursor.place().map(|place| place.event_ref).unwrap_or_default();
    let (count, unit) = (args.n.unwrap_or(1), args.by.unwrap_or_default());
    let moved = match args.action {
        Action::Step => Some(held.cursor.step(archive, count, unit, budget)?),
        Action::Back => Some(held.cursor.back(archive, count, unit, budget)?),
        Action::Seek => target.map(|target| held.cursor.seek(archive, target, budget)).transpose()?,
        Action::Run => {
            let own = held.orders.places();
            let until = args.until.clone().unwrap_or_default();
            Some(held.cursor.run(archive, &until, &own, budget)?)
        }
        Action::Act | Action::State | Action::Diff => {
            held.cursor.follow(archive)?;
            None
        }
        Action::Open | Action::Close | Action::List => None,
    };
    let acted = match replay_action {
        Some(replay_action) => {
            Some(held.orders.act(&mut held.cursor, archive, replay_action, args.record == Some(true))?)
        }
        None => None,
    };
    let mut output = at(held, args);
    output.acted = acted;
    if let Some(moved) = moved {
        output.truncated |= moved.changed_before > 0;
        let mut next: Vec<String> = Vec::new();
        next.extend(in_vain(args, &moved, &from));
        if moved.changed_before > 0 {
            next.push(format!(
                "{} earlier changes were left out; step in smaller pieces to see them",
                moved.changed_before
            ));
        }
        output.next = (!next.is_empty()).then(|| next.join(". "));
        output.moved = Some(told(&moved, args.action));
        output.changed = moved.changed;
    }
    match args.action {
        Action::State => state(held, args, &mut output),
        Action::Diff => diff(held, archive, target, args, budget, &mut output)?,
        _ => {}
    }
    Ok(output)
}

/// How to go on from a run that ended without its condition.
fn in_vain(args: &Args, moved: &moves::Moved, from: &str) -> Option<String> {
    if args.action != Action::Run {
        return None;
    }
    let so_far = match moved.stopped {
        Stopped::End => "",
        Stopped::LiveEnd => " so far",
        Stopped::Bound | Stopped::Time => {
            return Some(format!("not found yet, and there is more: {} goes on", takes::call(args, &[], &[])));
        }
        _ => return None,
    };
    let cursor = args.cursor.as_deref().unwrap_or_default();
    let back = format!(r#"replay {{"action": "seek", "cursor": "{cursor}", "ref": "{from}"}} goes back"#);
    let name = args.until.as_ref().and_then(|until| until.event_name.as_deref());
    let unknown = name.and_then(ask::unknown_event).map_or_else(String::new, |unknown| format!(" ({unknown})"));
    Some(format!("the condition held nowhere from {from} on{so_far}{unknown}; {back}"))
}

fn told(moved: &moves::Moved, action: Action) -> Moved {
    Moved {
        steps: matches!(action, Action::Step | Action::Back).then_some(moved.steps),
        events: moved.events,
        stopped: moved.stopped,
        prices: moved.prices,
    }
}

/// The place, and the money there.
fn at(held: &mut Held, args: &Args) -> Output {
    let mut accounts: Vec<Map<String, Value>> = Vec::new();
    let snapshot = held.cursor.snapshot(false);
    if let Some(Value::Object(mut account)) =
        snapshot.account.and_then(|account| serde_json::to_value(account).ok())
    {
        account.retain(|_, value| !value.is_null());
        account.remove("age_ms");
        account.insert("source".to_owned(), "server".into());
        accounts.push(account);
    }
    if held.orders.is_used(&held.cursor) || accounts.is_empty() {
        accounts.push(held.orders.view(&held.cursor, args.detailed == Some(true)));
    }
    Output { place: held.cursor.place(), accounts, ..Output::default() }
}

fn state(held: &mut Held, args: &Args, output: &mut Output) {
    let snapshot = held.cursor.snapshot(args.detailed == Some(true));
    let Ok(Value::Object(mut state)) = serde_json::to_value(snapshot) else { return };
    if serde_json::to_string(&state).map_or(0, |text| text.len() as u64) > RESULT_BYTES
        && let Some(prices) = state.get_mut("detail").and_then(|detail| detail.get_mut("prices"))
        && let Some(all) = prices.as_array_mut()
    {
        let dropped = all.len().saturating_sub(PRICES);
        all.drain(..dropped);
        output.truncated = true;
        let game = output.place.as_ref().and_then(|place| place.game_id.clone()).unwrap_or_default();
        output.next = Some(format!(
            "detail.prices begins at tick {dropped}; the others: query_sql {{\"sql\": \"SELECT tick, price FROM \
             game_tick WHERE game_id = '{game}' AND tick < {dropped} ORDER BY tick\"}}"
        ));
    }
    output.state = Some(state);
}

fn diff(
    held: &mut Held,
    archive: &Shared,
    target: Option<&Target>,
    args: &Args,
    budget: &Budget<'_>,
    output: &mut Output,
) -> Result<(), CursorError> {
    let with = With { target, before: held.before, detailed: args.detailed == Some(true) };
    let compared = held.orders.compared(&mut held.cursor, archive, with, budget)?;
    output.other = compared.other;
    let mut differences = compared.differences;
    if differences.len() > DIFFERENCES {
        output.truncated = true;
        output.next = Some(format!(
            "{} more values differ; a nearer place, or state at both places, shows them",
            differences.len() - DIFFERENCES
        ));
        differences.truncate(DIFFERENCES);
    }
    output.differences = Some(differences);
    Ok(())
}
