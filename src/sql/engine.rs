//! DuckDB as the worker runs it: an in-memory instance that can read the parts in force and nothing else, with
//! the unsealed tail beside them, kept up to date between queries.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use arrow::record_batch::RecordBatch;
use duckdb::types::Value as Bound;
use duckdb::{Config, Connection, InterruptHandle};
use serde_json::Value;

use super::derived::{DerivedRows, WantedView};
use super::error::SqlError;
use super::gate::Checked;
use super::repeats::Repeats;
use super::ticks::Filled;
use super::{cells, derived, functions, games, gate, repeats, tail, ticks, views};
use replayer_game::Games;
use replayer_store::catalog::{Catalog, Part};
use replayer_store::damage;
use replayer_store::error::StoreError;
use replayer_store::follow::{Change, Follower};
use replayer_store::record::{now_us, time_text};
use replayer_store::root::DataRoot;
use replayer_store::schema::{DocType, arrow_schema};

/// Where the engine learns about parts and unsealed rows. The store's [`Follower`] outside of tests.
pub trait Feed {
    /// What changed since the last call; everything on the first.
    ///
    /// # Errors
    /// The store's.
    fn poll(&mut self) -> Result<Change, StoreError>;
}

impl Feed for Follower {
    fn poll(&mut self) -> Result<Change, StoreError> {
        Self::poll(self)
    }
}

/// Opens a feed from its beginning; called again when the engine has to start over.
pub type OpenFeed = Box<dyn Fn() -> Result<Box<dyn Feed>, StoreError>>;

/// How the engine is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data root, absolute and without symlinks.
    pub root: PathBuf,
    /// The folder of Parquet parts below it.
    pub parts: PathBuf,
    /// DuckDB's memory limit in MiB.
    pub memory_mib: u64,
    /// DuckDB's threads.
    pub threads: u32,
    /// Whether times are shown with their zone; `None` for what this DuckDB can do.
    pub time_zones: Option<bool>,
}

/// The instance and what it knows.
pub struct Engine {
    db: Connection,
    options: Options,
    open_feed: OpenFeed,
    feed: Box<dyn Feed>,
    /// The parts in force, and those that are lost.
    catalog: Arc<Catalog>,
    /// What each doc type's view reads now.
    reads: HashMap<DocType, Reads>,
    /// Which ticks filled from seeds step back.
    filled: Filled,
    /// The records of the games.
    games: Games,
    /// Which trades and side bets repeat others.
    repeats: Vec<Repeats>,
    /// Column names per view, for messages.
    columns: HashMap<&'static str, Vec<String>>,
    /// Which revisions of the derived views are loaded.
    derived: derived::Loaded,
    as_of: String,
    /// Whether this DuckDB can compute with time zones ([`knows_time_zones`]).
    zoned: bool,
}

/// What a change came to.
struct Applied {
    /// The kinds that read something else now.
    changed: Vec<(DocType, Reads)>,
    /// The filled ticks, where others step back.
    filled: Option<Filled>,
    /// The repeated rows, where others are.
    repeats: Option<Vec<Repeats>>,
}

/// What a doc type's view reads.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Reads {
    /// Paths of parts, relative to the root.
    parts: Vec<String>,
    /// Whether a part was written with another schema version and may lack columns.
    mixed: bool,
    /// Whether it reads the tail too. Without one, DuckDB counts rows from footers and reads wide columns late.
    tail: bool,
}

/// What the consumer of a stream wants next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// More rows.
    More,
    /// No more; the query is abandoned.
    Stop,
}

/// Why a run ended without a full result.
#[derive(Debug)]
pub enum RunError {
    /// DuckDB was interrupted; whoever interrupted it knows why.
    Interrupted,
    /// A part was removed (compaction, pruning) after the views were made.
    Vanished(String),
    /// A part could not be decoded.
    Unreadable(String),
    /// Anything else.
    Sql(SqlError),
}

/// What every instance in the worker is opened with: no extension is installed or loaded, no secret is read from
/// disk, nothing is spilled to disk.
pub fn hardened_config() -> duckdb::Result<Config> {
    Config::default()
        .enable_autoload_extension(false)?
        .with("allow_community_extensions", "false")?
        .with("allow_persistent_secrets", "false")?
        .with("temp_directory", "")
}

