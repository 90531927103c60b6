//! The sessions of a person: listed, ended, and opened in another tenant.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::MembershipRole;
use test_support::{Reply, TestApi};

use crate::helpers::{
    PASSWORD, api, is_alive, log_in, refreshes, register, text, tokens, trail, with_token,
};

const SESSIONS: &str = "/api/v1/auth/sessions";

async fn list(api: &TestApi, token: &str) -> Vec<Value> {
    let reply = with_token(api, token, (Method::GET, SESSIONS), json!(null)).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()["data"].as_array().cloned().expect("a list")
}

async fn end(api: &TestApi, token: &str, session: &str) -> Reply {
    let path = format!("{SESSIONS}/{session}");
    with_token(api, token, (Method::DELETE, &path), json!(null)).await
}

#[tokio::test]
async fn a_person_sees_the_own_sessions_and_which_one_asks() {
    let api = api().await;
    let first = text(&tokens(&api).await, "access_token");
    api.app.clock.advance(std::time::Duration::from_secs(1));
    tokens(&api).await;
    register(&api, "bob@example.com").await;
    log_in(&api, "bob@example.com", PASSWORD).await;
    let sessions = list(&api, &first).await;
    let current: Vec<&Value> = sessions.iter().map(|session| &session["current"]).collect();
    assert_eq!(current, [&json!(false), &json!(true)], "newest first");
    insta::assert_json_snapshot!(sessions[1], { ".id" => "[session]", ".tenant_id" => "[tenant]" }, @r#"
    {
      "created_at": "2026-01-01T00:00:00.000000Z",
      "current": true,
      "expires_at": "2026-01-15T00:00:00.000000Z",
      "id": "[session]",
      "refreshed_at": "2026-01-01T00:00:00.000000Z",
      "tenant_id": "[tenant]",
      "user_agent": null
    }
    "#);
}

#[tokio::test]
async fn ending_one_session_leaves_the_others() {
    let api = api().await;
    let (first, second) = (tokens(&api).await, tokens(&api).await);
    let (one, other) = (text(&first, "access_token"), text(&second, "access_token"));
    let sessions = list(&api, &one).await;
    let id = |current: bool| {
        let found = sessions
            .iter()
            .find(|session| session["current"] == current);
        text(found.expect("a session"), "id")
    };
    assert_eq!(end(&api, &one, &id(false)).await.status, 204);
    assert!(!is_alive(&api, &other).await);
    assert!(!refreshes(&api, &text(&second, "refresh_token")).await);
    assert_eq!(list(&api, &one).await.len(), 1);
    assert_eq!(end(&api, &one, &id(false)).await.status, 404, "it is gone");
    let trail = trail(&api, &one).await;
    let ended = trail.iter().filter(|action| *action == "session_revoked");
    assert_eq!(ended.count(), 1, "{trail:?}");
}

#[tokio::test]
async fn the_session_of_somebody_else_is_like_one_that_does_not_exist() {
    let api = api().await;
    let ada = text(&tokens(&api).await, "access_token");
    register(&api, "bob@example.com").await;
    let bob = log_in(&api, "bob@example.com", PASSWORD).await.body();
    let bob = text(&bob, "access_token");
    let own = text(&list(&api, &ada).await[0], "id");
    let foreign = end(&api, &bob, &own).await;
    let unknown = end(&api, &bob, "ses_0199f0a0b1c27d3e8f405162738495a6").await;
    assert_eq!(foreign.problem(), (404, "not-found".to_owned()));
    assert_eq!(foreign.body()["detail"], unknown.body()["detail"]);
    assert!(is_alive(&api, &ada).await);
}

#[tokio::test]
async fn logging_out_everywhere_ends_every_session_of_that_person_only() {
    let api = api().await;
    let (first, second) = (tokens(&api).await, tokens(&api).await);
    register(&api, "bob@example.com").await;
    let bob = log_in(&api, "bob@example.com", PASSWORD).await.body();
    let path = (Method::POST, "/api/v1/auth/logout-all");
    let reply = with_token(&api, &text(&first, "access_token"), path, json!(null)).await;
    assert_eq!(reply.status, 204, "{}", reply.text);
    for tokens in [&first, &second] {
        assert!(!is_alive(&api, &text(tokens, "access_token")).await);
        assert!(!refreshes(&api, &text(tokens, "refresh_token")).await);
    }
    assert!(is_alive(&api, &text(&bob, "access_token")).await);
    api.app.clock.advance(std::time::Duration::from_secs(1));
    let fresh = text(&tokens(&api).await, "access_token");
    assert_eq!(list(&api, &fresh).await.len(), 1);
}

#[tokio::test]
async fn in_elsewhere_an_ended_session_is_refused_within_half_a_minute() {
    let api = api().await;
    let tokens = tokens(&api).await;
    let access = text(&tokens, "access_token");
    let other = api.elsewhere(auth::router);
    assert!(is_alive(&other, &access).await, "it is remembered there");
    let path = (Method::POST, "/api/v1/auth/logout");
    with_token(&api, &access, path, json!(null)).await;
    assert!(!is_alive(&api, &access).await, "at once where it was done");
    api.app.clock.advance(std::time::Duration::from_secs(30));
    assert!(!is_alive(&other, &access).await);
}

async fn switch(api: &TestApi, token: &str, tenant: &str) -> Reply {
    let body = json!({"tenant_id": tenant});
    with_token(
        api,
        token,
        (Method::POST, "/api/v1/auth/switch-tenant"),
        body,
    )
    .await
}

#[tokio::test]
async fn a_member_of_two_tenants_works_in_either_and_in_no_other() {
    let api = api().await;
    let host = api.people.get("host").await;
    let stranger = api.people.get("stranger").await;
    let before = api.people.token("guest").await;
    let (guest, home) = (
        api.people.get("guest").await.user,
        api.people.get("guest").await.tenant,
    );
    api.people
        .admit(guest, "host", MembershipRole::Viewer)
        .await;
    let switched = switch(&api, &before, &host.tenant.to_string()).await;
    assert_eq!(switched.status, 200, "{}", switched.text);
    let switched = text(&switched.body(), "access_token");
    let me = |token: String| {
        let api = &api;
        async move {
            let path = (Method::GET, "/api/v1/auth/me");
            let me = with_token(api, &token, path, json!(null)).await.body();
            (text(&me, "tenant_id"), text(&me, "role"))
        }
    };
    assert_eq!(
        me(switched).await,
        (host.tenant.to_string(), "viewer".to_owned())
    );
    assert_eq!(
        me(before.clone()).await,
        (home.to_string(), "owner".to_owned())
    );
    let foreign = switch(&api, &before, &stranger.tenant.to_string()).await;
    let unknown = switch(&api, &before, "ten_0199f0a0b1c27d3e8f405162738495a6").await;
    assert_eq!(foreign.problem(), (404, "not-found".to_owned()));
    assert_eq!(foreign.body()["detail"], unknown.body()["detail"]);
}

#[tokio::test]
async fn a_login_names_the_tenant_to_work_in() {
    let api = api().await;
    register(&api, "ada@example.com").await;
    let stranger = api.people.get("stranger").await.tenant;
    let login = |tenant: String| {
        let body = json!({"email": "ada@example.com", "password": PASSWORD, "tenant_id": tenant});
        api.post(None, "/api/v1/auth/login", body)
    };
    let own = text(&tokens(&api).await, "tenant_id");
    assert_eq!(login(own.clone()).await.body()["tenant_id"], own);
    let foreign = login(stranger.to_string()).await;
    assert_eq!(foreign.problem(), (422, "invalid-request".to_owned()));
    let unknown = login("ten_0199f0a0b1c27d3e8f405162738495a6".to_owned()).await;
    assert_eq!(foreign.body()["errors"], unknown.body()["errors"]);
}
