//! What is said about a document, and another content in the place of the first.

use serde_json::{Value, json};

use crate::helpers::{ADA, World};

#[tokio::test]
async fn another_content_takes_the_place_of_the_first_at_once_and_only_when_it_is_ready() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    let path = format!("{document}/replace");
    let replaced = world
        .api
        .post(ADA, &path, json!({"text": "The lakes of Sweden are wide."}))
        .await;
    assert_eq!(replaced.status, 202, "{}", replaced.text);
    assert_eq!(replaced.body()["status"], "ready");
    assert_eq!(replaced.body()["replacement"]["status"], "uploaded");
    assert_eq!(
        world
            .found(&base, json!({"query": "fjords", "mode": "keyword"}))
            .await
            .len(),
        1
    );
    world.work_all().await;
    let after = world.get(&document).await;
    assert_eq!(
        (&after["status"], &after["replacement"]),
        (&json!("ready"), &Value::Null)
    );
    assert!(
        world
            .found(&base, json!({"query": "fjords", "mode": "keyword"}))
            .await
            .is_empty()
    );
    let found = world
        .found(&base, json!({"query": "lakes", "mode": "keyword"}))
        .await;
    assert_eq!((found.len(), &found[0]["document_id"]), (1, &after["id"]));
    // Nothing of the first content is left.
    assert_eq!(world.objects("/bytes").await.len(), 1);
    assert_eq!(world.objects("/text").await.len(), 1);
    assert_eq!(world.objects("/segments/").await.len(), 1);
    // And it may be another document's by now.
    let again = world
        .text(&base, "Two", "The fjords of Norway are deep.")
        .await;
    assert_ne!(again, document);
}

#[tokio::test]
async fn a_replacement_that_fails_leaves_what_was_there() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    let path = format!("{document}/replace");
    let zeros = "AAAAAAAAAAAAAAAA";
    assert_eq!(
        world
            .api
            .post(ADA, &path, json!({"content": zeros}))
            .await
            .status,
        202
    );
    world.work_all().await;
    let after = world.get(&document).await;
    assert_eq!(after["status"], "ready");
    assert_eq!(after["replacement"]["status"], "failed", "{after}");
    assert!(
        after["replacement"]["failure"]["code"].is_string(),
        "{after}"
    );
    assert_eq!(world.names(&base, "fjords").await, ["One"]);
    // The same content changes nothing, and neither is it a duplicate.
    let same = world
        .api
        .post(
            ADA,
            &path,
            json!({"text": "The fjords of Norway are deep."}),
        )
        .await;
    assert_eq!(same.status, 200, "{}", same.text);
    // The next one takes the place of the one that failed.
    let good = world
        .api
        .post(ADA, &path, json!({"text": "The lakes of Sweden are wide."}))
        .await;
    assert_eq!(good.status, 202, "{}", good.text);
    world.work_all().await;
    assert_eq!(world.get(&document).await["replacement"], Value::Null);
    assert_eq!(world.names(&base, "lakes").await, ["One"]);
}

#[tokio::test]
async fn what_another_document_has_is_no_replacement() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    let other = world
        .ready(&base, "Two", "The lakes of Sweden are wide.")
        .await;
    let body = json!({"text": "The fjords of Norway are deep."});
    let refused = world.api.post(ADA, &format!("{other}/replace"), body).await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    assert_eq!(world.get(&other).await["replacement"], Value::Null);
}

#[tokio::test]
async fn another_name_and_other_attributes_are_found_without_vectors_made_anew() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    world.embedded();
    let change = json!({"name": "Fjords", "attributes": {"land": "no"}});
    let changed = world.api.patch(ADA, &document, change).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(changed.body()["name"], "Fjords");
    world.work_all().await;
    assert_eq!(world.embedded(), 0);
    let filters = json!({"type": "eq", "key": "land", "value": "no"});
    let found = world
        .found(&base, json!({"query": "deep", "filters": filters}))
        .await;
    assert_eq!(crate::helpers::names(&found), ["Fjords"]);
}

#[tokio::test]
async fn what_is_changed_while_a_document_is_taken_in_is_in_the_index() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .text(&base, "One", "The fjords of Norway are deep.")
        .await;
    let changed = world
        .api
        .patch(ADA, &document, json!({"name": "Fjords"}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    world.work_all().await;
    assert_eq!(world.names(&base, "deep").await, ["Fjords"]);
}

#[tokio::test]
async fn what_stays_the_same_is_not_embedded_again() {
    let world = World::new().await;
    let base = world
        .base(json!({"chunking": {"max_tokens": 64, "overlap_tokens": 0}}))
        .await;
    let paragraph =
        |number: u32| format!("# Part {number}\n\nParagraph {number} is about topic{number}.\n\n");
    let text: String = (0..10).map(paragraph).collect();
    let body = json!({"name": "Parts", "source": {"text": text, "file_name": "parts.md"}});
    let document = world.document(&base, body).await;
    world.work_all().await;
    assert_eq!(world.embedded(), 10);
    let longer = text + &paragraph(10);
    let body = json!({"text": longer, "file_name": "parts.md"});
    assert_eq!(
        world
            .api
            .post(ADA, &format!("{document}/replace"), body)
            .await
            .status,
        202
    );
    world.work_all().await;
    assert_eq!(world.embedded(), 1);
    assert_eq!(world.get(&document).await["counts"]["chunks"], 11);
}
