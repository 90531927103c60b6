//! Answers that come in one piece of JSON.

use std::time::Instant;

use futures_util::StreamExt as _;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use shared::Result;
use shared::http::TraceContext;
use shared::model::ProviderSpec;

use super::completion::{nonsense, transport, within};
use super::served::served;
use super::{Providers, traced};

/// How much of an answer is read, in bytes. 96 vectors of 3072 numbers have about a fourth of it.
const MAX_ANSWER_BYTES: usize = 16 * 1024 * 1024;

impl Providers {
    /// Sends a request and reads its answer. Once the provider has taken the request, what fails may be charged.
    pub(super) async fn answer<T: DeserializeOwned>(
        &self,
        (provider, trace): (&ProviderSpec, &TraceContext),
        request: reqwest::RequestBuilder,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<T> {
        let request = request.headers(traced::outgoing(trace, provider));
        let response = self.send(provider, request, key, deadline).await?;
        let (mut body, mut chunks) = (Vec::new(), response.bytes_stream());
        while let Some(chunk) = within(deadline, chunks.next()).await.map_err(served)? {
            body.extend_from_slice(&chunk.map_err(transport)?);
            if body.len() > MAX_ANSWER_BYTES {
                return Err(served(nonsense("an answer that is too large")));
            }
        }
        let answer = serde_json::from_slice(&body);
        answer.map_err(|_| served(nonsense("an answer that is not what was asked for")))
    }
}
