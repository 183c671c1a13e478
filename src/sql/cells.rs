//! Arrow values as JSON cells an agent can read: typed, bounded, and with invisible characters made visible.
//!
//! Texts in the store were partly written by strangers. Control, bidirectional, zero-width and tag characters
//! can hide instructions from a person and show them to a model, so they come out as `\u{200b}`-style escapes.

use std::fmt::Write as _;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Decimal128Array, FixedSizeBinaryArray, LargeBinaryArray,
    LargeStringArray, StringArray, StringViewArray,
};
use arrow::datatypes::{
    DataType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use serde_json::{Map, Number, Value};

/// Largest integer that JSON readers keep exact: 2^53 − 1.
const MAX_EXACT: i128 = (1 << 53) - 1;

/// Turns cells into JSON and counts what was cut.
pub struct Cells {
    max_chars: usize,
    cut: u64,
}

impl Cells {
    /// Cells of at most `max_chars` characters; lists and structs count as the text they print to.
    pub fn new(max_chars: usize) -> Self {
        Self { max_chars, cut: 0 }
    }

    /// Cells shortened so far.
    pub fn cut(&self) -> u64 {
        self.cut
    }

    /// The value at `row` as JSON.
    pub fn cell(&mut self, array: &ArrayRef, row: usize) -> Value {
        let mut room = Room { left: self.max_chars, cut: false };
        let value = value(array, row, &mut room);
        self.cut += u64::from(room.cut);
        value
    }
}

/// Characters left in one cell.
struct Room {
    left: usize,
    cut: bool,
}

impl Room {
    fn take(&mut self, chars: usize) {
        self.left = self.left.saturating_sub(chars);
    }
}

fn value(array: &ArrayRef, row: usize, room: &mut Room) -> Value {
    if array.is_null(row) {
        room.take(4);
        return Value::Null;
    }
    macro_rules! integer {
        ($kind:ty) => {
            integer(i128::from(array.as_primitive::<$kind>().value(row)), room)
        };
    }
    match array.data_type() {
        DataType::Null => Value::Null,
        DataType::Boolean => {
            room.take(5);
            downcast::<BooleanArray>(array).map_or(Value::Null, |array| Value::Bool(array.value(row)))
        }
        DataType::Int8 => integer!(Int8Type),
        DataType::Int16 => integer!(Int16Type),
        DataType::Int32 => integer!(Int32Type),
        DataType::Int64 => integer!(Int64Type),
        DataType::UInt8 => integer!(UInt8Type),
        DataType::UInt16 => integer!(UInt16Type),
        DataType::UInt32 => integer!(UInt32Type),
        DataType::UInt64 => integer!(UInt64Type),
        DataType::Float32 => single(array.as_primitive::<Float32Type>().value(row), room),
        DataType::Float64 => double(array.as_primitive::<Float64Type>().value(row), room),
        DataType::Decimal128(_, scale) => downcast::<Decimal128Array>(array)
            .map_or(Value::Null, |array| decimal(array.value(row), *scale, &array.value_as_string(row), room)),
        DataType::Utf8 => downcast::<StringArray>(array).map_or(Value::Null, |array| text(array.value(row), room)),
        DataType::LargeUtf8 => {
            downcast::<LargeStringArray>(array).map_or(Value::Null, |array| text(array.value(row), room))
        }
        DataType::Utf8View => {
            downcast::<StringViewArray>(array).map_or(Value::Null, |array| text(array.value(row), room))
        }
        DataType::Binary => {
            downcast::<BinaryArray>(array).map_or(Value::Null, |array| hex(array.value(row), room))
        }
        DataType::LargeBinary => {
            downcast::<LargeBinaryArray>(array).map_or(Value::Null, |array| hex(array.value(row), room))
        }
        DataType::FixedSizeBinary(_) => {
            downcast::<FixedSizeBinaryArray>(array).map_or(Value::Null, |array| hex(array.value(row), room))
        }
        DataType::Timestamp(unit, zone) => {
            let micros = match unit {
                TimeUnit::Second => {
                    array.as_primitive::<TimestampSecondType>().value(row).saturating_mul(1_000_000)
                }
                TimeUnit::Millisecond => {
                    array.as_primitive::<TimestampMillisecondType>().value(row).saturating_mul(1000)
                }
                TimeUnit::Microsecond => array.as_primitive::<TimestampMicrosecondType>().value(row),
                TimeUnit::Nanosecond => {
                    array.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1000)
                }
            };
            room.take(27);
            timestamp(micros, zone.is_some())
        }
        DataType::Date32 => {
            room.take(10);
            let days = array.as_primitive::<Date32Type>().value(row);
            jiff::civil::date(1970, 1, 1)
                .checked_add(jiff::Span::new().try_days(days).unwrap_or_default())
                .map_or_else(
                    |_| formatted(array, row, &mut Room { left: 40, cut: false }),
                    |date| Value::String(date.to_string()),
                )
        }
        DataType::List(_) => items(&array.as_list::<i32>().value(row), room),
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(row), room),
        DataType::FixedSizeList(_, _) => items(&array.as_fixed_size_list().value(row), room),
        DataType::Struct(fields) => {
            let columns = array.as_struct();
            let mut map = Map::new();
            for (field, column) in fields.iter().zip(columns.columns()) {
                let name = visible(field.name());
                room.take(name.chars().count() + 3);
                map.insert(name, value(column, row, room));
            }
            Value::Object(map)
        }
        DataType::Map(_, _) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let mut map = Map::new();
            for entry in 0..entries.len() {
                if room.left == 0 {
                    room.cut = true;
                    map.insert("…".into(), Value::String(format!("[+{} entries]", entries.len() - entry)));
                    break;
                }
                let key = match value(keys, entry, room) {
                    Value::String(key) => key,
                    other => other.to_string(),
                };
                map.insert(key, value(values, entry, room));
            }
            Value::Object(map)
        }
        DataType::Dictionary(_, inner) => match arrow::compute::cast(array, inner) {
            Ok(flat) => value(&flat, row, room),
            Err(_) => formatted(array, row, room),
        },
        _ => formatted(array, row, room),
    }
}

