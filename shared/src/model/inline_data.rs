//! Bytes that stand in an address.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};

/// The most that an image or a file may hold, in bytes of base64. No provider takes more in a request.
pub const MAX_DATA_BYTES: usize = 6_000_000;
/// Bytes that stand in an address (RFC 2397).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InlineData<'a> {
    /// What they are.
    pub media_type: &'a str,
    /// The bytes, in base64 (RFC 4648, section 4) with padding.
    pub base64: &'a str,
}

impl<'a> InlineData<'a> {
    /// The bytes in an address `data:<media type>;base64,<data>`.
    ///
    /// # Errors
    /// `Invalid` if it is not that, holds nothing, or more than [`MAX_DATA_BYTES`].
    pub fn parse(field: &str, url: &'a str) -> Result<Self> {
        let parts = url
            .strip_prefix("data:")
            .and_then(|rest| rest.split_once(";base64,"));
        let Some((media_type, base64)) = parts.filter(|(media_type, _)| is_media_type(media_type))
        else {
            return Err(Error::invalid(
                field,
                "must be `data:<media type>;base64,<data>`",
            ));
        };
        if base64.len() > MAX_DATA_BYTES {
            let detail = format!("must have at most {MAX_DATA_BYTES} bytes of base64");
            return Err(Error::invalid(field, detail));
        }
        let bytes = STANDARD.decode(base64).unwrap_or_default();
        if bytes.is_empty() {
            let detail = "must hold bytes in base64 of the standard alphabet, with its padding";
            return Err(Error::invalid(field, detail));
        }
        Ok(Self { media_type, base64 })
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        // It was decoded when it was parsed.
        STANDARD.decode(self.base64).unwrap_or_default()
    }
}

fn is_media_type(text: &str) -> bool {
    let token = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte);
        (1..=100).contains(&part.len()) && part.bytes().all(allowed)
    };
    text.split_once('/')
        .is_some_and(|(kind, name)| token(kind) && token(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_what_was_encoded() {
        let url = "data:text/plain;base64,SGk=";
        let data = InlineData::parse("/url", url).expect("data");
        assert_eq!(
            (data.media_type, data.bytes()),
            ("text/plain", b"Hi".to_vec())
        );
    }
}
