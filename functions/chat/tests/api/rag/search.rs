//! The function `search`, which turns have search for them: whom it believes, and what is said of it when it fails.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use knowledge::{AskedSearch, FoundChunk, search_by};
use search::Searcher;
use serde_json::{Value, json};
use shared::Error;
use shared::http::Deadline;
use shared::invoke::Function;
use shared::lambda::EventHandler as _;
use shared::model::MembershipRole;
use stand_ins::lambda_api::{Comes, LambdaApi};
use test_support::TestApi;

use super::{QUESTION, ask, asked_about, base, conversation, rag, text};
use crate::helpers::{ADA, api};

const MODEL: &str = "words";
const VARIABLE: &str = "SEARCH_FUNCTION_NAME";

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

/// A search of a person's in the base of that name.
async fn asked_by(api: &TestApi, person: &str, base: &str) -> AskedSearch {
    AskedSearch {
        mandate: api.people.caller(person).await.mandate(),
        knowledge_base_ids: vec![base.parse().expect("an id")],
        text: QUESTION.to_owned(),
        vectors: BTreeMap::from([(MODEL.to_owned(), vec![1.0; 256])]),
        limit: 5,
        within_ms: 20_000,
    }
}

async fn found(api: &TestApi, asked: AskedSearch) -> shared::Result<Vec<FoundChunk>> {
    search_by(&api.app.search, asked, deadline()).await
}

/// The function there, as it is called when it is deployed.
fn deployed(api: &TestApi, lambda: &LambdaApi) -> Function {
    let sdk = api.app.sdk.clone().into_builder();
    let sdk = sdk.endpoint_url(&lambda.url).build();
    let name = "arn:aws:lambda:us-east-1:123456789012:function:chatter-search:live";
    Function::lambda(&sdk, Some(name), VARIABLE, Duration::from_secs(20))
}

#[tokio::test]
async fn it_finds_what_the_asker_may_read_and_nothing_for_anybody_else() {
    let (api, base, _) = asked_about().await;
    api.people.join("eve", "ada", MembershipRole::Member).await;
    api.people
        .join("viewer", "ada", MembershipRole::Viewer)
        .await;
    for person in ["ada", "eve"] {
        let chunks = found(&api, asked_by(&api, person, &base).await).await;
        let chunks = chunks.expect(person);
        assert!(chunks[0].hit.text.contains("three months"), "{chunks:?}");
        assert_eq!(chunks[0].knowledge_base_id.to_string(), base);
    }
    // Another tenant's, whose person says the same.
    let stranger = found(&api, asked_by(&api, "stranger", &base).await).await;
    assert!(matches!(stranger, Err(Error::NotFound(_))), "{stranger:?}");
    // Viewers have no turns, so nothing searches for them.
    let viewer = found(&api, asked_by(&api, "viewer", &base).await).await;
    assert!(matches!(viewer, Err(Error::Forbidden(_))), "{viewer:?}");
}

#[tokio::test]
async fn a_mandate_is_worth_what_it_is_worth_now() {
    let (api, base, _) = asked_about().await;
    api.people.join("eve", "ada", MembershipRole::Member).await;
    let mut asked = asked_by(&api, "eve", &base).await;
    found(&api, asked).await.expect("a member");
    asked = asked_by(&api, "eve", &base).await;
    api.people.leave("eve").await;
    api.app.clock.advance(Duration::from_secs(31));
    let left = found(&api, asked).await;
    assert!(matches!(left, Err(Error::Unauthenticated)), "{left:?}");
}

#[tokio::test]
async fn the_best_of_each_base_come_before_the_second_best_of_any() {
    let (api, first, _) = asked_about().await;
    let second = base(&api).await;
    text(
        &api,
        &second,
        "Pay",
        "Notice of the pay rise is given in May.",
    )
    .await;
    text(&api, &second, "Cars", "Cars of the company are blue.").await;
    let mut asked = asked_by(&api, "ada", &second).await;
    asked.knowledge_base_ids = vec![
        second.parse().expect("an id"),
        first.parse().expect("an id"),
    ];
    let chunks = found(&api, asked).await.expect("chunks");
    let from: Vec<String> = chunks
        .iter()
        .map(|chunk| chunk.knowledge_base_id.to_string())
        .collect();
    assert_eq!(from[..3], [second.clone(), first, second], "{chunks:?}");
}

