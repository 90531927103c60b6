//! Refresh tokens (RFC 9700, section 4.14.2): each is good once, and its use gives the next.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use super::keys::KeyRing;
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{SessionId, UserId};

const PREFIX: &str = "chatter_rt";

/// What makes a refresh token secret: 256 bits. Only its SHA-256 is stored.
#[derive(Clone)]
pub struct RefreshSecret([u8; 32]);

impl fmt::Debug for RefreshSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshSecret([redacted])")
    }
}

impl RefreshSecret {
    /// The first secret of a session, from the system's random source.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| Error::internal("the random source failed"))?;
        Ok(Self(bytes))
    }

    /// The secret after this one, and the id of the key that it was derived with.
    ///
    /// It is derived and not random, so that a client whose reply was lost can be given the same successor
    /// again although only its hash is stored.
    pub fn successor(&self, ring: &KeyRing, now: Moment) -> Result<(Self, String)> {
        let (kid, bytes) = ring.mac(PREFIX, &self.0, now)?;
        Ok((Self(bytes), kid))
    }

    /// The secret that [`Self::successor`] gave when it used that key. `None` if the key has left the ring.
    pub fn successor_with(&self, ring: &KeyRing, kid: &str, now: Moment) -> Option<Self> {
        let bytes = ring.mac_with(kid, PREFIX, &self.0, now)?;
        Some(Self(bytes))
    }

    /// What is stored of it: SHA-256 in base64url. A secret of 256 random bits needs no slow hash.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0))
    }

    /// Whether it has this hash, in constant time.
    pub fn has_hash(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }
}

/// A refresh token as a client keeps it: `chatter_rt_<user>_<session>_<secret>`.
#[derive(Debug, Clone)]
pub struct RefreshToken {
    /// Whose session it belongs to.
    pub user: UserId,
    /// Which session it belongs to.
    pub session: SessionId,
    /// The secret.
    pub secret: RefreshSecret,
}

impl RefreshToken {
    /// What the client is given. Nothing else writes the secret out.
    pub fn expose(&self) -> String {
        let digits = |id: String| {
            id.split_once('_')
                .map(|(_, digits)| digits.to_owned())
                .unwrap_or_default()
        };
        format!(
            "{PREFIX}_{}_{}_{}",
            digits(self.user.to_string()),
            digits(self.session.to_string()),
            URL_SAFE_NO_PAD.encode(self.secret.0)
        )
    }
}

/// A text that is no refresh token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARefreshToken;

impl fmt::Display for NotARefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this is not a refresh token")
    }
}

impl FromStr for RefreshToken {
    type Err = NotARefreshToken;

    fn from_str(text: &str) -> Result<Self, NotARefreshToken> {
        let fault = NotARefreshToken;
        let rest = text
            .strip_prefix(PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or(fault)?;
        let (user, rest) = rest.split_once('_').ok_or(fault)?;
        let (session, secret) = rest.split_once('_').ok_or(fault)?;
        let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| fault)?;
        let secret = <[u8; 32]>::try_from(secret).map_err(|_| fault)?;
        Ok(Self {
            user: format!("usr_{user}").parse().map_err(|_| fault)?,
            session: format!("ses_{session}").parse().map_err(|_| fault)?,
            secret: RefreshSecret(secret),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    fn token() -> RefreshToken {
        RefreshToken {
            user: UserId::new(),
            session: SessionId::new(),
            secret: RefreshSecret::random().expect("random bytes"),
        }
    }

    #[test]
    fn a_token_reads_back_and_nothing_else_does() {
        let token = token();
        let text = token.expose();
        let back: RefreshToken = text.parse().expect("a token");
        assert_eq!((back.user, back.session), (token.user, token.session));
        assert!(back.secret.has_hash(&token.secret.hash()));
        for wrong in [
            "",
            "chatter_rt_",
            &text[1..],
            &text[..text.len() - 1],
            &format!("{text}A"),
            &text.to_uppercase(),
        ] {
            let refused = wrong.parse::<RefreshToken>().expect_err(wrong);
            assert_eq!(refused.to_string(), "this is not a refresh token");
        }
    }

    #[test]
    fn the_secret_is_not_shown_by_debug() {
        let token = token();
        // 256 bits in base64url, in which a `_` can stand too.
        let text = token.expose();
        let (_, secret) = text.split_at(text.len() - 43);
        assert!(!format!("{token:?}").contains(secret));
    }

    #[test]
    fn the_successor_can_be_found_again() {
        let ring = KeyRing::parse(&SecretString::from(format!(
            r#"{{"bootstrap":"{}"}}"#,
            "k".repeat(64)
        )))
        .expect("a ring");
        let now = Moment::from_unix_seconds(0);
        let first = token().secret;
        let (second, kid) = first.successor(&ring, now).expect("a successor");
        let again = first
            .successor_with(&ring, &kid, now)
            .expect("the key is there");
        assert!(again.has_hash(&second.hash()));
        assert!(!second.has_hash(&first.hash()));
        assert!(first.successor_with(&ring, "gone", now).is_none());
    }
}
