//! `replayer game show`: one game's card.

use std::process::ExitCode;

use clap::Args;

use super::{Tools, number, price, told, verify};
use crate::cli::{CliError, Out};
use crate::store::root::DataRoot;
use crate::tools::get_game::{self, Card, GetGame};

/// Show one game: outcome, seed and proof, side bets, trades, where its frames are.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The game's id.
    #[arg(value_name = "GAME")]
    game: String,
    /// Print the object that get_game answers, for programs.
    #[arg(long)]
    json: bool,
}

/// Runs it.
pub(super) fn run(args: &ShowArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let asked = get_game::Args { game_id: Some(args.game.clone()), ..get_game::Args::default() };
    let output = Tools::new(root)?.call::<GetGame>(asked)?;
    if args.json {
        out.json(&output)?;
    } else if let Some(card) = &output.game {
        print(card, out)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(card: &Card, out: &mut Out) -> Result<(), CliError> {
    let summary = &card.summary;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let rows = [
        ("first seen", text(&summary.first_ts)),
        ("last seen", text(&summary.last_ts)),
        ("ticks recorded", number(summary.ticks_recorded)),
        ("ticks missing", number(summary.ticks_missing)),
        ("complete", told(summary.complete)),
        ("rug tick", number(summary.rug_tick)),
        ("rug price", number(summary.rug_price)),
        ("peak", price(summary.peak)),
        ("version", text(&card.history.game_version)),
        ("seed", text(&card.history.server_seed)),
        ("seed hash", text(&card.history.seed_hash)),
        ("recorded by", summary.sources.clone().unwrap_or_default().join(", ")),
    ];
    out.line(&summary.game_id)?;
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        out.line(format_args!("  {name:<15} {value}"))?;
    }
    if let Some(proof) = &card.proof {
        verify::print_proof(proof, out)?;
    }
    for bets in &card.sidebets {
        let (won, lost) = (bets.won, bets.lost);
        out.line(format_args!("  side bets       {won} won, {lost} lost ({} money)", bets.money))?;
    }
    if let Some(bets) = &card.sidebets_recomputed {
        out.line(format_args!("  recomputed      {} of {} settlements agree", bets.agree, bets.settled))?;
    }
    for trades in &card.trades {
        out.line(format_args!("  trades          {} {} seen", trades.seen, trades.side))?;
    }
    for session in &card.sessions {
        let (first, last) = (session.first_seq, session.last_seq);
        out.line(format_args!(
            "  frames          {}:{first}…{last} ({} of this game)",
            session.session_id, session.frames
        ))?;
    }
    Ok(())
}
