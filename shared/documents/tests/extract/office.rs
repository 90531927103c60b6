//! Documents, presentations and workbooks.

use documents::{FailureCode, Kind};

use crate::fixtures::{document, docx, package, paragraph, pptx, relations, shape, xlsx};
use crate::{assert_fails, headings, pages, read};

/// What Word writes, but for what is not read.
fn whole_docx() -> Vec<u8> {
    let styles = "<w:styles xmlns:w='w'><w:style w:styleId='berschrift1'><w:name w:val='heading 1'/></w:style>
        <w:style w:styleId='Own'><w:name w:val='Own'/><w:basedOn w:val='berschrift1'/></w:style>
        <w:style w:styleId='Deep'><w:name w:val='x'/><w:pPr><w:outlineLvl w:val='2'/></w:pPr></w:style>
        <w:style w:styleId='Loop'><w:name w:val='y'/><w:basedOn w:val='Loop'/></w:style></w:styles>";
    let styled = |style: &str, text: &str| {
        format!("<w:p><w:pPr><w:pStyle w:val='{style}'/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>")
    };
    let item = |text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:numId w:val='1'/></w:numPr></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let body = [
        styled("berschrift1", "Über uns"),
        "<w:p><w:pPr><w:tabs><w:tab w:pos='1'/></w:tabs></w:pPr><w:r><w:t xml:space='preserve'>Split </w:t></w:r><w:r><w:t>run</w:t><w:tab/><w:t>&amp; &#233;</w:t><w:footnoteReference w:id='2'/></w:r></w:p>".to_owned(),
        styled("Own", "Second"),
        item("one"),
        item("two"),
        "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>k</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>v</w:t><w:br/><w:t>w</w:t></w:r></w:p><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc></w:tr></w:tbl>".to_owned(),
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del><w:moveFrom><w:r><w:t>moved</w:t></w:r></w:moveFrom><w:ins><w:r><w:t>kept</w:t></w:r></w:ins></w:p>".to_owned(),
        styled("Deep", "Third"),
        styled("Loop", "Last"),
    ]
    .concat();
    let notes = "<w:footnotes xmlns:w='w'><w:footnote w:type='separator' w:id='0'><w:p><w:r><w:t>no</w:t></w:r></w:p></w:footnote>
        <w:footnote w:id='2'><w:p><w:r><w:t>A note</w:t></w:r></w:p></w:footnote></w:footnotes>";
    package(&[
        ("word/document2.xml", &document(&body)),
        (
            "word/_rels/document2.xml.rels",
            &relations(&[
                ("a", "styles", "styles.xml"),
                ("b", "footnotes", "footnotes.xml"),
            ]),
        ),
        ("word/styles.xml", styles),
        ("word/footnotes.xml", notes),
        ("word/media/image1.png", "not looked at"),
        (
            "docProps/core.xml",
            "<cp:coreProperties xmlns:dc='d'><dc:title>Plan</dc:title></cp:coreProperties>",
        ),
    ])
}

#[test]
fn a_document_has_its_headings_lists_tables_and_notes() {
    let extracted = read(&whole_docx()).unwrap();
    let expected = "Über uns\n\nSplit run\t& é[^2]\n\nSecond\n\n- one\n- two\n\nk\tv w x\n\nkept\n\nThird\n\nLast\n\n[^2]: A note";
    assert_eq!(
        (extracted.kind, extracted.text.as_str()),
        (Kind::Docx, expected)
    );
    assert_eq!(extracted.title.as_deref(), Some("Plan"));
    assert_eq!(
        headings(&extracted),
        [
            (1, "Über uns", "Über uns"),
            (1, "Second", "Second"),
            (3, "Third", "Third")
        ]
    );
}

#[test]
fn a_text_box_is_read_once_and_before_its_paragraph() {
    let choice = format!(
        "<mc:Choice xmlns:mc='m'><w:txbxContent>{}</w:txbxContent></mc:Choice>",
        paragraph("box")
    );
    let fallback = format!(
        "<mc:Fallback xmlns:mc='m'><w:txbxContent>{}</w:txbxContent></mc:Fallback>",
        paragraph("box")
    );
    let body = format!(
        "<w:p><w:r><w:t>around</w:t></w:r><w:r><mc:AlternateContent xmlns:mc='m'>{choice}{fallback}</mc:AlternateContent></w:r></w:p>"
    );
    assert_eq!(read(&docx(&body)).unwrap().text, "box\n\naround");
}

#[test]
fn a_document_of_images_has_no_text() {
    assert_fails(
        &docx("<w:p><w:r><w:drawing/></w:r></w:p>"),
        FailureCode::NoText,
    );
}

