//! The ring of signing keys, and what it looks like in Secrets Manager.
//!
//! The secret's value is `{"keys": [{"seed", "created_at", "not_sign_before", "retire_after"}]}`. `seed` is a
//! 32-byte Ed25519 private key (RFC 8032) in base64url; the times are Unix seconds. A key signs from
//! `not_sign_before` on, when every process has had time to read it, and verifies until `retire_after`, when
//! no token that it signed is alive. Keys overlap, so that a rotation loses no token.
//!
//! A stack that was just created has `{"bootstrap": "<random text>"}` instead, which CloudFormation can make;
//! it stands for a ring of one key that is derived from the text.

mod successor;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::clock::Moment;
use crate::error::{BoxError, Error, Result};

pub use successor::{successor, try_successor};

/// What is wrong with the secret's value. It never says what the value is.
#[derive(Debug, thiserror::Error)]
pub enum RingFault {
    /// Neither of the two forms.
    #[error("the signing-keys secret is neither {{\"keys\": […]}} nor {{\"bootstrap\": \"…\"}}")]
    Shape,
    /// A ring in which no key may sign now.
    #[error("the signing-keys secret has no key that may sign now")]
    NoSigningKey,
    /// A seed that is not 32 bytes of base64url, or that makes no key.
    #[error("key {0} of the signing-keys secret is not a 32-byte Ed25519 seed in base64url")]
    Seed(usize),
    /// A text to start with that could be guessed.
    #[error("the bootstrap text of the signing-keys secret has fewer than 32 characters")]
    WeakBootstrap,
}

/// One key of the ring.
struct RingKey {
    kid: String,
    seed: [u8; 32],
    /// Unix seconds; zero if it is not known.
    created_at: i64,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Jwk,
    sign_from: Moment,
    retire_after: Option<Moment>,
}

/// The keys that sign and verify access tokens, and from which the keys of other signatures are derived.
pub struct KeyRing {
    keys: Vec<RingKey>,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kids: Vec<&str> = self.keys.iter().map(|key| key.kid.as_str()).collect();
        f.debug_struct("KeyRing").field("kids", &kids).finish()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum StoredRing {
    Keys { keys: Vec<StoredKey> },
    Bootstrap { bootstrap: SecretString },
}

#[derive(Deserialize)]
struct StoredKey {
    seed: SecretString,
    #[serde(default)]
    created_at: i64,
    #[serde(default)]
    not_sign_before: i64,
    #[serde(default)]
    retire_after: Option<i64>,
}

impl KeyRing {
    /// Reads the secret's value.
    pub fn parse(value: &SecretString) -> Result<Self, RingFault> {
        // The parser's own message could quote the secret, so it is dropped.
        let stored: StoredRing =
            serde_json::from_str(value.expose_secret()).map_err(|_| RingFault::Shape)?;
        let keys = match stored {
            StoredRing::Bootstrap { bootstrap } => {
                vec![RingKey::from_bootstrap(bootstrap.expose_secret())?]
            }
            StoredRing::Keys { keys } => {
                let keys = keys.iter().enumerate();
                keys.map(|(index, key)| RingKey::from_stored(index, key))
                    .collect::<Result<_, _>>()?
            }
        };
        if keys.is_empty() {
            return Err(RingFault::NoSigningKey);
        }
        Ok(Self { keys })
    }

    /// The newest key that may sign at `now`, with its id.
    pub(super) fn signing(&self, now: Moment) -> Result<(&str, &EncodingKey)> {
        self.newest(now).map(|key| (key.kid.as_str(), &key.signing))
    }

    /// The key with that id, if it still verifies at `now`.
    pub(super) fn verifying(&self, kid: &str, now: Moment) -> Option<&DecodingKey> {
        self.key(kid, now).map(|key| &key.verifying)
    }

