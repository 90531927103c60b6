//! What Secrets Manager sends.

use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use shared::{Error, Result};

/// The event of one step. Members that are not known are left alone: they are AWS's to add.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationEvent {
    /// Which step.
    pub step: Step,
    /// The secret, by its ARN.
    pub secret_id: String,
    /// The version that is being made.
    pub client_request_token: String,
    /// What PutSecretValue must be told when the function works with the rights of another account.
    #[serde(default)]
    pub rotation_token: Option<SecretString>,
}

/// The steps, as they are sent; the documentation's `create_secret` never is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Step {
    /// Makes the new value.
    CreateSecret,
    /// Would tell it to a service that it is for.
    SetSecret,
    /// Tries it.
    TestSecret,
    /// Brings it into use.
    FinishSecret,
}

impl RotationEvent {
    /// Reads an event.
    pub fn parse(event: Value) -> Result<Self> {
        serde_json::from_value(event).map_err(|error| {
            Error::Malformed(format!("this is not an event of a rotation: {error}"))
        })
    }
}

/// Whether an id in the configuration, a name or an ARN, is that of the event's secret.
pub(crate) fn is_same_secret(configured: &str, sent: &str) -> bool {
    let is_arn = |id: &str| id.starts_with("arn:");
    if is_arn(configured) == is_arn(sent) {
        return configured == sent;
    }
    let (name, arn) = if is_arn(sent) {
        (configured, sent)
    } else {
        (sent, configured)
    };
    // arn:aws:secretsmanager:<region>:<account>:secret:<name>-<six characters>
    let named = arn.split(':').nth(6);
    let named = named.and_then(|named| named.rsplit_once('-'));
    named.is_some_and(|(found, random)| found == name && random.len() == 6)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_is_known_by_its_name_and_by_its_arn() {
        let arn = "arn:aws:secretsmanager:us-east-1:1:secret:chatter/signing-keys-a1B2c3";
        for (configured, sent, same) in [
            (arn, arn, true),
            ("chatter/signing-keys", arn, true),
            (arn, "chatter/signing-keys", true),
            ("chatter/signing-keys", "chatter/signing-keys", true),
            ("chatter/signing", arn, false),
            ("chatter/signing-keys-a1B2c3", arn, false),
            ("signing-keys", arn, false),
            ("", arn, false),
            (arn, &arn.replace('1', "2"), false),
        ] {
            assert_eq!(
                is_same_secret(configured, sent),
                same,
                "{configured} {sent}"
            );
        }
    }

    #[test]
    fn exactly_the_four_steps_are_taken_and_members_of_tomorrow_are_left_alone() {
        let event = |step: &str| json!({"Step": step, "SecretId": "s", "ClientRequestToken": "t", "RotationToken": "canary", "Tomorrow": 1});
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
            let event = RotationEvent::parse(event(step)).expect(step);
            assert!(!format!("{event:?}").contains("canary"), "it is a secret");
        }
        for step in ["create_secret", "CreateSecret", "finish", ""] {
            RotationEvent::parse(event(step)).expect_err(step);
        }
        RotationEvent::parse(json!({"rawPath": "/"})).expect_err("an HTTP event");
    }
}
