//! What each backend must do, the same for all of them.

use std::time::Duration;

use serde_json::json;
use shared::config::CacheBackend;
use shared::model::{ContentPart, FinishReason, RunId, TenantId};
use shared::response_cache::{CachedAnswer, ResponseCache};
use test_support::TestApi;

use super::valkey::Valkey;
use super::{PATIENCE, ask, asked, with_cache};
use crate::helpers::{api, store};

const DAY: Duration = Duration::from_secs(24 * 3600);

async fn keeps_the_contract(backend: CacheBackend) {
    let api = api().await;
    let (vault, clock) = (api.app.vault.clone(), api.app.clock.clone());
    let cache = ResponseCache::new(&backend, None, vault, clock.clone()).with_patience(PATIENCE);
    let ada = store(&api).await;
    let bob = api.app.store.of(&api.people.caller("bob").await);
    let key =
        async |tenant: TenantId, request: &[u8]| cache.key(tenant, request).await.expect("a key");
    let (this, other) = (
        key(ada.tenant(), b"this").await,
        key(ada.tenant(), b"other").await,
    );
    assert_ne!(this, key(bob.tenant(), b"this").await);
    let answer = |text: &str| CachedAnswer {
        parts: vec![ContentPart::text(text)],
        finish_reason: FinishReason::Stop,
        run: RunId::new(),
        created_at: clock.now(),
    };
    let first = answer("first");
    assert_eq!(cache.get(&ada, &this, DAY).await, None);
    cache.put(&ada, &this, &first).await;
    assert_eq!(cache.get(&ada, &this, DAY).await, Some(first.clone()));
    assert_eq!(cache.get(&ada, &other, DAY).await, None);
    assert_eq!(cache.get(&bob, &this, DAY).await, None, "another tenant");
    clock.advance(DAY);
    assert_eq!(cache.get(&ada, &this, DAY).await, Some(first));
    assert_eq!(cache.get(&ada, &this, DAY / 2).await, None, "too old");
    let second = answer("second");
    cache.put(&ada, &this, &second).await;
    assert_eq!(cache.get(&ada, &this, DAY).await, Some(second));
    cache.put(&ada, &other, &answer(&"x".repeat(300_000))).await;
    assert_eq!(cache.get(&ada, &other, DAY).await, None, "too long");
    clock.advance(8 * DAY);
    assert_eq!(
        cache.get(&ada, &this, 30 * DAY).await,
        None,
        "its time is over"
    );
}

#[tokio::test]
async fn a_process_of_its_own() {
    keeps_the_contract(CacheBackend::Memory).await;
}

#[tokio::test]
async fn the_table() {
    keeps_the_contract(CacheBackend::DynamoDb).await;
}

#[tokio::test]
async fn valkey() {
    let server = Valkey::start(None);
    keeps_the_contract(CacheBackend::Redis(server.address())).await;
}

fn process(api: &TestApi, server: &Valkey) -> TestApi {
    with_cache(api, &CacheBackend::Redis(server.address()))
}

#[tokio::test]
async fn processes_share_what_valkey_keeps_and_a_password_is_needed_where_there_is_one() {
    let api = api().await;
    let server = Valkey::start(None);
    for _ in 0..2 {
        let process = process(&api, &server);
        ask(&process, "ada", "Hello", json!({})).await;
    }
    assert_eq!(asked(&api), 1);
    let locked = Valkey::start(Some("hunter2"));
    let process = process(&api, &locked);
    for _ in 0..2 {
        ask(&process, "ada", "Hello", json!({})).await;
    }
    assert_eq!(asked(&api), 2);
}
