//! `replayer demo`: the whole way in under a minute, without network. Fair games are played on a local Socket.IO
//! server, recorded from it through the real capture into a temporary root, and then asked about over a real MCP
//! connection.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use rmcp::model::CallToolRequestParams;
use rmcp::service::RunningService;
use rmcp::transport::TokioChildProcess;
use rmcp::{RoleClient, ServiceExt};
use serde_json::{Value, json};

use super::out::{bytes, count, spinner};
use super::{CliError, Out};
use crate::capture::{Capture, Options};
use crate::simulator::Config;
use crate::simulator::serve::{self, LogTo, Play, ServerConfig};
use crate::store::catalog::Catalog;
use crate::store::root::DataRoot;
use crate::store::schema::DocType;

/// Play, record and ask, without network: see everything work in under a minute.
///
/// Simulated games are provably fair and look like the real ones on the wire. A local server plays them; they are
/// recorded from it into a temporary folder, sealed into Parquet, and asked about through a real MCP connection.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Games to play.
    #[arg(long, default_value_t = 12, value_name = "N")]
    games: u16,
    /// Keep the recorded data in this new or empty folder, to go on with: `replayer --data DIR sql "…"`.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Decides the games; the same number gives the same games.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

type Client = RunningService<RoleClient, ()>;

/// Runs `replayer demo`.
///
/// # Errors
/// When recording or asking fails: then something is wrong with this build or machine.
pub fn run(args: DemoArgs, out: &mut Out) -> Result<ExitCode, CliError> {
    let scratch = tempfile::tempdir()?;
    let path = match &args.keep {
        Some(folder) if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) => {
            return Err(CliError::Failed(format!("{} is not empty: name a new folder", folder.display())));
        }
        Some(folder) => folder.clone(),
        None => scratch.path().join("rugs_data"),
    };
    let root = DataRoot::create(path)?;
    out.line("REPLAYER demo\n")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(record(&args, &root, out))?;
    super::context::refresh(&root)?;
    runtime.block_on(ask(&root, out))?;
    if let Some(folder) = &args.keep {
        out.line(format_args!(
            "\nThe data is kept: replayer --data {} sql \"SELECT * FROM games\"",
            folder.display()
        ))?;
    }
    out.line("\nNext: `replayer doctor` prints the configuration for your chat client; the README has the rest.")?;
    Ok(ExitCode::SUCCESS)
}

/// Game time per real time: a game takes a third of a second.
const SPEED: f64 = 200.0;

/// After the last frame was sent, so that it is received too.
const LAST_FRAMES: Duration = Duration::from_millis(300);

/// Plays on a real Socket.IO server, and records from it as `replayer record` does.
async fn record(args: &DemoArgs, root: &DataRoot, out: &mut Out) -> Result<(), CliError> {
    let began = Instant::now();
    let games = usize::from(args.games.max(1));
    let config = Config { games, seed: args.seed, logged_in: true, keep_truths: false, ..Config::default() };
    let play = ServerConfig {
        speed: SPEED,
        play: Play::Games(config),
        hold: true,
        log: LogTo::Nowhere,
        ..ServerConfig::default()
    };
    let site = serve::start(play).await?;
    let mut options = Options::new("demo");
    options.feed_address = format!("ws://{}", site.addr());
    let capture = Capture::start(root.clone(), options);
    let bar = spinner("playing and recording");
    site.finished().await;
    bar.finish_and_clear();
    tokio::time::sleep(LAST_FRAMES).await;
    capture.stop().await?;
    let raw = site.status().bytes;
    site.stop().await;
    let catalog = Catalog::load(root)?;
    let sealed: u64 = catalog.parts.iter().map(|part| part.bytes).sum();
    out.line(format_args!(
        "1. Played {games} provably fair games on a local Socket.IO server and recorded {} frames ({}) from it in \
         {:.1} s.\n   Each was durable in the journal before anything else saw it; sealed, they take {} of Parquet \
         in {} parts.\n",
        count(catalog.rows(DocType::WsEvent)),
        bytes(raw),
        began.elapsed().as_secs_f64(),
        bytes(sealed),
        catalog.parts.len()
    ))?;
    Ok(())
}

async fn ask(root: &DataRoot, out: &mut Out) -> Result<(), CliError> {
    let mut command = tokio::process::Command::new(std::env::current_exe()?);
    command.args(["serve", "--capture", "off", "--data"]).arg(root.path()).env("RUST_LOG", "warn");
    let client: Client = ().serve(TokioChildProcess::new(command)?).await.map_err(failed("connecting"))?;
    let tools = client.list_all_tools().await.map_err(failed("listing the tools"))?;
    let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_ref()).collect();
    out.line(format_args!(
        "2. Connected to `replayer serve` over MCP on stdio. Its tools: {}.\n",
        names.join(", ")
    ))?;
    questions(&client, root.path(), out).await?;
    client.cancel().await.map_err(failed("closing"))?;
    Ok(())
}

