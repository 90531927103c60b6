//! What a model is asked, before it is written for a wire.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::http::TraceContext;
use shared::model::{ContentPart, ReasoningEffort};
use shared::{Error, Result};

use crate::catalogue::Model;

/// The smallest number of tokens that a model can be told to think with.
const LEAST_REASONING: u32 = 1024;

/// What a model is asked.
#[derive(Debug, Clone)]
pub struct Prompt<'a> {
    /// Who is asked.
    pub model: &'a Model,
    /// The trace that the call belongs to.
    pub trace: &'a TraceContext,
    /// What the model is told before the messages.
    pub system_prompt: Option<&'a str>,
    /// The messages, oldest first.
    pub messages: Vec<PromptMessage>,
    /// How it should answer.
    pub settings: Settings,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// Who it is from.
    pub speaker: Speaker,
    /// What it is made of.
    pub parts: Vec<ContentPart>,
}

/// Who a message is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// A person: text, images and files.
    User,
    /// A model: text, reasoning and tool calls.
    Assistant,
    /// Tools: their results.
    Tool,
}

/// How a model should answer. What is not set is left to the provider.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Settings {
    /// How many tokens the answer may have, with its reasoning; the model's limit if not set.
    pub max_output_tokens: Option<u32>,
    /// From 0 to 2.
    pub temperature: Option<f64>,
    /// From 0 to 1.
    pub top_p: Option<f64>,
    /// Texts before which the model stops.
    pub stop: Vec<String>,
    /// What it may call.
    pub tools: Vec<ToolSpec>,
    /// Whether it must.
    pub tool_choice: ToolChoice,
    /// Whether it may make only one call at a time. Wires that have no word for it leave it to whoever reads the answer.
    pub one_call: bool,
    /// What its text must be.
    pub output: OutputFormat,
    /// How much it thinks.
    pub reasoning_effort: Option<ReasoningEffort>,
}

/// A tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolSpec {
    /// Its name: 1 to 64 letters, digits, `_` and `-`.
    #[schema(example = "weather", pattern = "^[A-Za-z0-9_-]{1,64}$")]
    pub name: String,
    /// What it does, for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What its arguments must be: a JSON Schema of an object. Calls that break it are not passed on.
    #[schema(value_type = Object, example = json!({"type": "object", "properties": {"city": {"type": "string"}}}))]
    pub parameters: Value,
    /// Whether the provider must see to it that arguments keep to the schema.
    #[serde(default)]
    #[schema(required = false)]
    pub strict: bool,
}

/// Whether a model must call a tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ToolChoice {
    /// As it likes.
    #[default]
    Auto,
    /// It must not.
    None,
    /// At least one.
    Required,
    /// The tool with that name.
    Named(String),
}

/// What the text of an answer must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum OutputFormat {
    /// Anything.
    Text {},
    /// A JSON object.
    JsonObject {},
    /// JSON that keeps to a schema.
    JsonSchema {
        /// What it is called: 1 to 64 letters, digits, `_` and `-`.
        #[schema(example = "place", pattern = "^[A-Za-z0-9_-]{1,64}$")]
        name: String,
        /// The JSON Schema.
        #[schema(value_type = Object)]
        schema: Value,
        /// Whether the provider must see to it.
        #[serde(default)]
        #[schema(required = false)]
        strict: bool,
    },
}

impl Default for OutputFormat {
    fn default() -> Self {
        Self::Text {}
    }
}

impl<'a> Prompt<'a> {
    /// How many tokens the answer may have.
    pub(super) fn max_output_tokens(&self) -> u32 {
        let most = self.model.spec().max_output_tokens;
        self.settings.max_output_tokens.unwrap_or(most)
    }

    /// How many tokens of the answer the model may think with, for those that take a number: a fifth, a half or
    /// four fifths of them.
    pub(super) fn reasoning_budget(&self, effort: ReasoningEffort) -> Result<u32> {
        let tenths = match effort {
            ReasoningEffort::None => return Ok(0),
            ReasoningEffort::Low => 2,
            ReasoningEffort::Medium => 5,
            ReasoningEffort::High => 8,
        };
        let most = self.max_output_tokens();
        let budget = (most / 10 * tenths).max(LEAST_REASONING);
        if budget >= most {
            let detail = format!(
                "needs more than {LEAST_REASONING} output tokens, and there are {most}; leave it out or allow more"
            );
            return Err(Error::invalid("/reasoning_effort", detail));
        }
        Ok(budget)
    }

    /// The messages for wires that know only two sides, which take turns: results of tools come from the user.
    pub(super) fn sides(&self) -> Vec<(Side, Vec<Placed<'_>>)> {
        let mut sides: Vec<(Side, Vec<Placed<'_>>)> = Vec::new();
        for (message, said) in self.messages.iter().enumerate() {
            let side = match said.speaker {
                Speaker::User | Speaker::Tool => Side::User,
                Speaker::Assistant => Side::Model,
            };
            let placed = said.parts.iter().enumerate().map(|(index, part)| Placed {
                part,
                message,
                index,
            });
            match sides.last_mut() {
                Some((last, parts)) if *last == side => parts.extend(placed),
                _ => sides.push((side, placed.collect())),
            }
        }
        sides
    }

    /// The name of the tool that was called under that id.
    pub(super) fn tool_of(&self, id: &str) -> Option<&str> {
        let parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.rev().find_map(|part| match part {
            ContentPart::ToolCall(call) if call.id == id => Some(call.name.as_str()),
            _ => None,
        })
    }

    /// Whether a tool was called before.
    pub(super) fn has_calls(&self) -> bool {
        let mut parts = self.messages.iter().flat_map(|message| &message.parts);
        parts.any(|part| matches!(part, ContentPart::ToolCall(_)))
    }
}

/// One of two that speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    User,
    Model,
}

/// A part, and where it stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) part: &'a ContentPart,
    pub(super) message: usize,
    pub(super) index: usize,
}

impl Placed<'_> {
    /// The part as a field, or one in it.
    pub(super) fn field(&self, inside: &str) -> String {
        format!("/messages/{}/content/{}{inside}", self.message, self.index)
    }

    /// That this provider has no way to say it.
    pub(super) fn refused(&self, inside: &str, detail: &str) -> Error {
        Error::invalid(self.field(inside), detail)
    }
}
