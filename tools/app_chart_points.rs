//! `app_chart_points`: one game's price path with everything the chart shows. For the chart page only.
//!
//! The line is put together from what the store has for each tick, best source first: the frame of that tick, an
//! older recording of ticks, the revealed seed, the site's price list after the game. The page is told which.

mod line;

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use self::line::{GodCandle, Line, Stored};
use super::get_game::{self, GameRow};
use super::{AgentTool, ask, bounded};
use crate::chart::line::Side;
use crate::chart::own;
use crate::protocol::{price, sidebet};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::server::ui::Ui;
use crate::store::schema::DocType;

/// Points unless asked, and at most; the longest game possible has 5000 ticks.
const POINTS: u64 = 1_200;
const MAX_POINTS: u64 = 6_000;

/// Most trades and side bets of one game that the page gets.
const MAX_TRADES: u64 = 1_000;
const MAX_SIDEBETS: u64 = 500;

/// The tool.
pub struct AppChartPoints;

/// Which part of which game.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The game. Default: the newest.
    pub game_id: Option<String>,
    /// First tick. Default: the first there is.
    pub from_tick: Option<u64>,
    /// Last tick. Default: the last there is.
    pub to_tick: Option<u64>,
    /// Most points, 10 to 6000; beyond, the line is thinned out and keeps its extremes. Default 1200.
    pub max_points: Option<u64>,
}

/// A point: tick, price, index into origins, index into sessions and seq of the frame (null where there is none).
pub type Point = (u64, f64, usize, Option<usize>, Option<u64>);

/// What the chart shows.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The game in short.
    pub game: GameRow,
    /// [tick, price, origin, session, seq], by tick.
    pub points: Vec<Point>,
    /// Where a price may be from: frame, recording, history (the site's list), seed (recomputed).
    pub origins: Vec<String>,
    /// Sessions that points name.
    pub sessions: Vec<String>,
    /// First tick of the game that has a price.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_tick: Option<u64>,
    /// Last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_tick: Option<u64>,
    /// Whether points were left out of the part asked for.
    pub decimated: bool,
    /// Ticks of the game that nobody recorded and that were recomputed from its seed.
    pub repaired: u64,
    /// Announced trades, by tick: a sample of all trades; and own orders, captured or replayed, that were not announced.
    pub trades: Vec<Trade>,
    /// Side bets, by start, own ones that only the order tells of among them.
    pub sidebets: Vec<Sidebet>,
    /// Ticks at which the price went to exactly ten times.
    pub god_candles: Vec<GodCandle>,
    /// The rug, when it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rug: Option<Rug>,
    /// Whether trades or side bets were left out.
    pub truncated: bool,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
}

/// One trade.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Trade {
    /// Tick it was made at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tick: Option<i64>,
    /// buy, sell, short_open or short_close.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub side: Option<String>,
    /// Multiplier.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<f64>,
    /// SOL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub amount: Option<f64>,
    /// Who, by the name they chose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username_untrusted: Option<String>,
    /// Whether it is the logged-in player's, or of an own replay.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub own: bool,
    /// Session of its frame.
    pub session_id: String,
    /// Number of its frame.
    pub seq: u64,
}

/// One side bet: its window and how it ended.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Sidebet {
    /// First tick covered.
    pub start_tick: i64,
    /// Last tick covered.
    pub end_tick: i64,
    /// SOL.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stake: Option<f64>,
    /// won or lost; absent while it is open or unknown.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub outcome: Option<String>,
    /// SOL paid.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub payout: Option<f64>,
    /// real or practice.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub money: Option<String>,
    /// Who, by the name they chose.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub username_untrusted: Option<String>,
    /// Whether it is the logged-in player's, or of an own replay.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub own: bool,
}

/// The end of the game.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Rug {
    /// Its tick.
    pub tick: i64,
    /// The price it fell to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub price: Option<f64>,
    /// The frame that announced it, as session:seq.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_ref: Option<String>,
}

