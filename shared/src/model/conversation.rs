//! Conversations and their messages.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Citation, Support};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{ContentPart, ConversationId, MessageId, ModelSettings, RunId};

/// The most that one message may hold, in bytes of UTF-8. It leaves room for the other attributes under
/// DynamoDB's limit of 400 KB an item.
pub const MAX_CONTENT_BYTES: usize = 200_000;

/// One line of text for people: trimmed, not empty, without control characters.
pub(super) fn line(field: &str, text: &str, max_characters: usize) -> Result<String> {
    let text = text.trim();
    let characters = text.chars().count();
    if characters == 0 || characters > max_characters {
        return Err(Error::invalid(
            field,
            format!("must have between 1 and {max_characters} characters"),
        ));
    }
    if text.chars().any(is_unseen) {
        return Err(Error::invalid(
            field,
            "must be one line without control characters and changes of direction",
        ));
    }
    Ok(text.to_owned())
}

/// Whether a character in a line for people could only deceive them: control characters, what separates lines and
/// paragraphs, and what turns the direction of what follows, so that `report\u{202e}fdp.exe` looks like
/// `reportexe.pdf` (Unicode TR 36, section 2.5). Letters that are written from right to left need none of these.
pub fn is_unseen(character: char) -> bool {
    character.is_control() || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Text that may have several lines. NUL is refused, because programs that read it later cut it off there.
fn text(field: &str, text: &str, max_bytes: usize) -> Result<String> {
    if text.trim().is_empty() {
        return Err(Error::invalid(field, "must not be empty"));
    }
    if text.len() > max_bytes {
        return Err(Error::invalid(
            field,
            format!(
                "must have at most {max_bytes} bytes of UTF-8; this has {}",
                text.len()
            ),
        ));
    }
    if text.contains('\0') {
        return Err(Error::invalid(field, "must not contain the NUL character"));
    }
    Ok(text.to_owned())
}

/// What a conversation is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    /// The longest title, in characters.
    pub const MAX_CHARACTERS: usize = 200;

    /// Between 1 and 200 characters on one line, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The title.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// What the model is told before the messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemPrompt(String);

impl SystemPrompt {
    /// The longest one, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 32_000;

    /// Between 1 and 32,000 bytes.
    pub fn parse(field: &str, prompt: &str) -> Result<Self> {
        text(field, prompt, Self::MAX_BYTES).map(Self)
    }

    /// The text.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// Checks what a person says: between 1 and [`MAX_CONTENT_BYTES`] bytes, not only white space.
pub(super) fn question_text(field: &str, content: &str) -> Result<()> {
    text(field, content, MAX_CONTENT_BYTES).map(|_| ())
}

/// Whether a conversation is in daily use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConversationStatus {
    /// In use.
    #[default]
    Active,
    /// Put away, but kept.
    Archived,
}

/// A conversation, without its messages.
#[derive(Debug, Clone, PartialEq)]
pub struct Conversation {
    /// Its id.
    pub id: ConversationId,
    /// What it is called, if it was given a title.
    pub title: Option<String>,
    /// The model that answers; `None` is the default model at the time of each turn.
    pub model: Option<String>,
    /// What the model is told before the messages.
    pub system_prompt: Option<String>,
    /// How the model answers.
    pub settings: ModelSettings,
    /// Whether it is in daily use.
    pub status: ConversationStatus,
    /// What its client says of it: up to 16 pairs.
    pub metadata: BTreeMap<String, String>,
    /// Goes up by one with every change; the `ETag`.
    pub version: u64,
    /// When it was created.
    pub created_at: Moment,
    /// When it was last created, changed or answered in; lists are ordered by it.
    pub active_at: Moment,
}

/// Who a message is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// A person.
    User,
    /// A model.
    Assistant,
    /// Tools: what they gave when a model had called them.
    Tool,
}

/// Why a model stopped, in OpenAI's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FinishReason {
    /// It had finished.
    Stop,
    /// It reached the token limit, ours or its own.
    Length,
    /// A filter of the provider stopped it.
    ContentFilter,
    /// It waits for the results of tools.
    ToolCalls,
    /// Somebody stopped it. Not OpenAI's word.
    Cancelled,
    /// The process that wrote it down died. Not OpenAI's word.
    Interrupted,
}

