//! Conditions and values as SQL expressions, with SQL's three truth values: true, false, NULL for undecided.

use super::ast::{
    Comparison, Context, Expr, Function, InPhases, Literal, Operator, Path, PhaseName, TypeName, Unit, Value,
};
use super::sql::literal;

/// The paths that a statement looks at, each with the column its value is in: JSON text, NULL where it is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// Paths into the payload.
    whole: Vec<Path>,
    /// Paths into the elements of one list.
    element: Vec<Path>,
}

impl Fields {
    /// The paths, each once.
    pub fn new(paths: Vec<Path>) -> Fields {
        let (element, whole) = paths.into_iter().partition(|path| path.element_depth().is_some());
        Fields { whole, element }
    }

    /// These and one more into the payload.
    pub fn with(&self, path: &Path) -> Fields {
        let mut more = self.clone();
        if !more.whole.contains(path) {
            more.whole.push(path.clone());
        }
        more
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.whole.is_empty() && self.element.is_empty()
    }

    /// Whether elements are the cases.
    pub fn has_elements(&self) -> bool {
        !self.element.is_empty()
    }

    /// All, those into the payload first.
    pub fn shown(&self) -> impl Iterator<Item = &Path> {
        self.whole.iter().chain(&self.element)
    }

    /// The paths as arguments of a function.
    pub fn arguments(&self) -> String {
        self.shown().map(|path| literal(&path.to_string())).collect::<Vec<_>>().join(", ")
    }

    /// The column of a path: called like it. SQL does not tell `"$.A"` from `"$.a"`, so a later one has a number too.
    pub fn column(&self, path: &Path) -> String {
        let name = path.to_string();
        let twins = self.shown().take_while(|known| *known != path);
        let twins = twins.filter(|known| known.to_string().to_lowercase() == name.to_lowercase()).count();
        let number = if twins > 0 { format!(" ({})", twins + 1) } else { String::new() };
        format!("\"{}{number}\"", name.replace('"', "\"\""))
    }

    /// `, x[1] AS "$.price", …`: the columns of the payload's values, out of the list `x` of all.
    pub fn whole_columns(&self) -> String {
        let column = |(at, path): (usize, &Path)| format!(", x[{}] AS {}", at + 1, self.column(path));
        self.whole.iter().enumerate().map(column).collect()
    }

    /// How many elements there are in `x`.
    pub fn element_count(&self) -> String {
        format!("(len(x) - {}) // {}", self.whole.len(), self.element.len().max(1))
    }

    /// `, unnest(x[2:-:3]) AS "$.list[].price", …`: the columns of the elements' values, which stand in `x` by turns.
    pub fn element_columns(&self) -> String {
        let (before, each) = (self.whole.len(), self.element.len());
        let column = |(at, path): (usize, &Path)| {
            format!(", unnest(x[{}:-:{each}]) AS {}", before + at + 1, self.column(path))
        };
        self.element.iter().enumerate().map(column).collect()
    }
}

