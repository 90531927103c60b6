//! One function as a client sees it.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region};
use axum::Router;
use axum::body::Body as HttpBody;
use axum::http::{HeaderName, HeaderValue, Method, Request};
use engine::ProviderKeys;
use http_body_util::BodyExt as _;
use lambda_http::request::RequestContext;
use search::Searcher;
use secrecy::SecretString;
use serde_json::{Value, json};
use serde_yaml_ng::Value as Yaml;
use shared::auth::{Authenticator, Federation, KeySource, Standings};
use shared::blobs::Blobs;
use shared::clock::{Clock, Moment};
use shared::config::Config;
use shared::guard::Guard;
use shared::http::with_layers;
use shared::invoke::Function;
use shared::limits::{Limiter, Policy};
use shared::mail::Post;
use shared::queue::Queue;
use shared::response_cache::ResponseCache;
use shared::secrets::Secrets;
use shared::spans::Spans;
use shared::store::Store;
use shared::vault::Vault;
use shared::{App, Result};
use stand_ins::meter::Meter;
use stand_ins::provider::ScriptedProvider;
use tower::ServiceExt as _;

use crate::people::People;
use crate::reply::Reply;
use crate::settings::{config_with, limits};
use crate::table;

/// When every test begins: 2026-01-01T00:00:00Z.
pub const START: i64 = 1_767_225_600;

/// The origin whose pages may read answers.
pub const ORIGIN: &str = "https://app.chatter.internal";

/// How long limiters and the response cache wait for the embedded table: a busy machine must not look like a table that is away.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const TABLE: &str = "chatter";
/// The value of the secret with the signing keys, for a process of its own.
pub const SIGNING_KEYS: &str = r#"{"bootstrap":"a text that is long enough to be a key in tests"}"#;
/// The value of the secret with the data keys, for a process of its own.
pub const DATA_KEYS: &str =
    r#"{"bootstrap":"a text that is long enough to be a data key in tests"}"#;
/// The provider's key in tests; it must never come out anywhere.
const PROVIDER_KEY: &str = "sk-provider-canary";

/// A function's router and all that it stands on.
#[derive(Debug, Clone)]
pub struct TestApi {
    /// What the function was given.
    pub app: App,
    /// The table's calls, and its faults on command.
    pub table: Meter,
    /// The model provider: `scripted` speaks OpenAI's wire, `scripted-claude` Anthropic's, `scripted-gemini` Google's,
    /// and `scripted-bedrock` Amazon's, which has no key.
    pub provider: ScriptedProvider,
    /// People as their rows say, past the meter.
    pub people: People,
    router: Router,
    /// The address that API Gateway saw; none if no gateway was there.
    source: Option<String>,
}

/// What a request carries.
#[derive(Debug, Clone)]
pub enum Body {
    /// Nothing.
    Empty,
    /// JSON with its content type.
    Json(Value),
    /// Bytes with a content type, if any.
    Raw(Option<&'static str>, Vec<u8>),
}

impl TestApi {
    /// One function, whose provider keys are given to it.
    pub async fn new(build: impl FnOnce(App, ProviderKeys) -> Result<Router>) -> Self {
        Self::with_limits(&limits(), build).await
    }

    /// The same with other rate limits: a list of policies as `LIMITS` has them.
    pub async fn with_limits(
        limits: &Value,
        build: impl FnOnce(App, ProviderKeys) -> Result<Router>,
    ) -> Self {
        let direct = stand_ins::dynamodb::in_memory(table::definition(TABLE))
            .await
            .expect("a table");
        let table = Meter::start(direct.clone()).await.expect("a proxy");
        let provider = ScriptedProvider::start().await.expect("a provider");
        let app = app(&table.url, &provider.url, limits).await;
        let people = People::new(app.clone(), Store::new(&sdk(&direct).await, TABLE));
        let router = build(app.clone(), provider_keys()).expect("a router");
        Self {
            router: with_layers("test", router, &app.config, &app.spans),
            app,
            table,
            provider,
            people,
            source: None,
        }
    }

    /// A second function on the same table: for what one writes and another reads.
    pub fn beside(&self, build: impl FnOnce(App) -> Result<Router>) -> Self {
        Self {
            router: with_layers(
                "test",
                build(self.app.clone()).expect("a router"),
                &self.app.config,
                &self.app.spans,
            ),
            ..self.clone()
        }
    }

