//! The only reader of the time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// A moment, in microseconds since 1970-01-01T00:00:00Z.
///
/// That is how moments are stored: as a DynamoDB number it sorts. Clients see RFC 3339.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(transparent)]
pub struct Moment(i64);

impl Moment {
    /// Whole seconds since 1970, as in JWT claims (RFC 7519 `NumericDate`) and DynamoDB's TTL attribute.
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The moment of a number of whole seconds since 1970.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000))
    }

    /// This moment and `duration` more.
    pub fn plus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    /// `duration` before this moment.
    pub fn minus(self, duration: Duration) -> Self {
        let micros = i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// How long before this moment `earlier` was; zero if it was not.
    pub fn since(self, earlier: Self) -> Duration {
        let micros = self.0.saturating_sub(earlier.0);
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// The day in UTC, `2026-01-31`.
    pub fn day(self) -> String {
        self.rfc3339().chars().take(10).collect()
    }

    /// The moment of a text in RFC 3339, such as `2026-01-31T09:30:00Z`. `None` if it is none.
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        Some(Self(moment.as_microsecond()))
    }

    /// A day as [`Moment::day`] writes it. `None` if the text is none.
    pub fn parse_day(text: &str) -> Option<String> {
        let day: jiff::civil::Date = text.parse().ok()?;
        // Other spellings are read too.
        Some(day.to_string()).filter(|day| day == text)
    }

    /// The date of HTTP headers (RFC 9110, section 5.6.7), in whole seconds: `Thu, 01 Jan 2026 00:00:00 GMT`.
    pub fn http_date(self) -> String {
        let moment = jiff::Timestamp::from_second(self.unix_seconds());
        let text = moment.and_then(|moment| {
            jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&moment)
        });
        text.unwrap_or_default()
    }

    /// RFC 3339 in UTC with microseconds.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_microsecond(self.0)
            .map(|moment| format!("{moment:.6}"))
            .unwrap_or_default()
    }
}

/// Where the current time comes from: the system, or in tests a hand that moves only when told.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until it is advanced.
    pub fn manual(start: Moment) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The current moment.
    pub fn now(&self) -> Moment {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the place that may")]
            Source::System => Moment(jiff::Timestamp::now().as_microsecond()),
            Source::Manual(micros) => Moment(micros.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock; the system's clock can't be moved and stays as it is.
    pub fn advance(&self, duration: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.store(self.now().plus(duration).0, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc3339_with_six_digits() {
        assert_eq!(
            Moment(1_700_000_000_000_000).rfc3339(),
            "2023-11-14T22:13:20.000000Z"
        );
        assert_eq!(Moment(1_700_000_000_120_000).unix_seconds(), 1_700_000_000);
    }

    #[test]
    fn a_moment_reads_back_whatever_zone_it_was_written_in() {
        let moment = Moment(1_700_000_000_120_000);
        assert_eq!(Moment::from_rfc3339(&moment.rfc3339()), Some(moment));
        assert_eq!(
            Moment::from_rfc3339("2023-11-14T23:13:20.12+01:00"),
            Some(moment)
        );
        for wrong in [
            "",
            "2023-11-14",
            "2023-11-14T22:13:20",
            "1700000000",
            "2023-13-14T22:13:20Z",
        ] {
            assert_eq!(Moment::from_rfc3339(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_day_has_one_spelling() {
        assert_eq!(
            Moment::parse_day("2024-02-29").as_deref(),
            Some("2024-02-29")
        );
        for wrong in [
            "",
            "2023-02-29",
            "20240229",
            "2024-02-29T00:00:00",
            "2024-2-29",
            "2024-02-29#",
        ] {
            assert_eq!(Moment::parse_day(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn time_before_a_moment_counts_as_none() {
        let now = Moment::from_unix_seconds(10);
        assert_eq!(now.since(Moment::from_unix_seconds(12)), Duration::ZERO);
        assert_eq!(
            now.since(Moment::from_unix_seconds(7)),
            Duration::from_secs(3)
        );
    }
}
