//! Reading ends soon after its caller says so.

use std::cell::Cell;

use documents::{FailureCode, Limits, extract};

use crate::fixtures::{docx, paragraph, pdf, pdf_objects, pdf_of, pptx, shape, stream, xlsx};

/// Files that take a while, each of another kind.
fn long_files() -> Vec<(&'static str, Vec<u8>)> {
    let words: String = (0..200_000).map(|number| format!("w{number} ")).collect();
    let rows: String = (0..20_000)
        .map(|number| format!("<row><c><v>{number}</v></c></row>"))
        .collect();
    let page = format!("BT /F 12 Tf ({words}) Tj ET");
    let mut unreadable = pdf_objects(&["BT ET"]);
    unreadable.extend(
        (100..20_000).map(|number| (number, format!("<< /K [{number} (a) /b] >>").into_bytes())),
    );
    unreadable.push((99, stream("", words.as_bytes())));
    vec![
        ("a.txt", words.clone().into_bytes()),
        ("a.md", words.replace(' ', "\n# ").into_bytes()),
        (
            "a.html",
            format!("<!doctype html>{}", words.replace(' ', "<p>")).into_bytes(),
        ),
        (
            "a.json",
            format!("[{}0]", words.replace('w', "1").replace(' ', ",")).into_bytes(),
        ),
        (
            "a.docx",
            docx(
                &words
                    .split(' ')
                    .take(20_000)
                    .map(paragraph)
                    .collect::<String>(),
            ),
        ),
        ("a.pptx", pptx(&[shape("body", &[words.as_str()])])),
        ("a.xlsx", xlsx(&rows, "", "")),
        ("a.pdf", pdf_of(&[&page])),
        ("objects.pdf", pdf(&unreadable)),
    ]
}

#[test]
fn every_kind_asks_often_and_stops_when_told() {
    for (name, file) in long_files() {
        let asked = Cell::new(0);
        let count = || {
            asked.set(asked.get() + 1);
            true
        };
        let whole = extract(&file, Some(name), &Limits::default(), &count);
        assert!(whole.is_ok() || name == "objects.pdf", "{name}: {whole:?}");
        let questions = asked.get();
        assert!(questions >= 5, "{name} asked {questions} times");
        for stop in [1, 2, questions / 2, questions] {
            asked.set(0);
            let until = || {
                asked.set(asked.get() + 1);
                asked.get() < stop
            };
            let failure = extract(&file, Some(name), &Limits::default(), &until).unwrap_err();
            assert_eq!(failure.code, FailureCode::TimedOut, "{name}");
            assert_eq!(
                asked.get(),
                stop,
                "{name} went on after it was told to stop"
            );
        }
    }
}
