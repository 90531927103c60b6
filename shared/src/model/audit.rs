//! The audit trail: what happened that matters for security.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::clock::Moment;
use crate::model::{ApiKeyId, RequestId, TenantId, UserId};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each says what it is")]
pub enum AuditAction {
    AccountRegistered,
    AccountDeleted,
    EmailVerified,
    EmailChanged,
    LoginSucceeded,
    LoginFailed,
    LoggedOut,
    LoggedOutEverywhere,
    SessionRevoked,
    RefreshReuse,
    PasswordChanged,
    PasswordResetRequested,
    PasswordReset,
    AccessDenied,
    TenantCreated,
    TenantChanged,
    TenantSuspended,
    TenantResumed,
    TenantDeleted,
    MemberInvited,
    InvitationRevoked,
    MemberJoined,
    MemberRoleChanged,
    MemberRemoved,
    ApiKeyCreated,
    ApiKeyChanged,
    ApiKeyRotated,
    ApiKeyRevoked,
    IdentityProviderCreated,
    IdentityProviderDeleted,
    ProviderCredentialStored,
    ProviderCredentialRotated,
    ProviderCredentialDeleted,
    AuditRead,
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// It was done.
    Success,
    /// It was refused.
    Denied,
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A person.
    User(UserId),
    /// A program with a key.
    ApiKey(ApiKeyId),
    /// Nobody who proved to be anybody.
    Anonymous,
}

/// Where a request came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The request.
    pub request_id: RequestId,
    /// The address that API Gateway saw. `None` where nothing says it.
    pub source_ip: Option<String>,
    /// What the client calls itself, cut off at 200 characters.
    pub user_agent: Option<String>,
}

/// An event before it has its place in the chain.
#[derive(Debug, Clone)]
pub struct AuditEvent {
    /// In whose trail it stands.
    pub tenant: TenantId,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub action: AuditAction,
    /// To what: an id, or an operation.
    pub target: Option<String>,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// When.
    pub at: Moment,
    /// From where.
    pub origin: Origin,
}

/// An event in its place: each has the hash of the one before it, so that none can be changed or taken out
/// without breaking all that follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRecord {
    /// The day in UTC, `2026-01-31`.
    pub day: String,
    /// Its number in the tenant's day, from 1 on.
    pub sequence: u64,
    /// When, exact to a microsecond.
    pub at: Moment,
    /// Who did it.
    pub actor: Actor,
    /// What happened.
    pub action: AuditAction,
    /// To what.
    pub target: Option<String>,
    /// Whether it was done.
    pub outcome: AuditOutcome,
    /// The address that API Gateway saw.
    pub source_ip: Option<String>,
    /// The request.
    pub request_id: RequestId,
    /// The hash of the tenant's record before this one, also over the end of a day; empty for the first.
    pub previous_hash: String,
    /// SHA-256 over the tenant and everything above, in hexadecimal digits.
    pub hash: String,
}

impl AuditRecord {
    /// The event as the one after `last`.
    pub fn following(last: Option<&Self>, event: &AuditEvent) -> Self {
        let day = event.at.day();
        // Never back into a day that has been left: clocks of different machines differ a little.
        let day = last.map_or(day.clone(), |last| day.max(last.day.clone()));
        let sequence = match last {
            Some(last) if last.day == day => last.sequence + 1,
            _ => 1,
        };
        let mut record = Self {
            day,
            sequence,
            at: event.at,
            actor: event.actor,
            action: event.action,
            target: event.target.clone(),
            outcome: event.outcome,
            source_ip: event.origin.source_ip.clone(),
            request_id: event.origin.request_id,
            previous_hash: last.map(|last| last.hash.clone()).unwrap_or_default(),
            hash: String::new(),
        };
        record.hash = record.expected_hash(event.tenant);
        record
    }

    /// What its hash must be in that tenant's trail.
    pub fn expected_hash(&self, tenant: TenantId) -> String {
        let unhashed = Self {
            hash: String::new(),
            ..self.clone()
        };
        // A struct of texts and numbers can't fail to serialize, and its fields keep their order.
        let body = serde_json::to_vec(&unhashed).unwrap_or_default();
        let digest = Sha256::new()
            .chain_update(tenant.to_string())
            .chain_update(b"\n")
            .chain_update(body)
            .finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether it is unchanged and follows `last`.
    pub fn follows(&self, last: Option<&Self>, tenant: TenantId) -> bool {
        let place = match last {
            None => self.previous_hash.is_empty() && self.sequence == 1,
            Some(last) => {
                let next = if last.day == self.day {
                    self.sequence == last.sequence + 1
                } else {
                    self.sequence == 1 && self.day > last.day
                };
                next && self.previous_hash == last.hash
            }
        };
        place && self.hash == self.expected_hash(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(tenant: TenantId, seconds: i64) -> AuditEvent {
        AuditEvent {
            tenant,
            actor: Actor::User(UserId::new()),
            action: AuditAction::LoginSucceeded,
            target: None,
            outcome: AuditOutcome::Success,
            at: Moment::from_unix_seconds(seconds),
            origin: Origin {
                request_id: RequestId::new(),
                source_ip: Some("192.0.2.1".to_owned()),
                user_agent: None,
            },
        }
    }

    #[test]
    fn records_form_a_chain_over_days_that_shows_any_change() {
        const DAY: i64 = 86_400;
        let tenant = TenantId::new();
        let mut chain: Vec<AuditRecord> = Vec::new();
        for seconds in [0, 1, DAY, DAY - 1, 3 * DAY] {
            let next = AuditRecord::following(chain.last(), &event(tenant, seconds));
            chain.push(next);
        }
        let places: Vec<(&str, u64)> = chain
            .iter()
            .map(|record| (record.day.as_str(), record.sequence))
            .collect();
        assert_eq!(
            places,
            [
                ("1970-01-01", 1),
                ("1970-01-01", 2),
                ("1970-01-02", 1),
                ("1970-01-02", 2),
                ("1970-01-04", 1)
            ]
        );
        let holds = |chain: &[AuditRecord]| {
            (0..chain.len()).all(|index| {
                let last = index.checked_sub(1).map(|index| &chain[index]);
                chain[index].follows(last, tenant)
            })
        };
        assert!(holds(&chain));
        assert!(!chain[1].follows(Some(&chain[0]), TenantId::new()));
        let mut without = chain.clone();
        without.remove(2);
        assert!(!holds(&without));
        let mut swapped = chain.clone();
        swapped.swap(1, 2);
        assert!(!holds(&swapped));
        let mut changed = chain.clone();
        changed[3].outcome = AuditOutcome::Denied;
        assert!(!holds(&changed));
        changed[3].hash = changed[3].expected_hash(tenant);
        assert!(!holds(&changed), "the next one shows it");
    }
}
