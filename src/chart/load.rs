//! Reading games for a chart: ticks from every source, and the site's own price list where ticks were missed.
//!
//! Prices come from `game_tick`, all of its sources; a captured tick goes before one that was recomputed later.
//! Ticks that are in none of them are taken from `game.prices`. What is still unknown stays missing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tokio_util::sync::CancellationToken;

use super::MOST_GAMES;
use super::error::ChartError;
use super::line::{Bet, GameLine, Origin, Point, Proof, Record, Side, Trade};
use super::own::{self, OwnOrder};
use crate::protocol::{price, sidebet};
use crate::sql::{Query, SqlClient, near};

/// Time limit of one query.
const TIME: Duration = Duration::from_secs(30);
/// Rows read of a kind. A game has at most 5000 ticks; more side bets than this nobody could see.
const MOST_ROWS: u64 = 6_000;

/// Reads games in the order they are named; a cursor is put into its game.
///
/// # Errors
/// [`ChartError::UnknownGame`] with the ids most like it, [`ChartError::NoTicks`], [`ChartError::TooManyGames`],
/// [`ChartError::CursorElsewhere`], [`ChartError::CursorOutside`], and the store's own.
pub async fn games(
    sql: &SqlClient,
    ids: &[String],
    cursor: Option<(&str, i64)>,
    cancel: &CancellationToken,
) -> Result<Vec<GameLine>, ChartError> {
    let mut distinct: Vec<&String> = Vec::new();
    for id in ids {
        if !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    if distinct.is_empty() {
        return Err(ChartError::NoGames);
    }
    if distinct.len() > MOST_GAMES {
        return Err(ChartError::TooManyGames { asked: distinct.len() });
    }
    let mut games = Vec::new();
    for id in distinct {
        games.push(game(sql, id, cancel).await?);
    }
    if let Some((game_id, tick)) = cursor {
        let game = games.iter_mut().find(|game| game.game_id == game_id);
        let game = game.ok_or_else(|| ChartError::CursorElsewhere { game_id: game_id.to_owned() })?;
        let last = game.last_tick();
        if !(0..=last).contains(&tick) {
            return Err(ChartError::CursorOutside { game_id: game_id.to_owned(), tick, last });
        }
        game.cursor = Some(tick);
    }
    Ok(games)
}

async fn game(sql: &SqlClient, game_id: &str, cancel: &CancellationToken) -> Result<GameLine, ChartError> {
    let ask = Ask { sql, game_id, cancel, time: String::new() };
    let Some(known) = ask.rows::<Known>(KNOWN).await?.into_iter().next() else {
        let nearest = near::games(sql, game_id, cancel).await?;
        return Err(ChartError::UnknownGame { game_id: game_id.to_owned(), nearest });
    };
    let ask = Ask { time: near::time(known.rows_from.as_deref(), known.rows_to.as_deref()), ..ask };
    let ticks = ask.rows_with::<Tick>(TICKS, vec![Value::from(game_id), Value::from(price::HIGHEST)]).await?;
    let listed = ask.rows::<Listed>(PRICES).await?.into_iter().next().and_then(|row| row.prices);
    let (points, corrupted) = points(ticks, &listed.unwrap_or_default(), known.rug_tick);
    if points.is_empty() {
        if !corrupted.is_empty() {
            return Err(ChartError::OnlyCorrupted { game_id: game_id.to_owned(), ticks: corrupted.len() });
        }
        return Err(ChartError::NoTicks { game_id: game_id.to_owned() });
    }
    let bets = ask.rows::<BetRow>(BETS).await?;
    let own_orders = own::orders(ask.rows::<own::Row>(own::ORDERS).await?, known.rug_tick);
    Ok(GameLine {
        game_id: game_id.to_owned(),
        proof: match (known.proven, known.has_seed) {
            (Some(true), _) => Proof::Proven,
            (Some(false), _) => Proof::Differs,
            (None, Some(true)) => Proof::NotCompared,
            (None, _) => Proof::NoSeed,
        },
        rug_tick: known.rug_tick,
        record: Some(Record {
            ticks_recorded: known.ticks_recorded,
            ticks_missing: known.ticks_missing,
            holes: known.holes.unwrap_or_default(),
            complete: known.complete,
            peak: known.peak,
            peak_tick: known.peak_tick,
            rug_price: known.rug_price,
        }),
        trades: trades(ask.rows::<TradeRow>(TRADES).await?, &own_orders),
        bets: bets_of(bets, &own_orders, known.rug_tick),
        points,
        corrupted,
        cursor: None,
    })
}

/// Queries about one game.
struct Ask<'a> {
    sql: &'a SqlClient,
    game_id: &'a str,
    cancel: &'a CancellationToken,
    /// The condition on the time of its rows, where it is known.
    time: String,
}

