//! Actions that are taken at places of a cursor, and the local account they make.
//!
//! An action is pinned to the event after which it was taken. The account at a place is the account at the start of
//! the span, shown every place up to there and given the actions on the way: a function of the place and of the
//! actions before it, whichever way one came. Going back before an action undoes it, going forward does it again.
//! The account starts anew with each game: its rules never carry a balance over.

mod compared;
mod refused;
mod replay_action;
mod stored;

use serde_json::{Map, Value, json};

pub use compared::{Compared, With};
pub use refused::RefusedOrder;
pub use replay_action::ReplayAction;

use super::Cursor;
use super::archive::Shared;
use super::error::CursorError;
use super::step::Mark;
use super::timeline::Timeline;
use crate::replay::account::{LocalAccount, Market, Refusal, Settings, Settlement};
use crate::store::ids::SessionId;

/// Actions of one cursor.
const MOST_ACTIONS: usize = 1_000;

/// Closed positions and settled bets that the account at a place tells: in short, and in detail.
const HISTORY: (usize, usize) = (3, 100);

/// An action at its place.
#[derive(Debug, Clone, PartialEq)]
struct Taken {
    /// GameSpan, and the event in it.
    place: (usize, usize),
    replay_action: ReplayAction,
    /// The event's address, for people.
    event_ref: String,
}

/// An account that was led through a span.
struct Replayed {
    account: LocalAccount,
    /// Actions that were refused on the way, by number, with the reason.
    refused: Vec<(usize, String)>,
    /// What the game did to it, with the event.
    settled: Vec<(usize, Settlement)>,
}

/// The actions of a cursor, in the order of their places.
#[derive(Debug, Clone)]
pub struct Orders {
    settings: Settings,
    taken: Vec<Taken>,
    /// The session of those that were stored, and how many.
    stored: Option<(SessionId, u64)>,
}

impl Orders {
    /// None yet.
    pub fn new(settings: Settings) -> Orders {
        Orders { settings, taken: Vec::new(), stored: None }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.taken.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.taken.is_empty()
    }

    /// Where they are: span and event.
    pub fn places(&self) -> Vec<(usize, usize)> {
        self.taken.iter().map(|taken| taken.place).collect()
    }

    /// Whether one was taken in the cursor's current game.
    pub fn is_used(&self, cursor: &Cursor) -> bool {
        let (span, _) = cursor.position();
        self.taken.iter().any(|taken| taken.place.0 == span)
    }

    /// The local account at the cursor's place.
    pub fn account(&self, cursor: &Cursor) -> LocalAccount {
        let (span, index) = cursor.position();
        self.replayed(cursor.timeline(), span, index).account
    }

    /// The account after event `index`, and what happened on the way.
    fn replayed(&self, timeline: &Timeline, span: usize, index: usize) -> Replayed {
        let mut replayed =
            Replayed { account: LocalAccount::new(self.settings), refused: Vec::new(), settled: Vec::new() };
        let in_span = || self.taken.iter().enumerate().filter(move |(_, taken)| taken.place.0 == span);
        // Before the first action there is nothing that a place could change.
        let first = in_span().map(|(_, taken)| taken.place.1).min().unwrap_or(index).min(index);
        let marks = timeline.marks().iter().enumerate().take(index + 1).skip(first);
        for (event, mark) in marks {
            let Some(market) = market(timeline, mark) else { continue };
            if event == first || mark.stops {
                let settled = replayed.account.observe(&market);
                replayed.settled.extend(settled.into_iter().map(|settled| (event, settled)));
            }
            for (number, taken) in in_span().filter(|(_, taken)| taken.place.1 == event) {
                if let Err(refusal) = taken.replay_action.perform(&mut replayed.account, &market) {
                    replayed.refused.push((number, refusal.to_string()));
                }
            }
        }
        replayed
    }

    /// What the game did to the local account between `from` (span and event, itself not counted) and the
    /// cursor's place: bets that ended, positions that the rug sold. Nothing after a move back.
    ///
    /// # Errors
    /// When a span on the way cannot be read.
    pub fn settled(
        &self,
        cursor: &mut Cursor,
        archive: &Shared,
        from: (usize, usize),
    ) -> Result<Vec<Settlement>, CursorError> {
        let to = cursor.position();
        let mut spans: Vec<usize> = self.taken.iter().map(|taken| taken.place.0).collect();
        spans.dedup();
        spans.retain(|span| from < to && (from.0..=to.0).contains(span));
        let mut found = Vec::new();
        for span in spans {
            let timeline = cursor.load(archive, span)?;
            let last = if span == to.0 { to.1 } else { timeline.len().saturating_sub(1) };
            let settled = self.replayed(&timeline, span, last).settled;
            let after = settled.into_iter().filter(|(event, _)| span != from.0 || *event > from.1);
            found.extend(after.map(|(_, settlement)| settlement));
        }
        Ok(found)
    }

