//! Which characters the bytes of a simple font stand for.

use std::collections::HashMap;
use std::sync::OnceLock;

use encoding_rs::{MACINTOSH, WINDOWS_1252};

use super::object::Object;

/// The text of each byte; empty where it stands for nothing that is known.
pub(super) type Table = Vec<String>;

/// The table that a font's `Encoding` names.
pub(super) fn named(name: Option<&[u8]>) -> Table {
    match name {
        Some(b"WinAnsiEncoding") => by_encoding(WINDOWS_1252),
        Some(b"MacRomanEncoding") => by_encoding(MACINTOSH),
        _ => standard(),
    }
}

/// Puts in what a font says to be different: a code, then the names of the glyphs from there on.
pub(super) fn differ(table: &mut Table, differences: &[Object]) {
    let mut code = 0;
    for difference in differences {
        if let Some(number) = difference.count() {
            code = number;
        } else if let Some(name) = difference.name() {
            if let Some(text) = table.get_mut(code) {
                *text = glyph(name).unwrap_or_default();
            }
            code += 1;
        }
    }
}

fn by_encoding(encoding: &'static encoding_rs::Encoding) -> Table {
    (0..=u8::MAX)
        .map(|byte| encoding.decode_without_bom_handling(&[byte]).0.into_owned())
        .map(visible)
        .collect()
}

fn visible(text: String) -> String {
    if text
        .chars()
        .all(|char| char.is_control() || char == char::REPLACEMENT_CHARACTER)
    {
        String::new()
    } else {
        text
    }
}

/// The encoding that fonts of Adobe have of their own: ASCII with curved quotes, and punctuation above it.
fn standard() -> Table {
    const HIGH: &str = "¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ –†‡· ¶•‚„”»…‰ ¿ `´ˆ˜¯˘˙¨ ˚¸ ˝˛ˇ—                Æ ª    ŁØŒº     æ   ı  łøœß";
    let mut table: Table = (0..=u8::MAX)
        .map(|byte| char::from(byte).to_string())
        .map(visible)
        .collect();
    table[0x27] = "’".to_owned();
    table[0x60] = "‘".to_owned();
    for text in &mut table[0x80..] {
        text.clear();
    }
    for (text, char) in table[0xa1..].iter_mut().zip(HIGH.chars()) {
        if char != ' ' {
            *text = char.to_string();
        }
    }
    table
}

/// The text of a glyph by its name, after the Adobe Glyph List: `f_i.alt` is `fi`, `uni0041` is `A`.
fn glyph(name: &[u8]) -> Option<String> {
    let name = std::str::from_utf8(name).ok()?;
    let base = name.split('.').next().filter(|base| !base.is_empty())?;
    base.split('_').map(component).collect()
}

fn component(name: &str) -> Option<String> {
    static NAMES: OnceLock<HashMap<&str, char>> = OnceLock::new();
    let names = NAMES.get_or_init(|| {
        let entries = include_str!("glyphs.txt")
            .split_whitespace()
            .filter_map(|entry| entry.split_once('='));
        entries
            .filter_map(|(name, code)| Some((name, hex_char(code)?)))
            .collect()
    });
    if let Some(char) = names.get(name) {
        return Some(char.to_string());
    }
    let code = name
        .strip_prefix("uni")
        .filter(|code| code.len() >= 4)
        .or_else(|| name.strip_prefix('u'))?;
    if name.starts_with("uni") && code.len() > 4 {
        let codes = code
            .as_bytes()
            .chunks(4)
            .map(|code| std::str::from_utf8(code).ok());
        return codes.map(|code| code.and_then(hex_char)).collect();
    }
    hex_char(code).map(String::from)
}

fn hex_char(code: &str) -> Option<char> {
    let is_hex = (4..=6).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex
        .then(|| u32::from_str_radix(code, 16).ok())
        .flatten()
        .and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encodings_have_their_letters_where_they_belong() {
        let windows = named(Some(b"WinAnsiEncoding"));
        assert_eq!(
            (
                windows[0x41].as_str(),
                windows[0x80].as_str(),
                windows[0xe9].as_str()
            ),
            ("A", "€", "é")
        );
        assert_eq!(named(Some(b"MacRomanEncoding"))[0x8e], "é");
        let standard = named(None);
        let at = |code: usize| standard[code].as_str();
        assert_eq!(
            [at(0x27), at(0xa1), at(0xae), at(0xb1), at(0xbc), at(0xd0)],
            ["’", "¡", "ﬁ", "–", "…", "—"]
        );
        assert_eq!(
            [at(0xe1), at(0xe8), at(0xf1), at(0xfb), at(0x80)],
            ["Æ", "Ł", "æ", "ß", ""]
        );
    }

    #[test]
    fn a_glyph_is_known_by_its_name() {
        let text = |name: &str| glyph(name.as_bytes()).unwrap_or_default();
        assert_eq!(
            [
                "A",
                "eacute",
                "fi",
                "f_i",
                "A.sc",
                "uni00E9",
                "u1F600",
                "uni00410042",
                ".notdef",
                "g12"
            ]
            .map(text),
            ["A", "é", "ﬁ", "fi", "A", "é", "😀", "AB", "", ""]
        );
    }
}
