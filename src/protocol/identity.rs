//! Who and what a payload is about: the envelope columns `game_id`, `player_id` and `username`.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::lenient;

/// The identity fields at the top of a payload. Absent or odd fields are `None`.
#[derive(Debug, Default, Deserialize)]
pub struct Identity<'a> {
    /// `gameId`.
    #[serde(borrow, default, rename = "gameId", deserialize_with = "lenient::text")]
    pub game_id: Option<Cow<'a, str>>,
    /// `playerId`; for events about the own account, their `id`.
    #[serde(borrow, default, rename = "playerId", deserialize_with = "lenient::text")]
    pub player_id: Option<Cow<'a, str>>,
    /// `username`.
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    pub username: Option<Cow<'a, str>>,
    #[serde(borrow, default, deserialize_with = "lenient::text")]
    id: Option<Cow<'a, str>>,
}

impl<'a> Identity<'a> {
    /// The identity of a packet that is about a round and nobody in particular.
    pub fn of_game(game_id: Option<&'a str>) -> Identity<'a> {
        Identity { game_id: game_id.map(Cow::Borrowed), ..Identity::default() }
    }
}

/// Events whose own `id` is the player's, because they are about the logged-in account.
const OWN_ACCOUNT: [&str; 2] = ["playerUpdate", "usernameStatus"];

/// Reads the identity fields of `payload`; all `None` when it is no object.
pub fn of<'a>(event_name: Option<&str>, payload: &'a RawValue) -> Identity<'a> {
    if !payload.get().starts_with('{') {
        return Identity::default();
    }
    let mut identity: Identity = serde_json::from_str(payload.get()).unwrap_or_default();
    let id = identity.id.take();
    if identity.player_id.is_none() && event_name.is_some_and(|name| OWN_ACCOUNT.contains(&name)) {
        identity.player_id = id;
    }
    identity
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::value::RawValue;

    #[test]
    fn p8_the_own_account_is_named_by_its_id() {
        let raw = RawValue::from_string(r#"{"id":"did:privy:abc","username":"Dutch"}"#.into()).unwrap();
        let identity = super::of(Some("usernameStatus"), &raw);
        assert_eq!(identity.player_id.as_deref(), Some("did:privy:abc"));
        assert_eq!(identity.username.as_deref(), Some("Dutch"));
    }

    #[test]
    fn a_trades_id_is_not_a_player() {
        let raw = RawValue::from_string(r#"{"id":"t-1","playerId":"p","gameId":"g"}"#.into()).unwrap();
        let identity = super::of(Some("standard/newTrade"), &raw);
        assert_eq!((identity.player_id.as_deref(), identity.game_id.as_deref()), (Some("p"), Some("g")));
        let raw = RawValue::from_string(r#"{"id":"t-1"}"#.into()).unwrap();
        assert!(super::of(Some("standard/newTrade"), &raw).player_id.is_none());
    }
}
