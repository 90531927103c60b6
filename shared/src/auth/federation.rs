//! Tokens of other issuers, which a tenant trusts.
//!
//! Which issuer and which audience a token claims is read before anything in it is believed, only to find who
//! trusts it: one read of the table, and nothing is fetched for an issuer that nobody configured.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::issuer_keys::IssuerKeys;
use super::jws::Token;
use crate::clock::{Clock, Moment};
use crate::error::{Error, Result};
use crate::guard::Guard;
use crate::kept::Kept;
use crate::model::{FederatedClaims, IdentityProvider};
use crate::store::Store;

/// By how much the clock of another issuer may differ from ours. RFC 7519, section 4.1.4, wants no more than a few
/// minutes.
pub const FEDERATED_LEEWAY: Duration = Duration::from_secs(60);

/// The last second of the year 9999. A later one is a mistake, or meant to break sums.
const LAST_SECOND: i64 = 253_402_300_799;
/// OpenID Connect Core 1.0, section 2: a `sub` has at most 255 characters.
const MAX_SUBJECT_BYTES: usize = 255;

/// A token of whoever, with the issuer and the audience that it claims.
pub(super) struct Claimed<'a> {
    token: Token<'a>,
    pub(super) issuer: String,
    audience: String,
}

/// Reads whose a token claims to be, without believing it. `None` if it is no token that could hold.
///
/// The audience is a text, or a list of one: a token for several audiences could be sent on by one of them to
/// another.
pub(super) fn peek(token: &str) -> Option<Claimed<'_>> {
    let token = Token::parse(token)?;
    let issuer = token.claims.get("iss")?.as_str()?.to_owned();
    let audience = match token.claims.get("aud")? {
        Value::String(audience) => audience,
        Value::Array(audiences) => match audiences.as_slice() {
            [Value::String(audience)] => audience,
            _ => return None,
        },
        _ => return None,
    };
    Some(Claimed {
        issuer,
        audience: audience.clone(),
        token,
    })
}

/// Verifies the tokens of other issuers. Clones share what is known of them.
#[derive(Debug, Clone)]
pub struct Federation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    /// By issuer and audience. That nobody trusts one is not remembered: whoever makes up issuers would push out
    /// what is of use.
    providers: Kept<(String, String), IdentityProvider>,
    keys: IssuerKeys,
}

impl Federation {
    /// With nothing known yet. `guard` fetches what issuers say.
    pub fn new(store: Store, guard: Guard, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            store,
            providers: Kept::default(),
            keys: IssuerKeys::new(guard, clock.clone()),
            clock,
        }))
    }

    /// Who trusts the token's issuer, and what the token says. What does not hold is `Unauthenticated`, whatever
    /// the reason; `Unavailable` if the issuer's keys can't be had.
    pub(super) async fn verify(
        &self,
        claimed: &Claimed<'_>,
    ) -> Result<(IdentityProvider, FederatedClaims)> {
        let now = self.0.clock.now();
        // What can be refused without the table or the issuer is.
        if !is_in_time(&claimed.token.claims, now) {
            return Err(Error::Unauthenticated);
        }
        let provider = self.provider(claimed).await?;
        let provider = provider.ok_or(Error::Unauthenticated)?;
        let keys = self.0.keys.of(&provider.issuer, &claimed.token).await?;
        if !keys.signed(&claimed.token) {
            return Err(Error::Unauthenticated);
        }
        let claims = claims(&claimed.token.claims, &provider);
        let claims = claims.ok_or(Error::Unauthenticated)?;
        Ok((provider, claims))
    }

    async fn provider(&self, claimed: &Claimed<'_>) -> Result<Option<IdentityProvider>> {
        let pair = (claimed.issuer.clone(), claimed.audience.clone());
        let now = self.0.clock.now();
        let state = match self.0.providers.get(&pair, now) {
            Ok(provider) => return Ok(Some(provider)),
            Err(state) => state,
        };
        let found = self.0.store.issuer_get(&pair.0, &pair.1).await?;
        if let Some(provider) = &found {
            self.0.providers.put(pair, provider.clone(), now, state);
        }
        Ok(found)
    }

    /// Forgets what this process knows of a provider, after it was deleted.
    pub fn forget(&self, provider: &IdentityProvider) {
        let (issuer, audience) = (&provider.issuer, provider.audience.as_str());
        let providers = &self.0.providers;
        providers.forget(|(known, of)| known == issuer && of == audience);
    }
}

/// A moment of a claim, in whole seconds. Neither a text, nor a fraction, nor what no clock will ever show.
fn seconds(value: &Value) -> Option<i64> {
    let seconds = value.as_i64()?;
    (0..=LAST_SECOND).contains(&seconds).then_some(seconds)
}

/// Whether a token with these claims is good at `now`, by our clock and one that differs by a minute. `exp` and
/// `iat` are required, `nbf` is not.
fn is_in_time(claims: &Map<String, Value>, now: Moment) -> bool {
    let leeway = i64::try_from(FEDERATED_LEEWAY.as_secs()).unwrap_or(0);
    let now = now.unix_seconds();
    let expires = claims.get("exp").and_then(seconds);
    let issued = claims.get("iat").and_then(seconds);
    let (Some(expires), Some(issued)) = (expires, issued) else {
        return false;
    };
    let begins = match claims.get("nbf") {
        None => Some(issued),
        Some(value) => seconds(value),
    };
    now < expires + leeway
        && issued <= now + leeway
        && issued < expires
        && begins.is_some_and(|begins| begins <= now + leeway)
}

/// What the claims of a token say, whose signature is the provider's. `None` if they name nobody, or nobody who
/// may do anything here.
fn claims(claims: &Map<String, Value>, provider: &IdentityProvider) -> Option<FederatedClaims> {
    let subject = claims.get("sub")?.as_str()?;
    let named = (1..=MAX_SUBJECT_BYTES).contains(&subject.len());
    if !named || subject.chars().any(char::is_control) {
        return None;
    }
    let role = provider
        .roles
        .highest(&provider.role_claim.values(claims))?;
    Some(FederatedClaims {
        subject: subject.to_owned(),
        role,
    })
}

/// Under which name a pair of issuer and audience is kept: one text, whatever is in them. An issuer is a URL and has
/// no line break.
pub(crate) fn pair_hash(issuer: &str, audience: &str) -> String {
    let digest = Sha256::new()
        .chain_update(issuer)
        .chain_update(b"\n")
        .chain_update(audience)
        .finalize();
    URL_SAFE_NO_PAD.encode(digest)
}

#[cfg(test)]
mod tests;
