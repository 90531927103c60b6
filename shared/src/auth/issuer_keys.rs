//! The keys of other issuers: where they are found (OpenID Connect Discovery 1.0), and how long a process
//! believes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use thiserror::Error as ThisError;

use super::jws::{KeySet, Token};
use crate::clock::{Clock, Moment};
use crate::error::{Error, Result};
use crate::guard::{Guard, GuardFault};

/// For how long keys are believed without asking again.
pub const KEYS_ARE_FRESH_FOR: Duration = Duration::from_secs(600);
/// For how long keys are good when their issuer does not answer. After that its tokens are refused.
pub const KEYS_LAST: Duration = Duration::from_secs(3600);
/// How often an issuer is asked at most by one process, whatever ids of keys are met and however often it fails.
pub const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(60);

/// Where an issuer says where its keys are (OpenID Connect Discovery 1.0, section 4).
const DOCUMENT: &str = "/.well-known/openid-configuration";
/// How large that document may be, in bytes.
const MAX_DOCUMENT_BYTES: usize = 64 * 1024;
/// How large a set of keys may be, in bytes. Some bring their certificates along.
const MAX_KEYS_BYTES: usize = 256 * 1024;
/// How many issuers a process remembers.
const MOST_ISSUERS: usize = 1000;

/// Why an issuer's tokens can't be verified: the sentence after "the issuer".
#[derive(Debug, Clone, Copy, PartialEq, Eq, ThisError)]
pub enum IssuerFault {
    /// Its URL may not be fetched.
    #[error("{0}")]
    Url(GuardFault),
    /// Its URL is not one of an issuer (OpenID Connect Core 1.0, section 2).
    #[error("must have neither a query nor a fragment")]
    HasQueryOrFragment,
    /// Its document could not be fetched.
    #[error("its /.well-known/openid-configuration could not be fetched: {0}")]
    Document(GuardFault),
    /// Its document is something else.
    #[error("its /.well-known/openid-configuration is no JSON object with `issuer` and `jwks_uri`")]
    DocumentShape,
    /// Its document is another issuer's.
    #[error(
        "its /.well-known/openid-configuration names another issuer; give exactly the `issuer` that stands there"
    )]
    OtherIssuer,
    /// Its keys could not be fetched.
    #[error("its keys could not be fetched: the address in `jwks_uri`: {0}")]
    Keys(GuardFault),
    /// Its keys are something else.
    #[error("what is at its `jwks_uri` is no JSON object with `keys`")]
    KeysShape,
    /// It has no key that can be used.
    #[error(
        "none of its keys can be used: a key needs a `kid` and must be Ed25519, P-256, P-384, or RSA of at least 2048 bits, for signatures"
    )]
    NoKey,
}

/// Asks an issuer for its keys, and so whether its tokens can be verified.
///
/// # Errors
/// Why not. Nothing that the issuer said is in it.
pub async fn probe(guard: &Guard, issuer: &str) -> Result<(), IssuerFault> {
    discover(guard, issuer).await.map(|_| ())
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    jwks_uri: String,
}

async fn discover(guard: &Guard, issuer: &str) -> Result<KeySet, IssuerFault> {
    let url = guard.check(issuer).map_err(IssuerFault::Url)?;
    if url.has_query_or_fragment() {
        return Err(IssuerFault::HasQueryOrFragment);
    }
    let url = format!("{}{DOCUMENT}", issuer.trim_end_matches('/'));
    let url = guard.check(&url).map_err(IssuerFault::Url)?;
    let json = "application/json";
    let bytes = guard.get(&url, json, MAX_DOCUMENT_BYTES).await;
    let bytes = bytes.map_err(IssuerFault::Document)?;
    let document: Document =
        serde_json::from_slice(&bytes).map_err(|_| IssuerFault::DocumentShape)?;
    // OpenID Connect Discovery 1.0, section 4.3: otherwise one issuer could speak for another.
    if document.issuer != issuer {
        return Err(IssuerFault::OtherIssuer);
    }
    let url = guard.check(&document.jwks_uri).map_err(IssuerFault::Keys)?;
    let bytes = guard.get(&url, json, MAX_KEYS_BYTES).await;
    let bytes = bytes.map_err(IssuerFault::Keys)?;
    let keys = KeySet::parse(&bytes).ok_or(IssuerFault::KeysShape)?;
    if keys.is_empty() {
        return Err(IssuerFault::NoKey);
    }
    Ok(keys)
}

/// What a process knows of an issuer.
#[derive(Debug, Default)]
struct Known {
    keys: Option<(Arc<KeySet>, Moment)>,
    /// When it was last asked, with or without success.
    asked_at: Option<Moment>,
}

/// The keys of the issuers that a process met.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    guard: Guard,
    clock: Clock,
    /// Each with a lock of its own, so that a slow issuer keeps nobody else's tokens waiting, and is asked once by
    /// requests that come together.
    issuers: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Known>>>>,
}

impl IssuerKeys {
    /// With nothing known yet.
    pub(super) fn new(guard: Guard, clock: Clock) -> Self {
        Self {
            guard,
            clock,
            issuers: Mutex::default(),
        }
    }

    /// The keys for a token of that issuer: those that are known if they are fresh and the token's is among
    /// them, or else what the issuer says now, unless it was asked less than a minute ago.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if there are none, because the issuer does not answer.
    pub(super) async fn of(&self, issuer: &str, token: &Token<'_>) -> Result<Arc<KeySet>> {
        let known = self.known(issuer);
        let mut known = known.lock().await;
        let now = self.clock.now();
        let good = known.keys.as_ref().is_some_and(|(keys, at)| {
            now.since(*at) < KEYS_ARE_FRESH_FOR && keys.may_have_signed(token)
        });
        let just_asked = known
            .asked_at
            .is_some_and(|at| now.since(at) < ASKED_AT_MOST_EVERY);
        let mut why = None;
        if !good && !just_asked {
            // Boxed: it is rare, and everything that verifies a token would nest its futures in its own.
            let found = Box::pin(discover(&self.guard, issuer)).await;
            known.asked_at = Some(now);
            match found {
                Ok(keys) => known.keys = Some((Arc::new(keys), now)),
                Err(fault) => why = Some(fault),
            }
        }
        let lasting = known
            .keys
            .as_ref()
            .filter(|(_, at)| now.since(*at) < KEYS_LAST);
        match (lasting, why) {
            (Some((keys, _)), why) => {
                if let Some(fault) = why {
                    tracing::warn!(fault = %fault, "an issuer's keys could not be fetched; what is known of them stays in use");
                }
                Ok(keys.clone())
            }
            (None, Some(fault)) => Err(Error::unavailable(fault)),
            (None, None) => Err(Error::unavailable("an issuer did not answer a moment ago")),
        }
    }

    fn known(&self, issuer: &str) -> Arc<tokio::sync::Mutex<Known>> {
        let mut issuers = self.issuers.lock().unwrap_or_else(PoisonError::into_inner);
        if issuers.len() >= MOST_ISSUERS && !issuers.contains_key(issuer) {
            issuers.clear();
        }
        issuers.entry(issuer.to_owned()).or_default().clone()
    }
}
