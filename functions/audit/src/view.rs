//! What goes out.

use serde::Serialize;
use shared::http::Timestamp;
use shared::model::{Actor, AuditAction, AuditLink, AuditOutcome, AuditRecord, RequestId};

/// Something that happened.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditRecord)]
pub(crate) struct RecordView {
    /// The day in UTC under which it stands.
    #[schema(example = "2026-01-31")]
    day: String,
    /// Its number in the tenant's day, from 1 on.
    sequence: u64,
    /// When it happened.
    at: Timestamp,
    /// Who did it.
    actor: ActorView,
    /// What happened.
    action: AuditAction,
    /// To what: an id, or an operation.
    target: Option<String>,
    /// Whether it was done.
    outcome: AuditOutcome,
    /// The address that the request came from.
    source_ip: Option<String>,
    /// The request, as in `x-request-id` and in the logs.
    request_id: String,
    /// The hash of the record before it, also over the end of a day; empty for the tenant's first.
    previous_hash: String,
    /// SHA-256 over the tenant and everything above.
    hash: String,
}

/// Who did something.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditActor)]
pub(crate) struct ActorView {
    /// What it is.
    #[serde(rename = "type")]
    kind: ActorKind,
    /// Its id; `null` for `anonymous`.
    id: Option<String>,
}

/// What somebody is.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ActorKind {
    /// A person.
    User,
    /// A program with a key.
    ApiKey,
    /// Nobody who proved to be anybody.
    Anonymous,
}

/// Where a record stands, and its hash.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = AuditLink)]
pub(crate) struct LinkView {
    /// Its day.
    day: String,
    /// Its number in the day.
    sequence: u64,
    /// Its hash.
    hash: String,
}

impl From<AuditRecord> for RecordView {
    fn from(record: AuditRecord) -> Self {
        let AuditRecord {
            day,
            sequence,
            at,
            actor,
            action,
            target,
            outcome,
            source_ip,
            request_id,
            previous_hash,
            hash,
        } = record;
        Self {
            day,
            sequence,
            at: Timestamp(at),
            actor: actor.into(),
            action,
            target,
            outcome,
            source_ip,
            request_id: RequestId::to_string(&request_id),
            previous_hash,
            hash,
        }
    }
}

impl From<Actor> for ActorView {
    fn from(actor: Actor) -> Self {
        let (kind, id) = match actor {
            Actor::User(id) => (ActorKind::User, Some(id.to_string())),
            Actor::ApiKey(id) => (ActorKind::ApiKey, Some(id.to_string())),
            Actor::Anonymous => (ActorKind::Anonymous, None),
        };
        Self { kind, id }
    }
}

impl From<AuditLink> for LinkView {
    fn from(link: AuditLink) -> Self {
        let AuditLink {
            day,
            sequence,
            hash,
        } = link;
        Self {
            day,
            sequence,
            hash,
        }
    }
}
