//! `cargo lambda invoke` with a sample of each function.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::client::Client;
use crate::stack::{Stack, repository};

/// A sample of each function that is good without preparation, and the status that it answers.
const SAMPLES: [(&str, &str, u16); 13] = [
    ("health", "health/live.json", 200),
    ("health", "health/ready.json", 200),
    ("api-keys", "api-keys/list.json", 401),
    ("audit", "audit/list.json", 401),
    ("auth", "auth/register.json", 202),
    ("auth", "auth/login.json", 200),
    ("conversations", "conversations/list.json", 401),
    ("identity-providers", "identity-providers/list.json", 401),
    ("jobs", "jobs/list.json", 401),
    ("knowledge-bases", "knowledge-bases/list.json", 401),
    ("models", "models/list.json", 401),
    (
        "provider-credentials",
        "provider-credentials/list.json",
        401,
    ),
    ("tenants", "tenants/list.json", 401),
];

pub(crate) async fn invoke_answers(stack: &Stack, client: &Client) {
    for (function, sample, status) in SAMPLES {
        let answer = invoke(stack, function, &repository().join("events").join(sample));
        let answer: Value = serde_json::from_str(&answer).expect("JSON");
        assert_eq!(answer["statusCode"], status, "{sample}: {answer}");
    }
    let sweep = invoke(
        stack,
        "mailer",
        &repository().join("events/mailer/sweep.json"),
    );
    assert!(sweep.contains("given_up"), "{sweep}");
    let sweep = invoke(
        stack,
        "run-worker",
        &repository().join("events/run-worker/sweep.json"),
    );
    assert!(sweep.contains("told"), "{sweep}");
    let sweep = invoke(
        stack,
        "job-worker",
        &repository().join("events/job-worker/sweep.json"),
    );
    assert!(sweep.contains("told"), "{sweep}");
    // The command takes any status but 200 of a function that streams for a failure, so: a stream.
    let sample = repository().join("events/chat/send_message_as_stream.json");
    let sample = std::fs::read_to_string(sample).expect("a sample");
    let path = client.conversation("scripted").await;
    let id = path.split('/').nth(4).expect("an id");
    let sample = with_token(&with_conversation(&sample, id), client.token());
    let file = repository().join(".chatter/e2e/send_message.json");
    std::fs::write(&file, sample).expect("a file");
    let answer = invoke(stack, "chat", &file);
    assert!(
        answer.contains("event: start") && answer.contains("event: done"),
        "{answer}"
    );
    assert_eq!(client.messages(&path).await.len(), 2);
}

fn invoke(stack: &Stack, function: &str, event: &Path) -> String {
    let port = stack.api.rsplit(':').next().expect("a port");
    let output = Command::new(repository().join(".chatter/venv/bin/cargo-lambda"))
        .args([
            "lambda",
            "invoke",
            "--invoke-address",
            "127.0.0.1",
            "--invoke-port",
            port,
            function,
        ])
        .arg("--data-file")
        .arg(event)
        .output()
        .expect("cargo-lambda is installed");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}: {text}{errors}",
        event.display()
    );
    text
}

/// The sample with this conversation in place of its own.
fn with_conversation(sample: &str, id: &str) -> String {
    let (_, from) = sample.split_once("conv_").expect("a conversation");
    let own: String = from.chars().take_while(char::is_ascii_hexdigit).collect();
    sample.replace(&format!("conv_{own}"), id)
}

fn with_token(sample: &str, token: &str) -> String {
    let mut event: Value = serde_json::from_str(sample).expect("JSON");
    let value = format!("Bearer {token}");
    event["headers"]["Authorization"] = json!(value);
    event["multiValueHeaders"]["Authorization"] = json!([value]);
    event.to_string()
}
