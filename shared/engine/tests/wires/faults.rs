//! What a provider does instead of answering.

use std::time::Duration;

use serde_json::{Value, json};
use shared::Error;
use shared::error::ProviderFault;

use crate::helpers::{WIRES, World};

async fn fault(world: &World, wire: &str, script: &Value) -> ProviderFault {
    let error = world.fails(wire, script).await;
    let debug = format!("{error:?}");
    assert!(
        !debug.contains("SECRET-OF-THE-PROVIDER"),
        "{wire} {script}: {debug}"
    );
    match error {
        Error::Provider { fault, .. } => fault,
        other => panic!("{wire} {script}: {other:?}"),
    }
}

#[tokio::test]
async fn each_fault_is_the_same_on_every_wire() {
    use ProviderFault as F;
    let world = World::start().await;
    let busy = F::Overloaded { retry_after: None };
    for wire in WIRES {
        for (script, expected) in [
            (json!({"status": 400}), F::Refused),
            (json!({"status": 401}), F::Unauthorized),
            (json!({"status": 402}), F::QuotaExhausted),
            (json!({"status": 403}), F::Unauthorized),
            (json!({"status": 404}), F::Refused),
            (json!({"status": 408}), F::TimedOut),
            (json!({"status": 429}), busy),
            (json!({"status": 500}), F::Unavailable),
            (json!({"status": 502}), F::Unavailable),
            (json!({"status": 503}), F::Unavailable),
            (json!({"status": 504}), F::TimedOut),
            (json!({"status": 529}), busy),
            (json!({"status": 302}), F::Nonsense),
            (json!({"html": true}), F::Nonsense),
            (json!({"say": ["a", "b"], "garbage_after": 1}), F::Nonsense),
            (json!({"say": ["a", "b"], "cut_after": 1}), F::Unavailable),
            (json!({"say": ["a", "b"], "error_after": 0}), F::Unavailable),
            (json!({"say": ["a", "b"], "error_after": 2}), F::Unavailable),
        ] {
            assert_eq!(
                fault(&world, wire, &script).await,
                expected,
                "{wire} {script}"
            );
        }
    }
}

#[tokio::test]
async fn codes_tell_what_waiting_does_not_mend() {
    use ProviderFault as F;
    let world = World::start().await;
    for (wire, status, code, expected) in [
        ("openai", 429, "insufficient_quota", F::QuotaExhausted),
        ("openai", 400, "context_length_exceeded", F::ContextTooLong),
        ("anthropic", 400, "billing_error", F::QuotaExhausted),
        ("anthropic", 413, "request_too_large", F::ContextTooLong),
        ("gemini", 400, "API_KEY_INVALID", F::Unauthorized),
        (
            "bedrock",
            400,
            "ServiceQuotaExceededException",
            F::QuotaExhausted,
        ),
        (
            "bedrock",
            403,
            "AccessDeniedException:http://internal.amazon.com/",
            F::Unauthorized,
        ),
        ("bedrock", 424, "ModelErrorException", F::Unavailable),
    ] {
        let script = json!({"status": status, "code": code});
        let told = fault(&world, wire, &script).await;
        assert_eq!(told, expected, "{wire} {script}");
        let lasting = matches!(
            told,
            F::QuotaExhausted | F::ContextTooLong | F::Unauthorized
        );
        assert_eq!(told.may_pass(), !lasting);
    }
    let throttled = json!({"say": ["a"], "error_after": 1, "code": "throttlingException"});
    let busy = F::Overloaded { retry_after: None };
    assert_eq!(fault(&world, "bedrock", &throttled).await, busy);
}

#[tokio::test]
async fn a_busy_provider_says_when_to_come_back_in_seconds_or_by_date() {
    let world = World::start().await;
    let date = world.clock.now().plus(Duration::from_secs(42)).http_date();
    for wire in WIRES {
        for (pause, seconds) in [(json!(17), 17), (json!(date), 42)] {
            let script = json!({"status": 429, "retry_after": pause});
            let expected = ProviderFault::Overloaded {
                retry_after: Some(Duration::from_secs(seconds)),
            };
            assert_eq!(
                fault(&world, wire, &script).await,
                expected,
                "{wire} {script}"
            );
        }
    }
}

#[tokio::test]
async fn what_can_not_be_said_is_refused_before_anything_is_sent() {
    let world = World::start().await;
    let error = world
        .ask("openai", Vec::new())
        .await
        .expect_err("nothing is asked");
    assert!(
        matches!(&error, Error::Invalid(errors) if errors[0].field == "/messages"),
        "{error:?}"
    );
    assert!(world.scripted.take_requests().is_empty());
}
