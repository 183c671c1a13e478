//! Actions that are taken at places of a cursor, and the local account they make.
//!
//! An action is pinned to the event after which it was taken. The account at a place is the account at the start of
//! the chapter, shown every place up to there and given the actions on the way: a function of the place and of the
//! actions before it, whichever way one came. Going back before an action undoes it, going forward does it again.
//! The account starts anew with each game: its rules never carry a balance over.

use serde_json::{Map, Value, json};

use super::archive::Shared;
use super::error::CursorError;
use super::reel::Reel;
use super::step::Mark;
use super::{Cursor, chapter};
use crate::protocol::line::LineFormat;
use crate::replay::account::{LocalAccount, Market, Order, Settings};
use crate::store::StoreError;
use crate::store::ids::{EventRef, SessionId};
use crate::store::journal::SegmentHead;
use crate::store::journal::writer::SegmentWriter;
use crate::store::open::SchemaManifest;
use crate::store::parts::BUILD;
use crate::store::record::{Record, Source, now_us};
use crate::store::root::DataRoot;
use crate::store::schema::{SCHEMA_VERSION, is_newer};

/// Actions of one cursor.
const MOST_ACTIONS: usize = 1_000;

/// Closed positions and settled bets that the account at a place tells: in short, and in detail.
const HISTORY: (usize, usize) = (3, 100);

/// An action at its place.
#[derive(Debug, Clone, PartialEq)]
struct Taken {
    /// Chapter, and the event in it.
    place: (usize, usize),
    order: Order,
    /// The event's address, for people.
    event_ref: String,
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

    /// Where they are: chapter and event.
    pub fn places(&self) -> Vec<(usize, usize)> {
        self.taken.iter().map(|taken| taken.place).collect()
    }

    /// Whether one was taken in the cursor's current game.
    pub fn is_used(&self, cursor: &Cursor) -> bool {
        let (chapter, _) = cursor.position();
        self.taken.iter().any(|taken| taken.place.0 == chapter)
    }

    /// The local account at the cursor's place.
    pub fn account(&self, cursor: &Cursor) -> LocalAccount {
        let (chapter, index) = cursor.position();
        let (account, _) = self.replayed(cursor.reel(), chapter, index);
        account
    }

    /// The account after event `index`, and the actions that were refused on the way, with the reason.
    fn replayed(&self, reel: &Reel, chapter: usize, index: usize) -> (LocalAccount, Vec<(usize, String)>) {
        let mut account = LocalAccount::new(self.settings);
        let mut refused = Vec::new();
        let in_chapter = || self.taken.iter().enumerate().filter(move |(_, taken)| taken.place.0 == chapter);
        // Before the first action there is nothing that a place could change.
        let first = in_chapter().map(|(_, taken)| taken.place.1).min().unwrap_or(index).min(index);
        let marks = reel.marks().iter().enumerate().take(index + 1).skip(first);
        for (event, mark) in marks {
            let Some(market) = market(reel, mark) else { continue };
            if event == first || mark.stops {
                let _settled = account.observe(&market);
            }
            for (number, taken) in in_chapter().filter(|(_, taken)| taken.place.1 == event) {
                if let Err(refusal) = account.act(&taken.order, &market) {
                    refused.push((number, refusal.to_string()));
                }
            }
        }
        (account, refused)
    }

