//! Who sees what.

use serde_json::{Value, json};
use shared::model::MembershipRole::{Admin, Member, Viewer};

use crate::helpers::{ADA, BASES, World};

const BOB: Option<&str> = Some("bob");

#[tokio::test]
async fn a_private_base_is_nobody_elses_and_one_of_the_tenant_is_everybodys_to_read() {
    let world = World::new().await;
    let private = world.base(json!({"name": "Private"})).await;
    let open = world
        .base(json!({"name": "Open", "visibility": "tenant"}))
        .await;
    let document = world
        .ready(&open, "One", "The fjords of Norway are deep.")
        .await;
    let bob = world.joins("bob", Member).await;
    for path in [private.clone(), format!("{private}/documents")] {
        assert_eq!(world.api.get(BOB, &path).await.status, 404, "{path}");
    }
    let search = json!({"query": "fjords"});
    let refused = world
        .api
        .post(BOB, &format!("{private}/search"), search)
        .await;
    assert_eq!(refused.status, 404);
    let listed = world.api.get(BOB, BASES).await.body();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(world.names_by(BOB, &open, "fjords").await, ["One"]);
    assert_eq!(world.api.get(BOB, &document).await.status, 200);
    // Reading is not changing.
    let change = json!({"name": "Mine"});
    assert_eq!(
        world.api.patch(BOB, &open, change.clone()).await.status,
        403
    );
    assert_eq!(world.api.patch(BOB, &document, change).await.status, 403);
    assert_eq!(world.api.delete(BOB, &open).await.status, 403);
    assert_eq!(world.api.delete(BOB, &document).await.status, 403);
    let body = json!({"name": "x", "source": {"text": "x"}});
    let posted = world
        .api
        .post(BOB, &format!("{open}/documents"), body)
        .await;
    assert_eq!(posted.status, 403);
    // Readers may read what is private.
    let named = world
        .api
        .patch(ADA, &private, json!({"readers": [bob]}))
        .await;
    assert_eq!(named.status, 200, "{}", named.text);
    assert_eq!(world.api.get(BOB, &private).await.status, 200);
    let again = world.api.patch(ADA, &private, json!({"readers": []})).await;
    assert_eq!(again.status, 200);
    assert_eq!(world.api.get(BOB, &private).await.status, 404);
}

#[tokio::test]
async fn administrators_change_what_they_may_read() {
    let world = World::new().await;
    let private = world.base(json!({})).await;
    let open = world.base(json!({"visibility": "tenant"})).await;
    world.joins("bob", Admin).await;
    assert_eq!(world.api.delete(BOB, &private).await.status, 404);
    let body = json!({"name": "x", "source": {"text": "Of Bob."}});
    let made = world
        .api
        .post(BOB, &format!("{open}/documents"), body)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
}

#[tokio::test]
async fn a_document_with_readers_has_no_influence_on_what_others_find() {
    let world = World::new().await;
    let base = world.base(json!({"visibility": "tenant"})).await;
    let carol = world.joins("carol", Viewer).await;
    world.joins("bob", Member).await;
    // All of the nearest neighbours are hidden from Bob.
    for number in 0..30 {
        let text = format!("The fjords of Norway, number {number}.");
        let body =
            json!({"name": format!("s{number}"), "readers": [carol], "source": {"text": text}});
        world.document(&base, body).await;
    }
    world
        .text(&base, "Open", "Somewhere there are fjords too.")
        .await;
    world.work_all().await;
    let query = "the fjords of Norway number";
    for mode in ["hybrid", "vector", "keyword"] {
        let body = json!({"query": query, "mode": mode, "limit": 10, "candidates": 10});
        let found = world.found_by(BOB, &base, body.clone()).await;
        assert_eq!(crate::helpers::names(&found), ["Open"], "{mode}");
        // The scores are those of a base that has nothing else.
        let alone = world
            .base(json!({"name": "Alone", "visibility": "tenant"}))
            .await;
        world
            .ready(&alone, "Open", "Somewhere there are fjords too.")
            .await;
        let same = world.found_by(BOB, &alone, body.clone()).await;
        assert_eq!(
            (&found[0]["score"], &found[0]["stages"]),
            (&same[0]["score"], &same[0]["stages"])
        );
        let hers = world.found_by(Some("carol"), &base, body).await;
        assert_eq!(hers.len(), 10, "{mode}");
    }
    let listed = world
        .api
        .get(BOB, &format!("{base}/documents?limit=100"))
        .await
        .body();
    assert_eq!(listed["data"].as_array().map(Vec::len), Some(1));
    let hers = world
        .api
        .get(Some("carol"), &format!("{base}/documents?limit=100"))
        .await
        .body();
    assert_eq!(hers["data"].as_array().map(Vec::len), Some(31));
}

#[tokio::test]
async fn who_loses_a_document_does_not_find_it_the_next_time() {
    let world = World::new().await;
    let base = world.base(json!({"visibility": "tenant"})).await;
    let bob = world.joins("bob", Member).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    assert_eq!(world.names_by(BOB, &base, "fjords").await, ["One"]);
    for (readers, sees) in [
        (json!([]), false),
        (json!([bob]), true),
        (json!([]), false),
        (Value::Null, true),
    ] {
        let changed = world
            .api
            .patch(ADA, &document, json!({"readers": readers}))
            .await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        let found = world.names_by(BOB, &base, "fjords").await;
        assert_eq!(!found.is_empty(), sees, "{readers}");
        let status = if sees { 200 } else { 404 };
        assert_eq!(world.api.get(BOB, &document).await.status, status);
        assert_eq!(
            world.api.get(BOB, &format!("{document}/text")).await.status,
            status
        );
        assert_eq!(
            world.names(&base, "fjords").await,
            ["One"],
            "Ada sees it always"
        );
    }
}

#[tokio::test]
async fn another_tenant_finds_nothing_of_it() {
    let world = World::new().await;
    let base = world.base(json!({"visibility": "tenant"})).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    let eve = Some("eve");
    for path in [
        &base,
        &document,
        &format!("{base}/documents"),
        &format!("{document}/text"),
    ] {
        assert_eq!(world.api.get(eve, path).await.status, 404, "{path}");
    }
    let search = world
        .api
        .post(eve, &format!("{base}/search"), json!({"query": "fjords"}))
        .await;
    assert_eq!(search.status, 404);
    assert_eq!(world.api.delete(eve, &base).await.status, 404);
}
