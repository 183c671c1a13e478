//! The check of a syntax tree, as `json_serialize_sql` writes it. Default deny: a node, an operator or a
//! non-empty field that is not named here is refused with its name, so a DuckDB that learns new syntax has to
//! be looked at before agents can use it.
//!
//! A relation is one of our views or a WITH name *in scope*; anything else would fall through to DuckDB's
//! replacement scans, which open files by name.

use serde_json::{Map, Value};

use super::allowed;
use crate::error::SqlError;

type Object = Map<String, Value>;
type Check = Result<(), SqlError>;

/// Checks the answer of `json_serialize_sql`; gives back the views it reads, in order of first use.
///
/// # Errors
/// [`SqlError::Refused`] naming the first thing that is not allowed.
pub fn check(answer: &Value, views: &'static [&'static str]) -> Result<Vec<&'static str>, SqlError> {
    let statements = answer.get("statements").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let statement = match statements {
        [one] => one,
        [] => {
            return Err(SqlError::refused(
                "there is no statement in the text. Send one SELECT, for example: SELECT * FROM games LIMIT 5",
            ));
        }
        many => {
            return Err(SqlError::refused(format!(
                "the text holds {} statements; send one SELECT per call (a WITH clause can hold steps, UNION ALL \
                 can join results)",
                many.len()
            )));
        }
    };
    let mut walk = Walk { views, used: Vec::new(), scopes: Vec::new() };
    let fields = object(statement, "statement")?;
    // Parameters are numbered ($1, ?); a named one would be printed without quotes.
    only(fields, "statement", &["node", "named_param_map"])?;
    walk.query(get(fields, "node", "statement")?)?;
    Ok(walk.used)
}

struct Walk {
    views: &'static [&'static str],
    used: Vec<&'static str>,
    /// WITH names visible at this point, outermost first, lower case.
    scopes: Vec<String>,
}

impl Walk {
    /// A query node: SELECT, a set operation, a recursive step.
    fn query(&mut self, node: &Value) -> Check {
        let fields = object(node, "query")?;
        let kind = text(fields, "type");
        let depth = self.scopes.len();
        self.common_table_expressions(fields)?;
        match kind {
            "SELECT_NODE" => {
                only(
                    fields,
                    kind,
                    &[
                        "type",
                        "modifiers",
                        "cte_map",
                        "select_list",
                        "from_table",
                        "where_clause",
                        "group_expressions",
                        "group_sets",
                        "aggregate_handling",
                        "having",
                        "sample",
                        "qualify",
                    ],
                )?;
                self.optional_table(fields, "from_table")?;
                self.expressions(fields, &["select_list", "group_expressions"])?;
                self.optional_expressions(fields, &["where_clause", "having", "qualify"])?;
                sample(fields)?;
            }
            "SET_OPERATION_NODE" => {
                only(
                    fields,
                    kind,
                    &["type", "modifiers", "cte_map", "setop_type", "left", "right", "setop_all", "children"],
                )?;
                for side in ["left", "right"] {
                    if present(fields, side) {
                        self.query(get(fields, side, kind)?)?;
                    }
                }
                for child in list(fields, "children") {
                    self.query(child)?;
                }
            }
            "RECURSIVE_CTE_NODE" => {
                only(
                    fields,
                    kind,
                    &[
                        "type",
                        "modifiers",
                        "cte_map",
                        "cte_name",
                        "union_all",
                        "left",
                        "right",
                        "aliases",
                        "key_targets",
                    ],
                )?;
                self.query(get(fields, "left", kind)?)?;
                let name = cte_name(text(fields, "cte_name"))?;
                self.scopes.push(name);
                self.query(get(fields, "right", kind)?)?;
                self.scopes.pop();
                self.expressions(fields, &["key_targets"])?;
            }
            other => return Err(unknown("query form", other)),
        }
        for modifier in list(fields, "modifiers") {
            self.modifier(modifier)?;
        }
        self.scopes.truncate(depth);
        Ok(())
    }

