//! `search`: the semantic index, asked in plain words.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::ToolAnnotations;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use self::decided::{Decided, decided};
use super::{AgentTool, RESULT_BYTES, bounded};
use crate::index::query::{self, Filters, Found, Hit, LAST, Mode, Question};
use crate::index::units::{Unit, UnitKind};
use crate::index::{IndexError, Service, memory};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::sql::cells::visible;
use crate::store::schema::DocType;
use crate::verify::explore::marks::Marks;
use crate::verify::explore::written::card;
use crate::verify::mark::Correction;

/// Hits unless asked, and at most.
const HITS: u64 = 8;
const MAX_HITS: u64 = 50;

/// Characters of a text in the concise form, and in the detailed one.
const CONCISE: usize = 400;
const DETAILED: usize = 6_000;

/// Addresses of frames per hit in the concise form, and in the detailed one.
const FEW_REFS: usize = 2;
const REFS: usize = 20;

mod decided;

/// The tool.
pub struct Search;

/// What to look for, and where.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// What to look for, in plain words or by exact name (playerUpdate, positionQty, a game id).
    pub query: String,
    /// Only this kind: event_card, field_card, sample, game, session, anomaly, reference.
    pub kind: Option<String>,
    /// Only about this event, like playerUpdate.
    pub event_name: Option<String>,
    /// Only about rows of this kind: a view of query_sql, like ws_event, game_tick, trade.
    pub doc_type: Option<String>,
    /// Only about this game.
    pub game_id: Option<String>,
    /// Only from this session.
    pub session_id: Option<String>,
    /// Only from frames recorded this way: cdp, public_ws, replay, ui, import.
    pub source: Option<String>,
    /// Only about times from here on (UTC), like 2026-11-23 or 2026-11-23T14:00:00Z.
    pub from: Option<String>,
    /// Only about times before.
    pub until: Option<String>,
    /// true: whole texts and all addresses. Default: the beginning of each text.
    pub detailed: Option<bool>,
    /// Hits to return, 1 to 50. Default 8.
    pub limit: Option<u64>,
    /// Hits to pass over: the `offset` of an earlier answer.
    pub offset: Option<u64>,
}

/// What was found, best first.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// The hits, best first.
    pub hits: Vec<HitRow>,
    /// hybrid: by meaning and keywords. keyword: by keywords alone, see note. reference: only the shipped protocol
    /// reference could be searched.
    pub mode: String,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Whether there are more hits, or texts that were cut.
    pub truncated: bool,
    /// Give this as `offset` to get the hits after these.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub offset: Option<u64>,
    /// How to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// One text of the index. What is not known is absent.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct HitRow {
    /// Stable id of the text.
    pub id: String,
    /// Kind of the text.
    pub kind: String,
    /// What it is about, in a line.
    pub title: String,
    /// The text; in the concise form its beginning.
    pub text: String,
    /// Event it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub event_name: Option<String>,
    /// Field it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub field_path: Option<String>,
    /// Game it is about.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub game_id: Option<String>,
    /// Session it is from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub session_id: Option<String>,
    /// Time it is about (UTC).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ts: Option<String>,
    /// How well it is known from the data: theoretical (documents only), observed, corroborated (several frames, games and
    /// sessions).
    pub tier: String,
    /// What the shipped statements in it rest on: wire (its authors saw it), documented, inferred.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub basis: Option<String>,
    /// What people decided about it: canonical, verified, needs_correction, unverified; stale where newer data contradict;
    /// a part of it with that word before it (unit canonical). A chapter with marked parts is "partly marked". Absent for
    /// what nobody marks: games, sessions.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mark: Option<String>,
    /// Marks on parts of it, each as subject [mark]: statement. Of an event: its rules and fields.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub marked: Vec<String>,
    /// What a correction says instead of what the text says: kind, written, right.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub corrections: Vec<Correction>,
    /// Why it was found.
    pub why: Vec<String>,
    /// Frames behind it, as session:seq, for get_events.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub evidence: Vec<String>,
}

