//! Which tokens of a trusted issuer hold, and what those that do not cost.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, START, TestApi};

use crate::helpers::*;

/// Conversations, where an issuer is trusted.
async fn trusting() -> (TestApi, StandInIssuer) {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    (api.beside(conversations::router), issuer)
}

#[tokio::test]
async fn a_token_is_good_until_a_minute_after_its_end() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&changed(&kim(&issuer), &json!({"exp": START + 600})));
    api.app.clock.advance(Duration::from_secs(659));
    assert_eq!(status(&api, &token).await, 200);
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&api, &token).await, 401);
}

#[tokio::test]
async fn an_issuer_that_nobody_trusts_costs_one_read_and_no_call() {
    let (api, issuer) = (api().await, issuer().await);
    let conversations = api.beside(conversations::router);
    let token = issuer.sign(&kim(&issuer));
    api.table.take_calls();
    for _ in 0..3 {
        assert_eq!(status(&conversations, &token).await, 401);
        assert_eq!(api.table.take_calls().len(), 1);
    }
    assert!(issuer.take_requests().is_empty());
}

#[tokio::test]
async fn a_good_token_costs_nothing_once_its_issuer_is_known() {
    let (api, issuer) = trusting().await;
    let me = api.beside(auth::router);
    let token = issuer.sign(&kim(&issuer));
    assert_eq!(get(&me, &token, ME).await.status, 200);
    api.table.take_calls();
    issuer.take_requests();
    assert_eq!(get(&me, &token, ME).await.status, 200);
    assert_eq!(api.table.take_calls(), []);
    assert!(issuer.take_requests().is_empty());
}

#[tokio::test]
async fn a_token_counts_only_in_its_header_once() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&kim(&issuer));
    let asked = format!("{CONVERSATIONS}?access_token={token}");
    assert_eq!(api.get(None, &asked).await.status, 401);
    let (good, twice) = (format!("bearer {token}"), format!("Bearer {token}"));
    let send = async |headers: &[(&'static str, &str)]| {
        let reply = api.send_with(None, Method::GET, CONVERSATIONS, Body::Empty, headers);
        reply.await.status.as_u16()
    };
    assert_eq!(send(&[("authorization", &good)]).await, 200);
    assert_eq!(
        send(&[("authorization", &good), ("authorization", &twice)]).await,
        401
    );
    assert_eq!(send(&[("authorization", &token)]).await, 401);
    assert_eq!(
        send(&[("authorization", &format!("Basic {token}"))]).await,
        401
    );
}
