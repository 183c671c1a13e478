//! The view `games`: the records of all games ([`replayer_game`]) as a table in the worker's instance, so that no query has to
//! put a game together from its ticks.
//!
//! Two tables: what the parts say, of which rows are replaced only when parts come or go; and the games of which there are
//! unsealed rows, a few dozen, made again with each change. (An in-memory instance never gives back what DELETE frees, and a
//! worker may live for weeks.) A game that is in both is shown from the second, which knows all of it.
//!
//! They are in a database of their own, which compresses: the half million games of a year take 31 MB instead of 246. A
//! transaction writes to one database only, so they are changed outside of that in which the other views are; no query runs
//! between the two.

use duckdb::Connection;
use duckdb::types::{TimeUnit, Value};

use super::views::{ColumnDoc, column};
use replayer_game::kept::Changed;
use replayer_game::{Game, Games};

/// Columns of `games`.
pub(super) const COLUMNS: &[ColumnDoc] = &[
    column("game_id", "VARCHAR", "the round"),
    column("first_ts", "TIMESTAMPTZ", "first recorded packet, else when the game ended by the server's clock"),
    column("last_ts", "TIMESTAMPTZ", "last recorded packet, else when the game ended by the server's clock"),
    column(
        "ticks_recorded",
        "BIGINT",
        "different ticks of the game that were recorded with their price, the rug included; what is counted on \
         after the rug, and ticks filled from the seed, are not among them",
    ),
    column(
        "ticks_missing",
        "BIGINT",
        "ticks up to the rug that were not recorded, before any repair (tick 0 is 1 in every game: a recording from tick 1 on \
         does not miss it); NULL while the rug tick is unknown, and where no tick was recorded",
    ),
    column("first_tick", "BIGINT", "lowest of the ticks recorded; above 1 means the start was missed"),
    column(
        "rug_tick",
        "BIGINT",
        "true tick of the rug: by the seed where that reproduces the game or nothing else is known, else from the game \
         history, else of the first rugged packet",
    ),
    column(
        "peak",
        "DOUBLE",
        "highest price multiplier before the rug: by the proven seed, else of the game history's list, else of a complete \
         recording, else by the seed, else the higher of recorded and announced",
    ),
    column("rug_price", "DOUBLE", "price at the rug"),
    column("has_seed", "BOOLEAN", "whether the server seed has been revealed"),
    column("proven", "BOOLEAN", "whether the seed reproduced every recorded price; NULL: cannot be told (yet)"),
    column(
        "complete",
        "BOOLEAN",
        "every tick was recorded, from the first (0 or 1) to the rug, none missing between: ticks_missing is 0",
    ),
    column("sessions", "VARCHAR[]", "session_ids that saw it"),
    column("sources", "VARCHAR[]", "sources that saw it"),
    column("peak_tick", "BIGINT", "first tick with the peak; NULL where the peak is only announced"),
    column(
        "peak_source",
        "VARCHAR",
        "the most direct source that has this peak: recorded, announced (game history) or computed (seed)",
    ),
    column("rug_source", "VARCHAR", "the same of rug_tick"),
    column(
        "rugs",
        "BIGINT",
        "different ticks at which a rug was recorded, announced or proven: more than 1 is an anomaly",
    ),
    column("rug_ticks", "BIGINT[]", "these ticks"),
    column(
        "holes",
        "BIGINT[][]",
        "the runs [first, last] of ticks that were not recorded, up to the rug or the last tick recorded",
    ),
    column(
        "known_from",
        "VARCHAR",
        "ticks, history (the game history alone), before_start (packets alone that hold no tick of it) or proof",
    ),
    column("phase", "VARCHAR", "how far it was seen to go: COOLDOWN, PRESALE, ACTIVE or RUGGED"),
    column(
        "anomalies",
        "VARCHAR[]",
        "what is wrong: several_rugs, corrupted_prices, recordings_differ, prices_after_rug, announced_peak_differs",
    ),
    column(
        "rows_from",
        "TIMESTAMPTZ",
        "all its rows in all views lie from here to rows_to; NULL where some have no time. With ts BETWEEN these times a query \
         on another view reads only parts of that time",
    ),
    column("rows_to", "TIMESTAMPTZ", "see rows_from"),
    column("rug_ref", "VARCHAR", "session_id:seq of the frame that showed the rug first"),
    column("history_ref", "VARCHAR", "session_id:seq of the frame with its history entry"),
];

