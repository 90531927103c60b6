//! `PATCH /api/v1/conversations/{id}`

use axum::http::Method;
use serde_json::json;
use test_support::Body;

use crate::helpers::{ADA, PATH, api, create};

#[tokio::test]
async fn only_what_is_sent_changes() {
    let api = api().await;
    let created = api
        .post(ADA, PATH, json!({"title": "Oslo", "model": "large"}))
        .await;
    let path = created.location();
    let changed = api.patch(ADA, path, json!({"title": "Bergen"})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(
        (&changed.body()["title"], &changed.body()["model"]),
        (&json!("Bergen"), &json!("large"))
    );
    assert_eq!(changed.header("etag"), "\"2\"");
    assert_eq!(api.get(ADA, path).await.body(), changed.body());
}

#[tokio::test]
async fn null_takes_a_field_away() {
    let api = api().await;
    let new = json!({"title": "Oslo", "model": "large", "system_prompt": "Be brief."});
    let created = api.post(ADA, PATH, new).await;
    let path = created.location();
    let reply = api
        .patch(
            ADA,
            path,
            json!({"title": null, "model": null, "system_prompt": null}),
        )
        .await;
    let found = api.get(ADA, path).await.body();
    assert_eq!(found, reply.body());
    for field in ["title", "model", "system_prompt"] {
        assert_eq!(found[field], json!(null), "{field}");
    }
}

#[tokio::test]
async fn what_breaks_a_rule_changes_nothing() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let before = api.get(ADA, &path).await.body();
    for (field, value) in [
        ("title", json!("")),
        ("model", json!("no-such-model")),
        ("status", json!("deleted")),
        ("status", json!(null)),
        ("version", json!(7)),
        ("owner", json!("bob")),
    ] {
        let reply = api
            .patch(
                ADA,
                &path,
                json!({field: value, "system_prompt": "changed"}),
            )
            .await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{field}"
        );
        assert_eq!(reply.errors()[0].0, format!("/{field}"), "{}", reply.text);
    }
    assert_eq!(api.get(ADA, &path).await.body(), before);
}

#[tokio::test]
async fn of_two_editors_of_one_version_the_second_is_told() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let edit = async |title: &str| {
        let body = Body::Json(json!({"title": title}));
        api.send_with(ADA, Method::PATCH, &path, body, &[("if-match", "\"1\"")])
            .await
    };
    assert_eq!(edit("Bergen").await.status, 200);
    assert_eq!(
        edit("Tromsø").await.problem(),
        (412, "precondition-failed".to_owned())
    );
    assert_eq!(api.get(ADA, &path).await.body()["title"], "Bergen");
}

#[tokio::test]
async fn changes_at_once_without_a_version_are_all_made() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let edits = [
        json!({"title": "Bergen"}),
        json!({"model": "large"}),
        json!({"status": "archived"}),
    ];
    let edits = edits.into_iter().map(|edit| api.patch(ADA, &path, edit));
    for reply in futures_util::future::join_all(edits).await {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let found = api.get(ADA, &path).await;
    assert_eq!(found.header("etag"), "\"4\"");
    let body = found.body();
    assert_eq!(
        (&body["title"], &body["model"], &body["status"]),
        (&json!("Bergen"), &json!("large"), &json!("archived"))
    );
}
