//! `PUT /api/v1/provider-credentials/{provider}` and `POST …/rotate`

use std::time::Duration;

use axum::extract::State;
use secrecy::SecretString;
use serde::Deserialize;
use shared::auth::Caller;
use shared::error::ProviderFault;
use shared::http::{AcceptsJson, Json, Path};
use shared::model::{
    AuditAction, Origin, ProviderCredential, ProviderKey, ProviderName, SealedKey,
};
use shared::{Error, Result};

use crate::Credentials;
use crate::view::CredentialView;

/// How long a rotated key is still used, in seconds, where nothing is said.
const OVERLAP_SECONDS: u64 = 24 * 3600;
/// The longest that a rotated key may still be used, in seconds.
const MAX_OVERLAP_SECONDS: u64 = 7 * 24 * 3600;

/// A key of a model provider.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCredential {
    /// The key as the provider shows it.
    #[schema(value_type = String, format = Password, min_length = 16, max_length = 512, pattern = "^[!-~]+$")]
    key: SecretString,
}

/// The key that comes after the present one.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialRotation {
    /// The new key as the provider shows it.
    #[schema(value_type = String, format = Password, min_length = 16, max_length = 512, pattern = "^[!-~]+$")]
    key: SecretString,
    /// For how many seconds the present key is used where the provider refuses the new one.
    #[schema(minimum = 0, maximum = 604_800, default = 86_400)]
    overlap_seconds: Option<u64>,
}

/// Stores the tenant's key for a provider.
///
/// The provider is asked first whether it takes the key, by listing its models, which costs nothing. A key
/// that was stored before is replaced at once; use `rotate` to keep it for a while. The key is never shown
/// again. Turns use it in every process after at most half a minute.
#[utoipa::path(
    put,
    path = "/api/v1/provider-credentials/{provider}",
    tag = "provider-credentials",
    security(("bearer" = [])),
    params(("provider" = String, Path, description = "The provider's name.")),
    request_body = NewCredential,
    responses(
        (status = 200, description = "The key is stored.", body = CredentialView),
        (status = 409, description = "Somebody else has just changed it.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn put_credential(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Credentials>,
    origin: Origin,
    Path(provider): Path<ProviderName>,
    Json(new): Json<NewCredential>,
) -> Result<Json<CredentialView>> {
    let before = state
        .app
        .store
        .of(&caller)
        .credential_get(provider.as_str())
        .await?;
    let change = Change {
        provider: provider.as_str(),
        key: new.key,
        version: before.as_ref().map(|before| before.version),
        previous: None,
        address: None,
        action: AuditAction::ProviderCredentialStored,
    };
    write(&state, &caller, &origin, change).await.map(Json)
}

/// Rotates the tenant's key for a provider.
///
/// The provider must take the new key. The present one is kept for the overlap, and used where the provider
/// refuses the new one; a key from a rotation before is forgotten.
#[utoipa::path(
    post,
    path = "/api/v1/provider-credentials/{provider}/rotate",
    tag = "provider-credentials",
    security(("bearer" = [])),
    params(("provider" = String, Path, description = "The provider's name.")),
    request_body = CredentialRotation,
    responses(
        (status = 200, description = "The new key is in use.", body = CredentialView),
        (status = 409, description = "Somebody else has just changed it.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn rotate_credential(
    caller: Caller,
    _: AcceptsJson,
    State(state): State<Credentials>,
    origin: Origin,
    Path(provider): Path<ProviderName>,
    Json(rotation): Json<CredentialRotation>,
) -> Result<Json<CredentialView>> {
    let overlap = rotation.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
    if overlap > MAX_OVERLAP_SECONDS {
        let detail = format!("must be from 0 to {MAX_OVERLAP_SECONDS}");
        return Err(Error::invalid("/overlap_seconds", detail));
    }
    let before = state
        .app
        .store
        .of(&caller)
        .credential_get(provider.as_str())
        .await?;
    let before = before.ok_or(Error::NotFound("provider credential"))?;
    let until = state.app.clock.now().plus(Duration::from_secs(overlap));
    let change = Change {
        provider: provider.as_str(),
        key: rotation.key,
        version: Some(before.version),
        previous: Some((before.current, until)),
        address: before.address,
        action: AuditAction::ProviderCredentialRotated,
    };
    write(&state, &caller, &origin, change).await.map(Json)
}

/// What is to be written.
struct Change<'a> {
    provider: &'a str,
    key: SecretString,
    version: Option<u64>,
    previous: Option<(SealedKey, shared::clock::Moment)>,
    /// The address that `previous` is for.
    address: Option<String>,
    action: AuditAction,
}

async fn write(
    state: &Credentials,
    caller: &Caller,
    origin: &Origin,
    change: Change<'_>,
) -> Result<CredentialView> {
    let store = state.app.store.of(caller);
    let spec = state.provider(&store, change.provider).await?;
    let key = ProviderKey::parse("/key", change.key)?;
    let taken = state.providers.try_key(&spec, &key).await;
    taken.map_err(refused_key)?;
    let now = state.app.clock.now();
    let address = spec.tenant_address();
    let context = ProviderCredential::context(caller.tenant(), change.provider, address);
    // A key that was stored for another address goes nowhere any more.
    let previous = change.previous;
    let previous = previous.filter(|_| change.address.as_deref() == address);
    let credential = ProviderCredential {
        provider: change.provider.to_owned(),
        address: address.map(str::to_owned),
        current: SealedKey {
            sealed: state.app.vault.seal(&context, key.secret()).await?,
            fingerprint: key.fingerprint(),
            last4: key.last4(),
            stored_at: now,
        },
        previous,
        changed_by: caller.user(),
        version: change.version.unwrap_or_default() + 1,
    };
    let target = Some(change.provider.to_owned());
    let event = caller.did(&state.app.clock, origin, change.action, target);
    let written = store.credential_put(&credential, change.version, &event);
    if !written.await? {
        return Err(Error::Conflict(
            "somebody else has just changed this credential; look at it and repeat your change",
        ));
    }
    Ok(CredentialView::new(credential, now))
}

/// A key that the provider refuses is a fault of the request; all else is one of the provider's.
fn refused_key(error: Error) -> Error {
    match error {
        Error::Provider {
            fault: ProviderFault::Unauthorized,
            ..
        } => Error::invalid(
            "/key",
            "the provider refuses this key; check that it is complete and active there",
        ),
        other => other,
    }
}
