//! Which tabs and workers are attached to, and what is asked of each: pure.
//!
//! The whole of what is ever sent to Chrome: `Target.setDiscoverTargets` once; `Target.attachToTarget` for each
//! page and shared or service worker; on each session `Network.enable` and, for what nests in it (workers, frames
//! of other sites), `Target.setAutoAttach`, which pauses nothing; `Browser.getVersion` as a sign of life; and
//! `Network.disable` at the end. Nothing of it can be seen by the page.

use std::collections::{HashMap, HashSet};

use super::address::{Hosts, origin};
use super::sockets::Place;
use super::wire::Info;

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Attach to a target.
    Attach { target: String },
    /// A second session to the same target: leave it, or every frame is heard twice.
    Detach { session: String, parent: Option<String> },
    /// Listen on a session.
    Listen { session: String },
    /// A session ended: its sockets can be heard no more.
    Ended { session: String, why: &'static str },
    /// A tab crashed.
    Crashed { session: Option<String>, page: Option<String>, status: String },
}

#[derive(Debug)]
struct Session {
    target: String,
    kind: String,
    /// Chrome confirmed that it tells every frame.
    listening: bool,
}

/// Targets and sessions of one connection.
#[derive(Debug)]
pub struct Targets {
    hosts: Hosts,
    known: HashMap<String, Info>,
    sessions: HashMap<String, Session>,
    /// Attaching was asked for, and not answered yet.
    asked: HashSet<String>,
}

/// Targets that are attached to by their own; workers and frames come with their page.
fn is_wanted(info: &Info) -> bool {
    let kind = matches!(info.kind.as_str(), "page" | "webview" | "shared_worker" | "service_worker");
    // Extensions (wallets!) and the developer tools themselves are none of our business.
    let private = ["devtools://", "chrome-extension://", "chrome-untrusted://"];
    kind && !private.iter().any(|scheme| info.url.starts_with(scheme))
}

impl Targets {
    /// Nothing known yet.
    pub fn new(hosts: Hosts) -> Targets {
        Targets { hosts, known: HashMap::new(), sessions: HashMap::new(), asked: HashSet::new() }
    }

    /// A target appeared or changed.
    pub fn seen(&mut self, info: Info) -> Option<Step> {
        let target = info.target_id.clone();
        let attach = is_wanted(&info) && !self.is_attached(&target) && self.asked.insert(target.clone());
        self.known.insert(target.clone(), info);
        attach.then_some(Step::Attach { target })
    }

    /// A target is gone. Its session says so itself.
    pub fn gone(&mut self, target: &str) {
        self.known.remove(target);
        self.asked.remove(target);
    }

    /// Attaching failed: the target was gone, or is not for us. A change of it is a reason to try again.
    pub fn refused(&mut self, target: &str) {
        self.asked.remove(target);
    }

    /// A session began; `parent`: the session it came through.
    pub fn attached(&mut self, session: String, parent: Option<String>, info: Info) -> Step {
        let target = info.target_id.clone();
        self.asked.remove(&target);
        if self.is_attached(&target) {
            return Step::Detach { session, parent };
        }
        self.sessions.insert(
            session.clone(),
            Session { target: target.clone(), kind: info.kind.clone(), listening: false },
        );
        self.known.insert(target, info);
        Step::Listen { session }
    }

    /// From now on every frame of a session is heard.
    pub fn listening(&mut self, session: &str) {
        if let Some(session) = self.sessions.get_mut(session) {
            session.listening = true;
        }
    }

    /// A session ended.
    pub fn detached(&mut self, session: &str) -> Option<Step> {
        let ended = self.sessions.remove(session)?;
        let why = match ended.kind.as_str() {
            "page" | "webview" => "the tab was closed",
            _ => "its worker or frame ended",
        };
        Some(Step::Ended { session: session.to_owned(), why })
    }

    /// A target crashed; its session lives on and hears the page again after a reload.
    pub fn crashed(&self, target: &str, status: String) -> Step {
        let session = self.sessions.iter().find(|(_, session)| session.target == target);
        let page = self.known.get(target).and_then(|info| origin(&info.url));
        Step::Crashed { session: session.map(|(id, _)| id.clone()), page, status }
    }

    /// Whether events of this session count.
    pub fn knows(&self, session: &str) -> bool {
        self.sessions.contains_key(session)
    }

    /// All sessions.
    pub fn sessions(&self) -> Vec<String> {
        self.sessions.keys().cloned().collect()
    }

