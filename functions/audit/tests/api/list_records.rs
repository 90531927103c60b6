//! Reading the trail.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::{MembershipRole, Scope};
use test_support::Body;

use crate::helpers::{ADA, DAY, PATH, api, get, happen, next_day, row};

/// Day and number of each record.
fn places(list: &Value) -> Vec<(String, u64)> {
    let records = list["data"].as_array().expect("a list").iter();
    let place = |record: &Value| {
        let day = record["day"].as_str().expect("a day").to_owned();
        (day, record["sequence"].as_u64().expect("a number"))
    };
    records.map(place).collect()
}

fn actions(list: &Value) -> Vec<String> {
    let records = list["data"].as_array().expect("a list").iter();
    let action = |record: &Value| record["action"].as_str().expect("an action").to_owned();
    records.map(action).collect()
}

#[tokio::test]
async fn a_record_shows_who_did_what_when_from_where_and_what_it_follows() {
    let api = api().await;
    let at = api.from_source("203.0.113.7");
    let reply = at.get(ADA, PATH).await;
    let list = reply.body();
    // The reading itself is the newest.
    insta::assert_json_snapshot!(list["data"][0], {
        ".actor.id" => "usr_…", ".request_id" => "req_…", ".hash" => "…", ".previous_hash" => "…"
    }, @r#"
    {
      "action": "audit_read",
      "actor": {
        "id": "usr_…",
        "type": "user"
      },
      "at": "2026-01-01T00:00:00.000000Z",
      "day": "2026-01-01",
      "hash": "…",
      "outcome": "success",
      "previous_hash": "…",
      "request_id": "req_…",
      "sequence": 3,
      "source_ip": "203.0.113.7",
      "target": "GET /api/v1/audit"
    }
    "#);
    assert_eq!(list["data"][0]["request_id"], reply.header("x-request-id"));
    let ada = api.people.get("ada").await.user;
    assert_eq!(list["data"][0]["actor"]["id"], ada.to_string());
    assert_eq!(list["data"][0]["previous_hash"], list["data"][1]["hash"]);
    assert_eq!(list["data"][2]["previous_hash"], "");
    assert_eq!(list["has_more"], false);
}

#[tokio::test]
async fn pages_go_back_over_days_without_gaps_and_reading_is_told_once() {
    let api = api().await;
    for _ in 0..3 {
        happen(&api, 5).await;
        next_day(&api);
    }
    let (mut seen, mut path) = (Vec::new(), format!("{PATH}?limit=4"));
    loop {
        let list = get(&api, &path).await;
        assert!(places(&list).len() <= 4);
        seen.extend(places(&list));
        match list["next_cursor"].as_str() {
            Some(cursor) => path = format!("{PATH}?limit=4&cursor={cursor}"),
            None => break,
        }
    }
    // Two of the first day are of setting Ada up.
    let days = [
        ("2026-01-04", 1),
        ("2026-01-03", 5),
        ("2026-01-02", 5),
        (DAY, 7),
    ];
    let expected: Vec<(String, u64)> = days
        .iter()
        .flat_map(|(day, last)| (1..=*last).rev().map(|number| (String::from(*day), number)))
        .collect();
    assert_eq!(seen, expected);
    let reads = get(&api, &format!("{PATH}?action=audit_read")).await;
    assert_eq!(actions(&reads).len(), 2, "the listing before, and this one");
}

#[tokio::test]
async fn filters_take_what_fits_all_of_them() {
    let api = api().await;
    happen(&api, 2).await;
    let key = api.people.api_key("ada", &[Scope::AuditRead]).await;
    let by_key = api.send_as(&key, Method::GET, PATH, Body::Empty).await;
    assert_eq!(by_key.status, 200);
    let conversations = api.beside(conversations::router);
    let denied = conversations.send_as(&key, Method::GET, "/api/v1/conversations", Body::Empty);
    assert_eq!(denied.await.status, 403);
    next_day(&api);
    happen(&api, 1).await;

    let ask = async |query: &str| {
        let list = get(&api, &format!("{PATH}?{query}")).await;
        let mut actions = actions(&list);
        // What these questions leave behind on the second day.
        actions.retain(|action| action != "audit_read" || query.contains("key_"));
        actions
    };
    let logins = |count| vec!["login_succeeded".to_owned(); count];
    assert_eq!(ask("action=login_succeeded").await, logins(6));
    assert_eq!(
        ask("action=login_succeeded&from=2026-01-02").await,
        logins(1)
    );
    assert_eq!(ask("to=2026-01-01&action=login_succeeded").await, logins(5));
    assert_eq!(ask("outcome=denied").await, ["access_denied"]);
    assert_eq!(
        ask("outcome=denied&from=2026-01-02&to=2026-01-02").await,
        Vec::<String>::new()
    );
    let record = &by_key.body()["data"][0];
    assert_eq!(record["actor"]["type"], "api_key");
    let key_id = record["actor"]["id"].as_str().expect("an id");
    let by_key = ask(&format!("actor={key_id}")).await;
    assert_eq!(by_key, ["access_denied", "audit_read"]);
    assert_eq!(ask("actor=anonymous").await, Vec::<String>::new());
    for (wrong, field) in [
        ("from=yesterday", "from"),
        ("to=2026-02-30", "to"),
        ("from=2026-01-02&to=2026-01-01", "from"),
        ("actor=ada", "actor"),
        ("action=nothing", "action"),
        ("outcome=maybe", "outcome"),
        ("limit=101", "limit"),
        (
            "tenant_id=ten_0199f0a0b1c27d3e8f405162738495a6",
            "tenant_id",
        ),
    ] {
        let reply = api.get(ADA, &format!("{PATH}?{wrong}")).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{wrong}"
        );
        assert_eq!(reply.errors()[0].0, field, "{wrong}");
    }
}

