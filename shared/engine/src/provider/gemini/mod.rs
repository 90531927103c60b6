//! `POST {base_url}/models/{id}:streamGenerateContent` as Google speaks it.

mod body;
mod stream;

use secrecy::SecretString;
use shared::Result;
use shared::model::ProviderSpec;

pub(super) use body::body;
pub(super) use stream::Gemini;

use super::{Prompt, expose, segment, url};

/// The request for an answer as a stream.
pub(super) fn request(
    http: &reqwest::Client,
    prompt: &Prompt<'_>,
    key: Option<&SecretString>,
) -> Result<reqwest::RequestBuilder> {
    let model = segment(prompt.model.spec().name_at_provider());
    let path = format!("/models/{model}:streamGenerateContent?alt=sse");
    let request = http.post(url(prompt.model.provider(), &path));
    Ok(authorized(request, key).json(&body(prompt)?))
}

/// The request for the list of models.
pub(super) fn list_models(
    http: &reqwest::Client,
    provider: &ProviderSpec,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    authorized(http.get(url(provider, "/models?pageSize=1")), key)
}

/// With the key where this wire has it.
pub(super) fn authorized(
    request: reqwest::RequestBuilder,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    match key {
        Some(key) => request.header("x-goog-api-key", expose(key)),
        None => request,
    }
}
