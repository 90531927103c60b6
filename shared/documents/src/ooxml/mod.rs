//! Office Open XML: Word, PowerPoint and Excel since 2007.

mod dates;
mod docx;
mod flow;
mod pptx;
mod relations;
mod xlsx;

use crate::archive::Archive;
use crate::extracted::Extracted;
use crate::failure::{Failure, Result};
use crate::kind::{self, Kind};
use crate::limits::Budget;
use crate::writer::Writer;
use crate::xml::{self, Node};

/// Reads the document that an archive is, if it is one.
pub(crate) fn read(bytes: &[u8], name: Option<&str>, budget: &Budget<'_>) -> Result<Extracted> {
    let mut archive = Archive::open(bytes, budget)?;
    let Some((kind, main)) = main_part(&mut archive, budget)? else {
        return Err(kind::unsupported(
            "this is an archive and not a document of Office: unpack it first",
        ));
    };
    kind::check_name(name, kind)?;
    let mut writer = Writer::new(budget);
    if let Some(title) = core_title(&mut archive, budget)? {
        writer.title(&title);
    }
    let nothing = match kind {
        Kind::Pptx => {
            pptx::read(&mut archive, &main, &mut writer, budget)?;
            "the slides have no text: they may be images, which are not read"
        }
        Kind::Xlsx => {
            xlsx::read(&mut archive, &main, &mut writer, budget)?;
            "the workbook has no filled cells"
        }
        _ => {
            docx::read(&mut archive, &main, &mut writer, budget)?;
            "the document has no text: it may have only images, which are not read"
        }
    };
    writer.finish(kind, nothing)
}

/// What the entries say: an Office document has a list of content types, and a main part in the folder of its program.
fn main_part(archive: &mut Archive<'_>, budget: &Budget<'_>) -> Result<Option<(Kind, String)>> {
    if !archive.has("[Content_Types].xml") {
        return Ok(None);
    }
    let relations = relations::of_package(archive, budget)?;
    let main = relations
        .into_iter()
        .find(|relation| relation.kind == "officeDocument");
    let Some(main) = main
        .map(|relation| relation.part)
        .filter(|part| archive.has(part))
    else {
        return Ok(None);
    };
    let kind = match main.split('/').next() {
        Some("word") => Kind::Docx,
        Some("ppt") => Kind::Pptx,
        Some("xl") => Kind::Xlsx,
        _ => return Ok(None),
    };
    Ok(Some((kind, main)))
}

fn core_title(archive: &mut Archive<'_>, budget: &Budget<'_>) -> Result<Option<String>> {
    let Some(core) = archive.xml("docProps/core.xml")? else {
        return Ok(None);
    };
    let mut inside = false;
    let mut title = String::new();
    xml::walk(&core, budget, &mut |node| {
        match node {
            Node::Open("title", _) => inside = true,
            Node::Close("title") => inside = false,
            Node::Text(text) if inside => title.push_str(text),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Some(title))
}

/// The XML of a part that must be there.
fn needed(archive: &mut Archive<'_>, part: &str) -> Result<String> {
    archive
        .xml(part)?
        .ok_or_else(|| Failure::corrupt("a part of it is missing"))
}