impl Engine {
    /// Opens the instance, reads the store's state and locks the configuration.
    ///
    /// # Errors
    /// [`SqlError::Store`] when the store cannot be followed, [`SqlError::Internal`] when DuckDB does not start.
    pub fn open(options: Options, open_feed: OpenFeed) -> Result<Self, SqlError> {
        let config = hardened_config()
            .and_then(|config| config.max_memory(&format!("{}MiB", options.memory_mib)))
            .and_then(|config| config.threads(i64::from(options.threads.max(1))))
            .map_err(SqlError::internal)?;
        let db = Connection::open_in_memory_with_flags(config).map_err(SqlError::internal)?;
        functions::register(&db).map_err(SqlError::internal)?;
        games::attach(&db).map_err(SqlError::internal)?;
        lock(&db, &options.parts).map_err(SqlError::internal)?;
        db.execute_batch("CREATE SCHEMA store").map_err(SqlError::internal)?;
        let zoned = options.time_zones.map_or_else(|| knows_time_zones(&db), Ok).map_err(SqlError::internal)?;
        let feed = open_feed().map_err(store_error)?;
        let root = DataRoot::open(&options.root).map_err(store_error)?;
        let mut engine = Self {
            db,
            options,
            open_feed,
            feed,
            catalog: Arc::default(),
            reads: HashMap::new(),
            filled: Filled::default(),
            games: Games::new(&root),
            repeats: repeats::none(),
            columns: HashMap::new(),
            derived: derived::Loaded::default(),
            as_of: String::new(),
            zoned,
        };
        engine.empty().map_err(SqlError::internal)?;
        derived::create(&engine.db).map_err(SqlError::internal)?;
        engine.refresh()?;
        engine.columns = engine.read_columns().map_err(SqlError::internal)?;
        Ok(engine)
    }

    /// Interrupts the running query, from any thread.
    pub fn interrupt_handle(&self) -> Arc<InterruptHandle> {
        self.db.interrupt_handle()
    }

    /// Time up to which rows are included, ISO 8601.
    pub fn as_of(&self) -> &str {
        &self.as_of
    }

    /// Brings views and tail up to date. Cheap when nothing changed.
    ///
    /// # Errors
    /// [`SqlError::Store`]. A change that cannot be applied (a part removed at that moment) makes the engine start
    /// over once before it gives up.
    pub fn refresh(&mut self) -> Result<(), SqlError> {
        let as_of = time_text(now_us()).unwrap_or_default();
        let result = self.feed.poll().map_err(store_error).and_then(|change| self.apply(change));
        if let Err(error) = result {
            tracing::warn!(%error, "the SQL worker reads the store from the beginning");
            self.start_over()?;
        }
        self.as_of = as_of;
        Ok(())
    }

    /// Which derived views a query reads, and the revisions that are loaded.
    pub fn wanted(&self, query: &Checked) -> Vec<WantedView> {
        derived::wanted(&query.views, &self.derived)
    }

    /// Takes the rows of derived views.
    ///
    /// # Errors
    /// [`SqlError::Internal`] when DuckDB does not take them.
    pub fn load(&mut self, tables: Vec<DerivedRows>) -> Result<(), SqlError> {
        derived::load(&self.db, tables, &mut self.derived).map_err(SqlError::internal)
    }

    /// Reads the store from the beginning, though it may seem unchanged: for when a part is gone.
    ///
    /// # Errors
    /// [`SqlError::Store`].
    pub fn start_over(&mut self) -> Result<(), SqlError> {
        self.empty().map_err(SqlError::internal)?;
        self.feed = (self.open_feed)().map_err(store_error)?;
        let change = self.feed.poll().map_err(store_error)?;
        self.apply(change)
    }

    /// After a query that could not read a part: makes the views again without parts that are gone or damaged. Those that
    /// look untouched are read for it, because DuckDB does not say which part it was.
    ///
    /// # Errors
    /// [`SqlError::Store`].
    pub fn leave_out_damaged(&mut self, query: &Checked) -> Result<(), SqlError> {
        let root = DataRoot::open(&self.options.root).map_err(store_error)?;
        let kinds = kinds_of(query);
        let read = self.catalog.parts.iter().filter(|part| kinds.contains(&part.doc_type));
        let there: Vec<&Part> = read.filter(|part| part.defect(&root).is_none()).collect();
        damage::examine(&root, there);
        self.start_over()
    }

    /// What the query's views do not hold, or hold more than once, in words.
    pub fn left_out(&self, query: &Checked) -> Vec<String> {
        let kinds = kinds_of(query);
        let mut all = damage::sentences(&self.catalog.lost, &kinds);
        let read = self.repeats.iter().filter(|repeats| kinds.contains(&repeats.doc_type()));
        all.extend(read.filter_map(Repeats::sentence));
        all
    }