fn downcast<A: 'static>(array: &ArrayRef) -> Option<&A> {
    array.as_any().downcast_ref()
}

/// Intervals, times, unions and whatever else Arrow can print.
fn formatted(array: &ArrayRef, row: usize, room: &mut Room) -> Value {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(array.as_ref(), &options) {
        Ok(formatter) => text(&formatter.value(row).to_string(), room),
        Err(_) => Value::Null,
    }
}

fn integer(number: i128, room: &mut Room) -> Value {
    let printed = number.to_string();
    room.take(printed.len());
    match i64::try_from(number) {
        Ok(small) if number.abs() <= MAX_EXACT => Value::Number(small.into()),
        _ => Value::String(printed),
    }
}

fn double(number: f64, room: &mut Room) -> Value {
    let value = Number::from_f64(number).map_or_else(|| Value::String(not_finite(number)), Value::Number);
    room.take(value.to_string().len());
    value
}

/// Through the shortest text, so that 0.1 does not become 0.10000000149011612.
fn single(number: f32, room: &mut Room) -> Value {
    double(number.to_string().parse().unwrap_or(f64::from(number)), room)
}

fn not_finite(number: f64) -> String {
    let name = if number.is_nan() {
        "NaN"
    } else if number > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    };
    name.to_owned()
}

/// A number where a JSON reader gets the same decimal back (integers to 2^53, 15 digits otherwise), else text.
fn decimal(unscaled: i128, scale: i8, printed: &str, room: &mut Room) -> Value {
    if scale == 0 {
        return integer(unscaled, room);
    }
    room.take(printed.len());
    if unscaled.unsigned_abs() < 1_000_000_000_000_000
        && let Some(number) = printed.parse().ok().and_then(Number::from_f64)
    {
        return Value::Number(number);
    }
    Value::String(printed.to_owned())
}

