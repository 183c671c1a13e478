#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

/// Claude Code cuts descriptions here.
const CUT: usize = 2048;

fn each(check: impl Fn(&Tool)) {
    let tools = router().list_all();
    assert!(tools.len() <= 12, "a model sees at most twelve tools");
    for tool in &tools {
        check(tool);
    }
}

#[test]
fn descriptions_fit_and_have_an_example() {
    each(|tool| {
        let text = tool.description.as_deref().unwrap();
        assert!(text.len() <= CUT, "{}: {} bytes", tool.name, text.len());
        assert!(text.contains("Example"), "{}", tool.name);
    });
}

#[test]
fn schemas_are_objects_and_every_argument_is_described() {
    each(|tool| {
        for (what, schema) in [("input", &tool.input_schema), ("output", tool.output_schema.as_ref().unwrap())] {
            assert_eq!(schema["type"], "object", "{} {what}", tool.name);
            let properties = schema["properties"].as_object().unwrap();
            for (name, property) in properties {
                assert!(property.get("description").is_some(), "{} {what}: {name} is not described", tool.name);
            }
        }
        assert_eq!(
            tool.input_schema["additionalProperties"], false,
            "{}: a typo must not pass silently",
            tool.name
        );
    });
}

/// Tools that change something; everything else says that it only reads.
const WRITE: [&str; 3] = ["capture", "export_dataset", "replay"];

#[test]
fn what_changes_something_says_so_and_nothing_destroys() {
    each(|tool| {
        let hints = tool.annotations.as_ref().unwrap();
        assert_eq!(hints.read_only_hint, Some(!WRITE.contains(&tool.name.as_ref())), "{}", tool.name);
        assert_eq!(hints.destructive_hint, Some(false), "{}", tool.name);
    });
}

#[test]
fn the_examples_are_calls_that_parse() {
    fn check<T: AgentTool>() {
        let example: JsonObject = serde_json::from_str(T::EXAMPLE).unwrap();
        arguments::<T>(example).unwrap_or_else(|error| panic!("{}: {error}", T::NAME));
        for line in T::DESCRIPTION.lines() {
            let call = line.trim_start_matches("Examples: ").trim_start_matches("Example: ");
            if call.starts_with('{') {
                let example: JsonObject =
                    serde_json::from_str(call).unwrap_or_else(|error| panic!("{call}: {error}"));
                arguments::<T>(example).unwrap_or_else(|error| panic!("{call}: {error}"));
            }
        }
    }
    check::<export_dataset::ExportDataset>();
    check::<get_events::GetEvents>();
    check::<get_game::GetGame>();
    check::<query_sql::QuerySql>();
    check::<replay::Replay>();
    check::<search::Search>();
}

#[test]
fn arguments_that_cannot_be_read_are_told_with_a_call_that_can() {
    let sent: JsonObject = serde_json::from_str(r#"{"sql": "SELECT 1", "max_row": 5}"#).unwrap();
    let text = arguments::<query_sql::QuerySql>(sent).unwrap_err().to_string();
    assert!(
        text.starts_with("query_sql was not called: its arguments cannot be read. unknown field `max_row`"),
        "{text}"
    );
    assert!(text.contains(r#"next: query_sql {"sql": "#), "{text}");
}

#[test]
fn an_answer_is_the_same_as_text_and_as_data() {
    let result = answer(&serde_json::json!({"b": [1, 2.5, null], "a": "x"})).unwrap();
    let text = &result.content[0].as_text().unwrap().text;
    assert!(!text.contains('\n'));
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result.structured_content.unwrap());
}

#[test]
fn the_readme_has_this_table() {
    const BEGIN: &str = "<!-- tools: begin (generated) -->\n";
    const END: &str = "<!-- tools: end -->";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README.md marks the tools table");
    let (table, after) = rest.split_once(END).expect("README.md marks the end of the tools table");
    if std::env::var_os("REPLAYER_BLESS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", readme_table())).unwrap();
        return;
    }
    assert_eq!(
        table,
        readme_table(),
        "README.md is out of date: REPLAYER_BLESS=1 cargo test --release the_readme_has"
    );
}
