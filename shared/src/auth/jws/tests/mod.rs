//! Vectors of our own for each category of Wycheproof's `json_web_signature` tests, and the header's rules.

mod damage;
mod keys;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair,
    KeyPair as _, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RsaEncoding, RsaKeyPair,
};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::auth::corpus::{self, Whose};

enum Signer {
    Ed(Box<Ed25519KeyPair>),
    Ec(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

fn b64(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ed() -> Signer {
    Signer::Ed(Box::new(Ed25519KeyPair::generate().expect("a key")))
}

fn p256() -> Signer {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING);
    Signer::Ec(Box::new(key.expect("a key")))
}

fn p384() -> Signer {
    let key = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING);
    Signer::Ec(Box::new(key.expect("a key")))
}

fn rsa_2048() -> Signer {
    let key = RsaKeyPair::generate(KeySize::Rsa2048);
    Signer::Rsa(Box::new(key.expect("a key")))
}

impl Signer {
    /// The key as an issuer publishes it, under the id `k`.
    fn jwk(&self) -> Value {
        match self {
            Self::Ed(key) => {
                json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": b64(key.public_key())})
            }
            Self::Ec(key) => {
                let point = key.public_key().as_ref();
                let (x, y) = point[1..].split_at(point.len() / 2);
                let crv = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({"kty": "EC", "crv": crv, "kid": "k", "x": b64(x), "y": b64(y)})
            }
            Self::Rsa(key) => {
                let (n, e) = (key.public_key().modulus(), key.public_key().exponent());
                let n = b64(n.big_endian_without_leading_zero());
                let e = b64(e.big_endian_without_leading_zero());
                json!({"kty": "RSA", "kid": "k", "n": n, "e": e})
            }
        }
    }

    fn sign(&self, algorithm: &str, message: &str) -> Vec<u8> {
        let (random, message) = (SystemRandom::new(), message.as_bytes());
        match self {
            Self::Ed(key) => key.sign(message).as_ref().to_vec(),
            Self::Ec(key) => key.sign(&random, message).expect("signs").as_ref().to_vec(),
            Self::Rsa(key) => {
                let padding: &'static dyn RsaEncoding = match algorithm {
                    "RS256" => &RSA_PKCS1_SHA256,
                    "RS384" => &RSA_PKCS1_SHA384,
                    "RS512" => &RSA_PKCS1_SHA512,
                    "PS256" => &RSA_PSS_SHA256,
                    _ => &RSA_PSS_SHA384,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                let signed = key.sign(padding, &random, message, &mut signature);
                signed.expect("signs");
                signature
            }
        }
    }

    fn token_with(&self, header: &str, claims: &str) -> String {
        let parsed: Value = serde_json::from_str(header).unwrap_or_default();
        let message = format!("{}.{}", b64(header), b64(claims));
        let signature = self.sign(parsed["alg"].as_str().unwrap_or_default(), &message);
        format!("{message}.{}", b64(signature))
    }