    /// Empty tails, and views over nothing else.
    fn empty(&mut self) -> duckdb::Result<()> {
        self.reads.clear();
        self.filled = Filled::default();
        self.repeats = repeats::none();
        self.db.execute_batch(&ticks::create())?;
        self.games = Games::new(self.games.root());
        games::create(&self.db, self.zoned)?;
        self.db.execute_batch(&repeats::create())?;
        for doc in DocType::ALL {
            self.db.execute_batch(&tail::create_table(doc))?;
            self.show(doc, &Reads::default())?;
        }
        for statement in views::statements() {
            self.db.execute_batch(&statement)?;
        }
        Ok(())
    }

    fn apply(&mut self, change: Change) -> Result<(), SqlError> {
        if change.catalog.is_none() && change.rows.is_empty() && change.sealed.is_empty() {
            return Ok(());
        }
        let of_games = self.games.apply(&change);
        let steps = || -> duckdb::Result<Applied> {
            games::publish(&self.db, &self.games, &of_games, self.zoned)?;
            self.db.execute_batch("BEGIN")?;
            for (doc, batch) in &change.rows {
                tail::append(&self.db, *doc, batch)?;
            }
            let changed = self.changes(&change)?;
            for (doc, reads) in &changed {
                self.show(*doc, reads)?;
            }
            let filled = self.filled_now(&change)?;
            if let Some(filled) = &filled {
                self.show_ticks(filled, &changed)?;
            }
            let repeats = self.repeats_now(&change)?;
            for repeats in repeats.iter().flatten() {
                let mixed = self.is_mixed(repeats.doc_type(), &changed);
                let doc = repeats.doc_type();
                let view =
                    repeats.view(|parts, tail| self.select(doc, &Reads { parts: parts.to_vec(), mixed, tail }));
                self.db.execute_batch(&format!("CREATE OR REPLACE VIEW main.{} AS {view}", doc.as_str()))?;
            }
            self.db.execute_batch("COMMIT")?;
            Ok(Applied { changed, filled, repeats })
        };
        match steps() {
            Ok(Applied { changed, filled, repeats }) => {
                self.reads.extend(changed);
                self.filled = filled.unwrap_or_else(|| std::mem::take(&mut self.filled));
                self.repeats = repeats.unwrap_or_else(|| std::mem::take(&mut self.repeats));
                if let Some(catalog) = change.catalog {
                    self.catalog = catalog;
                }
                Ok(())
            }
            Err(error) => {
                let _ = self.db.execute_batch("ROLLBACK");
                Err(SqlError::Store { message: format!("the views cannot be brought up to date: {error}") })
            }
        }
    }

    /// Drops sealed rows from the tails, and finds the doc types whose views have to read something else.
    fn changes(&self, change: &Change) -> duckdb::Result<Vec<(DocType, Reads)>> {
        let mut parts = change.catalog.as_deref().map(parts_by_type);
        let mut changed = Vec::new();
        for doc in DocType::ALL {
            let before = self.reads.get(&doc).cloned().unwrap_or_default();
            let mut now = before.clone();
            if let Some(parts) = &mut parts {
                (now.parts, now.mixed) = parts.remove(&doc).unwrap_or_default();
            }
            now.tail |= change.rows.iter().any(|(kind, _)| *kind == doc);
            if now.tail && !change.sealed.is_empty() {
                tail::drop_sealed(&self.db, doc, &change.sealed)?;
                now.tail = !tail::is_empty(&self.db, doc)?;
            }
            if now != before {
                changed.push((doc, now));
            }
        }
        Ok(changed)
    }

    /// Which filled ticks step back by now; `None` where nothing changed about it.
    fn filled_now(&self, change: &Change) -> duckdb::Result<Option<Filled>> {
        let mut filled = match &change.catalog {
            Some(catalog) => self.filled.with_parts(catalog.parts.iter()),
            None => self.filled.clone(),
        };
        let concerned =
            |(doc, batch): &(DocType, RecordBatch)| *doc == DocType::GameTick && filled.concerns(batch);
        if change.catalog.is_none() && !change.rows.iter().any(concerned) {
            return Ok(None);
        }
        filled.find(&self.db, &self.options.root)?;
        Ok(Some(filled))
    }

