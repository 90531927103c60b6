//! What credentials are worth right now, remembered for half a minute.
//!
//! A logout, a lower role, a removed member, a suspended tenant or a revoked key takes effect at once in the
//! process that wrote it, and within [`crate::kept::BELIEVED_FOR`] in every other.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, Moment};
use crate::error::Result;
use crate::kept::{Kept, MOST_KEPT};
use crate::model::{SessionId, TenantId, TenantStatus, UserId};
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
    used: Mutex<HashMap<crate::model::ApiKeyId, Moment>>,
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
        if let Some(standing) = self.0.members.get(&who, now) {
            return Ok(Some(standing));
        }
        let found = self.0.store.standing(user, tenant, session, now).await?;
        if let Some(standing) = found {
            self.0.members.put(who, standing, now);
        }
        Ok(found)
    }

    /// The status of a tenant whose people are known elsewhere.
    pub(super) async fn tenant(&self, tenant: TenantId) -> Result<Option<TenantStatus>> {
        let now = self.0.clock.now();
        if let Some(status) = self.0.tenants.get(&tenant, now) {
            return Ok(Some(status));
        }
        let found = self.0.store.tenant_status(tenant).await?;
        if let Some(status) = found {
            self.0.tenants.put(tenant, status, now);
        }
        Ok(found)
    }

    /// What the secret with that hash may do.
    pub(super) async fn grant(&self, hash: &str) -> Result<Option<KeyGrant>> {
        let now = self.0.clock.now();
        let good = |grant: &KeyGrant| grant.good_until.is_none_or(|end| end > now);
        if let Some(grant) = self.0.grants.get(&hash.to_owned(), now) {
            return Ok(Some(grant).filter(good));
        }
        let found = self.0.store.key_grant(hash, now).await?;
        if let Some(grant) = found {
            self.0.grants.put(hash.to_owned(), grant, now);
        }
        Ok(found)
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
