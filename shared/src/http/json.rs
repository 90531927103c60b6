//! JSON bodies, in and out.

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::multipart::form_boundary;
use super::objects::Objects;
use crate::error::{Error, FieldError, FieldFault, Result};

/// The largest body that is read, in bytes: several times the longest message, because JSON may write a
/// character as six.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// The largest form with files that is read, in bytes: what is left of the 6 MB that a function may be called with, once
/// the body is in base64.
pub const MAX_FORM_BYTES: usize = 4_500_000;

/// A JSON body. What is no JSON is 400, what is JSON of the wrong shape is 422 and names the field.
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Self> {
        if !is_json(request.headers()) {
            return Err(Error::UnsupportedMediaType);
        }
        let (parts, body) = request.into_parts();
        let bytes = read_body(&parts.headers, body).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// What JSON text says: an object.
    ///
    /// # Errors
    /// As the extractor's.
    pub fn parse(text: &[u8]) -> Result<T> {
        parse(text)
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(bytes) => {
                let json = HeaderValue::from_static("application/json");
                ([(CONTENT_TYPE, json)], bytes).into_response()
            }
            Err(error) => Error::internal(error).into_response(),
        }
    }
}

/// `application/json` or any `+json` type, with whatever parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(value)) = headers.get(CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let essence = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence == "application/json"
        || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// A whole body that is not larger than it may be. Forms may be larger, because they have files in them.
pub(super) async fn read_body(headers: &HeaderMap, body: Body) -> Result<bytes::Bytes> {
    let limit_bytes = match form_boundary(headers) {
        Some(_) => MAX_FORM_BYTES,
        None => MAX_BODY_BYTES,
    };
    let too_large = || Error::TooLarge { limit_bytes };
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if announced
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > limit_bytes)
    {
        return Err(too_large());
    }
    match Limited::new(body, limit_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Error::Malformed(
            "the body broke off before its end".to_owned(),
        )),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    // serde would take an array for a struct too, member by member.
    let object = bytes.trim_ascii_start().first() == Some(&b'{');
    if !object && serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
        return Err(Error::invalid("", "must be a JSON object"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut track = serde_path_to_error::Track::new();
    let tracked = serde_path_to_error::Deserializer::new(&mut deserializer, &mut track);
    let parsed = T::deserialize(Objects(tracked));
    let value = parsed.map_err(|error| rejection(bytes, &error, pointer(&track.path())))?;
    deserializer
        .end()
        .map_err(|error| rejection(bytes, &error, String::new()))?;
    Ok(value)
}

/// Whether it is JSON at all is asked again, because the parser calls some wrong shapes wrong syntax.
fn rejection(bytes: &[u8], error: &serde_json::Error, mut pointer: String) -> Error {
    if serde_json::from_slice::<serde_json::Value>(bytes).is_err() {
        return Error::Malformed(format!(
            "the body is not valid JSON: line {}, column {}",
            error.line(),
            error.column()
        ));
    }
    let text = error.to_string();
    let detail = detail(&text);
    let missing = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| text.strip_prefix(start));
    if let Some((field, _)) = missing.and_then(|rest| rest.split_once('`')) {
        pointer = format!("{pointer}/{}", escaped(field));
    }
    let fault = if text.starts_with("missing field") {
        FieldFault::Missing
    } else if text.starts_with("unknown field") {
        FieldFault::Unknown
    } else {
        FieldFault::Value
    };
    Error::Invalid(vec![FieldError::of(fault, pointer, detail)])
}

/// serde's sentence without its position, and without the value that it found: that may be a secret.
fn detail(text: &str) -> String {
    let text = text.split(" at line ").next().unwrap_or_default();
    match text.rsplit_once(", expected ") {
        Some((found, known)) if found.starts_with("unknown field") => {
            format!("is not a field here; expected {known}")
        }
        Some((_, expected)) => format!("must be {}", named(expected)),
        None if text.starts_with("missing field") => "must be given".to_owned(),
        None if text.starts_with("duplicate field") => "must be given only once".to_owned(),
        None if text.starts_with("unknown field") => {
            "is not a field here; there are none".to_owned()
        }
        None if text.starts_with("expected value") => "must not be null".to_owned(),
        None => text.to_owned(),
    }
}

/// What serde calls by the names that Rust has for it.
fn named(expected: &str) -> &str {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0 on, without a point",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number, without a point",
        "f32" | "f64" => "a number",
        other => other,
    }
}

