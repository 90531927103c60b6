//! Files in vector stores, which are documents.

use serde_json::{Value, json};

use super::{FILES, STORES, failure};
use crate::helpers::{ADA, BASES, World};

#[tokio::test]
async fn a_file_in_a_vector_store_is_a_document_with_the_same_id() {
    let world = World::new().await;
    let file = world
        .upload("norway.txt", "The fjords of Norway are deep.")
        .await;
    let store = world.store(json!({})).await;
    let path = format!("{STORES}/{store}/files");
    let body = json!({"file_id": file, "attributes": {"year": 2026}});
    let reply = world.api.post(ADA, &path, body.clone()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        reply.body(),
        json!({
            "id": file, "object": "vector_store.file", "usage_bytes": 30, "created_at": test_support::START,
            "vector_store_id": store, "status": "in_progress", "last_error": null,
            "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 400, "chunk_overlap_tokens": 50}},
            "attributes": {"year": 2026},
        })
    );
    // Once more, also with a body that says less, it stays the same.
    for again in [body, json!({"file_id": file})] {
        let again = world.api.post(ADA, &path, again).await;
        assert_eq!(again.body(), reply.body(), "{}", again.text);
    }
    world.work_all().await;
    let done = world.get(&format!("{path}/{file}")).await;
    assert_eq!(done["status"], "completed", "{done}");
    let native = world
        .get(&format!("{BASES}/{store}/documents/{file}"))
        .await;
    assert_eq!(native["status"], "ready", "{native}");
    assert_eq!(native["name"], "norway.txt");
    assert_eq!(native["attributes"], json!({"year": 2026}));
    let text = world.get(&format!("{path}/{file}/content")).await;
    assert_eq!(
        text,
        json!({
            "object": "vector_store.file_content.page", "has_more": false, "next_page": null,
            "data": [{"type": "text", "text": "The fjords of Norway are deep."}],
        })
    );
    let other = json!({"file_id": file, "attributes": {"year": 1}});
    let other = world.api.post(ADA, &path, other).await;
    assert_eq!(failure(&other), (409, "conflict".to_owned(), None));
    let change = json!({"attributes": {"year": 2027}});
    let changed = world.api.post(ADA, &format!("{path}/{file}"), change).await;
    assert_eq!(changed.body()["attributes"], json!({"year": 2027}));
    world.work_all().await;
    let found = json!({"query": "fjords", "filters": {"type": "eq", "key": "year", "value": 2027}});
    assert_eq!(
        world.found(&format!("{BASES}/{store}"), found).await.len(),
        1
    );
}

#[tokio::test]
async fn a_document_is_a_file_with_the_same_id() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world.ready(&base, "Norway", "The fjords are deep.").await;
    let id = |path: &str| path.rsplit('/').next().expect("an id").to_owned();
    let (store, file) = (id(&base), id(&document));
    let path = format!("{STORES}/{store}/files");
    assert_eq!(world.listed(&path).await, (vec![file.clone()], false));
    let shown = world.get(&format!("{path}/{file}")).await;
    assert_eq!(shown["status"], "completed", "{shown}");
    let known = world.get(&format!("{FILES}/{file}")).await;
    assert_eq!(known["filename"], "Norway", "{known}");
    assert_eq!(known["bytes"], 20);
    let content = world.api.get(ADA, &format!("{FILES}/{file}/content")).await;
    assert_eq!(content.text, "The fjords are deep.");
    // It was not uploaded to be put elsewhere.
    assert_eq!(world.listed(FILES).await.0.len(), 0);
    let other = world.store(json!({})).await;
    let other = format!("{STORES}/{other}/files");
    let refused = world.api.post(ADA, &other, json!({"file_id": file})).await;
    assert_eq!(failure(&refused).0, 404, "{}", refused.text);
    let same = world.api.post(ADA, &path, json!({"file_id": file})).await;
    assert_eq!(same.body()["status"], "completed", "{}", same.text);
    let deleted = world.api.delete(ADA, &format!("{FILES}/{file}")).await;
    assert_eq!(deleted.body()["deleted"], true, "{}", deleted.text);
    assert_eq!(world.api.get(ADA, &document).await.status, 404);
    let again = world.api.delete(ADA, &format!("{FILES}/{file}")).await;
    assert_eq!(again.status, 404);
}

