//! The explorer: events, fields, samples, the live stream.

use std::sync::Arc;

use replayer::store::Store;
use replayer::store::record::{Direction, Record, Source, now_us};
use replayer::store::recorder::{Recorder, RecorderOptions};
use serde_json::json;

use super::devtools::Page;
use super::host::Host;
use super::{EVIL_SHOWN, HARMLESS, recorded};
use crate::common::needs;

/// The explorer at an event.
pub async fn opened(chromium: &str, host: &Host, event: &str) -> Page {
    let mut page = Page::open(chromium).await;
    open(&mut page, host, event, "light", 900).await;
    page
}

async fn open(page: &mut Page, host: &Host, event: &str, theme: &str, width: u32) {
    page.events.clear();
    page.show(&host.url("explorer.html", "describe_protocol", &json!({"event": event}), theme), width, 1100).await;
    page.until(
        "document.querySelectorAll('#events button').length > 0 && !!document.querySelector('[data-part=fields]')",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_fields_and_samples_are_shown_and_nothing_runs() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), None).await;
    let mut page = opened(&chromium, &host, "standard/newTrade").await;

    // The handshake, in its order.
    let said = page
        .in_host(
            "said.map((message) => message.method).filter((method) => method && !method.endsWith('size-changed'))",
        )
        .await;
    assert_eq!((&said[0], &said[1]), (&json!("ui/initialize"), &json!("ui/notifications/initialized")));
    let hello = page.said("ui/initialize").await[0]["params"].clone();
    assert_eq!(hello["protocolVersion"], "2026-01-26");

    // Every event type that was recorded, with its count.
    let sql = "SELECT event_name, count(*) AS n FROM ws_event WHERE event_name IS NOT NULL GROUP BY 1 ORDER BY 1";
    let counted = host.call("query_sql", json!({"sql": sql})).await["rows"].clone();
    let listed =
        page.in_frame("events.filter((event) => event.count).map((event) => [event.name, event.count])").await;
    for row in counted.as_array().unwrap() {
        assert!(listed.as_array().unwrap().contains(row), "{row} is not listed in {listed}");
    }
    assert!(
        page.in_frame("events.some((event) => event.count === 0)").await == true,
        "documented-only events are listed"
    );

    // Fields, and one of them unfolded by keyboard.
    page.until("!!document.querySelector('[data-path=\"$.price\"]')").await;
    page.in_frame("document.querySelector('.field').focus()").await;
    page.key("End", 35).await;
    page.key("Home", 36).await;
    page.key("ArrowRight", 39).await;
    page.until("!!document.querySelector('.field[aria-expanded=true] dl')").await;

    // Samples: the bytes, and a name that would be a script stays a name.
    page.press_text("Check and propose").await;
    page.press("[data-part=samples]").await;
    page.until(&format!(
        "[...document.querySelectorAll('#detail pre')].some((pre) => pre.textContent.includes({}))",
        json!(EVIL_SHOWN.replace('"', "\\\""))
    ))
    .await;
    assert_eq!(page.in_frame(HARMLESS).await, true);
    assert_eq!(page.in_host("said.includes('pwned')").await, false);

    assert!(host.questions().is_empty(), "nobody is asked anything for looking");
    let (urls, refused) = page.requests();
    host.nothing_left(&urls, &refused);
    assert!(page.exceptions().is_empty(), "{:?}", page.exceptions());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_goes_on_by_itself_and_stands_still_when_told() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(2);
    let host = Host::start(root.path(), None).await;
    let mut page = opened(&chromium, &host, "gameStateUpdate").await;
    page.press("#tab-stream").await;
    page.until("document.querySelectorAll('#stream .frame').length > 20").await;
    let colours = "new Set([...document.querySelectorAll('#stream .event')].map((each) => each.style.color)).size";
    assert!(page.in_frame(colours).await.as_u64().unwrap() > 1, "coloured by type");

    let store = Arc::new(Store::open(&root, "test").unwrap());
    let recorder = Recorder::start(store, RecorderOptions::new("test")).unwrap();
    let receive = |name: &str| {
        let text = format!(r#"42["{name}",{{"gameId":"g"}}]"#);
        recorder.append(&Record::frame(now_us(), Source::PublicWs, Direction::Received, &text)).unwrap();
    };
    receive("freshEvent");
    page.until("document.getElementById('stream').textContent.includes('freshEvent')").await;

    page.press("#pause").await;
    receive("laterEvent");
    let polls = host.calls("app_stream").len();
    page.press("#tab-events").await;
    page.press("#tab-stream").await;
    assert_eq!(host.calls("app_stream").len(), polls, "asked for while it stands still");
    assert_eq!(page.in_frame("document.getElementById('stream').textContent.includes('laterEvent')").await, false);
    page.press("#pause").await;
    page.until("document.getElementById('stream').textContent.includes('laterEvent')").await;

    // The filter leaves what it names.
    page.in_frame("(() => { const filter = document.getElementById('filter'); filter.value = 'laterevent'; filter.dispatchEvent(new Event('input')); })()").await;
    page.until(
        "[...document.querySelectorAll('#stream .event')].every((each) => each.textContent === 'laterEvent')",
    )
    .await;
    recorder.close().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_explorer_fits_narrow_and_wide_in_light_and_dark() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), None).await;
    let mut page = Page::open(&chromium).await;
    for (width, theme) in [(400, "light"), (400, "dark"), (900, "light"), (900, "dark")] {
        open(&mut page, &host, "gameStateUpdate", theme, width).await;
        let fits = "document.documentElement.scrollWidth <= innerWidth";
        page.picture(&format!("explorer-{width}-{theme}-fields")).await;
        for (press, name) in [
            ("[data-part=samples]", "samples"),
            ("[data-part=check]", "check"),
            ("[data-part=marks]", "marks"),
            ("#tab-queue", "queue"),
        ] {
            page.press(press).await;
            if name == "samples" {
                page.until("document.querySelector('#detail pre').textContent.startsWith('42')").await;
            }
            assert_eq!(page.in_frame(fits).await, true, "{name} {width} {theme}");
            page.picture(&format!("explorer-{width}-{theme}-{name}")).await;
        }
        page.press("#tab-stream").await;
        page.until("document.querySelectorAll('#stream .frame').length > 20").await;
        assert_eq!(page.in_frame(fits).await, true, "stream {width} {theme}");
        page.picture(&format!("explorer-{width}-{theme}-stream")).await;
        if width == 400 {
            page.press("#tab-events").await;
            page.press(".crumb").await;
            page.until("document.querySelector('#events').offsetParent !== null").await;
            page.picture(&format!("explorer-{width}-{theme}-list")).await;
        }
    }
}
