//! Tools that a model calls, and whoever asked answers for.

use serde_json::{Value, json};
use test_support::{Reply, TestApi};

use crate::helpers::{ADA, api, conversation, messages, say};
use crate::routes::run;
use crate::runs::run_of;

fn weather() -> Value {
    json!({"name": "weather", "description": "The weather in a city.", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false,
    }})
}

/// Sends a message with the tool `weather`.
async fn ask(api: &TestApi, path: &str, content: Value, stream: bool) -> Reply {
    let body = json!({"content": content, "tools": [weather()], "stream": stream});
    api.post(ADA, path, body).await
}

/// A text that makes the model call.
fn calling(calls: &Value) -> Value {
    json!({"say": ["Let me look."], "calls": calls})
        .to_string()
        .into()
}

fn oslo() -> Value {
    json!([{"id": "call_a", "name": "weather", "arguments": ["{\"city\":", "\"Oslo\"}"]}])
}

fn result(id: &str, text: &str) -> Value {
    json!({"type": "tool_result", "tool_call_id": id, "text": text})
}

#[tokio::test]
async fn a_call_is_answered_by_the_next_message_and_the_model_sees_both() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let called = ask(&api, &path, calling(&oslo()), false).await;
    assert_eq!(called.status, 201, "{}", called.text);
    let answer = called.body();
    assert_eq!(answer["finish_reason"], "tool_calls");
    assert_eq!(answer["content"], "Let me look.");
    let call = json!({"type": "tool_call", "id": "call_a", "name": "weather", "arguments": "{\"city\":\"Oslo\"}", "signature": null});
    let mut shown = answer["parts"][1].clone();
    shown["signature"] = Value::Null;
    assert_eq!(shown, call);
    api.provider.take_requests();
    // The scripted provider echoes what the tool gave.
    let answered = ask(&api, &path, json!([result("call_a", "Rain")]), false).await;
    assert_eq!(
        answered.body()["content"],
        "You said: Rain",
        "{}",
        answered.text
    );
    let sent = api.provider.take_requests().remove(0).body;
    let sent = sent["messages"].as_array().expect("messages");
    assert_eq!(
        sent[1]["tool_calls"][0]["function"]["arguments"],
        "{\"city\":\"Oslo\"}"
    );
    assert_eq!(
        (&sent[2]["role"], &sent[2]["tool_call_id"]),
        (&json!("tool"), &json!("call_a"))
    );
    let stored = messages(&api, &path).await;
    assert_eq!(stored[2]["role"], "tool");
    assert_eq!(stored[2]["parts"][0]["text"], "Rain");
    assert_eq!(stored[2]["parent_id"], stored[1]["id"]);
    assert_eq!(stored[1], answer, "as it was answered");
}

#[tokio::test]
async fn a_stream_tells_of_calls_and_thoughts_piece_by_piece_and_again_later() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let script = json!({"think": ["Hm", "."], "say": ["Look: "], "calls": oslo()});
    let reply = ask(&api, &path, script.to_string().into(), true).await;
    let events = reply.events();
    let told: Vec<(&str, Value)> = events
        .iter()
        .map(|event| (event.name.as_str(), event.data.clone()))
        .filter(|(name, _)| !["start", "done"].contains(name))
        .collect();
    assert_eq!(
        told,
        [
            ("reasoning", json!({"content": "Hm"})),
            ("reasoning", json!({"content": "."})),
            ("delta", json!({"content": "Look: "})),
            (
                "tool_call",
                json!({"index": 0, "id": "call_a", "name": "weather"})
            ),
            (
                "tool_arguments",
                json!({"index": 0, "content": "{\"city\":"})
            ),
            (
                "tool_arguments",
                json!({"index": 0, "content": "\"Oslo\"}"})
            ),
        ]
    );
    let done = &events.last().expect("an event").data;
    assert_eq!(done["parts"][0]["text"], "Hm.");
    assert_eq!(done["parts"][0]["model"], "large");
    let again = api.get(ADA, &format!("{}/events", run_of(&reply))).await;
    assert_eq!(again.text, reply.text, "byte for byte");
}

#[tokio::test]
async fn calls_that_break_the_schema_are_not_passed_on_as_an_answer() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    for wrong in [
        json!([{"name": "weather", "arguments": ["{}"]}]),
        json!([{"name": "weather", "arguments": ["{\"city\":"]}]),
        json!([{"name": "weather", "arguments": ["{\"city\":\"Oslo\",\"x\":1}"]}]),
        json!([{"name": "launch", "arguments": ["{}"]}]),
    ] {
        let reply = ask(&api, &path, calling(&wrong), false).await;
        assert_eq!(reply.problem(), (502, "provider-bad-tool-call".to_owned()));
        let run = api.get(ADA, "/api/v1/runs").await.body()["data"][0].clone();
        assert_eq!(run["status"], "failed");
        assert_eq!(run["attempts"][0]["problem"], "provider-bad-tool-call");
        assert!(
            run["cost_micro_dollars"].as_u64() > Some(0),
            "it is counted: {run}"
        );
    }
    // Before anything was sent it can be asked again.
    let wrong = json!([{"name": "launch", "arguments": ["{}"]}]);
    let script = json!({"say": ["Sunny"], "attempts": [{"calls": wrong}]});
    let reply = ask(&api, &path, script.to_string().into(), false).await;
    assert_eq!(reply.status, 502, "what was streamed can't be taken back");
}

