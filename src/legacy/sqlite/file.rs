//! The file format of SQLite, as much as it takes to read the rows of tables: pages, b-trees with overflow pages, records,
//! and pages that still lie in the write-ahead log. Nothing is written; what is damaged is an error.
//!
//! (Reading it by a crate means compiling SQLite, a minute on two cores; DuckDB's reader belongs to a higher layer.)

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// The longest record that is read, bytes.
const MAX_RECORD: u64 = 64 << 20;
/// The deepest tree.
const DEEPEST: usize = 32;

/// A value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// NULL.
    Null,
    /// An integer.
    Integer(i64),
    /// A number.
    Real(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<String>,
    /// The column whose values are the rows' numbers.
    rowid: Option<usize>,
    root: u32,
}

enum Bytes {
    File(File),
    Memory(Vec<u8>),
}

/// An open database.
pub struct Database {
    bytes: Bytes,
    page_size: usize,
    usable: usize,
    encoding: u32,
    wal: Option<Wal>,
}

/// The write-ahead log: pages that are newer than the file's.
struct Wal {
    file: File,
    pages: HashMap<u32, u64>,
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("a damaged SQLite database: {what}"))
}

impl Database {
    /// Opens a file, and its write-ahead log where one lies beside it.
    ///
    /// # Errors
    /// Those of the system; a header that is damaged.
    pub fn open(path: &Path) -> io::Result<Database> {
        let mut database = Database::new(Bytes::File(File::open(path)?))?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        if let Ok(file) = File::open(&log) {
            database.wal = Wal::read(file, database.page_size)?;
        }
        Ok(database)
    }

    /// Opens a database that is in memory.
    ///
    /// # Errors
    /// A header that is damaged.
    pub fn in_memory(bytes: Vec<u8>) -> io::Result<Database> {
        Database::new(Bytes::Memory(bytes))
    }

    fn new(bytes: Bytes) -> io::Result<Database> {
        let mut database = Database { bytes, page_size: 100, usable: 100, encoding: 1, wal: None };
        let header = database.raw(0, 100)?;
        database.page_size = match u16_at(&header, 16) {
            1 => 65_536,
            size if size >= 512 && size.is_power_of_two() => usize::from(size),
            _ => return Err(damaged("its page size cannot be")),
        };
        let reserved = usize::from(header.get(20).copied().unwrap_or(0));
        database.usable = database.page_size - reserved;
        if database.usable < 480 {
            return Err(damaged("its pages have no room"));
        }
        database.encoding = u32_at(&header, 56);
        Ok(database)
    }

    /// Whether newer pages were taken from the write-ahead log.
    pub fn has_log(&self) -> bool {
        self.wal.is_some()
    }

    fn raw(&mut self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        match &mut self.bytes {
            Bytes::File(file) => read_at(file, at, length),
            Bytes::Memory(bytes) => {
                let start = usize::try_from(at).map_err(|_| damaged("a page lies beyond its end"))?;
                let piece = start.checked_add(length).and_then(|end| bytes.get(start..end));
                piece.map(<[u8]>::to_vec).ok_or_else(|| damaged("a page lies beyond its end"))
            }
        }
    }

    fn page(&mut self, number: u32) -> io::Result<Vec<u8>> {
        let size = self.page_size;
        if let Some(wal) = &mut self.wal
            && let Some(at) = wal.pages.get(&number).copied()
        {
            return read_at(&mut wal.file, at, size);
        }
        let number = number.checked_sub(1).ok_or_else(|| damaged("a page has the number 0"))?;
        self.raw(u64::from(number) * size as u64, size)
    }

    /// The tables, in the order of their making. Those without row numbers and virtual ones are left out, and named.
    ///
    /// # Errors
    /// Those of the file.
    pub fn tables(&mut self) -> io::Result<(Vec<Table>, Vec<String>)> {
        let schema = Table { name: "sqlite_schema".to_owned(), columns: Vec::new(), rowid: None, root: 1 };
        let (mut tables, mut left_out) = (Vec::new(), Vec::new());
        self.rows(&schema, |_, values| {
            let [Value::Text(kind), Value::Text(name), _, Value::Integer(root), Value::Text(sql), ..] =
                values.as_slice()
            else {
                return Ok(true);
            };
            if kind != "table" || name.starts_with("sqlite_") {
                return Ok(true);
            }
            let upper = sql.to_ascii_uppercase();
            let has_numbers = !upper.trim_end().trim_end_matches(';').ends_with("WITHOUT ROWID") && *root > 0;
            match u32::try_from(*root).ok().filter(|_| has_numbers).zip(columns(sql)) {
                Some((root, (columns, rowid))) => tables.push(Table { name: name.clone(), columns, rowid, root }),
                None => left_out.push(name.clone()),
            }
            Ok::<bool, io::Error>(true)
        })?;
        Ok((tables, left_out))
    }

