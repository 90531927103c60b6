//! Dates in a workbook, which are numbers with a format.

use std::collections::HashSet;

use crate::failure::Result;
use crate::limits::Budget;
use crate::xml::{self, Node};

/// Which cell formats show a number as a date, by their index.
pub(super) fn date_formats(styles: &str, budget: &Budget<'_>) -> Result<HashSet<usize>> {
    let mut own: HashSet<u32> = HashSet::new();
    let mut dates = HashSet::new();
    let mut in_formats = false;
    let mut index = 0;
    xml::walk(styles, budget, &mut |node| {
        match node {
            Node::Open("numFmt", element) => {
                let id = element.attribute("numFmtId").and_then(|id| id.parse().ok());
                if let Some(id) = id.filter(|_| {
                    element
                        .attribute("formatCode")
                        .is_some_and(|code| shows_date(&code))
                }) {
                    own.insert(id);
                }
            }
            Node::Open("cellXfs", _) => in_formats = true,
            Node::Close("cellXfs") => in_formats = false,
            Node::Open("xf", element) if in_formats => {
                let id = element
                    .attribute("numFmtId")
                    .and_then(|id| id.parse::<u32>().ok())
                    .unwrap_or(0);
                // The dates among the formats that every workbook has.
                if matches!(id, 14..=17 | 22) || own.contains(&id) {
                    dates.insert(index);
                }
                index += 1;
            }
            _ => {}
        }
        Ok(())
    })?;
    Ok(dates)
}

/// A format that has a year or a day in it, outside what it writes as it stands.
fn shows_date(code: &str) -> bool {
    let mut chars = code.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => drop(chars.by_ref().find(|c| *c == '"')),
            '[' => drop(chars.by_ref().find(|c| *c == ']')),
            '\\' | '_' | '*' => drop(chars.next()),
            'y' | 'Y' | 'd' | 'D' => return true,
            _ => {}
        }
    }
    false
}

/// Days from 1 January of the year 1 to 30 December 1899, from which Excel counts; 1 March 1900 is the first day that it
/// counts as everybody else does.
const EPOCH: i64 = 693_593;
/// How much later the workbooks of old Macintoshes begin.
const EPOCH_1904: i64 = 1462;
/// 31 December 9999, which is the last day of Excel.
const LAST: f64 = 2_958_466.0;

/// The day, and the time if there is one, as ISO 8601. `None` if the number is no date.
pub(super) fn iso(serial: &str, since_1904: bool) -> Option<String> {
    let serial: f64 = serial
        .parse()
        .ok()
        .filter(|serial| (1.0..LAST).contains(serial))?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is between one and three million"
    )]
    let seconds = (serial * 86_400.0).round() as i64;
    let day = seconds / 86_400 + EPOCH + if since_1904 { EPOCH_1904 } else { 0 };
    let (year, month, day) = civil(day);
    let date = format!("{year:04}-{month:02}-{day:02}");
    Some(match seconds % 86_400 {
        0 => date,
        time => format!(
            "{date}T{:02}:{:02}:{:02}",
            time / 3600,
            time / 60 % 60,
            time % 60
        ),
    })
}

/// The Gregorian date of a day counted from 1 January of the year 1.
fn civil(days: i64) -> (i64, i64, i64) {
    // In years that begin in March the leap day is the last, so that months have a rhythm: 153 days in each five.
    let days = days + 306;
    let era = days / 146_097;
    let of_era = days % 146_097;
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_a_day_and_a_time() {
        assert_eq!(iso("45231", false).as_deref(), Some("2023-11-01"));
        assert_eq!(iso("61", false).as_deref(), Some("1900-03-01"));
        assert_eq!(iso("36585", false).as_deref(), Some("2000-02-29"));
        assert_eq!(
            iso("45231.75", false).as_deref(),
            Some("2023-11-01T18:00:00")
        );
        assert_eq!(iso("43769", true).as_deref(), Some("2023-11-01"));
        assert_eq!(iso("2958465", false).as_deref(), Some("9999-12-31"));
        for no_date in ["0.5", "-3", "1e300", "NaN", "x", ""] {
            assert_eq!(iso(no_date, false), None, "{no_date}");
        }
    }

    #[test]
    fn a_format_shows_a_date_by_its_own_letters() {
        for code in ["yyyy-mm-dd", "d. MMMM", "[$-409]d/m/yy"] {
            assert!(shows_date(code), "{code}");
        }
        for code in ["0.00", "General", "\"day\" 0", "[Red]0", "h:mm", "0\\d"] {
            assert!(!shows_date(code), "{code}");
        }
    }
}
