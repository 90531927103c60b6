//! Signed tokens in compact serialization (RFC 7515), and the keys that verify them (RFC 7517), as strictly as
//! RFC 8725 wants it.
//!
//! What a token's own header says of a key but its id is refused, because a key that comes with what it signs
//! proves nothing. The algorithm is one of a short list, and the key must be one for it.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RsaPublicKeyComponents, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

/// The longest token of another issuer, in bytes. API Gateway takes 10,240 for all headers together.
pub(super) const MAX_TOKEN_BYTES: usize = 8192;
/// The longest id of a key, in bytes.
const MAX_KID_BYTES: usize = 256;
/// How many keys of one set are looked at.
const MOST_KEYS: usize = 100;
/// RFC 7518, section 3.3: keys of fewer bits must not be used.
const MIN_RSA_BITS: usize = 2048;
/// What the library verifies with at most.
const MAX_RSA_BITS: usize = 8192;

/// Header members that would name or bring a key, or change what is signed. `crit` (RFC 7515, section 4.1.11) names
/// members that must be understood, and none is.
const REFUSED: [&str; 8] = ["crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc"];

/// The types of tokens that are taken, in lower case; no type is fine too. Others are made for something else: a
/// `logout+jwt` of the same issuer must not log anybody in (RFC 8725, section 3.11).
const TYPES: [&str; 3] = ["jwt", "at+jwt", "application/at+jwt"];

/// The algorithms that are taken: none that is symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Algorithm {
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "ES384")]
    Es384,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "RS384")]
    Rs384,
    #[serde(rename = "RS512")]
    Rs512,
    #[serde(rename = "PS256")]
    Ps256,
}

/// A JSON object whose members have different names (RFC 7515, section 4; RFC 7519, section 4): of two with the
/// same name, others may read the other one.
pub(super) struct Members(pub(super) Map<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;
        impl<'de> Visitor<'de> for Unique {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object whose members have different names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a name stands twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Unique)
    }
}

/// A token that was read. Nothing in it is to be believed before [`Token::is_signed_by`] says so.
pub(super) struct Token<'a> {
    /// How it is signed, as it says.
    pub(super) algorithm: Algorithm,
    /// With which key, as it says.
    pub(super) kid: String,
    /// What it says.
    pub(super) claims: Map<String, Value>,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    /// Reads a token. `None` if it is not exactly three parts in base64url with a header that is taken.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if text.len() > MAX_TOKEN_BYTES {
            return None;
        }
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let header = members(header)?;
        if REFUSED.iter().any(|name| header.contains_key(*name)) {
            return None;
        }
        let is_type = |value: &Value| {
            let value = value.as_str().map(str::to_ascii_lowercase);
            value.is_some_and(|value| TYPES.contains(&value.as_str()))
        };
        if !header.get("typ").is_none_or(is_type) {
            return None;
        }
        let kid = header.get("kid")?.as_str()?;
        if kid.is_empty() || kid.len() > MAX_KID_BYTES {
            return None;
        }
        Some(Self {
            algorithm: Algorithm::deserialize(header.get("alg")?).ok()?,
            kid: kid.to_owned(),
            claims: members(claims)?,
            signed,
            signature: decode(signature)?,
        })
    }

    /// Whether this key made its signature, and may have.
    pub(super) fn is_signed_by(&self, key: &PublicKey) -> bool {
        let (message, signature) = (self.signed.as_bytes(), self.signature.as_slice());
        let rsa = |n, e, parameters| {
            let key = RsaPublicKeyComponents { n, e };
            let key: RsaPublicKeyComponents<&[u8]> = key;
            key.verify(parameters, message, signature).is_ok()
        };
        if !key.fits(&self.kid, self.algorithm) {
            return false;
        }
        match (&key.material, self.algorithm) {
            (Material::Ed25519(key), Algorithm::EdDsa) => {
                let key = UnparsedPublicKey::new(&ED25519, key);
                key.verify(message, signature).is_ok()
            }
            (Material::P256(key), Algorithm::Es256) => {
                let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
                key.verify(message, signature).is_ok()
            }
            (Material::P384(key), Algorithm::Es384) => {
                let key = UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, key);
                key.verify(message, signature).is_ok()
            }
            (Material::Rsa { n, e }, Algorithm::Rs256) => rsa(n, e, &RSA_PKCS1_2048_8192_SHA256),
            (Material::Rsa { n, e }, Algorithm::Rs384) => rsa(n, e, &RSA_PKCS1_2048_8192_SHA384),
            (Material::Rsa { n, e }, Algorithm::Rs512) => rsa(n, e, &RSA_PKCS1_2048_8192_SHA512),
            (Material::Rsa { n, e }, Algorithm::Ps256) => rsa(n, e, &RSA_PSS_2048_8192_SHA256),
            _ => false,
        }
    }
}

fn members(part: &str) -> Option<Map<String, Value>> {
    let members: Members = serde_json::from_slice(&decode(part)?).ok()?;
    Some(members.0)
}

