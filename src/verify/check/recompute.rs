//! Statements that are checked by computing again what SQL cannot: a game from its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use tokio_util::sync::CancellationToken;

use super::ast::{Recompute, Statement};
use super::run::{CheckError, CheckResult, Sighting, empty};
use super::scope::{Bounds, Scope};
use super::sql::{CONTRADICTING, SUPPORTING, scope_of};
use crate::protocol::fairness::verdict::{self, Claim, Judgement, Recorded, Verdict};
use crate::sql::{Query, SqlClient, SqlError};
use crate::store::record::{now_us, time_text};

/// Runs a recomputation.
pub(super) async fn run(
    client: &SqlClient,
    statement: &Statement,
    scope: &Scope,
    bounds: &Bounds,
    cancel: CancellationToken,
) -> Result<CheckResult, CheckError> {
    match statement {
        Statement::Recompute(Recompute::Fairness) => {
            let sql = format!(
                "SELECT g.session_id, g.seq, g.ts, g.game_id, g.server_seed, g.seed_hash, g.game_version, g.peak, \
                 g.prices FROM game g WHERE g.game_id IS NOT NULL{} ORDER BY g.session_id, g.seq, g.ordinal",
                scope_of(scope, bounds, "g")
            );
            let computed = "Each game that has a revealed seed is played again (src/protocol/fairness/verdict.rs), by the \
                            rules that fit its prices best: SHA-256 of the seed against the announced hash, every price \
                            against the history's, bit for bit, the announced peak and version against the prices. SQL \
                            cannot compute this.";
            judge(client, sql, computed, fairness_of, cancel).await
        }
        _ => {
            let sql = format!(
                "SELECT s.session_id, s.seq, s.ts, s.game_id, s.end_tick, s.outcome, g.server_seed, g.game_version, \
                 CASE WHEN g.game_version IS NULL THEN g.prices END AS prices FROM sidebet s LEFT JOIN game g ON \
                 s.game_id = g.game_id WHERE s.outcome IS NOT NULL{} QUALIFY row_number() OVER (PARTITION BY coalesce(s.sidebet_id, concat(s.session_id, s.seq, '-', s.ordinal)) ORDER BY \
                 s.session_id, s.seq, s.ordinal) = 1 ORDER BY s.session_id, s.seq, s.ordinal",
                scope_of(scope, bounds, "s")
            );
            let computed = "For each settled side bet the game's rug tick is computed from its seed \
                            (src/protocol/fairness.rs); the bet must have won exactly when the rug tick is at most its \
                            end tick. SQL cannot compute this.";
            judge(client, sql, computed, Bets::default().judge(), cancel).await
        }
    }
}

/// One case and how it came out; `None` is undecided.
type Judged = (Option<bool>, Vec<(String, Option<String>)>);

async fn judge(
    client: &SqlClient,
    sql: String,
    computed: &str,
    mut decide: impl FnMut(&Row<'_>) -> Judged,
    cancel: CancellationToken,
) -> Result<CheckResult, CheckError> {
    let query = Query { timeout: Duration::from_secs(300), ..Query::new(sql) };
    let as_of = time_text(now_us()).unwrap_or_default();
    let mut stream = client.stream(query, cancel.clone()).await?;
    let mut result = CheckResult { computed: Some(computed.to_owned()), as_of, ..empty() };
    let (mut games, mut sessions) = (BTreeSet::new(), BTreeSet::new());
    let mut span: Option<(i64, i64)> = None;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        for at in 0..batch.num_rows() {
            if cancel.is_cancelled() {
                return Err(SqlError::Cancelled.into());
            }
            let row = Row { batch: &batch, at };
            let (ok, values) = decide(&row);
            let Some(ok) = ok else {
                result.undecided += 1;
                continue;
            };
            games.extend(row.text("game_id").map(str::to_owned));
            sessions.extend(row.text("session_id").map(str::to_owned));
            if let Some(ts) = row.time("ts") {
                let (first, last) = span.unwrap_or((ts, ts));
                span = Some((first.min(ts), last.max(ts)));
            }
            let (count, list, most) = if ok {
                (&mut result.supports, &mut result.examples, SUPPORTING)
            } else {
                (&mut result.contradicts, &mut result.counterexamples, CONTRADICTING)
            };
            *count += 1;
            if list.len() < most {
                list.push(row.sighting(values));
            }
        }
    }
    result.games = games.len() as u64;
    result.sessions = sessions.len() as u64;
    result.first_ts = span.and_then(|(first, _)| time_text(first));
    result.last_ts = span.and_then(|(_, last)| time_text(last));
    Ok(result)
}

/// One row of a batch.
struct Row<'b> {
    batch: &'b RecordBatch,
    at: usize,
}

