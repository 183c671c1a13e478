//! `replayer index`: make the semantic index, ask it, measure it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::out::{bytes, count, progress, spinner, time};
use super::{CliError, Out};
use crate::index::build::{self, Scope};
use crate::index::checkpoint::Checkpoint;
use crate::index::embed::{self, Embedder, ModelState, Settings, fetch};
use crate::index::eval::{self, Questions, Scores};
use crate::index::units::UnitKind;
use crate::index::{IndexError, Reader, Service, gather, live};
use crate::store::lease::Lease;
use crate::store::root::DataRoot;
use crate::tools::search;
use crate::verify::explore::Explorer;

/// The semantic index: texts about the protocol and the recorded games, found by meaning and by keywords.
#[derive(Debug, Args)]
pub struct IndexArgs {
    #[command(subcommand)]
    command: IndexCommand,
}

#[derive(Debug, Subcommand)]
enum IndexCommand {
    /// Make the index from the recorded data, or bring it up to date. What has not changed is not embedded again.
    Build(BuildArgs),
    /// Keep the index up to date while something records: a finished game is found within seconds. Ends when its
    /// input ends. `replayer record` and `replayer serve` start this by themselves while they record.
    Follow {
        /// Do not fetch the embedding model when it is not there: keywords alone.
        #[arg(long)]
        no_fetch: bool,
    },
    /// Ask the index, as the tool search does.
    Query(Box<QueryArgs>),
    /// What is in the index and which model made it.
    Stats {
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
    },
    /// Ask the questions of a file and say how often the answer is found: hybrid, by meaning, by keywords, and with
    /// one sentence per event instead of units.
    Eval {
        /// Questions with what their answers must hold: {"questions": [{"id", "question", "must_include": {"events",
        /// "fields"}}]}.
        file: PathBuf,
        /// Print JSON for programs.
        #[arg(long)]
        json: bool,
        /// Leave out the naive index, which takes a minute to embed.
        #[arg(long)]
        no_naive: bool,
    },
}

#[derive(Debug, Args)]
struct BuildArgs {
    /// Make a new table and put it in the place of the old one.
    #[arg(long, conflicts_with = "incremental")]
    full: bool,
    /// Only what is new or changed (the default).
    #[arg(long)]
    incremental: bool,
    /// Do not fetch the embedding model when it is not there: keywords alone.
    #[arg(long)]
    no_fetch: bool,
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct QueryArgs {
    /// What to look for, in plain words or by exact name.
    query: String,
    /// Only this kind of text, like event_card.
    #[arg(long)]
    kind: Option<String>,
    /// Only about this event.
    #[arg(long)]
    event: Option<String>,
    /// Only about rows of this kind, like game_tick.
    #[arg(long)]
    doc_type: Option<String>,
    /// Only about this game.
    #[arg(long)]
    game: Option<String>,
    /// Only from this session.
    #[arg(long)]
    session: Option<String>,
    /// Only from frames recorded this way.
    #[arg(long)]
    source: Option<String>,
    /// Only about times from here on, like 2026-11-23.
    #[arg(long)]
    from: Option<String>,
    /// Only about times before.
    #[arg(long)]
    until: Option<String>,
    /// Hits to show.
    #[arg(long, default_value_t = 8)]
    limit: u64,
    /// Hits to pass over.
    #[arg(long, default_value_t = 0)]
    offset: u64,
    /// Whole texts.
    #[arg(long)]
    detailed: bool,
    /// Print the object that search answers, for programs.
    #[arg(long)]
    json: bool,
}

/// Runs `replayer index …`.
///
/// # Errors
/// Those of the index and the store; the message says what to do.
pub fn run(args: IndexArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let root = DataRoot::open(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let done = match args.command {
        IndexCommand::Build(args) => runtime.block_on(make(&root, &args, out)),
        IndexCommand::Follow { no_fetch } => runtime.block_on(follow(&root, !no_fetch, out)),
        IndexCommand::Query(args) => runtime.block_on(query(&root, *args, out)),
        IndexCommand::Stats { json } => runtime.block_on(stats(&root, json, out)),
        IndexCommand::Eval { file, json, no_naive } => {
            runtime.block_on(evaluate(&root, &file, json, no_naive, out))
        }
    };
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    done.map(|()| ExitCode::SUCCESS)
}

async fn make(root: &DataRoot, args: &BuildArgs, out: &mut Out) -> Result<(), CliError> {
    let root = &DataRoot::create(root.path())?;
    let _lock = Lease::index(root, if args.full { "index build --full" } else { "index build --incremental" })?;
    let embedder = model(!args.no_fetch)?;
    let waiting = spinner("reading the recorded data");
    let gathered = if args.full { gather::all(root)? } else { gather::due(root, embedder.is_some()).await? };
    let scope = if args.full { Scope::Full } else { gathered.scope };
    waiting.finish_and_clear();
    let begun = std::time::Instant::now();
    let bar = progress(gathered.expected, "units");
    let built = build::build(root, scope, gathered.units, Some(gathered.sources), embedder, |done| {
        bar.set_length(done.max(gathered.expected));
        bar.set_position(done);
    })
    .await?;
    bar.finish_and_clear();
    let seconds = begun.elapsed().as_secs_f64();
    if args.json {
        out.json(&json!({"built": built, "seconds": seconds}))?;
        return Ok(());
    }
    out.line(format_args!(
        "{} units: {} new or changed, {} unchanged, {} removed; {} texts embedded in {seconds:.1} s",
        count(built.units),
        count(built.written),
        count(built.unchanged),
        count(built.removed),
        count(built.embedded),
    ))?;
    if !built.vectors {
        out.line("without vectors: search works by keywords. `replayer model fetch`, then this command again")?;
    }
    Ok(())
}

/// Updates the index until the input ends, is closed by whoever started this, or a signal comes.
async fn follow(root: &DataRoot, may_fetch: bool, out: &mut Out) -> Result<(), CliError> {
    // The recorder goes first.
    #[cfg(unix)]
    let _ = rustix::process::nice(10);
    let embedder = model(may_fetch)?;
    let stop = CancellationToken::new();
    let over = stop.clone();
    // A thread, not a task: nothing can cancel a pending read of stdin.
    std::thread::Builder::new().name("until-stdin-ends".into()).spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        over.cancel();
    })?;
    let asked = stop.clone();
    tokio::spawn(async move {
        crate::server::run::stop_signal().await;
        asked.cancel();
    });
    let told = |built: &build::Built, took: std::time::Duration| {
        if built.written + built.removed > 0 {
            let line = format!(
                "{} new or changed, {} removed, {} units; {} ms",
                built.written,
                built.removed,
                built.units,
                took.as_millis()
            );
            // Whoever started this may not listen.
            let _ = out.line(line);
        }
    };
    Ok(live::follow(root, embedder, stop, told).await?)
}