impl Ask<'_> {
    async fn rows<T: DeserializeOwned>(&self, text: &str) -> Result<Vec<T>, ChartError> {
        self.rows_with(text, vec![Value::from(self.game_id)]).await
    }

    async fn rows_with<T: DeserializeOwned>(&self, text: &str, params: Vec<Value>) -> Result<Vec<T>, ChartError> {
        let query = Query {
            max_rows: MOST_ROWS,
            max_bytes: 16 << 20,
            max_cell: 1 << 20,
            timeout: TIME,
            ..Query::new(text.replace("{time}", &self.time))
        };
        let result = self.sql.query(query.bind(params), self.cancel.clone()).await?;
        let names: Vec<String> = result.columns.into_iter().map(|column| column.name).collect();
        let row = |row: Vec<Value>| {
            let fields = names.iter().cloned().zip(row).filter(|(_, value)| !value.is_null());
            serde_json::from_value(Value::Object(fields.collect::<Map<_, _>>()))
        };
        result
            .rows
            .into_iter()
            .map(row)
            .collect::<Result<Vec<T>, _>>()
            .map_err(|error| ChartError::Picture(format!("the store's answer has an unexpected shape: {error}")))
    }
}

const KNOWN: &str = "SELECT rug_tick, rug_price, peak, peak_tick, ticks_recorded, ticks_missing, holes, complete, has_seed, \
                     proven, rows_from, rows_to FROM games WHERE game_id = $1";

#[derive(Deserialize)]
struct Known {
    rug_tick: Option<i64>,
    rug_price: Option<f64>,
    peak: Option<f64>,
    peak_tick: Option<i64>,
    ticks_recorded: u64,
    ticks_missing: Option<u64>,
    holes: Option<Vec<(i64, i64)>>,
    complete: bool,
    rows_from: Option<String>,
    rows_to: Option<String>,
    has_seed: Option<bool>,
    proven: Option<bool>,
}

/// The first captured row of each tick; one from the seed only where none was captured. Prices that cannot be (as
/// [`price::is_plausible`]; $2 is the highest) are only counted.
const TICKS: &str = "\
SELECT tick, arg_min(price, place) FILTER (WHERE sound) AS price,
  arg_min(origin, place) FILTER (WHERE sound) AS tick_source, bool_or(NOT sound) AS corrupted
FROM (
  SELECT tick, price, price > 0 AND price <= $2 AS sound, coalesce(tick_source, 'frame') AS origin,
    row(coalesce(tick_source, 'frame') NOT IN ('frame', 'recording'), seq) AS place
  FROM game_tick WHERE game_id = $1{time} AND tick >= 0 AND price IS NOT NULL AND phase IN ('ACTIVE', 'RUGGED')
)
GROUP BY tick ORDER BY tick";

#[derive(Deserialize)]
pub(super) struct Tick {
    pub tick: i64,
    pub price: Option<f64>,
    pub tick_source: Option<String>,
    pub corrupted: bool,
}

const PRICES: &str = "SELECT prices FROM game WHERE game_id = $1{time}";

#[derive(Deserialize)]
struct Listed {
    /// What is no number comes as null.
    prices: Option<Vec<Option<f64>>>,
}

