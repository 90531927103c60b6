//! The four steps in any order, again and again, with a crash at each call: the value is written once, the version
//! comes into use with it, and what was in use is the previous one.

use key_rotation::Outcome;
use proptest::prelude::*;
use serde_json::json;
use shared::clock::Moment;
use stand_ins::secrets::SecretsFault;
use tokio::runtime::Runtime;

use crate::helpers::{DATA, OLD, SIGNING, STEPS, Stack, TOKEN};

const CRASHES: [SecretsFault; 3] = [
    SecretsFault::Unavailable,
    SecretsFault::ReplyLost,
    SecretsFault::Throttled,
];
/// More calls than any step makes.
const CALLS: usize = 5;

/// One step, and at which of its calls the process crashes, if at any.
#[derive(Debug, Clone, Copy)]
struct Attempt {
    step: &'static str,
    crash: Option<(usize, SecretsFault)>,
}

fn attempt() -> impl Strategy<Value = Attempt> {
    let crash = (0..CALLS, prop::sample::select(CRASHES.to_vec()));
    let step = prop::sample::select(STEPS.to_vec());
    (step, prop::option::of(crash)).prop_map(|(step, crash)| Attempt { step, crash })
}

/// What the rotated secret looks like.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    value: Option<String>,
    current: bool,
}

fn seen(stack: &Stack, secret: &str) -> Seen {
    let stages = stack.stages(secret);
    let has = |version: &str, stage: &str| {
        let mut stages = stages[version].as_array().into_iter().flatten();
        stages.any(|found| found == stage)
    };
    let current = has(TOKEN, "AWSCURRENT");
    assert_eq!(has(OLD, "AWSCURRENT"), !current, "one is in use: {stages}");
    assert_eq!(has(OLD, "AWSPREVIOUS"), current, "{stages}");
    Seen {
        value: stack.value(secret, TOKEN),
        current,
    }
}

/// What a step comes to that nothing interrupts; `None` is an error.
fn expected(step: &str, before: &Seen) -> Option<Outcome> {
    match (step, before) {
        (_, Seen { current: true, .. }) => Some(Outcome::AlreadyCurrent),
        ("createSecret", Seen { value: None, .. }) => Some(Outcome::Written),
        ("createSecret", _) => Some(Outcome::AlreadyWritten),
        ("setSecret", _) => Some(Outcome::NothingToSet),
        (_, Seen { value: None, .. }) => None,
        ("testSecret", _) => Some(Outcome::Tried),
        _ => Some(Outcome::Finished),
    }
}

async fn try_once(stack: &Stack, secret: &str, Attempt { step, crash }: Attempt) {
    let before = seen(stack, secret);
    stack.operations();
    if let Some((call, fault)) = crash {
        stack.manager.fail("*", SecretsFault::Pass, call);
        stack.manager.fail("*", fault, 1);
    }
    let outcome = stack.step(secret, TOKEN, step).await;
    stack.manager.heal();
    let operations = stack.operations();
    let after = seen(stack, secret);
    let crashed = crash.is_some_and(|(call, _)| call < operations.len());
    let expected = expected(step, &before).filter(|_| !crashed);
    assert_eq!(outcome.as_ref().ok(), expected.as_ref(), "{outcome:?}");
    if before.value.is_some() {
        assert_eq!(after.value, before.value, "written once");
    }
    if after.current && !before.current {
        assert_eq!(step, "finishSecret");
        assert!(before.value.is_some(), "nothing empty comes into use");
    }
    let writes = operations
        .iter()
        .filter(|name| !matches!(name.as_str(), "DescribeSecret" | "GetSecretValue"));
    let allowed = match step {
        "createSecret" => vec!["PutSecretValue"],
        "finishSecret" => vec!["UpdateSecretVersionStage"],
        _ => vec![],
    };
    assert!(
        writes.clone().all(|name| allowed.contains(&name.as_str())),
        "{operations:?}"
    );
    assert!(!before.current || writes.count() == 0, "{operations:?}");
}

/// What Secrets Manager does after a failed step: all of them, from the first.
async fn once_more(stack: &Stack, secret: &str, old: &str) {
    for step in STEPS {
        try_once(stack, secret, Attempt { step, crash: None }).await;
    }
    assert_eq!(
        stack.stages(secret),
        json!({TOKEN: ["AWSCURRENT", "AWSPENDING"], OLD: ["AWSPREVIOUS"]})
    );
    assert_eq!(stack.value(secret, OLD).as_deref(), Some(old));
    let value = stack.value(secret, TOKEN).expect("a value");
    let ring: serde_json::Value = serde_json::from_str(&value).expect("JSON");
    assert_eq!(
        ring["keys"].as_array().map(Vec::len),
        Some(2),
        "one new key"
    );
}

async fn begun(secret: &str) -> (Stack, String) {
    let stack = Stack::new().await;
    let old = stack.value(secret, OLD).expect("a value");
    stack.begin(secret, TOKEN);
    (stack, old)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn steps_in_any_order_with_crashes_end_in_one_new_version(
        attempts in prop::collection::vec(attempt(), 0..14),
        signing in any::<bool>(),
    ) {
        let secret = if signing { SIGNING } else { DATA };
        Runtime::new().expect("a runtime").block_on(async {
            let (stack, old) = begun(secret).await;
            for attempt in attempts {
                try_once(&stack, secret, attempt).await;
            }
            once_more(&stack, secret, &old).await;
        });
    }
}

#[tokio::test]
async fn a_crash_at_any_call_of_any_step_is_mended_by_starting_again() {
    for secret in [SIGNING, DATA] {
        for (place, step) in STEPS.into_iter().enumerate() {
            for call in 0..CALLS {
                for fault in CRASHES {
                    let (stack, old) = begun(secret).await;
                    for before in &STEPS[..place] {
                        stack.step(secret, TOKEN, before).await.expect(before);
                    }
                    let crash = Some((call, fault));
                    try_once(&stack, secret, Attempt { step, crash }).await;
                    once_more(&stack, secret, &old).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn a_version_that_was_made_long_ago_does_not_come_into_use() {
    let (stack, _) = begun(SIGNING).await;
    stack
        .step(SIGNING, TOKEN, "createSecret")
        .await
        .expect("made");
    let made: Moment = stack.app.clock.now();
    stack.app.clock.advance(shared::rotation::ACTIVATE_DELAY);
    assert!(stack.app.clock.now() > made);
    for step in ["testSecret", "finishSecret"] {
        let refused = stack.step(SIGNING, TOKEN, step).await.expect_err(step);
        assert!(format!("{refused:?}").contains("TooLate"), "{refused:?}");
    }
    assert!(!seen(&stack, SIGNING).current);
}
