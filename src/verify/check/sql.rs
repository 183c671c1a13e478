//! A statement as one SELECT over our views.
//!
//! Three steps, each a WITH query: `frame` picks the frames and takes the values out of their payloads, `judged` says of
//! each case whether it supports (`ok`), contradicts (`NOT ok`) or is undecided (NULL), the outer SELECT counts.
//!
//! Values come out of the frames by `payload_values` ([`crate::sql::functions`]), which reads no more of a frame than it
//! must. A second SELECT ([`Compiled::details`]) looks up what stands in the few frames that are shown: to carry that
//! through the count would cost as much as the count.

use std::collections::BTreeSet;

use super::ast::{Course, Expr, Group, Path, Pattern, SequenceOrder, Statement, Step, Value};
use super::expr::{Fields, condition, number, text_of};
use super::scope::{Bounds, Scope};
use super::visit;
use crate::protocol::facts::keys;

/// Cases shown that contradict, and that support.
pub(super) const CONTRADICTING: usize = 5;
pub(super) const SUPPORTING: usize = 3;

/// Characters of a value that are shown.
const PREVIEW: usize = 160;

/// The SELECT that counts, and what is needed to show single cases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compiled {
    /// The text.
    pub sql: String,
    /// Where the shown values are.
    fields: Fields,
    /// The event whose frames are the cases.
    event: String,
    /// The condition that picks its frames.
    picked: String,
    /// What a course or a sequence shows beside them.
    pub extra: Option<ExtraColumn>,
}

/// A value of a case that no path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ExtraColumn {
    /// The value of the frame before.
    Before,
    /// The number of the partner's frame.
    Partner,
}

impl ExtraColumn {
    /// As the column and the shown value are called.
    pub fn as_str(self) -> &'static str {
        match self {
            ExtraColumn::Before => "before",
            ExtraColumn::Partner => "partner",
        }
    }
}

/// One case that was counted: its frame, and the number of its element.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Case {
    pub session_id: String,
    pub seq: u64,
    pub element: Option<u64>,
}

/// The statement as SQL; `None` for what SQL cannot compute.
pub(super) fn compile(statement: &Statement, scope: &Scope, bounds: &Bounds) -> Option<Compiled> {
    match statement {
        Statement::Frames { event, claim, when } => Some(frames(event, claim, when.as_ref(), scope, bounds)),
        Statement::Course { event, value, course, group, when } => {
            Some(self::course(event, value, *course, *group, when.as_ref(), scope, bounds))
        }
        Statement::Sequence { anchor, partner, order, within_ms, group } => {
            Some(sequence(anchor, partner, *order, *within_ms, *group, scope, bounds))
        }
        Statement::Recompute(_) => None,
    }
}

/// A text as an SQL literal.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// The rows of `ws_event` that a scope leaves.
fn scope_filter(scope: &Scope, bounds: &Bounds) -> String {
    let mut out = String::new();
    if let Some(session) = &scope.session_id {
        out.push_str(&format!(" AND session_id = {}", literal(session)));
    }
    if let Some(source) = &scope.source {
        out.push_str(&format!(" AND source = {}", literal(source)));
    }
    let time = |us: i64| {
        let time = jiff::Timestamp::from_microsecond(us).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        format!("TIMESTAMPTZ '{}'", time.strftime("%Y-%m-%d %H:%M:%S.%6f+00"))
    };
    if let Some(from) = bounds.from_us {
        out.push_str(&format!(" AND ts >= {}", time(from)));
    }
    if let Some(to) = bounds.to_us {
        out.push_str(&format!(" AND ts < {}", time(to)));
    }
    out
}

/// As [`scope_filter`], for queries of the recomputation: their tables have the same columns under an alias.
pub(super) fn scope_of(scope: &Scope, bounds: &Bounds, alias: &str) -> String {
    let filter = scope_filter(scope, bounds);
    ["session_id", "source", "ts"]
        .iter()
        .fold(filter, |filter, name| filter.replace(&format!(" AND {name} "), &format!(" AND {alias}.{name} ")))
}

/// The condition that picks an event's frames.
fn picks(event: &str) -> String {
    if event == "ack" {
        return "event_name IS NULL AND packet IN ('ack', 'binary_ack')".into();
    }
    match event.strip_prefix("transport:") {
        Some(packet) => format!("event_name IS NULL AND packet = {}", literal(packet)),
        None => format!("event_name = {}", literal(event)),
    }
}

const COLUMNS: &str = "ts, session_id, seq, game_id, trace_id, source, socket_id, direction, phase";

/// The condition that picks an event's frames in a scope.
fn picked(event: &str, scope: &Scope, bounds: &Bounds) -> String {
    format!("{} AND frame = 'ok'{}", picks(event), scope_filter(scope, bounds))
}

