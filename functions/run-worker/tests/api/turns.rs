//! A turn in the background is the same turn.

use axum::http::Method;
use serde_json::json;
use test_support::Body;

use crate::helpers::{ADA, World, handle, run_of, well, worker};

#[tokio::test]
async fn a_run_waits_until_a_worker_begins_it_and_is_a_run_like_any_other_then() {
    let world = World::new().await;
    let reply = world.ask(json!({"say": ["Os", "lo"]})).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    let run = run_of(&reply);
    let queued = world.run(&run).await;
    assert_eq!(reply.body(), queued);
    assert_eq!(queued["status"], "queued");
    assert_eq!(queued["model"], "large");
    assert_eq!(world.asked(), 0);
    // Nobody else may speak meanwhile.
    let other = world
        .api
        .post(ADA, &world.path, json!({"content": "Hi"}))
        .await;
    assert_eq!(other.problem(), (409, "conversation-busy".to_owned()));

    assert_eq!(world.work().await.expect("an answer"), well());
    let done = world.run(&run).await;
    assert_eq!(done["status"], "completed", "{done}");
    assert_eq!(done["attempts"].as_array().map(Vec::len), Some(1));
    assert!(done["cost_micro_dollars"].as_u64() > Some(0), "{done}");
    let messages = world.messages().await;
    assert_eq!(messages[1]["content"], "Oslo");
    assert_eq!(messages[1]["id"], queued["message_id"]);
    let events = world.api.get(ADA, &format!("{run}/events")).await.events();
    let names: Vec<&str> = events.iter().map(|event| event.name.as_str()).collect();
    assert_eq!(names, ["start", "delta", "delta", "done"]);
    let next = world.api.post(ADA, &world.path, json!({"content": "Hi"}));
    assert_eq!(next.await.status, 201);
}

#[tokio::test]
async fn told_twice_and_by_two_workers_it_is_done_once() {
    let world = World::new().await;
    let run = world.queued("Hello").await;
    let told = world.api.app.run_queue.take();
    let twice = [told.clone(), told.clone()].concat();
    let other = worker(&world.api);
    let (one, two) = tokio::join!(handle(&world.worker, &twice), handle(&other, &twice));
    assert_eq!(one.expect("an answer"), well());
    assert_eq!(two.expect("an answer"), well());
    assert_eq!(world.asked(), 1);
    assert_eq!(world.run(&run).await["status"], "completed");
    assert_eq!(
        handle(&world.worker, &told).await.expect("an answer"),
        well()
    );
    assert_eq!((world.asked(), world.messages().await.len()), (0, 2));
}

#[tokio::test]
async fn its_stream_begins_when_it_does_and_is_the_same_for_whoever_comes_later() {
    let world = World::new().await;
    let content = json!({"say": ["a", "b", "c"]}).to_string();
    let body = json!({"content": content, "background": true, "stream": true});
    let stream = world.api.post(ADA, &world.path, body);
    let work = async {
        let told = loop {
            let told = world.api.app.run_queue.take();
            if !told.is_empty() {
                break told;
            }
            tokio::task::yield_now().await;
        };
        handle(&worker(&world.api), &told).await
    };
    let (reply, worked) = tokio::join!(stream, work);
    assert_eq!(worked.expect("an answer"), well());
    assert_eq!(reply.status, 200, "{}", reply.text);
    let names: Vec<String> = reply.events().into_iter().map(|event| event.name).collect();
    assert_eq!(names, ["start", "delta", "delta", "delta", "done"]);
    let events = format!("{}/events", run_of(&reply));
    assert_eq!(world.api.get(ADA, &events).await.text, reply.text);
}

#[tokio::test]
async fn the_same_request_again_is_answered_with_the_same_run() {
    let world = World::new().await;
    let send = async || {
        let body = json!({"content": "Hello", "background": true});
        let headers = [("idempotency-key", "key")];
        let path = &world.path;
        let sent = world
            .api
            .send_with(ADA, Method::POST, path, Body::Json(body), &headers);
        sent.await
    };
    let (first, again) = (send().await, send().await);
    assert_eq!((again.status, &again.text), (first.status, &first.text));
    assert_eq!(again.header("idempotency-replayed"), "true");
    world.work().await.expect("an answer");
    let after = send().await;
    assert_eq!(
        (after.status, run_of(&after)),
        (first.status, run_of(&first))
    );
    assert_eq!(after.body()["status"], "completed");
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn what_is_asked_is_what_was_said_then_and_not_what_was_changed_since() {
    let world = World::new().await;
    let conversations = world.api.beside(conversations::router);
    let change = async |fields| {
        let changed = conversations.patch(ADA, world.conversation(), fields).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
    };
    change(json!({"system_prompt": "Be brief.", "settings": {"temperature": 0.5}})).await;
    let tool = json!({"name": "weather", "parameters": {"type": "object"}});
    let body = json!({"content": "Hello", "background": true, "tools": [tool], "settings": {"top_p": 0.5}});
    let reply = world.api.post(ADA, &world.path, body).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    change(
        json!({"system_prompt": "Be long.", "settings": {"temperature": 1.5}, "model": "small"}),
    )
    .await;
    world.work().await.expect("an answer");
    let sent = world.api.provider.take_requests().pop().expect("a request");
    assert_eq!(sent.body["messages"][0]["content"], "Be brief.");
    assert_eq!(sent.body["model"], "large");
    assert_eq!(sent.body["temperature"], 0.5);
    assert_eq!(sent.body["top_p"], 0.5);
    assert_eq!(sent.body["tools"][0]["function"]["name"], "weather");
    let run = world.run(&run_of(&reply)).await;
    assert_eq!(run["settings"]["temperature"], 0.5);
}

#[tokio::test]
async fn what_is_wrong_with_it_is_said_before_it_is_queued() {
    let world = World::new().await;
    let tool = json!({"name": "weather", "description": "x".repeat(300_000), "parameters": {"type": "object"}});
    let body = json!({"content": "Hello", "background": true, "tools": [tool]});
    let reply = world.api.post(ADA, &world.path, body).await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.errors()[0].0, "/tools");
    let body = json!({"content": "Hello", "background": true, "model": "nobody's"});
    let reply = world.api.post(ADA, &world.path, body).await;
    assert_eq!(reply.errors()[0].0, "/model");
    assert_eq!(world.api.app.run_queue.take(), []);
    assert_eq!(world.messages().await.len(), 0);
}
