//! The numbers of a text, in one form.

use std::collections::BTreeSet;

/// The numbers in a text: `1,000`, `1.000` and `1000` are one, `1,5` and `1.5` are one, and `2026-11-26` is three. Words
/// for numbers are not read.
pub(super) fn numbers(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut groups: Vec<String> = Vec::new();
    let mut characters = text.chars().peekable();
    let mut joins = false;
    while let Some(c) = characters.next() {
        if let Some(digit) = ascii_digit(c) {
            match groups.last_mut() {
                Some(group) if !joins => group.push(digit),
                _ => groups.push(digit.to_string()),
            }
            joins = false;
        } else {
            let next = characters.peek().copied().and_then(ascii_digit);
            joins = !groups.is_empty() && !joins && is_inside(c) && next.is_some();
            if !joins {
                found.extend(number(&std::mem::take(&mut groups)));
            }
        }
    }
    found.extend(number(&groups));
    found
}

fn ascii_digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_u32(c as u32 - '０' as u32 + '0' as u32),
        _ => None,
    }
}

/// What stands between the digits of one number. A plain space is not taken for one: it stands between two numbers too.
fn is_inside(c: char) -> bool {
    matches!(c, '.' | ',' | '\'' | '’' | '\u{a0}' | '\u{202f}')
}

fn number(groups: &[String]) -> Option<String> {
    let (first, others) = groups.split_first()?;
    let thousands = |groups: &[String]| {
        first.len() <= 3 && !first.starts_with('0') && groups.iter().all(|group| group.len() == 3)
    };
    let written = match others {
        all if thousands(all) || all.is_empty() => groups.concat(),
        [others @ .., decimals] if others.is_empty() || thousands(others) => {
            let decimals = decimals.trim_end_matches('0');
            let whole = [std::slice::from_ref(first), others].concat().concat();
            let whole = strip_zeros(&whole);
            if decimals.is_empty() {
                return Some(whole.to_owned());
            }
            return Some(format!("{whole}.{decimals}"));
        }
        // A version or a date.
        _ => return Some(groups.join(".")),
    };
    Some(strip_zeros(&written).to_owned())
}

fn strip_zeros(digits: &str) -> &str {
    let stripped = digits.trim_start_matches('0');
    if stripped.is_empty() { "0" } else { stripped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = numbers(text).into_iter().collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_are_one_however_they_are_written() {
        check("1,000 1.000 1000 1\u{a0}000 １０００", &["1000"]);
        check("1,000.50 1.000,5", &["1000.5"]);
        check("1.5 1,50 (01.5)", &["1.5"]);
        check("2026-11-05", &["11", "2026", "5"]);
        check("1.2.3, 26.11.2026", &["1.2.3", "26.11.2026"]);
        check(
            "25% of 30-day, ERR-7. 0.05 0",
            &["0", "0.05", "25", "30", "7"],
        );
        check("none... 1..2 ,", &["1", "2"]);
    }
}
