//! The views `trade` and `sidebet`: what was received more than once counts once.
//!
//! Whoever wrote the parts has sorted them ([`replayer_store::repeats`]): parts of repetitions are left out, and the others are
//! read as they are. Only unsealed rows, and parts of older builds, are compared here, when they come; the rows among them
//! that repeat others are in `store.repeated_<doc_type>`.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use duckdb::Connection;
use replayer_store::catalog::Part;
use replayer_store::repeats::{self, KINDS};
use replayer_store::root::DataRoot;
use replayer_store::schema::DocType;

/// Rows of parts of older builds that are compared at most, the newest: their keys are kept in memory. In an older part a row
/// counts as it is.
const MOST_COMPARED: u64 = 200_000;

/// What is known of one kind.
#[derive(Debug, Clone)]
pub(super) struct Repeats {
    doc_type: DocType,
    /// Parts whose rows count, all of them.
    counted: Arc<Vec<String>>,
    /// Parts of older builds that are compared.
    unknown: Arc<Vec<String>>,
    /// Rows in others.
    uncompared: u64,
    /// Whether any part is left out.
    left_out: bool,
    /// Whether any row of the tail, or of a part of an older build, repeats another.
    any: bool,
    /// What a new row of the tail may repeat.
    keys: Arc<HashSet<u64>>,
    /// Keys of parts near the tail, by their path.
    of_parts: HashMap<String, Arc<HashSet<u64>>>,
}

/// What is known at first.
pub(super) fn none() -> Vec<Repeats> {
    let none = |doc_type| Repeats {
        doc_type,
        counted: Arc::default(),
        unknown: Arc::default(),
        uncompared: 0,
        left_out: false,
        any: false,
        keys: Arc::default(),
        of_parts: HashMap::new(),
    };
    KINDS.into_iter().map(none).collect()
}

/// The statements that empty what is known.
pub(super) fn create() -> String {
    KINDS.into_iter().map(|doc_type| create_table(&table(doc_type))).collect()
}

fn table(doc_type: DocType) -> String {
    format!("store.repeated_{}", doc_type.as_str())
}

fn create_table(table: &str) -> String {
    format!("CREATE OR REPLACE TABLE {table} (session_id VARCHAR, seq BIGINT, ordinal BIGINT);")
}

/// Rows, by their key in the store.
type Places = Vec<(String, i64, i64)>;

impl Repeats {
    pub(super) fn doc_type(&self) -> DocType {
        self.doc_type
    }

    /// Compares everything that the parts do not say themselves.
    ///
    /// # Errors
    /// DuckDB's.
    pub(super) fn find(&mut self, db: &Connection, root: &Path, parts: &[Part]) -> duckdb::Result<()> {
        let of_kind: Vec<&Part> = parts.iter().filter(|part| part.doc_type == self.doc_type).collect();
        let (mut unknown, known): (Vec<&Part>, Vec<&Part>) =
            of_kind.into_iter().partition(|part| part.ids.is_none());
        let (left_out, mut counted): (Vec<&Part>, Vec<&Part>) =
            known.into_iter().partition(|part| repeats::is_left_out(part));
        let uncompared = self.pass_over(&mut unknown);
        counted.extend(uncompared);
        let paths = |parts: &[&Part]| Arc::new(parts.iter().map(|part| part.path.clone()).collect::<Vec<_>>());
        (self.counted, self.unknown) = (paths(&counted), paths(&unknown));
        self.left_out = !left_out.is_empty();
        let tail = self.tail(db)?;
        let (mut seen, mut places) = (HashSet::new(), Places::new());
        let compared = !unknown.is_empty() || tail.iter().any(|batch| batch.num_rows() > 0);
        if compared && let Ok(data_root) = DataRoot::open(root) {
            let days = self.days(db, &unknown)?;
            let near: Vec<&Part> = counted.into_iter().filter(|part| days.contains(&part.date)).collect();
            self.of_parts.retain(|path, _| near.iter().any(|part| part.path == *path));
            for part in near {
                // What cannot be read is said elsewhere.
                let read = || Arc::new(repeats::keys_of_part(&data_root, part).unwrap_or_default());
                seen.extend(self.of_parts.entry(part.path.clone()).or_insert_with(read).iter());
            }
            let columns: Vec<&str> = PLACE.iter().chain(repeats::key_columns(self.doc_type)).copied().collect();
            for part in unknown {
                for batch in replayer_store::scan::batches(&data_root, part, Some(&columns)).flatten() {
                    compare(self.doc_type, &batch, &mut seen, &mut places);
                }
            }
        }
        for batch in &tail {
            compare(self.doc_type, batch, &mut seen, &mut places);
        }
        self.keys = Arc::new(seen);
        db.execute_batch(&create_table(&table(self.doc_type)))?;
        self.put(db, &places)
    }