    /// A further process on the same table, which remembers nothing yet of who may do what.
    pub fn elsewhere(&self, build: impl FnOnce(App) -> Result<Router>) -> Self {
        let App {
            store,
            clock,
            guard,
            ..
        } = &self.app;
        let standings = Standings::new(store.clone(), clock.clone());
        let federation = Federation::new(store.clone(), guard.clone(), clock.clone());
        let app = App {
            authenticator: authenticator(&self.app.config, clock, standings, federation),
            limiter: self.further_limiter(),
            ..self.app.clone()
        };
        let mut process = self.beside(|_| build(app.clone()));
        process.app = app;
        process
    }

    /// Sends a request with that bearer token.
    pub async fn bear(&self, token: &str, method: Method, path: &str, body: Body) -> Reply {
        let authorization = format!("Bearer {token}");
        let headers = [("authorization", authorization.as_str())];
        self.send_with(None, method, path, body, &headers).await
    }

    /// The same function for a client at that address.
    pub fn from_source(&self, address: &str) -> Self {
        Self {
            source: Some(address.to_owned()),
            ..self.clone()
        }
    }

    /// A further process on the same table: it has the same settings and clock, and knows nothing yet.
    pub fn further_limiter(&self) -> Limiter {
        self.limiter_with(self.app.config.limits.clone())
    }

    /// A further process with other policies.
    pub fn limiter_with(&self, policies: Vec<Policy>) -> Limiter {
        Limiter::with_patience(policies, self.app.store.clone(), PATIENCE)
    }

    /// An access token of a person, who has a tenant alone. The same name is the same person.
    pub async fn token(&self, person: &str) -> String {
        // Boxed, because what is behind it is deeper than the compiler likes.
        Box::pin(self.people.token(person)).await
    }

    /// The letters that lie in the outbox, oldest first, as `(to, subject, text)`. Blank ones are left out.
    pub async fn letters(&self) -> Vec<(String, String, String)> {
        self.people.letters().await
    }

    /// Sends a request of a person, or of nobody, and reads the response to its end.
    pub async fn send(
        &self,
        person: Option<&str>,
        method: Method,
        path: &str,
        body: Body,
    ) -> Reply {
        self.send_with(person, method, path, body, &[]).await
    }

