//! `replayer://game/{game_id}`: one game's card, the same as from `get_game`.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ErrorData, ResourceTemplate};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::App;
use crate::tools::get_game;

/// Address, with its parameter.
pub const TEMPLATE: &str = "replayer://game/{game_id}";

const PREFIX: &str = "replayer://game/";

const TIME: Duration = Duration::from_secs(60);

/// As it is listed.
pub fn listed() -> ResourceTemplate {
    ResourceTemplate::new(TEMPLATE, "game")
        .with_title("One game")
        .with_description(
            "A game's card: peak, rug, seed, price line, side bets, addresses of its frames. Same as get_game.",
        )
        .with_mime_type("application/json")
}

/// The game id of an address of this form, percent-decoded.
pub fn id(uri: &str) -> Option<String> {
    uri.strip_prefix(PREFIX).filter(|rest| !rest.contains('/')).and_then(decoded)
}

/// The last part of an address, percent-decoded; `None` when it is empty or not encoded rightly.
pub(super) fn decoded(rest: &str) -> Option<String> {
    if rest.is_empty() {
        return None;
    }
    let mut bytes = Vec::with_capacity(rest.len());
    let mut left = rest.bytes();
    while let Some(byte) = left.next() {
        if byte == b'%' {
            let digit = |byte: Option<u8>| char::from(byte?).to_digit(16);
            bytes.push(u8::try_from(digit(left.next())? * 16 + digit(left.next())?).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The card as JSON.
///
/// # Errors
/// Resource not found when the card cannot be had; the message is the tool's.
pub async fn read(app: &Arc<App>, game_id: &str, request: &CancellationToken) -> Result<String, ErrorData> {
    let asked = Arc::clone(app);
    let wanted = game_id.to_owned();
    let card = app
        .limits
        .run(TIME, request, move |cancel| async move { get_game::card(&asked, &wanted, &cancel).await })
        .await;
    let (card, as_of) =
        card.map_err(|error| ErrorData::resource_not_found(error.to_string(), Some(json!({"game_id": game_id}))))?;
    serde_json::to_string(&json!({"game": card, "as_of": as_of}))
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn an_address_gives_its_game_id() {
        assert_eq!(id("replayer://game/20260214-5f0c").as_deref(), Some("20260214-5f0c"));
        assert_eq!(id("replayer://game/a%20b%C3%A9").as_deref(), Some("a bé"));
        for other in [
            "replayer://game/",
            "replayer://game/a/b",
            "replayer://games/a",
            "replayer://game/%zz",
            "replayer://game/%f",
        ] {
            assert_eq!(id(other), None, "{other}");
        }
    }
}
