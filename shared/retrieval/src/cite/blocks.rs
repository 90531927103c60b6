//! The blocks of a text with Markdown: paragraphs, list items, table rows, headings, code.

use std::collections::BTreeMap;
use std::ops::Range;

/// A block and what it is. Blocks stand in the order of the text and don't overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block {
    /// In bytes, without the mark of a list item or a heading.
    pub range: Range<usize>,
    pub kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A paragraph or a list item: sentences.
    Text,
    /// A row of a table, which is one sentence.
    Row,
    /// A heading, or the first row of a table.
    Heading,
    Code,
}

/// The blocks of a text. Lines of a paragraph are one block; blank lines belong to none.
pub(super) fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    // Whether the next line may continue the last block.
    let mut open = false;
    let mut fence: Option<&str> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at + (line.len() - line.trim_start().len());
        at += line.len();
        let line = line.trim();
        let range = start..start + line.len();
        if let Some(mark) = fence {
            blocks.push(Block {
                range,
                kind: Kind::Code,
            });
            let closes = line.starts_with(mark) && line.trim_start_matches(&mark[..1]).is_empty();
            fence = fence.filter(|_| !closes);
            continue;
        }
        fence = fence_of(line);
        if fence.is_some() {
            blocks.push(Block {
                range,
                kind: Kind::Code,
            });
            open = false;
        } else if is_rule(line) {
            if let Some(row) = blocks.last_mut().filter(|last| open_row(last, line)) {
                row.kind = Kind::Heading;
            }
            open = false;
        } else {
            let (skipped, kind) = kind_of(line);
            let range = range.start + skipped..range.end;
            match blocks.last_mut() {
                Some(last) if open && skipped == 0 && kind == Kind::Text => {
                    last.range.end = range.end
                }
                _ => blocks.push(Block { range, kind }),
            }
            open = kind == Kind::Text;
        }
    }
    blocks
}

/// The code of a text: fenced lines, and what stands between backticks in a line.
pub(super) fn code_ranges(text: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    for block in blocks(text) {
        if block.kind == Kind::Code {
            ranges.push(block.range);
        } else {
            let mut at = block.range.start;
            for line in text[block.range].split_inclusive('\n') {
                ranges.extend(spans(line).map(|span| at + span.start..at + span.end));
                at += line.len();
            }
        }
    }
    ranges
}

/// Between two runs of as many backticks.
fn spans(line: &str) -> impl Iterator<Item = Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for (at, _) in line.match_indices('`') {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    // Looked up from behind, so that runs without a partner cost no more than others.
    let mut later: BTreeMap<usize, usize> = BTreeMap::new();
    let mut partners = vec![None; runs.len()];
    for (index, run) in runs.iter().enumerate().rev() {
        partners[index] = later.insert(run.len(), index);
    }
    let mut index = 0;
    std::iter::from_fn(move || {
        while index < runs.len() {
            let first = index;
            index += 1;
            if let Some(partner) = partners[first] {
                index = partner + 1;
                return Some(runs[first].start..runs[partner].end);
            }
        }
        None
    })
}

/// The run of signs with which code begins.
fn fence_of(line: &str) -> Option<&str> {
    ["`", "~"].into_iter().find_map(|sign| {
        let length = line.len() - line.trim_start_matches(sign).len();
        let fenced = length >= 3 && !line[length..].contains(sign);
        fenced.then(|| &line[..length])
    })
}

/// A blank line, a line across the page, or what underlines a heading or a table's first row.
fn is_rule(line: &str) -> bool {
    let sign = |c: char| "|:-=*_ \t".contains(c);
    let marks = line.chars().filter(|c| "-=*_".contains(*c)).count();
    line.is_empty() || marks >= 3 && line.chars().all(sign)
}

fn open_row(last: &Block, line: &str) -> bool {
    last.kind == Kind::Row && line.contains('|')
}

/// How many bytes of a line are its mark, and what it is.
fn kind_of(line: &str) -> (usize, Kind) {
    let quoted = line.trim_start_matches(['>', ' ']);
    let before = line.len() - quoted.len();
    let level = quoted.len() - quoted.trim_start_matches('#').len();
    if (1..=6).contains(&level) && quoted[level..].starts_with(' ') {
        return (before + level, Kind::Heading);
    }
    let bold = quoted.trim_end_matches([':', '：']);
    let bold = bold
        .strip_prefix("**")
        .and_then(|rest| rest.strip_suffix("**"));
    if bold.is_some_and(|inner| !inner.contains("**")) {
        return (before, Kind::Heading);
    }
    if quoted.starts_with('|') || quoted.contains(" | ") {
        return (before, Kind::Row);
    }
    (before + item_mark(quoted), Kind::Text)
}

/// `- `, `* `, `1. `, `2) ` and the like; 0 where there is none.
fn item_mark(line: &str) -> usize {
    let digits = line.len() - line.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let marks: &[char] = match digits {
        0 => &['-', '*', '+', '•', '–', '·', '・'],
        1..=3 => &['.', ')', '、'],
        _ => return 0,
    };
    let Some(rest) = line[digits..].strip_prefix(marks) else {
        return 0;
    };
    let spaced = rest.starts_with(char::is_whitespace) || line[digits..].starts_with('、');
    if spaced {
        line.len() - rest.trim_start().len()
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Kind)]) {
        let found = blocks(text);
        let found: Vec<(&str, Kind)> = found
            .iter()
            .map(|block| (&text[block.range.clone()], block.kind))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_of_a_paragraph_are_one_block_and_items_are_their_own() {
        check(
            "One\r\ntwo.\n\n- three\n  four\n* five\n1. six\n> seven\n10 eight",
            &[
                ("One\r\ntwo.", Kind::Text),
                ("three\n  four", Kind::Text),
                ("five", Kind::Text),
                ("six", Kind::Text),
                ("seven\n10 eight", Kind::Text),
            ],
        );
    }

    #[test]
    fn headings_rows_and_code_are_told_apart() {
        check(
            "# A\n**B:**\n| a | b |\n|---|---|\n| c | d |\n```rust\nx\n```\ny\n***\nz",
            &[
                (" A", Kind::Heading),
                ("**B:**", Kind::Heading),
                ("| a | b |", Kind::Heading),
                ("| c | d |", Kind::Row),
                ("```rust", Kind::Code),
                ("x", Kind::Code),
                ("```", Kind::Code),
                ("y", Kind::Text),
                ("z", Kind::Text),
            ],
        );
    }

    #[test]
    fn spans_of_code_end_with_as_many_backticks() {
        let text = "a `b` ``c ` d`` ` e ```";
        let found: Vec<&str> = spans(text).map(|span| &text[span]).collect();
        assert_eq!(found, ["`b`", "``c ` d``"]);
    }
}
