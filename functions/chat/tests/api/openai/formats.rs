//! Answers in a format, from models that keep to one and from those that have to be told.

use serde_json::{Value, json};

use super::{complete, data, failure, respond, text, user};
use crate::helpers::{ADA, api};
use crate::runs::run_of;

fn number() -> Value {
    json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]})
}

fn format() -> Value {
    json!({"type": "json_schema", "json_schema": {"name": "number", "schema": number(), "strict": true}})
}

#[tokio::test]
async fn a_model_that_keeps_to_no_format_is_told_of_it_and_checked() {
    let api = api().await;
    let said = json!({"say": ["```json\n", "{\"a\": 1}", "\n```"]});
    let reply = complete(
        &api,
        json!([user(&said)]),
        json!({"response_format": format()}),
    )
    .await;
    let message = &reply.body()["choices"][0]["message"];
    assert_eq!(message["content"], "{\"a\": 1}", "{}", reply.text);
    let asked = api.provider.take_requests().remove(0).body;
    assert_eq!(asked.get("response_format"), None);
    let told = asked["messages"][0]["content"].as_str().expect("text");
    assert!(told.contains(&number().to_string()), "{told}");
    let streamed = json!({"response_format": format(), "stream": true});
    let chunks = data(&complete(&api, json!([user(&said)]), streamed).await);
    let contents = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
    assert_eq!(
        contents.collect::<String>(),
        "{\"a\": 1}",
        "nothing of it came before it was right"
    );
}

#[tokio::test]
async fn a_wrong_answer_is_mended_once_and_both_are_charged() {
    let api = api().await;
    crate::rag::answers(&api, "This is not in the format", "{\"a\": 2}");
    let said = user(json!({"say": ["{\"a\": \"two\"}"]}));
    let reply = complete(&api, json!([said]), json!({"response_format": format()})).await;
    assert_eq!(
        reply.body()["choices"][0]["message"]["content"],
        "{\"a\": 2}",
        "{}",
        reply.text
    );
    let asked = api.provider.take_requests();
    assert_eq!(asked.len(), 2);
    let again = asked[1].body["messages"].as_array().expect("messages");
    assert_eq!(
        again[2],
        json!({"role": "assistant", "content": "{\"a\": \"two\"}"})
    );
    let fault = again[3]["content"].as_str().expect("text");
    assert!(fault.contains("at `/a`"), "{fault}");
    let run = api.get(ADA, &run_of(&reply)).await.body();
    let attempts = run["attempts"].as_array().expect("attempts");
    assert_eq!(attempts[0]["problem"], "provider-bad-format");
    assert!(
        attempts.iter().all(|attempt| attempt["usage"].is_object()),
        "{run}"
    );
}

#[tokio::test]
async fn what_is_wrong_twice_is_an_error_and_no_text_came() {
    let api = api().await;
    let said = json!({"say": ["No."]}).to_string();
    let text_format =
        json!({"format": {"type": "json_schema", "name": "number", "schema": number()}});
    let reply = respond(&api, json!(said), json!({"text": text_format})).await;
    assert_eq!(
        failure(&reply),
        (502, "provider_bad_format".to_owned(), None)
    );
    assert_eq!(api.provider.take_requests().len(), 2, "asked once more");
    let streamed = json!({"text": text_format, "stream": true});
    let events = data(&respond(&api, json!(said), streamed).await);
    let names: Vec<&Value> = events.iter().map(|event| &event["type"]).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.failed"
        ]
    );
}

#[tokio::test]
async fn what_can_not_be_checked_is_refused_before_anybody_is_asked() {
    let api = api().await;
    let schema = json!({"$ref": "https://example.com/schema.json"});
    let format = json!({"type": "json_schema", "json_schema": {"name": "x", "schema": schema}});
    let reply = complete(
        &api,
        json!([user("Hi")]),
        json!({"response_format": format}),
    )
    .await;
    let (status, code, param) = failure(&reply);
    assert_eq!(
        (status, code.as_str()),
        (400, "invalid_value"),
        "{}",
        reply.text
    );
    assert_eq!(param.as_deref(), Some("response_format.json_schema.schema"));
    assert!(api.provider.take_requests().is_empty());
    // Cut off by the limit it comes as it is, as at OpenAI.
    let cut = json!({"say": ["{\"a\":"], "finish": "length"}).to_string();
    let text_format = json!({"format": {"type": "json_object"}});
    let made = respond(&api, json!(cut), json!({"text": text_format}))
        .await
        .body();
    assert_eq!(
        (text(&made).as_str(), &made["status"]),
        ("{\"a\":", &json!("incomplete"))
    );
}

#[tokio::test]
async fn one_call_at_a_time_is_passed_on_and_looked_after() {
    let api = api().await;
    let calls = json!([{"name": "f", "arguments": ["{}"]}, {"name": "f", "arguments": ["{}"]}]);
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let more = json!({"model": "large", "tools": tools, "parallel_tool_calls": false});
    let two = complete(
        &api,
        json!([user(json!({"calls": calls, "finish": "tool_calls"}))]),
        more.clone(),
    )
    .await;
    assert_eq!(failure(&two).1, "provider_bad_tool_call", "{}", two.text);
    let asked = api.provider.take_requests().remove(0).body;
    assert_eq!(asked["parallel_tool_calls"], false);
    let one = json!({"calls": [calls[0]], "finish": "tool_calls"});
    let one = complete(&api, json!([user(one)]), more).await;
    assert_eq!(
        one.body()["choices"][0]["finish_reason"],
        "tool_calls",
        "{}",
        one.text
    );
}
