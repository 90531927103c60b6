//! The objects of a PDF, found by looking through the file.
//!
//! A PDF has a table of where its objects are, which may be wrong, lead in circles, or be packed so that it unpacks to
//! anything. It is not read: objects say their own numbers, and one pass finds them all. Where a number comes twice the
//! later one counts, as changes are appended.

use std::collections::HashMap;
use std::ops::Range;

use super::filters;
use super::lexer::{Lexer, is_blank};
use super::object::{self, Dict, Object};
use crate::failure::Result;
use crate::kind;
use crate::limits::Budget;

pub(super) struct File<'a> {
    bytes: &'a [u8],
    pub(super) budget: &'a Budget<'a>,
    places: HashMap<u32, Place>,
    /// Streams of objects, unpacked; all of them together are bounded as what is unpacked is.
    unpacked: Vec<Vec<u8>>,
    pub(super) root: Option<u32>,
    pub(super) info: Option<u32>,
    /// Where the search for the end of a stream has failed: there is none after it.
    no_end_after: usize,
}

#[derive(Clone, Copy)]
enum Place {
    /// The offset after `obj`.
    InFile(usize),
    /// An offset in one of the unpacked streams.
    InStream(usize, usize),
}

/// An object, and its data if it is a stream.
#[derive(Default)]
pub(super) struct Item<'a> {
    pub(super) object: Object,
    pub(super) data: Option<&'a [u8]>,
}

impl Item<'_> {
    pub(super) fn dict(&self) -> Option<&Dict> {
        match &self.object {
            Object::Dict(dict) => Some(dict),
            _ => None,
        }
    }
}

/// How often a reference may lead to a reference.
const LONGEST_CHAIN: usize = 8;

impl<'a> File<'a> {
    pub(super) fn open(bytes: &'a [u8], budget: &'a Budget<'a>) -> Result<Self> {
        let mut file = Self {
            bytes,
            budget,
            places: HashMap::new(),
            unpacked: Vec::new(),
            root: None,
            info: None,
            no_end_after: usize::MAX,
        };
        file.scan()?;
        Ok(file)
    }

    fn scan(&mut self) -> Result<()> {
        let mut at = 0;
        let mut trailer = 0;
        while let Some(found) = memchr::memmem::find(&self.bytes[at..], b"obj") {
            let keyword = at + found;
            while let Some(found) =
                memchr::memmem::find(&self.bytes[trailer.max(at)..keyword], b"trailer")
            {
                trailer = trailer.max(at) + found + b"trailer".len();
                let dict = object::read(&mut Lexer::new(self.bytes, trailer), self.budget)?;
                self.see_trailer(&dict)?;
            }
            self.budget.spend(keyword - at + 8)?;
            at = keyword + b"obj".len();
            if let Some(number) = number_before(&self.bytes[..keyword]) {
                at = self.see_object(number, at)?.max(at);
            }
        }
        let mut rest = trailer.max(at);
        while let Some(found) = memchr::memmem::find(&self.bytes[rest..], b"trailer") {
            rest += found + b"trailer".len();
            let dict = object::read(&mut Lexer::new(self.bytes, rest), self.budget)?;
            self.see_trailer(&dict)?;
        }
        Ok(())
    }

    /// Notes an object, and says where what follows it begins.
    fn see_object(&mut self, number: u32, at: usize) -> Result<usize> {
        self.place(number, Place::InFile(at))?;
        let mut lexer = Lexer::new(self.bytes, at);
        let object = object::read(&mut lexer, self.budget)?;
        // What never ends may be damage in the middle: what follows is looked through all the same.
        let after = if lexer.at < self.bytes.len() {
            lexer.at
        } else {
            at
        };
        let Object::Dict(dict) = &object else {
            return Ok(after);
        };
        if dict.is_type("Catalog") && self.root.is_none() {
            self.root = Some(number);
        }
        let Some(data) = self.data(dict, lexer.at)? else {
            return Ok(after);
        };
        if dict.is_type("XRef") {
            self.see_trailer(&object)?;
        } else if dict.is_type("ObjStm") {
            self.see_object_stream(dict, &self.bytes[data.clone()])?;
        }
        Ok(data.end)
    }

