//! Which games a call is about.

use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::Args;
use crate::replay::proof::check::{Asked, Lasted};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::tools::AgentTool;
use crate::tools::ask::{self, Binds};
use crate::tools::get_game::unknown::unknown;

/// Games per call unless asked, and at most.
const GAMES: u64 = 200;
const MAX_GAMES: u64 = 5_000;

/// Most sessions that are audited; a store of years has fewer recordings, but may have thousands of imported files.
const MAX_SESSIONS: u64 = 20_000;

/// Separates time and id in a cursor; neither has it.
const SEPARATOR: char = '~';

/// The games of one call.
#[derive(Debug, Default)]
pub(super) struct Selected {
    /// The games, newest first.
    pub games: Vec<Asked>,
    /// Where each stands in the order, to go on from.
    pub places: Vec<String>,
    /// There are more.
    pub more: bool,
    /// Everything recorded up to this time is included.
    pub as_of: String,
}

#[derive(Deserialize)]
struct Row {
    game_id: String,
    place: String,
    first_ts: Option<String>,
    last_ts: Option<String>,
    rows_from: Option<String>,
    rows_to: Option<String>,
}

/// What the list is sorted by: never NULL.
const PLACE: &str = "coalesce(last_ts, first_ts, TIMESTAMPTZ '1970-01-01 00:00:00+00')";

/// Selects the game asked for, or a page of those that pass the filter.
pub(super) async fn select(app: &App, args: &Args, cancel: &CancellationToken) -> Result<Selected, ToolError> {
    let limit = ask::limit(super::CheckFairness::NAME, args.limit, GAMES, MAX_GAMES)?;
    let mut binds = Binds::default();
    let mut conditions = Vec::new();
    if let Some(game_id) = &args.game_id {
        conditions.push(format!("game_id = {}", binds.bind(game_id.as_str())));
    }
    if let Some(session_id) = &args.session_id {
        conditions.push(format!("list_contains(sessions, {})", binds.bind(session_id.as_str())));
    }
    for (name, time, condition) in [
        ("from", &args.from, "coalesce(last_ts, first_ts) >= CAST({} AS TIMESTAMPTZ)"),
        ("until", &args.until, "coalesce(first_ts, last_ts) < CAST({} AS TIMESTAMPTZ)"),
    ] {
        if let Some(time) = time {
            let time = binds.bind(timestamp(name, time)?);
            conditions.push(condition.replace("{}", &time));
        }
    }
    if let Some(before) = &args.before {
        let (place, game_id) = before.split_once(SEPARATOR).ok_or_else(|| no_cursor(before))?;
        let place = timestamp("before", place).map_err(|_| no_cursor(before))?;
        let (first, second, id) = (binds.bind(place.as_str()), binds.bind(place.as_str()), binds.bind(game_id));
        conditions.push(format!(
            "({PLACE} < CAST({first} AS TIMESTAMPTZ) OR ({PLACE} = CAST({second} AS TIMESTAMPTZ) AND game_id > {id}))"
        ));
    }
    let sql = format!(
        "SELECT game_id, CAST({PLACE} AS VARCHAR) AS place, first_ts, last_ts, rows_from, rows_to FROM games{} \
         ORDER BY {PLACE} DESC, game_id LIMIT {}",
        ask::filter(&conditions),
        limit + 1
    );
    let (mut rows, as_of) = ask::records::<Row>(&app.sql, &sql, binds.into_values(), limit + 1, cancel).await?;
    if let Some(game_id) = args.game_id.as_ref().filter(|_| rows.is_empty()) {
        return Err(unknown(app, super::CheckFairness::NAME, game_id, cancel).await?);
    }
    if let Some(session_id) = args.session_id.as_deref().filter(|_| rows.is_empty()) {
        known(app, session_id, cancel).await?;
    }
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let places = rows.iter().map(|row| format!("{}{SEPARATOR}{}", row.place, row.game_id)).collect();
    let games = rows
        .into_iter()
        .map(|row| Asked {
            first_us: microseconds(row.first_ts.as_deref()),
            last_us: microseconds(row.last_ts.as_deref()),
            rows_us: microseconds(row.rows_from.as_deref()).zip(microseconds(row.rows_to.as_deref())),
            game_id: row.game_id,
        })
        .collect();
    Ok(Selected { games, places, more, as_of })
}

