//! From bytes to characters.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

pub(crate) enum Decoded<'a> {
    Text(Cow<'a, str>),
    /// Text in an encoding that cannot be told.
    Unknown,
    /// Hardly text at all.
    Binary,
}

/// Reads UTF-8, UTF-16 with a byte order mark, and what an HTML page declares. No other encoding is guessed: a wrong guess
/// makes text that looks right and is not.
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let (encoding, body) = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => (UTF_8, rest),
        [0xff, 0xfe, rest @ ..] => (UTF_16LE, rest),
        [0xfe, 0xff, rest @ ..] => (UTF_16BE, rest),
        _ => (UTF_8, bytes),
    };
    if encoding != UTF_8 {
        return strictly(encoding, body)
            .map_or(Decoded::Unknown, |text| Decoded::Text(Cow::Owned(text)));
    }
    if let Ok(text) = std::str::from_utf8(body) {
        return if has_many_nuls(body) {
            Decoded::Unknown
        } else {
            Decoded::Text(Cow::Borrowed(text))
        };
    }
    if let Some(text) = declared(body).and_then(|encoding| strictly(encoding, body)) {
        return Decoded::Text(Cow::Owned(text));
    }
    if memchr::memchr(0, &body[..body.len().min(8192)]).is_some() {
        Decoded::Binary
    } else {
        Decoded::Unknown
    }
}

/// UTF-16 without a mark is valid UTF-8 with a NUL beside each Latin letter.
fn has_many_nuls(bytes: &[u8]) -> bool {
    memchr::memchr_iter(0, bytes).count() > bytes.len() / 10
}

/// Half of a surrogate pair, or a byte that stands for nothing, and the text is refused.
fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(Cow::into_owned)
}

/// What `<meta charset>` says in the first kilobyte, where HTML demands it.
fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = bytes[..bytes.len().min(1024)].to_ascii_lowercase();
    let meta = memchr::memmem::find(&head, b"<meta")?;
    let charset = meta + memchr::memmem::find(&head[meta..], b"charset=")? + b"charset=".len();
    let label = head[charset..].trim_ascii_start();
    let label = label
        .strip_prefix(b"\"")
        .or_else(|| label.strip_prefix(b"'"))
        .unwrap_or(label);
    let end = label
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || b"-_:.".contains(b)))
        .unwrap_or(label.len());
    // An ASCII-compatible page cannot be UTF-16, whatever it says.
    Encoding::for_label(&label[..end]).filter(|encoding| encoding.is_ascii_compatible())
}
