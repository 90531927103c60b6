//! Documents of Word.

use std::collections::HashMap;

use super::flow::{Flow, note_mark};
use super::{needed, relations};
use crate::archive::Archive;
use crate::failure::Result;
use crate::limits::Budget;
use crate::writer::Writer;
use crate::xml::{self, Node};

/// Writes the text, then the notes. Headers and footers, which repeat, and comments, which are not the document, are left
/// out.
pub(super) fn read(
    archive: &mut Archive<'_>,
    main: &str,
    writer: &mut Writer<'_>,
    budget: &Budget<'_>,
) -> Result<()> {
    let relations = relations::of_part(archive, main, budget)?;
    let part_of = |kind: &str| {
        relations
            .iter()
            .find(|relation| relation.kind == kind)
            .map(|relation| &relation.part)
    };
    let styles = match part_of("styles") {
        Some(part) => heading_styles(&archive.xml(part)?.unwrap_or_default(), budget)?,
        None => HashMap::new(),
    };
    let document = needed(archive, main)?;
    let mut flow = Flow::document(writer, &styles);
    xml::walk(&document, budget, &mut |node| flow.node(&node))?;
    drop(document);
    for (kind, element, prefix) in [("footnotes", "footnote", ""), ("endnotes", "endnote", "e")] {
        if let Some(part) = part_of(kind) {
            let notes = archive.xml(part)?.unwrap_or_default();
            write_notes(&notes, element, prefix, writer, budget)?;
        }
    }
    Ok(())
}

fn write_notes(
    xml: &str,
    element: &str,
    prefix: &str,
    writer: &mut Writer<'_>,
    budget: &Budget<'_>,
) -> Result<()> {
    let mut note = String::new();
    let mut id = None;
    let mut in_text = false;
    writer.end_block()?;
    xml::walk(xml, budget, &mut |node| {
        match node {
            // The lines that separate notes from text are notes of their own, with a type.
            Node::Open(name, start) if name == element => {
                note.clear();
                id = start
                    .attribute("id")
                    .filter(|_| start.attribute("type").is_none());
            }
            Node::Open("t", _) => in_text = true,
            Node::Close("t") => in_text = false,
            Node::Text(text) if in_text => note.push_str(text),
            Node::Close("p") => note.push(' '),
            Node::Close(name) if name == element => {
                if let Some(id) = id.take().filter(|_| !note.trim().is_empty()) {
                    writer.push(&format!("{}: {}", note_mark(prefix, &id), note.trim()))?;
                    writer.end_line()?;
                }
            }
            _ => {}
        }
        Ok(())
    })
}

#[derive(Default)]
struct Style {
    level: Option<u8>,
    based_on: Option<String>,
}

/// How many styles may be based on each other.
const LONGEST_CHAIN: usize = 16;

/// The styles that make headings. Their ids are in the language of the author, their names and levels are not.
fn heading_styles(xml: &str, budget: &Budget<'_>) -> Result<HashMap<String, u8>> {
    let mut styles: HashMap<String, Style> = HashMap::new();
    let mut current: Option<(String, Style)> = None;
    xml::walk(xml, budget, &mut |node| {
        match node {
            Node::Open("style", element) => {
                current = element
                    .attribute("styleId")
                    .map(|id| (id, Style::default()));
            }
            Node::Close("style") => {
                if let Some((id, style)) = current.take() {
                    budget.objects(styles.len() + 1, "styles")?;
                    styles.insert(id, style);
                }
            }
            Node::Open(name, element) => {
                if let Some((_, style)) = &mut current {
                    style.set(name, element.attribute("val"));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    let levels = styles
        .keys()
        .filter_map(|id| Some((id.clone(), level_of(id, &styles)?)));
    Ok(levels.collect())
}

impl Style {
    fn set(&mut self, element: &str, value: Option<String>) {
        let Some(value) = value else { return };
        match element {
            "name" => {
                let name = value.to_ascii_lowercase();
                let number = name
                    .strip_prefix("heading ")
                    .and_then(|number| number.parse().ok());
                self.level = self.level.or(number).or((name == "title").then_some(1));
            }
            "basedOn" => self.based_on = Some(value),
            "outlineLvl" => {
                self.level = value
                    .parse::<u8>()
                    .ok()
                    .map(|level| if level < 9 { level + 1 } else { 0 })
            }
            _ => {}
        }
    }
}

fn level_of(id: &str, styles: &HashMap<String, Style>) -> Option<u8> {
    let mut style = styles.get(id)?;
    for _ in 0..LONGEST_CHAIN {
        if style.level.is_some() {
            return style.level;
        }
        style = styles.get(style.based_on.as_ref()?)?;
    }
    None
}
