//! `export_dataset`: rows to a file, however many.
//!
//! The rows stream from the SQL worker through an encoder into a file, a batch at a time, so memory does not grow
//! with the data. Data file and manifest are made in a folder with a temporary name that is renamed when both are
//! complete: an export is there whole or not at all. Names are ids, never paths.

pub(crate) mod encode;
pub(crate) mod making;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::AgentTool;
use super::ask::{self, Binds};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::sql::{BatchStream, Query, SqlClient, SqlError, views};
use crate::store::schema::DocType;
use encode::{Encoder, Written};
use making::{MANIFEST, Making};

/// How long an export may take.
const TIME: Duration = Duration::from_secs(900);

/// Longest name, in characters.
const NAME: usize = 48;

/// The tool.
pub struct ExportDataset;

/// What to export, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// File format: jsonl (one object per row, NULL left out), csv, or parquet (zstd).
    pub format: Format,
    /// A view: ws_event, game_tick, game, games, trade, sidebet, server_state, player_action, system_event, session,
    /// chat_untrusted. Either this or sql.
    pub dataset: Option<String>,
    /// One SELECT as for query_sql. Either this or dataset.
    pub sql: Option<String>,
    /// Part of the folder's name: letters, digits, - and _. Default: the dataset, or "query".
    pub name: Option<String>,
    /// With dataset: only this game.
    pub game_id: Option<String>,
    /// With dataset: only this session.
    pub session_id: Option<String>,
    /// With dataset ws_event: only this event.
    pub event_name: Option<String>,
    /// With dataset: from this time on, for example "2026-02-01T00:00:00Z".
    pub from: Option<String>,
    /// With dataset: before this time.
    pub until: Option<String>,
}

/// File formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// One JSON object per line.
    Jsonl,
    /// Comma-separated, with a header; lists as JSON text.
    Csv,
    /// Parquet, zstd.
    Parquet,
}

impl Format {
    /// File name extension.
    pub fn extension(self) -> &'static str {
        match self {
            Format::Jsonl => "jsonl",
            Format::Csv => "csv",
            Format::Parquet => "parquet",
        }
    }
}

/// Where the export lies and what is in it.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The data file.
    pub path: String,
    /// The manifest beside it: query, columns, digest.
    pub manifest: String,
    /// Rows in the file.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// The columns, in order.
    pub columns: Vec<String>,
    /// Always false: an export is complete.
    pub truncated: bool,
    /// When it was made (UTC); everything recorded up to then is included.
    pub as_of: String,
}

impl AgentTool for ExportDataset {
    const NAME: &'static str = "export_dataset";
    const TITLE: &'static str = "Export rows to a file";
    const DESCRIPTION: &'static str = "\
Writes a view or a query's result to a file under the data root's exports folder, as JSONL, CSV or Parquet, with a \
manifest (query, rows, columns, SHA-256). Use it when an answer would be too long, or when the user wants a data \
set for a notebook. There is no row limit; one export takes at most 15 minutes.

Give dataset (a view, with game_id, session_id, event_name, from, until as filters) or sql (one SELECT as for \
query_sql). The answer is the path, the number of rows and the size, not the rows. Nothing existing is overwritten.

Values are exported as stored, text written by strangers included.

Examples: {\"format\": \"parquet\", \"dataset\": \"game_tick\", \"from\": \"2026-02-01T00:00:00Z\"}
{\"format\": \"csv\", \"name\": \"peaks\", \"sql\": \"SELECT game_id, peak, rug_tick FROM games\"}";
    const EXAMPLE: &'static str = r#"{"format": "csv", "dataset": "games"}"#;
    const TIME: Duration = Duration::from_secs(930);
    const READS: &'static [DocType] = &DocType::ALL;
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(false).destructive(false).idempotent(false).open_world(false)
    }

    async fn call(app: Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
        let plan = Plan::read(&args)?;
        let stream = rows(&app.sql, &plan, cancel).await?;
        let created = jiff::Timestamp::now();
        let making = Making::begin(&app.root.join("exports"))?;
        let data = write(&plan, stream, &making.path(&plan.file("data"))).await?;
        let manifest = manifest(&app.root, created, &data);
        let folder = making.publish(&folder_name(created, &plan.name), &manifest)?;
        Ok(Output {
            path: folder.join(&data.file).display().to_string(),
            manifest: folder.join(MANIFEST).display().to_string(),
            rows: data.rows,
            bytes: data.bytes,
            sha256: data.sha256,
            columns: data.columns.into_iter().map(|column| column.name).collect(),
            truncated: false,
            as_of: as_of(created),
        })
    }
}

/// The arguments, understood.
#[derive(Debug)]
pub(crate) struct Plan {
    format: Format,
    /// Names the export: the view, "query", or what was asked for.
    pub name: String,
    sql: String,
    params: Vec<Value>,
    /// What was asked, for the manifest.
    asked: Value,
}

impl Plan {
    /// A file's name in the plan's format.
    pub fn file(&self, stem: &str) -> String {
        format!("{stem}.{}", self.format.extension())
    }

