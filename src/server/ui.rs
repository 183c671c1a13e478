//! MCP Apps (extension `io.modelcontextprotocol/ui`, version 2026-01-26): pages that a host shows beside an answer.
//!
//! A tool names the page that shows its result; the page, in a sandboxed frame, may call tools through the host.
//! Some tools exist for pages only. Hosts without the extension know nothing of all this, so they are not told of
//! it: [`for_client`] lists to them the same tools without pages, and none of those that only pages call.

use rmcp::model::{
    ClientCapabilities, ExtensionCapabilities, JsonObject, MetaObject, Resource, ResourceContents, Tool,
};
use serde_json::{Value, json};

/// Name of the extension, in the capabilities of both sides.
pub const EXTENSION: &str = "io.modelcontextprotocol/ui";

/// What a page is, in resources and in the client's capability.
pub const MIME_TYPE: &str = "text/html;profile=mcp-app";

/// How a tool takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ui {
    /// Its result has no page.
    #[default]
    None,
    /// Its result is shown by the page at this address, where the host can; the answer is complete without.
    ShownBy(&'static str),
    /// Pages call it; it fetches what would burden a model's context. Hosts hide it from models.
    AppOnly,
}

impl Ui {
    /// The tool's `_meta`; the flat key is the older form, which hosts still read.
    pub fn meta(self) -> Option<MetaObject> {
        let meta = match self {
            Ui::None => return None,
            Ui::ShownBy(uri) => json!({"ui": {"resourceUri": uri}, "ui/resourceUri": uri}),
            Ui::AppOnly => json!({"ui": {"visibility": ["app"]}}),
        };
        object(meta)
    }
}

/// Whether a listed tool is for pages only.
pub fn is_app_only(tool: &Tool) -> bool {
    tool.meta == Ui::AppOnly.meta()
}

/// What the server says about itself.
pub fn capability() -> ExtensionCapabilities {
    ExtensionCapabilities::from([(EXTENSION.to_owned(), JsonObject::new())])
}

/// Whether the client can show our pages.
pub fn shown_by(client: Option<&ClientCapabilities>) -> bool {
    let settings = client.and_then(|client| client.extensions.as_ref()?.get(EXTENSION));
    let types = settings.and_then(|settings| settings.get("mimeTypes")).and_then(Value::as_array);
    types.is_some_and(|types| types.iter().any(|name| name == MIME_TYPE))
}

/// The tools as this client is to see them.
pub fn for_client(tools: Vec<Tool>, client: Option<&ClientCapabilities>) -> Vec<Tool> {
    if shown_by(client) {
        return tools;
    }
    let mut tools = tools;
    tools.retain(|tool| !is_app_only(tool));
    for tool in &mut tools {
        let Some(meta) = &mut tool.meta else { continue };
        meta.0.retain(|key, _| key != "ui" && key != "ui/resourceUri");
        if meta.0.is_empty() {
            tool.meta = None;
        }
    }
    tools
}

/// A page as it is listed.
pub fn listed(uri: &'static str, name: &'static str, title: &str, description: &str) -> Resource {
    Resource::new(uri, name).with_title(title).with_description(description).with_mime_type(MIME_TYPE)
}

/// A page as it is read. Without a `csp` entry the host forbids it every connection, which is what it needs.
pub fn page(uri: &str, html: &str) -> ResourceContents {
    let contents = ResourceContents::text(html, uri).with_mime_type(MIME_TYPE);
    match object(json!({"ui": {"prefersBorder": true}})) {
        Some(meta) => contents.with_meta(meta),
        None => contents,
    }
}

fn object(value: Value) -> Option<MetaObject> {
    match value {
        Value::Object(map) => Some(MetaObject(map)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use std::sync::Arc;

    use super::*;

    fn client(extensions: Value) -> ClientCapabilities {
        serde_json::from_value(json!({"extensions": extensions})).unwrap()
    }

    fn three() -> Vec<Tool> {
        let tool = |name: &'static str, ui: Ui| {
            let mut tool = Tool::new(name, "", Arc::new(JsonObject::new()));
            tool.meta = ui.meta();
            tool
        };
        vec![tool("plain", Ui::None), tool("shown", Ui::ShownBy("ui://a/b.html")), tool("inner", Ui::AppOnly)]
    }

    #[test]
    fn a_client_that_declares_the_page_type_sees_everything() {
        let apps = client(json!({EXTENSION: {"mimeTypes": ["text/plain", MIME_TYPE]}}));
        let tools = for_client(three(), Some(&apps));
        let shown = serde_json::to_value(&tools[1]).unwrap();
        assert_eq!(shown["_meta"]["ui"]["resourceUri"], "ui://a/b.html");
        assert_eq!(shown["_meta"]["ui/resourceUri"], "ui://a/b.html");
        assert_eq!(serde_json::to_value(&tools[2]).unwrap()["_meta"], json!({"ui": {"visibility": ["app"]}}));
    }

    #[test]
    fn others_see_no_page_and_no_tool_for_pages() {
        let without = [
            None,
            Some(ClientCapabilities::default()),
            Some(client(json!({EXTENSION: {}}))),
            Some(client(json!({EXTENSION: {"mimeTypes": ["text/html"]}}))),
            Some(client(json!({"io.modelcontextprotocol/tasks": {"mimeTypes": [MIME_TYPE]}}))),
        ];
        for client in without {
            let tools = for_client(three(), client.as_ref());
            assert_eq!(tools.iter().map(|tool| tool.name.as_ref()).collect::<Vec<_>>(), ["plain", "shown"]);
            assert!(tools.iter().all(|tool| tool.meta.is_none()), "{client:?}");
        }
    }

    #[test]
    fn what_else_a_tool_says_about_itself_stays() {
        let mut tools = three();
        tools[1].meta.as_mut().unwrap().0.insert("anthropic/maxResultSizeChars".into(), json!(1));
        let tools = for_client(tools, None);
        assert_eq!(serde_json::to_value(&tools[1]).unwrap()["_meta"], json!({"anthropic/maxResultSizeChars": 1}));
    }
}
