//! Where the bytes of a content come from, as requests say it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use shared::model::{MAX_DOCUMENT_BYTES, is_unseen};
use shared::{App, Error, Result};

/// The longest name of a file, in characters.
const MAX_NAME: usize = 255;

/// A content: exactly one of `text`, `content`, `url` and `upload`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewContent {
    /// A text.
    #[serde(default)]
    #[schema(min_length = 1)]
    text: Option<String>,
    /// A small file in base64.
    #[serde(default)]
    #[schema(
        content_encoding = "base64",
        pattern = "^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{2}[AEIMQUYcgkos048]=|[A-Za-z0-9+/][AQgw]==)$"
    )]
    content: Option<String>,
    /// Where a file is fetched from: a public address. Redirects are not followed.
    #[serde(default)]
    #[schema(
        example = "https://example.com/handbook.pdf",
        max_length = 2048,
        pattern = "^https?://"
    )]
    url: Option<String>,
    /// A file that you put into the bucket.
    #[serde(default)]
    upload: Option<NewUpload>,
    /// The name of the file, which tells kinds of text from each other by its extension.
    #[serde(default)]
    #[schema(
        example = "handbook.md",
        min_length = 1,
        max_length = 255,
        pattern = r"^[^/\\\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]+$"
    )]
    file_name: Option<String>,
}

/// A file that you put into the bucket.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUpload {
    /// How many bytes it has: up to 50 MiB.
    #[schema(minimum = 1, maximum = 52_428_800)]
    bytes: u64,
}

/// A content as it was checked.
#[derive(Debug)]
pub(crate) enum Source {
    /// Its bytes.
    Inline(Bytes),
    /// Its address.
    Url(String),
    /// How many bytes will come.
    Upload(u64),
}

impl NewContent {
    /// What it says, and the name of the file.
    pub(crate) fn checked(self, app: &App, name: &str) -> Result<(Source, String)> {
        let given = [
            self.text.is_some(),
            self.content.is_some(),
            self.url.is_some(),
            self.upload.is_some(),
        ];
        if given.into_iter().filter(|given| *given).count() != 1 {
            let detail = "give exactly one of text, content, url and upload";
            return Err(Error::invalid("", detail));
        }
        let fallback = match &self.url {
            Some(url) => last_segment(url),
            None => name.chars().take(MAX_NAME).collect(),
        };
        let file_name = match self.file_name {
            Some(file_name) => checked_name(file_name)?,
            None => fallback,
        };
        let source = if let Some(text) = self.text {
            Source::Inline(text.into_bytes().into())
        } else if let Some(content) = self.content {
            let bytes = STANDARD
                .decode(&content)
                .map_err(|_| Error::invalid("/content", "must be base64 (RFC 4648, section 4)"))?;
            Source::Inline(bytes.into())
        } else if let Some(url) = self.url {
            let checked = app.guard.check(&url);
            checked.map_err(|fault| Error::invalid("/url", fault.to_string()))?;
            Source::Url(url)
        } else {
            let bytes = self.upload.map_or(0, |upload| upload.bytes);
            if !(1..=MAX_DOCUMENT_BYTES as u64).contains(&bytes) {
                let detail = format!("must be from 1 to {MAX_DOCUMENT_BYTES}");
                return Err(Error::invalid("/upload/bytes", detail));
            }
            Source::Upload(bytes)
        };
        if matches!(&source, Source::Inline(bytes) if bytes.is_empty()) {
            return Err(Error::invalid("", "the content has no bytes at all"));
        }
        Ok((source, file_name))
    }
}

fn checked_name(name: String) -> Result<String> {
    let length = name.chars().count();
    let sound = |sign: char| !is_unseen(sign) && !"/\\".contains(sign);
    if (1..=MAX_NAME).contains(&length) && name.chars().all(sound) {
        return Ok(name);
    }
    let detail = "must have 1 to 255 characters, without slashes, control characters and changes of direction";
    Err(Error::invalid("/file_name", detail))
}

/// What an address calls its file.
fn last_segment(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let last = path.rsplit('/').next().unwrap_or_default().chars();
    last.filter(|sign| !is_unseen(*sign))
        .take(MAX_NAME)
        .collect()
}