    /// Each WITH query sees the names before it; the names stay visible until the caller cuts the scope.
    fn common_table_expressions(&mut self, fields: &Object) -> Check {
        let Some(map) = fields.get("cte_map").and_then(Value::as_object) else { return Ok(()) };
        only(map, "WITH", &["map"])?;
        for entry in list(map, "map") {
            let entry = object(entry, "WITH")?;
            only(entry, "WITH", &["key", "value"])?;
            let name = cte_name(text(entry, "key"))?;
            let value = object(get(entry, "value", "WITH")?, "WITH")?;
            only(value, "WITH", &["aliases", "query", "materialized", "key_targets"])?;
            self.expressions(value, &["key_targets"])?;
            self.statement(get(value, "query", "WITH")?)?;
            self.scopes.push(name);
        }
        Ok(())
    }

    /// A nested statement: `{node, named_param_map}`.
    fn statement(&mut self, value: &Value) -> Check {
        let fields = object(value, "subquery")?;
        only(fields, "subquery", &["node", "named_param_map"])?;
        self.query(get(fields, "node", "subquery")?)
    }

    fn modifier(&mut self, value: &Value) -> Check {
        let fields = object(value, "modifier")?;
        let kind = text(fields, "type");
        match kind {
            "ORDER_MODIFIER" => {
                only(fields, kind, &["type", "orders"])?;
                self.orders(fields, "orders")
            }
            "LIMIT_MODIFIER" | "LIMIT_PERCENT_MODIFIER" => {
                only(fields, kind, &["type", "limit", "offset"])?;
                self.optional_expressions(fields, &["limit", "offset"])
            }
            "DISTINCT_MODIFIER" => {
                only(fields, kind, &["type", "distinct_on_targets"])?;
                self.expressions(fields, &["distinct_on_targets"])
            }
            other => Err(unknown("clause", other)),
        }
    }

    fn orders(&mut self, fields: &Object, key: &str) -> Check {
        for order in list(fields, key) {
            let order = object(order, "ORDER BY")?;
            only(order, "ORDER BY", &["type", "null_order", "expression"])?;
            self.expression(get(order, "expression", "ORDER BY")?)?;
        }
        Ok(())
    }

    fn optional_table(&mut self, fields: &Object, key: &str) -> Check {
        if present(fields, key) { self.table(get(fields, key, "FROM")?) } else { Ok(()) }
    }

    fn table(&mut self, value: &Value) -> Check {
        let fields = object(value, "FROM")?;
        let kind = text(fields, "type");
        sample(fields)?;
        match kind {
            "EMPTY" => only(fields, kind, &["type", "alias", "sample", "query_location"]),
            "BASE_TABLE" => {
                self.relation(fields)?;
                if present(fields, "at_clause") {
                    return Err(SqlError::refused("AT (time travel) is not available; filter by ts or seq"));
                }
                only(
                    fields,
                    kind,
                    &[
                        "type",
                        "alias",
                        "sample",
                        "query_location",
                        "schema_name",
                        "table_name",
                        "column_name_alias",
                        "catalog_name",
                    ],
                )
            }
            "SUBQUERY" => {
                only(
                    fields,
                    kind,
                    &["type", "alias", "sample", "query_location", "subquery", "column_name_alias"],
                )?;
                self.statement(get(fields, "subquery", kind)?)
            }
            "JOIN" => {
                only(
                    fields,
                    kind,
                    &[
                        "type",
                        "alias",
                        "sample",
                        "query_location",
                        "left",
                        "right",
                        "condition",
                        "join_type",
                        "ref_type",
                        "using_columns",
                        "delim_flipped",
                    ],
                )?;
                self.table(get(fields, "left", kind)?)?;
                self.table(get(fields, "right", kind)?)?;
                self.optional_expressions(fields, &["condition"])
            }
            "TABLE_FUNCTION" => {
                only(
                    fields,
                    kind,
                    &[
                        "type",
                        "alias",
                        "sample",
                        "query_location",
                        "function",
                        "column_name_alias",
                        "with_ordinality",
                    ],
                )?;
                self.function(object(get(fields, "function", kind)?, kind)?, true)
            }
            "EXPRESSION_LIST" => {
                only(fields, kind, &["type", "alias", "sample", "query_location", "values"])?;
                for row in list(fields, "values") {
                    for cell in row.as_array().map(Vec::as_slice).unwrap_or_default() {
                        self.expression(cell)?;
                    }
                }
                Ok(())
            }
            "PIVOT" => self.pivot(fields),
            "SHOW_REF" => self.show(fields),
            other => Err(unknown("table form", other)),
        }
    }

