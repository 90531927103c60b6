//! Where a text is cut if it must be cut.

/// The best place to end a part that begins at `begin` and may end at `fits` at the latest; after `covered`, if there is
/// one, because what is before that is in the last chunk already.
pub(super) fn before(text: &str, begin: usize, covered: usize, fits: usize) -> usize {
    let half = text.floor_char_boundary(begin.midpoint(fits)).max(covered);
    if half >= fits {
        return fits;
    }
    let part = &text[half..fits];
    let found = last_paragraph(part)
        .or_else(|| last_sentence(part, &text[fits..]))
        .or_else(|| part.rfind('\n').map(|at| at + 1))
        .or_else(|| last_word(part))
        // One in the first half is better than a word that is cut.
        .map(|at| half + at)
        .or_else(|| last_word(&text[covered.max(begin)..fits]).map(|at| covered.max(begin) + at));
    found
        .filter(|end| *end > covered && *end > begin)
        .unwrap_or(fits)
}

/// The best place to begin with a part between `from` and `end`; `end` if there is none.
pub(super) fn after(text: &str, from: usize, end: usize) -> usize {
    let part = &text[from..end];
    let sentence = first_sentence(part).filter(|at| *at < part.len());
    let found = sentence.or_else(|| first_word(part));
    let start = from + found.unwrap_or(part.len());
    // Blanks belong to nothing.
    start + (part.len() - (start - from) - text[start..end].trim_start().len())
}

fn last_paragraph(part: &str) -> Option<usize> {
    part.rfind("\n\n").map(|at| at + 2)
}

fn last_word(part: &str) -> Option<usize> {
    part.char_indices()
        .rev()
        .find(|(_, char)| char.is_whitespace())
        .map(|(at, char)| at + char.len_utf8())
}

fn first_word(part: &str) -> Option<usize> {
    part.find(char::is_whitespace)
}

/// After the last full stop that ends a sentence; `rest` is what follows the part.
fn last_sentence(part: &str, rest: &str) -> Option<usize> {
    let mut after = rest.chars().next();
    for (at, char) in part.char_indices().rev() {
        if ends_sentence(char, after) {
            return Some(at + char.len_utf8());
        }
        // A quote or a bracket after the full stop is part of the sentence, and so may be the cut.
        after = Some(char);
    }
    None
}

fn first_sentence(part: &str) -> Option<usize> {
    let mut chars = part.char_indices().peekable();
    while let Some((at, char)) = chars.next() {
        if ends_sentence(char, chars.peek().map(|(_, char)| *char)) {
            return Some(at + char.len_utf8());
        }
    }
    None
}

/// Latin sentences end with a full stop before a blank, so that `3.14` is none; others have full stops of their own.
fn ends_sentence(char: char, after: Option<char>) -> bool {
    match char {
        '。' | '！' | '？' | '｡' | '।' | '۔' => true,
        '.' | '!' | '?' | '…' | '؟' => after.is_none_or(char::is_whitespace),
        _ => false,
    }
}