    /// The local account at the cursor's place, as an agent reads it.
    pub fn view(&self, cursor: &Cursor, detailed: bool) -> Map<String, Value> {
        let account = self.account(cursor);
        let (_, index) = cursor.position();
        let mark = cursor.reel().mark_at(index);
        let market = market(cursor.reel(), &mark);
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
    /// removed, and named. With `record`, it is stored as a row first.
    ///
    /// # Errors
    /// When the account's rules refuse it, or it cannot be stored: nothing has then changed.
    pub fn act(
        &mut self,
        cursor: &mut Cursor,
        archive: &Shared,
        order: Order,
        record: bool,
    ) -> Result<Map<String, Value>, CursorError> {
        if self.taken.len() >= MOST_ACTIONS {
            return Err(CursorError::Refused(format!("a cursor takes at most {MOST_ACTIONS} actions")));
        }
        let place = cursor.position();
        let reel = cursor.reel();
        let mark = reel.mark_at(place.1);
        let (Some(market), Some(step)) = (market(reel, &mark), reel.step(place.1)) else {
            return Err(CursorError::Refused(format!(
                "{} not possible: no game has begun at this place",
                order.action()
            )));
        };
        let mut account = self.account(cursor);
        let fill = account
            .act(&order, &market)
            .map_err(|refusal| CursorError::Refused(format!("{refusal}. {}", refusal.advice())))?;
        let event_ref = step.at.event_ref();
        let mut told = match serde_json::to_value(&fill) {
            Ok(Value::Object(told)) => told,
            _ => Map::new(),
        };
        let explained: Vec<&str> =
            fill.differs_from_legacy.iter().map(|difference| difference.explain()).collect();
        if !explained.is_empty() {
            told.insert("differs_from_legacy".to_owned(), json!(explained));
        }
        told.insert("ref".to_owned(), event_ref.clone().into());
        if record {
            let root = archive.lock().root().clone();
            let stored = self.store(&root, &told, market.game_id, step.at.ts)?;
            told.insert("stored_as".to_owned(), stored.to_string().into());
        }
        let at = self.taken.partition_point(|taken| taken.place <= place);
        self.taken.insert(at, Taken { place, order, event_ref });
        let removed = self.remove_impossible(cursor, place.0);
        if !removed.is_empty() {
            told.insert("removed".to_owned(), json!(removed));
        }
        Ok(told)
    }

    /// Removes actions of a chapter that are refused now; names them.
    fn remove_impossible(&mut self, cursor: &Cursor, chapter: usize) -> Vec<String> {
        let reel = cursor.reel();
        let last = self.taken.iter().filter(|taken| taken.place.0 == chapter).map(|taken| taken.place.1).max();
        let Some(last) = last else { return Vec::new() };
        let mut removed = Vec::new();
        // One at a time: without it, the ones after it may be possible again.
        while let Some((number, why)) = self.replayed(reel, chapter, last).1.into_iter().next() {
            if number >= self.taken.len() {
                break;
            }
            let taken = self.taken.remove(number);
            removed.push(format!("{} at {}: {why}", taken.order.action(), taken.event_ref));
        }
        removed
    }

    /// Stores an action as a row of its own: as a whole segment of the journal, because another process may hold
    /// the lease. Readers see it at once; whoever writes next seals it.
    fn store(
        &mut self,
        root: &DataRoot,
        told: &Map<String, Value>,
        game_id: &str,
        then_us: Option<i64>,
    ) -> Result<EventRef, StoreError> {
        if let Some(found) =
            SchemaManifest::load(root)?.filter(|found| is_newer(&found.schema_version, SCHEMA_VERSION))
        {
            return Err(StoreError::NewerSchema {
                root: root.path().to_owned(),
                found: found.schema_version,
                known: SCHEMA_VERSION,
            });
        }
        let (session_id, count) = self.stored.unwrap_or_else(|| (SessionId::start(), 0));
        let seq = count + 1;
        let mut row = told.clone();
        let number = |name: &str| told.get(name).and_then(Value::as_str).and_then(|text| text.parse::<f64>().ok());
        let sale = told.get("sale").and_then(Value::as_object);
        let part = sale.and_then(|sale| sale.get("percentage")).and_then(Value::as_str);
        let percentage = part.and_then(|part| part.parse::<f64>().ok()).map(|part| part * 100.0);
        if percentage.is_some_and(|percentage| percentage < 100.0) {
            row.insert("action".to_owned(), "PARTIAL_SELL".into());
        }
        row.insert("game_id".to_owned(), game_id.into());
        row.insert("outcome".to_owned(), "success".into());
        row.insert("percentage".to_owned(), json!(percentage));
        row.insert("amount".to_owned(), json!(number("amount")));
        row.insert("price".to_owned(), json!(number("price")));
        row.insert("replayed_ts".to_owned(), json!(then_us.map(chapter::time)));
        row.insert("rules".to_owned(), self.settings.rules.as_str().into());
        let (text, now) = (Value::Object(row).to_string(), now_us());
        let record = Record {
            seq,
            ts: Some(now),
            source: Source::Replay,
            direction: None,
            format: LineFormat::ReplayAction,
            hint: None,
            socket_id: None,
            offset: None,
            source_clock: None,
            text: &text,
        };
        let head = SegmentHead {
            session_id,
            number: seq,
            first_seq: seq,
            origin: "replay".to_owned(),
            started_us: now,
            build: BUILD.to_owned(),
            requests: Default::default(),
        };
        SegmentWriter::whole(root, &head, &[record])?;
        self.stored = Some((session_id, seq));
        Ok(EventRef { session_id, seq })
    }
}

/// What the account sees of a place; `None` before any game.
fn market<'r>(reel: &'r Reel, mark: &Mark) -> Option<Market<'r>> {
    let game_id = reel.game(mark)?;
    Some(Market::in_phase(game_id, mark.tick.map_or(0, i64::from), mark.price, mark.phase))
}
