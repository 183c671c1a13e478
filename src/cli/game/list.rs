//! `replayer game list`: the recorded games, newest first.

use std::process::ExitCode;

use clap::Args;

use super::{Tools, number, price, told};
use crate::cli::{CliError, Out};
use crate::store::root::DataRoot;
use crate::tools::get_game::{self, GetGame, Order};

/// List recorded games, newest first.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Games to list, at most 100.
    #[arg(long, default_value_t = 20, value_name = "N")]
    limit: u64,
    /// newest, oldest, peak or longest first.
    #[arg(long, default_value = "newest", value_parser = ["newest", "oldest", "peak", "longest"])]
    order: String,
    /// Go on after this: what the list said at its end, or a time.
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
    /// Print the object that get_game answers, for programs.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(args: &ListArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let order = match args.order.as_str() {
        "oldest" => Order::Oldest,
        "peak" => Order::Peak,
        "longest" => Order::Longest,
        _ => Order::Newest,
    };
    let asked =
        get_game::Args { game_id: None, limit: Some(args.limit), before: args.before.clone(), order: Some(order) };
    let output = Tools::new(root)?.call::<GetGame>(asked)?;
    if args.json {
        out.json(&output)?;
        return Ok(ExitCode::SUCCESS);
    }
    let games = output.games.unwrap_or_default();
    let rows: Vec<Vec<String>> = games
        .iter()
        .map(|game| {
            vec![
                game.game_id.clone(),
                game.first_ts.as_deref().map_or_else(String::new, |ts| ts.chars().take(19).collect()),
                number(game.ticks_recorded),
                number(game.rug_tick),
                price(game.peak),
                told(game.complete),
                told(game.proven),
            ]
        })
        .collect();
    out.table(&["game", "first seen", "ticks", "rug", "peak", "complete", "proven"], &rows)?;
    match (&output.before, &output.next) {
        (Some(before), _) => out.line(format_args!("more: --before '{before}'"))?,
        (None, Some(next)) => out.line(next)?,
        (None, None) => {}
    }
    Ok(ExitCode::SUCCESS)
}
