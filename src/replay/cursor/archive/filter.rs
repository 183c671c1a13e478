//! Rows of batches that are wanted; the others are let go.

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;

use crate::state::rows::Columns;
use crate::store::StoreError;
use crate::store::schema::DocType;

/// The rows of a batch that pass.
pub(super) fn kept(
    doc_type: DocType,
    batch: &RecordBatch,
    keep: impl Fn(&Columns<'_>, usize) -> bool,
) -> Result<RecordBatch, StoreError> {
    let columns = Columns::of(doc_type, batch);
    let mask: BooleanArray = (0..columns.len()).map(|row| Some(keep(&columns, row))).collect();
    if mask.true_count() == batch.num_rows() {
        return Ok(batch.clone());
    }
    Ok(filter_record_batch(batch, &mask)?)
}

/// The rows from a `seq` on; the others are let go.
///
/// # Errors
/// Arrow's.
pub fn since(batches: Vec<(DocType, RecordBatch)>, first: u64) -> Result<Vec<(DocType, RecordBatch)>, StoreError> {
    let kept = batches.into_iter().map(|(doc_type, batch)| {
        Ok((doc_type, kept(doc_type, &batch, |columns, row| columns.seq(row) >= first)?))
    });
    kept.filter(|kept| !matches!(kept, Ok((_, batch)) if batch.num_rows() == 0)).collect()
}

/// Ticks of older recordings, which have no frame. Others are projections of a frame, or recomputed.
pub(super) fn recorded_ticks(batch: &RecordBatch) -> Result<RecordBatch, StoreError> {
    let sources = batch.column_by_name("tick_source").and_then(|column| column.as_string_opt::<i32>());
    let is = |row: usize| sources.is_some_and(|column| column.is_valid(row) && column.value(row) == "recording");
    let mask: BooleanArray = (0..batch.num_rows()).map(|row| Some(is(row))).collect();
    Ok(filter_record_batch(batch, &mask)?)
}
