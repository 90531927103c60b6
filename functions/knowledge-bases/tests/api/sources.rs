//! Where bytes come from.

use axum::http::Method;
use serde_json::{Value, json};
use stand_ins::site::Site;
use test_support::Body;

use crate::helpers::{ADA, World};

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

async fn upload(world: &World, base: &str, bytes: u64) -> (String, Value) {
    let body = json!({"name": "Up", "source": {"upload": {"bytes": bytes}, "file_name": "up.txt"}});
    let reply = world
        .api
        .post(ADA, &format!("{base}/documents"), body)
        .await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    (reply.location().to_owned(), reply.body())
}

/// Puts bytes where an upload says.
async fn put(world: &World, document: &Value, bytes: &'static [u8]) {
    let url = document["upload"]["url"].as_str().expect("an address");
    let key = url.strip_prefix("memory:").expect("a key");
    world
        .api
        .app
        .blobs
        .put(key, bytes.into())
        .await
        .expect("written");
}

#[tokio::test]
async fn small_files_come_with_the_request() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let page = b"<html><body><h1>Notice</h1><p>The notice period is three months.</p><script>evil()</script></body></html>";
    let body =
        json!({"name": "Page", "source": {"content": base64(page), "file_name": "page.html"}});
    let document = world.document(&base, body).await;
    world.work_all().await;
    let ready = world.get(&document).await;
    assert_eq!(
        (&ready["status"], &ready["kind"]),
        (&json!("ready"), &json!("html")),
        "{ready}"
    );
    let text = world.get(&format!("{document}/text")).await["text"].to_string();
    assert!(
        text.contains("three months") && !text.contains("evil"),
        "{text}"
    );
}

#[tokio::test]
async fn large_files_are_put_into_the_bucket_and_taken_in_when_they_are_there() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let (document, made) = upload(&world, &base, 30).await;
    assert_eq!(made["status"], "awaiting_upload");
    assert_eq!(made["upload"]["method"], "PUT");
    assert_eq!(made["upload"]["headers"]["content-length"], "30");
    assert!(world.told().is_empty());
    let complete = format!("{document}/complete");
    let early = world.act(&complete).await;
    assert_eq!(early.status, 409, "{}", early.text);
    put(&world, &made, b"The fjords of Norway are deep.").await;
    let completed = world.act(&complete).await;
    assert_eq!(completed.status, 202, "{}", completed.text);
    assert_eq!(completed.body()["status"], "uploaded");
    assert!(completed.body()["upload"].is_null());
    world.work_all().await;
    assert_eq!(world.names(&base, "fjords").await, ["Up"]);
    assert_eq!(world.act(&complete).await.status, 202);
    // The job that would have looked for the bytes finds that there is nothing to do.
    world.wait(3700);
    world.sweep().await;
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "ready");
    assert_eq!(world.embedded(), 2);
}

#[tokio::test]
async fn bytes_of_which_nobody_says_that_they_are_there_are_found_in_the_end() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let (document, made) = upload(&world, &base, 30).await;
    put(&world, &made, b"The fjords of Norway are deep.").await;
    world.sweep().await;
    assert!(world.told().is_empty());
    world.wait(3601);
    world.sweep().await;
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "ready");
}

#[tokio::test]
async fn an_upload_that_never_came_or_is_another_fails_with_a_reason() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let (never, _) = upload(&world, &base, 30).await;
    let (other, made) = upload(&world, &base, 10).await;
    put(&world, &made, b"The fjords of Norway are deep.").await;
    assert_eq!(world.act(&format!("{other}/complete")).await.status, 409);
    world.wait(3601);
    world.sweep().await;
    world.work_all().await;
    for (document, code) in [(never, "upload-missing"), (other, "other-length")] {
        let failed = world.get(&document).await;
        assert_eq!(failed["status"], "failed");
        assert_eq!(failed["failure"]["code"], code, "{failed}");
        assert_eq!(failed["failure"]["retryable"], false);
    }
    assert_eq!(world.objects("/bytes").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_duplicate_that_is_found_out_later_fails_and_names_the_other() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let first = world
        .ready(&base, "One", "The fjords of Norway are deep.")
        .await;
    let (second, made) = upload(&world, &base, 30).await;
    put(&world, &made, b"The fjords of Norway are deep.").await;
    world.act(&format!("{second}/complete")).await;
    world.work_all().await;
    let failed = world.get(&second).await;
    assert_eq!(failed["failure"]["code"], "duplicate", "{failed}");
    let message = failed["failure"]["message"].as_str().expect("a message");
    assert!(
        message.contains(first.rsplit('/').next().expect("an id")),
        "{message}"
    );
    assert_eq!(world.names(&base, "fjords").await, ["One"]);
    // Deleting the second does not free the content of the first.
    assert_eq!(world.api.delete(ADA, &second).await.status, 204);
    world.work_all().await;
    let body = json!({"name": "Three", "source": {"text": "The fjords of Norway are deep."}});
    let again = world
        .api
        .post(ADA, &format!("{base}/documents"), body)
        .await;
    assert_eq!(
        (again.status.as_u16(), again.location()),
        (200, first.as_str())
    );
}

#[tokio::test]
async fn an_address_is_fetched_by_the_worker_through_the_guard() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let site = Site::start().await.expect("a site");
    for (path, status, code) in [
        ("/fjords.txt", "ready", Value::Null),
        ("/missing.txt", "failed", json!("not-fetched")),
        ("/elsewhere.txt", "failed", json!("not-fetched")),
    ] {
        let url = format!("{}{path}", site.url);
        let body = json!({"name": path, "source": {"url": url}});
        let document = world.document(&base, body).await;
        assert_eq!(world.get(&document).await["url"], url);
        world.work_all().await;
        let after = world.get(&document).await;
        assert_eq!(after["status"], status, "{after}");
        assert_eq!(after["failure"]["code"], code, "{after}");
    }
    assert_eq!(world.names(&base, "fjords").await, ["/fjords.txt"]);
}

#[tokio::test]
async fn an_upload_needs_nobody_s_token_and_gives_no_other_right() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let (document, _) = upload(&world, &base, 30).await;
    let shown = world
        .api
        .send(ADA, Method::GET, &document, Body::Empty)
        .await;
    // Where to put the bytes is said once, to whoever announced them.
    assert!(shown.body().get("upload").is_none());
}