    /// The local account at the cursor's place, as an agent reads it.
    pub fn view(&self, cursor: &Cursor, detailed: bool) -> Map<String, Value> {
        let account = self.account(cursor);
        let (_, index) = cursor.position();
        let mark = cursor.timeline().mark_at(index);
        let market = market(cursor.timeline(), &mark);
        let view = account.view(market.as_ref(), if detailed { HISTORY.1 } else { HISTORY.0 });
        let Ok(Value::Object(mut view)) = serde_json::to_value(view) else { return Map::new() };
        if !detailed {
            for rarely in ["statistics", "sell_percentage", "closed_positions_kept", "settled_bets_kept"] {
                view.remove(rarely);
            }
            view.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        view
    }

    /// Takes an action at the cursor's place. Later ones in the same game that are not possible any more are
    /// removed, and named. With `record`, an order is stored as a row first.
    ///
    /// # Errors
    /// When the account's rules refuse it, or it cannot be stored: nothing has then changed.
    pub fn act(
        &mut self,
        cursor: &mut Cursor,
        archive: &Shared,
        replay_action: impl Into<ReplayAction>,
        record: bool,
    ) -> Result<Map<String, Value>, CursorError> {
        let replay_action = replay_action.into();
        if self.taken.len() >= MOST_ACTIONS {
            return Err(CursorError::Refused(format!("a cursor takes at most {MOST_ACTIONS} actions")));
        }
        let place = cursor.position();
        let timeline = cursor.timeline();
        let mut account = self.account(cursor);
        let action = match replay_action {
            ReplayAction::Order(order) => Some(order.action()),
            ReplayAction::Reset => None,
        };
        let refused = |refusal: Refusal, account: &LocalAccount| {
            CursorError::Order(Box::new(RefusedOrder::at(refusal, action, account, timeline, place.1)))
        };
        if record && replay_action == ReplayAction::Reset {
            return Err(refused(Refusal::Reset("is not recorded: it is no order"), &account));
        }
        let mark = timeline.mark_at(place.1);
        let (Some(market), Some(step)) = (market(timeline, &mark), timeline.step(place.1)) else {
            return Err(match action {
                Some(action) => {
                    let why = "no game has begun at this place".to_owned();
                    refused(Refusal::NoPrice { action, why }, &account)
                }
                None => refused(Refusal::NothingToReset, &account),
            });
        };
        let performed = replay_action.perform(&mut account, &market);
        let mut told = performed.map_err(|refusal| refused(refusal, &account))?;
        let event_ref = step.at.event_ref();
        told.insert("ref".to_owned(), event_ref.clone().into());
        if record {
            let root = archive.lock().root().clone();
            let stored = self.store(&root, &told, market.game_id, step.at.ts)?;
            told.insert("stored_as".to_owned(), stored.to_string().into());
        }
        let at = self.taken.partition_point(|taken| taken.place <= place);
        self.taken.insert(at, Taken { place, replay_action, event_ref });
        let removed = self.remove_impossible(cursor, place.0);
        if !removed.is_empty() {
            told.insert("removed".to_owned(), json!(removed));
        }
        Ok(told)
    }

    /// Removes actions of a span that are refused now; names them.
    fn remove_impossible(&mut self, cursor: &Cursor, span: usize) -> Vec<String> {
        let timeline = cursor.timeline();
        let last = self.taken.iter().filter(|taken| taken.place.0 == span).map(|taken| taken.place.1).max();
        let Some(last) = last else { return Vec::new() };
        let mut removed = Vec::new();
        // One at a time: without it, the ones after it may be possible again.
        while let Some((number, why)) = self.replayed(timeline, span, last).refused.into_iter().next() {
            if number >= self.taken.len() {
                break;
            }
            let taken = self.taken.remove(number);
            removed.push(format!("{} at {}: {why}", taken.replay_action.word(), taken.event_ref));
        }
        removed
    }
}

/// What the account sees of a place; `None` before any game.
fn market<'r>(timeline: &'r Timeline, mark: &Mark) -> Option<Market<'r>> {
    let game_id = timeline.game(mark)?;
    Some(Market::in_phase(game_id, mark.tick.map_or(0, i64::from), mark.price, mark.phase))
}
