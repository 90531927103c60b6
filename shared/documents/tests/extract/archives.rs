//! Archives and XML that are made to hurt.

use std::io::{Cursor, Write as _};

use documents::{FailureCode, Limits};
use zip::write::{SimpleFileOptions, ZipWriter};

use crate::fixtures::{document, docx, package, paragraph, pptx, relations, shape, xlsx, zip};
use crate::{assert_fails, assert_fails_within, read, read_named};

/// A document with further entries, which are written by hand.
fn with(more: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
    let mut zip = ZipWriter::new_append(Cursor::new(docx(&paragraph("text")))).unwrap();
    more(&mut zip);
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_part_that_unpacks_to_much_more_than_a_document_does_is_refused() {
    let bomb = docx(&paragraph(&"a".repeat(4 << 20)));
    assert!(bomb.len() < 20_000);
    assert_fails(&bomb, FailureCode::CompressionRatio);
    // With the ratio allowed the sum of what is unpacked still counts.
    let limits = Limits {
        ratio: usize::MAX,
        inflated_bytes: 2 << 20,
        ..Limits::default()
    };
    assert_fails_within(&bomb, &limits, FailureCode::InflatedTooLarge);
    let limits = Limits {
        ratio: usize::MAX,
        text_chars: 1 << 20,
        ..Limits::default()
    };
    assert_fails_within(&bomb, &limits, FailureCode::TooMuchText);
}

#[test]
fn all_parts_together_are_bounded() {
    let slides = vec![shape("body", &["word ".repeat(10_000).as_str()]); 30];
    let limits = Limits {
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    assert_fails_within(&pptx(&slides), &limits, FailureCode::InflatedTooLarge);
    assert!(read(&pptx(&slides)).is_ok());
}

#[test]
fn a_size_that_is_a_lie_is_damage() {
    let mut bomb = docx(&paragraph(&"a".repeat(4 << 20)));
    let real = u32::try_from(document(&paragraph(&"a".repeat(4 << 20))).len())
        .unwrap()
        .to_le_bytes();
    let mut lies = 0;
    for at in 0..bomb.len() - 4 {
        if bomb[at..at + 4] == real {
            bomb[at..at + 4].copy_from_slice(&1000_u32.to_le_bytes());
            lies += 1;
        }
    }
    assert_eq!(lies, 2, "once before the data and once in the directory");
    assert_fails(&bomb, FailureCode::Corrupt);
}

#[test]
fn what_is_not_read_is_not_unpacked() {
    let zeros = vec![0; 3 << 20];
    let inner = zip(&[("a.txt", &"b".repeat(1 << 20))]);
    let file = with(|zip| {
        zip.start_file("word/media/image1.bmp", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&zeros).unwrap();
        zip.start_file("word/embeddings/inner.zip", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(&inner).unwrap();
    });
    let limits = Limits {
        inflated_bytes: 100_000,
        ..Limits::default()
    };
    assert_eq!(
        documents::extract(&file, None, &limits, &|| true)
            .unwrap()
            .text,
        "text"
    );
}

#[test]
fn an_archive_of_many_files_is_not_opened() {
    let names: Vec<String> = (0..300).map(|index| format!("word/{index}.xml")).collect();
    let file = with(|zip| {
        for name in &names {
            zip.start_file(name.as_str(), SimpleFileOptions::default())
                .unwrap();
        }
    });
    assert_fails_within(
        &file,
        &Limits {
            entries: 200,
            ..Limits::default()
        },
        FailureCode::TooManyEntries,
    );
    assert!(read(&file).is_ok());
}

#[test]
fn names_and_links_that_lead_out_are_refused() {
    for name in [
        "../../etc/passwd",
        "word/../../x",
        "/etc/passwd",
        "C:\\x",
        "word\\..\\..\\x",
    ] {
        let file = with(|zip| {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
        });
        assert_fails(&file, FailureCode::UnsafeArchive);
    }
    let link = with(|zip| {
        zip.add_symlink("word/link", "/etc/passwd", SimpleFileOptions::default())
            .unwrap()
    });
    assert_fails(&link, FailureCode::UnsafeArchive);
    // References between parts cannot leave the archive either: there is no such part.
    let file = package(&[
        (
            "xl/workbook.xml",
            "<workbook xmlns:r='r'><sheet name='a' r:id='a'/></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[("a", "worksheet", "../../../../etc/passwd")]),
        ),
    ]);
    assert_fails(&file, FailureCode::Corrupt);
}

#[test]
fn entries_that_share_their_data_or_their_name_are_refused() {
    let file = with(|zip| {
        zip.shallow_copy_file("word/document.xml", "word/copy.xml")
            .unwrap()
    });
    assert_fails(&file, FailureCode::UnsafeArchive);
    let mut twice = with(|zip| {
        zip.start_file("word/documenu.xml", SimpleFileOptions::default())
            .unwrap();
        zip.write_all(b"other").unwrap();
    });
    for at in 0..twice.len() - 17 {
        if &twice[at..at + 17] == b"word/documenu.xml" {
            twice[at + 12] = b't';
        }
    }
    assert_fails(&twice, FailureCode::UnsafeArchive);
}

#[test]
fn an_encrypted_entry_is_told_as_such() {
    let mut file = docx(&paragraph("a"));
    let directory = file
        .windows(4)
        .rposition(|window| window == b"PK\x01\x02")
        .unwrap();
    file[directory + 8] |= 1;
    assert_fails(&file, FailureCode::Encrypted);
}

#[test]
fn an_archive_that_is_no_document_is_not_read() {
    assert_fails(&zip(&[("a.txt", "text")]), FailureCode::UnsupportedType);
    assert_fails(
        &zip(&[("word/document.xml", &document(&paragraph("a")))]),
        FailureCode::UnsupportedType,
    );
    assert_fails(
        &package(&[("other/document.xml", "<a/>")]),
        FailureCode::UnsupportedType,
    );
    assert_fails(
        b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
        FailureCode::UnsupportedType,
    );
    assert_fails(b"PK\x03\x04 cut off", FailureCode::Corrupt);
    let file = docx(&paragraph("text"));
    assert_fails(&file[..file.len() - 30], FailureCode::Corrupt);
    assert_eq!(
        read_named(&file, "a.xlsx").unwrap_err().code,
        FailureCode::WrongType
    );
}

#[test]
fn entities_are_neither_expanded_nor_fetched() {
    let laughs =
        "<!DOCTYPE d [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'><!ENTITY c '&b;&b;&b;&b;'>]>";
    let outside =
        "<!DOCTYPE d SYSTEM 'file:///etc/passwd' [<!ENTITY x SYSTEM 'http://localhost/'>]>";
    for declaration in [laughs, outside] {
        let xml = format!("{declaration}{}", document(&paragraph("&c;&x;")));
        assert_fails(
            &package(&[("word/document.xml", &xml)]),
            FailureCode::Corrupt,
        );
    }
    assert_fails(&docx(&paragraph("&nothing;")), FailureCode::Corrupt);
}

#[test]
fn xml_that_is_nested_deeply_is_refused() {
    let deep =
        |name: &str| format!("<{name}>").repeat(40_000) + &format!("</{name}>").repeat(40_000);
    for body in [deep("w:p"), deep("w:tbl"), deep("w:x")] {
        assert_fails(&docx(&body), FailureCode::TooDeep);
    }
    assert_fails(&docx(&"<w:x>".repeat(40_000)), FailureCode::TooDeep);
    assert_fails(&pptx(&[deep("p:sp")]), FailureCode::TooDeep);
    assert_fails(&xlsx(&deep("row"), "", ""), FailureCode::TooDeep);
    assert_fails(&xlsx("", &deep("si"), ""), FailureCode::TooDeep);
}

#[test]
fn a_string_that_many_cells_share_is_counted_as_often() {
    let rows = format!("<row>{}</row>", "<c t='s'><v>0</v></c>".repeat(2_000));
    let file = xlsx(
        &rows,
        &format!("<si><t>{}</t></si>", "words ".repeat(1_000)),
        "",
    );
    assert_fails_within(
        &file,
        &Limits {
            text_chars: 1_000_000,
            ..Limits::default()
        },
        FailureCode::TooMuchText,
    );
}

#[test]
fn slides_and_sheets_are_pages_that_count() {
    let slides = vec![shape("body", &["a"]); 12];
    assert_fails_within(
        &pptx(&slides),
        &Limits {
            pages: 11,
            ..Limits::default()
        },
        FailureCode::TooManyPages,
    );
    let sheets = "<sheet name='a' r:id='a'/>".repeat(12);
    let file = package(&[(
        "xl/workbook.xml",
        &format!("<workbook xmlns:r='r'>{sheets}</workbook>"),
    )]);
    assert_fails_within(
        &file,
        &Limits {
            pages: 11,
            ..Limits::default()
        },
        FailureCode::TooManyPages,
    );
}
