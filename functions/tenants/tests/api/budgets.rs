//! `…/budgets`: who may spend how much.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{MembershipRole, Scope, UserId};
use test_support::{Body, Reply, TestApi};

use crate::helpers::{ADA, BOB, actions, entries, join, tenant, text, with_tenant};

async fn put(
    api: &TestApi,
    who: Option<&str>,
    path: &str,
    body: Value,
    if_match: Option<&str>,
) -> Reply {
    let headers: Vec<_> = if_match.map(|tag| ("if-match", tag)).into_iter().collect();
    let body = Body::Json(body);
    api.send_with(who, Method::PUT, path, body, &headers).await
}

/// Ada makes a budget of that scope. Its path.
async fn made(api: &TestApi, tenant: &str, scope: &str) -> String {
    let path = format!("{tenant}/budgets/{scope}");
    let body = json!({"day": {"tokens": 1_000}});
    let reply = put(api, ADA, &path, body, None).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    path
}

fn scopes(reply: &Reply) -> Vec<String> {
    let budgets = entries(reply);
    budgets.iter().map(|budget| text(budget, "scope")).collect()
}

/// The scope of the newest API key.
async fn key_scope(api: &TestApi) -> String {
    let dump: Value = serde_json::from_str(&api.table.dump().await).expect("JSON");
    let items = dump["Items"].as_array().expect("items").iter();
    let ids = items.filter_map(|item| item["sk"]["S"].as_str()?.strip_prefix("APIKEY#"));
    format!("api-key:{}", ids.max().expect("a key"))
}

#[tokio::test]
async fn a_budget_is_made_replaced_and_deleted() {
    let (api, path) = with_tenant().await;
    let budget = format!("{path}/budgets/tenant");
    assert_eq!(api.get(ADA, &budget).await.status, 404);
    let new =
        json!({"day": {"micro_dollars": 5_000_000}, "month": {"tokens": 7, "micro_dollars": null}});
    let reply = put(&api, ADA, &budget, new, None).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (201, "\"1\"")
    );
    let body = reply.body();
    assert_eq!(
        (&body["scope"], &body["soft_percent"]),
        (&json!("tenant"), &json!(80))
    );
    let amount =
        |limit: Value| json!({"limit": limit, "spent": 0, "reserved": 0, "soft_reached_at": null});
    let day = json!({
        "name": "2026-01-01", "counts_since": "2026-01-01T00:00:00.000000Z",
        "ends_at": "2026-01-02T00:00:00.000000Z",
        "micro_dollars": amount(json!(5_000_000)), "tokens": amount(Value::Null),
    });
    assert_eq!(body["day"], day);
    assert_eq!(
        (&body["month"]["name"], &body["month"]["tokens"]),
        (&json!("2026-01"), &amount(json!(7)))
    );
    assert_eq!(body["month"]["ends_at"], "2026-02-01T00:00:00.000000Z");
    assert_eq!(api.get(ADA, &budget).await.body(), body);
    assert_eq!(
        entries(&api.get(ADA, &format!("{path}/budgets")).await),
        [body]
    );

    let other = || json!({"month": {"tokens": 8}, "soft_percent": 50});
    let blind = put(&api, ADA, &budget, other(), None).await;
    assert_eq!(blind.problem(), (428, "precondition-required".to_owned()));
    let stale = put(&api, ADA, &budget, other(), Some("\"2\"")).await;
    assert_eq!(stale.problem(), (412, "precondition-failed".to_owned()));
    let reply = put(&api, ADA, &budget, other(), Some("\"1\"")).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("etag")),
        (200, "\"2\"")
    );
    let body = reply.body();
    assert_eq!(body["day"]["micro_dollars"]["limit"], Value::Null);
    assert_eq!(
        (&body["month"]["tokens"]["limit"], &body["soft_percent"]),
        (&json!(8), &json!(50))
    );

    assert_eq!(api.delete(ADA, &budget).await.status, 204);
    assert_eq!(api.delete(ADA, &budget).await.status, 404);
    let gone = put(&api, ADA, &budget, other(), Some("\"2\"")).await;
    assert_eq!(gone.problem(), (412, "precondition-failed".to_owned()));
    let actions = actions(&api, tenant(&path)).await;
    assert_eq!(
        actions[actions.len() - 3..],
        ["budget_stored", "budget_stored", "budget_deleted"]
    );
}

