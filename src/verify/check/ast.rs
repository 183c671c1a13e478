//! A statement as it was understood, and its canonical text.
//!
//! Printing a statement and parsing the print gives the same statement: marks keep the canonical text.

use std::fmt;

pub(super) use crate::protocol::path::quoted;
pub use crate::protocol::path::{Path, Step};

/// A statement that a machine can check. The grammar stands in [`super`].
#[derive(Debug, Clone, PartialEq)]
pub enum Statement {
    /// Something that holds in every frame of an event, or for every element of a list in it.
    Frames {
        /// Name of the event.
        event: String,
        /// What holds.
        claim: Expr,
        /// Only where this holds; the other frames are not counted.
        when: Option<Expr>,
    },
    /// How one value goes from frame to frame.
    Course {
        /// Name of the event.
        event: String,
        /// The value.
        value: Value,
        /// How it goes.
        course: Course,
        /// Frames that belong together.
        group: Group,
        /// Only frames where this holds.
        when: Option<Expr>,
    },
    /// Every `anchor` has a `partner` in time.
    Sequence {
        /// Counted: each is a case.
        anchor: Pattern,
        /// What has to be there.
        partner: Pattern,
        /// Whether the partner comes after the anchor or stands before it.
        order: SequenceOrder,
        /// In at most this many milliseconds.
        within_ms: f64,
        /// What both have in common.
        group: Group,
    },
    /// Something that is computed again and compared.
    Recompute(Recompute),
}

/// Frames of an event, narrowed or not.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// Name of the event.
    pub event: String,
    /// Only frames where this holds.
    pub when: Option<Expr>,
}

/// Where the partner of a sequence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SequenceOrder {
    /// The partner comes after the anchor.
    Follows,
    /// The partner stands before the anchor.
    Precedes,
}

/// What frames have in common that are compared with one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// One session.
    Session,
    /// One game of one session.
    Game,
    /// One trace id of one session: a request and what it caused.
    Trace,
}

/// How a value goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Course {
    /// Each is below the one before.
    Falls,
    /// Each is above the one before.
    Rises,
    /// No one is above the one before.
    NeverRises,
    /// No one is below the one before.
    NeverFalls,
    /// Each is the same as the one before.
    NeverChanges,
    /// Each is this much above (below, when negative) the one before, ± the tolerance.
    StepsBy(f64, f64),
}

/// What can be computed again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recompute {
    /// Every price of a game from its revealed seed, and the hash of the seed.
    Fairness,
    /// Whether a side bet won, from the rug tick that the seed gives.
    SidebetOutcome,
}

/// A condition: true, false, or undecided where a field that it needs is absent.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// One of them.
    Or(Vec<Expr>),
    /// All of them.
    And(Vec<Expr>),
    /// The contrary.
    Not(Box<Expr>),
    /// Where the first holds, the second does; undecided where the first does not.
    Implies(Box<Expr>, Box<Expr>),
    /// A comparison; the tolerance goes with `==` and `!=`.
    Compare(Value, Comparison, Value, Option<f64>),
    /// From, to, both included.
    Between(Value, Value, Value),
    /// One of a set.
    OneOf(Value, Vec<Literal>),
    /// Of one of these types. Null is undecided unless it is among them.
    Is(Path, Vec<TypeName>),
    /// The key is there, be it null (`true`), or is not.
    Present(Path, bool),
    /// The key is there by phase.
    PresentIn(Path, InPhases, Vec<PhaseName>),
    /// A text that matches a regular expression as a whole.
    Matches(Value, String),
    /// A value as this unit has them, within a range.
    Unit(Path, Unit, Option<(f64, f64)>),
}

/// How presence goes with phases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InPhases {
    /// There in every frame of these phases.
    In,
    /// There in no frame of other phases.
    OnlyIn,
    /// Both.
    ExactlyIn,
    /// There in no frame of these phases.
    AbsentIn,
}

