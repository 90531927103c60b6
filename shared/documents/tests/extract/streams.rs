//! PDF and text that are made to hurt.

use documents::{FailureCode, Limits};

use crate::fixtures::{deflate, flate_stream, pdf, pdf_objects, pdf_of, stream};
use crate::{assert_fails, assert_fails_within, read, read_named};

const TEXT: &str = "BT /F 12 Tf (text) Tj ET";

fn with_page_content(content: Vec<u8>) -> Vec<u8> {
    let mut objects = pdf_objects(&[TEXT]);
    objects[4].1 = content;
    pdf(&objects)
}

#[test]
fn a_stream_that_unpacks_to_much_more_than_it_is_is_refused() {
    let spaces = vec![b' '; 8 << 20];
    assert_fails(
        &with_page_content(flate_stream("", &spaces)),
        FailureCode::CompressionRatio,
    );
    let twice = stream(
        "/Filter [/FlateDecode /FlateDecode]",
        &deflate(&deflate(&spaces)),
    );
    assert_fails(&with_page_content(twice), FailureCode::CompressionRatio);
    let mut objects = pdf_objects(&[TEXT]);
    objects.push((8, flate_stream("/Type /ObjStm /N 1 /First 4", &spaces)));
    assert_fails(&pdf(&objects), FailureCode::CompressionRatio);
    // A table of characters and a form are streams as well.
    let mut objects = pdf_objects(&["BT /F 12 Tf (text) Tj ET /Fm Do"]);
    objects[2].1 = b"<< /Type /Font /Subtype /Type1 /ToUnicode 8 0 R >>".to_vec();
    objects.push((8, flate_stream("", &spaces)));
    assert_fails(&pdf(&objects), FailureCode::CompressionRatio);
}

#[test]
fn all_streams_together_are_bounded() {
    // One stream that is drawn by each of many pages.
    let mut objects = pdf_objects(&[TEXT; 40]);
    for (number, object) in &mut objects {
        if *number >= 10 && *number % 2 == 0 {
            *object = b"<< /Type /Page /Contents 9 0 R >>".to_vec();
        }
    }
    objects.push((9, flate_stream("", &b"0 0 m 1 1 l S ".repeat(10_000))));
    let limits = Limits {
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    assert_fails_within(&pdf(&objects), &limits, FailureCode::InflatedTooLarge);
    // And one without a filter that a page lists many times.
    let mut objects = pdf_objects(&[TEXT]);
    objects[3].1 = format!("<< /Type /Page /Contents [{}] >>", "9 0 R ".repeat(200)).into_bytes();
    objects.push((9, stream("", &b"0 0 m 1 1 l S ".repeat(1_000))));
    assert_fails_within(&pdf(&objects), &limits, FailureCode::InflatedTooLarge);
}

#[test]
fn a_pdf_with_a_password_is_told_as_such() {
    let mut file = pdf_of(&[TEXT]);
    file.extend(b"trailer << /Root 1 0 R /Encrypt 99 0 R >>");
    assert_fails(&file, FailureCode::Encrypted);
    let mut objects = pdf_objects(&[TEXT]);
    objects.push((
        8,
        stream("/Type /XRef /Root 1 0 R /Encrypt << /V 5 >>", b""),
    ));
    assert_fails(&pdf(&objects), FailureCode::Encrypted);
}

#[test]
fn a_pdf_of_a_hundred_thousand_pages_is_refused() {
    let objects = [
        (1, b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()),
        (
            2,
            format!(
                "<< /Type /Pages /Kids [{}] >>",
                "<< /Type /Page >> ".repeat(100_000)
            )
            .into_bytes(),
        ),
    ];
    assert_fails(&pdf(&objects), FailureCode::TooManyPages);
}

#[test]
fn a_tree_of_pages_that_leads_in_circles_ends() {
    let mut objects = pdf_objects(&[TEXT]);
    objects[1].1 = b"<< /Type /Pages /Kids [2 0 R 10 0 R 10 0 R 2 0 R 4 0 R] /Resources << /Font << /F 3 0 R >> >> >>".to_vec();
    objects.push((4, b"<< /Type /Pages /Kids [2 0 R 4 0 R 5 0 R] >>".to_vec()));
    objects.push((5, b"6 0 R".to_vec()));
    objects.push((6, b"5 0 R".to_vec()));
    let mut file = pdf(&objects);
    // A table of objects that leads to itself is not followed at all.
    file.extend(b"xref\n0 0\ntrailer << /Root 1 0 R /Prev 15 /XRefStm 15 >>\nstartxref\n15\n%%EOF");
    let extracted = read(&file).unwrap();
    assert_eq!(
        (extracted.text.as_str(), extracted.pages.len()),
        ("text", 1)
    );
}

#[test]
fn forms_that_draw_themselves_end() {
    let mut objects = pdf_objects(&["/Fm Do BT /F 12 Tf (text) Tj ET"]);
    objects[1].1 = b"<< /Type /Pages /Kids [10 0 R] /Resources << /Font << /F 3 0 R >> /XObject << /Fm 7 0 R >> >> >>".to_vec();
    objects.push((7, stream("/Subtype /Form", b"/Fm Do")));
    assert_eq!(read(&pdf(&objects)).unwrap().text, "text");
    // Each draws itself so often that the number of drawings has eight times as many digits.
    objects[5].1 = flate_stream("/Subtype /Form", &b"/Fm Do ".repeat(1000));
    let limits = Limits {
        inflated_bytes: 1 << 20,
        ..Limits::default()
    };
    assert_fails_within(&pdf(&objects), &limits, FailureCode::InflatedTooLarge);
}

#[test]
fn pdf_objects_that_are_nested_deeply_are_refused() {
    for (open, close) in [("[", "]"), ("<</A ", ">>")] {
        let deep = open.repeat(100_000) + &close.repeat(100_000);
        let mut objects = pdf_objects(&[TEXT]);
        objects.push((8, deep.clone().into_bytes()));
        assert_fails(&pdf(&objects), FailureCode::TooDeep);
        assert_fails(&pdf_of(&[&deep]), FailureCode::TooDeep);
    }
    // Strings are not objects in objects.
    let string = "(".repeat(100_000) + &")".repeat(100_000);
    assert_eq!(
        read(&pdf_of(&[&format!(
            "BT /F 12 Tf {string} pop (text) Tj ET"
        )]))
        .unwrap()
        .text,
        "text"
    );
}

#[test]
fn one_object_may_not_have_millions_of_values() {
    let mut objects = pdf_objects(&[TEXT]);
    objects.push((8, format!("[{}]", "1 ".repeat(1_100_000)).into_bytes()));
    assert_fails(&pdf(&objects), FailureCode::TooComplex);
}

#[test]
fn a_pdf_may_not_have_any_number_of_objects() {
    let many: String = (100..2_100)
        .map(|number| format!("{number} 0 obj 1 endobj\n"))
        .collect();
    let file = [pdf_of(&[TEXT]), many.into_bytes()].concat();
    assert_fails_within(
        &file,
        &Limits {
            objects: 1_000,
            ..Limits::default()
        },
        FailureCode::TooComplex,
    );
    assert!(read(&file).is_ok());
}

#[test]
fn json_that_is_nested_deeply_is_refused() {
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        assert_fails(open.repeat(100_000).as_bytes(), FailureCode::TooDeep);
    }
    let fits = "[".repeat(200) + &"]".repeat(200);
    assert!(read(fits.as_bytes()).is_ok());
}

