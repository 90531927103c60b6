//! What Chatter writes to people, and how it gets into the outbox.
//!
//! A letter is sealed with the data key before it is stored, because it may carry a token that must stand
//! nowhere in clear. Links in it begin with the configured address and never with what a request names.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::model::{Email, OutboxId};
use crate::queue::{Queue, QueueMessage};
use crate::store::Mail;
use crate::vault::Vault;

/// A new mail is due at once, also for a sender whose clock is a little behind.
const CLOCKS_DIFFER: Duration = Duration::from_secs(5);

/// A mail as a person gets it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    /// Whom it goes to. `None` goes nowhere: it only costs what another would have cost.
    pub to: Option<String>,
    /// Its subject.
    pub subject: String,
    /// Its text, plain.
    pub text: String,
}

impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Letter([redacted])")
    }
}

impl Letter {
    fn new(to: &Email, subject: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            to: Some(to.as_str().to_owned()),
            subject: subject.into(),
            text: text.into(),
        }
    }

    /// One that goes nowhere.
    pub fn blank() -> Self {
        Self {
            to: None,
            subject: String::new(),
            text: String::new(),
        }
    }

    /// Asks whether an address belongs to whoever gave it.
    pub fn verify(to: &Email, app_url: &str, token: &str) -> Self {
        let text = format!(
            "Somebody, most likely you, gave this address to Chatter.\n\n\
             Open this to confirm that it is yours:\n{app_url}/verify-email#token={token}\n\n\
             Or send the token to POST /api/v1/auth/email-verification/confirm:\n{token}\n\n\
             It is good once, for a day. If it was not you, do nothing.\n"
        );
        Self::new(to, "Confirm your address", text)
    }

    /// Tells the owner of an account that its address was used to register again.
    pub fn taken(to: &Email, app_url: &str) -> Self {
        let text = format!(
            "Somebody, perhaps you, tried to register with this address. It has an account already, which is\n\
             unchanged. If you forgot the password, set a new one:\n{app_url}/reset-password\n\n\
             Or ask for a token with POST /api/v1/auth/password-reset/request.\n"
        );
        Self::new(to, "You have an account already", text)
    }

    /// Lets a person set a new password.
    pub fn reset(to: &Email, app_url: &str, token: &str) -> Self {
        let text = format!(
            "Somebody, most likely you, asked for a new password.\n\n\
             Open this to set it:\n{app_url}/reset-password#token={token}\n\n\
             Or send the token to POST /api/v1/auth/password-reset/confirm:\n{token}\n\n\
             It is good once, for ten minutes. If it was not you, do nothing: the password is unchanged.\n"
        );
        Self::new(to, "Set a new password", text)
    }

    /// Tells a person that the password is another one.
    pub fn password_changed(to: &Email) -> Self {
        Self::new(
            to,
            "Your password was changed",
            "The password of your account was changed, and all its sessions have ended.\n\
             If it was not you, ask for a new password at once, and tell your administrator.\n",
        )
    }

    /// Tells a person, at the old address, that the account has another one.
    pub fn email_changed(to: &Email) -> Self {
        Self::new(
            to,
            "Your address was changed",
            "The address of your account was changed; this one does not belong to it any more.\n\
             If it was not you, tell your administrator.\n",
        )
    }

    /// Invites a person into a tenant.
    pub fn invitation(to: &Email, tenant_name: &str, app_url: &str, token: &str) -> Self {
        let text = format!(
            "You are invited to join {tenant_name}.\n\n\
             Open this to accept:\n{app_url}/accept-invitation#token={token}\n\n\
             Or, logged in with this address, send the token to POST /api/v1/invitations/accept:\n{token}\n\n\
             It is good once, for a week. If you do not want to join, do nothing.\n"
        );
        Self::new(to, format!("Join {tenant_name}"), text)
    }
}

/// Puts letters into the outbox.
#[derive(Debug, Clone)]
pub struct Post {
    vault: Vault,
    queue: Queue,
    clock: Clock,
    app_url: String,
}

impl Post {
    /// Seals with that vault, and tells that queue. Links in letters begin with `app_url`.
    pub const fn new(vault: Vault, queue: Queue, clock: Clock, app_url: String) -> Self {
        Self {
            vault,
            queue,
            clock,
            app_url,
        }
    }

    /// What links in letters begin with.
    pub fn app_url(&self) -> &str {
        &self.app_url
    }

    /// A letter as it is stored, together with what causes it.
    pub async fn seal(&self, letter: &Letter) -> Result<Mail> {
        let (id, now) = (OutboxId::new(), self.clock.now());
        let text = SecretString::from(serde_json::to_string(letter).map_err(Error::internal)?);
        Ok(Mail {
            id,
            sealed: self.vault.seal(&Mail::context(id), &text).await?,
            attempts: 0,
            due_at: now.minus(CLOCKS_DIFFER),
            taken_by: None,
            created_at: now,
        })
    }

    /// The letter in a stored mail.
    pub async fn open(&self, mail: &Mail) -> Result<Letter> {
        let text = self
            .vault
            .open(&Mail::context(mail.id), &mail.sealed)
            .await?;
        // The parser's own message could quote the letter.
        serde_json::from_str(text.expose_secret())
            .map_err(|_| Error::internal("a sealed mail is no letter"))
    }

    /// Says that a mail lies in the outbox. It is no condition of anything: a mail of which nobody was told is
    /// found there a little later.
    pub async fn nudge(&self, id: OutboxId) {
        let message = QueueMessage::MailWaits { version: 1, id };
        if let Err(error) = self.queue.send(&message).await {
            tracing::warn!(mail.id = %id, error = ?error, "nobody was told of mail {id}: {error}");
        }
    }

    /// The queue that is told.
    pub const fn queue(&self) -> &Queue {
        &self.queue
    }
}
