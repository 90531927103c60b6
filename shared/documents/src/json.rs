//! JSON: one value a line, indented, with the escapes of characters undone as far as that leaves it JSON.

use crate::extracted::Extracted;
use crate::failure::{Failure, Result};
use crate::kind::Kind;
use crate::limits::Budget;
use crate::writer::Writer;

/// Whether the text is one JSON object or array from end to end.
///
/// # Errors
///
/// If it is JSON so far and nested too deeply, or if it takes too long.
pub(crate) fn is_json(text: &str, budget: &Budget<'_>) -> Result<bool> {
    if !text.trim_start().starts_with(['{', '[']) {
        return Ok(false);
    }
    match walk(text, budget, &mut |_, _, _| Ok(())) {
        Ok(()) => Ok(true),
        Err(Stop::NotJson) => Ok(false),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

/// Writes what [`is_json`] has said yes to.
pub(crate) fn read(text: &str, budget: &Budget<'_>) -> Result<Extracted> {
    let mut writer = Writer::new(budget);
    let mut after_open = false;
    let written = walk(text, budget, &mut |token, depth, is_first| {
        let closes = matches!(token, "}" | "]");
        let separates = matches!(token, ":" | ",");
        let breaks = if closes {
            !after_open
        } else {
            is_first && depth > 0
        };
        if breaks {
            writer.end_line()?;
            writer.push(&"  ".repeat(depth))?;
        }
        match token {
            ":" => writer.push(": ")?,
            _ if token.starts_with('"') => writer.push(&readable(token))?,
            _ => writer.push(token)?,
        }
        if !separates {
            after_open = matches!(token, "{" | "[");
        }
        Ok(())
    });
    match written {
        Ok(()) => writer.finish(Kind::Json, "the file has no text"),
        Err(Stop::NotJson) => Err(Failure::corrupt("it is not JSON")),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

/// A string with `\u00e9` written as é. Half of a surrogate pair stands for nothing and stays as it is.
fn readable(token: &str) -> String {
    if !token.contains('\\') {
        return token.to_owned();
    }
    serde_json::from_str::<String>(token)
        .and_then(|string| serde_json::to_string(&string))
        .unwrap_or_else(|_| token.to_owned())
}

enum Stop {
    NotJson,
    Failure(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

/// What may come next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ValueOrEnd,
    Name,
    NameOrEnd,
    Colon,
    CommaOrEnd,
    Nothing,
}

/// Is told a token, how deep it stands, and whether it is the first of its line.
type OnToken<'a> = dyn FnMut(&str, usize, bool) -> Result<()> + 'a;

/// Goes through the tokens in one pass.
fn walk(text: &str, budget: &Budget<'_>, on_token: &mut OnToken<'_>) -> Result<(), Stop> {
    let mut grammar = Grammar {
        open: Vec::new(),
        expect: Expect::Value,
    };
    let mut rest = text.trim_start_matches(is_blank);
    while !rest.is_empty() {
        let length = token_length(rest).ok_or(Stop::NotJson)?;
        let (token, after) = rest.split_at(length);
        budget.spend(length)?;
        let is_first = grammar.begins_line();
        let depth = grammar.take(token.as_bytes()[0]).ok_or(Stop::NotJson)?;
        budget.depth(grammar.open.len())?;
        on_token(token, depth, is_first)?;
        rest = after.trim_start_matches(is_blank);
    }
    if grammar.expect == Expect::Nothing {
        Ok(())
    } else {
        Err(Stop::NotJson)
    }
}

/// What is open and what may come, with a stack of its own, so that no depth can exhaust the thread's.
struct Grammar {
    open: Vec<u8>,
    expect: Expect,
}

impl Grammar {
    /// Whether what comes is a member or an element.
    fn begins_line(&self) -> bool {
        match self.expect {
            Expect::Value | Expect::ValueOrEnd => self.open.last() != Some(&b'{'),
            Expect::Name | Expect::NameOrEnd => true,
            Expect::Colon | Expect::CommaOrEnd | Expect::Nothing => false,
        }
    }

    /// Takes a token by its first byte, and says how deep it stands. `None` if it may not come here.
    fn take(&mut self, first: u8) -> Option<usize> {
        let depth = self.open.len();
        self.expect = match (self.expect, first) {
            (Expect::Value | Expect::ValueOrEnd, b'{') => {
                self.open.push(first);
                Expect::NameOrEnd
            }
            (Expect::Value | Expect::ValueOrEnd, b'[') => {
                self.open.push(first);
                Expect::ValueOrEnd
            }
            (Expect::NameOrEnd | Expect::CommaOrEnd, b'}') => return self.close(b'{'),
            (Expect::ValueOrEnd | Expect::CommaOrEnd, b']') => return self.close(b'['),
            (Expect::Name | Expect::NameOrEnd, b'"') => Expect::Colon,
            (Expect::Colon, b':') => Expect::Value,
            (Expect::CommaOrEnd, b',') if self.open.last() == Some(&b'{') => Expect::Name,
            (Expect::CommaOrEnd, b',') => Expect::Value,
            (
                Expect::Value | Expect::ValueOrEnd,
                b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n',
            ) => self.after_value(),
            _ => return None,
        };
        Some(depth)
    }

    fn close(&mut self, opened: u8) -> Option<usize> {
        self.open.pop_if(|open| *open == opened)?;
        self.expect = self.after_value();
        Some(self.open.len())
    }

    fn after_value(&self) -> Expect {
        if self.open.is_empty() {
            Expect::Nothing
        } else {
            Expect::CommaOrEnd
        }
    }
}

fn is_blank(char: char) -> bool {
    matches!(char, ' ' | '\t' | '\n' | '\r')
}

fn token_length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    match bytes[0] {
        b'{' | b'}' | b'[' | b']' | b':' | b',' => Some(1),
        b'"' => string_length(bytes),
        _ => {
            let end = bytes
                .iter()
                .position(|b| !(b.is_ascii_alphanumeric() || b"+-.".contains(b)));
            let word = &text[..end.unwrap_or(text.len())];
            let known = matches!(word, "true" | "false" | "null")
                || word.len() <= 1000 && serde_json::from_str::<serde_json::Number>(word).is_ok();
            known.then_some(word.len())
        }
    }
}

fn string_length(bytes: &[u8]) -> Option<usize> {
    let mut at = 1;
    loop {
        at += memchr::memchr2(b'"', b'\\', &bytes[at..])?;
        if bytes[at] == b'"' {
            break;
        }
        let escaped = *bytes.get(at + 1)?;
        if escaped == b'u' {
            let digits = bytes.get(at + 2..at + 6)?;
            if !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
        } else if !b"\"\\/bfnrt".contains(&escaped) {
            return None;
        }
        at += 2;
    }
    // A raw control character is not JSON.
    bytes[1..at]
        .iter()
        .all(|byte| *byte >= 0x20)
        .then_some(at + 1)
}
