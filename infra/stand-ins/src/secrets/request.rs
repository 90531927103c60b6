//! What is asked of Secrets Manager, and how it refuses.

use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

/// AWS's limits: the bytes of a value, and the characters of a request token.
const MAX_VALUE: usize = 65_536;
const TOKEN_LENGTH: std::ops::RangeInclusive<usize> = 32..=64;

/// Why a call is refused, as the wire says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The exception's name.
    pub code: &'static str,
    /// A sentence.
    pub message: String,
}

pub(super) fn refusal(code: &'static str, message: impl Into<String>) -> Refusal {
    Refusal {
        code,
        message: message.into(),
    }
}

pub(super) fn invalid_parameter(message: impl Into<String>) -> Refusal {
    refusal("InvalidParameterException", message)
}

pub(super) fn not_found(message: impl Into<String>) -> Refusal {
    refusal("ResourceNotFoundException", message)
}

pub(super) type Answer = Result<Value, Refusal>;

/// The members of all requests together; those that an operation does not have are not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Request {
    pub(super) secret_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) secret_string: Option<String>,
    pub(super) client_request_token: Option<String>,
    pub(super) version_id: Option<String>,
    pub(super) version_stage: Option<String>,
    pub(super) version_stages: Option<Vec<String>>,
    pub(super) move_to_version_id: Option<String>,
    pub(super) remove_from_version_id: Option<String>,
    #[serde(rename = "RotationLambdaARN")]
    pub(super) rotation_lambda_arn: Option<String>,
    pub(super) rotation_rules: Option<Value>,
    pub(super) rotate_immediately: Option<bool>,
}

impl Request {
    pub(super) fn token(&self) -> Result<String, Refusal> {
        let Some(token) = &self.client_request_token else {
            return Ok(Uuid::now_v7().to_string());
        };
        if TOKEN_LENGTH.contains(&token.len()) {
            Ok(token.clone())
        } else {
            Err(invalid_parameter(
                "ClientRequestToken must have from 32 to 64 characters",
            ))
        }
    }

    pub(super) fn value(&self) -> Result<String, Refusal> {
        let value = self.secret_string.clone();
        let value = value.ok_or_else(|| invalid_parameter("You must provide SecretString"))?;
        if value.is_empty() || value.len() > MAX_VALUE {
            return Err(invalid_parameter(
                "SecretString must have from 1 to 65536 bytes",
            ));
        }
        Ok(value)
    }
}
