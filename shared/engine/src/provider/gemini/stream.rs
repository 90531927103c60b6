//! Google's stream of responses.

use serde::Deserialize;
use serde_json::{Map, Value};
use shared::Result;
use shared::model::{FinishReason, Usage};

use super::super::completion::{Parser, nonsense};
use super::super::part::{Calls, Part};
use super::super::refusal;
use crate::sse::Event;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk {
    #[serde(default)]
    candidates: Vec<Candidate>,
    #[serde(default)]
    prompt_feedback: Option<Feedback>,
    #[serde(default)]
    usage_metadata: Option<Counts>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Feedback {
    #[serde(default)]
    block_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    #[serde(default)]
    index: u32,
    #[serde(default)]
    content: Content,
    #[serde(default)]
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Content {
    #[serde(default)]
    parts: Vec<Piece>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    thought: bool,
    #[serde(default)]
    thought_signature: Option<String>,
    #[serde(default)]
    function_call: Option<FunctionCall>,
}

#[derive(Deserialize)]
struct FunctionCall {
    #[serde(default)]
    id: Option<String>,
    name: String,
    #[serde(default)]
    args: Option<Map<String, Value>>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Counts {
    prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
}

/// Reads responses up to the one with a finish reason; what comes after it has only counts.
#[derive(Debug, Default)]
pub(in super::super) struct Gemini {
    /// What ids begin with that the provider does not give.
    seed: String,
    calls: Calls,
    finished: bool,
}

impl Gemini {
    /// `seed` must be another for each answer, and stand in an id.
    pub(in super::super) fn new(seed: String) -> Self {
        Self {
            seed,
            ..Self::default()
        }
    }

    fn piece(&mut self, piece: Piece) -> Result<Vec<Part>> {
        let signature = piece.thought_signature.filter(|text| !text.is_empty());
        if let Some(call) = piece.function_call {
            return self.call(call, signature);
        }
        let text = piece.text.filter(|text| !text.is_empty());
        let text = text.map(if piece.thought {
            Part::Reasoning
        } else {
            Part::Text
        });
        let signature = signature.map(Part::ReasoningSignature);
        Ok(text.into_iter().chain(signature).collect())
    }

    /// A call comes whole.
    fn call(&mut self, call: FunctionCall, signature: Option<String>) -> Result<Vec<Part>> {
        let number = self.calls.len();
        let id = call.id.filter(|id| !id.is_empty());
        let id = id.unwrap_or_else(|| format!("call_{}_{number}", self.seed));
        let number = number as u64;
        let mut parts = vec![self.calls.begin(number, id, call.name)?];
        parts.extend(signature.and_then(|text| self.calls.signature(number, text)));
        if let Some(arguments) = call.args.filter(|arguments| !arguments.is_empty()) {
            let arguments = Value::Object(arguments).to_string();
            parts.extend(self.calls.arguments(number, arguments)?);
        }
        parts.extend(self.calls.close(number));
        Ok(parts)
    }

    fn finish(&mut self, reason: &str) -> Result<Part> {
        self.finished = true;
        let reason = match reason {
            "MAX_TOKENS" => FinishReason::Length,
            "STOP" => FinishReason::Stop,
            "MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL" => {
                return Err(nonsense("the model made a call that can't be read"));
            }
            "LANGUAGE" | "OTHER" | "FINISH_REASON_UNSPECIFIED" => FinishReason::Stop,
            // SAFETY, RECITATION, BLOCKLIST, PROHIBITED_CONTENT, SPII, and what more filters there will be.
            _ => FinishReason::ContentFilter,
        };
        Ok(Part::Finish(self.calls.finish(reason)))
    }
}

impl Parser for Gemini {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>> {
        let chunk: Chunk = serde_json::from_str(&event.data)
            .map_err(|_| nonsense("an event is not a response"))?;
        if let Some(error) = chunk.error.filter(|error| !error.is_null()) {
            return Err(refusal::of_event(&error));
        }
        let mut parts = Vec::new();
        // A prompt that a filter stopped has no answer at all.
        let blocked = chunk.prompt_feedback.and_then(|told| told.block_reason);
        if blocked.is_some() && chunk.candidates.is_empty() {
            self.finished = true;
            parts.push(Part::Finish(FinishReason::ContentFilter));
        }
        let candidates = chunk.candidates.into_iter();
        for candidate in candidates.filter(|candidate| candidate.index == 0) {
            for piece in candidate.content.parts {
                parts.extend(self.piece(piece)?);
            }
            if let Some(reason) = candidate.finish_reason {
                parts.push(self.finish(&reason)?);
            }
        }
        let usage = chunk.usage_metadata.and_then(Counts::usage);
        parts.extend(usage.map(Part::Usage));
        Ok(parts)
    }

    fn is_complete(&self) -> bool {
        self.finished
    }
}

impl Counts {
    /// Google counts thoughts beside the answer, and what its tools read beside the prompt; for us they are output
    /// and input. What was cached is in the prompt.
    fn usage(self) -> Option<Usage> {
        let prompt = self.prompt_token_count?;
        let thoughts = self.thoughts_token_count.unwrap_or(0);
        let answer = self.candidates_token_count.unwrap_or(0);
        Some(Usage {
            input_tokens: prompt.saturating_add(self.tool_use_prompt_token_count.unwrap_or(0)),
            cached_input_tokens: self.cached_content_token_count.unwrap_or(0),
            cache_write_tokens: 0,
            output_tokens: answer.saturating_add(thoughts),
            reasoning_tokens: thoughts,
        })
    }
}
