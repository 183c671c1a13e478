//! The gate: every surface on every game.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::sync::Arc;

use replayer::replay::proof::background::prove_pending;
use replayer::store::Store;
use replayer::store::root::DataRoot;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::kinds::{self, store};
use crate::common;
use crate::server::Wire;

/// What a surface says of a game; null is unknown.
#[derive(Clone, PartialEq)]
struct Said {
    ticks_recorded: Value,
    ticks_missing: Value,
    holes: Value,
    peak: Value,
    peak_tick: Value,
    rug_tick: Value,
    rug_price: Value,
    complete: Value,
    proven: Value,
}

impl Debug for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "recorded {} missing {} holes {} peak {} at {} rug {} price {} complete {} proven {}",
            self.ticks_recorded,
            self.ticks_missing,
            self.holes,
            self.peak,
            self.peak_tick,
            self.rug_tick,
            self.rug_price,
            self.complete,
            self.proven
        )
    }
}

/// Holes that every surface lists.
const LISTED: usize = 8;

impl Said {
    fn of(row: &Value) -> Said {
        let mut holes = row["holes"].clone();
        if let Some(text) = holes.as_str() {
            holes = serde_json::from_str(text).unwrap();
        }
        if let Some(list) = holes.as_array_mut() {
            list.truncate(LISTED);
        } else {
            holes = json!([]);
        }
        Said {
            ticks_recorded: row["ticks_recorded"].clone(),
            ticks_missing: row["ticks_missing"].clone(),
            holes,
            peak: row["peak"].clone(),
            peak_tick: row["peak_tick"].clone(),
            rug_tick: row["rug_tick"].clone(),
            rug_price: row["rug_price"].clone(),
            complete: row["complete"].clone(),
            proven: row["proven"].clone(),
        }
    }
}

struct House {
    wire: Wire,
    /// By game, what the view says.
    games: BTreeMap<String, Value>,
}

/// Rows as objects.
fn rows(wire: &mut Wire, sql: &str) -> Vec<Value> {
    let answer =
        wire.call("query_sql", json!({"sql": sql, "max_rows": 1000, "max_cell": 100_000, "max_bytes": 1_000_000}));
    let columns: Vec<String> =
        answer["columns"].as_array().unwrap().iter().map(|column| column.as_str().unwrap().to_owned()).collect();
    let object = |row: &Value| {
        let cells = row.as_array().unwrap().iter().cloned();
        Value::Object(columns.iter().cloned().zip(cells).collect())
    };
    answer["rows"].as_array().unwrap().iter().map(object).collect()
}

impl House {
    fn open(root: &DataRoot) -> House {
        let index =
            common::replayer().args(["index", "build", "--no-fetch", "--data"]).arg(root.path()).output().unwrap();
        assert!(index.status.success(), "{}", String::from_utf8_lossy(&index.stderr));
        let mut wire = Wire::opened(root.path());
        let games = rows(&mut wire, "SELECT * FROM games ORDER BY game_id");
        let games = games.into_iter().map(|row| (row["game_id"].as_str().unwrap().to_owned(), row)).collect();
        House { wire, games }
    }

    fn said(&self, game: &str) -> Said {
        Said::of(&self.games[game])
    }

