//! Anthropic's stream of events.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::Result;
use shared::model::{FinishReason, Usage};

use super::super::completion::{Parser, nonsense};
use super::super::part::{Calls, Part};
use super::super::refusal;
use crate::sse::Event;

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Chunk {
    MessageStart {
        message: Started,
    },
    ContentBlockStart {
        index: u64,
        content_block: Block,
    },
    ContentBlockDelta {
        index: u64,
        delta: BlockDelta,
    },
    ContentBlockStop {
        index: u64,
    },
    MessageDelta {
        delta: MessageChange,
        #[serde(default)]
        usage: Counts,
    },
    MessageStop,
    Error {
        error: Value,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct Started {
    #[serde(default)]
    usage: Counts,
}

/// What was counted so far. A later count replaces an earlier one.
#[derive(Deserialize, Debug, Default, Clone, Copy)]
struct Counts {
    #[serde(default)]
    input_tokens: Option<u64>,
    #[serde(default)]
    cache_creation_input_tokens: Option<u64>,
    #[serde(default)]
    cache_read_input_tokens: Option<u64>,
    #[serde(default)]
    output_tokens: Option<u64>,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Text {
        #[serde(default)]
        text: String,
    },
    ToolUse {
        id: String,
        name: String,
        #[serde(default)]
        input: Value,
    },
    RedactedThinking {
        data: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum BlockDelta {
    TextDelta {
        text: String,
    },
    ThinkingDelta {
        thinking: String,
    },
    SignatureDelta {
        signature: String,
    },
    InputJsonDelta {
        partial_json: String,
    },
    #[serde(other)]
    Other,
}

#[derive(Deserialize)]
struct MessageChange {
    #[serde(default)]
    stop_reason: Option<String>,
}

/// Reads events from `message_start` to `message_stop`.
#[derive(Debug, Default)]
pub(in super::super) struct Anthropic {
    counts: Counts,
    calls: Calls,
    stopped: bool,
}

impl Parser for Anthropic {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>> {
        let chunk: Chunk =
            serde_json::from_str(&event.data).map_err(|_| nonsense("an event is not a message"))?;
        Ok(match chunk {
            Chunk::MessageStart { message } => {
                self.counts = self.counts.then(message.usage);
                Vec::new()
            }
            Chunk::ContentBlockStart {
                index,
                content_block,
            } => self.begin(index, content_block)?,
            Chunk::ContentBlockDelta { index, delta } => Vec::from_iter(self.more(index, delta)?),
            Chunk::ContentBlockStop { index } => Vec::from_iter(self.calls.close(index)),
            Chunk::MessageDelta { delta, usage } => {
                self.counts = self.counts.then(usage);
                let finish = delta.stop_reason.as_deref().map(finish_reason);
                let mut parts: Vec<_> = finish.map(Part::Finish).into_iter().collect();
                // The counts of the start are not yet those of the answer.
                if usage.output_tokens.is_some() {
                    parts.extend(self.counts.usage().map(Part::Usage));
                }
                parts
            }
            Chunk::MessageStop => {
                self.stopped = true;
                vec![Part::End]
            }
            Chunk::Error { error } => return Err(refusal::of_event(&json!({"error": error}))),
            Chunk::Other => Vec::new(),
        })
    }

    fn is_complete(&self) -> bool {
        self.stopped
    }
}

impl Anthropic {
    fn begin(&mut self, index: u64, block: Block) -> Result<Vec<Part>> {
        Ok(match block {
            Block::Text { text } if !text.is_empty() => vec![Part::Text(text)],
            Block::RedactedThinking { data } => vec![Part::EncryptedReasoning(data)],
            Block::ToolUse { id, name, input } => {
                let mut parts = vec![self.calls.begin(index, id, name)?];
                // As a rule it is empty here and follows in pieces.
                if input.as_object().is_some_and(|input| !input.is_empty()) {
                    parts.extend(self.calls.arguments(index, input.to_string())?);
                }
                parts
            }
            Block::Text { .. } | Block::Other => Vec::new(),
        })
    }

    fn more(&mut self, index: u64, delta: BlockDelta) -> Result<Option<Part>> {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Ok(match delta {
            BlockDelta::TextDelta { text } => some(text).map(Part::Text),
            BlockDelta::ThinkingDelta { thinking } => some(thinking).map(Part::Reasoning),
            BlockDelta::SignatureDelta { signature } => {
                some(signature).map(Part::ReasoningSignature)
            }
            // Tools that the provider runs itself have arguments too, and no call of ours.
            BlockDelta::InputJsonDelta { .. } if self.calls.id(index).is_none() => None,
            BlockDelta::InputJsonDelta { partial_json } => {
                self.calls.arguments(index, partial_json)?
            }
            BlockDelta::Other => None,
        })
    }
}

impl Counts {
    fn then(self, later: Self) -> Self {
        Self {
            input_tokens: later.input_tokens.or(self.input_tokens),
            cache_creation_input_tokens: later
                .cache_creation_input_tokens
                .or(self.cache_creation_input_tokens),
            cache_read_input_tokens: later
                .cache_read_input_tokens
                .or(self.cache_read_input_tokens),
            output_tokens: later.output_tokens.or(self.output_tokens),
        }
    }

    /// Anthropic counts what was read from or written to the cache beside the input; for us it is input too. Its
    /// output has the reasoning, which is not counted alone.
    fn usage(self) -> Option<Usage> {
        let cached = self.cache_read_input_tokens.unwrap_or(0);
        let written = self.cache_creation_input_tokens.unwrap_or(0);
        let input = self.input_tokens?.saturating_add(cached);
        Some(Usage {
            input_tokens: input.saturating_add(written),
            cached_input_tokens: cached,
            cache_write_tokens: written,
            output_tokens: self.output_tokens?,
            reasoning_tokens: 0,
        })
    }
}

fn finish_reason(reason: &str) -> FinishReason {
    match reason {
        "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
        "refusal" => FinishReason::ContentFilter,
        "tool_use" => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    }
}
