//! Who may reach whose keys: a member its own; an administrator sees and revokes all of the tenant's. What a key
//! may do, and its text, is its owner's alone, because whoever has the text acts for the owner.

use shared::auth::Caller;
use shared::model::{
    ApiKey, ApiKeyId, AuditAction, AuditEvent, AuditOutcome, MembershipRole, Origin, UserId,
};
use shared::{App, Error, Result};

/// Whose keys the caller sees; `None` if everybody's.
pub(crate) fn visible(caller: &Caller) -> Option<UserId> {
    (caller.role() < MembershipRole::Admin).then(|| caller.user())
}

/// A key that the caller may see and revoke.
pub(crate) async fn find(app: &App, caller: &Caller, id: ApiKeyId) -> Result<ApiKey> {
    let store = app.store.of(caller);
    let found = store.api_key_get(id, app.clock.now()).await?;
    let seen = found.filter(|api_key| visible(caller).is_none_or(|user| user == api_key.owner));
    seen.ok_or(Error::NotFound("API key"))
}

/// A key that the caller may change. That somebody else's may not be changed stands in the trail.
pub(crate) async fn find_own(
    app: &App,
    caller: &Caller,
    origin: &Origin,
    id: ApiKeyId,
    operation: &str,
) -> Result<ApiKey> {
    let api_key = find(app, caller, id).await?;
    if api_key.owner == caller.user() {
        return Ok(api_key);
    }
    let target = Some(operation.to_owned());
    let event = AuditEvent {
        outcome: AuditOutcome::Denied,
        ..caller.did(&app.clock, origin, AuditAction::AccessDenied, target)
    };
    app.store.audit(&event).await?;
    Err(Error::Forbidden(
        "this key acts for somebody else, who alone may change it; you may revoke it",
    ))
}
