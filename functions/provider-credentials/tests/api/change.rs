//! Storing, rotating, listing and deleting.

use std::time::Duration;

use axum::http::Method;
use serde_json::json;
use shared::model::{MembershipRole, Scope};
use test_support::Body;

use crate::helpers::{ADA, FIRST, SCRIPTED, SECOND, api, put, rotate, trail};

const LIST: &str = "/api/v1/provider-credentials";

#[tokio::test]
async fn a_key_is_stored_sealed_and_shown_only_by_what_it_is_recognised() {
    let api = api().await;
    let ada = api.people.get("ada").await.user;
    let stored = put(&api, ADA, SCRIPTED, FIRST).await;
    assert_eq!(stored.status, 200, "{}", stored.text);
    let expected = json!({
        "provider": "scripted",
        // printf %s sk-tenant-canary-first-0001 | sha256sum | head -c 16
        "fingerprint": "8c8dc69a42e8ad2c",
        "last4": "0001",
        "stored_at": "2026-01-01T00:00:00.000000Z",
        "changed_by": ada.to_string(),
        "previous": null,
    });
    assert_eq!(stored.body(), expected);
    let listed = api.get(ADA, LIST).await;
    assert_eq!(listed.body()["data"], json!([expected]));
    let caller = api.people.caller("ada").await;
    let row = api.app.store.of(&caller).credential_get("scripted").await;
    let row = format!("{:?}", row.expect("a read").expect("a row"));
    assert!(!row.contains("canary"), "{row}");
    for reply in [stored, listed] {
        assert!(!reply.text.contains("canary"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_key_that_the_provider_refuses_is_not_stored() {
    let api = api().await;
    api.provider.refuse_key(FIRST);
    let refused = put(&api, ADA, SCRIPTED, FIRST).await;
    assert_eq!(refused.problem(), (422, "invalid-request".to_owned()));
    assert_eq!(refused.body()["errors"][0]["field"], "/key");
    assert_eq!(api.get(ADA, LIST).await.body()["data"], json!([]));

    put(&api, ADA, SCRIPTED, SECOND).await;
    let refused = rotate(&api, json!({"key": FIRST})).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert_eq!(api.get(ADA, LIST).await.body()["data"][0]["last4"], "0002");
}

#[tokio::test]
async fn what_is_no_key_or_no_overlap_is_refused() {
    let api = api().await;
    for key in ["short", "sk-with a blank in the middle", ""] {
        let reply = put(&api, ADA, SCRIPTED, key).await;
        assert_eq!(reply.status, 422, "{key}: {}", reply.text);
    }
    for body in [
        json!({}),
        json!({"key": null}),
        json!({"key": FIRST, "tenant_id": "ten_0199f0a0b1c27d3e8f405162738495a6"}),
    ] {
        let reply = api
            .send(ADA, axum::http::Method::PUT, SCRIPTED, Body::Json(body))
            .await;
        assert_eq!(reply.status, 422, "{}", reply.text);
    }
    put(&api, ADA, SCRIPTED, FIRST).await;
    for seconds in [json!(604_801), json!(-1), json!("1")] {
        let reply = rotate(&api, json!({"key": SECOND, "overlap_seconds": seconds})).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
    }
}

#[tokio::test]
async fn only_a_provider_of_the_configuration_can_have_a_key() {
    let api = api().await;
    for path in ["nothing", "..%2Fscripted", "scripted%23", "SCRIPTED"] {
        let path = format!("{LIST}/{path}");
        let reply = put(&api, ADA, &path, FIRST).await;
        assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{path}");
    }
    let reply = rotate(&api, json!({"key": FIRST})).await;
    assert_eq!(reply.status, 404, "there is nothing to rotate");
    let reply = api.delete(ADA, SCRIPTED).await;
    assert_eq!(reply.status, 404, "there is nothing to delete");
}

#[tokio::test]
async fn a_rotated_key_is_shown_as_the_previous_one_until_its_time_is_over() {
    let api = api().await;
    put(&api, ADA, SCRIPTED, FIRST).await;
    let rotated = rotate(&api, json!({"key": SECOND, "overlap_seconds": 60})).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    assert_eq!(rotated.body()["last4"], "0002");
    assert_eq!(rotated.body()["previous"]["last4"], "0001");
    assert_eq!(
        rotated.body()["previous"]["used_until"],
        "2026-01-01T00:01:00.000000Z"
    );
    api.app.clock.advance(Duration::from_secs(60));
    let listed = api.get(ADA, LIST).await.body();
    assert_eq!(listed["data"][0]["previous"], json!(null));
}

#[tokio::test]
async fn storing_a_key_forgets_the_ones_before_at_once() {
    let api = api().await;
    put(&api, ADA, SCRIPTED, FIRST).await;
    rotate(&api, json!({"key": SECOND})).await;
    let stored = put(&api, ADA, SCRIPTED, FIRST).await;
    assert_eq!(stored.body()["previous"], json!(null));
}

#[tokio::test]
async fn of_two_who_change_a_key_at_once_one_is_told() {
    let api = api().await;
    put(&api, ADA, SCRIPTED, FIRST).await;
    let changes = (0..6).map(|number| {
        let key = format!("sk-tenant-canary-racing-{number:04}");
        let api = &api;
        async move { put(api, ADA, SCRIPTED, &key).await.status.as_u16() }
    });
    let statuses = futures_util::future::join_all(changes).await;
    let made = statuses.iter().filter(|status| **status == 200).count();
    let told = statuses.iter().filter(|status| **status == 409).count();
    assert_eq!(made + told, 6, "{statuses:?}");
    let stored = trail(&api).await;
    let stored = stored
        .iter()
        .filter(|action| *action == "provider_credential_stored");
    assert_eq!(
        stored.count(),
        made + 1,
        "one record for each that was made"
    );
}

#[tokio::test]
async fn each_change_stands_once_in_the_trail() {
    let api = api().await;
    let before = trail(&api).await.len();
    put(&api, ADA, SCRIPTED, FIRST).await;
    rotate(&api, json!({"key": SECOND})).await;
    assert_eq!(api.delete(ADA, SCRIPTED).await.status, 204);
    assert_eq!(
        trail(&api).await[before..],
        [
            "provider_credential_stored",
            "provider_credential_rotated",
            "provider_credential_deleted"
        ]
    );
}

#[tokio::test]
async fn members_and_keys_may_neither_see_nor_change_what_the_tenant_brought() {
    let api = api().await;
    put(&api, ADA, SCRIPTED, FIRST).await;
    api.people.join("max", "ada", MembershipRole::Member).await;
    api.people.join("eve", "ada", MembershipRole::Admin).await;
    for path in [LIST, SCRIPTED] {
        let reply = match path {
            LIST => api.get(Some("max"), path).await,
            _ => put(&api, Some("max"), path, SECOND).await,
        };
        assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    }
    let key = api.people.api_key("ada", &[Scope::TenantRead]).await;
    let reply = api
        .send_with(
            None,
            axum::http::Method::GET,
            LIST,
            Body::Empty,
            &[("authorization", &format!("Bearer {key}"))],
        )
        .await;
    assert_eq!(reply.problem(), (403, "forbidden".to_owned()));
    assert_eq!(api.get(Some("eve"), LIST).await.status, 200);
}

#[tokio::test]
async fn what_is_no_name_is_nobody_s_name_and_is_not_looked_for() {
    let api = api().await;
    api.table.watch();
    for odd in ["x".repeat(4000), "%00".to_owned(), "a%23b".to_owned()] {
        let path = format!("{LIST}/{odd}");
        for (method, path, body) in [
            (Method::PUT, path.clone(), json!({"key": FIRST})),
            (
                Method::POST,
                format!("{path}/rotate"),
                json!({"key": FIRST}),
            ),
            (Method::DELETE, path, json!({})),
        ] {
            let reply = api.send(ADA, method.clone(), &path, Body::Json(body)).await;
            assert_eq!(reply.problem(), (404, "not-found".to_owned()), "{method}");
            let asked = format!("{:?}", api.table.take_asked());
            assert!(!asked.contains("PROVIDERKEY"), "{method}: {asked}");
        }
    }
}
