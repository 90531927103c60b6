//! `POST {base_url}/v1/messages` as Anthropic speaks it.

mod body;
mod stream;

use secrecy::SecretString;
use shared::Result;
use shared::model::ProviderSpec;

pub(super) use body::body;
pub(super) use stream::Anthropic;

use super::{Prompt, expose, url};

/// The version of the protocol.
const VERSION: &str = "2023-06-01";

/// The request for an answer as a stream.
pub(super) fn request(
    http: &reqwest::Client,
    prompt: &Prompt<'_>,
    key: Option<&SecretString>,
) -> Result<reqwest::RequestBuilder> {
    let request = http.post(url(prompt.model.provider(), "/v1/messages"));
    Ok(authorized(request, key).json(&body(prompt)?))
}

/// The request for the list of models.
pub(super) fn list_models(
    http: &reqwest::Client,
    provider: &ProviderSpec,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    authorized(http.get(url(provider, "/v1/models")), key)
}

fn authorized(
    request: reqwest::RequestBuilder,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    let request = request.header("anthropic-version", VERSION);
    match key {
        Some(key) => request.header("x-api-key", expose(key)),
        None => request,
    }
}
