//! `GET /api/v1/tenants/{tenant_id}/budgets/{scope}`

use axum::extract::State;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Path};
use shared::model::{Budget, BudgetScope, TenantId};
use shared::{Error, Result};

use super::reach::readable;
use super::view::{BudgetView, Tagged, tagged};
use crate::Tenants;
use crate::own::InTenant;

/// Gets a budget, with what is spent and reserved.
///
/// Administrators and owners may see all, others those that bind them: the tenant's, their own, and those of their API
/// keys.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/budgets/{scope}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("scope" = BudgetScope, Path, description = "Whose budget: `tenant`, `user:` and the id of a person, or `api-key:` and the id of a key."),
    ),
    responses((
        status = 200,
        description = "The budget.",
        body = BudgetView,
        headers(("etag" = String, description = "Its version.")),
    )),
)]
pub(crate) async fn get_budget(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Path(scope): Path<BudgetScope>,
) -> Result<Tagged> {
    let scopes = readable(&tenants, &caller).await?;
    if scopes.is_some_and(|scopes| !scopes.contains(&scope)) {
        return Err(Error::NotFound("budget"));
    }
    let budget = read(&tenants, &caller, scope).await?;
    let budget = budget.ok_or(Error::NotFound("budget"))?;
    tagged(&tenants, &caller, budget).await
}

/// The budget of a scope.
pub(super) async fn read(
    tenants: &Tenants,
    caller: &Caller,
    scope: BudgetScope,
) -> Result<Option<Budget>> {
    let store = tenants.app.store.of(caller);
    Ok(store.budgets_get(&[scope]).await?.pop())
}
