//! Tokens that are good once: `USER#<user>` / `RESET` and `USER#<user>` / `VERIFY`, with a TTL.
//!
//! A user has at most one of each, so that a new one makes the one before worthless. Only the hash of the
//! token's secret is stored. Using one deletes it, in the transaction of what it is used for.

use serde::{Deserialize, Serialize};

use super::IdentityStore;
use super::account::{profile_key, user_pk};
use super::item::{IS_NEW, Item, Written, key, moment, s, to_item};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{AuditEvent, Email, User, UserId};

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To set a new password without the old one.
    Reset,
    /// To prove an address, the user's own or the next one.
    Verify,
}

/// What is stored of a token.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OneTime {
    /// SHA-256 of its secret.
    pub token_hash: String,
    /// The address that it went to.
    pub email: String,
    /// The TTL attribute, in Unix seconds.
    pub expires_at: i64,
}

pub(super) fn one_time_key(user: UserId, purpose: Purpose) -> Item {
    let sk = match purpose {
        Purpose::Reset => "RESET",
        Purpose::Verify => "VERIFY",
    };
    key(user_pk(user), sk)
}

/// The row of a verification token.
pub(super) fn verify_item(user: UserId, token: &OneTime) -> Result<Item> {
    to_item(one_time_key(user, Purpose::Verify), token)
}

impl IdentityStore {
    /// Stores a token in place of the one before, with the mail that carries it.
    pub async fn one_time_put(
        &self,
        user: UserId,
        purpose: Purpose,
        token: &OneTime,
        mail: &super::Mail,
        event: Option<&AuditEvent>,
    ) -> Result<()> {
        let store = &self.store;
        let row = to_item(one_time_key(user, purpose), token)?;
        // Whether one was there before does not matter.
        let any = "attribute_exists(pk) OR attribute_not_exists(pk)";
        let parts = vec![store.put(row, any)?, store.mail_part(mail)?];
        match event {
            Some(event) => store.transact_audited(parts, event).await?.surely(),
            None => store.transact(parts).await?.surely(),
        }
    }

    /// The token of the user that is good at `now`.
    pub async fn one_time_get(
        &self,
        user: UserId,
        purpose: Purpose,
        now: Moment,
    ) -> Result<Option<OneTime>> {
        let found = self
            .store
            .get::<OneTime>(one_time_key(user, purpose))
            .await?;
        Ok(found.filter(|token| token.expires_at > now.unix_seconds()))
    }

    /// Uses a reset token: a new password, all sessions over, and the address proved, since the mail arrived.
    /// `false`, and nothing written, if the token was used meanwhile.
    pub async fn password_reset(
        &self,
        user: UserId,
        token: &OneTime,
        password_hash: &str,
        now: Moment,
        mail: &super::Mail,
        event: &AuditEvent,
    ) -> Result<bool> {
        let store = &self.store;
        let parts = vec![
            store.delete(
                one_time_key(user, Purpose::Reset),
                "token_hash = :hash",
                [(":hash", s(&token.token_hash))],
            )?,
            store.update(
                profile_key(user),
                "SET password_hash = :new, sessions_from = :now, verified_at = :now",
                "attribute_exists(pk) AND email = :email",
                [
                    (":new", s(password_hash)),
                    (":now", moment(now)?),
                    (":email", s(&token.email)),
                ],
            )?,
            store.mail_part(mail)?,
        ];
        Ok(store.transact_audited(parts, event).await?.made())
    }

    /// Uses a verification token for the address that the user has.
    pub async fn email_verify(
        &self,
        user: UserId,
        token: &OneTime,
        now: Moment,
        event: &AuditEvent,
    ) -> Result<bool> {
        let store = &self.store;
        let parts = vec![
            store.delete(
                one_time_key(user, Purpose::Verify),
                "token_hash = :hash",
                [(":hash", s(&token.token_hash))],
            )?,
            store.update(
                profile_key(user),
                "SET verified_at = :now",
                "email = :email",
                [(":now", moment(now)?), (":email", s(&token.email))],
            )?,
        ];
        Ok(store.transact_audited(parts, event).await?.made())
    }

    /// Uses a verification token for another address: the user has it from now on, and the one before is
    /// free. Told apart is only whether it worked: the token may be used up, or the address taken meanwhile.
    pub async fn email_change(
        &self,
        user: &User,
        to: &Email,
        token: &OneTime,
        now: Moment,
        mail: &super::Mail,
        event: &AuditEvent,
    ) -> Result<bool> {
        let store = &self.store;
        let parts = vec![
            store.delete(
                one_time_key(user.id, Purpose::Verify),
                "token_hash = :hash",
                [(":hash", s(&token.token_hash))],
            )?,
            store.put(self.email_guard(to, user.id)?, IS_NEW)?,
            store.delete_any(super::account::email_key(&user.email))?,
            store.update(
                profile_key(user.id),
                "SET email = :to, verified_at = :now",
                "email = :from",
                [
                    (":to", s(to.as_str())),
                    (":from", s(user.email.as_str())),
                    (":now", moment(now)?),
                ],
            )?,
            store.mail_part(mail)?,
        ];
        let written = store.transact_audited(parts, event).await?;
        Ok(written == Written::Yes)
    }
}
