//! Kinds that are text: plain, Markdown, CSV, JSON, HTML.

use documents::{FailureCode, Kind};

use crate::{assert_fails, headings, read, read_named};

#[test]
fn plain_text_keeps_its_lines_and_loses_what_is_no_text() {
    let extracted =
        read(b"\xef\xbb\xbf\n\n  One \t\r\nTwo\rThree\0\x1b\n\n\nFour\xe2\x80\xa8Five\n\n")
            .unwrap();
    assert_eq!(extracted.kind, Kind::Txt);
    assert_eq!(extracted.text, "  One\nTwo\nThree\n\n\nFour\nFive");
    assert!(
        extracted.pages.is_empty() && extracted.headings.is_empty() && extracted.title.is_none()
    );
}

#[test]
fn letters_come_in_normal_form_c_without_invisible_ones() {
    let text = read("Cafe\u{301} co\u{ad}op \u{e0041}\u{feff}e\u{301}".as_bytes())
        .unwrap()
        .text;
    assert_eq!(text, "Caf\u{e9} coop \u{e9}");
}

#[test]
fn utf_16_is_read_with_its_mark_and_nothing_is_guessed() {
    let units = |text: &str| text.encode_utf16().collect::<Vec<_>>();
    let little: Vec<u8> = units("\u{feff}Grüße 😀")
        .into_iter()
        .flat_map(u16::to_le_bytes)
        .collect();
    let big: Vec<u8> = units("\u{feff}Grüße 😀")
        .into_iter()
        .flat_map(u16::to_be_bytes)
        .collect();
    assert_eq!(read(&little).unwrap().text, "Grüße 😀");
    assert_eq!(read(&big).unwrap().text, "Grüße 😀");
    assert_fails(b"H\0e\0l\0l\0o\0", FailureCode::UnknownEncoding);
    assert_fails(b"Gr\xfc\xdfe aus Latin-1", FailureCode::UnknownEncoding);
    assert_fails(b"\xff\xfe\x00\xd8a\0", FailureCode::UnknownEncoding);
    assert_fails(b"\x01\x00\x80\xff\x00\x13", FailureCode::UnsupportedType);
}

#[test]
fn an_empty_file_has_no_text() {
    for empty in [
        &b""[..],
        b" \r\n\t ",
        b"\xef\xbb\xbf",
        b"<html><script>x</script></html>",
    ] {
        assert_fails(empty, FailureCode::NoText);
    }
}

#[test]
fn a_name_tells_only_texts_apart() {
    let kind = |bytes: &[u8], name: &str| read_named(bytes, name).unwrap().kind;
    assert_eq!(kind(b"a,b\n1,2", "t.csv"), Kind::Csv);
    assert_eq!(kind(b"# a", "t.MD"), Kind::Md);
    assert_eq!(kind(b"a <b>b</b>", "t.htm"), Kind::Html);
    assert_eq!(kind(b"fn main() {}", "t.rs"), Kind::Txt);
    assert_eq!(kind(b"{\"a\":1}", "t.txt"), Kind::Json);
    assert_eq!(kind(b"<!doctype html><p>a", "t.md"), Kind::Html);
    assert_eq!(kind(b"%PDF is a format", "t.txt"), Kind::Txt);
}

#[test]
fn a_name_of_another_kind_than_the_content_is_refused() {
    let pdf = crate::fixtures::pdf_of(&["BT /F 12 Tf (a) Tj ET"]);
    let docx = crate::fixtures::docx(&crate::fixtures::paragraph("a"));
    for (bytes, name) in [
        (&pdf[..], "a.docx"),
        (&pdf, "a.txt"),
        (&pdf, "a.exe"),
        (&docx, "a.pptx"),
        (b"text", "a.pdf"),
        (b"text", "a.png"),
        (b"\x01\x00\x80\xff\x00\x13", "a.txt"),
    ] {
        assert_eq!(
            read_named(bytes, name).unwrap_err().code,
            FailureCode::WrongType,
            "{name}"
        );
    }
    assert_eq!(
        read_named(b"{a: 1}", "a.json").unwrap_err().code,
        FailureCode::Corrupt
    );
    assert!(
        read_named(&docx, "a.docm").is_ok()
            && read_named(&pdf, "a.PDF").is_ok()
            && read_named(&pdf, "a").is_ok()
    );
}

#[test]
fn other_kinds_of_file_are_named_and_refused() {
    let tar = [vec![b'a'; 257], b"ustar\x0000".to_vec()].concat();
    for other in [
        &b"\x89PNG\r\n\x1a\n"[..],
        b"GIF89a",
        b"{\\rtf1 a}",
        b"\x1f\x8b\x08",
        b"\x7fELF",
        &tar,
    ] {
        assert_fails(other, FailureCode::UnsupportedType);
    }
    let old = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".to_vec();
    assert_fails(&old, FailureCode::UnsupportedType);
    let marker: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    assert_fails(&[old, marker].concat(), FailureCode::Encrypted);
}