/// Refuses a session that is not in the store, with those that are: first such as begin with what was given, then the
/// newest.
async fn known(app: &App, session_id: &str, cancel: &CancellationToken) -> Result<(), ToolError> {
    #[derive(Deserialize)]
    struct Near {
        session_id: String,
    }
    let near = "SELECT session_id FROM session ORDER BY session_id = $1 DESC, starts_with(session_id, $2) DESC, \
                first_ts DESC NULLS LAST, session_id DESC LIMIT 5";
    let binds = vec![session_id.into(), session_id.into()];
    let (near, _) = ask::records::<Near>(&app.sql, near, binds, 5, cancel).await?;
    let ids: Vec<String> = near.into_iter().map(|near| near.session_id).collect();
    let what = format!("There is no session {session_id:?}");
    match ids.first() {
        Some(first) if first == session_id => Ok(()),
        Some(first) => Err(ToolError::new(
            what,
            format!("those most like it, then the newest, are {}", ids.join(", ")),
            format!(r#"check_fairness {{"session_id": "{first}"}}"#),
        )
        .command(format!("`replayer game verify --session {first}`"))),
        None => Err(ToolError::new(what, "nothing has been recorded or imported yet", r#"get_game {"limit": 5}"#)
            .command("`replayer record`, or `replayer legacy import PATH`")),
    }
}

/// When the sessions that hold frames or recorded ticks began and ended.
pub(super) async fn sessions(
    app: &App,
    session_id: Option<&str>,
    cancel: &CancellationToken,
) -> Result<Lasted, ToolError> {
    #[derive(Deserialize)]
    struct Session {
        session_id: String,
        first_ts: Option<String>,
        last_ts: Option<String>,
    }
    let mut binds = Binds::default();
    // A session that only stored proofs recorded nothing.
    let mut conditions = vec!["(ws_events > 0 OR (game_ticks > 0 AND source = 'import'))".to_owned()];
    if let Some(session_id) = session_id {
        conditions.push(format!("session_id = {}", binds.bind(session_id)));
    }
    let sql = format!("SELECT session_id, first_ts, last_ts FROM session{}", ask::filter(&conditions));
    let (rows, _) = ask::records::<Session>(&app.sql, &sql, binds.into_values(), MAX_SESSIONS, cancel).await?;
    if let Some(session_id) = session_id.filter(|_| rows.is_empty()) {
        return Err(ToolError::new(
            "The capture was not audited",
            format!("no session {session_id:?} recorded anything"),
            r#"query_sql {"sql": "SELECT session_id, first_ts, games FROM session ORDER BY first_ts DESC LIMIT 10"}"#,
        )
        .command(
            r#"`replayer sql "SELECT session_id, first_ts, games FROM session ORDER BY first_ts DESC LIMIT 10"`"#,
        ));
    }
    let times = rows.into_iter().filter_map(|row| {
        let times = microseconds(row.first_ts.as_deref()).zip(microseconds(row.last_ts.as_deref()))?;
        Some((row.session_id, times))
    });
    Ok(times.collect())
}

/// A time as DuckDB prints it, or in ISO form, as microseconds UTC.
pub(in crate::tools) fn microseconds(text: Option<&str>) -> Option<i64> {
    parse(text?).map(jiff::Timestamp::as_microsecond)
}

fn parse(text: &str) -> Option<jiff::Timestamp> {
    let iso = text.trim().replacen(' ', "T", 1);
    let iso = iso.strip_suffix("+00").map_or(iso.clone(), |naive| format!("{naive}Z"));
    let date = || {
        let date = iso.parse::<jiff::civil::Date>().ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    };
    iso.parse().ok().or_else(date)
}

/// A time of the caller's, in a form that the engine reads.
fn timestamp(name: &str, text: &str) -> Result<String, ToolError> {
    parse(text).map(|time| time.to_string()).ok_or_else(|| {
        ToolError::new(
            "The games were not checked",
            format!("{name} is no time: {text:?}"),
            r#"check_fairness {"from": "2026-02-14T00:00:00Z"}"#,
        )
        .command(format!("the same with --{name} 2026-02-14T00:00:00Z"))
    })
}

fn no_cursor(before: &str) -> ToolError {
    ToolError::new(
        "The games were not checked",
        format!("before is not from an earlier answer: {before:?}"),
        r#"check_fairness {}, then its before; a time goes into until"#,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_engine_and_as_people_write_them() {
        let same = ["2026-02-01 12:00:00.5+00", "2026-02-01T12:00:00.5Z", "2026-02-01T12:00:00.500000Z"];
        for text in same {
            assert_eq!(microseconds(Some(text)), Some(1_769_947_200_500_000), "{text}");
        }
        assert_eq!(microseconds(Some("2026-02-01")), Some(1_769_904_000_000_000));
        assert_eq!((microseconds(Some("yesterday")), microseconds(None)), (None, None));
    }
}
