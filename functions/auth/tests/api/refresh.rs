//! `POST /api/v1/auth/refresh`

use std::time::Duration;

use serde_json::{Value, json};
use test_support::{Reply, TestApi};

use crate::helpers::{api, text, tokens};

const DAY: u64 = 24 * 3600;

async fn refresh(api: &TestApi, token: &str) -> Reply {
    api.post(
        None,
        "/api/v1/auth/refresh",
        json!({"refresh_token": token}),
    )
    .await
}

async fn refreshed(api: &TestApi, token: &str) -> String {
    let reply = refresh(api, token).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    text(&reply.body(), "refresh_token")
}

async fn refused(api: &TestApi, token: &str) {
    assert_eq!(
        refresh(api, token).await.problem(),
        (401, "bad-refresh-token".to_owned())
    );
}

#[tokio::test]
async fn each_refresh_token_gives_the_next() {
    let api = api().await;
    let mut token = text(&tokens(&api).await, "refresh_token");
    for _ in 0..3 {
        let next = refreshed(&api, &token).await;
        assert_ne!(next, token);
        token = next;
        api.app.clock.advance(Duration::from_secs(60));
    }
}

#[tokio::test]
async fn a_token_that_is_used_again_later_ends_the_session() {
    let api = api().await;
    let first = text(&tokens(&api).await, "refresh_token");
    let second = refreshed(&api, &first).await;
    api.app.clock.advance(Duration::from_secs(11));
    refused(&api, &first).await;
    refused(&api, &second).await;
}

#[tokio::test]
async fn a_client_whose_reply_was_lost_gets_the_same_successor() {
    let api = api().await;
    let first = text(&tokens(&api).await, "refresh_token");
    let second = refreshed(&api, &first).await;
    api.app.clock.advance(Duration::from_secs(10));
    assert_eq!(refreshed(&api, &first).await, second);
    refreshed(&api, &second).await;
}

#[tokio::test]
async fn a_grandparent_is_not_covered_by_the_grace() {
    let api = api().await;
    let first = text(&tokens(&api).await, "refresh_token");
    let second = refreshed(&api, &first).await;
    let third = refreshed(&api, &second).await;
    refused(&api, &first).await;
    refused(&api, &third).await;
}

#[tokio::test]
async fn twenty_refreshes_at_once_make_one_successor() {
    let api = api().await;
    let first = text(&tokens(&api).await, "refresh_token");
    let replies = futures_util::future::join_all((0..20).map(|_| refresh(&api, &first))).await;
    let mut successors: Vec<Value> = replies
        .iter()
        .map(|reply| reply.body()["refresh_token"].clone())
        .collect();
    successors.dedup();
    assert_eq!(successors.len(), 1, "{successors:?}");
    refreshed(&api, successors[0].as_str().expect("a token")).await;
}

#[tokio::test]
async fn a_session_ends_when_it_lies_unused_or_is_old() {
    let api = api().await;
    let idle = text(&tokens(&api).await, "refresh_token");
    api.app.clock.advance(Duration::from_secs(14 * DAY));
    refused(&api, &idle).await;

    let mut token = text(&tokens(&api).await, "refresh_token");
    for _ in 0..8 {
        api.app.clock.advance(Duration::from_secs(11 * DAY));
        token = refreshed(&api, &token).await;
    }
    api.app.clock.advance(Duration::from_secs(2 * DAY));
    refused(&api, &token).await;
}

#[tokio::test]
async fn what_is_no_refresh_token_is_refused_without_a_look_at_the_table() {
    let api = api().await;
    let tokens = tokens(&api).await;
    api.table.take_calls();
    let good = text(&tokens, "refresh_token");
    for wrong in [
        "",
        "x",
        &text(&tokens, "access_token"),
        &good[1..],
        &format!("{good}="),
        &good.replace("chatter_rt", "rt"),
    ] {
        refused(&api, wrong).await;
    }
    assert_eq!(api.table.take_calls(), []);
    refreshed(&api, &good).await;
}

#[tokio::test]
async fn an_access_token_is_good_where_it_belongs_and_a_refresh_token_is_not() {
    let api = api().await;
    let tokens = tokens(&api).await;
    let bearer = format!("Bearer {}", text(&tokens, "refresh_token"));
    let headers = [("authorization", bearer.as_str())];
    let reply = api
        .send_with(
            None,
            axum::http::Method::GET,
            "/api/v1/auth/me",
            test_support::Body::Empty,
            &headers,
        )
        .await;
    assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()));
}
