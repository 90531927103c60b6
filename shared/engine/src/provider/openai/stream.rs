//! OpenAI's stream of chunks.

use serde::Deserialize;
use serde_json::Value;
use shared::Result;
use shared::model::{FinishReason, Usage};

use super::super::completion::{Parser, nonsense};
use super::super::part::{Calls, Part};
use super::super::refusal;
use crate::sse::Event;

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Counts>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Delta {
    #[serde(default)]
    content: Option<String>,
    /// vLLM and DeepSeek.
    #[serde(default)]
    reasoning_content: Option<String>,
    /// The same at Ollama and OpenRouter.
    #[serde(default)]
    reasoning: Option<String>,
    /// Said instead of an answer that keeps to a format.
    #[serde(default)]
    refusal: Option<String>,
    #[serde(default)]
    tool_calls: Option<Vec<CallDelta>>,
}

#[derive(Deserialize)]
struct CallDelta {
    #[serde(default)]
    index: Option<u64>,
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    function: FunctionDelta,
}

#[derive(Deserialize, Default)]
struct FunctionDelta {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    arguments: Option<String>,
}

#[derive(Deserialize)]
struct Counts {
    prompt_tokens: u64,
    completion_tokens: u64,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    #[serde(default)]
    completion_tokens_details: Option<CompletionDetails>,
    /// DeepSeek.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct CompletionDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

/// Reads `chat.completion.chunk` events up to `[DONE]`.
#[derive(Debug, Default)]
pub(in super::super) struct OpenAi {
    /// What ids begin with that the server does not give.
    seed: String,
    calls: Calls,
    refused: bool,
    finished: bool,
}

impl OpenAi {
    /// `seed` must be another for each answer, and stand in an id.
    pub(in super::super) fn new(seed: String) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    fn choice(&mut self, choice: Choice) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        let delta = choice.delta.unwrap_or_default();
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let reasoning = some(delta.reasoning_content).or_else(|| some(delta.reasoning));
        parts.extend(reasoning.map(Part::Reasoning));
        parts.extend(some(delta.content).map(Part::Text));
        if let Some(refusal) = some(delta.refusal) {
            self.refused = true;
            parts.push(Part::Text(refusal));
        }
        for call in delta.tool_calls.unwrap_or_default() {
            parts.extend(self.call(call)?);
        }
        if let Some(reason) = some(choice.finish_reason) {
            self.finished = true;
            parts.extend(self.calls.close_all());
            let reason = match finish_reason(&reason) {
                FinishReason::Stop if self.refused => FinishReason::ContentFilter,
                other => self.calls.finish(other),
            };
            parts.push(Part::Finish(reason));
        }
        Ok(parts)
    }

    /// A call begins with its name. Some servers repeat its id, some give several calls one number, and some
    /// give no ids.
    fn call(&mut self, delta: CallDelta) -> Result<Vec<Part>> {
        let id = delta.id.filter(|id| !id.is_empty());
        let name = delta.function.name.filter(|name| !name.is_empty());
        let next = || self.calls.last().map_or(0, |last| last.saturating_add(1));
        let number = match (delta.index, &name) {
            (Some(index), _) => index,
            (None, Some(_)) => next(),
            (None, None) => self.calls.last().unwrap_or(0),
        };
        let known = self.calls.id(number);
        let begins = match (&id, known) {
            (_, None) => true,
            (Some(id), Some(known)) => id != known && name.is_some(),
            (None, Some(_)) => false,
        };
        let mut parts = Vec::new();
        if begins {
            let name = name.ok_or_else(|| nonsense("a tool call without a name"))?;
            let id = id.unwrap_or_else(|| format!("call_{}_{}", self.seed, self.calls.len()));
            parts.extend(self.calls.close(number));
            parts.push(self.calls.begin(number, id, name)?);
        }
        let arguments = delta.function.arguments.unwrap_or_default();
        parts.extend(self.calls.arguments(number, arguments)?);
        Ok(parts)
    }
}

impl Parser for OpenAi {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>> {
        if event.data.trim() == "[DONE]" {
            return if self.finished {
                Ok(vec![Part::End])
            } else {
                Err(nonsense("the stream is done but no choice has finished"))
            };
        }
        let chunk: Chunk =
            serde_json::from_str(&event.data).map_err(|_| nonsense("an event is not a chunk"))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(refusal::of_event(&error));
        }
        let mut parts = Vec::new();
        for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
            parts.extend(self.choice(choice)?);
        }
        parts.extend(chunk.usage.map(|counts| Part::Usage(counts.into())));
        Ok(parts)
    }

    fn is_complete(&self) -> bool {
        self.finished
    }
}

/// Input has what was cached, and output what was reasoning, as our counts have it.
impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        let details = counts.prompt_tokens_details;
        let cached = details.and_then(|details| details.cached_tokens);
        let details = counts.completion_tokens_details;
        let reasoning = details.and_then(|details| details.reasoning_tokens);
        Self {
            input_tokens: counts.prompt_tokens,
            cached_input_tokens: cached.or(counts.prompt_cache_hit_tokens).unwrap_or(0),
            cache_write_tokens: 0,
            output_tokens: counts.completion_tokens,
            reasoning_tokens: reasoning.unwrap_or(0),
        }
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "length" => FinishReason::Length,
        "content_filter" => FinishReason::ContentFilter,
        "tool_calls" | "function_call" => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}