/// A JSON Pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        let name = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escaped(key),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&name);
    }
    pointer
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// A request with this body, for tests of what the extractor makes of it.
#[cfg(test)]
fn request(content_type: Option<&str>, body: impl Into<axum::body::Body>) -> Request {
    let mut request = Request::new(body.into());
    if let Some(value) = content_type {
        let value = HeaderValue::from_str(value).expect("a header value");
        request.headers_mut().insert(CONTENT_TYPE, value);
    }
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize)]
    #[expect(dead_code, reason = "only whether it parses matters")]
    struct Around {
        sample: Sample,
        more: Option<Vec<Sample>>,
    }

    #[test]
    fn an_array_is_no_object_at_any_depth() {
        let right = r#"{"sample": {"content": "a"}, "more": [{"content": "b"}]}"#;
        assert!(parse::<Around>(right.as_bytes()).is_ok());
        for (body, field) in [
            (r#"{"sample": ["a"]}"#, "/sample"),
            (
                r#"{"sample": {"content": "a"}, "more": [["b"]]}"#,
                "/more/0",
            ),
        ] {
            let Err(Error::Invalid(faults)) = parse::<Around>(body.as_bytes()) else {
                panic!("{body}");
            };
            assert_eq!(faults[0].field, field);
        }
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it parses matters")]
    struct Sample {
        content: String,
        #[serde(default)]
        stream: bool,
    }

    async fn extract(
        content_type: Option<&str>,
        body: impl Into<axum::body::Body>,
    ) -> Result<Json<Sample>> {
        Json::from_request(request(content_type, body), &()).await
    }

    #[tokio::test]
    async fn every_json_content_type_is_read() {
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/merge-patch+json",
        ] {
            assert!(
                extract(Some(good), r#"{"content":"x"}"#).await.is_ok(),
                "{good}"
            );
        }
        for bad in [
            None,
            Some("text/plain"),
            Some("application/jsonp"),
            Some(""),
        ] {
            let error = extract(bad, r#"{"content":"x"}"#)
                .await
                .expect_err("not JSON");
            assert!(matches!(error, Error::UnsupportedMediaType), "{bad:?}");
        }
    }

    #[tokio::test]
    async fn what_is_no_json_is_malformed() {
        let deep = "[".repeat(10_000);
        let bodies: [&[u8]; 10] = [
            b"",
            b"{",
            b"{\"content\":",
            b"\xef\xbb\xbf{}",
            b"{\"content\":\"\xff\"}",
            b"{\"content\":\"\\ud800\"}",
            b"{\"content\":NaN}",
            b"{\"content\":1e999}",
            b"{\"content\":\"x\"} trailing",
            deep.as_bytes(),
        ];
        for body in bodies {
            let error = extract(Some("application/json"), body.to_vec())
                .await
                .expect_err("not JSON");
            assert!(
                matches!(error, Error::Malformed(_)),
                "{:?}: {error:?}",
                String::from_utf8_lossy(&body[..body.len().min(30)])
            );
        }
    }

    #[tokio::test]
    async fn a_field_that_is_not_known_is_answered_with_those_that_are() {
        // What a client calls its field does not count as one of ours.
        for field in ["extra", "a, expected `b"] {
            let body = format!(r#"{{"content":"x","{field}":1}}"#);
            let error = extract(Some("application/json"), body).await;
            let Err(Error::Invalid(errors)) = error else {
                panic!("{field} is taken: {error:?}");
            };
            let [
                FieldError {
                    field: at,
                    detail,
                    fault: FieldFault::Unknown,
                },
            ] = &errors[..]
            else {
                panic!("one error: {errors:?}");
            };
            assert_eq!(*at, format!("/{field}"));
            assert_eq!(
                detail,
                "is not a field here; expected `content` or `stream`"
            );
        }
    }

    #[tokio::test]
    async fn the_wrong_shape_names_the_field_and_not_the_value() {
        for (body, field) in [
            (r#"{"content":"x","stream":"hunter2"}"#, "/stream"),
            (r#"{"content":17}"#, "/content"),
            (r#"{"content":"x","extra":1}"#, "/extra"),
            (r#"{"content":"x","content":"y"}"#, "/content"),
            (r#"{}"#, "/content"),
            (r#"{"content":null}"#, "/content"),
            (r#"{"content":"x","a/b":1}"#, "/a~1b"),
            ("null", ""),
            ("[]", ""),
            (r#"["x", true]"#, ""),
            (r#""hunter2""#, ""),
        ] {
            match extract(Some("application/json"), body)
                .await
                .expect_err("wrong shape")
            {
                Error::Invalid(errors) => {
                    assert_eq!(errors[0].field, field, "{body}");
                    assert!(
                        !errors[0].detail.contains("hunter2"),
                        "{}",
                        errors[0].detail
                    );
                }
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_not_read() {
        let body = format!(r#"{{"content":"{}"}}"#, "x".repeat(MAX_BODY_BYTES));
        let error = extract(Some("application/json"), body)
            .await
            .expect_err("too large");
        assert!(matches!(error, Error::TooLarge { .. }), "{error:?}");
    }
}
