//! A model puts what was found into an order before passages are taken of it.

use serde_json::{Value, json};
use test_support::TestApi;

use super::{QUESTION, answers, ask, asked_about, conversation, passages, rag, text};
use crate::budgets::{allow, amounts, seen};
use crate::helpers::{ADA, messages};
use crate::runs::run_of;

fn sorted(base: &str, rerank: Value) -> Value {
    let mut settings = rag(base);
    settings["rerank"] = rerank;
    settings
}

/// The documents of the passages that a model was given, in their order, and what a model was asked to put into an order.
fn given(api: &TestApi) -> (Vec<String>, Vec<Value>) {
    let requests = api.provider.take_requests();
    let orders = requests.iter().map(|one| one.body.clone());
    let orders = orders.filter(|body| body["documents"].is_array()).collect();
    let answered = requests.iter().rfind(|one| one.body["messages"].is_array());
    let sent = answered.and_then(|one| one.body["messages"].as_array());
    let Some(sent) = sent else {
        return (Vec::new(), orders);
    };
    let lines = passages(sent).lines().filter(|line| line.starts_with('{'));
    let names = lines.map(|line| {
        let line: Value = serde_json::from_str(line).expect("JSON");
        line["document"].as_str().expect("a name").to_owned()
    });
    (names.collect(), orders)
}

/// Where that model is asked for the question it says this of the chunks, and others answer.
fn model_does(api: &TestApi, does: &Value) {
    let script = json!({"say": ["Three months [1]."], "models": {"sorter-1": does}});
    let script = serde_json::from_value(script).expect("a script");
    api.provider.script_when(QUESTION, script);
}

async fn two_documents() -> (TestApi, String) {
    let (api, base, _) = asked_about().await;
    text(&api, &base, "Canteen", "Our employees eat at noon.").await;
    (api, base)
}

#[tokio::test]
async fn passages_are_given_in_the_model_s_order_and_the_run_says_which_it_was() {
    let (api, base) = two_documents().await;
    let path = conversation(&api, ADA, rag(&base)).await;
    ask(&api, &path, QUESTION).await;
    let (plain, orders) = given(&api);
    assert_eq!(
        (plain, orders.len()),
        (vec!["Rules".to_owned(), "Canteen".to_owned()], 0)
    );
    let results =
        json!([{"index": 0, "relevance_score": -1.5}, {"index": 1, "relevance_score": 3}]);
    model_does(&api, &json!({"results": results}));
    allow(&api, "tenant", json!({"day": {"tokens": 100_000}})).await;
    api.app.clock.advance(std::time::Duration::from_secs(31));
    let path = conversation(&api, ADA, sorted(&base, json!({}))).await;
    let reply = ask(&api, &path, QUESTION).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let (names, orders) = given(&api);
    assert_eq!(names, ["Canteen", "Rules"]);
    assert_eq!(orders.len(), 1);
    assert_eq!(
        (&orders[0]["query"], &orders[0]["top_n"]),
        (&json!(QUESTION), &json!(2))
    );
    let run = api.get(ADA, &run_of(&reply)).await.body();
    let retrieval = &run["retrieval"];
    assert_eq!(retrieval["rerank_model"], "sorter", "{retrieval}");
    assert_eq!(retrieval["passages"][0]["document_name"], "Canteen");
    assert_eq!(retrieval["passages"][0]["score"], 3.0);
    let usage = &reply.body()["usage"];
    let of_answer = usage["input_tokens"].as_u64().expect("a count")
        + usage["output_tokens"].as_u64().expect("a count");
    let spent = amounts(&seen(&api, "tenant").await, "day", "tokens");
    // Seven for the order; the vector of the question is still known.
    assert_eq!(spent, (of_answer + 7, 0));
    // The turn comes before the conversation.
    let body = json!({"content": QUESTION, "settings": {"rerank": {"candidates": 0}}});
    let reply = api.post(ADA, &path, body).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let (names, orders) = given(&api);
    assert_eq!((names.len(), orders.len()), (2, 0));
    let run = api.get(ADA, &run_of(&reply)).await.body();
    assert!(run["retrieval"].get("rerank_model").is_none(), "{run}");
}

#[tokio::test]
async fn a_model_that_there_is_not_is_refused_before_anything_begins() {
    let (api, base, _) = asked_about().await;
    let path = conversation(&api, ADA, json!({})).await;
    for (rerank, field) in [
        (json!({"model": "nobody"}), "/settings/rerank/model"),
        (json!({"model": "small"}), "/settings/rerank/model"),
        (json!({"candidates": 101}), "/settings/rerank/candidates"),
    ] {
        let body = json!({"content": QUESTION, "settings": sorted(&base, rerank)});
        let reply = api.post(ADA, &path, body).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.body()["errors"][0]["field"], field);
    }
    // It has no price, and money is limited.
    allow(&api, "tenant", json!({"day": {"micro_dollars": 100_000}})).await;
    api.app.clock.advance(std::time::Duration::from_secs(31));
    let settings = sorted(&base, json!({"model": "free-sorter"}));
    let body = json!({"content": QUESTION, "model": "large", "settings": settings});
    let reply = api.post(ADA, &path, body).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.body()["errors"][0]["field"], "/settings/rerank/model");
    assert!(messages(&api, &path).await.is_empty());
    assert!(api.provider.take_requests().is_empty());
}

#[tokio::test]
async fn without_the_order_there_is_no_answer() {
    let (api, base) = two_documents().await;
    let path = conversation(&api, ADA, sorted(&base, json!({"candidates": 1}))).await;
    model_does(&api, &json!({"status": 400}));
    let reply = ask(&api, &path, QUESTION).await;
    assert_eq!(reply.problem(), (503, "retrieval-failed".to_owned()));
    let (names, orders) = given(&api);
    assert!(names.is_empty(), "no model was asked");
    assert_eq!(orders[0]["documents"].as_array().map(Vec::len), Some(1));
    answers(&api, QUESTION, "Three months [1].");
    let reply = ask(&api, &path, QUESTION).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
}
