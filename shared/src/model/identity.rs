//! People: their addresses, passwords and names.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::UserId;

/// An e-mail address in the one spelling that is compared and stored: trimmed and in lower case.
///
/// `Debug` hides it, because addresses do not belong in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// RFC 5321, section 4.5.3.1.3: a path has at most 256 octets, two of them angle brackets.
    pub const MAX_BYTES: usize = 254;

    /// Checks the shape only, a `Dot-string` at a domain (RFC 5321, section 4.1.2): whether mail arrives is shown
    /// by a mail that arrives. It is ASCII, so that two addresses that look the same are the same; a domain in
    /// another script has an `xn--` form (RFC 5890).
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        let text = text.trim().to_lowercase();
        let well_formed = text.split_once('@').is_some_and(|(local, domain)| {
            let atom =
                |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
            let host = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let of = |text: &str, taken: fn(u8) -> bool| {
                text.split('.')
                    .all(|part| !part.is_empty() && part.bytes().all(taken))
            };
            local.len() <= 64 && of(local, atom) && domain.contains('.') && of(domain, host)
        });
        if !well_formed || text.len() > Self::MAX_BYTES {
            return Err(Error::invalid(
                field,
                "must be an e-mail address like name@example.com, in ASCII (a domain in its xn-- form) and of at most 254 bytes",
            ));
        }
        Ok(Self(text))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// An address as it was stored. Rules are not checked again, so that tightening them loses nobody.
    pub(crate) fn from_stored(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email([redacted])")
    }
}

/// A password as a person typed it: nothing is trimmed, folded or cut off.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// NIST SP 800-63B-4: passwords that are the only factor have at least 15 characters.
    pub const MIN_CHARACTERS: usize = 15;
    /// Long enough for a passphrase, short enough that hashing it costs what hashing any other costs.
    pub const MAX_BYTES: usize = 1024;

    /// Checks the rules for a new password. `own` is what others know of the account, such as its address.
    pub fn parse_new(field: &str, text: SecretString, own: &[&str]) -> Result<Self> {
        let characters = text.expose_secret().chars().count();
        if characters < Self::MIN_CHARACTERS {
            return Err(Error::invalid(
                field,
                "must have at least 15 characters; a few unrelated words make a good one",
            ));
        }
        if text.expose_secret().len() > Self::MAX_BYTES {
            return Err(Error::invalid(field, "must have at most 1024 bytes"));
        }
        if super::common_passwords::is_common(text.expose_secret(), own) {
            return Err(Error::invalid(
                field,
                "is widely known or easy to guess from the account; take a few unrelated words",
            ));
        }
        Ok(Self(text))
    }

    /// A password to compare with a stored one. One that could never have been set is bad credentials.
    pub fn to_check(text: SecretString) -> Result<Self> {
        if text.expose_secret().len() > Self::MAX_BYTES {
            return Err(Error::BadCredentials);
        }
        Ok(Self(text))
    }

    /// The bytes to hash.
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret().as_bytes()
    }
}

/// What a person wants to be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonName(String);

impl PersonName {
    /// The longest name, in characters.
    pub const MAX_CHARACTERS: usize = 100;

    /// Between 1 and 100 characters without control characters, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        super::conversation::line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A person with an account.
#[derive(Debug, Clone)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Where the person is reached, and what the person logs in with.
    pub email: Email,
    /// What the person wants to be called.
    pub name: Option<String>,
    /// The Argon2id hash of the password, as a PHC string.
    pub password_hash: String,
    /// When a mail to the address was answered first. `None` if the address is not proved.
    pub verified_at: Option<Moment>,
    /// Sessions that began before this moment are over: a password was changed, or all were logged out.
    pub sessions_from: Moment,
    /// When the account was made.
    pub created_at: Moment,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_spelling() {
        let email =
            Email::parse("/email", "  Ada@Example.COM ").map(|email| email.as_str().to_owned());
        assert_eq!(email.ok().as_deref(), Some("ada@example.com"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for wrong in [
            "",
            "ada",
            "ada@",
            "@example.com",
            "a@b@example.com",
            "a b@example.com",
            "a@b",
            "a@b..c",
            "a..b@example.com",
            "<ada@example.com>",
            "\"ada\"@example.com",
            "ada@example.com, bob@example.com",
            "ada@example.com\r\nbcc:bob@example.com",
            "ada@ｅxample.com",
            "a,b@example.com",
            "a<b@example.com",
            "\"a\"@example.com",
            "a@[127.0.0.1]",
        ] {
            assert!(Email::parse("/email", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_does_not_show_in_logs() {
        let email = Email::from_stored("ada@example.com".to_owned());
        assert!(!format!("{email:?}").contains("ada"));
    }

    #[test]
    fn a_password_counts_characters_not_bytes() {
        let fourteen = SecretString::from("éèêëàâäùûüôöîï");
        assert!(Password::parse_new("/password", fourteen, &[]).is_err());
        let fifteen = SecretString::from("éèêëàâäùûüôöîïç");
        assert!(Password::parse_new("/password", fifteen, &[]).is_ok());
    }
}
