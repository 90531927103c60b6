//! The sample events are real: each is read as the Lambda runtime reads it and played through its router.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use job_worker::JobWorker;
use key_rotation::RotationEvent;
use mailer::Mailer;
use promises::{FUNCTIONS, WITHOUT_ROUTES};
use run_worker::RunWorker;
use search::Searcher;
use serde_json::{Value, json};
use shared::Error;
use shared::http::Deadline;
use shared::lambda::EventHandler as _;
use test_support::TestApi;

fn samples(function: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../events")
        .join(function);
    let entries =
        std::fs::read_dir(&folder).unwrap_or_else(|_| panic!("{} is missing", folder.display()));
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}

#[tokio::test]
async fn every_sample_reaches_a_route_of_its_function() {
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        let mut statuses = BTreeSet::new();
        for sample in samples(function.name) {
            let text = std::fs::read_to_string(&sample).expect("a sample");
            let request = lambda_http::request::from_str(&text)
                .unwrap_or_else(|error| panic!("{sample:?}: {error}"));
            let (parts, body) = request.into_parts();
            let path = parts.uri.path().to_owned();
            // The stage stands before the path unless an environment variable says otherwise.
            let staged = text.contains("\"stage\": \"prod\"");
            let stage = if staged { "/prod" } else { "" };
            let path = path.strip_prefix(stage).unwrap_or(&path);
            let mut request = axum::http::Request::builder()
                .method(parts.method)
                .uri(path);
            for (name, value) in &parts.headers {
                request = request.header(name, value);
            }
            let request = request
                .body(axum::body::Body::from(body.to_vec()))
                .expect("a request");
            let response = api.start(request).await;
            let status = response.status().as_u16();
            let expected_miss = sample.ends_with("no_such_route.json");
            assert_eq!(status == 404, expected_miss, "{sample:?}: {status}");
            assert!(status != 405 && status != 500, "{sample:?}: {status}");
            statuses.insert(status);
        }
        assert!(!statuses.is_empty(), "{} has no sample", function.name);
    }
}

fn sample(function: &str, name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../events");
    let path = path.join(function).join(name);
    let text = std::fs::read_to_string(&path).expect("a sample");
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn every_function_without_routes_has_samples() {
    for (function, _) in WITHOUT_ROUTES {
        assert!(!samples(function).is_empty(), "{function} has no sample");
    }
}

#[test]
fn the_samples_of_a_rotation_are_its_four_steps() {
    let mut steps = BTreeSet::new();
    for sample in samples("key-rotation") {
        let text = std::fs::read_to_string(&sample).expect("a sample");
        let event = serde_json::from_str(&text).expect("JSON");
        let event =
            RotationEvent::parse(event).unwrap_or_else(|error| panic!("{sample:?}: {error}"));
        steps.insert(format!("{:?}", event.step));
    }
    assert_eq!(steps.len(), 4, "one for each step: {steps:?}");
}

#[tokio::test]
async fn the_samples_of_the_mailer_do_what_events_says() {
    let api = TestApi::new(|_, _| Ok(axum::Router::new())).await;
    let mailer = Mailer::new(&api.app);
    let nothing = json!({"sent": 0, "failed": 0, "given_up": 0});
    let failed = json!([{"itemIdentifier": "2e1424d4-87a3-44ab-83d2-661975830a7d"}]);
    for (name, expected) in [
        ("mail_waits.json", json!({"batchItemFailures": []})),
        ("unknown_version.json", json!({"batchItemFailures": failed})),
        ("sweep.json", nothing),
    ] {
        let answer = mailer
            .handle(sample("mailer", name), Deadline::none())
            .await;
        let answer = serde_json::to_value(answer.expect(name)).expect("JSON");
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(samples("mailer").len(), 3, "a sample that is not played");
}

#[tokio::test]
async fn the_samples_of_the_job_worker_do_what_events_says() {
    let api = TestApi::new(|_, _| Ok(axum::Router::new())).await;
    let worker = JobWorker::new(&api.app);
    let failed = json!([{"itemIdentifier": "2e1424d4-87a3-44ab-83d2-661975830a7d"}]);
    for (name, expected) in [
        ("job_waits.json", json!({"batchItemFailures": []})),
        ("unknown_version.json", json!({"batchItemFailures": failed})),
        ("sweep.json", json!({"told": 0})),
    ] {
        let answer = worker
            .handle(sample("job-worker", name), Deadline::none())
            .await;
        let answer = serde_json::to_value(answer.expect(name)).expect("JSON");
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(
        samples("job-worker").len(),
        3,
        "a sample that is not played"
    );
}

#[tokio::test]
async fn the_samples_of_the_run_worker_do_what_events_says() {
    let api = TestApi::new(|_, _| Ok(axum::Router::new())).await;
    let worker = RunWorker::new(&api.app);
    let failed = json!([{"itemIdentifier": "2e1424d4-87a3-44ab-83d2-661975830a7d"}]);
    for (name, expected) in [
        ("run_waits.json", json!({"batchItemFailures": []})),
        ("unknown_version.json", json!({"batchItemFailures": failed})),
        ("sweep.json", json!({"told": 0})),
    ] {
        let answer = worker
            .handle(sample("run-worker", name), Deadline::none())
            .await;
        let answer = serde_json::to_value(answer.expect(name)).expect("JSON");
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(
        samples("run-worker").len(),
        3,
        "a sample that is not played"
    );
}

#[tokio::test]
async fn the_samples_of_search_do_what_events_says() {
    let api = TestApi::new(|_, _| Ok(axum::Router::new())).await;
    let searcher = Searcher::new(&api.app);
    let told = async |name| {
        let told = searcher.handle(sample("search", name), Deadline::none());
        told.await.expect_err(name)
    };
    let nobody = told("call.json").await;
    assert!(matches!(nobody, Error::Unauthenticated), "{nobody:?}");
    let unknown = told("unknown_version.json").await;
    assert!(matches!(unknown, Error::Malformed(_)), "{unknown:?}");
    assert_eq!(samples("search").len(), 2, "a sample that is not played");
}
