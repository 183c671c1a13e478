//! `get_game`: the list of games, or one game's card.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::ask::{self, Binds};
use super::{AgentTool, bounded};
use crate::server::App;
use crate::server::errors::ToolError;

/// Games in a list unless asked, and at most.
const GAMES: u64 = 20;
const MAX_GAMES: u64 = 100;

/// Most points of a card's price line.
const POINTS: usize = 60;

/// Most ticks read for a card; the longest game possible has 5000.
const MAX_TICKS: u64 = 6_000;

/// Most sessions listed on a card.
const MAX_SESSIONS: u64 = 10;

/// The tool.
pub struct GetGame;

/// Which game, or which part of the list.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// One game's id: gives its card. Without it: the list of games.
    pub game_id: Option<String>,
    /// Games in the list, 1 to 100. Default 20.
    pub limit: Option<u64>,
    /// The list goes on after this: the `before` of an earlier answer, or a time such as "2026-02-01T00:00:00Z"
    /// (orders newest and oldest).
    pub before: Option<String>,
    /// Order of the list. Default newest.
    pub order: Option<Order>,
}

/// Order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Latest first.
    #[default]
    Newest,
    /// Earliest first.
    Oldest,
    /// Highest peak first.
    Peak,
    /// Longest first.
    Longest,
}

/// A list or a card.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The list, when no game was asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub games: Option<Vec<GameRow>>,
    /// The card of the game asked for.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game: Option<Card>,
    /// Whether the list goes on.
    pub truncated: bool,
    /// Give this as `before` to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<String>,
    /// What to call next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
}

/// One game in short. What is not known is absent.
#[derive(Debug, Default, Clone, Serialize, Deserialize, JsonSchema)]
pub struct GameRow {
    /// Id of the game.
    pub game_id: String,
    /// First recorded tick (UTC); for a game known from the history alone, when that arrived.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_ts: Option<String>,
    /// Last recorded tick (UTC), likewise.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_ts: Option<String>,
    /// Different tick numbers recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ticks_recorded: Option<i64>,
    /// Lowest tick recorded; above 1 means that the start was missed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_tick: Option<i64>,
    /// Tick on which the game rugged.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_tick: Option<i64>,
    /// Highest price multiplier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub peak: Option<f64>,
    /// Price at the rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_price: Option<f64>,
    /// Whether the server seed has been revealed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub has_seed: Option<bool>,
    /// Whether the seed reproduced every price.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proven: Option<bool>,
    /// Whether it was recorded from its start to its rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub complete: Option<bool>,
    /// Where it was recorded from: cdp, public_ws, import, …
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sources: Option<Vec<String>>,
}

/// One game. What is not known is absent.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Card {
    /// The same facts as in the list.
    #[serde(flatten)]
    pub summary: GameRow,
    /// The site's entry in its game history, when it was seen.
    #[serde(flatten)]
    pub history: History,
    /// First recorded tick with a price.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub start: Option<Tick>,
    /// Last recorded tick with a price: the rug, where it was recorded.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub end: Option<Tick>,
    /// At most 60 points [tick, price] of the price line; the first, the peak, the lowest and the last are among them.
    pub prices: Vec<(i64, f64)>,
    /// Where prices come from: game_history (the site's own list, complete) or recorded_ticks.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prices_from: Option<String>,
    /// Ticks behind that line.
    pub price_count: u64,
    /// Settled side bets, by kind of money.
    pub sidebets: Vec<Sidebets>,
    /// Trades seen, by side. The site announces only a sample.
    pub trades: Vec<Trades>,
    /// Recordings of this game and the addresses of their first and last frame, for get_events.
    pub sessions: Vec<SessionFrames>,
    /// The frame that announced the rug.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug_frame: Option<Frame>,
    /// The frame whose game history has this game: where seed, peak and price list are from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history_frame: Option<Frame>,
}

/// The site's entry in its game history.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct History {
    /// The server's own end time (UTC).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended_at: Option<String>,
    /// Revealed seed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub server_seed: Option<String>,
    /// SHA-256 of the seed, published before the game.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seed_hash: Option<String>,
    /// Version of the price function.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game_version: Option<String>,
    /// How complete the entry is; higher is better.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub quality: Option<i64>,
}

/// One tick.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Tick {
    /// Number in the game, from 0.
    pub tick: i64,
    /// Price multiplier.
    pub price: f64,
    /// When it was recorded (UTC).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ts: Option<String>,
}