/// `==`, `!=`, `<`, `<=`, `>`, `>=`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::LessOrEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterOrEqual => ">=",
        }
    }
}

/// Something with a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Written out.
    Literal(Literal),
    /// A field.
    Path(Path),
    /// What the envelope says.
    Context(Context),
    /// Two numbers, one operator.
    Arithmetic(Operator, Box<Value>, Box<Value>),
    /// A function of values.
    Call(Function, Vec<Value>),
}

/// What the envelope of a frame says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Context {
    Phase,
    Source,
    Direction,
    GameId,
}

impl Context {
    /// All, with their names.
    pub const ALL: [(&'static str, Context); 4] = [
        ("@phase", Context::Phase),
        ("@source", Context::Source),
        ("@direction", Context::Direction),
        ("@game_id", Context::GameId),
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        Context::ALL.into_iter().find(|(_, context)| *context == self).map_or("@phase", |(name, _)| name)
    }
}

/// `+ - * /`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
}

impl Operator {
    /// As it is written.
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
        }
    }
}

/// Functions of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// `abs(x)`.
    Abs,
    /// `round(x)`, half away from zero.
    Round,
    /// `floor(x)`.
    Floor,
    /// `min(x, y, …)`.
    Min,
    /// `max(x, y, …)`.
    Max,
    /// `coalesce(x, y, …)`: the first number that is there.
    Coalesce,
    /// `length(path)`: elements of a list, keys of an object, characters of a text.
    Length,
}

impl Function {
    /// All, with their names.
    pub const ALL: [(&'static str, Function); 7] = [
        ("abs", Function::Abs),
        ("round", Function::Round),
        ("floor", Function::Floor),
        ("min", Function::Min),
        ("max", Function::Max),
        ("coalesce", Function::Coalesce),
        ("length", Function::Length),
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        Function::ALL.into_iter().find(|(_, function)| *function == self).map_or("abs", |(name, _)| name)
    }
}

/// A value written out.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Literal {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
}

/// Types as statements name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum TypeName {
    Null,
    Boolean,
    Integer,
    Number,
    Text,
    Array,
    Object,
}

impl TypeName {
    /// All, with their names. `number` takes integers in.
    pub const ALL: [(&'static str, TypeName); 7] = [
        ("null", TypeName::Null),
        ("boolean", TypeName::Boolean),
        ("integer", TypeName::Integer),
        ("number", TypeName::Number),
        ("string", TypeName::Text),
        ("array", TypeName::Array),
        ("object", TypeName::Object),
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        TypeName::ALL.into_iter().find(|(_, name)| *name == self).map_or("null", |(name, _)| name)
    }
}

/// The phases, as the `phase` column names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum PhaseName {
    Cooldown,
    Presale,
    Active,
    Rugged,
}

impl PhaseName {
    /// All, in the order of a round.
    pub const ALL: [(&'static str, PhaseName); 4] = [
        ("COOLDOWN", PhaseName::Cooldown),
        ("PRESALE", PhaseName::Presale),
        ("ACTIVE", PhaseName::Active),
        ("RUGGED", PhaseName::Rugged),
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        PhaseName::ALL.into_iter().find(|(_, name)| *name == self).map_or("ACTIVE", |(name, _)| name)
    }
}

/// Units that have a range of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Milliseconds since 1970: 2001 to 2100.
    UnixMs,
    /// Seconds since 1970: 2001 to 2100.
    UnixS,
    /// A time span in milliseconds: 0 to a day.
    Ms,
    /// A time span in seconds: 0 to a day.
    S,
    /// An amount of SOL: any number below a million either way.
    Sol,
    /// A multiple of the start price: 0 and more.
    Multiplier,
    /// 0 to 100.
    Percent,
    /// 0 to 1.
    Share,
    /// A whole number from 0 on.
    Tick,
    /// A whole number from 0 on.
    Count,
}

