//! The words of PDF's syntax, which its objects, its content and its tables of characters share.

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Number(f64),
    /// Its bytes, without escapes.
    String(Vec<u8>),
    Name(Vec<u8>),
    ArrayOpen,
    ArrayClose,
    DictOpen,
    DictClose,
    /// Anything else: an operator, `true`, `R`, `obj`.
    Word(&'a [u8]),
}

/// Reads words from bytes. Nothing is an error to it: damaged files are common, and what makes no sense is a word that
/// nobody knows.
pub(super) struct Lexer<'a> {
    bytes: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        self.skip_blanks();
        let rest = self.rest();
        let (token, length) = match *rest.first()? {
            b'/' => {
                let end = 1 + regular(&rest[1..]);
                (Token::Name(unescaped_name(&rest[1..end])), end)
            }
            b'(' => literal_string(rest),
            b'<' if rest.get(1) == Some(&b'<') => (Token::DictOpen, 2),
            b'>' if rest.get(1) == Some(&b'>') => (Token::DictClose, 2),
            b'<' => hex_string(rest),
            b'[' => (Token::ArrayOpen, 1),
            b']' => (Token::ArrayClose, 1),
            b')' | b'>' | b'{' | b'}' => (Token::Word(&rest[..1]), 1),
            _ => {
                let word = &rest[..regular(rest)];
                (
                    number(word).map_or(Token::Word(word), Token::Number),
                    word.len(),
                )
            }
        };
        self.at += length;
        Some(token)
    }

    pub(super) fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            self.at += rest
                .iter()
                .position(|byte| !is_blank(*byte))
                .unwrap_or(rest.len());
            let rest = self.rest();
            if rest.first() != Some(&b'%') {
                return;
            }
            self.at += memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        }
    }
}

pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, 0 | b'\t' | b'\n' | 0xc | b'\r' | b' ')
}

fn is_regular(byte: u8) -> bool {
    !is_blank(byte) && !b"()<>[]{}/%".contains(&byte)
}

fn regular(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .position(|byte| !is_regular(*byte))
        .unwrap_or(bytes.len())
}

fn number(word: &[u8]) -> Option<f64> {
    // Longer ones are damage, and slow to read.
    if word.len() > 40
        || !word
            .iter()
            .all(|byte| byte.is_ascii_digit() || b"+-.".contains(byte))
    {
        return None;
    }
    std::str::from_utf8(word)
        .ok()?
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
}

fn unescaped_name(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'#', [high, low, ..]) => hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        out.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() {
            &after[2..]
        } else {
            after
        };
    }
    out
}

pub(super) fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

fn hex_string(bytes: &[u8]) -> (Token<'static>, usize) {
    let end = memchr::memchr(b'>', bytes).unwrap_or(bytes.len());
    let mut digits = bytes[1..end].iter().filter_map(|digit| hex(*digit));
    let mut out = Vec::with_capacity(end / 2);
    while let Some(high) = digits.next() {
        out.push(high << 4 | digits.next().unwrap_or(0));
    }
    (Token::String(out), (end + 1).min(bytes.len()))
}

/// A string in parentheses, which may have pairs of parentheses in it.
fn literal_string(bytes: &[u8]) -> (Token<'static>, usize) {
    let mut out = Vec::new();
    let mut open = 0_usize;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'(' => {
                open += 1;
                if open == 1 {
                    continue;
                }
            }
            b')' => {
                open -= 1;
                if open == 0 {
                    break;
                }
            }
            b'\\' => {
                at += escape(&bytes[at..], &mut out);
                continue;
            }
            _ => {}
        }
        out.push(byte);
    }
    (Token::String(out), at)
}

/// What follows a backslash; says how many bytes that is.
fn escape(bytes: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(&first) = bytes.first() else {
        return 0;
    };
    let byte = match first {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 0xc,
        b'\r' if bytes.get(1) == Some(&b'\n') => return 2,
        b'\r' | b'\n' => return 1,
        b'0'..=b'7' => {
            let digits = bytes
                .iter()
                .take(3)
                .take_while(|digit| (b'0'..=b'7').contains(digit));
            let (count, value) = digits.fold((0, 0_u32), |(count, sum), digit| {
                (count + 1, sum * 8 + u32::from(digit - b'0'))
            });
            // Only the low eight bits count, as the standard has it.
            out.push(value.to_le_bytes()[0]);
            return count;
        }
        other => other,
    };
    out.push(byte);
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Vec<Token<'_>> {
        let mut lexer = Lexer::new(text.as_bytes(), 0);
        std::iter::from_fn(|| lexer.next()).collect()
    }

    #[test]
    fn words_are_told_apart() {
        let name = |name: &str| Token::Name(name.as_bytes().to_vec());
        let string = |string: &[u8]| Token::String(string.to_vec());
        assert_eq!(
            tokens("/A#42#2 -1.5 .5% c\nBT"),
            [
                name("AB#2"),
                Token::Number(-1.5),
                Token::Number(0.5),
                Token::Word(b"BT")
            ]
        );
        assert_eq!(
            tokens(r"(a(b)\)\101\n\12z)<4a4>"),
            [string(b"a(b))A\n\nz"), string(b"J@")]
        );
        assert_eq!(
            tokens("<</K[1]>>"),
            [
                Token::DictOpen,
                name("K"),
                Token::ArrayOpen,
                Token::Number(1.0),
                Token::ArrayClose,
                Token::DictClose
            ]
        );
        assert_eq!(tokens("(never ends"), [string(b"never ends")]);
        assert_eq!(tokens("--5 T*"), [Token::Word(b"--5"), Token::Word(b"T*")]);
    }
}
