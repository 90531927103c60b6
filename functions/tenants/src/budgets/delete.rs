//! `DELETE /api/v1/tenants/{tenant_id}/budgets/{scope}`

use axum::extract::State;
use axum::http::StatusCode;
use shared::auth::Caller;
use shared::http::{IfMatch, Path};
use shared::model::{AuditAction, BudgetScope, Origin, TenantId};
use shared::{Error, Result};

use super::get::read;
use crate::Tenants;
use crate::own::InTenant;

/// Deletes a budget.
///
/// Its limits are no more in every process after at most half a minute. Turns under way are still settled. A budget that
/// is made for the same scope later counts from then on.
#[utoipa::path(
    delete,
    path = "/api/v1/tenants/{tenant_id}/budgets/{scope}",
    tag = "tenants",
    security(("bearer" = [])),
    params(
        ("tenant_id" = TenantId, Path, description = "The tenant of your token."),
        ("scope" = BudgetScope, Path, description = "Whose budget: `tenant`, `user:` and the id of a person, or `api-key:` and the id of a key."),
        ("if-match" = Option<String>, Header, description = "Delete only this version."),
    ),
    responses(
        (status = 204, description = "It is deleted."),
        (status = 412, description = "It has another version than `If-Match` names, or has just changed.", body = shared::http::Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn delete_budget(
    InTenant(caller): InTenant,
    State(tenants): State<Tenants>,
    origin: Origin,
    if_match: Option<IfMatch>,
    Path(scope): Path<BudgetScope>,
) -> Result<StatusCode> {
    delete(&tenants, &caller, &origin, if_match, scope).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(
    tenants: &Tenants,
    caller: &Caller,
    origin: &Origin,
    if_match: Option<IfMatch>,
    scope: BudgetScope,
) -> Result<()> {
    let budget = read(tenants, caller, scope).await?;
    let budget = budget.ok_or(Error::NotFound("budget"))?;
    if if_match.is_some_and(|if_match| !if_match.allows(budget.version)) {
        return Err(Error::PreconditionFailed);
    }
    let clock = &tenants.app.clock;
    let target = Some(scope.to_string());
    let event = caller.did(clock, origin, AuditAction::BudgetDeleted, target);
    let store = tenants.app.store.of(caller);
    let deleted = store.budget_delete(scope, budget.version, &event).await?;
    deleted.then_some(()).ok_or(Error::PreconditionFailed)
}
