//! The secret of an API key: `chatter_live_<32 letters and digits><6 letters and digits>`.
//!
//! The form is that of GitHub's tokens: a prefix that scanners for leaked secrets find, 190 random bits, and a
//! checksum, so that a mistyped key is refused without a look at the table. A secret of so many random bits
//! needs no slow hash (OWASP ASVS 5.0, 6.5.2).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::config::Stage;
use crate::error::{Error, Result};

const PREFIX: &str = "chatter";
/// 32 digits of base 62 have 190 bits.
const RANDOM_DIGITS: usize = 32;
/// A CRC-32 has at most 6 digits of base 62.
const CHECKSUM_DIGITS: usize = 6;
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A whole API key. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKeyText(String);

impl fmt::Debug for ApiKeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKeyText([redacted])")
    }
}

/// `live` in production and `test` elsewhere, so that a key of one is recognisably none of the other.
const fn environment(stage: Stage) -> &'static str {
    match stage {
        Stage::Prod => "live",
        Stage::Local | Stage::Dev | Stage::Staging => "test",
    }
}

impl ApiKeyText {
    /// A new key of that stage, from the system's random source.
    pub fn random(stage: Stage) -> Result<Self> {
        let mut text = format!("{PREFIX}_{}_", environment(stage));
        let start = text.len();
        while text.len() < start + RANDOM_DIGITS {
            let mut bytes = [0; RANDOM_DIGITS];
            aws_lc_rs::rand::fill(&mut bytes)
                .map_err(|_| Error::internal("the random source failed"))?;
            // 248 is 4 times 62: the bytes above would make some digits likelier than others.
            let digits = bytes.iter().filter(|byte| **byte < 248);
            let digits = digits.map(|byte| char::from(DIGITS[usize::from(*byte) % 62]));
            let missing = start + RANDOM_DIGITS - text.len();
            text.extend(digits.take(missing));
        }
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Ok(Self(text))
    }

    /// Whether a bearer token means to be an API key.
    pub fn is_meant(token: &str) -> bool {
        token.starts_with("chatter_live_") || token.starts_with("chatter_test_")
    }

    /// Reads a key of that stage. Anything whose form or checksum is wrong is `None`.
    pub fn parse(text: &str, stage: Stage) -> Option<Self> {
        let start = format!("{PREFIX}_{}_", environment(stage));
        let digits = text.strip_prefix(&start)?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if digits.len() != RANDOM_DIGITS + CHECKSUM_DIGITS || !plain {
            return None;
        }
        let (body, sum) = text.split_at(text.len() - CHECKSUM_DIGITS);
        (checksum(body) == sum).then(|| Self(text.to_owned()))
    }

    /// What the client is given, once. Nothing else writes the key out.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it, and what it is found by: SHA-256 in base64url.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.0))
    }

    /// Its last four characters, by which its owner recognises it.
    pub fn last4(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// What stands before its random part, as lists show it.
    pub fn prefix(&self) -> &str {
        &self.0[..self.0.len() - RANDOM_DIGITS - CHECKSUM_DIGITS]
    }
}

/// The prefix of all keys of a stage, as lists show it.
pub fn key_prefix(stage: Stage) -> String {
    format!("{PREFIX}_{}_", environment(stage))
}

/// CRC-32 in six digits of base 62.
fn checksum(text: &str) -> String {
    let mut sum = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_DIGITS];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(sum % 62) as usize];
        sum /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn key() -> ApiKeyText {
        ApiKeyText::random(Stage::Prod).expect("random")
    }

    #[test]
    fn a_key_has_the_published_form() {
        let key = key();
        let parts: Vec<&str> = key.expose().split('_').collect();
        assert_eq!(parts[..2], ["chatter", "live"]);
        assert_eq!(parts[2].len(), 38);
        assert!(parts[2].bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_eq!(
            ApiKeyText::parse(key.expose(), Stage::Prod),
            Some(key.clone())
        );
        assert_ne!(key, self::key());
        assert!(!format!("{key:?}").contains(parts[2]));
        assert_eq!(key.last4(), &parts[2][34..]);
        assert_eq!(key.prefix(), "chatter_live_");
        assert_eq!(key_prefix(Stage::Prod), key.prefix());
        // `printf chatter | openssl dgst -sha256 -binary | basenc --base64url`
        let hash = ApiKeyText("chatter".to_owned()).hash();
        assert_eq!(hash, "7DAuBXeh6Nck5sdFuFZcjaJEHy1OckgJ28U8_4A52Gw");
    }

    #[test]
    fn each_digit_stands_in_keys_about_as_often() {
        let mut seen = std::collections::HashMap::<char, u32>::new();
        for _ in 0..400 {
            let text = key();
            let digits = &text.expose()[text.prefix().len()..][..RANDOM_DIGITS];
            for digit in digits.chars() {
                *seen.entry(digit).or_default() += 1;
            }
        }
        // Of 12,800 digits some 206 are the same; half or twice that is seven standard deviations away and more.
        assert_eq!(seen.len(), DIGITS.len());
        assert!(seen.values().all(|times| (100..400).contains(times)));
    }

    #[test]
    fn what_begins_like_a_key_is_meant_to_be_one() {
        for (token, meant) in [
            ("chatter_live_", true),
            ("chatter_test_x", true),
            ("chatter_rt_x", false),
            ("eyJhbGciOiJFZERTQSJ9.e30.x", false),
        ] {
            assert_eq!(ApiKeyText::is_meant(token), meant, "{token}");
        }
    }

    #[test]
    fn a_key_of_another_stage_is_none() {
        assert_eq!(ApiKeyText::parse(key().expose(), Stage::Dev), None);
        let test = ApiKeyText::random(Stage::Staging).expect("random");
        assert_eq!(ApiKeyText::parse(test.expose(), Stage::Prod), None);
    }

    #[test]
    fn every_change_of_one_character_is_seen() {
        let key = key();
        for place in 0..key.expose().len() {
            for other in DIGITS {
                let mut bytes = key.expose().as_bytes().to_vec();
                if bytes[place] == *other {
                    continue;
                }
                bytes[place] = *other;
                let text = String::from_utf8(bytes).expect("ASCII");
                assert_eq!(ApiKeyText::parse(&text, Stage::Prod), None, "{text}");
            }
        }
    }

    #[test]
    fn what_has_a_good_checksum_and_another_form_is_no_key() {
        let digits = "0".repeat(RANDOM_DIGITS);
        for (digits, taken) in [
            (&digits[..], true),
            (&digits[1..], false),
            (&digits.replacen('0', "-", 1), false),
        ] {
            let body = format!("chatter_live_{digits}");
            let text = format!("{body}{}", checksum(&body));
            let read = ApiKeyText::parse(&text, Stage::Prod);
            assert_eq!(read.is_some(), taken, "{text}");
        }
    }

    #[test]
    fn a_million_random_texts_are_no_keys() {
        // A checksum of 32 bits lets one of four thousand million through; the form none.
        let mut seed = 1_u64;
        for _ in 0..1_000_000 {
            let mut text = String::from("chatter_live_");
            for _ in 0..38 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                text.push(char::from(DIGITS[(seed >> 33) as usize % 62]));
            }
            assert!(ApiKeyText::parse(&text, Stage::Prod).is_none(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            prop_assert_eq!(ApiKeyText::parse(&text, Stage::Prod), None);
        }
    }
}