#[tokio::test]
async fn a_search_for_what_is_rare_ends_and_can_be_continued() {
    let api = api().await;
    let rows = 2_100;
    let (mut item, tenant) = (row(&api, DAY, 1).await, api.people.get("ada").await.tenant);
    assert_eq!(item["pk"]["S"], format!("AUDIT#{tenant}"));
    // Past the API, and on a day of their own: only reading them counts here.
    let puts = (1..=rows).map(|number| {
        item["sk"]["S"] = json!(format!("2025-12-01#{number:010}"));
        json!({"PutRequest": {"Item": item}})
    });
    let puts: Vec<Value> = puts.collect();
    for batch in puts.chunks(25) {
        let request = json!({"RequestItems": {"chatter": batch}});
        let answer = api.table.raw("BatchWriteItem", request).await;
        assert_eq!(answer["UnprocessedItems"], json!({}), "{answer}");
    }
    api.table.take_calls();
    let list = get(&api, &format!("{PATH}?outcome=denied&to=2025-12-31")).await;
    assert_eq!(
        (&list["data"], &list["has_more"]),
        (&json!([]), &json!(true))
    );
    let queries = api.table.take_calls();
    let queries = queries.iter().filter(|call| call.operation == "Query");
    assert!(queries.count() <= 11);
    let cursor = list["next_cursor"].as_str().expect("a cursor");
    let rest = format!("{PATH}?outcome=denied&to=2025-12-31&cursor={cursor}");
    let rest = get(&api, &rest).await;
    assert_eq!(
        (&rest["data"], &rest["has_more"]),
        (&json!([]), &json!(false))
    );
}

#[tokio::test]
async fn a_cursor_is_good_for_its_caller_and_filters_alone() {
    let api = api().await;
    happen(&api, 3).await;
    api.people.join("eve", "ada", MembershipRole::Admin).await;
    let list = get(&api, &format!("{PATH}?limit=1")).await;
    let cursor = list["next_cursor"].as_str().expect("a cursor");
    let verified = get(&api, &format!("{PATH}/verify?limit=1")).await;
    let other = verified["next_cursor"].as_str().expect("a cursor");
    for (person, query) in [
        ("bob", format!("limit=1&cursor={cursor}")),
        ("eve", format!("limit=1&cursor={cursor}")),
        ("ada", format!("limit=1&action=logged_out&cursor={cursor}")),
        ("ada", format!("limit=1&from=2026-01-01&cursor={cursor}")),
        ("ada", format!("limit=1&cursor={}", &cursor[1..])),
        (
            "ada",
            format!("limit=1&cursor={}", &cursor[..cursor.len() - 2]),
        ),
        ("ada", format!("limit=1&cursor={other}")),
        ("ada", "cursor=".to_owned()),
    ] {
        let reply = api.get(Some(person), &format!("{PATH}?{query}")).await;
        assert_eq!(
            reply.problem(),
            (400, "malformed-request".to_owned()),
            "{query}"
        );
    }
    let reply = api
        .get(ADA, &format!("{PATH}/verify?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(reply.problem(), (400, "malformed-request".to_owned()));
    assert_eq!(
        api.get(ADA, &format!("{PATH}?cursor={cursor}"))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn only_administrators_read_and_only_their_own_trail() {
    let api = api().await;
    happen(&api, 3).await;
    for (person, role, status) in [
        ("viewer", MembershipRole::Viewer, 403),
        ("member", MembershipRole::Member, 403),
        ("admin", MembershipRole::Admin, 200),
    ] {
        api.people.join(person, "ada", role).await;
        for path in [PATH, "/api/v1/audit/verify"] {
            let reply = api.get(Some(person), path).await;
            assert_eq!(reply.status, status, "{person} {path}");
        }
    }
    let ada = api.people.get("ada").await;
    let foreign = api.get(Some("bob"), PATH).await;
    assert_eq!(foreign.status, 200);
    assert!(!foreign.text.contains(&ada.user.to_string()));
    // Setting Bob up, and his reading.
    assert_eq!(places(&foreign.body()).len(), 3);
    let key = api.people.api_key("ada", &[Scope::TenantRead]).await;
    let reply = api.send_as(&key, Method::GET, PATH, Body::Empty).await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
}

#[tokio::test]
async fn nobody_reads_a_trail_that_can_not_be_told_of_it() {
    let api = api().await;
    happen(&api, 1).await;
    api.table.refuse_writes_under("AUDIT#");
    for path in [PATH, "/api/v1/audit/verify"] {
        let reply = api.get(ADA, path).await;
        assert_eq!(reply.problem().0, 500, "{path}");
        assert!(!reply.text.contains("login_succeeded"));
    }
}
