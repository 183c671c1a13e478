//! For queries about one game: ids like one that is not there, for the errors of everybody who takes a game's id; and the
//! condition that leads to the parts of the game's time.

use std::cmp::Reverse;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{Query, SqlClient, SqlError};

/// Ids named in an error.
const NAMED: usize = 3;
/// Games that are looked through, the newest.
const MOST: u64 = 200_000;
/// Time limit of the query.
const TIME: Duration = Duration::from_secs(30);

/// The condition that rows are of a game's time (`rows_from` and `rows_to` of `games`), to be put behind another one. Ids of
/// games are random, so that nothing but the time leads to the parts that hold a game. Empty where the time is not known, or is
/// no time. As a literal, because DuckDB passes over parts by constants only.
pub fn time(rows_from: Option<&str>, rows_to: Option<&str>) -> String {
    let literal = |text: &str| {
        let iso = text.replacen(' ', "T", 1);
        let iso = iso.strip_suffix("+00").map_or(iso.clone(), |naive| format!("{naive}Z"));
        let time: jiff::Timestamp = iso.parse().ok()?;
        Some(format!("CAST('{time:.6}' AS TIMESTAMPTZ)"))
    };
    match (rows_from.and_then(literal), rows_to.and_then(literal)) {
        (Some(from), Some(to)) => format!(" AND ts BETWEEN {from} AND {to}"),
        _ => String::new(),
    }
}

/// The ids most like `wanted`, the best first, at most `most`: first those that begin with it, in the order they come
/// in, then by the number of letters that differ.
pub fn nearest(wanted: &str, ids: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let mut ids: Vec<String> = ids.into_iter().collect();
    ids.sort_by_cached_key(|id| {
        let begins = id.starts_with(wanted);
        (Reverse(begins), if begins { 0 } else { strsim::osa_distance(id, wanted) })
    });
    ids.truncate(most);
    ids
}

/// The ids of games most like `wanted`; of those that begin with it the newest.
///
/// # Errors
/// When the store cannot be asked.
pub async fn games(sql: &SqlClient, wanted: &str, cancel: &CancellationToken) -> Result<Vec<String>, SqlError> {
    let text = "SELECT game_id FROM games ORDER BY last_ts DESC NULLS LAST, game_id";
    let query = Query { max_rows: MOST, max_bytes: 16 << 20, timeout: TIME, ..Query::new(text) };
    let found = sql.query(query, cancel.clone()).await?;
    let ids = found.rows.into_iter().filter_map(|row| row.into_iter().next()).filter_map(|id| match id {
        Value::String(id) => Some(id),
        _ => None,
    });
    Ok(nearest(wanted, ids, NAMED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids() -> Vec<String> {
        ["20251103-aa", "20251030-bb", "20251030-aa", "20251003-0c", "2025"].map(str::to_owned).to_vec()
    }

    #[test]
    fn the_time_of_a_game_is_a_condition_where_it_is_known() {
        let condition = time(Some("2026-01-01T00:00:00.500000Z"), Some("2026-01-01 02:00:00+00"));
        assert_eq!(
            condition,
            " AND ts BETWEEN CAST('2026-01-01T00:00:00.500000Z' AS TIMESTAMPTZ) AND \
             CAST('2026-01-01T02:00:00.000000Z' AS TIMESTAMPTZ)"
        );
        assert_eq!(time(None, Some("2026-01-01T00:00:00Z")), "");
        assert_eq!(time(Some("' OR true --"), Some("2026-01-01T00:00:00Z")), "");
    }

    #[test]
    fn games_whose_id_begins_with_what_was_given_come_first_as_they_come() {
        assert_eq!(nearest("20251030", ids(), 3), ["20251030-bb", "20251030-aa", "20251003-0c"]);
    }

    #[test]
    fn a_mistyped_id_is_answered_with_the_one_that_differs_least() {
        assert_eq!(nearest("20251030-ab", ids(), 1), ["20251030-bb"]);
        assert_eq!(nearest("20251103_aa", ids(), 1), ["20251103-aa"]);
    }
}
