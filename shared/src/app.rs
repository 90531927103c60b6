//! What every handler can reach.

use std::sync::Arc;

use crate::auth::{Authenticator, KeySource};
use crate::clock::Clock;
use crate::config::Config;
use crate::limits::Limiter;
use crate::secrets::Secrets;
use crate::store::Store;

/// The parts that every function has, made once a process.
#[derive(Debug, Clone)]
pub struct App {
    /// The settings.
    pub config: Arc<Config>,
    /// The time.
    pub clock: Clock,
    /// The table.
    pub store: Store,
    /// Who is calling.
    pub authenticator: Authenticator,
    /// How many requests may pass.
    pub limiter: Limiter,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// The settings of AWS clients, for the functions that need another one.
    pub sdk: aws_config::SdkConfig,
}

impl App {
    /// With the clients that the settings of `sdk` give.
    pub fn new(config: Config, sdk: &aws_config::SdkConfig) -> Self {
        let clock = Clock::system();
        let secrets = Secrets::new(sdk);
        let keys = KeySource::secret(
            secrets.clone(),
            config.signing_keys_secret_id.clone(),
            clock.clone(),
        );
        let store = Store::new(sdk, &config.table_name);
        Self {
            limiter: Limiter::new(config.limits.clone(), store.clone()),
            store,
            authenticator: Authenticator::new(keys, config.token_issuer.clone(), clock.clone()),
            config: Arc::new(config),
            clock,
            secrets,
            sdk: sdk.clone(),
        }
    }
}
