//! The scripted provider in the words of OpenAI.

use serde_json::{Value, json};

use super::{SECRET, Script, Words, sse, texts};

/// What the last message says.
pub(super) fn said(body: &Value) -> String {
    let content = &body["messages"]
        .as_array()
        .and_then(|messages| messages.last())
        .unwrap_or(&Value::Null)["content"];
    texts(content, |part| part["text"].as_str())
}

pub(super) fn error(script: &Script) -> Value {
    json!({"error": {"type": script.code(), "message": SECRET, "code": script.code}})
}

pub(super) fn words(script: &Script) -> Words {
    let mut pieces = Vec::new();
    for thought in &script.think {
        pieces.push(chunk(&json!({"reasoning_content": thought}), &Value::Null));
    }
    for piece in &script.say {
        pieces.push(chunk(&json!({"content": piece}), &Value::Null));
    }
    for (number, call) in script.calls.iter().enumerate() {
        let begin = json!({
            "index": number,
            "id": call.id(number),
            "type": "function",
            "function": {"name": call.name, "arguments": ""},
        });
        pieces.push(chunk(&json!({"tool_calls": [begin]}), &Value::Null));
        for fragment in &call.arguments {
            let more = json!({"index": number, "function": {"arguments": fragment}});
            pieces.push(chunk(&json!({"tool_calls": [more]}), &Value::Null));
        }
    }
    let mut after = chunk(&json!({}), &json!(script.finish()));
    if script.usage {
        let usage = json!({
            "prompt_tokens": script.counts.input,
            "completion_tokens": script.output_tokens(),
            "prompt_tokens_details": {"cached_tokens": script.counts.cached},
            "completion_tokens_details": {"reasoning_tokens": script.counts.reasoning},
        });
        after.extend(sse(None, &json!({"choices": [], "usage": usage})));
    }
    after.extend(b"data: [DONE]\n\n");
    Words {
        before: chunk(&json!({"role": "assistant", "content": ""}), &Value::Null),
        pieces,
        after,
    }
}

fn chunk(delta: &Value, finish: &Value) -> Vec<u8> {
    let choice = json!({"index": 0, "delta": delta, "finish_reason": finish});
    sse(
        None,
        &json!({"object": "chat.completion.chunk", "choices": [choice]}),
    )
}
