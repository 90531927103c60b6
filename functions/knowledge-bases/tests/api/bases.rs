//! Creating, listing, changing and deleting knowledge bases.

use axum::http::Method;
use serde_json::{Value, json};
use test_support::Body;

use crate::helpers::{ADA, BASES, World};

#[tokio::test]
async fn a_knowledge_base_is_as_it_was_created() {
    let world = World::new().await;
    let body = json!({
        "name": "  Handbook ", "description": "What everybody asks.", "visibility": "tenant",
        "embedding_model": "few-words", "chunking": {"max_tokens": 128, "overlap_tokens": 16},
    });
    let made = world.api.post(ADA, BASES, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let base = made.body();
    assert!(base["id"].as_str().expect("an id").starts_with("vs_"));
    assert_eq!(base["name"], "Handbook");
    assert_eq!(base["visibility"], "tenant");
    assert_eq!(base["backend"], "built_in");
    let index = json!({
        "embedding_model": "few-words", "dimensions": 96,
        "chunking": {"max_tokens": 128, "overlap_tokens": 16},
    });
    assert_eq!(base["index"], index);
    assert_eq!(base["next_index"], Value::Null);
    assert_eq!(world.get(made.location()).await, base);
    // What nobody says is said by the catalogue.
    let other = world.get(&world.base(json!({})).await).await;
    assert_eq!(other["index"]["embedding_model"], "words");
    let chunking = json!({"max_tokens": 400, "overlap_tokens": 50});
    assert_eq!(other["index"]["chunking"], chunking);
    assert_eq!(other["visibility"], "private");
}

#[tokio::test]
async fn what_breaks_a_rule_is_named() {
    let world = World::new().await;
    for (body, field) in [
        (json!({"name": ""}), "/name"),
        (json!({"name": "x".repeat(201)}), "/name"),
        (json!({"name": "x", "description": " "}), "/description"),
        (
            json!({"name": "x", "embedding_model": "small"}),
            "/embedding_model",
        ),
        (json!({"name": "x", "backend": "qdrant"}), "/backend"),
        (
            json!({"name": "x", "chunking": {"max_tokens": 63, "overlap_tokens": 0}}),
            "/chunking/max_tokens",
        ),
        (
            json!({"name": "x", "chunking": {"max_tokens": 513, "overlap_tokens": 0}}),
            "/chunking/max_tokens",
        ),
        (
            json!({"name": "x", "chunking": {"max_tokens": 100, "overlap_tokens": 50}}),
            "/chunking/overlap_tokens",
        ),
    ] {
        let reply = world.api.post(ADA, BASES, body.clone()).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.text);
        assert_eq!(reply.body()["errors"][0]["field"], field, "{body}");
    }
    let list = world.get(BASES).await;
    assert_eq!(list["data"], json!([]));
}

#[tokio::test]
async fn knowledge_bases_are_listed_newest_first_and_in_pages() {
    let world = World::new().await;
    for name in ["a", "b", "c"] {
        world.base(json!({"name": name})).await;
    }
    let first = world.get(&format!("{BASES}?limit=2")).await;
    let names = |page: &Value| -> Vec<String> {
        let data = page["data"].as_array().expect("a list");
        data.iter()
            .map(|base| base["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(&first), ["c", "b"]);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let second = world.get(&format!("{BASES}?limit=2&cursor={cursor}")).await;
    assert_eq!(names(&second), ["a"]);
    assert_eq!(second["has_more"], false);
}

#[tokio::test]
async fn a_change_holds_to_the_version_that_it_was_made_for() {
    let world = World::new().await;
    let base = world.base(json!({"description": "Old."})).await;
    let tag = world.api.get(ADA, &base).await.headers["etag"].clone();
    let change = json!({"name": "Rules", "description": null, "visibility": "tenant"});
    let changed = world.api.patch(ADA, &base, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let shown = world.get(&base).await;
    assert_eq!(
        (&shown["name"], &shown["visibility"]),
        (&json!("Rules"), &json!("tenant"))
    );
    assert_eq!(shown["description"], Value::Null);
    let headers = [("if-match", tag.to_str().expect("a tag"))];
    let body = Body::Json(json!({"name": "Late"}));
    let late = world
        .api
        .send_with(ADA, Method::PATCH, &base, body, &headers)
        .await;
    assert_eq!(late.status, 412, "{}", late.text);
    assert_eq!(world.get(&base).await["name"], "Rules");
}

#[tokio::test]
async fn a_deleted_knowledge_base_is_gone_at_once_and_then_for_good() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let kept = world.base(json!({"name": "Kept"})).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    world
        .ready(&kept, "Two", "The lakes of Sweden are wide.")
        .await;
    let id = base.rsplit('/').next().expect("an id").to_owned();
    assert!(!world.objects(&id).await.is_empty());
    let deleted = world.api.delete(ADA, &base).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    for path in [&base, &document, &format!("{base}/documents")] {
        assert_eq!(world.api.get(ADA, path).await.status, 404, "{path}");
    }
    let search = world
        .api
        .post(ADA, &format!("{base}/search"), json!({"query": "fjords"}))
        .await;
    assert_eq!(search.status, 404);
    assert_eq!(world.api.delete(ADA, &base).await.status, 404);

    world.work_all().await;
    assert_eq!(world.objects(&id).await, Vec::<String>::new());
    assert_eq!(world.names(&kept, "lakes").await, ["Two"]);
    let jobs = world.get("/api/v1/jobs?type=knowledge_base_cleanup").await;
    assert_eq!(jobs["data"][0]["status"], "completed", "{jobs}");
    assert!(
        jobs["data"][0]["result"]["objects"].as_u64() >= Some(3),
        "{jobs}"
    );
}
