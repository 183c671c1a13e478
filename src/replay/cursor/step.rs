//! One event of a replay: what it says, kept without its text, and where the text is.

use std::sync::Arc;

use crate::protocol::line;
use crate::protocol::phase::Phase;
use crate::state::condition::EventView;
use crate::state::event::source_named;
use crate::state::fact::{self, Fact};
use crate::state::rows::Row;
use crate::state::{At, Event, Fold, Note, SystemEvent};

/// What an event is.
#[derive(Debug)]
pub enum What {
    /// A frame, or a line of an older recording.
    Fact(Fact<'static>),
    /// The recorder's own word, like `connection_lost`.
    System(Arc<str>),
}

/// One event.
#[derive(Debug)]
pub struct Step {
    /// Its address.
    pub at: At,
    /// The socket, where several were recorded at once.
    pub socket: Option<Arc<str>>,
    /// What it says.
    pub what: What,
    /// Its name: the Socket.IO event's, else what kind of frame it is.
    pub name: Arc<str>,
    /// Whether `name` is a Socket.IO event's.
    pub named: bool,
    /// Whether the browser sent it.
    pub sent: bool,
    /// Where its text is: the batch, and the row in it.
    pub text: (usize, usize),
}

impl Step {
    /// Reads a row. `names` holds the names so far: thousands of events share a few.
    pub fn read(
        row: &Row<'_>,
        place: (usize, usize),
        session: &Arc<str>,
        names: &mut Vec<Arc<str>>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Step {
        let at = |seq, ts, source| At { ts, session: session.clone(), seq, source: source_named(source) };
        match row {
            Row::System(event) => Step {
                at: at(event.seq, event.ts, event.source),
                socket: None,
                what: What::System(shared(names, event.event_type)),
                name: shared(names, &format!("system:{}", event.event_type)),
                named: false,
                sent: false,
                text: place,
            },
            Row::Event(event) => {
                let fact = fact_of(event, wanted);
                let name = event.event_name.unwrap_or_else(|| name_of(&fact));
                Step {
                    at: at(event.seq, event.ts, event.source),
                    socket: event.socket_id.map(|socket| shared(names, socket)),
                    named: event.event_name.is_some() || matches!(fact, Fact::Tick(_)),
                    name: shared(names, name),
                    what: What::Fact(fact),
                    sent: event.is_sent(),
                    text: place,
                }
            }
        }
    }

    /// Moves the fold on by this event.
    pub fn apply(&self, fold: &mut Fold) -> Vec<Note> {
        match &self.what {
            What::Fact(fact) => fold.take(&self.at, self.socket.as_deref(), fact),
            What::System(word) => fold.system(&SystemEvent {
                session_id: &self.at.session,
                seq: self.at.seq,
                ts: self.at.ts,
                source: self.at.source.map_or("", |source| source.as_str()),
                event_type: word,
            }),
        }
    }

    /// What a condition looks at.
    pub fn view(&self) -> EventView<'_> {
        match &self.what {
            What::Fact(fact) => EventView::of(fact),
            What::System(_) => EventView::Other,
        }
    }

    /// `received` or `sent`; a recorder's own word is neither.
    pub fn direction(&self) -> Option<&'static str> {
        match self.what {
            What::Fact(_) => Some(if self.sent { "sent" } else { "received" }),
            What::System(_) => None,
        }
    }

    /// The name that a condition compares with.
    pub fn event_name(&self) -> Option<&str> {
        self.named.then_some(self.name.as_ref())
    }
}

fn fact_of(event: &Event<'_>, wanted: &dyn Fn(&str) -> bool) -> Fact<'static> {
    match line::inner(event.format, event.text) {
        Some(inner) => {
            fact::read(inner.format, inner.hint.as_deref(), &inner.text, event.is_sent()).into_owned(wanted)
        }
        None => fact::read(event.format, event.event_name, event.text, event.is_sent()).into_owned(wanted),
    }
}

/// What a frame without an event's name is called.
fn name_of(fact: &Fact<'_>) -> &'static str {
    match fact {
        // A tick of an older recording is what its recorder kept of one.
        Fact::Tick(_) => "gameStateUpdate",
        Fact::Ack { .. } => "ack",
        Fact::Connect => "connect",
        Fact::Close => "close",
        Fact::Unreadable => "unreadable",
        _ => "frame",
    }
}

fn shared(names: &mut Vec<Arc<str>>, name: &str) -> Arc<str> {
    if let Some(known) = names.iter().find(|known| known.as_ref() == name) {
        return known.clone();
    }
    let new: Arc<str> = name.into();
    names.push(new.clone());
    new
}

/// Where the game stands after an event: what moving needs without folding.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mark {
    /// The current game, a place in the span's list.
    pub game: Option<u32>,
    /// Its phase.
    pub phase: Option<Phase>,
    /// Its tick.
    pub tick: Option<u32>,
    /// The price of that tick.
    pub price: Option<f64>,
    /// Whether tick, phase or game are others than before: where stepping by ticks stops.
    pub stops: bool,
}

impl Mark {
    /// Whether tick, phase or game differ.
    pub fn is_elsewhere(&self, before: &Mark) -> bool {
        (self.game, self.phase, self.tick) != (before.game, before.phase, before.tick)
    }
}
