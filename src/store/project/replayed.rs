//! Rows of what was done in a replay.

use std::borrow::Cow;

use super::*;
use replayer_protocol::lenient;

/// An action that was taken in a replay: executed at once by the local account, so that one row says all. It is no
/// frame, and no raw row stands beside it: whoever folds the frames of a store must not meet it.
pub(super) fn action<S: RowSink>(rows: Rows<'_, S>) -> Result<(), StoreError> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Action<'a> {
        #[serde(borrow, deserialize_with = "lenient::text")]
        action: Option<Cow<'a, str>>,
        #[serde(borrow, deserialize_with = "lenient::text")]
        game_id: Option<Cow<'a, str>>,
        #[serde(borrow, deserialize_with = "lenient::text")]
        outcome: Option<Cow<'a, str>>,
        #[serde(deserialize_with = "lenient::number")]
        amount: Option<f64>,
        #[serde(deserialize_with = "lenient::number")]
        price: Option<f64>,
        #[serde(deserialize_with = "lenient::number")]
        percentage: Option<f64>,
    }
    let text = rows.record.text;
    let action: Action = serde_json::from_str(text).unwrap_or_default();
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
    ];
    rows.sink.row(DocType::PlayerAction, &envelope, &own)
}
