//! A chat completion as it is answered.

use serde::Serialize;
use shared::model::{Citation, ContentPart, FinishReason, Message, Run, RunId, Usage};

/// An answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatCompletion)]
pub(crate) struct Completion {
    /// `chatcmpl-` and the digits of its run.
    id: String,
    object: &'static str,
    /// When it was asked, in Unix seconds.
    created: i64,
    /// The model that answered.
    model: String,
    /// One.
    choices: Vec<ChoiceView>,
    /// What was used, as the provider counted it. Absent if it did not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<UsageView>,
}

/// The answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatChoice)]
pub(crate) struct ChoiceView {
    index: u32,
    message: MessageView,
    /// Always `null`.
    logprobs: Option<bool>,
    finish_reason: &'static str,
}

/// What the model said.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatAnswer)]
pub(crate) struct MessageView {
    role: &'static str,
    /// `null` where there are calls alone.
    content: Option<String>,
    /// Always `null`: what models refuse stands in `content`.
    refusal: Option<String>,
    /// What it called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    tool_calls: Vec<CallView>,
    /// What of documents supports it.
    annotations: Vec<Annotation>,
}

/// A call.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatCall)]
pub(crate) struct CallView {
    id: String,
    r#type: &'static str,
    function: FunctionView,
}

/// What is called.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatCallFunction)]
pub(crate) struct FunctionView {
    name: String,
    arguments: String,
}

/// What of a document supports an answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFileCitation)]
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

/// What was used, in tokens.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiChatUsage)]
pub(crate) struct UsageView {
    prompt_tokens: u64,
    completion_tokens: u64,
    total_tokens: u64,
    prompt_tokens_details: PromptDetails,
    completion_tokens_details: CompletionDetails,
}

/// Of the prompt.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiPromptTokensDetails)]
pub(crate) struct PromptDetails {
    cached_tokens: u64,
}

/// Of the answer.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiCompletionTokensDetails)]
pub(crate) struct CompletionDetails {
    reasoning_tokens: u64,
}

impl Completion {
    /// The answer of a run.
    pub(super) fn new(run: &Run, message: Message) -> Self {
        let Message {
            content,
            parts,
            answer,
            ..
        } = message;
        let calls = parts.into_iter().filter_map(|part| match part {
            ContentPart::ToolCall(call) => Some(CallView {
                id: call.id,
                r#type: "function",
                function: FunctionView {
                    name: call.name,
                    arguments: call.arguments,
                },
            }),
            _ => None,
        });
        let tool_calls: Vec<CallView> = calls.collect();
        let reason = (answer.as_ref()).map_or(FinishReason::Stop, |answer| answer.finish_reason);
        let model =
            (answer.as_ref()).map_or_else(|| run.model.clone(), |answer| answer.model.clone());
        let usage = answer.as_ref().and_then(|answer| answer.usage);
        let citations = answer.map(|answer| answer.citations).unwrap_or_default();
        Self {
            id: id(run.id),
            object: "chat.completion",
            created: run.created_at.unix_seconds(),
            model,
            choices: vec![ChoiceView {
                index: 0,
                message: MessageView {
                    role: "assistant",
                    content: Some(content).filter(|text| !text.is_empty() || tool_calls.is_empty()),
                    refusal: None,
                    tool_calls,
                    annotations: citations.into_iter().map(Annotation::from).collect(),
                },
                logprobs: None,
                finish_reason: finish_reason(reason),
            }],
            usage: usage.map(UsageView::from),
        }
    }
}

impl From<Citation> for Annotation {
    fn from(citation: Citation) -> Self {
        Self {
            r#type: "file_citation",
            file_id: citation.document_id.to_string(),
            filename: citation.document_name,
            index: citation.answer_end,
            quote: citation.quote,
        }
    }
}

impl From<Usage> for UsageView {
    fn from(usage: Usage) -> Self {
        Self {
            prompt_tokens: usage.input_tokens,
            completion_tokens: usage.output_tokens,
            total_tokens: usage.input_tokens.saturating_add(usage.output_tokens),
            prompt_tokens_details: PromptDetails {
                cached_tokens: usage.cached_input_tokens,
            },
            completion_tokens_details: CompletionDetails {
                reasoning_tokens: usage.reasoning_tokens,
            },
        }
    }
}

/// The id of what a run answers.
pub(super) fn id(run: RunId) -> String {
    let digits = shared::model::ResponseId::of_run(run).digits();
    format!("chatcmpl-{digits}")
}

/// Why a model stopped. Answers that somebody stopped are errors and not answered.
pub(super) const fn finish_reason(reason: FinishReason) -> &'static str {
    match reason {
        FinishReason::Length => "length",
        FinishReason::ContentFilter => "content_filter",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::Stop | FinishReason::Cancelled | FinishReason::Interrupted => "stop",
    }
}
