//! The MCP tools: one file each, all of the same shape ([`AgentTool`]): arguments, description, call, result.
//!
//! The texts here are product copy: a model decides by them which tool to call and how. [`router`] mounts the
//! tools on the server, [`readme_table`] prints them for the README.

pub mod app_chart_points;
pub mod app_stream;
pub mod ask;
pub mod capture;
pub mod check_fairness;
pub mod describe_protocol;
pub mod export_dataset;
pub mod get_events;
pub mod get_game;
pub mod live_state;
pub mod query_sql;
pub mod replay;
pub mod search;
pub mod show_chart;
mod simplify_schema;
pub mod verify;

use std::fmt::Write as _;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use rmcp::handler::server::router::tool::ToolRouter;
use rmcp::handler::server::tool::{ToolCallContext, ToolRoute, schema_for_input, schema_for_output};
use rmcp::model::{CallToolResult, ContentBlock, InputRequiredResult, JsonObject, Tool, ToolAnnotations};
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use tokio_util::sync::CancellationToken;

use crate::server::errors::ToolError;
use crate::server::person::Person;
use crate::server::ui::{self, Ui};
use crate::server::{App, Server};
use crate::store::schema::DocType;

/// Bytes of JSON a result may have unless the caller asks for more: about ten thousand tokens, where Claude Code
/// begins to warn.
pub const RESULT_BYTES: u64 = 36_000;

/// Most bytes of JSON a caller may ask for with `max_bytes`.
pub const MAX_RESULT_BYTES: u64 = 1_000_000;

/// A picture that goes beside a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// What kind of file: `image/png`.
    pub mime_type: &'static str,
}

/// One tool. Each lives in a file of its own, with its tests.
pub trait AgentTool: 'static {
    /// Name on the wire; the list is sorted by it.
    const NAME: &'static str;
    /// Name for people.
    const TITLE: &'static str;
    /// When to use it and what comes back, with an example; at most 2 KB. The first sentence goes to the README.
    const DESCRIPTION: &'static str;
    /// Arguments of a typical call, as JSON. Shown when arguments cannot be read.
    const EXAMPLE: &'static str;
    /// How long a call may take.
    const TIME: Duration;
    /// The kinds of rows that its answers are made from: an answer names parts of them that are damaged or gone.
    const READS: &'static [DocType];
    /// Whether a page shows the result, or only pages call it.
    const UI: Ui = Ui::None;
    /// Arguments as they are sent.
    type Args: DeserializeOwned + JsonSchema + Send + 'static;
    /// The result: an object, or older clients would not get a schema.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// What a host may assume about a call.
    fn annotations() -> ToolAnnotations;

    /// Takes the pictures out of a result, to be sent as image content behind its JSON.
    fn images(_output: &mut Self::Output) -> Vec<Image> {
        Vec::new()
    }

    /// Does it. `cancel` says when to stop.
    fn call(
        app: Arc<App>,
        args: Self::Args,
        cancel: CancellationToken,
    ) -> impl Future<Output = Result<Self::Output, ToolError>> + Send + 'static;

    /// The same for tools that may have to ask the person at the client.
    fn call_for(
        app: Arc<App>,
        args: Self::Args,
        cancel: CancellationToken,
        person: Person,
    ) -> impl Future<Output = Result<Reply<Self::Output>, ToolError>> + Send + 'static {
        drop(person);
        async move { Self::call(app, args, cancel).await.map(Reply::Done) }
    }
}

/// What a call gives.
pub enum Reply<T> {
    /// Its result.
    Done(T),
    /// The client has to ask the person and call again.
    Required(Box<InputRequiredResult>),
}

/// All tools. Those for pages only are hidden from hosts without pages when they list ([`ui::for_client`]).
pub fn router() -> ToolRouter<Server> {
    ToolRouter::new()
        .with_route(route::<app_chart_points::AppChartPoints>())
        .with_route(route::<app_stream::AppStream>())
        .with_route(route::<capture::Capture>())
        .with_route(route::<check_fairness::CheckFairness>())
        .with_route(route::<describe_protocol::DescribeProtocol>())
        .with_route(route::<export_dataset::ExportDataset>())
        .with_route(route::<get_events::GetEvents>())
        .with_route(route::<get_game::GetGame>())
        .with_route(route::<live_state::LiveState>())
        .with_route(route::<query_sql::QuerySql>())
        .with_route(route::<replay::Replay>())
        .with_route(route::<search::Search>())
        .with_route(route::<show_chart::ShowChart>())
        .with_route(route::<verify::Verify>())
}

