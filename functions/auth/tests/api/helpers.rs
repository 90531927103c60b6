//! What the tests of this group say often.

use axum::http::Method;
use serde_json::{Value, json};
use shared::auth::PasswordHasher;
use test_support::{Body, Reply, TestApi};

/// A password that is good enough.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// The function on a new table.
pub(crate) async fn api() -> TestApi {
    TestApi::new(|app, _| auth::router(app)).await
}

/// Registers a person.
pub(crate) async fn register(api: &TestApi, email: &str) -> Reply {
    api.post(
        None,
        "/api/v1/auth/register",
        json!({"email": email, "password": PASSWORD, "name": "Ada"}),
    )
    .await
}

/// Logs a person in.
pub(crate) async fn log_in(api: &TestApi, email: &str, password: &str) -> Reply {
    api.post(
        None,
        "/api/v1/auth/login",
        json!({"email": email, "password": password}),
    )
    .await
}

/// Registers and logs in, and gives the tokens.
pub(crate) async fn tokens(api: &TestApi) -> Value {
    register(api, "ada@example.com").await;
    let reply = log_in(api, "ada@example.com", PASSWORD).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.body()
}

/// A member that is a string.
pub(crate) fn text(body: &Value, name: &str) -> String {
    body[name].as_str().expect(name).to_owned()
}

/// Sends a request with an access token.
pub(crate) async fn with_token(
    api: &TestApi,
    token: &str,
    (method, path): (Method, &str),
    body: Value,
) -> Reply {
    let bearer = format!("Bearer {token}");
    let body = if body.is_null() {
        Body::Empty
    } else {
        Body::Json(body)
    };
    api.send_with(None, method, path, body, &[("authorization", &bearer)])
        .await
}

/// Whether an access token still says who somebody is.
pub(crate) async fn is_alive(api: &TestApi, token: &str) -> bool {
    let me = with_token(api, token, (Method::GET, "/api/v1/auth/me"), Value::Null).await;
    match me.status.as_u16() {
        200 => true,
        401 => false,
        status => panic!("{status}: {}", me.text),
    }
}

/// Whether a refresh token gives new ones.
pub(crate) async fn refreshes(api: &TestApi, token: &str) -> bool {
    let body = json!({"refresh_token": token});
    let reply = api.post(None, "/api/v1/auth/refresh", body).await;
    reply.status == 200
}

/// The token in the newest letter to that address.
pub(crate) async fn mailed_token(api: &TestApi, email: &str) -> String {
    let letters = api.letters().await;
    let mut own = letters.iter().rev().filter(|(to, ..)| to == email);
    let (_, _, text) = own.next().expect("a letter");
    let (_, token) = text.split_once("#token=").expect("a link");
    token.lines().next().expect("a token").to_owned()
}

/// The subjects of the letters to that address, oldest first.
pub(crate) async fn subjects(api: &TestApi, email: &str) -> Vec<String> {
    let letters = api.letters().await.into_iter();
    let own = letters.filter(|(to, ..)| to == email);
    own.map(|(_, subject, _)| subject).collect()
}

/// What stands in the trail of the tenant of that access token, oldest first.
pub(crate) async fn trail(api: &TestApi, token: &str) -> Vec<String> {
    let (caller, _) = api.app.authenticator.caller(token).await.expect("a caller");
    let store = api.app.store.of(&caller);
    let days = ("2026-01-01", "2026-12-31");
    let records = store.audit_list(days, None, 1000, |_| true).await;
    let records = records.expect("a trail").records.into_iter().rev();
    let action = |action| serde_json::to_value(action).expect("JSON");
    records
        .map(|record| action(record.action).as_str().expect("a name").to_owned())
        .collect()
}

/// The function where addresses must be proved.
pub(crate) fn strict(api: &TestApi) -> TestApi {
    let mut config = shared::config::Config::clone(&api.app.config);
    config.email_verification_required = true;
    let app = shared::App {
        config: std::sync::Arc::new(config),
        ..api.app.clone()
    };
    let mut strict = api.beside(|_| auth::router(app.clone()));
    strict.app = app;
    strict
}

/// The function with a hasher whose work is counted.
pub(crate) fn counted(api: &TestApi) -> (TestApi, PasswordHasher) {
    let hasher = PasswordHasher::new().expect("a hasher");
    let counting = hasher.clone();
    let api = api.beside(|app| auth::router_with(app, hasher));
    (api, counting)
}

/// A reply without what differs from one to the next: the request's id, and what is left of a limit.
pub(crate) fn bare(reply: &Reply) -> (u16, Value, axum::http::HeaderMap) {
    let mut body = reply.body();
    body["request_id"] = Value::Null;
    let mut headers = reply.headers.clone();
    headers.remove("x-request-id");
    headers.remove("traceparent");
    headers.remove("ratelimit");
    (reply.status.as_u16(), body, headers)
}
