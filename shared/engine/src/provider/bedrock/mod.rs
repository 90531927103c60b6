//! `POST {base_url}/model/{id}/converse-stream` as Amazon Bedrock speaks it.

mod body;
mod frames;
mod sign;
mod stream;

use shared::Result;
use shared::model::ProviderSpec;

pub(super) use body::body;
pub(super) use sign::Signer;
pub(super) use stream::Bedrock;

use super::{Prompt, segment, url};

/// The content type of an answer.
pub(super) const EVENT_STREAM: &str = "application/vnd.amazon.eventstream";

/// The request for an answer as a stream, not signed yet.
pub(super) fn request(
    http: &reqwest::Client,
    prompt: &Prompt<'_>,
) -> Result<reqwest::RequestBuilder> {
    let model = segment(prompt.model.spec().name_at_provider());
    let path = format!("/model/{model}/converse-stream");
    let request = http.post(url(prompt.model.provider(), &path));
    Ok(request.json(&body(prompt)?))
}

/// The request for the list of models, not signed yet. It goes to the endpoint that controls models, which stands
/// beside the one that runs them.
pub(super) fn list_models(
    http: &reqwest::Client,
    provider: &ProviderSpec,
) -> reqwest::RequestBuilder {
    let control = provider.base_url.replacen("bedrock-runtime", "bedrock", 1);
    http.get(format!("{control}/foundation-models"))
}