impl AgentTool for Search {
    const NAME: &'static str = "search";
    const TITLE: &'static str = "Search protocol and games in plain words";
    const DESCRIPTION: &'static str = "\
Finds knowledge about the protocol and the recorded games by meaning and by exact name. Use it for what an event or \
field means, which event carries something, how phases differ, or to find games by what happened; for counts use \
query_sql, for whole frames get_events with the evidence of a hit.

Found are texts: event_card and field_card (types, rates, phases, as observed), sample (a payload), game, session, \
anomaly, and reference (the shipped protocol reference: a document, not your data). Each hit says why it \
was found, which frames are behind it, how well it is known (tier) and what people decided about it (mark). Filters are applied first; the best hits come then. A name written exactly \
puts its own card first.

Concise by default; detailed gives whole texts. Without an embedding model or without an index it searches by \
keywords and says so in mode and note.

Examples: {\"query\": \"how do I tell presale from cooldown\"}
{\"query\": \"positionQty\", \"kind\": \"field_card\", \"detailed\": true}";
    const EXAMPLE: &'static str = r#"{"query": "which event carries serverSeedHash", "limit": 5}"#;
    const TIME: Duration = Duration::from_secs(60);
    const READS: &'static [DocType] = &[DocType::WsEvent, DocType::GameTick, DocType::Game, DocType::Sidebet];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(true).destructive(false).idempotent(true).open_world(true)
    }

    async fn call(app: Arc<App>, args: Args, _cancel: CancellationToken) -> Result<Output, ToolError> {
        answer(&app.search, &app.explorer.marks(), &args).await
    }
}

/// Searches; also what `replayer index query` prints.
///
/// # Errors
/// Those of the index, with the call that gets on from there.
pub async fn answer(service: &Service, marks: &Marks, args: &Args) -> Result<Output, ToolError> {
    let question = question(args)?;
    let found = match service.search(&question).await {
        Ok(found) => Ok((mode_name(found.mode).to_owned(), found)),
        Err(error @ IndexError::Missing { .. }) => shipped(&service.reference(), &question, &error),
        Err(error) => Err(error),
    };
    let (mode, found) = found.map_err(|error| refused(&error))?;
    Ok(output(mode, found, &question, marks, args.detailed.unwrap_or(false)))
}

/// The arguments as the index understands them.
fn question(args: &Args) -> Result<Question, ToolError> {
    let given = |text: &Option<String>| text.clone().filter(|text| !text.trim().is_empty());
    let filters = Filters {
        kind: given(&args.kind),
        event_name: given(&args.event_name),
        doc_type: given(&args.doc_type),
        game_id: given(&args.game_id),
        session_id: given(&args.session_id),
        source: given(&args.source),
        from_us: given(&args.from).map(|text| micros(&text, "from")).transpose()?,
        until_us: given(&args.until).map(|text| micros(&text, "until")).transpose()?,
    };
    let limit = bounded(args.limit, HITS, MAX_HITS);
    let offset = args.offset.unwrap_or(0).min(LAST as u64);
    Ok(Question {
        filters,
        offset: usize::try_from(offset).unwrap_or(LAST),
        ..Question::new(args.query.clone(), usize::try_from(limit).unwrap_or(1))
    })
}

/// A time or a date (its beginning) in microseconds.
fn micros(text: &str, argument: &str) -> Result<i64, ToolError> {
    let instant = text.trim().parse::<jiff::Timestamp>().ok().or_else(|| {
        let date = text.trim().parse::<jiff::civil::Date>().ok()?;
        Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    instant.map(jiff::Timestamp::as_microsecond).ok_or_else(|| {
        ToolError::new(
            "Nothing was searched",
            format!("{argument} is no time: {text:?}"),
            format!(r#"search with "{argument}": "2026-11-23T14:00:00Z" or "2026-11-23""#),
        )
    })
}

/// Keyword search over the texts that come with the program, while there is no index.
fn shipped(units: &[Unit], question: &Question, missing: &IndexError) -> Result<(String, Found), IndexError> {
    let (text, cut) = query::usable(&question.text)?;
    let no_kind = |(name, value): &(&'static str, &str)| *name == "kind" && UnitKind::from_name(value).is_none();
    if let Some((filter, value)) = question.filters.values().into_iter().find(no_kind) {
        let nearest = UnitKind::ALL.map(|kind| kind.as_str().to_owned()).to_vec();
        return Err(IndexError::UnknownValue { filter, value: value.to_owned(), nearest });
    }
    let searched = memory::query_words(&text);
    let allowed: Vec<&Unit> = units.iter().filter(|unit| question.filters.allows(unit)).collect();
    let ranked = memory::Memory::of_units(allowed.iter().copied()).search(&text, LAST);
    let hits: Vec<Hit> = ranked
        .iter()
        .enumerate()
        .skip(question.offset)
        .take(question.limit)
        .filter_map(|(place, at)| {
            let unit = (*allowed.get(*at)?).clone();
            let why = vec![format!("keywords #{}: {}", place + 1, query::matched(&unit, &searched).join(", "))];
            Some(Hit { unit, why, score: 0.0 })
        })
        .collect();
    let note =
        format!("{missing}. Until then only the protocol reference that comes with this program is searched");
    let more = ranked.len() > question.offset + hits.len();
    let notes = cut.into_iter().chain([note]).collect();
    Ok(("reference".to_owned(), Found { hits, mode: Mode::Keyword, notes, more, units: units.len() as u64 }))
}

fn mode_name(mode: Mode) -> &'static str {
    match mode {
        Mode::Hybrid => "hybrid",
        Mode::Dense => "dense",
        Mode::Keyword => "keyword",
    }
}

/// The answer, cut to what a model can take.
fn output(mode: String, found: Found, question: &Question, marks: &Marks, detailed: bool) -> Output {
    let mut cut = false;
    let mut rows: Vec<HitRow> = Vec::new();
    let mut bytes = 0;
    let mut left_out = false;
    for hit in found.hits {
        let (row, shortened) = row(hit, marks, detailed);
        let size = serde_json::to_string(&row).map_or(0, |text| text.len() as u64);
        if !rows.is_empty() && bytes + size > RESULT_BYTES - 2_000 {
            left_out = true;
            break;
        }
        bytes += size;
        cut |= shortened;
        rows.push(row);
    }
    let more = (found.more || left_out).then(|| (question.offset + rows.len()) as u64);
    let next = match (more, cut) {
        (Some(offset), _) => Some(format!(
            "more hits: the same call with \"offset\": {offset}; or narrow it with kind, event_name or game_id"
        )),
        (None, true) => Some("whole texts: the same call with \"detailed\": true and a smaller limit".to_owned()),
        (None, false) if rows.is_empty() => {
            Some("other words, or fewer filters; query_sql for what was recorded".to_owned())
        }
        (None, false) => None,
    };
    let note = (!found.notes.is_empty()).then(|| found.notes.join(". "));
    Output { truncated: more.is_some() || cut, hits: rows, mode, note, offset: more, next }
}

/// One hit; also whether something of it was cut.
fn row(hit: Hit, marks: &Marks, detailed: bool) -> (HitRow, bool) {
    let unit = hit.unit;
    let (characters, refs) = if detailed { (DETAILED, REFS) } else { (CONCISE, FEW_REFS) };
    let whole = visible(&card(&unit, marks));
    let mut text: String = whole.chars().take(characters).collect();
    let cut = text.len() < whole.len();
    if cut {
        text.push('…');
    }
    let Decided { mark, marked, corrections } = decided(&unit, marks);
    let row = HitRow {
        mark,
        marked,
        corrections,
        id: unit.id,
        kind: unit.kind.as_str().to_owned(),
        title: visible(&unit.title),
        text,
        event_name: unit.event_name,
        field_path: unit.field_path,
        game_id: unit.game_id,
        session_id: unit.session_id,
        ts: unit.ts_us.and_then(|ts| jiff::Timestamp::from_microsecond(ts).ok()).map(|time| time.to_string()),
        tier: unit.tier.as_str().to_owned(),
        basis: unit.basis.map(|basis| basis.as_str().to_owned()),
        why: hit.why,
        evidence: unit.evidence.into_iter().take(refs).collect(),
    };
    (row, cut)
}

fn refused(error: &IndexError) -> ToolError {
    let (what, next) = match error {
        IndexError::EmptyQuery => ("Nothing was searched", format!("search {}", Search::EXAMPLE)),
        IndexError::UnknownValue { filter, nearest, .. } => (
            "Nothing was searched",
            nearest.first().map_or_else(
                || format!("search without {filter}"),
                |value| format!("search with \"{filter}\": {value:?}, or without {filter}"),
            ),
        ),
        IndexError::Missing { .. } => {
            ("There is nothing to search yet", "ask the user to run `replayer index build`".to_owned())
        }
        IndexError::Mismatch { .. } | IndexError::Damaged { .. } | IndexError::Newer { .. } => (
            "The index cannot be searched",
            "ask the user to run `replayer index build --full`; query_sql and get_game work meanwhile".to_owned(),
        ),
        _ => (
            "The search failed",
            "the same call again; query_sql and get_game work meanwhile, and `replayer doctor` checks the data root"
                .to_owned(),
        ),
    };
    ToolError::new(what, error.to_string(), next)
}

#[cfg(test)]
mod tests;