    /// Calls `row` with each row's number and values, until it says `false`.
    ///
    /// # Errors
    /// Those of the file, and of `row`.
    pub fn rows<E: From<io::Error>>(
        &mut self,
        table: &Table,
        mut row: impl FnMut(i64, Vec<Value>) -> Result<bool, E>,
    ) -> Result<(), E> {
        // Pages to be visited, each with its depth; the next is the last.
        let mut waiting = vec![(table.root, 0)];
        while let Some((number, depth)) = waiting.pop() {
            if depth > DEEPEST {
                return Err(damaged("a tree is too deep").into());
            }
            let page = self.page(number)?;
            let head = if number == 1 { 100 } else { 0 };
            let cells = usize::from(u16_at(&page, head + 3));
            let kind = page.get(head).copied();
            let pointers = head + if kind == Some(5) { 12 } else { 8 };
            let cell = |n: usize| usize::from(u16_at(&page, pointers + 2 * n));
            match kind {
                Some(5) => {
                    waiting.push((u32_at(&page, head + 8), depth + 1));
                    waiting.extend((0..cells).rev().map(|n| (u32_at(&page, cell(n)), depth + 1)));
                }
                Some(13) => {
                    for n in 0..cells {
                        let (rowid, mut values) = self.record(&page, cell(n))?;
                        if let Some(value) = table.rowid.and_then(|column| values.get_mut(column)) {
                            *value = Value::Integer(rowid);
                        }
                        if !row(rowid, values)? {
                            return Ok(());
                        }
                    }
                }
                _ => return Err(damaged("a page of a table is none").into()),
            }
        }
        Ok(())
    }

    /// The record of the cell at `at`, wherever its bytes lie.
    fn record(&mut self, page: &[u8], at: usize) -> io::Result<(i64, Vec<Value>)> {
        let cut = || damaged("a cell is cut");
        let (length, after) = varint(page, at).ok_or_else(cut)?;
        let (rowid, start) = varint(page, after).ok_or_else(cut)?;
        let length = u64::try_from(length).ok().filter(|length| *length <= MAX_RECORD);
        let length = length.ok_or_else(|| damaged("a record is too long"))? as usize;
        let most = self.usable - 35;
        let local = if length <= most {
            length
        } else {
            let least = (self.usable - 12) * 32 / 255 - 23;
            let wanted = least + (length - least) % (self.usable - 4);
            if wanted <= most { wanted } else { least }
        };
        let mut payload = page.get(start..start + local).ok_or_else(cut)?.to_vec();
        let mut next = if local < length { u32_at(page, start + local) } else { 0 };
        while payload.len() < length {
            if next == 0 {
                return Err(damaged("the rest of a record is missing"));
            }
            let overflow = self.page(next)?;
            next = u32_at(&overflow, 0);
            let piece = (length - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(overflow.get(4..4 + piece).ok_or_else(cut)?);
        }
        Ok((rowid, self.values(&payload).ok_or_else(cut)?))
    }

    fn values(&self, payload: &[u8]) -> Option<Vec<Value>> {
        let (head, mut at) = varint(payload, 0)?;
        let head = usize::try_from(head).ok()?;
        let mut body = head;
        let mut values = Vec::new();
        while at < head {
            let (kind, after) = varint(payload, at)?;
            at = after;
            let length = match kind {
                0 | 8 | 9 => 0,
                1..=4 => usize::try_from(kind).ok()?,
                5 => 6,
                6 | 7 => 8,
                12.. => usize::try_from((kind - 12) / 2).ok()?,
                _ => return None,
            };
            let bytes = payload.get(body..body.checked_add(length)?)?;
            body += length;
            values.push(match kind {
                0 => Value::Null,
                8 => Value::Integer(0),
                9 => Value::Integer(1),
                7 => Value::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
                1..=6 => {
                    let sign = bytes.first().is_some_and(|first| first & 0x80 != 0);
                    let start = if sign { -1_i64 } else { 0 };
                    Value::Integer(bytes.iter().fold(start, |value, byte| (value << 8) | i64::from(*byte)))
                }
                kind if kind % 2 == 0 => Value::Blob(bytes.to_vec()),
                _ => Value::Text(self.text(bytes)),
            });
        }
        Some(values)
    }

    fn text(&self, bytes: &[u8]) -> String {
        let unit = |pair: &[u8]| match *pair {
            [first, second] if self.encoding == 3 => u16::from_be_bytes([first, second]),
            [first, second] => u16::from_le_bytes([first, second]),
            _ => 0xFFFD,
        };
        match self.encoding {
            2 | 3 => {
                let units: Vec<u16> = bytes.chunks(2).map(unit).collect();
                String::from_utf16_lossy(&units)
            }
            _ => String::from_utf8_lossy(bytes).into_owned(),
        }
    }
}

impl Wal {
    /// The pages of the log up to its last commit; `None` where there are none.
    fn read(mut file: File, page_size: usize) -> io::Result<Option<Wal>> {
        let length = file.metadata()?.len();
        if length < 32 {
            return Ok(None);
        }
        let header = read_at(&mut file, 0, 32)?;
        if !matches!(u32_at(&header, 0), 0x377F_0682 | 0x377F_0683) || u32_at(&header, 8) as usize != page_size {
            return Ok(None);
        }
        let salt = header.get(16..24).unwrap_or_default().to_vec();
        let (mut pages, mut open) = (HashMap::new(), HashMap::new());
        let step = page_size as u64 + 24;
        let mut at = 32;
        while at + step <= length {
            let frame = read_at(&mut file, at, 24)?;
            // What is left of an earlier round of the log has another salt.
            if frame.get(8..16) != Some(&salt) {
                break;
            }
            open.insert(u32_at(&frame, 0), at + 24);
            if u32_at(&frame, 4) != 0 {
                pages.extend(open.drain());
            }
            at += step;
        }
        Ok((!pages.is_empty()).then_some(Wal { file, pages }))
    }
}

fn read_at(file: &mut File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut bytes = vec![0; length];
    file.read_exact(&mut bytes).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => damaged("a page lies beyond its end"),
        _ => error,
    })?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|two| two.try_into().ok()).map_or(0, u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|four| four.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// An integer of one to nine bytes, and where it ends.
fn varint(bytes: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut value: i64 = 0;
    for n in 0..9 {
        let byte = *bytes.get(at + n)?;
        if n == 8 {
            return Some(((value << 8) | i64::from(byte), at + 9));
        }
        value = (value << 7) | i64::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            return Some((value, at + n + 1));
        }
    }
    None
}

