//! From a stored text to rows: the one function that sealing, reading the tail and live state share, so that
//! they cannot disagree.
//!
//! Its only state is [`Context`]: which orders wait for their ack, and which games are stored already.

use serde_json::value::RawValue;

use super::StoreError;
use super::games::{GameFilter, Quality};
use super::ids::SessionId;
use super::proof::StoredProof;
use super::record::{Direction, Record};
use super::rows::{Cell, Envelope, RowSink};
use super::schema::DocType;
use replayer_protocol::fairness::verdict::{Claim, Recorded, Verdict, judge};
use replayer_protocol::frame::Packet;
use replayer_protocol::identity::{self, Identity};
use replayer_protocol::json::{Value, object};
use replayer_protocol::line::{self, Event, FrameStatus, LineFormat, RecordingLine};
use replayer_protocol::payload::{
    GameState, HistoryGame, Order, OrderAck, PlayerUpdate, ProvablyFair, Sidebet, Trade, as_f64, money_kind,
    price_list,
};
use replayer_protocol::phase::Phase;
use replayer_protocol::reading::{self, Reading};
use replayer_protocol::requests::{OpenOrder, RequestTracker, Shown, action_type};

mod older;
mod replayed;

/// What projecting one record needs to know of the earlier ones.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// Orders that wait for their ack.
    pub requests: RequestTracker,
    /// Games that are stored already.
    pub games: GameFilter,
}

/// Projects one record of `session_id` into rows.
///
/// # Errors
/// Only those of the sink: whatever the text holds, it yields at least its raw row.
pub fn project<S: RowSink>(
    session_id: SessionId,
    record: &Record<'_>,
    context: &mut Context,
    sink: &mut S,
) -> Result<(), StoreError> {
    let rows = Rows { session_id, record, sink };
    match record.format {
        LineFormat::System => rows.own_event(record.hint, record.text),
        LineFormat::Recording | LineFormat::RecorderSink => older::recording(rows),
        LineFormat::Demonstration => older::demonstration(rows),
        LineFormat::HistoryCollector => older::history_entry(rows, context),
        LineFormat::GameDocument => older::game_document(rows, context),
        LineFormat::ReplayAction => replayed::action(rows),
        LineFormat::Document => rows.system(Some("imported_document"), None, Some(record.text)),
        _ => {
            let inner = line::inner(record.format, record.text);
            let event = match &inner {
                Some(inner) => line::decode(inner.format, inner.hint.as_deref(), &inner.text),
                None => line::decode(record.format, record.hint, record.text),
            };
            rows.event(&event, context)
        }
    }
}

/// The rows of one record, on their way to the sink.
struct Rows<'r, S> {
    session_id: SessionId,
    record: &'r Record<'r>,
    sink: &'r mut S,
}

