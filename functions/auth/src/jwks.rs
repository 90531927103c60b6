//! `GET /.well-known/jwks.json`

use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{AppendHeaders, IntoResponse};
use serde::Serialize;
use shared::Result;
use shared::http::{AcceptsJson, Guest, Json};

use crate::Auth;

/// A JSON Web Key Set (RFC 7517).
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = JsonWebKeySet)]
pub(crate) struct KeySetView {
    /// The keys: Ed25519 (RFC 8037), each with its `kid`.
    #[schema(value_type = Vec<Object>)]
    keys: Vec<serde_json::Value>,
}

/// Gives the public keys.
///
/// Other services verify access tokens with them. A key stands here before it signs and until all tokens
/// that it signed have run out.
#[utoipa::path(
    get,
    path = "/.well-known/jwks.json",
    tag = "auth",
    responses((status = 200, description = "The public keys.", body = KeySetView)),
)]
pub(crate) async fn get_jwks(
    _: Guest,
    _: AcceptsJson,
    State(auth): State<Auth>,
) -> Result<impl IntoResponse> {
    let ring = auth.app.authenticator.keys().ring().await?;
    let keys = ring
        .public_keys(auth.app.clock.now())
        .into_iter()
        .map(serde_json::to_value);
    let keys = keys
        .collect::<Result<_, _>>()
        .map_err(shared::Error::internal)?;
    let cache = (
        CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=300"),
    );
    Ok((AppendHeaders([cache]), Json(KeySetView { keys })))
}
