//! What is refused, and how.

use serde_json::{Value, json};

use super::{complete, failure, respond, user};
use crate::helpers::api;

#[tokio::test]
async fn parameters_that_mean_nothing_here_are_refused_by_name_unless_they_say_nothing() {
    let api = api().await;
    for (more, param) in [
        (json!({"n": 2}), "n"),
        (json!({"seed": 7}), "seed"),
        (json!({"logprobs": true}), "logprobs"),
        (json!({"store": true}), "store"),
        (json!({"logit_bias": {"5": 1}}), "logit_bias"),
        (json!({"modalities": ["audio"]}), "modalities"),
        (json!({"functions": [{"name": "f"}]}), "functions"),
    ] {
        let reply = complete(&api, json!([user("Hi")]), more).await;
        let expected = (
            400,
            "unsupported_parameter".to_owned(),
            Some(param.to_owned()),
        );
        assert_eq!(failure(&reply), expected, "{}", reply.text);
        assert_eq!(reply.body()["error"]["type"], "invalid_request_error");
    }
    for (more, param) in [
        (json!({"prompt": {"id": "p"}}), "prompt"),
        (json!({"max_tool_calls": 3}), "max_tool_calls"),
        (
            json!({"include": ["message.output_text.logprobs"]}),
            "include[0]",
        ),
        (
            json!({"reasoning": {"summary": "auto"}}),
            "reasoning.summary",
        ),
    ] {
        let reply = respond(&api, json!("Hi"), more).await;
        let expected = (
            400,
            "unsupported_parameter".to_owned(),
            Some(param.to_owned()),
        );
        assert_eq!(failure(&reply), expected, "{}", reply.text);
    }
    assert!(api.provider.take_requests().is_empty(), "nobody was asked");
    let neutral = json!({
        "n": 1, "seed": null, "logprobs": false, "store": false, "logit_bias": {}, "modalities": ["text"],
        "parallel_tool_calls": true, "presence_penalty": 0, "frequency_penalty": 0.0, "service_tier": "auto",
    });
    let reply = complete(&api, json!([user("Hi")]), neutral).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of requests")]
async fn what_is_wrong_is_told_with_its_code_and_its_place() {
    let api = api().await;
    let result = json!({"role": "tool", "tool_call_id": "c", "content": "x"});
    let call = json!({"role": "assistant", "content": null, "tool_calls": [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
    ]});
    let messages = |list: Value| json!({"messages": list});
    for (more, code, param) in [
        (json!({"model": "nobody"}), "model_not_found", Some("model")),
        (
            json!({"temprature": 1}),
            "unknown_parameter",
            Some("temprature"),
        ),
        (
            json!({"temperature": 3}),
            "invalid_value",
            Some("temperature"),
        ),
        (
            json!({"max_completion_tokens": 0}),
            "invalid_value",
            Some("max_completion_tokens"),
        ),
        (messages(json!([])), "invalid_value", Some("messages")),
        (
            messages(json!([call])),
            "invalid_value",
            Some("messages[0]"),
        ),
        (
            messages(json!([user("Hi"), result])),
            "invalid_value",
            Some("messages[1]"),
        ),
        (
            messages(json!([call, user("Hi")])),
            "invalid_value",
            Some("messages[1]"),
        ),
        (
            messages(json!([user(" ")])),
            "invalid_value",
            Some("messages[0].content"),
        ),
        (
            messages(json!([{"role": "user", "content": "Hi", "name": "bob"}])),
            "unsupported_parameter",
            Some("messages[0].name"),
        ),
        (
            messages(
                json!([{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]),
            ),
            "unsupported_parameter",
            Some("messages[0].content[0].type"),
        ),
        (
            json!({"metadata": {"knowledge_base_ids": "vs_1"}}),
            "invalid_value",
            Some("metadata.knowledge_base_ids"),
        ),
    ] {
        let reply = complete(&api, json!([user("Hi")]), more).await;
        let (status, found, place) = failure(&reply);
        assert_eq!(
            (found.as_str(), place.as_deref()),
            (code, param),
            "{}",
            reply.text
        );
        assert_eq!(status, if code == "model_not_found" { 404 } else { 400 });
    }
    for (more, code, param) in [
        (json!({"previous_response_id": "resp_1"}), "not_found", None),
        (json!({"conversation": "conv_1"}), "not_found", None),
        (
            json!({"store": false, "background": true}),
            "invalid_value",
            Some("store"),
        ),
        (
            json!({"input": [{"type": "item_reference", "id": "msg_1_0"}]}),
            "invalid_value",
            Some("input[0].id"),
        ),
        (
            json!({"tools": [{"type": "file_search", "vector_store_ids": ["vs_1"]}]}),
            "invalid_value",
            Some("tools[0].vector_store_ids[0]"),
        ),
    ] {
        let reply = respond(&api, json!("Hi"), more).await;
        let (_, found, place) = failure(&reply);
        assert_eq!(
            (found.as_str(), place.as_deref()),
            (code, param),
            "{}",
            reply.text
        );
    }
    assert!(api.provider.take_requests().is_empty(), "nobody was asked");
}
