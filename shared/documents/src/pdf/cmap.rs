//! Which characters the codes of a font stand for, as its `ToUnicode` table says.

use std::collections::HashMap;

use super::lexer::{Lexer, Token};
use crate::failure::Result;
use crate::limits::Budget;

/// A table from codes to text.
#[derive(Default)]
pub(super) struct CMap {
    /// How many bytes a code has; 0 if the table does not say.
    pub(super) code_bytes: usize,
    single: HashMap<u32, String>,
    /// First and last code and the text of the first, whose last character counts up. Sorted by the first code.
    ranges: Vec<(u32, u32, String)>,
}

/// Longer texts of one code are damage.
const LONGEST_TEXT: usize = 64;

impl CMap {
    pub(super) fn read(bytes: &[u8], budget: &Budget<'_>) -> Result<Self> {
        let mut cmap = Self::default();
        let mut lexer = Lexer::new(bytes, 0);
        while let Some(token) = lexer.next() {
            budget.spend(8)?;
            match token {
                Token::Word(b"begincodespacerange") => cmap.read_codespace(&mut lexer),
                Token::Word(b"beginbfchar") => cmap.read_chars(&mut lexer, budget)?,
                Token::Word(b"beginbfrange") => cmap.read_ranges(&mut lexer, budget)?,
                _ => {}
            }
        }
        cmap.ranges.sort_by_key(|(first, ..)| *first);
        Ok(cmap)
    }

    pub(super) fn len(&self) -> usize {
        self.single.len() + self.ranges.len()
    }

    pub(super) fn get(&self, code: u32) -> Option<String> {
        if let Some(text) = self.single.get(&code) {
            return Some(text.clone());
        }
        let after = self.ranges.partition_point(|(first, ..)| *first <= code);
        let (first, last, text) = self.ranges.get(after.checked_sub(1)?)?;
        if code > *last {
            return None;
        }
        let mut text = text.clone();
        let char = u32::from(text.pop()?)
            .checked_add(code - first)
            .and_then(char::from_u32)?;
        text.push(char);
        Some(text)
    }

    fn read_codespace(&mut self, lexer: &mut Lexer<'_>) {
        while let Some(Token::String(low)) = lexer.next() {
            // With codes of several lengths the longest is the usual one.
            self.code_bytes = self.code_bytes.max(low.len().min(4));
            lexer.next();
        }
    }

    fn read_chars(&mut self, lexer: &mut Lexer<'_>, budget: &Budget<'_>) -> Result<()> {
        while let Some(Token::String(code)) = lexer.next() {
            let Some(Token::String(text)) = lexer.next() else {
                break;
            };
            self.single.insert(number(&code), utf_16(&text));
            self.count(budget)?;
        }
        Ok(())
    }

    fn read_ranges(&mut self, lexer: &mut Lexer<'_>, budget: &Budget<'_>) -> Result<()> {
        while let Some(Token::String(first)) = lexer.next() {
            let Some(Token::String(last)) = lexer.next() else {
                break;
            };
            let (first, last) = (number(&first), number(&last));
            match lexer.next() {
                Some(Token::String(text)) => self.ranges.push((first, last, utf_16(&text))),
                Some(Token::ArrayOpen) => {
                    let mut code = first;
                    while let Some(Token::String(text)) = lexer.next() {
                        self.single.insert(code, utf_16(&text));
                        code = code.saturating_add(1);
                        self.count(budget)?;
                    }
                }
                _ => return Ok(()),
            }
            self.count(budget)?;
        }
        Ok(())
    }

    fn count(&self, budget: &Budget<'_>) -> Result<()> {
        budget.spend(16)?;
        budget.objects(self.len(), "characters in one font")
    }
}

pub(super) fn number(code: &[u8]) -> u32 {
    code.iter()
        .take(4)
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte))
}

pub(super) fn utf_16(bytes: &[u8]) -> String {
    if let [byte] = bytes {
        return char::from(*byte).to_string();
    }
    let units = bytes
        .chunks_exact(2)
        .take(LONGEST_TEXT)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .filter_map(std::result::Result::ok)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    #[test]
    fn a_table_maps_single_codes_ranges_and_lists() {
        let limits = Limits::default();
        let budget = Budget::new(&limits, &|| true);
        let table = b"1 begincodespacerange <0000><ffff> endcodespacerange
            2 beginbfchar <0001> <00660069> <0002> <d83dde00> endbfchar
            2 beginbfrange <0010> <0012> <0041> <0020> <0021> [<0061> <0078007a>] endbfrange";
        let cmap = CMap::read(table, &budget).unwrap();
        assert_eq!(cmap.code_bytes, 2);
        let text = |code| cmap.get(code).unwrap_or_default();
        assert_eq!(
            [1, 2, 0x10, 0x12, 0x13, 0x20, 0x21].map(text),
            ["fi", "😀", "A", "C", "", "a", "xz"]
        );
    }
}