/// A condition.
pub(super) fn condition(expr: &Expr, fields: &Fields) -> String {
    let joined = |parts: &[Expr], word: &str| {
        let parts: Vec<String> = parts.iter().map(|part| condition(part, fields)).collect();
        format!("({})", parts.join(word))
    };
    match expr {
        Expr::Or(parts) => joined(parts, " OR "),
        Expr::And(parts) => joined(parts, " AND "),
        Expr::Not(inner) => format!("(NOT {})", condition(inner, fields)),
        Expr::Implies(left, right) => {
            format!("CASE WHEN {} THEN {} END", condition(left, fields), condition(right, fields))
        }
        Expr::Compare(left, comparison, right, tolerance) => compare(left, *comparison, right, *tolerance, fields),
        Expr::Between(value, from, to) => {
            format!("({} BETWEEN {} AND {})", number(value, fields), number(from, fields), number(to, fields))
        }
        Expr::OneOf(value, literals) => one_of(value, literals, fields),
        Expr::Is(path, types) => is(&fields.column(path), types),
        Expr::Present(path, there) => {
            format!("({} IS {}NULL)", fields.column(path), if *there { "NOT " } else { "" })
        }
        Expr::PresentIn(path, how, phases) => present_in(&fields.column(path), *how, phases),
        Expr::Matches(value, pattern) => {
            format!("regexp_full_match({}, {})", characters(value, fields), literal(pattern))
        }
        Expr::Unit(path, unit, range) => in_unit(&fields.column(path), *unit, *range),
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
    fields: &Fields,
) -> String {
    let (equal, negate) = match comparison {
        Comparison::Equal => (true, ""),
        Comparison::Unequal => (true, "NOT "),
        _ => (false, ""),
    };
    if let Some(tolerance) = tolerance {
        let difference = format!("abs({} - {})", number(left, fields), number(right, fields));
        return format!("({negate}{difference} <= {tolerance:e})");
    }
    if !equal {
        let sign = comparison.as_str();
        if is_textual(left) || is_textual(right) {
            return format!("({} {sign} {})", characters(left, fields), characters(right, fields));
        }
        return format!("({} {sign} {})", number(left, fields), number(right, fields));
    }
    if is_textual(left) || is_textual(right) {
        return format!("({negate}{} = {})", text_of(left, fields), text_of(right, fields));
    }
    match (left, right) {
        (Value::Path(path), literal) | (literal, Value::Path(path)) if is_number_literal(literal) => {
            // Another type than a number is not equal to it; an absent field is undecided.
            let (value, wanted) = (fields.column(path), number(literal, fields));
            let same = format!("coalesce({} = {wanted}, false)", number_of(&value));
            format!("({negate}CASE WHEN {value} IS NOT NULL THEN {same} END)")
        }
        (Value::Path(_), Value::Path(_)) => {
            let (a, b) = (number(left, fields), number(right, fields));
            let texts = format!("{} = {}", text_of(left, fields), text_of(right, fields));
            format!("({negate}CASE WHEN {a} IS NOT NULL AND {b} IS NOT NULL THEN {a} = {b} ELSE {texts} END)")
        }
        _ => format!("({negate}{} = {})", number(left, fields), number(right, fields)),
    }
}

fn one_of(value: &Value, literals: &[Literal], fields: &Fields) -> String {
    let mut texts = Vec::new();
    let mut numbers = Vec::new();
    for one in literals {
        match one {
            Literal::Number(number) => numbers.push(format!("{number:e}")),
            other => texts.push(literal(&json_text(other))),
        }
    }
    let text = text_of(value, fields);
    let mut parts = Vec::new();
    if !texts.is_empty() {
        parts.push(format!("{text} IN ({})", texts.join(", ")));
    }
    if !numbers.is_empty() {
        parts.push(format!("coalesce({} IN ({}), false)", number(value, fields), numbers.join(", ")));
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
        "CASE WHEN {value} <> 'null' THEN coalesce({number} BETWEEN {from:e} AND {to:e}{whole}, false) \
         END"
    )
}

/// A JSON value as a DOUBLE; NULL for what is no number. The text of a number is one, that of a string has quotes.
fn number_of(value: &str) -> String {
    format!("TRY_CAST({value} AS DOUBLE)")
}

/// A value as a DOUBLE, NULL where it has none.
pub(super) fn number(value: &Value, fields: &Fields) -> String {
    match value {
        Value::Literal(Literal::Number(number)) => format!("{number:e}"),
        Value::Literal(_) | Value::Context(_) => "CAST(NULL AS DOUBLE)".into(),
        Value::Path(path) => number_of(&fields.column(path)),
        // What is divided by nothing is nothing that could be told.
        Value::Arithmetic(Operator::Divide, left, right) => {
            format!("({} / nullif({}, 0))", number(left, fields), number(right, fields))
        }
        Value::Arithmetic(operator, left, right) => {
            format!("({} {} {})", number(left, fields), operator.as_str(), number(right, fields))
        }
        Value::Call(function, arguments) => call(*function, arguments, fields),
    }
}

fn call(function: Function, arguments: &[Value], fields: &Fields) -> String {
    let numbers: Vec<String> = arguments.iter().map(|argument| number(argument, fields)).collect();
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
                Some(Value::Path(path)) => fields.column(path),
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
pub(super) fn text_of(value: &Value, fields: &Fields) -> String {
    match value {
        Value::Literal(one) => literal(&json_text(one)),
        Value::Path(path) => fields.column(path),
        Value::Context(context) => format!("('\"' || {} || '\"')", column(*context)),
        Value::Arithmetic(..) | Value::Call(..) => format!("CAST({} AS VARCHAR)", number(value, fields)),
    }
}

/// A value as plain characters; NULL for what is no string.
fn characters(value: &Value, fields: &Fields) -> String {
    match value {
        Value::Literal(Literal::Text(text)) => literal(text),
        Value::Path(path) => {
            let value = fields.column(path);
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
