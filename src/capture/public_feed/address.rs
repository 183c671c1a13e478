//! Where the feed is: what a person writes, made into the URL of an Engine.IO v4 WebSocket.

use tokio_tungstenite::tungstenite::http::Uri;

/// The public feed of rugs.fun.
pub const DEFAULT_URL: &str = "wss://backend.rugs.fun/socket.io/?EIO=4&transport=websocket&frontend-version=1.0";

/// The query that the feed asks for, by name and value.
const QUERY: [(&str, &str); 3] = [("EIO", "4"), ("transport", "websocket"), ("frontend-version", "1.0")];

/// A feed's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::capture) struct Address {
    /// The URL of the WebSocket.
    pub(super) url: String,
    /// Host without brackets.
    pub(in crate::capture) host: String,
    pub(in crate::capture) port: u16,
    pub(super) is_tls: bool,
    /// The Socket.IO namespace, `/` for the default one.
    pub(super) namespace: String,
    /// The address without its query, for logs and the status: a query may carry what is nobody's business.
    pub(super) shown: String,
}

/// Why a text is no address; says what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct BadAddress {
    /// What is wrong.
    pub reason: String,
}

fn bad<T>(reason: impl Into<String>) -> Result<T, BadAddress> {
    Err(BadAddress { reason: reason.into() })
}

impl Address {
    /// Reads an address. `ws` and `wss` URLs name the WebSocket itself, and what the protocol needs is added to
    /// their query. `http` and `https` URLs are taken as Socket.IO clients take them: the path is the namespace.
    pub(super) fn parse(text: &str) -> Result<Address, BadAddress> {
        let text = text.trim();
        if !text.contains("://") {
            return bad(format!("{text:?} has no scheme: write wss://HOST or, without TLS, ws://HOST:PORT"));
        }
        let uri: Uri = match text.parse() {
            Ok(uri) => uri,
            Err(error) => return bad(format!("{text:?} is no URL: {error}")),
        };
        let (is_tls, is_base) = match uri.scheme_str().unwrap_or_default() {
            "wss" => (true, false),
            "ws" => (false, false),
            "https" => (true, true),
            "http" => (false, true),
            other => {
                return bad(format!("{other:?} is no scheme of a feed: write wss://, ws://, https:// or http://"));
            }
        };
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return bad("a feed's URL cannot carry a user name: the public feed has no login");
        }
        let host = match uri.host() {
            Some(host) if !host.is_empty() => host,
            _ => return bad(format!("{text:?} names no host")),
        };
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        if port == 0 {
            return bad(format!("{text:?} names port 0"));
        }
        let path = uri.path();
        let is_namespace = is_base && !path.starts_with("/socket.io");
        let namespace = if is_namespace { path.trim_end_matches('/') } else { "" };
        let path = if is_namespace || path == "/" { "/socket.io/" } else { path };
        let scheme = if is_tls { "wss" } else { "ws" };
        let at_port = uri.port_u16().map_or_else(String::new, |port| format!(":{port}"));
        let shown = format!("{scheme}://{host}{at_port}{path}");
        Ok(Address {
            url: format!("{shown}?{}", query(uri.query().unwrap_or_default())?),
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            is_tls,
            namespace: if namespace.is_empty() { "/".to_owned() } else { namespace.to_owned() },
            shown,
        })
    }
}

/// The query with what the protocol needs.
fn query(given: &str) -> Result<String, BadAddress> {
    let pairs: Vec<(&str, &str)> = given
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .collect();
    for (name, value) in &pairs {
        if (*name == "EIO" && *value != "4") || (*name == "transport" && *value != "websocket") {
            return bad(format!(
                "{name}={value} in the URL cannot be served: replayer speaks Engine.IO 4 over WebSocket. Leave it out"
            ));
        }
    }
    let missing = QUERY.iter().filter(|(name, _)| pairs.iter().all(|(given, _)| given != name));
    let all: Vec<String> = missing.map(|(name, value)| format!("{name}={value}")).collect();
    let given = (!given.is_empty()).then(|| given.trim_matches('&').to_owned());
    Ok(given.into_iter().chain(all).collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_default_is_kept_as_it_is() {
        let address = Address::parse(DEFAULT_URL).unwrap();
        assert_eq!(address.url, DEFAULT_URL);
        assert_eq!((address.host.as_str(), address.port, address.is_tls), ("backend.rugs.fun", 443, true));
        assert_eq!(address.namespace, "/");
        assert_eq!(address.shown, "wss://backend.rugs.fun/socket.io/");
    }

    #[test]
    fn what_the_protocol_needs_is_added_to_a_url() {
        let url = |text| Address::parse(text).unwrap().url;
        let query = "EIO=4&transport=websocket&frontend-version=1.0";
        assert_eq!(url("ws://127.0.0.1:3000"), format!("ws://127.0.0.1:3000/socket.io/?{query}"));
        assert_eq!(url(" wss://x.example/feed/ "), format!("wss://x.example/feed/?{query}"));
        assert_eq!(
            url("ws://x:1/?EIO=4&frontend-version=2"),
            "ws://x:1/socket.io/?EIO=4&frontend-version=2&transport=websocket"
        );
        assert_eq!(url("https://x.example"), format!("wss://x.example/socket.io/?{query}"));
    }

    #[test]
    fn the_path_of_a_base_url_is_the_namespace() {
        let address = Address::parse("http://localhost:3000/admin/").unwrap();
        assert_eq!((address.namespace.as_str(), address.is_tls), ("/admin", false));
        assert!(address.url.starts_with("ws://localhost:3000/socket.io/?"));
        assert_eq!(Address::parse("https://x.example/socket.io/").unwrap().namespace, "/");
    }

    #[test]
    fn an_ipv6_host_is_resolved_without_its_brackets() {
        let address = Address::parse("ws://[::1]:8080").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 8080));
        assert!(address.url.starts_with("ws://[::1]:8080/"));
    }

    #[test]
    fn what_is_no_address_is_told_with_what_to_write() {
        let reason = |text| Address::parse(text).unwrap_err().reason;
        assert!(reason("backend.rugs.fun").contains("wss://"));
        assert!(reason("ftp://x").contains("ws://"));
        assert!(reason("ws://x/?EIO=3").contains("Engine.IO 4"));
        assert!(reason("ws://x/?transport=polling").contains("WebSocket"));
        assert!(reason("ws://user:secret@x/").contains("login"));
        assert!(!reason("ws://user:secret@x/").contains("secret"));
        assert!(reason("wss://").contains("URL") || reason("wss://").contains("host"));
        assert!(reason("ws://x:0/").contains("port 0"));
    }
}