impl Unit {
    /// All, with their names.
    pub const ALL: [(&'static str, Unit); 10] = [
        ("unix_ms", Unit::UnixMs),
        ("unix_s", Unit::UnixS),
        ("ms", Unit::Ms),
        ("s", Unit::S),
        ("SOL", Unit::Sol),
        ("multiplier", Unit::Multiplier),
        ("percent", Unit::Percent),
        ("share", Unit::Share),
        ("tick", Unit::Tick),
        ("count", Unit::Count),
    ];

    /// As it is written.
    pub fn as_str(self) -> &'static str {
        Unit::ALL.into_iter().find(|(_, unit)| *unit == self).map_or("ms", |(name, _)| name)
    }

    /// Smallest and largest plausible value, where no range is given.
    pub fn range(self) -> (f64, f64) {
        match self {
            Unit::UnixMs => (978_307_200_000.0, 4_102_444_800_000.0),
            Unit::UnixS => (978_307_200.0, 4_102_444_800.0),
            Unit::Ms => (0.0, 86_400_000.0),
            Unit::S => (0.0, 86_400.0),
            Unit::Sol => (-1e6, 1e6),
            Unit::Multiplier => (0.0, f64::MAX),
            Unit::Percent => (0.0, 100.0),
            Unit::Share => (0.0, 1.0),
            Unit::Tick | Unit::Count => (0.0, 1e9),
        }
    }

    /// Whether only whole numbers are of this unit.
    pub fn is_whole(self) -> bool {
        matches!(self, Unit::UnixMs | Unit::Tick | Unit::Count)
    }
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::Null => f.write_str("null"),
            Literal::Bool(value) => write!(f, "{value}"),
            Literal::Number(number) => number_text(*number, f),
            Literal::Text(text) => f.write_str(&quoted(text)),
        }
    }
}

/// The shortest text that reads back as the same number; tiny and huge ones with an exponent.
fn number_text(number: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if number != 0.0 && (number.abs() < 1e-4 || number.abs() >= 1e16) {
        write!(f, "{number:e}")
    } else {
        write!(f, "{number}")
    }
}

struct Number(f64);

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        number_text(self.0, f)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Literal(literal) => literal.fmt(f),
            Value::Path(path) => path.fmt(f),
            Value::Context(context) => f.write_str(context.as_str()),
            Value::Arithmetic(operator, left, right) => {
                let weak = |value: &Value| match value {
                    Value::Arithmetic(inner, ..) => {
                        matches!(inner, Operator::Add | Operator::Subtract)
                            && matches!(operator, Operator::Multiply | Operator::Divide)
                    }
                    _ => false,
                };
                let sub = |value: &Value| matches!(value, Value::Arithmetic(..));
                if weak(left) {
                    write!(f, "({left})")?
                } else {
                    write!(f, "{left}")?
                }
                write!(f, " {} ", operator.as_str())?;
                if sub(right) { write!(f, "({right})") } else { write!(f, "{right}") }
            }
            Value::Call(function, arguments) => {
                write!(f, "{}(", function.as_str())?;
                list(f, arguments, ", ")?;
                f.write_str(")")
            }
        }
    }
}

