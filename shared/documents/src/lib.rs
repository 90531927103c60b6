//! Turns the bytes of an uploaded file into text with structure ([`extract`]), and that text into chunks ([`chunk`]).
//!
//! The files are hostile until shown otherwise. Each reader is bounded by [`Limits`], asks its caller now and then whether
//! to go on, keeps a stack of its own where it could recurse, and opens nothing but the bytes that it was given.

mod archive;
mod chunk;
mod decode;
mod extracted;
mod failure;
mod html;
mod json;
mod kind;
mod limits;
mod ooxml;
mod pdf;
mod plain;
mod writer;
mod xml;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub use chunk::{Chunk, ChunkSettings, ChunkSettingsError, chunk};
pub use extracted::{Extracted, Heading, Page};
pub use failure::{Failure, FailureCode};
pub use kind::Kind;
pub use limits::Limits;

use failure::Result;
use kind::Content;
use limits::Budget;

/// Reads a file.
///
/// What it is is told by its content. `name` decides only between kinds of text that content cannot tell apart (plain
/// text, Markdown, CSV, a part of a page); a name whose extension says another kind than a content that leaves no doubt is
/// refused. `go_on` is asked every few milliseconds; once it says no, the reading ends with
/// [`FailureCode::TimedOut`].
///
/// # Errors
///
/// Always with a code and a sentence for the person who uploaded the file. A file that has no text is an error too.
pub fn extract(
    bytes: &[u8],
    name: Option<&str>,
    limits: &Limits,
    go_on: &dyn Fn() -> bool,
) -> Result<Extracted> {
    if bytes.len() > limits.bytes {
        let message = format!(
            "the file has {} bytes, and {} are allowed; split it",
            bytes.len(),
            limits.bytes
        );
        return Err(Failure::new(FailureCode::TooLarge, message));
    }
    // The parsers below are others' work, and one panic must not end the process. Nothing that they had survives.
    catch_unwind(AssertUnwindSafe(|| read(bytes, name, limits, go_on))).unwrap_or_else(|_panic| {
        let message = "the file could not be read; save it again in another version of its format and upload that";
        Err(Failure::new(FailureCode::ReaderFailed, message))
    })
}

fn read(
    bytes: &[u8],
    name: Option<&str>,
    limits: &Limits,
    go_on: &dyn Fn() -> bool,
) -> Result<Extracted> {
    let budget = Budget::new(limits, go_on);
    budget.ask()?;
    if bytes.is_empty() {
        return Err(Failure::no_text(
            "the file is empty: it has no bytes at all",
        ));
    }
    match kind::content(bytes)? {
        Content::Pdf => {
            kind::check_name(name, Kind::Pdf)?;
            pdf::read(bytes, &budget)
        }
        Content::Zip => ooxml::read(bytes, name, &budget),
        Content::Text => {
            let text = kind::decode_text(bytes, name)?;
            match kind::text_kind(&text, name, &budget)? {
                Kind::Html => html::read(&text, &budget),
                Kind::Json => json::read(&text, &budget),
                Kind::Md => plain::read_markdown(&text, &budget),
                kind => plain::read(&text, kind, &budget),
            }
        }
    }
}