    /// A name in FROM: a WITH name in scope or one of our views.
    fn relation(&mut self, fields: &Object) -> Check {
        let (catalog, schema, name) =
            (text(fields, "catalog_name"), text(fields, "schema_name"), text(fields, "table_name"));
        let lower = name.to_ascii_lowercase();
        if !catalog.is_empty() || !(schema.is_empty() || schema.eq_ignore_ascii_case("main")) {
            let full =
                [catalog, schema, name].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(".");
            return Err(SqlError::refused(format!(
                "{full:?} is not reachable: name views without a catalog or schema. {}",
                self.known_views()
            )));
        }
        // A WITH name hides a view of the same name, but only without a schema.
        if schema.is_empty() && self.scopes.contains(&lower) {
            return Ok(());
        }
        if let Some(view) = self.views.iter().copied().find(|view| *view == lower) {
            if !self.used.contains(&view) {
                self.used.push(view);
            }
            return Ok(());
        }
        let guess = nearest(&lower, self.views.iter().copied().chain(self.scopes.iter().map(String::as_str)));
        let guess = guess.map(|guess| format!(" Did you mean {guess}?")).unwrap_or_default();
        let files = if name.contains(['/', '.', '\\', ':']) {
            " Files cannot be opened; the recorded data is behind the views."
        } else {
            ""
        };
        Err(SqlError::refused(format!("there is no view {name:?}.{guess}{files} {}", self.known_views())))
    }

    fn known_views(&self) -> String {
        format!("Views: {}. DESCRIBE <view> lists columns", self.views.join(", "))
    }

    fn pivot(&mut self, fields: &Object) -> Check {
        only(
            fields,
            "PIVOT",
            &[
                "type",
                "alias",
                "sample",
                "query_location",
                "source",
                "aggregates",
                "unpivot_names",
                "pivots",
                "groups",
                "column_name_alias",
                "include_nulls",
            ],
        )?;
        self.table(get(fields, "source", "PIVOT")?)?;
        self.expressions(fields, &["aggregates"])?;
        for column in list(fields, "pivots") {
            let column = object(column, "PIVOT")?;
            only(column, "PIVOT", &["pivot_expressions", "unpivot_names", "entries"])?;
            self.expressions(column, &["pivot_expressions"])?;
            for entry in list(column, "entries") {
                let entry = object(entry, "PIVOT")?;
                only(entry, "PIVOT", &["values", "star_expr", "alias"])?;
                for value in list(entry, "values") {
                    constant(value)?;
                }
                self.optional_expressions(entry, &["star_expr"])?;
            }
        }
        Ok(())
    }

    /// DESCRIBE and SUMMARIZE of a query, SHOW TABLES; nothing that lists catalogs or other schemas.
    fn show(&mut self, fields: &Object) -> Check {
        only(
            fields,
            "SHOW",
            &[
                "type",
                "alias",
                "sample",
                "query_location",
                "table_name",
                "query",
                "show_type",
                "catalog_name",
                "schema_name",
            ],
        )?;
        let plain = text(fields, "catalog_name").is_empty() && text(fields, "schema_name").is_empty();
        match (text(fields, "show_type"), present(fields, "query")) {
            ("DESCRIBE" | "SUMMARY", true) if plain && text(fields, "table_name").is_empty() => {
                self.query(get(fields, "query", "SHOW")?)
            }
            ("SHOW_UNQUALIFIED", false) if plain && text(fields, "table_name") == "\"tables\"" => Ok(()),
            _ => Err(SqlError::refused(
                "of the SHOW forms only these are allowed: SHOW TABLES, DESCRIBE <view or query>, SUMMARIZE <view or query>",
            )),
        }
    }

    fn expressions(&mut self, fields: &Object, keys: &[&str]) -> Check {
        for key in keys {
            for expression in list(fields, key) {
                self.expression(expression)?;
            }
        }
        Ok(())
    }

    fn optional_expressions(&mut self, fields: &Object, keys: &[&str]) -> Check {
        for key in keys {
            if present(fields, key) {
                self.expression(get(fields, key, "expression")?)?;
            }
        }
        Ok(())
    }

