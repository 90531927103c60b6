//! Small files of each kind, put together here.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use zip::write::{SimpleFileOptions, ZipWriter};

pub const WORD: &str = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'";
pub const DRAWING: &str = "xmlns:a='a' xmlns:p='p' xmlns:r='r'";
const TYPES: (&str, &str) = ("[Content_Types].xml", "<Types/>");

pub fn zip(parts: &[(&str, &str)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in parts {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// Relations given as id, type and target.
pub fn relations(relations: &[(&str, &str, &str)]) -> String {
    let mut xml = "<Relationships>".to_owned();
    for (id, kind, target) in relations {
        write!(
            xml,
            "<Relationship Id='{id}' Type='http://schemas/{kind}' Target='{target}'/>"
        )
        .unwrap();
    }
    xml + "</Relationships>"
}

/// A package whose main part is the first of the parts.
pub fn package(parts: &[(&str, &str)]) -> Vec<u8> {
    let root = relations(&[("r1", "officeDocument", parts[0].0)]);
    let mut all = vec![TYPES, ("_rels/.rels", root.as_str())];
    all.extend(parts);
    zip(&all)
}

pub fn document(body: &str) -> String {
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><w:document {WORD}><w:body>{body}</w:body></w:document>"
    )
}

pub fn docx(body: &str) -> Vec<u8> {
    package(&[("word/document.xml", &document(body))])
}

pub fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

/// A shape of a slide; `kind` is that of its place holder.
pub fn shape(kind: &str, paragraphs: &[&str]) -> String {
    let paragraphs: String = paragraphs
        .iter()
        .map(|text| format!("<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"))
        .collect();
    format!(
        "<p:sp><p:nvSpPr><p:nvPr><p:ph type='{kind}'/></p:nvPr></p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>"
    )
}

pub fn pptx(slides: &[String]) -> Vec<u8> {
    let mut list = String::new();
    let mut refs = Vec::new();
    let mut parts = Vec::new();
    for (index, slide) in slides.iter().enumerate() {
        write!(list, "<p:sldId id='{index}' r:id='s{index}'/>").unwrap();
        refs.push((format!("s{index}"), format!("slides/slide{index}.xml")));
        parts.push((
            format!("ppt/slides/slide{index}.xml"),
            format!("<p:sld {DRAWING}>{slide}</p:sld>"),
        ));
    }
    let main =
        format!("<p:presentation {DRAWING}><p:sldIdLst>{list}</p:sldIdLst></p:presentation>");
    let refs: Vec<_> = refs
        .iter()
        .map(|(id, target)| (id.as_str(), "slide", target.as_str()))
        .collect();
    let refs = relations(&refs);
    let mut all = vec![
        ("ppt/presentation.xml", main.as_str()),
        ("ppt/_rels/presentation.xml.rels", &refs),
    ];
    all.extend(
        parts
            .iter()
            .map(|(name, xml)| (name.as_str(), xml.as_str())),
    );
    package(&all)
}

/// A workbook with one sheet, its shared strings and its styles.
pub fn xlsx(rows: &str, strings: &str, styles: &str) -> Vec<u8> {
    package(&[
        (
            "xl/workbook.xml",
            "<workbook xmlns:r='r'><sheets><sheet name='Stock &amp; sales' r:id='a'/></sheets></workbook>",
        ),
        (
            "xl/_rels/workbook.xml.rels",
            &relations(&[
                ("a", "worksheet", "/xl/worksheets/sheet1.xml"),
                ("b", "sharedStrings", "sharedStrings.xml"),
                ("c", "styles", "styles.xml"),
            ]),
        ),
        (
            "xl/worksheets/sheet1.xml",
            &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ),
        ("xl/sharedStrings.xml", &format!("<sst>{strings}</sst>")),
        (
            "xl/styles.xml",
            &format!("<styleSheet>{styles}</styleSheet>"),
        ),
    ])
}

/// A PDF of numbered objects; object 1 is the catalog.
pub fn pdf(objects: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for (number, object) in objects {
        bytes.extend(format!("{number} 0 obj\n").bytes());
        bytes.extend(object);
        bytes.extend(b"\nendobj\n");
    }
    bytes.extend(b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    bytes
}

pub fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = format!("<< {dict} /Length {} >>\nstream\n", data.len()).into_bytes();
    bytes.extend(data);
    bytes.extend(b"\nendstream");
    bytes
}

pub fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

pub fn flate_stream(dict: &str, data: &[u8]) -> Vec<u8> {
    stream(&format!("{dict} /Filter /FlateDecode"), &deflate(data))
}

/// The objects of a PDF with a page for each content; object 3 is its font `F`.
pub fn pdf_objects(contents: &[&str]) -> Vec<(u32, Vec<u8>)> {
    let mut kids = String::new();
    let mut objects = Vec::new();
    for (index, content) in (0_u32..).zip(contents) {
        let page = 10 + 2 * index;
        write!(kids, "{page} 0 R ").unwrap();
        objects.push((
            page,
            format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", page + 1).into_bytes(),
        ));
        objects.push((page + 1, flate_stream("", content.as_bytes())));
    }
    let pages = format!(
        "<< /Type /Pages /Kids [{kids}] /Count {} /Resources << /Font << /F 3 0 R >> >> >>",
        contents.len()
    );
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    objects.insert(0, (1, b"<< /Type /Catalog /Pages 2 0 R >>".to_vec()));
    objects.insert(1, (2, pages.into_bytes()));
    objects.insert(2, (3, font.into()));
    objects
}

pub fn pdf_of(contents: &[&str]) -> Vec<u8> {
    pdf(&pdf_objects(contents))
}
