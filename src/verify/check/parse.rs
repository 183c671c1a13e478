//! From a text to a [`Statement`], by recursive descent. What cannot be read is said with its place.

use std::fmt;

use super::ast::{
    Comparison, Context, Course, Expr, Function, Group, InPhases, Literal, Operator, Path, Pattern, PhaseName,
    Recompute, SequenceOrder, Statement, Step, TypeName, Unit, Value,
};
use super::lex::{self, Placed, Token};

/// Longest text that is looked at, characters.
const MAX_TEXT: usize = 4_000;

/// Brackets within brackets.
const MAX_DEPTH: usize = 24;

/// Where arithmetic is compared for equality without a tolerance, this one applies: sums of doubles in another order
/// differ in their last digits.
pub const ARITHMETIC_TOLERANCE: f64 = 1e-9;

/// Why a statement was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParseError {
    /// Characters before the place, from 0.
    pub position: usize,
    /// What would have been understood there.
    pub expected: String,
    /// What stands there.
    pub found: String,
    /// A statement of the kind that was probably meant.
    pub example: &'static str,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the statement is not understood at character {}: expected {}, found {}. For example: {}",
            self.position + 1,
            self.expected,
            self.found,
            self.example
        )
    }
}

impl std::error::Error for ParseError {}

/// A place and what was expected there.
struct Failure {
    at: usize,
    expected: String,
}

type Parsed<T> = Result<T, Failure>;

/// Words that mean something; a field of such a name is written `$.name`.
const KEYWORDS: [&str; 18] = [
    "and", "or", "not", "implies", "when", "where", "in", "is", "between", "matches", "unit", "follows", "within",
    "on", "true", "false", "null", "never",
];

/// Reads a statement. `event` is the one meant where the text names none.
pub(super) fn parse(text: &str, event: Option<&str>) -> Result<Statement, ParseError> {
    let parsed = read(text, event);
    parsed.map_err(|failure| {
        let rest: String = text.chars().skip(failure.at).take(24).collect();
        let found = if rest.trim().is_empty() { "the end of the text".to_owned() } else { format!("{rest:?}") };
        ParseError { position: failure.at, expected: failure.expected, found, example: example(text) }
    })
}

fn read(text: &str, event: Option<&str>) -> Parsed<Statement> {
    if text.chars().count() > MAX_TEXT {
        return Err(Failure { at: MAX_TEXT, expected: format!("at most {MAX_TEXT} characters") });
    }
    let tokens = lex::tokens(text)
        .map_err(|unreadable| Failure { at: unreadable.at, expected: unreadable.expected.into() })?;
    let mut parser = Parser { tokens, next: 0, depth: 0 };
    let statement = parser.statement(event)?;
    if *parser.peek() != Token::End {
        return parser.fail("the end of the statement, \"when\", \"and\", \"or\" or \"implies\"");
    }
    check_lists(&statement)?;
    Ok(statement)
}

/// An example near to what was tried.
fn example(text: &str) -> &'static str {
    const EXAMPLES: [(&str, &str); 9] = [
        ("recompute", "recompute sidebet outcome"),
        ("preceded", "standard/newTrade is preceded by buyOrder within 2000 ms in the same trace"),
        ("follows", "standard/newTrade follows buyOrder within 2000 ms in the same trace"),
        ("fall", "on gameStateUpdate: cooldownTimer falls in the same game when cooldownTimer > 0"),
        ("rise", "on gameStateUpdate: tickCount never falls in the same game"),
        ("present", "on gameStateUpdate: price is present in ACTIVE, RUGGED"),
        ("unit", "on gameStateUpdate: cooldownTimer unit ms from 0 to 15000"),
        ("impl", "on gameStateUpdate: rugged == true implies active == true"),
        (" in ", "on standard/newTrade: type in {\"buy\", \"sell\"}"),
    ];
    let near = EXAMPLES.iter().find(|(word, _)| text.contains(word));
    near.map_or("on gameStatePlayerUpdate: pnl == regularPnl + sidebetPnl + shortPnl ± 1e-9", |(_, example)| {
        example
    })
}

