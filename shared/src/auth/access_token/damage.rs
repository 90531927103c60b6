//! What may have been done to an access token on the way: the categories of Wycheproof's `json_web_signature` tests.

use proptest::prelude::*;

use super::tests::{good_token, holds};
use super::*;
use crate::auth::corpus;

const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn parts(token: &str) -> [&str; 3] {
    let parts: Vec<&str> = token.split('.').collect();
    parts.try_into().expect("three parts")
}

#[tokio::test]
async fn another_form_of_a_good_token_is_refused() {
    let token = good_token().await;
    assert!(holds(&token).await);
    for row in corpus::shapes() {
        assert!(!holds(&row.of(&token)).await, "{}", row.name);
    }
}

#[tokio::test]
async fn a_signature_that_was_made_into_another_good_one_is_refused() {
    // The order of the group (RFC 8032, section 5.1), its last byte first. A number to which it is added is the same
    // one to whoever does not look whether it is less, as section 5.1.7 wants it.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let token = good_token().await;
    let [header, claims, signature] = parts(&token);
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).expect("base64");
    let mut carry = 0;
    for (byte, added) in bytes[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(added) + carry;
        (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
    }
    assert_eq!(carry, 0);
    let other = URL_SAFE_NO_PAD.encode(&bytes);
    assert!(!holds(&format!("{header}.{claims}.{other}")).await);
}

#[tokio::test]
async fn each_part_has_one_spelling() {
    let token = good_token().await;
    for place in 0..3 {
        let mut good = Vec::new();
        for last in ALPHABET.chars() {
            let mut parts = parts(&token).map(str::to_owned);
            parts[place].pop();
            parts[place].push(last);
            let spelled = parts.join(".");
            if holds(&spelled).await {
                good.push(spelled);
            }
        }
        assert_eq!(good, std::slice::from_ref(&token), "part {place}");
    }
}

#[tokio::test]
async fn whatever_single_character_changes_the_token_does_not_hold() {
    let token = good_token().await;
    for place in 0..token.len() {
        let (before, rest) = token.split_at(place);
        let (own, after) = rest.split_at(1);
        for other in ["A", "z", "_", ".", "=", "+", "\u{e9}", ""] {
            if other != own {
                let changed = format!("{before}{other}{after}");
                assert!(!holds(&changed).await, "{place}: {other}");
            }
        }
        assert!(!holds(&format!("{before}A{rest}")).await, "{place}");
    }
}

/// Runs what has to be awaited.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in any::<String>(), bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(!now(holds(&text)));
        prop_assert!(!now(holds(&String::from_utf8_lossy(&bytes))));
    }

    #[test]
    fn nothing_in_its_parts_makes_it_panic(
        header in r#"(\{"alg":"EdDSA","typ":"at\+jwt","kid":"[a-zA-Z0-9_-]{0,50}"\}|\{.{0,30}\}|.{0,40})"#,
        claims in prop_oneof![any::<String>(), r#"\{("(iss|aud|sub|tid|exp|iat)":("x"|1e400|-1|null|\[\]),?){0,4}\}"#],
        signature in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let text = format!("{header}.{claims}.{}", URL_SAFE_NO_PAD.encode(signature));
        prop_assert!(!now(holds(&text)));
    }
}
