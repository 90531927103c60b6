//! The caller of a request: RFC 6750, section 2.1.

use axum::extract::{FromRef, FromRequestParts, MatchedPath};
use http::HeaderMap;
use http::header::AUTHORIZATION;
use http::request::Parts;

use super::limit;
use super::log::LoggedCaller;
use super::once::OnceSlot;
use super::origin::origin;
use crate::app::App;
use crate::auth::Caller;
use crate::auth::policy::{self, Rule};
use crate::error::{Error, Result};
use crate::limits::Per;
use crate::model::{AuditAction, AuditEvent, AuditOutcome};

impl<S> FromRequestParts<S> for Caller
where
    S: Sync,
    App: FromRef<S>,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let app = App::from_ref(state);
        let rule = rule(parts)?;
        let token = bearer(&parts.headers).ok_or(Error::Unauthenticated)?;
        limit::brake(parts, &app)?;
        let found = app.authenticator.caller(token).await;
        if matches!(found, Err(Error::Unauthenticated)) {
            limit::failed(parts, &app);
        }
        let (caller, tenant) = found?;
        if let Some(logged) = parts.extensions.get::<LoggedCaller>() {
            logged.set(&caller);
        }
        // Before it is decided: a refusal is written into the trail, and must be counted first.
        limit::admit(parts, &app, rule.class, &subjects(&caller)).await?;
        if let Err(refusal) = policy::decide(rule, &caller, tenant) {
            note_refusal(&app, &caller, parts, rule).await?;
            return Err(refusal);
        }
        match OnceSlot::of(parts) {
            Some(once) => once.admit(&app, caller, rule, parts).await,
            None => Ok(caller),
        }
    }
}

/// What the operation asks of its caller. One without a rule is nobody's.
fn rule(parts: &Parts) -> Result<&'static Rule> {
    let path = parts.extensions.get::<MatchedPath>();
    let path = path.map(MatchedPath::as_str).unwrap_or_default();
    policy::find(parts.method.as_str(), path)
        .ok_or_else(|| Error::internal(format!("{} {path} has no rule", parts.method)))
}

/// A refusal stands in the tenant's trail. Where it can't be written, the request fails all the same.
async fn note_refusal(app: &App, caller: &Caller, parts: &Parts, rule: &Rule) -> Result<()> {
    let operation = format!("{} {}", rule.method, rule.path);
    let event = AuditEvent {
        outcome: AuditOutcome::Denied,
        ..caller.did(
            &app.clock,
            &origin(parts),
            AuditAction::AccessDenied,
            Some(operation),
        )
    };
    app.store.audit(&event).await
}

/// Whose requests it is counted with: a key counts for itself, and for its tenant with all others.
fn subjects(caller: &Caller) -> [(Per, String); 2] {
    [
        (Per::Caller, caller.principal()),
        (Per::Tenant, caller.tenant().to_string()),
    ]
}

/// The token, if there is exactly one `Authorization` header and it has the scheme `Bearer`, in any case.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn exactly_one_bearer_token_is_taken() {
        let mut headers = HeaderMap::new();
        assert_eq!(bearer(&headers), None);
        for (value, expected) in [
            ("Bearer abc", Some("abc")),
            ("bearer abc", Some("abc")),
            ("Basic abc", None),
            ("Bearerabc", None),
            ("abc", None),
        ] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(bearer(&headers), expected, "{value}");
        }
        headers.append(AUTHORIZATION, HeaderValue::from_static("Bearer abc"));
        assert_eq!(bearer(&headers), None, "two headers");
    }
}
