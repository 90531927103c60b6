//! `/v1/responses`: made, fetched, cancelled and deleted.

use engine::ProviderKeys;
use serde_json::{Value, json};
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use test_support::TestApi;

use super::{RESPONSES, data, failure, id, respond, text};
use crate::helpers::{ADA, api, store};
use crate::runs::run_of;

/// Does what workers of runs are told.
pub(super) async fn work(api: &TestApi) {
    let worker = run_worker::RunWorker::with(&api.app, ProviderKeys::fixed([]));
    let told = api.app.run_queue.take();
    assert!(!told.is_empty(), "a worker is told");
    for message in told {
        let body = serde_json::to_string(&message).expect("JSON");
        let record = json!({"messageId": "m", "body": body, "eventSource": "aws:sqs"});
        let event = json!({"Records": [record]});
        let done = Box::pin(worker.handle(event, Deadline::none())).await;
        done.expect("an answer");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a whole response")]
async fn a_response_is_answered_and_fetched_as_it_was_until_it_is_deleted() {
    let api = api().await;
    let more =
        json!({"metadata": {"team": "blue"}, "temperature": 0.5, "instructions": "Be brief."});
    let reply = respond(&api, json!("Hi"), more).await;
    let made = reply.body();
    insta::assert_json_snapshot!(made, {
        ".id" => "[id]",
        ".output[].id" => "[item]",
    }, @r#"
    {
      "background": false,
      "completed_at": 1767225600,
      "conversation": null,
      "created_at": 1767225600,
      "error": null,
      "id": "[id]",
      "incomplete_details": null,
      "instructions": "Be brief.",
      "max_output_tokens": null,
      "max_tool_calls": null,
      "metadata": {
        "team": "blue"
      },
      "model": "small",
      "object": "response",
      "output": [
        {
          "content": [
            {
              "annotations": [],
              "logprobs": [],
              "text": "You said: Hi",
              "type": "output_text"
            }
          ],
          "id": "[item]",
          "role": "assistant",
          "status": "completed",
          "type": "message"
        }
      ],
      "parallel_tool_calls": true,
      "previous_response_id": null,
      "reasoning": {
        "effort": null,
        "summary": null
      },
      "safety_identifier": null,
      "service_tier": "default",
      "status": "completed",
      "store": true,
      "temperature": 0.5,
      "text": {
        "format": {
          "type": "text"
        }
      },
      "tool_choice": "auto",
      "tools": [],
      "top_p": null,
      "truncation": "disabled",
      "usage": {
        "input_tokens": 11,
        "input_tokens_details": {
          "cache_write_tokens": 0,
          "cached_tokens": 0
        },
        "output_tokens": 2,
        "output_tokens_details": {
          "reasoning_tokens": 0
        },
        "total_tokens": 13
      },
      "user": null
    }
    "#);
    let path = format!("{RESPONSES}/{}", id(&reply));
    let fetched = api.get(ADA, &path).await;
    assert_eq!(fetched.body(), made);
    assert_eq!(super::sent(&api)[0].1, "Be brief.");
    let items = api.get(ADA, &format!("{path}/input_items")).await.body();
    assert_eq!(
        items["data"][0]["content"],
        json!([{"type": "input_text", "text": "Hi"}])
    );
    assert_eq!(items["data"].as_array().map(Vec::len), Some(1));
    let other = api.get(Some("bob"), &path).await;
    assert_eq!(failure(&other).0, 404, "not another person's");
    let run = api.get(ADA, &run_of(&reply)).await.body();
    let thread = run["conversation_id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let deleted = api.delete(ADA, &path).await;
    assert_eq!(deleted.body()["deleted"], true, "{}", deleted.text);
    assert_eq!(failure(&api.get(ADA, &path).await).0, 404);
    assert_eq!(failure(&api.delete(ADA, &path).await).0, 404);
    let left = store(&api)
        .await
        .message_list(thread, 0, 9)
        .await
        .expect("rows");
    assert_eq!(left.items, [], "what was said goes with it");
    assert_eq!(
        api.get(ADA, &run_of(&reply)).await.status,
        200,
        "the run stays"
    );
}

#[tokio::test]
async fn what_is_not_stored_can_not_be_fetched() {
    let api = api().await;
    let reply = respond(&api, json!("Hi"), json!({"store": false})).await;
    assert_eq!(reply.body()["store"], false);
    let path = format!("{RESPONSES}/{}", id(&reply));
    assert_eq!(failure(&api.get(ADA, &path).await).0, 404);
    let follows = json!({"previous_response_id": id(&reply)});
    assert_eq!(failure(&respond(&api, json!("And?"), follows).await).0, 404);
}

#[tokio::test]
async fn a_response_is_gone_after_thirty_days() {
    let api = api().await;
    let reply = respond(&api, json!("Hi"), json!({})).await;
    let path = format!("{RESPONSES}/{}", id(&reply));
    let day = std::time::Duration::from_secs(24 * 3600);
    api.app.clock.advance(day * 29);
    api.people.log_in_again("ada").await;
    assert_eq!(api.get(ADA, &path).await.status, 200);
    api.app.clock.advance(day * 2);
    api.people.log_in_again("ada").await;
    assert_eq!(failure(&api.get(ADA, &path).await).0, 404);
}

#[tokio::test]
async fn what_is_cut_by_the_limit_is_incomplete() {
    let api = api().await;
    let script = json!({"say": ["Once"], "finish": "length"}).to_string();
    let made = respond(&api, json!(script), json!({})).await.body();
    assert_eq!(made["status"], "incomplete");
    assert_eq!(made["incomplete_details"]["reason"], "max_output_tokens");
    assert_eq!(text(&made), "Once");
}

#[tokio::test]
async fn one_in_the_background_is_queued_made_and_followed() {
    let api = api().await;
    let more = json!({"background": true});
    let reply = respond(&api, json!("Hi"), more.clone()).await;
    let made = reply.body();
    assert_eq!(
        (&made["status"], &made["output"]),
        (&json!("queued"), &json!([]))
    );
    let path = format!("{RESPONSES}/{}", id(&reply));
    assert_eq!(api.get(ADA, &path).await.body()["status"], "queued");
    work(&api).await;
    let done = api.get(ADA, &path).await.body();
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(text(&done), "You said: Hi");
    assert_eq!(done["background"], true);
    let events = data(&api.get(ADA, &format!("{path}?stream=true")).await);
    assert_eq!(events.last().expect("an event")["response"], done);
    let fails = json!({"status": 400}).to_string();
    let reply = respond(&api, json!(fails), more).await;
    work(&api).await;
    let failed = api
        .get(ADA, &format!("{RESPONSES}/{}", id(&reply)))
        .await
        .body();
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["code"], "invalid_prompt", "{failed}");
}

#[tokio::test]
async fn one_that_waits_is_cancelled_at_once_and_stays_so() {
    let api = api().await;
    let reply = respond(&api, json!("Hi"), json!({"background": true})).await;
    let path = format!("{RESPONSES}/{}", id(&reply));
    for _ in 0..2 {
        let cancelled = api.post(ADA, &format!("{path}/cancel"), json!({})).await;
        assert_eq!(
            cancelled.body()["status"],
            "cancelled",
            "{}",
            cancelled.text
        );
    }
    work(&api).await;
    assert_eq!(api.get(ADA, &path).await.body()["status"], "cancelled");
    assert!(api.provider.take_requests().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn functions_are_called_and_answered_by_items() {
    let api = api().await;
    let call = json!({"id": "call_a", "name": "weather", "arguments": ["{\"city\":", "\"Oslo\"}"]});
    let script = json!({"say": ["Look:"], "calls": [call], "finish": "tool_calls"}).to_string();
    let tool = json!({"type": "function", "name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}},
    }});
    let more = json!({"model": "large", "tools": [tool]});
    let reply = respond(&api, json!(script), more.clone()).await;
    let made = reply.body();
    let called = made["output"][1].clone();
    assert_eq!(called["type"], "function_call", "{made}");
    assert_eq!(called["call_id"], "call_a");
    assert_eq!(called["arguments"], "{\"city\":\"Oslo\"}");
    let output = json!({"type": "function_call_output", "call_id": "call_a", "output": "Rain"});
    // By the response that it follows, and by items that are sent back as they came.
    let mut follows = more.clone();
    super::extend(&mut follows, &json!({"previous_response_id": id(&reply)}));
    let followed = respond(&api, json!([output]), follows).await;
    assert_eq!(
        text(&followed.body()),
        "You said: Rain",
        "{}",
        followed.text
    );
    let mut items = vec![super::user(&script)];
    items.extend(made["output"].as_array().cloned().expect("items"));
    items.push(output.clone());
    let mut again = more.clone();
    super::extend(&mut again, &json!({"store": false}));
    let again = respond(&api, Value::Array(items), again).await;
    assert_eq!(text(&again.body()), "You said: Rain", "{}", again.text);
    let referred = made["output"].as_array().expect("items").iter();
    let referred = referred.map(|item| json!({"type": "item_reference", "id": item["id"]}));
    let mut items = vec![super::user(&script)];
    items.extend(referred);
    items.push(output.clone());
    let reply = respond(&api, Value::Array(items), more).await;
    assert_eq!(text(&reply.body()), "You said: Rain", "{}", reply.text);
    let asked = api.provider.take_requests();
    let [.., followed, again, referring] = asked.as_slice() else {
        panic!("three requests");
    };
    for other in [again, referring] {
        let sent = &other.body["messages"];
        assert_eq!(*sent, followed.body["messages"], "all are the same");
    }
    let none = respond(&api, json!([output]), json!({"model": "large"})).await;
    assert_eq!(failure(&none).0, 400, "a result of no call: {}", none.text);
}
