//! Running a check: SQL in the worker, or a recomputation here.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

use super::ast::Statement;
use super::recompute;
use super::scope::{BadScope, Scope};
use super::sql::{self, Case, Compiled};
use crate::sql::{Column, Config, Query, SqlClient, SqlError};

/// How long a check may take.
const TIME: Duration = Duration::from_secs(300);

/// Why a check gave no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// The scope cannot be meant.
    #[error(transparent)]
    Scope(#[from] BadScope),
    /// The query failed, or was stopped.
    #[error("the check could not be run: {0}")]
    Sql(#[from] SqlError),
    /// The query's answer does not have the form it was asked in.
    #[error("the check's answer cannot be read ({0}); this is a defect of replayer")]
    Answer(&'static str),
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct CheckResult {
    /// The statement in its canonical form.
    pub statement: String,
    /// Cases for which it holds.
    pub supports: u64,
    /// Cases for which it does not.
    pub contradicts: u64,
    /// Cases that cannot be told: a field that it needs is absent, null or of another type.
    pub undecided: u64,
    /// Games of the decided cases.
    pub games: u64,
    /// Sessions of the decided cases.
    pub sessions: u64,
    /// Time of the first decided case, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub first_ts: Option<String>,
    /// Time of the last one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_ts: Option<String>,
    /// The first cases that contradict, at most five; by session and number of the frame.
    pub counterexamples: Vec<Sighting>,
    /// The first cases that support, at most three.
    pub examples: Vec<Sighting>,
    /// The SELECT that counted; query_sql with it gives the same counts. Absent for a recomputation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sql: Option<String>,
    /// What was computed, where SQL cannot.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub computed: Option<String>,
    /// What was looked at; empty for everything.
    pub scope: Scope,
    /// Everything recorded up to this time (UTC) is included.
    pub as_of: String,
    /// Milliseconds it took.
    pub elapsed_ms: f64,
}

impl CheckResult {
    /// Cases that were decided.
    pub fn decided(&self) -> u64 {
        self.supports + self.contradicts
    }

    /// Whether the data has cases and none contradicts.
    pub fn holds(&self) -> bool {
        self.supports > 0 && self.contradicts == 0
    }
}

/// One case: where it is, and the values that decided it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Sighting {
    /// Session of the frame.
    pub session_id: String,
    /// Number of the frame in it.
    pub seq: u64,
    /// When, UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ts: Option<String>,
    /// The frame's event.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_name: Option<String>,
    /// received or sent.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub direction: Option<String>,
    /// The game.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game_id: Option<String>,
    /// The phase.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub phase: Option<String>,
    /// The tick.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub tick: Option<i64>,
    /// Number of the list's element, from 0, where elements were looked at.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub element: Option<u64>,
    /// The values looked at, path and JSON text, cut: words of the site and of strangers, data only.
    pub values_untrusted: Vec<(String, Option<String>)>,
}

impl Sighting {
    /// The event ref, `session:seq`.
    pub fn event_ref(&self) -> String {
        format!("{}:{}", self.session_id, self.seq)
    }

    /// The values as one short line.
    pub fn preview(&self) -> String {
        let text = |(path, value): &(String, Option<String>)| {
            format!("{} = {}", path.trim_start_matches("$."), value.as_deref().unwrap_or("absent"))
        };
        self.values_untrusted.iter().map(text).collect::<Vec<_>>().join(", ")
    }
}

/// Checks a statement. Deterministic: the same data gives the same result, time and `as_of` apart.
///
/// # Errors
/// [`CheckError`]; cancelling gives [`SqlError::Cancelled`].
pub async fn check(
    client: &SqlClient,
    statement: &Statement,
    scope: &Scope,
    cancel: CancellationToken,
) -> Result<CheckResult, CheckError> {
    let bounds = scope.bounds()?;
    if let (Statement::Recompute(_), Some(phase)) = (statement, scope.phases.first()) {
        let expected = "a game is recomputed as a whole; leave phases out";
        return Err(BadScope { member: "phases", value: phase.clone(), expected }.into());
    }
    let began = Instant::now();
    let mut result = match sql::compile(statement, scope, &bounds) {
        Some(compiled) => counted(client, &compiled, statement, cancel).await?,
        None => recompute::run(client, statement, scope, &bounds, cancel).await?,
    };
    result.statement = statement.to_string();
    result.scope = scope.clone();
    result.elapsed_ms = (began.elapsed().as_secs_f64() * 1e4).round() / 10.0;
    Ok(result)
}

/// The same outside of an async runtime, with a worker of its own: for the command line.
///
/// # Errors
/// As [`check`].
pub fn check_blocking(config: Config, statement: &Statement, scope: &Scope) -> Result<CheckResult, CheckError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| SqlError::Internal { message: error.to_string() })?;
    runtime.block_on(async {
        let client = SqlClient::new(config);
        let result = check(&client, statement, scope, CancellationToken::new()).await;
        client.shutdown().await;
        result
    })
}

