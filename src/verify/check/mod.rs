//! Checks: a statement about the protocol, run over everything that is stored or a part of it.
//!
//! A statement is a typed predicate. Each case (a frame, an element of a list, a pair of frames, a game) *supports* it,
//! *contradicts* it, or leaves it *undecided*: a field that it needs is absent, null or of another type. Undecided cases
//! count neither way. The result says how many of each there are, shows the first cases that contradict, and carries
//! the exact SQL that counted them; the same text through `query_sql` gives the same counts. What SQL cannot compute
//! (a game from its seed) is computed here, and the result says so in place of SQL.
//!
//! # The language
//!
//! ```text
//! statement  = "on" EVENT ":" claim [ "when" condition ]
//!            | "on" EVENT ":" value course [ group ] [ "when" condition ]
//!            | pattern "follows" pattern "within" NUMBER ("ms" | "s") [ group ]
//!            | pattern "is preceded by" pattern "within" NUMBER ("ms" | "s") [ group ]
//!            | "recompute" ( "fairness" | "sidebet outcome" )
//! pattern    = EVENT [ "where" "(" condition ")" ]
//! course     = "falls" | "rises" | "never rises" | "never falls" | "never changes"
//!            | ("falls" | "rises") "by" NUMBER [ "±" NUMBER ]
//! group      = "in the same session" (default) | "in the same game" | "in the same trace"
//! claim      = condition
//! condition  = any [ "implies" any ]          A implies B: undecided where A does not hold
//! any        = all { "or" all }
//! all        = one { "and" one }
//! one        = "not" one | "(" condition ")"
//!            | value ( "==" | "!=" ) value [ "±" NUMBER ]
//!            | value ( "<" | "<=" | ">" | ">=" ) value
//!            | value "between" value "and" value         both ends included
//!            | value "in" "{" literal { "," literal } "}"
//!            | value "matches" "regular expression"      the whole text
//!            | path "is" [ "not" ] type { "|" type }
//!            | path "is present" | path "is absent"
//!            | path "is present" [ "only" | "exactly" ] "in" PHASE { "," PHASE }
//!            | path "is absent in" PHASE { "," PHASE }
//!            | path "unit" UNIT [ "from" NUMBER "to" NUMBER ]
//!            | path                                      short for path == true
//! value      = NUMBER | "text" | true | false | null | path | "@phase" | "@source" | "@direction" | "@game_id"
//!            | value ("+" | "-" | "*" | "/") value | "(" value ")" | FUNCTION "(" value { "," value } ")"
//! path       = [ "$." | "payload." ] key { "." key | "[" INDEX "]" | "[]" | ".{}" }
//! type       = null | boolean | integer | number | string | array | object        number takes integers in
//! PHASE      = COOLDOWN | PRESALE | ACTIVE | RUGGED
//! UNIT       = unix_ms | unix_s | ms | s | SOL | multiplier | percent | share | tick | count
//! FUNCTION   = abs | round | floor | min | max | coalesce | length
//! ```
//!
//! * EVENT is the name on the wire; in quotes where it has other characters than letters, digits, `_`, `-`, `/`
//!   (`"transport:ping"`). Where the event is known from elsewhere ([`Statement::parse_about`]), `on EVENT:` may be left
//!   out.
//! * `[]` is every element of a list, `.{}` every value of an object whose keys are data (`.{tick}` works too): each
//!   element is a case, and all such paths of a statement are over the same list.
//! * `==` compares exactly. Where a side is computed and no tolerance is given, ± 1e-9 applies.
//! * `X follows Y within N ms`: after every Y comes an X. `X is preceded by Y within N ms`: before every X stands a Y. A
//!   Y so late that its recording ends before the time is over is undecided, as is one without a time.
//! * A course compares each frame with the one before it in its group; the first has none and is not counted.
//! * The phase of a frame that does not tell one is that of the last `gameStateUpdate` of its session.
//!
//! ```text
//! on gameStatePlayerUpdate: pnl == regularPnl + sidebetPnl + shortPnl ± 1e-9
//! on gameStateUpdate: rugged == true implies active == true
//! on gameStateUpdate: cooldownTimer unit ms from 0 to 15000
//! on gameStateUpdate: price is present in ACTIVE, RUGGED
//! on gameStateUpdate: gameHistory[].globalTrades is array when gameHistory[].globalTrades is present
//! on gameStateUpdate: cooldownTimer never rises in the same game
//! standard/newTrade follows buyOrder within 2000 ms in the same trace
//! recompute sidebet outcome
//! ```

mod ast;
mod expr;
mod lex;
mod parse;
mod recompute;
mod run;
mod scope;
mod sql;
mod visit;

use std::str::FromStr;

pub use ast::{
    Comparison, Context, Course, Expr, Function, Group, InPhases, Literal, Operator, Path, Pattern, PhaseName,
    Recompute, SequenceOrder, Statement, Step, TypeName, Unit, Value,
};
pub use parse::{ARITHMETIC_TOLERANCE, ParseError};
pub use run::{CheckError, CheckResult, Sighting, check, check_blocking};
pub use scope::{BadScope, Scope};

impl Statement {
    /// Reads a statement that names its event.
    ///
    /// # Errors
    /// [`ParseError`]: where, what was expected there, and an example.
    pub fn parse(text: &str) -> Result<Statement, ParseError> {
        parse::parse(text, None)
    }

    /// Reads a statement about `event`, which it need not name.
    ///
    /// # Errors
    /// As [`Statement::parse`].
    pub fn parse_about(text: &str, event: Option<&str>) -> Result<Statement, ParseError> {
        parse::parse(text, event)
    }

    /// The events whose frames it looks at; empty for what is recomputed from games.
    pub fn events(&self) -> Vec<&str> {
        match self {
            Statement::Frames { event, .. } | Statement::Course { event, .. } => vec![event],
            Statement::Sequence { anchor, partner, .. } if anchor.event == partner.event => vec![&anchor.event],
            Statement::Sequence { anchor, partner, .. } => vec![&anchor.event, &partner.event],
            Statement::Recompute(_) => Vec::new(),
        }
    }

    /// The events it looks at, each with the paths it looks at there.
    pub fn mentions(&self) -> Vec<(&str, Vec<Path>)> {
        match self {
            Statement::Frames { event, .. } | Statement::Course { event, .. } => {
                let mut paths = Vec::new();
                visit::paths(self, &mut |path| paths.push(path.clone()));
                vec![(event, paths)]
            }
            Statement::Sequence { anchor, partner, .. } => {
                let of = |pattern: &'_ Pattern| {
                    let mut paths = Vec::new();
                    pattern
                        .when
                        .iter()
                        .for_each(|when| visit::of_expr(when, &mut |path| paths.push(path.clone())));
                    paths
                };
                vec![(&anchor.event, of(anchor)), (&partner.event, of(partner))]
            }
            Statement::Recompute(_) => Vec::new(),
        }
    }

    /// The paths it looks at, as the schema facts write them (`$.leaderboard[].id`), each once.
    pub fn fields(&self) -> Vec<String> {
        let mut fields = Vec::new();
        visit::paths(self, &mut |path| {
            let text = path.to_string();
            if !fields.contains(&text) {
                fields.push(text);
            }
        });
        fields
    }
}

impl FromStr for Statement {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Statement, ParseError> {
        Statement::parse(text)
    }
}

#[cfg(test)]
mod tests;
