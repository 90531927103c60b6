//! Whose a request is while somebody works on it: at the same time, after a pause, after a crash.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::post;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::auth::Caller;
use shared::http::Json;
use shared::model::{Conversation, ConversationId, ConversationStatus};
use shared::store::{CLAIM_LASTS, ONCE_LASTS};
use shared::{App, Error, Result};
use test_support::{Fault, TestApi};
use tokio::sync::Semaphore;

use super::{
    ADA, CONVERSATIONS, claims, conversations, create, in_progress, is_replayed, made, reply_lost,
};

/// A moment after the claim of somebody who died.
const LATER: Duration = CLAIM_LASTS.saturating_add(Duration::from_secs(1));

#[tokio::test]
async fn of_fifty_same_requests_at_once_one_has_an_effect() {
    let api = conversations().await;
    api.people.get("ada").await;
    let replies = join_all((0..50).map(|_| create(&api, "key"))).await;
    let first = create(&api, "key").await;
    assert_eq!(first.header("idempotency-replayed"), "true");
    let mut done = 0;
    for reply in replies {
        if reply.status == 201 {
            assert_eq!(reply.text, first.text);
            done += u32::from(reply.header("idempotency-replayed").is_empty());
        } else {
            assert_eq!(reply.problem(), in_progress());
            assert_eq!(reply.header("retry-after"), "1");
        }
    }
    assert_eq!((done, made(&api).await), (1, 1));
}

/// A function whose handler waits between the claim and the effect.
#[derive(Clone, FromRef)]
struct Slow {
    app: App,
    gate: Gate,
}

/// Tells who has come, and lets one go on for each permit.
#[derive(Clone)]
struct Gate {
    come: Arc<Semaphore>,
    go: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        Self {
            come: Arc::new(Semaphore::new(0)),
            go: Arc::new(Semaphore::new(0)),
        }
    }

    async fn pass(&self) {
        self.come.add_permits(1);
        self.go.acquire().await.expect("open").forget();
    }

    /// Until one more has come.
    async fn waits(&self) {
        self.come.acquire().await.expect("open").forget();
    }
}

async fn slowly(caller: Caller, State(slow): State<Slow>) -> Result<(StatusCode, Json<Value>)> {
    slow.gate.pass().await;
    let made = effect(&slow.app, &caller).await?;
    Ok((StatusCode::CREATED, Json(json!({"id": made.to_string()}))))
}

/// What a handler does: a conversation.
async fn effect(app: &App, caller: &Caller) -> Result<ConversationId> {
    let now = app.clock.now();
    let conversation = Conversation {
        id: ConversationId::new(),
        title: None,
        model: None,
        system_prompt: None,
        settings: shared::model::ModelSettings::default(),
        status: ConversationStatus::Active,
        metadata: Default::default(),
        version: 1,
        created_at: now,
        active_at: now,
    };
    let store = app.store.of(caller);
    store.conversation_create(&conversation).await?;
    Ok(conversation.id)
}

async fn slow() -> (TestApi, Gate) {
    let gate = Gate::new();
    let state = gate.clone();
    let api = TestApi::new(|app, _| {
        let router = Router::new().route(CONVERSATIONS, post(slowly));
        Ok(router.with_state(Slow { app, gate: state }))
    });
    (api.await, gate)
}

#[tokio::test]
async fn who_was_overtaken_in_its_sleep_has_no_effect_and_the_second_reply_stays() {
    let (api, gate) = slow().await;
    let sleeper = tokio::spawn({
        let api = api.clone();
        async move { create(&api, "key").await }
    });
    gate.waits().await;
    assert_eq!(create(&api, "key").await.problem(), in_progress());
    api.app.clock.advance(LATER);
    let second = tokio::spawn({
        let api = api.clone();
        async move { create(&api, "key").await }
    });
    gate.waits().await;
    // Semaphores are fair: the first permit wakes the sleeper, whose claim is another one's by now.
    gate.go.add_permits(1);
    let first = sleeper.await.expect("a reply");
    assert_eq!(first.problem(), in_progress());
    assert_eq!(made(&api).await, 0);
    gate.go.add_permits(1);
    let second = second.await.expect("a reply");
    assert_eq!(second.status, 201);
    is_replayed("the third", &second, &create(&api, "key").await);
    assert_eq!((made(&api).await, claims(&api).await.len()), (1, 1));
}

#[tokio::test]
async fn who_was_overtaken_and_wakes_after_the_second_is_done_changes_nothing() {
    let (api, gate) = slow().await;
    let sleeper = tokio::spawn({
        let api = api.clone();
        async move { create(&api, "key").await }
    });
    gate.waits().await;
    api.app.clock.advance(LATER);
    // Another process takes it over.
    let other = api.beside(conversations::router);
    let second = create(&other, "key").await;
    assert_eq!(second.status, 201);
    let kept = claims(&api).await;
    gate.go.add_permits(1);
    let first = sleeper.await.expect("a reply");
    assert_eq!(first.problem(), in_progress());
    assert_eq!((made(&api).await, claims(&api).await), (1, kept));
    is_replayed("the third", &second, &create(&other, "key").await);
}

