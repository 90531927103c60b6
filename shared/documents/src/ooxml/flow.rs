//! Paragraphs and tables, which Word and PowerPoint write alike but for the prefix of the names.

use std::collections::HashMap;

use crate::failure::Result;
use crate::writer::{Writer, one_line};
use crate::xml::{Element, Node};

/// Takes the elements of a text in order and writes what they say.
pub(super) struct Flow<'s, 'w, 'b> {
    writer: &'w mut Writer<'b>,
    /// The level of the heading that a style of Word makes.
    styles: &'s HashMap<String, u8>,
    on_slide: bool,
    /// Open elements from the outermost one that is not read.
    skipped: usize,
    /// More than one where a text box stands in a paragraph.
    paragraphs: Vec<Paragraph>,
    in_text: bool,
    /// How many tables are open. One in a cell of another is part of the cell's text.
    tables: usize,
    row: Vec<String>,
    cell: String,
    in_title: bool,
    title: String,
}

#[derive(Default)]
struct Paragraph {
    text: String,
    style: Option<u8>,
    /// Outranks the style: 0 is text.
    outline: Option<u8>,
    listed: bool,
}

impl<'s, 'w, 'b> Flow<'s, 'w, 'b> {
    pub(super) fn document(writer: &'w mut Writer<'b>, styles: &'s HashMap<String, u8>) -> Self {
        Self {
            writer,
            styles,
            on_slide: false,
            skipped: 0,
            paragraphs: Vec::new(),
            in_text: false,
            tables: 0,
            row: Vec::new(),
            cell: String::new(),
            in_title: false,
            title: String::new(),
        }
    }

    pub(super) fn slide(writer: &'w mut Writer<'b>, styles: &'s HashMap<String, u8>) -> Self {
        Self {
            on_slide: true,
            ..Self::document(writer, styles)
        }
    }

    pub(super) fn node(&mut self, node: &Node<'_>) -> Result<()> {
        match node {
            Node::Open(..) if self.skipped > 0 => self.skipped += 1,
            Node::Close(_) if self.skipped > 0 => self.skipped -= 1,
            Node::Text(_) if self.skipped > 0 => {}
            Node::Open(name, element) => self.open(name, element)?,
            Node::Close(name) => self.close(name)?,
            Node::Text(text) if self.in_text => self.add(text),
            Node::Text(_) => {}
        }
        Ok(())
    }

    fn open(&mut self, name: &str, element: &Element<'_>) -> Result<()> {
        match name {
            // What was deleted or moved away, what was there before a change, a second version for older programs, and
            // the positions of tabs, which are called as the tabs are.
            "del" | "moveFrom" | "pPrChange" | "rPrChange" | "Fallback" | "tabs" => {
                self.skipped = 1
            }
            "p" => self.paragraphs.push(Paragraph::default()),
            "t" => self.in_text = true,
            "tab" | "ptab" => self.add("\t"),
            "br" | "cr" => self.add("\n"),
            "noBreakHyphen" => self.add("-"),
            "pStyle" => {
                let style = element
                    .attribute("val")
                    .and_then(|id| self.styles.get(&id))
                    .copied();
                self.paragraph(|paragraph| paragraph.style = style);
            }
            "outlineLvl" => {
                let level = element
                    .attribute("val")
                    .and_then(|level| level.parse::<u8>().ok());
                let outline = level.map(|level| if level < 9 { level + 1 } else { 0 });
                self.paragraph(|paragraph| paragraph.outline = outline);
            }
            "numId" => {
                let listed = element.attribute("val").is_some_and(|id| id != "0");
                self.paragraph(|paragraph| paragraph.listed = listed);
            }
            "footnoteReference" => self.note("", element),
            "endnoteReference" => self.note("e", element),
            "sp" => self.end_title()?,
            "ph" => {
                self.in_title = matches!(
                    element.attribute("type").as_deref(),
                    Some("title" | "ctrTitle")
                )
            }
            "tbl" => {
                self.tables += 1;
                if self.tables == 1 {
                    self.writer.end_block()?;
                }
            }
            "tr" if self.tables == 1 => self.row.clear(),
            "tc" if self.tables == 1 => self.cell.clear(),
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, name: &str) -> Result<()> {
        match name {
            "t" => self.in_text = false,
            "p" => {
                if let Some(paragraph) = self.paragraphs.pop() {
                    self.write(&paragraph)?;
                }
            }
            "tc" if self.tables == 1 => self.row.push(std::mem::take(&mut self.cell)),
            "tr" if self.tables == 1 => {
                self.writer.push(&self.row.join("\t"))?;
                self.writer.end_line()?;
            }
            "tbl" => {
                self.tables = self.tables.saturating_sub(1);
                if self.tables == 0 {
                    self.writer.end_block()?;
                }
            }
            "sp" => self.end_title()?,
            _ => {}
        }
        Ok(())
    }

    fn write(&mut self, paragraph: &Paragraph) -> Result<()> {
        let Paragraph {
            text,
            style,
            outline,
            listed,
        } = paragraph;
        if text.trim().is_empty() {
            return Ok(());
        }
        let level = outline.or(*style).filter(|level| *level > 0);
        if self.tables > 0 {
            if !self.cell.is_empty() {
                self.cell.push(' ');
            }
            self.cell.push_str(&one_line(text));
        } else if self.in_title {
            self.title.push(' ');
            self.title.push_str(text);
        } else if let Some(level) = level {
            self.writer.heading(level, text)?;
        } else if *listed || self.on_slide {
            self.writer.end_line()?;
            self.writer.push(if *listed { "- " } else { "" })?;
            self.writer.push(text)?;
            self.writer.end_line()?;
        } else {
            self.writer.end_block()?;
            self.writer.push(text)?;
            self.writer.end_block()?;
        }
        Ok(())
    }

    /// A shape of a slide ends; if it was the title, it is the slide's heading.
    fn end_title(&mut self) -> Result<()> {
        if !self.on_slide {
            return Ok(());
        }
        self.in_title = false;
        self.writer.end_block()?;
        let title = std::mem::take(&mut self.title);
        self.writer.heading(1, &title)
    }

    fn note(&mut self, prefix: &str, element: &Element<'_>) {
        if let Some(id) = element.attribute("id") {
            self.add(&note_mark(prefix, &id));
        }
    }

    fn add(&mut self, text: &str) {
        self.paragraph(|paragraph| paragraph.text.push_str(text));
    }

    fn paragraph(&mut self, change: impl FnOnce(&mut Paragraph)) {
        if let Some(paragraph) = self.paragraphs.last_mut() {
            change(paragraph);
        }
    }
}

/// How a note is referred to in the text, and how it begins after the text: as in Markdown.
pub(super) fn note_mark(prefix: &str, id: &str) -> String {
    format!("[^{prefix}{id}]")
}
