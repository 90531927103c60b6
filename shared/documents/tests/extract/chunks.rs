//! Where texts are cut.

use std::cell::Cell;

use documents::{Chunk, ChunkSettings, Extracted, chunk};

use crate::fixtures::pdf_of;
use crate::properties::assert_chunks;
use crate::{read, read_named};

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn cut(extracted: &Extracted, max: usize, overlap: usize) -> Vec<Chunk> {
    let chunks = chunk(
        extracted,
        &ChunkSettings::new(max, overlap).unwrap(),
        &words,
    );
    assert_chunks(extracted, &chunks, max, overlap, &words);
    chunks
}

fn markdown(text: &str) -> Extracted {
    read_named(text.as_bytes(), "a.md").unwrap()
}

#[test]
fn sections_are_chunks_with_the_titles_above_them() {
    let text =
        "Before.\n# One\n\n## Part\nText of it.\n### Deep\nMore.\n## Other\nÜber.\n# Two\nEnd.";
    let chunks = cut(&markdown(text), 64, 0);
    let found: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.text.as_str(), chunk.headings.join("/")))
        .collect();
    let expected = [
        ("Before.", ""),
        ("# One\n\n## Part\nText of it.", "One/Part"),
        ("### Deep\nMore.", "One/Part/Deep"),
        ("## Other\nÜber.", "One/Other"),
        ("# Two\nEnd.", "Two"),
    ];
    assert_eq!(
        found,
        expected.map(|(text, titles)| (text, titles.to_owned()))
    );
    assert_eq!(
        (chunks[4].start, chunks[4].end, chunks[4].tokens),
        (65, 75, 3)
    );
}

#[test]
fn a_heading_of_the_same_level_or_higher_does_not_swallow_one_without_text() {
    let chunks = cut(&markdown("## A\n## B\n# C\ntext"), 64, 0);
    let found: Vec<_> = chunks
        .iter()
        .map(|chunk| (chunk.text.as_str(), chunk.headings.join("/")))
        .collect();
    assert_eq!(
        found,
        [("## A", "A"), ("## B", "B"), ("# C\ntext", "C")]
            .map(|(text, titles)| (text, titles.to_owned()))
    );
}

#[test]
fn a_chunk_is_on_one_page() {
    let page = |text: &str| format!("BT /F 12 Tf ({text}) Tj ET");
    let extracted = read(&pdf_of(&[&page("one"), &page(""), &page("three")])).unwrap();
    let found: Vec<_> = cut(&extracted, 64, 20)
        .into_iter()
        .map(|chunk| (chunk.text, chunk.page))
        .collect();
    assert_eq!(
        found,
        [("one".to_owned(), Some(1)), ("three".to_owned(), Some(3))]
    );
}

#[test]
fn the_best_break_in_the_second_half_is_taken() {
    let sentence = |words: usize| "word ".repeat(words - 1) + "end. ";
    let ends = |text: &str| {
        cut(&read(text.as_bytes()).unwrap(), 64, 0)
            .iter()
            .map(|chunk| chunk.tokens)
            .collect::<Vec<_>>()
    };
    // A paragraph before a sentence, also if the sentence ends later.
    assert_eq!(
        ends(&format!(
            "{}\n\n{}{}",
            sentence(40),
            sentence(15),
            sentence(40)
        ))[0],
        40
    );
    assert_eq!(ends(&format!("{}{}", sentence(45), sentence(50))), [45, 50]);
    assert_eq!(
        ends(&format!("{}\n{}", "line ".repeat(50), "line ".repeat(50))),
        [50, 50]
    );
    // Nothing but words: as many as fit, but for what a search leaves.
    let plain = ends(&"word ".repeat(640));
    assert!(
        plain.len() <= 11 && plain.iter().all(|tokens| *tokens <= 64),
        "{plain:?}"
    );
}

#[test]
fn an_overlap_begins_with_a_sentence() {
    let text: String = (0..40)
        .map(|number| format!("This is sentence number {number} here. "))
        .collect();
    let chunks = cut(&read(text.as_bytes()).unwrap(), 64, 20);
    assert!(chunks.len() > 3);
    for two in chunks.windows(2) {
        assert!(two[1].start < two[0].end, "they overlap");
        assert!(
            two[1].text.starts_with("This is sentence"),
            "{}",
            two[1].text
        );
    }
}

#[test]
fn characters_of_several_code_points_stay_whole() {
    let family = "👩‍👩‍👧";
    let extracted = read(family.repeat(500).as_bytes()).unwrap();
    let count = |text: &str| text.chars().count();
    let chunks = chunk(&extracted, &ChunkSettings::new(64, 0).unwrap(), &count);
    assert_chunks(&extracted, &chunks, 64, 0, &count);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.text.starts_with('👩') && chunk.tokens % 5 == 0)
    );
}

#[test]
fn the_work_grows_with_the_text_and_not_faster() {
    for text in [
        "x".repeat(2 << 20),
        "語".repeat(1 << 20),
        "🇩🇪".repeat(1 << 17),
        "a\n".repeat(1 << 20),
    ] {
        let extracted = read(text.as_bytes()).unwrap();
        let counted = Cell::new(0_usize);
        let tokens = |text: &str| {
            counted.set(counted.get() + text.len());
            text.len().div_ceil(4)
        };
        let chunks = chunk(&extracted, &ChunkSettings::new(256, 32).unwrap(), &tokens);
        assert!(chunks.len() >= extracted.text.len() / 1024);
        let times = counted.get() / extracted.text.len();
        assert!(times <= 25, "the text was counted {times} times over");
    }
}
