//! What a file is: its content says so, not its name.

use std::fmt;

use crate::decode::{self, Decoded};
use crate::failure::{Failure, FailureCode, Result};
use crate::json;
use crate::limits::Budget;

/// The kinds of file that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Plain text.
    Txt,
    /// Markdown.
    Md,
    /// HTML.
    Html,
    /// One JSON object or array.
    Json,
    /// Values separated by commas, semicolons or tabs.
    Csv,
    /// PDF.
    Pdf,
    /// A document of Word.
    Docx,
    /// A presentation of PowerPoint.
    Pptx,
    /// A workbook of Excel.
    Xlsx,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Txt,
        Self::Md,
        Self::Html,
        Self::Json,
        Self::Csv,
        Self::Pdf,
        Self::Docx,
        Self::Pptx,
        Self::Xlsx,
    ];

    /// The name by which the kind is stored and sent, which is its usual extension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Txt => "txt",
            Self::Md => "md",
            Self::Html => "html",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Pdf => "pdf",
            Self::Docx => "docx",
            Self::Pptx => "pptx",
            Self::Xlsx => "xlsx",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Pdf,
    Zip,
    Text,
}

/// What a name says that the content could contradict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    Read(Kind),
    /// An extension of something that is neither text nor read.
    OtherBinary,
    Unknown,
}

/// First bytes of what is not read, with what to say.
const OTHER: &[(usize, &[u8], &str)] = &[
    (0, b"\x89PNG", "an image"),
    (0, b"\xff\xd8\xff", "an image"),
    (0, b"GIF8", "an image"),
    (0, b"II*\0", "an image"),
    (0, b"MM\0*", "an image"),
    (0, b"RIFF", "an image or a recording"),
    (0, b"ID3", "a recording"),
    (0, b"OggS", "a recording"),
    (4, b"ftyp", "a film or an image"),
    (0, b"\x1f\x8b", "a compressed file"),
    (0, b"BZh", "a compressed file"),
    (0, b"\xfd7zXZ", "a compressed file"),
    (0, b"\x28\xb5\x2f\xfd", "a compressed file"),
    (0, b"7z\xbc\xaf\x27\x1c", "an archive"),
    (0, b"Rar!", "an archive"),
    (257, b"ustar", "an archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"\xca\xfe\xba\xbe", "a program"),
    (0, b"\0asm", "a program"),
    (0, b"SQLite format 3\0", "a database"),
    (0, b"{\\rtf", "a file in Rich Text Format"),
    (0, b"%!PS", "a PostScript file"),
];

/// Tells a container from text by the first bytes.
pub(crate) fn content(bytes: &[u8]) -> Result<Content> {
    let head = &bytes[..bytes.len().min(1024)];
    if head.starts_with(b"%PDF-") {
        return Ok(Content::Pdf);
    }
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        return Ok(Content::Zip);
    }
    if head.starts_with(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        return Err(compound_file(bytes));
    }
    let other = OTHER
        .iter()
        .find(|(at, magic, _)| head.get(*at..).is_some_and(|rest| rest.starts_with(magic)));
    if let Some((_, _, what)) = other {
        return Err(unsupported(&format!("this is {what}")));
    }
    // Readers of PDF accept anything before the header, and some programs put it there; text about PDF is text.
    if memchr::memmem::find(head, b"%PDF-").is_some() && std::str::from_utf8(bytes).is_err() {
        return Ok(Content::Pdf);
    }
    Ok(Content::Text)
}

/// The container of Office before 2007, in which newer versions put a document with a password.
fn compound_file(bytes: &[u8]) -> Failure {
    let marker: Vec<u8> = "EncryptedPackage"
        .bytes()
        .flat_map(|byte| [byte, 0])
        .collect();
    if memchr::memmem::find(bytes, &marker).is_some() {
        return encrypted();
    }
    unsupported("this is a file of an old version of Office: save it as docx, xlsx or pptx")
}

pub(crate) fn encrypted() -> Failure {
    Failure::new(
        FailureCode::Encrypted,
        "the file is protected by a password; remove the protection and upload it again",
    )
}

pub(crate) fn unsupported(what: &str) -> Failure {
    let kinds = Kind::ALL.map(Kind::as_str).join(", ");
    Failure::new(
        FailureCode::UnsupportedType,
        format!("{what}, and what can be read is: {kinds}"),
    )
}

/// Refuses a name that says something else than a content that leaves no doubt.
pub(crate) fn check_name(name: Option<&str>, kind: Kind) -> Result<()> {
    let said = match (named(name), kind) {
        (Named::Unknown, _) => return Ok(()),
        (Named::Read(said), _) if said == kind => return Ok(()),
        (Named::Read(said), _) => format!("named as {said}"),
        (Named::OtherBinary, _) => "named as something else".to_owned(),
    };
    let message =
        format!("the file is {said} and is {kind} inside; give it the extension of what it is");
    Err(Failure::new(FailureCode::WrongType, message))
}

