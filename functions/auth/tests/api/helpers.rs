//! What the tests of this group say often.

use serde_json::{Value, json};
use test_support::{Reply, TestApi};

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
