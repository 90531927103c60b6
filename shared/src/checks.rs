//! Whether what every deployment stands on can be reached and is good: for readiness, and for operators.

use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName;
use futures_util::future::{BoxFuture, join_all};

use crate::app::App;
use crate::auth::KeyRing;
use crate::config::CacheBackend;
use crate::error::{Error, Result};

/// How long one check may take.
const LIMIT: Duration = Duration::from_secs(3);

/// What was found out about one dependency.
#[derive(Debug)]
pub struct Checked {
    /// Which.
    pub name: String,
    /// Why it can't be used, if it can't.
    pub result: Result<()>,
    /// How long the check took.
    pub took: Duration,
}

/// The clients for the checks, made once.
#[derive(Debug, Clone)]
pub struct Checks {
    app: App,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
}

impl Checks {
    /// Of what that app reaches.
    pub fn new(app: &App) -> Self {
        Self {
            app: app.clone(),
            s3: crate::aws::s3(&app.sdk, app.config.stage),
            sqs: aws_sdk_sqs::Client::new(&app.sdk),
        }
    }

    /// All of them, side by side: `table`, `signing_keys`, `data_keys`, `provider_keys`, `bucket`, `queue`,
    /// `mail_queue`, `run_queue`, and `response_cache` where that is a service of its own.
    pub async fn all(&self) -> Vec<Checked> {
        let config = &self.app.config;
        let mut checks: Vec<(&str, BoxFuture<'_, Result<()>>)> = vec![
            ("table", Box::pin(self.app.store.check())),
            ("signing_keys", Box::pin(self.signing_keys())),
            ("data_keys", Box::pin(self.data_keys())),
            ("provider_keys", Box::pin(self.provider_keys())),
            ("bucket", Box::pin(self.bucket())),
            ("queue", Box::pin(self.queue(&config.queue_url))),
            ("mail_queue", Box::pin(self.queue(&config.mail_queue_url))),
            ("run_queue", Box::pin(self.queue(&config.run_queue_url))),
        ];
        if let CacheBackend::Redis(_) = config.response_cache {
            let cache = self.app.response_cache.check();
            checks.push(("response_cache", Box::pin(cache)));
        }
        let checks = checks.into_iter();
        join_all(checks.map(|(name, work)| check(name, work))).await
    }

    /// Reads the secret itself: the ring that the process keeps would hide that it can't be read.
    async fn signing_keys(&self) -> Result<()> {
        let id = &self.app.config.signing_keys_secret_id;
        let value = self.app.secrets.get(id).await?;
        let ring = KeyRing::parse(&value).map_err(Error::internal)?;
        ring.mac("readiness", &[], self.app.clock.now()).map(|_| ())
    }

    async fn data_keys(&self) -> Result<()> {
        let id = &self.app.config.data_keys_secret_id;
        let value = self.app.secrets.get(id).await?;
        crate::vault::check(&value, self.app.clock.now())
    }

    /// Whether there is a value. What the keys are good for, only their providers know.
    async fn provider_keys(&self) -> Result<()> {
        let id = &self.app.config.provider_keys_secret_id;
        self.app.secrets.get(id).await.map(|_| ())
    }

    async fn bucket(&self) -> Result<()> {
        let request = self.s3.head_bucket().bucket(&self.app.config.bucket_name);
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }

    async fn queue(&self, url: &str) -> Result<()> {
        let request = self.sqs.get_queue_attributes().queue_url(url);
        let request = request.attribute_names(QueueAttributeName::QueueArn);
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }
}

/// One check, which ends within three seconds.
pub async fn check(name: impl Into<String>, work: impl Future<Output = Result<()>>) -> Checked {
    let started = Instant::now();
    let result = tokio::time::timeout(LIMIT, work).await;
    Checked {
        name: name.into(),
        result: result.unwrap_or_else(|late| Err(Error::unavailable(late))),
        took: started.elapsed(),
    }
}
