//! What people of a trusted issuer can do here.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{Actor, AuditAction, AuditOutcome, TenantStatus, UserId};
use test_support::{Body, TestApi};

use crate::helpers::*;

async fn titles(api: &TestApi, token: &str) -> Vec<Value> {
    let list = get(api, token, CONVERSATIONS).await.body();
    let data = list["data"].as_array().expect("a list");
    data.iter().map(|entry| entry["title"].clone()).collect()
}

#[tokio::test]
async fn they_work_with_the_role_that_theirs_is_worth() {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    let conversations = api.beside(conversations::router);
    let claims = kim(&issuer);
    let token = |sub: &str, roles: Value| {
        issuer.sign(&changed(&claims, &json!({"sub": sub, "roles": roles})))
    };
    let (kim, lee) = (
        token("kim", json!(["staff"])),
        token("lee", json!(["staff"])),
    );
    let body = json!({"title": "of Kim"});
    let made = post(&conversations, &kim, CONVERSATIONS, body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let place = made.location();
    // Another token of the same person is the same person; another person and Ada are not.
    let later = token("kim", json!("bosses"));
    assert_eq!(titles(&conversations, &later).await, ["of Kim"]);
    assert_eq!(titles(&conversations, &lee).await, Vec::<Value>::new());
    assert_eq!(get(&conversations, &lee, place).await.status, 404);
    assert_eq!(conversations.get(ADA, place).await.status, 404);
    // A viewer looks, and does not write: also Kim, once her token says so.
    let looking = token("kim", json!(["guests"]));
    assert_eq!(get(&conversations, &looking, place).await.status, 200);
    let refused = post(&conversations, &looking, CONVERSATIONS, json!({})).await;
    assert_eq!(refused.problem(), (403, "forbidden".to_owned()));
    let deleted = conversations
        .bear(&kim, Method::DELETE, place, Body::Empty)
        .await;
    assert_eq!(deleted.status, 204);
}

#[tokio::test]
async fn what_they_may_not_do_stands_in_the_trail_of_the_tenant() {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    let conversations = api.beside(conversations::router);
    let guest = issuer.sign(&changed(&kim(&issuer), &json!({"roles": ["guests"]})));
    post(&conversations, &guest, CONVERSATIONS, json!({})).await;
    let tenant = api.people.get("ada").await.tenant;
    let kim = UserId::of_issuer(tenant, &issuer.url, "kim");
    let refused = (
        AuditAction::AccessDenied,
        AuditOutcome::Denied,
        Actor::User(kim),
        Some("POST /api/v1/conversations".to_owned()),
    );
    assert_eq!(trail(&api, "ada").await.first(), Some(&refused));
}

#[tokio::test]
async fn they_have_an_id_and_no_account() {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    let auth = api.beside(auth::router);
    let token = issuer.sign(&kim(&issuer));
    let tenant = api.people.get("ada").await.tenant;
    let me = get(&auth, &token, ME).await;
    assert_eq!(
        me.body(),
        json!({
            "id": UserId::of_issuer(tenant, &issuer.url, "kim"), "email": null, "email_verified": false,
            "name": null, "tenant_id": tenant, "role": "member", "api_key_id": null, "scopes": null,
            "created_at": null,
        })
    );
    for (method, path) in [
        (Method::DELETE, ME),
        (Method::PATCH, ME),
        (Method::GET, "/api/v1/auth/sessions"),
        (Method::POST, "/api/v1/auth/switch-tenant"),
        (Method::POST, "/api/v1/auth/logout-all"),
        (Method::PUT, "/api/v1/auth/me/password"),
    ] {
        let reply = auth
            .bear(&token, method.clone(), path, Body::Json(json!({})))
            .await;
        assert_eq!(
            reply.problem(),
            (403, "forbidden".to_owned()),
            "{method} {path}"
        );
    }
}

#[tokio::test]
async fn a_tenant_that_is_suspended_or_deleted_is_closed_to_them_too() {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    let here = api.beside(conversations::router);
    let token = issuer.sign(&kim(&issuer));
    assert_eq!(status(&here, &token).await, 200);
    set_status(&api, "ada", TenantStatus::Suspended).await;
    let reply = get(&here, &token, CONVERSATIONS).await;
    assert_eq!(reply.problem(), (403, "tenant-suspended".to_owned()));
    set_status(&api, "ada", TenantStatus::Active).await;
    assert_eq!(status(&here, &token).await, 200);
    set_status(&api, "ada", TenantStatus::Deleted).await;
    for process in [&here, &api.elsewhere(conversations::router)] {
        let reply = get(process, &token, CONVERSATIONS).await;
        assert_eq!(reply.problem(), (401, "unauthenticated".to_owned()));
    }
}

#[tokio::test]
async fn nobody_gets_into_a_tenant_by_an_issuer_of_their_own() {
    let (api, issuer, evil) = (api().await, issuer().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    // Mallory's tenant trusts Mallory's issuer, for the very audience of Ada's.
    trust(&api, "mallory", &evil.url).await;
    let conversations = api.beside(conversations::router);
    let auth = api.beside(auth::router);
    let own = changed(
        &kim(&evil),
        &json!({"tenant_id": api.people.get("ada").await.tenant}),
    );
    let own = evil.sign(&own);
    let me = get(&auth, &own, ME).await.body();
    let mallory = api.people.get("mallory").await.tenant;
    assert_eq!(me["tenant_id"], mallory.to_string());
    // The same person by name is another one there.
    assert_ne!(
        me["id"],
        UserId::of_issuer(mallory, &issuer.url, "kim").to_string()
    );
    // What says that it is Ada's issuer's is verified with the keys of that one.
    let forged = evil.sign(&kim(&issuer));
    let with_keys = json!({"jku": format!("{}/keys", evil.url)});
    evil.take_requests();
    assert_eq!(status(&conversations, &forged).await, 401);
    let forged = evil.sign_with(&with_keys, &kim(&issuer));
    assert_eq!(status(&conversations, &forged).await, 401);
    assert!(evil.take_requests().is_empty(), "it was not asked");
    // Nor does an issuer get to speak for another one by its document.
    evil.fail(stand_ins::issuer::Fault::OtherIssuer);
    let mallorys = path(&api, "mallory").await;
    let body = changed(&new(&evil.url), &json!({"audience": "other"}));
    assert_eq!(api.post(Some("mallory"), &mallorys, body).await.status, 422);
}
