//! Sessions: `USER#<user>` / `SESSION#<session>`, with a TTL.
//!
//! Questions: what is the state of this session? Writes: create, rotate from one hash to the next, revoke.

use serde::{Deserialize, Serialize};

use super::identity::{IdentityStore, user_pk};
use super::item::{IS_NEW, Item, Written, from_item, key, n, s, to_item, written};
use crate::clock::Moment;
use crate::error::{Error, Result};
use crate::model::{Membership, MembershipRole, Session, SessionId, TenantId, UserId};

#[derive(Serialize, Deserialize)]
struct SessionItem {
    id: SessionId,
    user: UserId,
    tenant: TenantId,
    role: MembershipRole,
    current_hash: String,
    previous_hash: Option<String>,
    derived_with: Option<String>,
    rotated_at: Moment,
    created_at: Moment,
    /// The TTL attribute, in Unix seconds.
    expires_at: i64,
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

fn session_key(user: UserId, session: SessionId) -> Item {
    key(user_pk(user), format!("SESSION#{session}"))
}

impl IdentityStore {
    /// Writes a new session.
    pub async fn session_create(&self, session: &Session) -> Result<()> {
        let item = to_item(
            session_key(session.user, session.id),
            &SessionItem::from(session),
        )?;
        let request = self.store.db.put_item().table_name(&*self.store.table);
        let request = request.set_item(Some(item)).condition_expression(IS_NEW);
        match written(request.send().await)? {
            Written::Yes => Ok(()),
            Written::ConditionFailed { .. } => {
                Err(Error::internal("the new session exists already"))
            }
        }
    }

    /// A session that has not expired at `now`. A revoked one does not exist.
    pub async fn session_get(
        &self,
        user: UserId,
        session: SessionId,
        now: Moment,
    ) -> Result<Option<Session>> {
        let request = self
            .store
            .db
            .get_item()
            .table_name(&*self.store.table)
            .consistent_read(true);
        let request = request.set_key(Some(session_key(user, session)));
        let output = request.send().await.map_err(crate::aws::error)?;
        let session = output
            .item
            .map(from_item::<SessionItem>)
            .transpose()?
            .map(Session::from);
        Ok(session.filter(|session| session.expires_at > now))
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
            .expression_attribute_values(":at", serde_dynamo::to_attribute_value(rotation.at).map_err(Error::internal)?)
            .expression_attribute_values(":end", n(rotation.expires_at.unix_seconds()));
        Ok(written(request.send().await)? == Written::Yes)
    }

    /// Ends a session. Ending it twice is ending it once.
    pub async fn session_revoke(&self, user: UserId, session: SessionId) -> Result<()> {
        let request = self.store.db.delete_item().table_name(&*self.store.table);
        let request = request.set_key(Some(session_key(user, session)));
        request.send().await.map(|_| ()).map_err(crate::aws::error)
    }
}

impl From<&Session> for SessionItem {
    fn from(session: &Session) -> Self {
        let Session {
            id,
            user,
            membership: Membership { tenant, role },
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
            role,
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
            role,
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
            membership: Membership { tenant, role },
            current_hash,
            previous_hash,
            derived_with,
            rotated_at,
            created_at,
            expires_at: Moment::from_unix_seconds(expires_at),
        }
    }
}
