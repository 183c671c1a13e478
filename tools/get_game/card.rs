//! One game's card: what the views say, and the proof.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{GameRow, ROW, SUMMARY, Summary, ask, unknown};
use crate::protocol::sidebet;
use crate::replay::proof::check::Asked;
use crate::replay::proof::god_candles::Attributed;
use crate::replay::proof::sidebets::Recomputed;
use crate::replay::proof::verdict::Proof;
use crate::server::App;
use crate::server::errors::ToolError;
use crate::tools::AgentTool;
use crate::tools::check_fairness::{self, microseconds};

/// Differences from the seed on a card.
const DIFFERENCES: usize = 3;

/// Most points of a card's price line.
const POINTS: usize = 60;

/// Most ticks read for a card; the longest game possible has 5000.
const MAX_TICKS: u64 = 6_000;

/// Most sessions listed on a card.
const MAX_SESSIONS: u64 = 10;

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
    /// Where prices come from: game_history (the site's own list, complete), recorded_ticks, or seed (recomputed, of a
    /// proven game).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prices_from: Option<String>,
    /// Ticks behind that line.
    pub price_count: u64,
    /// What the seed says to everything recorded; check_fairness tells all differences.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proof: Option<Proof>,
    /// Settled side bets, by kind of money.
    pub sidebets: Vec<Sidebets>,
    /// All settlements recomputed from the rug tick: win when rug_tick <= end_tick, 5 times the stake.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sidebets_recomputed: Option<Recomputed>,
    /// The 10 settlements with the highest stakes.
    pub largest_sidebets: Vec<BetRow>,
    /// Trades seen, by side. The site announces only a sample.
    pub trades: Vec<Trades>,
    /// The 10 largest trades seen.
    pub largest_trades: Vec<TradeRow>,
    /// God-candle records shown during this game, and the game each belongs to.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub god_candle_records: Vec<Attributed>,
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

/// One settled side bet.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct BetRow {
    /// First tick covered.
    pub start_tick: i64,
    /// Last tick covered.
    pub end_tick: i64,
    /// SOL, or practice tokens: see money.
    pub stake: f64,
    /// real, practice or unknown.
    pub money: String,
    /// won or lost, as settled.
    pub outcome: String,
    /// won or lost by the rule; absent when the rug tick is not known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recomputed: Option<String>,
    /// SOL paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payout: Option<f64>,
    /// The session of the record.
    pub session_id: String,
    /// Its number there.
    pub seq: u64,
}

/// One trade.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct TradeRow {
    /// Tick it executed at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tick: Option<i64>,
    /// buy, sell, short_open or short_close.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub side: Option<String>,
    /// SOL.
    pub amount: f64,
    /// Multiplier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<f64>,
    /// The session of the frame.
    pub session_id: String,
    /// Its number there.
    pub seq: u64,
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

impl Frame {
    /// From `session:seq`.
    fn of_ref(event_ref: &str) -> Option<Frame> {
        let (session_id, seq) = event_ref.rsplit_once(':')?;
        Some(Frame { session_id: session_id.to_owned(), seq: seq.parse().ok()? })
    }
}

