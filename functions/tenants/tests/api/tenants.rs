//! `GET` and `POST /api/v1/tenants`, `GET` and `PATCH /api/v1/tenants/{tenant_id}`

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::json;
use shared::model::{Scope, TenantId};
use test_support::Body;

use crate::helpers::{
    ADA, BOB, TENANTS, actions, api, belongs_to, entries, found, join, rename, tenant, text,
    with_tenant,
};

#[tokio::test]
async fn a_new_tenant_has_an_address_a_version_and_an_owner() {
    let api = api().await;
    let reply = api.post(ADA, TENANTS, json!({"name": "  Engines "})).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (201, "\"1\"")
    );
    insta::assert_json_snapshot!(reply.body(), { ".id" => "[tenant]" }, @r#"
    {
      "created_at": "2026-01-01T00:00:00.000000Z",
      "id": "[tenant]",
      "name": "Engines",
      "personal": false,
      "role": "owner",
      "status": "active"
    }
    "#);
    assert_eq!(
        reply.location(),
        format!("{TENANTS}/{}", text(&reply.body(), "id"))
    );
    api.people.enter("ada", tenant(reply.location())).await;
    let own = api.get(ADA, reply.location()).await;
    assert_eq!(own.body(), reply.body());
    assert_eq!(own.header("etag"), "\"1\"");
}

#[tokio::test]
async fn a_person_lists_the_tenants_it_belongs_to_with_its_role_in_each() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "viewer").await;
    found(&api, "eve", "Not Bob's").await;
    let expected = [("Engines", "viewer"), ("Personal", "owner")];
    let expected = expected.map(|(name, role)| (name.to_owned(), role.to_owned()));
    assert_eq!(belongs_to(&api, "bob").await, expected);
    let reply = api.get(BOB, TENANTS).await;
    for tenant in entries(&reply) {
        assert_eq!(tenant["personal"], tenant["name"] == "Personal");
    }
    assert_eq!(reply.body()["next_cursor"], json!(null));
}

#[tokio::test]
async fn a_new_tenant_is_not_the_one_that_the_token_is_for() {
    let api = api().await;
    let reply = api.post(ADA, TENANTS, json!({"name": "Engines"})).await;
    let unknown = format!("{TENANTS}/{}", TenantId::new());
    for path in [reply.location(), &unknown] {
        let seen = api.get(ADA, path).await;
        assert_eq!(seen.problem(), (404, "not-found".to_owned()), "{path}");
    }
}

#[tokio::test]
async fn nobody_belongs_to_more_than_a_hundred_tenants() {
    let api = api().await;
    // The personal one is the first.
    for number in 1..100 {
        let reply = api
            .post(ADA, TENANTS, json!({"name": format!("{number}")}))
            .await;
        assert_eq!(reply.status, 201, "{number}");
    }
    let reply = api.post(ADA, TENANTS, json!({"name": "100"})).await;
    assert_eq!(reply.problem(), (409, "conflict".to_owned()));
    assert_eq!(entries(&api.get(ADA, TENANTS).await).len(), 100);
}

#[tokio::test]
async fn a_change_needs_the_version_that_it_is_about() {
    let (api, path) = with_tenant().await;
    let reply = rename(&api, &path, None, "Looms").await;
    assert_eq!(reply.problem(), (428, "precondition-required".to_owned()));
    for stale in ["\"2\"", "\"0\"", "1", "W/\"1\"", "\"11\"", ""] {
        let reply = rename(&api, &path, Some(stale), "Looms").await;
        assert_eq!(
            reply.problem(),
            (412, "precondition-failed".to_owned()),
            "{stale}"
        );
    }
    let reply = rename(&api, &path, Some("\"1\""), "Looms").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"2\"")
    );
    assert_eq!(reply.body()["name"], "Looms");
    let reply = rename(&api, &path, Some("\"1\""), "Mills").await;
    assert_eq!(reply.status, 412);
    let own = api.get(ADA, &path).await;
    assert_eq!(
        (text(&own.body(), "name").as_str(), own.header("etag")),
        ("Looms", "\"2\"")
    );
    let reply = rename(&api, &path, Some("\"7\", \"2\""), "Mills").await;
    assert_eq!(reply.header("etag"), "\"3\"");
    let reply = rename(&api, &path, Some("*"), "Engines").await;
    assert_eq!(reply.header("etag"), "\"4\"");
}

#[tokio::test]
async fn of_two_changes_of_the_same_version_at_once_one_is_made() {
    let (api, path) = with_tenant().await;
    let names = ["Looms", "Mills"];
    let replies = join_all(names.map(|name| rename(&api, &path, Some("\"1\""), name))).await;
    let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let own = api.get(ADA, &path).await;
    assert_eq!(own.header("etag"), "\"2\"");
    let winner = replies.iter().position(|reply| reply.status == 200);
    assert_eq!(own.body()["name"], names[winner.expect("a winner")]);
    assert_eq!(
        actions(&api, tenant(&path)).await,
        ["tenant_created", "tenant_changed"]
    );
}

#[tokio::test]
async fn what_changes_nothing_leaves_no_trace() {
    let (api, path) = with_tenant().await;
    let reply = rename(&api, &path, Some("\"1\""), "Engines").await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"1\"")
    );
    let headers = [("if-match", "\"1\"")];
    let empty = Body::Json(json!({}));
    let reply = api
        .send_with(ADA, Method::PATCH, &path, empty, &headers)
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"1\"")
    );
    assert_eq!(actions(&api, tenant(&path)).await, ["tenant_created"]);
}

#[tokio::test]
async fn members_look_and_administrators_rename() {
    let (api, path) = with_tenant().await;
    for (who, role, expected) in [
        ("bob", "viewer", 403),
        ("eve", "member", 403),
        ("joe", "admin", 200),
    ] {
        join(&api, &path, who, role).await;
        let seen = api.get(Some(who), &path).await;
        assert_eq!(
            (seen.status.as_u16(), text(&seen.body(), "role")),
            (200, role.to_owned())
        );
        let headers = [("if-match", "*")];
        let body = Body::Json(json!({"name": who}));
        let reply = api
            .send_with(Some(who), Method::PATCH, &path, body, &headers)
            .await;
        assert_eq!(reply.status, expected, "{role}");
    }
    assert_eq!(api.get(ADA, &path).await.body()["name"], "joe");
}

#[tokio::test]
async fn a_key_looks_with_its_scope_and_changes_nothing() {
    let (api, path) = with_tenant().await;
    let key = api.people.api_key("ada", &[Scope::TenantRead]).await;
    let narrow = api.people.api_key("ada", &[Scope::Chat]).await;
    let send = async |key: &str, method: Method, path: &str| {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("if-match", "*")];
        let body = Body::Json(json!({"name": "Looms"}));
        let reply = api.send_with(None, method, path, body, &headers).await;
        reply.status.as_u16()
    };
    for path in [
        path.clone(),
        format!("{path}/members"),
        format!("{path}/invitations"),
    ] {
        assert_eq!(send(&key, Method::GET, &path).await, 200, "{path}");
        assert_eq!(send(&narrow, Method::GET, &path).await, 403, "{path}");
    }
    assert_eq!(send(&key, Method::PATCH, &path).await, 403);
    assert_eq!(send(&key, Method::DELETE, &path).await, 403);
    assert_eq!(send(&key, Method::GET, TENANTS).await, 403);
    assert_eq!(send(&key, Method::POST, TENANTS).await, 403);
    assert_eq!(api.get(ADA, &path).await.header("etag"), "\"1\"");
}
