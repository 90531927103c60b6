//! The one DynamoDB table. Nothing else speaks to DynamoDB.
//!
//! Keys: `pk` and `sk` are strings; `expires_at` is the TTL attribute, in Unix seconds. The local secondary
//! index `by_activity` orders a partition by the number `active_at`.
//!
//! | `pk` | `sk` | what | file |
//! | --- | --- | --- | --- |
//! | `EMAIL#<address>` | `EMAIL` | guard: this address has this user | `account.rs` |
//! | `USER#<user>` | `PROFILE`, `MEMBER#<tenant>`, `PREFERENCES` | a person | `account.rs`, `member.rs` |
//! | `USER#<user>` | `SESSION#<session>`, `RESET`, `VERIFY` | logins, tokens good once | `session.rs`, `one_time.rs` |
//! | `LOGIN#<hash of the address>` | `LOGIN` | failed logins in a row | `lockout.rs` |
//! | `TENANT#<tenant>` | `TENANT` | a tenant | `tenant.rs` |
//! | `TENANT#<tenant>` | `MEMBER#<user>` | who belongs to it | `member.rs` |
//! | `TENANT#<tenant>` | `INVITE#<invitation>`, `INVITED#<hash of the address>` | who may join it | `invitation.rs` |
//! | `TENANT#<tenant>` | `APIKEY#<key>`, `APIKEYS` | an API key, how many were made | `api_key.rs` |
//! | `TENANT#<tenant>` | `PROVIDERKEY#<provider>` | a key that the tenant brought, sealed | `credential.rs` |
//! | `TENANT#<tenant>` | `REGISTRY` | what it says about models | `registry.rs` |
//! | `TENANT#<tenant>` | `BUDGET#<scope>` | what may be spent | `budget.rs` |
//! | `TENANT#<tenant>#SPEND#<scope>` | `DAY#<day>#<since>`, `MONTH#<month>#<since>` | what a budget counted | `spend.rs` |
//! | `TENANT#<tenant>#RESERVED` | `RUN#<run>` | what a run under way has reserved | `spend.rs` |
//! | `APIKEY#<hash of the secret>` | `APIKEY` | what a request with that secret may do | `api_key.rs` |
//! | `TENANT#<tenant>` | `IDP#<identity provider>` | another issuer that the tenant trusts | `identity_provider.rs` |
//! | `ISSUER#<hash of issuer and audience>` | `ISSUER` | whose data its tokens reach | `identity_provider.rs` |
//! | `AUDIT#<tenant>` | `<day>#<sequence>`, `HEAD` | the audit trail, its newest record | `audit.rs` |
//! | `OUTBOX#<0 to f>` | `<mail>` | mails that are to be sent | `outbox.rs` |
//! | `TENANT#<tenant>#USER#<user>` | `CONV#<conversation>` | a conversation | `conversation.rs` |
//! | `TENANT#<tenant>#USER#<user>` | `THREAD#<conversation>` | one that is in no list and expires | `thread.rs` |
//! | `TENANT#<tenant>#CONV#<conversation>` | `MSG#<sequence>` | a message of either | `message.rs` |
//! | `TENANT#<tenant>#CONV#<conversation>` | `SUMMARY` | what stands in for its oldest messages | `summary.rs` |
//! | `TENANT#<tenant>#USER#<user>` | `RUN#<run>` | what becomes of a question | `run.rs`, `turn.rs` |
//! | `TENANT#<tenant>#RUN#<run>` | `EVENTS#<number>` | its events, for a day | `run.rs` |
//! | `TENANT#<tenant>#RUN#<run>` | `WORK` | what a worker needs to begin it | `queued.rs` |
//! | `TENANT#<tenant>#RUN#<run>` | `RESPONSE` | what was asked beside messages, if it can be fetched | `thread.rs` |
//! | `QUEUED#<0 to f>` | `<run>` | runs that wait for a worker | `queued.rs` |
//! | `TENANT#<tenant>#USER#<user>` | `JOB#<job>` | work that is done later | `job.rs` |
//! | `TENANT#<tenant>#USER#<user>` | `FILE#<document>` | a file that is uploaded, in whatever knowledge bases | `file.rs` |
//! | `TENANT#<tenant>#FAILEDJOBS` | `JOB#<job>` | jobs that failed | `job.rs` |
//! | `JOBS#<0 to f>` | `<job>` | jobs that are not done | `job_queue.rs` |
//! | `TENANT#<tenant>#CIRCUIT` | `<provider>#<model>` | how a model that failed is doing | `circuit.rs` |
//! | `TENANT#<tenant>#ONCE#<hash>` | `ONCE` | what a request with a key began or did | `idempotency.rs`, `claim.rs` |
//! | `TENANT#<tenant>#CACHE#<0 to f>` | `<key>` | an answer that can be given again, sealed | `cached_answer.rs` |
//! | `TENANT#<tenant>#KBS` | `KB#<knowledge base>` | a knowledge base | `knowledge.rs` |
//! | `TENANT#<tenant>#KB#<knowledge base>` | `INDEX` | what its indexes consist of | `knowledge_index.rs` |
//! | `TENANT#<tenant>#KB#<knowledge base>` | `DOC#<document>` | a document of it | `document.rs` |
//! | `TENANT#<tenant>#KB#<knowledge base>` | `HASH#<sha256>` | which document has that content | `document.rs` |
//! | `TENANT#<tenant>#KB#<knowledge base>` | `BATCH#<batch>` | files that were put into it together | `file_batch.rs` |
//! | `TENANT#<tenant>#KB#<knowledge base>` | `READERS#<document>` | who alone may see it | `knowledge_index.rs` |
//! | `LIMIT#<kind>#<subject>` | `<policy>#<start>` | a window of a rate limit | `limit.rs` |
//!
//! What a tenant owns has the tenant at the head of its key, and is reached through [`TenantStore`], which
//! only a [`Caller`] opens. People exist before a tenant is known, so their rows are reached through
//! [`IdentityStore`], which only the functions `auth` and `tenants` may open.

