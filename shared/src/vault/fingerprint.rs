//! Names for content that tell nothing about it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{DataKeys, DataKeysFault, Vault};
use crate::error::{Error, Result};

impl Vault {
    /// The same name for the same content in the same context. Whoever sees it, and has no data key, can't even find out
    /// whether it is that of some content. It stays the same when data keys are rotated, because it is made with the oldest
    /// one, which stays for ever.
    pub async fn fingerprint(&self, context: &str, content: &[u8]) -> Result<String> {
        self.keys.get().await?.fingerprint(context, content)
    }
}

impl DataKeys {
    fn fingerprint(&self, context: &str, content: &[u8]) -> Result<String> {
        let oldest = self.keys.iter().min_by_key(|key| key.encrypt_from);
        let oldest = oldest.ok_or_else(|| Error::internal(DataKeysFault::NoEncryptingKey))?;
        // Not the key itself, which encrypts.
        let key = mac(&oldest.bytes, &[b"chatter fingerprint key"])?;
        let length = (context.len() as u64).to_be_bytes();
        let name = mac(&key, &[&length, context.as_bytes(), content])?;
        Ok(URL_SAFE_NO_PAD.encode(name))
    }
}

fn mac(key: &[u8], parts: &[&[u8]]) -> Result<[u8; 32]> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(Error::internal)?;
    for part in parts {
        mac.update(part);
    }
    Ok(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use secrecy::SecretString;

    use super::*;
    use crate::secret_source::SecretValue as _;

    fn ring(ids: &[u8]) -> DataKeys {
        let keys = ids.iter().map(|id| {
            let key = URL_SAFE_NO_PAD.encode([*id; 32]);
            format!(r#"{{"id":"{id}","key":"{key}","not_encrypt_before":{id}}}"#)
        });
        let keys = keys.collect::<Vec<_>>().join(",");
        DataKeys::parse(&SecretString::from(format!(r#"{{"keys":[{keys}]}}"#))).expect("a ring")
    }

    #[test]
    fn it_depends_on_key_context_and_content_and_not_on_newer_keys() {
        let name = |keys: &[u8], context: &str, content: &str| {
            let name = ring(keys).fingerprint(context, content.as_bytes());
            name.expect("a name")
        };
        let this = name(&[1], "a", "content");
        assert_eq!(this, name(&[2, 1], "a", "content"), "after a rotation");
        assert_ne!(this, name(&[2], "a", "content"));
        assert_ne!(this, name(&[1], "ac", "ontent"));
        assert_ne!(this, name(&[1], "a", "contents"));
    }
}
