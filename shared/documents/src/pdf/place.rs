//! Where text stands, and what that makes of it: spaces, lines and paragraphs.

use super::object::Object;
use crate::failure::Result;
use crate::writer::Writer;

/// How points are moved, turned and scaled, as in PDF's own `[a b c d e f]`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Matrix([f64; 6]);

impl Default for Matrix {
    fn default() -> Self {
        Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    }
}

impl Matrix {
    pub(super) fn of(operands: &[Object]) -> Self {
        let mut matrix = Self::default();
        for (value, operand) in matrix.0.iter_mut().zip(operands) {
            *value = operand.number().unwrap_or(0.0);
        }
        matrix
    }

    pub(super) fn moved(x: f64, y: f64) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, x, y])
    }

    /// This, and then the other.
    pub(super) fn then(&self, other: &Self) -> Self {
        let ([a, b, c, d, e, f], [k, l, m, n, o, p]) = (self.0, other.0);
        Self([
            a * k + b * m,
            a * l + b * n,
            c * k + d * m,
            c * l + d * n,
            e * k + f * m + o,
            e * l + f * n + p,
        ])
    }
}

/// From here on, in sizes of the font, two characters are apart: the narrowest spaces are a fifth of the size.
const SPACE: f64 = 0.15;
/// So far beside the last character in the other direction, it is another line.
const OTHER_LINE: f64 = 0.5;
/// So far below, it is another paragraph: lines are set up to one and a half sizes apart.
const OTHER_PARAGRAPH: f64 = 1.75;
/// So far back it is another line, or the next column.
const BACK: f64 = 1.0;

/// Puts characters together that stand side by side.
pub(super) struct Line<'w, 'b> {
    writer: &'w mut Writer<'b>,
    last: Option<Last>,
}

/// Where the last character ended.
struct Last {
    end: (f64, f64),
    /// Height of the characters on the page.
    height: f64,
    after_space: bool,
}

impl<'w, 'b> Line<'w, 'b> {
    pub(super) fn new(writer: &'w mut Writer<'b>) -> Self {
        Self { writer, last: None }
    }

    /// Shows a character from `begin` to `end`; `size` is in the units of both.
    pub(super) fn show(
        &mut self,
        text: &str,
        begin: &Matrix,
        end: &Matrix,
        size: f64,
    ) -> Result<()> {
        let [a, b, c, d, x, y] = begin.0;
        let height = (c.hypot(d) * size).abs();
        let length = a.hypot(b);
        if text.is_empty()
            || !(height > 0.0 && height.is_finite())
            || !(length > 0.0 && length.is_finite())
        {
            return Ok(());
        }
        let is_space = text.chars().all(char::is_whitespace);
        if let Some(last) = &self.last {
            // Along the line and across it, whatever way the text is turned.
            let (dx, dy) = (x - last.end.0, y - last.end.1);
            let (along, across) = ((dx * a + dy * b) / length, (dy * a - dx * b).abs() / length);
            let unit = height.max(last.height).max(f64::MIN_POSITIVE);
            if across > unit * OTHER_PARAGRAPH {
                self.writer.end_block()?;
            } else if across > height.min(last.height) * OTHER_LINE || along < -unit * BACK {
                self.writer.end_line()?;
            } else if along > unit * SPACE && !last.after_space && !is_space {
                self.writer.push(" ")?;
            }
        }
        self.last = Some(Last {
            end: (end.0[4], end.0[5]),
            height,
            after_space: is_space,
        });
        // A space at the beginning of a line is the end of the one before.
        if is_space && !self.writer.in_line() {
            return Ok(());
        }
        self.writer.push(ligature(text).unwrap_or(text))
    }

    pub(super) fn end(self) -> Result<()> {
        self.writer.end_block()
    }
}

/// Letters that a font draws as one are letters all the same: nobody searches for `ﬁle`.
fn ligature(text: &str) -> Option<&'static str> {
    Some(match text {
        "ﬀ" => "ff",
        "ﬁ" => "fi",
        "ﬂ" => "fl",
        "ﬃ" => "ffi",
        "ﬄ" => "ffl",
        "ﬅ" | "ﬆ" => "st",
        _ => return None,
    })
}
