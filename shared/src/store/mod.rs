//! The one DynamoDB table. Nothing else speaks to DynamoDB.
//!
//! Keys: `pk` and `sk` are strings; `expires_at` is the TTL attribute, in Unix seconds. The local secondary
//! index `by_activity` orders a partition by the number `active_at`.
//!
//! | `pk` | `sk` | what | file |
//! | --- | --- | --- | --- |
//! | `EMAIL#<address>` | `EMAIL` | guard: this address has this user | `identity.rs` |
//! | `USER#<user>` | `PROFILE`, `MEMBER#<tenant>`, `SESSION#<session>` | a person | `identity.rs`, `session.rs` |
//! | `TENANT#<tenant>` | `TENANT`, `MEMBER#<user>` | a tenant | `identity.rs` |
//! | `TENANT#<tenant>#USER#<user>` | `CONV#<conversation>` | a conversation | `conversation.rs` |
//! | `TENANT#<tenant>#CONV#<conversation>` | `MSG#<sequence>` | a message | `message.rs` |
//! | `LIMIT#<kind>#<subject>` | `<policy>#<start>` | a window of a rate limit | `limit.rs` |
//!
//! What a tenant owns has the tenant at the head of its key, and is reached through [`TenantStore`], which
//! only a [`Caller`] opens. People exist before a tenant is known, so their rows are reached through
//! [`IdentityStore`], which only the function `auth` may open.

mod conversation;
mod identity;
mod item;
mod limit;
mod message;
mod session;

use std::sync::Arc;

use aws_sdk_dynamodb::Client;

pub use conversation::ConversationChange;
pub use identity::{IdentityStore, NewAccount};
pub use limit::LimitWindow;
pub use message::{Begun, History, Page};
pub use session::Rotation;

use crate::auth::Caller;
use crate::error::Result;
use crate::model::{TenantId, UserId};

/// The table. It gives out handles; by itself it reads and writes nothing that belongs to anybody.
#[derive(Debug, Clone)]
pub struct Store {
    db: Client,
    table: Arc<str>,
}

/// The table as one caller may see it: rows of the caller's tenant, and of those the caller's own.
#[derive(Debug, Clone)]
pub struct TenantStore {
    store: Store,
    tenant: TenantId,
    user: UserId,
}

impl Store {
    /// The table of that name, with the settings of `sdk`.
    pub fn new(sdk: &aws_config::SdkConfig, table: &str) -> Self {
        Self {
            db: Client::new(sdk),
            table: table.into(),
        }
    }

    /// The table as this caller may see it.
    pub fn of(&self, caller: &Caller) -> TenantStore {
        TenantStore {
            store: self.clone(),
            tenant: caller.tenant(),
            user: caller.user(),
        }
    }

    /// The rows of people, who exist before a tenant is known. Only for the function `auth`.
    pub fn identity(&self) -> IdentityStore {
        IdentityStore::new(self.clone())
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
