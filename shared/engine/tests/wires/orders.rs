//! Passages in an order, on the wire that has it.

use std::time::{Duration, Instant};

use engine::{ProviderKeys, Rerank, Reranked};
use secrecy::SecretString;
use serde_json::json;
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::RequestId;
use shared::{Error, Result};

use crate::helpers::World;

const DOCUMENTS: [&str; 3] = ["fjords and lakes and rivers", "taxes", "fjords"];

async fn rerank(
    world: &World,
    wire: &str,
    (query, documents): (&str, &[&str]),
    best: usize,
) -> Result<Reranked> {
    let spec = world.spec(wire);
    let documents: Vec<_> = documents.iter().map(|text| (*text).to_owned()).collect();
    let rerank = Rerank {
        provider: &spec,
        model: "sorter",
        trace: &TraceContext::begin(RequestId::new()),
        query,
        documents: &documents,
        best,
    };
    let deadline = Instant::now() + Duration::from_secs(20);
    world.providers.rerank(&rerank, None, deadline).await
}

fn fault(asked: Result<Reranked>) -> ProviderFault {
    match asked.expect_err("a failure") {
        Error::Provider { fault, .. } => fault,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_best_come_first_and_only_as_many_as_are_wanted() {
    let world = World::start().await;
    let ordered = rerank(&world, "openai", ("fjords", &DOCUMENTS), 2).await;
    let ordered = ordered.expect("an order");
    assert_eq!(ordered.scores, [(2, 1.0), (0, 0.2)]);
    assert_eq!(ordered.input_tokens, Some(7));
    let received = world.scripted.take_requests().remove(0).body;
    let sent = json!({"model": "sorter", "query": "fjords", "documents": DOCUMENTS, "top_n": 2});
    assert_eq!(received, sent);
}

#[tokio::test]
async fn it_is_ordered_here_and_a_count_may_be_missing() {
    let world = World::start().await;
    let results = json!([{"index": 1, "relevance_score": -3}, {"index": 0, "relevance_score": 0.5, "document": {"text": "x"}},
                         {"index": 2, "relevance_score": 0.5}]);
    let script = json!({"results": results, "usage": false});
    let script = serde_json::from_value(script).expect("a script");
    world.scripted.script_when("fjords", script);
    let ordered = rerank(&world, "openai", ("fjords", &DOCUMENTS), 3).await;
    let ordered = ordered.expect("an order");
    assert_eq!(ordered.scores, [(0, 0.5), (2, 0.5), (1, -3.0)]);
    assert_eq!(ordered.input_tokens, None);
}

#[tokio::test]
async fn an_order_that_is_none_is_nonsense() {
    let world = World::start().await;
    let one = |index: i64, score: f64| json!({"index": index, "relevance_score": score});
    for results in [
        json!([one(0, 1.0), one(0, 0.5)]),
        json!([one(0, 1.0), one(3, 0.5)]),
        json!([one(0, 1.0), one(-1, 0.5)]),
        json!([one(0, 1.0)]),
        json!([one(0, 1.0), one(1, 0.5), one(2, 0.1)]),
        // More than a number of 32 bits holds.
        json!([one(0, 1.0), one(1, 1e300)]),
        json!([one(0, 1.0), {"index": 1}]),
        json!([one(0, 1.0), {"index": 1, "relevance_score": null}]),
        json!("all of them"),
    ] {
        let script = serde_json::from_value(json!({"results": results})).expect("a script");
        world.scripted.script_when("fjords", script);
        let asked = rerank(&world, "openai", ("fjords", &DOCUMENTS), 2).await;
        assert_eq!(fault(asked), ProviderFault::Nonsense, "{results}");
    }
    let script = serde_json::from_value(json!({"html": true})).expect("a script");
    world.scripted.script_when("fjords", script);
    let asked = rerank(&world, "openai", ("fjords", &DOCUMENTS), 2).await;
    assert_eq!(fault(asked), ProviderFault::Nonsense);
}

#[tokio::test]
async fn what_can_t_be_ordered_is_refused_before_anybody_is_asked() {
    let world = World::start().await;
    let many = vec!["x"; 101];
    for (wire, query, documents, best, field) in [
        ("gemini", "q", &DOCUMENTS[..], 1, "/model"),
        ("anthropic", "q", &DOCUMENTS, 1, "/model"),
        ("openai", "q", &[], 1, "/documents"),
        ("openai", "q", &many, 1, "/documents"),
        ("openai", "q", &DOCUMENTS, 0, "/best"),
        ("openai", "q", &DOCUMENTS, 4, "/best"),
        ("openai", " ", &DOCUMENTS, 1, "/query"),
    ] {
        let refused = rerank(&world, wire, (query, documents), best).await;
        let error = refused.expect_err(field);
        assert!(
            matches!(&error, Error::Invalid(errors) if errors[0].field == field),
            "{error:?}"
        );
    }
    assert!(world.scripted.take_requests().is_empty());
}

#[tokio::test]
async fn a_refused_key_is_told() {
    let key = "sk-test-0123456789";
    let keys = [("openai".to_owned(), SecretString::from(key))];
    let world = World::with(ProviderKeys::fixed(keys), None).await;
    world.scripted.refuse_key(key);
    let asked = rerank(&world, "openai", ("fjords", &DOCUMENTS), 1).await;
    assert_eq!(fault(asked), ProviderFault::Unauthorized);
    let received = world.scripted.take_requests().remove(0);
    assert_eq!(received.key(), Some(key));
}
