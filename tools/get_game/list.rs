//! The list of games: one page, its order, and the cursor that goes on from it.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Args, GameRow, Output, ROW, ask};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::tools::AgentTool;
use crate::tools::ask::Binds;

/// Games in a list unless asked, and at most.
const GAMES: u64 = 20;
const MAX_GAMES: u64 = 100;

/// Order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Latest first.
    #[default]
    Newest,
    /// Earliest first.
    Oldest,
    /// Highest peak first; games of which no price is known last.
    Peak,
    /// Longest first.
    Longest,
}

impl Order {
    /// What the list is sorted by, never NULL, as the text a cursor holds; how to read that text back; the direction.
    fn key(self) -> (&'static str, &'static str, bool) {
        const TIME: &str = "coalesce(first_ts, last_ts, TIMESTAMPTZ '1970-01-01 00:00:00+00')";
        match self {
            Order::Newest => (TIME, "TIMESTAMPTZ", true),
            Order::Oldest => (TIME, "TIMESTAMPTZ", false),
            // A peak that is only announced, without any price of the game, is no peak to compare.
            Order::Peak => ("CASE WHEN peak_tick IS NULL THEN -1 ELSE peak END", "DOUBLE", true),
            Order::Longest => ("coalesce(rug_tick, ticks_recorded, -1)", "BIGINT", true),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Order::Newest => "newest",
            Order::Oldest => "oldest",
            Order::Peak => "peak",
            Order::Longest => "longest",
        }
    }
}

/// Separates key and id in a cursor; no timestamp, number or game id has it.
const SEPARATOR: char = '~';

/// A row of the list with its place in the order.
#[derive(Deserialize)]
struct Placed {
    place: String,
    #[serde(flatten)]
    row: GameRow,
}

pub(super) async fn list(app: &App, args: &Args, cancel: &CancellationToken) -> Result<Output, ToolError> {
    let limit = ask::limit(super::GetGame::NAME, args.limit, GAMES, MAX_GAMES)?;
    let order = args.order.unwrap_or_default();
    let (sql, params) = listing(order, args.before.as_deref(), limit)?;
    let (mut rows, as_of) = ask::records::<Placed>(&app.sql, &sql, params, limit + 1, cancel).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let before = rows.last().filter(|_| more).map(|last| format!("{}{SEPARATOR}{}", last.place, last.row.game_id));
    let next = match &before {
        Some(before) => Some(format!(r#"get_game {{"order": "{}", "before": "{before}"}}"#, order.name())),
        None if rows.is_empty() && args.before.is_none() => Some(
            "no games yet: nothing has been recorded or imported into this data root. The user can import older \
             recordings with `replayer legacy import PATH`"
                .to_owned(),
        ),
        None => None,
    };
    let games = rows.into_iter().map(|placed| placed.row).collect();
    Ok(Output { games: Some(games), game: None, truncated: more, before, next, as_of })
}

/// The query for one page of the list.
fn listing(order: Order, before: Option<&str>, limit: u64) -> Result<(String, Vec<Value>), ToolError> {
    let (key, kind, descending) = order.key();
    let (direction, past) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    let mut binds = Binds::default();
    let mut conditions = Vec::new();
    if let Some(before) = before {
        let (place, game_id) = read_cursor(order, before)?;
        let (first, second) = (binds.bind(place.as_str()), binds.bind(place.as_str()));
        let mut condition = format!("{key} {past} CAST({first} AS {kind})");
        if let Some(game_id) = game_id {
            let game_id = binds.bind(game_id);
            condition = format!("({condition} OR ({key} = CAST({second} AS {kind}) AND game_id > {game_id}))");
        } else {
            condition = format!("({condition} AND {key} {past} CAST({second} AS {kind}))");
        }
        conditions.push(condition);
    }
    // Sorted by place and id alone: the wide columns are only read of the games that are on the page.
    let sql = format!(
        "WITH page AS (SELECT game_id, {key} AS place FROM games{} ORDER BY place {direction}, game_id LIMIT {}) SELECT \
         CAST(place AS VARCHAR) AS place, {ROW} FROM games JOIN page USING (game_id) ORDER BY page.place {direction}, \
         game_id",
        ask::filter(&conditions),
        limit + 1
    );
    Ok((sql, binds.into_values()))
}

/// A cursor's place in the order and, when it is a cursor and no plain time, the game it ended with.
fn read_cursor(order: Order, before: &str) -> Result<(String, Option<&str>), ToolError> {
    let (place, game_id) = match before.split_once(SEPARATOR) {
        Some((place, game_id)) => (place, Some(game_id)),
        None => (before, None),
    };
    let fits = match order {
        Order::Newest | Order::Oldest => is_time(place),
        Order::Peak => place.parse::<f64>().is_ok_and(f64::is_finite),
        Order::Longest => place.parse::<i64>().is_ok(),
    };
    if fits && (game_id.is_some() || matches!(order, Order::Newest | Order::Oldest)) {
        return Ok((place.to_owned(), game_id));
    }
    Err(ToolError::new(
        format!("The list cannot go on from {before:?}"),
        format!(
            "with order {} it goes on from the `before` of an answer in the same order, or from a time when the order is newest or oldest",
            order.name()
        ),
        format!(r#"get_game {{"order": "{}"}}, then its before"#, order.name()),
    )
    .command(format!("`replayer game list --order {}`, then its --before", order.name())))
}

/// Whether a text is a time, as people write it or as DuckDB prints it (`2026-02-01 12:00:00.5+00`).
pub(in crate::tools) fn is_time(text: &str) -> bool {
    let iso = text.replacen(' ', "T", 1);
    let iso = iso.strip_suffix("+00").map_or(iso.clone(), |naive| format!("{naive}Z"));
    iso.parse::<jiff::Timestamp>().is_ok() || iso.parse::<jiff::civil::Date>().is_ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    #[test]
    fn a_cursor_goes_on_in_its_own_order_only() {
        assert!(listing(Order::Newest, Some("2026-02-01 12:00:00.5+00~g-1"), 5).is_ok());
        assert!(listing(Order::Newest, Some("2026-02-01T12:00:00Z"), 5).is_ok());
        assert!(listing(Order::Newest, Some("2026-02-01"), 5).is_ok());
        assert!(listing(Order::Peak, Some("12.5~g-1"), 5).is_ok());
        for (order, cursor) in
            [(Order::Peak, "2026-02-01~g"), (Order::Peak, "12.5"), (Order::Newest, "g-1"), (Order::Longest, "x~g")]
        {
            let text = listing(order, Some(cursor), 5).unwrap_err().to_string();
            assert!(text.contains("next: get_game {"), "{text}");
        }
    }

    #[test]
    fn a_cursor_is_bound_and_never_spliced() {
        let (sql, params) = listing(Order::Oldest, Some("2026-02-01T00:00:00Z~x' OR 1=1"), 5).unwrap();
        assert!(!sql.contains("1=1"));
        assert_eq!(params.len(), 3);
        assert_eq!(params[2], json!("x' OR 1=1"));
        assert!(sql.contains("> CAST($1 AS TIMESTAMPTZ)"), "{sql}");
    }
}