/// One game's card.
///
/// # Errors
/// When the game is not in the store, with the ids that look most like it; when the store cannot be asked.
pub async fn card(app: &App, game_id: &str, cancel: &CancellationToken) -> Result<(Card, String), ToolError> {
    let sql = &app.sql;
    let (found, as_of) = summary(app, game_id, cancel).await?;
    // The other views are asked for the time of the game only.
    let time = found.time();
    let Summary { row: summary, rows_from, rows_to, rug_ref } = found;
    let of_game = |text: &str| text.replace("{time}", &time);
    let id = || vec![Value::from(game_id)];
    let (histories, _) = ask::records::<HistoryRow>(sql, &of_game(HISTORY), id(), 1, cancel).await?;
    let (ticks, _) = ask::records::<TickRow>(sql, &of_game(TICKS), id(), MAX_TICKS, cancel).await?;
    let (sidebets, _) = ask::records(sql, &of_game(SIDEBETS), id(), 10, cancel).await?;
    let (trades, _) = ask::records(sql, &of_game(TRADES), id(), 10, cancel).await?;
    let (sessions, _) = ask::records(sql, &of_game(SESSIONS), id(), MAX_SESSIONS, cancel).await?;
    let rug_frame = rug_ref.as_deref().and_then(Frame::of_ref);
    let (mut largest_sidebets, _) = ask::records::<BetRow>(sql, &of_game(BETS), id(), 10, cancel).await?;
    let (largest_trades, _) = ask::records(sql, &of_game(LARGEST_TRADES), id(), 10, cancel).await?;
    let asked = Asked {
        game_id: game_id.to_owned(),
        first_us: microseconds(summary.first_ts.as_deref()),
        last_us: microseconds(summary.last_ts.as_deref()),
        rows_us: microseconds(rows_from.as_deref()).zip(microseconds(rows_to.as_deref())),
    };
    let mut checked = check_fairness::look(app, vec![asked], None, None, cancel).await?;
    let mut proof = checked.proofs.pop();
    let path: Option<Vec<(i64, f64)>> =
        proof.as_ref().and_then(Proof::path).map(|prices| (0..).zip(prices).collect());
    if let Some(proof) = &mut proof {
        proof.differences.truncate(DIFFERENCES);
        // The seed stands on the card already.
        proof.server_seed = None;
    }
    if let Some(rug) = proof.as_ref().and_then(|proof| proof.rug_tick) {
        for bet in &mut largest_sidebets {
            let wins = sidebet::wins(bet.end_tick, i64::from(rug));
            bet.recomputed = Some(if wins { "won" } else { "lost" }.to_owned());
        }
    }

    let history = histories.into_iter().next().unwrap_or_default();
    let history_frame = history.session_id.zip(history.seq).map(|(session_id, seq)| Frame { session_id, seq });
    // The site counts on after the rug; those are not ticks of the game.
    let last = summary.rug_tick.unwrap_or(i64::MAX);
    let mut ticks: Vec<Tick> = ticks.into_iter().filter(|row| row.tick <= last).map(Tick::from).collect();
    let recorded: Vec<(i64, f64)> = ticks.iter().map(|tick| (tick.tick, tick.price)).collect();
    let listed: Vec<(i64, f64)> = (0..).zip(history.prices.unwrap_or_default()).collect();
    let (line, from) = match path {
        Some(path) if path.len() > listed.len().max(recorded.len()) => (path, "seed"),
        _ if listed.len() >= recorded.len() => (listed, "game_history"),
        _ => (recorded, "recorded_ticks"),
    };
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
            proof,
            sidebets,
            sidebets_recomputed: checked.sidebets.remove(game_id),
            largest_sidebets,
            trades,
            largest_trades,
            god_candle_records: checked.god_candles,
            sessions,
            rug_frame,
            history_frame,
        },
        as_of,
    ))
}

/// A game in short and where its rows are, and up to when everything recorded is included.
///
/// # Errors
/// As [`card`].
pub async fn summary(
    app: &App,
    game_id: &str,
    cancel: &CancellationToken,
) -> Result<(Summary, String), ToolError> {
    match record(app, game_id, cancel).await? {
        (Some(summary), as_of) => Ok((summary, as_of)),
        (None, _) => Err(unknown::unknown(app, super::GetGame::NAME, game_id, cancel).await?),
    }
}