impl<'r, S: RowSink> Rows<'r, S> {
    fn envelope(&self) -> Envelope<'r> {
        Envelope {
            ts: self.record.ts,
            source: self.record.source,
            session_id: self.session_id,
            game_id: None,
            player_id: None,
            username: None,
            seq: self.record.seq,
            direction: self.record.direction,
            raw_json: None,
            ordinal: 0,
        }
    }

    /// What the recorder says itself; a proof also fills ticks.
    fn own_event(self, event_type: Option<&str>, details: &str) -> Result<(), StoreError> {
        let proof = event_type.and_then(|event_type| StoredProof::read(event_type, details));
        let envelope = Envelope { game_id: proof.as_ref().map(|proof| proof.game_id.as_str()), ..self.envelope() };
        self.sink.row(DocType::SystemEvent, &envelope, &[event_type.into(), Cell::Text(details)])?;
        match &proof {
            Some(proof) => proof.fill(&envelope, self.sink),
            None => Ok(()),
        }
    }

    fn system(self, event_type: Option<&str>, details: Option<&str>, raw: Option<&str>) -> Result<(), StoreError> {
        let envelope = Envelope { raw_json: raw, ..self.envelope() };
        self.sink.row(DocType::SystemEvent, &envelope, &[event_type.into(), details.into()])
    }

    fn event(mut self, event: &Event<'_>, context: &mut Context) -> Result<(), StoreError> {
        let sent = self.record.direction == Some(Direction::Sent);
        let reading = reading::of(event, sent);
        let status = reading.status(event.status);
        if let Reading::State(state) = &reading {
            return self.game_state(event, status, state, context);
        }
        let name = event.name.as_deref();
        let identity = event.payload.map(|payload| identity::of(name, payload)).unwrap_or_default();
        self.raw(event, status, &identity, None)?;
        match (&reading, event.payload) {
            (Reading::Trade(trade), Some(payload)) => self.trade(trade, payload),
            (Reading::Account(update), Some(payload)) => self.server_state(update, payload),
            (Reading::Sidebet { bet, .. }, Some(payload)) => {
                self.sidebet(bet, payload.get(), name.unwrap_or_default(), None, 0)
            }
            (Reading::Request(order), payload) => self.order(event, order, payload, context),
            (Reading::Ack(answer), payload) => self.ack(event, answer, payload, context),
            _ => Ok(()),
        }
    }

    fn raw(
        &mut self,
        event: &Event<'_>,
        status: FrameStatus,
        identity: &Identity<'_>,
        phase: Option<Phase>,
    ) -> Result<(), StoreError> {
        let record = self.record;
        let envelope = Envelope {
            game_id: identity.game_id.as_deref(),
            player_id: identity.player_id.as_deref(),
            username: identity.username.as_deref(),
            raw_json: Some(record.text),
            ..self.envelope()
        };
        let own = [
            Cell::from(event.name.as_deref()),
            event.packet.map(Packet::as_str).into(),
            integer(event.ack_id),
            event.trace_id().into(),
            record.socket_id.into(),
            phase.map(Phase::as_str).into(),
            Cell::Text(status.as_str()),
            Cell::Text(record.format.as_str()),
            record.source_clock.into(),
            integer(record.offset),
        ];
        self.sink.row(DocType::WsEvent, &envelope, &own)
    }

    fn game_state(
        &mut self,
        event: &Event<'_>,
        status: FrameStatus,
        state: &GameState<'_>,
        context: &mut Context,
    ) -> Result<(), StoreError> {
        let phase = state.phase();
        let identity = Identity::of_game(state.game_id.as_deref());
        self.raw(event, status, &identity, phase)?;
        if let Some(game_id) = state.game_id.as_deref() {
            let tick = state.true_tick().filter(|_| phase == Some(Phase::Active));
            context.requests.shown(game_id, tick);
        }
        let envelope = Envelope { game_id: state.game_id.as_deref(), ..self.envelope() };
        let own = [
            Cell::from(state.tick_count),
            state.price.into(),
            state.active.into(),
            state.rugged.into(),
            state.cooldown_timer.into(),
            state.trade_count.into(),
            phase.map(Phase::as_str).into(),
            Cell::Text("frame"),
        ];
        self.sink.row(DocType::GameTick, &envelope, &own)?;
        match state.game_history {
            Some(history) => self.history(history, context),
            None => Ok(()),
        }
    }

    fn history(&mut self, history: Value<'_>, context: &mut Context) -> Result<(), StoreError> {
        let (mut games, mut sidebets) = (0, 0);
        for entry in history.elements() {
            self.finished_game(entry, context, &mut games, &mut sidebets)?;
        }
        Ok(())
    }

    /// Stores one history entry unless it is stored already; counts the rows it made.
    fn finished_game(
        &mut self,
        entry: Value<'_>,
        context: &mut Context,
        games: &mut i64,
        sidebets: &mut i64,
    ) -> Result<(), StoreError> {
        let Some(game) = HistoryGame::read(entry) else {
            return Ok(());
        };
        // An entry without an id cannot be keyed; the frame keeps it.
        let Some(game_id) = game.id.as_deref() else {
            return Ok(());
        };
        let fair = game.provably_fair.clone().unwrap_or_default();
        let prices = game.prices.and_then(price_list).unwrap_or_default();
        let bets: Vec<Value<'_>> = game.global_sidebets.into_iter().flat_map(Value::elements).collect();
        let quality = Quality::of(fair.server_seed.is_some(), !prices.is_empty(), !bets.is_empty());
        let admission = context.games.admit(game_id, quality);
        if !admission.game {
            return Ok(());
        }
        let envelope =
            Envelope { game_id: Some(game_id), raw_json: Some(entry.text()), ordinal: *games, ..self.envelope() };
        let last = prices.len().checked_sub(1);
        let own = [
            Cell::from(game.peak_multiplier),
            last.and_then(|last| i64::try_from(last).ok()).into(),
            prices.last().copied().into(),
            milliseconds(game.timestamp),
            (&fair.server_seed).into(),
            (&fair.server_seed_hash).into(),
            game.version().into(),
            if prices.is_empty() { Cell::Null } else { Cell::Floats(&prices) },
            if game.global_sidebets.is_some() { Cell::Int(bets.len() as i64) } else { Cell::Null },
            proven(game_id, &fair, game.version(), &prices).into(),
            Cell::Int(quality.as_i64()),
        ];
        self.sink.row(DocType::Game, &envelope, &own)?;
        *games += 1;
        if admission.sidebets {
            for raw in bets {
                let Some(bet) = Sidebet::read(raw) else { continue };
                self.sidebet(&bet, raw.text(), "gameHistory", Some(game_id), *sidebets)?;
                *sidebets += 1;
            }
        }
        Ok(())
    }

    fn sidebet(
        &mut self,
        bet: &Sidebet<'_>,
        raw: &str,
        origin: &str,
        game_id: Option<&str>,
        ordinal: i64,
    ) -> Result<(), StoreError> {
        let envelope = Envelope {
            game_id: bet.game_id.as_deref().or(game_id),
            player_id: bet.player_id.as_deref(),
            username: bet.username.as_deref(),
            raw_json: Some(raw),
            ordinal,
            ..self.envelope()
        };
        let own = [
            Cell::from(&bet.id),
            (&bet.kind).into(),
            bet.start().into(),
            bet.end().into(),
            as_f64(bet.bet_amount).into(),
            as_f64(bet.payout).into(),
            bet.profit.into(),
            bet.x_payout.into(),
            bet.outcome().into(),
            (&bet.coin_address).into(),
            money_kind(bet.bonus_portion, bet.real_portion).into(),
            milliseconds(bet.timestamp),
            Cell::Text(origin),
        ];
        self.sink.row(DocType::Sidebet, &envelope, &own)
    }

    fn trade(&mut self, trade: &Trade<'_>, payload: &RawValue) -> Result<(), StoreError> {
        let envelope = Envelope {
            game_id: trade.game_id.as_deref(),
            player_id: trade.player_id.as_deref(),
            username: trade.username.as_deref(),
            raw_json: Some(payload.get()),
            ..self.envelope()
        };
        let (bonus, real) = (as_f64(trade.bonus_portion), as_f64(trade.real_portion));
        let own = [
            Cell::from(&trade.id),
            (&trade.side).into(),
            as_f64(trade.qty).into(),
            as_f64(trade.amount).into(),
            as_f64(trade.price).into(),
            trade.tick_index.into(),
            (&trade.coin).into(),
            trade.leverage.into(),
            money_kind(bonus, real).into(),
            trade.level.into(),
            bonus.into(),
            real.into(),
        ];
        self.sink.row(DocType::Trade, &envelope, &own)
    }

    fn server_state(&mut self, update: &PlayerUpdate<'_>, payload: &RawValue) -> Result<(), StoreError> {
        let envelope = Envelope {
            game_id: update.game_id.as_deref(),
            player_id: update.player_id(),
            username: update.username.as_deref(),
            raw_json: Some(payload.get()),
            ..self.envelope()
        };
        let own = [
            Cell::from(as_f64(update.cash)),
            as_f64(update.position_qty).into(),
            as_f64(update.avg_cost).into(),
            as_f64(update.total_invested).into(),
            as_f64(update.cumulative_pnl).into(),
            update.pnl_percent.into(),
            update.has_active_trades.into(),
        ];
        self.sink.row(DocType::ServerState, &envelope, &own)
    }

    /// An order that the browser sent. It says neither game nor tick: they are those that the page showed then.
    fn order(
        &mut self,
        event: &Event<'_>,
        order: &Order<'_>,
        payload: Option<&RawValue>,
        context: &mut Context,
    ) -> Result<(), StoreError> {
        let percentage = as_f64(order.percentage);
        let action = event.name.as_deref().and_then(|name| action_type(name, percentage));
        let Some(action) = action else {
            return Ok(());
        };
        let shown = context.requests.now().cloned();
        if let Some(ack_id) = event.ack_id {
            context.requests.sent(OpenOrder {
                socket_id: self.record.socket_id.map(str::to_owned),
                ack_id,
                action_type: action.to_owned(),
                sent_us: self.record.ts,
                amount: as_f64(order.amount),
                percentage,
                trace_id: event.trace_id().map(str::to_owned),
                shown: shown.clone(),
            });
        }
        let envelope = Envelope {
            game_id: shown.as_ref().map(|shown| shown.game_id.as_str()),
            raw_json: payload.map(RawValue::get),
            ..self.envelope()
        };
        let own = [
            Cell::Text(action),
            Cell::Text("request"),
            as_f64(order.amount).into(),
            order.price.into(),
            percentage.into(),
            Cell::Null,
            Cell::Null,
            integer(event.ack_id),
            event.trace_id().into(),
            tick(shown.as_ref()),
        ];
        self.sink.row(DocType::PlayerAction, &envelope, &own)
    }

    /// An ack of an order. Acks of other requests stay raw rows.
    fn ack(
        &mut self,
        event: &Event<'_>,
        answer: &OrderAck<'_>,
        payload: Option<&RawValue>,
        context: &mut Context,
    ) -> Result<(), StoreError> {
        let answered = event.ack_id.and_then(|id| context.requests.answered(self.record.socket_id, id));
        let Some(order) = answered else { return Ok(()) };
        let outcome = match answer.success {
            Some(true) => "success",
            Some(false) => answer.error.as_deref().or(answer.message.as_deref()).unwrap_or("rejected"),
            None => answer.error.as_deref().unwrap_or("acknowledged"),
        };
        let latency = self.record.ts.zip(order.sent_us).map(|(now, sent)| (now - sent) as f64 / 1000.0);
        let envelope = Envelope {
            game_id: order.shown.as_ref().map(|shown| shown.game_id.as_str()),
            raw_json: payload.map(RawValue::get),
            ..self.envelope()
        };
        let own = [
            Cell::Text(&order.action_type),
            Cell::Text("ack"),
            order.amount.into(),
            answer.executed_price.into(),
            order.percentage.into(),
            latency.into(),
            Cell::Text(outcome),
            integer(event.ack_id),
            order.trace_id.as_deref().into(),
            tick(order.shown.as_ref()),
        ];
        self.sink.row(DocType::PlayerAction, &envelope, &own)
    }
}