/// ISO 8601 with microseconds; `Z` when the column is an instant.
fn timestamp(micros: i64, instant: bool) -> Value {
    match jiff::Timestamp::from_microsecond(micros) {
        Ok(time) => {
            let printed = time.strftime("%Y-%m-%dT%H:%M:%S.%6f").to_string();
            Value::String(if instant { format!("{printed}Z") } else { printed })
        }
        Err(_) if micros == i64::MAX => Value::String("infinity".into()),
        Err(_) if micros == -i64::MAX => Value::String("-infinity".into()),
        Err(_) => Value::String(format!("{micros} µs since 1970")),
    }
}

fn hex(bytes: &[u8], room: &mut Room) -> Value {
    let shown = bytes.len().min(room.left / 2);
    let mut out = String::with_capacity(shown * 2);
    for byte in bytes.iter().take(shown) {
        let _ = write!(out, "{byte:02x}");
    }
    room.take(shown * 2);
    if shown < bytes.len() {
        room.cut = true;
        let _ = write!(out, "…[+{} bytes]", bytes.len() - shown);
    }
    Value::String(out)
}

fn items(list: &ArrayRef, room: &mut Room) -> Value {
    let mut out = Vec::new();
    for item in 0..list.len() {
        if room.left == 0 {
            room.cut = true;
            out.push(Value::String(format!("…[+{} items; use unnest() or list_slice()]", list.len() - item)));
            break;
        }
        room.take(1);
        out.push(value(list, item, room));
    }
    Value::Array(out)
}

fn text(full: &str, room: &mut Room) -> Value {
    let end = full.char_indices().nth(room.left).map(|(at, _)| at);
    let Some(end) = end else {
        room.take(full.chars().count());
        return Value::String(visible(full));
    };
    let (shown, rest) = full.split_at_checked(end).unwrap_or((full, ""));
    room.left = 0;
    room.cut = true;
    Value::String(format!("{}…[+{} chars; get_events has the whole frame]", visible(shown), rest.chars().count()))
}

