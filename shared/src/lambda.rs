//! How a function's process starts. With the argument `--check` it looks at its settings and at what they name, and
//! ends.

mod concurrent;

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;
use lambda_runtime::{LambdaEvent, Runtime};
use serde::Serialize;
use serde_json::Value;

use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, concurrent_invocations};
use crate::doctor;
use crate::error::Result;
use crate::http::{Deadline, with_layers};
use crate::metrics;
use crate::secret_source::refusal;
use crate::spans::Spans;
use crate::telemetry::{self, Levels};

/// How long a start may wait for connections that the first request would open otherwise.
const WARM_UP_LIMIT: Duration = Duration::from_millis(800);

/// How often in a row the runtime may end without having served a request before the process ends too.
const ATTEMPTS: u32 = 3;
/// The pause before the runtime is run again.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves a router whose answers are whole, one request after the other.
pub async fn serve(function: &'static str, router: impl FnOnce(App) -> Result<Router>) -> ExitCode {
    if doctor::is_asked_for() {
        return doctor::run().await;
    }
    let Some(router) = start(function, router).await else {
        return ExitCode::FAILURE;
    };
    if concurrent_invocations() > 1 {
        tracing::error!(
            function,
            "{function} serves one request at a time: take it off its capacity provider"
        );
        return ExitCode::FAILURE;
    }
    let (router, served) = counted(router);
    keep_running(&served, async || lambda_http::run(router.clone()).await).await
}

/// Serves a router whose answers may be streams: one request after the other, or as many at the same time as Lambda sends.
pub async fn serve_streams(
    function: &'static str,
    router: impl FnOnce(App) -> Result<Router>,
) -> ExitCode {
    if doctor::is_asked_for() {
        return doctor::run().await;
    }
    let Some(router) = start(function, router).await else {
        return ExitCode::FAILURE;
    };
    let (router, served) = counted(router);
    let concurrently = concurrent_invocations() > 1;
    keep_running(&served, async || match concurrently {
        true => concurrent::run(lambda_http::streaming_runtime_concurrent(router.clone())).await,
        false => lambda_http::run_with_streaming_response(router.clone()).await,
    })
    .await
}

/// Serves events that are not HTTP, as [`serve_streams`] does requests. An error is written to the log and told to whoever
/// sent the event.
pub async fn serve_events<H: EventHandler>(
    function: &'static str,
    handler: impl FnOnce(App) -> H,
) -> ExitCode {
    if doctor::is_asked_for() {
        return doctor::run().await;
    }
    let Some(app) = configured(function).await else {
        return ExitCode::FAILURE;
    };
    let served = Arc::new(AtomicU64::new(0));
    let events = Arc::new(Events {
        function,
        config: app.config.clone(),
        clock: app.clock.clone(),
        spans: app.spans.clone(),
        served: served.clone(),
        handler: handler(app),
    });
    let service = lambda_runtime::service_fn(move |event: LambdaEvent<Value>| {
        let events = events.clone();
        async move { events.handle(event).await }
    });
    let concurrently = concurrent_invocations() > 1;
    keep_running(&served, async || match concurrently {
        true => concurrent::run(Runtime::new(service.clone())).await,
        false => lambda_runtime::run(service.clone()).await,
    })
    .await
}

/// What a function without routes needs for each event.
struct Events<H> {
    function: &'static str,
    config: Arc<Config>,
    clock: Clock,
    spans: Spans,
    served: Arc<AtomicU64>,
    handler: H,
}

impl<H: EventHandler> Events<H> {
    async fn handle(
        &self,
        event: LambdaEvent<Value>,
    ) -> std::result::Result<H::Answer, lambda_runtime::Error> {
        self.served.fetch_add(1, Ordering::Relaxed);
        metrics::tell_queue_age(&self.config, &event.payload, self.clock.now());
        // Boxed, because the compiler gives up on futures that are nested so deeply.
        let deadline = Deadline::of(&event.context);
        let handled = Box::pin(self.handler.handle(event.payload, deadline)).await;
        self.spans.flush().await;
        handled.map_err(|error| {
            let function = self.function;
            tracing::error!(function, error = ?error, "the event was not handled: {error}");
            lambda_runtime::Error::from(chain(&error))
        })
    }
}

/// What handles events that are not HTTP. Several may be handled at the same time.
pub trait EventHandler: Send + Sync + 'static {
    /// What it answers: nothing, or what AWS wants to know, such as the messages of a batch that failed.
    type Answer: Serialize + Send + 'static;

    /// Handles one event, as far as it can before `deadline`.
    fn handle(
        &self,
        event: Value,
        deadline: Deadline,
    ) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// An error with its causes, as one sentence: whoever sends such events is the operator, or AWS for them.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// The router, and how many requests have reached it.
fn counted(router: Router) -> (Router, Arc<AtomicU64>) {
    let served = Arc::new(AtomicU64::new(0));
    let counter = served.clone();
    let router = router.layer(map_request(move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(request)
    }));
    (router, served)
}