/// The tick that was shown when an order was sent.
fn tick(shown: Option<&Shown>) -> Cell<'static> {
    shown.and_then(|shown| shown.tick).map(i64::from).into()
}

/// Whether the seed reproduces every price bit for bit and has the published hash; `None` when the record holds too
/// little to decide. [`judge`] decides, as everywhere.
fn proven(game_id: &str, fair: &ProvablyFair<'_>, version: Option<&str>, prices: &[f64]) -> Option<bool> {
    let label = version.map(Claim::Version);
    let hash = fair.server_seed_hash.as_deref().map(Claim::Hash);
    let claims: Vec<_> = [Some(Claim::Path(prices)), hash, label]
        .into_iter()
        .flatten()
        .map(|claim| Recorded { claim, by: () })
        .collect();
    match judge(game_id, fair.server_seed.as_deref(), &claims).verdict {
        Verdict::Proven => Some(true),
        Verdict::Differs => Some(false),
        Verdict::Unproven => None,
    }
}

fn integer(value: Option<u64>) -> Cell<'static> {
    value.and_then(|value| i64::try_from(value).ok()).into()
}

/// Unix milliseconds as a time; what lies outside the years 1970–9999 is no time.
fn milliseconds(value: Option<f64>) -> Cell<'static> {
    match value {
        Some(ms) if ms > 0.0 && ms < 253_402_300_800_000.0 => Cell::Time((ms * 1000.0) as i64),
        _ => Cell::Null,
    }
}

object! {
    /// `{meta: {…}, prices: […]}` of the unified recorder.
    struct GameDocument<'t> {
        meta: GameDocumentMeta<'t> = "meta",
        prices: Value<'t> = "prices",
    }
}

object! {
    struct GameDocumentMeta<'t> {
        game_id: std::borrow::Cow<'t, str> = "game_id",
        peak_multiplier: f64 = "peak_multiplier",
    }
}

#[cfg(test)]
mod tests;
