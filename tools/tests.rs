#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::*;

/// Claude Code cuts descriptions here.
const CUT: usize = 2048;

/// A model chooses badly among more.
const MOST: usize = 12;

fn each(check: impl Fn(&Tool)) {
    let tools = router().list_all();
    let for_models = tools.iter().filter(|tool| !ui::is_app_only(tool)).count();
    assert!(for_models <= MOST, "{for_models} tools");
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
const WRITE: [&str; 4] = ["capture", "export_dataset", "replay", "verify"];

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
    check::<app_chart_points::AppChartPoints>();
    check::<app_stream::AppStream>();
    check::<capture::Capture>();
    check::<check_fairness::CheckFairness>();
    check::<describe_protocol::DescribeProtocol>();
    check::<export_dataset::ExportDataset>();
    check::<get_events::GetEvents>();
    check::<get_game::GetGame>();
    check::<live_state::LiveState>();
    check::<query_sql::QuerySql>();
    check::<replay::Replay>();
    check::<search::Search>();
    check::<show_chart::ShowChart>();
    check::<verify::Verify>();
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
fn what_cannot_be_read_is_named_by_its_path_and_left_out_of_the_next_call() {
    let refused = |sent: &str| {
        let sent: JsonObject = serde_json::from_str(sent).unwrap();
        arguments::<replay::Replay>(sent).unwrap_err().to_string()
    };
    let error = refused(r#"{"action": "step", "cursor": "c", "n": -1}"#);
    assert!(error.contains("n: invalid value: integer `-1`"), "{error}");
    assert!(
        error.ends_with(r#"next: replay {"action": "step", "cursor": "c"}, or give n as the tool's schema says"#),
        "{error}"
    );
    let error = refused(r#"{"action": "run", "cursor": "c", "until": {"rug": true, "price_above": "NaN"}}"#);
    assert!(error.contains("until.price_above: invalid type: string \"NaN\""), "{error}");
    assert!(
        error.contains(r#"next: replay {"action": "run", "cursor": "c", "until": {"rug":true}}, or"#),
        "{error}"
    );
    let error = refused(r#"{"action": "run", "until": {"prise": 1}}"#);
    assert!(error.contains("until: unknown field `prise`, expected one of"), "{error}");
    assert!(error.contains(r#"next: replay {"action": "run"}, or give until.prise"#), "{error}");
}

#[test]
fn a_call_that_lacks_what_it_needs_is_told_with_the_example() {
    let needed: JsonObject = serde_json::from_str(r#"{"action": "fly"}"#).unwrap();
    let error = arguments::<replay::Replay>(needed).unwrap_err().to_string();
    assert!(error.contains("action: unknown variant `fly`, expected one of"), "{error}");
    assert!(error.ends_with(&format!("next: replay {}", replay::Replay::EXAMPLE)), "{error}");
    let error = arguments::<replay::Replay>(JsonObject::new()).unwrap_err().to_string();
    assert!(error.contains("missing field `action`") && error.contains("next: replay {"), "{error}");
}

#[test]
fn an_answer_is_the_same_as_text_and_as_data() {
    let result = answer(&serde_json::json!({"b": [1, 2.5, null], "a": "x"}), Vec::new(), Vec::new()).unwrap();
    let text = &result.content[0].as_text().unwrap().text;
    assert!(!text.contains('\n'));
    assert_eq!(serde_json::from_str::<Value>(text).unwrap(), result.structured_content.unwrap());
}

#[test]
fn an_answer_says_what_damaged_parts_keep_from_it() {
    let result = answer(&serde_json::json!({"a": 1}), vec!["3 rows are missing".into()], Vec::new()).unwrap();
    assert_eq!(result.structured_content.unwrap()["left_out"], serde_json::json!(["3 rows are missing"]));
    for tool in router().list_all() {
        let schema = Value::Object((*tool.output_schema.clone().unwrap()).clone());
        let says = schema["properties"]["left_out"].is_object();
        assert_eq!(says, tool.name != capture::Capture::NAME, "{}", tool.name);
    }
}

#[test]
fn pictures_follow_the_text_and_leave_the_data_alone() {
    let image = Image { bytes: b"\x89PNG".to_vec(), mime_type: "image/png" };
    let result = answer(&serde_json::json!({"a": 1}), Vec::new(), vec![image]).unwrap();
    assert_eq!(result.content.len(), 2);
    let content = serde_json::to_value(&result.content[1]).unwrap();
    assert_eq!(content["type"], "image");
    assert_eq!((&content["data"], &content["mimeType"]), (&"iVBORw==".into(), &"image/png".into()));
    assert_eq!(result.structured_content, Some(serde_json::json!({"a": 1})));
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
