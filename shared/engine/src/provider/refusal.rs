//! What a provider says instead of an answer. Only its status and its codes are used: its messages may quote
//! the prompt.

use std::time::{Duration, Instant, UNIX_EPOCH};

use futures_util::StreamExt as _;
use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use shared::Error;
use shared::clock::Moment;
use shared::error::ProviderFault;

use super::completion::within;

/// How much of a refusal is read, in bytes, to find its codes.
const MAX_REFUSAL_BYTES: usize = 16 * 1024;
/// How many characters of a code are kept for the log.
const MAX_CODE_CHARACTERS: usize = 64;
/// The shortest and the longest pause that a provider may ask for.
const PAUSE: std::ops::RangeInclusive<u64> = 1..=300;

/// A status that is no success.
pub(super) async fn of_response(
    response: reqwest::Response,
    now: Moment,
    deadline: Instant,
) -> Error {
    let status = response.status();
    let header = retry_after(response.headers(), now);
    let mut codes = Vec::from_iter(error_type(response.headers()));
    let body = within(deadline, body(response)).await.ok().flatten();
    let told = body.as_ref().map(Told::read).unwrap_or_default();
    codes.extend(told.codes);
    let fault = by_status(status, &codes, header.or(told.pause));
    Error::provider(
        fault,
        format!("status {} {}", status.as_u16(), codes.join(" ")),
    )
}

/// An error that comes in a stream, after a success was told: the body of an error, as JSON.
pub(super) fn of_event(body: &Value) -> Error {
    let told = Told::read(body);
    let fault = match by_code(&told.codes, told.pause) {
        Some(fault) => fault,
        None => match told.status {
            Some(status) => by_status(status, &told.codes, told.pause),
            None => ProviderFault::Unavailable,
        },
    };
    let codes = told.codes.join(" ");
    Error::provider(fault, format!("an error came in the stream: {codes}"))
}

/// What an error's body says, on any wire.
#[derive(Debug, Default)]
struct Told {
    codes: Vec<String>,
    /// The status that stands in it.
    status: Option<StatusCode>,
    /// When to come back.
    pause: Option<Duration>,
}

impl Told {
    fn read(body: &Value) -> Self {
        // OpenAI, Anthropic and Google have an object; some servers leave it out, Google has it in a list.
        let body = body.get(0).unwrap_or(body);
        let error = body.get("error").filter(|error| error.is_object());
        let error = error.unwrap_or(body);
        let details = error["details"].as_array().map_or(&[][..], Vec::as_slice);
        let reasons = details.iter().map(|detail| &detail["reason"]);
        let named = ["code", "type", "status", "__type"].map(|name| &error[name]);
        // The most special first: Google says only in a reason that it was the key.
        let codes = reasons.chain(named).filter_map(Value::as_str);
        let status = error["code"].as_u64().or_else(|| error["status"].as_u64());
        let status = status.and_then(|status| u16::try_from(status).ok());
        let pause = details
            .iter()
            .find_map(|detail| detail["retryDelay"].as_str())
            .and_then(|text| text.strip_suffix('s')?.parse::<f64>().ok())
            .map(|seconds| whole_pause(seconds.ceil() as u64));
        Self {
            codes: codes
                .map(plain)
                .filter(|code| !code.is_empty())
                .take(4)
                .collect(),
            status: status
                .filter(|status| *status >= 400)
                .and_then(|status| StatusCode::from_u16(status).ok()),
            pause,
        }
    }
}

/// A code without what could be more than a code. AWS writes `Name:address` and `namespace#Name`.
fn plain(code: &str) -> String {
    let code = code.split(':').next().unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    let allowed = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars()
        .filter(allowed)
        .take(MAX_CODE_CHARACTERS)
        .collect()
}

/// The name of the exception, as AWS tells it in a header.
fn error_type(headers: &HeaderMap) -> Option<String> {
    let name = headers.get("x-amzn-errortype")?.to_str().ok()?;
    Some(plain(name)).filter(|name| !name.is_empty())
}

