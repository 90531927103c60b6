//! The numbers by which a model cites.

use std::ops::Range;

use super::blocks::code_ranges;

/// More different numbers than this in one pair of brackets are left out.
const MAX_NUMBERS: usize = 50;

/// The markers in an answer, in its order: where each stands, in bytes, and the numbers in it as they are written (the
/// first passage is 1). A number too large for a `usize` is the largest one, which no passage has.
///
/// Markers are `[1]`, `[1, 3]`, `[1-3]`, `[^1]` and `[passage 1]`, and the same in `【】` and `［］`; there also
/// `【1†source】`. `[1][2]` are two. What stands in code, between backticks or fences, is no marker.
pub fn markers(answer: &str) -> impl Iterator<Item = (Range<usize>, Vec<usize>)> + '_ {
    let mut code = code_ranges(answer).into_iter().peekable();
    let mut at = 0;
    std::iter::from_fn(move || {
        while let Some(found) = answer[at..].find(['[', '【', '［']) {
            let start = at + found;
            while code.next_if(|range| range.end <= start).is_some() {}
            if let Some(range) = code.peek().filter(|range| range.start <= start) {
                at = range.end;
                continue;
            }
            let Some((length, numbers)) = Reader::marker(&answer[start..]) else {
                at = start + answer[start..].chars().next().map_or(1, char::len_utf8);
                continue;
            };
            at = start + length;
            return Some((start..at, numbers));
        }
        None
    })
}

/// Reads one marker. It never reads past an opening bracket, so all of an answer's markers take one pass.
struct Reader<'a> {
    rest: &'a str,
}

impl Reader<'_> {
    fn marker(text: &str) -> Option<(usize, Vec<usize>)> {
        let mut reader = Reader { rest: text };
        let close = match reader.next()? {
            '[' => ']',
            '【' => '】',
            _ => '］',
        };
        let mut numbers = Vec::new();
        loop {
            reader.label();
            let from = reader.number()?;
            reader.space();
            let to = if reader.takes(&['-', '–', '—']) {
                reader.space();
                let to = reader.number()?;
                reader.space();
                to
            } else {
                from
            };
            // `[1-1000]` is not how anybody cites, and not to be written out.
            if to < from || to - from >= MAX_NUMBERS {
                return None;
            }
            for number in from..=to {
                if numbers.len() < MAX_NUMBERS && !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            if !reader.takes(&[',', ';', '，', '、']) {
                break;
            }
        }
        if close == '】' && reader.takes(&['†']) {
            let end = reader.rest.find(['【', '】', '\n'])?;
            reader.rest = &reader.rest[end..];
        }
        let closed = reader.takes(&[close]);
        closed.then(|| (text.len() - reader.rest.len(), numbers))
    }

    fn next(&mut self) -> Option<char> {
        let mut chars = self.rest.chars();
        let next = chars.next();
        self.rest = chars.as_str();
        next
    }

    fn takes(&mut self, one_of: &[char]) -> bool {
        let rest = self.rest.strip_prefix(one_of);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\u{a0}']);
    }

    /// What some models write before the number: `^`, `#`, or the word of the list that they were given.
    fn label(&mut self) {
        self.space();
        for label in ["passage", "Passage"] {
            self.rest = self.rest.strip_prefix(label).unwrap_or(self.rest);
        }
        self.space();
        self.rest = self.rest.strip_prefix(['^', '#']).unwrap_or(self.rest);
    }

    fn number(&mut self) -> Option<usize> {
        let digits = self.rest.chars().map_while(digit);
        let (number, length) = digits.fold((0usize, 0), |(number, length), (digit, bytes)| {
            let number = number.saturating_mul(10).saturating_add(digit);
            (number, length + bytes)
        });
        self.rest = &self.rest[length..];
        (length > 0).then_some(number)
    }
}

/// A digit, also a full-width one, and how many bytes it has.
fn digit(c: char) -> Option<(usize, usize)> {
    match c {
        '0'..='9' => Some((c as usize - '0' as usize, 1)),
        '０'..='９' => Some((c as usize - '０' as usize, c.len_utf8())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, expected: &[(&str, &[usize])]) {
        let found: Vec<_> = markers(answer).collect();
        let found: Vec<(&str, &[usize])> = found
            .iter()
            .map(|(range, numbers)| (&answer[range.clone()], numbers.as_slice()))
            .collect();
        assert_eq!(found, expected, "{answer}");
    }

    #[test]
    fn numbers_in_brackets_are_markers() {
        check(
            "a [1]. b [1, 3] c[1][2]",
            &[
                ("[1]", &[1]),
                ("[1, 3]", &[1, 3]),
                ("[1]", &[1]),
                ("[2]", &[2]),
            ],
        );
        check("甲【1】乙［２］", &[("【1】", &[1]), ("［２］", &[2])]);
        check("【4†source】 【4†", &[("【4†source】", &[4])]);
        check(
            "[ 2-4; 3 ] [^1]",
            &[("[ 2-4; 3 ]", &[2, 3, 4]), ("[^1]", &[1])],
        );
        check(
            "[Passage 1, passage 2]",
            &[("[Passage 1, passage 2]", &[1, 2])],
        );
        check(
            "[99999999999999999999]",
            &[("[99999999999999999999]", &[usize::MAX])],
        );
    }

    #[test]
    fn other_brackets_are_not() {
        for answer in [
            "[]", "[a]", "[1", "[1,]", "[x 1]", "[1}", "[4-2]", "[1-99]", "[1】", "[-1]",
        ] {
            check(answer, &[]);
        }
        check("[[1]]", &[("[1]", &[1])]);
    }

    #[test]
    fn code_has_no_markers() {
        check("`a[1]` b [2]", &[("[2]", &[2])]);
        check("```\na[1]\n```\n[2]\n~~~\n[3]", &[("[2]", &[2])]);
        check("a ` b [1]", &[("[1]", &[1])]);
    }
}
