#![allow(clippy::unwrap_used)]

use super::*;

fn ask(sql: &str) -> duckdb::Result<Vec<Option<String>>> {
    let db = Connection::open_in_memory()?;
    register(&db)?;
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map([], |row| row.get::<_, Option<String>>(0))?;
    rows.collect()
}

fn texts(rows: &[Option<&str>]) -> Vec<Option<String>> {
    rows.iter().map(|row| row.map(str::to_owned)).collect()
}

#[test]
fn values_of_a_frame_come_as_they_were_sent() {
    let sql = r#"SELECT unnest(frame_values('42["e",{"__trace":true},{"price":1.50,"l":[{"p":1},{"p":"a long text"}]}]',
        '$.l[].p', '$.price', '$.none'))"#;
    assert_eq!(ask(sql).unwrap(), texts(&[Some("1.50"), None, Some("1"), Some("\"a long text\"")]));
}

#[test]
fn what_is_no_frame_and_what_is_null_give_null() {
    let sql = "SELECT CAST(frame_values(f, p) AS VARCHAR) FROM (VALUES ('40{\"sid\":\"x\"}', '$'), (NULL, '$'), ('43[7]', '$'), \
               ('43[7]', NULL), ('42[\"e\",', '$')) v(f, p)";
    assert_eq!(ask(sql).unwrap(), texts(&[None, None, Some("[7]"), None, None]));
}

#[test]
fn each_row_may_have_its_own_paths() {
    let sql = r#"SELECT json_values('{"a": 1, "b": 2}', p)[1] FROM (VALUES ('$.a'), ('$.b'), ('$.a')) v(p)"#;
    assert_eq!(ask(sql).unwrap(), texts(&[Some("1"), Some("2"), Some("1")]));
}

#[test]
fn many_rows_over_several_chunks_keep_their_order() {
    let sql = "SELECT count(*)::VARCHAR FROM (SELECT i, json_values('{\"l\":[' || i || ',' || repeat('7,', i % 5) || i || ']}', \
               '$.l[-1]', '$.l[]') AS x FROM range(10000) t(i)) WHERE x[1] = i::VARCHAR AND len(x) = 3 + i % 5 AND x[len(x)] = \
               i::VARCHAR";
    assert_eq!(ask(sql).unwrap(), texts(&[Some("10000")]));
}

#[test]
fn a_call_that_cannot_be_meant_says_why() {
    for (call, why) in [
        ("json_values('{}')", "at least one path"),
        ("json_values('{}', 'price')", "$ was expected"),
        ("json_values('{}', '$.a[].b', '$.c[].d')", "different lists"),
        ("json_values('{}', '$.a', '$.a')", "twice"),
    ] {
        let error = ask(&format!("SELECT CAST({call} AS VARCHAR)")).unwrap_err().to_string();
        assert!(error.contains(why), "{call}: {error}");
    }
}
