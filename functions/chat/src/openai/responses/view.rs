//! A response as it is answered, and the items in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use shared::http::openai::OpenAiFailure;
use shared::model::{
    Citation, ContentPart, ConversationId, FinishReason, Message, MessageId, ResponseId, Run,
    RunStatus, Usage,
};

use super::kept::Kept;
use super::thoughts;

/// A response.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponse)]
pub(crate) struct ResponseView {
    id: ResponseId,
    object: &'static str,
    /// When it was asked, in Unix seconds.
    created_at: i64,
    /// When it was answered.
    completed_at: Option<i64>,
    /// `queued`, `in_progress`, `completed`, `failed`, `cancelled` or `incomplete`.
    pub(super) status: &'static str,
    background: bool,
    /// Why there is no answer.
    error: Option<Failure>,
    /// Why it is not whole: `max_output_tokens` or `content_filter`.
    incomplete_details: Option<Incomplete>,
    instructions: Option<String>,
    max_output_tokens: Option<u32>,
    max_tool_calls: Option<u32>,
    /// The model that answered, or is asked.
    model: String,
    /// What was answered.
    output: Vec<OutputItem>,
    parallel_tool_calls: bool,
    previous_response_id: Option<ResponseId>,
    /// The conversation that it is in.
    conversation: Option<ConversationRef>,
    #[schema(value_type = Object)]
    reasoning: Value,
    service_tier: &'static str,
    store: bool,
    temperature: Option<f64>,
    #[schema(value_type = Object)]
    text: Value,
    #[schema(value_type = Object)]
    tool_choice: Value,
    #[schema(value_type = Vec<Object>)]
    tools: Vec<Value>,
    top_p: Option<f64>,
    truncation: &'static str,
    /// What was used, as the provider counted it; `null` until it is known, and where the provider did not say.
    usage: Option<UsageView>,
    user: Option<String>,
    safety_identifier: Option<String>,
    metadata: BTreeMap<String, String>,
}

/// The conversation that a response is in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiConversationReference)]
pub(crate) struct ConversationRef {
    id: ConversationId,
}

/// Why there is no answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponseError)]
pub(crate) struct Failure {
    /// `server_error`, `rate_limit_exceeded` or `invalid_prompt`: all that this can be at OpenAI, and is here.
    code: &'static str,
    message: String,
}

/// Why an answer is not whole.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiIncompleteDetails)]
pub(crate) struct Incomplete {
    reason: &'static str,
}

/// What was used, in tokens.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiResponseUsage)]
pub(crate) struct UsageView {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

/// Of the input.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiInputTokensDetails)]
pub(crate) struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

/// Of the output.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiOutputTokensDetails)]
pub(crate) struct OutputDetails {
    reasoning_tokens: u64,
}

/// An item that was answered.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiOutputItem)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum OutputItem {
    /// What was searched before.
    FileSearchCall {
        id: String,
        status: &'static str,
        /// What was searched for: what was asked.
        queries: Vec<String>,
        /// Always `null`.
        results: Option<bool>,
    },
    /// What the model thought.
    Reasoning {
        id: String,
        summary: Vec<String>,
        content: Vec<TextPart>,
        /// What the provider wants back, if that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    /// What it says.
    Message {
        id: String,
        status: &'static str,
        role: &'static str,
        content: Vec<OutputText>,
    },
    /// What it calls.
    FunctionCall {
        id: String,
        call_id: String,
        name: String,
        arguments: String,
        status: &'static str,
    },
}

/// Text of what a model thought.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiThoughtText)]
pub(crate) struct TextPart {
    r#type: &'static str,
    text: String,
}

/// Text of an answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiOutputText)]
pub(crate) struct OutputText {
    pub(super) r#type: &'static str,
    pub(super) text: String,
    pub(super) annotations: Vec<Annotation>,
    /// Always empty.
    pub(super) logprobs: Vec<f64>,
}

/// What of a document supports an answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFileAnnotation)]
pub(crate) struct Annotation {
    r#type: &'static str,
    /// The file.
    file_id: String,
    /// What it is called.
    filename: String,
    /// Where in the text ends what it supports, in Unicode code points.
    index: u32,
    /// What stands in the file. Not OpenAI's.
    quote: String,
}

/// What has become of a run.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    /// Nothing yet.
    Going,
    /// It has this answer.
    Answered(Box<Message>),
    /// It has none: code and message.
    Failed(String, String),
    /// Somebody stopped it before there was an answer.
    Cancelled,
}

