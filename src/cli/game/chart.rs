//! `replayer game chart GAME… --output FILE`: what the agents' tool show_chart draws, as a file.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::super::{CliError, Out};
use crate::chart::scale::multiplier;
use crate::chart::{self, ChartError, GameLine, Options, Scale, Summary, Theme, options};
use crate::sql::{Config, SqlClient};
use crate::store::root::DataRoot;

/// Draw a game's price path as a PNG, or several games to compare.
///
/// One game: price, rug, peak, god candles, trades and side bets that were seen (own ones with an edge), which ticks
/// were captured, repaired or missing, and whether the game is proven. Several: one line each, aligned by tick.
#[derive(Debug, Args)]
pub struct ChartArgs {
    /// Ids of one to six games; `replayer sql "SELECT game_id FROM games"` lists them.
    #[arg(value_name = "GAME", required = true)]
    games: Vec<String>,
    /// The PNG to write; a file of this name is replaced.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// Logarithmic price axis: for high peaks.
    #[arg(long)]
    log: bool,
    /// Colours.
    #[arg(long, value_enum, default_value_t = Theme::Dark)]
    theme: Theme,
    /// Pixels, 300 to 2000.
    #[arg(long, default_value_t = options::WIDTH, value_name = "PIXELS")]
    width: u32,
    /// Pixels, 300 to 2000.
    #[arg(long, default_value_t = options::HEIGHT, value_name = "PIXELS")]
    height: u32,
    /// Mark this tick of the first game, from 0 to its last one.
    #[arg(long, value_name = "TICK", allow_negative_numbers = true)]
    cursor: Option<i64>,
    /// Print what is on the picture as JSON, for programs.
    #[arg(long)]
    json: bool,
}

/// Runs `replayer game chart`.
///
/// # Errors
/// When a game is not in the store or has no prices, when a size is out of bounds, when the file cannot be written.
pub fn run(args: ChartArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let options = Options {
        width: args.width,
        height: args.height,
        scale: if args.log { Scale::Log } else { Scale::Linear },
        theme: args.theme,
    };
    options.check().map_err(failed)?;
    let is_png = args.output.extension().is_none_or(|extension| extension.eq_ignore_ascii_case("png"));
    if !is_png {
        let file = args.output.display();
        return Err(CliError::Failed(format!("{file} would not be a PNG: give a file name that ends in .png")));
    }
    let root = DataRoot::open(path)?;
    let games = load(&root, &args)?;
    let picture = chart::render(&games, &options).map_err(failed)?;
    std::fs::write(&args.output, &picture.png).map_err(|error| {
        CliError::Failed(format!("{} cannot be written: {error}; give another --output", args.output.display()))
    })?;
    let summary = Summary::of(&games, &options, &picture);
    if args.json {
        out.json(&summary)?;
        return Ok(ExitCode::SUCCESS);
    }
    for game in &summary.games {
        let peak = game.peak.map_or_else(|| "no price".to_owned(), |peak| format!("peak {}", multiplier(peak)));
        let rug = match (game.rug_tick, game.rug_price) {
            (Some(tick), Some(price)) => format!("rug at tick {tick}, {}", multiplier(price)),
            (Some(tick), None) => format!("rug at tick {tick}"),
            (None, _) => "no rug seen".to_owned(),
        };
        let corrupted = match game.corrupted.first() {
            Some(first) => format!(", {} corrupted (the first is {first})", game.ticks_corrupted),
            None => String::new(),
        };
        out.line(format_args!(
            "{}  {peak}, {rug}, {}; {} ticks captured, {} repaired, {} unknown{corrupted}",
            game.game_id,
            game.proof,
            game.ticks_captured,
            game.ticks_from_history + game.ticks_from_seed + game.ticks_repaired,
            game.ticks_unknown
        ))?;
    }
    let file = args.output.display();
    out.line(format_args!("{file}: {} × {} pixels, {} bytes", summary.width, summary.height, summary.bytes))?;
    Ok(ExitCode::SUCCESS)
}

fn load(root: &DataRoot, args: &ChartArgs) -> Result<Vec<GameLine>, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::Failed(format!("the SQL worker cannot be started: {error}; try again")))?;
    let cursor = args.games.first().map(String::as_str).zip(args.cursor);
    runtime.block_on(async {
        let sql = SqlClient::new(Config::new(root.path()));
        let games = chart::load::games(&sql, &args.games, cursor, &CancellationToken::new()).await;
        sql.shutdown().await;
        games.map_err(failed)
    })
}

fn failed(error: ChartError) -> CliError {
    match error {
        ChartError::Sql(error) => CliError::Sql(error),
        ChartError::UnknownGame { .. } => CliError::Failed(format!("{error}. `replayer game list` lists games")),
        other => CliError::Failed(other.to_string()),
    }
}
