//! Tokens that are good once and go out by mail: `chatter_pr_…` resets a password, `chatter_ev_…` proves an
//! address, `chatter_in_…` accepts an invitation.
//!
//! 256 random bits; only their SHA-256 is stored. What the token is for stands in its prefix, and nothing
//! takes one with another prefix.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::{Error, Result};
use crate::model::{InvitationId, TenantId, UserId};

/// What makes such a token secret. `Debug` hides it.
#[derive(Clone)]
pub struct OneTimeSecret([u8; 32]);

impl fmt::Debug for OneTimeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeSecret([redacted])")
    }
}

impl OneTimeSecret {
    /// From the system's random source.
    pub fn random() -> Result<Self> {
        let mut bytes = [0; 32];
        aws_lc_rs::rand::fill(&mut bytes)
            .map_err(|_| Error::internal("the random source failed"))?;
        Ok(Self(bytes))
    }

    /// What is stored of it: SHA-256 in base64url.
    pub fn hash(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.0))
    }

    /// Whether it has this hash, in constant time.
    pub fn has_hash(&self, hash: &str) -> bool {
        self.hash().as_bytes().ct_eq(hash.as_bytes()).into()
    }

    fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        <[u8; 32]>::try_from(bytes).ok().map(Self)
    }
}

/// The digits of an id, without its prefix.
fn digits(id: impl fmt::Display) -> String {
    let id = id.to_string();
    id.split_once('_')
        .map(|(_, digits)| digits.to_owned())
        .unwrap_or_default()
}

macro_rules! user_token {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name {
            /// Whose it is.
            pub user: UserId,
            /// What makes it secret.
            pub secret: OneTimeSecret,
        }

        impl $name {
            /// What goes into the mail. Nothing else writes the secret out.
            pub fn expose(&self) -> String {
                format!("{}_{}_{}", $prefix, digits(self.user), self.secret.expose())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                let rest = text.strip_prefix(concat!($prefix, "_")).ok_or(())?;
                let (user, secret) = rest.split_once('_').ok_or(())?;
                Ok(Self {
                    user: format!("usr_{user}").parse().map_err(|_| ())?,
                    secret: OneTimeSecret::parse(secret).ok_or(())?,
                })
            }
        }
    };
}

user_token!(
    /// Sets a new password without the old one.
    ResetToken, "chatter_pr"
);
user_token!(
    /// Proves an address.
    VerifyToken, "chatter_ev"
);

/// Accepts an invitation.
#[derive(Debug, Clone)]
pub struct InvitationToken {
    /// Into which tenant.
    pub tenant: TenantId,
    /// Which invitation.
    pub invitation: InvitationId,
    /// What makes it secret.
    pub secret: OneTimeSecret,
}

impl InvitationToken {
    /// What goes into the mail. Nothing else writes the secret out.
    pub fn expose(&self) -> String {
        let (tenant, invitation) = (digits(self.tenant), digits(self.invitation));
        format!("chatter_in_{tenant}_{invitation}_{}", self.secret.expose())
    }
}

impl FromStr for InvitationToken {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("chatter_in_").ok_or(())?;
        let (tenant, rest) = rest.split_once('_').ok_or(())?;
        let (invitation, secret) = rest.split_once('_').ok_or(())?;
        Ok(Self {
            tenant: format!("ten_{tenant}").parse().map_err(|_| ())?,
            invitation: format!("inv_{invitation}").parse().map_err(|_| ())?,
            secret: OneTimeSecret::parse(secret).ok_or(())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_what_it_is_and_as_nothing_else() {
        let secret = OneTimeSecret::random().expect("random");
        let reset = ResetToken {
            user: UserId::new(),
            secret,
        };
        let text = reset.expose();
        let back: ResetToken = text.parse().expect("a token");
        assert_eq!(back.user, reset.user);
        assert!(back.secret.has_hash(&reset.secret.hash()));
        let another = OneTimeSecret::random().expect("random");
        assert!(!another.has_hash(&reset.secret.hash()));
        assert!(text.parse::<VerifyToken>().is_err());
        assert!(text.parse::<InvitationToken>().is_err());
        assert!(text.parse::<super::super::RefreshToken>().is_err());
        for wrong in [&text[1..], &text[..text.len() - 1], &format!("{text}A"), ""] {
            assert!(wrong.parse::<ResetToken>().is_err(), "{wrong}");
        }
        let shown = format!("{reset:?}");
        // 256 bits in base64url, in which a `_` can stand too.
        let (_, exposed) = text.split_at(text.len() - 43);
        assert!(!shown.contains(exposed), "{shown}");
    }
    #[test]
    fn a_token_of_an_invitation_names_it_and_its_tenant() {
        let token = InvitationToken {
            tenant: TenantId::new(),
            invitation: InvitationId::new(),
            secret: OneTimeSecret::random().expect("random"),
        };
        let text = token.expose();
        let back: InvitationToken = text.parse().expect("a token");
        assert_eq!(
            (back.tenant, back.invitation),
            (token.tenant, token.invitation)
        );
        assert!(back.secret.has_hash(&token.secret.hash()));
        assert!(text.parse::<ResetToken>().is_err());
    }
}