/// What the moment of a frame adds to it.
#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    /// Its phase, where it does not say one itself.
    phase: bool,
    /// The game that was on, as `game_on`: its own, else that of the last state before it.
    game: bool,
}

impl Moment {
    /// The column that says in which game a frame was.
    fn game_column(self) -> &'static str {
        if self.game { "game_on" } else { "game_id" }
    }
}

/// The WITH queries that give `<prefix>frame`: the picked frames with the values of `fields`.
fn source(prefix: &str, picked: &str, fields: &Fields, moment: Moment) -> Vec<String> {
    let rows = if fields.is_empty() {
        format!("SELECT {COLUMNS} FROM ws_event WHERE {picked}")
    } else {
        let has_elements = if fields.has_elements() { ", x" } else { "" };
        format!(
            "SELECT {COLUMNS}{}{has_elements} FROM (SELECT {COLUMNS}, payload_values(raw_json, \"format\", event_name, {}) AS x \
             FROM ws_event WHERE {picked})",
            fields.whole_columns(),
            fields.arguments(),
        )
    };
    let mut steps = vec![rows];
    let before = |steps: &[String]| format!("{prefix}step_{}", steps.len() - 1);
    if moment.phase {
        steps.push(format!(
            "SELECT r.* REPLACE (coalesce(r.phase, p.phase) AS phase) FROM {} r ASOF LEFT JOIN (SELECT session_id, seq, phase \
             FROM ws_event WHERE phase IS NOT NULL) p ON r.session_id = p.session_id AND r.seq >= p.seq",
            before(&steps)
        ));
    }
    if moment.game {
        // As the schema facts have it, which the Explorer shows.
        steps.push(format!(
            "SELECT r.*, coalesce(r.game_id, g.game_id) AS game_on FROM {} r ASOF LEFT JOIN (SELECT session_id, seq, game_id FROM \
             ws_event WHERE event_name = 'gameStateUpdate' AND game_id IS NOT NULL) g ON r.session_id = g.session_id AND \
             r.seq >= g.seq",
            before(&steps)
        ));
    }
    let last = steps.len() - 1;
    let named = steps.into_iter().enumerate().map(|(place, step)| match place {
        place if place == last => format!("{prefix}frame AS ({step})"),
        place => format!("{prefix}step_{place} AS ({step})"),
    });
    named.collect()
}

/// The WITH query that gives `element`: one row for each element of the frames.
fn spread(fields: &Fields) -> String {
    // Spread in the SELECT: in FROM it would be a join, which holds everything in memory.
    let number = format!("unnest(range({})) AS element", fields.element_count());
    format!("element AS (SELECT * EXCLUDE (x), {number}{} FROM frame)", fields.element_columns())
}

/// ` WHERE …` for the phases of a scope and a condition.
fn filter(bounds: &Bounds, when: Option<String>) -> String {
    let mut parts = Vec::new();
    if !bounds.phases.is_empty() {
        let names: Vec<String> = bounds.phases.iter().map(|phase| literal(phase.as_str())).collect();
        parts.push(format!("phase IN ({})", names.join(", ")));
    }
    parts.extend(when.map(|when| format!("({when})")));
    if parts.is_empty() { String::new() } else { format!(" WHERE {}", parts.join(" AND ")) }
}

/// The paths of conditions and values, each once.
fn distinct(visited: impl FnOnce(&mut dyn FnMut(&Path))) -> Fields {
    let mut paths = Vec::new();
    visited(&mut |path| {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    });
    Fields::new(paths)
}

fn frames(event: &str, claim: &Expr, when: Option<&Expr>, scope: &Scope, bounds: &Bounds) -> Compiled {
    let fields = distinct(|visit| {
        visit::of_expr(claim, &mut |path| visit(path));
        when.iter().for_each(|when| visit::of_expr(when, &mut |path| visit(path)));
    });
    let moment = moment(event, bounds, [Some(claim), when]);
    let picked = picked(event, scope, bounds);
    let mut queries = source("", &picked, &fields, moment);
    let mut rows = "frame";
    if fields.has_elements() {
        queries.push(spread(&fields));
        rows = "element";
    }
    let filter = filter(bounds, when.map(|when| condition(when, &fields)));
    queries.push(format!("judged AS (SELECT *, {} AS ok FROM {rows}{filter})", condition(claim, &fields)));
    let sql = count(queries, moment, fields.has_elements(), None);
    Compiled { sql, fields, event: event.to_owned(), picked, extra: None }
}

/// What the moment of an event's frames has to add for them to be counted.
fn moment<const N: usize>(event: &str, bounds: &Bounds, conditions: [Option<&Expr>; N]) -> Moment {
    let asked = !bounds.phases.is_empty() || conditions.into_iter().flatten().any(visit::needs_phase);
    // A gameStateUpdate says its own phase and game, or has none.
    let is_state = event == "gameStateUpdate";
    Moment { phase: asked && !is_state, game: !is_state }
}