/// The same; `None` where the store has no such game.
///
/// # Errors
/// When the store cannot be asked.
pub async fn record(
    app: &App,
    game_id: &str,
    cancel: &CancellationToken,
) -> Result<(Option<Summary>, String), ToolError> {
    let sql = format!("SELECT {ROW}, {SUMMARY} FROM games WHERE game_id = $1");
    let (rows, as_of) = ask::records(&app.sql, &sql, vec![Value::from(game_id)], 1, cancel).await?;
    Ok((rows.into_iter().next(), as_of))
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

const HISTORY: &str = "SELECT ended_at, server_seed, seed_hash, game_version, quality, prices, session_id, seq FROM game WHERE game_id = $1{time}";

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
                     WHERE game_id = $1{time} AND tick IS NOT NULL AND price IS NOT NULL \
                     AND tick_source IS DISTINCT FROM 'seed' GROUP BY tick ORDER BY tick";

/// A bet is in the history once more each time that is broadcast: its id counts once. Live events of an own bet have
/// another id, so they count only where the history was never seen.
const SIDEBETS: &str = "\
SELECT coalesce(money, 'unknown') AS money, count(*) FILTER (WHERE outcome = 'won') AS won,
  count(*) FILTER (WHERE outcome = 'lost') AS lost, sum(stake) AS staked, sum(payout) AS paid_out
FROM (
  SELECT any_value(money) AS money, any_value(outcome) AS outcome, any_value(stake) AS stake,
    any_value(payout) AS payout
  FROM sidebet WHERE game_id = $1{time} AND outcome IN ('won', 'lost')
    AND (origin = 'gameHistory' OR NOT EXISTS (SELECT 1 FROM sidebet WHERE game_id = $1{time} AND origin = 'gameHistory'))
  GROUP BY coalesce(sidebet_id, concat(session_id, ':', seq, ':', ordinal))
)
GROUP BY 1 ORDER BY 1";

const TRADES: &str = "\
SELECT coalesce(side, 'unknown') AS side, count(*) AS seen, sum(amount) AS amount
FROM (
  SELECT any_value(side) AS side, any_value(amount) AS amount FROM trade WHERE game_id = $1{time}
  GROUP BY coalesce(trade_id, concat(session_id, ':', seq, ':', ordinal))
)
GROUP BY 1 ORDER BY 1";

const BETS: &str = "\
SELECT any_value(start_tick) AS start_tick, any_value(end_tick) AS end_tick, any_value(stake) AS stake,
  coalesce(any_value(money), 'unknown') AS money, any_value(outcome) AS outcome, any_value(payout) AS payout,
  min(session_id) AS session_id, arg_min(seq, session_id) AS seq
FROM sidebet
WHERE game_id = $1{time} AND outcome IN ('won', 'lost') AND start_tick IS NOT NULL AND end_tick IS NOT NULL AND stake IS NOT NULL
  AND (origin = 'gameHistory' OR NOT EXISTS (SELECT 1 FROM sidebet WHERE game_id = $1{time} AND origin = 'gameHistory'))
GROUP BY coalesce(sidebet_id, concat(session_id, ':', seq, ':', ordinal))
ORDER BY stake DESC, start_tick LIMIT 10";

const LARGEST_TRADES: &str = "\
SELECT any_value(tick) AS tick, any_value(side) AS side, any_value(amount) AS amount, any_value(price) AS price,
  min(session_id) AS session_id, arg_min(seq, session_id) AS seq
FROM trade WHERE game_id = $1{time} AND amount IS NOT NULL
GROUP BY coalesce(trade_id, concat(session_id, ':', seq, ':', ordinal))
ORDER BY amount DESC, tick LIMIT 10";

/// Older recordings kept ticks instead of frames; their lines have addresses too.
const SESSIONS: &str = "\
SELECT session_id, count(*) AS frames, min(seq) AS first_seq, max(seq) AS last_seq
FROM (SELECT session_id, seq FROM ws_event WHERE game_id = $1{time}
  UNION SELECT session_id, seq FROM game_tick WHERE game_id = $1{time} AND tick_source IS DISTINCT FROM 'seed')
GROUP BY session_id ORDER BY session_id";

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
}
