//! What was answered, as items.

use serde::Serialize;

use super::thoughts;
use crate::model::{Citation, ContentPart, FinishReason, Message, MessageId};

/// An item that was answered.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiOutputItem)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum OutputItem {
    /// What was searched before.
    FileSearchCall {
        /// Its id.
        id: String,
        /// Always `completed`.
        status: &'static str,
        /// What was searched for: what was asked.
        queries: Vec<String>,
        /// Always `null`.
        results: Option<bool>,
    },
    /// What the model thought.
    Reasoning {
        /// Its id.
        id: String,
        /// Always empty.
        summary: Vec<String>,
        /// As much of it as the provider shows.
        content: Vec<TextPart>,
        /// What the provider wants back, if that was asked for.
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<String>,
    },
    /// What it says.
    Message {
        /// Its id.
        id: String,
        /// `completed` or `incomplete`.
        status: &'static str,
        /// Always `assistant`.
        role: &'static str,
        /// One text.
        content: Vec<OutputText>,
    },
    /// What it calls.
    FunctionCall {
        /// Its id.
        id: String,
        /// By which its result is told from others.
        call_id: String,
        /// The function.
        name: String,
        /// A JSON object as text.
        arguments: String,
        /// `completed` or `incomplete`.
        status: &'static str,
    },
}

/// Text of what a model thought.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiThoughtText)]
pub struct TextPart {
    r#type: &'static str,
    text: String,
}

/// Text of an answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiOutputText)]
pub struct OutputText {
    /// Always `output_text`.
    pub r#type: &'static str,
    /// It.
    pub text: String,
    /// What of documents supports it.
    pub annotations: Vec<Annotation>,
    /// Always empty.
    pub logprobs: Vec<f64>,
}

/// What of a document supports an answer.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = OpenAiFileAnnotation)]
pub struct Annotation {
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

/// Why an answer that ended so is not whole, in OpenAI's words. `None` where it is.
pub const fn incomplete(reason: FinishReason) -> Option<&'static str> {
    match reason {
        FinishReason::Length => Some("max_output_tokens"),
        FinishReason::ContentFilter => Some("content_filter"),
        FinishReason::Stop
        | FinishReason::ToolCalls
        | FinishReason::Cancelled
        | FinishReason::Interrupted => None,
    }
}

/// The items of a model's message.
pub fn answered(message: &Message, encrypted: bool) -> Vec<OutputItem> {
    let whole = message.answer.as_ref().map(|answer| answer.finish_reason);
    let broken = [FinishReason::Cancelled, FinishReason::Interrupted];
    let whole =
        whole.is_none_or(|reason| incomplete(reason).is_none() && !broken.contains(&reason));
    let status = if whole { "completed" } else { "incomplete" };
    let parts = message.all_parts();
    let parts = parts.iter().filter(|part| !is_blank(part));
    let mut items: Vec<OutputItem> = parts
        .zip(numbers(message))
        .map(|(part, number)| item(message.id, number, part, status, encrypted))
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
pub(super) fn is_blank(part: &ContentPart) -> bool {
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

/// The numbers of a message's items: those of what was taken out of it are nobody's any more.
pub(super) fn numbers(message: &Message) -> impl Iterator<Item = usize> {
    let gone = |number: &usize| message.removed.iter().any(|gone| *gone as usize == *number);
    (0..).filter(move |number| !gone(number))
}

/// The part of a model's message that is the item with that number.
pub fn answered_part(message: &Message, number: usize) -> Option<ContentPart> {
    let parts = message.all_parts();
    let parts = parts.iter().filter(|part| !is_blank(part));
    let mut numbered = numbers(message).zip(parts);
    let (_, part) = numbered.find(|(of, _)| *of == number)?;
    Some(part.clone())
}

/// What an item's id says: its type, the digits of its message, and its number there. `None` if it is no item's.
pub fn named(id: &str) -> Option<(&str, &str, usize)> {
    let (kind, rest) = id.split_once('_')?;
    let (digits, number) = rest.split_once('_')?;
    Some((kind, digits, number.parse().ok()?))
}

/// The message that an item with that id belongs to. `None` if it is no id of an item.
pub fn message_of(id: &str) -> Option<MessageId> {
    let (kind, digits, number) = named(id)?;
    let message = format!("msg_{digits}").parse().ok()?;
    (item_id(kind, message, number) == id && KINDS.contains(&kind)).then_some(message)
}

/// What the ids of items begin with.
const KINDS: [&str; 5] = ["msg", "rs", "fc", "fco", "fs"];

/// The id of an item: its type, the digits of its message, and its number there.
pub fn item_id(prefix: &str, message: MessageId, number: usize) -> String {
    let message = message.to_string();
    let digits = message.trim_start_matches("msg_");
    format!("{prefix}_{digits}_{number}")
}

impl OutputItem {
    /// What was searched for.
    pub fn search(answer: MessageId, queries: &[String]) -> Self {
        Self::FileSearchCall {
            id: item_id("fs", answer, 0),
            status: "completed",
            queries: queries.to_vec(),
            results: None,
        }
    }
}

impl OutputText {
    /// Text that nothing supports.
    pub const fn new(text: String) -> Self {
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
