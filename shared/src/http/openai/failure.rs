//! Errors as OpenAI's clients read them.

use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::problem::{Problem, TYPE_PREFIX, retry_after};
use crate::error::{Error, FieldError, FieldFault, ProviderFault};
use crate::model::RequestId;

/// The longest pause that OpenAI's libraries wait for.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What a failed request is answered with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OpenAiFailure {
    /// What failed.
    pub error: OpenAiError,
}

/// An error, as OpenAI's clients read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OpenAiError {
    /// What went wrong and what to do.
    #[schema(example = "messages[0].content: must not be empty")]
    pub message: String,
    /// What kind of error it is.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "invalid_request_error")]
    pub kind: &'static str,
    /// The parameter that is wrong, the first if several are; `null` if it is none.
    #[schema(example = "messages[0].content")]
    pub param: Option<String>,
    /// Which error it is. Stable: decide by this.
    #[schema(example = "invalid_value")]
    pub code: String,
    /// The request, for whoever looks it up in the logs. It is in `x-request-id` too.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, nullable = false)]
    pub request_id: Option<String>,
}

/// What is read of a problem document that was kept.
#[derive(Deserialize)]
struct KeptProblem {
    #[serde(rename = "type")]
    kind: String,
    status: u16,
    detail: String,
    #[serde(default)]
    errors: Vec<KeptField>,
    #[serde(default)]
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct KeptField {
    field: String,
    detail: String,
}

impl OpenAiFailure {
    /// An error and its status. Nothing of the error's cause is in it.
    pub fn new(error: &Error, request_id: Option<&RequestId>) -> (StatusCode, Self) {
        let problem = Problem::new(error, request_id);
        Self::of(
            (problem.status, Problem::slug(error)),
            &problem.detail,
            &problem.errors,
            problem.request_id,
        )
    }

    /// The same of a problem document as it was kept, such as that of a run. `None` if it is none.
    pub fn of_problem(document: &str) -> Option<(StatusCode, Self)> {
        let kept: KeptProblem = serde_json::from_str(document).ok()?;
        let slug = kept.kind.strip_prefix(TYPE_PREFIX);
        let slug = slug.or_else(|| kept.kind.rsplit('#').next())?;
        let fields = kept.errors.into_iter();
        let fields: Vec<FieldError> = fields
            .map(|KeptField { field, detail }| FieldError::new(field, detail))
            .collect();
        let (status, slug) = (kept.status, slug);
        let failure = Self::of((status, slug), &kept.detail, &fields, kept.request_id);
        Some(failure)
    }

    fn of(
        (status, slug): (u16, &str),
        detail: &str,
        fields: &[FieldError],
        request_id: Option<String>,
    ) -> (StatusCode, Self) {
        let first = fields.first();
        let unknown_model = first.is_some_and(|field| field.fault == FieldFault::Model);
        let status = match slug {
            _ if unknown_model => StatusCode::NOT_FOUND,
            "provider-context-too-long" => StatusCode::BAD_REQUEST,
            // OpenAI knows no 422 but of its own gateways.
            _ if status == 422 => StatusCode::BAD_REQUEST,
            _ => StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        };
        let error = OpenAiError {
            message: message(slug, detail, fields),
            kind: kind(slug, status),
            param: first
                .map(|field| param(&field.field))
                .filter(|param| !param.is_empty()),
            code: code(slug, first.map(|field| field.fault)),
            request_id,
        };
        (status, Self { error })
    }

    /// Its JSON, as it is sent.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        // Strings can't fail to serialize.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// Whether the same request can't succeed within the time that OpenAI's libraries try again in.
pub(super) fn is_pointless(error: &Error) -> bool {
    let late = || retry_after(error).is_some_and(|pause| pause > LONGEST_PAUSE);
    match error {
        Error::Conflict(_) | Error::RunCancelled | Error::IdempotencyReplyLost => true,
        Error::BudgetExceeded(refusal) => refusal.retry_after.is_none() || late(),
        Error::Provider {
            fault: ProviderFault::Overloaded { .. },
            ..
        } => late(),
        Error::Provider { fault, .. } => !fault.may_pass(),
        _ => late(),
    }
}

fn kind(slug: &str, status: StatusCode) -> &'static str {
    match slug {
        "budget-exceeded" => "insufficient_quota",
        _ if status == StatusCode::TOO_MANY_REQUESTS => "requests",
        _ if status.is_server_error() => "server_error",
        _ => "invalid_request_error",
    }
}

fn code(slug: &str, fault: Option<FieldFault>) -> String {
    let code = match (fault, slug) {
        (Some(FieldFault::Value), "invalid-request") => "invalid_value",
        (Some(FieldFault::Unknown), _) => "unknown_parameter",
        (Some(FieldFault::Missing), _) => "missing_required_parameter",
        (Some(FieldFault::Unsupported), _) => "unsupported_parameter",
        (Some(FieldFault::Model), _) => "model_not_found",
        (_, "unauthenticated") => "invalid_api_key",
        (_, "forbidden") => "permission_denied",
        (_, "quota-exceeded") => "rate_limit_exceeded",
        (_, "budget-exceeded") => "insufficient_quota",
        (_, "provider-context-too-long") => "context_length_exceeded",
        (_, slug) => return slug.replace('-', "_"),
    };
    code.to_owned()
}

fn message(slug: &str, detail: &str, fields: &[FieldError]) -> String {
    if !fields.is_empty() {
        let faults = fields.iter().map(|FieldError { field, detail, .. }| {
            let param = param(field);
            let place = if param.is_empty() { "the body" } else { &param };
            format!("{place}: {detail}")
        });
        return faults.collect::<Vec<_>>().join("; ");
    }
    match slug {
        "unauthenticated" => {
            "send a valid API key or access token as `Authorization: Bearer <key>`".to_owned()
        }
        // Nothing of the client's is kept where it can't be found again.
        _ => detail
            .replace("your message is kept, but ", "")
            .replace("your message is kept, ", ""),
    }
}

/// `messages[0].content` for `/messages/0/content`. The name of a query's parameter stays.
fn param(pointer: &str) -> String {
    let Some(path) = pointer.strip_prefix('/') else {
        return pointer.to_owned();
    };
    let mut param = String::new();
    for segment in path.split('/') {
        if !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_digit()) {
            param.push_str(&format!("[{segment}]"));
            continue;
        }
        if !param.is_empty() {
            param.push('.');
        }
        param.push_str(&segment.replace("~1", "/").replace("~0", "~"));
    }
    param
}

#[cfg(test)]
mod tests;
