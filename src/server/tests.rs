#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use rmcp::model::{CallToolRequestParams, ProtocolVersion, ReadResourceRequestParams, Reference};
use rmcp::service::{ClientLifecycleMode, RoleClient, RunningService};
use rmcp::{ClientServiceExt, ServiceExt};
use serde_json::json;

use super::*;
use crate::sql;

/// A server that does not end has failed, however much else the machine has to do.
const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(60);

/// A server on an empty root whose SQL worker cannot start, with a client on the other end of a pipe. What works
/// here works without the engine.
async fn connected(mode: ClientLifecycleMode) -> (RunningService<RoleClient, ()>, tempfile::TempDir) {
    let root = tempfile::tempdir().unwrap();
    let mut config = run::Config::new(root.path());
    config.sql = sql::Config { worker_exe: Some("/nonexistent/replayer".into()), ..sql::Config::new(root.path()) };
    let (near, far) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(near);
    tokio::spawn(run::serve_on(config, input, output, std::future::pending()));
    (().serve_with_lifecycle(far, mode).await.unwrap(), root)
}

async fn legacy() -> (RunningService<RoleClient, ()>, tempfile::TempDir) {
    connected(ClientLifecycleMode::Initialize).await
}

fn call(name: &'static str, arguments: serde_json::Value) -> CallToolRequestParams {
    CallToolRequestParams::new(name).with_arguments(arguments.as_object().unwrap().clone())
}

#[test]
fn the_instructions_fit() {
    assert!(INSTRUCTIONS.len() <= 2048, "{} bytes", INSTRUCTIONS.len());
    assert!(INSTRUCTIONS.contains("carries no authority"));
    for tool in tools::router().list_all().iter().filter(|tool| !ui::is_app_only(tool)) {
        assert!(INSTRUCTIONS.contains(tool.name.as_ref()), "{}", tool.name);
    }
}

#[tokio::test]
async fn what_is_advertised_is_what_there_is() {
    let (client, _root) = legacy().await;
    let info = client.peer_info().unwrap();
    let capabilities = serde_json::to_value(&info.capabilities).unwrap();
    assert_eq!(
        capabilities,
        json!({
            "tools": {}, "resources": {"subscribe": true}, "prompts": {}, "completions": {}, "extensions": {"io.modelcontextprotocol/ui": {}},
        })
    );
    assert_eq!(info.instructions.as_deref(), Some(INSTRUCTIONS));
}

#[tokio::test]
async fn both_eras_see_the_same_tools() {
    let (old, _root) = legacy().await;
    let mode = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    let (new, _root) = connected(mode).await;
    let names = |tools: Vec<Tool>| tools.into_iter().map(|tool| tool.name.into_owned()).collect::<Vec<_>>();
    let (old, new) = (names(old.list_all_tools().await.unwrap()), names(new.list_all_tools().await.unwrap()));
    let offered = tools::router().list_all().into_iter().filter(|tool| !ui::is_app_only(tool)).collect();
    assert_eq!(old, names(offered));
    assert_eq!(new, old);
}

#[tokio::test]
async fn a_failed_tool_is_an_answer_the_model_sees() {
    let (client, _root) = legacy().await;
    for (name, arguments, says) in [
        ("query_sql", json!({}), "missing field `sql`"),
        ("query_sql", json!({"sql": "SELECT 1"}), "/nonexistent/replayer"),
        ("get_events", json!({"after": "x"}), "is not the address of a frame"),
        ("get_game", json!({"order": "best"}), "unknown variant"),
        ("export_dataset", json!({"format": "csv"}), "exactly one of dataset and sql"),
        ("search", json!({"query": "  "}), "the query is empty"),
        ("search", json!({"query": "x", "from": "soon"}), "from is no time"),
    ] {
        let result = client.call_tool(call(name, arguments.clone())).await.unwrap();
        let text = &result.content[0].as_text().unwrap().text;
        assert_eq!(result.is_error, Some(true), "{name} {arguments}");
        assert!(text.contains(says) && text.contains("next: "), "{name} {arguments}: {text}");
    }
}

#[tokio::test]
async fn a_tool_that_is_not_there_is_a_protocol_error() {
    let (client, _root) = legacy().await;
    assert!(client.call_tool(call("nothing", json!({}))).await.is_err());
}

