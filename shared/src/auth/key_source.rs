//! Where a process gets the ring from.

use std::sync::Arc;

use secrecy::SecretString;

use super::keys::{KeyRing, RingFault};
use crate::error::Result;
use crate::secret_source::{SecretSource, SecretValue};

/// Where a process gets the ring from: Secrets Manager, kept for five minutes.
pub type KeySource = SecretSource<KeyRing>;

impl SecretValue for KeyRing {
    const VARIABLE: &'static str = "SIGNING_KEYS_SECRET_ID";
    type Fault = RingFault;

    fn parse(value: &SecretString) -> Result<Self, RingFault> {
        Self::parse(value)
    }
}

impl KeySource {
    /// The ring that is believed now.
    pub async fn ring(&self) -> Result<Arc<KeyRing>> {
        self.get().await
    }
}
