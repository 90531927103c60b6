//! Spans as OTLP has them, in JSON: <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value as Json, json};

use super::{Ended, Value};
use crate::config::Stage;

/// That a span failed, as OTLP says it.
const STATUS_ERROR: u8 = 2;

/// An `ExportTraceServiceRequest`.
pub(super) fn document(function: &str, stage: Stage, spans: &[Ended]) -> Json {
    let resource = [
        ("service.namespace", "chatter"),
        ("service.name", function),
        ("service.version", env!("CARGO_PKG_VERSION")),
        ("deployment.environment.name", stage.name()),
    ];
    let resource = resource.map(|(name, value)| text(name, value));
    json!({"resourceSpans": [{
        "resource": {"attributes": resource},
        "scopeSpans": [{
            "scope": {"name": "chatter", "version": env!("CARGO_PKG_VERSION")},
            "spans": spans.iter().map(span).collect::<Vec<_>>(),
        }],
    }]})
}

fn span(ended: &Ended) -> Json {
    let (trace, noted) = (&ended.trace, &ended.noted);
    let began = noted.began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let attributes = noted.attributes.iter().map(|(name, value)| match value {
        Value::Text(value) => text(name, value),
        // Numbers of 64 bits are texts there.
        Value::Number(value) => json!({"key": name, "value": {"intValue": value.to_string()}}),
    });
    let mut span = json!({
        "traceId": trace.trace_id(),
        "spanId": trace.span_id(),
        "name": match noted.target.as_str() {
            "" => noted.operation.to_owned(),
            target => format!("{} {target}", noted.operation),
        },
        "kind": noted.kind as u8,
        "startTimeUnixNano": nanoseconds(began),
        "endTimeUnixNano": nanoseconds(began + ended.took),
        "attributes": attributes.collect::<Vec<_>>(),
    });
    if let Some(parent) = trace.parent_id() {
        span["parentSpanId"] = parent.into();
    }
    if noted.failed {
        span["status"] = json!({"code": STATUS_ERROR});
    }
    span
}

fn text(name: &str, value: &str) -> Json {
    json!({"key": name, "value": {"stringValue": value}})
}

fn nanoseconds(since: Duration) -> String {
    since.as_nanos().to_string()
}
