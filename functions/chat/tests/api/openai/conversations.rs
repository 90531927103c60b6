//! Conversations of `/v1/conversations` in turns.

use serde_json::{Value, json};
use test_support::TestApi;

use super::{failure, respond, sent};
use crate::helpers::{ADA, api, pair, provider_asked};

const CONVERSATIONS: &str = "/v1/conversations";

fn door(api: &TestApi) -> TestApi {
    api.beside(conversations::router)
}

async fn listed(api: &TestApi, path: &str) -> Vec<Value> {
    let list = door(api).get(ADA, &format!("{path}/items?order=asc")).await;
    list.body()["data"].as_array().cloned().expect("items")
}

#[tokio::test]
async fn a_turn_sees_what_was_added_and_has_the_same_items() {
    let api = api().await;
    let new = json!({"items": [{"role": "user", "content": "One"}]});
    let new = door(&api).post(ADA, CONVERSATIONS, new).await.body();
    let id = new["id"].as_str().expect("an id");
    let path = format!("{CONVERSATIONS}/{id}");
    let more = json!({"items": [{"role": "assistant", "content": "Uno"}]});
    let more = door(&api).post(ADA, &format!("{path}/items"), more).await;
    assert_eq!(more.status, 200, "{}", more.text);
    let response = respond(&api, json!("Two"), json!({"conversation": id})).await;
    assert_eq!(response.status, 200, "{}", response.text);
    let said = [
        pair("user", "One"),
        pair("assistant", "Uno"),
        pair("user", "Two"),
    ];
    assert_eq!(sent(&api), said);
    let items = listed(&api, &path).await;
    assert_eq!(items.len(), 4);
    let response = response.body();
    assert_eq!(items[3], response["output"][0]);
    let input = format!(
        "/v1/responses/{}/input_items",
        response["id"].as_str().expect("an id")
    );
    assert_eq!(api.get(ADA, &input).await.body()["data"][0], items[2]);
    // Without the answer the next turn does not see it, and what was asked stays.
    let answer = items[3]["id"].as_str().expect("an id");
    let gone = door(&api)
        .delete(ADA, &format!("{path}/items/{answer}"))
        .await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let more = json!({"items": [{"role": "assistant", "content": "Dos"}]});
    let more = door(&api).post(ADA, &format!("{path}/items"), more).await;
    assert_eq!(more.status, 200, "{}", more.text);
    respond(&api, json!("Three"), json!({"conversation": id})).await;
    let expected = [
        &said[..],
        &[pair("assistant", "Dos"), pair("user", "Three")],
    ]
    .concat();
    assert_eq!(sent(&api), expected);
}

#[tokio::test]
async fn a_turn_under_way_lets_nothing_in_and_its_question_not_out() {
    let api = api().await;
    let new = door(&api).post(ADA, CONVERSATIONS, json!({})).await.body();
    let id = new["id"].as_str().expect("an id");
    let path = format!("{CONVERSATIONS}/{id}");
    let script = json!({"say": ["Hi"], "head_delay_ms": 500});
    let turn = respond(&api, json!(script.to_string()), json!({"conversation": id}));
    let meanwhile = async {
        provider_asked(&api).await;
        let question = listed(&api, &path).await.remove(0);
        let question = question["id"].as_str().expect("an id").to_owned();
        let item = format!("{path}/items/{question}");
        let more = json!({"items": [{"role": "user", "content": "Hello"}]});
        let refused = [
            door(&api).post(ADA, &format!("{path}/items"), more).await,
            door(&api).delete(ADA, &item).await,
        ];
        (item, refused)
    };
    let (turn, (item, refused)) = tokio::join!(turn, meanwhile);
    assert_eq!(turn.status, 200, "{}", turn.text);
    for reply in refused {
        let expected = (409, "conversation_busy".to_owned(), None);
        assert_eq!(failure(&reply), expected, "{}", reply.text);
    }
    assert_eq!(door(&api).delete(ADA, &item).await.status, 200);
    assert_eq!(listed(&api, &path).await.len(), 1);
}
