//! The Lance table: units as rows, their vectors, and the indexes on them. All that is said to Lance is said here.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListBuilder, Float32Builder, Int64Array, ListBuilder, RecordBatch,
    StringArray, StringBuilder,
};
use arrow::datatypes::{DataType, Field, Float32Type, Int64Type, Schema, SchemaRef, UInt64Type};
use futures::TryStreamExt;
use lancedb::index::Index;
use lancedb::index::scalar::{BTreeIndexBuilder, BitmapIndexBuilder, FtsIndexBuilder, FullTextSearchQuery};
use lancedb::index::vector::IvfSqIndexBuilder;
use lancedb::query::{ExecutableQuery, QueryBase, Select};
use lancedb::table::{Duration, OptimizeAction, OptimizeOptions};
use lancedb::{Connection, DistanceType, ObjectStoreRegistry, Session, Table};
use sha2::{Digest as _, Sha256};

use super::error::{IndexError, short};
use super::ranking::Ranked;
use super::units::{Basis, Tier, Unit, UnitKind};
use super::words;

/// From this many rows on a vector index is made; below it, comparing with every vector is exact and fast enough.
pub const VECTOR_INDEX_ROWS: u64 = 50_000;

/// What Lance may keep in memory: indexes, and what it knows of files.
const INDEX_CACHE: usize = 96 << 20;
const METADATA_CACHE: usize = 32 << 20;

/// Columns that filters name. Those with few values get a bitmap, the others a sorted index.
const BITMAPS: [&str; 4] = ["kind", "event_name", "doc_type", "source"];
const SORTED: [&str; 4] = ["id", "game_id", "session_id", "ts_us"];

/// The text columns of a unit, in order.
const TEXTS: [&str; 12] = [
    "id",
    "kind",
    "title",
    "text",
    "event_name",
    "field_path",
    "doc_type",
    "game_id",
    "session_id",
    "source",
    "tier",
    "basis",
];

/// A unit with its vector, ready to be written.
#[derive(Debug, Clone)]
pub struct Row {
    /// The unit.
    pub unit: Unit,
    /// Its vector; `None` where there was no model.
    pub vector: Option<Vec<f32>>,
}

/// What the table knows of a unit.
#[derive(Debug, Clone)]
pub struct Known {
    /// Hashes of its text and of the rest.
    pub stamp: Stamp,
    /// Its vector, if it has one.
    pub vector: Option<Vec<f32>>,
}

/// Tells whether a unit is the one in the table. Stored as `text:rest`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// The unit's own hash, of what is embedded.
    pub text: String,
    /// Hash of everything else: a change there writes the row anew, with the vector it has.
    pub rest: String,
}

impl Stamp {
    /// The stamp of a unit.
    pub fn of(unit: &Unit) -> Stamp {
        let Unit {
            event_name,
            field_path,
            doc_type,
            game_id,
            session_id,
            source,
            ts_us,
            tier,
            basis,
            evidence,
            ..
        } = unit;
        let known = (tier.as_str(), basis.map(Basis::as_str));
        let rest = format!(
            "{:?}",
            (event_name, field_path, doc_type, game_id, session_id, source, ts_us, known, evidence)
        );
        let digest = Sha256::digest(rest.as_bytes());
        let rest = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Stamp { text: unit.hash.clone(), rest }
    }

    fn parse(stored: &str) -> Stamp {
        let (text, rest) = stored.rsplit_once(':').unwrap_or((stored, ""));
        Stamp { text: text.to_owned(), rest: rest.to_owned() }
    }
}

impl std::fmt::Display for Stamp {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(f, "{}:{}", self.text, self.rest)
    }
}

/// The card of an event or a field, as far as a question's words lead to it.
#[derive(Debug, Clone)]
pub struct Card {
    /// The row, by its address in this version of the table.
    pub row: u64,
    /// Whose card it is.
    pub kind: UnitKind,
    /// The unit's id.
    pub id: String,
    /// The event.
    pub event_name: Option<String>,
    /// The field.
    pub field_path: Option<String>,
}

/// One place of a ranked list.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// The row, by its address in this version of the table.
    pub ranked: Ranked,
    /// Distance (nearest first) or keyword score (highest first).
    pub value: f32,
}

/// An open table.
#[derive(Clone)]
pub struct UnitTable {
    table: Table,
    path: PathBuf,
    dimension: usize,
}