#[tokio::test]
async fn what_limits_nothing_or_breaks_a_rule_is_no_budget() {
    let (api, path) = with_tenant().await;
    let path = format!("{path}/budgets/tenant");
    let too_much = 1_000_000_000_000_001_u64;
    for (body, field) in [
        (json!({}), "/day"),
        (json!({"day": {}, "month": {"tokens": null}}), "/day"),
        (json!({"day": {"tokens": too_much}}), "/day/tokens"),
        (
            json!({"month": {"micro_dollars": too_much}}),
            "/month/micro_dollars",
        ),
        (
            json!({"day": {"tokens": 1}, "soft_percent": 0}),
            "/soft_percent",
        ),
        (
            json!({"day": {"tokens": 1}, "soft_percent": 101}),
            "/soft_percent",
        ),
    ] {
        let reply = put(&api, ADA, &path, body.clone(), None).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{body}"
        );
        assert_eq!(reply.errors()[0].0, field, "{body}");
    }
    for body in [
        json!({"day": {"tokens": -1}}),
        json!({"day": {"tokens": 1.5}}),
        json!({"day": {"token": 1}}),
        json!({"week": {"tokens": 1}}),
        json!({"day": {"tokens": 1}, "soft_percent": 300}),
    ] {
        let reply = put(&api, ADA, &path, body.clone(), None).await;
        assert_eq!(reply.problem().0, 422, "{body}");
    }
    assert_eq!(api.get(ADA, &path).await.status, 404);
}

#[tokio::test]
async fn nobody_and_no_key_that_is_not_there_has_a_budget() {
    let (api, path) = with_tenant().await;
    // Bob is somewhere else.
    let bob = api.people.get("bob").await.user;
    let scopes = [
        format!("user:{bob}"),
        format!("user:{}", UserId::new()),
        "api-key:key_0199f0a0b1c27d3e8f405162738495a6".to_owned(),
        "group:all".to_owned(),
        "Tenant".to_owned(),
        format!("user:{bob}%23DAY"),
    ];
    for scope in scopes {
        let budget = format!("{path}/budgets/{scope}");
        let body = json!({"day": {"tokens": 1}});
        let reply = put(&api, ADA, &budget, body, None).await;
        assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{scope}");
    }
    // People of another issuer have no row here.
    let foreign = UserId::of_issuer(tenant(&path), "https://issuer.test", "eve");
    made(&api, &path, &format!("user:{foreign}")).await;
    assert_eq!(
        scopes_of_all(&api, &path).await,
        [format!("user:{foreign}")]
    );
}

async fn scopes_of_all(api: &TestApi, path: &str) -> Vec<String> {
    scopes(&api.get(ADA, &format!("{path}/budgets?limit=100")).await)
}

#[tokio::test]
async fn members_see_what_binds_them_and_administrators_all() {
    let (api, path) = with_tenant().await;
    let ada = api.people.get("ada").await.user;
    let bob = join(&api, &path, "bob", "member").await;
    api.people.api_key("ada", &[Scope::TenantRead]).await;
    let adas_key = key_scope(&api).await;
    let key = api.people.api_key("bob", &[Scope::TenantRead]).await;
    let bobs_key = key_scope(&api).await;
    let users = [format!("user:{ada}"), format!("user:{bob}")];
    let all = [&adas_key, &bobs_key, "tenant", &users[0], &users[1]];
    for scope in all {
        made(&api, &path, scope).await;
    }
    let mut sorted = all.map(str::to_owned);
    sorted.sort();
    assert_eq!(scopes_of_all(&api, &path).await, sorted);

    let binding = [bobs_key.clone(), "tenant".to_owned(), users[1].clone()];
    let list = format!("{path}/budgets");
    assert_eq!(scopes(&api.get(BOB, &list).await), binding);
    let by_key = api.send_as(&key, Method::GET, &list, Body::Empty).await;
    assert_eq!(scopes(&by_key), binding);
    // In pages, too.
    let mut paged = Vec::new();
    let mut next = format!("{list}?limit=1");
    loop {
        let reply = api.get(BOB, &next).await;
        paged.extend(scopes(&reply));
        let Some(cursor) = reply.body()["next_cursor"].as_str().map(str::to_owned) else {
            break;
        };
        next = format!("{list}?limit=1&cursor={cursor}");
    }
    assert_eq!(paged, binding);
    for scope in all {
        let status = api.get(BOB, &format!("{list}/{scope}")).await.status;
        let expected = if binding.contains(&scope.to_owned()) {
            200
        } else {
            404
        };
        assert_eq!(status, expected, "{scope}");
    }
    let budget = format!("{list}/{}", users[1]);
    let body = json!({"day": {"tokens": 1_000_000}});
    let raised = put(&api, BOB, &budget, body, Some("*")).await;
    assert_eq!(raised.problem(), (403, "forbidden".to_owned()));
    assert_eq!(api.delete(BOB, &budget).await.problem().0, 403);
    let foreign = api.get(Some("eve"), &format!("{list}/tenant")).await;
    assert_eq!(foreign.problem().0, 404);
}

#[tokio::test]
async fn of_two_administrators_who_change_a_budget_at_once_one_is_told() {
    let (api, path) = with_tenant().await;
    api.people.join("joe", "ada", MembershipRole::Admin).await;
    let budget = made(&api, &path, "tenant").await;
    let raise = |who, tokens: u64| {
        let body = json!({"day": {"tokens": tokens}});
        put(&api, who, &budget, body, Some("\"1\""))
    };
    let (one, other) = tokio::join!(raise(ADA, 2), raise(Some("joe"), 3));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}