    /// What all other surfaces say of a game.
    fn others(&mut self, game: &str) -> Vec<(&'static str, Said)> {
        let wire = &mut self.wire;
        let mut said = Vec::new();
        let listed = wire.call("get_game", json!({"limit": 100}))["games"].clone();
        let listed = listed.as_array().unwrap().iter().find(|row| row["game_id"] == game).unwrap().clone();
        let card = wire.call("get_game", json!({"game_id": game}))["game"].clone();
        said.push(("get_game", Said::of(&card)));
        // The list has no runs.
        said.push(("the list", Said { holes: Said::of(&card).holes, ..Said::of(&listed) }));
        let checked = wire.call("check_fairness", json!({"game_id": game}));
        said.push(("check_fairness", Said::of(&checked["record"])));
        let points = wire.call("app_chart_points", json!({"game_id": game}));
        said.push(("the chart page", Said::of(&points["game"])));
        let answer = wire.ask("tools/call", json!({"name": "show_chart", "arguments": {"game_id": game}}));
        if answer["result"]["isError"] == json!(false) {
            let chart = answer["result"]["structuredContent"]["games"][0].clone();
            let mut row = chart.clone();
            row["ticks_recorded"] = chart["ticks_captured"].clone();
            row["holes"] = chart["missing"].clone();
            row["proven"] = match chart["proof"].as_str().unwrap() {
                "proven" => json!(true),
                "differs" => json!(false),
                _ => Value::Null,
            };
            said.push(("show_chart", Said::of(&row)));
        } else {
            let text = answer["result"]["content"][0]["text"].as_str().unwrap();
            assert!(text.contains("There is no chart"), "{text}");
        }
        let opened =
            wire.ask("tools/call", json!({"name": "replay", "arguments": {"action": "open", "game_id": game}}));
        if opened["result"]["isError"] == json!(false) {
            let opened = &opened["result"]["structuredContent"];
            said.push(("replay open", Said::of(&opened["opened"]["recordings"][0]["record"])));
            let cursor = opened["cursor"].clone();
            wire.call("replay", json!({"action": "close", "cursor": cursor}));
        }
        let last = self.games[game]["last_ts"].as_str().unwrap().replace(' ', "T").replace("+00", "Z");
        let state = wire.call("live_state", json!({"at": last}));
        if state["game"]["game_id"] == game {
            said.push(("live_state", Said::of(&state["record"])));
        }
        said
    }

    /// The text of the game's unit in the index.
    fn unit(&mut self, game: &str) -> String {
        let found = self.wire.call(
            "search",
            json!({"query": format!("game {game}"), "kind": "game", "game_id": game, "detailed": true}),
        );
        let hits = found["hits"].as_array().unwrap();
        let hit = hits.iter().find(|hit| hit["id"] == format!("game:{game}"));
        hit.unwrap_or_else(|| panic!("no unit of {game}: {found}"))["text"].as_str().unwrap().to_owned()
    }
}

/// What the unit of a game has to say, from the view's row.
fn sentences(row: &Value) -> Vec<String> {
    let mut wanted = Vec::new();
    if let Some(tick) = row["rug_tick"].as_i64() {
        wanted.push(format!("ugged at tick {tick}"));
    }
    match row["ticks_recorded"].as_i64().unwrap() {
        0 => {}
        recorded => wanted.push(format!("{recorded} ticks recorded")),
    }
    match row["ticks_missing"].as_i64() {
        Some(0) => wanted.push("without gaps".to_owned()),
        Some(missing) => wanted.push(format!("{missing} missing")),
        None => {}
    }
    if let Some(tick) = row["peak_tick"].as_i64() {
        wanted.push(format!("at tick {tick}"));
    }
    let known = match row["known_from"].as_str().unwrap() {
        "history" => "Known from the game history only",
        "before_start" => "Seen only before its start",
        _ => "",
    };
    wanted.push(known.to_owned());
    wanted
}

fn agree(root: &DataRoot) -> House {
    let mut house = House::open(root);
    let ids: Vec<String> = house.games.keys().cloned().collect();
    assert!(ids.len() >= 15, "{ids:?}");
    let mut differing = Vec::new();
    let mut surfaces: BTreeMap<&str, usize> = BTreeMap::new();
    for game in &ids {
        let view = house.said(game);
        for (surface, said) in house.others(game) {
            *surfaces.entry(surface).or_default() += 1;
            if said != view {
                differing.push(format!("{game}\n  games: {view:?}\n  {surface}: {said:?}"));
            }
        }
        let text = house.unit(game);
        for wanted in sentences(&house.games[game]) {
            if !text.contains(&wanted) {
                differing.push(format!("{game}\n  games: {view:?}\n  search lacks {wanted:?}: {text}"));
            }
        }
        let row = &house.games[game];
        if row["complete"] != json!(row["ticks_missing"] == json!(0)) {
            differing.push(format!("{game}: complete {} with {} missing", row["complete"], row["ticks_missing"]));
        }
    }
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
    for surface in
        ["get_game", "the list", "check_fairness", "the chart page", "show_chart", "replay open", "live_state"]
    {
        assert!(surfaces.get(surface).is_some_and(|games| *games >= 5), "{surface}: {surfaces:?}");
    }
    house
}

