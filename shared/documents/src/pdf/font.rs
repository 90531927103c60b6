//! Fonts: what their codes stand for, and how wide they are.

use std::collections::HashMap;

use super::cmap::{self, CMap};
use super::encoding;
use super::file::File;
use super::object::{Dict, Object};
use crate::failure::Result;

/// What is known of a font.
pub(super) struct Font {
    code_bytes: usize,
    to_unicode: Option<CMap>,
    codes: Codes,
    widths: HashMap<u32, f64>,
    default_width: f64,
    /// What a width is multiplied by to be in units of the font's size.
    scale: f64,
}

enum Codes {
    /// A byte each.
    Table(encoding::Table),
    /// The codes are UTF-16.
    Utf16,
    /// Numbers of glyphs, of which only the font's own table tells anything.
    Glyphs,
}

/// One code of a string that is shown.
pub(super) struct Shown {
    /// Empty if nothing says what it stands for.
    pub(super) text: String,
    /// In units of the font's size.
    pub(super) width: f64,
    /// Whether it is the byte 32, at which words may be set apart.
    pub(super) is_space: bool,
}

/// An average letter, where a font does not say.
const USUAL_WIDTH: f64 = 500.0;

impl Font {
    pub(super) fn read(file: &File<'_>, font: &Dict) -> Result<Self> {
        let to_unicode = file.resolve(font.get("ToUnicode"))?;
        let to_unicode = match (to_unicode.dict(), to_unicode.data) {
            (Some(dict), Some(data)) => match file.unpack(dict, data)? {
                Some(table) => Some(CMap::read(&table, file.budget)?),
                None => None,
            },
            _ => None,
        };
        if font.get("Subtype").name() == Some(b"Type0") {
            Self::composite(file, font, to_unicode)
        } else {
            Self::simple(file, font, to_unicode)
        }
    }

    fn simple(file: &File<'_>, font: &Dict, to_unicode: Option<CMap>) -> Result<Self> {
        let encoding = file.value(font.get("Encoding"))?;
        let table = match &encoding {
            Object::Dict(encoding) => {
                let mut table = encoding::named(encoding.get("BaseEncoding").name());
                encoding::differ(&mut table, file.value(encoding.get("Differences"))?.array());
                table
            }
            // The letters of such a font are no letters.
            Object::Null if is_of_symbols(font) => vec![String::new(); 256],
            other => encoding::named(other.name()),
        };
        let first = file.value(font.get("FirstChar"))?.count().unwrap_or(0);
        let first = u32::try_from(first).unwrap_or(0);
        let mut widths = HashMap::new();
        for (code, width) in (first..256).zip(file.value(font.get("Widths"))?.array()) {
            if let Some(width) = file.value(width)?.number() {
                widths.insert(code, width);
            }
        }
        let missing = file
            .dict(font.get("FontDescriptor"))?
            .get("MissingWidth")
            .number();
        let default_width = missing
            .filter(|width| *width > 0.0 || !widths.is_empty())
            .unwrap_or(USUAL_WIDTH);
        // The glyphs of such a font are drawings with a scale of their own.
        let matrix = file.value(font.get("FontMatrix"))?;
        let scale = matrix
            .array()
            .first()
            .and_then(Object::number)
            .unwrap_or(0.001);
        Ok(Self {
            code_bytes: 1,
            to_unicode,
            codes: Codes::Table(table),
            widths,
            default_width,
            scale,
        })
    }

    fn composite(file: &File<'_>, font: &Dict, to_unicode: Option<CMap>) -> Result<Self> {
        let encoding = file.value(font.get("Encoding"))?;
        let name = encoding.name().unwrap_or_default();
        let is_utf_16 = ["UCS2", "UTF16"]
            .iter()
            .any(|kind| memchr::memmem::find(name, kind.as_bytes()).is_some());
        let said = to_unicode.as_ref().map_or(0, |cmap| cmap.code_bytes);
        let descendants = file.value(font.get("DescendantFonts"))?;
        let descendant = descendants
            .array()
            .first()
            .map(|font| file.dict(font))
            .transpose()?
            .unwrap_or_default();
        let mut widths = HashMap::new();
        read_widths(file, &descendant, &mut widths)?;
        Ok(Self {
            // Two is what nearly all fonts have, and all of those that number their glyphs.
            code_bytes: if name.starts_with(b"Identity") || said == 0 {
                2
            } else {
                said
            },
            to_unicode,
            codes: if is_utf_16 {
                Codes::Utf16
            } else {
                Codes::Glyphs
            },
            widths,
            default_width: descendant.get("DW").number().unwrap_or(1000.0),
            scale: 0.001,
        })
    }

    /// How much of it is kept.
    pub(super) fn codes(&self) -> usize {
        let table = match &self.codes {
            Codes::Table(table) => table.len(),
            Codes::Utf16 | Codes::Glyphs => 1,
        };
        table + self.widths.len() + self.to_unicode.as_ref().map_or(0, CMap::len)
    }

    /// Tells the codes of a string one by one.
    pub(super) fn shown<'f>(&'f self, string: &'f [u8]) -> impl Iterator<Item = Shown> + 'f {
        string.chunks(self.code_bytes).map(|code| {
            let number = cmap::number(code);
            let mapped = self.to_unicode.as_ref().and_then(|cmap| cmap.get(number));
            let text = mapped.unwrap_or_else(|| match &self.codes {
                Codes::Table(table) => table.get(number as usize).cloned().unwrap_or_default(),
                Codes::Utf16 => cmap::utf_16(code),
                Codes::Glyphs => String::new(),
            });
            let width = self
                .widths
                .get(&number)
                .copied()
                .unwrap_or(self.default_width)
                * self.scale;
            Shown {
                text,
                width,
                is_space: code == [b' '],
            }
        })
    }
}

fn is_of_symbols(font: &Dict) -> bool {
    let name = font.get("BaseFont").name().unwrap_or_default();
    ["Symbol", "Dingbats"]
        .iter()
        .any(|symbols| memchr::memmem::find(name, symbols.as_bytes()).is_some())
}

/// Widths come as `first [w1 w2 …]` or as `first last w`.
fn read_widths(file: &File<'_>, descendant: &Dict, widths: &mut HashMap<u32, f64>) -> Result<()> {
    let list = file.value(descendant.get("W"))?;
    let mut entries = list.array().iter();
    let code = |object: Option<&Object>| {
        object
            .and_then(Object::count)
            .and_then(|code| u32::try_from(code).ok())
    };
    while let Some(first) = code(entries.next()) {
        match entries.next() {
            Some(list @ (Object::Array(_) | Object::Reference(_))) => {
                for (code, width) in (first..).zip(file.value(list)?.array()) {
                    widths.extend(width.number().map(|width| (code, width)));
                }
            }
            last => {
                let (Some(last), Some(width)) =
                    (code(last), entries.next().and_then(Object::number))
                else {
                    break;
                };
                // There are no codes beyond two bytes in such fonts.
                widths.extend((first..=last.min(0xffff)).map(|code| (code, width)));
                file.budget.spend(1024)?;
            }
        }
    }
    Ok(())
}
