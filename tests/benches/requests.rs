//! What requests cost: calls and capacity units of the table, which hold for every machine; and how long a login
//! takes beside its hash, and whether it takes longer for an address that has an account.
//!
//! `cargo bench --profile dev --bench requests`: hashing is optimized in `dev` too, and units are the same in all.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and one that can't go on has failed"
)]

use std::time::{Duration, Instant};

use axum::http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::auth::PasswordHasher;
use shared::model::{Password, Scope};
use test_support::{Body, Reply, TestApi, template};

const MODELS: &str = "/api/v1/models";
const LOGIN: &str = "/api/v1/auth/login";
const REFRESH: &str = "/api/v1/auth/refresh";
const EMAIL: &str = "ada@example.com";
const PASSWORD: &str = "correct horse battery staple";
const PAIRS: usize = 200;

#[tokio::main]
async fn main() {
    println!(
        "{:<44}{:>7}{:>12}{:>12}{:>10}",
        "request", "calls", "read units", "write units", "counting"
    );
    access_tokens_and_keys().await;
    logins().await;
    println!(
        "\nUnits are the table's own figures, counting is one write unit for each policy. A turn's and a \
         listing's follow from what they read.\n"
    );
    times().await;
}

async fn access_tokens_and_keys() {
    let api = TestApi::with_limits(&limits(), |app, _| models::router(app)).await;
    let token = api.token("ada").await;
    let key = api.people.api_key("ada", &[Scope::ModelsRead]).await;
    for (what, token) in [("an access token", &token), ("an API key", &key)] {
        let process = api.elsewhere(models::router);
        for when in ["first in a process", "again"] {
            api.table.take_calls();
            api.table.take_counted();
            let reply = process.bear(token, Method::GET, MODELS, Body::Empty).await;
            row(&api, &reply, &format!("GET models, {what}, {when}"));
        }
    }
}

async fn logins() {
    let api = TestApi::with_limits(&limits(), |app, _| auth::router(app)).await;
    let send = |path: &'static str, body: Value| {
        let api = &api;
        async move {
            api.table.take_calls();
            api.table.take_counted();
            api.post(None, path, body).await
        }
    };
    let person = json!({"email": EMAIL, "password": PASSWORD});
    let reply = send("/api/v1/auth/register", person.clone()).await;
    row(&api, &reply, "POST register");
    let reply = send(LOGIN, person).await;
    row(&api, &reply, "POST login");
    let tokens = reply.body();
    let reply = send(LOGIN, json!({"email": EMAIL, "password": "wrong"})).await;
    row(&api, &reply, "POST login, wrong password");
    let reply = send(REFRESH, json!({"refresh_token": tokens["refresh_token"]})).await;
    row(&api, &reply, "POST refresh");
    let reply = send(
        "/api/v1/auth/password-reset/request",
        json!({"email": EMAIL}),
    )
    .await;
    row(&api, &reply, "POST password-reset/request");
}

/// One line, of what the table was asked since it was asked last.
fn row(api: &TestApi, reply: &Reply, what: &str) {
    let calls = api.table.take_calls();
    let counting = api.table.take_counted().len();
    let is_read = |operation: &str| ["GetItem", "Query", "BatchGetItem"].contains(&operation);
    let units = |reads: bool| -> f64 {
        let wanted = calls
            .iter()
            .filter(|call| is_read(&call.operation) == reads);
        wanted
            .map(|call| call.units)
            .fold(0.0, |sum, units| sum + units)
    };
    println!(
        "{:<44}{:>7}{:>12.1}{:>12.1}{:>10}   {}",
        what,
        calls.len(),
        units(true),
        units(false),
        counting,
        reply.status
    );
}

async fn times() {
    let hasher = PasswordHasher::new().expect("a hasher");
    let password = Password::to_check(SecretString::from(PASSWORD)).expect("a password");
    let mut hashes = Vec::new();
    for _ in 0..PAIRS / 4 {
        let start = Instant::now();
        hasher.hash(password.clone()).await.expect("a hash");
        hashes.push(start.elapsed());
    }
    let api = TestApi::new(|app, _| auth::router(app)).await;
    let person = |email: &str, password: &str| json!({"email": email, "password": password});
    let made = api
        .post(None, "/api/v1/auth/register", person(EMAIL, PASSWORD))
        .await;
    assert_eq!(made.status, 202);
    let (mut good, mut known, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    for pair in 0..PAIRS {
        let nobody = format!("nobody-{pair}@example.com");
        // A good login between them, so that neither address is ever locked.
        good.push(timed(&api, person(EMAIL, PASSWORD), 200).await);
        let (first, second) = (person(EMAIL, "wrong"), person(&nobody, "wrong"));
        if pair % 2 == 0 {
            known.push(timed(&api, first, 401).await);
            unknown.push(timed(&api, second, 401).await);
        } else {
            unknown.push(timed(&api, second, 401).await);
            known.push(timed(&api, first, 401).await);
        }
    }
    let hash = median(hashes);
    let (known, unknown) = (median(known), median(unknown));
    println!("one hash                                {hash:>8.2} ms");
    println!(
        "login                                   {:>8.2} ms",
        median(good)
    );
    println!("wrong password, address with account    {known:>8.2} ms");
    println!("wrong password, address without         {unknown:>8.2} ms");
    let share = (known - unknown).abs() / hash * 100.0;
    println!("their difference                        {share:>8.2} % of a hash");
    println!("\nMedians of {PAIRS}, taken in turns, through the router on an embedded table.");
}

async fn timed(api: &TestApi, body: Value, status: u16) -> Duration {
    let start = Instant::now();
    let reply = api.post(None, LOGIN, body).await;
    let time = start.elapsed();
    assert_eq!(reply.status, status, "{}", reply.text);
    time
}

/// In milliseconds.
fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1000.0
}

/// The limits that are deployed.
fn limits() -> Value {
    let text = template()["Parameters"]["Limits"]["Default"].clone();
    serde_json::from_str(text.as_str().expect("a text")).expect("JSON")
}
