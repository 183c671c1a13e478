//! "Wait until": a condition on events, the same for waiting on the live feed and for running a replay.
//!
//! All parts that are given must hold at one event. Phase and price are those of the game when the event came, so
//! `{"event_name": "standard/newTrade", "price_above": 10}` is a trade above 10x. With phase or price alone the
//! condition is asked at each `gameStateUpdate`.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::protocol::line;
use crate::protocol::payload::GameState;
use crate::protocol::phase::Phase;

/// What has to hold, as an agent writes it. At least one part is needed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The event's name, like "standard/newTrade".
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_name: Option<String>,
    /// received or sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction: Option<String>,
    /// The game's phase: COOLDOWN, PRESALE, ACTIVE or RUGGED.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<String>,
    /// The price is above this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price_above: Option<f64>,
    /// The price is below this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price_below: Option<f64>,
    /// A field of the event's payload, like "amount" or "leaderboard[0].pnl". Alone: it is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The field is this value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub equals: Option<Value>,
    /// The field is a number above this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub above: Option<f64>,
    /// The field is a number below this.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub below: Option<f64>,
}

/// Why a condition cannot be asked.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ConditionError {
    /// Nothing is asked for.
    #[error(
        "the condition is empty: give at least one of event_name, direction, phase, price_above, price_below, field"
    )]
    Empty,
    /// Not one of the values there are.
    #[error("{name} is {found:?}; it can be {known}")]
    Unknown {
        /// The part.
        name: &'static str,
        /// What was given.
        found: String,
        /// What there is.
        known: &'static str,
    },
    /// A field path that cannot be read.
    #[error("the field path {path:?} cannot be read at character {at}: write it like leaderboard[0].pnl")]
    Path {
        /// The path.
        path: String,
        /// Where, from 1.
        at: usize,
    },
    /// A test without the field it is of.
    #[error("{0} is a test of a field: give field too, like \"amount\"")]
    NoField(&'static str),
    /// No number can pass.
    #[error("nothing is above {above} and below {below}: the condition can never hold")]
    Never {
        /// Lower bound.
        above: f64,
        /// Upper bound.
        below: f64,
    },
}

const PHASES: [Phase; 4] = [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged];

/// A step into a payload.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

/// An event, as far as a condition looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The event inside the stored text.
    pub event: &'a line::Event<'a>,
    /// `received` or `sent`.
    pub direction: Option<&'a str>,
}

/// Asks a condition of one event after the other.
#[derive(Debug, Clone)]
pub struct Watcher {
    condition: Condition,
    phase: Option<Phase>,
    field: Option<Vec<Step>>,
    now: (Option<Phase>, Option<f64>),
}

impl Watcher {
    /// Checks the condition before anything waits for it.
    ///
    /// # Errors
    /// [`ConditionError`], when it is empty, misspelt or can never hold.
    pub fn new(condition: Condition) -> Result<Watcher, ConditionError> {
        if condition == Condition::default() {
            return Err(ConditionError::Empty);
        }
        let phase = condition.phase.as_deref().map(phase).transpose()?;
        if let Some(direction) = condition.direction.as_deref().filter(|name| !["received", "sent"].contains(name))
        {
            let known = "received or sent";
            return Err(ConditionError::Unknown { name: "direction", found: direction.to_owned(), known });
        }
        let tests = [
            ("equals", condition.equals.is_some()),
            ("above", condition.above.is_some()),
            ("below", condition.below.is_some()),
        ];
        if let (None, Some((name, _))) = (&condition.field, tests.into_iter().find(|(_, given)| *given)) {
            return Err(ConditionError::NoField(name));
        }
        for bounds in [(condition.price_above, condition.price_below), (condition.above, condition.below)] {
            if let (Some(above), Some(below)) = bounds
                && (above >= below || above.is_nan() || below.is_nan())
            {
                return Err(ConditionError::Never { above, below });
            }
        }
        let field = condition.field.as_deref().map(path).transpose()?;
        Ok(Watcher { condition, phase, field, now: (None, None) })
    }

