//! Which tokens of a trusted issuer hold, and what those that do not cost.

use std::time::Duration;

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use stand_ins::issuer::StandInIssuer;
use test_support::{Body, START, TestApi};

use crate::helpers::*;

/// Conversations, where an issuer is trusted.
async fn trusting() -> (TestApi, StandInIssuer) {
    let (api, issuer) = (api().await, issuer().await);
    trust(&api, "ada", &issuer.url).await;
    (api.beside(conversations::router), issuer)
}

#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_is_401() {
    let (api, issuer) = trusting().await;
    let good = kim(&issuer);
    assert_eq!(status(&api, &issuer.sign(&good)).await, 200);
    for changes in [
        json!({"iss": null}),
        json!({"aud": null}),
        json!({"sub": null}),
        json!({"exp": null}),
        json!({"iat": null}),
        json!({"roles": null}),
        json!({"iss": format!("{}/", issuer.url)}),
        json!({"iss": issuer.url.to_uppercase()}),
        json!({"iss": [issuer.url]}),
        json!({"iss": "https://staging.login.example.com"}),
        json!({"aud": "other"}),
        json!({"aud": "Chatter"}),
        json!({"aud": ["chatter", "other"]}),
        json!({"aud": ["chatter", "chatter"]}),
        json!({"aud": []}),
        json!({"aud": 7}),
        json!({"sub": ""}),
        json!({"sub": 7}),
        json!({"exp": START - 60}),
        json!({"exp": (START + 600).to_string()}),
        json!({"exp": 1e300}),
        json!({"exp": -1}),
        json!({"exp": 18_446_744_073_709_551_616_f64}),
        json!({"exp": u64::MAX}),
        json!({"iat": START + 3600}),
        json!({"iat": START + 61}),
        json!({"nbf": START + 3600}),
        json!({"nbf": START + 61}),
        json!({"nbf": "0"}),
        json!({"roles": ["others"]}),
        json!({"roles": {"staff": true}}),
        json!({"roles": []}),
        json!({"roles": null, "scope": "staff"}),
    ] {
        let token = issuer.sign(&changed(&good, &changes));
        let reply = get(&api, &token, CONVERSATIONS).await;
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".to_owned()),
            "{changes}"
        );
    }
    for changes in [
        json!({"aud": ["chatter"]}),
        json!({"iat": START + 60}),
        json!({"nbf": START + 60}),
        json!({"nbf": START}),
        json!({"roles": "guests", "nonce": "x", "azp": "app"}),
    ] {
        let token = issuer.sign(&changed(&good, &changes));
        assert_eq!(status(&api, &token).await, 200, "{changes}");
    }
}

#[tokio::test]
async fn a_token_is_good_until_a_minute_after_its_end() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&changed(&kim(&issuer), &json!({"exp": START + 600})));
    api.app.clock.advance(Duration::from_secs(659));
    assert_eq!(status(&api, &token).await, 200);
    api.app.clock.advance(Duration::from_secs(1));
    assert_eq!(status(&api, &token).await, 401);
}

/// A token without a signature, or with one of nobody.
fn unsigned(header: &Value, claims: &Value, signature: &str) -> String {
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}{signature}", encoded(header), encoded(claims))
}

#[tokio::test]
async fn a_token_that_is_made_up_is_401_and_costs_one_read_at_most() {
    let (api, issuer) = trusting().await;
    let evil = StandInIssuer::start().await.expect("an issuer");
    let good = kim(&issuer);
    let jwks = format!("{}/keys", evil.url);
    let own = issuer.sign(&good);
    let (message, signature) = own.rsplit_once('.').expect("parts");
    let mut made_up = vec![
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{}", "A".repeat(86)),
        format!("{own}."),
        format!("{own}="),
        format!("{own}.{signature}"),
        "a.b.c".to_owned(),
        "...".to_owned(),
        "x".repeat(9000),
        evil.sign(&good),
        evil.sign(&kim(&evil)),
    ];
    for algorithm in ["none", "None", "nOnE", "HS256", ""] {
        let header = json!({"alg": algorithm, "kid": "key-1", "typ": "JWT"});
        for signature in ["", ".", ".AAAA"] {
            made_up.push(unsigned(&header, &good, signature));
        }
    }
    for header in [
        json!({"kid": null}),
        json!({"kid": "../../dev/null"}),
        json!({"kid": "' OR 1=1"}),
        json!({"jku": jwks}),
        json!({"x5u": jwks}),
        json!({"jwk": {"kty": "OKP"}}),
        json!({"crit": ["foo"], "foo": 1}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"typ": "logout+jwt"}),
        json!({"alg": "RS256"}),
    ] {
        made_up.push(issuer.sign_with(&header, &good));
        made_up.push(evil.sign_with(&header, &good));
    }
    issuer.take_requests();
    api.table.take_calls();
    for (index, token) in made_up.iter().enumerate() {
        // From ever new places, because a place whose tokens fail is refused soon.
        let api = api.from_source(&format!("203.0.{}.7", index));
        assert_eq!(status(&api, token).await, 401, "{token}");
        let calls = api.table.take_calls();
        assert!(calls.len() <= 1, "{calls:?}: {token}");
        assert!(
            calls.iter().all(|call| call.operation == "GetItem"),
            "{calls:?}"
        );
    }
    assert!(evil.take_requests().is_empty(), "nobody trusts it");
    assert!(issuer.take_requests().len() <= 2, "its keys, once");
}

#[tokio::test]
async fn an_issuer_that_nobody_trusts_costs_one_read_and_no_call() {
    let (api, issuer) = (api().await, issuer().await);
    let conversations = api.beside(conversations::router);
    let token = issuer.sign(&kim(&issuer));
    api.table.take_calls();
    for _ in 0..3 {
        assert_eq!(status(&conversations, &token).await, 401);
        assert_eq!(api.table.take_calls().len(), 1);
    }
    assert!(issuer.take_requests().is_empty());
}

#[tokio::test]
async fn a_good_token_costs_nothing_once_its_issuer_is_known() {
    let (api, issuer) = trusting().await;
    let me = api.beside(auth::router);
    let token = issuer.sign(&kim(&issuer));
    assert_eq!(get(&me, &token, ME).await.status, 200);
    api.table.take_calls();
    issuer.take_requests();
    assert_eq!(get(&me, &token, ME).await.status, 200);
    assert_eq!(api.table.take_calls(), []);
    assert!(issuer.take_requests().is_empty());
}

#[tokio::test]
async fn a_token_counts_only_in_its_header_once() {
    let (api, issuer) = trusting().await;
    let token = issuer.sign(&kim(&issuer));
    let asked = format!("{CONVERSATIONS}?access_token={token}");
    assert_eq!(api.get(None, &asked).await.status, 401);
    let (good, twice) = (format!("bearer {token}"), format!("Bearer {token}"));
    let send = async |headers: &[(&'static str, &str)]| {
        let reply = api.send_with(None, Method::GET, CONVERSATIONS, Body::Empty, headers);
        reply.await.status.as_u16()
    };
    assert_eq!(send(&[("authorization", &good)]).await, 200);
    assert_eq!(
        send(&[("authorization", &good), ("authorization", &twice)]).await,
        401
    );
    assert_eq!(send(&[("authorization", &token)]).await, 401);
    assert_eq!(
        send(&[("authorization", &format!("Basic {token}"))]).await,
        401
    );
}