impl std::fmt::Debug for UnitTable {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("UnitTable").field("path", &self.path).field("dimension", &self.dimension).finish()
    }
}

impl UnitTable {
    /// Makes an empty table `<folder>/<name>.lance`.
    ///
    /// # Errors
    /// When the folder cannot be written, or the table is there already.
    pub async fn create(folder: &Path, name: &str, dimension: usize) -> Result<UnitTable, IndexError> {
        let table = connect(folder)
            .await?
            .create_empty_table(name, schema(dimension))
            .execute()
            .await
            .map_err(IndexError::lance("be created"))?;
        Ok(UnitTable { table, path: folder.join(format!("{name}.lance")), dimension })
    }

    /// Opens `<folder>/<name>.lance` as it is now; later versions are seen after [`UnitTable::refresh`].
    ///
    /// # Errors
    /// [`IndexError::Damaged`] when it is there and cannot be read.
    pub async fn open(folder: &Path, name: &str, dimension: usize) -> Result<UnitTable, IndexError> {
        let path = folder.join(format!("{name}.lance"));
        if !path.is_dir() {
            return Err(IndexError::Missing { why: "any more: its folder in vectors/ was removed" });
        }
        let damaged = |reason: String| IndexError::Damaged { path: path.clone(), reason };
        let opened = connect(folder).await?.open_table(name).execute().await;
        let table = opened.map_err(|error| damaged(short(&error.to_string())))?;
        let found = table.schema().await.map_err(|error| damaged(short(&error.to_string())))?;
        if *found != *schema(dimension) && !same_columns(&found, &schema(dimension)) {
            return Err(damaged("its columns are not those of this version".into()));
        }
        Ok(UnitTable { table, path, dimension })
    }