fn by_status(status: StatusCode, codes: &[String], pause: Option<Duration>) -> ProviderFault {
    let coded = by_code(codes, pause);
    // These say more than the status, which is 400 or 429.
    let says_more = |fault: &ProviderFault| {
        matches!(
            fault,
            ProviderFault::QuotaExhausted
                | ProviderFault::ContextTooLong
                | ProviderFault::Unauthorized
        )
    };
    if let Some(fault) = coded.filter(says_more) {
        return fault;
    }
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ProviderFault::Unauthorized,
        StatusCode::PAYMENT_REQUIRED => ProviderFault::QuotaExhausted,
        StatusCode::TOO_MANY_REQUESTS => ProviderFault::Overloaded { retry_after: pause },
        _ if status.as_u16() == 529 => ProviderFault::Overloaded { retry_after: pause },
        StatusCode::REQUEST_TIMEOUT | StatusCode::GATEWAY_TIMEOUT => ProviderFault::TimedOut,
        // Amazon Bedrock: the model failed, not the request.
        StatusCode::FAILED_DEPENDENCY => ProviderFault::Unavailable,
        _ if status.is_server_error() => ProviderFault::Unavailable,
        _ if status.is_client_error() => ProviderFault::Refused,
        _ => ProviderFault::Nonsense,
    }
}

/// What a code means, if it is one that we know: of OpenAI, Anthropic, Google, Amazon and llama.cpp.
fn by_code(codes: &[String], pause: Option<Duration>) -> Option<ProviderFault> {
    codes.iter().find_map(|code| {
        Some(match code.to_ascii_lowercase().as_str() {
            "insufficient_quota"
            | "billing_hard_limit_reached"
            | "billing_not_active"
            | "billing_error"
            | "servicequotaexceededexception" => ProviderFault::QuotaExhausted,
            "context_length_exceeded" | "exceed_context_size_error" | "request_too_large" => {
                ProviderFault::ContextTooLong
            }
            "invalid_api_key"
            | "api_key_invalid"
            | "authentication_error"
            | "permission_error"
            | "unauthenticated"
            | "permission_denied"
            | "accessdeniedexception" => ProviderFault::Unauthorized,
            "overloaded_error"
            | "rate_limit_error"
            | "rate_limit_exceeded"
            | "resource_exhausted"
            | "throttlingexception"
            | "modelnotreadyexception" => ProviderFault::Overloaded { retry_after: pause },
            "timeout_error" | "deadline_exceeded" | "modeltimeoutexception" => {
                ProviderFault::TimedOut
            }
            "invalid_request_error" | "invalid_argument" | "validationexception" => {
                ProviderFault::Refused
            }
            _ => return None,
        })
    })
}