/// The text with every character that a person cannot see written as an escape. Newlines and tabs stay.
pub fn visible(text: &str) -> String {
    if text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hidden(c) {
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Control characters, zero-width and bidirectional marks, tags, variation selectors that can carry data,
/// fillers that look like nothing.
fn hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => true,
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => {
            true
        }
        // U+FE0F alone selects emoji style; the others can spell bytes.
        '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{3164}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' => true,
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

/// The SQL name of an Arrow type.
pub fn sql_type(kind: &DataType) -> String {
    match kind {
        DataType::Null => "NULL".into(),
        DataType::Boolean => "BOOLEAN".into(),
        DataType::Int8 => "TINYINT".into(),
        DataType::Int16 => "SMALLINT".into(),
        DataType::Int32 => "INTEGER".into(),
        DataType::Int64 => "BIGINT".into(),
        DataType::UInt8 => "UTINYINT".into(),
        DataType::UInt16 => "USMALLINT".into(),
        DataType::UInt32 => "UINTEGER".into(),
        DataType::UInt64 => "UBIGINT".into(),
        DataType::Float32 => "FLOAT".into(),
        DataType::Float64 => "DOUBLE".into(),
        DataType::Decimal128(38, 0) => "HUGEINT".into(),
        DataType::Decimal128(width, scale) => format!("DECIMAL({width},{scale})"),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "VARCHAR".into(),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            "BLOB".into()
        }
        DataType::Date32 | DataType::Date64 => "DATE".into(),
        DataType::Time32(_) | DataType::Time64(_) => "TIME".into(),
        DataType::Timestamp(_, Some(_)) => "TIMESTAMP WITH TIME ZONE".into(),
        DataType::Timestamp(_, None) => "TIMESTAMP".into(),
        DataType::Interval(_) | DataType::Duration(_) => "INTERVAL".into(),
        DataType::List(field) | DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
            format!("{}[]", sql_type(field.data_type()))
        }
        DataType::Struct(fields) => {
            let parts: Vec<String> = fields
                .iter()
                .map(|field| format!("{} {}", visible(field.name()), sql_type(field.data_type())))
                .collect();
            format!("STRUCT({})", parts.join(", "))
        }
        DataType::Map(_, _) => "MAP".into(),
        DataType::Dictionary(_, inner) => sql_type(inner),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;

    use arrow::array::{
        Date32Array, Float64Array, Int64Array, ListArray, TimestampMicrosecondArray, types::Float64Type as F,
    };
    use serde_json::json;

    use super::*;

    fn one(array: impl Array + 'static, max: usize) -> (Value, u64) {
        let mut cells = Cells::new(max);
        let array: ArrayRef = Arc::new(array);
        (cells.cell(&array, 0), cells.cut())
    }

    #[test]
    fn numbers_stay_exact_or_become_text() {
        assert_eq!(one(Int64Array::from(vec![9_007_199_254_740_991]), 100).0, json!(9_007_199_254_740_991_i64));
        assert_eq!(one(Int64Array::from(vec![i64::MAX]), 100).0, json!("9223372036854775807"));
        assert_eq!(one(Float64Array::from(vec![0.1]), 100).0, json!(0.1));
        assert_eq!(one(Float64Array::from(vec![f64::NAN]), 100).0, json!("NaN"));
        assert_eq!(one(Float64Array::from(vec![f64::NEG_INFINITY]), 100).0, json!("-Infinity"));
        let decimal = |value: i128, width, scale| {
            one(Decimal128Array::from(vec![value]).with_precision_and_scale(width, scale).unwrap(), 100).0
        };
        assert_eq!(decimal(30, 5, 2), json!(0.3));
        assert_eq!(decimal(12_345, 38, 0), json!(12_345));
        assert_eq!(decimal(i128::from(u64::MAX), 38, 0), json!("18446744073709551615"));
        assert_eq!(decimal(1_234_567_890_123_456_789, 20, 4), json!("123456789012345.6789"));
    }

    #[test]
    fn times_are_iso_with_microseconds() {
        let zoned = TimestampMicrosecondArray::from(vec![1_700_000_000_123_456]).with_timezone("UTC");
        assert_eq!(one(zoned, 100).0, json!("2023-11-14T22:13:20.123456Z"));
        let naive = TimestampMicrosecondArray::from(vec![-1]);
        assert_eq!(one(naive, 100).0, json!("1969-12-31T23:59:59.999999"));
        assert_eq!(one(Date32Array::from(vec![19_675]), 100).0, json!("2023-11-14"));
    }

    #[test]
    fn a_long_text_says_how_much_is_missing() {
        let (value, cut) = one(StringArray::from(vec!["äbcdef"]), 4);
        assert_eq!(value, json!("äbcd…[+2 chars; get_events has the whole frame]"));
        assert_eq!(cut, 1);
        assert_eq!(one(StringArray::from(vec!["abcd"]), 4), (json!("abcd"), 0));
    }

    #[test]
    fn a_long_list_says_how_much_is_missing() {
        let list = ListArray::from_iter_primitive::<F, _, _>(vec![Some((0..100).map(|n| Some(f64::from(n))))]);
        let (value, cut) = one(list, 20);
        assert_eq!(cut, 1);
        let last = value.as_array().unwrap().last().unwrap().as_str().unwrap().to_owned();
        assert!(last.contains("items; use unnest()"), "{last}");
    }

    #[test]
    fn invisible_characters_become_visible() {
        let text = "a\u{200b}b\u{202e}c\u{e0041}d\u{7}e\u{feff}f\u{2028}g\u{fe01}h";
        assert_eq!(visible(text), r"a\u{200b}b\u{202e}c\u{e0041}d\u{7}e\u{feff}f\u{2028}g\u{fe01}h");
        assert_eq!(visible("plain ünïcode\n\t❤\u{fe0f}"), "plain ünïcode\n\t❤\u{fe0f}");
    }

    #[test]
    fn bytes_are_hex() {
        assert_eq!(one(BinaryArray::from(vec![&[0_u8, 255, 16][..]]), 100).0, json!("00ff10"));
    }
}
