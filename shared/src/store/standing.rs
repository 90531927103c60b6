//! What a request's credentials are worth at the moment: read beside the credentials themselves.
//!
//! Question: is this tenant active, does this person belong to it, with which role, and does this session
//! still live? One BatchGetItem of rows that other files own.

use serde::Deserialize;

use super::Store;
use super::account::profile_key;
use super::item::{Item, from_item};
use super::member::{MemberItem, member_key};
use super::session::{SessionItem, session_key};
use super::tenant::{TenantItem, tenant_key};
use crate::clock::Moment;
use crate::error::Result;
use crate::model::{MembershipRole, SessionId, TenantId, TenantStatus, UserId};

/// What a member's credentials are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// What the member may do.
    pub role: MembershipRole,
    /// Whether the tenant can be worked in.
    pub tenant: TenantStatus,
    /// When the membership began. Who left and came back has another one.
    pub member_since: Moment,
}

#[derive(Deserialize)]
struct ProfileItem {
    #[serde(default = "beginning")]
    sessions_from: Moment,
}

const fn beginning() -> Moment {
    Moment::from_unix_seconds(0)
}

impl Store {
    /// The standing of a member, whose session, if there is one, must be alive at `now`. `None` if the person
    /// does not belong there, or the session is over.
    ///
    /// A "no" is asked again with a consistent read, so that what was just written counts at once; a "yes" may
    /// be older by the moments in which DynamoDB's copies differ.
    pub async fn standing(
        &self,
        user: UserId,
        tenant: TenantId,
        session: Option<SessionId>,
        now: Moment,
    ) -> Result<Option<Standing>> {
        for consistent in [false, true] {
            let found = self
                .standing_read(user, tenant, session, now, consistent)
                .await?;
            if found.is_some_and(|standing| standing.tenant == TenantStatus::Active) {
                return Ok(found);
            }
            if consistent {
                return Ok(found);
            }
        }
        Ok(None)
    }

    async fn standing_read(
        &self,
        user: UserId,
        tenant: TenantId,
        session: Option<SessionId>,
        now: Moment,
        consistent: bool,
    ) -> Result<Option<Standing>> {
        let mut keys = vec![
            tenant_key(tenant),
            member_key(tenant, user),
            profile_key(user),
        ];
        keys.extend(session.map(|session| session_key(user, session)));
        let items = self.get_many(keys.clone(), consistent).await?;
        let find = |index: usize| -> Option<Item> {
            let wanted: &Item = keys.get(index)?;
            let same = |item: &&Item| {
                ["pk", "sk"]
                    .iter()
                    .all(|name| item.get(*name) == wanted.get(*name))
            };
            items.iter().find(same).cloned()
        };
        let (Some(tenant_item), Some(member), Some(profile)) = (find(0), find(1), find(2)) else {
            return Ok(None);
        };
        let tenant_status = from_item::<TenantItem>(tenant_item)?.tenant_status;
        let profile: ProfileItem = from_item(profile)?;
        if session.is_some() {
            let Some(item) = find(3) else { return Ok(None) };
            let session: SessionItem = from_item(item)?;
            let alive = session.tenant == tenant
                && session.created_at > profile.sessions_from
                && session.expires_at > now.unix_seconds();
            if !alive {
                return Ok(None);
            }
        }
        let member: MemberItem = from_item(member)?;
        let standing = Standing {
            role: member.role,
            tenant: tenant_status,
            member_since: member.created_at,
        };
        Ok(Some(standing).filter(|standing| standing.tenant != TenantStatus::Deleted))
    }

    /// The status of a tenant whose people are known elsewhere. `None` if there is no such tenant. It is read as
    /// standings are, because whoever finds out who calls may read in no other way.
    pub async fn tenant_status(&self, tenant: TenantId) -> Result<Option<TenantStatus>> {
        let mut status = None;
        for consistent in [false, true] {
            let items = self.get_many(vec![tenant_key(tenant)], consistent).await?;
            let item = items.into_iter().next().map(from_item::<TenantItem>);
            status = item.transpose()?.map(|tenant| tenant.tenant_status);
            if status == Some(TenantStatus::Active) {
                break;
            }
        }
        Ok(status.filter(|status| *status != TenantStatus::Deleted))
    }

    /// The items with those keys that there are, in any order. What DynamoDB leaves undone is asked again.
    pub(super) async fn get_many(&self, keys: Vec<Item>, consistent: bool) -> Result<Vec<Item>> {
        /// DynamoDB's limit for one BatchGetItem.
        const BATCH: usize = 100;
        /// How often what was left undone is asked again.
        const ATTEMPTS: u32 = 5;
        let mut found = Vec::new();
        for batch in keys.chunks(BATCH) {
            let mut open = batch.to_vec();
            let mut attempt = 0;
            while !open.is_empty() {
                if attempt > 0 {
                    super::transaction::pause(&open.len().to_string(), attempt).await;
                }
                if attempt == ATTEMPTS {
                    let text = "a batch was left undone too often";
                    return Err(crate::Error::unavailable(text));
                }
                attempt += 1;
                let wanted = aws_sdk_dynamodb::types::KeysAndAttributes::builder()
                    .set_keys(Some(std::mem::take(&mut open)))
                    .consistent_read(consistent)
                    .build()
                    .map_err(crate::Error::internal)?;
                let request = self.db.batch_get_item();
                let output = request.request_items(&*self.table, wanted).send().await;
                let output = output.map_err(crate::aws::error)?;
                let rows = output.responses.unwrap_or_default().into_values();
                found.extend(rows.flatten());
                let undone = output.unprocessed_keys.unwrap_or_default().into_values();
                open = undone.flat_map(|undone| undone.keys).collect();
            }
        }
        Ok(found)
    }
}

/// The key of an item, for messages about it.
#[cfg(test)]
pub(super) fn place(item: &Item) -> (Option<String>, Option<String>) {
    let text = |name: &str| item.get(name).and_then(|value| value.as_s().ok().cloned());
    (text("pk"), text("sk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_of_a_standing_are_those_of_the_person_and_the_tenant() {
        let (user, tenant) = (UserId::new(), TenantId::new());
        let (pk, sk) = place(&member_key(tenant, user));
        assert_eq!(pk, Some(format!("TENANT#{tenant}")));
        assert_eq!(sk, Some(format!("MEMBER#{user}")));
        assert_eq!(
            profile_key(user).get("sk"),
            Some(&super::super::item::s("PROFILE"))
        );
    }
}