/// What a turn used, in tokens, as the provider counted them. The counts that are parts of others are left out
/// where they are zero, and are zero where the provider does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Usage {
    /// Tokens of everything that was sent to the model, with those of its cache.
    pub input_tokens: u64,
    /// Those of the input that the provider read from its cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub cached_input_tokens: u64,
    /// Those of the input that the provider wrote to its cache.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub cache_write_tokens: u64,
    /// Tokens of everything that the model made, with its reasoning.
    pub output_tokens: u64,
    /// Those of the output that were reasoning.
    #[serde(default, skip_serializing_if = "is_zero")]
    #[schema(required = false)]
    pub reasoning_tokens: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How an answer came to be; only a message of the assistant has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The provider that was asked.
    pub provider: String,
    /// The model that answered.
    pub model: String,
    /// Why it stopped.
    pub finish_reason: FinishReason,
    /// What it used. `None` if the provider did not say.
    pub usage: Option<Usage>,
    /// From the call to the provider until its first text, in milliseconds. `None` if it is not known.
    pub first_token_ms: Option<u64>,
    /// From the call to the provider until its last text, in milliseconds. `None` if it is not known.
    pub latency_ms: Option<u64>,
    /// Where it was made, if it is one of before that was given again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached: Option<CachedFrom>,
    /// What of the documents that the model was given supports it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// How much of it they support. `None` where it was not given documents, and where its process died.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub support: Option<Support>,
}

/// Where an answer that was given again was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedFrom {
    /// The run.
    pub run: RunId,
    /// When.
    pub created_at: Moment,
}

impl Message {
    /// What it is made of.
    pub fn all_parts(&self) -> Cow<'_, [ContentPart]> {
        if self.parts.is_empty() {
            Cow::Owned(vec![ContentPart::text(self.content.clone())])
        } else {
            Cow::Borrowed(&self.parts)
        }
    }

    /// Whether an answer may still come to it, if there is none yet.
    pub fn is_pending(&self, now: Moment) -> bool {
        self.pending_until.is_some_and(|until| now < until)
    }

    /// The text in parts, and the parts themselves where they are more than one text.
    pub fn content_of(parts: Vec<ContentPart>) -> (String, Vec<ContentPart>) {
        if let [ContentPart::Text { text }] = &*parts {
            return (text.clone(), Vec::new());
        }
        (text_of(&parts), parts)
    }
}

/// The text in parts. Between two of them there is an empty line.
pub fn text_of(parts: &[ContentPart]) -> String {
    let texts = parts.iter().filter_map(|part| match part {
        ContentPart::Text { text } => Some(text.as_str()),
        _ => None,
    });
    texts.collect::<Vec<_>>().join("\n\n")
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Its id.
    pub id: MessageId,
    /// Its place in the conversation, from 1 on; a failed turn leaves a gap.
    pub sequence: u64,
    /// The message that it follows.
    pub parent: Option<MessageId>,
    /// The run that it is the question or the answer of. Messages of before there were runs have none.
    pub run: Option<RunId>,
    /// Who it is from.
    pub role: Role,
    /// What it says: the text of it.
    pub content: String,
    /// What it is made of, in order, where that is more than text. Empty where it is not.
    pub parts: Vec<ContentPart>,
    /// The numbers of parts that were taken out of it: the others keep theirs.
    pub removed: Vec<u32>,
    /// How often in a row models have called tools, up to and with this message.
    pub tool_rounds: u32,
    /// How the answer came to be.
    pub answer: Option<Answer>,
    /// The problem type of the turn's failure, if no answer came to this message.
    pub failure: Option<String>,
    /// Until when an answer may still come to this message.
    pub pending_until: Option<Moment>,
    /// When it was stored.
    pub created_at: Moment,
}

/// What somebody says, before it has a place in a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Who it is from.
    pub role: Role,
    /// What it is made of.
    pub parts: Vec<ContentPart>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_trimmed_line() {
        let title = Title::parse("/title", "  Oslo ").map(Title::into_string);
        assert_eq!(title.ok().as_deref(), Some("Oslo"));
        for wrong in ["", "   ", "a\nb", &"x".repeat(201)] {
            assert!(Title::parse("/title", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn counts_that_were_stored_before_there_were_more_are_read() {
        let old = r#"{"input_tokens":3,"output_tokens":4}"#;
        let usage: Usage = serde_json::from_str(old).expect("counts");
        assert_eq!((usage.input_tokens, usage.cached_input_tokens), (3, 0));
        assert_eq!(serde_json::to_string(&usage).expect("JSON"), old);
        let reasoned = Usage {
            reasoning_tokens: 2,
            ..usage
        };
        let written = serde_json::to_string(&reasoned).expect("JSON");
        assert_eq!(
            written,
            r#"{"input_tokens":3,"output_tokens":4,"reasoning_tokens":2}"#
        );
    }
}
