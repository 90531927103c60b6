//! What credentials are worth right now, remembered for half a minute.
//!
//! A logout, a lower role, a removed member, a suspended tenant or a revoked key takes effect at once in the
//! process that wrote it, and within [`crate::kept::BELIEVED_FOR`] in every other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Moment};
use crate::error::Result;
use crate::kept::{Kept, MOST_KEPT};
use crate::model::{ApiKey, ApiKeyId, SessionId, TenantId, TenantStatus, UserId};
use crate::store::{KeyGrant, Standing, Store, USE_IS_RECORDED_EVERY};

/// A member, with the session if there is one.
type Who = (UserId, TenantId, Option<SessionId>);

/// The standings and key grants that a process remembers.
#[derive(Debug, Clone)]
pub struct Standings(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    members: Kept<Who, Standing>,
    grants: Kept<String, KeyGrant>,
    tenants: Kept<TenantId, TenantStatus>,
    used: Mutex<HashMap<ApiKeyId, Moment>>,
}

impl Standings {
    /// With nothing remembered yet.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            members: Kept::default(),
            grants: Kept::default(),
            tenants: Kept::default(),
            used: Mutex::default(),
        }))
    }

    /// The standing of a member, whose session, if there is one, must be alive.
    pub(super) async fn of(
        &self,
        user: UserId,
        tenant: TenantId,
        session: Option<SessionId>,
    ) -> Result<Option<Standing>> {
        let (who, now) = ((user, tenant, session), self.0.clock.now());
        let state = match self.0.members.get(&who, now) {
            Ok(standing) => return Ok(Some(standing)),
            Err(state) => state,
        };
        let found = self.0.store.standing(user, tenant, session, now).await?;
        if let Some(standing) = found {
            self.0.members.put(who, standing, now, state);
        }
        Ok(found)
    }

    /// The status of a tenant whose people are known elsewhere.
    pub(super) async fn tenant(&self, tenant: TenantId) -> Result<Option<TenantStatus>> {
        let now = self.0.clock.now();
        let state = match self.0.tenants.get(&tenant, now) {
            Ok(status) => return Ok(Some(status)),
            Err(state) => state,
        };
        let found = self.0.store.tenant_status(tenant).await?;
        if let Some(status) = found {
            self.0.tenants.put(tenant, status, now, state);
        }
        Ok(found)
    }

    /// What the secret with that hash may do.
    pub(super) async fn grant(&self, hash: &str) -> Result<Option<KeyGrant>> {
        let now = self.0.clock.now();
        let good = |grant: &KeyGrant| grant.good_until.is_none_or(|end| end > now);
        let state = match self.0.grants.get(&hash.to_owned(), now) {
            Ok(grant) => return Ok(Some(grant).filter(good)),
            Err(state) => state,
        };
        let found = self.0.store.key_grant(hash, now).await?;
        if let Some(grant) = found {
            self.0.grants.put(hash.to_owned(), grant, now, state);
        }
        Ok(found)
    }

    /// A key that is still good, by its id. It is read each time: what is done with it is seldom.
    pub(super) async fn key(&self, tenant: TenantId, id: ApiKeyId) -> Result<Option<ApiKey>> {
        self.0
            .store
            .api_key_good(tenant, id, self.0.clock.now())
            .await
    }

    /// Notes that a key is used, at most once a minute. It is no condition of the request: a failure is
    /// logged and no more.
    pub(super) async fn note_use(&self, grant: &KeyGrant) {
        let now = self.0.clock.now();
        {
            let mut used = self.0.used.lock().unwrap_or_else(PoisonError::into_inner);
            let recent = used
                .get(&grant.id)
                .is_some_and(|at| now.since(*at) < USE_IS_RECORDED_EVERY);
            if recent {
                return;
            }
            if used.len() >= MOST_KEPT {
                used.clear();
            }
            used.insert(grant.id, now);
        }
        if let Err(error) = self.0.store.key_used(grant, now).await {
            tracing::warn!(key.id = %grant.id, error = ?error, "the use of key {} could not be noted: {error}", grant.id);
        }
    }

    /// Forgets what this process knows of a person, after a change to it.
    pub fn forget_user(&self, user: UserId) {
        self.0.members.forget(|(known, ..)| *known == user);
    }

    /// Forgets what this process knows of a tenant's people and keys, after a change to it.
    pub fn forget_tenant(&self, tenant: TenantId) {
        self.0.members.forget(|(_, known, _)| *known == tenant);
        self.0.tenants.forget(|known| *known == tenant);
    }

    /// Forgets what this process knows of the secrets with those hashes, after a change to their key.
    pub fn forget_secrets(&self, hashes: &[&str]) {
        self.0
            .grants
            .forget(|known| hashes.contains(&known.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kept::BELIEVED_FOR;

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let kept: Kept<u8, u8> = Kept::default();
        let now = Moment::from_unix_seconds(0);
        let before = kept.get(&1, now).expect_err("nothing yet");
        // Another request changes it while this one reads.
        kept.forget(|key| *key == 1);
        kept.put(1, 7, now, before);
        let after = kept.get(&1, now).expect_err("not remembered");
        kept.put(1, 8, now, after);
        assert_eq!(kept.get(&1, now), Ok(8));
        let later = now.plus(BELIEVED_FOR);
        assert_eq!(kept.get(&1, later), Err(after));
    }
}