    /// Length of its vectors.
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// Goes to the newest version.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn refresh(&self) -> Result<(), IndexError> {
        self.table.checkout_latest().await.map_err(self.unreadable())
    }

    /// Rows in it.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn count(&self) -> Result<u64, IndexError> {
        Ok(self.table.count_rows(None).await.map_err(self.unreadable())? as u64)
    }

    /// Adds rows whose ids are not in the table.
    ///
    /// # Errors
    /// When they cannot be written; then none of them is.
    pub async fn append(&self, rows: &[Row]) -> Result<(), IndexError> {
        if rows.is_empty() {
            return Ok(());
        }
        let batch = self.batch(rows)?;
        self.table.add(batch).execute().await.map_err(IndexError::lance("be written"))?;
        Ok(())
    }

    /// Adds rows, or replaces those with the same id.
    ///
    /// # Errors
    /// When they cannot be written; then none of them is.
    pub async fn upsert(&self, rows: &[Row]) -> Result<(), IndexError> {
        if rows.is_empty() {
            return Ok(());
        }
        let batch = self.batch(rows)?;
        let schema = batch.schema();
        let reader = arrow::array::RecordBatchIterator::new([Ok(batch)], schema);
        let mut merge = self.table.merge_insert(&["id"]);
        merge.when_matched_update_all(None).when_not_matched_insert_all();
        merge.execute(Box::new(reader)).await.map_err(IndexError::lance("be written"))?;
        Ok(())
    }

    /// Hashes and, if wanted, vectors of the units with these ids.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn known(&self, ids: &[&str], vectors: bool) -> Result<HashMap<String, Known>, IndexError> {
        let mut known = HashMap::new();
        if ids.is_empty() {
            return Ok(known);
        }
        let columns: &[&str] = if vectors { &["id", "hash", "vector"] } else { &["id", "hash"] };
        for batch in self.select(columns, Some(&one_of("id", ids)), None).await? {
            let (id, hash) = (texts(&batch, "id"), texts(&batch, "hash"));
            let found = batch.column_by_name("vector").and_then(|column| column.as_fixed_size_list_opt());
            for row in 0..batch.num_rows() {
                let (Some(id), Some(hash)) = (text(id, row), text(hash, row)) else { continue };
                let vector = found.filter(|vectors| vectors.is_valid(row)).and_then(|vectors| {
                    vectors.value(row).as_primitive_opt::<Float32Type>().map(|values| values.values().to_vec())
                });
                known.insert(id, Known { stamp: Stamp::parse(&hash), vector });
            }
        }
        Ok(known)
    }

    /// Ids of the rows that one of these filters lets through.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn ids(&self, filters: &[String]) -> Result<HashSet<String>, IndexError> {
        let mut ids = HashSet::new();
        for filter in filters {
            let batches = self.select(&["id"], Some(filter), None).await?;
            ids.extend(batches.iter().flat_map(|batch| column(batch, "id").into_iter().flatten()));
        }
        Ok(ids)
    }

    /// Ids of the units that have no vector yet.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn without_vector(&self) -> Result<u64, IndexError> {
        let filter = Some("vector IS NULL".to_owned());
        Ok(self.table.count_rows(filter).await.map_err(self.unreadable())? as u64)
    }

    /// Removes units.
    ///
    /// # Errors
    /// When the table cannot be written.
    pub async fn delete(&self, ids: &[&str]) -> Result<(), IndexError> {
        for some in ids.chunks(500) {
            let filter = one_of("id", some);
            self.table.delete(filter.as_str()).await.map_err(IndexError::lance("be written"))?;
        }
        Ok(())
    }

    /// Makes the indexes anew: keywords, filter columns, and vectors where there are enough of them.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn build_indexes(&self) -> Result<(), IndexError> {
        let failed = || IndexError::lance("be indexed");
        for column in BITMAPS {
            let index = Index::Bitmap(BitmapIndexBuilder::default());
            self.table.create_index(&[column], index).execute().await.map_err(failed())?;
        }
        for column in SORTED {
            let index = Index::BTree(BTreeIndexBuilder::default());
            self.table.create_index(&[column], index).execute().await.map_err(failed())?;
        }
        // The words are made by `words`; Lance only takes them apart, cuts endings and drops stop words.
        let keywords = FtsIndexBuilder::default()
            .base_tokenizer("whitespace".into())
            .max_token_length(Some(80))
            .lower_case(true)
            .stem(true)
            .remove_stop_words(true)
            .ascii_folding(true)
            .with_position(false);
        self.table.create_index(&["search_text"], Index::FTS(keywords)).execute().await.map_err(failed())?;
        self.index_vectors().await
    }

    /// Makes the vector index, when there are enough vectors and there is none.
    async fn index_vectors(&self) -> Result<(), IndexError> {
        let filter = Some("vector IS NOT NULL".to_owned());
        if (self.table.count_rows(filter).await.map_err(self.unreadable())? as u64) < VECTOR_INDEX_ROWS {
            return Ok(());
        }
        let indices = self.table.list_indices().await.map_err(self.unreadable())?;
        if indices.iter().any(|index| index.columns.iter().any(|column| column == "vector")) {
            return Ok(());
        }
        let index = Index::IvfSq(IvfSqIndexBuilder::default().distance_type(DistanceType::Cosine));
        self.table.create_index(&["vector"], index).execute().await.map_err(IndexError::lance("be indexed"))
    }

    /// Joins small files, takes new rows into the indexes, and lets go of versions nobody can be reading any more.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn optimize(&self) -> Result<(), IndexError> {
        let failed = || IndexError::lance("be tidied");
        let compact = OptimizeAction::Compact { options: Default::default(), remap_options: None };
        self.table.optimize(compact).await.map_err(failed())?;
        self.table.optimize(OptimizeAction::Index(OptimizeOptions::default())).await.map_err(failed())?;
        let prune = OptimizeAction::Prune {
            older_than: Some(Duration::hours(1)),
            delete_unverified: Some(false),
            error_if_tagged_old_versions: Some(false),
        };
        self.table.optimize(prune).await.map_err(failed())?;
        self.index_vectors().await
    }

    /// Rows that the keyword index does not cover yet: each search reads them all.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn unindexed(&self) -> Result<u64, IndexError> {
        let indices = self.table.list_indices().await.map_err(self.unreadable())?;
        let Some(index) = indices.iter().find(|index| index.columns.iter().any(|column| column == "search_text"))
        else {
            return self.count().await;
        };
        let stats = self.table.index_stats(&index.name).await.map_err(self.unreadable())?;
        Ok(stats.map_or(0, |stats| stats.num_unindexed_rows as u64))
    }

    /// Whether there is a vector index.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn has_vector_index(&self) -> Result<bool, IndexError> {
        let indices = self.table.list_indices().await.map_err(self.unreadable())?;
        Ok(indices.iter().any(|index| index.columns.iter().any(|column| column == "vector")))
    }

    /// The rows nearest in meaning among those the filter lets through, nearest first.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn nearest(
        &self,
        vector: &[f32],
        filter: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Candidate>, IndexError> {
        let query = self.table.query().nearest_to(vector).map_err(self.unreadable())?;
        let mut query = query
            .column("vector")
            .distance_type(DistanceType::Cosine)
            .refine_factor(2)
            .select(Select::columns(&["kind", "tier", "basis", "_distance"]))
            .limit(limit)
            .with_row_id();
        if let Some(filter) = filter {
            query = query.only_if(filter);
        }
        Ok(candidates(&self.batches(query).await?, "_distance"))
    }

    /// The rows with the rarest of these words among those the filter lets through, best first.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn keywords(
        &self,
        words: &str,
        filter: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Candidate>, IndexError> {
        let search = FullTextSearchQuery::new(words.to_owned())
            .with_column("search_text".to_owned())
            .map_err(|error| self.unreadable()(error.into()))?;
        let mut query = self
            .table
            .query()
            .full_text_search(search)
            .select(Select::columns(&["kind", "tier", "basis", "_score"]))
            .limit(limit)
            .with_row_id();
        if let Some(filter) = filter {
            query = query.only_if(filter);
        }
        Ok(candidates(&self.batches(query).await?, "_score"))
    }

    /// All batches a query gives.
    async fn batches(&self, query: impl ExecutableQuery) -> Result<Vec<RecordBatch>, IndexError> {
        let stream = query.execute().await.map_err(self.unreadable())?;
        stream.try_collect().await.map_err(self.unreadable())
    }

    /// The rows that a filter lets through, with their addresses.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn matching(&self, filter: &str, limit: usize) -> Result<Vec<(u64, Unit)>, IndexError> {
        let batches = self.select(&unit_columns(), Some(filter), Some(limit)).await?;
        Ok(batches.iter().flat_map(numbered_units).collect())
    }

    /// The rows with these addresses.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn take(&self, rows: &[u64]) -> Result<HashMap<u64, Unit>, IndexError> {
        if rows.is_empty() {
            return Ok(HashMap::new());
        }
        let query = self.table.take_row_ids(rows.to_vec()).select(Select::columns(&unit_columns())).with_row_id();
        Ok(self.batches(query).await?.iter().flat_map(numbered_units).collect())
    }

    /// The values of a column and how many units have each.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn values(&self, name: &'static str) -> Result<BTreeMap<String, u64>, IndexError> {
        let mut values = BTreeMap::new();
        for batch in self.select(&[name], None, None).await? {
            for value in column(&batch, name).into_iter().flatten() {
                *values.entry(value).or_default() += 1;
            }
        }
        Ok(values)
    }

    /// Whether any unit passes a filter.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn any(&self, filter: &str) -> Result<bool, IndexError> {
        let batches = self.select(&["id"], Some(filter), Some(1)).await?;
        Ok(batches.iter().any(|batch| batch.num_rows() > 0))
    }

    /// The cards of events and fields.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub async fn cards(&self) -> Result<Vec<Card>, IndexError> {
        let cards = [UnitKind::EventCard, UnitKind::FieldCard];
        let filter = one_of("kind", &cards.map(UnitKind::as_str));
        let mut out = Vec::new();
        for batch in self.select(&["id", "kind", "event_name", "field_path"], Some(&filter), None).await? {
            let [id, kind, event, field] =
                ["id", "kind", "event_name", "field_path"].map(|name| texts(&batch, name));
            for (place, row) in row_ids(&batch).into_iter().enumerate() {
                let kind = text(kind, place).and_then(|kind| UnitKind::from_name(&kind));
                if let (Some(id), Some(kind)) = (text(id, place), kind) {
                    out.push(Card {
                        row,
                        kind,
                        id,
                        event_name: text(event, place),
                        field_path: text(field, place),
                    });
                }
            }
        }
        Ok(out)
    }

    async fn select(
        &self,
        columns: &[&str],
        filter: Option<&str>,
        limit: Option<usize>,
    ) -> Result<Vec<RecordBatch>, IndexError> {
        let mut query = self.table.query().select(Select::columns(columns)).with_row_id();
        if let Some(filter) = filter {
            query = query.only_if(filter);
        }
        if let Some(limit) = limit {
            query = query.limit(limit);
        }
        query.execute().await.map_err(self.unreadable())?.try_collect().await.map_err(self.unreadable())
    }

    /// A table that was opened and cannot be read is damaged, or was replaced meanwhile.
    fn unreadable(&self) -> impl Fn(lancedb::Error) -> IndexError + use<> {
        let path = self.path.clone();
        move |error| IndexError::Damaged { path: path.clone(), reason: short(&error.to_string()) }
    }

    fn batch(&self, rows: &[Row]) -> Result<RecordBatch, IndexError> {
        let mut columns: Vec<ArrayRef> = TEXTS
            .iter()
            .map(|name| {
                Arc::new(rows.iter().map(|row| unit_text(&row.unit, name)).collect::<StringArray>()) as ArrayRef
            })
            .collect();
        columns.push(Arc::new(rows.iter().map(|row| row.unit.ts_us).collect::<Int64Array>()));
        let mut evidence = ListBuilder::new(StringBuilder::new());
        for row in rows {
            evidence.append_value(row.unit.evidence.iter().map(Some));
        }
        columns.push(Arc::new(evidence.finish()));
        let stamps = rows.iter().map(|row| Stamp::of(&row.unit).to_string());
        columns.push(Arc::new(StringArray::from_iter_values(stamps)));
        let search = rows.iter().map(|row| {
            let unit = &row.unit;
            let event = unit.event_name.as_deref().unwrap_or_default();
            let name = format!("{event} {}", unit.field_path.as_deref().unwrap_or_default());
            words::search_text(&unit.title, &name, &unit.text)
        });
        columns.push(Arc::new(StringArray::from_iter_values(search)));
        let width = i32::try_from(self.dimension).unwrap_or(i32::MAX);
        let mut vectors = FixedSizeListBuilder::new(Float32Builder::new(), width);
        for row in rows {
            let vector = row.vector.as_ref().filter(|vector| vector.len() == self.dimension);
            match vector {
                Some(vector) => vectors.values().append_slice(vector),
                None => vectors.values().append_nulls(self.dimension),
            }
            vectors.append(vector.is_some());
        }
        columns.push(Arc::new(vectors.finish()));
        RecordBatch::try_new(schema(self.dimension), columns)
            .map_err(|error| IndexError::Lance { doing: "be written", reason: error.to_string() })
    }
}