    /// Which trades and side bets repeat others by now; `None` where nothing changed about it.
    fn repeats_now(&self, change: &Change) -> duckdb::Result<Option<Vec<Repeats>>> {
        let new = |doc: DocType| change.rows.iter().filter(move |(kind, _)| *kind == doc).map(|(_, batch)| batch);
        if change.catalog.is_none() && !self.repeats.iter().any(|kind| new(kind.doc_type()).next().is_some()) {
            return Ok(None);
        }
        let mut all = self.repeats.clone();
        for kind in &mut all {
            match &change.catalog {
                Some(catalog) => kind.find(&self.db, &self.options.root, &catalog.parts)?,
                None if !new(kind.doc_type()).all(|batch| kind.knows_days_of(batch)) => {
                    kind.find(&self.db, &self.options.root, &self.catalog.parts)?;
                }
                None => new(kind.doc_type()).try_for_each(|batch| kind.add(&self.db, batch))?,
            }
        }
        Ok(Some(all))
    }

    /// Whether parts of a kind may lack columns.
    fn is_mixed(&self, doc: DocType, changed: &[(DocType, Reads)]) -> bool {
        let now = changed.iter().find(|(kind, _)| *kind == doc).map(|(_, reads)| reads);
        now.or_else(|| self.reads.get(&doc)).is_some_and(|reads| reads.mixed)
    }

    /// Makes `main.game_tick`.
    fn show_ticks(&self, filled: &Filled, changed: &[(DocType, Reads)]) -> duckdb::Result<()> {
        let mixed = self.is_mixed(DocType::GameTick, changed);
        let view = filled
            .view(|parts, tail| self.select(DocType::GameTick, &Reads { parts: parts.to_vec(), mixed, tail }));
        self.db.execute_batch(&format!("CREATE OR REPLACE VIEW main.game_tick AS {view}"))
    }

    /// Makes `store.<doc_type>`.
    fn show(&self, doc: DocType, reads: &Reads) -> duckdb::Result<()> {
        let select = self.select(doc, reads);
        self.db.execute_batch(&format!("CREATE OR REPLACE VIEW store.{} AS {select}", doc.as_str()))
    }

    /// Reads the parts, then the tail.
    fn select(&self, doc: DocType, reads: &Reads) -> String {
        let schema = arrow_schema(doc);
        let names: Vec<String> = schema.fields().iter().map(|field| format!("\"{}\"", field.name())).collect();
        let names = names.join(", ");
        let shown: Vec<String> =
            schema.fields().iter().map(|field| shown(field.name(), field.data_type(), self.zoned)).collect();
        let shown = shown.join(", ");
        let tail = tail::select(doc);
        if reads.parts.is_empty() {
            return format!("SELECT {shown} FROM ({tail})");
        }
        let files: Vec<String> = reads.parts.iter().map(|part| literal(&self.options.root.join(part))).collect();
        let files = files.join(", ");
        let parts = if reads.mixed {
            format!("SELECT * FROM read_parquet([{files}], hive_partitioning = false, union_by_name = true)")
        } else {
            // Binds to the first file's schema; by name would read every footer for every query.
            format!("SELECT {names} FROM read_parquet([{files}], hive_partitioning = false)")
        };
        match (reads.tail, reads.mixed) {
            (false, false) => format!("SELECT {shown} FROM ({parts})"),
            // BY NAME, because the tail has all columns.
            _ => format!("SELECT {shown} FROM ({parts} UNION ALL BY NAME {tail})"),
        }
    }

