//! Why a document can't be taken in, as its problem says it.

use documents::{Failure, FailureCode};
use shared::Error;

/// A document that can't be taken in as it is.
pub(super) fn refused(slug: &'static str, message: impl Into<String>) -> Error {
    Error::Document {
        slug,
        message: message.into(),
    }
}

/// A file that gave no text. Its sentence is for the person who uploaded it, and has nothing of the file in it.
pub(super) fn unread(failure: Failure) -> Error {
    let slug = match failure.code {
        FailureCode::UnsupportedType => "document-unsupported-type",
        FailureCode::WrongType => "document-wrong-type",
        FailureCode::UnknownEncoding => "document-unknown-encoding",
        FailureCode::Encrypted => "document-encrypted",
        FailureCode::Corrupt => "document-corrupt",
        FailureCode::TooLarge => "document-too-large",
        FailureCode::InflatedTooLarge => "document-inflated-too-large",
        FailureCode::CompressionRatio => "document-compression-ratio",
        FailureCode::TooManyEntries => "document-too-many-entries",
        FailureCode::UnsafeArchive => "document-unsafe-archive",
        FailureCode::TooManyPages => "document-too-many-pages",
        FailureCode::TooDeep => "document-too-deep",
        FailureCode::TooComplex => "document-too-complex",
        FailureCode::TooMuchText => "document-too-much-text",
        FailureCode::NoText => "document-no-text",
        FailureCode::TimedOut => "document-timed-out",
        FailureCode::ReaderFailed => "document-reader-failed",
    };
    refused(slug, failure.message)
}