impl Outcome {
    /// As a failed run's problem document tells it.
    pub(super) fn of_problem(document: &str) -> Self {
        let failure = OpenAiFailure::of_problem(document);
        let (code, message) = failure.map_or_else(
            || ("server_error".to_owned(), "the run failed".to_owned()),
            |(_, failure)| (failure.error.code, failure.error.message),
        );
        if code == "run_cancelled" {
            return Self::Cancelled;
        }
        Self::Failed(code, message)
    }
}

impl ResponseView {
    /// The response that a run makes. `searched` says whether it has searched documents.
    pub(super) fn new(run: &Run, kept: &Kept, outcome: &Outcome, searched: bool) -> Self {
        let answer = match outcome {
            Outcome::Answered(message) => message.answer.as_ref(),
            _ => None,
        };
        let reason = answer.map(|answer| answer.finish_reason);
        let kept = kept.clone();
        Self {
            id: ResponseId::of_run(run.id),
            object: "response",
            created_at: run.created_at.unix_seconds(),
            completed_at: match outcome {
                Outcome::Answered(message) => Some(message.created_at.unix_seconds()),
                _ => None,
            },
            status: status(run.status, outcome, reason),
            background: kept.background,
            error: failure(outcome, reason),
            incomplete_details: reason
                .and_then(incomplete)
                .map(|reason| Incomplete { reason }),
            instructions: kept.instructions,
            max_output_tokens: kept.max_output_tokens,
            max_tool_calls: None,
            model: answer.map_or_else(|| run.model.clone(), |answer| answer.model.clone()),
            output: output(run, &kept.queries, kept.encrypted, outcome, searched),
            parallel_tool_calls: !kept.one_call,
            previous_response_id: kept.previous_response_id,
            conversation: kept.conversation.map(|id| ConversationRef { id }),
            reasoning: kept.reasoning,
            service_tier: "default",
            store: kept.store,
            temperature: kept.temperature,
            text: kept.text,
            tool_choice: kept.tool_choice,
            tools: kept.tools,
            top_p: kept.top_p,
            truncation: if kept.truncates { "auto" } else { "disabled" },
            usage: answer.and_then(|answer| answer.usage).map(UsageView::from),
            user: kept.user,
            safety_identifier: kept.safety_identifier,
            metadata: kept.metadata,
        }
    }
}

fn failure(outcome: &Outcome, reason: Option<FinishReason>) -> Option<Failure> {
    match outcome {
        Outcome::Failed(code, message) => Some(Failure {
            code: match code.as_str() {
                "provider_overloaded"
                | "provider_quota_exhausted"
                | "rate_limit_exceeded"
                | "insufficient_quota" => "rate_limit_exceeded",
                "invalid_value" | "context_length_exceeded" | "provider_refused" => {
                    "invalid_prompt"
                }
                _ => "server_error",
            },
            message: message.clone(),
        }),
        Outcome::Answered(_) if reason == Some(FinishReason::Interrupted) => Some(Failure {
            code: "server_error",
            message: "the process that wrote the answer died; what it had written is the output"
                .to_owned(),
        }),
        _ => None,
    }
}

fn status(run: RunStatus, outcome: &Outcome, reason: Option<FinishReason>) -> &'static str {
    match outcome {
        Outcome::Going if run == RunStatus::Queued => "queued",
        Outcome::Going => "in_progress",
        Outcome::Failed(..) => "failed",
        Outcome::Cancelled => "cancelled",
        Outcome::Answered(_) => match reason {
            Some(FinishReason::Cancelled) => "cancelled",
            Some(FinishReason::Interrupted) => "failed",
            Some(reason) if incomplete(reason).is_some() => "incomplete",
            _ => "completed",
        },
    }
}

const fn incomplete(reason: FinishReason) -> Option<&'static str> {
    match reason {
        FinishReason::Length => Some("max_output_tokens"),
        FinishReason::ContentFilter => Some("content_filter"),
        FinishReason::Stop
        | FinishReason::ToolCalls
        | FinishReason::Cancelled
        | FinishReason::Interrupted => None,
    }
}

