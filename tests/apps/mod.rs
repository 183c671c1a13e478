//! The interactive apps as a person meets them: the pages of the real binary in a real Chromium, in a sandboxed frame
//! under the policy that hosts apply, on data of the simulator with a name in it that tries to be a script.
//!
//! `REPLAYER_SCREENSHOTS=folder` keeps pictures of both pages, narrow and wide, light and dark.

mod chart;
mod data;
mod deciding;
mod devtools;
mod explorer;
mod host;
mod listing;

use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Record, Source};
use replayer::store::recorder::{Recorder, RecorderOptions};
use replayer::store::root::DataRoot;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{play, root};

/// A name that would run, were it ever taken for markup, and would turn the line, were it not made visible.
const EVIL: &str = "<img src=x onerror=\"parent.postMessage('pwned','*')\"><script>parent.postMessage('pwned','*')</script>\u{202e}";

/// What of it is to be read in the pages: the last character, which turns the line, only as an escape.
const EVIL_SHOWN: &str =
    "<img src=x onerror=\"parent.postMessage('pwned','*')\"><script>parent.postMessage('pwned','*')</script>\\u";

/// That nothing of it has run or become an element, in the page's own words.
const HARMLESS: &str = "document.images.length === 0 && document.scripts.length === 1 && !document.body.textContent.includes('\\u202e')";

/// Simulated games in which everyone who trades is called [`EVIL`].
fn recorded(games: usize) -> (TempDir, DataRoot) {
    let (folder, root) = root();
    let (frames, _) = play(games);
    let names: Vec<String> = frames.iter().filter_map(|frame| trader(&frame.text)).collect();
    assert!(!names.is_empty(), "nobody trades");
    let evil = format!("\"username\":{}", Value::from(EVIL));
    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    for frame in &frames {
        let mut text = frame.text.clone();
        if text.contains("\"username\":") {
            for name in &names {
                text = text.replace(&format!("\"username\":{name}"), &evil);
            }
        }
        recorder.append(&Record::frame(frame.at_us, Source::Cdp, frame.direction, &text)).unwrap();
    }
    recorder.close().unwrap();
    (folder, root)
}

/// Who trades in this frame, as JSON.
fn trader(text: &str) -> Option<String> {
    let body: Value = serde_json::from_str(text.strip_prefix("42")?).ok()?;
    let name = body[0].as_str().filter(|name| *name == "standard/newTrade")?;
    let trade = body.as_array()?.iter().find(|part| part["username"].is_string())?;
    debug_assert!(!name.is_empty());
    Some(trade["username"].to_string())
}
