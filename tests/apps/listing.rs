//! Who is told of the apps: hosts that declared the extension, in both protocol eras, and nobody else.

use serde_json::{Value, json};

use crate::server::Wire;

/// The capabilities of a host that can show apps.
pub fn apps() -> Value {
    json!({"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/html;profile=mcp-app"]}}})
}

/// The answer to a listing in each era, for a client with these capabilities.
fn listed(method: &str, capabilities: &Value) -> [Value; 2] {
    let root = tempfile::tempdir().unwrap();
    let mut old = Wire::start(root.path());
    let hello = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "clientInfo": {"name": "t", "version": "0"}});
    old.ask("initialize", hello);
    old.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    let mut new = Wire::start(root.path());
    let meta = json!({"_meta": {"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": capabilities}});
    [old.ask(method, json!({}))["result"].clone(), new.ask(method, meta)["result"].clone()]
}

fn names(result: &Value) -> Vec<&str> {
    result["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[test]
fn a_host_with_apps_gets_the_pages_of_tools_and_the_tools_of_pages() {
    for result in listed("tools/list", &apps()) {
        let meta = |name: &str| {
            let tools = result["tools"].as_array().unwrap();
            tools.iter().find(|tool| tool["name"] == name).unwrap_or_else(|| panic!("no {name}"))["_meta"].clone()
        };
        let page = |uri: &str| json!({"ui": {"resourceUri": uri}, "ui/resourceUri": uri});
        assert_eq!(meta("describe_protocol"), page("ui://rugs/explorer.html"));
        assert_eq!(meta("show_chart"), page("ui://rugs/chart.html"));
        for tool in ["app_chart_points", "app_stream"] {
            assert_eq!(meta(tool), json!({"ui": {"visibility": ["app"]}}));
        }
        let for_models = names(&result).into_iter().filter(|name| !name.starts_with("app_")).count();
        assert!(for_models <= 12, "{for_models} tools");
    }
}

#[test]
fn a_host_without_apps_gets_neither() {
    for capabilities in
        [json!({}), json!({"extensions": {"io.modelcontextprotocol/ui": {"mimeTypes": ["text/other"]}}})]
    {
        for result in listed("tools/list", &capabilities) {
            assert!(names(&result).iter().all(|name| !name.starts_with("app_")), "{:?}", names(&result));
            assert!(names(&result).contains(&"describe_protocol"));
            assert!(names(&result).len() <= 12);
            assert!(!result.to_string().contains("ui://"), "no page is named");
        }
    }
}

#[test]
fn the_pages_are_listed_to_hosts_that_can_show_them() {
    let pages = |result: &Value| {
        let resources = result["resources"].as_array().unwrap();
        resources.iter().filter(|resource| resource["mimeType"] == "text/html;profile=mcp-app").count()
    };
    assert_eq!(listed("resources/list", &apps()).each_ref().map(pages), [2, 2]);
    assert_eq!(listed("resources/list", &json!({})).each_ref().map(pages), [0, 0]);
}

#[test]
fn the_server_says_that_it_has_apps() {
    let root = tempfile::tempdir().unwrap();
    let answer = Wire::start(root.path()).initialize();
    assert_eq!(
        answer["result"]["capabilities"]["extensions"],
        json!({"io.modelcontextprotocol/ui": {}}),
        "{answer}"
    );
}