/// The columns that frames of one group share, as a list.
fn group_columns(group: Group) -> &'static str {
    match group {
        Group::Session => "session_id, source, socket_id",
        Group::Game => "session_id, source, socket_id, game_id",
        Group::Trace => "session_id, source, socket_id, trace_id",
    }
}

/// What must be there for a row to be in a group.
fn in_group(group: Group) -> Option<&'static str> {
    match group {
        Group::Session => None,
        Group::Game => Some("game_id"),
        Group::Trace => Some("trace_id"),
    }
}

fn course(
    event: &str,
    value: &Value,
    course: Course,
    group: Group,
    when: Option<&Expr>,
    scope: &Scope,
    bounds: &Bounds,
) -> Compiled {
    let fields = distinct(|visit| {
        visit::of_value(value, &mut |path| visit(path));
        when.iter().for_each(|when| visit::of_expr(when, &mut |path| visit(path)));
    });
    let picked = picked(event, scope, bounds);
    let moment = moment(event, bounds, [when]);
    let mut queries = source("", &picked, &fields, moment);
    // What never changes may be a text.
    let now = if course == Course::NeverChanges { text_of(value, &fields) } else { number(value, &fields) };
    let filter = filter(bounds, when.map(|when| condition(when, &fields)));
    queries.push(format!("step AS (SELECT *, {now} AS now FROM frame{filter})"));
    let there = in_group(group).map_or(String::new(), |column| format!(" AND {column} IS NOT NULL"));
    queries.push(format!(
        "course AS (SELECT *, lag(now) OVER (PARTITION BY {} ORDER BY seq) AS before FROM step WHERE now IS NOT \
         NULL{there})",
        group_columns(group)
    ));
    let ok = match course {
        Course::Falls => "now < before".to_owned(),
        Course::Rises => "now > before".to_owned(),
        Course::NeverRises => "now <= before".to_owned(),
        Course::NeverFalls => "now >= before".to_owned(),
        Course::NeverChanges => "now = before".to_owned(),
        Course::StepsBy(step, tolerance) => format!("abs(now - before - ({step:e})) <= {tolerance:e}"),
    };
    queries.push(format!("judged AS (SELECT *, {ok} AS ok FROM course WHERE before IS NOT NULL)"));
    let sql = count(queries, moment, false, Some("CAST(before AS VARCHAR)"));
    Compiled { sql, fields, event: event.to_owned(), picked, extra: Some(ExtraColumn::Before) }
}

fn sequence(
    anchor: &Pattern,
    partner: &Pattern,
    order: SequenceOrder,
    within_ms: f64,
    group: Group,
    scope: &Scope,
    bounds: &Bounds,
) -> Compiled {
    let mut queries = Vec::new();
    let mut shown = None;
    for (prefix, pattern) in [("anchor_", anchor), ("partner_", partner)] {
        let fields =
            distinct(|visit| pattern.when.iter().for_each(|when| visit::of_expr(when, &mut |path| visit(path))));
        // The phases of a scope are those of what is counted; its partner may lie in another.
        let own =
            if prefix == "anchor_" { bounds.clone() } else { Bounds { phases: Vec::new(), ..bounds.clone() } };
        let asked = moment(&pattern.event, &own, [pattern.when.as_ref()]);
        let is_counted = prefix == "anchor_";
        let picked = picked(&pattern.event, scope, &own);
        queries.extend(source(prefix, &picked, &fields, Moment { game: asked.game && is_counted, ..asked }));
        let filter = filter(&own, pattern.when.as_ref().map(|when| condition(when, &fields)));
        let name = prefix.trim_end_matches('_');
        queries.push(format!("{name} AS (SELECT * FROM {prefix}frame{filter})"));
        shown.get_or_insert((fields, picked, asked));
    }
    let (sign, missing) = match order {
        SequenceOrder::Follows => ("<", "epoch_us(e.ended) - epoch_us(a.ts)"),
        SequenceOrder::Precedes => (">", "epoch_us(a.ts) - epoch_us(e.began)"),
    };
    let key = in_group(group);
    let same = key.map_or(String::new(), |column| format!(" AND a.{column} = p.{column}"));
    let no_key = key.map_or(String::new(), |column| format!(" OR a.{column} IS NULL"));
    let within = format!("{:e}", within_ms * 1000.0);
    queries.push(
        "edge AS (SELECT session_id, min(ts) AS began, max(ts) AS ended FROM ws_event GROUP BY session_id)"
            .to_owned(),
    );
    queries.push(format!(
        "judged AS (SELECT a.*, p.seq AS partner_seq, CASE WHEN a.ts IS NULL{no_key} THEN NULL WHEN abs(epoch_us(p.ts) - \
         epoch_us(a.ts)) <= {within} THEN true WHEN p.seq IS NULL AND {missing} < {within} THEN NULL WHEN p.seq IS NOT \
         NULL AND p.ts IS NULL THEN NULL ELSE false END AS ok FROM anchor a ASOF LEFT JOIN partner p ON a.session_id = \
         p.session_id{same} AND a.seq {sign} p.seq LEFT JOIN edge e ON a.session_id = e.session_id)"
    ));
    let (fields, picked, asked) = shown.unwrap_or_default();
    let sql = count(queries, asked, false, Some("partner_seq"));
    Compiled { sql, fields, event: anchor.event.clone(), picked, extra: Some(ExtraColumn::Partner) }
}

