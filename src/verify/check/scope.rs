//! What a check or an exploration looks at: everything, or a part.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ast::PhaseName;

/// A part of what is stored. Every member narrows; none means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scope {
    /// Only this session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Only this source: cdp, public_ws, replay, ui or import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only from this time on, UTC: a date (2026-01-31) or a time (2026-01-31T12:00:00Z). What has no time is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Only before this time; a date stands for its end, so from = to = a date is that day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// Checks only: in these phases: COOLDOWN, PRESALE, ACTIVE, RUGGED.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub phases: Vec<String>,
}

/// A scope that cannot be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the scope's {member} {value:?} is not understood: {expected}")]
pub struct BadScope {
    /// Which member.
    pub member: &'static str,
    /// What it says.
    pub value: String,
    /// What it could say.
    pub expected: &'static str,
}

/// The sources there are.
const SOURCES: [&str; 5] = ["cdp", "public_ws", "replay", "ui", "import"];

/// A scope whose members have been read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Not before, microseconds UTC.
    pub from_us: Option<i64>,
    /// Before.
    pub to_us: Option<i64>,
    /// In one of these; empty for any.
    pub phases: Vec<PhaseName>,
}

impl Scope {
    /// Whether it is everything.
    pub fn is_all(&self) -> bool {
        *self == Scope::default()
    }

    /// Reads times and phases.
    ///
    /// # Errors
    /// The first member that is not understood.
    pub fn bounds(&self) -> Result<Bounds, BadScope> {
        if let Some(source) = self.source.as_ref().filter(|source| !SOURCES.contains(&source.as_str())) {
            let expected = "it is cdp, public_ws, replay, ui or import";
            return Err(BadScope { member: "source", value: source.clone(), expected });
        }
        if let Some(session) = self.session_id.as_ref().filter(|id| id.parse::<uuid::Uuid>().is_err()) {
            let expected = "it is the UUID of a session, as the view session lists them";
            return Err(BadScope { member: "session_id", value: session.clone(), expected });
        }
        let from_us = self.from.as_deref().map(|text| time("from", text, false)).transpose()?;
        let to_us = self.to.as_deref().map(|text| time("to", text, true)).transpose()?;
        let mut phases = Vec::new();
        for name in &self.phases {
            let known = PhaseName::ALL.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            let (_, phase) = known.ok_or_else(|| BadScope {
                member: "phases",
                value: name.clone(),
                expected: "each is COOLDOWN, PRESALE, ACTIVE or RUGGED",
            })?;
            phases.push(*phase);
        }
        Ok(Bounds { from_us, to_us, phases })
    }
}

fn time(member: &'static str, text: &str, is_end: bool) -> Result<i64, BadScope> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Ok(time.as_microsecond());
    }
    let day = text.parse::<jiff::civil::Date>().ok().and_then(|date| {
        let date = if is_end { date.tomorrow().ok()? } else { date };
        date.to_zoned(jiff::tz::TimeZone::UTC).ok()
    });
    let expected = "it is a date like 2026-01-31 or a time like 2026-01-31T12:00:00Z";
    day.map(|day| day.timestamp().as_microsecond()).ok_or(BadScope { member, value: text.to_owned(), expected })
}
