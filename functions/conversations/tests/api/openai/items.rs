//! `/v1/conversations/{conversation_id}/items`

use serde_json::{Value, json};
use shared::model::ConversationId;
use test_support::TestApi;

use super::{failed, failure, with_items};
use crate::helpers::{ADA, PATH, api};

/// An answer with a thought, a text and two calls, and their results.
fn items() -> Value {
    json!([
        {"type": "message", "role": "user", "content": "What is the weather?"},
        {"type": "reasoning", "id": "rs_x", "summary": [], "content": [{"type": "reasoning_text", "text": "Ask."}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "I ask."}]},
        {"type": "function_call", "call_id": "a", "name": "weather", "arguments": "{}"},
        {"type": "function_call", "call_id": "b", "name": "weather", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "a", "output": "Sun"},
        {"type": "function_call_output", "call_id": "b", "output": "Rain"},
    ])
}

fn ids(list: &Value) -> Vec<String> {
    let entries = list["data"].as_array().expect("a list").iter();
    entries
        .map(|entry| entry["id"].as_str().expect("an id").to_owned())
        .collect()
}

async fn listed(api: &TestApi, path: &str, query: &str) -> Vec<String> {
    let reply = api.get(ADA, &format!("{path}/items?{query}")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    ids(&reply.body())
}

fn conversation(path: &str) -> ConversationId {
    let id = path.rsplit('/').next().expect("an id");
    id.parse().expect("a conversation's id")
}

#[tokio::test]
async fn items_are_listed_in_both_orders_page_by_page() {
    let api = api().await;
    let path = with_items(&api, json!([{"role": "user", "content": "Hi"}])).await;
    let added = json!({"items": [{"role": "assistant", "content": "Hello"}]});
    let added = api.post(ADA, &format!("{path}/items"), added).await.body();
    assert_eq!(added["object"], "list");
    assert_eq!(added["data"][0]["content"][0]["type"], "output_text");
    let added = json!({"items": items()});
    let added = api.post(ADA, &format!("{path}/items"), added).await.body();
    let prefixes: Vec<String> = ids(&added)
        .iter()
        .map(|id| id.split('_').next().unwrap_or_default().to_owned())
        .collect();
    assert_eq!(
        prefixes,
        ["msg", "rs", "msg", "fc", "fc", "fco", "fco"],
        "{added}"
    );
    let all = listed(&api, &path, "order=asc&limit=100").await;
    assert_eq!(all.len(), 9);
    assert_eq!(all[2..], ids(&added));
    for (order, whole) in [
        ("asc", all.clone()),
        ("desc", all.iter().rev().cloned().collect()),
    ] {
        for limit in [1, 2, 4] {
            let (mut seen, mut after) = (Vec::new(), String::new());
            loop {
                let query = format!("{path}/items?order={order}&limit={limit}{after}");
                let page = api.get(ADA, &query).await.body();
                seen.extend(ids(&page));
                if page["has_more"] == false {
                    break;
                }
                after = format!("&after={}", page["last_id"].as_str().expect("an id"));
            }
            assert_eq!(seen, whole, "{order} {limit}");
        }
    }
    let newest_first = listed(&api, &path, "limit=1").await;
    assert_eq!(newest_first, all[8..]);
    for id in &all {
        let item = api.get(ADA, &format!("{path}/items/{id}")).await.body();
        assert_eq!(item["id"], **id);
    }
}

#[tokio::test]
async fn the_native_api_shows_them_as_messages() {
    let api = api().await;
    let path = with_items(&api, items()).await;
    let native = format!("{PATH}/{}/messages", conversation(&path));
    let messages = api.get(ADA, &native).await.body();
    let messages = messages["data"].as_array().expect("messages");
    let roles: Vec<&Value> = messages.iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "tool"]);
    assert_eq!(messages[1]["content"], "I ask.");
    let id = messages[0]["id"].as_str().expect("an id");
    let listed = listed(&api, &path, "order=asc&limit=1").await;
    assert_eq!(listed, [format!("{id}_0")]);
}

