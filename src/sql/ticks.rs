//! The view `game_tick`: ticks filled from seeds step back where a recording of them exists.
//!
//! Whoever wrote the parts has found out which of them may hold recordings of filled ticks
//! ([`replayer_store::filled`]). So the ticks that step back are found once, when parts or tail change, and kept in
//! `store.superseded_tick`. There are hardly ever any: the view is then nothing but the parts and the tail, and DuckDB counts
//! rows from footers. Parts of older builds say nothing; all of them are compared, until `schema migrate`.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use duckdb::Connection;
use replayer_store::catalog::{Part, Ticks};
use replayer_store::filled::{self, SEED};
use replayer_store::schema::DocType;

use super::engine::literal;

/// The table of filled ticks that step back.
const TABLE: &str = "store.superseded_tick";

/// What is known of filled ticks.
#[derive(Debug, Clone, Default)]
pub(super) struct Filled {
    parts: Arc<Parts>,
    /// Games with filled ticks, in parts or in the tail.
    games: Arc<HashSet<String>>,
    /// Whether any filled tick steps back.
    any: bool,
}

/// The parts of ticks, by what they hold.
#[derive(Debug, Default, PartialEq)]
struct Parts {
    recorded: Vec<Part>,
    superseding: Vec<Part>,
    filled: Vec<Part>,
    unknown: Vec<Part>,
}

impl Parts {
    fn of<'p>(parts: impl Iterator<Item = &'p Part>) -> Parts {
        let mut all = Parts::default();
        for part in parts {
            let of_its_kind = match part.ticks {
                Some(Ticks::Recorded) => &mut all.recorded,
                Some(Ticks::Superseding) => &mut all.superseding,
                Some(Ticks::Filled) => &mut all.filled,
                None => &mut all.unknown,
            };
            of_its_kind.push(part.clone());
        }
        all
    }
}

/// The statements that empty what is known.
pub(super) fn create() -> String {
    format!("CREATE OR REPLACE TABLE {TABLE} (game_id VARCHAR, tick BIGINT)")
}

