//! What stands in spans: attributes that are known, each with few values.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use promises::FUNCTIONS;
use test_support::{Recorded, TestApi};

/// The patterns of all routes.
pub(crate) fn router_paths() -> &'static BTreeSet<String> {
    static PATHS: OnceLock<BTreeSet<String>> = OnceLock::new();
    PATHS.get_or_init(|| {
        let documents = FUNCTIONS.map(|function| (function.openapi)());
        let paths = documents
            .into_iter()
            .flat_map(|document| document.paths.paths.into_keys());
        paths.collect()
    })
}

/// What was recorded since this was asked last, a span a line.
pub(crate) fn recorded(api: &TestApi) -> String {
    let spans = api.spans().into_iter();
    spans.map(|span| format!("{span:?}\n")).collect()
}

/// That no span has what a client or a tenant has said: of each request there is one, and all their values are known.
pub(crate) fn are_bounded(api: &TestApi) {
    let spans = api.spans();
    let requests = spans.iter().filter(|span| span.kind == 2).count();
    assert!(requests > 5, "{requests}");
    for span in &spans {
        for (name, value) in &span.attributes {
            assert!(is_known(name, value), "{name} is {value} in {span:?}");
        }
        let first = span.name.split(' ').next().unwrap_or_default();
        let target = span.name[first.len()..].trim();
        let values: Vec<&String> = span.attributes.values().collect();
        for word in [first, target] {
            let known = values.iter().any(|value| *value == word);
            assert!(known || word.is_empty() || word == "HTTP", "{span:?}");
        }
    }
}

fn is_known(name: &str, value: &str) -> bool {
    let number = value.parse::<u64>().is_ok();
    let plain = |c: char| c.is_ascii_lowercase() || c == '-';
    match name {
        "http.request.method" => value == "_OTHER" || value.chars().all(|c| c.is_ascii_uppercase()),
        // The fallback of `health` is a pattern that stands in no document.
        "http.route" => value == "/{*path}" || router_paths().contains(value) || value == "/",
        "http.response.status_code"
        | "gen_ai.usage.input_tokens"
        | "gen_ai.usage.output_tokens" => number,
        "error.type" => number || value.chars().all(plain),
        "chatter.request_id" => value.parse::<shared::model::RequestId>().is_ok(),
        "chatter.knowledge.backend" => value == "built_in",
        "chatter.provider" => value == "tenant" || value.starts_with("scripted"),
        "gen_ai.operation.name" => {
            ["chat", "embeddings", "rerank", "moderation", "retrieval"].contains(&value)
        }
        "gen_ai.provider.name" => {
            ["openai", "anthropic", "gcp.gemini", "aws.bedrock"].contains(&value)
        }
        "gen_ai.request.model" => {
            let models = ["tenant", "small", "large", "claude", "gemini", "nova:0"];
            let special = ["words-", "sorter", "free-sorter", "judge", "other-judge"];
            models.contains(&value) || special.iter().any(|model| value.starts_with(model))
        }
        "messaging.system" => value == "aws_sqs",
        "messaging.operation.name" | "messaging.operation.type" => {
            ["send", "process"].contains(&value)
        }
        "messaging.destination.name" => value == "memory",
        _ => false,
    }
}

#[tokio::test]
async fn of_every_request_there_is_one_span_with_the_route_as_it_is_declared() {
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        for path in ["/no-such-place", "/healthz?prompt-canary"] {
            api.get(None, path).await;
            let spans: Vec<Recorded> = api.spans();
            assert_eq!(spans.len(), 1, "{}: {spans:?}", function.name);
            assert!(!format!("{spans:?}").contains("such-place"), "{spans:?}");
            assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
        }
    }
}
