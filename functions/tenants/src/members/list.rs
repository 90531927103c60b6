//! `GET /api/v1/tenants/{tenant_id}/members`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Paging, Query, page_limit};
use shared::model::{TenantId, UserId};

use crate::Tenants;
use crate::own::InTenant;
use crate::view::MemberView;

/// Lists the members of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/members",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token."), Paging),
    responses((status = 200, description = "A page of members, in the order in which their accounts were made.", body = List<MemberView>)),
)]
pub(crate) async fn list_members(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Query(selection): Query<Paging>,
) -> Result<Json<List<MemberView>>> {
    list(&tenants, &caller, selection).await.map(Json)
}

async fn list(tenants: &Tenants, caller: &Caller, selection: Paging) -> Result<List<MemberView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&tenants.app, caller, "members".to_owned());
    let after: Option<UserId> = listing.after(selection.cursor.as_deref()).await?;
    let store = tenants.app.store.of(caller);
    let page = store.member_list(after, limit).await?;
    let accounts = store.member_profiles(&page.items).await?;
    let next_cursor = listing.next(&page, |last| last.user).await?;
    let members = page.items.into_iter().zip(accounts);
    Ok(List {
        data: members
            .map(|(member, account)| MemberView::new(&member, account))
            .collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
