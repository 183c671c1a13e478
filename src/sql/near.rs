//! Ids like one that is not there, for the errors of everybody who takes a game's id.

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
    fn games_whose_id_begins_with_what_was_given_come_first_as_they_come() {
        assert_eq!(nearest("20251030", ids(), 3), ["20251030-bb", "20251030-aa", "20251003-0c"]);
    }

    #[test]
    fn a_mistyped_id_is_answered_with_the_one_that_differs_least() {
        assert_eq!(nearest("20251030-ab", ids(), 1), ["20251030-bb"]);
        assert_eq!(nearest("20251103_aa", ids(), 1), ["20251103-aa"]);
    }
}
