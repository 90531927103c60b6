//! What comes out of a file.

use crate::kind::Kind;

/// The text of a file, with what is known of its structure.
///
/// Every offset counts Unicode code points of `text` from its beginning, not bytes: it means the same in every language
/// that a client is written in. The text is in Unicode's normal form C, its lines end with `\n` and not with blanks, and
/// it has no control characters but tabs and line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extracted {
    /// What the content is.
    pub kind: Kind,
    /// The text; never blank.
    pub text: String,
    /// What the file says that its title is.
    pub title: Option<String>,
    /// The pages of a PDF and the slides of a presentation, in order; they do not overlap. A page without text has
    /// `start == end`. Empty for a kind without pages.
    pub pages: Vec<Page>,
    /// The headings in the order of the text. The sheets of a workbook are headings.
    pub headings: Vec<Heading>,
}

/// Where a page stands in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Counts from 1, in the order of the file.
    pub number: u32,
    /// The offset of its first code point.
    pub start: usize,
    /// The offset after its last code point.
    pub end: usize,
}

/// A heading, which is part of the text too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// From 1, the highest, to 9.
    pub level: u8,
    /// In one line, at most [`Heading::TITLE_CHARS`] code points.
    pub title: String,
    /// The offset at which it begins.
    pub start: usize,
}

impl Heading {
    /// Longer titles are cut: each chunk carries the titles above it.
    pub const TITLE_CHARS: usize = 200;
}

impl Extracted {
    /// The code points from `start` to `end`, as far as there are any.
    #[must_use]
    pub fn slice(&self, start: usize, end: usize) -> &str {
        let mut offsets = self.text.char_indices().map(|(at, _)| at);
        let from = offsets.nth(start).unwrap_or(self.text.len());
        if end <= start {
            return "";
        }
        let to = offsets.nth(end - start - 1).unwrap_or(self.text.len());
        &self.text[from..to]
    }
}
