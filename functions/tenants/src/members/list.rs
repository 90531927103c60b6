//! `GET /api/v1/tenants/{tenant_id}/members`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};
use shared::model::{TenantId, UserId};

use crate::Tenants;
use crate::own::InTenant;
use crate::view::MemberView;

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

/// Lists the members of the tenant.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/members",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token."), Selection),
    responses((status = 200, description = "A page of members, in the order in which their accounts were made.", body = List<MemberView>)),
)]
pub(crate) async fn list_members(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<MemberView>>> {
    list(&tenants, &caller, selection).await.map(Json)
}

async fn list(
    tenants: &Tenants,
    caller: &Caller,
    selection: Selection,
) -> Result<List<MemberView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&tenants.app, caller, "members".to_owned());
    let after: Option<UserId> = match &selection.cursor {
        Some(cursor) => Some(listing.open(cursor).await?),
        None => None,
    };
    let store = tenants.app.store.of(caller);
    let page = store.member_list(after, limit).await?;
    let accounts = store.member_profiles(&page.items).await?;
    let next_cursor = match page.items.last() {
        Some(last) if page.has_more => Some(listing.seal(last.user).await?),
        _ => None,
    };
    let members = page.items.into_iter().zip(accounts);
    Ok(List {
        data: members
            .map(|(member, account)| MemberView::new(&member, account))
            .collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