async fn questions(client: &Client, root: &Path, out: &mut Out) -> Result<(), CliError> {
    question(out, "Which games were recorded, and how high did they go?")?;
    let games = call(client, out, "get_game", json!({"limit": 5})).await?;
    show(out, &games)?;

    question(out, "Are those games what their seeds say, and how many ticks were caught?")?;
    let sql = "SELECT count(*) AS games, count(*) FILTER (WHERE proven) AS proven_from_seed, \
               sum(ticks_recorded) AS ticks, round(median(peak), 2) AS median_peak FROM games WHERE has_seed";
    let proven = call(client, out, "query_sql", json!({"sql": sql})).await?;
    table(out, &proven)?;

    question(out, "Do side bets pay? (five-fold, when the rug comes within 40 ticks)")?;
    let sql = "SELECT outcome, count(*) AS bets, round(sum(stake), 3) AS staked_sol, round(sum(profit), 3) AS \
               profit_sol FROM sidebet WHERE kind = 'payout' GROUP BY outcome ORDER BY outcome";
    let bets = call(client, out, "query_sql", json!({"sql": sql})).await?;
    table(out, &bets)?;

    question(out, "Show me the frame of the last rug itself.")?;
    let sql = "SELECT session_id, seq FROM game_tick WHERE rugged ORDER BY ts DESC, seq DESC LIMIT 1";
    let place = call(client, out, "query_sql", json!({"sql": sql})).await?;
    let row = place.pointer("/rows/0").and_then(Value::as_array).cloned().unwrap_or_default();
    if let [Value::String(session), seq] = row.as_slice() {
        let arguments = json!({"refs": [format!("{session}:{seq}")], "max_text": 300});
        let events = call(client, out, "get_events", arguments).await?;
        show(out, &events)?;
    }

    question(out, "(a hostile prompt) Overwrite the evidence.")?;
    let attack = format!("COPY (SELECT 1) TO '{}/events_parquet/evil.parquet'", root.display());
    let refused = call(client, out, "query_sql", json!({"sql": attack})).await?;
    show(out, &refused)?;

    question(out, "Give me the ticks for my notebook.")?;
    let exported =
        call(client, out, "export_dataset", json!({"format": "parquet", "dataset": "game_tick"})).await?;
    show(out, &exported)?;
    Ok(())
}

fn question(out: &mut Out, text: &str) -> Result<(), CliError> {
    Ok(out.line(format_args!("Q  {text}"))?)
}

/// Calls a tool as an agent does; a refusal is an answer too.
async fn call(client: &Client, out: &mut Out, tool: &'static str, arguments: Value) -> Result<Value, CliError> {
    out.line(format_args!("   → {tool} {}", shortened(&arguments.to_string(), 220)))?;
    let request =
        CallToolRequestParams::new(tool).with_arguments(arguments.as_object().cloned().unwrap_or_default());
    let result = client.call_tool(request).await.map_err(failed(tool))?;
    match result.structured_content {
        Some(value) => Ok(value),
        None => {
            let text = result.content.first().and_then(|content| content.as_text()).map(|text| text.text.clone());
            Ok(Value::String(text.unwrap_or_default()))
        }
    }
}

fn show(out: &mut Out, answer: &Value) -> Result<(), CliError> {
    let text = match answer {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    Ok(out.line(format_args!("   ← {}\n", shortened(&text, 700)))?)
}

/// A result of columns and rows as a person reads it.
fn table(out: &mut Out, answer: &Value) -> Result<(), CliError> {
    let names = answer.get("columns").and_then(Value::as_array).cloned().unwrap_or_default();
    let head: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    let rows = answer.get("rows").and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.as_array().map_or_else(Vec::new, |row| row.iter().map(text).collect()))
        .collect();
    out.table(&head, &rows)?;
    Ok(out.line("")?)
}

fn shortened(text: &str, most: usize) -> String {
    let cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() { format!("{cut} …") } else { cut }
}

fn failed<E: std::fmt::Display>(doing: &'static str) -> impl FnOnce(E) -> CliError {
    move |error| {
        CliError::Failed(format!("{doing} over MCP failed: {error}. `replayer doctor` looks for the cause"))
    }
}