impl AgentTool for AppChartPoints {
    const NAME: &'static str = "app_chart_points";
    const TITLE: &'static str = "Points of the chart";
    const DESCRIPTION: &'static str = "\
For the chart page only (a model should call show_chart or get_game instead): one game's price path, its trades, side \
bets, god candles, rug and proof, up to 6000 points. Too long for a model's context.

Example: {\"game_id\": \"20260214-5f0c\", \"from_tick\": 100, \"to_tick\": 300}";
    const EXAMPLE: &'static str = r#"{"max_points": 500}"#;
    const TIME: Duration = Duration::from_secs(60);
    const READS: &'static [DocType] =
        &[DocType::GameTick, DocType::Game, DocType::SystemEvent, DocType::PlayerAction];
    const UI: Ui = Ui::AppOnly;
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(true)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let game_id = match args.game_id {
            Some(game_id) => game_id,
            None => newest(&app, &cancel).await?,
        };
        let (summary, as_of) = get_game::summary(&app, &game_id, &cancel).await?;
        let time = summary.time();
        let of_game = |text: &str| text.replace("{time}", &time);
        let (game, rug_ref) = (summary.row, summary.rug_ref);
        let id = || vec![Value::from(game_id.as_str())];
        let sound = vec![Value::from(game_id.as_str()), Value::from(price::HIGHEST)];
        let (stored, _) =
            ask::records::<Stored>(&app.sql, &of_game(TICKS), sound, MAX_POINTS * 2, &cancel).await?;
        let (listed, _) = ask::records::<Listed>(&app.sql, &of_game(HISTORY), id(), 1, &cancel).await?;
        let listed = listed.into_iter().next().and_then(|row| row.prices).unwrap_or_default();
        let (mut trades, _) =
            ask::records::<Trade>(&app.sql, &of_game(TRADES), id(), MAX_TRADES + 1, &cancel).await?;
        let (mut sidebets, _) =
            ask::records::<Sidebet>(&app.sql, &of_game(SIDEBETS), id(), MAX_SIDEBETS + 1, &cancel).await?;
        let (orders, _) = ask::records::<own::Row>(&app.sql, own::ORDERS, id(), MAX_POINTS, &cancel).await?;
        add_own(&mut trades, &mut sidebets, &own::orders(orders, game.rug_tick), game.rug_tick);
        let truncated = trades.len() as u64 > MAX_TRADES || sidebets.len() as u64 > MAX_SIDEBETS;
        trades.truncate(usize::try_from(MAX_TRADES).unwrap_or(usize::MAX));
        sidebets.truncate(usize::try_from(MAX_SIDEBETS).unwrap_or(usize::MAX));

        let line = Line::new(stored, &listed, game.rug_tick);
        let most = bounded(args.max_points.map(|most| most.max(10)), POINTS, MAX_POINTS);
        let (points, decimated) = line.part(
            args.from_tick.unwrap_or(0),
            args.to_tick.unwrap_or(u64::MAX),
            usize::try_from(most).unwrap_or(usize::MAX),
        );
        let rug = game.rug_tick.map(|tick| Rug { tick, price: game.rug_price, event_ref: rug_ref });
        Ok(Output {
            points,
            decimated,
            first_tick: line.first(),
            last_tick: line.last(),
            repaired: line.repaired(),
            god_candles: line.god_candles(),
            origins: line::ORIGINS.map(str::to_owned).to_vec(),
            sessions: line.sessions,
            game,
            trades,
            sidebets,
            rug,
            truncated,
            as_of,
        })
    }
}

