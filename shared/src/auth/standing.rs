//! What credentials are worth right now, remembered for half a minute.
//!
//! A logout, a lower role, a removed member, a suspended tenant or a revoked key takes effect at once in the
//! process that wrote it, and within [`BELIEVED_FOR`] in every other.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Moment};
use crate::error::Result;
use crate::model::{SessionId, TenantId, UserId};
use crate::store::{KeyGrant, Standing, Store, USE_IS_RECORDED_EVERY};

/// For how long what was read is believed.
pub const BELIEVED_FOR: Duration = Duration::from_secs(30);
/// How many are remembered in a process at most.
const MOST_KEPT: usize = 10_000;

/// A map whose entries are good for half a minute, and that stays small.
#[derive(Debug)]
struct Kept<K, V>(Mutex<Inside<K, V>>);

#[derive(Debug)]
struct Inside<K, V> {
    entries: HashMap<K, (V, Moment)>,
    /// How often something was forgotten.
    forgotten: u64,
}

impl<K: Eq + Hash, V: Copy> Kept<K, V> {
    fn new() -> Self {
        Self(Mutex::new(Inside {
            entries: HashMap::new(),
            forgotten: 0,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, Inside<K, V>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is remembered, or the state in which it is not: for [`Kept::put`].
    fn get(&self, key: &K, now: Moment) -> Result<V, u64> {
        let inside = self.lock();
        let entry = inside.entries.get(key);
        let good = entry.filter(|(_, at)| now.since(*at) < BELIEVED_FOR);
        good.map(|(value, _)| *value).ok_or(inside.forgotten)
    }

    /// Remembers what was read at `now` in that state. If something was forgotten since then, this may have
    /// been read before the change that made it forgotten, and is not remembered.
    fn put(&self, key: K, value: V, now: Moment, state: u64) {
        let mut inside = self.lock();
        if inside.forgotten != state {
            return;
        }
        let entries = &mut inside.entries;
        if entries.len() >= MOST_KEPT {
            entries.retain(|_, (_, at)| now.since(*at) < BELIEVED_FOR);
        }
        if entries.len() >= MOST_KEPT {
            entries.clear();
        }
        entries.insert(key, (value, now));
    }

    fn forget(&self, forgotten: impl Fn(&K) -> bool) {
        let mut inside = self.lock();
        inside.forgotten += 1;
        inside.entries.retain(|key, _| !forgotten(key));
    }
}

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
    used: Mutex<HashMap<crate::model::ApiKeyId, Moment>>,
}

impl Standings {
    /// With nothing remembered yet.
    pub fn new(store: Store, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            store,
            clock,
            members: Kept::new(),
            grants: Kept::new(),
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

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let kept: Kept<u8, u8> = Kept::new();
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
