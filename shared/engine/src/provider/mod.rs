//! Model providers: one HTTP client, one wire a file.

mod anthropic;
mod keys;
mod openai;
mod tenant_keys;

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use http::StatusCode;
use http::header::RETRY_AFTER;
use secrecy::SecretString;
use shared::error::ProviderFault;
use shared::http::TraceContext;
use shared::model::{FinishReason, ProviderKey, ProviderSpec, Usage, Wire};
use shared::{BoxError, Error, Result};

pub use keys::ProviderKeys;
pub(crate) use tenant_keys::{OwnKeys, TenantKeys};

use crate::catalogue::Model;
use crate::context::Turned;
use crate::sse::{Decoder, Event};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a provider may be silent, before its first byte and between two.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a readiness check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long trying a tenant's key may take. Somebody waits for it, and would rather wait than try again.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);
/// How much of a refusal is read, in bytes, to find its code.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;

/// What a model is asked.
#[derive(Debug)]
pub(crate) struct Prompt<'a> {
    pub(crate) model: &'a Model,
    pub(crate) trace: &'a TraceContext,
    pub(crate) system_prompt: Option<&'a str>,
    pub(crate) messages: Vec<Turned>,
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Part {
    /// Text that follows the text before.
    Text(String),
    /// Why the model stopped.
    Finish(FinishReason),
    /// What it used. A later one replaces an earlier one.
    Usage(Usage),
    /// There is nothing more to come.
    End,
}

/// Makes parts of a wire's events.
trait Parser: Send {
    fn parse(&mut self, event: &Event) -> Result<Vec<Part>>;
    /// Whether a stream that ends now was cut.
    fn is_complete(&self) -> bool;
}

/// Speaks to all providers over one pool of connections.
#[derive(Debug, Clone)]
pub struct Providers {
    /// Made when it is first needed: making it reads the system's root certificates, which is most of what
    /// a start would cost.
    http: Arc<OnceLock<reqwest::Client>>,
    keys: ProviderKeys,
}

impl Providers {
    /// With the keys of that source.
    pub fn new(keys: ProviderKeys) -> Self {
        Self {
            http: Arc::default(),
            keys,
        }
    }

    fn http(&self) -> Result<&reqwest::Client> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(self.http.get_or_init(|| http))
    }

    /// Asks a model with the platform's key. The answer's parts are then taken from the completion, until
    /// `deadline`.
    pub(crate) async fn complete(
        &self,
        prompt: &Prompt<'_>,
        deadline: Instant,
    ) -> Result<Completion> {
        let provider = &prompt.model.provider().name;
        let key = self.keys.get(provider).await?;
        let asked = self.ask(prompt, key.as_ref(), deadline).await;
        if !is_unauthorized(&asked) {
            return asked;
        }
        // It may have been rotated since it was read.
        match self.keys.after_refusal(provider, key.as_ref()).await? {
            Some(other) => self.ask(prompt, Some(&other), deadline).await,
            None => asked,
        }
    }

    /// Asks a model with keys that the tenant brought, and never with the platform's: the next key is tried
    /// where the provider refuses one.
    pub(crate) async fn complete_with(
        &self,
        own: &[&SecretString],
        prompt: &Prompt<'_>,
        deadline: Instant,
    ) -> Result<Completion> {
        for key in own {
            let asked = self.ask(prompt, Some(key), deadline).await;
            if !is_unauthorized(&asked) {
                return asked;
            }
        }
        Err(Error::provider(
            ProviderFault::CredentialRefused,
            "the provider refused every key of the tenant's",
        ))
    }

    async fn ask(
        &self,
        prompt: &Prompt<'_>,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<Completion> {
        let (request, parser): (_, Box<dyn Parser>) = match prompt.model.provider().wire {
            Wire::Openai => (
                openai::request(self.http()?, prompt, key),
                Box::<openai::OpenAi>::default(),
            ),
            Wire::Anthropic => (
                anthropic::request(self.http()?, prompt, key),
                Box::<anthropic::Anthropic>::default(),
            ),
        };
        let request = request.headers(prompt.trace.outgoing());
        let response = within(deadline, request.send()).await?.map_err(transport)?;
        if !response.status().is_success() {
            return Err(refusal(response, deadline).await);
        }
        let content_type = response.headers().get(http::header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !content_type.starts_with("text/event-stream") {
            return Err(nonsense("a success that is no event stream"));
        }
        Ok(Completion {
            bytes: response.bytes_stream().boxed(),
            decoder: Decoder::default(),
            parser,
            ready: VecDeque::new(),
            deadline,
        })
    }

    /// Whether a provider answers and takes our key. It lists its models, which costs nothing.
    pub async fn check(&self, provider: &ProviderSpec) -> Result<()> {
        let key = self.keys.get(&provider.name).await?;
        self.list_models(provider, key.as_ref(), CHECK_TIMEOUT)
            .await
    }

    /// Whether a provider takes that key, which a tenant brings.
    pub async fn try_key(&self, provider: &ProviderSpec, key: &ProviderKey) -> Result<()> {
        self.list_models(provider, Some(key.secret()), TRY_TIMEOUT)
            .await
    }

    async fn list_models(
        &self,
        provider: &ProviderSpec,
        key: Option<&SecretString>,
        timeout: Duration,
    ) -> Result<()> {
        let request = match provider.wire {
            Wire::Openai => openai::list_models(self.http()?, provider, key),
            Wire::Anthropic => anthropic::list_models(self.http()?, provider, key),
        };
        let deadline = Instant::now() + timeout;
        let response = within(deadline, request.send()).await?.map_err(transport)?;
        if response.status().is_success() {
            return Ok(());
        }
        Err(refusal(response, deadline).await)
    }
}

