//! Whether a request to Amazon Bedrock is signed, or has a key. The signature's form is checked, not its value: nobody
//! here knows the secret.

use axum::http::HeaderMap;

/// What is wrong with the request's authorization.
pub(super) fn fault(headers: &HeaderMap) -> Option<&'static str> {
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(authorization) = value("authorization") else {
        return Some("MissingAuthenticationTokenException");
    };
    if authorization.starts_with("Bearer ") {
        return None;
    }
    let date = value("x-amz-date").unwrap_or_default();
    let right = is_date(date) && is_signature(authorization, date);
    (!right).then_some("IncompleteSignatureException")
}

/// `AWS4-HMAC-SHA256 Credential=<id>/<day>/<region>/bedrock/aws4_request, SignedHeaders=<…>, Signature=<64 hex digits>`
fn is_signature(authorization: &str, date: &str) -> bool {
    let Some(rest) = authorization.strip_prefix("AWS4-HMAC-SHA256 ") else {
        return false;
    };
    let fields: Vec<_> = rest.split(", ").collect();
    let [credential, signed, signature] = fields.as_slice() else {
        return false;
    };
    let scope: Vec<_> = credential
        .strip_prefix("Credential=")
        .unwrap_or_default()
        .split('/')
        .collect();
    let [id, day, region, "bedrock", "aws4_request"] = scope.as_slice() else {
        return false;
    };
    let signed = signed.strip_prefix("SignedHeaders=").unwrap_or_default();
    let covers = |name| signed.split(';').any(|signed| signed == name);
    let signature = signature.strip_prefix("Signature=").unwrap_or_default();
    !id.is_empty()
        && date.starts_with(day)
        && !region.is_empty()
        && covers("host")
        && covers("x-amz-date")
        && signature.len() == 64
        && signature.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `20260131T093000Z`
fn is_date(date: &str) -> bool {
    let pattern = "00000000T000000Z";
    let fits = |(given, wanted): (char, char)| match wanted {
        '0' => given.is_ascii_digit(),
        wanted => given == wanted,
    };
    date.len() == pattern.len() && date.chars().zip(pattern.chars()).all(fits)
}