/// The names of a table's columns out of the statement that made it, and which of them is the row's number.
fn columns(sql: &str) -> Option<(Vec<String>, Option<usize>)> {
    let inside = sql.get(sql.find('(')? + 1..sql.rfind(')')?)?;
    let (mut depth, mut quote, mut start) = (0_i32, None, 0);
    let mut parts = Vec::new();
    for (at, c) in inside.char_indices() {
        match (quote, c) {
            (Some(end), c) if c == end => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '[') => quote = Some(']'),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(inside.get(start..at)?);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(inside.get(start..)?);
    let (mut names, mut rowid) = (Vec::new(), None);
    for part in parts {
        let part = part.trim();
        let (name, rest) = match part.chars().next()? {
            quote @ ('"' | '`' | '\'') => part.get(1..)?.split_once(quote)?,
            '[' => part.get(1..)?.split_once(']')?,
            _ => part.split_once(char::is_whitespace).unwrap_or((part, "")),
        };
        let is_quoted = part.starts_with(['"', '`', '\'', '[']);
        const CONSTRAINTS: [&str; 5] = ["PRIMARY", "UNIQUE", "CHECK", "FOREIGN", "CONSTRAINT"];
        let first = name.split('(').next().unwrap_or(name).to_ascii_uppercase();
        if !is_quoted && CONSTRAINTS.contains(&first.as_str()) {
            continue;
        }
        let kind = rest.trim().to_ascii_uppercase();
        if kind.starts_with("INTEGER") && kind.contains("PRIMARY KEY") && !kind.contains("DESC") {
            rowid = Some(names.len());
        }
        names.push(name.to_owned());
    }
    (!names.is_empty()).then_some((names, rowid))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn columns_are_read_out_of_the_statement() {
        let sql = "CREATE TABLE \"a (b)\" x";
        assert!(columns(sql).is_some() || columns(sql).is_none());
        let sql = "CREATE TABLE t (id INTEGER PRIMARY KEY, \"odd, name\" TEXT DEFAULT 'a,b', [x y] REAL CHECK (x > (1)), \
                   raw, UNIQUE (id), PRIMARY KEY(raw))";
        let (names, rowid) = columns(sql).unwrap();
        assert_eq!((names, rowid), (vec!["id".into(), "odd, name".into(), "x y".into(), "raw".into()], Some(0)));
    }

    #[test]
    fn integers_have_one_to_nine_bytes() {
        assert_eq!(varint(&[0x7F], 0), Some((127, 1)));
        assert_eq!(varint(&[0x81, 0], 0), Some((128, 2)));
        assert_eq!(varint(&[0xFF; 9], 0), Some((-1, 9)));
        assert_eq!(varint(&[0x81], 0), None);
    }
}
