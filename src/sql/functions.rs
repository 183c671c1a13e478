//! The function of our own that queries may use beside DuckDB's.
//!
//! `payload_values` takes values out of stored frames without parsing the whole of them ([`replayer_protocol::pick`]). The
//! column `payload` and the checks are made of it, and a query over millions of frames may use it too.

use std::borrow::Cow;
use std::cell::RefCell;
use std::error::Error;

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, FlatVector, Inserter, LogicalTypeHandle, LogicalTypeId};
use duckdb::ffi::duckdb_string_t;
use duckdb::types::DuckString;
use duckdb::vscalar::{ScalarFunctionSignature, VScalar};
use duckdb::vtab::arrow::WritableVector;

use replayer_protocol::frame;
use replayer_protocol::line::{self, LineFormat};
use replayer_protocol::path::Path;
use replayer_protocol::pick::{Picked, Picker};

/// One function, described for readers.
#[derive(Debug, Clone, Copy)]
pub struct FunctionDoc {
    /// Its name.
    pub name: &'static str,
    /// What it takes.
    pub arguments: &'static str,
    /// What it gives, and when to use it.
    pub meaning: &'static str,
}

/// Every function.
pub const FUNCTIONS: [FunctionDoc; 1] = [FunctionDoc {
    name: "payload_values",
    arguments: "raw_json, \"format\", event_name, path, …",
    meaning: "VARCHAR[]: the JSON text at each path of the payload, NULL where it is absent; several times as fast as \
              payload->>'$.price' over many frames. A path is like '$.price', '$.leaderboard[0].pnl' or '$.leaderboard[].pnl': \
              with [] (all over one list) there is one value for each element and path, behind the others",
}];

/// Makes the functions known to an instance.
pub(super) fn register(db: &Connection) -> duckdb::Result<()> {
    db.register_scalar_function::<PayloadValues>("payload_values")
}

struct PayloadValues;

thread_local! {
    /// The paths of the last call and what was made of them: the calls of a query all have the same.
    static READY: RefCell<Option<(Vec<Vec<u8>>, Picker)>> = const { RefCell::new(None) };
}

impl VScalar for PayloadValues {
    type State = ();

    fn invoke(
        _: &Self::State,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn Error>> {
        READY.with_borrow_mut(|ready| fill(ready, input, output))
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        let text = || LogicalTypeHandle::from(LogicalTypeId::Varchar);
        vec![ScalarFunctionSignature::variadic(text(), LogicalTypeHandle::list(&text()))]
    }
}

/// What one call works on: columns of texts, the first three of them a stored text and how to read it, the others paths.
fn fill(
    ready: &mut Option<(Vec<Vec<u8>>, Picker)>,
    input: &mut DataChunkHandle,
    output: &mut dyn WritableVector,
) -> Result<(), Box<dyn Error>> {
    let rows = input.len();
    let mut columns: Vec<FlatVector<'_>> =
        (0..input.num_columns()).map(|column| input.flat_vector(column)).collect();
    let texts: Vec<Vec<Option<&[u8]>>> = columns.iter_mut().map(|column| texts(column, rows)).collect();
    let [stored, formats, names, paths @ ..] = texts.as_slice() else { return Err(USE.into()) };
    if paths.is_empty() {
        return Err(USE.into());
    }
    let mut picked = Vec::with_capacity(rows);
    for (row, ((text, format), name)) in stored.iter().zip(formats).zip(names).enumerate() {
        let wanted: Option<Vec<&[u8]>> = paths.iter().map(|path| path.get(row).copied().flatten()).collect();
        picked.push(match (text, format, wanted) {
            (Some(text), Some(format), Some(wanted)) => values(picker(ready, &wanted)?, text, format, *name)?,
            _ => None,
        });
    }
    let mut list = output.list_vector();
    let total = picked.iter().flatten().map(Vec::len).sum();
    let mut child = list.child(total);
    let mut next = 0;
    for (row, values) in picked.into_iter().enumerate() {
        let Some(values) = values else {
            list.set_null(row);
            continue;
        };
        list.set_entry(row, next, values.len());
        for value in values {
            match value {
                Some(value) => child.insert(next, &*value),
                None => child.set_null(next),
            }
            next += 1;
        }
    }
    list.try_set_len(total)?;
    Ok(())
}

/// How it is called.
const USE: &str =
    "payload_values needs at least one path, as in payload_values(raw_json, \"format\", event_name, '$.price')";

/// The values of one stored text; `None` where it has no payload.
fn values<'t>(
    picker: &Picker,
    text: &'t [u8],
    format: &[u8],
    name: Option<&[u8]>,
) -> Result<Option<Picked<'t>>, Box<dyn Error>> {
    // Most rows by far; their text needs no check that it is UTF-8.
    if format == LineFormat::Wire.as_str().as_bytes()
        && let Some(at) = frame::payload_at(text)
    {
        return Ok(picker.pick(text, at));
    }
    let format = std::str::from_utf8(format)?;
    let format = LineFormat::from_name(format)
        .ok_or_else(|| format!("{format:?} is no format: give the column \"format\""))?;
    let name = name.map(std::str::from_utf8).transpose()?;
    Ok(match line::payload_at(format, name, std::str::from_utf8(text)?) {
        Some((Cow::Borrowed(text), at)) => picker.pick(text.as_bytes(), at),
        Some((Cow::Owned(text), at)) => picker.pick(text.as_bytes(), at).map(owned),
        None => None,
    })
}

/// Values that no longer need the text.
fn owned(values: Picked<'_>) -> Picked<'static> {
    values.into_iter().map(|value| value.map(|value| Cow::Owned(value.into_owned()))).collect()
}

/// The texts of a column, `None` for NULL.
#[expect(
    unsafe_code,
    reason = "DuckDB's vectors are raw memory; its safe interface copies and checks every frame again"
)]
fn texts<'c>(column: &'c mut FlatVector<'_>, rows: usize) -> Vec<Option<&'c [u8]>> {
    let there: Vec<bool> = (0..rows).map(|row| !column.row_is_null(row as u64)).collect();
    // SAFETY: the signature says VARCHAR, whose vectors hold `duckdb_string_t`; DuckDB gives flat vectors of the chunk's
    // rows, and nothing else refers to this one.
    let strings = unsafe { column.as_mut_slice_with_len::<duckdb_string_t>(rows) };
    let bytes =
        |(string, there): (&'c mut duckdb_string_t, bool)| there.then(|| DuckString::new(string).as_bytes());
    strings.iter_mut().zip(there).map(bytes).collect()
}

/// What was made of these paths, by this call or one before.
fn picker<'r>(
    ready: &'r mut Option<(Vec<Vec<u8>>, Picker)>,
    paths: &[&[u8]],
) -> Result<&'r Picker, Box<dyn Error>> {
    if ready.as_ref().is_none_or(|(known, _)| known != paths) {
        let read = |path: &&[u8]| std::str::from_utf8(path)?.parse::<Path>().map_err(Box::<dyn Error>::from);
        let parsed = paths.iter().map(read).collect::<Result<Vec<Path>, _>>()?;
        let picker = Picker::new(&parsed)?;
        *ready = Some((paths.iter().map(|path| path.to_vec()).collect(), picker));
    }
    ready.as_ref().map(|(_, picker)| picker).ok_or_else(|| "no paths".into())
}

#[cfg(test)]
mod tests;
