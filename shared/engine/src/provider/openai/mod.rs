//! `POST {base_url}/chat/completions` as OpenAI, Ollama, vLLM and llama.cpp speak it.

mod body;
mod stream;

use secrecy::SecretString;
use shared::Result;
use shared::model::ProviderSpec;

pub(super) use body::body;
pub(super) use stream::OpenAi;

use super::{Prompt, expose, url};

/// The request for an answer as a stream.
pub(super) fn request(
    http: &reqwest::Client,
    prompt: &Prompt<'_>,
    key: Option<&SecretString>,
) -> Result<reqwest::RequestBuilder> {
    let provider = prompt.model.provider();
    let request = http.post(url(provider, "/chat/completions"));
    Ok(authorized(request, key).json(&body(prompt)?))
}

/// The request for the list of models.
pub(super) fn list_models(
    http: &reqwest::Client,
    provider: &ProviderSpec,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    authorized(http.get(url(provider, "/models")), key)
}

/// With the key where this wire has it.
pub(super) fn authorized(
    request: reqwest::RequestBuilder,
    key: Option<&SecretString>,
) -> reqwest::RequestBuilder {
    match key {
        Some(key) => request.bearer_auth(expose(key)),
        None => request,
    }
}