    /// Whether the frame is the main frame of the session's page.
    pub fn is_main_frame(&self, session: &str, frame: &str) -> bool {
        self.sessions.get(session).is_some_and(|known| known.target == frame)
    }

    /// Where a socket of this session belongs.
    pub fn place(&self, session: &str) -> Place {
        let known = self.sessions.get(session);
        let info = known.and_then(|known| self.known.get(&known.target));
        let url = info.map(|info| info.url.as_str()).unwrap_or_default();
        Place {
            session: session.to_owned(),
            page: origin(url),
            target: known.map(|known| known.kind.clone()).unwrap_or_default(),
            at_home: self.hosts.match_page(url.strip_prefix("blob:").unwrap_or(url)),
        }
    }

    /// Workers and frames that are listened to.
    pub fn nested(&self) -> usize {
        let nested =
            |session: &&Session| session.listening && !matches!(session.kind.as_str(), "page" | "webview");
        self.sessions.values().filter(nested).count()
    }

    /// Tabs that are listened to, and how many of them show one of the wanted hosts.
    pub fn pages(&self) -> (usize, usize) {
        let is_page = |session: &&Session| matches!(session.kind.as_str(), "page" | "webview");
        let pages = self.sessions.values().filter(is_page).filter(|session| session.listening);
        let infos: Vec<&Info> = pages.filter_map(|session| self.known.get(&session.target)).collect();
        (infos.len(), infos.iter().filter(|info| self.hosts.match_page(&info.url)).count())
    }

    fn is_attached(&self, target: &str) -> bool {
        self.sessions.values().any(|session| session.target == target)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn info(target: &str, kind: &str, url: &str) -> Info {
        Info { target_id: target.into(), kind: kind.into(), url: url.into() }
    }

    fn targets() -> Targets {
        Targets::new(Hosts::default())
    }

    #[test]
    fn pages_are_attached_to_once_and_private_targets_never() {
        let mut targets = targets();
        assert_eq!(targets.seen(info("a", "page", "about:blank")), Some(Step::Attach { target: "a".into() }));
        assert_eq!(targets.seen(info("a", "page", "https://rugs.fun/")), None, "asked already");
        assert_eq!(
            targets.attached("s1".into(), None, info("a", "page", "")),
            Step::Listen { session: "s1".into() }
        );
        assert_eq!(targets.seen(info("a", "page", "https://rugs.fun/")), None);
        for (kind, url) in [
            ("service_worker", "chrome-extension://abc/sw.js"),
            ("page", "devtools://devtools/x.html"),
            ("browser_ui", "chrome://omnibox"),
            ("worker", "https://rugs.fun/w.js"),
            ("iframe", "https://auth.privy.io/"),
        ] {
            assert_eq!(targets.seen(info("x", kind, url)), None, "{kind} {url}");
        }
        assert_eq!(targets.pages(), (0, 0), "Chrome has not confirmed it");
        targets.listening("s1");
        assert_eq!(targets.pages(), (1, 1));
    }

    #[test]
    fn a_second_session_to_a_target_is_left() {
        let mut targets = targets();
        targets.attached("s1".into(), None, info("a", "page", ""));
        let second = targets.attached("s2".into(), Some("p".into()), info("a", "page", ""));
        assert_eq!(second, Step::Detach { session: "s2".into(), parent: Some("p".into()) });
        assert!(targets.knows("s1") && !targets.knows("s2"));
        assert_eq!(targets.detached("s2"), None);
    }

    #[test]
    fn a_tab_that_could_not_be_attached_to_is_tried_again_when_it_changes() {
        let mut targets = targets();
        targets.seen(info("a", "page", "chrome-untrusted://x"));
        assert!(targets.seen(info("a", "page", "https://rugs.fun/")).is_some());
        targets.refused("a");
        assert!(targets.seen(info("a", "page", "https://rugs.fun/")).is_some());
        targets.attached("s".into(), None, info("a", "page", "https://rugs.fun/"));
        assert_eq!(targets.detached("s"), Some(Step::Ended { session: "s".into(), why: "the tab was closed" }));
        assert!(targets.seen(info("a", "page", "https://rugs.fun/")).is_some());
    }

    #[test]
    fn the_place_of_a_socket_is_told_without_its_path() {
        let mut targets = targets();
        targets.attached("s".into(), None, info("a", "page", "https://rugs.fun/x?token=abc"));
        let place = targets.place("s");
        assert_eq!(
            (place.page.as_deref(), place.target.as_str(), place.at_home),
            (Some("https://rugs.fun"), "page", true)
        );
        assert_eq!(targets.place("unknown").page, None);
    }
}
