//! Another tenant looks as if it did not exist, whatever the verb and whoever names it.

use axum::http::Method;
use serde_json::{Value, json};
use shared::http::openapi::operations;
use shared::model::{InvitationId, TenantId, UserId};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{
    ADA, BOB, TENANTS, actions, entries, found, invited, join, members, tenant, text, trail,
    with_tenant, without_id,
};

/// A good body of each operation that takes one. One that is not here fails the test.
fn body(operation: &str) -> Body {
    match operation {
        "PATCH /api/v1/tenants/{tenant_id}" => Body::Json(json!({"name": "Bob's"})),
        "PATCH /api/v1/tenants/{tenant_id}/members/{user_id}" => {
            Body::Json(json!({"role": "owner"}))
        }
        "POST /api/v1/tenants/{tenant_id}/invitations" => {
            Body::Json(json!({"email": "bob@people.test", "role": "owner"}))
        }
        "PUT /api/v1/tenants/{tenant_id}/budgets/{scope}" => {
            Body::Json(json!({"day": {"tokens": 1}}))
        }
        other => {
            let bare = other.starts_with("GET ")
                || other.starts_with("DELETE ")
                || other.ends_with("/suspend")
                || other.ends_with("/resume");
            assert!(bare, "{other} needs a body here");
            Body::Empty
        }
    }
}

/// Every operation with a tenant in its path, from the document.
fn in_a_tenant() -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, mut item) in tenants::openapi().paths.paths {
        if !path.contains("{tenant_id}") {
            continue;
        }
        let count = operations(&mut item).count();
        let methods = [
            (Method::GET, item.get.is_some()),
            (Method::POST, item.post.is_some()),
            (Method::PUT, item.put.is_some()),
            (Method::PATCH, item.patch.is_some()),
            (Method::DELETE, item.delete.is_some()),
        ];
        let methods = methods.into_iter().filter(|(_, present)| *present);
        let before = found.len();
        found.extend(methods.map(|(method, _)| (method, path.clone())));
        assert_eq!(found.len() - before, count, "{path}");
    }
    found
}

struct Ids {
    tenant: TenantId,
    user: UserId,
    invitation: InvitationId,
}

impl Ids {
    fn random() -> Self {
        Self {
            tenant: TenantId::new(),
            user: UserId::new(),
            invitation: InvitationId::new(),
        }
    }

    fn path(&self, path: &str) -> String {
        let path = path.replace("{tenant_id}", &self.tenant.to_string());
        let path = path.replace("{user_id}", &self.user.to_string());
        let path = path.replace("{scope}", &format!("user:{}", self.user));
        path.replace("{invitation_id}", &self.invitation.to_string())
    }
}

/// Ada's tenant with a member and somebody invited, and Bob in one of his own.
async fn world() -> (TestApi, String, Ids) {
    let (api, path) = with_tenant().await;
    let user = join(&api, &path, "eve", "admin").await;
    invited(&api, &path, "joe", "member").await;
    let budget = format!("{path}/budgets/user:{user}");
    let limits = Body::Json(json!({"day": {"tokens": 1}}));
    let made = api.send(ADA, Method::PUT, &budget, limits).await;
    assert_eq!(made.status, 201, "{}", made.text);
    found(&api, "bob", "Looms").await;
    let list = api.get(ADA, &format!("{path}/invitations")).await;
    let invitation = text(&entries(&list)[0], "id").parse();
    let ids = Ids {
        tenant: tenant(&path),
        user,
        invitation: invitation.expect("an id"),
    };
    (api, path, ids)
}

async fn ask(api: &TestApi, method: &Method, path: &str, body: Body, foreign: TenantId) -> Reply {
    let foreign = foreign.to_string();
    let headers = [("if-match", "*"), ("x-tenant-id", foreign.as_str())];
    api.send_with(BOB, method.clone(), path, body, &headers)
        .await
}

/// Ada's tenant as she sees it.
async fn seen(api: &TestApi, path: &str) -> Vec<Value> {
    let mut seen = Vec::new();
    for rest in ["", "/members", "/invitations", "/budgets"] {
        seen.push(api.get(ADA, &format!("{path}{rest}")).await.body());
    }
    seen
}

