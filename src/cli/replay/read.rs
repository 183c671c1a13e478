//! Commands as they are typed: how far, where to, until when, what to do.

use serde_json::Value;

use super::super::watch;
use crate::protocol::phase::Phase;
use crate::replay::cursor::moves::Unit;
use crate::replay::cursor::orders::{RefusedOrder, ReplayAction};
use crate::replay::cursor::seek::{NOTES, Target};
use crate::state::condition::Condition;

/// `buy AMOUNT`, `sell [PART]`, `sidebet AMOUNT`, `reset`, each with `record` behind it where it is to be stored.
pub(super) fn replay_action(word: &str, rest: &[&str]) -> Result<(ReplayAction, bool), String> {
    let (rest, record) = match rest {
        [before @ .., "record"] => (before, true),
        _ => (rest, false),
    };
    let value = match rest {
        [] => None,
        [one] => Some(Value::from(*one)),
        [_, more, ..] => return Err(format!("{word} with {more:?}? Write it like `{word} 0.01 record`")),
    };
    let (amount, part) = if word == "sell" { (None, value) } else { (value, None) };
    let replay_action = ReplayAction::from_words(word, amount.as_ref(), part.as_ref());
    Ok((replay_action.map_err(|refusal| RefusedOrder::by_words(refusal, None).to_string())?, record))
}

/// `[N] [event]`.
pub(super) fn steps(words: &[&str]) -> Result<(u64, Unit), String> {
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

pub(super) fn target(words: &[&str]) -> Result<Target, String> {
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

pub(super) fn next(words: &[&str]) -> Result<Target, String> {
    let name = words.first().copied().ok_or("next what? A phase, an event name or a change, like RUGGED")?;
    let phases = [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged];
    if let Some(phase) = phases.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name)) {
        return Ok(Target::Phase(phase));
    }
    Ok(if NOTES.contains(&name) { Target::Note(name.to_owned()) } else { Target::Event(name.to_owned()) })
}

/// `rug`, `own`, `price>5`, `drawdown>0.5`, `event=NAME`, or a test of a field.
pub(super) fn condition(text: &str) -> Result<Condition, String> {
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

    #[test]
    fn what_is_done_is_read_as_it_is_written() {
        assert!(matches!(replay_action("buy", &["0.01", "record"]).unwrap(), (ReplayAction::Order(_), true)));
        assert!(matches!(replay_action("sell", &[]).unwrap(), (ReplayAction::Order(_), false)));
        assert_eq!(replay_action("reset", &[]).unwrap(), (ReplayAction::Reset, false));
        assert!(replay_action("reset", &["0.01"]).unwrap_err().contains("RESET takes no amount"));
        assert!(replay_action("buy", &["0.01", "twice"]).is_err() && replay_action("buy", &[]).is_err());
    }
}
