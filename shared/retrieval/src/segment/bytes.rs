//! Numbers and texts in bytes that need not be what they seem.

use crate::Corrupt;

const ENDS: Corrupt = Corrupt::Inconsistent("an entry ends in its middle");

pub(super) fn u32_at(bytes: &[u8], at: usize) -> Result<u32, Corrupt> {
    let found = bytes.get(at..).and_then(|rest| rest.first_chunk());
    found.map(|found| u32::from_le_bytes(*found)).ok_or(ENDS)
}

/// Reads one after the other.
#[derive(Clone)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn at(bytes: &'a [u8], at: u32) -> Result<Self, Corrupt> {
        bytes.get(at as usize..).map(Self).ok_or(ENDS)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], Corrupt> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(ENDS)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn byte(&mut self) -> Result<u8, Corrupt> {
        self.take(1).map(|taken| taken[0])
    }

    /// LEB128, of at most 32 bits.
    #[inline]
    pub(super) fn number(&mut self) -> Result<u32, Corrupt> {
        let (first, rest) = self.0.split_first().ok_or(ENDS)?;
        if *first < 0x80 {
            self.0 = rest;
            return Ok(u32::from(*first));
        }
        let mut number = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return u32::try_from(number)
                    .map_err(|_| Corrupt::Inconsistent("a number is too large"));
            }
        }
        Err(Corrupt::Inconsistent("a number is too long"))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Corrupt> {
        let length = self.number()?;
        text(self.take(length as usize)?)
    }

    pub(super) fn float(&mut self) -> Result<f64, Corrupt> {
        let bytes = self.take(8)?.first_chunk().ok_or(ENDS)?;
        Ok(f64::from_le_bytes(*bytes))
    }
}

pub(super) fn text(bytes: &[u8]) -> Result<&str, Corrupt> {
    std::str::from_utf8(bytes).map_err(|_| Corrupt::Inconsistent("a text is not UTF-8"))
}

/// What [`Reader::number`] reads.
pub(super) fn push_number(bytes: &mut Vec<u8>, mut number: u32) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low & 0x7f);
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(numbers in prop::collection::vec(any::<u32>(), 0..20)) {
            let mut bytes = Vec::new();
            numbers.iter().for_each(|number| push_number(&mut bytes, *number));
            let mut reader = Reader::new(&bytes);
            for number in numbers {
                prop_assert_eq!(reader.number(), Ok(number));
            }
            prop_assert!(reader.is_empty());
        }
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        for bytes in [
            &[0xff, 0xff, 0xff, 0xff, 0x7f][..],
            &[0x80; 6],
            &[0x80],
            &[],
        ] {
            assert!(Reader::new(bytes).number().is_err(), "{bytes:?}");
        }
    }
}
