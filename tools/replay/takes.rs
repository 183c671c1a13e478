//! Which arguments each action takes, and the call that a stray one belongs to.
//!
//! An argument that an action does not know is refused instead of ignored: whoever wrote `step` with a tick wanted
//! to go to that tick, and would take the one step for it.

use serde_json::{Map, Value};

use super::{Action, Args};
use crate::server::errors::ToolError;
use crate::tools::format_call;

/// What each action takes besides `action`. All but open and list need `cursor`.
const TAKES: [(Action, &[&str]); 10] = [
    (
        Action::Open,
        &["game_id", "games", "session_id", "from", "to", "rules", "tick", "time", "ref", "place", "detailed"],
    ),
    (Action::Step, &["cursor", "n", "by", "max_events", "detailed"]),
    (Action::Back, &["cursor", "n", "by", "max_events", "detailed"]),
    (
        Action::Seek,
        &[
            "cursor",
            "game_id",
            "tick",
            "time",
            "ref",
            "place",
            "phase",
            "event_name",
            "change",
            "max_events",
            "detailed",
        ],
    ),
    (Action::Run, &["cursor", "until", "max_events", "detailed"]),
    (Action::Act, &["cursor", "side", "amount", "percentage", "record", "detailed"]),
    (Action::State, &["cursor", "detailed"]),
    (Action::Diff, &["cursor", "since", "max_events", "detailed"]),
    (Action::Close, &["cursor"]),
    (Action::List, &["cursor"]),
];

/// Actions that a stray argument may have been meant for, the likeliest first.
const MEANT: [Action; 7] =
    [Action::Seek, Action::Act, Action::Run, Action::Step, Action::Diff, Action::Open, Action::State];

/// What an action takes.
fn takes(action: Action) -> &'static [&'static str] {
    TAKES.iter().find(|(known, _)| *known == action).map_or(&[], |(_, names)| names)
}

/// The arguments that were given, by name.
pub fn given(args: &Args) -> Map<String, Value> {
    let Ok(Value::Object(mut given)) = serde_json::to_value(args) else { return Map::new() };
    given.retain(|_, value| !value.is_null());
    given
}

/// A call as it is written: these arguments without those named in `without`, and with those of `with`.
pub fn call(args: &Args, without: &[&str], with: &[(&str, Value)]) -> String {
    let mut changed = given(args);
    changed.retain(|name, _| !without.contains(&name.as_str()));
    changed.extend(with.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    format_call("replay", &changed)
}

/// Refuses arguments that the action does not take.
///
/// # Errors
/// What it takes, and the call that takes them.
pub fn check(args: &Args) -> Result<(), ToolError> {
    let (given, own) = (given(args), takes(args.action));
    let is_stray = |name: &str| name != "action" && !own.contains(&name);
    let strays: Vec<&str> = given.keys().map(String::as_str).filter(|name| is_stray(name)).collect();
    if strays.is_empty() {
        return Ok(());
    }
    let count = |action: Action| strays.iter().filter(|name| takes(action).contains(name)).count();
    // The first of those that take most.
    let meant = MEANT.into_iter().rev().filter(|other| *other != args.action).max_by_key(|other| count(*other));
    let meant = meant.unwrap_or(Action::Seek);
    let all = strays.join(", ");
    let own = if own.is_empty() { "nothing".to_owned() } else { own.join(", ") };
    let mut other: Map<String, Value> = given
        .iter()
        .filter(|(name, _)| *name == "action" || takes(meant).contains(&name.as_str()))
        .map(owned)
        .collect();
    other.insert("action".to_owned(), meant.word().into());
    if takes(meant).contains(&"cursor") {
        other.entry("cursor").or_insert_with(|| "cursor-…".into());
    }
    let word = args.action.word();
    let misfits: Vec<&str> = strays.iter().copied().filter(|name| !takes(meant).contains(name)).collect();
    let hint = match misfits.as_slice() {
        [] => format!("for {all} use {}", meant.word()),
        _ => format!("{} does not go with the others either", misfits.join(", ")),
    };
    Err(ToolError::new(
        "Nothing was done",
        format!("{word} does not take {all}; it takes {own}; {hint}"),
        format!("{}, or {}", format_call("replay", &other), call(args, &strays, &[])),
    ))
}

fn owned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

impl Action {
    /// The word in a call.
    pub fn word(self) -> &'static str {
        match self {
            Action::Open => "open",
            Action::Step => "step",
            Action::Back => "back",
            Action::Seek => "seek",
            Action::Run => "run",
            Action::Act => "act",
            Action::State => "state",
            Action::Diff => "diff",
            Action::Close => "close",
            Action::List => "list",
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;

    fn refused(call: Value) -> String {
        check(&serde_json::from_value(call).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn every_argument_of_the_schema_belongs_to_an_action_and_every_name_is_an_argument() {
        let schema = serde_json::to_value(schemars::schema_for!(Args)).unwrap();
        let known: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
        for name in known.iter().filter(|name| **name != "action") {
            assert!(TAKES.iter().any(|(_, names)| names.contains(&name.as_str())), "{name}");
        }
        for (action, names) in TAKES {
            assert!(names.iter().all(|name| known.iter().any(|known| known == name)), "{action:?}");
            let words: Vec<Value> = vec![serde_json::to_value(action).unwrap()];
            assert_eq!(words, [json!(action.word())]);
        }
    }

    #[test]
    fn a_stray_argument_is_refused_with_the_call_that_takes_it() {
        let error = refused(json!({"action": "step", "cursor": "c", "tick": 3}));
        assert!(error.contains("step does not take tick; it takes cursor, n, by"), "{error}");
        assert!(error.contains("for tick use seek"), "{error}");
        assert!(error.contains(r#"next: replay {"action": "seek", "cursor": "c", "tick": 3}"#), "{error}");
        let error = refused(json!({"action": "state", "cursor": "c", "side": "BUY", "amount": 0.01}));
        assert!(
            error.contains(r#"replay {"action": "act", "cursor": "c", "side": "BUY", "amount": 0.01}"#),
            "{error}"
        );
        let error = refused(json!({"action": "open", "game_id": "g", "event_name": "x"}));
        assert!(error.contains(r#"or replay {"action": "open", "game_id": "g"}"#), "{error}");
        let error = refused(json!({"action": "seek", "cursor": "c", "tick": 1, "until": {"rug": true}}));
        assert!(error.contains("for until use run"), "{error}");
    }

    #[test]
    fn what_belongs_to_the_action_passes_and_null_counts_as_left_out() {
        for call in [
            json!({"action": "list", "cursor": "c"}),
            json!({"action": "step", "cursor": "c", "n": 2, "by": "event", "tick": null}),
            json!({"action": "seek", "cursor": "c", "game_id": "g", "tick": 1, "max_events": 5}),
            json!({"action": "act", "cursor": "c", "side": "SELL", "percentage": 1, "record": true}),
        ] {
            check(&serde_json::from_value(call).unwrap()).unwrap();
        }
    }
}