/// The tools as a Markdown table: name, what it does, whether it only reads.
pub fn readme_table() -> String {
    let mut table = String::from("| tool | does | changes anything |\n|---|---|---|\n");
    for tool in router().list_all().iter().filter(|tool| !ui::is_app_only(tool)) {
        let reads = tool.annotations.as_ref().and_then(|hints| hints.read_only_hint) == Some(true);
        let first = first_sentence(tool.description.as_deref().unwrap_or_default());
        let changes = match tool.name.as_ref() {
            capture::Capture::NAME => "starts and stops the recording",
            verify::Verify::NAME => "writes proposals and decisions",
            replay::Replay::NAME => "moves its cursors; stores own actions when asked to",
            _ if reads => "no",
            _ => "writes a file",
        };
        let _ = writeln!(table, "| `{}` | {first} | {changes} |", tool.name);
    }
    table
}

/// The tool as it is listed.
fn definition<T: AgentTool>() -> Tool {
    // Only a root that is no object makes this fail, and a test lists every tool.
    let input = schema_for_input::<T::Args>().unwrap_or_else(|reason| {
        tracing::error!(tool = T::NAME, reason, "input schema");
        Arc::new(JsonObject::new())
    });
    let input = Arc::new(simplify_schema::simplify_schema(Arc::unwrap_or_clone(input)));
    let mut output = schema_for_output::<T::Output>();
    if !T::READS.is_empty()
        && let Some(Value::Object(properties)) = Arc::make_mut(&mut output).get_mut("properties")
    {
        properties.insert(LEFT_OUT.to_owned(), left_out_schema());
    }
    let mut tool = Tool::new(T::NAME, T::DESCRIPTION, input)
        .with_title(T::TITLE)
        .with_raw_output_schema(output)
        .with_annotations(T::annotations());
    tool.meta = T::UI.meta();
    tool
}

/// Puts a tool on the server: arguments read, limits applied, result written once as text and once as data.
fn route<T: AgentTool>() -> ToolRoute<Server> {
    ToolRoute::new_dyn(definition::<T>(), |context: ToolCallContext<'_, Server>| {
        Box::pin(async move {
            let app = Arc::clone(context.service.app());
            let request = context.request_context.ct.clone();
            let person = Person::new(context.request_context, context.input_responses, context.request_state);
            let result = match arguments::<T>(context.arguments.unwrap_or_default()) {
                Ok(args) => {
                    let worker = Arc::clone(&app);
                    app.limits
                        .run(T::TIME, &request, move |cancel| T::call_for(worker, args, cancel, person))
                        .await
                }
                Err(error) => Err(error),
            };
            let left_out = if T::READS.is_empty() { Vec::new() } else { app.left_out(T::READS).await };
            let result = match result {
                Ok(Reply::Required(required)) => return Ok((*required).into()),
                Ok(Reply::Done(mut output)) => {
                    let images = T::images(&mut output);
                    answer(&output, left_out, images)
                }
                Err(error) => Err(error.but_left_out(&left_out)),
            };
            let result = result.unwrap_or_else(|error| {
                tracing::debug!(tool = T::NAME, %error, "tool error");
                error.into_result()
            });
            Ok(result.into())
        })
    })
}

/// Reads the arguments. What cannot be read is named by its path, and `next` is the call without it.
fn arguments<T: AgentTool>(sent: JsonObject) -> Result<T::Args, ToolError> {
    serde_path_to_error::deserialize(Value::Object(sent.clone())).map_err(|error| {
        let segments = error.path().iter().filter_map(|segment| match segment {
            Segment::Map { key } => Some(key.clone()),
            Segment::Seq { index } => Some(index.to_string()),
            Segment::Enum { .. } | Segment::Unknown => None,
        });
        let path: Vec<String> = segments.collect();
        let why = error.into_inner().to_string();
        // Of a name that is not known, the reason tells the name itself.
        let is_unknown = path.last().is_some_and(|last| why.starts_with(&format!("unknown field `{last}`")));
        let at = path.get(..path.len() - usize::from(is_unknown)).unwrap_or_default().join(".");
        let told = if at.is_empty() { why } else { format!("{at}: {why}") };
        let next = without::<T>(sent, &path).unwrap_or_else(|| format!("{} {}", T::NAME, T::EXAMPLE));
        ToolError::new(format!("{} was not called: its arguments cannot be read", T::NAME), told, next)
    })
}

