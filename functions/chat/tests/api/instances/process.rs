//! The function's own program, started as Lambda starts it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use stand_ins::runtime_api::RuntimeApi;
use stand_ins::secrets::LocalSecrets;
use test_support::{DATA_KEYS, SIGNING_KEYS, TestApi, settings};

/// The running program, until it is dropped.
#[derive(Debug)]
pub(crate) struct Process {
    /// What it asks for events.
    pub(crate) lambda: RuntimeApi,
    child: Child,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Process {
    /// With the table of `api` and that model provider, ready for so many invocations at the same time as Lambda is said to
    /// send; for one where it says nothing.
    pub(crate) async fn start(api: &TestApi, provider: &str, concurrency: Option<usize>) -> Self {
        let lambda = RuntimeApi::start().await.expect("a port");
        let secrets = secrets().await;
        let mut command = Command::new(env!("CARGO_BIN_EXE_chat"));
        command.env_clear().envs(settings());
        let providers = settings()["PROVIDERS"].replace("http://127.0.0.1:9", provider);
        for (name, value) in [
            ("PROVIDERS", providers.as_str()),
            ("METRICS", "functions"),
            ("LOG_LEVEL", "info"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ("AWS_ENDPOINT_URL_DYNAMODB", &api.table.url),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &secrets.url),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "local"),
            ("AWS_SECRET_ACCESS_KEY", "local"),
            ("AWS_LAMBDA_RUNTIME_API", &lambda.address),
            ("AWS_LAMBDA_FUNCTION_NAME", "chat"),
            ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "2048"),
            ("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH", "true"),
        ] {
            command.env(name, value);
        }
        if let Some(concurrency) = concurrency {
            command.env("AWS_LAMBDA_MAX_CONCURRENCY", concurrency.to_string());
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let lines: Arc<Mutex<Vec<Value>>> = Arc::default();
        let written = lines.clone();
        std::thread::spawn(move || {
            for line in output.lines() {
                let line = line.expect("UTF-8");
                // Two that were written into each other would be no JSON.
                let line = serde_json::from_str(&line).unwrap_or_else(|_| json!({"broken": line}));
                let mut written = written.lock().unwrap_or_else(PoisonError::into_inner);
                written.push(line);
            }
        });
        Self {
            lambda,
            child,
            lines,
        }
    }

    /// Waits until so many workers ask for an event.
    pub(crate) async fn polled(&self, workers: usize) {
        while self.lambda.polls() != workers {
            tokio::task::yield_now().await;
        }
    }

    /// What it has logged until now.
    pub(crate) fn log(&self) -> Vec<Value> {
        let lines = self.lines.lock();
        lines.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

async fn secrets() -> LocalSecrets {
    let secrets = LocalSecrets::start().await.expect("a port");
    let provider_keys = json!({"scripted": "sk-provider-canary"}).to_string();
    for (number, (name, value)) in [
        ("signing-keys", SIGNING_KEYS),
        ("data-keys", DATA_KEYS),
        ("provider-keys", &provider_keys),
    ]
    .into_iter()
    .enumerate()
    {
        let token = format!("00000000-0000-4000-8000-{number:012}");
        let new = json!({"Name": name, "SecretString": value, "ClientRequestToken": token});
        secrets.call("CreateSecret", &new).expect("a secret");
    }
    secrets
}