    /// The same with headers.
    pub async fn send_with(
        &self,
        person: Option<&str>,
        method: Method,
        path: &str,
        body: Body,
        headers: &[(&'static str, &str)],
    ) -> Reply {
        let request = self.request(person, method, path, body, headers).await;
        let response = self.start(request).await;
        Self::read(response).await
    }

    /// Reads a response to its end.
    pub async fn read(response: axum::response::Response) -> Reply {
        let (parts, body) = response.into_parts();
        let bytes = body
            .collect()
            .await
            .expect("a body without an error")
            .to_bytes();
        Reply {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8(bytes.to_vec()).expect("UTF-8"),
        }
    }

    /// Sends a request with a key or another token, and reads the response to its end.
    pub async fn send_as(&self, token: &str, method: Method, path: &str, body: Body) -> Reply {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        self.send_with(None, method, path, body, &headers).await
    }

    /// A request that is not sent yet.
    pub async fn request(
        &self,
        person: Option<&str>,
        method: Method,
        path: &str,
        body: Body,
        headers: &[(&'static str, &str)],
    ) -> Request<HttpBody> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(person) = person {
            request = request.header(
                "authorization",
                format!("Bearer {}", self.token(person).await),
            );
        }
        for (name, value) in headers {
            let value = HeaderValue::from_str(value).expect("a header value");
            request = request.header(HeaderName::from_static(name), value);
        }
        let (content_type, bytes) = match body {
            Body::Empty => (None, Vec::new()),
            Body::Json(json) => (Some("application/json"), json.to_string().into_bytes()),
            Body::Raw(content_type, bytes) => (content_type, bytes),
        };
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        if let Some(source) = &self.source {
            request = request.extension(context(source));
        }
        request.body(HttpBody::from(bytes)).expect("a request")
    }

    /// Sends a request and gives the response when its head is there: its body is still to be read.
    pub async fn start(&self, request: Request<HttpBody>) -> axum::response::Response {
        self.router
            .clone()
            .oneshot(request)
            .await
            .expect("a router never fails")
    }

    /// Gets.
    pub async fn get(&self, person: Option<&str>, path: &str) -> Reply {
        self.send(person, Method::GET, path, Body::Empty).await
    }

    /// Posts JSON.
    pub async fn post(&self, person: Option<&str>, path: &str, body: Value) -> Reply {
        self.send(person, Method::POST, path, Body::Json(body))
            .await
    }

    /// Patches with JSON.
    pub async fn patch(&self, person: Option<&str>, path: &str, body: Value) -> Reply {
        self.send(person, Method::PATCH, path, Body::Json(body))
            .await
    }

    /// Deletes.
    pub async fn delete(&self, person: Option<&str>, path: &str) -> Reply {
        self.send(person, Method::DELETE, path, Body::Empty).await
    }
}

/// What API Gateway says of a request from that address.
fn context(source: &str) -> RequestContext {
    let event = json!({
        "path": "/", "httpMethod": "GET", "headers": {}, "multiValueHeaders": {},
        "requestContext": {"stage": "test", "httpMethod": "GET", "identity": {"sourceIp": source}},
    });
    let request = lambda_http::request::from_str(&event.to_string()).expect("an event");
    let context = request.extensions().get::<RequestContext>();
    context.expect("a context").clone()
}

pub(crate) fn provider_keys() -> ProviderKeys {
    let names = ["scripted", "scripted-claude", "scripted-gemini"];
    ProviderKeys::fixed(names.map(|name| (name.to_owned(), SecretString::from(PROVIDER_KEY))))
}

/// `template.yaml`.
pub fn template() -> Yaml {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml");
    let text = std::fs::read_to_string(path).expect("template.yaml");
    serde_yaml_ng::from_str(&text).expect("YAML")
}

pub(crate) async fn sdk(endpoint: &str) -> aws_config::SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::from_static("us-east-1"))
        .test_credentials()
        .endpoint_url(endpoint)
        .retry_config(
            aws_config::retry::RetryConfig::standard()
                .with_initial_backoff(Duration::from_millis(1)),
        )
        .load()
        .await
}

async fn app(table: &str, provider: &str, limits: &Value) -> App {
    let config = config_with(provider, limits);
    let clock = Clock::manual(Moment::from_unix_seconds(START));
    let sdk = sdk(table).await;
    let store = Store::new(&sdk, TABLE);
    let vault = Vault::fixed(SecretString::from(DATA_KEYS), clock.clone());
    let standings = Standings::new(store.clone(), clock.clone());
    let guard = Guard::new(config.stage);
    let federation = Federation::new(store.clone(), guard.clone(), clock.clone());
    let app = App {
        response_cache: ResponseCache::new(
            &config.response_cache,
            None,
            vault.clone(),
            clock.clone(),
        )
        .with_patience(PATIENCE),
        limiter: Limiter::with_patience(config.limits.clone(), store.clone(), PATIENCE),
        store,
        authenticator: authenticator(&config, &clock, standings, federation),
        guard,
        post: Post::new(
            vault.clone(),
            Queue::memory(),
            clock.clone(),
            config.app_url.clone(),
        ),
        run_queue: Queue::memory(),
        job_queue: Queue::memory(),
        blobs: Blobs::memory(),
        search: Function::lambda(&sdk, None, "", PATIENCE),
        vault,
        secrets: Secrets::new(&sdk),
        // Everything is recorded, so that every test is one of that too.
        spans: Spans::memory(),
        config: Arc::new(config),
        clock,
        sdk,
    };
    let search = Searcher::here(&app);
    App { search, ..app }
}

pub(crate) fn authenticator(
    config: &Config,
    clock: &Clock,
    standings: Standings,
    federation: Federation,
) -> Authenticator {
    let keys = KeySource::fixed(SecretString::from(SIGNING_KEYS), clock.clone());
    let issuer = config.token_issuer.clone();
    Authenticator::new(
        keys,
        issuer,
        clock.clone(),
        config.stage,
        standings,
        federation,
    )
}
