//! The chart: a game's path, the mark that the person moves, and what the agent is told of it.

use serde_json::{Value, json};

use super::devtools::Page;
use super::host::Host;
use super::{EVIL_SHOWN, HARMLESS, recorded};
use crate::common::needs;

/// The newest game that was recorded from its start to its rug.
async fn whole_game(host: &Host) -> String {
    let games = host.call("get_game", json!({"limit": 20})).await;
    let games = games["games"].as_array().unwrap();
    let whole = games.iter().find(|game| game["complete"] == true).expect("no whole game");
    whole["game_id"].as_str().unwrap().to_owned()
}

/// What the agent was told last.
async fn told(page: &mut Page) -> Value {
    page.said("ui/update-model-context").await.last().expect("the agent was told nothing")["params"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agent_is_told_where_the_person_looks() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), None).await;
    let game = whole_game(&host).await;
    let mut page = Page::open(&chromium).await;
    page.show(&host.url("chart.html", "show_chart", &json!({"game_id": game}), "light"), 900, 900).await;

    // The whole path is there, and looking at nothing in particular is told to nobody.
    page.until("games.length === 1 && document.getElementById('price').textContent.includes('×')").await;
    let card = host.call("get_game", json!({"game_id": game})).await;
    let ticks = card["game"]["rug_tick"].as_u64().unwrap() + 1;
    assert_eq!(page.in_frame("games[0].exact.size").await, json!(ticks));
    assert_eq!(
        page.in_frame("document.getElementById('summary').textContent.includes('rug at tick')").await,
        true
    );
    assert!(page.said("ui/update-model-context").await.is_empty());

    // By keyboard: five steps in a row, told once when they rest.
    page.in_frame("document.getElementById('range').focus()").await;
    page.key("Home", 36).await;
    for _ in 0..5 {
        page.key("ArrowRight", 39).await;
    }
    page.until("document.getElementById('told').textContent === 'the agent sees: tick 5'").await;
    assert!(page.said("ui/update-model-context").await.len() <= 2, "told while the mark still moved");
    let context = told(&mut page).await;
    let sql = format!(
        "SELECT price, session_id || ':' || seq AS ref FROM game_tick WHERE game_id = '{game}' AND tick = 5 \
         ORDER BY session_id, seq LIMIT 1"
    );
    let row = host.call("query_sql", json!({"sql": sql})).await["rows"][0].clone();
    let seen = &context["structuredContent"];
    assert_eq!((&seen["game_id"], &seen["tick"]), (&json!(game), &json!(5)));
    assert_eq!((&seen["price"], &seen["event_ref"]), (&row[0], &row[1]));
    let words = context["content"][0]["text"].as_str().unwrap();
    assert!(words.contains("tick 5 of game") && words.contains(row[1].as_str().unwrap()), "{words}");

    // By mouse, on the path itself.
    let spot = page
        .in_frame("(() => { const box = canvas.getBoundingClientRect(); return [box.left + scale.x(20), box.top + 100]; })()")
        .await;
    page.click(spot[0].as_f64().unwrap(), spot[1].as_f64().unwrap()).await;
    page.until("document.getElementById('told').textContent === 'the agent sees: tick 20'").await;
    assert_eq!(told(&mut page).await["structuredContent"]["tick"], 20);

    // The rug is the last place, and the buttons lead there.
    page.press("[data-step=Infinity]").await;
    page.until(&format!("document.getElementById('told').textContent === 'the agent sees: tick {}'", ticks - 1))
        .await;
    assert_eq!(page.in_frame("document.getElementById('read').textContent.includes('rug')").await, true);

    let (urls, refused) = page.requests();
    host.nothing_left(&urls, &refused);
    assert!(page.exceptions().is_empty(), "{:?}", page.exceptions());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_looks_like_a_script_is_a_name() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), None).await;
    let game = whole_game(&host).await;
    let mut page = Page::open(&chromium).await;
    page.show(&host.url("chart.html", "show_chart", &json!({"game_id": game}), "dark"), 400, 1100).await;
    page.until("games.length === 1 && games[0].trades.length > 0").await;
    page.in_frame("moveTo(games[0].trades[0].tick)").await;
    page.until(&format!("document.getElementById('around').textContent.includes({})", json!(EVIL_SHOWN))).await;
    assert_eq!(page.in_frame(HARMLESS).await, true);
    assert_eq!(page.in_host("said.includes('pwned')").await, false);
    let (urls, refused) = page.requests();
    host.nothing_left(&urls, &refused);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chart_fits_narrow_and_wide_in_light_and_dark() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(3);
    let host = Host::start(root.path(), None).await;
    let game = whole_game(&host).await;
    let mut page = Page::open(&chromium).await;
    let mut grounds = Vec::new();
    for (width, height) in [(400, 1150), (900, 860)] {
        for theme in ["light", "dark"] {
            page.events.clear();
            let url = host.url("chart.html", "show_chart", &json!({"game_id": game}), theme);
            page.show(&url, width, height).await;
            page.until("games.length === 1 && !!document.getElementById('price') && scale !== null").await;
            page.in_frame("moveTo((games[0].trades[0] || {tick: 10}).tick)").await;
            assert_eq!(
                page.in_frame("document.documentElement.scrollWidth <= innerWidth").await,
                true,
                "{width} {theme}"
            );
            grounds.push(page.in_frame("getComputedStyle(document.body).backgroundColor").await);
            // The host was told how much room the page takes.
            let sizes = page.said("ui/notifications/size-changed").await;
            assert!(sizes.last().unwrap()["params"]["height"].as_f64().unwrap() > 400.0, "{sizes:?}");
            page.picture(&format!("chart-{width}-{theme}")).await;
            if width == 900 {
                let linear = page.in_frame("canvas.toDataURL()").await;
                page.press("#log").await;
                page.until(&format!("canvas.toDataURL() !== {linear}")).await;
                let other = "[...document.querySelectorAll('#add option')].map((each) => each.value).find((id) => id && id !== games[0].id)";
                page.until(&format!("!!{other}")).await;
                page.in_frame(&format!("addGame({other})")).await;
                page.until("games.length === 2 && document.querySelectorAll('#chosen .game').length === 2").await;
                page.picture(&format!("chart-{width}-{theme}-two")).await;
            }
        }
    }
    assert_eq!(grounds[0], grounds[2]);
    assert_ne!(grounds[0], grounds[1], "light and dark differ");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_view_says_goodbye_and_is_silent_then() {
    let Some(chromium) = needs::chromium() else { return };
    let (_folder, root) = recorded(2);
    let host = Host::start(root.path(), None).await;
    let game = whole_game(&host).await;
    let mut page = Page::open(&chromium).await;
    page.show(&host.url("chart.html", "show_chart", &json!({"game_id": game}), "light"), 900, 900).await;
    page.until("games.length === 1").await;
    let goodbye = "new Promise((done) => { \
        addEventListener('message', (event) => { if (event.data.id === 'bye') done(event.data.result); }); \
        view.contentWindow.postMessage({jsonrpc: '2.0', id: 'bye', method: 'ui/resource-teardown', params: {reason: 'over'}}, '*'); })";
    assert_eq!(page.in_host(goodbye).await, json!({}));
    let before = page.in_host("said.length").await;
    page.in_frame("moveTo(3)").await;
    page.until("document.getElementById('told').textContent.includes('was not told')").await;
    assert_eq!(page.in_host("said.length").await, before);
}
