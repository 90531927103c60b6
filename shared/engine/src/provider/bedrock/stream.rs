//! The events of Amazon's Converse API.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use shared::Result;
use shared::model::{FinishReason, Usage};

use super::super::completion::{Reader, nonsense};
use super::super::part::{Calls, Part};
use super::super::refusal;
use super::frames::{Decoder, Frame, Kind};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStart {
    #[serde(default)]
    content_block_index: u64,
    #[serde(default)]
    start: Start,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Start {
    #[serde(default)]
    tool_use: Option<ToolUseStart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUseStart {
    tool_use_id: String,
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockDelta {
    #[serde(default)]
    content_block_index: u64,
    delta: Delta,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delta {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    tool_use: Option<ToolUseDelta>,
    #[serde(default)]
    reasoning_content: Option<ReasoningDelta>,
}

#[derive(Deserialize)]
struct ToolUseDelta {
    #[serde(default)]
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReasoningDelta {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    signature: Option<String>,
    #[serde(default)]
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockStop {
    #[serde(default)]
    content_block_index: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageStop {
    stop_reason: String,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    usage: Option<Counts>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    input_tokens: u64,
    output_tokens: u64,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    cache_write_input_tokens: Option<u64>,
}

/// Reads frames from `messageStart` to `messageStop`; the counts come after it.
#[derive(Debug, Default)]
pub(in super::super) struct Bedrock {
    frames: Decoder,
    calls: Calls,
    stopped: bool,
}

impl Reader for Bedrock {
    fn push(&mut self, bytes: &[u8]) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        for frame in self.frames.push(bytes)? {
            parts.extend(self.frame(&frame)?);
        }
        Ok(parts)
    }

    fn is_complete(&self) -> bool {
        self.stopped
    }
}

impl Bedrock {
    fn frame(&mut self, frame: &Frame) -> Result<Vec<Part>> {
        let event = match &frame.kind {
            Kind::Event(event) => event.as_str(),
            Kind::Failure(code) => {
                return Err(refusal::of_event(&json!({"error": {"code": code}})));
            }
            Kind::Other => return Ok(Vec::new()),
        };
        Ok(match event {
            "contentBlockStart" => {
                let BlockStart {
                    content_block_index: index,
                    start,
                } = read(frame)?;
                let call = start.tool_use;
                let begin =
                    |call: ToolUseStart| self.calls.begin(index, call.tool_use_id, call.name);
                Vec::from_iter(call.map(begin).transpose()?)
            }
            "contentBlockDelta" => {
                let BlockDelta {
                    content_block_index: index,
                    delta,
                } = read(frame)?;
                self.delta(index, delta)?
            }
            "contentBlockStop" => {
                let BlockStop {
                    content_block_index: index,
                } = read(frame)?;
                Vec::from_iter(self.calls.close(index))
            }
            "messageStop" => {
                let MessageStop { stop_reason } = read(frame)?;
                self.stopped = true;
                let mut parts = self.calls.close_all();
                parts.push(Part::Finish(finish_reason(&stop_reason)?));
                parts
            }
            "metadata" => {
                let Metadata { usage } = read(frame)?;
                let usage = usage.map(|counts| Part::Usage(counts.into()));
                usage.into_iter().collect()
            }
            _ => Vec::new(),
        })
    }

    fn delta(&mut self, index: u64, delta: Delta) -> Result<Vec<Part>> {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut parts = Vec::new();
        if let Some(thought) = delta.reasoning_content {
            parts.extend(some(thought.text).map(Part::Reasoning));
            parts.extend(some(thought.signature).map(Part::ReasoningSignature));
            parts.extend(some(thought.redacted_content).map(Part::EncryptedReasoning));
        }
        parts.extend(some(delta.text).map(Part::Text));
        if let Some(more) = delta.tool_use {
            parts.extend(self.calls.arguments(index, more.input)?);
        }
        Ok(parts)
    }
}

fn read<T: DeserializeOwned>(frame: &Frame) -> Result<T> {
    serde_json::from_slice(&frame.payload)
        .map_err(|_| nonsense("the payload of an event is not what its type says"))
}

/// Amazon counts what was read from or written to the cache beside the input; for us it is input too. Its output has
/// the reasoning, which is not counted alone.
impl From<Counts> for Usage {
    fn from(counts: Counts) -> Self {
        let cached = counts.cache_read_input_tokens.unwrap_or(0);
        let written = counts.cache_write_input_tokens.unwrap_or(0);
        Self {
            input_tokens: counts
                .input_tokens
                .saturating_add(cached)
                .saturating_add(written),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            output_tokens: counts.output_tokens,
            reasoning_tokens: 0,
        }
    }
}

fn finish_reason(reason: &str) -> Result<FinishReason> {
    Ok(match reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "content_filtered" | "guardrail_intervened" | "refusal" => FinishReason::ContentFilter,
        "tool_use" => FinishReason::ToolCalls,
        "malformed_model_output" | "malformed_tool_use" => {
            return Err(nonsense("the model said what can't be read"));
        }
        _ => FinishReason::Stop,
    })
}