/// A result without anything in it.
pub(super) fn empty() -> CheckResult {
    CheckResult {
        statement: String::new(),
        supports: 0,
        contradicts: 0,
        undecided: 0,
        games: 0,
        sessions: 0,
        first_ts: None,
        last_ts: None,
        counterexamples: Vec::new(),
        examples: Vec::new(),
        sql: None,
        computed: None,
        scope: Scope::default(),
        as_of: String::new(),
        elapsed_ms: 0.0,
    }
}

async fn counted(
    client: &SqlClient,
    compiled: &Compiled,
    statement: &Statement,
    cancel: CancellationToken,
) -> Result<CheckResult, CheckError> {
    let query = Query {
        max_rows: 2,
        max_bytes: 4 << 20,
        max_cell: 1 << 20,
        timeout: TIME,
        ..Query::new(compiled.sql.clone())
    };
    let answer = client.query(query, cancel.clone()).await?;
    let row = answer.rows.first().ok_or(CheckError::Answer("no row"))?;
    let cells = Cells { columns: &answer.columns, row };
    let listed = |name: &str| cells.get(name).as_array().map(Vec::as_slice).unwrap_or_default();
    let (counterexamples, examples) = (listed("counterexamples"), listed("examples"));
    let found =
        look_up(client, compiled, counterexamples.iter().chain(examples).map(case_of).collect(), cancel).await?;
    let event = statement.events().first().map(|event| (*event).to_owned());
    let shown = |cases: &[Value]| {
        cases
            .iter()
            .map(|case| Sighting { event_name: event.clone(), ..sighting(case, compiled, &found) })
            .collect()
    };
    Ok(CheckResult {
        supports: cells.number("supports")?,
        contradicts: cells.number("contradicts")?,
        undecided: cells.number("undecided")?,
        games: cells.number("games")?,
        sessions: cells.number("sessions")?,
        first_ts: text(cells.get("first_ts")),
        last_ts: text(cells.get("last_ts")),
        counterexamples: shown(counterexamples),
        examples: shown(examples),
        sql: Some(compiled.sql.clone()),
        as_of: answer.as_of.clone(),
        ..empty()
    })
}

/// One row of an answer, by the names of its columns.
struct Cells<'a> {
    columns: &'a [Column],
    row: &'a [Value],
}

impl Cells<'_> {
    fn get(&self, name: &str) -> &Value {
        let at = self.columns.iter().position(|column| column.name == name);
        at.and_then(|at| self.row.get(at)).unwrap_or(&Value::Null)
    }

    fn number(&self, name: &'static str) -> Result<u64, CheckError> {
        self.get(name).as_u64().ok_or(CheckError::Answer(name))
    }
}

/// The place of a case, as the count gives it.
fn case_of(case: &Value) -> Case {
    let get = |key: &str| case.get(key).unwrap_or(&Value::Null);
    Case {
        session_id: text(get("session_id")).unwrap_or_default(),
        seq: get("seq").as_u64().unwrap_or(0),
        element: get("element").as_u64(),
    }
}

/// What stands in the frames of the cases. A frame that was pruned meanwhile is missing.
async fn look_up(
    client: &SqlClient,
    compiled: &Compiled,
    cases: Vec<Case>,
    cancel: CancellationToken,
) -> Result<HashMap<Case, Sighting>, CheckError> {
    if cases.is_empty() {
        return Ok(HashMap::new());
    }
    let query = Query { max_bytes: 4 << 20, timeout: TIME, ..Query::new(compiled.details(&cases)) };
    let answer = client.query(query, cancel).await?;
    let mut found = HashMap::new();
    for row in &answer.rows {
        let cells = Cells { columns: &answer.columns, row };
        let values = cells.get("values").as_array().map(Vec::as_slice).unwrap_or_default();
        let case = Case {
            session_id: text(cells.get("session_id")).unwrap_or_default(),
            seq: cells.number("seq")?,
            element: cells.get("element").as_u64(),
        };
        let sighting = Sighting {
            ts: text(cells.get("ts")),
            direction: text(cells.get("direction")),
            game_id: text(cells.get("game_id")),
            phase: text(cells.get("phase")),
            tick: cells.get("tick").as_i64(),
            values_untrusted: compiled.shown().map(ToString::to_string).zip(values.iter().map(text)).collect(),
            ..Sighting::default()
        };
        found.insert(case, sighting);
    }
    Ok(found)
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn sighting(counted: &Value, compiled: &Compiled, found: &HashMap<Case, Sighting>) -> Sighting {
    let case = case_of(counted);
    let mut sighting = found.get(&case).cloned().unwrap_or_default();
    // The count knows the phase of frames that do not tell one.
    sighting.phase = counted.get("phase").and_then(text).or(sighting.phase);
    if let Some(extra) = compiled.extra {
        let value = counted.get("extra").filter(|value| !value.is_null());
        let value = value.map(|value| text(value).unwrap_or_else(|| value.to_string()));
        sighting.values_untrusted.push((extra.as_str().to_owned(), value));
    }
    Sighting { session_id: case.session_id, seq: case.seq, element: case.element, ..sighting }
}