/// The same call without the argument at `path`; `None` where it is needed, or the call would be too long to repeat.
fn without<T: AgentTool>(mut sent: JsonObject, path: &[String]) -> Option<String> {
    fn remove(value: &mut Value, path: &[String]) -> Option<()> {
        let (first, rest) = path.split_first()?;
        let is_last = rest.is_empty();
        match value {
            Value::Object(object) => {
                if !is_last {
                    remove(object.get_mut(first)?, rest)?;
                }
                // What is empty without it says nothing any more.
                if is_last || is_hollow(object.get(first)?) {
                    object.remove(first)?;
                }
            }
            Value::Array(list) => {
                let index = first.parse().ok().filter(|index| *index < list.len())?;
                if !is_last {
                    remove(list.get_mut(index)?, rest)?;
                }
                if is_last || is_hollow(list.get(index)?) {
                    list.remove(index);
                }
            }
            _ => return None,
        }
        Some(())
    }
    let mut whole = Value::Object(std::mem::take(&mut sent));
    remove(&mut whole, path)?;
    let Value::Object(left) = whole else { return None };
    serde_json::from_value::<T::Args>(Value::Object(left.clone())).ok()?;
    let call = format_call(T::NAME, &left);
    (call.len() <= LONGEST_CALL).then(|| format!("{call}, or give {} as the tool's schema says", path.join(".")))
}

/// Bytes of a call that an error repeats at most.
const LONGEST_CALL: usize = 1_000;

fn is_hollow(value: &Value) -> bool {
    value.as_object().is_some_and(JsonObject::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// A call as it is written in texts: `replay {"action": "list"}`.
pub(crate) fn format_call(tool: &str, args: &JsonObject) -> String {
    let parts: Vec<String> =
        args.iter().map(|(name, value)| format!("{}: {value}", Value::from(name.as_str()))).collect();
    format!("{tool} {{{}}}", parts.join(", "))
}

/// What damaged parts keep from an answer.
const LEFT_OUT: &str = "left_out";

fn left_out_schema() -> Value {
    serde_json::json!({
        "description": "Rows that this answer lacks because parts of the store are damaged or gone; absent when none are.",
        "type": "array", "items": {"type": "string"},
    })
}

/// The same compact JSON object as structured content and as text: hosts differ in which one the model sees. Pictures
/// follow the text.
fn answer(
    output: &impl Serialize,
    left_out: Vec<String>,
    images: Vec<Image>,
) -> Result<CallToolResult, ToolError> {
    let unwritable = |error: serde_json::Error| {
        ToolError::new("The result cannot be written as JSON", error.to_string(), "another form of the call")
    };
    let mut value = serde_json::to_value(output).map_err(unwritable)?;
    if !left_out.is_empty()
        && let Value::Object(object) = &mut value
    {
        object.insert(LEFT_OUT.to_owned(), left_out.into());
    }
    // The keys are in the struct's own order, which reads best.
    let text = serde_json::to_string(&value).map_err(unwritable)?;
    let mut result = CallToolResult::structured(value);
    result.content = vec![ContentBlock::text(text)];
    result.content.extend(images.into_iter().map(|image| {
        let base64 = base64::engine::general_purpose::STANDARD.encode(image.bytes);
        ContentBlock::image(base64, image.mime_type)
    }));
    Ok(result)
}

/// Up to the first full stop that ends a sentence.
fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

/// A limit as asked for, within bounds.
fn bounded(asked: Option<u64>, default: u64, most: u64) -> u64 {
    asked.unwrap_or(default).clamp(1, most)
}

#[cfg(test)]
mod tests;
