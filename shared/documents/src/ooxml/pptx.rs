//! Presentations of PowerPoint.

use std::collections::HashMap;

use super::flow::Flow;
use super::{needed, relations};
use crate::archive::Archive;
use crate::failure::Result;
use crate::limits::Budget;
use crate::writer::Writer;
use crate::xml::{self, Node};

/// Writes the slides in the order in which they are shown, each with its speaker's notes.
pub(super) fn read(
    archive: &mut Archive<'_>,
    main: &str,
    writer: &mut Writer<'_>,
    budget: &Budget<'_>,
) -> Result<()> {
    let mut slides = Vec::new();
    xml::walk(&needed(archive, main)?, budget, &mut |node| {
        if let Node::Open("sldId", element) = node {
            budget.pages(slides.len() + 1)?;
            slides.extend(element.prefixed("r:id"));
        }
        Ok(())
    })?;
    let relations = relations::of_part(archive, main, budget)?;
    let parts: HashMap<_, _> = relations
        .into_iter()
        .map(|relation| (relation.id, relation.part))
        .collect();
    let no_styles = HashMap::new();
    for id in slides {
        writer.begin_page()?;
        // A slide that is listed twice is unpacked twice, and counts twice.
        let Some(part) = parts.get(&id) else { continue };
        let slide = needed(archive, part)?;
        let mut flow = Flow::slide(writer, &no_styles);
        xml::walk(&slide, budget, &mut |node| flow.node(&node))?;
        let related = relations::of_part(archive, part, budget)?;
        if let Some(notes) = related
            .iter()
            .find(|relation| relation.kind == "notesSlide")
        {
            write_notes(&needed(archive, &notes.part)?, writer, budget)?;
        }
    }
    Ok(())
}

/// The notes stand in the body of a slide of their own, beside a picture of the slide and its number.
fn write_notes(xml: &str, writer: &mut Writer<'_>, budget: &Budget<'_>) -> Result<()> {
    let mut in_body = false;
    let mut in_text = false;
    writer.end_block()?;
    xml::walk(xml, budget, &mut |node| {
        match node {
            Node::Open("sp", _) | Node::Close("sp") => in_body = false,
            Node::Open("ph", element) => {
                in_body = element.attribute("type").as_deref() == Some("body")
            }
            Node::Open("t", _) => in_text = true,
            Node::Close("t") => in_text = false,
            Node::Close("p") => writer.end_line()?,
            Node::Text(text) if in_text && in_body => writer.push(text)?,
            _ => {}
        }
        Ok(())
    })
}
