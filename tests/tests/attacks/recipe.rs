//! Files that are too large or too odd to be written down, as recipes: texts, bytes in hexadecimal, repetitions, and the
//! containers of documents around them.

use std::io::{Cursor, Write as _};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::Value;
use zip::write::{SimpleFileOptions, ZipWriter};

const WORD: &str = "xmlns:w='http://schemas.openxmlformats.org/wordprocessingml/2006/main'";

/// The bytes that a recipe means. `port` stands for that of a listener.
pub(crate) fn bytes(recipe: &Value, port: u16) -> Vec<u8> {
    let inner = |name: &str| bytes(&recipe[name], port);
    let text = |name: &str| recipe[name].as_str().expect("a text");
    let number = |name: &str| {
        let number = recipe[name].as_u64().expect("a number");
        usize::try_from(number).expect("a small one")
    };
    let has = |name: &str| recipe.get(name).is_some();
    match recipe {
        Value::String(text) => text.replace("{port}", &port.to_string()).into_bytes(),
        _ if has("hex") => hex(text("hex")),
        _ if has("repeat") => inner("repeat").repeat(number("times")),
        _ if has("join") => {
            let parts = recipe["join"].as_array().expect("a list").iter();
            parts.flat_map(|part| bytes(part, port)).collect()
        }
        _ if has("first") => {
            let mut whole = inner("first");
            assert!(whole.len() > number("bytes"), "it would not be cut off");
            whole.truncate(number("bytes"));
            whole
        }
        _ if has("utf16") => utf16(text("utf16"), text("order") == "big"),
        _ if has("deflated") => deflated(&inner("deflated")),
        _ if has("deflated_stream") => {
            stream("/Filter /FlateDecode", &deflated(&inner("deflated_stream")))
        }
        _ if has("stream") => stream(recipe["dict"].as_str().unwrap_or(""), &inner("stream")),
        _ if has("pdf") => pdf(recipe["pdf"].as_array().expect("objects"), port),
        _ if has("numbered") => (100..100 + number("numbered"))
            .flat_map(|number| format!("{number} 0 obj 1 endobj\n").into_bytes())
            .collect(),
        _ => archive(recipe, port),
    }
}

fn hex(digits: &str) -> Vec<u8> {
    let places = (0..digits.len()).step_by(2);
    let byte = |place: usize| u8::from_str_radix(&digits[place..place + 2], 16);
    places
        .map(|place| byte(place).expect("hexadecimal"))
        .collect()
}

fn utf16(text: &str, big_end_first: bool) -> Vec<u8> {
    let units = text.encode_utf16();
    let bytes = |unit: u16| {
        if big_end_first {
            unit.to_be_bytes()
        } else {
            unit.to_le_bytes()
        }
    };
    units.flat_map(bytes).collect()
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).expect("memory");
    encoder.finish().expect("memory")
}

fn stream(dict: &str, data: &[u8]) -> Vec<u8> {
    let head = format!("<< {dict} /Length {} >>\nstream\n", data.len());
    [head.as_bytes(), data, b"\nendstream"].concat()
}

/// A PDF of numbered objects; object 1 is the catalog.
fn pdf(objects: &[Value], port: u16) -> Vec<u8> {
    let mut whole = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n".to_vec();
    for object in objects {
        whole.extend(format!("{} 0 obj\n", object[0]).bytes());
        whole.extend(bytes(&object[1], port));
        whole.extend(b"\nendobj\n");
    }
    whole.extend(b"trailer\n<< /Root 1 0 R >>\nstartxref\n0\n%%EOF\n");
    whole
}

/// An archive: as it is (`zip`), or a document with its main part (`docx` is the body of it, `docx_text` all of it), and
/// further `entries`. So many `empty` ones are added.
fn archive(recipe: &Value, port: u16) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut put = |name: &str, content: &[u8]| {
        zip.start_file(name, SimpleFileOptions::default())
            .expect("an entry");
        zip.write_all(content).expect("memory");
    };
    for (name, content) in parts(recipe, port) {
        put(&name, &content);
    }
    for number in 0..recipe["empty"].as_u64().unwrap_or(0) {
        put(&format!("word/{number}.xml"), b"");
    }
    for list in ["zip", "entries"] {
        for entry in recipe[list].as_array().into_iter().flatten() {
            let name = entry["name"].as_str().expect("a name");
            let options = SimpleFileOptions::default();
            if let Some(target) = entry["link"].as_str() {
                zip.add_symlink(name, target, options).expect("a link");
            } else {
                zip.start_file(name, options).expect("an entry");
                zip.write_all(&bytes(&entry["content"], port))
                    .expect("memory");
            }
        }
    }
    zip.finish().expect("memory").into_inner()
}

/// The parts that make an archive a document.
fn parts(recipe: &Value, port: u16) -> Vec<(String, Vec<u8>)> {
    let around = |before: &str, name: &str, after: &str| {
        [
            before.as_bytes(),
            &bytes(&recipe[name], port),
            after.as_bytes(),
        ]
        .concat()
    };
    let has = |name: &str| recipe.get(name).is_some();
    let target = recipe["target"].as_str().unwrap_or("worksheets/sheet1.xml");
    let parts = if has("docx") {
        let head = format!("<?xml version='1.0' encoding='UTF-8'?><w:document {WORD}><w:body>");
        vec![(
            "word/document.xml",
            around(&head, "docx", "</w:body></w:document>"),
        )]
    } else if has("docx_text") {
        vec![("word/document.xml", around("", "docx_text", ""))]
    } else if has("xlsx") {
        let book = "<workbook xmlns:r='r'><sheets><sheet name='a' r:id='a'/></sheets></workbook>";
        let sheet = around("<worksheet><sheetData>", "xlsx", "</sheetData></worksheet>");
        vec![
            ("xl/workbook.xml", book.into()),
            (
                "xl/_rels/workbook.xml.rels",
                relation("a", "worksheet", target),
            ),
            ("xl/worksheets/sheet1.xml", sheet),
        ]
    } else if has("pptx") {
        let show = "<p:presentation xmlns:p='p' xmlns:r='r'><p:sldIdLst><p:sldId id='0' r:id='a'/></p:sldIdLst></p:presentation>";
        let slide = around(
            "<p:sld xmlns:a='a' xmlns:p='p' xmlns:r='r'>",
            "pptx",
            "</p:sld>",
        );
        vec![
            ("ppt/presentation.xml", show.into()),
            (
                "ppt/_rels/presentation.xml.rels",
                relation("a", "slide", "slides/slide0.xml"),
            ),
            ("ppt/slides/slide0.xml", slide),
        ]
    } else {
        assert!(has("zip"), "{recipe} is no recipe");
        return Vec::new();
    };
    let root = relation("r1", "officeDocument", parts[0].0);
    let mut all = vec![
        ("[Content_Types].xml", b"<Types/>".to_vec()),
        ("_rels/.rels", root),
    ];
    all.extend(parts);
    all.into_iter()
        .map(|(name, content)| (name.to_owned(), content))
        .collect()
}

fn relation(id: &str, kind: &str, target: &str) -> Vec<u8> {
    format!("<Relationships><Relationship Id='{id}' Type='http://schemas/{kind}' Target='{target}'/></Relationships>").into()
}
