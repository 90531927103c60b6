//! News that is lost, doubled, early or forged.

use serde_json::json;
use shared::model::MembershipRole;
use shared::queue::QueueMessage;

use crate::helpers::{ADA, World, handle, well, worker};

#[tokio::test]
async fn a_job_of_which_nobody_was_told_is_found() {
    let world = World::new().await;
    let (_, job) = world.untitled().await;
    assert_eq!(world.told().len(), 1, "and lost");
    assert_eq!(world.sweep().await, 0, "its news may still come");
    world.wait(31);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.sweep().await, 0, "its news may still come");
    world.wait(61);
    // The pause is twice as long the next time.
    assert_eq!(world.sweep().await, 1);
    world.wait(61);
    assert_eq!(world.sweep().await, 0);
    assert_eq!(world.work().await, well());
    assert_eq!(world.status(&job).await, "completed");
    assert_eq!(world.asked(), 1);
    world.wait(3_600);
    assert_eq!(world.sweep().await, 0, "it waits still");
}

#[tokio::test]
async fn a_job_is_done_once_however_often_and_wherever_it_is_told_of() {
    let world = World::new().await;
    let (conversation, job) = world.untitled().await;
    let told = world.told();
    let twice: Vec<QueueMessage> = [told.clone(), told.clone()].concat();
    world.title_is(json!({"say": ["Once"], "head_delay_ms": 50}));
    let (one, other) = (worker(&world.api), worker(&world.api));
    let answers = tokio::join!(handle(&one, &twice), handle(&other, &twice));
    assert_eq!(answers.0.expect("an answer"), well());
    assert_eq!(answers.1.expect("an answer"), well());
    assert_eq!(
        handle(&world.worker, &told).await.expect("an answer"),
        well()
    );
    assert_eq!(world.asked(), 1);
    let done = world.get(&job).await;
    assert_eq!(
        (&done["status"], &done["attempts"]),
        (&json!("completed"), &json!(1))
    );
    assert_eq!(world.get(&conversation).await["title"], "Once");
}

#[tokio::test]
async fn what_is_scheduled_is_begun_at_its_time_and_not_before() {
    let world = World::new().await;
    let conversation = world.conversation(json!({"title": "Mine"})).await;
    world.say(&conversation, "Tell me of fjords.").await;
    let hour = world
        .api
        .app
        .clock
        .now()
        .plus(std::time::Duration::from_secs(3_600));
    let fields = json!({"replace": true, "scheduled_at": hour.rfc3339()});
    let created = world.create(&conversation, fields).await;
    assert_eq!(created.status, 202, "{}", created.text);
    assert_eq!(created.body()["due_at"], hour.rfc3339());
    let job = created.location();
    assert_eq!(world.told(), [], "nobody is told before its time");
    let id = job
        .rsplit('/')
        .next()
        .expect("an id")
        .parse()
        .expect("an id");
    let priority = shared::model::JobPriority::Normal;
    let early = [QueueMessage::JobWaits {
        version: 1,
        id,
        priority,
    }];
    assert_eq!(
        handle(&world.worker, &early).await.expect("an answer"),
        well()
    );
    assert_eq!(world.status(job).await, "pending");
    world.wait(3_590);
    assert_eq!(world.sweep().await, 0);
    world.wait(11);
    assert_eq!(world.sweep().await, 1);
    assert_eq!(world.work().await, well());
    assert_eq!(world.status(job).await, "completed");
}

#[tokio::test]
async fn those_with_a_high_priority_go_first() {
    let world = World::new().await;
    let conversation = world.conversation(json!({"title": "Mine"})).await;
    world.say(&conversation, "Tell me of fjords.").await;
    for priority in ["low", "normal", "high"] {
        let created = world.create(&conversation, json!({"priority": priority}));
        assert_eq!(created.await.status, 202);
    }
    let priorities =
        |told: Vec<QueueMessage>| -> Vec<_> { told.iter().map(QueueMessage::priority).collect() };
    let created = priorities(world.told());
    world.wait(31);
    assert_eq!(world.sweep().await, 3);
    let mut sorted = created.clone();
    sorted.sort();
    assert_ne!(created, sorted);
    assert_eq!(priorities(world.told()), sorted);
}