/// Base64url without padding, with no character too many and no bit set that means nothing.
fn decode(part: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(part).ok()
}

/// A key that verifies.
#[derive(Debug, Clone)]
pub(super) struct PublicKey {
    kid: String,
    /// The only algorithm that it is for, if it says one.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug, Clone)]
enum Material {
    Ed25519(Vec<u8>),
    /// The point, uncompressed (SEC 1, section 2.3.3).
    P256(Vec<u8>),
    P384(Vec<u8>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
}

/// What of a JWK is read.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: String,
    #[serde(default, rename = "use")]
    usage: Option<String>,
    #[serde(default)]
    key_ops: Option<Vec<String>>,
    #[serde(default)]
    alg: Option<Value>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    /// The private part. A key that shows it is no secret any more.
    #[serde(default)]
    d: Option<IgnoredAny>,
}

impl PublicKey {
    /// A key of a set. `None` if it can't verify what is taken here: another type or use, or too weak.
    fn parse(jwk: &Value) -> Option<Self> {
        let jwk = Jwk::deserialize(jwk).ok()?;
        let for_signatures = jwk.usage.is_none_or(|usage| usage == "sig")
            && jwk
                .key_ops
                .is_none_or(|operations| operations.iter().any(|one| one == "verify"));
        if !for_signatures || jwk.d.is_some() {
            return None;
        }
        let algorithm = match &jwk.alg {
            None => None,
            Some(name) => Some(Algorithm::deserialize(name).ok()?),
        };
        let material = match (jwk.kty.as_str(), jwk.crv.as_str()) {
            ("OKP", "Ed25519") => Material::Ed25519(exactly(32, &jwk.x)?),
            ("EC", "P-256") => Material::P256(point(32, &jwk.x, &jwk.y)?),
            ("EC", "P-384") => Material::P384(point(48, &jwk.x, &jwk.y)?),
            ("RSA", "") => rsa(&jwk.n, &jwk.e)?,
            _ => return None,
        };
        let key = Self {
            kid: jwk.kid,
            algorithm,
            material,
        };
        // An algorithm for another type of key fits nothing.
        let fits = algorithm.is_none_or(|algorithm| key.material.fits(algorithm));
        fits.then_some(key)
    }

    /// Whether it is the key of that id, and may be used in that way.
    pub(super) fn fits(&self, kid: &str, algorithm: Algorithm) -> bool {
        self.kid == kid
            && self.algorithm.is_none_or(|only| only == algorithm)
            && self.material.fits(algorithm)
    }
}

impl Material {
    fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Rs256, Rs384, Rs512};
        match self {
            Self::Ed25519(_) => algorithm == EdDsa,
            Self::P256(_) => algorithm == Es256,
            Self::P384(_) => algorithm == Es384,
            Self::Rsa { .. } => matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256),
        }
    }
}

fn exactly(bytes: usize, text: &str) -> Option<Vec<u8>> {
    decode(text).filter(|decoded| decoded.len() == bytes)
}

fn point(bytes: usize, x: &str, y: &str) -> Option<Vec<u8>> {
    Some([vec![4], exactly(bytes, x)?, exactly(bytes, y)?].concat())
}

fn rsa(n: &str, e: &str) -> Option<Material> {
    let trimmed = |text: &str| {
        let bytes = decode(text)?;
        let start = bytes.iter().position(|byte| *byte != 0)?;
        Some(bytes[start..].to_vec())
    };
    let (n, e) = (trimmed(n)?, trimmed(e)?);
    let bits = n.len() * 8 - n.first()?.leading_zeros() as usize;
    let exponent_is_odd_and_not_one = e.last()? % 2 == 1 && e != [1];
    ((MIN_RSA_BITS..=MAX_RSA_BITS).contains(&bits) && exponent_is_odd_and_not_one)
        .then_some(Material::Rsa { n, e })
}

/// The keys of an issuer.
#[derive(Debug, Clone)]
pub(super) struct KeySet(Vec<PublicKey>);

impl KeySet {
    /// Reads a JWK Set. Keys that can't be used are left out, as RFC 7517, section 5, says; `None` if it is no
    /// set at all.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let set: Members = serde_json::from_slice(bytes).ok()?;
        let keys = set.0.get("keys")?.as_array()?;
        let keys = keys.iter().take(MOST_KEYS).filter_map(PublicKey::parse);
        Some(Self(keys.collect()))
    }

    /// Whether nothing can be verified with it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a key is in it that could have signed this.
    pub(super) fn may_have_signed(&self, token: &Token<'_>) -> bool {
        let fits = |key: &PublicKey| key.fits(&token.kid, token.algorithm);
        self.0.iter().any(fits)
    }

    /// Whether one of its keys signed this.
    pub(super) fn signed(&self, token: &Token<'_>) -> bool {
        self.0.iter().any(|key| token.is_signed_by(key))
    }
}

#[cfg(test)]
mod tests;
