//! Who and what a payload is about: the envelope columns `game_id`, `player_id` and `username`.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::json::object;

object! {
    /// The identity fields at the top of a payload. Absent or odd fields are `None`.
    pub struct Identity<'t> {
        /// `gameId`.
        pub game_id: Cow<'t, str> = "gameId",
        /// `playerId`; for events about the own account, their `id`.
        pub player_id: Cow<'t, str> = "playerId",
        /// `username`.
        pub username: Cow<'t, str> = "username",
        id: Cow<'t, str> = "id",
    }
}

impl<'t> Identity<'t> {
    /// The identity of a packet that is about a round and nobody in particular.
    pub fn of_game(game_id: Option<&'t str>) -> Identity<'t> {
        Identity { game_id: game_id.map(Cow::Borrowed), ..Identity::default() }
    }
}

/// Events whose own `id` is the player's, because they are about the logged-in account.
const OWN_ACCOUNT: [&str; 2] = ["playerUpdate", "usernameStatus"];

/// Reads the identity fields of `payload`; all `None` when it is no object.
pub fn of<'t>(event_name: Option<&str>, payload: &'t RawValue) -> Identity<'t> {
    let mut identity = Identity::read(payload).unwrap_or_default();
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
