//! Rows under column names: the compact form of a long answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A table; one array per row, one cell per column.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Table {
    /// Column names, in order.
    pub columns: Vec<String>,
    /// The rows.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// An empty table.
    pub fn new(columns: &[&str]) -> Table {
        Table { columns: columns.iter().map(|name| (*name).to_owned()).collect(), rows: Vec::new() }
    }

    /// The cell of a row under a column.
    pub fn cell<'a>(&self, row: &'a [Value], column: &str) -> &'a Value {
        let at = self.columns.iter().position(|name| name == column);
        at.and_then(|at| row.get(at)).unwrap_or(&Value::Null)
    }
}

/// A share as percent, to a tenth; small ones to two digits that count.
pub fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { digits(part as f64 * 100.0 / whole as f64) }
}

/// A number with three digits that count, or a tenth where it is larger than that.
pub fn digits(number: f64) -> f64 {
    if number == 0.0 || !number.is_finite() {
        return 0.0;
    }
    let places = (2 - number.abs().log10().floor() as i32).clamp(1, 6);
    let factor = 10_f64.powi(places);
    (number * factor).round() / factor
}

/// A time as every answer prints it: exact, so that it leads back to its frame.
pub fn instant(us: Option<i64>) -> Option<String> {
    us.and_then(crate::store::record::time_text)
}