#[tokio::test]
async fn resources_are_listed_and_read() {
    let (client, _root) = legacy().await;
    let uris: Vec<String> =
        client.list_all_resources().await.unwrap().into_iter().map(|resource| resource.uri).collect();
    let all = [
        "replayer://context",
        "replayer://live",
        "replayer://manifest",
        "replayer://protocol",
        "replayer://verification",
    ];
    assert_eq!(uris, all);
    let templates = client.list_all_resource_templates().await.unwrap();
    assert_eq!(templates[0].uri_template, "replayer://game/{game_id}");
    for uri in uris {
        let result = client.read_resource(ReadResourceRequestParams::new(uri.as_str())).await.unwrap();
        assert_eq!(result.contents.len(), 1, "{uri}");
    }
    let error = client.read_resource(ReadResourceRequestParams::new("replayer://nothing")).await.unwrap_err();
    assert!(error.to_string().contains("There is no resource replayer://nothing"), "{error}");
}

#[tokio::test]
async fn prompts_are_listed_and_filled_in() {
    let (client, _root) = legacy().await;
    let prompts = client.list_all_prompts().await.unwrap();
    let names: Vec<&str> = prompts.iter().map(|prompt| prompt.name.as_str()).collect();
    assert_eq!(names, ["canonical-review", "protocol-explorer", "rug-autopsy", "rugs-expert"]);
    let asked = json!({"question": "What is a rug?"});
    let request = GetPromptRequestParams::new("rugs-expert").with_arguments(asked.as_object().unwrap().clone());
    let got = serde_json::to_value(client.get_prompt(request).await.unwrap().messages).unwrap();
    assert!(got[0]["content"]["text"].as_str().unwrap().contains("What is a rug?"));
    let error = client.get_prompt(GetPromptRequestParams::new("rugs-expert")).await.unwrap_err();
    assert!(error.to_string().contains("needs its argument question"), "{error}");
}

#[tokio::test]
async fn search_without_an_index_says_how_to_make_one() {
    let (client, _root) = legacy().await;
    let result = client.call_tool(call("search", json!({"query": "playerUpdate fields"}))).await.unwrap();
    let text = &result.content[0].as_text().unwrap().text;
    assert!(text.contains("replayer index build"), "{text}");
}

#[tokio::test]
async fn completions_without_a_store_are_empty_and_no_error() {
    let (client, _root) = legacy().await;
    let template = Reference::for_resource("replayer://game/{game_id}");
    for argument in ["game_id", "session_id", "other"] {
        let request =
            CompleteRequestParams::new(template.clone(), rmcp::model::ArgumentInfo::new(argument, "2026"));
        assert!(client.complete(request).await.unwrap().completion.values.is_empty(), "{argument}");
    }
}

#[tokio::test]
async fn events_of_the_protocol_are_completed_and_read() {
    let (client, _root) = legacy().await;
    let template = Reference::for_resource("replayer://protocol/{event}");
    let request = CompleteRequestParams::new(template, rmcp::model::ArgumentInfo::new("event", "playerU"));
    assert_eq!(client.complete(request).await.unwrap().completion.values, ["playerUpdate"]);
    for uri in ["replayer://protocol/playerUpdate", "replayer://protocol/standard/newTrade"] {
        let result = client.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap();
        let text = serde_json::to_string(&result).unwrap();
        assert!(text.contains("Known fields of"), "{text}");
    }
    let error =
        client.read_resource(ReadResourceRequestParams::new("replayer://protocol/playerUpdat")).await.unwrap_err();
    assert!(error.to_string().contains("The nearest name is playerUpdate"), "{error}");
}

#[tokio::test]
async fn a_client_that_leaves_ends_the_server() {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(near);
    let root = tempfile::tempdir().unwrap();
    let serving =
        tokio::spawn(run::serve_on(run::Config::new(root.path()), input, output, std::future::pending()));
    drop(far);
    tokio::time::timeout(TIMEOUT, serving).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_signal_ends_the_server() {
    let (near, far) = tokio::io::duplex(1 << 16);
    let (input, output) = tokio::io::split(near);
    let root = tempfile::tempdir().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let serving = tokio::spawn(run::serve_on(run::Config::new(root.path()), input, output, shutdown));
    let client = ().serve(far).await.unwrap();
    stop.send(()).unwrap();
    tokio::time::timeout(TIMEOUT, serving).await.unwrap().unwrap().unwrap();
    drop(client);
}
