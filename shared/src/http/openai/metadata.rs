//! `metadata`, `user` and `safety_identifier`: what a client says of its request.

use std::collections::BTreeMap;

use crate::error::{Error, Result};

/// How many pairs there may be, and how long their names and values, in characters: OpenAI's rules.
const MOST_PAIRS: usize = 16;
const LONGEST_NAME: usize = 64;
const LONGEST_VALUE: usize = 512;

/// Pairs that keep the rules.
///
/// # Errors
/// `Invalid` with the pair that does not.
pub fn checked_metadata(pairs: BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    if pairs.len() > MOST_PAIRS {
        let detail = format!("must have at most {MOST_PAIRS} pairs");
        return Err(Error::invalid("/metadata", detail));
    }
    for (name, value) in &pairs {
        let lengths = (name.chars().count(), value.chars().count());
        if !(1..=LONGEST_NAME).contains(&lengths.0) || lengths.1 > LONGEST_VALUE {
            let detail = format!(
                "names must have 1 to {LONGEST_NAME} characters and values at most {LONGEST_VALUE}"
            );
            return Err(Error::invalid("/metadata", detail));
        }
    }
    Ok(pairs)
}

/// That a `user` or `safety_identifier` is not longer than a value of `metadata`.
///
/// # Errors
/// `Invalid` with `field`.
pub fn checked_identifier(field: &str, text: Option<&str>) -> Result<()> {
    if text.is_some_and(|text| text.chars().count() > LONGEST_VALUE) {
        let detail = format!("must have at most {LONGEST_VALUE} characters");
        return Err(Error::invalid(field, detail));
    }
    Ok(())
}
