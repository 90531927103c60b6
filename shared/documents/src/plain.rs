//! Plain text, CSV and Markdown: kept as they stand.

use crate::extracted::Extracted;
use crate::failure::Result;
use crate::kind::Kind;
use crate::limits::Budget;
use crate::writer::Writer;

const NOTHING: &str = "the file has no text: it is empty, or has nothing but blanks";

/// Text without any structure.
pub(crate) fn read(text: &str, kind: Kind, budget: &Budget<'_>) -> Result<Extracted> {
    let mut writer = Writer::new(budget);
    writer.push(text)?;
    writer.finish(kind, NOTHING)
}

/// Markdown, with its headings of both styles. It stays Markdown: models read it well.
pub(crate) fn read_markdown(text: &str, budget: &Budget<'_>) -> Result<Extracted> {
    let mut writer = Writer::new(budget);
    let mut rest = text;
    let mut fence: Option<Fence> = None;
    let mut in_front_matter = false;
    let mut first = true;
    let mut after_blank = true;
    while !rest.is_empty() {
        let (line, after) = split_line(rest);
        let shown = line.trim_end();
        if std::mem::take(&mut first) && shown == "---" {
            in_front_matter = has_end_of_front_matter(after);
        } else if in_front_matter {
            in_front_matter = shown != "---";
        } else if let Some(open) = &fence {
            if open.is_closed_by(shown) {
                fence = None;
            }
        } else if let Some(open) = Fence::opened_by(shown) {
            fence = Some(open);
        } else if let Some((level, title)) = heading(shown, after, after_blank) {
            writer.mark_heading(level, title)?;
            if level == 1 {
                writer.title(title);
            }
        }
        after_blank = shown.is_empty();
        writer.push(line)?;
        rest = after;
    }
    writer.finish(Kind::Md, NOTHING)
}

/// The first line, with its end, and what follows.
fn split_line(text: &str) -> (&str, &str) {
    let end = match memchr::memchr2(b'\n', b'\r', text.as_bytes()) {
        Some(at) if text[at..].starts_with("\r\n") => at + 2,
        Some(at) => at + 1,
        None => text.len(),
    };
    text.split_at(end)
}

/// Looks at a hundred lines: front matter is short, and a rule that opens a text is not front matter.
fn has_end_of_front_matter(mut rest: &str) -> bool {
    for _ in 0..100 {
        let (line, after) = split_line(rest);
        if line.trim_end() == "---" {
            return true;
        }
        rest = after;
    }
    false
}

/// Three or more backticks or tildes, which open code.
struct Fence {
    mark: char,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let text = unindented(line)?;
        let mark = text.chars().next().filter(|c| matches!(c, '`' | '~'))?;
        let length = text.len() - text.trim_start_matches(mark).len();
        // Code in a line may stand at its beginning: ```like this```.
        let opens = length >= 3 && !(mark == '`' && text[length..].contains('`'));
        opens.then_some(Self { mark, length })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let Some(text) = unindented(line) else {
            return false;
        };
        let after = text.trim_start_matches(self.mark);
        text.len() - after.len() >= self.length && after.trim().is_empty()
    }
}

/// The line without up to three spaces; more of them make it code.
fn unindented(line: &str) -> Option<&str> {
    let text = line.trim_start_matches(' ');
    (line.len() - text.len() < 4 && !text.starts_with('\t')).then_some(text)
}

fn heading<'a>(line: &'a str, after: &str, after_blank: bool) -> Option<(u8, &'a str)> {
    let text = unindented(line)?;
    if text.starts_with('#') {
        let title = text.trim_start_matches('#');
        let level = u8::try_from(text.len() - title.len())
            .ok()
            .filter(|level| *level <= 6)?;
        if !(title.is_empty() || title.starts_with([' ', '\t'])) {
            return None;
        }
        let title = title.trim();
        let open = title.trim_end_matches('#');
        let title = if open.is_empty() || open.ends_with(' ') {
            open.trim_end()
        } else {
            title
        };
        return Some((level, title));
    }
    // A line between an empty one and a row of `=` or `-`. Of a paragraph of several lines the last alone would be half
    // of the title, so that is left alone; what begins like a list, a quote or a table is none.
    if !after_blank || text.is_empty() || text.starts_with(['-', '*', '+', '>', '|', '=']) {
        return None;
    }
    let under = unindented(split_line(after).0.trim_end())?;
    let level = match under.chars().next()? {
        '=' if under.chars().all(|c| c == '=') => 1,
        '-' if under.chars().all(|c| c == '-') => 2,
        _ => return None,
    };
    Some((level, text.trim()))
}
