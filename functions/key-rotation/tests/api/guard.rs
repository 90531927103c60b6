//! What is looked at before every step.

use key_rotation::Outcome;
use serde_json::json;

use crate::helpers::{OLD, ROTATION_TOKEN, SIGNING, STEPS, Stack, TOKEN};

/// No step may do anything but look.
async fn every_step_is_refused(stack: &Stack, token: &str, why: &str) {
    stack.operations();
    for step in STEPS {
        let refused = stack.step(SIGNING, token, step).await.expect_err(why);
        assert!(format!("{refused:?}").contains(why), "{step}: {refused:?}");
    }
    assert_eq!(stack.operations(), ["DescribeSecret"; 4], "{why}");
}

#[tokio::test]
async fn a_secret_that_is_not_set_up_for_it_is_not_rotated() {
    let stack = Stack::new().await;
    every_step_is_refused(&stack, OLD, "NotEnabled").await;
    stack.begin(SIGNING, TOKEN);
    let cancel = json!({"SecretId": SIGNING});
    stack
        .manager
        .call("CancelRotateSecret", &cancel)
        .expect("cancelled");
    every_step_is_refused(&stack, TOKEN, "NotEnabled").await;
}

#[tokio::test]
async fn a_version_that_there_is_not_or_that_is_not_pending_is_refused() {
    let stack = Stack::new().await;
    stack.begin(SIGNING, TOKEN);
    let unknown = "22222222-2222-2222-2222-222222222222";
    every_step_is_refused(&stack, unknown, "NoSuchVersion").await;
    let give_up =
        json!({"SecretId": SIGNING, "VersionStage": "AWSPENDING", "RemoveFromVersionId": TOKEN});
    let label = json!({"SecretId": SIGNING, "VersionStage": "KEPT", "MoveToVersionId": TOKEN});
    for request in [label, give_up] {
        stack
            .manager
            .call("UpdateSecretVersionStage", &request)
            .expect("done");
    }
    every_step_is_refused(&stack, TOKEN, "NotPending").await;
}

#[tokio::test]
async fn a_step_that_comes_after_the_end_succeeds_and_writes_nothing() {
    let stack = Stack::new().await;
    stack.rotate(SIGNING, TOKEN).await;
    stack.operations();
    for step in STEPS {
        let outcome = stack.step(SIGNING, TOKEN, step).await.expect(step);
        assert_eq!(outcome, Outcome::AlreadyCurrent);
    }
    assert_eq!(stack.operations(), ["DescribeSecret"; 4]);
}

#[tokio::test]
async fn another_secret_is_none_of_its_business() {
    let stack = Stack::new().await;
    let other = json!({"Name": "other", "SecretString": "x", "ClientRequestToken": OLD});
    stack
        .manager
        .call("CreateSecret", &other)
        .expect("a secret");
    stack.begin("other", TOKEN);
    let refused = stack.step("other", TOKEN, "createSecret").await;
    assert!(
        format!("{refused:?}").contains("ForeignSecret"),
        "{refused:?}"
    );
    assert_eq!(stack.operations(), [""; 0], "nothing is asked about it");
}

#[tokio::test]
async fn the_rotation_token_is_passed_on_where_the_value_is_put_and_nowhere_else() {
    let stack = Stack::new().await;
    stack.rotate(SIGNING, TOKEN).await;
    for call in stack.manager.take_calls() {
        let token = call.request.get("RotationToken");
        let expected = (call.operation == "PutSecretValue").then(|| json!(ROTATION_TOKEN));
        assert_eq!(token, expected.as_ref(), "{}", call.operation);
    }
}
