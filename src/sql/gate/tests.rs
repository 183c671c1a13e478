//! What passes the gate and what does not, each as a named case.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;
use crate::views;

fn gate() -> Gate {
    Gate::open(views::NAMES).unwrap()
}

fn refusal(gate: &Gate, sql: &str) -> String {
    match gate.check(sql) {
        Err(SqlError::Refused { message }) => message,
        other => panic!("{sql}\n  was not refused: {other:?}"),
    }
}

/// Everything known to get around DuckDB's own lock-down, both leaks of the prototype, and more of the kind.
/// Third column: what the refusal must say, so that a case cannot pass for another reason.
const ATTACKS: &[(&str, &str, &str)] = &[
    // The table of measured effects under full lock.
    ("copy into the store", "COPY (SELECT 1) TO '/d/evil.parquet'", "COPY is not allowed"),
    ("attach a database", "ATTACH '/d/n.db'", "ATTACH is not allowed"),
    ("export a database", "EXPORT DATABASE '/d/x'", "EXPORT is not allowed"),
    ("create a table", "CREATE TABLE x AS SELECT 1", "CREATE is not allowed"),
    ("create a view", "CREATE OR REPLACE VIEW games AS SELECT 1", "CREATE is not allowed"),
    ("create a macro", "CREATE MACRO f(x) AS x", "CREATE is not allowed"),
    ("drop a table", "DROP VIEW games", "DROP is not allowed"),
    ("set a variable", "SET VARIABLE x = 1", "SET is not allowed"),
    ("change the search path", "SET SESSION search_path = 'store'", "SET is not allowed"),
    ("prepare", "PREPARE p AS SELECT 1", "PREPARE is not allowed"),
    ("begin", "BEGIN TRANSACTION READ ONLY", "BEGIN is not allowed"),
    ("pragma progress bar", "PRAGMA enable_progress_bar", "PRAGMA is not allowed"),
    ("pragma profiling", "PRAGMA enable_profiling", "PRAGMA is not allowed"),
    ("call logging", "CALL enable_logging('QueryLog', storage='stdout')", "CALL is not allowed"),
    ("select from logging", "FROM enable_logging('QueryLog')", "enable_logging"),
    ("logging to a file", "SELECT * FROM enable_logging(storage='file', storage_path='/x')", "enable_logging"),
    (
        "two statements, one writes",
        "SELECT 1; COPY (SELECT 1) TO '/d/x'",
        "COPY is not allowed|SELECT is not allowed",
    ),
    ("two statements", "SELECT 1; SELECT 2", "2 statements"),
    ("raw pointers", "SELECT * FROM arrow(1, 2)", "arrow"),
    ("raw pointers, scan", "SELECT * FROM arrow_scan(1, 2, 3)", "arrow_scan"),
    ("install", "INSTALL httpfs", "INSTALL is not allowed"),
    ("load", "LOAD '/d/evil.duckdb_extension'", "LOAD is not allowed"),
    // The two leaks.
    (
        "leak A: a WITH name elsewhere",
        r#"SELECT * FROM (WITH "/etc/passwd" AS (SELECT 1) SELECT 1) t, "/etc/passwd""#,
        "WITH name",
    ),
    (
        "leak A with a plain name",
        "SELECT * FROM (WITH secret AS (SELECT 1) SELECT 1) t, secret",
        "no view \"secret\"",
    ),
    ("leak B: another catalog", "SELECT * FROM other.main.games", "not reachable"),
    ("leak B: the internal schema", "SELECT * FROM store.tail_ws_event", "not reachable"),
    // Files by name.
    ("a file by name", "SELECT * FROM '/etc/passwd'", "Files cannot be opened"),
    ("a quoted file", r#"SELECT * FROM "/etc/passwd.csv""#, "Files cannot be opened"),
    ("a file in a subquery", "SELECT (SELECT count(*) FROM 'x.parquet')", "Files cannot be opened"),
    ("a file in EXISTS", "SELECT 1 WHERE EXISTS (FROM 'x.csv')", "Files cannot be opened"),
    ("a file in IN", "SELECT 1 WHERE 1 IN (SELECT a FROM 'x.csv')", "Files cannot be opened"),
    ("a file in a WITH", "WITH a AS (SELECT * FROM 'x.csv') SELECT * FROM a", "Files cannot be opened"),
    (
        "a file in a recursive step",
        "WITH RECURSIVE a AS (SELECT 1 UNION ALL SELECT * FROM 'x.csv') SELECT * FROM a",
        "Files cannot be opened",
    ),
    ("a file in a set operation", "SELECT 1 UNION ALL SELECT * FROM 'x.csv'", "Files cannot be opened"),
    ("a file in a join", "SELECT * FROM games JOIN 'x.csv' ON true", "Files cannot be opened"),
    (
        "a file in a join condition",
        "SELECT * FROM games a JOIN games b ON (SELECT 1 FROM 'x.csv')",
        "Files cannot be opened",
    ),
    ("a file in a lateral join", "SELECT * FROM games, LATERAL (SELECT * FROM 'x.csv')", "Files cannot be opened"),
    (
        "a file in PIVOT",
        "SELECT * FROM (SELECT * FROM 'x.csv') PIVOT (sum(a) FOR b IN ('x'))",
        "Files cannot be opened",
    ),
    ("a file in DESCRIBE", "DESCRIBE SELECT * FROM 'x.csv'", "Files cannot be opened"),
    ("a file in SUMMARIZE", "SUMMARIZE 'x.csv'", "Files cannot be opened"),
    ("a file in ORDER BY", "SELECT 1 ORDER BY (SELECT 1 FROM 'x.csv')", "Files cannot be opened"),
    ("a file in LIMIT", "SELECT 1 LIMIT (SELECT 1 FROM 'x.csv')", "Files cannot be opened"),
    ("a file in OFFSET", "SELECT 1 OFFSET (SELECT 1 FROM 'x.csv')", "Files cannot be opened"),
    ("a file in DISTINCT ON", "SELECT DISTINCT ON ((SELECT 1 FROM 'x.csv')) 1", "Files cannot be opened"),
    ("a file in GROUP BY", "SELECT 1 GROUP BY (SELECT 1 FROM 'x.csv')", "Files cannot be opened"),
    ("a file in HAVING", "SELECT 1 HAVING (SELECT true FROM 'x.csv')", "Files cannot be opened"),
    (
        "a file in QUALIFY",
        "SELECT tick FROM game_tick QUALIFY (SELECT true FROM 'x.csv')",
        "Files cannot be opened",
    ),
    ("a file in a FILTER", "SELECT count(*) FILTER (WHERE (SELECT true FROM 'x.csv'))", "Files cannot be opened"),
    (
        "a file in an aggregate's ORDER BY",
        "SELECT list(1 ORDER BY (SELECT 1 FROM 'x.csv'))",
        "Files cannot be opened",
    ),
    ("a file in a window", "SELECT sum(1) OVER (PARTITION BY (SELECT 1 FROM 'x.csv'))", "Files cannot be opened"),
    (
        "a file in a window frame",
        "SELECT sum(1) OVER (ORDER BY 1 ROWS (SELECT 1 FROM 'x.csv') PRECEDING)",
        "Files cannot be opened",
    ),
    (
        "a file in a lambda",
        "SELECT list_transform([1], lambda x: (SELECT x FROM 'x.csv'))",
        "Files cannot be opened",
    ),
    ("a file in CASE", "SELECT CASE WHEN true THEN (SELECT 1 FROM 'x.csv') END", "Files cannot be opened"),
    ("a file in a VALUES list", "VALUES ((SELECT 1 FROM 'x.csv'))", "Files cannot be opened"),
    (
        "a file in REPLACE",
        "SELECT * REPLACE ((SELECT 1 FROM 'x.csv') AS peak) FROM games",
        "Files cannot be opened",
    ),
    ("a file in COLUMNS", "SELECT COLUMNS((SELECT 'a' FROM 'x.csv')) FROM games", "Files cannot be opened"),
    (
        "a file in a table function's argument",
        "SELECT * FROM range((SELECT 1 FROM 'x.csv'))",
        "Files cannot be opened",
    ),
    ("a file in a cast", "SELECT (SELECT 1 FROM 'x.csv')::INT", "Files cannot be opened"),
    ("a file in BETWEEN", "SELECT 1 BETWEEN (SELECT 1 FROM 'x.csv') AND 2", "Files cannot be opened"),
    ("a file in COLLATE", "SELECT (SELECT 'a' FROM 'x.csv') COLLATE nocase", "Files cannot be opened"),
    // Functions that read files, settings, catalogs, or run SQL.
    ("read_parquet", "SELECT * FROM read_parquet('/d/**/*.parquet')", "read_parquet"),
    ("READ_CSV in capitals", "SELECT * FROM READ_CSV('/etc/passwd')", "read_csv"),
    ("read_text", "SELECT content FROM read_text('/proc/self/environ')", "read_text"),
    ("read_blob", "SELECT * FROM read_blob('/etc/shadow')", "read_blob"),
    ("glob", "SELECT * FROM glob('/**')", "glob"),
    ("sniff_csv", "SELECT * FROM sniff_csv('/etc/passwd')", "sniff_csv"),
    ("parquet_metadata", "SELECT * FROM parquet_metadata('/d/a.parquet')", "parquet_metadata"),
    ("query", "SELECT * FROM query('SELECT 1')", "send the inner SQL"),
    ("query_table", "SELECT * FROM query_table('games')", "name the view"),
    ("serialized SQL", "SELECT * FROM json_execute_serialized_sql('{}')", "json_execute_serialized_sql"),
    ("deserialize", "SELECT json_deserialize_sql('{}')", "json_deserialize_sql"),
    ("settings", "SELECT * FROM duckdb_settings()", "duckdb_settings"),
    ("one setting", "SELECT current_setting('allowed_directories')", "current_setting"),
    ("secrets", "FROM duckdb_secrets()", "duckdb_secrets"),
    ("logs", "FROM duckdb_logs", "no view"),
    ("catalog view", "SELECT * FROM duckdb_tables", "no view"),
    ("information schema", "SELECT * FROM information_schema.tables", "not reachable"),
    ("pg_catalog", "SELECT * FROM pg_catalog.pg_class", "not reachable"),
    ("sqlite_master", "SELECT * FROM sqlite_master", "no view"),
    ("environment", "SELECT getenv('HOME')", "getenv"),
    ("a variable", "SELECT getvariable('x')", "getvariable"),
    ("a sequence", "SELECT nextval('s')", "row_number()"),
    ("write to the log", "SELECT write_log('x')", "write_log"),
    ("sleep", "SELECT sleep_ms(100000)", "sleep_ms"),
    ("pg_sleep", "SELECT pg_sleep(100)", "pg_sleep"),
    ("the running query", "SELECT current_query()", "current_query"),
    ("version", "SELECT version()", "version"),
    ("seed the generator", "SELECT setseed(0.5)", "setseed"),
    ("a refused function in a window", "SELECT nextval('s') OVER ()", "row_number()"),
    ("a refused function in a lambda", "SELECT list_transform([1], lambda x: getvariable('y'))", "getvariable"),
    ("a refused function as a table argument", "SELECT * FROM range(currval('s'))", "currval"),
    ("a macro over a table", "SELECT * FROM histogram_values('games', 'peak')", "histogram"),
    ("a qualified function", "SELECT system.main.getvariable('x')", "not allowed|not available"),
    ("a function of another schema", "SELECT pg_catalog.current_setting('x')", "not allowed"),
    // SHOW and its relatives.
    ("show databases", "SHOW DATABASES", "SHOW forms"),
    ("show all tables", "SHOW ALL TABLES", "SHOW forms"),
    ("show tables from", "SHOW TABLES FROM store", "SHOW forms"),
    ("explain", "EXPLAIN SELECT 1", "explain: true"),
    ("explain analyze", "EXPLAIN ANALYZE SELECT 1", "explain: true"),
    ("pivot statement", "PIVOT games ON peak USING count(*)", "FILTER"),
    // Data changes inside a WITH, statements the parser takes for SELECT.
    ("insert in a WITH", "WITH x AS (INSERT INTO games VALUES (1) RETURNING *) SELECT * FROM x", "SELECT only"),
    ("delete", "DELETE FROM games", "DELETE is not allowed"),
    ("update", "UPDATE games SET peak = 0", "UPDATE is not allowed"),
    ("merge", "MERGE INTO games USING game ON true WHEN MATCHED THEN DELETE", "MERGE is not allowed"),
    ("checkpoint", "CHECKPOINT", "CHECKPOINT is not allowed"),
    ("vacuum", "VACUUM", "VACUUM is not allowed"),
    ("use", "USE store", "USE is not allowed|SET is not allowed"),
    ("time travel", "SELECT * FROM games AT (VERSION => 1)", "AT (time travel)"),
    // Scopes: a WITH name is visible where DuckDB sees it and nowhere else.
    ("a WITH name before its definition", "WITH a AS (FROM b), b AS (SELECT 1) FROM a", "no view \"b\""),
    ("a WITH name inside itself", "WITH a AS (SELECT * FROM a) FROM a", "no view \"a\""),
    ("an inner WITH name outside", "SELECT (WITH a AS (SELECT 1) FROM a), (SELECT 1 FROM a)", "no view \"a\""),
    ("a WITH name with a schema", "WITH a AS (SELECT 1) SELECT * FROM main.a", "no view \"a\""),
    (
        "a WITH name like a catalog view",
        "SELECT * FROM (WITH duckdb_settings AS (SELECT 1) FROM duckdb_settings), duckdb_settings",
        "no view",
    ),
    // Printing must not turn a name into syntax.
    ("a named parameter", "SELECT $foo", "named parameter"),
    (
        "a parameter that would print as syntax",
        r#"SELECT $"1); COPY (SELECT 1) TO '/d/x' --""#,
        "named parameter|syntax error",
    ),
    ("a collation that would print as syntax", r#"SELECT 'a' COLLATE "nocase; DROP VIEW games""#, "collation"),
    ("an unknown type name", r#"SELECT 1::"x); DROP VIEW games; --""#, "type"),
    ("a type of another schema", "SELECT 1::evil.kind", "type names|type"),
    ("aggregate state", "SELECT sum(peak) EXPORT_STATE FROM games", "EXPORT_STATE"),
    // Texts that are no statement.
    ("nothing", "", "no statement"),
    ("a comment", "-- nothing", "no statement"),
    ("a semicolon", ";", "no statement"),
    ("a syntax error", "SELEC 1", "line 1, column 1"),
    ("a NUL", "SELECT 1\0", "NUL"),
];

#[test]
fn every_known_attack_is_refused() {
    let gate = gate();
    let mut failures = Vec::new();
    for (name, sql, expected) in ATTACKS {
        match gate.check(sql) {
            Err(SqlError::Refused { message }) if expected.split('|').any(|part| message.contains(part)) => {}
            Err(error) => failures.push(format!("{name}: {sql}\n    refused, but with: {error}")),
            Ok(checked) => failures.push(format!("{name}: {sql}\n    PASSED as {}", checked.sql)),
        }
    }
    assert!(failures.is_empty(), "{} of {} cases:\n{}", failures.len(), ATTACKS.len(), failures.join("\n"));
}

/// Every form an agent may use, against views that exist. Each must pass, and its canonical form must give what
/// the original gives; the engine's tests run both.
pub(crate) const ALLOWED: &[(&str, &str)] = &[
    ("select", "SELECT 1 AS one"),
    ("trailing semicolon and comment", "SELECT 1 AS one; -- that is all"),
    ("describe", "DESCRIBE games"),
    ("describe a query", "DESCRIBE SELECT tick, price FROM game_tick"),
    ("summarize", "SUMMARIZE SELECT tick, price FROM game_tick"),
    ("show tables", "SHOW TABLES"),
    ("from first", "FROM game_tick SELECT count(*) AS n"),
    ("schema main", "SELECT count(*) AS n FROM main.game_tick"),
    ("capitals", "SELECT COUNT(*) AS n FROM GAME_TICK"),
    ("where and parameters", "SELECT count(*) AS n FROM game_tick WHERE tick > 3 AND price IS NOT NULL"),
    (
        "qualify",
        "SELECT tick FROM game_tick QUALIFY row_number() OVER (PARTITION BY game_id ORDER BY tick) = 1 ORDER BY tick",
    ),
    (
        "asof join",
        "SELECT a.tick, b.price FROM game_tick a ASOF JOIN game_tick b ON a.game_id = b.game_id AND a.tick >= b.tick ORDER BY ALL LIMIT 3",
    ),
    (
        "recursive",
        "WITH RECURSIVE x(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM x WHERE n < 5) SELECT sum(n) AS s FROM x",
    ),
    (
        "window",
        "SELECT tick, price - lag(price) OVER (PARTITION BY game_id ORDER BY tick) AS d FROM game_tick ORDER BY game_id, tick LIMIT 3",
    ),
    (
        "named window",
        "SELECT avg(price) OVER w AS m FROM game_tick WINDOW w AS (ORDER BY tick ROWS BETWEEN 4 PRECEDING AND CURRENT ROW) ORDER BY m LIMIT 3",
    ),
    (
        "window without nulls",
        "SELECT last_value(price IGNORE NULLS) OVER (ORDER BY seq) AS p FROM game_tick ORDER BY seq LIMIT 3",
    ),
    (
        "window exclude",
        "SELECT count(*) OVER (ORDER BY tick ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE CURRENT ROW) AS n FROM game_tick ORDER BY n LIMIT 3",
    ),
    ("list comprehension", "SELECT [x * 2 FOR x IN [1, 2, 3] IF x > 1] AS l"),
    ("lambda", "SELECT list_transform([1, 2], lambda x: x + 1) AS l"),
    (
        "lambda of two",
        "SELECT list_reduce([1, 2, 3], lambda a, b: a + b) AS s, list_filter([1, 5], lambda x, i: x > i) AS f",
    ),
    ("lateral", "SELECT t.tick, u.d FROM game_tick t, LATERAL (SELECT t.tick * 2 AS d) u ORDER BY ALL LIMIT 3"),
    ("values", "VALUES (1, 'a'), (2, 'b')"),
    ("values in from", "SELECT * FROM (VALUES (1, 'a')) v(x, y)"),
    ("union", "SELECT 1 AS a UNION SELECT 2 UNION ALL SELECT 3 ORDER BY a"),
    ("union by name", "SELECT 1 AS a, 2 AS b UNION ALL BY NAME SELECT 3 AS b, 4 AS a ORDER BY a"),
    ("except and intersect", "SELECT 1 AS a EXCEPT SELECT 2 INTERSECT SELECT 2"),
    (
        "correlated subquery",
        "SELECT DISTINCT game_id, (SELECT max(price) FROM game_tick u WHERE u.game_id = t.game_id) AS p FROM game_tick t ORDER BY game_id",
    ),
    ("exists and any", "SELECT EXISTS (SELECT 1) AS e, 1 = ANY (SELECT 1) AS a, 2 > ALL (SELECT 1) AS b"),
    ("json arrows", r#"SELECT '{"a": {"b": [1, 2]}}'::JSON -> 'a' -> 'b' ->> 0 AS v"#),
    (
        "json functions",
        r#"SELECT json_extract_string('{"a": 1}', '$.a') AS a, json_keys('{"a": 1}') AS k, json_type('[1]') AS t"#,
    ),
    ("json_each", r#"SELECT key, value FROM json_each('{"a": 1, "b": 2}') ORDER BY key"#),
    ("json_each of a column", "SELECT count(*) AS n FROM ws_event e, json_each(e.payload) j"),
    (
        "regular expressions",
        "SELECT regexp_extract('ab12', '([0-9]+)', 1) AS r, 'ab' ~ 'a.' AS m, regexp_matches('x', 'y') AS n",
    ),
    ("date_trunc", "SELECT date_trunc('hour', ts) AS h, count(*) AS n FROM game_tick GROUP BY h ORDER BY h"),
    (
        "time_bucket",
        "SELECT time_bucket(INTERVAL '5 minutes', ts) AS b, count(*) AS n FROM game_tick GROUP BY b ORDER BY b",
    ),
    ("strftime", "SELECT strftime(TIMESTAMP '2020-01-02 03:04:05', '%Y-%m-%d') AS d"),
    (
        "dates",
        "SELECT DATE '2020-01-05' - DATE '2020-01-01' AS d, TIMESTAMP '2020-01-01' - INTERVAL 3 DAY AS t, extract(year FROM DATE '2020-01-01') AS y",
    ),
    ("at time zone", "SELECT TIMESTAMPTZ '2020-01-01 00:00:00+00' AT TIME ZONE 'America/New_York' AS t"),
    ("epochs", "SELECT epoch_ms(TIMESTAMP '2020-01-01') AS e, to_timestamp(0) AS t, make_timestamp(0) AS m"),
    (
        "lists",
        "SELECT list_sort([3, 1], 'DESC') AS s, list_aggregate([1, 2], 'sum') AS a, [1, 2, 3][2:] AS p, len([1]) AS l",
    ),
    (
        "structs and maps",
        "SELECT {'a': 1}.a AS a, MAP {'k': 2}['k'] AS m, struct_pack(x := 1) AS s, row(1, 2) AS r",
    ),
    ("unnest", "SELECT unnest([1, 2]) AS u"),
    ("unnest in from", "SELECT v FROM unnest([3, 4]) AS t(v)"),
    ("generate_series", "SELECT i FROM generate_series(1, 9, 4) AS t(i)"),
    ("range with ordinality", "SELECT * FROM range(2) WITH ORDINALITY"),
    (
        "aggregates",
        "SELECT count(DISTINCT game_id) AS g, median(price) AS m, quantile_cont(price, [0.1, 0.9]) AS q, arg_max(tick, price) AS a FROM game_tick",
    ),
    (
        "aggregate order and filter",
        "SELECT string_agg(game_id, ',' ORDER BY game_id) FILTER (WHERE tick = 0) AS s FROM game_tick",
    ),
    (
        "statistics",
        "SELECT stddev_samp(price) AS s, corr(price, tick) AS c, regr_slope(price, tick) AS r FROM game_tick",
    ),
    (
        "within group",
        "SELECT mode() WITHIN GROUP (ORDER BY tick) AS m, percentile_disc(0.5) WITHIN GROUP (ORDER BY tick) AS p FROM game_tick",
    ),
    ("group by all", "SELECT game_id, count(*) AS n FROM game_tick GROUP BY ALL HAVING count(*) > 1 ORDER BY ALL"),
    (
        "grouping sets",
        "SELECT game_id, grouping(game_id) AS g, count(*) AS n FROM game_tick GROUP BY ROLLUP (game_id) ORDER BY ALL",
    ),
    ("distinct on", "SELECT DISTINCT ON (game_id) game_id, tick FROM game_tick ORDER BY game_id, tick DESC"),
    (
        "star modifiers",
        "SELECT * EXCLUDE (raw_json) REPLACE (price * 2 AS price) RENAME (tick AS t) FROM game_tick ORDER BY game_id, t LIMIT 2",
    ),
    ("columns", "SELECT COLUMNS('^(tick|price)$') FROM game_tick ORDER BY ALL LIMIT 2"),
    ("columns by lambda", "SELECT COLUMNS(lambda c: c LIKE 'tick%') FROM game_tick ORDER BY ALL LIMIT 2"),
    (
        "pivot with values",
        "SELECT * FROM (SELECT game_id, active, price FROM game_tick) PIVOT (max(price) FOR active IN (true, false)) ORDER BY ALL",
    ),
    ("unpivot", "SELECT * FROM (SELECT 1 AS a, 2 AS b) UNPIVOT (v FOR n IN (a, b)) ORDER BY n"),
    ("sample", "SELECT count(*) AS n FROM game_tick TABLESAMPLE reservoir(2 ROWS) REPEATABLE (42)"),
    ("using sample", "SELECT count(*) > 0 AS n FROM (FROM game_tick USING SAMPLE 2 ROWS)"),
    ("limit percent", "SELECT count(*) AS n FROM (FROM game_tick LIMIT 50%)"),
    (
        "case",
        "SELECT CASE 1 WHEN 1 THEN 'a' ELSE 'b' END AS c, if(true, 1, 2) AS i, ifnull(NULL, 3) AS n, nullif(1, 1) AS z",
    ),
    (
        "casts",
        "SELECT '1'::INT AS i, TRY_CAST('x' AS INT) AS t, CAST(1.5 AS DECIMAL(5, 2)) AS d, '{}'::JSON AS j, TRY('x'::INT) AS y",
    ),
    (
        "like and friends",
        "SELECT 'a' LIKE 'A' AS l, 'a' ILIKE 'A' AS i, 'a' SIMILAR TO 'a' AS s, 'ab' GLOB 'a*' AS g, 'x%' LIKE 'x!%' ESCAPE '!' AS e",
    ),
    ("collate", "SELECT 'a' COLLATE NOCASE = 'A' AS c"),
    (
        "arithmetic",
        "SELECT -1 + 2 * 3 / 4 % 5 AS a, 7 // 2 AS b, 2 ** 3 AS c, 5 & 3 AS d, 1 << 4 AS e, @(-2) AS f, 4! AS g, ~1 AS h",
    ),
    (
        "text functions",
        "SELECT trim(BOTH 'x' FROM 'xax') AS t, substring('abc' FROM 1 FOR 2) AS s, position('b' IN 'ab') AS p, 'a' || 'b' AS c, format('{}', 1) AS f",
    ),
    ("text literals", r"SELECT 'it''s' AS q, E'a\nb' AS n, $$dollar$$ AS d, 'ünï' AS u"),
    (
        "between and in",
        "SELECT 1 BETWEEN 0 AND 2 AS b, 1 IN (1, 2) AS i, (1, 2) IN ((1, 2)) AS r, 1 NOT IN (2) AS n",
    ),
    ("is distinct from", "SELECT NULL IS DISTINCT FROM 1 AS d, NULL IS NULL AS n, true IS NOT NULL AS t"),
    ("now", "SELECT now() IS NOT NULL AS n, current_date IS NOT NULL AS d, current_timestamp IS NOT NULL AS t"),
    (
        "semi and anti join",
        "SELECT count(*) AS n FROM game_tick SEMI JOIN games USING (game_id) ANTI JOIN game USING (game_id)",
    ),
    ("positional join", "SELECT * FROM (SELECT 1 AS a) POSITIONAL JOIN (SELECT 2 AS b)"),
    ("full join", "SELECT * FROM (SELECT 1 AS a) x FULL JOIN (SELECT 2 AS a) y USING (a) ORDER BY a"),
    ("two WITHs, the second reads the first", "WITH a AS (SELECT 1 AS n), b AS (FROM a) SELECT * FROM b"),
    ("a WITH that hides a view", "WITH games AS (SELECT 1 AS n) SELECT * FROM games"),
    (
        "WITH in a subquery reads an outer WITH",
        "WITH a AS (SELECT 1 AS n) SELECT (WITH b AS (FROM a) SELECT n FROM b) AS n",
    ),
    ("materialized", "WITH a AS MATERIALIZED (SELECT 1 AS n) SELECT * FROM a, a b"),
    ("array subquery", "SELECT ARRAY (SELECT i FROM range(3) t(i)) AS a"),
    ("quoted alias", r#"SELECT 1 AS "a ""quoted"" name", 2 AS "select""#),
    (
        "order by all with nulls",
        "SELECT * FROM (VALUES (1), (NULL)) v(x) ORDER BY x DESC NULLS LAST LIMIT 1 OFFSET 1",
    ),
    ("hash and random", "SELECT hash(1) = hash(1) AS h, random() < 1 AS r, md5('a') AS m"),
];

#[test]
fn every_allowed_form_passes() {
    let gate = gate();
    let mut failures = Vec::new();
    for (name, sql) in ALLOWED {
        match gate.check(sql) {
            // What is printed passes too, and reads the same views.
            Ok(checked) => match gate.check(&checked.sql) {
                Ok(again) if again.views == checked.views => {}
                other => failures.push(format!("{name}: {}\n    becomes {other:?}", checked.sql)),
            },
            Err(error) => failures.push(format!("{name}: {sql}\n    {error}")),
        }
    }
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), ALLOWED.len(), failures.join("\n"));
}

#[test]
fn the_examples_of_the_catalogue_pass() {
    let gate = gate();
    for view in views::catalogue() {
        gate.check(view.example).unwrap_or_else(|error| panic!("{}: {error}", view.name));
    }
}

#[test]
fn parameters_survive() {
    let checked = gate().check("SELECT * FROM game_tick WHERE game_id = $1 AND tick > ? AND price < $1").unwrap();
    assert!(checked.sql.contains("$1") && checked.sql.contains("$2"), "{}", checked.sql);
    assert_eq!(checked.views, ["game_tick"]);
}

#[test]
fn a_refusal_shows_the_way_out() {
    let gate = gate();
    let game_ticks = refusal(&gate, "SELECT * FROM game_ticks");
    assert!(game_ticks.contains("Did you mean game_tick?") && game_ticks.contains("DESCRIBE"), "{game_ticks}");
    let function = refusal(&gate, "SELECT strformat(ts) FROM games");
    assert!(function.contains("did you mean"), "{function}");
    let syntax = refusal(&gate, "SELECT a\nFROM games\nWHERE AND b");
    assert!(syntax.contains("line 3, column 7"), "{syntax}");
    let alias = refusal(&gate, "SELECT peak name FROM games");
    assert!(alias.contains("AS"), "{alias}");
    let deep = refusal(&gate, &format!("SELECT {}1", "1 + ".repeat(300)));
    assert!(deep.contains("nests"), "{deep}");
}

/// The list was made from DuckDB's own catalogue; a name that vanished would be dead weight.
#[test]
fn every_allowed_function_exists() {
    let gate = gate();
    crate::functions::register(&gate.parser).unwrap();
    let mut statement =
        gate.parser.prepare("SELECT DISTINCT lower(function_name) FROM duckdb_functions()").unwrap();
    let known: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let missing: Vec<&str> = allowed::scalars()
        .chain(allowed::tables().iter().copied())
        .filter(|name| !known.iter().any(|k| k == name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
