//! How fast files are read and cut: `cargo bench -p documents`. Prints megabytes of the file a second, the best of five.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "it is a program for whoever measures"
)]

use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};

use documents::{ChunkSettings, Limits, chunk, extract};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use zip::write::{SimpleFileOptions, ZipWriter};

fn main() {
    let paragraphs: Vec<String> = (0..40_000).map(paragraph).collect();
    let text = paragraphs.join("\n\n");
    let html = format!(
        "<!doctype html><body><p class=text>{}</p></body>",
        paragraphs.join("</p>\n<p class=text>")
    );
    let docx = docx(&paragraphs);
    let pdf = pdf(&paragraphs);
    println!("text in each: {:.1} MB", megabytes(text.len()));
    for (kind, file) in [
        ("txt", text.as_bytes()),
        ("html", html.as_bytes()),
        ("docx", &docx[..]),
        ("pdf", &pdf[..]),
    ] {
        let took = best(|| {
            extract(file, None, &Limits::default(), &|| true)
                .unwrap()
                .text
                .len()
        });
        let (size, of_text) = (megabytes(file.len()), megabytes(text.len()));
        let seconds = took.as_secs_f64();
        println!(
            "{kind:>5}: {:7.1} MB/s of the file, {:7.1} MB/s of its text",
            size / seconds,
            of_text / seconds
        );
    }
    let settings = ChunkSettings::new(512, 64).unwrap();
    let count = |text: &str| text.len().div_ceil(4);
    for (name, text) in [("prose", text), ("no blanks", "x".repeat(9_000_000))] {
        let extracted = extract(text.as_bytes(), None, &Limits::default(), &|| true).unwrap();
        let took = best(|| chunk(&extracted, &settings, &count).len());
        println!(
            "chunk: {:7.1} MB/s of {name}",
            megabytes(text.len()) / took.as_secs_f64()
        );
    }
}

#[expect(clippy::cast_precision_loss, reason = "a few digits are shown")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

fn best(run: impl Fn() -> usize) -> Duration {
    let times = (0..5).map(|_| {
        let start = Instant::now();
        std::hint::black_box(run());
        start.elapsed()
    });
    times.min().unwrap()
}

/// About 200 bytes that are not the same twice.
fn paragraph(number: u32) -> String {
    let words = (0..30).map(|word| {
        let mixed = (number * 31 + word).wrapping_mul(2_654_435_761) >> 12;
        char::from(b'a' + (mixed % 26) as u8).to_string() + &format!("{mixed:x}")
    });
    words.collect::<Vec<_>>().join(" ") + "."
}

fn docx(paragraphs: &[String]) -> Vec<u8> {
    let body: String = paragraphs
        .iter()
        .map(|text| format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"))
        .collect();
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let relation = "<Relationships><Relationship Id='a' Type='x/officeDocument' Target='word/document.xml'/></Relationships>";
    let document = format!("<w:document xmlns:w='w'><w:body>{body}</w:body></w:document>");
    for (name, part) in [
        ("[Content_Types].xml", "<a/>"),
        ("_rels/.rels", relation),
        ("word/document.xml", &document),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(part.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn pdf(paragraphs: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.7\n1 0 obj << /Type /Catalog /Pages 2 0 R >> endobj\n\
        3 0 obj << /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >> endobj\n"
        .to_vec();
    let mut kids = String::new();
    for (index, page) in (0_usize..).zip(paragraphs.chunks(40)) {
        let lines: String = page.iter().map(|line| format!("({line}) Tj T* ")).collect();
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(format!("BT /F 12 Tf 14 TL 72 720 Td {lines} ET").as_bytes())
            .unwrap();
        let data = encoder.finish().unwrap();
        let (number, length) = (10 + 2 * index, data.len());
        kids += &format!("{number} 0 R ");
        file.extend(
            format!(
                "{number} 0 obj << /Type /Page /Contents {} 0 R >> endobj\n",
                number + 1
            )
            .bytes(),
        );
        file.extend(
            format!(
                "{} 0 obj << /Filter /FlateDecode /Length {length} >> stream\n",
                number + 1
            )
            .bytes(),
        );
        file.extend(data);
        file.extend(b"\nendstream endobj\n");
    }
    let tree = format!(
        "2 0 obj << /Type /Pages /Kids [{kids}] /Resources << /Font << /F 3 0 R >> >> >> endobj\n"
    );
    file.extend(tree.bytes());
    file.extend(b"trailer << /Root 1 0 R >>\n");
    file
}
