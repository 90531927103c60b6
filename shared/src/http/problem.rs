//! Errors as problem documents (RFC 9457). The only place that knows status codes.

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode, StatusCode as S};
use serde::Serialize;

use super::timestamp::Timestamp;
use crate::error::{Error, FieldError, ProviderFault};
use crate::model::{
    BudgetRefusal, BudgetResource, BudgetScope, BudgetWindow, RequestId, RunProblem,
};

/// What the types of all problems begin with.
pub(super) const TYPE_PREFIX: &str = "urn:chatter:problem:";
/// The one type that is not ours: what RateLimit fields name it.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
/// The media type of problem documents.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

/// A problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// Which problem it is. Stable: decide by this.
    #[serde(rename = "type")]
    #[schema(format = "uri", example = "urn:chatter:problem:not-found")]
    pub kind: String,
    /// The problem in a few words; always the same for a type.
    #[schema(example = "Not found")]
    pub title: &'static str,
    /// The HTTP status code.
    #[schema(example = 404, minimum = 400, maximum = 599)]
    pub status: u16,
    /// What went wrong this time, and what to do.
    #[schema(example = "there is no such conversation")]
    pub detail: String,
    /// The request, for whoever looks it up in the logs. It is in `x-request-id` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Which fields are wrong and how.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// Which policies allow no more requests for now, by their names in `RateLimit-Policy`.
    #[serde(rename = "violated-policies", skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub violated_policies: Vec<String>,
    /// Which budget has no room, and how much is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub budget: Option<ExceededBudget>,
}

/// A budget that has no room for a turn.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ExceededBudget {
    /// Whose turns it counts.
    pub scope: BudgetScope,
    /// For which time it has no room.
    pub window: BudgetWindow,
    /// Of what it has too little.
    pub resource: BudgetResource,
    /// How much it allows in that time.
    pub limit: u64,
    /// What turns that have ended cost.
    pub spent: u64,
    /// What turns under way have reserved.
    pub reserved: u64,
    /// What this turn may need at most.
    pub needed: u64,
    /// When that time is over.
    pub window_ends_at: Timestamp,
}

impl From<&BudgetRefusal> for ExceededBudget {
    fn from(refusal: &BudgetRefusal) -> Self {
        let BudgetRefusal {
            scope,
            window,
            resource,
            limit,
            spent,
            reserved,
            needed,
            window_ends,
            retry_after: _,
        } = *refusal;
        Self {
            scope,
            window,
            resource,
            limit,
            spent,
            reserved,
            needed,
            window_ends_at: Timestamp(window_ends),
        }
    }
}

impl Problem {
    /// The type of the problem with that slug.
    pub fn type_of(slug: &str) -> String {
        format!("{TYPE_PREFIX}{slug}")
    }

    /// The document for an error as it is kept, of what that request has caused.
    pub fn stored(error: &Error, request_id: &RequestId) -> RunProblem {
        let document = Self::new(error, Some(request_id));
        RunProblem {
            slug: Self::slug(error).to_owned(),
            // Strings and numbers can't fail to serialize.
            document: serde_json::to_string(&document).unwrap_or_default(),
        }
    }

    /// The document for an error. Nothing of the error's cause is in it.
    pub fn new(error: &Error, request_id: Option<&RequestId>) -> Self {
        let (status, slug, title) = kind(error);
        Self {
            kind: match error {
                Error::QuotaExceeded { .. } => QUOTA_EXCEEDED.to_owned(),
                _ => format!("{TYPE_PREFIX}{slug}"),
            },
            title,
            status: status.as_u16(),
            detail: error.to_string(),
            request_id: request_id.map(ToString::to_string),
            errors: match error {
                Error::Invalid(errors) => errors.clone(),
                _ => Vec::new(),
            },
            violated_policies: match error {
                Error::QuotaExceeded { policies, .. } => policies.clone(),
                _ => Vec::new(),
            },
            budget: match error {
                Error::BudgetExceeded(refusal) => Some(refusal.as_ref().into()),
                _ => None,
            },
        }
    }

    /// The last part of the type: what a failed turn keeps.
    pub fn slug(error: &Error) -> &'static str {
        kind(error).1
    }

    /// Its JSON, as it is sent.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Strings and numbers can't fail to serialize.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

