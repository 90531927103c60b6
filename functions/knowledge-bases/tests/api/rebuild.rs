//! Another embedding model.

use serde_json::{Value, json};

use crate::helpers::{ADA, World};

#[tokio::test]
async fn another_model_makes_an_index_beside_the_old_one_and_then_takes_its_place() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    for (name, text) in [
        ("Fjords", "The fjords of Norway are deep."),
        ("Lakes", "The lakes of Sweden are wide."),
    ] {
        world.text(&base, name, text).await;
    }
    world.work_all().await;
    let old = world.objects("/segments/").await;
    let changed = world
        .api
        .patch(ADA, &base, json!({"embedding_model": "few-words"}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body()["index"]["embedding_model"], "words");
    assert_eq!(changed.body()["next_index"]["embedding_model"], "few-words");
    // What was there is found until it is done, and what comes meanwhile is found before and after.
    assert_eq!(world.names(&base, "fjords").await[0], "Fjords");
    world.text(&base, "Tax", "Income tax is due in May.").await;
    world.work_all().await;
    let after = world.get(&base).await;
    assert_eq!(after["index"]["embedding_model"], "few-words", "{after}");
    assert_eq!(after["next_index"], Value::Null);
    for (query, name) in [
        ("fjords Norway", "Fjords"),
        ("lakes Sweden", "Lakes"),
        ("income tax", "Tax"),
    ] {
        let body = json!({"query": query, "mode": "vector"});
        let reply = world
            .api
            .post(ADA, &format!("{base}/search"), body)
            .await
            .body();
        assert_eq!(reply["embedding_model"], "few-words");
        assert_eq!(reply["data"][0]["document_name"], name, "{reply}");
        assert_eq!(reply["data"].as_array().map(Vec::len), Some(3));
    }
    let new = world.objects("/segments/").await;
    assert!(
        !new.is_empty() && old.iter().all(|key| !new.contains(key)),
        "the old index is deleted"
    );
    let jobs = world.get("/api/v1/jobs?type=knowledge_base_rebuild").await;
    assert_eq!(jobs["data"][0]["result"]["switched"], true, "{jobs}");
}

#[tokio::test]
async fn an_index_that_is_given_up_for_another_one_leaves_nothing() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    world
        .ready(&base, "Fjords", "The fjords of Norway are deep.")
        .await;
    for chunking in [64, 96] {
        let body = json!({"chunking": {"max_tokens": chunking, "overlap_tokens": 0}});
        assert_eq!(world.api.patch(ADA, &base, body).await.status, 200);
    }
    world.work_all().await;
    let after = world.get(&base).await;
    assert_eq!(after["index"]["chunking"]["max_tokens"], 96, "{after}");
    assert_eq!(world.objects("/segments/").await.len(), 1);
    assert_eq!(world.names(&base, "fjords").await, ["Fjords"]);
}

#[tokio::test]
async fn what_is_deleted_while_an_index_is_made_is_in_neither() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let gone = world
        .ready(&base, "Gone", "The canary of the fjords.")
        .await;
    world
        .ready(&base, "Kept", "The lakes of Sweden are wide.")
        .await;
    let change = json!({"embedding_model": "few-words"});
    assert_eq!(world.api.patch(ADA, &base, change).await.status, 200);
    let rebuild = world.told();
    crate::helpers::handle(&world.worker, &rebuild)
        .await
        .expect("an answer");
    assert_eq!(world.api.delete(ADA, &gone).await.status, 204);
    world.work_all().await;
    let after = world.get(&base).await;
    assert_eq!(after["index"]["embedding_model"], "few-words", "{after}");
    assert_eq!(world.names(&base, "canary lakes").await, ["Kept"]);
    for key in world.objects("").await {
        let bytes = world.api.app.blobs.get(&key, 1 << 20).await.expect("read");
        let bytes = bytes.expect("an object");
        assert!(!String::from_utf8_lossy(&bytes).contains("canary"), "{key}");
    }
}