    fn expression(&mut self, value: &Value) -> Check {
        let fields = object(value, "expression")?;
        let class = text(fields, "class");
        match class {
            "COLUMN_REF" => only(fields, class, &[BASE, &["column_names"]].concat()),
            "POSITIONAL_REFERENCE" => only(fields, class, &[BASE, &["index"]].concat()),
            "CONSTANT" => {
                only(fields, class, &[BASE, &["value"]].concat())?;
                constant(get(fields, "value", class)?)
            }
            "PARAMETER" => {
                only(fields, class, &[BASE, &["identifier"]].concat())?;
                let name = text(fields, "identifier");
                if !name.is_empty() && name.len() < 4 && name.bytes().all(|byte| byte.is_ascii_digit()) {
                    return Ok(());
                }
                Err(SqlError::refused(format!("${name} is a named parameter; use numbered ones: $1, $2")))
            }
            "FUNCTION" => self.function(fields, false),
            "WINDOW" => self.window(fields),
            "OPERATOR" => {
                only(fields, class, &[BASE, &["children"]].concat())?;
                member("operator", text(fields, "type"), OPERATORS)?;
                self.expressions(fields, &["children"])
            }
            "COMPARISON" => {
                only(fields, class, &[BASE, &["left", "right"]].concat())?;
                self.optional_expressions(fields, &["left", "right"])
            }
            "CONJUNCTION" => {
                only(fields, class, &[BASE, &["children"]].concat())?;
                self.expressions(fields, &["children"])
            }
            "BETWEEN" => {
                only(fields, class, &[BASE, &["input", "lower", "upper"]].concat())?;
                self.optional_expressions(fields, &["input", "lower", "upper"])
            }
            "CAST" => {
                only(fields, class, &[BASE, &["child", "cast_type", "try_cast"]].concat())?;
                logical_type(get(fields, "cast_type", class)?)?;
                self.optional_expressions(fields, &["child"])
            }
            "CASE" => {
                only(fields, class, &[BASE, &["case_checks", "else_expr"]].concat())?;
                for check in list(fields, "case_checks") {
                    let check = object(check, class)?;
                    only(check, class, &["when_expr", "then_expr"])?;
                    self.optional_expressions(check, &["when_expr", "then_expr"])?;
                }
                self.optional_expressions(fields, &["else_expr"])
            }
            "COLLATE" => {
                only(fields, class, &[BASE, &["child", "collation"]].concat())?;
                for part in text(fields, "collation").split('.') {
                    member("collation", &part.to_ascii_lowercase(), &["binary", "nocase", "noaccent", "nfc"])?;
                }
                self.optional_expressions(fields, &["child"])
            }
            "LAMBDA" => {
                only(fields, class, &[BASE, &["lhs", "expr", "syntax_type"]].concat())?;
                self.optional_expressions(fields, &["lhs", "expr"])
            }
            "STAR" => self.star(fields),
            "SUBQUERY" => {
                only(fields, class, &[BASE, &["subquery_type", "subquery", "child", "comparison_type"]].concat())?;
                self.optional_expressions(fields, &["child"])?;
                self.statement(get(fields, "subquery", class)?)
            }
            other => Err(unknown("expression", other)),
        }
    }

    fn star(&mut self, fields: &Object) -> Check {
        only(
            fields,
            "*",
            &[
                BASE,
                &[
                    "relation_name",
                    "exclude_list",
                    "replace_list",
                    "columns",
                    "expr",
                    "qualified_exclude_list",
                    "rename_list",
                    "unpacked",
                ],
            ]
            .concat(),
        )?;
        for pair in list(fields, "replace_list") {
            self.optional_expressions(object(pair, "REPLACE")?, &["value"])?;
        }
        self.optional_expressions(fields, &["expr"])
    }

    fn function(&mut self, fields: &Object, is_table: bool) -> Check {
        only(
            fields,
            "function",
            &[
                BASE,
                &[
                    "function_name",
                    "schema",
                    "catalog",
                    "children",
                    "filter",
                    "order_bys",
                    "distinct",
                    "is_operator",
                    "export_state",
                ],
            ]
            .concat(),
        )?;
        function_name(fields, is_table)?;
        if fields.get("export_state").and_then(Value::as_bool) == Some(true) {
            return Err(SqlError::refused("EXPORT_STATE is not available; select the aggregate's result"));
        }
        self.expressions(fields, &["children"])?;
        self.optional_expressions(fields, &["filter"])?;
        if present(fields, "order_bys") {
            self.modifier(get(fields, "order_bys", "function")?)?;
        }
        Ok(())
    }

