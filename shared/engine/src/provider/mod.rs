//! Model providers: one HTTP client, one wire a directory.
//!
//! | wire | request | answer | key |
//! |---|---|---|---|
//! | `openai` | `/chat/completions` | server-sent events | `Authorization: Bearer` |
//! | `anthropic` | `/v1/messages` | server-sent events | `x-api-key` |
//! | `gemini` | `/models/{id}:streamGenerateContent` | server-sent events | `x-goog-api-key` |
//! | `bedrock` | `/model/{id}/converse-stream` | frames of AWS | `Authorization: Bearer`, or a signature |
//!
//! What a wire has no words for is refused with the name of the field, before anything is sent. Two things are left out
//! by design: reasoning of other models than the one that is asked, which no provider takes, and text without a letter,
//! which some refuse.

mod answer;
mod anthropic;
mod bedrock;
mod check;
mod completion;
mod embed;
mod gemini;
mod keys;
mod moderate;
mod openai;
mod part;
mod prompt;
mod refusal;
mod rerank;
mod served;
mod tenant_keys;
#[cfg(test)]
mod tests;
mod traced;

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use secrecy::SecretString;
use shared::clock::Clock;
use shared::error::ProviderFault;
use shared::guard::{Guard, GuardedClient};
use shared::model::{ProviderKey, ProviderOwner, ProviderSpec, RequestId, Wire};
use shared::{Error, Result};

pub use completion::Completion;
use completion::{Reader, Sse, guarded, nonsense, transport, within};
pub use embed::{Embed, Embedded, Purpose};
pub use keys::ProviderKeys;
pub use moderate::{InputKind, Moderate, ModerationInput, Verdict};
pub use part::Part;
pub use prompt::{OutputFormat, Prompt, PromptMessage, Settings, Speaker, ToolChoice, ToolSpec};
pub use rerank::{Rerank, Reranked};
pub(crate) use served::{may_be_charged, served};
pub(crate) use tenant_keys::{OwnKeys, TenantKeys};

/// How long a connection may take to open.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// How long a provider may be silent, before its first byte and between two.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a readiness check may take.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// How long trying a tenant's key may take. Somebody waits for it, and would rather wait than try again.
const TRY_TIMEOUT: Duration = Duration::from_secs(10);

/// Speaks to all providers over one pool of connections.
#[derive(Debug, Clone)]
pub struct Providers {
    /// Made when it is first needed: making it parses many roots, which no start should cost.
    http: Arc<OnceLock<reqwest::Client>>,
    /// For providers of tenants' own.
    guarded: Arc<OnceLock<GuardedClient>>,
    guard: Guard,
    keys: ProviderKeys,
    clock: Clock,
    signer: bedrock::Signer,
}

impl Providers {
    /// With the platform's keys of that source. Where its Amazon Bedrock has none, the credentials of `sdk` sign.
    /// What tenants name is reached through the guard.
    pub fn new(keys: ProviderKeys, sdk: &SdkConfig, clock: &Clock, guard: &Guard) -> Self {
        Self {
            http: Arc::default(),
            guarded: Arc::default(),
            guard: guard.clone(),
            keys,
            clock: clock.clone(),
            signer: bedrock::Signer::new(sdk.clone(), clock.clone()),
        }
    }

    fn http(&self) -> Result<&reqwest::Client> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let http = shared::trust::client()
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(SILENCE_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(self.http.get_or_init(|| http))
    }

    fn guarded(&self) -> Result<&GuardedClient> {
        if let Some(guarded) = self.guarded.get() {
            return Ok(guarded);
        }
        let guarded = self.guard.streaming(CONNECT_TIMEOUT, SILENCE_TIMEOUT);
        let guarded = guarded.map_err(Error::internal)?;
        Ok(self.guarded.get_or_init(|| guarded))
    }

    /// The platform's key. A provider of a tenant's own never gets one.
    async fn platform_key(&self, provider: &ProviderSpec) -> Result<Option<SecretString>> {
        match provider.owner {
            ProviderOwner::Platform => self.keys.get(&provider.name).await,
            ProviderOwner::Tenant => Ok(None),
        }
    }