/// Adds the outer SELECT. `extra` is what a case carries beside its place.
fn count(queries: Vec<String>, moment: Moment, has_elements: bool, extra: Option<&str>) -> String {
    let game = moment.game_column();
    let element = if has_elements { ", 'element': element" } else { "" };
    let extra = extra.map_or(String::new(), |value| format!(", 'extra': {value}"));
    // The order of its members is the order of the cases.
    let case = format!("{{'session_id': session_id, 'seq': seq{element}, 'phase': phase{extra}}}");
    format!(
        "WITH {}\nSELECT count(*) FILTER (WHERE ok) AS supports,\n  count(*) FILTER (WHERE NOT ok) AS contradicts,\n  \
         count(*) FILTER (WHERE ok IS NULL) AS undecided,\n  count(DISTINCT {game}) FILTER (WHERE ok IS NOT NULL) AS \
         games,\n  count(DISTINCT session_id) FILTER (WHERE ok IS NOT NULL) AS sessions,\n  min(ts) FILTER (WHERE ok IS \
         NOT NULL) AS first_ts,\n  max(ts) FILTER (WHERE ok IS NOT NULL) AS last_ts,\n  min({case}, {CONTRADICTING}) FILTER \
         (WHERE NOT ok) AS counterexamples,\n  min({case}, {SUPPORTING}) FILTER (WHERE ok) AS examples\nFROM judged",
        queries.join(",\n"),
    )
}

/// The tick in front of a gameStateUpdate.
const TICK: &str = "tickCount";

impl Compiled {
    /// The values that a case shows, in their order.
    pub fn shown(&self) -> impl Iterator<Item = &Path> {
        self.fields.shown()
    }

    /// The SELECT that looks up `cases`: their envelope, their tick, and the shown values as a list.
    pub fn details(&self, cases: &[Case]) -> String {
        let sessions: BTreeSet<String> = cases.iter().map(|case| literal(&case.session_id)).collect();
        let numbers: BTreeSet<u64> = cases.iter().map(|case| case.seq).collect();
        let picked = format!(
            "{} AND session_id IN ({}) AND seq IN ({})",
            self.picked,
            join(sessions),
            join(numbers.iter().map(u64::to_string)),
        );
        let tick = Path(vec![Step::Key(TICK.into())]);
        let has_tick = self.event == "gameStateUpdate";
        let fields = if has_tick { self.fields.with(&tick) } else { self.fields.clone() };
        let mut queries = source("", &picked, &fields, Moment::default());
        let mut rows = "frame";
        if fields.has_elements() {
            queries.push(spread(&fields));
            rows = "element";
        }
        let values = self.fields.shown().map(|path| match keys::is_personal(path.last_key(), &path.to_string()) {
            true => "'(not shown)'".to_owned(),
            false => format!("left({}, {PREVIEW})", fields.column(path)),
        });
        let tick = if has_tick { format!("TRY_CAST({} AS BIGINT)", fields.column(&tick)) } else { "NULL".into() };
        let (element, same) = match fields.has_elements() {
            true => ("f.element", " AND f.element = c.element"),
            false => ("NULL", ""),
        };
        let places = cases.iter().map(|case| {
            let element = case.element.map_or("NULL".to_owned(), |element| element.to_string());
            format!("({}, {}, {element})", literal(&case.session_id), case.seq)
        });
        format!(
            "WITH {},\nasked(session_id, seq, element) AS (VALUES {})\nSELECT f.session_id, f.seq, {element} AS element, f.ts, \
             f.game_id, f.phase, f.direction, {tick} AS tick, CAST([{}] AS VARCHAR[]) AS \"values\"\nFROM {rows} f JOIN asked c \
             ON f.session_id = c.session_id AND f.seq = c.seq{same}",
            queries.join(",\n"),
            join(places),
            join(values),
        )
    }
}

fn join(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().collect::<Vec<_>>().join(", ")
}