    /// What is asked.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// The game's phase and price before the first event, where they are known.
    pub fn starting_at(mut self, phase: Option<Phase>, price: Option<f64>) -> Watcher {
        self.now = (phase, price);
        self
    }

    /// Takes the next event; whether the condition holds at it.
    pub fn see(&mut self, seen: &Seen<'_>) -> bool {
        let name = seen.event.name.as_deref();
        let state = name == Some("gameStateUpdate");
        if state
            && let Some(game) =
                seen.event.payload.and_then(|payload| serde_json::from_str::<GameState<'_>>(payload.get()).ok())
        {
            let phase = Phase::of(game.active, game.rugged, game.allow_pre_round_buys, game.cooldown_timer);
            self.now = (phase.or(self.now.0), game.price);
        }
        let condition = &self.condition;
        let by_state =
            condition.event_name.is_none() && condition.field.is_none() && condition.direction.is_none();
        (!by_state || state) && self.holds(seen)
    }

    /// Takes the next event; whether it comes while the condition holds: with phase or price alone that is true of
    /// every event in that phase, not only of the packets that show it.
    pub fn see_any(&mut self, seen: &Seen<'_>) -> bool {
        self.see(seen) || self.holds(seen)
    }

    fn holds(&self, seen: &Seen<'_>) -> bool {
        let (condition, name) = (&self.condition, seen.event.name.as_deref());
        condition.event_name.as_deref().is_none_or(|wanted| name == Some(wanted))
            && condition.direction.as_deref().is_none_or(|wanted| seen.direction == Some(wanted))
            && self.phase.is_none_or(|wanted| self.now.0 == Some(wanted))
            && within(condition.price_above, condition.price_below, self.now.1)
            && self.field.as_ref().is_none_or(|steps| self.passes(seen, steps))
    }

    fn passes(&self, seen: &Seen<'_>, steps: &[Step]) -> bool {
        let Some(payload) = seen.event.payload else { return false };
        let Ok(payload) = serde_json::from_str::<Value>(payload.get()) else { return false };
        let found = steps.iter().try_fold(&payload, |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
        let Some(found) = found else { return false };
        let condition = &self.condition;
        condition.equals.as_ref().is_none_or(|wanted| same(wanted, found))
            && within(condition.above, condition.below, number(found))
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// Whether a number lies between the bounds that are given. Without bounds no number is needed.
fn within(above: Option<f64>, below: Option<f64>, number: Option<f64>) -> bool {
    let holds = |test: &dyn Fn(f64) -> bool| number.is_some_and(test);
    above.is_none_or(|above| holds(&|number| number > above))
        && below.is_none_or(|below| holds(&|number| number < below))
}

/// Numbers are the same by value (`1` and `1.0`), and a number written as text counts: the site sends both.
fn same(wanted: &Value, found: &Value) -> bool {
    wanted == found || (wanted.is_number() && number(found).is_some() && number(wanted) == number(found))
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())
}

fn phase(name: &str) -> Result<Phase, ConditionError> {
    PHASES.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
        let known = "COOLDOWN, PRESALE, ACTIVE or RUGGED";
        ConditionError::Unknown { name: "phase", found: name.to_owned(), known }
    })
}

/// `leaderboard[0].pnl`, with or without a leading `$.`.
fn path(text: &str) -> Result<Vec<Step>, ConditionError> {
    let failed = |at: usize| ConditionError::Path { path: text.to_owned(), at: at + 1 };
    let start = if text.starts_with("$.") { 2 } else { 0 };
    let mut steps = Vec::new();
    let mut rest = text.get(start..).unwrap_or_default();
    let place = |rest: &str| text.chars().count().saturating_sub(rest.chars().count());
    if rest.is_empty() {
        return Err(failed(place(rest)));
    }
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end);
        if key.is_empty() || key.contains(']') {
            return Err(failed(place(rest)));
        }
        steps.push(Step::Key(key.to_owned()));
        rest = after;
        while let Some(inside) = rest.strip_prefix('[') {
            let (index, after) = inside.split_once(']').ok_or_else(|| failed(place(inside)))?;
            steps.push(Step::Index(index.parse().map_err(|_| failed(place(inside)))?));
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(more) if !more.is_empty() => rest = more,
            None if rest.is_empty() => return Ok(steps),
            _ => return Err(failed(place(rest))),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use serde_json::json;

    use super::*;
    use crate::protocol::line::{LineFormat, decode};

    fn watcher(condition: Value) -> Result<Watcher, ConditionError> {
        Watcher::new(serde_json::from_value(condition).unwrap())
    }

    fn see(watcher: &mut Watcher, frame: &str) -> bool {
        let event = decode(LineFormat::Wire, None, frame);
        watcher.see(&Seen { event: &event, direction: Some("received") })
    }

    fn tick(price: f64) -> String {
        format!(
            r#"42["gameStateUpdate",{{"gameId":"g","active":true,"rugged":false,"price":{price},"tickCount":1}}]"#
        )
    }

    const TRADE: &str =
        r#"42["standard/newTrade",{"__trace":true},{"type":"buy","amount":0.5,"list":[{"x":"7"}]}]"#;

    #[test]
    fn a_price_is_crossed_at_a_game_state() {
        let mut watcher = watcher(json!({"price_above": 2.0})).unwrap();
        assert!(!see(&mut watcher, &tick(2.0)));
        assert!(see(&mut watcher, &tick(2.1)));
        assert!(!see(&mut watcher, TRADE), "asked at game states only");
    }

    #[test]
    fn an_event_is_seen_at_the_price_of_its_moment() {
        let mut watcher = watcher(json!({"event_name": "standard/newTrade", "price_above": 2})).unwrap();
        assert!(!see(&mut watcher, TRADE));
        see(&mut watcher, &tick(3.0));
        assert!(see(&mut watcher, TRADE));
    }

    #[test]
    fn a_phase_holds_by_the_packet_that_shows_it() {
        let mut watcher = watcher(json!({"phase": "presale"})).unwrap();
        assert!(!see(&mut watcher, &tick(1.0)));
        assert!(see(&mut watcher, r#"42["gameStateUpdate",{"allowPreRoundBuys":true,"cooldownTimer":100}]"#));
    }

    #[test]
    fn fields_are_found_by_path_and_tested() {
        for (condition, holds) in [
            (json!({"field": "amount", "above": 0.4}), true),
            (json!({"field": "amount", "above": 0.4, "below": 0.45}), false),
            (json!({"field": "$.type", "equals": "buy"}), true),
            (json!({"field": "list[0].x", "equals": 7}), true),
            (json!({"field": "list[1].x"}), false),
            (json!({"field": "nothing"}), false),
            (json!({"field": "type", "above": 1}), false),
        ] {
            let mut watcher = watcher(condition.clone()).unwrap();
            assert_eq!(see(&mut watcher, TRADE), holds, "{condition}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_meant_is_refused() {
        for (condition, says) in [
            (json!({}), "at least one"),
            (json!({"phase": "ACTIV"}), "COOLDOWN, PRESALE, ACTIVE or RUGGED"),
            (json!({"direction": "in"}), "received or sent"),
            (json!({"above": 1}), "give field too"),
            (json!({"price_above": 3, "price_below": 2}), "can never hold"),
            (json!({"field": "a..b"}), "at character 3"),
            (json!({"field": "a[x]"}), "at character 3"),
            (json!({"field": ""}), "at character 1"),
        ] {
            let error = watcher(condition.clone()).unwrap_err().to_string();
            assert!(error.contains(says), "{condition}: {error}");
        }
    }

    #[test]
    fn the_direction_can_be_asked_for() {
        let mut watcher = watcher(json!({"direction": "sent"})).unwrap();
        let event = decode(LineFormat::Wire, None, TRADE);
        assert!(!watcher.see(&Seen { event: &event, direction: Some("received") }));
        assert!(watcher.see(&Seen { event: &event, direction: Some("sent") }));
    }
}