    fn see_trailer(&mut self, trailer: &Object) -> Result<()> {
        let Object::Dict(dict) = trailer else {
            return Ok(());
        };
        if dict.has("Encrypt") {
            return Err(kind::encrypted());
        }
        for (key, known) in [("Root", &mut self.root), ("Info", &mut self.info)] {
            if let Object::Reference(number) = dict.get(key) {
                *known = Some(*number);
            }
        }
        Ok(())
    }

    /// Objects that are packed together: first their numbers and offsets, then they themselves.
    fn see_object_stream(&mut self, dict: &Dict, data: &[u8]) -> Result<()> {
        // What is referred to may come later in the file; filters are never written so here.
        let Some(bytes) = self.unpack(dict, data)? else {
            return Ok(());
        };
        let first = dict.get("First").count().unwrap_or(0);
        let mut lexer = Lexer::new(bytes.get(..first).unwrap_or_default(), 0);
        let stream = self.unpacked.len();
        for _ in 0..dict.get("N").count().unwrap_or(0) {
            let number = object::read(&mut lexer, self.budget)?
                .count()
                .and_then(|number| u32::try_from(number).ok());
            let offset = object::read(&mut lexer, self.budget)?.count();
            let (Some(number), Some(offset)) = (number, offset) else {
                break;
            };
            self.place(number, Place::InStream(stream, first + offset))?;
        }
        self.unpacked.push(bytes);
        Ok(())
    }

    fn place(&mut self, number: u32, place: Place) -> Result<()> {
        self.places.insert(number, place);
        self.budget.objects(self.places.len(), "objects")
    }

    /// Where the data of a stream is, if `at` is before the word that begins it.
    fn data(&mut self, dict: &Dict, at: usize) -> Result<Option<Range<usize>>> {
        let Some(start) = data_start(self.bytes, at) else {
            return Ok(None);
        };
        if let Some(end) = dict
            .get("Length")
            .count()
            .and_then(|length| ends_after(self.bytes, start, length))
        {
            return Ok(Some(start..end));
        }
        if start >= self.no_end_after {
            return Ok(Some(start..self.bytes.len()));
        }
        let end =
            memchr::memmem::find(&self.bytes[start..], b"endstream").map(|length| start + length);
        if end.is_none() {
            self.no_end_after = start;
        }
        let end = end.unwrap_or(self.bytes.len());
        self.budget.spend((end - start) / 16)?;
        Ok(Some(start..end))
    }

