//! `GET /api/v1/tenants/{tenant_id}/budgets`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Paging, Query, page_limit};
use shared::model::{Budget, BudgetScope, TenantId};
use shared::store::Page;

use super::reach::readable;
use super::view::{BudgetView, views};
use crate::Tenants;
use crate::own::InTenant;

/// Lists the budgets of the tenant, with what is spent and reserved.
///
/// Administrators and owners see all, others those that bind them: the tenant's, their own, and those of their API
/// keys.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/budgets",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token."), Paging),
    responses((status = 200, description = "A page of budgets, by their scopes.", body = List<BudgetView>)),
)]
pub(crate) async fn list_budgets(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Query(selection): Query<Paging>,
) -> Result<Json<List<BudgetView>>> {
    list(&tenants, &caller, selection).await.map(Json)
}

async fn list(tenants: &Tenants, caller: &Caller, selection: Paging) -> Result<List<BudgetView>> {
    let limit = page_limit(selection.limit)?;
    let scopes = readable(tenants, caller).await?;
    let listing = Listing::new(&tenants.app, caller, "budgets".to_owned());
    let after: Option<BudgetScope> = listing.after(selection.cursor.as_deref()).await?;
    let store = tenants.app.store.of(caller);
    let page = match scopes {
        None => store.budget_list(after, limit).await?,
        Some(scopes) => page_of(store.budgets_get(&scopes).await?, after, limit),
    };
    let next_cursor = listing.next(&page, |last| last.scope).await?;
    Ok(List {
        data: views(tenants, caller, &page.items).await?,
        next_cursor,
        has_more: page.has_more,
    })
}

/// The page after that scope, in the order in which the table has them.
fn page_of(mut budgets: Vec<Budget>, after: Option<BudgetScope>, limit: u32) -> Page<Budget> {
    budgets.sort_by_key(|budget| budget.scope.to_string());
    if let Some(after) = after {
        budgets.retain(|budget| budget.scope.to_string() > after.to_string());
    }
    Page::cut(budgets, limit)
}
