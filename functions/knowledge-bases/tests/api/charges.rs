//! What calls for vectors are charged, where something goes wrong.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use crate::helpers::{ADA, World};

/// A budget of Ada's tenant that everything fits.
pub(crate) async fn budget(world: &World) -> String {
    let tenant = world.api.people.get("ada").await.tenant;
    let path = format!("/api/v1/tenants/{tenant}/budgets/tenant");
    let limits = Body::Json(json!({"day": {"tokens": 1_000_000, "micro_dollars": 1_000_000}}));
    let tenants = world.api.beside(tenants::router);
    let made = tenants.send(ADA, Method::PUT, &path, limits).await;
    assert_eq!(made.status, 201, "{}", made.text);
    path
}

/// How many tokens are spent, and that nothing is reserved any more.
pub(crate) async fn tokens(world: &World, budget: &str) -> u64 {
    let tenants = world.api.beside(tenants::router);
    let seen = tenants.get(ADA, budget).await.body();
    let tokens = &seen["day"]["tokens"];
    assert_eq!(tokens["reserved"], 0, "{seen}");
    tokens["spent"].as_u64().expect("an amount")
}

/// From now on texts with that in them are answered so.
pub(crate) fn script(world: &World, text: &str, script: Value) {
    let script = serde_json::from_value(script).expect("a script");
    world.api.provider.script_when(text, script);
}

#[tokio::test]
async fn a_provider_that_refuses_charges_nothing() {
    let world = World::new().await;
    let (base, budget) = (world.base(json!({})).await, budget(&world).await);
    let path = format!("{base}/search");
    for (status, problem) in [(400, "provider-refused"), (503, "provider-unavailable")] {
        script(&world, "fjords", json!({"status": status}));
        let reply = world.api.post(ADA, &path, json!({"query": "fjords"})).await;
        assert_eq!(reply.problem().1, problem, "{}", reply.text);
        assert_eq!(tokens(&world, &budget).await, 0, "{status}");
    }
    script(&world, "fjords", json!({}));
    let reply = world.api.post(ADA, &path, json!({"query": "fjords"})).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(tokens(&world, &budget).await, 5, "as the provider counts");
}

#[tokio::test]
async fn an_answer_that_is_none_is_charged_as_it_is_counted_here() {
    let world = World::new().await;
    let (base, budget) = (world.base(json!({})).await, budget(&world).await);
    script(&world, "fjords", json!({"html": true}));
    let path = format!("{base}/search");
    let reply = world.api.post(ADA, &path, json!({"query": "fjords"})).await;
    assert_eq!(reply.problem().1, "provider-nonsense", "{}", reply.text);
    // Two tokens, three times.
    assert_eq!(tokens(&world, &budget).await, 6);
    script(&world, "lakes", json!({"attempts": [{"html": true}]}));
    let reply = world.api.post(ADA, &path, json!({"query": "lakes"})).await;
    assert_eq!(reply.body()["input_tokens"], 2 + 5, "{}", reply.text);
    assert_eq!(tokens(&world, &budget).await, 6 + 7);
}

#[tokio::test]
async fn of_two_calls_the_one_that_is_answered_is_charged() {
    let world = World::new().await;
    let chunking = json!({"chunking": {"max_tokens": 64, "overlap_tokens": 0}});
    let (base, budget) = (world.base(chunking).await, budget(&world).await);
    let text: String = (0..150)
        .map(|number| format!("# Part {number}\n\nAbout topic{number} and its words.\n\n"))
        .collect();
    // The second call begins with this one.
    script(&world, "topic96 ", json!({"status": 400}));
    let body = json!({"name": "Parts", "source": {"text": text, "file_name": "parts.md"}});
    let document = world.document(&base, body).await;
    world.work().await;
    let failed = world.get(&document).await;
    assert_eq!(failed["failed_at"], "embedding", "{failed}");
    assert_eq!(tokens(&world, &budget).await, 5);
}
