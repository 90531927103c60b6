//! `POST …/messages` with `stream: false`

use std::time::Duration;

use serde_json::json;

use crate::helpers::{ADA, api, conversation, messages, pair, say, sent};

#[tokio::test]
async fn the_answer_comes_back_and_both_messages_are_stored() {
    let api = api().await;
    let path = conversation(&api, json!({"title": "Oslo"})).await;
    let reply = say(
        &api,
        &path,
        json!({"say": ["Hello", " there"], "delay_ms": 2}),
    )
    .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let stored = messages(&api, &path).await;
    assert_eq!(
        stored[1],
        reply.body(),
        "what is stored is what was answered"
    );
    assert_eq!(stored[1]["parent_id"], stored[0]["id"]);
    insta::assert_json_snapshot!(stored, {
        "[].id" => "[message]",
        "[].conversation_id" => "[conversation]",
        "[].run_id" => "[run]",
        "[].first_token_ms" => "[time]",
        "[].latency_ms" => "[time]",
        "[1].parent_id" => "[message]",
    }, @r#"
    [
      {
        "content": "{\"delay_ms\":2,\"say\":[\"Hello\",\" there\"]}",
        "conversation_id": "[conversation]",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "id": "[message]",
        "parent_id": null,
        "role": "user",
        "run_id": "[run]"
      },
      {
        "content": "Hello there",
        "conversation_id": "[conversation]",
        "created_at": "2026-01-01T00:00:00.000000Z",
        "finish_reason": "stop",
        "first_token_ms": "[time]",
        "id": "[message]",
        "latency_ms": "[time]",
        "model": "small",
        "parent_id": "[message]",
        "provider": "scripted",
        "role": "assistant",
        "run_id": "[run]",
        "usage": {
          "input_tokens": 11,
          "output_tokens": 2
        }
      }
    ]
    "#);
}

#[tokio::test]
async fn the_times_are_those_of_the_provider() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let script = json!({"say": ["a", "b"], "head_delay_ms": 60, "delay_ms": 40});
    let answer = say(&api, &path, script).await.body();
    let (first, whole) = (
        answer["first_token_ms"].as_u64(),
        answer["latency_ms"].as_u64(),
    );
    assert!(first >= Some(100), "{answer}");
    assert!(whole >= first.map(|first| first + 40), "{answer}");
}

#[tokio::test]
async fn the_next_turn_knows_the_ones_before() {
    let api = api().await;
    let path = conversation(&api, json!({"system_prompt": "Be brief."})).await;
    say(&api, &path, "My name is Ada.").await;
    say(&api, &path, "Who am I?").await;
    assert_eq!(
        sent(&api),
        [
            pair("system", "Be brief."),
            pair("user", "My name is Ada."),
            pair("assistant", "You said: My name is Ada."),
            pair("user", "Who am I?"),
        ]
    );
}

#[tokio::test]
async fn the_model_of_the_conversation_answers_on_its_own_wire() {
    let api = api().await;
    for (model, provider) in [("large", "scripted"), ("claude", "scripted-claude")] {
        let path = conversation(&api, json!({"model": model, "system_prompt": "Be brief."})).await;
        let answer = say(&api, &path, json!({"say": ["Hi"], "finish": "length"}))
            .await
            .body();
        assert_eq!(answer["content"], "Hi", "{answer}");
        assert_eq!(
            (&answer["model"], &answer["provider"]),
            (&json!(model), &json!(provider))
        );
        assert_eq!(answer["finish_reason"], "length");
        assert_eq!(
            answer["usage"],
            json!({"input_tokens": 11, "output_tokens": 1})
        );
        let request = api.provider.take_requests().remove(0);
        assert_eq!(request.body["model"], model);
        assert_eq!(request.body["stream"], true);
        let header = |name: &str| {
            request
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
        };
        let by_wire = if provider == "scripted" {
            (
                header("authorization"),
                &request.body["messages"][0]["content"],
            )
        } else {
            (header("x-api-key"), &request.body["system"])
        };
        assert!(by_wire.0.ends_with("sk-provider-canary"), "{by_wire:?}");
        assert_eq!(by_wire.1, "Be brief.");
    }
}

#[tokio::test]
async fn a_provider_that_does_not_count_leaves_usage_out() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    let answer = say(&api, &path, json!({"say": ["Hi"], "usage": false})).await;
    assert_eq!(answer.status, 201);
    assert_eq!(answer.body().get("usage"), None);
}

#[tokio::test]
async fn text_that_is_cut_anywhere_arrives_whole() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    for split in [1, 2, 3, 7] {
        let answer = say(
            &api,
            &path,
            json!({"say": ["Tromsø ", "🦀", " 你好\n\ndata: x"], "split": split}),
        )
        .await;
        assert_eq!(
            answer.body()["content"],
            "Tromsø 🦀 你好\n\ndata: x",
            "{split}"
        );
    }
}

#[tokio::test]
async fn an_answer_brings_its_conversation_to_the_top() {
    let api = api().await;
    let conversations = api.beside(conversations::router);
    let oslo = conversation(&api, json!({"title": "Oslo"})).await;
    api.app.clock.advance(Duration::from_secs(1));
    conversation(&api, json!({"title": "Bergen"})).await;
    api.app.clock.advance(Duration::from_secs(1));
    say(&api, &oslo, "Hi").await;
    let list = conversations.get(ADA, "/api/v1/conversations").await.body();
    assert_eq!(list["data"][0]["title"], "Oslo");
    assert_eq!(list["data"][0]["active_at"], "2026-01-01T00:00:02.000000Z");
}

#[tokio::test]
async fn an_endless_answer_is_cut_where_a_message_ends() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "large"})).await;
    let piece = "x".repeat(1000);
    let script = json!({"say": vec![piece; 150]}).to_string();
    assert!(
        script.len() < 200_000,
        "the question itself is not too long"
    );
    // The script counts as a question of 50,000 tokens; its echo would be as long.
    let answer = say(&api, &path, script).await;
    assert_eq!(
        answer.body()["content"].as_str().map(str::len),
        Some(150_000)
    );
    assert_eq!(answer.body()["finish_reason"], "stop");
}
