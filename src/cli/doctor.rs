//! `replayer doctor`: is everything in place, and if not, what to do.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::out::{bytes, time};
use super::{CliError, Out};
use crate::capture::browser::advice::{self, Platform};
use crate::index::checkpoint::Checkpoint;
use crate::index::embed::{self, ModelState, Settings};
use crate::sql::protocol::SandboxReport;
use crate::sql::{self, Query, SqlClient};
use crate::store::catalog::Catalog;
use crate::store::journal;
use crate::store::lease::{Lease, LeaseState};
use crate::store::open::SchemaManifest;
use crate::store::root::DataRoot;
use crate::store::schema::{DocType, SCHEMA_VERSION, is_newer};
use crate::verify::log::ledger::Ledger;

/// Check the data root, the SQL worker and its sandbox, and print the client configuration.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Print JSON for programs.
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Note,
    Wrong,
}

fn ok(what: &'static str, found: impl Into<String>) -> Finding {
    Finding { what, state: State::Ok, found: found.into(), next: None }
}

fn note(what: &'static str, found: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { what, state: State::Note, found: found.into(), next: Some(next.into()) }
}

fn wrong(what: &'static str, found: impl Into<String>, next: impl Into<String>) -> Finding {
    Finding { state: State::Wrong, ..note(what, found, next) }
}

