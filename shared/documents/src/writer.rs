//! Where the readers write their text, whatever they read.

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::extracted::{Extracted, Heading, Page};
use crate::failure::{Failure, FailureCode, Result};
use crate::kind::Kind;
use crate::limits::Budget;

/// Puts text together line by line: a line is normalised when it is complete, because a mark may be written apart from
/// its letter, and no normal form reaches across the end of a line.
pub(crate) struct Writer<'a> {
    budget: &'a Budget<'a>,
    text: String,
    /// Code points in `text`.
    chars: usize,
    line: String,
    /// Line ends that come before the next line that has something in it.
    gap: usize,
    after_carriage_return: bool,
    title: Option<String>,
    pages: Vec<Page>,
    headings: Vec<Heading>,
}

/// How much text is looked at between two questions whether to go on.
const PIECE_BYTES: usize = 32 << 10;

impl<'a> Writer<'a> {
    pub(crate) fn new(budget: &'a Budget<'a>) -> Self {
        Self {
            budget,
            text: String::new(),
            chars: 0,
            line: String::new(),
            gap: 0,
            after_carriage_return: false,
            title: None,
            pages: Vec::new(),
            headings: Vec::new(),
        }
    }

    /// Adds text, whose line ends are kept, and whose control characters are not.
    pub(crate) fn push(&mut self, text: &str) -> Result<()> {
        let mut rest = text;
        while !rest.is_empty() {
            // In pieces, so that a long text is left in the middle when its time is over.
            let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE_BYTES));
            self.push_piece(piece)?;
            rest = after;
        }
        Ok(())
    }

    fn push_piece(&mut self, text: &str) -> Result<()> {
        self.budget.spend(text.len())?;
        let mut kept = 0;
        for (at, char) in text.char_indices() {
            let plain = char == '\t' || (' '..='~').contains(&char);
            if plain || !(is_line_end(char) || is_dropped(char)) {
                self.after_carriage_return = false;
                continue;
            }
            self.line.push_str(&text[kept..at]);
            kept = at + char.len_utf8();
            if is_line_end(char) && !(char == '\n' && self.after_carriage_return) {
                self.finish_line()?;
                self.gap += 1;
            }
            self.after_carriage_return = char == '\r';
        }
        self.line.push_str(&text[kept..]);
        // A code point has at most four bytes.
        self.check(self.chars + self.line.len() / 4)
    }

    /// Whether something has been written in this line.
    pub(crate) fn in_line(&self) -> bool {
        !self.line.is_empty()
    }

    /// Ends the line, if there is one.
    pub(crate) fn end_line(&mut self) -> Result<()> {
        self.finish_line()?;
        self.gap = self.gap.max(1);
        Ok(())
    }

    /// Ends the line and leaves one empty before the next.
    pub(crate) fn end_block(&mut self) -> Result<()> {
        self.finish_line()?;
        self.gap = self.gap.max(2);
        Ok(())
    }

    /// Writes a heading as a block of its own. One without text is none.
    pub(crate) fn heading(&mut self, level: u8, title: &str) -> Result<()> {
        self.end_block()?;
        self.mark_heading(level, title)?;
        self.push(&one_line(title))?;
        self.end_block()
    }

    /// Says that what is written next is a heading.
    pub(crate) fn mark_heading(&mut self, level: u8, title: &str) -> Result<()> {
        let title = clean_title(title);
        if title.is_empty() {
            return Ok(());
        }
        self.finish_line()?;
        self.budget.objects(self.headings.len() + 1, "headings")?;
        self.headings.push(Heading {
            level: level.clamp(1, 9),
            title,
            start: self.next_offset(),
        });
        Ok(())
    }

    /// Begins the next page.
    pub(crate) fn begin_page(&mut self) -> Result<()> {
        self.end_page()?;
        let number = self.pages.len() + 1;
        self.budget.pages(number)?;
        let start = self.next_offset();
        self.pages.push(Page {
            number: u32::try_from(number).unwrap_or(u32::MAX),
            start,
            end: start,
        });
        Ok(())
    }

    fn end_page(&mut self) -> Result<()> {
        self.end_block()?;
        let chars = self.chars;
        if let Some(page) = self.pages.last_mut() {
            page.start = page.start.min(chars);
            page.end = chars;
        }
        Ok(())
    }

    /// What the file says that its title is; the first to say so is heard.
    pub(crate) fn title(&mut self, title: &str) {
        let title = clean_title(title);
        if self.title.is_none() && !title.is_empty() {
            self.title = Some(title);
        }
    }

    /// `nothing` is what to say if there is no text.
    pub(crate) fn finish(mut self, kind: Kind, nothing: &str) -> Result<Extracted> {
        self.end_page()?;
        if self.text.is_empty() {
            return Err(Failure::no_text(nothing));
        }
        let Self {
            text,
            title,
            pages,
            headings,
            ..
        } = self;
        Ok(Extracted {
            kind,
            text,
            title,
            pages,
            headings,
        })
    }

    /// Where the next line would begin.
    fn next_offset(&self) -> usize {
        if self.text.is_empty() {
            0
        } else {
            self.chars + self.gap
        }
    }

    fn finish_line(&mut self) -> Result<()> {
        let line = self.line.trim_end();
        if line.is_empty() {
            self.line.clear();
            return Ok(());
        }
        let normal = match is_nfc_quick(line.chars()) {
            IsNormalized::Yes => None,
            IsNormalized::No | IsNormalized::Maybe => Some(line.nfc().collect::<String>()),
        };
        let line = normal.as_deref().unwrap_or(line);
        let gap = if self.text.is_empty() { 0 } else { self.gap };
        let chars = self.chars + gap + line.chars().count();
        self.check(chars)?;
        self.text.extend(std::iter::repeat_n('\n', gap));
        self.text.push_str(line);
        self.chars = chars;
        self.gap = 0;
        self.line.clear();
        Ok(())
    }

    fn check(&self, chars: usize) -> Result<()> {
        let limit = self.budget.limits.text_chars;
        if chars <= limit {
            return Ok(());
        }
        let message = format!(
            "the file has more than {limit} characters of text; split it into smaller files"
        );
        Err(Failure::new(FailureCode::TooMuchText, message))
    }
}

/// What Unicode asks to be taken for the end of a line, and the end of a page.
fn is_line_end(char: char) -> bool {
    matches!(
        char,
        '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Control characters, and those that nobody sees and only a model reads: soft hyphens, byte order marks, tags. And what turns
/// the direction of what follows, because then people see another text than a model reads (Unicode TR 36, section 2.5).
fn is_dropped(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{ad}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
        || matches!(char, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The text with each run of blanks made one space.
pub(crate) fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

fn clean_title(title: &str) -> String {
    // More is not looked at: what is cut need not be cleaned.
    let head: String = title
        .chars()
        .filter(|c| c.is_whitespace() || !is_dropped(*c))
        .take(4 * Heading::TITLE_CHARS)
        .collect();
    let mut title: String = one_line(&head).nfc().take(Heading::TITLE_CHARS).collect();
    title.truncate(title.trim_end().len());
    title
}
