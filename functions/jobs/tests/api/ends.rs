//! Jobs that fail, are stopped, and are tried again.

use serde_json::json;
use shared::model::MembershipRole;

use crate::helpers::{ADA, World, well};
use crate::titles::asked_once;

#[tokio::test]
async fn what_may_pass_is_tried_again_after_longer_and_longer_pauses_until_it_has_failed() {
    let world = World::new().await;
    world.title_is(json!({"status": 503}));
    let (conversation, job) = world.untitled().await;
    world.asked();
    for (attempt, pause) in [(1, 20), (2, 60), (3, 180), (4, 540)] {
        assert_eq!(world.work().await, well());
        let failed = world.get(&job).await;
        assert_eq!(failed["status"], "retrying", "{failed}");
        assert_eq!(failed["attempts"], attempt);
        assert_eq!(
            failed["problem"]["type"],
            "urn:chatter:problem:provider-unavailable"
        );
        assert_eq!(failed["ended_at"], json!(null));
        world.wait(pause - 1);
        assert_eq!(world.sweep().await, 0, "too early");
        world.wait(2);
        assert_eq!(world.sweep().await, 1);
    }
    assert_eq!(world.work().await, well());
    let failed = world.get(&job).await;
    assert_eq!(
        (&failed["status"], &failed["attempts"]),
        (&json!("failed"), &json!(5))
    );
    assert!(failed["ended_at"].is_string(), "{failed}");
    assert_eq!(world.asked(), 5);
    world.wait(10_000);
    assert_eq!(world.sweep().await, 0, "nobody tries it any more");

    world.title_is(json!({"say": ["At last"]}));
    let again = world.act(&job, "retry").await;
    assert_eq!(again.status, 202, "{}", again.text);
    let again = again.body();
    assert_eq!(
        (&again["status"], &again["attempts"]),
        (&json!("pending"), &json!(0))
    );
    assert_eq!(again["problem"], json!(null));
    assert_eq!(
        world.act(&job, "retry").await.status,
        409,
        "it waits already"
    );
    assert_eq!(world.work().await, well());
    assert_eq!(world.status(&job).await, "completed");
    assert_eq!(world.get(&conversation).await["title"], "At last");
    assert_eq!(world.act(&job, "retry").await.status, 409, "it is done");
}

#[tokio::test]
async fn what_can_not_pass_has_failed_at_once() {
    let world = World::new().await;
    world.title_is(json!({"status": 400}));
    let (_, refused) = world.untitled().await;
    assert_eq!(world.work().await, well());
    let failed = world.get(&refused).await;
    assert_eq!(
        (&failed["status"], &failed["attempts"]),
        (&json!("failed"), &json!(1))
    );
    assert_eq!(
        failed["problem"]["type"],
        "urn:chatter:problem:provider-refused"
    );

    let (conversation, gone) = world.untitled().await;
    let deleted = world.api.beside(conversations::router);
    assert_eq!(deleted.delete(ADA, &conversation).await.status, 204);
    assert_eq!(world.work().await, well());
    let failed = world.get(&gone).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["problem"]["type"], "urn:chatter:problem:not-found");
}

#[tokio::test]
async fn an_empty_title_is_no_title() {
    let world = World::new().await;
    world.title_is(json!({"say": ["\"\"\n***"]}));
    let (conversation, job) = world.untitled().await;
    assert_eq!(world.work().await, well());
    assert_eq!(world.status(&job).await, "retrying");
    assert!(world.get(&conversation).await["title"].is_null());
}

#[tokio::test]
async fn a_job_that_waits_is_stopped_at_once_and_asks_nobody() {
    let world = World::new().await;
    let (_, job) = world.untitled().await;
    world.asked();
    let cancelled = world.act(&job, "cancel").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(cancelled.body()["status"], "cancelled");
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 0);
    let again = world.act(&job, "cancel").await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.body()["status"], "cancelled");
    world.wait(3_600);
    assert_eq!(world.sweep().await, 0);
    // Whoever stopped it can have it done after all.
    assert_eq!(world.act(&job, "retry").await.status, 202);
    assert_eq!(world.work().await, well());
    assert_eq!(world.status(&job).await, "completed");
}

#[tokio::test]
async fn a_job_that_is_stopped_while_it_is_worked_on_changes_nothing() {
    let world = World::new().await;
    world.title_is(json!({"say": ["Too late"], "head_delay_ms": 300}));
    let (conversation, job) = world.untitled().await;
    world.asked();
    let (answer, stopped) = tokio::join!(world.work(), async {
        asked_once(&world).await;
        world.act(&job, "cancel").await
    });
    assert_eq!(answer, well());
    assert_eq!(stopped.status, 202, "{}", stopped.text);
    assert_eq!(stopped.body()["cancel_requested"], true);
    assert_eq!(world.status(&job).await, "cancelled");
    assert!(world.get(&conversation).await["title"].is_null());
}

#[tokio::test]
async fn an_administrator_has_all_failed_jobs_of_the_tenant_tried_again() {
    let world = World::new().await;
    world.title_is(json!({"status": 400}));
    world
        .api
        .people
        .join("eve", "ada", MembershipRole::Member)
        .await;
    let eve = Some("eve");
    let made = world.api.beside(conversations::router);
    let made = made.post(eve, "/api/v1/conversations", json!({})).await;
    let theirs = made.location();
    let path = format!("{theirs}/messages");
    let said = world.api.post(eve, &path, json!({"content": "Hi"})).await;
    assert_eq!(said.status, 201, "{}", said.text);
    // Bob's tenant is another one.
    let made = world.api.beside(conversations::router);
    let made = made
        .post(Some("bob"), "/api/v1/conversations", json!({}))
        .await;
    let path = format!("{}/messages", made.location());
    world
        .api
        .post(Some("bob"), &path, json!({"content": "Hi"}))
        .await;
    let (mine, _) = world.untitled().await;
    assert_eq!(world.work().await, well());

    world.title_is(json!({"say": ["At last"]}));
    let refused = world
        .jobs
        .post(eve, "/api/v1/jobs/redrive", json!({}))
        .await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    let redriven = world.act("/api/v1/jobs", "redrive").await;
    assert_eq!(redriven.status, 200, "{}", redriven.text);
    assert_eq!(redriven.body(), json!({"retried": 2, "has_more": false}));
    let redriven = world.act("/api/v1/jobs", "redrive").await;
    assert_eq!(redriven.body(), json!({"retried": 0, "has_more": false}));
    assert_eq!(world.told().len(), 2);
    world.wait(31);
    assert_eq!(world.sweep().await, 2);
    assert_eq!(world.work().await, well());
    assert_eq!(world.get(&mine).await["title"], "At last");
    let shown = world
        .api
        .beside(conversations::router)
        .get(eve, theirs)
        .await;
    assert_eq!(shown.body()["title"], "At last");
}
