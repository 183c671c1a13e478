//! Rows from lines of older recorders that hold no frame.

use super::*;

/// A line of a per-game recording: a tick, or a marker.
pub(super) fn recording<S: RowSink>(rows: Rows<'_, S>) -> Result<(), StoreError> {
    let text = rows.record.text;
    let line = RecordingLine::read(text).unwrap_or_default();
    let envelope = Envelope { game_id: line.game_id.as_deref(), raw_json: Some(text), ..rows.envelope() };
    if !line.is_tick() {
        let event_type = format!("recording_{}", line.kind.as_deref().unwrap_or("marker"));
        return rows.sink.row(DocType::SystemEvent, &envelope, &[Cell::Text(&event_type), Cell::Text(text)]);
    }
    let (active, rugged) = (line.active.unwrap_or(false), line.rugged.unwrap_or(false));
    let (timer_packet, before) = (line.is_timer_packet(), line.is_before_a_game());
    // The recorder wrote its defaults where the packet was silent: 1.0, tick 0, false, 0 trades.
    let said = |present: bool, cell: Cell<'static>| if present { cell } else { Cell::Null };
    let own = [
        said(!before, line.tick.into()),
        said(!before, line.price_value().into()),
        said(!timer_packet, line.active.into()),
        said(!timer_packet, line.rugged.into()),
        line.cooldown_timer.into(),
        line.trade_count.filter(|count| *count != 0).into(),
        Phase::of_recording(active, rugged, line.cooldown_timer.unwrap_or(0.0)).map(Phase::as_str).into(),
        Cell::Text("recording"),
    ];
    rows.sink.row(DocType::GameTick, &envelope, &own)
}

/// A line of a demonstration: a press of a button, or a header or footer.
pub(super) fn demonstration<S: RowSink>(rows: Rows<'_, S>) -> Result<(), StoreError> {
    use std::borrow::Cow;

    object! {
        struct Action<'t> {
            kind: Cow<'t, str> = "type",
            category: Cow<'t, str> = "category",
            button: Cow<'t, str> = "button" | "action",
            game_id: Cow<'t, str> = "game_id",
            amount: f64 = "amount",
            price: f64 = "price",
            latency_ms: f64 = "latency_ms",
        }
    }
    let text = rows.record.text;
    let action = Action::read(text).unwrap_or_default();
    let envelope = Envelope { game_id: action.game_id.as_deref(), raw_json: Some(text), ..rows.envelope() };
    let traded = match (action.category.as_deref(), action.button.as_deref()) {
        (Some("TRADE_BUY"), _) | (None, Some("BUY")) => Some("BUY"),
        (Some("TRADE_SELL"), _) | (None, Some("SELL")) => Some("SELL"),
        (Some("TRADE_SIDEBET"), _) | (None, Some("SIDEBET_PLACE")) => Some("SIDEBET"),
        _ => None,
    };
    let Some(traded) = traded else {
        let kind = action.category.as_deref().or(action.kind.as_deref()).unwrap_or("marker");
        let event_type = format!("demonstration_{}", kind.to_lowercase());
        return rows.sink.row(DocType::SystemEvent, &envelope, &[Cell::Text(&event_type), Cell::Text(text)]);
    };
    let own = [
        Cell::Text(traded),
        Cell::Text("request"),
        action.amount.into(),
        action.price.into(),
        Cell::Null,
        action.latency_ms.into(),
        Cell::Null,
        Cell::Null,
        Cell::Null,
        Cell::Null,
    ];
    rows.sink.row(DocType::PlayerAction, &envelope, &own)
}

/// One `gameHistory` entry that a collector wrote down.
pub(super) fn history_entry<S: RowSink>(mut rows: Rows<'_, S>, context: &mut Context) -> Result<(), StoreError> {
    let text = rows.record.text;
    match serde_json::from_str::<&RawValue>(text) {
        Ok(entry) => {
            rows.finished_game(entry.into(), context, &mut 0, &mut 0)?;
            rows.system(Some("imported_history_entry"), None, Some(text))
        }
        Err(_) => rows.system(Some("imported_unreadable"), None, Some(text)),
    }
}

/// A whole game of the unified recorder. Its `server_seed` is left out: that recorder took it from the packet
/// that still lists the game before, so it is another game's.
pub(super) fn game_document<S: RowSink>(rows: Rows<'_, S>, context: &mut Context) -> Result<(), StoreError> {
    let text = rows.record.text;
    let document = GameDocument::read(text).unwrap_or_default();
    let prices = document.prices.and_then(price_list).unwrap_or_default();
    let meta = document.meta.unwrap_or_default();
    if let Some(game_id) = meta.game_id.as_deref() {
        let quality = Quality::of(false, !prices.is_empty(), false);
        if context.games.admit(game_id, quality).game {
            let envelope = Envelope { game_id: Some(game_id), raw_json: Some(text), ..rows.envelope() };
            let entries = document.prices.into_iter().flat_map(Value::elements).count();
            let last = entries.checked_sub(1).and_then(|last| i64::try_from(last).ok());
            let own = [
                Cell::from(meta.peak_multiplier),
                last.into(),
                prices.last().copied().into(),
                Cell::Null,
                Cell::Null,
                Cell::Null,
                Cell::Null,
                if prices.is_empty() { Cell::Null } else { Cell::Floats(&prices) },
                Cell::Null,
                Cell::Null,
                Cell::Int(quality.as_i64()),
            ];
            rows.sink.row(DocType::Game, &envelope, &own)?;
        }
    }
    rows.system(Some("imported_game_document"), None, Some(text))
}