impl Filled {
    /// What is known with other parts in force.
    pub(super) fn with_parts<'p>(&self, parts: impl Iterator<Item = &'p Part>) -> Filled {
        Filled {
            parts: Arc::new(Parts::of(parts.filter(|part| part.doc_type == DocType::GameTick))),
            ..self.clone()
        }
    }

    /// Whether new rows of the tail may change which ticks step back.
    pub(super) fn concerns(&self, batch: &RecordBatch) -> bool {
        let text = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let (Some(games), Some(sources)) = (text("game_id"), text("tick_source")) else { return false };
        (0..batch.num_rows()).any(|row| {
            (sources.is_valid(row) && sources.value(row) == SEED)
                || (games.is_valid(row) && self.games.contains(games.value(row)))
        })
    }

    /// Finds the filled ticks that step back.
    ///
    /// # Errors
    /// DuckDB's.
    pub(super) fn find(&mut self, db: &Connection, root: &Path) -> duckdb::Result<()> {
        const SEEDS: &str = "tick_source = 'seed'";
        const RECORDED: &str = "tick_source <> 'seed' AND price IS NOT NULL AND phase IN ('ACTIVE', 'RUGGED')";
        let Parts { superseding, filled, unknown, recorded } = &*self.parts;
        let files = |parts: &mut dyn Iterator<Item = &Part>| {
            let files: Vec<String> = parts.map(|part| literal(&root.join(&part.path))).collect();
            (!files.is_empty()).then(|| files.join(", "))
        };
        let keys = |parts: &mut dyn Iterator<Item = &Part>, which: &str| {
            let files = files(parts)?;
            Some(format!(
                "SELECT game_id, tick FROM read_parquet([{files}], hive_partitioning = false) WHERE {which}"
            ))
        };
        // Parts of other schema versions are among them: they may lack columns, or have them as text.
        let keys_by_name = |parts: &mut dyn Iterator<Item = &Part>, which: &str| {
            let files = files(parts)?;
            Some(format!(
                "SELECT game_id, TRY_CAST(tick AS BIGINT) AS tick FROM (SELECT * FROM read_parquet([{files}], \
                 hive_partitioning = false, union_by_name = true) UNION ALL BY NAME SELECT * FROM store.tail_game_tick \
                 WHERE false) WHERE {which}"
            ))
        };
        let of_tail = |which: &str| Some(format!("SELECT game_id, tick FROM store.tail_game_tick WHERE {which}"));
        let together =
            |selects: Vec<Option<String>>| selects.into_iter().flatten().collect::<Vec<_>>().join(" UNION ALL ");
        let fills = together(vec![
            keys(&mut filled.iter(), SEEDS),
            keys_by_name(&mut unknown.iter(), SEEDS),
            of_tail(SEEDS),
        ]);
        db.execute_batch(&format!(
            "CREATE OR REPLACE TEMP TABLE filled_tick AS SELECT DISTINCT game_id, tick FROM ({fills})"
        ))?;
        self.games = Arc::new(
            db.prepare("SELECT DISTINCT game_id FROM filled_tick WHERE game_id IS NOT NULL")?
                .query_map([], |row| row.get::<_, String>(0))?
                .collect::<Result<_, _>>()?,
        );
        if self.games.is_empty() {
            self.any = false;
            return db.execute_batch(&format!("{}; DROP TABLE filled_tick", create()));
        }
        // A proof that is not sealed yet has not been compared with what came since.
        let proven: Option<i64> = db.query_row(
            &format!("SELECT min(epoch_us(ts)) FROM store.tail_game_tick WHERE {SEEDS}"),
            [],
            |row| row.get(0),
        )?;
        let since = recorded
            .iter()
            .filter(|part| proven.is_some_and(|us| filled::may_be_since(part, filled::since(Some(us)))));
        let recorded = together(vec![
            keys(&mut superseding.iter().chain(since), RECORDED),
            keys_by_name(&mut unknown.iter(), RECORDED),
            of_tail(RECORDED),
        ]);
        db.execute_batch(&format!(
            "CREATE OR REPLACE TABLE {TABLE} AS SELECT game_id, tick FROM filled_tick SEMI JOIN ({recorded}) AS recorded \
             USING (game_id, tick); DROP TABLE filled_tick"
        ))?;
        self.any = db.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {TABLE})"), [], |row| row.get(0))?;
        Ok(())
    }

    /// The view's SQL. `select` reads parts, and the tail where it is told to.
    pub(super) fn view(&self, select: impl Fn(&[String], bool) -> String) -> String {
        if !self.any {
            return "SELECT * FROM store.game_tick".to_owned();
        }
        let Parts { superseding, filled, unknown, recorded } = &*self.parts;
        let paths = |parts: &[&Vec<Part>]| -> Vec<String> {
            parts.iter().flat_map(|parts| parts.iter()).map(|part| part.path.clone()).collect()
        };
        let alone = paths(&[recorded, superseding]);
        let steps_back = format!(
            "NOT EXISTS (SELECT 1 FROM {TABLE} AS recorded WHERE recorded.game_id = filled.game_id AND recorded.tick = \
             filled.tick)"
        );
        let mut selects = Vec::new();
        if !alone.is_empty() {
            selects.push(select(&alone, false));
        }
        // All rows of these are filled: one look at them, and a small one.
        let filled = paths(&[filled]);
        if !filled.is_empty() {
            selects.push(format!("SELECT * FROM ({}) AS filled WHERE {steps_back}", select(&filled, false)));
        }
        let mixed = select(&paths(&[unknown]), true);
        selects.push(format!("SELECT * FROM ({mixed}) WHERE tick_source IS DISTINCT FROM 'seed'"));
        selects.push(format!("SELECT * FROM ({mixed}) AS filled WHERE tick_source = 'seed' AND {steps_back}"));
        selects.join(" UNION ALL ")
    }
}
