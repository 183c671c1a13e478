//! Rows of what was done in a replay.

use std::borrow::Cow;

use super::*;

/// An action that was taken in a replay: executed at once by the local account, so that one row says all. It is no
/// frame, and no raw row stands beside it: whoever folds the frames of a store must not meet it.
pub(super) fn action<S: RowSink>(rows: Rows<'_, S>) -> Result<(), StoreError> {
    object! {
        struct Action<'t> {
            action: Cow<'t, str> = "action",
            game_id: Cow<'t, str> = "game_id",
            outcome: Cow<'t, str> = "outcome",
            amount: f64 = "amount",
            price: f64 = "price",
            percentage: f64 = "percentage",
            tick: i64 = "tick",
        }
    }
    let text = rows.record.text;
    let action = Action::read(text).unwrap_or_default();
    let envelope = Envelope { game_id: action.game_id.as_deref(), raw_json: Some(text), ..rows.envelope() };
    let own = [
        Cell::from(&action.action),
        Cell::Text("replay"),
        action.amount.into(),
        action.price.into(),
        action.percentage.into(),
        Cell::Null,
        (&action.outcome).into(),
        Cell::Null,
        Cell::Null,
        action.tick.into(),
    ];
    rows.sink.row(DocType::PlayerAction, &envelope, &own)
}
