//! Vector stores, which are knowledge bases.

use axum::http::Method;
use serde_json::json;
use test_support::Body;

use super::{STORES, failure};
use crate::helpers::{ADA, BASES, World};

#[tokio::test]
async fn a_vector_store_is_a_knowledge_base_with_the_same_id() {
    let world = World::new().await;
    let body = json!({
        "name": "Handbook", "description": "Rules", "metadata": {"team": "support"},
        "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}},
    });
    let reply = world.api.post(ADA, STORES, body).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let made = reply.body();
    let id = made["id"].as_str().expect("an id");
    assert_eq!(
        made,
        json!({
            "id": id, "object": "vector_store", "created_at": test_support::START, "name": "Handbook",
            "description": "Rules", "usage_bytes": 0, "status": "completed",
            "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
            "expires_at": null, "last_active_at": null, "metadata": {"team": "support"},
        })
    );
    let native = world.get(&format!("{BASES}/{id}")).await;
    assert_eq!(native["name"], "Handbook");
    assert_eq!(native["visibility"], "private");
    assert_eq!(native["metadata"], json!({"team": "support"}));
    let chunking = json!({"max_tokens": 100, "overlap_tokens": 20});
    assert_eq!(native["index"]["chunking"], chunking);
    let path = format!("{STORES}/{id}");
    assert_eq!(world.get(&path).await, made);
    let change = json!({"name": "Rules", "metadata": {"a": "b"}, "expires_after": null});
    let changed = world.api.post(ADA, &path, change).await;
    assert_eq!(changed.body()["name"], "Rules", "{}", changed.text);
    let native = world.get(&format!("{BASES}/{id}")).await;
    assert_eq!(native["metadata"], json!({"a": "b"}));
    let kept = world.api.post(ADA, &path, json!({})).await.body();
    assert_eq!(
        (&kept["name"], &kept["metadata"]["a"]),
        (&json!("Rules"), &json!("b"))
    );
    let deleted = world.api.delete(ADA, &path).await;
    let told = json!({"id": id, "object": "vector_store.deleted", "deleted": true});
    assert_eq!(deleted.body(), told);
    for reply in [
        world.api.delete(ADA, &path).await,
        world.api.get(ADA, &path).await,
        world.api.post(ADA, &path, json!({})).await,
    ] {
        assert_eq!(failure(&reply).0, 404, "{}", reply.text);
        let message = &reply.body()["error"]["message"];
        assert_eq!(message, "there is no such vector store");
    }
    assert_eq!(
        world.api.get(ADA, &format!("{BASES}/{id}")).await.status,
        404
    );
}

#[tokio::test]
async fn a_knowledge_base_is_a_vector_store_and_lists_go_both_ways() {
    let world = World::new().await;
    let native = world.base(json!({"metadata": {"x": "y"}})).await;
    let native = native.rsplit('/').next().expect("an id").to_owned();
    let mut stores = vec![native];
    for _ in 0..3 {
        stores.push(world.store(json!({})).await);
    }
    let newest: Vec<String> = stores.iter().rev().cloned().collect();
    assert_eq!(world.listed(STORES).await, (newest.clone(), false));
    let path = format!("{STORES}?limit=2&order=asc");
    assert_eq!(world.listed(&path).await, (stores[..2].to_vec(), true));
    let path = format!("{STORES}?limit=2&before={}", newest[3]);
    assert_eq!(world.listed(&path).await, (newest[1..3].to_vec(), true));
    let path = format!("{STORES}?limit=2&after={}", newest[1]);
    assert_eq!(world.listed(&path).await, (newest[2..].to_vec(), false));
    let unnamed = world.get(&format!("{STORES}/{}", stores[1])).await;
    assert_eq!(unnamed["name"], "Vector store");
    let first = world.get(&format!("{STORES}/{}", stores[0])).await;
    assert_eq!(first["metadata"], json!({"x": "y"}));
}

#[tokio::test]
async fn what_a_vector_store_can_t_be_is_refused_by_name() {
    let world = World::new().await;
    let lengths = |most: u32, overlap: u32| json!({"type": "static", "static": {"max_chunk_size_tokens": most, "chunk_overlap_tokens": overlap}});
    let long = "x".repeat(513);
    for (body, code, param) in [
        (
            json!({"expires_after": {"anchor": "last_active_at", "days": 7}}),
            "unsupported_parameter",
            "expires_after",
        ),
        (json!({"color": "red"}), "unknown_parameter", "color"),
        (json!({"name": ""}), "invalid_value", "name"),
        (
            json!({"metadata": {"a": long}}),
            "invalid_value",
            "metadata",
        ),
        (
            json!({"file_ids": ["file_0199f0a0b1c27d3e8f405162738495a6"]}),
            "invalid_value",
            "file_ids[0]",
        ),
        (
            json!({"chunking_strategy": lengths(10, 0)}),
            "invalid_value",
            "chunking_strategy.static.max_chunk_size_tokens",
        ),
        (
            json!({"chunking_strategy": lengths(100, 50)}),
            "invalid_value",
            "chunking_strategy.static.chunk_overlap_tokens",
        ),
    ] {
        let reply = world.api.post(ADA, STORES, body.clone()).await;
        let expected = (400, code.to_owned(), Some(param.to_owned()));
        assert_eq!(failure(&reply), expected, "{body}: {}", reply.text);
    }
    assert_eq!(world.listed(STORES).await.0.len(), 0);
    let auto = world.store(json!({"chunking_strategy": {"type": "auto"}}));
    let path = format!("{STORES}/{}", auto.await);
    let change = json!({"expires_after": {"anchor": "last_active_at", "days": 7}});
    let refused = world.api.post(ADA, &path, change).await;
    assert_eq!(failure(&refused).1, "unsupported_parameter");
    let put = world
        .api
        .send(ADA, Method::PUT, &path, Body::Json(json!({})));
    assert_eq!(failure(&put.await).0, 405);
}

#[tokio::test]
async fn a_vector_store_can_be_created_with_files() {
    let world = World::new().await;
    let files = [
        world
            .upload("a.txt", "The fjords of Norway are deep.")
            .await,
        world.upload("b.txt", "The lakes of Sweden are wide.").await,
    ];
    let store = world.store(json!({"file_ids": files})).await;
    let path = format!("{STORES}/{store}");
    let before = world.get(&path).await;
    assert_eq!(before["status"], "in_progress");
    assert_eq!(before["file_counts"]["in_progress"], 2, "{before}");
    world.work_all().await;
    let after = world.get(&path).await;
    assert_eq!(after["status"], "completed");
    assert_eq!(after["file_counts"]["completed"], 2, "{after}");
    assert_eq!(after["usage_bytes"], 30 + 29);
    // Files stay when their vector store goes.
    assert_eq!(world.api.delete(ADA, &path).await.status, 200);
    world.work_all().await;
    for file in files {
        let content = format!("/v1/files/{file}/content");
        assert_eq!(world.api.get(ADA, &content).await.status, 200);
    }
}
