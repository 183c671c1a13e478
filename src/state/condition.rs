//! "Wait until": a condition on events, the same for waiting on the live feed and for running a replay.
//!
//! All parts that are given must hold at one event. Phase and price are those of the game when the event came, so
//! `{"event_name": "standard/newTrade", "price_above": 10}` is a trade above 10x. With phase, price or drawdown alone
//! the condition is asked at each `gameStateUpdate`.
//!
//! An event is looked at through a [`EventView`], so that those who have its text and those who keep only what it says
//! ask the same.

use std::borrow::Cow;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use path::{Step, path};

use super::fact::Fact;
use crate::protocol::json::Value;
use crate::protocol::line;
use crate::protocol::phase::Phase;
use crate::protocol::reading::{self, BetEvent, Reading};

mod path;

#[cfg(test)]
mod tests;

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
    /// The price is more than this share below the game's peak so far, 0 to 1: 0.5 is half of it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub drawdown_above: Option<f64>,
    /// true: the first packet that shows a game's rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug: Option<bool>,
    /// true: a trade or side bet of the logged-in account.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub own_trade: Option<bool>,
    /// A field of the event's payload, like "amount" or "leaderboard[0].pnl". Alone: it is there.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field: Option<String>,
    /// The field is this value.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub equals: Option<Json>,
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
        "the condition is empty: give at least one of event_name, direction, phase, price_above, price_below, \
         drawdown_above, rug, own_trade, field"
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
    /// No game is like that.
    #[error("{0}: the condition can never hold")]
    Impossible(&'static str),
}

const PHASES: [Phase; 4] = [Phase::Cooldown, Phase::Presale, Phase::Active, Phase::Rugged];

/// An event, as far as a condition looks at it.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The event inside the stored text.
    pub event: &'a line::Event<'a>,
    /// `received` or `sent`.
    pub direction: Option<&'a str>,
}

/// What a condition needs of an event besides its name and payload.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum EventView<'a> {
    /// A packet of the game's state.
    State {
        /// The round.
        game_id: Option<&'a str>,
        /// By the packet's own indicators.
        phase: Option<Phase>,
        /// Multiplier.
        price: Option<f64>,
    },
    /// It tells who the own account is.
    Own(Option<&'a str>),
    /// A trade of this player.
    Trade(Option<&'a str>),
    /// A side bet of the own account.
    OwnBet,
    /// Anything else.
    Other,
}

impl<'a> EventView<'a> {
    /// The view at an event that was read as a fact.
    pub fn of(fact: &'a Fact<'_>) -> EventView<'a> {
        match fact {
            Fact::Tick(tick) => {
                EventView::State { game_id: tick.game_id.as_deref(), phase: tick.phase(), price: tick.price }
            }
            Fact::Account(update) => EventView::Own(update.player_id.as_deref()),
            Fact::Identity { id, .. } => EventView::Own(id.as_deref()),
            Fact::Trade { trade, .. } => EventView::Trade(trade.player_id.as_deref()),
            Fact::OwnBet(_) => EventView::OwnBet,
            _ => EventView::Other,
        }
    }

    /// The view at an event as it is read.
    fn of_reading(reading: &'a Reading<'_>) -> EventView<'a> {
        match reading {
            Reading::State(state) => {
                EventView::State { game_id: state.game_id.as_deref(), phase: state.phase(), price: state.price }
            }
            Reading::Account(update) => EventView::Own(update.player_id()),
            Reading::OwnName(own) => EventView::Own(own.id.as_deref()),
            Reading::Trade(trade) => EventView::Trade(trade.player_id.as_deref()),
            Reading::Sidebet { of: BetEvent::OwnPlaced | BetEvent::OwnSettled, .. } => EventView::OwnBet,
            _ => EventView::Other,
        }
    }
}

/// Games whose rug is remembered: around a rug, packets of the old and the new game alternate.
const MOST_RUGGED: usize = 4;