    fn read_columns(&self) -> duckdb::Result<HashMap<&'static str, Vec<String>>> {
        let mut all = HashMap::new();
        for view in views::NAMES {
            let mut statement = self.db.prepare(&format!("DESCRIBE {view}"))?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
            all.insert(*view, names);
        }
        Ok(all)
    }

    /// Runs checked text and hands over its schema, then its batches as they are made.
    ///
    /// # Errors
    /// See [`RunError`].
    pub fn run(
        &self,
        query: &Checked,
        shape: Shape,
        params: &[Value],
        mut on_schema: impl FnMut(&SchemaRef) -> Result<(), SqlError>,
        mut on_batch: impl FnMut(RecordBatch) -> Result<Flow, SqlError>,
    ) -> Result<(), RunError> {
        let params = params.iter().map(bind).collect::<Result<Vec<_>, _>>().map_err(RunError::Sql)?;
        let fail = |error: duckdb::Error| self.run_error(&error.to_string(), query);
        let mut statement = self.db.prepare(&shape.wrap(&query.sql)).map_err(fail)?;
        if statement.parameter_count() != params.len() {
            return Err(RunError::Sql(SqlError::failed(format!(
                "the query has {} parameters ($1, …) and {} values were given",
                statement.parameter_count(),
                params.len()
            ))));
        }
        let mut batches = statement.stream_arrow(duckdb::params_from_iter(params)).map_err(fail)?;
        on_schema(&batches.get_schema()).map_err(RunError::Sql)?;
        loop {
            // The iterator panics where a fetch fails; there is no other way to hear of it.
            let next = catch_unwind(AssertUnwindSafe(|| batches.next())).map_err(|panic| {
                let message = panic
                    .downcast_ref::<String>()
                    .cloned()
                    .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
                    .unwrap_or_default();
                self.run_error(message.trim_start_matches("Failed to fetch Arrow record batch: "), query)
            })?;
            let Some(batch) = next else { return Ok(()) };
            if batch.num_rows() > 0 && on_batch(batch).map_err(RunError::Sql)? == Flow::Stop {
                return Ok(());
            }
        }
    }

    fn run_error(&self, message: &str, query: &Checked) -> RunError {
        // The excerpt DuckDB adds shows the canonical text, which the asker did not write.
        let core = message.split("\n\nLINE ").next().unwrap_or(message).trim();
        let core = core.split("\n\nStack Trace").next().unwrap_or(core);
        if core.contains("Interrupted!") || core.starts_with("INTERRUPT Error") {
            return RunError::Interrupted;
        }
        if core.contains("Out of Memory Error")
            || core.contains("failed to allocate")
            || core.contains("bad_alloc")
        {
            let first = core.lines().next().unwrap_or_default();
            return RunError::Sql(SqlError::Memory {
                limit_mib: self.options.memory_mib,
                message: cells::visible(first),
            });
        }
        if core.starts_with("IO Error") || core.contains("No files found") {
            return RunError::Vanished(core.to_owned());
        }
        if is_of_a_file(core) {
            return RunError::Unreadable(core.to_owned());
        }
        if core.starts_with("INTERNAL Error") || core.starts_with("FATAL Error") {
            return RunError::Sql(SqlError::internal(core));
        }
        RunError::Sql(SqlError::failed(self.advise(core, query)))
    }

    /// DuckDB's message, with the columns that exist when one did not.
    fn advise(&self, message: &str, query: &Checked) -> String {
        let mut short: String = cells::visible(message).chars().take(1500).collect();
        let missing = missing_column(message);
        if let Some(column) = missing {
            if let Some((before, _)) = short.split_once("\nCandidate bindings") {
                short = before.trim_end().to_owned();
            }
            let known: Vec<(&str, &Vec<String>)> = query
                .views
                .iter()
                .filter_map(|view| self.columns.get(view).map(|columns| (*view, columns)))
                .collect();
            let all = known.iter().flat_map(|(_, columns)| columns.iter().map(String::as_str));
            if let Some(guess) = gate::nearest(&column.to_ascii_lowercase(), all) {
                short.push_str(&format!(" Did you mean {guess}?"));
            }
            for (view, columns) in known {
                short.push_str(&format!(" Columns of {view}: {}.", columns.join(", ")));
            }
        }
        short
    }
}

/// What is done with the checked text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// At most so many rows. As a LIMIT in the query, not by stopping to read: DuckDB then turns a sort of
    /// everything into a search for the top rows, and reads wide columns for those only.
    Limited(u64),
    /// All rows.
    Whole,
    /// The plan of the query.
    Plan,
}

impl Shape {
    fn wrap(self, sql: &str) -> String {
        match self {
            Self::Limited(rows) => format!("SELECT * FROM (\n{sql}\n) LIMIT {rows}"),
            Self::Whole => sql.to_owned(),
            Self::Plan => format!("EXPLAIN {sql}"),
        }
    }
}

/// The parts of each doc type, and whether any has other columns, from an older schema version.
fn parts_by_type(catalog: &Catalog) -> HashMap<DocType, (Vec<String>, bool)> {
    let mut all: HashMap<DocType, (Vec<String>, bool)> = HashMap::new();
    for part in &catalog.parts {
        let (paths, mixed) = all.entry(part.doc_type).or_default();
        paths.push(part.path.clone());
        *mixed |= !part.doc_type.has_columns_of(&part.schema);
    }
    all
}

