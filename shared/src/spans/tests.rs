//! What a collector is sent, and what becomes of spans that it does not take.

use std::io::Write;

use http::HeaderMap;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::*;
use crate::telemetry::{Levels, subscriber};

/// A collector that refuses every connection.
const NOBODY: &str = "http://127.0.0.1:9";

fn to_nobody() -> Spans {
    Spans::with(Stage::Local, 1.0, Some(Collector::new(NOBODY)))
}

/// A trace whose steps are recorded there.
fn trace(spans: &Spans) -> TraceContext {
    let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    TraceContext::of_message([("traceparent", parent)], spans)
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("a lock").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Lines {
    fn told(&self) -> Vec<Json> {
        let text = String::from_utf8(self.0.lock().expect("a lock").clone()).expect("UTF-8");
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect()
    }
}

#[test]
fn a_span_is_as_otlp_wants_it() {
    let spans = Spans::memory();
    spans.prepare("chat");
    let above = trace(&spans);
    let mut span = Span::begin(&above, Kind::Client, "chat", "m");
    span.set("gen_ai.request.model", "m");
    span.set("gen_ai.usage.input_tokens", 7);
    span.fail("first");
    span.fail("second");
    let id = span.trace().span_id();
    drop(span);
    drop(Span::of(above.clone(), Kind::Server, "GET", ""));
    let document = spans.take();
    let resource = &document["resourceSpans"][0]["resource"]["attributes"];
    assert_eq!(
        resource[1],
        json!({"key": "service.name", "value": {"stringValue": "chat"}})
    );
    let mut recorded = document["resourceSpans"][0]["scopeSpans"][0]["spans"].clone();
    for span in recorded.as_array_mut().expect("spans") {
        for time in ["startTimeUnixNano", "endTimeUnixNano"] {
            let nanoseconds: u128 = span[time].as_str().expect(time).parse().expect(time);
            assert!(nanoseconds > 1_700_000_000_000_000_000, "{nanoseconds}");
            span[time] = "some".into();
        }
    }
    let trace_id = "0af7651916cd43dd8448eb211c80319c";
    let wanted = json!([
        {"traceId": trace_id, "spanId": id, "parentSpanId": above.span_id(), "name": "chat m", "kind": 3,
         "startTimeUnixNano": "some", "endTimeUnixNano": "some", "status": {"code": 2}, "attributes": [
            {"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "7"}},
            {"key": "error.type", "value": {"stringValue": "first"}}]},
        {"traceId": trace_id, "spanId": above.span_id(), "parentSpanId": "b7ad6b7169203331", "name": "GET", "kind": 2,
         "startTimeUnixNano": "some", "endTimeUnixNano": "some", "attributes": []},
    ]);
    assert_eq!(recorded, wanted);
}

#[test]
fn the_share_that_was_asked_for_is_recorded() {
    let sampled = |share| {
        let spans = Spans::with(Stage::Local, share, None);
        let begun = (0..4_000).filter(|_| {
            let none: [(&str, &str); 0] = [];
            TraceContext::of_message(none, &spans).is_sampled()
        });
        begun.count()
    };
    assert_eq!((sampled(0.0), sampled(1.0)), (0, 4_000));
    // Five standard deviations around a thousand.
    assert!((860..1_140).contains(&sampled(0.25)));
}

#[test]
fn nothing_is_recorded_where_there_is_no_collector_or_no_step_here() {
    let mut span = Span::begin(&trace(&Spans::default()), Kind::Client, "chat", "m");
    span.set("gen_ai.request.model", "m");
    assert!(!span.is_recorded());
    assert!(!Span::here(Kind::Client, "chat", "m").is_recorded());
    assert_ne!(span.trace().outgoing(), HeaderMap::new());
}

#[tokio::test]
async fn what_a_collector_does_not_take_is_lost_and_told_once_in_a_while() {
    let lines = Lines::default();
    let log = subscriber(&[], Levels::default(), lines.clone());
    let _log = tracing::subscriber::set_default(log);
    let spans = to_nobody();
    let above = trace(&spans);
    drop(Span::begin(&above, Kind::Client, "chat", "one"));
    spans.flush().await;
    // It is left alone now, and what waits is kept until too much does.
    for _ in 0..MOST_WAITING + 20 {
        drop(Span::begin(&above, Kind::Client, "chat", "more"));
    }
    spans.flush().await;
    let told = lines.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["alarm"], "traces");
    assert_eq!(told[0]["lost"], 1);
    assert!(!told[0].to_string().contains("127.0.0.1"), "{told:?}");
    let recorder = spans.0.as_ref().expect("it is on");
    assert_eq!(recorder.waiting().len(), MOST_WAITING);
}