    fn window(&mut self, fields: &Object) -> Check {
        only(
            fields,
            "window function",
            &[
                BASE,
                &[
                    "function_name",
                    "schema",
                    "catalog",
                    "children",
                    "partitions",
                    "orders",
                    "start",
                    "end",
                    "start_expr",
                    "end_expr",
                    "offset_expr",
                    "default_expr",
                    "ignore_nulls",
                    "filter_expr",
                    "exclude_clause",
                    "distinct",
                    "arg_orders",
                ],
            ]
            .concat(),
        )?;
        function_name(fields, false)?;
        self.expressions(fields, &["children", "partitions"])?;
        self.orders(fields, "orders")?;
        self.orders(fields, "arg_orders")?;
        self.optional_expressions(
            fields,
            &["start_expr", "end_expr", "offset_expr", "default_expr", "filter_expr"],
        )
    }
}

/// Fields every expression has.
const BASE: &[&str] = &["class", "type", "alias", "query_location"];

const OPERATORS: &[&str] = &[
    "ARRAY_CONSTRUCTOR",
    "ARRAY_EXTRACT",
    "ARRAY_SLICE",
    "ARROW",
    "COMPARE_IN",
    "COMPARE_NOT_IN",
    "GROUPING_FUNCTION",
    "OPERATOR_COALESCE",
    "OPERATOR_IS_NOT_NULL",
    "OPERATOR_IS_NULL",
    "OPERATOR_NOT",
    "OPERATOR_NULLIF",
    "OPERATOR_TRY",
    "OPERATOR_UNPACK",
    "STRUCT_EXTRACT",
];

/// The allow-list lookup, for calls in FROM and elsewhere.
fn function_name(fields: &Object, is_table: bool) -> Check {
    let name = text(fields, "function_name");
    let (catalog, schema) = (text(fields, "catalog"), text(fields, "schema"));
    // The parser itself writes main. before what it makes of brackets and casts.
    if !catalog.is_empty() || !(schema.is_empty() || schema.eq_ignore_ascii_case("main")) {
        return Err(SqlError::refused(format!(
            "the call {schema}.{name}(…) is not allowed: call functions by their plain name, with all arguments in \
             parentheses ({name}({schema}, …))"
        )));
    }
    if if is_table { allowed::table(name) } else { allowed::scalar(name) } {
        return Ok(());
    }
    if is_table {
        let advice = allowed::instead(name)
            .map(str::to_owned)
            .unwrap_or_else(|| format!("in FROM these can be called: {}", allowed::tables().join(", ")));
        return Err(SqlError::refused(format!("the table function {name:?} is not available: {advice}")));
    }
    let lower = name.to_ascii_lowercase();
    let advice = allowed::instead(name).map(str::to_owned).or_else(|| {
        let words = allowed::scalars().filter(|known| known.starts_with(|c: char| c.is_ascii_alphabetic()));
        nearest(&lower, words).map(|guess| format!("did you mean {guess}?"))
    });
    let advice =
        advice.unwrap_or_else(|| "DuckDB's pure math, text, date, list, JSON and aggregate functions are".into());
    Err(SqlError::refused(format!("the function {name:?} is not available: {advice}")))
}

/// A WITH name. Plain words only: should scope resolution here and in DuckDB ever differ, such a name
/// cannot be taken for a file.
fn cte_name(name: &str) -> Result<String, SqlError> {
    let mut bytes = name.bytes();
    let head = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    if head && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(name.to_ascii_lowercase());
    }
    Err(SqlError::refused(format!("the WITH name {name:?} is not allowed: use letters, digits and _ only")))
}

/// A constant: a type and a value that cannot hold expressions.
fn constant(value: &Value) -> Check {
    let fields = object(value, "constant")?;
    only(fields, "constant", &["type", "is_null", "value"])?;
    logical_type(get(fields, "type", "constant")?)
}

