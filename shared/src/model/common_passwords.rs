//! Passwords that others try first: NIST SP 800-63B-4, section 3.1.1.2.

/// Passwords of 15 characters and more out of the million most used ones in leaked lists (Mark Burnett's
/// public-domain collection), in lower case, sorted by their bytes, one a line. Shorter ones are refused anyway.
const COMMON: &str = include_str!("common_passwords.txt");

/// What everybody knows of every account.
const PRODUCT: &str = "chatter";
/// How many different characters a password has at least.
const LEAST_DIFFERENT: usize = 5;
/// How many characters must be left without digits, punctuation and what is known of the account.
const LEAST_OWN: usize = 8;
/// Shorter words stand in too many passwords by chance.
const SHORTEST_WORD: usize = 4;

/// Whether a password is widely known, repeats few characters, or is hardly more than `own`, such as the
/// account's address, and the product's name.
pub(super) fn is_common(password: &str, own: &[&str]) -> bool {
    let lower = password.to_lowercase();
    is_listed(&lower) || is_repetitive(&lower) || is_known(&lower, own)
}

fn is_listed(lower: &str) -> bool {
    let (mut low, mut high) = (0, COMMON.len());
    // A binary search over the bytes: the line at a place is found by its two ends.
    while low < high {
        let middle = low + (high - low) / 2;
        let start = COMMON[..middle].rfind('\n').map_or(0, |place| place + 1);
        let end = COMMON[start..]
            .find('\n')
            .map_or(COMMON.len(), |length| start + length);
        match COMMON[start..end].cmp(lower) {
            std::cmp::Ordering::Equal => return true,
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    false
}

fn is_repetitive(lower: &str) -> bool {
    let different: std::collections::BTreeSet<char> = lower.chars().collect();
    let characters: Vec<char> = lower.chars().collect();
    // `abcabcabcabcabc` and `passwordpassword` are one unit over and over.
    let repeats = |unit: usize| {
        (unit..characters.len()).all(|place| characters[place] == characters[place - unit])
    };
    let one_unit = (1..=characters.len() / 2).any(repeats);
    // `abcdefghijklmno` and `987654321098765` go up or down by one.
    let step = |by: i64| {
        let steps = characters
            .windows(2)
            .filter(|pair| i64::from(u32::from(pair[1])) - i64::from(u32::from(pair[0])) == by);
        steps.count() * 4 >= characters.len() * 3
    };
    different.len() < LEAST_DIFFERENT || one_unit || step(1) || step(-1)
}

fn is_known(lower: &str, own: &[&str]) -> bool {
    let mut left = lower.to_owned();
    let own = own.iter().map(|text| text.to_lowercase());
    let mut words: Vec<String> = own
        .flat_map(|text| {
            let parts: Vec<String> = text
                .split(|c: char| !c.is_alphanumeric())
                .map(str::to_owned)
                .collect();
            parts
        })
        .chain([PRODUCT.to_owned()])
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
        .collect();
    let before = left.len();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    for word in words {
        left = left.replace(&word, "");
    }
    left.len() < before && left.chars().filter(|c| c.is_alphabetic()).count() < LEAST_OWN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_password_is_found_in_any_case_and_its_neighbours_are_not() {
        let lines: Vec<&str> = COMMON.lines().collect();
        assert!(lines.len() >= 3000 && lines.is_sorted(), "{}", lines.len());
        for line in lines {
            assert!(line.chars().count() >= 15, "{line}");
            assert!(is_listed(line), "{line}");
            assert!(is_common(&line.to_uppercase(), &[]), "{line}");
            assert!(!is_listed(&format!("{line}\u{1}")), "{line}");
        }
        assert!(!is_listed("") && !is_listed("\u{7f}") && !is_listed("é"));
    }

    #[test]
    fn what_is_easy_to_guess_is_common() {
        for guess in [
            "passwordpassword",
            "abcabcabcabcabcabc",
            "aaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnop",
            "98765432109876543210",
            "Chatter-Chatter-2026!",
            "chatterchatter12345",
            "ada.lovelace@example.com",
            "Lovelace Example 1815",
        ] {
            assert!(is_common(guess, &["ada.lovelace@example.com"]), "{guess}");
        }
        for good in [
            "correct horse battery staple",
            "chatter about the weather in Oslo",
            "  Pässwörd \0 with 🔑 in it  ",
            "lovelace wrote the first program",
        ] {
            assert!(!is_common(good, &["ada.lovelace@example.com"]), "{good}");
        }
    }
}
