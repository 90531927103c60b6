//! PDFs as programs write them.

use documents::{FailureCode, Kind};

use crate::fixtures::{deflate, flate_stream, pdf, pdf_objects, pdf_of, stream};
use crate::{assert_fails, pages, read};

#[test]
fn a_pdf_has_its_pages_lines_and_paragraphs() {
    let first = "BT /F 12 Tf 72 720 Td (Hello) Tj ( world) Tj 0 -14 Td [(Kern) -20 (ed) -300 (apart)] TJ T* 0 -30 Td (Caf\\351 \\(x\\)) Tj ET";
    let third = "q 1 0 0 1 0 5 cm BT /F 10 Tf 12 TL 1 0 0 1 50 700 Tm (a) Tj (b) ' 1 0 (c) \" ET Q";
    let extracted = read(&pdf_of(&[first, "0 0 m 10 10 l S", third])).unwrap();
    assert_eq!(extracted.kind, Kind::Pdf);
    assert_eq!(
        pages(&extracted),
        ["Hello world\nKerned apart\n\nCafé (x)", "", "a\nb\nc"]
    );
    assert_eq!(
        extracted.text,
        "Hello world\nKerned apart\n\nCafé (x)\n\na\nb\nc"
    );
    assert!(extracted.headings.is_empty());
}

#[test]
fn words_are_apart_where_their_places_are() {
    let content = "BT /F 10 Tf 0 100 Td (left) Tj 300 0 Td (right) Tj 0 -12 Td (new) Tj -300 0 Td (under) Tj ET
        BT /F 10 Tf 0 1 -1 0 500 500 Tm (up) Tj 0 -20 Td (wards) Tj ET";
    assert_eq!(
        pages(&read(&pdf_of(&[content])).unwrap()),
        ["left right\nnew\nunder\n\nup\n\nwards"]
    );
}

#[test]
fn a_scan_has_no_text() {
    let mut objects = pdf_objects(&["q 612 0 0 792 0 0 cm /Im Do Q BI /W 1 /H 1 ID \x01 EI"]);
    objects[1].1 =
        b"<< /Type /Pages /Kids [10 0 R] /Count 1 /Resources << /XObject << /Im 4 0 R >> >> >>"
            .to_vec();
    objects.push((
        4,
        stream("/Subtype /Image /Filter /DCTDecode", b"\xff\xd8\xff"),
    ));
    assert_fails(&pdf(&objects), FailureCode::NoText);
}

#[test]
fn a_font_tells_its_letters_by_its_own_table() {
    let mut objects = pdf_objects(&["BT /F 12 Tf <00010002> Tj <0003> Tj <0009> Tj ET"]);
    let table = "1 begincodespacerange <0000> <ffff> endcodespacerange 1 beginbfchar <0001> <0416> endbfchar
        1 beginbfrange <0002> <0003> <0061> endbfrange";
    objects[2].1 = b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /ToUnicode 4 0 R /DescendantFonts [5 0 R] >>".to_vec();
    objects.push((4, flate_stream("", table.as_bytes())));
    objects.push((
        5,
        b"<< /Type /Font /Subtype /CIDFontType2 /DW 500 /W [1 [600 600] 3 9 400] >>".to_vec(),
    ));
    assert_eq!(read(&pdf(&objects)).unwrap().text, "Жab");
    // Without the table the codes are numbers of drawings: no text is better than a wrong one.
    objects[2].1 =
        b"<< /Type /Font /Subtype /Type0 /Encoding /Identity-H /DescendantFonts [5 0 R] >>"
            .to_vec();
    assert_fails(&pdf(&objects), FailureCode::NoText);
}

#[test]
fn a_font_tells_its_letters_by_the_names_of_its_glyphs() {
    let mut objects = pdf_objects(&["BT /F 12 Tf (\\001\\002\\003A) Tj ET"]);
    objects[2].1 = b"<< /Type /Font /Subtype /Type1 /Encoding << /Differences [1 /fi /eacute /uni20AC] >> /FirstChar 1 /Widths [500 500 500] >>".to_vec();
    assert_eq!(read(&pdf(&objects)).unwrap().text, "fié€A");
}