#[tokio::test]
async fn results_must_be_those_of_the_calls_in_the_answer_before() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let early = ask(&api, &path, json!([result("call_a", "Rain")]), false).await;
    assert_eq!(early.errors()[0].0, "/content/0/tool_call_id");
    let two = json!([{"id": "call_a", "name": "weather", "arguments": ["{\"city\":\"Oslo\"}"]},
                     {"id": "call_b", "name": "weather", "arguments": ["{\"city\":\"Rome\"}"]}]);
    ask(&api, &path, calling(&two), false).await;
    for (content, field) in [
        (json!([result("call_a", "Rain")]), "/content"),
        (
            json!([result("call_a", "1"), result("call_a", "2")]),
            "/content/1/tool_call_id",
        ),
        (
            json!([result("call_a", "1"), result("call_x", "2")]),
            "/content/1/tool_call_id",
        ),
        (
            json!([result("call_a", "1"), {"type": "text", "text": "x"}]),
            "/content",
        ),
    ] {
        let reply = ask(&api, &path, content, false).await;
        assert_eq!(reply.errors()[0].0, field);
    }
    let both = json!([result("call_b", "2"), result("call_a", "1")]);
    assert_eq!(ask(&api, &path, both, false).await.status, 201);
}

#[tokio::test]
async fn calls_that_nobody_answers_are_given_up() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    ask(&api, &path, calling(&oslo()), false).await;
    api.provider.take_requests();
    let reply = say(&api, &path, "Never mind").await;
    assert_eq!(reply.body()["content"], "You said: Never mind");
    let sent = api.provider.take_requests().remove(0).body;
    assert_eq!(sent["messages"][1]["content"], "Let me look.");
    assert_eq!(sent["messages"][1]["tool_calls"], Value::Null);
    let late = ask(&api, &path, json!([result("call_a", "Rain")]), false).await;
    assert_eq!(late.errors()[0].0, "/content/0/tool_call_id");
}

#[tokio::test]
async fn a_model_that_only_calls_tools_is_stopped() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    ask(&api, &path, calling(&oslo()), false).await;
    let again = json!({"calls": oslo()}).to_string();
    for round in 2..=25 {
        let reply = ask(&api, &path, json!([result("call_a", &again)]), false).await;
        assert_eq!(reply.status, 201, "round {round}: {}", reply.text);
    }
    let reply = ask(&api, &path, json!([result("call_a", &again)]), false).await;
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    let reply = say(&api, &path, "Stop that").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
}

#[tokio::test]
async fn tools_that_can_not_be_offered_are_refused_before_anything_begins() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let small = conversation(&api, json!({})).await;
    let mut no_object = weather();
    no_object["parameters"] = json!({"type": "string"});
    let mut no_schema = weather();
    no_schema["parameters"]["properties"] = 17.into();
    for (path, more, field) in [
        (&small, json!({"tools": [weather()]}), "/tools"),
        (&path, json!({"tools": [no_object]}), "/tools/0/parameters"),
        (&path, json!({"tools": [no_schema]}), "/tools/0/parameters"),
        (
            &path,
            json!({"tools": [weather(), weather()]}),
            "/tools/1/name",
        ),
        (&path, json!({"tool_choice": "required"}), "/tool_choice"),
        (
            &path,
            json!({"tools": [weather()], "tool_choice": {"named": "x"}}),
            "/tool_choice",
        ),
    ] {
        let mut body = more;
        body["content"] = "Hi".into();
        let reply = api.post(ADA, path, body).await;
        assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
        assert_eq!(reply.errors()[0].0, field);
    }
    assert!(api.provider.take_requests().is_empty());
    assert!(messages(&api, &path).await.is_empty());
}

#[tokio::test]
async fn a_model_without_tools_is_told_of_them_in_words() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    ask(&api, &path, calling(&oslo()), false).await;
    ask(&api, &path, json!([result("call_a", "Rain")]), false).await;
    api.provider.take_requests();
    let reply = api
        .post(ADA, &path, json!({"content": "So?", "model": "small"}))
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let sent = api.provider.take_requests().remove(0).body["messages"].to_string();
    assert!(sent.contains("[The tool weather was called with"), "{sent}");
    assert!(sent.contains("[The tool's result: Rain]"), "{sent}");
    let run = run(&api, &reply).await;
    assert_eq!(run["status"], "completed");
}
