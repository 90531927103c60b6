//! A document from its creation to being found.

use serde_json::{Value, json};

use crate::helpers::{ADA, World};

const TEXT: &str = "# Notice\n\nThe notice period is three months.\n\n# Holidays\n\nEverybody has thirty days of holidays.\n";

#[tokio::test]
async fn a_text_is_taken_in_by_a_job_and_found_once_it_is_ready() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let body = json!({"name": "Handbook", "attributes": {"year": 2026}, "source": {"text": TEXT, "file_name": "handbook.md"}});
    let made = world
        .api
        .post(ADA, &format!("{base}/documents"), body)
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let document = made.body();
    assert!(document["id"].as_str().expect("an id").starts_with("file_"));
    assert_eq!(document["status"], "uploaded");
    assert_eq!(document["bytes"], TEXT.len());
    assert_eq!(document["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(document["replacement"], Value::Null);
    let job = world.job_of(made.location()).await;
    assert_eq!(
        (&job["type"], &job["status"]),
        (&json!("document_ingestion"), &json!("pending"))
    );
    assert_eq!(job["document_id"], document["id"]);
    assert_eq!(
        world.names(&base, "notice period").await,
        Vec::<String>::new()
    );

    world.embedded();
    world.work().await;
    assert_eq!(world.embedded(), 2);
    let ready = world.get(made.location()).await;
    assert_eq!(ready["status"], "ready", "{ready}");
    assert_eq!(ready["kind"], "md");
    let counts = &ready["counts"];
    assert_eq!(
        (&counts["chunks"], &counts["embedded_chunks"]),
        (&json!(2), &json!(2))
    );
    assert!(counts["characters"].as_u64() > Some(90), "{counts}");
    assert!(counts["tokens"].as_u64() > Some(20), "{counts}");
    let job = world.job_of(made.location()).await;
    assert_eq!(job["status"], "completed", "{job}");
    assert_eq!(job["result"]["ready"], true);
    let found = world
        .found(&base, json!({"query": "How long is the notice period?"}))
        .await;
    assert_eq!(found[0]["document_id"], document["id"]);
    assert_eq!(found[0]["headings"], json!(["Notice"]));
    assert_eq!(found[0]["attributes"], json!({"year": 2026.0}));
    assert!(
        found[0]["text"]
            .as_str()
            .expect("a text")
            .contains("three months")
    );
}

#[tokio::test]
async fn what_is_found_stands_in_the_text_where_it_says() {
    let world = World::new().await;
    let base = world
        .base(json!({"chunking": {"max_tokens": 64, "overlap_tokens": 8}}))
        .await;
    let text: String = (0..60)
        .map(|number| format!("Satz {number} handelt von Größe und Maß №{number} 🙂. "))
        .collect();
    let document = world.ready(&base, "Lang", &text).await;
    let found = world
        .found(&base, json!({"query": "Satz 41", "limit": 50}))
        .await;
    assert!(found.len() > 5);
    for chunk in &found {
        let (start, end) = (&chunk["start"], &chunk["end"]);
        let part = world
            .get(&format!("{document}/text?start={start}&end={end}"))
            .await;
        assert_eq!(part["text"], chunk["text"]);
        assert_eq!((&part["start"], &part["end"]), (start, end));
    }
    let whole = world.get(&format!("{document}/text")).await;
    assert_eq!(
        whole["characters"].as_u64(),
        Some(text.trim_end().chars().count() as u64)
    );
    let beyond = world.get(&format!("{document}/text?start=99999")).await;
    assert_eq!(beyond["text"], "");
    for wrong in ["start=5&end=4", "start=0&end=100001"] {
        let reply = world
            .api
            .get(ADA, &format!("{document}/text?{wrong}"))
            .await;
        assert_eq!(reply.status, 422, "{wrong}");
    }
}

#[tokio::test]
async fn a_text_that_is_not_ready_is_not_shown() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world.text(&base, "One", "Words.").await;
    let reply = world.api.get(ADA, &format!("{document}/text")).await;
    assert_eq!(reply.status, 409, "{}", reply.text);
}

