//! `health --check`: the binary as an operator runs it.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use axum::Router;
use axum::http::Method;
use serde_json::json;
use stand_ins::secrets::LocalSecrets;
use test_support::{TestApi, settings};

/// The exit status and what was printed, with exactly these variables.
async fn check(variables: BTreeMap<&'static str, String>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_health"));
    command.arg("--check").env_clear().envs(variables);
    command.stdin(Stdio::null());
    // The stand-ins that it asks run on this thread.
    let output = tokio::task::spawn_blocking(move || command.output()).await;
    let output = output.expect("no panic").expect("it runs");
    let printed = String::from_utf8(output.stdout).expect("UTF-8");
    (output.status.code(), printed)
}

/// A bucket and two queues that are there, and say nothing else.
async fn storage() -> String {
    let answer = async |method: Method| match method {
        Method::HEAD => String::new(),
        _ => json!({"Attributes": {"QueueArn": "arn:aws:sqs:us-east-1:000000000000:jobs"}})
            .to_string(),
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn secrets(manager: &LocalSecrets, data_keys: &str) {
    let ring = r#"{"bootstrap":"a text that is long enough to be a key in tests"}"#;
    let secrets = [
        ("signing-keys", ring),
        ("data-keys", data_keys),
        ("provider-keys", "{}"),
    ];
    for (name, value) in secrets {
        let token = "00000000-0000-0000-0000-000000000000";
        let new = json!({"Name": name, "SecretString": value, "ClientRequestToken": token});
        manager.call("CreateSecret", &new).expect("a secret");
    }
}

/// The settings, and where the stand-ins are.
fn variables(
    api: &TestApi,
    manager: &LocalSecrets,
    storage: &str,
) -> BTreeMap<&'static str, String> {
    let mut variables = settings();
    variables.extend([
        ("QUEUE_URL", format!("{storage}/queue")),
        ("MAIL_QUEUE_URL", format!("{storage}/mail")),
        ("RUN_QUEUE_URL", format!("{storage}/runs")),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_ENDPOINT_URL", storage.to_owned()),
        ("AWS_ENDPOINT_URL_DYNAMODB", api.table.url.clone()),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", manager.url.clone()),
    ]);
    variables
}

#[tokio::test]
async fn every_fault_of_the_settings_is_told_at_once() {
    let (status, printed) = check(BTreeMap::new()).await;
    assert_eq!(status, Some(1), "{printed}");
    for name in ["STAGE", "TABLE_NAME", "TOKEN_ISSUER", "PROVIDERS", "LIMITS"] {
        assert!(
            printed.contains(&format!("WRONG {name} ")),
            "{name}: {printed}"
        );
    }
}

#[tokio::test]
async fn what_can_be_reached_and_is_good_is_ok() {
    let api = TestApi::new(health::router_with).await;
    let manager = LocalSecrets::start().await.expect("a port");
    secrets(
        &manager,
        r#"{"bootstrap":"a text that is long enough to be a data key in tests"}"#,
    );
    let (status, printed) = check(variables(&api, &manager, &storage().await)).await;
    assert_eq!(status, Some(0), "{printed}");
    assert_eq!(
        printed
            .lines()
            .filter(|line| line.starts_with("ok    "))
            .count(),
        9,
        "{printed}"
    );
}

#[tokio::test]
async fn what_can_t_be_used_is_told_with_its_cause_and_without_its_value() {
    let api = TestApi::new(health::router_with).await;
    let manager = LocalSecrets::start().await.expect("a port");
    secrets(&manager, r#"{"bootstrap":"hunter2"}"#);
    let (status, printed) = check(variables(&api, &manager, "http://127.0.0.1:9")).await;
    assert_eq!(status, Some(1), "{printed}");
    for name in ["table", "signing_keys", "provider_keys"] {
        assert!(
            printed.contains(&format!("ok    {name} (")),
            "{name}: {printed}"
        );
    }
    for name in ["data_keys", "bucket", "queue", "mail_queue", "run_queue"] {
        assert!(
            printed.contains(&format!("WRONG {name}: ")),
            "{name}: {printed}"
        );
    }
    assert!(!printed.contains("hunter2"), "{printed}");
}
