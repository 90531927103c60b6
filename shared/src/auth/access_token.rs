//! Access tokens: JWTs of ten minutes, signed with Ed25519, of the type `at+jwt` (RFC 9068).

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, Header, Validation};
use serde::{Deserialize, Serialize};

use super::key_source::KeySource;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Membership, MembershipRole, SessionId, TenantId, UserId};

/// How long an access token is good.
pub const ACCESS_TOKEN_LIFETIME: Duration = Duration::from_secs(600);
/// The `aud` of access tokens: this API.
pub const AUDIENCE: &str = "chatter-api";

/// RFC 9068, section 2.1.
const TYPE: &str = "at+jwt";
/// By how much clocks may differ, in seconds.
pub(super) const LEEWAY_SECONDS: i64 = 5;
/// Ours have about 600 bytes; what is much longer is not worth a signature check.
const MAX_BYTES: usize = 4096;

/// The claims of RFC 9068, and two of ours: `tid` is the tenant, `sid` the session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Claims {
    iss: String,
    aud: String,
    pub(super) sub: UserId,
    pub(super) tid: TenantId,
    pub(super) sid: SessionId,
    pub(super) role: MembershipRole,
    iat: i64,
    exp: i64,
    /// From when on it is good. Ours never say it, and one that does is held to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    jti: String,
}

/// All that a header of ours has. Any other member, `crit`, `b64`, `jwk` or `jku` among them, is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExactHeader {
    alg: String,
    typ: String,
    kid: String,
}

/// Signs a token for a session.
pub(super) async fn sign(
    keys: &KeySource,
    issuer: &str,
    now: Moment,
    user: UserId,
    session: SessionId,
    membership: &Membership,
) -> Result<String> {
    let claims = Claims {
        iss: issuer.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: user,
        tid: membership.tenant,
        sid: session,
        role: membership.role,
        iat: now.unix_seconds(),
        exp: now.plus(ACCESS_TOKEN_LIFETIME).unix_seconds(),
        nbf: None,
        jti: uuid::Uuid::now_v7().simple().to_string(),
    };
    let ring = keys.ring().await?;
    let (kid, key) = ring.signing(now)?;
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some(TYPE.to_owned());
    header.kid = Some(kid.to_owned());
    jsonwebtoken::encode(&header, &claims, key).map_err(Error::internal)
}

/// The claims of a token that holds at `now`. Which check failed is not said.
pub(super) async fn verify(
    keys: &KeySource,
    issuer: &str,
    now: Moment,
    token: &str,
) -> Result<Claims> {
    let header = exact_header(token).ok_or(Error::Unauthenticated)?;
    let mut ring = keys.ring().await?;
    if ring.verifying(&header.kid, now).is_none() {
        ring = keys.after_unknown_key().await?;
    }
    let key = ring
        .verifying(&header.kid, now)
        .ok_or(Error::Unauthenticated)?;

    // Times are checked below against our own clock; the library reads the system's.
    let mut validation = Validation::new(Algorithm::EdDSA);
    validation.validate_exp = false;
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer]);
    validation.set_required_spec_claims(&["aud", "iss", "sub", "exp"]);
    let claims = jsonwebtoken::decode::<Claims>(token, key, &validation)
        .map_err(|_| Error::Unauthenticated)?
        .claims;
    let seconds = now.unix_seconds();
    let lifetime = claims.exp.saturating_sub(claims.iat);
    let holds = seconds < claims.exp.saturating_add(LEEWAY_SECONDS)
        && claims.iat <= seconds.saturating_add(LEEWAY_SECONDS)
        && claims
            .nbf
            .is_none_or(|begins| begins <= seconds.saturating_add(LEEWAY_SECONDS))
        && (0..=i64::try_from(ACCESS_TOKEN_LIFETIME.as_secs()).unwrap_or(0)).contains(&lifetime);
    if holds {
        Ok(claims)
    } else {
        Err(Error::Unauthenticated)
    }
}

fn exact_header(token: &str) -> Option<ExactHeader> {
    if token.len() > MAX_BYTES {
        return None;
    }
    let (header, _) = token.split_once('.')?;
    let header: ExactHeader = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    (header.alg == "EdDSA" && header.typ == TYPE).then_some(header)
}