    /// Asks a model with the platform's key, or without one where the provider is a tenant's own. The answer's parts are then taken from the completion, until
    /// `deadline`.
    ///
    /// # Errors
    /// `Invalid` as [`Prompt::check`], and `Provider` when the provider gives no answer.
    pub async fn complete(&self, prompt: &Prompt<'_>, deadline: Instant) -> Result<Completion> {
        let provider = prompt.model.provider();
        let key = self.platform_key(provider).await?;
        let asked = self.ask(prompt, key.as_ref(), deadline).await;
        if !is_unauthorized(&asked) {
            return asked;
        }
        if provider.owner == ProviderOwner::Tenant {
            return Err(Error::provider(
                ProviderFault::CredentialRefused,
                "the tenant's provider wants a key, and the tenant stored none",
            ));
        }
        // It may have been rotated since it was read.
        match self
            .keys
            .after_refusal(&provider.name, key.as_ref())
            .await?
        {
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
        check::check(prompt)?;
        let provider = prompt.model.provider();
        let wire = provider.wire;
        let http = self.http()?;
        let request = match wire {
            Wire::Openai => openai::request(http, prompt, key)?,
            Wire::Anthropic => anthropic::request(http, prompt, key)?,
            Wire::Gemini => gemini::request(http, prompt, key)?,
            Wire::Bedrock => bedrock::request(http, prompt)?,
        };
        let model = &prompt.model.spec().id;
        let mut span = traced::call(prompt.trace, "chat", provider, model);
        let request = request.headers(traced::outgoing(span.trace(), provider));
        let sent = self.send(provider, request, key, deadline).await;
        let response = span.note(sent)?;
        let content_type = response.headers().get(http::header::CONTENT_TYPE);
        let content_type = content_type
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if !content_type.starts_with(stream_type(wire)) {
            return span.note(Err(nonsense("a success that is no event stream")));
        }
        Ok(Completion::new(response, reader(wire), deadline, span))
    }

    /// Sends a request, signed where there is no key that would do. An answer is a success.
    async fn send(
        &self,
        provider: &ProviderSpec,
        request: reqwest::RequestBuilder,
        key: Option<&SecretString>,
        deadline: Instant,
    ) -> Result<reqwest::Response> {
        let request = match (provider.wire, key) {
            (Wire::Bedrock, Some(key)) => request.bearer_auth(expose(key)),
            _ => request,
        };
        // A key with signs that no header can have.
        let build = |_| Error::provider(ProviderFault::Unauthorized, "the key fits no header");
        let mut request = request.build().map_err(build)?;
        let unsigned = (provider.wire, key.is_some()) == (Wire::Bedrock, false);
        let response = match provider.owner {
            // A signature of ours would let the tenant act with our credentials.
            ProviderOwner::Tenant if unsigned => {
                let cause = "a tenant's own Bedrock needs a key of the tenant's";
                return Err(Error::provider(ProviderFault::Unauthorized, cause));
            }
            ProviderOwner::Tenant => {
                let sent = self.guarded()?.execute(request);
                let sent = within(deadline, sent).await.map_err(served)?;
                sent.map_err(guarded)?
            }
            ProviderOwner::Platform => {
                if unsigned {
                    within(deadline, self.signer.sign(&mut request)).await??;
                }
                let sent = self.http()?.execute(request);
                let sent = within(deadline, sent).await.map_err(served)?;
                sent.map_err(transport)?
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        Err(refusal::of_response(response, self.clock.now(), deadline).await)
    }

    /// Whether a provider answers and takes our key. It lists its models, which costs nothing.
    pub async fn check(&self, provider: &ProviderSpec) -> Result<()> {
        let key = self.platform_key(provider).await?;
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
        let http = self.http()?;
        let request = match provider.wire {
            Wire::Openai => openai::list_models(http, provider, key),
            Wire::Anthropic => anthropic::list_models(http, provider, key),
            Wire::Gemini => gemini::list_models(http, provider, key),
            Wire::Bedrock => bedrock::list_models(http, provider),
        };
        let deadline = Instant::now() + timeout;
        self.send(provider, request, key, deadline).await?;
        Ok(())
    }
}

impl Prompt<'_> {
    /// Whether its model can be asked this: what [`Providers::complete`] checks first, for those who want to know before
    /// they begin.
    ///
    /// # Errors
    /// `Invalid` with the field that breaks a rule, that the model can't do, or that its provider has no words for.
    pub fn check(&self) -> Result<()> {
        check::check(self)?;
        match self.model.provider().wire {
            Wire::Openai => openai::body(self),
            Wire::Anthropic => anthropic::body(self),
            Wire::Gemini => gemini::body(self),
            Wire::Bedrock => bedrock::body(self),
        }?;
        Ok(())
    }
}

fn reader(wire: Wire) -> Box<dyn Reader> {
    // Ids that we give must not repeat in a conversation.
    let seed = format!("{:012x}", RequestId::new().bits() & 0xffff_ffff_ffff);
    match wire {
        Wire::Openai => Box::new(Sse::new(openai::OpenAi::new(seed))),
        Wire::Anthropic => Box::<Sse<anthropic::Anthropic>>::default(),
        Wire::Gemini => Box::new(Sse::new(gemini::Gemini::new(seed))),
        Wire::Bedrock => Box::<bedrock::Bedrock>::default(),
    }
}

const fn stream_type(wire: Wire) -> &'static str {
    match wire {
        Wire::Openai | Wire::Anthropic | Wire::Gemini => "text/event-stream",
        Wire::Bedrock => bedrock::EVENT_STREAM,
    }
}

fn is_unauthorized<T>(asked: &Result<T>) -> bool {
    let refused = |fault: &ProviderFault| *fault == ProviderFault::Unauthorized;
    matches!(asked, Err(Error::Provider { fault, .. }) if refused(fault))
}

/// What all wires do with a base URL.
fn url(provider: &ProviderSpec, path: &str) -> String {
    format!("{}{path}", provider.base_url)
}

/// A key as a header's value.
fn expose(key: &SecretString) -> &str {
    secrecy::ExposeSecret::expose_secret(key)
}

/// A model's id as a part of a path. AWS wants all but these signs encoded, and Google takes it so too.
fn segment(id: &str) -> String {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    id.bytes()
        .map(|byte| match plain(byte) {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        })
        .collect()
}

/// The id of a tool call for providers that take only 64 letters, digits, `_` and `-`: calls of other providers can have
/// ids with other signs. Its end is what tells ids apart.
fn portable_id(id: &str) -> Cow<'_, str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if id.len() <= 64 && id.bytes().all(|byte| plain(&byte)) {
        return Cow::Borrowed(id);
    }
    let end = id.len().saturating_sub(64);
    let bytes = id.bytes().skip(end);
    bytes
        .map(|byte| if plain(&byte) { char::from(byte) } else { '_' })
        .collect()
}
