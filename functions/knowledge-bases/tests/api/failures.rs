//! What goes wrong is said, and loses nothing.

use serde_json::json;

use crate::helpers::{World, handle, worker};

#[tokio::test]
async fn a_file_that_can_t_be_read_fails_with_a_reason_and_for_good() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .document(
            &base,
            json!({"name": "x", "source": {"content": "AAAAAAAAAAAAAAAA"}}),
        )
        .await;
    world.work().await;
    let failed = world.get(&document).await;
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["failed_at"], "extracting");
    assert_eq!(failed["failure"]["retryable"], false);
    assert!(failed["ended_at"].is_string());
    let job = world.job_of(&document).await;
    assert_eq!(
        (&job["status"], &job["attempts"]),
        (&json!("failed"), &json!(1))
    );
    let kind = job["problem"]["type"].as_str().expect("a type");
    assert!(kind.starts_with("urn:chatter:problem:document-"), "{kind}");
    assert!(world.names(&base, "x").await.is_empty());
}

#[tokio::test]
async fn vectors_that_do_not_come_are_asked_for_again_and_what_came_is_kept() {
    let world = World::new().await;
    let base = world
        .base(json!({"chunking": {"max_tokens": 64, "overlap_tokens": 0}}))
        .await;
    let text: String = (0..250)
        .map(|number| format!("# Part {number}\n\nAbout topic{number} and its words.\n\n"))
        .collect();
    let away = serde_json::from_value(json!({"status": 400})).expect("a script");
    // The second batch of the chunks begins with this one.
    world.api.provider.script_when("topic192 ", away);
    let body = json!({"name": "Parts", "source": {"text": text, "file_name": "parts.md"}});
    let document = world.document(&base, body).await;
    world.work().await;
    let failed = world.get(&document).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(failed["failed_at"], "embedding");
    assert_eq!(failed["counts"]["embedded_chunks"], 192);
    assert!(
        world.names(&base, "topic3").await.is_empty(),
        "partly failed is never ready"
    );
    let first = world.embedded();
    assert!(first >= 192, "{first}");
    let fine = serde_json::from_value(json!({})).expect("a script");
    world.api.provider.script_when("topic192 ", fine);
    let again = world.act(&format!("{document}/reprocess")).await;
    assert_eq!(again.status, 202, "{}", again.text);
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "ready");
    assert_eq!(world.embedded(), 58, "only what was missing");
    assert_eq!(world.names(&base, "topic3 topic3").await[0], "Parts");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_by_the_schedule() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let away = serde_json::from_value(json!({"status": 500})).expect("a script");
    world.api.provider.script_when("fjords", away);
    let document = world
        .text(&base, "One", "The fjords of Norway are deep.")
        .await;
    world.work().await;
    let job = world.job_of(&document).await;
    assert_eq!(job["status"], "retrying", "{job}");
    assert_eq!(world.get(&document).await["status"], "embedding");
    let fine = serde_json::from_value(json!({})).expect("a script");
    world.api.provider.script_when("fjords", fine);
    world.wait(25);
    world.sweep().await;
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "ready");
}

#[tokio::test]
async fn a_document_whose_job_is_stopped_says_so_and_can_go_on() {
    let world = World::new().await;
    let base = world.base(json!({})).await;
    let document = world
        .text(&base, "One", "The fjords of Norway are deep.")
        .await;
    let id = world.get(&document).await["job_id"]
        .as_str()
        .expect("an id")
        .to_owned();
    let path = format!("/api/v1/jobs/{id}");
    assert_eq!(world.act(&format!("{path}/cancel")).await.status, 200);
    let stopped = world.get(&document).await;
    assert_eq!(
        (&stopped["status"], &stopped["failure"]["code"]),
        (&json!("failed"), &json!("cancelled"))
    );
    assert_eq!(stopped["failure"]["retryable"], true);
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "failed");
    // By the job as well as by the document.
    assert_eq!(world.act(&format!("{path}/retry")).await.status, 202);
    assert_eq!(world.get(&document).await["status"], "uploaded");
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "ready");
}

#[tokio::test]
async fn whoever_may_not_any_more_has_nothing_taken_in() {
    let world = World::new().await;
    let base = world.base(json!({"visibility": "tenant"})).await;
    world
        .joins("bob", shared::model::MembershipRole::Admin)
        .await;
    let body = json!({"name": "Of Bob", "source": {"text": "The fjords of Norway are deep."}});
    let made = world
        .api
        .post(Some("bob"), &format!("{base}/documents"), body)
        .await;
    let document = made.location().to_owned();
    world.api.people.leave("bob").await;
    world.embedded();
    let told = world.told();
    handle(&worker(&world.api), &told).await.expect("an answer");
    let failed = world.get(&document).await;
    assert_eq!(failed["status"], "failed", "{failed}");
    assert_eq!(world.embedded(), 0);
    // Who may can go on with it.
    assert_eq!(
        world.act(&format!("{document}/reprocess")).await.status,
        202
    );
    world.work_all().await;
    assert_eq!(world.get(&document).await["status"], "ready");
}
