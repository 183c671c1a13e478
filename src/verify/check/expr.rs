//! Conditions and values as SQL expressions, with SQL's three truth values: true, false, NULL for undecided.

use super::ast::{Comparison, Context, Expr, Function, InPhases, Literal, Path, PhaseName, TypeName, Unit, Value};
use super::sql::literal;

/// Where the values of paths stand: `v[…]` for those of the whole payload, `w[…]` for those of an element.
pub(super) struct Places<'a> {
    pub whole: &'a [Path],
    pub element: &'a [Path],
}

impl Places<'_> {
    /// The value at a path: JSON, NULL where it is absent.
    fn of(&self, path: &Path) -> String {
        let at = |paths: &[Path]| paths.iter().position(|known| known == path).map(|at| at + 1);
        match path.element_depth() {
            Some(_) => at(self.element).map_or("NULL".into(), |at| format!("w[{at}]")),
            None => at(self.whole).map_or("NULL".into(), |at| format!("v[{at}]")),
        }
    }
}

/// A condition.
pub(super) fn condition(expr: &Expr, places: &Places<'_>) -> String {
    let joined = |parts: &[Expr], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| condition(part, places)).collect();
        format!("({})", parts.join(word))
    };
    match expr {
        Expr::Or(parts) => joined(parts, " OR "),
        Expr::And(parts) => joined(parts, " AND "),
        Expr::Not(inner) => format!("(NOT {})", condition(inner, places)),
        Expr::Implies(left, right) => {
            format!("CASE WHEN {} THEN {} END", condition(left, places), condition(right, places))
        }
        Expr::Compare(left, comparison, right, tolerance) => compare(left, *comparison, right, *tolerance, places),
        Expr::Between(value, from, to) => {
            format!("({} BETWEEN {} AND {})", number(value, places), number(from, places), number(to, places))
        }
        Expr::OneOf(value, literals) => one_of(value, literals, places),
        Expr::Is(path, types) => is(&places.of(path), types),
        Expr::Present(path, there) => {
            format!("({} IS {}NULL)", places.of(path), if *there { "NOT " } else { "" })
        }
        Expr::PresentIn(path, how, phases) => present_in(&places.of(path), *how, phases),
        Expr::Matches(value, pattern) => {
            format!("regexp_full_match({}, {})", characters(value, places), literal(pattern))
        }
        Expr::Unit(path, unit, range) => in_unit(&places.of(path), *unit, *range),
    }
}

fn is_number_literal(value: &Value) -> bool {
    matches!(value, Value::Literal(Literal::Number(_)))
}

/// Whether a value is compared as a text, a boolean or null.
fn is_textual(value: &Value) -> bool {
    matches!(value, Value::Context(_) | Value::Literal(Literal::Text(_) | Literal::Bool(_) | Literal::Null))
}

fn compare(
    left: &Value,
    comparison: Comparison,
    right: &Value,
    tolerance: Option<f64>,
    places: &Places<'_>,
) -> String {
    let (equal, negate) = match comparison {
        Comparison::Equal => (true, ""),
        Comparison::Unequal => (true, "NOT "),
        _ => (false, ""),
    };
    if let Some(tolerance) = tolerance {
        let difference = format!("abs({} - {})", number(left, places), number(right, places));
        return format!("({negate}{difference} <= {tolerance:e})");
    }
    if !equal {
        let sign = comparison.as_str();
        if is_textual(left) || is_textual(right) {
            return format!("({} {sign} {})", characters(left, places), characters(right, places));
        }
        return format!("({} {sign} {})", number(left, places), number(right, places));
    }
    if is_textual(left) || is_textual(right) {
        return format!("({negate}{} = {})", text_of(left, places), text_of(right, places));
    }
    match (left, right) {
        (Value::Path(path), literal) | (literal, Value::Path(path)) if is_number_literal(literal) => {
            // Another type than a number is not equal to it; an absent field is undecided.
            let (value, wanted) = (places.of(path), number(literal, places));
            let same = format!("coalesce({} = {wanted}, false)", number_of(&value));
            format!("({negate}CASE WHEN {value} IS NOT NULL THEN {same} END)")
        }
        (Value::Path(_), Value::Path(_)) => {
            let (a, b) = (number(left, places), number(right, places));
            let texts = format!("{} = {}", text_of(left, places), text_of(right, places));
            format!("({negate}CASE WHEN {a} IS NOT NULL AND {b} IS NOT NULL THEN {a} = {b} ELSE {texts} END)")
        }
        _ => format!("({negate}{} = {})", number(left, places), number(right, places)),
    }
}

fn one_of(value: &Value, literals: &[Literal], places: &Places<'_>) -> String {
    let mut texts = Vec::new();
    let mut numbers = Vec::new();
    for one in literals {
        match one {
            Literal::Number(number) => numbers.push(format!("{number:e}")),
            other => texts.push(literal(&json_text(other))),
        }
    }
    let text = text_of(value, places);
    let mut parts = Vec::new();
    if !texts.is_empty() {
        parts.push(format!("{text} IN ({})", texts.join(", ")));
    }
    if !numbers.is_empty() {
        parts.push(format!("coalesce({} IN ({}), false)", number(value, places), numbers.join(", ")));
    }
    format!("CASE WHEN {text} IS NOT NULL THEN ({}) END", parts.join(" OR "))
}

