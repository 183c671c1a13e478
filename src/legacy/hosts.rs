//! Whose sockets are taken: the game's own, and those of hosts that the user names.

/// Hosts whose sockets are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// The game's hosts and these; `*` takes all.
    pub fn and(named: &[String]) -> Hosts {
        Hosts(named.iter().map(|host| host.trim().to_ascii_lowercase()).collect())
    }

    /// Whether the sockets of this host are taken.
    pub fn has(&self, host: &str) -> bool {
        let host = host.to_ascii_lowercase();
        let is = |domain: &str| host == domain || host.strip_suffix(domain).is_some_and(|sub| sub.ends_with('.'));
        is("rugs.fun") || self.0.iter().any(|named| named == "*" || is(named))
    }

    /// Whether the sockets of this address are taken.
    pub fn has_address(&self, url: &str) -> bool {
        host_of(url).is_some_and(|host| self.has(host))
    }
}

/// The host of a web address, or of a bare `host[:port]`.
pub fn host_of(url: &str) -> Option<&str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next()?,
        None => host.split(':').next()?,
    };
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_games_hosts_are_taken_unless_others_are_named() {
        let hosts = Hosts::default();
        assert!(hosts.has_address("wss://backend.rugs.fun/socket.io/?EIO=4") && hosts.has("RUGS.fun"));
        assert!(!hosts.has_address("wss://rugs.fun.example.com/") && !hosts.has("notrugs.fun"));
        assert!(!hosts.has_address("wss://user:rugs.fun@example.com/"));
        assert!(Hosts::and(&["localhost".into()]).has_address("ws://localhost:4010/socket.io"));
        assert!(Hosts::and(&["*".into()]).has("anything"));
    }

    #[test]
    fn the_host_of_an_address_is_without_port_user_and_path() {
        assert_eq!(host_of("wss://a:b@[::1]:80/x"), Some("::1"));
        assert_eq!(host_of("example.com:443"), Some("example.com"));
        assert_eq!(host_of("https:///x"), None);
    }
}
