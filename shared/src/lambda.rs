//! How a function's process starts.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::map_request;

use crate::app::App;
use crate::config::Config;
use crate::error::Result;
use crate::http::with_layers;
use crate::telemetry;

/// How long a start may wait for connections that the first request would open otherwise.
const WARM_UP_LIMIT: Duration = Duration::from_millis(800);

/// How often in a row the runtime may end without having served a request before the process ends too.
const ATTEMPTS: u32 = 3;
/// The pause before the runtime is run again.
const PAUSE: Duration = Duration::from_millis(50);

/// Serves a router whose answers are whole.
pub async fn serve(function: &'static str, router: impl FnOnce(App) -> Result<Router>) -> ExitCode {
    let Some(router) = start(function, router).await else {
        return ExitCode::FAILURE;
    };
    keep_running(router, async |router| lambda_http::run(router).await).await
}

/// Serves a router whose answers may be streams.
pub async fn serve_streams(
    function: &'static str,
    router: impl FnOnce(App) -> Result<Router>,
) -> ExitCode {
    let Some(router) = start(function, router).await else {
        return ExitCode::FAILURE;
    };
    keep_running(router, async |router| {
        lambda_http::run_with_streaming_response(router).await
    })
    .await
}

/// Runs the runtime again when its connection to the Runtime API broke: the local emulator closes it when a
/// client leaves a stream, the runtime then ends, and a function that has ended is not started again there.
async fn keep_running(
    router: Router,
    run: impl AsyncFn(Router) -> std::result::Result<(), lambda_http::Error>,
) -> ExitCode {
    let served = Arc::new(AtomicU64::new(0));
    let counter = served.clone();
    let router = router.layer(map_request(move |request: Request| {
        counter.fetch_add(1, Ordering::Relaxed);
        std::future::ready(request)
    }));
    let mut attempts = 0;
    loop {
        let before = served.load(Ordering::Relaxed);
        let Err(error) = run(router.clone()).await else {
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

/// Reads the configuration and makes the clients. With a faulty configuration the process ends here, with
/// one log line that names every fault.
async fn start(
    function: &'static str,
    router: impl FnOnce(App) -> Result<Router>,
) -> Option<Router> {
    let config = match Config::from_env() {
        Ok(config) => config,
        Err(faults) => {
            telemetry::init("info");
            tracing::error!(function, faults = ?faults.0, "{faults}");
            return None;
        }
    };
    telemetry::init(&config.log_level);
    let app = App::new(config, &crate::aws::load().await);
    warm_up(&app).await;
    let router = router(app);
    if let Err(error) = &router {
        tracing::error!(function, error = ?error, "the function could not start: {error}");
    }
    router.ok().map(|router| with_layers(function, router))
}

/// Reads the signing keys and opens the connection to the table while Lambda gives a starting process more
/// CPU than a running one. It is no condition to start: what fails here fails again, and is reported, in the
/// first request that needs it.
async fn warm_up(app: &App) {
    let work = async { tokio::join!(app.authenticator.keys().ring(), app.store.check()) };
    match tokio::time::timeout(WARM_UP_LIMIT, work).await {
        Ok((keys, table)) => {
            for error in [keys.err(), table.err()].into_iter().flatten() {
                tracing::warn!(error = ?error, "the warm-up failed: {error}");
            }
        }
        Err(_) => tracing::warn!("the warm-up took too long and was given up"),
    }
}
