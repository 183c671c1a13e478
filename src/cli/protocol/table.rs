//! Tables that fit the terminal: columns of less weight are left out, names are never broken.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table as Drawn, Width, presets};
use serde_json::Value;

use super::Out;
use crate::verify::explore::table::Table;

/// How a table gives way where the terminal is narrow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Layout<'a> {
    /// Columns of names and numbers that stay in one line each; of the last one the beginning goes where it must.
    pub(super) whole: &'a [&'a str],
    /// Columns that are left out, the first one first.
    pub(super) drop: &'a [&'a str],
}

/// Characters that stand beside the content of each column, and at the edge.
const BESIDE: usize = 3;
const EDGE: usize = 1;

/// The longest word that a column of texts must hold; longer ones may be broken.
const WORD: usize = 20;

/// Fewest characters of a name that was cut.
const NAME: usize = 12;

/// A cell as a person reads it.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => crate::sql::cells::visible(text).split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Prints a table as wide as the terminal; whole where the output is none.
pub(super) fn print(out: &mut Out, table: &Table, layout: &Layout<'_>) -> std::io::Result<()> {
    out.line(draw(table, layout, Drawn::new().width().map(usize::from)))
}

/// One column, with its cells.
struct Column {
    name: String,
    cells: Vec<String>,
    whole: bool,
}

impl Column {
    fn texts(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(String::as_str).chain([self.name.as_str()])
    }

    /// Characters it needs at least.
    fn least(&self) -> usize {
        let longest = |text: &str| match self.whole {
            true => text.chars().count(),
            false => text.split(' ').map(|word| word.chars().count().min(WORD)).max().unwrap_or(0),
        };
        self.texts().map(longest).max().unwrap_or(0)
    }

    fn is_number(&self) -> bool {
        let number = |cell: &String| cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        !self.cells.is_empty() && self.cells.iter().all(number)
    }
}

fn needed(columns: &[Column]) -> usize {
    EDGE + columns.iter().map(|column| column.least() + BESIDE).sum::<usize>()
}

/// The columns that are shown in this width, and the names of those that are not.
fn fitted(table: &Table, layout: &Layout<'_>, width: Option<usize>) -> (Vec<Column>, Vec<String>) {
    let column = |(at, name): (usize, &String)| {
        let cells: Vec<String> = table.rows.iter().map(|row| row.get(at).map_or_else(String::new, cell)).collect();
        let whole = layout.whole.contains(&name.as_str());
        // A column without a value says nothing.
        let empty = !whole && !cells.is_empty() && cells.iter().all(String::is_empty);
        (!empty).then(|| Column { name: name.clone(), cells, whole })
    };
    let mut columns: Vec<Column> = table.columns.iter().enumerate().filter_map(column).collect();
    let mut without = Vec::new();
    let Some(width) = width else { return (columns, without) };
    for name in layout.drop {
        if needed(&columns) <= width {
            break;
        }
        if let Some(at) = columns.iter().position(|column| column.name == **name) {
            without.push(columns.remove(at).name);
        }
    }
    let over = needed(&columns).saturating_sub(width);
    let last = layout.whole.last().and_then(|name| columns.iter_mut().find(|column| column.name == **name));
    if let Some(column) = last.filter(|_| over > 0) {
        let room = column.least().saturating_sub(over).max(NAME);
        column.cells.iter_mut().for_each(|cell| *cell = end(cell, room));
    }
    (columns, without)
}

/// The end of a path that fits, from a key on: what one looks for stands last.
fn end(path: &str, room: usize) -> String {
    let length = path.chars().count();
    if length <= room {
        return path.to_owned();
    }
    let tail: String = path.chars().skip(length - room.saturating_sub(1)).collect();
    let from_key = tail.find('.').and_then(|at| tail.get(at..)).filter(|rest| rest.len() > 1);
    format!("…{}", from_key.unwrap_or(&tail))
}

fn draw(table: &Table, layout: &Layout<'_>, width: Option<usize>) -> String {
    let (columns, without) = fitted(table, layout, width);
    let mut drawn = Drawn::new();
    drawn.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width.and_then(|width| u16::try_from(width).ok()) {
        drawn.set_width(width);
    }
    drawn.set_header(columns.iter().map(|column| &column.name));
    for row in 0..table.rows.len() {
        drawn.add_row(columns.iter().map(|column| column.cells.get(row).map_or("", String::as_str)));
    }
    for (at, column) in columns.iter().enumerate() {
        // Padding counts.
        let least = u16::try_from(column.least() + 2).unwrap_or(u16::MAX);
        let Some(target) = drawn.column_mut(at) else { continue };
        target.set_constraint(match column.whole {
            true => ColumnConstraint::ContentWidth,
            false => ColumnConstraint::LowerBoundary(Width::Fixed(least)),
        });
        if column.is_number() {
            target.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = drawn.to_string();
    if !without.is_empty() {
        text.push_str(&format!("\nleft out for want of room: {} (--json has all)", without.join(", ")));
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]
    use super::*;
    use serde_json::json;

    const LAYOUT: Layout<'_> = Layout { whole: &["event", "path"], drop: &["first", "share"] };

    fn table() -> Table {
        let mut table = Table::new(&["event", "path", "count", "share", "first", "meaning", "mark"]);
        for path in ["$.a", "$.leaderboard[].selectedCoin.address"] {
            let meaning = "what somebody holds, in a sentence that is longer than the room there is for it";
            table.rows.push(vec![
                json!("gameStateUpdate"),
                json!(path),
                json!(761),
                json!(79.8),
                json!("2026-01-31T12:00Z"),
                json!(meaning),
                json!(null),
            ]);
        }
        table
    }

    #[test]
    fn at_eighty_columns_names_are_whole_and_lines_fit() {
        let text = draw(&table(), &LAYOUT, Some(80));
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        for name in ["gameStateUpdate", "$.leaderboard[].selectedCoin.address"] {
            assert!(text.contains(name), "{name} in\n{text}");
        }
        assert!(text.contains("left out for want of room: first"), "{text}");
        assert!(text.contains("sentence") && !text.contains("mark"), "an empty column is not shown:\n{text}");
    }

    #[test]
    fn a_wide_terminal_and_a_pipe_have_every_column() {
        for width in [Some(250), None] {
            let text = draw(&table(), &LAYOUT, width);
            assert!(text.contains("2026-01-31T12:00Z") && text.contains("79.8"), "{text}");
            assert!(!text.contains("left out"), "{text}");
        }
    }

    #[test]
    fn a_path_that_does_not_fit_keeps_its_end() {
        assert_eq!(end("$.leaderboard[].selectedCoin.address", 24), "….selectedCoin.address".to_owned());
        assert_eq!(end("$.a", 24), "$.a");
        let text = draw(&table(), &LAYOUT, Some(60));
        assert!(text.contains("….address") || text.contains("….selectedCoin.address"), "{text}");
        assert!(text.contains("gameStateUpdate"), "{text}");
    }
}