#[test]
fn surfaces_agree() {
    let (folder, root) = common::root();
    let truths = store(&root, folder.path());
    let house = agree(&root);
    let said = |game: &str| house.said(game);
    let row = |game: &str| house.games[game].clone();
    for truth in &truths {
        let said = said(&truth.game_id);
        assert_eq!((said.rug_tick.as_u64(), said.peak.as_f64()), (Some(truth.rug_tick as u64), Some(truth.peak)));
        assert_eq!(said.rug_price.as_f64(), truth.prices.last().copied());
        assert_eq!(truth.prices[said.peak_tick.as_u64().unwrap() as usize], truth.peak);
    }
    // The rows of the table.
    let two = row(kinds::TWO_RUGS);
    assert_eq!(
        (&two["rug_tick"], &two["rugs"], &two["rug_ticks"]),
        (&json!(20), &json!(2), &json!([20, 40])),
        "{two}"
    );
    assert_eq!(
        (&two["peak"], &two["peak_tick"], &two["ticks_recorded"]),
        (&json!(2.9), &json!(19), &json!(21)),
        "{two}"
    );
    assert!(two["anomalies"].to_string().contains("several_rugs"), "{two}");
    let seed_only = row(kinds::SEED_ONLY);
    let prices = kinds::prices(kinds::SEED_ONLY);
    assert_eq!(seed_only["rug_tick"], json!(prices.len() - 1), "{seed_only}");
    assert_eq!((&seed_only["rug_source"], &seed_only["ticks_recorded"]), (&json!("computed"), &json!(0)));
    assert_eq!(seed_only["ticks_missing"], Value::Null, "{seed_only}");
    let announced = row(kinds::ANNOUNCED_ONLY);
    assert_eq!((&announced["peak"], &announced["peak_tick"]), (&json!(912.5), &Value::Null), "{announced}");
    assert_eq!(announced["peak_source"], "announced");
    let one = row(kinds::FROM_ONE);
    assert_eq!(
        (&one["complete"], &one["ticks_missing"], &one["first_tick"]),
        (&json!(true), &json!(0), &json!(1))
    );
    let waiting = row(kinds::PRESALE_PRICE);
    assert_eq!(
        (&waiting["ticks_recorded"], &waiting["known_from"]),
        (&json!(0), &json!("before_start")),
        "{waiting}"
    );
    let open = said(kinds::NO_RUG);
    assert_eq!((open.ticks_recorded, open.ticks_missing, open.rug_tick), (json!(15), Value::Null, Value::Null));
    let corrupted = said(kinds::CORRUPTED);
    assert_eq!((corrupted.peak, corrupted.holes), (json!(1.25), json!([[5, 5], [9, 9]])));
    let both = said(kinds::ONE_OF_TWO);
    assert_eq!((both.rug_tick, both.complete, both.peak_tick), (json!(30), json!(true), json!(29)));
    let late = said(kinds::LATE_SEED);
    let prices = kinds::prices(kinds::LATE_SEED);
    assert_eq!(late.rug_tick, json!(prices.len() - 1));
    assert_eq!(late.peak.as_f64(), prices.iter().copied().reduce(f64::max));
}

#[test]
fn surfaces_agree_after_games_were_proven_and_filled() {
    let (folder, root) = common::root();
    let truths = store(&root, folder.path());
    let store = Arc::new(Store::open(&root, "test").unwrap());
    prove_pending(&store, &BTreeSet::new(), &CancellationToken::new()).unwrap();
    drop(store);
    let house = agree(&root);
    for truth in &truths {
        let said = house.said(&truth.game_id);
        assert_eq!((said.proven, said.complete == json!(true)), (json!(true), said.ticks_missing == json!(0)));
        assert!(
            said.ticks_recorded.as_u64().unwrap() <= truth.rug_tick as u64 + 1,
            "filled ticks were not recorded"
        );
    }
}

#[test]
fn the_highest_peaks_begin_with_games_of_which_a_price_is_known() {
    let (folder, root) = common::root();
    store(&root, folder.path());
    let mut wire = Wire::opened(root.path());
    let games = wire.call("get_game", json!({"order": "peak", "limit": 100}))["games"].clone();
    let games = games.as_array().unwrap();
    assert!(games[0]["peak_tick"].is_u64(), "{}", games[0]);
    let announced = games.iter().position(|game| game["game_id"] == kinds::ANNOUNCED_ONLY).unwrap();
    assert!(games[announced..].iter().all(|game| game["peak_tick"].is_null()), "no tick, no place among them");
}
