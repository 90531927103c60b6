//! How a function's process starts.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use axum::Router;

use crate::app::App;
use crate::config::Config;
use crate::error::Result;
use crate::http::with_layers;
use crate::telemetry;

/// How long a start may wait for connections that the first request would open otherwise.
const WARM_UP_LIMIT: Duration = Duration::from_millis(800);

/// How often in a row the runtime may end at once before the process does.
const ATTEMPTS: u32 = 3;
/// A runtime that ran for longer than this did not end at once.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Serves a router whose answers are whole.
pub async fn serve(function: &'static str, router: impl FnOnce(App) -> Result<Router>) -> ExitCode {
    let Some(router) = start(function, router).await else {
        return ExitCode::FAILURE;
    };
    keep_running(async || lambda_http::run(router.clone()).await).await
}

/// Serves a router whose answers may be streams.
pub async fn serve_streams(
    function: &'static str,
    router: impl FnOnce(App) -> Result<Router>,
) -> ExitCode {
    let Some(router) = start(function, router).await else {
        return ExitCode::FAILURE;
    };
    keep_running(async || lambda_http::run_with_streaming_response(router.clone()).await).await
}

/// Runs the runtime again when its connection to the Runtime API broke. The local emulator closes idle
/// connections, which the runtime meets as a failed request and ends; and a function that has ended is not
/// started again there.
async fn keep_running(run: impl AsyncFn() -> Result<(), lambda_http::Error>) -> ExitCode {
    let mut attempts = 0;
    loop {
        let started = Instant::now();
        let Err(error) = run().await else {
            return ExitCode::SUCCESS;
        };
        attempts = if started.elapsed() < AT_ONCE {
            attempts + 1
        } else {
            1
        };
        if attempts == ATTEMPTS {
            tracing::error!(error = ?error, "the runtime ended: {error}");
            return ExitCode::FAILURE;
        }
        tracing::warn!(error = ?error, "the runtime ended and is run again: {error}");
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
