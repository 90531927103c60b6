//! `GET /readyz`

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use engine::{Catalogue, Providers};
use futures_util::future::join_all;
use serde::Serialize;
use shared::http::{AcceptsJson, Guest, Json};
use shared::model::ProviderSpec;
use shared::{App, Error, Result};
use tokio::sync::Mutex;

/// How long one check may take.
const LIMIT: Duration = Duration::from_secs(3);
/// How long a result stands for the next ones who ask, so that asking often costs nothing.
const STANDS_FOR: Duration = Duration::from_secs(5);

/// Everything that Chatter needs to work.
#[derive(Debug, Clone)]
pub(crate) struct Dependencies {
    app: App,
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    catalogue: Catalogue,
    providers: Providers,
    last: Arc<Mutex<Option<Checked>>>,
}

/// The last result, and when it was found.
type Checked = (Instant, Vec<Check>);

/// What was found out about one dependency.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = DependencyCheck)]
pub(crate) struct Check {
    /// Which: `table`, `signing_keys`, `data_keys`, `bucket`, `queue`, or `provider:` and its name.
    #[schema(example = "table")]
    name: String,
    /// `ok` or `failed`. Why it failed stands in the log.
    #[schema(example = "ok")]
    status: &'static str,
    /// How long the check took.
    milliseconds: u64,
}

/// Whether Chatter can work.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Readiness)]
pub(crate) struct ReadinessView {
    /// `ready` or `not_ready`.
    #[schema(example = "ready")]
    status: &'static str,
    /// The result for each dependency.
    checks: Vec<Check>,
}

/// Says whether everything that Chatter depends on can be reached.
///
/// A result stands for five seconds.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    responses(
        (status = 200, description = "Everything can be reached.", body = ReadinessView),
        (status = 503, description = "Something can't be reached.", body = ReadinessView),
    ),
)]
pub(crate) async fn get_ready(
    _: Guest,
    _: AcceptsJson,
    State(dependencies): State<Dependencies>,
) -> (StatusCode, Json<ReadinessView>) {
    let checks = dependencies.checks().await;
    let (code, status) = if checks.iter().all(|check| check.status == "ok") {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not_ready")
    };
    (code, Json(ReadinessView { status, checks }))
}

impl Dependencies {
    pub(crate) fn new(app: &App, catalogue: Catalogue, providers: Providers) -> Self {
        Self {
            app: app.clone(),
            s3: shared::aws::s3(&app.sdk, app.config.stage),
            sqs: aws_sdk_sqs::Client::new(&app.sdk),
            catalogue,
            providers,
            last: Arc::default(),
        }
    }

    async fn checks(&self) -> Vec<Check> {
        let mut last = self.last.lock().await;
        if let Some((_, checks)) = last.as_ref().filter(|(at, _)| at.elapsed() < STANDS_FOR) {
            return checks.clone();
        }
        let providers = self.catalogue.providers();
        let providers = providers
            .into_iter()
            .map(|provider| self.provider(provider));
        let (table, keys, data_keys, bucket, queue, providers) = tokio::join!(
            check("table", self.app.store.check()),
            check("signing_keys", self.signing_keys()),
            check("data_keys", self.data_keys()),
            check("bucket", self.bucket()),
            check("queue", self.queue()),
            join_all(providers),
        );
        let checks: Vec<Check> = [table, keys, data_keys, bucket, queue]
            .into_iter()
            .chain(providers)
            .collect();
        *last = Some((Instant::now(), checks.clone()));
        checks
    }

    /// Reads the secret itself: the ring that the process keeps would hide that it can't be read.
    async fn signing_keys(&self) -> Result<()> {
        let id = &self.app.config.signing_keys_secret_id;
        let value = self.app.secrets.get(id).await?;
        let ring = shared::auth::KeyRing::parse(&value).map_err(Error::internal)?;
        ring.mac("readiness", &[], self.app.clock.now()).map(|_| ())
    }

    async fn data_keys(&self) -> Result<()> {
        let id = &self.app.config.data_keys_secret_id;
        let value = self.app.secrets.get(id).await?;
        shared::vault::check(&value, self.app.clock.now())
    }

    async fn bucket(&self) -> Result<()> {
        let request = self.s3.head_bucket().bucket(&self.app.config.bucket_name);
        request.send().await.map(|_| ()).map_err(shared::aws::error)
    }

    async fn queue(&self) -> Result<()> {
        let request = self
            .sqs
            .get_queue_attributes()
            .queue_url(&self.app.config.queue_url);
        let request = request.attribute_names(aws_sdk_sqs::types::QueueAttributeName::QueueArn);
        request.send().await.map(|_| ()).map_err(shared::aws::error)
    }

    async fn provider(&self, provider: &ProviderSpec) -> Check {
        check(
            &format!("provider:{}", provider.name),
            self.providers.check(provider),
        )
        .await
    }
}

async fn check(name: &str, work: impl Future<Output = Result<()>>) -> Check {
    let started = Instant::now();
    let result = tokio::time::timeout(LIMIT, work).await;
    let result = result.unwrap_or_else(|late| Err(Error::unavailable(late)));
    if let Err(error) = &result {
        tracing::error!(dependency = name, error = ?error, "{name} is not ready: {error}");
    }
    Check {
        name: name.to_owned(),
        status: if result.is_ok() { "ok" } else { "failed" },
        milliseconds: u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
    }
}