/// The three settings, in the only order that works, then the lock. TimeZone needs ICU, which a DuckDB built
/// from source lacks; times are UTC there anyway.
fn lock(db: &Connection, parts: &Path) -> duckdb::Result<()> {
    let _ = db.execute_batch("SET GLOBAL TimeZone = 'UTC'");
    db.execute_batch(&format!(
        "SET GLOBAL parquet_metadata_cache = true;
         SET enable_progress_bar = false;
         SET lambda_syntax = 'ENABLE_SINGLE_ARROW';
         SET GLOBAL allowed_directories = [{}];
         SET GLOBAL enable_external_access = false;
         SET GLOBAL lock_configuration = true;",
        literal(parts)
    ))
}

/// A path as an SQL string.
pub(super) fn literal(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "''"))
}

fn store_error(error: StoreError) -> SqlError {
    SqlError::Store { message: error.to_string() }
}

fn bind(value: &Value) -> Result<Bound, SqlError> {
    Ok(match value {
        Value::Null => Bound::Null,
        Value::Bool(value) => Bound::Boolean(*value),
        Value::String(text) => Bound::Text(text.clone()),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(value), _, _) => Bound::BigInt(value),
            (_, Some(value), _) => Bound::UBigInt(value),
            (_, _, Some(value)) => Bound::Double(value),
            _ => return Err(SqlError::failed("a parameter is not a number that can be bound")),
        },
        Value::Array(_) | Value::Object(_) => {
            return Err(SqlError::failed(
                "parameters are null, booleans, numbers or strings; send lists as JSON text",
            ));
        }
    })
}

/// The kinds of rows that a query's views are made from.
fn kinds_of(query: &Checked) -> Vec<DocType> {
    let all = query.views.iter().flat_map(|view| views::reads(view));
    DocType::ALL.into_iter().filter(|kind| all.clone().any(|read| read == kind)).collect()
}

/// Whether an error is about the content of a Parquet file, by the words that DuckDB's reader has for it. No query of a user
/// brings these about.
fn is_of_a_file(message: &str) -> bool {
    const WORDS: [&str; 11] = [
        "magic bytes",
        "parquet",
        "thrift",
        "tprotocol",
        "zstd",
        "snappy",
        "decompress",
        "string encoding",
        "out of buffer",
        "corrupt",
        "malformed",
    ];
    let kind = message.split(':').next().unwrap_or_default();
    let of_the_query = ["Binder", "Parser", "Catalog", "Conversion", "Constraint", "Syntax"];
    let lower = message.to_ascii_lowercase();
    !of_the_query.iter().any(|word| kind.contains(word)) && WORDS.iter().any(|word| lower.contains(word))
}

/// The column name in "Referenced column "x" not found" and its relatives.
fn missing_column(message: &str) -> Option<&str> {
    ["Referenced column \"", "does not have a column named \"", "Could not find key \""]
        .iter()
        .find_map(|start| message.split_once(start)?.1.split_once('"').map(|(name, _)| name))
}

/// A column as the views show it. Without time zones, times are shown without one (they are UTC either way), so
/// that `date_trunc` and the like work.
fn shown(name: &str, kind: &DataType, zoned: bool) -> String {
    match kind {
        DataType::Timestamp(_, Some(_)) if !zoned => format!("\"{name}\"::TIMESTAMP AS \"{name}\""),
        _ => format!("\"{name}\""),
    }
}

/// Whether DuckDB's ICU is there: the prebuilt library has it, one compiled from source has not.
fn knows_time_zones(db: &Connection) -> duckdb::Result<bool> {
    db.query_row(
        "SELECT count(*) > 0 FROM duckdb_functions() WHERE function_name = 'date_trunc' \
         AND list_contains(parameter_types, 'TIMESTAMP WITH TIME ZONE')",
        [],
        |row| row.get(0),
    )
}

/// The SQL type a tail column has for an Arrow type.
pub(super) fn column_type(kind: &DataType) -> &'static str {
    match kind {
        DataType::Boolean => "BOOLEAN",
        DataType::Int8 | DataType::Int16 | DataType::Int32 => "INTEGER",
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 | DataType::Int64 => "BIGINT",
        DataType::Float32 | DataType::Float64 => "DOUBLE",
        DataType::Timestamp(_, Some(_)) => "TIMESTAMPTZ",
        DataType::Timestamp(_, None) => "TIMESTAMP",
        DataType::List(_) | DataType::LargeList(_) => "DOUBLE[]",
        _ => "VARCHAR",
    }
}
