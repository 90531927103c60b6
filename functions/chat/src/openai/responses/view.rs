//! A response as it is answered, and the items in it.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use shared::http::openai::OpenAiFailure;
use shared::http::openai::items::{OutputItem, answered, incomplete};
use shared::model::{ConversationId, FinishReason, Message, ResponseId, Run, RunStatus, Usage};

use super::kept::Kept;

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
    #[schema(value_type = super::tools::Choice)]
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
        items.extend(answered(message, encrypted));
    }
    items
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