#[cfg(test)]
mod damage;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::corpus::{self, Whose};
    use crate::clock::Clock;
    use secrecy::SecretString;
    use serde_json::{Value, json};

    const ISSUER: &str = "https://chatter.example.com";

    fn now() -> Moment {
        Moment::from_unix_seconds(1_700_000_000)
    }

    fn keys() -> KeySource {
        let seed = URL_SAFE_NO_PAD.encode([7; 32]);
        let value = SecretString::from(format!(r#"{{"keys":[{{"seed":"{seed}"}}]}}"#));
        KeySource::fixed(value, Clock::manual(now()))
    }

    pub(super) async fn good_token() -> String {
        let membership = Membership {
            tenant: TenantId::new(),
            role: MembershipRole::Owner,
        };
        let (user, session) = (UserId::new(), SessionId::new());
        sign(&keys(), ISSUER, now(), user, session, &membership)
            .await
            .expect("a token")
    }

    fn part(token: &str, index: usize) -> Value {
        let part = token.split('.').nth(index).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    }

    /// A token with those parts and a good signature over them.
    async fn signed(header: &Value, claims: &Value) -> String {
        signed_text(&header.to_string(), &claims.to_string()).await
    }

    async fn signed_text(header: &str, claims: &str) -> String {
        let ring = keys().ring().await.expect("a ring");
        let (_, key) = ring.signing(now()).expect("a key");
        let message = [header, claims]
            .map(|part| URL_SAFE_NO_PAD.encode(part))
            .join(".");
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), key, Algorithm::EdDSA).expect("signs");
        format!("{message}.{signature}")
    }

    async fn holds_at(token: &str, seconds: i64) -> bool {
        let now = Moment::from_unix_seconds(seconds);
        verify(&keys(), ISSUER, now, token).await.is_ok()
    }

    pub(super) async fn holds(token: &str) -> bool {
        holds_at(token, now().unix_seconds()).await
    }

    #[tokio::test]
    async fn a_token_holds_for_ten_minutes() {
        let token = good_token().await;
        let issued = now().unix_seconds();
        for (seconds, expected) in [
            (-6, false),
            (-5, true),
            (0, true),
            (604, true),
            (605, false),
        ] {
            assert_eq!(
                holds_at(&token, issued + seconds).await,
                expected,
                "{seconds}"
            );
        }
    }

    #[test]
    fn what_is_longer_than_any_token_of_ours_is_not_read() {
        let header =
            URL_SAFE_NO_PAD.encode(json!({"alg": "EdDSA", "typ": TYPE, "kid": "k"}).to_string());
        for (length, read) in [(MAX_BYTES, true), (MAX_BYTES + 1, false)] {
            let rest = "x".repeat(length - header.len() - 1);
            let token = format!("{header}.{rest}");
            assert_eq!(exact_header(&token).is_some(), read, "{length}");
        }
    }

    #[tokio::test]
    async fn a_header_with_anything_else_in_it_is_refused() {
        let token = good_token().await;
        let (header, claims) = (part(&token, 0), part(&token, 1));
        assert!(
            holds(&signed(&header, &claims).await).await,
            "the helper signs well"
        );
        let kid = header["kid"].as_str().expect("an id");
        let words = [
            ("kid", kid),
            ("KID", &kid.to_uppercase()),
            ("evil", "https://evil.example.com"),
        ];
        for row in corpus::headers() {
            let changed = row.of(&header, &words, now().unix_seconds());
            let token = signed_text(&changed, &claims.to_string()).await;
            assert_eq!(holds(&token).await, row.holds(Whose::Ours), "{}", row.name);
        }
    }

    #[tokio::test]
    async fn a_missing_or_wrong_claim_is_refused() {
        let token = good_token().await;
        let (header, claims) = (part(&token, 0), part(&token, 1));
        let capitals = (ISSUER.to_uppercase(), AUDIENCE.to_uppercase());
        let words = [
            ("iss", ISSUER),
            ("ISS", &capitals.0),
            ("aud", AUDIENCE),
            ("AUD", &capitals.1),
            ("evil", "https://evil.example.com"),
        ];
        // Whether somebody is there whom the claims name is asked later.
        let later = [
            "somebody else, who is not there",
            "a tenant that nobody has",
            "a session that nobody has",
        ];
        for row in corpus::claims() {
            let changed = row.of(&claims, &words, now().unix_seconds());
            let token = signed_text(&header.to_string(), &changed).await;
            let expected = row.holds(Whose::Ours) || later.contains(&row.name.as_str());
            assert_eq!(holds(&token).await, expected, "{}", row.name);
        }
    }
}