fn is(value: &str, types: &[TypeName]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for one in types {
        names.extend(match one {
            TypeName::Null => &["'NULL'"][..],
            TypeName::Boolean => &["'BOOLEAN'"],
            TypeName::Integer => &["'UBIGINT'", "'BIGINT'"],
            TypeName::Number => &["'UBIGINT'", "'BIGINT'", "'DOUBLE'"],
            TypeName::Text => &["'VARCHAR'"],
            TypeName::Array => &["'ARRAY'"],
            TypeName::Object => &["'OBJECT'"],
        });
    }
    let among = format!("json_type({value}) IN ({})", names.join(", "));
    if types.contains(&TypeName::Null) {
        return format!("({among})");
    }
    format!("CASE WHEN json_type({value}) <> 'NULL' THEN {among} END")
}

fn present_in(value: &str, how: InPhases, phases: &[PhaseName]) -> String {
    let names: Vec<String> = phases.iter().map(|phase| literal(phase.as_str())).collect();
    let inside = format!("phase IN ({})", names.join(", "));
    match how {
        InPhases::In => format!("CASE WHEN {inside} THEN {value} IS NOT NULL END"),
        InPhases::AbsentIn => format!("CASE WHEN {inside} THEN {value} IS NULL END"),
        InPhases::OnlyIn => format!("CASE WHEN {value} IS NOT NULL THEN {inside} END"),
        InPhases::ExactlyIn => format!("(({value} IS NOT NULL) = ({inside}))"),
    }
}

fn in_unit(value: &str, unit: Unit, range: Option<(f64, f64)>) -> String {
    let (from, to) = range.unwrap_or_else(|| unit.range());
    let number = number_of(value);
    let whole = if unit.is_whole() { format!(" AND {number} = floor({number})") } else { String::new() };
    format!(
        "CASE WHEN CAST({value} AS VARCHAR) <> 'null' THEN coalesce({number} BETWEEN {from:e} AND {to:e}{whole}, false) \
         END"
    )
}

/// A JSON value as a DOUBLE; NULL for what is no number. The text of a number is one, that of a string has quotes.
fn number_of(value: &str) -> String {
    format!("TRY_CAST(CAST({value} AS VARCHAR) AS DOUBLE)")
}

/// A value as a DOUBLE, NULL where it has none.
pub(super) fn number(value: &Value, places: &Places<'_>) -> String {
    match value {
        Value::Literal(Literal::Number(number)) => format!("{number:e}"),
        Value::Literal(_) | Value::Context(_) => "CAST(NULL AS DOUBLE)".into(),
        Value::Path(path) => number_of(&places.of(path)),
        Value::Arithmetic(operator, left, right) => {
            format!("({} {} {})", number(left, places), operator.as_str(), number(right, places))
        }
        Value::Call(function, arguments) => call(*function, arguments, places),
    }
}

fn call(function: Function, arguments: &[Value], places: &Places<'_>) -> String {
    let numbers: Vec<String> = arguments.iter().map(|argument| number(argument, places)).collect();
    let joined = numbers.join(", ");
    // least() and greatest() pass over NULL; here an absent argument makes the result absent.
    let of_all = |name: &str| {
        let there: Vec<String> = numbers.iter().map(|number| format!("{number} IS NOT NULL")).collect();
        format!("CASE WHEN {} THEN {name}({joined}) END", there.join(" AND "))
    };
    match function {
        Function::Abs | Function::Round | Function::Floor | Function::Coalesce => {
            format!("{}({joined})", function.as_str())
        }
        Function::Min => of_all("least"),
        Function::Max => of_all("greatest"),
        Function::Length => {
            let value = match arguments.first() {
                Some(Value::Path(path)) => places.of(path),
                _ => "NULL".into(),
            };
            format!(
                "CASE json_type({value}) WHEN 'ARRAY' THEN CAST(json_array_length({value}) AS DOUBLE) WHEN 'OBJECT' THEN \
                 CAST(len(json_keys({value})) AS DOUBLE) WHEN 'VARCHAR' THEN \
                 CAST(length(json_extract_string({value}, '$')) AS DOUBLE) END"
            )
        }
    }
}

/// A literal as JSON text.
fn json_text(value: &Literal) -> String {
    match value {
        Literal::Null => "null".into(),
        Literal::Bool(value) => value.to_string(),
        Literal::Number(number) => number.to_string(),
        Literal::Text(text) => super::ast::quoted(text),
    }
}

/// A value as JSON text, to be compared for equality.
pub(super) fn text_of(value: &Value, places: &Places<'_>) -> String {
    match value {
        Value::Literal(one) => literal(&json_text(one)),
        Value::Path(path) => format!("CAST({} AS VARCHAR)", places.of(path)),
        Value::Context(context) => format!("('\"' || {} || '\"')", column(*context)),
        Value::Arithmetic(..) | Value::Call(..) => format!("CAST({} AS VARCHAR)", number(value, places)),
    }
}

/// A value as plain characters; NULL for what is no string.
fn characters(value: &Value, places: &Places<'_>) -> String {
    match value {
        Value::Literal(Literal::Text(text)) => literal(text),
        Value::Path(path) => {
            let value = places.of(path);
            format!("CASE WHEN json_type({value}) = 'VARCHAR' THEN json_extract_string({value}, '$') END")
        }
        Value::Context(context) => column(*context).into(),
        _ => "CAST(NULL AS VARCHAR)".into(),
    }
}

fn column(context: Context) -> &'static str {
    match context {
        Context::Phase => "phase",
        Context::Source => "source",
        Context::Direction => "direction",
        Context::GameId => "game_id",
    }
}
