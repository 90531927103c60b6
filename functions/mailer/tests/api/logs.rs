//! What is logged says what happened, and neither to whom nor what was written.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use shared::mail::Letter;
use stand_ins::ses::SesFault;
use tracing_subscriber::fmt::MakeWriter;

use crate::helpers::{APP_URL, TOKEN, World, address, batch, handle};

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

#[tokio::test]
async fn neither_address_nor_token_nor_text_is_logged_whatever_happens() {
    let lines = Lines::default();
    // As `shared::telemetry` sets it up.
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(lines.clone())
        .finish();
    let _captured = tracing::subscriber::set_default(subscriber);
    let world = World::new().await;
    let letter = Letter::invitation(&address("ada"), "name-canary", APP_URL, TOKEN);
    let id = world.write(&letter).await;
    for fault in [
        SesFault::Refused(400, "MessageRejected"),
        SesFault::Throttled,
        SesFault::Unavailable,
    ] {
        world.ses.fail(fault, 1);
        if let Err(error) = world.swept_after(Duration::from_secs(3600)).await {
            tracing::error!(error = ?error, "the event was not handled: {error}");
        }
    }
    world.told(&[id]).await.expect("it waits");
    let strange = batch(&["body-canary".to_owned()]);
    handle(&world.mailer, strange).await.expect("an answer");
    let sent = world.write(&letter).await;
    world.told(&[sent]).await.expect("it leaves");
    let four_days = Duration::from_secs(4 * 24 * 3600);
    world.swept_after(four_days).await.expect("an answer");

    let bytes = lines
        .0
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    let logged = String::from_utf8(bytes).expect("UTF-8");
    for canary in ["ada@people.test", TOKEN, "name-canary", "body-canary"] {
        assert!(!logged.contains(canary), "{canary} is logged");
    }
    let lines: Vec<Value> = logged
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let about = |text: &str| {
        let found = lines.iter().find(|line| {
            line["message"]
                .as_str()
                .is_some_and(|said| said.contains(text))
        });
        found.unwrap_or_else(|| panic!("nothing says: {text}"))
    };
    assert_eq!(about("sent mail")["mail.id"], sent.to_string());
    assert_eq!(about("could not be sent:")["mail.id"], id.to_string());
    assert!(logged.contains("MessageRejected"), "why it failed is said");
    assert!(logged.contains("TooManyRequestsException"));
    // What the metric filter of template.yaml counts.
    let given_up = about("is given up after 3 attempts");
    assert_eq!(given_up["alarm"], "mail-given-up");
    assert_eq!(given_up["level"], "ERROR");
}