/// The items of an answer, with what was searched before it.
fn output(
    run: &Run,
    queries: &[String],
    encrypted: bool,
    outcome: &Outcome,
    searched: bool,
) -> Vec<OutputItem> {
    let mut items = Vec::new();
    if searched {
        items.push(OutputItem::search(run.answer, queries));
    }
    if let Outcome::Answered(message) = outcome {
        items.extend(answered(message, items.len(), encrypted));
    }
    items
}

/// The items of a model's message; the first has the number `from`.
pub(super) fn answered(message: &Message, from: usize, encrypted: bool) -> Vec<OutputItem> {
    let whole = message.answer.as_ref().map(|answer| answer.finish_reason);
    let broken = [FinishReason::Cancelled, FinishReason::Interrupted];
    let whole =
        whole.is_none_or(|reason| incomplete(reason).is_none() && !broken.contains(&reason));
    let status = if whole { "completed" } else { "incomplete" };
    let parts = message.all_parts();
    let parts = parts.iter().filter(|part| !is_blank(part)).enumerate();
    let mut items: Vec<OutputItem> = parts
        .map(|(index, part)| item(message.id, from + index, part, status, encrypted))
        .collect();
    let citations = message.answer.as_ref().map(|answer| &answer.citations);
    let last = items.iter_mut().rev().find_map(|item| match item {
        OutputItem::Message { content, .. } => content.last_mut(),
        _ => None,
    });
    if let (Some(citations), Some(text)) = (citations, last) {
        text.annotations = citations.iter().map(Annotation::from).collect();
    }
    items
}

/// Whether there is nothing to see of a part: text that never came.
fn is_blank(part: &ContentPart) -> bool {
    matches!(part, ContentPart::Text { text } if text.is_empty())
}

fn item(
    message: MessageId,
    number: usize,
    part: &ContentPart,
    status: &'static str,
    encrypted: bool,
) -> OutputItem {
    match part {
        ContentPart::Reasoning(thought) => OutputItem::Reasoning {
            id: item_id("rs", message, number),
            summary: Vec::new(),
            content: match thought.text.as_str() {
                "" => Vec::new(),
                text => vec![TextPart {
                    r#type: "reasoning_text",
                    text: text.to_owned(),
                }],
            },
            encrypted_content: encrypted.then(|| thoughts::written(thought)),
        },
        ContentPart::ToolCall(call) => OutputItem::FunctionCall {
            id: item_id("fc", message, number),
            call_id: call.id.clone(),
            name: call.name.clone(),
            arguments: call.arguments.clone(),
            status,
        },
        part => OutputItem::Message {
            id: item_id("msg", message, number),
            status,
            role: "assistant",
            content: vec![OutputText::new(match part {
                ContentPart::Text { text } => text.clone(),
                _ => String::new(),
            })],
        },
    }
}

/// The id of an item: its type, the digits of its message, and its number there.
pub(super) fn item_id(prefix: &str, message: MessageId, number: usize) -> String {
    let message = message.to_string();
    let digits = message.trim_start_matches("msg_");
    format!("{prefix}_{digits}_{number}")
}

impl OutputItem {
    /// What was searched for.
    pub(super) fn search(answer: MessageId, queries: &[String]) -> Self {
        Self::FileSearchCall {
            id: item_id("fs", answer, 0),
            status: "completed",
            queries: queries.to_vec(),
            results: None,
        }
    }
}

impl OutputText {
    pub(super) const fn new(text: String) -> Self {
        Self {
            r#type: "output_text",
            text,
            annotations: Vec::new(),
            logprobs: Vec::new(),
        }
    }
}

impl From<&Citation> for Annotation {
    fn from(citation: &Citation) -> Self {
        Self {
            r#type: "file_citation",
            file_id: citation.document_id.to_string(),
            filename: citation.document_name.clone(),
            index: citation.answer_end,
            quote: citation.quote.clone(),
        }
    }
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            input_tokens_details: InputDetails {
                cached_tokens: usage.cached_input_tokens,
                cache_write_tokens: usage.cache_write_tokens,
            },
            output_tokens: usage.output_tokens,
            output_tokens_details: OutputDetails {
                reasoning_tokens: usage.reasoning_tokens,
            },
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
        }
    }
}
