//! Which access tokens hold, through a router: the attacks that are known on JSON Web Tokens (RFC 8725).

use std::sync::atomic::{AtomicU32, Ordering};

use aws_lc_rs::signature::Ed25519KeyPair;
use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::auth::{
    Authenticator, InvitationToken, KeySource, OneTimeSecret, RefreshSecret, RefreshToken,
    ResetToken, VerifyToken,
};
use shared::model::{InvitationId, Scope, SessionId, TenantId, UserId};
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, Person, START, TestApi};

const MODELS: &str = "/api/v1/models";
const SEED: [u8; 32] = [7; 32];

/// The function `models`, whose signing key is known to the test, with Ada in a session.
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
        let plain = TestApi::new(|app, _| models::router(app)).await;
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
            models::router(app)
        });
        Self {
            api,
            ada,
            published,
            sent: AtomicU32::new(0),
        }
    }

    fn header(&self, changes: &Value) -> Value {
        let good = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": self.published["kid"]});
        changed(good, changes)
    }

    fn claims(&self, changes: &Value) -> Value {
        let Person {
            user,
            tenant,
            session,
        } = self.ada;
        let good = json!({
            "iss": "http://chatter.test", "aud": "chatter-api", "sub": user, "tid": tenant, "sid": session,
            "role": "owner", "iat": START, "exp": START + 600, "jti": "x",
        });
        changed(good, changes)
    }

    /// A token with those changes and a good signature over them.
    fn token(&self, header: &Value, claims: &Value) -> String {
        signed(&SEED, &self.header(header), &self.claims(claims))
    }

    /// What the function answers, from ever new places: one whose tokens fail is refused soon.
    async fn status(&self, token: &str) -> u16 {
        let place = self.sent.fetch_add(1, Ordering::SeqCst).to_be_bytes();
        let api = self
            .api
            .from_source(&format!("203.0.{}.{}", place[2], place[3]));
        let reply = api.bear(token, Method::GET, MODELS, Body::Empty).await;
        reply.status.as_u16()
    }

    /// Refused with 401, after one read of the table at most.
    async fn refuses(&self, token: &str) {
        self.api.table.take_calls();
        assert_eq!(self.status(token).await, 401, "{token}");
        let calls = self.api.table.take_calls();
        assert!(calls.len() <= 1, "{calls:?} for {token}");
    }
}

/// With changes; what is `null` is taken out.
fn changed(mut good: Value, changes: &Value) -> Value {
    for (name, value) in changes.as_object().expect("an object") {
        good[name] = value.clone();
    }
    let members = good.as_object_mut().expect("an object");
    members.retain(|_, value| !value.is_null());
    good
}

fn message(header: &Value, claims: &Value) -> String {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encoded(header), encoded(claims))
}

