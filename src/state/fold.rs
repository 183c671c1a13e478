//! The fold: every event moves it on, nothing else does.
//!
//! The same public event may come from several sources and twice: everything is keyed by what it is about (game
//! and tick, trade id, record), so it counts once. Private events come from the logged-in browser only.

use std::collections::VecDeque;
use std::sync::Arc;

use super::account::Account;
use super::event::{At, Event, GameId, SystemEvent, source_named};
use super::fact::{self, Fact, Rugpool, Statistics};
use super::game::Game;
use super::god_candle::GodCandles;
use super::integrity::{Monitor, Threshold};
use super::latency::Window;
use super::ledger::FieldDrift;
use super::note::{Disagreement, Note, Transition};
use crate::protocol::line;
use crate::protocol::requests::RequestTracker;

mod connection;
mod games;
mod own;

use connection::Connections;
use own::Waiting;

/// Transitions kept (G20).
pub const MOST_TRANSITIONS: usize = 20;
/// Games kept besides the current one: late packets reach back to the one before.
const MOST_GAMES: usize = 4;
/// Disagreements kept.
const MOST_DISAGREEMENTS: usize = 20;
/// A gap of this many ticks is more than the next packet's `partialPrices` repairs.
const GAP_TICKS: u32 = 5;
/// Games in a row whose rug was not seen.
const ABNORMAL_GAMES: u32 = 2;

/// A value with the frame that said it.
#[derive(Debug, Clone)]
pub struct Observed<T> {
    /// The frame.
    pub at: At,
    /// The value.
    pub value: T,
}

/// What the frames name besides the game itself.
#[derive(Debug, Clone, Default)]
pub struct Lobby {
    /// Averages and counts of the last games.
    pub statistics: Option<Observed<Statistics>>,
    /// The pool of instant rugs.
    pub rugpool: Option<Observed<Rugpool>>,
    /// The ranking's JSON text.
    pub leaderboard: Option<Observed<Arc<str>>>,
    /// Sockets on the server.
    pub connected_players: Option<Observed<i64>>,
    /// The day's highest peak.
    pub highest_today: Option<Observed<f64>>,
}

/// What the histories named.
#[derive(Debug, Clone, Default)]
pub struct Histories {
    /// Ids of finished games, the newest last, bounded.
    pub finished: VecDeque<GameId>,
    /// Entries that named a game for the first time.
    pub new: u64,
    /// Entries that repeated one.
    pub repeated: u64,
    /// Entries without an id.
    pub nameless: u64,
}

/// The state after some events. Cloning it is cheap (a checkpoint): the games are shared until they change.
#[derive(Debug, Clone)]
pub struct Fold {
    /// Games, the current one last.
    games: Vec<Arc<Game>>,
    histories: Histories,
    lobby: Lobby,
    god_candles: GodCandles,
    transitions: VecDeque<Transition>,
    disagreements: VecDeque<Disagreement>,
    account: Account,
    /// A drift that a broadcast on its way may still explain.
    suspected: Option<Observed<Vec<FieldDrift>>>,
    requests: RequestTracker,
    waiting: Vec<Waiting>,
    trades: VecDeque<u64>,
    order_acks: Window,
    other_acks: Window,
    broadcasts: Window,
    connections: Connections,
    gaps: Monitor,
    abnormal: Monitor,
    rugs: u64,
    regressions: u64,
    first: Option<At>,
    last: Option<At>,
    events: u64,
}

impl Default for Fold {
    fn default() -> Fold {
        Fold::new()
    }
}

impl Fold {
    /// Nothing is known.
    pub fn new() -> Fold {
        Fold {
            games: Vec::new(),
            histories: Histories::default(),
            lobby: Lobby::default(),
            god_candles: GodCandles::default(),
            transitions: VecDeque::new(),
            disagreements: VecDeque::new(),
            account: Account::default(),
            suspected: None,
            requests: RequestTracker::default(),
            waiting: Vec::new(),
            trades: VecDeque::new(),
            order_acks: Window::default(),
            other_acks: Window::default(),
            broadcasts: Window::default(),
            connections: Connections::default(),
            gaps: Monitor::new(Threshold::Ticks(GAP_TICKS)),
            abnormal: Monitor::new(Threshold::Games(ABNORMAL_GAMES)),
            rugs: 0,
            regressions: 0,
            first: None,
            last: None,
            events: 0,
        }
    }

    /// Takes one stored row; returns what it changed. Rows of one session come in the order of `seq`.
    pub fn apply(&mut self, event: &Event<'_>) -> Vec<Note> {
        let at = self.address(event.session_id, event.seq, event.ts, event.source);
        let inner = line::inner(event.format, event.text);
        let fact = match &inner {
            Some(inner) => fact::read(inner.format, inner.hint.as_deref(), &inner.text, event.is_sent()),
            None => fact::read(event.format, event.event_name, event.text, event.is_sent()),
        };
        self.take(&at, event.socket_id, &fact)
    }

