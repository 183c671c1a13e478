//! A statement as one SELECT over our views.
//!
//! Three steps, each a WITH query: `frame` picks the frames and takes the values out of their payloads, `judged` says of
//! each case whether it supports (`ok`), contradicts (`NOT ok`) or is undecided (NULL), the outer SELECT counts.
//!
//! The view's `payload` would parse a frame twice (once to cut the payload out, once to look into it), so frames of the
//! wire are read straight from their text; imported lines, of which there are few, go through `payload`.

use super::ast::{Course, Expr, Group, Path, Pattern, SequenceOrder, Statement, Step, Value};
use super::expr::{Places, condition, number, text_of};
use super::scope::{Bounds, Scope};
use super::visit;
use crate::protocol::facts::keys;

/// Cases shown that contradict, and that support.
pub(super) const CONTRADICTING: usize = 5;
pub(super) const SUPPORTING: usize = 3;

/// Characters of a value that are shown.
const PREVIEW: usize = 160;

/// The text, and what the values shown beside a case are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Compiled {
    pub sql: String,
    /// Paths of the values, in their order.
    pub shown: Vec<String>,
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

/// A path below `base` as DuckDB's JSON path.
fn json_path(base: &str, steps: &[Step]) -> String {
    let mut out = base.to_owned();
    for step in steps {
        match step {
            Step::Key(key) => out.push_str(&format!(".\"{}\"", key.replace('"', ""))),
            Step::Index(index) if *index < 0 => out.push_str(&format!("[#{index}]")),
            Step::Index(index) => out.push_str(&format!("[{index}]")),
            Step::Elements => out.push_str("[*]"),
            Step::Values => out.push_str(".*"),
        }
    }
    out
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

/// The condition that picks an event's frames, and whether its payload is an argument behind the name.
fn picks(event: &str) -> (String, bool) {
    if event == "ack" {
        return ("event_name IS NULL AND packet IN ('ack', 'binary_ack')".into(), false);
    }
    match event.strip_prefix("transport:") {
        Some(packet) => (format!("event_name IS NULL AND packet = {}", literal(packet)), false),
        None => (format!("event_name = {}", literal(event)), true),
    }
}

const COLUMNS: &str = "ts, session_id, seq, game_id, trace_id, source, socket_id, direction, phase";

/// The WITH queries that give `<prefix>frame`: the event's frames with the values of `paths` as `v`.
fn source(
    prefix: &str,
    event: &str,
    paths: &[Path],
    needs_phase: bool,
    scope: &Scope,
    bounds: &Bounds,
) -> Vec<String> {
    let (picked, is_event) = picks(event);
    let picked = format!("{picked} AND frame = 'ok'{}", scope_filter(scope, bounds));
    let list =
        |base: &str| -> Vec<String> { paths.iter().map(|path| literal(&json_path(base, &path.0))).collect() };
    let through_payload = format!("json_extract(payload, [{}])", list("$").join(", "));
    let name = if needs_phase { format!("{prefix}raw") } else { format!("{prefix}frame") };
    let rows = if paths.is_empty() {
        format!("SELECT {COLUMNS}, CAST(NULL AS JSON[]) AS v FROM ws_event WHERE {picked}")
    } else if is_event {
        let count = paths.len();
        format!(
            "SELECT {COLUMNS}, CASE WHEN x[1] IS NULL THEN x[2:{}] ELSE x[{}:{}] END AS v FROM (SELECT {COLUMNS}, \
             TRY(json_extract(substr(raw_json, strpos(raw_json, '[')), ['$[1].__trace', {}, {}])) AS x FROM ws_event \
             WHERE {picked} AND \"format\" = 'wire') UNION ALL SELECT {COLUMNS}, {through_payload} AS v FROM ws_event \
             WHERE {picked} AND \"format\" <> 'wire'",
            count + 1,
            count + 2,
            2 * count + 1,
            list("$[1]").join(", "),
            list("$[2]").join(", "),
        )
    } else {
        format!("SELECT {COLUMNS}, {through_payload} AS v FROM ws_event WHERE {picked}")
    };
    let mut queries = vec![format!("{name} AS ({rows})")];
    if needs_phase {
        let mine: Vec<String> =
            COLUMNS.split(", ").filter(|name| *name != "phase").map(|name| format!("r.{name}")).collect();
        queries.push(format!(
            "{prefix}frame AS (SELECT {}, coalesce(r.phase, p.phase) AS phase, r.v FROM {name} r ASOF LEFT JOIN (SELECT \
             session_id, seq, phase FROM ws_event WHERE phase IS NOT NULL) p ON r.session_id = p.session_id AND r.seq \
             >= p.seq)",
            mine.join(", ")
        ));
    }
    queries
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

/// The paths of conditions and values, each once; with `tick`, that of the tick in front.
fn distinct(visited: impl FnOnce(&mut dyn FnMut(&Path)), event: &str) -> Vec<Path> {
    let mut paths = Vec::new();
    if event == "gameStateUpdate" {
        paths.push(Path(vec![Step::Key("tickCount".into())]));
    }
    visited(&mut |path| {
        if !paths.contains(path) {
            paths.push(path.clone());
        }
    });
    paths
}

fn frames(event: &str, claim: &Expr, when: Option<&Expr>, scope: &Scope, bounds: &Bounds) -> Compiled {
    let all = distinct(
        |visit| {
            visit::of_expr(claim, &mut |path| visit(path));
            when.iter().for_each(|when| visit::of_expr(when, &mut |path| visit(path)));
        },
        event,
    );
    let depth = |path: &Path| path.element_depth();
    let list = all
        .iter()
        .find_map(|path| depth(path).map(|depth| path.0.iter().take(depth).cloned().collect::<Vec<_>>()));
    let mut whole: Vec<Path> = all.iter().filter(|path| depth(path).is_none()).cloned().collect();
    let needs_phase = needs_phase(event, bounds, [Some(claim), when]);
    let Some(list) = list else {
        let places = Places { whole: &whole, element: &[] };
        let mut queries = source("", event, &whole, needs_phase, scope, bounds);
        let filter = filter(bounds, when.map(|when| condition(when, &places)));
        queries.push(format!("judged AS (SELECT *, {} AS ok FROM frame{filter})", condition(claim, &places)));
        return count(queries, event, &whole, &[], "");
    };
    // The list is taken out of the payload as one value, then spread.
    let first = list.iter().position(|step| matches!(step, Step::Elements | Step::Values)).unwrap_or(0);
    let (container, rest) = list.split_at(first);
    let container = Path(container.to_vec());
    let of_element: Vec<Path> = all.iter().filter(|path| depth(path).is_some()).cloned().collect();
    let place = whole.iter().position(|path| *path == container).unwrap_or_else(|| {
        whole.push(container.clone());
        whole.len() - 1
    });
    let mut queries = source("", event, &whole, needs_phase, scope, bounds);
    queries.push(format!(
        "spread AS (SELECT *, json_extract(v[{}], {}) AS elements FROM frame)",
        place + 1,
        literal(&json_path("$", rest))
    ));
    let relative: Vec<String> =
        of_element.iter().map(|path| literal(&json_path("$", path.0.get(list.len()..).unwrap_or(&[])))).collect();
    // Spread in the SELECT: in FROM it would be a join, which holds everything in memory.
    queries.push("each AS (SELECT *, unnest(range(len(elements))) AS n FROM spread)".to_owned());
    queries.push(format!(
        "element AS (SELECT * EXCLUDE (elements), json_extract(elements[n + 1], [{}]) AS w FROM each)",
        relative.join(", ")
    ));
    let places = Places { whole: &whole, element: &of_element };
    let filter = filter(bounds, when.map(|when| condition(when, &places)));
    queries.push(format!("judged AS (SELECT *, {} AS ok FROM element{filter})", condition(claim, &places)));
    count(queries, event, &whole, &of_element, "n")
}

fn needs_phase<const N: usize>(event: &str, bounds: &Bounds, conditions: [Option<&Expr>; N]) -> bool {
    let asked = !bounds.phases.is_empty() || conditions.into_iter().flatten().any(visit::needs_phase);
    // A gameStateUpdate tells its own phase, or has none.
    asked && event != "gameStateUpdate"
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
    let paths = distinct(
        |visit| {
            visit::of_value(value, &mut |path| visit(path));
            when.iter().for_each(|when| visit::of_expr(when, &mut |path| visit(path)));
        },
        event,
    );
    let places = Places { whole: &paths, element: &[] };
    let mut queries = source("", event, &paths, needs_phase(event, bounds, [when]), scope, bounds);
    // What never changes may be a text.
    let now = if course == Course::NeverChanges { text_of(value, &places) } else { number(value, &places) };
    let filter = filter(bounds, when.map(|when| condition(when, &places)));
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
    let mut compiled = count(queries, event, &paths, &[], "course");
    compiled.shown.push("before".into());
    compiled
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
    let mut shown = Vec::new();
    for (prefix, pattern) in [("anchor_", anchor), ("partner_", partner)] {
        let paths = distinct(
            |visit| pattern.when.iter().for_each(|when| visit::of_expr(when, &mut |path| visit(path))),
            &pattern.event,
        );
        // The phases of a scope are those of what is counted; its partner may lie in another.
        let own =
            if prefix == "anchor_" { bounds.clone() } else { Bounds { phases: Vec::new(), ..bounds.clone() } };
        let needs_phase = needs_phase(&pattern.event, &own, [pattern.when.as_ref()]);
        queries.extend(source(prefix, &pattern.event, &paths, needs_phase, scope, &own));
        let places = Places { whole: &paths, element: &[] };
        let filter = filter(&own, pattern.when.as_ref().map(|when| condition(when, &places)));
        let name = prefix.trim_end_matches('_');
        queries.push(format!("{name} AS (SELECT * FROM {prefix}frame{filter})"));
        if prefix == "anchor_" {
            shown = paths;
        }
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
    let mut compiled = count(queries, &anchor.event, &shown, &[], "sequence");
    compiled.shown.push("partner".into());
    compiled
}

/// Adds the outer SELECT. `more` is what a case has besides: the number of its element, the value before, a partner.
fn count(queries: Vec<String>, event: &str, whole: &[Path], element: &[Path], more: &str) -> Compiled {
    let mut values = Vec::new();
    let mut shown = Vec::new();
    let lists = whole.iter().enumerate().map(|(at, path)| ("v", at, path));
    let lists = lists.chain(element.iter().enumerate().map(|(at, path)| ("w", at, path)));
    for (list, at, path) in lists {
        let text = path.to_string();
        let is_list = list == "v" && element.iter().any(|inner| inner.0.starts_with(&path.0));
        if is_list || (list == "v" && at == 0 && event == "gameStateUpdate") {
            continue;
        }
        values.push(if keys::is_personal(path.last_key(), &text) {
            "'(not shown)'".to_owned()
        } else {
            format!("left(CAST({list}[{}] AS VARCHAR), {PREVIEW})", at + 1)
        });
        shown.push(text);
    }
    match more {
        "course" => values.push("CAST(before AS VARCHAR)".into()),
        "sequence" => values.push("CAST(partner_seq AS VARCHAR)".into()),
        _ => {}
    }
    let tick = if event == "gameStateUpdate" { "TRY_CAST(CAST(v[1] AS VARCHAR) AS BIGINT)" } else { "NULL" };
    let number = if more == "n" { ", 'element': n" } else { "" };
    let case = format!(
        "{{'session_id': session_id, 'seq': seq, 'ts': ts, 'game_id': game_id, 'phase': phase, 'tick': {tick}, \
         'direction': direction, 'values': [{}]{number}}}",
        if values.is_empty() { "NULL".to_owned() } else { values.join(", ") }
    );
    let number = if more == "n" { ", lpad(CAST(n AS VARCHAR), 8, '0')" } else { "" };
    let place = format!("concat(session_id, lpad(CAST(seq AS VARCHAR), 12, '0'){number})");
    let first = |condition: &str, most: usize| {
        format!("min_by(CASE WHEN {condition} THEN {case} END, CASE WHEN {condition} THEN {place} END, {most})")
    };
    let sql = format!(
        "WITH {}\nSELECT count(*) FILTER (WHERE ok) AS supports,\n  count(*) FILTER (WHERE NOT ok) AS contradicts,\n  \
         count(*) FILTER (WHERE ok IS NULL) AS undecided,\n  count(DISTINCT game_id) FILTER (WHERE ok IS NOT NULL) AS \
         games,\n  count(DISTINCT session_id) FILTER (WHERE ok IS NOT NULL) AS sessions,\n  min(ts) FILTER (WHERE ok IS \
         NOT NULL) AS first_ts,\n  max(ts) FILTER (WHERE ok IS NOT NULL) AS last_ts,\n  {} AS counterexamples,\n  {} AS \
         examples\nFROM judged",
        queries.join(",\n"),
        first("NOT ok", CONTRADICTING),
        first("ok", SUPPORTING),
    );
    Compiled { sql, shown }
}
