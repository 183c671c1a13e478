//! Tables as text: CSV with commas, semicolons or tabs. Each row becomes a JSON object of its columns and is then read as
//! any other line.

use std::fmt::Write as _;
use std::io::{self, BufRead};

use super::formats::names;

/// The longest row, bytes: a quote that is never closed takes no more than this into memory.
pub const MAX_ROW: usize = 64 << 20;

/// Columns of which at least one must be there.
const KNOWN: [&str; 24] = [
    "rawjson",
    "frame",
    "payload",
    "data",
    "event",
    "eventname",
    "eventtype",
    "tick",
    "prices",
    "pricehistory",
    "price",
    "serverseed",
    "gameid",
    "message",
    "raw",
    "text",
    "args",
    "body",
    "content",
    "direction",
    "doctype",
    "packet",
    "line",
    "payloaddata",
];

/// What separates the columns of a table that begins like this; `None` where it is none.
pub fn delimiter(start: &[u8]) -> Option<u8> {
    let first = start.split(|byte| *byte == b'\n').next()?;
    let first = std::str::from_utf8(first).ok()?.trim_end();
    [b',', b'\t', b';', b'|'].into_iter().find(|delimiter| {
        let names: Vec<&str> =
            first.split(char::from(*delimiter)).map(|name| name.trim().trim_matches('"')).collect();
        let is_name = |name: &str| {
            !name.is_empty()
                && name.len() <= 64
                && name
                    .chars()
                    .all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | '/' | '(' | ')'))
        };
        names.len() >= 2
            && names.iter().all(|name| is_name(name))
            && names.iter().any(|name| KNOWN.iter().any(|known| names::is_called(name, known)))
    })
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Number of its first line, from 1.
    pub line: u64,
    /// Where it begins, bytes.
    pub offset: u64,
    /// Its cells; of each, whether it was quoted.
    pub cells: Vec<(String, bool)>,
    /// Its bytes in the file.
    pub bytes: u64,
}

/// Reads rows one after the other.
#[derive(Debug)]
pub struct Rows<R> {
    input: R,
    delimiter: u8,
    offset: u64,
    line: u64,
}

impl<R: BufRead> Rows<R> {
    /// Reads from the beginning of a table.
    pub fn new(input: R, delimiter: u8) -> Rows<R> {
        Rows { input, delimiter, offset: 0, line: 0 }
    }

    /// The next row that is not blank.
    ///
    /// # Errors
    /// Those of the reader; a row of more than [`MAX_ROW`].
    pub fn next_row(&mut self) -> io::Result<Option<Row>> {
        loop {
            let (offset, line) = (self.offset, self.line + 1);
            let mut bytes = Vec::new();
            let mut is_open = false;
            // A line's end within quotes belongs to the cell.
            loop {
                let before = bytes.len();
                let read = self.input.read_until(b'\n', &mut bytes)?;
                self.offset += read as u64;
                self.line += u64::from(read > 0);
                let quotes = memchr::memchr_iter(b'"', bytes.get(before..).unwrap_or_default()).count();
                is_open ^= quotes % 2 == 1;
                if bytes.len() == before || !is_open {
                    break;
                }
                if bytes.len() > MAX_ROW {
                    return Err(io::Error::other(format!("line {line}: a quote is never closed")));
                }
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            let text = String::from_utf8_lossy(&bytes);
            let text = text.trim_start_matches('\u{FEFF}').trim_end_matches(['\n', '\r']);
            if !text.trim().is_empty() && !text.starts_with('#') {
                let cells = cells(text, char::from(self.delimiter));
                return Ok(Some(Row { line, offset, cells, bytes: bytes.len() as u64 }));
            }
        }
    }
}

/// The cells of a row, and whether each was quoted.
fn cells(text: &str, delimiter: char) -> Vec<(String, bool)> {
    let mut cells = Vec::new();
    let (mut cell, mut quoted, mut inside) = (String::new(), false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                cell.push('"');
                chars.next();
            }
            '"' if inside => inside = false,
            '"' if cell.is_empty() => (inside, quoted) = (true, true),
            c if c == delimiter && !inside => {
                cells.push((std::mem::take(&mut cell), quoted));
                quoted = false;
            }
            c => cell.push(c),
        }
    }
    cells.push((cell, quoted));
    cells
}

/// A row as a JSON object. Numbers stay numbers, empty cells are left out; a row with more cells than columns is none.
pub fn object(columns: &[String], row: &Row) -> Option<String> {
    if row.cells.len() > columns.len() {
        return None;
    }
    let mut out = String::from("{");
    for (name, (cell, quoted)) in columns.iter().zip(&row.cells) {
        if cell.is_empty() && !quoted {
            continue;
        }
        if out.len() > 1 {
            out.push(',');
        }
        let _ = write!(out, "{}:", serde_json::Value::from(name.as_str()));
        if !quoted && is_plain(cell) {
            out.push_str(cell);
        } else {
            let _ = write!(out, "{}", serde_json::Value::from(cell.as_str()));
        }
    }
    out.push('}');
    Some(out)
}

/// Whether a cell is a JSON number, or true or false.
fn is_plain(cell: &str) -> bool {
    matches!(cell, "true" | "false")
        || (cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
            && serde_json::from_str::<serde_json::Number>(cell).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn quotes_hold_delimiters_quotes_and_line_ends() {
        let text = "ts,event,data\n1,\"a,b\",\"{\"\"x\"\":\n1}\"\n\n2,c,\n";
        let mut rows = Rows::new(text.as_bytes(), b',');
        let columns: Vec<String> =
            rows.next_row().unwrap().unwrap().cells.into_iter().map(|(cell, _)| cell).collect();
        let first = rows.next_row().unwrap().unwrap();
        assert_eq!((first.line, first.offset), (2, 14));
        assert_eq!(object(&columns, &first).unwrap(), r#"{"ts":1,"event":"a,b","data":"{\"x\":\n1}"}"#);
        let second = rows.next_row().unwrap().unwrap();
        assert_eq!((second.line, object(&columns, &second).unwrap().as_str()), (5, r#"{"ts":2,"event":"c"}"#));
        assert!(rows.next_row().unwrap().is_none());
    }

    #[test]
    fn a_table_is_known_by_the_names_of_its_columns() {
        assert_eq!(delimiter(b"ts,direction,raw_json\n"), Some(b','));
        assert_eq!(delimiter(b"time\tframe\n"), Some(b'\t'));
        assert_eq!(delimiter(b"Dear all, this is no table.\n"), None);
        assert_eq!(delimiter(b"name,age\n"), None);
    }

    #[test]
    fn a_row_with_too_many_cells_is_no_object() {
        let row = Row { line: 1, offset: 0, cells: vec![("1".into(), false), ("2".into(), false)], bytes: 4 };
        assert_eq!(object(&["a".to_owned()], &row), None);
    }
}
