//! What is stored encrypted: data keys, kept in a secret, and sealing with them.
//!
//! The secret's value is `{"keys": [{"id", "key", "not_encrypt_before"}]}`. `key` is a 32-byte AES key in
//! base64url, the time Unix seconds. The newest key that may encrypt does, every key decrypts: a rotation adds
//! one and takes none away, because what an old one sealed is still stored.
//!
//! A stack that was just created has `{"bootstrap": "<random text>"}` instead; it stands for a ring of one key
//! that is derived from the text.
//!
//! A sealed text is `v1.<key id>.<base64url of nonce, ciphertext and tag>`: AES-256-GCM with a random nonce.

mod fingerprint;
mod successor;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::clock::{Clock, Moment};
use crate::error::{Error, Result};
use crate::secret_source::{self, SecretSource, SecretValue};
use crate::secrets::Secrets;

pub use successor::{successor, try_successor};

const VERSION: &str = "v1";

/// What is wrong with the secret's value. It never says what the value is.
#[derive(Debug, thiserror::Error)]
pub enum DataKeysFault {
    /// Neither of the two forms.
    #[error("the data-keys secret is neither {{\"keys\": […]}} nor {{\"bootstrap\": \"…\"}}")]
    Shape,
    /// A ring in which no key may encrypt now.
    #[error("the data-keys secret has no key that may encrypt now")]
    NoEncryptingKey,
    /// A key that is not 32 bytes of base64url, or whose id is unfit or stands twice.
    #[error(
        "key {0} of the data-keys secret is not a 32-byte key in base64url with an id of its own"
    )]
    Key(usize),
    /// A text to start with that could be guessed.
    #[error("the bootstrap text of the data-keys secret has fewer than 32 characters")]
    WeakBootstrap,
}

/// Why something sealed does not open.
#[derive(Debug, thiserror::Error)]
pub enum SealFault {
    /// Not what [`Vault::seal`] makes.
    #[error("this is not a sealed text")]
    Shape,
    /// No data key has that id.
    #[error("the data key that sealed it is not in the ring")]
    UnknownKey,
    /// It was changed, or sealed for another context.
    #[error("it was not sealed for this context, or has been changed")]
    Refused,
    /// Nothing would bind it to a place.
    #[error("a sealed text needs a context: whose it is, and what for")]
    NoContext,
}

/// The keys that encrypt what is stored.
pub struct DataKeys {
    keys: Vec<DataKey>,
}

struct DataKey {
    id: String,
    bytes: [u8; 32],
    cipher: RandomizedNonceKey,
    encrypt_from: Moment,
}

impl std::fmt::Debug for DataKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: Vec<&str> = self.keys.iter().map(|key| key.id.as_str()).collect();
        f.debug_struct("DataKeys").field("ids", &ids).finish()
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
    id: String,
    key: SecretString,
    #[serde(default)]
    not_encrypt_before: i64,
}

/// Seals what must not lie readable in the table, and opens it.
#[derive(Debug, Clone)]
pub struct Vault {
    keys: SecretSource<DataKeys>,
    clock: Clock,
    needed_at_start: Arc<AtomicBool>,
}

impl Vault {
    /// With the keys in that secret.
    pub fn secret(secrets: Secrets, id: String, clock: Clock) -> Self {
        Self::new(SecretSource::secret(secrets, id, clock.clone()), clock)
    }

    /// With the keys in that value of the secret, for tests and for trying a value out.
    pub fn fixed(value: SecretString, clock: Clock) -> Self {
        Self::new(SecretSource::fixed(value, clock.clone()), clock)
    }

    fn new(keys: SecretSource<DataKeys>, clock: Clock) -> Self {
        Self {
            keys,
            clock,
            needed_at_start: Arc::default(),
        }
    }

    /// Encrypts. `context` says whose it is and what for, such as `tenant_…/provider-key`: it opens only with
    /// the same one, so that a row which is copied to another place is worth nothing there.
    pub async fn seal(&self, context: &str, plaintext: &SecretString) -> Result<String> {
        let keys = self.keys.get().await?;
        keys.seal(context, plaintext, self.clock.now())
    }

    /// Decrypts what [`Self::seal`] made with that context.
    pub async fn open(&self, context: &str, sealed: &str) -> Result<SecretString> {
        match self.keys.get().await?.open(context, sealed) {
            Err(SealFault::UnknownKey) => {
                let keys = self.keys.after_unknown_key().await?;
                keys.open(context, sealed).map_err(Error::internal)
            }
            opened => opened.map_err(Error::internal),
        }
    }

    /// Says that this function uses the vault: its process then reads the keys when it starts, and does not
    /// start with keys that can't be used. To be called where the router is built.
    pub fn needed_at_start(&self) {
        self.needed_at_start.store(true, Ordering::Relaxed);
    }

    /// Reads the keys if this function has said that it uses them.
    pub(crate) async fn warm_up(&self) -> Result<()> {
        if !self.needed_at_start.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.keys.get().await.map(|_| ())
    }
}

/// Whether that value of the secret can be used at `now`.
pub fn check(value: &SecretString, now: Moment) -> Result<()> {
    let keys: DataKeys = secret_source::parse(value)?;
    keys.newest(now).map(|_| ())
}

