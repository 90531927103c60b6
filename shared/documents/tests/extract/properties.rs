//! What holds for any bytes at all.

use documents::{Chunk, ChunkSettings, Extracted, Failure, FailureCode, Limits, chunk, extract};
use proptest::prelude::*;

use crate::fixtures::{docx, flate_stream, paragraph, pdf, pdf_objects, pptx, shape, xlsx};

fn limits() -> Limits {
    Limits {
        inflated_bytes: 1 << 20,
        text_chars: 20_000,
        pages: 50,
        objects: 2_000,
        entries: 100,
        ..Limits::default()
    }
}

/// What a reader gives keeps its own promises.
fn assert_sound(read: &Result<Extracted, Failure>) {
    let extracted = match read {
        Ok(extracted) => extracted,
        Err(failure) => {
            assert_ne!(failure.code, FailureCode::ReaderFailed, "a reader panicked");
            return;
        }
    };
    let Extracted {
        text,
        pages,
        headings,
        ..
    } = extracted;
    let chars = text.chars().count();
    assert!(!text.trim().is_empty() && chars <= limits().text_chars);
    assert!(
        text.chars()
            .all(|c| matches!(c, '\n' | '\t') || !c.is_control())
    );
    assert!(text.lines().all(|line| line == line.trim_end()));
    assert!(unicode_normalization::is_nfc(text));
    assert!(pages.len() <= limits().pages && headings.len() <= limits().objects);
    assert!(
        pages
            .iter()
            .all(|page| page.start <= page.end && page.end <= chars)
    );
    assert!(pages.windows(2).all(|two| two[0].end <= two[1].start));
    assert!(headings.windows(2).all(|two| two[0].start <= two[1].start));
    assert!(
        headings
            .iter()
            .all(|heading| heading.start < chars && !heading.title.is_empty())
    );
}