#[test]
fn a_presentation_has_a_page_a_slide() {
    let table = "<a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>k</a:t></a:r></a:p></a:txBody></a:tc><a:tc><a:txBody><a:p><a:r><a:t>v</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl>";
    let slides = [
        shape("ctrTitle", &["Hello", "there"]) + &shape("body", &["First", "Second"]) + table,
        String::new(),
        shape("body", &["No title"]) + &shape("title", &["Late"]),
    ];
    let extracted = read(&pptx(&slides)).unwrap();
    assert_eq!(extracted.kind, Kind::Pptx);
    assert_eq!(
        extracted.text,
        "Hello there\n\nFirst\nSecond\n\nk\tv\n\nNo title\n\nLate"
    );
    assert_eq!(
        pages(&extracted),
        [
            "Hello there\n\nFirst\nSecond\n\nk\tv",
            "",
            "No title\n\nLate"
        ]
    );
    assert_eq!(
        headings(&extracted),
        [(1, "Hello there", "Hello there"), (1, "Late", "Late")]
    );
}

#[test]
fn the_notes_of_a_slide_are_on_its_page() {
    let notes = format!(
        "<p:notes xmlns:p='p' xmlns:a='a'>{}{}</p:notes>",
        shape("sldNum", &["7"]),
        shape("body", &["Say this"])
    );
    let slide = format!(
        "<p:sld xmlns:p='p' xmlns:a='a'>{}</p:sld>",
        shape("body", &["Shown"])
    );
    let file = package(&[
        (
            "ppt/presentation.xml",
            "<p:presentation xmlns:p='p' xmlns:r='r'><p:sldId id='1' r:id='x'/></p:presentation>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[("x", "slide", "slides/s.xml")]),
        ),
        ("ppt/slides/s.xml", &slide),
        (
            "ppt/slides/_rels/s.xml.rels",
            &relations(&[("n", "notesSlide", "../notesSlides/n.xml")]),
        ),
        ("ppt/notesSlides/n.xml", &notes),
    ]);
    assert_eq!(pages(&read(&file).unwrap()), ["Shown\n\nSay this"]);
}

#[test]
fn a_workbook_has_a_line_a_row_under_the_name_of_its_sheet() {
    let rows = "<row r='1'><c r='A1' t='s'><v>0</v></c><c r='B1' t='s'><v>1</v></c></row>
        <row r='2'><c r='A2' t='inlineStr'><is><t>in</t><t>line</t></is></c><c r='B2'><f>A1*2</f><v>2.5</v></c><c r='D2' t='b'><v>1</v></c></row>
        <row r='3'/><row r='4'><c r='B4' s='1'><v>45231</v></c><c s='2'><v>45231.5</v></c><c t='str'><v>a\tb</v></c><c t='s'><v>99</v></c></row>";
    let strings =
        "<si><t>Na</t><rPh><t>no</t></rPh><r><t>me</t></r></si><si><t>Price\nnet</t></si>";
    let styles = "<numFmts><numFmt numFmtId='164' formatCode='dd/mm/yyyy hh:mm'/></numFmts><cellXfs><xf numFmtId='0'/><xf numFmtId='14'/><xf numFmtId='164'/></cellXfs>";
    let extracted = read(&xlsx(rows, strings, styles)).unwrap();
    let expected = "Stock & sales\n\nName\tPrice net\ninline\t2.5\t\tTRUE\n\t2023-11-01\t2023-11-01T12:00:00\ta b";
    assert_eq!(
        (extracted.kind, extracted.text.as_str()),
        (Kind::Xlsx, expected)
    );
    assert_eq!(
        headings(&extracted),
        [(1, "Stock & sales", "Stock & sales")]
    );
    assert!(extracted.pages.is_empty());
}

#[test]
fn a_cell_at_the_edge_of_a_sheet_costs_nothing() {
    let rows = "<row r='1'><c r='A1'><v>1</v></c></row><row r='1048576'><c r='A1048576'><v>2</v></c><c r='XFD1048576'><v>3</v></c></row>";
    let extracted = read(&xlsx(
        &format!("{rows}<mergeCells><mergeCell ref='A1:XFD1048576'/></mergeCells>"),
        "",
        "",
    ))
    .unwrap();
    assert_eq!(
        extracted.text,
        format!("Stock & sales\n\n1\n2{}3", "\t".repeat(16))
    );
}

#[test]
fn a_part_that_is_missing_is_damage() {
    let file = package(&[
        (
            "ppt/presentation.xml",
            "<p xmlns:r='r'><sldId r:id='x'/></p>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[("x", "slide", "slides/s.xml")]),
        ),
    ]);
    assert_fails(&file, FailureCode::Corrupt);
}
