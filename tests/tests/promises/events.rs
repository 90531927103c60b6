//! The sample events are real: each is read as the Lambda runtime reads it and played through its router.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use key_rotation::RotationEvent;
use promises::{FUNCTIONS, WITHOUT_ROUTES};
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

#[test]
fn functions_without_routes_have_samples_of_their_own_events() {
    for (function, _) in WITHOUT_ROUTES {
        let mut steps = BTreeSet::new();
        for sample in samples(function) {
            let text = std::fs::read_to_string(&sample).expect("a sample");
            let event = serde_json::from_str(&text).expect("JSON");
            let event =
                RotationEvent::parse(event).unwrap_or_else(|error| panic!("{sample:?}: {error}"));
            steps.insert(format!("{:?}", event.step));
        }
        assert_eq!(steps.len(), 4, "one for each step: {steps:?}");
    }
}
