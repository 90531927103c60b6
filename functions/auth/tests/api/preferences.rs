//! `/api/v1/auth/me/preferences`

use axum::http::Method;
use serde_json::{Value, json};
use test_support::{Body, Reply, TestApi};

use crate::helpers::api;

const PATH: &str = "/api/v1/auth/me/preferences";
const ADA: Option<&str> = Some("ada");

async fn put(api: &TestApi, preferences: Value, if_match: Option<&str>) -> Reply {
    let body = Body::Json(json!({"preferences": preferences}));
    let headers: Vec<_> = if_match.iter().map(|tag| ("if-match", *tag)).collect();
    api.send_with(ADA, Method::PUT, PATH, body, &headers).await
}

#[tokio::test]
async fn what_a_client_keeps_for_a_person_comes_back() {
    let api = api().await;
    assert_eq!(api.get(ADA, PATH).await.body(), json!({"preferences": {}}));
    let kept = json!({"theme": "dark", "sizes": [1, 2.5], "nested": {"a": null}});
    let put = put(&api, kept.clone(), None).await;
    assert_eq!(put.status, 200, "{}", put.text);
    let got = api.get(ADA, PATH).await;
    assert_eq!(got.body(), json!({"preferences": kept}));
    assert_eq!(got.header("etag"), put.header("etag"));
    let other = api.get(Some("bob"), PATH).await;
    assert_eq!(other.body(), json!({"preferences": {}}), "everybody's own");
}

#[tokio::test]
async fn of_two_editors_with_the_same_version_one_is_told() {
    let api = api().await;
    let tag = put(&api, json!({"a": 1}), None)
        .await
        .header("etag")
        .to_owned();
    let (first, second) = tokio::join!(
        put(&api, json!({"a": 2}), Some(&tag)),
        put(&api, json!({"a": 3}), Some(&tag))
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    let won = if statuses[0] == 200 { 2 } else { 3 };
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    assert_eq!(api.get(ADA, PATH).await.body()["preferences"]["a"], won);
    assert_eq!(put(&api, json!({}), Some(&tag)).await.status, 412, "stale");
}

#[tokio::test]
async fn too_much_is_refused_and_nothing_is_lost() {
    let api = api().await;
    put(&api, json!({"a": 1}), None).await;
    let names = |count: usize| -> Value {
        let pairs = (0..count).map(|number| (number.to_string(), json!(0)));
        Value::Object(pairs.collect())
    };
    for wrong in [
        names(65),
        json!({"": 1}),
        json!({"n".repeat(65): 1}),
        json!({"a": "x".repeat(17_000)}),
        json!([]),
        json!(null),
    ] {
        let reply = put(&api, wrong, None).await;
        assert_eq!(reply.problem(), (422, "invalid-request".to_owned()));
    }
    assert_eq!(
        api.get(ADA, PATH).await.body()["preferences"],
        json!({"a": 1})
    );
    assert_eq!(put(&api, names(64), None).await.status, 200);
}