impl<'b> Row<'b> {
    fn text(&self, name: &str) -> Option<&'b str> {
        let column = self.batch.column_by_name(name)?.as_string_opt::<i32>()?;
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    fn integer(&self, name: &str) -> Option<i64> {
        let column = self.batch.column_by_name(name)?.as_primitive_opt::<Int64Type>()?;
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    fn float(&self, name: &str) -> Option<f64> {
        let column = self.batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    fn time(&self, name: &str) -> Option<i64> {
        let column = self.batch.column_by_name(name)?.as_primitive_opt::<TimestampMicrosecondType>()?;
        column.is_valid(self.at).then(|| column.value(self.at))
    }

    fn floats(&self, name: &str) -> Option<Vec<f64>> {
        let column = self.batch.column_by_name(name)?.as_list_opt::<i32>()?;
        if !column.is_valid(self.at) {
            return None;
        }
        let values = column.value(self.at);
        Some(values.as_primitive_opt::<Float64Type>()?.values().to_vec())
    }

    fn sighting(&self, values_untrusted: Vec<(String, Option<String>)>) -> Sighting {
        Sighting {
            session_id: self.text("session_id").unwrap_or_default().to_owned(),
            seq: self.integer("seq").and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0),
            ts: self.time("ts").and_then(time_text),
            game_id: self.text("game_id").map(str::to_owned),
            values_untrusted,
            ..Sighting::default()
        }
    }
}

fn shown(name: &str, value: impl ToString) -> (String, Option<String>) {
    (name.to_owned(), Some(value.to_string()))
}

/// What a history entry says of its game, judged; `None` where it names no game.
fn judged(row: &Row<'_>) -> Option<Judgement<()>> {
    let prices = row.floats("prices").unwrap_or_default();
    let claims = [
        Some(Claim::Path(&prices)),
        row.float("peak").map(Claim::Peak),
        row.text("seed_hash").map(Claim::Hash),
        row.text("game_version").map(Claim::Version),
    ];
    let claims: Vec<_> = claims.into_iter().flatten().map(|claim| Recorded { claim, by: () }).collect();
    Some(verdict::judge(row.text("game_id")?, row.text("server_seed"), &claims))
}

fn fairness_of(row: &Row<'_>) -> Judged {
    let Some(judgement) = judged(row) else { return (None, Vec::new()) };
    let mut values: Vec<_> = judgement.hash_matches.map(|fits| shown("hash fits", fits)).into_iter().collect();
    if let (Some(version), Some(path)) = (judgement.version, &judgement.path) {
        values.push(shown("version", version));
        values.push(shown("prices compared", judgement.compared));
        values.push(shown("prices recomputed", path.prices.len()));
        values.push(shown("peak recomputed", path.peak));
    }
    values.extend(judgement.contradictions.iter().take(SHOWN).map(|found| {
        let tick = found.tick.map_or_else(String::new, |tick| format!(" at tick {tick}"));
        let text = format!("recorded {}, the seed gives {}", found.recorded, found.computed);
        shown(&format!("{}{tick}", found.what.in_words()), text)
    }));
    let ok = match judgement.verdict {
        // An entry whose announced peak or version its own prices contradict is a counterexample too.
        Verdict::Proven => Some(judgement.contradictions.is_empty()),
        Verdict::Differs => Some(false),
        // Without prices an announced peak that the seed gives is what can be compared.
        Verdict::Unproven => (judgement.path.is_some() && row.float("peak").is_some()).then_some(true),
    };
    (ok, values)
}

/// Contradictions shown of one game.
const SHOWN: usize = 5;

/// Side bets; each game is played once.
#[derive(Default)]
struct Bets {
    rug_ticks: BTreeMap<String, Option<i64>>,
}

impl Bets {
    fn judge(mut self) -> impl FnMut(&Row<'_>) -> Judged {
        move |row| {
            let (Some(game_id), Some(end), Some(outcome)) =
                (row.text("game_id"), row.integer("end_tick"), row.text("outcome"))
            else {
                return (None, Vec::new());
            };
            let rug = match self.rug_ticks.get(game_id) {
                Some(rug) => *rug,
                None => {
                    let path = judged(row).and_then(|judgement| judgement.path);
                    let rug = path.and_then(|path| i64::try_from(path.rug_tick).ok());
                    self.rug_ticks.insert(game_id.to_owned(), rug);
                    rug
                }
            };
            let Some(rug) = rug else { return (None, Vec::new()) };
            let values = vec![shown("rug tick", rug), shown("end tick", end), shown("outcome", outcome)];
            (Some((outcome == "won") == (rug <= end)), values)
        }
    }
}
