//! What API keys may do and what no token leaves behind, on all functions.

use std::collections::BTreeSet;

use axum::http::Method;
use promises::{FUNCTIONS, real_path};
use serde_json::{Value, json};
use shared::auth::policy::{KeyAccess, RULES};
use shared::model::Scope;
use test_support::{Body, TestApi};

/// What programs never do for people, whatever a rule says one day.
const NEVER_WITH_A_KEY: [&str; 9] = [
    "POST /api/v1/api-keys",
    "PATCH /api/v1/api-keys/{api_key_id}",
    "POST /api/v1/api-keys/{api_key_id}/rotate",
    "PUT /api/v1/auth/me/password",
    "PUT /api/v1/auth/me/email",
    "PATCH /api/v1/auth/me",
    "DELETE /api/v1/auth/me",
    "POST /api/v1/auth/switch-tenant",
    "POST /api/v1/auth/logout-all",
];

#[test]
fn keys_stay_away_from_keys_passwords_addresses_and_sessions() {
    for operation in NEVER_WITH_A_KEY {
        let (method, path) = operation.split_once(' ').expect("a method");
        let rule = RULES
            .iter()
            .find(|rule| (rule.method, rule.path) == (method, path));
        let rule = rule.unwrap_or_else(|| panic!("{operation} has no rule"));
        assert_eq!(rule.keys, KeyAccess::No, "{operation}");
    }
    for rule in RULES.iter().filter(|rule| rule.session_only) {
        assert_eq!(rule.keys, KeyAccess::No, "{} {}", rule.method, rule.path);
    }
}

#[tokio::test]
async fn a_key_with_all_scopes_of_an_owner_is_refused_where_keys_may_not() {
    let mut tried = BTreeSet::new();
    for function in FUNCTIONS {
        let api = TestApi::new(function.router).await;
        let key = api.people.api_key("ada", &Scope::ALL).await;
        let paths = (function.openapi)().paths.paths;
        let closed = RULES.iter().filter(|rule| rule.keys == KeyAccess::No);
        for rule in closed.filter(|rule| paths.contains_key(rule.path)) {
            let method: Method = rule.method.parse().expect("a method");
            let path = real_path(rule.path);
            let reply = api
                .send_as(&key, method, &path, Body::Json(json!({})))
                .await;
            if reply.status == 405 {
                // The path is there, and another function or nobody has this method yet.
                continue;
            }
            let forbidden = (403, "forbidden".to_owned());
            assert_eq!(reply.problem(), forbidden, "{} {}", rule.method, rule.path);
            tried.insert(format!("{} {}", rule.method, rule.path));
        }
    }
    for operation in NEVER_WITH_A_KEY {
        assert!(tried.contains(operation), "{operation} was not tried");
    }
}

const PASSWORD: &str = "correct horse battery staple";

/// The last word of the newest letter's links and lines that looks like a token.
fn tokens_in(letters: &[(String, String, String)]) -> Vec<String> {
    let words = letters
        .iter()
        .flat_map(|(_, _, text)| text.split(|c: char| c.is_whitespace() || "=&?#\"".contains(c)));
    let long = words.filter(|word| word.len() >= 40 && !word.contains("://"));
    long.map(str::to_owned).collect()
}

#[tokio::test]
async fn no_token_that_was_ever_given_out_stands_in_the_table() {
    let auth = TestApi::new(|app, _| auth::router(app)).await;
    let keys = auth.beside(api_keys::router);
    let post = async |path: &str, body: Value| auth.post(None, path, body).await.body();
    let account = json!({"email": "ada@example.com", "password": PASSWORD, "name": "Ada"});
    post("/api/v1/auth/register", account).await;
    let login = json!({"email": "ada@example.com", "password": PASSWORD});
    let first = post("/api/v1/auth/login", login).await;
    let again = json!({"refresh_token": first["refresh_token"]});
    let second = post("/api/v1/auth/refresh", again).await;
    post(
        "/api/v1/auth/password-reset/request",
        json!({"email": "ada@example.com"}),
    )
    .await;
    let access = second["access_token"].as_str().expect("a token");
    let new = json!({"name": "import", "scopes": ["models:read"]});
    let path = "/api/v1/api-keys";
    let created = keys
        .send_as(access, Method::POST, path, Body::Json(new))
        .await;
    let created = created.body();
    let path = format!("{path}/{}/rotate", created["id"].as_str().expect("an id"));
    let overlap = Body::Json(json!({"overlap_seconds": 60}));
    let rotated = keys
        .send_as(access, Method::POST, &path, overlap)
        .await
        .body();

    let letters = auth.letters().await;
    let mailed = tokens_in(&letters);
    assert!(
        mailed.len() >= 2,
        "one to verify and one to reset: {letters:?}"
    );
    let mut tokens: Vec<String> = mailed;
    for (body, name) in [
        (&first, "refresh_token"),
        (&second, "refresh_token"),
        (&first, "access_token"),
        (&second, "access_token"),
        (&created, "key"),
        (&rotated, "key"),
    ] {
        tokens.push(body[name].as_str().expect(name).to_owned());
    }
    let dump = auth.table.dump().await;
    assert!(
        dump.contains("SESSION#") && dump.contains("APIKEY#"),
        "{dump}"
    );
    for token in tokens {
        // The secret stands at the end of each of them.
        let secret = &token[token.len() - 20..];
        assert!(!dump.contains(&token) && !dump.contains(secret), "{token}");
    }
    assert!(!dump.contains(PASSWORD));
}
