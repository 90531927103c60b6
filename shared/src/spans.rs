//! Spans of traces: what was done for a request, for how long, and below what. They are sent to an OpenTelemetry
//! collector, where the operator names one.
//!
//! Names and attributes are those of OpenTelemetry's semantic conventions, <https://opentelemetry.io/docs/specs/semconv/>.
//! Each value of an attribute is a number, a word of the sources, or one of few that the deployment knows: what a client or
//! a tenant says is never one.
//!
//! They are written here and not by the crates of OpenTelemetry, because of what Lambda asks for: a process stands still
//! after each answer, so that spans are sent before its end and within a bound, and not by a task of their own.

mod collector;
mod otlp;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value as Json;

use crate::config::{Config, Stage};
use crate::http::TraceContext;
use crate::model::RequestId;
use collector::Collector;

/// For how long an answer waits at most until its spans are sent.
pub const PATIENCE: Duration = Duration::from_millis(250);
/// How many spans wait to be sent at most. Further ones are lost.
const MOST_WAITING: usize = 1_000;

/// What the operator calls the share of traces that begin here and are recorded, in words.
pub(crate) const SAMPLING_RULE: &str = "a number from 0 to 1";

/// Where spans go. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Spans(Option<Arc<Recorder>>);

#[derive(Debug)]
struct Recorder {
    /// The function that this process is.
    function: OnceLock<&'static str>,
    stage: Stage,
    /// The share of traces that begin here which is recorded, from 0 to 1.
    sampling: f64,
    waiting: Mutex<Vec<Ended>>,
    /// `None` keeps them.
    collector: Option<Collector>,
}

/// A span that has ended.
#[derive(Debug)]
struct Ended {
    trace: TraceContext,
    noted: Noted,
    /// How long it took.
    took: Duration,
}

/// What is noted of a span while it is recorded.
#[derive(Debug)]
struct Noted {
    kind: Kind,
    /// The first word of its name.
    operation: &'static str,
    /// The rest of its name, if it is not empty.
    target: String,
    began: SystemTime,
    since: Instant,
    attributes: Vec<(&'static str, Value)>,
    failed: bool,
}

/// What a span is to those around it. The numbers are those of OTLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A request that is answered.
    Server = 2,
    /// Something that is asked of others.
    Client = 3,
    /// A message that is sent.
    Producer = 4,
    /// A message that is worked on.
    Consumer = 5,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A text that the deployment knows.
    Text(Cow<'static, str>),
    /// A number.
    Number(u64),
}

/// A step of a trace, from its beginning until it is dropped.
#[derive(Debug)]
pub struct Span {
    trace: TraceContext,
    /// `None` if it is not recorded.
    noted: Option<Box<Noted>>,
}

impl Spans {
    /// As the settings say: to a collector, or nowhere.
    pub fn new(config: &Config) -> Self {
        let Some(endpoint) = &config.traces_endpoint else {
            return Self::default();
        };
        let collector = Some(Collector::new(endpoint));
        Self::with(config.stage, config.trace_sampling, collector)
    }

    /// One that keeps all spans of all traces, for tests.
    pub fn memory() -> Self {
        Self::with(Stage::Local, 1.0, None)
    }

    fn with(stage: Stage, sampling: f64, collector: Option<Collector>) -> Self {
        Self(Some(Arc::new(Recorder {
            function: OnceLock::new(),
            stage,
            sampling,
            waiting: Mutex::default(),
            collector,
        })))
    }

    /// Says which function this process is, and makes ready what the first spans would wait for otherwise.
    pub fn prepare(&self, function: &'static str) {
        let Some(recorder) = &self.0 else { return };
        recorder.function.get_or_init(|| function);
        if let Some(collector) = &recorder.collector {
            collector.prepare();
        }
    }

    /// Whether a trace that begins here is recorded, which its id decides.
    pub(crate) fn samples(&self, trace_id: u128) -> bool {
        let Some(recorder) = &self.0 else {
            return false;
        };
        // Bits above them may be a counter's: ids of ours are UUIDs of version 7.
        let random = u32::try_from(trace_id & 0xffff_ffff).unwrap_or_default();
        f64::from(random) / (f64::from(u32::MAX) + 1.0) >= 1.0 - recorder.sampling
    }

