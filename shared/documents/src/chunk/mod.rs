//! Cuts a text into chunks along its structure.

mod breaks;
mod sections;
mod window;

use std::sync::Arc;

use crate::extracted::Extracted;
use sections::Section;
use window::Window;

/// How long chunks may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkSettings {
    max_tokens: usize,
    overlap_tokens: usize,
}

/// What is wrong with settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChunkSettingsError {
    /// The length is out of its range.
    #[error("a chunk must have from {min} to {max} tokens", min = ChunkSettings::MIN_TOKENS, max = ChunkSettings::MAX_TOKENS)]
    MaxTokens,
    /// With such an overlap the chunks would hardly get on.
    #[error("the overlap must be less than half of a chunk")]
    OverlapTokens,
}

impl ChunkSettings {
    /// Shorter chunks would hardly say anything.
    pub const MIN_TOKENS: usize = 64;
    /// Longer ones are beyond what models for embeddings read.
    pub const MAX_TOKENS: usize = 2048;

    /// Settings for chunks of at most `max_tokens`, of which each begins with up to `overlap_tokens` of the one before.
    ///
    /// # Errors
    ///
    /// If a chunk is not from [`Self::MIN_TOKENS`] to [`Self::MAX_TOKENS`] long, or the overlap is half of it or more.
    pub fn new(max_tokens: usize, overlap_tokens: usize) -> Result<Self, ChunkSettingsError> {
        if !(Self::MIN_TOKENS..=Self::MAX_TOKENS).contains(&max_tokens) {
            return Err(ChunkSettingsError::MaxTokens);
        }
        if overlap_tokens >= max_tokens / 2 {
            return Err(ChunkSettingsError::OverlapTokens);
        }
        Ok(Self {
            max_tokens,
            overlap_tokens,
        })
    }

    /// The most tokens that a chunk may have.
    #[must_use]
    pub const fn max_tokens(self) -> usize {
        self.max_tokens
    }

    /// The most tokens that a chunk repeats of the one before.
    #[must_use]
    pub const fn overlap_tokens(self) -> usize {
        self.overlap_tokens
    }
}

/// A part of a text that is found and quoted by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Counts from 0 in the order of the text.
    pub ordinal: u32,
    /// Exactly the code points from `start` to `end`; never blank, and without blanks around it.
    pub text: String,
    /// The offset of its first code point in the extracted text.
    pub start: usize,
    /// The offset after its last code point.
    pub end: usize,
    /// The page that it is on: no chunk is on two.
    pub page: Option<u32>,
    /// The titles that it stands under, the highest first. If it begins with a heading that is the last of them.
    /// Chunks share them: half a million may stand under the same.
    pub headings: Vec<Arc<str>>,
    /// How many tokens `text` has.
    pub tokens: usize,
}

/// Cuts a text into chunks of at most `max_tokens`, as `tokens` counts them.
///
/// Pages and headings always end a chunk, but a heading stays with what follows it on its page. What is longer than a chunk
/// between them is cut after a paragraph, a sentence, a line, a word or a character, the first that there is in the second
/// half of the chunk. Chunks overlap only there, and together have all of the text but blanks.
///
/// `tokens` may count anything, if a longer text has no fewer tokens up to a small difference, and one code point has no
/// more than [`ChunkSettings::MIN_TOKENS`]. The time is proportional to the length of the text, whatever is in it.
#[must_use]
pub fn chunk(
    extracted: &Extracted,
    settings: &ChunkSettings,
    tokens: &dyn Fn(&str) -> usize,
) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    for section in sections::split(extracted) {
        cut(&section, settings, tokens, &mut chunks);
    }
    chunks
}

fn cut(
    section: &Section<'_>,
    settings: &ChunkSettings,
    tokens: &dyn Fn(&str) -> usize,
    chunks: &mut Vec<Chunk>,
) {
    let text = section.text;
    let window = Window { text, tokens };
    let mut offset = Offset {
        byte: 0,
        chars: section.start,
    };
    let mut begin = text.len() - text.trim_start().len();
    let mut covered = begin;
    while covered < text.len() {
        let end = end(&window, begin, covered, settings.max_tokens);
        // An overlap that leaves no room for anything new is left out.
        if end <= covered && begin < covered {
            begin = covered;
            continue;
        }
        let shown = text[begin..end].trim_end();
        if !shown.is_empty() {
            let start = offset.to(text, begin);
            chunks.push(Chunk {
                ordinal: u32::try_from(chunks.len()).unwrap_or(u32::MAX),
                text: shown.to_owned(),
                start,
                end: start + shown.chars().count(),
                page: section.page,
                headings: section.headings.clone(),
                tokens: tokens(shown),
            });
        }
        covered = end + (text.len() - end - text[end..].trim_start().len());
        begin = overlap(&window, begin, covered, settings.overlap_tokens);
    }
}

/// Where a chunk ends that begins at `begin`.
fn end(window: &Window<'_>, begin: usize, covered: usize, max_tokens: usize) -> usize {
    let text = window.text;
    let mut most = max_tokens;
    loop {
        let fits = window.longest(begin, most);
        let end = if fits == text.len() {
            fits
        } else {
            breaks::before(text, begin, covered, fits)
        };
        // A shorter text may have a token more, where a word is cut.
        let excess = (window.tokens)(text[begin..end].trim_end()).saturating_sub(max_tokens);
        if excess == 0 || most == 0 {
            return end;
        }
        most = most.saturating_sub(excess);
    }
}

/// Where the next chunk begins, to repeat the end of the one from `begin` to `covered`.
fn overlap(window: &Window<'_>, begin: usize, covered: usize, tokens: usize) -> usize {
    if tokens == 0 || covered == window.text.len() {
        return covered;
    }
    let from = window.longest_before(begin, covered, tokens);
    let start = breaks::after(window.text, from, covered);
    // Not the same beginning again.
    if start <= begin { covered } else { start }
}

/// A place in a section, in bytes of it and in code points of the whole text.
struct Offset {
    byte: usize,
    chars: usize,
}

impl Offset {
    /// Goes to another byte, backwards by an overlap at most; gives its offset in code points.
    fn to(&mut self, text: &str, byte: usize) -> usize {
        if byte >= self.byte {
            self.chars += text[self.byte..byte].chars().count();
        } else {
            self.chars -= text[byte..self.byte].chars().count();
        }
        self.byte = byte;
        self.chars
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_in_their_range() {
        assert!(ChunkSettings::new(64, 31).is_ok() && ChunkSettings::new(2048, 0).is_ok());
        for max_tokens in [0, 63, 2049, usize::MAX] {
            assert_eq!(
                ChunkSettings::new(max_tokens, 0),
                Err(ChunkSettingsError::MaxTokens)
            );
        }
        assert_eq!(
            ChunkSettings::new(64, 32),
            Err(ChunkSettingsError::OverlapTokens)
        );
        assert_eq!(
            ChunkSettings::new(100, usize::MAX),
            Err(ChunkSettingsError::OverlapTokens)
        );
    }
}
