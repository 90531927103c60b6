//! `GET /api/v1/provider-credentials`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List};

use crate::Credentials;
use crate::view::CredentialView;

/// Lists the keys of model providers that the tenant brought.
///
/// Turns with a model of a provider that is not in the list use the platform's key.
#[utoipa::path(
    get,
    path = "/api/v1/provider-credentials",
    tag = "provider-credentials",
    security(("bearer" = [])),
    responses((status = 200, description = "One entry for each provider, by name.", body = List<CredentialView>)),
)]
pub(crate) async fn list_credentials(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Credentials>,
) -> Result<Json<List<CredentialView>>> {
    let (store, now) = (state.app.store.of(&caller), state.app.clock.now());
    let found = store.credential_list().await?.into_iter();
    let views = found.map(|credential| CredentialView::new(credential, now));
    Ok(Json(List::whole(views.collect())))
}
