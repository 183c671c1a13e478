//! `get_game`: the list of games, or one game's card.
//!
//! * [`list`] — the list and its cursor. [`card`] — one game's card, put together from the views and the proof.
//! * [`unknown`] — the error for a game that is not there.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{AgentTool, ask};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::sql::near;
use crate::store::schema::DocType;

mod card;
mod list;
pub(super) mod unknown;

pub use card::{Card, card};
pub(super) use card::{record, summary};
pub use list::Order;

/// The tool.
pub struct GetGame;

/// Which game, or which part of the list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// One game's id: gives its card. Without it: the list of games.
    pub game_id: Option<String>,
    /// Games in the list, 1 to 100. Default 20.
    pub limit: Option<u64>,
    /// The list goes on after this: the `before` of an earlier answer, or a time such as "2026-02-01T00:00:00Z"
    /// (orders newest and oldest).
    pub before: Option<String>,
    /// Order of the list. Default newest.
    pub order: Option<Order>,
}

/// A list or a card.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The list, when no game was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub games: Option<Vec<GameRow>>,
    /// The card of the game asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game: Option<Card>,
    /// Whether the list goes on.
    pub truncated: bool,
    /// Give this as `before` to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// What to call next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
}

/// One game in short. What is not known is absent.
#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GameRow {
    /// Id of the game.
    pub game_id: String,
    /// First recorded tick (UTC); for a game known from the history alone, when that arrived.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_ts: Option<String>,
    /// Last recorded tick (UTC), likewise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_ts: Option<String>,
    /// Different ticks that were recorded with their price, the rug included; what is counted on after the rug is not
    /// among them.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticks_recorded: Option<i64>,
    /// Ticks up to the rug that were not, before any repair (tick 0 is 1 in every game: a recording from tick 1 on does not
    /// miss it); absent where the rug tick is unknown or no tick was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticks_missing: Option<i64>,
    /// Runs [first, last] of ticks that were not recorded, up to the rug or the last tick recorded: the first 20. On a card.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub holes: Option<Vec<(i64, i64)>>,
    /// Lowest of the ticks recorded; above 1 means that the start was missed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_tick: Option<i64>,
    /// Tick on which the game rugged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_tick: Option<i64>,
    /// The most direct source of rug_tick: recorded, announced (the site's history) or computed (from the seed).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_source: Option<String>,
    /// Ticks at which a rug was recorded, announced or proven, where there is more than one: an anomaly.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_ticks: Option<Vec<i64>>,
    /// Highest price multiplier before the rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak: Option<f64>,
    /// First tick with that price; absent where the peak is only announced.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak_tick: Option<i64>,
    /// The most direct source of peak: recorded, announced or computed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak_source: Option<String>,
    /// Price at the rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_price: Option<f64>,
    /// Whether the server seed has been revealed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub has_seed: Option<bool>,
    /// Whether the seed reproduced every price.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proven: Option<bool>,
    /// Whether every tick was recorded, from the first (0 or 1) to the rug, none missing between.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub complete: Option<bool>,
    /// From what it is known, where no tick was recorded: history (the site's history alone), before_start (packets alone
    /// that hold no tick of it), proof.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub known_from: Option<String>,
    /// What is wrong: several_rugs, corrupted_prices, recordings_differ, prices_after_rug, announced_peak_differs.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub anomalies: Option<Vec<String>>,
    /// Where it was recorded from: cdp, public_ws, import, …
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sources: Option<Vec<String>>,
}

/// A game's row, and where its rows and frames are.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Summary {
    /// What is told.
    #[serde(flatten)]
    pub row: GameRow,
    /// All rows of the game lie between these times.
    pub rows_from: Option<String>,
    /// See `rows_from`.
    pub rows_to: Option<String>,
    /// The frame that showed the rug, as session:seq.
    pub rug_ref: Option<String>,
}

impl Summary {
    /// The condition on the time of its rows, behind another one; empty where that is not known.
    pub fn time(&self) -> String {
        near::time(self.rows_from.as_deref(), self.rows_to.as_deref())
    }
}

impl AgentTool for GetGame {
    const NAME: &'static str = "get_game";
    const TITLE: &'static str = "List games, or show one";
    const DESCRIPTION: &'static str = "\
Lists recorded games, newest first, or gives one game's card. Start here for \"what happened lately\" and for \
everything about one game.

- without game_id: games with peak, peak_tick, rug_tick, rug_price, ticks_recorded, ticks_missing, complete, proven, and \
where peak and rug are from. order = newest, oldest, peak (games of which no price is known come last) or longest; limit; go on \
with before.
- with game_id: the card. Summary, revealed seed and its hash, the proof (everything recorded against the seed; \
check_fairness tells more), at most 60 points of the price line (game_tick has every tick), side bets settled and \
recomputed, trades seen, and the addresses of its frames for get_events.

What is not known is absent. All of it is of all recordings together. Tick numbers sent after rug_tick are not ticks of the \
game. trades are the sample that the site announces, not all of them.

Examples: {\"limit\": 5}
{\"order\": \"peak\", \"limit\": 3}
{\"game_id\": \"20260214-5f0c2d1e9a3b4c58\"}";
    const EXAMPLE: &'static str = r#"{"limit": 5}"#;
    const TIME: Duration = Duration::from_secs(75);
    const READS: &'static [DocType] =
        &[DocType::GameTick, DocType::Game, DocType::Trade, DocType::Sidebet, DocType::SystemEvent];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        match args.game_id {
            Some(game_id) => {
                let (card, as_of) = card(&app, &game_id, &cancel).await?;
                Ok(Output { game: Some(card), as_of, ..Output::default() })
            }
            None => list::list(&app, &args, &cancel).await,
        }
    }
}

/// Columns of [`GameRow`].
const ROW: &str = "game_id, first_ts, last_ts, ticks_recorded, ticks_missing, first_tick, rug_tick, rug_source, \
                   CASE WHEN rugs > 1 THEN rug_ticks END AS rug_ticks, peak, peak_tick, peak_source, rug_price, has_seed, \
                   proven, complete, CASE WHEN known_from <> 'ticks' THEN known_from END AS known_from, \
                   CASE WHEN len(anomalies) > 0 THEN anomalies END AS anomalies, sources";

/// Columns of [`Summary`].
const SUMMARY: &str = "holes[1:20] AS holes, rows_from, rows_to, rug_ref";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_reads_from_what_the_view_gives() {
        let row: GameRow = serde_json::from_value(json!({
            "game_id": "g", "first_ts": "2026-01-01T00:00:00.000000Z", "ticks_recorded": 10, "peak": 2,
            "has_seed": false, "sources": ["import"],
        }))
        .unwrap();
        assert_eq!((row.peak, row.rug_tick), (Some(2.0), None));
        let text = serde_json::to_string(&row).unwrap();
        assert!(!text.contains("null"), "{text}");
    }
}
