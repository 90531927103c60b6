//! Titles of conversations.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use crate::helpers::{ADA, World, well};

#[tokio::test]
async fn a_conversation_gets_a_title_after_its_first_answer_and_only_then() {
    let world = World::new().await;
    let (conversation, job) = world.untitled().await;
    let waiting = world.get(&job).await;
    assert_eq!(waiting["status"], "pending");
    assert_eq!(waiting["priority"], "low");
    assert_eq!(waiting["attempts"], 0);
    assert_eq!(waiting["progress"], json!({"done": 0, "total": 1}));
    assert_eq!(world.get(&conversation).await["title"], Value::Null);
    assert_eq!(world.asked(), 0);

    assert_eq!(world.work().await, well());
    let requests = world.api.provider.take_requests();
    assert_eq!(requests.len(), 1);
    let sent = requests[0].body["messages"][1]["content"].to_string();
    assert!(
        sent.contains(r#"{\"role\":\"user\",\"content\":\"Tell me of fjords.\"}"#),
        "{sent}"
    );
    let done = world.get(&job).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["progress"], json!({"done": 1, "total": 1}));
    let result = &done["result"];
    assert_eq!(result["title"], "Fjords of Norway");
    assert_eq!(result["changed"], true);
    assert!(
        result["usage"]["output_tokens"].as_u64() > Some(0),
        "{result}"
    );
    assert_eq!(world.get(&conversation).await["title"], "Fjords of Norway");

    world.say(&conversation, "And of Sweden?").await;
    assert_eq!(world.told(), []);
    assert_eq!(world.listed("").await.len(), 1);
}

#[tokio::test]
async fn nobody_is_asked_for_a_title_that_nobody_wants() {
    let world = World::new().await;
    for fields in [
        json!({"title": "Mine"}),
        json!({"settings": {"auto_title": false}}),
    ] {
        let conversation = world.conversation(fields).await;
        world.say(&conversation, "Tell me of fjords.").await;
    }
    // What a message says comes before what the conversation says.
    let conversation = world.conversation(json!({})).await;
    let path = format!("{conversation}/messages");
    let body = json!({"content": "Hi", "settings": {"auto_title": false}});
    assert_eq!(world.api.post(ADA, &path, body).await.status, 201);
    assert_eq!(world.told(), []);
    assert_eq!(world.listed("").await, Vec::<Value>::new());
}

#[tokio::test]
async fn after_a_first_turn_that_failed_the_second_one_causes_the_title() {
    let world = World::new().await;
    let conversation = world.conversation(json!({})).await;
    let path = format!("{conversation}/messages");
    let script = json!({"status": 400}).to_string();
    let failed = world.api.post(ADA, &path, json!({"content": script})).await;
    assert!(failed.status.as_u16() >= 400, "{}", failed.text);
    assert_eq!(world.told(), []);
    world.say(&conversation, "Tell me of fjords.").await;
    assert_eq!(world.work().await, well());
    assert_eq!(world.get(&conversation).await["title"], "Fjords of Norway");
}

#[tokio::test]
async fn a_title_that_a_person_gives_meanwhile_stays() {
    let world = World::new().await;
    // Before the model is asked.
    let (first, job) = world.untitled().await;
    rename(&world, &first).await;
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 0);
    let result = &world.get(&job).await["result"];
    assert_eq!(
        (&result["title"], &result["changed"]),
        (&json!("Mine"), &json!(false))
    );
    assert_eq!(result["model"], Value::Null);

    // While it is asked.
    let (second, job) = world.untitled().await;
    world.title_is(json!({"say": ["Too late"], "head_delay_ms": 300}));
    tokio::join!(world.work(), async {
        asked_once(&world).await;
        rename(&world, &second).await;
    });
    let done = world.get(&job).await;
    assert_eq!(done["status"], "completed", "{done}");
    let result = &done["result"];
    assert_eq!(
        (&result["title"], &result["changed"]),
        (&json!("Mine"), &json!(false))
    );
    // It was asked and is paid for.
    assert!(
        result["usage"]["output_tokens"].as_u64() > Some(0),
        "{result}"
    );
    for conversation in [first, second] {
        assert_eq!(world.get(&conversation).await["title"], "Mine");
    }
}

#[tokio::test]
async fn who_asks_for_it_gets_a_new_title_in_the_place_of_the_old_one() {
    let world = World::new().await;
    let conversation = world.conversation(json!({"title": "Mine"})).await;
    world.say(&conversation, "Tell me of fjords.").await;
    let kept = world.create(&conversation, json!({})).await;
    let replaced = world.create(&conversation, json!({"replace": true})).await;
    assert_eq!(kept.status, 202, "{}", kept.text);
    assert_eq!(replaced.status, 202, "{}", replaced.text);
    let version = |reply: &test_support::Reply| reply.header("etag").to_owned();
    let shown = world.api.beside(conversations::router);
    let before = version(&shown.get(ADA, &conversation).await);
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 1);
    assert_eq!(world.get(kept.location()).await["result"]["changed"], false);
    assert_eq!(
        world.get(replaced.location()).await["result"]["changed"],
        true
    );
    let after = shown.get(ADA, &conversation).await;
    assert_eq!(after.body()["title"], "Fjords of Norway");
    assert_ne!(
        version(&after),
        before,
        "whoever changes it must learn of it"
    );
}

#[tokio::test]
async fn a_title_is_charged_and_has_to_fit_the_budget() {
    let world = World::new().await;
    let (_, job) = world.untitled().await;
    let budget = world.allow(json!({"day": {"tokens": 100_000}})).await;
    assert_eq!(world.work().await, well());
    let usage = world.get(&job).await["result"]["usage"].clone();
    let used = usage["input_tokens"].as_u64().expect("a count")
        + usage["output_tokens"].as_u64().expect("a count");
    let counted = world.get(&budget).await["day"]["tokens"].clone();
    assert_eq!(counted["spent"], used);
    assert_eq!(counted["reserved"], 0);

    let (conversation, job) = world.untitled().await;
    let method = Method::PUT;
    let limits = Body::Json(json!({"day": {"tokens": 1}}));
    let api = world.api.beside(tenants::router);
    let headers = [("if-match", "*")];
    let less = api.send_with(ADA, method, &budget, limits, &headers).await;
    assert_eq!(less.status, 200, "{}", less.text);
    // A process remembers budgets for half a minute.
    world.wait(31);
    world.asked();
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 0);
    let failed = world.get(&job).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["attempts"], 1);
    assert_eq!(
        failed["problem"]["type"],
        "urn:chatter:problem:budget-exceeded"
    );
    assert_eq!(world.get(&conversation).await["title"], Value::Null);
}

/// Ada gives a conversation a title.
async fn rename(world: &World, conversation: &str) {
    let api = world.api.beside(conversations::router);
    let headers = [("if-match", "*")];
    let body = Body::Json(json!({"title": "Mine"}));
    let reply = api.send_with(ADA, Method::PATCH, conversation, body, &headers);
    let reply = reply.await;
    assert_eq!(reply.status, 200, "{}", reply.text);
}

/// Until a title was asked for.
pub(crate) async fn asked_once(world: &World) {
    while world.asked() == 0 {
        tokio::task::yield_now().await;
    }
}
