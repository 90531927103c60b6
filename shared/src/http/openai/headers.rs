//! The headers that OpenAI's clients read.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::super::limit::Tightest;

const PROCESSING: HeaderName = HeaderName::from_static("openai-processing-ms");
const VERSION: HeaderName = HeaderName::from_static("openai-version");
/// The one version that OpenAI's API says it has.
const THE_VERSION: HeaderValue = HeaderValue::from_static("2020-10-01");
const LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
const REMAINING: HeaderName = HeaderName::from_static("x-ratelimit-remaining-requests");
const RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");

/// Writes how long it took and, where requests were counted, where the client is with its limits. There are none of
/// tokens: those that budgets count are no rate.
pub(in super::super) fn write_headers(
    headers: &mut HeaderMap,
    took: Duration,
    tightest: Option<Tightest>,
) {
    let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    headers.insert(PROCESSING, milliseconds.into());
    headers.insert(VERSION, THE_VERSION);
    let Some(Tightest {
        quota,
        remaining,
        reset,
    }) = tightest
    else {
        return;
    };
    headers.insert(LIMIT, quota.into());
    headers.insert(REMAINING, remaining.into());
    if let Ok(reset) = HeaderValue::try_from(duration(reset)) {
        headers.insert(RESET, reset);
    }
}

/// `1s`, `6m0s`, `24h0m0s`: as OpenAI writes it, which is how Go does.
fn duration(seconds: u64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_openai_does() {
        for (seconds, text) in [
            (0, "0s"),
            (1, "1s"),
            (59, "59s"),
            (60, "1m0s"),
            (360, "6m0s"),
            (3661, "1h1m1s"),
            (86_400, "24h0m0s"),
        ] {
            assert_eq!(duration(seconds), text);
        }
    }

    #[test]
    fn what_nothing_counted_has_no_limits() {
        let mut headers = HeaderMap::new();
        write_headers(&mut headers, Duration::from_micros(1_900), None);
        assert_eq!(headers[&PROCESSING], "1");
        assert_eq!(headers[&VERSION], "2020-10-01");
        assert_eq!(headers.len(), 2);
        let tightest = Tightest {
            quota: 600,
            remaining: 0,
            reset: 61,
        };
        write_headers(&mut headers, Duration::ZERO, Some(tightest));
        assert_eq!(headers[&LIMIT], "600");
        assert_eq!(headers[&REMAINING], "0");
        assert_eq!(headers[&RESET], "1m1s");
    }
}
