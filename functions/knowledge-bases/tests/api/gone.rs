//! Deleting documents.

use serde_json::json;

use crate::helpers::{ADA, World};

#[tokio::test]
async fn a_deleted_document_is_not_found_any_more_and_then_nothing_is_left_of_it() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let gone = world
        .ready(&base, "Gone", "The canary of the fjords is a secret.")
        .await;
    world
        .ready(&base, "Kept", "The lakes of Sweden are wide.")
        .await;
    let id = gone.rsplit('/').next().expect("an id").to_owned();
    let deleted = world.api.delete(ADA, &gone).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    for mode in ["hybrid", "vector", "keyword"] {
        let found = world
            .found(&base, json!({"query": "canary fjords", "mode": mode}))
            .await;
        assert!(
            !crate::helpers::names(&found).contains(&"Gone".to_owned()),
            "{mode}"
        );
    }
    assert_eq!(world.api.get(ADA, &gone).await.status, 404);
    assert_eq!(world.api.delete(ADA, &gone).await.status, 404);
    world.work_all().await;
    assert!(world.objects(&id).await.is_empty());
    for key in world.objects("").await {
        let bytes = world.api.app.blobs.get(&key, 1 << 20).await.expect("read");
        let bytes = bytes.expect("an object");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("canary"), "{key}");
    }
    assert_eq!(world.names(&base, "lakes").await, ["Kept"]);
    // The same content is new by now.
    let again = world
        .ready(&base, "Again", "The canary of the fjords is a secret.")
        .await;
    assert_ne!(again, gone);
    assert_eq!(world.names(&base, "canary").await[0], "Again");
}

#[tokio::test]
async fn a_document_that_is_deleted_while_it_is_taken_in_stays_deleted() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .text(&base, "One", "The fjords of Norway are deep.")
        .await;
    let ingestion = world.told();
    assert_eq!(world.api.delete(ADA, &document).await.status, 204);
    crate::helpers::handle(&world.worker, &ingestion)
        .await
        .expect("an answer");
    world.work_all().await;
    assert!(world.names(&base, "fjords").await.is_empty());
    assert!(world.objects("/documents/").await.is_empty());
    let jobs = world.get("/api/v1/jobs?type=document_ingestion").await;
    assert_eq!(jobs["data"][0]["result"]["ready"], false, "{jobs}");
}

#[tokio::test]
async fn what_a_person_had_deleted_goes_though_the_person_does_too() {
    let world = World::new().await;
    let base = world.base(json!({"visibility": "tenant"})).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    world
        .joins("bob", shared::model::MembershipRole::Admin)
        .await;
    assert_eq!(world.api.delete(Some("bob"), &document).await.status, 204);
    world.api.people.leave("bob").await;
    world.work_all().await;
    assert!(world.objects("/documents/").await.is_empty());
}
