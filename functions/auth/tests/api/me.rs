//! `GET /api/v1/auth/me`

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use test_support::{Body, Reply, TestApi};

use crate::helpers::{api, text, tokens};

async fn me(api: &TestApi, authorization: &str) -> Reply {
    let headers = [("authorization", authorization)];
    api.send_with(None, Method::GET, "/api/v1/auth/me", Body::Empty, &headers)
        .await
}

#[tokio::test]
async fn a_person_sees_the_account() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let reply = me(&api, &format!("Bearer {token}")).await;
    insta::assert_json_snapshot!(reply.body(), { ".id" => "[user]", ".tenant_id" => "[tenant]" }, @r#"
    {
      "api_key_id": null,
      "created_at": "2026-01-01T00:00:00.000000Z",
      "email": "ada@example.com",
      "email_verified": false,
      "id": "[user]",
      "name": "Ada",
      "role": "owner",
      "scopes": null,
      "tenant_id": "[tenant]"
    }
    "#);
}

#[tokio::test]
async fn a_token_that_does_not_hold_is_refused_without_saying_why() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let (head, _) = token.split_at(token.len() - 4);
    for wrong in [
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Basic {token}"),
        format!("Bearer {head}AAAA"),
        format!("Bearer {token} {token}"),
    ] {
        let reply = me(&api, &wrong).await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".to_owned()),
            "{wrong}"
        );
        assert_eq!(
            reply.header("www-authenticate"),
            r#"Bearer error="invalid_token""#
        );
    }
    let in_query = api
        .get(None, &format!("/api/v1/auth/me?access_token={token}"))
        .await;
    assert_eq!(in_query.status, 401);
}

#[tokio::test]
async fn a_token_runs_out_after_ten_minutes() {
    let api = api().await;
    let bearer = format!("Bearer {}", text(&tokens(&api).await, "access_token"));
    api.app.clock.advance(Duration::from_secs(599));
    assert_eq!(me(&api, &bearer).await.status, 200);
    api.app.clock.advance(Duration::from_secs(10));
    assert_eq!(me(&api, &bearer).await.status, 401);
}

#[tokio::test]
async fn a_tenant_that_is_asked_for_in_passing_is_not_given() {
    let api = api().await;
    let bearer = format!("Bearer {}", text(&tokens(&api).await, "access_token"));
    let foreign = "ten_0199f0a0b1c27d3e8f405162738495a6";
    let headers = [("authorization", bearer.as_str()), ("x-tenant-id", foreign)];
    let reply = api
        .send_with(None, Method::GET, "/api/v1/auth/me", Body::Empty, &headers)
        .await;
    assert_ne!(reply.body()["tenant_id"], json!(foreign));
}
