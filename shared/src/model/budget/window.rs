//! The days and months of budgets.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;

/// For which time a limit holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BudgetWindow {
    /// A day in UTC.
    Day,
    /// A month in UTC.
    Month,
}

impl BudgetWindow {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Day, Self::Month];

    /// The name of the one that has `at` in it: `2026-01-31` or `2026-01`.
    pub fn name(self, at: Moment) -> String {
        let length = match self {
            Self::Day => 10,
            Self::Month => 7,
        };
        at.rfc3339().chars().take(length).collect()
    }

    /// When the one that has `at` in it begins.
    pub fn begins(self, at: Moment) -> Moment {
        let day = match self {
            Self::Day => self.name(at),
            Self::Month => format!("{}-01", self.name(at)),
        };
        // A date that was just written can be read.
        Moment::from_rfc3339(&format!("{day}T00:00:00Z")).unwrap_or(at)
    }

    /// When the one that has `at` in it ends, which is when the next one begins.
    pub fn ends(self, at: Moment) -> Moment {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        let begins = self.begins(at);
        match self {
            Self::Day => begins.plus(DAY),
            // No month is longer, and none is so short that this would be in the one after the next.
            Self::Month => self.begins(begins.plus(31 * DAY)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Moment {
        Moment::from_rfc3339(text).expect("a moment")
    }

    #[test]
    fn windows_are_days_and_months_of_utc() {
        for (window, moment, name, begins, ends) in [
            (
                BudgetWindow::Day,
                "2026-02-28T23:59:59.999999Z",
                "2026-02-28",
                "2026-02-28T00:00:00Z",
                "2026-03-01T00:00:00Z",
            ),
            (
                BudgetWindow::Day,
                "2026-03-01T00:00:00Z",
                "2026-03-01",
                "2026-03-01T00:00:00Z",
                "2026-03-02T00:00:00Z",
            ),
            (
                BudgetWindow::Month,
                "2026-02-28T23:59:59.999999Z",
                "2026-02",
                "2026-02-01T00:00:00Z",
                "2026-03-01T00:00:00Z",
            ),
            (
                BudgetWindow::Month,
                "2028-02-29T12:00:00Z",
                "2028-02",
                "2028-02-01T00:00:00Z",
                "2028-03-01T00:00:00Z",
            ),
            (
                BudgetWindow::Month,
                "2026-12-31T23:00:00Z",
                "2026-12",
                "2026-12-01T00:00:00Z",
                "2027-01-01T00:00:00Z",
            ),
            (
                BudgetWindow::Month,
                "2026-01-31T01:00:00+02:00",
                "2026-01",
                "2026-01-01T00:00:00Z",
                "2026-02-01T00:00:00Z",
            ),
        ] {
            let moment = at(moment);
            assert_eq!(window.name(moment), name);
            assert_eq!(window.begins(moment), at(begins), "{name}");
            assert_eq!(window.ends(moment), at(ends), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_moment_is_in_its_window(seconds in 0..253_402_300_799_i64) {
            let moment = Moment::from_unix_seconds(seconds);
            for window in BudgetWindow::ALL {
                let (begins, ends) = (window.begins(moment), window.ends(moment));
                prop_assert!(begins <= moment && moment < ends);
                let last = ends.minus(Duration::from_micros(1));
                prop_assert_eq!(window.name(last), window.name(moment));
                prop_assert_ne!(window.name(ends), window.name(moment));
            }
        }
    }
}
