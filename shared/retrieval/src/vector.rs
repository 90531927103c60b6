//! Vectors as bytes, and the loop that compares them.
//!
//! A stored vector is eight bits a dimension and one factor, a query's twelve. Both are brought to length 1 as they are
//! after rounding, so that a score is the exact cosine of what is stored.

use crate::{Error, Result};

/// The largest code of a stored vector, and of a query's. Their product fits 8,192 times into 31 bits, which is more than
/// [`MAX_DIMENSIONS`](crate::MAX_DIMENSIONS).
const STORED: f32 = 127.0;
const ASKED: f32 = 2047.0;

/// A vector as it is stored: two's complement bytes, and what makes them length 1.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Codes {
    pub bytes: Vec<u8>,
    pub scale: f32,
}

/// A vector that is looked for.
pub(crate) struct Asked {
    codes: Vec<i16>,
    scale: f32,
}

/// Only the direction counts. A vector without one is refused.
pub(crate) fn quantise(vector: &[f32]) -> Result<Codes> {
    let codes = rounded(vector, STORED)?;
    let scale = inverse_length(&codes);
    let bytes = codes.iter().map(|code| code.to_le_bytes()[0]).collect();
    Ok(Codes { bytes, scale })
}

impl Asked {
    pub(crate) fn new(vector: &[f32]) -> Result<Self> {
        let codes = rounded(vector, ASKED)?;
        let scale = inverse_length(&codes);
        Ok(Self { codes, scale })
    }

    /// The cosine with a stored vector of as many dimensions.
    pub(crate) fn cosine(&self, bytes: &[u8], scale: f32) -> f32 {
        // Of whole numbers: the same on every processor, in whatever order they are added.
        #[expect(
            clippy::cast_precision_loss,
            reason = "24 bits are more than the codes are good for"
        )]
        let dot = dot(&self.codes, bytes) as f32;
        dot * self.scale * scale
    }
}

/// Written so that the compiler makes SIMD of it for the plainest x86-64 and arm64: sixteen bits times sixteen bits, added
/// in 32.
fn dot(asked: &[i16], stored: &[u8]) -> i32 {
    let pairs = asked.iter().zip(stored);
    pairs
        .map(|(asked, stored)| i32::from(*asked) * i32::from(i8::from_le_bytes([*stored])))
        .sum()
}

fn rounded(vector: &[f32], most: f32) -> Result<Vec<i16>> {
    if !vector.iter().all(|value| value.is_finite()) {
        return Err(Error::invalid(
            "a vector has a number that is not finite; embed the text again",
        ));
    }
    let largest = vector
        .iter()
        .fold(0.0f32, |most, value| most.max(value.abs()));
    if largest == 0.0 {
        return Err(Error::invalid(
            "a vector is zero and has no direction; leave its text out, or embed it again",
        ));
    }
    // Divided first: the inverse of the smallest numbers is infinite.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most `most`, which fits"
    )]
    let code = |value: &f32| (value / largest * most).round() as i16;
    Ok(vector.iter().map(code).collect())
}

fn inverse_length(codes: &[i16]) -> f32 {
    let square: i64 = codes.iter().map(|code| i64::from(*code).pow(2)).sum();
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "at most 2^34, and a factor needs no more than 24 bits"
    )]
    let inverse = (1.0 / (square as f64).sqrt()) as f32;
    inverse
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cosine(left: &[f32], right: &[f32]) -> f64 {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
        };
        dot(left, right) / (dot(left, left).sqrt() * dot(right, right).sqrt())
    }

    proptest! {
        #[test]
        fn a_score_is_the_cosine_within_what_eight_bits_can_say(
            pairs in prop::collection::vec((-1.0f32..1.0, -1.0f32..1.0), 16..200),
            stretch in 1e-20f32..1e18,
        ) {
            let (left, right): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            prop_assume!(left.iter().any(|v| v.abs() > 1e-3) && right.iter().any(|v| v.abs() > 1e-3));
            let right: Vec<f32> = right.iter().map(|value| value * stretch).collect();
            let codes = quantise(&right).unwrap();
            let found = Asked::new(&left).unwrap().cosine(&codes.bytes, codes.scale);
            prop_assert!((f64::from(found) - cosine(&left, &right)).abs() < 0.02);
        }
    }

    #[test]
    fn the_longest_vectors_do_not_overflow() {
        let vector = vec![-1.0f32; crate::MAX_DIMENSIONS];
        let codes = quantise(&vector).unwrap();
        let found = Asked::new(&vector)
            .unwrap()
            .cosine(&codes.bytes, codes.scale);
        assert!((found - 1.0).abs() < 1e-5, "{found}");
    }

    #[test]
    fn what_has_no_direction_is_refused() {
        assert!(quantise(&[0.0, -0.0]).is_err());
        assert!(quantise(&[1.0, f32::NAN]).is_err());
        assert!(quantise(&[1.0, f32::INFINITY]).is_err());
        assert!(Asked::new(&[0.0]).is_err());
        assert!(quantise(&[f32::MIN_POSITIVE / 8.0, 0.0]).is_ok());
    }
}
