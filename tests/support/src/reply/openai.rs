//! Failures in OpenAI's form, and the problems that they stand for.

use super::Reply;

/// The status and the slug of the problem that a failure stands for, if it is one as all are: with a message, a type, a
/// code, its request id and the same id in the header.
pub(super) fn problem(reply: &Reply) -> (u16, String) {
    assert_eq!(reply.header("content-type"), "application/json");
    let body = reply.body();
    let error = &body["error"];
    assert_eq!(error["request_id"], reply.header("x-request-id"), "{body}");
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    assert!(!text("message").is_empty(), "{body}");
    let status = reply.status.as_u16();
    let kinds: &[&str] = match status {
        429 => &["requests", "insufficient_quota"],
        500.. => &["server_error"],
        _ => &["invalid_request_error"],
    };
    assert!(kinds.contains(&text("type").as_str()), "{body}");
    match text("code").as_str() {
        "invalid_value"
        | "unknown_parameter"
        | "missing_required_parameter"
        | "unsupported_parameter" => (422, "invalid-request".to_owned()),
        "invalid_api_key" => (status, "unauthenticated".to_owned()),
        "permission_denied" => (status, "forbidden".to_owned()),
        "rate_limit_exceeded" => (status, "quota-exceeded".to_owned()),
        "insufficient_quota" => (status, "budget-exceeded".to_owned()),
        code => (status, code.replace('_', "-")),
    }
}

/// The field that a failure names, as a JSON Pointer, and its whole message.
pub(super) fn errors(reply: &Reply) -> Vec<(String, String)> {
    let body = reply.body();
    let Some(param) = body["error"]["param"].as_str() else {
        return Vec::new();
    };
    let message = body["error"]["message"].as_str().unwrap_or_default();
    let pointer = param.replace("][", "/").replace(['.', '['], "/");
    vec![(format!("/{}", pointer.replace(']', "")), message.to_owned())]
}

impl Reply {
    /// The error of a failure in OpenAI's form: type, code and parameter.
    pub fn openai(&self) -> (String, String, Option<String>) {
        let body = self.body();
        let text = |name: &str| body["error"][name].as_str().map(str::to_owned);
        (
            text("type").unwrap_or_default(),
            text("code").unwrap_or_default(),
            text("param"),
        )
    }
}
