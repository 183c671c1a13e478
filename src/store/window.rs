//! Rows of some hours, and of these some columns: what a comparison with a file needs, at a cost that does not grow with
//! the rest of the store.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::TimestampMicrosecondType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowPredicateFn, ParquetRecordBatchReaderBuilder, RowFilter};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::statistics::Statistics;

use super::StoreError;
use super::catalog::Part;
use super::damage::{open, undecodable};
use super::root::NO_DATE;
use super::schema::DocType;
use super::view::View;

/// Which rows are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Those of these times, microseconds UTC.
    Within(Range<i64>),
    /// Those without a time.
    Never,
}

impl When {
    fn may_be_in(&self, part: &Part) -> bool {
        match self {
            When::Within(times) => {
                part.ts_min.zip(part.ts_max).is_some_and(|(min, max)| min < times.end && max >= times.start)
            }
            When::Never => part.date == NO_DATE,
        }
    }

    fn may_be_in_group(&self, group: &RowGroupMetaData) -> bool {
        let When::Within(times) = self else { return true };
        let chunk = group.columns().iter().find(|chunk| chunk.column_path().string() == "ts");
        let bounds = match chunk.and_then(|chunk| chunk.statistics()) {
            Some(Statistics::Int64(values)) => values.min_opt().zip(values.max_opt()),
            _ => None,
        };
        bounds.is_none_or(|(min, max)| *min < times.end && *max >= times.start)
    }

    fn mask(&self, ts: Option<&ArrayRef>, rows: usize) -> BooleanArray {
        let ts = ts.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
        let at = |row| ts.filter(|ts| ts.is_valid(row)).map(|ts| ts.value(row));
        let is_meant = |row| match (self, at(row)) {
            (When::Within(times), Some(at)) => times.contains(&at),
            (When::Never, None) => true,
            _ => false,
        };
        (0..rows).map(|row| Some(is_meant(row))).collect()
    }
}

/// Whether a view has rows of this kind that may be meant; costs no reading.
pub fn may_have(view: &View, doc_type: DocType, when: &When) -> bool {
    let sealed = view.parts().iter().any(|part| part.doc_type == doc_type && when.may_be_in(part));
    sealed || view.tail().iter().any(|(of, batch)| *of == doc_type && batch.num_rows() > 0)
}

/// The rows of one kind that are meant, sealed and unsealed; of them, `columns` and `ts`. A part that cannot be read is an
/// error of its own batch.
pub fn rows<'v>(
    view: &'v View,
    doc_type: DocType,
    columns: &'v [&'static str],
    when: &'v When,
) -> impl Iterator<Item = Result<RecordBatch, StoreError>> + 'v {
    let parts = view.parts().iter().filter(move |part| part.doc_type == doc_type && when.may_be_in(part));
    let sealed = parts.flat_map(move |part| of_part(view, part, columns, when));
    let tail = view.tail().iter().filter(move |(of, _)| *of == doc_type);
    sealed.chain(tail.map(move |(_, batch)| {
        let mask = when.mask(batch.column_by_name("ts"), batch.num_rows());
        Ok(filter_record_batch(batch, &mask)?)
    }))
}

fn of_part(
    view: &View,
    part: &Part,
    columns: &[&'static str],
    when: &When,
) -> Box<dyn Iterator<Item = Result<RecordBatch, StoreError>>> {
    let (root, part, when) = (view.root().clone(), part.clone(), when.clone());
    let opened = open(&root, &part).and_then(|file| {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(undecodable(&root, &part))?;
        let mask = |names: &[&str]| ProjectionMask::columns(builder.parquet_schema(), names.iter().copied());
        let (all, ts) = (mask(&[columns, &["ts"]].concat()), mask(&["ts"]));
        let groups = builder.metadata().row_groups().iter().enumerate();
        let groups = groups.filter(|(_, group)| when.may_be_in_group(group)).map(|(place, _)| place).collect();
        let wanted = ArrowPredicateFn::new(ts, move |batch: RecordBatch| {
            Ok(when.mask(batch.columns().first(), batch.num_rows()))
        });
        builder
            .with_row_groups(groups)
            .with_projection(all)
            .with_row_filter(RowFilter::new(vec![Box::new(wanted)]))
            .with_batch_size(512)
            .build()
            .map_err(undecodable(&root, &part))
    });
    match opened {
        Ok(reader) => Box::new(reader.map(move |batch| batch.map_err(undecodable(&root, &part)))),
        Err(error) => Box::new(std::iter::once(Err(error))),
    }
}
