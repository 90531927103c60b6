//! `GET /api/v1/tenants/{tenant_id}/invitations`

use axum::extract::State;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Paging, Query, page_limit};
use shared::model::{InvitationId, TenantId};

use crate::Tenants;
use crate::own::InTenant;
use crate::view::InvitationView;

/// Lists the invitations that can be accepted, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/invitations",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token."), Paging),
    responses((status = 200, description = "A page of invitations.", body = List<InvitationView>)),
)]
pub(crate) async fn list_invitations(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Query(selection): Query<Paging>,
) -> Result<Json<List<InvitationView>>> {
    list(&tenants, &caller, selection).await.map(Json)
}

async fn list(
    tenants: &Tenants,
    caller: &Caller,
    selection: Paging,
) -> Result<List<InvitationView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&tenants.app, caller, "invitations".to_owned());
    let after: Option<InvitationId> = listing.after(selection.cursor.as_deref()).await?;
    let store = tenants.app.store.of(caller);
    let now = tenants.app.clock.now();
    let page = store.invitation_list(after, limit, now).await?;
    let next_cursor = listing.next(&page, |last| last.id).await?;
    Ok(List {
        data: page.items.into_iter().map(InvitationView::from).collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