#[tokio::test]
async fn a_row_in_the_queue_opens_nobody_elses_job() {
    let world = World::new().await;
    let (conversation, job) = world.untitled().await;
    world.asked();
    let bob = world.api.people.get("bob").await;
    let id = job.rsplit('/').next().expect("an id");
    let digit = id.chars().last().expect("a digit");
    let forged = json!({
        "TableName": "chatter",
        "Key": {"pk": {"S": format!("JOBS#{digit}")}, "sk": {"S": id}},
        "UpdateExpression": "SET mandate.#t = :t, mandate.#u = :u",
        "ExpressionAttributeNames": {"#t": "tenant", "#u": "user"},
        "ExpressionAttributeValues": {":t": {"S": bob.tenant.to_string()}, ":u": {"S": bob.user.to_string()}},
    });
    let answer = world.api.table.raw("UpdateItem", forged).await;
    assert!(answer["__type"].is_null(), "{answer}");
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 0);
    assert_eq!(world.status(&job).await, "pending");
    assert!(world.get(&conversation).await["title"].is_null());
}

#[tokio::test]
async fn what_a_job_may_is_asked_again_when_it_is_done() {
    let world = World::new().await;
    let role = MembershipRole::Member;
    let member = world.api.people.join("eve", "ada", role).await;
    let made = world.api.beside(conversations::router);
    let eve = Some("eve");
    let made = made.post(eve, "/api/v1/conversations", json!({})).await;
    let path = format!("{}/messages", made.location());
    let said = world.api.post(eve, &path, json!({"content": "Hi"})).await;
    assert_eq!(said.status, 201);
    world.asked();
    world
        .api
        .people
        .change_role("ada", member.user, (role, MembershipRole::Viewer))
        .await;
    world.wait(31);
    assert_eq!(world.work().await, well());
    assert_eq!(world.asked(), 0);
    let jobs = world.jobs.get(eve, "/api/v1/jobs").await.body();
    let job = &jobs["data"][0];
    assert_eq!(job["status"], "failed", "{job}");
    assert_eq!(job["problem"]["type"], "urn:chatter:problem:forbidden");
}

#[tokio::test]
async fn what_is_wrong_with_a_new_job_is_told() {
    let world = World::new().await;
    let conversation = world.conversation(json!({"title": "Mine"})).await;
    let bobs = world.api.beside(conversations::router);
    let bobs = bobs
        .post(Some("bob"), "/api/v1/conversations", json!({}))
        .await;
    let far = world.api.app.clock.now();
    let far = far
        .plus(std::time::Duration::from_secs(91 * 24 * 3_600))
        .rfc3339();
    for (path, fields, field) in [
        (bobs.location(), json!({}), "/conversation_id"),
        (
            conversation.as_str(),
            json!({"conversation_id": "nonsense"}),
            "/conversation_id",
        ),
        (
            conversation.as_str(),
            json!({"scheduled_at": "tomorrow"}),
            "/scheduled_at",
        ),
        (
            conversation.as_str(),
            json!({"scheduled_at": far}),
            "/scheduled_at",
        ),
        (conversation.as_str(), json!({"type": "run"}), "/type"),
        (
            conversation.as_str(),
            json!({"priority": "urgent"}),
            "/priority",
        ),
    ] {
        let refused = world.create(path, fields).await;
        assert!(
            [400, 422].contains(&refused.status.as_u16()),
            "{}",
            refused.text
        );
        assert!(refused.text.contains(field), "{field}: {}", refused.text);
    }
    assert_eq!(world.told(), []);
    assert_eq!(
        world.jobs.get(ADA, "/api/v1/jobs").await.body()["data"],
        json!([])
    );
}
