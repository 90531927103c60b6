//! What may have been done to a token on the way.

use super::*;

#[test]
fn another_form_of_a_good_token_does_not_hold() {
    for (algorithm, signer) in [("EdDSA", ed()), ("ES256", p256()), ("RS256", rsa_2048())] {
        let (token, keys) = (signer.token(algorithm), set(&[signer.jwk()]));
        assert!(holds(&token, &keys));
        for row in corpus::shapes() {
            let shaped = row.of(&token);
            assert!(!holds(&shaped, &keys), "{algorithm}: {}", row.name);
        }
    }
}

#[test]
fn a_last_character_with_bits_that_mean_nothing_is_refused() {
    // 64 bytes end in a character of which two bits count: three other spellings mean the same bytes to a lax
    // reader.
    let signer = ed();
    let (token, keys) = (signer.token("EdDSA"), set(&[signer.jwk()]));
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let spellings = alphabet
        .chars()
        .map(|last| format!("{}{last}", &token[..token.len() - 1]));
    let good: Vec<String> = spellings.filter(|token| holds(token, &keys)).collect();
    assert_eq!(good, [token]);
}

#[test]
fn a_signature_that_is_no_point_or_no_number_of_the_group_does_not_hold() {
    let signer = p256();
    let (token, keys) = (signer.token("ES256"), set(&[signer.jwk()]));
    let (message, signature) = token.rsplit_once('.').expect("parts");
    let good = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    let (r, s) = good.split_at(32);
    let (zero, huge) = ([0; 32], [0xff; 32]);
    // The order of the group (SEC 2, section 2.4.2), of which each number has to be less.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let der = [&[0x30, 0x44, 0x02, 0x20][..], r, &[0x02, 0x20], s].concat();
    for wrong in [
        [&zero[..], s].concat(),
        [r, &zero].concat(),
        [&zero[..], &zero].concat(),
        [&order[..], s].concat(),
        [r, &order].concat(),
        [&huge[..], s].concat(),
        [r, &huge].concat(),
        [&huge[..], &huge].concat(),
        [s, r].concat(),
        [&[0][..], r, &[0], s].concat(),
        [r, s, &[0]].concat(),
        [r, s, r, s].concat(),
        r.to_vec(),
        der,
        Vec::new(),
    ] {
        assert!(
            !holds(&format!("{message}.{}", b64(&wrong)), &keys),
            "{wrong:?}"
        );
    }
}

#[test]
fn a_token_over_the_limit_is_not_read() {
    let signer = ed();
    let keys = set(&[signer.jwk()]);
    let header = r#"{"alg":"EdDSA","kid":"k"}"#;
    let token =
        |length: usize| signer.token_with(header, &format!(r#"{{"a":"{}"}}"#, "x".repeat(length)));
    assert!(holds(&token(5900), &keys));
    assert!(token(6100).len() > MAX_TOKEN_BYTES);
    assert!(!holds(&token(6100), &keys));
    assert!(!holds(&token(6_000_000), &keys));
}

#[test]
fn a_signature_of_rsa_has_the_size_of_its_key() {
    let signer = rsa_2048();
    let keys = set(&[signer.jwk()]);
    for algorithm in ["RS256", "PS256"] {
        let token = signer.token(algorithm);
        let (message, signature) = token.rsplit_once('.').expect("parts");
        let good = URL_SAFE_NO_PAD.decode(signature).expect("base64");
        assert_eq!(good.len(), 256);
        for wrong in [
            [&[0], &good[..]].concat(),
            [&good[..], &[0]].concat(),
            good[1..].to_vec(),
            good[..255].to_vec(),
            vec![0; 256],
            vec![0xff; 256],
            [&[0; 255][..], &[1]].concat(),
            vec![0; 10_000],
        ] {
            let token = format!("{message}.{}", b64(&wrong));
            assert!(!holds(&token, &keys), "{algorithm} {}", wrong.len());
        }
    }
}

#[test]
fn whatever_single_character_changes_the_token_does_not_hold() {
    for (algorithm, signer) in [("EdDSA", ed()), ("ES256", p256()), ("RS256", rsa_2048())] {
        let (token, keys) = (signer.token(algorithm), set(&[signer.jwk()]));
        for place in 0..token.len() {
            let (before, rest) = token.split_at(place);
            let (own, after) = rest.split_at(1);
            for other in ["A", "z", "_", ".", "=", "+", "\u{e9}", ""] {
                let changed = format!("{before}{other}{after}");
                let same = other == own;
                assert_eq!(holds(&changed, &keys), same, "{algorithm} {place} {other}");
            }
            assert!(!holds(&format!("{before}A{rest}"), &keys), "{place}");
        }
    }
}