/// The game as the packets so far tell it.
#[derive(Debug, Clone, Default)]
struct Now {
    phase: Option<Phase>,
    price: Option<f64>,
    game_id: Option<String>,
    peak: Option<f64>,
    rugged: Vec<String>,
}

impl Now {
    /// Takes a packet; whether it is the first that shows its game's rug.
    fn take(&mut self, game_id: Option<&str>, phase: Option<Phase>, price: Option<f64>) -> bool {
        let was_rugged = self.phase == Some(Phase::Rugged);
        if game_id.is_some() && self.game_id.as_deref() != game_id {
            self.game_id = game_id.map(str::to_owned);
            self.peak = None;
        }
        (self.phase, self.price) = (phase.or(self.phase), price);
        if let Some(price) = price {
            self.peak = Some(self.peak.map_or(price, |peak| peak.max(price)));
        }
        if phase != Some(Phase::Rugged) {
            return false;
        }
        let Some(game_id) = game_id else { return !was_rugged };
        if self.rugged.iter().any(|known| known == game_id) {
            return false;
        }
        if self.rugged.len() >= MOST_RUGGED {
            self.rugged.remove(0);
        }
        self.rugged.push(game_id.to_owned());
        true
    }

    fn drawdown(&self) -> Option<f64> {
        self.price.zip(self.peak).filter(|(_, peak)| *peak > 0.0).map(|(price, peak)| 1.0 - price / peak)
    }
}

/// Asks a condition of one event after the other.
#[derive(Debug, Clone)]
pub struct Watcher {
    condition: Condition,
    phase: Option<Phase>,
    field: Option<Vec<Step>>,
    now: Now,
    own: Option<String>,
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
        possible(&condition, phase)?;
        let field = condition.field.as_deref().map(path).transpose()?;
        Ok(Watcher { condition, phase, field, now: Now::default(), own: None })
    }

    /// What is asked.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// The game's phase and price before the first event, where they are known.
    pub fn starting_at(mut self, phase: Option<Phase>, price: Option<f64>) -> Watcher {
        (self.now.phase, self.now.price) = (phase, price);
        self
    }

    /// The game before the first event, and its peak so far.
    pub fn in_game(mut self, game_id: &str, peak: Option<f64>) -> Watcher {
        self.now.game_id = Some(game_id.to_owned());
        self.now.peak = peak;
        if self.now.phase == Some(Phase::Rugged) {
            self.now.rugged.push(game_id.to_owned());
        }
        self
    }

    /// Who the own account is, where that is known before the first event.
    pub fn as_player(mut self, player_id: Option<&str>) -> Watcher {
        self.own = player_id.map(str::to_owned).or(self.own);
        self
    }

    /// Takes the next event; whether the condition holds at it.
    pub fn matches(&mut self, seen: &Seen<'_>) -> bool {
        self.see_with(seen, false)
    }

    /// Takes the next event; whether it comes while the condition holds: with phase or price alone that is true of
    /// every event in that phase, not only of the packets that show it.
    pub fn see_any(&mut self, seen: &Seen<'_>) -> bool {
        self.see_with(seen, true)
    }

    fn see_with(&mut self, seen: &Seen<'_>, any: bool) -> bool {
        let reading = reading::of(seen.event, seen.direction == Some("sent"));
        let payload = seen.event.payload.map(|payload| Cow::Borrowed(payload.get()));
        self.ask(seen.event.name.as_deref(), seen.direction, EventView::of_reading(&reading), any, || payload)
    }

    /// Takes the next event by its name, its direction (`received` or `sent`) and a view at it; `payload` is asked
    /// only when everything else holds.
    pub fn matches_view<'p>(
        &mut self,
        name: Option<&str>,
        direction: Option<&str>,
        view: EventView<'_>,
        payload: impl FnOnce() -> Option<Cow<'p, str>>,
    ) -> bool {
        self.ask(name, direction, view, false, payload)
    }

    fn ask<'p>(
        &mut self,
        name: Option<&str>,
        direction: Option<&str>,
        view: EventView<'_>,
        any: bool,
        payload: impl FnOnce() -> Option<Cow<'p, str>>,
    ) -> bool {
        let (mut state, mut rugs, mut own) = (false, false, false);
        match view {
            EventView::State { game_id, phase, price } => {
                state = true;
                rugs = self.now.take(game_id, phase, price);
            }
            EventView::Own(Some(id)) if self.own.as_deref() != Some(id) => self.own = Some(id.to_owned()),
            EventView::Trade(player) => own = player.is_some() && player == self.own.as_deref(),
            EventView::OwnBet => own = true,
            EventView::Own(_) | EventView::Other => {}
        }
        let condition = &self.condition;
        let by_state = condition.event_name.is_none()
            && condition.field.is_none()
            && condition.direction.is_none()
            && condition.own_trade.is_none();
        (any || !by_state || state)
            && condition.event_name.as_deref().is_none_or(|wanted| name == Some(wanted))
            && condition.direction.as_deref().is_none_or(|wanted| direction == Some(wanted))
            && (condition.rug.is_none() || rugs)
            && (condition.own_trade.is_none() || own)
            && self.phase.is_none_or(|wanted| self.now.phase == Some(wanted))
            && within(condition.price_above, condition.price_below, self.now.price)
            && within(condition.drawdown_above, None, self.now.drawdown())
            && self.field.as_ref().is_none_or(|steps| self.passes(payload(), steps))
    }

    fn passes(&self, payload: Option<Cow<'_, str>>, steps: &[Step]) -> bool {
        let Some(payload) = payload else { return false };
        let found = steps.iter().try_fold(Value::from(payload.as_ref()), |value, step| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.elements().nth(*index),
        });
        let Some(found) = found else { return false };
        let condition = &self.condition;
        condition.equals.as_ref().is_none_or(|wanted| same(wanted, found))
            && within(condition.above, condition.below, found.number())
    }
}

