//! `POST …/suspend` and `…/resume`

use axum::http::Method;
use serde_json::json;
use shared::auth::policy;
use shared::model::Scope;
use test_support::{Body, TestApi};

use crate::helpers::{
    ADA, BOB, TENANTS, actions, api, entries, invited, join, members, tenant, text, with_tenant,
};

async fn suspend(api: &TestApi, path: &str) {
    let path = format!("{path}/suspend");
    let reply = api.send(ADA, Method::POST, &path, Body::Empty).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(
        (text(&reply.body(), "status").as_str(), reply.header("etag")),
        ("suspended", "\"2\"")
    );
}

#[tokio::test]
async fn in_a_suspended_tenant_only_what_is_always_allowed_works() {
    let (api, path) = with_tenant().await;
    let user = join(&api, &path, "bob", "admin").await;
    let invitation = invited(&api, &path, "eve", "member").await;
    assert!(!invitation.is_empty());
    let id = text(
        &entries(&api.get(ADA, &format!("{path}/invitations")).await)[0],
        "id",
    );
    suspend(&api, &path).await;
    let mut refused = 0;
    let own = |rule: &&policy::Rule| rule.path.starts_with(&format!("{TENANTS}/{{tenant_id}}"));
    for rule in policy::RULES.iter().filter(own) {
        // What other functions serve under the same path has tests of its own.
        if rule.while_suspended || rule.path.contains("identity-providers") {
            continue;
        }
        let path = rule.path.replace("{tenant_id}", &tenant(&path).to_string());
        let path = path.replace("{user_id}", &user.to_string());
        let path = path.replace("{invitation_id}", &id);
        let path = path.replace("{scope}", "tenant");
        let method: Method = rule.method.parse().expect("a method");
        let body = Body::Json(json!({"name": "Looms"}));
        let reply = api.send(ADA, method, &path, body).await;
        assert_eq!(
            reply.problem(),
            (403, "tenant-suspended".to_owned()),
            "{} {path}",
            rule.method
        );
        refused += 1;
    }
    assert_eq!(refused, 11);
    for who in [ADA, BOB] {
        let seen = api.get(who, &path).await;
        assert_eq!(
            (seen.status.as_u16(), text(&seen.body(), "status")),
            (200, "suspended".into())
        );
        assert_eq!(api.get(who, TENANTS).await.status, 200);
    }
    let reply = api.post(BOB, &format!("{path}/resume"), json!({})).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    let reply = api.post(ADA, &format!("{path}/resume"), json!({})).await;
    assert_eq!(
        (text(&reply.body(), "status").as_str(), reply.header("etag")),
        ("active", "\"3\"")
    );
    assert_eq!(members(&api, &path).await.len(), 2);
}

#[tokio::test]
async fn a_suspended_tenant_can_be_deleted() {
    let (api, path) = with_tenant().await;
    suspend(&api, &path).await;
    assert_eq!(api.delete(ADA, &path).await.status, 204);
}

#[tokio::test]
async fn suspending_ends_what_tokens_and_keys_were_good_for_at_once() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "member").await;
    let key = api.people.api_key("ada", &[Scope::TenantRead]).await;
    let bearer = format!("Bearer {key}");
    let by_key = async || {
        let headers = [("authorization", bearer.as_str())];
        let path = format!("{path}/members");
        api.send_with(None, Method::GET, &path, Body::Empty, &headers)
            .await
            .status
            .as_u16()
    };
    assert_eq!(by_key().await, 200);
    assert_eq!(api.get(BOB, &format!("{path}/members")).await.status, 200);
    suspend(&api, &path).await;
    assert_eq!(by_key().await, 403);
    assert_eq!(api.get(BOB, &format!("{path}/members")).await.status, 403);
}

#[tokio::test]
async fn only_an_owner_suspends() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "admin").await;
    let reply = api.post(BOB, &format!("{path}/suspend"), json!({})).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert_eq!(api.get(ADA, &path).await.body()["status"], "active");
}

#[tokio::test]
async fn a_condition_that_is_sent_is_kept() {
    let (api, path) = with_tenant().await;
    let headers = [("if-match", "\"2\"")];
    for (method, rest) in [
        (Method::POST, "/suspend"),
        (Method::POST, "/resume"),
        (Method::DELETE, ""),
    ] {
        let path = format!("{path}{rest}");
        let reply = api
            .send_with(ADA, method.clone(), &path, Body::Empty, &headers)
            .await;
        assert_eq!(
            reply.problem(),
            (412, "precondition-failed".to_owned()),
            "{method} {rest}"
        );
    }
    let reply = api
        .send_with(
            ADA,
            Method::POST,
            &format!("{path}/suspend"),
            Body::Empty,
            &[("if-match", "\"1\"")],
        )
        .await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn resuming_what_is_active_leaves_no_trace() {
    let api = api().await;
    let path = crate::helpers::found(&api, "ada", "Engines").await;
    let reply = api.post(ADA, &format!("{path}/resume"), json!({})).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"1\"")
    );
    assert_eq!(actions(&api, tenant(&path)).await, ["tenant_created"]);
}
