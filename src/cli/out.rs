//! What commands print: tables for people, JSON for programs. Progress goes to stderr, and only on a terminal.

use std::io::{self, IsTerminal, Write};

use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Where a command prints.
pub struct Out {
    writer: Box<dyn Write>,
}

impl Out {
    /// Prints to the standard output.
    pub fn stdout() -> Out {
        Out { writer: Box::new(io::stdout().lock()) }
    }

    /// Prints into any writer.
    pub fn to(writer: impl Write + 'static) -> Out {
        Out { writer: Box::new(writer) }
    }

    /// Prints a line.
    ///
    /// # Errors
    /// When the output is gone.
    pub fn line(&mut self, text: impl std::fmt::Display) -> io::Result<()> {
        writeln!(self.writer, "{text}")
    }

    /// Prints a value as JSON, for programs.
    ///
    /// # Errors
    /// When the output is gone.
    pub fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut self.writer, value)?;
        writeln!(self.writer)
    }

    /// Prints a table; columns whose every value is a number are aligned right.
    ///
    /// # Errors
    /// When the output is gone.
    pub fn table(&mut self, head: &[&str], rows: &[Vec<String>]) -> io::Result<()> {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_header(head);
        for row in rows {
            table.add_row(row);
        }
        for index in 0..head.len() {
            let is_number = |row: &Vec<String>| {
                row.get(index).is_none_or(|cell| {
                    cell.is_empty() || cell.starts_with(|c: char| c.is_ascii_digit() || c == '-')
                })
            };
            if !rows.is_empty()
                && rows.iter().all(is_number)
                && let Some(column) = table.column_mut(index)
            {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        writeln!(self.writer, "{table}")
    }

    /// The writer itself.
    pub fn writer(&mut self) -> &mut dyn Write {
        &mut self.writer
    }
}

/// A progress bar on stderr; invisible when stderr is no terminal.
pub fn progress(total: u64, unit: &str) -> ProgressBar {
    let target =
        if io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template = format!("{{bar:30}} {{pos}}/{{len}} {unit}  {{msg}}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}

/// A spinner on stderr for work of unknown length; invisible when stderr is no terminal.
pub fn spinner(doing: &'static str) -> ProgressBar {
    let bar = progress(0, "");
    bar.set_style(ProgressStyle::default_spinner());
    bar.set_message(doing);
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// A count of bytes as a person reads it.
pub fn bytes(count: u64) -> String {
    indicatif::HumanBytes(count).to_string()
}

/// A count with separators.
pub fn count(count: u64) -> String {
    indicatif::HumanCount(count).to_string()
}

/// A time in microseconds as a person reads it, exact.
pub fn time(us: Option<i64>) -> String {
    us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
        .map_or_else(String::new, |time| time.strftime("%Y-%m-%d %H:%M:%S%.fZ").to_string())
}
