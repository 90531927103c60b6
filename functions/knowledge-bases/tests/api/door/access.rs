//! Who may do what with vector stores and their files.

use serde_json::json;
use shared::model::{MembershipRole, Scope};
use test_support::Body;

use super::{FILES, STORES, failure, form, id};
use crate::helpers::{ADA, BASES, World};

#[tokio::test]
async fn readers_read_and_do_not_change() {
    let world = World::new().await;
    let bob = world.joins("bob", MembershipRole::Member).await;
    let base = world.base(json!({"readers": [bob]})).await;
    let store = base.rsplit('/').next().expect("an id").to_owned();
    let file = world
        .upload("a.txt", "The fjords of Norway are deep.")
        .await;
    world.put_in(&store, &file).await;
    let path = format!("{STORES}/{store}");
    let known = format!("{path}/files/{file}");
    let bob = Some("bob");
    for readable in [
        path.clone(),
        known.clone(),
        format!("{path}/files"),
        format!("{known}/content"),
        format!("{FILES}/{file}"),
        format!("{FILES}/{file}/content"),
    ] {
        let reply = world.api.get(bob, &readable).await;
        assert_eq!(reply.status, 200, "{readable}: {}", reply.text);
    }
    let search = json!({"query": "fjords"});
    let found = world.api.post(bob, &format!("{path}/search"), search).await;
    assert_eq!(found.body()["data"][0]["file_id"], json!(file));
    let his = form(&[("purpose", "assistants")], Some(("b.txt", b"words")));
    let his = id(&world.form(bob, his).await);
    for reply in [
        world.api.post(bob, &path, json!({"name": "His"})).await,
        world.api.delete(bob, &path).await,
        world
            .api
            .post(bob, &format!("{path}/files"), json!({"file_id": his}))
            .await,
        world
            .api
            .post(bob, &known, json!({"attributes": null}))
            .await,
        world.api.delete(bob, &known).await,
        world.api.delete(bob, &format!("{FILES}/{file}")).await,
    ] {
        let (status, code, _) = failure(&reply);
        assert_eq!(
            (status, code.as_str()),
            (403, "permission_denied"),
            "{}",
            reply.text
        );
    }
    assert_eq!(world.get(&known).await["status"], "completed");
}

#[tokio::test]
async fn what_is_somebody_elses_looks_as_if_it_did_not_exist() {
    let world = World::new().await;
    world.joins("eve", MembershipRole::Member).await;
    let store = world.store(json!({})).await;
    let file = world
        .upload("a.txt", "The fjords of Norway are deep.")
        .await;
    world.put_in(&store, &file).await;
    let path = format!("{STORES}/{store}");
    let eve = Some("eve");
    for reply in [
        world.api.get(eve, &path).await,
        world.api.delete(eve, &path).await,
        world.api.get(eve, &format!("{path}/files")).await,
        world.api.get(eve, &format!("{path}/files/{file}")).await,
        world
            .api
            .post(eve, &format!("{path}/search"), json!({"query": "a"}))
            .await,
        world.api.get(eve, &format!("{FILES}/{file}")).await,
    ] {
        assert_eq!(failure(&reply).0, 404, "{}", reply.text);
    }
    let own = id(&world.api.post(eve, STORES, json!({})).await);
    let body = json!({"file_id": file});
    let taken = world
        .api
        .post(eve, &format!("{STORES}/{own}/files"), body)
        .await;
    assert_eq!(failure(&taken).0, 404, "{}", taken.text);
    assert_eq!(
        world.api.get(eve, STORES).await.body()["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn documents_that_are_not_for_somebody_are_not_counted_either() {
    let world = World::new().await;
    let bob = world.joins("bob", MembershipRole::Member).await;
    let base = world.base(json!({"readers": [bob]})).await;
    let store = base.rsplit('/').next().expect("an id");
    let secret = json!({"name": "Secret", "readers": [], "source": {"text": "A canary."}});
    let secret = world.document(&base, secret).await;
    world.ready(&base, "Open", "The fjords are deep.").await;
    let path = format!("{STORES}/{store}");
    assert_eq!(world.get(&path).await["file_counts"]["total"], 2);
    let seen = world.api.get(Some("bob"), &path).await.body();
    assert_eq!(
        (&seen["file_counts"]["total"], &seen["usage_bytes"]),
        (&json!(1), &json!(20))
    );
    let secret = secret.rsplit('/').next().expect("an id");
    for hidden in [
        format!("{path}/files/{secret}"),
        format!("{FILES}/{secret}"),
    ] {
        assert_eq!(
            world.api.get(Some("bob"), &hidden).await.status,
            404,
            "{hidden}"
        );
    }
}

#[tokio::test]
async fn keys_need_the_scopes_of_knowledge_bases() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    let path = format!("{STORES}/{store}");
    let read = world
        .api
        .people
        .api_key("ada", &[Scope::KnowledgeRead])
        .await;
    let get = world
        .api
        .bear(&read, axum::http::Method::GET, &path, Body::Empty);
    assert_eq!(get.await.status, 200);
    let body = Body::Json(json!({"name": "x"}));
    let post = world.api.bear(&read, axum::http::Method::POST, &path, body);
    assert_eq!(failure(&post.await).1, "permission_denied");
    let other = world.api.people.api_key("ada", &[Scope::Chat]).await;
    let get = world
        .api
        .bear(&other, axum::http::Method::GET, &path, Body::Empty);
    assert_eq!(failure(&get.await).0, 403);
    assert_eq!(
        world.api.get(ADA, &format!("{BASES}/{store}")).await.status,
        200
    );
}
