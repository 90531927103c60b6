//! The scripted provider in the words of Google.

use serde_json::{Value, json};

use super::{SECRET, Script, Words, sse, texts};

/// What the last message says.
pub(super) fn said(body: &Value) -> String {
    let parts = &body["contents"]
        .as_array()
        .and_then(|contents| contents.last())
        .unwrap_or(&Value::Null)["parts"];
    texts(parts, |part| {
        let response = &part["functionResponse"]["response"];
        let results = [&part["text"], &response["output"], &response["error"]];
        results.into_iter().find_map(Value::as_str)
    })
}

pub(super) fn error(script: &Script) -> Value {
    let code = script.status.unwrap_or(500);
    json!({"error": {"code": code, "status": script.code(), "message": SECRET, "details": []}})
}

pub(super) fn words(script: &Script) -> Words {
    let mut pieces = Vec::new();
    for thought in &script.think {
        pieces.push(chunk(&json!({"text": thought, "thought": true})));
    }
    for piece in &script.say {
        pieces.push(chunk(&json!({"text": piece})));
    }
    for (number, call) in script.calls.iter().enumerate() {
        let arguments = call.arguments.concat();
        let arguments: Value = serde_json::from_str(&arguments).unwrap_or(json!({}));
        let mut part = json!({"functionCall": {"name": call.name, "args": arguments}});
        if let Some(signature) = script.signature.as_ref().filter(|_| number == 0) {
            part["thoughtSignature"] = json!(signature);
        }
        pieces.push(chunk(&part));
    }
    let finish = match script.finish() {
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        _ => "STOP",
    };
    let candidate = json!({"content": {"role": "model"}, "finishReason": finish, "index": 0});
    let mut last = json!({"candidates": [candidate], "modelVersion": "scripted"});
    if script.usage {
        let counts = script.counts;
        last["usageMetadata"] = json!({
            "promptTokenCount": counts.input,
            "cachedContentTokenCount": counts.cached,
            "candidatesTokenCount": script.output_tokens().saturating_sub(counts.reasoning),
            "thoughtsTokenCount": counts.reasoning,
        });
    }
    Words {
        before: Vec::new(),
        pieces,
        after: sse(None, &last),
    }
}

fn chunk(part: &Value) -> Vec<u8> {
    let candidate = json!({"content": {"role": "model", "parts": [part]}, "index": 0});
    sse(None, &json!({"candidates": [candidate]}))
}