#[test]
fn markdown_has_the_headings_that_are_none_of_its_code() {
    let text = "---\ntitle: x\n# no\n---\n# One #\n\ntext\n```sh\n# no\n```\n## Two\nSub\n---\n\nUnder\n=====\n    # no\n#no\n####### no\n~~~\n```\n# no\n~~~\n### *Three*";
    let extracted = read_named(text.as_bytes(), "a.md").unwrap();
    assert_eq!(extracted.text, text);
    assert_eq!(extracted.title.as_deref(), Some("One"));
    let found: Vec<_> = extracted
        .headings
        .iter()
        .map(|h| (h.level, h.title.as_str()))
        .collect();
    assert_eq!(
        found,
        [(1, "One"), (2, "Two"), (1, "Under"), (3, "*Three*")]
    );
    let lines: Vec<_> = extracted
        .headings
        .iter()
        .map(|h| extracted.slice(h.start, h.start + 4))
        .collect();
    assert_eq!(lines, ["# On", "## T", "Unde", "### "]);
}

#[test]
fn csv_stays_as_it_is() {
    let extracted = read_named(b"a;b\r\n\"x;y\";2\r\n", "a.csv").unwrap();
    assert_eq!(
        (extracted.kind, extracted.text.as_str()),
        (Kind::Csv, "a;b\n\"x;y\";2")
    );
}

#[test]
fn json_is_laid_out_with_its_letters_readable() {
    let extracted =
        read(br#" {"a":[1,-2.5e3,[],{}],"b\u00e9":{"c":"x\n\ud83d\ude00 \ud800","d":null}} "#)
            .unwrap();
    assert_eq!(extracted.kind, Kind::Json);
    let expected = r#"{
  "a": [
    1,
    -2.5e3,
    [],
    {}
  ],
  "bé": {
    "c": "x\n\ud83d\ude00 \ud800",
    "d": null
  }
}"#;
    assert_eq!(extracted.text, expected);
    assert_eq!(
        read(br#"["\u00e9 \ud83d\ude00"]"#).unwrap().text,
        "[\n  \"é 😀\"\n]"
    );
    for no_json in [
        "[1",
        "{\"a\" 1}",
        "[1,]",
        "{1:2}",
        "[1] 2",
        "[01x]",
        "[\"a\nb\"]",
        "[}",
        "[tru]",
        "[\"\\x\"]",
    ] {
        assert_eq!(
            read(no_json.as_bytes()).unwrap().kind,
            Kind::Txt,
            "{no_json}"
        );
    }
}

#[test]
fn html_is_what_a_reader_sees() {
    let page = "<!DOCTYPE html><html><head><title>A &amp; B</title><style>p{}</style></head><body>
        <!-- no --><h1>First <em>one</em></h1><p>Some&nbsp;text,\n   and <b>more</b>.<br>Next</p><script>if (a<b) {}</script>
        <template><p>no</p></template><h2>Second</h2><ul><li>a<li>b</ul>
        <table><tr><th>k<th>v</tr><tr><td>1</td><td>2</td></tr></table><pre>  x\n    y</pre><svg><text>no</text></svg>&lt;end&gt;";
    let extracted = read(page.as_bytes()).unwrap();
    let expected = "First one\n\nSome\u{a0}text, and more.\nNext\n\nSecond\n\n- a\n- b\n\nk\tv\n1\t2\n\n  x\n    y\n\n<end>";
    assert_eq!(
        (extracted.kind, extracted.text.as_str()),
        (Kind::Html, expected)
    );
    assert_eq!(extracted.title.as_deref(), Some("A & B"));
    assert_eq!(
        headings(&extracted),
        [(1, "First one", "First one"), (2, "Second", "Second")]
    );
}

#[test]
fn html_is_read_in_the_encoding_that_it_declares() {
    let page = b"<!doctype html><meta charset='iso-8859-1'><p>Gr\xfc\xdfe";
    assert_eq!(read(page).unwrap().text, "Grüße");
    let page = b"<!doctype html><meta http-equiv=content-type content='text/html; charset=shift_jis'><p>\x93\xfa\x96\x7b";
    assert_eq!(read(page).unwrap().text, "日本");
    assert_fails(
        b"<!doctype html><meta charset=nonsense><p>\xfc",
        FailureCode::UnknownEncoding,
    );
    assert_fails(
        b"<!doctype html><meta charset=utf-8><p>\xfc",
        FailureCode::UnknownEncoding,
    );
}