#[tokio::test]
async fn the_same_content_is_taken_in_once() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let first = world
        .text(&base, "One", "The fjords of Norway are deep.")
        .await;
    let path = format!("{base}/documents");
    let body = json!({"name": "Two", "source": {"text": "The fjords of Norway are deep."}});
    let again = world.api.post(ADA, &path, body.clone()).await;
    assert_eq!(again.status, 200, "{}", again.text);
    assert_eq!(again.location(), first);
    assert_eq!(again.body()["name"], "One");
    assert_eq!(
        world.get(&path).await["data"].as_array().map(Vec::len),
        Some(1)
    );
    // The bytes that came with it are not kept.
    assert_eq!(world.objects("/bytes").await.len(), 1);
    // Another knowledge base has nothing to do with that.
    let other = world.base(json!({})).await;
    let elsewhere = world
        .api
        .post(ADA, &format!("{other}/documents"), body)
        .await;
    assert_eq!(elsewhere.status, 201);
}

#[tokio::test]
async fn documents_are_listed_newest_first_by_status() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    world.ready(&base, "a", "Alpha is first.").await;
    world.text(&base, "b", "Beta is second.").await;
    let path = format!("{base}/documents");
    let names = |page: Value| -> Vec<String> {
        let data = page["data"].as_array().expect("a list").clone();
        data.iter()
            .map(|one| one["name"].as_str().expect("a name").to_owned())
            .collect()
    };
    assert_eq!(names(world.get(&path).await), ["b", "a"]);
    assert_eq!(
        names(world.get(&format!("{path}?status=ready")).await),
        ["a"]
    );
    assert_eq!(
        names(world.get(&format!("{path}?status=uploaded")).await),
        ["b"]
    );
    let first = world.get(&format!("{path}?limit=1")).await;
    let cursor = first["next_cursor"].as_str().expect("a cursor").to_owned();
    assert_eq!(names(first), ["b"]);
    assert_eq!(
        names(world.get(&format!("{path}?limit=1&cursor={cursor}")).await),
        ["a"]
    );
}

#[tokio::test]
async fn what_can_t_be_a_document_is_refused_with_its_field() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let path = format!("{base}/documents");
    let long: serde_json::Map<String, Value> =
        (0..17).map(|key| (format!("k{key}"), json!(1))).collect();
    for (body, field) in [
        (json!({"name": "x", "source": {}}), ""),
        (
            json!({"name": "x", "source": {"text": "a", "url": "https://example.com"}}),
            "",
        ),
        (json!({"name": "x", "source": {"text": ""}}), ""),
        (
            json!({"name": "x", "source": {"content": "%%%"}}),
            "/content",
        ),
        (
            json!({"name": "x", "source": {"url": "http://169.254.169.254/"}}),
            "/url",
        ),
        (
            json!({"name": "x", "source": {"upload": {"bytes": 0}}}),
            "/upload/bytes",
        ),
        (
            json!({"name": "x", "source": {"upload": {"bytes": 52_428_801}}}),
            "/upload/bytes",
        ),
        (
            json!({"name": "x", "source": {"text": "a", "file_name": "../x"}}),
            "/file_name",
        ),
        (json!({"name": " ", "source": {"text": "a"}}), "/name"),
        (
            json!({"name": "x", "attributes": long, "source": {"text": "a"}}),
            "/attributes",
        ),
        (
            json!({"name": "x", "attributes": {"a": [1]}, "source": {"text": "a"}}),
            "/attributes",
        ),
    ] {
        let reply = world.api.post(ADA, &path, body.clone()).await;
        assert_eq!(reply.status, 422, "{body}: {}", reply.text);
        assert_eq!(reply.body()["errors"][0]["field"], field, "{body}");
    }
    assert_eq!(world.get(&path).await["data"], json!([]));
    assert_eq!(world.objects("/bytes").await, Vec::<String>::new());
}
