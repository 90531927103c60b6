//! An OpenID Connect issuer: discovery, keys, and tokens that say whatever they are told to.
//!
//! `POST /token` signs the JSON object in its body; `iss`, `iat` and `exp` are added where they are missing.

#![expect(
    clippy::disallowed_types,
    reason = "this stands for another service, with errors of its own"
)]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;

/// Where its document is.
const DOCUMENT: &str = "/.well-known/openid-configuration";
/// Where its keys are.
const KEYS: &str = "/keys";
/// For how long a token is good if it does not say.
const LIFETIME_SECONDS: u64 = 600;

/// What its answers are like until it is healed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// It answers with that status.
    Status(u16),
    /// It answers with a page of HTML.
    Html,
    /// It sends whoever comes to that address.
    RedirectTo(String),
    /// Its document names another issuer.
    OtherIssuer,
    /// Its keys are said to be at that address.
    KeysAt(String),
    /// Its set of keys is this.
    Keys(Value),
    /// It takes that long, in milliseconds.
    Slow(u64),
}

/// An issuer that runs.
#[derive(Debug, Clone)]
pub struct StandInIssuer {
    /// Its `iss`, and where it is.
    pub url: String,
    state: Issuer,
}

type Issuer = Arc<Mutex<Inner>>;

#[derive(Debug)]
struct Inner {
    url: String,
    key: Ed25519KeyPair,
    /// Goes up with each key.
    generation: u32,
    fault: Option<Fault>,
    requests: Vec<String>,
}

impl StandInIssuer {
    /// On a free port of this machine.
    ///
    /// # Errors
    /// When no port is free, or no key can be made.
    pub async fn start() -> Result<Self, String> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .map_err(|error| error.to_string())?;
        let issuer = Self::at(&listener)?;
        let router = router(issuer.state.clone());
        tokio::spawn(async move { axum::serve(crate::at_once(listener), router).await });
        Ok(issuer)
    }

    fn at(listener: &TcpListener) -> Result<Self, String> {
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let url = format!("http://{address}");
        let inner = Inner {
            url: url.clone(),
            key: key()?,
            generation: 1,
            fault: None,
            requests: Vec::new(),
        };
        let state = Arc::new(Mutex::new(inner));
        Ok(Self { url, state })
    }

    /// A token with exactly these claims.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({}), claims)
    }

    /// The same with other members in its header, or with none of those that are `null`.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        lock(&self.state).sign(header, claims)
    }

    /// A token with exactly these texts as its header and its claims, whether they are JSON or not.
    pub fn sign_text(&self, header: &str, claims: &str) -> String {
        lock(&self.state).sign_text(header, claims)
    }

    /// Takes a new key in place of the old one. Who asks for its keys sees only the new one.
    ///
    /// # Errors
    /// When no key can be made.
    pub fn rotate(&self) -> Result<(), String> {
        let mut inner = lock(&self.state);
        inner.key = key()?;
        inner.generation += 1;
        Ok(())
    }

    /// Does everything wrong in that way from now on.
    pub fn fail(&self, fault: Fault) {
        lock(&self.state).fault = Some(fault);
    }

    /// Does everything right again.
    pub fn heal(&self) {
        lock(&self.state).fault = None;
    }

    /// The paths that were asked for since this was asked last.
    pub fn take_requests(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.state).requests)
    }
}

/// Serves on that listener until `stop` resolves.
///
/// # Errors
/// When the server fails, or no key can be made.
pub async fn serve(
    listener: TcpListener,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Result<(), String> {
    let issuer = StandInIssuer::at(&listener)?;
    let server = axum::serve(crate::at_once(listener), router(issuer.state));
    server
        .with_graceful_shutdown(stop)
        .await
        .map_err(|error| error.to_string())
}

fn lock(state: &Issuer) -> MutexGuard<'_, Inner> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key() -> Result<Ed25519KeyPair, String> {
    Ed25519KeyPair::generate().map_err(|error| error.to_string())
}

impl Inner {
    fn kid(&self) -> String {
        format!("key-{}", self.generation)
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let mut whole = json!({"alg": "EdDSA", "kid": self.kid(), "typ": "JWT"});
        for (name, value) in header.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        if let Some(members) = whole.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
        self.sign_text(&whole.to_string(), &claims.to_string())
    }

    fn sign_text(&self, header: &str, claims: &str) -> String {
        let encoded = |part: &str| URL_SAFE_NO_PAD.encode(part);
        let message = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.key.sign(message.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    fn document(&self) -> Value {
        let issuer = match self.fault {
            Some(Fault::OtherIssuer) => "https://other.example.com",
            _ => &self.url,
        };
        let keys = match &self.fault {
            Some(Fault::KeysAt(address)) => address.clone(),
            _ => format!("{}{KEYS}", self.url),
        };
        json!({"issuer": issuer, "jwks_uri": keys, "token_endpoint": format!("{}/token", self.url)})
    }

    fn keys(&self) -> Value {
        if let Some(Fault::Keys(keys)) = &self.fault {
            return keys.clone();
        }
        let x = URL_SAFE_NO_PAD.encode(self.key.public_key());
        json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": self.kid(), "x": x}]})
    }
}

fn router(state: Issuer) -> Router {
    Router::new()
        .route("/token", post(token))
        .fallback(answer)
        .with_state(state)
}

async fn token(State(state): State<Issuer>, Json(claims): Json<Map<String, Value>>) -> String {
    let inner = lock(&state);
    #[expect(
        clippy::disallowed_methods,
        reason = "this stands for another service, with a clock of its own"
    )]
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.map_or(0, |since| since.as_secs());
    let mut whole = json!({"iss": inner.url, "iat": now, "exp": now + LIFETIME_SECONDS});
    for (name, value) in claims {
        whole[name] = value;
    }
    inner.sign(&json!({}), &whole)
}

async fn answer(State(state): State<Issuer>, OriginalUri(uri): OriginalUri) -> Response {
    let fault = {
        let mut inner = lock(&state);
        inner.requests.push(uri.to_string());
        inner.fault.clone()
    };
    match fault {
        Some(Fault::Status(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            return (status, "SECRET-OF-THE-ISSUER").into_response();
        }
        Some(Fault::Html) => return "<html>SECRET-OF-THE-ISSUER</html>".into_response(),
        Some(Fault::RedirectTo(address)) => {
            return (StatusCode::FOUND, [("location", address)]).into_response();
        }
        Some(Fault::Slow(milliseconds)) => {
            tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        }
        _ => {}
    }
    let inner = lock(&state);
    match uri.path() {
        DOCUMENT => Json(inner.document()).into_response(),
        KEYS => Json(inner.keys()).into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}
