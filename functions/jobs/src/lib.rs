//! Jobs: list, get, count, create, cancel, and try again.

mod cancel;
mod create;
mod get;
mod known;
mod list;
mod redrive;
mod retry;
mod statistics;
mod view;

use axum::Router;
use axum::extract::FromRef;
use engine::{Engine, ProviderKeys, Providers};
use shared::http::Routes;
use shared::model::Job;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Jobs {
    app: App,
    /// For what becomes of runs. Nobody is asked anything here, so it has no keys.
    engine: Engine,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    let keys = ProviderKeys::fixed([]);
    let providers = Providers::new(keys, &app.sdk, &app.clock, &app.guard);
    let state = Jobs {
        engine: Engine::new(app.clone(), providers),
        app,
    };
    Ok(routes().with_state(state))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Jobs> {
    Routes::new()
        .routes(routes!(list::list_jobs, create::create_job))
        .routes(routes!(statistics::get_statistics))
        .routes(routes!(redrive::redrive_jobs))
        .routes(routes!(get::get_job))
        .routes(routes!(cancel::cancel_job))
        .routes(routes!(retry::retry_job))
}

impl Jobs {
    /// Tells a worker that a job waits, if it is its time. It is no condition of anything: one of which nobody was told is
    /// found in the table a little later.
    async fn tell(&self, job: &Job) {
        if job.due_at > self.app.clock.now() {
            return;
        }
        self.engine.tell_of_job(job).await;
    }
}
