//! What does not need a table: what happens without one, and classes that never ask it.

use std::io::Write;
use std::sync::{Arc, Mutex};

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region};
use serde_json::{Value, json};

use super::*;

/// A table where `url` is.
async fn limiter_at(url: &str) -> Limiter {
    let sdk = aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .test_credentials()
        .endpoint_url(url)
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    let policies = [
        ("open", "source"),
        ("auth", "source"),
        ("mail", "source"),
        ("read", "caller"),
        ("write", "caller"),
        ("turn", "caller"),
        ("sensitive", "caller"),
    ]
    .map(
        |(class, per)| json!({"name": class, "class": class, "per": per, "quota": 2, "window": 60}),
    );
    let policies = parse(&Value::from(policies.to_vec()).to_string()).expect("policies");
    Limiter::new(policies, Store::new(&sdk, "chatter"))
}

fn subjects() -> [(Per, String); 2] {
    [
        (Per::Caller, "user".to_owned()),
        (Per::Source, "source".to_owned()),
    ]
}

const NOW: Moment = Moment::from_unix_seconds(1_000_000);

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a log").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn without_a_table_what_guards_accounts_is_refused_and_the_rest_passes_with_an_alarm() {
    // Nobody listens there.
    let limiter = limiter_at("http://127.0.0.1:9").await;
    for class in [Class::Auth, Class::Sensitive] {
        let refused = limiter.admit(class, &subjects(), NOW).await;
        let error = Error::from(refused.expect_err("it is closed"));
        assert!(matches!(error, Error::Unavailable(_)), "{error:?}");
    }
    for class in [Class::Read, Class::Write, Class::Turn] {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        let admission = limiter.admit(class, &subjects(), NOW).await.expect("open");
        drop(guard);
        assert_eq!(admission.standings[0].left, None, "nothing is made up");
        let text = String::from_utf8(log.0.lock().expect("a log").clone()).expect("UTF-8");
        let line: Value = serde_json::from_str(&text).expect("one line");
        assert_eq!(line["level"], "ERROR");
        assert_eq!(line["fields"]["alarm"], "limiter");
    }
}

#[tokio::test]
async fn a_table_that_never_answers_does_not_keep_a_request() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let url = format!("http://{}", silent.local_addr().expect("an address"));
    let limiter = limiter_at(&url).await;
    // The client of this table has no time limit of its own: without ours this would never end.
    assert!(limiter.admit(Class::Read, &subjects(), NOW).await.is_ok());
}

#[tokio::test]
async fn open_pages_are_counted_without_a_table() {
    let limiter = limiter_at("http://127.0.0.1:9").await;
    for remaining in [1, 0] {
        let admission = limiter
            .admit(Class::Open, &subjects(), NOW)
            .await
            .expect("open");
        let left = admission.standings[0].left.expect("known");
        assert_eq!(left.remaining, remaining);
        assert_eq!(left.reset, 20);
    }
    let Err(Refused::Quota(standings)) = limiter.admit(Class::Open, &subjects(), NOW).await else {
        panic!("the third is refused");
    };
    assert_eq!(
        standings[0].left,
        Some(Left {
            remaining: 0,
            reset: 20
        })
    );
    let later = NOW.plus(Duration::from_secs(20));
    assert!(limiter.admit(Class::Open, &subjects(), later).await.is_ok());
}

#[tokio::test]
async fn a_request_that_no_policy_counts_does_not_pass() {
    let limiter = limiter_at("http://127.0.0.1:9").await;
    let nobody = [(Per::Source, "source".to_owned())];
    let refused = limiter.admit(Class::Read, &nobody, NOW).await;
    assert!(matches!(refused, Err(Refused::Unknown(_))));
}

#[tokio::test]
async fn who_sent_too_many_tokens_that_do_not_hold_is_braked_and_nobody_else() {
    let limiter = limiter_at("http://127.0.0.1:9").await;
    let (bad, good) = (Source::of(None), Source::of(Some([203, 0, 113, 7].into())));
    for _ in 0..60 {
        assert!(limiter.brake(&bad, NOW).is_ok());
        limiter.failed(&bad, NOW);
    }
    assert!(limiter.brake(&bad, NOW).is_err());
    assert!(limiter.brake(&good, NOW).is_ok());
}
