//! `replayer game verify`: games against their seeds, and the capture audit. Exit code 1 when something differs.

use std::process::ExitCode;

use clap::Args;

use super::Tools;
use crate::cli::out::{count, spinner};
use crate::cli::{CliError, Out};
use crate::replay::proof::audit::{Audit, Tally};
use crate::replay::proof::verdict::{Proof, Verdict};
use crate::store::root::DataRoot;
use crate::tools::check_fairness::{self, CheckFairness, Detail, Output, SESSIONS};

/// Prove games from their revealed seeds: every recorded price is compared, side bets are recomputed.
///
/// With a game: that game in full. With filters or --all: counts, and the games that differ. The exit code is 1 when
/// anything recorded is not what the seed gives, also where only the announced peak or version contradicts the prices.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// The game's id.
    #[arg(value_name = "GAME", conflicts_with_all = ["all", "session", "from", "until", "limit"])]
    game: Option<String>,
    /// Every game of the store, instead of the newest 200.
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Only games that this session saw.
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Only games that ended at this time or later, like 2026-11-23T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Only games that began before this time.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// At most so many games, the newest.
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    /// Also audit the capture: ticks captured, repaired (from what), unknown.
    #[arg(long)]
    audit: bool,
    /// Print the object that check_fairness answers, for programs; with --all one object per page, a line each.
    #[arg(long)]
    json: bool,
}

/// Games per page of --all.
const PAGE: u64 = 1_000;

