//! What is recorded of a turn, and that nobody waits for a collector.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::Method;
use serde_json::json;
use shared::spans::{PATIENCE, Spans};
use stand_ins::collector::{Collector, Manner};
use test_support::{Body, Received, Recorded, Reply, TestApi};

use crate::helpers::{ADA, api, conversation, say, stream};
use crate::rag;
use crate::routes::registry;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// The trace, the parent and the flags of a `traceparent`.
fn parts(traceparent: &str) -> (&str, &str, &str) {
    let parts: Vec<&str> = traceparent.split('-').collect();
    (parts[1], parts[2], parts[3])
}

fn sent(request: &Received) -> &str {
    let value = request.headers.get("traceparent").expect("a traceparent");
    value.to_str().expect("text")
}

async fn say_in_trace(api: &TestApi, path: &str, body: serde_json::Value, flags: &str) -> Reply {
    let parent = format!("00-{TRACE}-{PARENT}-{flags}");
    let headers = [("traceparent", parent.as_str())];
    let body = Body::Json(body);
    api.send_with(ADA, Method::POST, path, body, &headers).await
}

fn named<'a>(spans: &'a [Recorded], name: &str) -> &'a Recorded {
    let mut found = spans.iter().filter(|span| span.name == name);
    let one = found.next().expect(name);
    assert!(found.next().is_none(), "{name} twice in {spans:?}");
    one
}

const TURN: &str = "POST /api/v1/conversations/{conversation_id}/messages";

#[tokio::test]
async fn a_turn_is_a_step_of_the_callers_trace_and_the_provider_is_asked_below_it() {
    let api = api().await;
    for streamed in [false, true] {
        let path = conversation(&api, json!({"model": "large"})).await;
        api.spans();
        let body = json!({"content": "prompt-canary", "stream": streamed});
        let reply = say_in_trace(&api, &path, body, "01").await;
        assert!(reply.status.is_success(), "{}", reply.text);
        let spans = api.spans();
        let (turn, call) = (named(&spans, TURN), named(&spans, "chat large"));
        for span in &spans {
            assert_eq!(span.trace, TRACE, "{span:?}");
            assert!(!format!("{span:?}").contains("canary"), "{span:?}");
        }
        assert_eq!((turn.parent.as_str(), turn.kind), (PARENT, 2));
        assert_eq!((call.parent.as_str(), call.kind), (turn.id.as_str(), 3));
        let answered = parts(reply.header("traceparent"));
        assert_eq!(answered, (TRACE, turn.id.as_str(), "01"));
        let asked = api.provider.take_requests().remove(0);
        assert_eq!(parts(sent(&asked)), (TRACE, call.id.as_str(), "01"));

        let status = reply.status.as_str();
        assert_eq!(turn.attribute("http.request.method"), "POST");
        assert_eq!(format!("POST {}", turn.attribute("http.route")), TURN);
        assert_eq!(turn.attribute("http.response.status_code"), status);
        let request = reply.header("x-request-id");
        assert_eq!(turn.attribute("chatter.request_id"), request);
        assert_eq!(turn.attributes.len(), 4, "{turn:?}");
        assert_eq!(call.attribute("gen_ai.operation.name"), "chat");
        assert_eq!(call.attribute("gen_ai.provider.name"), "openai");
        assert_eq!(call.attribute("gen_ai.request.model"), "large");
        assert_eq!(call.attribute("chatter.provider"), "scripted");
        for tokens in ["gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"] {
            assert!(call.attribute(tokens).parse::<u64>().expect(tokens) > 0);
        }
        assert_eq!(call.attributes.len(), 6, "{call:?}");
        // The title, which is a job.
        let told = named(&spans, "send memory");
        assert_eq!((told.parent.as_str(), told.kind), (turn.id.as_str(), 4));
        assert!(!spans.iter().any(|span| span.failed), "{spans:?}");
    }
}

#[tokio::test]
async fn what_the_caller_does_not_sample_is_not_recorded_and_still_has_a_trace() {
    let api = api().await;
    let path = conversation(&api, json!({})).await;
    api.spans();
    let reply = say_in_trace(&api, &path, json!({"content": "Hi"}), "00").await;
    assert_eq!(api.spans(), []);
    let (trace, answered, flags) = parts(reply.header("traceparent"));
    assert_eq!((trace, flags), (TRACE, "00"));
    let asked = api.provider.take_requests().remove(0);
    let (trace, parent, flags) = parts(sent(&asked));
    assert_eq!((trace, flags), (TRACE, "00"));
    assert!(parent != PARENT && parent != answered, "a step of its own");
}

#[tokio::test]
async fn each_request_to_a_provider_that_fails_says_how() {
    let api = api().await;
    let path = conversation(&api, json!({"model": "small"})).await;
    api.spans();
    let reply = say(&api, &path, json!({"status": 401})).await;
    let (status, slug) = reply.problem();
    let spans = api.spans();
    let calls = spans.iter().filter(|span| span.name == "chat small");
    let failed: Vec<&str> = calls.map(|call| call.attribute("error.type")).collect();
    assert!(
        !failed.is_empty() && failed.iter().all(|why| *why == slug),
        "{failed:?}"
    );
    let turn = named(&spans, TURN);
    assert!(turn.failed && status >= 500, "{turn:?}");
    assert_eq!(turn.attribute("error.type"), slug);
    // A mistake of the client's is no failure of the server's.
    let missing = say(&api, "/api/v1/conversations/x/messages", "Hi").await;
    assert_eq!(missing.status, 404);
    let spans = api.spans();
    assert!(
        !spans[0].failed && spans[0].attribute("error.type").is_empty(),
        "{spans:?}"
    );
    // A stream that breaks off.
    let path = conversation(&api, json!({"model": "small"})).await;
    api.spans();
    stream(&api, &path, json!({"say": ["Hi"], "cut_after": 1})).await;
    let spans = api.spans();
    assert!(
        spans
            .iter()
            .any(|span| span.name == "chat small" && span.failed),
        "{spans:?}"
    );
}

