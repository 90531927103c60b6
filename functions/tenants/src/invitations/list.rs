//! `GET /api/v1/tenants/{tenant_id}/invitations`

use axum::extract::State;
use serde::Deserialize;
use shared::Result;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, List, Listing, Query, page_limit};
use shared::model::{InvitationId, TenantId};

use crate::Tenants;
use crate::own::InTenant;
use crate::view::InvitationView;

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

/// Lists the invitations that can be accepted, oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/tenants/{tenant_id}/invitations",
    tag = "tenants",
    security(("bearer" = [])),
    params(("tenant_id" = TenantId, Path, description = "The tenant of your token."), Selection),
    responses((status = 200, description = "A page of invitations.", body = List<InvitationView>)),
)]
pub(crate) async fn list_invitations(
    InTenant(caller): InTenant,
    _: AcceptsJson,
    State(tenants): State<Tenants>,
    Query(selection): Query<Selection>,
) -> Result<Json<List<InvitationView>>> {
    list(&tenants, &caller, selection).await.map(Json)
}

async fn list(
    tenants: &Tenants,
    caller: &Caller,
    selection: Selection,
) -> Result<List<InvitationView>> {
    let limit = page_limit(selection.limit)?;
    let listing = Listing::new(&tenants.app, caller, "invitations".to_owned());
    let after: Option<InvitationId> = match &selection.cursor {
        Some(cursor) => Some(listing.open(cursor).await?),
        None => None,
    };
    let store = tenants.app.store.of(caller);
    let now = tenants.app.clock.now();
    let page = store.invitation_list(after, limit, now).await?;
    let next_cursor = match page.items.last() {
        Some(last) if page.has_more => Some(listing.seal(last.id).await?),
        _ => None,
    };
    Ok(List {
        data: page.items.into_iter().map(InvitationView::from).collect(),
        next_cursor,
        has_more: page.has_more,
    })
}