/// Refuses what no game can show, so that nobody waits for it.
fn possible(condition: &Condition, phase: Option<Phase>) -> Result<(), ConditionError> {
    for (name, flag) in [("rug", condition.rug), ("own_trade", condition.own_trade)] {
        if flag == Some(false) {
            return Err(ConditionError::Unknown { name, found: "false".into(), known: "true, or left out" });
        }
    }
    let priced = condition.price_above.is_some() || condition.price_below.is_some();
    let why = if condition.drawdown_above.is_some_and(|share| !(0.0..1.0).contains(&share)) {
        "drawdown_above is a share of the peak from 0 to below 1"
    } else if condition.price_below.is_some_and(|price| price <= 0.0) {
        "a price is always above 0"
    } else if matches!(phase, Some(Phase::Cooldown | Phase::Presale))
        && (priced || condition.drawdown_above.is_some() || condition.rug.is_some())
    {
        "before a game begins it has no price and no rug"
    } else if condition.rug.is_some() && phase.is_some_and(|phase| phase != Phase::Rugged) {
        "a rug is shown in the phase RUGGED only"
    } else {
        return Ok(());
    };
    Err(ConditionError::Impossible(why))
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
fn same(wanted: &Json, found: Value<'_>) -> bool {
    match wanted {
        Json::Number(number) => number.as_f64().is_some_and(|number| found.number() == Some(number)),
        Json::String(text) => found.string().is_some_and(|found| found == text.as_str()),
        Json::Null => found.is_null(),
        Json::Bool(wanted) => found.boolean() == Some(*wanted),
        Json::Array(_) | Json::Object(_) => {
            serde_json::from_str::<Json>(found.text()).is_ok_and(|found| found == *wanted)
        }
    }
}

fn phase(name: &str) -> Result<Phase, ConditionError> {
    PHASES.into_iter().find(|phase| phase.as_str().eq_ignore_ascii_case(name.trim())).ok_or_else(|| {
        let known = "COOLDOWN, PRESALE, ACTIVE or RUGGED";
        ConditionError::Unknown { name: "phase", found: name.to_owned(), known }
    })
}
