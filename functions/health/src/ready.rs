//! `GET /readyz`

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::StatusCode;
use engine::{Catalogue, Providers};
use futures_util::future::join_all;
use serde::Serialize;
use shared::App;
use shared::checks::{Checked, Checks, check};
use shared::http::{AcceptsJson, Guest, Json};
use tokio::sync::Mutex;

/// How long a result stands for the next ones who ask, so that asking often costs nothing.
const STANDS_FOR: Duration = Duration::from_secs(5);

/// Everything that Chatter needs to work.
#[derive(Debug, Clone)]
pub(crate) struct Dependencies {
    checks: Checks,
    catalogue: Catalogue,
    providers: Providers,
    last: Arc<Mutex<Option<Last>>>,
}

/// The last result, and when it was found.
type Last = (Instant, Vec<Check>);

/// What was found out about one dependency.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
#[schema(as = DependencyCheck)]
pub(crate) struct Check {
    /// Which: `table`, `signing_keys`, `data_keys`, `provider_keys`, `bucket`, `queue`, `mail_queue`, `run_queue`, or `provider:` and its
    /// name.
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
            checks: Checks::new(app),
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
        let providers = providers.map(|provider| {
            let name = format!("provider:{}", provider.name);
            check(name, self.providers.check(provider))
        });
        let (found, providers) = tokio::join!(self.checks.all(), join_all(providers));
        let checks: Vec<Check> = found.into_iter().chain(providers).map(told).collect();
        *last = Some((Instant::now(), checks.clone()));
        checks
    }
}

/// Why something failed stands in the log only.
fn told(checked: Checked) -> Check {
    let Checked { name, result, took } = checked;
    if let Err(error) = &result {
        tracing::error!(dependency = name, error = ?error, "{name} is not ready: {error}");
    }
    Check {
        name,
        status: if result.is_ok() { "ok" } else { "failed" },
        milliseconds: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
    }
}
