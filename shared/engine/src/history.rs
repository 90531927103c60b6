//! Stored messages as a model can be sent them.

use std::borrow::Cow;
use std::collections::HashSet;

use shared::model::{Capability, ContentPart, ModelSpec, Role, text_of};

use crate::context::Turned;
use crate::provider::{PromptMessage, Speaker};

/// What stands before messages that begin in the middle of calls of tools.
const LEFT_OUT: &str = "[Earlier messages were left out.]";
/// What stands before a conversation that begins with an answer.
const BEGINS: &str = "[The conversation begins.]";

/// The messages for that model, oldest first, after the summary of older ones if there is one; `whole` if they are all that
/// there are. They begin with a person's,
/// because some providers refuse to begin with an answer: the summary counts as one, and where a long row of calls leaves
/// no room for one, or somebody brings a conversation that begins with an answer, a word of ours stands there. Calls that nobody answered are left out with what depends on them, because all providers refuse them.
/// What the model can't take is told in words.
pub(crate) fn sent<'a>(
    summary: Option<PromptMessage>,
    oldest_first: impl Iterator<Item = &'a Turned>,
    model: &ModelSpec,
    whole: bool,
) -> Vec<PromptMessage> {
    let mut messages: Vec<&Turned> = oldest_first.collect();
    let begin = begin(&messages, whole || summary.is_some());
    messages.drain(..begin);
    let mut sent: Vec<PromptMessage> = summary.into_iter().collect();
    if sent.is_empty()
        && messages
            .first()
            .is_none_or(|first| first.role != Role::User)
    {
        sent.push(PromptMessage {
            speaker: Speaker::User,
            parts: vec![ContentPart::text(if whole { BEGINS } else { LEFT_OUT })],
        });
    }
    for (index, message) in messages.iter().enumerate() {
        let (before, after) = (index.checked_sub(1), index + 1);
        let neighbour = |index: Option<usize>, role: Role| {
            let found = index.and_then(|index| messages.get(index));
            found.filter(|found| found.role == role)
        };
        let parts: Vec<ContentPart> = match message.role {
            Role::User => message.parts.clone(),
            Role::Assistant => {
                let answered = neighbour(Some(after), Role::Tool);
                without_open_calls(&message.parts, answered.map(|next| results(&next.parts)))
            }
            Role::Tool => {
                let called = neighbour(before, Role::Assistant).map(|last| calls(&last.parts));
                let called = called.unwrap_or_default();
                let parts = message.parts.iter();
                let asked = parts.filter(|part| match part {
                    ContentPart::ToolResult(result) => called.contains(&*result.tool_call_id),
                    _ => false,
                });
                asked.cloned().collect()
            }
        };
        let parts = parts.iter().map(|part| able(part, model).into_owned());
        let parts: Vec<ContentPart> = parts.collect();
        if parts.is_empty() {
            continue;
        }
        let in_words = !model.can(Capability::Tools);
        sent.push(PromptMessage {
            speaker: match message.role {
                Role::User => Speaker::User,
                Role::Assistant => Speaker::Assistant,
                Role::Tool if in_words => Speaker::User,
                Role::Tool => Speaker::Tool,
            },
            parts,
        });
    }
    sent
}

/// How many of the oldest messages are not sent, because nothing may begin with them.
pub(crate) fn begin(oldest_first: &[&Turned], also_answer: bool) -> usize {
    let first = |role: Role| oldest_first.iter().position(|message| message.role == role);
    let (question, answer) = (first(Role::User), first(Role::Assistant));
    let begin = if also_answer {
        question.into_iter().chain(answer).min()
    } else {
        question.or(answer)
    };
    begin.unwrap_or(oldest_first.len())
}

fn without_open_calls(parts: &[ContentPart], answered: Option<HashSet<&str>>) -> Vec<ContentPart> {
    let answered = answered.unwrap_or_default();
    let kept = parts.iter().filter(|part| match part {
        ContentPart::ToolCall(call) => answered.contains(&*call.id),
        _ => true,
    });
    let kept: Vec<ContentPart> = kept.cloned().collect();
    let said = |part: &ContentPart| match part {
        ContentPart::Text { text } => !text.trim().is_empty(),
        ContentPart::Reasoning(_) => false,
        _ => true,
    };
    // Reasoning alone is no message.
    if kept.iter().any(said) {
        kept
    } else {
        Vec::new()
    }
}

fn results(parts: &[ContentPart]) -> HashSet<&str> {
    let results = parts.iter().filter_map(|part| match part {
        ContentPart::ToolResult(result) => Some(&*result.tool_call_id),
        _ => None,
    });
    results.collect()
}

/// The ids of the calls in a message.
pub(crate) fn calls(parts: &[ContentPart]) -> HashSet<&str> {
    let calls = parts.iter().filter_map(|part| match part {
        ContentPart::ToolCall(call) => Some(&*call.id),
        _ => None,
    });
    calls.collect()
}

/// The part, or words for it where the model can't take it.
pub(crate) fn able<'a>(part: &'a ContentPart, model: &ModelSpec) -> Cow<'a, ContentPart> {
    let tools = model.can(Capability::Tools);
    let words = match part {
        ContentPart::ImageUrl { .. } if !model.can(Capability::Images) => {
            "[There was an image here, which you can't see.]".to_owned()
        }
        ContentPart::ToolCall(call) if !tools => {
            format!(
                "[The tool {} was called with {}]",
                call.name, call.arguments
            )
        }
        ContentPart::ToolResult(result) if !tools => {
            format!("[The tool's result: {}]", result.text)
        }
        part => return Cow::Borrowed(part),
    };
    Cow::Owned(ContentPart::text(words))
}

/// Whether a message says anything to a model.
pub(crate) fn says_something(parts: &[ContentPart]) -> bool {
    let more = |part: &ContentPart| !matches!(part, ContentPart::Text { .. });
    parts.iter().any(more) || !text_of(parts).trim().is_empty()
}
