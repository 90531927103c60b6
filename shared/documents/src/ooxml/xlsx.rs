//! Workbooks of Excel.

use std::collections::{HashMap, HashSet};

use super::{dates, needed, relations};
use crate::archive::Archive;
use crate::failure::Result;
use crate::limits::Budget;
use crate::writer::{Writer, one_line};
use crate::xml::{self, Element, Node};

/// Between two cells there are as many tabs as columns, up to this: a cell at the far right edge makes no 16,384 tabs.
const MOST_TABS: usize = 16;

/// Writes each sheet under its name: a line a row that has something in it, its cells separated by tabs. Nothing is laid
/// out as a table, so that the size of a sheet is what is written in it and not the corner that it reaches.
pub(super) fn read(
    archive: &mut Archive<'_>,
    main: &str,
    writer: &mut Writer<'_>,
    budget: &Budget<'_>,
) -> Result<()> {
    let book = book(&needed(archive, main)?, budget)?;
    let relations = relations::of_part(archive, main, budget)?;
    let part_of = |kind: &str| {
        relations
            .iter()
            .find(|relation| relation.kind == kind)
            .map(|relation| &relation.part)
    };
    let shared = match part_of("sharedStrings") {
        Some(part) => SharedStrings::read(&archive.xml(part)?.unwrap_or_default(), budget)?,
        None => SharedStrings::default(),
    };
    let dates = match part_of("styles") {
        Some(part) => dates::date_formats(&archive.xml(part)?.unwrap_or_default(), budget)?,
        None => HashSet::new(),
    };
    let parts: HashMap<_, _> = relations
        .iter()
        .map(|relation| (relation.id.as_str(), &relation.part))
        .collect();
    for (name, id) in &book.sheets {
        let Some(part) = parts.get(id.as_str()) else {
            continue;
        };
        let xml = needed(archive, part)?;
        let mut sheet = Sheet {
            name: Some(name),
            shared: &shared,
            dates: &dates,
            since_1904: book.since_1904,
            writer: &mut *writer,
            cell: Cell::default(),
            column: 0,
            in_value: false,
            phonetic: false,
        };
        xml::walk(&xml, budget, &mut |node| sheet.node(&node))?;
    }
    Ok(())
}

struct Book {
    /// Name and relation of each sheet, also of those that are hidden.
    sheets: Vec<(String, String)>,
    since_1904: bool,
}

