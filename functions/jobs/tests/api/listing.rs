//! What is shown of jobs, and of the runs among them.

use serde_json::{Value, json};

use crate::helpers::{ADA, World, well};

/// Asks in the background; the path of the job.
async fn in_the_background(world: &World) -> String {
    let conversation = world.conversation(json!({"title": "Mine"})).await;
    let path = format!("{conversation}/messages");
    let body = json!({"content": "Hello", "background": true});
    let queued = world.api.post(ADA, &path, body).await;
    assert_eq!(queued.status, 202, "{}", queued.text);
    let run = queued.header("content-location").rsplit("run_").next();
    format!("/api/v1/jobs/job_{}", run.expect("a run"))
}

fn ids(jobs: &[Value]) -> Vec<&str> {
    jobs.iter()
        .map(|job| job["id"].as_str().expect("an id"))
        .collect()
}

#[tokio::test]
async fn a_turn_in_the_background_is_a_job_that_says_what_its_run_says() {
    let world = World::new().await;
    let job = in_the_background(&world).await;
    let waiting = world.get(&job).await;
    assert_eq!(
        (&waiting["type"], &waiting["status"]),
        (&json!("run"), &json!("pending"))
    );
    let run = waiting["run_id"].as_str().expect("a run").to_owned();
    let refused = world.act(&job, "retry").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    let cancelled = world.act(&job, "cancel").await;
    assert_eq!(cancelled.status, 200, "{}", cancelled.text);
    assert_eq!(cancelled.body()["status"], "cancelled");
    let run = world.api.get(ADA, &format!("/api/v1/runs/{run}")).await;
    assert_eq!(run.body()["status"], "cancelled");
    assert_eq!(
        world.get(&job).await["problem"]["type"],
        "urn:chatter:problem:run-cancelled"
    );
    let refused = world.act(&job, "retry").await;
    assert_eq!(refused.status, 409, "{}", refused.text);
    // A turn that nobody put into the background is none.
    let conversation = world.conversation(json!({"title": "Mine"})).await;
    world.say(&conversation, "Hello").await;
    assert_eq!(world.listed("").await.len(), 1);
}

#[tokio::test]
async fn jobs_are_listed_newest_first_by_status_and_type_in_pages() {
    let world = World::new().await;
    let mut made = Vec::new();
    for place in 0..6 {
        let job = if place % 2 == 0 {
            world.untitled().await.1
        } else {
            in_the_background(&world).await
        };
        if place >= 4 {
            assert_eq!(world.act(&job, "cancel").await.status, 200);
        }
        made.insert(0, job.rsplit('/').next().expect("an id").to_owned());
    }
    assert_eq!(ids(&world.listed("").await), made);
    let of = |places: &[usize]| {
        places
            .iter()
            .map(|place| made[*place].clone())
            .collect::<Vec<_>>()
    };
    for (query, places) in [
        ("type=run", &[0, 2, 4][..]),
        ("type=conversation_title", &[1, 3, 5]),
        ("status=cancelled", &[0, 1]),
        ("status=pending&type=run", &[2, 4]),
        ("status=completed", &[]),
    ] {
        assert_eq!(ids(&world.listed(query).await), of(places), "{query}");
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = world
                .get(&format!("/api/v1/jobs?{query}&limit=1{cursor}"))
                .await;
            paged.extend(page["data"].as_array().expect("a list").clone());
            assert_eq!(page["has_more"], page["next_cursor"].is_string());
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(ids(&paged), of(places), "{query} in pages");
    }
    let counted = world.get("/api/v1/jobs/statistics").await;
    assert_eq!(
        counted,
        json!({
            "total": 6, "complete": true,
            "by_status": {"pending": 4, "running": 0, "retrying": 0, "completed": 0, "failed": 0, "cancelled": 2},
            "by_type": {
                "conversation_title": 3, "document_ingestion": 0, "knowledge_base_cleanup": 0,
                "knowledge_base_rebuild": 0, "run": 3,
            },
        })
    );
    let bobs = world.jobs.get(Some("bob"), "/api/v1/jobs").await.body();
    assert_eq!(bobs["data"], json!([]));
}

#[tokio::test]
async fn a_job_can_be_looked_up_for_sixty_days() {
    let world = World::new().await;
    let (_, job) = world.untitled().await;
    assert_eq!(world.work().await, well());
    world.wait(59 * 24 * 3_600);
    assert_eq!(world.status(&job).await, "completed");
    world.wait(2 * 24 * 3_600);
    // Whether the table has deleted it or not.
    assert_eq!(world.jobs.get(ADA, &job).await.status, 404);
    assert_eq!(world.listed("").await, Vec::<Value>::new());
    assert_eq!(world.get("/api/v1/jobs/statistics").await["total"], 0);
}

#[tokio::test]
async fn the_job_of_a_deleted_conversation_s_run_is_gone() {
    let world = World::new().await;
    let job = in_the_background(&world).await;
    let conversation = world.get(&job).await["conversation_id"].clone();
    let path = format!(
        "/api/v1/conversations/{}",
        conversation.as_str().expect("an id")
    );
    let deleted = world.api.beside(conversations::router);
    assert_eq!(deleted.delete(ADA, &path).await.status, 204);
    // The first to look for it finds that it is nobody's any more.
    assert_eq!(world.act(&job, "cancel").await.status, 404);
    assert_eq!(world.jobs.get(ADA, &job).await.status, 404);
    assert_eq!(world.listed("").await, Vec::<Value>::new());
}