/// Which kind of text it is. JSON and HTML are told by their content; Markdown, CSV and plain text are all just text, and
/// so is a part of an HTML page: there the name decides.
pub(crate) fn text_kind(text: &str, name: Option<&str>, budget: &Budget<'_>) -> Result<Kind> {
    let named = named(name);
    match named {
        Named::Read(said @ (Kind::Pdf | Kind::Docx | Kind::Pptx | Kind::Xlsx)) => {
            let message = format!(
                "the file is named as {said} and is text inside; give it the extension of what it is"
            );
            return Err(Failure::new(FailureCode::WrongType, message));
        }
        Named::OtherBinary => {
            let message = "the file is named as something else and is text inside; give it the extension of what it is";
            return Err(Failure::new(FailureCode::WrongType, message));
        }
        _ => {}
    }
    if json::is_json(text, budget)? {
        return Ok(Kind::Json);
    }
    match named {
        Named::Read(Kind::Json) => Err(Failure::corrupt("it is named as json and is not JSON")),
        Named::Read(kind @ (Kind::Md | Kind::Csv)) if !is_whole_page(text) => Ok(kind),
        Named::Read(Kind::Html) => Ok(Kind::Html),
        _ if is_whole_page(text) => Ok(Kind::Html),
        _ => Ok(Kind::Txt),
    }
}

/// Whether the text begins as a page does: `<!doctype html>` or `<html>`, perhaps after comments and a declaration.
fn is_whole_page(text: &str) -> bool {
    let mut rest = text.trim_start();
    loop {
        let end = if rest.starts_with("<!--") {
            "-->"
        } else if rest.starts_with("<?xml") {
            "?>"
        } else {
            break;
        };
        match rest.split_once(end) {
            Some((_, after)) => rest = after.trim_start(),
            None => return false,
        }
    }
    ["<!doctype html", "<html", "<head", "<body"]
        .iter()
        .any(|tag| {
            let begins = rest
                .get(..tag.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(tag));
            begins
                && rest[tag.len()..]
                    .starts_with(|c: char| c == '>' || c == '/' || c.is_ascii_whitespace())
        })
}

/// The text, if it is in an encoding that can be told.
pub(crate) fn decode_text<'a>(
    bytes: &'a [u8],
    name: Option<&str>,
) -> Result<std::borrow::Cow<'a, str>> {
    match decode::decode(bytes) {
        Decoded::Text(text) => Ok(text),
        Decoded::Binary => Err(match named(name) {
            Named::Read(said) => {
                let message = format!(
                    "the file is named as {said} and is something else inside; upload the file itself"
                );
                Failure::new(FailureCode::WrongType, message)
            }
            _ => unsupported("this is not text, nor a kind of file that is known"),
        }),
        Decoded::Unknown => {
            let message = "the text is in an encoding that cannot be told; save it as UTF-8";
            Err(Failure::new(FailureCode::UnknownEncoding, message))
        }
    }
}

fn named(name: Option<&str>) -> Named {
    let Some((stem, extension)) = name.and_then(|name| name.rsplit_once('.')) else {
        return Named::Unknown;
    };
    if stem.is_empty() {
        return Named::Unknown;
    }
    match extension.trim().to_ascii_lowercase().as_str() {
        "txt" | "text" | "log" => Named::Read(Kind::Txt),
        "md" | "markdown" | "mdown" => Named::Read(Kind::Md),
        "html" | "htm" | "xhtml" => Named::Read(Kind::Html),
        "json" => Named::Read(Kind::Json),
        "csv" | "tsv" => Named::Read(Kind::Csv),
        "pdf" => Named::Read(Kind::Pdf),
        "docx" | "docm" | "dotx" | "dotm" => Named::Read(Kind::Docx),
        "pptx" | "pptm" | "ppsx" | "potx" => Named::Read(Kind::Pptx),
        "xlsx" | "xlsm" | "xltx" | "xltm" => Named::Read(Kind::Xlsx),
        "doc" | "xls" | "ppt" | "odt" | "ods" | "odp" | "png" | "jpg" | "jpeg" | "gif" | "webp"
        | "tif" | "tiff" | "mp3" | "mp4" | "wav" | "zip" | "gz" | "7z" | "rar" | "tar" | "exe"
        | "dll" | "jar" | "iso" | "epub" => Named::OtherBinary,
        _ => Named::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_begins_with_its_doctype_or_its_first_elements() {
        for page in [
            "<!DOCTYPE html><p>",
            " \n<html lang=en>",
            "<!-- a --><!-- b -->\n<HEAD>",
            "<?xml version='1.0'?><html>",
        ] {
            assert!(is_whole_page(page), "{page}");
        }
        for text in [
            "<p align=center>",
            "<header>",
            "<!-- never ends",
            "html",
            "<htmlx>",
            "<é",
        ] {
            assert!(!is_whole_page(text), "{text}");
        }
    }

    #[test]
    fn a_name_without_a_known_extension_says_nothing() {
        for name in ["report", ".pdf", "notes.2024", "a.b.c", ""] {
            assert_eq!(named(Some(name)), Named::Unknown, "{name}");
        }
        assert_eq!(named(Some("A.PDF")), Named::Read(Kind::Pdf));
        assert_eq!(named(None), Named::Unknown);
    }

    #[test]
    fn no_two_kinds_have_one_name() {
        let names: std::collections::BTreeSet<_> =
            Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert_eq!(names.len(), Kind::ALL.len());
    }
}