/// The table of what the parts say, and that of games with unsealed rows.
const TABLES: [&str; 2] = ["games_of_parts", "games_of_tail"];

/// The database they are in.
const DATABASE: &str = "kept";

/// Games that are added at once: until then they are there twice.
const AT_ONCE: usize = 10_000;

/// When so many games have changed, the tables are compressed.
const WORTH_IT: usize = 1000;

/// Attaches the tables' database. Only before the configuration is locked.
pub(super) fn attach(db: &Connection) -> duckdb::Result<()> {
    db.execute_batch(&format!("ATTACH ':memory:' AS {DATABASE} (COMPRESS)"))
}

/// The statement behind the view.
pub(super) fn view() -> String {
    let [parts, tail] = TABLES;
    format!(
        "SELECT * FROM {DATABASE}.main.{tail} UNION ALL SELECT * FROM {DATABASE}.main.{parts} AS sealed WHERE NOT EXISTS \
         (SELECT 1 FROM {DATABASE}.main.{tail} AS newer WHERE newer.game_id = sealed.game_id)"
    )
}

/// Empty tables. Without time zones, times are kept without one.
pub(super) fn create(db: &Connection, zoned: bool) -> duckdb::Result<()> {
    TABLES.iter().try_for_each(|table| create_table(db, table, zoned))
}

fn create_table(db: &Connection, table: &str, zoned: bool) -> duckdb::Result<()> {
    let typed = |column: &ColumnDoc| {
        let sql_type = match column.sql_type {
            "TIMESTAMPTZ" if !zoned => "TIMESTAMP",
            other => other,
        };
        format!("{} {sql_type}", column.name)
    };
    let columns = COLUMNS.iter().map(typed).collect::<Vec<_>>().join(", ");
    db.execute_batch(&format!("CREATE OR REPLACE TABLE {DATABASE}.main.{table} ({columns})"))
}

/// Brings the tables up to date with the records. After an error they are to be made again.
pub(super) fn publish(db: &Connection, games: &Games, changed: &Changed, zoned: bool) -> duckdb::Result<()> {
    let [parts, tail] = TABLES;
    if !changed.sealed.is_empty() {
        remove(db, parts, changed.sealed.iter().map(|id| &**id))?;
        append(db, parts, changed.sealed.iter().filter_map(|id| games.sealed(id)))?;
    }
    // A game in both tables has to know what came by parts, too.
    if changed.tail || !changed.sealed.is_empty() {
        create_table(db, tail, zoned)?;
        append(db, tail, games.in_tail())?;
    }
    if changed.sealed.len() >= WORTH_IT {
        db.execute_batch(&format!("CHECKPOINT {DATABASE}"))?;
    }
    Ok(())
}

/// Removes games, by a table of their ids: they may be very many.
fn remove<'i>(db: &Connection, table: &str, ids: impl Iterator<Item = &'i str>) -> duckdb::Result<()> {
    db.execute_batch(&format!("CREATE OR REPLACE TABLE {DATABASE}.main.games_changed (game_id VARCHAR)"))?;
    let mut appender = db.appender_to_catalog_and_db("games_changed", DATABASE, "main")?;
    for id in ids {
        appender.append_row([id])?;
    }
    appender.flush()?;
    drop(appender);
    db.execute_batch(&format!(
        "DELETE FROM {DATABASE}.main.{table} WHERE game_id IN (SELECT game_id FROM {DATABASE}.main.games_changed);
         DROP TABLE {DATABASE}.main.games_changed"
    ))
}

fn append(db: &Connection, table: &str, games: impl Iterator<Item = Game>) -> duckdb::Result<()> {
    let mut games = games.peekable();
    while games.peek().is_some() {
        append_some(db, table, games.by_ref().take(AT_ONCE))?;
    }
    Ok(())
}

