//! `POST /api/v1/auth/logout`

use axum::http::Method;
use serde_json::json;
use test_support::Body;

use crate::helpers::{api, text, tokens};

#[tokio::test]
async fn after_logging_out_the_refresh_token_is_dead() {
    let api = api().await;
    let tokens = tokens(&api).await;
    let bearer = format!("Bearer {}", text(&tokens, "access_token"));
    let headers = [("authorization", bearer.as_str())];
    for status in [204, 401] {
        let reply = api
            .send_with(
                None,
                Method::POST,
                "/api/v1/auth/logout",
                Body::Empty,
                &headers,
            )
            .await;
        assert_eq!(reply.status, status, "the access token ends too");
    }
    let body = json!({"refresh_token": text(&tokens, "refresh_token")});
    let reply = api.post(None, "/api/v1/auth/refresh", body).await;
    assert_eq!(reply.problem(), (401, "bad-refresh-token".to_owned()));
}

#[tokio::test]
async fn other_logins_of_the_same_person_stay() {
    let api = api().await;
    let first = tokens(&api).await;
    let second = tokens(&api).await;
    let bearer = format!("Bearer {}", text(&first, "access_token"));
    let headers = [("authorization", bearer.as_str())];
    api.send_with(
        None,
        Method::POST,
        "/api/v1/auth/logout",
        Body::Empty,
        &headers,
    )
    .await;
    let body = json!({"refresh_token": text(&second, "refresh_token")});
    assert_eq!(
        api.post(None, "/api/v1/auth/refresh", body).await.status,
        200
    );
}

#[tokio::test]
async fn nobody_is_not_logged_out() {
    let reply = api()
        .await
        .post(None, "/api/v1/auth/logout", json!({}))
        .await;
    assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()));
}
