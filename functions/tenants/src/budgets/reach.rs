//! Who may read which budgets: administrators all of the tenant's, others those that bind them.

use shared::auth::Caller;
use shared::model::{ApiKey, BudgetScope, MembershipRole};
use shared::{Error, Result};

use crate::Tenants;

/// The scopes of which the caller may read the budgets; `None` if all.
pub(crate) async fn readable(
    tenants: &Tenants,
    caller: &Caller,
) -> Result<Option<Vec<BudgetScope>>> {
    if caller.role() >= MembershipRole::Admin {
        return Ok(None);
    }
    let all = u32::try_from(ApiKey::MOST_IN_A_TENANT).unwrap_or(u32::MAX);
    let (store, now) = (tenants.app.store.of(caller), tenants.app.clock.now());
    let keys = store
        .api_key_list(Some(caller.user()), None, all, now)
        .await?;
    let keys = keys
        .items
        .into_iter()
        .map(|key| BudgetScope::ApiKey(key.id));
    let own = [BudgetScope::Tenant, BudgetScope::User(caller.user())];
    Ok(Some(own.into_iter().chain(keys).collect()))
}

/// Fails where there is nobody and no key whose turns that scope could mean. People of other issuers have no rows here,
/// so that they are believed to exist.
pub(crate) async fn must_exist(
    tenants: &Tenants,
    caller: &Caller,
    scope: BudgetScope,
) -> Result<()> {
    let (store, now) = (tenants.app.store.of(caller), tenants.app.clock.now());
    match scope {
        BudgetScope::Tenant => Ok(()),
        BudgetScope::User(user) if user.is_of_issuer() => Ok(()),
        BudgetScope::User(user) => {
            let member = store.member_get(user).await?;
            member.map(|_| ()).ok_or(Error::NotFound("member"))
        }
        BudgetScope::ApiKey(id) => {
            let key = store.api_key_get(id, now).await?;
            key.map(|_| ()).ok_or(Error::NotFound("API key"))
        }
    }
}
