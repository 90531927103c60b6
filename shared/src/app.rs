//! What every handler can reach.

use std::sync::Arc;
use std::time::Duration;

use crate::auth::{Authenticator, Federation, KeySource, Standings};
use crate::blobs::Blobs;
use crate::clock::Clock;
use crate::config::Config;
use crate::guard::Guard;
use crate::invoke::Function;
use crate::limits::Limiter;
use crate::mail::Post;
use crate::queue::Queue;
use crate::response_cache::ResponseCache;
use crate::secrets::Secrets;
use crate::spans::Spans;
use crate::store::Store;
use crate::vault::Vault;

/// How long a search may take, at most: whoever asks has less time.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(25);

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
    /// What is stored encrypted.
    pub vault: Vault,
    /// Answers that can be given again.
    pub response_cache: ResponseCache,
    /// The outbox.
    pub post: Post,
    /// The queue that tells workers of runs.
    pub run_queue: Queue,
    /// The queue that tells workers of jobs.
    pub job_queue: Queue,
    /// What searches knowledge bases for functions that run turns.
    pub search: Function,
    /// The bucket.
    pub blobs: Blobs,
    /// What fetches addresses that tenants name.
    pub guard: Guard,
    /// How many requests may pass.
    pub limiter: Limiter,
    /// Secrets Manager.
    pub secrets: Secrets,
    /// What records the steps of traces.
    pub spans: Spans,
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
        let vault = Vault::secret(
            secrets.clone(),
            config.data_keys_secret_id.clone(),
            clock.clone(),
        );
        let password = config.response_cache_secret_id.clone();
        let response_cache = ResponseCache::new(
            &config.response_cache,
            password.map(|id| (secrets.clone(), id)),
            vault.clone(),
            clock.clone(),
        );
        let store = Store::new(sdk, &config.table_name);
        let standings = Standings::new(store.clone(), clock.clone());
        let guard = Guard::new(config.stage);
        let federation = Federation::new(store.clone(), guard.clone(), clock.clone());
        let issuer = config.token_issuer.clone();
        Self {
            post: Post::new(
                vault.clone(),
                Queue::sqs(sdk, config.mail_queue_url.clone()),
                clock.clone(),
                config.app_url.clone(),
            ),
            run_queue: Queue::sqs(sdk, config.run_queue_url.clone()),
            job_queue: Queue::sqs(sdk, config.queue_url.clone()),
            search: Function::lambda(
                sdk,
                config.search_function_name.as_deref(),
                "SEARCH_FUNCTION_NAME",
                SEARCH_TIMEOUT,
            ),
            blobs: Blobs::s3(sdk, config.stage, &config.bucket_name),
            limiter: Limiter::new(config.limits.clone(), store.clone()),
            vault,
            response_cache,
            store,
            authenticator: Authenticator::new(
                keys,
                issuer,
                clock.clone(),
                config.stage,
                standings,
                federation,
            ),
            guard,
            spans: Spans::new(&config),
            config: Arc::new(config),
            clock,
            secrets,
            sdk: sdk.clone(),
        }
    }
}
