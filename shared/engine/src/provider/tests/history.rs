//! How messages with more than text are written for each wire.

use serde_json::json;

use super::*;

const PNG: &str = "data:image/png;base64,AAAA";

/// A question with an image and a file, a thought and two calls, their results, and a further question.
fn history(thinker: &str) -> Vec<PromptMessage> {
    vec![
        said(
            Speaker::User,
            json!([
                {"type": "text", "text": "Look"},
                {"type": "image_url", "image_url": {"url": PNG}},
                {"type": "file", "file": {"filename": "a (1).txt", "file_data": "data:text/plain;base64,SGk="}},
            ]),
        ),
        said(
            Speaker::Assistant,
            json!([
                {"type": "reasoning", "model": thinker, "text": "Hm", "signature": "c2ln"},
                {"type": "reasoning", "model": thinker, "text": "", "encrypted_content": "eA=="},
                {"type": "text", "text": "I see"},
                {"type": "tool_call", "id": "call.1", "name": "f", "arguments": "{\"a\":1}",
                 "signature": {"model": thinker, "value": "Y2FsbA=="}},
                {"type": "tool_call", "id": "call.2", "name": "g", "arguments": "{}"},
            ]),
        ),
        said(
            Speaker::Tool,
            json!([
                {"type": "tool_result", "tool_call_id": "call.1", "text": "12"},
                {"type": "tool_result", "tool_call_id": "call.2", "text": "away", "is_error": true},
            ]),
        ),
    ]
}

fn further() -> PromptMessage {
    said(Speaker::User, json!([{"type": "text", "text": "And?"}]))
}

fn written(wire: &str, id: &str, messages: Vec<PromptMessage>) -> Value {
    let model = model(wire, id, &["tools", "images"]);
    let settings = Settings {
        tools: vec![ToolSpec {
            name: "f".to_owned(),
            description: None,
            parameters: json!({"type": "object"}),
            strict: false,
        }],
        ..Settings::default()
    };
    let body = body_of(&model, messages, settings).expect("a body");
    match wire {
        "gemini" => body["contents"].clone(),
        _ => body["messages"].clone(),
    }
}

#[test]
fn messages_are_written_for_openai() {
    let call = |id: &str, name: &str, arguments: &str| json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}});
    let mut expected = vec![
        json!({"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image_url", "image_url": {"url": PNG}},
            {"type": "file", "file": {"filename": "a (1).txt", "file_data": "data:text/plain;base64,SGk="}},
        ]}),
        json!({"role": "assistant", "content": "I see", "reasoning_content": "Hm",
               "tool_calls": [call("call.1", "f", "{\"a\":1}"), call("call.2", "g", "{}")]}),
        json!({"role": "tool", "tool_call_id": "call.1", "content": "12"}),
        json!({"role": "tool", "tool_call_id": "call.2", "content": "Error: away"}),
    ];
    assert_eq!(written("openai", "m", history("m")), json!(expected));
    // Another model's thoughts, and those about a question that is answered, stay here.
    let reasoning = |value: &mut Value| {
        value
            .as_object_mut()
            .and_then(|map| map.remove("reasoning_content"))
    };
    reasoning(&mut expected[1]).expect("the thought");
    assert_eq!(written("openai", "m", history("other")), json!(expected));
    let mut longer = history("m");
    longer.push(further());
    expected.push(json!({"role": "user", "content": "And?"}));
    assert_eq!(written("openai", "m", longer), json!(expected));
}

#[test]
fn messages_are_written_for_anthropic() {
    let mut longer = history("m");
    longer.push(further());
    let expected = json!([
        {"role": "user", "content": [
            {"type": "text", "text": "Look"},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
            {"type": "document", "title": "a (1).txt",
             "source": {"type": "text", "media_type": "text/plain", "data": "Hi"}},
        ]},
        {"role": "assistant", "content": [
            {"type": "thinking", "thinking": "Hm", "signature": "c2ln"},
            {"type": "redacted_thinking", "data": "eA=="},
            {"type": "text", "text": "I see"},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"a": 1}},
            {"type": "tool_use", "id": "call_2", "name": "g", "input": {}},
        ]},
        {"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": "call_1", "content": "12", "is_error": false},
            {"type": "tool_result", "tool_use_id": "call_2", "content": "away", "is_error": true},
            {"type": "text", "text": "And?"},
        ]},
    ]);
    assert_eq!(written("anthropic", "m", longer), expected);
    let other = written("anthropic", "m", history("other"));
    assert_eq!(
        other[1]["content"][0],
        json!({"type": "text", "text": "I see"})
    );
    let url = json!([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]);
    let linked = written("anthropic", "m", vec![said(Speaker::User, url)]);
    let source = json!({"type": "url", "url": "https://example.com/a.png"});
    assert_eq!(
        linked[0]["content"],
        json!([{"type": "image", "source": source}])
    );
}