#[tokio::test]
async fn a_foreign_tenant_gets_the_answer_of_an_unknown_one_whatever_the_verb() {
    let (api, path, ids) = world().await;
    let (before, records) = (seen(&api, &path).await, trail(&api, ids.tenant).await);
    let operations = in_a_tenant();
    assert!(operations.len() >= 11, "{operations:?}");
    for (method, template) in operations {
        let operation = format!("{method} {template}");
        let (foreign, unknown) = (ids.path(&template), Ids::random().path(&template));
        let foreign = ask(&api, &method, &foreign, body(&operation), ids.tenant).await;
        let unknown = ask(&api, &method, &unknown, body(&operation), ids.tenant).await;
        assert_eq!(
            foreign.problem(),
            (404, "not-found".to_owned()),
            "{operation}"
        );
        assert_eq!(without_id(&foreign), without_id(&unknown), "{operation}");
        for secret in ["Engines", "eve@", "joe@", "ada@", &ids.tenant.to_string()] {
            let headers = format!("{:?}", foreign.headers);
            assert!(
                !foreign.text.contains(secret) && !headers.contains(secret),
                "{operation}"
            );
        }
    }
    assert_eq!(seen(&api, &path).await, before);
    assert_eq!(trail(&api, ids.tenant).await, records);
}

#[tokio::test]
async fn in_the_own_tenant_a_foreign_person_or_invitation_is_an_unknown_one() {
    let (api, path, ids) = world().await;
    let before = seen(&api, &path).await;
    let own = api.people.get("bob").await.tenant;
    for (method, template) in in_a_tenant() {
        if template.matches('{').count() < 2 {
            continue;
        }
        let operation = format!("{method} {template}");
        let foreign = Ids { tenant: own, ..ids }.path(&template);
        let unknown = Ids {
            tenant: own,
            ..Ids::random()
        }
        .path(&template);
        let foreign = ask(&api, &method, &foreign, body(&operation), ids.tenant).await;
        let unknown = ask(&api, &method, &unknown, body(&operation), ids.tenant).await;
        assert_eq!(
            foreign.problem(),
            (404, "not-found".to_owned()),
            "{operation}"
        );
        assert_eq!(without_id(&foreign), without_id(&unknown), "{operation}");
    }
    assert_eq!(seen(&api, &path).await, before);
}

#[tokio::test]
async fn a_tenant_that_is_named_beside_the_path_is_not_honoured() {
    let (api, path, ids) = world().await;
    let own = format!("{TENANTS}/{}", api.people.get("bob").await.tenant);
    let reply = ask(&api, &Method::GET, &own, Body::Empty, ids.tenant).await;
    assert_eq!(reply.body()["name"], "Looms");
    let named = format!("{own}?tenant_id={}", ids.tenant);
    let body = Body::Json(json!({"name": "Mills"}));
    let reply = ask(&api, &Method::PATCH, &named, body, ids.tenant).await;
    assert_eq!(reply.body()["name"], "Mills");
    assert_eq!(api.get(ADA, &path).await.body()["name"], "Engines");
    let listed = format!("{own}/members?tenant_id={}", ids.tenant);
    let reply = ask(&api, &Method::GET, &listed, Body::Empty, ids.tenant).await;
    assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
    let reply = api.get(BOB, TENANTS).await;
    assert!(!reply.text.contains("Engines"), "{}", reply.text);
}

#[tokio::test]
async fn a_cursor_of_another_tenant_or_list_is_refused() {
    let (api, path, _) = world().await;
    let reply = api.get(ADA, &format!("{path}/members?limit=1")).await;
    let cursor = text(&reply.body(), "next_cursor");
    let own = format!("{TENANTS}/{}", api.people.get("bob").await.tenant);
    for (who, path) in [
        (BOB, format!("{own}/members?cursor={cursor}")),
        (Some("eve"), format!("{path}/members?cursor={cursor}")),
        (ADA, format!("{path}/invitations?cursor={cursor}")),
    ] {
        let reply = api.get(who, &path).await;
        assert_eq!(
            reply.problem(),
            (400, "malformed-request".to_owned()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn an_id_that_tries_to_be_more_than_an_id_is_an_unknown_one() {
    let (api, path, ids) = world().await;
    let id = ids.tenant.to_string();
    for odd in [
        format!("{id}%23MEMBER"),
        format!("{id}%00"),
        id.to_uppercase(),
        "*".to_owned(),
        "ten_".to_owned(),
        format!("%20{id}"),
        "x".repeat(4000),
    ] {
        for (method, template) in in_a_tenant() {
            let path = Ids { ..ids }.path(&template.replace("{tenant_id}", &odd));
            let body = body(&format!("{method} {template}"));
            let headers = [("if-match", "*")];
            let reply = api.send_with(ADA, method, &path, body, &headers).await;
            assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{path}");
        }
    }
    assert_eq!(members(&api, &path).await.len(), 2);
    let records = actions(&api, ids.tenant).await;
    assert!(
        !records.contains(&"access_denied".to_owned()),
        "{records:?}"
    );
}
