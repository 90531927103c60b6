//! Spans as a collector gets them.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::TestApi;

/// A span that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The trace: 32 hex digits.
    pub trace: String,
    /// The span: 16 hex digits.
    pub id: String,
    /// The span above it; empty if there is none.
    pub parent: String,
    /// What was done.
    pub name: String,
    /// 2 is a server's, 3 a client's, 4 a producer's, 5 a consumer's.
    pub kind: u64,
    /// Its attributes: texts, and numbers as texts.
    pub attributes: BTreeMap<String, String>,
    /// Whether its status is an error.
    pub failed: bool,
}

impl Recorded {
    /// The spans of a document of OTLP.
    pub fn read(document: &Value) -> Vec<Self> {
        let spans = document["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array();
        spans.into_iter().flatten().map(Self::one).collect()
    }

    fn one(span: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let attributes = span["attributes"].as_array().into_iter().flatten();
        let attributes = attributes.map(|one| {
            let value = &one["value"];
            let value = value["stringValue"].as_str().or(value["intValue"].as_str());
            (text(&one["key"]), value.expect("a value").to_owned())
        });
        let time = |name: &str| -> u64 { text(&span[name]).parse().expect("nanoseconds") };
        assert!(time("startTimeUnixNano") <= time("endTimeUnixNano"));
        Self {
            trace: text(&span["traceId"]),
            id: text(&span["spanId"]),
            parent: text(&span["parentSpanId"]),
            name: text(&span["name"]),
            kind: span["kind"].as_u64().expect("a kind"),
            attributes: attributes.collect(),
            failed: span["status"]["code"] == 2,
        }
    }

    /// The value of an attribute; empty if it has none.
    pub fn attribute(&self, name: &str) -> &str {
        self.attributes.get(name).map_or("", String::as_str)
    }
}

impl TestApi {
    /// What was recorded since this was asked last, in the order in which it ended.
    pub fn spans(&self) -> Vec<Recorded> {
        Recorded::read(&self.app.spans.take())
    }
}