#[expect(clippy::too_many_lines, reason = "a table with a row for each error")]
fn kind(error: &Error) -> (StatusCode, &'static str, &'static str) {
    match error {
        Error::NotFound(_) => (S::NOT_FOUND, "not-found", "Not found"),
        Error::NoRoute => (S::NOT_FOUND, "no-such-route", "No such route"),
        Error::MethodNotAllowed => (
            S::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "Method not allowed",
        ),
        Error::Unauthenticated => (S::UNAUTHORIZED, "unauthenticated", "Not authenticated"),
        Error::Forbidden(_) => (S::FORBIDDEN, "forbidden", "Not allowed"),
        Error::TenantSuspended => (S::FORBIDDEN, "tenant-suspended", "Tenant suspended"),
        Error::Conflict(_) => (S::CONFLICT, "conflict", "Conflict"),
        Error::ContextLengthExceeded(_) => (
            S::UNPROCESSABLE_ENTITY,
            "context-length-exceeded",
            "Too long for the model",
        ),
        Error::LockedOut { .. } => (S::TOO_MANY_REQUESTS, "locked-out", "Too many failed logins"),
        Error::BadOneTimeToken => (S::BAD_REQUEST, "bad-token", "Token not valid"),
        Error::BadCredentials => (
            S::UNAUTHORIZED,
            "bad-credentials",
            "Wrong e-mail address or password",
        ),
        Error::BadRefreshToken => (
            S::UNAUTHORIZED,
            "bad-refresh-token",
            "Refresh token not valid",
        ),
        Error::Malformed(_) => (S::BAD_REQUEST, "malformed-request", "Malformed request"),
        Error::Invalid(_) => (
            S::UNPROCESSABLE_ENTITY,
            "invalid-request",
            "Invalid request",
        ),
        Error::TooLarge { .. } => (S::PAYLOAD_TOO_LARGE, "body-too-large", "Body too large"),
        Error::UriTooLong { .. } => (S::URI_TOO_LONG, "uri-too-long", "URI too long"),
        Error::UnsupportedMediaType | Error::NotAForm => (
            S::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            "Unsupported media type",
        ),
        Error::NotAcceptable(_) => (S::NOT_ACCEPTABLE, "not-acceptable", "Not acceptable"),
        Error::PreconditionFailed => (
            S::PRECONDITION_FAILED,
            "precondition-failed",
            "Changed meanwhile",
        ),
        // RFC 6585, section 3.
        Error::PreconditionRequired => (
            S::PRECONDITION_REQUIRED,
            "precondition-required",
            "If-Match is missing",
        ),
        Error::ConversationBusy => (S::CONFLICT, "conversation-busy", "Conversation busy"),
        Error::RetrievalFailed(_) => (S::SERVICE_UNAVAILABLE, "retrieval-failed", "Search failed"),
        Error::RunCancelled => (S::CONFLICT, "run-cancelled", "Run cancelled"),
        Error::RunInterrupted => (S::SERVICE_UNAVAILABLE, "run-interrupted", "Run interrupted"),
        Error::Document { slug, .. } => (S::UNPROCESSABLE_ENTITY, slug, "Document refused"),
        Error::JobInterrupted => (
            S::INTERNAL_SERVER_ERROR,
            "job-interrupted",
            "Job interrupted",
        ),
        Error::RunNotBegun => (S::SERVICE_UNAVAILABLE, "run-not-begun", "Run not begun"),
        Error::IdempotencyKeyReused => (
            S::UNPROCESSABLE_ENTITY,
            "idempotency-key-reused",
            "Idempotency-Key used before",
        ),
        Error::IdempotencyInProgress => (
            S::CONFLICT,
            "idempotency-in-progress",
            "Request being worked on",
        ),
        Error::IdempotencyReplyLost => (S::CONFLICT, "idempotency-reply-lost", "Reply lost"),
        Error::QuotaExceeded { .. } => {
            (S::TOO_MANY_REQUESTS, "quota-exceeded", "Too many requests")
        }
        // As OpenAI's `insufficient_quota`, which clients know; 402 is reserved (RFC 9110, section 15.5.3).
        Error::BudgetExceeded(_) => (S::TOO_MANY_REQUESTS, "budget-exceeded", "Budget exceeded"),
        Error::Provider { fault, .. } => provider_kind(*fault),
        Error::Unavailable(_) => (
            S::SERVICE_UNAVAILABLE,
            "unavailable",
            "Temporarily unavailable",
        ),
        Error::Internal(_) => (S::INTERNAL_SERVER_ERROR, "internal", "Internal error"),
    }
}