#[test]
fn messages_are_written_for_gemini() {
    let expected = |signatures: [Option<&str>; 2]| {
        let mut model = vec![json!({"text": "I see"})];
        let calls = [
            json!({"name": "f", "args": {"a": 1}}),
            json!({"name": "g", "args": {}}),
        ];
        for (call, signature) in calls.into_iter().zip(signatures) {
            let mut part = json!({"functionCall": call});
            if let Some(signature) = signature {
                part["thoughtSignature"] = json!(signature);
            }
            model.push(part);
        }
        json!([
            {"role": "user", "parts": [
                {"text": "Look"},
                {"inlineData": {"mimeType": "image/png", "data": "AAAA"}},
                {"text": "a (1).txt:"},
                {"inlineData": {"mimeType": "text/plain", "data": "SGk="}},
            ]},
            {"role": "model", "parts": model},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "12"}}},
                {"functionResponse": {"name": "g", "response": {"error": "away"}}},
            ]},
        ])
    };
    let stand_in = Some("skip_thought_signature_validator");
    assert_eq!(
        written("gemini", "gemini-3", history("o")),
        expected([stand_in, stand_in])
    );
    assert_eq!(
        written("gemini", "gemini-2.5", history("o")),
        expected([None, None])
    );
    let mut own = expected([Some("Y2FsbA=="), None]);
    let parts = own[1]["parts"].as_array_mut().expect("parts");
    parts.insert(0, json!({"text": "", "thoughtSignature": "c2ln"}));
    assert_eq!(written("gemini", "m", history("m")), own);
}

#[test]
fn messages_are_written_for_bedrock() {
    let mut longer = history("m");
    longer.push(further());
    let result = |id: &str, text: &str, status: &str| json!({"toolResult": {"toolUseId": id, "content": [{"text": text}], "status": status}});
    let expected = json!([
        {"role": "user", "content": [
            {"text": "Look"},
            {"image": {"format": "png", "source": {"bytes": "AAAA"}}},
            {"document": {"format": "txt", "name": "a (1) txt", "source": {"bytes": "SGk="}}},
        ]},
        {"role": "assistant", "content": [
            {"reasoningContent": {"reasoningText": {"text": "Hm", "signature": "c2ln"}}},
            {"reasoningContent": {"redactedContent": "eA=="}},
            {"text": "I see"},
            {"toolUse": {"toolUseId": "call_1", "name": "f", "input": {"a": 1}}},
            {"toolUse": {"toolUseId": "call_2", "name": "g", "input": {}}},
        ]},
        {"role": "user", "content": [
            result("call_1", "12", "success"), result("call_2", "away", "error"), {"text": "And?"},
        ]},
    ]);
    assert_eq!(written("bedrock", "m", longer), expected);
    let other = written("bedrock", "m", history("other"));
    assert_eq!(other[1]["content"][0], json!({"text": "I see"}));
}

#[test]
fn parts_that_a_wire_can_not_carry_are_refused_where_they_stand() {
    let url = json!([{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]);
    let file = |media_type: &str, data: &str| {
        let data = format!("data:{media_type};base64,{data}");
        json!([{"type": "text", "text": "x"}, {"type": "file", "file": {"filename": "a", "file_data": data}}])
    };
    for (wire, parts, field) in [
        ("gemini", url.clone(), "/messages/0/content/0/image_url/url"),
        ("bedrock", url, "/messages/0/content/0/image_url/url"),
        (
            "anthropic",
            file("text/csv", "AAAA"),
            "/messages/0/content/1/file/file_data",
        ),
        (
            "anthropic",
            file("text/plain", "//8="),
            "/messages/0/content/1/file/file_data",
        ),
        (
            "bedrock",
            file("application/zip", "AAAA"),
            "/messages/0/content/1/file/file_data",
        ),
    ] {
        let model = model(wire, "m", &["images"]);
        let refused = body_of(
            &model,
            vec![said(Speaker::User, parts)],
            Settings::default(),
        );
        assert_eq!(refused_field(refused), field, "{wire}");
    }
    // Bedrock wants tools where some were called, and can't be told to call none.
    let model = model("bedrock", "m", &["tools", "images"]);
    let refused = body_of(&model, history("m"), Settings::default());
    assert_eq!(refused_field(refused), "/tools");
}

#[test]
fn parts_that_stand_where_they_can_not_are_refused() {
    let text = json!([{"type": "text", "text": "x"}]);
    let image = json!([{"type": "image_url", "image_url": {"url": PNG}}]);
    let result = json!([{"type": "tool_result", "tool_call_id": "nothing", "text": "x"}]);
    for (speaker, parts, field) in [
        (Speaker::Tool, text, "/messages/0/content/0/type"),
        (Speaker::Assistant, image, "/messages/0/content/0/type"),
        (Speaker::User, result.clone(), "/messages/0/content/0/type"),
        (Speaker::Tool, result, "/messages/0/content/0/tool_call_id"),
    ] {
        let model = model("openai", "m", &["tools", "images"]);
        let refused = body_of(&model, vec![said(speaker, parts)], Settings::default());
        assert_eq!(refused_field(refused), field);
    }
}