#[test]
fn html_may_be_nested_as_it_likes() {
    let deep = format!(
        "<!doctype html>{}text",
        "<div><b><table><tr><td>".repeat(50_000)
    );
    assert_eq!(read(deep.as_bytes()).unwrap().text, "text");
    let hidden = format!(
        "<!doctype html>{}no{}text",
        "<template>".repeat(50_000),
        "</template>".repeat(50_000)
    );
    assert_eq!(read(hidden.as_bytes()).unwrap().text, "text");
}

#[test]
fn the_file_itself_and_its_text_are_bounded() {
    let text = "é".repeat(1_000);
    assert_fails_within(
        text.as_bytes(),
        &Limits {
            bytes: 1_999,
            ..Limits::default()
        },
        FailureCode::TooLarge,
    );
    assert_fails_within(
        text.as_bytes(),
        &Limits {
            text_chars: 999,
            ..Limits::default()
        },
        FailureCode::TooMuchText,
    );
    let limits = Limits {
        bytes: 2_000,
        text_chars: 1_000,
        ..Limits::default()
    };
    assert!(documents::extract(text.as_bytes(), None, &limits, &|| true).is_ok());
    let lines = "a\n".repeat(600);
    assert_fails_within(
        lines.as_bytes(),
        &Limits {
            text_chars: 1_000,
            ..Limits::default()
        },
        FailureCode::TooMuchText,
    );
}

#[test]
fn headings_are_bounded_in_number_and_in_length() {
    let many = "# a\n".repeat(1_001);
    let limits = Limits {
        objects: 1_000,
        ..Limits::default()
    };
    let failure = documents::extract(many.as_bytes(), Some("a.md"), &limits, &|| true).unwrap_err();
    assert_eq!(failure.code, FailureCode::TooComplex);
    let long = read_named(format!("# {}\n", "é".repeat(5_000)).as_bytes(), "a.md").unwrap();
    assert_eq!(
        long.headings[0].title.chars().count(),
        documents::Heading::TITLE_CHARS
    );
    assert_eq!(long.text.chars().count(), 5_002);
}