/// Adds games to a table, by way of one with lists as text: the appender cannot write lists.
fn append_some(db: &Connection, table: &str, games: impl Iterator<Item = Game>) -> duckdb::Result<()> {
    let as_text = |column: &ColumnDoc| match column.sql_type {
        "VARCHAR[]" | "BIGINT[]" | "BIGINT[][]" => format!("CAST(NULL AS VARCHAR) AS {}", column.name),
        _ => column.name.to_owned(),
    };
    let columns = COLUMNS.iter().map(as_text).collect::<Vec<_>>().join(", ");
    db.execute_batch(&format!(
        "CREATE OR REPLACE TABLE {DATABASE}.main.games_coming AS SELECT {columns} FROM {DATABASE}.main.{table} LIMIT 0"
    ))?;
    let mut appender = db.appender_to_catalog_and_db("games_coming", DATABASE, "main")?;
    for game in games {
        appender.append_row(duckdb::appender_params_from_iter(
            COLUMNS.iter().map(|column| cell(&game, column.name)),
        ))?;
    }
    appender.flush()?;
    drop(appender);
    let listed = |column: &ColumnDoc| {
        let name = column.name;
        match column.sql_type {
            "VARCHAR[]" => format!("CASE WHEN {name} = '' THEN [] ELSE string_split({name}, ',') END"),
            list @ ("BIGINT[]" | "BIGINT[][]") => format!("CAST({name} AS {list})"),
            _ => name.to_owned(),
        }
    };
    let columns = COLUMNS.iter().map(listed).collect::<Vec<_>>().join(", ");
    db.execute_batch(&format!(
        "INSERT INTO {DATABASE}.main.{table} SELECT {columns} FROM {DATABASE}.main.games_coming;
         DROP TABLE {DATABASE}.main.games_coming"
    ))
}

fn cell(game: &Game, column: &str) -> Value {
    let text = |text: &str| Value::Text(text.to_owned());
    let number = |number: Option<i64>| number.map_or(Value::Null, Value::BigInt);
    let float = |number: Option<f64>| number.map_or(Value::Null, Value::Double);
    let time = |us: Option<i64>| us.map_or(Value::Null, |us| Value::Timestamp(TimeUnit::Microsecond, us));
    let words = |words: Vec<&str>| Value::Text(words.join(","));
    match column {
        "game_id" => text(&game.game_id),
        "first_ts" => time(game.first_us),
        "last_ts" => time(game.last_us),
        "ticks_recorded" => Value::BigInt(game.ticks_recorded()),
        "ticks_missing" => number(game.ticks_missing),
        "first_tick" => number(game.first_tick()),
        "rug_tick" => number(game.rug.map(|rug| rug.tick)),
        "rug_price" => float(game.rug.and_then(|rug| rug.price)),
        "rug_source" => game.rug.map_or(Value::Null, |rug| text(rug.source.as_str())),
        "rugs" => number(i64::try_from(game.rugs.len()).ok()),
        "rug_ticks" => Value::Text(format!("{:?}", game.rugs)),
        "peak" => float(game.peak.map(|peak| peak.price)),
        "peak_tick" => number(game.peak.and_then(|peak| peak.tick)),
        "peak_source" => game.peak.map_or(Value::Null, |peak| text(peak.source.as_str())),
        "has_seed" => Value::Boolean(game.has_seed),
        "proven" => game.proven.map_or(Value::Null, Value::Boolean),
        "complete" => Value::Boolean(game.complete),
        "sessions" => words(game.sessions.iter().map(|session| &**session).collect()),
        "sources" => words(game.sources.iter().map(String::as_str).collect()),
        "holes" => Value::Text(pairs(&game.holes)),
        "rows_from" => time(game.rows_us.map(|rows| rows.0)),
        "rows_to" => time(game.rows_us.map(|rows| rows.1)),
        "rug_ref" => address(game.rug_frame.as_ref()),
        "history_ref" => address(game.entry.as_ref()),
        "known_from" => text(game.known.as_str()),
        "phase" => game.phase.map_or(Value::Null, |phase| text(phase.as_str())),
        "anomalies" => words(game.anomalies.iter().map(|anomaly| anomaly.as_str()).collect()),
        _ => Value::Null,
    }
}

fn address(address: Option<&(std::sync::Arc<str>, u64)>) -> Value {
    address.map_or(Value::Null, |(session, seq)| Value::Text(format!("{session}:{seq}")))
}

/// Runs as a list of pairs, as DuckDB writes it.
fn pairs(runs: &[(i64, i64)]) -> String {
    let pairs: Vec<String> = runs.iter().map(|(first, last)| format!("[{first}, {last}]")).collect();
    format!("[{}]", pairs.join(", "))
}
