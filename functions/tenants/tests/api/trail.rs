//! Everything that matters for security stands in the trail: once, and together with what it tells of.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::UserId;
use test_support::{Body, Fault, Reply, TestApi};

use crate::helpers::{
    ADA, TENANTS, accept, actions, address, api, entries, invited, join, tenant, text, trail,
    with_tenant,
};

const IF_MATCH: [(&str, &str); 1] = [("if-match", "*")];

async fn send(api: &TestApi, who: &str, method: Method, path: &str, body: Value) -> Reply {
    api.send_with(Some(who), method, path, Body::Json(body), &IF_MATCH)
        .await
}

/// Sends what must be written in exactly one transaction, and gives the record that it left.
async fn recorded(
    api: &TestApi,
    path: &str,
    (who, method, rest, body): (&str, Method, &str, Value),
) -> [String; 4] {
    let id = tenant(path);
    let before = trail(api, id).await;
    api.people.get(who).await;
    api.table.take_calls();
    let path = if rest.starts_with("/api") {
        rest.to_owned()
    } else {
        format!("{path}{rest}")
    };
    let reply = send(api, who, method.clone(), &path, body).await;
    let writes: Vec<String> = api
        .table
        .take_calls()
        .into_iter()
        .map(|call| call.operation)
        .filter(|operation| !["GetItem", "BatchGetItem", "Query"].contains(&operation.as_str()))
        .collect();
    assert_eq!(
        writes,
        ["TransactWriteItems"],
        "{method} {path}: {}",
        reply.text
    );
    let after = trail(api, id).await;
    assert_eq!(after.len(), before.len() + 1, "{method} {path}");
    assert_eq!(after[..before.len()], before);
    after.last().cloned().expect("a record")
}

/// What somebody does, and the record of it: by whom it was done is said by who did it.
async fn check(
    api: &TestApi,
    path: &str,
    (who, method, rest): (&str, Method, &str),
    body: Value,
    [action, outcome, target]: [&str; 3],
) {
    let actor = api.people.get(who).await.user.to_string();
    let record = recorded(api, path, (who, method, rest, body)).await;
    assert_eq!(record, [action, outcome, &actor, target].map(str::to_owned));
}

#[tokio::test]
async fn every_change_of_a_tenant_leaves_one_record_in_its_transaction() {
    let (api, path) = with_tenant().await;
    let id = tenant(&path).to_string();
    let ada = api.people.get("ada").await.user.to_string();
    let made = ["tenant_created", "success", &ada, &id].map(str::to_owned);
    assert_eq!(trail(&api, tenant(&path)).await, [made]);
    for (method, rest, action) in [
        (Method::PATCH, "", "tenant_changed"),
        (Method::POST, "/suspend", "tenant_suspended"),
        (Method::POST, "/resume", "tenant_resumed"),
        (Method::DELETE, "", "tenant_deleted"),
    ] {
        let body = json!({"name": "Looms"});
        let record = [action, "success", &id];
        check(&api, &path, ("ada", method, rest), body, record).await;
    }
}

#[tokio::test]
async fn every_change_of_its_people_leaves_one_record_in_its_transaction() {
    let (api, path) = with_tenant().await;
    let bob = join(&api, &path, "bob", "admin").await.to_string();
    let eve = join(&api, &path, "eve", "viewer").await.to_string();
    invited(&api, &path, "joe", "member").await;
    let list = api.get(ADA, &format!("{path}/invitations")).await;
    let joe = text(&entries(&list)[0], "id");
    let [to_joe, to_bob, to_eve] = [
        format!("/invitations/{joe}"),
        format!("/members/{bob}"),
        format!("/members/{eve}"),
    ];
    let lower = json!({"role": "member"});
    for (who, method, rest, action, target) in [
        ("bob", Method::DELETE, &to_joe, "invitation_revoked", &joe),
        ("bob", Method::DELETE, &to_eve, "member_removed", &eve),
        ("ada", Method::PATCH, &to_bob, "member_role_changed", &bob),
        ("bob", Method::DELETE, &to_bob, "member_removed", &bob),
    ] {
        let record = [action, "success", target.as_str()];
        check(&api, &path, (who, method, rest), lower.clone(), record).await;
    }
}

#[tokio::test]
async fn every_refusal_leaves_one_record_and_looking_leaves_none() {
    let (api, path) = with_tenant().await;
    join(&api, &path, "bob", "member").await;
    let ada = api.people.get("ada").await.user;
    let member = format!("/members/{ada}");
    for (method, rest, operation) in [
        (Method::PATCH, "", ""),
        (Method::DELETE, member.as_str(), "/members/{user_id}"),
        (Method::PATCH, member.as_str(), "/members/{user_id}"),
        (Method::GET, "/invitations", "/invitations"),
    ] {
        let operation = format!("{method} {TENANTS}/{{tenant_id}}{operation}");
        let record = ["access_denied", "denied", &operation];
        check(&api, &path, ("bob", method, rest), json!({}), record).await;
    }
    let before = actions(&api, tenant(&path)).await;
    for rest in ["", "/members"] {
        assert_eq!(api.get(ADA, &format!("{path}{rest}")).await.status, 200);
    }
    assert_eq!(actions(&api, tenant(&path)).await, before);
}

