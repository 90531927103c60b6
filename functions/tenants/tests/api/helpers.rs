//! What the tests of this group say often.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{TenantId, UserId};
use test_support::{Body, Reply, TestApi};

pub(crate) const TENANTS: &str = "/api/v1/tenants";
pub(crate) const ACCEPT: &str = "/api/v1/invitations/accept";

/// Ada, who makes the tenant and owns it.
pub(crate) const ADA: Option<&str> = Some("ada");
/// Bob, who joins.
pub(crate) const BOB: Option<&str> = Some("bob");

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| tenants::router(app)).await
}

/// The function, and the path of a tenant of Ada's, in which Ada is.
pub(crate) async fn with_tenant() -> (TestApi, String) {
    let api = api().await;
    let path = found(&api, "ada", "Engines").await;
    (api, path)
}

/// Makes a tenant, and goes there. Gives its path.
pub(crate) async fn found(api: &TestApi, who: &str, name: &str) -> String {
    let reply = api.post(Some(who), TENANTS, json!({"name": name})).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    let path = reply.location().to_owned();
    api.people.enter(who, tenant(&path)).await;
    path
}

/// The tenant that a path names.
pub(crate) fn tenant(path: &str) -> TenantId {
    let id = path.split('/').nth(4).and_then(|id| id.parse().ok());
    id.expect("a tenant")
}

/// The address of a person.
pub(crate) fn address(who: &str) -> String {
    format!("{who}@people.test")
}

/// Ada invites.
pub(crate) async fn invite(api: &TestApi, path: &str, who: &str, role: &str) -> Reply {
    let body = json!({"email": address(who), "role": role});
    api.post(ADA, &format!("{path}/invitations"), body).await
}

/// Invites, and gives the token of the letter.
pub(crate) async fn invited(api: &TestApi, path: &str, who: &str, role: &str) -> String {
    let reply = invite(api, path, who, role).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    tokens(api, who).await.pop().expect("a letter")
}

/// The tokens of all letters to a person, oldest first.
pub(crate) async fn tokens(api: &TestApi, who: &str) -> Vec<String> {
    let letters = api.letters().await.into_iter();
    let letters = letters.filter(|(to, ..)| *to == address(who));
    let token = |(_, _, text): (String, String, String)| {
        let line = text.lines().find(|line| line.starts_with("chatter_in_"));
        line.expect("a token").to_owned()
    };
    letters.map(token).collect()
}

/// Accepts.
pub(crate) async fn accept(api: &TestApi, who: &str, token: &str) -> Reply {
    api.post(Some(who), ACCEPT, json!({"token": token})).await
}

/// Makes a person a member of Ada's tenant, who is there from now on.
pub(crate) async fn join(api: &TestApi, path: &str, who: &str, role: &str) -> UserId {
    let user = api.people.get(who).await.user;
    let token = invited(api, path, who, role).await;
    let reply = accept(api, who, &token).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    api.people.enter(who, tenant(path)).await;
    user
}

/// Changes a member's role.
pub(crate) async fn promote(
    api: &TestApi,
    by: &str,
    path: &str,
    user: UserId,
    role: &str,
) -> Reply {
    let path = format!("{path}/members/{user}");
    api.patch(Some(by), &path, json!({"role": role})).await
}

/// Takes a member out.
pub(crate) async fn remove(api: &TestApi, by: &str, path: &str, user: UserId) -> Reply {
    api.delete(Some(by), &format!("{path}/members/{user}"))
        .await
}

/// Renames a tenant on that condition.
pub(crate) async fn rename(api: &TestApi, path: &str, if_match: Option<&str>, name: &str) -> Reply {
    let headers: Vec<_> = if_match.map(|tag| ("if-match", tag)).into_iter().collect();
    let body = Body::Json(json!({"name": name}));
    api.send_with(ADA, Method::PATCH, path, body, &headers)
        .await
}

/// Name and role of the members, as Ada sees them, in the order of their names.
pub(crate) async fn members(api: &TestApi, path: &str) -> Vec<(String, String)> {
    let reply = api.get(ADA, &format!("{path}/members?limit=100")).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut members: Vec<_> = entries(&reply)
        .iter()
        .map(|member| (text(member, "name"), text(member, "role")))
        .collect();
    members.sort();
    members
}

/// What a person's list of tenants says: name and role, in the order of their names.
pub(crate) async fn belongs_to(api: &TestApi, who: &str) -> Vec<(String, String)> {
    let reply = api.get(Some(who), TENANTS).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    let mut tenants: Vec<_> = entries(&reply)
        .iter()
        .map(|tenant| (text(tenant, "name"), text(tenant, "role")))
        .collect();
    tenants.sort();
    tenants
}

/// The entries of a list.
pub(crate) fn entries(reply: &Reply) -> Vec<Value> {
    let body = reply.body();
    body["data"].as_array().expect("a list").clone()
}

/// A member that is a string.
pub(crate) fn text(body: &Value, name: &str) -> String {
    body[name].as_str().expect(name).to_owned()
}

/// What stands in a tenant's audit trail, oldest first and without logins: action, outcome, actor and target.
pub(crate) async fn trail(api: &TestApi, tenant: TenantId) -> Vec<[String; 4]> {
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let pk = format!("AUDIT#{tenant}");
    let mut records: Vec<_> = items
        .filter(|item| item["pk"]["S"] == pk.as_str() && item.get("action").is_some())
        .collect();
    records.sort_by_key(|item| item["sk"]["S"].to_string());
    let text = |value: &Value| value["S"].as_str().unwrap_or_default().to_owned();
    let records = records.into_iter().map(|item| {
        let actor = text(&item["actor"]["M"]["id"]);
        let (action, outcome) = (text(&item["action"]), text(&item["outcome"]));
        [action, outcome, actor, text(&item["target"])]
    });
    records
        .filter(|[action, ..]| action != "login_succeeded")
        .collect()
}

/// The actions in a tenant's trail.
pub(crate) async fn actions(api: &TestApi, tenant: TenantId) -> Vec<String> {
    let trail = trail(api, tenant).await.into_iter();
    trail.map(|[action, ..]| action).collect()
}

/// The status and the body without the id of the request.
pub(crate) fn without_id(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body();
    if body.is_object() {
        body["request_id"] = json!(null);
    }
    (reply.status.as_u16(), body)
}