fn logical_type(value: &Value) -> Check {
    let fields = object(value, "type")?;
    only(fields, "type", &["id", "type_info"])?;
    let Some(info) = fields.get("type_info").and_then(Value::as_object) else { return Ok(()) };
    let kind = text(info, "type");
    let base = ["type", "alias", "extension_info"];
    match kind {
        "DECIMAL_TYPE_INFO" => only(info, kind, &[&base[..], &["width", "scale"]].concat()),
        "GENERIC_TYPE_INFO" => only(info, kind, &base),
        "STRING_TYPE_INFO" => only(info, kind, &[&base[..], &["collation"]].concat()),
        "LIST_TYPE_INFO" | "ARRAY_TYPE_INFO" => {
            only(info, kind, &[&base[..], &["child_type", "size"]].concat())?;
            logical_type(get(info, "child_type", kind)?)
        }
        "STRUCT_TYPE_INFO" => {
            only(info, kind, &[&base[..], &["child_types"]].concat())?;
            for child in list(info, "child_types") {
                let child = object(child, kind)?;
                only(child, kind, &["first", "second"])?;
                logical_type(get(child, "second", kind)?)?;
            }
            Ok(())
        }
        "UNBOUND_TYPE_INFO" => {
            only(info, kind, &[&base[..], &["name", "catalog", "schema", "user_type_modifiers"]].concat())?;
            if present(info, "catalog") || present(info, "schema") {
                return Err(SqlError::refused("type names are written without a schema"));
            }
            for modifier in list(info, "user_type_modifiers") {
                constant(modifier)?;
            }
            member(
                "type",
                &text(info, "name").to_ascii_lowercase(),
                &[
                    "bigint",
                    "bit",
                    "blob",
                    "bool",
                    "boolean",
                    "char",
                    "date",
                    "datetime",
                    "decimal",
                    "double",
                    "enum",
                    "float",
                    "hugeint",
                    "int",
                    "integer",
                    "interval",
                    "json",
                    "map",
                    "numeric",
                    "real",
                    "smallint",
                    "string",
                    "text",
                    "time",
                    "timestamp",
                    "timestamptz",
                    "timestamp_ms",
                    "timestamp_ns",
                    "timestamp_s",
                    "tinyint",
                    "ubigint",
                    "uhugeint",
                    "uinteger",
                    "usmallint",
                    "utinyint",
                    "uuid",
                    "varchar",
                ],
            )
        }
        other => Err(unknown("type", other)),
    }
}

/// TABLESAMPLE holds constants only.
fn sample(fields: &Object) -> Check {
    let Some(options) = fields.get("sample").and_then(Value::as_object) else { return Ok(()) };
    only(options, "sample", &["sample_size", "is_percentage", "method", "seed"])?;
    constant(get(options, "sample_size", "sample")?)?;
    member("sampling method", &text(options, "method").to_ascii_lowercase(), &["system", "reservoir", "bernoulli"])
}

fn member(what: &str, name: &str, known: &[&str]) -> Check {
    if known.contains(&name) { Ok(()) } else { Err(unknown(what, name)) }
}

fn unknown(what: &str, name: &str) -> SqlError {
    SqlError::refused(format!(
        "the {what} {name:?} is not on the list of what may be used here; write it differently"
    ))
}

/// The closest of `names`, if it is close enough to be a slip.
pub fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    names
        .map(|known| (strsim::jaro_winkler(name, known), known))
        .filter(|(score, _)| *score > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, known)| known)
}

fn object<'a>(value: &'a Value, what: &str) -> Result<&'a Object, SqlError> {
    value.as_object().ok_or_else(|| unknown("shape of", what))
}

fn get<'a>(fields: &'a Object, key: &str, what: &str) -> Result<&'a Value, SqlError> {
    fields.get(key).ok_or_else(|| unknown("shape of", what))
}

fn text<'a>(fields: &'a Object, key: &str) -> &'a str {
    fields.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(fields: &'a Object, key: &str) -> &'a [Value] {
    fields.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// Whether a field holds anything.
fn present(fields: &Object, key: &str) -> bool {
    match fields.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(items)) => !items.is_empty(),
        Some(Value::Object(map)) => !map.is_empty(),
        Some(_) => true,
    }
}

/// Refuses fields that are not in `known` and hold something.
fn only(fields: &Object, what: &str, known: &[&str]) -> Check {
    for (key, value) in fields {
        let empty = !present(fields, key) || *value == Value::Bool(false);
        if !empty && !known.contains(&key.as_str()) {
            return Err(unknown(&format!("part {key:?} of"), what));
        }
    }
    Ok(())
}
