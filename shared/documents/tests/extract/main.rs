//! Files as people upload them, and as attackers do.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that can't go on has failed"
)]

mod archives;
mod chunks;
mod fixtures;
mod office;
mod pdfs;
mod properties;
mod streams;
mod texts;
mod time;

use documents::{Extracted, Failure, FailureCode, Limits, extract};

/// Reads a file without a name within the usual limits.
fn read(bytes: &[u8]) -> Result<Extracted, Failure> {
    extract(bytes, None, &Limits::default(), &|| true)
}

fn read_named(bytes: &[u8], name: &str) -> Result<Extracted, Failure> {
    extract(bytes, Some(name), &Limits::default(), &|| true)
}

/// Fails with the code, and says something that a person can read and that has nothing of the file in it.
#[track_caller]
fn assert_fails(bytes: &[u8], code: FailureCode) {
    assert_fails_within(bytes, &Limits::default(), code);
}

#[track_caller]
fn assert_fails_within(bytes: &[u8], limits: &Limits, code: FailureCode) {
    let failure = extract(bytes, None, limits, &|| true).expect_err("it should not be read");
    assert_eq!(failure.code, code, "{failure}");
    assert!(
        (20..300).contains(&failure.message.len()) && !failure.message.ends_with('.'),
        "{failure}"
    );
}

/// Headings as level, title and the text that stands where they are said to be.
fn headings(extracted: &Extracted) -> Vec<(u8, &str, &str)> {
    let at = |start: usize, title: &str| extracted.slice(start, start + title.chars().count());
    extracted
        .headings
        .iter()
        .map(|h| (h.level, h.title.as_str(), at(h.start, &h.title)))
        .collect()
}

fn pages(extracted: &Extracted) -> Vec<&str> {
    let numbers: Vec<_> = extracted
        .pages
        .iter()
        .map(|page| page.number as usize)
        .collect();
    assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>());
    extracted
        .pages
        .iter()
        .map(|page| extracted.slice(page.start, page.end))
        .collect()
}
