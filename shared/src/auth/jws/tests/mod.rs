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
fn no_other_algorithm_is_taken() {
    let (rsa, ed) = (rsa_2048(), ed());
    let keys = set(&[rsa.jwk(), ed.jwk()]);
    for algorithm in [
        "none", "None", "nOnE", "NONE", "", "HS256", "HS384", "HS512", "PS384", "PS512", "ES512",
        "ES256K", "RS1", "eddsa", "rs256", "Ed25519", "RSA-OAEP", "dir",
    ] {
        assert!(Token::parse(&rsa.token(algorithm)).is_none(), "{algorithm}");
        assert!(!holds(&ed.token(algorithm), &keys), "{algorithm}");
    }
    for header in [
        r#"{"kid":"k"}"#,
        r#"{"alg":null,"kid":"k"}"#,
        r#"{"alg":["EdDSA"],"kid":"k"}"#,
    ] {
        assert!(!holds(&ed.token_with(header, "{}"), &keys), "{header}");
    }
    // The public key as the secret of an HMAC: what it would say does not matter, it is never asked.
    let header = json!({"alg": "HS256", "kid": "k"}).to_string();
    let message = format!("{}.{}", b64(header), b64("{}"));
    let secret = ed.jwk()["x"].as_str().expect("x").to_owned();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    let mac = b64(aws_lc_rs::hmac::sign(&key, message.as_bytes()));
    assert!(!holds(&format!("{message}.{mac}"), &keys));
}

#[test]
fn a_header_says_nothing_of_the_key_but_its_id() {
    let (own, attacker) = (ed(), ed());
    let keys = set(&[own.jwk()]);
    let header = |extra: Value| {
        let mut header = json!({"alg": "EdDSA", "kid": "k"});
        for (name, value) in extra.as_object().expect("an object") {
            header[name] = value.clone();
        }
        header.to_string()
    };
    for extra in [
        json!({"jwk": attacker.jwk()}),
        json!({"jku": "https://evil.example.com/keys"}),
        json!({"x5u": "https://evil.example.com/cert"}),
        json!({"x5c": ["MIIB"]}),
        json!({"crit": ["exp"], "exp": 1}),
        json!({"crit": ["foo"], "foo": 1}),
        json!({"crit": []}),
        json!({"b64": false, "crit": ["b64"]}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"typ": "logout+jwt"}),
        json!({"typ": "rt+jwt"}),
        json!({"typ": "dpop+jwt"}),
        json!({"typ": ""}),
        json!({"typ": 1}),
        json!({"kid": "../../dev/null"}),
        json!({"kid": "' OR 1=1"}),
        json!({"kid": ""}),
        json!({"kid": "K"}),
        json!({"kid": null}),
        json!({"kid": ["k"]}),
        json!({"kid": "k".repeat(257)}),
    ] {
        let header = header(extra);
        assert!(!holds(&own.token_with(&header, "{}"), &keys), "{header}");
        assert!(
            !holds(&attacker.token_with(&header, "{}"), &keys),
            "{header}"
        );
    }
    for extra in [
        json!({}),
        json!({"typ": "JWT"}),
        json!({"typ": "jwt"}),
        json!({"typ": "at+jwt"}),
        json!({"typ": "application/at+JWT"}),
        json!({"x5t": "abc", "custom": {"a": 1}}),
    ] {
        let header = header(extra);
        assert!(holds(&own.token_with(&header, "{}"), &keys), "{header}");
    }
}

#[test]
fn names_that_stand_twice_are_refused() {
    let own = ed();
    let keys = set(&[own.jwk()]);
    for (header, claims) in [
        (r#"{"alg":"EdDSA","alg":"EdDSA","kid":"k"}"#, "{}"),
        (r#"{"alg":"EdDSA","kid":"x","kid":"k"}"#, "{}"),
        (r#"{"alg":"EdDSA","kid":"k"}"#, r#"{"sub":"a","sub":"b"}"#),
        (
            r#"{"alg":"EdDSA","kid":"k"}"#,
            r#"{"sub":"a","s\u0075b":"b"}"#,
        ),
        (r#"["EdDSA","k"]"#, "{}"),
        (r#"{"alg":"EdDSA","kid":"k"}"#, "[]"),
        (r#"{"alg":"EdDSA","kid":"k"}"#, "{} "),
        (r#"{"alg":"EdDSA","kid":"k"}"#, "{}{}"),
        (r#"{"alg":"EdDSA","kid":"k"}"#, ""),
        (r#"{"alg":"EdDSA","kid":"k"}"#, "{\"a\":NaN}"),
    ] {
        let expected = claims == "{} ";
        assert_eq!(
            holds(&own.token_with(header, claims), &keys),
            expected,
            "{header} {claims}"
        );
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