    const fn is_on(&self) -> bool {
        self.0.is_some()
    }

    fn record(&self, span: Ended) {
        let Some(recorder) = &self.0 else { return };
        let lost = {
            let mut waiting = recorder.waiting();
            let full = recorder.collector.as_ref();
            let full = full.filter(|_| waiting.len() >= MOST_WAITING);
            if full.is_none() {
                waiting.push(span);
            }
            full
        };
        if let Some(collector) = lost {
            collector.lose(1);
        }
    }

    /// Sends what waits, before this process may stand still. It takes at most [`PATIENCE`] and never fails: what the
    /// collector does not take is lost, and the log says how much.
    pub async fn flush(&self) {
        let Some(recorder) = &self.0 else { return };
        let Some(collector) = &recorder.collector else {
            return;
        };
        if collector.is_left_alone() {
            return;
        }
        let spans = std::mem::take(&mut *recorder.waiting());
        if !spans.is_empty() {
            let document = recorder.document(&spans).to_string();
            collector.send(document, spans.len()).await;
        }
    }

    /// The spans that were kept since this was asked last, as a collector would get them; of others none.
    pub fn take(&self) -> Json {
        let Some(recorder) = self.0.as_ref().filter(|it| it.collector.is_none()) else {
            return Json::Null;
        };
        let spans = std::mem::take(&mut *recorder.waiting());
        recorder.document(&spans)
    }
}

impl Recorder {
    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<Ended>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn document(&self, spans: &[Ended]) -> Json {
        let function = self.function.get().copied();
        otlp::document(function.unwrap_or("chatter"), self.stage, spans)
    }
}

impl Span {
    /// Begins a step below that one. Its name is the operation with the target.
    pub fn begin(
        above: &TraceContext,
        kind: Kind,
        operation: &'static str,
        target: impl Into<String>,
    ) -> Self {
        Self::of(above.child(), kind, operation, target)
    }

    /// Begins a step below the one that is under way here. Where there is none it is not recorded.
    pub fn here(kind: Kind, operation: &'static str, target: impl Into<String>) -> Self {
        let above = TraceContext::here(RequestId::new());
        Self::begin(&above, kind, operation, target)
    }

    /// Begins the step that this context is.
    pub(crate) fn of(
        trace: TraceContext,
        kind: Kind,
        operation: &'static str,
        target: impl Into<String>,
    ) -> Self {
        let recorded = trace.is_sampled() && trace.spans().is_on();
        #[expect(
            clippy::disallowed_methods,
            reason = "collectors compare it with others' times"
        )]
        let noted = recorded.then(|| {
            Box::new(Noted {
                kind,
                operation,
                target: target.into(),
                began: SystemTime::now(),
                since: Instant::now(),
                attributes: Vec::new(),
                failed: false,
            })
        });
        Self { trace, noted }
    }

    /// What goes to those who are asked in this step, so that what they do stands below it.
    pub const fn trace(&self) -> &TraceContext {
        &self.trace
    }

    pub(crate) const fn is_recorded(&self) -> bool {
        self.noted.is_some()
    }

    /// Another target, where it is known only later.
    pub(crate) fn target(&mut self, target: &str) {
        if let Some(noted) = &mut self.noted {
            target.clone_into(&mut noted.target);
        }
    }

    /// Notes an attribute, in the place of what it was: nothing that a client or a tenant has named.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(noted) = &mut self.noted {
            noted.attributes.retain(|(other, _)| *other != name);
            noted.attributes.push((name, value.into()));
        }
    }

    /// Notes that it failed, and in which of few ways.
    pub fn fail(&mut self, why: impl Into<Cow<'static, str>>) {
        if let Some(noted) = &mut self.noted
            && !noted.failed
        {
            noted.failed = true;
            noted
                .attributes
                .push(("error.type", Value::Text(why.into())));
        }
    }

    /// Notes how it failed, if it did.
    pub fn note<T>(&mut self, outcome: crate::Result<T>) -> crate::Result<T> {
        if let Err(error) = &outcome {
            self.fail(crate::http::Problem::slug(error));
        }
        outcome
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(noted) = self.noted.take() {
            self.trace.spans().record(Ended {
                trace: self.trace.clone(),
                took: noted.since.elapsed(),
                noted: *noted,
            });
        }
    }
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}