    /// The public keys for other services, as a JSON Web Key Set (RFC 7517): those that sign now and those
    /// that will, so that a verifier knows a key before it meets its first signature.
    pub fn public_keys(&self, now: Moment) -> Vec<Jwk> {
        let alive = self.keys.iter().filter(|key| key.is_alive(now));
        alive.map(|key| key.public.clone()).collect()
    }

    /// HMAC-SHA-256 of `message` for `purpose`, with a key derived from the newest signing key, whose id is
    /// given back.
    pub fn mac(&self, purpose: &str, message: &[u8], now: Moment) -> Result<(String, [u8; 32])> {
        let key = self.newest(now)?;
        Ok((key.kid.clone(), key.mac(purpose, message)))
    }

    /// The same with the key that was used then. `None` if that key has left the ring.
    pub fn mac_with(
        &self,
        kid: &str,
        purpose: &str,
        message: &[u8],
        now: Moment,
    ) -> Option<[u8; 32]> {
        self.key(kid, now).map(|key| key.mac(purpose, message))
    }

    fn newest(&self, now: Moment) -> Result<&RingKey> {
        let may_sign = self
            .keys
            .iter()
            .filter(|key| key.sign_from <= now && key.is_alive(now));
        may_sign
            .max_by_key(|key| key.sign_from)
            .ok_or_else(|| Error::internal(RingFault::NoSigningKey))
    }

    fn key(&self, kid: &str, now: Moment) -> Option<&RingKey> {
        self.keys
            .iter()
            .find(|key| key.kid == kid && key.is_alive(now))
    }
}

impl RingKey {
    fn from_bootstrap(text: &str) -> Result<Self, RingFault> {
        if text.len() < 32 {
            return Err(RingFault::WeakBootstrap);
        }
        let seed: [u8; 32] = Sha256::digest(format!("chatter signing key: {text}")).into();
        Self::new(seed, Moment::from_unix_seconds(0), None).map_err(|_| RingFault::Seed(0))
    }

    fn from_stored(index: usize, stored: &StoredKey) -> Result<Self, RingFault> {
        let fault = |_| RingFault::Seed(index);
        let seed = URL_SAFE_NO_PAD
            .decode(stored.seed.expose_secret())
            .map_err(|_| RingFault::Seed(index))?;
        let seed = <[u8; 32]>::try_from(seed).map_err(|_| RingFault::Seed(index))?;
        let retire_after = stored.retire_after.map(Moment::from_unix_seconds);
        Self::new(
            seed,
            Moment::from_unix_seconds(stored.not_sign_before),
            retire_after,
        )
        .map(|key| Self {
            created_at: stored.created_at,
            ..key
        })
        .map_err(fault)
    }

    fn new(
        seed: [u8; 32],
        sign_from: Moment,
        retire_after: Option<Moment>,
    ) -> Result<Self, BoxError> {
        // PKCS #8 (RFC 8410) is a fixed frame around the seed.
        const FRAME: [u8; 16] = [
            0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22,
            0x04, 0x20,
        ];
        let signing = EncodingKey::from_ed_der(&[FRAME.as_slice(), &seed].concat());
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::EdDSA)?;
        let verifying = DecodingKey::from_jwk(&public)?;
        let kid = public.thumbprint(ThumbprintHash::SHA256)?;
        public.common.key_id = Some(kid.clone());
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self {
            kid,
            seed,
            created_at: 0,
            signing,
            verifying,
            public,
            sign_from,
            retire_after,
        })
    }

    fn is_alive(&self, now: Moment) -> bool {
        self.retire_after.is_none_or(|end| now < end)
    }

    fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let derived = hmac(&self.seed, &[b"chatter derived key: ", purpose.as_bytes()]);
        hmac(&derived, &[message])
    }
}

