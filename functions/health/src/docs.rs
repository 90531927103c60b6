//! `GET /openapi.json` and the page at `/docs` that shows it.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use shared::http::{AcceptsJson, Guest, Path};
use shared::{Error, Result};
use utoipa_swagger_ui::Config;

use crate::Health;

/// The OpenAPI document. It is made from the routers of all functions by the tests of the workspace, which
/// fail while this file is not what they would make.
const DOCUMENT: &str = include_str!("../openapi.json");

/// For a quarter of an hour nobody needs to ask again.
const CACHED: HeaderValue = HeaderValue::from_static("public, max-age=900");

/// The page runs its own scripts and asks this API; nothing else is loaded from anywhere.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; frame-ancestors 'none'",
);

/// The document is beside the page, wherever the API's root is.
static PAGE: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    Arc::new(
        Config::new(["../openapi.json"])
            .validator_url("none")
            .try_it_out_enabled(true),
    )
});

/// The page's routes. They stand in no document: the page is for people.
pub(crate) fn router() -> Router<Health> {
    Router::new()
        .route("/docs", get(redirect))
        .route("/docs/", get(async |_: Guest| file("")))
        .route(
            "/docs/{file}",
            get(async |_: Guest, Path(name): Path<String>| file(&name)),
        )
}

/// Gives this document.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "health",
    responses((status = 200, description = "The OpenAPI 3.1 document.", body = Object)),
)]
pub(crate) async fn get_document(
    _: Guest,
    _: AcceptsJson,
) -> ([(HeaderName, HeaderValue); 2], &'static str) {
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json), (CACHE_CONTROL, CACHED)], DOCUMENT)
}

/// Relative, because API Gateway puts the stage before the path.
async fn redirect(_: Guest) -> impl IntoResponse {
    (
        StatusCode::SEE_OTHER,
        [(LOCATION, HeaderValue::from_static("docs/"))],
    )
}

fn file(name: &str) -> Result<Response> {
    let found = utoipa_swagger_ui::serve(name, PAGE.clone())
        .map_err(|error| Error::internal(error.to_string()))?;
    let file = found.ok_or(Error::NoRoute)?;
    let content_type = HeaderValue::from_str(&file.content_type).map_err(Error::internal)?;
    let headers = [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, CACHED),
        (CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ];
    Ok((headers, file.bytes).into_response())
}