#[tokio::test]
async fn invitations_leave_one_record_each_in_the_trail_of_the_tenant_that_is_joined() {
    let (api, path) = with_tenant().await;
    let home = api.people.get("bob").await;
    let ada = api.people.get("ada").await.user.to_string();
    let body = json!({"email": address("bob"), "role": "member"});
    for _ in 0..2 {
        let case = ("ada", Method::POST, "/invitations", body.clone());
        let [action, outcome, actor, target] = recorded(&api, &path, case).await;
        assert_eq!(
            (action.as_str(), outcome.as_str()),
            ("member_invited", "success")
        );
        let list = format!("{path}/invitations");
        let id = text(&entries(&api.get(ADA, &list).await)[0], "id");
        assert_eq!((actor, target), (ada.clone(), id));
    }
    let before = actions(&api, home.tenant).await;
    let token = crate::helpers::tokens(&api, "bob").await.pop();
    let body = json!({"token": token});
    let case = ("bob", Method::POST, "/api/v1/invitations/accept", body);
    let [action, outcome, actor, _] = recorded(&api, &path, case).await;
    assert_eq!(
        (action.as_str(), outcome.as_str()),
        ("member_joined", "success")
    );
    assert_eq!(actor, home.user.to_string());
    assert_eq!(actions(&api, home.tenant).await, before);
}

#[tokio::test]
async fn what_can_not_be_recorded_is_not_done() {
    let (api, path) = with_tenant().await;
    let bob = join(&api, &path, "bob", "member").await;
    let token = invited(&api, &path, "eve", "member").await;
    api.people.get("eve").await;
    let list = format!("{path}/invitations");
    let eve = text(&entries(&api.get(ADA, &list).await)[0], "id");
    let letters = api.letters().await;
    let before = api.table.dump().await;
    let member = format!("{path}/members/{bob}");
    let email = address("joe");
    for (who, method, path, body) in [
        ("ada", Method::POST, TENANTS, json!({"name": "Looms"})),
        ("ada", Method::PATCH, &path, json!({"name": "Looms"})),
        ("ada", Method::PATCH, &member, json!({"role": "admin"})),
        ("ada", Method::DELETE, &member, json!({})),
        (
            "ada",
            Method::POST,
            &list,
            json!({"email": email, "role": "member"}),
        ),
        ("ada", Method::DELETE, &format!("{list}/{eve}"), json!({})),
        ("ada", Method::POST, &format!("{path}/suspend"), json!({})),
        ("ada", Method::DELETE, &path, json!({})),
        (
            "eve",
            Method::POST,
            "/api/v1/invitations/accept",
            json!({"token": token}),
        ),
        // Also a refusal is only given when it stands in the trail.
        ("bob", Method::PATCH, &path, json!({"name": "Looms"})),
    ] {
        api.table.fail("TransactWriteItems", Fault::Denied, 1);
        let reply = send(&api, who, method.clone(), path, body).await;
        assert_eq!(
            reply.problem(),
            (500, "internal".to_owned()),
            "{method} {path}"
        );
        api.table.heal();
    }
    assert_eq!(api.letters().await, letters);
    let rows = |dump: &str| -> Vec<String> {
        let dump: Value = serde_json::from_str(dump).expect("JSON");
        let items = dump["Items"].as_array().expect("items").iter();
        let kept = |item: &&Value| {
            let pk = text(&item["pk"], "S");
            !pk.starts_with("LIMIT#") && !pk.starts_with("OUTBOX#")
        };
        let mut rows: Vec<String> = items.filter(kept).map(Value::to_string).collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(&api.table.dump().await), rows(&before));
    assert_eq!(accept(&api, "eve", &token).await.status, 200);
}

#[tokio::test]
async fn a_tenant_whose_reply_was_lost_is_made_once() {
    let api = api().await;
    api.people.get("ada").await;
    api.table.fail("TransactWriteItems", Fault::ReplyLost, 1);
    let reply = api.post(ADA, TENANTS, json!({"name": "Engines"})).await;
    assert_eq!(reply.status, 201);
    assert_eq!(entries(&api.get(ADA, TENANTS).await).len(), 2);
    let id = tenant(reply.location());
    assert_eq!(actions(&api, id).await, ["tenant_created"]);
}

#[tokio::test]
async fn who_is_not_there_is_no_event() {
    let (api, path) = with_tenant().await;
    let before = actions(&api, tenant(&path)).await;
    let unknown = format!("{path}/members/{}", UserId::new());
    let reply = send(&api, "ada", Method::DELETE, &unknown, json!({})).await;
    assert_eq!(reply.status, 404);
    let reply = send(
        &api,
        "ada",
        Method::PATCH,
        &unknown,
        json!({"role": "admin"}),
    )
    .await;
    assert_eq!(reply.status, 404);
    assert_eq!(actions(&api, tenant(&path)).await, before);
}
