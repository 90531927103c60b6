//! A collector that takes OTLP over HTTP, and what becomes of spans where it does not.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value as Json;

use super::PATIENCE;

/// For how long a collector that failed is left alone, so that not every answer waits for it.
const PAUSE: Duration = Duration::from_secs(5);
/// How often the log tells of spans that were lost, at most.
const TELLING: Duration = Duration::from_secs(60);
/// How much of an answer is read, in bytes.
const MAX_ANSWER_BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(super) struct Collector {
    url: String,
    /// `None` inside if it can't be made.
    http: OnceLock<Option<reqwest::Client>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    left_alone_until: Option<Instant>,
    told: Option<Instant>,
    /// How many spans were lost since it was told.
    lost: u64,
}

/// What a collector says that did not take all of them.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    #[serde(default)]
    partial_success: Option<Partial>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Partial {
    /// A number, or a text that is one.
    #[serde(default)]
    rejected_spans: Json,
}

impl Collector {
    /// The one whose paths begin with that address.
    pub(super) fn new(endpoint: &str) -> Self {
        Self {
            url: format!("{endpoint}/v1/traces"),
            http: OnceLock::new(),
            state: Mutex::default(),
        }
    }

    /// Makes the client, which takes a while.
    pub(super) fn prepare(&self) {
        self.http.get_or_init(|| {
            let client = crate::trust::client()
                .timeout(PATIENCE)
                .redirect(reqwest::redirect::Policy::none())
                .build();
            client
                .inspect_err(|error| tracing::error!(error = ?error, "no spans are sent: {error}"))
                .ok()
        });
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_left_alone(&self) -> bool {
        let until = self.state().left_alone_until;
        until.is_some_and(|until| Instant::now() < until)
    }

    /// Counts spans that nobody gets.
    pub(super) fn lose(&self, spans: u64) {
        self.tell(spans, "too many wait");
    }

    /// Sends so many spans, and waits at most [`PATIENCE`] for it.
    pub(super) async fn send(&self, document: String, spans: usize) {
        let spans = u64::try_from(spans).unwrap_or(u64::MAX);
        let sent = tokio::time::timeout(PATIENCE, self.sent(document)).await;
        let why = match sent {
            Ok(Ok(0)) => return,
            Ok(Ok(rejected)) => {
                self.tell(rejected.min(spans), "the collector rejected some");
                return;
            }
            Ok(Err(why)) => why,
            Err(_) => "the collector took too long".to_owned(),
        };
        self.state().left_alone_until = Some(Instant::now() + PAUSE);
        self.tell(spans, &why);
    }

    /// Sends them. How many of them were rejected, or why all are lost.
    async fn sent(&self, document: String) -> Result<u64, String> {
        self.prepare();
        let http = self.http.get().and_then(Option::as_ref);
        let http = http.ok_or("there is no client")?;
        let request = http.post(&self.url);
        let request = request
            .header(CONTENT_TYPE, "application/json")
            .body(document);
        // The address may have something in it that is nobody's business.
        let failed = |error: reqwest::Error| error.without_url().to_string();
        let mut response = request.send().await.map_err(failed)?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("the collector answered {}", status.as_u16()));
        }
        // Read to its end, so that the connection can be used again.
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            body.extend_from_slice(&chunk);
            if body.len() > MAX_ANSWER_BYTES {
                return Ok(0);
            }
        }
        Ok(rejected(&body))
    }

    /// Counts spans that were lost, and tells of all that were, at most once in a while.
    fn tell(&self, spans: u64, why: &str) {
        let lost = {
            let mut state = self.state();
            state.lost = state.lost.saturating_add(spans);
            if state.told.is_some_and(|told| told.elapsed() < TELLING) {
                return;
            }
            state.told = Some(Instant::now());
            std::mem::take(&mut state.lost)
        };
        tracing::warn!(alarm = "traces", lost, why, "{lost} spans are lost: {why}");
    }
}

/// How many spans the collector says that it did not take. Other encodings than JSON say nothing here.
fn rejected(body: &[u8]) -> u64 {
    let answer: Option<Answer> = serde_json::from_slice(body).ok();
    let partial = answer.and_then(|answer| answer.partial_success);
    let rejected = partial.map(|partial| partial.rejected_spans);
    match rejected {
        Some(Json::Number(number)) => number.as_u64().unwrap_or_default(),
        Some(Json::String(text)) => text.parse().unwrap_or_default(),
        _ => 0,
    }
}