#[test]
fn objects_may_be_packed_together() {
    let packed = "1 0 2 50 3 150 ";
    let mut inner = format!("{:<50}", "<< /Type /Catalog /Pages 2 0 R >>");
    inner += &format!(
        "{:<100}",
        "<< /Type /Pages /Kids [10 0 R] /Resources << /Font << /F 3 0 R >> >> >>"
    );
    inner += "<< /Type /Font /Subtype /TrueType /Encoding /MacRomanEncoding >>";
    let stream_dict = format!("/Type /ObjStm /N 3 /First {}", packed.len());
    let objects = [
        (
            20,
            flate_stream(&stream_dict, format!("{packed}{inner}").as_bytes()),
        ),
        (10, b"<< /Type /Page /Contents [11 0 R 12 0 R] >>".to_vec()),
        (
            11,
            stream(
                "/Filter [/ASCIIHexDecode /FlateDecode]",
                hex(&deflate(b"BT /F 12 Tf (caf\x8e) Tj")).as_bytes(),
            ),
        ),
        (12, stream("/Filter /ASCII85Decode", b"<~-m:#^<,*OE;u~>")),
    ];
    assert_eq!(read(&pdf(&objects)).unwrap().text, "café!");
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        + ">"
}

#[test]
fn forms_are_drawn_where_they_are_used() {
    let mut objects =
        pdf_objects(&["BT /F 12 Tf 0 700 Td (before) Tj ET /Fm Do BT 0 600 Td (after) Tj ET"]);
    objects[1].1 = b"<< /Type /Pages /Kids [10 0 R] /Resources 6 0 R >>".to_vec();
    objects.push((
        6,
        b"<< /Font << /F 3 0 R >> /XObject << /Fm 7 0 R >> >>".to_vec(),
    ));
    objects.push((
        7,
        stream(
            "/Subtype /Form /Matrix [1 0 0 1 0 -50]",
            b"BT /F 12 Tf 0 700 Td (in the form) Tj ET",
        ),
    ));
    assert_eq!(
        read(&pdf(&objects)).unwrap().text,
        "before\n\nin the form\n\nafter"
    );
}

#[test]
fn the_title_is_in_the_information() {
    let mut objects = pdf_objects(&["BT /F 12 Tf (a) Tj ET"]);
    objects.push((9, b"<< /Title <feff00dc00620065007200200031> >>".to_vec()));
    let mut file = pdf(&objects);
    file.extend(b"trailer << /Root 1 0 R /Info 9 0 R >>");
    assert_eq!(read(&file).unwrap().title.as_deref(), Some("Über 1"));
}

#[test]
fn what_was_appended_counts() {
    let mut file = pdf_of(&["BT /F 12 Tf (old) Tj ET"]);
    let change = pdf(&[(11, stream("", b"BT /F 12 Tf (new) Tj ET"))]);
    file.extend(&change[15..]);
    assert_eq!(read(&file).unwrap().text, "new");
}

#[test]
fn a_damaged_pdf_is_read_as_far_as_it_is_sound() {
    // The table of objects, the length of a stream and what is before the header are wrong in many files.
    let mut objects = pdf_objects(&[
        "BT /F 12 Tf (kept) Tj ET",
        "BT /F 12 Tf (cut off here) Tj ET",
    ]);
    let cut = deflate(&b"BT /F 12 Tf (this is kept) Tj ET\n".repeat(50));
    objects[6].1 = [
        b"<< /Filter /FlateDecode /Length 999999 >>\nstream\n",
        &cut[..cut.len() - 8],
        b"\nendstream",
    ]
    .concat();
    let file = [b"\xffjunk\n".to_vec(), pdf(&objects)].concat();
    let extracted = read(&file).unwrap();
    let pages = pages(&extracted);
    assert_eq!(pages[0], "kept");
    assert!(pages[1].starts_with("this is kept"), "{}", pages[1]);
    assert_fails(b"%PDF-1.7\nnothing else", FailureCode::Corrupt);
    assert_fails(
        &pdf(&[(1, b"<< /Type /Catalog /Pages 7 0 R >>".to_vec())]),
        FailureCode::Corrupt,
    );
}
