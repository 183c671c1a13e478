//! `ui://rugs/explorer.html` and `ui://rugs/chart.html`: the Protocol Explorer and the game chart as pages for hosts
//! that can show them (MCP Apps, `server::ui`).
//!
//! Each page is one document without any address in it: style sheets and scripts are put in here, at compile time,
//! in the order in which they stand below. `look.css`, `bridge.js` (the way to the host) and `page.js` (building the
//! page from texts) are shared. The pages have no network, no framework and no markup made from data.

use rmcp::model::{Resource, ResourceContents};

use crate::server::ui;

/// Shows `describe_protocol`.
pub const EXPLORER: &str = "ui://rugs/explorer.html";

/// Shows `show_chart`.
pub const CHART: &str = "ui://rugs/chart.html";

/// One document from its parts.
macro_rules! page {
    ($title:literal, styles: [$($style:literal),*], body: $body:literal, scripts: [$($script:literal),*]) => {
        concat!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>", $title, "</title>\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n",
            $(include_str!($style),)*
            "</style>\n</head>\n<body>\n", include_str!($body), "<script>\n",
            $(include_str!($script),)*
            "</script>\n</body>\n</html>\n"
        )
    };
}

const EXPLORER_PAGE: &str = page!(
    "Protocol Explorer",
    styles: ["look.css", "explorer/explorer.css"],
    body: "explorer/body.html",
    scripts: [
        "bridge.js", "page.js", "explorer/answers.js", "explorer/frames.js", "explorer/marks.js", "explorer/fields.js", "explorer/event.js",
        "explorer/stream.js", "explorer/explorer.js"
    ]
);

const CHART_PAGE: &str = page!(
    "Price path",
    styles: ["look.css", "chart/chart.css"],
    body: "chart/body.html",
    scripts: ["bridge.js", "page.js", "chart/data.js", "chart/draw.js", "chart/chart.js"]
);

/// The pages as they are listed, to hosts that can show them.
pub fn listed() -> Vec<Resource> {
    vec![
        ui::listed(
            CHART,
            "chart",
            "Price path of games",
            "The page that shows show_chart: prices, trades, side bets, the rug, the proof, with a scrubber.",
        ),
        ui::listed(
            EXPLORER,
            "explorer",
            "Protocol Explorer",
            "The page that shows describe_protocol: event types, fields, samples, the live stream, marks.",
        ),
    ]
}

/// A page, when the address is one of theirs.
pub fn read(uri: &str) -> Option<ResourceContents> {
    let html = match uri {
        EXPLORER => EXPLORER_PAGE,
        CHART => CHART_PAGE,
        _ => return None,
    };
    Some(ui::page(uri, html))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn the_pages_make_no_markup_from_data_and_reach_for_nothing() {
        for page in [EXPLORER_PAGE, CHART_PAGE] {
            for forbidden in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "createContextualFragment",
                "DOMParser",
                "srcdoc",
                "eval(",
                "new Function",
                "fetch(",
                "XMLHttpRequest",
                "WebSocket",
                "EventSource",
                "sendBeacon",
                "import(",
                "http://",
                "https://",
                "url(",
                "@import",
                "<link",
                "src=",
                "<img",
                "localStorage",
            ] {
                assert!(!page.contains(forbidden), "{forbidden}");
            }
            // Our own scripts end where they are meant to.
            assert_eq!(page.matches("</script").count(), 1);
            assert_eq!(page.matches("</style").count(), 1);
        }
    }

    #[test]
    fn a_page_is_small_enough_to_be_read_at_once() {
        for page in [EXPLORER_PAGE, CHART_PAGE] {
            assert!(page.len() < 100_000, "{} bytes", page.len());
        }
    }

    #[test]
    fn a_page_is_read_as_an_app() {
        let read = serde_json::to_value(read(CHART).unwrap()).unwrap();
        assert_eq!(read["mimeType"], "text/html;profile=mcp-app");
        assert_eq!(read["uri"], CHART);
        assert_eq!(read["_meta"]["ui"]["prefersBorder"], true);
        assert!(read["_meta"]["ui"].get("csp").is_none(), "nothing is asked to be allowed");
        assert!(super::read("ui://rugs/other.html").is_none());
    }
}
