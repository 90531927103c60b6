//! Qdrant over REST, in memory, as far as an index needs it: collections with the named vectors `vector` and `words`, points
//! with payloads, indexes of payloads, filters, queries in batches. It compares everything with everything.
//!
//! It is stricter than the real one: members that it does not know are refused, and so are filters on what has no index,
//! as a server in strict mode does.

mod collection;
mod filter;
mod request;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::fault::{Faults, IndexFault};
use collection::Collection;

/// How large a request may be: what Qdrant takes, unless it is set otherwise.
const MOST_BYTES: usize = 32 << 20;

/// A status, and what Qdrant says.
type Refusal = (u16, String);
type Answer = Result<Value, Refusal>;

/// Qdrant on a port of this machine.
#[derive(Debug, Clone)]
pub struct LocalQdrant {
    /// Where it is.
    pub url: String,
    shared: Shared,
}

#[derive(Debug, Clone, Default)]
struct Shared {
    key: Option<String>,
    collections: Arc<Mutex<BTreeMap<String, Collection>>>,
    faults: Faults,
}

impl LocalQdrant {
    /// On a free port. With a key, calls without it are refused.
    ///
    /// # Errors
    /// When no port is free.
    pub async fn start(key: Option<&str>) -> Result<Self, String> {
        let shared = Shared {
            key: key.map(str::to_owned),
            ..Shared::default()
        };
        let router = Router::new()
            .fallback(answer)
            .with_state(shared.clone())
            .layer(DefaultBodyLimit::max(MOST_BYTES));
        Ok(Self {
            url: crate::serve(router).await?,
            shared,
        })
    }

    /// What the next `times` calls meet.
    pub fn fail(&self, fault: IndexFault, times: usize) {
        self.shared.faults.add(fault, times);
    }

    /// Ends all faults that are still to come.
    pub fn heal(&self) {
        self.shared.faults.heal();
    }

    /// The calls since this was asked last: method and path.
    pub fn take_calls(&self) -> Vec<String> {
        self.shared.faults.take_calls()
    }

    /// How many points all collections have.
    pub fn points(&self) -> usize {
        let collections = self.shared.collections.lock();
        let collections = collections.unwrap_or_else(PoisonError::into_inner);
        collections.values().map(Collection::len).sum()
    }
}

async fn answer(
    State(shared): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let call = format!("{method} {}", uri.path());
    let faults = shared.faults.clone();
    let perform = move || {
        let sent = headers.get("api-key").and_then(|key| key.to_str().ok());
        if shared.key.is_some() && sent != shared.key.as_deref() {
            let text = "Must provide an API key or an Authorization bearer token";
            return (StatusCode::UNAUTHORIZED, text).into_response();
        }
        let (status, body) = match perform(&shared, &method, &uri, &body) {
            Ok(result) => (
                200,
                json!({"result": result, "status": "ok", "time": 0.001}),
            ),
            Err((status, error)) => (status, json!({"status": {"error": error}, "time": 0.001})),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let content_type = [("content-type", "application/json")];
        (status, content_type, body.to_string()).into_response()
    };
    faults.meet(call, perform).await
}

fn perform(shared: &Shared, method: &Method, uri: &Uri, body: &[u8]) -> Answer {
    if !matches!(uri.query(), None | Some("wait=true")) {
        return Err((400, "a parameter that this does not know".to_owned()));
    }
    let path: Vec<&str> = uri.path().trim_start_matches('/').split('/').collect();
    let ["collections", name, rest @ ..] = path.as_slice() else {
        return Err((404, String::new()));
    };
    let mut collections = shared
        .collections
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    if (method, rest) == (&Method::PUT, &[]) {
        if collections.contains_key(*name) {
            let error = format!("Wrong input: Collection `{name}` already exists!");
            return Err((409, error));
        }
        let new = Collection::new(read(body)?)?;
        collections.insert((*name).to_owned(), new);
        return Ok(json!(true));
    }
    if (method, rest) == (&Method::DELETE, &[]) {
        return Ok(json!(collections.remove(*name).is_some()));
    }
    let Some(found) = collections.get_mut(*name) else {
        let error = format!("Not found: Collection `{name}` doesn't exist!");
        return Err((404, error));
    };
    match (method.as_str(), rest) {
        ("GET", []) => Ok(found.described()),
        ("PUT", ["index"]) => found.index(read(body)?),
        ("PUT", ["points"]) => found.upsert(read(body)?),
        ("POST", ["points", "delete"]) => found.delete(&read(body)?),
        ("POST", ["points", "payload"]) => found.set_payload(&read(body)?),
        ("POST", ["points", "query", "batch"]) => found.query(&read(body)?),
        _ => Err((405, String::new())),
    }
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| (400, format!("Format error in JSON body: {error}")))
}