    /// Understands the arguments.
    pub fn read(args: &Args) -> Result<Self, ToolError> {
        let filters: [(&str, &Option<String>); 5] = [
            ("game_id", &args.game_id),
            ("session_id", &args.session_id),
            ("event_name", &args.event_name),
            ("from", &args.from),
            ("until", &args.until),
        ];
        let given: serde_json::Map<String, Value> = filters
            .iter()
            .filter_map(|(name, value)| Some(((*name).to_owned(), Value::from(value.as_deref()?))))
            .collect();
        match (&args.dataset, &args.sql) {
            (Some(dataset), None) => {
                let view = view(dataset)?;
                let (sql, params) = select(view, args)?;
                let name = name(args.name.as_deref().unwrap_or(view.name))?;
                let asked = json!({"dataset": view.name, "filters": given});
                Ok(Self { format: args.format, name, sql, params, asked })
            }
            (None, Some(sql)) if given.is_empty() => {
                let name = name(args.name.as_deref().unwrap_or("query"))?;
                Ok(Self {
                    format: args.format,
                    name,
                    sql: sql.clone(),
                    params: Vec::new(),
                    asked: json!({"sql": sql}),
                })
            }
            (None, Some(_)) => Err(ToolError::new(
                "Nothing was exported",
                "filters go with dataset; a query has its own WHERE",
                "export_dataset with the filters written into sql",
            )),
            _ => Err(ToolError::new(
                "Nothing was exported",
                "exactly one of dataset and sql says what to export",
                r#"export_dataset {"format": "csv", "dataset": "games"}"#,
            )),
        }
    }
}

/// The view of this name.
fn view(asked: &str) -> Result<&'static views::ViewDoc, ToolError> {
    let catalogue = views::catalogue();
    if let Some(view) = catalogue.iter().find(|view| view.name == asked) {
        return Ok(view);
    }
    let nearest = catalogue
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(a.name, asked).total_cmp(&strsim::jaro_winkler(b.name, asked)))
        .map_or("games", |view| view.name);
    let names: Vec<&str> = catalogue.iter().map(|view| view.name).collect();
    Err(ToolError::new(
        format!("There is no dataset {asked:?}"),
        format!("the datasets are {}", names.join(", ")),
        format!(r#"export_dataset {{"format": "csv", "dataset": "{nearest}"}}"#),
    ))
}

/// The filters that were given, each with the column it needs, a comparison and its value.
fn filters<'a>(view: &views::ViewDoc, args: &'a Args) -> Vec<(&'static str, &'static str, &'static str, &'a str)> {
    // `games` and `session` have a span instead of a time; a game or session belongs to the day it began on.
    let time = if has(view, "ts") { "ts" } else { "first_ts" };
    let filters = [
        ("game_id", "game_id", "=", &args.game_id),
        ("session_id", "session_id", "=", &args.session_id),
        ("event_name", "event_name", "=", &args.event_name),
        ("from", time, ">=", &args.from),
        ("until", time, "<", &args.until),
    ];
    let given = filters.into_iter().filter_map(|(argument, column, comparison, value)| {
        Some((argument, column, comparison, value.as_deref()?))
    });
    given.collect()
}

/// The filter, if any, that cannot be applied to a view, because it has no such column.
pub(crate) fn unfit(view: &views::ViewDoc, args: &Args) -> Option<&'static str> {
    filters(view, args).into_iter().find(|(_, column, ..)| !has(view, column)).map(|(argument, ..)| argument)
}

/// The query for a view with the filters that were given; each must be a column of it.
fn select(view: &views::ViewDoc, args: &Args) -> Result<(String, Vec<Value>), ToolError> {
    let mut binds = Binds::default();
    let mut conditions = Vec::new();
    for (argument, column, comparison, value) in filters(view, args) {
        if !has(view, column) {
            return Err(ToolError::new(
                "Nothing was exported",
                format!("{argument} cannot filter {}: it has no column {column}", view.name),
                format!(
                    r#"export_dataset with sql instead of dataset; query_sql {{"sql": "DESCRIBE {}"}} has the columns"#,
                    view.name
                ),
            ));
        }
        let place = binds.bind(value);
        if matches!(argument, "from" | "until") {
            check_time(argument, value)?;
            conditions.push(format!("{column} {comparison} CAST({place} AS TIMESTAMPTZ)"));
        } else {
            conditions.push(format!("{column} {comparison} {place}"));
        }
    }
    Ok((format!("SELECT * FROM {}{}", view.name, ask::filter(&conditions)), binds.into_values()))
}

fn has(view: &views::ViewDoc, column: &str) -> bool {
    view.columns().iter().any(|known| known.name == column)
}

fn check_time(argument: &str, text: &str) -> Result<(), ToolError> {
    if text.parse::<jiff::Timestamp>().is_ok() || text.parse::<jiff::civil::Date>().is_ok() {
        return Ok(());
    }
    Err(ToolError::new(
        "Nothing was exported",
        format!("{argument} is {text:?}, which is no time"),
        r#"export_dataset with a time such as "2026-02-01T00:00:00Z""#,
    ))
}