async fn connect(folder: &Path) -> Result<Connection, IndexError> {
    let session = Session::new(INDEX_CACHE, METADATA_CACHE, Arc::new(ObjectStoreRegistry::default()));
    lancedb::connect(&folder.to_string_lossy())
        .session(Arc::new(session))
        .execute()
        .await
        .map_err(IndexError::lance("be opened"))
}

fn schema(dimension: usize) -> SchemaRef {
    let width = i32::try_from(dimension).unwrap_or(i32::MAX);
    let mut fields: Vec<Field> =
        TEXTS.iter().map(|name| Field::new(*name, DataType::Utf8, !matches!(*name, "id" | "kind"))).collect();
    fields.push(Field::new("ts_us", DataType::Int64, true));
    fields.push(Field::new("evidence", DataType::new_list(DataType::Utf8, true), true));
    fields.push(Field::new("hash", DataType::Utf8, false));
    fields.push(Field::new("search_text", DataType::Utf8, true));
    fields.push(Field::new("vector", DataType::new_fixed_size_list(DataType::Float32, width, true), true));
    Arc::new(Schema::new(fields))
}

/// Lance may add metadata to fields; names and types are what counts.
fn same_columns(a: &Schema, b: &Schema) -> bool {
    a.fields().len() == b.fields().len()
        && a.fields()
            .iter()
            .zip(b.fields())
            .all(|(a, b)| a.name() == b.name() && a.data_type().equals_datatype(b.data_type()))
}