mod account;
mod api_key;
mod audit;
mod audit_chain;
mod batch_write;
mod budget;
mod cached_answer;
mod circuit;
mod claim;
mod conversation;
mod conversation_items;
mod credential;
mod document;
mod document_read;
mod file;
mod file_batch;
mod idempotency;
mod identity_provider;
mod invitation;
mod item;
mod job;
mod job_effect;
mod job_queue;
mod knowledge;
mod knowledge_index;
mod limit;
mod lockout;
mod member;
mod message;
mod one_time;
mod outbox;
mod queued;
mod registry;
mod run;
mod session;
mod spend;
mod spread;
mod standing;
mod summary;
mod tenant;
mod thread;
mod transaction;
mod turn;
mod walk;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

pub use account::{NewAccount, Preferences};
pub use api_key::{KeyGrant, USE_IS_RECORDED_EVERY};
pub use audit::{AuditPage, AuditPlace};
pub use audit_chain::AuditWalk;
pub use circuit::Circuit;
pub use claim::CLAIM_LASTS;
pub(crate) use claim::{Claim, Claimed};
pub use conversation::ConversationChange;
pub use conversation_items::Changed;
pub use document::{DocumentChange, NewContent, Taken};
pub use idempotency::{Begun as BegunOnce, ONCE_LASTS, Once};
pub use identity_provider::{MOST_IDENTITY_PROVIDERS, Trusted};
pub use invitation::Joined;
pub use job::{FailedJob, Moved, StoredJob};
pub use job_effect::{DocumentReady, IndexSwitch, JobEffect, NewTitle};
pub use job_queue::WaitingJob;
pub use knowledge_index::{DocumentReaders, SegmentsChange};
pub use limit::LimitWindow;
pub use lockout::{FailedLogins, HARD_STOP};
pub use member::{Authority, MemberChanged};
pub use message::{History, Page};
pub use one_time::{OneTime, Purpose};
pub use outbox::Mail;
pub use queued::{QueuedRun, Started};
pub use run::{EVENTS_LAST, MOST_EVENTS_AT_ONCE, Pulse};
pub use session::Rotation;
pub use spend::OpenReservation;
pub use standing::Standing;
pub use turn::{Beginning, Begun, Ended};
pub use walk::{Direction, Walk};

use crate::auth::Caller;
use crate::error::Result;
use crate::model::{TenantId, UserId};

/// The table. It gives out handles; by itself it reads and writes nothing that belongs to anybody.
#[derive(Debug, Clone)]
pub struct Store {
    db: Client,
    table: Arc<str>,
    /// The claim of the request that this handle is for, if it is to be done once: the first write carries it.
    claim: Option<Claim>,
}

/// The table as one caller may see it: rows of the caller's tenant, and of those the caller's own.
#[derive(Debug, Clone)]
pub struct TenantStore {
    store: Store,
    tenant: TenantId,
    user: UserId,
}

/// The rows of people, who exist before a tenant is known. Only the functions `auth` and `tenants` open it.
#[derive(Debug, Clone)]
pub struct IdentityStore {
    store: Store,
}

/// The mails that are to be sent. Only the function that sends them opens it.
#[derive(Debug, Clone)]
pub struct OutboxStore {
    store: Store,
}

/// The runs that wait for a worker. Only the worker opens it.
#[derive(Debug, Clone)]
pub struct RunQueueStore {
    store: Store,
}

/// The jobs that are not done. Only the worker opens it.
#[derive(Debug, Clone)]
pub struct JobQueueStore {
    store: Store,
}

impl Store {
    /// The table of that name, with the settings of `sdk`.
    pub fn new(sdk: &aws_config::SdkConfig, table: &str) -> Self {
        Self {
            db: Client::new(sdk),
            table: table.into(),
            claim: None,
        }
    }

    /// The table as this caller may see it. Where the caller's request is to be done once, the first write carries
    /// its claim.
    pub fn of(&self, caller: &Caller) -> TenantStore {
        TenantStore {
            store: self.claimed(caller),
            tenant: caller.tenant(),
            user: caller.user(),
        }
    }

    /// The rows of people, who exist before a tenant is known.
    pub fn identity(&self) -> IdentityStore {
        IdentityStore {
            store: self.clone(),
        }
    }

    /// The mails that are to be sent.
    pub fn outbox(&self) -> OutboxStore {
        OutboxStore {
            store: self.clone(),
        }
    }

    /// The runs that wait for a worker.
    pub fn run_queue(&self) -> RunQueueStore {
        RunQueueStore {
            store: self.clone(),
        }
    }

    /// The jobs that are not done.
    pub fn job_queue(&self) -> JobQueueStore {
        JobQueueStore {
            store: self.clone(),
        }
    }

    fn claimed(&self, caller: &Caller) -> Self {
        Self {
            claim: caller.claim().cloned(),
            ..self.clone()
        }
    }

    /// Whether the table answers. It reads a key that does not exist, which also opens the connection.
    pub async fn check(&self) -> Result<()> {
        let request = self.db.get_item().table_name(&*self.table);
        let output = request
            .set_key(Some(item::key("CHECK", "CHECK")))
            .send()
            .await;
        output.map(|_| ()).map_err(crate::aws::error)
    }
}

impl IdentityStore {
    /// The same rows for what a caller asks. Where the request is to be done once, the first write carries its claim.
    pub fn of(&self, caller: &Caller) -> Self {
        Self {
            store: self.store.claimed(caller),
        }
    }
}
