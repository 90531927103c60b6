//! `GET /api/v1/tenants/{tenant_id}/budgets`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};
use shared::model::{Budget, BudgetScope, TenantId};
use shared::store::Page;

use super::reach::readable;
use super::view::{BudgetView, views};
use crate::Tenants;
use crate::own::InTenant;

/// Which part of the list to give.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Selection {
    /// How many to give, from 1 to 100; 20 if left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u32>,
    /// The `next_cursor` of the reply before.
    cursor: Option<String>,
}

/// Lists the budgets of the tenant, with what is spent and reserved.
///
/// Administrators and owners see all, others those that bind them: the tenant's, their own, and those of their API
/// keys.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/budgets",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token."), Selection),
    responses((status = 200, description = "A page of budgets, by their scopes.", body = List<BudgetView>)),
)]
pub(crate) async fn list_budgets(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<BudgetView>>> {
    list(&tenants, &caller, selection).await.map(Json)
}

async fn list(
    tenants: &Tenants,
    caller: &Caller,
    selection: Selection,
) -> Result<List<BudgetView>> {
    let limit = page_limit(selection.limit)?;
    let scopes = readable(tenants, caller).await?;
    let listing = Listing::new(&tenants.app, caller, "budgets".to_owned());
    let after: Option<BudgetScope> = match &selection.cursor {
        Some(cursor) => Some(listing.open(cursor).await?),
        None => None,
    };
    let store = tenants.app.store.of(caller);
    let page = match scopes {
        None => store.budget_list(after, limit).await?,
        Some(scopes) => page_of(store.budgets_get(&scopes).await?, after, limit),
    };
    let next_cursor = match page.items.last() {
        Some(last) if page.has_more => Some(listing.seal(last.scope).await?),
        _ => None,
    };
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