fn signed(seed: &[u8; 32], header: &Value, claims: &Value) -> String {
    let key = Ed25519KeyPair::from_seed_unchecked(seed).expect("a key");
    let message = message(header, claims);
    let signature = key.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

#[tokio::test]
async fn a_header_that_is_not_exactly_ours_is_401_and_nothing_it_names_is_asked() {
    let attacked = Attacked::start().await;
    let none = json!({});
    assert_eq!(attacked.status(&attacked.token(&none, &none)).await, 200);
    let evil = StandInIssuer::start().await.expect("an issuer");
    let keys = format!("{}/keys", evil.url);
    for header in [
        json!({"alg": "none"}),
        json!({"alg": "None"}),
        json!({"alg": "nOnE"}),
        json!({"alg": "HS256"}),
        json!({"alg": "RS256"}),
        json!({"alg": null}),
        json!({"kid": null}),
        json!({"kid": "unknown"}),
        json!({"kid": "../../dev/null"}),
        json!({"kid": "' OR 1=1"}),
        json!({"jku": keys}),
        json!({"x5u": keys}),
        json!({"jwk": {"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}}),
        json!({"crit": ["foo"], "foo": 1}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"typ": "JWT"}),
        json!({"typ": null}),
        json!({"typ": "rt+jwt"}),
    ] {
        attacked.refuses(&attacked.token(&header, &none)).await;
        // The same without a signature, and signed by somebody else.
        let (header, claims) = (attacked.header(&header), attacked.claims(&none));
        for signature in ["", ".", ".AAAA"] {
            let token = format!("{}{signature}", message(&header, &claims));
            attacked.refuses(&token).await;
        }
        attacked.refuses(&signed(&[9; 32], &header, &claims)).await;
    }
    // The public key as the secret of an HMAC.
    let header = attacked.header(&json!({"alg": "HS256"}));
    let message = message(&header, &attacked.claims(&none));
    let public = attacked.published["x"].as_str().expect("a key");
    let whole = attacked.published.to_string();
    for secret in [public, whole.as_str(), ""] {
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let mac = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        let mac = URL_SAFE_NO_PAD.encode(mac.as_ref());
        attacked.refuses(&format!("{message}.{mac}")).await;
    }
    assert!(evil.take_requests().is_empty());
}

#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_is_401() {
    let attacked = Attacked::start().await;
    let none = json!({});
    for claims in [
        json!({"iss": null}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"tid": null}),
        json!({"sid": null}),
        json!({"exp": null}),
        json!({"iat": null}),
        json!({"iss": "https://staging.chatter.test"}),
        json!({"iss": "http://chatter.test/"}),
        json!({"aud": "other-api"}),
        // A list is refused, whoever is in it: ours are for this API alone.
        json!({"aud": ["chatter-api"]}),
        json!({"aud": ["chatter-api", "other-api"]}),
        json!({"sub": UserId::new()}),
        json!({"sub": "usr_x#y"}),
        json!({"tid": TenantId::new()}),
        json!({"sid": SessionId::new()}),
        json!({"exp": START - 1, "iat": START - 10}),
        json!({"exp": START - 6, "iat": START - 10}),
        json!({"exp": (START + 600).to_string()}),
        json!({"exp": 1e300}),
        json!({"exp": -1}),
        json!({"exp": u64::MAX}),
        json!({"exp": 18_446_744_073_709_551_616_f64}),
        json!({"exp": START + 700}),
        json!({"iat": START + 3600, "exp": START + 4000}),
        json!({"nbf": START + 3600}),
    ] {
        let token = attacked.token(&none, &claims);
        if claims == json!({"exp": START - 1, "iat": START - 10}) {
            // Clocks may differ by five seconds.
            assert_eq!(attacked.status(&token).await, 200);
        } else {
            attacked.api.table.take_calls();
            assert_eq!(attacked.status(&token).await, 401, "{claims}");
        }
    }
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
        attacked.refuses(&token).await;
    }
    // And a key that lacks the scope is no token either, but known.
    let key = attacked.api.people.api_key("ada", &[Scope::Chat]).await;
    assert_eq!(attacked.status(&key).await, 403);
}

#[tokio::test]
async fn a_token_counts_only_whole_in_one_header() {
    let attacked = Attacked::start().await;
    let none = json!({});
    let token = attacked.token(&none, &none);
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
            send(MODELS, &[("authorization", &value)]).await,
            200,
            "{scheme}"
        );
    }
    let asked = format!("{MODELS}?access_token={token}");
    assert_eq!(send(&asked, &[]).await, 401);
    let twice = [
        ("authorization", bearer.as_str()),
        ("authorization", bearer.as_str()),
    ];
    assert_eq!(send(MODELS, &twice).await, 401);
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
        assert_eq!(send(MODELS, &[("authorization", &wrong)]).await, 401);
    }
    // A header that ends in a line break is none that HTTP has.
    assert!(axum::http::HeaderValue::from_str(&format!("{bearer}\n")).is_err());
}
