//! Walking over what a statement is made of.

use super::ast::{Context, Expr, Path, Statement, Value};

/// Every path of a statement, in the order written; repeated ones repeatedly.
pub(super) fn paths(statement: &Statement, visit: &mut impl FnMut(&Path)) {
    match statement {
        Statement::Frames { claim, when, .. } => {
            of_expr(claim, visit);
            when.iter().for_each(|when| of_expr(when, visit));
        }
        Statement::Course { value, when, .. } => {
            of_value(value, visit);
            when.iter().for_each(|when| of_expr(when, visit));
        }
        Statement::Sequence { anchor, partner, .. } => {
            anchor.when.iter().chain(&partner.when).for_each(|when| of_expr(when, visit));
        }
        Statement::Recompute(_) => {}
    }
}

/// Every path of a condition.
pub(super) fn of_expr(expr: &Expr, visit: &mut impl FnMut(&Path)) {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => parts.iter().for_each(|part| of_expr(part, visit)),
        Expr::Not(inner) => of_expr(inner, visit),
        Expr::Implies(left, right) => {
            of_expr(left, visit);
            of_expr(right, visit);
        }
        Expr::Compare(left, _, right, _) => {
            of_value(left, visit);
            of_value(right, visit);
        }
        Expr::Between(value, from, to) => [value, from, to].into_iter().for_each(|value| of_value(value, visit)),
        Expr::OneOf(value, _) | Expr::Matches(value, _) => of_value(value, visit),
        Expr::Is(path, _) | Expr::Present(path, _) | Expr::PresentIn(path, ..) | Expr::Unit(path, ..) => {
            visit(path)
        }
    }
}

/// Every path of a value.
pub(super) fn of_value(value: &Value, visit: &mut impl FnMut(&Path)) {
    match value {
        Value::Path(path) => visit(path),
        Value::Arithmetic(_, left, right) => {
            of_value(left, visit);
            of_value(right, visit);
        }
        Value::Call(_, arguments) => arguments.iter().for_each(|argument| of_value(argument, visit)),
        Value::Literal(_) | Value::Context(_) => {}
    }
}

/// Whether a condition asks for the phase.
pub(super) fn needs_phase(expr: &Expr) -> bool {
    match expr {
        Expr::Or(parts) | Expr::And(parts) => parts.iter().any(needs_phase),
        Expr::Not(inner) => needs_phase(inner),
        Expr::Implies(left, right) => needs_phase(left) || needs_phase(right),
        Expr::Compare(left, _, right, _) => asks_phase(left) || asks_phase(right),
        Expr::Between(one, from, to) => [one, from, to].into_iter().any(asks_phase),
        Expr::OneOf(one, _) | Expr::Matches(one, _) => asks_phase(one),
        Expr::PresentIn(..) => true,
        Expr::Is(..) | Expr::Present(..) | Expr::Unit(..) => false,
    }
}

fn asks_phase(value: &Value) -> bool {
    match value {
        Value::Context(context) => *context == Context::Phase,
        Value::Arithmetic(_, left, right) => asks_phase(left) || asks_phase(right),
        Value::Call(_, arguments) => arguments.iter().any(asks_phase),
        Value::Literal(_) | Value::Path(_) => false,
    }
}