fn unit_columns() -> Vec<&'static str> {
    TEXTS.iter().copied().chain(["ts_us", "evidence", "hash"]).collect()
}

/// `column IN ('…', '…')`.
pub(super) fn one_of(column: &str, values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("{column} IN ({})", values.join(", "))
}

/// A text as a literal of Lance's filter language.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn parse_tier(name: Option<&str>) -> Tier {
    name.map_or(Tier::Theoretical, Tier::from_name)
}

fn parse_basis(name: Option<&str>) -> Option<Basis> {
    name.and_then(Basis::from_name)
}

fn texts<'a>(batch: &'a RecordBatch, name: &str) -> Option<&'a StringArray> {
    batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>())
}

fn text(column: Option<&StringArray>, row: usize) -> Option<String> {
    column.filter(|column| column.is_valid(row)).map(|column| column.value(row).to_owned())
}

fn column(batch: &RecordBatch, name: &str) -> Vec<Option<String>> {
    (0..batch.num_rows()).map(|row| text(texts(batch, name), row)).collect()
}

fn row_ids(batch: &RecordBatch) -> Vec<u64> {
    let ids = batch.column_by_name("_rowid").and_then(|column| column.as_primitive_opt::<UInt64Type>());
    ids.map(|ids| ids.values().to_vec()).unwrap_or_default()
}

