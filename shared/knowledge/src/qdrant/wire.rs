//! One call of Qdrant: where it goes, how long it may take, and what its answers mean.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use shared::secret_source::{SecretSource, SecretValue};
use shared::{Error, Result};

/// How long one call may take, if the deadline is later.
const TIMEOUT: Duration = Duration::from_secs(10);
const CONNECT: Duration = Duration::from_secs(2);

/// The key of a Qdrant server.
#[derive(Debug)]
pub struct QdrantKey(SecretString);

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
#[error("it must be 1 to 1,024 visible ASCII characters")]
pub struct NotAKey;

impl SecretValue for QdrantKey {
    const VARIABLE: &'static str = "QDRANT_KEY_SECRET_ID";
    type Fault = NotAKey;

    fn parse(value: &SecretString) -> Result<Self, NotAKey> {
        let text = value.expose_secret();
        let right =
            (1..=1024).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        right.then(|| Self(value.clone())).ok_or(NotAKey)
    }
}

#[derive(Clone)]
pub(super) struct Wire {
    /// Made when it is first needed: making it reads the system's root certificates.
    client: Arc<OnceLock<reqwest::Client>>,
    url: String,
    key: Option<SecretSource<QdrantKey>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Wire");
        debug.field("url", &self.url).finish_non_exhaustive()
    }
}

/// An answer that is no success. What Qdrant says may quote a text, so it is left out.
#[derive(Debug, thiserror::Error)]
#[error("Qdrant answered {status} to {method} {path}")]
struct Refused {
    status: StatusCode,
    method: Method,
    path: String,
}

impl Wire {
    pub(super) fn new(url: &str, key: Option<SecretSource<QdrantKey>>) -> Self {
        Self {
            client: Arc::default(),
            url: url.trim_end_matches('/').to_owned(),
            key,
        }
    }

    fn client(&self) -> Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = shared::trust::client()
            .connect_timeout(CONNECT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(Error::internal)?;
        Ok(self.client.get_or_init(|| client))
    }

    /// `None` where there is no such collection.
    pub(super) async fn get(&self, path: &str, deadline: Instant) -> Result<Option<Value>> {
        let (status, result) = self.call(Method::GET, path, None, deadline).await?;
        found(Method::GET, path, status, result)
    }

    pub(super) async fn put(&self, path: &str, body: &Value, deadline: Instant) -> Result<()> {
        let (status, _) = self.call(Method::PUT, path, Some(body), deadline).await?;
        succeeded(Method::PUT, path, status)
    }

    /// Somebody else's collection of that name is as good.
    pub(super) async fn create(&self, path: &str, body: &Value, deadline: Instant) -> Result<()> {
        match self.call(Method::PUT, path, Some(body), deadline).await? {
            (StatusCode::CONFLICT, _) => Ok(()),
            (status, _) => succeeded(Method::PUT, path, status),
        }
    }

    /// `None` where there is no such collection.
    pub(super) async fn post(
        &self,
        path: &str,
        body: &Value,
        deadline: Instant,
    ) -> Result<Option<Value>> {
        let (status, result) = self.call(Method::POST, path, Some(body), deadline).await?;
        found(Method::POST, path, status, result)
    }

    pub(super) async fn delete(&self, path: &str, deadline: Instant) -> Result<()> {
        let (status, result) = self.call(Method::DELETE, path, None, deadline).await?;
        found(Method::DELETE, path, status, result).map(|_| ())
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        deadline: Instant,
    ) -> Result<(StatusCode, Value)> {
        let left = deadline.saturating_duration_since(Instant::now());
        let call = self.send(method, path, body);
        match tokio::time::timeout(left.min(TIMEOUT), call).await {
            Ok(answered) => answered,
            Err(late) => Err(Error::unavailable(late)),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(StatusCode, Value)> {
        let mut request = self
            .client()?
            .request(method.clone(), format!("{}/{path}", self.url));
        if let Some(key) = &self.key {
            request = request.header("api-key", key.get().await?.0.expose_secret());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(Error::unavailable)?;
        let status = response.status();
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            let path = path.to_owned();
            return Err(Error::unavailable(Refused {
                status,
                method,
                path,
            }));
        }
        let answer = response.bytes().await.map_err(Error::unavailable)?;
        if !status.is_success() {
            return Ok((status, Value::Null));
        }
        let mut answer: Value = serde_json::from_slice(&answer)
            .map_err(|_| Error::internal("Qdrant's answer is not JSON"))?;
        Ok((status, answer["result"].take()))
    }
}

fn succeeded(method: Method, path: &str, status: StatusCode) -> Result<()> {
    if status.is_success() {
        return Ok(());
    }
    let path = path.to_owned();
    Err(Error::internal(Refused {
        status,
        method,
        path,
    }))
}

fn found(method: Method, path: &str, status: StatusCode, result: Value) -> Result<Option<Value>> {
    if status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    succeeded(method, path, status).map(|()| Some(result))
}
