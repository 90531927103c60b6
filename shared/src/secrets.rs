//! The only module that speaks to Secrets Manager.

use std::collections::HashMap;

use aws_sdk_secretsmanager::config::http::HttpResponse;
use aws_sdk_secretsmanager::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use secrecy::{ExposeSecret as _, SecretString};

use crate::error::{Error, Result};

/// The label of the version that is in use.
pub const CURRENT: &str = "AWSCURRENT";
/// The label of the version that a rotation is making.
pub const PENDING: &str = "AWSPENDING";

/// Reads secrets by name or ARN; writes them for a rotation.
#[derive(Debug, Clone)]
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
}

/// The versions of a secret, without their values.
#[derive(Debug, Clone)]
pub struct SecretVersions {
    /// Whether the secret is set up to be rotated.
    pub rotation_enabled: bool,
    /// The labels of each version that has any, by its id.
    pub stages: HashMap<String, Vec<String>>,
}

impl SecretVersions {
    /// The version that is in use.
    pub fn current(&self) -> Option<&str> {
        let found = self
            .stages
            .iter()
            .find(|(_, stages)| stages.iter().any(|stage| stage == CURRENT));
        found.map(|(id, _)| id.as_str())
    }
}

impl Secrets {
    /// A reader with the settings of `sdk`.
    pub fn new(sdk: &aws_config::SdkConfig) -> Self {
        Self {
            client: aws_sdk_secretsmanager::Client::new(sdk),
        }
    }

    /// The current version of a secret.
    pub async fn get(&self, id: &str) -> Result<SecretString> {
        let request = self.client.get_secret_value().secret_id(id);
        let output = request.send().await;
        let output = output.map_err(|error| failed("GetSecretValue", error))?;
        text(output.secret_string)
    }

    /// The version that a rotation is making. `None` while it has no value.
    pub async fn get_pending(&self, id: &str, version: &str) -> Result<Option<SecretString>> {
        let request = self.client.get_secret_value().secret_id(id);
        let request = request.version_id(version).version_stage(PENDING);
        match request.send().await {
            Ok(output) => text(output.secret_string).map(Some),
            Err(SdkError::ServiceError(fault)) if fault.err().is_resource_not_found_exception() => {
                Ok(None)
            }
            Err(error) => Err(failed("GetSecretValue", error)),
        }
    }

    /// The versions that there are.
    pub async fn describe(&self, id: &str) -> Result<SecretVersions> {
        let output = self.client.describe_secret().secret_id(id).send().await;
        let output = output.map_err(|error| failed("DescribeSecret", error))?;
        Ok(SecretVersions {
            rotation_enabled: output.rotation_enabled.unwrap_or(false),
            stages: output.version_ids_to_stages.unwrap_or_default(),
        })
    }

    /// Gives the version that a rotation is making its value. The same value again changes nothing; another one
    /// is refused. `rotation_token` is what Secrets Manager may have sent with the rotation.
    pub async fn put_pending(
        &self,
        id: &str,
        version: &str,
        value: &SecretString,
        rotation_token: Option<&SecretString>,
    ) -> Result<()> {
        let request = self.client.put_secret_value().secret_id(id);
        let request = request
            .client_request_token(version)
            .version_stages(PENDING)
            .secret_string(value.expose_secret())
            .set_rotation_token(rotation_token.map(|token| token.expose_secret().to_owned()));
        let output = request.send().await.map(|_| ());
        output.map_err(|error| failed("PutSecretValue", error))
    }

    /// Makes the version `to` the current one, if `from` still is.
    pub async fn move_current(&self, id: &str, to: &str, from: &str) -> Result<()> {
        let request = self.client.update_secret_version_stage().secret_id(id);
        let request = request
            .version_stage(CURRENT)
            .move_to_version_id(to)
            .remove_from_version_id(from);
        let output = request.send().await.map(|_| ());
        output.map_err(|error| failed("UpdateSecretVersionStage", error))
    }
}

fn text(value: Option<String>) -> Result<SecretString> {
    value
        .map(SecretString::from)
        .ok_or_else(|| Error::internal("the secret holds bytes where it should hold text"))
}

/// Why a call failed, for the log. What was received is left out, because it can hold a secret.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {what}")]
struct Failed {
    operation: &'static str,
    what: String,
}

fn failed<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let what = match &error {
        SdkError::ServiceError(fault) => {
            let fault = fault.err();
            let code = fault.code().unwrap_or("refused without a code");
            format!("{code}: {}", fault.message().unwrap_or_default())
        }
        SdkError::ResponseError(_) => "the answer could not be read".to_owned(),
        error => DisplayErrorContext(error).to_string(),
    };
    let cause = Failed { operation, what };
    match crate::aws::error(error) {
        Error::Unavailable(_) => Error::unavailable(cause),
        _ => Error::internal(cause),
    }
}