    /// Takes one fact: the core of the fold, for callers that keep facts instead of texts.
    pub fn take(&mut self, at: &At, socket_id: Option<&str>, fact: &Fact<'_>) -> Vec<Note> {
        let mut notes = Vec::new();
        self.events += 1;
        if self.first.is_none() {
            self.first = Some(at.clone());
        }
        self.last = Some(at.clone());
        self.frame(at, matches!(fact, Fact::Unreadable), &mut notes);
        self.tell_drift(at, &mut notes);
        match fact {
            Fact::Tick(tick) => self.tick(at, socket_id, tick, &mut notes),
            Fact::Account(update) => self.account_update(at, socket_id, update, &mut notes),
            Fact::Companion(companion) => self.companion(at, companion),
            Fact::Identity { id, username } => self.account.identify(at, id.as_deref(), username.as_deref()),
            Fact::Trade { trade, exact, trace_id } => {
                self.trade(at, trade, exact, trace_id.as_deref(), &mut notes);
            }
            Fact::OwnBet(bet) => self.own_bet(at, bet, &mut notes),
            Fact::Request(request) => self.request(at, socket_id, request),
            Fact::Ack { ack_id, success } => self.ack(at, socket_id, *ack_id, *success, &mut notes),
            Fact::Connect => self.connected(at, &mut notes),
            Fact::Close => self.lost(at, &mut notes),
            Fact::Unreadable | Fact::Other => {}
        }
        notes
    }

    /// Takes what the recorder says itself: connections that come and go.
    pub fn system(&mut self, event: &SystemEvent<'_>) -> Vec<Note> {
        let mut notes = Vec::new();
        let at = self.address(event.session_id, event.seq, event.ts, event.source);
        let word = event.event_type;
        if ["disconnect", "lost", "closed", "down"].iter().any(|end| word.contains(end)) {
            self.lost(&at, &mut notes);
        } else if ["connected", "opened", "reconnect"].iter().any(|begin| word.contains(begin)) {
            self.opened(&at, &mut notes);
        }
        notes
    }

    /// The address of a row; the session's name is shared with the row before, where it is the same.
    fn address(&self, session_id: &str, seq: u64, ts: Option<i64>, source: &str) -> At {
        let session = match &self.last {
            Some(last) if last.session.as_ref() == session_id => last.session.clone(),
            _ => Arc::from(session_id),
        };
        At { ts, session, seq, source: source_named(source) }
    }

    /// The current game.
    pub fn game(&self) -> Option<&Game> {
        self.games.last().map(Arc::as_ref)
    }

    /// A game that is still kept: the current one and the few before.
    pub fn game_by_id(&self, game_id: &str) -> Option<&Game> {
        self.games.iter().rev().find(|game| game.id.as_ref() == game_id).map(Arc::as_ref)
    }

    /// The games that are still kept, the current one last.
    pub fn games(&self) -> impl DoubleEndedIterator<Item = &Game> {
        self.games.iter().map(Arc::as_ref)
    }

    /// The logged-in account.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// What the frames name besides the game.
    pub fn lobby(&self) -> &Lobby {
        &self.lobby
    }

    /// What the histories named.
    pub fn histories(&self) -> &Histories {
        &self.histories
    }

    /// The day's god-candle records.
    pub fn god_candles(&self) -> &GodCandles {
        &self.god_candles
    }

    /// The last changes of phase, the newest last.
    pub fn transitions(&self) -> &VecDeque<Transition> {
        &self.transitions
    }

    /// The last differing prices, the newest last.
    pub fn disagreements(&self) -> &VecDeque<Disagreement> {
        &self.disagreements
    }

    /// Requests that wait for their ack.
    pub fn requests(&self) -> &RequestTracker {
        &self.requests
    }

    /// Latencies: orders to their ack, other requests to their ack, orders to their broadcast.
    pub fn latencies(&self) -> (&Window, &Window, &Window) {
        (&self.order_acks, &self.other_acks, &self.broadcasts)
    }

    /// The monitors of gaps and of games whose rug was not seen.
    pub fn monitors(&self) -> (&Monitor, &Monitor) {
        (&self.gaps, &self.abnormal)
    }

    /// Games that rugged and ticks that went back, since the first event.
    pub fn counts(&self) -> (u64, u64) {
        (self.rugs, self.regressions)
    }

    /// The connections' state.
    pub fn connections(&self) -> &Connections {
        &self.connections
    }

    /// The first event that was folded.
    pub fn first(&self) -> Option<&At> {
        self.first.as_ref()
    }

    /// The last event that was folded.
    pub fn last(&self) -> Option<&At> {
        self.last.as_ref()
    }

    /// Events folded.
    pub fn events(&self) -> u64 {
        self.events
    }
}
