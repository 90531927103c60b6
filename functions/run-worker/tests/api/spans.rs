//! A turn in the background is one trace from the request to the provider.

use axum::http::Method;
use run_worker::RunWorker;
use serde_json::{Value, json};
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use shared::queue::SentMessage;
use test_support::{Body, Recorded};

use crate::helpers::{ADA, World, handle, well};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// Asks in the background within the trace: what was recorded of the request.
async fn asked(world: &World) -> Vec<Recorded> {
    world.api.spans();
    let parent = format!("00-{TRACE}-b7ad6b7169203331-01");
    let headers = [("traceparent", parent.as_str()), ("tracestate", "acme=1")];
    let body = Body::Json(json!({"content": "Hello", "background": true}));
    let reply = world
        .api
        .send_with(ADA, Method::POST, &world.path, body, &headers);
    assert_eq!(reply.await.status, 202);
    world.api.spans()
}

fn one(spans: &[Recorded], kind: u64) -> &Recorded {
    let mut found = spans.iter().filter(|span| span.kind == kind);
    found.next().expect("a span of that kind")
}

/// Hands the worker messages as SQS does.
async fn told(worker: &RunWorker, sent: Vec<SentMessage>) {
    let records = sent.into_iter().map(|sent| {
        let attributes = sent
            .attributes
            .into_iter()
            .map(|(name, value)| (name, json!({"stringValue": value, "dataType": "String"})));
        json!({
            "messageId": "m",
            "body": serde_json::to_string(&sent.message).expect("JSON"),
            "messageAttributes": attributes.collect::<serde_json::Map<_, _>>(),
            "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:chatter-RunQueue",
        })
    });
    let event = json!({"Records": records.collect::<Vec<Value>>()});
    let answer = Box::pin(worker.handle(event, Deadline::none())).await;
    let answer = serde_json::to_value(answer.expect("an answer")).expect("JSON");
    assert_eq!(answer, well());
}

/// The `traceparent` and the `tracestate` that the provider got.
fn at_provider(world: &World) -> (String, String) {
    let request = world.api.provider.take_requests().remove(0);
    let header = |name| {
        let value = request.headers.get(name).expect("a header");
        value.to_str().expect("text").to_owned()
    };
    (header("traceparent"), header("tracestate"))
}

#[tokio::test]
async fn the_queue_carries_the_trace_from_who_asks_to_the_worker_and_on_to_the_provider() {
    let world = World::new().await;
    let before = asked(&world).await;
    let (server, producer) = (one(&before, 2), one(&before, 4));
    assert_eq!(producer.parent, server.id);
    assert_eq!(producer.attribute("messaging.system"), "aws_sqs");
    assert_eq!(producer.attribute("messaging.operation.name"), "send");

    told(&world.worker, world.api.app.run_queue.take_sent()).await;
    let after = world.api.spans();
    let (consumer, call) = (one(&after, 5), one(&after, 3));
    assert_eq!(consumer.name, "process chatter-RunQueue");
    assert_eq!(consumer.attribute("messaging.operation.type"), "process");
    let queue = consumer.attribute("messaging.destination.name");
    assert_eq!(queue, "chatter-RunQueue");
    assert_eq!(consumer.parent, producer.id);
    assert_eq!(call.parent, consumer.id);
    let wanted = format!("00-{TRACE}-{}-01", call.id);
    assert_eq!(at_provider(&world), (wanted, "acme=1".to_owned()));
    for span in before.iter().chain(&after) {
        assert_eq!(span.trace, TRACE, "{span:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_told_of_again_without_its_trace_still_belongs_to_it() {
    let world = World::new().await;
    let before = asked(&world).await;
    // As the schedule tells of it.
    let told = world.api.app.run_queue.take();
    assert_eq!(
        handle(&world.worker, &told).await.expect("an answer"),
        well()
    );
    let after = world.api.spans();
    assert_ne!(one(&after, 5).trace, TRACE);
    let call = one(&after, 3);
    assert_eq!(
        (call.trace.as_str(), &call.parent),
        (TRACE, &one(&before, 2).id)
    );
}