/// `Retry-After` in seconds or as a date (RFC 9110, section 10.2.3).
fn retry_after(headers: &HeaderMap, now: Moment) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(whole_pause(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    let date = date.duration_since(UNIX_EPOCH).ok()?.as_secs();
    let date = Moment::from_unix_seconds(i64::try_from(date).ok()?);
    let pause = date.since(now);
    // A part of a second too early would be refused again.
    Some(whole_pause(
        pause.as_secs() + u64::from(pause.subsec_nanos() > 0),
    ))
}

fn whole_pause(seconds: u64) -> Duration {
    Duration::from_secs(seconds.clamp(*PAUSE.start(), *PAUSE.end()))
}

async fn body(response: reqwest::Response) -> Option<Value> {
    let mut body = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        body.extend_from_slice(&chunk.ok()?);
        if body.len() > MAX_REFUSAL_BYTES {
            return None;
        }
    }
    serde_json::from_slice(&body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use serde_json::json;

    fn fault(error: &Error) -> ProviderFault {
        match error {
            Error::Provider { fault, .. } => *fault,
            other => panic!("{other:?}"),
        }
    }

    fn refused(status: u16, body: &Value) -> ProviderFault {
        let told = Told::read(body);
        let status = StatusCode::from_u16(status).expect("a status");
        by_status(status, &told.codes, told.pause)
    }

    fn overloaded(seconds: Option<u64>) -> ProviderFault {
        ProviderFault::Overloaded {
            retry_after: seconds.map(Duration::from_secs),
        }
    }

    #[test]
    fn codes_say_more_than_a_status() {
        let error = |code: &str, kind: &str| json!({"error": {"code": code, "type": kind}});
        let quota = error("insufficient_quota", "insufficient_quota");
        let billing = json!({"error": {"code": null, "type": "billing_not_active"}});
        let busy = error("rate_limit_exceeded", "requests");
        let long = error("context_length_exceeded", "invalid_request_error");
        let llama = json!({"error": {"code": 400, "type": "exceed_context_size_error"}});
        let large = json!({"type": "error", "error": {"type": "request_too_large"}});
        let paid = json!({"error": {"type": "billing_error"}});
        let invalid = json!({"error": {"type": "invalid_request_error"}});
        for (status, body, fault) in [
            (429, quota, ProviderFault::QuotaExhausted),
            (429, billing, ProviderFault::QuotaExhausted),
            (429, busy, overloaded(None)),
            (402, paid, ProviderFault::QuotaExhausted),
            (402, json!({}), ProviderFault::QuotaExhausted),
            (400, long, ProviderFault::ContextTooLong),
            (400, llama, ProviderFault::ContextTooLong),
            (413, large, ProviderFault::ContextTooLong),
            (500, invalid, ProviderFault::Unavailable),
            (302, json!({}), ProviderFault::Nonsense),
        ] {
            assert_eq!(refused(status, &body), fault, "{status} {body}");
        }
    }

    #[test]
    fn google_and_amazon_write_codes_in_their_own_places() {
        let google = |code: u16, status: &str, detail: Value| json!({"error": {"code": code, "status": status, "details": [detail]}});
        let bad_key = google(
            400,
            "INVALID_ARGUMENT",
            json!({"reason": "API_KEY_INVALID"}),
        );
        let invalid = google(400, "INVALID_ARGUMENT", json!({}));
        let busy = google(429, "RESOURCE_EXHAUSTED", json!({"retryDelay": "36.2s"}));
        let quota = json!({"__type": "com.amazon.bedrock#ServiceQuotaExceededException"});
        let model = json!({"message": "the model failed"});
        for (status, body, fault) in [
            (400, bad_key, ProviderFault::Unauthorized),
            (400, json!([invalid]), ProviderFault::Refused),
            (400, invalid, ProviderFault::Refused),
            (429, busy, overloaded(Some(37))),
            (400, quota, ProviderFault::QuotaExhausted),
            (424, model, ProviderFault::Unavailable),
        ] {
            assert_eq!(refused(status, &body), fault, "{status} {body}");
        }
    }

    #[test]
    fn an_error_in_a_stream_is_told_by_code_or_by_the_status_in_it() {
        for (body, expected) in [
            (
                json!({"error": {"type": "overloaded_error"}}),
                ProviderFault::Overloaded { retry_after: None },
            ),
            (
                json!({"error": {"code": 503, "status": "UNAVAILABLE"}}),
                ProviderFault::Unavailable,
            ),
            (json!({"error": {"code": 400}}), ProviderFault::Refused),
            (
                json!({"error": {"code": 70000}}),
                ProviderFault::Unavailable,
            ),
            (json!({"error": {"code": 200}}), ProviderFault::Unavailable),
            (json!({"error": "boom"}), ProviderFault::Unavailable),
            (json!([]), ProviderFault::Unavailable),
            (json!(null), ProviderFault::Unavailable),
        ] {
            assert_eq!(fault(&of_event(&body)), expected, "{body}");
        }
    }

    #[test]
    fn messages_are_kept_out_of_the_log() {
        let body = json!({"error": {"type": "a b\n\u{e9}c", "code": "x".repeat(500), "message": "the prompt"}});
        let Error::Provider { cause, .. } = of_event(&body) else {
            panic!("another error");
        };
        let expected = format!("an error came in the stream: {} abc", "x".repeat(64));
        assert_eq!(cause.to_string(), expected);
    }

    #[test]
    fn a_pause_is_read_in_seconds_and_as_a_date() {
        let now = Moment::from_rfc3339("2026-01-31T09:30:00.5Z").expect("a moment");
        for (text, seconds) in [
            ("17", Some(17)),
            ("0", Some(1)),
            ("86400", Some(300)),
            ("Sat, 31 Jan 2026 09:30:42 GMT", Some(42)),
            ("Saturday, 31-Jan-26 09:30:42 GMT", Some(42)),
            ("Sat Jan 31 09:30:42 2026", Some(42)),
            ("Sat, 31 Jan 2026 09:29:00 GMT", Some(1)),
            ("soon", None),
            ("-5", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            let expected = seconds.map(Duration::from_secs);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
