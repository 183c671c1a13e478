//! Evidence: from an address to what the stored frame says. Nothing of it is ever typed by anybody: the value shown and
//! the hash are read from the store.

use std::fmt::Write as _;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::check::Sighting;
use super::mark::{EventRef, Evidence, Role};
use super::subject::Subject;
use crate::protocol::facts::keys::is_personal;
use crate::sql::cells::visible;
use crate::sql::{Query, SqlClient, SqlError};
use crate::store::ids::EventRef as Address;

/// Characters of a value that are shown.
const SHOWN: usize = 120;

/// Why a piece of evidence does not count.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// It is no address.
    #[error(
        "{0:?} is no event ref; one is written session_id:seq, as search, query_sql and describe_protocol give it"
    )]
    NoAddress(String),
    /// There is no such frame.
    #[error("there is no stored frame {0}")]
    NoFrame(String),
    /// The frame is of another event.
    #[error("frame {address} is a {found}, and the subject is about {wanted}")]
    OtherEvent {
        /// The frame.
        address: String,
        /// Its event.
        found: String,
        /// The events that would do.
        wanted: String,
    },
    /// The store could not be asked.
    #[error("the store could not be asked: {0}")]
    Sql(#[from] SqlError),
}

const FRAME: &str = "SELECT w.event_name AS event_name, w.packet AS packet, w.direction AS direction, w.game_id AS \
                     game_id, w.phase AS phase, CAST(w.ts AS VARCHAR) AS ts, sha256(w.raw_json) AS sha, (SELECT \
                     max(t.tick) FROM game_tick t WHERE t.session_id = $1 AND t.seq = $2) AS tick, CAST(w.payload AS \
                     VARCHAR) AS payload FROM ws_event w WHERE w.session_id = $1 AND w.seq = $2";

/// Reads one frame as evidence about a subject. `events` are those that count; none: any.
///
/// # Errors
/// [`EvidenceError`].
pub async fn resolve(
    sql: &SqlClient,
    address: &str,
    subject: &Subject,
    events: &[&str],
    role: Role,
    cancel: &CancellationToken,
) -> Result<Evidence, EvidenceError> {
    let no_address = || EvidenceError::NoAddress(address.chars().take(100).collect());
    let parsed: Address = address.trim().parse().map_err(|_| no_address())?;
    let session = parsed.session_id.to_string();
    let query = Query { max_cell: 16 << 20, max_bytes: 64 << 20, ..Query::new(FRAME) };
    let query = query.bind(vec![session.clone().into(), parsed.seq.into()]);
    let answer = sql.query(query, cancel.clone()).await?;
    let row = answer.rows.first().ok_or_else(|| EvidenceError::NoFrame(address.trim().to_owned()))?;
    let cell = |name: &str| {
        let at = answer.columns.iter().position(|column| column.name == name);
        at.and_then(|at| row.get(at)).unwrap_or(&Value::Null)
    };
    let text = |name: &str| cell(name).as_str().map(str::to_owned);
    let found = text("event_name").or_else(|| text("packet")).unwrap_or_else(|| "frame without an event".into());
    if !events.is_empty() && !events.contains(&found.as_str()) {
        let wanted = events.join(" or ");
        return Err(EvidenceError::OtherEvent { address: address.trim().to_owned(), found, wanted });
    }
    let payload: Value = text("payload").and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let place = subject.path.as_deref().and_then(|path| find(&payload, path));
    let event = EventRef {
        session_id: session,
        seq: parsed.seq,
        event_name: found,
        direction: text("direction"),
        game_id: text("game_id"),
        tick: cell("tick").as_i64(),
        phase: text("phase"),
        ts: text("ts"),
        value_untrusted: place.as_ref().map(|(_, value)| shown(value, subject)),
        json_pointer: place.map(|(pointer, _)| pointer),
        raw_sha256: text("sha").unwrap_or_default(),
    };
    Ok(Evidence { event, role, case_untrusted: None })
}

/// Reads the frame of a case that a check found.
///
/// # Errors
/// As [`resolve`].
pub async fn of_case(
    sql: &SqlClient,
    case: &Sighting,
    subject: &Subject,
    role: Role,
    cancel: &CancellationToken,
) -> Result<Evidence, EvidenceError> {
    // Any event counts: a recomputation looks at others than the subject's.
    let found = resolve(sql, &case.event_ref(), subject, &[], role, cancel).await?;
    let element = case.element.map_or(String::new(), |element| format!("element {element}: "));
    let case: String = format!("{element}{}", visible(&case.preview())).chars().take(2 * SHOWN).collect();
    Ok(Evidence { case_untrusted: Some(case), ..found })
}

/// The first value at a path of the facts' form, and its JSON pointer.
fn find<'v>(payload: &'v Value, path: &str) -> Option<(String, &'v Value)> {
    let mut keys = Vec::new();
    for key in path.trim_start_matches('$').split('.').filter(|key| !key.is_empty()) {
        let name = key.split('[').next().unwrap_or(key);
        if !name.is_empty() {
            keys.push(name);
        }
        keys.extend(std::iter::repeat_n("[]", key.matches("[]").count()));
    }
    descend(payload, &keys, String::new())
}

/// The first element that has the rest of the path is the one: elements of a list differ.
fn descend<'v>(value: &'v Value, keys: &[&str], pointer: String) -> Option<(String, &'v Value)> {
    let Some((key, rest)) = keys.split_first() else { return Some((pointer, value)) };
    let step = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Array(items) if *key == "[]" => {
            items.iter().enumerate().find_map(|(at, item)| descend(item, rest, step(&at.to_string())))
        }
        Value::Object(map) if key.starts_with('{') => {
            map.iter().find_map(|(name, item)| descend(item, rest, step(name)))
        }
        Value::Object(map) => descend(map.get(*key)?, rest, step(key)),
        _ => None,
    }
}

fn shown(value: &Value, subject: &Subject) -> String {
    let path = subject.path.as_deref().unwrap_or("$");
    let name = path.rsplit('.').next().unwrap_or(path).trim_end_matches("[]");
    if is_personal(name, path) {
        return "(names somebody or is somebody's text: not shown)".into();
    }
    let text = match value {
        Value::Array(items) => format!("list of {}", items.len()),
        Value::Object(map) => format!("object of {} keys", map.len()),
        other => other.to_string(),
    };
    let text = visible(&text);
    let mut cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() {
        let _ = write!(cut, "…");
    }
    cut
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_path_leads_to_the_first_value_that_has_it() {
        let payload = json!({"a": {"b~/c": 1}, "list": [{"x": 1}, {"y": 2}], "map": {"17": 0.5}});
        assert_eq!(find(&payload, "$.a.b~/c").unwrap(), ("/a/b~0~1c".into(), &json!(1)));
        assert_eq!(find(&payload, "$.list[].y").unwrap(), ("/list/1/y".into(), &json!(2)));
        assert_eq!(find(&payload, "$.map.{tick}").unwrap(), ("/map/17".into(), &json!(0.5)));
        assert_eq!(find(&payload, "$.gone"), None);
    }

    #[test]
    fn who_somebody_is_is_not_shown() {
        let subject = Subject::field("newChatMessage", "$.username");
        assert!(!shown(&json!("Alice"), &subject).contains("Alice"));
        assert!(shown(&json!("x".repeat(500)), &Subject::field("e", "$.f")).chars().count() <= SHOWN + 1);
    }
}
