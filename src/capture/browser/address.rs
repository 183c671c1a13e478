//! Where Chrome is, and whose sockets are recorded: what a person writes, read once.

use std::fmt;

/// Where a Chrome listens when nothing else is said.
pub const DEFAULT: &str = "http://127.0.0.1:9222";

/// Chrome's own choice for `--remote-debugging-port`.
const DEFAULT_PORT: u16 = 9222;

/// How to reach the browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Name or IP address; IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// The path of its WebSocket, when the address named it (`ws://…`); else Chrome is asked.
    pub path: Option<String>,
    /// Hosts whose sockets are recorded.
    pub hosts: Hosts,
}

impl Address {
    /// Reads `127.0.0.1:9222`, `http://localhost:9222`, `ws://127.0.0.1:9222/devtools/browser/<id>`.
    ///
    /// Behind a `#` may stand the hosts whose sockets are recorded instead of `rugs.fun`, with commas between
    /// them: `http://127.0.0.1:9222#127.0.0.1:4000` records what a page of a simulator on port 4000 says.
    ///
    /// # Errors
    /// When it is no address, with what one looks like.
    pub fn parse(text: &str) -> Result<Address, String> {
        let text = text.trim();
        let wrong = |why: &str| format!("{text:?} is no address of a browser: {why}");
        let (place, hosts) = match text.split_once('#') {
            Some((place, hosts)) => (place, Hosts::parse(hosts)),
            None => (text, Hosts::default()),
        };
        let (scheme, rest) = place.split_once("://").unwrap_or(("http", place));
        let (authority, path) = match rest.find('/') {
            Some(slash) => rest.split_at_checked(slash).unwrap_or((rest, "")),
            None => (rest, ""),
        };
        let path = match scheme {
            "http" => None,
            "ws" if path.len() > 1 => Some(path.to_owned()),
            "ws" => None,
            "https" | "wss" => return Err(wrong("Chrome's debugging port speaks no TLS")),
            _ => return Err(wrong("it begins with http:// or ws://")),
        };
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let (host, port) = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, "")) => (host, None),
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => match authority.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (authority, None),
            },
        };
        let port = match port.map(str::parse) {
            None => DEFAULT_PORT,
            Some(Ok(port)) => port,
            Some(Err(_)) => return Err(wrong("the port is a number up to 65535")),
        };
        if host.is_empty() || host.contains(|c: char| c.is_whitespace() || c == ':' && !host.contains("::")) {
            return Err(wrong("it names no host"));
        }
        Ok(Address { host: host.to_owned(), port, path, hosts })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{open}{}{close}:{}", self.host, self.port)
    }
}

/// Hosts whose sockets are recorded: `rugs.fun` stands for itself and everything below it, `host:port` for one
/// port only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Default for Hosts {
    fn default() -> Hosts {
        Hosts(vec!["rugs.fun".into()])
    }
}

impl Hosts {
    fn parse(text: &str) -> Hosts {
        let hosts: Vec<String> =
            text.split(',').map(|host| host.trim().to_ascii_lowercase()).filter(|host| !host.is_empty()).collect();
        if hosts.is_empty() { Hosts::default() } else { Hosts(hosts) }
    }

    /// Whether a WebSocket of this URL is recorded.
    pub fn match_socket(&self, url: &str) -> bool {
        let rest = url.strip_prefix("wss://").or_else(|| url.strip_prefix("ws://"));
        rest.is_some_and(|rest| self.match_authority(rest))
    }

    /// Whether a page of this URL belongs to these hosts; the backend's subdomain of a game is its page's too.
    pub fn match_page(&self, url: &str) -> bool {
        let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
        rest.is_some_and(|rest| self.match_authority(rest))
    }

    fn match_authority(&self, rest: &str) -> bool {
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => &authority,
        };
        self.0.iter().any(|wanted| {
            *wanted == authority
                || host == wanted
                || host.strip_suffix(wanted.as_str()).is_some_and(|sub| sub.ends_with('.'))
        })
    }
}

/// Scheme, host and port of a URL: all of it that goes into the store. Paths and queries carry secrets.
pub fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.strip_prefix("blob:").unwrap_or(url).split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next().filter(|authority| !authority.is_empty())?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    Some(format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn addresses_are_read_as_people_write_them() {
        for text in [
            "127.0.0.1:9222",
            "http://127.0.0.1:9222",
            "http://127.0.0.1:9222/",
            "ws://127.0.0.1:9222",
            "127.0.0.1",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.host.as_str(), address.port, &address.path), ("127.0.0.1", 9222, &None), "{text}");
            assert_eq!(address.to_string(), "127.0.0.1:9222");
        }
        let address = Address::parse("ws://[::1]:9333/devtools/browser/abc").unwrap();
        assert_eq!((address.host.as_str(), address.port), ("::1", 9333));
        assert_eq!(address.path.as_deref(), Some("/devtools/browser/abc"));
        assert_eq!(address.to_string(), "[::1]:9333");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for text in ["", "https://127.0.0.1:9222", "http://127.0.0.1:99999", "ftp://x", "http://:9222", "a b"] {
            let error = Address::parse(text).unwrap_err();
            assert!(error.contains("is no address of a browser"), "{error}");
        }
    }

    /// D2, D3.
    #[test]
    fn only_sockets_of_rugs_fun_are_its_own() {
        let hosts = Hosts::default();
        for url in
            ["wss://backend.rugs.fun/socket.io/", "wss://backend.rugs.fun/socket.io/?EIO=4", "wss://RUGS.fun"]
        {
            assert!(hosts.match_socket(url), "{url}");
        }
        for url in [
            "wss://other.com/socket",
            "https://rugs.fun",
            "wss://notrugs.fun/",
            "wss://rugs.fun.evil.com/",
            "wss://evil.com/?x=wss://rugs.fun",
            "wss://rugs.fun@evil.com/",
        ] {
            assert!(!hosts.match_socket(url), "{url}");
        }
        assert!(hosts.match_page("https://rugs.fun/") && !hosts.match_page("wss://rugs.fun/"));
    }

    #[test]
    fn other_hosts_stand_behind_a_hash() {
        let hosts = Address::parse("127.0.0.1:9222#127.0.0.1:4000, rugs.fun").unwrap().hosts;
        assert!(hosts.match_socket("ws://127.0.0.1:4000/socket.io/?EIO=4"));
        assert!(!hosts.match_socket("ws://127.0.0.1:4001/socket.io/"));
        assert!(hosts.match_socket("wss://backend.rugs.fun/"));
    }

    #[test]
    fn an_origin_has_no_path_and_no_query() {
        assert_eq!(origin("wss://u:p@a.b:1/x?token=y").as_deref(), Some("wss://a.b:1"));
        assert_eq!(origin("blob:http://127.0.0.1:8765/1-2").as_deref(), Some("http://127.0.0.1:8765"));
        assert_eq!(origin("about:blank"), None);
    }
}
