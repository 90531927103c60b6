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
    RegistryChanged,
    BudgetStored,
    BudgetDeleted,
    BudgetThresholdReached,
    KnowledgeBaseShared,
    KnowledgeBaseDeleted,
    DocumentShared,
    DocumentDeleted,
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

/// Where a record stands, and its hash: what the next one follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditLink {
    /// Its day.
    pub day: String,
    /// Its number in the day.
    pub sequence: u64,
    /// Its hash.
    pub hash: String,
}

/// Why the chain of a trail does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChainFault {
    /// The record is not what its hash was made of, or not of this tenant.
    Changed,
    /// What stands at this place is no record.
    Unreadable,
    /// The record was written for another place.
    OutOfPlace,
    /// No record stands at this place, though one did.
    Missing,
    /// The record does not follow the one before it: one of the two was not written by this API.
    Unlinked,
    /// Records from this place on were not written by this API.
    Added,
}

impl AuditRecord {
    /// The event as the one after `last`.
    pub fn following(last: Option<&AuditLink>, event: &AuditEvent) -> Self {
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

    /// Where it stands, and its hash.
    pub fn link(&self) -> AuditLink {
        AuditLink {
            day: self.day.clone(),
            sequence: self.sequence,
            hash: self.hash.clone(),
        }
    }

    /// What is wrong with it as the one after `last`, and where: a record that is missing is told with the place
    /// where it would be.
    pub fn fault(
        &self,
        last: Option<&AuditLink>,
        tenant: TenantId,
    ) -> Option<(ChainFault, String, u64)> {
        let here = |fault| Some((fault, self.day.clone(), self.sequence));
        if self.hash != self.expected_hash(tenant) {
            return here(ChainFault::Changed);
        }
        let same_day = last.filter(|last| last.day == self.day);
        let expected = same_day.map_or(1, |last| last.sequence + 1);
        if self.sequence != expected {
            return Some((ChainFault::Missing, self.day.clone(), expected));
        }
        if self.previous_hash == last.map(|last| last.hash.as_str()).unwrap_or_default() {
            return None;
        }
        match (same_day, last) {
            (Some(_), _) => here(ChainFault::Unlinked),
            // It is the first of its day, so the end of the day before is not what it was.
            (None, Some(last)) => Some((ChainFault::Missing, last.day.clone(), last.sequence + 1)),
            (None, None) => here(ChainFault::Missing),
        }
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

    const DAY: i64 = 86_400;

    fn chain(tenant: TenantId) -> Vec<AuditRecord> {
        let mut chain: Vec<AuditRecord> = Vec::new();
        for seconds in [0, 1, DAY, DAY - 1, 3 * DAY] {
            let last = chain.last().map(AuditRecord::link);
            chain.push(AuditRecord::following(
                last.as_ref(),
                &event(tenant, seconds),
            ));
        }
        chain
    }

    fn faults(chain: &[AuditRecord], tenant: TenantId) -> Vec<(ChainFault, String, u64)> {
        let mut last = None;
        let found = chain.iter().filter_map(|record| {
            let fault = record.fault(last.as_ref(), tenant);
            last = Some(record.link());
            fault
        });
        found.collect()
    }

    #[test]
    fn days_and_numbers_only_go_up() {
        let chain = chain(TenantId::new());
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
    }

    #[test]
    fn any_change_of_the_chain_shows_where_it_is() {
        use ChainFault::{Changed, Missing, Unlinked};
        let tenant = TenantId::new();
        let whole = chain(tenant);
        assert_eq!(faults(&whole, tenant), []);
        assert_eq!(faults(&whole, TenantId::new()).len(), whole.len());
        let at = |fault, day: &str, sequence| vec![(fault, day.to_owned(), sequence)];

        let mut without = whole.clone();
        without.remove(0);
        assert_eq!(faults(&without, tenant), at(Missing, "1970-01-01", 1));
        let mut without = whole.clone();
        without.remove(1);
        assert_eq!(faults(&without, tenant), at(Missing, "1970-01-01", 2));
        let mut without = whole.clone();
        without.remove(2);
        assert_eq!(faults(&without, tenant), at(Missing, "1970-01-02", 1));

        let mut changed = whole.clone();
        changed[0].outcome = AuditOutcome::Denied;
        assert_eq!(faults(&changed, tenant), at(Changed, "1970-01-01", 1));
        changed[0].hash = changed[0].expected_hash(tenant);
        assert_eq!(faults(&changed, tenant), at(Unlinked, "1970-01-01", 2));
        let mut changed = whole;
        changed[1].previous_hash.clear();
        changed[1].hash = changed[1].expected_hash(tenant);
        assert_eq!(
            faults(&changed, tenant)[0],
            at(Unlinked, "1970-01-01", 2)[0]
        );
    }
}