/// The model in force; fetched when it is not there and may be. Without one the index is made without vectors.
fn model(may_fetch: bool) -> Result<Option<Arc<dyn Embedder>>, CliError> {
    let settings = Settings::from_env()?;
    if let ModelState::Missing { reason, how } = embed::state(&settings) {
        if !may_fetch {
            eprintln!("replayer: {reason}. {how}");
            return Ok(None);
        }
        let bar = spinner("fetching the embedding model, once");
        let fetched = fetch::fetch(&settings, false, &mut |_| bar.tick());
        bar.finish_and_clear();
        if let Err(error) = fetched {
            eprintln!("replayer: {error}");
            return Ok(None);
        }
    }
    Ok(Some(embed::open(&settings)?))
}

async fn query(root: &DataRoot, args: QueryArgs, out: &mut Out) -> Result<(), CliError> {
    let service = Service::of_environment(root.path());
    let asked = search::Args {
        query: args.query,
        kind: args.kind,
        event_name: args.event,
        doc_type: args.doc_type,
        game_id: args.game,
        session_id: args.session,
        source: args.source,
        from: args.from,
        until: args.until,
        detailed: Some(args.detailed),
        limit: Some(args.limit),
        offset: Some(args.offset),
    };
    let marks = Explorer::new(root.path()).marks();
    let answer =
        search::answer(&service, &marks, &asked).await.map_err(|error| CliError::Failed(error.to_string()))?;
    if args.json {
        out.json(&answer)?;
        return Ok(());
    }
    if args.detailed {
        for hit in &answer.hits {
            let mark = hit.mark.as_deref().map_or(String::new(), |mark| format!(", {mark}"));
            out.line(format_args!("{}  [{}, {}{mark}]\n{}\n", hit.title, hit.kind, hit.tier, hit.text))?;
            out.line(format_args!("  {}; {}\n", hit.why.join("; "), hit.evidence.join(" ")))?;
        }
    } else {
        let rows: Vec<Vec<String>> = answer
            .hits
            .iter()
            .map(|hit| {
                let text: String = hit.text.chars().take(160).collect();
                vec![hit.kind.clone(), hit.title.clone(), text.replace('\n', " "), hit.why.join("; ")]
            })
            .collect();
        out.table(&["kind", "title", "text", "why"], &rows)?;
    }
    let more = answer.offset.map_or_else(String::new, |offset| format!("; more with --offset {offset}"));
    out.line(format_args!("{} hits, {}{more}", answer.hits.len(), answer.mode))?;
    if let Some(note) = answer.note {
        out.line(note)?;
    }
    Ok(())
}

