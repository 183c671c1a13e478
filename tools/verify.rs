//! `verify`: what is known about the protocol, checked, proposed and decided.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::PrimitiveSchemaDefinition;
use rmcp::model::{ElicitationSchema, EnumSchema, StringSchema, ToolAnnotations};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{AgentTool, RESULT_BYTES, Reply, bounded};
use crate::server::App;
use crate::server::errors::ToolError;
use crate::server::person::{Asked, Person};
use crate::store::schema::DocType;
use crate::verify::check::{CheckError, CheckResult, Scope, Statement, check};
use crate::verify::explore::ExploreError;
use crate::verify::mark::rules::{PEOPLE_DECIDE, Violation};
use crate::verify::mark::{Actor, Authority, Correction, Evidence, MarkState};
use crate::verify::reviews::decide::{Decided, Verdict};
use crate::verify::reviews::history::Event;
use crate::verify::reviews::propose::{Draft, Proposed};
use crate::verify::reviews::queue::{Item, QueueFilter, Reason};
use crate::verify::reviews::recheck::Rechecked;
use crate::verify::reviews::{ReviewError, ReviewService};
use crate::verify::subject::Subject;

/// Rows of the queue or the history unless asked, and at most.
const ROWS: u64 = 10;
const MAX_ROWS: u64 = 100;

/// The tool.
pub struct Verify;

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// What should be looked at next.
    Queue,
    /// Run a statement over the stored data.
    Check,
    /// Propose a mark.
    Propose,
    /// Put a proposal before the person.
    Decide,
    /// Take a proposal back.
    Withdraw,
    /// What was decided about a subject.
    History,
    /// Check marked statements again.
    Recheck,
}

/// What to do, and with what.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Args {
    /// queue, check, propose, decide, withdraw, history or recheck.
    #[schemars(with = "String")]
    pub action: Action,
    /// propose, history, recheck: what it is about, as a key: event:playerUpdate, field:gameStateUpdate#$.rugpool.threshold,
    /// unit:EVENT#PATH, enum_value:EVENT#PATH=VALUE, phase_rule:EVENT?NAME, sequence:EVENT?NAME, formula:EVENT#PATH?NAME.
    pub subject: Option<String>,
    /// check, propose: the statement, like "on playerUpdate: cash >= 0". What cannot be read as one is kept as prose.
    pub statement: Option<String>,
    /// propose: the statement in plain words.
    pub meaning: Option<String>,
    /// propose: what the mark would be: verified (default), needs_correction, or unverified to take a mark back.
    #[schemars(with = "Option<String>")]
    pub target: Option<MarkState>,
    /// propose: what is written wrongly.
    pub correction: Option<Correction>,
    /// propose: frames behind it, as session:seq. Left out: they are found.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// propose, decide: why.
    pub rationale: Option<String>,
    /// propose: days until it goes out of date. Default 30.
    pub expires_days: Option<i64>,
    /// check: only a part of the data.
    pub scope: Option<Scope>,
    /// decide, withdraw: which proposal.
    pub proposal_id: Option<String>,
    /// decide, where the client cannot ask the person: what they decided.
    pub accept: Option<bool>,
    /// decide, where the client cannot ask the person: their own words, exactly as they wrote them to you.
    pub human_quote: Option<String>,
    /// queue: only stale, proposal, novel or unmarked.
    #[schemars(with = "Option<String>")]
    pub reason: Option<Reason>,
    /// queue: only about this event.
    pub event: Option<String>,
    /// queue, history: most rows, 1 to 100. Default 10.
    pub limit: Option<u64>,
    /// queue, history: rows to pass over.
    pub offset: Option<u64>,
}

/// A proposal as it was made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct ProposedRow {
    /// For decide.
    pub proposal_id: String,
    /// Its subject.
    pub subject: String,
    /// Whether the same one was open already.
    pub already_open: bool,
    /// theoretical, observed or corroborated.
    pub tier: String,
    /// The statement in its canonical form.
    pub statement: String,
    /// Why nothing can check it: where it cannot be read as a statement.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub prose_because: Option<String>,
    /// Cases that contradict it.
    pub contradicts: u64,
    /// Cases that support it.
    pub supports: u64,
    /// Games of the cases.
    pub games: u64,
    /// Sessions of the cases.
    pub sessions: u64,
    /// Frames behind it.
    pub evidence: Vec<Evidence>,
    /// The question for the person, exactly as it is to be put.
    pub question: String,
}

