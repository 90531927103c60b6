//! `GET /.well-known/jwks.json`

use crate::helpers::{api, text, tokens};

#[tokio::test]
async fn the_key_that_signed_a_token_is_published_without_its_private_part() {
    let api = api().await;
    let token = text(&tokens(&api).await, "access_token");
    let reply = api.get(None, "/.well-known/jwks.json").await;
    assert_eq!(reply.status, 200);
    let keys = reply.body()["keys"].clone();
    let key = &keys[0];
    let header = jsonwebtoken::decode_header(&token).expect("a header");
    assert_eq!(key["kid"].as_str(), header.kid.as_deref());
    assert_eq!(
        (&key["kty"], &key["crv"], &key["use"], &key["alg"]),
        (
            &"OKP".into(),
            &"Ed25519".into(),
            &"sig".into(),
            &"EdDSA".into()
        )
    );
    assert!(key.get("d").is_none(), "{key}");

    let public: jsonwebtoken::jwk::Jwk = serde_json::from_value(key.clone()).expect("a JWK");
    let verifying = jsonwebtoken::DecodingKey::from_jwk(&public).expect("a key");
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["chatter-api"]);
    validation.validate_exp = false;
    let claims = jsonwebtoken::decode::<serde_json::Value>(&token, &verifying, &validation)
        .expect("a good signature");
    assert_eq!(claims.claims["iss"], "http://chatter.test");
}
