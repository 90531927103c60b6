//! What comes in is only what is documented, and so is what goes out.

use std::collections::BTreeSet;

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{
    ACCEPT, ADA, TENANTS, accept, actions, api, entries, invite, invited, join, tenant, with_tenant,
};

async fn send(api: &TestApi, method: Method, path: &str, body: Value) -> Reply {
    let headers = [("if-match", "*")];
    api.send_with(ADA, method, path, Body::Json(body), &headers)
        .await
}

#[tokio::test]
async fn a_member_that_is_not_documented_is_refused_and_never_stored() {
    let (api, path) = with_tenant().await;
    let user = join(&api, &path, "bob", "viewer").await;
    let before = actions(&api, tenant(&path)).await;
    let operations = [
        (Method::POST, TENANTS.to_owned(), json!({"name": "Looms"})),
        (Method::PATCH, path.clone(), json!({"name": "Looms"})),
        (
            Method::PATCH,
            format!("{path}/members/{user}"),
            json!({"role": "admin"}),
        ),
        (
            Method::POST,
            format!("{path}/invitations"),
            json!({"email": "eve@people.test", "role": "member"}),
        ),
        (
            Method::POST,
            ACCEPT.to_owned(),
            json!({"token": "chatter_in_x"}),
        ),
    ];
    for (method, path, good) in operations {
        for extra in [
            "role",
            "tenant_id",
            "owner_id",
            "created_at",
            "quota",
            "status",
            "personal",
        ] {
            if good.get(extra).is_some() {
                continue;
            }
            let mut body = good.clone();
            body[extra] = json!("canary");
            let reply = send(&api, method.clone(), &path, body).await;
            assert_eq!(
                reply.problem(),
                (422, "invalid-request".to_owned()),
                "{method} {path} {extra}"
            );
            assert_eq!(reply.errors()[0].0, format!("/{extra}"), "{method} {path}");
        }
    }
    assert_eq!(actions(&api, tenant(&path)).await, before);
    assert!(!api.table.dump().await.contains("canary"));
}

#[tokio::test]
async fn a_field_that_breaks_its_rule_is_named() {
    let (api, path) = with_tenant().await;
    let user = api.people.get("ada").await.user;
    let invitations = format!("{path}/invitations");
    let member = format!("{path}/members/{user}");
    let long = "x".repeat(101);
    for (method, path, body, field) in [
        (Method::POST, TENANTS, json!({}), "/name"),
        (Method::POST, TENANTS, json!({"name": null}), "/name"),
        (Method::POST, TENANTS, json!({"name": " "}), "/name"),
        (Method::POST, TENANTS, json!({"name": "a\nb"}), "/name"),
        (Method::POST, TENANTS, json!({"name": long}), "/name"),
        (Method::PATCH, &path, json!({"name": null}), "/name"),
        (Method::PATCH, &path, json!({"name": ""}), "/name"),
        (Method::PATCH, &member, json!({}), "/role"),
        (Method::PATCH, &member, json!({"role": "root"}), "/role"),
        (
            Method::POST,
            &invitations,
            json!({"role": "member"}),
            "/email",
        ),
        (
            Method::POST,
            &invitations,
            json!({"email": "eve", "role": "member"}),
            "/email",
        ),
        (
            Method::POST,
            &invitations,
            json!({"email": "eve@people.test"}),
            "/role",
        ),
        (Method::POST, ACCEPT, json!({}), "/token"),
    ] {
        let reply = send(&api, method.clone(), path, body.clone()).await;
        assert_eq!(reply.status, 422, "{method} {path} {body}: {}", reply.text);
        assert_eq!(reply.errors()[0].0, field, "{method} {path} {body}");
    }
    let reply = api.get(ADA, &format!("{path}/members?limit=0")).await;
    assert_eq!(reply.errors()[0].0, "limit");
}

/// The names of the members of a schema of the document.
fn documented(schema: &str) -> BTreeSet<String> {
    let document = serde_json::to_value(tenants::openapi()).expect("JSON");
    let properties = &document["components"]["schemas"][schema]["properties"];
    let properties = properties.as_object().expect(schema);
    properties.keys().cloned().collect()
}

fn names(body: &Value) -> BTreeSet<String> {
    body.as_object()
        .expect("an object")
        .keys()
        .cloned()
        .collect()
}

#[tokio::test]
async fn replies_have_exactly_the_members_that_are_documented() {
    let (api, path) = with_tenant().await;
    let user = join(&api, &path, "bob", "viewer").await;
    let created = api.post(ADA, TENANTS, json!({"name": "Looms"})).await;
    let token = invited(&api, &path, "eve", "member").await;
    for reply in [
        created,
        api.get(ADA, &path).await,
        send(&api, Method::PATCH, &path, json!({"name": "Mills"})).await,
        send(&api, Method::POST, &format!("{path}/resume"), json!({})).await,
        accept(&api, "eve", &token).await,
    ] {
        assert_eq!(names(&reply.body()), documented("Tenant"), "{}", reply.text);
    }
    let invitation = invite(&api, &path, "joe", "member").await;
    assert_eq!(names(&invitation.body()), documented("Invitation"));
    let member = format!("{path}/members/{user}");
    let member = send(&api, Method::PATCH, &member, json!({"role": "member"})).await;
    assert_eq!(names(&member.body()), documented("Member"));
    for (list, schema) in [
        ("", "Tenant"),
        ("/members", "Member"),
        ("/invitations", "Invitation"),
    ] {
        let path = if list.is_empty() {
            TENANTS.to_owned()
        } else {
            format!("{path}{list}")
        };
        let reply = api.get(ADA, &path).await;
        assert!(!entries(&reply).is_empty(), "{path}");
        for entry in entries(&reply) {
            assert_eq!(names(&entry), documented(schema), "{path}");
        }
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_said_to_be_none() {
    let api = api().await;
    let raw = Body::Raw(Some("text/plain"), b"x".to_vec());
    let reply = api.send(ADA, Method::POST, TENANTS, raw).await;
    assert_eq!(reply.status, 415);
    let raw = Body::Raw(Some("application/json"), b"{".to_vec());
    let reply = api.send(ADA, Method::POST, TENANTS, raw).await;
    assert_eq!(reply.status, 400);
}
