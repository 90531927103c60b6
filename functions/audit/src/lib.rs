//! The audit trail of a tenant: what happened, and whether the trail is whole.

mod days;
mod list;
mod verify;
mod view;

use axum::Router;
use shared::auth::Caller;
use shared::http::Routes;
use shared::model::{AuditAction, Origin};
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    Ok(routes().with_state(app))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<App> {
    Routes::new()
        .routes(routes!(list::list_records))
        .routes(routes!(verify::verify_trail))
}

/// Tells the trail that it is read. What follows with a cursor is the same reading, and is not told again.
async fn note_reading(app: &App, caller: &Caller, origin: &Origin, operation: &str) -> Result<()> {
    let target = Some(operation.to_owned());
    let event = caller.did(&app.clock, origin, AuditAction::AuditRead, target);
    app.store.audit(&event).await
}
