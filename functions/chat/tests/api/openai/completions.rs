//! `POST /v1/chat/completions`

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use super::{COMPLETIONS, complete, data, failure, sent, user};
use crate::helpers::{ADA, api, pair};
use crate::runs::run_of;

#[tokio::test]
async fn an_answer_comes_in_openai_s_shape_and_nothing_of_the_question_is_stored() {
    let api = api().await;
    let question = user(json!({"say": ["Hello", " there"], "counts": {"input": 9, "cached": 4}}));
    let reply = complete(&api, json!([question]), json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let body = reply.body();
    insta::assert_json_snapshot!(body, { ".id" => "[id]" }, @r#"
    {
      "choices": [
        {
          "finish_reason": "stop",
          "index": 0,
          "logprobs": null,
          "message": {
            "annotations": [],
            "content": "Hello there",
            "refusal": null,
            "role": "assistant"
          }
        }
      ],
      "created": 1767225600,
      "id": "[id]",
      "model": "small",
      "object": "chat.completion",
      "usage": {
        "completion_tokens": 2,
        "completion_tokens_details": {
          "reasoning_tokens": 0
        },
        "prompt_tokens": 9,
        "prompt_tokens_details": {
          "cached_tokens": 4
        },
        "total_tokens": 11
      }
    }
    "#);
    let run = api.get(ADA, &run_of(&reply)).await.body();
    let digits = run["id"]
        .as_str()
        .expect("an id")
        .trim_start_matches("run_");
    assert_eq!(body["id"], format!("chatcmpl-{digits}"));
    assert_eq!(run["status"], "completed");
    let conversations = api.beside(conversations::router);
    let list = conversations.get(ADA, "/api/v1/conversations").await;
    assert_eq!(list.body()["data"], json!([]), "in no list");
    let thread = run["conversation_id"].as_str().expect("an id");
    for path in ["", "/messages"] {
        let path = format!("/api/v1/conversations/{thread}{path}");
        assert_eq!(conversations.get(ADA, &path).await.status, 404, "{path}");
    }
    let store = crate::helpers::store(&api).await;
    let thread = thread.parse().expect("an id");
    let stored = store.message_list(thread, 0, 9).await.expect("rows").items;
    let stored: Vec<&str> = stored.iter().map(|one| one.content.as_str()).collect();
    assert_eq!(stored, ["", "Hello there"], "the answer alone");
}

#[tokio::test]
async fn the_whole_conversation_is_sent_as_it_came() {
    let api = api().await;
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "assistant", "content": "Welcome!"},
        user("One"),
        {"role": "developer", "content": [{"type": "text", "text": "And kind."}]},
        {"role": "assistant", "content": [{"type": "text", "text": "Two"}]},
        user("Three"),
        user("Four"),
    ]);
    let reply = complete(&api, messages, json!({})).await;
    assert_eq!(
        reply.body()["choices"][0]["message"]["content"],
        "You said: Four"
    );
    assert_eq!(
        sent(&api),
        [
            pair("system", "Be brief.\n\nAnd kind."),
            pair("user", "[The conversation begins.]"),
            pair("assistant", "Welcome!"),
            pair("user", "One"),
            pair("assistant", "Two"),
            pair("user", "Three"),
            pair("user", "Four"),
        ]
    );
}

#[tokio::test]
async fn chunks_make_the_answer_and_the_last_one_tells_what_was_used() {
    let api = api().await;
    let question = user(json!({"say": ["Hel", "lo"], "delay_ms": 1}));
    let more = json!({"stream": true, "stream_options": {"include_usage": true}});
    let reply = complete(&api, json!([question]), more).await;
    assert!(reply.text.ends_with("data: [DONE]\n\n"), "{}", reply.text);
    let chunks = data(&reply);
    let delta = |chunk: &Value| chunk["choices"][0]["delta"].clone();
    let first = json!({"role": "assistant", "content": "", "refusal": null});
    assert_eq!(delta(&chunks[0]), first);
    assert_eq!(delta(&chunks[1]), json!({"content": "Hel"}));
    assert_eq!(delta(&chunks[2]), json!({"content": "lo"}));
    assert_eq!(chunks[3]["choices"][0]["finish_reason"], "stop");
    assert_eq!(chunks[4]["choices"], json!([]));
    assert_eq!(chunks[4]["usage"]["total_tokens"], 13);
    assert_eq!(chunks.len(), 5);
    for chunk in &chunks[..4] {
        assert_eq!(chunk["usage"], Value::Null, "{chunk}");
        assert_eq!(chunk["id"], chunks[4]["id"]);
        assert_eq!(chunk["object"], "chat.completion.chunk");
    }
    let plain = complete(&api, json!([user("Hi")]), json!({"stream": true})).await;
    assert!(!plain.text.contains("usage"), "{}", plain.text);
}

fn weather() -> Value {
    json!([{"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
    }}}])
}