    fn token(&self, algorithm: &str) -> String {
        let header = json!({"alg": algorithm, "kid": "k"}).to_string();
        self.token_with(&header, r#"{"sub":"ada"}"#)
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::parse(json!({"keys": keys}).to_string().as_bytes()).expect("a set")
}

fn holds(token: &str, keys: &KeySet) -> bool {
    Token::parse(token).is_some_and(|token| keys.signed(&token))
}

#[test]
fn each_algorithm_holds_with_its_own_key_and_with_no_other() {
    let rsa = rsa_2048();
    let signers = [("EdDSA", ed()), ("ES256", p256()), ("ES384", p384())];
    for (algorithm, signer) in &signers {
        for (other, key) in &signers {
            let keys = set(&[key.jwk()]);
            assert_eq!(
                holds(&signer.token(algorithm), &keys),
                algorithm == other,
                "{algorithm} with {other}"
            );
        }
        assert!(!holds(&signer.token(algorithm), &set(&[rsa.jwk()])));
    }
    for algorithm in ["RS256", "RS384", "RS512", "PS256"] {
        assert!(
            holds(&rsa.token(algorithm), &set(&[rsa.jwk()])),
            "{algorithm}"
        );
        assert!(!holds(&rsa.token(algorithm), &set(&[rsa_2048().jwk()])));
    }
    // One padding does not pass for the other.
    let (header, rest) = rsa.token("RS256").split_once('.').map(own).expect("parts");
    let other = b64(json!({"alg": "PS256", "kid": "k"}).to_string());
    assert!(
        !holds(&format!("{other}.{rest}"), &set(&[rsa.jwk()])),
        "{header}"
    );
}

fn own((one, other): (&str, &str)) -> (String, String) {
    (one.to_owned(), other.to_owned())
}

#[test]
fn a_header_says_nothing_of_the_key_but_its_id() {
    let (own, attacker, rsa) = (ed(), ed(), rsa_2048());
    let keys = set(&[own.jwk(), rsa.jwk()]);
    let good = json!({"alg": "EdDSA", "kid": "k", "typ": "JWT"});
    let words = [
        ("kid", "k"),
        ("KID", "K"),
        ("evil", "https://evil.example.com"),
    ];
    for row in corpus::headers() {
        let (header, name) = (row.of(&good, &words, 0), &row.name);
        let expected = row.holds(Whose::Theirs);
        assert_eq!(
            holds(&own.token_with(&header, "{}"), &keys),
            expected,
            "{name}"
        );
        assert!(!holds(&attacker.token_with(&header, "{}"), &keys), "{name}");
        // Where it is not `EdDSA` that the header says, a key of that kind does not make it hold either, unless it is for it.
        let by_rsa = holds(&rsa.token_with(&header, "{}"), &keys);
        assert_eq!(by_rsa, header.contains("RS256"), "{name}");
    }
}

#[test]
fn a_public_key_is_no_secret() {
    // What a message authentication code says does not matter: it is never asked.
    let ed = ed();
    let header = json!({"alg": "HS256", "kid": "k"}).to_string();
    let message = format!("{}.{}", b64(header), b64("{}"));
    let secret = ed.jwk()["x"].as_str().expect("x").to_owned();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let mac = b64(aws_lc_rs::hmac::sign(&key, message.as_bytes()));
    assert!(!holds(&format!("{message}.{mac}"), &set(&[ed.jwk()])));
}

#[test]
fn claims_are_one_object() {
    let own = ed();
    let keys = set(&[own.jwk()]);
    for (header, claims, expected) in [
        (r#"{"alg":"EdDSA","kid":"k"}"#, "{} ", true),
        (r#"["EdDSA","k"]"#, "{}", false),
        (r#"{"alg":"EdDSA","kid":"k"}"#, "[]", false),
        (r#"{"alg":"EdDSA","kid":"k"}"#, "", false),
    ] {
        let token = own.token_with(header, claims);
        assert_eq!(holds(&token, &keys), expected, "{header} {claims}");
    }
    let good = json!({"iss": "i", "aud": "a", "sub": "s", "role": "r", "tid": "t", "sid": "s", "exp": 1, "iat": 0});
    for row in corpus::claims() {
        // What a claim must be is asked later; that each stands once, and that it is JSON, is asked here.
        let claims = row.of(&good, &[], 0);
        let token = own.token_with(r#"{"alg":"EdDSA","kid":"k"}"#, &claims);
        let sound =
            serde_json::from_str::<Members>(&claims).is_ok() && token.len() <= MAX_TOKEN_BYTES;
        assert_eq!(holds(&token, &keys), sound, "{}", row.name);
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,300}") {
        prop_assert!(Token::parse(&text).is_none());
    }

    #[test]
    fn nothing_in_its_parts_makes_it_panic(
        header in r#"\{("(alg|kid|typ|crit)":("EdDSA"|"k"|1|null|\[\]),?){0,4}\}?"#,
        claims in ".{0,50}",
        signature in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let keys = set(&[json!({"kty": "OKP", "crv": "Ed25519", "kid": "k", "x": b64([9; 32])})]);
        let text = format!("{}.{}.{}", b64(header), b64(claims), b64(signature));
        prop_assert!(!holds(&text, &keys));
    }

    #[test]
    fn no_set_of_keys_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), field in "(kty|kid|use|alg|crv|x|y|n|e)", value in ".{0,20}") {
        KeySet::parse(&bytes);
        let mut jwk = json!({"kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB"});
        jwk[field] = value.into();
        prop_assert!(set(&[jwk]).is_empty());
    }
}

#[test]
fn a_token_and_the_id_of_its_key_may_be_so_long_and_no_longer() {
    let header = |kid: usize| b64(json!({"alg": "EdDSA", "kid": "k".repeat(kid)}).to_string());
    // Three bytes, so that what is left for the signature is a multiple of four.
    let start = format!("{}.{}.", header(1), b64("{ }"));
    for (length, read) in [(MAX_TOKEN_BYTES, true), (MAX_TOKEN_BYTES + 4, false)] {
        let token = format!("{start}{}", "A".repeat(length - start.len()));
        assert_eq!(Token::parse(&token).is_some(), read, "{length}");
    }
    for (kid, read) in [
        (0, false),
        (MAX_KID_BYTES, true),
        (MAX_KID_BYTES + 1, false),
    ] {
        let token = format!("{}.{}.AAAA", header(kid), b64("{}"));
        assert_eq!(Token::parse(&token).is_some(), read, "{kid}");
    }
}
