//! The trail across functions.

use futures_util::future::join_all;
use serde_json::{Value, json};
use test_support::TestApi;

const PASSWORD: &str = "correct horse battery staple";

async fn registered() -> TestApi {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let account = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    let reply = api.post(None, "/api/v1/auth/register", account).await;
    assert_eq!(reply.status, 202, "{}", reply.text);
    api
}

async fn log_in(api: &TestApi) -> test_support::Reply {
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    api.post(None, "/api/v1/auth/login", login).await
}

#[tokio::test]
async fn twenty_logins_at_once_are_twenty_records_of_one_chain() {
    let here = registered().await;
    let there = here.elsewhere(auth::router);
    let logins = (0..20).map(async |number| {
        let process = if number % 2 == 0 { &here } else { &there };
        log_in(process).await
    });
    let replies = join_all(logins).await;
    for reply in &replies {
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    let audit = here.beside(audit::router);
    let access = replies[0].body()["access_token"].clone();
    let access = access.as_str().expect("a token");
    let ask = async |path: &str| -> Value {
        let (get, body) = (axum::http::Method::GET, test_support::Body::Empty);
        let reply = audit.send_as(access, get, path, body).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.body()
    };
    let list = ask("/api/v1/audit?action=login_succeeded&limit=100").await;
    let records = list["data"].as_array().expect("a list");
    let numbers: Vec<u64> = records
        .iter()
        .filter_map(|record| record["sequence"].as_u64())
        .collect();
    assert_eq!(numbers.len(), 20);
    let newest = numbers[0];
    let expected: Vec<u64> = (0..20).map(|back| newest - back).collect();
    assert_eq!(numbers, expected, "without gaps");
    assert_eq!(ask("/api/v1/audit/verify").await["verified"], true);
}

#[tokio::test]
async fn nobody_is_logged_in_where_the_trail_can_not_be_told() {
    let api = registered().await;
    let sessions = async || api.table.dump().await.matches("\"SESSION#").count();
    api.table.refuse_writes_under("AUDIT#");
    let reply = log_in(&api).await;
    assert_eq!(reply.problem().0, 500);
    assert!(!reply.text.contains("access_token"));
    assert_eq!(sessions().await, 0);
    api.table.heal();
    assert_eq!(log_in(&api).await.status, 200);
    assert_eq!(sessions().await, 1);
}