fn list<T: fmt::Display>(f: &mut fmt::Formatter<'_>, items: &[T], between: &str) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        write!(f, "{item}")?;
    }
    Ok(())
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for TypeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An operand of `and`, `or`, `not`, `implies`: in brackets unless it is a single claim.
struct Operand<'a>(&'a Expr);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Expr::Or(_) | Expr::And(_) | Expr::Implies(..) => write!(f, "({})", self.0),
            other => other.fmt(f),
        }
    }
}

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expr::Or(parts) => list(f, &parts.iter().map(Operand).collect::<Vec<_>>(), " or "),
            Expr::And(parts) => list(f, &parts.iter().map(Operand).collect::<Vec<_>>(), " and "),
            Expr::Not(inner) => write!(f, "not ({inner})"),
            Expr::Implies(left, right) => write!(f, "{} implies {}", Operand(left), Operand(right)),
            Expr::Compare(left, comparison, right, tolerance) => {
                write!(f, "{left} {} {right}", comparison.as_str())?;
                tolerance.map_or(Ok(()), |tolerance| write!(f, " ± {}", Number(tolerance)))
            }
            Expr::Between(value, from, to) => write!(f, "{value} between {from} and {to}"),
            Expr::OneOf(value, literals) => {
                write!(f, "{value} in {{")?;
                list(f, literals, ", ")?;
                f.write_str("}")
            }
            Expr::Is(path, types) => {
                write!(f, "{path} is ")?;
                list(f, types, "|")
            }
            Expr::Present(path, there) => write!(f, "{path} is {}", if *there { "present" } else { "absent" }),
            Expr::PresentIn(path, how, phases) => {
                let words = match how {
                    InPhases::In => "present in",
                    InPhases::OnlyIn => "present only in",
                    InPhases::ExactlyIn => "present exactly in",
                    InPhases::AbsentIn => "absent in",
                };
                write!(f, "{path} is {words} ")?;
                list(f, phases, ", ")
            }
            Expr::Matches(value, pattern) => write!(f, "{value} matches {}", quoted(pattern)),
            Expr::Unit(path, unit, range) => {
                write!(f, "{path} unit {}", unit.as_str())?;
                range.map_or(Ok(()), |(from, to)| write!(f, " from {} to {}", Number(from), Number(to)))
            }
        }
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Course::Falls => f.write_str("falls"),
            Course::Rises => f.write_str("rises"),
            Course::NeverRises => f.write_str("never rises"),
            Course::NeverFalls => f.write_str("never falls"),
            Course::NeverChanges => f.write_str("never changes"),
            Course::StepsBy(step, tolerance) => {
                let word = if *step < 0.0 { "falls" } else { "rises" };
                write!(f, "{word} by {}", Number(step.abs()))?;
                if *tolerance > 0.0 { write!(f, " ± {}", Number(*tolerance)) } else { Ok(()) }
            }
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Group::Session => "in the same session",
            Group::Game => "in the same game",
            Group::Trace => "in the same trace",
        })
    }
}

impl Recompute {
    /// All, with the words that ask for them.
    pub const ALL: [(&'static str, Recompute); 2] =
        [("fairness", Recompute::Fairness), ("sidebet outcome", Recompute::SidebetOutcome)];
}

impl fmt::Display for Recompute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = Recompute::ALL.into_iter().find(|(_, one)| one == self).map_or("fairness", |(words, _)| words);
        write!(f, "recompute {words}")
    }
}

/// An event's name as a statement writes it.
struct EventName<'a>(&'a str);

impl fmt::Display for EventName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '-');
        if !self.0.is_empty() && self.0.chars().all(plain) {
            f.write_str(self.0)
        } else {
            f.write_str(&quoted(self.0))
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", EventName(&self.event))?;
        self.when.as_ref().map_or(Ok(()), |when| write!(f, " where ({when})"))
    }
}

impl fmt::Display for Statement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let condition = |f: &mut fmt::Formatter<'_>, when: &Option<Expr>| {
            when.as_ref().map_or(Ok(()), |when| write!(f, " when {when}"))
        };
        match self {
            Statement::Frames { event, claim, when } => {
                write!(f, "on {}: {claim}", EventName(event))?;
                condition(f, when)
            }
            Statement::Course { event, value, course, group, when } => {
                write!(f, "on {}: {value} {course} {group}", EventName(event))?;
                condition(f, when)
            }
            Statement::Sequence { anchor, partner, order: SequenceOrder::Follows, within_ms, group } => {
                write!(f, "{partner} follows {anchor} within {} ms {group}", Number(*within_ms))
            }
            Statement::Sequence { anchor, partner, order: SequenceOrder::Precedes, within_ms, group } => {
                write!(f, "{anchor} is preceded by {partner} within {} ms {group}", Number(*within_ms))
            }
            Statement::Recompute(what) => what.fmt(f),
        }
    }
}
