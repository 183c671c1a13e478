//! The MCP resources: one file each, with the static text it serves.

pub mod apps;
pub mod context;
pub mod game;
pub mod live;
pub mod manifest;
pub mod protocol;
pub mod verification;

use std::sync::Arc;

use rmcp::model::{ErrorData, ReadResourceResult, Resource, ResourceContents, ResourceTemplate};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::App;

/// The resources with a fixed address; with the pages for a host that can show them.
pub fn list(pages: bool) -> Vec<Resource> {
    let mut list =
        vec![context::listed(), live::listed(), manifest::listed(), protocol::listed(), verification::listed()];
    if pages {
        list.extend(apps::listed());
    }
    list
}

/// The resources with a parameter in their address.
pub fn templates() -> Vec<ResourceTemplate> {
    vec![game::listed(), protocol::template()]
}

/// Reads one resource.
///
/// # Errors
/// Resource not found, for an address that is none of ours or a game that is not there; internal error when the
/// store cannot be read.
pub async fn read(
    app: &Arc<App>,
    uri: &str,
    request: &CancellationToken,
) -> Result<ReadResourceResult, ErrorData> {
    if let Some(page) = apps::read(uri) {
        return Ok(ReadResourceResult::new(vec![page]));
    }
    let (text, kind) = if uri == context::URI {
        (context::read(&app.root).await, "text/markdown")
    } else if uri == manifest::URI {
        (manifest::read(&app.root).await?, "application/json")
    } else if uri == live::URI {
        (live::read(app).await?, "application/json")
    } else if uri == verification::URI {
        (verification::read(app).await?, "application/json")
    } else if uri == protocol::URI {
        (protocol::index(app).await, "text/markdown")
    } else if let Some(event) = protocol::event(uri) {
        (protocol::card(app, &event).await?, "text/markdown")
    } else if let Some(game_id) = game::id(uri) {
        (game::read(app, &game_id, request).await?, "application/json")
    } else {
        return Err(ErrorData::resource_not_found(
            format!(
                "There is no resource {uri}. The resources are {}, {}, {}, {}, {}, {} and {}",
                context::URI,
                live::URI,
                manifest::URI,
                protocol::URI,
                protocol::TEMPLATE,
                verification::URI,
                game::TEMPLATE
            ),
            Some(json!({"uri": uri})),
        ));
    };
    Ok(ReadResourceResult::new(vec![ResourceContents::text(text, uri).with_mime_type(kind)]))
}
