//! The gate: agent SQL goes in, checked canonical SQL comes out, or an error that says what to write instead.
//!
//! DuckDB's own lock-down does not make it read-only: under every setting `COPY … TO` still writes where the
//! engine may read, and a `SELECT` can call functions that log, read settings or run SQL text. So the text is
//! parsed by DuckDB (without running it, in an instance of its own that holds nothing), the syntax tree is
//! checked node by node in [`walk`], and what runs is the text DuckDB prints from the checked tree, not what
//! came in. That print goes through the same check once more: printing is where a strange name could turn
//! into syntax.

pub(super) use walk::nearest;

mod allowed;
mod walk;

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(super) use tests::ALLOWED;

use duckdb::Connection;
use serde_json::Value;

use super::error::SqlError;

/// Longest SQL text that is looked at, in bytes.
const MAX_SQL: usize = 256 * 1024;

/// The parser instance and the names agent SQL may read from.
pub struct Gate {
    /// Private: no view, no file, nothing to reach.
    parser: Connection,
    views: &'static [&'static str],
}

/// A text that passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// One SELECT, as DuckDB prints it: no comments, no trailing semicolon.
    pub sql: String,
    /// Views the text reads, in order of first use, each once.
    pub views: Vec<&'static str>,
}

impl Gate {
    /// Opens the parser. `views` are the relations a query may name, in lower case.
    ///
    /// # Errors
    /// [`SqlError::Internal`] when DuckDB does not start.
    pub fn open(views: &'static [&'static str]) -> Result<Self, SqlError> {
        let config = super::engine::hardened_config()
            .and_then(|config| config.threads(1))
            .and_then(|config| config.max_memory("256MiB"))
            .and_then(|config| config.enable_external_access(false))
            .map_err(SqlError::internal)?;
        let parser = Connection::open_in_memory_with_flags(config).map_err(SqlError::internal)?;
        parser.execute_batch("SET lock_configuration = true").map_err(SqlError::internal)?;
        Ok(Self { parser, views })
    }

    /// Checks one text.
    ///
    /// # Errors
    /// [`SqlError::Refused`] with the reason and the way out.
    pub fn check(&self, sql: &str) -> Result<Checked, SqlError> {
        if sql.len() > MAX_SQL {
            return Err(SqlError::refused(format!(
                "the SQL text has {} bytes; at most {MAX_SQL} are looked at. Send a shorter query",
                sql.len()
            )));
        }
        if sql.contains('\0') {
            return Err(SqlError::refused("the SQL text contains a NUL character; remove it"));
        }
        let tree = self.parse(sql)?;
        let views = walk::check(&tree.value, self.views)?;
        let printed = self.print(&tree.text)?;
        // What runs must itself be one harmless SELECT, whatever the printer made of odd names.
        let again = self.parse(&printed).map_err(|_| unprintable())?;
        walk::check(&again.value, self.views).map_err(|_| unprintable())?;
        Ok(Checked { sql: printed, views })
    }

    /// Parses without executing; the tree as text (to print from) and as a value (to walk).
    fn parse(&self, sql: &str) -> Result<Tree, SqlError> {
        let text: String = self
            .parser
            .prepare_cached("SELECT json_serialize_sql(?::VARCHAR)::VARCHAR")
            .and_then(|mut statement| statement.query_row([sql], |row| row.get(0)))
            .map_err(|error| SqlError::refused(format!("the SQL text cannot be parsed: {error}")))?;
        // serde_json stops at 128 levels; DuckDB would go on to 1000.
        let value: Value = serde_json::from_str(&text).map_err(|_| {
            SqlError::refused(
                "the query nests expressions too deeply (about 60 levels are fine). Use concat(), greatest(), \
                 IN (…) or a WITH clause instead of long operator chains",
            )
        })?;
        if value.get("error").and_then(Value::as_bool) == Some(false) {
            return Ok(Tree { text, value });
        }
        Err(parse_error(sql, &value))
    }

    fn print(&self, tree: &str) -> Result<String, SqlError> {
        self.parser
            .prepare_cached("SELECT json_deserialize_sql(?::JSON)")
            .and_then(|mut statement| statement.query_row([tree], |row| row.get(0)))
            .map_err(|error| {
                SqlError::refused(format!("the query cannot be brought into canonical form: {error}"))
            })
    }
}

