//! Which sources to capture: the options that `serve` and `record` have in common.

use std::convert::Infallible;
use std::str::FromStr;

use clap::Args;

use crate::capture::Options;

/// The sources. What was started or stopped by `capture` later counts more than these.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Where the public feed is, instead of rugs.fun: ws://HOST:PORT or wss://HOST.
    #[arg(long, value_name = "URL", env = "REPLAYER_FEED_URL", conflicts_with = "no_feed")]
    feed: Option<String>,
    /// Do not capture the public feed.
    #[arg(long)]
    no_feed: bool,
    /// Capture the Chrome that was started with a remote-debugging port too; `replayer doctor` says how. on, off, or its
    /// address [default: off; without a value: on].
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "on", env = "REPLAYER_BROWSER")]
    browser: Option<Browser>,
    /// The debugging port of a Chrome on this machine, where --browser names no address [default: 9222].
    #[arg(long, value_name = "PORT", env = "REPLAYER_BROWSER_PORT")]
    browser_port: Option<u16>,
}

/// What `--browser` says. Clients that fill in a form (MCP bundles) give `true` and `false`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Browser {
    Off,
    On,
    At(String),
}

impl FromStr for Browser {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Browser, Infallible> {
        Ok(match text {
            "on" | "true" => Browser::On,
            "" | "off" | "false" => Browser::Off,
            address => Browser::At(address.to_owned()),
        })
    }
}

impl SourceArgs {
    /// As the capture takes them; `purpose` is what the process was started as.
    pub fn options(&self, purpose: &str) -> Options {
        let mut options = Options::new(purpose);
        options.public_feed = !self.no_feed;
        if let Some(feed) = &self.feed {
            options.feed_address.clone_from(feed);
        }
        // Also while the browser is off: the capture can be asked for it later.
        if let Some(port) = self.browser_port {
            options.browser_address = format!("http://127.0.0.1:{port}");
        }
        match &self.browser {
            None | Some(Browser::Off) => {}
            Some(Browser::On) => options.browser = true,
            Some(Browser::At(address)) => {
                options.browser = true;
                options.browser_address.clone_from(address);
            }
        }
        options
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use clap::Parser;

    use super::*;
    use crate::capture::DEFAULT_BROWSER;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        sources: SourceArgs,
    }

    /// Whether the browser is captured, and where, after these arguments.
    fn browser(arguments: &[&str]) -> (bool, String) {
        let line = Line::parse_from([&["replayer"], arguments].concat());
        let options = line.sources.options("test");
        (options.browser, options.browser_address)
    }

    #[test]
    fn the_browser_is_off_unless_it_is_asked_for() {
        assert_eq!(browser(&[]), (false, DEFAULT_BROWSER.to_owned()));
    }

    #[test]
    fn the_browser_without_a_value_is_on_at_the_usual_port() {
        assert_eq!(browser(&["--browser"]), (true, DEFAULT_BROWSER.to_owned()));
    }

    #[test]
    fn the_browser_can_be_switched_by_a_word_as_forms_give_it() {
        for (word, on) in [("on", true), ("true", true), ("off", false), ("false", false)] {
            assert_eq!(browser(&["--browser", word]), (on, DEFAULT_BROWSER.to_owned()), "{word}");
        }
    }

    #[test]
    fn an_address_is_taken_as_it_is() {
        let address = "http://127.0.0.1:9333".to_owned();
        assert_eq!(browser(&["--browser", &address, "--browser-port", "9444"]), (true, address.clone()));
    }

    #[test]
    fn the_port_counts_even_while_the_browser_is_off() {
        let address = "http://127.0.0.1:9333".to_owned();
        assert_eq!(browser(&["--browser", "off", "--browser-port", "9333"]), (false, address.clone()));
        assert_eq!(browser(&["--browser", "on", "--browser-port", "9333"]), (true, address));
    }
}