#[tokio::test]
async fn a_file_is_in_several_vector_stores_and_goes_out_of_all_when_it_is_deleted() {
    let world = World::new().await;
    let file = world
        .upload("a.txt", "The fjords of Norway are deep.")
        .await;
    let stores = [world.store(json!({})).await, world.store(json!({})).await];
    for store in &stores {
        let shown = world.put_in(store, &file).await;
        assert_eq!(shown["status"], "completed", "{shown}");
    }
    let places = |store: &String| {
        (
            format!("{STORES}/{store}/files/{file}"),
            format!("{BASES}/{store}"),
        )
    };
    // Taken out of one it is still in the other, and can come back.
    let (first, base) = places(&stores[0]);
    let out = world.api.delete(ADA, &first).await;
    let told = json!({"id": file, "object": "vector_store.file.deleted", "deleted": true});
    assert_eq!(out.body(), told);
    assert_eq!(failure(&world.api.delete(ADA, &first).await).0, 404);
    assert!(world.names(&base, "fjords").await.is_empty());
    let files = format!("{STORES}/{}/files", stores[0]);
    let early = world.api.post(ADA, &files, json!({"file_id": file}));
    let early = early.await;
    assert_eq!(
        early.status, 503,
        "what is left of it is still there: {}",
        early.text
    );
    assert!(!early.header("retry-after").is_empty());
    world.work_all().await;
    let (second, other) = places(&stores[1]);
    assert_eq!(world.get(&second).await["status"], "completed");
    assert_eq!(world.put_in(&stores[0], &file).await["status"], "completed");
    let deleted = world.api.delete(ADA, &format!("{FILES}/{file}")).await;
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    for (path, base) in [(first, base), (second, other)] {
        assert_eq!(world.api.get(ADA, &path).await.status, 404);
        assert!(world.names(&base, "fjords").await.is_empty());
    }
    world.work_all().await;
    assert!(world.objects(&file).await.is_empty());
    let gone = json!({"file_id": file});
    let gone = world
        .api
        .post(ADA, &format!("{STORES}/{}/files", stores[0]), gone)
        .await;
    assert_eq!(failure(&gone).0, 404);
}

#[tokio::test]
async fn what_can_t_be_taken_in_says_why() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    let text = "The fjords of Norway are deep.";
    let first = world.upload("a.txt", text).await;
    assert_eq!(world.put_in(&store, &first).await["status"], "completed");
    let same = world.upload("b.txt", text).await;
    let same = world.put_in(&store, &same).await;
    assert_eq!(same["status"], "failed", "{same}");
    assert_eq!(same["last_error"]["code"], "invalid_file");
    let message = same["last_error"]["message"].as_str().expect("a message");
    assert!(message.contains(&first), "{message}");
    let odd = world.upload("a.pdf", "%PDF-1.7 and nothing else").await;
    let odd = world.put_in(&store, &odd).await;
    assert_eq!(odd["last_error"]["code"], "invalid_file", "{odd}");
    let zip = "7z\u{bc}\u{af}'\u{1c}\u{0}\u{4}";
    let zip = world.upload("a.7z", zip).await;
    let zip = world.put_in(&store, &zip).await;
    assert_eq!(zip["last_error"]["code"], "unsupported_file", "{zip}");
    let counts = world.get(&format!("{STORES}/{store}")).await["file_counts"].clone();
    assert_eq!(
        counts,
        json!({"in_progress": 0, "completed": 1, "failed": 3, "cancelled": 0, "total": 4})
    );
    let path = format!("{STORES}/{store}/files");
    let failed = world.listed(&format!("{path}?filter=failed")).await.0;
    assert_eq!(failed.len(), 3);
    let completed = world.listed(&format!("{path}?filter=completed")).await.0;
    assert_eq!(completed, [first]);
    let early = world
        .api
        .get(ADA, &format!("{path}/{}/content", failed[0]))
        .await;
    assert_eq!(failure(&early).0, 409, "{}", early.text);
}

#[tokio::test]
async fn files_are_cut_as_their_vector_store_cuts() {
    let world = World::new().await;
    let file = world.upload("a.txt", "The fjords are deep.").await;
    let store = world.store(json!({})).await;
    let path = format!("{STORES}/{store}/files");
    let with = |most: u32| json!({"file_id": file, "chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": most, "chunk_overlap_tokens": 50}}});
    let refused = world.api.post(ADA, &path, with(800)).await;
    let param = Some("chunking_strategy".to_owned());
    assert_eq!(
        failure(&refused),
        (400, "unsupported_parameter".to_owned(), param)
    );
    let taken: Value = world.api.post(ADA, &path, with(400)).await.body();
    assert_eq!(taken["status"], "in_progress", "{taken}");
}

#[tokio::test]
async fn lists_of_files_in_a_vector_store_go_both_ways() {
    let world = World::new().await;
    let store = world.store(json!({})).await;
    let mut files = Vec::new();
    for number in 0..4 {
        let file = world.upload("a.txt", &format!("Topic {number}")).await;
        world.put_in(&store, &file).await;
        files.push(file);
    }
    let newest: Vec<String> = files.iter().rev().cloned().collect();
    let path = format!("{STORES}/{store}/files");
    assert_eq!(world.listed(&path).await, (newest.clone(), false));
    let after = format!("{path}?limit=2&after={}", newest[0]);
    assert_eq!(world.listed(&after).await, (newest[1..3].to_vec(), true));
    let before = format!("{path}?limit=2&before={}", newest[3]);
    assert_eq!(world.listed(&before).await, (newest[1..3].to_vec(), true));
    let asc = format!("{path}?order=asc&after={}", files[1]);
    assert_eq!(world.listed(&asc).await, (files[2..].to_vec(), false));
}