async fn stats(root: &DataRoot, as_json: bool, out: &mut Out) -> Result<(), CliError> {
    let reader = Reader::open(root).await?;
    let checkpoint = Checkpoint::load(root)?.unwrap_or_default();
    let table = reader.table();
    let kinds = table.values("kind").await?;
    let (without, indexed) = (table.without_vector().await?, table.has_vector_index().await?);
    let unindexed = table.unindexed().await?;
    let size = folder_size(&checkpoint.table_dir(root));
    if as_json {
        out.json(&json!({
            "units": reader.table().count().await?, "kinds": kinds, "model": checkpoint.model,
            "dimension": checkpoint.dimension, "without_vector": without, "vector_index": indexed,
            "not_in_keyword_index": unindexed, "sources": checkpoint.sources.len(),
            "unfinished": checkpoint.unfinished, "updated_us": checkpoint.updated_us, "bytes": size,
            "table": checkpoint.table_dir(root),
        }))?;
        return Ok(());
    }
    let rows: Vec<Vec<String>> = UnitKind::ALL
        .iter()
        .map(|kind| vec![kind.as_str().to_owned(), count(kinds.get(kind.as_str()).copied().unwrap_or(0))])
        .collect();
    out.table(&["kind", "units"], &rows)?;
    match &checkpoint.model {
        Some(model) => out.line(format_args!("model      {model}"))?,
        None => out.line("model      none: keywords alone")?,
    }
    out.line(format_args!("updated    {}", time(Some(checkpoint.updated_us))))?;
    out.line(format_args!("on disk    {} in {}", bytes(size), checkpoint.table_dir(root).display()))?;
    if without > 0 && checkpoint.model.is_some() {
        out.line(format_args!("{} units wait for their vector: `replayer index build`", count(without)))?;
    }
    if checkpoint.unfinished {
        out.line("the last update was interrupted: `replayer index build` finishes it")?;
    }
    Ok(())
}

fn folder_size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| {
            let path = entry.path();
            if path.is_dir() { folder_size(&path) } else { entry.metadata().map_or(0, |meta| meta.len()) }
        })
        .sum()
}

async fn evaluate(
    root: &DataRoot,
    file: &Path,
    as_json: bool,
    no_naive: bool,
    out: &mut Out,
) -> Result<(), CliError> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| CliError::Failed(format!("cannot read {}: {error}", file.display())))?;
    let questions = Questions::parse(&text)?;
    let service = Service::of_environment(root.path());
    let (embedder, missing) = service.model().await;
    let reader = service.reader().await?;
    let waiting = spinner("asking");
    let sentences = if no_naive { Vec::new() } else { eval::naive::sentences(root)? };
    let report = eval::run(&reader, &questions, &sentences, embedder, missing.as_deref()).await?;
    waiting.finish_and_clear();
    if as_json {
        out.json(&report)?;
        return Ok(());
    }
    let row = |name: &str, scores: &Option<Scores>| {
        let numbers = scores.map_or_else(
            || vec!["–".to_owned(); 4],
            |scores| {
                let percent = |share: f64| format!("{:.1} %", share * 100.0);
                vec![
                    percent(scores.answerable_at_5),
                    percent(scores.hit_at_1),
                    percent(scores.hit_at_5),
                    format!("{:.3}", scores.mrr),
                ]
            },
        );
        [vec![name.to_owned()], numbers].concat()
    };
    let rows = [
        row("hybrid", &report.hybrid),
        row("dense", &report.dense),
        row("keyword", &report.keyword),
        row("naive", &report.naive),
    ];
    out.table(&["", "answerable@5", "hit@1", "hit@5", "MRR"], &rows)?;
    out.line(format_args!(
        "{} questions, {} units, {} sentences of the naive index",
        report.questions,
        count(report.units),
        report.naive_sentences
    ))?;
    if let Some((middle, slowest)) = report.search_ms {
        out.line(format_args!("a search took {middle:.0} ms (median), {slowest:.0} ms (slowest)"))?;
    }
    for missed in &report.missed {
        out.line(format_args!("not answered: {} {}", missed.id, missed.question))?;
        out.line(format_args!("    missing {}; found {}", missed.missing.join(", "), missed.found.join(", ")))?;
    }
    for note in &report.notes {
        out.line(note)?;
    }
    Ok(())
}

impl From<IndexError> for CliError {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Store(error) => CliError::Store(error),
            other => CliError::Failed(other.to_string()),
        }
    }
}
