//! Asking the person at the client. In the older era the server sends a request of its own and waits; in the newer one it
//! answers the call with what it needs, and the client calls again with the person's answer.
//!
//! What comes back with such an answer is the client's word; that it answers a question that was really put is checked
//! here: each question has a handle that was never told to anybody but the client, is for one call's arguments, and counts
//! once.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rmcp::RoleServer;
use rmcp::model::{
    ElicitRequest, ElicitRequestParams, ElicitResult, ElicitationAction, ElicitationSchema, InputRequest,
    InputRequests, InputRequiredResult, InputResponses, ProtocolVersion,
};
use rmcp::service::RequestContext;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::errors::ToolError;

/// How long a person may take.
pub const TIMEOUT: Duration = Duration::from_secs(600);

/// Questions that wait at the same time.
const MOST: usize = 256;

/// Name of the one question in an answer of the newer era.
const QUESTION: &str = "decision";

/// Questions that were put and not yet answered, by handle.
#[derive(Debug, Default)]
pub struct Questions(Mutex<HashMap<String, (String, Instant)>>);

impl Questions {
    /// A handle for a question about `what`.
    fn put(&self, what: &str) -> String {
        let handle = Uuid::now_v7().to_string();
        let mut waiting = self.lock();
        waiting.retain(|_, (_, since)| since.elapsed() < TIMEOUT);
        if waiting.len() >= MOST
            && let Some(oldest) = waiting.iter().min_by_key(|(_, (_, since))| *since).map(|(key, _)| key.clone())
        {
            waiting.remove(&oldest);
        }
        waiting.insert(handle.clone(), (what.to_owned(), Instant::now()));
        handle
    }

    /// Whether a question about `what` was put under this handle; it counts once.
    fn take(&self, handle: &str, what: &str) -> bool {
        let taken = self.lock().remove(handle);
        taken.is_some_and(|(about, since)| about == what && since.elapsed() < TIMEOUT)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The person at the client, as one call can reach them.
pub struct Person {
    context: RequestContext<RoleServer>,
    responses: Option<InputResponses>,
    state: Option<String>,
}

/// What came of asking.
#[derive(Debug)]
pub enum Asked {
    /// The person filled in the form: its content.
    Answered(Value),
    /// The person does not want to decide now.
    Declined,
    /// The client has to ask and call again: the answer to this call.
    Required(Box<InputRequiredResult>),
    /// The client cannot ask.
    Unable,
}

impl Person {
    /// The person behind a call.
    pub fn new(
        context: RequestContext<RoleServer>,
        responses: Option<InputResponses>,
        state: Option<String>,
    ) -> Person {
        Person { context, responses, state }
    }

    /// The client's name and version, as it told.
    pub fn client(&self) -> Option<String> {
        let info = self.context.client_info()?;
        let text = format!("{} {}", info.name, info.version);
        Some(text.chars().filter(|character| !character.is_control()).take(120).collect())
    }

    /// Whether this call brings an answer.
    pub fn has_answer(&self) -> bool {
        self.responses.is_some() || self.state.is_some()
    }

    /// Whether the client says that it can show a form.
    pub fn can_be_asked(&self) -> bool {
        let capabilities = self.context.client_capabilities();
        let elicitation = capabilities.and_then(|capabilities| capabilities.elicitation);
        elicitation.is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
    }

    /// Puts a question about `what` (the call's subject, so that an answer cannot be moved to another call), or takes the
    /// answer that this call brings.
    ///
    /// # Errors
    /// When the answer does not belong to a question that was put, or cannot be read; when the client fails to ask.
    pub async fn ask(
        &self,
        questions: &Questions,
        what: &str,
        message: String,
        schema: ElicitationSchema,
        cancel: &CancellationToken,
    ) -> Result<Asked, ToolError> {
        let again =
            || "the same call without inputResponses and requestState: the person is asked anew".to_owned();
        if self.has_answer() {
            let handle = self.state.as_deref().unwrap_or_default();
            if !questions.take(handle, what) {
                let why = "it does not belong to a question that this server has put, or the question was answered already \
                           or is too old";
                return Err(ToolError::new("The answer was not taken", why, again()));
            }
            let answer = self.responses.as_ref().and_then(|responses| responses.get(QUESTION)).cloned();
            let answer: ElicitResult = serde_json::from_value(answer.unwrap_or_default())
                .map_err(|error| ToolError::new("The answer was not taken", error.to_string(), again()))?;
            return Ok(taken(answer));
        }
        if !self.can_be_asked() {
            return Ok(Asked::Unable);
        }
        let params = ElicitRequestParams::FormElicitationParams { meta: None, message, requested_schema: schema };
        if self.is_modern() {
            let mut requests = InputRequests::new();
            requests.insert(QUESTION.into(), InputRequest::Elicitation(ElicitRequest::new(params)));
            let state = questions.put(what);
            return Ok(Asked::Required(Box::new(InputRequiredResult::new(Some(requests), Some(state)))));
        }
        let asking = self.context.peer.create_elicitation_with_timeout(params, Some(TIMEOUT));
        tokio::select! {
            answer = asking => match answer {
                Ok(answer) => Ok(taken(answer)),
                Err(error) => Err(ToolError::new(
                    "The person could not be asked",
                    error.to_string(),
                    "the same call again; or ask the person to run `replayer protocol review` on a terminal",
                )),
            },
            () = cancel.cancelled() => Err(ToolError::cancelled("the client asked for it")),
        }
    }

    fn is_modern(&self) -> bool {
        self.context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
    }
}

fn taken(answer: ElicitResult) -> Asked {
    match (answer.action, answer.content) {
        (ElicitationAction::Accept, Some(content)) => Asked::Answered(content),
        _ => Asked::Declined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_once_and_for_its_own_question_only() {
        let questions = Questions::default();
        let handle = questions.put("proposal a");
        assert!(!questions.take("made up", "proposal a"));
        assert!(!questions.take(&handle, "proposal b"), "moved to another call");
        let handle = questions.put("proposal a");
        assert!(questions.take(&handle, "proposal a"));
        assert!(!questions.take(&handle, "proposal a"), "a second time");
    }
}
