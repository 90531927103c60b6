//! `POST /api/v1/conversations` and `GET /api/v1/conversations/{id}`

use serde_json::json;

use crate::helpers::{ADA, PATH, api};

#[tokio::test]
async fn a_conversation_is_found_where_its_location_says() {
    let api = api().await;
    let new = json!({"title": "  Oslo ", "model": "large", "system_prompt": "Be brief.\nBe kind."});
    let created = api.post(ADA, PATH, new).await;
    assert_eq!(created.status, 201, "{}", created.text);
    let found = api.get(ADA, created.location()).await;
    assert_eq!(found.status, 200);
    assert_eq!(found.body(), created.body());
    assert_eq!(
        (found.header("etag"), created.header("etag")),
        ("\"1\"", "\"1\"")
    );
    insta::assert_json_snapshot!(found.body(), { ".id" => "[conversation]" }, @r#"
    {
      "active_at": "2026-01-01T00:00:00.000000Z",
      "created_at": "2026-01-01T00:00:00.000000Z",
      "id": "[conversation]",
      "metadata": {},
      "model": "large",
      "settings": {},
      "status": "active",
      "system_prompt": "Be brief.\nBe kind.",
      "title": "Oslo"
    }
    "#);
}

#[tokio::test]
async fn every_field_may_be_left_out() {
    let api = api().await;
    let created = api.post(ADA, PATH, json!({})).await;
    assert_eq!(created.status, 201);
    assert_eq!(created.body()["title"], json!(null));
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_by_name_and_nothing_is_written() {
    let api = api().await;
    for (field, value) in [
        ("title", json!("")),
        ("title", json!("x".repeat(201))),
        ("title", json!("a\u{0}b")),
        ("title", json!(["Oslo"])),
        ("model", json!("no-such-model")),
        ("system_prompt", json!(" \n ")),
        ("system_prompt", json!("x".repeat(32_001))),
        ("owner", json!("bob")),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("id", json!("conv_0199f0a0b1c27d3e8f405162738495a6")),
    ] {
        let reply = api.post(ADA, PATH, json!({field: value})).await;
        assert_eq!(
            reply.problem(),
            (422, "invalid-request".to_owned()),
            "{field}"
        );
        assert_eq!(reply.errors()[0].0, format!("/{field}"));
    }
    let calls = api.table.take_calls();
    let reads = calls.iter().map(|call| call.operation.as_str());
    assert_eq!(
        reads.collect::<Vec<_>>(),
        ["BatchGetItem", "GetItem"],
        "only who calls was read and what the tenant says about models, and once"
    );
}
