//! The only reader of Secrets Manager.

use secrecy::SecretString;

use crate::error::{Error, Result};

/// Reads secrets by name or ARN.
#[derive(Debug, Clone)]
pub struct Secrets {
    client: aws_sdk_secretsmanager::Client,
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
        let output = request.send().await.map_err(crate::aws::error)?;
        output
            .secret_string
            .map(SecretString::from)
            .ok_or_else(|| Error::internal("the secret holds bytes where it should hold text"))
    }
}