/// An answer on its way.
pub(crate) struct Completion {
    bytes: BoxStream<'static, reqwest::Result<bytes::Bytes>>,
    decoder: Decoder,
    parser: Box<dyn Parser>,
    ready: VecDeque<Part>,
    deadline: Instant,
}

impl Completion {
    /// The next part. After [`Part::End`] or an error there is none.
    pub(crate) async fn next(&mut self) -> Result<Part> {
        loop {
            if let Some(part) = self.ready.pop_front() {
                return Ok(part);
            }
            match within(self.deadline, self.bytes.next()).await? {
                Some(bytes) => {
                    let bytes = bytes.map_err(transport)?;
                    let events = self
                        .decoder
                        .push(&bytes)
                        .map_err(|broken| nonsense(broken.to_string()))?;
                    for event in &events {
                        self.ready.extend(self.parser.parse(event)?);
                    }
                }
                None if self.parser.is_complete() => return Ok(Part::End),
                None => {
                    let cause = "the stream ended before the answer did";
                    return Err(Error::provider(ProviderFault::Unavailable, cause));
                }
            }
        }
    }
}

fn is_unauthorized<T>(asked: &Result<T>) -> bool {
    let refused = |fault: &ProviderFault| *fault == ProviderFault::Unauthorized;
    matches!(asked, Err(Error::Provider { fault, .. }) if refused(fault))
}

async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Result<T> {
    let limit = tokio::time::timeout_at(deadline.into(), work);
    let late = |_| Error::provider(ProviderFault::TimedOut, "the time for the turn is over");
    limit.await.map_err(late)
}

/// A failure below HTTP.
fn transport(error: reqwest::Error) -> Error {
    let fault = if error.is_timeout() {
        ProviderFault::TimedOut
    } else {
        ProviderFault::Unavailable
    };
    // The address is known from the configuration, and may be private.
    Error::provider(fault, error.without_url())
}

/// An answer that is not the protocol.
fn nonsense(what: impl Into<BoxError>) -> Error {
    Error::provider(ProviderFault::Nonsense, what)
}

/// A status that is no success.
async fn refusal(response: reqwest::Response, deadline: Instant) -> Error {
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok());
    let retry_after = retry_after
        .and_then(|seconds| seconds.parse().ok())
        .map(|seconds: u64| Duration::from_secs(seconds.clamp(1, 300)));
    let fault = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProviderFault::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => ProviderFault::Overloaded { retry_after },
        _ if status.as_u16() == 529 => ProviderFault::Overloaded { retry_after },
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => ProviderFault::TimedOut,
        _ if status.is_server_error() => ProviderFault::Unavailable,
        _ if status.is_client_error() => ProviderFault::Refused,
        _ => ProviderFault::Nonsense,
    };
    let code = within(deadline, refusal_code(response))
        .await
        .ok()
        .flatten()
        .unwrap_or_default();
    Error::provider(fault, format!("status {} {code}", status.as_u16()))
}

/// The error's `code` or `type`, as all wires write it. Its message is left out: it may quote the prompt.
async fn refusal_code(response: reqwest::Response) -> Option<String> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.ok()?);
        if body.len() > MAX_REFUSAL_BYTES {
            return None;
        }
    }
    let body: serde_json::Value = serde_json::from_slice(&body).ok()?;
    let code = ["code", "type"]
        .iter()
        .find_map(|name| body["error"][name].as_str())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    Some(code.chars().filter(|c| plain(*c)).take(64).collect())
}

/// What both wires do with a base URL.
fn url(provider: &ProviderSpec, path: &str) -> String {
    format!("{}{path}", provider.base_url)
}

/// A key as a header's value.
fn expose(key: &SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(key)
}
