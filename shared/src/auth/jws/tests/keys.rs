//! Which keys are used, and for what.

use serde_json::json;

use super::*;

#[test]
fn a_key_is_used_only_for_what_it_says_it_is_for() {
    let (ed, rsa) = (ed(), rsa_2048());
    let with = |jwk: Value, extra: Value| {
        let mut jwk = jwk;
        for (name, value) in extra.as_object().expect("an object") {
            jwk[name] = value.clone();
        }
        jwk
    };
    for (extra, expected) in [
        (json!({}), true),
        (json!({"use": "sig"}), true),
        (json!({"use": "enc"}), false),
        (json!({"use": "SIG"}), false),
        (json!({"key_ops": ["verify"]}), true),
        (json!({"key_ops": ["sign", "verify"]}), true),
        (json!({"key_ops": ["sign"]}), false),
        (json!({"key_ops": ["encrypt", "wrapKey"]}), false),
        (json!({"key_ops": []}), false),
        (json!({"key_ops": "verify"}), false),
        (json!({"alg": "RS256"}), true),
        (json!({"alg": "RS512"}), false),
        (json!({"alg": "PS256"}), false),
        (json!({"alg": "RSA-OAEP"}), false),
        (json!({"alg": "EdDSA"}), false),
        (json!({"alg": "none"}), false),
        (json!({"kid": "other"}), false),
        (json!({"kid": null}), false),
        (json!({"kty": "EC"}), false),
        (json!({"kty": "oct", "k": "AAAA"}), false),
        (json!({"kty": "rsa"}), false),
        (json!({"d": "AQAB"}), false),
        (json!({"e": "AQ"}), false),
        (json!({"e": "Ag"}), false),
        (json!({"e": ""}), false),
        (json!({"n": ""}), false),
        (json!({"n": "not base64!"}), false),
    ] {
        let keys = set(&[with(rsa.jwk(), extra.clone())]);
        assert_eq!(holds(&rsa.token("RS256"), &keys), expected, "{extra}");
    }
    for extra in [
        json!({"crv": "Ed448"}),
        json!({"crv": "X25519"}),
        json!({"crv": "P-256"}),
        json!({"x": b64([1; 31])}),
        json!({"x": b64([1; 33])}),
        json!({"kty": "EC"}),
    ] {
        let keys = set(&[with(ed.jwk(), extra.clone())]);
        assert!(keys.is_empty(), "{extra}");
    }
    // A key that can't be used does not keep others from being used.
    let keys = set(&[
        json!(7),
        json!({"kty": "new"}),
        with(ed.jwk(), json!({"use": "enc"})),
        ed.jwk(),
    ]);
    assert!(holds(&ed.token("EdDSA"), &keys));
}

#[test]
fn a_point_that_is_not_on_the_curve_verifies_nothing() {
    let signer = p256();
    let mut jwk = signer.jwk();
    jwk["y"] = jwk["x"].clone();
    assert!(!holds(&signer.token("ES256"), &set(&[jwk])));
}

#[test]
fn rsa_keys_have_at_least_2048_bits() {
    for (bytes, first, expected) in [
        (256, 0x80, true),
        (256, 0x7f, false),
        (255, 0xff, false),
        (128, 0xff, false),
        (1024, 0xff, true),
        (1025, 0x01, false),
    ] {
        let mut n = vec![0xff; bytes];
        n[0] = first;
        for n in [n.clone(), [vec![0, 0], n].concat()] {
            let keys = set(&[json!({"kty": "RSA", "kid": "k", "n": b64(&n), "e": "AQAB"})]);
            assert_eq!(keys.is_empty(), !expected, "{bytes} {first}");
        }
    }
}

#[test]
fn what_is_no_set_of_keys_is_none() {
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"keys":{}}"#,
        r#"{"keys":null}"#,
        "<html>",
        r#"{"keys":[],"keys":[]}"#,
    ] {
        assert!(KeySet::parse(text.as_bytes()).is_none(), "{text}");
    }
    assert!(set(&[]).is_empty());
    let many = vec![ed().jwk(); 200];
    assert_eq!(set(&many).0.len(), MOST_KEYS);
}
