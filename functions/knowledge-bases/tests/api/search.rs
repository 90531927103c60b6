//! Searching.

use serde_json::json;

use crate::helpers::{ADA, World, names};

async fn filled(world: &World) -> String {
    let base = world.base(json!({})).await;
    for (name, text, year) in [
        ("Fjords", "The fjords of Norway are deep and cold.", 2024),
        ("Lakes", "The lakes of Sweden are wide.", 2025),
        ("Tax", "Income tax is due in May every year.", 2026),
    ] {
        let body = json!({"name": name, "attributes": {"year": year}, "source": {"text": text}});
        world.document(&base, body).await;
    }
    world.work_all().await;
    base
}

#[tokio::test]
async fn each_hit_says_what_each_stage_said() {
    let world = World::new().await;
    let base = filled(&world).await;
    let found = world
        .found(&base, json!({"query": "fjords of Norway"}))
        .await;
    assert_eq!(names(&found)[0], "Fjords");
    let stages = &found[0]["stages"];
    assert_eq!(
        (&stages["vector"]["rank"], &stages["keyword"]["rank"]),
        (&json!(1), &json!(1))
    );
    assert_eq!(stages["fused"]["score"], 1.0);
    assert!(stages["vector"]["score"].as_f64() > Some(0.3), "{stages}");
    let vector = world
        .found(
            &base,
            json!({"query": "fjords of Norway", "mode": "vector"}),
        )
        .await;
    assert_eq!(vector.len(), 3);
    assert!(vector[0]["stages"]["keyword"].is_null() && vector[0]["stages"]["fused"].is_null());
    let keyword = world
        .found(&base, json!({"query": "fjords Sweden", "mode": "keyword"}))
        .await;
    assert_eq!(keyword.len(), 2);
    assert!(keyword[0]["stages"]["vector"].is_null());
}

#[tokio::test]
async fn filters_and_bounds_hold() {
    let world = World::new().await;
    let base = filled(&world).await;
    let late = json!({"type": "gte", "key": "year", "value": 2025});
    let found = world
        .found(&base, json!({"query": "the fjords", "filters": late}))
        .await;
    assert!(!found.is_empty() && !names(&found).contains(&"Fjords".to_owned()));
    let one = world
        .found(&base, json!({"query": "the", "limit": 1}))
        .await;
    assert_eq!(one.len(), 1);
    let near = json!({"query": "fjords of Norway deep cold", "mode": "vector", "min_cosine": 0.5});
    assert_eq!(names(&world.found(&base, near).await), ["Fjords"]);
    let path = format!("{base}/search");
    for (body, field) in [
        (json!({"query": " "}), "/query"),
        (json!({"query": "x".repeat(8001)}), "/query"),
        // More than the embedding model takes.
        (json!({"query": "x".repeat(2000)}), "/query"),
        (json!({"query": "x", "limit": 0}), "/limit"),
        (json!({"query": "x", "limit": 51}), "/limit"),
        (json!({"query": "x", "candidates": 9}), "/candidates"),
        (json!({"query": "x", "per_document": 0}), "/per_document"),
        (
            json!({"query": "x", "weights": {"vector": 0, "keyword": 0}}),
            "/weights",
        ),
        (
            json!({"query": "x", "filters": {"type": "near"}}),
            "/filters",
        ),
        (
            json!({"query": "x", "filters": {"type": "and", "filters": [{"type": "eq", "key": "a", "value": [1]}]}}),
            "/filters",
        ),
    ] {
        let reply = world.api.post(ADA, &path, body.clone()).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.text);
        let named = reply.body()["errors"][0]["field"].clone();
        let named = named.as_str().expect("a field");
        assert!(named.starts_with(field), "{body}: {named}");
    }
}

#[tokio::test]
async fn the_same_question_is_made_a_vector_once() {
    let world = World::new().await;
    let base = filled(&world).await;
    world.embedded();
    let path = format!("{base}/search");
    let first = world
        .api
        .post(ADA, &path, json!({"query": "lakes"}))
        .await
        .body();
    assert!(first["input_tokens"].as_u64() > Some(0), "{first}");
    assert!(first["cost_micro_dollars"].as_u64() > Some(0), "{first}");
    let second = world
        .api
        .post(ADA, &path, json!({"query": "lakes"}))
        .await
        .body();
    assert_eq!(
        (&second["input_tokens"], &second["cost_micro_dollars"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(first["data"], second["data"]);
    assert_eq!(world.embedded(), 1);
    let keyword = world
        .api
        .post(ADA, &path, json!({"query": "tax", "mode": "keyword"}))
        .await;
    assert!(keyword.body()["embedding_model"].is_null());
    assert_eq!(world.embedded(), 0);
}

#[tokio::test]
async fn an_empty_knowledge_base_finds_nothing() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    assert!(
        world
            .found(&base, json!({"query": "anything"}))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn many_documents_become_few_segments_and_are_all_found() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    for number in 0..20 {
        world
            .text(
                &base,
                &format!("d{number}"),
                &format!("Document number {number} about topic{number}."),
            )
            .await;
    }
    world.work_all().await;
    assert!(world.objects("/segments/").await.len() < 10);
    for number in [0, 7, 19] {
        let found = world.names(&base, &format!("topic{number}")).await;
        assert_eq!(found[0], format!("d{number}"));
    }
    let all = world
        .found(
            &base,
            json!({"query": "document", "limit": 50, "mode": "vector"}),
        )
        .await;
    assert_eq!(all.len(), 20);
}