struct Tree {
    text: String,
    value: Value,
}

fn unprintable() -> SqlError {
    SqlError::refused(
        "the query does not survive being printed in canonical form, probably because of an unusual quoted name. \
         Use plain names ([A-Za-z_][A-Za-z0-9_]*) for aliases and columns",
    )
}

/// Turns DuckDB's parse failure into advice.
fn parse_error(sql: &str, answer: &Value) -> SqlError {
    let text = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let message = text("error_message");
    let word = first_word(sql);
    let advice = statement_advice(&word);
    if message.starts_with("Only SELECT") {
        let advice =
            advice.unwrap_or("only SELECT (also WITH, FROM-first, VALUES, DESCRIBE, SUMMARIZE, SHOW TABLES)");
        return SqlError::refused(format!(
            "{} is not allowed; one SELECT per call is. {advice}",
            word.to_uppercase()
        ));
    }
    let mut full = format!("SQL syntax error: {message}");
    if let Some(place) = text("position").parse().ok().and_then(|at| place(sql, at)) {
        full.push_str(&place);
    }
    if message.contains("CTE needs a SELECT") {
        full.push_str(". The store is read-only: a WITH clause may hold SELECT only");
    } else if let Some(advice) = advice {
        full.push_str(". ");
        full.push_str(advice);
    } else if message.contains("at or near") && near_bare_alias(message) {
        full.push_str(". If this is meant as a column alias, write AS before it; quote keywords: AS \"name\"");
    }
    SqlError::refused(full)
}

/// Some words (source, name, value, …) are keywords that need AS when used as an alias.
fn near_bare_alias(message: &str) -> bool {
    ["name", "source", "value", "values", "type", "format", "position", "timestamp"]
        .iter()
        .any(|word| message.ends_with(&format!("\"{word}\"")))
}

/// " (line 2, column 8: …text from there)" for a byte offset.
fn place(sql: &str, at: usize) -> Option<String> {
    let before = sql.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let rest: String = sql.get(at..)?.chars().take(40).collect();
    Some(format!(" (line {line}, column {column}: {:?})", rest))
}

/// The first keyword of a text, past blanks and comments, lower case.
fn first_word(sql: &str) -> String {
    let mut rest = sql.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    loop {
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, after)| after).trim_start();
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, after)| after).trim_start();
        } else {
            break;
        }
    }
    rest.chars().take_while(|c| c.is_ascii_alphabetic() || *c == '_').take(20).collect::<String>().to_lowercase()
}

/// What to do instead of a statement that is not a SELECT.
fn statement_advice(word: &str) -> Option<&'static str> {
    Some(match word {
        "explain" => "Send the query without EXPLAIN and set explain: true",
        "pivot" | "pivot_wider" => {
            "Use conditional aggregation: SELECT k, sum(x) FILTER (WHERE c = 'a') AS a, … GROUP BY k; or with listed \
             values FROM view PIVOT (sum(x) FOR c IN ('a', 'b'))"
        }
        "unpivot" | "pivot_longer" => "Use FROM view UNPIVOT (value FOR name IN (a, b))",
        "pragma" => "Use SHOW TABLES, DESCRIBE <view> or SUMMARIZE <view>",
        "call" => "Functions are called inside SELECT",
        "set" | "reset" => "Settings are fixed; times are UTC. Write values as literals or in a WITH clause",
        "copy" | "export" => "Results are returned to you; export_dataset writes files",
        "create" | "drop" | "alter" => "Use a WITH clause for intermediate results",
        "insert" | "update" | "delete" | "truncate" | "merge" => "Recorded data is never changed through SQL",
        "attach" | "detach" | "use" | "import" => "There is one store; its views are listed by SHOW TABLES",
        "install" | "load" => "Extensions cannot be loaded; json, regular expressions and dates are built in",
        "prepare" | "execute" | "deallocate" => "Send the SELECT itself",
        "begin" | "commit" | "rollback" | "vacuum" | "checkpoint" | "analyze" => "A SELECT needs no transaction",
        _ => return None,
    })
}
