//! Files that are made to hurt, uploaded into a knowledge base and taken in by the worker: refused with a reason, or kept as
//! plain text without what is dangerous in them. The worker lives, and its memory is bounded.

use axum::http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::config::Stage;
use test_support::{Body, Reply};

use crate::addresses::World;
use crate::{ADA, Listener, corpus, recipe};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(rename = "source")]
    _source: String,
    #[serde(default)]
    file_name: Option<String>,
    bytes: Value,
    /// The kind that it is taken in as, with words that its text has, and others that it lacks.
    #[serde(default)]
    ready: Option<String>,
    #[serde(default)]
    has: Vec<String>,
    #[serde(default)]
    lacks: Vec<String>,
    /// Why it fails.
    #[serde(default)]
    failed: Option<String>,
    /// The field for which it is refused at once.
    #[serde(default)]
    refused: Option<String>,
}

/// What fits into the memory of the worker (`template.yaml`), with room for what tests need themselves.
const MOST_MEMORY_KB: u64 = 1024 * 1024;

/// How much memory this process had at most, where the system says it.
fn most_memory_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Announces a file, puts it where the reply says, and says that it is there.
async fn upload(world: &World, row: &Row, bytes: Vec<u8>) -> Reply {
    let upload = json!({"bytes": bytes.len()});
    let name = row.file_name.as_deref().unwrap_or("unnamed");
    let body = json!({"name": row.name, "source": {"upload": upload, "file_name": name}});
    let made = world.api.post(ADA, &world.documents, body).await;
    if made.status == 201 {
        let made = made.body();
        let url = made["upload"]["url"].as_str().expect("an address");
        let key = url.strip_prefix("memory:").expect("a key");
        world
            .api
            .app
            .blobs
            .put(key, bytes.into())
            .await
            .expect("written");
        let path = format!(
            "{}/{}",
            world.documents,
            made["id"].as_str().expect("an id")
        );
        let complete = world
            .api
            .send(ADA, Method::POST, &format!("{path}/complete"), Body::Empty)
            .await;
        assert_eq!(complete.status, 202, "{}: {}", row.name, complete.text);
    }
    made
}

/// What became of a file that is not as its row says.
async fn faults(world: &World, row: &Row, reply: &Reply) -> Vec<String> {
    if row.refused.is_some() {
        let refused = reply.status == 422 && reply.problem().1 == "invalid-request";
        return if refused {
            Vec::new()
        } else {
            vec![reply.text.clone()]
        };
    }
    let after = world.worked_on(reply).await;
    let failure = &after["failure"];
    if let Some(code) = &row.failed {
        let message = failure["message"].as_str().unwrap_or_default();
        let said = message.len() > 20 && !message.contains("evil");
        let right = after["status"] == "failed" && failure["code"] == code.as_str();
        let right = right && said && failure["retryable"] == false;
        return if right {
            Vec::new()
        } else {
            vec![after.to_string()]
        };
    }
    let kind = row.ready.as_ref().expect("an outcome");
    if after["status"] != "ready" || after["kind"] != kind.as_str() {
        return vec![after.to_string()];
    }
    let path = format!("{}/text", reply.location());
    let text = world.api.get(ADA, &path).await.body();
    let text = text["text"].as_str().expect("a text");
    assert!(!row.has.is_empty(), "{} asserts nothing", row.name);
    let missing = row.has.iter().filter(|word| !text.contains(*word));
    let missing = missing.map(|word| format!("without {word:?}: {text:.300}"));
    let kept = row.lacks.iter().filter(|word| text.contains(*word));
    missing
        .chain(kept.map(|word| format!("with {word:?}: {text:.300}")))
        .collect()
}

#[tokio::test]
async fn a_file_that_is_made_to_hurt_fails_with_a_reason_or_is_harmless_text() {
    let world = World::new(Stage::Prod).await;
    let listener = Listener::start().await;
    let mut wrong = Vec::new();
    for row in corpus::<Row>("files.json") {
        let reply = upload(&world, &row, recipe::bytes(&row.bytes, listener.port)).await;
        let faults = faults(&world, &row, &reply).await;
        wrong.extend(faults.iter().map(|fault| format!("{}: {fault}", row.name)));
        if row.refused.is_none() {
            assert_eq!(world.api.delete(ADA, reply.location()).await.status, 204);
            // What deletes its rows is a job too.
            world.work().await;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(listener.came(), 0);
    if let Some(most) = most_memory_kb() {
        assert!(most < MOST_MEMORY_KB, "{most} KB");
    }
}