/// A decision.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct DecisionRow {
    /// The subject.
    pub subject: String,
    /// Whether the person accepted.
    pub accepted: bool,
    /// The subject's badge now.
    pub badge: String,
    /// The mark.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mark_id: Option<String>,
    /// How it is known that a person decided: elicited or relayed.
    pub authority: String,
    /// What shows a correction from now on.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub affects: Vec<String>,
}

/// What came of it: one member per action.
#[derive(Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Output {
    /// What should be looked at next, the first first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub queue: Option<Vec<Item>>,
    /// What the check found. Counter-examples first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub check: Option<CheckResult>,
    /// The proposal.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub proposal: Option<ProposedRow>,
    /// The decision.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub decision: Option<DecisionRow>,
    /// What happened to the subject, oldest first.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub history: Option<Vec<Event>>,
    /// What the rechecks found.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recheck: Option<Vec<Rechecked>>,
    /// What to know about this answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Whether there is more.
    pub truncated: bool,
    /// How to go on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

impl AgentTool for Verify {
    const NAME: &'static str = "verify";
    const TITLE: &'static str = "Check, propose and decide what is true of the protocol";
    const DESCRIPTION: &'static str = "\
Checks statements about the protocol against all recorded data, proposes marks, and has a person decide. Use it to find \
out whether something holds, and to keep what was found out; to look around first, describe_protocol.

- queue: what to look at next: stale marks (newer data contradict them), open proposals, novel events and fields.
- check {statement, scope?}: cases for and against, the first counter-examples as frames, the SQL that counted.
- propose {subject, statement, correction?}: you may propose any number. Evidence is found in the data when left out. \
Answers with the question for the person.
- decide {proposal_id}: only people decide. The client asks the person in a form; where it cannot, ask them yourself \
with the question of the proposal, then call with accept and human_quote, their own words. Never make up a quote: it is \
stored, and shown as relayed.
- history {subject}: all decisions, who, why, on which frames. recheck {subject?}: marked statements on today's data.

Statements: on EVENT: CONDITION (fields, == != < <= > >=, + - * /, between, in {..}, is TYPE, is present, is absent in \
PHASE, unit UNIT, implies, when), on EVENT: FIELD never rises in the same game, X follows Y within N ms, recompute \
fairness, recompute sidebet outcome. An error shows where and an example.

A mark needs stored frames; what is in no frame stays unverified. canonical = verified by a person and corroborated by \
the data.

Examples: {\"action\": \"queue\"}
{\"action\": \"check\", \"statement\": \"on gameStateUpdate: rugged == true implies active == true\"}
{\"action\": \"propose\", \"subject\": \"unit:gameStateUpdate#$.cooldownTimer\", \"statement\": \"on gameStateUpdate: \
cooldownTimer unit ms from 0 to 40000\", \"correction\": {\"kind\": \"unit\", \"old\": \"s\", \"new\": \"ms\"}}";
    const EXAMPLE: &'static str = r#"{"action": "queue"}"#;
    const TIME: Duration = Duration::from_secs(700);
    const READS: &'static [DocType] = &[DocType::WsEvent];
    type Args = Args;
    type Output = Output;

    fn annotations() -> ToolAnnotations {
        ToolAnnotations::new().read_only(false).destructive(false).idempotent(false).open_world(true)
    }

    async fn call(_app: Arc<App>, _args: Args, _cancel: CancellationToken) -> Result<Output, ToolError> {
        Err(ToolError::new(
            "Nothing was done",
            "this tool is called with the person behind the client",
            Self::EXAMPLE,
        ))
    }

    async fn call_for(
        app: Arc<App>,
        args: Args,
        cancel: CancellationToken,
        person: Person,
    ) -> Result<Reply<Output>, ToolError> {
        match args.action {
            Action::Queue => queue(&app.reviews, args, &cancel).await.map(Reply::Done),
            Action::Check => run_check(&app, args, cancel).await.map(Reply::Done),
            Action::Propose => propose(&app.reviews, args, person.client(), &cancel).await.map(Reply::Done),
            Action::Decide => decide(&app, args, &person, &cancel).await,
            Action::Withdraw => {
                let id = needed(args.proposal_id.as_deref(), "proposal_id", r#"{"action": "queue"}"#)?;
                let taken =
                    app.reviews.withdraw(id, Actor::agent(person.client())).map_err(|error| refused(&error))?;
                let note = format!("proposal {} about {} is withdrawn", taken.proposal_id, taken.subject);
                Ok(Reply::Done(Output { note: Some(note), ..Output::default() }))
            }
            Action::History => history(&app.reviews, args).await.map(Reply::Done),
            Action::Recheck => {
                let subject = args.subject.as_deref().map(key).transpose()?;
                let found =
                    app.reviews.recheck(subject.as_deref(), &cancel).await.map_err(|error| refused(&error))?;
                let note = found.is_empty().then(|| "no mark with a statement that can be checked".to_owned());
                Ok(Reply::Done(Output { recheck: Some(found), note, ..Output::default() }))
            }
        }
    }
}

async fn queue(reviews: &Arc<ReviewService>, args: Args, cancel: &CancellationToken) -> Result<Output, ToolError> {
    if let Err(error) = reviews.recheck_due(cancel).await {
        tracing::warn!(%error, "the marks were not checked on the newest data");
    }
    let filter = QueueFilter { reason: args.reason, event: args.event.clone() };
    let (asked, view) = (Arc::clone(reviews), reviews.view());
    let items = tokio::task::spawn_blocking(move || asked.queue(&filter)).await;
    let items = items.map_err(|error| stopped(&error))?.map_err(|error| refused(&error))?;
    let broken = view.ok().and_then(|view| view.broken);
    let note = broken.map(|broken| {
        format!("the verification log is damaged, {broken}; marks behind that line are not in force. Ask the user to run `replayer verify log`")
    });
    let (rows, truncated, next) = page(items, &args, ROWS);
    let next = next.or_else(|| {
        let open = rows.iter().find_map(|item| item.proposal_id.as_ref());
        open.map(|id| {
            format!(r#"verify {{"action": "decide", "proposal_id": "{id}"}} puts one before the person"#)
        })
    });
    Ok(Output { queue: Some(rows), note, truncated, next, ..Output::default() })
}

async fn run_check(app: &Arc<App>, args: Args, cancel: CancellationToken) -> Result<Output, ToolError> {
    const NEXT: &str = r#"verify {"action": "check", "statement": "on gameStateUpdate: price >= 0"}"#;
    let text = needed(args.statement.as_deref(), "statement", NEXT)?;
    let event = args.subject.as_deref().map(subject).transpose()?.map(|subject| subject.event_name);
    let statement = Statement::parse_about(text, event.as_deref())
        .map_err(|error| ToolError::new("Nothing was checked", error.to_string(), NEXT))?;
    let scope = args.scope.unwrap_or_default();
    let (explorer, named) = (Arc::clone(app.reviews.explorer()), statement.clone());
    let names = tokio::task::spawn_blocking(move || explorer.knows_names(&named)).await;
    names.map_err(|error| stopped(&error))?.map_err(|error| unchecked(&ReviewError::Unknown(error)))?;
    let found = check(&app.sql, &statement, &scope, cancel).await.map_err(|error| unchecked(&error.into()))?;
    let next = if found.contradicts > 0 {
        "get_events with a counter-example's session_id and seq; a narrower statement, or a correction to propose"
    } else if found.supports > 0 {
        r#"verify {"action": "propose", "subject": "…", "statement": "…"} if it is worth keeping"#
    } else {
        "nothing stored decides it: describe_protocol shows whether its fields are there"
    };
    Ok(Output { check: Some(found), next: Some(next.to_owned()), ..Output::default() })
}

async fn propose(
    reviews: &ReviewService,
    args: Args,
    client: Option<String>,
    cancel: &CancellationToken,
) -> Result<Output, ToolError> {
    const NEXT: &str = r#"verify {"action": "propose", "subject": "field:playerUpdate#$.cash", "statement": "on playerUpdate: cash >= 0"}"#;
    let draft = Draft {
        subject: needed(args.subject.as_deref(), "subject", NEXT)?.to_owned(),
        target: args.target.unwrap_or(MarkState::Verified),
        statement: needed(args.statement.as_deref(), "statement", NEXT)?.to_owned(),
        meaning: args.meaning,
        correction: args.correction,
        evidence: args.evidence,
        rationale: args.rationale,
        expires_days: args.expires_days,
    };
    let made = reviews.propose(draft, Actor::agent(client), cancel).await.map_err(|error| refused(&error))?;
    let next = format!(
        r#"verify {{"action": "decide", "proposal_id": "{}"}} puts it before the person"#,
        made.proposal.proposal_id
    );
    Ok(Output { proposal: Some(proposed(made)), next: Some(next), ..Output::default() })
}

fn proposed(made: Proposed) -> ProposedRow {
    ProposedRow {
        subject: made.proposal.subject.key(),
        already_open: made.already,
        tier: made.tier.as_str().to_owned(),
        statement: made.proposal.statement,
        prose_because: made.prose_because,
        contradicts: made.proposal.support.counterexamples,
        supports: made.proposal.support.events,
        games: made.proposal.support.games,
        sessions: made.proposal.support.sessions,
        evidence: made.proposal.evidence,
        question: made.question,
        proposal_id: made.proposal.proposal_id,
    }
}

/// What the form has.
#[derive(Debug, Deserialize)]
struct Form {
    decision: String,
    #[serde(default)]
    rationale: Option<String>,
    #[serde(default)]
    confidence: Option<String>,
}

fn form() -> ElicitationSchema {
    let text = |title: &str| {
        PrimitiveSchemaDefinition::String(StringSchema::new().title(title.to_owned()).max_length(2_000))
    };
    let decision = EnumSchema::builder(vec!["accept".into(), "reject".into()]).title("Your decision").build();
    ElicitationSchema::builder()
        .required_enum_schema("decision", decision)
        .property("rationale", text("Why (kept with the decision)"))
        .property("confidence", text("How sure you are"))
        .build_unchecked()
}

async fn decide(
    app: &Arc<App>,
    args: Args,
    person: &Person,
    cancel: &CancellationToken,
) -> Result<Reply<Output>, ToolError> {
    let id =
        needed(args.proposal_id.as_deref(), "proposal_id", r#"verify {"action": "queue", "reason": "proposal"}"#)?;
    let reviews = &app.reviews;
    let ask = person.has_answer() || person.can_be_asked();
    let asked = if ask {
        // An answer is decided on with the data of its own moment; the question need not be put together again.
        let message = if person.has_answer() {
            String::new()
        } else {
            reviews.prepare(id, cancel).await.map_err(|error| refused(&error))?.question
        };
        person.ask(&app.questions, &format!("verify decide {id}"), message, form(), cancel).await?
    } else {
        Asked::Unable
    };
    let (verdict, by) = match asked {
        Asked::Required(required) => return Ok(Reply::Required(required)),
        Asked::Declined => {
            return Err(ToolError::new(
                "Nothing was decided",
                "the person closed the question without a decision; the proposal stays open",
                "do not ask again unless the person wants to; verify {\"action\": \"queue\"} shows what is open",
            ));
        }
        Asked::Answered(content) => {
            let form: Form = serde_json::from_value(content).map_err(|error| {
                ToolError::new(
                    "Nothing was decided",
                    format!("the form came back without a decision: {error}"),
                    "the same call again",
                )
            })?;
            let accept = match form.decision.as_str() {
                "accept" => true,
                "reject" => false,
                other => {
                    let why = format!("the form's decision is neither accept nor reject: {other:?}");
                    return Err(ToolError::new("Nothing was decided", why, "the same call again"));
                }
            };
            let verdict = Verdict { accept, rationale: form.rationale, confidence: form.confidence };
            (verdict, Actor::person(Authority::Elicited, person.client()))
        }
        Asked::Unable => {
            let (Some(quote), Some(accept)) = (args.human_quote.as_deref(), args.accept) else {
                return Err(unasked(reviews, id, cancel).await);
            };
            let verdict = Verdict { accept, rationale: args.rationale, confidence: None };
            (verdict, Actor::relayed(person.client(), quote))
        }
    };
    let authority = by.authority;
    let decided = reviews.decide(id, verdict, by, cancel).await.map_err(|error| refused(&error))?;
    let note = (authority == Authority::Relayed && decided.mark.is_some() && !reviews.policy().relayed_is_enough).then(|| {
        "relayed words do not give the canonical badge here: `replayer protocol review` on the person's terminal does, or \
         `serve --relayed canonical`"
            .to_owned()
    });
    Ok(Reply::Done(Output { decision: Some(decision(decided, authority)), note, ..Output::default() }))
}

/// The client cannot ask and nobody's words came along: what to put before the person.
async fn unasked(reviews: &ReviewService, id: &str, cancel: &CancellationToken) -> ToolError {
    match reviews.prepare(id, cancel).await {
        Ok(prepared) => ToolError::new(
            format!("Nothing was decided. {PEOPLE_DECIDE}"),
            format!(
                "This client cannot ask the person. Put this question to them, word for word:\n{}\n",
                prepared.question
            ),
            format!(
                "when they have answered, verify {{\"action\": \"decide\", \"proposal_id\": {id:?}, \"accept\": true or false, \
                 \"human_quote\": \"their words\"}}; or they run `replayer protocol review` on a terminal"
            ),
        ),
        Err(error) => refused(&error),
    }
}

fn decision(decided: Decided, authority: Authority) -> DecisionRow {
    let corrects = decided.mark.as_ref().is_some_and(|mark| mark.correction.is_some());
    DecisionRow {
        subject: decided.subject,
        accepted: decided.mark.is_some(),
        badge: decided.badge,
        mark_id: decided.mark.map(|mark| mark.mark_id),
        authority: authority.as_str().to_owned(),
        affects: if corrects { Correction::AFFECTS.map(str::to_owned).to_vec() } else { Vec::new() },
    }
}

async fn history(reviews: &Arc<ReviewService>, args: Args) -> Result<Output, ToolError> {
    let wanted = args.subject.as_deref().map(subject).transpose()?;
    let asked = Arc::clone(reviews);
    let events = tokio::task::spawn_blocking(move || asked.history(wanted.as_ref())).await;
    let events = events.map_err(|error| stopped(&error))?.map_err(|error| refused(&error))?;
    let note = events.is_empty().then(|| "nothing was proposed or decided about it yet".to_owned());
    let (rows, truncated, next) = page(events, &args, ROWS);
    Ok(Output { history: Some(rows), note, truncated, next, ..Output::default() })
}

/// One page, in rows and in bytes.
fn page<T: Serialize>(rows: Vec<T>, args: &Args, usual: u64) -> (Vec<T>, bool, Option<String>) {
    let total = rows.len();
    let offset = usize::try_from(args.offset.unwrap_or(0)).unwrap_or(usize::MAX);
    let limit = usize::try_from(bounded(args.limit, usual, MAX_ROWS)).unwrap_or(1);
    let mut bytes = 0;
    let kept: Vec<T> = rows
        .into_iter()
        .skip(offset)
        .take(limit)
        .take_while(|row| {
            let first = bytes == 0;
            bytes += serde_json::to_string(row).map_or(0, |text| text.len() as u64);
            first || bytes < RESULT_BYTES - 4_000
        })
        .collect();
    let end = offset.saturating_add(kept.len());
    let more = end < total;
    let next = more
        .then(|| format!("the same call with \"offset\": {end}: {} of {total} are still to come", total - end));
    (kept, more, next)
}

fn needed<'a>(given: Option<&'a str>, name: &str, next: &str) -> Result<&'a str, ToolError> {
    given
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| ToolError::new("Nothing was done", format!("this action needs {name}"), next))
}

fn subject(text: &str) -> Result<Subject, ToolError> {
    text.parse().map_err(|error: crate::verify::subject::BadSubject| refused(&error.into()))
}

fn key(text: &str) -> Result<String, ToolError> {
    subject(text).map(|subject| subject.key())
}

fn stopped(error: &tokio::task::JoinError) -> ToolError {
    ToolError::new("Nothing was done", error.to_string(), "the same call again")
}

/// The error of a check, which writes nothing in any case.
fn unchecked(error: &ReviewError) -> ToolError {
    let next = match error {
        error if error.is_cancelled() => return refused(error),
        ReviewError::Unknown(ExploreError::UnknownEvent { nearest, .. }) => nearest
            .first()
            .map(|name| format!("the same check on {name}; describe_protocol {{}} lists all events")),
        ReviewError::Unknown(ExploreError::UnknownField { event, nearest, .. }) => nearest.first().map(|path| {
            format!("the same check with {path}; describe_protocol {{\"event\": {event:?}}} lists its fields")
        }),
        ReviewError::Check(CheckError::Scope(_)) => Some("the same check with such a scope".to_owned()),
        _ => None,
    };
    let next = next.unwrap_or_else(|| {
        r#"verify {"action": "check", "statement": "on gameStateUpdate: price >= 0"}"#.to_owned()
    });
    ToolError::new("Nothing was checked", error.to_string(), next)
}

/// The error with the call that gets on from there.
pub fn refused(error: &ReviewError) -> ToolError {
    if error.is_cancelled() {
        return ToolError::cancelled("the client asked for it");
    }
    let next = match error {
        ReviewError::Unknown(ExploreError::UnknownEvent { nearest, .. }) => nearest.first().map_or_else(
            || "describe_protocol {}".to_owned(),
            |name| format!("the same call with the subject \"event:{name}\"; describe_protocol {{}} lists all events"),
        ),
        ReviewError::Unknown(ExploreError::UnknownField { event, nearest, .. }) => nearest.first().map_or_else(
            || format!("describe_protocol {{\"event\": {event:?}}}"),
            |path| format!("the same call with the subject \"field:{event}#{path}\""),
        ),
        ReviewError::Unknown(ExploreError::UnknownValue { event, path, values, .. }) => values.first().map_or_else(
            || format!("describe_protocol {{\"event\": {event:?}, \"field\": {path:?}}}"),
            |value| format!("the same call with the subject \"enum_value:{event}#{path}={value}\""),
        ),
        ReviewError::Subject(_) => "the same call with such a subject; describe_protocol lists events and fields".to_owned(),
        ReviewError::Evidence(_) => {
            "the same call without evidence: it is then found; or with refs of frames of that event, from query_sql".to_owned()
        }
        ReviewError::Rule(Violation::NoPerson(_)) => {
            r#"verify {"action": "decide", "proposal_id": "…", "accept": true, "human_quote": "the person's own words"}"#.to_owned()
        }
        ReviewError::Rule(Violation::UnknownProposal { .. } | Violation::Over { .. }) => {
            r#"verify {"action": "queue", "reason": "proposal"}"#.to_owned()
        }
        ReviewError::Rule(Violation::NoEvidence(_)) => {
            "record or import data that shows it first; until then it stays a claim of documents".to_owned()
        }
        ReviewError::Rule(Violation::Elsewhere { .. }) => {
            "the same call with a statement about the subject, or with the subject that the statement is about".to_owned()
        }
        ReviewError::Rule(Violation::NoSupport { .. }) => {
            r#"verify {"action": "check", "statement": "…"} shows the cases; then a statement that holds, or a correction"#.to_owned()
        }
        ReviewError::Statement(error) => format!("the same call with a statement like \"{}\", or in plain words without signs", error.example),
        ReviewError::Rule(_) => r#"verify {"action": "history", "subject": "…"}"#.to_owned(),
        ReviewError::Check(_) => "a narrower scope, or the same call again".to_owned(),
        ReviewError::Store(_) | ReviewError::Unknown(_) => {
            "ask the user to run `replayer verify log` and `replayer doctor`, then the same call again".to_owned()
        }
    };
    ToolError::new("Nothing was written", error.to_string(), next)
}