#[tokio::test]
async fn searching_documents_is_below_the_turn_and_names_none_of_them() {
    let api = api().await;
    let base = rag::base(&api).await;
    rag::text(&api, &base, "canary.txt", "The fjords of Norway are deep.").await;
    let path = rag::conversation(&api, ADA, rag::rag(&base)).await;
    api.spans();
    api.provider.take_requests();
    let reply = rag::ask(&api, &path, "How deep are the fjords of Norway?").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let spans = api.spans();
    let turn = named(&spans, TURN);
    let vector = named(&spans, "embeddings words-256");
    // What is called has a step of its own, below the one that calls it.
    let (call, called) = (named(&spans, "invoke here"), named(&spans, "invoke"));
    let search = named(&spans, "retrieval");
    for (span, above, kind) in [
        (vector, turn, 3),
        (call, turn, 3),
        (called, call, 2),
        (search, called, 3),
    ] {
        assert_eq!((&span.parent, span.kind), (&above.id, kind), "{span:?}");
        assert_eq!(span.trace, turn.trace);
    }
    assert_eq!(called.attribute("faas.trigger"), "other");
    assert_eq!(call.attribute("faas.invoked_provider"), "aws");
    assert_eq!(search.attribute("chatter.knowledge.backend"), "built_in");
    assert!(!vector.attribute("gen_ai.usage.input_tokens").is_empty());
    let shown = format!("{spans:?}");
    assert!(
        !shown.contains("canary") && !shown.contains(&base),
        "{shown}"
    );
    let requests = api.provider.take_requests();
    let embedded = requests.iter().find(|one| one.body["input"].is_array());
    let asked = parts(sent(embedded.expect("a query"))).1;
    assert_eq!(asked, vector.id);
}

#[tokio::test]
async fn a_provider_that_a_tenant_names_gets_no_trace_and_is_not_named_in_spans() {
    let api = api().await;
    let models = json!([{"id": "own-canary", "context_window": 2048, "max_output_tokens": 512}]);
    let base_url = format!("{}/v1", api.provider.url);
    let own =
        json!({"name": "mine-canary", "wire": "openai", "base_url": base_url, "models": models});
    registry(&api, json!({"providers": [own]})).await;
    let path = conversation(&api, json!({"model": "own-canary"})).await;
    api.spans();
    let reply = say_in_trace(&api, &path, json!({"content": "Hi"}), "01").await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    for request in api.provider.take_requests() {
        assert!(request.headers.get("traceparent").is_none());
        assert!(request.headers.get("tracestate").is_none());
    }
    let spans = api.spans();
    assert_eq!(
        named(&spans, "chat tenant").attribute("chatter.provider"),
        "tenant"
    );
    assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
}

/// The function as it is where the operator has named that collector.
fn collected(api: &TestApi, collector: &Collector) -> TestApi {
    let mut config = shared::config::Config::clone(&api.app.config);
    config.traces_endpoint = Some(collector.url.clone());
    config.trace_sampling = 1.0;
    let mut api = api.clone();
    api.app.spans = Spans::new(&config);
    api.app.spans.prepare("chat");
    api.app.config = Arc::new(config);
    api.beside(|app| chat::router_with(app, engine::ProviderKeys::fixed([])))
}

#[tokio::test]
async fn when_an_answer_has_been_read_its_spans_are_at_the_collector() {
    let api = api().await;
    let collector = Collector::start().await.expect("a collector");
    let collected = collected(&api, &collector);
    for streamed in [false, true] {
        let path = conversation(&api, json!({})).await;
        let body = json!({"content": "Hi", "stream": streamed});
        let reply = say_in_trace(&collected, &path, body, "01").await;
        assert!(reply.status.is_success(), "{}", reply.text);
        let documents = collector.take();
        let resource = &documents[0]["resourceSpans"][0]["resource"]["attributes"];
        assert!(
            resource.to_string().contains(r#"{"stringValue":"chat"}"#),
            "{resource}"
        );
        let spans: Vec<Recorded> = documents.iter().flat_map(Recorded::read).collect();
        assert_eq!(named(&spans, "chat small").parent, named(&spans, TURN).id);
    }
}

#[tokio::test]
async fn a_collector_that_never_answers_delays_one_answer_by_no_more_than_the_bound() {
    let api = api().await;
    let collector = Collector::start().await.expect("a collector");
    collector.behave(Manner::Hangs);
    let collected = collected(&api, &collector);
    let path = conversation(&api, json!({})).await;
    let turn = async |content: &str| {
        let began = Instant::now();
        let reply = say(&collected, &path, content).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        began.elapsed()
    };
    let before = collector.take_calls();
    let first = turn("One").await;
    assert_eq!((before, collector.take_calls()), (0, 1));
    // The turn itself takes some time too, on a busy machine.
    assert!(first >= PATIENCE && first < PATIENCE + Duration::from_secs(10));
    // Then it is left alone.
    turn("Two").await;
    turn("Three").await;
    assert_eq!(collector.take_calls(), 0);
}
