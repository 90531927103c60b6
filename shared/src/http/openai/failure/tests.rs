//! What becomes of each kind of error.

use super::*;
use crate::clock::Moment;
use crate::model::{BudgetRefusal, BudgetResource, BudgetScope, BudgetWindow};

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn budget(retry_after: Option<u64>) -> Error {
    Error::BudgetExceeded(Box::new(BudgetRefusal {
        scope: BudgetScope::Tenant,
        window: BudgetWindow::Day,
        resource: BudgetResource::Tokens,
        limit: 1,
        spent: 1,
        reserved: 0,
        needed: 1,
        window_ends: Moment::from_unix_seconds(0),
        retry_after: retry_after.map(seconds),
    }))
}

fn provider(fault: ProviderFault) -> Error {
    Error::provider(fault, "a cause that nobody must see")
}

fn overloaded(retry_after: Option<u64>) -> Error {
    provider(ProviderFault::Overloaded {
        retry_after: retry_after.map(seconds),
    })
}

fn quota(retry_after: u64) -> Error {
    Error::QuotaExceeded {
        policies: vec!["read".to_owned()],
        retry_after: seconds(retry_after),
    }
}

/// Status, type, code and parameter.
fn told(error: &Error) -> (u16, &'static str, String, Option<String>) {
    let (status, OpenAiFailure { error }) = OpenAiFailure::new(error, None);
    (status.as_u16(), error.kind, error.code, error.param)
}

#[test]
fn what_clients_do_wrong_has_the_status_and_code_that_they_decide_by() {
    let large = Error::TooLarge { limit_bytes: 1 };
    let too_long = provider(ProviderFault::ContextTooLong);
    for (error, status, code) in [
        (Error::NotFound("file"), 404, "not_found"),
        (Error::NoRoute, 404, "no_such_route"),
        (Error::MethodNotAllowed, 405, "method_not_allowed"),
        (Error::Unauthenticated, 401, "invalid_api_key"),
        (Error::Forbidden("no"), 403, "permission_denied"),
        (Error::TenantSuspended, 403, "tenant_suspended"),
        (Error::Conflict("no"), 409, "conflict"),
        (Error::ConversationBusy, 409, "conversation_busy"),
        (Error::Malformed("no".into()), 400, "malformed_request"),
        (large, 413, "body_too_large"),
        (Error::IdempotencyKeyReused, 400, "idempotency_key_reused"),
        (too_long, 400, "context_length_exceeded"),
    ] {
        let expected = (status, "invalid_request_error", code.to_owned(), None);
        assert_eq!(told(&error), expected, "{error:?}");
    }
}

#[test]
fn what_clients_can_t_help_is_told_apart() {
    let (quota, budget) = (quota(1), budget(None));
    let late = provider(ProviderFault::TimedOut);
    let refused = provider(ProviderFault::Refused);
    let (server, rate) = ("server_error", "rate_limit_exceeded");
    for (error, status, kind, code) in [
        (quota, 429, "requests", rate),
        (budget, 429, "insufficient_quota", "insufficient_quota"),
        (late, 504, server, "provider_timed_out"),
        (refused, 502, server, "provider_refused"),
        (Error::unavailable("x"), 503, server, "unavailable"),
        (Error::internal("x"), 500, server, "internal"),
    ] {
        let expected = (status, kind, code.to_owned(), None);
        assert_eq!(told(&error), expected, "{error:?}");
    }
}

#[test]
fn faults_of_fields_are_told_apart_and_the_first_is_the_parameter() {
    for (fault, status, code) in [
        (FieldFault::Value, 400, "invalid_value"),
        (FieldFault::Unknown, 400, "unknown_parameter"),
        (FieldFault::Missing, 400, "missing_required_parameter"),
        (FieldFault::Unsupported, 400, "unsupported_parameter"),
        (FieldFault::Model, 404, "model_not_found"),
    ] {
        let error = Error::Invalid(vec![
            FieldError::of(fault, "/messages/0/content", "is wrong"),
            FieldError::new("/n", "is wrong too"),
        ]);
        let (_, failure) = OpenAiFailure::new(&error, None);
        assert_eq!(
            failure.error.message,
            "messages[0].content: is wrong; n: is wrong too"
        );
        let param = Some("messages[0].content".to_owned());
        let kind = "invalid_request_error";
        assert_eq!(told(&error), (status, kind, code.to_owned(), param));
    }
    let (_, failure) = OpenAiFailure::new(&Error::invalid("", "must be a JSON object"), None);
    assert_eq!(failure.error.message, "the body: must be a JSON object");
    assert_eq!(failure.error.param, None);
}

#[test]
fn pointers_become_the_names_that_openai_gives_parameters() {
    for (pointer, name) in [
        ("/model", "model"),
        (
            "/messages/0/content/12/text",
            "messages[0].content[12].text",
        ),
        ("/metadata/a~1b~0c", "metadata.a/b~c"),
        ("/0", "[0]"),
        ("limit", "limit"),
        ("", ""),
    ] {
        assert_eq!(param(pointer), name);
    }
}

#[test]
fn what_trying_again_can_t_help_says_so() {
    for pointless in [
        Error::Conflict("no"),
        Error::RunCancelled,
        Error::IdempotencyReplyLost,
        budget(None),
        budget(Some(61)),
        quota(61),
        overloaded(Some(61)),
        provider(ProviderFault::Refused),
        provider(ProviderFault::Unauthorized),
        provider(ProviderFault::QuotaExhausted),
    ] {
        assert!(is_pointless(&pointless), "{pointless:?}");
    }
    for hopeful in [
        Error::ConversationBusy,
        Error::IdempotencyInProgress,
        Error::RunInterrupted,
        budget(Some(5)),
        quota(60),
        overloaded(None),
        overloaded(Some(5)),
        provider(ProviderFault::Unavailable),
        provider(ProviderFault::BadToolCall),
        provider(ProviderFault::BadFormat),
        Error::unavailable("x"),
        Error::internal("x"),
    ] {
        assert!(!is_pointless(&hopeful), "{hopeful:?}");
    }
}

#[test]
fn a_kept_problem_document_becomes_the_same() {
    let request_id = RequestId::new();
    for error in [
        provider(ProviderFault::TimedOut),
        provider(ProviderFault::ContextTooLong),
        quota(5),
        budget(None),
        Error::NotFound("run"),
        Error::invalid("/model", "is wrong"),
    ] {
        let kept = Problem::stored(&error, &request_id);
        let read = OpenAiFailure::of_problem(&kept.document);
        assert_eq!(read, Some(OpenAiFailure::new(&error, Some(&request_id))));
    }
    assert_eq!(OpenAiFailure::of_problem("{}"), None);
}

#[test]
fn nothing_says_that_a_message_is_kept_which_nobody_can_find() {
    for fault in [
        ProviderFault::Unavailable,
        ProviderFault::QuotaExhausted,
        ProviderFault::ContextTooLong,
        ProviderFault::Nonsense,
    ] {
        let (_, failure) = OpenAiFailure::new(&provider(fault), None);
        let message = failure.error.message;
        assert!(!message.contains("kept"), "{message}");
        assert!(!message.contains("a cause"), "{message}");
    }
}