fn book(xml: &str, budget: &Budget<'_>) -> Result<Book> {
    let mut book = Book {
        sheets: Vec::new(),
        since_1904: false,
    };
    xml::walk(xml, budget, &mut |node| {
        match node {
            Node::Open("workbookPr", element) => {
                book.since_1904 =
                    matches!(element.attribute("date1904").as_deref(), Some("1" | "true"));
            }
            Node::Open("sheet", element) => {
                budget.pages(book.sheets.len() + 1)?;
                if let (Some(name), Some(id)) = (element.prefixed("name"), element.prefixed("r:id"))
                {
                    book.sheets.push((name, id));
                }
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(book)
}

/// Strings that cells refer to by number, one behind the other. There may be millions of empty ones.
#[derive(Default)]
struct SharedStrings {
    text: String,
    ends: Vec<u32>,
}

impl SharedStrings {
    fn read(xml: &str, budget: &Budget<'_>) -> Result<Self> {
        let mut strings = Self::default();
        let mut in_text = false;
        let mut phonetic = false;
        xml::walk(xml, budget, &mut |node| {
            match node {
                Node::Close("si") => strings
                    .ends
                    .push(u32::try_from(strings.text.len()).unwrap_or(u32::MAX)),
                // How Japanese is read aloud, beside the text.
                Node::Open("rPh", _) => phonetic = true,
                Node::Close("rPh") => phonetic = false,
                Node::Open("t", _) => in_text = true,
                Node::Close("t") => in_text = false,
                Node::Text(text) if in_text && !phonetic => strings.text.push_str(text),
                _ => {}
            }
            Ok(())
        })?;
        Ok(strings)
    }

    fn get(&self, index: &str) -> &str {
        let Some(index) = index
            .trim()
            .parse::<usize>()
            .ok()
            .filter(|index| *index < self.ends.len())
        else {
            return "";
        };
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text
            .get(start as usize..self.ends[index] as usize)
            .unwrap_or_default()
    }
}

struct Sheet<'s, 'w, 'b> {
    /// Its name, until its first row is written.
    name: Option<&'s str>,
    shared: &'s SharedStrings,
    dates: &'s HashSet<usize>,
    since_1904: bool,
    writer: &'w mut Writer<'b>,
    cell: Cell,
    /// The column after the last cell that was written.
    column: usize,
    in_value: bool,
    phonetic: bool,
}

#[derive(Default)]
struct Cell {
    column: usize,
    kind: Option<String>,
    style: Option<usize>,
    value: String,
}

impl Sheet<'_, '_, '_> {
    fn node(&mut self, node: &Node<'_>) -> Result<()> {
        match node {
            Node::Open("row", _) => {
                self.column = 0;
                self.cell.column = 0;
            }
            Node::Close("row") => self.writer.end_line()?,
            Node::Open("c", element) => self.open_cell(element),
            Node::Close("c") => self.close_cell()?,
            Node::Open("rPh", _) => self.phonetic = true,
            Node::Close("rPh") => self.phonetic = false,
            // The value, or the text of a cell that has its own.
            Node::Open("v" | "t", _) => self.in_value = true,
            Node::Close("v" | "t") => self.in_value = false,
            Node::Text(text) if self.in_value && !self.phonetic => self.cell.value.push_str(text),
            _ => {}
        }
        Ok(())
    }

    fn open_cell(&mut self, element: &Element<'_>) {
        let next = self.cell.column + 1;
        self.cell.column = element
            .attribute("r")
            .and_then(|name| column(&name))
            .unwrap_or(next);
        self.cell.kind = element.attribute("t");
        self.cell.style = element.attribute("s").and_then(|style| style.parse().ok());
        self.cell.value.clear();
    }

    fn close_cell(&mut self) -> Result<()> {
        let value = self.cell.value.trim();
        let text = match self.cell.kind.as_deref() {
            Some("s") => one_line(self.shared.get(value)),
            Some("b") => if value == "0" { "FALSE" } else { "TRUE" }.to_owned(),
            Some("n") | None
                if self
                    .cell
                    .style
                    .is_some_and(|style| self.dates.contains(&style)) =>
            {
                dates::iso(value, self.since_1904).unwrap_or_else(|| value.to_owned())
            }
            _ => one_line(value),
        };
        if text.is_empty() {
            return Ok(());
        }
        if let Some(name) = self.name.take() {
            self.writer.heading(1, name)?;
        }
        let tabs = self.cell.column.saturating_sub(self.column).min(MOST_TABS);
        if self.writer.in_line() {
            self.writer.push(&"\t".repeat(tabs.max(1)))?;
        } else if tabs > 1 {
            self.writer.push(&"\t".repeat(tabs - 1))?;
        }
        self.column = self.cell.column;
        self.writer.push(&text)
    }
}

/// The number of a cell's column, counted from 1: 28 for `AB7`. `None` beyond the edge, which is `XFD`.
fn column(name: &str) -> Option<usize> {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic);
    let number = letters.take(4).fold(0, |sum, letter| {
        sum * 26 + usize::from(letter.to_ascii_uppercase() - b'A') + 1
    });
    (1..=16_384).contains(&number).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_one_to_three_letters() {
        assert_eq!(column("A1"), Some(1));
        assert_eq!(column("AB7"), Some(28));
        assert_eq!(column("XFD1048576"), Some(16_384));
        for beyond in ["XFE1", "AAAA1", "1", ""] {
            assert_eq!(column(beyond), None, "{beyond}");
        }
    }
}
