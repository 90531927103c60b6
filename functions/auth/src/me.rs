//! `GET /api/v1/auth/me`

use axum::extract::State;
use serde::Serialize;
use shared::auth::Caller;
use shared::http::{AcceptsJson, Json, Timestamp};
use shared::model::{MembershipRole, TenantId, UserId};
use shared::{Error, Result};

use crate::Auth;

/// The person who asks.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Me)]
pub(crate) struct MeView {
    /// The person's id.
    id: UserId,
    /// The e-mail address.
    email: String,
    /// What to call the person.
    name: Option<String>,
    /// The tenant that the access token is for.
    tenant_id: TenantId,
    /// What the person may do there.
    role: MembershipRole,
    /// When the person registered.
    created_at: Timestamp,
}

/// Says who is asking.
#[utoipa::path(
    get,
    path = "/api/v1/auth/me",
    tag = "auth",
    security(("bearer" = [])),
    responses((status = 200, description = "The person of the access token.", body = MeView)),
)]
pub(crate) async fn get_me(
    caller: Caller,
    _: AcceptsJson,
    State(auth): State<Auth>,
) -> Result<Json<MeView>> {
    let found = auth.identity.user_get(caller.user()).await?;
    // A token outlives a deleted account by minutes.
    let (user, _) = found.ok_or(Error::Unauthenticated)?;
    Ok(Json(MeView {
        id: user.id,
        email: user.email.as_str().to_owned(),
        name: user.name,
        tenant_id: caller.tenant(),
        role: caller.role(),
        created_at: Timestamp(user.created_at),
    }))
}