/// Runs it.
pub(super) fn run(args: &VerifyArgs, root: &DataRoot, out: &mut Out) -> Result<ExitCode, CliError> {
    let tools = Tools::new(root)?;
    let mut asked = check_fairness::Args {
        game_id: args.game.clone(),
        session_id: args.session.clone(),
        from: args.from.clone(),
        until: args.until.clone(),
        limit: if args.all { Some(PAGE) } else { args.limit },
        before: None,
        audit: Some(args.audit),
        detail: Some(Detail::Summary),
        all_sessions: true,
    };
    let bar = spinner("proving games");
    let mut pages = Pages::default();
    loop {
        let output = tools.call::<CheckFairness>(asked.clone())?;
        asked.before.clone_from(&output.before);
        if args.json {
            out.json(&output)?;
        }
        let last = !args.all || output.before.is_none();
        pages.add(output);
        bar.set_message(format!("{} games proven or not", pages.games));
        if last {
            break;
        }
    }
    bar.finish_and_clear();
    if !args.json {
        let left_out = pages.audit.as_mut().map(|audit| audit.keep_worst(SESSIONS)).unwrap_or_default();
        pages.print(out)?;
        if let Some(session) = left_out.first() {
            out.line(format_args!(
                "{} more sessions are not listed, none lost more: --session {} --audit shows one, \
                 --json has all",
                left_out.len(),
                session.session_id
            ))?;
        }
    }
    Ok(if pages.sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The pages of one run, added up.
#[derive(Default)]
struct Pages {
    games: u64,
    proven: u64,
    differs: u64,
    contradicted: u64,
    unproven: Vec<(String, u64)>,
    rules: (u64, u64),
    prices: u64,
    bets: (u64, u64, u64),
    shown: Vec<Proof>,
    audit: Option<Audit>,
    more: bool,
}

impl Pages {
    fn add(&mut self, output: Output) {
        let summary = output.summary;
        self.games += summary.games;
        self.proven += summary.proven;
        self.differs += summary.differs;
        self.contradicted += summary.proven_but_contradicted;
        self.prices += summary.prices_compared;
        self.rules.0 += summary.rug_price_rule_holds;
        self.rules.1 += summary.rug_price_rule_broken;
        for (why, games) in summary.unproven_why {
            match self.unproven.iter_mut().find(|(known, _)| known == why.explain()) {
                Some((_, known)) => *known += games,
                None => self.unproven.push((why.explain().to_owned(), games)),
            }
        }
        if let Some(bets) = output.sidebets {
            self.bets.0 += bets.settled;
            self.bets.1 += bets.agree;
            self.bets.2 += bets.differ;
        }
        self.shown.extend(output.game);
        self.shown.extend(output.differing);
        if let Some(audit) = output.audit {
            self.audit.get_or_insert_default().absorb(audit);
        }
        self.more = output.before.is_some();
    }

    fn sound(&self) -> bool {
        self.differs == 0 && self.contradicted == 0 && self.rules.1 == 0 && self.bets.2 == 0
    }

    fn print(&self, out: &mut Out) -> Result<(), CliError> {
        for proof in &self.shown {
            out.line(&proof.game_id)?;
            print_proof(proof, out)?;
        }
        out.line(format_args!(
            "{} games: {} proven, {} differ, {} unproven; {} prices compared",
            count(self.games),
            count(self.proven),
            count(self.differs),
            count(self.unproven.iter().map(|(_, games)| games).sum()),
            count(self.prices)
        ))?;
        if self.contradicted > 0 {
            let games = count(self.contradicted);
            out.line(format_args!(
                "  {games} of the proven: the announced peak or version contradicts the prices"
            ))?;
        }
        for (why, games) in &self.unproven {
            out.line(format_args!("  {games} unproven: {why}"))?;
        }
        let (holds, broken) = self.rules;
        out.line(format_args!(
            "rug price = min(earlier) × (1 − 0.98): {holds} games with every price, {broken} exceptions"
        ))?;
        let (settled, agree, differ) = self.bets;
        if settled > 0 {
            out.line(format_args!("side bets: {settled} settlements recomputed, {agree} agree, {differ} differ"))?;
        }
        if let Some(audit) = &self.audit {
            print_audit(audit, out)?;
        }
        if self.more {
            out.line("there are more games: --all, or --until with an earlier time")?;
        }
        Ok(())
    }
}

/// A proof in a few lines.
pub(super) fn print_proof(proof: &Proof, out: &mut Out) -> Result<(), CliError> {
    let verdict = match proof.verdict {
        Verdict::Proven => {
            let inferred = if proof.version_inferred { " by the rules " } else { "" };
            let version = proof.version.as_deref().filter(|_| proof.version_inferred).unwrap_or_default();
            format!("proven: {} recorded prices are what the seed gives{inferred}{version}", proof.prices_compared)
        }
        Verdict::Differs => format!("DIFFERS from its seed in {} values", proof.differences_total),
        Verdict::Unproven => format!("unproven: {}", proof.because.as_deref().unwrap_or_default()),
    };
    out.line(format_args!("  {:<15} {verdict}", "proof"))?;
    for difference in &proof.differences {
        out.line(format_args!("  {:<15} {}", "", difference.in_words()))?;
    }
    if let Some(missing) = proof.ticks_missing.filter(|missing| *missing > 0) {
        let filled = if proof.ticks_filled > 0 { ", filled from the seed" } else { "" };
        out.line(format_args!("  {:<15} {missing} ticks were not recorded{filled}", ""))?;
    }
    Ok(())
}

fn print_audit(audit: &Audit, out: &mut Out) -> Result<(), CliError> {
    let row = |name: &str, tally: &Tally| {
        let numbers = [
            tally.played,
            tally.captured,
            tally.from_partial_prices,
            tally.from_connect_snapshot,
            tally.from_game_history,
            tally.from_seed,
            tally.unknown,
        ];
        std::iter::once(name.to_owned()).chain(numbers.map(count)).collect::<Vec<String>>()
    };
    let mut rows = vec![
        row("all: connected", &audit.total.connected),
        row("all: not connected", &audit.total.disconnected),
        row("all: outside sessions", &audit.total.outside),
    ];
    for session in &audit.sessions {
        let note = if session.connections_told { "" } else { " (assumed connected)" };
        rows.push(row(&format!("{}{note}", session.session_id), &session.ticks.connected));
    }
    let head = ["ticks while", "played", "captured", "partialPrices", "snapshot", "history", "seed", "unknown"];
    out.table(&head, &rows)?;
    if let Some((captured, known)) = audit.captured_percent.zip(audit.known_percent) {
        out.line(format_args!("while connected: {captured:.3} % captured, {known:.3} % known"))?;
    }
    Ok(())
}