#[tokio::test]
async fn calls_come_back_to_the_client_which_sends_their_results() {
    let api = api().await;
    let calls = json!([
        {"id": "call_a", "name": "weather", "arguments": ["{\"city\":", "\"Oslo\"}"]},
        {"id": "call_b", "name": "weather", "arguments": ["{\"city\":\"Bonn\"}"]},
    ]);
    let script = json!({"calls": calls, "finish": "tool_calls"});
    let question = user(&script);
    let tools = json!({"model": "large", "tools": weather()});
    let reply = complete(&api, json!([question]), tools.clone()).await;
    let choice = reply.body()["choices"][0].clone();
    assert_eq!(choice["finish_reason"], "tool_calls", "{}", reply.text);
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = |id: &str, city: &str| {
        let arguments = format!("{{\"city\":\"{city}\"}}");
        json!({"id": id, "type": "function", "function": {"name": "weather", "arguments": arguments}})
    };
    let made = json!([call("call_a", "Oslo"), call("call_b", "Bonn")]);
    assert_eq!(choice["message"]["tool_calls"], made);
    // As the SDKs send it back: the message as it came.
    let result =
        |id: &str, text: &str| json!({"role": "tool", "tool_call_id": id, "content": text});
    let messages = json!([
        question,
        choice["message"],
        result("call_a", "Rain"),
        result("call_b", "Sun")
    ]);
    api.provider.take_requests();
    let reply = complete(&api, messages, tools.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let sent = api.provider.take_requests().remove(0).body["messages"].clone();
    assert_eq!(sent[1]["tool_calls"], made);
    assert_eq!(sent[2]["content"], "Rain");
    assert_eq!(sent[3]["tool_call_id"], "call_b");
    let mut streamed = tools;
    super::extend(&mut streamed, &json!({"stream": true}));
    let chunks = data(&complete(&api, json!([question]), streamed).await);
    let pieces = chunks.iter().flat_map(|chunk| {
        let calls = chunk["choices"][0]["delta"]["tool_calls"]
            .as_array()
            .cloned();
        calls.unwrap_or_default()
    });
    let mut arguments = [String::new(), String::new()];
    let mut ids = Vec::new();
    for piece in pieces {
        let index = piece["index"].as_u64().expect("a number");
        ids.extend(piece["id"].as_str().map(ToOwned::to_owned));
        let more = piece["function"]["arguments"].as_str().expect("text");
        arguments[usize::try_from(index).expect("small")].push_str(more);
    }
    assert_eq!(ids, ["call_a", "call_b"]);
    assert_eq!(arguments, ["{\"city\":\"Oslo\"}", "{\"city\":\"Bonn\"}"]);
}

#[tokio::test]
async fn the_same_request_again_gets_the_same_answer_and_nobody_is_asked() {
    let api = api().await;
    let body = json!({"model": "small", "messages": [user("Hi")]});
    let headers = [("idempotency-key", "k1")];
    let send = |body: &Value| {
        let body = Body::Json(body.clone());
        api.send_with(ADA, Method::POST, COMPLETIONS, body, &headers)
    };
    let first = send(&body).await;
    let second = send(&body).await;
    assert_eq!(second.header("idempotency-replayed"), "true");
    assert_eq!(first.body(), second.body());
    assert_eq!(api.provider.take_requests().len(), 1);
    let mut other = body;
    other["temperature"] = json!(1);
    let reused = send(&other).await;
    assert_eq!(failure(&reused).1, "idempotency_key_reused");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_is_left_out() {
    let api = api().await;
    let long = "word ".repeat(12_000);
    let messages = json!([user(&long), {"role": "assistant", "content": "Yes."}, user("Hi")]);
    let reply = complete(&api, messages, json!({})).await;
    assert_eq!(
        failure(&reply),
        (400, "context_length_exceeded".to_owned(), None)
    );
    let reply = complete(&api, json!([user(&long)]), json!({})).await;
    assert_eq!(failure(&reply).1, "context_length_exceeded");
    assert!(api.provider.take_requests().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn a_provider_that_breaks_off_is_an_error_of_the_stream_and_a_status_of_the_whole() {
    let api = api().await;
    let question = json!([user(json!({"say": ["Hel", "lo"], "cut_after": 1}))]);
    let whole = complete(&api, question.clone(), json!({})).await;
    assert_eq!(failure(&whole).0, 502, "{}", whole.text);
    let reply = complete(&api, question, json!({"stream": true})).await;
    let events = data(&reply);
    let last = events.last().expect("an event");
    assert_eq!(last["error"]["type"], "server_error", "{last}");
    assert!(!reply.text.contains("[DONE]"), "{}", reply.text);
}

#[tokio::test]
async fn settings_reach_the_provider() {
    let api = api().await;
    let more = json!({
        "model": "large", "temperature": 0.5, "top_p": 0.9, "stop": "X", "max_completion_tokens": 50,
        "user": "u1", "metadata": {"team": "blue"},
    });
    let reply = complete(&api, json!([user("Hi")]), more).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let asked = api.provider.take_requests().remove(0).body;
    assert_eq!(asked["temperature"], 0.5);
    assert_eq!(asked["top_p"], 0.9);
    assert_eq!(asked["stop"], json!(["X"]));
    assert_eq!(asked["max_tokens"], 50);
    let run = api.get(ADA, &run_of(&reply)).await.body();
    assert_eq!(run["metadata"], json!({"team": "blue", "user": "u1"}));
}

#[tokio::test]
async fn streams_come_also_to_those_who_accept_only_json() {
    let api = api().await;
    let headers = [("accept", "application/json")];
    for (path, body) in [
        (
            COMPLETIONS,
            json!({"model": "small", "messages": [user("Hi")], "stream": true}),
        ),
        (
            super::RESPONSES,
            json!({"model": "small", "input": "Hi", "stream": true}),
        ),
    ] {
        let body = Body::Json(body);
        let reply = api.send_with(ADA, Method::POST, path, body, &headers).await;
        assert!(!data(&reply).is_empty(), "{}", reply.text);
    }
}