    /// The object of a number; null if there is none.
    pub(super) fn load(&self, number: u32) -> Result<Item<'a>> {
        match self.places.get(&number) {
            None => Ok(Item::default()),
            Some(Place::InStream(stream, offset)) => {
                let object = object::read(
                    &mut Lexer::new(&self.unpacked[*stream], *offset),
                    self.budget,
                )?;
                Ok(Item { object, data: None })
            }
            Some(Place::InFile(offset)) => {
                let mut lexer = Lexer::new(self.bytes, *offset);
                let object = self.read_at(&mut lexer)?;
                let data = match &object {
                    Object::Dict(dict) => self.data_of(dict, lexer.at)?,
                    _ => None,
                };
                Ok(Item { object, data })
            }
        }
    }

    /// An object that may be a reference to another, which no array or dictionary is around.
    fn read_at(&self, lexer: &mut Lexer<'a>) -> Result<Object> {
        let object = object::read(lexer, self.budget)?;
        let Some(number) = object.count() else {
            return Ok(object);
        };
        let after = lexer.at;
        let generation = object::read(lexer, self.budget)?;
        let word = object::read(lexer, self.budget)?;
        if generation.count().is_some() && word == Object::Word(b"R".to_vec()) {
            return Ok(u32::try_from(number).map_or(Object::Null, Object::Reference));
        }
        lexer.at = after;
        Ok(object)
    }

    fn data_of(&self, dict: &Dict, at: usize) -> Result<Option<&'a [u8]>> {
        let Some(start) = data_start(self.bytes, at) else {
            return Ok(None);
        };
        let length = match dict.get("Length") {
            Object::Reference(number) => match self.places.get(number) {
                // Read by itself: a length that is a stream would have a length.
                Some(Place::InFile(offset)) => {
                    object::read(&mut Lexer::new(self.bytes, *offset), self.budget)?.count()
                }
                Some(Place::InStream(..)) | None => None,
            },
            length => length.count(),
        };
        if let Some(end) = length.and_then(|length| ends_after(self.bytes, start, length)) {
            return Ok(Some(&self.bytes[start..end]));
        }
        let rest = &self.bytes[start..];
        let length = if start >= self.no_end_after {
            None
        } else {
            memchr::memmem::find(rest, b"endstream")
        };
        self.budget.spend(length.unwrap_or(0) / 16)?;
        Ok(Some(&rest[..length.unwrap_or(rest.len())]))
    }

    /// What a value is, if it refers to another.
    pub(super) fn resolve(&self, value: &Object) -> Result<Item<'a>> {
        let mut item = Item {
            object: value.clone(),
            data: None,
        };
        for _ in 0..LONGEST_CHAIN {
            let Object::Reference(number) = item.object else {
                return Ok(item);
            };
            item = self.load(number)?;
        }
        Ok(Item::default())
    }

    /// The same for what is no stream.
    pub(super) fn value(&self, value: &Object) -> Result<Object> {
        Ok(self.resolve(value)?.object)
    }

    /// A dictionary; empty if it is none.
    pub(super) fn dict(&self, value: &Object) -> Result<Dict> {
        Ok(match self.value(value)? {
            Object::Dict(dict) => dict,
            _ => Dict::default(),
        })
    }

    /// The data of a stream, unpacked. `None` if it is an image's.
    pub(super) fn unpack(&self, dict: &Dict, data: &[u8]) -> Result<Option<Vec<u8>>> {
        let list = |long: &str, short: &str| -> Result<Vec<Object>> {
            let value = if dict.has(long) {
                dict.get(long)
            } else {
                dict.get(short)
            };
            match self.value(value)? {
                Object::Null => Ok(Vec::new()),
                Object::Array(values) => values.iter().map(|value| self.value(value)).collect(),
                value => Ok(vec![value]),
            }
        };
        filters::unpack(
            &list("Filter", "F")?,
            &list("DecodeParms", "DP")?,
            data,
            self.budget,
        )
    }
}

/// The number of the object whose `obj` comes next: `12 0 obj`.
fn number_before(bytes: &[u8]) -> Option<u32> {
    let back = |bytes: &[u8], is: fn(u8) -> bool| {
        bytes
            .iter()
            .rev()
            .take(12)
            .take_while(|byte| is(**byte))
            .count()
    };
    let mut rest = bytes;
    let mut digits = rest;
    for _ in 0..2 {
        let blanks = back(rest, is_blank);
        rest = &rest[..rest.len() - blanks];
        let length = back(rest, |byte| byte.is_ascii_digit());
        if length == 0 {
            return None;
        }
        digits = &rest[rest.len() - length..];
        rest = &rest[..rest.len() - length];
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Where the data begins, after the word `stream` and the end of its line.
fn data_start(bytes: &[u8], at: usize) -> Option<usize> {
    let mut lexer = Lexer::new(bytes, at);
    lexer.skip_blanks();
    let rest = lexer.rest().strip_prefix(b"stream")?;
    let line_end = match rest {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    };
    Some(lexer.at + b"stream".len() + line_end)
}

/// The end of the data, if the file agrees that it is so long.
fn ends_after(bytes: &[u8], start: usize, length: usize) -> Option<usize> {
    let end = start.checked_add(length)?;
    let rest = bytes.get(end..)?;
    let blanks = rest
        .iter()
        .take(4)
        .take_while(|byte| is_blank(**byte))
        .count();
    rest[blanks..].starts_with(b"endstream").then_some(end)
}
