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
    let sql = r#"SELECT unnest(payload_values('42["e",{"__trace":true},{"price":1.50,"l":[{"p":1},{"p":"a long text"}]}]', 'wire', 'e',
        '$.l[].p', '$.price', '$.none'))"#;
    assert_eq!(ask(sql).unwrap(), texts(&[Some("1.50"), None, Some("1"), Some("\"a long text\"")]));
}

#[test]
fn what_is_no_frame_and_what_is_null_give_null() {
    let sql = "SELECT payload_values(f, 'wire', n, p)[1] FROM (VALUES ('40{\"sid\":\"x\"}', '$.sid', NULL), \
               (NULL, '$', NULL), ('43[7]', '$', NULL), ('43[7]', NULL, NULL), ('42[\"e\",', '$', 'e'), ('2', '$', NULL)) v(f, p, n)";
    assert_eq!(ask(sql).unwrap(), texts(&[Some("\"x\""), None, Some("7"), None, None, None]));
}

#[test]
fn each_row_may_have_its_own_paths() {
    let sql = r#"SELECT payload_values('{"a": 1, "b": 2}', 'payload', 'e', p)[1] FROM (VALUES ('$.a'), ('$.b'), ('$.a')) v(p)"#;
    assert_eq!(ask(sql).unwrap(), texts(&[Some("1"), Some("2"), Some("1")]));
}

#[test]
fn many_rows_over_several_chunks_keep_their_order() {
    let sql = "SELECT count(*)::VARCHAR FROM (SELECT i, payload_values('{\"l\":[' || i || ',' || repeat('7,', i % 5) || i || ']}', 'payload', 'e', \
               '$.l[-1]', '$.l[]') AS x FROM range(10000) t(i)) WHERE x[1] = i::VARCHAR AND len(x) = 3 + i % 5 AND x[len(x)] = \
               i::VARCHAR";
    assert_eq!(ask(sql).unwrap(), texts(&[Some("10000")]));
}

#[test]
fn a_call_that_cannot_be_meant_says_why() {
    for (call, why) in [
        ("", "at least one path"),
        (", 'price'", "$ was expected"),
        (", '$.a[].b', '$.c[].d'", "different lists"),
        (", '$.a', '$.a'", "twice"),
    ] {
        let error = ask(&format!("SELECT CAST(payload_values('{{}}', 'payload', 'e'{call}) AS VARCHAR)"))
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{call}: {error}");
    }
}

#[test]
fn a_line_of_an_older_file_is_read_as_its_format_says() {
    let sql = r#"SELECT payload_values(t, f, 'x', '$.v')[1] FROM (VALUES
        ('{"seq":1,"event":"x","data":[{"__trace":true,"traceparent":"00-1-2-01"},{"v":1}]}', 'raw_capture'),
        ('{"event_name":"x","raw":"42[\"x\",{\"v\":2}]"}', 'notebook_capture'),
        ('{"type":"tick","v":3}', 'recording')) t(t, f)"#;
    assert_eq!(ask(sql).unwrap(), texts(&[Some("1"), Some("2"), Some("3")]));
    let error = ask("SELECT CAST(payload_values('{}', 'word', 'x', '$') AS VARCHAR)").unwrap_err().to_string();
    assert!(error.contains("\"word\" is no format"), "{error}");
}
