//! F5, live state: L1–L20.

use super::*;

fn position(feed: &mut Feed, qty: &str, avg_cost: &str) -> Vec<Note> {
    feed.player(&format!(r#"{{"id":"p","cash":1,"positionQty":{qty},"avgCost":{avg_cost}}}"#))
}

// L1 (Δ: money is null, not 0)
#[test]
fn l1_at_the_start_nothing_is_known() {
    let json = Feed::new().json();
    assert_eq!(json["status"], "offline");
    for unknown in ["game", "account", "requests", "lobby", "source", "folded_from"] {
        assert!(json[unknown].is_null(), "{unknown}");
    }
}

// L2
#[test]
fn l2_money_as_text_is_read() {
    let mut feed = Feed::new();
    feed.player(r#"{"cash":"1.5","positionQty":"0"}"#);
    let json = feed.json();
    assert_eq!(json["account"]["cash"], 1.5);
    assert_eq!(json["account"]["has_position"], false);
    assert!(json["account"]["avg_cost"].is_null());
    assert_eq!(json["status"], "live");
}

// L3
#[test]
fn l3_a_position_has_quantity_and_entry() {
    let mut feed = Feed::new();
    feed.player(r#"{"cash":"0.5","positionQty":"10","avgCost":"1.25"}"#);
    let account = feed.snapshot().account.unwrap();
    assert_eq!((account.position_qty, account.avg_cost), (Some(10.0), Some(1.25)));
    assert_eq!(account.has_position, Some(true));
}

// L4
#[test]
fn l4_the_account_is_named() {
    let mut feed = Feed::new();
    feed.player(r#"{"playerId":"did:123:abc","username":"Dutch","gameId":"game-123","cash":1}"#);
    feed.tick("game-123", 1, 1.0);
    let json = feed.json();
    assert_eq!(json["account"]["player_id"], "did:123:abc");
    assert_eq!(json["account"]["username_untrusted"], "Dutch");
    assert_eq!(json["game"]["game_id"], "game-123");
    let mut feed = Feed::new();
    feed.event("usernameStatus", r#"{"id":"did:1","hasUsername":true,"username":"Dutch"}"#);
    assert_eq!(feed.json()["account"]["username_untrusted"], "Dutch");
    assert!(feed.json()["account"]["cash"].is_null());
}

// L5
#[test]
fn l5_the_games_result_and_investment_are_kept() {
    let mut feed = Feed::new();
    feed.player(r#"{"id":"p","cumulativePnL":"0.25","totalInvested":"0.75"}"#);
    let account = feed.snapshot().account.unwrap();
    assert_eq!((account.pnl, account.total_invested), (Some(0.25), Some(0.75)));
}

// L6: `multiplier` was a name on an internal bus of the older system; the wire says `price`, also as text.
#[test]
fn l6_tick_and_price_may_come_as_text() {
    let mut feed = Feed::new();
    feed.state(r#"{"gameId":"g","active":true,"rugged":false,"tickCount":"100","price":"2.5"}"#);
    let game = feed.snapshot().game.unwrap();
    assert_eq!((game.tick, game.price), (Some(100), Some(2.5)));
}

// L7
#[test]
fn l7_the_source_decides_whether_it_is_live() {
    use crate::state::health::Liveness;
    for (source, live) in [
        (Source::Cdp, Some(Liveness::Live)),
        (Source::PublicWs, Some(Liveness::Live)),
        (Source::Replay, None),
        (Source::Import, None),
    ] {
        let mut feed = Feed { source, ..Feed::new() };
        feed.tick("g", 1, 1.0);
        assert_eq!(feed.snapshot().status, live);
        assert_eq!(feed.snapshot().source, Some(source.as_str()));
    }
}

// L8, L9, L10
#[test]
fn l8_l9_l10_a_position_is_valued_at_the_games_price() {
    let valued = |qty: &str, avg_cost: &str, price: f64| {
        let mut feed = Feed::new();
        feed.tick("g", 1, price);
        position(&mut feed, qty, avg_cost);
        let account = feed.snapshot().account.unwrap();
        (account.unrealised, account.position_value)
    };
    assert_eq!(valued("10", "1.5", 2.0), (Some(5.0), Some(20.0)));
    assert_eq!(valued("0", "0", 2.0), (Some(0.0), Some(0.0)));
    assert_eq!(valued("5", "1", 1.8).1, Some(9.0));
}

// L11 (Δ: the ratio is instant rugs of those that trigger a drawing)
#[test]
fn l11_the_pools_ratio_counts_rugs() {
    let mut feed = Feed::new();
    feed.state(
        r#"{"gameId":"g","active":true,"rugged":false,"tickCount":1,"price":1,"rugpool":{"instarugCount":4,"threshold":10,"rugpoolAmount":0.5}}"#,
    );
    let lobby = feed.snapshot().lobby.unwrap();
    assert_eq!((lobby.rugpool_amount, lobby.rugpool_ratio), (Some(0.5), Some(0.4)));
}

// L12
#[test]
fn l12_the_statistics_are_all_there() {
    let mut feed = Feed::new();
    feed.state(
        r#"{"gameId":"g","active":true,"rugged":false,"tickCount":1,"price":1,"averageMultiplier":15.5,"count2x":100,"count10x":45,"count50x":12,"count100x":3,"highestToday":250,"gameHistory":[]}"#,
    );
    let lobby = feed.snapshot().lobby.unwrap();
    assert_eq!(lobby.average_multiplier, Some(15.5));
    assert_eq!(
        [lobby.count_2x, lobby.count_10x, lobby.count_50x, lobby.count_100x],
        [Some(100), Some(45), Some(12), Some(3)]
    );
    assert_eq!(lobby.highest_today, Some(250.0));
}

// L13
#[test]
fn l13_a_state_update_tells_tick_price_and_game() {
    let mut feed = Feed::new();
    feed.tick("20260101-a", 42, 5.5);
    let game = feed.snapshot().game.unwrap();
    assert_eq!((game.game_id.as_str(), game.tick, game.price), ("20260101-a", Some(42), Some(5.5)));
    assert_eq!((game.stamp.age_ms, game.stamp.event_ref.as_str()), (Some(0), "s:1"));
}

/// Flat at tick 40, in a position from tick 50 on.
fn entered_at_50() -> Feed {
    let mut feed = Feed::new();
    feed.tick("g", 40, 1.0);
    position(&mut feed, "0", "0");
    feed.tick("g", 50, 1.0);
    position(&mut feed, "10", "1");
    feed
}

fn held(feed: &Feed) -> (Option<u32>, Option<u32>) {
    let account = feed.snapshot().account.unwrap();
    (account.entry_tick, account.ticks_held)
}

// L14
#[test]
fn l14_the_tick_of_entry_is_kept() {
    assert_eq!(held(&entered_at_50()).0, Some(50));
}

// L15, L18
#[test]
fn l15_l18_ticks_in_position_are_counted_from_entry() {
    let mut feed = entered_at_50();
    assert_eq!(held(&feed), (Some(50), Some(0)));
    feed.tick("g", 75, 1.0);
    assert_eq!(held(&feed), (Some(50), Some(25)));
    feed.tick("g", 100, 1.0);
    assert_eq!(held(&feed), (Some(50), Some(50)));
}

// L16
#[test]
fn l16_a_new_game_forgets_the_entry() {
    let mut feed = entered_at_50();
    feed.timer("next", 14_900);
    assert_eq!(held(&feed), (None, None));
}

// L17
#[test]
fn l17_a_closed_position_has_no_entry() {
    let mut feed = entered_at_50();
    position(&mut feed, "0", "0");
    assert_eq!(held(&feed), (None, None));
    assert_eq!(feed.snapshot().account.unwrap().has_position, Some(false));
}

// L19
#[test]
fn l19_adding_and_partial_sells_keep_the_entry() {
    let mut feed = entered_at_50();
    feed.tick("g", 60, 1.0);
    position(&mut feed, "20", "1.1");
    assert_eq!(held(&feed), (Some(50), Some(10)));
    position(&mut feed, "5", "1.1");
    assert_eq!(held(&feed), (Some(50), Some(10)));
}

// L20: the fold is a value; readers see the state before or after an event, never between.
#[test]
fn l20_readers_beside_updates_see_whole_states() {
    let fold = std::sync::RwLock::new(Feed::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for tick in 0..100_u32 {
                fold.write().unwrap().tick("g", tick, f64::from(tick) + 1.0);
            }
        });
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let seen = fold.read().unwrap().snapshot().game;
                    if let Some(game) = seen {
                        assert_eq!(game.price, game.tick.map(|tick| f64::from(tick) + 1.0));
                        if game.tick == Some(99) {
                            break;
                        }
                    }
                    std::thread::yield_now();
                }
            });
        }
    });
}

#[test]
fn a_snapshot_is_small_and_every_group_has_its_age() {
    let (frames, _) = play(Config { logged_in: true, ..small(2, 6) });
    let half = frames.len() / 2;
    let (fold, _) = fold_all(&frames[..half], Source::Cdp);
    let now = frames[half - 1].at_us + 1_000_000;
    let text = serde_json::to_string(&fold.snapshot(now)).unwrap();
    eprintln!("a snapshot of a logged-in session: {} bytes", text.len());
    assert!(text.len() < 2600, "{}: {text}", text.len());
    let json: serde_json::Value = serde_json::from_str(&text).unwrap();
    for group in ["game", "lobby", "account"] {
        assert!(json[group]["age_ms"].as_i64().unwrap() >= 1000, "{group}");
        assert!(json[group]["ref"].as_str().unwrap().starts_with("s:"));
        assert_eq!(json[group]["source"], "cdp");
        assert!(json[group]["as_of"].as_str().unwrap().ends_with('Z'));
    }
    assert_eq!(json["folded_from"]["ref"], "s:1");
    assert!(json.get("detail").is_none());
    assert!(serde_json::to_value(fold.detailed(now)).unwrap()["detail"]["prices"].is_array());
}

#[test]
fn silence_makes_it_stale_and_then_offline() {
    use crate::state::health::Liveness;
    let mut feed = Feed::new();
    feed.tick("g", 1, 1.0);
    let status = |after: i64| feed.fold.snapshot(feed.now() + after).status;
    assert_eq!(status(1_000_000), Some(Liveness::Live));
    assert_eq!(status(6_000_000), Some(Liveness::Stale));
    assert_eq!(status(61_000_000), Some(Liveness::Offline));
}
