//! Runs that end before they begin.

use std::time::Duration;

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{MembershipRole, Scope};
use test_support::Body;

use crate::helpers::{ADA, World, run_of, well};

/// Ada makes a budget for her tenant.
async fn allow(world: &World, limits: Value) -> String {
    let tenant = world.api.people.get("ada").await.tenant;
    let path = format!("/api/v1/tenants/{tenant}/budgets/tenant");
    let made = world.api.beside(tenants::router);
    let made = made.send(ADA, Method::PUT, &path, Body::Json(limits)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    path
}

/// What of a day's tokens is spent and reserved.
async fn tokens(world: &World, budget: &str) -> (u64, u64) {
    let seen = world.api.beside(tenants::router).get(ADA, budget).await;
    let amount = |name: &str| seen.body()["day"]["tokens"][name].as_u64();
    (
        amount("spent").expect("an amount"),
        amount("reserved").expect("an amount"),
    )
}

/// That nobody was asked, nothing waits, and the conversation takes the next message.
async fn nothing_happened(world: &World) {
    assert_eq!(world.work().await.expect("an answer"), well());
    assert_eq!(world.asked(), 0);
    let hour = Duration::from_secs(3_700);
    world.api.app.clock.advance(hour);
    let swept = world.sweep().await.expect("an answer");
    assert_eq!(swept["told"], 0, "it waits still");
}

#[tokio::test]
async fn a_run_that_waits_is_cancelled_at_once_and_costs_nothing() {
    let world = World::new().await;
    let budget = allow(&world, json!({"day": {"tokens": 10_000}})).await;
    let run = world.queued("Hello").await;
    let (spent, reserved) = tokens(&world, &budget).await;
    assert!(spent == 0 && reserved > 0);
    let cancelled = world
        .api
        .post(ADA, &format!("{run}/cancel"), json!({}))
        .await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    let body = cancelled.body();
    assert_eq!(body["status"], "cancelled");
    assert_eq!(body["problem"]["type"], "urn:chatter:problem:run-cancelled");
    assert_eq!(tokens(&world, &budget).await, (0, 0));
    let events = world.api.get(ADA, &format!("{run}/events")).await.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "error"]);
    let failure = &world.messages().await[0]["failure"];
    assert_eq!(failure, "urn:chatter:problem:run-cancelled");
    nothing_happened(&world).await;
    let next = world.api.post(ADA, &world.path, json!({"content": "Hi"}));
    assert_eq!(next.await.status, 201);
}

#[tokio::test]
async fn a_budget_counts_a_run_in_the_background_once_and_has_no_room_for_another() {
    let world = World::new().await;
    let budget = allow(&world, json!({"day": {"tokens": 1_500}})).await;
    world.queued("Hello").await;
    let other = world.api.beside(conversations::router);
    let fields = json!({"model": "large"});
    let other = other.post(ADA, "/api/v1/conversations", fields).await;
    let path = format!("{}/messages", other.location());
    let body = json!({"content": "Hello", "background": true});
    let refused = world.api.post(ADA, &path, body).await;
    assert_eq!(refused.problem(), (429, "budget-exceeded".to_owned()));
    assert_eq!(world.work().await.expect("an answer"), well());
    assert_eq!(world.asked(), 1);
    let (spent, reserved) = tokens(&world, &budget).await;
    assert!(spent > 0 && reserved == 0, "{spent} {reserved}");
}

#[tokio::test]
async fn after_an_hour_in_the_queue_it_has_failed() {
    let world = World::new().await;
    let run = world.queued("Hello").await;
    world.api.app.clock.advance(Duration::from_secs(3_599));
    assert_eq!(world.run(&run).await["status"], "queued");
    world.api.app.clock.advance(Duration::from_secs(1));
    let ended = world.run(&run).await;
    assert_eq!(ended["status"], "failed");
    assert_eq!(
        ended["problem"]["type"],
        "urn:chatter:problem:run-not-begun"
    );
    nothing_happened(&world).await;
}

#[tokio::test]
async fn the_next_message_ends_a_run_that_waited_for_too_long() {
    let world = World::new().await;
    let run = world.queued("Hello").await;
    world.api.app.clock.advance(Duration::from_secs(3_600));
    let next = world.api.post(ADA, &world.path, json!({"content": "Hi"}));
    assert_eq!(next.await.status, 201);
    assert_eq!(world.run(&run).await["status"], "failed");
}

#[tokio::test]
async fn who_may_not_send_messages_any_more_gets_no_answer() {
    let world = World::new().await;
    let ada = world.api.people.get("ada").await;
    world
        .api
        .people
        .join("grace", "ada", MembershipRole::Owner)
        .await;
    let run = world.queued("Hello").await;
    let roles = (MembershipRole::Owner, MembershipRole::Viewer);
    world.api.people.change_role("grace", ada.user, roles).await;
    world.api.app.clock.advance(Duration::from_secs(31));
    world.work().await.expect("an answer");
    let ended = world.run(&run).await;
    assert_eq!(ended["status"], "failed", "{ended}");
    assert_eq!(ended["problem"]["type"], "urn:chatter:problem:forbidden");
    nothing_happened(&world).await;
}

#[tokio::test]
async fn a_run_outlives_the_login_but_not_the_key_that_asked_for_it() {
    let world = World::new().await;
    let scopes = [Scope::Chat, Scope::ConversationsRead];
    let key = world.api.people.api_key("ada", &scopes).await;
    let keys = world.api.beside(api_keys::router);
    let listed = keys.get(ADA, "/api/v1/api-keys").await.body();
    let id = listed["data"][0]["id"].as_str().expect("an id").to_owned();
    for revoked in [false, true] {
        let body = json!({"content": "Hello", "background": true});
        let path = &world.path;
        let asked = world
            .api
            .send_as(&key, Method::POST, path, Body::Json(body))
            .await;
        assert_eq!(asked.status, 202, "{}", asked.text);
        if revoked {
            let gone = keys.delete(ADA, &format!("/api/v1/api-keys/{id}")).await;
            assert_eq!(gone.status, 204, "{}", gone.text);
        }
        world.work().await.expect("an answer");
        let ended = world.run(&run_of(&asked)).await;
        let status = if revoked { "failed" } else { "completed" };
        assert_eq!(ended["status"], status, "{ended}");
    }
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn with_its_conversation_it_goes_and_gives_back_what_it_reserved() {
    let world = World::new().await;
    let budget = allow(&world, json!({"day": {"tokens": 10_000}})).await;
    let run = world.queued("Hello").await;
    let gone = world.api.beside(conversations::router);
    let gone = gone.delete(ADA, world.conversation()).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
    assert_eq!(world.work().await.expect("an answer"), well());
    assert_eq!(world.api.get(ADA, &run).await.status, 404);
    assert_eq!(tokens(&world, &budget).await, (0, 0));
    nothing_happened(&world).await;
    let rows = world.api.table.dump().await;
    assert!(
        !rows.contains("QUEUED#") && !rows.contains("WORK"),
        "{rows}"
    );
}
