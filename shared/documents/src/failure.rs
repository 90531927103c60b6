//! Why a file could not be read.

use std::fmt;

/// Why no text came out of a file. The name of a code never changes: a worker stores it, a client may act on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureCode {
    /// A kind of file that is not read at all.
    UnsupportedType,
    /// The name says another kind of file than the content.
    WrongType,
    /// Text in an encoding that cannot be told.
    UnknownEncoding,
    /// A password is needed.
    Encrypted,
    /// The file breaks the rules of its own format.
    Corrupt,
    /// More bytes than [`Limits::bytes`](crate::Limits::bytes).
    TooLarge,
    /// More bytes once unpacked than [`Limits::inflated_bytes`](crate::Limits::inflated_bytes).
    InflatedTooLarge,
    /// A part unpacks to more than [`Limits::ratio`](crate::Limits::ratio) times its size.
    CompressionRatio,
    /// More files in an archive than [`Limits::entries`](crate::Limits::entries).
    TooManyEntries,
    /// An archive whose entries overlap, repeat a name, are links or point out of it.
    UnsafeArchive,
    /// More pages, slides or sheets than [`Limits::pages`](crate::Limits::pages).
    TooManyPages,
    /// Nested more deeply than [`Limits::depth`](crate::Limits::depth).
    TooDeep,
    /// More objects, fonts or headings than [`Limits::objects`](crate::Limits::objects).
    TooComplex,
    /// More text than [`Limits::text_chars`](crate::Limits::text_chars).
    TooMuchText,
    /// The file is sound and has no text, as a scan has none.
    NoText,
    /// The caller said to stop.
    TimedOut,
    /// A reader gave up in a way that it should not: a fault of ours.
    ReaderFailed,
}

impl FailureCode {
    /// The name by which the code is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UnsupportedType => "unsupported_type",
            Self::WrongType => "wrong_type",
            Self::UnknownEncoding => "unknown_encoding",
            Self::Encrypted => "encrypted",
            Self::Corrupt => "corrupt",
            Self::TooLarge => "too_large",
            Self::InflatedTooLarge => "inflated_too_large",
            Self::CompressionRatio => "compression_ratio",
            Self::TooManyEntries => "too_many_entries",
            Self::UnsafeArchive => "unsafe_archive",
            Self::TooManyPages => "too_many_pages",
            Self::TooDeep => "too_deep",
            Self::TooComplex => "too_complex",
            Self::TooMuchText => "too_much_text",
            Self::NoText => "no_text",
            Self::TimedOut => "timed_out",
            Self::ReaderFailed => "reader_failed",
        }
    }
}

impl fmt::Display for FailureCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a file could not be read, for the person who uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// What a program acts on.
    pub code: FailureCode,
    /// A sentence that a person can act on: lower case, no full stop, nothing of the document in it.
    pub message: String,
}

impl Failure {
    pub(crate) fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }

    pub(crate) fn corrupt(what: &str) -> Self {
        Self::new(
            FailureCode::Corrupt,
            format!("the file is damaged: {what}; save it again and upload the new file"),
        )
    }

    pub(crate) fn no_text(what: &str) -> Self {
        Self::new(FailureCode::NoText, what)
    }
}

pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;
