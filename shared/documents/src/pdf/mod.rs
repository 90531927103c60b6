//! PDF: the text that its pages show, in the order in which they show it.
//!
//! The readers of PDF that there are keep the whole file as objects, which a megabyte of `[1 1 1 …]` makes sixty megabytes,
//! and do not ask whether to go on. This one keeps where the objects are, reads one when it is needed, and counts what it
//! unpacks. It knows no passwords, draws nothing and looks at no image.

mod cmap;
mod content;
mod encoding;
mod file;
mod filters;
mod font;
mod lexer;
mod object;
mod pages;
mod place;

use crate::extracted::Extracted;
use crate::failure::Result;
use crate::kind::Kind;
use crate::limits::Budget;
use crate::writer::Writer;

use object::Object;

/// Reads a PDF page by page.
pub(crate) fn read(bytes: &[u8], budget: &Budget<'_>) -> Result<Extracted> {
    let file = file::File::open(bytes, budget)?;
    let mut writer = Writer::new(budget);
    if let Some(info) = file.info
        && let Some(info) = file.load(info)?.dict()
        && let Object::String(title) = file.value(info.get("Title"))?
    {
        writer.title(&text_string(&title));
    }
    let mut fonts = content::Fonts::default();
    pages::each(&file, &mut |page| {
        writer.begin_page()?;
        content::write(&file, page, &mut fonts, &mut writer)
    })?;
    writer.finish(
        Kind::Pdf,
        "the PDF has no text: it may be a scan; run text recognition on it and upload the result",
    )
}

/// A text outside of pages is in UTF-16 or UTF-8 with a mark, or nearly in Latin-1.
fn text_string(bytes: &[u8]) -> String {
    match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE
            .decode_without_bom_handling(rest)
            .0
            .into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => encoding_rs::WINDOWS_1252
            .decode_without_bom_handling(bytes)
            .0
            .into_owned(),
    }
}