/// Ticks up to the rug (the site counts on after it, and those are no ticks of the game), and those of which a price
/// was recorded that cannot be.
pub(super) fn points(ticks: Vec<Tick>, listed: &[Option<f64>], rug_tick: Option<i64>) -> (Vec<Point>, Vec<i64>) {
    let mut points: BTreeMap<i64, Point> = BTreeMap::new();
    let mut corrupted: BTreeSet<i64> = BTreeSet::new();
    for (tick, price) in (0..).zip(listed) {
        match price.filter(|price| price::is_plausible(*price)) {
            Some(price) => {
                points.insert(tick, Point { tick, price, origin: Origin::History });
            }
            None => {
                corrupted.insert(tick);
            }
        }
    }
    for row in ticks {
        let tick = row.tick;
        if row.corrupted {
            corrupted.insert(tick);
        }
        let Some(price) = row.price else { continue };
        let origin = match row.tick_source.as_deref() {
            Some("frame" | "recording") | None => Origin::Captured,
            Some("seed") => Origin::Seed,
            _ => Origin::Repaired,
        };
        // What was captured, and what the seed gives bit for bit, goes before the site's list.
        if origin != Origin::Repaired || !points.contains_key(&tick) {
            points.insert(tick, Point { tick, price, origin });
        }
    }
    let last = rug_tick.unwrap_or(i64::MAX);
    let points = points.into_values().filter(|point| point.tick <= last).collect();
    (points, corrupted.into_iter().filter(|tick| *tick <= last).collect())
}

/// Each trade once, as many recordings as may hold it. The own player is the one whose account was reported.
const TRADES: &str = "\
SELECT any_value(side) AS word, any_value(tick) AS tick, any_value(price) AS price, coalesce(bool_or(mine), false) AS own
FROM (
  SELECT side, tick, price, coalesce(trade_id, concat(session_id, ':', seq, ':', ordinal)) AS id,
    player_id IN (SELECT player_id FROM server_state WHERE player_id IS NOT NULL) AS mine
  FROM trade WHERE game_id = $1{time} AND tick IS NOT NULL
)
GROUP BY id ORDER BY 2, 1";

#[derive(Deserialize)]
pub(super) struct TradeRow {
    pub word: Option<String>,
    pub tick: Option<i64>,
    pub price: Option<f64>,
    pub own: bool,
}

/// Announced trades, and own orders that were not announced.
pub(super) fn trades(announced: Vec<TradeRow>, own_orders: &[OwnOrder]) -> Vec<Trade> {
    let read = |row: &TradeRow| {
        let side = Side::from_word(row.word.as_deref()?)?;
        Some(Trade { tick: row.tick?, price: row.price.filter(|price| *price > 0.0), side, own: row.own })
    };
    let mut trades: Vec<Trade> = announced.iter().filter_map(read).collect();
    for order in own_orders {
        let Some(side) = order.side() else { continue };
        if !trades.iter().any(|trade| trade.own && order.is_trade(Some(trade.side), trade.tick)) {
            trades.push(Trade { tick: order.tick, price: order.price, side, own: true });
        }
    }
    trades.sort_by_key(|trade| (trade.tick, trade.own));
    trades
}

/// A placement and its payout are two records: one window with an outcome where it is known.
const BETS: &str = "\
SELECT start_tick, end_tick, bool_or(won) AS won, coalesce(bool_or(mine), false) AS own
FROM (
  SELECT start_tick, end_tick, CASE outcome WHEN 'won' THEN true WHEN 'lost' THEN false END AS won,
    coalesce(player_id, username, sidebet_id, concat(session_id, ':', seq, ':', ordinal)) AS who,
    player_id IN (SELECT player_id FROM server_state WHERE player_id IS NOT NULL) AS mine
  FROM sidebet WHERE game_id = $1{time} AND start_tick IS NOT NULL AND end_tick IS NOT NULL
)
GROUP BY start_tick, end_tick, who ORDER BY 1, 2";

#[derive(Deserialize)]
pub(super) struct BetRow {
    pub start_tick: i64,
    pub end_tick: i64,
    pub won: Option<bool>,
    pub own: bool,
}

/// Recorded bets, and own ones that only the order tells of: 40 ticks, won when the rug came within them.
pub(super) fn bets_of(recorded: Vec<BetRow>, own_orders: &[OwnOrder], rug_tick: Option<i64>) -> Vec<Bet> {
    let mut bets: Vec<Bet> = recorded
        .into_iter()
        .map(|row| Bet { start: row.start_tick, end: row.end_tick, won: row.won, own: row.own })
        .collect();
    for order in own_orders {
        let Some((start, end)) = order.bet() else { continue };
        if !bets.iter().any(|bet| bet.own && order.is_bet(bet.start)) {
            bets.push(Bet { start, end, won: rug_tick.map(|rug| sidebet::wins(end, rug)), own: true });
        }
    }
    bets
}
