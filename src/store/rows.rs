//! Rows into Arrow batches, in the columns of [`super::schema`].

use std::sync::Arc;

use arrow::array::{
    ArrayBuilder, ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, ListBuilder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};

use super::StoreError;
use super::ids::SessionId;
use super::record::{Direction, Source};
use super::schema::{DocType, Kind, arrow_schema};

/// One value of a row. Absent is [`Cell::Null`], never a default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Cell<'a> {
    /// Absent.
    Null,
    /// Text.
    Text(&'a str),
    /// Integer.
    Int(i64),
    /// Double.
    Float(f64),
    /// Boolean.
    Bool(bool),
    /// Microseconds UTC.
    Time(i64),
    /// A list of doubles.
    Floats(&'a [f64]),
}

impl<'a> From<Option<&'a str>> for Cell<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Cell::Null, Cell::Text)
    }
}
impl<'a> From<&'a Option<std::borrow::Cow<'a, str>>> for Cell<'a> {
    fn from(value: &'a Option<std::borrow::Cow<'a, str>>) -> Self {
        value.as_deref().into()
    }
}
impl From<Option<i64>> for Cell<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Cell::Null, Cell::Int)
    }
}
impl From<Option<f64>> for Cell<'_> {
    fn from(value: Option<f64>) -> Self {
        value.map_or(Cell::Null, Cell::Float)
    }
}
impl From<Option<bool>> for Cell<'_> {
    fn from(value: Option<bool>) -> Self {
        value.map_or(Cell::Null, Cell::Bool)
    }
}

/// The columns every row has.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// Microseconds UTC.
    pub ts: Option<i64>,
    /// Where it comes from.
    pub source: Source,
    /// The session.
    pub session_id: SessionId,
    /// The round.
    pub game_id: Option<&'a str>,
    /// Whom it is about.
    pub player_id: Option<&'a str>,
    /// Their name.
    pub username: Option<&'a str>,
    /// Number in the session.
    pub seq: u64,
    /// Which way it went.
    pub direction: Option<Direction>,
    /// The frame, or the element of it that the row was made from.
    pub raw_json: Option<&'a str>,
    /// Number among the rows of its kind from one frame.
    pub ordinal: i64,
}

/// Whoever takes the rows that a record projects to.
pub trait RowSink {
    /// Takes one row: `own` are the doc type's own columns, in the order of the schema.
    ///
    /// # Errors
    /// When the row cannot be taken (a full disk, say); the caller stops.
    fn row(&mut self, doc_type: DocType, envelope: &Envelope<'_>, own: &[Cell<'_>]) -> Result<(), StoreError>;
}

enum Builder {
    Text(StringBuilder),
    Int(Int64Builder),
    Float(Float64Builder),
    Bool(BooleanBuilder),
    Time(TimestampMicrosecondBuilder),
    Floats(ListBuilder<Float64Builder>),
}

impl Builder {
    fn new(kind: Kind) -> Builder {
        match kind {
            Kind::Text => Builder::Text(StringBuilder::new()),
            Kind::Int => Builder::Int(Int64Builder::new()),
            Kind::Float => Builder::Float(Float64Builder::new()),
            Kind::Bool => Builder::Bool(BooleanBuilder::new()),
            Kind::Time => Builder::Time(TimestampMicrosecondBuilder::new().with_timezone("UTC")),
            Kind::Floats => Builder::Floats(ListBuilder::new(Float64Builder::new())),
        }
    }