/// A file of each kind that has structure, small enough to be changed everywhere.
fn seeds() -> Vec<Vec<u8>> {
    let mut objects = pdf_objects(&[
        "BT /F 12 Tf 9 TL (one) Tj [(two) -500 (three)] TJ T* <04> ' ET q /Fm Do Q",
        "BT /F 1 Tf (x) Tj ET",
    ]);
    objects[2].1 = b"<< /Type /Font /Subtype /Type0 /ToUnicode 8 0 R /DescendantFonts [<< /W [1 [2 3] 4 5 6] >>] >>".to_vec();
    objects.push((8, flate_stream("", b"begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <00> <ff> <0041> endbfrange")));
    objects.push((
        9,
        flate_stream(
            "/Type /ObjStm /N 2 /First 10",
            b"30 0 31 4 [1] << /A 30 0 R >>",
        ),
    ));
    vec![
        pdf(&objects),
        docx(&(paragraph("one") + "<w:tbl><w:tr><w:tc>" + &paragraph("two") + "</w:tc></w:tr></w:tbl>")),
        pptx(&[shape("title", &["one"]), shape("body", &["two"])]),
        xlsx("<row><c t='s' r='B2'><v>0</v></c><c s='0'><v>45000</v></c></row>", "<si><t>a</t></si>", "<cellXfs><xf numFmtId='14'/></cellXfs>"),
        b"<!doctype html><title>t</title><h1>a<h2>b</h1><ul><li>c<table><td>d<td>e</table><pre> f</pre><script>g".to_vec(),
        br#"{"a":[1,{"b":"\u00e9"}],"c":null}"#.to_vec(),
        b"# a\n```\nb\n```\nc\n===\n---\n".to_vec(),
    ]
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let change = (
        any::<prop::sample::Index>(),
        0..6_u8,
        any::<u8>(),
        any::<prop::sample::Index>(),
    );
    (
        prop::sample::select(seeds()),
        prop::collection::vec(change, 0..12),
    )
        .prop_map(|(mut bytes, changes)| {
            for (at, kind, byte, other) in changes {
                let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
                match kind {
                    0 => bytes[at] = byte,
                    1 => bytes[at] ^= 1 << (byte % 8),
                    2 => bytes.insert(at, byte),
                    3 if bytes.len() > 8 => drop(bytes.remove(at)),
                    4 => bytes.truncate(at.max(8)),
                    _ => {
                        let part = bytes[at.min(other)..at.max(other)].to_vec();
                        bytes.splice(at..at, part);
                    }
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..2_000), start in 0..8_usize) {
        let starts = [&b""[..], b"%PDF-1.4 1 0 obj ", b"PK\x03\x04", b"<!doctype html>", b"[", b"{\"", b"\xff\xfe", b"\xd0\xcf\x11\xe0"];
        assert_sound(&extract(&[starts[start], &bytes].concat(), None, &limits(), &|| true));
    }

    #[test]
    fn changed_files_are_read_or_refused(bytes in mutated()) {
        for name in [None, Some("a.md")] {
            assert_sound(&extract(&bytes, name, &limits(), &|| true));
        }
    }

    #[test]
    fn any_text_is_cut_into_chunks_that_cover_it(
        parts in prop::collection::vec(part(), 1..40),
        max in 64..120_usize,
        overlap in 0..31_usize,
        by in 0..3_usize,
    ) {
        let text = parts.concat();
        let counters: [&dyn Fn(&str) -> usize; 3] = [
            &|text| text.len().div_ceil(4),
            &|text| text.chars().count(),
            // Words, of which a long one is many, as a tokenizer has it.
            &|text| text.split_whitespace().map(|word| word.chars().count().div_ceil(5)).sum(),
        ];
        if let Ok(extracted) = extract(text.as_bytes(), Some("a.md"), &limits(), &|| true) {
            let chunks = chunk(&extracted, &ChunkSettings::new(max, overlap).unwrap(), counters[by]);
            assert_chunks(&extracted, &chunks, max, overlap, counters[by]);
        }
    }
}

fn part() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,12}[ .\n]{1,2}",
        "\n\n#{1,3} [A-Za-z]{1,8}\n",
        "[a-z]{50,400}",
        "[一-龥。]{1,80}",
        "(👩‍👩‍👧|🇩🇪|e\u{301}\u{302}){1,60}",
        "[ \t\n]{1,9}",
        "\\PC{1,40}",
        "\u{301}{30,300}",
    ]
}

pub fn assert_chunks(
    extracted: &Extracted,
    chunks: &[Chunk],
    max: usize,
    overlap: usize,
    tokens: &dyn Fn(&str) -> usize,
) {
    let text: Vec<char> = extracted.text.chars().collect();
    let part = |start: usize, end: usize| text[start..end].iter().collect::<String>();
    let mut covered = 0;
    for (index, chunk) in chunks.iter().enumerate() {
        assert_eq!(chunk.ordinal as usize, index);
        assert_eq!(chunk.text, part(chunk.start, chunk.end));
        assert_eq!(chunk.text, chunk.text.trim(), "blanks around");
        assert!(!chunk.text.is_empty() && chunk.tokens == tokens(&chunk.text));
        assert!(chunk.tokens <= max, "{} tokens", chunk.tokens);
        assert!(chunk.end > covered, "a chunk says nothing new");
        if chunk.start < covered {
            assert!(
                tokens(part(chunk.start, covered).trim()) <= overlap,
                "too much overlap"
            );
            assert_eq!(
                chunk.headings,
                chunks[index - 1].headings,
                "overlap across sections"
            );
            assert_eq!(chunk.page, chunks[index - 1].page, "overlap across pages");
        } else {
            assert!(part(covered, chunk.start).trim().is_empty(), "text is lost");
        }
        covered = chunk.end;
    }
    assert!(
        part(covered, text.len()).trim().is_empty(),
        "text is lost at the end"
    );
}