#[tokio::test]
async fn a_deleted_item_leaves_the_others_their_ids() {
    let api = api().await;
    let path = with_items(&api, items()).await;
    let mut left = listed(&api, &path, "order=asc").await;
    // The text, a call, a result, the thought, the question, and so on.
    for place in [2, 2, 3, 1, 0, 0, 0] {
        let id = left.remove(place);
        let item = format!("{path}/items/{id}");
        let reply = api.delete(ADA, &item).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        assert_eq!(reply.body()["object"], "conversation");
        assert_eq!(listed(&api, &path, "order=asc").await, left, "{id}");
        for reply in [api.get(ADA, &item).await, api.delete(ADA, &item).await] {
            assert_eq!(failure(&reply), failed(404, "not_found", None));
        }
    }
    assert!(left.is_empty());
}

#[tokio::test]
async fn results_come_with_those_of_all_calls() {
    let api = api().await;
    let call =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let result = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "x"});
    let path = with_items(&api, json!([call("a"), call("b")])).await;
    let path = format!("{path}/items");
    for results in [
        json!([result("a")]),
        json!([result("a"), result("b"), result("b")]),
        json!([result("c")]),
    ] {
        let reply = api.post(ADA, &path, json!({"items": results})).await;
        let expected = failed(400, "invalid_value", Some("items[0]"));
        assert_eq!(failure(&reply), expected, "{}", reply.text);
    }
    let results = json!({"items": [result("b"), result("a")]});
    assert_eq!(api.post(ADA, &path, results.clone()).await.status, 200);
    assert_eq!(api.post(ADA, &path, results).await.status, 400);
}

#[tokio::test]
async fn what_can_be_no_item_is_refused_by_its_name() {
    let api = api().await;
    let path = format!("{}/items", with_items(&api, json!([])).await);
    let user = json!({"role": "user", "content": "x"});
    let unsupported = "unsupported_parameter";
    for (items, code, param) in [
        (json!([]), "invalid_value", "items"),
        (json!(vec![user.clone(); 21]), "invalid_value", "items"),
        (
            json!([user, {"role": "system", "content": "x"}]),
            unsupported,
            "items[1].role",
        ),
        (
            json!([{"role": "developer", "content": "x"}]),
            unsupported,
            "items[0].role",
        ),
        (
            json!([{"type": "item_reference", "id": "x"}]),
            "invalid_value",
            "items[0].id",
        ),
        (
            json!([{"type": "file_search_call"}]),
            unsupported,
            "items[0].type",
        ),
        (
            json!([{"role": "user", "content": " "}]),
            "invalid_value",
            "items[0]",
        ),
        (
            json!([{"role": "assistant", "content": ""}]),
            "invalid_value",
            "items[0]",
        ),
    ] {
        let reply = api.post(ADA, &path, json!({"items": items})).await;
        assert_eq!(failure(&reply), failed(400, code, Some(param)), "{items}");
    }
    let including = format!("{path}?include=reasoning.encrypted_content");
    for reply in [
        api.get(ADA, &including).await,
        api.post(ADA, &including, json!({"items": [user]})).await,
    ] {
        assert_eq!(failure(&reply), failed(400, unsupported, Some("include")));
    }
    let reply = api.get(ADA, &format!("{path}?after=msg_x_0")).await;
    assert_eq!(failure(&reply), failed(400, "invalid_value", Some("after")));
    for id in ["x", "msg_x_0", "msg_0199f0a0b1c27d3e8f405162738495a6_0"] {
        let reply = api.get(ADA, &format!("{path}/{id}")).await;
        assert_eq!(failure(&reply), failed(404, "not_found", None), "{id}");
    }
    assert_eq!(api.get(ADA, &path).await.body()["data"], json!([]));
}