    /// Appends a cell; one of another type than the column's is a defect and becomes NULL.
    fn push(&mut self, cell: Cell<'_>) {
        match (self, cell) {
            (Builder::Text(b), Cell::Text(v)) => b.append_value(v),
            (Builder::Text(b), _) => b.append_null(),
            (Builder::Int(b), Cell::Int(v)) => b.append_value(v),
            (Builder::Int(b), _) => b.append_null(),
            (Builder::Float(b), Cell::Float(v)) => b.append_value(v),
            (Builder::Float(b), _) => b.append_null(),
            (Builder::Bool(b), Cell::Bool(v)) => b.append_value(v),
            (Builder::Bool(b), _) => b.append_null(),
            (Builder::Time(b), Cell::Time(v)) => b.append_value(v),
            (Builder::Time(b), _) => b.append_null(),
            (Builder::Floats(b), Cell::Floats(v)) => {
                b.values().append_slice(v);
                b.append(true);
            }
            (Builder::Floats(b), _) => b.append(false),
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Text(b) => Arc::new(b.finish()),
            Builder::Int(b) => Arc::new(b.finish()),
            Builder::Float(b) => Arc::new(b.finish()),
            Builder::Bool(b) => Arc::new(b.finish()),
            Builder::Time(b) => ArrayBuilder::finish(b),
            Builder::Floats(b) => Arc::new(b.finish()),
        }
    }
}

/// Collects the rows of one doc type.
pub struct TableBuilder {
    doc_type: DocType,
    columns: Vec<Builder>,
    rows: usize,
    bytes: usize,
}

impl TableBuilder {
    /// An empty table of this doc type.
    pub fn new(doc_type: DocType) -> TableBuilder {
        let columns = doc_type.columns().map(|column| Builder::new(column.kind)).collect();
        TableBuilder { doc_type, columns, rows: 0, bytes: 0 }
    }

    /// Rows collected so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// About how many bytes of memory they take.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends one row.
    pub fn push(&mut self, envelope: &Envelope<'_>, own: &[Cell<'_>]) {
        let mut session = [0; 36];
        let session_id = envelope.session_id.write(&mut session);
        let seq = i64::try_from(envelope.seq).unwrap_or(i64::MAX);
        let head = [
            envelope.ts.map_or(Cell::Null, Cell::Time),
            Cell::Text(envelope.source.as_str()),
            Cell::Text(self.doc_type.as_str()),
            Cell::Text(session_id),
            envelope.game_id.into(),
            envelope.player_id.into(),
            envelope.username.into(),
            Cell::Int(seq),
            envelope.direction.map(Direction::as_str).into(),
            envelope.raw_json.into(),
            Cell::Int(envelope.ordinal),
        ];
        debug_assert_eq!(head.len() + own.len(), self.columns.len());
        let missing = std::iter::repeat(&Cell::Null);
        for (builder, cell) in self.columns.iter_mut().zip(head.iter().chain(own).chain(missing)) {
            builder.push(*cell);
        }
        self.rows += 1;
        self.bytes += 8 * self.columns.len() + envelope.raw_json.map_or(0, str::len);
        self.bytes +=
            own.iter().map(|cell| if let Cell::Floats(v) = cell { 8 * v.len() } else { 0 }).sum::<usize>();
    }

    /// The rows collected so far; the builder is empty afterwards.
    ///
    /// # Errors
    /// [`StoreError::Arrow`] if the columns do not fit together, which is a defect.
    pub fn finish(&mut self) -> Result<RecordBatch, StoreError> {
        self.rows = 0;
        self.bytes = 0;
        let arrays = self.columns.iter_mut().map(Builder::finish).collect();
        Ok(RecordBatch::try_new(arrow_schema(self.doc_type), arrays)?)
    }
}

/// A sink that collects one table per doc type in memory.
#[derive(Default)]
pub struct Tables {
    tables: std::collections::BTreeMap<DocType, TableBuilder>,
}

impl Tables {
    /// The collected rows, one batch per doc type that has any; the sink is empty afterwards.
    ///
    /// # Errors
    /// As [`TableBuilder::finish`].
    pub fn finish(&mut self) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
        let filled = self.tables.iter_mut().filter(|(_, table)| table.rows() > 0);
        filled.map(|(doc_type, table)| Ok((*doc_type, table.finish()?))).collect()
    }
}

impl RowSink for Tables {
    fn row(&mut self, doc_type: DocType, envelope: &Envelope<'_>, own: &[Cell<'_>]) -> Result<(), StoreError> {
        self.tables.entry(doc_type).or_insert_with(|| TableBuilder::new(doc_type)).push(envelope, own);
        Ok(())
    }
}