/// Runs the runtime again when its connection to the Runtime API broke: the local emulator closes it when a
/// client leaves a stream, the runtime then ends, and a function that has ended is not started again there. Where several
/// requests are served at the same time a lost answer ends nothing (`concurrent`), so this is for when all workers have ended.
async fn keep_running(
    served: &AtomicU64,
    run: impl AsyncFn() -> std::result::Result<(), lambda_runtime::Error>,
) -> ExitCode {
    let mut attempts = 0;
    loop {
        let before = served.load(Ordering::Relaxed);
        let Err(error) = run().await else {
            return ExitCode::SUCCESS;
        };
        let idle = served.load(Ordering::Relaxed) == before;
        attempts = if idle { attempts + 1 } else { 0 };
        if attempts == ATTEMPTS {
            tracing::error!(error = ?error, "the runtime ended: {error}");
            return ExitCode::FAILURE;
        }
        tracing::warn!(error = ?error, "the runtime ended and is run again: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Makes the router. With secrets that can't be used the process ends here, with one log line that names each.
async fn start(
    function: &'static str,
    router: impl FnOnce(App) -> Result<Router>,
) -> Option<Router> {
    let app = configured(function).await?;
    let router = router(app.clone());
    if let Err(refused) = warm_up(&app).await {
        tracing::error!(function, secrets = ?refused, "the function can't start: {}", refused.join("; "));
        return None;
    }
    if let Err(error) = &router {
        tracing::error!(function, error = ?error, "the function could not start: {error}");
    }
    router
        .ok()
        .map(|router| with_layers(function, router, &app.config, &app.spans))
}

/// Reads the configuration and makes the clients. With a faulty configuration the process ends here, with
/// one log line that names every fault.
async fn configured(function: &'static str) -> Option<App> {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(faults) => {
            telemetry::init(function, &Levels::default());
            tracing::error!(function, faults = ?faults.0, "{faults}");
            return None;
        }
    };
    telemetry::init(function, &config.log_level);
    let app = App::new(config, &crate::aws::load().await);
    app.spans.prepare(function);
    Some(app)
}

/// Reads the keys and opens the connection to the table while Lambda gives a starting process more CPU than a
/// running one. That they can be reached is no condition to start: what fails here fails again, and is reported,
/// in the first request that needs it. That the keys are good is one: the error is which of them are not.
async fn warm_up(app: &App) -> Result<(), Vec<String>> {
    let (keys, data_keys, table) = tokio::join!(
        in_time(async { app.authenticator.keys().ring().await.map(|_| ()) }),
        in_time(app.vault.warm_up()),
        in_time(app.store.check()),
    );
    let mut refused = Vec::new();
    for error in [keys, data_keys, table].into_iter().filter_map(Result::err) {
        match refusal(&error) {
            Some(refusal) => refused.push(refusal.to_string()),
            None => tracing::warn!(error = ?error, "the warm-up failed: {error}"),
        }
    }
    if refused.is_empty() {
        Ok(())
    } else {
        Err(refused)
    }
}

async fn in_time(work: impl Future<Output = Result<()>>) -> Result<()> {
    let done = tokio::time::timeout(WARM_UP_LIMIT, work).await;
    done.unwrap_or_else(|_| {
        tracing::warn!("a part of the warm-up took too long and was given up");
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Authenticator, KeySource, Standings};
    use crate::clock::{Clock, Moment};
    use crate::config::Stage;
    use crate::secrets::Secrets;
    use crate::vault::Vault;
    use secrecy::SecretString;

    const GOOD: &str = r#"{"bootstrap":"a text that is long enough to be a key in tests"}"#;

    /// An app with those secrets, whose AWS refuses every connection.
    async fn app(signing: &str, data: Option<&str>) -> App {
        let config = crate::config::tests::good();
        let sdk = aws_config::defaults(aws_config::BehaviorVersion::latest())
            .region(aws_config::Region::from_static("us-east-1"))
            .test_credentials()
            .endpoint_url("http://127.0.0.1:9")
            .retry_config(aws_config::retry::RetryConfig::disabled())
            .load()
            .await;
        let clock = Clock::manual(Moment::from_unix_seconds(1_700_000_000));
        let keys = KeySource::fixed(SecretString::from(signing), clock.clone());
        let secrets = Secrets::new(&sdk);
        let vault = match data {
            Some(data) => Vault::fixed(SecretString::from(data), clock.clone()),
            None => Vault::secret(secrets.clone(), "data-keys".to_owned(), clock.clone()),
        };
        let made = App::new(config, &sdk);
        let standings = Standings::new(made.store.clone(), clock.clone());
        let issuer = made.config.token_issuer.clone();
        App {
            authenticator: Authenticator::new(
                keys,
                issuer,
                clock.clone(),
                Stage::Local,
                standings,
                made.authenticator.federation().clone(),
            ),
            clock,
            vault,
            ..made
        }
    }

    #[tokio::test]
    async fn weak_or_faulty_keys_keep_a_function_from_starting_and_are_named_without_their_value() {
        for weak in [
            "",
            "hunter2",
            "{}",
            r#"{"keys":[]}"#,
            r#"{"keys":[{"seed":"hunter2"}]}"#,
            r#"{"keys":[{"id":"hunter2","key":"hunter2"}]}"#,
            r#"{"bootstrap":""}"#,
            r#"{"bootstrap":"hunter2 hunter2 hunter2 hunter2"}"#,
        ] {
            let app = app(weak, Some(weak)).await;
            app.vault.needed_at_start();
            let refused = warm_up(&app).await.expect_err(weak);
            assert_eq!(refused.len(), 2, "{weak}: {refused:?}");
            assert!(refused[0].contains("SIGNING_KEYS_SECRET_ID"), "{refused:?}");
            assert!(refused[1].contains("DATA_KEYS_SECRET_ID"), "{refused:?}");
            assert!(!refused.concat().contains("hunter2"), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn keys_that_can_t_be_reached_and_those_not_needed_keep_nothing_from_starting() {
        let away = app(GOOD, None).await;
        away.vault.needed_at_start();
        warm_up(&away).await.expect("the first request will tell");
        let not_needed = app(GOOD, Some("hunter2")).await;
        warm_up(&not_needed)
            .await
            .expect("nobody opens anything here");
    }
}
