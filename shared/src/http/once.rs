//! `Idempotency-Key` of everything but turns: the same request, sent again within a day, is done once and gets the
//! reply of the first.
//!
//! A layer and the extractor of the caller do it together. The layer has the body, before and after; the extractor
//! knows who asks, and that the caller may, so that what is refused (401, 403, 429) uses up no key. In between lies the
//! claim (`store/claim.rs`): the extractor asks for it, the caller carries it to the first write, and the layer stores
//! the reply with it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use axum::body::Body;
use axum::extract::{FromRequestParts as _, MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::idempotency::{IDEMPOTENCY_KEY, IDEMPOTENCY_REPLAYED, IdempotencyKey, REPLAYED};
use super::json::read_body;
use super::log::causes;
use super::openai;
use super::problem::{Failed, Problem, is_problem};
use crate::app::App;
use crate::auth::Caller;
use crate::auth::policy::{self, Rule};
use crate::error::{Error, Result};
use crate::model::RequestId;
use crate::store::{Claim, Claimed, Once, Store};
use crate::vault::Vault;

/// Lets a request that has a key be done once, where the operation takes one. Elsewhere the header means nothing, as
/// the document says.
pub(super) async fn done_once(request: Request, next: Next) -> Response {
    if !request.headers().contains_key(IDEMPOTENCY_KEY) || !takes_key(&request) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let Ok(key) = IdempotencyKey::from_request_parts(&mut parts, &()).await;
    let read = read_body(&parts.headers, body).await;
    let body = read.as_ref().map(Bytes::clone).unwrap_or_default();
    let slot = OnceSlot(Arc::new(Slot {
        key,
        body: Sha256::digest(canonical(&body)).into(),
        unreadable: Mutex::new(read.err()),
        outcome: OnceLock::new(),
    }));
    let request_id = parts.extensions.get::<RequestId>().copied();
    parts.extensions.insert(slot.clone());
    let door = openai::is_door(parts.uri.path());
    let mut response = next.run(Request::from_parts(parts, body.into())).await;
    if door {
        openai::rewrite(&mut response, request_id.as_ref());
    }
    match slot.0.outcome.get() {
        None => response,
        Some(Outcome::Replay(reply)) => reply.to_response(),
        Some(Outcome::Claimed(claimed)) => claimed.settle(response, request_id).await,
    }
}

fn takes_key(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>();
    let rule = path.and_then(|path| policy::find(request.method().as_str(), path.as_str()));
    rule.is_some_and(Rule::is_done_once)
}

/// JSON without white space and with its members in one order: how a client writes it does not matter. Anything else
/// as it is.
fn canonical(body: &Bytes) -> Vec<u8> {
    let json = serde_json::from_slice::<serde_json::Value>(body);
    let text = json.and_then(|mut json| {
        json.sort_all_objects();
        serde_json::to_vec(&json)
    });
    text.unwrap_or_else(|_| body.to_vec())
}

/// What the layer and the extractor of the caller tell each other of a request that has a key.
#[derive(Debug, Clone)]
pub(super) struct OnceSlot(Arc<Slot>);

#[derive(Debug)]
struct Slot {
    key: IdempotencyKey,
    /// The hash of the body: what is in it shall stand nowhere else.
    body: [u8; 32],
    /// Why there is no body. It is said to callers only.
    unreadable: Mutex<Option<Error>>,
    outcome: OnceLock<Outcome>,
}

#[derive(Debug)]
enum Outcome {
    Claimed(ClaimedRequest),
    Replay(KeptReply),
}

impl OnceSlot {
    /// The request's, if it has a key and the operation takes one.
    pub(super) fn of(parts: &Parts) -> Option<Self> {
        parts.extensions.get::<Self>().cloned()
    }

    /// The caller with the claim of the request. An error where it is not to be done: what has become of it goes into
    /// the response.
    pub(super) async fn admit(
        &self,
        app: &App,
        caller: Caller,
        rule: &Rule,
        parts: &Parts,
    ) -> Result<Caller> {
        let slot = &self.0;
        if let Some(Outcome::Claimed(claimed)) = slot.outcome.get() {
            return Ok(caller.claiming(claimed.claim.clone()));
        }
        let key = slot.key.get()?;
        let key = key.ok_or_else(|| Error::internal("a key that was there is gone"))?;
        let unreadable = slot.unreadable.lock();
        let unreadable = unreadable.unwrap_or_else(PoisonError::into_inner).take();
        unreadable.map_or(Ok(()), Err)?;
        let once = Once::new(&caller, key, &asks(&caller, rule, parts, &slot.body));
        let context = once.context(caller.tenant());
        let now = app.clock.now();
        match app.store.claim(caller.tenant(), &once, now).await? {
            Claimed::Given(claim) => {
                slot.outcome.get_or_init(|| {
                    Outcome::Claimed(ClaimedRequest {
                        claim: claim.clone(),
                        context,
                        store: app.store.clone(),
                        vault: app.vault.clone(),
                    })
                });
                Ok(caller.claiming(claim))
            }
            Claimed::Replied(sealed) => {
                let reply = app.vault.open(&context, &sealed).await?;
                let reply = serde_json::from_str(reply.expose_secret()).map_err(Error::internal)?;
                slot.outcome.get_or_init(|| Outcome::Replay(reply));
                // Nobody sees it: the layer has the reply.
                Err(Error::IdempotencyInProgress)
            }
            Claimed::InProgress => Err(Error::IdempotencyInProgress),
            Claimed::ReplyLost => Err(Error::IdempotencyReplyLost),
            Claimed::Another => Err(Error::IdempotencyKeyReused),
        }
    }
}

/// What a request asks: two that ask the same are the same request.
fn asks(caller: &Caller, rule: &Rule, parts: &Parts, body: &[u8]) -> [Vec<u8>; 4] {
    let session = caller.session().filter(|_| rule.on_session);
    let session = session.map(|session| session.to_string());
    // Without the host: the API may have several names.
    let path = parts.uri.path_and_query().map(PathAndQuery::as_str);
    [
        format!("{} {}", rule.method, rule.path).into_bytes(),
        path.unwrap_or_default().as_bytes().to_vec(),
        body.to_vec(),
        session.unwrap_or_default().into_bytes(),
    ]
}

/// A request that this process has the claim of.
#[derive(Debug)]
struct ClaimedRequest {
    claim: Claim,
    /// What its reply is sealed for.
    context: String,
    store: Store,
    vault: Vault,
}

impl ClaimedRequest {
    /// Keeps the reply, where it is one that can be told again; else the claim ends. The client has its reply whatever
    /// becomes of that.
    ///
    /// A refusal that came before any effect frees the key, so that a request that was mended may have it. A fault of
    /// ours after an effect is not told again either: most say to try again, and with that nobody would ever learn that
    /// it was done.
    async fn settle(&self, response: Response, request_id: Option<RequestId>) -> Response {
        let status = response.status();
        let told = status.is_success() || (status.is_client_error() && self.claim.is_applied());
        if !told {
            if let Err(error) = self.store.claim_end(&self.claim).await {
                note(&error, "a claim ends only with its time");
            }
            return response;
        }
        let (parts, body) = response.into_parts();
        let body = match body.collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return Error::internal(error).into_response(),
        };
        if let Err(error) = self.keep(&parts, &body, request_id).await {
            note(&error, "a reply is not kept, and can't be told again");
        }
        Response::from_parts(parts, body.into())
    }

    async fn keep(
        &self,
        parts: &http::response::Parts,
        body: &Bytes,
        request_id: Option<RequestId>,
    ) -> Result<()> {
        // A problem document gets the request's id in a layer further out.
        let failed = parts.extensions.get::<Failed>();
        let failed = failed.filter(|_| is_problem(&parts.headers));
        let problem =
            failed.map(|Failed(error)| Problem::new(error, request_id.as_ref()).to_bytes());
        let body = problem.unwrap_or_else(|| body.to_vec());
        let reply = KeptReply {
            status: parts.status.as_u16(),
            headers: texts(&parts.headers)?,
            body: String::from_utf8(body).map_err(Error::internal)?,
        };
        let reply = serde_json::to_string(&reply).map_err(Error::internal)?;
        let reply = SecretString::from(reply);
        let sealed = self.vault.seal(&self.context, &reply).await?;
        // Whoever has the request by now keeps a reply of its own.
        let kept = self.store.claim_answer(&self.claim, &sealed).await;
        kept.map(|_| ())
    }
}

