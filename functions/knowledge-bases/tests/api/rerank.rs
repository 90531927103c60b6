//! Searching, and having a model put into an order what was found.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply};

use crate::charges::{budget, script, tokens};
use crate::helpers::{ADA, World, names};

const QUERY: &str = "fjords of Norway";

/// The second has all words, often, and one more; the first stages prefer it, and the model the third.
async fn filled(world: &World) -> String {
    let base = world.base(json!({})).await;
    for (name, text) in [
        ("Tax", "Income tax is due in May every year."),
        (
            "Long",
            "The fjords of Norway. Fjords of Norway, fjords of Norway.",
        ),
        ("Short", "Norway fjords"),
    ] {
        let body = json!({"name": name, "source": {"text": text}});
        world.document(&base, body).await;
    }
    world.work_all().await;
    world.api.provider.take_requests();
    base
}

async fn search(world: &World, base: &str, rerank: Value, more: Value) -> Reply {
    let mut body = json!({"query": QUERY, "rerank": rerank});
    for (name, value) in more.as_object().expect("fields") {
        body[name] = value.clone();
    }
    world.api.post(ADA, &format!("{base}/search"), body).await
}

/// The bodies of what a model was asked to put into an order, and with which keys.
fn ordered(world: &World) -> Vec<(Value, Option<String>)> {
    let requests = world.api.provider.take_requests().into_iter();
    let requests = requests.filter(|request| request.body["documents"].is_array());
    let seen = requests.map(|request| {
        let key = request.key().map(str::to_owned);
        (request.body, key)
    });
    seen.collect()
}

/// What it does where that model is asked for the query, and no other.
fn model_does(world: &World, does: &Value) {
    script(world, QUERY, json!({"models": {"sorter-1": does}}));
}

fn result(index: usize, score: f64) -> Value {
    json!({"index": index, "relevance_score": score})
}

fn field(reply: &Reply) -> String {
    assert_eq!(reply.status, 422, "{}", reply.text);
    let field = reply.body()["errors"][0]["field"].clone();
    field.as_str().expect("a field").to_owned()
}

