//! API keys: what they may do.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::error::Result;
use crate::model::{ApiKeyId, UserId};

/// What an API key may be used for. A key never may more than the member that it acts for.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
pub enum Scope {
    /// Read conversations and their messages.
    #[serde(rename = "conversations:read")]
    ConversationsRead,
    /// Create, change and delete conversations.
    #[serde(rename = "conversations:write")]
    ConversationsWrite,
    /// Send messages to models, which costs money.
    #[serde(rename = "chat")]
    Chat,
    /// See which models there are.
    #[serde(rename = "models:read")]
    ModelsRead,
    /// Read the tenant, its members and its invitations.
    #[serde(rename = "tenant:read")]
    TenantRead,
    /// Read and verify the audit trail.
    #[serde(rename = "audit:read")]
    AuditRead,
    /// Search knowledge bases and read their documents.
    #[serde(rename = "knowledge:read")]
    KnowledgeRead,
    /// Create, change and delete knowledge bases and documents, which costs money.
    #[serde(rename = "knowledge:write")]
    KnowledgeWrite,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ConversationsRead,
        Self::ConversationsWrite,
        Self::Chat,
        Self::ModelsRead,
        Self::TenantRead,
        Self::AuditRead,
        Self::KnowledgeRead,
        Self::KnowledgeWrite,
    ];

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

/// A set of scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Scope>", into = "Vec<Scope>")]
pub struct Scopes(u16);

impl Scopes {
    /// Whether the scope is in it.
    pub const fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<Vec<Scope>> for Scopes {
    fn from(scopes: Vec<Scope>) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl From<Scopes> for Vec<Scope> {
    fn from(scopes: Scopes) -> Self {
        let all = Scope::ALL.into_iter();
        all.filter(|scope| scopes.has(*scope)).collect()
    }
}

/// What a key is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyName(String);

impl ApiKeyName {
    /// The longest name, in characters.
    pub const MAX_CHARACTERS: usize = 100;

    /// Between 1 and 100 characters without control characters, trimmed.
    pub fn parse(field: &str, text: &str) -> Result<Self> {
        super::conversation::line(field, text, Self::MAX_CHARACTERS).map(Self)
    }

    /// The name.
    pub fn into_string(self) -> String {
        self.0
    }
}

/// The trace of one secret of a key: enough to find it and to recognise it, and not the secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySecret {
    /// SHA-256 of the whole key, in base64url.
    pub hash: String,
    /// Its last four characters.
    pub last4: String,
    /// From when on it is not good any more, if it was replaced.
    pub expires_at: Option<Moment>,
}

impl KeySecret {
    fn is_good(&self, now: Moment) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

/// A key with which programs act for a member of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which a rotation keeps.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// For whom it acts.
    pub owner: UserId,
    /// When the membership began that it dies with.
    pub member_since: Moment,
    /// What it may be used for.
    pub scopes: Scopes,
    /// The secret that is good.
    pub current: KeySecret,
    /// Secrets from before rotations, newest first, of which some may be good still.
    pub previous: Vec<KeySecret>,
    /// When it was used last, exact to a minute.
    pub last_used_at: Option<Moment>,
    /// From when on the key is not good any more.
    pub expires_at: Option<Moment>,
    /// Goes up with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Moment,
}

impl ApiKey {
    /// How many a tenant may have. All of them are read to make another one.
    pub const MOST_IN_A_TENANT: usize = 100;
    /// How many secrets from before rotations may be good at a time.
    pub const MOST_PREVIOUS: usize = 4;

    /// Whether it has not expired. One that has counts as absent.
    pub fn is_good(&self, now: Moment) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }

    /// The key at `now`, without the secrets that are not good any more.
    #[must_use]
    pub fn at(mut self, now: Moment) -> Self {
        self.previous.retain(|secret| secret.is_good(now));
        self
    }

    /// The key with another secret. The one of before stays good for `overlap`, and those before that as long
    /// as they were to be; an overlap of zero ends them all. `None` if too many would be good at a time.
    pub fn rotated(&self, current: KeySecret, overlap: Duration, now: Moment) -> Option<Self> {
        let mut previous = Vec::new();
        if !overlap.is_zero() {
            previous.push(KeySecret {
                expires_at: Some(now.plus(overlap)),
                ..self.current.clone()
            });
            previous.extend(self.clone().at(now).previous);
        }
        (previous.len() <= Self::MOST_PREVIOUS).then(|| Self {
            current,
            previous,
            version: self.version + 1,
            ..self.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_read_back_as_a_list() {
        let scopes = Scopes::from(vec![Scope::Chat, Scope::AuditRead, Scope::Chat]);
        let text = serde_json::to_string(&scopes).expect("JSON");
        assert_eq!(text, r#"["chat","audit:read"]"#);
        assert_eq!(serde_json::from_str::<Scopes>(&text).ok(), Some(scopes));
        assert!(scopes.has(Scope::Chat) && !scopes.has(Scope::ConversationsRead));
        assert!(Scopes::default().is_empty());
    }

    fn secret(hash: &str, expires_at: Option<i64>) -> KeySecret {
        KeySecret {
            hash: hash.to_owned(),
            last4: String::new(),
            expires_at: expires_at.map(Moment::from_unix_seconds),
        }
    }

    fn key(current: &str, previous: &[(&str, i64)]) -> ApiKey {
        let beginning = Moment::from_unix_seconds(0);
        ApiKey {
            id: ApiKeyId::new(),
            name: String::new(),
            owner: UserId::new(),
            member_since: beginning,
            scopes: Scopes::default(),
            current: secret(current, None),
            previous: previous
                .iter()
                .map(|(hash, end)| secret(hash, Some(*end)))
                .collect(),
            last_used_at: None,
            expires_at: None,
            version: 1,
            created_at: beginning,
        }
    }

    #[test]
    fn a_rotation_keeps_what_is_good_still_and_zero_ends_it_all() {
        let (key, now) = (
            key("b", &[("a", 10), ("0", 5)]),
            Moment::from_unix_seconds(5),
        );
        let rotated = key.rotated(secret("c", None), Duration::from_secs(100), now);
        let rotated = rotated.expect("room");
        assert_eq!(
            rotated.previous,
            [secret("b", Some(105)), secret("a", Some(10))]
        );
        assert_eq!((rotated.current.hash.as_str(), rotated.version), ("c", 2));
        let ended = key.rotated(secret("c", None), Duration::ZERO, now);
        assert_eq!(ended.expect("room").previous, []);
    }

    #[test]
    fn no_more_than_four_secrets_of_before_are_good_at_a_time() {
        let key = key("e", &[("d", 10), ("c", 10), ("b", 10), ("a", 10)]);
        let rotate = |seconds, now| {
            let overlap = Duration::from_secs(seconds);
            key.rotated(secret("f", None), overlap, Moment::from_unix_seconds(now))
        };
        assert!(rotate(1, 9).is_none());
        assert!(rotate(0, 9).is_some(), "zero always works");
        assert!(rotate(1, 10).is_some(), "those have ended");
    }
}