struct Parser {
    tokens: Vec<Placed>,
    next: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.peek_at(0)
    }

    fn peek_at(&self, ahead: usize) -> &Token {
        self.tokens.get(self.next + ahead).map_or(&Token::End, |placed| &placed.token)
    }

    fn at(&self) -> usize {
        let placed = self.tokens.get(self.next).or_else(|| self.tokens.last());
        placed.map_or(0, |placed| placed.at)
    }

    fn fail<T>(&self, expected: impl Into<String>) -> Parsed<T> {
        Err(Failure { at: self.at(), expected: expected.into() })
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.peek_at(ahead), Token::Word(found) if found == word)
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(found) if *found == sign)
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        self.next += usize::from(found);
        found
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { self.fail(format!("\"{word}\"")) }
    }

    fn sign(&mut self, sign: &str) -> Parsed<()> {
        if self.take_sign(sign) { Ok(()) } else { self.fail(format!("\"{sign}\"")) }
    }

    /// A word of a table, by its name.
    fn one_of<T: Copy>(&mut self, table: &[(&str, T)], what: &str) -> Parsed<T> {
        if let Token::Word(word) = self.peek()
            && let Some((_, value)) = table.iter().find(|(name, _)| name.eq_ignore_ascii_case(word))
        {
            let value = *value;
            self.next += 1;
            return Ok(value);
        }
        let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
        self.fail(format!("{what}: {}", names.join(", ")))
    }

    fn number(&mut self) -> Parsed<f64> {
        let negative = self.take_sign("-");
        match self.peek() {
            Token::Number(number) => {
                let number = if negative { -*number } else { *number };
                self.next += 1;
                Ok(number)
            }
            _ => self.fail("a number"),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Parser) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return self.fail(format!("at most {MAX_DEPTH} brackets within one another"));
        }
        self.depth += 1;
        let parsed = inner(self);
        self.depth -= 1;
        parsed
    }

    fn statement(&mut self, event: Option<&str>) -> Parsed<Statement> {
        if *self.peek() == Token::End {
            return self.fail("a statement");
        }
        if self.take_word("recompute") {
            return self.recompute();
        }
        let joins = |placed: &&Placed| matches!(&placed.token, Token::Word(word) if word == "follows" || word == "preceded");
        if !self.is_word(0, "on") && self.tokens.iter().skip(1).any(|placed| joins(&placed)) {
            return self.sequence();
        }
        let named = if self.is_word(0, "on") && !matches!(self.peek_at(1), Token::Sign("==" | "!=")) {
            self.next += 1;
            let name = self.event()?;
            self.sign(":")?;
            Some(name)
        } else {
            None
        };
        let Some(event) = named.or_else(|| event.map(str::to_owned)) else {
            return self.fail("\"on\" and the event it is about, as in on gameStateUpdate: …");
        };
        if let Some((value, course)) = self.course()? {
            let group = self.group()?;
            let when = self.when()?;
            return Ok(Statement::Course { event, value, course, group: group.unwrap_or(Group::Session), when });
        }
        let claim = self.expr()?;
        let when = self.when()?;
        Ok(Statement::Frames { event, claim, when })
    }

    fn recompute(&mut self) -> Parsed<Statement> {
        for (words, what) in Recompute::ALL {
            let words: Vec<&str> = words.split(' ').collect();
            if words.iter().enumerate().all(|(ahead, word)| self.is_word(ahead, word)) {
                self.next += words.len();
                return Ok(Statement::Recompute(what));
            }
        }
        let names: Vec<&str> = Recompute::ALL.iter().map(|(words, _)| *words).collect();
        self.fail(format!("what to recompute: {}", names.join(", ")))
    }

    fn event(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Word(name) | Token::Text(name) => {
                self.next += 1;
                Ok(name)
            }
            _ => self.fail("the name of an event; in quotes where it has other characters than letters, _ and /"),
        }
    }

    fn pattern(&mut self) -> Parsed<Pattern> {
        let event = self.event()?;
        let when = if self.take_word("where") {
            self.sign("(")?;
            let when = self.deeper(Parser::expr)?;
            self.sign(")")?;
            Some(when)
        } else {
            None
        };
        Ok(Pattern { event, when })
    }

    fn sequence(&mut self) -> Parsed<Statement> {
        let first = self.pattern()?;
        let (order, second) = if self.take_word("follows") {
            (SequenceOrder::Follows, self.pattern()?)
        } else if self.take_word("is") {
            self.word("preceded")?;
            self.word("by")?;
            (SequenceOrder::Precedes, self.pattern()?)
        } else {
            return self.fail("\"where (…)\", \"follows\" or \"is preceded by\"");
        };
        self.word("within")?;
        let number = self.number()?;
        let within_ms = number * self.one_of(&[("ms", 1.0), ("s", 1000.0)], "a unit of time")?;
        if !(0.0..=86_400_000.0).contains(&within_ms) {
            return self.fail("a time between 0 ms and a day before this");
        }
        let group = self.group()?.unwrap_or(Group::Session);
        let (anchor, partner) = match order {
            SequenceOrder::Follows => (second, first),
            SequenceOrder::Precedes => (first, second),
        };
        Ok(Statement::Sequence { anchor, partner, order, within_ms, group })
    }

    /// `in the same game`.
    fn group(&mut self) -> Parsed<Option<Group>> {
        if !(self.is_word(0, "in") || self.is_word(0, "with")) {
            return Ok(None);
        }
        self.next += 1;
        self.word("the")?;
        self.word("same")?;
        let groups = [("session", Group::Session), ("game", Group::Game), ("trace", Group::Trace)];
        self.one_of(&groups, "what is the same").map(Some)
    }

    fn when(&mut self) -> Parsed<Option<Expr>> {
        if self.take_word("when") { self.expr().map(Some) } else { Ok(None) }
    }

    /// A value that falls or rises; `None`, with nothing taken, where this is no such claim.
    fn course(&mut self) -> Parsed<Option<(Value, Course)>> {
        let start = self.next;
        let Ok(value) = self.value() else {
            self.next = start;
            return Ok(None);
        };
        let course = if self.take_word("never") {
            let never =
                [("rises", Course::NeverRises), ("falls", Course::NeverFalls), ("changes", Course::NeverChanges)];
            self.one_of(&never, "what it never does")?
        } else if self.is_word(0, "falls") || self.is_word(0, "rises") {
            let falls = self.is_word(0, "falls");
            self.next += 1;
            if self.take_word("by") {
                let step = self.number()?;
                let tolerance = self.tolerance()?.unwrap_or(0.0);
                Course::StepsBy(if falls { -step } else { step }, tolerance)
            } else if falls {
                Course::Falls
            } else {
                Course::Rises
            }
        } else {
            self.next = start;
            return Ok(None);
        };
        Ok(Some((value, course)))
    }

    fn tolerance(&mut self) -> Parsed<Option<f64>> {
        if !(self.take_sign("±") || self.take_sign("+-")) {
            return Ok(None);
        }
        let at = self.at();
        let tolerance = self.number()?;
        if tolerance < 0.0 {
            return Err(Failure { at, expected: "a tolerance from 0 on".into() });
        }
        Ok(Some(tolerance))
    }

    fn expr(&mut self) -> Parsed<Expr> {
        let left = self.alternatives()?;
        if self.take_word("implies") {
            let right = self.alternatives()?;
            return Ok(Expr::Implies(Box::new(left), Box::new(right)));
        }
        Ok(left)
    }

    fn alternatives(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.conjunction()?];
        while self.take_word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(single(parts, Expr::Or))
    }

    fn conjunction(&mut self) -> Parsed<Expr> {
        let mut parts = vec![self.unary()?];
        while self.take_word("and") {
            parts.push(self.unary()?);
        }
        Ok(single(parts, Expr::And))
    }

    fn unary(&mut self) -> Parsed<Expr> {
        if self.take_word("not") {
            return self.deeper(|parser| parser.unary().map(|inner| Expr::Not(Box::new(inner))));
        }
        if !self.is_sign("(") {
            return self.claim();
        }
        // A bracket holds a condition or begins a number; which one is seen at its end.
        let start = self.next;
        self.next += 1;
        let condition = self.deeper(Parser::expr).and_then(|inner| self.sign(")").map(|()| inner));
        match condition {
            Ok(inner) if !self.goes_on_as_value() => Ok(inner),
            Ok(_) => {
                self.next = start;
                self.claim()
            }
            Err(first) => {
                self.next = start;
                self.claim().map_err(|second| if second.at >= first.at { second } else { first })
            }
        }
    }

    /// Whether an operator for values comes next.
    fn goes_on_as_value(&self) -> bool {
        match self.peek() {
            Token::Sign(sign) => {
                matches!(*sign, "+" | "-" | "*" | "/" | "==" | "=" | "!=" | "<" | "<=" | ">" | ">=" | "±")
            }
            Token::Word(word) => matches!(word.as_str(), "between" | "is" | "in" | "matches" | "unit"),
            _ => false,
        }
    }

    fn claim(&mut self) -> Parsed<Expr> {
        let at = self.at();
        let value = self.value()?;
        let comparisons = [
            ("==", Comparison::Equal),
            ("=", Comparison::Equal),
            ("!=", Comparison::Unequal),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (sign, comparison) in comparisons {
            if self.take_sign(sign) {
                return self.comparison(value, comparison);
            }
        }
        if self.take_word("between") {
            let from = self.value()?;
            self.word("and")?;
            let to = self.value()?;
            return Ok(Expr::Between(value, from, to));
        }
        if self.take_word("in") {
            return Ok(Expr::OneOf(value, self.set()?));
        }
        if self.take_word("matches") {
            let Token::Text(pattern) = self.peek().clone() else {
                return self.fail("a regular expression in quotes");
            };
            self.next += 1;
            return Ok(Expr::Matches(value, pattern));
        }
        let is = self.is_word(0, "is");
        if !is && !self.is_word(0, "unit") {
            return match value {
                Value::Path(_) => {
                    let yes = Value::Literal(Literal::Bool(true));
                    Ok(Expr::Compare(value, Comparison::Equal, yes, None))
                }
                _ => self.fail("a comparison: ==, !=, <, <=, >, >=, between, in {…}, matches"),
            };
        }
        let Value::Path(path) = value else {
            return Err(Failure { at, expected: "a field before \"is\" and \"unit\"".into() });
        };
        self.next += 1;
        if is { self.property(path) } else { self.unit(path) }
    }

    fn comparison(&mut self, left: Value, comparison: Comparison) -> Parsed<Expr> {
        let right = self.value()?;
        let is_equality = matches!(comparison, Comparison::Equal | Comparison::Unequal);
        if !is_equality && (self.is_sign("±") || self.is_sign("+-")) {
            return self.fail("no tolerance: it goes with == and != only");
        }
        let given = self.tolerance()?;
        let computed = |value: &Value| matches!(value, Value::Arithmetic(..));
        let implied = (is_equality && (computed(&left) || computed(&right))).then_some(ARITHMETIC_TOLERANCE);
        Ok(Expr::Compare(left, comparison, right, given.or(implied)))
    }

    /// `{"a", 2, null}`, or a list of words for texts: `{buy, sell}`.
    fn set(&mut self) -> Parsed<Vec<Literal>> {
        self.sign("{")?;
        let mut literals = Vec::new();
        loop {
            let literal = match self.peek().clone() {
                Token::Text(text) => Literal::Text(text),
                Token::Word(word) => match word.as_str() {
                    "true" => Literal::Bool(true),
                    "false" => Literal::Bool(false),
                    "null" => Literal::Null,
                    _ => Literal::Text(word),
                },
                Token::Number(_) | Token::Sign("-") => {
                    literals.push(Literal::Number(self.number()?));
                    if self.take_sign(",") {
                        continue;
                    }
                    break;
                }
                _ => return self.fail("a value of the set: \"text\", a number, true, false or null"),
            };
            self.next += 1;
            literals.push(literal);
            if !self.take_sign(",") {
                break;
            }
        }
        self.sign("}")?;
        Ok(literals)
    }

    /// What follows `is`.
    fn property(&mut self, path: Path) -> Parsed<Expr> {
        if self.take_word("not") {
            let types = self.types()?;
            return Ok(Expr::Not(Box::new(Expr::Is(path, types))));
        }
        if self.take_word("present") {
            let how = if self.take_word("exactly") {
                InPhases::ExactlyIn
            } else if self.take_word("only") {
                InPhases::OnlyIn
            } else if self.is_word(0, "in") {
                InPhases::In
            } else {
                return Ok(Expr::Present(path, true));
            };
            self.word("in")?;
            return Ok(Expr::PresentIn(path, how, self.phases()?));
        }
        if self.take_word("absent") {
            if self.take_word("in") {
                return Ok(Expr::PresentIn(path, InPhases::AbsentIn, self.phases()?));
            }
            return Ok(Expr::Present(path, false));
        }
        let types = self.types()?;
        Ok(Expr::Is(path, types))
    }

    fn types(&mut self) -> Parsed<Vec<TypeName>> {
        let mut types = Vec::new();
        loop {
            types.push(self.one_of(&TypeName::ALL, "\"present\", \"absent\" or a type")?);
            if !(self.take_sign("|") || (self.is_type(1) && self.take_word("or"))) {
                return Ok(types);
            }
        }
    }

    fn is_type(&self, ahead: usize) -> bool {
        let name = self.peek_at(ahead);
        matches!(name, Token::Word(word) if TypeName::ALL.iter().any(|(name, _)| name.eq_ignore_ascii_case(word)))
    }

    fn phases(&mut self) -> Parsed<Vec<PhaseName>> {
        let mut phases = Vec::new();
        loop {
            phases.push(self.one_of(&PhaseName::ALL, "a phase")?);
            if !self.take_sign(",") {
                return Ok(phases);
            }
        }
    }

    fn unit(&mut self, path: Path) -> Parsed<Expr> {
        let unit = self.one_of(&Unit::ALL, "a unit")?;
        if !self.take_word("from") {
            return Ok(Expr::Unit(path, unit, None));
        }
        let from = self.number()?;
        self.word("to")?;
        let at = self.at();
        let to = self.number()?;
        if to < from {
            return Err(Failure { at, expected: format!("a number from {from} on") });
        }
        Ok(Expr::Unit(path, unit, Some((from, to))))
    }

    fn value(&mut self) -> Parsed<Value> {
        let mut value = self.product()?;
        loop {
            let operator = if self.is_sign("+") {
                Operator::Add
            } else if self.is_sign("-") {
                Operator::Subtract
            } else {
                return Ok(value);
            };
            self.next += 1;
            value = Value::Arithmetic(operator, Box::new(value), Box::new(self.product()?));
        }
    }

    fn product(&mut self) -> Parsed<Value> {
        let mut value = self.factor()?;
        loop {
            let operator = if self.is_sign("*") {
                Operator::Multiply
            } else if self.is_sign("/") {
                Operator::Divide
            } else {
                return Ok(value);
            };
            self.next += 1;
            value = Value::Arithmetic(operator, Box::new(value), Box::new(self.factor()?));
        }
    }

    fn factor(&mut self) -> Parsed<Value> {
        match self.peek().clone() {
            Token::Number(number) => {
                self.next += 1;
                Ok(Value::Literal(Literal::Number(number)))
            }
            Token::Text(text) => {
                self.next += 1;
                Ok(Value::Literal(Literal::Text(text)))
            }
            Token::Sign("-") => {
                self.next += 1;
                match self.deeper(Parser::factor)? {
                    Value::Literal(Literal::Number(number)) => Ok(Value::Literal(Literal::Number(-number))),
                    other => {
                        let zero = Box::new(Value::Literal(Literal::Number(0.0)));
                        Ok(Value::Arithmetic(Operator::Subtract, zero, Box::new(other)))
                    }
                }
            }
            Token::Sign("(") => {
                self.next += 1;
                let inner = self.deeper(Parser::value)?;
                self.sign(")")?;
                Ok(inner)
            }
            Token::Sign("@") => self.context(),
            Token::Sign("$") => {
                self.next += 1;
                self.steps(Vec::new()).map(Value::Path)
            }
            Token::Word(word) => self.named(&word),
            _ => self.fail("a field, a number, a text in quotes or a function"),
        }
    }

    fn context(&mut self) -> Parsed<Value> {
        self.next += 1;
        if let Token::Word(word) = self.peek()
            && let Some((_, context)) = Context::ALL.iter().find(|(name, _)| name.get(1..) == Some(word.as_str()))
        {
            self.next += 1;
            return Ok(Value::Context(*context));
        }
        self.fail("@phase, @source, @direction or @game_id")
    }

    /// A word where a value stands: a literal, a function or the first key of a path.
    fn named(&mut self, word: &str) -> Parsed<Value> {
        let literal = match word {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            "null" => Some(Literal::Null),
            _ => None,
        };
        if let Some(literal) = literal {
            self.next += 1;
            return Ok(Value::Literal(literal));
        }
        if matches!(self.peek_at(1), Token::Sign("("))
            && let Some((_, function)) = Function::ALL.iter().find(|(name, _)| *name == word)
        {
            self.next += 2;
            return self.call(*function);
        }
        if KEYWORDS.contains(&word) {
            return self.fail(format!("a field or a number; a field of the name {word} is written $.{word}"));
        }
        self.next += 1;
        if word == "payload" && self.is_sign(".") {
            return self.steps(Vec::new()).map(Value::Path);
        }
        self.steps(vec![Step::Key(word.to_owned())]).map(Value::Path)
    }

    fn call(&mut self, function: Function) -> Parsed<Value> {
        let at = self.at();
        let mut arguments = vec![self.deeper(Parser::value)?];
        while self.take_sign(",") {
            arguments.push(self.deeper(Parser::value)?);
        }
        self.sign(")")?;
        let many = matches!(function, Function::Min | Function::Max | Function::Coalesce);
        if !many && arguments.len() != 1 {
            return Err(Failure { at, expected: format!("one argument for {}", function.as_str()) });
        }
        let is_path = matches!(arguments.first(), Some(Value::Path(_)));
        if function == Function::Length && !is_path {
            return Err(Failure { at, expected: "a field, whose length is meant".into() });
        }
        Ok(Value::Call(function, arguments))
    }

    fn steps(&mut self, mut steps: Vec<Step>) -> Parsed<Path> {
        loop {
            if self.take_sign("[]") {
                steps.push(Step::Elements);
            } else if self.take_sign("[") {
                if self.take_sign("*") {
                    steps.push(Step::Elements);
                } else {
                    let at = self.at();
                    let index = self.number()?;
                    if index.fract() != 0.0 || index.abs() > 1e6 {
                        return Err(Failure { at, expected: "a whole number, or [] for every element".into() });
                    }
                    steps.push(Step::Index(index as i64));
                }
                self.sign("]")?;
            } else if self.take_sign(".") {
                match self.peek().clone() {
                    Token::Word(key) | Token::Text(key) => {
                        self.next += 1;
                        steps.push(Step::Key(key));
                    }
                    Token::Sign("{}") => {
                        self.next += 1;
                        steps.push(Step::Values);
                    }
                    Token::Sign("{") => {
                        self.next += 1;
                        self.event()?;
                        self.sign("}")?;
                        steps.push(Step::Values);
                    }
                    _ => return self.fail("a key after the point"),
                }
            } else {
                return Ok(Path(steps));
            }
        }
    }
}

fn single(mut parts: Vec<Expr>, join: impl FnOnce(Vec<Expr>) -> Expr) -> Expr {
    match parts.len() {
        1 => parts.remove(0),
        _ => join(parts),
    }
}

/// Statements over elements look at one list; those over several frames at none.
fn check_lists(statement: &Statement) -> Parsed<()> {
    let mut lists: Vec<Path> = Vec::new();
    let mut visit = |path: &Path| {
        if let Some(depth) = path.element_depth() {
            let list = Path(path.0.iter().take(depth).cloned().collect());
            if !lists.contains(&list) {
                lists.push(list);
            }
        }
    };
    super::visit::paths(statement, &mut visit);
    match (lists.as_slice(), statement) {
        ([], _) | ([_], Statement::Frames { .. }) => Ok(()),
        ([_, ..], Statement::Frames { .. }) => {
            let names: Vec<String> = lists.iter().map(ToString::to_string).collect();
            Err(Failure { at: 0, expected: format!("one list only, not {}", names.join(" and ")) })
        }
        ([list, ..], _) => {
            Err(Failure { at: 0, expected: format!("no list ({list}) in a statement over several frames") })
        }
    }
}