fn candidates(batches: &[RecordBatch], value: &str) -> Vec<Candidate> {
    let mut out = Vec::new();
    for batch in batches {
        let values = batch.column_by_name(value).and_then(|column| column.as_primitive_opt::<Float32Type>());
        let (kinds, tiers, bases) = (column(batch, "kind"), column(batch, "tier"), column(batch, "basis"));
        let known = tiers.iter().zip(&bases);
        for (place, ((row, kind), (tier, basis))) in row_ids(batch).into_iter().zip(kinds).zip(known).enumerate() {
            if let Some(kind) = kind.as_deref().and_then(UnitKind::from_name) {
                let value =
                    values.filter(|values| values.is_valid(place)).map_or(0.0, |values| values.value(place));
                let documented_only =
                    Unit::is_documented_only(parse_tier(tier.as_deref()), parse_basis(basis.as_deref()));
                let ranked = Ranked { row, kind, documented_only };
                out.push(Candidate { ranked, value });
            }
        }
    }
    out
}

fn numbered_units(batch: &RecordBatch) -> Vec<(u64, Unit)> {
    let columns = TEXTS.map(|name| texts(batch, name));
    let hash = texts(batch, "hash");
    let times = batch.column_by_name("ts_us").and_then(|column| column.as_primitive_opt::<Int64Type>());
    let evidence = batch.column_by_name("evidence").and_then(|column| column.as_list_opt::<i32>());
    let unit = |row: usize| {
        let [id, kind, title, body, event_name, field_path, doc_type, game_id, session_id, source, tier, basis] =
            columns.map(|column| text(column, row));
        let refs = evidence.filter(|evidence| evidence.is_valid(row)).map(|evidence| evidence.value(row));
        let refs = refs.as_ref().and_then(|refs| refs.as_string_opt::<i32>());
        Some(Unit {
            id: id?,
            kind: UnitKind::from_name(&kind?)?,
            title: title.unwrap_or_default(),
            text: body.unwrap_or_default(),
            event_name,
            field_path,
            doc_type,
            game_id,
            session_id,
            source,
            ts_us: times.filter(|times| times.is_valid(row)).map(|times| times.value(row)),
            tier: parse_tier(tier.as_deref()),
            basis: parse_basis(basis.as_deref()),
            evidence: refs.into_iter().flatten().flatten().map(str::to_owned).collect(),
            hash: text(hash, row).map(|hash| Stamp::parse(&hash).text).unwrap_or_default(),
        })
    };
    row_ids(batch).into_iter().enumerate().filter_map(|(row, id)| Some((id, unit(row)?))).collect()
}

fn unit_text<'a>(unit: &'a Unit, column: &str) -> Option<&'a str> {
    match column {
        "id" => Some(&unit.id),
        "kind" => Some(unit.kind.as_str()),
        "title" => Some(&unit.title),
        "text" => Some(&unit.text),
        "event_name" => unit.event_name.as_deref(),
        "field_path" => unit.field_path.as_deref(),
        "doc_type" => unit.doc_type.as_deref(),
        "game_id" => unit.game_id.as_deref(),
        "session_id" => unit.session_id.as_deref(),
        "source" => unit.source.as_deref(),
        "tier" => Some(unit.tier.as_str()),
        "basis" => unit.basis.map(Basis::as_str),
        _ => None,
    }
}