fn note(error: &Error, what: &str) {
    let cause = causes(error);
    tracing::error!(alarm = "idempotency", cause, "{what}: {error}");
}

/// A reply as it is kept: what the handler answered, without what each response gets of its own.
#[derive(Serialize, Deserialize)]
struct KeptReply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

impl std::fmt::Debug for KeptReply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The rest may have a secret in it.
        f.debug_struct("KeptReply")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl KeptReply {
    fn to_response(&self) -> Response {
        self.response()
            .unwrap_or_else(|error| error.into_response())
    }

    fn response(&self) -> Result<Response> {
        let mut response = Response::new(Body::from(self.body.clone()));
        *response.status_mut() = StatusCode::from_u16(self.status).map_err(Error::internal)?;
        let headers = response.headers_mut();
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(Error::internal)?;
            headers.append(name, HeaderValue::try_from(value).map_err(Error::internal)?);
        }
        headers.insert(IDEMPOTENCY_REPLAYED, REPLAYED);
        Ok(response)
    }
}

fn texts(headers: &HeaderMap) -> Result<Vec<(String, String)>> {
    let kept = headers.iter().filter(|(name, _)| *name != CONTENT_LENGTH);
    let text = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = value.to_str().map_err(Error::internal)?;
        Ok((name.as_str().to_owned(), value.to_owned()))
    };
    kept.map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_json_is_written_does_not_matter_and_what_it_says_does() {
        let canonical = |text: &'static str| canonical(&Bytes::from_static(text.as_bytes()));
        let one = canonical(r#"{"a":{"x":1,"y":[1,2]},"b":"é"}"#);
        assert_eq!(
            one,
            canonical(" { \"b\" : \"\\u00e9\", \"a\": {\"y\":[1, 2], \"x\":1} }\n")
        );
        for other in [
            r#"{"a":{"x":1,"y":[2,1]},"b":"é"}"#,
            r#"{"a":{"x":"1","y":[1,2]},"b":"é"}"#,
            r#"{"a":{"x":1,"y":[1,2]},"b":"e"}"#,
            r#"{"a":{"x":1,"y":[1,2]},"b":"é","c":null}"#,
        ] {
            assert_ne!(one, canonical(other), "{other}");
        }
        for plain in ["", "a=b", "{\"a\":", "{} {}"] {
            assert_eq!(canonical(plain), plain.as_bytes(), "{plain}");
        }
    }
    #[tokio::test]
    async fn a_reply_is_told_again_as_it_was_and_says_so() {
        let mut sent = HeaderMap::new();
        for (name, value) in [
            ("content-type", "application/json"),
            ("content-length", "9"),
            ("link", "<a>"),
            ("link", "<b>"),
        ] {
            sent.append(name, HeaderValue::from_static(value));
        }
        let reply = KeptReply {
            status: 201,
            headers: texts(&sent).expect("texts"),
            body: r#"{"key":1}"#.to_owned(),
        };
        assert!(!format!("{reply:?}").contains("key"), "it may be a secret");
        assert!(format!("{reply:?}").contains("201"));
        let (parts, body) = reply.to_response().into_parts();
        assert_eq!(parts.status, StatusCode::CREATED);
        // How long it is, whoever sends it says.
        sent.remove(CONTENT_LENGTH);
        sent.insert(IDEMPOTENCY_REPLAYED, REPLAYED);
        assert_eq!(parts.headers, sent);
        let body = body.collect().await.expect("a body").to_bytes();
        assert_eq!(body, r#"{"key":1}"#);
    }
}
