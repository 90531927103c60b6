//! API keys: what they may do.

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
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ConversationsRead,
        Self::ConversationsWrite,
        Self::Chat,
        Self::ModelsRead,
        Self::TenantRead,
        Self::AuditRead,
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

/// A key with which programs act for a member of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Its id, which a rotation keeps.
    pub id: ApiKeyId,
    /// What it is called.
    pub name: String,
    /// For whom it acts.
    pub owner: UserId,
    /// What it may be used for.
    pub scopes: Scopes,
    /// The secret that is good.
    pub current: KeySecret,
    /// The secret before that one, while it is good too.
    pub previous: Option<KeySecret>,
    /// When it was used last, exact to a minute.
    pub last_used_at: Option<Moment>,
    /// From when on the key is not good any more.
    pub expires_at: Option<Moment>,
    /// When it was revoked.
    pub revoked_at: Option<Moment>,
    /// Goes up with each change.
    pub version: u64,
    /// When it was made.
    pub created_at: Moment,
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
}