impl SecretValue for DataKeys {
    const VARIABLE: &'static str = "DATA_KEYS_SECRET_ID";
    type Fault = DataKeysFault;

    fn parse(value: &SecretString) -> Result<Self, DataKeysFault> {
        // The parser's own message could quote the secret, so it is dropped.
        let stored: StoredRing =
            serde_json::from_str(value.expose_secret()).map_err(|_| DataKeysFault::Shape)?;
        let keys = match stored {
            StoredRing::Bootstrap { bootstrap } => {
                vec![DataKey::from_bootstrap(bootstrap.expose_secret())?]
            }
            StoredRing::Keys { keys } => {
                let keys = keys.iter().enumerate();
                keys.map(|(index, key)| DataKey::from_stored(index, key))
                    .collect::<Result<_, _>>()?
            }
        };
        let twice = (1..keys.len()).find(|index| {
            let mut before = keys[..*index].iter();
            before.any(|key: &DataKey| key.id == keys[*index].id)
        });
        match twice {
            Some(index) => Err(DataKeysFault::Key(index)),
            None if keys.is_empty() => Err(DataKeysFault::NoEncryptingKey),
            None => Ok(Self { keys }),
        }
    }
}

impl DataKeys {
    fn newest(&self, now: Moment) -> Result<&DataKey> {
        let may_encrypt = self.keys.iter().filter(|key| key.encrypt_from <= now);
        may_encrypt
            .max_by_key(|key| key.encrypt_from)
            .ok_or_else(|| Error::internal(DataKeysFault::NoEncryptingKey))
    }

    fn seal(&self, context: &str, plaintext: &SecretString, now: Moment) -> Result<String> {
        if context.is_empty() {
            return Err(Error::internal(SealFault::NoContext));
        }
        let key = self.newest(now)?;
        let mut bytes = plaintext.expose_secret().as_bytes().to_vec();
        let nonce = key
            .cipher
            .seal_in_place_append_tag(Aad::from(context.as_bytes()), &mut bytes)
            .map_err(|_| Error::internal("the encryption failed"))?;
        let sealed = [nonce.as_ref().as_slice(), &bytes].concat();
        let sealed = URL_SAFE_NO_PAD.encode(sealed);
        Ok(format!("{VERSION}.{}.{sealed}", key.id))
    }

    fn open(&self, context: &str, sealed: &str) -> Result<SecretString, SealFault> {
        let mut parts = sealed.split('.');
        let (Some(VERSION), Some(id), Some(sealed), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(SealFault::Shape);
        };
        let key = self.keys.iter().find(|key| key.id == id);
        let key = key.ok_or(SealFault::UnknownKey)?;
        let mut bytes = URL_SAFE_NO_PAD
            .decode(sealed)
            .map_err(|_| SealFault::Shape)?;
        let (nonce, body) = bytes
            .split_at_mut_checked(NONCE_LEN)
            .ok_or(SealFault::Shape)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealFault::Shape)?;
        let opened = key
            .cipher
            .open_in_place(nonce, Aad::from(context.as_bytes()), body)
            .map_err(|_| SealFault::Refused)?;
        let text = std::str::from_utf8(opened).map_err(|_| SealFault::Refused)?;
        Ok(SecretString::from(text))
    }
}

impl DataKey {
    fn from_bootstrap(text: &str) -> Result<Self, DataKeysFault> {
        if text.len() < 32 {
            return Err(DataKeysFault::WeakBootstrap);
        }
        let bytes: [u8; 32] = Sha256::digest(format!("chatter data key: {text}")).into();
        let id = Sha256::digest([b"chatter data key id: ".as_slice(), &bytes].concat());
        let id = URL_SAFE_NO_PAD.encode(&id[..12]);
        Self::new(0, id, bytes, Moment::from_unix_seconds(0))
    }

    fn from_stored(index: usize, stored: &StoredKey) -> Result<Self, DataKeysFault> {
        let bytes = URL_SAFE_NO_PAD
            .decode(stored.key.expose_secret())
            .map_err(|_| DataKeysFault::Key(index))?;
        let bytes = <[u8; 32]>::try_from(bytes).map_err(|_| DataKeysFault::Key(index))?;
        let from = Moment::from_unix_seconds(stored.not_encrypt_before);
        Self::new(index, stored.id.clone(), bytes, from)
    }

    fn new(
        index: usize,
        id: String,
        bytes: [u8; 32],
        encrypt_from: Moment,
    ) -> Result<Self, DataKeysFault> {
        let letter = |letter: char| letter.is_ascii_alphanumeric() || "-_".contains(letter);
        if !(1..=64).contains(&id.len()) || !id.chars().all(letter) {
            return Err(DataKeysFault::Key(index));
        }
        let cipher =
            RandomizedNonceKey::new(&AES_256_GCM, &bytes).map_err(|_| DataKeysFault::Key(index))?;
        Ok(Self {
            id,
            bytes,
            cipher,
            encrypt_from,
        })
    }
}

#[cfg(test)]
mod tests;
