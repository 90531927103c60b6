//! What is logged says what happened, and no secret.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use stand_ins::secrets::SecretsFault;
use tracing_subscriber::fmt::MakeWriter;

use crate::helpers::{DATA, OLD, ROTATION_TOKEN, SIGNING, STEPS, Stack, TOKEN};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Every text in the values of a secret.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn no_step_logs_a_secret_whether_it_works_or_fails() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(lines.clone())
        .finish();
    let _captured = tracing::subscriber::set_default(subscriber);
    let stack = Stack::new().await;
    for secret in [SIGNING, DATA] {
        stack.begin(secret, TOKEN);
        for step in STEPS {
            for (call, fault) in [
                (0, SecretsFault::Denied),
                (1, SecretsFault::ReplyLost),
                (2, SecretsFault::Unavailable),
            ] {
                stack.manager.fail("*", SecretsFault::Pass, call);
                stack.manager.fail("*", fault, 1);
                if let Err(error) = stack.step(secret, TOKEN, step).await {
                    tracing::error!(error = ?error, "the step failed: {error}");
                }
                stack.manager.heal();
            }
            stack.step(secret, TOKEN, step).await.expect(step);
        }
    }
    let bytes = lines
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let logged = String::from_utf8(bytes).expect("UTF-8");
    for words in [
        "SigningKeys",
        "DataKeys",
        "CreateSecret",
        "FinishSecret",
        "Finished",
        "the step failed",
    ] {
        assert!(logged.contains(words), "{words}");
    }
    let mut secrets = vec![ROTATION_TOKEN.to_owned()];
    for (secret, version) in [(SIGNING, OLD), (SIGNING, TOKEN), (DATA, OLD), (DATA, TOKEN)] {
        let value = stack.value(secret, version).expect("a value");
        let ring: Value = serde_json::from_str(&value).expect("JSON");
        texts(&ring, &mut secrets);
    }
    // Ids of data keys are no secrets, and stand in what they seal.
    let secrets: Vec<String> = secrets.into_iter().filter(|text| text.len() > 20).collect();
    assert!(secrets.len() >= 7, "{}", secrets.len());
    for secret in secrets {
        assert!(!logged.contains(&secret), "a secret is logged");
    }
}
