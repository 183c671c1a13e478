//! `show_chart`: a game's price path as a picture.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{AgentTool, Image};
use crate::chart::{self, ChartError, Options, Picture, Scale, Summary, Theme, options};
use crate::resources::apps;
use crate::server::App;
use crate::server::errors::ToolError;
use crate::server::ui::Ui;
use crate::store::schema::DocType;

/// From this peak on a linear chart shows little but the peak.
const HIGH_PEAK: f64 = 20.0;

/// The tool.
pub struct ShowChart;

/// Which games, and how the picture is to look.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// The game.
    pub game_id: String,
    /// Up to 5 more games: then all are drawn on one chart, aligned by tick, without trades and side bets.
    pub compare_with: Option<Vec<String>>,
    /// Price axis. linear (default), or log: for peaks above 20, and to see prices below 1.
    pub scale: Option<Scale>,
    /// Mark this tick of game_id, for example where a replay stands: 0 to its last tick.
    pub cursor_tick: Option<i64>,
    /// dark (default) or light.
    pub theme: Option<Theme>,
    /// Pixels, 300 to 2000. Default 1200.
    pub width: Option<u64>,
    /// Pixels, 300 to 2000. Default 700.
    pub height: Option<u64>,
}

/// What is on the picture; the picture itself comes beside it.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The chart in words.
    #[serde(flatten)]
    pub summary: Summary,
    /// What to call next.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
    #[serde(skip)]
    picture: Option<Picture>,
}

impl AgentTool for ShowChart {
    const NAME: &'static str = "show_chart";
    const TITLE: &'static str = "Draw a game";
    const DESCRIPTION: &'static str = "\
Draws a game's price path as a PNG picture, with a short summary of what is on it. Use it when a person wants to see \
a game, or to look at a shape that numbers do not show; for single values ask get_game or query_sql.

- one game: price by tick, peak, rug, god candles (×10 in one tick), trades (buys below the line, sells above it), \
side-bet windows in a strip below (won, lost, open), own trades and bets with an edge, and a strip of the ticks: \
captured, repaired (from the game history or the seed), missing. The head says whether the game is proven from its \
seed. cursor_tick marks a place.
- several (compare_with): one line each, aligned by tick, with peak, rug and proof in the legend.

trades are the sample that the site announces, not all of them. The summary has peak, peak_tick, rug_tick, rug_price, \
proof, god_candles, and counts of captured, repaired and missing ticks, trades and side bets.

Examples: {\"game_id\": \"20260214-5f0c2d1e9a3b4c58\"}
{\"game_id\": \"20260214-5f0c2d1e9a3b4c58\", \"scale\": \"log\", \"cursor_tick\": 120}
{\"game_id\": \"20260214-5f0c2d1e9a3b4c58\", \"compare_with\": [\"20260214-0a1b2c3d4e5f6071\"]}";
    const EXAMPLE: &'static str = r#"{"game_id": "20260214-5f0c2d1e9a3b4c58"}"#;
    const TIME: Duration = Duration::from_secs(75);
    const READS: &'static [DocType] = &[DocType::GameTick, DocType::Game, DocType::SystemEvent];
    const UI: Ui = Ui::ShownBy(apps::CHART);
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(false)
    }

    fn images(output: &mut Output) -> Vec<Image> {
        output
            .picture
            .take()
            .map(|picture| Image { bytes: picture.png, mime_type: "image/png" })
            .into_iter()
            .collect()
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let options = look(&args).map_err(refused)?;
        let mut ids = vec![args.game_id.clone()];
        ids.extend(args.compare_with.unwrap_or_default());
        let cursor = args.cursor_tick.map(|tick| (args.game_id.as_str(), tick));
        let games = chart::load::games(&app.sql, &ids, cursor, &cancel).await.map_err(refused)?;
        let drawn = tokio::task::spawn_blocking(move || {
            let picture = chart::render(&games, &options)?;
            let summary = Summary::of(&games, &options, &picture);
            Ok::<_, ChartError>((picture, summary))
        });
        let (picture, summary) =
            drawn.await.unwrap_or_else(|error| Err(ChartError::Picture(error.to_string()))).map_err(refused)?;
        let high = summary.games.iter().any(|game| game.peak.is_some_and(|peak| peak > HIGH_PEAK));
        let next = (high && options.scale == Scale::Linear).then(|| {
            format!(r#"show_chart {{"game_id": "{}", "scale": "log"}} shows the low prices too"#, args.game_id)
        });
        Ok(Output { summary, next, picture: Some(picture) })
    }
}

/// The options that are asked for, within their bounds.
fn look(args: &Args) -> Result<Options, ChartError> {
    let side = |side: &'static str, asked: Option<u64>, usual: u32| match asked {
        None => Ok(usual),
        Some(asked) => u32::try_from(asked).map_err(|_| ChartError::Size { side, asked }),
    };
    let options = Options {
        width: side("width", args.width, options::WIDTH)?,
        height: side("height", args.height, options::HEIGHT)?,
        scale: args.scale.unwrap_or_default(),
        theme: args.theme.unwrap_or_default(),
    };
    options.check()?;
    Ok(options)
}

/// The reason in the words of a tool.
fn refused(error: ChartError) -> ToolError {
    const WHAT: &str = "There is no chart";
    let list = r#"get_game {"limit": 20} lists games"#.to_owned();
    let next = match &error {
        ChartError::Sql(error) => {
            return ToolError::sql("The store could not be asked", error, "the same call again");
        }
        ChartError::UnknownGame { nearest, .. } => match nearest.first() {
            Some(near) => format!(r#"show_chart {{"game_id": "{near}"}}, or {list}"#),
            None => list,
        },
        ChartError::TooManyGames { .. } => {
            format!("the same call with at most {} games in all", chart::MOST_GAMES)
        }
        ChartError::Size { .. } => "the same call without width and height".to_owned(),
        ChartError::CursorOutside { last, .. } => format!("the same call with a cursor_tick from 0 to {last}"),
        ChartError::Picture(_) => "the same call with a smaller width and height".to_owned(),
        _ => list,
    };
    ToolError::new(WHAT, error.to_string(), next)
}