/// HMAC-SHA-256 (RFC 2104).
fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104: a key shorter than a block is filled up with zeros.
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    let mut mac = Hmac::<Sha256>::new(&block.into());
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_unix_seconds(seconds)
    }

    fn ring(value: &str) -> Result<KeyRing, RingFault> {
        KeyRing::parse(&SecretString::from(value))
    }

    fn seed(byte: u8) -> String {
        URL_SAFE_NO_PAD.encode([byte; 32])
    }

    #[test]
    fn the_public_key_of_a_seed_is_that_of_rfc_8032() {
        // RFC 8032, section 7.1, test 1; its thumbprint is in RFC 8037, appendix A.3.
        let seed = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";
        let ring = ring(&format!(r#"{{"keys":[{{"seed":"{seed}"}}]}}"#)).expect("a ring");
        let keys = ring.public_keys(at(0));
        assert_eq!(
            keys[0].common.key_id.as_deref(),
            Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")
        );
        let json = serde_json::to_value(&keys[0]).expect("a JWK");
        assert_eq!(json["x"], "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        assert!(
            json.get("d").is_none(),
            "the private key must not be published"
        );
    }

    #[test]
    fn a_key_signs_from_its_time_on_and_verifies_before_it() {
        let (old, new) = (seed(1), seed(2));
        let value = format!(
            r#"{{"keys":[{{"seed":"{old}","retire_after":2000}},{{"seed":"{new}","not_sign_before":1000}}]}}"#
        );
        let ring = ring(&value).expect("a ring");
        let kids: Vec<String> = ring.keys.iter().map(|key| key.kid.clone()).collect();
        assert_eq!(ring.signing(at(999)).expect("a key").0, kids[0]);
        assert_eq!(ring.signing(at(1000)).expect("a key").0, kids[1]);
        assert!(
            ring.verifying(&kids[1], at(0)).is_some(),
            "published before it signs"
        );
        assert!(ring.verifying(&kids[0], at(1999)).is_some());
        assert!(ring.verifying(&kids[0], at(2000)).is_none(), "retired");
        assert_eq!(ring.public_keys(at(2000)).len(), 1);
    }

    #[test]
    fn a_bootstrap_text_makes_the_same_key_each_time() {
        let value = format!(r#"{{"bootstrap":"{}"}}"#, "k".repeat(64));
        let kid = |ring: KeyRing| ring.keys[0].kid.clone();
        assert_eq!(
            kid(ring(&value).expect("a ring")),
            kid(ring(&value).expect("a ring"))
        );
        for (length, taken) in [(31, false), (32, true)] {
            let value = format!(r#"{{"bootstrap":"{}"}}"#, "k".repeat(length));
            assert_eq!(ring(&value).is_ok(), taken, "{length}");
        }
    }

    #[test]
    fn a_bad_value_is_refused_without_quoting_it() {
        let short = seed(1)[..20].to_owned();
        for value in [
            "hunter2".to_owned(),
            "{}".to_owned(),
            r#"{"bootstrap":"hunter2"}"#.to_owned(),
            r#"{"keys":[]}"#.to_owned(),
            format!(r#"{{"keys":[{{"seed":"{short}"}}]}}"#),
        ] {
            let fault = ring(&value).expect_err(&value).to_string();
            assert!(
                !fault.contains("hunter2") && !fault.contains(&short),
                "{fault}"
            );
        }
    }

    #[test]
    fn macs_differ_by_purpose_and_key() {
        let value = format!(
            r#"{{"keys":[{{"seed":"{}"}},{{"seed":"{}","not_sign_before":5}}]}}"#,
            seed(1),
            seed(2)
        );
        let ring = ring(&value).expect("a ring");
        let (kid, mac) = ring.mac("cursor", b"m", at(0)).expect("a mac");
        assert_eq!(ring.mac_with(&kid, "cursor", b"m", at(9)), Some(mac));
        assert_ne!(ring.mac_with(&kid, "refresh", b"m", at(9)), Some(mac));
        assert_ne!(ring.mac("cursor", b"m", at(9)).expect("a mac").1, mac);
    }
}
