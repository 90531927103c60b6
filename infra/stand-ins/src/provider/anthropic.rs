//! The scripted provider in the words of Anthropic.

use serde_json::{Value, json};

use super::{SECRET, Script, Words, sse, texts};

/// What the last message says.
pub(super) fn said(body: &Value) -> String {
    let content = &body["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .unwrap_or(&Value::Null)["content"];
    texts(content, |block| {
        block["text"].as_str().or_else(|| block["content"].as_str())
    })
}

pub(super) fn error(script: &Script) -> Value {
    json!({"type": "error", "error": {"type": script.code(), "message": SECRET}})
}

pub(super) fn words(script: &Script) -> Words {
    let mut blocks = Blocks::default();
    if !script.think.is_empty() {
        blocks.begin(&json!({"type": "thinking", "thinking": ""}));
        for thought in &script.think {
            blocks.piece(&json!({"type": "thinking_delta", "thinking": thought}));
        }
        if let Some(signature) = &script.signature {
            blocks.more(&json!({"type": "signature_delta", "signature": signature}));
        }
        blocks.end();
    }
    if !script.say.is_empty() {
        blocks.begin(&json!({"type": "text", "text": ""}));
        for piece in &script.say {
            blocks.piece(&json!({"type": "text_delta", "text": piece}));
        }
        blocks.end();
    }
    for (number, call) in script.calls.iter().enumerate() {
        let id = call.id(number);
        blocks.begin(&json!({"type": "tool_use", "id": id, "name": call.name, "input": {}}));
        for fragment in &call.arguments {
            blocks.piece(&json!({"type": "input_json_delta", "partial_json": fragment}));
        }
        blocks.end();
    }
    let stop_reason = match script.finish() {
        "length" => "max_tokens",
        "tool_calls" => "tool_use",
        "content_filter" => "refusal",
        _ => "end_turn",
    };
    let usage = match script.usage {
        true => json!({"output_tokens": script.output_tokens()}),
        false => json!({}),
    };
    let delta =
        json!({"type": "message_delta", "delta": {"stop_reason": stop_reason}, "usage": usage});
    blocks.pending.extend(event(&delta));
    blocks
        .pending
        .extend(event(&json!({"type": "message_stop"})));
    Words {
        before: start(script),
        pieces: blocks.pieces,
        after: blocks.pending,
    }
}

fn start(script: &Script) -> Vec<u8> {
    let counts = script.counts;
    let usage = json!({
        "input_tokens": counts.input.saturating_sub(counts.cached + counts.cache_write),
        "cache_read_input_tokens": counts.cached,
        "cache_creation_input_tokens": counts.cache_write,
        "output_tokens": 1,
    });
    let message = json!({"role": "assistant", "usage": usage});
    let mut before = event(&json!({"type": "message_start", "message": message}));
    before.extend(event(&json!({"type": "ping"})));
    before
}

/// Blocks with their numbers. What belongs before a piece is sent with it.
#[derive(Default)]
struct Blocks {
    index: u64,
    pending: Vec<u8>,
    pieces: Vec<Vec<u8>>,
}

impl Blocks {
    fn begin(&mut self, block: &Value) {
        let start =
            json!({"type": "content_block_start", "index": self.index, "content_block": block});
        self.pending.extend(event(&start));
    }

    fn more(&mut self, delta: &Value) {
        let delta = json!({"type": "content_block_delta", "index": self.index, "delta": delta});
        self.pending.extend(event(&delta));
    }

    fn piece(&mut self, delta: &Value) {
        self.more(delta);
        self.pieces.push(std::mem::take(&mut self.pending));
    }

    fn end(&mut self) {
        let stop = json!({"type": "content_block_stop", "index": self.index});
        self.pending.extend(event(&stop));
        self.index += 1;
    }
}

fn event(data: &Value) -> Vec<u8> {
    sse(data["type"].as_str(), data)
}
