//! Tenants, who belongs to them, who is invited, and what they may spend.

mod accept;
mod authority;
mod budgets;
mod create;
mod delete;
mod get;
mod invitations;
mod list;
mod members;
mod own;
mod status;
mod update;
mod view;

use axum::Router;
use axum::extract::FromRef;
use shared::http::Routes;
use shared::store::IdentityStore;
use shared::{App, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Tenants {
    app: App,
    identity: IdentityStore,
}

/// The group's routes.
pub fn router(app: App) -> Result<Router> {
    #[expect(clippy::disallowed_methods, reason = "this is a function that may")]
    let identity = app.store.identity();
    // Mails and kept replies are sealed with it.
    app.vault.needed_at_start();
    Ok(routes().with_state(Tenants { app, identity }))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Tenants> {
    Routes::new()
        .routes(routes!(list::list_tenants, create::create_tenant))
        .routes(routes!(
            get::get_tenant,
            update::update_tenant,
            delete::delete_tenant
        ))
        .routes(routes!(status::suspend_tenant))
        .routes(routes!(status::resume_tenant))
        .routes(routes!(members::list::list_members))
        .routes(routes!(
            members::update::update_member,
            members::remove::remove_member
        ))
        .routes(routes!(
            invitations::list::list_invitations,
            invitations::create::create_invitation
        ))
        .routes(routes!(invitations::revoke::revoke_invitation))
        .routes(routes!(budgets::list::list_budgets))
        .routes(routes!(
            budgets::get::get_budget,
            budgets::put::put_budget,
            budgets::delete::delete_budget
        ))
        .routes(routes!(accept::accept_invitation))
}
