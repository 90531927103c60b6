//! The scripted provider in the words of Amazon's Converse API.

use aws_smithy_eventstream::frame::write_message_to;
use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use serde_json::{Value, json};

use super::{SECRET, Script, Words, texts};

/// What the last message says.
pub(super) fn said(body: &Value) -> String {
    let content = &body["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .unwrap_or(&Value::Null)["content"];
    texts(content, |block| {
        let result = &block["toolResult"]["content"][0]["text"];
        block["text"].as_str().or_else(|| result.as_str())
    })
}

pub(super) fn error() -> Value {
    json!({"message": SECRET})
}

/// An error in a stream.
pub(super) fn exception(script: &Script) -> Vec<u8> {
    let code = script.code.as_deref().unwrap_or("internalServerException");
    frame("exception", ":exception-type", code, &error())
}

pub(super) fn words(script: &Script) -> Words {
    let mut blocks = Blocks::default();
    if !script.think.is_empty() {
        for thought in &script.think {
            blocks.piece(&json!({"reasoningContent": {"text": thought}}));
        }
        if let Some(signature) = &script.signature {
            blocks.more(&json!({"reasoningContent": {"signature": signature}}));
        }
        blocks.end();
    }
    if !script.say.is_empty() {
        for piece in &script.say {
            blocks.piece(&json!({"text": piece}));
        }
        blocks.end();
    }
    for (number, call) in script.calls.iter().enumerate() {
        let start = json!({"toolUse": {"toolUseId": call.id(number), "name": call.name}});
        blocks.begin(&start);
        for fragment in &call.arguments {
            blocks.piece(&json!({"toolUse": {"input": fragment}}));
        }
        blocks.end();
    }
    let stop_reason = match script.finish() {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "content_filtered",
        _ => "end_turn",
    };
    let stop = json!({"stopReason": stop_reason, "p": "abcdef"});
    blocks.pending.extend(event("messageStop", &stop));
    if script.usage {
        blocks.pending.extend(event("metadata", &metadata(script)));
    }
    Words {
        before: event("messageStart", &json!({"role": "assistant", "p": "abc"})),
        pieces: blocks.pieces,
        after: blocks.pending,
    }
}

fn metadata(script: &Script) -> Value {
    let counts = script.counts;
    json!({"metrics": {"latencyMs": 5}, "usage": {
        "inputTokens": counts.input.saturating_sub(counts.cached + counts.cache_write),
        "outputTokens": script.output_tokens(),
        "totalTokens": counts.input + script.output_tokens(),
        "cacheReadInputTokens": counts.cached,
        "cacheWriteInputTokens": counts.cache_write,
    }})
}

/// Blocks with their numbers. What belongs before a piece is sent with it.
#[derive(Default)]
struct Blocks {
    index: u64,
    pending: Vec<u8>,
    pieces: Vec<Vec<u8>>,
}

impl Blocks {
    fn begin(&mut self, start: &Value) {
        let start = json!({"contentBlockIndex": self.index, "start": start});
        self.pending.extend(event("contentBlockStart", &start));
    }

    fn more(&mut self, delta: &Value) {
        let delta = json!({"contentBlockIndex": self.index, "delta": delta, "p": "abcdefgh"});
        self.pending.extend(event("contentBlockDelta", &delta));
    }

    fn piece(&mut self, delta: &Value) {
        self.more(delta);
        self.pieces.push(std::mem::take(&mut self.pending));
    }

    fn end(&mut self) {
        let stop = json!({"contentBlockIndex": self.index});
        self.pending.extend(event("contentBlockStop", &stop));
        self.index += 1;
    }
}

fn event(kind: &str, payload: &Value) -> Vec<u8> {
    frame("event", ":event-type", kind, payload)
}

fn frame(message_type: &str, name: &'static str, value: &str, payload: &Value) -> Vec<u8> {
    let text = |value: &str| HeaderValue::String(value.to_owned().into());
    let message = Message::new(payload.to_string())
        .add_header(Header::new(":message-type", text(message_type)))
        .add_header(Header::new(name, text(value)))
        .add_header(Header::new(":content-type", text("application/json")));
    let mut bytes = Vec::new();
    // It fails only for headers that are too long, and then the stream is broken as it should be.
    write_message_to(&message, &mut bytes).unwrap_or_default();
    bytes
}
