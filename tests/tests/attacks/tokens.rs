//! Which access tokens of ours hold, and what those that do not leave behind: nothing.

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderValue, Method};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::auth::{
    Authenticator, InvitationToken, KeySource, OneTimeSecret, RefreshSecret, RefreshToken,
    ResetToken, VerifyToken,
};
use shared::model::{InvitationId, Scope};
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, Person, START, TestApi};

use crate::rows::{self, Whose};

pub(crate) const CONVERSATIONS: &str = "/api/v1/conversations";
/// The `iss` of tests.
const ISSUER: &str = "http://chatter.test";
const SEED: [u8; 32] = [7; 32];

/// The function `conversations`, whose signing key is known to the test, with Ada in a session.
struct Attacked {
    api: TestApi,
    ada: Person,
    /// The public key, as it is published.
    published: Value,
    /// How many requests were sent.
    sent: AtomicU32,
}

impl Attacked {
    async fn start() -> Self {
        let secret = json!({"keys": [{"seed": URL_SAFE_NO_PAD.encode(SEED)}]});
        let secret = SecretString::from(secret.to_string());
        let plain = TestApi::new(|app, _| conversations::router(app)).await;
        let ada = plain.people.get("ada").await;
        let keys = KeySource::fixed(secret, plain.app.clock.clone());
        let ring = keys.ring().await.expect("a ring");
        let published = ring.public_keys(plain.app.clock.now());
        let published = serde_json::to_value(&published[0]).expect("JSON");
        let api = plain.beside(|mut app| {
            let known = &app.authenticator;
            app.authenticator = Authenticator::new(
                keys,
                app.config.token_issuer.clone(),
                app.clock.clone(),
                app.config.stage,
                known.standings().clone(),
                known.federation().clone(),
            );
            conversations::router(app)
        });
        Self {
            api,
            ada,
            published,
            sent: AtomicU32::new(0),
        }
    }

    fn header(&self) -> Value {
        json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.published["kid"]})
    }

    fn claims(&self) -> Value {
        let Person {
            user,
            tenant,
            session,
        } = self.ada;
        json!({
            "iss": ISSUER, "aud": shared::auth::AUDIENCE, "sub": user, "tid": tenant, "sid": session,
            "role": "owner", "iat": START, "exp": START + 600, "jti": "x",
        })
    }

    fn token(&self) -> String {
        let (header, claims) = (self.header(), self.claims());
        signed(&SEED, &header.to_string(), &claims.to_string())
    }

    /// What the function answers, from ever new places: one whose tokens fail is refused soon.
    async fn status(&self, token: &str) -> u16 {
        let place = self.sent.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let api = self
            .api
            .from_source(&format!("203.0.{}.{}", place[2], place[3]));
        bear(&api, token).await.status.as_u16()
    }

    /// Makes a conversation with a token that holds; with another one it is 401, and nothing is written. Gives how often the
    /// table was read then.
    async fn meets(&self, name: &str, token: &str, holds: bool) -> usize {
        let before = self.api.table.dump().await;
        self.api.table.take_calls();
        let status = self.status(token).await;
        assert_eq!(status, if holds { 201 } else { 401 }, "{name}: {token}");
        let calls = self.api.table.take_calls();
        if holds {
            return 0;
        }
        let reads = |operation: &str| operation.ends_with("GetItem");
        let only_reads = calls.iter().all(|call| reads(call.operation.as_ref()));
        assert!(only_reads, "{calls:?} for {name}");
        assert_eq!(self.api.table.dump().await, before, "{name}");
        calls.len()
    }
}

/// Posts a conversation with that in the place of a token.
pub(crate) async fn bear(api: &TestApi, token: &str) -> test_support::Reply {
    let body = Body::Json(json!({}));
    let mut request = api
        .request(None, Method::POST, CONVERSATIONS, body, &[])
        .await;
    let value = HeaderValue::from_bytes(format!("Bearer {token}").as_bytes());
    request
        .headers_mut()
        .insert(AUTHORIZATION, value.expect("a header"));
    TestApi::read(api.start(request).await).await
}

/// Whether HTTP can carry it in a header at all (RFC 9110, section 5.5).
pub(crate) fn can_be_sent(token: &str) -> bool {
    HeaderValue::from_bytes(token.as_bytes()).is_ok()
}

fn message(header: &str, claims: &str) -> String {
    let encoded = |part: &str| URL_SAFE_NO_PAD.encode(part);
    format!("{}.{}", encoded(header), encoded(claims))
}

