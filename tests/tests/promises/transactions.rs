//! What becomes of a transaction that did not go through: it is made again where that may help, and what a client
//! must know is told in the way that the document says.

use axum::http::Method;
use serde_json::{Value, json};
use shared::model::MembershipRole;
use test_support::{Asked, Body, Fault, Reply, TestApi};

use crate::logs::{captured, parsed};

const ADA: Option<&str> = Some("ada");
const WRITE: &str = "TransactWriteItems";
const CONFLICT: Fault = Fault::Cancelled("TransactionConflict");

/// The tenants, and the path of the one that Ada owns.
async fn tenant() -> (TestApi, String) {
    let api = TestApi::new(|app, _| tenants::router(app)).await;
    let path = format!("/api/v1/tenants/{}", api.people.get("ada").await.tenant);
    (api, path)
}

async fn rename(api: &TestApi, path: &str, name: &str) -> Reply {
    let body = Body::Json(json!({"name": name}));
    api.send_with(ADA, Method::PATCH, path, body, &[("if-match", "*")])
        .await
}

/// The tokens of the transactions that were asked for, in order.
fn tokens(asked: &[Asked]) -> Vec<String> {
    let writes = asked.iter().filter(|asked| asked.operation == WRITE);
    let token = |asked: &Asked| {
        asked.request["ClientRequestToken"]
            .as_str()
            .map(str::to_owned)
    };
    writes.map(|asked| token(asked).expect("a token")).collect()
}

/// The mail of someone who asks for it without an account: a transaction without an event.
async fn ask_for_a_mail(api: &TestApi) -> Reply {
    let body = json!({"email": "nobody@example.com"});
    api.post(None, "/api/v1/auth/password-reset/request", body)
        .await
}

/// How many mails wait.
async fn mails(api: &TestApi) -> usize {
    api.table.dump().await.matches("\"OUTBOX#").count()
}

#[tokio::test]
async fn a_transaction_that_meets_others_is_made_again_with_the_same_token() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    api.table.watch();
    for met in 0..4 {
        api.table.fail(WRITE, CONFLICT, met);
        let reply = ask_for_a_mail(&api).await;
        assert_eq!(reply.status, 202, "{}", reply.text);
        let mut tokens = tokens(&api.table.take_asked());
        assert_eq!(tokens.len(), met + 1);
        tokens.dedup();
        assert_eq!(tokens.len(), 1, "another token could be another write");
        assert_eq!(mails(&api).await, met + 1, "one mail for each request");
    }
}

#[tokio::test]
async fn a_transaction_that_meets_others_for_too_long_is_told_with_when_to_come_back() {
    let api = TestApi::new(|app, _| auth::router(app)).await;
    for code in [
        "TransactionConflict",
        "ThrottlingError",
        "ProvisionedThroughputExceeded",
    ] {
        api.table.watch();
        api.table.fail(WRITE, Fault::Cancelled(code), 1000);
        let reply = ask_for_a_mail(&api).await;
        assert_eq!(reply.problem(), (503, "unavailable".to_owned()), "{code}");
        assert_eq!(reply.header("retry-after"), "1");
        let tokens = tokens(&api.table.take_asked());
        assert_eq!(tokens.len(), 4, "{code}: it ends");
        api.table.heal();
    }
    assert_eq!(mails(&api).await, 0);
    assert_eq!(ask_for_a_mail(&api).await.status, 202);
}

#[tokio::test]
async fn a_change_that_meets_others_is_made_and_recorded_once() {
    let (api, path) = tenant().await;
    let records = async || api.table.dump().await.matches("\"previous_hash\"").count();
    let before = records().await;
    api.table.fail(WRITE, CONFLICT, 6);
    let reply = rename(&api, &path, "Engines").await;
    assert_eq!(reply.body()["name"], "Engines", "{}", reply.text);
    assert_eq!(reply.header("etag"), "\"2\"");
    assert_eq!(records().await, before + 1);
}

#[tokio::test]
async fn a_condition_that_failed_is_told_as_the_document_says() {
    let (api, path) = tenant().await;
    let bob = api.people.join("bob", "ada", MembershipRole::Member).await;
    let failed = Fault::Cancelled("ConditionalCheckFailed");
    let member = format!("{path}/members/{}", bob.user);
    let role = Body::Json(json!({"role": "viewer"}));
    let name = Body::Json(json!({"name": "Engines"}));
    for (method, path, body, told) in [
        (Method::PATCH, &path, name, (412, "precondition-failed")),
        (Method::PATCH, &member, role, (503, "unavailable")),
        (Method::DELETE, &member, Body::Empty, (409, "conflict")),
    ] {
        api.table.watch();
        api.table.fail(WRITE, failed, 1000);
        let headers = [("if-match", "*")];
        let reply = api
            .send_with(ADA, method.clone(), path, body, &headers)
            .await;
        assert_eq!(reply.problem(), (told.0, told.1.to_owned()), "{method}");
        // Who named a version wants that one; else it is looked again a few times what there is now.
        let tries = tokens(&api.table.take_asked()).len();
        let most = if told.0 == 412 { 1 } else { 5 };
        assert!(tries <= most, "{method} {path}: {tries}");
        api.table.heal();
    }
}

#[tokio::test]
async fn a_token_that_belongs_to_another_transaction_is_a_fault_with_an_alarm() {
    let captured = captured();
    let api = TestApi::new(|app, _| auth::router(app)).await;
    api.table.watch();
    api.table.fail(WRITE, Fault::TokenTaken, 1);
    let reply = ask_for_a_mail(&api).await;
    assert_eq!(reply.problem(), (500, "internal".to_owned()));
    assert_eq!(tokens(&api.table.take_asked()).len(), 1, "no second try");
    assert_eq!(mails(&api).await, 0);
    let lines: Vec<Value> = parsed(&captured.text());
    let alarms = lines
        .iter()
        .filter(|line| line["alarm"] == "transaction-token" && line["level"] == "ERROR");
    assert_eq!(alarms.count(), 1);
}