#[expect(clippy::too_many_lines, reason = "a table with a row for each fault")]
fn provider_kind(fault: ProviderFault) -> (StatusCode, &'static str, &'static str) {
    match fault {
        ProviderFault::Unavailable => (
            S::BAD_GATEWAY,
            "provider-unavailable",
            "Model provider unavailable",
        ),
        ProviderFault::TimedOut => (
            S::GATEWAY_TIMEOUT,
            "provider-timed-out",
            "Model provider timed out",
        ),
        ProviderFault::Overloaded { .. } => (
            S::SERVICE_UNAVAILABLE,
            "provider-overloaded",
            "Model provider overloaded",
        ),
        ProviderFault::QuotaExhausted => (
            S::BAD_GATEWAY,
            "provider-quota-exhausted",
            "Quota at the model provider exhausted",
        ),
        ProviderFault::ContextTooLong => (
            S::BAD_GATEWAY,
            "provider-context-too-long",
            "Too long for the model",
        ),
        ProviderFault::Unauthorized => (
            S::BAD_GATEWAY,
            "provider-unauthorized",
            "Model provider refused our key",
        ),
        ProviderFault::CredentialRefused => (
            S::BAD_GATEWAY,
            "provider-credential-refused",
            "Model provider refused the tenant's key",
        ),
        ProviderFault::AddressRefused => (
            S::BAD_GATEWAY,
            "provider-address-refused",
            "Address of the tenant's model provider refused",
        ),
        ProviderFault::Refused => (
            S::BAD_GATEWAY,
            "provider-refused",
            "Model provider refused the request",
        ),
        ProviderFault::BadToolCall => (
            S::BAD_GATEWAY,
            "provider-bad-tool-call",
            "The model called a tool wrongly",
        ),
        ProviderFault::BadFormat => (
            S::BAD_GATEWAY,
            "provider-bad-format",
            "The model did not keep to the format",
        ),
        ProviderFault::Nonsense => (
            S::BAD_GATEWAY,
            "provider-nonsense",
            "Model provider answered nonsense",
        ),
    }
}

/// `Retry-After` has whole seconds, and one too early would be refused again.
const ALMOST_A_SECOND: Duration = Duration::from_millis(999);

/// When to come back, where the client can do nothing but wait.
pub(super) fn retry_after(error: &Error) -> Option<Duration> {
    match error {
        Error::ConversationBusy
        | Error::RunInterrupted
        | Error::IdempotencyInProgress
        | Error::Unavailable(_) => Some(Duration::from_secs(1)),
        Error::LockedOut { retry_after } => Some(retry_after.saturating_add(ALMOST_A_SECOND)),
        Error::QuotaExceeded { retry_after, .. } => Some(*retry_after),
        Error::BudgetExceeded(refusal) => refusal
            .retry_after
            .map(|pause| pause.saturating_add(ALMOST_A_SECOND)),
        Error::Provider {
            fault: ProviderFault::Overloaded { retry_after },
            ..
        } => Some(retry_after.unwrap_or(Duration::from_secs(10))),
        _ => None,
    }
}

/// Whether that is the head of a problem document.
pub(super) fn is_problem(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind == PROBLEM_JSON)
}

/// What the request log finds in a failed response.
#[derive(Debug, Clone)]
pub(super) struct Failed(pub(super) Arc<Error>);

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        // The layer that knows the request id writes it into the body.
        let problem = Problem::new(&self, None);
        let status =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, problem.to_bytes()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, challenge(&self));
        }
        if let Some(pause) = retry_after(&self) {
            headers.insert(RETRY_AFTER, HeaderValue::from(pause.as_secs().max(1)));
        }
        response.extensions_mut().insert(Failed(Arc::new(self)));
        response
    }
}

/// RFC 6750, section 3: a request without a token and one with a bad token look the same.
fn challenge(error: &Error) -> HeaderValue {
    match error {
        Error::Unauthenticated => HeaderValue::from_static(r#"Bearer error="invalid_token""#),
        _ => HeaderValue::from_static("Bearer"),
    }
}
