//! `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07), as requests have it.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderName, HeaderValue};

use crate::error::{Error, Result};

/// The header.
pub(super) const IDEMPOTENCY_KEY: &str = "idempotency-key";
const MAX_CHARACTERS: usize = 255;
/// What [`parse`] takes, as a regular expression: bare, or in quotes.
pub(super) const PATTERN: &str = r#"^(?:[!#-~][!-~]{0,254}|"(?:[!#-\[\]-~]|\\["\\]){1,255}")$"#;

/// Says that a reply is that of the first of the same requests.
pub const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The value of [`IDEMPOTENCY_REPLAYED`].
pub const REPLAYED: HeaderValue = HeaderValue::from_static("true");

/// The key of a request, if it has one. It is read where it is used, so that whoever may not call is told that
/// first.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(Result<Option<String>, &'static str>);

impl IdempotencyKey {
    /// The key.
    pub fn get(&self) -> Result<Option<&str>> {
        match &self.0 {
            Ok(key) => Ok(key.as_deref()),
            Err(wrong) => Err(Error::Malformed((*wrong).to_owned())),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let values: Vec<&HeaderValue> = parts.headers.get_all(IDEMPOTENCY_KEY).iter().collect();
        Ok(Self(match values[..] {
            [] => Ok(None),
            [value] => parse(value).map(Some),
            _ => Err("send only one `Idempotency-Key`"),
        }))
    }
}

/// The draft has a string in quotes, as RFC 9651 writes it; most clients send it bare. Both are the same key.
fn parse(value: &HeaderValue) -> Result<String, &'static str> {
    const WRONG: &str =
        "`Idempotency-Key` must have 1 to 255 visible ASCII characters, such as a UUID";
    let text = value.to_str().map_err(|_| WRONG)?;
    let text = match text.strip_prefix('"') {
        Some(rest) => {
            let inside = rest.strip_suffix('"').ok_or(WRONG)?;
            unescaped(inside).ok_or(WRONG)?
        }
        None => text.to_owned(),
    };
    let good = (1..=MAX_CHARACTERS).contains(&text.len())
        && text.chars().all(|letter| letter.is_ascii_graphic());
    good.then_some(text).ok_or(WRONG)
}

fn unescaped(inside: &str) -> Option<String> {
    let mut text = String::new();
    let mut letters = inside.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\\' => letters.next().filter(|next| ['\\', '"'].contains(next))?,
            '"' => return None,
            other => other,
        });
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_with_and_without_quotes() {
        let longest = "x".repeat(MAX_CHARACTERS);
        for (sent, key) in [
            ("abc", "abc"),
            (r#""abc""#, "abc"),
            (r#""a\"b\\c""#, r#"a"b\c"#),
            ("a\\b", "a\\b"),
            (longest.as_str(), longest.as_str()),
        ] {
            let value = HeaderValue::from_str(sent).expect("a value");
            assert_eq!(parse(&value).as_deref(), Ok(key), "{sent}");
        }
    }

    #[tokio::test]
    async fn a_request_has_one_key_or_none() {
        for (sent, key) in [
            (&[][..], Some(None)),
            (&["abc"], Some(Some("abc"))),
            (&["abc", "abc"], None),
            (&["a b"], None),
        ] {
            let mut request = http::Request::new(());
            for value in sent {
                let value = HeaderValue::from_static(value);
                request.headers_mut().append(IDEMPOTENCY_KEY, value);
            }
            let (mut parts, ()) = request.into_parts();
            let Ok(found) = IdempotencyKey::from_request_parts(&mut parts, &()).await;
            assert_eq!(found.get().ok(), key, "{sent:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let too_long = "x".repeat(MAX_CHARACTERS + 1);
        for sent in [
            "",
            r#""""#,
            r#"""#,
            "a b",
            "\"a\tb\"",
            r#""a"b""#,
            r#""a\x""#,
            r#""a\"#,
            too_long.as_str(),
        ] {
            let value = HeaderValue::from_str(sent).expect("a value");
            assert!(parse(&value).is_err(), "{sent}");
        }
        let value = HeaderValue::from_bytes(b"\xff").expect("a value");
        assert!(parse(&value).is_err());
    }
}