#[tokio::test]
async fn who_dies_before_the_effect_leaves_the_request_to_others_after_its_time() {
    let (api, gate) = slow().await;
    let dying = tokio::spawn({
        let api = api.clone();
        async move { create(&api, "key").await }
    });
    gate.waits().await;
    dying.abort();
    let other = api.beside(conversations::router);
    assert_eq!(create(&other, "key").await.problem(), in_progress());
    api.app.clock.advance(LATER);
    let second = create(&other, "key").await;
    assert_eq!(
        (second.status.as_u16(), made(&api).await),
        (201, 1),
        "{}",
        second.text
    );
}

#[tokio::test]
async fn a_handler_that_panics_frees_the_key() {
    let broken = async |_: Caller| {
        if true {
            panic!("on purpose");
        }
    };
    let api = TestApi::new(|app, _| {
        Ok(Router::new()
            .route(CONVERSATIONS, post(broken))
            .with_state(app))
    });
    let api = api.await;
    assert_eq!(create(&api, "key").await.status, 500);
    assert_eq!(claims(&api).await, Vec::<Value>::new());
    let whole = api.beside(conversations::router);
    assert_eq!(create(&whole, "key").await.status, 201);
}

#[tokio::test]
async fn a_refusal_after_the_effect_is_told_again_and_a_fault_of_ours_is_not() {
    let refused = async |caller: Caller, State(app): State<App>| {
        effect(&app, &caller).await?;
        Err::<(), _>(Error::Conflict("too late"))
    };
    let broken = async |caller: Caller, State(app): State<App>| {
        effect(&app, &caller).await?;
        Err::<(), _>(Error::unavailable("on purpose"))
    };
    let api = TestApi::new(|app, _| {
        let router = Router::new().route(CONVERSATIONS, post(refused));
        Ok(router.with_state(app))
    });
    let api = api.await;
    let first = create(&api, "key").await;
    assert_eq!(first.problem(), (409, "conflict".to_owned()));
    is_replayed("refused", &first, &create(&api, "key").await);
    let api = api.beside(|app| {
        let router = Router::new().route(CONVERSATIONS, post(broken));
        Ok(router.with_state(app))
    });
    assert_eq!(create(&api, "other").await.status, 503);
    assert_eq!(create(&api, "other").await.problem(), reply_lost());
    assert_eq!(made(&api).await, 2);
}

#[tokio::test]
async fn who_comes_while_the_effect_is_written_waits() {
    let api = conversations().await;
    api.table.fail("PutItem", Fault::Met, 1);
    assert_eq!(create(&api, "key").await.problem(), in_progress());
}

#[tokio::test]
async fn where_nobody_knows_whether_it_was_done_the_table_does() {
    let api = conversations().await;
    // It is done, and every reply that says so is lost.
    api.table.fail("TransactWriteItems", Fault::ReplyLost, 100);
    assert_eq!(create(&api, "key").await.status, 503);
    api.table.heal();
    assert_eq!(made(&api).await, 1);
    assert_eq!(create(&api, "key").await.problem(), reply_lost());
    // And it is not, which can be done at once.
    api.table.fail("TransactWriteItems", Fault::Throttled, 100);
    assert_eq!(create(&api, "other").await.status, 503);
    api.table.heal();
    assert_eq!(create(&api, "other").await.status, 201);
    assert_eq!(made(&api).await, 2);
}

#[tokio::test]
async fn a_claim_whose_reply_was_lost_is_ones_own() {
    let api = conversations().await;
    api.table.fail("PutItem", Fault::ReplyLost, 1);
    let first = create(&api, "key").await;
    assert_eq!((first.status.as_u16(), made(&api).await), (201, 1));
    api.table.fail("UpdateItem", Fault::ReplyLost, 1);
    let second = create(&api, "other").await;
    is_replayed("the second", &second, &create(&api, "other").await);
}

#[tokio::test]
async fn what_lies_in_the_table_past_its_time_stands_for_nothing() {
    let api = conversations().await;
    let first = create(&api, "key").await;
    api.app.clock.advance(ONCE_LASTS - Duration::from_secs(1));
    is_replayed("in time", &first, &create(&api, "key").await);
    api.app.clock.advance(Duration::from_secs(2));
    assert_eq!(claims(&api).await.len(), 1, "DynamoDB has not deleted it");
    let second = create(&api, "key").await;
    assert_eq!(second.status, 201);
    assert_eq!(second.header("idempotency-replayed"), "");
    assert_ne!(second.text, first.text);
    assert_eq!((made(&api).await, claims(&api).await.len()), (2, 1));
}

#[tokio::test]
async fn a_request_without_a_key_is_done_each_time_and_leaves_no_row() {
    let api = conversations().await;
    for _ in 0..2 {
        let reply = api.post(ADA, CONVERSATIONS, json!({"title": "Oslo"})).await;
        assert_eq!(reply.status, 201);
    }
    assert_eq!((made(&api).await, claims(&api).await.len()), (2, 0));
}
