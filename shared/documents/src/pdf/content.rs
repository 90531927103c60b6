//! What a page shows: its operators, as far as they place text.

use std::collections::HashMap;
use std::rc::Rc;

use super::file::File;
use super::font::Font;
use super::lexer::Lexer;
use super::object::{self, Dict, Object};
use super::pages::Page;
use super::place::{Line, Matrix};
use crate::failure::Result;
use crate::writer::Writer;

/// The fonts that were read, by the number of their object.
#[derive(Default)]
pub(super) struct Fonts {
    by_number: HashMap<u32, Rc<Font>>,
    /// Codes of all of them.
    codes: usize,
}

/// How many codes of fonts are kept; a code takes about a hundred bytes.
const MOST_KEPT_CODES: usize = 500_000;

impl Fonts {
    /// Keeps a font, and forgets all others if they have become too many: they can be read again.
    fn keep(&mut self, number: u32, font: &Rc<Font>) {
        self.codes += font.codes();
        if self.codes > MOST_KEPT_CODES {
            self.by_number.clear();
            self.codes = font.codes();
        }
        self.by_number.insert(number, Rc::clone(font));
    }
}

/// How deeply a drawing may be drawn in a drawing.
const DEEPEST_FORM: usize = 8;
/// How many states may be saved; more are damage.
const MOST_SAVED: usize = 256;
/// How many operands an operator may have; those in an array are one.
const MOST_OPERANDS: usize = 64;

/// Writes the text of a page.
pub(super) fn write(
    file: &File<'_>,
    page: &Page,
    fonts: &mut Fonts,
    writer: &mut Writer<'_>,
) -> Result<()> {
    let contents = contents(file, &page.contents)?;
    let mut shower = Shower {
        file,
        fonts,
        line: Line::new(writer),
        state: State::default(),
        saved: Vec::new(),
    };
    shower.run(&contents, &file.dict(&page.resources)?, 0)?;
    shower.line.end()
}

/// The streams of a page are one, which may be cut anywhere between two words.
fn contents(file: &File<'_>, contents: &Object) -> Result<Vec<u8>> {
    let item = file.resolve(contents)?;
    let parts = match &item.object {
        Object::Array(parts) => parts.clone(),
        _ => vec![contents.clone()],
    };
    let mut bytes = Vec::new();
    for part in parts {
        file.budget.spend(16)?;
        let item = file.resolve(&part)?;
        if let (Some(dict), Some(data)) = (item.dict(), item.data)
            && let Some(data) = file.unpack(dict, data)?
        {
            // A stream without a filter is not counted where it is unpacked, and may be listed a thousand times.
            file.budget
                .check_inflated(usize::MAX, bytes.len().saturating_add(data.len()))?;
            bytes.extend(data);
            bytes.push(b'\n');
        }
    }
    Ok(bytes)
}

#[derive(Clone, Default)]
struct State {
    matrix: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    character_space: f64,
    word_space: f64,
    /// 0 is the usual width, 1 twice that.
    stretch: f64,
    leading: f64,
    rise: f64,
    text: Matrix,
    text_line: Matrix,
}

struct Shower<'f, 'a, 'w, 'b> {
    file: &'f File<'a>,
    fonts: &'f mut Fonts,
    line: Line<'w, 'b>,
    state: State,
    saved: Vec<State>,
}

impl Shower<'_, '_, '_, '_> {
    fn run(&mut self, content: &[u8], resources: &Dict, depth: usize) -> Result<()> {
        let mut lexer = Lexer::new(content, 0);
        let mut operands: Vec<Object> = Vec::new();
        loop {
            let object = object::read(&mut lexer, self.file.budget)?;
            self.file.budget.spend(16)?;
            match object {
                Object::Word(operator) if operator == b"ID" => skip_inline_image(&mut lexer),
                Object::Word(operator) => {
                    self.operate(&operator, &operands, resources, depth)?;
                    operands.clear();
                }
                _ if lexer.rest().is_empty() => return Ok(()),
                object if operands.len() < MOST_OPERANDS => operands.push(object),
                _ => operands.clear(),
            }
        }
    }

    fn operate(
        &mut self,
        operator: &[u8],
        operands: &[Object],
        resources: &Dict,
        depth: usize,
    ) -> Result<()> {
        let number = |index: usize| operands.get(index).and_then(Object::number).unwrap_or(0.0);
        match operator {
            b"q" if self.saved.len() < MOST_SAVED => self.saved.push(self.state.clone()),
            b"Q" => self.state = self.saved.pop().unwrap_or_else(|| self.state.clone()),
            b"cm" => self.state.matrix = Matrix::of(operands).then(&self.state.matrix),
            b"BT" => self.set_line(Matrix::default()),
            b"Tf" => {
                self.state.size = number(1);
                self.state.font = self.font(operands.first(), resources)?;
            }
            b"Tc" => self.state.character_space = number(0),
            b"Tw" => self.state.word_space = number(0),
            b"Tz" => self.state.stretch = number(0) / 100.0 - 1.0,
            b"TL" => self.state.leading = number(0),
            b"Ts" => self.state.rise = number(0),
            b"Td" => self.move_line(number(0), number(1)),
            b"TD" => {
                self.state.leading = -number(1);
                self.move_line(number(0), number(1));
            }
            b"Tm" => self.set_line(Matrix::of(operands)),
            b"T*" => self.next_line(),
            b"Tj" => self.show_all(operands)?,
            b"TJ" => self.show_all(operands.first().map(Object::array).unwrap_or_default())?,
            b"'" => {
                self.next_line();
                self.show_all(operands)?;
            }
            b"\"" => {
                self.state.word_space = number(0);
                self.state.character_space = number(1);
                self.next_line();
                self.show_all(operands.get(2..).unwrap_or_default())?;
            }
            b"Do" if depth < DEEPEST_FORM => self.draw(operands.first(), resources, depth)?,
            _ => {}
        }
        Ok(())
    }