/// A name that is safe as part of a folder's name.
fn name(asked: &str) -> Result<String, ToolError> {
    let safe = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !asked.is_empty() && asked.chars().count() <= NAME && asked.chars().all(safe) {
        return Ok(asked.to_owned());
    }
    let offer: String = asked.chars().map(|c| if safe(c) { c } else { '-' }).take(NAME).collect();
    let offer = offer.trim_matches('-');
    Err(ToolError::new(
        "Nothing was exported",
        format!("the name {asked:?} is not 1 to {NAME} letters, digits, - and _"),
        format!(r#"export_dataset with "name": "{}""#, if offer.is_empty() { "export" } else { offer }),
    ))
}

/// One file of an export, as manifests say it.
#[derive(Debug, Serialize)]
pub(crate) struct DataFile {
    /// Its name, without folder.
    pub file: String,
    /// Its format.
    pub format: Format,
    /// What was asked for: a view with filters, or a query.
    pub asked: Value,
    /// The SQL that was run.
    pub query: String,
    /// What was bound to its places.
    pub parameters: Vec<Value>,
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
    /// SHA-256, hex.
    pub sha256: String,
    /// The columns, in order.
    pub columns: Vec<Column>,
}

/// A column of an export.
#[derive(Debug, Serialize)]
pub(crate) struct Column {
    pub name: String,
    /// Its type in SQL.
    #[serde(rename = "type")]
    pub kind: String,
}

/// Runs the plan's query; its rows are to be taken by [`write`].
pub(crate) async fn rows(
    sql: &SqlClient,
    plan: &Plan,
    cancel: CancellationToken,
) -> Result<BatchStream, ToolError> {
    let query = Query { timeout: TIME, ..Query::new(plan.sql.clone()) }.bind(plan.params.clone());
    sql.stream(query, cancel).await.map_err(|error| refused(&error))
}

/// Writes the rows into a new file.
pub(crate) async fn write(plan: &Plan, mut stream: BatchStream, path: &Path) -> Result<DataFile, ToolError> {
    let schema = stream.schema();
    let columns = schema
        .fields()
        .iter()
        .map(|field| Column { name: field.name().clone(), kind: crate::sql::cells::sql_type(field.data_type()) })
        .collect();
    let mut encoder = Encoder::create(path, plan.format, schema)?;
    // A bounded channel between the async stream and the blocking encoder: a slow disk slows the query down.
    let (batches, mut incoming) = mpsc::channel(2);
    let encoding = tokio::task::spawn_blocking(move || {
        while let Some(batch) = incoming.blocking_recv() {
            encoder.write(&batch)?;
        }
        encoder.finish()
    });
    let mut failed = None;
    while let Some(batch) = stream.next().await {
        match batch {
            Ok(batch) => {
                if batches.send(batch).await.is_err() {
                    break;
                }
            }
            Err(error) => {
                failed = Some(refused(&error));
                break;
            }
        }
    }
    drop(batches);
    let written = encoding.await.map_err(|error| {
        ToolError::new("The export crashed", error.to_string(), "the same export in another format")
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    let Written { rows, bytes, sha256 } = written?;
    Ok(DataFile {
        file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        format: plan.format,
        asked: plan.asked.clone(),
        query: plan.sql.clone(),
        parameters: plan.params.clone(),
        rows,
        bytes,
        sha256,
        columns,
    })
}

/// What every manifest says of the store and of this program, beside what `content` says.
pub(crate) fn manifest(root: &Path, created: jiff::Timestamp, content: &impl Serialize) -> Value {
    let mut manifest = serde_json::to_value(content).unwrap_or_default();
    if let Value::Object(manifest) = &mut manifest {
        manifest.insert("created".into(), created.to_string().into());
        manifest.insert("catalog_generation".into(), generation(root).into());
        manifest.insert("replayer".into(), env!("CARGO_PKG_VERSION").into());
    }
    manifest
}

/// The folder's name under `exports/`.
pub(crate) fn folder_name(created: jiff::Timestamp, name: &str) -> String {
    format!("{}-{name}", created.strftime("%Y%m%dT%H%M%SZ"))
}

/// When an export was made, for answers.
pub(crate) fn as_of(created: jiff::Timestamp) -> String {
    created.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// Generation of the catalog, so that an export can be tied to the parts it was made from.
fn generation(root: &Path) -> Option<u64> {
    let text = std::fs::read(root.join("manifests/files.json")).ok()?;
    serde_json::from_slice::<Value>(&text).ok()?.get("generation")?.as_u64()
}

fn refused(error: &SqlError) -> ToolError {
    ToolError::sql(
        "Nothing was exported: the query failed",
        error,
        r#"query_sql with the same sql and "max_rows": 5 until it works, then export_dataset"#,
    )
}

#[cfg(test)]
mod tests;