fn signed(seed: &[u8; 32], header: &str, claims: &str) -> String {
    let key = Ed25519KeyPair::from_seed_unchecked(seed).expect("a key");
    let message = message(header, claims);
    let signature = key.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

#[tokio::test]
async fn a_header_that_is_not_exactly_ours_is_401_and_nothing_it_names_is_asked() {
    let attacked = Attacked::start().await;
    let evil = StandInIssuer::start().await.expect("an issuer");
    let kid = attacked.published["kid"].as_str().expect("an id");
    let capitals = kid.to_uppercase();
    let words = [
        ("kid", kid),
        ("KID", capitals.as_str()),
        ("evil", &evil.url),
    ];
    let (header, claims) = (attacked.header(), attacked.claims().to_string());
    for row in rows::headers() {
        let header = row.of(&header, &words, START);
        let token = signed(&SEED, &header, &claims);
        let reads = attacked.meets(&row.name, &token, row.holds(Whose::Ours));
        assert!(reads.await <= 1, "{}", row.name);
        // The same without a signature, and signed by somebody else.
        for signature in ["", ".", ".AAAA"] {
            let token = format!("{}{signature}", message(&header, &claims));
            attacked.meets(&row.name, &token, false).await;
        }
        let token = signed(&[9; 32], &header, &claims);
        attacked.meets(&row.name, &token, false).await;
    }
    // The public key as the secret of an HMAC.
    let mut header = header;
    header["alg"] = "HS256".into();
    let message = message(&header.to_string(), &claims);
    let public = attacked.published["x"].as_str().expect("a key");
    let whole = attacked.published.to_string();
    let bytes = URL_SAFE_NO_PAD.decode(public).expect("base64url");
    for secret in [public.as_bytes(), &bytes, whole.as_bytes(), b"", b"\0"] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret);
        let mac = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        let mac = URL_SAFE_NO_PAD.encode(mac.as_ref());
        attacked
            .meets("HMAC", &format!("{message}.{mac}"), false)
            .await;
    }
    assert!(evil.take_requests().is_empty());
}

#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_is_401() {
    let attacked = Attacked::start().await;
    let (iss, aud) = (ISSUER, shared::auth::AUDIENCE);
    let capitals = (iss.to_uppercase(), aud.to_uppercase());
    let words = [
        ("iss", iss),
        ("ISS", &capitals.0),
        ("aud", aud),
        ("AUD", &capitals.1),
        ("evil", "https://evil.example.com"),
    ];
    let (header, claims) = (attacked.header().to_string(), attacked.claims());
    for row in rows::claims() {
        let token = signed(&SEED, &header, &row.of(&claims, &words, START));
        attacked
            .meets(&row.name, &token, row.holds(Whose::Ours))
            .await;
    }
}

#[tokio::test]
async fn another_form_of_a_good_token_is_401() {
    let attacked = Attacked::start().await;
    let token = attacked.token();
    attacked.meets("good", &token, true).await;
    let mut sent = 0;
    for row in rows::shapes() {
        let shaped = row.of(&token);
        if can_be_sent(&shaped) {
            let reads = attacked.meets(&row.name, &shaped, false).await;
            assert_eq!(reads, 0, "{}", row.name);
            sent += 1;
        }
    }
    assert!(sent >= 45, "{sent}");
}

#[tokio::test]
async fn what_is_good_for_something_else_is_no_access_token() {
    let attacked = Attacked::start().await;
    let secret = || OneTimeSecret::random().expect("random");
    let refresh = RefreshToken {
        user: attacked.ada.user,
        session: attacked.ada.session,
        secret: RefreshSecret::random().expect("random"),
    };
    let invitation = InvitationToken {
        tenant: attacked.ada.tenant,
        invitation: InvitationId::new(),
        secret: secret(),
    };
    let (user, other) = (attacked.ada.user, secret());
    let reset = ResetToken {
        user,
        secret: secret(),
    };
    let verify = VerifyToken {
        user,
        secret: other,
    };
    for token in [
        refresh.expose(),
        invitation.expose(),
        reset.expose(),
        verify.expose(),
    ] {
        attacked.meets("another secret", &token, false).await;
    }
    // And a key that lacks the scope is no token either, but known.
    let key = attacked
        .api
        .people
        .api_key("ada", &[Scope::ModelsRead])
        .await;
    assert_eq!(attacked.status(&key).await, 403);
}

#[tokio::test]
async fn a_token_counts_only_whole_in_one_header() {
    let attacked = Attacked::start().await;
    let token = attacked.token();
    let bearer = format!("Bearer {token}");
    let send = async |path: &str, headers: &[(&'static str, &str)]| {
        let sent = attacked
            .api
            .send_with(None, Method::GET, path, Body::Empty, headers);
        sent.await.status.as_u16()
    };
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let value = format!("{scheme} {token}");
        assert_eq!(
            send(CONVERSATIONS, &[("authorization", &value)]).await,
            200,
            "{scheme}"
        );
    }
    let asked = format!("{CONVERSATIONS}?access_token={token}");
    assert_eq!(send(&asked, &[]).await, 401);
    let twice = [
        ("authorization", bearer.as_str()),
        ("authorization", bearer.as_str()),
    ];
    assert_eq!(send(CONVERSATIONS, &twice).await, 401);
    for wrong in [
        token.clone(),
        format!("Token {token}"),
        format!("Bearer  {token}"),
        format!("Bearer {token} "),
        format!("Bearer\t{token}"),
        format!("Bearer {token},{token}"),
        format!("Bearer {}", "x".repeat(9_000)),
        format!("Bearer {token}{}", "A".repeat(9_000)),
    ] {
        assert_eq!(send(CONVERSATIONS, &[("authorization", &wrong)]).await, 401);
    }
    // A header that ends in a line break is none that HTTP has.
    assert!(axum::http::HeaderValue::from_str(&format!("{bearer}\n")).is_err());
}