#[tokio::test]
async fn the_model_s_order_is_given_with_what_each_stage_said() {
    let world = World::new().await;
    let base = filled(&world).await;
    let plain = world.found(&base, json!({"query": QUERY})).await;
    assert_eq!(names(&plain), ["Long", "Short", "Tax"]);
    assert!(plain[0]["stages"]["rerank"].is_null());
    assert!(ordered(&world).is_empty(), "nobody is asked without it");
    let reply = search(&world, &base, json!({"model": "sorter"}), json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let found = reply.body();
    let data = found["data"].as_array().expect("hits");
    assert_eq!(names(data), ["Short", "Long", "Tax"]);
    for (place, hit) in data.iter().enumerate() {
        assert_eq!(hit["stages"]["rerank"]["rank"], place + 1, "{hit}");
        assert_eq!(hit["stages"]["rerank"]["score"], hit["score"], "{hit}");
    }
    assert_eq!(
        (&data[0]["score"], &data[0]["stages"]["fused"]["rank"]),
        (&json!(1.0), &json!(2))
    );
    assert_eq!(
        found["rerank"],
        json!({"model": "sorter", "candidates": 3, "input_tokens": 7, "cost_micro_dollars": 1})
    );
    let (sent, key) = ordered(&world).remove(0);
    assert_eq!(
        (&sent["model"], &sent["query"], &sent["top_n"]),
        (&json!("sorter-1"), &json!(QUERY), &json!(3))
    );
    assert_eq!(sent["documents"][1], "Norway fjords");
    assert_eq!(key.as_deref(), Some("sk-provider-canary"));
}

#[tokio::test]
async fn scores_alone_decide_and_the_least_score_is_the_model_s() {
    let world = World::new().await;
    let base = filled(&world).await;
    // Those that stand first come last, on a scale of the model's own.
    let results = [result(0, -4.0), result(1, 2.5), result(2, 7.0)];
    model_does(&world, &json!({"results": results}));
    let reply = search(&world, &base, json!({}), json!({})).await;
    let data = reply.body()["data"].as_array().expect("hits").clone();
    assert_eq!(names(&data), ["Tax", "Short", "Long"]);
    assert_eq!(data[2]["score"], -4.0);
    let reply = search(&world, &base, json!({}), json!({"min_score": 2.5})).await;
    let data = reply.body()["data"].as_array().expect("hits").clone();
    assert_eq!(names(&data), ["Tax", "Short"]);
    // The one that the model likes best is among the candidates, and not among the first of the fusion.
    model_does(&world, &json!({"results": [result(2, 7.0)]}));
    let reply = search(&world, &base, json!({}), json!({"limit": 1})).await;
    let data = reply.body()["data"].as_array().expect("hits").clone();
    assert_eq!(names(&data), ["Tax"]);
    let best = ordered(&world).pop().expect("a request");
    assert_eq!(best.0["top_n"], 1);
    assert_eq!(best.0["documents"].as_array().map(Vec::len), Some(3));
}

#[tokio::test]
async fn it_works_by_words_alone_and_asks_nobody_where_nothing_is_found() {
    let world = World::new().await;
    let base = filled(&world).await;
    let keyword = json!({"mode": "keyword"});
    let reply = search(&world, &base, json!({}), keyword).await;
    let found = reply.body();
    assert_eq!(
        names(found["data"].as_array().expect("hits")),
        ["Short", "Long"]
    );
    assert!(found["embedding_model"].is_null(), "{found}");
    ordered(&world);
    let other = world.base(json!({})).await;
    let reply = search(&world, &other, json!({}), json!({})).await;
    let nothing =
        json!({"model": "sorter", "candidates": 0, "input_tokens": 0, "cost_micro_dollars": 0});
    assert_eq!(
        (&reply.body()["data"], &reply.body()["rerank"]),
        (&json!([]), &nothing)
    );
    assert!(ordered(&world).is_empty());
}

#[tokio::test]
async fn what_can_t_be_asked_is_refused_before_anything_is_spent() {
    let world = World::new().await;
    let base = filled(&world).await;
    let long = "fjords ".repeat(220);
    for (rerank, more, named) in [
        (json!({"model": "nobody"}), json!({}), "/rerank/model"),
        (json!({"model": "words"}), json!({}), "/rerank/model"),
        (json!({"candidates": 0}), json!({}), "/rerank/candidates"),
        (json!({"candidates": 101}), json!({}), "/rerank/candidates"),
        (json!({"candidates": 9}), json!({}), "/rerank/candidates"),
        (
            json!({"candidates": 19}),
            json!({"limit": 20}),
            "/rerank/candidates",
        ),
        // More than the model takes, although nothing is made a vector.
        (
            json!({}),
            json!({"query": long, "mode": "keyword"}),
            "/query",
        ),
    ] {
        let reply = search(&world, &base, rerank.clone(), more).await;
        assert_eq!(field(&reply), named, "{rerank}");
    }
    assert!(world.api.provider.take_requests().is_empty());
    for candidates in [10, 100] {
        let reply = search(&world, &base, json!({"candidates": candidates}), json!({})).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let unknown = search(&world, &base, json!({"top": 1}), json!({})).await;
    assert!(unknown.status.is_client_error(), "{}", unknown.text);
    // Less than the query and a chunk have together.
    let query = "fjords ".repeat(215);
    let more = json!({"query": query, "mode": "keyword"});
    let reply = search(&world, &base, json!({}), more).await;
    assert_eq!(field(&reply), "/query");
}

#[tokio::test]
async fn only_as_many_as_are_wanted_are_given_to_the_model() {
    let world = World::new().await;
    let base = filled(&world).await;
    let rerank = json!({"candidates": 2});
    let reply = search(&world, &base, rerank, json!({"limit": 2})).await;
    assert_eq!(reply.body()["rerank"]["candidates"], 2, "{}", reply.text);
    let sent = ordered(&world).remove(0).0;
    assert_eq!(sent["documents"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_model_that_fails_fails_the_search_and_is_charged_only_if_it_answered() {
    let world = World::new().await;
    let base = filled(&world).await;
    let budget = budget(&world).await;
    // The vector of the query, once.
    world.found(&base, json!({"query": QUERY})).await;
    let mut spent = tokens(&world, &budget).await;
    assert_eq!(spent, 5);
    for (does, problem) in [
        (json!({"status": 400}), "provider-refused"),
        (json!({"status": 503}), "provider-unavailable"),
    ] {
        model_does(&world, &does);
        let reply = search(&world, &base, json!({}), json!({})).await;
        assert_eq!(reply.problem().1, problem, "{}", reply.text);
        assert_eq!(tokens(&world, &budget).await, spent);
    }
    let twice = [result(0, 1.0), result(0, 0.5), result(1, 0.1)];
    for does in [json!({"html": true}), json!({"results": twice})] {
        model_does(&world, &does);
        let reply = search(&world, &base, json!({}), json!({})).await;
        assert_eq!(reply.problem().1, "provider-nonsense", "{}", reply.text);
        let now = tokens(&world, &budget).await;
        assert!(
            now > spent + 3 * 3 * 6,
            "three attempts with three documents: {now}"
        );
        spent = now;
    }
    model_does(&world, &json!({}));
    search(&world, &base, json!({}), json!({})).await;
    assert_eq!(tokens(&world, &budget).await, spent + 7);
}

#[tokio::test]
async fn a_budget_in_money_wants_a_price_and_has_to_have_room() {
    let world = World::new().await;
    let base = filled(&world).await;
    let path = budget(&world).await;
    let free = json!({"model": "free-sorter"});
    let reply = search(&world, &base, free, json!({})).await;
    assert_eq!(field(&reply), "/rerank/model");
    let tenants = world.api.beside(tenants::router);
    let seen = tenants.get(ADA, &path).await;
    let tag = seen.header("etag").to_owned();
    let limits = Body::Json(json!({"day": {"tokens": 10}}));
    let headers = [("if-match", tag.as_str())];
    let put = tenants.send_with(ADA, Method::PUT, &path, limits, &headers);
    let put = put.await;
    assert!(put.status.is_success(), "{}", put.text);
    // Processes know of it after half a minute.
    world.wait(31);
    let reply = search(&world, &base, json!({}), json!({})).await;
    assert_eq!(reply.problem(), (429, "budget-exceeded".to_owned()));
    assert!(ordered(&world).is_empty());
}

#[tokio::test]
async fn a_tenant_s_own_key_is_taken_and_never_the_platform_s() {
    let world = World::new().await;
    let base = filled(&world).await;
    let key = "sk-tenant-canary-0001";
    let credentials = world.api.beside(provider_credentials::router);
    let path = "/api/v1/provider-credentials/scripted";
    let stored = credentials.send(ADA, Method::PUT, path, Body::Json(json!({"key": key})));
    let stored = stored.await;
    assert!(stored.status.is_success(), "{}", stored.text);
    world.wait(31);
    let reply = search(&world, &base, json!({}), json!({})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(ordered(&world).remove(0).1.as_deref(), Some(key));
    world.api.provider.refuse_key(key);
    let reply = search(&world, &base, json!({}), json!({})).await;
    assert_eq!(
        reply.problem().1,
        "provider-credential-refused",
        "{}",
        reply.text
    );
    let keys = ordered(&world).into_iter().map(|(_, key)| key);
    assert!(keys.flatten().all(|sent| sent == key));
}
