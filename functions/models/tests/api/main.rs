//! The API of `models` as a client sees it.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

mod door;
mod openai;
mod registry;

use serde_json::{Value, json};
use test_support::TestApi;

const ADA: Option<&str> = Some("ada");

async fn api() -> TestApi {
    TestApi::new(|app, _| models::router(app)).await
}

#[tokio::test]
async fn all_models_are_listed_and_one_is_the_default() {
    let reply = api().await.get(ADA, "/api/v1/models").await;
    assert_eq!(reply.status, 200);
    let mut body = reply.body();
    let data = body["data"].as_array_mut().expect("models");
    assert_eq!(data.split_off(5).len(), 6, "vectors, orders, verdicts");
    let rest: Vec<(Value, Value)> = data
        .drain(2..)
        .map(|model| (model["id"].clone(), model["provider"].clone()))
        .collect();
    let expected = ["claude", "gemini", "nova:0"]
        .into_iter()
        .zip(["scripted-claude", "scripted-gemini", "scripted-bedrock"])
        .map(|(id, provider)| (id.into(), provider.into()));
    assert_eq!(rest, expected.collect::<Vec<(Value, Value)>>());
    insta::assert_json_snapshot!(body, @r#"
    {
      "data": [
        {
          "capabilities": [],
          "context_window": 2048,
          "default": true,
          "dimensions": null,
          "id": "small",
          "max_input_tokens": null,
          "max_output_tokens": 512,
          "price": null,
          "provider": "scripted",
          "targets": null,
          "type": "chat"
        },
        {
          "capabilities": [
            "tools",
            "images"
          ],
          "context_window": 100000,
          "default": false,
          "dimensions": null,
          "id": "large",
          "max_input_tokens": null,
          "max_output_tokens": 1000,
          "price": {
            "input": 400000,
            "output": 1600000,
            "version": "2026"
          },
          "provider": "scripted",
          "targets": null,
          "type": "chat"
        }
      ],
      "has_more": false,
      "next_cursor": null
    }
    "#);
}

#[tokio::test]
async fn what_makes_vectors_is_listed_after_what_chats() {
    let listed = api().await.get(ADA, "/api/v1/models").await.body();
    let models = listed["data"].as_array().expect("models");
    let vectors: Vec<&Value> = models.iter().skip(5).take(2).collect();
    insta::assert_json_snapshot!(vectors, @r#"
    [
      {
        "capabilities": [],
        "context_window": null,
        "default": true,
        "dimensions": 256,
        "id": "words",
        "max_input_tokens": 512,
        "max_output_tokens": null,
        "price": {
          "input": 20000,
          "output": 0,
          "version": "2026"
        },
        "provider": "scripted",
        "targets": null,
        "type": "embedding"
      },
      {
        "capabilities": [],
        "context_window": null,
        "default": false,
        "dimensions": 96,
        "id": "few-words",
        "max_input_tokens": 256,
        "max_output_tokens": null,
        "price": null,
        "provider": "scripted",
        "targets": null,
        "type": "embedding"
      }
    ]
    "#);
}

#[tokio::test]
async fn what_puts_passages_into_an_order_is_listed_after_that() {
    let listed = api().await.get(ADA, "/api/v1/models").await.body();
    let models = listed["data"].as_array().expect("models");
    let orders: Vec<&Value> = models.iter().skip(7).take(2).collect();
    assert_eq!(orders.len(), 2);
    insta::assert_json_snapshot!(orders[0], @r#"
    {
      "capabilities": [],
      "context_window": null,
      "default": true,
      "dimensions": null,
      "id": "sorter",
      "max_input_tokens": 512,
      "max_output_tokens": null,
      "price": {
        "input": 50000,
        "output": 0,
        "version": "2026"
      },
      "provider": "scripted",
      "targets": null,
      "type": "rerank"
    }
    "#);
}

#[tokio::test]
async fn what_judges_is_listed_last_and_has_no_price() {
    let listed = api().await.get(ADA, "/api/v1/models").await.body();
    let models = listed["data"].as_array().expect("models");
    let verdicts: Vec<&Value> = models.iter().skip(9).collect();
    assert_eq!(verdicts.len(), 2);
    assert_eq!(verdicts[1]["id"], "other-judge");
    insta::assert_json_snapshot!(verdicts[0], @r#"
    {
      "capabilities": [],
      "context_window": null,
      "default": true,
      "dimensions": null,
      "id": "judge",
      "max_input_tokens": null,
      "max_output_tokens": null,
      "price": null,
      "provider": "scripted",
      "targets": null,
      "type": "moderation"
    }
    "#);
}

#[tokio::test]
async fn a_model_is_found_by_its_id() {
    let api = api().await;
    let found = api.get(ADA, "/api/v1/models/claude").await;
    let listed = api.get(ADA, "/api/v1/models").await.body();
    assert_eq!(found.body(), listed["data"][2]);
    assert_eq!(found.body()["default"], json!(false));
    let vectors = api.get(ADA, "/api/v1/models/few-words").await;
    assert_eq!(vectors.body(), listed["data"][6]);
    let order = api.get(ADA, "/api/v1/models/free-sorter").await;
    assert_eq!(order.body(), listed["data"][8]);
    let verdicts = api.get(ADA, "/api/v1/models/other-judge").await;
    assert_eq!(verdicts.body(), listed["data"][10]);
    for unknown in [
        "nothing",
        "retired-judge",
        "..%2Fclaude",
        "claude%00",
        "CLAUDE",
    ] {
        let reply = api.get(ADA, &format!("/api/v1/models/{unknown}")).await;
        assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{unknown}");
    }
}

#[tokio::test]
async fn the_listing_tells_nothing_of_where_providers_are() {
    let reply = api().await.get(ADA, "/api/v1/models").await;
    assert!(!reply.text.contains("127.0.0.1"), "{}", reply.text);
}

#[tokio::test]
async fn nobody_gets_a_401() {
    let api = api().await;
    for path in ["/api/v1/models", "/api/v1/models/claude"] {
        assert_eq!(
            api.get(None, path).await.problem(),
            (401, "unauthenticated".to_owned())
        );
    }
}