/// Settled side bets in one kind of money.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sidebets {
    /// real, practice or unknown.
    pub money: String,
    /// Bets that won.
    pub won: i64,
    /// Bets that lost.
    pub lost: i64,
    /// Sum of stakes, SOL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub staked: Option<f64>,
    /// Sum paid out, SOL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub paid_out: Option<f64>,
}

/// Trades of one side.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trades {
    /// buy, sell, short_open, short_close or unknown.
    pub side: String,
    /// Trades seen.
    pub seen: i64,
    /// Sum of amounts.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub amount: Option<f64>,
}

/// A recording of the game.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct SessionFrames {
    /// The session.
    pub session_id: String,
    /// Frames (in older recordings: lines) of this game in it.
    pub frames: i64,
    /// seq of the first of them.
    pub first_seq: u64,
    /// seq of the last of them.
    pub last_seq: u64,
}

/// Address of a frame.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Frame {
    /// The session.
    pub session_id: String,
    /// The number in it.
    pub seq: u64,
}

impl AgentTool for GetGame {
    const NAME: &'static str = "get_game";
    const TITLE: &'static str = "List games, or show one";
    const DESCRIPTION: &'static str = "\
Lists recorded games, newest first, or gives one game's card. Start here for \"what happened lately\" and for \
everything about one game.

- without game_id: games with peak, rug_tick, rug_price, ticks_recorded, complete, proven. order = newest, oldest, \
peak or longest; limit; go on with before.
- with game_id: the card. Summary, revealed seed and its hash, whether the seed reproduced every price, at most 60 \
points of the price line (game_tick has every tick), settled side bets (won, lost, staked), trades seen, and the \
addresses of its frames for get_events.

What is not known is absent. rug_tick is the tick of the first rugged packet; tick numbers sent after it are not \
ticks of the game. trades are the sample that the site announces, not all of them.

Examples: {\"limit\": 5}
{\"order\": \"peak\", \"limit\": 3}
{\"game_id\": \"20260214-5f0c2d1e9a3b4c58\"}";
    const EXAMPLE: &'static str = r#"{"limit": 5}"#;
    const TIME: Duration = Duration::from_secs(75);
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        match args.game_id {
            Some(game_id) => {
                let (card, as_of) = card(&app, &game_id, &cancel).await?;
                Ok(Output { game: Some(card), as_of, ..Output::default() })
            }
            None => list(&app, &args, &cancel).await,
        }
    }
}

/// Columns of [`GameRow`].
const ROW: &str = "game_id, first_ts, last_ts, ticks_recorded, first_tick, rug_tick, peak, rug_price, has_seed, \
                   proven, complete, sources";

impl Order {
    /// What the list is sorted by, never NULL, as the text a cursor holds; how to read that text back; the direction.
    fn key(self) -> (&'static str, &'static str, bool) {
        const TIME: &str = "coalesce(first_ts, last_ts, TIMESTAMPTZ '1970-01-01 00:00:00+00')";
        match self {
            Order::Newest => (TIME, "TIMESTAMPTZ", true),
            Order::Oldest => (TIME, "TIMESTAMPTZ", false),
            Order::Peak => ("coalesce(peak, -1)", "DOUBLE", true),
            Order::Longest => ("coalesce(rug_tick, ticks_recorded, -1)", "BIGINT", true),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Order::Newest => "newest",
            Order::Oldest => "oldest",
            Order::Peak => "peak",
            Order::Longest => "longest",
        }
    }
}

/// Separates key and id in a cursor; no timestamp, number or game id has it.
const SEPARATOR: char = '~';

/// A row of the list with its place in the order.
#[derive(Deserialize)]
struct Placed {
    place: String,
    #[serde(flatten)]
    row: GameRow,
}

async fn list(app: &App, args: &Args, cancel: &CancellationToken) -> Result<Output, ToolError> {
    let limit = bounded(args.limit, GAMES, MAX_GAMES);
    let order = args.order.unwrap_or_default();
    let (sql, params) = listing(order, args.before.as_deref(), limit)?;
    let (mut rows, as_of) = ask::records::<Placed>(&app.sql, &sql, params, limit + 1, cancel).await?;
    let more = rows.len() as u64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let before = rows.last().filter(|_| more).map(|last| format!("{}{SEPARATOR}{}", last.place, last.row.game_id));
    let next = match &before {
        Some(before) => Some(format!(r#"get_game {{"order": "{}", "before": "{before}"}}"#, order.name())),
        None if rows.is_empty() && args.before.is_none() => Some(
            "no games yet: nothing has been recorded or imported into this data root. The user can import older \
             recordings with `replayer legacy import PATH`"
                .to_owned(),
        ),
        None => None,
    };
    let games = rows.into_iter().map(|placed| placed.row).collect();
    Ok(Output { games: Some(games), game: None, truncated: more, before, next, as_of })
}

/// The query for one page of the list.
fn listing(order: Order, before: Option<&str>, limit: u64) -> Result<(String, Vec<Value>), ToolError> {
    let (key, kind, descending) = order.key();
    let (direction, past) = if descending { ("DESC", "<") } else { ("ASC", ">") };
    let mut binds = Binds::default();
    let mut conditions = Vec::new();
    if let Some(before) = before {
        let (place, game_id) = read_cursor(order, before)?;
        let (first, second) = (binds.bind(place.as_str()), binds.bind(place.as_str()));
        let mut condition = format!("{key} {past} CAST({first} AS {kind})");
        if let Some(game_id) = game_id {
            let game_id = binds.bind(game_id);
            condition = format!("({condition} OR ({key} = CAST({second} AS {kind}) AND game_id > {game_id}))");
        } else {
            condition = format!("({condition} AND {key} {past} CAST({second} AS {kind}))");
        }
        conditions.push(condition);
    }
    let sql = format!(
        "SELECT CAST({key} AS VARCHAR) AS place, {ROW} FROM games{} ORDER BY {key} {direction}, game_id LIMIT {}",
        ask::filter(&conditions),
        limit + 1
    );
    Ok((sql, binds.into_values()))
}

/// A cursor's place in the order and, when it is a cursor and no plain time, the game it ended with.
fn read_cursor(order: Order, before: &str) -> Result<(String, Option<&str>), ToolError> {
    let (place, game_id) = match before.split_once(SEPARATOR) {
        Some((place, game_id)) => (place, Some(game_id)),
        None => (before, None),
    };
    let fits = match order {
        Order::Newest | Order::Oldest => is_time(place),
        Order::Peak => place.parse::<f64>().is_ok_and(f64::is_finite),
        Order::Longest => place.parse::<i64>().is_ok(),
    };
    if fits && (game_id.is_some() || matches!(order, Order::Newest | Order::Oldest)) {
        return Ok((place.to_owned(), game_id));
    }
    Err(ToolError::new(
        format!("The list cannot go on from {before:?}"),
        format!(
            "with order {} it goes on from the `before` of an answer in the same order, or from a time when the order is newest or oldest",
            order.name()
        ),
        format!(r#"get_game {{"order": "{}"}}, then its before"#, order.name()),
    ))
}

/// Whether a text is a time, as people write it or as DuckDB prints it (`2026-02-01 12:00:00.5+00`).
fn is_time(text: &str) -> bool {
    let iso = text.replacen(' ', "T", 1);
    let iso = iso.strip_suffix("+00").map_or(iso.clone(), |naive| format!("{naive}Z"));
    iso.parse::<jiff::Timestamp>().is_ok() || iso.parse::<jiff::civil::Date>().is_ok()
}

/// One game's card.
///
/// # Errors
/// When the game is not in the store, with the ids that look most like it; when the store cannot be asked.
pub async fn card(app: &App, game_id: &str, cancel: &CancellationToken) -> Result<(Card, String), ToolError> {
    let sql = &app.sql;
    let id = || vec![Value::from(game_id)];
    let (summary, as_of) = summary(app, game_id, cancel).await?;
    let (histories, _) = ask::records::<HistoryRow>(sql, HISTORY, id(), 1, cancel).await?;
    let (ticks, _) = ask::records::<TickRow>(sql, TICKS, id(), MAX_TICKS, cancel).await?;
    let (sidebets, _) = ask::records(sql, SIDEBETS, id(), 10, cancel).await?;
    let (trades, _) = ask::records(sql, TRADES, id(), 10, cancel).await?;
    let (sessions, _) = ask::records(sql, SESSIONS, id(), MAX_SESSIONS, cancel).await?;
    let rug_frame = rug_frame(app, game_id, cancel).await?;

    let history = histories.into_iter().next().unwrap_or_default();
    let history_frame = history.session_id.zip(history.seq).map(|(session_id, seq)| Frame { session_id, seq });
    // The site counts on after the rug; those are not ticks of the game.
    let last = summary.rug_tick.unwrap_or(i64::MAX);
    let mut ticks: Vec<Tick> = ticks.into_iter().filter(|row| row.tick <= last).map(Tick::from).collect();
    let recorded: Vec<(i64, f64)> = ticks.iter().map(|tick| (tick.tick, tick.price)).collect();
    let listed: Vec<(i64, f64)> = (0..).zip(history.prices.unwrap_or_default()).collect();
    let (line, from) =
        if listed.len() >= recorded.len() { (listed, "game_history") } else { (recorded, "recorded_ticks") };
    let end = ticks.pop();
    let start = if ticks.is_empty() { None } else { Some(ticks.swap_remove(0)) };
    Ok((
        Card {
            summary,
            history: history.history,
            start,
            end,
            prices: decimate(&line, POINTS),
            prices_from: (!line.is_empty()).then(|| from.to_owned()),
            price_count: line.len() as u64,
            sidebets,
            trades,
            sessions,
            rug_frame,
            history_frame,
        },
        as_of,
    ))
}

/// A game in short, and up to when everything recorded is included.
///
/// # Errors
/// As [`card`].
pub(super) async fn summary(
    app: &App,
    game_id: &str,
    cancel: &CancellationToken,
) -> Result<(GameRow, String), ToolError> {
    let sql = format!("SELECT {ROW} FROM games WHERE game_id = $1");
    let (rows, as_of) = ask::records(&app.sql, &sql, vec![Value::from(game_id)], 1, cancel).await?;
    match rows.into_iter().next() {
        Some(row) => Ok((row, as_of)),
        None => Err(unknown(app, game_id, cancel).await?),
    }
}

/// The frame that announced the rug, where it was recorded.
///
/// # Errors
/// When the store cannot be asked.
pub(super) async fn rug_frame(
    app: &App,
    game_id: &str,
    cancel: &CancellationToken,
) -> Result<Option<Frame>, ToolError> {
    let (rugs, _) = ask::records(&app.sql, RUG, vec![Value::from(game_id)], 1, cancel).await?;
    Ok(rugs.into_iter().next())
}

/// The history entry with its price list.
#[derive(Default, Deserialize)]
struct HistoryRow {
    #[serde(flatten)]
    history: History,
    prices: Option<Vec<f64>>,
    session_id: Option<String>,
    seq: Option<u64>,
}

const HISTORY: &str = "SELECT ended_at, server_seed, seed_hash, game_version, quality, prices, session_id, seq FROM game WHERE game_id = $1";

#[derive(Deserialize)]
struct TickRow {
    tick: i64,
    price: f64,
    ts: Option<String>,
}

impl From<TickRow> for Tick {
    fn from(row: TickRow) -> Self {
        Self { tick: row.tick, price: row.price, ts: row.ts }
    }
}

/// Several recordings, or a snapshot, may hold the same tick: the first one counts.
const TICKS: &str = "SELECT tick, arg_min(price, seq) AS price, min(ts) AS ts FROM game_tick \
                     WHERE game_id = $1 AND tick IS NOT NULL AND price IS NOT NULL GROUP BY tick ORDER BY tick";

/// A bet is in the history once more each time that is broadcast, and once live: its id counts once.
const SIDEBETS: &str = "\
SELECT coalesce(money, 'unknown') AS money, count(*) FILTER (WHERE outcome = 'won') AS won,
  count(*) FILTER (WHERE outcome = 'lost') AS lost, sum(stake) AS staked, sum(payout) AS paid_out
FROM (
  SELECT any_value(money) AS money, any_value(outcome) AS outcome, any_value(stake) AS stake,
    any_value(payout) AS payout
  FROM sidebet WHERE game_id = $1 AND outcome IN ('won', 'lost')
  GROUP BY coalesce(sidebet_id, concat(session_id, ':', seq, ':', ordinal))
)
GROUP BY 1 ORDER BY 1";

const TRADES: &str = "\
SELECT coalesce(side, 'unknown') AS side, count(*) AS seen, sum(amount) AS amount
FROM (
  SELECT any_value(side) AS side, any_value(amount) AS amount FROM trade WHERE game_id = $1
  GROUP BY coalesce(trade_id, concat(session_id, ':', seq, ':', ordinal))
)
GROUP BY 1 ORDER BY 1";

/// Older recordings kept ticks instead of frames; their lines have addresses too.
const SESSIONS: &str = "\
SELECT session_id, count(*) AS frames, min(seq) AS first_seq, max(seq) AS last_seq
FROM (SELECT session_id, seq, game_id FROM ws_event UNION SELECT session_id, seq, game_id FROM game_tick)
WHERE game_id = $1 GROUP BY session_id ORDER BY session_id";

const RUG: &str = "SELECT session_id, seq FROM game_tick WHERE game_id = $1 AND rugged \
                   ORDER BY tick NULLS LAST, ts NULLS LAST, session_id, seq LIMIT 1";

/// The error for a game that is not there, with the ids most like it.
async fn unknown(app: &App, game_id: &str, cancel: &CancellationToken) -> Result<ToolError, ToolError> {
    #[derive(Deserialize)]
    struct Near {
        game_id: String,
    }
    let nearest =
        "SELECT game_id FROM games ORDER BY jaro_winkler_similarity(game_id, $1) DESC, last_ts DESC LIMIT 3";
    let (near, _) = ask::records::<Near>(&app.sql, nearest, vec![Value::from(game_id)], 3, cancel).await?;
    let ids: Vec<String> = near.into_iter().map(|near| near.game_id).collect();
    let what = format!("There is no game {game_id:?}");
    Ok(match ids.first() {
        None => ToolError::new(what, "no games have been recorded or imported yet", r#"get_game {"limit": 5}"#),
        Some(first) => ToolError::new(
            what,
            format!("the ids most like it are {}", ids.join(", ")),
            format!(r#"get_game {{"game_id": "{first}"}}, or get_game {{"limit": 20}} for the newest"#),
        ),
    })
}

/// At most `most` points of a line: the first, the last, the highest and the lowest, and others evenly between.
fn decimate(line: &[(i64, f64)], most: usize) -> Vec<(i64, f64)> {
    if line.len() <= most {
        return line.to_vec();
    }
    let by_price = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
    let indexed: Vec<(usize, f64)> = line.iter().map(|(_, price)| *price).enumerate().collect();
    let extremes = [indexed.iter().max_by(by_price), indexed.iter().min_by(by_price)];
    let even = most.saturating_sub(2).max(2);
    let mut keep: Vec<usize> = (0..even).map(|step| step * (line.len() - 1) / (even - 1)).collect();
    keep.extend(extremes.into_iter().flatten().map(|(index, _)| *index));
    keep.sort_unstable();
    keep.dedup();
    keep.into_iter().filter_map(|index| line.get(index).copied()).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;
    use serde_json::json;

    #[test]
    fn a_long_line_keeps_its_ends_and_extremes() {
        let mut line: Vec<(i64, f64)> = (0..1000).map(|tick| (tick, 1.0)).collect();
        line[333].1 = 77.0;
        line[998].1 = 0.5;
        line[999].1 = 0.02;
        let points = decimate(&line, 60);
        assert!(points.len() <= 60, "{}", points.len());
        assert_eq!((points[0].0, points.last().unwrap().0), (0, 999));
        assert!(points.contains(&(333, 77.0)));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn a_short_line_stays_whole() {
        let line = [(0, 1.0), (1, 1.1)];
        assert_eq!(decimate(&line, 60), line);
        assert!(decimate(&[], 60).is_empty());
    }

    #[test]
    fn a_cursor_goes_on_in_its_own_order_only() {
        assert!(listing(Order::Newest, Some("2026-02-01 12:00:00.5+00~g-1"), 5).is_ok());
        assert!(listing(Order::Newest, Some("2026-02-01T12:00:00Z"), 5).is_ok());
        assert!(listing(Order::Newest, Some("2026-02-01"), 5).is_ok());
        assert!(listing(Order::Peak, Some("12.5~g-1"), 5).is_ok());
        for (order, cursor) in
            [(Order::Peak, "2026-02-01~g"), (Order::Peak, "12.5"), (Order::Newest, "g-1"), (Order::Longest, "x~g")]
        {
            let text = listing(order, Some(cursor), 5).unwrap_err().to_string();
            assert!(text.contains("next: get_game {"), "{text}");
        }
    }

    #[test]
    fn a_cursor_is_bound_and_never_spliced() {
        let (sql, params) = listing(Order::Oldest, Some("2026-02-01T00:00:00Z~x' OR 1=1"), 5).unwrap();
        assert!(!sql.contains("1=1"));
        assert_eq!(params.len(), 3);
        assert_eq!(params[2], json!("x' OR 1=1"));
        assert!(sql.contains("> CAST($1 AS TIMESTAMPTZ)"), "{sql}");
    }

    #[test]
    fn a_row_reads_from_what_the_view_gives() {
        let row: GameRow = serde_json::from_value(json!({
            "game_id": "g", "first_ts": "2026-01-01T00:00:00.000000Z", "ticks_recorded": 10, "peak": 2,
            "has_seed": false, "sources": ["import"],
        }))
        .unwrap();
        assert_eq!((row.peak, row.rug_tick), (Some(2.0), None));
        let text = serde_json::to_string(&row).unwrap();
        assert!(!text.contains("null"), "{text}");
    }
}
