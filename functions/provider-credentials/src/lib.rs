//! Keys of model providers that tenants bring: stored, replaced, rotated with an overlap, never shown again.

mod delete;
mod list;
mod store;
mod view;

use axum::Router;
use axum::extract::FromRef;
use engine::{Catalogues, ProviderKeys, Providers};
use shared::http::Routes;
use shared::model::ProviderSpec;
use shared::store::TenantStore;
use shared::{App, Error, Result, routes};
use utoipa::openapi::OpenApi;

/// What the handlers of this group can reach.
#[derive(Debug, Clone, FromRef)]
struct Credentials {
    app: App,
    catalogues: Catalogues,
    providers: Providers,
}

impl Credentials {
    /// A provider of the configuration, or of the tenant's registry as it is now: what is remembered of it could have
    /// another address.
    async fn provider(&self, store: &TenantStore, name: &str) -> Result<ProviderSpec> {
        let catalogue = self.catalogues.read_anew(store).await?;
        let mut known = catalogue.providers();
        let found = known.find(|provider| provider.name == name);
        found.cloned().ok_or(Error::NotFound("provider"))
    }
}

/// The group's routes. It tries keys that tenants bring, and has none of the platform's.
pub fn router(app: App) -> Result<Router> {
    app.vault.needed_at_start();
    let state = Credentials {
        catalogues: Catalogues::new(&app),
        providers: Providers::new(ProviderKeys::fixed([]), &app.sdk, &app.clock, &app.guard),
        app,
    };
    Ok(routes().with_state(state))
}

/// The group's part of the OpenAPI document.
pub fn openapi() -> OpenApi {
    routes().into_openapi()
}

fn routes() -> Routes<Credentials> {
    Routes::new()
        .routes(routes!(list::list_credentials))
        .routes(routes!(store::put_credential, delete::delete_credential))
        .routes(routes!(store::rotate_credential))
}