    fn set_line(&mut self, matrix: Matrix) {
        self.state.text = matrix.clone();
        self.state.text_line = matrix;
    }

    fn move_line(&mut self, x: f64, y: f64) {
        self.set_line(Matrix::moved(x, y).then(&self.state.text_line));
    }

    fn next_line(&mut self) {
        self.move_line(0.0, -self.state.leading);
    }

    /// Shows strings; a number between them moves the next to the left, in thousandths of the font's size.
    fn show_all(&mut self, strings: &[Object]) -> Result<()> {
        for string in strings {
            match string {
                Object::String(string) => self.show(string)?,
                Object::Number(back) => self.advance(-back / 1000.0 * self.state.size),
                _ => {}
            }
        }
        Ok(())
    }

    fn show(&mut self, string: &[u8]) -> Result<()> {
        let Some(font) = self.state.font.clone() else {
            return Ok(());
        };
        for shown in font.shown(string) {
            self.file.budget.spend(8)?;
            let begin = self.origin();
            let space = self.state.character_space
                + if shown.is_space {
                    self.state.word_space
                } else {
                    0.0
                };
            self.advance(shown.width * self.state.size);
            let end = self.origin();
            self.line.show(&shown.text, &begin, &end, self.state.size)?;
            self.advance(space);
        }
        Ok(())
    }

    fn advance(&mut self, by: f64) {
        self.state.text =
            Matrix::moved(by * (1.0 + self.state.stretch), 0.0).then(&self.state.text);
    }

    /// Where the next character stands on the page.
    fn origin(&self) -> Matrix {
        Matrix::moved(0.0, self.state.rise)
            .then(&self.state.text)
            .then(&self.state.matrix)
    }

    fn font(&mut self, name: Option<&Object>, resources: &Dict) -> Result<Option<Rc<Font>>> {
        let Some(name) = name.and_then(Object::name).map(String::from_utf8_lossy) else {
            return Ok(None);
        };
        let fonts = self.file.dict(resources.get("Font"))?;
        let number = match fonts.get(&name) {
            Object::Reference(number) => Some(*number),
            Object::Dict(_) => None,
            _ => return Ok(None),
        };
        if let Some(font) = number.and_then(|number| self.fonts.by_number.get(&number)) {
            return Ok(Some(Rc::clone(font)));
        }
        let font = Rc::new(Font::read(self.file, &self.file.dict(fonts.get(&name))?)?);
        if let Some(number) = number {
            self.fonts.keep(number, &font);
        }
        Ok(Some(font))
    }

    /// Draws a form, which has a content of its own.
    fn draw(&mut self, name: Option<&Object>, resources: &Dict, depth: usize) -> Result<()> {
        let Some(name) = name.and_then(Object::name).map(String::from_utf8_lossy) else {
            return Ok(());
        };
        let drawings = self.file.dict(resources.get("XObject"))?;
        let item = self.file.resolve(drawings.get(&name))?;
        let (Some(dict), Some(data)) = (item.dict(), item.data) else {
            return Ok(());
        };
        if dict.get("Subtype").name() != Some(b"Form") {
            return Ok(());
        }
        let Some(content) = self.file.unpack(dict, data)? else {
            return Ok(());
        };
        let own = self.file.dict(dict.get("Resources"))?;
        let resources = if dict.has("Resources") {
            &own
        } else {
            resources
        };
        let before = self.state.clone();
        let saved = std::mem::take(&mut self.saved);
        if let Object::Array(matrix) = self.file.value(dict.get("Matrix"))? {
            self.state.matrix = Matrix::of(&matrix).then(&self.state.matrix);
        }
        self.run(&content, resources, depth + 1)?;
        self.state = before;
        self.saved = saved;
        Ok(())
    }
}

/// The bytes of an image in the content end with `EI` between blanks.
fn skip_inline_image(lexer: &mut Lexer<'_>) {
    let rest = lexer.rest();
    let is_end = |at: &usize| {
        let blank = |byte: Option<&u8>| byte.is_none_or(|byte| super::lexer::is_blank(*byte));
        *at > 0 && blank(rest.get(at - 1)) && blank(rest.get(at + 2))
    };
    let end = memchr::memmem::find_iter(rest, b"EI").find(is_end);
    lexer.at += end.map_or(rest.len(), |end| end + 2);
}
