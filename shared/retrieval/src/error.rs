//! Why a segment can't be read, and why a call is refused.

/// What the calls of this crate give.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A variant exists where a caller must act differently.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input breaks a rule; the text says which, and what to do.
    #[error("{0}")]
    Invalid(String),
    /// A segment's bytes are not what a builder wrote. Read them again, or build the segment anew.
    #[error("a segment can't be read; build it anew from its documents")]
    Corrupt(#[from] Corrupt),
    /// A segment was written with another tokenizer: its terms would not be those of the query.
    /// [`merge`](crate::merge) writes it with the present one.
    #[error(
        "a segment has tokens of version {found}, not {}; merge it, which makes them anew",
        crate::TOKENIZER_VERSION
    )]
    OtherTokenizer {
        /// The version that the segment names.
        found: u32,
    },
}

impl Error {
    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::Invalid(text.into())
    }
}

/// What is wrong with the bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Corrupt {
    /// The bytes do not begin as a segment does.
    #[error("this is not a segment")]
    NotASegment,
    /// A segment, but of a format that this program does not know.
    #[error("the segment has format {0}, which this program does not know")]
    OtherFormat(u32),
    /// The bytes were changed or cut off.
    #[error("the checksum does not fit")]
    Checksum,
    /// The checksum fits, but what it covers contradicts itself: nobody's builder wrote this.
    #[error("the segment contradicts itself: {0}")]
    Inconsistent(&'static str),
}
