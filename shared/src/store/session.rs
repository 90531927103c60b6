//! Sessions: `USER#<user>` / `SESSION#<session>`, with a TTL.
//!
//! Questions: what is the state of this session? which does this person have? Writes: create, rotate from one
//! hash to the next, revoke.

use serde::{Deserialize, Serialize};

use super::IdentityStore;
use super::account::user_pk;
use super::item::{IS_NEW, Item, Written, key, moment, n, s, to_item, written};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{AuditEvent, Session, SessionId, TenantId, UserId};

/// How many sessions of a person are shown: the newest.
const MOST_LISTED: u32 = 100;

#[derive(Serialize, Deserialize)]
pub(super) struct SessionItem {
    id: SessionId,
    user: UserId,
    pub(super) tenant: TenantId,
    #[serde(default)]
    user_agent: Option<String>,
    current_hash: String,
    previous_hash: Option<String>,
    derived_with: Option<String>,
    rotated_at: Moment,
    pub(super) created_at: Moment,
    /// The TTL attribute, in Unix seconds.
    pub(super) expires_at: i64,
}

/// From which refresh secret to which.
#[derive(Debug, Clone)]
pub struct Rotation {
    /// The hash of the secret that is used up.
    pub from_hash: String,
    /// The hash of its successor.
    pub to_hash: String,
    /// The signing key that the successor was derived with.
    pub derived_with: String,
    /// When.
    pub at: Moment,
    /// Until when the successor is good.
    pub expires_at: Moment,
}

pub(super) fn session_key(user: UserId, session: SessionId) -> Item {
    key(user_pk(user), format!("SESSION#{session}"))
}

impl IdentityStore {
    /// Writes a new session, and the event.
    pub async fn session_create(&self, session: &Session, event: &AuditEvent) -> Result<()> {
        let item = to_item(
            session_key(session.user, session.id),
            &SessionItem::from(session),
        )?;
        let part = self.store.put(item, IS_NEW)?;
        let written = self.store.transact_audited(vec![part], event).await?;
        written.surely()
    }

    /// A session that has not expired at `now`. A revoked one does not exist.
    pub async fn session_get(
        &self,
        user: UserId,
        session: SessionId,
        now: Moment,
    ) -> Result<Option<Session>> {
        let found = self.store.get::<SessionItem>(session_key(user, session));
        let found = found.await?.map(Session::from);
        Ok(found.filter(|session| session.expires_at > now))
    }

    /// The sessions of a person that have not expired at `now`, newest first.
    pub async fn session_list(&self, user: UserId, now: Moment) -> Result<Vec<Session>> {
        // Ids sort by time, and expired rows may stay for days: all are read, which are few.
        let mut after = None;
        let mut found: Vec<Session> = Vec::new();
        loop {
            let page =
                self.store
                    .list::<SessionItem>(user_pk(user), "SESSION#", after, MOST_LISTED);
            let (items, has_more) = page.await?;
            after = items.last().map(|item| format!("SESSION#{}", item.id));
            found.extend(items.into_iter().map(Session::from));
            if !has_more {
                break;
            }
        }
        found.retain(|session| session.expires_at > now);
        found.reverse();
        found.truncate(MOST_LISTED as usize);
        Ok(found)
    }

    /// Moves a session to its next refresh secret. `false` if `from_hash` is not the current one any more.
    pub async fn session_rotate(
        &self,
        user: UserId,
        session: SessionId,
        rotation: &Rotation,
    ) -> Result<bool> {
        let request = self.store.db.update_item().table_name(&*self.store.table);
        let request = request
            .set_key(Some(session_key(user, session)))
            .update_expression(
                "SET current_hash = :to, previous_hash = :from, derived_with = :key, rotated_at = :at, expires_at = :end",
            )
            .condition_expression("current_hash = :from")
            .expression_attribute_values(":from", s(&rotation.from_hash))
            .expression_attribute_values(":to", s(&rotation.to_hash))
            .expression_attribute_values(":key", s(&rotation.derived_with))
            .expression_attribute_values(":at", moment(rotation.at)?)
            .expression_attribute_values(":end", n(rotation.expires_at.unix_seconds()));
        Ok(written(request.send().await)? == Written::Yes)
    }

    /// Ends a session, with the event. `false`, and nothing written, if there is none.
    pub async fn session_revoke(
        &self,
        user: UserId,
        session: SessionId,
        event: &AuditEvent,
    ) -> Result<bool> {
        let key = session_key(user, session);
        let part = self.store.delete(key, "attribute_exists(pk)", [])?;
        let written = self.store.transact_audited(vec![part], event).await?;
        Ok(written.made())
    }
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        let Session {
            id,
            user,
            tenant,
            user_agent,
            current_hash,
            previous_hash,
            derived_with,
            rotated_at,
            created_at,
            expires_at,
        } = session.clone();
        Self {
            id,
            user,
            tenant,
            user_agent,
            current_hash,
            previous_hash,
            derived_with,
            rotated_at,
            created_at,
            expires_at: expires_at.unix_seconds(),
        }
    }
}

impl From<SessionItem> for Session {
    fn from(item: SessionItem) -> Self {
        let SessionItem {
            id,
            user,
            tenant,
            user_agent,
            current_hash,
            previous_hash,
            derived_with,
            rotated_at,
            created_at,
            expires_at,
        } = item;
        Self {
            id,
            user,
            tenant,
            user_agent,
            current_hash,
            previous_hash,
            derived_with,
            rotated_at,
            created_at,
            expires_at: Moment::from_unix_seconds(expires_at),
        }
    }
}
