//! PDF objects, but for the data of streams.

use std::collections::HashMap;

use super::lexer::{Lexer, Token};
use crate::failure::Result;
use crate::limits::Budget;

/// An object that stands for itself or, as a reference, for another.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Object {
    #[default]
    Null,
    Number(f64),
    String(Vec<u8>),
    Name(Vec<u8>),
    Array(Vec<Object>),
    Dict(Dict),
    /// The number of another object. Its generation tells old versions apart, which are not read.
    Reference(u32),
    /// `true` and `false`, and what is no object: `endobj`, an operator.
    Word(Vec<u8>),
}

/// A dictionary; a key that is missing is null.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Dict(HashMap<Vec<u8>, Object>);

/// How many values one object may have in it: a megabyte of `1 1 1` is thirty in memory.
const MOST_VALUES: usize = 500_000;

impl Dict {
    pub(super) fn get(&self, key: &str) -> &Object {
        self.0.get(key.as_bytes()).unwrap_or(&Object::Null)
    }

    pub(super) fn has(&self, key: &str) -> bool {
        *self.get(key) != Object::Null
    }

    pub(super) fn is_type(&self, name: &str) -> bool {
        self.get("Type").name() == Some(name.as_bytes())
    }
}

impl Object {
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    /// A whole number that is not negative.
    pub(super) fn count(&self) -> Option<usize> {
        let number = self.number()?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is checked to be in the range"
        )]
        (number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number))
            .then_some(number as usize)
    }

    pub(super) fn name(&self) -> Option<&[u8]> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    pub(super) fn array(&self) -> &[Object] {
        match self {
            Self::Array(array) => array,
            _ => &[],
        }
    }
}

/// Reads one object; null at the end of the bytes. What is open at the end is closed there.
pub(super) fn read(lexer: &mut Lexer<'_>, budget: &Budget<'_>) -> Result<Object> {
    let mut open: Vec<(bool, Vec<Object>)> = Vec::new();
    let mut values = 0;
    loop {
        let before = lexer.at;
        let token = lexer.next();
        budget.spend(lexer.at - before)?;
        values += 1;
        if values > MOST_VALUES {
            budget.objects(usize::MAX, "values in one object")?;
        }
        let value = match token {
            Some(Token::ArrayOpen | Token::DictOpen) => {
                open.push((matches!(token, Some(Token::DictOpen)), Vec::new()));
                budget.depth(open.len())?;
                continue;
            }
            // One that closes nothing is skipped, as readers do.
            Some(Token::ArrayClose | Token::DictClose) => match open.pop() {
                Some((is_dict, values)) => closed(is_dict, values),
                None => continue,
            },
            None => match open.pop() {
                Some((is_dict, values)) => closed(is_dict, values),
                None => return Ok(Object::Null),
            },
            Some(Token::Number(number)) => Object::Number(number),
            Some(Token::String(string)) => Object::String(string),
            Some(Token::Name(name)) => Object::Name(name),
            Some(Token::Word(b"null")) => Object::Null,
            Some(Token::Word(word)) => {
                // An object that was cut off, and another begins: what is open ends here.
                if !open.is_empty() && matches!(word, b"endobj" | b"stream" | b"obj") {
                    lexer.at = before;
                    while open.len() > 1 {
                        let inner = open.pop().map(|(is_dict, values)| closed(is_dict, values));
                        if let (Some(inner), Some((_, outer))) = (inner, open.last_mut()) {
                            outer.push(inner);
                        }
                    }
                    return Ok(open
                        .pop()
                        .map_or(Object::Null, |(is_dict, values)| closed(is_dict, values)));
                }
                match open.last_mut() {
                    Some((_, values)) if word == b"R" => reference(values),
                    _ => Object::Word(word.to_vec()),
                }
            }
        };
        match open.last_mut() {
            Some((_, values)) => values.push(value),
            // `12 0 R` by itself is read by its own function.
            None => return Ok(value),
        }
    }
}

/// The two numbers before an `R`.
fn reference(values: &mut Vec<Object>) -> Object {
    let at = values.len().saturating_sub(2);
    let numbers = values.split_off(at);
    let number = numbers
        .first()
        .and_then(Object::count)
        .and_then(|number| u32::try_from(number).ok());
    number.map_or(Object::Null, Object::Reference)
}

fn closed(is_dict: bool, values: Vec<Object>) -> Object {
    if !is_dict {
        return Object::Array(values);
    }
    let mut entries = HashMap::with_capacity(values.len() / 2);
    let mut values = values.into_iter().peekable();
    while let Some(key) = values.next() {
        // What is no key is skipped alone, so that the next pair is found; so is a key without a value.
        let Object::Name(key) = key else { continue };
        if let Some(value) = values.next() {
            entries.insert(key, value);
        }
    }
    Object::Dict(Dict(entries))
}
