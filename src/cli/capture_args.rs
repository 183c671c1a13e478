//! Which sources to capture: the options that `serve` and `record` have in common.

use clap::Args;

use crate::capture::{DEFAULT_BROWSER, Options};

/// The sources. What was started or stopped by `capture` later counts more than these.
#[derive(Debug, Clone, Default, Args)]
pub struct SourceArgs {
    /// Where the public feed is, instead of rugs.fun: ws://HOST:PORT or wss://HOST.
    #[arg(long, value_name = "URL", env = "REPLAYER_FEED_URL", conflicts_with = "no_feed")]
    feed: Option<String>,
    /// Do not capture the public feed.
    #[arg(long)]
    no_feed: bool,
    /// Capture the Chrome that was started with a remote-debugging port too; `replayer doctor` says how.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = DEFAULT_BROWSER, env = "REPLAYER_BROWSER")]
    browser: Option<String>,
}

impl SourceArgs {
    /// As the capture takes them; `purpose` is what the process was started as.
    pub fn options(&self, purpose: &str) -> Options {
        let mut options = Options::new(purpose);
        options.public_feed = !self.no_feed;
        if let Some(feed) = &self.feed {
            options.feed_address.clone_from(feed);
        }
        if let Some(browser) = &self.browser {
            options.browser = true;
            options.browser_address.clone_from(browser);
        }
        options
    }
}
