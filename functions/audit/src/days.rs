//! Days in queries.

use shared::clock::Moment;
use shared::{Error, Result};

/// A day of a query, or the one that stands for it if it was left out.
pub(crate) fn day(field: &str, given: Option<&str>, default: &str) -> Result<String> {
    match given {
        None => Ok(default.to_owned()),
        Some(text) => Moment::parse_day(text)
            .ok_or_else(|| Error::invalid(field, "must be a day like 2026-01-31")),
    }
}

/// Two days of which the first is not after the second.
pub(crate) fn range(from: String, to: String) -> Result<(String, String)> {
    if from > to {
        return Err(Error::invalid("from", "must not be after `to`"));
    }
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_the_default_and_days_do_not_run_backwards() {
        assert_eq!(
            day("from", None, "2026-01-01").ok().as_deref(),
            Some("2026-01-01")
        );
        assert!(day("from", Some("yesterday"), "2026-01-01").is_err());
        let (earlier, later) = ("2026-01-09".to_owned(), "2026-01-10".to_owned());
        assert!(range(earlier.clone(), later.clone()).is_ok());
        assert!(range(later.clone(), later.clone()).is_ok());
        assert!(range(later, earlier).is_err());
    }
}