#[tokio::test]
async fn without_a_vector_of_the_index_it_says_that_the_index_is_another() {
    let (api, base, _) = asked_about().await;
    let mut asked = asked_by(&api, "ada", &base).await;
    asked.vectors = BTreeMap::from([("few-words".to_owned(), vec![1.0; 96])]);
    let error = found(&api, asked).await.expect_err("no vector");
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn what_no_function_sends_is_refused_without_its_words() {
    let api = api().await;
    let searcher = Searcher::new(&api.app);
    let asked = asked_by(&api, "ada", "vs_0199f0a0b1c27d3e8f405162738495a6").await;
    let lambda = LambdaApi::start(Comes::Throttled)
        .await
        .expect("a stand-in");
    drop(search_by(&deployed(&api, &lambda), asked, deadline()).await);
    let (_, good) = lambda.take_calls().remove(0);
    let with = |name: &str, value: Value| {
        let mut event = good.clone();
        event[name] = value;
        event
    };
    for wrong in [
        json!({"canary": 1}),
        json!("canary"),
        with("version", json!(2)),
        with("canary", json!(true)),
        with("asked", json!({"canary": []})),
    ] {
        let refused = searcher.handle(wrong.clone(), Deadline::none()).await;
        let error = refused.expect_err(&wrong.to_string());
        assert!(matches!(error, Error::Malformed(_)), "{error:?}");
        assert!(!format!("{error:?}").contains("canary"), "{error:?}");
    }
    // And what they do send is read.
    let read = searcher.handle(good, Deadline::none()).await;
    assert_eq!(
        serde_json::to_value(read.expect("it is read")).ok(),
        Some(json!("no_such_base"))
    );
}

#[tokio::test]
async fn a_turn_says_that_the_search_failed_however_it_did() {
    let (api, base, _) = asked_about().await;
    for (comes, calls) in [
        (Comes::Failure("out of memory"), 1),
        (Comes::Throttled, 3),
        (Comes::Answer(json!({"other": 1})), 1),
        (Comes::Answer(json!("no_such_base")), 1),
    ] {
        let lambda = LambdaApi::start(comes.clone()).await.expect("a stand-in");
        let mut app = api.app.clone();
        app.search = deployed(&api, &lambda);
        let chat = api.beside(|_| chat::router_with(app, engine::ProviderKeys::fixed([])));
        let path = conversation(&api, ADA, rag(&base)).await;
        let reply = ask(&chat, &path, QUESTION).await;
        let wanted = match comes {
            Comes::Answer(Value::String(_)) => (404, "not-found"),
            _ => (503, "retrieval-failed"),
        };
        assert_eq!(
            reply.problem(),
            (wanted.0, wanted.1.to_owned()),
            "{comes:?}"
        );
        assert!(!reply.text.contains("memory"), "{}", reply.text);
        let (names, asked): (Vec<String>, Vec<Value>) = lambda.take_calls().into_iter().unzip();
        assert_eq!(names.len(), calls, "{comes:?}");
        assert!(
            names[0].ends_with(":function:chatter-search:live"),
            "{names:?}"
        );
        assert_eq!(asked[0]["asked"]["text"], QUESTION);
        assert_eq!(asked[0]["asked"]["knowledge_base_ids"], json!([base]));
        assert_eq!(asked[0]["asked"]["limit"], 20);
    }
}

#[tokio::test]
async fn what_the_deployed_function_finds_is_cited() {
    let (api, base, _) = asked_about().await;
    let asked = asked_by(&api, "ada", &base).await;
    let chunks = found(&api, asked).await.expect("chunks");
    let answer = json!({"chunks": chunks});
    let lambda = LambdaApi::start(Comes::Answer(answer))
        .await
        .expect("a stand-in");
    let mut app = api.app.clone();
    app.search = deployed(&api, &lambda);
    let chat = api.beside(|_| chat::router_with(app, engine::ProviderKeys::fixed([])));
    let path = conversation(&api, ADA, rag(&base)).await;
    let reply = ask(&chat, &path, QUESTION).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    assert_eq!(reply.body()["citations"][0]["document_name"], "Rules");
}

#[tokio::test]
async fn one_that_says_nothing_is_waited_for_until_the_deadline() {
    let api = api().await;
    let asked = asked_by(&api, "ada", "vs_0199f0a0b1c27d3e8f405162738495a6").await;
    let lambda = LambdaApi::start(Comes::Silence).await.expect("a stand-in");
    let soon = Instant::now() + Duration::from_millis(200);
    let error = search_by(&deployed(&api, &lambda), asked, soon).await;
    let error = error.expect_err("silence");
    assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    assert_eq!(lambda.take_calls().len(), 1);
}

#[tokio::test]
async fn one_that_nobody_named_is_missed_by_the_name_of_its_variable() {
    let api = api().await;
    let asked = asked_by(&api, "ada", "vs_0199f0a0b1c27d3e8f405162738495a6").await;
    let missing = Function::lambda(&api.app.sdk, None, VARIABLE, Duration::from_secs(1));
    let error = search_by(&missing, asked, deadline()).await;
    let error = error.expect_err("nobody was named");
    let Error::Internal(cause) = &error else {
        panic!("{error:?}");
    };
    assert!(cause.to_string().contains(VARIABLE), "{cause}");
}