    /// Takes out of `unknown` what is not compared, and returns it.
    fn pass_over<'p>(&mut self, unknown: &mut Vec<&'p Part>) -> Vec<&'p Part> {
        unknown.sort_by(|a, b| (&b.date, &b.path).cmp(&(&a.date, &a.path)));
        let mut rows = 0;
        let compared = unknown.iter().take_while(|part| {
            rows += part.rows;
            rows <= MOST_COMPARED
        });
        let passed_over = unknown.split_off(compared.count());
        self.uncompared = passed_over.iter().map(|part| part.rows).sum();
        // Of two rows the one stored first counts.
        unknown.reverse();
        passed_over
    }

    /// What an answer from these rows may count more than once, in words.
    pub(super) fn sentence(&self) -> Option<String> {
        (self.uncompared > 0).then(|| {
            format!(
                "{} rows of {} were stored by an older build and are not compared with each other: what was received twice \
                 counts twice among them. `replayer data compact` sorts them",
                self.uncompared,
                self.doc_type.as_str()
            )
        })
    }

    /// Compares new rows of the tail.
    ///
    /// # Errors
    /// DuckDB's.
    pub(super) fn add(&mut self, db: &Connection, batch: &RecordBatch) -> duckdb::Result<()> {
        let mut places = Places::new();
        compare(self.doc_type, batch, Arc::make_mut(&mut self.keys), &mut places);
        self.put(db, &places)
    }

    fn put(&mut self, db: &Connection, places: &Places) -> duckdb::Result<()> {
        let mut appender = db.appender_to_db(&format!("repeated_{}", self.doc_type.as_str()), "store")?;
        for (session, seq, ordinal) in places {
            appender.append_row(duckdb::params![session, seq, ordinal])?;
        }
        appender.flush()?;
        drop(appender);
        self.any =
            db.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {})", table(self.doc_type)), [], |row| {
                row.get(0)
            })?;
        Ok(())
    }

    /// The days of the rows that are compared, and those beside them.
    fn days(&self, db: &Connection, unknown: &[&Part]) -> duckdb::Result<HashSet<String>> {
        let sql = format!(
            "SELECT DISTINCT strftime(ts, '%Y-%m-%d') FROM store.tail_{} WHERE ts IS NOT NULL",
            self.doc_type.as_str()
        );
        let mut statement = db.prepare(&sql)?;
        let of_tail = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
        let days = of_tail.into_iter().chain(unknown.iter().map(|part| part.date.clone()));
        Ok(days.flat_map(|day| repeats::near(&day)).collect())
    }

    fn tail(&self, db: &Connection) -> duckdb::Result<Vec<RecordBatch>> {
        let columns: Vec<&str> = PLACE.iter().chain(repeats::key_columns(self.doc_type)).copied().collect();
        let sql = format!(
            "SELECT {} FROM store.tail_{} ORDER BY session_id, seq, ordinal",
            columns.join(", "),
            self.doc_type.as_str()
        );
        Ok(db.prepare(&sql)?.query_arrow([])?.collect())
    }

    /// The view's SQL. `select` reads parts, and the tail where it is told to.
    pub(super) fn view(&self, select: impl Fn(&[String], bool) -> String) -> String {
        let name = self.doc_type.as_str();
        if !self.any && !self.left_out {
            return format!("SELECT * FROM store.{name}");
        }
        let counted = if self.counted.is_empty() {
            String::new()
        } else {
            format!("{} UNION ALL ", select(&self.counted, false))
        };
        format!(
            "{counted}SELECT * FROM ({}) AS row WHERE NOT EXISTS (SELECT 1 FROM {} AS again WHERE again.session_id = \
             row.session_id AND again.seq = row.seq AND again.ordinal = row.ordinal)",
            select(&self.unknown, true),
            table(self.doc_type)
        )
    }
}

/// What tells a row from all others.
const PLACE: [&str; 3] = ["session_id", "seq", "ordinal"];

/// Adds the rows that repeat others to `places`.
fn compare(doc_type: DocType, batch: &RecordBatch, seen: &mut HashSet<u64>, places: &mut Places) {
    let sessions = batch.column_by_name("session_id").and_then(|column| column.as_string_opt::<i32>());
    let number = |name: &str| batch.column_by_name(name).and_then(|column| column.as_primitive_opt::<Int64Type>());
    let (Some(sessions), Some(seqs)) = (sessions, number("seq")) else { return };
    let ordinals = number("ordinal");
    for (row, key) in repeats::keys(doc_type, batch).into_iter().enumerate() {
        if key.is_some_and(|key| !seen.insert(key)) && sessions.is_valid(row) {
            let ordinal =
                ordinals.filter(|ordinals| ordinals.is_valid(row)).map_or(0, |ordinals| ordinals.value(row));
            places.push((sessions.value(row).to_owned(), seqs.value(row), ordinal));
        }
    }
}
