//! Which tokens hold of an issuer that a tenant trusts, and what those that do not leave behind: nothing.

use serde_json::{Value, json};
use stand_ins::issuer::StandInIssuer;
use test_support::{START, TestApi};

use crate::ADA;
use crate::rows::{self, Whose};
use crate::tokens::{bear, can_be_sent};

/// A tenant of Ada's that trusts an issuer, and the function `conversations`.
struct Trusting {
    api: TestApi,
    issuer: StandInIssuer,
    evil: StandInIssuer,
}

impl Trusting {
    async fn start() -> Self {
        let api = TestApi::new(|app, _| identity_providers::router(app)).await;
        let issuer = StandInIssuer::start().await.expect("an issuer");
        let tenant = api.people.get("ada").await.tenant;
        let path = format!("/api/v1/tenants/{tenant}/identity-providers");
        let new = json!({
            "issuer": issuer.url, "audience": "chatter", "role_claim": "roles", "roles": {"staff": "member"},
        });
        let reply = api.post(ADA, &path, new).await;
        assert_eq!(reply.status, 201, "{}", reply.text);
        issuer.take_requests();
        Self {
            api: api.beside(conversations::router),
            issuer,
            evil: StandInIssuer::start().await.expect("an issuer"),
        }
    }

    fn header(&self) -> Value {
        json!({"alg": "EdDSA", "kid": "key-1", "typ": "JWT"})
    }

    /// The claims of Kim, who is staff.
    fn claims(&self) -> Value {
        json!({
            "iss": self.issuer.url, "aud": "chatter", "sub": "kim", "iat": START, "exp": START + 600,
            "roles": ["staff", "others"],
        })
    }

    /// The same as in `tokens.rs`. Each comes from a place of its own.
    async fn meets(&self, row: (usize, &str), token: &str, holds: bool) {
        let (place, name) = row;
        let api = self
            .api
            .from_source(&format!("203.0.{}.{}", place / 250, place % 250));
        let before = api.table.dump().await;
        api.table.take_calls();
        let reply = bear(&api, token).await;
        if holds {
            assert_eq!(reply.status, 201, "{name}: {}", reply.text);
            return;
        }
        assert_eq!(
            reply.problem(),
            (401, "unauthenticated".to_owned()),
            "{name}: {token}"
        );
        let calls = api.table.take_calls();
        let reads = calls.iter().all(|call| call.operation == "GetItem");
        assert!(reads && calls.len() <= 1, "{calls:?}: {name}");
        assert_eq!(api.table.dump().await, before, "{name}");
    }
}

#[tokio::test]
async fn a_header_that_says_more_than_it_may_is_401_and_nothing_it_names_is_asked() {
    let world = Trusting::start().await;
    let words = [
        ("kid", "key-1"),
        ("KID", "KEY-1"),
        ("evil", world.evil.url.as_str()),
    ];
    let claims = world.claims().to_string();
    for (place, row) in rows::headers().iter().enumerate() {
        let header = row.of(&world.header(), &words, START);
        let token = world.issuer.sign_text(&header, &claims);
        world
            .meets((place, &row.name), &token, row.holds(Whose::Theirs))
            .await;
        let by_evil = world.evil.sign_text(&header, &claims);
        world.meets((place, &row.name), &by_evil, false).await;
        let (message, _) = token.rsplit_once('.').expect("parts");
        for signature in ["", ".", ".AAAA"] {
            let unsigned = format!("{message}{signature}");
            world.meets((place, &row.name), &unsigned, false).await;
        }
    }
    assert!(world.evil.take_requests().is_empty(), "nobody trusts it");
    assert!(world.issuer.take_requests().len() <= 2, "its keys, once");
}

#[tokio::test]
async fn a_claim_that_is_missing_or_wrong_is_401() {
    let world = Trusting::start().await;
    let (iss, capitals) = (&world.issuer.url, world.issuer.url.to_uppercase());
    let words = [
        ("iss", iss.as_str()),
        ("ISS", &capitals),
        ("aud", "chatter"),
        ("AUD", "CHATTER"),
        ("evil", &world.evil.url),
    ];
    let header = world.header().to_string();
    for (place, row) in rows::claims().iter().enumerate() {
        let claims = row.of(&world.claims(), &words, START);
        let token = world.issuer.sign_text(&header, &claims);
        world
            .meets((place, &row.name), &token, row.holds(Whose::Theirs))
            .await;
    }
    assert!(world.evil.take_requests().is_empty(), "nobody trusts it");
}

#[tokio::test]
async fn another_form_of_a_good_token_is_401() {
    let world = Trusting::start().await;
    let token = world.issuer.sign(&world.claims());
    world.meets((0, "good"), &token, true).await;
    for (place, row) in rows::shapes().iter().enumerate() {
        let shaped = row.of(&token);
        if can_be_sent(&shaped) {
            world.meets((place, &row.name), &shaped, false).await;
        }
    }
}