/// Runs `replayer doctor`. Exit code 1 when something is wrong.
///
/// # Errors
/// Only when printing fails.
pub fn run(args: DoctorArgs, path: &Path, out: &mut Out) -> Result<ExitCode, CliError> {
    let mut findings = Vec::new();
    match DataRoot::open(path) {
        Err(error) => findings.push(note(
            "data root",
            error.to_string(),
            "It is made by the first `replayer serve` or `replayer legacy import`; --data or RUGS_DATA_DIR name another",
        )),
        Ok(root) => {
            findings.push(access(&root));
            findings.push(schema(&root));
            findings.push(catalog(&root));
            findings.push(unsealed(&root));
            findings.push(decisions(&root));
            findings.push(space(&root));
            findings.push(index(&root));
            findings.extend(worker(&root));
        }
    }
    findings.push(model());
    findings.push(binary(&this_binary()));
    let sound = findings.iter().all(|finding| finding.state != State::Wrong);
    if args.json {
        out.json(&findings)?;
    } else {
        for finding in &findings {
            let mark = match finding.state {
                State::Ok => "ok   ",
                State::Note => "note ",
                State::Wrong => "WRONG",
            };
            out.line(format_args!("{mark}  {}: {}", finding.what, finding.found))?;
            if let Some(next) = &finding.next {
                out.line(format_args!("       → {next}"))?;
            }
        }
        out.line(format_args!("\n{}", advice::chrome(Platform::here(), 9222)))?;
        out.line(format_args!(
            "\nTo connect a chat client, add this to its configuration:\n{}",
            configuration(path)
        ))?;
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn this_binary() -> PathBuf {
    std::env::current_exe().unwrap_or_else(|_| PathBuf::from("replayer"))
}

/// Where this binary is, and whether it is likely to stay there: `uvx` and `npx` run from caches that may be emptied, and
/// a client's configuration that names such a file ends with it.
fn binary(path: &Path) -> Finding {
    const FOR_NOW: [(&str, &str, &str); 2] = [
        ("archive-v0", "uv", "`uv tool install PACKAGE` installs it for good; then run `replayer doctor` again"),
        ("_npx", "npx", "`npm install --global PACKAGE…` installs it for good; then run `replayer doctor` again"),
    ];
    let shown = path.display();
    let found = FOR_NOW.iter().find(|(folder, _, _)| path.components().any(|part| part.as_os_str() == *folder));
    match found {
        Some((_, tool, next)) => {
            note("this binary", format!("{shown}, in the cache of {tool}, which may be emptied"), *next)
        }
        None => ok("this binary", shown.to_string()),
    }
}

fn configuration(root: &Path) -> String {
    serde_json::json!({"mcpServers": {"rugs": {
        "command": this_binary(),
        "args": ["serve", "--data", root],
    }}})
    .to_string()
}

fn access(root: &DataRoot) -> Finding {
    let shown = root.path().display().to_string();
    let probe = root.path().join(format!(".doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, b"");
    let _ = std::fs::remove_file(&probe);
    match (written, Lease::state(root)) {
        (Err(error), _) => note(
            "data root",
            format!("{shown} can be read, not written: {error}"),
            "Reading works; recording and importing do not",
        ),
        (Ok(()), LeaseState::Unlockable(reason)) => wrong(
            "data root",
            format!("{shown} is on a disk without locks ({reason}): nothing can record or import there"),
            "Put the data root on a local disk; reading works where it is",
        ),
        (Ok(()), LeaseState::Held(holder)) => ok("data root", format!("{shown}, written by {holder}")),
        (Ok(()), LeaseState::Free) => ok("data root", format!("{shown}, writable, nobody writes at the moment")),
    }
}

fn schema(root: &DataRoot) -> Finding {
    match SchemaManifest::load(root) {
        Err(error) => wrong("schema", error.to_string(), "Remove the file: it is written anew"),
        Ok(None) => note("schema", "no manifest yet", "It is written by the first recording or import"),
        Ok(Some(found)) if is_newer(&found.schema_version, SCHEMA_VERSION) => wrong(
            "schema",
            format!("{}, newer than this build's {SCHEMA_VERSION}", found.schema_version),
            "Upgrade replayer; until then the data can only be read",
        ),
        Ok(Some(found)) if found.schema_version != SCHEMA_VERSION => note(
            "schema",
            format!("{}, older than {SCHEMA_VERSION}", found.schema_version),
            "`replayer schema migrate`",
        ),
        Ok(Some(found)) => ok("schema", format!("{}, written by {}", found.schema_version, found.writer_build)),
    }
}

fn catalog(root: &DataRoot) -> Finding {
    let (catalog, message) = match Catalog::load_reporting(root) {
        Ok(loaded) => loaded,
        Err(error) => return wrong("catalog", error.to_string(), "Check the folder's permissions"),
    };
    if !catalog.lost.is_empty() {
        let rows: u64 = catalog.lost.iter().map(|lost| lost.part.rows).sum();
        let (lost, all) = (catalog.lost.len(), catalog.lost.len() + catalog.parts.len());
        return wrong(
            "catalog",
            format!("{lost} of {all} parts are lost, with {rows} rows; all answers leave them out"),
            "`replayer data status` names them; restore their files, or let `replayer data repair` make again what can be",
        );
    }
    if let Some(message) = message {
        return note("catalog", message, "Nothing is lost: the next process that writes makes it again");
    }
    if catalog.parts.is_empty() {
        return note(
            "catalog",
            "no sealed rows yet",
            "`replayer legacy import PATH` brings older recordings in; `replayer demo` shows the rest",
        );
    }
    let frames = catalog.rows(DocType::WsEvent);
    ok("catalog", format!("{} parts, {frames} frames, {} games", catalog.parts.len(), catalog.rows(DocType::Game)))
}

fn unsealed(root: &DataRoot) -> Finding {
    match journal::segments(root) {
        Err(error) => wrong("journal", error.to_string(), "Check the folder's permissions"),
        Ok(segments) if segments.is_empty() => ok("journal", "everything is sealed"),
        Ok(segments) if Lease::holder(root).is_some() => {
            ok("journal", format!("{} segments being written", segments.len()))
        }
        Ok(segments) => note(
            "journal",
            format!("{} segments were left by a recorder that ended early", segments.len()),
            "Nothing is lost: they can be queried, and the next recording or import seals them",
        ),
    }
}

fn decisions(root: &DataRoot) -> Finding {
    match Ledger::new(root.path()).view() {
        Err(error) => wrong("verification log", error.to_string(), "Check the folder's permissions"),
        Ok(view) => match view.broken {
            Some(broken) => wrong("verification log", broken.to_string(), "`replayer verify log` says what to do"),
            None => ok("verification log", format!("{} lines, the chain holds", view.tip.lines)),
        },
    }
}

fn space(root: &DataRoot) -> Finding {
    match rustix::fs::statvfs(root.path()) {
        Err(error) => note("disk", error.to_string(), "Free space could not be told"),
        Ok(stat) => {
            let free = stat.f_bavail.saturating_mul(stat.f_frsize);
            let text = format!("{} free", bytes(free));
            if free < 1 << 30 {
                note("disk", text, "`replayer data prune` shows what could go")
            } else {
                ok("disk", text)
            }
        }
    }
}

fn index(root: &DataRoot) -> Finding {
    match Checkpoint::load(root) {
        Err(error) => wrong("semantic index", error.to_string(), "`replayer index build --full`"),
        Ok(Some(checkpoint)) if !checkpoint.table_dir(root).is_dir() => note(
            "semantic index",
            "its folder in vectors/ is gone; nothing is lost",
            "`replayer index build` makes it anew",
        ),
        Ok(Some(checkpoint)) => {
            let model = checkpoint.model.map_or_else(|| "keywords alone".to_owned(), |model| model.to_string());
            ok(
                "semantic index",
                format!("{} units, {model}, {}", checkpoint.units, time(Some(checkpoint.updated_us))),
            )
        }
        Ok(None) => note(
            "semantic index",
            "there is none yet: search answers from the protocol reference alone",
            "`replayer index build`",
        ),
    }
}

fn model() -> Finding {
    match Settings::from_env().map(|settings| embed::state(&settings)) {
        Err(error) => wrong("embedding model", error.to_string(), "Correct the variable, or unset it"),
        Ok(ModelState::Missing { reason, how }) => {
            note("embedding model", format!("{reason}; search works by keywords meanwhile"), how)
        }
        Ok(ModelState::Ready(info, _)) => ok("embedding model", info.id),
    }
}

/// Starts a worker, asks it something, and asks what rights it gave up.
fn worker(root: &DataRoot) -> Vec<Finding> {
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return vec![wrong("SQL worker", "the system gives no thread", "Close other programs")];
    };
    runtime.block_on(async {
        let client = SqlClient::new(sql::Config::new(root.path()));
        let asked = client.query(Query::new("SELECT count(*) FROM games"), CancellationToken::new()).await;
        let mut findings = vec![match asked {
            Ok(result) => ok("SQL worker", format!("answers in {:.0} ms", result.elapsed_ms)),
            Err(error) => wrong("SQL worker", error.to_string(), "Run `replayer sql \"SHOW TABLES\"` to see more"),
        }];
        match client.sandbox().await {
            Ok(report) => findings.push(sandbox(&report)),
            Err(error) => {
                findings.push(note("sandbox", error.to_string(), "The gate still refuses everything but SELECT"))
            }
        }
        client.shutdown().await;
        findings
    })
}

/// What holds the SQL worker, besides the gate that lets only SELECT through.
fn sandbox(report: &SandboxReport) -> Finding {
    let found = format!("{}; {}", report.landlock, report.limits.join("; "));
    match report.landlock.as_str() {
        "full" => ok("sandbox", found),
        _ => note(
            "sandbox",
            found,
            "The kernel does not hold the SQL worker to the data root (Landlock needs Linux 5.13, full from 6.7): the gate \
             alone refuses everything but SELECT",
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
    use super::*;

    #[test]
    fn a_binary_in_a_cache_is_not_for_a_clients_configuration() {
        for (path, command) in [
            ("/h/.cache/uv/archive-v0/x1/bin/replayer", "uv tool install"),
            ("/h/.npm/_npx/5f/node_modules/replayer-mcp-linux-x64/bin/replayer", "npm install --global"),
        ] {
            let finding = binary(Path::new(path));
            assert_eq!(finding.state, State::Note, "{path}");
            assert!(finding.next.unwrap().contains(command), "{path}");
        }
    }

    #[test]
    fn a_sandbox_that_is_not_there_is_not_fine() {
        let report = |landlock: &str| SandboxReport { landlock: landlock.into(), limits: vec!["memory".into()] };
        assert_eq!(sandbox(&report("full")).state, State::Ok);
        for missing in ["none: not supported by the kernel", "partial"] {
            assert_eq!(sandbox(&report(missing)).state, State::Note, "{missing}");
        }
    }

    #[test]
    fn an_installed_binary_is_fine_where_it_is() {
        assert_eq!(binary(Path::new("/h/venv/bin/replayer")).state, State::Ok);
    }
}