/// Adds own orders that no announced trade and no recorded side bet is.
fn add_own(trades: &mut Vec<Trade>, sidebets: &mut Vec<Sidebet>, orders: &[own::OwnOrder], rug_tick: Option<i64>) {
    for order in orders {
        if let Some(side) = order.side() {
            let is_it = |trade: &Trade| {
                let of = trade.side.as_deref().and_then(Side::from_word);
                trade.own && trade.tick.is_some_and(|tick| order.is_trade(of, tick))
            };
            if !trades.iter().any(is_it) {
                trades.push(Trade {
                    tick: Some(order.tick),
                    side: Some(side.as_str().to_owned()),
                    price: order.price,
                    amount: order.amount,
                    username_untrusted: None,
                    own: true,
                    session_id: order.session_id.clone(),
                    seq: order.seq,
                });
            }
        }
        if let Some((start_tick, end_tick)) = order.bet()
            && !sidebets.iter().any(|bet| bet.own && order.is_bet(bet.start_tick))
        {
            let won = rug_tick.map(|rug| sidebet::wins(end_tick, rug));
            sidebets.push(Sidebet {
                start_tick,
                end_tick,
                stake: order.amount,
                outcome: won.map(|won| if won { "won" } else { "lost" }.to_owned()),
                payout: None,
                money: None,
                username_untrusted: None,
                own: true,
            });
        }
    }
    trades.sort_by_key(|trade| (trade.tick.is_none(), trade.tick));
    sidebets.sort_by_key(|bet| (bet.start_tick, bet.end_tick));
}

async fn newest(app: &App, cancel: &CancellationToken) -> Result<String, ToolError> {
    #[derive(Deserialize)]
    struct Newest {
        game_id: String,
    }
    let sql = "SELECT game_id FROM games ORDER BY last_ts DESC NULLS LAST, game_id DESC LIMIT 1";
    let (rows, _) = ask::records::<Newest>(&app.sql, sql, Vec::new(), 1, cancel).await?;
    rows.into_iter().next().map(|row| row.game_id).ok_or_else(|| {
        ToolError::new("There is nothing to show", "no game has been recorded or imported yet", "capture {}")
    })
}

/// The history entry's price list.
#[derive(Deserialize)]
struct Listed {
    /// What is no number comes as null.
    prices: Option<Vec<Option<f64>>>,
}

const HISTORY: &str = "SELECT prices FROM game WHERE game_id = $1{time}";

/// The best row of each tick: frames before older recordings before the seed, then the first one. Prices that cannot
/// be (as [`price::is_plausible`]; $2 is the highest) are left out.
const TICKS: &str = "\
SELECT tick, price, coalesce(tick_source, 'frame') AS origin, session_id, seq FROM game_tick
WHERE game_id = $1{time} AND phase IN ('ACTIVE', 'RUGGED') AND tick >= 0 AND price > 0 AND price <= $2
QUALIFY row_number() OVER (PARTITION BY tick ORDER BY
  CASE coalesce(tick_source, 'frame') WHEN 'frame' THEN 0 WHEN 'recording' THEN 1 ELSE 2 END, session_id, seq) = 1
ORDER BY tick";

/// A trade may be in several recordings: its id counts once.
const TRADES: &str = "\
SELECT tick, side, price, amount, username AS username_untrusted, session_id, seq,
  coalesce(player_id IN (SELECT player_id FROM server_state WHERE player_id IS NOT NULL), false) AS own FROM trade
WHERE game_id = $1{time}
QUALIFY row_number() OVER (PARTITION BY coalesce(trade_id, concat(session_id, ':', seq, ':', ordinal))
  ORDER BY session_id, seq) = 1
ORDER BY tick NULLS LAST, session_id, seq";

/// A placement and its payout are two records, and each is broadcast again and again: the window of one player is
/// one bet.
const SIDEBETS: &str = "\
SELECT start_tick, end_tick, any_value(stake) AS stake, any_value(outcome) AS outcome, any_value(payout) AS payout,
  any_value(money) AS money, any_value(username) AS username_untrusted,
  coalesce(bool_or(player_id IN (SELECT player_id FROM server_state WHERE player_id IS NOT NULL)), false) AS own
FROM sidebet WHERE game_id = $1{time} AND start_tick IS NOT NULL AND end_tick IS NOT NULL
GROUP BY start_tick, end_tick, coalesce(player_id, username, sidebet_id)
ORDER BY start_tick, end_tick, username_untrusted";
